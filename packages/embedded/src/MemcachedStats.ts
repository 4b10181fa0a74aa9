/**
 * Statistics under the names that memcached 1.6.18 gives them. Counts what it is told, and asks the store and the server for the rest.
 *
 * What has no meaning here (threads, slabs that move, its queues) has the value that memcached gives while it is not used; `bytes`
 * is what counts towards `limit_maxbytes`, which is more than the sizes that memcached would add up.
 */
import type { PacketServer } from "@wirewright/connection"
import * as Process from "node:process"
import type { Document } from "./Document.ts"
import { KeyPrefixes } from "./KeyPrefixes.ts"
import { SlabClasses, type SlabCount } from "./SlabClasses.ts"
import type { Store } from "./Store.ts"

const noCounts = () => ({
  cmd_get: 0,
  cmd_set: 0,
  cmd_flush: 0,
  cmd_touch: 0,
  cmd_meta: 0,
  get_hits: 0,
  get_misses: 0,
  get_expired: 0,
  get_flushed: 0,
  delete_misses: 0,
  delete_hits: 0,
  incr_misses: 0,
  incr_hits: 0,
  decr_misses: 0,
  decr_hits: 0,
  cas_misses: 0,
  cas_hits: 0,
  cas_badval: 0,
  touch_hits: 0,
  touch_misses: 0,
  store_too_large: 0,
  store_no_memory: 0,
  auth_cmds: 0,
  auth_errors: 0
})

const noLog = { log_worker_dropped: 0, log_worker_written: 0, log_watcher_skipped: 0, log_watcher_sent: 0 }

/** How often commands were executed. */
export type CommandCounts = ReturnType<typeof noCounts>

/** What a node knows of itself. */
export interface StatsOptions {
  readonly now: () => number
  readonly version: string
  readonly maxItemSize: number
  readonly maxMemory: number
  readonly maxConnections: number
  /** Seconds. */
  readonly idleTimeout: number
  /** Whether it was asked for: memcached counts connections that were silent for too long only then. */
  readonly countsIdle?: boolean
  /** What is spoken, and what is not allowed, in memcached's words. */
  readonly settings: Record<string, number | string>
  /** Default: nobody watches. */
  readonly log?: { readonly counts: typeof noLog; readonly size: number }
  /** Size of an item as memcached counts it, in bytes. */
  readonly itemSize: (key: string, valueLength: number, flags: number) => number
}

/** Clients that found no place, whatever there was none of. */
const refusedBy = ({ outOfFiles, refused }: PacketServer["counters"]): number => refused + outOfFiles

type Lines = ReadonlyArray<readonly [name: string, value: string]>

const seconds = (microseconds: number): string =>
  `${Math.floor(microseconds / 1e6)}.${String(Math.floor(microseconds % 1e6)).padStart(6, "0")}`

/** The statistics of a node. */
export class MemcachedStats {
  readonly counts: CommandCounts = noCounts()
  readonly prefixes = new KeyPrefixes()
  private readonly slabs = new SlabClasses()
  private readonly options: StatsOptions
  private readonly startedAt: number
  private evictedUnfetched = 0
  /** How much is said that nobody hears. */
  verbosity = 0
  /** Settings that were changed since the start. */
  private readonly changed: Record<string, number | string> = {}
  /** What is subtracted since the last reset. */
  private before = { accepted: 0, evicted: 0, idle: 0, refused: 0, received: 0, sent: 0, stored: 0 }

  constructor(options: StatsOptions) {
    this.options = options
    this.startedAt = options.now()
  }

  /** Told by the store of what comes and goes. */
  readonly observer = {
    added: (item: Document): void => this.slabs.added(this.sizeOf(item), item.cas),
    removed: (item: Document): void => this.slabs.removed(this.sizeOf(item), item.cas),
    evicted: (item: Document & { readonly fetched: boolean }): void => {
      if (!item.fetched) this.evictedUnfetched++
      this.slabs.evicted(this.sizeOf(item), !item.fetched)
    }
  }

  /** Changes what `stats settings` shows. */
  set(settings: Record<string, number | string>): void {
    Object.assign(this.changed, settings)
  }

