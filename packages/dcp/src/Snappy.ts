/**
 * Snappy's raw format (google/snappy format_description.txt), by `hysnappy`. It believes no length before it has checked it.
 */
import { snappyCompressor, snappyUncompressor } from "hysnappy"

/** Why bytes could not be uncompressed. */
export type SnappyProblem = "Malformed" | "TooLarge"

/** Codecs are made when they are first needed: each compiles a module. */
const once = <A>(make: () => A): () => A => {
  let made: A | undefined
  return () => made ??= make()
}
const uncompressor = once(snappyUncompressor)
const compressor = once(snappyCompressor)

/** The bit that says that another byte follows. */
const more = 1 << 7

/** The size that the first bytes claim: up to 32 bits in groups of seven, the lowest first. */
const claimedSize = (bytes: Uint8Array): number | undefined => {
  let size = 0
  for (let at = 0; at < 5 && at < bytes.length; at++) {
    size += bytes[at]! % more * 2 ** (7 * at)
    if (bytes[at]! < more) return size < 2 ** 32 ? size : undefined
  }
  return undefined
}

/** Uncompresses at most to `most` bytes. */
export const uncompress = (bytes: Uint8Array, most: number): Uint8Array | SnappyProblem => {
  const size = claimedSize(bytes)
  if (size === undefined) return "Malformed"
  if (size > most) return "TooLarge"
  // an element of three bytes makes at most 64, so a claim far beyond that is a lie that is not to be paid for
  if (size > bytes.length * 64) return "Malformed"
  try {
    return uncompressor()(bytes, size)
  } catch {
    return "Malformed"
  }
}

/** Compresses. */
export const compress = (bytes: Uint8Array): Uint8Array => compressor()(bytes)
