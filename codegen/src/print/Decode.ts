/**
 * Prints the reading of a run of fields: a section of a packet, or a record.
 *
 * Every run of fixed-width fields is checked once against what surrounds it and then read without further checks. Positions are a local
 * name plus a constant, so that the generated code shows the layout.
 */
import type { FieldModel, IntName, TypeModel } from "@wirewright/codec/Model"
import type { Module } from "../Module.ts"
import { hex, integerLiteral, intSize, local } from "../Names.ts"
import { codec, type Context } from "./Context.ts"

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
  /** Argument that selects the byte order, such as `littleEndian`, or nothing for big-endian. */
  readonly order?: string
  /** Lengths read so far, by the field they belong to: name of the local that holds it. */
  readonly lengths: Map<string, string>
  readonly counts: Map<string, string>
}

/** Statements, and the expression of each visible field. */
export interface Read {
  readonly lines: Array<string>
  readonly values: Map<string, string>
  /** Offset behind the run. */
  readonly next: string
}

const quote = (text: string): string => JSON.stringify(text)

/** Where a run of fields stands: a name and a constant. */
class Position {
  base: string
  offset = 0
  constructor(base: string) {
    this.base = base
  }
  toString(): string {
    return this.offset === 0 ? this.base : `${this.base} + ${this.offset}`
  }
  move(base: string, offset = 0): void {
    this.base = base
    this.offset = offset
  }
}

/** Expression that reads an integer. */
export const getInt = (module: Module, int: IntName, at: string, order: string | undefined): string => {
  const le = order === undefined || intSize(int) === 1 ? "" : `, ${order}`
  switch (int) {
    case "u8":
      return `view.getUint8(${at})`
    case "u16":
      return `view.getUint16(${at}${le})`
    case "u24":
      return `${module.use(codec, "getU24")}(view, ${at}${le})`
    case "u32":
      return `view.getUint32(${at}${le})`
    case "u64":
      return `view.getBigUint64(${at}${le})`
    case "i8":
      return `view.getInt8(${at})`
    case "i16":
      return `view.getInt16(${at}${le})`
    case "i32":
      return `view.getInt32(${at}${le})`
    case "i64":
      return `view.getBigInt64(${at}${le})`
  }
}

/** Sets of optional fields that may be present together, each with its total size. */
export const presences = (
  context: Context,
  fields: ReadonlyArray<FieldModel>
): ReadonlyArray<{ readonly present: ReadonlySet<string>; readonly size: number }> => {
  const optionals = fields.filter((field) => field.type.kind === "optional")
  const fixed = fields.reduce((sum, field) => sum + (field.type.kind === "optional" ? 0 : context.fixedSize(field.type) ?? 0), 0)
  const out: Array<{ readonly present: ReadonlySet<string>; readonly size: number }> = []
  for (let mask = 0; mask < 2 ** optionals.length; mask++) {
    const chosen = optionals.filter((_, index) => (mask & 1 << index) !== 0)
    const present = new Set(chosen.map((field) => field.name))
    if (chosen.some((field) => field.type.kind === "optional" && field.type.requires !== undefined && !present.has(field.type.requires))) {
      continue
    }
    const size = chosen.reduce((sum, field) => sum + (field.type.kind === "optional" ? context.fixedSize(field.type.of) ?? 0 : 0), fixed)
    out.push({ present, size })
  }
  return out.sort((a, b) => a.size - b.size)
}

/** Whether the presence of optional fields follows from the length of the whole run, rather than from there being more bytes. */
export const isPresenceByLength = (context: Context, fields: ReadonlyArray<FieldModel>): boolean =>
  fields.filter((field) => field.type.kind === "optional").length > 1 ||
  fields.some((field, index) => field.type.kind === "optional" && index < fields.length - 1)

/** Prints the reading of a run of fields. */
export const readFields = (fields: ReadonlyArray<FieldModel>, region: Region): Read => new FieldReader(region).run(fields)

class FieldReader {
  private readonly region: Region
  private readonly lines: Array<string> = []
  private readonly values = new Map<string, string>()

  constructor(region: Region) {
    this.region = region
  }

