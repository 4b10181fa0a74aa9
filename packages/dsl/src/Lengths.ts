/** Words for lengths and counts: of a sibling, or directly in front of what they measure. */
import { mark } from "./CallSite.ts"
import type { NumberType, Slice } from "./Numbers.ts"
import { given } from "./Options.ts"
import type { Terminator } from "./Text.ts"
import type { Type } from "./Type.ts"

/** What a length or count may say about its arithmetic. */
export interface LengthOptions {
  /** Added to the length before it is written, such as the size of the length itself. Default: 0 */
  readonly plus?: number
  /** This value on the wire means that there is nothing: `null` in TypeScript. */
  readonly absent?: number
}

/** The size in bytes of a sibling, or of several together. Derived by the encoder, absent from the packet's TypeScript type. */
export interface LengthOf<Target extends string = string> extends LengthOptions {
  readonly kind: "lengthOf"
  readonly of: NumberType | Slice
  readonly target: Target | ReadonlyArray<Target>
  /** Bytes of which the length is a number, such as 4 for one in words of 32 bits. Default: 1 */
  readonly unit?: number
}

/** The number of elements of a sibling array. Derived by the encoder, absent from the packet's TypeScript type. */
export interface CountOf<Target extends string = string> extends LengthOptions {
  readonly kind: "countOf"
  readonly of: NumberType | Slice
  readonly target: Target
}

/** Something with its length in front. */
export interface Prefixed extends LengthOptions {
  readonly kind: "prefixed"
  readonly by: NumberType
  readonly of: Type
  /** Bytes after it that the length does not count, such as RESP's line end; not there when it is absent. */
  readonly trailer?: Terminator
}

/** Elements with their number in front. */
export interface Counted extends LengthOptions {
  readonly kind: "counted"
  readonly by: NumberType
  readonly of: Type
  /** Most elements allowed. */
  readonly max?: number
}

/**
 * The byte length of the sibling `target`, wherever in the packet that stands; or of several siblings that follow one another. `of` may be
 * a slice, within `bits`. With a `unit` of 4 it counts words of 32 bits, and `plus` is of words, too.
 */
export const lengthOf = <const T extends string>(
  of: NumberType | Slice,
  target: T | ReadonlyArray<T>,
  options: LengthOptions & { readonly unit?: number } = {}
): LengthOf<T> => mark({ ...given(options), kind: "lengthOf", of, target }, lengthOf)

/** The number of elements of the sibling array `target`. `of` may be a slice, within `bits`. */
export const countOf = <const T extends string>(of: NumberType | Slice, target: T, options: LengthOptions = {}): CountOf<T> =>
  mark({ ...given(options), kind: "countOf", of, target }, countOf)

/** `of` with its length in bytes in front of it. */
export const prefixed = (by: NumberType, of: Type, options: LengthOptions & { readonly trailer?: Terminator } = {}): Prefixed =>
  mark({ ...given(options), kind: "prefixed", by, of }, prefixed)

/** An array with its number of elements in front of it. */
export const counted = (by: NumberType, of: Type, options: LengthOptions & { readonly max?: number } = {}): Counted =>
  mark({ ...given(options), kind: "counted", by, of }, counted)
