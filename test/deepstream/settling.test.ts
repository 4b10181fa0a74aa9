/** Every public call ends: with a right value or a typed error, whichever message is lost, and wherever the connection is cut. */
import { type DeepstreamClient, DeepstreamError, RpcRejected } from "@wirewright/deepstream"
import { make } from "../../packages/deepstream/src/Deepstream.ts"
import { type Fate, WebSockets } from "@wirewright/testing"
import { Cause, Deferred, Effect, Exit, Fiber, Logger, Option, Scope, type Stream } from "effect"
import { Stream as Streams } from "effect"
import { Socket } from "effect/socket"
import { TestClock } from "effect/testing"
import { describe, expect, it } from "vitest"
import { oblige } from "./Obliging.ts"
import { pass } from "./specs/World.ts"

const url = "ws://server/deepstream"

type Call = (client: DeepstreamClient) => Effect.Effect<unknown, DeepstreamError, Scope.Scope>

/** A stream is settled when its subscription is. */
const ready = <A>(
  start: (onReady: Effect.Effect<void>) => Stream.Stream<A, DeepstreamError>
): Effect.Effect<string, DeepstreamError, Scope.Scope> =>
  Effect.gen(function*() {
    const done = yield* Deferred.make<string, DeepstreamError>()
    const stream = start(Effect.asVoid(Deferred.succeed(done, "ready")))
    yield* Effect.forkScoped(
      Effect.onExit(Streams.runDrain(stream), (exit) => Exit.isFailure(exit) ? Deferred.failCause(done, exit.cause) : Effect.void),
      { startImmediately: true }
    )
    return yield* Deferred.await(done)
  })

/** Every call of the API, and what it ends with when nothing goes wrong. */
const calls: ReadonlyArray<readonly [string, unknown, Call]> = [
  ["login", { id: "me" }, (ds) => ds.login({ user: "me" })],
  ["logout", undefined, (ds) => ds.logout],
  ["queued", expect.objectContaining({ messages: expect.any(Number) }), (ds) => ds.queued],
  ["events.emit", undefined, ({ events }) => events.emit("news", 1)],
  ["events.subscribe", "ready", ({ events }) => ready((onReady) => events.subscribe("news", { onReady }))],
  ["events.listen", "ready", ({ events }) => ready((onReady) => events.listen("n.*", { onReady }))],
  ["records.open", "r", ({ records }) => Effect.map(records.open("r"), ({ name }) => name)],
  ["records.acquire", undefined, ({ records }) => Effect.flatMap(records.acquire("r"), (record) => record.ready)],
  ["records.openList", expect.anything(), ({ records }) => Effect.flatMap(records.openList("r"), (list) => Effect.exit(list.entries))],
  ["records.anonymous", undefined, ({ records }) => Effect.flatMap(records.anonymous(), (record) => record.setName("r"))],
  ["records.snapshot", { name: "r", n: 1 }, ({ records }) => records.snapshot("r")],
  ["records.has", true, ({ records }) => records.has("r")],
  ["records.head", Option.some(3), ({ records }) => records.head("r")],
  ["records.upsert", undefined, ({ records }) => records.upsert("r", { a: 1 })],
  ["records.upsert, acknowledged", "stored", ({ records }) => records.upsert("r", { a: 1 }, { acknowledge: true })],
  ["records.upsertAt, acknowledged", "stored", ({ records }) => records.upsertAt("r", "a", 1, { acknowledge: true })],
  ["records.delete", undefined, ({ records }) => records.delete("r")],
  ["records.listen", "ready", ({ records }) => ready((onReady) => records.listen("r.*", { onReady }))],
  ["record.get", { name: "r", n: 1 }, ({ records }) => Effect.flatMap(records.open("r"), (record) => record.get)],
  ["record.getAt", 1, ({ records }) => Effect.flatMap(records.open("r"), (record) => record.getAt("n"))],
  ["record.version", 3, ({ records }) => Effect.flatMap(records.open("r"), (record) => record.version)],
  ["record.hasProvider", false, ({ records }) => Effect.flatMap(records.open("r"), (record) => record.hasProvider)],
  ["record.set", undefined, ({ records }) => Effect.flatMap(records.open("r"), (record) => record.set({ x: 1 }))],
  [
    "record.set, acknowledged",
    "stored",
    ({ records }) => Effect.flatMap(records.open("r"), (record) => record.set({ x: 1 }, { acknowledge: true }))
  ],
  [
    "record.set before it was read",
    "stored",
    ({ records }) => Effect.flatMap(records.acquire("r"), (record) => record.set({ x: 1 }, { acknowledge: true }))
  ],
  [
    "record.patch, acknowledged",
    "stored",
    ({ records }) => Effect.flatMap(records.open("r"), (record) => record.patch("n", 2, { acknowledge: true }))
  ],
  [
    "record.changes",
    [{ name: "r", n: 1 }],
    ({ records }) => Effect.flatMap(records.acquire("r"), (record) => Streams.runCollect(Streams.take(record.changes(), 1)))
  ],
  [
    "record.changesAt",
    [1],
    ({ records }) => Effect.flatMap(records.acquire("r"), (record) => Streams.runCollect(Streams.take(record.changesAt("n"), 1)))
  ],
  ["record.delete", undefined, ({ records }) => Effect.flatMap(records.open("r"), (record) => record.delete)],
  [
    "list.add, acknowledged",
    "stored",
    ({ records }) =>
      Effect.flatMap(
        records.openList("r"),
        (list) => Effect.andThen(list.set(["a"], { acknowledge: true }), list.add("b", { acknowledge: true }))
      )
  ],
  ["rpc.request", "abc", ({ rpc }) => rpc.request("echo", "abc")],
  ["rpc.provide", undefined, ({ rpc }) => rpc.provide("echo", () => Effect.fail(new RpcRejected()))],
  ["presence.all", ["ann", "bob"], ({ presence }) => presence.all],
  ["presence.online", new Map([["ann", true], ["eve", false]]), ({ presence }) => presence.online(["ann", "eve"])],
  ["presence.changes", "ready", ({ presence }) => ready((onReady) => presence.changes({ onReady }))],
  ["presence.changesOf", "ready", ({ presence }) => ready((onReady) => presence.changesOf("ann", { onReady }))]
]

