/** The classic node tells of itself what memcached 1.6.18 told after the same requests, and counts what that does not show. */
import { packet, RawClient } from "../../memcached/src/RawClient.fixture.ts"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { comparable, recorded, statistics, tell } from "../../../test/peers/MemcachedStatistics.ts"
import { type MemcachedNode, type MemcachedNodeOptions, serveMemcachedNode } from "./MemcachedNode.ts"
import { chunkSizes, slabClassOf } from "./SlabClasses.ts"

const withNode = (use: (node: MemcachedNode, client: RawClient) => Promise<void>, options: MemcachedNodeOptions = {}): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(serveMemcachedNode(options), (node) =>
    Effect.promise(async () => {
      const client = await RawClient.connect(node.server.port)
      await use(node, client)
      client.close()
    }))))

const none = "0000000000000000"
const set = (key: string, value: string, cas = 0n): Buffer => packet(0x01, { key, extras: none, value, cas })
const get = (key: string): Buffer => packet(0x00, { key })
const ask = async (client: RawClient, ...requests: ReadonlyArray<Buffer>): Promise<Array<Buffer>> => {
  client.send(Buffer.concat(requests))
  return client.packets(requests.length)
}
const valuesOf = async (client: RawClient, names: ReadonlyArray<string>, group = ""): Promise<Array<string | undefined>> => {
  const lines = new Map(await statistics(client, group))
  return names.map((name) => lines.get(name))
}

test("general, settings, items, slabs, sizes, detail and reset, as memcached 1.6.18 told", () =>
  withNode(async ({ server }) => {
    expect(recorded.groups[""]).toHaveLength(92)
    expect(recorded.groups["settings"]).toHaveLength(76)
    expect(comparable(await tell(server.port))).toEqual(comparable(recorded))
  }))

test("a Unix socket is told by its path, and no interface is, as memcached -s 1.6.18 told", () => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-stats-"))
  const path = join(folder, "socket")
  const told = Effect.scoped(Effect.andThen(
    serveMemcachedNode({ path }),
    Effect.promise(async () => {
      const socket = connect(path)
      socket.write("stats settings\r\nquit\r\n")
      const chunks: Array<Buffer> = []
      for await (const chunk of socket) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks).toString()
    })
  ))
  return Effect.runPromise(told).then((text) => {
    expect(text).toContain(`\r\nSTAT domain_socket ${path}\r\n`)
    expect(text).toContain("\r\nSTAT inter NULL\r\n")
  }).finally(() => rmSync(folder, { recursive: true }))
})

