/** Proves that a decimal integer in a line is read the same wherever its buffer ends, and that nothing else is taken for one. */
import { describe, expect, it } from "vitest"
import { findLine, readDecimal, readDecimalBig, readLineDecimal, readLineDecimalBig } from "./Ends.ts"
import { DecodeError } from "./Errors.ts"
import { Reader } from "./Reader.ts"

const texts = [
  "0 7 -7 10 -10 99999999 100000000 999999999 -999999999 1000000000 -1000000000 2147483647 2147483648 -2147483648 -2147483649",
  "999999999999999 1000000000000000 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809",
  "00 01 -0 -01 - -- +1 1a a 1- 0x1 1. 0000000000 000000001 \u{ff11} 12345678901234567890123 :9 9: /"
].join(" ").split(" ")
const lines = [...texts, "", " ", " 1", "1 "].flatMap((
  text
) => [`${text}\r\n`, `${text}\n`, `${text}\r`, text, `${text}\rx\n`, `${text}\r\r\n`])
const ranges = [[-2_147_483_648, 2_147_483_647], [0, 4_294_967_295], [0, 9], [-5, 1_000_000_000]] as const

/** What the line says, without the code that is tested. */
const meant = (line: string, min: bigint, max: bigint): bigint | undefined => {
  const [, text] = /^(0|-?[1-9][0-9]*)\r\n/.exec(line) ?? []
  const value = text === undefined ? undefined : BigInt(text)
  return value !== undefined && value >= min && value <= max ? value : undefined
}

const outcome = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return error.message + String(error.incomplete)
  }
}

describe.each(["", "x", "0123456789abcdef", "\r\n\r\n\r\n\r\n\r\n\r\n"])("a decimal integer in a line before %j", (rest) => {
  const bytesOf = (line: string): Uint8Array => new TextEncoder().encode(`*${line}${rest}`)

  it("is read, and its end", () => {
    for (const [min, max] of ranges) {
      for (const line of lines) {
        const reader = new Reader(bytesOf(line))
        const value = meant(line + rest, BigInt(min), BigInt(max))
        const got = outcome(() => readLineDecimal(reader, 1, reader.open, min, max, 0, "Packet", "field"))
        if (value === undefined) expect(got, JSON.stringify(line)).toBeTypeOf("string")
        else expect([got, reader.next], JSON.stringify(line)).toEqual([Number(value), 1 + String(value).length + 2])
        const apart = new Reader(bytesOf(line))
        const inTwo = outcome(() =>
          readDecimal(apart, 1, findLine(apart, 1, apart.open, 0, "Packet", "field"), min, max, 0, "Packet", "field")
        )
        expect(got).toEqual(inTwo)
      }
    }
  })

  it("of 64 bits is read, and its end", () => {
    for (const [min, max] of [[-(2n ** 63n), 2n ** 63n - 1n], [0n, 2n ** 64n - 1n]] as const) {
      for (const line of lines) {
        const reader = new Reader(bytesOf(line))
        const value = meant(line + rest, min, max)
        const got = outcome(() => readLineDecimalBig(reader, 1, reader.open, min, max, 0, "Packet", "field"))
        if (value === undefined) expect(got, JSON.stringify(line)).toBeTypeOf("string")
        else expect([got, reader.next], JSON.stringify(line)).toEqual([value, 1 + String(value).length + 2])
        const apart = new Reader(bytesOf(line))
        const inTwo = outcome(() =>
          readDecimalBig(apart, 1, findLine(apart, 1, apart.open, 0, "Packet", "field"), min, max, 0, "Packet", "field")
        )
        expect(got).toEqual(inTwo)
      }
    }
  })

  it("is not read beyond the end of what surrounds it", () => {
    const reader = new Reader(bytesOf("1234\r\n"))
    for (const end of [1, 2, 4, 5, 6]) {
      const read = (): number => readLineDecimal(reader, 1, end, 0, 9999, 0, "Packet", "field")
      expect(read).toThrow(expect.objectContaining({ reason: "Length", offset: 1, incomplete: false }))
    }
    expect(readLineDecimal(reader, 1, 7, 0, 9999, 0, "Packet", "field")).toBe(1234)
  })
})
