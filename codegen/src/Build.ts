/**
 * Spec values to the canonical model: sorted, resolved, free of positions.
 *
 * Building never judges; `Check` has looked at the spec before. What two specs have in common by value they share by name in the model.
 */
import type {
  CaseModel,
  CommandModel,
  BitFieldModel,
  ByteOrder,
  FieldModel,
  FrameModel,
  IntModel,
  LayoutModel,
  LengthModel,
  Model,
  NamedTypeModel,
  NumberModel,
  OutcomeModel,
  SectionModel,
  SizedModel,
  StatusModel,
  TypeModel
} from "@wirewright/codec/Model"
import type {
  BitField,
  Body,
  Command,
  Escaped,
  Fields,
  Frame,
  LengthOptions,
  Layouts,
  NamedType,
  NumberType,
  Protocol,
  Sized,
  Slice,
  Terminator,
  Type,
  TypesOnly
} from "@wirewright/dsl"
import { hexOf } from "@wirewright/codec/Hex"
import { flatFields } from "@wirewright/codec/words/Word"
import type { Complaint } from "./Finding.ts"
import { buildFrame, defined, type DocOf, hasNoOpcode, type Parts, terminatorHex } from "./BuildFrame.ts"
import { compare } from "./Module.ts"
import { joinedFamilies } from "./Families.ts"
import { familyName, intSize, upperSnake } from "./Names.ts"
import type { Origin } from "./Origin.ts"
import { baseOf, link } from "./Link.ts"
import { resolveFields } from "./Resolve.ts"
import { wordOf } from "./words/index.ts"
import type { Word } from "./words/Word.ts"

export { baseOf, link } from "./Link.ts"

/** Whether the author wrote one type where fields could stand. */
export const isType = (content: Type | Fields): content is Type => typeof (content as { readonly kind?: unknown }).kind === "string"

/** Whether the author wrote alternatives where a body could stand. */
export const isLayouts = (content: Body | Layouts): content is Layouts => (content as { readonly kind?: unknown }).kind === "layouts"

/** The commands a protocol ends up with, its bases' included; the nearest definition of an opcode wins. */
export const allCommands = (protocol: Protocol): ReadonlyArray<Command> => {
  const own = protocol.commands
  const key = ({ kinds, name, opcode }: Command): string => `${kinds.request} ${opcode === undefined ? name : codeOf(opcode)}`
  const taken = new Set(own.map(key))
  const inherited = protocol.base === undefined ? [] : allCommands(protocol.base)
  return [...own, ...inherited.filter((command) => !taken.has(key(command)))]
}

/** A model, and the spec values its parts come from. */
export interface Built {
  readonly model: Model
  readonly protocol: Protocol | TypesOnly
  readonly commands: ReadonlyMap<CommandModel, Command>
  readonly types: ReadonlyMap<string, NamedType>
  /** What could not be built as it was written. */
  readonly complaints: ReadonlyArray<Complaint>
}

/** A spec's model; `base` is the model of the protocol it extends. */
export const buildModel = (protocol: Protocol | TypesOnly, origin: Origin, base?: Model): Built => {
  const builder = new Builder(origin)
  const model = link(builder.protocol(protocol, base), base)
  return { model, protocol, commands: builder.commands, types: builder.values, complaints: builder.complaints }
}

/** Whether a type is declared by a name, with a comment of its own there. */
const isNamed = (type: Type): boolean => "name" in type || "brand" in type && type.brand !== undefined

/** The same in an encoding of text. */
const hexIn = (encoding: "ascii" | "latin1" | "utf16be" | "utf16le", text: Terminator): string =>
  encoding === "utf16be"
    ? terminatorHex(text).replaceAll(/../g, "00$&")
    : encoding === "utf16le"
    ? terminatorHex(text).replaceAll(/../g, "$&00")
    : terminatorHex(text)

