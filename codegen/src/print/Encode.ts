/**
 * Prints the writing of a run of fields: a section of a packet, or a record.
 *
 * The caller has made room for the most the fields can take (`boundTerms`), so writing never allocates and never moves. `position` is the
 * generated function's running offset; runs of fixed-width fields are written at constants from it. Lengths are filled in behind the field
 * they measure.
 */
import type { FieldModel, IntName, TypeModel } from "@wirewright/codec/Model"
import type { Module } from "../Module.ts"
import { hex, integerLiteral, intSize, local } from "../Names.ts"
import { codec, type Context } from "./Context.ts"
import { presences } from "./Decode.ts"

/** Surroundings of a run of fields. */
export interface Target {
  readonly module: Module
  readonly context: Context
  /** Name of the packet or record in errors. */
  readonly packet: string
  /** Expression of the object that holds the fields. */
  readonly from: string
  readonly order?: string
  /** All fields of the packet by name, for lengths that point into another section. */
  readonly all: ReadonlyMap<string, TypeModel>
  /** Where the length of a field is to be filled in: name of the local that holds the offset, by field. */
  readonly slots: Map<string, { readonly at: string; readonly int: IntName }>
}

const quote = (text: string): string => JSON.stringify(text)

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
    const bound = boundOf(module, context, field.type, `${from}.${field.name}`)
    fixed += bound.fixed
    terms.push(...bound.terms)
  }
  return { fixed, terms }
}

const boundOf = (module: Module, context: Context, type: TypeModel, value: string): { fixed: number; terms: ReadonlyArray<string> } => {
  const fixed = context.fixedSize(type)
  if (fixed !== undefined) return { fixed, terms: [] }
  switch (type.kind) {
    case "uleb128":
    case "lengthOf":
    case "countOf":
      return { fixed: 5, terms: [] }
    case "bytes":
      return { fixed: 0, terms: [`${value}.length`] }
    case "utf8":
    case "json":
      return { fixed: 0, terms: [`${module.use(codec, "textBound")}(${value})`] }
    case "cstring":
      return { fixed: 1, terms: [`${module.use(codec, "textBound")}(${value})`] }
    case "optional":
    case "when": {
      const inner = boundOf(module, context, type.of, value)
      return { fixed: inner.fixed, terms: inner.terms.map((term) => `(${value} === undefined ? 0 : ${term})`) }
    }
    case "array": {
      const size = type.of.kind === "uleb128" ? 5 : context.fixedSize(type.of)
      return size !== undefined
        ? { fixed: 0, terms: [size === 1 ? `${value}.length` : `${value}.length * ${size}`] }
        : { fixed: 0, terms: [`${module.use(codec, "boundElements")}(${value}, ${boundName(module, context, type.of)})`] }
    }
    case "nibbleFrames":
      return { fixed: 0, terms: [`${module.use(codec, "boundElements")}(${value}, ${boundName(module, context, type)})`] }
    case "struct":
    case "choice":
      return { fixed: 0, terms: [`${boundName(module, context, type)}(${value})`] }
    default:
      return { fixed: 0, terms: [] }
  }
}

const boundName = (module: Module, context: Context, type: TypeModel): string => {
  const ref = (type as { readonly ref: string }).ref
  return module.use(context.from(ref), `bound${ref}`)
}

/** Sum of a bound as an expression. */
export const boundText = ({ fixed, terms }: { readonly fixed: number; readonly terms: ReadonlyArray<string> }): string =>
  [...(fixed > 0 || terms.length === 0 ? [String(fixed)] : []), ...terms].join(" + ")

/** Prints the writing of one section or record after another. */
export class FieldWriter {
  readonly lines: Array<string> = []
  private offset = 0
  private readonly target: Target

  constructor(target: Target) {
    this.target = target
  }

  /** Expression of the current offset. */
  get here(): string {
    return this.offset === 0 ? "position" : `position + ${this.offset}`
  }

  /** Keeps the current offset in a constant, and returns the name of the constant that holds it. */
  mark(name: string): string {
    const last = /^const (\w+) = (.*)$/.exec(this.lines.at(-1) ?? "")
    if (last !== null && last[2] === this.here) return last[1]!
    this.lines.push(`const ${name} = ${this.here}`)
    return name
  }

  /** Writes a run of fields. */
  fields(fields: ReadonlyArray<FieldModel>): void {
    const optionals = fields.filter((field) => field.type.kind === "optional" && field.type.requires !== undefined)
    for (const { name, type } of optionals) {
      const requires = (type as { readonly requires: string }).requires
      this.lines.push(
        `if (${this.value(name)} !== undefined && ${this.value(requires)} === undefined) ${this.use("unencodable")}("Missing", ${
          this.where(requires)
        }, ${quote(`a value, because ${name} has one`)}, "undefined")`
      )
    }
    for (const field of fields) this.field(field.name, field.type)
  }

