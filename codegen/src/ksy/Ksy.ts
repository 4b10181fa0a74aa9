/**
 * Kaitai Struct's descriptions (ksy) of a protocol, one for each kind of packets: what reads one packet, in any of its languages. What
 * Kaitai Struct has no word for stands there as bytes, and is named.
 */
import type { Catalog } from "@wirewright/codec/Catalog"
import type { CommandModel, FieldModel, HeaderFieldModel, KindModel, LayoutModel, OutcomeModel } from "@wirewright/codec/Model"
import { possibleSizes } from "@wirewright/codec/LayoutSizes"
import { bytesOfDigits } from "@wirewright/codec/Hex"
import { fixedSize } from "@wirewright/codec/words/Sizes"
import { flatFields } from "@wirewright/codec/words/Word"
import { yamlMark } from "../Header.ts"
import { type Attribute, Attributes, type Scope, snake } from "./Attributes.ts"
import { yaml } from "./Yaml.ts"

/** A description of one kind of packets. */
export interface Ksy {
  /** Name of the file. */
  readonly file: string
  readonly text: string
  /** What it cannot say, a line each. */
  readonly unsaid: ReadonlyArray<string>
}

/** Describes packets of one kind. */
class Kind {
  private readonly catalog: Catalog
  private readonly kind: KindModel
  private readonly made: Attributes
  private readonly instances: Record<string, object> = {}
  private readonly root: Scope

  constructor(catalog: Catalog, kind: KindModel) {
    this.catalog = catalog
    this.kind = kind
    this.made = new Attributes(catalog)
    const own = kind.run === undefined
      ? kind.headers.flatMap(({ fields }) => fields.map(({ name }) => name))
      : [...flatFields(kind.run.fields), ...kind.run.fields].map(({ name }) => name)
    this.made.root = own
    this.root = { place: kind.name, own, instances: this.instances, bounded: true }
  }

  describe(): Ksy {
    const id = `${snake(this.catalog.name)}_${snake(this.kind.name)}`
    const seq = this.kind.run === undefined ? this.inPlace() : this.run()
    const { enums, states, types, unsaid } = this.made
    const params = [...states].filter((name) => !this.made.root.includes(name)).sort().map((name) => ({
      id: `state_${snake(name)}`,
      type: "s4"
    }))
    const doc = this.catalog.states.filter(({ name }) => states.has(name)).map(({ doc: text, name }) => `state_${snake(name)}: ${text}`)
    const description = {
      meta: { id, title: `${this.catalog.frame.name}, ${this.kind.name}`, endian: "be", "ks-version": "0.11" },
      ...(doc.length === 0 ? {} : { doc: doc.join("\n") }),
      ...(params.length === 0 ? {} : { params }),
      seq,
      ...(Object.keys(this.instances).length === 0 ? {} : { instances: this.instances }),
      ...(Object.keys(types).length === 0 ? {} : { types }),
      ...(Object.keys(enums).length === 0 ? {} : { enums })
    }
    const cannot = unsaid.map((line) => `# Not said: ${line.replaceAll("\n", " ")}\n`).join("")
    return { file: `${id}.ksy`, text: `${yamlMark}\n${cannot}${yaml(description)}`, unsaid }
  }

  private get commands(): ReadonlyArray<CommandModel> {
    return this.catalog.commands.filter(({ kinds, lifecycle }) =>
      lifecycle !== "removed" &&
      (kinds.request === this.kind.name || kinds.response === this.kind.name || kinds.also?.includes(this.kind.name) === true)
    ).toSorted((a, b) => a.opcode - b.opcode || (a.name < b.name ? -1 : 1))
  }

  /** What tells packets apart, and their types. */
  private body(opcode: string | undefined, sections: ReadonlyArray<string>, sizes: ReadonlyMap<string, string>): Attribute {
    const { commands, made } = this
    const own = commands.filter(({ isOpcodeless }) => isOpcodeless !== true)
    const others = commands.filter(({ isOpcodeless }) => isOpcodeless === true)
    const table = new Map<string, string>()
    for (const command of opcode === undefined ? [] : own) {
      const key = String(command.opcode)
      if (table.has(key)) made.cannot(this.root, `which of several packets with opcode ${key} it is, which their first bytes tell`)
      else table.set(key, this.packet(command, sections, sizes))
    }
    // packets that share an opcode are left as they are
    for (const key of new Set(own.map((one) => String(one.opcode)).filter((one, i, all) => all.indexOf(one) !== i))) table.delete(key)
    if (others.length === 1 && (opcode !== undefined || own.length === 0)) {
      if (opcode === undefined) return { id: "body", type: this.packet(others[0]!, sections, sizes) }
      table.set("_", this.packet(others[0]!, sections, sizes))
    } else if (others.length > 0) made.cannot(this.root, `which packet it is: ${others.map(({ name }) => name).join(", ")}`)
    if (opcode === undefined || table.size === 0) return { id: "body" }
    return { id: "body", type: { "switch-on": opcode, cases: Object.fromEntries([...table].map(([key, type]) => [key, type])) } }
  }