  /** Counts what was done to an item, for all and for its slab class. */
  hit(item: Document, count: Exclude<SlabCount, "cmd_set">): void {
    this.counts[count]++
    this.slabs.hit(this.sizeOf(item), count)
  }

  /** Counts a write; its slab class is that of what came, whatever became of it. */
  write(key: string, value: Uint8Array, flags: number): void {
    this.counts.cmd_set++
    this.slabs.hit(this.options.itemSize(key, value.length, flags), "cmd_set")
  }

  /** Names and values of a group (empty: the default one), or nothing when there is no such group. */
  group(group: string, store: Store, server: PacketServer): Lines | undefined {
    switch (group) {
      case "":
        return texts(this.general(store, server))
      case "items":
        return this.slabs.items()
      case "slabs":
        return this.slabs.slabs()
      case "sizes":
        return this.slabs.histogram()
      case "sizes_enable":
      case "sizes_disable":
        this.slabs.countSizes(group === "sizes_enable", store.newestCas)
        return [["sizes_status", this.slabs.countsSizes ? "enabled" : "disabled"]]
    }
    // memcached looks at the beginnings of these only
    if (group.startsWith("reset")) return this.reset(store, server)
    if (group.startsWith("settings")) return texts(this.settings(server))
    if (group.startsWith("detail dump")) return [["detailed", this.prefixes.dump()]]
    const on = group.startsWith("detail on")
    if (!on && !group.startsWith("detail off")) return undefined
    this.prefixes.on = on
    return []
  }

  private sizeOf({ flags, key, value }: Document): number {
    return this.options.itemSize(key, value.length, flags)
  }

  /** Names and values of the clients that are connected: `stats conns` of the text protocol. */
  connections(server: PacketServer): Lines {
    const lines: Array<readonly [string, string]> = []
    for (const { address, id } of server.clients) {
      lines.push([`${id}:addr`, `tcp:${address}`], [`${id}:listen_addr`, `tcp:${server.address}`], [`${id}:state`, "conn_read"])
    }
    return lines
  }

  private reset(store: Store, { counters }: PacketServer): Lines {
    Object.assign(this.counts, noCounts())
    this.prefixes.reset()
    this.slabs.reset()
    this.evictedUnfetched = 0
    const { evicted, stored } = store.counters
    const { accepted, bytesReceived: received, bytesSent: sent, idle } = counters
    this.before = { accepted, evicted, idle, refused: refusedBy(counters), received, sent, stored }
    return []
  }

  private general(store: Store, { counters }: PacketServer): Record<string, number | string> {
    const { before, options } = this
    const now = options.now()
    const { bytes, documents, evicted, expired, stored } = store.counters
    const { system, user } = Process.cpuUsage()
    return {
      pid: Process.pid,
      uptime: Math.floor((now - this.startedAt) / 1000),
      time: Math.floor(now / 1000),
      version: options.version,
      libevent: `libuv ${Process.versions["uv"] ?? ""}`,
      pointer_size: 64,
      rusage_user: seconds(user),
      rusage_system: seconds(system),
      max_connections: options.maxConnections,
      curr_connections: counters.connections,
      total_connections: counters.accepted - before.accepted,
      rejected_connections: refusedBy(counters) - before.refused,
      connection_structures: counters.connections,
      response_obj_oom: 0,
      response_obj_count: 0,
      response_obj_bytes: 0,
      read_buf_count: 0,
      read_buf_bytes: 0,
      read_buf_bytes_free: 0,
      read_buf_oom: 0,
      reserved_fds: 0,
      ...(options.countsIdle === true ? { idle_kicks: counters.idle - before.idle } : {}),
      ...this.counts,
      bytes_read: counters.bytesReceived - before.received,
      bytes_written: counters.bytesSent - before.sent,
      limit_maxbytes: store.limits.maxMemory,
      accepting_conns: 1,
      listen_disabled_num: 0,
      time_in_listen_disabled_us: 0,
      threads: 1,
      conn_yields: 0,
      hash_power_level: 16,
      hash_bytes: 524_288,
      hash_is_expanding: 0,
      slab_reassign_rescues: 0,
      slab_reassign_chunk_rescues: 0,
      slab_reassign_evictions_nomem: 0,
      slab_reassign_inline_reclaim: 0,
      slab_reassign_busy_items: 0,
      slab_reassign_busy_deletes: 0,
      slab_reassign_running: 0,
      slabs_moved: 0,
      lru_crawler_running: 0,
      lru_crawler_starts: 0,
      lru_maintainer_juggles: 0,
      malloc_fails: 0,
      ...(options.log?.counts ?? noLog),
      log_watchers: options.log?.size ?? 0,
      unexpected_napi_ids: 0,
      round_robin_fallback: 0,
      bytes,
      curr_items: documents,
      // memcached counts in place
      total_items: stored - before.stored - this.counts.incr_hits - this.counts.decr_hits,
      slab_global_page_pool: 0,
      expired_unfetched: 0,
      evicted_unfetched: this.evictedUnfetched,
      evicted_active: 0,
      evictions: evicted - before.evicted,
      reclaimed: expired,
      crawler_reclaimed: 0,
      crawler_items_checked: 0,
      lrutail_reflocked: 0,
      moves_to_cold: 0,
      moves_to_warm: 0,
      moves_within_lru: 0,
      direct_reclaims: 0,
      lru_bumps_dropped: 0
    }
  }

