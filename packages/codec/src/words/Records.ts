/** Records, choices, arrays, framing extras; bits, which are fields of the record around them. */
import type { Catalog } from "../Catalog.ts"
import { hexNumber, malformed } from "../Errors.ts"
import { hexOf } from "../Hex.ts"
import { isObject, unfit } from "../JsonUnfit.ts"
import type { LayoutWalk } from "../LayoutWalk.ts"
import { plural } from "../LayoutSpans.ts"
import type { CaseModel, FieldModel, NumberModel, TypeModel } from "../Model.ts"
import { intWidth } from "../TypeText.ts"
import { walkMeasure } from "./Lengths.ts"
import { escapedValue, integerFromJson, isBigNumber, numberAt, numberText } from "./Numbers.ts"
import { endsItself, fixedSize, isVisibleType, leastSize, unwrapped } from "./Sizes.ts"
import { bySiblings } from "./States.ts"
import { bytesFromJson } from "./Texts.ts"
import { flatFields, type Notation, Scope, type Spot, type StateSet, type Types, type Word } from "./Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

const casesOf = (types: Types, ref: string): ReadonlyArray<CaseModel> => {
  const type = types.type(ref)
  return type.kind === "choice" || type.kind === "nibbleFrames" ? type.cases : []
}

const fieldsOf = (types: Types, ref: string): ReadonlyArray<FieldModel> => {
  const type = types.type(ref)
  return type.kind === "struct" ? type.fields : []
}

/** Names of fields whose end a sibling tells. */
export const measuredFields = (fields: ReadonlyArray<FieldModel>): ReadonlySet<string> =>
  new Set(fields.flatMap(({ type }) => {
    if (type.kind === "tokens") return [...measuredFields(type.fields)]
    if (type.kind === "bits") return type.fields.flatMap(({ measures }) => measures?.target ?? [])
    const inner = unwrapped(type)
    if (inner.kind === "lengthOf") return typeof inner.target === "string" ? [inner.target] : inner.target
    return inner.kind === "countOf" ? [inner.target] : []
  }))

/** Fields with the lengths and counts in place of the bits that they stand in. */
export const withMeasures = (fields: ReadonlyArray<FieldModel>): ReadonlyArray<FieldModel> =>
  fields.flatMap((field) => {
    const { type } = field
    if (type.kind !== "bits") return [field]
    return flatFields([{ ...field, type: { ...type, fields: type.fields.filter(({ measures }) => measures !== undefined) } }])
  })

/** Bytes of the runs of fields of fixed width, by the index of their first. */
export const fixedRuns = (types: Types, fields: ReadonlyArray<FieldModel>): ReadonlyMap<number, number> => {
  const measured = measuredFields(fields)
  const runs = new Map<number, number>()
  let first: number | undefined
  for (const [i, { name, type }] of fields.entries()) {
    const size = measured.has(name) ? undefined : fixedSize(types, type)
    if (size === undefined) first = undefined
    else runs.set(first ??= i, (runs.get(first) ?? 0) + size)
  }
  return runs
}

/** Groups of fields that one length measures and that begin at `name`, the outermost first; `keys` are their names joined. */
export const groupsFrom = (keys: Iterable<string>, name: string): ReadonlyArray<ReadonlyArray<string>> =>
  [...keys].map((key) => key.split(" ")).filter((names) => names.length > 1 && names[0] === name).sort((a, b) => b.length - a.length)

/** Fields up to the one that is named, if one is. */
export const upTo = (fields: ReadonlyArray<FieldModel>, last: string | undefined): ReadonlyArray<FieldModel> =>
  last === undefined ? fields : fields.slice(0, fields.findIndex(({ name }) => name === last) + 1)

/** Whether a length or count says that a field may be null. */
export const isNullable = (fields: ReadonlyArray<FieldModel>, name: string): boolean =>
  flatFields(fields).some(({ type }) => {
    const inner = unwrapped(type)
    return (inner.kind === "lengthOf" || inner.kind === "countOf") && inner.target === name && inner.absent !== undefined
  })

/** Whether a run of fields tells where it ends. */
export const runEnds = (types: Types, fields: ReadonlyArray<FieldModel>): boolean => {
  const measured = measuredFields(fields)
  return fields.every(({ name, type }) => measured.has(name) || endsItself(types, type))
}

/** Bytes of a field, when they are always as many: not where a sibling may say that it is null. */
export const fixedIn = (
  types: Types,
  fields: ReadonlyArray<FieldModel>,
  { name, type }: FieldModel,
  states?: StateSet
): number | undefined => isNullable(fields, name) ? undefined : fixedSize(types, type, states)

