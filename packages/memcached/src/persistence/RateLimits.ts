/**
 * Rate limits as Effect's `RateLimiterStore` defines them, decided from the state before and the time. Pure: the time is given, in milliseconds.
 *
 * Source of the rules: the documentation of `RateLimiterStore` in `effect/persistence/RateLimiter`, and for what that leaves open, what Effect's
 * memory store does; test/persistence holds both to the same laws.
 */
import type { AdaptivePhase } from "effect/persistence/RateLimiter"

/** A state, an answer, and when the state is the same as none. */
export interface Limited<State, Answer> {
  readonly state: State | undefined
  readonly answer: Answer
  readonly until: number
}

/** Tokens that were taken, and when all of them are given back. */
export interface Window {
  readonly count: number
  readonly until: number
}

/** Takes tokens of a window, unless they were more than the limit; answers [tokens with these, milliseconds until all are given back]. */
export const takeOfWindow = (
  before: Window | undefined,
  now: number,
  { limit, refill, tokens }: { readonly tokens: number; readonly refill: number; readonly limit: number | undefined }
): Limited<Window, readonly [count: number, ttl: number]> => {
  const window = before === undefined || before.until <= now ? { count: 0, until: now } : before
  const count = window.count + tokens
  if (limit !== undefined && count > limit) return { state: before, answer: [count, window.until - now], until: window.until }
  const until = window.until + refill * tokens
  return { state: { count, until }, answer: [count, until - now], until }
}

/** Tokens that are left, and when the interval began in which the next is filled in. */
export interface Bucket {
  readonly tokens: number
  readonly since: number
}

/** Takes tokens of a bucket, below nothing only when it may overflow; answers [tokens left with these gone, milliseconds of the interval]. */
export const takeOfBucket = (
  before: Bucket | undefined,
  now: number,
  { limit, overflow, refill, tokens }: {
    readonly tokens: number
    readonly refill: number
    readonly limit: number
    readonly overflow: boolean
  }
): Limited<Bucket, readonly [remaining: number, elapsed: number]> => {
  const { since: begun, tokens: had } = before ?? { tokens: limit, since: now }
  const intervals = Math.max(0, Math.floor((now - begun) / refill))
  const has = intervals === 0 ? had : Math.min(limit, had + intervals)
  const since = has >= limit ? now : begun + intervals * refill
  const remaining = has - tokens
  const left = remaining >= 0 || overflow ? remaining : has
  return {
    state: { tokens: left, since },
    answer: [remaining, Math.max(0, now - since)],
    until: since + Math.ceil(limit - left) * refill
  }
}

/** What was learnt of somebody else's limit from its answers. */
export interface Adaptive {
  readonly phase: Exclude<AdaptivePhase, "inactive">
  readonly epoch: number
  /** End of a pause, or when all tokens of the learnt window are given back. */
  readonly pauseUntil: number
  readonly learningSince: number
  readonly observed: number
  readonly limit: number
  readonly window: number
  readonly until: number
}

/** What a request is told. */
export interface Paced {
  readonly delay: number
  readonly epoch: number
  readonly phase: AdaptivePhase
}

/** How long a state is kept after it has lost its meaning. */
const grace = 60_000
/** Longest window that is believed. */
const longestWindow = 3_600_000

const believed = (milliseconds: number): number => milliseconds > 0 ? Math.min(milliseconds, longestWindow) : 1

const living = (state: Adaptive | undefined, now: number): Adaptive | undefined =>
  state === undefined || state.until <= now ? undefined : state

/** A request is about to be sent. Without a state there is none afterwards. */
export const pace = (
  before: Adaptive | undefined,
  now: number,
  { fallbackWindow, tokens }: { readonly tokens: number; readonly fallbackWindow: number }
): { readonly state: Adaptive | undefined; readonly answer: Paced } => {
  const state = living(before, now)
  if (state === undefined) return { state, answer: { delay: 0, epoch: 0, phase: "inactive" } }
  const told = (after: Adaptive, delay: number) => ({ state: after, answer: { delay, epoch: after.epoch, phase: after.phase } })
  switch (state.phase) {
    case "cooldown": {
      if (state.pauseUntil > now) return told(state, state.pauseUntil - now)
      return told({
        ...state,
        phase: "learning",
        epoch: state.epoch + 1,
        learningSince: now,
        observed: tokens,
        until: now + fallbackWindow + grace
      }, 0)
    }
    case "learning":
      return told({ ...state, observed: state.observed + tokens }, 0)
    case "learned": {
      const refill = state.window / state.limit
      const begun = state.pauseUntil <= now ? { observed: 0, pauseUntil: now } : state
      const observed = begun.observed + tokens
      const pauseUntil = begun.pauseUntil + refill * tokens
      const elapsed = observed * refill - (pauseUntil - now)
      const windows = Math.floor((observed - 1) / state.limit)
      return told({ ...state, observed, pauseUntil }, Math.max(0, windows * state.window - elapsed))
    }
  }
}

/** A request of an epoch was answered that it came too early; it may come again after a time. */
export const paceRefused = (
  before: Adaptive | undefined,
  now: number,
  { epoch, retryAfter, tokens }: { readonly epoch: number; readonly tokens: number; readonly retryAfter: number }
): Adaptive | undefined => {
  const state = living(before, now)
  if ((state?.epoch ?? 0) !== epoch) return state
  const after = believed(retryAfter)
  const pauseUntil = now + after
  const paused: Adaptive = {
    phase: "cooldown",
    epoch,
    pauseUntil,
    learningSince: 0,
    observed: 0,
    limit: 0,
    window: 0,
    until: pauseUntil + grace
  }
  if (state === undefined || state.phase === "learned") return paused
  if (state.phase === "cooldown") {
    const later = Math.max(state.pauseUntil, pauseUntil)
    return { ...state, pauseUntil: later, until: later + grace }
  }
  // while it learns, what was let through before the refusal is the limit
  const accepted = state.observed - tokens
  if (accepted <= 0) return paused
  const window = believed(now - state.learningSince + after)
  return {
    phase: "learned",
    epoch: epoch + 1,
    pauseUntil: state.learningSince + window,
    learningSince: state.learningSince,
    observed: accepted,
    limit: accepted,
    window,
    until: now + window + grace
  }
}
