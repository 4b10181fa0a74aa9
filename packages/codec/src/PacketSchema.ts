/**
 * Effect schemas of packets and records, made from a protocol's models when they are asked for. `Schemas.ts` of generated code has a line for
 * each packet. An arbitrary is made of a schema by `Arbitrary.schema`.
 */
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { Catalog, type Customs, layoutsOf, type TagMeaning } from "./Catalog.ts"
import { isVisible } from "./JsonValue.ts"
import type { FieldModel, KindModel, LayoutModel, Model, NamedTypeModel, TypeModel } from "./Model.ts"
import { wordOf } from "./words/index.ts"
import { isNullable } from "./words/Records.ts"
import { optionalIn } from "./words/Sizes.ts"
import { flatFields, type SchemaMaker } from "./words/Word.ts"
import * as Wire from "./WireSchema.ts"

type Any = Schema.Top
type Fields = Record<string, Any>
type Packet = { readonly [name: string]: unknown }
type Filter = (packet: Packet) => true | string

/** The most framing extras a schema lets a packet have: their arbitraries are to fit into a length of one byte. */
const maxShared = 4

const isOptional = ({ kind }: TypeModel): boolean => kind === "optional" || kind === "when" || kind === "reserved"

const filtered = (schema: Any, filters: ReadonlyArray<Filter>): Any =>
  filters.reduce<Any>((of, filter) => of.check(Schema.makeFilter((packet: unknown) => filter(packet as Packet))), schema)

const union = (members: ReadonlyArray<Any>): Any => members.length === 1 ? members[0]! : Schema.Union(members)

/** Framing extras need a header that has room for their length. */
const headFilters = (kind: KindModel): ReadonlyArray<Filter> =>
  kind.shared.flatMap(({ section }): ReadonlyArray<Filter> => {
    const plain = kind.headers.filter(({ fields }) => !fields.some((field) => field.role === "sectionLength" && field.section === section))
      .map(({ magic }) => magic)
    return plain.length === 0
      ? []
      : [(packet) =>
        (packet[section] as ReadonlyArray<unknown>).length === 0 || !plain.includes(packet["magic"] as number) ||
        `${section} needs another magic`]
  })

const requiresFilters = (layout: LayoutModel): ReadonlyArray<Filter> =>
  layout.sections.flatMap(({ fields }) => fields).flatMap(({ name, type }): ReadonlyArray<Filter> => {
    const requires = optionalIn(type)?.requires
    return requires === undefined
      ? []
      : [(packet) => packet[name] === undefined || packet[requires] !== undefined || `${name} needs ${requires}`]
  })

/** The schemas of one protocol; those of named types are made once. */
class Maker {
  private readonly catalog: Catalog
  private readonly types = new Map<string, Any>()
  private readonly recursive = new Set<string>()

  constructor(models: ReadonlyArray<Model>, customs: Customs) {
    this.catalog = Catalog.of(models, customs)
  }

  packet(tag: string): Any {
    const meaning = this.catalog.byTag(tag)
    if (meaning === undefined) throw new RangeError(`no packet ${tag} in the models of ${this.catalog.name}`)
    const { command, error } = meaning
    return command === undefined || error
      ? this.struct(meaning, tag, {})
      : union(layoutsOf(meaning).map((layout) => this.struct(meaning, tag, this.body(meaning.kind, layout), requiresFilters(layout))))
  }

  named(ref: string): Any {
    const known = this.types.get(ref)
    if (known !== undefined) return known
    // a record that contains itself finds its own schema later
    this.recursive.add(ref)
    const made = this.make(this.catalog.type(ref))
    this.recursive.delete(ref)
    this.types.set(ref, made)
    return made
  }

  private struct({ command, error, kind, outcome }: TagMeaning, tag: string, body: Fields, filters: ReadonlyArray<Filter> = []): Any {
    const described = command !== undefined && !error
    const fields: Fields = { _tag: Schema.Literal(tag) }
    for (const field of flatFields(kind.run?.fields ?? [])) {
      if (field.type.kind === "opcode") {
        fields[field.name] = described && command.isOpcodeless !== true ? Schema.Literal(command.opcode) : Wire.integers[field.type.of.int]
      } else if (isVisible(field) && command?.header?.[field.name] === undefined) {
        fields[field.name] = isOptional(field.type) ? Schema.optional(this.type(field.type)) : this.type(field.type)
      }
    }
    for (const field of kind.headers[0]?.fields ?? []) {
      if (field.role === "opcode") fields[field.name] = described ? Schema.Literal(command.opcode) : Wire.integers[field.int]
      else if (field.role === "magic") fields[field.name] = Schema.Literals(kind.headers.map(({ magic }) => magic!))
      else if (field.role === "statusCode") {
        fields[field.name] = outcome === undefined ? Wire.integers[field.int] : Schema.Literals(outcome.statuses.map(({ code }) => code))
      } else if (field.role === "field" && isVisible(field)) fields[field.name] = this.type(field.type)
    }
    for (const { section, ref } of kind.shared) fields[section] = Schema.Array(this.named(ref)).check(Schema.isMaxLength(maxShared))
    const own = this.catalog.frame.sections.filter((section) => !kind.shared.some((one) => one.section === section))
    if (!described) { for (const section of own) fields[section] = Wire.bytes() }
    return filtered(Schema.Struct({ ...fields, ...body }), [...headFilters(kind), ...filters])
  }

  private body(kind: KindModel, { name, sections }: LayoutModel): Fields {
    const own = sections.filter(({ section }) => !kind.shared.some((one) => one.section === section))
    return {
      ...(name === undefined ? {} : { layout: Schema.Literal(name) }),
      ...this.fields(own.flatMap(({ fields }) => fields))
    }
  }

