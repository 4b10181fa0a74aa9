/**
 * Integers of variable length: LEB128 (seven bits a byte, least significant first), VLQ (most significant first) and QUIC's (RFC 9000, 16:
 * the first two bits are log₂ of the size). Only the shortest spelling is legal, so that every value has exactly one. A number cut off by
 * the end of a section that is all there is wrong, not incomplete.
 */
import { incomplete, malformed, unencodable } from "./Errors.ts"
import type { Reader } from "./Reader.ts"

const cut = (packet: string, path: string, at: number, start: number, end: number): never =>
  end % 1 === 0
    ? malformed("Varint", packet, path, at - start, "another byte of a variable-length integer", "the end")
    : incomplete(packet, path, at - start, "another byte of a variable-length integer", "the end")

const long = (packet: string, path: string, at: number, start: number, maxBytes: number): never =>
  malformed("Varint", packet, path, at - start, `at most ${maxBytes} bytes of a variable-length integer`, "more")

const wide = (packet: string, path: string, at: number, start: number, bits: number, value: unknown): never =>
  malformed("Varint", packet, path, at - start, `at most ${bits} bits`, String(value))

const padded = (packet: string, path: string, at: number, start: number): never =>
  malformed("Varint", packet, path, at - start, "the shortest spelling", "a longer one")

/** Reads LEB128 of 32 bits at `at`, not beyond `end`; leaves the offset after it in `reader.next`. Offsets in errors count from `start`. */
export const readLeb128 = (
  reader: Reader,
  at: number,
  end: number,
  start: number,
  packet: string,
  path: string,
  maxBytes = 5
): number => {
  const bytes = reader.bytes
  const first = at < end ? bytes[at] ?? 0x80 : 0x80
  if (first < 0x80) {
    reader.next = at + 1
    return first
  }
  let value = 0
  for (let i = 0; i < maxBytes; i++) {
    if (end - at - i < 1) return cut(packet, path, at + i, start, end)
    const byte = bytes[at + i]!
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) {
      if (byte === 0) return padded(packet, path, at + i, start)
      if (value > 0xffff_ffff) return wide(packet, path, at, start, 32, value)
      reader.next = at + i + 1
      return value
    }
  }
  return long(packet, path, at, start, maxBytes)
}

/** Reads LEB128 of 64 bits. */
export const readLeb128Big = (
  reader: Reader,
  at: number,
  end: number,
  start: number,
  packet: string,
  path: string,
  maxBytes = 10
): bigint => {
  const bytes = reader.bytes
  let low = 0
  let value = 0n
  for (let i = 0; i < maxBytes; i++) {
    if (end - at - i < 1) return cut(packet, path, at + i, start, end)
    const byte = bytes[at + i]!
    // up to seven groups fit a number exactly
    if (i < 7) low += (byte & 0x7f) * 2 ** (7 * i)
    else value += BigInt(byte & 0x7f) << BigInt(7 * i)
    if (byte < 0x80) {
      if (byte === 0 && i > 0) return padded(packet, path, at + i, start)
      value += BigInt(low)
      if (value > 0xffff_ffff_ffff_ffffn) return wide(packet, path, at, start, 64, value)
      reader.next = at + i + 1
      return value
    }
  }
  return long(packet, path, at, start, maxBytes)
}

/** Bytes that `value` takes as LEB128 or VLQ. */
export const leb128Size = (value: number): number =>
  value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5

/** Writes `value` as LEB128 at `at` and returns the offset after it. */
export const writeLeb128 = (bytes: Uint8Array, at: number, value: number): number => {
  let rest = value
  while (rest >= 0x80) {
    bytes[at++] = rest & 0x7f | 0x80
    rest = Math.floor(rest / 128)
  }
  bytes[at++] = rest
  return at
}

/** Writes a 64-bit `value` as LEB128 at `at` and returns the offset after it. */
export const writeLeb128Big = (bytes: Uint8Array, at: number, value: bigint): number => {
  let rest = value
  while (rest >= 0x80n) {
    bytes[at++] = Number(rest & 0x7fn) | 0x80
    rest >>= 7n
  }
  bytes[at++] = Number(rest)
  return at
}

/** Reads a VLQ of 64 bits: seven bits a byte, most significant first. */
export const readVlqBig = (
  reader: Reader,
  at: number,
  end: number,
  start: number,
  packet: string,
  path: string,
  maxBytes = 10
): bigint => {
  let value = 0n
  for (let i = 0; i < maxBytes; i++) {
    if (end - at - i < 1) return cut(packet, path, at + i, start, end)
    const byte = reader.bytes[at + i]!
    if (i === 0 && byte === 0x80) return padded(packet, path, at, start)
    value = value << 7n | BigInt(byte & 0x7f)
    if (byte < 0x80) {
      if (value > 0xffff_ffff_ffff_ffffn) return wide(packet, path, at, start, 64, value)
      reader.next = at + i + 1
      return value
    }
  }
  return long(packet, path, at, start, maxBytes)
}

