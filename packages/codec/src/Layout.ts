/**
 * Takes the bytes of one packet apart along a protocol's model: every field with its place, its value and what that means.
 *
 * For people and tools, not for the packet path: generated decoders are faster by far. Malformed bytes are data here: what could be read
 * comes back together with the error. It never reads outside the packet.
 */
import type { Catalog } from "./Catalog.ts"
import { layoutsOf } from "./Catalog.ts"
import { DecodeError, hexNumber, incomplete, malformed } from "./Errors.ts"
import { chooseLayout, type ConstantField, possibleSizes, sizesText } from "./LayoutSizes.ts"
import type { FieldSpan } from "./LayoutSpans.ts"
import { headOf, isHead, noHead } from "./Heads.ts"
import { chooseLine, lineOf } from "./Lines.ts"
import { LayoutWalk } from "./LayoutWalk.ts"
import type { CommandModel, FieldModel, HeaderFieldModel, HeaderModel, KindModel, LayoutModel, RunModel } from "./Model.ts"
import { decodeText } from "./Text.ts"
import { intWidth } from "./TypeText.ts"
import { findUntil } from "./words/Numbers.ts"
import { fixedSize } from "./words/Sizes.ts"
import { Scope, type StateSet } from "./words/Word.ts"

export type { FieldSpan } from "./LayoutSpans.ts"

/** A packet taken apart. */
export interface Annotation {
  /** Name of the command, or `Unknown`. */
  readonly packet: string
  /** Kind of packet; empty when not even that could be told. */
  readonly kind: string
  /** Name of the frame. */
  readonly frame: string
  /** Name of the layout, where there are several. */
  readonly layout?: string
  /** Name of the response's status. */
  readonly status?: string
  /** Where the packet starts in the bytes. */
  readonly at: number
  /** Bytes of the packet as its header says; those there are when the header is incomplete. */
  readonly length: number
  /** Fields in wire order. */
  readonly fields: ReadonlyArray<FieldSpan>
  readonly error?: DecodeError
}

/** What `annotate` may be told. */
export interface AnnotateOptions {
  /** Where the packet starts. */
  readonly at?: number
  /** Connection states that are on. */
  readonly states?: StateSet
  /** Kind of packet, for protocols whose header does not say it. */
  readonly kind?: string
}

interface Section {
  readonly name: string
  readonly at: number
  readonly length: number
}

/** The annotation while it is made. */
class Annotating {
  readonly walk: LayoutWalk
  readonly available: number
  packet = "Unknown"
  kind = ""
  layout: string | undefined
  status: string | undefined
  length: number
  private readonly catalog: Catalog
  private readonly options: AnnotateOptions
  private readonly states: StateSet

  constructor(catalog: Catalog, bytes: Uint8Array, options: AnnotateOptions) {
    this.catalog = catalog
    this.options = options
    this.states = options.states ?? new Set()
    this.walk = new LayoutWalk(catalog, bytes, this.states)
    this.available = bytes.length
    this.length = bytes.length
  }

  run(): void {
    if (this.catalog.frame.kinds[0]?.run !== undefined) return this.runHeader()
    const { kind, header } = this.header()
    this.kind = kind.name
    const values = new Map<string, number>()
    let opcode = -1
    let status: number | undefined
    for (const field of header.fields) {
      const value = this.headerField(kind, field)
      if (field.role === "opcode") opcode = value
      if (field.role === "statusCode") status = value
      values.set(field.name, value)
    }
    const command = this.catalog.command(kind.name, opcode)
    if (command !== undefined) {
      this.packet = command.name
      this.walk.packet = command.name
    }
    if (status !== undefined) this.status = this.catalog.status(status)?.name ?? hexNumber(status, 2)
    const sections = this.sections(header, values)
    this.body(kind, command, status, sections)
    const end = sections.at(-1)
    if (this.available < this.length && end !== undefined) {
      incomplete(this.walk.packet, "", this.available, `${this.length} bytes`, `${this.available} bytes`)
    }
  }

