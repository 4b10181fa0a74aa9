/** Proves that frames do not depend on how the stream is cut, that limits are exact, and that a claimed length allocates nothing. */
import { describe, expect, it } from "vitest"
import { DecodeError, incomplete, malformed } from "./Errors.ts"
import { Framer, type FrameShape, type HeaderLength, headerShape, measuring } from "./Framer.ts"
import { PacketStream } from "./PacketStream.ts"
import { random } from "./Random.fixture.ts"

const length: HeaderLength = {
  name: "Mcbp",
  headerSize: 24,
  lengthOffset: 8,
  lengthWidth: 4,
  lengthIncludesHeader: false,
  magics: [0x80, 0x81, 0x08, 0x18],
  maxFrame: 1_000_000
}
const shape = headerShape(length)

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
  it("holds of an unfinished frame no more than has come, and at most twice that while it grows", () => {
    const framer = new Framer(shape)
    const bytes = frame(new Uint8Array(900_000))
    framer.push(bytes.subarray(0, 50_000), ignore)
    expect(framer.allocated).toBe(50_000)
    for (let at = 50_000; at < bytes.length - 1; at += 1_000) {
      framer.push(bytes.subarray(at, Math.min(at + 1_000, bytes.length - 1)), ignore)
      expect(framer.allocated).toBeLessThanOrEqual(2 * framer.buffered)
    }
  })

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

  const chunkSizes = [1, 2, 3, 7, 23, 24, 25, 100, 1460, 65_536, stream.length]

  it.each([
    ...chunkSizes.map((size) => [size, "copied", false] as const),
    ...chunkSizes.map((size) => [size, "left in place", true] as const)
  ])("cuts the same frames from chunks of %i bytes, %s", (size, _, inPlace) => {
    const framer = new Framer(shape, { inPlace })
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
    if (inPlace) expect(framer.copied).toBe(0)
  })

  it.each([["copied", false], ["left in place", true]])("never writes into frames it has handed out: %s", (_, inPlace) => {
    const framer = new Framer(shape, { inPlace })
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
    // the place of what is wrong
    expect([second.offset, second.buffered, second.wanted]).toEqual([27, 0, 0])
    const third = new Framer(shape, { inPlace: true })
    third.push(joined([bytes.subarray(0, 27), Uint8Array.of(0x80, 0, 0)]), ignore)
    expect([third.offset, third.buffered]).toEqual([27, 3])
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
    const cut = (other: Partial<HeaderLength>, bytes: ReadonlyArray<number>): ReadonlyArray<number> => {
      const sizes: Array<number> = []
      new Framer(headerShape({ ...length, headerSize: 4, lengthOffset: 1, magics: [], ...other })).push(
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

/** A frame of a LEB128 length and content, or of digits and a line feed. */
const measured: FrameShape = {
  name: "Measured",
  maxFrame: 100_000,
  sizeAt: measuring(({ bytes }, at) => {
    if (bytes[at]! >= 0x30 && bytes[at]! <= 0x39) {
      const end = bytes.indexOf(0x0a, at)
      return end === -1 ? incomplete("Measured", "", bytes.length - at, "a line feed", "the end") : end + 1 - at
    }
    if (bytes[at] === 0xff) return malformed("Magic", "Measured", "", 0, "a frame", "0xff")
    let size = 0
    for (let i = 0;; i++) {
      if (at + i >= bytes.length) return incomplete("Measured", "", i, "a length", "the end")
      size += (bytes[at + i]! & 0x7f) * 128 ** i
      if (bytes[at + i]! < 0x80) return size + i + 1
    }
  })
}

describe("measured frames", () => {
  const next = random(7)
  const frames = Array.from({ length: 400 }, (_, i) => {
    if (i % 3 === 0) return Uint8Array.from([...String(next(1_000_000_000)), "\n"], (character) => character.charCodeAt(0))
    const size = i % 7 === 0 ? 128 + next(9000) : next(48)
    const body = Uint8Array.from({ length: size }, () => next(256))
    return joined([Uint8Array.from(size < 128 ? [size] : [size & 0x7f | 0x80, size >> 7]), body])
  })
  const stream = joined(frames)

  it.each([1, 2, 3, 5, 16, 100, 1000, 4096, stream.length])("are the same in chunks of %i bytes", (size) => {
    const framer = new Framer(measured)
    const found: Array<Uint8Array> = []
    for (let at = 0; at < stream.length; at += size) {
      framer.push(stream.subarray(at, at + size), (reader, from, to) => found.push(reader.bytes.slice(from, to)))
    }
    expect(found).toEqual(frames)
    expect(framer.offset).toBe(stream.length)
    expect(framer.buffered).toBe(0)
    framer.finish()
  })

  it.each([1, 2, 3, 5, 16, 100, 1000, 4096, stream.length])("are the same in place, in chunks of %i bytes", (size) => {
    const framer = new Framer(measured, { inPlace: true })
    const found: Array<Uint8Array> = []
    for (let at = 0; at < stream.length; at += size) {
      framer.push(stream.subarray(at, at + size), (reader, from, to) => found.push(reader.slice(from, to)))
    }
    expect(found).toEqual(frames)
    expect([framer.copied, framer.offset, framer.buffered]).toEqual([0, stream.length, 0])
  })

  it("fail where a frame cannot be measured, after those before it", () => {
    const framer = new Framer(measured)
    let found = 0
    const error = refusal(() => framer.push(Uint8Array.from([1, 7, 0x31, 0x0a, 0xff, 1, 7]), () => found++))
    expect([found, error.reason]).toEqual([2, "Magic"])
    expect(refusal(() => framer.push(Uint8Array.from([1, 7]), ignore)).got).toBe("a framer that has failed")
  })

  it.each([[100_000, true], [100_001, false]])("of %i bytes are accepted: %s", (size, accepted) => {
    const bytes = new Uint8Array(size)
    bytes.set([size - 3 & 0x7f | 0x80, size - 3 >> 7 & 0x7f | 0x80, size - 3 >> 14])
    const run = (): void => new Framer(measured).push(bytes, ignore)
    if (accepted) run()
    else expect(refusal(run).reason).toBe("Limit")
  })

  it("that have no end in sight keep the limit too", () => {
    const framer = new Framer(measured)
    framer.push(new Uint8Array(100_000).fill(0x31), ignore)
    expect(refusal(() => framer.finish()).incomplete).toBe(true)
    expect(refusal(() => framer.push(Uint8Array.of(0x31), ignore)).reason).toBe("Limit")
  })
})

describe("a sink that throws", () => {
  const three = [frame(Uint8Array.of(1)), frame(Uint8Array.of(2)), frame(Uint8Array.of(3))]
  const lines = [Uint8Array.of(1, 1), Uint8Array.of(1, 2), Uint8Array.of(1, 3)]

  it.each([
    ["frames with a header", shape, three, 24, false],
    ["measured frames", measured, lines, 1, false],
    ["frames with a header, in place", shape, three, 24, true],
    ["measured frames, in place", measured, lines, 1, true]
  ])("is not given the same frame again, and loses none of those after it: %s", (_, of, parts, body, inPlace) => {
    for (const cut of [0, 1, 5, parts[0]!.length + 1, parts[0]!.length * 2]) {
      const framer = new Framer(of, { inPlace })
      const seen: Array<number> = []
      const sink = (reader: { readonly bytes: Uint8Array }, at: number): void => {
        seen.push(reader.bytes[at + body]!)
        if (reader.bytes[at + body] === 2) throw new Error("bad frame")
      }
      const stream = joined(parts)
      const push = (bytes: Uint8Array): void => {
        try {
          framer.push(bytes, sink)
        } catch (error) {
          expect(String(error)).toBe("Error: bad frame")
        }
      }
      push(stream.subarray(0, cut))
      push(stream.subarray(cut))
      push(new Uint8Array(0))
      expect(seen).toEqual([1, 2, 3])
      expect(framer.offset).toBe(stream.length)
    }
  })
})

/** The same frames, measured by reading them. */
const measuredHeader: FrameShape = {
  name: "MeasuredHeader",
  maxFrame: length.maxFrame,
  sizeAt: measuring(({ bytes, view }, at) =>
    bytes.length - at < 24 ? incomplete("MeasuredHeader", "", 0, "a header", "less") : 24 + view.getUint32(at + 8)
  )
}

describe("what stays in place", () => {
  const sent = [5, 0, 60, 1, 200, 3].map((size, i) => frame(new Uint8Array(size).fill(i + 1)))
  const stream = joined(sent)

  /** Where chunks lie: right after one another in one buffer, or each in a buffer of its own. */
  const places: { readonly [name: string]: (from: number, to: number) => Uint8Array } = {
    "side by side": (from, to) => stream.subarray(from, to),
    "apart": (from, to) => stream.slice(from, to),
    "some side by side": (from, to) => from % 2 === 0 ? stream.subarray(from, to) : stream.slice(from, to)
  }

  it.each(Object.entries(places))("is the same at every two cuts, %s", (_, place) => {
    for (let first = 0; first <= stream.length; first++) {
      for (let second = first; second <= stream.length; second += 1 + second % 5) {
        const framer = new Framer(shape, { inPlace: true })
        const got: Array<Uint8Array> = []
        const push = (from: number, to: number): void => {
          framer.push(place(from, to), (reader, at, end) => got.push(reader.slice(at, end)))
          if (framer.offset + framer.buffered !== to) throw new Error(`cuts at ${first} and ${second}: offset ${framer.offset} after ${to}`)
        }
        push(0, first)
        push(first, second)
        push(second, stream.length)
        if (!Buffer.concat(got).equals(stream) || got.length !== sent.length) throw new Error(`cuts at ${first} and ${second}`)
      }
    }
  })

  it("stays what it was, wherever the chunks after it lie", () => {
    const next = random(3)
    for (let run = 0; run < 300; run++) {
      const many = Array.from({ length: 60 }, (_, i) => frame(new Uint8Array(next(run % 3 === 0 ? 3_000 : 90)).fill(1 + i)))
      const all = joined(many)
      const ends = many.map((_, i) => joined(many.slice(0, i + 1)).length)
      const framer = new Framer(run % 2 === 0 ? shape : measuredHeader, { inPlace: true })
      const got: Array<Uint8Array> = []
      for (let at = 0; at < all.length;) {
        // some chunks end with a frame
        const end = ends.find((one) => one > at)!
        const to = next(3) === 0 ? end : at + 1 + next(next(4) === 0 ? 5_000 : 60)
        framer.push(next(3) === 0 ? all.slice(at, to) : all.subarray(at, to), (reader, from, end) => got.push(reader.slice(from, end)))
        at = to
      }
      if (!Buffer.concat(got).equals(all) || got.length !== many.length) throw new Error(`run ${run}`)
    }
  })

  it("moves to where the rest is read, at every cut", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const framer = new Framer(shape, { inPlace: true })
      const got: Array<Uint8Array> = []
      const sink = (reader: { readonly slice: (at: number, end: number) => Uint8Array }, at: number, end: number): void =>
        void got.push(reader.slice(at, end))
      framer.push(stream.subarray(0, cut), sink)
      const { buffered } = framer
      const slab = new Uint8Array(stream.length + 10)
      if (buffered > 0) framer.moveTo(slab.subarray(10))
      expect([framer.buffered, framer.offset, framer.copied]).toEqual([buffered, cut - buffered, buffered])
      slab.set(stream.subarray(cut), 10 + buffered)
      framer.push(slab.subarray(10 + buffered, 10 + buffered + stream.length - cut), sink)
      expect(Buffer.concat(got).equals(stream)).toBe(true)
      expect(framer.copied).toBe(buffered)
    }
  })

  it("says what it lacks", () => {
    const framer = new Framer(shape, { inPlace: true })
    const bytes = frame(new Uint8Array(100))
    const told = [10, 24, 50, 124].map((to, i, all) => {
      framer.push(bytes.subarray(all[i - 1] ?? 0, to), ignore)
      return [framer.buffered, framer.lacking, framer.wanted]
    })
    expect(told).toEqual([[10, undefined, 0], [24, 100, 100], [50, 74, 74], [0, undefined, 0]])
  })
})

describe("packets that end themselves", () => {
  /** Lines of digits; each is one packet. */
  const decode = (reader: { readonly bytes: Uint8Array; next: number }, at: number): string => {
    decoded++
    const end = reader.bytes.indexOf(0x0a, at)
    if (end === -1) return incomplete("Line", "", reader.bytes.length - at, "a line feed", "the end")
    if (reader.bytes[at] === 0x21) return malformed("Syntax", "Line", "", 0, "a digit", "!")
    reader.next = end + 1
    return String.fromCharCode(...reader.bytes.subarray(at, end))
  }
  let decoded = 0
  const of = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0))
  const lines = Array.from({ length: 200 }, (_, i) => String(i * 7919).repeat(1 + i % 40))
  const stream = of(`${lines.join("\n")}\n`)

  it.each([1, 3, 64, 1000, stream.length])("are cut and decoded in one pass, in chunks of %i bytes", (size) => {
    decoded = 0
    const found: Array<string> = []
    const packets = new PacketStream({ name: "Line", maxFrame: 1000, decode })
    for (let at = 0; at < stream.length; at += size) packets.push(stream.subarray(at, at + size), (packet) => found.push(packet))
    packets.finish()
    expect(found).toEqual(lines)
    expect(packets.buffered).toBe(0)
    // once each, and once for each chunk that ends within a packet or looks at one that began before
    expect(decoded).toBeLessThanOrEqual(lines.length + 3 * Math.ceil(stream.length / size))
  })

  it("keep the limit, and what is wrong ends the stream", () => {
    const packets = new PacketStream({ name: "Line", maxFrame: 10, decode })
    packets.push(of("123456789\n1234567890"), ignore)
    expect(packets.buffered).toBe(10)
    expect(refusal(() => packets.finish()).incomplete).toBe(true)
    expect(refusal(() => packets.push(of("1"), ignore)).reason).toBe("Limit")
    const wrong = new PacketStream({ name: "Line", maxFrame: 10, decode })
    const found: Array<string> = []
    expect(refusal(() => wrong.push(of("1\n!\n2\n"), (packet) => found.push(packet))).reason).toBe("Syntax")
    expect(found).toEqual(["1"])
    expect(refusal(() => wrong.push(of("3\n"), ignore)).got).toBe("a framer that has failed")
  })

  it("are at least a byte", () => {
    const packets = new PacketStream({ name: "Nothing", maxFrame: 10, decode: () => "" })
    expect(refusal(() => packets.push(of("1"), ignore)).reason).toBe("Length")
  })
})
