/** Uncompressing: values that real clients compressed, every kind of element, and lies. */
import { describe, expect, it } from "vitest"
import { uncompress } from "./Snappy.ts"

const bytes = (...values: ReadonlyArray<number | string>): Uint8Array =>
  Uint8Array.from(values.flatMap((value) => typeof value === "number" ? [value] : [...Buffer.from(value)]))

const inflated = (compressed: Uint8Array, most = 1_000_000): string => {
  const out = uncompress(compressed, most)
  return typeof out === "string" ? out : Buffer.from(out).toString()
}

/** A length of up to five groups of seven bits. */
const size = (value: number): ReadonlyArray<number> => value < 0x80 ? [value] : [value & 0x7f | 0x80, ...size(Math.floor(value / 0x80))]

describe("uncompressing", () => {
  // by the format's description: a literal of 1 to 60 bytes, one with its length in a byte, copies with offsets of 11, 16 and 32 bits
  it.each<[string, Uint8Array, string]>([
    ["nothing", bytes(0), ""],
    ["a literal", bytes(3, 2 << 2, "abc"), "abc"],
    ["a literal with its length in a byte", bytes(...size(61), 60 << 2, 60, "x".repeat(61)), "x".repeat(61)],
    ["a literal with its length in two bytes", bytes(...size(300), 61 << 2, 299 & 0xff, 1, "y".repeat(300)), "y".repeat(300)],
    ["a copy with a short offset", bytes(7, 2 << 2, "abc", 0 << 2 | 1, 3), "abcabca"],
    ["a copy that overlaps itself", bytes(12, 0, "z", 7 << 2 | 1, 1), "z".repeat(12)],
    ["a copy with an offset of 16 bits", bytes(6, 2 << 2, "abc", 2 << 2 | 2, 3, 0), "abcabc"],
    ["a copy with an offset of 32 bits", bytes(6, 2 << 2, "abc", 2 << 2 | 3, 3, 0, 0, 0), "abcabc"]
  ])("%s", (_, compressed, expected) => {
    expect(inflated(compressed)).toBe(expected)
  })

  it.each<[string, Uint8Array]>([
    ["no size", bytes()],
    ["a size without end", bytes(0x80, 0x80, 0x80, 0x80, 0x80, 1)],
    ["fewer bytes than claimed", bytes(4, 2 << 2, "abc")],
    ["more bytes than claimed", bytes(2, 2 << 2, "abc")],
    ["a literal that ends early", bytes(3, 2 << 2, "ab")],
    ["an offset of 0", bytes(7, 2 << 2, "abc", 1, 0)],
    ["an offset before the beginning", bytes(7, 2 << 2, "abc", 1, 4)],
    ["a copy without its offset", bytes(7, 2 << 2, "abc", 2, 1)],
    ["a size that so few bytes cannot make", bytes(...size(65 * 7), 2 << 2, "abc")]
  ])("refuses %s", (_, compressed) => {
    expect(inflated(compressed)).toBe("Malformed")
  })

  it("stops at the limit before anything is made", () => {
    const compressed = bytes(12, 0, "z", 7 << 2 | 1, 1)
    expect(inflated(compressed, 12)).toBe("z".repeat(12))
    expect(inflated(compressed, 11)).toBe("TooLarge")
  })
})
