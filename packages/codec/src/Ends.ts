/** Fields that end where certain bytes stand, ASCII decimals, and content whose length is known only once it is written. */
import { short } from "./Check.ts"
import { malformed, unencodable } from "./Errors.ts"
import type { Reader } from "./Reader.ts"

/** Offset of byte `a` in `[at, end)`. Throws when it is not there. */
export const findByte = (reader: Reader, a: number, at: number, end: number, start: number, packet: string, path: string): number => {
  const found = reader.bytes.indexOf(a, at)
  return found === -1 || found >= end
    ? short(packet, path, at - start, `the end, byte 0x${a.toString(16).padStart(2, "0")}`, "none", end)
    : found
}

/** Offset of the bytes `a`, `b` in `[at, end)`. Throws when they are not there. */
export const findPair = (
  reader: Reader,
  a: number,
  b: number,
  at: number,
  end: number,
  start: number,
  packet: string,
  path: string
): number => {
  const { bytes } = reader
  for (let found = bytes.indexOf(a, at); found !== -1 && found + 1 < end; found = bytes.indexOf(a, found + 1)) {
    if (bytes[found + 1] === b) return found
  }
  return short(packet, path, at - start, `the end, bytes 0x${hexByte(a)}${hexByte(b)}`, "none", end)
}

/** Offset of the characters of `terminator`, of a byte each, in `[at, end)`; only at multiples of `step` from `at`. */
export const findText = (
  reader: Reader,
  terminator: string,
  step: number,
  at: number,
  end: number,
  start: number,
  packet: string,
  path: string
): number => {
  const { bytes } = reader
  const { length } = terminator
  const first = terminator.charCodeAt(0)
  for (let found = bytes.indexOf(first, at); found !== -1 && found + length <= end; found = bytes.indexOf(first, found + 1)) {
    if ((found - at) % step === 0 && standsAt(bytes, found, end, [...terminator].map((one) => one.charCodeAt(0)))) return found
  }
  return short(packet, path, at - start, `the end, ${JSON.stringify(terminator)}`, "none", end)
}

const hexByte = (byte: number): string => byte.toString(16).padStart(2, "0")

/** Whether the bytes of `terminator` stand at `at`. */
export const standsAt = (bytes: Uint8Array, at: number, end: number, terminator: ReadonlyArray<number>): boolean => {
  if (end - at < terminator.length) return false
  for (let i = 0; i < terminator.length; i++) if (bytes[at + i] !== terminator[i]) return false
  return true
}

/** The bytes of a literal stand at `at`; returns the offset after them. */
export const expectLiteral = (
  reader: Reader,
  at: number,
  end: number,
  literal: string,
  start: number,
  packet: string,
  path: string
): number => {
  for (let i = 0; i < literal.length; i++) {
    if (end - at - i < 1) return short(packet, path, at + i - start, JSON.stringify(literal), "the end", end)
    if (reader.bytes[at + i] !== literal.charCodeAt(i)) {
      return malformed("Constant", packet, path, at + i - start, JSON.stringify(literal), `0x${hexByte(reader.bytes[at + i]!)}`)
    }
  }
  return at + literal.length
}

/** Writes a literal at `at` and returns the offset after it. */
export const putLiteral = (bytes: Uint8Array, at: number, literal: string): number => {
  for (let i = 0; i < literal.length; i++) bytes[at + i] = literal.charCodeAt(i)
  return at + literal.length
}

/** Which of two texts, of a byte each character, stands at `at`. */
export const readBool = (
  reader: Reader,
  at: number,
  end: number,
  yes: string,
  no: string,
  start: number,
  packet: string,
  path: string
): boolean => {
  const stands = (text: string): boolean => {
    for (let i = 0; i < text.length; i++) if (end - at - i < 1 || reader.bytes[at + i] !== text.charCodeAt(i)) return false
    return true
  }
  if (stands(yes)) return true
  if (stands(no)) return false
  const expected = `${JSON.stringify(yes)} or ${JSON.stringify(no)}`
  return end - at < Math.max(yes.length, no.length)
    ? short(packet, path, at - start, expected, JSON.stringify(reader.text(at, Math.floor(end))), end)
    : malformed("Syntax", packet, path, at - start, expected, JSON.stringify(reader.text(at, Math.floor(Math.min(end, at + 24)))))
}

/** A truth value to write. */
export const checkBool = (value: boolean, packet: string, path: string): boolean =>
  typeof value === "boolean" ? value : unencodable("Missing", packet, path, "true or false", typeof value)

/** What lies in `[from, to)` does not contain its terminator, nor begin one at its end; only multiples of `step` count. */
export const checkUntil = (bytes: Uint8Array, from: number, to: number, terminator: string, packet: string, path: string, step = 1): void => {
  const first = terminator.charCodeAt(0)
  for (let i = bytes.indexOf(first, from); i !== -1 && i < to; i = bytes.indexOf(first, i + 1)) {
    let whole = (i - from) % step === 0
    for (let k = 1; k < terminator.length && whole; k++) {
      // what stands after the content is the terminator itself
      const byte = i + k < to ? bytes[i + k]! : terminator.charCodeAt(i + k - to)
      whole = byte === terminator.charCodeAt(k)
    }
    if (whole) unencodable("Range", packet, path, `no ${JSON.stringify(terminator)} within`, "one")
  }
}

