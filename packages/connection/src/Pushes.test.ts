/** What comes unasked, for readers who are behind, who are done, and who are not there yet. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Pushes, type PushOptions } from "./Pushes.ts"

interface Push {
  readonly _tag: "A" | "B"
  readonly n: number
}

/** A connection that counts how often it was stopped and went on. */
const make = (options: PushOptions) => {
  const pushes = new Pushes<Push>(options)
  const source = { paused: 0, resumed: 0, pause: () => void source.paused++, resume: () => void source.resumed++ }
  let last = 0
  const come = (count: number, _tag: Push["_tag"] = "A"): void => {
    for (let i = 0; i < count; i++) pushes.publish({ _tag, n: ++last }, source)
  }
  return { pushes, source, come }
}
const numbers = (stream: Stream.Stream<Push>, count: number) =>
  Effect.map(Stream.runCollect(Stream.take(stream, count)), (all) => all.map(({ n }) => n))

describe("Pushes", () => {
  it.effect("of a reader who is behind, the oldest are dropped and counted", () =>
    Effect.gen(function*() {
      const { come, pushes, source } = make({ maxPushes: 3 })
      const stream = yield* pushes.of(["A"])
      come(3)
      assert.strictEqual(pushes.dropped, 0)
      come(1)
      assert.strictEqual(pushes.dropped, 1)
      assert.deepStrictEqual(yield* numbers(stream, 3), [2, 3, 4])
      assert.strictEqual(source.paused, 0)
    }))

  it.effect("or the connection is stopped, once, until he has taken what waits", () =>
    Effect.gen(function*() {
      const { come, pushes, source } = make({ maxPushes: 3, whenBehind: "pause" })
      const stream = yield* pushes.of(["A"])
      come(3)
      assert.strictEqual(source.paused, 0)
      // of what was read already, nothing is lost
      come(2)
      assert.deepStrictEqual([source.paused, source.resumed], [1, 0])
      const seen: Array<readonly [number, number]> = []
      const each = ({ n }: Push) => Effect.sync(() => void seen.push([n, source.resumed]))
      yield* Stream.runForEach(Stream.take(stream, 5), each)
      assert.deepStrictEqual(seen, [[1, 1], [2, 1], [3, 1], [4, 1], [5, 1]])
      assert.strictEqual(pushes.dropped, 0)
    }))

  it.effect("a stream that ended stops nothing, and one that is not run yet does, until its scope closes", () =>
    Effect.gen(function*() {
      const { come, pushes, source } = make({ maxPushes: 3, whenBehind: "pause" })
      pushes.begun()
      const first = yield* pushes.of(["A"])
      come(1)
      assert.deepStrictEqual(yield* numbers(first, 1), [1])
      come(10)
      assert.deepStrictEqual([source.paused, pushes.dropped], [0, 10])
      const scope = yield* Scope.make()
      yield* Scope.provide(pushes.of(["A"]), scope)
      come(4)
      assert.deepStrictEqual([source.paused, source.resumed], [1, 0])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual([source.paused, source.resumed], [1, 1])
    }))

  it.effect("what comes before there is a reader is kept for one who reads it, up to the limit, until all who will are there", () =>
    Effect.gen(function*() {
      const { come, pushes } = make({ maxPushes: 3 })
      come(2)
      come(2, "B")
      assert.strictEqual(pushes.dropped, 1)
      assert.deepStrictEqual(yield* numbers(yield* pushes.of(["A"]), 2), [1, 2])
      pushes.begun()
      assert.strictEqual(pushes.dropped, 2)
      const late = yield* pushes.of(["B"])
      come(1, "B")
      assert.deepStrictEqual(yield* numbers(late, 1), [5])
    }))
})
