/**
 * Prints the writing of a run of fields: a section of a packet, or a record.
 *
 * The caller has made room for the most the fields can take (`boundTerms`), so writing never allocates and never moves. `position` is the
 * generated function's running offset; runs of fixed-width fields are written at constants from it. Lengths are filled in after the field
 * they measure. How one value is written, its word knows (`words`); here is what fields say about each other.
 */
import { textOfHex } from "@wirewright/codec/Hex"
import type {
  ByteOrder,
  ConditionModel,
  FieldModel,
  IntName,
  LengthModel,
  NumberModel,
  SliceModel,
  TypeModel
} from "@wirewright/codec/Model"
import { isBigNumber } from "@wirewright/codec/words/Numbers"
import { isInAllStates } from "@wirewright/codec/words/Presence"
import { isNullable } from "@wirewright/codec/words/Records"
import { optionalIn, targetOf, unwrapped } from "@wirewright/codec/words/Sizes"
import { flatFields } from "@wirewright/codec/words/Word"
import type { Module } from "../Module.ts"
import { hex, intSize, local, quote } from "../Names.ts"
import { wordOf } from "../words/index.ts"
import { sizeBefore } from "../words/Lengths.ts"
import { getInt, putInt, writeNumber } from "../words/Numbers.ts"
import type { Bound, Named } from "../words/Word.ts"
import { codec } from "./Codec.ts"
import type { Context } from "./Context.ts"
import { numbersOf } from "./Literals.ts"
import { LocalNames } from "./LocalNames.ts"

/** Surroundings of a run of fields. */
export interface Target {
  readonly module: Module
  readonly context: Context
  /** Name of the packet or record in errors. */
  readonly packet: string
  /** Expression of the object that holds the fields. */
  readonly from: string
  readonly order?: string
  /** Expression of where the packet or record begins. */
  readonly begin: string
  readonly scope: WriteScope
}

/** A length that is to be filled in. */
interface Slot extends LengthModel {
  at: string
  /** Whether it is there in some packets only: then `at` is negative in the others. */
  isSometimes?: true
  readonly int: IntName
  readonly order: ByteOrder | undefined
  /** The bits that it has of the integer. */
  readonly bits?: Pick<SliceModel, "high" | "low">
}

/** A checksum that is to be written. */
interface Sum {
  readonly name: string
  readonly over: ReadonlyArray<string>
  readonly put: (from: string, to: string) => string
}

/** What the fields of one generated function say about each other, and the local names it has used. */
export class WriteScope extends LocalNames {
  /** Types of all fields of the packet by name, those of the header and of other sections included. */
  readonly all: ReadonlyMap<string, TypeModel>
  /** Lengths to be filled in, by what they measure. */
  readonly slots = new Map<string, Array<Slot>>()
  /** Where a group of fields that one length measures began. */
  readonly groups = new Map<string, string>()
  /** Fields that have been written elsewhere already: name of the local that holds their bytes. */
  readonly written = new Map<string, string>()
  /** Where fields stand, for checksums. */
  readonly places = new Map<string, [at: string, end: string]>()
  /** Expressions of fields that the caller does not give. */
  readonly values = new Map<string, string>()
  /** Fields with which what a checksum covers begins, and those with which it ends. */
  readonly firsts = new Set<string>()
  readonly lasts = new Set<string>()
  /** Checksums of fields that have not all been written. */
  incomplete: ReadonlyArray<Sum> = []
  /** Fields that hold lengths which are not filled in yet, with what these measure. */
  readonly open = new Map<string, ReadonlySet<string>>()

  constructor(fields: ReadonlyArray<FieldModel>, taken: Iterable<string> = []) {
    super(taken)
    const flat = flatFields(fields)
    this.all = new Map(flat.map((field) => [field.name, field.type]))
    for (const { type } of flat) {
      if (type.kind !== "checksum") continue
      this.firsts.add(type.over[0]!)
      this.lasts.add(type.over.at(-1)!)
    }
  }
}

/** Room that fields need at most: a number of bytes and expressions. */
export const boundTerms = (
  module: Module,
  context: Context,
  from: string,
  fields: ReadonlyArray<FieldModel>
): { fixed: number; terms: Array<string> } => {
  let fixed = 0
  const terms: Array<string> = []
  for (const field of fields) {
    const bound = context.bound(module, field.type, `${from}.${field.name}`)
    fixed += bound.fixed
    // a field that is null takes nothing
    const nullable = isNullable(fields, field.name)
    terms.push(...(nullable ? bound.terms.map((term) => `(${from}.${field.name} === null ? 0 : ${term})`) : bound.terms))
  }
  return { fixed, terms }
}

