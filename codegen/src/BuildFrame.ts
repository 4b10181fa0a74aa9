/** Frames of the DSL to the model: headers that are read in place, and those that are read field by field. */
import type {
  FieldModel,
  FrameModel,
  HeaderFieldModel,
  HeaderModel,
  IntModel,
  IntName,
  NumberModel,
  PhaseModel,
  RunModel,
  TypeModel
} from "@wirewright/codec/Model"
import type { Fields, Frame, Header, HeaderField, Int, Kind, Terminator, Type } from "@wirewright/dsl"
import { intSize } from "./Names.ts"

/** The comment of a property, by its path below what is being built. */
export type DocOf = (...path: ReadonlyArray<string>) => string | undefined

/** What building a frame asks of what builds types. */
export interface Parts {
  readonly doc: (of: object, path: ReadonlyArray<string>) => string | undefined
  readonly type: (type: Type) => TypeModel
  /** A type with named parts; `magic` is what bits that are the magic hold. */
  readonly bits: (type: Type, magic: number | undefined, docOf: DocOf) => TypeModel
  readonly fields: (fields: Fields) => ReadonlyArray<FieldModel>
  /** Fields with what they say about each other resolved. */
  readonly resolved: (fields: ReadonlyArray<FieldModel>) => ReadonlyArray<FieldModel>
}

/** Without what is undefined. */
export const defined = <A extends object>(value: A): A =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as A

/** Bytes of a terminator in hexadecimal digits. */
export const terminatorHex = (text: Terminator): string =>
  (typeof text === "number" ? [text] : [...text].map((character) => character.codePointAt(0)!)).map((byte) =>
    byte.toString(16).padStart(2, "0")
  ).join("")

export const buildFrame = (frame: Frame, parts: Parts): FrameModel => {
  const isRun = Object.values(frame.kinds).some((kind) => needsRun(frame, kind))
  const phases = Object.entries(frame.phases ?? {}).map(([name, { client, server }]) => defined({ name, client, server }) as PhaseModel)
  return {
    ...(phases.length === 0 ? {} : { phases }),
    name: frame.name,
    sections: [...frame.sections],
    ...(frame.over === "text" ? { over: frame.over } : {}),
    maxFrame: frame.maxFrame,
    ...(frame.minFrame === undefined ? {} : { minFrame: frame.minFrame }),
    ...(frame.correlation === undefined ? {} : { correlation: frame.correlation }),
    ...(frame.refusals === undefined ? {} : { refusals: frame.refusals }),
    kinds: Object.entries(frame.kinds).map(([name, kind]) =>
      defined({
        name,
        answers: kind.answers,
        sender: kind.sender,
        run: isRun ? run(kind, (field) => parts.doc(frame, ["kinds", name, "headers", "0", "fields", field]), parts) : undefined,
        headers: isRun
          ? []
          : kind.headers.map((one, index) =>
            header(one, (field) => parts.doc(frame, ["kinds", name, "headers", String(index), "fields", field]), parts)
          ),
        shared: Object.entries(kind.shared ?? {}).map(([section, type]) => ({
          section,
          ref: (parts.type(type) as { readonly ref: string }).ref
        }))
      }) as FrameModel["kinds"][number]
    )
  }
}

/** A header that is read field by field. */
const run = (kind: Kind, docOf: DocOf, parts: Parts): RunModel => {
  const first = kind.headers[0] ?? { fields: {} }
  const raw = Object.entries(first.fields).map(([name, field]): FieldModel =>
    defined({ name, doc: docOf(name), type: runType(field, first.magic, docOf, parts) }) as FieldModel
  )
  const fields = parts.resolved(raw)
  const trailer = parts.fields(kind.trailer ?? {})
  const hasLength = Object.values(first.fields).some((field) =>
    field.kind === "bodyLength" || field.kind === "bits" && Object.values(field.fields).some((one) => one.kind === "bodyLength")
  )
  const end = hasLength ? "length" : kind.until !== undefined ? "until" : kind.datagram === true ? "datagram" : "self"
  return defined({
    fields,
    trailer,
    end,
    until: kind.until === undefined ? undefined : terminatorHex(kind.until),
    opcodeFrom: kind.opcodeFrom
  }) as RunModel
}

