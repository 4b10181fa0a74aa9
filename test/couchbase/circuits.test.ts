/** Circuits of nodes, in virtual time: when they open, what is refused meanwhile, who finds out that a node is back, and what is told of it. */
import { assert, describe, it } from "@effect/vitest"
import { type CircuitBreakerOptions, KvClient, type KvClientOptions, type KvCommands, type KvError } from "@wirewright/couchbase"
import { clientRows } from "@wirewright/connection/MetricTable"
import { CouchbaseTest, passTime } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import { TestClock } from "effect/testing"

const vbuckets = 8

interface Told {
  readonly lines: Array<string>
}

/** A client with circuits, and three nodes. Every operation is one attempt, so that attempts can be counted. */
const run = <A, E>(
  program: (told: Told) => Effect.Effect<A, E, KvClient | CouchbaseTest>,
  circuitBreaker: CircuitBreakerOptions | "none" = {},
  client: Partial<KvClientOptions> = {}
): Promise<A> => {
  const told: Told = { lines: [] }
  const logger = Logger.make(({ message }) => void told.lines.push(String(message)))
  const options = { retry: { attempts: 1 }, ...circuitBreaker === "none" ? {} : { circuitBreaker }, ...client }
  return Effect.runPromise(
    program(told).pipe(
      Effect.provide(CouchbaseTest.layer({ nodes: 3, vbuckets, client: options })),
      Effect.provide(Logger.layer([logger])),
      Effect.provide(TestClock.layer()),
      Effect.provideService(Metric.MetricRegistry, new Map())
    )
  )
}

/** A key of a node, by the number of the node. */
const keyAt = (kv: KvCommands, node: number): Effect.Effect<string> =>
  Effect.map(kv.clusterMap, (found) => {
    const { vbuckets } = Option.getOrThrow(found)
    for (let n = 0;; n++) if (vbuckets[vbucketOfKey(`key ${n}`, vbuckets.length)]![0] === node) return `key ${n}`
  })

/** CRC-32 as IEEE 802.3 has it, of which a vbucket is the upper half. */
const vbucketOfKey = (key: string, count: number): number => {
  let crc = 0xffffffff
  for (const byte of new TextEncoder().encode(key)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0xedb88320 : crc >>> 1
  }
  return ((~crc >>> 16) & 0x7fff) % count
}

/** Lets time pass until something is done. */
const passing = <A, E, R>(effect: Effect.Effect<A, E, R>, time: string = "5 seconds") =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(Effect.exit(effect))
    yield* passTime(time as "5 seconds", "50 millis")
    return yield* Effect.flatten(Effect.map(Fiber.join(fiber), (exit) => exit))
  })

/** What an operation fails of, at once: no time passes. */
const atOnce = <A>(effect: Effect.Effect<A, KvError>): Effect.Effect<KvError["reason"] | undefined> =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(Effect.exit(effect))
    yield* passTime(0)
    const exit = fiber.pollUnsafe()
    assert.isDefined(exit, "it waits")
    return Exit.isSuccess(yield* Fiber.join(fiber)) ? undefined : Option.getOrThrow(Exit.findErrorOption(yield* Fiber.join(fiber))).reason
  })

/** A key of a node that was there, and is not any more. */
const killed = Effect.gen(function*() {
  const kv = yield* KvClient
  const { cluster, link } = yield* CouchbaseTest
  const key = yield* keyAt(kv, 1)
  yield* kv.upsert(key, 1)
  cluster.kill(1)
  return { cluster, key, kv, link }
})

/** Fails `count` operations at a node that is down. */
const failAt = (kv: KvCommands, key: string, count: number) =>
  Effect.forEach(
    Array.from({ length: count }),
    () => Effect.map(passing(Effect.flip(kv.get(key)), "600 millis"), ({ reason }) => reason._tag)
  )

describe("a node that is down", () => {
  it("opens its circuit with the twentieth attempt; then nothing is asked of it, and the others are asked", () =>
    run(({ lines }) =>
      Effect.gen(function*() {
        const { key: here, kv, link } = yield* killed
        const there = yield* keyAt(kv, 0)
        // the write was an attempt, too
        assert.deepStrictEqual(new Set(yield* failAt(kv, here, 19)), new Set(["ConnectionLost"]))
        const { made } = link
        const reason = yield* atOnce(kv.get(here))
        assert.strictEqual(reason!._tag, "CircuitOpen")
        const { retryAfter } = reason as Extract<KvError["reason"], { readonly _tag: "CircuitOpen" }>
        assert.isTrue(retryAfter > 4_000 && retryAfter <= 5_000, `${retryAfter} ms`)
        assert.strictEqual((yield* atOnce(kv.upsert(here, 1)))!._tag, "CircuitOpen")
        assert.strictEqual((yield* atOnce(kv.getMany([here, there])))!._tag, "CircuitOpen")
        assert.strictEqual(link.made, made)
        yield* kv.upsert(there, 2)
        const { endpoints } = yield* kv.diagnostics()
        assert.match(endpoints[1]!.details!, /lost.*; its circuit is open for another \d+ ms$/)
        assert.deepStrictEqual(lines.filter((line) => line.startsWith("circuit")), ["circuit opened"])
      })
    ))

  it("is asked once when the time is over, and everything is asked of it again when it answers", () =>
    run(({ lines }) =>
      Effect.gen(function*() {
        const { cluster, key, kv } = yield* killed
        yield* failAt(kv, key, 20)
        yield* passTime("5 seconds")
        // still down: the canary fails, and the circuit is open for as long again
        assert.deepStrictEqual(yield* failAt(kv, key, 1), ["ConnectionLost"])
        assert.strictEqual((yield* atOnce(kv.get(key)))!._tag, "CircuitOpen")
        cluster.state.restart(1)
        assert.strictEqual((yield* atOnce(kv.get(key)))!._tag, "CircuitOpen")
        yield* passTime("5 seconds")
        assert.isTrue(Option.isSome(yield* passing(kv.get(key))))
        assert.isTrue(Option.isSome(yield* passing(kv.get(key))))
        assert.deepStrictEqual(lines.filter((line) => line.startsWith("circuit")), ["circuit opened", "circuit opened", "circuit closed"])
        const counted = (yield* Metric.snapshot).filter(({ id }) => id === clientRows.circuits.name)
        const moves = counted.map(({ attributes, state }) =>
          [attributes?.["wirewright.circuit.state"], "count" in state ? Number(state.count) : undefined] as const
        )
        assert.deepStrictEqual(Object.fromEntries(moves), { open: 2, "half-open": 2, closed: 1 })
      })
    ))

  it("has no circuit unless one is asked for", () =>
    run(() =>
      Effect.gen(function*() {
        const { key, kv } = yield* killed
        assert.deepStrictEqual(new Set(yield* failAt(kv, key, 40)), new Set(["ConnectionLost"]))
      }), "none"))

  it("is not waited for when its vbuckets come to another one", () =>
    run(() =>
      Effect.gen(function*() {
        const { cluster, key, kv } = yield* killed
        yield* failAt(kv, key, 20)
        assert.strictEqual((yield* atOnce(kv.get(key)))!._tag, "CircuitOpen")
        cluster.failover(1)
        yield* passTime("100 millis")
        assert.isUndefined(yield* atOnce(kv.upsert(key, 2)))
      })
    ))
})

