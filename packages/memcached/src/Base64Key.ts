/**
 * Keys in base64, as the meta flag `b` has them. Reading is as tolerant as memcached 1.6.18, which passes over what is no base64 and wants
 * whole groups of four. Pure and without Node. Source: memcached 1.6.18 `base64.c`, vectors `base64-*`.
 */
import { decodeText, encodeText, textBound } from "@wirewright/codec"
import { byteOf } from "./Ascii.ts"

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
const codes = Uint8Array.from(letters, byteOf)
const padding = byteOf("=")
/** What a byte that is no letter counts as. */
const none = 255
/** Six bits by letter; padding counts as a letter of 0. */
const values = new Uint8Array(256).fill(none)
for (let i = 0; i < codes.length; i++) values[codes[i]!] = i
values[padding] = 0

/** Lossless text of the key that `bytes[start, end)` stand for; nothing when they are no base64. */
export const decodeKey = (bytes: Uint8Array, start: number, end: number): string | undefined => {
  const out = new Uint8Array(end - start)
  let size = 0
  let group = 0
  let count = 0
  let padded = 0
  let letters = 0
  for (let i = start; i < end; i++) if (values[bytes[i]!] !== none) letters++
  if (letters === 0 || letters % 4 !== 0) return undefined
  for (let i = start; i < end && padded === 0 || count > 0; i++) {
    const value = values[bytes[i]!]!
    if (value === none) continue
    if (bytes[i] === padding) padded++
    group = group << 6 | value
    if (++count < 4) continue
    out[size++] = group >> 16 & 0xff
    out[size++] = group >> 8 & 0xff
    out[size++] = group & 0xff
    group = count = 0
  }
  if (padded > 2) return undefined
  return size === padded ? undefined : decodeText(out, 0, size - padded)
}

/** Appends a key in base64 at `at`, where there is room for four thirds of its bytes and 4; returns the offset after it. */
export const encodeKey = (bytes: Uint8Array, at: number, key: string): number => {
  const raw = new Uint8Array(textBound(key) + 3)
  const length = encodeText(raw, 0, key)
  raw.fill(0, length)
  let position = at
  for (let i = 0; i < length;) {
    const group = raw[i++]! << 16 | raw[i++]! << 8 | raw[i++]!
    for (let shift = 18; shift >= 0; shift -= 6) bytes[position++] = codes[group >> shift & 63]!
  }
  // the last group says in padding what it lacks
  const lacking = (3 - length % 3) % 3
  bytes.fill(padding, position - lacking, position)
  return position
}

/** A key in base64. */
export const base64 = (key: string): string => {
  const bytes = new Uint8Array(4 * key.length + 4)
  return decodeText(bytes, 0, encodeKey(bytes, 0, key))
}