const runType = (field: HeaderField, magic: number | undefined, docOf: DocOf, parts: Parts): TypeModel => {
  switch (field.kind) {
    case "magic":
      return parts.type({ kind: "constant", of: field.of as Int, value: magic ?? 0 })
    case "opcode":
      return { kind: "opcode", of: parts.type(field.of as Int) as IntModel }
    case "bodyLength":
      return { kind: "bodyLength", of: parts.type(field.of) as NumberModel, from: field.from, plus: field.plus }
    case "statusCode":
    case "sectionLength":
      return parts.type(field.of)
    case "bits":
      return parts.bits(field, magic, docOf)
    default:
      return parts.bits(field as Type, undefined, docOf)
  }
}

const header = ({ fields: written, magic }: Header, docOf: DocOf, parts: Parts): HeaderModel => {
  let offset = 0
  const fields = Object.entries(written).map(([name, field]): HeaderFieldModel => {
    const int = headerInt(field)
    const at = offset
    offset += intSize(int)
    const role = field.kind === "magic" || field.kind === "opcode" || field.kind === "statusCode"
      ? { role: field.kind, int }
      : field.kind === "sectionLength"
      ? { role: "sectionLength" as const, int, section: field.section }
      : field.kind === "bodyLength"
      ? { role: "bodyLength" as const, int, includesHeader: field.from === "frame" }
      : { role: "field" as const, int, type: parts.type(field as Type) }
    return defined({ name, doc: docOf(name), offset: at, ...role }) as HeaderFieldModel
  })
  return defined({ magic, size: offset, fields }) as HeaderModel
}

/** Whether the header of a kind has no place for an opcode, or this command takes all that others leave. */
export const hasNoOpcode = (frame: Frame, kind: string): boolean =>
  needsRun(frame, frame.kinds[kind]!) || Object.values(frame.kinds).some((one) => needsRun(frame, one))

const fixedLengths = new Set<string>(["u8", "u16", "u24", "u32"])

/** Whether a header cannot be read in place: its size varies, its bits are fields, or it is not the header that says where packets end. */
const needsRun = (frame: Frame, kind: Kind): boolean =>
  kind.trailer !== undefined || kind.opcodeFrom !== undefined || kind.until !== undefined || kind.datagram === true ||
  frame.byteOrder === "little" ||
  frame.phases !== undefined || kind.headers.length === 0 || headersDiffer(frame) ||
  kind.headers.some(({ fields, magic }) => {
    const all = Object.values(fields)
    const length = all.find((field) => field.kind === "bodyLength")
    const inPlace = length?.kind === "bodyLength" && length.of.kind === "int" && fixedLengths.has(length.of.int) &&
      length.of.order !== "little" &&
      (length.from === "body" || length.from === "frame") && length.plus === 0
    return !inPlace || magic === undefined && all.some((field) => field.kind === "magic") || !all.every(isInPlace) ||
      all.some((field) => (field as { readonly order?: string }).order === "little")
  })

/** Whether a header field is an integer that is handed out as it stands. */
const isInPlace = (field: HeaderField): boolean => {
  switch (field.kind) {
    case "magic":
    case "int":
      return true
    case "opcode":
    case "statusCode":
    case "sectionLength":
    case "bodyLength":
      return field.of.kind === "int"
    case "flags":
    case "enumeration":
      return field.unknown !== "error"
    case "reserved":
      return field.of.kind === "int" && field.policy !== "error"
    default:
      return false
  }
}

/** Whether kinds that no magic tells apart have their opcode or length in different places, or headers of different sizes. */
const headersDiffer = ({ kinds }: Frame): boolean => {
  const plain = Object.values(kinds).flatMap(({ headers }) => headers).filter(({ magic }) => magic === undefined)
  if (!plain.every(({ fields }) => Object.values(fields).every(isInPlace))) return true
  const places = plain.map(({ fields }) => {
    const all = Object.values(fields)
    const before = (role: string): string => {
      const index = all.findIndex(({ kind }) => kind === role)
      return all.slice(0, index + 1).map(headerInt).join(" ")
    }
    const size = all.reduce((sum, field) => sum + intSize(headerInt(field)), 0)
    return `${before("opcode")}, ${before("bodyLength")}, ${size}`
  })
  return new Set(places).size > 1
}

/** The integer that a field in place is. */
const headerInt = (field: HeaderField): IntName => field.kind === "int" ? field.int : (field as { readonly of: Int }).of.int