const sized = ({ size, min, max, until, pad }: Sized, hex: (text: Terminator) => string = terminatorHex): SizedModel =>
  defined({
    size,
    min,
    max,
    until: until === undefined ? undefined : hex(until),
    pad: pad === undefined ? undefined : hex(pad)
  }) as SizedModel

const lengthModel = ({ absent, plus, unit }: LengthOptions & { readonly unit?: number }): LengthModel =>
  defined({ plus, absent, unit: unit === 1 ? undefined : unit }) as LengthModel

/** The code of a tag or opcode that may be spelled as a character. */
export const codeOf = (code: number | string): number => typeof code === "number" ? code : code.codePointAt(0) ?? 0

class Builder {
  private readonly origin: Origin
  readonly commands = new Map<CommandModel, Command>()
  readonly values = new Map<string, NamedType>()
  readonly complaints: Array<Complaint> = []
  private readonly types = new Map<string, NamedTypeModel>()
  /** Order of numbers that do not say theirs; none where a record is given it. */
  private order: ByteOrder | undefined = "big"
  /** Order of the protocol. */
  private own: ByteOrder = "big"
  private states: ReadonlySet<string> = new Set()
  /** The fields beside the one that is being built. */
  private siblings: Fields = {}
  private readonly brands = new Map<string, { readonly name: string; readonly doc?: string; readonly type: "number" | "bigint" }>()

  constructor(origin: Origin) {
    this.origin = origin
  }

  /**
   * The comment of a field. One that reaches a command through a function's argument is not found there: then the comment where its type
   * is made holds, of the constant or property. A comment where a type is only mentioned says nothing about others who mention it.
   */
  private docOf(type: Type, own: string | undefined): string | undefined {
    return own ?? (isNamed(type) ? undefined : this.origin.doc(type))
  }

  protocol(protocol: Protocol | TypesOnly, base: Model | undefined): Model {
    this.order = protocol.kind === "types" ? "big" : protocol.frame.byteOrder ?? "big"
    this.own = this.order ?? "big"
    this.states = new Set(protocol.kind === "types" ? [] : Object.keys(protocol.frame.states))
    for (const type of protocol.types ?? []) this.type(type)
    const frame: FrameModel = protocol.kind === "types"
      ? { name: protocol.name, sections: [], maxFrame: 0, kinds: [] }
      : base?.frame ?? buildFrame(protocol.frame, this.parts())
    for (const kind of frame.kinds) {
      const header = kind.headers[0]?.fields.flatMap((field) => field.role === "field" ? [{ name: field.name, type: field.type }] : []) ??
        []
      this.headers.set(kind.name, kind.run === undefined ? header : flatFields(kind.run.fields))
    }
    if (protocol.kind !== "types") {
      this.families = joinedFamilies(protocol.commands, (command) => familyName(this.origin.family(command) ?? "Commands"))
    }
    const commands = (protocol.kind === "types" ? [] : [
      ...protocol.commands.map((command) => this.command(command, protocol.frame)),
      ...(protocol.removes ?? []).flatMap((name) => removed(base, name))
    ])
      .sort((a, b) => compare(a.kinds.request, b.kinds.request) || a.opcode - b.opcode || compare(a.name, b.name))
    const statuses = protocol.kind === "types" ? [] : this.statuses(protocol.frame)
    // a state is what the base says it is, though nothing here asks its number
    const numbered = new Set([
      ...numberedStates([commands, [...this.types.values()], frame.kinds]),
      ...(base?.states ?? []).filter((state) => state.numbered === true).map(({ name }) => name)
    ])
    const states = protocol.kind === "types"
      ? []
      : Object.entries(protocol.frame.states).map(([name, doc]) =>
        defined({ name, doc, numbered: numbered.has(name) ? true as const : undefined }) as Model["states"][number]
      ).sort((a, b) => compare(a.name, b.name))
    const inherited = new Set(base === undefined ? [] : inheritedNames(base))
    return defined({
      format: 1,
      kind: "binary",
      name: protocol.name,
      module: protocol.module,
      base: base === undefined ? undefined : { name: base.name, module: base.module },
      frame,
      statuses,
      states,
      types: [...this.types.values()].filter((type) => !inherited.has(type.name)).sort((a, b) => compare(a.name, b.name)),
      brands: [...this.brands.values()].filter((brand) => !inherited.has(brand.name)).sort((a, b) => compare(a.name, b.name)),
      commands
    }) as Model
  }

