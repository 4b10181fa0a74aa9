/** Records that say where nodes are: their order, and what is made of those that say nothing. */
import { assert, describe, it } from "@effect/vitest"
import { seedsOfRecords, type SrvRecord } from "./Srv.ts"

const record = (name: string, priority: number, weight: number, port = 11_207): SrvRecord => ({ name, port, priority, weight })
const names = (records: ReadonlyArray<SrvRecord>, chances: ReadonlyArray<number>): ReadonlyArray<string> => {
  let at = 0
  return seedsOfRecords(records, () => chances[at++ % chances.length]!).map(({ host }) => host)
}

describe("SRV records", () => {
  it("become hosts and ports, in the order of their priorities", () => {
    assert.deepStrictEqual(seedsOfRecords([record("b.example.", 10, 0, 1), record("a.example", 1, 0, 2)], () => 0), [
      { host: "a.example", port: 2 },
      { host: "b.example", port: 1 }
    ])
  })

  it("of one priority are taken by chance, as their weights say", () => {
    const records = [record("light", 1, 1), record("heavy", 1, 3)]
    // RFC 2782: a number from 0 to the sum of the weights, the first whose running sum reaches it
    assert.deepStrictEqual(names(records, [0]), ["light", "heavy"])
    assert.deepStrictEqual(names(records, [0.39]), ["light", "heavy"])
    assert.deepStrictEqual(names(records, [0.41]), ["heavy", "light"])
    assert.deepStrictEqual(names(records, [0.999]), ["heavy", "light"])
    // weight 0 stands first, so it has a small chance
    assert.deepStrictEqual(names([record("some", 1, 9), record("none", 1, 0)], [0]), ["none", "some"])
    assert.deepStrictEqual(names([record("some", 1, 9), record("none", 1, 0)], [0.5]), ["some", "none"])
  })

  it("leave nothing out and add nothing", () => {
    const records = Array.from({ length: 20 }, (_, at) => record(`n${at}`, at % 3, at % 5))
    const found = names(records, [0.1, 0.9, 0.4, 0.7])
    assert.deepStrictEqual(found.toSorted(), records.map(({ name }) => name).toSorted())
    assert.deepStrictEqual(found.map((name) => Number(name.slice(1)) % 3), found.map((name) => Number(name.slice(1)) % 3).toSorted())
  })

  it("without a host, or with port 0, say that there is no such service", () => {
    assert.deepStrictEqual(names([record(".", 0, 0), record("", 0, 0), record("zero", 0, 0, 0), record("a", 0, 0)], [0]), ["a"])
  })
})
