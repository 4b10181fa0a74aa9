/** Compares what `wirewright decode --json` says of a packet with what tshark shows, field by field. */
import type { Filter } from "@wirewright/codegen/dissector/Filters"
import { filterName } from "@wirewright/codegen/dissector/Filters"
import type { Shown, ShownPacket } from "./Pdml.ts"

/** A value of JSON, by the last part of its name, in the order of the bytes. */
type Leaf = { readonly name: string; readonly value: unknown }

/** How a packet compared. */
export interface Compared {
  /** Filters whose values were the same. */
  readonly same: ReadonlyArray<string>
  readonly differences: ReadonlyArray<string>
}

/** What is said about a packet, and not by it. */
const about = new Set(["packet", "kind", "layout", "length", "flow", "direction", "time", "frame", "protocol"])

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const leaves = (name: string, value: unknown, out: Array<Leaf>): void => {
  if (Array.isArray(value) && !value.every((one) => typeof one === "string" && name === "datatype")) {
    for (const one of value) leaves(name, one, out)
  } else if (isObject(value) && typeof value["hex"] !== "string" && !("number" in value && ("names" in value || "name" in value))) {
    for (const [key, one] of Object.entries(value)) leaves(key, one, out)
  } else out.push({ name, value })
}

/** Values of a packet's JSON by name. */
const leavesOf = (json: { readonly [name: string]: unknown }): ReadonlyMap<string, ReadonlyArray<unknown>> => {
  const out: Array<Leaf> = []
  for (const [name, value] of Object.entries(json)) {
    if (about.has(name) || name === "status" && "statusCode" in json) continue
    leaves(name === "statusCode" ? "status" : name.replace(/^header\./, ""), value, out)
  }
  const byName = new Map<string, Array<unknown>>()
  for (const { name, value } of out) {
    if (value === null) continue
    const key = filterName(name)
    byName.set(key, [...byName.get(key) ?? [], value])
  }
  return byName
}

const numeric = /^u?int\d+$/

const integer = (text: string): bigint | undefined => /^-?(?:\d+|0x[0-9a-f]+)$/i.test(text) ? BigInt(text) : undefined

const hexes = (text: string): ReadonlyArray<string> => [
  Buffer.from(text, "utf8").toString("hex"),
  Buffer.from(text, "latin1").toString("hex"),
  Buffer.from(text, "utf16le").toString("hex"),
  Buffer.from(text, "utf16le").swap16().toString("hex")
]

const isSame = (value: unknown, shown: Shown, type: string): boolean => {
  if (isObject(value)) {
    if ("hex" in value) return shown.hex === value["hex"]
    return integer(shown.show) === integer(String(value["number"]))
  }
  if (typeof value === "boolean") return (shown.show === "1" || shown.show === "True") === value
  if (type === "float" || type === "double") {
    const [ours, theirs] = [Number(value), Number(shown.show.replace("inf", "Infinity").replace("nan", "NaN"))]
    return Object.is(ours, theirs) || Math.abs(ours - theirs) <= Math.abs(ours) * (type === "float" ? 1e-5 : 1e-12)
  }
  if (numeric.test(type)) return integer(shown.show) === integer(String(value))
  return typeof value === "string" && (hexes(value).includes(shown.hex) || shown.show === value || shown.show.replaceAll("\\\\", "\\") === value)
}

/** Compares a packet. */
export const compareValues = (
  json: { readonly [name: string]: unknown },
  packet: ShownPacket,
  filters: ReadonlyMap<string, Filter>
): Compared => {
  const shown = new Map<string, Array<Shown>>()
  const cases: Array<string> = []
  for (const field of packet.fields) {
    const filter = filters.get(field.name)
    if (filter === undefined) continue
    if (filter.type === "none") {
      const found = /^[^:]*: (\w+)$/.exec(field.showname)?.[1]
      if (found !== undefined) cases.push(found)
      continue
    }
    // what several hold under one name has that name with what it holds behind it
    const last = filterName(filter.label.replaceAll(" ", "_"))
    shown.set(last, [...shown.get(last) ?? [], field])
  }
  const same: Array<string> = []
  const differences: Array<string> = []
  for (const [name, values] of leavesOf(json)) {
    if (name === "case" || name === "frame") {
      if (values.join() !== cases.join()) differences.push(`${name}: ${values.join()}, tshark ${cases.join()}`)
      continue
    }
    if (name === "datatype" && values.some(Array.isArray)) {
      const names = packet.fields.filter((one) => one.name.startsWith("datatype.") && /^(1|True)$/.test(one.show))
      if (names.length !== (values[0] as ReadonlyArray<unknown>).length) differences.push(`datatype: ${JSON.stringify(values)}`)
      else same.push("datatype")
      continue
    }
    const theirs = shown.get(name) ?? []
    const types = theirs.map((one) => filters.get(one.name)!.type)
    if (theirs.length !== values.length || !values.every((value, i) => isSame(value, theirs[i]!, types[i]!))) {
      differences.push(`${name}: ${JSON.stringify(values)}, tshark ${JSON.stringify(theirs.map(({ hex, show }) => [show, hex]))}`)
    } else same.push(...theirs.map((one) => one.name))
  }
  return { same, differences }
}
