/**
 * Whether what one spec writes is read by another as it was meant, told by the specs alone: field by field, whatever fields are called.
 *
 * A reader that is older than the writer may find what it does not know, where its spec keeps the unknown: it says so, and is not wrong.
 * `true` is for `Witness` to try; `false` needs no packet to be known.
 */
import type { Catalog } from "@wirewright/codec/Catalog"
import type { CaseModel, EnumerationModel, FieldModel, NamedTypeModel, NumberModel, SizedModel, TypeModel } from "@wirewright/codec/Model"
import { numberRange } from "@wirewright/codec/words/Numbers"
import { unwrapped } from "@wirewright/codec/words/Sizes"
import { flatFields } from "@wirewright/codec/words/Word"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** Two specs, and who reads. */
export interface Sides {
  readonly reader: Catalog
  readonly writer: Catalog
  /** The reader may be older than the writer. */
  readonly isTolerant: boolean
}

const rangeCovers = (reader: NumberModel, writer: NumberModel): boolean => {
  const [one, other] = [numberRange(reader), numberRange(writer)]
  return one.min <= other.min && one.max >= other.max
}

const limitsCover = (reader: SizedModel, writer: SizedModel): boolean =>
  reader.until === writer.until && reader.pad === writer.pad && reader.size === writer.size &&
  (reader.min ?? 0) <= (writer.min ?? 0) && (reader.max ?? Infinity) >= (writer.max ?? Infinity)

/** Text whose value is that of its bytes as UTF-8, whatever they are. */
const isPlain = (type: TypeModel): boolean =>
  type.kind === "bytes" || type.kind === "json" || type.kind === "utf8" && type.invalid === "escape"

const isText = ({ kind }: TypeModel): boolean => kind === "bytes" || kind === "utf8" || kind === "json" || kind === "text"

const contentCovers = (reader: TypeModel, writer: TypeModel): boolean => {
  if (isPlain(reader)) return isPlain(writer) || writer.kind === "utf8" || writer.kind === "text" && writer.encoding === "ascii"
  if (reader.kind === "utf8") {
    return writer.kind === "utf8" && writer.invalid === "error" || writer.kind === "text" && writer.encoding === "ascii"
  }
  return reader.kind === "text" && writer.kind === "text" &&
    (reader.encoding === writer.encoding || reader.encoding === "latin1" && writer.encoding === "ascii")
}

/** The integer that a type is on the wire. */
const integerOf = (catalog: Catalog, type: TypeModel): string | undefined => {
  switch (type.kind) {
    case "int":
      return `${type.int} ${type.order ?? ""}`
    case "reserved":
    case "constant":
      return type.int === undefined ? undefined : `${type.int} ${type.order ?? ""}`
    case "enumeration":
    case "flags":
      return `${catalog.typeOf(type.kind, type.ref).int} ${type.order ?? ""}`
    default:
      return undefined
  }
}

/** Whether a name stands for the same number on both sides, or is not there on one. */
const isStill = (rows: ReadonlyArray<readonly [name: string, number: number]>, name: string, number: number): boolean =>
  rows.every(([other, of]) => other !== name || of === number)

const valuesCover = (reader: EnumerationModel, writer: EnumerationModel): boolean => {
  const rows = reader.values.map(({ name, value }) => [name, value] as const)
  return writer.values.every(({ name, value }) => isStill(rows, name, value)) &&
    (reader.unknown === "keep" || writer.unknown === "error" && writer.values.every(({ value }) => rows.some(([, one]) => one === value)))
}

const maskOf = (named: Extract<NamedTypeModel, { readonly kind: "flags" }>): bigint =>
  named.bits.reduce((mask, { bit }) => mask | 1n << BigInt(bit), 0n)

