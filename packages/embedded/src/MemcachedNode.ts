/**
 * A memcached 1.6 server in memory: the store with memcached's habits, over the binary and the text protocol, meta included.
 *
 * Commands are in `MemcachedCommands`, what manages a server in `MemcachedAdministration`, what it counts in `MemcachedStats`. It has no
 * background threads to report on.
 */
import { ConnectionError, type DatagramServer, hostPort, ListenFailed, type PacketServer, timers } from "@wirewright/connection"
import { type MemcachedHandlers, type MemcachedServerOptions, serveMemcached, serveMemcachedDatagrams } from "@wirewright/memcached"
import { Opcode } from "@wirewright/memcached/gen"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { MemcachedAdministration } from "./MemcachedAdministration.ts"
import { memcachedHandlers, memcachedItemSize, refusals } from "./MemcachedCommands.ts"
import type { Item } from "./HashTable.ts"
import { MemcachedLog } from "./MemcachedLog.ts"
import { MemcachedStats } from "./MemcachedStats.ts"
import { Store } from "./Store.ts"
import { inTurns } from "./Turns.ts"
import { passwordCheck, type User } from "./Users.ts"

/** Where to serve, and limits. */
export interface MemcachedNodeOptions extends Omit<MemcachedServerOptions, "authenticate" | "isTooLarge" | "unknownOpcodes"> {
  /** Largest item in bytes, key and bookkeeping included. Default: 1 MiB. */
  readonly maxItemSize?: number
  /** Most memory for items in bytes, above which those not read lately are forgotten. Default: 64 MiB. */
  readonly maxMemory?: number
  /** Whether items that were not read lately are forgotten when there is no memory; if not, writes are refused. Default: true. */
  readonly evicts?: boolean
  /** Who may sign in, and then must: to the text protocol by a `set`, to the binary one by SASL PLAIN. Default: nobody needs to. */
  readonly users?: ReadonlyArray<Pick<User, "name" | "password">>
  /**
   * UDP port on which it listens as well, on the same host; 0: any free one. Nobody can sign in there, so it does not go with `users`. Default:
   * none. Forged addresses make it flood others: for trusted networks alone.
   */
  readonly udpPort?: number
  /** Whether items have versions; without, their CAS is 0. Default: true. */
  readonly versions?: boolean
  /** What memcached may be told to allow, or to do without. Default: what it does unless it is told. */
  readonly allows?: Partial<Allowed>
  /** Told when a client asked for the end, after its connection was closed. Default: `shutdown` is refused. */
  readonly onShutdown?: () => void
  /** What the node says it is. Default: the version of memcached whose habits it has. */
  readonly version?: string
  /** Unix time in milliseconds. Default: the system's. */
  readonly now?: () => number
}

/** What clients may do. */
export interface Allowed {
  /** `flush_all`; memcached's option -F forbids it. Default: true. */
  readonly flush: boolean
  /** Lists of items; -X. Default: true. */
  readonly dump: boolean
  /** `watch`; -W. Default: true. */
  readonly watch: boolean
}

/** A node that listens. */
export interface MemcachedNode {
  readonly server: PacketServer
  /** Where there is a `udpPort`. */
  readonly datagrams: DatagramServer | undefined
  readonly store: Store
}

/** memcached 1.6.18 knows nothing of verbosity in the binary protocol, nor of SASL unless it is started with it. */
const unknownOpcodes = [Opcode.Verbosity]
const saslOpcodes = [Opcode.SaslListMechs, Opcode.SaslAuth, Opcode.SaslStep]

/** How `stats settings` calls what is spoken. */
const protocolNames = { auto: "auto-negotiate", binary: "binary", text: "ascii" } as const

