/** Documents that are JSON of a schema. What does not fit is `InvalidValue`, never a defect. */
import { type SchemaMismatch, runCodec } from "@wirewright/memcached/internal"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type EncodedValue, encodeValue, jsonOf } from "./Documents.ts"
import { InvalidValue, type KvError, kvError } from "./KvError.ts"
import type { Document } from "./KvOperations.ts"

interface Compiled {
  readonly decode: (value: unknown) => Result.Result<unknown, SchemaMismatch>
  readonly encode: (value: unknown) => Result.Result<unknown, SchemaMismatch>
}

/** Compiling a schema takes longer than using it. */
const compiled = new WeakMap<object, Compiled>()

const jsonSchema = (schema: Schema.Codec<unknown, unknown>): Compiled => {
  const known = compiled.get(schema)
  if (known !== undefined) return known
  const json = Schema.toCodecJson(schema)
  const decode = Schema.decodeUnknownExit(json)
  const encode = Schema.encodeUnknownExit(json)
  const made: Compiled = { decode: (value) => runCodec(() => decode(value)), encode: (value) => runCodec(() => encode(value)) }
  compiled.set(schema, made)
  return made
}

const invalid = (key: string, message: string, cause?: unknown): Effect.Effect<never, KvError> =>
  Effect.fail(kvError(new InvalidValue(cause === undefined ? { message } : { message, cause }), {
    operation: "Get",
    key,
    address: undefined,
    vbucket: undefined,
    opaque: undefined,
    status: undefined,
    ambiguous: false,
    attempts: 1
  }))

/** Reads a document's JSON as the schema says. */
export const decodeWith = (
  schema: Schema.Codec<unknown, unknown>,
  key: string,
  document: Document
): Effect.Effect<Document<unknown>, KvError> => {
  const json = jsonOf(document.value)
  if (Result.isFailure(json)) return invalid(key, json.failure)
  const value = jsonSchema(schema).decode(json.success)
  return Result.isFailure(value)
    ? invalid(key, value.failure.message, value.failure.cause)
    : Effect.succeed({ value: value.success, flags: document.flags, cas: document.cas })
}

/** Writes a value as JSON as the schema says. */
export const encodeWith = (
  schema: Schema.Codec<unknown, unknown>,
  value: unknown,
  flags: number | undefined
): Result.Result<EncodedValue, string> =>
  Result.match(jsonSchema(schema).encode(value), {
    onFailure: ({ message }) => Result.fail(message),
    onSuccess: (json) => encodeValue(json, flags === undefined ? { format: "json" } : { format: "json", flags }, true)
  })
