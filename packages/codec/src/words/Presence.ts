/** What may be missing. */
import { malformed } from "../Errors.ts"
import type { Catalog } from "../Catalog.ts"
import { isObject } from "../JsonUnfit.ts"
import type { ConditionModel, FieldModel, TypeModel } from "../Model.ts"
import { isBigNumber } from "./Numbers.ts"
import { fixedIn, isNullable as isNullIn } from "./Records.ts"
import { inState, stateNumber } from "./States.ts"
import { endsItself, fixedSize, isVisibleType, leastSize, optionalIn } from "./Sizes.ts"
import { flatFields, type Types, type Word } from "./Word.ts"

type Of<K extends TypeModel["kind"]> = Extract<TypeModel, { readonly kind: K }>

/** Whether a field is there by a condition, which looks at the number of another field. */
export const holds = (condition: ConditionModel, number: number | undefined): boolean => {
  const value = number ?? 0
  if (condition.kind === "valueOf") return condition.values.includes(value)
  return condition.bit === undefined ? value !== 0 : Math.floor(value / 2 ** condition.bit) % 2 === 1
}

/** Whether only the length of what surrounds it tells if a field is there. */
export const isByLength = ({ type }: FieldModel): boolean => type.kind === "optional" && type.if === undefined

/** Whether the presence of optional fields follows from the length of the whole run, rather than from there being more bytes. */
export const isPresenceByLength = (types: Types, fields: ReadonlyArray<FieldModel>): boolean => {
  const optionals = fields.filter(isByLength)
  const fixed = fields.every(({ name, type }) =>
    fixedIn(types, fields, { name, type: type.kind === "optional" ? type.of : type }) !== undefined
  )
  return optionals.length > 0 && fixed && (optionals.length > 1 || !isByLength(fields.at(-1)!))
}

/** A bit that says whether fields are there each of which is in some states only. In a state that has none of them, the bit is reserved. */
export interface StateBit {
  readonly condition: Extract<ConditionModel, { readonly kind: "bitOf" }>
  /** The field of `bits` or `flags` that the bit is in. */
  readonly holder: string
  /** The fields in wire order. When the last is read, the states of all are known. */
  readonly fields: ReadonlyArray<FieldModel>
}

/** Whether a presence bit says of a field whether it is there, whatever the state: then also of what stands in its place otherwise. */
export const isInAllStates = (type: TypeModel): boolean => {
  if (type.kind !== "when") return true
  const [one, other] = [optionalIn(type.of)?.if, type.else === undefined ? undefined : optionalIn(type.else)?.if]
  return one?.kind === "bitOf" && other?.kind === "bitOf" && one.field === other.field && one.bit === other.bit &&
    isInAllStates(type.of) && isInAllStates(type.else!)
}

/** The presence bits among fields that some states have no use for. */
export const stateBits = (fields: ReadonlyArray<FieldModel>): ReadonlyArray<StateBit> => {
  const holders = new Map<string, string>()
  const found = new Map<string, StateBit>()
  for (const field of fields) {
    const { name, type } = field
    if (type.kind === "flags") holders.set(name, name)
    if (type.kind === "bits") { for (const one of type.fields) holders.set(one.name, name) }
    const condition = optionalIn(type)?.if
    if (condition?.kind !== "bitOf" || !isVisibleType(type)) continue
    const holder = holders.get(condition.field)
    if (holder === undefined) continue
    const key = `${condition.field} ${condition.bit ?? ""}`
    found.set(key, { condition, holder, fields: [...found.get(key)?.fields ?? [], field] })
  }
  return [...found.values()].filter((bit) => !bit.fields.some(({ type }) => isInAllStates(type)))
}

/** What a bit for fields of other states must be, in words. */
export const reservedBit = ({ fields }: StateBit): string => `0, as this state has no ${fields.map(({ name }) => name).join(" or ")}`

