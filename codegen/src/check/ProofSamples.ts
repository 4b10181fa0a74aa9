/**
 * Small encodings that a spec allows: bytes of some values of a type, with everything derived. What ambiguity there is mostly shows in
 * those, read in every way.
 */
import { optionalIn } from "@wirewright/codec/words/Sizes"
import type { Catalog } from "@wirewright/codec/Catalog"
import { bytesOfDigits } from "@wirewright/codec/Hex"
import type { FieldModel, LengthModel, NumberModel, TypeModel } from "@wirewright/codec/Model"
import { isNullable } from "@wirewright/codec/words/Records"
import { inState } from "@wirewright/codec/words/States"
import { bcdSize } from "@wirewright/codec/words/Values"
import { intWidth } from "@wirewright/codec/TypeText"
import { assembled, type Bytes, bytesOfInt, encodeNumber, lineBytes, type Piece } from "../sample/Assemble.ts"

const letter = 0x61

/** Makes samples. */
export class Samples {
  private readonly catalog: Catalog
  private readonly states: ReadonlyMap<string, number>
  /** Bytes that mean something in the spec: constants, tags, literals. */
  private readonly special: ReadonlyArray<Bytes>
  private readonly most: number
  private depth: number

  constructor(catalog: Catalog, states: ReadonlyMap<string, number>, special: ReadonlyArray<Bytes>, most = 96) {
    this.catalog = catalog
    this.states = states
    this.special = special.slice(0, 6)
    this.most = most
    this.depth = 0
  }

  /** Encodings of a run of fields. */
  record(fields: ReadonlyArray<FieldModel>, most = this.most): ReadonlyArray<Bytes> {
    if (this.depth > 3) return []
    this.depth++
    try {
      const pieces = fields.map(({ name, type }) => this.field(name, type, fields))
      if (pieces.some((some) => some.length === 0)) return []
      const out: Array<Bytes> = []
      for (const choice of combinations(pieces.map((some) => some.length), most)) {
        const bytes = this.assemble(fields, choice.map((index, i) => pieces[i]![index]!))
        if (bytes !== undefined) out.push(bytes)
      }
      return out
    } finally {
      this.depth--
    }
  }

  /** Alternatives for a field, those of what a sibling says included. */
  private field(name: string, type: TypeModel, fields: ReadonlyArray<FieldModel>): ReadonlyArray<Piece> {
    const found = this.type(type)
    const nullable = isNullable(fields, name)
    const values = fields.flatMap(({ type: other }) =>
      other.kind === "optional" && other.if?.kind === "valueOf" && other.if.field === name ? other.if.values : []
    )
    const numbers = type.kind === "int"
      ? values.map((value): Piece => ({ bytes: bytesOfInt(type.int, type.order, BigInt(value)), number: value }))
      : []
    return [...found, ...numbers, ...(nullable ? [{ bytes: [], absent: true }] : [])]
  }

  private texts(): ReadonlyArray<Bytes> {
    return [[], [letter], [letter, letter], ...this.special.flatMap((one) => [one, [...one, letter]])]
  }

  private pieces(type: TypeModel, most: number): ReadonlyArray<Bytes> {
    return this.type(type).slice(0, most).map(({ bytes }) => bytes)
  }

