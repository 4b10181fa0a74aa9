/**
 * Numbers of text requests as memcached 1.6.18 reads them: by `strtol` and its like, which pass over white space before a number and stop at
 * white space after it, take a plus sign and leading zeros, read 64 bits and keep 32 of them where 32 are wanted.
 *
 * Each function reads `bytes[start, end)` and returns nothing for what is no such number. Source: memcached 1.6.18 `util.c`, and the vectors
 * `numbers-*` of test/fixtures/memcached-text.json.
 */
import { decodeText } from "@wirewright/codec"
import { byteOf, carriageReturn, space, zero } from "./Ascii.ts"

const plus = byteOf("+")
const minus = byteOf("-")
const tab = byteOf("\t")
/** Digits of the largest number of 64 bits. */
const mostDigits = 20
/** Digits that a double holds exactly. */
const exactDigits = 15
const two63 = 1n << 63n
const two64 = 1n << 64n

const isSpace = (byte: number): boolean => byte === space || byte >= tab && byte <= carriageReturn

/** Whether the number that was read last had a minus sign. */
let negative = false

/** The digits as a number; a bigint when there are too many of them for a double. */
const magnitude = (bytes: Uint8Array, start: number, end: number): number | bigint | undefined => {
  let at = start
  while (at < end && isSpace(bytes[at]!)) at++
  const sign = at < end ? bytes[at]! : 0
  negative = sign === minus
  if (negative || sign === plus) at++
  const first = at
  let value = 0
  for (; at < end; at++) {
    const digit = bytes[at]! - zero
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
  }
  if (at === first || at < end && !isSpace(bytes[at]!)) return undefined
  if (at - first <= exactDigits) return value
  let significant = first
  while (significant < at - 1 && bytes[significant] === zero) significant++
  // more digits than that are out of range whatever they are
  return at - significant > mostDigits ? two64 : BigInt(decodeText(bytes, significant, at))
}

/** An unsigned number of 64 bits. A minus sign is refused as far as memcached notices it: not where the number wraps to a small one. */
export const unsigned64 = (bytes: Uint8Array, start: number, end: number): bigint | undefined => {
  const read = magnitude(bytes, start, end)
  if (read === undefined || read >= two64) return undefined
  const value = BigInt(read)
  if (!negative) return value
  const wrapped = BigInt.asUintN(64, -value)
  return wrapped >= two63 ? undefined : wrapped
}

/** The low 32 bits of an unsigned number. */
export const unsigned32 = (bytes: Uint8Array, start: number, end: number): number | undefined => {
  const read = magnitude(bytes, start, end)
  if (typeof read === "number" && !negative) return read % 2 ** 32
  const value = read === undefined ? undefined : unsigned64(bytes, start, end)
  return value === undefined ? undefined : Number(BigInt.asUintN(32, value))
}

/** The low 32 bits of a signed number. */
export const signed32 = (bytes: Uint8Array, start: number, end: number): number | undefined => {
  const read = magnitude(bytes, start, end)
  if (typeof read === "number" && read < 2 ** 31) return negative ? 0 - read : read
  if (read === undefined) return undefined
  const value = negative ? -BigInt(read) : BigInt(read)
  return value < -two63 || value >= two63 ? undefined : Number(BigInt.asIntN(32, value))
}
