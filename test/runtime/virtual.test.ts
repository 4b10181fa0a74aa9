/**
 * Whole conversations of each protocol in virtual time: no socket is opened, hours pass, and what happens happens to the millisecond. Each is
 * played by Effect's `TestClock` and by the virtual clock of a whole process; both tell the same story.
 */
import { Client, Server } from "@wirewright/connection"
import { MemoryLink } from "@wirewright/connection/testing"
import { KvClient as CouchbaseClient } from "@wirewright/couchbase"
import { Dcp } from "@wirewright/dcp"
import { Deepstream } from "@wirewright/deepstream"
import { encode } from "@wirewright/deepstream/gen"
import * as Acme from "@wirewright/examples/gen"
import { classicHandlers, KvClient, type KvClientOptions, refusal, serveMemcached } from "@wirewright/memcached"
import { pair, type ServerSocket, WebSockets } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { oblige } from "../deepstream/Obliging.ts"
import { byTestClock, byVirtualProcess, now, pass, type Program } from "./Virtual.fixture.ts"

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (value: Uint8Array): string => new TextDecoder().decode(value)

/** Plays a conversation in both ways. What it returns must be the same, and the hours must have passed. */
const conversation = <A, E>(name: string, hours: number, program: Program<A, E>, check: (story: A) => void): void =>
  it(`${name}, ${hours} h`, async () => {
    const timed = Effect.gen(function*() {
      const begun = yield* now
      const story = yield* program
      return { story, passed: (yield* now) - begun }
    })
    const { network, value } = await byTestClock(timed)
    expect(network).toEqual([])
    check(value.story)
    expect(value.passed).toBeGreaterThanOrEqual(hours * hour)
    expect(await byVirtualProcess(timed)).toEqual(value)
  })

/** Notes when an effect ends, and with what. */
const ending = <A, E>(effect: Effect.Effect<A, E>, ended: Array<readonly [number, unknown]>, told: (outcome: A | E) => unknown) =>
  Effect.forkChild(
    Effect.flatMap(
      Effect.match(effect, { onFailure: told, onSuccess: told }),
      (outcome) => Effect.map(now, (at) => void ended.push([at, outcome]))
    )
  )

describe("the fixture", () => {
  it("sees a socket", async () => {
    const opened = Server.make(Acme, classicHandlers({}) as never)
    const { network } = await byTestClock(opened)
    expect(network).toContain("TCPSERVERWRAP")
    await expect(byVirtualProcess(opened)).rejects.toMatchObject({ reason: "NotVirtual" })
  })
})

