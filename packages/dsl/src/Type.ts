/**
 * Wire types: what stands at one place of a packet.
 *
 * Every word returns plain data, told apart by `kind`. Nothing here reads or writes bytes; the generator turns these values into
 * code. All integers are big-endian unless a struct says otherwise (`byteOrder`).
 */
import { mark } from "./CallSite.ts"
import type { Enumeration, Flags } from "./Flags.ts"

/** Names of the fixed-width integers. */
export type IntName = "u8" | "u16" | "u24" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64"

/** A fixed-width integer; 64-bit ones are `bigint` in TypeScript, all others `number`. */
export interface Int<N extends IntName = IntName> {
  readonly kind: "int"
  readonly int: N
  readonly brand?: string
}

/** Unsigned LEB128 of at most 32 bits; only the shortest spelling is accepted. */
export interface Uleb128 {
  readonly kind: "uleb128"
  readonly brand?: string
}

/** What a sized type may say about itself. Without `size`, a `lengthOf` sibling gives it, else it takes what is left. */
export interface Sized {
  /** Exact size in bytes. */
  readonly size?: number
  /** Most bytes allowed; more is a typed error in both directions. */
  readonly max?: number
}

/** Raw bytes; decoded as a view into the received buffer. */
export interface Bytes extends Sized {
  readonly kind: "bytes"
}

/**
 * UTF-8 text. Bytes that are no UTF-8 survive as lone surrogates U+DC80…U+DCFF (`"escape"`, the default: decoding is lossless), or are
 * an error.
 */
export interface Utf8 extends Sized {
  readonly kind: "utf8"
  readonly invalid: "escape" | "error"
}

/** JSON text. It stays text until somebody parses it. */
export interface Json extends Sized {
  readonly kind: "json"
}

/** Text ended by a NUL byte. */
export interface CString {
  readonly kind: "cstring"
  readonly max?: number
}

/** A value that must be exactly this; tells layouts of one length apart, and is written by the encoder. */
export interface Constant<V extends number | bigint = number | bigint> {
  readonly kind: "constant"
  readonly of: Int
  readonly value: V
}

/** What to do when reserved bytes are not zero. `keep` hands them out (and writes them back), `ignore` drops them. */
export type ReservedPolicy = "keep" | "ignore" | "error"

/** Bytes without a meaning. */
export interface Reserved {
  readonly kind: "reserved"
  readonly of: Int | Bytes
  readonly policy: ReservedPolicy
}

/** The size in bytes of a sibling. Derived by the encoder, absent from the packet's TypeScript type. */
export interface LengthOf<Target extends string = string> {
  readonly kind: "lengthOf"
  readonly of: Int | Uleb128
  readonly target: Target
}

/** The number of elements of a sibling array. Derived by the encoder, absent from the packet's TypeScript type. */
export interface CountOf<Target extends string = string> {
  readonly kind: "countOf"
  readonly of: Int | Uleb128
  readonly target: Target
}

/** Present or not; which one follows from the length of what surrounds it. */
export interface Optional<Requires extends string = string> {
  readonly kind: "optional"
  readonly of: Type
  /** A sibling without which this one cannot be present. */
  readonly requires?: Requires
}

/** Present only while the connection is in a state, such as after a negotiation. */
export interface When<State extends string = string> {
  readonly kind: "when"
  readonly state: State
  readonly of: Type
}

/** A named record of fields in wire order. */
export interface Struct<N extends string = string> {
  readonly kind: "struct"
  readonly name: N
  readonly fields: Fields
  /** `given` generates codecs that take the byte order as an argument, for formats that announce it. */
  readonly byteOrder: "big" | "little" | "given"
}

/** Elements until the section, a `lengthOf` or a `countOf` ends. */
export interface ArrayOf {
  readonly kind: "array"
  readonly of: Type
  /** Most elements allowed. */
  readonly max?: number
}

/** A record selected by a leading tag; decodes to a union told apart by `_tag`. */
export interface Choice<N extends string = string> {
  readonly kind: "choice"
  readonly name: N
  readonly tag: Int
  readonly cases: { readonly [name: string]: { readonly tag: number; readonly fields: Fields } }
  /** `keep` yields `{ _tag: "Unknown", tag, bytes }` with all that is left, `error` refuses. */
  readonly unknown: "keep" | "error"
}

/**
 * Tagged records of a header byte each: id in the high nibble, length in the low one; a nibble of 15 adds the next byte (memcached's
 * flexible framing extras). Unknown ids keep their bytes.
 */
export interface NibbleFrames<N extends string = string> {
  readonly kind: "nibbleFrames"
  readonly name: N
  readonly cases: { readonly [name: string]: { readonly tag: number; readonly fields: Fields } }
}

/** Any wire type. */
export type Type =
  | Int
  | Uleb128
  | Bytes
  | Utf8
  | Json
  | CString
  | Constant
  | Reserved
  | LengthOf
  | CountOf
  | Optional
  | When
  | Struct
  | ArrayOf
  | Choice
  | NibbleFrames
  | Flags
  | Enumeration

/** Fields by name, in wire order. Names must not look like integers: JavaScript would reorder them. */
export interface Fields {
  readonly [name: string]: Type
}

/** What the editor shows when a length, count or dependency names a field that is not there. */
export interface NoSuchSibling<Name extends string, Known extends string> {
  readonly error: "no such sibling field"
  readonly name: Name
  readonly known: Known
}