/** The words of this file. */
export const presenceWords: { readonly [K in "optional" | "when"]: Word<Of<K>> } = {
  optional: {
    least: () => 0,
    ends: (type, types) => type.if !== undefined && endsItself(types, type.of),
    inner: (type) => [type.of],
    summary: (type, catalog) => catalog.summary(type.of),
    // a literal that may be missing is told by true
    isVisible: (type) => type.of.kind === "literal" || isVisibleType(type.of),
    walk: (walk, type, spot) => walk.type(type.of, spot),
    schema: (make, type) => type.of.kind === "literal" ? make.boolean() : make.type(type.of),
    toJson: (catalog, type, value, notation) => catalog.toJson(type.of, value, notation),
    fromJson: (catalog, type, json, packet, path) =>
      type.of.kind === "literal"
        ? json === true
        : json === undefined || json === null && !isNullable(type.of)
        ? undefined
        : catalog.fromJson(type.of, json, packet, path)
  },
  when: {
    fixed: (type, types, states) => {
      if (type.else !== undefined) {
        const [one, other] = [fixedSize(types, type.of, states), fixedSize(types, type.else, states)]
        if (one === other) return one
      }
      if (states === undefined || type.sibling === true) return undefined
      if (inState(type, stateNumber(states, type.state))) return fixedSize(types, type.of, states)
      return type.else === undefined ? 0 : fixedSize(types, type.else, states)
    },
    least: (type, types) => type.else === undefined ? 0 : Math.min(leastSize(types, type.of), leastSize(types, type.else)),
    ends: (type, types) => endsItself(types, type.of) && (type.else === undefined || endsItself(types, type.else)),
    inner: (type) => type.else === undefined ? [type.of] : [type.of, type.else],
    summary: (type, catalog) => catalog.summary(type.of),
    isVisible: (type) => isVisibleType(type.of),
    schema: (make, type) => type.else === undefined ? make.type(type.of) : make.union([make.type(type.of), make.type(type.else)]),
    walk: (walk, type, spot) => {
      const present = walk.present(type, spot.scope)
      return present === undefined
        ? malformed("UnknownValue", walk.packet, spot.path, spot.at, type.state, "another state")
        : walk.type(present, spot)
    },
    toJson: (catalog, type, value, notation) => {
      const other = type.else
      return catalog.toJson(
        other === undefined || (isGiven(catalog, type) ?? fits(catalog, type.of, value)) ? type.of : other,
        value,
        notation
      )
    },
    fromJson: (catalog, type, json, packet, path) => {
      if (json === undefined || json === null && !isNullable(type)) return undefined
      const other = type.else
      if (other === undefined) return catalog.fromJson(type.of, json, packet, path)
      const given = isGiven(catalog, type)
      if (given !== undefined) return catalog.fromJson(given ? type.of : other, json, packet, path)
      try {
        const value = catalog.fromJson(type.of, json, packet, path)
        if (fits(catalog, type.of, value) && saysAll(json, value)) return value
      } catch {
        // then it is the other
      }
      return catalog.fromJson(other, json, packet, path)
    }
  }
}

/** Whether a state is on, or in its range, where it is said. */
const isGiven = (catalog: Catalog, type: Of<"when">): boolean | undefined => {
  const state = type.sibling === true ? undefined : catalog.given?.[type.state]
  return state === undefined ? undefined : inState(type, Number(state))
}

/** Whether fields of these names and looks are in a value, and no others. */
const fieldsFit = (catalog: Catalog, fields: ReadonlyArray<FieldModel>, value: { readonly [name: string]: unknown }): boolean => {
  const visible = new Map(flatFields(fields).flatMap(({ name, type }) => isVisibleType(type) ? [[name, type] as const] : []))
  for (const [name, type] of visible) {
    const one = value[name]
    if (one === null ? !isNullable(type) && !isNullIn(fields, name) : !fits(catalog, type, one)) return false
  }
  return Object.keys(value).every((name) => name === "_tag" || value[name] === undefined || visible.has(name))
}

/** Whether a value looks like one of a type, rather than of another that may stand in its place. */
const fits = (catalog: Catalog, type: TypeModel, value: unknown): boolean => {
  switch (type.kind) {
    case "optional":
      return value === undefined || (type.of.kind === "literal" ? typeof value === "boolean" : fits(catalog, type.of, value))
    case "when":
      return fits(catalog, type.of, value) || (type.else === undefined ? value === undefined : fits(catalog, type.else, value))
    case "int":
    case "varint":
    case "escaped":
    case "decimal":
      return typeof value === (isBigNumber(type) ? "bigint" : "number")
    case "float":
    case "flags":
    case "enumeration":
    case "bcd":
      return typeof value === "number"
    case "bool":
      return typeof value === "boolean"
    case "utf8":
    case "json":
    case "text":
    case "domainName":
      return typeof value === "string"
    case "bytes":
      return value instanceof Uint8Array
    case "array":
      return Array.isArray(value) && value.every((one) => fits(catalog, type.of, one))
    case "counted":
      return value === null ? isNullable(type) : Array.isArray(value) && value.every((one) => fits(catalog, type.of, one))
    case "prefixed":
      return value === null ? isNullable(type) : fits(catalog, type.of, value)
    case "struct":
      return isObject(value) && fieldsFit(catalog, catalog.typeOf("struct", type.ref).fields, value)
    case "choice": {
      if (!isObject(value)) return false
      const found = catalog.typeOf("choice", type.ref).cases.find(({ name }) => name === value["_tag"])
      return found === undefined ? value["_tag"] === "Unknown" : fieldsFit(catalog, found.fields, value)
    }
    default:
      return true
  }
}

/** Whether a value has all the fields that JSON gives. */
const saysAll = (json: unknown, value: unknown): boolean => {
  if (Array.isArray(json) && Array.isArray(value)) return json.every((one, i) => saysAll(one, value[i]))
  if (!isObject(json) || !isObject(value)) return json === null || value !== undefined
  return Object.entries(json).every(([name, one]) =>
    value["_tag"] !== undefined && (name === "case" || name === "frame") || saysAll(one, value[name])
  )
}

const isNullable = (type: TypeModel): boolean =>
  type.kind === "when"
    ? isNullable(type.of) || type.else !== undefined && isNullable(type.else)
    : type.kind === "optional"
    ? isNullable(type.of)
    : (type.kind === "prefixed" || type.kind === "counted") && type.absent !== undefined || type.kind === "prefixed" && isNullable(type.of)
