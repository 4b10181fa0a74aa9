/**
 * Wire types: what stands at one place of a packet.
 *
 * Every word returns plain data, told apart by `kind`. Nothing here reads or writes bytes; the generator turns these values into
 * code. All numbers are big-endian unless they (`u16.le`), their record or their protocol (`byteOrder`) say otherwise.
 */
import type { Bits, Tokens } from "./Bits.ts"
import type { Enumeration, Flags } from "./Flags.ts"
import type { CountOf, Counted, LengthOf, Prefixed } from "./Lengths.ts"
import type { Constant, Decimal, Escaped, Float, Int, Varint } from "./Numbers.ts"
import type { Optional, When } from "./Presence.ts"
import type { ArrayOf, Choice, Lazy, NibbleFrames, Struct } from "./Records.ts"
import type { Bytes, Encoded, Json, Literal, Utf8 } from "./Text.ts"
import type { ValueWord } from "./Values.ts"
import type { Align, Checksum, Custom, Reserved } from "./Whole.ts"

/** Any wire type. */
export type Type =
  | Int
  | Float
  | Varint
  | Escaped
  | Decimal
  | Bytes
  | Utf8
  | Json
  | Encoded
  | Literal
  | Constant
  | Reserved
  | Align
  | Checksum
  | LengthOf
  | CountOf
  | Prefixed
  | Counted
  | Optional
  | When
  | Struct
  | ArrayOf
  | Choice
  | NibbleFrames
  | Lazy
  | Flags
  | Enumeration
  | Bits
  | Tokens
  | Custom
  | ValueWord

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

/** Names of fields, those in `bits` and `tokens` included. */
export type NameOf<F> = {
  [K in keyof F & string]: F[K] extends { readonly kind: "bits" | "tokens"; readonly fields: infer G } ? K | keyof G & string : K
}[keyof F & string]

/** `F` where every reference to a sibling names one of `Names`; the offending property is `NoSuchSibling`. */
export type CheckedFields<F, Names extends string> = {
  readonly [K in keyof F]: F[K] extends LengthOf<infer T> ? [T] extends [Names] ? F[K] : NoSuchSibling<T, Names>
    : F[K] extends CountOf<infer T> ? T extends Names ? F[K] : NoSuchSibling<T, Names>
    : F[K] extends { readonly kind: "optional"; readonly requires: infer T extends string } ?
      T extends Names ? F[K] : NoSuchSibling<T, Names>
    : F[K]
}
