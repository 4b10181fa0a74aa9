/**
 * Types and runs of fields of a model as Lua tables, with what the dissector would otherwise have to work out for every packet: fixed sizes,
 * what ends by itself, which fields a length surrounds. The words are those of the codec; what is a keyword of Lua has another name.
 */
import type { Catalog } from "@wirewright/codec/Catalog"
import type { BitFieldModel, EscapedModel, FieldModel, IntName, MeasureModel, NumberModel, TypeModel } from "@wirewright/codec/Model"
import { isByLength, isPresenceByLength, stateBits } from "@wirewright/codec/words/Presence"
import { fixedRuns, isNullable } from "@wirewright/codec/words/Records"
import { endsItself, fixedSize, leastSize, optionalIn } from "@wirewright/codec/words/Sizes"
import { fixedLine } from "@wirewright/codec/words/Tokens"
import { intSize } from "../Names.ts"
import type { Filters, FilterUse } from "./Filters.ts"
import { LuaBytes, LuaList, type LuaTable, type LuaValue } from "./LuaText.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** Where a type stands. */
export interface Place {
  readonly owner: ReadonlyArray<string>
  readonly name: string
}

const bytes = (hex: string | undefined): LuaBytes | undefined => hex === undefined ? undefined : new LuaBytes(hex)

/** Entries that are there. */
const some = (table: LuaTable): LuaTable => Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined))

const isSigned = (int: IntName): boolean => int.startsWith("i")

const intUse = (int: IntName): Pick<FilterUse, "holding" | "bytes"> => ({
  holding: isSigned(int) ? "signed" : "number",
  bytes: intSize(int)
})

/** What a number holds, and in how many bytes. */
export const numberUse = (type: NumberModel): Pick<FilterUse, "holding" | "bytes"> => {
  switch (type.kind) {
    case "int":
      return intUse(type.int)
    case "varint":
      return { holding: type.zigzag ? "signed" : "number", bytes: type.bits / 8 }
    case "escaped": {
      const widest = type.escapes.reduce(
        (most, { of }) => Math.max(most, intSize(of.int)),
        type.of.kind === "int" ? intSize(type.of.int) : 1
      )
      return { holding: type.escapes.some(({ of }) => isSigned(of.int)) ? "signed" : "number", bytes: widest }
    }
    case "decimal":
      return { holding: type.signed ? "signed" : "number", bytes: type.bits === 32 ? 4 : 8 }
  }
}

const escapes = ({ escapes: all, max }: EscapedModel): LuaTable => ({
  max,
  escapes: all.map(({ of, value }) => some({ value, int: of.int, order: of.order }))
})

/** What a length or count says of what it measures. */
const measured = ({ absent, plus, target, unit }: Pick<MeasureModel, "absent" | "plus" | "target" | "unit">): LuaTable => ({
  target: typeof target === "string" ? target : target.join(" "),
  group: typeof target === "string" ? undefined : target,
  plus,
  unit,
  absent
})

/** A number that is no field by itself. */
export const luaNumber = (type: NumberModel): LuaTable => {
  switch (type.kind) {
    case "int":
      return some({ kind: "int", int: type.int, order: type.order })
    case "varint":
      return { kind: "varint", encoding: type.encoding, bits: type.bits, zigzag: type.zigzag, maxBytes: type.maxBytes }
    case "escaped":
      return some({
        kind: "escaped",
        ...(type.of.kind === "int" ? some({ int: type.of.int, order: type.of.order }) : {}),
        ...escapes(type)
      })
    case "decimal":
      return some({ kind: "decimal", bits: type.bits, signed: type.signed, ending: bytes(type.until) })
  }
}

/** Runs of bits, `[high, low]`, that no field has. */
const spareBits = (width: number, fields: ReadonlyArray<BitFieldModel>): ReadonlyArray<ReadonlyArray<number>> => {
  const named = new Set(fields.flatMap(({ high, low }) => Array.from({ length: high - low + 1 }, (_, i) => low + i)))
  const out: Array<[number, number]> = []
  for (let bit = 0; bit < width; bit++) {
    if (named.has(bit)) continue
    const last = out.at(-1)
    if (last !== undefined && last[0] === bit - 1) last[0] = bit
    else out.push([bit, bit])
  }
  return out
}

/** What a token must look like, as far as that tells packets apart. */
export const luaToken = (type: TypeModel): LuaTable => {
  switch (type.kind) {
    case "optional":
      return { kind: type.kind, of: luaToken(type.of) }
    case "literal":
      return { kind: type.kind, text: new LuaBytes(type.hex) }
    case "bool":
      return { kind: type.kind, yes: new LuaBytes(type.true), no: new LuaBytes(type.false) }
    default:
      return { kind: type.kind }
  }
}