  /** A packet whose header is a run of fields. */
  private runHeader(): void {
    const { catalog, walk } = this
    const kind = this.runKind()
    const run = kind.run!
    this.kind = kind.name
    const scope = new Scope(0)
    const open = walk.reader.open
    const bodyStart = walk.fields(run.fields, "", 0, open, scope)
    const trailer = run.trailer.reduce((sum, { type }) => sum + (fixedSize(catalog, type) ?? 0), 0)
    for (const [name, value] of scope.values) if (catalog.states.some((state) => state.name === name)) walk.states.set(name, value)
    walk.reader.content = bodyStart
    const bodyEnd = this.runEnd(run, scope, bodyStart, trailer)
    const opcode = this.runOpcode(run, scope)
    const section = catalog.frame.sections[0] ?? "body"
    walk.section = section
    const candidates = catalog.opcodeless(kind.name)
    const sharing = opcode === undefined ? [] : catalog.sharing(kind.name, opcode)
    const command = catalog.frame.over === "text"
      ? this.byTokens(candidates, bodyStart, bodyEnd)
      : (sharing.length === 1 ? sharing[0] : this.byHead(sharing, bodyStart, bodyEnd)) ??
        this.byHead(candidates, bodyStart, bodyEnd)
    if (command === undefined) {
      if (run.end === "self" && opcode === undefined) {
        const heads = candidates.flatMap(({ request }) => request.map((layout) => headOf(fieldsIn(layout)).text))
        noHead(walk.reader, bodyStart, bodyEnd, kind.name, heads)
      }
      scope.place(section, bodyStart, walk.fields([{ name: section, type: { kind: "bytes" } }], "", bodyStart, bodyEnd, scope))
      this.trailer(run, bodyEnd, scope)
      return
    }
    this.packet = command.name
    walk.packet = command.name
    for (const [name, value] of Object.entries(command.header ?? {})) {
      const actual = scope.values.get(name)
      if (actual !== value) malformed("Constant", command.name, name, 0, String(value), String(actual))
    }
    const layout = this.chosen(command.request, [{ name: section, at: bodyStart, length: Math.floor(bodyEnd) - bodyStart }])
    this.layout = layout.name
    const next = walk.fields(fieldsIn(layout), "", bodyStart, bodyEnd, new Scope(bodyStart, scope))
    scope.place(section, bodyStart, next)
    if (run.end !== "self" && next < bodyEnd) {
      malformed("Trailing", command.name, section, next, `${next - bodyStart} bytes`, `${bodyEnd - bodyStart} bytes`)
    }
    this.length = next + trailer + (run.end === "until" ? run.until!.length / 2 : 0)
    this.trailer(run, next, scope)
  }

  /** The kind of packet: what was asked for, the only one, or that whose constants stand in its first field. */
  private runKind(): KindModel {
    const { kinds } = this.catalog.frame
    if (this.options.kind !== undefined || kinds.length === 1) {
      const kind = this.options.kind === undefined ? kinds[0] : kinds.find(({ name }) => name === this.options.kind)
      return kind ??
        malformed("Magic", this.walk.packet, "", 0, `one of ${kinds.map(({ name }) => name).join(", ")}`, this.options.kind ?? "")
    }
    for (const kind of kinds) {
      const first = kind.run!.fields[0]
      if (first === undefined) continue
      const trial = new LayoutWalk(this.catalog, this.walk.reader.bytes, this.walk.states)
      try {
        trial.fields([first], "", 0, trial.reader.open, new Scope(0))
        if (first.type.kind === "constant" || first.type.kind === "bits") return kind
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
        if (error.incomplete) throw error
      }
    }
    return malformed(
      "Magic",
      this.walk.packet,
      "",
      0,
      `a packet of one of the kinds ${kinds.map(({ name }) => name).join(", ")}; say which`,
      "neither"
    )
  }

