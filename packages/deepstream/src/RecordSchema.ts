/** Records as schemas have them. Loaded when a schema is first used, since it brings Effect's. */
import * as Schema from "effect/Schema"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { DeepstreamError, InvalidRecordData } from "./DeepstreamError.ts"
import type { Json } from "./Json.ts"

/** A record and its JSON, both ways. They fail with `InvalidRecordData` when the value does not fit. */
export interface RecordCodec<A> {
  readonly decode: (name: string, json: Json) => Effect.Effect<A, DeepstreamError>
  readonly encode: (name: string, value: A) => Effect.Effect<Json, DeepstreamError>
}

/** Compiling a schema takes longer than using it. */
const known = new WeakMap<object, unknown>()

const orInvalid = <A>(exit: Exit.Exit<A, Schema.SchemaError>, name: string): Effect.Effect<A, DeepstreamError> =>
  Effect.mapError(
    exit,
    (cause) =>
      new DeepstreamError({
        reason: new InvalidRecordData({ topic: "R", subject: name, message: `record ${name}: ${cause.message}`, cause })
      })
  )

/** The codec of a schema. */
export const compile = <A>(schema: Schema.Codec<A, unknown>): RecordCodec<A> => {
  const found = known.get(schema) as RecordCodec<A> | undefined
  if (found !== undefined) return found
  const json = Schema.toCodecJson(schema)
  const [decode, encode] = [Schema.decodeUnknownExit(json), Schema.encodeExit(json)]
  const made: RecordCodec<A> = {
    decode: (name, data) => orInvalid(decode(data), name),
    encode: (name, value) => orInvalid(encode(value) as Exit.Exit<Json, Schema.SchemaError>, name)
  }
  known.set(schema, made)
  return made
}