/** `F` where every reference to a sibling names one of `Names`; the offending property is `NoSuchSibling`. */
export type CheckedFields<F, Names extends string> = {
  readonly [K in keyof F]: F[K] extends LengthOf<infer T> ? T extends Names ? F[K] : NoSuchSibling<T, Names>
    : F[K] extends CountOf<infer T> ? T extends Names ? F[K] : NoSuchSibling<T, Names>
    : F[K] extends { readonly kind: "optional"; readonly requires: infer T extends string } ?
      T extends Names ? F[K] : NoSuchSibling<T, Names>
    : F[K]
}

type NameOf<F> = keyof F & string

const int = <N extends IntName>(name: N): Int<N> => ({ kind: "int", int: name })

/** One byte, 0…255. */
export const u8 = int("u8")
/** Two bytes, 0…65 535. */
export const u16 = int("u16")
/** Three bytes, 0…16 777 215. */
export const u24 = int("u24")
/** Four bytes, 0…2³²−1. */
export const u32 = int("u32")
/** Eight bytes as `bigint`, 0…2⁶⁴−1. */
export const u64 = int("u64")
/** One signed byte. */
export const i8 = int("i8")
/** Two signed bytes. */
export const i16 = int("i16")
/** Four signed bytes. */
export const i32 = int("i32")
/** Eight signed bytes as `bigint`. */
export const i64 = int("i64")
/** Unsigned LEB128 of at most 32 bits (five bytes). */
export const uleb128: Uleb128 = { kind: "uleb128" }

/**
 * Gives an integer a name of its own in TypeScript, so that a seqno cannot be passed where a CAS belongs. Plain literals stay
 * assignable.
 */
export const brand = <T extends Int | Uleb128, B extends string>(name: B, of: T): T & { readonly brand: B } =>
  mark({ ...of, brand: name }, brand)

/** Raw bytes: of a fixed `size`, as long as its `lengthOf` says, or all that is left. */
export const bytes = (options: Sized = {}): Bytes => ({ kind: "bytes", ...options })

/** UTF-8 text: of a fixed `size`, as long as its `lengthOf` says, or all that is left. */
export const utf8 = (options: Sized & { readonly invalid?: "escape" | "error" } = {}): Utf8 => ({
  kind: "utf8",
  invalid: "escape",
  ...options
})

/** JSON text: sized like `utf8`. */
export const json = (options: Sized = {}): Json => ({ kind: "json", ...options })

/** Text ended by a NUL byte. */
export const cstring = (options: { readonly max?: number } = {}): CString => ({ kind: "cstring", ...options })

/** A fixed value. Anything else in its place selects another layout, or is an error when there is none. */
export const constant = <const V extends number | bigint>(of: Int, value: V): Constant<V> => ({ kind: "constant", of, value })

/** Bytes without a meaning; the policy says what happens when they are not zero. */
export const reserved = (of: Int | number, policy: ReservedPolicy = "keep"): Reserved => ({
  kind: "reserved",
  of: typeof of === "number" ? bytes({ size: of }) : of,
  policy
})

/** The byte length of the sibling `target`, wherever in the packet that stands. */
export const lengthOf = <const T extends string>(of: Int | Uleb128, target: T): LengthOf<T> => ({ kind: "lengthOf", of, target })

/** The number of elements of the sibling array `target`. */
export const countOf = <const T extends string>(of: Int | Uleb128, target: T): CountOf<T> => ({ kind: "countOf", of, target })

/** A field that may be missing; `requires` names the sibling that must then be present too. */
export const optional: {
  (of: Type): Optional<never>
  <const R extends string>(of: Type, options: { readonly requires: R }): Optional<R> & { readonly requires: R }
} = (of: Type, options: { readonly requires?: string } = {}): never => ({ kind: "optional", of, ...options }) as never

/** A field that is there only while the connection is in `state`. */
export const when = <const S extends string>(state: S, of: Type): When<S> => ({ kind: "when", state, of })

/** A named record; usable as a field, as an element, or on its own. */
export const struct = <const N extends string, const F extends Fields>(
  name: N,
  fields: F & CheckedFields<F, NameOf<F>>,
  options: { readonly byteOrder?: "big" | "little" | "given" } = {}
): Struct<N> => mark({ kind: "struct", name, fields: fields as Fields, byteOrder: options.byteOrder ?? "big" }, struct)

/** Repeated elements. */
export const array = (of: Type, options: { readonly max?: number } = {}): ArrayOf => ({ kind: "array", of, ...options })

/** One case of a `choice` or of `nibbleFrames`: its tag and what follows. */
export const tagged = <const F extends Fields>(
  tag: number,
  fields: F & CheckedFields<F, NameOf<F>>
): { readonly tag: number; readonly fields: F } => ({
  tag,
  fields
})

/** A record whose leading tag selects its fields. */
export const choice = <const N extends string>(
  name: N,
  tag: Int,
  cases: Choice["cases"],
  options: { readonly unknown?: "keep" | "error" } = {}
): Choice<N> => mark({ kind: "choice", name, tag, cases, unknown: options.unknown ?? "error" }, choice)

/** Flexible framing extras: a list of records with 4-bit ids and lengths. */
export const nibbleFrames = <const N extends string>(name: N, cases: NibbleFrames["cases"]): NibbleFrames<N> =>
  mark({ kind: "nibbleFrames", name, cases }, nibbleFrames)
