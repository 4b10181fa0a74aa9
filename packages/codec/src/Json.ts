/**
 * Packets as JSON, as `wirewright decode --json` prints and `wirewright encode` reads them.
 *
 * It turns packet objects into plain JSON values and back, losing nothing; it never reads or writes wire bytes.
 */
import { type Catalog, isOfKind, isRaw, layoutsOf, type TagMeaning } from "./Catalog.ts"
import { type DecodeError, hexNumber, unencodable } from "./Errors.ts"
import { hexOf } from "./Hex.ts"
import {
  bytesFromJson,
  flagsFromJson,
  isObject,
  isVisible,
  type JsonObject,
  rawToJson,
  unfit,
  valueFromJson,
  valueToJson,
  zeroOf
} from "./JsonValue.ts"
import type { CommandModel, FieldModel, HeaderFieldModel, KindModel, LayoutModel, SectionModel, TypeModel } from "./Model.ts"
import { flagNames, intWidth } from "./TypeText.ts"
import { isNullable } from "./words/Records.ts"
import { bySiblings } from "./words/States.ts"
import { flatFields as flattened } from "./words/Word.ts"

/** A packet of any protocol. */
export type AnyPacket = { readonly _tag: string; readonly [field: string]: unknown }

const taken = new Set(["packet", "kind", "layout", "fields", "key", "value", "length"])

/** Name of a header field at the top of the JSON object. */
export const headerKey = (name: string): string => taken.has(name) ? `header.${name}` : name

const bare = (type: TypeModel): TypeModel => type.kind === "optional" || type.kind === "when" ? bare(type.of) : type

/** Where a field of a section stands: in `fields`, or at the top as `key` or `value`. */
export const placeOf = ({ section, fields }: SectionModel, { name, type }: FieldModel): "key" | "value" | "fields" => {
  if (section !== "key" && section !== "value" || name !== section && fields.length > 1) return "fields"
  return section === "key" || name === "value" || ["bytes", "utf8", "json", "text", "array"].includes(bare(type).kind) ? section : "fields"
}

/** Header fields that packets carry, of all headers of a kind. */
export const headerFields = (kind: KindModel): ReadonlyArray<HeaderFieldModel> => {
  const found = new Map<string, HeaderFieldModel>()
  for (const { name, type } of flattened(kind.run?.fields ?? [])) {
    if (type.kind === "opcode") found.set(name, { name, offset: 0, role: "opcode", int: type.of.int })
    else if (isVisible({ name, type })) found.set(name, { name, offset: 0, role: "field", int: "u32", type })
  }
  for (const { fields } of kind.headers) {
    for (const field of fields) {
      const hidden = field.role === "sectionLength" || field.role === "bodyLength" || field.role === "field" && !isVisible(field)
      if (!hidden && !found.has(field.name)) found.set(field.name, field)
    }
  }
  return [...found.values()]
}

const named = (catalog: Catalog, packet: AnyPacket): TagMeaning => {
  const meaning = catalog.byTag(packet._tag)
  return meaning ?? unencodable("UnknownPacket", packet._tag, "", `a packet of ${catalog.name}`, packet._tag)
}

/** The layout a packet has; its name is in the packet when there are several. */
const layoutOf = (meaning: TagMeaning, name: unknown, packet: string): LayoutModel => {
  const layouts = layoutsOf(meaning)
  const found = layouts.length === 1 && layouts[0]!.name === undefined ? layouts[0] : layouts.find((layout) => layout.name === name)
  if (found !== undefined) return found
  return layouts.length === 0
    ? { sections: [] }
    : unfit(packet, "layout", `one of ${layouts.map((layout) => layout.name).join(", ")}`, name)
}

const headerToJson = (catalog: Catalog, kind: KindModel, packet: AnyPacket, out: JsonObject): void => {
  for (const field of headerFields(kind)) {
    const value = packet[field.name]
    const key = headerKey(field.name)
    if (value === undefined) continue
    if (field.role === "magic" || field.role === "opcode") out[key] = hexNumber(value as number, intWidth[field.int])
    else if (field.role === "statusCode") {
      out[key] = catalog.status(value as number)?.name ?? hexNumber(value as number, intWidth[field.int])
      out[`${key}Code`] = value
    } else if (field.role === "field" && field.type.kind === "flags") {
      const { names, unknown } = flagNames(catalog.typeOf("flags", field.type.ref), value as number)
      out[key] = unknown === 0 ? names : [...names, hexNumber(unknown)]
    } else if (field.role === "field") out[key] = valueToJson(catalog, field.type, value, "named")
  }
}

