/**
 * Editing: a value of a packet's JSON is replaced and the packet encoded again, so that lengths, counts and tags follow; or a byte is replaced,
 * put in or taken out as it is. Pure; encoding is the adapter's.
 */
import { bytesOfHex, hexOf } from "@wirewright/codec/Hex"
import { partsOf } from "./Fields.ts"

/** The object of `decode --json`. */
export type PacketJson = { readonly [key: string]: unknown }

/** A place in JSON. */
export type JsonPath = ReadonlyArray<string | number>

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What stands at a place; nothing when there is none. */
export const valueAt = (json: unknown, path: JsonPath): unknown => {
  let value = json
  for (const part of path) {
    if (typeof part === "number") value = Array.isArray(value) ? value[part] as unknown : undefined
    else value = isObject(value) && Object.hasOwn(value, part) ? value[part] : undefined
  }
  return value
}

/** JSON with another value at a place. */
export const withValue = (json: unknown, [part, ...rest]: JsonPath, value: unknown): unknown => {
  if (part === undefined) return value
  if (typeof part === "number") {
    return Array.isArray(json) ? json.map((one: unknown, i) => i === part ? withValue(one, rest, value) : one) : json
  }
  return isObject(json) ? { ...json, [part]: withValue(json[part], rest, value) } : json
}

/**
 * Where a field of the bytes stands in the packet's JSON; nothing for what is derived, constant or reserved, which JSON does not have. The only
 * field of a key or value has that name in JSON.
 */
export const placeInJson = (json: PacketJson, path: string, section = ""): JsonPath | undefined => {
  const parts = partsOf(path).map((part) => part.startsWith("[") ? Number(part.slice(1, -1)) : part)
  const [first, ...rest] = parts
  if (typeof first !== "string") return undefined
  const within = (place: JsonPath): boolean => valueAt(json, place) !== undefined
  for (const place of [["fields", ...parts], parts, [`header.${first}`, ...parts.slice(1)]]) {
    if (place[0] === "length" || place[0] === "packet" || place[0] === "kind") continue
    if (within(place)) return place
  }
  const only = [section, ...rest]
  return (section === "key" || section === "value") && within(only) ? only : undefined
}

/** The packet's JSON with another value at a place. A number that spells out what a name says goes with the name. */
export const edited = (json: PacketJson, place: JsonPath, value: unknown): PacketJson => {
  const [first] = place
  const code = `${String(first)}Code`
  const next = withValue(json, place, value) as PacketJson
  return place.length === 1 && code in next ? Object.fromEntries(Object.entries(next).filter(([name]) => name !== code)) : next
}

/** How a value is edited. */
export type ValueForm = "number" | "text" | "boolean" | "hex" | "names" | "named" | "json"

/** The names of flags or of an enumeration's value, where JSON has them beside numbers. */
export const namesIn = (value: unknown): ReadonlyArray<string> | undefined => {
  const names = isObject(value) ? value["names"] : value
  return Array.isArray(names) && names.every((one) => typeof one === "string") ? names : undefined
}

/** The form in which a value of JSON is edited. */
export const formOf = (value: unknown): ValueForm => {
  if (typeof value === "number") return "number"
  if (typeof value === "string") return "text"
  if (typeof value === "boolean") return "boolean"
  if (isObject(value) && typeof value["hex"] === "string" && Object.keys(value).length === 1) return "hex"
  if (namesIn(value) !== undefined) return "names"
  if (isObject(value) && Object.keys(value).join() === "name,number") return "named"
  return "json"
}

/** A value as text to edit. */
export const editText = (value: unknown): string => {
  switch (formOf(value)) {
    case "number":
    case "boolean":
      return String(value)
    case "text":
      return value as string
    case "hex":
      return (value as { readonly hex: string }).hex
    case "names":
      return namesIn(value)!.join(", ")
    case "named": {
      const { name, number } = value as { readonly name: string | null; readonly number: unknown }
      return name ?? String(number)
    }
    case "json":
      return JSON.stringify(value, undefined, 1)
  }
}

/** The value that edited text stands for, in the form of the one before. Throws an error with a message. */
export const editedValue = (before: unknown, text: string): unknown => {
  switch (formOf(before)) {
    case "number": {
      const number = /^\s*-?(?:0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[-+]?\d+)?)\s*$/i.test(text) ? Number(text) : NaN
      const negative = /^\s*-0x/i.test(text) ? -Number(text.trim().slice(1)) : number
      if (!Number.isFinite(negative)) throw new SyntaxError(`${JSON.stringify(text)} is no number`)
      return negative
    }
    case "boolean":
      return text === "true"
    case "text":
      return text
    case "hex":
      return { hex: hexOf(bytesOfHex(text)) }
    case "names":
      return text.split(",").map((name) => name.trim()).filter((name) => name !== "")
    case "named":
      return /^\s*-?(?:0x[0-9a-f]+|\d+)\s*$/i.test(text) ? { number: Number(text) } : { name: text }
    case "json":
      return JSON.parse(text)
  }
}

/** Bytes with another one at `at`. */
export const withByte = (bytes: Uint8Array, at: number, value: number): Uint8Array => {
  const out = new Uint8Array(bytes)
  out[at] = value
  return out
}

/** Bytes with one more before `at`. */
export const withInserted = (bytes: Uint8Array, at: number, value = 0): Uint8Array => {
  const out = new Uint8Array(bytes.length + 1)
  out.set(bytes.subarray(0, at))
  out[at] = value
  out.set(bytes.subarray(at), at + 1)
  return out
}

/** Bytes without the one at `at`. */
export const withoutByte = (bytes: Uint8Array, at: number): Uint8Array => {
  const out = new Uint8Array(Math.max(0, bytes.length - 1))
  out.set(bytes.subarray(0, at))
  out.set(bytes.subarray(at + 1), at)
  return out
}

/** What can be undone and done again; the oldest of many is forgotten. */
export class History<A> {
  private readonly past: Array<A> = []
  private future: Array<A> = []
  private present: A

  constructor(first: A) {
    this.present = first
  }

  get current(): A {
    return this.present
  }

  get canUndo(): boolean {
    return this.past.length > 0
  }

  get canRedo(): boolean {
    return this.future.length > 0
  }

  /** Something has been done. */
  done(next: A): void {
    this.past.push(this.present)
    if (this.past.length > 1000) this.past.shift()
    this.present = next
    this.future = []
  }

  undo(): A {
    const before = this.past.pop()
    if (before === undefined) return this.present
    this.future.push(this.present)
    return this.present = before
  }

  redo(): A {
    const next = this.future.pop()
    if (next === undefined) return this.present
    this.past.push(this.present)
    return this.present = next
  }
}