describe("memcached", () => {
  const begun = (options: KvClientOptions = {}) =>
    Effect.gen(function*() {
      const items = new Map<string, Uint8Array>()
      const server = yield* serveMemcached({
        get: ({ key }) => {
          const value = items.get(key)
          const found = value === undefined ? Effect.fail(refusal(1)) : Effect.succeed({ value })
          return key === "slow" ? Effect.delay(found, "50 minutes") : found
        },
        set: ({ key, value }) => Effect.sync(() => (items.set(key, value.slice()), { cas: 1n }))
      }, { listen: false, idleTimeout: "100 hours" })
      const link = yield* MemoryLink.make(server.accept)
      const dials: Array<number> = []
      const clock = yield* Effect.clockWith(Effect.succeed)
      const dial: typeof link.dial = (to) => {
        dials.push(Number(clock.monotonicTimeNanosUnsafe()) / 1e6)
        return link.dial(to)
      }
      const kv = yield* KvClient.make({ ...link.transport, dial, protocol: "meta", maxSilence: "3 hours", ...options })
      return { server, link, dials, kv }
    })

  conversation(
    "a document is set and got; one that is not told within minutes is given up then, and its late answer is dropped",
    1,
    Effect.gen(function*() {
      const { kv, server } = yield* begun({ requestTimeout: "42 minutes" })
      yield* kv.set("k", "v")
      const got = Option.map(yield* kv.get("k"), ({ value }) => textOf(value))
      const ended: Array<readonly [number, unknown]> = []
      yield* ending(kv.get("slow"), ended, (outcome) => "reason" in outcome ? outcome.reason : "an answer")
      yield* pass(42 * minute - 1)
      const before = [...ended]
      yield* pass(1)
      // answers come in the order of the requests
      yield* ending(kv.get("k"), ended, (outcome) => Option.isOption(outcome) && Option.isSome(outcome))
      yield* pass("1 hour")
      const { lateAnswers } = yield* kv.counters
      return { got: Option.getOrNull(got), before, ended, lateAnswers, requests: server.counters.requests }
    }),
    (story) =>
      expect(story).toEqual({
        got: "v",
        before: [],
        ended: [[42 * minute, expect.objectContaining({ _tag: "RequestTimeout", milliseconds: 42 * minute })], [50 * minute, true]],
        lateAnswers: 1,
        requests: 4
      })
  )

  conversation(
    "attempts to connect again come after 50 ms and twice as long each time, up to 5 s; requests wait as long as they may",
    2,
    Effect.gen(function*() {
      const { dials, kv, link } = yield* begun({ requestTimeout: "10 minutes", reconnect: { jitter: false } })
      yield* pass("1 hour")
      link.refuses = true
      link.cut()
      const ended: Array<readonly [number, unknown]> = []
      yield* pass(1)
      yield* ending(kv.set("k", "1"), ended, (outcome) => outcome !== undefined && "reason" in outcome ? outcome.reason._tag : "set")
      yield* pass("30 minutes")
      const tries = dials.filter((at) => at >= hour && at < hour + minute).map((at) => at - hour)
      yield* ending(kv.set("k", "2"), ended, (outcome) => outcome !== undefined && "reason" in outcome ? outcome.reason._tag : "set")
      link.refuses = false
      yield* pass("30 minutes")
      return {
        first: dials[0],
        tries,
        ended,
        after: Option.isSome(yield* kv.get("k")),
        again: dials.filter((at) => at > 1.5 * hour).length
      }
    }),
    (story) => {
      const wait = [50, 100, 200, 400, 800, 1_600, 3_200, ...Array.from({ length: 10 }, () => 5_000)]
      const tries = wait.reduce<Array<number>>((at, one) => [...at, at.at(-1)! + one], [0])
      expect(story).toEqual({
        first: 0,
        tries: tries.filter((at) => at < minute),
        ended: [[hour + 1 + 10 * minute, "ConnectFailed"], [expect.any(Number), "set"]],
        after: true,
        again: 1
      })
      const [[, [at] = [0]] = []] = [story.ended as ReadonlyArray<readonly [number, unknown]>]
      expect(at - 1.5 * hour).toBeGreaterThan(0)
      expect(at - 1.5 * hour).toBeLessThanOrEqual(5_001)
    }
  )
})

describe("Couchbase", () => {
  const begun = (nodes: number) =>
    Effect.gen(function*() {
      const { bucket, cluster, link, node } = yield* pair({ nodes, vbuckets: 4 })
      const kv = yield* CouchbaseClient.make({
        seeds: [{ host: node.host, port: node.port }],
        bucket: "default",
        dial: link.dial,
        timeout: "1 hour"
      })
      return { bucket, cluster, link, kv }
    })

  conversation(
    "bootstrap, a document that another has locked, one that expires, one whose vbucket moves",
    3,
    Effect.gen(function*() {
      const { cluster, kv, link } = yield* begun(2)
      yield* kv.upsert("k", { n: 1 })
      const locked = Option.getOrThrow(yield* kv.getAndLock("k", { lock: "20 seconds" }))
      const ended: Array<readonly [number, unknown]> = []
      yield* ending(kv.upsert("k", { n: 2 }), ended, (outcome) => "reason" in outcome ? outcome.reason._tag : "set")
      yield* pass("1 minute")
      const after = Option.map(yield* kv.get("k"), ({ value }) => textOf(value))
      // more than 30 days are a moment: that of the clock
      yield* kv.upsert("hour", "1", { expiry: "1 hour" })
      yield* kv.upsert("days", "1", { expiry: "31 days" })
      const expiries = yield* Effect.forEach(
        ["hour", "days"],
        (key) => Effect.map(kv.metadata(key), (found) => Option.getOrThrow(found).expiry)
      )
      yield* pass(hour - 1)
      const there = Option.isSome(yield* kv.get("hour"))
      yield* pass(1)
      const gone = Option.isNone(yield* kv.get("hour"))
      for (let vbucket = 0; vbucket < 4; vbucket++) cluster.move("default", vbucket, 1)
      const redirected = yield* Effect.forkChild(kv.upsert("k", { n: 3 }))
      yield* pass("1 second")
      yield* Fiber.join(redirected)
      const moved = cluster.nodes.map(({ server }) => server.counters.requests)
      yield* pass("2 hours")
      // parts of a millisecond, which jitter has, are for `TestClock` alone
      const halves = ended.map(([at, outcome]) => [Math.floor(at / 500), outcome])
      return {
        cas: locked.cas > 0n,
        ended: halves,
        after: Option.getOrNull(after),
        expiries,
        there,
        gone,
        moved: moved[1]! > 0,
        made: link.made
      }
    }),
    (story) => {
      expect(story).toMatchObject({ cas: true, after: "{\"n\":2}", there: true, gone: true, moved: true })
      // the lock ends after 20 seconds; the client looks twice a second by then
      expect(story.ended).toEqual([[40, "set"]])
      expect(story.expiries).toEqual([3600 + 60, 31 * 24 * 3600 + 60])
    }
  )
})

