/** The model of a protocol as the tables that the dissector's code in Lua walks along. */
import type { Catalog } from "@wirewright/codec/Catalog"
import { headOf } from "@wirewright/codec/Heads"
import { byPrecedence, headDepth, headOfLine, lineOf, tokenCounts } from "@wirewright/codec/Lines"
import type {
  CommandModel,
  FieldModel,
  HeaderFieldModel,
  HeaderModel,
  KindModel,
  LayoutModel,
  NamedTypeModel,
  RunModel,
  TypeModel
} from "@wirewright/codec/Model"
import { isOfKind } from "@wirewright/codec/Catalog"
import { fixedSize, leastSize } from "@wirewright/codec/words/Sizes"
import { type Filter, Filters } from "./Filters.ts"
import { Layouts, luaNumber, luaToken, numberUse } from "./Layouts.ts"
import { LuaBytes, LuaList, type LuaTable, type LuaValue } from "./LuaText.ts"

/** A model as Lua has it. */
export interface LuaModel {
  readonly table: LuaTable
  readonly filters: ReadonlyArray<Filter>
  /** Names of fields that only code can say; those whose end only it knows are `open`. */
  readonly customs: ReadonlyArray<{ readonly name: string; readonly open: boolean }>
  /** Whether packets can be told from those of others. */
  readonly isFound: boolean
}

const some = (table: LuaTable): LuaTable => Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined))

