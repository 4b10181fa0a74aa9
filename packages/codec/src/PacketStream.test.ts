/** Packets that end themselves, cut from chunks: what is handed out when, and what ends a stream. */
import { expect, it } from "vitest"
import { DecodeError, incomplete, malformed } from "./Errors.ts"
import { PacketStream } from "./PacketStream.ts"
import type { Reader } from "./Reader.ts"

const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1")

/** Text up to a semicolon; `!` is never a packet, and `?` takes no bytes. */
const decode = (reader: Reader, at: number): string => {
  let end = at
  while (end < reader.bytes.length && reader.bytes[end] !== 0x3b) {
    if (reader.bytes[end] === 0x21) malformed("Syntax", "Text", "", end - at, "text", "!")
    if (reader.bytes[end] === 0x3f) {
      reader.next = at
      return ""
    }
    end++
  }
  if (end === reader.bytes.length) return incomplete("Text", "", end - at, "a semicolon", "the end")
  reader.next = end + 1
  return String.fromCharCode(...reader.bytes.subarray(at, end))
}

const streamOf = (maxFrame = 8): PacketStream<string> => new PacketStream({ name: "Text", maxFrame, decode })

const pushAll = (stream: PacketStream<string>, chunks: ReadonlyArray<string>): ReadonlyArray<string> => {
  const packets: Array<string> = []
  for (const chunk of chunks) stream.push(bytesOf(chunk), (packet) => packets.push(packet))
  return packets
}

const failure = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

it.each([
  ["one chunk", ["one;two;three;"]],
  ["chunks that end within packets", ["on", "e;two;th", "r", "ee;"]],
  ["chunks that end with packets", ["one;", "two;three;"]],
  ["bytes one by one", [..."one;two;three;"]]
])("hands out the packets of %s", (_, chunks) => {
  const stream = streamOf()
  expect(pushAll(stream, chunks)).toEqual(["one", "two", "three"])
  expect(stream.buffered).toBe(0)
  stream.finish()
})

it.each([
  ["in a chunk", ["one;two;three;fo", "ur;"]],
  ["that crosses chunks", ["one;tw", "o;three;fo", "ur;"]]
])("goes on with the next push after whoever got a packet %s threw", (_, chunks) => {
  const stream = streamOf()
  const packets: Array<string> = []
  let thrown = 0
  for (const chunk of chunks) {
    try {
      stream.push(bytesOf(chunk), (packet) => {
        packets.push(packet)
        if (packet === "two") throw new RangeError("enough")
      })
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError)
      thrown++
    }
  }
  expect({ packets, thrown, buffered: stream.buffered }).toEqual({ packets: ["one", "two", "three", "four"], thrown: 1, buffered: 0 })
})

it.each([["one;!;two;", 1], ["one;tw!", 1], ["!", 0]])("%s is wrong, and nothing comes after it", (text, before) => {
  const stream = streamOf()
  const packets: Array<string> = []
  const error = failure(() => stream.push(bytesOf(text), (packet) => packets.push(packet)))
  expect(error).toMatchObject({ _tag: "DecodeError", reason: "Syntax", got: "!" })
  expect(packets.length).toBe(before)
  expect(failure(() => stream.push(bytesOf("three;"), (packet) => packets.push(packet)))).toBeInstanceOf(DecodeError)
  expect(packets.length).toBe(before)
})

it("refuses a packet of no bytes", () => {
  expect(failure(() => pushAll(streamOf(), ["one;?"]))).toMatchObject({ reason: "Length", got: "0 bytes" })
})

it.each([["", ";"], ["ab;", ";"], ["", ""]])("keeps the limit of packets after %j, ended by %j", (before, end) => {
  const text = (size: number): string => before + "x".repeat(size - end.length) + end
  expect(pushAll(streamOf(), [text(8)]).length).toBe((before + end).length > 1 ? 2 : end.length)
  const stream = streamOf()
  expect(failure(() => pushAll(stream, [text(9), "x"]))).toMatchObject({ reason: "Limit", expected: "a frame of at most 8 bytes" })
})

it("reads a Buffer as it reads other bytes", () => {
  const classes = new Set<unknown>()
  const stream = new PacketStream({
    name: "Text",
    maxFrame: 8,
    decode: (reader, at) => {
      classes.add(reader.bytes.constructor)
      return decode(reader, at)
    }
  })
  stream.push(bytesOf("one;t"), () => {})
  stream.push(new Uint8Array(bytesOf("wo;")), () => {})
  expect([...classes]).toEqual([Uint8Array])
})

it("says what is missing to whoever decodes while packets are handed out", () => {
  const stream = streamOf()
  const said: Array<unknown> = []
  stream.push(bytesOf("one;tw"), () => said.push(failure(() => incomplete("Other", "field", 3, "4 bytes", "3 bytes"))))
  expect(said).toMatchObject([{ packet: "Other", path: "field", incomplete: true }])
})