  /** Alternatives of a type on its own. */
  private type(type: TypeModel): ReadonlyArray<Piece> {
    switch (type.kind) {
      case "int": {
        const same = BigInt(`0x${letter.toString(16).repeat(intWidth[type.int])}`)
        return [0n, 1n, same].map((value) => ({ bytes: bytesOfInt(type.int, type.order, value), number: Number(value) }))
      }
      case "varint":
      case "escaped":
      case "decimal":
        return [0n, 1n, 97n].flatMap((value) => {
          const bytes = encodeNumber(type, value)
          return bytes === undefined ? [] : [{ bytes, number: Number(value) }]
        })
      case "float":
        return [{ bytes: new Array<number>(type.bits / 8).fill(letter) }]
      case "constant":
        return [{ bytes: bytesOfInt(type.int, type.order, BigInt(type.value)), number: Number(type.value) }]
      case "bool":
        return [type.true, type.false].map((hex) => ({ bytes: [...bytesOfDigits(hex)] }))
      case "literal":
        return [{ bytes: [...bytesOfDigits(type.hex)] }]
      case "bcd":
        return [{ bytes: new Array<number>(bcdSize(type.digits)).fill(0), number: 0 }]
      case "domainName":
        return [[0], [1, letter, 0]].map((bytes) => ({ bytes }))
      case "reserved":
        return [{ bytes: new Array<number>(type.int === undefined ? type.size ?? 0 : intWidth[type.int]).fill(0) }]
      case "checksum":
        return [{ bytes: new Array<number>(intWidth[type.of.int]).fill(0) }]
      case "enumeration":
      case "flags": {
        const named = this.catalog.typeOf(type.kind, type.ref)
        const values = named.kind === "enumeration" && named.unknown === "error" ? named.values.map(({ value }) => value) : [0, 1]
        return values.slice(0, 3).map((value) => ({ bytes: bytesOfInt(named.int, type.order, BigInt(value)), number: value }))
      }
      case "bytes":
      case "utf8":
      case "json":
      case "text": {
        if (type.size !== undefined) return [{ bytes: new Array<number>(type.size).fill(letter) }]
        const until = type.until === undefined ? [] : [...bytesOfDigits(type.until)]
        const wide = type.kind === "text" && type.encoding.startsWith("utf16")
        const texts = (wide ? [[], [0, letter]] : this.texts()).filter(({ length }) => length >= (type.min ?? 0))
        return texts.filter((one) => until.length === 0 || !one.includes(until[0]!)).filter((one) =>
          one.length >= (type.min ?? 0) && one.length <= (type.max ?? Infinity)
        )
          .map((bytes) => ({ bytes: [...bytes, ...until] }))
      }
      case "custom":
        return type.fixed === undefined
          ? [type.minimum, type.minimum + 1].map((size) => ({ bytes: new Array<number>(size).fill(letter) }))
          : [{ bytes: new Array<number>(type.fixed).fill(letter) }]
      case "optional":
        return [{ bytes: [], absent: true }, ...this.type(type.of).slice(0, 5)]
      case "when": {
        if (type.sibling === true) return this.type(type.of)
        const of = inState(type, this.states.get(type.state)) ? type.of : type.else
        return of === undefined ? [{ bytes: [], absent: true }] : this.type(of)
      }
      case "prefixed": {
        const found = this.pieces(type.of, 4).flatMap((bytes): Array<Piece> => {
          const length = encodeNumber(type.by, BigInt(bytes.length + (type.plus ?? 0)))
          return length === undefined ? [] : [{ bytes: [...length, ...bytes, ...bytesOfDigits(type.trailer ?? "")] }]
        })
        return [...this.nulls(type, type.by), ...found]
      }
      case "counted":
        return [
          ...this.nulls(type, type.by),
          ...this.lists(type.of).flatMap(({ bytes, count }): Array<Piece> => {
            const number = encodeNumber(type.by, BigInt((count ?? 0) + (type.plus ?? 0)))
            return number === undefined ? [] : [{ bytes: [...number, ...bytes] }]
          })
        ]
      case "array":
        return this.lists(type.of).filter(({ count }) => count! >= (type.min ?? 0)).map(({ bytes, count }) => ({
          bytes: [...bytes, ...bytesOfDigits(type.until ?? "")],
          count: count!
        }))
      case "struct":
        return this.record(this.catalog.typeOf("struct", type.ref).fields, 4).map((bytes) => ({ bytes }))
      case "choice":
        return this.choice(type.ref)
      case "bits":
        return this.bits(type)
      case "tokens":
        return this.tokens(type)
      default:
        // derived, or empty
        return [{ bytes: [] }]
    }
  }

  private nulls({ absent }: LengthModel, by: NumberModel): ReadonlyArray<Piece> {
    const bytes = absent === undefined ? undefined : encodeNumber(by, BigInt(absent))
    return bytes === undefined ? [] : [{ bytes }]
  }

  private lists(of: TypeModel): ReadonlyArray<Piece> {
    const some = this.pieces(of, 4)
    return [
      { bytes: [], count: 0 },
      ...some.map((bytes) => ({ bytes, count: 1 })),
      ...some.slice(0, 2).map((bytes) => ({ bytes: [...bytes, ...some.at(-1)!], count: 2 }))
    ]
  }

  private choice(ref: string): ReadonlyArray<Piece> {
    const choice = this.catalog.typeOf("choice", ref)
    const out: Array<Piece> = []
    for (const { fields, tag } of choice.cases) {
      const head = choice.tag === undefined ? [] : encodeNumber(choice.tag, BigInt(tag))
      if (head === undefined) continue
      for (const bytes of this.record(fields, 3)) out.push({ bytes: [...head, ...bytes], tag })
    }
    return out.slice(0, 12)
  }

