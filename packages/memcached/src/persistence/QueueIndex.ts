/**
 * Which elements of a queue wait, in which order, and who has claimed them. Pure: time, claims and limits are given.
 *
 * The index is one value, changed by compare-and-swap; elements have values of their own. Times are milliseconds of Unix time.
 */
import { encodeState } from "./CasStore.ts"

/** An element that is not settled. */
export interface Waiting {
  readonly id: string
  /** Not delivered before that. */
  readonly at: number
  /** Claims so far. */
  readonly attempts: number
  /** Who has claimed it, until when unless the claim is renewed. */
  readonly claim?: string
  readonly until?: number
}

/** The elements of a queue that are not settled, in the order of their turn. */
export type Index = ReadonlyArray<Waiting>

/** Appends an element, unless it is there; `full` when the index would have more bytes than it may. */
export const enqueued = (index: Index, id: string, at: number, maxBytes: number): Index | "full" => {
  if (index.some((one) => one.id === id)) return index
  const after = [...index, { id, at, attempts: 0 }]
  return encodeState(after).length > maxBytes ? "full" : after
}

/** What a taker found. */
export type Found =
  /** It is to be delivered. */
  | { readonly _tag: "Claimed"; readonly element: Waiting }
  /** Its last attempt has ended without a word: it has failed. */
  | { readonly _tag: "Exhausted"; readonly element: Waiting }
  /** Nothing before that time, if nobody offers. */
  | { readonly _tag: "Nothing"; readonly before: number }

/** Claims the first element whose turn has come. An element whose claim was not renewed in time is as if nobody had claimed it. */
export const claimed = (
  index: Index,
  now: number,
  { claim, maxAttempts, until }: { readonly claim: string; readonly until: number; readonly maxAttempts: number }
): { readonly index: Index; readonly found: Found } => {
  let before = Infinity
  for (const [i, one] of index.entries()) {
    const lapsed = one.until !== undefined && one.until <= now
    if (one.until !== undefined && !lapsed) {
      before = Math.min(before, one.until)
      continue
    }
    const exhausted = one.attempts >= maxAttempts
    if (exhausted && !lapsed) continue
    if (one.at > now) {
      before = Math.min(before, one.at)
      continue
    }
    const element = { ...one, attempts: exhausted ? one.attempts : one.attempts + 1, claim, until }
    return { index: index.with(i, element), found: { _tag: exhausted ? "Exhausted" : "Claimed", element } }
  }
  return { index, found: { _tag: "Nothing", before } }
}

/** What becomes of a claimed element. */
export type Settlement =
  /** It is through, one way or the other. */
  | { readonly _tag: "Gone" }
  /** Again, at a time, after those that wait. */
  | { readonly _tag: "Again"; readonly at: number }
  /** As if nobody had taken it, after those that wait. */
  | { readonly _tag: "Released" }

/** Whether a claim stands. */
export const owns = (index: Index, claim: string): boolean => index.some((one) => one.claim === claim)

/** Settles the element of a claim; nothing when somebody else has claimed it meanwhile. */
export const settled = (index: Index, claim: string, settlement: Settlement): Index => {
  const element = index.find((one) => one.claim === claim)
  if (element === undefined) return index
  const { id } = element
  const others = index.filter((one) => one !== element)
  switch (settlement._tag) {
    case "Gone":
      return others
    case "Again":
      return [...others, { id, at: settlement.at, attempts: element.attempts }]
    case "Released":
      return [...others, { id, at: element.at, attempts: element.attempts - 1 }]
  }
}

/** Renews claims. */
export const renewed = (index: Index, claims: ReadonlySet<string>, until: number): Index =>
  index.some(({ claim }) => claim !== undefined && claims.has(claim))
    ? index.map((one) => one.claim !== undefined && claims.has(one.claim) ? { ...one, until } : one)
    : index
