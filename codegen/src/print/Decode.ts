/**
 * Prints the reading of a run of fields: a section of a packet, or a record.
 *
 * Every run of fixed-width fields is checked once against what surrounds it and then read without further checks. Positions are a local
 * name plus a constant, so that the generated code shows the layout. How one value is read, its word knows (`words`); here is what fields
 * say about each other: lengths, counts, presence, tags.
 */
import type { ByteOrder, ConditionModel, FieldModel, TypeModel } from "@wirewright/codec/Model"
import { isByLength, isPresenceByLength, reservedBit, type StateBit, stateBits } from "@wirewright/codec/words/Presence"
import { groupsFrom, measuredFields, upTo } from "@wirewright/codec/words/Records"
import { presences } from "@wirewright/codec/LayoutSizes"
import { unwrapped } from "@wirewright/codec/words/Sizes"
import { flatFields } from "@wirewright/codec/words/Word"
import { bytesOfDigits, textOfHex } from "@wirewright/codec/Hex"
import type { Module } from "../Module.ts"
import { capital, local, quote } from "../Names.ts"
import { wordOf } from "../words/index.ts"
import type { Named } from "../words/Word.ts"
import { codec } from "./Codec.ts"
import type { Context } from "./Context.ts"
import { numbersOf } from "./Literals.ts"
import { LocalNames } from "./LocalNames.ts"
import { assigned, Position } from "./Position.ts"

export { getInt } from "../words/Numbers.ts"

/** A length or count that was read: its expression, and when it is there. */
export interface Known {
  readonly value: string
  /** Condition under which it is not null; missing when it always is. */
  readonly present?: string
}

/** What the fields of one generated function say about each other, and the local names it has used. */
export class ReadScope extends LocalNames {
  readonly lengths = new Map<string, Known>()
  readonly counts = new Map<string, Known>()
  /** Expressions of tags, by the choice that they select from. */
  readonly tags = new Map<string, string>()
  /** Expressions of numbers, by field. */
  readonly numbers = new Map<string, string>()
  /** Presence bits that some states have no use for. */
  readonly bits: Array<StateBit> = []
  /** Where fields stand, for checksums and presence bits. */
  readonly places = new Map<string, readonly [at: string, end: string]>()
  /** Fields whose place somebody asks for. */
  readonly wanted = new Set<string>()
  /** Checksums of fields that have not all been read. */
  unverified: ReadonlyArray<{ readonly first: string; readonly last: string; readonly check: (from: string, to: string) => string }> = []
}

/** Surroundings of a run of fields. */
export interface Region {
  readonly module: Module
  readonly context: Context
  /** Name of the packet or record in errors. */
  readonly packet: string
  /** Where the run starts and ends: expressions. */
  readonly begin: string
  readonly end: string
  /** Path in errors when the run as a whole has a wrong length. */
  readonly path: string
  /** Expression that offsets in errors count from. */
  readonly origin: string
  /** Whether the run must fill `[begin, end)`. */
  readonly exact: boolean
  /** Argument that selects the byte order of numbers that do not say theirs, such as `littleEndian`; or nothing for big-endian. */
  readonly order?: string
  readonly scope: ReadScope
  /** Where the record begins, when that is not where offsets count from. */
  readonly record?: string
  /** Whether it is one of two ways. */
  readonly isBranch?: boolean
}

/** Statements, and the expression of each visible field. */
export interface Read {
  readonly lines: Array<string>
  readonly values: Map<string, string>
  /** Offset after the run. */
  readonly next: string
}

/** The position that an expression like `at + 1` says. */
const positionOf = (expression: string): Position => {
  const [base, offset] = expression.split(" + ")
  return new Position(base!, Number(offset ?? 0))
}

const inBrackets = (expression: string): string => /^\w+$/.test(expression) ? expression : `(${expression})`

/** Notes whose places the checksums and presence bits among fields ask for. */
export const wantPlaces = (scope: ReadScope, fields: ReadonlyArray<FieldModel>): void => {
  for (const bit of stateBits(fields)) {
    scope.wanted.add(bit.holder)
    scope.bits.push(bit)
  }
  for (const { type } of flatFields(fields)) {
    if (type.kind === "checksum") { for (const name of [type.over[0]!, type.over.at(-1)!]) scope.wanted.add(name) }
  }
}

/** Prints the reading of a run of fields. */
export const readFields = (fields: ReadonlyArray<FieldModel>, region: Region): Read => {
  wantPlaces(region.scope, fields)
  return new FieldReader(region).run(fields)
}

