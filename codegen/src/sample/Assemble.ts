/**
 * Bytes of fields that were chosen one by one, with everything that is derived from the choice: lengths, counts, tags, bits of presence,
 * alignment. What the checker tries (`check/ProofSamples`) and what is drawn by chance (`Draw`) are put together here.
 */
import type { Catalog } from "@wirewright/codec/Catalog"
import { withoutOwn } from "@wirewright/codec/Checksums"
import { bytesOfDigits } from "@wirewright/codec/Hex"
import { intBytes } from "@wirewright/codec/Integers"
import type { FieldModel, FloatModel, IntModel, IntName, NumberModel, TypeModel } from "@wirewright/codec/Model"
import { intWidth } from "@wirewright/codec/TypeText"
import { writeLeb128Big, writeQuicBig, writeVlqBig, zigzagBig } from "@wirewright/codec/Varint"
import { numberRange } from "@wirewright/codec/words/Numbers"
import { unwrapped } from "@wirewright/codec/words/Sizes"
import { measureType } from "@wirewright/codec/words/Word"
import { checksumFunction } from "@wirewright/codec/words/Whole"

/** Bytes, each 0…255. */
export type Bytes = ReadonlyArray<number>

/** One encoding of a field, and what others say about it. */
export interface Piece {
  readonly bytes: Bytes
  /** Nothing stands here, or null does. */
  readonly absent?: boolean
  /** Elements of a list. */
  readonly count?: number
  /** The case of a choice. */
  readonly tag?: number | bigint
  /** The value of a number. */
  readonly number?: number | bigint
  /** The tokens of each field of a line; those of lengths are empty until they are derived. */
  readonly parts?: ReadonlyArray<ReadonlyArray<Bytes>>
  /** Values of the fields in bits; those that are derived are zero. */
  readonly slices?: ReadonlyMap<string, bigint>
}

/** The bytes of an integer. */
export const bytesOfInt = (int: IntName, order: string | undefined, value: bigint): Bytes =>
  intBytes(intWidth[int], order === "little", value)

/** The bytes of a number; nothing when it does not fit. */
export const encodeNumber = (type: NumberModel, value: bigint): Bytes | undefined => {
  const { max, min } = numberRange(type)
  if (value < min || value > max) return undefined
  switch (type.kind) {
    case "int":
      return bytesOfInt(type.int, type.order, value)
    case "decimal":
      return [...new TextEncoder().encode(String(value)), ...bytesOfDigits(type.until ?? "")]
    case "varint": {
      const room = new Uint8Array(16)
      const write = type.encoding === "leb128" ? writeLeb128Big : type.encoding === "vlq" ? writeVlqBig : writeQuicBig
      return [...room.subarray(0, write(room, 0, type.zigzag ? zigzagBig(value) : value))]
    }
    case "escaped": {
      if (type.of.kind !== "int") return undefined
      const { int, order } = type.of
      if (value <= BigInt(type.max)) return bytesOfInt(int, order, value)
      const wide = type.escapes.find(({ of }) => value <= numberRange(of).max)
      return wide === undefined
        ? undefined
        : [...bytesOfInt(int, order, BigInt(wide.value)), ...bytesOfInt(wide.of.int, wide.of.order, value)]
    }
  }
}

/** The bytes of a float; every NaN has the same. */
export const floatBytes = ({ bits, order }: FloatModel, value: number): Bytes => {
  const view = new DataView(new ArrayBuffer(bits / 8))
  if (bits === 64) view.setFloat64(0, value, order === "little")
  else view.setFloat32(0, value, order === "little")
  if (Number.isNaN(value)) {
    if (bits === 64) view.setBigUint64(0, 0x7ff8_0000_0000_0000n, order === "little")
    else view.setUint32(0, 0x7fc0_0000, order === "little")
  }
  return [...new Uint8Array(view.buffer)]
}

/** The bytes of a line. */
export const lineBytes = (type: Extract<TypeModel, { readonly kind: "tokens" }>, parts: ReadonlyArray<ReadonlyArray<Bytes>>): Bytes => {
  const separator = bytesOfDigits(type.separator)
  return [...parts.flat().flatMap((bytes, i) => i === 0 ? bytes : [...separator, ...bytes]), ...bytesOfDigits(type.until ?? "")]
}

