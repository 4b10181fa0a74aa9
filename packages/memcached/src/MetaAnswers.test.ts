/** What is read in one pass is what the generated decoder reads, whatever the bytes: the same answers, ends and errors. */
import { DecodeError, Reader } from "@wirewright/codec"
import { expect, test } from "vitest"
import { plain, textProtocol } from "./MetaAnswers.ts"
import * as Text from "./text/index.ts"

const { decode } = textProtocol.phases["all"]!

/** What becomes of bytes: the packet and where it ends, or what is wrong. */
const read = (how: (reader: Reader, at: number, states: Text.States) => Text.Response, text: string, at: number): unknown => {
  const reader = new Reader(Buffer.from(text, "latin1"))
  try {
    const packet = plain(how(reader, at, Text.noStates))
    return { packet, next: reader.next }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return { message: error.message, incomplete: error.incomplete }
  }
}

const agree = (text: string, at = 0): void => {
  expect({ text, is: read(decode, text, at) }).toEqual({ text, is: read(Text.decodeResponse, text, at) })
}

test("answers of memcached 1.6.18 are read in one pass, one after the other", () => {
  const reader = new Reader(Buffer.from("VA 5 c7 f3\r\nhello\r\nHD c18446\r\nVA 0 c1 f0\r\n\r\n"))
  const first = decode(reader, 0, Text.noStates)
  expect(first).toMatchObject({ _tag: "MetaValue", document: { value: new Uint8Array(Buffer.from("hello")), flags: 3, cas: 7n } })
  expect(reader.next).toBe(19)
  const second = decode(reader, reader.next, Text.noStates)
  expect(second).toMatchObject({ _tag: "MetaDone", cas: 18446n })
  const third = decode(reader, reader.next, Text.noStates)
  expect(plain(third)).toEqual({
    _tag: "MetaValue",
    flags: [{ _tag: "Cas", cas: 1n }, { _tag: "ClientFlags", flags: 0 }],
    value: new Uint8Array(0)
  })
  expect(reader.next).toBe(reader.bytes.length)
})

const words = ["VA", "HD", "EN", "NS", "V", "VALUE", "VA ", "MN", "ERROR", "CLIENT_ERROR no", ""]
// an empty one among them
const numbers =
  "0 1 2 5 007 12 123456789 4294967295 4294967296 999999999999999 9007199254740993 18446744073709551615 18446744073709551616 -1 x 1x 1.5 "
    .split(" ")
const letters = ["c", "f", "s", "t", "O", "W", "X", "Z", "b", "k", "C", ""]
const ends = ["\r\n", "\n", "\r", "", " \r\n", "\r\r\n"]
const values = ["", "a", "ab", "hello", "a\r\nb", "\r\n", "hello world!"]

test("whatever is in its place, and wherever it is cut off", () => {
  let state = 7
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor(state / 0x1_0000_0000 * below)
  }
  const one = <A>(all: ReadonlyArray<A>): A => all[random(all.length)]!
  const rarely = <A>(otherwise: A, all: ReadonlyArray<A>): A => random(6) === 0 ? one(all) : otherwise
  for (let round = 0; round < 5_000; round++) {
    const value = one(values)
    const isDone = random(3) === 0
    const flags = isDone ? ["c"] : ["c", "f"]
    const given = rarely(flags, [["f", "c"], ["c"], ["c", "f", "s"], [], ["c", "c"]]).map((letter) =>
      `${rarely(" ", ["", "  ", "\t"])}${rarely(letter, letters)}${rarely(String(random(1000)), numbers)}`
    ).join("")
    const text = isDone
      ? `${rarely("HD", words)}${given}${rarely("\r\n", ends)}`
      : `${rarely("VA", words)} ${rarely(String(value.length), numbers)}${given}${rarely("\r\n", ends)}${value}${rarely("\r\n", ends)}`
    const before = one(["", "HD\r\n"])
    const whole = `${before}${text}${one(["", "VA 1 c1 f0\r\nx\r\n"])}`
    agree(random(3) === 0 ? whole.slice(0, before.length + random(whole.length - before.length + 1)) : whole, before.length)
  }
})
