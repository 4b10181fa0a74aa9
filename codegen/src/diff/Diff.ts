/**
 * What differs between two versions of a spec: on the wire, in the types of generated code, or in nothing that anybody notices.
 *
 * The models are compared place by place. For what differs, packets are drawn of each version and read by the other: one that is read
 * otherwise, or refused, is the proof that the wire has changed, and is shown.
 */
import { type Catalog, layoutsOf } from "@wirewright/codec/Catalog"
import { hexOf } from "@wirewright/codec/Hex"
import type { Annotation } from "@wirewright/codec/Layout"
import type { CommandModel, FieldModel, KindModel, LayoutModel, NamedTypeModel } from "@wirewright/codec/Model"
import { flatFields } from "@wirewright/codec/words/Word"
import { specialsOf } from "../sample/Edges.ts"
import type { PacketPlan } from "../sample/Packets.ts"
import { Sampler } from "../sample/Sampler.ts"
import { typesIn } from "../sample/Within.ts"
import { Covers } from "./Covers.ts"
import { type Change, Describe, isSame } from "./Describe.ts"
import { differenceOf, readingOf } from "./Readings.ts"
import { breaks, propertiesOf } from "./Shapes.ts"

/** How much a change matters: others read other values or refuse; programs may not compile; neither. */
export type ChangeClass = "WIRE" | "SOURCE" | "SAFE"

/** Who wrote and who reads. */
export type Direction = "old to new" | "new to old"

/** A packet of one side that the other reads otherwise or refuses. */
export interface Witness {
  readonly direction: Direction
  /** `_tag` of the packet. */
  readonly packet: string
  readonly hex: string
  readonly states: ReadonlyMap<string, number>
  /** What the reader makes of it. */
  readonly why: string
}

/** What differs at one place. */
export interface Difference {
  readonly class: ChangeClass
  /** `frame`, a packet or a named type. */
  readonly place: string
  readonly changes: ReadonlyArray<Change>
  /** At most one for each direction. */
  readonly witnesses: ReadonlyArray<Witness>
  /** Packets that were read by the other side. */
  readonly tried: number
  /** It follows from the specs that each side reads what the other writes. */
  readonly isCovered: boolean
  /** It does not, and no packet that was drawn shows it. */
  readonly isUnshown: boolean
}

/** How hard to look. */
export interface DiffOptions {
  /** Packets of each side that are tried for a place. Default: 500 */
  readonly samples?: number
  readonly seed?: number
}

/** Packets that are tried after the first that shows a difference. */
const shorter = 60

const order: ReadonlyArray<ChangeClass> = ["WIRE", "SOURCE", "SAFE"]

const fieldsOf = (layout: LayoutModel | undefined): ReadonlyArray<FieldModel> => layout?.sections.flatMap(({ fields }) => fields) ?? []

/** All layouts of a command, with what they are of. */
const contents = (command: CommandModel): ReadonlyArray<{ readonly label: string; readonly layout: LayoutModel }> => [
  ...command.request.map((layout) => ({ label: ["request", layout.name].filter(Boolean).join(" "), layout })),
  ...command.responses.flatMap(({ layouts, name }) =>
    layouts.map((layout) => ({ label: [name, layout.name].filter(Boolean).join(" "), layout }))
  )
]

/** What of a command is on the wire. */
const wireOf = ({ header, isOpcodeless, kinds, opcode, request, responses }: CommandModel): unknown => ({
  header,
  isOpcodeless,
  kinds,
  opcode,
  request,
  responses
})

const headerNames = (kind: KindModel | undefined): ReadonlyArray<string> =>
  kind === undefined
    ? []
    : kind.run === undefined
    ? kind.headers[0]?.fields.map(({ name }) => name) ?? []
    : flatFields(kind.run.fields).map(({ name }) => name)

