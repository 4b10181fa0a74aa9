/**
 * Values of wire types in JSON and back: 64-bit numbers as decimal strings, flags and enumerations with their names, bytes as
 * `{ "hex": … }`, text that stands for bytes which are no UTF-8 likewise.
 *
 * It knows fields, not packets (`Json` does). Ranges are left to the encoder.
 */
import type { Catalog } from "./Catalog.ts"
import { unencodable } from "./Errors.ts"
import { bytesOfDigits, hexOf } from "./Hex.ts"
import { jsonOf } from "./JsonPrint.ts"
import type { FieldModel, IntName, TypeModel } from "./Model.ts"
import { decodeText, encodeText, hasEscapes, textBound } from "./Text.ts"
import { flagNames } from "./TypeText.ts"

/** An object whose properties are looked at by name. */
export type JsonObject = Record<string, unknown>

/** Whether flags and enumerations carry their names, or are plain numbers. */
export type Notation = "named" | "plain"

/** A plain object, neither null nor an array nor bytes. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

const describe = (value: unknown): string => value === undefined ? "nothing" : (jsonOf(value, 60) ?? String(value)).slice(0, 60)

/** Throws: the JSON does not fit. */
export const unfit = (packet: string, path: string, expected: string, got: unknown): never =>
  unencodable(got === undefined ? "Missing" : "UnknownValue", packet, path, expected, describe(got))

/** Whether packets carry a value for this field. */
export const isVisible = ({ type }: FieldModel): boolean =>
  type.kind !== "lengthOf" && type.kind !== "countOf" && type.kind !== "constant" && (type.kind !== "reserved" || type.policy === "keep")

const isBig = (int: IntName | undefined): boolean => int === "u64" || int === "i64"

/** Text, or `{ hex }` when it stands for bytes that are no UTF-8. */
export const textToJson = (text: string): unknown => {
  if (!hasEscapes(text)) return text
  const bytes = new Uint8Array(textBound(text))
  return { hex: hexOf(bytes.subarray(0, encodeText(bytes, 0, text))) }
}

/** Fields of a record, those that are absent left out. */
const fieldsToJson = (catalog: Catalog, fields: ReadonlyArray<FieldModel>, value: JsonObject, notation: Notation): JsonObject => {
  const out: JsonObject = {}
  for (const field of fields) {
    if (isVisible(field) && value[field.name] !== undefined) out[field.name] = valueToJson(catalog, field.type, value[field.name], notation)
  }
  return out
}

const caseToJson = (
  catalog: Catalog,
  cases: ReadonlyArray<{ readonly name: string; readonly fields: ReadonlyArray<FieldModel> }>,
  label: string,
  value: JsonObject,
  notation: Notation
): JsonObject => {
  const found = cases.find(({ name }) => name === value["_tag"])
  if (found !== undefined) return { [label]: found.name, ...fieldsToJson(catalog, found.fields, value, notation) }
  const { tag, bytes } = value
  return { [label]: "Unknown", tag: typeof tag === "bigint" ? String(tag) : tag, bytes: { hex: hexOf(bytes as Uint8Array) } }
}

/** A field's value in JSON. */
export const valueToJson = (catalog: Catalog, type: TypeModel, value: unknown, notation: Notation): unknown => {
  switch (type.kind) {
    case "utf8":
    case "json":
    case "cstring":
      return textToJson(value as string)
    case "optional":
    case "when":
      return valueToJson(catalog, type.of, value, notation)
    case "array":
      return (value as ReadonlyArray<unknown>).map((element) => valueToJson(catalog, type.of, element, notation))
    case "struct":
      return fieldsToJson(catalog, catalog.typeOf("struct", type.ref).fields, value as JsonObject, notation)
    case "choice":
      return caseToJson(catalog, catalog.typeOf("choice", type.ref).cases, "case", value as JsonObject, notation)
    case "nibbleFrames": {
      const { cases } = catalog.typeOf("nibbleFrames", type.ref)
      return (value as ReadonlyArray<JsonObject>).map((frame) => caseToJson(catalog, cases, "frame", frame, notation))
    }
    case "flags":
      if (notation === "plain") return value
      return { names: flagNames(catalog.typeOf("flags", type.ref), value as number).names, number: value }
    case "enumeration": {
      if (notation === "plain") return typeof value === "bigint" ? String(value) : value
      const { values, int } = catalog.typeOf("enumeration", type.ref)
      return { name: values.find((one) => one.value === Number(value))?.name ?? null, number: isBig(int) ? String(value) : value }
    }
    default:
      if (value instanceof Uint8Array) return { hex: hexOf(value) }
      return typeof value === "bigint" ? String(value) : value
  }
}

