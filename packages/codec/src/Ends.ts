/** Fields that end where certain bytes stand, ASCII decimals, and content whose length is known only once it is written. */
import { short } from "./Check.ts"
import { malformed, unencodable } from "./Errors.ts"
import type { Reader } from "./Reader.ts"
import { decodeText } from "./Text.ts"

/** Offset of byte `a` in `[at, end)`; -1 when it is not there. Looks at nothing beyond `end`, and calls native code only for long searches. */
const indexOfByte = (bytes: Uint8Array, a: number, at: number, end: number): number => {
  // an open end has a fraction, with which the loop would be slower
  const last = Math.floor(end)
  const near = last - at > 64 ? at + 64 : last
  let i = at
  while (i < near && bytes[i] !== a) i++
  return i < near ? i : i < last ? indexBeyond(bytes, a, i, last) : -1
}

const indexBeyond = (bytes: Uint8Array, a: number, at: number, end: number): number => {
  const found = bytes.subarray(at, end).indexOf(a)
  return found === -1 ? -1 : at + found
}

/** Offset of byte `a` in `[at, end)`. Throws when it is not there. */
export const findByte = (reader: Reader, a: number, at: number, end: number, start: number, packet: string, path: string): number => {
  const found = indexOfByte(reader.bytes, a, at, end)
  return found === -1 ? short(packet, path, at - start, `the end, byte 0x${hexByte(a)}`, "none", end) : found
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
  for (let found = indexOfByte(bytes, a, at, end); found !== -1 && found + 1 < end; found = indexOfByte(bytes, a, found + 1, end)) {
    if (bytes[found + 1] === b) return found
  }
  return short(packet, path, at - start, `the end, bytes 0x${hexByte(a)}${hexByte(b)}`, "none", end)
}

/**
 * Offset of the CR LF that ends the line at `at`. The line ends at its first LF, as servers read it; one without a CR before it is an error.
 */