/** Prints the reading of fields one after another. */
export class FieldReader {
  readonly lines: Array<string> = []
  readonly values = new Map<string, string>()
  readonly module: Module
  readonly context: Context
  readonly packet: string
  /** Expression that offsets in errors count from. */
  readonly origin: string
  readonly scope: ReadScope
  at: Position
  private readonly region: Region

  constructor(region: Region, at: Position = positionOf(region.begin)) {
    this.region = region
    this.module = region.module
    this.context = region.context
    this.packet = region.packet
    this.origin = region.origin
    this.scope = region.scope
    this.at = at
  }

  get numbers(): Map<string, string> {
    return this.scope.numbers
  }

  /** Imports a function of the codec package. */
  use(name: string): string {
    return this.module.use(codec, name)
  }

  /** Packet and path as arguments. */
  where(path: string): string {
    return `${quote(this.packet)}, ${quote(path)}`
  }

  /** Offset in errors of an expression. */
  offset(at: string): string {
    return at === this.origin ? "0" : `${at} - ${this.origin}`
  }

  /** The position, to be subtracted. */
  grouped(): string {
    return inBrackets(String(this.at))
  }

  /** The position and more. */
  plus(size: number): string {
    return String(new Position(this.at.base, this.at.offset + size))
  }

  /** The whole number of an end that may be open. */
  floor(end: string): string {
    return this.region.exact || !/^end$/.test(end) ? end : "Math.floor(end)"
  }

  fresh(name: string): string {
    return this.scope.fresh(name)
  }

  /** Keeps a value in a constant and returns its name. */
  constant(name: string, expression: string): string {
    const fresh = this.fresh(name)
    this.lines.push(`const ${fresh} = ${expression}`)
    return fresh
  }

  advance(size: number): void {
    this.at = new Position(this.at.base, this.at.offset + size)
  }

  moveTo(base: string, offset = 0): void {
    this.at = new Position(base, offset)
  }

  /** Moves to where a function that sets `reader.next` has ended. */
  moveToNext(name: string): void {
    this.moveTo(this.constant(`after${capital(local(name === "" ? "element" : name))}`, "reader.next"))
  }

  /** Argument for the byte order of a number. */
  orderOf(order: ByteOrder | undefined): string | undefined {
    return order === "little" ? "true" : order === "big" ? undefined : this.region.order
  }

  /** Expression of where the packet or record begins. */
  get begin(): string {
    return this.region.record ?? this.origin
  }

  /** Numbers of the fields before, as an argument for code that is not generated. */
  siblings(): string {
    return this.numbers.size === 0
      ? ""
      : `, { ${[...this.numbers].map(([name, value]) => name === value ? name : `${name}: ${value}`).join(", ")} }`
  }

  /** What a record's reader depends on: byte order or connection states. */
  contextFor(type: TypeModel): string {
    if (this.context.needsStates(type)) return ", states"
    const struct = type.kind === "struct" ? this.context.named(type.ref) : undefined
    return struct?.kind === "struct" && struct.byteOrder === "given" ? `, ${this.region.order ?? "false"}` : ""
  }

  /** Bytes from the position on are there. */
  need(size: number, path: string, end: string): void {
    if (size === 0) return
    const at = String(this.at)
    this.lines.push(`${this.use("expectAtLeast")}(${end} - ${this.grouped()}, ${size}, ${this.where(path)}, ${this.offset(at)})`)
  }

  /** Name of the constant that holds where a terminator stands. */
  findUntil(until: string, field: Named, end: string, step = 1): string {
    const [a, b] = bytesOfDigits(until)
    const find = step > 1 || until.length > 4
      ? `${this.use("findText")}(reader, ${quote(textOfHex(until))}, ${step}`
      : until === "0d0a"
      ? `${this.use("findLine")}(reader`
      : b === undefined
      ? `${this.use("findByte")}(reader, ${a}`
      : `${this.use("findPair")}(reader, ${a}, ${b}`
    return this.constant(`${local(field.name)}End`, `${find}, ${this.at}, ${end}, ${this.origin}, ${this.where(field.path)})`)
  }

  /** Condition that bytes stand at the position, which are known to be there. */
  stand(hex: string, view = "view"): string {
    return numbersOf(hex).map(({ digits, offset, size }) => `${view}.getUint${size * 8}(${this.plus(offset)}) === 0x${digits}`).join(" && ")
  }

