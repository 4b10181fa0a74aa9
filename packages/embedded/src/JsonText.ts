/**
 * JSON as the bytes of a value. What is within it is `JsonScan`'s.
 *
 * Whether bytes are JSON is found out in slices and without making a text of them, because every stored value is asked. Grammar: RFC 8259.
 */
import { Buffer, isUtf8 } from "node:buffer"
import { atOnce, type Sliced } from "./Slices.ts"

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

/** A text with a character for each byte. Of UTF-8, what has a meaning in JSON stays what it is, and offsets are those of the bytes. */
export const byteTextOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")

/** Writes such a text. */
export const writeByteText = (into: Uint8Array, at: number, text: string): void => {
  if (text.length > 32) Buffer.from(into.buffer, into.byteOffset, into.length).write(text, at, "latin1")
  else for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i)
}

/** The bytes of such a text. */
export const bytesOfByteText = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length)
  writeByteText(bytes, 0, text)
  return bytes
}

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const openObject = 0x7b
const closeObject = 0x7d
const openArray = 0x5b
const closeArray = 0x5d

/** Bytes that are looked at before others may have their turn. */
const stride = 262_144

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39

const isHexDigit = (byte: number | undefined): boolean =>
  isDigit(byte) || byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66

const skipSpace = (bytes: Uint8Array, at: number): number => {
  while (isSpace(bytes[at])) at++
  return at
}

/** Offset after the string that begins at `at`, or -1. */
const stringEnd = (bytes: Uint8Array, at: number): number => {
  for (let i = at + 1; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (byte === quote) return i + 1
    if (byte < 0x20) return -1
    if (byte !== backslash) continue
    const escaped = bytes[++i]
    if (escaped === 0x75) {
      for (let digit = 1; digit <= 4; digit++) if (!isHexDigit(bytes[i + digit])) return -1
      i += 4
    } else if (escaped === undefined || !"\"\\/bfnrt".includes(String.fromCharCode(escaped))) return -1
  }
  return -1
}

const digitsEnd = (bytes: Uint8Array, at: number): number => {
  while (isDigit(bytes[at])) at++
  return at
}

/** Offset after the number that begins at `at`, or -1. */
const numberEnd = (bytes: Uint8Array, at: number): number => {
  const first = bytes[at] === 0x2d ? at + 1 : at
  if (!isDigit(bytes[first])) return -1
  let end = bytes[first] === 0x30 ? first + 1 : digitsEnd(bytes, first + 1)
  if (bytes[end] === 0x2e) {
    if (!isDigit(bytes[end + 1])) return -1
    end = digitsEnd(bytes, end + 2)
  }
  if (bytes[end] !== 0x65 && bytes[end] !== 0x45) return end
  const sign = bytes[end + 1]
  const digits = sign === 0x2b || sign === 0x2d ? end + 2 : end + 1
  return isDigit(bytes[digits]) ? digitsEnd(bytes, digits + 1) : -1
}

const words = ["true", "false", "null"].map((word) => bytesOf(word))

const wordEnd = (bytes: Uint8Array, at: number): number => {
  const word = words.find((one) => one.every((byte, i) => bytes[at + i] === byte))
  return word === undefined ? -1 : at + word.length
}

const scalarEnd = (bytes: Uint8Array, at: number): number => {
  const byte = bytes[at]
  if (byte === quote) return stringEnd(bytes, at)
  return byte === 0x2d || isDigit(byte) ? numberEnd(bytes, at) : wordEnd(bytes, at)
}

/** Offset of the value after the name that begins at `at`, or -1. */
const valueAfterName = (bytes: Uint8Array, at: number): number => {
  const end = bytes[at] === quote ? stringEnd(bytes, at) : -1
  if (end < 0) return -1
  const separator = skipSpace(bytes, end)
  return bytes[separator] === colon ? skipSpace(bytes, separator + 1) : -1
}

const looksLikeJson = (byte: number | undefined): boolean =>
  byte === openObject || byte === openArray || byte === quote || byte === 0x2d || isDigit(byte) || byte === 0x74 || byte === 0x66
  || byte === 0x6e || isSpace(byte)

/** Whether bytes are one JSON value. */
export function* isJsonSteps(bytes: Uint8Array): Sliced<boolean> {
  // most values that are no JSON say so in their first byte
  if (!looksLikeJson(bytes[0]) || !isUtf8(bytes)) return false
  /** Closing brackets that are awaited. */
  const open: Array<number> = []
  let at = skipSpace(bytes, 0)
  let rest = stride
  for (;;) {
    if (at > rest) {
      yield
      rest = at + stride
    }
    const byte = bytes[at]
    let end: number
    if (byte === openObject || byte === openArray) {
      const close = byte === openObject ? closeObject : closeArray
      const first = skipSpace(bytes, at + 1)
      if (bytes[first] !== close) {
        open.push(close)
        at = byte === openObject ? valueAfterName(bytes, first) : first
        if (at < 0) return false
        continue
      }
      end = first + 1
    } else {
      end = scalarEnd(bytes, at)
      if (end < 0) return false
    }
    // after a value: close what ends here, or go on to the next one
    for (;;) {
      const next = skipSpace(bytes, end)
      const close = open.at(-1)
      if (close === undefined) return next === bytes.length
      const found = bytes[next]
      if (found === close) {
        open.pop()
        end = next + 1
      } else if (found === comma) {
        const follower = skipSpace(bytes, next + 1)
        at = close === closeObject ? valueAfterName(bytes, follower) : follower
        if (at < 0) return false
        break
      } else return false
    }
  }
}

/** `isJsonSteps`, all at once. */
export const isJson = (bytes: Uint8Array): boolean => atOnce(isJsonSteps(bytes))
