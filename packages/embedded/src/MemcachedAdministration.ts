/**
 * What the text protocol has to manage a memcached, as words in and lines out.
 *
 * There are no slabs to move, no queues to tune and no crawler here: these commands check what they are told as memcached does, keep the
 * settings that `stats settings` shows, and change nothing else. Dumps, memory limits and the log are real.
 * Source: memcached 1.6.18 `proto_text.c`; vectors `admin-*` in test/fixtures/memcached-text.json.
 */
import type { Administered, AdministrationRequest } from "@wirewright/memcached"
import { cannotPipeline, signed32, unsigned32 } from "@wirewright/memcached/internal"
import * as Stream from "effect/Stream"
import type { Item } from "./HashTable.ts"
import { type MemcachedLog, uriEncoded, watched } from "./MemcachedLog.ts"
import type { MemcachedStats } from "./MemcachedStats.ts"
import { mostClasses, slabClassOf } from "./SlabClasses.ts"
import type { Store } from "./Store.ts"
import { memcachedItemSize } from "./MemcachedCommands.ts"

/** What may be managed. */
export interface AdministrationOptions {
  readonly store: Store
  readonly stats: MemcachedStats
  readonly log: MemcachedLog
  /** Unix time in milliseconds. */
  readonly now: () => number
  /** Ends the server; without it `shutdown` is refused. */
  readonly shutdown?: (() => void) | undefined
  /** Names and values of the clients that are connected. */
  readonly connections: () => Iterable<readonly [name: string, value: string]>
  /** Whether items may be listed. */
  readonly dumps: boolean
  /** Whether `watch` is allowed. */
  readonly watches: boolean
}

const encoder = new TextEncoder()
const unsigned = (word: string): number | undefined => {
  const bytes = encoder.encode(word)
  return unsigned32(bytes, 0, bytes.length)
}
const signed = (word: string): number | undefined => {
  const bytes = encoder.encode(word)
  return signed32(bytes, 0, bytes.length)
}
const fraction = (word: string): number | undefined => /^[ \t]*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(word) ? Number(word) : undefined

const ok = "OK"
const error = "ERROR"
const badFormat = "CLIENT_ERROR bad command line format"
const megabyte = 1024 * 1024
const largestLimit = 1_000_000_000
/** Bytes of a `stats cachedump`. */
const longestDump = 2 * megabyte

const one = (line: string): Administered => ({ lines: `${line}\r\n` })

/** Manages a node: the handler's words in, its lines out. */
export class MemcachedAdministration {
  private readonly options: AdministrationOptions

  constructor(options: AdministrationOptions) {
    this.options = options
  }

  /** Answers a command. */
  handle({ pipelined, words }: AdministrationRequest): Administered {
    const [verb, ...rest] = words
    switch (verb) {
      case "cache_memlimit":
        return one(this.limit(rest[0]!))
      case "slabs":
        return one(this.slabs(rest))
      case "lru":
        return one(this.lru(rest))
      case "lru_crawler":
        return this.crawler(rest, pipelined)
      case "watch":
        return this.watch(rest, pipelined)
      case "stats":
        return rest[0] === "conns" ? this.connections() : this.cachedump(rest.slice(1))
      case "shutdown":
        return this.shutdown(rest)
      default:
        return one(error)
    }
  }

  private limit(word: string): string {
    const megabytes = unsigned(word)
    if (megabytes === undefined) return error
    if (megabytes < 8) return "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m"
    if (megabytes > largestLimit) return "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes"
    this.options.store.limitMemory(megabytes * megabyte)
    this.options.stats.set({ maxbytes: megabytes * megabyte })
    return ok
  }

  private slabs([what, ...rest]: ReadonlyArray<string>): string {
    if (what === "reassign" && rest.length === 2) {
      const [from, to] = rest.map(signed)
      if (from === undefined || to === undefined) return badFormat
      if (from === to) return "SAME src and dst class are identical"
      if (from > mostClasses || to < 0 || to > mostClasses || from === 0) return "BADCLASS invalid src or dst class id"
      return "NOSPARE source class has no spare pages"
    }
    if (what !== "automove" || rest.length === 0) return error
    if (rest[0] === "ratio") {
      const ratio = fraction(rest[1] ?? "")
      if (ratio === undefined) return error
      this.options.stats.set({ slab_automove_ratio: ratio.toFixed(2) })
      return ok
    }
    const level = unsigned(rest[0]!)
    if (level === undefined) return badFormat
    if (level > 2) return error
    this.options.stats.set({ slab_automove: level })
    return ok
  }

  private lru([what, ...rest]: ReadonlyArray<string>): string {
    const { stats } = this.options
    if (what === "tune" && rest.length >= 4) {
      const [hot, warm] = rest.slice(0, 2).map(unsigned)
      const [hotFactor, warmFactor] = rest.slice(2, 4).map(fraction)
      if (hot === undefined || warm === undefined || hotFactor === undefined || warmFactor === undefined) return error
      if (hot + warm > 80) return "ERROR hot and warm pcts must not exceed 80"
      if (hotFactor <= 0 || warmFactor <= 0) return "ERROR hot/warm age factors must be greater than 0"
      stats.set({
        hot_lru_pct: hot,
        warm_lru_pct: warm,
        hot_max_factor: hotFactor.toFixed(2),
        warm_max_factor: warmFactor.toFixed(2)
      })
      return ok
    }
    if (what === "mode" && rest.length >= 1) {
      if (rest[0] !== "flat" && rest[0] !== "segmented") return error
      stats.set({ lru_segmented: rest[0] === "segmented" ? "yes" : "no" })
      return ok
    }
    if (what === "temp_ttl" && rest.length >= 1) {
      const ttl = signed(rest[0]!)
      if (ttl === undefined) return error
      stats.set(ttl < 0 ? { temp_lru: "no" } : { temp_lru: "yes", temporary_ttl: ttl })
      return ok
    }
    return error
  }

