/**
 * Fields of delimited messages: what generated decoders and encoders of text protocols call.
 *
 * Positions are those of the text that holds the message: `start` is where the message begins, `at` a field, `end` where the message ends.
 * No field at all is `at > end`; one empty field is `at === end`. Offsets in errors count characters from `start`.
 */
import { malformed, unencodable } from "./Errors.ts"

/** Where the field at `at` ends. */
export const fieldEnd = (text: string, separator: string, at: number, end: number): number => {
  const found = text.indexOf(separator, at)
  return found < 0 || found > end ? end : found
}

/** How many fields there are. */
export const countFields = (text: string, separator: string, at: number, end: number): number => {
  if (at > end) return 0
  let count = 1
  for (let found = text.indexOf(separator, at); found >= 0 && found < end; found = text.indexOf(separator, found + 1)) count++
  return count
}

/** All fields from `at`. */
export const restFields = (text: string, separator: string, at: number, end: number): Array<string> => {
  const fields: Array<string> = []
  while (at <= end) {
    const to = fieldEnd(text, separator, at, end)
    fields.push(text.slice(at, to))
    at = to + 1
  }
  return fields
}

/** Whether a field stands at `index` and `test` likes it. */
const fieldIs = (
  text: string,
  separator: string,
  at: number,
  end: number,
  index: number,
  test: (text: string, from: number, to: number) => boolean
): boolean => {
  for (let skipped = 0; skipped < index && at <= end; skipped++) at = fieldEnd(text, separator, at, end) + 1
  return at <= end && test(text, at, fieldEnd(text, separator, at, end))
}

/** Whether the field at `index` is exactly `value`. */
export const isLiteral = (text: string, separator: string, at: number, end: number, index: number, value: string): boolean =>
  fieldIs(text, separator, at, end, index, (all, from, to) => to - from === value.length && all.startsWith(value, from))

/** Whether the field at `index` is an integer. */
export const isInteger = (text: string, separator: string, at: number, end: number, index: number): boolean =>
  fieldIs(text, separator, at, end, index, (all, from, to) => integerOf(all, from, to) !== undefined)

const stands = (text: string, from: number, to: number, value: string): boolean =>
  to - from === value.length && text.startsWith(value, from)

/** Whether the field at `index` is one of two texts. */
export const isTruth = (text: string, separator: string, at: number, end: number, index: number, yes: string, no: string): boolean =>
  fieldIs(text, separator, at, end, index, (all, from, to) => stands(all, from, to, yes) || stands(all, from, to, no))

/** Whether the field at `index` is what a custom field's own test likes. */
export const isCustom = (
  text: string,
  separator: string,
  at: number,
  end: number,
  index: number,
  is: (text: string, from: number, to: number) => boolean
): boolean => fieldIs(text, separator, at, end, index, is)

/** Whether the field at `index` looks like a JSON object or array. */
export const isJson = (text: string, separator: string, at: number, end: number, index: number): boolean =>
  fieldIs(text, separator, at, end, index, (all, from, to) => from < to && (all[from] === "{" || all[from] === "["))

/** The integer, or undefined when the spelling is not the only one it has: no leading zeros, no plus, no −0, at most 2⁵³−1. */
const integerOf = (text: string, from: number, to: number): number | undefined => {
  const negative = text.charCodeAt(from) === 0x2d
  let at = negative ? from + 1 : from
  const size = to - at
  const first = text.charCodeAt(at)
  if (size < 1 || size > 16 || first === 0x30 && (size > 1 || negative)) return undefined
  let value = 0
  for (; at < to; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (!(digit >= 0 && digit <= 9)) return undefined
    value = value * 10 + digit
  }
  return value > Number.MAX_SAFE_INTEGER ? undefined : negative ? -value : value
}

const preview = (text: string, from: number, to: number): string =>
  JSON.stringify(to - from > 32 ? `${text.slice(from, from + 32)}…` : text.slice(from, to))

/** Reads a decimal integer. */
export const readInteger = (text: string, from: number, to: number, packet: string, path: string, start: number): number =>
  integerOf(text, from, to) ?? malformed("Syntax", packet, path, from - start, "a decimal integer", preview(text, from, to))

/** Reads one of two texts. */
export const readTruth = (
  text: string,
  from: number,
  to: number,
  packet: string,
  path: string,
  start: number,
  yes: string,
  no: string
): boolean =>
  stands(text, from, to, yes) ||
  !stands(text, from, to, no) && malformed("Syntax", packet, path, from - start, `${yes} or ${no}`, preview(text, from, to))

