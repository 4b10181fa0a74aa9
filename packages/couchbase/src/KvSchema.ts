/** Documents that are JSON of a schema. What does not fit is `InvalidValue`, never a defect. */
import { jsonCodec } from "@wirewright/memcached/internal"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { type EncodedValue, encodeValue } from "./Documents.ts"
import { InvalidValue, type KvError, kvError } from "./KvError.ts"
import type { Document } from "./KvOperations.ts"

const utf8 = new TextEncoder()

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
): Effect.Effect<Document<unknown>, KvError> =>
  Result.match(jsonCodec(schema).decode(document.value), {
    onFailure: ({ cause, message }) => invalid(key, message, cause),
    onSuccess: (value) => Effect.succeed({ value, flags: document.flags, cas: document.cas })
  })

/** Writes a value as JSON as the schema says. */
export const encodeWith = (
  schema: Schema.Codec<unknown, unknown>,
  value: unknown,
  flags: number | undefined
): Result.Result<EncodedValue, string> =>
  Result.match(jsonCodec(schema).encode(value), {
    onFailure: ({ message }) => Result.fail(message),
    onSuccess: (json) => encodeValue(utf8.encode(json), flags === undefined ? { format: "json" } : { format: "json", flags }, true)
  })
