/** Words for what may be missing. */
import { mark } from "./CallSite.ts"
import { given } from "./Options.ts"
import type { Type } from "./Type.ts"

/** One bit of a sibling: it says whether a field is there, and follows from that. */
export interface BitOf {
  readonly kind: "bitOf"
  readonly field: string
  readonly bit?: string
}

/** Values of a sibling with which a field is there. */
export interface ValueOf {
  readonly kind: "valueOf"
  readonly field: string
  readonly values: ReadonlyArray<number>
}

/** Present or not; which one follows from `if`, or from the length of what surrounds it. */
export interface Optional<Requires extends string = string> {
  readonly kind: "optional"
  readonly of: Type
  /** A sibling without which this one cannot be present. */
  readonly requires?: Requires
  readonly if?: BitOf | ValueOf
}

/** Present only while the connection is in a state, or speaks some versions. */
export interface When<State extends string = string> {
  readonly kind: "when"
  readonly state: State
  readonly of: Type
  readonly from?: number
  readonly to?: number
  /** What stands here otherwise. */
  readonly else?: Type
}

/**
 * A bit that says whether a field is there: `bitOf("will")` is a one-bit slice of a `bits` sibling, `bitOf("flags", "will")` a flag of a
 * `flags` sibling. The encoder sets it; a slice is then absent from the packet's type. Fields with one bit come together. In a state or
 * version that has none of them (`when`), the bit is reserved and must be zero.
 */
export const bitOf = (field: string, bit?: string): BitOf => ({ kind: "bitOf", field, ...(bit === undefined ? {} : { bit }) })

/** The values of a sibling with which a field is there; a packet that disagrees cannot be encoded. */
export const valueOf = (field: string, values: ReadonlyArray<number>): ValueOf => ({ kind: "valueOf", field, values })

/** A field that may be missing; `requires` names the sibling that must then be present too, `if` what tells. */
export const optional: {
  (of: Type, options?: { readonly if?: BitOf | ValueOf }): Optional<never>
  <const R extends string>(of: Type, options: { readonly requires: R }): Optional<R> & { readonly requires: R }
} = (of: Type, options: { readonly requires?: string; readonly if?: BitOf | ValueOf } = {}): never =>
  mark({ ...given(options), kind: "optional", of }, optional) as never

/**
 * A field that is there only while the connection is in `state`; with `from` or `to`, only in those versions, where `state` is a numbered
 * state of the connection or an integer that stands before it in the packet. `else` is what stands there otherwise.
 */
export const when = <const S extends string>(
  state: S,
  of: Type,
  options: { readonly from?: number; readonly to?: number; readonly else?: Type } = {}
): When<S> => mark({ ...given(options), kind: "when", state, of }, when)
