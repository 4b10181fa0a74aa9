/**
 * Replies that come in many pieces: how often their elements are read, and that what they say does not depend on the pieces. The work is
 * counted in elements, each of which is a view of the buffer.
 */
import { DecodeError, encodeText, PacketStream, Reader } from "@wirewright/codec"
import * as resp from "@wirewright/examples/gallery/resp"
import { afterEach, expect, it, vi } from "vitest"

const bytesOf = (text: string): Uint8Array => {
  const bytes = new Uint8Array(3 * text.length)
  return bytes.subarray(0, encodeText(bytes, 0, text))
}

const streamOf = (): PacketStream<resp.Reply> => new PacketStream({ name: "RESP", maxFrame: 1 << 24, decode: resp.decodeReply })

const readInPieces = (bytes: Uint8Array, sizes: () => number): ReadonlyArray<resp.Reply> => {
  const stream = streamOf()
  const replies: Array<resp.Reply> = []
  // a socket may use one buffer for all it receives
  const received = new Uint8Array(bytes.length)
  for (let at = 0; at < bytes.length;) {
    const size = Math.min(sizes(), bytes.length - at)
    received.set(bytes.subarray(at, at + size))
    stream.push(received.subarray(0, size), (reply) => replies.push(structuredClone(reply)))
    at += size
  }
  stream.finish()
  return replies
}

const readWhole = (bytes: Uint8Array): ReadonlyArray<resp.Reply> => {
  const reader = new Reader(bytes)
  const replies: Array<resp.Reply> = []
  for (let at = 0; at < bytes.length; at = reader.next) replies.push(resp.decodeReply(reader, at))
  return replies
}

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`
const list = (items: ReadonlyArray<string>): string => `*${items.length}\r\n${items.join("")}`
const numbers = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, n) => bulk(String(n % 10)))
const many = list(numbers(20_000))

afterEach(() => vi.restoreAllMocks())

it.each([
  ["a list", 20_000, many],
  ["lists of lists", 20_000, list(Array.from({ length: 200 }, () => list(numbers(100))))],
  ["lists within one another", 20_000, `${"*2\r\n$0\r\n\r\n".repeat(100)}${list(numbers(19_900))}`],
  ["a list before a list", 40_000, list([many, many])],
  ["a key that is a list, and its value", 40_000, `%1\r\n${many}${many}`],
  ["attributes before a list", 40_000, `|10000\r\n${numbers(20_000).join("")}${many}`]
])("%s of many elements in pieces of 1 KB is read about once", (_, elements, text) => {
  const bytes = bytesOf(text)
  const slice = vi.spyOn(Reader.prototype, "slice")
  const replies = readInPieces(bytes, () => 1024)
  const looks = 2 * Math.ceil(bytes.length / 1024)
  expect(slice.mock.calls.length).toBeGreaterThanOrEqual(elements)
  expect(slice.mock.calls.length - looks).toBeLessThanOrEqual(3 * elements)
  expect(replies).toEqual(readWhole(bytes))
})

const makeRandom = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = Math.imul(state, 1664525) + 1013904223 | 0
    return (state >>> 8) % below
  }
}

const randomValue = (random: (below: number) => number, depth: number): string => {
  const items = (count: number): string => Array.from({ length: count }, () => randomValue(random, depth + 1)).join("")
  const kind = random(depth > 4 ? 6 : 10)
  const count = random(20) === 0 ? 40 : random(4)
  switch (kind) {
    case 0:
      return "+OK\r\n"
    case 1:
      return `:${random(3) === 0 ? "-" : ""}${1 + random(1_000_000)}\r\n`
    case 2:
      return "$-1\r\n"
    case 3:
      return "*-1\r\n"
    case 4:
      return "_\r\n"
    case 5:
      return bulk("x".repeat(random(60)))
    case 6:
      return `%${count}\r\n${items(2 * count)}`
    case 7:
      return `~${count}\r\n${items(count)}`
    case 8:
      return `|${count}\r\n${items(2 * count)}${randomValue(random, depth + 1)}`
    default:
      return `*${count}\r\n${items(count)}`
  }
}

it("says the same whatever the pieces are", () => {
  const random = makeRandom(20261128)
  for (let round = 0; round < 300; round++) {
    const bytes = bytesOf(Array.from({ length: 1 + random(3) }, () => randomValue(random, 0)).join(""))
    const most = [1, 3, 16, 64, 400][random(5)]!
    expect(readInPieces(bytes, () => 1 + random(most)), `round ${round}`).toEqual(readWhole(bytes))
  }
})

it("a wrong element is told with its path and offset, however much of its list has been read before", () => {
  const bytes = bytesOf(`*3\r\n${bulk("one")}${list([...numbers(2_000), "?"])}`)
  const errorOf = (run: () => void): unknown => {
    try {
      run()
    } catch (error) {
      return error
    }
    return undefined
  }
  const expected = errorOf(() => readWhole(bytes))
  expect(expected).toBeInstanceOf(DecodeError)
  expect(expected).toMatchObject({ path: "value.items[1].items[2000]._tag", incomplete: false })
  for (const size of [1, 100, 1024]) expect(errorOf(() => readInPieces(bytes, () => size))).toEqual(expected)
})
