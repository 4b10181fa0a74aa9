/** Words for numbers: fixed-width integers and floats, variable-length integers, decimals; and constants of them. */
import { mark } from "./CallSite.ts"
import { given } from "./Options.ts"

/** Names of the fixed-width integers. */
export type IntName = "u8" | "u16" | "u24" | "u32" | "u64" | "i8" | "i16" | "i32" | "i64"

/** Order of the bytes of a number. */
export type ByteOrder = "big" | "little"

/** A fixed-width integer; 64-bit ones are `bigint` in TypeScript, all others `number`. */
export interface Int<N extends IntName = IntName> {
  readonly kind: "int"
  readonly int: N
  /** Default: the record's byte order. */
  readonly order?: ByteOrder
  readonly brand?: string
}

/** An IEEE 754 number of 32 or 64 bits. NaN is written as its one canonical pattern. */
export interface Float {
  readonly kind: "float"
  readonly bits: 32 | 64
  readonly order?: ByteOrder
}

/** An integer whose first bits say how many bytes it takes; only the shortest spelling is accepted, so that bytes round-trip. */
export interface Varint {
  readonly kind: "varint"
  readonly encoding: "leb128" | "quic" | "vlq"
  readonly bits: 32 | 64
  readonly zigzag: boolean
  /** Most bytes on the wire. */
  readonly maxBytes: number
  readonly brand?: string
}

/** A small integer of which some values announce a wider one: WebSocket's 126, MySQL's 0xfc. */
export interface Escaped {
  readonly kind: "escaped"
  readonly of: Int | Slice
  /** Largest value that stands for itself. */
  readonly max: number
  readonly escapes: ReadonlyArray<{ readonly value: number; readonly of: Int }>
}

/** An integer in ASCII digits without leading zeros. It ends with its token, or `until`. */
export interface Decimal {
  readonly kind: "decimal"
  /** 53: all integers that are exact as a `number`; 64: a `bigint`. */
  readonly bits: 32 | 53 | 64
  readonly signed: boolean
  readonly until?: string | number
}

/** Bits `high` to `low` of a number, 0 being the least significant. */
export interface Slice {
  readonly kind: "slice"
  readonly high: number
  readonly low: number
}

/** Numbers that can be lengths, counts and tags. */
export type NumberType = Int | Varint | Escaped | Decimal

/** A value that must be exactly this; tells layouts of one length apart, and is written by the encoder. */
export interface Constant<V extends number | bigint = number | bigint> {
  readonly kind: "constant"
  readonly of: Int
  readonly value: V
}

/** An integer that can also be asked for in one byte order. */
export type Ordered<N extends IntName> = Int<N> & { readonly le: Int<N>; readonly be: Int<N> }

const ordered = <A extends object>(word: A): A & { readonly le: A; readonly be: A } => {
  // not enumerable: a word is plain data, and these would make it endless
  Object.defineProperty(word, "le", { value: { ...word, order: "little" }, enumerable: false })
  Object.defineProperty(word, "be", { value: { ...word, order: "big" }, enumerable: false })
  return word as A & { readonly le: A; readonly be: A }
}

const int = <N extends IntName>(name: N): Ordered<N> => ordered<Int<N>>({ kind: "int", int: name })

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
/** Four bytes of IEEE 754; a `number` that has no such value is rounded. */
export const f32 = ordered<Float>({ kind: "float", bits: 32 })
/** Eight bytes of IEEE 754. */
export const f64 = ordered<Float>({ kind: "float", bits: 64 })

/**
 * An integer of variable length. `leb128`: seven bits a byte, least significant first (protobuf, MQTT with `maxBytes: 4`). `quic`: the
 * first two bits are log₂ of the number of bytes (RFC 9000, 16). `vlq`: seven bits a byte, most significant first (MIDI, BER tags).
 */
export const varint = (
  options: {
    readonly encoding?: "leb128" | "quic" | "vlq"
    /** 64 makes it a `bigint`. Default: 32 */
    readonly bits?: 32 | 64
    /** Signed, with the sign in the lowest bit. */
    readonly zigzag?: boolean
    readonly maxBytes?: number
  } = {}
): Varint =>
  mark({
    ...given(options),
    kind: "varint",
    encoding: options.encoding ?? "leb128",
    bits: options.bits ?? 32,
    zigzag: options.zigzag ?? false,
    maxBytes: options.maxBytes ?? (options.encoding === "quic" ? (options.bits === 64 ? 8 : 4) : options.bits === 64 ? 10 : 5)
  }, varint)

/** Unsigned LEB128 of at most 32 bits (five bytes). */
export const uleb128: Varint = { kind: "varint", encoding: "leb128", bits: 32, zigzag: false, maxBytes: 5 }

/** A small integer with escapes to wider ones: `escaped(u8, { max: 125, 126: u16, 127: u64 })`. Only the shortest is accepted. */
export const escaped = (of: Int | Slice, options: { readonly max: number; readonly [value: number]: Int }): Escaped => {
  const { max, ...escapes } = given(options)
  return mark({
    kind: "escaped",
    of,
    max,
    escapes: Object.entries(escapes).map(([value, wide]) => ({ value: Number(value), of: wide as Int }))
  }, escaped)
}

/** An integer in decimal digits: without leading zeros or a plus, since those would not round-trip. */
export const decimal = (
  options: { readonly bits?: 32 | 53 | 64; readonly signed?: boolean; readonly until?: string | number } = {}
): Decimal =>
  mark({
    ...given(options),
    kind: "decimal",
    bits: options.bits ?? 32,
    signed: options.signed ?? false
  }, decimal)

/**
 * Gives an integer a name of its own in TypeScript, so that a seqno cannot be passed where a CAS belongs. Plain literals stay
 * assignable.
 */
export const brand = <T extends Int | Varint, B extends string>(name: B, of: T): T & { readonly brand: B } =>
  mark({ ...of, brand: name }, brand)

/** A fixed value. Anything else in its place selects another layout, or is an error when there is none. */
export const constant = <const V extends number | bigint>(of: Int, value: V): Constant<V> => mark({ kind: "constant", of, value }, constant)
