/**
 * A client of memcached as an Effect service: the same commands, with the same typed outcomes, in the meta, the text and the binary protocol.
 *
 * | | meta | text | binary |
 * | --- | --- | --- | --- |
 * | keys with spaces or control characters | in base64, up to 186 bytes | `InvalidRequest` | as they are |
 * | CAS that a store or counter tells | yes | 0 | yes |
 * | `set` and `replace` with a CAS | `C` | `cas` | yes |
 * | `append`, `prepend`, `remove` with a CAS | `C` | `NotInProtocol` | yes |
 * | `increment`, `decrement` with an initial value | `N J` | `incr`, `add`, and `incr` again when somebody was faster | yes |
 * | `getMany` | `mg … q`, `mn` | `gets` of many keys, in lines of at most 2 048 bytes | GETKQ, NOOP |
 * | `noop` | `mn` | `version` | NOOP |
 * | `getOrRecache`, `invalidate`, `meta` | yes | `NotInProtocol` | `NotInProtocol` |
 * | signing in | `-Y`: `set` of `user password` | the same | `-S`: SASL PLAIN |
 *
 * `auto` asks for the `version` on every new connection, also when one is made again: three times in one write, because a server that speaks
 * only the binary protocol reads 24 bytes before it closes. Where that is refused for want of a password it connects anew and signs in.
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
import {
  agentName as sdk,
  type ConnectionError,
  diagnosed,
  DiagnosticsReport,
  pinged,
  PingReport,
  pingTimeout,
  reportId,
  type Resume
} from "@wirewright/connection"
import { encodeNoop } from "./gen/index.ts"
import { quit } from "./KvBinary.ts"
import { isSchema } from "./JsonDocuments.ts"
import * as Calls from "./KvCalls.ts"
import type { Counter, Document } from "./KvCalls.ts"
import type { MemcachedError } from "./KvError.ts"
import { jsonView, readJson } from "./KvJson.ts"
import { forMany, gather } from "./KvMany.ts"
import type * as Options from "./KvOptions.ts"
import type { KvCommands } from "./KvCommands.ts"
import { type KvConnection, KvPool } from "./KvPool.ts"
import { getOrRecache, invalidate } from "./KvRecache.ts"
import { type Connect, connectAll } from "./KvServers.ts"
import { bytesOf, textOf } from "./KvValues.ts"
import { doNotCreate } from "./MemcachedHandlers.ts"

type Key = Options.Key
type Value = Options.Value

const noBytes = new Uint8Array(0)
/** Keys of one batch of `getMany`: at most 270 KiB of requests. */
const batch = 1000

const millis = (timeout: Duration.Input | undefined): number | undefined => timeout === undefined ? undefined : Duration.toMillis(timeout)

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

/** Which call of a protocol each command is; made once, as a request costs less than a function. */
const callOf = {
  get: (calls: Calls.KvCalls) => calls.get,
  getAndTouch: (calls: Calls.KvCalls) => calls.getAndTouch,
  set: (calls: Calls.KvCalls) => calls.set,
  add: (calls: Calls.KvCalls) => calls.add,
  replace: (calls: Calls.KvCalls) => calls.replace,
  append: (calls: Calls.KvCalls) => calls.append,
  prepend: (calls: Calls.KvCalls) => calls.prepend,
  remove: (calls: Calls.KvCalls) => calls.remove,
  touch: (calls: Calls.KvCalls) => calls.touch,
  noop: (calls: Calls.KvCalls) => calls.noop,
  version: (calls: Calls.KvCalls) => calls.version,
  flush: (calls: Calls.KvCalls) => calls.flush
}

