/**
 * Packets for every layout of every command, from nothing but the model: each set of optional fields, each status of an outcome, each
 * connection state, with values in which every byte differs from its neighbours, once with high bits clear and once set.
 */
import type { AnyPacket, Catalog, CommandModel, FieldModel, IntName, KindModel, LayoutModel, TypeModel } from "@wirewright/codec"

/** A packet to encode. */
export interface Sample {
  readonly origin: string
  readonly packet: AnyPacket
  readonly states: { readonly collections: boolean }
  readonly command: CommandModel
}

const widths: { readonly [I in IntName]: number } = { u8: 1, u16: 2, u24: 3, u32: 4, u64: 8, i8: 1, i16: 2, i32: 4, i64: 8 }

/** Values that could not be others: writes that failed return nothing, so that tshark looks for no value behind another status. */
const fixed: { readonly [struct: string]: { readonly [field: string]: unknown } } = { SubdocMutationResult: { status: 0 } }

/** Hands out bytes that differ from their neighbours. */
class Values {
  private next: number
  private readonly step: number
  readonly round: number
  private readonly catalog: Catalog
  private readonly collections: boolean

  constructor(catalog: Catalog, round: number, collections: boolean) {
    this.catalog = catalog
    this.collections = collections
    this.round = round
    this.next = round === 0 ? 0x11 : 0xfb
    this.step = round === 0 ? 7 : -5
  }

  byte(): number {
    const { next } = this
    this.next = this.round === 0 ? (next + this.step) % 0x70 || 3 : 0x80 | next + this.step
    return next & 0xff
  }

  int(int: IntName): number | bigint {
    let value = 0n
    for (let i = 0; i < widths[int]; i++) value = value << 8n | BigInt(this.byte())
    if (int.startsWith("i")) value = BigInt.asIntN(widths[int] * 8, value)
    return int === "u64" || int === "i64" ? value : Number(value)
  }

  bytes(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.byte())
  }

  text(size: number | undefined): string {
    return "abcdefghijklmnopqrstuvwxyz".slice(this.round).slice(0, size ?? 5 + this.round)
  }

  /** Fields by name; `chosen` says which optional ones are there. */
  fields(fields: ReadonlyArray<FieldModel>, chosen: (name: string) => boolean): Record<string, unknown> {
    const out: Record<string, unknown> = {}
    for (const { name, type } of fields) {
      const hidden = type.kind === "lengthOf" || type.kind === "countOf" || type.kind === "constant" ||
        type.kind === "reserved" && type.policy !== "keep"
      if (!hidden) out[name] = type.kind === "optional" && !chosen(name) ? undefined : this.value(type)
    }
    return out
  }

  value(type: TypeModel): unknown {
    const { catalog, round } = this
    switch (type.kind) {
      case "int":
        return this.int(type.int)
      case "varint":
        return [0x4a, 0xcafe_f00d][round]
      case "bytes":
        return this.bytes(type.size ?? Math.min(type.max ?? 6, 6 + round))
      case "json":
        return round === 0 ? "{\"a\":1}" : "[\"b\",2]"
      case "utf8":
        return this.text(type.size)
      case "reserved":
        return type.int === undefined ? new Uint8Array(type.size ?? 0) : type.int === "u64" || type.int === "i64" ? 0n : 0
      case "optional":
        return this.value(type.of)
      case "when":
        return this.collections ? this.value(type.of) : undefined
      case "array":
        return [this.value(type.of), this.value(type.of)].slice(0, type.max ?? 2)
      case "struct":
        return { ...this.fields(catalog.typeOf("struct", type.ref).fields, () => true), ...fixed[type.ref] }
      case "choice": {
        const { cases } = catalog.typeOf("choice", type.ref)
        const one = cases[round % cases.length]!
        return { _tag: one.name, ...this.fields(one.fields, () => true) }
      }
      case "nibbleFrames":
        return []
      case "flags": {
        const { bits } = catalog.typeOf("flags", type.ref)
        return bits.length === 0 ? 0 : 2 ** bits[round === 0 ? 0 : bits.length - 1]!.bit
      }
      case "enumeration": {
        const { values, int } = catalog.typeOf("enumeration", type.ref)
        const { value } = values[round === 0 ? 0 : values.length - 1]!
        return int === "u64" || int === "i64" ? BigInt(value) : value
      }
      default:
        return undefined
    }
  }
}

