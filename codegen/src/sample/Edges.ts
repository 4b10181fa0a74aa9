/** Numbers and sizes at which decoders decide: the limits of a type, the values beside them, and what the spec itself names. */
import type { NumberModel, TypeModel } from "@wirewright/codec/Model"
import { numberRange } from "@wirewright/codec/words/Numbers"
import { intWidth } from "@wirewright/codec/TypeText"

const unique = (values: ReadonlyArray<bigint>, min: bigint, max: bigint): ReadonlyArray<bigint> =>
  [...new Set(values.filter((value) => value >= min && value <= max))].sort((a, b) => a < b ? -1 : a > b ? 1 : 0)

/** Where the spelling of a number changes. */
const spellings = (type: NumberModel): ReadonlyArray<bigint> => {
  switch (type.kind) {
    case "int":
      return intWidth[type.int] === 1 ? [0x7fn] : [0xffn, 0x100n]
    case "varint":
      return (type.encoding === "quic" ? [6, 14, 30] : [7, 14, 21, 28, 35, 63]).flatMap((bits) => [
        (1n << BigInt(type.zigzag ? bits - 1 : bits)) - 1n,
        1n << BigInt(type.zigzag ? bits - 1 : bits)
      ])
    case "escaped":
      return [{ max: BigInt(type.max) }, ...type.escapes.map(({ of }) => numberRange(of))].flatMap(({ max }) => [max, max + 1n])
    case "decimal":
      return [9n, 10n, -9n, 99_999n]
  }
}

/** Values of a number that are worth drawing, from the one nearest to zero to the largest. */
export const edgesOf = (type: NumberModel, special: ReadonlyArray<bigint>): ReadonlyArray<bigint> => {
  const { max, min } = numberRange(type)
  const all = unique([0n, 1n, min, min + 1n, -1n, ...spellings(type), ...special, max - 1n, max], min, max)
  const first = all.findIndex((value) => value >= 0n)
  return first > 0 ? [all[first]!, ...all.filter((_, i) => i !== first)] : all
}

/** Longest text, bytes or list that is drawn just because it is a limit. */
const longest = 300
/** The same where the size is named in what is compared. */
const longestSpecial = 5_000

/** Sizes between two limits that are worth drawing, ascending. */
export const sizesOf = (
  { max = Infinity, min = 0 }: { readonly min?: number; readonly max?: number },
  surrounding: number,
  special: ReadonlyArray<bigint>
): ReadonlyArray<number> => {
  const most = Math.min(max, surrounding)
  const own = [min, min + 1, 1, 3, 8, ...(most <= longest ? [most - 1, most] : [])]
  const named = special.filter((value) => value <= longestSpecial).map(Number)
  return [...new Set([...own, ...named].filter((size) => size >= min && size <= most))].sort((a, b) => a - b)
}

/** Numbers that a type names. */
const named = (type: TypeModel): ReadonlyArray<number | string | undefined> => {
  switch (type.kind) {
    case "constant":
      return [type.value]
    case "bytes":
    case "utf8":
    case "json":
    case "text":
      return [type.min, type.max, type.size]
    case "array":
      return [type.min, type.max]
    case "counted":
      return [type.max, type.absent]
    case "prefixed":
    case "lengthOf":
    case "countOf":
      return [type.absent]
    case "when":
      return [type.from, type.to]
    case "optional":
      return type.if?.kind === "valueOf" ? type.if.values : []
    case "escaped":
      return [type.max]
    default:
      return []
  }
}

/** Numbers that types name, with their neighbours: what another version of the spec may decide on. */
export const specialsOf = (types: ReadonlyArray<TypeModel>): ReadonlyArray<bigint> => {
  const all = types.flatMap(named).flatMap((value) => value === undefined ? [] : [BigInt(value)])
  return [...new Set(all.flatMap((value) => [value - 1n, value, value + 1n]))].sort((a, b) => a < b ? -1 : 1).slice(0, 40)
}
