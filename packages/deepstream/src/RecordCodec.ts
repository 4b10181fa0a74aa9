/** Records between JSON and the types of an application. */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { Json } from "./Json.ts"
import type { compile, RecordCodec } from "./RecordSchema.ts"

/** JSON as it is. */
const plain: RecordCodec<Json> = {
  decode: (_, json) => Effect.succeed(json),
  encode: (_, value) => Effect.succeed(value)
}

let loaded: typeof compile | undefined

/** The codec of a schema, or of JSON itself without one. */
export const codecOf = <A>(schema: Schema.Codec<A, unknown> | undefined): Effect.Effect<RecordCodec<A>> =>
  Effect.suspend(() => {
    if (schema === undefined) return Effect.succeed(plain as unknown as RecordCodec<A>)
    if (loaded !== undefined) return Effect.succeed(loaded(schema))
    return Effect.map(Effect.promise(() => import("./RecordSchema.ts")), (module) => {
      loaded = module.compile
      return loaded(schema)
    })
  })
