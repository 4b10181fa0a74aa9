/**
 * Takes Snappy's raw format apart (google/snappy format_description.txt): what clients compressed is stored as it was before.
 *
 * Pure. It never compresses, and believes no length before it has checked it.
 */

/** Why bytes could not be inflated. */
export type InflateProblem = "Malformed" | "TooLarge"

/** Little-endian number of one to four bytes. */
const numberAt = (bytes: Uint8Array, at: number, width: number): number => {
  let value = 0
  for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!
  return value
}

/** The size that the first bytes claim, and where they end. */
const claimedSize = (bytes: Uint8Array): { readonly size: number; readonly at: number } | undefined => {
  let size = 0
  for (let at = 0; at < 5 && at < bytes.length; at++) {
    size += (bytes[at]! & 0x7f) * 2 ** (7 * at)
    if (bytes[at]! < 0x80) return size <= 0xffff_ffff ? { size, at: at + 1 } : undefined
  }
  return undefined
}

/** Inflates at most to `most` bytes. */
export const inflate = (bytes: Uint8Array, most: number): Uint8Array | InflateProblem => {
  const claimed = claimedSize(bytes)
  if (claimed === undefined) return "Malformed"
  if (claimed.size > most) return "TooLarge"
  // an element of three bytes makes at most 64, so a claim far beyond that is a lie that is not to be paid for
  if (claimed.size > bytes.length * 64) return "Malformed"
  const out = new Uint8Array(claimed.size)
  let { at } = claimed
  let filled = 0
  while (at < bytes.length) {
    const tag = bytes[at]!
    const kind = tag & 3
    let length = tag >> 2
    if (kind === 0) {
      const width = length < 60 ? 0 : length - 59
      if (at + 1 + width > bytes.length) return "Malformed"
      if (width > 0) length = numberAt(bytes, at + 1, width)
      length++
      at += 1 + width
      if (at + length > bytes.length || filled + length > out.length) return "Malformed"
      out.set(bytes.subarray(at, at + length), filled)
      at += length
      filled += length
      continue
    }
    const width = kind === 1 ? 1 : kind === 2 ? 2 : 4
    if (at + 1 + width > bytes.length) return "Malformed"
    const offset = kind === 1 ? (tag >> 5) * 256 + bytes[at + 1]! : numberAt(bytes, at + 1, width)
    length = kind === 1 ? (length & 7) + 4 : length + 1
    at += 1 + width
    if (offset === 0 || offset > filled || filled + length > out.length) return "Malformed"
    // what is copied may overlap what it makes, hence byte by byte
    for (const end = filled + length; filled < end; filled++) out[filled] = out[filled - offset]!
  }
  return filled === out.length ? out : "Malformed"
}