  private runOpcode(run: RunModel, scope: Scope): number | undefined {
    if (run.opcodeFrom !== undefined) return this.walk.states.get(run.opcodeFrom) ?? 0
    for (const { name, type } of run.fields) {
      if (type.kind === "opcode") return scope.values.get(name)
      const bits = type.kind === "bits" ? type.fields.find((one) => one.role === "opcode") : undefined
      if (bits !== undefined) return scope.values.get(bits.name)
    }
    return undefined
  }

  /** Where the body ends; open when the packet tells by itself. */
  private runEnd(run: RunModel, scope: Scope, bodyStart: number, trailer: number): number {
    const { walk } = this
    const { maxFrame } = this.catalog.frame
    if (run.end === "self") return walk.reader.open
    if (run.end === "datagram") return this.available - trailer
    if (run.end === "until") {
      const end = findUntil(walk, run.until!, bodyStart, walk.reader.open, "")
      this.length = end + run.until!.length / 2
      return end
    }
    for (const { name, type } of run.fields) {
      const bits = type.kind === "bits" ? type.fields.find((one) => one.role === "bodyLength") : undefined
      const role = type.kind === "bodyLength" ? { name, from: type.from, plus: type.plus } : bits
      if (role === undefined) continue
      const [start, end] = scope.places.get(name)!
      const from = role.from ?? "body"
      const base = from === "body" ? bodyStart : from === "frame" ? 0 : from === "length" ? start : end
      const value = base + (scope.values.get(role.name) ?? 0) - (role.plus ?? 0)
      const bodyEnd = from === "frame" ? value - trailer : value
      this.length = bodyEnd + trailer
      if (this.length > maxFrame) {
        malformed("Limit", walk.packet, role.name, start, `a packet of at most ${maxFrame} bytes`, `${this.length} bytes`)
      }
      if (bodyEnd < bodyStart) {
        // the fields of the header are shown though the packet ends before them
        this.length = bodyStart
        malformed("Length", walk.packet, role.name, start, "at least the header", `${bodyEnd - bodyStart} bytes`)
      }
      return bodyEnd
    }
    return this.available - trailer
  }

  /** The command whose packets begin with what stands here; of several, the longest head's. */
  private byHead(candidates: ReadonlyArray<CommandModel>, at: number, end: number): CommandModel | undefined {
    const heads = candidates.flatMap((command) => command.request.map((layout) => ({ command, ...headOf(fieldsIn(layout)) })))
      .toSorted((a, b) => b.text.length - a.text.length)
    return heads.find(({ boundary, text }) => text === "" || isHead(this.walk.reader, at, this.walk.stop(end), text, ...boundary))?.command
  }

  /** The command that a line of tokens is. */
  private byTokens(candidates: ReadonlyArray<CommandModel>, at: number, end: number): CommandModel | undefined {
    const lines = candidates.flatMap((command) => {
      const line = lineOf(command)
      return line === undefined ? [] : [{ ...line, command }]
    })
    const tokens = decodeText(this.walk.reader.bytes, at, end).split(lines[0]?.separator ?? "")
    return chooseLine(lines, tokens, this.catalog.customs)?.command
  }

  private trailer(run: RunModel, at: number, scope: Scope): void {
    if (run.trailer.length === 0) return
    this.walk.section = "trailer"
    this.walk.fields(run.trailer, "", at, this.walk.reader.open, scope)
  }