/** The states that a field is for, in words. */
const statesOf = (type: TypeModel): ReadonlyArray<string> =>
  type.kind === "when" ? [`${type.state} is ${type.from ?? ""}…${type.to ?? ""}`, ...statesOf(type.of)] : []

/** Sum of a bound as an expression. */
export const boundText = ({ fixed, terms }: Bound): string =>
  [...(fixed > 0 || terms.length === 0 ? [String(fixed)] : []), ...terms].join(" + ")

/** Prints the writing of one section or record after another. */
export class FieldWriter {
  readonly lines: Array<string> = []
  readonly module: Module
  readonly context: Context
  private offset = 0
  private readonly target: Target

  constructor(target: Target) {
    this.target = target
    this.module = target.module
    this.context = target.context
  }

  /** Expression of the object that holds the fields. */
  get from(): string {
    return this.target.from
  }

  /** Expression of where the packet or record begins. */
  get begin(): string {
    return this.target.begin
  }

  get places(): Map<string, [at: string, end: string]> {
    return this.target.scope.places
  }

  /** Fields whose places are kept: where they begin, and where they end. */
  get firsts(): Set<string> {
    return this.target.scope.firsts
  }

  get lasts(): Set<string> {
    return this.target.scope.lasts
  }

  /** Whether fields have been written, with the lengths and checksums among them. */
  isWritten(over: ReadonlyArray<string>): boolean {
    const { incomplete, open } = this.target.scope
    return this.places.has(over[0]!) && this.places.has(over.at(-1)!) &&
      !over.some((name) => open.has(name) || incomplete.some((one) => one.name === name))
  }

  /** Writes the checksum `name` of fields as soon as these have been written. */
  complete(name: string, over: ReadonlyArray<string>, put: (from: string, to: string) => string): void {
    this.target.scope.incomplete = [...this.target.scope.incomplete, { name, over, put }]
    this.completeAll()
  }

  /** Writes the checksums that wait for nothing more. */
  private completeAll(): void {
    const { scope } = this.target
    for (
      let ready: Sum | undefined;
      (ready = scope.incomplete.find(({ name, over }) => this.isWritten(over.filter((one) => one !== name))));
    ) {
      const { name, over, put } = ready
      scope.incomplete = scope.incomplete.filter((one) => one.name !== name)
      this.lines.push(put(this.places.get(over[0]!)![0], this.places.get(over.at(-1)!)![1]))
    }
  }

  /** Expression of the current offset. */
  get here(): string {
    return this.offset === 0 ? "position" : `position + ${this.offset}`
  }

  /** Keeps the current offset in a constant, and returns the name of the constant that holds it: one like `name` that nothing has yet. */
  mark(name: string): string {
    const last = /^const (\w+) = (.*)$/.exec(this.lines.at(-1) ?? "")
    return last !== null && last[2] === this.here ? last[1]! : this.constant(name, this.here)
  }

  /** Keeps a value in a constant and returns its name. */
  constant(name: string, expression: string): string {
    const fresh = this.fresh(name)
    this.lines.push(`const ${fresh} = ${expression}`)
    return fresh
  }

  fresh(name: string): string {
    return this.target.scope.fresh(name)
  }

  skip(size: number): void {
    this.offset += size
  }

  /** Moves `position` to where it is, so that what follows may depend on run-time sizes. */
  advance(expression: string): void {
    this.lines.push(`position = ${expression}`)
    this.offset = 0
  }

  /** Makes `position` the current offset. */
  settle(): void {
    if (this.offset > 0) this.advance(this.here)
  }

  /** Imports a function of the codec package. */
  use(name: string): string {
    return this.module.use(codec, name)
  }

  /** Packet and path as arguments. */
  where(path: string): string {
    return `${quote(this.target.packet)}, ${quote(path)}`
  }

  orderOf(order: ByteOrder | undefined): string | undefined {
    return order === "little" ? "true" : order === "big" ? undefined : this.target.order
  }

