/** Proves that an owned packet refers to nothing of the buffer it came from. */
import { describe, expect, it } from "vitest"
import { own } from "./Own.ts"

const bytes = (...all: ReadonlyArray<number>): Uint8Array => Uint8Array.from(all)

describe("own", () => {
  it("copies every byte field", () => {
    const buffer = bytes(1, 2, 3, 4)
    const packet = { _tag: "X", cas: 5n, none: undefined, value: buffer.subarray(1, 3), list: [{ bytes: buffer.subarray(0, 1) }] }
    const copy = own(packet)
    expect(copy).toStrictEqual(packet)
    buffer.fill(0)
    expect([...copy.value]).toEqual([2, 3])
    expect([...copy.list[0]!.bytes]).toEqual([1])
    expect(copy.value.buffer.byteLength).toBe(2)
  })
})