  /** The header these bytes start with. */
  private header(): { readonly kind: KindModel; readonly header: HeaderModel } {
    const magics: Array<number> = []
    let short = this.available === 0
    for (const kind of this.catalog.frame.kinds) {
      if (this.options.kind !== undefined && kind.name !== this.options.kind) continue
      for (const header of kind.headers) {
        const field = header.fields.find(({ role }) => role === "magic")
        if (header.magic === undefined || field?.role !== "magic") return { kind, header }
        magics.push(header.magic)
        if (field.offset + intWidth[field.int] > this.available) short = true
        else if (Number(this.walk.int(field.offset, field.int)) === header.magic) return { kind, header }
      }
    }
    const expected = `one of ${magics.map((magic) => hexNumber(magic)).join(", ")}`
    if (short) return incomplete(this.walk.packet, "magic", this.available, expected, "the end")
    return malformed("Magic", this.walk.packet, "magic", 0, expected, hexNumber(this.walk.int(0, "u8")))
  }

  private headerField(kind: KindModel, field: HeaderFieldModel): number {
    const { name, offset, doc } = field
    const { walk, catalog } = this
    if (field.role === "field") {
      const type: FieldModel = { name, ...(doc === undefined ? {} : { doc }), type: field.type }
      walk.fields([type], "", offset, offset + intWidth[field.int], new Scope(0))
      return 0
    }
    const width = intWidth[field.int]
    walk.need(name, offset, width, offset + width)
    const value = Number(walk.int(offset, field.int))
    const hex = hexNumber(value, width)
    const text = field.role === "magic"
      ? `${kindWords(kind.name)} (${hex})`
      : field.role === "opcode"
      ? `${catalog.command(kind.name, value)?.label ?? "unknown"} (${hex})`
      : field.role === "statusCode"
      ? `${catalog.status(value)?.name ?? "unknown"} (${hex})`
      : String(value)
    const type = field.role === "sectionLength"
      ? `${field.int} length of ${field.section}`
      : field.role === "bodyLength"
      ? `${field.int} length`
      : field.int
    walk.note(name, offset, width, type, value, text, doc)
    return value
  }

  /** Where the sections stand; checks the lengths against each other and the limit. */
  private sections(header: HeaderModel, values: ReadonlyMap<string, number>): ReadonlyArray<Section> {
    const names = this.catalog.frame.sections
    const lengthField = (section: string): string | undefined =>
      header.fields.find((field) => field.role === "sectionLength" && field.section === section)?.name
    const body = header.fields.find(({ role }) => role === "bodyLength")
    let claimed = body?.role === "bodyLength" ? values.get(body.name)! - (body.includesHeader ? header.size : 0) : undefined
    const { maxFrame } = this.catalog.frame
    const { packet } = this.walk
    if (body !== undefined && claimed !== undefined) {
      if (claimed < 0) {
        malformed("Length", packet, body.name, body.offset, `at least the header's ${header.size} bytes`, `${claimed + header.size} bytes`)
      }
      this.length = header.size + claimed
      if (this.length > maxFrame) {
        malformed("Limit", packet, body.name, body.offset, `a packet of at most ${maxFrame} bytes`, `${this.length} bytes`)
      }
    }
    const sections: Array<Section> = []
    let at = header.size
    for (const [i, name] of names.entries()) {
      const known = lengthField(name)
      const last = i === names.length - 1
      const length = known !== undefined
        ? values.get(known)!
        : last
        ? Math.max(0, (claimed ?? this.available - header.size) - (at - header.size))
        : 0
      sections.push({ name, at, length })
      at += length
    }
    claimed ??= at - header.size
    this.length = header.size + claimed
    const sum = at - header.size
    if (sum > claimed) {
      malformed("Length", packet, body?.name ?? "", body?.offset ?? 0, `at least ${sum} bytes, the sections' lengths`, `${claimed} bytes`)
    }
    if (sum < claimed) {
      malformed("Trailing", packet, body?.name ?? "", body?.offset ?? 0, `${sum} bytes, the sections' lengths`, `${claimed} bytes`)
    }
    return sections
  }

