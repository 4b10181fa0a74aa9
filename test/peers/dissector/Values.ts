/**
 * Compares what `wirewright decode --json` says of a packet with what tshark shows, field by field. Which field of the JSON one of tshark's is
 * follows from their order, which is that of the bytes: the interpreter has the paths in this order.
 */
import type { FieldSpan } from "@wirewright/codec/Layout"
import type { Filter } from "@wirewright/codegen/dissector/Filters"
import type { Shown, ShownPacket } from "./Pdml.ts"

/** How a packet compared. */
export interface Compared {
  /** Filters whose values were the same as those of the JSON. */
  readonly same: ReadonlyArray<string>
  readonly differences: ReadonlyArray<string>
}

type Json = { readonly [name: string]: unknown }

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

/** What is said about a packet, and not by it. */
const about = new Set(["packet", "kind", "layout", "length", "flow", "direction", "time", "frame", "protocol", "fields"])

const leaves = (path: string, value: unknown, out: Map<string, unknown>): void => {
  if (Array.isArray(value)) { for (const [i, one] of value.entries()) leaves(`${path}[${i}]`, one, out) }
  else if (isObject(value) && typeof value["hex"] !== "string" && !("number" in value && ("names" in value || "name" in value))) {
    for (const [name, one] of Object.entries(value)) leaves(path === "" ? name : `${path}.${name}`, one, out)
  } else out.set(path, value)
}

/** Values of a packet's JSON by path. */
const leavesOf = (json: Json): ReadonlyMap<string, unknown> => {
  const out = new Map<string, unknown>()
  for (const [name, value] of Object.entries(json)) {
    if (about.has(name) || name === "status" && "statusCode" in json) continue
    // flags of headers are a list of names
    if (name !== "key" && name !== "value" && Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "string")) {
      out.set(name, { names: value })
      continue
    }
    leaves(name === "statusCode" ? "status" : name.replace(/^header\./, ""), value, out)
  }
  leaves("", json["fields"] ?? {}, out)
  return out
}

const numeric = /^u?int\d+$/

const integer = (text: string): bigint | undefined => /^-?(?:\d+|0x[0-9a-f]+)$/i.test(text) ? BigInt(text) : undefined

const hexes = (text: string): ReadonlyArray<string> => [
  Buffer.from(text, "utf8").toString("hex"),
  Buffer.from(text, "latin1").toString("hex"),
  Buffer.from(text, "utf16le").toString("hex"),
  Buffer.from(text, "utf16le").swap16().toString("hex")
]

const isTrue = ({ show }: Shown): boolean => show === "1" || show === "True"

const isSame = (value: unknown, shown: Shown, type: string): boolean => {
  if (value instanceof Uint8Array) return shown.hex === Buffer.from(value).toString("hex")
  if (isObject(value)) {
    return "hex" in value ? shown.hex === value["hex"] : integer(shown.show) === integer(String(value["number"]))
  }
  if (typeof value === "boolean") return isTrue(shown) === value
  if (type === "float" || type === "double") {
    const [ours, theirs] = [Number(value), Number(shown.show.replace("inf", "Infinity").replace("nan", "NaN"))]
    return Object.is(ours, theirs) || Math.abs(ours - theirs) <= Math.abs(ours) * (type === "float" ? 1e-5 : 1e-12)
  }
  if (numeric.test(type)) return integer(shown.show) === integer(String(value))
  return typeof value === "string" &&
    (hexes(value).includes(shown.hex) || shown.show === value || shown.show.replaceAll("\\\\", "\\") === value)
}

/** Types that stand for themselves in the JSON as something that Lua cannot say. */
const isCustom = ({ type }: FieldSpan): boolean => /^[A-Z]\w*$/.test(type)

/** Compares a packet; `spans` are its fields in wire order, `base` is where it begins. */
export const compareValues = (
  json: Json,
  spans: ReadonlyArray<FieldSpan>,
  packet: ShownPacket,
  filters: ReadonlyMap<string, Filter>
): Compared => {
  const values = leavesOf(json)
  const unseen = new Set([...values].filter(([, value]) => value !== null && value !== false).map(([path]) => path))
  const same: Array<string> = []
  const differences: Array<string> = []
  const cases: Array<string> = []
  const shown: Array<{ readonly field: Shown; readonly type: string }> = []
  let bits = new Map<string, Shown>()
  const flags: Array<ReadonlyMap<string, Shown>> = []
  for (const field of packet.fields) {
    const filter = filters.get(field.name)
    if (filter === undefined) continue
    const found = filter.type === "none" ? /^[^:]*: (\w+)$/.exec(field.showname)?.[1] : undefined
    if (found !== undefined) cases.push(found)
    if (filter.type === "none") continue
    const around = shown.at(-1)?.field
    if (filter.type === "bool" && around !== undefined && field.name.startsWith(`${around.name}.`) && field.at === around.at) {
      bits.set(filter.filter, field)
      continue
    }
    bits = new Map()
    flags.push(bits)
    shown.push({ field, type: filter.type })
  }
  const there = spans.filter(({ value }) => value !== null && !Array.isArray(value))
  if (there.length !== shown.length) differences.push(`${there.length} fields, tshark ${shown.length}`)
  for (const [i, span] of there.entries()) {
    const at = shown[i]
    if (at === undefined) break
    const { field, type } = at
    // the only field of a key or a value stands under that name
    const path = values.has(span.path) ? span.path : span.path.replace(/^\w+/, span.section)
    // the name of a frame stands where its number is
    const isName = path.endsWith(".frame") && typeof span.value === "number"
    const said = values.has(path) && !isName && !isCustom(span) ? values.get(path) : span.value
    const value = isObject(said) && "names" in said && !("number" in said) ? { ...said, number: span.value } : said
    unseen.delete(path)
    // what ends or fills a field belongs to it here, and to nothing there
    if (field.at - packet.at !== span.offset || field.size > span.length) {
      differences.push(`${span.path}: at ${span.offset}+${span.length}, tshark ${field.at - packet.at}+${field.size}`)
    } else if (!isSame(value, field, type)) {
      differences.push(`${span.path}: ${JSON.stringify(value)}, tshark ${JSON.stringify([field.name, field.show, field.hex])}`)
    } else same.push(field.name)
    if (isObject(value) && Array.isArray(value["names"])) {
      const names = [...flags[i]!].filter(([, one]) => isTrue(one)).map(([, one]) => one)
      if (names.length !== value["names"].length) differences.push(`${span.path}: ${value["names"].join()}, tshark ${names.length} bits`)
      else same.push(...[...flags[i]!].map(([name]) => name))
    }
  }
  const ours = [...values].filter(([path]) =>
    /(?:^|\.|\])(?:case|frame)$/.test(path) && !spans.some((span) => span.path === path && typeof span.value !== "number")
  )
  for (const [path, value] of ours) {
    unseen.delete(path)
    // of a case that is none, JSON has the tag, which a sibling may have on the wire
    if (value === "Unknown") unseen.delete(path.replace(/(?:case|frame)$/, "tag"))
  }
  if (ours.map(([, value]) => value).toSorted().join() !== cases.toSorted().join()) {
    differences.push(`cases ${ours.map(([, value]) => value).join()}, tshark ${cases.join()}`)
  }
  for (const span of spans) if (isCustom(span)) { for (const one of unseen) if (one.startsWith(span.path)) unseen.delete(one) }
  for (const path of unseen) differences.push(`${path}: ${JSON.stringify(values.get(path))}, tshark nothing`)
  return { same, differences }
}
