/**
 * What the bytes of a run of fields can be, roughly: the lengths they can have, and the values that each byte in front can have. Where
 * two runs have no length or no byte in common, no bytes are both.
 */
import type { Catalog } from "@wirewright/codec/Catalog"
import { bytesOfDigits } from "@wirewright/codec/Hex"
import { possibleSizes } from "@wirewright/codec/LayoutSizes"
import type { FieldModel, TypeModel } from "@wirewright/codec/Model"
import { intWidth } from "@wirewright/codec/TypeText"
import { fixedIn, leastOf } from "@wirewright/codec/words/Records"
import { fixedSize } from "@wirewright/codec/words/Sizes"
import { encodeNumber } from "../sample/Assemble.ts"

/** Values that a byte can have; nothing when it can have any. `ended` among them: the bytes may end here. */
type ByteSet = ReadonlySet<number> | undefined

/** What is known of some bytes. */
export interface Shape {
  /** All lengths, or nothing when they vary freely. */
  readonly sizes: ReadonlyArray<number> | undefined
  readonly least: number
  /** The bytes in front, as far as they stand at fixed places. */
  readonly front: ReadonlyArray<ByteSet>
}

const ended = 256

const exactly = (bytes: Iterable<number>): ReadonlyArray<ByteSet> => [...bytes].map((byte) => new Set([byte]))

/** The union of what several begin with. */
const either = (fronts: ReadonlyArray<ReadonlyArray<ByteSet>>): ReadonlyArray<ByteSet> => {
  const length = Math.min(...fronts.map((front) => front.length))
  return Array.from({ length: Number.isFinite(length) ? length : 0 }, (_, i) => {
    const sets = fronts.map((front) => front[i])
    return sets.includes(undefined) ? undefined : new Set(sets.flatMap((set) => [...set!]))
  })
}

const anyBytes = (count: number): ReadonlyArray<ByteSet> => new Array<ByteSet>(count).fill(undefined)

const digits = new Set([0x2d, ...Array.from({ length: 10 }, (_, i) => 0x30 + i)])

/** Sets of bytes at fixed places. */
export class Sets {
  private readonly catalog: Catalog
  private readonly states: ReadonlyMap<string, number>

  constructor(catalog: Catalog, states: ReadonlyMap<string, number>) {
    this.catalog = catalog
    this.states = states
  }

  /** What is known of a run of fields. */
  shape(fields: ReadonlyArray<FieldModel>): Shape {
    return {
      sizes: possibleSizes(this.catalog, fields, new Map(this.states)),
      least: leastOf(this.catalog, fields),
      front: this.front(fields, 0)
    }
  }

  /** What a value of a type begins with. */
  first(type: TypeModel): ByteSet {
    return this.of(type, 0)[0]
  }

  /** Literals at the beginning of a line, what may stand after them, and the first digit of a number. */
  private line(type: Extract<TypeModel, { readonly kind: "tokens" }>, depth: number): ReadonlyArray<ByteSet> {
    const out: Array<ByteSet> = []
    const separator = bytesOfDigits(type.separator)
    const until = type.until === undefined ? ended : bytesOfDigits(type.until)[0]!
    for (const [i, { type: of }] of type.fields.entries()) {
      if (of.kind === "optional" || of.kind === "array") break
      const first = this.of(of, depth + 1)
      out.push(...first)
      if (of.kind !== "literal") break
      const next = type.fields[i + 1]?.type
      const goesOn = type.fields.slice(i + 1).some((field) => field.type.kind !== "optional" && field.type.kind !== "array")
      const between = [...next === undefined ? [] : [separator[0]!], ...goesOn ? [] : [until]]
      out.push(new Set(between))
      if (!goesOn || separator.length > 1 || next?.kind === "optional" || next?.kind === "array") break
    }
    return out
  }

  private front(fields: ReadonlyArray<FieldModel>, depth: number): ReadonlyArray<ByteSet> {
    const out: Array<ByteSet> = []
    for (const [i, field] of fields.entries()) {
      const { type } = field
      const some = this.of(type, depth)
      // what takes what is left ends before what follows it, where anything may stand
      const end = i === fields.length - 1 ? -1 : some.findIndex((set) => set?.has(ended))
      out.push(...end < 0 ? some : some.slice(0, end))
      const size = fixedIn(this.catalog, fields, field, new Map(this.states))
      if (size === undefined || out.length > 64) break
    }
    return out
  }

  private of(type: TypeModel, depth: number): ReadonlyArray<ByteSet> {
    if (depth > 8) return []
    switch (type.kind) {
      case "constant":
        return exactly(
          encodeNumber({ kind: "int", int: type.int, ...type.order === undefined ? {} : { order: type.order } }, BigInt(type.value)) ?? []
        )
      case "literal":
        return exactly(bytesOfDigits(type.hex))
      case "reserved": {
        const size = type.int === undefined ? type.size ?? 0 : intWidth[type.int]
        return type.policy === "error" ? exactly(new Array<number>(size).fill(0)) : anyBytes(size)
      }
      case "enumeration": {
        const named = this.catalog.typeOf("enumeration", type.ref)
        return named.unknown === "keep"
          ? anyBytes(intWidth[named.int])
          : either(
            named.values.map(({ value }) =>
              exactly(encodeNumber({ kind: "int", int: named.int, order: type.order ?? "big" }, BigInt(value)) ?? [])
            )
          )
      }
      case "decimal":
        return [digits]
      case "bits": {
        if (type.of.int !== "u8") return anyBytes(intWidth[type.of.int])
        const fits = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) =>
          type.fields.every(({ high, low, value, ref }) => {
            const bits = byte >> low & (1 << high - low + 1) - 1
            const named = ref === undefined ? undefined : this.catalog.typeOf("enumeration", ref)
            return (value === undefined || bits === value) && (named?.unknown !== "error" || named.values.some((one) => one.value === bits))
          })
        )
        return [new Set(fits)]
      }
      case "struct":
        return this.front(this.catalog.typeOf("struct", type.ref).fields, depth + 1)
      case "choice": {
        const choice = this.catalog.typeOf("choice", type.ref)
        if (choice.unknown === "keep") return []
        return either(choice.cases.map(({ fields, tag }) => [
          ...choice.tag === undefined ? [] : exactly(encodeNumber(choice.tag, BigInt(tag)) ?? []),
          ...this.front(fields, depth + 1)
        ]))
      }
      case "tokens": {
        return this.line(type, depth)
      }
      case "tagOf":
        return this.of(type.of, depth)
      case "prefixed":
        return type.by.kind === "decimal" ? [digits] : []
      default: {
        const size = fixedSize(this.catalog, type, new Map(this.states))
        return anyBytes(size ?? 0)
      }
    }
  }
}

/** Whether no bytes can have both shapes. */
export const areApart = (a: Shape, b: Shape): boolean => {
  const noneBelow = (sizes: ReadonlyArray<number> | undefined, least: number): boolean =>
    sizes !== undefined && sizes.every((size) => size < least)
  if (a.sizes !== undefined && b.sizes !== undefined && !a.sizes.some((size) => b.sizes!.includes(size))) return true
  if (noneBelow(a.sizes, b.least) || noneBelow(b.sizes, a.least)) return true
  return a.front.some((set, i) => {
    const other = b.front[i]
    return set !== undefined && other !== undefined && ![...set].some((byte) => other.has(byte))
  })
}