/** Makes Lua of types and fields, and collects the filters they need. */
export class Layouts {
  private readonly catalog: Catalog
  private readonly filters: Filters

  constructor(catalog: Catalog, filters: Filters) {
    this.catalog = catalog
    this.filters = filters
  }

  /** A run of fields whose owner is a packet (nobody), a record, or a case of one. */
  fields(fields: ReadonlyArray<FieldModel>, owner: ReadonlyArray<string>): LuaValue {
    const { catalog } = this
    const runs = fixedRuns(catalog, fields)
    const bits = stateBits(fields).map(({ condition, fields: of, holder }) => ({
      condition: some({ field: condition.field, bit: condition.bit }),
      holder,
      at: fields.findIndex(({ name }) => name === holder) + 1,
      fields: of.map((field) => fields.indexOf(field) + 1),
      last: fields.indexOf(of.at(-1)!) + 1
    }))
    const elements = fields.map(({ name, type }, i): LuaTable => {
      const optional = optionalIn(type)
      return some({
        name,
        type: this.type(type, { owner, name }),
        nullable: isNullable(fields, name) || undefined,
        run: runs.get(i),
        by_length: optional !== undefined && optional.if === undefined || undefined,
        is_mark: optional?.of.kind === "literal" || undefined
      })
    })
    const byLength = fields.some(isByLength) && isPresenceByLength(catalog, fields)
    return byLength || bits.length > 0
      ? new LuaList(elements, some({ by_length: byLength || undefined, state_bits: bits.length === 0 ? undefined : bits }))
      : elements
  }

  /** A type, with the number of the field that shows its values. */
  type(type: TypeModel, place: Place): LuaTable {
    return some({
      kind: type.kind,
      ...this.word(type, place),
      fixed_size: fixedSize(this.catalog, type),
      ends: endsItself(this.catalog, type) || undefined
    })
  }

  private filter(place: Place, use: Omit<FilterUse, "owner" | "name">): number {
    return this.filters.add({ ...place, ...use })
  }

  /** A type within a list, which has to say how many bytes it takes at least. */
  private element(type: TypeModel, place: Place): LuaTable {
    return { ...this.type(type, place), least: leastSize(this.catalog, type) }
  }

  private word(type: TypeModel, place: Place): LuaTable {
    switch (type.kind) {
      case "int":
      case "varint":
      case "escaped":
      case "decimal":
        return { ...luaNumber(type), f: this.filter(place, numberUse(type)) }
      case "float":
        return { bits: type.bits, order: type.order, f: this.filter(place, { holding: "float", bytes: type.bits / 8 }) }
      case "bytes":
      case "utf8":
      case "json":
      case "text":
        return {
          size: type.size,
          min: type.min,
          max: type.max,
          ending: bytes(type.until),
          pad: bytes(type.pad),
          invalid: type.kind === "utf8" && type.invalid === "error" ? "error" : undefined,
          encoding: type.kind === "text" ? type.encoding : undefined,
          f: this.filter(place, { holding: type.kind === "bytes" ? "bytes" : "text" })
        }
      case "literal":
        return { text: new LuaBytes(type.hex), f: this.filter(place, { holding: "text" }) }
      case "bool":
        return { yes: new LuaBytes(type.true), no: new LuaBytes(type.false), f: this.filter(place, { holding: "bool" }) }
      case "bcd":
        return { digits: type.digits, f: this.filter(place, { holding: "number", bytes: type.digits > 9 ? 8 : 4 }) }
      case "domainName":
        return { f: this.filter(place, { holding: "text" }) }
      case "constant":
        return { int: type.int, order: type.order, value: String(type.value), f: this.filter(place, intUse(type.int)) }
      case "reserved":
        return {
          int: type.int,
          order: type.order,
          size: type.int === undefined ? type.size ?? 0 : intSize(type.int),
          policy: type.policy,
          f: this.filter(place, type.int === undefined ? { holding: "bytes" } : intUse(type.int))
        }
      case "align":
        return { to: type.to, policy: type.policy, f: this.filter(place, { holding: "bytes" }) }
      case "checksum":
        return {
          algorithm: type.algorithm,
          xor: type.xor,
          int: type.of.int,
          order: type.of.order,
          over: type.over,
          f: this.filter(place, { ...intUse(type.of.int), hex: true })
        }
      case "custom":
        return { fixed: type.fixed, f: this.filter(place, { holding: "bytes" }) }
      case "slice":
        return {}
      case "enumeration": {
        const { int, name } = this.catalog.typeOf("enumeration", type.ref)
        return { ref: name, order: type.order, f: this.filter(place, { ...intUse(int), values: this.namesOf(name), ref: name }) }
      }
      case "flags":
        return this.flags(type, place)
      case "struct":
      case "choice":
      case "nibbleFrames":
        return { ref: type.ref, depth: type.kind === "nibbleFrames" ? undefined : type.depth, f: this.filter(place, { holding: "record" }) }
      case "bits":
        return this.bits(type, place)
      case "tokens":
        return {
          separator: new LuaBytes(type.separator),
          ending: bytes(type.until),
          rest: type.rest,
          whole: bytes(fixedLine(type)),
          fields: this.fields(type.fields, place.owner)
        }
      default:
        return this.around(type, place)
    }
  }

