/** The weather desk: one program over embedded nodes, in virtual time, and as a process. test/peers runs it on memcached. */
import { serveCouchbase, serveMemcachedNode } from "@wirewright/embedded"
import { CouchbaseTest, MemcachedTest, passTime } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { describe, expect, it } from "vitest"
import { desk, inCouchbase, inMemcached } from "../../packages/examples/src/09_weather_desk.ts"
import { run } from "./Example.ts"

const said = [
  "ann: Oslo has 4 degrees",
  "ann: Rome has 4 degrees",
  "ann: Oslo has 4 degrees",
  "ann: not before 1 min",
  "bob: Oslo has 4 degrees",
  "looked out 2 times",
  "bob: Oslo has 4 degrees",
  "looked out 3 times",
  "report on Lima, attempt 2"
]

describe("the weather desk", () => {
  const layers: ReadonlyArray<readonly [string, Layer.Layer<Layer.Success<typeof inMemcached>, unknown>]> = [
    ["memcached", Layer.provide(inMemcached, MemcachedTest.layer())],
    ["Couchbase", Layer.provide(inCouchbase, CouchbaseTest.layer())]
  ]
  for (const [name, layer] of layers) {
    it(`says the same over ${name} in virtual time`, () =>
      Effect.runPromise(
        Effect.gen(function*() {
          const working = yield* Effect.forkChild(Effect.provide(desk, layer))
          yield* passTime("10 seconds")
          expect(yield* Fiber.join(working)).toEqual(said)
        }).pipe(Effect.provide(TestClock.layer()))
      ))
  }

  it("says the same as a process, over both nodes", () =>
    Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const { server } = yield* serveMemcachedNode()
      const { port } = yield* serveCouchbase()
      for (const url of [`memcached://127.0.0.1:${server.port}`, `couchbase://127.0.0.1:${port}/default`]) {
        const { code, output } = yield* Effect.promise(() => run("09_weather_desk.ts", { WIREWRIGHT_URL: url }))
        expect([output.trim().split("\n"), code]).toEqual([said, 0])
      }
    }))))
})