/** Two versions of a protocol. */
class Comparing {
  private readonly old: Catalog
  private readonly now: Catalog
  private readonly describe: Describe
  private readonly samplers: { readonly old: Sampler; readonly now: Sampler }
  private readonly samples: number
  private readonly forward: Covers
  private readonly backward: Covers
  /** What differs and is proved to be read alike by both sides, and what is said of it where packets show something else. */
  private readonly proved = new Map<Difference, Pick<Difference, "class" | "witnesses">>()
  /** Names that stand for another number on the other side. */
  private readonly moved: ReadonlySet<string>

  constructor(old: Catalog, now: Catalog, { samples = 500, seed = 1 }: DiffOptions) {
    this.old = old
    this.now = now
    this.samples = samples
    this.describe = new Describe(old, now)
    const named = specialsOf([old, now].flatMap((catalog) => typesIn(catalog, allFields(catalog))))
    const limit = BigInt(Math.min(old.frame.maxFrame, now.frame.maxFrame))
    const special = old.frame.maxFrame === now.frame.maxFrame ? named : [...named, limit - 16n, limit, limit + 1n]
    this.samplers = { old: new Sampler(old, { seed, special }), now: new Sampler(now, { seed, special }) }
    this.forward = new Covers({ reader: now, writer: old, isTolerant: false })
    this.backward = new Covers({ reader: old, writer: now, isTolerant: true })
    this.moved = movedNames(old, now)
  }

  all(): ReadonlyArray<Difference> {
    const all = [...this.frame(), ...this.types(), ...this.commands()]
    // packets in which two places differ show a difference for both, though only one may be on the wire
    const isShown = all.some((one) => !this.proved.has(one) && one.witnesses.length > 0)
    const found = isShown ? all.map((one) => ({ ...one, ...this.proved.get(one) })) : all
    return found.toSorted((a, b) => order.indexOf(a.class) - order.indexOf(b.class))
  }

  /** The kind that takes another's place. */
  private kindIn(catalog: Catalog, name: string, from: Catalog): string | undefined {
    if (catalog.kind(name) !== undefined) return name
    return catalog.frame.kinds[from.frame.kinds.findIndex((kind) => kind.name === name)]?.name
  }

  /** States by their names on the other side. */
  private statesIn(catalog: Catalog, states: ReadonlyMap<string, number>, from: Catalog): ReadonlyMap<string, number> {
    return new Map([...states].map(([name, value]) => {
      const isKnown = catalog.states.some((one) => one.name === name)
      const other = catalog.states[from.states.findIndex((one) => one.name === name)]?.name
      return [isKnown || other === undefined ? name : other, value]
    }))
  }

  /** Tries packets of one side until the other reads one of them otherwise. */
  private search(
    direction: Direction,
    plans: ReadonlyArray<PacketPlan>
  ): { readonly witness: Witness | undefined; readonly tried: number } {
    const isForward = direction === "old to new"
    const sampler = isForward ? this.samplers.old : this.samplers.now
    let tried = 0
    let open = plans.map((plan) => ({ plan, covering: sampler.covering(plan) }))
    const drawn = function*() {
      while (open.length > 0) {
        const going: typeof open = []
        for (const one of open) {
          const { done, value } = one.covering.next()
          if (done === true) continue
          going.push(one)
          yield value
        }
        open = going
      }
      for (let vain = 0; vain < plans.length;) {
        vain = 0
        for (const plan of plans) {
          const sample = sampler.sample(plan)
          if (sample === undefined) vain++
          else yield sample
        }
      }
    }
    let witness: Witness | undefined
    // a shorter one is easier to read
    let more = shorter
    for (const { annotation, bytes, kind, states, tag } of drawn()) {
      if (tried >= this.samples || witness !== undefined && more-- <= 0) break
      tried++
      if (witness !== undefined && witness.hex.length <= 2 * bytes.length) continue
      const why = this.objection(annotation, bytes, kind, states, direction)
      if (why !== undefined) witness = { direction, packet: tag, hex: hexOf(bytes), states, why }
    }
    return { witness, tried }
  }

