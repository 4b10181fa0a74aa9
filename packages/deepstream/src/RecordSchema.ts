/** Records between JSON and the types of an application. */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { DeepstreamError, InvalidRecordData } from "./DeepstreamError.ts"
import type { Json } from "./Json.ts"

interface Compiled<A> {
  readonly decode: (json: unknown) => Exit.Exit<A, Schema.SchemaError>
  readonly encode: (value: A) => Exit.Exit<unknown, Schema.SchemaError>
}

/** Compiling a schema takes longer than using it. */
const known = new WeakMap<object, unknown>()

const compile = <A>(schema: Schema.Codec<A, unknown>): Compiled<A> => {
  const found = known.get(schema) as Compiled<A> | undefined
  if (found !== undefined) return found
  const json = Schema.toCodecJson(schema)
  const made: Compiled<A> = { decode: Schema.decodeUnknownExit(json), encode: Schema.encodeExit(json) }
  known.set(schema, made)
  return made
}

const orInvalid = <A>(exit: Exit.Exit<A, Schema.SchemaError>, name: string): Effect.Effect<A, DeepstreamError> =>
  Effect.mapError(
    exit,
    (cause) =>
      new DeepstreamError({
        reason: new InvalidRecordData({ topic: "R", subject: name, message: `record ${name}: ${cause.message}`, cause })
      })
  )

/** The value in a record; fails with `InvalidRecordData` when it does not fit. Without a schema it is the JSON itself. */
export const decodeWith = <A>(schema: Schema.Codec<A, unknown> | undefined, name: string, json: Json): Effect.Effect<A, DeepstreamError> =>
  schema === undefined ? Effect.succeed(json as A) : orInvalid(compile(schema).decode(json), name)

/** The JSON of a value; fails with `InvalidRecordData` when it does not fit. */
export const encodeWith = <A>(schema: Schema.Codec<A, unknown> | undefined, name: string, value: A): Effect.Effect<Json, DeepstreamError> =>
  schema === undefined
    ? Effect.succeed(value as Json)
    : orInvalid(compile(schema).encode(value) as Exit.Exit<Json, Schema.SchemaError>, name)
