/** Proves that a writer grows as needed and never writes into what it has handed out. */
import { describe, expect, it } from "vitest"
import { random } from "./Random.fixture.ts"
import { encodeWith, PooledWriter, Writer } from "./Writer.ts"

const append = (writer: Writer, bytes: Uint8Array): void => {
  const at = writer.need(bytes.length)
  writer.bytes.set(bytes, at)
  writer.position = at + bytes.length
}

describe.each([["Writer", Writer], ["PooledWriter", PooledWriter]] as const)("%s", (_, Of) => {
  it("grows and keeps what was appended", () => {
    for (const initial of [0, 1, 16, 512]) {
      const writer = new Of(initial)
      const parts = [1, 15, 16, 17, 511, 70_000, 200_000].map((size, i) => new Uint8Array(size).fill(i + 1))
      for (const part of parts) append(writer, part)
      const expected = parts.flatMap((part) => [...part])
      expect(writer.length).toBe(expected.length)
      const taken = writer.take()
      expect(taken.length === expected.length && taken.every((byte, i) => byte === expected[i])).toBe(true)
      expect(writer.length).toBe(0)
      expect(writer.view.buffer).toBe(writer.bytes.buffer)
    }
  })

  it("never rewrites what it handed out", () => {
    const seed = 7
    const next = random(seed)
    const writer = new Of(64)
    const taken: Array<{ readonly bytes: Uint8Array; readonly copy: Uint8Array }> = []
    for (let round = 0; round < 2000; round++) {
      append(writer, Uint8Array.from({ length: next(300) }, () => next(256)))
      if (next(5) === 0) {
        const before = writer.length
        append(writer, new Uint8Array(next(100)).fill(0xee))
        writer.truncate(before)
      }
      if (next(3) === 0) {
        const bytes = writer.take()
        taken.push({ bytes, copy: bytes.slice() })
      }
    }
    expect(taken.every(({ bytes, copy }) => bytes.every((byte, i) => byte === copy[i])), `seed ${seed}`).toBe(true)
  })
})

describe("PooledWriter", () => {
  it("moves nothing: what was appended stays where it is, in segments", () => {
    const writer = new PooledWriter()
    append(writer, new Uint8Array(60_000).fill(1))
    const first = writer.bytes
    append(writer, new Uint8Array(10_000).fill(2))
    append(writer, new Uint8Array(100_000).fill(3))
    expect(writer.length).toBe(170_000)
    const segments = writer.takeSegments()
    expect(segments.map((segment) => [segment.length, segment[0]])).toEqual([[60_000, 1], [10_000, 2], [100_000, 3]])
    expect(segments[0]!.buffer).toBe(first.buffer)
    expect(writer.takeSegments()).toEqual([])
  })

  it("forgets across buffers", () => {
    for (const keep of [0, 1, 59_999, 60_000, 60_001, 69_999, 70_000]) {
      const writer = new PooledWriter()
      append(writer, new Uint8Array(60_000).fill(1))
      append(writer, new Uint8Array(10_000).fill(2))
      writer.truncate(keep)
      expect(writer.length).toBe(keep)
      append(writer, Uint8Array.of(9))
      const taken = writer.take()
      expect([taken.length, taken.at(-1), taken.filter((byte) => byte === 2).length]).toEqual([keep + 1, 9, Math.max(0, keep - 60_000)])
    }
  })

  it("uses released buffers again, and only those", () => {
    const writer = new PooledWriter()
    const buffers = new Set<ArrayBufferLike>()
    const held: Array<{ readonly bytes: Uint8Array; readonly copy: Uint8Array }> = []
    for (let round = 0; round < 200; round++) {
      append(writer, new Uint8Array(30_000).fill(round))
      for (const segment of writer.takeSegments()) {
        buffers.add(segment.buffer)
        if (round % 50 === 0) held.push({ bytes: segment, copy: segment.slice() })
        else writer.release(segment)
      }
    }
    // one in use, one filling, and those held for good
    expect(buffers.size).toBeLessThanOrEqual(2 + held.length)
    expect(held.length).toBe(4)
    for (const { bytes, copy } of held) expect(bytes).toEqual(copy)
    writer.release(new Uint8Array(5))
  })

  it("takes an empty view when nothing was appended", () => {
    expect(new PooledWriter().take().length).toBe(0)
    expect(encodeWith((writer) => append(writer, Uint8Array.of(1, 2)))).toEqual(Uint8Array.of(1, 2))
  })
})