  /** What a record's writer depends on: byte order or connection states. */
  contextFor(type: TypeModel): string {
    if (this.context.needsStatesToWrite(type)) return ", states"
    const struct = type.kind === "struct" ? this.context.named(type.ref) : undefined
    return struct?.kind === "struct" && struct.byteOrder === "given" ? `, ${this.target.order ?? "false"}` : ""
  }

  /** Expression of a field's value. */
  value(name: string): string {
    return this.target.scope.values.get(name) ?? `${this.target.from}.${name}`
  }

  /** Expression of a field's value as a number, also of one that callers do not give. */
  number(name: string): string {
    const type = this.target.scope.all.get(name)
    if (type?.kind === "tagOf") return this.tagOf(type.target)
    const big = (type?.kind === "int" || type?.kind === "varint" || type?.kind === "escaped" || type?.kind === "decimal") &&
      isBigNumber(type)
    return big ? `Number(${this.value(name)})` : this.value(name)
  }

  /** Expression of the tag of a choice. */
  tagOf(name: string): string {
    const choice = this.choiceOf(name)
    return `${this.module.use(this.context.from(choice), `tagOf${choice}`)}(${this.value(name)})`
  }

  /** Whether a caller may leave a field out. */
  isOptional(name: string): boolean {
    const type = this.target.scope.all.get(name)
    return type !== undefined && this.context.isOptional(type)
  }

  /** Name of the choice that a field is. */
  choiceOf(name: string): string {
    let type = unwrapped(this.target.scope.all.get(name)!)
    while (type.kind === "prefixed") type = unwrapped(type.of)
    return (type as { readonly ref: string }).ref
  }

  /** When an optional field is there that callers do not give: when its condition holds, or with what it measures. */
  presenceOf(type: TypeModel & { readonly kind: "optional" }): string {
    const { if: condition, of } = type
    if (condition?.kind === "valueOf") return this.hasValue(condition)
    if (condition?.kind === "bitOf") {
      const { field, bit } = condition
      return this.someThere(this.visible(this.saidBy(field).get(bit) ?? []))
    }
    const target = targetOf(of)
    return target === undefined ? "true" : this.isThere(target)
  }

  /** Whether a sibling has one of the values with which a field is there. */
  hasValue({ field, values }: Extract<ConditionModel, { readonly kind: "valueOf" }>): string {
    const number = this.number(field)
    return values.map((one) => `${number} === ${one}`).join(" || ")
  }

  /** Whether the connection or a sibling is in the state that a field is for. */
  inState(type: TypeModel & { readonly kind: "when" }): string {
    const number = type.sibling === true ? this.number(type.state) : `states.${type.state}`
    if (type.from === undefined && type.to === undefined) return type.sibling === true ? `${number} !== 0` : number
    return [
      ...(type.from === undefined ? [] : [`${number} >= ${type.from}`]),
      ...(type.to === undefined ? [] : [`${number} <= ${type.to}`])
    ].join(" && ")
  }

  /** Fields of whose presence the bits of a field tell, by bit; by nothing for a slice. */
  private saidBy(field: string): ReadonlyMap<number | undefined, ReadonlyArray<string>> {
    const bits = new Map<number | undefined, Array<string>>()
    for (const [name, type] of this.target.scope.all) {
      const condition = optionalIn(type)?.if
      if (condition?.kind !== "bitOf" || condition.field !== field) continue
      bits.set(condition.bit, [...bits.get(condition.bit) ?? [], name])
    }
    return bits
  }

  /** Flags with the bits that say which fields are there. */
  withPresenceBits(field: string, value: string): string {
    const bits = [...this.saidBy(field)].flatMap(([bit, names]) => bit === undefined ? [] : [{ mask: 2 ** bit, names }])
    if (bits.length === 0) return value
    const mask = bits.reduce((sum, bit) => sum + bit.mask, 0)
    const set = bits.map((bit) => ` | (${this.presence(bit.names)} ? ${hex(bit.mask)} : 0)`).join("")
    return `(${this.use("checkBits")}(${value}, ${2 ** 32 - 1}, ${this.where(field)}) & ~${hex(mask)}${set}) >>> 0`
  }

  /** Whether an optional field is there, as an expression. */
  isThere(name: string): string {
    const type = this.target.scope.all.get(name)!
    const given = optionalIn(type)?.of.kind === "literal" ? `${this.value(name)} === true` : `${this.value(name)} !== undefined`
    // something else may stand in its place
    return type.kind === "when" && type.else !== undefined && !isInAllStates(type) ? `${this.states(type).join(" && ")} && ${given}` : given
  }

