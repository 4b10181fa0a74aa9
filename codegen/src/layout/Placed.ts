/**
 * The layout of packets and records as lists of placed parts: what stands where, in bytes from the beginning, or from the end of the last part
 * of variable size. It reads models alone, and knows no notation.
 */
import { type Catalog, layoutsOf, type TagMeaning } from "@wirewright/codec/Catalog"
import type {
  BitFieldModel,
  ConditionModel,
  FieldModel,
  HeaderFieldModel,
  HeaderModel,
  LayoutModel,
  SectionModel,
  TypeModel
} from "@wirewright/codec/Model"
import { intWidth } from "@wirewright/codec/TypeText"
import { textOfHex } from "@wirewright/codec/Hex"
import { withMeasures } from "@wirewright/codec/words/Records"
import { fixedSize, unwrapped } from "@wirewright/codec/words/Sizes"
import { type SizeRange, sizeRange } from "./Sizes.ts"

/** Bits of a part that is an integer: bit 0 is the least significant. */
export interface BitPart {
  readonly field: BitFieldModel
  /** What the bits always are. */
  readonly value?: number
}

/** Something in the bytes of a packet or record. */
export interface Part {
  readonly name: string
  readonly doc?: string
  readonly type: TypeModel
  /** `header`, the name of a section, or `trailer`; empty in records. */
  readonly section: string
  /** The part whose end `offset` counts from; the beginning where there is none. */
  readonly after?: string
  /** Bytes. */
  readonly offset: number
  /** Bytes when that is always the same. */
  readonly size?: number
  readonly least: number
  /** Missing when nothing bounds it. */
  readonly most?: number
  /** Its bytes where it is there, when it may be missing. */
  readonly present?: SizeRange
  /** What it always is: a number, or text. */
  readonly value?: number | bigint | string
  readonly bits?: ReadonlyArray<BitPart>
  /** The name of what says how long it is or how many there are: a field, or a field of the header for its section. */
  readonly measuredBy?: string
  /** Takes all that is left of the packet. */
  readonly isRest?: boolean
}

/** A field and where it belongs, before it is placed. */
interface Raw extends FieldModel {
  readonly section: string
  readonly value?: number | bigint | string
  readonly measuredBy?: string
  readonly isRest?: boolean
  readonly bitValues?: ReadonlyMap<string, number>
}

const constantOf = (type: TypeModel): number | bigint | string | undefined => {
  if (type.kind === "constant") return typeof type.value === "string" ? BigInt(type.value) : type.value
  return type.kind === "literal" ? textOfHex(type.hex) : undefined
}

/** The names that a field measures, counts, or selects a case of. */
export const targetsOf = (type: TypeModel): ReadonlyArray<string> => {
  const of = unwrapped(type)
  if (of.kind !== "lengthOf" && of.kind !== "countOf" && of.kind !== "tagOf") return []
  return typeof of.target === "string" ? [of.target] : of.target
}

const withTokens = (fields: ReadonlyArray<FieldModel>): ReadonlyArray<FieldModel> =>
  fields.flatMap((field) => field.type.kind === "tokens" ? [field, ...withTokens(field.type.fields)] : [field])

/** The field that says how long a field is. */
const measures = (fields: ReadonlyArray<FieldModel>): ReadonlyMap<string, string> =>
  new Map(
    withMeasures(withTokens(fields)).flatMap(({ name, type }) => {
      const of = unwrapped(type)
      if (of.kind !== "lengthOf" && of.kind !== "countOf") return []
      // of several that are measured together, each but the last tells where it ends
      const [target] = targetsOf(type).slice(-1)
      return target === undefined ? [] : [[target, name] as const]
    })
  )

const bitsOf = (type: TypeModel, values: ReadonlyMap<string, number> | undefined): ReadonlyArray<BitPart> | undefined => {
  const of = unwrapped(type)
  if (of.kind !== "bits") return undefined
  return of.fields.map((field) => {
    const value = field.value ?? values?.get(field.name)
    return { field, ...(value === undefined ? {} : { value }) }
  })
}

