/** Which messages a gate holds, in which order they pass, and that the bytes of those that never do are given free. */
import { Reader } from "@wirewright/codec"
import { describe, expect, it } from "vitest"
import type { DcpConnection } from "./DcpConnection.ts"
import { PersistenceGate } from "./PersistenceGate.ts"

const reader = new Reader(new Uint8Array(0))

const gate = () => {
  let freed = 0
  const connection = { free: (bytes: number) => void (freed += bytes) } as DcpConnection
  const one = new PersistenceGate()
  const passed: Array<number> = []
  return {
    one,
    passed,
    freed: () => freed,
    /** A message of 10 bytes, known by its number. */
    comes: (number: number, seqno?: bigint): boolean => one.holds(reader, number * 10, number * 10 + 10, connection, seqno),
    persisted: (seqno: bigint, most = Infinity): void =>
      one.persisted(seqno, ({ at }) => {
        passed.push(at / 10)
        return passed.length < most
      })
  }
}

describe("a gate", () => {
  it("SC-54 lets changes pass up to what is persisted, and no further", () => {
    const { comes, one, passed, persisted } = gate()
    persisted(7n)
    expect([comes(1, 6n), comes(2, 7n), comes(3, 8n), comes(4, 9n), comes(5, 10n)]).toEqual([false, false, true, true, true])
    persisted(9n)
    expect([passed, one.size]).toEqual([[3, 4], 1])
    persisted(10n)
    expect([passed, one.size]).toEqual([[3, 4, 5], 0])
    expect(comes(6, 10n)).toBe(false)
  })

  it("keeps the order of what is no change", () => {
    const { comes, passed, persisted } = gate()
    // nothing is held: a marker passes
    expect(comes(0)).toBe(false)
    expect([comes(1, 1n), comes(2), comes(3, 2n), comes(4)]).toEqual([true, true, true, true])
    persisted(1n)
    expect(passed).toEqual([1, 2])
    persisted(2n)
    expect(passed).toEqual([1, 2, 3, 4])
  })

  it("does not forget what was persisted because a later answer is older", () => {
    const { comes, persisted } = gate()
    persisted(5n)
    persisted(3n)
    expect([comes(1, 5n), comes(2, 6n)]).toEqual([false, true])
  })

  it("that is emptied gives bytes free, and believes nothing of what it knew", () => {
    const { comes, freed, one, passed, persisted } = gate()
    persisted(5n)
    comes(1, 6n)
    comes(2, 7n)
    one.empty()
    expect([freed(), one.size, passed]).toEqual([20, 0, []])
    expect(comes(3, 1n)).toBe(true)
  })

  it("stops where it is told to, and can be emptied meanwhile", () => {
    const { comes, freed, one, passed, persisted } = gate()
    for (const number of [1, 2, 3]) comes(number, BigInt(number))
    persisted(3n, 2)
    expect([passed, one.size]).toEqual([[1, 2], 1])
    one.empty()
    expect(freed()).toBe(10)
  })
})
