/**
 * The envelope of flexible framing extras: one byte with the id in the high and the length in the low nibble. A nibble of 15 adds the next
 * byte to 15, the id's before the length's. Every pair of numbers has exactly one spelling.
 *
 * Source: couchbase/kv_engine docs/BinaryProtocol.md, "flexible framing extras".
 */
import { malformed, unencodable } from "./Errors.ts"
import type { Reader } from "./Reader.ts"

/** A frame nobody described, as it stood on the wire. */
export interface UnknownNibbleFrame {
  readonly _tag: "Unknown"
  readonly tag: number
  readonly bytes: Uint8Array
}

/** What most packets have: the same empty array, so that decoding allocates none. */
export const noFrames: ReadonlyArray<never> = /* @__PURE__ */ Object.freeze([])

/** Calls `read` with the id and the bounds of every frame in `[at, end)`. */
export const readNibbleFrames = <A>(
  reader: Reader,
  at: number,
  end: number,
  start: number,
  packet: string,
  path: string,
  read: (reader: Reader, tag: number, at: number, end: number, start: number, path: string) => A
): Array<A> => {
  const out: Array<A> = []
  const bytes = reader.bytes
  let position = at
  while (position < end) {
    const here = `${path}[${out.length}]`
    const head = bytes[position]!
    const begin = position++
    let tag = head >> 4
    let length = head & 15
    if (tag === 15) {
      if (position === end) malformed("Length", packet, here, begin - start, "a second id byte", "the end of the framing extras")
      tag += bytes[position++]!
    }
    if (length === 15) {
      if (position === end) malformed("Length", packet, here, begin - start, "a second length byte", "the end of the framing extras")
      length += bytes[position++]!
    }
    if (length > end - position) malformed("Length", packet, here, begin - start, `${length} bytes`, `${end - position} bytes`)
    out.push(read(reader, tag, position, position + length, start, here))
    position += length
  }
  return out
}

/** Bytes of the header of a frame whose id and length are 15 or more. */
const longestHeader = 3

/**
 * Ends a frame at `at` whose content was written after room for the longest header: writes the header, moves the content up to it, and
 * returns the offset behind.
 */
export const endNibbleFrame = (bytes: Uint8Array, at: number, end: number, tag: number, packet: string, path: string): number => {
  const start = at + longestHeader
  const content = writeNibbleHeader(bytes, at, tag, end - start, packet, path)
  bytes.copyWithin(content, start, end)
  return content + end - start
}

/** Writes a frame's header at `at` and returns the offset behind it. */
export const writeNibbleHeader = (bytes: Uint8Array, at: number, tag: number, length: number, packet: string, path: string): number => {
  if (tag < 0 || tag > 270) unencodable("Range", packet, path, "a frame id of 0…270", String(tag))
  if (length > 270) unencodable("Limit", packet, path, "at most 270 bytes", `${length} bytes`)
  bytes[at++] = Math.min(tag, 15) << 4 | Math.min(length, 15)
  if (tag >= 15) bytes[at++] = tag - 15
  if (length >= 15) bytes[at++] = length - 15
  return at
}