/** What is done to the message of a number, counted over both directions from the start of the connection. */
type Fault = "none" | "drop" | "cut" | "cutForGood"

interface Played {
  readonly exit: Exit.Exit<unknown, DeepstreamError> | undefined
  readonly messages: number
}

const deadline = 300

/** Plays a call against a server that does all it is asked for, with one fault. The call is made at once, the login beside it. */
const play = (call: Call, fault: Fault, at: number): Effect.Effect<Played> =>
  Effect.gen(function*() {
    let messages = 0
    let stop = (): void => {}
    const fate = (frame: string): Fate => {
      const parts = frame.split("\x1e").slice(0, -1).map((part) => `${part}\x1e`)
      const hit = fault === "none" ? -1 : at - messages
      messages += parts.length
      if (hit < 0 || hit >= parts.length) return "deliver"
      if (fault === "drop") return { replace: parts.filter((_, index) => index !== hit).join("") }
      if (fault === "cutForGood") stop()
      return { replace: parts.slice(0, hit).join(""), cut: true }
    }
    const network = new WebSockets({ fate })
    stop = oblige(network, url)
    const scope = yield* Scope.make()
    const client = yield* make({
      url,
      subscriptionTimeout: deadline,
      recordReadAckTimeout: deadline,
      recordReadTimeout: deadline,
      recordDeleteTimeout: deadline,
      recordWriteTimeout: deadline,
      rpcAckTimeout: deadline,
      rpcResponseTimeout: deadline,
      presenceTimeout: deadline,
      connectTimeout: deadline,
      loginTimeout: deadline,
      heartbeatInterval: 100_000,
      reconnect: { initialDelay: 20, maxDelay: 40, jitter: false }
    }).pipe(Scope.provide(scope), Effect.provideService(Socket.WebSocketConstructor, network.dial), Effect.orDie)
    yield* Effect.forkIn(Effect.exit(client.login({ user: "me" })), scope, { startImmediately: true })
    const fiber = yield* Effect.forkIn(Effect.exit(Scope.provide(call(client), scope)), scope, { startImmediately: true })
    let exit: Exit.Exit<unknown, DeepstreamError> | undefined
    // a call may be several waits one after another
    for (let waited = 0; waited < deadline * 5 && exit === undefined; waited += 20) {
      yield* pass(20)
      const polled = fiber.pollUnsafe()
      if (polled !== undefined && Exit.isSuccess(polled)) exit = polled.value
    }
    const played = { exit, messages }
    yield* Fiber.interrupt(fiber)
    yield* Scope.close(scope, Exit.void)
    return played
  })

const run = <A>(effect: Effect.Effect<A>): Promise<A> =>
  Effect.runPromise(effect.pipe(Effect.provide(TestClock.layer()), Effect.provide(Logger.layer([]))))

/** Why the outcome is neither right nor a typed error; undefined when it is one of both. */
const wrongWith = (exit: Played["exit"], right: unknown): string | undefined => {
  if (exit === undefined) return "never settled"
  if (Exit.isSuccess(exit)) {
    try {
      expect(exit.value).toEqual(right)
      return undefined
    } catch {
      return `succeeded with ${JSON.stringify(exit.value)}`
    }
  }
  const error = Cause.squash(exit.cause)
  return error instanceof DeepstreamError ? undefined : `failed with ${String(error)}`
}

describe("every call of the client", () => {
  let cases = 0
  let failures = 0

  it.each(calls)("%s settles", async (_name, right, call) => {
    const clean = await run(play(call, "none", 0))
    expect(wrongWith(clean.exit, right)).toBeUndefined()
    expect(clean.exit !== undefined && Exit.isSuccess(clean.exit)).toBe(true)
    const wrong: Array<string> = []
    for (const fault of ["drop", "cut", "cutForGood"] as const) {
      for (let at = 0; at < clean.messages; at++) {
        const { exit } = await run(play(call, fault, at))
        cases++
        if (exit !== undefined && Exit.isFailure(exit)) failures++
        const words = wrongWith(exit, right)
        if (words !== undefined) wrong.push(`${fault} at message ${at}: ${words}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it("was cut and robbed often, and not always in vain", () => {
    expect(cases).toBeGreaterThan(600)
    expect(failures).toBeGreaterThan(100)
  })
})