  /** The type of a packet's sections. */
  private packet(command: CommandModel, sections: ReadonlyArray<string>, sizes: ReadonlyMap<string, string>): string {
    const isRequest = command.kinds.request === this.kind.name || command.kinds.also?.includes(this.kind.name) === true
    const name = `packet_${snake(command.name)}`
    if (isRequest) return this.layouts(name, command.name, command.doc, command.request, sections, sizes)
    const seq = command.responses.map((outcome): Attribute => {
      const type = this.outcome(name, command, outcome, sections, sizes)
      return { id: snake(outcome.name), type, if: outcome.statuses.map(({ code }) => `_root.${this.status} == ${code}`).join(" or ") }
    })
    this.made.types[name] = { ...(command.doc === undefined ? {} : { doc: command.doc }), seq }
    return name
  }

  private get status(): string {
    return snake(this.kind.headers[0]?.fields.find(({ role }) => role === "statusCode")?.name ?? "status")
  }

  private outcome(
    name: string,
    command: CommandModel,
    outcome: OutcomeModel,
    sections: ReadonlyArray<string>,
    sizes: ReadonlyMap<string, string>
  ): string {
    return this.layouts(`${name}_${snake(outcome.name)}`, `${command.name} ${outcome.name}`, outcome.doc, outcome.layouts, sections, sizes)
  }

  private layouts(
    name: string,
    place: string,
    doc: string | undefined,
    layouts: ReadonlyArray<LayoutModel>,
    sections: ReadonlyArray<string>,
    sizes: ReadonlyMap<string, string>
  ): string {
    const [only, another] = layouts
    if (only !== undefined && another === undefined) return this.layout(name, place, doc, only, sections, sizes)
    const toldBy = (layout: LayoutModel): string =>
      JSON.stringify(
        sections.map((section) => possibleSizes(this.catalog, layout.sections.find((one) => one.section === section)?.fields ?? []))
      )
    const seq = layouts.flatMap((layout): ReadonlyArray<Attribute> => {
      const type = this.layout(`${name}_${snake(layout.name ?? "")}`, `${place} ${layout.name}`, layout.doc, layout, sections, sizes)
      const told = sections.flatMap((section) => {
        const fields = layout.sections.find((one) => one.section === section)?.fields ?? []
        const possible = possibleSizes(this.catalog, fields)
        const size = sizes.get(section)
        return possible === undefined || size === undefined ? [] : [`(${possible.map((one) => `${size} == ${one}`).join(" or ")})`]
      })
      if (told.length === 0 || layouts.some((other) => other !== layout && toldBy(other) === toldBy(layout))) {
        this.made.cannot(this.root, `${place}: which of its layouts it has`)
        return []
      }
      return [{ id: snake(layout.name ?? ""), type, if: told.join(" and ") }]
    })
    this.made.types[name] = { ...(doc === undefined ? {} : { doc }), seq }
    return name
  }

  private layout(
    name: string,
    place: string,
    doc: string | undefined,
    layout: LayoutModel,
    sections: ReadonlyArray<string>,
    sizes: ReadonlyMap<string, string>
  ): string {
    const of = (section: string): ReadonlyArray<FieldModel> => layout.sections.find((one) => one.section === section)?.fields ?? []
    // one section is the packet itself
    if (sizes.size === 0) return this.made.record(name, place, sections.flatMap(of), { bounded: this.kind.run?.end !== "self", doc })
    const seq = sections.map((section): Attribute => {
      const fields = of(section)
      const size = sizes.get(section)!
      if (fields.length === 0) return { id: snake(section), size }
      return { id: snake(section), type: this.made.record(`${name}__${snake(section)}`, place, fields, { bounded: true }), size }
    })
    this.made.types[name] = { ...(doc === undefined ? {} : { doc }), seq }
    return name
  }

