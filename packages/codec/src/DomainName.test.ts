/** Domain names, as the documents of DNS spell and point. */
import { expect, it } from "vitest"
import { boundDomainName, putDomainName, readDomainName } from "./DomainName.ts"
import { DecodeError } from "./Errors.ts"
import { Reader } from "./Reader.ts"
import { Writer } from "./Writer.ts"

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"))

const read = (bytes: Uint8Array, at: number, content = 0, end = bytes.length): readonly [name: string, next: number] => {
  const reader = new Reader(bytes)
  reader.content = content
  return [readDomainName(reader, at, end, 0, "Test", "name"), reader.next]
}

/** Writes names one after the other, as those of one packet whose content begins at `from`. */
const written = (names: ReadonlyArray<string>, from = 0): string => {
  const writer = new Writer(40_000)
  writer.content = from
  let at = from
  for (const name of names) {
    const next = putDomainName(writer, at, name, true, "Test", "name")
    expect(next - at).toBeLessThanOrEqual(boundDomainName(name))
    at = next
  }
  return Buffer.from(writer.bytes.subarray(from, at)).toString("hex")
}

it("reads the example of RFC 1035, 4.1.4", () => {
  const bytes = new Uint8Array(93)
  bytes.set(bytesOf("0146 03495349 0441525041 00"), 20)
  bytes.set(bytesOf("03464f4f c014"), 40)
  bytes.set(bytesOf("c01a"), 64)
  expect([20, 40, 64, 92].map((at) => read(bytes, at))).toEqual([
    ["F.ISI.ARPA.", 32],
    ["FOO.F.ISI.ARPA.", 46],
    ["ARPA.", 66],
    [".", 93]
  ])
})

it("counts pointers from where the content begins, in both directions", () => {
  const bytes = bytesOf("ffff 0161 00 0162 c000")
  expect(read(bytes, 5, 2)).toEqual(["b.a.", 9])
  expect(written(["a.", "b.a."], 2)).toBe("0161000162c000")
})

it("points at nothing beyond the 16384 places that a pointer can say", () => {
  const writer = new Writer(40_000)
  const put = (at: number, name: string): number => putDomainName(writer, at, name, true, "Test", "name")
  const size = (name: string, at: number): number => put(at, name) - at
  put(0x3fff, "last.")
  put(0x4000, "beyond.")
  expect([size("last.", 0x5000), size("beyond.", 0x5000)]).toEqual([2, 8])
  expect(Buffer.from(writer.bytes.subarray(0x5000, 0x5008)).toString("hex")).toBe(`06${Buffer.from("beyond").toString("hex")}00`)
  put(0x5000, "last.")
  expect(Buffer.from(writer.bytes.subarray(0x5000, 0x5002)).toString("hex")).toBe("ffff")
})

it("goes in no circle, and through as many pointers as there are", () => {
  // each points at the one before
  const chain = Uint8Array.from([
    0,
    ...Array.from({ length: 2_000 }, (_, i) => [0xc0 | (i === 0 ? 0 : 2 * i - 1) >> 8, i === 0 ? 0 : 2 * i - 1 & 0xff]).flat()
  ])
  expect(read(chain, chain.length - 2)).toEqual([".", chain.length])
  // at itself, at one that points at it, at what ends with it
  for (const [circle, at] of [["c000", 0], ["c002 c000", 2], ["0161 c000", 0]] as const) {
    expect(() => read(bytesOf(circle), at)).toThrow(/a pointer to what came before/)
  }
  expect(() => read(bytesOf("0161 c000"), 2)).toThrow(/a whole name/)
})

it("tells what is incomplete from what is wrong", () => {
  const whole = bytesOf("0161 0162 00")
  for (let length = 0; length < whole.length; length++) {
    const outcomes = [length, length + 0.5].map((end) => {
      try {
        return read(whole.subarray(0, length), 0, 0, end)
      } catch (error) {
        return error instanceof DecodeError ? error.incomplete : error
      }
    })
    expect(outcomes, String(length)).toEqual([false, true])
  }
})

it("reads and writes every byte within labels", () => {
  for (let byte = 0; byte < 256; byte++) {
    const hex = `01${byte.toString(16).padStart(2, "0")}00`
    const [name] = read(bytesOf(hex), 0)
    expect(written([name])).toBe(hex)
  }
})
