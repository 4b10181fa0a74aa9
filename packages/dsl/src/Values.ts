/** Words for values that two or few spellings have: truth values, digits in half bytes. */
import { mark } from "./CallSite.ts"
import type { Int } from "./Numbers.ts"
import type { Terminator } from "./Text.ts"

/** `true` or `false`, each with one spelling; anything else is an error. */
export interface Bool {
  readonly kind: "bool"
  readonly true: Terminator
  readonly false: Terminator
}

/** Decimal digits, two a byte, as telephony and payments have them. */
export interface Bcd {
  readonly kind: "bcd"
  readonly digits: number
}

/** The words of this file. */
export type ValueWord = Bool | Bcd

/** A truth value: `bool(u8)` is a byte of 1 or 0, `bool("T", "F")` one of two texts. */
export const bool: {
  (of: Int<"u8">): Bool
  (yes: Terminator, no: Terminator): Bool
} = (yes: Int<"u8"> | Terminator, no: Terminator = 0): Bool =>
  mark({ kind: "bool", true: typeof yes === "object" ? 1 : yes, false: no }, bool)

/** A number of so many decimal digits (15 at most), two a byte, the first in the high half; an odd number of them begins with a zero half. */
export const bcd = (digits: number): Bcd => mark({ kind: "bcd", digits }, bcd)