  private statuses(frame: Frame): ReadonlyArray<StatusModel> {
    const table = frame.statuses
    if (table === undefined) return []
    return Object.entries(table.rows as { readonly [name: string]: { readonly code: number; readonly retry: StatusModel["retry"] } })
      .map(([name, { code, retry }]) => defined({ name, doc: this.origin.doc(table, [name]), code, retry }) as StatusModel)
      .sort((a, b) => a.code - b.code || compare(a.name, b.name))
  }

  /** What building a frame asks of the builder. */
  private parts(): Parts {
    return {
      doc: (of, path) => this.origin.doc(of, path),
      type: (type) => this.type(type),
      bits: (type, magic, docOf) => {
        this.magic = magic
        return this.type(type, docOf)
      },
      fields: (fields) => this.fields(fields, () => undefined),
      resolved: (fields) => resolveFields(fields, { named: (ref) => this.types.get(ref), states: this.states, outer: [] })
    }
  }

  /** Header fields by kind, for what packets say of them. */
  private readonly headers = new Map<string, ReadonlyArray<FieldModel>>()
  /** The module that each command is printed into. */
  private families: ReadonlyMap<Command, string> = new Map()
  /** Value of the magic in the bits that are being built. */
  private magic: number | undefined

  private command(command: Command, frame: Frame): CommandModel {
    const codes = new Map(
      Object.entries((frame.statuses?.rows ?? {}) as { readonly [name: string]: { readonly code: number } }).map((
        [name, row]
      ) => [name, row.code])
    )
    const responses = command.kinds.response === undefined ? [] : this.outcomes(command, codes)
    const model = defined({
      name: command.name,
      doc: this.origin.doc(command),
      family: this.families.get(command)!,
      opcode: codeOf(command.opcode ?? 0),
      isOpcodeless: command.opcode === undefined && hasNoOpcode(frame, command.kinds.request) ? true : undefined,
      header: command.header,
      // oxlint-disable-next-line unicorn/no-thenable
      then: command.then,
      label: command.label ?? upperSnake(command.name),
      sender: command.sender ?? "client",
      lifecycle: command.lifecycle ?? "active",
      answeredBy: command.answeredBy,
      unasked: command.unasked === true ? true : undefined,
      reply: command.reply ?? "one",
      last: command.last,
      quiet: command.quiet,
      kinds: command.kinds,
      request: this.layouts(command, command.request, ["request"]),
      responses,
      examples: (command.examples ?? []).map((example) =>
        defined({
          kind: example.kind ?? command.kinds.request,
          origin: example.origin,
          hex: "text" in example ? hexOf(new TextEncoder().encode(example.text)) : example.hex.replaceAll(/\s+/g, "").toLowerCase(),
          states: [...example.states ?? []].sort(compare),
          fields: example.fields
        })
      )
    }) as CommandModel
    this.commands.set(model, command)
    return model
  }

  private outcomes(command: Command, codes: ReadonlyMap<string, number>): ReadonlyArray<OutcomeModel> {
    const written = Object.entries(command.responses ?? { Success: {} }) as ReadonlyArray<[string, Body | Layouts | string]>
    return written.filter(([, content]) => typeof content !== "string").map(([name, content]) =>
      defined({
        name,
        doc: this.origin.doc(command, ["responses", name]),
        statuses: written.filter(([other, alias]) => other === name || alias === name)
          .map(([other]) => ({ name: other, code: codes.get(other) ?? 0 })).sort((a, b) => a.code - b.code),
        layouts: this.layouts(command, content as Body | Layouts, ["responses", name])
      }) as OutcomeModel
    ).sort((a, b) => a.statuses[0]!.code - b.statuses[0]!.code)
  }