  private settings(server: PacketServer): Record<string, number | string> {
    const { idleTimeout, maxConnections, maxItemSize, maxMemory } = this.options
    return {
      maxbytes: maxMemory,
      maxconns: maxConnections,
      tcpport: server.port,
      udpport: 0,
      inter: server.path === undefined ? server.host : "NULL",
      verbosity: this.verbosity,
      oldest: 0,
      evictions: "on",
      domain_socket: server.path ?? "NULL",
      umask: 700,
      shutdown_command: "no",
      growth_factor: "1.25",
      chunk_size: 48,
      num_threads: 1,
      num_threads_per_udp: 1,
      stat_key_prefix: ":",
      detail_enabled: this.prefixes.on ? "yes" : "no",
      reqs_per_event: 20,
      cas_enabled: "yes",
      tcp_backlog: 1024,
      binding_protocol: "binary",
      auth_enabled_sasl: "no",
      auth_enabled_ascii: "no",
      item_size_max: maxItemSize,
      maxconns_fast: "yes",
      hashpower_init: 0,
      slab_reassign: "no",
      slab_automove: 0,
      slab_automove_ratio: "0.80",
      slab_automove_window: 30,
      slab_chunk_max: 524_288,
      lru_crawler: "no",
      lru_crawler_sleep: 100,
      lru_crawler_tocrawl: 0,
      tail_repair_time: 0,
      flush_enabled: "yes",
      dump_enabled: "no",
      hash_algorithm: "murmur3",
      lru_maintainer_thread: "no",
      lru_segmented: "no",
      hot_lru_pct: 20,
      warm_lru_pct: 40,
      hot_max_factor: "0.20",
      warm_max_factor: "2.00",
      temp_lru: "no",
      temporary_ttl: 61,
      idle_timeout: idleTimeout,
      watcher_logbuf_size: 262_144,
      worker_logbuf_size: 65_536,
      read_buf_mem_limit: 0,
      track_sizes: this.slabs.countsSizes ? "yes" : "no",
      inline_ascii_response: "no",
      ext_item_size: 512,
      ext_item_age: 4_294_967_295,
      ext_low_ttl: 0,
      ext_recache_rate: 2000,
      ext_wbuf_size: 4_194_304,
      ext_compact_under: 0,
      ext_drop_under: 0,
      ext_max_sleep: 1_000_000,
      ext_max_frag: "0.80",
      slab_automove_freeratio: "0.010",
      ext_drop_unread: "no",
      ssl_enabled: "no",
      ssl_chain_cert: "(null)",
      ssl_key: "(null)",
      ssl_verify_mode: 0,
      ssl_keyformat: 1,
      ssl_ciphers: "NULL",
      ssl_ca_cert: "NULL",
      ssl_wbuf_size: 16_384,
      ssl_session_cache: "no",
      ssl_kernel_tls: "no",
      ssl_min_version: "tlsv1.2",
      num_napi_ids: "(null)",
      memory_file: "(null)",
      ...this.options.settings,
      ...this.changed
    }
  }
}

const texts = (record: Record<string, number | string>): Lines => Object.entries(record).map(([name, value]) => [name, String(value)])