  private bits(type: Extract<TypeModel, { readonly kind: "bits" }>): ReadonlyArray<Piece> {
    const values = [0n, 1n].map((fill) =>
      type.fields.reduce((sum, { high, low, measures, presenceOf, ref, value }) => {
        const named = ref === undefined ? undefined : this.catalog.typeOf("enumeration", ref)
        const first = named?.unknown === "error" ? named.values[0]?.value ?? 0 : undefined
        const bits = value ?? first ?? (presenceOf === undefined && measures === undefined ? Number(fill) : 0)
        return high < low ? sum : sum | BigInt(bits) << BigInt(low)
      }, 0n)
    )
    return [...new Set(values)].map((value) => ({ bytes: bytesOfInt(type.of.int, type.of.order, value), number: Number(value) }))
  }

  private tokens(type: Extract<TypeModel, { readonly kind: "tokens" }>): ReadonlyArray<Piece> {
    const separator = bytesOfDigits(type.separator)
    const until = bytesOfDigits(type.until ?? "")
    const fits = (bytes: Bytes): boolean => !bytes.some((byte) => byte === separator[0] || byte === until[0])
    const options = type.fields.map(({ type: of }): ReadonlyArray<ReadonlyArray<Bytes>> => {
      const one = this.pieces(of.kind === "optional" || of.kind === "array" ? of.of : of, 4).filter(fits)
      if (of.kind === "array") {
        const some = [[], ...one.map((bytes) => [bytes]), ...one.slice(0, 1).map((bytes) => [bytes, bytes])]
        return some.filter(({ length }) => length >= (of.min ?? 0))
      }
      return of.kind === "optional" ? [[], ...one.map((bytes) => [bytes])] : one.map((bytes) => [bytes])
    })
    if (options.some((some) => some.length === 0)) return []
    return combinations(options.map((some) => some.length), 24).map((choice) => {
      const parts = choice.map((index, i) => options[i]![index]!)
      return { bytes: lineBytes(type, parts), parts }
    })
  }

  /** The bytes of chosen pieces, with lengths, counts, tags and presence bits derived from them. */
  private assemble(fields: ReadonlyArray<FieldModel>, chosen: ReadonlyArray<Piece>): Bytes | undefined {
    const pieces = new Map(fields.map(({ name }, i) => [name, chosen[i]!]))
    const slices = new Map(
      fields.flatMap(({ name, type }) =>
        type.kind === "bits"
          ? type.fields.map((one) =>
            [one.name, Number(pieces.get(name)!.number ?? 0) >> one.low & 2 ** (one.high - one.low + 1) - 1] as const
          )
          : []
      )
    )
    const numberOf = (name: string): number | undefined => {
      const number = pieces.get(name)?.number
      return number === undefined ? slices.get(name) : Number(number)
    }
    for (const { name, type } of fields) {
      const piece = pieces.get(name)!
      const optional = optionalIn(type)
      if (optional?.requires !== undefined && piece.absent !== true && pieces.get(optional.requires)?.absent === true) return undefined
      if (type.kind === "optional" && type.if?.kind === "valueOf") {
        const number = numberOf(type.if.field)
        if (number !== undefined && type.if.values.includes(number) === (piece.absent === true)) return undefined
      }
      if (type.kind === "when" && type.sibling === true) {
        const number = numberOf(type.state)
        if (!inState(type, number)) {
          pieces.set(name, type.else === undefined ? { bytes: [], absent: true } : this.type(type.else)[0] ?? piece)
        }
      }
    }
    // a bit that says whether several fields are there says the same of each
    for (const { type } of fields) {
      if (type.kind !== "bits") continue
      for (const { presenceOf } of type.fields) {
        if (new Set(presenceOf?.map((name) => pieces.get(name)?.absent === true)).size > 1) return undefined
      }
    }
    return assembled(this.catalog, fields, pieces)?.flat()
  }
}

/** Choices of one index for each size: all of them when they are few, else those that differ from the first in two places at most. */
const combinations = (sizes: ReadonlyArray<number>, most: number): ReadonlyArray<ReadonlyArray<number>> => {
  const total = sizes.reduce((product, size) => product * size, 1)
  if (total <= most) {
    return Array.from({ length: total }, (_, n) => {
      let rest = n
      return sizes.map((size) => {
        const index = rest % size
        rest = Math.floor(rest / size)
        return index
      })
    })
  }
  const zero = sizes.map(() => 0)
  const out: Array<ReadonlyArray<number>> = [zero]
  for (const [i, size] of sizes.entries()) for (let a = 1; a < size; a++) out.push(zero.with(i, a))
  for (const [i, size] of sizes.entries()) {
    for (const [k, other] of sizes.entries()) {
      if (k <= i) continue
      for (let a = 1; a < size; a++) for (let b = 1; b < other && out.length < most; b++) out.push(zero.with(i, a).with(k, b))
    }
  }
  return out.slice(0, most)
}
