/**
 * Checks that generated decoders make. Small enough to be inlined; what throws is out of line.
 *
 * The end of what surrounds a field may be open: half a byte after the last byte there is (`Reader.open`). All comparisons with whole
 * numbers are then as they would be without the half, and a length that has a fraction tells that more bytes may come.
 */
import { hexNumber, malformed, reaches, refuse, unencodable } from "./Errors.ts"

/** A number of bytes, in words. */
export const byteCount = (length: number): string => {
  const whole = Math.floor(length)
  return `${whole} byte${whole === 1 ? "" : "s"}`
}

/** Bytes are missing before `end`, or before the end from which `length` was counted: they may yet come when that is open. */
export const short = (packet: string, path: string, offset: number, expected: string, got: string, end: number): never =>
  malformed(end % 1 === 0 ? "Length" : "Incomplete", packet, path, offset, expected, got)

/** A section or record has exactly this length. */
export const expectLength = (length: number, expected: number, packet: string, path: string, offset: number): void => {
  if (length !== expected) malformed("Length", packet, path, offset, byteCount(expected), byteCount(length))
}

/** The lengths that sets of optional fields have are `expected`, the largest of which is `largest`; this is none of them. */
export const noLength = (length: number, largest: number, expected: string, packet: string, path: string, offset: number): never =>
  short(packet, path, offset, expected, byteCount(length), length < largest ? length : 0)

/** At least `minimum` bytes are left. */
export const expectAtLeast = (length: number, minimum: number, packet: string, path: string, offset: number): void => {
  if (length < minimum) short(packet, path, offset, `at least ${byteCount(minimum)}`, byteCount(Math.max(0, length)), length)
}

const lacks = (fieldEnd: number, end: number, packet: string, path: string, at: number, start: number): never => {
  reaches(fieldEnd)
  return short(packet, path, at - start, byteCount(fieldEnd - at), byteCount(Math.max(0, end - at)), end)
}

/** A sized field lies within what surrounds it. */
export const expectWithin = (fieldEnd: number, end: number, packet: string, path: string, at: number, start: number): void => {
  if (fieldEnd > end) lacks(fieldEnd, end, packet, path, at, start)
  if (fieldEnd < at) short(packet, path, at - start, `${byteCount(at - fieldEnd)} more`, "the end", end)
}

/** Nothing is left over. */
export const expectEnd = (at: number, end: number, packet: string, path: string, start: number): void => {
  if (at !== end) malformed("Trailing", packet, path, at - start, "the end", `${byteCount(end - at)} more`)
}

/** A variable part keeps its limit. */
export const expectAtMost = (length: number, max: number, packet: string, path: string, offset: number): void => {
  if (length >= max + 1) malformed("Limit", packet, path, offset, `at most ${byteCount(max)}`, byteCount(length))
}

/** A variable part has at least so many bytes. */
export const expectMin = (length: number, min: number, packet: string, path: string, offset: number): void => {
  if (length < min) malformed("Length", packet, path, offset, `at least ${byteCount(min)}`, byteCount(length))
}

/** A fixed value. */
export const expectConstant = (actual: number | bigint, expected: number | bigint, packet: string, path: string, offset: number): void => {
  if (actual !== expected) malformed("Constant", packet, path, offset, hexNumber(expected), hexNumber(actual))
}

/** Reserved bytes that must be zero. */
export const expectZero = (bytes: Uint8Array, at: number, end: number, packet: string, path: string, start: number): void => {
  for (let i = at; i < end; i++) {
    if (bytes[i] !== 0) malformed("Reserved", packet, path, i - start, "0", hexNumber(bytes[i]!))
  }
}

/** A bit that says whether fields are there is zero in a state that has none of them. */
export const expectUsed = (isSet: boolean, isUsed: boolean, packet: string, path: string, offset: number, expected: string): void => {
  if (isSet && !isUsed) malformed("Reserved", packet, path, offset, expected, "1")
}

/** Flags without unknown bits. */
export const expectKnownBits = (value: number, mask: number, packet: string, path: string, offset: number): void => {
  if ((value & ~mask) !== 0) {
    malformed("UnknownValue", packet, path, offset, `bits within ${hexNumber(mask)}`, hexNumber(value))
  }
}

/** What an encoder writes keeps its limit. */
export const checkAtMost = (length: number, max: number, packet: string, path: string): void => {
  if (length > max) unencodable("Limit", packet, path, `at most ${byteCount(max)}`, byteCount(length))
}

/** What an encoder writes is not empty. */
export const checkSome = (length: number, packet: string, path: string): void => {
  if (length === 0) unencodable("Length", packet, path, "at least 1 byte, or undefined", "0 bytes")
}

/** What an encoder writes has at least so many bytes. */
export const checkMin = (length: number, min: number, packet: string, path: string): void => {
  if (length < min) unencodable("Length", packet, path, `at least ${byteCount(min)}`, byteCount(length))
}

/** What an encoder writes has exactly this size. */
export const checkLength = (length: number, expected: number, packet: string, path: string): void => {
  if (length === undefined) unencodable("Missing", packet, path, byteCount(expected), "none")
  if (typeof length !== "number") refuse(packet, path, byteCount(expected), length)
  if (length !== expected) unencodable("Length", packet, path, byteCount(expected), byteCount(length))
}

