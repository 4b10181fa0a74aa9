/** Integers, floats, variable-length integers, decimals, constants, booleans; enumerations and flags of integers. */
import type { Catalog } from "../Catalog.ts"
import { safeLength } from "../Check.ts"
import { findByte, findLine, findPair, findText, readDecimal, readDecimalBig } from "../Ends.ts"
import { hexNumber, malformed } from "../Errors.ts"
import { bytesOfDigits, textOfHex } from "../Hex.ts"
import { unfit } from "../JsonUnfit.ts"
import type { LayoutWalk } from "../LayoutWalk.ts"
import type { DecimalModel, EscapedModel, IntModel, IntName, NumberModel, SliceModel, TypeModel, VarintModel } from "../Model.ts"
import { flagNames, flagsText, intWidth } from "../TypeText.ts"
import { readLeb128, readLeb128Big, readQuic, readQuicBig, readVlq, readVlqBig, unzigzag, unzigzagBig } from "../Varint.ts"
import type { Spot, Word } from "./Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** Largest and smallest number of a width. */
export const rangeOfBits = (bits: number, signed: boolean): { readonly min: bigint; readonly max: bigint } => {
  const width = BigInt(bits)
  return signed ? { min: -(1n << width - 1n), max: (1n << width - 1n) - 1n } : { min: 0n, max: (1n << width) - 1n }
}

/** Whether a number is a bigint in TypeScript. */
export const isBigNumber = (type: NumberModel | SliceModel): boolean => {
  switch (type.kind) {
    case "slice":
      return false
    case "int":
      return intWidth[type.int] === 8
    case "escaped":
      return type.escapes.some(({ of }) => isBigNumber(of))
    default:
      return type.bits === 64
  }
}

/** Values a number can have. */
export const numberRange = (type: NumberModel | SliceModel): { readonly min: bigint; readonly max: bigint } => {
  switch (type.kind) {
    case "slice":
      return rangeOfBits(type.high - type.low + 1, false)
    case "int":
      return rangeOfBits(intWidth[type.int] * 8, type.int.startsWith("i"))
    case "varint": {
      const groups = type.encoding === "quic" ? type.maxBytes * 8 - 2 : type.maxBytes * 7
      return rangeOfBits(Math.min(type.bits, groups), type.zigzag)
    }
    case "escaped":
      return type.escapes.map(({ of }) => numberRange(of)).reduce((a, b) => a.max > b.max ? a : b, { min: 0n, max: BigInt(type.max) })
    case "decimal":
      // negative ones are exact up to the same number
      return type.bits === 53 && type.signed ? { min: -(2n ** 53n - 1n), max: 2n ** 53n - 1n } : rangeOfBits(type.bits, type.signed)
  }
}

/** Most bytes a number takes. */
export const numberBytes = (type: NumberModel | SliceModel): number => {
  switch (type.kind) {
    case "slice":
      return 0
    case "int":
      return intWidth[type.int]
    case "varint":
      return type.maxBytes
    case "escaped":
      return (type.of.kind === "int" ? intWidth[type.of.int] : 0) + Math.max(0, ...type.escapes.map(({ of }) => intWidth[of.int]))
    case "decimal":
      return (type.bits === 64 ? 20 : type.bits === 53 ? 17 : type.signed ? 11 : 10) + (type.until?.length ?? 0) / 2
  }
}

/** Offset of a terminator; only at multiples of `step`. */
export const findUntil = (walk: LayoutWalk, hex: string, at: number, end: number, path: string, step = 1): number => {
  const [a, b] = bytesOfDigits(hex)
  if (step > 1 || hex.length > 4) return findText(walk.reader, textOfHex(hex), step, at, end, 0, walk.packet, path)
  if (hex === "0d0a") return findLine(walk.reader, at, end, 0, walk.packet, path)
  return b === undefined
    ? findByte(walk.reader, a!, at, end, 0, walk.packet, path)
    : findPair(walk.reader, a!, b, at, end, 0, walk.packet, path)
}