  private layouts(command: Command, content: Body | Layouts, path: ReadonlyArray<string>): ReadonlyArray<LayoutModel> {
    if (!isLayouts(content)) return [{ sections: this.sections(command, content, path) }]
    return Object.entries(content.layouts).map(([name, body]) =>
      defined({
        name,
        doc: this.origin.doc(command, [...path, name]),
        sections: this.sections(command, body, [...path, name])
      }) as LayoutModel
    )
  }

  private sections(command: Command, body: Body, path: ReadonlyArray<string>): ReadonlyArray<SectionModel> {
    const sections = this.rawSections(command, body, path)
    const all = sections.flatMap((section) => section.fields)
    const outer = this.headers.get(command.kinds.request) ?? []
    const resolved = resolveFields(all, { named: (ref) => this.types.get(ref), states: this.states, outer })
    let from = 0
    return sections.map(({ section, fields }) => ({ section, fields: resolved.slice(from, from += fields.length) }))
  }

  /** The comment of a part of a command; `packet` has other names for what is a `request` in the model. */
  private docIn(command: Command, path: ReadonlyArray<string>): string | undefined {
    const [part, section, ...names] = path
    const own = this.origin.doc(command, path)
    if (own !== undefined || part !== "request") return own
    return this.origin.doc(command, ["body", ...path.slice(1)]) ??
      (section === undefined ? undefined : this.origin.doc(command, ["fields", ...names]))
  }

  private rawSections(command: Command, body: Body, path: ReadonlyArray<string>): ReadonlyArray<SectionModel> {
    this.siblings = Object.assign(
      {},
      ...Object.entries(body).map(([section, content]) => content === undefined ? {} : isType(content) ? { [section]: content } : content)
    ) as Fields
    return Object.entries(body).filter(([, content]) => content !== undefined).map(([section, content]) => ({
      section,
      fields: isType(content!)
        ? [
          defined({
            name: section,
            doc: this.docOf(content, this.docIn(command, [...path, section])),
            type: this.type(content, (...names) => this.docIn(command, [...path, section, ...names]))
          }) as FieldModel
        ]
        : this.fields(content!, (...names) => this.docIn(command, [...path, section, ...names]))
    }))
  }

  private fields(fields: Fields, docOf: DocOf): ReadonlyArray<FieldModel> {
    return Object.entries(fields).map(([name, type]) =>
      defined({
        name,
        doc: this.docOf(type, docOf(name)),
        type: this.type(type, (...inner) => docOf(name, ...inner) ?? docOf(...inner))
      }) as FieldModel
    )
  }

  /** Fields of a record, with what they say about each other resolved. */
  private record(fields: Fields, docOf: DocOf): ReadonlyArray<FieldModel> {
    const outer = this.siblings
    this.siblings = fields
    const raw = this.fields(fields, docOf)
    this.siblings = outer
    return resolveFields(raw, { named: (ref) => this.types.get(ref), states: this.states, outer: [] })
  }

  /** Runs with the order of a record. */
  private inOrder<A>(order: ByteOrder | "given" | undefined, run: () => A): A {
    const outer = this.order
    if (order !== undefined) this.order = order === "given" ? undefined : order
    const result = run()
    this.order = outer
    return result
  }

  private orderOf(type: { readonly order?: ByteOrder }): ByteOrder | undefined {
    const order = type.order ?? this.order
    // big-endian goes without saying, but where a record is given its order
    return order === "big" && this.order !== undefined ? undefined : order
  }

  private cases(
    of: object,
    cases: { readonly [name: string]: { readonly tag: number | string; readonly fields: Fields } }
  ): ReadonlyArray<CaseModel> {
    return Object.entries(cases).map(([name, { tag, fields }]) =>
      defined({
        name,
        doc: this.origin.doc(of, [name]),
        tag: codeOf(tag),
        fields: this.record(fields, (field) => this.origin.doc(of, [name, field]))
      }) as CaseModel
    ).sort((a, b) => a.tag - b.tag)
  }

