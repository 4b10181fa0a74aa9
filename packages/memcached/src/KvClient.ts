/**
 * A client of plain memcached as an Effect service: the classic commands over the binary protocol, with typed outcomes.
 *
 * A missing document is a value (`Option.none`, `false`), everything else that is not success a `MemcachedError`. It never repeats a request: after
 * an error with `ambiguous`, only the caller knows whether doing it twice does harm.
 */
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
import { isSchema } from "./JsonDocuments.ts"
import * as Calls from "./KvCalls.ts"
import type { Counter, Document } from "./KvCalls.ts"
import type { MemcachedError } from "./KvError.ts"
import { jsonView, readJson } from "./KvJson.ts"
import { forMany, gather, textOf } from "./KvMany.ts"
import type * as Options from "./KvOptions.ts"
import type { KvCommands } from "./KvCommands.ts"
import { KvPool } from "./KvPool.ts"
import { type Connect, connectAll } from "./KvServers.ts"

type Key = Options.Key
type Value = Options.Value

const noBytes = new Uint8Array(0)
const encoder = new TextEncoder()
/** Keys of one batch of `getMany`: at most 270 KiB of requests. */
const batch = 1000

const bytesOf = (value: Value): Uint8Array => typeof value === "string" ? encoder.encode(value) : value
const millis = (timeout: Duration.Input | undefined): number | undefined => timeout === undefined ? undefined : Duration.toMillis(timeout)
/** The wire's way to say that a missing counter is not created. */
const createNone = 0xffff_ffff

const packet = <A>(
  pool: KvPool,
  call: Calls.KvCall<A>,
  resume: Resume<A, MemcachedError>,
  key: string,
  value: Uint8Array,
  flags: number,
  expiry: Expiry | undefined,
  cas: bigint
): Calls.KvPacket<A> =>
  new Calls.KvPacket(pool, call, resume, key, value, flags, expiry === undefined ? 0 : expirySeconds(expiry, pool.timers.unixTime()), cas)