/** Whether a reader takes every value of an integer that a writer may write. */
const integerCovers = ({ reader: of, writer: by }: Sides, reader: TypeModel, writer: TypeModel): boolean => {
  if (reader.kind === "constant" || writer.kind === "constant") {
    if (writer.kind !== "constant") return false
    if (reader.kind === "constant") return String(reader.value) === String(writer.value)
    if (reader.kind !== "enumeration") return reader.kind !== "flags"
    const named = of.typeOf("enumeration", reader.ref)
    return named.unknown === "keep" || named.values.some(({ value }) => String(value) === String(writer.value))
  }
  if (reader.kind === "reserved") {
    return writer.kind === "reserved"
      ? reader.policy !== "error" || writer.policy !== "keep"
      : reader.policy === "keep"
  }
  if (reader.kind === "enumeration") {
    const named = of.typeOf("enumeration", reader.ref)
    return writer.kind === "enumeration" ? valuesCover(named, by.typeOf("enumeration", writer.ref)) : named.unknown === "keep"
  }
  if (reader.kind === "flags") {
    const named = of.typeOf("flags", reader.ref)
    if (writer.kind !== "flags") return named.unknown === "keep"
    const other = by.typeOf("flags", writer.ref)
    const rows = named.bits.map(({ bit, name }) => [name, bit] as const)
    if (!other.bits.every(({ bit, name }) => isStill(rows, name, bit))) return false
    return named.unknown === "keep" || other.unknown === "error" && (maskOf(other) & ~maskOf(named)) === 0n
  }
  return true
}

/** Positions of fields instead of their names, so that names do not matter. */
const placed = (fields: ReadonlyArray<FieldModel>, outer: ReadonlyArray<string>): (name: string) => string => {
  const own = flatFields(fields).map(({ name }) => name)
  const all = fields.map(({ name }) => name)
  return (name) =>
    all.includes(name)
      ? `#${all.indexOf(name)}`
      : own.includes(name)
      ? `.${own.indexOf(name)}`
      : outer.includes(name)
      ? `^${outer.indexOf(name)}`
      : name
}

/** Fields with the lengths and counts in front of some as fields of their own, as siblings may say them. */
const spread = (fields: ReadonlyArray<FieldModel>): ReadonlyArray<FieldModel> =>
  fields.flatMap(({ name, type }): ReadonlyArray<FieldModel> => {
    const derived = (of: Of<"prefixed" | "counted">) => ({
      of: of.by,
      target: name,
      ...(of.plus === undefined ? {} : { plus: of.plus }),
      ...(of.absent === undefined ? {} : { absent: of.absent })
    })
    if (type.kind === "prefixed" && type.trailer === undefined) {
      return [{ name: `length of ${name}`, type: { kind: "lengthOf", ...derived(type) } }, { name, type: type.of }]
    }
    if (type.kind === "counted") {
      const array = { kind: "array", of: type.of, ...(type.max === undefined ? {} : { max: type.max }) } as const
      return [{ name: `count of ${name}`, type: { kind: "countOf", ...derived(type) } }, { name, type: array }]
    }
    return [{ name, type }]
  })

interface Names {
  readonly reader: (name: string) => string
  readonly writer: (name: string) => string
}

/** Compares two specs. */
export class Covers {
  private readonly sides: Sides
  /** Pairs of named types that are being compared, or were found to agree. */
  private readonly known = new Set<string>()

  constructor(sides: Sides) {
    this.sides = sides
  }

  /** Whether runs of fields are read as they were meant; the names of header fields that they may ask come from both sides. */
  fields(
    readerFields: ReadonlyArray<FieldModel>,
    writerFields: ReadonlyArray<FieldModel>,
    outer: { readonly reader: ReadonlyArray<string>; readonly writer: ReadonlyArray<string> } = { reader: [], writer: [] }
  ): boolean {
    const [reader, writer] = [readerFields, writerFields].map(spread)
    if (reader === undefined || writer === undefined) return false
    // a field that stands elsewhere is read as another
    const positions = reader.map(({ name }) => name)
    if (writer.some(({ name }, i) => positions.includes(name) && positions[i] !== name)) return false
    const names: Names = { reader: placed(reader, outer.reader), writer: placed(writer, outer.writer) }
    if (writer.length > reader.length) return false
    const more = reader.slice(writer.length)
    if (more.some(({ type }) => type.kind !== "optional" || type.if !== undefined)) return false
    return writer.every(({ type }, i) => this.type(reader[i]!.type, type, names))
  }