const varintAt = (walk: LayoutWalk, type: VarintModel, path: string, at: number, end: number): number | bigint => {
  const { reader, packet } = walk
  if (type.bits === 64) {
    const read = type.encoding === "leb128" ? readLeb128Big : type.encoding === "vlq" ? readVlqBig : readQuicBig
    const value = read(reader, at, end, 0, packet, path, type.maxBytes)
    return type.zigzag ? unzigzagBig(value) : value
  }
  const read = type.encoding === "leb128" ? readLeb128 : type.encoding === "vlq" ? readVlq : readQuic
  const value = read(reader, at, end, 0, packet, path, type.maxBytes)
  return type.zigzag ? unzigzag(value) : value
}

/** The value that follows an escape, checked for being the shortest spelling. */
export const escapedValue = (
  walk: LayoutWalk,
  type: EscapedModel,
  first: number,
  path: string,
  firstAt: number,
  at: number,
  end: number
): readonly [value: number | bigint, next: number] => {
  if (first <= type.max) return [isBigNumber(type) ? BigInt(first) : first, at]
  const index = type.escapes.findIndex(({ value }) => value === first)
  const wide = type.escapes[index]
  if (wide === undefined) return malformed("UnknownValue", walk.packet, path, firstAt, "a number or a known escape", hexNumber(first))
  const width = intWidth[wide.of.int]
  walk.need(path, at, width, end)
  const value = walk.int(at, wide.of.int, wide.of.order)
  const before = type.escapes[index - 1]
  const largest = before === undefined ? BigInt(type.max) : numberRange(before.of).max
  if (BigInt(value) <= largest) malformed("Varint", walk.packet, path, at, "the shortest spelling", "a longer one")
  return [isBigNumber(type) ? BigInt(value) : value, at + width]
}

/** Reads a number without noting it. */
export const numberAt = (
  walk: LayoutWalk,
  type: NumberModel,
  path: string,
  at: number,
  end: number
): readonly [value: number | bigint, next: number] => {
  switch (type.kind) {
    case "int":
      walk.need(path, at, intWidth[type.int], end)
      return [walk.int(at, type.int, type.order), at + intWidth[type.int]]
    case "varint": {
      const value = varintAt(walk, type, path, at, walk.stop(end))
      return [value, walk.reader.next]
    }
    case "escaped": {
      const { int, order } = type.of as IntModel
      walk.need(path, at, intWidth[int], end)
      const first = Number(walk.int(at, int, order))
      return escapedValue(walk, type, first, path, at, at + intWidth[int], end)
    }
    case "decimal": {
      const stop = type.until === undefined ? Math.floor(end) : findUntil(walk, type.until, at, walk.stop(end), path)
      const next = stop + (type.until?.length ?? 0) / 2
      walk.need(path, at, stop - at, end)
      const { min, max } = numberRange(type)
      return type.bits === 64
        ? [readDecimalBig(walk.reader, at, stop, min, max, 0, walk.packet, path), next]
        : [readDecimal(walk.reader, at, stop, Number(min), Number(max), 0, walk.packet, path), next]
    }
  }
}

/** Reads and notes a number that says something about another field; as `path`, when errors are to name that field. */
export const noteNumber = (
  walk: LayoutWalk,
  type: NumberModel,
  spot: Spot,
  summary: string,
  path = spot.path
): readonly [value: number, next: number] => {
  const [value, next] = numberAt(walk, type, spot.path, spot.at, spot.end)
  walk.note(path, spot.at, next - spot.at, summary, value, String(value), spot.doc)
  return [typeof value === "bigint" ? safeLength(value, walk.packet, spot.path, spot.at) : value, next]
}

/** Like `u16`, `u16.le`, `varint`, `decimal`. */
export const numberText = (type: NumberModel | SliceModel): string => {
  switch (type.kind) {
    case "slice":
      return type.high === type.low ? `bit ${type.high}` : `bits ${type.high}-${type.low}`
    case "int":
      return type.order === "little" ? `${type.int}.le` : type.int
    case "varint":
      return type.encoding === "leb128" && type.bits === 32 && !type.zigzag ? "uleb128" : `${type.encoding}${type.zigzag ? " zigzag" : ""}`
    case "escaped":
      return `escaped ${type.of.kind === "int" ? type.of.int : "bits"}`
    case "decimal":
      return "decimal"
  }
}

const branded = (name: string, brand: string | undefined): string => brand === undefined ? name : `${name} ${brand}`

