/** Laws of `RateLimiterStore`, asked through Effect's `RateLimiter`. Times are held to bounds, as some stores have a clock of their own. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as RateLimiter from "effect/persistence/RateLimiter"
import { expect } from "vitest"
import { failure, type Law, law as lawOf, same, type World } from "./Laws.ts"

type Store = RateLimiter.RateLimiterStore["Service"]

const limiterOf = (store: Store) => Effect.provideService(RateLimiter.make, RateLimiter.RateLimiterStore, store)

const law = (
  name: string,
  check: (limiter: RateLimiter.RateLimiter, world: World<Store>, store: Store) => Effect.Effect<void, unknown>
): Law<Store> => lawOf<Store>(name, (store, world) => Effect.flatMap(limiterOf(store), (limiter) => check(limiter, world, store)))

const within = (found: Duration.Duration | number, least: number, most: number): Effect.Effect<void> =>
  Effect.sync(() => {
    const millis = typeof found === "number" ? found : Duration.toMillis(found)
    expect(millis).toBeGreaterThanOrEqual(least)
    expect(millis).toBeLessThanOrEqual(most)
  })

const exceeded = (effect: Effect.Effect<unknown, RateLimiter.RateLimiterError>) =>
  Effect.flatMap(
    failure(effect),
    ({ reason }) => reason._tag === "RateLimitExceeded" ? Effect.succeed(reason) : Effect.fail(new Error(`not exceeded: ${reason.message}`))
  )

const adaptive = { fallbackLimit: 5, fallbackWindow: Duration.seconds(30), tokens: 1 }

/** The laws. */
export const rateLimiterLaws: ReadonlyArray<Law<Store>> = [
  law("fixed window: as many tokens as the limit, then none before the window has passed", (limiter, { pass }) =>
    Effect.gen(function*() {
      const consume = limiter.consume({ key: "k", limit: 3, window: "3 seconds" })
      for (const remaining of [2, 1, 0]) {
        const result = yield* consume
        yield* same([result.remaining, result.limit, Duration.toMillis(result.delay)], [remaining, 3, 0])
        yield* within(result.resetAfter, 1, 3_000)
      }
      const refused = yield* exceeded(consume)
      yield* same([refused.limit, refused.remaining, refused.key], [3, 0, "k"])
      yield* within(refused.retryAfter, 1, 3_000)
      yield* pass(3_001)
      yield* same((yield* consume).remaining, 2)
    })),
  law("fixed window: what is refused takes nothing", (limiter) =>
    Effect.gen(function*() {
      const consume = (tokens: number) => limiter.consume({ key: "k", limit: 5, window: "1 minute", tokens })
      yield* consume(3)
      yield* exceeded(consume(3))
      yield* exceeded(consume(3))
      yield* same((yield* consume(2)).remaining, 0)
    })),
  law("more tokens than the limit are never given", (limiter) =>
    Effect.gen(function*() {
      yield* exceeded(limiter.consume({ key: "k", limit: 2, window: "1 minute", tokens: 3 }))
      yield* exceeded(limiter.consume({ key: "k", limit: 2, window: "1 minute", tokens: 3, algorithm: "token-bucket" }))
    })),
  law("fixed window that delays: each window's worth one window later", (limiter) =>
    Effect.gen(function*() {
      const delays: Array<number> = []
      for (let i = 0; i < 6; i++) {
        const { delay } = yield* limiter.consume({ key: "k", limit: 2, window: "10 seconds", onExceeded: "delay" })
        delays.push(Duration.toMillis(delay))
      }
      yield* same(delays.slice(0, 2), [0, 0])
      for (const [i, delay] of delays.slice(2).entries()) {
        yield* within(delay, Math.floor(i / 2) * 10_000 + 7_000, (Math.floor(i / 2) + 1) * 10_000)
      }
    })),
  law("token bucket: a burst, then a token for every interval", (limiter, { pass }) =>
    Effect.gen(function*() {
      const consume = limiter.consume({ key: "k", limit: 2, window: "6 seconds", algorithm: "token-bucket" })
      yield* same([(yield* consume).remaining, (yield* consume).remaining], [1, 0])
      yield* within((yield* exceeded(consume)).retryAfter, 1, 3_000)
      yield* pass(3_001)
      yield* same((yield* consume).remaining, 0)
      yield* exceeded(consume)
    })),
  law("token bucket: never more than the limit, however long nobody asks", (limiter, { pass }) =>
    Effect.gen(function*() {
      const consume = limiter.consume({ key: "k", limit: 2, window: "1800 millis", algorithm: "token-bucket", onExceeded: "delay" })
      yield* consume
      yield* pass(2_000)
      yield* same([(yield* consume).remaining, (yield* consume).remaining, (yield* consume).remaining], [1, 0, -1])
    })),
  law("token bucket that delays: debts are kept, and paid back", (limiter, { pass }) =>
    Effect.gen(function*() {
      const consume = limiter.consume({ key: "k", limit: 1, window: "2 seconds", algorithm: "token-bucket", onExceeded: "delay" })
      yield* same(Duration.toMillis((yield* consume).delay), 0)
      yield* within((yield* consume).delay, 1_000, 2_000)
      yield* within((yield* consume).delay, 3_000, 4_000)
      yield* pass(6_001)
      yield* same(Duration.toMillis((yield* consume).delay), 0)
    })),
  law("parts of tokens are counted exactly", (limiter) =>
    Effect.gen(function*() {
      const window = (tokens: number) => limiter.consume({ key: "w", limit: 1, window: "1 minute", tokens })
      yield* window(0.25)
      yield* same((yield* window(0.5)).remaining, 0.25)
      yield* exceeded(window(0.26))
      const bucket = (tokens: number) => limiter.consume({ key: "b", limit: 1, window: "1 minute", tokens, algorithm: "token-bucket" })
      yield* bucket(0.1)
      yield* same((yield* bucket(0.2)).remaining, 1 - 0.1 - 0.2)
    })),
  law("keys have limits of their own, whatever they are", (limiter) =>
    Effect.gen(function*() {
      for (const key of ["a", "A", "a b", "a:refill", "a:adaptive", "", "🔑", "x".repeat(300), `${"x".repeat(300)}y`]) {
        yield* same((yield* limiter.consume({ key, limit: 2, window: "1 minute" })).remaining, 1)
      }
    })),
  law("the two algorithms do not meddle with one another under the same key", (limiter) =>
    Effect.gen(function*() {
      const options = { key: "k", limit: 10, window: "1 minute" } as const
      for (let i = 0; i < 3; i++) yield* limiter.consume(options)
      yield* same((yield* limiter.consume({ ...options, algorithm: "token-bucket" })).remaining, 9)
      yield* same((yield* limiter.consume(options)).remaining, 6)
    })),
  law("of many who ask at once, as many are let through as the limit says", (limiter) =>
    Effect.gen(function*() {
      for (const algorithm of ["fixed-window", "token-bucket"] as const) {
        const exits = yield* Effect.all(
          Array.from({ length: 30 }, () => Effect.exit(limiter.consume({ key: algorithm, limit: 10, window: "1 hour", algorithm }))),
          { concurrency: "unbounded" }
        )
        yield* same(exits.filter(Exit.isSuccess).length, 10)
      }
    })),
  law("another process has the same limits", (limiter, world) =>
    Effect.scoped(Effect.gen(function*() {
      const other = yield* limiterOf(yield* world.open())
      yield* limiter.consume({ key: "k", limit: 3, window: "1 minute" })
      yield* same((yield* other.consume({ key: "k", limit: 3, window: "1 minute" })).remaining, 1)
      yield* limiter.consume({ key: "b", limit: 3, window: "1 minute", algorithm: "token-bucket" })
      yield* same((yield* other.consume({ key: "b", limit: 3, window: "1 minute", algorithm: "token-bucket" })).remaining, 1)
    }))),
  law(
    "adaptive: nothing is held back before somebody said 429, and other answers change nothing",
    (_, __, store) =>
      Effect.gen(function*() {
        const none = { delay: Duration.zero, epoch: 0, phase: "inactive" }
        yield* same(yield* store.adaptiveConsume({ key: "k", ...adaptive }), none)
        yield* store.adaptiveFeedback({ key: "k", epoch: 0, tokens: 1, status: 200, retryAfter: Duration.seconds(1) })
        yield* store.adaptiveFeedback({ key: "k", epoch: 0, tokens: 1, status: 429, retryAfter: undefined })
        yield* store.adaptiveFeedback({ key: "k", epoch: 3, tokens: 1, status: 429, retryAfter: Duration.seconds(1) })
        yield* same(yield* store.adaptiveConsume({ key: "k", ...adaptive }), none)
      })
  ),
  law(
    "adaptive: after 429 a pause, then it learns, and what it learnt holds back the next ones",
    (_, { pass }, store) =>
      Effect.gen(function*() {
        const consume = store.adaptiveConsume({ key: "k", ...adaptive })
        const refuse = (epoch: number, millis: number) =>
          store.adaptiveFeedback({ key: "k", epoch, tokens: 1, status: 429, retryAfter: Duration.millis(millis) })
        yield* refuse(0, 500)
        const paused = yield* consume
        yield* same([paused.phase, paused.epoch], ["cooldown", 0])
        yield* within(paused.delay, 1, 500)
        yield* pass(501)
        for (let i = 0; i < 4; i++) yield* same(yield* consume, { delay: Duration.zero, epoch: 1, phase: "learning" })
        // three were let through in the time before the fourth was refused, and 10 seconds on one may try again
        yield* refuse(1, 10_000)
        const next = yield* consume
        yield* same([next.phase, next.epoch], ["learned", 2])
        yield* within(next.delay, 5_000, 10_500)
        const delays = [yield* consume, yield* consume, yield* consume].map(({ delay }) => Duration.toMillis(delay))
        yield* within(delays[2]!, 15_000, 21_000)
        yield* refuse(2, 2_000)
        yield* same((yield* consume).phase, "cooldown")
      })
  ),
  law(
    "adaptive: a refusal of a former epoch says nothing of this one, and a pause only grows",
    (_, { pass }, store) =>
      Effect.gen(function*() {
        const consume = store.adaptiveConsume({ key: "k", ...adaptive })
        const refuse = (epoch: number, millis: number) =>
          store.adaptiveFeedback({ key: "k", epoch, tokens: 1, status: 429, retryAfter: Duration.millis(millis) })
        yield* refuse(0, 3_000)
        yield* refuse(0, 10)
        yield* within((yield* consume).delay, 1_000, 3_000)
        yield* pass(3_001)
        yield* same((yield* consume).phase, "learning")
        yield* refuse(0, 60_000)
        yield* same((yield* consume).phase, "learning")
        // of one request alone nothing is learnt
        yield* store.adaptiveFeedback({ key: "k", epoch: 1, tokens: 5, status: 429, retryAfter: Duration.seconds(9) })
        yield* same((yield* consume).phase, "cooldown")
      })
  )
]
