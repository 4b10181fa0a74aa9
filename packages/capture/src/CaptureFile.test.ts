/** Capture files of every kind come out as packets, and damaged ones as packets and an error that says where. */
import { DecodeError, hexOf, Reader } from "@wirewright/codec"
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { ascii, block, concat, ints, networkInterface, pcap, section } from "../test/Packets.ts"
import { captureFormatOf, CaptureReader, readCapture } from "./CaptureFile.ts"
import type { CapturedFrame } from "./Frame.ts"
import { readPcapRecord } from "./gen/Types.ts"
import { PcapngWriter } from "./PcapngWriter.ts"

const packets = [ascii("one"), ascii("three"), new Uint8Array(0)]
const text = (frame: CapturedFrame): string => String.fromCharCode(...frame.data)
const fixture = (name: string): Uint8Array =>
  gunzipSync(readFileSync(new URL(`../../../test/fixtures/captures/${name}.pcapng.gz`, import.meta.url)))

describe("pcap", () => {
  for (const littleEndian of [false, true]) {
    for (const nanoseconds of [false, true]) {
      it(`${littleEndian ? "little" : "big"}-endian, ${nanoseconds ? "nano" : "micro"}seconds`, () => {
        const { error, frames } = readCapture(pcap(packets, { littleEndian, nanoseconds, linkType: 101 }))
        assert.isUndefined(error)
        assert.deepStrictEqual(frames.map(text), ["one", "three", ""])
        assert.deepStrictEqual(frames.map((frame) => frame.number), [1, 2, 3])
        assert.strictEqual(frames[1]!.time, BigInt(101) * BigInt(1e9) + BigInt(nanoseconds ? 5 : 5000))
        assert.strictEqual(frames[0]!.linkType, 101)
      })
    }
  }

  for (const littleEndian of [false, true]) {
    it(`modified, ${littleEndian ? "little" : "big"}-endian: records have eight bytes more`, () => {
      const head = ints(littleEndian, [4, 0xa1b2_cd34], [2, 2], [2, 4], [4, 0], [4, 0], [4, 65535], [4, 1])
      const record = (data: Uint8Array) =>
        concat(ints(littleEndian, [4, 7], [4, 5], [4, data.length], [4, 99], [4, 2], [2, 0x0800], [1, 0], [1, 0]), data)
      const { error, frames } = readCapture(concat(head, ...packets.map(record)))
      assert.isUndefined(error)
      assert.deepStrictEqual(frames.map(text), ["one", "three", ""])
      assert.strictEqual(frames[2]!.time, BigInt(7_000_005_000))
      assert.strictEqual(frames[2]!.originalLength, 99)
    })
  }

  it("a link type with a frame check sequence in its upper bits", () => {
    assert.strictEqual(readCapture(pcap([ascii("x")], { linkType: 0x1400_0001 })).frames[0]!.linkType, 1)
  })

  it("ends within a record: the packets before it are delivered, the error says where the file ends", () => {
    const file = pcap(packets)
    const { error, frames } = readCapture(file.subarray(0, 24 + 16 + 3 + 16 + 2))
    assert.deepStrictEqual(frames.map(text), ["one"])
    assert.instanceOf(error, DecodeError)
    assert.strictEqual(error!.reason, "Incomplete")
    assert.strictEqual(error!.offset, 61)
  })

  it("a record of impossible length", () => {
    const file = concat(pcap([ascii("one")]), ints(false, [4, 1], [4, 1], [4, 0xffff_fff0], [4, 1]))
    const { error, frames } = readCapture(file)
    assert.strictEqual(frames.length, 1)
    assert.strictEqual(error!.reason, "Limit")
    assert.strictEqual(error!.offset, 24 + 16 + 3 + 8)
  })

  it("cut at every byte: never more than an incomplete file", () => {
    const file = pcap(packets)
    for (let size = 0; size < file.length; size++) {
      const { error } = readCapture(file.subarray(0, size))
      if (size !== 24 && size !== 24 + 19 && size !== 24 + 19 + 21) assert.strictEqual(error?.reason, "Incomplete", String(size))
    }
  })
})