export const findLine = (reader: Reader, at: number, end: number, start: number, packet: string, path: string): number => {
  const { bytes } = reader
  let found = at
  // lines are short
  const near = end - at > 32 ? at + 32 : at
  while (found < near && bytes[found] !== 0x0a) found++
  if (found === near) found = indexOfByte(bytes, 0x0a, found, end)
  if (found === -1) return short(packet, path, at - start, "the end, CR LF", "none", end)
  return found > at && bytes[found - 1] === 0x0d ? found - 1 : malformed("Syntax", packet, path, found - start, "CR before LF", "LF alone")
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
  for (
    let found = indexOfByte(bytes, first, at, end);
    found !== -1 && found + length <= end;
    found = indexOfByte(bytes, first, found + 1, end)
  ) {
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
    if (end - at - i < 1) {
      return i > 0 && end % 1 !== 0
        ? short(packet, path, at - start, JSON.stringify(terminator), "the end", end)
        : false
    }
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
  const { bytes } = reader
  const { length } = literal
  let i = 0
  if (end - at >= length) { while (i < length && bytes[at + i] === literal.charCodeAt(i)) i++ }
  return i === length ? at + length : wrongLiteral(reader, at, end, literal, start, packet, path)
}

/** Throws: the bytes of a literal do not stand at `at`. */
export const wrongLiteral = (
  reader: Reader,
  at: number,
  end: number,
  literal: string,
  start: number,
  packet: string,
  path: string
): never => {
  let i = 0
  while (end - at - i >= 1 && reader.bytes[at + i] === literal.charCodeAt(i)) i++
  return end - at - i < 1
    ? short(packet, path, at + i - start, JSON.stringify(literal), "the end", end)
    : malformed("Constant", packet, path, at + i - start, JSON.stringify(literal), `0x${hexByte(reader.bytes[at + i]!)}`)
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
    if (end - at - same < 1 && end % 1 !== 0) {
      return short(packet, path, at - start, `${JSON.stringify(yes)} or ${JSON.stringify(no)}`, "the end", end)
    }
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

/** Text does not contain the ASCII character that ends it; what CR LF ends contains no LF. The same as `checkUntil`, without a look at bytes. */
export const checkTextUntil = (text: string, character: string, packet: string, path: string): void => {
  if (text.includes(character)) {
    unencodable("Range", packet, path, `no ${character === "\n" ? "LF" : JSON.stringify(character)} within`, "one")
  }
}

/** What lies in `[from, to)` does not contain its terminator, nor begin one at its end; only multiples of `step` count. What CR LF ends contains no LF. */
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
  const line = terminator === "\r\n"
  const first = line ? 0x0a : terminator.charCodeAt(0)
  for (let i = indexOfByte(bytes, first, from, to); i !== -1; i = indexOfByte(bytes, first, i + 1, to)) {
    let whole = (i - from) % step === 0
    for (let k = 1; k < terminator.length && whole && !line; k++) {
      const byte = i + k < to ? bytes[i + k]! : after.charCodeAt(i + k - to)
      whole = byte === terminator.charCodeAt(k)
    }
    if (whole) unencodable("Range", packet, path, `no ${line ? "LF" : JSON.stringify(terminator)} within`, "one")
  }
}

/** Whether text contains what would end it, or begins it at its end; what CR LF ends contains no LF. */
export const holdsTerminator = (text: string, terminator: string): boolean =>
  terminator === "\r\n" ? text.includes("\n") : `${text}${terminator}`.indexOf(terminator) < text.length

const digits = (reader: Reader, at: number, end: number, start: number, packet: string, path: string): boolean => {
  const { bytes } = reader
  const negative = bytes[at] === 0x2d
  const first = negative ? at + 1 : at
  const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39
  let good = end > first && isDigit(bytes[first])
  for (let i = first + 1; good && i < end; i++) good = isDigit(bytes[i])
  if (!good || bytes[first] === 0x30 && end > first + 1 || negative && bytes[first] === 0x30) {
    const got = JSON.stringify(decodeText(reader.bytes, at, Math.min(end, at + 24)))
    return malformed("Syntax", packet, path, at - start, "a decimal integer without leading zeros", got)
  }
  return negative
}

/** The digits that fill `[at, end)`, up to 15 of them, as a number; NaN where they are more, or no integer as it must be spelled. */
const fewDigits = (bytes: Uint8Array, at: number, end: number): number => {
  const first = bytes[at] === 0x2d ? at + 1 : at
  if (end <= first || end - first > 15 || bytes[first] === 0x30 && (end > first + 1 || first > at)) return NaN
  let value = 0
  for (let i = first; i < end; i++) {
    const digit = bytes[i]! - 0x30
    if (digit < 0 || digit > 9) return NaN
    value = value * 10 + digit
  }
  return first > at ? -value : value
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
  const value = fewDigits(reader.bytes, at, end)
  return value >= min && value <= max ? value : otherDecimal(reader, at, end, min, max, start, packet, path)
}

const otherDecimal = (
  reader: Reader,
  at: number,
  end: number,
  min: number,
  max: number,
  start: number,
  packet: string,
  path: string
): number => {
  digits(reader, at, end, start, packet, path)
  const value = Number(decodeText(reader.bytes, at, end))
  if (value < min || value > max) {
    malformed("Limit", packet, path, at - start, `an integer of ${min}…${max}`, decodeText(reader.bytes, at, end))
  }
  return value
}

const converted = /* @__PURE__ */ new DataView(/* @__PURE__ */ new ArrayBuffer(8))

/**
 * `BigInt` of a safe integer, in a third of the time: compilers know how a view reads one.
 *
 * @internal
 */
export const bigOf = (value: number): bigint => {
  converted.setInt32(0, Math.floor(value / 0x1_0000_0000))
  converted.setInt32(4, value)
  return converted.getBigInt64(0)
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
  const few = fewDigits(reader.bytes, at, end)
  // all numbers of 15 digits are within 64 bits
  if (few >= 0 || few < 0 && min < 0n) return bigOf(few)
  if (end - at > 20) malformed("Limit", packet, path, at - start, `an integer of ${min}…${max}`, `${end - at} digits`)
  digits(reader, at, end, start, packet, path)
  const value = BigInt(decodeText(reader.bytes, at, end))
  if (value < min || value > max) malformed("Limit", packet, path, at - start, `an integer of ${min}…${max}`, String(value))
  return value
}

/** Most digits that are surely an integer of 32 bits. */
const fewest = 9
/** No integer of so few digits. */
const notFew = -0x8000_0000

/**
 * The integer of at most nine digits that is the line at `at`, read in one pass; leaves the offset after CR LF in `reader.next`. `notFew` for
 * whatever else there is.
 */
const lineOfDigits = (reader: Reader, at: number, end: number): number => {
  // a sign, the digits and CR LF are there
  if (end - at < fewest + 3) return notFew
  const { bytes } = reader
  let i = at
  let byte = bytes[i]!
  const sign = byte === 0x2d
  if (sign) byte = bytes[++i]!
  let value = byte - 0x30
  // zero is one digit and has no sign
  if (value < (sign ? 1 : 0) || value > 9) return notFew
  const last = value === 0 ? i : i + fewest - 1
  for (byte = bytes[++i]!; byte !== 0x0d; byte = bytes[++i]!) {
    const digit = byte - 0x30
    if (digit < 0 || digit > 9 || i > last) return notFew
    value = value * 10 + digit | 0
  }
  if (bytes[i + 1] !== 0x0a) return notFew
  reader.next = i + 2
  return sign ? -value : value
}

/** The decimal integer that is the line at `at`; leaves the offset after its CR LF in `reader.next`. */
export const readLineDecimal = (
  reader: Reader,
  at: number,
  end: number,
  min: number,
  max: number,
  start: number,
  packet: string,
  path: string
): number => {
  const few = lineOfDigits(reader, at, end)
  if (few !== notFew && few >= min && few <= max) return few
  const stop = findLine(reader, at, end, start, packet, path)
  const value = readDecimal(reader, at, stop, min, max, start, packet, path)
  reader.next = stop + 2
  return value
}

/** The least integer of 64 bits: a name for it, since a minus before a literal is calculated each time. */
export const leastI64 = -0x8000_0000_0000_0000n

/** The decimal integer of 64 bits that is the line at `at`; leaves the offset after its CR LF in `reader.next`. */
export const readLineDecimalBig = (
  reader: Reader,
  at: number,
  end: number,
  min: bigint,
  max: bigint,
  start: number,
  packet: string,
  path: string
): bigint => {
  const few = lineOfDigits(reader, at, end)
  if (few !== notFew && (few >= 0 || min < 0n)) return bigOf(few)
  const stop = findLine(reader, at, end, start, packet, path)
  const value = readDecimalBig(reader, at, stop, min, max, start, packet, path)
  reader.next = stop + 2
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

/** Where the token at `at` ends: at the next separator (one byte, or two), or where its line does. */
export const tokenEnd = (bytes: Uint8Array, at: number, stop: number, separator: number, second?: number): number => {
  let i = at
  while (i < stop && (bytes[i] !== separator || second !== undefined && (i + 1 >= stop || bytes[i + 1] !== second))) i++
  return i
}

/** How many tokens follow the one that ends at `at`, or begin there when a separator of `size` bytes is thought before it. */
export const tokensAfter = (bytes: Uint8Array, at: number, stop: number, separator: number, second?: number): number => {
  const size = second === undefined ? 1 : 2
  let count = 0
  for (let i = at; i < stop; count++) i = tokenEnd(bytes, i + size, stop, separator, second)
  return count
}

/** Whether the token `[at, end)` is this text. */
export const isToken = (bytes: Uint8Array, at: number, end: number, text: string): boolean => {
  if (end - at !== text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

/** Another token follows the one that has ended at `at`: with a separator, unless the line has ended. */
export const expectNextToken = (at: number, stop: number, packet: string, path: string, offset: number): void => {
  if (at >= stop) malformed("Length", packet, path, offset, "another token", "the end of the line")
}

/** Another token follows: a separator stands at `at`, where the one before it has ended. */
export const expectToken = (
  reader: Reader,
  at: number,
  stop: number,
  separator: string,
  start: number,
  packet: string,
  path: string
): void => {
  if (at >= stop) return malformed("Length", packet, path, at - start, "another token", "the end of the line")
  for (let i = 0; i < separator.length; i++) {
    if (reader.bytes[at + i] !== separator.charCodeAt(i)) {
      return malformed("Syntax", packet, path, at + i - start, JSON.stringify(separator), `0x${hexByte(reader.bytes[at + i]!)}`)
    }
  }
}

/** A token ends at `at`: a separator stands there, or it is the end of the line. */
export const expectTokenEnd = (
  reader: Reader,
  at: number,
  stop: number,
  separator: string,
  start: number,
  packet: string,
  path: string
): void => {
  if (at !== stop) expectToken(reader, at, stop, separator, start, packet, path)
}

/** A token that is written contains neither a separator nor what ends the line (of CR LF, the LF). */
export const checkToken = (
  bytes: Uint8Array,
  from: number,
  to: number,
  separator: number,
  ending: number,
  packet: string,
  path: string
): void => {
  for (let i = from; i < to; i++) {
    const byte = bytes[i]
    if (byte === separator || byte === ending) {
      unencodable("Range", packet, path, "a token without separators and line ends", `0x${hexByte(byte)}`)
    }
  }
}

/** A line that may have no tokens at all has none, or one that is not empty. */
export const checkLine = (isEmpty: boolean, packet: string, path: string): void => {
  if (isEmpty) unencodable("Length", packet, path, "a token that is not empty, in a line of its own", "an empty one")
}

/** A token that is written is not another one's text. */
export const checkNotToken = (bytes: Uint8Array, from: number, to: number, text: string, packet: string, path: string): void => {
  if (isToken(bytes, from, to, text)) unencodable("Range", packet, path, `anything but ${JSON.stringify(text)}`, JSON.stringify(text))
}

/** Bytes up to a multiple of `to` from `begin`, whatever they are; returns the offset after them. */
export const expectRoomToAlign = (
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
  return next
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
  const next = expectRoomToAlign(at, begin, to, end, start, packet, path)
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

/** Counts the records of a type that surround what is being read or written. */
interface Depths {
  depths: Record<string, number> | undefined
}

const tooDeep = (type: string, max: number, offset: number): never =>
  malformed("Limit", type, "", offset, `at most ${max} records within one another`, "more")

/** A record begins, of which at most `max` may lie within one another. The caller says when it ends (`shallower`). */
export const deeper = (reader: Depths, type: string, max: number, offset: number): void => {
  const depths = reader.depths ??= {}
  const depth = depths[type] ?? 0
  if (depth >= max) tooDeep(type, max, offset)
  depths[type] = depth + 1
}

/** A record begins that contains none of its type: no more than `max` of them may lie within one another, this one included. */
export const expectDepth = (reader: Depths, type: string, max: number, offset: number): void => {
  if (reader.depths !== undefined && reader.depths[type]! >= max) tooDeep(type, max, offset)
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
