/** Numbers as C reads them; expected values from the C standard's `strtol`, and from memcached 1.6.18 where it wraps. */
import { describe, expect, test } from "vitest"
import { signed32, unsigned32, unsigned64 } from "./TextNumbers.ts"

const read = <A>(parse: (bytes: Uint8Array, start: number, end: number) => A, text: string): A => {
  const bytes = new TextEncoder().encode(`9${text}9`)
  return parse(bytes, 1, bytes.length - 1)
}

describe("unsigned, 64 bits", () => {
  test.each<readonly [string, bigint | undefined]>([
    ["0", 0n],
    ["+7", 7n],
    ["-0", 0n],
    ["007", 7n],
    [" \t7", 7n],
    ["7\t", 7n],
    ["7 x", 7n],
    ["18446744073709551615", 18446744073709551615n],
    ["00000018446744073709551615", 18446744073709551615n],
    ["18446744073709551616", undefined],
    ["99999999999999999999999", undefined],
    ["999999999999999", 999999999999999n],
    ["9999999999999999", 9999999999999999n],
    ["-1", undefined],
    ["-9223372036854775808", undefined],
    // wraps to a number without its highest bit, which memcached does not notice
    ["-9223372036854775809", 9223372036854775807n],
    ["", undefined],
    ["-", undefined],
    ["+", undefined],
    ["x", undefined],
    ["7x", undefined],
    ["0x10", undefined],
    ["1.5", undefined],
    ["--1", undefined]
  ])("%o", (text, value) => expect(read(unsigned64, text)).toBe(value))
})

describe("unsigned, cut to 32 bits", () => {
  test.each<readonly [string, number | undefined]>([
    ["4294967295", 4294967295],
    ["4294967296", 0],
    ["4294967297", 1],
    ["18446744073709551615", 4294967295],
    ["18446744073709551616", undefined],
    ["-1", undefined],
    ["-0", 0]
  ])("%o", (text, value) => expect(read(unsigned32, text)).toBe(value))
})

describe("signed, cut to 32 bits", () => {
  test.each<readonly [string, number | undefined]>([
    ["2147483647", 2147483647],
    ["2147483648", -2147483648],
    ["4294967295", -1],
    ["4294967297", 1],
    ["-1", -1],
    ["-0", 0],
    ["-2147483648", -2147483648],
    ["-2147483649", 2147483647],
    ["9223372036854775807", -1],
    ["9223372036854775808", undefined],
    ["-9223372036854775808", 0],
    ["-9223372036854775809", undefined],
    ["noreply", undefined]
  ])("%o", (text, value) => expect(read(signed32, text)).toBe(value))
})