  private use(name: string): string {
    return this.target.module.use(codec, name)
  }

  private value(name: string): string {
    return `${this.target.from}.${name}`
  }

  private where(path: string): string {
    return `${quote(this.target.packet)}, ${quote(path)}`
  }

  private put(int: IntName, at: string, value: string, path: string): string {
    const name = `put${int.toUpperCase()}`
    const order = this.target.order === undefined || intSize(int) === 1 ? "" : `, ${this.target.order}`
    return `${this.use(name)}(view, ${at}, ${value}, ${this.where(path)}${order})`
  }

  /** Moves `position` to where it is, so that what follows may depend on run-time sizes. */
  private advance(expression: string): void {
    this.lines.push(`position = ${expression}`)
    this.offset = 0
  }

  /** Fills in the length of a field that has just been written. */
  private measured(name: string, start: string, max: number | undefined): void {
    const slot = this.target.slots.get(name)
    if (max !== undefined) this.lines.push(`${this.use("checkAtMost")}(position - ${start}, ${max}, ${this.where(name)})`)
    if (slot !== undefined) this.lines.push(this.put(slot.int, slot.at, `position - ${start}`, name))
  }

  private needsStart(name: string, max: number | undefined): boolean {
    return max !== undefined || this.target.slots.has(name)
  }

  private fixedInt(int: IntName, value: string, path: string): void {
    this.lines.push(this.put(int, this.here, value, path))
    this.offset += intSize(int)
  }

  private field(name: string, type: TypeModel): void {
    const { context, module } = this.target
    const value = this.value(name)
    switch (type.kind) {
      case "int":
        return this.fixedInt(type.int, value, name)
      case "constant":
        return this.fixedInt(type.int, integerLiteral(type.int, type.value), name)
      case "reserved": {
        if (type.int !== undefined) {
          const zero = intSize(type.int) === 8 ? "0n" : "0"
          return this.fixedInt(type.int, type.policy === "keep" ? `${value} ?? ${zero}` : zero, name)
        }
        const size = type.size ?? 0
        this.lines.push(`bytes.fill(0, ${this.here}, ${this.here} + ${size})`)
        if (type.policy === "keep") {
          this.lines.push(
            `if (${value} !== undefined) {`,
            `  ${this.use("checkLength")}(${value}.length, ${size}, ${this.where(name)})`,
            `  bytes.set(${value}, ${this.here})`,
            "}"
          )
        }
        this.offset += size
        return
      }
      case "lengthOf":
        return this.length(name, type)
      case "countOf": {
        const count = `${this.value(type.target)}.length`
        if (type.int !== "uleb128") return this.fixedInt(type.int, count, type.target)
        return this.advance(`${this.use("writeUleb128")}(bytes, ${this.here}, ${count})`)
      }
      case "uleb128":
        return this.advance(`${this.use("writeUleb128")}(bytes, ${this.here}, ${this.use("checkUleb128")}(${value}, ${this.where(name)}))`)
      case "flags": {
        const flags = context.named(type.ref) as {
          readonly int: IntName
          readonly unknown: string
          readonly bits: ReadonlyArray<{ readonly bit: number }>
        }
        if (flags.unknown === "error") {
          const mask = flags.bits.reduce((sum, { bit }) => sum + 2 ** bit, 0)
          this.lines.push(
            `${this.use("checkKnown")}((${value} & ~${hex(mask)}) === 0, ${value}, ${this.where(name)}, ${
              quote(`bits within ${hex(mask)}`)
            })`
          )
        }
        return this.fixedInt(flags.int, value, name)
      }
      case "enumeration": {
        const { int, unknown, values } = context.named(type.ref) as {
          readonly int: IntName
          readonly unknown: string
          readonly values: ReadonlyArray<{ readonly value: number }>
        }
        if (unknown === "error") {
          this.lines.push(
            `${this.use("checkKnown")}(${module.use(context.from(type.ref), `is${type.ref}`)}(${value}), ${value}, ${this.where(name)}, ${
              quote(`one of ${values.map((one) => one.value).join(", ")}`)
            })`
          )
        }
        return this.fixedInt(int, value, name)
      }
      case "bytes":
      case "utf8":
      case "json":
        return this.text(name, type)
      case "cstring": {
        const start = this.mark(`${local(name)}From`)
        this.lines.push(`${this.use("checkNoNul")}(${value}, ${this.where(name)})`)
        this.advance(`${start} + ${this.use("encodeText")}(bytes, ${start}, ${value})`)
        if (type.max !== undefined) this.lines.push(`${this.use("checkAtMost")}(position - ${start}, ${type.max}, ${this.where(name)})`)
        this.lines.push("bytes[position] = 0")
        this.offset = 1
        return
      }
      case "array": {
        const start = this.needsStart(name, undefined) ? this.mark(`${local(name)}From`) : ""
        this.advance(
          `${this.use("writeElements")}(writer, ${this.here}, ${value}, ${quote(this.target.packet)}, ${quote(name)}, ${
            type.max ?? "Infinity"
          }, ${this.elementWriter(type.of)}${this.orderArgument}) `
            .trimEnd()
        )
        if (start !== "") this.measured(name, start, undefined)
        return
      }
      case "struct":
      case "choice": {
        const start = this.needsStart(name, undefined) ? this.mark(`${local(name)}From`) : ""
        this.advance(
          `${this.use("writeNested")}(writer, ${this.here}, ${value}, ${quote(this.target.packet)}, ${quote(name)}, ${
            module.use(context.from(type.ref), `write${type.ref}`)
          }${this.orderArgument})`
        )
        if (start !== "") this.measured(name, start, undefined)
        return
      }
      case "nibbleFrames":
        return this.advance(
          `${this.use("writeElements")}(writer, ${this.here}, ${value}, ${quote(this.target.packet)}, ${quote(name)}, Infinity, ${
            module.use(context.from(type.ref), `write${type.ref}`)
          })`
        )
      case "optional":
      case "when": {
        if (this.offset > 0) this.advance(this.here)
        const inner = new FieldWriter(this.target)
        inner.field(name, type.of)
        if (inner.offset > 0) inner.advance(inner.here)
        this.lines.push(`if (${value} !== undefined) {`, ...inner.lines.map((line) => `  ${line}`), "}")
        return
      }
    }
  }

