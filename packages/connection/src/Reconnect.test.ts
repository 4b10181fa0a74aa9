/** Proves the waits between attempts: growing, capped, spread, and limited when asked. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { type ReconnectOptions, reconnectSchedule } from "./Reconnect.ts"

/** The first waits in milliseconds; fewer when the policy gives up. */
const waits = (options: ReconnectOptions, count: number) =>
  Effect.gen(function*() {
    const step = yield* Schedule.toStep(reconnectSchedule(options))
    const out: Array<number> = []
    for (let i = 0; i < count; i++) {
      const next = yield* Effect.exit(step(0, undefined))
      if (next._tag === "Failure") break
      out.push(Duration.toMillis(next.value[1]))
    }
    return out
  })

describe("waits between attempts", () => {
  it.effect("double up to the cap", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* waits({ jitter: false }, 9), [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000])
    }))

  it.effect("keep to their own beginning, factor and cap, and stay there for ever", () =>
    Effect.gen(function*() {
      const options = { jitter: false, initialDelay: "10 millis", factor: 3, maxDelay: "100 millis" } as const
      assert.deepStrictEqual(yield* waits(options, 5), [10, 30, 90, 100, 100])
      const many = yield* waits(options, 3000)
      assert.strictEqual(many.length, 3000)
      assert.strictEqual(many.at(-1), 100)
    }))

  it.effect("differ by up to a fifth unless told not to", () =>
    Effect.gen(function*() {
      const spread = yield* waits({ initialDelay: "100 millis", factor: 1 }, 200)
      assert.isTrue(spread.every((wait) => wait >= 80 && wait <= 120))
      assert.isTrue(new Set(spread).size > 150)
    }))

  it.effect("end after as many attempts as allowed", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* waits({ maxAttempts: 3 }, 10)).length, 3)
      assert.strictEqual((yield* waits({ maxAttempts: 4 }, 10)).length, 4)
    }))
})