const fixedOf = (types: Types, fields: ReadonlyArray<FieldModel>, states: StateSet | undefined): number | undefined => {
  let sum = 0
  for (const field of fields) {
    const one = fixedIn(types, fields, field, states)
    if (one === undefined) return undefined
    sum += one
  }
  return sum
}

/** Least number of bytes of fields; one that a sibling may say is null takes none. */
export const leastOf = (types: Types, fields: ReadonlyArray<FieldModel>): number =>
  fields.reduce((sum, { name, type }) => sum + (isNullable(fields, name) ? 0 : leastSize(types, type)), 0)

const joined = (path: string, name: string): string => path === "" ? name : `${path}.${name}`

const fieldsToJson = (catalog: Catalog, fields: ReadonlyArray<FieldModel>, value: Record<string, unknown>, notation: Notation) => {
  const out: Record<string, unknown> = {}
  for (const { name, type } of flatFields(fields)) {
    if (!isVisibleType(type) || value[name] === undefined) continue
    out[name] = value[name] === null ? null : catalog.toJson(bySiblings(type, value), value[name], notation)
  }
  return out
}

const fieldsFromJson = (
  catalog: Catalog,
  fields: ReadonlyArray<FieldModel>,
  json: Record<string, unknown>,
  packet: string,
  path: string
): Record<string, unknown> => {
  const out: Record<string, unknown> = {}
  for (const { name, type } of flatFields(fields)) {
    if (!isVisibleType(type)) continue
    out[name] = json[name] === null && isNullable(fields, name)
      ? null
      : catalog.fromJson(bySiblings(type, out), json[name], packet, joined(path, name))
  }
  return out
}

const caseToJson = (
  catalog: Catalog,
  cases: ReadonlyArray<CaseModel>,
  label: string,
  value: Record<string, unknown>,
  notation: Notation
): Record<string, unknown> => {
  const found = cases.find(({ name }) => name === value["_tag"])
  if (found !== undefined) return { [label]: found.name, ...fieldsToJson(catalog, found.fields, value, notation) }
  const { tag, bytes } = value
  return { [label]: "Unknown", tag: typeof tag === "bigint" ? String(tag) : tag, bytes: { hex: hexOf(bytes as Uint8Array) } }
}

const caseFromJson = (
  catalog: Catalog,
  cases: ReadonlyArray<CaseModel>,
  label: string,
  big: boolean,
  json: unknown,
  packet: string,
  path: string
): Record<string, unknown> => {
  if (!isObject(json)) return unfit(packet, path, "an object", json)
  const name = json[label]
  const found = cases.find((one) => one.name === name)
  if (found !== undefined) return { _tag: found.name, ...fieldsFromJson(catalog, found.fields, json, packet, path) }
  if (name !== "Unknown") return unfit(packet, `${path}.${label}`, [...cases.map((one) => one.name), "Unknown"].join(", "), name)
  const tag = integerFromJson(big, json["tag"], packet, `${path}.tag`)
  return { _tag: "Unknown", tag, bytes: bytesFromJson(json["bytes"], packet, `${path}.bytes`) }
}

const unknownCase = (walk: LayoutWalk, spot: Spot, at: number): number =>
  walk.type({ kind: "bytes" }, { ...spot, path: joined(spot.path, "bytes"), at, doc: undefined })

const walkChoice = (walk: LayoutWalk, type: Of<"choice">, spot: Spot): number => {
  const { tag: of, cases, unknown, empty, name } = walk.catalog.typeOf("choice", type.ref)
  const { path, scope } = spot
  let { at } = spot
  let tag: number | bigint
  if (of === undefined) tag = scope.tags.get(spot.name) ?? 0
  else {
    ;[tag, at] = numberAt(walk, of, joined(path, "_tag"), spot.at, spot.end)
    const found = cases.find((one) => one.tag === Number(tag))
    const text = `${found?.name ?? "Unknown"} (${tag})`
    walk.note(joined(path, "tag"), spot.at, at - spot.at, `${numberText(of)} ${name}`, tag, text, found?.doc ?? spot.doc)
  }
  const found = cases.find((one) => one.tag === Number(tag))
  if (found !== undefined && empty === "keep" && at === spot.end && found.fields.some((one) => leastSize(walk.catalog, one.type) > 0)) {
    return unknownCase(walk, spot, at)
  }
  if (found !== undefined) {
    return walk.deeper(type, spot, () => walk.record(found.fields, path, at, spot.end, new Scope(spot.at, scope)))
  }
  if (unknown === "error") malformed("UnknownValue", walk.packet, joined(path, "_tag"), spot.at, `a case of ${name}`, String(tag))
  return unknownCase(walk, spot, at)
}

