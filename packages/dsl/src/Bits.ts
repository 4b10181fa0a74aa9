/** Words for bits and tokens: several fields in one number, or in one line. */
import { mark } from "./CallSite.ts"
import type { Enumeration } from "./Flags.ts"
import type { OpcodeField, MagicField, BodyLength } from "./Frame.ts"
import type { CountOf, LengthOf } from "./Lengths.ts"
import type { Escaped, Int, Slice } from "./Numbers.ts"
import { given } from "./Options.ts"
import type { Terminator } from "./Text.ts"
import type { Fields } from "./Type.ts"

/** A slice that is named values. */
export interface EnumSlice extends Slice {
  readonly of: Enumeration
}

/** A slice that must be exactly this. */
export interface ConstantSlice extends Slice {
  readonly value: number
}

/** What stands in some bits. */
export type BitField = Slice | EnumSlice | ConstantSlice | Escaped | LengthOf | CountOf | OpcodeField | MagicField | BodyLength

/** An integer whose bits are fields of their own, flattened into the packet. Bits that no slice names are zero. */
export interface Bits<S extends { readonly [name: string]: BitField } = { readonly [name: string]: BitField }> {
  readonly kind: "bits"
  readonly of: Int
  readonly fields: S
}

/** Fields that stand in a line with separators between them, flattened into the packet. */
export interface Tokens<F extends Fields = Fields> {
  readonly kind: "tokens"
  readonly separator: Terminator
  readonly fields: F
  readonly until?: Terminator
  readonly rest?: boolean
}

/** Bits `high` to `low` (inclusive) of a number; one bit with one argument. `of` names its values, `value` fixes it. */
export const slice = (high: number, low: number = high, options: { readonly of?: Enumeration; readonly value?: number } = {}): Slice =>
  mark({ ...given(options), kind: "slice", high, low }, slice)

/**
 * `bits(u8, { type: slice(7, 4), retain: slice(0) })`: several fields in one integer. A length or count stands in bits as elsewhere:
 * `bits(u8, { version: slice(7, 4, { value: 4 }), words: lengthOf(slice(3, 0), "options", { unit: 4, plus: 5 }) })`.
 */
export const bits = <const S extends { readonly [name: string]: BitField }>(of: Int, fields: S): Bits<S> =>
  mark({ kind: "bits", of, fields }, bits)

/**
 * `tokens(" ", { key: utf8(), flags: decimal() }, { until: "\r\n" })`: fields with separators between them, and what ends the line. With
 * `rest` the last field is the rest of the line, separators included. Optional fields take tokens from the left while more are there than
 * the others need; an optional literal is there when the token says so, and an optional field before one leaves it that token. An array
 * takes all that are left, and so is the last of those that may be missing.
 */
export const tokens = <const F extends Fields>(
  separator: Terminator,
  fields: F,
  options: { readonly until?: Terminator; readonly rest?: boolean } = {}
): Tokens<F> => mark({ ...given(options), kind: "tokens", separator, fields }, tokens)
