/**
 * Effect schemas of wire types, for `PacketSchema`: validation, JSON, documentation, arbitraries.
 *
 * Nothing on the packet path loads this module: validating a packet costs about 25 times what decoding it does.
 */
import * as Schema from "effect/Schema"
import { holdsTerminator } from "./Ends.ts"
import type { IntName } from "./Model.ts"
import type { TextLimits } from "./words/Word.ts"
import { decodeText, encodeText, hasEscapes, textLength } from "./Text.ts"

const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const bigInteger = (minimum: bigint, maximum: bigint) => Schema.BigInt.check(Schema.isBetweenBigInt({ minimum, maximum }))

/** Fixed-width integers. */
export const integers: { readonly [I in IntName]: Schema.Codec<number> | Schema.Codec<bigint> } = {
  u8: integer(0, 0xff),
  u16: integer(0, 0xffff),
  u24: integer(0, 0xff_ffff),
  u32: integer(0, 0xffff_ffff),
  u64: bigInteger(0n, 0xffff_ffff_ffff_ffffn),
  i8: integer(-0x80, 0x7f),
  i16: integer(-0x8000, 0x7fff),
  i32: integer(-0x8000_0000, 0x7fff_ffff),
  i64: bigInteger(-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn)
}
/** An integer of a range. */
export const range = integer

/** A bigint of a range. */
export const bigRange = bigInteger

/** Raw bytes of a bounded or fixed size. `without`: characters whose bytes they do not contain. */
export const bytes = (
  options: {
    readonly size?: number
    readonly min?: number
    readonly max?: number
    readonly without?: string
    readonly last?: string
  } = {}
) => {
  const { last, size, min = 0, max, without } = options
  const sized = size !== undefined
    ? Schema.Uint8Array.check(Schema.makeFilter((value) => value.length === size || `expected ${size} bytes, got ${value.length}`, {
      arbitraryConstraint: { minLength: size, maxLength: size }
    }))
    : max !== undefined || min > 0
    ? Schema.Uint8Array.check(
      Schema.makeFilter((value) => value.length >= min && value.length <= (max ?? Infinity) || `${extent(min, max)}, got ${value.length}`, {
        arbitraryConstraint: { minLength: min, ...(max === undefined ? {} : { maxLength: max }) }
      })
    )
    : Schema.Uint8Array
  if (last !== undefined) {
    return sized.check(
      Schema.makeFilter((value) =>
        String.fromCharCode(...value.slice(-last.length)) !== last || "expected bytes that do not end with what fills them"
      )
    )
  }
  return without === undefined
    ? sized
    : sized.check(Schema.makeFilter((value) => !holdsTerminator(latin1(value), without) || "expected bytes without their end"))
}

const extent = (min: number, max: number | undefined): string =>
  `expected ${min > 0 ? `at least ${min}` : ""}${min > 0 && max !== undefined ? " and " : ""}${
    max === undefined ? "" : `at most ${max}`
  } bytes`

/** Characters of the same numbers as the bytes. */
const latin1 = (value: Uint8Array): string => {
  let out = ""
  for (let i = 0; i < value.length; i += 4096) out += String.fromCharCode(...value.subarray(i, i + 4096))
  return out
}

/** Whether text is the spelling that its own bytes decode to. Lone surrogates are, when they stand for bytes that are no UTF-8. */
const isLossless = (value: string): boolean => {
  if (!hasEscapes(value)) return true
  const room = new Uint8Array(textLength(value) + 4)
  return decodeText(room, 0, encodeText(room, 0, value)) === value
}

/** Text of a bounded or fixed size. */
export const text = (options: TextLimits = {}) => {
  const { size, min = 0, max, without, limit, unit, last } = options
  // no text has fewer bytes than UTF-16 units
  const units = (bytes: number): number => Math.floor(bytes / (unit ?? 1))
  return Schema.String.check(
    Schema.makeFilter((value) => {
      if (unit === undefined && !isLossless(value)) return "expected text that its bytes decode to"
      if (limit !== undefined) {
        for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > limit) return `expected units up to ${limit}`
      }
      if (without !== undefined && holdsTerminator(value, without)) return `expected text without ${JSON.stringify(without)}`
      if (last !== undefined && value.endsWith(unit === 2 ? last.replaceAll("\0", "") || "\0" : last)) {
        return "expected text that does not end so"
      }
      if (size === undefined && max === undefined && min === 0) return true
      const length = unit === undefined ? textLength(value) : unit * value.length
      if (size !== undefined && length !== size) return `expected ${size} bytes, got ${length}`
      return length >= min && length <= (max ?? Infinity) || `${extent(min, max)}, got ${length}`
    }, {
      arbitraryConstraint: size !== undefined
        ? { minLength: units(size), maxLength: units(size) }
        : { ...(min > 0 ? { minLength: Math.ceil(min / (unit ?? 1)) } : {}), ...(max === undefined ? {} : { maxLength: units(max) }) }
    })
  )
}

/** Flags within a mask. */
export const flags = (bits: 8 | 16 | 32, mask?: number) => {
  const all = integer(0, 2 ** bits - 1)
  return mask === undefined
    ? all
    : all.check(Schema.makeFilter((value) => (value & ~mask) === 0 || `unknown bits in 0x${value.toString(16)}`))
}