/** Bytes of `{ hex }`, or of text. */
export const bytesFromJson = (json: unknown, packet: string, path: string): Uint8Array => {
  if (typeof json === "string") {
    const bytes = new Uint8Array(textBound(json))
    return bytes.slice(0, encodeText(bytes, 0, json))
  }
  const hex = isObject(json) ? json["hex"] : undefined
  if (typeof hex !== "string" || hex.length % 2 !== 0 || /[^0-9a-f]/i.test(hex)) {
    return unfit(packet, path, "bytes as { \"hex\": \"…\" }", json)
  }
  return bytesOfDigits(hex)
}

const textFromJson = (json: unknown, packet: string, path: string): string => {
  if (typeof json === "string") return json
  const bytes = isObject(json) ? bytesFromJson(json, packet, path) : unfit(packet, path, "text or { \"hex\": \"…\" }", json)
  return decodeText(bytes, 0, bytes.length)
}

const integerFromJson = (int: IntName | "uleb128" | undefined, json: unknown, packet: string, path: string): number | bigint => {
  if (isBig(int as IntName)) {
    if (typeof json === "string" && /^-?\d{1,20}$/.test(json)) return BigInt(json)
    if (typeof json === "number" && Number.isSafeInteger(json)) return BigInt(json)
    return unfit(packet, path, "a 64-bit integer as a decimal string", json)
  }
  return typeof json === "number" && Number.isSafeInteger(json) ? json : unfit(packet, path, "an integer", json)
}

const sumOfFlags = (catalog: Catalog, ref: string, names: ReadonlyArray<unknown>, packet: string, path: string): number => {
  const { bits } = catalog.typeOf("flags", ref)
  let sum = 0
  for (const name of new Set(names)) {
    const bit = bits.find((one) => one.name === name)
    if (bit !== undefined) sum += 2 ** bit.bit
    else if (typeof name === "string" && /^0x[0-9a-f]{1,8}$/i.test(name)) sum += Number(name)
    else return unfit(packet, path, `flags of ${ref}`, name)
  }
  return sum
}

/** The number of flags spelled `{ names, number }`, as a list of names, or as a number. */
export const flagsFromJson = (catalog: Catalog, ref: string, json: unknown, packet: string, path: string): number => {
  if (typeof json === "number") return Number(integerFromJson("u32", json, packet, path))
  if (Array.isArray(json)) return sumOfFlags(catalog, ref, json, packet, path)
  if (!isObject(json)) return unfit(packet, path, `flags of ${ref}`, json)
  const { number, names } = json
  if (number !== undefined) return Number(integerFromJson("u32", number, packet, `${path}.number`))
  return Array.isArray(names)
    ? sumOfFlags(catalog, ref, names, packet, `${path}.names`)
    : unfit(packet, `${path}.names`, `flags of ${ref}`, names)
}

const enumerationFromJson = (catalog: Catalog, ref: string, json: unknown, packet: string, path: string): number | bigint => {
  const { values, int } = catalog.typeOf("enumeration", ref)
  const number = isObject(json) ? json["number"] : json
  if (typeof number === "number" || typeof number === "string" && isBig(int) && /^-?\d+$/.test(number)) {
    return integerFromJson(int, number, packet, path)
  }
  const name = isObject(json) ? json["name"] : json
  const found = values.find((one) => one.name === name)
  if (found === undefined) return unfit(packet, path, `a value of ${ref}`, json)
  return isBig(int) ? BigInt(found.value) : found.value
}