/** Reads a VLQ of 32 bits. */
export const readVlq = (reader: Reader, at: number, end: number, start: number, packet: string, path: string, maxBytes = 5): number => {
  const value = readVlqBig(reader, at, end, start, packet, path, maxBytes)
  return value > 0xffff_ffffn ? wide(packet, path, at, start, 32, value) : Number(value)
}

/** Writes `value` as VLQ at `at` and returns the offset after it. */
export const writeVlqBig = (bytes: Uint8Array, at: number, value: bigint): number => {
  let size = 1
  for (let rest = value >> 7n; rest > 0n; rest >>= 7n) size++
  let rest = value
  for (let i = size - 1; i >= 0; i--) {
    bytes[at + i] = Number(rest & 0x7fn) | (i === size - 1 ? 0 : 0x80)
    rest >>= 7n
  }
  return at + size
}

/** Writes `value` as VLQ at `at` and returns the offset after it. */
export const writeVlq = (bytes: Uint8Array, at: number, value: number): number => writeVlqBig(bytes, at, BigInt(value))

/** Bytes of QUIC's spelling. */
export const quicSize = (value: number | bigint): number => value < 64 ? 1 : value < 0x4000 ? 2 : value < 0x4000_0000 ? 4 : 8

/** Reads QUIC's variable-length integer of up to 62 bits. */
export const readQuicBig = (
  reader: Reader,
  at: number,
  end: number,
  start: number,
  packet: string,
  path: string,
  maxBytes = 8
): bigint => {
  if (end - at < 1) return cut(packet, path, at, start, end)
  const size = 1 << (reader.bytes[at]! >> 6)
  if (size > maxBytes) return long(packet, path, at, start, maxBytes)
  if (end - at < size) return cut(packet, path, at, start, end)
  let value = BigInt(reader.bytes[at]! & 0x3f)
  for (let i = 1; i < size; i++) value = value << 8n | BigInt(reader.bytes[at + i]!)
  if (quicSize(value) !== size) return padded(packet, path, at, start)
  reader.next = at + size
  return value
}

/** Reads QUIC's variable-length integer as a number. */
export const readQuic = (reader: Reader, at: number, end: number, start: number, packet: string, path: string, maxBytes = 4): number =>
  Number(readQuicBig(reader, at, end, start, packet, path, maxBytes))

/** Writes QUIC's spelling at `at` and returns the offset after it. */
export const writeQuicBig = (bytes: Uint8Array, at: number, value: bigint): number => {
  const size = quicSize(value)
  let rest = value
  for (let i = size - 1; i >= 0; i--) {
    bytes[at + i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  bytes[at]! |= (size === 1 ? 0 : size === 2 ? 1 : size === 4 ? 2 : 3) << 6
  return at + size
}

/** Writes QUIC's spelling at `at` and returns the offset after it. */
export const writeQuic = (bytes: Uint8Array, at: number, value: number): number => writeQuicBig(bytes, at, BigInt(value))

/** −1 is 1, 1 is 2, −2 is 3. */
export const zigzag = (value: number): number => value < 0 ? -2 * value - 1 : 2 * value

/** The inverse of `zigzag`. */
export const unzigzag = (value: number): number => value % 2 === 0 ? value / 2 : -(value + 1) / 2

/** −1 is 1, 1 is 2, −2 is 3. */
export const zigzagBig = (value: bigint): bigint => value < 0n ? -2n * value - 1n : 2n * value

/** The inverse of `zigzagBig`. */
export const unzigzagBig = (value: bigint): bigint => (value & 1n) === 0n ? value >> 1n : -((value + 1n) >> 1n)

/** A value that a variable-length integer can hold, or an error. */
export const checkVarint = (value: number, min: number, max: number, packet: string, path: string): number => {
  if (!Number.isInteger(value) || value < min || value > max) {
    const missing = value === undefined || value === null
    unencodable(missing ? "Missing" : "Range", packet, path, `an integer of ${min}…${max}`, String(value))
  }
  return value
}

/** A 64-bit value that a variable-length integer can hold, or an error. */
export const checkVarintBig = (value: bigint, min: bigint, max: bigint, packet: string, path: string): bigint => {
  if (typeof value !== "bigint" || value < min || value > max) {
    const missing = value === undefined || value === null
    unencodable(missing ? "Missing" : "Range", packet, path, `a bigint of ${min}…${max}`, String(value))
  }
  return value
}