  run(fields: ReadonlyArray<FieldModel>): Read {
    const { context, region } = { context: this.region.context, region: this.region }
    const position = new Position(region.begin)
    if (fields.length === 0) {
      if (region.exact) {
        this.lines.push(
          `${this.check("expectLength")}(${region.end} - ${region.begin}, 0, ${this.where(region.path)}, ${this.offset(region.begin)})`
        )
      }
      return { lines: this.lines, values: this.values, next: region.begin }
    }
    if (isPresenceByLength(context, fields)) return this.byLength(fields, position)
    const sizes = fields.map((field) => context.fixedSize(field.type))
    if (region.exact && sizes.every((size) => size !== undefined)) {
      const size = sizes.reduce((sum, one) => sum + one, 0)
      this.lines.push(
        `${this.check("expectLength")}(${region.end} - ${region.begin}, ${size}, ${this.where(region.path)}, ${this.offset(region.begin)})`
      )
      for (const [index, field] of fields.entries()) this.fixed(field, position, sizes[index]!)
      return { lines: this.lines, values: this.values, next: String(position) }
    }
    let checked = 0
    for (const [index, field] of fields.entries()) {
      const size = sizes[index]
      if (size !== undefined) {
        if (checked === 0) {
          let run = 0
          for (let i = index; i < fields.length && sizes[i] !== undefined; i++) {
            run += sizes[i]!
            checked++
          }
          const path = region.path === "" ? field.name : region.path
          if (run > 0) {
            this.lines.push(
              `${this.check("expectAtLeast")}(${region.end} - ${this.grouped(position)}, ${run}, ${this.where(path)}, ${
                this.offset(String(position))
              })`
            )
          }
        }
        checked--
        this.fixed(field, position, size)
      } else {
        this.variable(field, position, fields.slice(index + 1))
      }
    }
    if (region.exact && position.toString() !== region.end) {
      this.lines.push(`${this.check("expectEnd")}(${position}, ${region.end}, ${this.where(region.path)}, ${region.origin})`)
    }
    return { lines: this.lines, values: this.values, next: String(position) }
  }

  /** Optional fields told apart by the run's length. */
  private byLength(fields: ReadonlyArray<FieldModel>, position: Position): Read {
    const { context, module, begin, end, path } = this.region
    const firstOptional = fields.findIndex((field) => field.type.kind === "optional")
    const cases = presences(context, fields)
    for (const field of fields.slice(firstOptional)) {
      const name = local(field.name)
      if (field.type.kind === "lengthOf" || field.type.kind === "countOf") {
        this.lines.push(`let ${name} = 0`)
        const known = field.type.kind === "lengthOf" ? this.region.lengths : this.region.counts
        known.set(field.type.target, name)
      } else if (context.isVisible(field.type)) {
        this.lines.push(`let ${name}: ${context.typeText(module, field.type)}${field.type.kind === "optional" ? " | undefined" : ""}`)
        this.values.set(field.name, name)
      }
    }
    const branches: Array<string> = []
    const head = new Position(begin)
    head.offset = fields.slice(0, firstOptional).reduce((sum, field) => sum + context.fixedSize(field.type)!, 0)
    for (const { present, size } of cases) {
      const at = new Position(begin)
      at.offset = head.offset
      branches.push(`  case ${size}:`)
      for (const field of fields.slice(firstOptional)) {
        if (field.type.kind === "optional" && !present.has(field.name)) continue
        const type = field.type.kind === "optional" ? field.type.of : field.type
        if (type.kind === "lengthOf" || type.kind === "countOf") {
          branches.push(`    ${local(field.name)} = ${getInt(module, type.int as IntName, String(at), this.order)}`)
          at.offset += context.fixedSize(type)!
          continue
        }
        const inner = new FieldReader(this.region)
        inner.fixed({ ...field, type }, at, context.fixedSize(type)!)
        branches.push(...inner.lines.map((line) => `    ${line}`))
        const value = inner.values.get(field.name)
        if (value !== undefined) branches.push(`    ${local(field.name)} = ${value}`)
      }
      branches.push("    break")
    }
    const sizes = cases.map(({ size }) => size)
    const expected = sizes.length === 1 ? `${sizes[0]} bytes` : `${sizes.slice(0, -1).join(", ")} or ${sizes.at(-1)} bytes`
    this.lines.push(
      `switch (${end} - ${begin}) {`,
      ...branches,
      "  default:",
      `    return ${module.use(codec, "malformed")}("Length", ${this.where(path)}, ${this.offset(begin)}, ${
        quote(expected)
      }, \`\${${end} - ${begin}} bytes\`)`,
      "}"
    )
    for (const field of fields.slice(0, firstOptional)) this.fixed(field, position, context.fixedSize(field.type)!)
    return { lines: this.lines, values: this.values, next: end }
  }

