/** Our ring beside libmemcached's own, asked now: 10 000 keys for each of 1 to 8 servers, with both distributions and several weightings. */
import { Ketama } from "@wirewright/memcached"
import { describe, expect, it } from "vitest"
import { askLibmemcached, keysOf, rings } from "./Ketama.ts"

describe("ketama", () => {
  it("gives 10 000 keys to the servers that libmemcached gives them to, on each of 112 rings", () => {
    const keys = keysOf(10_000)
    const theirs = askLibmemcached(rings, keys)
    expect(theirs).toHaveLength(112)
    for (const [i, { distribution, servers }] of rings.entries()) {
      const ring = new Ketama(servers.map(([host, port, weight]) => ({ host, port, weight })), distribution)
      const different = keys.filter((key, place) => String(ring.serverOf(key)) !== theirs[i]![place])
      expect(theirs[i]!.length).toBe(10_000)
      expect(different, JSON.stringify(rings[i])).toEqual([])
    }
  })
})