  /** The states that a field is for, as far as encoders are told of them. */
  private states(type: TypeModel): ReadonlyArray<string> {
    if (type.kind !== "when" || isInAllStates(type)) return []
    return [...this.context.saysState(type) ? [] : [this.inState(type)], ...this.states(type.of)]
  }

  private visible(names: ReadonlyArray<string>): ReadonlyArray<string> {
    return names.filter((name) => this.context.isVisible(this.target.scope.all.get(name)!))
  }

  /** Whether one of several fields is there; of those in all states, the first stands for all. */
  private someThere(names: ReadonlyArray<string>): string {
    const always = names.find((name) => isInAllStates(this.target.scope.all.get(name)!))
    if (always !== undefined) return this.isThere(always)
    return names.length === 0 ? "false" : `(${names.map((name) => this.isThere(name)).join(" || ")})`
  }

  /** Whether fields are there that one bit tells of; prints the checks that they are there together. */
  presence(names: ReadonlyArray<string>): string {
    const types = this.target.scope.all
    const own = this.visible(names)
    const there = this.someThere(own)
    // a field of some states says nothing in the others
    const first = own.find((name) => isInAllStates(types.get(name)!))
    const told = new Map<string, string>()
    for (const name of own.filter((one) => one !== first)) {
      const type = types.get(name)!
      const isThere = this.isThere(name)
      const states = this.states(type)
      // that a field is given says that the state is on, and so does another of the same state
      const state = type.kind === "when" && states.length === 0 ? type.state : undefined
      const other = state === undefined ? undefined : told.get(state)
      if (state !== undefined && other === undefined) told.set(state, name)
      if (first === undefined && (own.length === 1 || state !== undefined && other === undefined)) continue
      const expected = other !== undefined
        ? this.isThere(other)
        : [...state === undefined ? states : [isThere], there].join(" && ")
      const others = other ?? first ?? own.filter((one) => one !== name).join(" or ")
      const when = [...state === undefined ? statesOf(type) : [], `${others} is there`].join(" and ")
      this.lines.push(`${this.use("checkPresence")}(${isThere}, ${expected}, ${this.where(name)}, ${quote(when)})`)
    }
    return there
  }

  /** Writes bytes that are always the same. */
  literal(hex: string): void {
    if (hex.length > 32) return this.advance(`${this.use("putLiteral")}(bytes, ${this.here}, ${quote(textOfHex(hex))})`)
    for (const { digits, size } of numbersOf(hex)) {
      this.lines.push(size === 1 ? `bytes[${this.here}] = 0x${digits}` : `view.setUint${size * 8}(${this.here}, 0x${digits})`)
      this.skip(size)
    }
  }

  /** A writer of the same function whose statements go elsewhere. */
  child(): FieldWriter {
    return new FieldWriter(this.target)
  }

  /** Writes in a block, or in one of two. */
  branch(condition: string, write: (inner: FieldWriter) => void, otherwise?: (inner: FieldWriter) => void): void {
    this.settle()
    const block = (run: (inner: FieldWriter) => void): Array<string> => {
      const inner = this.child()
      const before = new Set([...this.target.scope.slots.values()].flat())
      run(inner)
      inner.settle()
      for (const [target, slots] of this.target.scope.slots) {
        for (const slot of slots) {
          if (before.has(slot)) continue
          const outer = this.fresh(`${local(target.split(" ")[0]!)}Slot`)
          this.lines.push(`let ${outer} = -1`)
          inner.lines.push(`${outer} = ${slot.at}`)
          slot.at = outer
          slot.isSometimes = true
        }
      }
      return inner.lines.map((line) => `  ${line}`)
    }
    const first = block(write)
    const second = otherwise === undefined ? [] : ["} else {", ...block(otherwise)]
    this.lines.push(`if (${condition}) {`, ...first, ...second, "}")
  }

  /** Writes a value. */
  write(type: TypeModel, field: Named, value: string): void {
    wordOf(type).write(this, type, field, value)
  }

  /** Writes a run of fields. */
  fields(fields: ReadonlyArray<FieldModel>): void {
    for (const { name, type } of flatFields(fields)) {
      const requires = optionalIn(type)?.requires
      if (requires === undefined) continue
      this.lines.push(
        `if (${this.value(name)} !== undefined && ${this.value(requires)} === undefined) ${this.use("unencodable")}("Missing", ${
          this.where(requires)
        }, ${quote(`a value, because ${name} has one`)}, "undefined")`
      )
    }
    for (const field of fields) this.field(field)
  }

