/** Words for records, choices between them, and repetition. */
import { mark } from "./CallSite.ts"
import type { ByteOrder, Int, Varint } from "./Numbers.ts"
import { given } from "./Options.ts"
import type { Terminator } from "./Text.ts"
import type { CheckedFields, Fields, NameOf, Type } from "./Type.ts"

/** A named record of fields in wire order. */
export interface Struct<N extends string = string> {
  readonly kind: "struct"
  readonly name: N
  readonly fields: Fields
  /** `given` generates codecs that take the byte order as an argument, for formats that announce it. Default: the protocol's. */
  readonly byteOrder?: ByteOrder | "given"
}

/** Elements until the section, a length, a count or a terminator ends them. */
export interface ArrayOf {
  readonly kind: "array"
  readonly of: Type
  /** Least elements allowed. */
  readonly min?: number
  /** Most elements allowed. */
  readonly max?: number
  /** Ends where these bytes stand in place of an element. */
  readonly until?: Terminator
}

/** A sibling whose value selects the case. */
export interface By<F extends string = string> {
  readonly kind: "by"
  readonly field: F
}

/** One case of a choice. */
export interface Tagged {
  /** An integer, or one ASCII character that stands for its code. */
  readonly tag: number | string
  readonly fields: Fields
}

/** A record selected by a tag; decodes to a union told apart by `_tag`. */
export interface Choice<N extends string = string> {
  readonly kind: "choice"
  readonly name: N
  readonly tag: Int | Varint | By
  readonly cases: { readonly [name: string]: Tagged }
  /** `keep` yields `{ _tag: "Unknown", tag, bytes }` with all that is left, `error` refuses. */
  readonly unknown: "keep" | "error"
  /** `keep` yields `{ _tag: "Unknown", tag, bytes }` without bytes where a length says that there are none, though the tag is known. */
  readonly empty?: "keep"
  readonly byteOrder?: ByteOrder
}

/**
 * Tagged records of a header byte each: id in the high nibble, length in the low one; a nibble of 15 adds the next byte (memcached's
 * flexible framing extras). Unknown ids keep their bytes.
 */
export interface NibbleFrames<N extends string = string> {
  readonly kind: "nibbleFrames"
  readonly name: N
  readonly cases: { readonly [name: string]: Tagged }
}

/** A record that is described further down: recursion. */
export interface Lazy {
  readonly kind: "lazy"
  readonly of: () => Struct | Choice
  /** Deepest nesting that is read or written; deeper is a typed error. */
  readonly maxDepth: number
}

/** A named record; usable as a field, as an element, or on its own. */
export const struct = <const N extends string, const F extends Fields>(
  name: N,
  fields: F & CheckedFields<F, NameOf<F>>,
  options: { readonly byteOrder?: ByteOrder | "given" } = {}
): Struct<N> => mark({ ...given(options), kind: "struct", name, fields: fields as Fields }, struct)

/** Repeated elements. */
export const array = (of: Type, options: { readonly min?: number; readonly max?: number; readonly until?: Terminator } = {}): ArrayOf =>
  mark({ ...given(options), kind: "array", of }, array)

/** One case of a `choice` or of `nibbleFrames`: its tag and what follows. */
export const tagged = <const F extends Fields>(
  tag: number | string,
  fields: F & CheckedFields<F, NameOf<F>>
): { readonly tag: number | string; readonly fields: F } => ({ tag, fields })

/** The sibling that selects the case of a `choice`. It is derived by the encoder and absent from the packet's type. */
export const by = <const F extends string>(field: F): By<F> => ({ kind: "by", field })

/** A record whose tag, in front of it or in a sibling (`by`), selects its fields. */
export const choice = <const N extends string>(
  name: N,
  tag: Int | Varint | By,
  cases: Choice["cases"],
  options: { readonly unknown?: "keep" | "error"; readonly empty?: "keep"; readonly byteOrder?: ByteOrder } = {}
): Choice<N> => mark({ unknown: "error" as const, ...given(options), kind: "choice", name, tag, cases }, choice)

/** Flexible framing extras: a list of records with 4-bit ids and lengths. */
export const nibbleFrames = <const N extends string>(name: N, cases: NibbleFrames["cases"]): NibbleFrames<N> =>
  mark({ kind: "nibbleFrames", name, cases }, nibbleFrames)

/** A record that contains itself: `lazy(() => Value)`. */
export const lazy = (of: () => Struct | Choice, options: { readonly maxDepth?: number } = {}): Lazy =>
  mark({ maxDepth: 128, ...given(options), kind: "lazy", of }, lazy)