const placed = (catalog: Catalog, raws: ReadonlyArray<Raw>): ReadonlyArray<Part> => {
  const parts: Array<Part> = []
  // a section's length is no field's
  const lengths = measures(
    raws.filter(({ section, type }) => section !== "header" || !targetsOf(type).some((target) => catalog.frame.sections.includes(target)))
  )
  let after: string | undefined
  let offset = 0
  const add = (part: Omit<Part, "offset" | "after">): void => {
    parts.push({ ...part, offset, ...(after === undefined ? {} : { after }) })
    if (part.size === undefined) {
      after = part.name
      offset = 0
    } else offset += part.size
  }
  for (const { bitValues, isRest, measuredBy, name, doc, section, type, value = constantOf(type) } of raws) {
    const bits = bitsOf(type, bitValues)
    const escaped = bits?.find(({ field }) => field.escaped !== undefined)?.field
    const size = type.kind === "bits" ? intWidth[type.of.int] : fixedSize(catalog, type)
    const by = measuredBy ?? lengths.get(name)
    add({
      name,
      ...(doc === undefined ? {} : { doc }),
      type,
      section,
      ...sizeRange(catalog, type),
      ...(presenceOf(type) === undefined ? {} : { present: sizeRange(catalog, unwrapped(type)) }),
      ...(size === undefined ? {} : { size, least: size, most: size }),
      ...(value === undefined ? {} : { value }),
      ...(bits === undefined ? {} : { bits }),
      ...(by === undefined ? {} : { measuredBy: by }),
      ...(isRest === true && size === undefined ? { isRest } : {})
    })
    if (escaped?.escaped === undefined) continue
    const most = Math.max(...escaped.escaped.escapes.map((one) => intWidth[one.of.int]))
    add({
      name: `${escaped.name}Wide`,
      doc: `What \`${escaped.name}\` announces: the number itself.`,
      type: escaped.escaped,
      section,
      least: 0,
      most,
      measuredBy: escaped.name
    })
  }
  return parts
}

/** The parts of a record's fields. */
export const placedFields = (catalog: Catalog, fields: ReadonlyArray<FieldModel>): ReadonlyArray<Part> =>
  placed(catalog, fields.map((field) => ({ ...field, section: "" })))

const headerType = (field: HeaderFieldModel): TypeModel => {
  switch (field.role) {
    case "field":
      return field.type
    case "opcode":
      return { kind: "opcode", of: { kind: "int", int: field.int } }
    case "sectionLength":
      return { kind: "lengthOf", of: { kind: "int", int: field.int }, target: field.section }
    case "bodyLength":
      return { kind: "bodyLength", of: { kind: "int", int: field.int }, from: field.includesHeader ? "frame" : "body", plus: 0 }
    default:
      return { kind: "int", int: field.int }
  }
}

/** What a header always holds in packets of one meaning. */
interface Known {
  readonly opcode?: number
  readonly status?: number
  readonly fields?: { readonly [field: string]: number }
  /** Bytes of sections, where that is always the same. */
  readonly sections?: ReadonlyMap<string, number>
}

const fixedHeader = ({ fields, magic }: HeaderModel, { fields: same = {}, opcode, sections, status }: Known): ReadonlyArray<Raw> =>
  fields.map((field): Raw => {
    const { doc, name, role } = field
    const value = role === "magic"
      ? magic
      : role === "opcode"
      ? opcode
      : role === "statusCode"
      ? status
      : role === "sectionLength"
      ? sections?.get(field.section)
      : same[name]
    return {
      name,
      ...(doc === undefined ? {} : { doc }),
      section: "header",
      type: headerType(field),
      ...(value === undefined ? {} : { value })
    }
  })

const runHeader = (fields: ReadonlyArray<FieldModel>, { fields: same = {}, opcode }: Known): ReadonlyArray<Raw> =>
  fields.map((field): Raw => {
    const { name, type } = field
    const value = type.kind === "opcode" ? opcode : same[name]
    const bitValues = type.kind !== "bits" ? undefined : new Map(type.fields.flatMap((one) => {
      const bits = one.role === "opcode" ? opcode : same[one.name]
      return bits === undefined ? [] : [[one.name, bits] as const]
    }))
    return {
      ...field,
      section: "header",
      ...(value === undefined ? {} : { value }),
      ...(bitValues === undefined ? {} : { bitValues })
    }
  })

const sectionSize = (catalog: Catalog, section: SectionModel | undefined): number | undefined =>
  (section?.fields ?? []).reduce<number | undefined>((sum, { type }) => {
    const size = fixedSize(catalog, type)
    return sum === undefined || size === undefined ? undefined : sum + size
  }, 0)

