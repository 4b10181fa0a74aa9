/**
 * Values of wire types in JSON and back: 64-bit numbers as decimal strings, flags and enumerations with their names, bytes as
 * `{ "hex": … }`, text that stands for bytes which are invalid UTF-8 likewise.
 *
 * What a type is in JSON, its word knows (`words`); this is what packets and tools ask for. Ranges are left to the encoder.
 */
import type { Catalog } from "./Catalog.ts"
import type { FieldModel, TypeModel } from "./Model.ts"
import { decodeText } from "./Text.ts"
import { isBigNumber } from "./words/Numbers.ts"
import { isVisibleType } from "./words/Sizes.ts"
import { textToJson } from "./words/Texts.ts"
import type { Notation } from "./words/Word.ts"

export { isObject, type JsonObject, unfit } from "./JsonUnfit.ts"
export { flagsFromJson } from "./words/Numbers.ts"
export { bytesFromJson, textToJson } from "./words/Texts.ts"
export type { Notation } from "./words/Word.ts"

/** Whether packets carry a value for this field. */
export const isVisible = ({ type }: FieldModel): boolean => isVisibleType(type)

/** A field's value in JSON. */
export const valueToJson = (catalog: Catalog, type: TypeModel, value: unknown, notation: Notation): unknown =>
  value === null ? null : catalog.toJson(type, value, notation)

/** A field's value of JSON. Throws `EncodeError`. */
export const valueFromJson = (catalog: Catalog, type: TypeModel, json: unknown, packet: string, path: string): unknown =>
  catalog.fromJson(type, json, packet, path)

/** Raw bytes in JSON: text when it is UTF-8, else `{ hex }`. */
export const rawToJson = (bytes: Uint8Array): unknown => textToJson(decodeText(bytes, 0, bytes.length))

/** What an absent field of a header stands for. */
export const zeroOf = (type: TypeModel): unknown => {
  switch (type.kind) {
    case "int":
    case "varint":
    case "escaped":
    case "decimal":
      return isBigNumber(type) ? "0" : 0
    case "reserved":
      return type.int === undefined ? { hex: "00".repeat(type.size ?? 0) } : isBigNumber({ kind: "int", int: type.int }) ? "0" : 0
    case "bool":
      return false
    case "utf8":
    case "text":
    case "json":
      return ""
    default:
      return 0
  }
}