/** Reads an integer within bounds. */
export const readRange = (
  text: string,
  from: number,
  to: number,
  packet: string,
  path: string,
  start: number,
  min: number,
  max: number
): number => {
  const value = readInteger(text, from, to, packet, path, start)
  return value >= min && value <= max ? value : malformed("Limit", packet, path, from - start, `an integer of ${min}…${max}`, String(value))
}

/** Reads text of limited size. */
export const readBounded = (text: string, from: number, to: number, max: number, packet: string, path: string, start: number): string =>
  to - from > max
    ? malformed("Limit", packet, path, from - start, `at most ${max} characters`, `${to - from}`)
    : text.slice(from, to)

/** Throws unless `text[from, to)` is the literal. */
export const readLiteral = (text: string, from: number, to: number, value: string, packet: string, path: string, start: number): void => {
  if (to - from !== value.length || !text.startsWith(value, from)) {
    malformed("Constant", packet, path, from - start, JSON.stringify(value), preview(text, from, to))
  }
}

/** Reads all remaining fields, each of limited size. */
export const readRest = (
  text: string,
  separator: string,
  at: number,
  end: number,
  max: number,
  packet: string,
  path: string,
  start: number
): Array<string> => {
  const fields = restFields(text, separator, at, end)
  for (const field of fields) {
    if (field.length > max) malformed("Limit", packet, path, at - start, `fields of at most ${max} characters`, `${field.length}`)
  }
  return fields
}

/** Throws: the message ends too early. */
export const missingField = (packet: string, path: string, start: number, end: number): never =>
  malformed("Length", packet, path, end - start, "a field", "the end of the message")

/** Throws: it begins as no packet of the kind does. */
export const noPacket = (kind: string, text: string, start: number, end: number): never =>
  malformed("UnknownValue", kind, "", 0, "a packet", preview(text, start, end))

/** Throws: the message goes on. */
export const trailingField = (text: string, packet: string, start: number, at: number, end: number): never =>
  malformed("Trailing", packet, "", at - start, "the end of the message", preview(text, at, end))

const refuse = (packet: string, path: string, value: string): never =>
  unencodable("Separator", packet, path, "text without separators", preview(value, 0, value.length))

/** Text to put into a field. */
export const putText = (packet: string, path: string, value: string, separators: string, max?: number): string => {
  if (typeof value !== "string") unencodable("Missing", packet, path, "text", typeof value)
  if (value.includes(separators[0]!) || value.includes(separators[1]!)) refuse(packet, path, value)
  if (max !== undefined && value.length > max) unencodable("Limit", packet, path, `at most ${max} characters`, `${value.length}`)
  return value
}

/** An integer to put into a field. */
export const putInteger = (packet: string, path: string, value: number): string =>
  Number.isSafeInteger(value) ? `${value}` : unencodable("Range", packet, path, "an integer of at most 2⁵³−1", String(value))

/** An integer within bounds to put into a field. */
export const putRange = (packet: string, path: string, value: number, min: number, max: number): string =>
  Number.isSafeInteger(value) && value >= min && value <= max
    ? `${value}`
    : unencodable("Range", packet, path, `an integer of ${min}…${max}`, String(value))

/** A truth value to put into a field. */
export const putTruth = (packet: string, path: string, value: boolean, yes: string, no: string): string =>
  value === true ? yes : value === false ? no : unencodable("Missing", packet, path, "a truth value", typeof value)

/** Further fields, each with its separator before it. */
export const putRest = (packet: string, path: string, values: ReadonlyArray<string>, separators: string, max?: number): string => {
  if (!Array.isArray(values)) unencodable("Missing", packet, path, "fields", typeof values)
  let out = ""
  for (let i = 0; i < values.length; i++) out += separators[0]! + putText(packet, `${path}[${i}]`, values[i]!, separators, max)
  return out
}

/** Throws: an optional field is missing although a later one is there. */
export const missingOptional = (packet: string, path: string): never =>
  unencodable("Missing", packet, path, "a field, because a later one is there", "undefined")

/** The message, unless it is too long; its separator does not count. */
export const putMessage = (packet: string, text: string, max: number): string =>
  text.length - 1 > max ? unencodable("Limit", packet, "", `at most ${max} characters`, `${text.length - 1}`) : text