  private named(type: NamedType): NamedTypeModel {
    const doc = this.origin.doc(type)
    switch (type.kind) {
      case "struct":
        return defined({
          kind: type.kind,
          name: type.name,
          doc,
          byteOrder: type.byteOrder ?? this.order ?? "big",
          fields: this.inOrder(type.byteOrder ?? this.own, () => this.record(type.fields, (name) => this.origin.doc(type, [name])))
        }) as NamedTypeModel
      case "choice":
        return defined({
          kind: type.kind,
          name: type.name,
          doc,
          ...(type.tag.kind === "by"
            ? { by: type.tag.field }
            : { tag: this.inOrder(type.byteOrder ?? this.own, () => this.type(type.tag as Type)) }),
          unknown: type.unknown,
          empty: type.empty,
          cases: this.inOrder(type.byteOrder ?? this.own, () => this.cases(type, type.cases))
        }) as NamedTypeModel
      case "nibbleFrames":
        return defined({ kind: type.kind, name: type.name, doc, cases: this.cases(type, type.cases) }) as NamedTypeModel
      case "flags":
        return defined({
          kind: type.kind,
          name: type.name,
          doc,
          int: type.of.int,
          unknown: type.unknown,
          bits: Object.entries(type.bits).map(([name, { bit }]) => defined({ name, doc: this.origin.doc(type, [name]), bit })).sort((
            a,
            b
          ) => a.bit - b.bit),
          exclusive: type.exclusive,
          requires: Object.entries(type.requires).map(([bit, needs]) => ({ bit, needs })).sort((a, b) => compare(a.bit, b.bit))
        }) as NamedTypeModel
      case "enumeration":
        return defined({
          kind: type.kind,
          name: type.name,
          doc,
          int: type.of.int,
          unknown: type.unknown,
          values: Object.entries(type.values).map(([name, value]) =>
            defined({ name, doc: this.origin.doc(type, [name]), value: codeOf(value) })
          ).sort((
            a,
            b
          ) => a.value - b.value)
        }) as NamedTypeModel
    }
  }

  private define(type: NamedType): void {
    const known = this.values.get(type.name)
    if (known === type) return
    if (known === undefined) {
      this.values.set(type.name, type)
      this.types.set(type.name, this.named(type))
    } else if (JSON.stringify(known) !== JSON.stringify(type)) {
      this.complaints.push({
        rule: "WW110",
        value: type,
        path: [],
        message: `another type is named ${type.name} and differs`,
        hint: "give one of them another name, or share one constant"
      })
    }
  }

  private brand(type: Type & { readonly brand?: string }, base: "number" | "bigint"): void {
    const known = type.brand === undefined ? undefined : this.brands.get(type.brand)
    if (known !== undefined && known.type !== base) {
      const [message, hint] = [
        `brand ${type.brand} is a ${known.type} elsewhere and a ${base} here`,
        "brand integers of one TypeScript type only"
      ]
      this.complaints.push({ rule: "WW111", value: type, path: [], message, hint })
    }
    if (type.brand !== undefined && known === undefined) {
      this.brands.set(
        type.brand,
        defined({ name: type.brand, doc: this.origin.doc(type), type: base }) as { name: string; type: "number" | "bigint" }
      )
    }
  }

  private number(type: NumberType): NumberModel {
    return this.type(type) as NumberModel
  }

  private escaped(type: Escaped): TypeModel {
    return {
      kind: "escaped",
      of: type.of.kind === "int" ? this.type(type.of) as IntModel : { kind: "slice", high: type.of.high, low: type.of.low },
      max: type.max,
      escapes: type.escapes.map(({ value, of }) => ({ value, of: this.type(of) as IntModel }))
    }
  }