type Bits = Extract<TypeModel, { readonly kind: "bits" }>

const names = (target: string | ReadonlyArray<string>): ReadonlyArray<string> => typeof target === "string" ? [target] : target

/** Derives what fields say of one another. */
class Assembly {
  private readonly catalog: Catalog
  private readonly fields: ReadonlyArray<FieldModel>
  private readonly pieces: ReadonlyMap<string, Piece>
  private readonly done = new Map<string, Bytes | undefined>()
  private readonly busy = new Set<string>()

  constructor(catalog: Catalog, fields: ReadonlyArray<FieldModel>, pieces: ReadonlyMap<string, Piece>) {
    this.catalog = catalog
    this.fields = fields
    this.pieces = pieces
  }

  /** The bytes of a field, zeros for what only its place tells; nothing when something does not fit. */
  bytesOf(name: string): Bytes | undefined {
    if (this.done.has(name)) return this.done.get(name)
    if (this.busy.has(name)) return undefined
    this.busy.add(name)
    const field = this.fields.find((one) => one.name === name)
    const bytes = field === undefined ? undefined : this.field(field)
    this.busy.delete(name)
    this.done.set(name, bytes)
    return bytes
  }

  private isAbsent(name: string): boolean {
    return this.pieces.get(name)?.absent === true
  }

  private field({ name, type }: FieldModel): Bytes | undefined {
    const piece = this.pieces.get(name)
    if (piece === undefined) return undefined
    const inner = unwrapped(type)
    if (inner.kind === "lengthOf" || inner.kind === "countOf" || inner.kind === "tagOf") {
      return piece.absent === true
        ? []
        : this.derived(inner)
    }
    if (type.kind === "tokens" && piece.parts !== undefined) return this.tokens(type, piece.parts)
    if (type.kind === "bits") return this.bits(type, piece)
    return type.kind === "flags" ? this.flags(name, type, piece) : piece.bytes
  }

  /** The number that says how long or how many siblings are; nothing when they have none. */
  private measured(type: TypeModel & { readonly kind: "lengthOf" | "countOf" }): number | undefined {
    const targets = names(type.target)
    if (type.absent !== undefined && this.isAbsent(targets[0]!)) return type.absent
    let size = 0
    for (const target of targets) {
      const bytes = this.bytesOf(target)
      if (bytes === undefined) return undefined
      size += bytes.length
    }
    if (type.kind === "countOf") size = this.pieces.get(targets[0]!)?.count ?? 0
    const number = size / (type.unit ?? 1) + (type.plus ?? 0)
    return type.absent === number || !Number.isInteger(number) ? undefined : number
  }

  private derived(type: TypeModel): Bytes | undefined {
    if (type.kind === "lengthOf" || type.kind === "countOf") {
      const number = this.measured(type)
      return number === undefined ? undefined : encodeNumber(type.of as NumberModel, BigInt(number))
    }
    if (type.kind !== "tagOf") return undefined
    const tag = this.pieces.get(type.target)?.tag
    if (tag === undefined) return undefined
    if (type.of.kind === "enumeration") return bytesOfInt(this.catalog.typeOf("enumeration", type.of.ref).int, type.of.order, BigInt(tag))
    return type.of.kind === "int" || type.of.kind === "varint" || type.of.kind === "escaped" || type.of.kind === "decimal"
      ? encodeNumber(type.of, BigInt(tag))
      : undefined
  }

  private tokens(type: Extract<TypeModel, { readonly kind: "tokens" }>, chosen: ReadonlyArray<ReadonlyArray<Bytes>>): Bytes | undefined {
    const parts: Array<ReadonlyArray<Bytes>> = []
    for (const [i, field] of type.fields.entries()) {
      const isLength = field.type.kind === "lengthOf" || field.type.kind === "countOf"
      const bytes = isLength ? this.derived(field.type) : undefined
      if (isLength && bytes === undefined) return undefined
      parts.push(bytes === undefined ? chosen[i]! : [bytes])
    }
    return lineBytes(type, parts)
  }