describe("DCP", () => {
  conversation(
    "a snapshot, NOOPs, a connection that is dead without a word, and the rest on another one",
    3,
    Effect.gen(function*() {
      const said: Array<readonly [number, string]> = []
      const clock = yield* Effect.clockWith(Effect.succeed)
      const { bucket, layer, link } = yield* pair({
        vbuckets: 2,
        script: (_, packet) => {
          if (packet._tag === "DcpNoopResponse" || packet._tag === "DcpStreamRequest") {
            said.push([Number(clock.monotonicTimeNanosUnsafe()) / 1e6, packet._tag])
          }
          return false
        }
      })
      const store = (vbucket: number, key: string) => bucket.store.set(bucket.store.space(vbucket), key, { value: Buffer.from("v") })
      for (let i = 0; i < 10; i++) store(i % 2, `k${i}`)
      const seen: Array<string> = []
      yield* Effect.forkScoped(
        Dcp.changes({ noopInterval: "20 seconds" }).pipe(
          Stream.runForEach((event) => Effect.sync(() => event._tag === "Mutation" && seen.push(event.key))),
          Effect.provide(layer)
        )
      )
      yield* pass("1 second")
      const snapshot = [...seen].sort()
      yield* pass("1 hour")
      const noops = said.filter(([, tag]) => tag === "DcpNoopResponse").map(([at]) => at)
      const connections = link.made
      link.freeze()
      store(0, "lost on the way")
      yield* pass("1 hour")
      const again = said.filter(([at, tag]) => tag === "DcpStreamRequest" && at > hour).map(([at]) => at)
      store(1, "later")
      yield* pass("1 hour")
      return { snapshot, noops, connections, again, after: seen.slice(10).sort(), made: link.made }
    }),
    (story) => {
      expect(story.snapshot).toEqual(Array.from({ length: 10 }, (_, i) => `k${i}`))
      // one every 20 seconds from the first stream request on, to the millisecond
      expect(story.noops).toHaveLength(180)
      const [first] = story.noops
      expect(story.noops).toEqual(Array.from({ length: 180 }, (_, i) => first! + i * 20 * second))
      // two intervals after the last byte, and a look every quarter of one
      const heard = story.noops.at(-1)!
      expect(story.again).toHaveLength(2)
      expect(story.again[0]! - heard).toBeGreaterThanOrEqual(40 * second)
      expect(story.again[0]! - heard).toBeLessThanOrEqual(50 * second)
      expect(story.after).toEqual(["later", "lost on the way"])
      expect(story.made).toBe(story.connections + 1)
    }
  )
})

