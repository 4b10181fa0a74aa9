/** How types and values are put in words for people. It never reads bytes of packets. */
import { hexNumber } from "./Errors.ts"
import type { FlagsModel, IntName } from "./Model.ts"
import { hasEscapes } from "./Text.ts"
import { escaped } from "./Visible.ts"

/** Width of the integers in bytes. */
export const intWidth: { readonly [I in IntName]: 1 | 2 | 3 | 4 | 8 } = {
  u8: 1,
  u16: 2,
  u24: 3,
  u32: 4,
  u64: 8,
  i8: 1,
  i16: 2,
  i32: 4,
  i64: 8
}

/** Names of the bits that are set, lowest first, and the number that the nameless ones make. */
export const flagNames = (flags: FlagsModel, value: number): { readonly names: ReadonlyArray<string>; readonly unknown: number } => {
  const names: Array<string> = []
  let unknown = value
  for (const { name, bit } of flags.bits.toSorted((a, b) => a.bit - b.bit)) {
    if ((value >>> bit & 1) === 0) continue
    names.push(name)
    unknown -= 2 ** bit
  }
  return { names, unknown }
}

const shownCharacters = 80

/** Text in quotes, shortened; see `escaped`. */
export const quoted = (text: string): string => {
  const inner = escaped(text.length > shownCharacters ? text.slice(0, shownCharacters) : text).replaceAll("\"", "\\\"")
  return text.length > shownCharacters ? `"${inner}"…` : `"${inner}"`
}

/** `{memory, disk, 0x80}`; a datatype as `json, snappy` or `raw`. */
export const flagsText = (flags: FlagsModel, value: number): string => {
  const { names, unknown } = flagNames(flags, value)
  const all = unknown === 0 ? names : [...names, hexNumber(unknown)]
  if (flags.name === "Datatype") return all.length === 0 ? "raw" : all.join(", ")
  return `{${all.join(", ")}}`
}

/** `5 bytes "World"`, the quotation only when it is plain text. */
export const bytesText = (bytes: Uint8Array, text: string): string => {
  const count = bytes.length === 1 ? "1 byte" : `${bytes.length} bytes`
  // oxlint-disable-next-line no-control-regex
  return bytes.length === 0 || hasEscapes(text) || /[\u0000-\u0008\u000e-\u001f\u007f]/.test(text) ? count : `${count} ${quoted(text)}`
}

/** `my-spec` or `dcpOpen` to `MySpec`, `DcpOpen`: how generated code spells the names of types and functions. */
export const pascal = (name: string): string =>
  name.split(/[^A-Za-z0-9]+/).map((part) => part.slice(0, 1).toUpperCase() + part.slice(1)).join("")
