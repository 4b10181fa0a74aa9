/** Draws packets of every layout of a protocol by chance, so that every field is in some: values that its encoder takes, and the bytes it makes of them. */
import { EncodeError, Writer } from "@wirewright/codec"
import type { Catalog } from "@wirewright/codec/Catalog"
import type { FieldModel, KindModel, LayoutModel, TypeModel } from "@wirewright/codec/Model"
import { random } from "@wirewright/codec/Random.fixture"
import { isBigNumber, numberRange } from "@wirewright/codec/words/Numbers"
import { inState } from "@wirewright/codec/words/States"
import { isVisibleType } from "@wirewright/codec/words/Sizes"
import { flatFields } from "@wirewright/codec/words/Word"
import type { Question } from "../../dissector/Lua.ts"

type Values = { [name: string]: unknown }

/** How a protocol writes a packet; of text, its UTF-8. */
export type Encode = (packet: object, states: Readonly<Record<string, number>>) => Uint8Array

/** Packets that are drawn of a protocol, about. */
const enough = 1200
const deepest = 5

class Drawing {
  private readonly below: (bound: number) => number
  private readonly catalog: Catalog
  readonly states: Readonly<Record<string, number>>

  constructor(catalog: Catalog, states: Readonly<Record<string, number>>, below: (bound: number) => number) {
    this.catalog = catalog
    this.states = states
    this.below = below
  }

  private pick<A>(all: ReadonlyArray<A>): A {
    return all[this.below(all.length)]!
  }

  /** Letters and digits end no field. */
  private letters(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => 0x61 + this.below(26))
  }

  private size({ max = Infinity, min = 0, size }: { readonly min?: number; readonly max?: number; readonly size?: number }): number {
    return size ?? Math.min(max, min + this.below(6))
  }

  fields(fields: ReadonlyArray<FieldModel>, depth: number, into: Values): Values {
    for (const { name, type } of flatFields(fields)) {
      if (name in into || !isVisibleType(type)) continue
      const value = this.value(type, depth, into)
      if (value !== undefined) into[name] = value
    }
    return into
  }

  private value(type: TypeModel, depth: number, siblings: Values): unknown {
    const { below, catalog } = this
    switch (type.kind) {
      case "int":
      case "varint":
      case "escaped":
      case "decimal": {
        const { max, min } = numberRange(type)
        const value = this.pick([0n, 1n, 2n, BigInt(below(200)), max, min, max / 3n])
        const inside = value > max ? max : value < min ? min : value
        return isBigNumber(type) ? inside : Number(inside)
      }
      case "slice":
        return below(2 ** Math.min(30, type.high - type.low + 1))
      case "float":
        return below(100) / 4
      case "bool":
        return below(2) === 1
      case "bcd":
        return below(10 ** Math.min(9, type.digits))
      case "bytes":
        return this.letters(this.size(type))
      case "utf8":
      case "text":
        return new TextDecoder().decode(this.letters(type.pad === undefined ? this.size(type) : below((type.size ?? 0) + 1)))
      case "json":
        return this.pick(["{}", "[1]", "{\"a\":1}"])
      case "domainName":
        return this.pick(["a.example.", "b.a.example.", "."])
      case "literal":
        return true
      case "enumeration":
        return this.enumeration(type.ref)
      case "flags": {
        const { bits } = catalog.typeOf("flags", type.ref)
        return below(3) === 0 ? 0 : 2 ** this.pick(bits).bit
      }
      case "struct":
        return depth > deepest ? undefined : this.fields(catalog.typeOf("struct", type.ref).fields, depth + 1, {})
      case "choice":
      case "nibbleFrames": {
        const { cases } = catalog.typeOf(type.kind, type.ref)
        const one = (): Values => {
          const { fields, name } = this.pick(cases)
          return { _tag: name, ...this.fields(fields, depth + 1, {}) }
        }
        if (depth > deepest) return undefined
        return type.kind === "choice" ? one() : Array.from({ length: below(3) }, one)
      }
      case "array":
      case "counted": {
        const count = depth >= deepest ? 0 : ("min" in type ? type.min ?? 0 : 0) + below(3)
        const all = Array.from({ length: Math.min(count, type.max ?? count) }, () => this.value(type.of, depth + 1, siblings))
        return all.includes(undefined) ? [] : all
      }
      case "prefixed":
        return type.absent !== undefined && below(4) === 0 ? null : this.value(type.of, depth, siblings)
      case "optional":
        return below(3) === 0 ? undefined : this.value(type.of, depth, siblings)
      case "when": {
        const number = type.sibling === true ? siblings[type.state] : this.states[type.state]
        const of = inState(type, typeof number === "number" ? number : undefined) ? type.of : type.else
        return of === undefined ? undefined : this.value(of, depth, siblings)
      }
      case "custom":
        return catalog.customs[type.name]?.fromJson(this.pick<unknown>(["text", 1, true, { a: 1 }, { hex: "6162" }]))
      default:
        return undefined
    }
  }

  private enumeration(ref: string): unknown {
    const { int, values } = this.catalog.typeOf("enumeration", ref)
    const { value } = this.pick(values)
    return int.endsWith("64") ? BigInt(value) : value
  }
}

