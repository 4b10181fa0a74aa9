/** Clients over the server in memory: records, events, procedures and presence, in virtual time. */
import { Deepstream } from "@wirewright/deepstream"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { describe, expect, it } from "vitest"
import { DeepstreamTest } from "./DeepstreamLayer.ts"
import { passTime } from "./PassTime.ts"

const run = <A, E>(program: Effect.Effect<A, E, Deepstream | DeepstreamTest | Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.provide(program, DeepstreamTest.layer())).pipe(Effect.provide(TestClock.layer())))

/** Collects what a stream gives, in the background. */
const collected = <A, E>(stream: Stream.Stream<A, E>) =>
  Effect.gen(function*() {
    const seen: Array<A> = []
    yield* Effect.forkScoped(Stream.runForEach(stream, (one) => Effect.sync(() => void seen.push(one))))
    yield* passTime("10 millis")
    return seen
  })

describe("DeepstreamTest.layer", () => {
  it("has records that all clients share, whole and by path, and tells of what is missing", () =>
    run(Effect.gen(function*() {
      const { records } = yield* Deepstream
      const { connect, node } = yield* DeepstreamTest
      const other = yield* connect("bob")
      expect(yield* records.has("r")).toBe(false)
      expect(yield* records.head("r")).toEqual(Option.none())
      expect(String(yield* Effect.flip(records.snapshot("r")))).toContain("DeepstreamError")
      const mine = yield* records.open("r")
      yield* mine.set({ a: 1 }, { acknowledge: true })
      const theirs = yield* other.records.open("r")
      expect(yield* theirs.get).toEqual({ a: 1 })
      yield* theirs.patch("b.c", [2], { acknowledge: true })
      yield* passTime("10 millis")
      expect(yield* mine.get).toEqual({ a: 1, b: { c: [2] } })
      yield* other.records.upsert("r", { d: 3 }, { acknowledge: true })
      yield* passTime("10 millis")
      expect([yield* mine.get, yield* mine.version, node.records.get("r")]).toEqual([{ d: 3 }, 3, { version: 3, data: { d: 3 } }])
      yield* other.records.delete("r")
      expect(node.records.has("r")).toBe(false)
    })))

  it("takes one of two writes of one version, and the other client learns what there is", () =>
    run(Effect.gen(function*() {
      const { records } = yield* Deepstream
      const other = yield* (yield* DeepstreamTest).connect("bob")
      const [mine, theirs] = [yield* records.open("r"), yield* other.records.open("r")]
      const writes = [mine.set({ by: "me" }, { acknowledge: true }), theirs.set({ by: "bob" }, { acknowledge: true })]
      const ended = yield* Effect.all(writes.map(Effect.exit), { concurrency: "unbounded" })
      expect(ended.map(({ _tag }) => _tag).sort()).toEqual(["Failure", "Success"])
      yield* passTime("1 second")
      expect(yield* mine.get).toEqual(yield* theirs.get)
      expect((yield* DeepstreamTest).node.records.get("r")?.data).toEqual(yield* mine.get)
    })))

  it("hands events to those who subscribe, and not to who emits", () =>
    run(Effect.gen(function*() {
      const { events } = yield* Deepstream
      const other = yield* (yield* DeepstreamTest).connect("bob")
      const [here, there] = [yield* collected(events.subscribe("news")), yield* collected(other.events.subscribe("news"))]
      yield* other.events.emit("news", { n: 1 })
      yield* other.events.emit("sports", 2)
      yield* passTime("10 millis")
      expect([here, there.filter((one) => typeof one === "object")]).toEqual([[{ n: 1 }], expect.any(Array)])
    })))

  it("routes procedures to one of their providers, and says when there is none", () =>
    run(Effect.gen(function*() {
      const { rpc } = yield* Deepstream
      const { connect } = yield* DeepstreamTest
      const [bob, eve] = [yield* connect("bob"), yield* connect("eve")]
      expect(String(yield* Effect.flip(rpc.request("double", 4)))).toContain("no provider of double")
      yield* bob.rpc.provide("double", (n) => Effect.succeed(Number(n) * 2))
      yield* eve.rpc.provide("double", (n) => Effect.succeed(Number(n) * 2))
      yield* passTime("10 millis")
      expect(yield* rpc.request("double", 4)).toBe(8)
    })))

  it("times out by the clock in place: a provider that never answers, after 10 seconds", () =>
    run(Effect.gen(function*() {
      const { rpc } = yield* Deepstream
      const bob = yield* (yield* DeepstreamTest).connect("bob")
      yield* bob.rpc.provide("slow", () => Effect.never, { accept: "immediately" })
      yield* passTime("10 millis")
      const asking = yield* Effect.forkChild(Effect.flip(rpc.request("slow", 1)))
      yield* passTime("9 seconds")
      expect(asking.pollUnsafe()).toBeUndefined()
      yield* passTime("2 seconds")
      expect(String(yield* Fiber.join(asking))).toMatch(/DeepstreamError/)
    })))

  it("tells who is there, who comes and who goes", () =>
    run(Effect.gen(function*() {
      const { presence } = yield* Deepstream
      const { connect } = yield* DeepstreamTest
      const changes = yield* collected(presence.changes())
      yield* Effect.scoped(Effect.gen(function*() {
        yield* connect("bob")
        yield* passTime("10 millis")
        expect(yield* presence.all).toEqual(["bob"])
        expect(yield* presence.online(["bob", "eve"])).toEqual(new Map([["bob", true], ["eve", false]]))
      }))
      yield* passTime("10 millis")
      expect(changes).toEqual([{ user: "bob", online: true }, { user: "bob", online: false }])
      expect(yield* presence.all).toEqual([])
    })))

  it("lets in whom it is told to, and is there after hours", async () => {
    const layer = DeepstreamTest.layer({
      logIn: ({ password, username }) => password === "secret" ? { user: String(username), clientData: { admin: true } } : undefined,
      client: { credentials: { username: "ann", password: "secret" } }
    })
    await Effect.runPromise(
      Effect.gen(function*() {
        const { records } = yield* Deepstream
        yield* TestClock.adjust("5 hours")
        yield* records.upsert("r", { a: 1 }, { acknowledge: true })
        expect((yield* DeepstreamTest).node.users).toEqual(["ann"])
      }).pipe(Effect.provide(layer), Effect.provide(TestClock.layer()))
    )
    const refused = DeepstreamTest.layer({ logIn: () => undefined })
    expect(String(await Effect.runPromise(Effect.scoped(Effect.flip(Layer.build(refused)))))).toContain("DeepstreamError")
  })
})
