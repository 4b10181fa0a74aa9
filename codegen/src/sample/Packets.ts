/** Whole packets by chance: header, sections, trailer, with the lengths, opcodes and statuses that make them what they are to be. */
import { type Catalog, layoutsOf, type TagMeaning } from "@wirewright/codec/Catalog"
import { headOf } from "@wirewright/codec/Heads"
import { bytesOfDigits } from "@wirewright/codec/Hex"
import type { CommandModel, FieldModel, HeaderModel, KindModel, LayoutModel, RunModel, TypeModel } from "@wirewright/codec/Model"
import type { Below } from "@wirewright/codec/Random"
import { numberRange } from "@wirewright/codec/words/Numbers"
import { flatFields } from "@wirewright/codec/words/Word"
import { type Bytes, encodeNumber, type Piece, withChecksums } from "./Assemble.ts"
import { type Draw, Numbers, Unfit } from "./Draw.ts"
import { someBytes } from "./Texts.ts"
import { newest, stateSets, typesIn } from "./Within.ts"

/** What a packet is to be. */
export interface PacketPlan {
  readonly meaning: TagMeaning
  /** Value of its `_tag`. */
  readonly tag: string
  readonly layout: LayoutModel | undefined
  /** Of an answer: its status. */
  readonly status: number | undefined
  readonly statusName: string | undefined
}

/** What came of a plan. */
export interface DrawnPacket {
  readonly bytes: Uint8Array
  readonly states: ReadonlyMap<string, number>
}

/**
 * Every packet of a protocol: each layout of each, each status of each answer, and what is kept though nothing describes it. With `only`: those of
 * one command.
 */
export const packetPlans = (catalog: Catalog, only?: CommandModel): ReadonlyArray<PacketPlan> => {
  const out: Array<PacketPlan> = []
  const add = (meaning: TagMeaning, status?: { readonly name: string; readonly code: number }): void => {
    const layouts: ReadonlyArray<LayoutModel | undefined> = meaning.command === undefined || meaning.error
      ? [undefined]
      : layoutsOf(meaning)
    for (const layout of layouts) {
      out.push({ meaning, tag: catalog.packetTag(meaning), layout, status: status?.code, statusName: status?.name })
    }
  }
  const commands = (only === undefined ? catalog.commands : [only]).filter(({ lifecycle }) => lifecycle !== "removed")
    .toSorted((a, b) => a.opcode - b.opcode || (a.name < b.name ? -1 : 1))
  for (const kind of catalog.frame.kinds) {
    for (const command of commands) {
      if (command.kinds.request === kind.name || command.kinds.also?.includes(kind.name) === true) add({ command, kind, error: false })
      if (command.kinds.response !== kind.name) continue
      for (const outcome of command.responses) {
        for (const status of outcome.statuses) add({ command, kind, outcome, error: false }, status)
      }
      if (catalog.statuses.length > 0) add({ command, kind, error: true })
    }
    if (only !== undefined) continue
    const mayBeUnknown = hasOpcode(kind) || kind.run?.end === "length" && kind.run.opcodeFrom === undefined
    if (mayBeUnknown && !takesAll(catalog, kind)) add({ kind, error: false })
  }
  return out
}

/** Whether a command takes all opcodes that no other has. */
const takesAll = (catalog: Catalog, kind: KindModel): boolean =>
  catalog.opcodeless(kind.name).some(({ request }) =>
    request.some((layout) => headOf(layout.sections.flatMap(({ fields }) => fields)).text === "")
  )

const opcodeField = (run: RunModel): FieldModel | undefined =>
  run.fields.find(({ type }) => type.kind === "opcode" || type.kind === "bits" && type.fields.some(({ role }) => role === "opcode"))

const hasOpcode = ({ headers, run }: KindModel): boolean =>
  run === undefined ? headers.some(({ fields }) => fields.some(({ role }) => role === "opcode")) : opcodeField(run) !== undefined

const unfit = (why: string): never => {
  throw new Unfit(why)
}

/** Draws packets. */
export class Packets {
  readonly catalog: Catalog
  private readonly draw: Draw
  private readonly below: Below
  private readonly states = new Map<LayoutModel, ReadonlyArray<ReadonlyMap<string, number>>>()
  /** States that are what was said. */
  private readonly fixed: ReadonlyMap<string, number>

  constructor(draw: Draw, below: Below, fixed: ReadonlyMap<string, number>) {
    this.catalog = draw.catalog
    this.draw = draw
    this.below = below
    this.fixed = fixed
  }