  private field(field: FieldModel): void {
    const { scope } = this.target
    const { name, type } = field
    const isFirst = scope.firsts.has(name)
    const isLast = scope.lasts.has(name)
    const from = isFirst ? this.mark(`${local(name)}Begin`) : ""
    for (const targets of scope.slots.keys()) {
      const names = targets.split(" ")
      if (names.length > 1 && names[0] === name) scope.groups.set(targets, this.mark(`${local(name)}Group`))
    }
    this.measured(field, type)
    for (const [targets, start] of scope.groups) {
      if (targets.split(" ").at(-1) === name) this.fill(targets, start, name)
    }
    if (isFirst || isLast) this.stands(name, from, isLast ? this.mark(`${local(name)}Finish`) : from)
    this.close(name)
  }

  /** Says where something stands, and writes the checksums that waited for that. */
  stands(name: string, at: string, end: string): void {
    const { scope } = this.target
    scope.places.set(name, [at, end])
    this.completeAll()
  }

  /** Lengths whose last field is this one have been filled in. */
  private close(name: string): void {
    const { scope } = this.target
    const before = scope.open.size
    for (const [holder, targets] of scope.open) {
      const rest = [...targets].filter((key) => key.split(" ").at(-1) !== name)
      if (rest.length === 0) scope.open.delete(holder)
      else scope.open.set(holder, new Set(rest))
    }
    if (scope.open.size < before) this.completeAll()
  }

  private measured(field: FieldModel, type: TypeModel): void {
    const { name } = field
    const { scope } = this.target
    const value = this.value(name)
    const slots = scope.slots.get(name)
    const nullable = this.isNull(name)
    const whole = (inner: FieldWriter, of: TypeModel): void => {
      const written = scope.written.get(name)
      if (written !== undefined) return inner.advance(`${inner.use("putBytes")}(bytes, ${inner.here}, ${written}, ${inner.where(name)})`)
      const start = slots === undefined ? "" : inner.mark(`${local(name)}From`)
      inner.write(of, { ...field, path: name }, value)
      if (slots !== undefined) {
        inner.settle()
        inner.fill(name, start, name)
      }
    }
    if (nullable) {
      return this.branch(`${value} === null`, (inner) => {
        for (const slot of slots ?? []) inner.lines.push(inner.slotText(slot, String(slot.absent ?? 0), name))
      }, (inner) => whole(inner, type))
    }
    if (slots === undefined || type.kind !== "optional" && type.kind !== "when") return whole(this, type)
    if (type.kind === "optional" && type.if?.kind !== "valueOf") {
      // what measures it is written all the same when it is not there
      const always = slots.filter((slot) => slot.isSometimes !== true)
      for (const slot of always) this.lines.push(this.slotText(slot, String(slot.plus ?? 0), name))
      this.settle()
      return this.branch(`${value} !== undefined`, (inner) => whole(inner, type.of))
    }
    whole(this, type)
  }

  /** Whether a length or count says that a field may be null. */
  private isNull(name: string): boolean {
    return isNullable([...this.target.scope.all].map(([key, type]) => ({ name: key, type })), name)
  }

  private slotText(slot: Slot, value: string, name: string): string {
    const number = intSize(slot.int) === 8 ? (/^\d+$/.test(value) ? `${value}n` : `BigInt(${value})`) : value
    const put = slot.bits === undefined
      ? putInt(this, slot.int, slot.order, slot.at, number, name)
      : this.sliceText(slot, slot.bits, value, name)
    return slot.isSometimes === true ? `if (${slot.at} >= 0) ${put}` : put
  }

  /** Puts a number into the bits of an integer that has been written. */
  private sliceText(slot: Slot, { high, low }: Pick<SliceModel, "high" | "low">, value: string, name: string): string {
    const size = intSize(slot.int)
    const max = 2 ** (high - low + 1) - 1
    const others = `0x${((1n << BigInt(size * 8)) - 1n & ~(BigInt(max) << BigInt(low))).toString(16)}`
    const get = getInt(this.module, slot.int, slot.at, this.orderOf(slot.order))
    const number = `${this.use("checkBits")}(${value}, ${hex(max)}, ${this.where(name)})`
    const whole = size === 8
      ? `${get} & ${others}n | BigInt(${number}) << ${low}n`
      : `(${get} & ${others} | ${number}${low === 0 ? "" : ` << ${low}`}) >>> 0`
    return putInt(this, slot.int, slot.order, slot.at, whole, name)
  }

