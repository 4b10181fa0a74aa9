/**
 * Unsigned LEB128 of at most 32 bits, as Couchbase prefixes keys with collection ids: seven bits a byte, least significant first, the high
 * bit set on all but the last. Only the shortest spelling is legal, so every value has exactly one. A number cut off by the
 * end of its section is wrong, not incomplete: the section is all there.
 */
import { malformed } from "./Errors.ts"
import type { Reader } from "./Reader.ts"

/** Reads at `at`, not beyond `end`; leaves the offset behind it in `reader.next`. Offsets in errors count from `start`. */
export const readUleb128 = (reader: Reader, at: number, end: number, start: number, packet: string, path: string): number => {
  const bytes = reader.bytes
  const first = at < end ? bytes[at]! : 0x80
  if (first < 0x80) {
    reader.next = at + 1
    return first
  }
  let value = 0
  for (let i = 0; i < 5; i++) {
    if (at + i >= end) return malformed("Leb128", packet, path, at + i - start, "a LEB128 byte", "the end of the section")
    const byte = bytes[at + i]!
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) {
      if (byte === 0) return malformed("Leb128", packet, path, at + i - start, "the shortest LEB128", "a trailing zero group")
      if (value > 0xffff_ffff) return malformed("Leb128", packet, path, at - start, "at most 32 bits", String(value))
      reader.next = at + i + 1
      return value
    }
  }
  return malformed("Leb128", packet, path, at - start, "at most 5 LEB128 bytes", "a sixth")
}

/** Bytes that `value` takes, 1…5. */
export const uleb128Size = (value: number): number =>
  value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5

/** Writes `value` at `at` and returns the offset behind it. */
export const writeUleb128 = (bytes: Uint8Array, at: number, value: number): number => {
  let rest = value
  while (rest >= 0x80) {
    bytes[at++] = rest & 0x7f | 0x80
    rest = Math.floor(rest / 128)
  }
  bytes[at++] = rest
  return at
}
