/** How types and values are put in words for people. It never reads bytes of packets. */
import type { Catalog } from "./Catalog.ts"
import { hexNumber } from "./Errors.ts"
import type { FlagsModel, IntName, TypeModel } from "./Model.ts"
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

/** Like `u64 Seqno`, `flags DcpStreamFlags`, `u16 length of key`. */
export const typeSummary = (catalog: Catalog, type: TypeModel): string => {
  const branded = (name: string, brand: string | undefined): string => brand === undefined ? name : `${name} ${brand}`
  switch (type.kind) {
    case "int":
      return branded(type.int, type.brand)
    case "uleb128":
      return branded("uleb128", type.brand)
    case "bytes":
    case "utf8":
    case "json":
      return type.size === undefined ? type.kind : `${type.kind}[${type.size}]`
    case "cstring":
      return "cstring"
    case "constant":
      return `${type.int} constant`
    case "reserved":
      return `${type.int ?? `bytes[${type.size}]`} reserved`
    case "lengthOf":
      return `${type.int} length of ${type.target}`
    case "countOf":
      return `${type.int} count of ${type.target}`
    case "optional":
    case "when":
      return typeSummary(catalog, type.of)
    case "array":
      return `array of ${typeSummary(catalog, type.of)}`
    case "flags":
      return `${catalog.typeOf("flags", type.ref).int} ${type.ref}`
    case "enumeration":
      return `${catalog.typeOf("enumeration", type.ref).int} ${type.ref}`
    default:
      return type.ref
  }
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