describe("pcapng", () => {
  const enhanced = (little: boolean, index: number, high: number, low: number, data: Uint8Array) =>
    block(little, 6, concat(ints(little, [4, index], [4, high], [4, low], [4, data.length], [4, data.length]), data))

  for (const little of [false, true]) {
    it(`${little ? "little" : "big"}-endian: all packet blocks, unknown blocks, two sections`, () => {
      const file = concat(
        section(little),
        block(little, 0x0bad, ascii("skipped")),
        networkInterface(little, 1, undefined, 4),
        networkInterface(little, 101, 9),
        networkInterface(little, 113, 0x80 | 10),
        enhanced(little, 0, 0, 1_000_001, ascii("micro")),
        enhanced(little, 1, 1, 2, ascii("nano")),
        enhanced(little, 2, 0, 1536, ascii("binary")),
        block(little, 3, concat(ints(little, [4, 9]), ascii("simp"))),
        block(little, 2, concat(ints(little, [2, 1], [2, 7], [4, 0], [4, 8], [4, 3], [4, 3]), ascii("old"))),
        section(!little),
        networkInterface(!little, 276, 6),
        enhanced(!little, 0, 0, 3, ascii("second"))
      )
      const { error, frames } = readCapture(file)
      assert.isUndefined(error)
      assert.deepStrictEqual(frames.map(text), ["micro", "nano", "binary", "simp", "old", "second"])
      assert.deepStrictEqual(frames.map((frame) => frame.linkType), [1, 101, 113, 1, 101, 276])
      assert.deepStrictEqual(frames.map((frame) => frame.time?.toString()), [
        "1000001000",
        "4294967298",
        "1500000000",
        undefined,
        "8",
        "3000"
      ])
      assert.deepStrictEqual(frames.map((frame) => frame.originalLength), [5, 4, 6, 9, 3, 6])
    })
  }

  it("blocks that Wireshark counts as frames are counted", () => {
    const counted = [0x9, 0x204, 0x216, 0xbad, 0x4000_0bad]
    const others = [0x4, 0x5, 0xa, 0x201, 0x208, 0x8000_0001, 0x7777]
    const blocks = [...counted, ...others].map((type) => block(true, type, new Uint8Array(24)))
    const { frames } = readCapture(concat(section(true), networkInterface(true, 1), ...blocks, enhanced(true, 0, 0, 0, ascii("x"))))
    assert.deepStrictEqual(frames.map(({ number }) => number), [counted.length + 1])
  })

  const head = concat(section(true), networkInterface(true, 1))
  const cases: ReadonlyArray<readonly [name: string, file: Uint8Array, reason: string, offset: number]> = [
    ["an interface that was not described", enhanced(true, 3, 0, 0, ascii("x")), "UnknownValue", head.length + 8],
    ["a length that is no multiple of four", ints(true, [4, 6], [4, 33], [4, 0]), "Length", head.length + 4],
    ["a length below the smallest block", ints(true, [4, 6], [4, 8], [4, 0]), "Length", head.length + 4],
    ["lengths that differ", ints(true, [4, 5], [4, 12], [4, 16]), "Length", head.length + 8],
    ["more packet than block", block(true, 6, ints(true, [4, 0], [4, 0], [4, 0], [4, 99], [4, 99])), "Length", head.length + 28],
    ["a section of no byte order", ints(true, [4, 0x0a0d_0d0a], [4, 28], [4, 1]), "Constant", head.length + 8]
  ]
  for (const [name, bytes, reason, offset] of cases) {
    it(`refuses ${name}`, () => {
      const { error } = readCapture(concat(head, bytes))
      assert.strictEqual(error?.reason, reason)
      assert.strictEqual(error?.offset, offset)
      assert.isFalse(error?.incomplete)
    })
  }

  it("what Wireshark's editcap wrote, byte by byte", () => {
    const file = readFileSync(new URL("../../../test/fixtures/captures-faults/editcap-nanoseconds.pcapng", import.meta.url))
    const frames: Array<CapturedFrame> = []
    const reader = new CaptureReader()
    for (const byte of file) reader.push(Uint8Array.of(byte), (frame) => frames.push(frame))
    reader.finish()
    // the packets that were given to editcap; see ORIGIN.md
    assert.deepStrictEqual(frames.map((frame) => [text(frame), frame.time, frame.originalLength, frame.linkType]), [
      ["hello", BigInt("1700000000123456789"), 5, 147],
      ["cut", BigInt(1), 1000, 147]
    ])
  })

  it("the writer writes what the draft prescribes, byte for byte", () => {
    const writer = new PcapngWriter()
    const written = [
      writer.section(),
      writer.interface(101, 4096),
      writer.packet({ time: BigInt("1700000000123456789"), data: ascii("hello") }),
      writer.packet({ time: BigInt(1), data: ascii("cut"), originalLength: 1000 }),
      writer.packet({ time: BigInt(2), data: ascii("four") })
    ]
    // the blocks of the first two packets are those of editcap's file
    assert.deepStrictEqual(written.map(hexOf), [
      "0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000",
      "010000002000000065000000001000000900010009000000" + "00000000" + "20000000",
      "0600000028000000" + "00000000" + "fe9c971715cd853d" + "0500000005000000" + "68656c6c6f000000" + "28000000",
      "0600000024000000" + "00000000" + "0000000001000000" + "03000000e8030000" + "63757400" + "24000000",
      "0600000024000000" + "00000000" + "0000000002000000" + "0400000004000000" + "666f7572" + "24000000"
    ])
    assert.throws(() => writer.packet({ interfaceId: 1, time: BigInt(0), data: ascii("x") }), RangeError)
  })

  it("real recordings, whole and in chunks of 1000 bytes", () => {
    for (const [name, count] of [["couchbase-6.0-session", 2000], ["couchbase-6.5-collections", 100]] as const) {
      const file = fixture(name)
      const whole = readCapture(file)
      assert.isUndefined(whole.error)
      assert.isAbove(whole.frames.length, count)
      const reader = new CaptureReader()
      const frames: Array<CapturedFrame> = []
      for (let at = 0; at < file.length; at += 1000) reader.push(file.subarray(at, at + 1000), (frame) => frames.push(frame))
      reader.finish()
      assert.deepStrictEqual(frames, whole.frames)
    }
  })
})

describe("other input", () => {
  it("is refused by its first four bytes", () => {
    assert.strictEqual(readCapture(ascii("GET / HTTP/1.1")).error?.reason, "Magic")
    assert.strictEqual(captureFormatOf(ascii("GE")), undefined)
    assert.strictEqual(readCapture(new Uint8Array(0)).error?.reason, "Incomplete")
  })

  it("readers of generated records say what is missing", () => {
    const reader = new Reader(ints(false, [4, 1], [4, 1], [4, 5], [4, 5]))
    assert.throws(() => readPcapRecord(reader, 0, 16, 0, false), DecodeError)
  })
})