/** The commands on the connections of a pool. */
const commandsOf = (pool: KvPool): KvCommands => {
  const run = <A>(
    callOf: (calls: Calls.KvCalls) => Calls.KvCall<A>,
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
    // what is made here is made for every request: one closure, and a second one only where there is no connection
    return Effect.callback((resume: Resume<A, MemcachedError>) => {
      const connection = pool.next()
      if (connection === undefined) {
        return pool.begin((resume, calls) => packet(pool, callOf(calls), resume, text, bytes, flags, expiry, cas), resume, wait)
      }
      const { calls, packets } = connection
      return packets.begin(packet(pool, callOf(calls), resume, text, bytes, flags, expiry, cas), wait)
    })
  }

  const count = (operation: "increment" | "decrement") =>
  (
    key: Key,
    options: Options.KvCountOptions = {}
  ): Effect.Effect<Counter, MemcachedError> => {
    const text = textOf(key)
    const { delta = 1n, expiry, initial, timeout } = options
    const wait = millis(timeout)
    return pool.perform((resume: Resume<Counter, MemcachedError>, calls) => {
      const expiration = initial === undefined ? doNotCreate : expirySeconds(expiry, pool.timers.unixTime())
      return new Calls.CountPacket(pool, calls[operation], resume, text, delta, initial ?? 0n, expiration, wait)
    }, wait)
  }

  const getBatch = (keys: ReadonlyArray<string>, timeout: number | undefined) =>
    pool.perform(
      (resume: Resume<ReadonlyMap<string, Document>, MemcachedError>, calls) => new Calls.ManyPacket(pool, calls.getMany, resume, keys),
      timeout
    )

  const getMany: KvCommands["getMany"] = (keys, options = {}) =>
    Effect.suspend(() => {
      const texts = Array.from(keys, textOf)
      const timeout = millis(options.timeout)
      const batches = Array.from({ length: Math.ceil(texts.length / batch) }, (_, i) => texts.slice(i * batch, (i + 1) * batch))
      return gather(batches, (some) => getBatch(some, timeout))
    })

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
    if (!isSchema(second)) return run(callOf.get, key, noBytes, 0, undefined, 0n, second?.timeout)
    return readJson(second, "get", pool.address, textOf(key), run(callOf.get, key, noBytes, 0, undefined, 0n, third?.timeout))
  }

  /** The connection that was asked and answered. */
  const ask = (timeout: number): Effect.Effect<KvConnection, ConnectionError | MemcachedError> =>
    Effect.suspend(() => {
      const until = pool.timers.now() + timeout
      return Effect.flatMap(pool.connected(timeout), (connection) => {
        const noop = (resume: Resume<void, MemcachedError>) =>
          new Calls.KvPacket(pool, connection.calls.noop, resume, "", noBytes, 0, 0, 0n)
        return Effect.as(connection.packets.perform(noop, Math.max(1, until - pool.timers.now())), connection)
      })
    })

  const whole = <A>(of: (calls: Calls.KvCalls) => Calls.KvCall<A>): Effect.Effect<A, MemcachedError> =>
    run(of, "", noBytes, 0, undefined, 0n, undefined)

  const low = <A>(
    of: (calls: Calls.KvCalls) => Calls.KvCall<A, Calls.MetaPacket<A>>,
    request: Calls.MetaRequest,
    options: Options.KvRequestOptions | undefined
  ): Effect.Effect<A, MemcachedError> =>
    pool.perform(
      (resume: Resume<A, MemcachedError>, calls) => new Calls.MetaPacket(pool, of(calls), resume, request),
      millis(options?.timeout)
    )

  const meta: KvCommands["meta"] = {
    get: (key, flags, options) => low(({ metaGet }) => metaGet, { key, flags }, options),
    set: (key, value, flags, options) => low(({ metaSet }) => metaSet, { key, value: bytesOf(value), flags }, options),
    delete: (key, flags, options) => low(({ metaDelete }) => metaDelete, { key, flags }, options),
    arithmetic: (key, flags, options) => low(({ metaArithmetic }) => metaArithmetic, { key, flags }, options),
    debug: (key, flags, options) => low(({ metaDebug }) => metaDebug, { key, flags }, options)
  }

  const commands: KvCommands = {
    get,
    getMany,
    setMany: (documents, options) => forMany(documents, ([key]) => key, ([key, value]) => commands.set(key, value, options)),
    removeMany: (keys, options) => forMany(keys, (key) => key, (key) => commands.remove(key, options)),
    set: (key, value, options) => run(callOf.set, key, value, options?.flags ?? 0, options?.expiry, options?.cas ?? 0n, options?.timeout),
    add: (key, value, options) => run(callOf.add, key, value, options?.flags ?? 0, options?.expiry, 0n, options?.timeout),
    replace: (key, value, options) =>
      run(callOf.replace, key, value, options?.flags ?? 0, options?.expiry, options?.cas ?? 0n, options?.timeout),
    remove: (key, options) => run(callOf.remove, key, noBytes, 0, undefined, options?.cas ?? 0n, options?.timeout),
    append: (key, value, options) => run(callOf.append, key, value, 0, undefined, options?.cas ?? 0n, options?.timeout),
    prepend: (key, value, options) => run(callOf.prepend, key, value, 0, undefined, options?.cas ?? 0n, options?.timeout),
    increment: count("increment"),
    decrement: count("decrement"),
    touch: (key, expiry, options) => run(callOf.touch, key, noBytes, 0, expiry, 0n, options?.timeout),
    getAndTouch: (key, expiry, options) => run(callOf.getAndTouch, key, noBytes, 0, expiry, 0n, options?.timeout),
    getOrRecache: (key, options, make) =>
      getOrRecache(
        commands,
        pool.address,
        textOf(key),
        options,
        () => expirySeconds(options.expiry, pool.timers.unixTime()),
        Effect.map(make, bytesOf)
      ),
    invalidate: (key, options = {}) =>
      Effect.suspend(() => invalidate(commands, textOf(key), expirySeconds(options.expiry, pool.timers.unixTime()), options)),
    meta,
    json: (schema) => jsonView(schema, commands, () => pool.address),
    stats: (group = "", options = {}) =>
      pool.perform(
        (resume: Resume<ReadonlyMap<string, string>, MemcachedError>, calls) => new Calls.StatsPacket(pool, calls.stats, resume, group),
        millis(options.timeout)
      ),
    version: whole(callOf.version),
    flush: (options = {}) => run(callOf.flush, "", noBytes, 0, options.after, 0n, options.timeout),
    noop: whole(callOf.noop),
    ping: (options = {}) =>
      Effect.gen(function*() {
        const id = yield* reportId(options.reportId)
        return new PingReport({ id, sdk }, [yield* pinged(pool, ask(pingTimeout(options, pool.timeout)))])
      }),
    diagnostics: (options = {}) =>
      Effect.map(
        reportId(options.reportId),
        (id) => new DiagnosticsReport({ id, sdk }, diagnosed(pool, pool.connections.length > 0 ? undefined : pool.missing))
      ),
    verbosity: (level) =>
      Effect.scoped(Effect.flatMap(pool.dedicated, (connection) => {
        const { calls, packets } = connection
        const told = packets.perform((resume: Resume<void, MemcachedError>) =>
          new Calls.KvPacket(pool, calls.verbosity, resume, "", noBytes, level, 0, 0n)
        )
        if (calls.protocol !== "binary") return told
        // memcached 1.6.18 waits for the level a second time, takes it from whatever comes next, and then says that it does not know the
        // command: hence a connection of its own, and a packet that is not awaited after the request
        const next = packets.send((writer, opaque) => encodeNoop(writer, { opaque }))
        return Effect.raceFirst(told, Effect.andThen(Effect.orDie(next), Effect.never))
      })),
    quit: Effect.suspend(() => {
      const connections = [...pool.connections]
      pool.stop("quit")
      const leave = ({ calls, packets }: KvConnection): Effect.Effect<void, unknown> =>
        calls.protocol === "binary"
          ? packets.perform((resume: Resume<void, MemcachedError>) => new Calls.KvPacket(pool, quit, resume, "", noBytes, 0, 0, 0n))
          : packets.send(calls.leave)
      return Effect.forEach(connections, (connection) => Effect.ignore(leave(connection)), { concurrency: "unbounded", discard: true })
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