  private type(reader: TypeModel, writer: TypeModel, names: Names): boolean {
    const [one, other] = [integerOf(this.sides.reader, reader), integerOf(this.sides.writer, writer)]
    if (one !== undefined || other !== undefined) return one === other && integerCovers(this.sides, reader, writer)
    if (isText(reader) && isText(writer)) return contentCovers(reader, writer) && limitsCover(reader as SizedModel, writer as SizedModel)
    if (reader.kind !== writer.kind) return this.unwrapped(reader, writer, names)
    switch (reader.kind) {
      case "reserved":
        return reader.size === (writer as Of<"reserved">).size &&
          (reader.policy !== "error" || (writer as Of<"reserved">).policy !== "keep")
      case "align":
        // whatever is ignored, zeros are written
        return reader.to === (writer as Of<"align">).to
      case "varint": {
        const of = writer as Of<"varint">
        return reader.encoding === of.encoding && reader.zigzag === of.zigzag && rangeCovers(reader, of)
      }
      case "decimal": {
        const of = writer as Of<"decimal">
        return reader.until === of.until && rangeCovers(reader, of)
      }
      case "optional": {
        const of = writer as Of<"optional">
        const condition = (type: Of<"optional">, name: (of: string) => string): string =>
          JSON.stringify([
            type.if === undefined ? null : { ...type.if, field: name(type.if.field) },
            type.requires === undefined ? null : name(type.requires)
          ])
        return condition(reader, names.reader) === condition(of, names.writer) && this.type(reader.of, of.of, names)
      }
      case "when": {
        const of = writer as Of<"when">
        const same = reader.sibling === of.sibling && reader.from === of.from && reader.to === of.to
        if (!same || reader.sibling === true && names.reader(reader.state) !== names.writer(of.state)) return false
        if (this.type(reader.of, of.of, names) && reader.else === undefined && of.else === undefined) return true
        return reader.else !== undefined && of.else !== undefined && this.type(reader.of, of.of, names) &&
          this.type(reader.else, of.else, names)
      }
      case "prefixed": {
        const of = writer as Of<"prefixed">
        const same = (reader.plus ?? 0) === (of.plus ?? 0) && reader.trailer === of.trailer && reader.absent === of.absent
        return same && this.type(reader.by, of.by, names) && this.type(reader.of, of.of, names)
      }
      case "counted": {
        const of = writer as Of<"counted">
        const same = (reader.plus ?? 0) === (of.plus ?? 0) && reader.absent === of.absent
        return same && (reader.max ?? Infinity) >= (of.max ?? Infinity) && this.type(reader.by, of.by, names) &&
          this.type(reader.of, of.of, names)
      }
      case "array": {
        const of = writer as Of<"array">
        const limits = (reader.min ?? 0) <= (of.min ?? 0) && (reader.max ?? Infinity) >= (of.max ?? Infinity)
        return reader.until === of.until && limits && this.type(reader.of, of.of, names)
      }
      case "lengthOf":
      case "countOf": {
        const of = writer as Of<"lengthOf" | "countOf">
        const target = (type: Of<"lengthOf" | "countOf">, name: (of: string) => string): string => [type.target].flat().map(name).join()
        return target(reader, names.reader) === target(of, names.writer) && (reader.plus ?? 0) === (of.plus ?? 0) &&
          (reader.unit ?? 1) === (of.unit ?? 1) && reader.absent === of.absent && this.type(reader.of, of.of, names)
      }
      case "tagOf": {
        const of = writer as Of<"tagOf">
        return names.reader(reader.target) === names.writer(of.target) && this.type(reader.of, of.of, names)
      }
      case "struct": {
        const of = writer as Of<"struct">
        return (reader.depth ?? Infinity) >= (of.depth ?? Infinity) && this.once(reader.ref, of.ref, () => {
          const [a, b] = [this.sides.reader.typeOf("struct", reader.ref), this.sides.writer.typeOf("struct", of.ref)]
          return a.byteOrder === b.byteOrder && this.fields(a.fields, b.fields)
        })
      }
      case "choice": {
        const of = writer as Of<"choice">
        return (reader.depth ?? Infinity) >= (of.depth ?? Infinity) && this.once(reader.ref, of.ref, () => {
          const [a, b] = [this.sides.reader.typeOf("choice", reader.ref), this.sides.writer.typeOf("choice", of.ref)]
          const tags = a.tag === undefined || b.tag === undefined
            ? a.tag === b.tag && names.reader(a.by!) === names.writer(b.by!)
            : this.type(a.tag, b.tag, names)
          return tags && a.empty === b.empty &&
            (b.unknown === "error" || a.unknown === "keep") && this.cases(a.unknown, a.cases, b.cases)
        })
      }
      case "nibbleFrames": {
        const of = writer as Of<"nibbleFrames">
        return this.once(
          reader.ref,
          of.ref,
          () =>
            this.cases(
              "keep",
              this.sides.reader.typeOf("nibbleFrames", reader.ref).cases,
              this.sides.writer.typeOf("nibbleFrames", of.ref).cases
            )
        )
      }
      case "bits":
        return this.bits(reader, writer as Of<"bits">, names)
      case "tokens": {
        const of = writer as Of<"tokens">
        const isOne = of.fields.length === 1 && of.fields[0]!.type.kind !== "array"
        const same = (isOne || reader.separator === of.separator) && reader.until === of.until && reader.rest === of.rest
        return same && reader.fields.length === of.fields.length &&
          reader.fields.every(({ type }, i) => this.type(type, of.fields[i]!.type, names))
      }
      case "checksum": {
        const of = writer as Of<"checksum">
        return reader.algorithm === of.algorithm && reader.xor === of.xor && this.type(reader.of, of.of, names) &&
          reader.over.map(names.reader).join() === of.over.map(names.writer).join()
      }
      case "domainName":
        return true
      default:
        return JSON.stringify({ ...reader, brand: 0 }) === JSON.stringify({ ...writer, brand: 0 })
    }
  }

