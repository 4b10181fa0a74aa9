/**
 * The commands of memcached on a store, all that meta can ask included.
 *
 * What memcached does differently from Couchbase is here: item sizes that count their bookkeeping, a plain CAS counter, touching that changes
 * no version, values that are stale and who is told to make them anew. Everything is answered on the spot.
 * Source: memcached 1.6.18 `proto_text.c` and `memcached.c`; vectors in test/fixtures/memcached-text.json.
 */
import { textLength } from "@wirewright/codec"
import {
  type CountRequest,
  type Facts,
  type Found,
  type GetAndTouchRequest,
  type GetRequest,
  type MemcachedHandlers,
  type Refusal as Refused,
  refusal,
  type SetRequest
} from "@wirewright/memcached"
import { Status } from "@wirewright/memcached/gen"
import * as Effect from "effect/Effect"
import { absoluteExpiry, type Refusal } from "./Document.ts"
import type { Item } from "./HashTable.ts"
import type { MemcachedStats } from "./MemcachedStats.ts"
import { slabClassOf } from "./SlabClasses.ts"
import type { Store } from "./Store.ts"

/** An item's size as memcached counts it: header, CAS, key and NUL, flags unless 0, value and line end. Source: memcached `items.c`. */
export const memcachedItemSize = (key: string, valueLength: number, flags: number): number =>
  48 + 8 + textLength(key) + 1 + (flags === 0 ? 0 : 4) + valueLength + 2

const failing = (status: number) => Effect.fail(refusal(status))