  private fields(fields: ReadonlyArray<FieldModel>): Fields {
    return Object.fromEntries(
      flatFields(fields).filter(isVisible).map(({ name, type }) => {
        const of = isNullable(fields, name) ? Schema.NullOr(this.type(type)) : this.type(type)
        return [name, isOptional(type) ? Schema.optional(of) : of]
      })
    )
  }

  private make(type: NamedTypeModel): Any {
    switch (type.kind) {
      case "struct":
        return Schema.Struct(this.fields(type.fields))
      case "choice":
      case "nibbleFrames": {
        const cases = type.cases.map((one): Any => Schema.Struct({ _tag: Schema.Literal(one.name), ...this.fields(one.fields) }))
        const beyond = Math.max(-1, ...type.cases.map(({ tag }) => tag)) + 1
        const unknown: Fields | undefined = type.kind === "nibbleFrames"
          ? { tag: Schema.Int.check(Schema.isBetween({ minimum: beyond, maximum: 270 })), bytes: Wire.bytes({ max: 20 }) }
          : type.unknown === "keep"
          ? { tag: type.tag === undefined ? Wire.range(0, 0xffff_ffff) : this.type(type.tag), bytes: Wire.bytes() }
          : undefined
        return Schema.Union(unknown === undefined ? cases : [...cases, Schema.Struct({ _tag: Schema.Literal("Unknown"), ...unknown })])
      }
      case "flags":
        return Wire.flags(
          Number(type.int.slice(1)) as 8 | 16 | 32,
          type.unknown === "error" ? type.bits.reduce((mask, { bit }) => mask + 2 ** bit, 0) : undefined
        )
      case "enumeration":
        return type.unknown === "error" ? Schema.Literals(type.values.map(({ value }) => value)) : Wire.integers[type.int]
    }
  }

  private readonly maker: SchemaMaker<Any> = {
    integer: Wire.range,
    bigint: Wire.bigRange,
    number: (single) =>
      single
        ? Schema.Number.check(Schema.makeFilter((value) => Object.is(Math.fround(value), value) || "expected a number of 32 bits"))
        : Schema.Number,
    boolean: () => Schema.Boolean,
    bytes: Wire.bytes,
    text: Wire.text,
    literals: (values) => Schema.Literals(values),
    array: (of, max, min) => {
      const most = max === undefined ? Schema.Array(of) : Schema.Array(of).check(Schema.isMaxLength(max))
      return min === undefined ? most : most.check(Schema.isMinLength(min))
    },
    nullOr: (of) => Schema.NullOr(of),
    union,
    type: (type) => this.type(type),
    named: (ref) => this.recursive.has(ref) ? Schema.suspend(() => this.named(ref) as Schema.Codec<unknown>) : this.named(ref),
    custom: (name) => this.custom(name),
    never: () => Schema.Never
  }

  private type(type: TypeModel): Any {
    if (this.catalog.frame.over === "text") return this.token(type) ?? wordOf(type).schema?.(this.maker, type) ?? Schema.Never
    return wordOf(type).schema?.(this.maker, type) ?? Schema.Never
  }

  /** Text between two separators: without them, measured in characters. */
  private token(type: TypeModel): Any | undefined {
    if (type.kind !== "utf8" && type.kind !== "json") return undefined
    const separators = new Set<string>(this.catalog.frame.kinds.map(({ run }) => run?.until ?? ""))
    for (const { request } of this.catalog.commands) {
      for (const { fields } of request.flatMap(({ sections }) => sections)) {
        for (const { type: of } of fields) if (of.kind === "tokens") separators.add(of.separator)
      }
    }
    // what looks like no JSON may be another packet's text
    const free = `[^${[...separators].map((hex) => `\\x${hex}`).join("")}]`
    const text = Schema.String.check(Schema.isPattern(new RegExp(`^${type.kind === "json" ? "[{[]" : ""}${free}*$`)))
    return type.max === undefined ? text : text.check(Schema.isMaxLength(type.max))
  }

  private custom(name: string): Any {
    const face = this.catalog.customs[name]
    if (face?.is === undefined) return Schema.Unknown
    const json = face.pattern === undefined ? Schema.Unknown : Schema.String.check(Schema.isPattern(new RegExp(face.pattern)))
    const link = Schema.link<unknown>()(json as Schema.Codec<unknown>, {
      decode: SchemaGetter.transform((value) => face.fromJson(value)),
      encode: SchemaGetter.transform((value) => face.toJson(value))
    })
    return Schema.declare((value): value is unknown => face.is!(value), {
      expected: name,
      toCodecArbitrary: () => link,
      toCodecJson: () => link
    })
  }
}

const makers = new WeakMap<ReadonlyArray<Model>, Maker>()

const makerOf = (models: ReadonlyArray<Model>, customs: Customs): Maker => {
  const known = makers.get(models) ?? new Maker(models, customs)
  makers.set(models, known)
  return known
}

/**
 * The schema of the packets with this `_tag`. `models` is the chain from the root protocol on, `customs` has the faces of custom fields.
 * Throws `RangeError` when there are none.
 */
export const packetSchema = <P extends { readonly _tag: string }>(
  models: ReadonlyArray<Model>,
  tag: P["_tag"],
  customs: Customs = {}
): Schema.Codec<P> => makerOf(models, customs).packet(tag) as unknown as Schema.Codec<P>

/** The schema of a named type: a record, flags, an enumeration. Throws `RangeError` when the models do not have it. */
export const typeSchema = <T>(models: ReadonlyArray<Model>, name: string, customs: Customs = {}): Schema.Codec<T> =>
  makerOf(models, customs).named(name) as unknown as Schema.Codec<T>