const walkNibbleFrames = (walk: LayoutWalk, type: Of<"nibbleFrames">, spot: Spot): number => {
  const { path, at, end, scope } = spot
  const { cases } = walk.catalog.typeOf("nibbleFrames", type.ref)
  let position = at
  for (let index = 0; position < end; index++) {
    const here = `${path}[${index}]`
    const begin = position
    const byte = (): number => {
      walk.need(here, position, 1, end)
      return walk.reader.bytes[position++]!
    }
    const head = byte()
    const tag = head < 0xf0 ? head >> 4 : 15 + byte()
    const length = (head & 15) < 15 ? head & 15 : 15 + byte()
    const found = cases.find((one) => one.tag === tag)
    const text = `${found?.name ?? "Unknown"} (${tag}), ${plural(length)}`
    walk.note(`${here}.frame`, begin, position - begin, "frame id and length", tag, text, found?.doc)
    if (length > end - position) malformed("Length", walk.packet, here, begin, plural(length), plural(end - position))
    const stop = position + length
    const next = found === undefined
      ? unknownCase(walk, { ...spot, path: here, end: stop }, position)
      : walk.fields(found.fields, `${here}.`, position, stop, new Scope(position, scope))
    if (next !== stop) malformed("Trailing", walk.packet, here, next, plural(next - position), plural(length))
    position = stop
  }
  return position
}

const prefixOf = (path: string): string => path.includes(".") ? path.slice(0, path.lastIndexOf(".") + 1) : ""

const walkBits = (walk: LayoutWalk, type: Of<"bits">, spot: Spot): number => {
  const { int, order } = type.of
  const width = intWidth[int]
  walk.need(spot.path, spot.at, width, spot.end)
  const value = BigInt(walk.int(spot.at, int, order))
  let next = spot.at + width
  let named = 0n
  const prefix = prefixOf(spot.path)
  for (const field of type.fields) {
    const mask = (1n << BigInt(field.high - field.low + 1)) - 1n
    named |= mask << BigInt(field.low)
    let bits: number | bigint = Number(value >> BigInt(field.low) & mask)
    const path = prefix + field.name
    if (field.escaped !== undefined) [bits, next] = escapedValue(walk, field.escaped, bits, path, spot.at, next, spot.end)
    if (field.role === "bodyLength" && bits > Number.MAX_SAFE_INTEGER) {
      malformed("Limit", walk.packet, path, spot.at, "a length of at most 2^53-1", String(bits))
    }
    const range = field.high === field.low ? `bit ${field.high}` : `bits ${field.high}-${field.low}`
    const of = field.ref === undefined ? undefined : walk.catalog.typeOf("enumeration", field.ref)
    const label = of?.values.find((one) => one.value === bits)?.name
    const text = of === undefined ? String(bits) : `${label ?? "unknown"} (${bits})`
    walk.note(path, spot.at, width, `${numberText(type.of)} ${range}`, bits, text, field.doc)
    if (field.value !== undefined && bits !== field.value) {
      malformed("Constant", walk.packet, path, spot.at, String(field.value), String(bits))
    }
    if (of?.unknown === "error" && label === undefined) {
      malformed("UnknownValue", walk.packet, path, spot.at, `a value of ${of.name}`, String(bits))
    }
    spot.scope.values.set(field.name, Number(bits))
    if (field.tagOf !== undefined) spot.scope.tags.set(field.tagOf, Number(bits))
    if (field.measures !== undefined) walkMeasure(walk, field.measures, Number(bits), { ...spot, path })
  }
  const rest = value & (1n << BigInt(width * 8)) - 1n & ~named
  if (rest !== 0n) malformed("Reserved", walk.packet, spot.path, spot.at, "zero in bits without a name", hexNumber(rest))
  return next
}

const depthOf =
  <T extends Of<"struct" | "choice">>(ask: (type: T, types: Types, states?: StateSet) => number | undefined) =>
  (type: T, types: Types, states?: StateSet): number | undefined => type.depth === undefined ? ask(type, types, states) : undefined

