/**
 * Documents that are JSON of a schema, on top of the commands for bytes. A stored value that does not fit is `InvalidValue`, never a defect.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Expiry } from "./Expiry.ts"
import * as Calls from "./KvCalls.ts"
import type { Document, Mutation } from "./KvCalls.ts"
import type { KvCommands } from "./KvClient.ts"
import { type Asked, InvalidValue, type KvError, reasonError } from "./KvError.ts"
import type * as Options from "./KvOptions.ts"

/** A client's commands for documents of one type. */
export interface JsonView<A> {
  readonly get: (key: Options.Key, options?: Options.KvRequestOptions) => Effect.Effect<Option.Option<Document<A>>, KvError>
  readonly getMany: (
    keys: Iterable<Options.Key>,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<ReadonlyMap<string, Document<A>>, KvError>
  readonly getAndTouch: (
    key: Options.Key,
    expiry: Expiry,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<Option.Option<Document<A>>, KvError>
  readonly set: (key: Options.Key, value: A, options?: Options.KvStoreOptions & Options.KvChangeOptions) => Effect.Effect<Mutation, KvError>
  readonly add: (key: Options.Key, value: A, options?: Options.KvStoreOptions) => Effect.Effect<Mutation, KvError>
  readonly replace: (
    key: Options.Key,
    value: A,
    options?: Options.KvStoreOptions & Options.KvChangeOptions
  ) => Effect.Effect<Mutation, KvError>
}

/** Whether an argument is a schema. */
export const isSchema = (value: object | undefined): value is Schema.Codec<unknown, unknown> => value !== undefined && "ast" in value

interface Json<A> {
  readonly decode: (text: string) => Exit.Exit<A, Schema.SchemaError>
  readonly encode: (value: A) => Exit.Exit<string, Schema.SchemaError>
}

/** Compiling a schema takes longer than using it. */
const compiled = new WeakMap<object, unknown>()

const jsonOf = <A>(schema: Schema.Codec<A, unknown>): Json<A> => {
  const known = compiled.get(schema)
  if (known !== undefined) return known as Json<A>
  const text = Schema.fromJsonString(Schema.toCodecJson(schema))
  const made: Json<A> = { decode: Schema.decodeUnknownExit(text), encode: Schema.encodeExit(text) }
  compiled.set(schema, made)
  return made
}

const decoder = new TextDecoder()

const orInvalid = <A>(exit: Exit.Exit<A, Schema.SchemaError>, asked: Asked): Effect.Effect<A, KvError> =>
  Effect.mapError(exit, (error) => reasonError(asked, new InvalidValue({ message: error.message, cause: error })))

/** Reads a document as JSON of the schema. */
export const readJson = <A>(
  schema: Schema.Codec<A, unknown>,
  { opcode, operation }: Pick<Calls.KvCall<unknown>, "opcode" | "operation">,
  address: string,
  key: string,
  read: Effect.Effect<Option.Option<Document>, KvError>
): Effect.Effect<Option.Option<Document<A>>, KvError> =>
  Effect.flatMap(read, (found) => {
    if (Option.isNone(found)) return Effect.succeed(Option.none())
    const { cas, flags, value } = found.value
    return Effect.map(
      orInvalid(jsonOf(schema).decode(decoder.decode(value)), { operation, opcode, key, address }),
      (decoded) => Option.some({ value: decoded, flags, cas })
    )
  })

/** The view of a client in which values are JSON of the schema. */
export const jsonView = <A>(schema: Schema.Codec<A, unknown>, commands: KvCommands, address: string): JsonView<A> => {
  const json = jsonOf(schema)
  const text = (key: Options.Key): string => typeof key === "string" ? key : decoder.decode(key)
  const write = <Rest extends ReadonlyArray<unknown>>(
    { opcode, operation }: Pick<Calls.KvCall<unknown>, "opcode" | "operation">,
    store: (key: Options.Key, value: string, ...rest: Rest) => Effect.Effect<Mutation, KvError>
  ) =>
  (key: Options.Key, value: A, ...rest: Rest): Effect.Effect<Mutation, KvError> =>
    Effect.flatMap(
      Effect.suspend(() => orInvalid(json.encode(value), { operation, opcode, key: text(key), address })),
      (encoded) => store(key, encoded, ...rest)
    )
  return {
    get: (key, options) => readJson(schema, Calls.get, address, text(key), commands.get(key, options)),
    getAndTouch: (key, expiry, options) =>
      readJson(schema, Calls.getAndTouch, address, text(key), commands.getAndTouch(key, expiry, options)),
    getMany: (keys, options) =>
      Effect.flatMap(commands.getMany(keys, options), (found) =>
        Effect.map(
          Effect.forEach(found, ([key, { cas, flags, value }]) =>
            Effect.map(
              orInvalid(json.decode(decoder.decode(value)), { ...Calls.getMany, key, address }),
              (decoded) => [key, { value: decoded, flags, cas }] as const
            )),
          (entries) => new Map(entries)
        )),
    set: write(Calls.set, commands.set),
    add: write(Calls.add, commands.add),
    replace: write(Calls.replace, commands.replace)
  }
}