/** The commands on the connections of a pool. */
const commandsOf = (pool: KvPool): KvCommands => {
  const { telemetry } = pool
  const told = <A>(operation: string, key: string, effect: Effect.Effect<A, MemcachedError>): Effect.Effect<A, MemcachedError> =>
    telemetry === undefined
      ? effect
      : telemetry.request(operation, effect, { "db.system.name": "memcached", "db.operation.name": operation, "kv.key": key })

  const run = <A>(
    call: Calls.KvCall<A>,
    key: Key,
    value: Value,
    flags: number,
    expiry: Expiry | undefined,
    cas: bigint,
    timeout: Duration.Input | undefined
  ): Effect.Effect<A, MemcachedError> => {
    const text = textOf(key)
    const bytes = bytesOf(value)
    const wait = millis(timeout)
    const effect = pool.perform(
      (resume: Resume<A, MemcachedError>) => packet(pool, call, resume, text, bytes, flags, expiry, cas),
      wait
    )
    return told(call.operation, text, effect)
  }

  const count = (call: Calls.KvCall<Counter, Calls.CountPacket>) =>
  (
    key: Key,
    options: Options.KvCountOptions = {}
  ): Effect.Effect<Counter, MemcachedError> => {
    const text = textOf(key)
    const { delta = 1n, expiry, initial, timeout } = options
    return told(
      call.operation,
      text,
      pool.perform((resume: Resume<Counter, MemcachedError>) => {
        const expiration = initial === undefined ? createNone : expirySeconds(expiry, pool.timers.unixTime())
        return new Calls.CountPacket(pool, call, resume, text, delta, initial ?? 0n, expiration)
      }, millis(timeout))
    )
  }

  const getBatch = (keys: ReadonlyArray<string>, timeout: number | undefined) =>
    pool.perform((resume: Resume<ReadonlyMap<string, Document>, MemcachedError>) => new Calls.ManyPacket(pool, resume, keys), timeout)

  const getMany: KvCommands["getMany"] = (keys, options = {}) =>
    told(
      "getMany",
      "",
      Effect.suspend(() => {
        const texts = Array.from(keys, textOf)
        const timeout = millis(options.timeout)
        const batches = Array.from({ length: Math.ceil(texts.length / batch) }, (_, i) => texts.slice(i * batch, (i + 1) * batch))
        return gather(batches, (some) => getBatch(some, timeout))
      })
    )

  function get(key: Key, options?: Options.KvRequestOptions): Effect.Effect<Option.Option<Document>, MemcachedError>
  function get<A>(
    key: Key,
    schema: Schema.Codec<A, unknown>,
    options?: Options.KvRequestOptions
  ): Effect.Effect<Option.Option<Document<A>>, MemcachedError>
  function get<A>(
    key: Key,
    second?: Schema.Codec<A, unknown> | Options.KvRequestOptions,
    third?: Options.KvRequestOptions
  ): Effect.Effect<Option.Option<Document<unknown>>, MemcachedError> {
    if (!isSchema(second)) return run(Calls.get, key, noBytes, 0, undefined, 0n, second?.timeout)
    return readJson(second, Calls.get, pool.address, textOf(key), run(Calls.get, key, noBytes, 0, undefined, 0n, third?.timeout))
  }

  const whole = <A>(call: Calls.KvCall<A>, timeout?: Duration.Input): Effect.Effect<A, MemcachedError> =>
    run(call, "", noBytes, 0, undefined, 0n, timeout)

  const commands: KvCommands = {
    get,
    getMany,
    setMany: (documents, options) => forMany(documents, ([key]) => key, ([key, value]) => commands.set(key, value, options)),
    removeMany: (keys, options) => forMany(keys, (key) => key, (key) => commands.remove(key, options)),
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
    json: (schema) => jsonView(schema, commands, () => pool.address),
    stats: (group = "", options = {}) =>
      told(
        "stats",
        group,
        pool.perform(
          (resume: Resume<ReadonlyMap<string, string>, MemcachedError>) => new Calls.StatsPacket(pool, resume, group),
          millis(options.timeout)
        )
      ),
    version: whole(Calls.version),
    flush: (options = {}) => run(Calls.flush, "", noBytes, 0, options.after, 0n, options.timeout),
    noop: whole(Calls.noop),
    // memcached 1.6.18 waits for the level a second time, takes it from whatever comes next, and then says that it does not know the command:
    // hence a connection of its own, and a packet that is not awaited after the request
    verbosity: (level) =>
      Effect.scoped(Effect.flatMap(pool.connect(), (connection) =>
        Effect.raceFirst(
          connection.perform((resume: Resume<void, MemcachedError>) =>
            new Calls.KvPacket(pool, Calls.verbosity, resume, "", noBytes, level, 0, 0n)
          ),
          Effect.andThen(Effect.orDie(connection.send((writer, opaque) => encodeNoop(writer, { opaque }))), Effect.never)
        ))),
    quit: Effect.suspend(() => {
      const connections = [...pool.connections]
      pool.stop("quit")
      const leave = (resume: Resume<void, MemcachedError>) => new Calls.KvPacket(pool, Calls.quit, resume, "", noBytes, 0, 0, 0n)
      return Effect.forEach(connections, (connection) => Effect.ignore(connection.perform(leave)), {
        concurrency: "unbounded",
        discard: true
      })
    }),
    counters: Effect.sync(() => pool.counters),
    get servers() {
      return [{ address: pool.address, weight: 1, ejected: false, kv: commands }]
    }
  }
  return commands
}

/** Connects to one server. */
const connect: Connect = (options) => Effect.map(KvPool.make(options), commandsOf)

/** A client of memcached, of one server or of several. */
export class KvClient extends Context.Service<KvClient, KvCommands>()("@wirewright/memcached/KvClient") {
  /** Connects; fails when no server can be reached. Afterwards connections that break are replaced in the background. */
  static readonly make = (options: Options.KvClientOptions = {}): Effect.Effect<KvCommands, MemcachedError, Scope.Scope> =>
    connectAll(options, connect)

  /** The client as a layer. */
  static readonly layer = (options: Options.KvClientOptions = {}): Layer.Layer<KvClient, MemcachedError> =>
    Layer.effect(KvClient, KvClient.make(options))

  /** The client with options from the configuration. */
  static readonly layerConfig = (
    options: Config.Wrap<Options.KvClientOptions>
  ): Layer.Layer<KvClient, MemcachedError | Config.ConfigError> =>
    Layer.effect(KvClient, Effect.flatMap(Config.unwrap(options), KvClient.make))
}