  private get orderArgument(): string {
    return this.target.order === undefined ? "" : `, ${this.target.order}`
  }

  private length(name: string, type: TypeModel & { readonly kind: "lengthOf" }): void {
    if (type.int !== "uleb128") {
      const at = this.mark(`${local(name)}At`)
      this.target.slots.set(type.target, { at, int: type.int })
      this.offset += intSize(type.int)
      return
    }
    const target = this.target.all.get(type.target)
    const value = this.value(type.target)
    const size = target?.kind === "bytes" ? `${value}.length` : `${this.use("textLength")}(${value})`
    this.advance(`${this.use("writeUleb128")}(bytes, ${this.here}, ${size})`)
  }

  private text(name: string, type: TypeModel & { readonly kind: "bytes" | "utf8" | "json" }): void {
    const value = this.value(name)
    if (type.kind === "utf8" && type.invalid === "error") {
      this.lines.push(
        `if (${this.use("hasEscapes")}(${value})) ${this.use("unencodable")}("Utf8", ${
          this.where(name)
        }, "well-formed text", "lone surrogates")`
      )
    }
    if (type.size !== undefined && type.kind === "bytes") {
      this.lines.push(`${this.use("checkLength")}(${value}.length, ${type.size}, ${this.where(name)})`, `bytes.set(${value}, ${this.here})`)
      this.offset += type.size
      return
    }
    const max = type.size === undefined ? type.max : undefined
    const start = type.size !== undefined || this.needsStart(name, max) ? this.mark(`${local(name)}From`) : undefined
    const at = start ?? this.here
    this.advance(
      type.kind === "bytes"
        ? `${this.use("putBytes")}(bytes, ${at}, ${value})`
        : `${at} + ${this.use("encodeText")}(bytes, ${at}, ${value})`
    )
    if (type.size !== undefined) this.lines.push(`${this.use("checkLength")}(position - ${start}, ${type.size}, ${this.where(name)})`)
    else if (start !== undefined) this.measured(name, start, max)
  }

  private elementWriter(type: TypeModel): string {
    const { context, module } = this.target
    switch (type.kind) {
      case "int":
        return this.use(`write${type.int.toUpperCase()}`)
      case "uleb128":
        return this.use("writeUleb")
      case "flags":
      case "enumeration":
        return this.use(`write${(context.named(type.ref) as { readonly int: IntName }).int.toUpperCase()}`)
      default:
        return module.use(context.from((type as { readonly ref: string }).ref), `write${(type as { readonly ref: string }).ref}`)
    }
  }

  /** The offset behind everything, as an expression. */
  get end(): string {
    return this.here
  }
}

/** Whether writing these sets of optional fields could produce a length that means another set. */
export const ambiguousPresences = (context: Context, fields: ReadonlyArray<FieldModel>): ReadonlyArray<number> => {
  const sizes = presences(context, fields).map(({ size }) => size)
  return sizes.filter((size, index) => sizes.indexOf(size) !== index)
}