const digits = (reader: Reader, at: number, end: number, start: number, packet: string, path: string): boolean => {
  const { bytes } = reader
  const negative = bytes[at] === 0x2d
  const first = negative ? at + 1 : at
  const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39
  let good = end > first && isDigit(bytes[first])
  for (let i = first + 1; good && i < end; i++) good = isDigit(bytes[i])
  if (!good || bytes[first] === 0x30 && end > first + 1 || negative && bytes[first] === 0x30) {
    const got = JSON.stringify(reader.text(at, Math.min(end, at + 24)))
    return malformed("Syntax", packet, path, at - start, "a decimal integer without leading zeros", got)
  }
  return negative
}

/** The decimal integer that fills `[at, end)`. */
export const readDecimal = (
  reader: Reader,
  at: number,
  end: number,
  min: number,
  max: number,
  start: number,
  packet: string,
  path: string
): number => {
  const { bytes } = reader
  let value = 0
  let i = at
  // the common case: few digits, the first of which is none of "-" and "0"
  if (end - at <= 15 && end > at && bytes[at]! > 0x30) {
    for (; i < end; i++) {
      const digit = bytes[i]! - 0x30
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
  }
  if (i !== end || end === at) {
    digits(reader, at, end, start, packet, path)
    value = Number(reader.text(at, end))
  }
  if (value < min || value > max) malformed("Limit", packet, path, at - start, `an integer of ${min}…${max}`, reader.text(at, end))
  return value
}

/** The decimal integer of 64 bits that fills `[at, end)`. */
export const readDecimalBig = (
  reader: Reader,
  at: number,
  end: number,
  min: bigint,
  max: bigint,
  start: number,
  packet: string,
  path: string
): bigint => {
  if (end - at > 20) malformed("Limit", packet, path, at - start, `an integer of ${min}…${max}`, `${end - at} digits`)
  digits(reader, at, end, start, packet, path)
  const value = BigInt(reader.text(at, end))
  if (value < min || value > max) malformed("Limit", packet, path, at - start, `an integer of ${min}…${max}`, String(value))
  return value
}

/** Digits of an integer, its sign included. */
export const decimalSize = (value: number | bigint): number =>
  typeof value === "number" && value >= 0 && value < 100_000
    ? value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : value < 10_000 ? 4 : 5
    : String(value).length

/** Writes an integer in decimal digits at `at` and returns the offset after it. */
export const writeDecimal = (bytes: Uint8Array, at: number, value: number | bigint): number => {
  if (typeof value === "number" && value >= 0 && value < 100_000) {
    const end = at + decimalSize(value)
    let rest = value
    for (let i = end - 1; i >= at; i--) {
      const tens = Math.floor(rest / 10)
      bytes[i] = 0x30 + rest - tens * 10
      rest = tens
    }
    return end
  }
  return putLiteral(bytes, at, String(value))
}

/**
 * Makes room for a length in front of what was written after it: moves `[from, end)` so that it begins at `to`; returns its new end.
 */
export const slide = (bytes: Uint8Array, from: number, end: number, to: number): number => {
  if (from !== to) bytes.copyWithin(to, from, end)
  return end + to - from
}

/** Where the tokens of a line end: the offsets of the separators in `[at, end)`, and `end`. An empty line that needs none has none. */
export const tokenEnds = (
  reader: Reader,
  at: number,
  end: number,
  separator: string,
  least: number,
  most: number,
  start: number,
  packet: string,
  path: string
): ReadonlyArray<number> => {
  const { bytes } = reader
  const ends: Array<number> = []
  if (end > at || least > 0) {
    const first = separator.charCodeAt(0)
    for (let i = bytes.indexOf(first, at); i !== -1 && i < end; i = bytes.indexOf(first, i + 1)) {
      if (separator.length === 2 && (i + 1 >= end || bytes[i + 1] !== separator.charCodeAt(1))) continue
      ends.push(i)
    }
    ends.push(end)
  }
  if (ends.length < least) malformed("Length", packet, path, end - start, `at least ${least} tokens`, String(ends.length))
  if (ends.length > most) malformed("Trailing", packet, path, ends[most - 1]! - start, `at most ${most} tokens`, String(ends.length))
  return ends
}

/** Zero bytes up to a multiple of `to` from `begin`; returns the offset after them. */
export const expectAligned = (
  reader: Reader,
  at: number,
  begin: number,
  to: number,
  end: number,
  start: number,
  packet: string,
  path: string
): number => {
  const next = at + (to - (at - begin) % to) % to
  if (next > end) short(packet, path, at - start, `${next - at} bytes`, `${Math.max(0, Math.floor(end - at))} bytes`, end)
  for (let i = at; i < next; i++) {
    if (reader.bytes[i] !== 0) malformed("Reserved", packet, path, i - start, "0", `0x${hexByte(reader.bytes[i]!)}`)
  }
  return next
}

/** Writes zero bytes up to a multiple of `to` from `begin`; returns the offset after them. */
export const putAligned = (bytes: Uint8Array, at: number, begin: number, to: number): number => {
  const next = at + (to - (at - begin) % to) % to
  bytes.fill(0, at, next)
  return next
}

/** A record lies within `max` others of its type at most. Returns the depth, for the caller to count down again. */
export const deeper = (depth: number, max: number, packet: string, path: string, offset: number): number => {
  if (depth >= max) malformed("Limit", packet, path, offset, `at most ${max} records within one another`, "more")
  return depth + 1
}

/** The same for encoders. */
export const deeperWrite = (depth: number, max: number, packet: string, path: string): number => {
  if (depth >= max) unencodable("Limit", packet, path, `at most ${max} records within one another`, "more")
  return depth + 1
}
