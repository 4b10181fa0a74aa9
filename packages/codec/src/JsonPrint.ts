/**
 * Values as JSON text without recursion: what a peer sent may nest a million deep.
 *
 * `jsonOf` gives what `JSON.stringify` gives, where that gives anything. Text that is JSON already stands in a value as `RawJson` and is put
 * in as it is: numbers such as 1e400 or 9223372036854775807, repeated names and their order survive.
 */
import { scanText } from "./JsonScan.ts"

/** Text that is one JSON value, to be put into other JSON. */
export class RawJson {
  /** The text as it came. */
  readonly text: string

  /** Takes text that is known to be JSON; `RawJson.of` checks it. */
  constructor(text: string) {
    this.text = text
  }

  /** Nothing when the text is no JSON. Linear, and iterative. */
  static of(text: string): RawJson | undefined {
    return scanText(text) === undefined ? undefined : new RawJson(text)
  }

  /** An object with these members, in this order. */
  static object(members: ReadonlyArray<readonly [name: string, value: RawJson]>): RawJson {
    return new RawJson(`{${members.map(([name, { text }]) => `${JSON.stringify(name)}:${text}`).join(",")}}`)
  }
}

/** Characters between tokens that would end the line, or that terminals act on; they never stand within JSON strings. */
const breaks = /[\t\n\r]/
const allBreaks = /[\t\n\r]/g

/** A container that is being printed. */
interface Open {
  readonly value: object
  /** Names of an object that are still to come, the next one last; of an array nothing. */
  readonly names: Array<string> | undefined
  next: number
}

/** Pieces of text that are joined now and then: a rope of a million pieces costs more than the text. */
class Pieces {
  length = 0
  private readonly joined: Array<string> = []
  private pieces: Array<string> = []

  add(piece: string): void {
    this.length += piece.length
    if (this.pieces.push(piece) < 4096) return
    this.joined.push(this.pieces.join(""))
    this.pieces = []
  }

  text(): string {
    return this.joined.join("") + this.pieces.join("")
  }
}

const converted = (value: unknown, name: string): unknown => {
  if (typeof value !== "object" && typeof value !== "bigint" || value === null || value instanceof RawJson) return value
  const { toJSON } = value as { readonly toJSON?: unknown }
  const made: unknown = typeof toJSON === "function" ? toJSON.call(value, name) : value
  return made instanceof Number || made instanceof String || made instanceof Boolean ? made.valueOf() : made
}

/** A value that is no container. */
const scalar = (value: unknown): string | undefined => {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value)
    case "number":
      return Number.isFinite(value) ? String(value + 0) : "null"
    case "boolean":
      return value ? "true" : "false"
    case "bigint":
      throw new TypeError("a bigint has no JSON")
    case "object":
      if (value === null) return "null"
      return value instanceof RawJson ? breaks.test(value.text) ? value.text.replace(allBreaks, " ") : value.text : undefined
    default:
      return undefined
  }
}

const isContainer = (value: unknown): value is object => typeof value === "object" && value !== null && !(value instanceof RawJson)

/**
 * The JSON of a value, on one line; `undefined` for what has none, such as `undefined` and functions. Throws `TypeError` for a bigint and for
 * what contains itself. With `limit` the text may end after so many characters, for a preview.
 */
export const jsonOf = (value: unknown, limit = Infinity): string | undefined => {
  const root = converted(value, "")
  if (!isContainer(root)) return scalar(root)
  const out = new Pieces()
  const stack: Array<Open> = []
  const within = new Set<object>()
  const begin = (one: object): void => {
    if (within.has(one)) throw new TypeError("a value that contains itself has no JSON")
    within.add(one)
    const names = Array.isArray(one) ? undefined : Object.keys(one).reverse()
    stack.push({ value: one, names, next: 0 })
    out.add(names === undefined ? "[" : "{")
  }
  begin(root)
  while (stack.length > 0 && out.length < limit) {
    const top = stack[stack.length - 1]!
    const { names, value: one } = top
    if (names === undefined) {
      const list = one as ReadonlyArray<unknown>
      if (top.next < list.length) {
        if (top.next > 0) out.add(",")
        const element = converted(list[top.next], String(top.next))
        top.next++
        if (isContainer(element)) begin(element)
        else out.add(scalar(element) ?? "null")
        continue
      }
    } else {
      const name = names.pop()
      if (name !== undefined) {
        const member = converted((one as { readonly [name: string]: unknown })[name], name)
        const text = isContainer(member) ? "" : scalar(member)
        if (text === undefined) continue
        out.add(`${top.next++ > 0 ? "," : ""}${JSON.stringify(name)}:${text}`)
        if (isContainer(member)) begin(member)
        continue
      }
    }
    stack.pop()
    within.delete(one)
    out.add(names === undefined ? "]" : "}")
  }
  return out.text()
}

/** `JSON.stringify`, going on by `jsonOf` where the stack is too small for it: as fast as that for values that people make. */
export const stringify = (value: unknown): string | undefined => {
  try {
    return JSON.stringify(value) as string | undefined
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return jsonOf(value)
  }
}