  /**
   * Checks that bytes stand at the position, and moves behind them. `first` is a check that the position is within `end`, which need not be
   * made where the bytes stand.
   */
  literal(hex: string, end: string, path: string, first?: string): void {
    const size = hex.length / 2
    const wrong = `(reader, ${this.at}, ${end}, ${quote(textOfHex(hex))}, ${this.origin}, ${this.where(path)})`
    const stands = `${end} - ${this.grouped()} >= ${size} && ${this.stand(hex)}`
    if (size > 16) this.lines.push(...(first === undefined ? [] : [first]), `${this.use("expectLiteral")}${wrong}`)
    else if (first === undefined) this.lines.push(`if (!(${stands})) ${this.use("wrongLiteral")}${wrong}`)
    else this.lines.push(`if (!(${stands})) {`, `  ${first}`, `  ${this.use("wrongLiteral")}${wrong}`, "}")
    this.advance(size)
  }

  /** Checks that a value is there when its size is fixed, and reads it. */
  value(type: TypeModel, field: Named, end: string): string | undefined {
    const size = this.context.fixedSize(type)
    if (size !== undefined) this.need(size, field.path, end)
    return wordOf(type).read(this, type, field, end)
  }

  /** A reader of the same function whose statements go elsewhere. */
  child(at: Position = new Position(this.at.base, this.at.offset)): FieldReader {
    return new FieldReader({ ...this.region, end: this.end, exact: false }, at)
  }

  run(fields: ReadonlyArray<FieldModel>): Read {
    const { context, region } = this
    if (fields.length === 0) {
      if (region.exact) this.exactly(0)
      return { lines: this.lines, values: this.values, next: region.begin }
    }
    if (isPresenceByLength(context, fields)) return this.byLength(fields)
    // what a length measures is checked against that, even where its size is always the same
    const measured = new Set([...measuredFields(fields), ...[...this.scope.lengths.keys()].flatMap((key) => key.split(" "))])
    const sizes = fields.map((field) => measured.has(field.name) ? undefined : context.fixedSize(field.type))
    const total = sizes.reduce<number | undefined>((sum, one) => sum === undefined || one === undefined ? undefined : sum + one, 0)
    if (region.exact && total !== undefined) {
      this.exactly(total)
      for (const field of fields) this.field(field)
      return { lines: this.lines, values: this.values, next: String(this.at) }
    }
    let checked = 0
    for (const [index, field] of fields.entries()) {
      if (sizes[index] === undefined) {
        this.variable(field, fields.slice(index + 1))
        continue
      }
      if (checked === 0) {
        let size = 0
        for (let i = index; i < fields.length && sizes[i] !== undefined; i++) {
          size += sizes[i]!
          checked++
        }
        this.need(size, region.path === "" ? field.name : region.path, region.end)
      }
      checked--
      this.field(field)
    }
    if (region.exact && String(this.at) !== region.end) {
      this.lines.push(`${this.use("expectEnd")}(${this.at}, ${region.end}, ${this.where(region.path)}, ${region.origin})`)
    }
    return { lines: this.lines, values: this.values, next: String(this.at) }
  }

  private exactly(size: number): void {
    const { begin, end, path } = this.region
    this.lines.push(`${this.use("expectLength")}(${end} - ${inBrackets(begin)}, ${size}, ${this.where(path)}, ${this.offset(begin)})`)
  }

  private keep(name: string, value: string | undefined): void {
    if (value !== undefined) this.values.set(name, value)
  }

  /** A field of fixed width, within a run that has been checked. */
  private field(field: FieldModel): void {
    const at = this.pinned(field.name)
    if (field.type.kind === "when") {
      this.measured(field, [])
      return this.place(field, at)
    }
    this.keep(field.name, wordOf(field.type).read(this, field.type, { ...field, path: field.name }, this.region.end))
    this.place(field, at)
  }

  /** The position of a field that a checksum covers, before it is read. */
  private pinned(name: string): string {
    return this.scope.wanted.has(name) ? String(this.at) : ""
  }

  private place({ name, type }: FieldModel, at: string): void {
    // within a branch positions are those of one way alone
    if (!this.scope.wanted.has(name) || this.region.isBranch === true) return
    // what takes all that is left ends half a byte after it when more may come
    const end = this.region.exact || this.context.ends(type) ? String(this.at) : `Math.floor(${this.at})`
    this.stands(name, at, end)
  }

