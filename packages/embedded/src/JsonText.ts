/** JSON as the bytes of a value. What is within it is `JsonScan`'s. */
import { scanText } from "@wirewright/codec/JsonScan"

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** The text of bytes that are UTF-8. */
export const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** The bytes of a text. */
export const bytesOf = (text: string): Uint8Array => encoder.encode(text)

/** Whether bytes are one JSON value. */
export const isJson = (bytes: Uint8Array): boolean => {
  if (bytes.length === 0) return false
  // most values that are no JSON say so in their first byte; the text is made for the others only
  if (!looksLikeJson(bytes[0]!)) return false
  const text = textOf(bytes)
  return text !== undefined && scanText(text) !== undefined
}

const looksLikeJson = (byte: number): boolean =>
  byte === 0x7b || byte === 0x5b || byte === 0x22 || byte === 0x2d || byte >= 0x30 && byte <= 0x39
  || byte === 0x74 || byte === 0x66 || byte === 0x6e || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