/** Refusals that are already made: a miss makes no object but its answer. */
export const refusals: { readonly [refusal in Refusal]: Effect.Effect<never, Refused> } = {
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

/** What the commands are made of. */
export interface CommandOptions {
  readonly store: Store
  readonly stats: MemcachedStats
  /** Unix time in milliseconds. */
  readonly now: () => number
  readonly version: string
  /** A group of statistics. */
  readonly group: (name: string) => Effect.Effect<Iterable<readonly [string, string]>, Refused>
  /** Whether `flush_all` is allowed. */
  readonly flushes: boolean
}

const nothing = new Uint8Array(0)

/** The commands of memcached on a store. */
export const memcachedHandlers = ({ flushes, group, now, stats, store, version }: CommandOptions): MemcachedHandlers => {
  const space = store.space(0)
  const { counts, prefixes } = stats
  const seconds = (): number => Math.floor(now() / 1000)
  const refused = (refusal: Refusal): Effect.Effect<never, Refused> => {
    if (refusal === "E2big") counts.store_too_large++
    else if (refusal === "Enomem") counts.store_no_memory++
    return refusals[refusal]
  }
  const stored = (item: Item | Refusal): Effect.Effect<Item, Refused> => typeof item === "string" ? refused(item) : Effect.succeed(item)

  const timeToLive = ({ expiry }: Item): number => expiry === 0 ? -1 : Math.max(0, expiry - seconds())

  /** Notes that an item was written. */
  const marked = (item: Item | Refusal, base64: boolean | undefined): Item | Refusal => {
    if (typeof item !== "string") {
      item.accessedAt = seconds()
      if (base64 === true) item.base64 = true
    }
    return item
  }

  /** Notes that an item was read: from the second time on that is an access. */
  const bump = (item: Item): void => {
    item.used = true
    if (item.fetched) item.accessedAt = seconds()
    item.fetched = true
  }

  /** Whether whoever asks is the one to make an item anew. */
  const wins = (item: Item, recache: number | undefined): boolean => {
    if (item.alreadyWon) return false
    if (item.stale) return true
    return recache !== undefined && item.expiry !== 0 && item.expiry < absoluteExpiry(recache, now())
  }

  /** What is told of an item; the item itself tells the rest, and when nothing is to be added all of it. */
  const told = (item: Item, facts: Facts | undefined, won: boolean, before: number | undefined): Found => {
    if (facts === undefined && !won && !item.stale && !item.alreadyWon) return item
    const { alreadyWon, base64, cas, flags, stale, value } = item
    return {
      value,
      flags,
      cas,
      base64,
      stale,
      alreadyWon,
      won,
      hit: item.fetched,
      lastAccess: facts?.lastAccess === true ? Math.max(0, seconds() - item.accessedAt) : undefined,
      timeToLive: facts?.timeToLive === true ? before ?? timeToLive(item) : undefined
    }
  }

  /** An item that a miss makes; whoever asked has won. */
  const vivified = ({ base64, facts, key, vivify }: GetRequest, before: number | undefined): Effect.Effect<Found, Refused> => {
    const item = marked(store.set(space, key, { value: nothing, expiration: vivify! }), base64)
    if (typeof item === "string") return refused(item)
    const answer = told(item, facts, true, before)
    item.alreadyWon = true
    item.fetched = true
    return Effect.succeed(answer)
  }

  const found = (item: Item, { facts, noBump, recache }: GetRequest, before?: number): Effect.Effect<Found> => {
    const won = wins(item, recache)
    const answer = told(item, facts, won, before)
    if (won) item.alreadyWon = true
    if (noBump !== true) bump(item)
    return Effect.succeed(answer)
  }

  const counted = (down: boolean) => (request: CountRequest) => {
    const { base64, cas, delta, expiration, initial, key, timeToLiveBefore, touch } = request
    const current = store.peek(space, key)
    const outcome = store.count(space, key, { delta, down, initial, expiration, cas })
    if (typeof outcome === "string") {
      if (outcome === "KeyEnoent") counts[down ? "decr_misses" : "incr_misses"]++
      return refused(outcome)
    }
    let { item } = outcome
    item.base64 ||= base64 === true || current?.base64 === true
    item.accessedAt = seconds()
    if (current !== undefined) stats.hit(item, down ? "decr_hits" : "incr_hits")
    const { value } = outcome
    if (touch === undefined && request.facts === undefined) return Effect.succeed({ value, cas: item.cas, created: current === undefined })
    const before = timeToLiveBefore === true ? current === undefined ? -1 : timeToLive(item) : undefined
    if (touch !== undefined) {
      const touched = store.touch(space, key, touch)
      if (typeof touched !== "string") item = touched
    }
    return Effect.succeed({ value, cas: item.cas, created: current === undefined, timeToLive: before ?? timeToLive(item) })
  }

  /** Counts a write of a whole value, with what became of its CAS. */
  const written = ({ base64, cas, flags, key, value }: SetRequest, item: Item | Refusal, current?: Item) => {
    // a value that is too large is dropped before it is written
    if (item === "E2big" || item === "Enomem") return stored(item)
    stats.write(key, value, flags)
    marked(item, base64)
    if (cas === 0n) return stored(item)
    if (current === undefined) counts.cas_misses++
    else stats.hit(current, typeof item === "string" ? "cas_badval" : "cas_hits")
    return stored(item)
  }

  /** memcached finds out that there is no room before it looks for the document. */
  const extended = (key: string, value: Uint8Array, base64: boolean | undefined, extend: () => Item | Refusal) => {
    prefixes.set(key)
    const before = store.peek(space, key)
    const item = extend()
    if (item === "E2big" || item === "Enomem") return refusals.NotStored
    stats.write(key, value, 0)
    return stored(marked(item, base64 === true || before?.base64 === true))
  }

  const set = (request: SetRequest) => {
    const { cas, compares, expiration, flags, invalidate, key, value } = request
    const current = store.peek(space, key)
    if (compares === true && cas === 0n) return noVersion(request, current)
    const content = { value, flags, expiration }
    if (invalidate === true && cas !== 0n && current !== undefined && cas < current.cas) return setStale(request, current)
    const item = store.set(space, key, content, { cas })
    // the old version is not what the client wanted to be there
    if (item === "E2big" || item === "Enomem") store.remove(space, key)
    return written(request, item, current)
  }

  /** An older version replaces the value and leaves it stale, with its expiry and whoever was told. */
  const setStale = (request: SetRequest, current: Item) => {
    const { flags, key, value } = request
    const item = store.set(space, key, { value, flags }, { preserveExpiry: true })
    if (typeof item === "string") store.remove(space, key)
    else {
      item.stale = true
      item.alreadyWon = current.alreadyWon
    }
    return written(request, item, current)
  }

  /** No item has the version 0. */
  const noVersion = ({ flags, key, value }: SetRequest, current: Item | undefined) => {
    stats.write(key, value, flags)
    if (current === undefined) {
      counts.cas_misses++
      return refusals.KeyEnoent
    }
    stats.hit(current, "cas_badval")
    return refusals.KeyEexists
  }

  const touched = (key: string, expiration: number): Item | undefined => {
    const item = store.touch(space, key, expiration)
    prefixes.get(key, typeof item !== "string")
    counts.cmd_touch++
    if (typeof item === "string") {
      counts.touch_misses++
      return undefined
    }
    stats.hit(item, "touch_hits")
    return item
  }

  return {
    get: (request) => {
      const { key } = request
      counts.cmd_get++
      const { expired } = store
      const item = store.peek(space, key)
      prefixes.get(key, item !== undefined)
      if (item === undefined) {
        if (request.vivify !== undefined) return vivified(request, request.timeToLiveBefore === true ? -1 : undefined)
        counts.get_misses++
        if (store.expired > expired) counts.get_expired++
        return refusals.KeyEnoent
      }
      stats.hit(item, "get_hits")
      return found(item, request)
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
      const { cas, compares, expiration, flags, key, value } = request
      prefixes.set(key)
      return cas === 0n && compares !== true ? written(request, store.replace(space, key, { value, flags, expiration })) : set(request)
    },
    remove: ({ cas, compares, expiration, invalidate, key }) => {
      prefixes.remove(key)
      const current = store.peek(space, key)
      const compared = compares === true && cas === 0n && current !== undefined
      const item = compared
        ? "KeyEexists"
        : invalidate === true
        ? store.invalidate(space, key, { cas, expiration })
        : store.remove(space, key, { cas })
      if (typeof item === "string") {
        if (item === "KeyEnoent" || item === "KeyEexists" && compares === true) counts.delete_misses++
        return refusals[item]
      }
      if (invalidate !== true) stats.hit(current!, "delete_hits")
      return Effect.succeed({})
    },
    append: ({ base64, cas, key, value }) => extended(key, value, base64, () => store.append(space, key, value, { cas })),
    prepend: ({ base64, cas, key, value }) => extended(key, value, base64, () => store.prepend(space, key, value, { cas })),
    increment: counted(false),
    decrement: counted(true),
    touch: ({ expiration, key }) => {
      const item = touched(key, expiration)
      if (item === undefined) return refusals.KeyEnoent
      bump(item)
      return Effect.succeed(item)
    },
    getAndTouch: (request: GetAndTouchRequest) => {
      const { expiration, key, timeToLiveBefore, vivify } = request
      const current = timeToLiveBefore === true ? store.peek(space, key) : undefined
      const before = timeToLiveBefore === true ? current === undefined ? -1 : timeToLive(current) : undefined
      const item = touched(key, expiration)
      if (item === undefined) return vivify === undefined ? refusals.KeyEnoent : vivified(request, before)
      return found(item, request, before)
    },
    tooLarge: ({ key, replaces }) => {
      counts.store_too_large++
      if (replaces) store.remove(space, key)
      return Effect.void
    },
    debug: ({ key }) => {
      counts.cmd_meta++
      const item = store.peek(space, key)
      if (item === undefined) return refusals.KeyEnoent
      const size = memcachedItemSize(key, item.value.length, item.flags)
      return Effect.succeed({
        timeToLive: timeToLive(item),
        lastAccess: Math.max(0, seconds() - item.accessedAt),
        cas: item.cas,
        fetched: item.fetched,
        slabClass: slabClassOf(size),
        size,
        base64: item.base64
      })
    },
    stats: ({ group: name }) => group(name),
    version: () => Effect.succeed(version),
    verbosity: ({ verbosity }) => {
      stats.verbosity = Math.min(verbosity, 2)
      return Effect.void
    },
    flush: ({ expiration }) => {
      counts.cmd_flush++
      if (!flushes) return failing(Status.NotSupported)
      store.flush(expiration)
      return Effect.void
    }
  }
}