  private bits(type: Bits, piece: Piece): Bytes | undefined {
    const { int, order } = type.of
    let value = BigInt(piece.number ?? 0)
    const wide: Array<number> = []
    for (const one of type.fields) {
      const { escaped, high, low, measures, presenceOf, tagOf } = one
      if (high < low) continue
      const mask = (1n << BigInt(high - low + 1)) - 1n
      const measured = measures === undefined ? undefined : this.measured(measureType(one, measures))
      if (measures !== undefined && (measured === undefined || measured < 0 || BigInt(measured) > mask)) return undefined
      const tag = tagOf === undefined ? undefined : this.pieces.get(tagOf)?.tag
      let slice = presenceOf !== undefined
        ? presenceOf.some((name) => !this.isAbsent(name)) ? 1n : 0n
        : measured !== undefined
        ? BigInt(measured)
        : tag !== undefined
        ? BigInt(tag)
        : piece.slices?.get(one.name)
      if (slice === undefined) continue
      if (escaped !== undefined && slice > BigInt(escaped.max)) {
        const found = escaped.escapes.find(({ of }) => slice! <= numberRange(of).max)
        if (found !== undefined) {
          wide.push(...bytesOfInt(found.of.int, found.of.order, slice))
          slice = BigInt(found.value)
        }
      }
      value = value & ~(mask << BigInt(low)) | (slice & mask) << BigInt(low)
    }
    return [...bytesOfInt(int, order, value), ...wide]
  }

  private flags(name: string, type: Extract<TypeModel, { readonly kind: "flags" }>, piece: Piece): Bytes {
    const on = new Set<number>()
    const off = new Set<number>()
    const visit = (field: string, of: TypeModel): void => {
      if (of.kind === "when") {
        visit(field, of.of)
        if (of.else !== undefined) visit(field, of.else)
      }
      if (of.kind !== "optional" || of.if?.kind !== "bitOf" || of.if.field !== name) return
      ;(this.isAbsent(field) ? off : on).add(of.if.bit ?? 0)
    }
    for (const field of this.fields) visit(field.name, field.type)
    let value = BigInt(piece.number ?? 0)
    for (const bit of off) value &= ~(1n << BigInt(bit))
    for (const bit of on) value |= 1n << BigInt(bit)
    return bytesOfInt(this.catalog.typeOf("flags", type.ref).int, type.order, value)
  }
}

/** The bytes of each field, the first of which stands `begin` bytes after what alignment counts from; nothing when something does not fit. */
export const assembled = (
  catalog: Catalog,
  fields: ReadonlyArray<FieldModel>,
  pieces: ReadonlyMap<string, Piece>,
  begin = 0
): ReadonlyArray<Bytes> | undefined => {
  const assembly = new Assembly(catalog, fields, pieces)
  const out: Array<Bytes> = []
  let at = begin
  for (const { name, type } of fields) {
    const bytes = type.kind === "align" ? new Array<number>((type.to - at % type.to) % type.to).fill(0) : assembly.bytesOf(name)
    if (bytes === undefined) return undefined
    out.push(bytes)
    at += bytes.length
  }
  return out
}

/** Fields whose checksums cover some of them, with the right ones; those of a checksum that covers others are left as they are. */
export const withChecksums = (fields: ReadonlyArray<FieldModel>, parts: ReadonlyArray<Bytes>): ReadonlyArray<Bytes> => {
  let out = parts
  for (const [i, { name, type }] of fields.entries()) {
    const inner: IntModel | undefined = type.kind === "checksum" ? type.of : undefined
    if (type.kind !== "checksum" || inner === undefined) continue
    const [first, last] = [type.over[0], type.over.at(-1)].map((over) => fields.findIndex((one) => one.name === over))
    if (first === undefined || last === undefined || first < 0 || last < 0) continue
    const starts = out.map((_, index) => out.slice(0, index).reduce((sum, { length }) => sum + length, 0))
    const bytes = Uint8Array.from(out.flat())
    const [from, to, at] = [starts[first]!, starts[last]! + out[last]!.length, starts[i]!]
    const size = intWidth[inner.int]
    const isOwn = type.over.includes(name) || at >= from && at < to
    const covered = isOwn ? withoutOwn(bytes, from, to, at, size) : bytes.subarray(from, to)
    const sum = (checksumFunction(type.algorithm)(covered, 0, covered.length) ^ (type.xor ?? 0)) >>> 0
    out = out.with(i, bytesOfInt(inner.int, inner.order, BigInt(sum)))
  }
  return out
}