/** The command of a packet that is handed out raw though its opcode is known: its response is an error, or servers no longer execute it. */
const retiredOf = (catalog: Catalog, { error, kind }: TagMeaning, packet: AnyPacket): CommandModel | undefined => {
  const opcode = headerFields(kind).find(({ role }) => role === "opcode")?.name
  const command = opcode === undefined ? undefined : catalog.command(kind.name, packet[opcode] as number)
  return error || command?.lifecycle === "removed" ? command : undefined
}

/** A packet as JSON; `length` is its size in bytes on the wire. */
export const packetToJson = (catalog: Catalog, packet: AnyPacket, length: number): JsonObject => {
  const meaning = named(catalog, packet)
  const { kind } = meaning
  const command = meaning.command ?? retiredOf(catalog, meaning, packet)
  const out: JsonObject = { packet: command?.name ?? "Unknown", kind: kind.name }
  headerToJson(catalog, kind, packet, out)
  for (const { section, ref } of kind.shared) {
    if (packet[section] !== undefined) {
      out[headerKey(section)] = valueToJson(catalog, { kind: "nibbleFrames", ref }, packet[section], "named")
    }
  }
  const fields: JsonObject = {}
  const placed: JsonObject = {}
  if (isRaw(meaning)) {
    for (const section of rawSections(catalog, kind)) {
      const bytes = packet[section]
      if (!(bytes instanceof Uint8Array) || bytes.length === 0) continue
      if (section === "key" || section === "value") placed[section] = rawToJson(bytes)
      else fields[section] = { hex: hexOf(bytes) }
    }
  } else {
    const layout = layoutOf(meaning, packet["layout"], packet._tag)
    if (layout.name !== undefined) out["layout"] = layout.name
    for (const section of layout.sections) {
      for (const field of flattened(section.fields)) {
        const value = packet[field.name]
        if (!isVisible(field) || value === undefined) continue
        const place = placeOf(section, field)
        const json = valueToJson(catalog, bySiblings(field.type, packet), value, "named")
        if (place === "fields") fields[field.name] = json
        else placed[place] = json
      }
    }
  }
  return { ...out, fields, ...placed, length }
}

/** Sections that an unknown packet of this kind hands out as bytes: all that have no content of their own. */
export const rawSections = (catalog: Catalog, kind: KindModel): ReadonlyArray<string> =>
  catalog.frame.sections.filter((section) => !kind.shared.some((one) => one.section === section))

const numberFromJson = (json: unknown, packet: string, path: string): number => {
  if (typeof json === "number" && Number.isSafeInteger(json)) return json
  const digits = typeof json === "string" ? /^(-?)(0x[0-9a-f]{1,8})$/i.exec(json) : null
  if (digits === null) return unfit(packet, path, "a number like 0x80", json)
  return digits[1] === "-" ? -Number(digits[2]) : Number(digits[2])
}

const statusFromJson = (catalog: Catalog, code: unknown, name: unknown, packet: string, path: string): number => {
  if (code !== undefined) return numberFromJson(code, packet, `${path}Code`)
  const status = typeof name === "string" ? catalog.statusNamed(name) : undefined
  if (status !== undefined) return status.code
  return typeof name === "string" && !name.startsWith("0x") ? unfit(packet, path, "a status", name) : numberFromJson(name, packet, path)
}