/** Sets of optional fields of a layout, those that need each other together. */
const optionSets = (layout: LayoutModel): ReadonlyArray<ReadonlySet<string>> => {
  let sets: ReadonlyArray<ReadonlySet<string>> = [new Set()]
  for (const { fields } of layout.sections) {
    for (const { name, type } of fields) {
      if (type.kind !== "optional") continue
      const { requires } = type
      sets = [...sets, ...sets.filter((set) => requires === undefined || set.has(requires)).map((set) => new Set([...set, name]))]
    }
  }
  return sets
}

const rounds = [0, 1]

const headOf = (values: Values, kind: KindModel, opcode: number, status: number | undefined): Record<string, unknown> => {
  const out: Record<string, unknown> = { opcode }
  for (const field of kind.headers[0]!.fields) {
    if (field.role === "magic") out[field.name] = kind.headers[0]!.magic
    if (field.role === "statusCode") out[field.name] = status
    if (field.role === "field" && field.name !== "datatype") out[field.name] = values.int(field.int)
  }
  return { ...out, datatype: 0, framing: [] }
}

/** Every layout of every command that generated code writes. */
export const samplesOf = function*(catalog: Catalog): Generator<Sample> {
  for (const command of catalog.commands) {
    if (command.lifecycle === "removed") continue
    const bodies = [
      { kind: command.kinds.request, tag: command.name, status: undefined as number | undefined, layouts: command.request },
      ...command.responses.flatMap((outcome) =>
        outcome.statuses.map(({ code }) => ({
          kind: command.kinds.response!,
          tag: command.name + (outcome.name === "Success" ? "Response" : outcome.name),
          status: code as number | undefined,
          layouts: outcome.layouts
        }))
      )
    ]
    for (const { kind, layouts, status, tag } of bodies) {
      for (const layout of layouts) {
        for (const chosen of optionSets(layout)) {
          for (const round of rounds) {
            const states = { collections: round === 1 }
            const values = new Values(catalog, round, states.collections)
            const head = headOf(values, catalog.kind(kind)!, command.opcode, status)
            const content: Record<string, unknown> = layout.name === undefined ? {} : { layout: layout.name }
            for (const { fields } of layout.sections) Object.assign(content, values.fields(fields, (name) => chosen.has(name)))
            yield { origin: `round ${round}`, packet: { _tag: tag, ...head, ...content }, states, command }
          }
        }
      }
    }
  }
}

/** Every framing extra, on a command that may carry it. */
export const framingSamplesOf = function*(catalog: Catalog): Generator<Sample> {
  const command = catalog.commandNamed("Set")!
  for (const { kind, tag } of [{ kind: "request", tag: "Set" }, { kind: "response", tag: "SetResponse" }]) {
    const model = catalog.kind(kind)!
    const magic = model.headers[1]!.magic
    for (const { ref } of model.shared) {
      for (const frame of catalog.typeOf("nibbleFrames", ref).cases) {
        for (const round of rounds) {
          const values = new Values(catalog, round, false)
          const head = headOf(values, model, command.opcode, kind === "response" ? 0 : undefined)
          const layouts = kind === "response" ? command.responses[0]!.layouts : command.request
          const content = Object.assign({}, ...layouts[0]!.sections.map(({ fields }) => values.fields(fields, () => true))) as object
          const framing = [{ _tag: frame.name, ...values.fields(frame.fields, () => round === 1) }]
          const layout = layouts[0]!.name === undefined ? {} : { layout: layouts[0]!.name }
          yield {
            origin: `framing, round ${round}`,
            packet: { _tag: tag, ...head, ...layout, ...content, magic, framing },
            states: { collections: false },
            command
          }
        }
      }
    }
  }
}

/** A response with every status that carries an error. */
export const errorSamplesOf = function*(catalog: Catalog): Generator<Sample> {
  const command = catalog.commandNamed("Get")!
  const kind = catalog.kind(command.kinds.response!)!
  for (const [index, { code }] of catalog.statuses.entries()) {
    if (!catalog.meaning(kind, command, code).error) continue
    const values = new Values(catalog, index % rounds.length, false)
    const sections = { extras: new Uint8Array(0), key: new Uint8Array(0), value: new TextEncoder().encode("{\"error\":{}}") }
    const packet = { _tag: "ErrorResponse", ...headOf(values, kind, command.opcode, code), ...sections, datatype: 1 }
    yield { origin: `status ${code}`, packet, states: { collections: false }, command }
  }
}