  /** A packet whose header is read in place. */
  private inPlace(): ReadonlyArray<Attribute> {
    const { catalog, kind, made, root } = this
    const placed: Array<readonly [offset: number, attribute: Attribute]> = []
    const magic = kind.headers[0]?.fields.find(({ role }) => role === "magic")
    const lengths = new Map<string, Array<readonly [magic: number | undefined, id: string]>>()
    const key = (field: HeaderFieldModel): string => `${field.offset} ${field.int} ${field.name}`
    const everywhere = (field: HeaderFieldModel): boolean =>
      kind.headers.every(({ fields }) => fields.some((one) => key(one) === key(field)))
    let opcode: string | undefined
    let total: string | undefined
    const size = kind.headers[0]?.size ?? 0
    for (const header of kind.headers) {
      for (const field of header.fields) {
        const isCommon = everywhere(field)
        if (isCommon && header !== kind.headers[0]) continue
        const id = isCommon ? snake(field.name) : `${snake(field.name)}_${header.magic?.toString(16) ?? "0"}`
        const condition = isCommon ? {} : { if: `${snake(magic?.name ?? "magic")} == ${header.magic}` }
        const [attribute] = made.fields(
          [{ name: field.name, type: field.role === "field" ? field.type : { kind: "int", int: field.int } }],
          root
        )
        const valid = field.role === "magic" ? { valid: { "any-of": kind.headers.map((one) => one.magic ?? 0) } } : {}
        placed.push([field.offset, { ...attribute, id, ...valid, ...condition, ...(field.doc === undefined ? {} : { doc: field.doc }) }])
        if (field.role === "opcode") opcode = snake(field.name)
        if (field.role === "bodyLength") total = field.includesHeader ? `(${id} - ${size})` : id
        if (field.role === "sectionLength") {
          lengths.set(field.section, [...lengths.get(field.section) ?? [], [isCommon ? undefined : header.magic, id]])
        }
      }
    }
    const seq = placed.toSorted(([a], [b]) => a - b).map(([, attribute]) => attribute)
    const sizes = new Map<string, string>()
    const { sections } = catalog.frame
    for (const [i, section] of sections.entries()) {
      const own = lengths.get(section)
      if (own !== undefined) {
        const parts = own.map(([of, id]) =>
          of === undefined ? `_root.${id}` : `(_root.${snake(magic?.name ?? "magic")} == ${of} ? _root.${id} : 0)`
        )
        sizes.set(section, parts.length === 1 ? parts[0]! : `(${parts.join(" + ")})`)
      } else if (i === sections.length - 1 && total !== undefined) {
        sizes.set(section, [`_root.${total}`.replace("_root.(", "(_root."), ...sizes.values()].join(" - "))
      } else sizes.set(section, "0")
    }
    for (const { ref, section } of kind.shared) {
      const [attribute] = made.fields([{ name: section, type: { kind: "nibbleFrames", ref } }], root)
      seq.push({ ...attribute, size: sizes.get(section)!.replaceAll("_root.", "") })
    }
    const own = sections.filter((section) => !kind.shared.some((one) => one.section === section))
    const mine = new Map(own.map((section) => [section, sizes.get(section)!]))
    const body = this.body(opcode, own, mine)
    const whole = [...mine.values()].join(" + ").replaceAll("_root.", "")
    return [...seq, { ...body, size: whole }]
  }

  /** A packet whose header is a run of fields. */
  private run(): ReadonlyArray<Attribute> {
    const { catalog, kind, made, root } = this
    const run = kind.run!
    const header = made.fields(run.fields, root)
    const trailer = run.trailer.reduce((sum, { type }) => sum + (fixedSize(catalog, type) ?? 0), 0)
    let opcode: string | undefined = run.opcodeFrom === undefined ? undefined : `state_${snake(run.opcodeFrom)}`
    if (run.opcodeFrom !== undefined) made.states.add(run.opcodeFrom)
    let size: Attribute = run.end === "datagram" ? { "size-eos": true } : {}
    let at: number | undefined = 0
    for (const { name, type } of run.fields) {
      const bits = type.kind === "bits" ? type.fields : []
      const code = type.kind === "opcode" ? name : bits.find(({ role }) => role === "opcode")?.name
      if (code !== undefined) opcode = snake(code)
      const role = type.kind === "bodyLength" ? { ...type, name } : bits.find((one) => one.role === "bodyLength")
      const width: number | undefined = fixedSize(catalog, type)
      if (role !== undefined) {
        const value = type.kind === "bodyLength" && (type.of.kind === "varint" || type.of.kind === "escaped")
          ? `${snake(name)}.value`
          : snake(role.name)
        const less = role.plus === undefined || role.plus === 0 ? "" : ` - ${role.plus}`
        const from = role.from ?? "body"
        const start = from === "length" ? at : from === "field" ? at === undefined || width === undefined ? undefined : at + width : 0
        if (from === "body") size = { size: `${value}${less}` }
        else if (from === "frame") size = { size: `${value}${less} - ${trailer} - _io.pos` }
        else if (start === undefined) made.cannot(root, "where the packet ends")
        else size = { size: `${value}${less} + ${start} - _io.pos` }
      }
      at = at === undefined || width === undefined ? undefined : at + width
    }
    if (run.end === "until") {
      const bytes = [...bytesOfDigits(run.until!)]
      size = { terminator: bytes.length === 1 ? bytes[0] : bytes }
    }
    const body = this.body(opcode, catalog.frame.sections, new Map())
    const isRaw = body["type"] === undefined && Object.keys(size).length === 0
    return [...header, { ...body, ...(isRaw ? { "size-eos": true } : size) }, ...made.fields(run.trailer, root)]
  }
}

/** One description for each kind of packets. */
export const ksyOf = (catalog: Catalog): ReadonlyArray<Ksy> => catalog.frame.kinds.map((kind) => new Kind(catalog, kind).describe())