  /** Says where something stands, and verifies the checksums that waited for that. */
  stands(name: string, at: string, end: string): void {
    this.scope.places.set(name, [at, end])
    const ready = this.scope.unverified
    this.scope.unverified = []
    for (const { check, first, last } of ready) this.verify(first, last, check)
  }

  /** Verifies a checksum from the beginning of one field to the end of another as soon as these are known. */
  verify(first: string, last: string, check: (from: string, to: string) => string): void {
    const from = this.scope.places.get(first)?.[0]
    const to = this.scope.places.get(last)?.[1]
    if (from !== undefined && to !== undefined) this.lines.push(check(from, to))
    else this.scope.unverified = [...this.scope.unverified, { first, last, check }]
  }

  /** Optional fields told apart by the run's length. */
  private byLength(fields: ReadonlyArray<FieldModel>): Read {
    const { context, module } = this
    const { begin, end, path } = this.region
    const first = fields.findIndex(isByLength)
    const behind = flatFields(fields.slice(first))
    const names = new Map<string, string>()
    for (const { name, type } of behind) {
      const inner = unwrapped(type)
      const variable = this.fresh(local(name))
      names.set(name, variable)
      if (inner.kind === "lengthOf" || inner.kind === "countOf") this.lines.push(`let ${variable} = 0`)
      else if (context.isVisible(inner)) {
        this.lines.push(`let ${variable}: ${context.typeText(module, inner)}${type.kind === "optional" ? " | undefined" : ""}`)
        this.values.set(name, variable)
      }
    }
    const cases = presences(context, fields)
    const branches: Array<string> = []
    for (const { present, size } of cases) {
      const known = [new Map(this.scope.lengths), new Map(this.scope.counts)] as const
      const inner = this.child(
        new Position(this.at.base, this.at.offset + fields.slice(0, first).reduce((sum, field) => sum + context.fixedSize(field.type)!, 0))
      )
      for (const field of fields.slice(first)) {
        if (field.type.kind === "optional" && !present.has(field.name)) continue
        inner.field({ ...field, type: field.type.kind === "optional" ? field.type.of : field.type })
      }
      branches.push(`  case ${size}:`, ...inner.lines.map((line) => `    ${line}`))
      for (const { name, type } of behind) {
        const of = unwrapped(type)
        const value = of.kind === "lengthOf" || of.kind === "countOf"
          ? inner.scope[of.kind === "lengthOf" ? "lengths" : "counts"].get(String(of.target))?.value
          : inner.values.get(name)
        if (value !== undefined && (type.kind !== "optional" || present.has(name))) branches.push(`    ${names.get(name)} = ${value}`)
      }
      branches.push("    break")
      // what this case has read, the others have not
      for (const [map, before] of [[this.scope.lengths, known[0]], [this.scope.counts, known[1]]] as const) {
        map.clear()
        for (const [key, value] of before) map.set(key, value)
      }
    }
    for (const { name, type } of behind) {
      const of = unwrapped(type)
      if (of.kind === "lengthOf") this.scope.lengths.set(String(of.target), { value: names.get(name)! })
      if (of.kind === "countOf") this.scope.counts.set(of.target, { value: names.get(name)! })
    }
    const sizes = cases.map(({ size }) => size)
    const expected = sizes.length === 1 ? `${sizes[0]} bytes` : `${sizes.slice(0, -1).join(", ")} or ${sizes.at(-1)} bytes`
    const length = `${this.region.exact ? end : this.floor(end)} - ${inBrackets(begin)}`
    this.lines.push(
      `switch (${length}) {`,
      ...branches,
      "  default:",
      this.region.exact
        ? `    return ${this.use("malformed")}("Length", ${this.where(path)}, ${this.offset(begin)}, ${quote(expected)}, ` +
          `\`\${${length}} bytes\`)`
        : `    return ${this.use("noLength")}(${end} - ${inBrackets(begin)}, ${sizes.at(-1)}, ${quote(expected)}, ${this.where(path)}, ${
          this.offset(begin)
        })`,
      "}"
    )
    for (const field of fields.slice(0, first)) this.field(field)
    return { lines: this.lines, values: this.values, next: end }
  }

