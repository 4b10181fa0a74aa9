/**
 * What is read into slabs stays what it was, however much comes at a time, and next to nothing of it is copied. Packets of three kinds of
 * protocol: a header says how long they are, a line does, only reading them to their end does.
 */
import { expectWithin, Framer, headerShape, incomplete, PacketStream, type Reader, type Unfinished } from "@wirewright/codec"
import { random } from "@wirewright/codec/Random.fixture"
import { describe, expect, it } from "vitest"
import { Slabs } from "./Slabs.ts"

/** Takes what is read, and hands out packets as they lie in memory. */
interface Cutting {
  readonly push: (bytes: Uint8Array, sink: (packet: Uint8Array) => void) => void
  readonly unfinished: Unfinished
  readonly copied: () => number
}

/** A kind of packet. */
interface Kind {
  readonly of: (content: Uint8Array) => Uint8Array
  readonly cutting: () => Cutting
}

const header = headerShape({
  name: "Header",
  headerSize: 6,
  lengthOffset: 2,
  lengthWidth: 4,
  lengthIncludesHeader: false,
  magics: [0x80],
  maxFrame: 64 * 1024 * 1024
})

/** A line with a length, content, and a line feed whose place is not known before the content is there: Redis' bulk strings. */
const decodeLine = (reader: Reader, at: number): Uint8Array => {
  const { bytes } = reader
  const end = bytes.indexOf(0x0a, at)
  if (end === -1) return incomplete("Line", "", bytes.length - at, "a line", "the end")
  const size = Number(String.fromCharCode(...bytes.subarray(at, end)))
  expectWithin(end + 1 + size, reader.open, "Line", "content", end + 1, at)
  if (end + 1 + size === bytes.length) return incomplete("Line", "", bytes.length - at, "a line feed", "the end")
  reader.next = end + 2 + size
  return reader.slice(at, reader.next)
}

const decodeEnded = (reader: Reader, at: number): Uint8Array => {
  const end = reader.bytes.indexOf(0x00, at)
  if (end === -1) return incomplete("Ended", "", reader.bytes.length - at, "the end", "none")
  reader.next = end + 1
  return reader.slice(at, reader.next)
}

const streaming = (decode: (reader: Reader, at: number) => Uint8Array) => (): Cutting => {
  const stream = new PacketStream({ name: "Stream", maxFrame: 64 * 1024 * 1024, inPlace: true, decode })
  return { push: (bytes, sink) => stream.push(bytes, sink), unfinished: stream.unfinished, copied: () => stream.copied }
}

const kinds: { readonly [name: string]: Kind } = {
  "a header": {
    of: (content) => {
      const bytes = new Uint8Array(6 + content.length)
      bytes[0] = 0x80
      new DataView(bytes.buffer).setUint32(2, content.length)
      bytes.set(content, 6)
      return bytes
    },
    cutting: () => {
      const framer = new Framer(header, { inPlace: true })
      return {
        push: (bytes, sink) => framer.push(bytes, (reader, at, end) => sink(reader.slice(at, end))),
        unfinished: framer,
        copied: () => framer.copied
      }
    }
  },
  "a line": {
    of: (content) => Buffer.concat([Buffer.from(`${content.length}\n`), content, Buffer.from("\n")]),
    cutting: streaming(decodeLine)
  },
  "an end": {
    of: (content) => Uint8Array.from([...content.map((byte) => byte || 1), 0]),
    cutting: streaming(decodeEnded)
  }
}

interface Outcome {
  /** Packets as they were handed out, and as they are in the end. */
  readonly packets: ReadonlyArray<Uint8Array>
  readonly copied: number
  readonly received: number
  readonly allocated: number
  readonly reads: number
}

/** Reads a stream as a socket does: at each read there are as many bytes as `there` says, and at most as many are read as there is room for. */
const read = (stream: Uint8Array, { cutting }: Kind, there: () => number): Outcome => {
  const cut = cutting()
  let allocated = 0
  const slabs = new Slabs((size) => {
    allocated += size
    // what was never read must not be handed out either
    return new Uint8Array(size).fill(0xee)
  }, cut.unfinished)
  const packets: Array<Uint8Array> = []
  let reads = 0
  for (let at = 0; at < stream.length;) {
    const room = slabs.room()
    if (room.length === 0) throw new Error("no room")
    const size = Math.min(room.length, Math.max(1, there()), stream.length - at)
    room.set(stream.subarray(at, at + size))
    cut.push(slabs.taken(size), (packet) => packets.push(packet))
    at += size
    reads++
  }
  expect(cut.unfinished.buffered).toBe(0)
  return { packets, copied: cut.copied(), received: stream.length, allocated, reads }
}

