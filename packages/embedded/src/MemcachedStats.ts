/** Statistics under the names that memcached gives them. Counts what it is told and asks the store for the rest. */
import type { ServerCounters } from "@wirewright/memcached"
import type { Store } from "./Store.ts"

const noCounts = () => ({
  cmd_get: 0,
  cmd_set: 0,
  cmd_flush: 0,
  cmd_touch: 0,
  get_hits: 0,
  get_misses: 0,
  delete_hits: 0,
  delete_misses: 0,
  incr_hits: 0,
  incr_misses: 0,
  decr_hits: 0,
  decr_misses: 0
})

/** How often commands were executed. */
export type CommandCounts = ReturnType<typeof noCounts>

/** What a node knows of itself. */
export interface StatsOptions {
  readonly now: () => number
  readonly version: string
  readonly maxItemSize: number
  readonly maxMemory: number
  readonly maxConnections: number
}

/** The statistics of a node. */
export class MemcachedStats {
  readonly counts: CommandCounts = noCounts()
  private readonly store: Store
  private readonly options: StatsOptions
  private readonly startedAt: number

  constructor(store: Store, options: StatsOptions) {
    this.store = store
    this.options = options
    this.startedAt = options.now()
  }

  /** Names and values of a group (empty: the default one), or nothing when there is no such group. */
  group(group: string, server: ServerCounters): ReadonlyArray<readonly [string, string]> | undefined {
    switch (group) {
      case "":
        return texts(this.general(server))
      case "settings":
        return texts(this.settings())
      case "reset":
        Object.assign(this.counts, noCounts())
        return []
      // slabs and their items: there are none
      case "items":
      case "slabs":
      case "conns":
        return []
      case "sizes":
        return [["sizes_status", "disabled"]]
      default:
        return undefined
    }
  }

  private general(server: ServerCounters): Record<string, number | string> {
    const now = this.options.now()
    const { bytes, documents, evicted, expired, stored } = this.store.counters
    return {
      pid: process.pid,
      uptime: Math.floor((now - this.startedAt) / 1000),
      time: Math.floor(now / 1000),
      version: this.options.version,
      pointer_size: 64,
      max_connections: this.options.maxConnections,
      curr_connections: server.connections,
      total_connections: server.accepted,
      rejected_connections: server.refused,
      ...this.counts,
      bytes_read: server.bytesReceived,
      bytes_written: server.bytesSent,
      limit_maxbytes: this.options.maxMemory,
      threads: 1,
      bytes,
      curr_items: documents,
      total_items: stored,
      expired_unfetched: expired,
      evictions: evicted
    }
  }

  private settings(): Record<string, number | string> {
    return {
      maxbytes: this.options.maxMemory,
      maxconns: this.options.maxConnections,
      evictions: "on",
      cas_enabled: "yes",
      binding_protocol: "binary",
      auth_enabled_sasl: "no",
      item_size_max: this.options.maxItemSize,
      flush_enabled: "yes"
    }
  }
}

const texts = (record: Record<string, number | string>): ReadonlyArray<readonly [string, string]> =>
  Object.entries(record).map(([name, value]) => [name, String(value)])