  /** Words that say something about others, or stand around them. */
  private around(
    type: Of<"lengthOf" | "countOf" | "tagOf" | "prefixed" | "counted" | "optional" | "when" | "array" | "opcode" | "bodyLength">,
    place: Place
  ): LuaTable {
    switch (type.kind) {
      case "opcode":
      case "bodyLength":
        return { of: luaNumber(type.of), f: this.filter(place, numberUse(type.of)) }
      case "lengthOf":
      case "countOf":
        return {
          of: luaNumber(type.of as NumberModel),
          ...measured(type),
          f: this.filter(place, numberUse(type.of as NumberModel))
        }
      case "tagOf":
        return { of: this.type(type.of, place), target: type.target }
      case "prefixed": {
        const of = this.type(type.of, place)
        return {
          by: luaNumber(type.by),
          of,
          trailer: bytes(type.trailer),
          plus: type.plus,
          absent: type.absent,
          length_f: this.filter({ owner: [...place.owner, place.name], name: "length" }, numberUse(type.by)),
          f: of["f"]
        }
      }
      case "counted": {
        const of = this.element(type.of, place)
        return {
          by: luaNumber(type.by),
          of,
          max: type.max,
          plus: type.plus,
          absent: type.absent,
          length_f: this.filter({ owner: [...place.owner, place.name], name: "count" }, numberUse(type.by)),
          f: of["f"]
        }
      }
      case "array": {
        const of = this.element(type.of, place)
        return { of, min: type.min, max: type.max, ending: bytes(type.until), f: of["f"] }
      }
      case "optional": {
        const isMark = type.of.kind === "literal"
        const of = isMark
          ? { ...this.marked(type.of), f: this.filter(place, { holding: "bool" }) }
          : this.type(type.of, place)
        const condition = type.if === undefined ? undefined : type.if.kind === "bitOf"
          ? some({ field: type.if.field, bit: type.if.bit })
          : { field: type.if.field, values: new Map(type.if.values.map((value) => [value, true])) }
        return { of, requires: type.requires, condition, f: (of as LuaTable)["f"] }
      }
      case "when": {
        const of = this.type(type.of, place)
        const otherwise = type.else === undefined ? undefined : this.type(type.else, place)
        return { state: type.state, sibling: type.sibling, of, otherwise, from: type.from, to: type.to, f: of["f"] }
      }
    }
  }

  /** A literal that says by being there that it is. */
  private marked(type: Of<"literal">): LuaTable {
    return some({
      kind: "literal",
      text: new LuaBytes(type.hex),
      fixed_size: fixedSize(this.catalog, type),
      ends: endsItself(this.catalog, type) || undefined
    })
  }

  private namesOf(ref: string): ReadonlyMap<number, string> {
    return new Map(this.catalog.typeOf("enumeration", ref).values.map(({ name, value }) => [value, name]))
  }

  private flags(type: Of<"flags">, place: Place): LuaTable {
    const { bits, int } = this.catalog.typeOf("flags", type.ref)
    return {
      ref: type.ref,
      order: type.order,
      f: this.filter(place, { ...intUse(int), hex: true }),
      bit_f: bits.toSorted((a, b) => a.bit - b.bit).map(({ name }) =>
        this.filter({ owner: [...place.owner, place.name], name }, { holding: "bool" })
      )
    }
  }

  private bits({ fields, of }: Of<"bits">, place: Place): LuaTable {
    return {
      int: of.int,
      order: of.order,
      spare: spareBits(intSize(of.int) * 8, fields),
      fields: fields.map((one) => {
        const use = one.escaped === undefined
          ? { holding: "number" as const, bytes: Math.ceil((one.high - one.low + 1) / 8) }
          : numberUse(one.escaped)
        return some({
          name: one.name,
          high: one.high,
          low: one.low,
          ref: one.ref,
          value: one.value,
          role: one.role,
          tagOf: one.tagOf,
          measures: one.measures === undefined
            ? undefined
            : { elements: one.measures.counts === "elements" || undefined, ...measured(one.measures) },
          escaped: one.escaped === undefined ? undefined : escapes(one.escaped),
          f: this.filter(
            { owner: place.owner, name: one.name },
            one.ref === undefined ? use : { ...use, values: this.namesOf(one.ref), ref: one.ref }
          )
        })
      })
    }
  }
}
