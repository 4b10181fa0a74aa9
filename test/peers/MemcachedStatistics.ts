/** Asks a memcached, or what takes its place, for its statistics, after requests that are known; and says in what two of them differ. */
import { packet, RawClient } from "../../packages/memcached/src/RawClient.fixture.ts"
import { readFileSync } from "node:fs"

/** Names and values, in the order in which they came. */
export type Lines = ReadonlyArray<readonly [name: string, value: string]>

/** What a server told of itself: groups by their names, and the general group after STAT reset. */
export interface Told {
  readonly groups: { readonly [group: string]: Lines }
  readonly reset: Lines
}

/** What memcached told, and after which requests. */
export const recorded = JSON.parse(readFileSync(new URL("../fixtures/memcached-1.6.18-stats.json", import.meta.url), "utf8")) as Told & {
  readonly sent: ReadonlyArray<string>
}

const headerSize = 24

/** The statistics of a group, or nothing when there is no such group. */
export const statistics = async (client: RawClient, group: string): Promise<Lines | undefined> => {
  client.send(packet(0x10, { key: group }))
  const lines: Array<readonly [string, string]> = []
  for (;;) {
    const [one] = await client.packets(1)
    if (one!.readUInt16BE(6) !== 0) return undefined
    const keyLength = one!.readUInt16BE(2)
    if (keyLength === 0) return lines
    const key = one!.subarray(headerSize, headerSize + keyLength).toString()
    lines.push([key, one!.subarray(headerSize + keyLength).toString()])
    // memcached ends this one in another way
    if (key === "sizes_status" && group !== "sizes") return lines
  }
}

/** The bytes of a recorded request; those of a long value are said as `*N` more of the last byte. */
const bytesOf = (text: string): Buffer => {
  const [hex, more] = text.split("*") as [string, string?]
  const bytes = Buffer.from(hex, "hex")
  return more === undefined ? bytes : Buffer.concat([bytes, Buffer.alloc(Number(more), bytes.at(-1))])
}

/** Sends the recorded requests to a fresh server, then, after `settle` milliseconds, asks for everything: memcached flushes one by one. */
export const tell = async (port: number, settle = 0): Promise<Told> => {
  const client = await RawClient.connect(port)
  for (const text of recorded.sent) {
    const request = bytesOf(text)
    if (request[1] === 0x10) {
      await statistics(client, request.subarray(headerSize).toString())
      // where memcached says no more, others end as with any other group
      client.send(packet(0x0a, { opaque: 0x777 }))
      while ((await client.packets(1))[0]![1] !== 0x0a);
    } else {
      client.send(request)
      await client.packets(1)
    }
  }
  await new Promise((resolve) => setTimeout(resolve, settle))
  const groups: { [group: string]: Lines } = {}
  for (const group of Object.keys(recorded.groups)) groups[group] = await statistics(client, group) ?? []
  await statistics(client, "reset")
  const reset = await statistics(client, "") ?? []
  client.close()
  return { groups, reset }
}

/** General statistics that are the same wherever the same was asked for. */
const counted = [
  "cas_badval",
  "get_expired",
  "get_flushed",
  "auth_cmds",
  "auth_errors",
  "curr_items",
  "total_items",
  "limit_maxbytes",
  "max_connections",
  "pointer_size",
  "version",
  "evictions",
  "evicted_unfetched",
  "accepting_conns",
  "rejected_connections",
  "hash_power_level",
  ...["get", "set", "flush", "touch", "meta"].map((name) => `cmd_${name}`),
  ...["get", "delete", "incr", "decr", "cas", "touch"].flatMap((name) => [`${name}_hits`, `${name}_misses`])
]

/** Settings that say what another server, machine or beginning has. */
const ownSettings = [
  "oldest",
  "tcpport",
  "inter",
  "num_threads",
  "num_threads_per_udp",
  "binding_protocol",
  "slab_reassign",
  "slab_automove",
  "lru_crawler",
  "lru_maintainer_thread",
  "lru_segmented",
  "dump_enabled",
  "idle_timeout"
]

/** Of a class of items: how its queues are used, and how long ago. */
const ownItems = /:(age\w*|number_\w+|moves_\w+|hits_to_\w+|lrutail_reflocked|crawler_\w+|reclaimed|expired_unfetched)$/

/** Classes of what was written, but for items above half a page, which memcached cuts into chunks of several classes. */
const written = (lines: Lines): Lines => {
  const classes = lines.filter(([name, value]) => /^\d+:cmd_set$/.test(name) && value !== "0").map(([name]) => Number.parseInt(name, 10))
  return lines.filter(([name]) => classes.some((id) => id < 39 && name.startsWith(`${id}:`)))
}

/** What is to be the same of two servers that were asked the same. */
export const comparable = ({ groups, reset }: Told): unknown => {
  const general = new Map(groups[""])
  return {
    general: { names: groups[""]!.map(([name]) => name), values: counted.map((name) => `${name} ${general.get(name)}`) },
    settings: {
      names: groups["settings"]!.map(([name]) => name),
      values: groups["settings"]!.filter(([name]) => !ownSettings.includes(name))
    },
    items: { names: groups["items"]!.map(([name]) => name), values: groups["items"]!.filter(([name]) => !ownItems.test(name)) },
    slabs: written(groups["slabs"]!),
    sizes: groups["sizes"],
    detail: groups["detail dump"]!.map(([name, value]) => [name, value.split("\r\n").toSorted()]),
    reset: reset.filter(([name]) => /^(cmd|get|delete|incr|decr|cas|touch)_|^(total_items|evictions|total_connections)$/.test(name))
      .map(([name, value]) => name === "total_connections" ? name : `${name} ${value}`)
  }
}
