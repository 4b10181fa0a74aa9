/** Flag bitmasks, enumerations and the table of response statuses. They stay numbers on the wire and in TypeScript. */
import { mark } from "./CallSite.ts"
import type { Int } from "./Numbers.ts"
import { given } from "./Options.ts"

/** One named bit, counted from the least significant. */
export interface Bit<N extends number = number> {
  readonly bit: N
}

type Below8 = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7
type Below16 = Below8 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15
type Below32 = Below16 | 16 | 17 | 18 | 19 | 20 | 21 | 22 | 23 | 24 | 25 | 26 | 27 | 28 | 29 | 30 | 31

/** Integers that can carry flags. */
export type FlagsWidth = Int<"u8"> | Int<"u16"> | Int<"u32">

type BitsOf<W> = W extends Int<"u8"> ? Below8 : W extends Int<"u16"> ? Below16 : Below32

/** What the editor shows when a bit lies outside its integer. */
export interface BitDoesNotFit<N> {
  readonly error: "bit does not fit"
  readonly bit: N
}

/** A bitmask with named bits. */
export interface Flags<N extends string = string> {
  readonly kind: "flags"
  readonly name: N
  readonly of: FlagsWidth
  readonly bits: { readonly [name: string]: Bit }
  /** `keep` hands unknown bits through, `error` refuses them when decoding and encoding. */
  readonly unknown: "keep" | "error"
  /** Sets of bits of which at most one may be set. */
  readonly exclusive: ReadonlyArray<ReadonlyArray<string>>
  /** Bits that need others. */
  readonly requires: { readonly [bit: string]: ReadonlyArray<string> }
}

/** Options of `flags`; the names are the bitmask's own. */
export interface FlagsOptions<Name extends string> {
  readonly unknown?: "keep" | "error"
  readonly exclusive?: ReadonlyArray<ReadonlyArray<Name>>
  readonly requires?: { readonly [bit in Name]?: ReadonlyArray<Name> }
}

/** Bit `n` of a bitmask, 0 being the least significant. */
export const bit = <const N extends number>(n: N): Bit<N> => ({ bit: n })

/** A bitmask. Rules (`exclusive`, `requires`) are checked by the packet's schema and by the generated `violations` helper. */
export const flags = <const N extends string, W extends FlagsWidth, const B extends { readonly [name: string]: Bit }>(
  name: N,
  of: W,
  bits: B & { readonly [K in keyof B]: B[K] extends Bit<infer I> ? I extends BitsOf<W> ? B[K] : BitDoesNotFit<I> : never },
  options: FlagsOptions<keyof B & string> = {}
): Flags<N> =>
  mark({
    ...given(options),
    kind: "flags",
    name,
    of,
    bits,
    unknown: options.unknown ?? "keep",
    exclusive: options.exclusive ?? [],
    requires: (options.requires ?? {}) as { readonly [bit: string]: ReadonlyArray<string> }
  }, flags)

/** Named values of an integer. */
export interface Enumeration<N extends string = string> {
  readonly kind: "enumeration"
  readonly name: N
  readonly of: Int
  /** Integers, or ASCII characters that stand for their codes. */
  readonly values: { readonly [name: string]: number | string }
  /** `keep` hands unknown values through, `error` refuses them when decoding and encoding. */
  readonly unknown: "keep" | "error"
}

/** An integer with named values: `enumeration("Status", u8, { idle: "I", failed: "E" })`. */
export const enumeration = <const N extends string>(
  name: N,
  of: Int<"u8"> | Int<"u16"> | Int<"u24"> | Int<"u32"> | Int<"i8"> | Int<"i16"> | Int<"i32">,
  values: { readonly [name: string]: number | string },
  options: { readonly unknown?: "keep" | "error" } = {}
): Enumeration<N> => mark({ unknown: "keep" as const, ...given(options), kind: "enumeration", name, of, values }, enumeration)

/**
 * Names of consecutive values, for long tables; a number is the next name's: `...numbered("ok", "failed", 0x80, "unspecified", "malformed")`
 * names 0, 1, 0x80 and 0x81.
 */
export const numbered = <const N extends string>(...names: ReadonlyArray<N | number>): { readonly [K in N]: number } => {
  const values: { [name: string]: number } = {}
  let next = 0
  for (const name of names) {
    if (typeof name === "number") next = name
    else values[name] = next++
  }
  return values as { readonly [K in N]: number }
}

/**
 * What a client may do about a status:
 * `success` go on · `retry` ask again later, nothing happened · `ambiguous` it may have happened · `caller` the request is wrong, do not
 * repeat it · `miss` an expected outcome (not found, exists) · `fatal` the connection or its state is unusable.
 */
export type RetryClass = "success" | "retry" | "ambiguous" | "caller" | "miss" | "fatal"

/** One row of a status table. */
export interface StatusRow {
  readonly code: number
  readonly retry: RetryClass
}

/** The statuses responses carry, each with its retry class. */
export interface Statuses<Name extends string = string> {
  readonly kind: "statuses"
  readonly name: string
  readonly of: Int
  readonly rows: { readonly [N in Name]: StatusRow }
}

/** A status and what a client may do about it. */
export const status = (code: number, retry: RetryClass): StatusRow => ({ code, retry })

/** A status table; `base` rows come first and may be renamed by the same code. */
export const statuses = <const R extends { readonly [name: string]: StatusRow }>(
  name: string,
  of: Int,
  rows: R
): Statuses<keyof R & string> => mark({ kind: "statuses", name, of, rows } as unknown as Statuses<keyof R & string>, statuses)