  /** Fills in the lengths of what has just been written. */
  private fill(targets: string, start: string, name: string): void {
    this.settle()
    for (const slot of this.target.scope.slots.get(targets) ?? []) {
      const { plus = 0 } = slot
      const length = `${this.inUnits(`position - ${start}`, slot, name)}${plus === 0 ? "" : ` ${plus < 0 ? "-" : "+"} ${Math.abs(plus)}`}`
      this.lines.push(this.slotText(slot, length, name))
    }
  }

  /** A number of bytes as a number of units. */
  private inUnits(length: string, { unit = 1 }: LengthModel, name: string): string {
    return unit === 1 ? length : `${this.use("inUnits")}(${length}, ${unit}, ${this.where(name)})`
  }

  /** Notes that a length is to be filled in. */
  slot(
    holder: string,
    { absent, plus, target, unit }: LengthModel & { readonly target: string | ReadonlyArray<string> },
    place: Slot
  ): void {
    const { open, slots } = this.target.scope
    const key = typeof target === "string" ? target : target.join(" ")
    const slot: Slot = {
      ...place,
      ...(plus === undefined ? {} : { plus }),
      ...(absent === undefined ? {} : { absent }),
      ...(unit === undefined ? {} : { unit })
    }
    slots.set(key, [...slots.get(key) ?? [], slot])
    open.set(holder, new Set([...open.get(holder) ?? [], key]))
  }

  /** Writes the length of siblings: a place to be filled in, or their size when that is known. */
  length(type: TypeModel & { readonly kind: "lengthOf" }, field: Named): void {
    const targets = typeof type.target === "string" ? [type.target] : type.target
    if (type.of.kind === "int") {
      const { int, order } = type.of
      this.slot(field.name, type, { at: this.mark(`${local(field.name)}At`), int, order })
      return this.skip(intSize(int))
    }
    const sizes = targets.map((target) => this.sizeOf(target))
    const sum = this.inUnits(sizes.join(" + "), type, targets[0]!)
    const { plus = 0 } = type
    const length = plus === 0 ? sum : `${sum} ${plus < 0 ? "-" : "+"} ${Math.abs(plus)}`
    const value = type.absent === undefined ? length : `${this.value(targets[0]!)} === null ? ${type.absent} : ${length}`
    writeNumber(this, type.of as NumberModel, { ...field, path: targets[0]! }, isBigNumber(type.of) ? `BigInt(${value})` : value)
  }

  /** Expression of the size of a field; one that is not known before it is written is written elsewhere. */
  private sizeOf(target: string): string {
    const { scope } = this.target
    const type = scope.all.get(target)!
    const of = unwrapped(type)
    const value = this.value(target)
    const known = sizeBefore(this, of, value)
    const isNull = this.isNull(target)
    const optional = type.kind === "optional" || type.kind === "when"
    const missing = [...(optional ? [`${value} === undefined`] : []), ...(isNull ? [`${value} === null`] : [])].join(" || ")
    if (known !== undefined) return missing === "" ? known : `(${missing} ? 0 : ${known})`
    let bytes = scope.written.get(target)
    if (bytes === undefined) {
      const inner = this.child()
      inner.write(of, { name: target, path: target }, value)
      inner.settle()
      bytes = this.fresh(`${local(target)}Bytes`)
      const bound = boundText(this.context.bound(this.module, of, value))
      this.lines.push(
        `const ${bytes} = ${this.use("writtenApart")}(${missing === "" ? "" : `${missing} ? 0 : `}${bound}, (writer) => {`,
        "  const { bytes, view } = writer",
        "  void bytes, view",
        "  let position = 0",
        ...(missing === "" ? [] : [`  if (${missing}) return 0`]),
        ...inner.lines.map((line) => `  ${line}`),
        "  return position",
        "})"
      )
      scope.written.set(target, bytes)
    }
    return `${bytes}.length`
  }

  /** Expression that offsets count from. */
  get origin(): string {
    return this.target.begin
  }

  /** The offset after everything, as an expression. */
  get end(): string {
    return this.here
  }
}
