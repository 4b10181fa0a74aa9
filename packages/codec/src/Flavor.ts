/** Names for plain numbers. */

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