  private get order(): string | undefined {
    return this.region.order
  }

  private check(name: string): string {
    return this.region.module.use(codec, name)
  }

  private where(path: string): string {
    return `${quote(this.region.packet)}, ${quote(path)}`
  }

  private offset(at: string): string {
    return at === this.region.origin ? "0" : `${at} - ${this.region.origin}`
  }

  private grouped(position: Position): string {
    return position.offset === 0 ? position.base : `(${position})`
  }

  private constant(name: string, expression: string): string {
    this.lines.push(`const ${name} = ${expression}`)
    return name
  }

  /** A field of fixed width, within a run that has been checked. */
  private fixed(field: FieldModel, position: Position, size: number): void {
    const { context, module, packet } = this.region
    const at = String(position)
    const { name, type } = field
    position.offset += size
    switch (type.kind) {
      case "int":
        this.values.set(name, getInt(module, type.int, at, this.order))
        return
      case "constant": {
        const literal = integerLiteral(type.int, type.value)
        this.lines.push(
          `${this.check("expectConstant")}(${getInt(module, type.int, at, this.order)}, ${literal}, ${this.where(name)}, ${
            this.offset(at)
          })`
        )
        return
      }
      case "reserved":
        if (type.policy === "error") {
          this.lines.push(`${this.check("expectZero")}(reader.bytes, ${at}, ${position}, ${this.where(name)}, ${this.region.origin})`)
        }
        if (type.policy === "keep") {
          this.values.set(name, type.int === undefined ? `reader.slice(${at}, ${position})` : getInt(module, type.int, at, this.order))
        }
        return
      case "lengthOf":
        this.region.lengths.set(type.target, this.constant(local(name), getInt(module, type.int as IntName, at, this.order)))
        return
      case "countOf":
        this.region.counts.set(type.target, this.constant(local(name), getInt(module, type.int as IntName, at, this.order)))
        return
      case "bytes":
        this.values.set(name, `reader.slice(${at}, ${position})`)
        return
      case "utf8":
      case "json":
        this.utf8(type, name, at, String(position))
        this.values.set(name, `reader.text(${at}, ${position})`)
        return
      case "flags": {
        const flags = context.named(type.ref) as {
          readonly int: IntName
          readonly unknown: string
          readonly bits: ReadonlyArray<{ readonly bit: number }>
        }
        const value = getInt(module, flags.int, at, this.order)
        if (flags.unknown !== "error") return void this.values.set(name, value)
        const mask = flags.bits.reduce((sum, { bit }) => sum + 2 ** bit, 0)
        this.values.set(name, this.constant(local(name), value))
        this.lines.push(`${this.check("expectKnownBits")}(${local(name)}, ${hex(mask)}, ${this.where(name)}, ${this.offset(at)})`)
        return
      }
      case "enumeration": {
        const { int, unknown, values } = context.named(type.ref) as {
          readonly int: IntName
          readonly unknown: string
          readonly values: ReadonlyArray<{ readonly value: number }>
        }
        const value = getInt(module, int, at, this.order)
        if (unknown !== "error") return void this.values.set(name, value)
        const known = module.use(context.from(type.ref), `is${type.ref}`)
        const raw = this.constant(local(name), value)
        this.lines.push(
          `if (!${known}(${raw})) return ${module.use(codec, "malformed")}("UnknownValue", ${this.where(name)}, ${this.offset(at)}, ` +
            `${quote(`one of ${values.map((one) => one.value).join(", ")}`)}, String(${raw}))`
        )
        this.values.set(name, raw)
        return
      }
      case "struct":
        this.values.set(
          name,
          this.constant(
            local(name),
            `${module.use(codec, "readNested")}(reader, ${at}, ${position}, ${this.region.origin}, ${quote(packet)}, ${quote(name)}, ${
              module.use(context.from(type.ref), `read${type.ref}`)
            }, ${this.contextFor(type)})`
          )
        )
        return
      default:
        throw new Error(`${packet}.${name}: ${type.kind} has no fixed width`)
    }
  }

  private utf8(type: TypeModel, name: string, at: string, end: string): void {
    if (type.kind !== "utf8" || type.invalid !== "error") return
    this.lines.push(
      `${this.check("expectUtf8")}(${this.check("isUtf8")}(reader.bytes, ${at}, ${end}), ${this.where(name)}, ${this.offset(at)})`
    )
  }