describe("a node that does not answer", () => {
  it("is waited for until its circuit opens, and one request at a time finds out whether it is back", () =>
    run(() =>
      Effect.gen(function*() {
        const kv = yield* KvClient
        const { link } = yield* CouchbaseTest
        const key = yield* keyAt(kv, 0)
        yield* kv.upsert(key, 1)
        link.freeze()
        const together = Effect.forEach(Array.from({ length: 20 }), () => Effect.flip(kv.get(key)), { concurrency: "unbounded" })
        const reasons = (yield* passing(together, "3 seconds")).map(({ reason }) => reason._tag)
        assert.deepStrictEqual(new Set(reasons), new Set(["RequestTimeout"]))
        assert.strictEqual((yield* atOnce(kv.get(key)))!._tag, "CircuitOpen")
        assert.strictEqual((yield* atOnce(kv.getMany([key])))!._tag, "CircuitOpen")
        yield* passTime("5 seconds")
        const canary = yield* Effect.forkChild(Effect.flip(kv.get(key)))
        yield* passTime("10 millis")
        const other = yield* atOnce(kv.get(key))
        assert.deepStrictEqual([other!._tag, "retryAfter" in other! ? other.retryAfter : undefined], ["CircuitOpen", 0])
        yield* passTime("3 seconds")
        assert.include(["RequestTimeout", "PeerStalled"], (yield* Fiber.join(canary)).reason._tag)
        assert.strictEqual((yield* atOnce(kv.get(key)))!._tag, "CircuitOpen")
      })
    ))
})

describe("a circuit stays closed", () => {
  it("while too little was asked, and for ever when the node answers, whatever it answers", () =>
    run(() =>
      Effect.gen(function*() {
        const kv = yield* KvClient
        const { cluster } = yield* CouchbaseTest
        const key = yield* keyAt(kv, 1)
        yield* kv.upsert(key, 1)
        yield* kv.getAndLock(key)
        for (let n = 0; n < 30; n++) {
          assert.strictEqual((yield* Effect.flip(kv.upsert(key, 2))).reason._tag, "Locked")
          assert.strictEqual((yield* Effect.flip(kv.insert(key, 2))).reason._tag, "Exists")
        }
        // 62 answers, so that it takes 62 failures to be half of all
        cluster.kill(1)
        assert.deepStrictEqual(new Set(yield* failAt(kv, key, 62)), new Set(["ConnectionLost"]))
        assert.strictEqual((yield* atOnce(kv.get(key)))!._tag, "CircuitOpen")
      }), { lastAttempts: 1_000 }))

  it("when what failed is longer ago than is remembered", () =>
    run(() =>
      Effect.gen(function*() {
        const kv = yield* KvClient
        const { cluster } = yield* CouchbaseTest
        const key = yield* keyAt(kv, 1)
        yield* passing(Effect.ignore(kv.get(key)))
        cluster.kill(1)
        yield* failAt(kv, key, 18)
        yield* passTime("61 seconds")
        assert.deepStrictEqual(new Set(yield* failAt(kv, key, 19)), new Set(["ConnectionLost"]))
        yield* failAt(kv, key, 1)
        assert.strictEqual((yield* atOnce(kv.get(key)))!._tag, "CircuitOpen")
      })
    ))

  it("unless the options make sense", () =>
    run(() =>
      Effect.gen(function*() {
        const { link, node } = yield* CouchbaseTest
        const seeds = [{ host: node.host, port: node.port }] as const
        const options = { seeds, bucket: "default", dial: link.dial, circuitBreaker: { errorThresholdPercentage: 200 } }
        const { reason } = yield* passing(Effect.flip(Effect.scoped(KvClient.make(options))))
        assert.deepStrictEqual([reason._tag, "message" in reason && reason.message.includes("threshold")], ["InvalidRequest", true])
      })
    ))
})