  private crawler([what, argument, ...more]: ReadonlyArray<string>, pipelined: boolean): Administered {
    const { stats } = this.options
    if (argument === undefined) {
      if (what !== "enable" && what !== "disable") return one(error)
      stats.set({ lru_crawler: what === "enable" ? "yes" : "no" })
      return one(ok)
    }
    if (more.length > 0) return one(error)
    switch (what) {
      case "crawl":
        return one(classesOf(argument) === undefined ? "BADCLASS invalid class id" : ok)
      case "metadump":
        return this.metadump(argument, pipelined)
      case "tocrawl":
      case "sleep": {
        const number = unsigned(argument)
        if (number === undefined) return one(badFormat)
        if (what === "sleep" && number > 1_000_000) return one("CLIENT_ERROR sleep must be one second or less")
        stats.set(what === "sleep" ? { lru_crawler_sleep: number } : { lru_crawler_tocrawl: number })
        return one(ok)
      }
      default:
        return one(error)
    }
  }

  private metadump(argument: string, pipelined: boolean): Administered {
    if (!this.options.dumps) return one("ERROR metadump not allowed")
    if (pipelined) return { lines: cannotPipeline("metadump") }
    const classes = classesOf(argument)
    if (classes === undefined) return one("BADCLASS invalid class id")
    const line = (item: Item): string => {
      const { accessedAt, cas, expiry, fetched, key } = item
      const size = memcachedItemSize(key, item.value.length, item.flags)
      const slabClass = slabClassOf(size)
      if (classes.size > 0 && !classes.has(slabClass)) return ""
      const facts = `exp=${expiry === 0 ? -1 : expiry} la=${accessedAt} cas=${cas} fetch=${fetched ? "yes" : "no"}`
      return `key=${uriEncoded(key)} ${facts} cls=${slabClass} size=${size}\n`
    }
    const listed = Stream.fromIterable(this.items()).pipe(Stream.map(line), Stream.filter((text) => text !== ""))
    return { lines: Stream.concat(listed, Stream.succeed("END\r\n")) }
  }

  /** Items that are there. */
  private *items(): Iterable<Item> {
    const { store } = this.options
    for (const item of store.space(0).items.values()) if (!store.isExpired(item)) yield item
  }

  private cachedump([id, most]: ReadonlyArray<string>): Administered {
    if (!this.options.dumps) return one("CLIENT_ERROR stats cachedump not allowed")
    if (id === undefined || most === undefined) return one("CLIENT_ERROR bad command line")
    const slabClass = unsigned(id)
    const limit = unsigned(most)
    if (slabClass === undefined || limit === undefined) return one(badFormat)
    if (slabClass > mostClasses) return one("CLIENT_ERROR Illegal slab id")
    let lines = ""
    let shown = 0
    for (const { base64, expiry, flags, key, value } of this.items()) {
      if (limit !== 0 && shown >= limit) break
      // keys that were given in base64 may hold line ends
      if (base64 || slabClassOf(memcachedItemSize(key, value.length, flags)) !== slabClass) continue
      const line = `ITEM ${key} [${value.length} b; ${expiry} s]\r\n`
      if (lines.length + line.length > longestDump) break
      lines += line
      shown++
    }
    return { lines: `${lines}END\r\n` }
  }

  private connections(): Administered {
    const lines = Array.from(this.options.connections(), ([name, value]) => `STAT ${name} ${value}\r\n`)
    return { lines: `${lines.join("")}END\r\n` }
  }

  private watch(streams: ReadonlyArray<string>, pipelined: boolean): Administered {
    if (!this.options.watches) return one("CLIENT_ERROR watch commands not allowed")
    if (pipelined) return { lines: cannotPipeline("watch") }
    if (streams.some((stream) => !watched.has(stream))) return one(error)
    return { lines: Stream.concat(Stream.succeed("OK\r\n"), this.options.log.watch(streams)) }
  }

  private shutdown([mode, ...more]: ReadonlyArray<string>): Administered {
    const { shutdown } = this.options
    if (shutdown === undefined) return one("ERROR: shutdown not enabled")
    if (mode !== undefined && (mode !== "graceful" || more.length > 0)) return one("CLIENT_ERROR invalid shutdown mode")
    shutdown()
    return { lines: "", last: true }
  }
}

/** Slab classes of a list; all when it is empty, nothing when it is no such list. */
const classesOf = (text: string): ReadonlySet<number> | undefined => {
  if (text === "all" || text === "hash") return new Set()
  const ids = text.split(",").map(unsigned)
  return ids.every((id) => id !== undefined && id > 0 && id <= mostClasses) ? new Set(ids as ReadonlyArray<number>) : undefined
}