/** Fields of a record; all properties exist afterwards, those of absent fields with `undefined`. */
const fieldsFromJson = (
  catalog: Catalog,
  fields: ReadonlyArray<FieldModel>,
  json: JsonObject,
  packet: string,
  path: string
): JsonObject => {
  const out: JsonObject = {}
  for (const field of fields) {
    if (isVisible(field)) {
      out[field.name] = valueFromJson(catalog, field.type, json[field.name], packet, path === "" ? field.name : `${path}.${field.name}`)
    }
  }
  return out
}

const caseFromJson = (
  catalog: Catalog,
  cases: ReadonlyArray<{ readonly name: string; readonly fields: ReadonlyArray<FieldModel> }>,
  label: string,
  int: IntName,
  json: unknown,
  packet: string,
  path: string
): JsonObject => {
  if (!isObject(json)) return unfit(packet, path, "an object", json)
  const name = json[label]
  const found = cases.find((one) => one.name === name)
  if (found !== undefined) return { _tag: found.name, ...fieldsFromJson(catalog, found.fields, json, packet, path) }
  if (name !== "Unknown") return unfit(packet, `${path}.${label}`, [...cases.map((one) => one.name), "Unknown"].join(", "), name)
  const tag = integerFromJson(int, json["tag"], packet, `${path}.tag`)
  return { _tag: "Unknown", tag, bytes: bytesFromJson(json["bytes"], packet, `${path}.bytes`) }
}

/** A field's value of JSON. */
export const valueFromJson = (catalog: Catalog, type: TypeModel, json: unknown, packet: string, path: string): unknown => {
  switch (type.kind) {
    case "utf8":
    case "json":
    case "cstring":
      return textFromJson(json, packet, path)
    case "optional":
    case "when":
      return json === undefined || json === null ? undefined : valueFromJson(catalog, type.of, json, packet, path)
    case "array":
      if (!Array.isArray(json)) return unfit(packet, path, "an array", json)
      return json.map((element, i) => valueFromJson(catalog, type.of, element, packet, `${path}[${i}]`))
    case "struct":
      if (!isObject(json)) return unfit(packet, path, "an object", json)
      return fieldsFromJson(catalog, catalog.typeOf("struct", type.ref).fields, json, packet, path)
    case "choice": {
      const { cases, tag } = catalog.typeOf("choice", type.ref)
      return caseFromJson(catalog, cases, "case", tag, json, packet, path)
    }
    case "nibbleFrames": {
      const { cases } = catalog.typeOf("nibbleFrames", type.ref)
      if (!Array.isArray(json)) return unfit(packet, path, "an array", json)
      return json.map((frame, i) => caseFromJson(catalog, cases, "frame", "u16", frame, packet, `${path}[${i}]`))
    }
    case "flags":
      return flagsFromJson(catalog, type.ref, json, packet, path)
    case "enumeration":
      return enumerationFromJson(catalog, type.ref, json, packet, path)
    case "bytes":
      return bytesFromJson(json, packet, path)
    case "reserved":
      return type.int === undefined ? bytesFromJson(json, packet, path) : integerFromJson(type.int, json, packet, path)
    default:
      return integerFromJson("int" in type ? type.int : "uleb128", json, packet, path)
  }
}

/** Raw bytes in JSON: text when it is UTF-8, else `{ hex }`. */
export const rawToJson = (bytes: Uint8Array): unknown => textToJson(decodeText(bytes, 0, bytes.length))

/** What an absent field of a header stands for. */
export const zeroOf = (type: TypeModel): unknown => {
  if (type.kind === "int" || type.kind === "reserved") {
    return isBig(type.int) ? "0" : type.int === undefined && type.kind === "reserved" ? { hex: "00".repeat(type.size ?? 0) } : 0
  }
  return 0
}
