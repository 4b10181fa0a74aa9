/** Checks that generated decoders make. Small enough to be inlined; what throws is out of line. */
import { hexNumber, malformed, unencodable } from "./Errors.ts"

const byteCount = (length: number): string => length === 1 ? "1 byte" : `${length} bytes`

/** A section or record has exactly this length. */
export const expectLength = (length: number, expected: number, packet: string, path: string, offset: number): void => {
  if (length !== expected) malformed("Length", packet, path, offset, byteCount(expected), byteCount(length))
}

/** At least `minimum` bytes are left. */
export const expectAtLeast = (length: number, minimum: number, packet: string, path: string, offset: number): void => {
  if (length < minimum) malformed("Length", packet, path, offset, `at least ${byteCount(minimum)}`, byteCount(length))
}

/** A sized field lies within what surrounds it. */
export const expectWithin = (fieldEnd: number, end: number, packet: string, path: string, at: number, start: number): void => {
  if (fieldEnd > end || fieldEnd < at) {
    malformed("Length", packet, path, at - start, `${byteCount(fieldEnd - at)}`, `${byteCount(Math.max(0, end - at))}`)
  }
}

/** Nothing is left over. */
export const expectEnd = (at: number, end: number, packet: string, path: string, start: number): void => {
  if (at !== end) malformed("Trailing", packet, path, at - start, "the end", `${byteCount(end - at)} more`)
}

/** A variable part keeps its limit. */
export const expectAtMost = (length: number, max: number, packet: string, path: string, offset: number): void => {
  if (length > max) malformed("Limit", packet, path, offset, `at most ${byteCount(max)}`, byteCount(length))
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

/** Flags without unknown bits. */
export const expectKnownBits = (value: number, mask: number, packet: string, path: string, offset: number): void => {
  if ((value & ~mask) !== 0) {
    malformed("UnknownValue", packet, path, offset, `bits within ${hexNumber(mask)}`, hexNumber(value))
  }
}

/** An enumeration value that the spec names. */
export const expectKnown = (
  known: boolean,
  value: number | bigint,
  packet: string,
  path: string,
  offset: number,
  expected: string
): void => {
  if (!known) malformed("UnknownValue", packet, path, offset, expected, hexNumber(value))
}

/** What an encoder writes keeps its limit. */
export const checkAtMost = (length: number, max: number, packet: string, path: string): void => {
  if (length > max) unencodable("Limit", packet, path, `at most ${byteCount(max)}`, byteCount(length))
}

/** What an encoder writes has exactly this size. */
export const checkLength = (length: number, expected: number, packet: string, path: string): void => {
  if (length !== expected) unencodable("Length", packet, path, byteCount(expected), byteCount(length))
}

/** A value that the spec must know, for encoders. */
export const checkKnown = (known: boolean, value: number | bigint, packet: string, path: string, expected: string): void => {
  if (!known) unencodable("UnknownValue", packet, path, expected, hexNumber(value))
}

/** Offset of the NUL that ends text at `at`. */
export const findNul = (bytes: Uint8Array, at: number, end: number, packet: string, path: string, start: number): number => {
  const found = bytes.indexOf(0, at)
  return found === -1 || found >= end ? malformed("Length", packet, path, at - start, "text ended by a NUL byte", "none") : found
}

/** Text that must be UTF-8, for fields that do not take other bytes. */
export const expectUtf8 = (valid: boolean, packet: string, path: string, offset: number): void => {
  if (!valid) malformed("Utf8", packet, path, offset, "UTF-8", "other bytes")
}

/** NUL-terminated text cannot hold a NUL. */
export const checkNoNul = (text: string, packet: string, path: string): void => {
  if (text.includes("\0")) unencodable("Range", packet, path, "text without NUL", "a NUL")
}