  /** One packet. Throws `Unfit` for what cannot be. */
  packet(plan: PacketPlan): DrawnPacket {
    const { kind } = plan.meaning
    const states = this.statesOf(plan)
    this.draw.states = states
    const bytes = kind.run === undefined ? this.inPlace(plan) : this.run(plan, kind.run)
    return { bytes: Uint8Array.from(bytes), states }
  }

  private statesOf({ layout, meaning: { command, kind }, tag }: PacketPlan): ReadonlyMap<string, number> {
    const own = new Map<string, number>()
    if (layout !== undefined) {
      let sets = this.states.get(layout)
      if (sets === undefined) {
        const head = kind.run?.fields ?? []
        sets = stateSets(typesIn(this.catalog, [...head, ...layout.sections.flatMap(({ fields }) => fields)]))
        this.states.set(layout, sets)
      }
      const chosen = this.draw.mode === "readable" ? newest(this.catalog, sets) : sets[this.draw.pick(`${tag} states`, sets.length)]!
      for (const [name, value] of chosen) own.set(name, value)
    }
    const told = kind.run?.opcodeFrom
    if (told !== undefined && command !== undefined) own.set(told, command.opcode)
    for (const [name, value] of this.fixed) if (name !== told) own.set(name, value)
    return own
  }

  /** An opcode up to the largest; of what has none of its own, one that no other has. */
  private opcode({ meaning: { command, kind } }: PacketPlan, max: bigint): bigint {
    if (command !== undefined && command.isOpcodeless !== true) return BigInt(command.opcode)
    const all = Math.min(256, Number(max) + 1)
    const first = this.below(all)
    for (let i = 0; i < all; i++) {
      const code = (first + i) % all
      if (this.catalog.command(kind.name, code) === undefined) return BigInt(code)
    }
    return max > 255n ? max : unfit("no opcode is left")
  }

  private status(plan: PacketPlan): bigint {
    if (plan.status !== undefined) return BigInt(plan.status)
    const { command } = plan.meaning
    const own = new Set(command?.responses.flatMap(({ statuses }) => statuses.map(({ code }) => code)) ?? [])
    const others = this.catalog.statuses.map(({ code }) => code).filter((code) => !own.has(code))
    const options = [...others, 0xfe, 0xff].filter((code) => !own.has(code))
    return BigInt(options[this.draw.pick(`${plan.tag} status`, options.length)]!)
  }

  /** A packet whose header is read in place. */
  private inPlace(plan: PacketPlan): Bytes {
    const { kind } = plan.meaning
    const { catalog, draw } = this
    const header = kind.headers[draw.pick(`${kind.name} header`, kind.headers.length)]!
    const sections = new Map<string, Bytes>()
    for (const { ref, section } of kind.shared) {
      const isThere = header.fields.some((field) => field.role === "sectionLength" && field.section === section)
      const type = { kind: "nibbleFrames", ref } as const
      sections.set(section, isThere ? draw.fields([{ name: section, type }], kind.name).bytes.flat() : [])
    }
    const own = catalog.frame.sections.filter((section) => !sections.has(section))
    const content = this.content(plan, own, header.size)
    for (const [section, bytes] of content) sections.set(section, bytes)
    const all = catalog.frame.sections.map((section) => sections.get(section) ?? [])
    const body = all.flat()
    return [...this.header(plan, header, sections, body.length), ...body]
  }

  private header(plan: PacketPlan, header: HeaderModel, sections: ReadonlyMap<string, Bytes>, body: number): Bytes {
    const { command } = plan.meaning
    return header.fields.flatMap((field): Bytes => {
      const number = (value: bigint): Bytes => encodeNumber({ kind: "int", int: field.int }, value) ?? unfit(`${field.name} does not fit`)
      switch (field.role) {
        case "magic":
          return number(BigInt(header.magic ?? 0))
        case "opcode":
          return number(this.opcode(plan, numberRange({ kind: "int", int: field.int }).max))
        case "statusCode":
          return number(this.status(plan))
        case "sectionLength":
          return number(BigInt(sections.get(field.section)?.length ?? 0))
        case "bodyLength":
          return number(BigInt(body + (field.includesHeader ? header.size : 0)))
        case "field": {
          const given = command?.header?.[field.name]
          const fields = [{ name: field.name, type: field.type }]
          const around = given === undefined ? {} : { given: new Map([[field.name, BigInt(given)]]) }
          return this.draw.fields(fields, plan.meaning.kind.name, {}, around).bytes.flat()
        }
      }
    })
  }

