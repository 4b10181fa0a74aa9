/**
 * A memcached 1.6 server in memory: the store's semantics with memcached's habits, over the classic binary protocol.
 *
 * What memcached does differently from Couchbase is here and nowhere else: item sizes that count their bookkeeping, eviction instead of
 * refusal, a plain CAS counter, touching that changes no version. It has no text protocol, no SASL, and no background threads to report on.
 */
import { textLength } from "@wirewright/codec"
import type { ConnectionError } from "@wirewright/connection"
import {
  type MemcachedHandlers,
  type MemcachedServerOptions,
  type PacketServer,
  refusal,
  type Refusal as Refused,
  serveMemcached
} from "@wirewright/memcached"
import { Opcode, Status } from "@wirewright/memcached/gen"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Refusal } from "./Document.ts"
import { type CommandCounts, MemcachedStats } from "./MemcachedStats.ts"
import type { Item } from "./HashTable.ts"
import { Store } from "./Store.ts"

/** Where to serve, and limits. */
export interface MemcachedNodeOptions extends MemcachedServerOptions {
  /** Largest item in bytes, key and bookkeeping included; 1 MiB unless said otherwise. */
  readonly maxItemSize?: number
  /** Most memory for items in bytes, above which those not read lately are forgotten; 64 MiB unless said otherwise. */
  readonly maxMemory?: number
  /** What the node says it is; memcached's version whose habits it has, unless said otherwise. */
  readonly version?: string
  /** Unix time in milliseconds; the system's unless said otherwise. */
  readonly now?: () => number
}

/** A node that listens. */
export interface MemcachedNode {
  readonly server: PacketServer
  readonly store: Store
}

/** An item's size as memcached counts it: header, CAS, key and NUL, flags unless 0, value and line end. Source: memcached `items.c`. */
export const memcachedItemSize = (key: string, valueLength: number, flags: number): number =>
  48 + 8 + textLength(key) + 1 + (flags === 0 ? 0 : 4) + valueLength + 2

const failing = (status: number) => Effect.fail(refusal(status))

/** Refusals that are already made: a miss makes no object but its answer. */
const refusals: { readonly [refusal in Refusal]: Effect.Effect<never, Refused> } = {
  KeyEnoent: failing(Status.KeyEnoent),
  KeyEexists: failing(Status.KeyEexists),
  NotStored: failing(Status.NotStored),
  DeltaBadval: failing(Status.DeltaBadval),
  E2big: failing(Status.E2big),
  Enomem: failing(Status.Enomem),
  Locked: failing(Status.Etmpfail),
  LockedTmpfail: failing(Status.Etmpfail),
  NotLocked: failing(Status.Etmpfail),
  SyncWriteInProgress: failing(Status.Etmpfail)
}

/** memcached 1.6.18 knows nothing of verbosity in this protocol, nor of SASL unless it is started with it. */
const unknownOpcodes = [Opcode.Verbosity, Opcode.SaslListMechs, Opcode.SaslAuth, Opcode.SaslStep]

/** The commands of memcached on a store. */
export const memcachedHandlers = (
  store: Store,
  counts: CommandCounts,
  stats: (group: string) => Effect.Effect<Iterable<readonly [string, string]>, Refused>,
  version: string
): MemcachedHandlers => {
  const space = store.space(0)
  const stored = (item: Item | Refusal): Effect.Effect<Item, Refused> => typeof item === "string" ? refusals[item] : Effect.succeed(item)

  const counted = (down: boolean) =>
  (
    { cas, delta, expiration, initial, key }: {
      readonly key: string
      readonly cas: bigint
      readonly delta: bigint
      readonly initial: bigint
      readonly expiration: number
    }
  ) => {
    const outcome = store.count(space, key, { delta, down, initial, expiration, cas })
    const [hits, misses] = down ? ["decr_hits", "decr_misses"] as const : ["incr_hits", "incr_misses"] as const
    if (typeof outcome === "string") {
      if (outcome === "KeyEnoent") counts[misses]++
      return refusals[outcome]
    }
    counts[hits]++
    return Effect.succeed({ value: outcome.value, cas: outcome.item.cas })
  }

  /** memcached finds out that there is no room before it looks for the document. */
  const extended = (item: Item | Refusal) => item === "E2big" || item === "Enomem" ? refusals.NotStored : stored(item)

  return {
    get: ({ key }) => {
      counts.cmd_get++
      const item = store.get(space, key)
      if (item === undefined) {
        counts.get_misses++
        return refusals.KeyEnoent
      }
      counts.get_hits++
      return Effect.succeed(item)
    },
    set: ({ cas, expiration, flags, key, value }) => {
      counts.cmd_set++
      const item = store.set(space, key, { value, flags, expiration }, { cas })
      // the old version is not what the client wanted to be there
      if (item === "E2big" || item === "Enomem") store.remove(space, key)
      return stored(item)
    },
    add: ({ cas, expiration, flags, key, value }) => {
      counts.cmd_set++
      // with a CAS it asks for a document that is there and for one that is not
      if (cas !== 0n) return store.get(space, key) === undefined ? refusals.KeyEnoent : refusals.KeyEexists
      return stored(store.add(space, key, { value, flags, expiration }))
    },
    replace: ({ cas, expiration, flags, key, value }) => {
      counts.cmd_set++
      return stored(store.replace(space, key, { value, flags, expiration }, { cas }))
    },
    remove: ({ cas, key }) => {
      const item = store.remove(space, key, { cas })
      if (typeof item === "string") {
        if (item === "KeyEnoent") counts.delete_misses++
        return refusals[item]
      }
      counts.delete_hits++
      return Effect.succeed({})
    },
    append: ({ cas, key, value }) => extended(store.append(space, key, value, { cas })),
    prepend: ({ cas, key, value }) => extended(store.prepend(space, key, value, { cas })),
    increment: counted(false),
    decrement: counted(true),
    touch: ({ expiration, key }) => {
      counts.cmd_touch++
      return stored(store.touch(space, key, expiration))
    },
    getAndTouch: ({ expiration, key }) => {
      counts.cmd_touch++
      counts.cmd_get++
      return stored(store.touch(space, key, expiration))
    },
    stats: ({ group }) => stats(group),
    version: () => Effect.succeed(version),
    flush: ({ expiration }) => {
      counts.cmd_flush++
      store.flush(expiration)
      return Effect.void
    }
  }
}

/** Serves an empty memcached; it ends with the scope. */
export const serveMemcachedNode = (options: MemcachedNodeOptions = {}): Effect.Effect<MemcachedNode, ConnectionError, Scope.Scope> => {
  const { maxItemSize = 1024 * 1024, maxMemory = 64 * 1024 * 1024, now = Date.now, version = "1.6.18", ...server } = options
  return Effect.gen(function*() {
    const store = new Store({
      now,
      maxItemSize,
      maxMemory,
      itemSize: memcachedItemSize,
      whenFull: "evict",
      cas: "counter",
      tombstones: false,
      quietTouch: true
    })
    const stats = new MemcachedStats(store, { now, version, maxItemSize, maxMemory, maxConnections: server.maxConnections ?? 10_000 })
    const handlers = memcachedHandlers(store, stats.counts, (group) => {
      const pairs = stats.group(group, running.counters)
      return pairs === undefined ? refusals.KeyEnoent : Effect.succeed(pairs)
    }, version)
    const running: PacketServer = yield* serveMemcached(handlers, { unknownOpcodes, ...server })
    yield* Effect.forkScoped(Effect.repeat(Effect.sync(() => store.sweep()), Schedule.spaced("1 minute")))
    return { server: running, store }
  })
}