  /** What a record's reader depends on: byte order or connection states. */
  private contextFor(type: TypeModel): string {
    const { context } = this.region
    if (context.needsStates(type)) return "states"
    return this.order ?? "false"
  }

  /** The end of a variable field: given by a length, or what is left minus the fields behind it. */
  private limit(field: FieldModel, position: Position, behind: ReadonlyArray<FieldModel>): string {
    const { context, end } = this.region
    const length = this.region.lengths.get(field.name)
    if (length !== undefined) {
      const name = this.constant(`${local(field.name)}End`, `${position} + ${length}`)
      this.lines.push(`${this.check("expectWithin")}(${name}, ${end}, ${this.where(field.name)}, ${position}, ${this.region.origin})`)
      return name
    }
    let fixed = 0
    const lengths: Array<string> = []
    for (const one of behind) {
      const size = context.fixedSize(one.type)
      const known = this.region.lengths.get(one.name)
      if (size !== undefined) fixed += size
      else if (known !== undefined) lengths.push(known)
    }
    if (fixed === 0 && lengths.length === 0) return end
    const name = this.constant(`${local(field.name)}End`, [end, ...lengths, ...(fixed === 0 ? [] : [String(fixed)])].join(" - "))
    this.lines.push(`${this.check("expectWithin")}(${name}, ${end}, ${this.where(field.name)}, ${position}, ${this.region.origin})`)
    return name
  }

  /** A field whose width the bytes tell. */
  private variable(field: FieldModel, position: Position, behind: ReadonlyArray<FieldModel>): void {
    const { context, module, packet, origin, end } = this.region
    const { name, type } = field
    const at = String(position)
    switch (type.kind) {
      case "uleb128":
      case "lengthOf":
      case "countOf": {
        const value = this.constant(
          local(name),
          `${module.use(codec, "readUleb128")}(reader, ${at}, ${end}, ${origin}, ${this.where(name)})`
        )
        if (type.kind === "lengthOf") this.region.lengths.set(type.target, value)
        else if (type.kind === "countOf") this.region.counts.set(type.target, value)
        else this.values.set(name, value)
        position.move(this.constant(after(local(name)), "reader.next"))
        return
      }
      case "bytes":
      case "utf8":
      case "json": {
        const limit = this.limit(field, position, behind)
        if (type.max !== undefined) {
          this.lines.push(
            `${this.check("expectAtMost")}(${limit} - ${this.grouped(position)}, ${type.max}, ${this.where(name)}, ${this.offset(at)})`
          )
        }
        this.utf8(type, name, at, limit)
        this.values.set(name, `reader.${type.kind === "bytes" ? "slice" : "text"}(${at}, ${limit})`)
        position.move(limit)
        return
      }
      case "cstring": {
        const nul = this.constant(
          `${local(name)}End`,
          `${module.use(codec, "findNul")}(reader.bytes, ${at}, ${end}, ${this.where(name)}, ${origin})`
        )
        if (type.max !== undefined) {
          this.lines.push(
            `${this.check("expectAtMost")}(${nul} - ${this.grouped(position)}, ${type.max}, ${this.where(name)}, ${this.offset(at)})`
          )
        }
        this.values.set(name, `reader.text(${at}, ${nul})`)
        position.move(nul, 1)
        return
      }
      case "array":
        return this.array(field, type, position, behind)
      case "struct":
      case "choice": {
        const sized = this.region.lengths.has(name)
        const limit = this.limit(field, position, behind)
        this.values.set(
          name,
          this.constant(
            local(name),
            `${module.use(codec, "readNested")}(reader, ${at}, ${limit}, ${origin}, ${quote(packet)}, ${quote(name)}, ${
              module.use(context.from(type.ref), `read${type.ref}`)
            }, ${this.contextFor(type)})`
          )
        )
        if (sized) this.lines.push(`${this.check("expectEnd")}(reader.next, ${limit}, ${this.where(name)}, ${origin})`)
        position.move(sized ? limit : this.constant(after(local(name)), "reader.next"))
        return
      }
      case "nibbleFrames": {
        const limit = this.limit(field, position, behind)
        this.values.set(
          name,
          this.constant(
            local(name),
            `${module.use(codec, "readNibbleFrames")}(reader, ${at}, ${limit}, ${origin}, ${quote(packet)}, ${quote(name)}, ${
              module.use(context.from(type.ref), `read${type.ref}`)
            })`
          )
        )
        position.move(limit)
        return
      }
      case "when":
        return this.conditional(field, type.of, `states.${type.state}`, position, behind)
      case "optional":
        return this.conditional(field, type.of, `${end} > ${at}`, position, behind)
      default:
        throw new Error(`${packet}.${name}: cannot read ${type.kind} here`)
    }
  }

