/** What the layers promise: no sockets, hours in no time, one line. */
import { KvClient as CouchbaseClient } from "@wirewright/couchbase"
import { Dcp } from "@wirewright/dcp"
import { KvClient } from "@wirewright/memcached"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { describe, expect, it } from "vitest"
import { CouchbaseTest, MemcachedTest } from "./NodeLayers.ts"
import { passTime } from "./PassTime.ts"

const run = <A, E>(program: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(Effect.provide(program, TestClock.layer()))

describe("MemcachedTest.layer", () => {
  it("has a document gone after its hour when two have passed, and not before", () =>
    run(
      Effect.gen(function*() {
        const kv = yield* KvClient
        yield* kv.set("k", "v", { expiry: "1 hour" })
        yield* TestClock.adjust("59 minutes")
        expect(Option.isSome(yield* kv.get("k"))).toBe(true)
        yield* TestClock.adjust("2 hours")
        expect(Option.isNone(yield* kv.get("k"))).toBe(true)
      }).pipe(Effect.provide(MemcachedTest.layer()))
    ))

  it("goes on after a day, and sees what the node does", () =>
    run(
      Effect.gen(function*() {
        const kv = yield* KvClient
        const { link, node } = yield* MemcachedTest
        yield* kv.set("k", "v")
        yield* TestClock.adjust("1 day")
        expect(Option.isSome(yield* kv.get("k"))).toBe(true)
        expect(node.server.counters.requests).toBe(2)
        link.refuses = true
        link.cut()
        const asking = yield* Effect.forkChild(Effect.exit(kv.get("k")))
        yield* passTime("1 minute")
        expect(String(yield* Fiber.join(asking))).toContain("MemcachedError")
        link.refuses = false
        yield* passTime("1 minute")
        expect(Option.isSome(yield* kv.get("k"))).toBe(true)
      }).pipe(Effect.provide(MemcachedTest.layer()))
    ))
})

describe("CouchbaseTest.layer", () => {
  it("has documents and locks end in virtual time", () =>
    run(
      Effect.gen(function*() {
        const kv = yield* CouchbaseClient
        yield* kv.upsert("k", { n: 1 }, { expiry: "1 hour" })
        yield* kv.upsert("locked", { n: 1 })
        yield* kv.getAndLock("locked", { lock: "15 seconds" })
        yield* TestClock.adjust("59 minutes")
        expect(yield* kv.exists("k")).toBe(true)
        yield* kv.upsert("locked", { n: 2 })
        yield* TestClock.adjust("2 hours")
        expect(yield* kv.exists("k")).toBe(false)
      }).pipe(Effect.provide(CouchbaseTest.layer()))
    ))

  it("has the changes of the same bucket, expiries among them", () =>
    run(
      Effect.gen(function*() {
        const kv = yield* CouchbaseClient
        const seen: Array<string> = []
        yield* Effect.forkScoped(
          Dcp.changes({ group: "g", from: "beginning" }).pipe(
            Stream.runForEach((event) => Effect.sync(() => void ("key" in event && seen.push(`${event._tag} ${String(event.key)}`))))
          )
        )
        yield* kv.upsert("a", { n: 1 }, { expiry: "1 hour" })
        yield* passTime("1 second")
        expect(seen).toEqual(["Mutation a"])
        yield* passTime("2 hours")
        expect(seen).toHaveLength(2)
        expect(seen[1]).toMatch(/^(Expiration|Deletion) a$/)
      }).pipe(Effect.scoped, Effect.provide(CouchbaseTest.layer()))
    ))
})