/** An integer of JSON; those of 64 bits are decimal strings. */
export const integerFromJson = (big: boolean, json: unknown, packet: string, path: string): number | bigint => {
  if (!big) return typeof json === "number" && Number.isSafeInteger(json) ? json : unfit(packet, path, "an integer", json)
  if (typeof json === "string" && /^-?\d{1,20}$/.test(json)) return BigInt(json)
  if (typeof json === "number" && Number.isSafeInteger(json)) return BigInt(json)
  return unfit(packet, path, "a 64-bit integer as a decimal string", json)
}

const numberWord = <T extends NumberModel>(word: Pick<Word<T>, "fixed" | "least" | "ends">): Word<T> => ({
  ...word,
  summary: (type) => branded(numberText(type), "brand" in type ? type.brand as string | undefined : undefined),
  walk: (walk, type, spot) => {
    const [value, next] = numberAt(walk, type, spot.path, spot.at, spot.end)
    walk.note(spot.path, spot.at, next - spot.at, walk.summary(type), value, String(value), spot.doc)
    spot.scope.values.set(spot.name, Number(value))
    return next
  },
  fromJson: (_, type, json, packet, path) => integerFromJson(isBigNumber(type), json, packet, path),
  schema: (make, type) => {
    const { min, max } = numberRange(type)
    return isBigNumber(type) ? make.bigint(min, max) : make.integer(Number(min), Number(max))
  }
})

/** Reads and notes an integer with a text of its own. */
const noteInt = (
  walk: LayoutWalk,
  type: TypeModel,
  int: IntName,
  order: "big" | "little" | undefined,
  spot: Spot,
  text: (value: number | bigint) => string
): number | bigint => {
  walk.need(spot.path, spot.at, intWidth[int], spot.end)
  const value = walk.int(spot.at, int, order)
  walk.note(spot.path, spot.at, intWidth[int], walk.summary(type), value, text(value), spot.doc)
  spot.scope.values.set(spot.name, Number(value))
  return value
}

const sumOfFlags = (catalog: Catalog, ref: string, names: ReadonlyArray<unknown>, packet: string, path: string): number => {
  const { bits } = catalog.typeOf("flags", ref)
  let sum = 0
  for (const name of new Set(names)) {
    const bit = bits.find((one) => one.name === name)
    if (bit !== undefined) sum += 2 ** bit.bit
    else if (typeof name === "string" && /^0x[0-9a-f]{1,8}$/i.test(name)) sum += Number(name)
    else return unfit(packet, path, `flags of ${ref}`, name)
  }
  return sum
}

/** The number of flags spelled `{ names, number }`, as a list of names, or as a number. */
export const flagsFromJson = (catalog: Catalog, ref: string, json: unknown, packet: string, path: string): number => {
  if (typeof json === "number") return Number(integerFromJson(false, json, packet, path))
  if (Array.isArray(json)) return sumOfFlags(catalog, ref, json, packet, path)
  if (typeof json !== "object" || json === null) return unfit(packet, path, `flags of ${ref}`, json)
  const { number, names } = json as { readonly number?: unknown; readonly names?: unknown }
  if (number !== undefined) return Number(integerFromJson(false, number, packet, `${path}.number`))
  return Array.isArray(names)
    ? sumOfFlags(catalog, ref, names, packet, `${path}.names`)
    : unfit(packet, `${path}.names`, `flags of ${ref}`, names)
}