/** A value that the spec must know, for encoders. */
export const checkKnown = (known: boolean, value: number | bigint, packet: string, path: string, expected: string): void => {
  if (!known) {
    if (value === undefined || value === null) unencodable("Missing", packet, path, expected, String(value))
    unencodable(
      "UnknownValue",
      packet,
      path,
      expected,
      typeof value === "number" || typeof value === "bigint" ? hexNumber(value) : typeof value
    )
  }
}

/** Text that must be UTF-8, for fields that do not take other bytes. */
export const expectUtf8 = (valid: boolean, packet: string, path: string, offset: number): void => {
  if (!valid) malformed("Utf8", packet, path, offset, "UTF-8", "other bytes")
}

/** A length or count on the wire is at least what is added to it. */
export const expectMeant = (value: number, plus: number, packet: string, path: string, offset: number): void => {
  if (value < plus) malformed("Length", packet, path, offset, `at least ${plus}`, String(value))
}

/** A 64-bit length that a number can hold. */
export const safeLength = (value: bigint, packet: string, path: string, offset: number): number =>
  value > 0x1f_ffff_ffff_ffffn || value < -0x1f_ffff_ffff_ffffn
    ? malformed("Limit", packet, path, offset, "a length of at most 2^53-1", String(value))
    : Number(value)

/** Two fields say the same of a third. */
export const expectSame = (value: number, other: number, packet: string, path: string, offset: number): void => {
  if (value !== other) malformed("Length", packet, path, offset, `${other}, as another field says`, String(value))
}

/** A wider spelling is used only for what the narrower cannot hold. */
export const expectMore = (value: number | bigint, than: number | bigint, packet: string, path: string, offset: number): void => {
  if (value <= than) malformed("Varint", packet, path, offset, "the shortest spelling", "a longer one")
}

/** An array keeps its limit. */
export const expectCount = (count: number, max: number, packet: string, path: string, offset: number): void => {
  if (count > max) malformed("Limit", packet, path, offset, `at most ${max} elements`, String(count))
}

/** An array has at least so many elements. */
export const expectCountMin = (count: number, min: number, packet: string, path: string, offset: number): void => {
  if (count < min) malformed("Length", packet, path, offset, `at least ${min} elements`, String(count))
}

/** A claimed number of elements cannot outrun the bytes. */
export const expectRoom = (count: number, least: number, room: number, packet: string, path: string, offset: number): void => {
  if (count * least > room) {
    short(packet, path, offset, `${count} elements of at least ${byteCount(least)}`, byteCount(Math.max(0, room)), room)
  }
}

/** Bits that no name has are zero. */
export const expectNoBits = (bits: number | bigint, packet: string, path: string, offset: number): void => {
  if (bits !== 0 && bits !== 0n) {
    malformed("Reserved", packet, path, offset, "zero in bits without a name", hexNumber(typeof bits === "number" ? bits >>> 0 : bits))
  }
}

/** A checksum is that of the bytes. */
export const expectChecksum = (value: number, right: number, packet: string, path: string, offset: number): void => {
  if (value !== right) malformed("Checksum", packet, path, offset, hexNumber(right), hexNumber(value))
}

/** What is given as elements is an array, which keeps its limit. */
export const checkElements = (values: ReadonlyArray<unknown>, max: number, packet: string, path: string): void => {
  if (!Array.isArray(values)) refuse(packet, path, "an array", values)
  if (values.length > max) unencodable("Limit", packet, path, `at most ${max} elements`, String(values.length))
}

/** What is given as a record is an object, neither an array nor bytes. */
export const checkRecord = (value: object, packet: string, path: string): void => {
  if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    refuse(packet, path, "an object", value)
  }
}

/** What is given as a mark that may be missing is true, false or nothing. */
export const checkMark = (value: boolean | undefined, packet: string, path: string): void => {
  if (value !== undefined && typeof value !== "boolean") refuse(packet, path, "true or false", value)
}

/** An encoder's array has at least so many elements. */
export const checkCountMin = (count: number, min: number, packet: string, path: string): void => {
  if (count < min) unencodable("Length", packet, path, `at least ${min} elements`, String(count))
}

/** A value fits its bits; true and false are 1 and 0. */
export const checkBits = (value: number | boolean, max: number, packet: string, path: string): number => {
  const number = typeof value === "boolean" ? Number(value) : value
  if (!(typeof number === "number" && number >= 0 && number <= max && number % 1 === 0)) {
    unencodable(value === undefined || value === null ? "Missing" : "Range", packet, path, `an integer of 0…${max}`, String(value))
  }
  return number
}

/** How many units of so many bytes a length is. */
export const inUnits = (length: number, unit: number, packet: string, path: string): number => {
  if (length % unit !== 0) unencodable("Length", packet, path, `a multiple of ${unit} bytes`, `${length} bytes`)
  return length / unit
}

/** A field is there when something else says so, and only then. */
export const checkPresence = (isThere: boolean, should: boolean, packet: string, path: string, when: string): void => {
  if (isThere && !should) unencodable("Range", packet, path, `a value only if ${when}`, "a value")
  if (!isThere && should) unencodable("Missing", packet, path, `a value, because ${when}`, "undefined")
}
