/**
 * JSON as text: where values begin and end, how deep they nest, what an object's names are.
 *
 * Nothing is parsed into objects and nothing is printed, so numbers such as 1e400 or 12345678901234567890 and all white space survive an edit
 * of their neighbours. Scanning is iterative: hostile nesting costs memory, never the stack. Grammar: RFC 8259.
 */

/** A value within a text. */
export interface Scanned {
  /** Offset behind the value. */
  readonly end: number
  /** How deep it nests: 1 for a scalar or an empty container. */
  readonly depth: number
}

/** A member of an object, or an element of an array. */
export interface Member {
  /** Where the name, or else the element, begins. */
  readonly start: number
  /** The name with its escapes resolved; absent in arrays. */
  readonly name: string | undefined
  /** Where the value begins. */
  readonly value: number
  /** Offset behind the value. */
  readonly end: number
}

/** What stands at an offset. */
export type Kind = "object" | "array" | "string" | "number" | "word"

const space = 0x20
const quote = 0x22
const backslash = 0x5c
const openObject = 0x7b
const closeObject = 0x7d
const openArray = 0x5b
const closeArray = 0x5d
const comma = 0x2c
const colon = 0x3a

/** Offset of the next character that is no white space. */
export const skipSpace = (text: string, at: number): number => {
  for (;;) {
    const code = text.charCodeAt(at)
    if (code !== space && code !== 0x0a && code !== 0x0d && code !== 0x09) return at
    at++
  }
}

const hexDigits = /[0-9a-fA-F]{4}/y
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const word = /true|false|null/y

const matchEnd = (pattern: RegExp, text: string, at: number): number => {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : -1
}

/** Offset behind the string that begins at `at`, or -1. */
const stringEnd = (text: string, at: number): number => {
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === quote) return i + 1
    if (code < space) return -1
    if (code !== backslash) continue
    i++
    if (text[i] === "u") {
      if (matchEnd(hexDigits, text, i + 1) < 0) return -1
      i += 4
    } else if (i >= text.length || !"\"\\/bfnrt".includes(text[i]!)) return -1
  }
  return -1
}

const scalarEnd = (text: string, at: number): number => {
  const code = text.charCodeAt(at)
  if (code === quote) return stringEnd(text, at)
  return code === 0x2d || code >= 0x30 && code <= 0x39 ? matchEnd(number, text, at) : matchEnd(word, text, at)
}

/** Offset behind a name and its colon, at the value; or -1. */
const valueAfterName = (text: string, at: number): number => {
  if (text.charCodeAt(at) !== quote) return -1
  const end = stringEnd(text, at)
  if (end < 0) return -1
  const separator = skipSpace(text, end)
  return text.charCodeAt(separator) === colon ? skipSpace(text, separator + 1) : -1
}

/** Scans the value that begins at `at`; nothing when there is none. */
export const scan = (text: string, at: number): Scanned | undefined => {
  /** Closing brackets that are awaited. */
  const open: Array<number> = []
  let depth = 0
  for (;;) {
    if (open.length + 1 > depth) depth = open.length + 1
    const code = text.charCodeAt(at)
    let end: number
    if (code === openObject || code === openArray) {
      const close = code === openObject ? closeObject : closeArray
      const first = skipSpace(text, at + 1)
      if (text.charCodeAt(first) !== close) {
        open.push(close)
        at = code === openObject ? valueAfterName(text, first) : first
        if (at < 0) return undefined
        continue
      }
      end = first + 1
    } else {
      end = scalarEnd(text, at)
      if (end < 0) return undefined
    }
    // behind a value: close what ends here, or go on to the next one
    for (;;) {
      const close = open.at(-1)
      if (close === undefined) return { end, depth }
      const next = skipSpace(text, end)
      const found = text.charCodeAt(next)
      if (found === close) {
        open.pop()
        end = next + 1
      } else if (found === comma) {
        const follower = skipSpace(text, next + 1)
        at = close === closeObject ? valueAfterName(text, follower) : follower
        if (at < 0) return undefined
        break
      } else return undefined
    }
  }
}

/** Scans a text that is one value with white space around it. */
export const scanText = (text: string): (Scanned & { readonly start: number }) | undefined => {
  const start = skipSpace(text, 0)
  const scanned = scan(text, start)
  return scanned === undefined || skipSpace(text, scanned.end) < text.length ? undefined : { start, ...scanned }
}

/** What stands at `at`. */
export const kindAt = (text: string, at: number): Kind => {
  switch (text.charCodeAt(at)) {
    case openObject:
      return "object"
    case openArray:
      return "array"
    case quote:
      return "string"
    case 0x74:
    case 0x66:
    case 0x6e:
      return "word"
    default:
      return "number"
  }
}

/** The members of the container that begins at `at`, in a text known to be JSON. */
export const membersAt = (text: string, at: number): ReadonlyArray<Member> => {
  const named = text.charCodeAt(at) === openObject
  const out: Array<Member> = []
  let start = skipSpace(text, at + 1)
  if (text.charCodeAt(start) === (named ? closeObject : closeArray)) return out
  for (;;) {
    let value = start
    let name: string | undefined
    if (named) {
      name = stringValue(text.slice(start, stringEnd(text, start)))
      value = valueAfterName(text, start)
    }
    const { end } = scan(text, value)!
    out.push({ start, name, value, end })
    const next = skipSpace(text, end)
    if (text.charCodeAt(next) !== comma) return out
    start = skipSpace(text, next + 1)
  }
}

/** What a string literal stands for. */
export const stringValue = (literal: string): string => literal.includes("\\") ? JSON.parse(literal) as string : literal.slice(1, -1)
