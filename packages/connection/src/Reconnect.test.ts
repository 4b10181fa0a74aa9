/** Proves when the next attempt to connect comes: growing, capped and spread waits, anew after a connection that lasted, limited when asked. */
import { assert, describe, it } from "@effect/vitest"
import { Attempts, type ReconnectOptions, reconnectPolicy, stableAfter } from "./Reconnect.ts"

/** The waits before the first attempts, all of which fail at once; fewer when there are no more. */
const waits = (options: ReconnectOptions, count: number, chance: () => number = () => 0.5): ReadonlyArray<number> => {
  const attempts = new Attempts(reconnectPolicy(options))
  const out: Array<number> = []
  for (let now = 0; out.length < count;) {
    const wait = attempts.next(now, chance())
    if (wait === undefined) break
    out.push(wait)
    now += wait
    attempts.ended(now)
  }
  return out
}

/** Attempts whose first has led to a connection at 0. */
const connected = (options: ReconnectOptions = {}): Attempts => {
  const attempts = new Attempts(reconnectPolicy({ jitter: false, ...options }))
  attempts.next(0, 0)
  attempts.opened(0)
  return attempts
}

describe("waits between attempts", () => {
  it("double up to the cap; the first attempt waits for nothing", () => {
    assert.deepStrictEqual(waits({ jitter: false }, 10), [0, 50, 100, 200, 400, 800, 1600, 3200, 5000, 5000])
  })

  it("keep to their own beginning, factor and cap, and stay there for ever", () => {
    const options = { jitter: false, initialDelay: "10 millis", factor: 3, maxDelay: "100 millis" } as const
    assert.deepStrictEqual(waits(options, 6), [0, 10, 30, 90, 100, 100])
    const many = waits(options, 3000)
    assert.deepStrictEqual([many.length, many.at(-1)], [3000, 100])
    assert.deepStrictEqual(waits({ initialDelay: 0 }, 3000).filter((wait) => wait !== 0), [])
  })

  it("differ by up to a fifth unless told not to", () => {
    assert.deepStrictEqual(waits({ initialDelay: 100, factor: 1 }, 3, () => 0), [0, 80, 80])
    assert.deepStrictEqual(waits({ initialDelay: 100, factor: 1 }, 3, () => 0.5), [0, 100, 100])
    const [, most] = waits({ initialDelay: 100, factor: 1 }, 2, () => 1 - Number.EPSILON)
    assert.isTrue(most! > 119.9 && most! <= 120)
  })

  it("count from the end of what was before, so that whoever comes late waits less or not at all", () => {
    const attempts = connected({ initialDelay: 100 })
    attempts.ended(10)
    assert.strictEqual(attempts.next(70, 0), 40)
    attempts.ended(80)
    assert.strictEqual(attempts.next(1_000, 0), 0)
  })
})

describe("a connection that lasted", () => {
  it("is connected again at once, and the waits begin anew", () => {
    const attempts = connected()
    attempts.ended(stableAfter)
    assert.strictEqual(attempts.next(stableAfter, 0), 0)
    attempts.ended(stableAfter)
    assert.strictEqual(attempts.next(stableAfter, 0), 50)
  })

  it("did not when it was gone a millisecond earlier", () => {
    const attempts = connected()
    attempts.ended(stableAfter - 1)
    assert.strictEqual(attempts.next(stableAfter - 1, 0), 50)
    attempts.opened(2_000)
    attempts.ended(2_000)
    assert.strictEqual(attempts.next(2_000, 0), 100)
  })
})

describe("attempts", () => {
  it("end after as many as allowed after the first, and after a connection that lasted", () => {
    assert.strictEqual(waits({ maxAttempts: 3 }, 10).length, 4)
    assert.strictEqual(waits({ maxAttempts: 0 }, 10).length, 1)
    for (const maxAttempts of [0, 1, 2]) {
      const attempts = connected({ maxAttempts })
      attempts.ended(stableAfter)
      let again = 0
      while (attempts.next(stableAfter, 0) !== undefined) {
        again++
        attempts.ended(stableAfter)
      }
      assert.strictEqual(again, maxAttempts)
    }
  })

  it("know nothing of those before a new beginning", () => {
    const attempts = new Attempts(reconnectPolicy({ maxAttempts: 0 }))
    attempts.next(0, 0)
    attempts.ended(0)
    assert.strictEqual(attempts.next(0, 0), undefined)
    attempts.reset()
    assert.deepStrictEqual([attempts.next(0, 0), attempts.next(0, 0)], [0, undefined])
  })
})