const headersOf = (kind: KindModel): ReadonlyArray<FieldModel> => [
  ...(kind.run?.fields ?? []),
  ...kind.headers.flatMap(({ fields }) => fields.flatMap((field) => field.role === "field" ? [{ name: field.name, type: field.type }] : []))
]

/** Draws packets of all layouts, in each of some states. */
export const draw = (
  catalog: Catalog,
  encode: Encode,
  statesOf: (below: (bound: number) => number) => Readonly<Record<string, number>>
): ReadonlyArray<Question> => {
  const below = random(4)
  const layouts = catalog.commands.reduce(
    (sum, { request, responses }) => sum + request.length + responses.reduce((of, one) => of + one.layouts.length, 0),
    0
  )
  const tries = Math.min(120, Math.max(6, Math.ceil(enough / layouts)))
  const out: Array<Question> = []
  const packets = (
    kind: KindModel,
    tag: string,
    layouts: ReadonlyArray<LayoutModel>,
    given: Values,
    states?: Readonly<Record<string, number>>
  ): void => {
    for (const layout of layouts.length === 0 ? [{ sections: [] }] : layouts) {
      for (let i = 0; i < tries; i++) {
        const drawing = new Drawing(catalog, { ...statesOf(below), ...states }, below)
        const packet: Values = { _tag: tag, ...(layout.name === undefined ? {} : { layout: layout.name }), ...given }
        for (const { ref, section } of kind.shared) {
          Object.assign(packet, drawing.fields([{ name: section, type: { kind: "nibbleFrames", ref } }], 0, {}))
        }
        drawing.fields([...headersOf(kind), ...layout.sections.flatMap(({ fields }) => fields)], 0, packet)
        try {
          out.push({ bytes: encode(packet, drawing.states), kind: kind.name, states: drawing.states })
        } catch (error) {
          if (!(error instanceof EncodeError) && !(error instanceof TypeError)) throw error
        }
      }
    }
  }
  for (const command of catalog.commands) {
    if (command.lifecycle === "removed") continue
    const request = catalog.kind(command.kinds.request)!
    const response = command.kinds.response === undefined ? undefined : catalog.kind(command.kinds.response)
    const from = request.run?.opcodeFrom
    packets(request, command.name, command.request, { ...command.header }, from === undefined ? undefined : { [from]: command.opcode })
    if (response === undefined) continue
    for (const outcome of command.responses) {
      const status = response.headers[0]?.fields.find(({ role }) => role === "statusCode")?.name
      packets(
        response,
        catalog.packetTag({ command, kind: response, outcome, error: false }),
        outcome.layouts,
        status === undefined ? {} : { [status]: outcome.statuses[0]!.code }
      )
    }
  }
  return out
}

/** The encoder of generated code. */
export const encoderOf = (generated: object, isText: boolean): Encode => {
  const { encode, noStates } = generated as {
    readonly encode: (...args: ReadonlyArray<unknown>) => unknown
    readonly noStates?: object
  }
  if (isText) return (packet) => new TextEncoder().encode(encode(packet) as string)
  return (packet, states) => {
    const writer = new Writer()
    const on = Object.fromEntries(
      Object.entries(states).map((
        [name, value]
      ) => [name, typeof (noStates as Values | undefined)?.[name] === "boolean" ? value !== 0 : value])
    )
    encode(writer, packet, { ...noStates, ...on })
    return writer.take()
  }
}
