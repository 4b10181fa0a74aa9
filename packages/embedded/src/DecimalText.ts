/** Counters as documents hold them: decimal text of an unsigned 64-bit number. */
import { unsigned64 } from "@wirewright/memcached/internal"

/** The text of a counter. */
export const decimalBytes = (value: bigint): Uint8Array => {
  const text = value.toString()
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

/** The same with spaces after it, up to a length. */
export const paddedTo = (digits: Uint8Array, length: number): Uint8Array => {
  const bytes = new Uint8Array(length).fill(" ".charCodeAt(0))
  bytes.set(digits)
  return bytes
}

/** The number in a document, or nothing: what `strtoull` makes of it, and white space or the end after it. */
export const parseDecimal = (bytes: Uint8Array): bigint | undefined => unsigned64(bytes, 0, bytes.length)