/** The packet that JSON describes. Header fields that are missing are zero; throws `EncodeError`. */
export const packetFromJson = (catalog: Catalog, json: unknown): AnyPacket => {
  if (!isObject(json)) return unfit("", "", "an object", json)
  const name = json["packet"]
  if (typeof name !== "string") return unfit("", "packet", "the name of a packet", name)
  const command = catalog.commandNamed(name)
  if (command === undefined && name !== "Unknown") {
    unencodable("UnknownPacket", name, "packet", `a packet of ${catalog.name}`, JSON.stringify(name))
  }
  const kindName = json["kind"] ?? command?.kinds.request
  const kind = typeof kindName === "string" ? catalog.kind(kindName) : undefined
  if (kind === undefined || command !== undefined && !isOfKind(command, kind.name) && kind.name !== command.kinds.response) {
    return unfit(name, "kind", "a kind of packet that it has", kindName)
  }
  const header: JsonObject = {}
  let status: number | undefined
  for (const field of headerFields(kind)) {
    const key = headerKey(field.name)
    const given = json[key]
    if (field.role === "magic") header[field.name] = given === undefined ? kind.headers[0]?.magic : numberFromJson(given, name, key)
    else if (field.role === "field" && given === undefined && (field.type.kind === "optional" || field.type.kind === "when")) continue
    else if (field.role === "opcode") {
      const described = command === undefined || command.isOpcodeless === true ? undefined : command
      const opcode = given === undefined && described !== undefined ? described.opcode : numberFromJson(given, name, key)
      if (command !== undefined && command === described && opcode !== command.opcode) unfit(name, key, hexNumber(command.opcode), given)
      header[field.name] = opcode
    } else if (field.role === "statusCode") header[field.name] = status = statusFromJson(catalog, json[`${key}Code`], given, name, key)
    else if (field.role === "field" && field.type.kind === "flags") {
      header[field.name] = flagsFromJson(catalog, field.type.ref, given ?? 0, name, key)
    } else if (field.role === "field") header[field.name] = valueFromJson(catalog, field.type, given ?? zeroOf(field.type), name, key)
  }
  for (const { section, ref } of kind.shared) {
    const key = headerKey(section)
    header[section] = valueFromJson(catalog, { kind: "nibbleFrames", ref }, json[key] ?? [], name, key)
  }
  const meaning = catalog.meaning(kind, command, status)
  return { _tag: catalog.packetTag(meaning), ...header, ...bodyFromJson(catalog, meaning, json, name, header) }
}

const bodyFromJson = (catalog: Catalog, meaning: TagMeaning, json: JsonObject, name: string, header: JsonObject): JsonObject => {
  const fields = json["fields"] ?? {}
  if (!isObject(fields)) return unfit(name, "fields", "an object", fields)
  const out: JsonObject = {}
  if (isRaw(meaning)) {
    for (const section of rawSections(catalog, meaning.kind)) {
      const top = section === "key" || section === "value"
      out[section] = bytesFromJson((top ? json : fields)[section] ?? { hex: "" }, name, top ? section : `fields.${section}`)
    }
    return out
  }
  const layout = layoutOf(meaning, json["layout"], name)
  if (layout.name !== undefined) out["layout"] = layout.name
  const all = layout.sections.flatMap((section) => section.fields)
  for (const section of layout.sections) {
    for (const field of flattened(section.fields)) {
      if (!isVisible(field)) continue
      const place = placeOf(section, field)
      const path = place === "fields" ? `fields.${field.name}` : place
      const value = place === "fields" ? fields[field.name] : json[place]
      // a length may say that there is none
      out[field.name] = value === null && isNullable(all, field.name)
        ? null
        : valueFromJson(catalog, bySiblings(field.type, { ...header, ...out }), value, name, path)
    }
  }
  return out
}

/** All fields of a packet side by side: numbers plain, 64-bit ones as decimal strings, bytes as `{ hex }`; and `layout`. */
export const flatFields = (catalog: Catalog, packet: AnyPacket): JsonObject => {
  const meaning = named(catalog, packet)
  const out: JsonObject = {}
  const put = (name: string, type: TypeModel): void => {
    if (packet[name] !== undefined) out[name] = valueToJson(catalog, bySiblings(type, packet), packet[name], "plain")
  }
  for (const field of headerFields(meaning.kind)) put(field.name, field.role === "field" ? field.type : { kind: "int", int: field.int })
  for (const { section, ref } of meaning.kind.shared) put(section, { kind: "nibbleFrames", ref })
  if (isRaw(meaning)) {
    for (const section of rawSections(catalog, meaning.kind)) put(section, { kind: "bytes" })
    return out
  }
  const layout = layoutOf(meaning, packet["layout"], packet._tag)
  if (layout.name !== undefined) out["layout"] = layout.name
  for (const section of layout.sections) for (const field of flattened(section.fields)) if (isVisible(field)) put(field.name, field.type)
  return out
}

/** A decoding error as JSON, with the bytes it is about. */
export const errorToJson = (error: DecodeError, bytes: Uint8Array): JsonObject => {
  const { packet, path, offset, expected, got, incomplete } = error
  return { error: { packet, path, offset, expected, got, incomplete, hex: hexOf(bytes) } }
}