  /** What the reader objects to in a packet; nothing when it reads it as it was meant. */
  private objection(
    annotation: Annotation,
    bytes: Uint8Array,
    kind: string,
    states: ReadonlyMap<string, number>,
    direction: Direction
  ): string | undefined {
    const isForward = direction === "old to new"
    const [writer, reader] = isForward ? [this.old, this.now] : [this.now, this.old]
    const other = this.kindIn(reader, kind, writer)
    if (other === undefined) return `has no packets of kind ${kind}`
    const written = { annotation, values: annotation.fields.filter(({ length }) => length > 0) }
    const read = readingOf(reader, bytes, other, this.statesIn(reader, states, writer))
    const difference = differenceOf(written, read, { isTolerant: !isForward, moved: this.moved })
    return (difference ?? this.mistaken(annotation.packet, read.annotation.packet, isForward))?.why
  }

  /** A packet that is taken for another one. */
  private mistaken(written: string, read: string, isForward: boolean): { readonly why: string } | undefined {
    if (written === read || read === "Unknown") return undefined
    const [writer, reader] = isForward ? [this.old, this.now] : [this.now, this.old]
    const one = writer.commandNamed(written)
    const other = reader.commandNamed(read)
    // the same packet under another name
    if (one !== undefined && other !== undefined && writer.commandNamed(read) === undefined && reader.commandNamed(written) === undefined) {
      return undefined
    }
    return written === "Unknown" ? undefined : { why: `takes it for ${read}` }
  }

  private difference(
    place: string,
    changes: ReadonlyArray<Change>,
    options: {
      readonly plans: { readonly old: ReadonlyArray<PacketPlan>; readonly now: ReadonlyArray<PacketPlan> }
      readonly isCovered: boolean
      readonly isProved?: boolean
      readonly breaksSource: boolean
    }
  ): Difference {
    const forward = this.search("old to new", options.plans.old)
    const backward = this.search("new to old", options.plans.now)
    const witnesses = [forward, backward].flatMap(({ witness }) => witness ?? [])
    const isUnshown = witnesses.length === 0 && !options.isCovered
    const otherwise = options.breaksSource ? "SOURCE" : "SAFE"
    const found: Difference = {
      class: witnesses.length > 0 || isUnshown ? "WIRE" : otherwise,
      place,
      changes,
      witnesses,
      tried: forward.tried + backward.tried,
      isCovered: options.isCovered,
      isUnshown
    }
    if (options.isProved === true) this.proved.set(found, { class: otherwise, witnesses: [] })
    return found
  }

  private plansWith(of: (plan: PacketPlan, catalog: Catalog) => boolean) {
    return {
      old: this.samplers.old.plans.filter((plan) => of(plan, this.old)),
      now: this.samplers.now.plans.filter((plan) => of(plan, this.now))
    }
  }

  private frame(): ReadonlyArray<Difference> {
    const [old, now] = [this.old.frame, this.now.frame]
    const out: Array<Difference> = []
    const changes: Array<Change> = [...this.describe.objects("frame", old, now, ["kinds", "name"])]
    let isCovered = now.maxFrame === old.maxFrame && isSame(old.sections.length, now.sections.length) && old.over === now.over
    let breaksSource = !isSame([old.name, old.sections, old.correlation, old.phases], [now.name, now.sections, now.correlation, now.phases])
    for (const [i, kind] of old.kinds.entries()) {
      const other = now.kinds.find(({ name }) => name === kind.name) ?? now.kinds[i]
      if (other === undefined || other.name !== kind.name && old.kinds.some(({ name }) => name === other.name)) {
        changes.push({ path: kind.name, text: "kind removed" })
        ;[isCovered, breaksSource] = [false, true]
        continue
      }
      if (other.name !== kind.name) {
        changes.push({ path: kind.name, text: `is called ${other.name}` })
        breaksSource = true
      }
      if (isSame({ ...kind, name: "", answers: "" }, { ...other, name: "", answers: "" })) continue
      changes.push(...this.kind(kind, other))
      isCovered &&= this.headerCovers(kind, other)
      breaksSource ||= this.headerBreaks(kind, other)
    }
    for (const kind of now.kinds) {
      const isKnown = old.kinds.some(({ name }) => name === kind.name) || old.kinds.length === now.kinds.length
      if (!isKnown) changes.push({ path: kind.name, text: "kind added" })
    }
    if (changes.length > 0) out.push(this.difference("frame", changes, { plans: this.plansWith(() => true), isCovered, breaksSource }))
    out.push(...this.tables())
    return out
  }