const hexOfText = (text: string): string => Array.from(text, (one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join("")

const fieldsIn = (layout: LayoutModel): ReadonlyArray<FieldModel> => layout.sections.flatMap(({ fields }) => fields)

/** `serverRequest` to `server request`. */
const kindWords = (kind: string): string => kind.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

/** Fewest bytes of a packet that is taken for one wherever it is found. */
const leastFound = 4

class Making {
  private readonly catalog: Catalog
  private readonly filters = new Filters()
  private readonly layouts: Layouts
  private readonly types = new Map<string, LuaValue>()
  private readonly customs = new Map<string, boolean>()

  constructor(catalog: Catalog) {
    this.catalog = catalog
    this.layouts = new Layouts(catalog, this.filters)
  }

  make(): LuaModel {
    const { catalog } = this
    const { frame } = catalog
    // fields of packets first, so that they come first among the fields
    const kinds = frame.kinds.map((kind) => this.kind(kind))
    const commands = catalog.commands.map((command) => this.command(command))
    const raw = new Map(frame.sections.map((name): [string, LuaValue] => [name, this.field({ name, type: { kind: "bytes" } })]))
    this.note(frame.kinds)
    this.note(catalog.commands)
    const table: LuaTable = some({
      title: catalog.name,
      frame: frame.name,
      max_frame: frame.maxFrame,
      over: frame.over,
      sections: frame.sections,
      is_told: this.isTold() || undefined,
      is_lines: this.isLines() || undefined,
      heuristic: this.canBeFound()
        ? Math.max(leastFound, ...frame.kinds.flatMap(({ headers }) => headers.map(({ size }) => size)))
        : undefined,
      states: new Map(catalog.states.map(({ name }): [string, LuaValue] => [name, true])),
      statuses: new Map(catalog.statuses.map(({ code, name }): [number, LuaValue] => [code, name])),
      phases: (frame.phases ?? []).map(({ client, name, server }) => some({ name, client, server })),
      pairing: this.pairing(),
      raw,
      kinds,
      commands,
      types: this.types
    })
    const all = this.filters.all()
    const fields = all.map(({ filter, hex, label, type, values }) => some({ filter, label, type, hex: hex || undefined, values }))
    return {
      table: { ...table, fields },
      filters: all,
      customs: [...this.customs].map(([name, open]) => ({ name, open })),
      isFound: this.canBeFound()
    }
  }

  private field(field: FieldModel): LuaValue {
    return (this.layouts.fields([field], []) as ReadonlyArray<LuaValue>)[0]!
  }

  /** Notes the named types and the custom fields below a value of the model. */
  private note(value: unknown): void {
    if (typeof value !== "object" || value === null) return
    const { ends, fixed, kind, name, ref } = value as { [key: string]: unknown }
    if (kind === "custom") this.customs.set(String(name), ends === true && fixed === undefined)
    if (typeof ref === "string") this.noteType(ref)
    for (const one of Object.values(value)) this.note(one)
  }

  private noteType(ref: string): void {
    if (this.types.has(ref)) return
    const type = this.catalog.type(ref)
    this.types.set(ref, true)
    this.types.set(ref, this.namedType(type))
    this.note(type)
  }

  private namedType(type: NamedTypeModel): LuaTable {
    const { name } = type
    const owner = [name]
    const depth = this.catalog.depthOf(name)
    switch (type.kind) {
      case "struct":
        return some({ name, depth, fields: this.layouts.fields(type.fields, owner) })
      case "choice":
      case "nibbleFrames": {
        const values = new Map(type.cases.map((one): [number, string] => [one.tag, one.name]))
        const tag = type.kind === "choice" ? type.tag : undefined
        const use = type.kind === "nibbleFrames"
          ? { holding: "number" as const, bytes: 2 }
          : tag === undefined
          ? undefined
          : numberUse(tag)
        const isOpen = type.kind === "nibbleFrames" || type.unknown === "keep" || type.empty === "keep"
        return some({
          name,
          depth,
          unknown: type.kind === "choice" ? type.unknown : undefined,
          empty: type.kind === "choice" ? type.empty : undefined,
          tag: tag === undefined ? undefined : luaNumber(tag),
          f: use === undefined ? undefined : this.filters.add({ owner, name: "tag", ...use, values, ref: name }),
          rest: isOpen ? this.filters.add({ owner, name: "bytes", holding: "bytes" }) : undefined,
          cases: new Map(type.cases.map((one): [number, LuaValue] => [
            one.tag,
            some({
              name: one.name,
              takes: one.fields.some((field) => leastSize(this.catalog, field.type) > 0) || undefined,
              fields: this.layouts.fields(one.fields, owner)
            })
          ]))
        })
      }
      case "flags":
        return {
          name,
          int: type.int,
          unknown: type.unknown,
          bits: type.bits.toSorted((a, b) => a.bit - b.bit).map((one) => ({ name: one.name, bit: one.bit }))
        }
      case "enumeration":
        return {
          name,
          int: type.int,
          unknown: type.unknown,
          names: new Map(type.values.map((one): [number, LuaValue] => [one.value, one.name]))
        }
    }
  }

  private kind(kind: KindModel): LuaTable {
    const { catalog } = this
    const opcodes = new Set(
      catalog.commands.flatMap(({ isOpcodeless, kinds, opcode }) => [
        ...isOpcodeless !== true && kinds.request === kind.name ? [opcode] : [],
        ...kinds.response === kind.name ? [opcode] : []
      ])
    )
    const byOpcode = [...opcodes].sort((a, b) => a - b).map((opcode) => ({ opcode, commands: catalog.sharing(kind.name, opcode) }))
    const candidates = catalog.opcodeless(kind.name)
    const sharing = byOpcode.filter(({ commands }) => commands.length > 1)
    const isText = catalog.frame.over === "text"
    return some({
      name: kind.name,
      answers: kind.answers,
      sender: kind.sender,
      headers: kind.headers.map((header) => this.header(kind, header)),
      run: kind.run === undefined ? undefined : this.run(kind, kind.run),
      shared: new Map(kind.shared.map(({ ref, section }): [string, LuaValue] => {
        this.noteType(ref)
        return [section, this.field({ name: section, type: { kind: "nibbleFrames", ref } })]
      })),
      by_opcode: new Map(byOpcode.map(({ commands, opcode }): [number, LuaValue] => [opcode, commands.map((one) => this.index(one))])),
      heads_of: new Map(sharing.map(({ commands, opcode }): [number, LuaValue] => [opcode, this.heads(commands)])),
      heads: isText ? [] : this.heads(candidates),
      lines: isText ? this.lines(candidates) : undefined
    })
  }

  private index(command: CommandModel): number {
    return this.catalog.commands.indexOf(command) + 1
  }

  /** What packets begin with, the longest first. */
  private heads(commands: ReadonlyArray<CommandModel>): ReadonlyArray<LuaValue> {
    return commands.flatMap((command) => command.request.map((layout) => ({ command, ...headOf(fieldsIn(layout)) })))
      .toSorted((a, b) => b.text.length - a.text.length)
      .map(({ boundary, command, text }) => ({
        text: new LuaBytes(hexOfText(text)),
        boundary: new LuaBytes(hexOfText(String.fromCharCode(...boundary))),
        command: this.index(command)
      }))
  }

  private lines(commands: ReadonlyArray<CommandModel>): LuaValue {
    const all = commands.flatMap((command) => {
      const line = lineOf(command)
      return line === undefined ? [] : [{ ...line, command }]
    }).toSorted(byPrecedence)
    return new LuaList(
      all.map((line) => {
        const { max, min } = tokenCounts(line.fields)
        return some({
          command: this.index(line.command),
          head: headOfLine(line).map((text) => new LuaBytes(hexOfText(text))),
          min,
          max: Number.isFinite(max) ? max : undefined,
          fields: line.fields.map(({ type }) => ({ type: luaToken(type) }))
        })
      }),
      { separator: new LuaBytes(hexOfText(all[0]?.separator ?? "")), depth: headDepth(all) }
    )
  }

  private labels(kind: KindModel): ReadonlyMap<number, string> {
    const labels = new Map<number, string>()
    for (const { isOpcodeless, kinds, label, opcode } of this.catalog.commands) {
      if (isOpcodeless === true || kinds.request !== kind.name && kinds.response !== kind.name) continue
      const known = labels.get(opcode)
      labels.set(opcode, known === undefined ? label : `${known} / ${label}`)
    }
    return labels
  }

  private header(kind: KindModel, header: HeaderModel): LuaTable {
    const magic = header.fields.find(({ role }) => role === "magic")
    const body = header.fields.find(({ role }) => role === "bodyLength")
    const lengths = header.fields.flatMap((field): ReadonlyArray<[string, LuaValue]> =>
      field.role === "sectionLength" ? [[field.section, field.name]] : []
    )
    return some({
      magic: header.magic,
      magic_at: magic?.offset,
      magic_int: magic?.int,
      size: header.size,
      lengths: new Map(lengths),
      body: body?.role === "bodyLength"
        ? some({ name: body.name, at: body.offset, includes: body.includesHeader || undefined })
        : undefined,
      fields: header.fields.map((field) => this.headerField(kind, header, field))
    })
  }

  private headerField(kind: KindModel, { magic }: HeaderModel, field: HeaderFieldModel): LuaTable {
    const { int, name, offset } = field
    const place = { name, role: field.role, int, at: offset }
    if (field.role === "field") return { ...this.field({ name, type: field.type }) as LuaTable, ...place }
    const values = field.role === "magic" && magic !== undefined
      ? new Map([[magic, kindWords(kind.name)]])
      : field.role === "opcode"
      ? this.labels(kind)
      : field.role === "statusCode"
      ? new Map(this.catalog.statuses.map((one): [number, string] => [one.code, one.name]))
      : undefined
    const isCode = values !== undefined
    const use = { owner: [], name, ...numberUse({ kind: "int", int }), hex: isCode }
    return { ...place, f: this.filters.add(isCode ? { ...use, values, ref: field.role } : use) }
  }

  private run(kind: KindModel, run: RunModel): LuaTable {
    const opcode = this.opcode(kind, run)
    return some({
      ends: run.end,
      ending: run.until === undefined ? undefined : new LuaBytes(run.until),
      opcode_from: run.opcodeFrom,
      opcode: opcode?.name,
      length: this.length(run),
      trailer_size: run.trailer.reduce((sum, { type }) => sum + (fixedSize(this.catalog, type) ?? 0), 0),
      fields: this.layouts.fields(run.fields, []),
      trailer: this.layouts.fields(run.trailer, [])
    })
  }

  /** The field that says which command a packet is; its values are named. */
  private opcode(kind: KindModel, run: RunModel): { readonly name: string } | undefined {
    for (const { name, type } of run.fields) {
      const bits = type.kind === "bits" ? type.fields.find(({ role }) => role === "opcode") : undefined
      if (type.kind !== "opcode" && bits === undefined) continue
      const found = bits?.name ?? name
      const use = type.kind === "opcode" ? numberUse(type.of) : { holding: "number" as const, bytes: 1 }
      this.filters.add({ owner: [], name: found, ...use, values: this.labels(kind) })
      return { name: found }
    }
    return undefined
  }

  private length(run: RunModel): LuaTable | undefined {
    for (const { name, type } of run.fields) {
      if (type.kind === "bodyLength") return { holder: name, name, from: type.from, plus: type.plus }
      const bits = type.kind === "bits" ? type.fields.find(({ role }) => role === "bodyLength") : undefined
      if (bits !== undefined) return { holder: name, name: bits.name, from: bits.from ?? "body", plus: bits.plus ?? 0 }
    }
    return undefined
  }

  private layout({ name, sections }: LayoutModel): LuaTable {
    return some({
      name,
      sections: new Map(sections.map(({ fields, section }): [string, LuaValue] => [section, this.layouts.fields(fields, [])]))
    })
  }

  private command(command: CommandModel): LuaTable {
    const { frame } = this.catalog
    const phase = frame.phases?.findIndex(({ name }) => name === command.then) ?? -1
    const { last } = command
    return some({
      name: command.name,
      removed: command.lifecycle === "removed" || undefined,
      reply: command.reply,
      many: command.reply === "many" || undefined,
      last: last === undefined
        ? undefined
        : Array.isArray(last)
        ? { names: new Map((last as ReadonlyArray<string>).map((name) => [name, true])) }
        : { fields: new Map(Object.entries(last).filter((entry): entry is [string, number] => typeof entry[1] === "number")) },
      answered_by: command.answeredBy === undefined ? undefined : new Map(command.answeredBy.map((name) => [name, true])),
      next_phase: phase < 0 ? undefined : phase + 1,
      header: command.header === undefined ? undefined : Object.entries(command.header).map(([name, value]) => ({ name, value })),
      request_kinds: new Map(frame.kinds.filter(({ name }) => isOfKind(command, name)).map(({ name }) => [name, true])),
      request: command.request.map((layout) => this.layout(layout)),
      responses: command.responses.map(({ layouts, name, statuses }) => ({
        name,
        codes: new Map(statuses.map(({ code }) => [code, true])),
        layouts: layouts.map((layout) => this.layout(layout))
      }))
    })
  }

  /** Whether the bytes of a packet say of which kind it is. */
  private isTold(): boolean {
    const { kinds } = this.catalog.frame
    if (kinds.length === 1 || kinds[0]?.run === undefined) return true
    const firsts = kinds.map(({ run }) => run?.fields[0]?.type)
    return firsts.every((type) =>
      type?.kind === "constant" || type?.kind === "bits" && type.fields.some(({ value }) => value !== undefined)
    ) &&
      new Set(firsts.map((type) => JSON.stringify(type))).size === kinds.length
  }

  /** Whether all packets begin with a line of text. */
  private isLines(): boolean {
    const { commands, frame } = this.catalog
    const begins = (type: TypeModel | undefined): boolean =>
      type?.kind === "tokens" || type?.kind === "literal" || type?.kind === "decimal" && type.until !== undefined
    return frame.over === undefined && commands.length > 0 &&
      commands.every(({ request }) => request.every(({ sections: [section] }) => begins(section?.fields[0]?.type)))
  }

  /** Whether a packet can be told from bytes of other protocols. */
  private canBeFound(): boolean {
    const { commands, frame } = this.catalog
    const heads = commands.flatMap(({ request }) => request.map((layout) => headOf(fieldsIn(layout)).text))
    return frame.kinds.every(({ headers, run }) =>
      run === undefined
        ? headers.every(({ magic }) => magic !== undefined)
        : run.fields.some(({ type }) => type.kind === "constant" || type.kind === "literal") ||
          run.fields.length === 0 && heads.every((head) => head.length > 1)
    )
  }

  /** How answers find their requests. */
  private pairing(): LuaTable | undefined {
    const { commands, frame } = this.catalog
    const answers = commands.flatMap(({ answeredBy }) => answeredBy === undefined ? [] : [answeredBy])
    if (answers.length > 0) {
      const [first = [], ...others] = answers
      const mistakes = others.length === 0 ? [] : first.filter((name) => others.every((names) => names.includes(name)))
      return some({
        by: "order",
        field: frame.correlation,
        mistakes: mistakes.length === 0 ? undefined : new Map(mistakes.map((name) => [name, true]))
      })
    }
    if (frame.correlation !== undefined) return { by: "correlation", field: frame.correlation }
    const [request, answer] = ["client", "server"].map((side) => frame.kinds.filter(({ sender }) => sender === side))
    if (frame.kinds.length !== 2 || request?.length !== 1 || answer?.length !== 1) return undefined
    const [asking, answering] = [request[0]!.run?.fields ?? [], answer[0]!.run?.fields ?? []]
    const isRepeated = ({ name, type }: FieldModel): boolean =>
      type.kind === "int" && answering.some((other) => other.name === name && JSON.stringify(other.type) === JSON.stringify(type))
    const fields = asking.filter(isRepeated)
    if (fields.length === 0) return undefined
    const hasStates = this.catalog.states.some(({ name }) => asking.some((field) => field.name === name))
    return some({
      by: "repeated",
      fields: fields.map(({ name }) => name),
      request: request[0]!.name,
      answer: answer[0]!.name,
      has_states: hasStates || undefined
    })
  }
}

/** Makes the tables of a protocol. */
export const luaModel = (catalog: Catalog): LuaModel => new Making(catalog).make()
