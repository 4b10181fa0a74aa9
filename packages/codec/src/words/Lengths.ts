/** Lengths and counts, of siblings and in front of what they measure; tags of sibling choices. */
import { textOfHex } from "../Hex.ts"
import { expectLiteral } from "../Ends.ts"
import { malformed } from "../Errors.ts"
import { unfit } from "../JsonUnfit.ts"
import type { LayoutWalk } from "../LayoutWalk.ts"
import { plural } from "../LayoutSpans.ts"
import type { LengthModel, MeasureModel, NumberModel, TypeModel } from "../Model.ts"
import { endsItself, fixedSize, leastSize } from "./Sizes.ts"
import { noteNumber, numberText, numberWords } from "./Numbers.ts"
import type { Spot, Word } from "./Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** The length that a number on the wire stands for; null when it says that there is nothing. */
const meant = (walk: LayoutWalk, type: LengthModel, value: number, spot: Spot): number | null => {
  if (type.absent !== undefined && value === type.absent) return null
  const length = value - (type.plus ?? 0)
  if (length < 0) malformed("Length", walk.packet, spot.path, spot.at, `at least ${type.plus ?? 0}`, String(value))
  return length * (type.unit ?? 1)
}

/** Keeps the length of siblings, or compares it with what another field says. */
const keepLength = (walk: LayoutWalk, target: string | ReadonlyArray<string>, length: number | null, spot: Spot): void => {
  const { lengths } = spot.scope
  if (typeof target !== "string") return void lengths.set(target.join(" "), length)
  const known = lengths.get(target)
  if (known !== undefined && known !== length) {
    malformed("Length", walk.packet, spot.path, spot.at, `${known} as another field says`, String(length))
  }
  lengths.set(target, length)
}

/** What a length or count in bits says. */
export const walkMeasure = (walk: LayoutWalk, measures: MeasureModel, value: number, spot: Spot): void => {
  const size = meant(walk, measures, value, spot)
  if (measures.counts === "bytes") keepLength(walk, measures.target, size, spot)
  else spot.scope.counts.set(String(measures.target), size)
}

const nullable = (type: LengthModel, json: unknown): boolean => type.absent !== undefined && json === null

/** Sizes of a number that is derived from what it measures. */
const derived: Pick<Word<Of<"bodyLength" | "lengthOf" | "countOf">>, "fixed" | "least" | "ends" | "isVisible"> = {
  fixed: (type, types) => type.of.kind === "int" ? numberWords.int.fixed!(type.of, types) : undefined,
  least: (type, types) => leastSize(types, type.of),
  ends: () => true,
  isVisible: () => false
}

/** A number of the header that siblings may ask for. */
const walkNumber = (walk: LayoutWalk, type: Of<"opcode" | "bodyLength">, spot: Spot): number => {
  const [value, next] = noteNumber(walk, type.of, spot, walk.summary(type))
  spot.scope.values.set(spot.name, value)
  return next
}

/** The words of this file. */
export const lengthWords: {
  readonly [K in "lengthOf" | "countOf" | "tagOf" | "prefixed" | "counted" | "opcode" | "bodyLength"]: Word<Of<K>>
} = {
  opcode: {
    fixed: (type, types) => numberWords.int.fixed!(type.of, types),
    isVisible: () => false,
    summary: (type) => numberText(type.of),
    walk: walkNumber
  },
  bodyLength: {
    ...derived,
    summary: (type) => `${numberText(type.of)} length`,
    walk: walkNumber
  },
  lengthOf: {
    ...derived,
    summary: (type) => `${numberText(type.of)} length of ${typeof type.target === "string" ? type.target : type.target.join(" + ")}`,
    walk: (walk, type, spot) => {
      const [value, next] = noteNumber(walk, type.of as NumberModel, spot, walk.summary(type))
      keepLength(walk, type.target, meant(walk, type, value, spot), spot)
      return next
    }
  },
  countOf: {
    ...derived,
    summary: (type) => `${numberText(type.of)} count of ${type.target}`,
    walk: (walk, type, spot) => {
      const [value, next] = noteNumber(walk, type.of as NumberModel, spot, walk.summary(type))
      spot.scope.counts.set(type.target, meant(walk, type, value, spot))
      return next
    }
  },
  tagOf: {
    fixed: (type, types) => fixedSize(types, type.of),
    least: (type, types) => leastSize(types, type.of),
    ends: (type, types) => endsItself(types, type.of),
    isVisible: () => false,
    summary: (type, catalog) => `${catalog.summary(type.of)}, tag of ${type.target}`,
    walk: (walk, type, spot) => {
      const next = walk.type(type.of, spot)
      spot.scope.tags.set(type.target, spot.scope.values.get(spot.name) ?? 0)
      return next
    }
  },
  prefixed: {
    least: (type, types) => leastSize(types, type.by),
    ends: () => true,
    inner: (type) => [type.of],
    summary: (type, catalog) => `${catalog.summary(type.of)} with ${numberText(type.by)} length`,
    walk: (walk, type, spot) => {
      const [value, at] = noteNumber(walk, type.by, spot, `${numberText(type.by)} length`, `${spot.path}.length`)
      const length = meant(walk, type, value, spot)
      if (length === null) {
        walk.note(spot.path, at, 0, walk.summary(type), null, "null", spot.doc)
        return at
      }
      if (length > spot.end - at) walk.need(spot.path, at, length, spot.end)
      const next = walk.type(type.of, { ...spot, at, end: at + length })
      if (next !== at + length) malformed("Trailing", walk.packet, spot.path, next, plural(next - at), plural(length))
      return type.trailer === undefined
        ? next
        : expectLiteral(walk.reader, next, walk.stop(spot.end), textOfHex(type.trailer), 0, walk.packet, spot.path)
    },
    schema: (make, type) => type.absent === undefined ? make.type(type.of) : make.nullOr(make.type(type.of)),
    toJson: (catalog, type, value, notation) => value === null ? null : catalog.toJson(type.of, value, notation),
    fromJson: (catalog, type, json, packet, path) => nullable(type, json) ? null : catalog.fromJson(type.of, json, packet, path)
  },
  counted: {
    least: (type, types) => leastSize(types, type.by),
    ends: () => true,
    inner: (type) => [type.of],
    summary: (type, catalog) => `array of ${catalog.summary(type.of)} with ${numberText(type.by)} count`,
    walk: (walk, type, spot) => {
      const [value, at] = noteNumber(walk, type.by, spot, `${numberText(type.by)} count`, `${spot.path}.count`)
      const count = meant(walk, type, value, spot)
      if (count === null) {
        walk.note(spot.path, at, 0, walk.summary(type), null, "null", spot.doc)
        return at
      }
      return walk.elements(type.of, { ...spot, at }, count, type, undefined)
    },
    schema: (make, type) => {
      const elements = make.array(make.type(type.of), type.max)
      return type.absent === undefined ? elements : make.nullOr(elements)
    },
    toJson: (catalog, type, value, notation) =>
      value === null ? null : (value as ReadonlyArray<unknown>).map((one) => catalog.toJson(type.of, one, notation)),
    fromJson: (catalog, type, json, packet, path) => {
      if (nullable(type, json)) return null
      if (!Array.isArray(json)) return unfit(packet, path, "an array", json)
      return json.map((one, i) => catalog.fromJson(type.of, one, packet, `${path}[${i}]`))
    }
  }
}