  private kind(old: KindModel, now: KindModel): ReadonlyArray<Change> {
    if ((old.run === undefined) !== (now.run === undefined)) return [{ path: old.name, text: "header of another form" }]
    if (old.run !== undefined && now.run !== undefined) {
      return [
        ...this.describe.objects(old.name, old, now, ["name", "run"]),
        ...this.describe.objects(old.name, old.run, now.run, ["trailer"]),
        ...this.describe.fields(`${old.name} trailer`, old.run.trailer, now.run.trailer)
      ]
    }
    return [
      ...this.describe.objects(old.name, old, now, ["name", "headers"]),
      ...old.headers.flatMap((header, i) => {
        const other = now.headers[i]
        if (other === undefined) return [{ path: old.name, text: `header ${i} removed` }]
        const rest = this.describe.objects(old.name, header, other, ["fields"])
        return [...rest, ...this.describe.fields(old.name, header.fields as never, other.fields as never)]
      }),
      ...now.headers.slice(old.headers.length).map((_, i) => ({ path: old.name, text: `header ${old.headers.length + i} added` }))
    ]
  }

  private headerCovers(old: KindModel, now: KindModel): boolean {
    const rest = ({ run, ...kind }: KindModel): unknown => ({
      ...kind,
      name: "",
      doc: "",
      answers: "",
      sender: "",
      headers: kind.headers.map((header) => ({ ...header, fields: header.fields.map((field) => ({ ...field, name: "" })) })),
      run: run === undefined ? undefined : [run.end, run.until, run.opcodeFrom]
    })
    if (!isSame(rest(old), rest(now))) return false
    const [one, other] = [old.run, now.run]
    return one === undefined || other === undefined ||
      [this.forward.fields(other.fields, one.fields), this.backward.fields(one.fields, other.fields)].every(Boolean) &&
        [this.forward.fields(other.trailer, one.trailer), this.backward.fields(one.trailer, other.trailer)].every(Boolean)
  }

  private headerBreaks(old: KindModel, now: KindModel): boolean {
    const properties = (catalog: Catalog, { headers, run }: KindModel) => {
      const fields = run?.fields ?? (headers[0]?.fields ?? []).map((field) => ({
        name: field.name,
        type: field.role === "field" ? field.type : { kind: "int", int: field.int } as const
      }))
      return propertiesOf(catalog, fields)
    }
    return breaks(properties(this.old, old), properties(this.now, now)) || old.sender !== now.sender
  }

  /** Statuses and states. */
  private tables(): ReadonlyArray<Difference> {
    const out: Array<Difference> = []
    const statuses = this.describe.statuses()
    if (statuses.length > 0) {
      const breaksSource = this.old.statuses.some(({ name, retry, code }) => {
        const other = this.now.statusNamed(name)
        return other === undefined || other.retry !== retry || other.code !== code
      })
      const plans = this.plansWith(({ meaning }) => meaning.outcome !== undefined || meaning.error)
      const isCovered = this.old.statuses.every(({ code, name }) => (this.now.statusNamed(name)?.code ?? code) === code)
      out.push(this.difference("statuses", statuses, { plans, isCovered, breaksSource }))
    }
    const states = this.describe.objects("states", { states: this.old.states.map(({ name, numbered }) => ({ name, numbered })) }, {
      states: this.now.states.map(({ name, numbered }) => ({ name, numbered }))
    })
    if (states.length > 0) {
      const breaksSource = this.old.states.some(({ name, numbered }) =>
        !this.now.states.some((one) => one.name === name && one.numbered === numbered)
      )
      out.push(this.difference("states", states, { plans: { old: [], now: [] }, isCovered: true, breaksSource }))
    }
    return out
  }

