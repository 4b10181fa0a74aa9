/**
 * A value with a leading type letter, as deepstream writes it: `Stext`, `N5`, `T`, `F`, `L` (null), `U` (undefined), `O{"json":true}`.
 *
 * The text is kept and the value made of it on demand: numbers and JSON have several spellings, and decode ∘ encode must give the same
 * bytes. Parsing 100 bytes of JSON costs more than decoding the message around them, so a value that is not read costs nothing.
 */
import type { CustomFace } from "@wirewright/codec/Catalog"
import { malformed, unencodable } from "@wirewright/codec/Errors"
import { stringify } from "@wirewright/codec/JsonPrint"

/** What a typed value may be. Objects are JSON; dates are JSON text. */
export type TypedValue = string | number | boolean | null | undefined | object

/** A typed value. */
export class Typed {
  /** Type letter and spelling, such as `N5`. */
  readonly text: string

  /** Takes text that is known to be well-formed; `Typed.parse` checks it. */
  constructor(text: string) {
    this.text = text
  }

  /** Spells a value. Functions and symbols are undefined; what JSON refuses (cycles, bigint) throws a `TypeError`. */
  static of(value: TypedValue): Typed {
    switch (typeof value) {
      case "string":
        return new Typed(`S${value}`)
      case "number":
        return new Typed(`N${value}`)
      case "boolean":
        return new Typed(value ? "T" : "F")
      case "object":
        return value === null ? new Typed("L") : new Typed(`O${stringify(value)}`)
      default:
        return new Typed("U")
    }
  }

  /** Checks text and keeps it. Throws `DecodeError` with reason `Syntax`. */
  static parse(text: string): Typed {
    return readTyped(text, 0, text.length, "Typed", "", 0)
  }

  /** The value. JSON is parsed at every call; bad JSON throws `DecodeError` with reason `Syntax`. */
  get value(): TypedValue {
    const { text } = this
    switch (text.charCodeAt(0)) {
      case 0x53:
        return text.slice(1)
      case 0x4e:
        return Number(text.slice(1))
      case 0x54:
        return true
      case 0x46:
        return false
      case 0x4c:
        return null
      case 0x4f:
        try {
          return JSON.parse(text.slice(1)) as object
        } catch {
          return malformed("Syntax", "Typed", "", 1, "JSON", preview(text, 1, text.length))
        }
      default:
        return undefined
    }
  }

  toString(): string {
    return this.text
  }

  toJSON(): string {
    return this.text
  }
}

const preview = (text: string, from: number, to: number): string =>
  JSON.stringify(to - from > 32 ? `${text.slice(from, from + 32)}…` : text.slice(from, to))

/** Whether `text[from, to)` is a decimal number, NaN or an infinity. */
const isNumber = (text: string, from: number, to: number): boolean => {
  let at = from
  if (to - at < 16) {
    while (at < to && text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at++
    if (at === to) return at > from
  }
  const spelling = text.slice(from, to)
  if (spelling === "NaN") return true
  for (at = from; at < to; at++) {
    const unit = text.charCodeAt(at)
    const decimal = unit >= 0x30 && unit <= 0x39 || unit === 0x2d || unit === 0x2b || unit === 0x2e || unit === 0x65 || unit === 0x45
    if (!decimal) return spelling === "Infinity" || spelling === "-Infinity"
  }
  return at > from && !Number.isNaN(Number(spelling))
}

/** Whether `text[from, to)` is well-formed. JSON is not looked into. */
export const isTyped = (text: string, from: number, to: number): boolean => {
  if (from >= to) return false
  switch (text.charCodeAt(from)) {
    case 0x53:
      return true
    case 0x4f:
      return to - from > 1
    case 0x54:
    case 0x46:
    case 0x4c:
    case 0x55:
      return to - from === 1
    case 0x4e:
      return isNumber(text, from + 1, to)
    default:
      return false
  }
}

/** Reads a typed value; `start` is where the message begins. Throws `DecodeError` with reason `Syntax`. */
export const readTyped = (text: string, from: number, to: number, packet: string, path: string, start: number): Typed =>
  isTyped(text, from, to) ? new Typed(text.slice(from, to)) : badTyped(text, from, to, packet, path, start)

const badTyped = (text: string, from: number, to: number, packet: string, path: string, start: number): never =>
  malformed("Syntax", packet, path, from - start, "a typed value (S, N, T, F, L, U or O and its text)", preview(text, from, to))

/** The text of a typed value. Throws `EncodeError`. */
export const spellTyped = (value: Typed, packet: string, path: string): string => {
  const text: unknown = value?.text
  if (typeof text !== "string") return unencodable("Missing", packet, path, "text", typeof text)
  return isTyped(text, 0, text.length)
    ? text
    : unencodable("UnknownValue", packet, path, "a typed value", preview(text, 0, text.length))
}

/** What tools need of typed values. In JSON they are their text. */
export const customTyped: CustomFace<Typed> = {
  read: (reader, at, end, start) => {
    const text = reader.text(at, Math.floor(end))
    reader.next = Math.floor(end)
    return readTyped(text, 0, text.length, "Typed", "", start - at)
  },
  text: ({ text }) => text,
  toJson: ({ text }) => text,
  fromJson: (json) => typeof json === "string" && isTyped(json, 0, json.length) ? new Typed(json) : undefined,
  fits: (text) => isTyped(text, 0, text.length),
  is: (value) => value instanceof Typed,
  pattern: "^(S[^\\x1e\\x1f]*|O[^\\x1e\\x1f]+|[TFLU]|N(NaN|-?Infinity|[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?))$"
}