/** The parts of the header of a kind, by itself: `index` says which header. */
export const placedHeader = (catalog: Catalog, kind: TagMeaning["kind"], index = 0): ReadonlyArray<Part> =>
  placed(catalog, kind.run === undefined ? fixedHeader(kind.headers[index]!, {}) : runHeader(kind.run.fields, {}))

/** The parts of what stands behind the body of a kind. */
export const placedTrailer = (catalog: Catalog, kind: TagMeaning["kind"]): ReadonlyArray<Part> =>
  placed(catalog, (kind.run?.trailer ?? []).map((field) => ({ ...field, section: "trailer" })))

/** The parts of a packet: its header (the preferred one), its sections in their order, and what stands behind them. */
export const placedPacket = (catalog: Catalog, meaning: TagMeaning, layout: LayoutModel): ReadonlyArray<Part> => {
  const { command, kind, outcome } = meaning
  const names = catalog.frame.sections
  const sectionOf = (name: string): SectionModel | undefined => layout.sections.find(({ section }) => section === name)
  const sizes = new Map(names.flatMap((name) => {
    const size = sectionSize(catalog, sectionOf(name))
    return size === undefined || kind.shared.some(({ section }) => section === name) ? [] : [[name, size] as const]
  }))
  const known: Known = {
    ...(command === undefined || command.isOpcodeless === true ? {} : { opcode: command.opcode }),
    ...(outcome?.statuses.length === 1 ? { status: outcome.statuses[0]!.code } : {}),
    ...(command?.header === undefined ? {} : { fields: command.header }),
    sections: sizes
  }
  const header = kind.run === undefined ? fixedHeader(kind.headers[0]!, known) : runHeader(kind.run.fields, known)
  const measured = new Map(header.flatMap(({ name, type }) => type.kind === "lengthOf" ? [[String(type.target), name] as const] : []))
  const last = names.at(-1)
  const body = names.flatMap((name): ReadonlyArray<Raw> => {
    const fields = sectionOf(name)?.fields ?? []
    const own = measures(layout.sections.flatMap((section) => section.fields))
    return fields.map((field, i): Raw => {
      // a section's length is that of the field that ends it
      const ends = i === fields.length - 1 && !own.has(field.name)
      const by = ends ? measured.get(name) : undefined
      return {
        ...field,
        section: name,
        ...(by === undefined ? {} : { measuredBy: by }),
        ...(ends && by === undefined && name === last && kind.run?.end !== "self" ? { isRest: true } : {})
      }
    })
  })
  const trailer = (kind.run?.trailer ?? []).map((field): Raw => ({ ...field, section: "trailer" }))
  return placed(catalog, [...header, ...body, ...trailer])
}

/** The meanings that packets of a command can have: its request in each of its kinds, and its responses. */
export const meaningsOf = (catalog: Catalog, command: NonNullable<TagMeaning["command"]>): ReadonlyArray<TagMeaning> => {
  const requests = [command.kinds.request, ...command.kinds.also ?? []].flatMap((name) => {
    const kind = catalog.kind(name)
    return kind === undefined ? [] : [{ command, kind, error: false }]
  })
  const response = catalog.kind(command.kinds.response ?? "")
  return [
    ...requests,
    ...response === undefined ? [] : command.responses.map((outcome) => ({ command, kind: response, outcome, error: false }))
  ]
}

/** The layouts of a meaning. */
export { layoutsOf }

/** What says whether a part is there: a condition, a state, or the length around it. */
export interface Presence {
  readonly condition?: ConditionModel
  readonly when?: {
    readonly state: string
    readonly isSibling: boolean
    readonly from?: number
    readonly to?: number
    readonly hasElse: boolean
  }
  readonly requires?: string
}

/** What says whether a part is there; nothing when it always is. */
export const presenceOf = (type: TypeModel): Presence | undefined => {
  if (type.kind === "when") {
    const { from, state, to } = type
    return {
      ...presenceOf(type.of),
      when: {
        state,
        isSibling: type.sibling === true,
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        hasElse: type.else !== undefined
      }
    }
  }
  if (type.kind !== "optional") return undefined
  return { ...(type.if === undefined ? {} : { condition: type.if }), ...(type.requires === undefined ? {} : { requires: type.requires }) }
}
