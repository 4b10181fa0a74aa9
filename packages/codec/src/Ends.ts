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

/** Whether the terminator of a list stands at `at`. Throws when more bytes must come to tell. */
export const endStands = (
  reader: Reader,
  terminator: string,
  at: number,
  end: number,
  start: number,
  packet: string,
  path: string
): boolean => {
  for (let i = 0; i < terminator.length; i++) {
    if (end - at - i < 1) return i > 0 && end % 1 !== 0 ? short(packet, path, at - start, JSON.stringify(terminator), "the end", end) : false
    if (reader.bytes[at + i] !== terminator.charCodeAt(i)) return false
  }
  return true
}

/** A list that has `max` elements has no more; its terminator may yet come. */
export const expectNoMore = (at: number, end: number, max: number, packet: string, path: string, start: number): void => {
  if (end - at < 1) short(packet, path, at - start, "the end of the list", "the end", end)
  malformed("Limit", packet, path, at - start, `at most ${max} elements`, "more")
}

/** An element that was written at `at` does not look like the end of its list. */
export const checkElement = (bytes: Uint8Array, at: number, end: number, terminator: string, packet: string, path: string): void => {
  if (standsAt(bytes, at, end, Array.from(terminator, (one) => one.charCodeAt(0)))) {
    unencodable("Range", packet, path, `an element that does not begin with ${JSON.stringify(terminator)}`, "one")
  }
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

/** Which of two texts stands at `at`; leaves the offset after it in `reader.next`. */
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
  for (const text of [yes, no]) {
    let same = 0
    while (same < text.length && end - at - same >= 1 && reader.bytes[at + same] === text.charCodeAt(same)) same++
    if (same === text.length) {
      reader.next = at + same
      return text === yes
    }
    if (end - at - same < 1 && end % 1 !== 0) return short(packet, path, at - start, `${JSON.stringify(yes)} or ${JSON.stringify(no)}`, "the end", end)
  }
  const got = end - at < 1 ? "the end" : `0x${hexByte(reader.bytes[at]!)}`
  return malformed("Constant", packet, path, at - start, `${JSON.stringify(yes)} or ${JSON.stringify(no)}`, got)
}

/** Writes one of two texts at `at` and returns the offset after it. */
export const putBool = (bytes: Uint8Array, at: number, value: boolean, yes: string, no: string, packet: string, path: string): number => {
  if (typeof value !== "boolean") {
    return unencodable(value === undefined || value === null ? "Missing" : "Range", packet, path, "true or false", String(value))
  }
  return putLiteral(bytes, at, value ? yes : no)
}

/** The number whose decimal digits stand in the half bytes from `at` on. */
export const readBcd = (reader: Reader, at: number, digits: number, start: number, packet: string, path: string): number => {
  let value = 0
  const size = Math.ceil(digits / 2)
  for (let i = 0; i < size; i++) {
    const byte = reader.bytes[at + i]!
    const [high, low] = [byte >> 4, byte & 15]
    if (high > 9 || low > 9 || i === 0 && digits % 2 === 1 && high !== 0) {
      malformed("Syntax", packet, path, at + i - start, "decimal digits in half bytes", `0x${hexByte(byte)}`)
    }
    value = value * 100 + high * 10 + low
  }
  return value
}

/** Writes decimal digits into half bytes at `at` and returns the offset after them. */
export const putBcd = (bytes: Uint8Array, at: number, value: number, digits: number, packet: string, path: string): number => {
  if (!Number.isInteger(value) || value < 0 || value >= 10 ** digits) {
    const missing = value === undefined || value === null
    return unencodable(missing ? "Missing" : "Range", packet, path, `an integer of at most ${digits} digits`, String(value))
  }
  const size = Math.ceil(digits / 2)
  let rest = value
  for (let i = size - 1; i >= 0; i--) {
    const two = rest % 100
    bytes[at + i] = Math.floor(two / 10) << 4 | two % 10
    rest = Math.floor(rest / 100)
  }
  return at + size
}

/** Where content ends that `pad` fills up to `end`. */
export const beforePad = (bytes: Uint8Array, at: number, end: number, pad: string): number => {
  const unit = Array.from(pad, (one) => one.charCodeAt(0))
  let stop = end
  while (stop - at >= unit.length && standsAt(bytes, stop - unit.length, stop, unit)) stop -= unit.length
  return stop
}

/** Fills `[at, end)` after content that began at `from`, which does not end with the filling; returns `end`. */
export const putPad = (bytes: Uint8Array, from: number, at: number, end: number, pad: string, packet: string, path: string): number => {
  if (at > end) return unencodable("Length", packet, path, `at most ${end - from} bytes`, `${at - from} bytes`)
  if (beforePad(bytes, from, at, pad) !== at) return unencodable("Range", packet, path, `no ${JSON.stringify(pad)} at the end`, "one")
  if ((end - at) % pad.length !== 0) return unencodable("Length", packet, path, `a multiple of ${pad.length} bytes`, `${at - from} bytes`)
  for (let i = at; i < end; i += pad.length) putLiteral(bytes, i, pad)
  return end
}

