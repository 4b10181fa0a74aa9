/** Proves that frames do not depend on how the stream is cut, that limits are exact, and that a claimed length allocates nothing. */
import { describe, expect, it } from "vitest"
import { DecodeError } from "./Errors.ts"
import { Framer, type FrameShape } from "./Framer.ts"
import { random } from "./Random.fixture.ts"

const shape: FrameShape = {
  name: "Mcbp",
  headerSize: 24,
  lengthOffset: 8,
  lengthWidth: 4,
  lengthIncludesHeader: false,
  magics: [0x80, 0x81, 0x08, 0x18],
  maxFrame: 1_000_000
}

const frame = (body: Uint8Array, magic = 0x80, length = body.length): Uint8Array => {
  const bytes = new Uint8Array(24 + body.length)
  bytes[0] = magic
  new DataView(bytes.buffer).setUint32(8, length)
  bytes.set(body, 24)
  return bytes
}

const joined = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

const refusal = (run: () => void): DecodeError => {
  try {
    run()
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
  throw new Error("was accepted")
}

const ignore = (): void => {}

describe("Framer", () => {
  const seed = 42
  const next = random(seed)
  const frames: Array<Uint8Array> = []
  for (let size = 0; size < 2_000_000;) {
    const kind = next(10)
    const body = Uint8Array.from({ length: kind < 3 ? 0 : kind < 8 ? next(200) : kind < 9 ? next(5000) : next(100_000) }, () => next(256))
    const one = frame(body, shape.magics[next(4)]!)
    frames.push(one)
    size += one.length
  }
  const stream = joined(frames)

  it.each([1, 2, 3, 7, 23, 24, 25, 100, 1460, 65_536, stream.length])("cuts the same frames from chunks of %i bytes", (size) => {
    const framer = new Framer(shape)
    let index = 0
    let total = 0
    let wrong = 0
    for (let at = 0; at < stream.length; at += size) {
      framer.push(stream.subarray(at, at + size), (reader, start, end) => {
        const expected = frames[index++]!
        total += expected.length
        if (end - start !== expected.length || framer.offset !== total) wrong++
        for (let i = 0; i < expected.length; i++) if (reader.bytes[start + i] !== expected[i]) wrong++
        if (reader.view.getUint32(start + 8) !== expected.length - 24) wrong++
      })
    }
    expect({ wrong, index, buffered: framer.buffered, offset: framer.offset, seed }).toEqual({
      wrong: 0,
      index: frames.length,
      buffered: 0,
      offset: stream.length,
      seed
    })
    framer.finish()
  })

  it("never writes into frames it has handed out", () => {
    const framer = new Framer(shape)
    const kept: Array<Uint8Array> = []
    const part = stream.subarray(0, 20_000)
    for (let at = 0; at < part.length; at += 7) {
      framer.push(part.slice(at, at + 7), (reader, start, end) => kept.push(reader.slice(start, end)))
    }
    expect(kept.length).toBeGreaterThan(5)
    expect(kept).toEqual(frames.slice(0, kept.length))
  })

  it.each([1, 5, 24, 200])("knows its limit to the byte, in chunks of %i", (size) => {
    const feed = (bytes: Uint8Array): number => {
      const framer = new Framer(shape, { maxFrame: 100 })
      let seen = 0
      for (let at = 0; at < bytes.length; at += size) framer.push(bytes.subarray(at, at + size), () => seen++)
      return seen
    }
    expect(feed(frame(new Uint8Array(75)))).toBe(1)
    expect(feed(frame(new Uint8Array(76)))).toBe(1)
    expect(refusal(() => feed(frame(new Uint8Array(77))))).toMatchObject({ reason: "Limit", offset: 8, incomplete: false })
  })

  it("refuses a wrong magic with its first byte", () => {
    const framer = new Framer(shape)
    expect(refusal(() => framer.push(Uint8Array.of(0x47), ignore))).toMatchObject({ reason: "Magic", got: "0x47", offset: 0 })
    const second = new Framer(shape)
    let seen = 0
    const bytes = joined([frame(new Uint8Array(3)), frame(new Uint8Array(3), 0x99)])
    expect(refusal(() => second.push(bytes, () => seen++)).reason).toBe("Magic")
    expect(seen).toBe(1)
  })

  it("cannot be used after a failure", () => {
    const framer = new Framer(shape)
    refusal(() => framer.push(Uint8Array.of(1), ignore))
    expect(() => framer.push(frame(new Uint8Array(0)), ignore)).toThrow(DecodeError)
  })

  it("allocates what has arrived, not what is claimed", () => {
    const huge = { ...shape, maxFrame: 2 ** 31 }
    const before = process.memoryUsage().arrayBuffers
    const bombs = Array.from({ length: 50 }, () => new Framer(huge))
    for (const framer of bombs) {
      framer.push(frame(new Uint8Array(10), 0x80, 0x7000_0000), ignore)
      framer.push(new Uint8Array(1000), ignore)
      expect(framer.buffered).toBe(1034)
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
    expect(refusal(() => new Framer(shape).push(frame(new Uint8Array(0), 0x80, 0xffff_ffff), ignore)).reason).toBe("Limit")
  })

  it("says how an unfinished stream ended", () => {
    const header = new Framer(shape)
    header.push(frame(new Uint8Array(0)).subarray(0, 10), ignore)
    expect(refusal(() => header.finish())).toMatchObject({ reason: "Incomplete", incomplete: true, offset: 10 })
    const body = new Framer(shape)
    body.push(frame(new Uint8Array(9)).subarray(0, 30), ignore)
    expect(refusal(() => body.finish())).toMatchObject({ incomplete: true, expected: "33 bytes", got: "30 bytes" })
    new Framer(shape).finish()
  })

  it("knows other shapes of header", () => {
    const cut = (other: Partial<FrameShape>, bytes: ReadonlyArray<number>): ReadonlyArray<number> => {
      const sizes: Array<number> = []
      new Framer({ ...shape, headerSize: 4, lengthOffset: 1, magics: [], ...other }).push(
        Uint8Array.from(bytes),
        (_, at, end) => sizes.push(end - at)
      )
      return sizes
    }
    expect(cut({ lengthWidth: 3 }, [9, 0, 0, 1, 7, 9, 0, 0, 0])).toEqual([5, 4])
    expect(cut({ lengthWidth: 2, lengthIncludesHeader: true }, [9, 0, 5, 0, 7, 9, 0, 4, 0])).toEqual([5, 4])
    expect(cut({ lengthWidth: 1 }, [9, 2, 0, 0, 7, 7])).toEqual([6])
    expect(refusal(() => cut({ lengthWidth: 1, lengthIncludesHeader: true }, [9, 3, 0, 0])).reason).toBe("Length")
  })
})