  private types(): ReadonlyArray<Difference> {
    const named = (catalog: Catalog): ReadonlyMap<string, NamedTypeModel> => namedTypes(catalog)
    const [old, now] = [named(this.old), named(this.now)]
    const out: Array<Difference> = []
    for (const [name, type] of old) {
      const other = now.get(name)
      const plans = () => this.plansWith((plan, catalog) => reaches(catalog, plan, name))
      if (other === undefined) {
        const moved = [...now.values()].find((one) => !old.has(one.name) && isSame({ ...one, name: "" }, { ...type, name: "" }))
        const text = moved === undefined ? `${type.kind} removed` : `is called ${moved.name}`
        out.push(this.difference(name, [{ path: name, text }], { plans: plans(), isCovered: true, isProved: true, breaksSource: true }))
        continue
      }
      if (isSame(type, other)) continue
      const changes = this.describe.named(type, other)
      const isCovered = this.namedCovers(this.forward, other, type) && this.namedCovers(this.backward, type, other)
      out.push(
        this.difference(name, changes, { plans: plans(), isCovered, isProved: isCovered, breaksSource: this.namedBreaks(type, other) })
      )
    }
    return out
  }

  private namedCovers(covers: Covers, reader: NamedTypeModel, writer: NamedTypeModel): boolean {
    if (reader.kind !== writer.kind) return false
    const ref = { reader: reader.name, writer: writer.name }
    const kind = reader.kind as "struct"
    return covers.fields([{ name: "", type: { kind, ref: ref.reader } }], [{ name: "", type: { kind, ref: ref.writer } }])
  }

  private namedBreaks(old: NamedTypeModel, now: NamedTypeModel): boolean {
    if (old.kind !== now.kind) return true
    if (old.kind === "struct" && now.kind === "struct") {
      return breaks(propertiesOf(this.old, old.fields), propertiesOf(this.now, now.fields)) ||
        (old.byteOrder === "given") !== (now.byteOrder === "given")
    }
    if (old.kind === "enumeration" && now.kind === "enumeration") {
      return old.unknown !== now.unknown ||
        old.values.some(({ name, value }) => now.values.find((one) => one.name === name)?.value !== value)
    }
    if (old.kind === "flags" && now.kind === "flags") {
      return old.bits.some(({ bit, name }) => now.bits.find((one) => one.name === name)?.bit !== bit)
    }
    if ("cases" in old && "cases" in now) {
      const unknown = "unknown" in old && "unknown" in now && old.unknown !== now.unknown
      return unknown || old.cases.some((one) => {
        const other = now.cases.find(({ name }) => name === one.name)
        return other === undefined || breaks(propertiesOf(this.old, one.fields), propertiesOf(this.now, other.fields))
      })
    }
    return true
  }

  /** The command of the other side that is the same one. */
  private partner(command: CommandModel): CommandModel | undefined {
    return this.now.commandNamed(command.name) ??
      this.now.commands.find((one) =>
        one.kinds.request === command.kinds.request && one.opcode === command.opcode && one.isOpcodeless === command.isOpcodeless &&
        this.old.commandNamed(one.name) === undefined &&
        isSame([one.request, one.responses], [command.request, command.responses])
      )
  }

