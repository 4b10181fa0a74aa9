/** Proves that keys go to the servers that libmemcached gives them to. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { type Distribution, Ketama } from "./Ketama.ts"

interface Recorded {
  readonly keys: ReadonlyArray<string>
  readonly rings: ReadonlyArray<{
    readonly servers: ReadonlyArray<readonly [host: string, port: number, weight: number]>
    readonly distribution: Distribution
    /** The server of each key, a digit each. */
    readonly of: string
  }>
}

const { keys, rings } = JSON.parse(readFileSync(new URL("../../../test/fixtures/ketama.json", import.meta.url), "utf8")) as Recorded

const servers = (count: number, weight?: (place: number) => number) =>
  Array.from(
    { length: count },
    (_, i) => ({ host: `10.0.0.${i + 1}`, port: 11_211, ...(weight === undefined ? {} : { weight: weight(i) }) })
  )

describe("the server of a key is libmemcached's", () => {
  const named = rings.map((ring) =>
    [
      `${ring.distribution}, weights ${ring.servers.map(([, , weight]) => weight).join(" ")}`,
      ring
    ] as const
  )

  it.each(named)("%s", (_, { distribution, of, servers }) => {
    const ring = new Ketama(servers.map(([host, port, weight]) => ({ host, port, weight })), distribution)
    expect(keys.map((key) => ring.serverOf(key)).join("")).toBe(of)
    const bytes = keys.map((key) => new TextEncoder().encode(key))
    expect(bytes.map((key) => ring.serverOf(key)).join("")).toBe(of)
  })

  it("for rings of 1 to 8 servers", () => {
    expect(new Set(rings.map(({ servers }) => servers.length))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]))
    expect(new Set(rings.flatMap(({ of }) => [...of])).size).toBe(8)
  })
})

describe("a ring", () => {
  it("is weighted unless it is said otherwise, and servers weigh 1", () => {
    const plain = new Ketama([{ host: "a", port: 1 }, { host: "b", port: 1, weight: 3 }])
    const all = new Ketama([{ host: "a", port: 1, weight: 1 }, { host: "b", port: 1, weight: 3 }], "ketama-weighted")
    expect(keys.map((key) => plain.serverOf(key))).toEqual(keys.map((key) => all.serverOf(key)))
  })

  it("gives each key the other servers, too, each once, the next on the ring first", () => {
    const ring = new Ketama(servers(5), "ketama")
    for (const key of keys) {
      const order = [...ring.serversOf(key)]
      expect(order[0]).toBe(ring.serverOf(key))
      expect(order.toSorted()).toEqual([0, 1, 2, 3, 4])
    }
    // of servers of one weight, the next is who has the key when the first is not there
    for (const key of keys) {
      const [first, second] = ring.serversOf(key)
      const others = servers(5).filter((_, place) => place !== first)
      const without = new Ketama(others, "ketama")
      expect(others[without.serverOf(key)]).toEqual(servers(5)[second!])
    }
  })

  it("gives keys that are no Unicode text the server of their bytes", () => {
    for (const distribution of ["ketama", "ketama-weighted"] as const) {
      const ring = new Ketama(servers(8), distribution)
      // as the codec writes bytes that are no UTF-8: lone surrogates of the last 128 low ones
      const places = Array.from({ length: 128 }, (_, i) => {
        const byte = 0x80 + i
        expect(ring.serverOf(String.fromCharCode(0xdc00 + byte))).toBe(ring.serverOf(Uint8Array.of(byte)))
        return ring.serverOf(Uint8Array.of(byte))
      })
      expect(new Set(places).size).toBeGreaterThan(4)
    }
  })

  it("has no server of a weight that is no whole number from 1 to 4294967295", () => {
    for (const weight of [0, -1, 1.5, NaN, 4_294_967_296]) {
      expect(() => new Ketama(servers(2, () => weight))).toThrow(/weight/)
    }
    for (const weight of [1, 4_294_967_295]) new Ketama(servers(2, () => weight))
    expect(() => new Ketama([])).toThrow(/no server/)
  })
})