/** The words of this file. */
export const recordWords: {
  readonly [K in "struct" | "choice" | "array" | "nibbleFrames" | "bits" | "slice"]: Word<Of<K>>
} = {
  struct: {
    fixed: depthOf<Of<"struct">>((type, types, states) => fixedOf(types, fieldsOf(types, type.ref), states)),
    least: (type, types) => leastOf(types, fieldsOf(types, type.ref)),
    ends: (type, types) => runEnds(types, fieldsOf(types, type.ref)),
    summary: (type) => type.ref,
    walk: (walk, type, spot) => {
      const { byteOrder, fields } = walk.catalog.typeOf("struct", type.ref)
      return walk.deeper(
        type,
        spot,
        () => walk.inOrder(byteOrder, () => walk.record(fields, spot.path, spot.at, spot.end, new Scope(spot.at, spot.scope)))
      )
    },
    schema: (make, type) => make.named(type.ref),
    toJson: (catalog, type, value, notation) =>
      fieldsToJson(catalog, catalog.typeOf("struct", type.ref).fields, value as Record<string, unknown>, notation),
    fromJson: (catalog, type, json, packet, path) =>
      isObject(json)
        ? fieldsFromJson(catalog, catalog.typeOf("struct", type.ref).fields, json, packet, path)
        : unfit(packet, path, "an object", json)
  },
  choice: {
    least: (type, types) => {
      const choice = types.type(type.ref)
      if (choice.kind !== "choice") return 0
      const cases = choice.cases.map(({ fields }) => leastOf(types, fields))
      const least = choice.unknown === "keep" ? 0 : Math.min(...cases)
      return (choice.tag === undefined ? 0 : leastSize(types, choice.tag)) + (Number.isFinite(least) ? least : 0)
    },
    ends: (type, types) => {
      const choice = types.type(type.ref)
      return choice.kind === "choice" && choice.unknown === "error" && choice.cases.every(({ fields }) => runEnds(types, fields))
    },
    summary: (type) => type.ref,
    walk: walkChoice,
    schema: (make, type) => make.named(type.ref),
    toJson: (catalog, type, value, notation) =>
      caseToJson(catalog, casesOf(catalog, type.ref), "case", value as Record<string, unknown>, notation),
    fromJson: (catalog, type, json, packet, path) => {
      const { cases, tag } = catalog.typeOf("choice", type.ref)
      return caseFromJson(catalog, cases, "case", tag !== undefined && isBigNumber(tag as NumberModel), json, packet, path)
    }
  },
  array: {
    least: (type, types) => (type.min ?? 0) * leastSize(types, type.of) + (type.until?.length ?? 0) / 2,
    ends: (type) => type.until !== undefined,
    inner: (type) => [type.of],
    summary: (type, catalog) => `array of ${catalog.summary(type.of)}`,
    schema: (make, type) => make.array(make.type(type.of), type.max, type.min),
    walk: (walk, type, spot) => walk.elements(type.of, spot, spot.scope.counts.get(spot.name), type, type.until),
    toJson: (catalog, type, value, notation) =>
      value === null ? null : (value as ReadonlyArray<unknown>).map((one) => catalog.toJson(type.of, one, notation)),
    fromJson: (catalog, type, json, packet, path) => {
      if (json === null) return null
      if (!Array.isArray(json)) return unfit(packet, path, "an array", json)
      return json.map((one, i) => catalog.fromJson(type.of, one, packet, `${path}[${i}]`))
    }
  },
  nibbleFrames: {
    summary: (type) => type.ref,
    walk: walkNibbleFrames,
    schema: (make, type) => make.array(make.named(type.ref), undefined),
    toJson: (catalog, type, value, notation) =>
      (value as ReadonlyArray<Record<string, unknown>>).map((one) =>
        caseToJson(catalog, casesOf(catalog, type.ref), "frame", one, notation)
      ),
    fromJson: (catalog, type, json, packet, path) => {
      if (!Array.isArray(json)) return unfit(packet, path, "an array", json)
      return json.map((one, i) => caseFromJson(catalog, casesOf(catalog, type.ref), "frame", false, one, packet, `${path}[${i}]`))
    }
  },
  bits: {
    fixed: (type) => type.fields.some(({ escaped }) => escaped !== undefined) ? undefined : intWidth[type.of.int],
    least: (type) => intWidth[type.of.int],
    ends: () => true,
    summary: (type) => `${numberText(type.of)} bits`,
    walk: walkBits
  },
  slice: {
    summary: (type) => type.high === type.low ? `bit ${type.high}` : `bits ${type.high}-${type.low}`,
    walk: (_, __, spot) => spot.at,
    fromJson: (_, __, json, packet, path) => typeof json === "boolean" ? Number(json) : integerFromJson(false, json, packet, path),
    schema: (make, type) => make.integer(0, 2 ** (type.high - type.low + 1) - 1)
  }
}