/** Serves an empty memcached; it ends with the scope. */
export const serveMemcachedNode = (options: MemcachedNodeOptions = {}): Effect.Effect<MemcachedNode, ConnectionError, Scope.Scope> => {
  const {
    allows,
    evicts = true,
    maxItemSize = 1024 * 1024,
    maxMemory = 64 * 1024 * 1024,
    now: given,
    onShutdown,
    udpPort,
    users,
    version = "1.6.18",
    versions = true,
    ...rest
  } = options
  const { dump = true, flush = true, watch = true } = allows ?? {}
  // as many as memcached has unless it is told otherwise
  const maxConnections = options.maxConnections ?? 1_024
  const accepts = users === undefined || users.length === 0 ? undefined : passwordCheck(users)
  return Effect.gen(function*() {
    if (accepts !== undefined && udpPort !== undefined) {
      const reason = new ListenFailed({ cause: new Error("nobody can sign in over UDP, and here users must") })
      return yield* new ConnectionError({ reason, address: hostPort(options.host ?? "127.0.0.1", udpPort), ambiguous: false })
    }
    const time = yield* timers
    const now = given ?? time.unixTime
    const log: MemcachedLog = new MemcachedLog({ now, store: () => store })
    const stats = new MemcachedStats({
      log,
      now,
      version,
      maxItemSize,
      maxMemory,
      maxConnections,
      idleTimeout: Duration.toSeconds(rest.idleTimeout ?? "5 minutes"),
      countsIdle: rest.idleTimeout !== undefined,
      itemSize: memcachedItemSize,
      settings: {
        binding_protocol: protocolNames[rest.protocol ?? "auto"],
        auth_enabled_sasl: accepts === undefined ? "no" : "yes",
        auth_enabled_ascii: accepts === undefined ? "no" : "yes",
        evictions: evicts ? "on" : "off",
        flush_enabled: flush ? "yes" : "no",
        dump_enabled: dump ? "yes" : "no",
        cas_enabled: versions ? "yes" : "no",
        shutdown_command: onShutdown === undefined ? "no" : "yes"
      }
    })
    const store: Store = new Store({
      now,
      maxItemSize,
      maxMemory,
      itemSize: memcachedItemSize,
      whenFull: evicts ? "evict" : "refuse",
      cas: versions ? "counter" : "none",
      tombstones: false,
      quietTouch: true,
      countsInPlace: true,
      observer: {
        ...stats.observer,
        evicted: (item) => {
          stats.observer.evicted(item)
          log.evicted(item as Item)
        }
      }
    })
    const group = (name: string) => {
      const lines = stats.group(name, store, running)
      return lines === undefined ? refusals.KeyEnoent : Effect.succeed(lines)
    }
    const administration = new MemcachedAdministration({
      connections: () => stats.connections(running),
      store,
      stats,
      log,
      now,
      shutdown: onShutdown && (() => void setImmediate(onShutdown)),
      dumps: dump,
      watches: watch
    })
    const handlers: MemcachedHandlers = {
      ...log.logging(memcachedHandlers({ store, stats, now, version, group, flushes: flush })),
      administer: (request) => Effect.succeed(administration.handle(request))
    }
    const spoken = {
      unknownOpcodes: accepts === undefined ? [...unknownOpcodes, ...saslOpcodes] : unknownOpcodes,
      isTooLarge: (key: string, length: number, flags: number) => store.tooLarge(key, length, flags) !== undefined
    }
    const running: PacketServer = yield* serveMemcached(handlers, {
      ...rest,
      ...spoken,
      tap: {
        ...rest.tap,
        opened: (client) => {
          rest.tap?.opened?.(client)
          log.opened(client)
        },
        closed: (client) => {
          rest.tap?.closed?.(client)
          log.closed(client)
        }
      },
      maxConnections,
      ...accepts === undefined ? {} : {
        authenticate: accepts,
        onSignIn: (accepted: boolean) => {
          options.onSignIn?.(accepted)
          stats.counts.auth_cmds++
          if (!accepted) stats.counts.auth_errors++
        }
      }
    })
    const sweep = Effect.callback<void>((resume) => Effect.sync(inTurns(store.sweepSteps(), time.now, () => resume(Effect.void))))
    yield* Effect.forkScoped(Effect.repeat(sweep, Schedule.spaced("1 minute")))
    if (udpPort === undefined) return { server: running, datagrams: undefined, store }
    const { host, onDefect, protocol } = rest
    const datagrams = yield* serveMemcachedDatagrams(handlers, {
      ...spoken,
      port: udpPort,
      ...(host === undefined ? {} : { host }),
      ...(protocol === undefined ? {} : { protocol }),
      ...(onDefect === undefined ? {} : { onDefect })
    })
    stats.set({ udpport: datagrams.port })
    return { server: running, datagrams, store }
  })
}
