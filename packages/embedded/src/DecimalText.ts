/** Counters as documents hold them: decimal text of an unsigned 64-bit number. */

const largest = 0xffff_ffff_ffff_ffffn

/** The text of a counter. */
export const decimalBytes = (value: bigint): Uint8Array => {
  const text = value.toString()
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

/** The number in a document, or nothing. Like `strtoull` it passes over white space and a plus sign; unlike it, it refuses a minus. */
export const parseDecimal = (bytes: Uint8Array): bigint | undefined => {
  if (bytes.length > 40) return undefined
  let text = ""
  for (const byte of bytes) text += String.fromCharCode(byte)
  const digits = /^[ \t\n\v\f\r]*\+?(\d{1,20})[ \t\n\v\f\r]*$/.exec(text)?.[1]
  if (digits === undefined) return undefined
  const value = BigInt(digits)
  return value > largest ? undefined : value
}