const contentOf = (size: number, seed: number): Uint8Array => {
  const content = new Uint8Array(size)
  for (let i = 0; i < size; i++) content[i] = 1 + (i * 31 + (i >> 8) * 7 + seed) % 250
  return content
}

const joined = (parts: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(parts))

const same = (got: ReadonlyArray<Uint8Array>, want: ReadonlyArray<Uint8Array>): void => {
  expect(got.length).toBe(want.length)
  for (const [i, packet] of got.entries()) if (!Buffer.from(packet).equals(want[i]!)) throw new Error(`packet ${i} is not what was sent`)
}

describe.each(Object.entries(kinds))("packets that have %s", (_, kind) => {
  it("are the same in the end, whatever came when", () => {
    const below = random(5)
    for (let run = 0; run < 20; run++) {
      const largest = [20, 300, 5_000, 40_000, 300_000][run % 5]!
      const sent: Array<Uint8Array> = []
      for (let size = 0; size < 400_000 && sent.length < 600;) {
        const one = kind.of(contentOf(below(10) === 0 ? below(largest) : below(Math.min(largest, 900)), run))
        sent.push(one)
        size += one.length
      }
      const most = 2 ** (3 + run % 15)
      same(read(joined(sent), kind, () => 1 + below(most)).packets, sent)
    }
  })

  it("are the same at every single cut", () => {
    const sent = [3, 0, 40, 17_000, 1, 70].map((size, i) => kind.of(contentOf(size, i)))
    const stream = joined(sent)
    const cuts = Array.from({ length: stream.length }, (_, i) => i).filter((i) => i < 120 || i > stream.length - 120 || i % 397 === 0)
    for (const cut of cuts) {
      const there = [cut, stream.length]
      same(read(stream, kind, () => there.shift() ?? stream.length).packets, sent)
    }
  })
})

describe("bytes copied of bytes received", () => {
  const sizes = [64, 256, 1024, 4096, 16 * 1024, 64 * 1024, 100 * 1024, 256 * 1024, 1024 * 1024]

  it.each(
    ["a header", "a line"].flatMap((name) =>
      [1_460, 64 * 1024, Infinity].flatMap((there) => sizes.map((size) => [name, size, there] as const))
    )
  )("%s, packets of %i bytes, %d at a time", (name, size, there) => {
    const kind = kinds[name]!
    const one = kind.of(contentOf(size, 1))
    const count = Math.max(3, Math.min(2_000, Math.ceil(3 * 1024 * 1024 / size)))
    const sent = Array.from({ length: count }, () => one)
    const { copied, packets, received } = read(joined(sent), kind, () => there)
    same(packets, sent)
    // what is read of the first large packet before anything is known of it moves once
    expect((copied - Math.min(copied, size > 128 * 1024 ? 64 * 1024 : 16 * 1024)) / received).toBeLessThanOrEqual(
      size <= 64 * 1024 ? 0.05 : 0.001
    )
  })

  it("packets that nobody knows the length of move no more often than their size doubles", () => {
    const sent = [kinds["an end"]!.of(contentOf(2 * 1024 * 1024, 3))]
    const { copied, received } = read(sent[0]!, kinds["an end"]!, () => 64 * 1024)
    expect(copied).toBeLessThan(2 * received)
  })
})

describe("slabs", () => {
  it("of a connection that hears little are 16 KiB, and grow to 256 KiB with what comes at a time", () => {
    const allocated: Array<number> = []
    const slabs = new Slabs((size) => {
      allocated.push(size)
      return new Uint8Array(size)
    })
    const take = (size: number, times: number): void => {
      for (let i = 0; i < times; i++) slabs.taken(Math.min(size, slabs.room().length))
    }
    take(100, 1_000)
    expect(new Set(allocated)).toEqual(new Set([16 * 1024]))
    take(64 * 1024, 50)
    expect(allocated.at(-1)).toBe(256 * 1024)
    take(100, 6_000)
    expect(allocated.at(-1)).toBe(16 * 1024)
  })

  it("a packet that is kept keeps no more than 256 KiB, or itself", () => {
    const below = random(9)
    const kind = kinds["a header"]!
    const sent = Array.from({ length: 400 }, (_, i) => kind.of(contentOf(i % 40 === 0 ? 200_000 + below(300_000) : below(3_000), i)))
    const { packets } = read(joined(sent), kind, () => 1 + below(100_000))
    for (const packet of packets) expect(packet.buffer.byteLength).toBeLessThanOrEqual(Math.max(256 * 1024, packet.length))
  })
})
