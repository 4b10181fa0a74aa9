/**
 * A client of plain memcached as an Effect service: the classic commands over the binary protocol, with typed outcomes.
 *
 * A missing document is a value (`Option.none`, `false`), everything else that is not success a `KvError`. It never repeats a request: after
 * an error with `ambiguous`, only the caller knows whether doing it twice does harm.
 */
import { decodeText } from "@wirewright/codec"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { type Expiry, expirySeconds } from "./Expiry.ts"
import type { Resume } from "@wirewright/connection"
import { encodeNoop } from "./gen/index.ts"
import * as Calls from "./KvCalls.ts"
import type { Counter, Document, Mutation } from "./KvCalls.ts"
import type { KvError } from "./KvError.ts"
import { isSchema, type JsonView, jsonView, readJson } from "./KvJson.ts"
import { publish } from "./KvMetrics.ts"
import type * as Options from "./KvOptions.ts"
import { type KvCounters, KvPool } from "./KvPool.ts"

type Key = Options.Key
type Value = Options.Value

/** The commands of a client. */
export interface KvCommands {
  /** Reads a document; with a schema, one that was stored as JSON. */
  readonly get: {
    (key: Key, options?: Options.KvRequestOptions): Effect.Effect<Option.Option<Document>, KvError>
    <A>(key: Key, schema: Schema.Codec<A, unknown>, options?: Options.KvRequestOptions): Effect.Effect<Option.Option<Document<A>>, KvError>
  }
  /** Reads many documents in batches of quiet requests; those that are missing are not in the result. */
  readonly getMany: (
    keys: Iterable<Key>,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<ReadonlyMap<string, Document>, KvError>
  /** Stores a document whether there is one or not; with a CAS, only over that version. */
  readonly set: (
    key: Key,
    value: Value,
    options?: Options.KvStoreOptions & Options.KvChangeOptions
  ) => Effect.Effect<Mutation, KvError>
  /** Stores a document that must not exist, else `Exists`. */
  readonly add: (key: Key, value: Value, options?: Options.KvStoreOptions) => Effect.Effect<Mutation, KvError>
  /** Stores a document that must exist, else `NotFound`. */
  readonly replace: (
    key: Key,
    value: Value,
    options?: Options.KvStoreOptions & Options.KvChangeOptions
  ) => Effect.Effect<Mutation, KvError>
  /** Removes a document; false when there was none. */
  readonly remove: (key: Key, options?: Options.KvChangeOptions) => Effect.Effect<boolean, KvError>
  /** Adds bytes at the end of a document, which must exist, else `NotStored`. */
  readonly append: (key: Key, value: Value, options?: Options.KvChangeOptions) => Effect.Effect<Mutation, KvError>
  /** Adds bytes at the beginning of a document, which must exist, else `NotStored`. */
  readonly prepend: (key: Key, value: Value, options?: Options.KvChangeOptions) => Effect.Effect<Mutation, KvError>
  /** Adds to a counter; wraps at 2⁶⁴. */
  readonly increment: (key: Key, options?: Options.KvCountOptions) => Effect.Effect<Counter, KvError>
  /** Subtracts from a counter; stops at 0. */
  readonly decrement: (key: Key, options?: Options.KvCountOptions) => Effect.Effect<Counter, KvError>
  /** Sets when a document ends; false when there is none. */
  readonly touch: (key: Key, expiry: Expiry, options?: Options.KvRequestOptions) => Effect.Effect<boolean, KvError>
  /** Reads a document and sets when it ends. */
  readonly getAndTouch: (
    key: Key,
    expiry: Expiry,
    options?: Options.KvRequestOptions
  ) => Effect.Effect<Option.Option<Document>, KvError>
  /** A view in which values are JSON of this schema. */
  readonly json: <A>(schema: Schema.Codec<A, unknown>) => JsonView<A>
  /** Statistics of the server by name; of a group such as `items` when one is given. */
  readonly stats: (group?: string, options?: Options.KvRequestOptions) => Effect.Effect<ReadonlyMap<string, string>, KvError>
  /** The server's version. */
  readonly version: Effect.Effect<string, KvError>
  /** Forgets all documents, now or later. */
  readonly flush: (options?: { readonly after?: Expiry } & Options.KvRequestOptions) => Effect.Effect<void, KvError>
  /** Does nothing, which shows that the server is there. */
  readonly noop: Effect.Effect<void, KvError>
  /** Sets how much the server logs; 0 is least. */
  readonly verbosity: (level: number) => Effect.Effect<void, KvError>
  /** Takes leave of the server and ends the client: requests fail from now on. */
  readonly quit: Effect.Effect<void>
  /** What was counted so far. */
  readonly counters: Effect.Effect<KvCounters>
}

const noBytes = new Uint8Array(0)
const encoder = new TextEncoder()
/** Keys of one batch of `getMany`: at most 270 KiB of requests. */
const batch = 1000

const textOf = (key: Key): string => typeof key === "string" ? key : decodeText(key, 0, key.length)
const bytesOf = (value: Value): Uint8Array => typeof value === "string" ? encoder.encode(value) : value
const millis = (timeout: Duration.Input | undefined): number | undefined => timeout === undefined ? undefined : Duration.toMillis(timeout)
/** The wire's way to say that a missing counter is not created. */
const createNone = 0xffff_ffff

const packet = <A>(
  pool: KvPool,
  call: Calls.KvCall<A>,
  resume: Resume<A, KvError>,
  key: string,
  value: Uint8Array,
  flags: number,
  expiry: Expiry | undefined,
  cas: bigint
): Calls.KvPacket<A> =>
  new Calls.KvPacket(pool, call, resume, key, value, flags, expiry === undefined ? 0 : expirySeconds(expiry, Date.now()), cas)

/** The commands on the connections of a pool. */
const commandsOf = (pool: KvPool, spans: boolean): KvCommands => {
  const traced = <A>(operation: string, key: string, effect: Effect.Effect<A, KvError>): Effect.Effect<A, KvError> =>
    spans
      ? Effect.withSpan(effect, `kv.${operation}`, {
        kind: "client",
        attributes: { "db.system.name": "memcached", "server.address": pool.address, "db.operation.name": operation, "kv.key": key }
      })
      : effect

  const run = <A>(
    call: Calls.KvCall<A>,
    key: Key,
    value: Value,
    flags: number,
    expiry: Expiry | undefined,
    cas: bigint,
    timeout: Duration.Input | undefined
  ): Effect.Effect<A, KvError> => {
    const text = textOf(key)
    const bytes = bytesOf(value)
    const wait = millis(timeout)
    const effect = Effect.callback<A, KvError>((resume) => {
      const connection = pool.take()
      if (connection !== undefined) return connection.begin(packet(pool, call, resume, text, bytes, flags, expiry, cas), wait)
      resume(pool.later((again) => packet(pool, call, again, text, bytes, flags, expiry, cas), wait))
    })
    return spans ? traced(call.operation, text, effect) : effect
  }

  const count = (call: Calls.KvCall<Counter, Calls.CountPacket>) =>
  (
    key: Key,
    options: Options.KvCountOptions = {}
  ): Effect.Effect<Counter, KvError> => {
    const text = textOf(key)
    const { delta = 1n, expiry, initial, timeout } = options
    return traced(
      call.operation,
      text,
      pool.perform((resume: Resume<Counter, KvError>) => {
        const expiration = initial === undefined ? createNone : expirySeconds(expiry, Date.now())
        return new Calls.CountPacket(pool, call, resume, text, delta, initial ?? 0n, expiration)
      }, millis(timeout))
    )
  }

  const getBatch = (keys: ReadonlyArray<string>, timeout: number | undefined) =>
    pool.perform((resume: Resume<ReadonlyMap<string, Document>, KvError>) => new Calls.ManyPacket(pool, resume, keys), timeout)

  const getMany: KvCommands["getMany"] = (keys, options = {}) =>
    traced(
      "getMany",
      "",
      Effect.suspend((): Effect.Effect<ReadonlyMap<string, Document>, KvError> => {
        const texts = Array.from(keys, textOf)
        const timeout = millis(options.timeout)
        if (texts.length <= batch) return texts.length === 0 ? Effect.succeed(new Map()) : getBatch(texts, timeout)
        const batches = Array.from({ length: Math.ceil(texts.length / batch) }, (_, i) => texts.slice(i * batch, (i + 1) * batch))
        return Effect.map(
          Effect.forEach(batches, (some) => getBatch(some, timeout)),
          (found) => new Map(found.flatMap((some) => [...some]))
        )
      })
    )

  function get(key: Key, options?: Options.KvRequestOptions): Effect.Effect<Option.Option<Document>, KvError>
  function get<A>(
    key: Key,
    schema: Schema.Codec<A, unknown>,
    options?: Options.KvRequestOptions
  ): Effect.Effect<Option.Option<Document<A>>, KvError>
  function get<A>(
    key: Key,
    second?: Schema.Codec<A, unknown> | Options.KvRequestOptions,
    third?: Options.KvRequestOptions
  ): Effect.Effect<Option.Option<Document<unknown>>, KvError> {
    if (!isSchema(second)) return run(Calls.get, key, noBytes, 0, undefined, 0n, second?.timeout)
    return readJson(second, Calls.get, pool.address, textOf(key), run(Calls.get, key, noBytes, 0, undefined, 0n, third?.timeout))
  }

  const whole = <A>(call: Calls.KvCall<A>, timeout?: Duration.Input): Effect.Effect<A, KvError> =>
    run(call, "", noBytes, 0, undefined, 0n, timeout)

  const commands: KvCommands = {
    get,
    getMany,
    set: (key, value, options) => run(Calls.set, key, value, options?.flags ?? 0, options?.expiry, options?.cas ?? 0n, options?.timeout),
    add: (key, value, options) => run(Calls.add, key, value, options?.flags ?? 0, options?.expiry, 0n, options?.timeout),
    replace: (key, value, options) =>
      run(Calls.replace, key, value, options?.flags ?? 0, options?.expiry, options?.cas ?? 0n, options?.timeout),
    remove: (key, options) => run(Calls.remove, key, noBytes, 0, undefined, options?.cas ?? 0n, options?.timeout),
    append: (key, value, options) => run(Calls.append, key, value, 0, undefined, options?.cas ?? 0n, options?.timeout),
    prepend: (key, value, options) => run(Calls.prepend, key, value, 0, undefined, options?.cas ?? 0n, options?.timeout),
    increment: count(Calls.increment),
    decrement: count(Calls.decrement),
    touch: (key, expiry, options) => run(Calls.touch, key, noBytes, 0, expiry, 0n, options?.timeout),
    getAndTouch: (key, expiry, options) => run(Calls.getAndTouch, key, noBytes, 0, expiry, 0n, options?.timeout),
    json: (schema) => jsonView(schema, commands, pool.address),
    stats: (group = "", options = {}) =>
      traced(
        "stats",
        group,
        pool.perform(
          (resume: Resume<ReadonlyMap<string, string>, KvError>) => new Calls.StatsPacket(pool, resume, group),
          millis(options.timeout)
        )
      ),
    version: whole(Calls.version),
    flush: (options = {}) => run(Calls.flush, "", noBytes, 0, options.after, 0n, options.timeout),
    noop: whole(Calls.noop),
    // memcached 1.6.18 waits for the level a second time, takes it from whatever comes next, and then says that it does not know the command:
    // hence a connection of its own, and a packet that nobody waits for behind the request
    verbosity: (level) =>
      Effect.scoped(Effect.flatMap(pool.connect(), (connection) =>
        Effect.raceFirst(
          connection.perform((resume: Resume<void, KvError>) =>
            new Calls.KvPacket(pool, Calls.verbosity, resume, "", noBytes, level, 0, 0n)
          ),
          Effect.andThen(Effect.orDie(connection.sendOnly((writer, opaque) => encodeNoop(writer, { opaque }))), Effect.never)
        ))),
    quit: Effect.suspend(() => {
      const connections = [...pool.connections]
      pool.stop("quit")
      const leave = (resume: Resume<void, KvError>) => new Calls.KvPacket(pool, Calls.quit, resume, "", noBytes, 0, 0, 0n)
      return Effect.forEach(connections, (connection) => Effect.ignore(connection.perform(leave)), {
        concurrency: "unbounded",
        discard: true
      })
    }),
    counters: Effect.sync(() => pool.counters)
  }
  return commands
}

/** A client of memcached. */
export class KvClient extends Context.Service<KvClient, KvCommands>()("@wirewright/memcached/KvClient") {
  /** Connects; fails when the first attempt does. Afterwards connections that break are replaced in the background. */
  static readonly make = (options: Options.KvClientOptions = {}): Effect.Effect<KvCommands, KvError, Scope.Scope> =>
    Effect.gen(function*() {
      const pool = yield* KvPool.make(options)
      yield* publish(pool)
      return commandsOf(pool, options.spans === true)
    })

  /** The client as a layer. */
  static readonly layer = (options: Options.KvClientOptions = {}): Layer.Layer<KvClient, KvError> =>
    Layer.effect(KvClient, KvClient.make(options))

  /** The client with options from the configuration. */
  static readonly layerConfig = (
    options: Config.Wrap<Options.KvClientOptions>
  ): Layer.Layer<KvClient, KvError | Config.ConfigError> => Layer.effect(KvClient, Effect.flatMap(Config.unwrap(options), KvClient.make))
}