  /** The end of a variable field: given by a length, or what is left minus the fields after it. */
  private limit(field: FieldModel, behind: ReadonlyArray<FieldModel>): string {
    const { end } = this
    const known = this.scope.lengths.get(field.name)
    const name = `${local(field.name)}End`
    const last = this.groups.at(-1)?.last
    const within = (limit: string): string => {
      this.lines.push(`${this.use("expectWithin")}(${limit}, ${end}, ${this.where(field.name)}, ${this.at}, ${this.origin})`)
      return limit
    }
    if (known !== undefined) return within(this.constant(name, `${this.at} + ${known.value}`))
    if (this.context.ends(field.type) || this.scope.counts.has(field.name)) return end
    let fixed = 0
    const lengths: Array<string> = []
    for (const one of last === field.name ? [] : upTo(behind, last)) {
      const size = this.context.fixedSize(one.type)
      const length = this.scope.lengths.get(one.name)
      if (length !== undefined) lengths.push(length.present === undefined ? length.value : `(${length.present} ? ${length.value} : 0)`)
      else if (size !== undefined) fixed += size
      else if (one.type.kind === "optional" && one.type.if !== undefined) {
        lengths.push(`(${this.holds(one.type.if)} ? ${this.context.fixedSize(one.type.of) ?? 0} : 0)`)
      }
    }
    if (fixed === 0 && lengths.length === 0) return end
    return within(this.constant(name, [this.floor(end), ...lengths, ...(fixed === 0 ? [] : [String(fixed)])].join(" - ")))
  }

  /** A field whose width the bytes tell. */
  private variable(field: FieldModel, behind: ReadonlyArray<FieldModel>): void {
    const { name } = field
    for (const bit of this.scope.bits) if (bit.fields.at(-1) === field) this.used(bit)
    for (const names of groupsFrom(this.scope.lengths.keys(), name)) this.group(names)
    const at = this.pinned(name)
    this.measured(field, behind)
    this.place(field, at)
    while (this.groups.at(-1)?.last === name) {
      const { end } = this.groups.pop()!
      if (String(this.at) !== end) {
        this.lines.push(`${this.use("expectEnd")}(${this.at}, ${end}, ${this.where(name)}, ${this.origin})`)
        this.moveTo(end)
      }
    }
  }

  /** Several fields that one length measures begin here. */
  private group(names: ReadonlyArray<string>): void {
    const key = names.join(" ")
    const { value } = this.scope.lengths.get(key)!
    const end = this.constant(`${local(names[0]!)}GroupEnd`, `${this.at} + ${value}`)
    this.lines.push(`${this.use("expectWithin")}(${end}, ${this.end}, ${this.where(names[0]!)}, ${this.at}, ${this.origin})`)
    this.scope.lengths.delete(key)
    this.groups.push({ last: names.at(-1)!, end })
  }

  /** What lengths of several fields surround, the innermost last. */
  private readonly groups: Array<{ readonly last: string; readonly end: string }> = []

  /** Where what surrounds the position ends. */
  private get end(): string {
    return this.groups.at(-1)?.end ?? this.region.end
  }

  private measured(field: FieldModel, behind: ReadonlyArray<FieldModel>): void {
    const { type, name } = field
    const known = this.scope.lengths.get(name) ?? this.scope.counts.get(name)
    if (known?.present !== undefined) {
      this.branch(field, unwrapped(type), known.present, behind, "null")
    } else if (type.kind === "when") {
      this.branch(field, type.of, this.inState(type), behind, "undefined", type.else)
    } else if (type.kind === "optional") {
      const condition = type.if === undefined ? `${this.end} - ${this.grouped()} >= 1` : this.holds(type.if)
      this.branch(field, type.of, condition, behind, "undefined")
    } else this.whole(field, behind)
  }

  /** A field that is there. */
  private whole(field: FieldModel, behind: ReadonlyArray<FieldModel>): void {
    const { name, type } = field
    const isMeasured = this.scope.lengths.has(name)
    const end = this.limit(field, behind)
    this.keep(name, this.value(type, { ...field, path: name }, end))
    if (isMeasured && String(this.at) !== end) {
      this.lines.push(`${this.use("expectEnd")}(${this.at}, ${end}, ${this.where(name)}, ${this.origin})`)
      this.moveTo(end)
    }
  }

  /** Checks that a presence bit is zero where no state has its fields. */
  private used(bit: StateBit): void {
    const { condition, fields, holder } = bit
    const states = (type: TypeModel): ReadonlyArray<string> => type.kind === "when" ? [this.inState(type), ...states(type.of)] : []
    const isUsed = [...new Set(fields.map(({ type }) => states(type).map((one) => fields.length > 1 ? `(${one})` : one).join(" && ")))]
      .join(" || ")
    const [place] = this.scope.places.get(holder)!
    this.lines.push(
      `${this.use("expectUsed")}(${this.holds(condition)}, ${isUsed}, ${this.where(condition.field)}, ${this.offset(place)}, ${
        quote(reservedBit(bit))
      })`
    )
  }