describe("deepstream", () => {
  conversation(
    "challenge, login, a record; a server that no longer pings is left, and the record is read again",
    3,
    Effect.gen(function*() {
      const network = new WebSockets()
      const connections: Array<readonly [number, ServerSocket]> = []
      const clock = yield* Effect.clockWith(Effect.succeed)
      const at = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      oblige(network, "ws://memory/deepstream", (socket) => connections.push([at(), socket]))
      let pings = true
      yield* Effect.forkScoped(Effect.forever(Effect.andThen(
        Effect.sleep("30 seconds"),
        Effect.sync(() => pings && connections.at(-1)![1].send(encode({ _tag: "ConnectionPing" })))
      )))
      const client = yield* Deepstream.make({
        url: "ws://memory/deepstream",
        credentials: {},
        reconnect: { jitter: false, initialDelay: "4 seconds" }
      }).pipe(Effect.provideService(Socket.WebSocketConstructor, network.dial))
      const problems: Array<readonly [number, string]> = []
      yield* Effect.forkScoped(
        Stream.runForEach(client.problems, ({ reason }) => Effect.sync(() => void problems.push([at(), reason.code])))
      )
      const record = yield* client.records.open("user/ada")
      const read = yield* record.get
      // not at the time of a ping, when it would matter what comes first
      yield* pass(hour + 10 * second)
      const quiet = { problems: [...problems], connections: connections.length }
      pings = false
      yield* pass("49 seconds")
      const before = connections.length
      yield* pass("1 hour")
      pings = true
      yield* pass("1 hour")
      const asked = connections.map(([, { received }]) => received.join("").includes("user/ada"))
      return { read, quiet, before, times: connections.map(([at]) => at), problems, asked }
    }),
    (story) => {
      expect(story.read).toEqual({ name: "user/ada", n: 1 })
      expect(story.quiet).toEqual({ problems: [], connections: 1 })
      expect(story.before).toBe(1)
      // two intervals of 30 s after the last ping, then every time the same: nothing is heard after the login; one that lasted is opened at once
      expect(story.times.slice(0, 3)).toEqual([0, hour + 60 * second, hour + 120 * second])
      expect(story.problems.slice(0, 2)).toEqual([[hour + 60 * second, "connectionError"], [hour + 120 * second, "connectionError"]])
      expect(story.asked.every((one) => one)).toBe(true)
      // once it pings again, it is not left any more
      expect(story.times.at(-1)!).toBeLessThan(2 * hour + 35 * second + minute)
    }
  )
})

describe("a protocol of one's own", () => {
  const handlers = {
    LengthOf: ({ key }: Acme.LengthOf) => Effect.delay(Effect.succeed({ length: key.length }), `${key.length} minutes`),
    ...classicHandlers({
      get: ({ key }) => Effect.succeed({ value: bytes(key) }),
      stats: () => Effect.succeed(Array.from({ length: 3_000 }, (_, i): [string, string] => [`n${i}`, String(i)]))
    })
  }

  conversation(
    "calls that take minutes, many answers to a reader who takes an hour, a server that ends idle connections",
    3,
    Effect.gen(function*() {
      const server = yield* Server.make(Acme, handlers, { listen: false, maxInFlight: 10 })
      const link = yield* MemoryLink.make(server.accept)
      const acme = yield* Client.make(Acme, { ...link.transport, requestTimeout: "4 minutes", maxSilence: "1 hour", connections: 2 })
      const ended: Array<readonly [number, unknown]> = []
      for (const key of ["12", "1234567"]) {
        yield* ending(acme.call(Acme.LengthOf, { key }), ended, (outcome) => "length" in outcome ? outcome.length : outcome._tag)
      }
      yield* pass("10 minutes")
      const slow = Stream.tap(
        acme.stream(Acme.Stat, { group: "" }),
        ({ name }) => name.endsWith("00") ? Effect.sleep("2 minutes") : Effect.void
      )
      const reading = yield* Effect.forkChild(Stream.runCount(slow))
      yield* pass("2 hours")
      const count = yield* Fiber.join(reading)
      const { accepted } = server.counters
      yield* pass("1 hour")
      return { ended, count, idle: server.counters.accepted - accepted, answer: (yield* acme.call(Acme.Get, { key: "k" })).value }
    }),
    ({ answer, count, ended, idle }) => {
      expect(ended).toEqual([[2 * minute, 2], [4 * minute, "ConnectionError"]])
      expect(count).toBe(3_000)
      // two connections, each ended after 5 idle minutes and a look every second, and at once made again
      expect(idle).toBeGreaterThanOrEqual(22)
      expect(idle).toBeLessThanOrEqual(24)
      expect(textOf(answer)).toBe("k")
    }
  )
})