  private array(
    field: FieldModel,
    type: TypeModel & { readonly kind: "array" },
    position: Position,
    behind: ReadonlyArray<FieldModel>
  ): void {
    const { context, module, packet, origin } = this.region
    const { name } = field
    const at = String(position)
    const element = type.of
    const read = this.elementReader(element)
    const max = type.max === undefined ? "Infinity" : String(type.max)
    const count = this.region.counts.get(name)
    if (count !== undefined) {
      const value = this.constant(
        local(name),
        `${module.use(codec, "readCounted")}(reader, ${at}, ${this.region.end}, ${origin}, ${quote(packet)}, ${quote(name)}, ${count}, ` +
          `${context.minimumSize(element)}, ${max}, ${read}, ${this.contextFor(element)})`
      )
      this.values.set(name, value)
      position.move(this.constant(after(local(name)), "reader.next"))
      return
    }
    const limit = this.limit(field, position, behind)
    this.values.set(
      name,
      this.constant(
        local(name),
        `${module.use(codec, "readElements")}(reader, ${at}, ${limit}, ${origin}, ${quote(packet)}, ${quote(name)}, ${max}, ${read}, ${
          this.contextFor(element)
        })`
      )
    )
    position.move(limit)
  }

  private elementReader(type: TypeModel): string {
    const { context, module } = this.region
    switch (type.kind) {
      case "int":
        return module.use(codec, `readU${type.int.slice(1)}`.replace("readU", type.int.startsWith("i") ? "readI" : "readU"))
      case "uleb128":
        return module.use(codec, "readUleb")
      case "flags":
      case "enumeration":
        return module.use(codec, `read${(context.named(type.ref) as { readonly int: IntName }).int.toUpperCase()}`)
      case "struct":
      case "choice":
        return module.use(context.from(type.ref), `read${type.ref}`)
      default:
        throw new Error(`${this.region.packet}: no arrays of ${type.kind}`)
    }
  }

  /** A field that may be missing. */
  private conditional(
    field: FieldModel,
    type: TypeModel,
    condition: string,
    position: Position,
    behind: ReadonlyArray<FieldModel>
  ): void {
    const { context, end, module, origin } = this.region
    const name = local(field.name)
    const start = String(position)
    if (type.kind === "uleb128") {
      const read = `${module.use(codec, "readUleb128")}(reader, ${start}, ${end}, ${origin}, ${this.where(field.name)})`
      this.values.set(field.name, this.constant(name, `${condition} ? ${read} : undefined`))
      position.move(this.constant(after(name), `${name} === undefined ? ${start} : reader.next`))
      return
    }
    // read in a block of its own, whose names shadow none outside
    const maybe = `maybe${capital(name)}`
    const inner = new FieldReader({ ...this.region, exact: false })
    const at = new Position(position.base)
    at.offset = position.offset
    const size = context.fixedSize(type)
    if (size === undefined) inner.variable({ ...field, type }, at, behind)
    else {
      inner.lines.push(
        `${this.check("expectAtLeast")}(${end} - ${this.grouped(position)}, ${size}, ${this.where(field.name)}, ${this.offset(start)})`
      )
      inner.fixed({ ...field, type }, at, size)
    }
    this.lines.push(
      `let ${maybe}: ${context.typeText(module, type)} | undefined`,
      `let ${after(maybe)} = ${start}`,
      `if (${condition}) {`,
      ...inner.lines.map((line) => `  ${line}`),
      `  ${maybe} = ${inner.values.get(field.name)}`,
      `  ${after(maybe)} = ${at}`,
      "}"
    )
    this.values.set(field.name, maybe)
    position.move(after(maybe))
  }
}

const capital = (name: string): string => `${name[0]!.toUpperCase()}${name.slice(1)}`

/** Name of the constant that holds the offset behind a field. */
const after = (name: string): string => `after${capital(name)}`