  private inState(type: TypeModel & { readonly kind: "when" }): string {
    const value = type.sibling === true ? this.scope.numbers.get(type.state) ?? "0" : `states.${type.state}`
    if (type.from === undefined && type.to === undefined) return type.sibling === true ? `${value} !== 0` : value
    const parts = [
      ...(type.from === undefined ? [] : [`${value} >= ${type.from}`]),
      ...(type.to === undefined ? [] : [`${value} <= ${type.to}`])
    ]
    return parts.join(" && ")
  }

  private holds(condition: ConditionModel): string {
    const value = this.scope.numbers.get(condition.field) ?? "0"
    if (condition.kind === "valueOf") return condition.values.map((one) => `${value} === ${one}`).join(" || ")
    return condition.bit === undefined ? `${value} !== 0` : `(${value} & ${2 ** condition.bit}) !== 0`
  }

  /** A field that is read in a block of its own, whose names shadow none outside. */
  private branch(
    field: FieldModel,
    type: TypeModel,
    condition: string,
    behind: ReadonlyArray<FieldModel>,
    otherwise: "undefined" | "null",
    alternative?: TypeModel
  ): void {
    const { context, module } = this
    const start = String(this.at)
    // a literal that may be missing is told by true
    const isMark = type.kind === "literal" && field.type.kind === "optional"
    const visible = isMark || context.isVisible(type)
    const texts = isMark
      ? ["boolean"]
      : [...new Set([type, ...(alternative === undefined ? [] : [alternative])].map((one) => context.typeText(module, one)))]
    const name = this.fresh(`maybe${capital(local(field.name))}`)
    const after = this.fresh(`afterMaybe${capital(local(field.name))}`)
    const hoisted: Array<string> = []
    const block = (of: TypeModel): Array<string> => {
      const known = { lengths: this.scope.lengths.get(field.name), counts: this.scope.counts.get(field.name) }
      for (const key of ["lengths", "counts"] as const) {
        if (known[key] !== undefined) this.scope[key].set(field.name, { value: known[key].value })
      }
      const inner = new FieldReader(
        { ...this.region, end: this.end, exact: false, isBranch: true },
        new Position(this.at.base, this.at.offset)
      )
      const before = new Map([...this.scope.lengths, ...this.scope.counts])
      if (context.fixedSize(of) !== undefined && known.lengths === undefined) {
        inner.need(context.fixedSize(of)!, field.name, this.end)
        inner.field({ ...field, type: of })
      } else inner.measured({ ...field, type: of }, behind)
      for (const map of [this.scope.lengths, this.scope.counts]) {
        for (const [target, one] of map) {
          if (before.get(target) === one) continue
          const outer = this.fresh(`${local(target.split(" ")[0]!)}Size`)
          hoisted.push(`let ${outer} = 0`)
          inner.lines.push(`${outer} = ${one.value}`)
          map.set(target, {
            ...one,
            value: outer,
            ...(one.present === undefined ? {} : { present: one.present.replaceAll(one.value, outer) })
          })
        }
      }
      const value = isMark ? "true" : inner.values.get(field.name)
      return assigned(inner.lines, [
        ...(String(inner.at) === start ? [] : [[after, String(inner.at)] as const]),
        ...(value === undefined ? [] : [[name, value] as const])
      ]).map((line) => `  ${line}`)
    }
    const length = otherwise === "null" ? undefined : (this.scope.lengths.get(field.name) ?? this.scope.counts.get(field.name))?.value
    const first = block(type)
    const second = alternative !== undefined
      ? block(alternative)
      : length === undefined
      ? []
      : [`  ${this.use("expectLength")}(${length}, 0, ${this.where(field.name)}, ${this.offset(start)})`]
    const mayBeMissing = alternative === undefined ? !isMark : context.isOptional(field.type)
    const initial = alternative !== undefined ? "" : isMark ? " = false" : otherwise === "null" ? " = null" : ""
    this.lines.push(
      ...hoisted,
      ...(visible
        ? [`let ${name}: ${[...texts, ...(mayBeMissing ? [otherwise] : [])].join(" | ")}${initial}`]
        : []),
      `let ${after} = ${start}`,
      `if (${condition}) {`,
      ...first,
      ...(second.length === 0 ? [] : ["} else {", ...second]),
      "}"
    )
    if (visible) this.values.set(field.name, name)
    this.moveTo(after)
  }
}
