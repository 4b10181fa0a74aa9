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

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39

const isHexDigit = (code: number): boolean => isDigit(code) || code >= 0x61 && code <= 0x66 || code >= 0x41 && code <= 0x46

/** Whether `code` may stand behind a backslash, other than `u`. */
const isEscape = (code: number): boolean =>
  code === quote || code === backslash || code === 0x2f || code === 0x62 || code === 0x66 || code === 0x6e || code === 0x72 || code === 0x74

// What follows is plain loops over character codes and no patterns: a document of 20 MiB may be one long array of digits.

/** Offset behind the string that begins at `at`, or -1. */
const stringEnd = (text: string, at: number): number => {
  const { length } = text
  for (let i = at + 1; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code === quote) return i + 1
    if (code < space) return -1
    if (code !== backslash) continue
    const escaped = text.charCodeAt(++i)
    if (escaped === 0x75) {
      for (let digit = 1; digit <= 4; digit++) if (!isHexDigit(text.charCodeAt(i + digit))) return -1
      i += 4
    } else if (!isEscape(escaped)) return -1
  }
  return -1
}

/** Offset behind the digits at `at`. */
const digitsEnd = (text: string, at: number): number => {
  while (isDigit(text.charCodeAt(at))) at++
  return at
}

/** Offset behind the number that begins at `at`, or -1. */
const numberEnd = (text: string, at: number): number => {
  const first = text.charCodeAt(at) === 0x2d ? at + 1 : at
  const code = text.charCodeAt(first)
  if (!isDigit(code)) return -1
  let end = code === 0x30 ? first + 1 : digitsEnd(text, first + 1)
  if (text.charCodeAt(end) === 0x2e && isDigit(text.charCodeAt(end + 1))) end = digitsEnd(text, end + 2)
  const exponent = text.charCodeAt(end)
  if (exponent !== 0x65 && exponent !== 0x45) return end
  const sign = text.charCodeAt(end + 1)
  const digits = sign === 0x2b || sign === 0x2d ? end + 2 : end + 1
  return isDigit(text.charCodeAt(digits)) ? digitsEnd(text, digits + 1) : end
}

const wordEnd = (text: string, at: number, word: string): number => text.startsWith(word, at) ? at + word.length : -1

const scalarEnd = (text: string, at: number): number => {
  switch (text.charCodeAt(at)) {
    case quote:
      return stringEnd(text, at)
    case 0x74:
      return wordEnd(text, at, "true")
    case 0x66:
      return wordEnd(text, at, "false")
    case 0x6e:
      return wordEnd(text, at, "null")
    default:
      return numberEnd(text, at)
  }
}

/** Offset behind a name and its colon, at the value; or -1. */
const valueAfterName = (text: string, at: number): number => {
  if (text.charCodeAt(at) !== quote) return -1
  const end = stringEnd(text, at)
  if (end < 0) return -1
  const separator = skipSpace(text, end)
  return text.charCodeAt(separator) === colon ? skipSpace(text, separator + 1) : -1
}

/** A scan that may stop and go on. */
export interface Scanning {
  /** Where it goes on. */
  at: number
  /** How deep it has been. */
  depth: number
  /** Closing brackets that are awaited. */
  readonly open: Array<number>
}

/** A scan of the value that begins at `at`. */
export const scanningAt = (at: number): Scanning => ({ at, depth: 0, open: [] })

/** Goes on with a scan until it is past the offset `until`, if there is more; nothing when there is no value. */
export const scanOn = (text: string, scanning: Scanning, until: number): Scanned | "more" | undefined => {
  const { open } = scanning
  let { at, depth } = scanning
  for (;;) {
    if (at > until) {
      scanning.at = at
      scanning.depth = depth
      return "more"
    }
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

/** Scans the value that begins at `at`; nothing when there is none. */
export const scan = (text: string, at: number): Scanned | undefined => scanOn(text, scanningAt(at), Infinity) as Scanned | undefined

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

/** Where a walk over members stands; the same object for each. */
export interface Cursor {
  /** Whether members have names. */
  readonly named: boolean
  /** Where the member begins. */
  start: number
  /** Where its value begins. */
  value: number
  /** Offset behind its value. */
  end: number
  /** The scan of a value that is not at its end. */
  nested: Scanning | undefined
}

/** A walk over the members of the container at `at`; nothing when it has none. */
export const membersOf = (text: string, at: number): Cursor | undefined => {
  const start = skipSpace(text, at + 1)
  const code = text.charCodeAt(start)
  if (code === closeObject || code === closeArray) return undefined
  return { named: text.charCodeAt(at) === openObject, start, value: 0, end: 0, nested: undefined }
}

/**
 * Walks over members in a text known to be JSON, until `visit` returns `true` or the walk is past the offset `until`. Nothing is kept: of ten
 * million elements there are no ten million objects. Returns whether it is over; otherwise it goes on where it stopped.
 */
export const walkMembers = (text: string, cursor: Cursor, visit: (member: Readonly<Cursor>) => boolean, until = Infinity): boolean => {
  for (;;) {
    if (cursor.nested === undefined) {
      if (cursor.start > until) return false
      cursor.value = cursor.named ? valueAfterName(text, cursor.start) : cursor.start
      const code = text.charCodeAt(cursor.value)
      if (code === openObject || code === openArray) cursor.nested = scanningAt(cursor.value)
      else cursor.end = scalarEnd(text, cursor.value)
    }
    if (cursor.nested !== undefined) {
      const scanned = scanOn(text, cursor.nested, until)
      if (scanned === "more") return false
      cursor.end = scanned!.end
      cursor.nested = undefined
    }
    if (visit(cursor)) return true
    const next = skipSpace(text, cursor.end)
    if (text.charCodeAt(next) !== comma) return true
    cursor.start = skipSpace(text, next + 1)
  }
}

/** The name of the member of an object that begins at `start`, as it is written. */
export const literalAt = (text: string, start: number): string => text.slice(start, stringEnd(text, start))

/** The members of the container that begins at `at`, in a text known to be JSON. */
export const membersAt = (text: string, at: number): ReadonlyArray<Member> => {
  const out: Array<Member> = []
  const cursor = membersOf(text, at)
  if (cursor === undefined) return out
  walkMembers(text, cursor, ({ end, named, start, value }) => {
    out.push({ start, name: named ? stringValue(literalAt(text, start)) : undefined, value, end })
    return false
  })
  return out
}

/** What a string literal stands for. */
export const stringValue = (literal: string): string => literal.includes("\\") ? JSON.parse(literal) as string : literal.slice(1, -1)