/** Writes a literal at `at` and returns the offset after it. */
export const putLiteral = (bytes: Uint8Array, at: number, literal: string): number => {
  for (let i = 0; i < literal.length; i++) bytes[at + i] = literal.charCodeAt(i)
  return at + literal.length
}

/** What lies in `[from, to)` does not contain its terminator, nor begin one with what stands after it; only multiples of `step` count. */
export const checkUntil = (
  bytes: Uint8Array,
  from: number,
  to: number,
  terminator: string,
  packet: string,
  path: string,
  step = 1,
  after = terminator
): void => {
  const first = terminator.charCodeAt(0)
  for (let i = bytes.indexOf(first, from); i !== -1 && i < to; i = bytes.indexOf(first, i + 1)) {
    let whole = (i - from) % step === 0
    for (let k = 1; k < terminator.length && whole; k++) {
      const byte = i + k < to ? bytes[i + k]! : after.charCodeAt(i + k - to)
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
    ends.push(...separatorsIn(bytes, at, end, separator), end)
  }
  if (ends.length < least) malformed("Length", packet, path, end - start, `at least ${least} tokens`, String(ends.length))
  if (ends.length > most) malformed("Trailing", packet, path, (ends[most - 1] ?? at) - start, `at most ${most} tokens`, String(ends.length))
  return ends
}

/** A line of tokens that was written in `[from, to)` ends where its terminator, which stands after it, is first. */
export const checkLine = (bytes: Uint8Array, from: number, to: number, terminator: string, packet: string, path: string): void => {
  const end = Array.from(terminator, (one) => one.charCodeAt(0))
  for (let i = from; i < to; i++) {
    if (standsAt(bytes, i, to + end.length, end)) unencodable("Range", packet, path, `no ${JSON.stringify(terminator)} within`, "one")
  }
}

/** Offsets of the separators in `[from, to)`, from the left and not within one another. */
const separatorsIn = (bytes: Uint8Array, from: number, to: number, separator: string): Array<number> => {
  const [first, ...rest] = Array.from(separator, (one) => one.charCodeAt(0))
  const found: Array<number> = []
  for (let i = bytes.indexOf(first!, from); i !== -1 && i < to; i = bytes.indexOf(first!, i)) {
    const isWhole = standsAt(bytes, i + 1, to, rest)
    if (isWhole) found.push(i)
    i += isWhole ? separator.length : 1
  }
  return found
}

/** Tokens that were written in `[from, to)` and end at `stops` are read as these. */
export const checkTokens = (
  bytes: Uint8Array,
  from: number,
  to: number,
  separator: string,
  stops: ReadonlyArray<number>,
  packet: string,
  path: string
): void => {
  const found = separatorsIn(bytes, from, to, separator)
  if (found.length !== stops.length - 1 || found.some((at, i) => at !== stops[i])) {
    unencodable("Range", packet, path, `tokens that begin no ${JSON.stringify(separator)}`, "one")
  }
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
  for (let i = at; i < next; i++) if (reader.bytes[i] !== 0) malformed("Reserved", packet, path, i - start, "0", `0x${hexByte(reader.bytes[i]!)}`)
  return next
}

/** Writes zero bytes up to a multiple of `to` from `begin`; returns the offset after them. */
export const putAligned = (bytes: Uint8Array, at: number, begin: number, to: number): number => {
  const next = at + (to - (at - begin) % to) % to
  bytes.fill(0, at, next)
  return next
}

/** Counts the records of a type that surround what is being read or written. */
interface Depths {
  depths: Record<string, number> | undefined
}

/** A record begins, of which at most `max` may lie within one another. The caller says when it ends (`shallower`). */
export const deeper = (reader: Depths, type: string, max: number, offset: number): void => {
  const depths = reader.depths ??= {}
  const depth = depths[type] ?? 0
  if (depth >= max) malformed("Limit", type, "", offset, `at most ${max} records within one another`, "more")
  depths[type] = depth + 1
}

/** The same for encoders. */
export const deeperWrite = (writer: Depths, type: string, max: number): void => {
  const depths = writer.depths ??= {}
  const depth = depths[type] ?? 0
  if (depth >= max) unencodable("Limit", type, "", `at most ${max} records within one another`, "more")
  depths[type] = depth + 1
}

/** A record ends. */
export const shallower = (of: Depths, type: string): void => {
  of.depths![type]!--
}