  private commands(): ReadonlyArray<Difference> {
    const out: Array<Difference> = []
    const known = new Set<string>()
    for (const command of this.old.commands) {
      const plansOf = (name: string, other: string | undefined) => ({
        old: this.samplers.old.plans.filter(({ meaning }) => meaning.command?.name === name),
        now: other === undefined ? [] : this.samplers.now.plans.filter(({ meaning }) => meaning.command?.name === other)
      })
      const other = this.partner(command)
      if (other === undefined) {
        const changes = [{ path: command.name, text: `packet removed` }]
        out.push(this.difference(command.name, changes, { plans: plansOf(command.name, undefined), isCovered: false, breaksSource: true }))
        continue
      }
      known.add(other.name)
      const without = ["family", "name"]
      if (other.name === command.name && isSame({ ...command, family: "" }, { ...other, family: "" })) continue
      const renamed = other.name === command.name ? [] : [{ path: command.name, text: `is called ${other.name}` }]
      const changes = [
        ...renamed,
        ...this.describe.objects(command.name, command, other, [...without, "request", "responses"]),
        ...this.layouts(command, other)
      ]
      const isCovered = this.commandCovers(command, other)
      const breaksSource = renamed.length > 0 || this.commandBreaks(command, other)
      out.push(
        this.difference(command.name, changes, { plans: plansOf(command.name, other.name), isCovered, isProved: isCovered, breaksSource })
      )
    }
    for (const command of this.now.commands) {
      if (known.has(command.name)) continue
      const now = this.samplers.now.plans.filter(({ meaning }) => meaning.command === command)
      const changes = [{ path: command.name, text: "packet added" }]
      out.push(this.difference(command.name, changes, { plans: { old: [], now }, isCovered: true, breaksSource: false }))
    }
    return out
  }

  private layouts(old: CommandModel, now: CommandModel): ReadonlyArray<Change> {
    const [one, other] = [contents(old), contents(now)]
    return [
      ...one.flatMap(({ label, layout }, i): ReadonlyArray<Change> => {
        const path = label === "request" ? old.name : `${old.name} ${label}`
        const match = other.find((of) => of.label === label) ?? (one.length === other.length ? other[i] : undefined)
        if (match === undefined) return [{ path, text: "layout removed" }]
        const renamed = match.label === label ? [] : [{ path, text: `is called ${match.label}` }]
        const sections = [...new Set([...layout.sections, ...match.layout.sections].map(({ section }) => section))]
        return [
          ...renamed,
          ...sections.flatMap((section) => {
            const of = (from: LayoutModel) => from.sections.find((found) => found.section === section)?.fields ?? []
            return this.describe.fields(path, of(layout), of(match.layout))
          })
        ]
      }),
      ...other.filter(({ label }) => !one.some((of) => of.label === label) && one.length !== other.length)
        .map(({ label }) => ({ path: `${old.name} ${label}`, text: "layout added" })),
      ...this.describe.objects(old.name, { statuses: old.responses.map(({ statuses }) => statuses) }, {
        statuses: now.responses.map(({ statuses }) => statuses)
      })
    ]
  }

  private commandCovers(old: CommandModel, now: CommandModel): boolean {
    const rest = ({ header, isOpcodeless, kinds, opcode, responses }: CommandModel): unknown => [
      header,
      isOpcodeless,
      Object.keys(kinds),
      opcode,
      responses.map(({ statuses }) => statuses.map(({ code }) => code))
    ]
    if (isSame(wireOf(old), wireOf(now))) return true
    if (!isSame(rest(old), rest(now))) return false
    const outer = { old: headerNames(this.old.kind(old.kinds.request)), now: headerNames(this.now.kind(now.kinds.request)) }
    const [one, other] = [contents(old), contents(now)]
    return one.length === other.length && one.every(({ layout }, i) => {
      const match = other[i]!.layout
      const sections = [...new Set([...layout.sections, ...match.sections].map(({ section }) => section))]
      return sections.every((section) => {
        const of = (from: LayoutModel) => from.sections.find((found) => found.section === section)?.fields ?? []
        return this.forward.fields(of(match), of(layout), { reader: outer.now, writer: outer.old }) &&
          this.backward.fields(of(layout), of(match), { reader: outer.old, writer: outer.now })
      })
    })
  }

  private commandBreaks(old: CommandModel, now: CommandModel): boolean {
    const rest = ({ answeredBy, kinds, last, quiet, reply, sender, then, unasked }: CommandModel): unknown => [
      answeredBy,
      kinds,
      last,
      quiet,
      reply,
      sender,
      then,
      unasked
    ]
    const names = (of: CommandModel): ReadonlyArray<string> => contents(of).map(({ label }) => label)
    const [one, other] = [contents(old), contents(now)]
    return !isSame(rest(old), rest(now)) || (old.lifecycle === "removed") !== (now.lifecycle === "removed") ||
      names(old).some((label) => !names(now).includes(label)) ||
      one.some(({ label, layout }) => {
        const match = other.find((of) => of.label === label)
        return match !== undefined && breaks(propertiesOf(this.old, fieldsOf(layout)), propertiesOf(this.now, fieldsOf(match.layout)))
      })
  }
}

