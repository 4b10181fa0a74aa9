/** Types that generated code is written with: names for plain numbers, and records that may be incomplete. */

declare const flavor: unique symbol

/**
 * A `number` or `bigint` with a name: two differently named ones do not mix, plain literals fit both. Costs nothing at run time.
 *
 * @example
 * type Seqno = Flavor<bigint, "Seqno">
 * type Cas = Flavor<bigint, "Cas">
 * const seqno: Seqno = 5n // fine
 * const cas: Cas = seqno  // an error
 */
export type Flavor<T extends number | bigint, Name extends string> = T & { readonly [flavor]?: Name }

/** A record of which everything may be left out. */
export type Init<T> = { readonly [K in keyof T]?: T[K] | undefined }
