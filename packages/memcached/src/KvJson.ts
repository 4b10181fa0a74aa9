/**
 * Documents that are JSON of a schema, on top of the commands for bytes. A stored value that does not fit is `InvalidValue`, never a defect.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { jsonCodec, type SchemaMismatch } from "./JsonDocuments.ts"
import type { Document, Mutation } from "./KvCalls.ts"
import type { JsonView, KvCommands } from "./KvCommands.ts"
import { type RequestFacts, InvalidValue, type MemcachedError, reasonError } from "./KvError.ts"
import { forMany, Gathering } from "./KvMany.ts"
import type * as Options from "./KvOptions.ts"
import { textOf } from "./KvValues.ts"

const orInvalid = <A>(result: Result.Result<A, SchemaMismatch>, facts: RequestFacts): Effect.Effect<A, MemcachedError> =>
  Effect.fromResult(Result.mapError(result, (mismatch) => reasonError(facts, new InvalidValue(mismatch))))

/** Reads a document as JSON of the schema. */
export const readJson = <A>(
  schema: Schema.Codec<A, unknown>,
  operation: string,
  address: string,
  key: string,
  read: Effect.Effect<Option.Option<Document>, MemcachedError>
): Effect.Effect<Option.Option<Document<A>>, MemcachedError> =>
  Effect.flatMap(read, (found) => {
    if (Option.isNone(found)) return Effect.succeed(Option.none())
    const { cas, flags, value } = found.value
    return Effect.map(
      orInvalid(jsonCodec(schema).decode(value), { operation, opcode: undefined, key, address }),
      (decoded) => Option.some({ value: decoded, flags, cas })
    )
  })

/** The view of a client in which values are JSON of the schema. */
export const jsonView = <A>(
  schema: Schema.Codec<A, unknown>,
  commands: KvCommands,
  addressOf: (key: Options.Key) => string
): JsonView<A> => {
  const json = jsonCodec(schema)
  const write = <Rest extends ReadonlyArray<unknown>>(
    operation: string,
    store: (key: Options.Key, value: string, ...rest: Rest) => Effect.Effect<Mutation, MemcachedError>
  ) =>
  (key: Options.Key, value: A, ...rest: Rest): Effect.Effect<Mutation, MemcachedError> =>
    Effect.flatMap(
      Effect.suspend(() => orInvalid(json.encode(value), { operation, opcode: undefined, key: textOf(key), address: addressOf(key) })),
      (encoded) => store(key, encoded, ...rest)
    )
  const set = write("set", commands.set)
  return {
    get: (key, options) => readJson(schema, "get", addressOf(key), textOf(key), commands.get(key, options)),
    getAndTouch: (key, expiry, options) =>
      readJson(schema, "getAndTouch", addressOf(key), textOf(key), commands.getAndTouch(key, expiry, options)),
    getMany: (keys, options) =>
      Effect.flatMap(commands.getMany(keys, options), (found) => {
        const gathering = new Gathering<Document<A>>()
        for (const [key, error] of found.failed) gathering.fail([key], error)
        for (const [key, { cas, flags, value }] of found) {
          const read = json.decode(value)
          if (Result.isSuccess(read)) gathering.set(key, { value: read.success, flags, cas })
          else {gathering.fail(
              [key],
              reasonError({ operation: "getMany", opcode: undefined, key, address: addressOf(key) }, new InvalidValue(read.failure))
            )}
        }
        return gathering.outcome
      }),
    setMany: (documents, options) => forMany(documents, ([key]) => key, ([key, value]) => set(key, value, options)),
    set,
    add: write("add", commands.add),
    replace: write("replace", commands.replace)
  }
}
