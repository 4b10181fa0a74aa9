/** Words for values with spellings of their own: truth values, digits in half bytes, domain names. */
import { mark } from "./CallSite.ts"
import type { Int } from "./Numbers.ts"
import { given } from "./Options.ts"
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

/** A domain name: labels with their lengths, whose rest may be a pointer to where it was said (RFC 1035, 4.1.4). */
export interface DomainName {
  readonly kind: "domainName"
  readonly compress: boolean
}

/** The words of this file. */
export type ValueWord = Bool | Bcd | DomainName

/** A truth value: `bool(u8)` is a byte of 1 or 0, `bool("T", "F")` one of two texts. */
export const bool: {
  (of: Int<"u8">): Bool
  (yes: Terminator, no: Terminator): Bool
} = (yes: Int<"u8"> | Terminator, no: Terminator = 0): Bool =>
  mark({ kind: "bool", true: typeof yes === "object" ? 1 : yes, false: no }, bool)

/** A number of so many decimal digits (15 at most), two a byte, the first in the high half; an odd number of them begins with a zero half. */
export const bcd = (digits: number): Bcd => mark({ kind: "bcd", digits }, bcd)

/**
 * A domain name as DNS writes it, in TypeScript as master files spell it: `www.example.org.`. Pointers count from where the packet's content
 * begins; they are read everywhere, and written unless `compress` is false, as for names of records that not everybody knows (RFC 3597, 4).
 */
export const domainName = (options: { readonly compress?: boolean } = {}): DomainName =>
  mark({ compress: true, ...given(options), kind: "domainName" }, domainName)