  private unwrapped(reader: TypeModel, writer: TypeModel, names: Names): boolean {
    // what is always there may be optional for the reader, where being there is all that says so
    if (reader.kind === "optional" && reader.if === undefined && unwrapped(writer) === writer) return this.type(reader.of, writer, names)
    return false
  }

  private cases(unknown: "keep" | "error", reader: ReadonlyArray<CaseModel>, writer: ReadonlyArray<CaseModel>): boolean {
    const rows = reader.map(({ name, tag }) => [name, tag] as const)
    return writer.every((one) => {
      if (!isStill(rows, one.name, one.tag)) return false
      const found = reader.find(({ tag }) => tag === one.tag)
      return found === undefined ? unknown === "keep" && this.sides.isTolerant : this.fields(found.fields, one.fields)
    })
  }

  private once(reader: string, writer: string, compare: () => boolean): boolean {
    const key = `${reader} ${writer}`
    if (this.known.has(key)) return true
    this.known.add(key)
    const is = compare()
    if (!is) this.known.delete(key)
    return is
  }

  private bits(reader: Of<"bits">, writer: Of<"bits">, names: Names): boolean {
    if (!this.type(reader.of, writer.of, names)) return false
    const slots = (fields: Of<"bits">["fields"]): ReadonlyMap<string, Of<"bits">["fields"][number]> =>
      new Map(fields.map((one) => [`${one.high} ${one.low}`, one]))
    const [one, other] = [slots(reader.fields), slots(writer.fields)]
    return [...other].every(([slot, written]) => {
      const read = one.get(slot)
      if (read === undefined) return false
      const same = (of: typeof read, name: (name: string) => string): string =>
        JSON.stringify([
          of.role,
          of.from,
          of.plus,
          of.escaped,
          of.presenceOf?.map(name),
          of.tagOf === undefined ? null : name(of.tagOf),
          of.measures === undefined ? null : { ...of.measures, target: [of.measures.target].flat().map(name) }
        ])
      if (same(read, names.reader) !== same(written, names.writer)) return false
      if (read.value !== undefined) return read.value === written.value
      if (read.ref === undefined) return true
      const named = this.sides.reader.typeOf("enumeration", read.ref)
      return written.ref === undefined ? named.unknown === "keep" : valuesCover(named, this.sides.writer.typeOf("enumeration", written.ref))
    })
  }
}