  private bitField(name: string, field: BitField, doc: string | undefined): BitFieldModel {
    if (field.kind === "lengthOf" || field.kind === "countOf") {
      const { high, low } = field.of as Slice
      const measures = { counts: field.kind === "lengthOf" ? "bytes" : "elements", target: field.target, ...lengthModel(field) }
      return defined({ name, doc, high, low, measures }) as BitFieldModel
    }
    const role = field.kind === "opcode" || field.kind === "bodyLength" ? field.kind : undefined
    const inner = role === undefined && field.kind !== "magic" ? field : (field as { readonly of: unknown }).of as BitField
    const escaped = inner.kind === "escaped" ? inner : undefined
    const slice = (escaped?.of ?? inner) as {
      readonly high: number
      readonly low: number
      readonly of?: NamedType
      readonly value?: number
    }
    if (slice.of !== undefined) this.define(slice.of)
    return defined({
      name,
      doc,
      high: slice.high,
      low: slice.low,
      ref: slice.of?.name,
      value: field.kind === "magic" ? this.magic ?? 0 : slice.value,
      from: field.kind === "bodyLength" ? field.from : undefined,
      plus: field.kind === "bodyLength" ? field.plus : undefined,
      escaped: escaped === undefined ? undefined : this.escaped(escaped),
      role
    }) as BitFieldModel
  }

  private type(type: Type, docOf: DocOf = () => undefined): TypeModel {
    switch (type.kind) {
      case "int":
        this.brand(type, intSize(type.int) === 8 ? "bigint" : "number")
        return defined({
          kind: "int",
          int: type.int,
          order: intSize(type.int) === 1 ? undefined : this.orderOf(type),
          brand: type.brand
        }) as TypeModel
      case "float":
        return defined({ kind: "float", bits: type.bits, order: this.orderOf(type) }) as TypeModel
      case "varint":
        this.brand(type, type.bits === 64 ? "bigint" : "number")
        return { ...type }
      case "escaped":
        return this.escaped(type)
      case "decimal":
        return defined({ ...type, until: type.until === undefined ? undefined : terminatorHex(type.until) }) as TypeModel
      case "bytes":
      case "json":
        return { kind: type.kind, ...sized(type) }
      case "utf8":
        return { kind: "utf8", invalid: type.invalid, ...sized(type) }
      case "text":
        return { kind: "text", encoding: type.encoding, ...sized(type, (text) => hexIn(type.encoding, text)) }
      case "literal":
        return { kind: "literal", hex: terminatorHex(type.text) }
      case "bool":
        return { kind: "bool", true: terminatorHex(type.true), false: terminatorHex(type.false) }
      case "constant":
        return defined({
          kind: "constant",
          int: type.of.int,
          order: intSize(type.of.int) === 1 ? undefined : this.orderOf(type.of),
          value: typeof type.value === "bigint" ? String(type.value) : type.value
        }) as TypeModel
      case "reserved":
        return type.of.kind === "int"
          ? defined({
            kind: "reserved",
            int: type.of.int,
            order: intSize(type.of.int) === 1 ? undefined : this.orderOf(type.of),
            policy: type.policy
          }) as TypeModel
          : { kind: "reserved", size: type.of.size ?? 0, policy: type.policy }
      case "align":
        return type.policy === "ignore" ? { kind: "align", to: type.to, policy: type.policy } : { kind: "align", to: type.to }
      case "checksum":
        return defined({
          kind: "checksum",
          algorithm: type.algorithm,
          of: this.type(type.of) as IntModel,
          over: [...type.over],
          xor: type.xor
        }) as TypeModel
      case "custom":
        return defined({ ...type }) as TypeModel
      case "lengthOf":
        return { kind: "lengthOf", of: this.number(type.of as NumberType), target: type.target, ...lengthModel(type) }
      case "countOf":
        return { kind: "countOf", of: this.number(type.of as NumberType), target: type.target as string, ...lengthModel(type) }
      case "prefixed":
        return defined({
          kind: "prefixed",
          by: this.number(type.by),
          of: this.type(type.of, docOf),
          trailer: type.trailer === undefined ? undefined : terminatorHex(type.trailer),
          ...lengthModel(type)
        }) as TypeModel
      case "counted":
        return defined({
          kind: "counted",
          by: this.number(type.by),
          of: this.type(type.of),
          max: type.max,
          ...lengthModel(type)
        }) as TypeModel
      case "optional":
        return defined({ kind: "optional", of: this.type(type.of), requires: type.requires, if: this.condition(type) }) as TypeModel
      case "when":
        return defined({
          kind: "when",
          state: type.state,
          of: this.type(type.of),
          from: type.from,
          to: type.to,
          else: type.else === undefined ? undefined : this.type(type.else)
        }) as TypeModel
      case "array":
        return defined({
          kind: "array",
          of: this.type(type.of),
          min: type.min,
          max: type.max,
          until: type.until === undefined ? undefined : terminatorHex(type.until)
        }) as TypeModel
      case "bits":
        return {
          kind: "bits",
          of: this.type(type.of) as IntModel,
          fields: Object.entries(type.fields).map(([name, field]) => this.bitField(name, field, docOf(name)))
        }
      case "tokens":
        return defined({
          kind: "tokens",
          separator: terminatorHex(type.separator),
          until: type.until === undefined ? undefined : terminatorHex(type.until),
          rest: type.rest === true ? true : undefined,
          fields: this.fields(type.fields, docOf)
        }) as TypeModel
      case "lazy": {
        const of = type.of()
        this.define(of)
        return { kind: of.kind, ref: of.name, depth: type.maxDepth }
      }
      case "flags":
      case "enumeration":
        this.define(type)
        return defined({
          kind: type.kind,
          ref: type.name,
          order: intSize(type.of.int) === 1 ? undefined : this.orderOf(type.of)
        }) as TypeModel
      case "struct":
      case "choice":
      case "nibbleFrames":
        this.define(type)
        return { kind: type.kind, ref: type.name }
      default:
        return (wordOf(type as unknown as TypeModel) as Word).build!(type as never, terminatorHex)
    }
  }

