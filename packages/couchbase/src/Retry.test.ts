/** What is repeated, after how long, and when that ends; with what error maps advise. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { delayOf, emptyErrorMap, parseErrorMap, retryClassOf } from "./ErrorMap.ts"
import { statusTable } from "./gen/Types.ts"
import { type Decision, decide, defaultRetryPolicy, type FailedAttempt } from "./Retry.ts"

const busy: FailedAttempt = { _tag: "Status", retry: "retry" }
const connection = (sent: boolean, writes: boolean, permanent = false): FailedAttempt => ({ _tag: "Connection", sent, writes, permanent })
const first = (failed: FailedAttempt, chance = 0): Decision => decide(failed, 1, 0, defaultRetryPolicy, chance)
const gaveUp = (ambiguous: boolean): Decision => ({ _tag: "GiveUp", ambiguous })

describe("decisions", () => {
  it("follow the class of the status", () => {
    for (const retry of ["caller", "miss", "fatal", "success"] as const) {
      assert.deepStrictEqual(first({ _tag: "Status", retry }), gaveUp(false))
    }
    assert.deepStrictEqual(first({ _tag: "Status", retry: "ambiguous" }), gaveUp(true))
    assert.strictEqual(first(busy)._tag, "Retry")
    assert.strictEqual(first({ _tag: "Status", retry: "miss", collection: true })._tag, "Retry")
  })

  it("never repeat a write that may have happened; repeat everything else that was lost", () => {
    assert.deepStrictEqual(first(connection(true, true)), gaveUp(true))
    assert.strictEqual(first(connection(false, true))._tag, "Retry")
    assert.strictEqual(first(connection(true, false))._tag, "Retry")
    assert.deepStrictEqual(first(connection(false, false, true)), gaveUp(false))
    assert.deepStrictEqual(first(connection(true, true, true)), gaveUp(true))
  })

  it("double the delay up to the ceiling, half of it left to chance", () => {
    const delays = (chance: number) =>
      Array.from({ length: 12 }, (_, index) => {
        const decision = decide(busy, index + 1, 0, { ...defaultRetryPolicy, budget: Infinity }, chance)
        return decision._tag === "Retry" ? decision.delay : -1
      })
    assert.deepStrictEqual(delays(0), [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 250, 250, 250])
    assert.deepStrictEqual(delays(0.5), [0.75, 1.5, 3, 6, 12, 24, 48, 96, 192, 375, 375, 375])
  })

  it("a redirection is followed at once, but only once", () => {
    const redirected: FailedAttempt = { _tag: "Status", retry: "retry", redirected: true }
    assert.deepStrictEqual(first(redirected), { _tag: "Retry", delay: 0 })
    assert.deepStrictEqual(decide(redirected, 2, 0, defaultRetryPolicy, 0), { _tag: "Retry", delay: 1 })
  })

  it("end with the budget and with the attempts, at ±1", () => {
    const at = (elapsed: number, attempt = 1) => decide(busy, attempt, elapsed, { budget: 100, first: 2, ceiling: 2, attempts: 3 }, 0)._tag
    assert.deepStrictEqual([at(98.9), at(99)], ["Retry", "GiveUp"])
    assert.deepStrictEqual([at(0, 2), at(0, 3)], ["Retry", "GiveUp"])
  })

  it("take the server's advice within the ceiling", () => {
    const advised = (strategy: "constant" | "linear" | "exponential", attempt: number) =>
      decide(
        { _tag: "Status", retry: "retry", advice: { strategy, interval: 10, after: 3, maxDuration: 1000 } },
        attempt,
        0,
        defaultRetryPolicy,
        0
      )
    assert.deepStrictEqual(advised("constant", 1), { _tag: "Retry", delay: 3 })
    assert.deepStrictEqual(advised("constant", 3), { _tag: "Retry", delay: 10 })
    assert.deepStrictEqual(advised("linear", 3), { _tag: "Retry", delay: 30 })
    assert.deepStrictEqual(advised("exponential", 2), { _tag: "Retry", delay: 100 })
    assert.deepStrictEqual(advised("exponential", 5), { _tag: "Retry", delay: 500 })
  })
})

describe("error maps", () => {
  const text = JSON.stringify({
    version: 2,
    revision: 4,
    errors: {
      "0": { name: "SUCCESS", desc: "Success", attrs: ["success"] },
      "d": {
        name: "X",
        desc: "y",
        attrs: ["fetch-config"],
        retry: { strategy: "linear", interval: 10, after: 50, ceil: 1000, "max-duration": 500 }
      },
      "7ff0": { name: "TEST", desc: "new and temporary", attrs: ["temp", "retry-later"], retry: { strategy: "nonsense", interval: 1 } },
      "7ff1": { name: "GONE", desc: "new and fatal", attrs: ["conn-state-invalidated", "temp"] },
      "7ff2": { name: "ITEM", desc: "", attrs: ["item-only"] },
      "7ff3": { name: "HM", desc: "" },
      "xyz": { name: "no number" },
      "7ff4": 7
    }
  })
  const map = Result.getOrThrow(parseErrorMap(text))

  it("are read, and what makes no sense in them left out", () => {
    assert.deepStrictEqual([map.version, map.revision, [...map.entries.keys()]], [2, 4, [0, 13, 0x7ff0, 0x7ff1, 0x7ff2, 0x7ff3]])
    assert.deepStrictEqual(map.entries.get(13)!.retry, { strategy: "linear", interval: 10, after: 50, ceiling: 1000, maxDuration: 500 })
    assert.isUndefined(map.entries.get(0x7ff0)!.retry)
    for (const nonsense of ["", "[]", "{}", "{\"errors\":[]}", "null"]) assert.isTrue(Result.isFailure(parseErrorMap(nonsense)), nonsense)
  })

  it("judge only what the protocol does not", () => {
    for (const [code, { retry }] of Object.entries(statusTable as { [code: string]: { retry: string } })) {
      assert.strictEqual(retryClassOf(Number(code), map), retry)
    }
    const classes = [0x7ff0, 0x7ff1, 0x7ff2, 0x7ff3, 0x7fff].map((status) => retryClassOf(status, map))
    assert.deepStrictEqual(classes, ["retry", "fatal", "miss", "caller", "caller"])
    assert.strictEqual(retryClassOf(0x7ff0, emptyErrorMap), "caller")
  })

  it("give up when they say so", () => {
    const { retry } = map.entries.get(13)!
    assert.deepStrictEqual([delayOf(retry!, 1, 0), delayOf(retry!, 4, 499), delayOf(retry!, 4, 500), delayOf(retry!, 4000, 0)], [
      50,
      40,
      undefined,
      1000
    ])
  })
})