/** The words of this file. */
export const numberWords: {
  readonly [K in "int" | "float" | "varint" | "escaped" | "decimal" | "constant" | "flags" | "enumeration"]: Word<Of<K>>
} = {
  int: numberWord<IntModel>({ fixed: (type) => intWidth[type.int] }),
  varint: numberWord<VarintModel>({ least: () => 1, ends: () => true }),
  escaped: numberWord<EscapedModel>({ least: (type) => type.of.kind === "int" ? intWidth[type.of.int] : 0, ends: () => true }),
  decimal: numberWord<DecimalModel>({
    least: (type) => 1 + (type.until?.length ?? 0) / 2,
    ends: (type) => type.until !== undefined
  }),
  float: {
    fixed: (type) => type.bits / 8,
    summary: (type) => `f${type.bits}${type.order === "little" ? ".le" : ""}`,
    walk: (walk, type, spot) => {
      const size = type.bits / 8
      walk.need(spot.path, spot.at, size, spot.end)
      const little = walk.isLittle(type.order)
      const value = type.bits === 32 ? walk.reader.view.getFloat32(spot.at, little) : walk.reader.view.getFloat64(spot.at, little)
      walk.note(spot.path, spot.at, size, walk.summary(type), value, String(value), spot.doc)
      return spot.at + size
    },
    schema: (make, type) => make.number(type.bits === 32),
    // JSON has no word for these
    toJson: (_, __, value) => Number.isFinite(value) ? (Object.is(value, -0) ? "-0" : value) : String(value),
    fromJson: (_, __, json, packet, path) => {
      if (typeof json === "number") return json
      return json === "NaN" || json === "Infinity" || json === "-Infinity" || json === "-0"
        ? Number(json)
        : unfit(packet, path, "a number, \"NaN\", \"Infinity\", \"-Infinity\" or \"-0\"", json)
    }
  },
  constant: {
    fixed: (type) => intWidth[type.int],
    isVisible: () => false,
    summary: (type) => `${numberText({ ...type, kind: "int" })} constant`,
    walk: (walk, type, spot) => {
      const value = noteInt(walk, type, type.int, type.order, spot, String)
      if (String(value) !== String(type.value)) malformed("Constant", walk.packet, spot.path, spot.at, String(type.value), String(value))
      return spot.at + intWidth[type.int]
    }
  },
  flags: {
    fixed: (type, types) => intWidth[(types.type(type.ref) as { readonly int: IntName }).int],
    summary: (type, catalog) => `${catalog.typeOf("flags", type.ref).int} ${type.ref}`,
    walk: (walk, type, spot) => {
      const flags = walk.catalog.typeOf("flags", type.ref)
      const value = Number(noteInt(walk, type, flags.int, type.order, spot, (bits) => flagsText(flags, Number(bits))))
      const { unknown } = flagNames(flags, value)
      if (flags.unknown === "error" && unknown !== 0) {
        malformed("UnknownValue", walk.packet, spot.path, spot.at, `flags of ${flags.name}`, hexNumber(unknown))
      }
      return spot.at + intWidth[flags.int]
    },
    schema: (make, type) => make.named(type.ref),
    toJson: (catalog, type, value, notation) =>
      notation === "plain"
        ? value
        : { names: flagNames(catalog.typeOf("flags", type.ref), value as number).names, number: value },
    fromJson: (catalog, type, json, packet, path) => flagsFromJson(catalog, type.ref, json, packet, path)
  },
  enumeration: {
    fixed: (type, types) => intWidth[(types.type(type.ref) as { readonly int: IntName }).int],
    summary: (type, catalog) => `${catalog.typeOf("enumeration", type.ref).int} ${type.ref}`,
    walk: (walk, type, spot) => {
      const { int, values, unknown, name } = walk.catalog.typeOf("enumeration", type.ref)
      const nameOf = (value: number | bigint): string | undefined => values.find((one) => one.value === Number(value))?.name
      const value = noteInt(walk, type, int, type.order, spot, (one) => `${nameOf(one) ?? "unknown"} (${one})`)
      if (unknown === "error" && nameOf(value) === undefined) {
        malformed("UnknownValue", walk.packet, spot.path, spot.at, `a value of ${name}`, String(value))
      }
      return spot.at + intWidth[int]
    },
    schema: (make, type) => make.named(type.ref),
    toJson: (catalog, type, value, notation) => {
      const plain = typeof value === "bigint" ? String(value) : value
      if (notation === "plain") return plain
      const { values } = catalog.typeOf("enumeration", type.ref)
      return { name: values.find((one) => one.value === Number(value))?.name ?? null, number: plain }
    },
    fromJson: (catalog, type, json, packet, path) => {
      const { values, int } = catalog.typeOf("enumeration", type.ref)
      const big = intWidth[int] === 8
      const { name, number } = typeof json === "object" && json !== null
        ? json as { readonly name?: unknown; readonly number?: unknown }
        : { name: json, number: json }
      if (typeof number === "number" || typeof number === "string" && big && /^-?\d+$/.test(number)) {
        return integerFromJson(big, number, packet, path)
      }
      const found = values.find((one) => one.name === name)
      if (found === undefined) return unfit(packet, path, `a value of ${type.ref}`, json)
      return big ? BigInt(found.value) : found.value
    }
  }
}
