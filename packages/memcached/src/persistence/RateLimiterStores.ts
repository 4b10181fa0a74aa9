/** Effect's `RateLimiterStore` over a `CasStore`: one value per limit, changed by compare-and-swap. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { RateLimiterError, type RateLimiterStore, RateLimitStoreError } from "effect/persistence/RateLimiter"
import { type CasStore, decodeState, encodeState, keysUnder, update } from "./CasStore.ts"
import * as Limits from "./RateLimits.ts"

/** The status of HTTP that adaptive limits learn from. */
const tooManyRequests = 429

/** How long a server is to keep a state after it has lost its meaning: its clock ticks in seconds. */
const spare = 2_000

/** A rate limiter's store under a prefix. Limits are by the Clock of whoever asks, as with Effect's memory store. */
export const makeRateLimiterStore = (store: CasStore, prefix: string): RateLimiterStore["Service"] => {
  const windowKey = keysUnder(`${prefix}w:`)
  const bucketKey = keysUnder(`${prefix}b:`)
  const adaptiveKey = keysUnder(`${prefix}a:`)

  const told = <A>(what: string, effect: Effect.Effect<A, Error>): Effect.Effect<A, RateLimiterError> =>
    Effect.mapError(
      effect,
      (cause) => new RateLimiterError({ reason: new RateLimitStoreError({ message: `${what}: ${cause.message}`, cause }) })
    )

  /** Decides with the time at which the state was read, and writes nothing that says what it said before. */
  const decided = <State extends object, A>(
    what: string,
    key: string,
    decide: (before: State | undefined, now: number) => { readonly state: State | undefined; readonly answer: A; readonly until: number }
  ) =>
    Effect.clockWith((clock) =>
      told(
        what,
        update(store, key, (found) => {
          const now = clock.currentTimeMillisUnsafe()
          const before = found === undefined ? undefined : decodeState<State>(found)
          const { answer, state, until } = decide(before, now)
          return state === undefined || state === before
            ? { answer }
            : { answer, write: { value: encodeState(state), ttl: Math.max(0, until - now) + spare } }
        })
      )
    )

  return {
    fixedWindow: ({ key, limit, refillRate, tokens }) =>
      decided(
        `fixedWindow ${key}`,
        windowKey(key),
        (before: Limits.Window | undefined, now) =>
          Limits.takeOfWindow(before, now, { tokens, limit, refill: Duration.toMillis(refillRate) })
      ),
    tokenBucket: ({ allowOverflow, key, limit, refillRate, tokens }) =>
      decided(
        `tokenBucket ${key}`,
        bucketKey(key),
        (before: Limits.Bucket | undefined, now) =>
          Limits.takeOfBucket(before, now, { tokens, limit, refill: Duration.toMillis(refillRate), overflow: allowOverflow })
      ),
    adaptiveConsume: ({ fallbackWindow, key, tokens }) =>
      Effect.map(
        decided(`adaptiveConsume ${key}`, adaptiveKey(key), (before: Limits.Adaptive | undefined, now) => {
          const { answer, state } = Limits.pace(before, now, { tokens, fallbackWindow: Duration.toMillis(fallbackWindow) })
          return { answer, state, until: state?.until ?? now }
        }),
        ({ delay, epoch, phase }) => ({ delay: Duration.millis(delay), epoch, phase })
      ),
    adaptiveFeedback: ({ epoch, key, retryAfter, status, tokens }) =>
      status !== tooManyRequests || retryAfter === undefined
        ? Effect.void
        : decided(`adaptiveFeedback ${key}`, adaptiveKey(key), (before: Limits.Adaptive | undefined, now) => {
          const state = Limits.paceRefused(before, now, { epoch, tokens, retryAfter: Duration.toMillis(retryAfter) })
          return { answer: undefined, state, until: state?.until ?? now }
        })
  }
}