describe("what is counted", () => {
  test("hits of a CAS; a version that is the right one", () =>
    withNode(async (_, client) => {
      const [stored] = await ask(client, set("a", "1"))
      // memcached takes ADD and REPLACE with a CAS for a replacement of that version
      const [added] = await ask(client, packet(0x02, { key: "a", extras: none, value: "2", cas: stored!.readBigUInt64BE(16) }))
      expect(added!.readUInt16BE(6)).toBe(0)
      const [replaced] = await ask(client, packet(0x03, { key: "a", extras: none, value: "3", cas: added!.readBigUInt64BE(16) }))
      expect(replaced!.readUInt16BE(6)).toBe(0)
      expect(await valuesOf(client, ["cas_hits", "cas_badval", "cas_misses", "cmd_set"])).toEqual(["2", "0", "0", "3"])
    }))

  test("expired, too large, evicted without having been read", () => {
    let now = 1_750_000_000_000
    return withNode(async (_, client) => {
      await ask(client, packet(0x01, { key: "short", extras: "000000000000000a", value: "x" }))
      now += 10_000
      await ask(client, get("short"), get("short"), set("large", "x".repeat(1_100_000)))
      expect(await valuesOf(client, ["get_expired", "get_misses", "store_too_large", "uptime"])).toEqual(["1", "2", "1", "10"])
      await ask(client, ...Array.from({ length: 40 }, (_, i) => set(`k${i}`, "x".repeat(50_000))))
      const [evictions, unfetched, items, bytes, limit] = await valuesOf(client, [
        "evictions",
        "evicted_unfetched",
        "curr_items",
        "bytes",
        "limit_maxbytes"
      ])
      expect([Number(items) + Number(evictions), Number(evictions) > 15]).toEqual([40, true])
      expect(unfetched).toBe(evictions)
      expect(Number(bytes)).toBeLessThanOrEqual(Number(limit))
      expect(Number(bytes)).toBeGreaterThan(0.9 * Number(limit))
    }, { now: () => now, maxMemory: 1_000_000 })
  })

  test("connections and bytes", () =>
    withNode(async ({ server }, client) => {
      const other = await RawClient.connect(server.port)
      await ask(other, get("a"))
      const names = ["curr_connections", "total_connections", "bytes_read", "max_connections"]
      expect(await valuesOf(client, names)).toEqual(["2", "2", String(25 + 24), "7"])
      other.close()
    }, { maxConnections: 7 }))

  test("sizes are counted from when they are to be; settings say so", () =>
    withNode(async (_, client) => {
      const sizes = async () => statistics(client, "sizes")
      await ask(client, set("before", "x"))
      expect(await sizes()).toEqual([["sizes_status", "disabled"]])
      client.send(packet(0x10, { key: "sizes_enable" }))
      await client.packets(2)
      await ask(client, set("a", "x"), set("b", "x".repeat(4)), set("before", "y"))
      // 48 of header, 8 of CAS, key, NUL, value, line end: 61, 64 and 66
      expect(await sizes()).toEqual([["64", "2"], ["96", "1"]])
      await ask(client, packet(0x04, { key: "a" }))
      expect(await sizes()).toEqual([["64", "1"], ["96", "1"]])
      expect(await valuesOf(client, ["track_sizes", "verbosity", "detail_enabled"], "settings")).toEqual(["yes", "0", "no"])
    }))

  test("prefixes are counted while they are to be, up to 10 000 of them", () =>
    withNode(async (_, client) => {
      const dump = async () => (await statistics(client, "detail dump"))![0]![1].split("\r\n")
      await ask(client, get("before:1"))
      await statistics(client, "detail on")
      await ask(client, ...Array.from({ length: 10_001 }, (_, i) => get(`p${i}:x`)))
      await ask(client, get("p0:y"))
      await statistics(client, "detail off")
      await ask(client, get("p1:y"))
      const lines = await dump()
      expect(lines).toHaveLength(10_000 + 2)
      expect(lines.slice(0, 2)).toEqual(["PREFIX p0 get 2 hit 0 set 0 del 0", "PREFIX p1 get 1 hit 0 set 0 del 0"])
      expect(lines.at(-2)).toBe("END")
      expect(await statistics(client, "reset")).toEqual([])
      expect(await dump()).toEqual(["END", ""])
    }))

  test.each(["nosuch", "detail", "detail xx", "detaildump", "conns", "itemsx", "slabsx", "sizesx", "cachedump"])(
    "there is no group %s",
    (group) =>
      withNode(async (_, client) => {
        expect(await statistics(client, group)).toBeUndefined()
      })
  )

  test.each([["settingsx", 76], ["resetx", 0], ["detail onx", 0], ["detail dumpx", 1]])(
    "%s is known by its beginning",
    (group, lines) =>
      withNode(async (_, client) => {
        expect(await statistics(client, group)).toHaveLength(lines)
      })
  )
})

test("slab classes: 39, and each size is in the first that has room", () => {
  expect(chunkSizes).toHaveLength(39)
  expect([1, 4, 6, 19, 31, 32, 39].map((id) => chunkSizes[id - 1])).toEqual([96, 192, 304, 5_680, 82_792, 103_496, 524_288])
  for (const [index, size] of chunkSizes.entries()) {
    expect([slabClassOf(size), slabClassOf(size + 1)]).toEqual([index + 1, Math.min(39, index + 2)])
  }
})
