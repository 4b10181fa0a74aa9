/**
 * What to do after an attempt failed: give up, or wait how long and learn what before the next one.
 *
 * Pure: times and chance are given. Reads are repeated whenever that may help; writes only when they have certainly not happened.
 */
import type { RetryClass } from "@wirewright/codec"
import { delayOf, type RetryAdvice } from "./ErrorMap.ts"

/** Limits of retrying. */
export interface RetryPolicy {
  /** Milliseconds from the first attempt after which nothing is tried again. */
  readonly budget: number
  /** Milliseconds of the first delay; each further one is twice as long. */
  readonly first: number
  /** Longest delay in milliseconds. */
  readonly ceiling: number
  /** Most attempts. */
  readonly attempts: number
}

/** The default policy. */
export const defaultRetryPolicy: RetryPolicy = { budget: 2_500, first: 1, ceiling: 500, attempts: 100 }

/** An attempt that failed. */
export type FailedAttempt =
  /** The server answered with a status. */
  | {
    readonly _tag: "Status"
    readonly retry: RetryClass
    readonly advice?: RetryAdvice | undefined
    /** The node does not have the vbucket, and has told us who has: no need to wait. */
    readonly redirected?: boolean
    /** The collection's id is out of date, and can be asked for again. */
    readonly collection?: boolean
  }
  /** There was no answer. */
  | { readonly _tag: "Connection"; readonly sent: boolean; readonly writes: boolean; readonly permanent: boolean }

/** What to do. */
export type Decision =
  | { readonly _tag: "GiveUp"; readonly ambiguous: boolean }
  | { readonly _tag: "Retry"; readonly delay: number }

const giveUp = (ambiguous = false): Decision => ({ _tag: "GiveUp", ambiguous })

const backOff = (policy: RetryPolicy, attempt: number, chance: number): number => {
  const full = Math.min(policy.ceiling, policy.first * 2 ** Math.min(attempt - 1, 30))
  // the upper half is left to chance, so that clients that failed together do not come back together
  return full / 2 + full / 2 * chance
}

/** Decides after attempt number `attempt`, counted from 1, `elapsed` milliseconds after the first began; `chance` is from [0, 1). */
export const decide = (failed: FailedAttempt, attempt: number, elapsed: number, policy: RetryPolicy, chance: number): Decision => {
  if (failed._tag === "Status") {
    if (failed.retry === "ambiguous") return giveUp(true)
    if (failed.retry !== "retry" && failed.collection !== true) return giveUp()
  } else {
    if (failed.sent && failed.writes) return giveUp(true)
    if (failed.permanent) return giveUp()
  }
  const redirected = failed._tag === "Status" && failed.redirected === true && attempt === 1
  const advice = failed._tag === "Status" ? failed.advice : undefined
  const advised = advice === undefined ? backOff(policy, attempt, chance) : delayOf(advice, attempt, elapsed)
  if (advised === undefined) return giveUp()
  const delay = redirected ? 0 : Math.min(advised, policy.ceiling)
  return attempt >= policy.attempts || elapsed + delay >= policy.budget ? giveUp() : { _tag: "Retry", delay }
}
