/**
 * Binary values of extended attributes: JSON strings that hold Base64 after a mark. Pure. Source: kv_engine utilities/string_utilities.cc
 * (`base64_encode_value`, `base64_decode_value`) and daemon/subdocument_validators.cc (`validate_xattr_section`).
 */
import { bytesOf } from "./JsonText.ts"

const mark = "cb-content-base64-encoded:"
const markBytes = bytesOf(mark)
const quote = 0x22

const base64 = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const isBase64 = (text: string): boolean => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)

/** The JSON string that stands for bytes. */
export const binaryLiteral = (bytes: Uint8Array): string => `"${mark}${base64(bytes).toString("base64")}"`

/** The bytes that a JSON string stands for; nothing when it is no such string. */
export const binaryValue = (literal: string): Uint8Array | undefined => {
  if (!literal.startsWith(`"${mark}`) || !literal.endsWith("\"")) return undefined
  const text = literal.slice(mark.length + 1, -1)
  return isBase64(text) ? new Uint8Array(Buffer.from(text, "base64")) : undefined
}

/** Whether the first marked string within a value is not Base64 after its mark. */
export const hasBadBase64 = (value: Uint8Array): boolean => {
  const start = base64(value).indexOf(markBytes)
  if (start < 0) return false
  const from = start + markBytes.length
  const whole = start === 0 || start === 1 && value[0] === quote
  let end = whole ? value.length - (value[0] === quote && value.at(-1) === quote ? 1 : 0) : value.indexOf(quote, from)
  if (end < 0) return true
  if (end < from) end = from
  return !isBase64(base64(value.subarray(from, end)).toString("latin1"))
}