  /** What stands in the sections of a layout; some bytes where nobody describes them. */
  private content(plan: PacketPlan, own: ReadonlyArray<string>, begin: number, numbers?: Numbers): ReadonlyMap<string, Bytes> {
    const { layout, tag } = plan
    if (layout === undefined) {
      return new Map(own.map((section, i) => {
        const sizes = i === own.length - 1 ? [0, 1, 9] : [0, 3]
        return [section, someBytes(this.below, sizes[this.draw.pick(`${tag} ${section}`, sizes.length)]!, new Set())]
      }))
    }
    const parts = own.map((section) => layout.sections.find((one) => one.section === section)?.fields ?? [])
    const key = layout.name === undefined ? tag : `${tag} ${layout.name}`
    const { bytes } = this.draw.fields(parts.flat(), key, numbers === undefined ? {} : { numbers }, { begin })
    let at = 0
    return new Map(own.map((section, i) => [section, bytes.slice(at, at += parts[i]!.length).flat()]))
  }

  /** A packet whose header is a run of fields. */
  private run(plan: PacketPlan, run: RunModel): Bytes {
    const { catalog, draw } = this
    const { command, kind } = plan.meaning
    const numbers = new Numbers()
    const given = new Map(Object.entries(command?.header ?? {}).map(([name, value]) => [name, BigInt(value)]))
    // what the header says is the state of the packet itself
    for (const { name } of flatFields(run.fields)) {
      const value = draw.states.get(name)
      if (value !== undefined && name !== run.opcodeFrom) given.set(name, BigInt(value))
    }
    const opcode = opcodeField(run)
    if (opcode !== undefined) {
      const bits = opcode.type.kind === "bits" ? opcode.type.fields.find(({ role }) => role === "opcode") : undefined
      const max = bits !== undefined
        ? (1n << BigInt(bits.high - bits.low + 1)) - 1n
        : numberRange((opcode.type as Extract<TypeModel, { readonly kind: "opcode" }>).of).max
      given.set(bits?.name ?? opcode.name, this.opcode(plan, max))
    }
    const head = draw.fields(run.fields, kind.name, { numbers }, { given })
    for (const [name, value] of given) numbers.set(name, value)
    const [section = "body"] = catalog.frame.sections
    const body = [...this.content(plan, [section], 0, numbers).values()].flat()
    const trailer = draw.fields(run.trailer, `${kind.name} trailer`, { numbers })
    const after = trailer.bytes.flat().length
    let pieces = head.pieces
    let bytes = head.bytes
    // a length may say how long it is itself
    for (let round = 0; round < 4; round++) {
      const before = bytes.flat().length
      pieces = this.withLength(run, pieces, bytes, body.length, after)
      bytes = draw.sealed(run.fields, pieces, 0)
      if (bytes.flat().length === before && round > 0) break
    }
    const fields: ReadonlyArray<FieldModel> = [...run.fields, { name: section, type: { kind: "bytes" } }, ...run.trailer]
    const parts = withChecksums(fields, [...bytes, body, ...trailer.bytes])
    return [...parts.flat(), ...bytesOfDigits(run.until ?? "")]
  }

  /** The pieces of a header that says how long its packet is. */
  private withLength(
    run: RunModel,
    pieces: ReadonlyMap<string, Piece>,
    bytes: ReadonlyArray<Bytes>,
    body: number,
    trailer: number
  ): ReadonlyMap<string, Piece> {
    const out = new Map(pieces)
    const size = bytes.flat().length
    let at = 0
    for (const [i, { name, type }] of run.fields.entries()) {
      const start = at
      at += bytes[i]!.length
      const bits = type.kind === "bits" ? type.fields.find(({ role }) => role === "bodyLength") : undefined
      const role = type.kind === "bodyLength" ? type : bits
      if (role === undefined) continue
      const from = role.from ?? "body"
      const base = from === "body" ? size : from === "frame" ? -trailer : from === "length" ? start : at
      const value = BigInt(size + body - base + (role.plus ?? 0))
      if (type.kind === "bodyLength") {
        out.set(name, { bytes: encodeNumber(type.of, value) ?? unfit("the length does not fit"), number: value })
      } else if (bits !== undefined) {
        const room = bits.escaped === undefined ? (1n << BigInt(bits.high - bits.low + 1)) - 1n : numberRange(bits.escaped).max
        if (value > room) return unfit("the length does not fit")
        const piece = pieces.get(name)!
        out.set(name, { ...piece, slices: new Map([...piece.slices ?? [], [bits.name, value]]) })
      }
    }
    return out
  }
}
