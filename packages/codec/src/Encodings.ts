/** Text in encodings other than UTF-8. Every accepted sequence of bytes has exactly one text, and the other way round. */
import { short } from "./Check.ts"
import { malformed, unencodable } from "./Errors.ts"
import type { Reader } from "./Reader.ts"

/** Names of the encodings. */
export type Encoding = "ascii" | "latin1" | "utf16be" | "utf16le"

const blockSize = 4096

/** Text of code units that `unit` reads, put together in blocks. */
const fromUnits = (count: number, unit: (index: number) => number): string => {
  let text = ""
  for (let from = 0; from < count; from += blockSize) {
    const units: Array<number> = []
    for (let i = from; i < Math.min(count, from + blockSize); i++) units.push(unit(i))
    text += String.fromCharCode(...units)
  }
  return text
}

/** Text of `[at, end)`. Throws for ASCII with other bytes, and UTF-16 with half a unit. */
export const decodeEncoded = (
  reader: Reader,
  encoding: Encoding,
  at: number,
  end: number,
  start: number,
  packet: string,
  path: string
): string => {
  const { bytes, view } = reader
  const stop = Math.floor(end)
  if (encoding === "latin1") return fromUnits(stop - at, (i) => bytes[at + i]!)
  if (encoding === "ascii") {
    for (let i = at; i < stop; i++) {
      if (bytes[i]! > 0x7f) return malformed("Syntax", packet, path, i - start, "ASCII", `0x${bytes[i]!.toString(16)}`)
    }
    return fromUnits(stop - at, (i) => bytes[at + i]!)
  }
  if ((stop - at) % 2 !== 0) return short(packet, path, at - start, "an even number of bytes", `${stop - at} bytes`, end)
  return fromUnits((stop - at) / 2, (i) => view.getUint16(at + 2 * i, encoding === "utf16le"))
}

/** Bytes of a unit. */
export const unitSize = (encoding: Encoding): 1 | 2 => encoding === "utf16be" || encoding === "utf16le" ? 2 : 1

/** Most bytes that text takes. */
export const boundEncoded = (encoding: Encoding, text: string): number =>
  typeof text === "string" ? (encoding === "utf16be" || encoding === "utf16le" ? 2 * text.length : text.length) : 0

/** Writes text at `at` and returns the offset after it. */
export const putEncoded = (
  bytes: Uint8Array,
  at: number,
  encoding: Encoding,
  text: string,
  packet: string,
  path: string
): number => {
  if (typeof text !== "string") return unencodable("Missing", packet, path, "text", typeof text)
  const wide = encoding === "utf16be" || encoding === "utf16le"
  const limit = wide ? 0xffff : encoding === "latin1" ? 0xff : 0x7f
  let position = at
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > limit) return unencodable("Range", packet, path, `${encoding} text`, `U+${unit.toString(16)}`)
    if (encoding === "utf16be") bytes[position++] = unit >> 8
    bytes[position++] = unit & 0xff
    if (encoding === "utf16le") bytes[position++] = unit >> 8
  }
  return position
}
