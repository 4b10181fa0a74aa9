/**
 * A memcached 1.6 server in memory: the store's semantics with memcached's habits, over the classic binary protocol.
 *
 * What memcached does differently from Couchbase is here and nowhere else: item sizes that count their bookkeeping, eviction instead of
 * refusal, a plain CAS counter, touching that changes no version. It has no text protocol, no SASL, and no background threads to report on.
 */
import { textLength } from "@wirewright/codec"
import { type ConnectionError, type PacketServer, timers } from "@wirewright/connection"
import {
  type MemcachedHandlers,
  type MemcachedServerOptions,
  type Refusal as Refused,
  refusal,
  serveMemcached
} from "@wirewright/memcached"
import { Opcode, Status } from "@wirewright/memcached/gen"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Refusal } from "./Document.ts"
import { MemcachedStats } from "./MemcachedStats.ts"
import type { Item } from "./HashTable.ts"
import { Store } from "./Store.ts"
import { inTurns } from "./Turns.ts"

/** Where to serve, and limits. */
export interface MemcachedNodeOptions extends MemcachedServerOptions {
  /** Largest item in bytes, key and bookkeeping included. Default: 1 MiB. */
  readonly maxItemSize?: number
  /** Most memory for items in bytes, above which those not read lately are forgotten. Default: 64 MiB. */
  readonly maxMemory?: number
  /** What the node says it is. Default: the version of memcached whose habits it has. */
  readonly version?: string
  /** Unix time in milliseconds. Default: the system's. */
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

/** What a request to write says. */
interface Write {
  readonly key: string
  readonly value: Uint8Array
  readonly flags: number
  readonly expiration: number
  readonly cas: bigint
}

/** The commands of memcached on a store. */
export const memcachedHandlers = (
  store: Store,
  stats: MemcachedStats,
  group: (name: string) => Effect.Effect<Iterable<readonly [string, string]>, Refused>,
  version: string
): MemcachedHandlers => {
  const space = store.space(0)
  const { counts, prefixes } = stats
  const refused = (refusal: Refusal): Effect.Effect<never, Refused> => {
    if (refusal === "E2big") counts.store_too_large++
    else if (refusal === "Enomem") counts.store_no_memory++
    return refusals[refusal]
  }
  const stored = (item: Item | Refusal): Effect.Effect<Item, Refused> => typeof item === "string" ? refused(item) : Effect.succeed(item)

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
    const there = store.get(space, key) !== undefined
    const outcome = store.count(space, key, { delta, down, initial, expiration, cas })
    if (typeof outcome === "string") {
      if (outcome === "KeyEnoent") counts[down ? "decr_misses" : "incr_misses"]++
      return refused(outcome)
    }
    if (there) stats.hit(outcome.item, down ? "decr_hits" : "incr_hits")
    return Effect.succeed({ value: outcome.value, cas: outcome.item.cas })
  }

  /** Counts a write of a whole value, with what became of its CAS. */
  const written = ({ cas, flags, key, value }: Write, item: Item | Refusal, current?: Item) => {
    // a value that is too large is dropped before it is written
    if (item === "E2big" || item === "Enomem") return stored(item)
    stats.write(key, value, flags)
    if (cas === 0n) return stored(item)
    if (current === undefined) counts.cas_misses++
    else stats.hit(current, typeof item === "string" ? "cas_badval" : "cas_hits")
    return stored(item)
  }

  /** memcached finds out that there is no room before it looks for the document. */
  const extended = (key: string, value: Uint8Array, item: Item | Refusal) => {
    prefixes.set(key)
    if (item === "E2big" || item === "Enomem") return refusals.NotStored
    stats.write(key, value, 0)
    return stored(item)
  }

  const set = (request: Write) => {
    const { cas, expiration, flags, key, value } = request
    const current = store.get(space, key)
    const item = store.set(space, key, { value, flags, expiration }, { cas })
    // the old version is not what the client wanted to be there
    if (item === "E2big" || item === "Enomem") store.remove(space, key)
    return written(request, item, current)
  }

  const touched = ({ expiration, key }: { readonly key: string; readonly expiration: number }) => {
    const item = store.touch(space, key, expiration)
    prefixes.get(key, typeof item !== "string")
    counts.cmd_touch++
    if (typeof item === "string") counts.touch_misses++
    else stats.hit(item, "touch_hits")
    return stored(item)
  }

  return {
    get: ({ key }) => {
      counts.cmd_get++
      const { expired } = store
      const item = store.get(space, key)
      prefixes.get(key, item !== undefined)
      if (item === undefined) {
        counts.get_misses++
        if (store.expired > expired) counts.get_expired++
        return refusals.KeyEnoent
      }
      stats.hit(item, "get_hits")
      return Effect.succeed(item)
    },
    set: (request) => {
      prefixes.set(request.key)
      return set(request)
    },
    add: (request) => {
      const { cas, expiration, flags, key, value } = request
      prefixes.set(key)
      // memcached takes anything with a CAS for a replacement of that version
      return cas === 0n ? written(request, store.add(space, key, { value, flags, expiration })) : set(request)
    },
    replace: (request) => {
      const { cas, expiration, flags, key, value } = request
      prefixes.set(key)
      return cas === 0n ? written(request, store.replace(space, key, { value, flags, expiration })) : set(request)
    },
    remove: ({ cas, key }) => {
      prefixes.remove(key)
      const current = store.get(space, key)
      const item = store.remove(space, key, { cas })
      if (typeof item === "string") {
        if (item === "KeyEnoent") counts.delete_misses++
        return refusals[item]
      }
      stats.hit(current!, "delete_hits")
      return Effect.succeed({})
    },
    append: ({ cas, key, value }) => extended(key, value, store.append(space, key, value, { cas })),
    prepend: ({ cas, key, value }) => extended(key, value, store.prepend(space, key, value, { cas })),
    increment: counted(false),
    decrement: counted(true),
    touch: touched,
    getAndTouch: touched,
    stats: ({ group: name }) => group(name),
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
  const { maxItemSize = 1024 * 1024, maxMemory = 64 * 1024 * 1024, now: given, version = "1.6.18", ...rest } = options
  // as many as memcached has unless it is told otherwise
  const maxConnections = options.maxConnections ?? 1_024
  const server = { ...rest, maxConnections }
  return Effect.gen(function*() {
    const time = yield* timers
    const now = given ?? time.unixTime
    const stats = new MemcachedStats({
      now,
      version,
      maxItemSize,
      maxMemory,
      maxConnections,
      idleTimeout: Duration.toSeconds(server.idleTimeout ?? "5 minutes"),
      itemSize: memcachedItemSize
    })
    const store = new Store({
      now,
      maxItemSize,
      maxMemory,
      itemSize: memcachedItemSize,
      whenFull: "evict",
      cas: "counter",
      tombstones: false,
      quietTouch: true,
      observer: stats.observer
    })
    const handlers = memcachedHandlers(store, stats, (group) => {
      const lines = stats.group(group, store, running)
      return lines === undefined ? refusals.KeyEnoent : Effect.succeed(lines)
    }, version)
    const running: PacketServer = yield* serveMemcached(handlers, { unknownOpcodes, ...server })
    const sweep = Effect.callback<void>((resume) => Effect.sync(inTurns(store.sweepSteps(), time.now, () => resume(Effect.void))))
    yield* Effect.forkScoped(Effect.repeat(sweep, Schedule.spaced("1 minute")))
    return { server: running, store }
  })
}