/** Fields of everything that a protocol sends. */
const allFields = (catalog: Catalog): ReadonlyArray<FieldModel> => [
  ...catalog.frame.kinds.flatMap(({ run }) => [...run?.fields ?? [], ...run?.trailer ?? []]),
  ...catalog.commands.flatMap((command) => contents(command).flatMap(({ layout }) => fieldsOf(layout)))
]

/** Named types that packets reach, by name. */
const namedTypes = (catalog: Catalog): ReadonlyMap<string, NamedTypeModel> => {
  const shared = catalog.frame.kinds.flatMap(({ shared: of }) => of.map(({ ref }) => ref))
  const nibbles = shared.flatMap((ref) => catalog.typeOf("nibbleFrames", ref).cases.flatMap(({ fields }) => fields))
  const header = catalog.frame.kinds.flatMap(({ headers }) =>
    headers.flatMap(({ fields }) => fields.flatMap((field): ReadonlyArray<FieldModel> => field.role === "field" ? [field] : []))
  )
  const refs = typesIn(catalog, [...allFields(catalog), ...nibbles, ...header]).flatMap((type) => [
    ...("ref" in type ? [type.ref] : []),
    ...(type.kind === "bits" ? type.fields.flatMap(({ ref }) => ref ?? []) : [])
  ])
  return new Map([...new Set([...shared, ...refs])].sort().map((ref) => [ref, catalog.type(ref)]))
}

/** Names of values, bits, cases and statuses that have another number in another version. */
const movedNames = (old: Catalog, now: Catalog): ReadonlySet<string> => {
  const rows = (type: NamedTypeModel | undefined): ReadonlyArray<readonly [name: string, number: number]> =>
    type === undefined || type.kind === "struct"
      ? []
      : type.kind === "enumeration"
      ? type.values.map(({ name, value }) => [name, value])
      : type.kind === "flags"
      ? type.bits.map(({ bit, name }) => [name, bit])
      : type.cases.map(({ name, tag }) => [name, tag])
  const types = namedTypes(now)
  const tables = [...namedTypes(old)].map(([name, type]) => [rows(type), rows(types.get(name))] as const)
  const statuses = [old, now].map((catalog) => catalog.statuses.map(({ code, name }) => [name, code] as const))
  return new Set([...tables, [statuses[0]!, statuses[1]!] as const].flatMap(([one, other]) => {
    const numbers = new Map(other)
    return one.flatMap(([name, number]) => numbers.has(name) && numbers.get(name) !== number ? [name] : [])
  }))
}

/** Whether packets of a plan may hold a named type. */
const reaches = (catalog: Catalog, { layout, meaning: { command, error, kind } }: PacketPlan, ref: string): boolean => {
  const header = kind.run?.fields ??
    (kind.headers[0]?.fields ?? []).flatMap((field): ReadonlyArray<FieldModel> => field.role === "field" ? [field] : [])
  const body = layout === undefined && command !== undefined && !error
    ? layoutsOf({ command, error, kind }).flatMap(fieldsOf)
    : fieldsOf(layout)
  if (kind.shared.some((one) => one.ref === ref)) return true
  const shared = kind.shared.flatMap((one) => catalog.typeOf("nibbleFrames", one.ref).cases.flatMap(({ fields }) => fields))
  return typesIn(catalog, [...header, ...shared, ...body]).some((type) =>
    "ref" in type && type.ref === ref || type.kind === "bits" && type.fields.some((one) => one.ref === ref)
  )
}

/** What differs between two versions, what matters most first. */
export const diffOf = (old: Catalog, now: Catalog, options: DiffOptions = {}): ReadonlyArray<Difference> =>
  new Comparing(old, now, options).all()