  /** What tells whether an optional field is there; the bit of a flag is looked up by name where the flags are known. */
  private condition(type: Type & { readonly kind: "optional" }) {
    const { if: condition } = type
    if (condition === undefined || condition.kind === "valueOf") return condition
    if (condition.bit === undefined) return { kind: "bitOf" as const, field: condition.field }
    const flags = this.siblings[condition.field]
    const bit = flags?.kind === "flags" ? flags.bits[condition.bit]?.bit : undefined
    // what is not there is a finding
    return { kind: "bitOf" as const, field: condition.field, bit: bit ?? -1 }
  }
}

/** States of which a part of a model asks the number. */
const numberedStates = (parts: unknown): ReadonlySet<string> => {
  const found = new Set<string>()
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return
    const { kind, state, sibling, from, to, opcodeFrom } = value as { readonly [key: string]: unknown }
    if (kind === "when" && sibling !== true && (from !== undefined || to !== undefined)) found.add(state as string)
    if (typeof opcodeFrom === "string") found.add(opcodeFrom)
    for (const one of Object.values(value)) visit(one)
  }
  visit(parts)
  return found
}

/** A base's command as an extension has it that removes it: a row without examples, so that nothing else takes its place. */
const removed = (base: Model | undefined, name: string): ReadonlyArray<CommandModel> => {
  for (let model = base; model !== undefined; model = baseOf(model)) {
    const command = model.commands.find((one) => one.name === name)
    if (command !== undefined) return command.lifecycle === "removed" ? [] : [{ ...command, lifecycle: "removed", examples: [] }]
  }
  return []
}

/** Names of types and brands that a model's bases and it define. */
const inheritedNames = (model: Model): ReadonlyArray<string> => [
  ...model.types.map((type) => type.name),
  ...model.brands.map((brand) => brand.name),
  ...(baseOf(model) === undefined ? [] : inheritedNames(baseOf(model)!))
]
