/** Bytes and text by chance, of a given size and without what would end them early. */
import type { Below } from "@wirewright/codec/Random"
import type { Bytes } from "./Assemble.ts"

/** Encodings of text; `json` is UTF-8. */
export type TextEncoding = "utf8" | "json" | "ascii" | "latin1" | "utf16be" | "utf16le"

const encoder = new TextEncoder()

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."

/** Characters of two, three and four bytes. */
const wide = ["é", "ß", "€", "漢", "😀"].map((character) => [...encoder.encode(character)])

/** Bytes of any value. */
export const someBytes = (below: Below, size: number, without: ReadonlySet<number>): Bytes =>
  Array.from({ length: size }, () => {
    let byte = below(256)
    while (without.has(byte)) byte = byte + 1 & 0xff
    return byte
  })

const letter = (below: Below, without: ReadonlySet<number>): number => {
  for (let attempts = 0; attempts < 8; attempts++) {
    const code = letters.charCodeAt(below(letters.length))
    if (!without.has(code)) return code
  }
  return [...letters].map((one) => one.charCodeAt(0)).find((code) => !without.has(code)) ?? 0x61
}

/** Text of so many bytes; `plain`: ASCII alone. */
export const someText = (below: Below, encoding: TextEncoding, size: number, without: ReadonlySet<number>, plain: boolean): Bytes => {
  const out: Array<number> = []
  if (encoding === "utf16be" || encoding === "utf16le") {
    while (out.length + 2 <= size) {
      const unit = plain || below(6) > 0 ? letter(below, without) : 0x101
      out.push(...(encoding === "utf16be" ? [unit >> 8, unit & 0xff] : [unit & 0xff, unit >> 8]))
    }
    return out
  }
  while (out.length < size) {
    const room = size - out.length
    if (encoding === "latin1" && !plain && below(8) === 0 && !without.has(0xe9)) out.push(0xe9)
    else {
      const other = encoding === "utf8" && !plain && below(8) === 0 ? wide[below(wide.length)]! : undefined
      if (other !== undefined && other.length <= room && !other.some((byte) => without.has(byte))) out.push(...other)
      else out.push(letter(below, without))
    }
  }
  return out
}

/** JSON of about so many bytes; an object or a list, as these begin like nothing else. */
export const someJson = (below: Below, option: number, without: ReadonlySet<number>): Bytes => {
  const texts = ["{}", "[]", "{\"a\":1}", "[1,\"b\",null]", `{"text":"${"x".repeat(1 + below(6))}","list":[true,{"n":-1.5e3}]}`]
  const fitting = texts.map((text) => [...encoder.encode(text)]).filter((bytes) => !bytes.some((byte) => without.has(byte)))
  return fitting[option % Math.max(1, fitting.length)] ?? []
}

/** How many texts `someJson` has. */
export const jsonOptions = 5

const label = (below: Below, size: number): string => {
  let out = ""
  for (let i = 0; i < size; i++) out += "abcdefghijklmnopqrstuvwxyz0123456789"[below(36)]!
  return out
}

/** Domain names, the shortest first: the root, some, and the longest. */
export const domainNames = (below: Below): ReadonlyArray<Bytes> =>
  [
    [],
    [label(below, 1)],
    ["www", "example", "com"],
    [label(below, 63), "org"],
    [label(below, 63), label(below, 63), label(below, 63), label(below, 61)]
  ].map((labels) => [...labels.flatMap((one) => [one.length, ...encoder.encode(one)]), 0])