  private body(kind: KindModel, command: CommandModel | undefined, status: number | undefined, sections: ReadonlyArray<Section>): void {
    const { walk } = this
    const own: Array<Section> = []
    for (const section of sections) {
      const shared = kind.shared.find((one) => one.section === section.name)
      if (shared === undefined) {
        own.push(section)
        continue
      }
      if (section.length === 0) continue
      walk.section = section.name
      walk.fields(
        [{ name: section.name, type: { kind: "nibbleFrames", ref: shared.ref } }],
        "",
        section.at,
        section.at + section.length,
        new Scope(0)
      )
    }
    const meaning = this.catalog.meaning(kind, command, status)
    if (command === undefined || meaning.error) {
      for (const { name, at, length } of own) {
        if (length === 0) continue
        walk.section = name
        walk.fields([{ name, type: { kind: "bytes" } }], "", at, at + length, new Scope(0))
      }
      return
    }
    const layout = this.chosen(layoutsOf(meaning), own)
    this.layout = layout.name
    const scope = new Scope(0)
    for (const section of own) {
      walk.section = section.name
      const fields = layout.sections.find((one) => one.section === section.name)?.fields ?? []
      const sizes = possibleSizes(this.catalog, fields, this.states)
      // a length no layout has is the section's fault, not that of the field which happens to cross the end
      const wrong = sizes !== undefined && !sizes.includes(section.length)
      const end = section.at + section.length
      let next = section.at
      try {
        next = walk.fields(fields, "", section.at, end, scope)
      } catch (error) {
        if (!wrong || !(error instanceof DecodeError) || error.reason !== "Length") throw error
        malformed("Length", walk.packet, section.name, error.offset, sizesText(sizes), `${section.length} bytes`)
      }
      if (wrong) malformed("Length", walk.packet, section.name, next, sizesText(sizes), `${section.length} bytes`)
      if (next < end) malformed("Trailing", walk.packet, section.name, next, `${next - section.at} bytes`, `${section.length} bytes`)
    }
  }

  private chosen(layouts: ReadonlyArray<LayoutModel>, sections: ReadonlyArray<Section>): LayoutModel {
    const { walk } = this
    const place = (name: string): Section => sections.find((section) => section.name === name)!
    const read = (name: string, { offset, type, path }: ConstantField): number | bigint | undefined => {
      const { at, length } = place(name)
      if (offset + intWidth[type.int] > length) return undefined
      walk.need(path, at + offset, intWidth[type.int], at + length)
      return walk.int(at + offset, type.int, type.order)
    }
    const layout = chooseLayout(this.catalog, layouts, this.states, sections, read)
    if ("reason" in layout) {
      const { at, length } = place(layout.section)
      const got = layout.reason === "Length" ? `${length} bytes` : "another value"
      // what the header says of a section may be wrong before all of the section is there
      return malformed(layout.reason, walk.packet, layout.path, Math.min(at + layout.offset, this.available), layout.expected, got)
    }
    return layout
  }
}

const fieldsIn = (layout: LayoutModel): ReadonlyArray<FieldModel> => layout.sections.flatMap((section) => section.fields)

/** A kind's name in words: `server request`. */
export const kindWords = (kind: string): string => kind.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

/** Takes the packet at `options.at` apart. Never throws for what the bytes say. */
export const annotate = (catalog: Catalog, bytes: Uint8Array, options: AnnotateOptions = {}): Annotation => {
  const at = Math.min(Math.max(0, options.at ?? 0), bytes.length)
  const making = new Annotating(catalog, bytes.subarray(at), options)
  let error: DecodeError | undefined
  try {
    making.run()
  } catch (thrown) {
    if (!(thrown instanceof DecodeError)) throw thrown
    error = thrown
  }
  return {
    packet: making.packet,
    kind: making.kind,
    frame: catalog.frame.name,
    ...(making.layout === undefined ? {} : { layout: making.layout }),
    ...(making.status === undefined ? {} : { status: making.status }),
    at,
    length: making.length,
    fields: making.walk.spans,
    ...(error === undefined ? {} : { error })
  }
}
