/** What the laws of the interfaces do not ask of the layers over a `CasStore`: limits, failures half way, what servers cannot do. */
import { KvClient as CouchbaseClient } from "@wirewright/couchbase"
import * as Couchbase from "@wirewright/couchbase/persistence"
import { serveMemcachedNode } from "@wirewright/embedded"
import { KvClient } from "@wirewright/memcached"
import * as Memcached from "@wirewright/memcached/persistence"
import { pair } from "@wirewright/testing"
import { MemoryLink } from "@wirewright/connection/testing"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { KeyValueStore } from "effect/persistence/KeyValueStore"
import { PersistedQueueStore } from "effect/persistence/PersistedQueue"
import { BackingPersistence } from "effect/persistence/Persistence"
import { layerStoreMemory, RateLimiterStore } from "effect/persistence/RateLimiter"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { byTestClock, pass } from "../runtime/Virtual.fixture.ts"
import { failure } from "./Laws.ts"
import { queueTimes } from "./QueueLaws.ts"

const memcached = (options: Parameters<typeof serveMemcachedNode>[0] = {}) =>
  Effect.gen(function*() {
    const { server, store } = yield* serveMemcachedNode({ listen: false, idleTimeout: "100 hours", ...options })
    const link = yield* MemoryLink.make(server.accept)
    return { store, server, kv: yield* KvClient.make({ ...link.transport, protocol: "meta" }) }
  })

const couchbase = Effect.gen(function*() {
  const { bucket, link, node } = yield* pair({ idleTimeout: "100 hours" })
  return { bucket, kv: yield* CouchbaseClient.make({ seeds: [{ host: node.host, port: node.port }], bucket: "default", dial: link.dial }) }
})

const run = <A, E>(program: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Effect.scoped(program))

/** A store in memory whose writes can be counted and made to fail. */
const inMemory = () => {
  const values = new Map<string, Memcached.Versioned>()
  let cas = 0n
  let writes = 0
  let failing: (write: number, key: string) => boolean = () => false
  const write = (key: string, allowed: boolean, value: Uint8Array | undefined): Effect.Effect<boolean, Error> =>
    Effect.suspend(() => {
      if (failing(writes++, key)) return Effect.fail(new Error("it broke"))
      if (!allowed) return Effect.succeed(false)
      if (value === undefined) values.delete(key)
      else values.set(key, { value, cas: ++cas })
      return Effect.succeed(true)
    })
  const store: Memcached.CasStore = {
    get: (key) => Effect.sync(() => values.get(key)),
    getMany: (keys) => Effect.sync(() => new Map(keys.flatMap((key) => values.has(key) ? [[key, values.get(key)!] as const] : []))),
    set: (key, value) => Effect.asVoid(write(key, true, value)),
    add: (key, value) => Effect.suspend(() => write(key, !values.has(key), value)),
    replace: (key, value, cas) => Effect.suspend(() => write(key, values.get(key)?.cas === cas, value)),
    remove: (key, cas) => Effect.suspend(() => Effect.asVoid(write(key, cas === undefined || values.get(key)?.cas === cas, undefined))),
    keys: undefined
  }
  return {
    values,
    layers: Memcached.layersOf(Effect.succeed(store)),
    get writes() {
      return writes
    },
    fail: (when: typeof failing) => {
      failing = when
      writes = 0
    }
  }
}

describe("keys", () => {
  it("are as they are up to 240 bytes, and hashed from 241 on", () =>
    run(Effect.gen(function*() {
      const { layers, values } = inMemory()
      const kv = yield* Effect.provide(KeyValueStore, layers.layerKeyValueStore({ prefix: "p:" }))
      const [longest, longer] = ["x".repeat(238), "x".repeat(239)]
      yield* kv.set(longest, "1")
      yield* kv.set(longer, "2")
      yield* kv.set("#", "3")
      const keys = [...values.keys()]
      expect(keys[0]).toBe("p:#generation")
      expect(keys[1]).toBe(`p:${longest}`)
      // the base64url of: printf 'x%.0s' $(seq 239) | iconv -t utf-16le | sha256sum
      expect(keys[2]).toBe("p:#1nzxvUu48PuwVqYm2of9JoebjYW9VMFD2YWKXRYdcTY")
      expect(keys[3]).toMatch(/^p:#[\w-]{43}$/)
      expect(yield* Effect.forEach([longest, longer, "#"], (key) => kv.get(key))).toEqual(["1", "2", "3"])
    })))

  it("have a prefix of printable ASCII, up to 170 bytes", async () => {
    const built = (prefix: string) => Effect.runPromiseExit(Effect.scoped(Layer.build(inMemory().layers.layerKeyValueStore({ prefix }))))
    expect(Exit.isSuccess(await built("p".repeat(170)))).toBe(true)
    expect(String(await built("p".repeat(171)))).toContain("a prefix is up to 170 printable ASCII characters")
    expect(Exit.isSuccess(await built("a b"))).toBe(false)
  })
})

describe("memcached", () => {
  it("says that it cannot list keys, by name", () =>
    run(Effect.gen(function*() {
      const { kv } = yield* memcached()
      const store = yield* Effect.provide(KeyValueStore, Layer.provide(Memcached.layerKeyValueStore(), Layer.succeed(KvClient, kv)))
      for (const refused of [store.keys, store.size, store.isEmpty, store.clearPrefix("a")]) {
        expect(yield* failure(refused as Effect.Effect<unknown, Error>)).toMatchObject({ cause: { reason: "NoKeys" } })
      }
    })))

  it("refuses to change anything where items have no versions, instead of losing changes", () =>
    run(Effect.gen(function*() {
      const { kv } = yield* memcached({ versions: false })
      const client = Layer.succeed(KvClient, kv)
      const store = yield* Effect.provide(KeyValueStore, Layer.provide(Memcached.layerKeyValueStore(), client))
      yield* store.set("k", "1")
      expect(yield* store.get("k")).toBe("1")
      expect(yield* failure(store.modify("k", (value) => value))).toMatchObject({ cause: { reason: "NoVersions" } })
      const limits = yield* Effect.provide(RateLimiterStore, Layer.provide(Memcached.layerRateLimiterStore(), client))
      const consume = limits.fixedWindow({ key: "k", tokens: 1, limit: 5, refillRate: Duration.seconds(1) })
      yield* consume
      expect(yield* failure(consume)).toMatchObject({ reason: { _tag: "RateLimitStoreError", cause: { reason: "NoVersions" } } })
    })))

  it("forgets an entry by itself two seconds after it has ended", async () => {
    const { value } = await byTestClock(Effect.gen(function*() {
      const { kv } = yield* memcached()
      const layer = Layer.provide(Memcached.layerBackingPersistence(), Layer.succeed(KvClient, kv))
      const entries = yield* (yield* Effect.provide(BackingPersistence, layer)).make("s")
      yield* entries.set("k", { n: 1 }, Duration.seconds(10))
      const told: Array<readonly [object | undefined, boolean]> = []
      for (const millis of [9_999, 1, 1_000, 1_500]) {
        yield* pass(millis)
        told.push([yield* entries.get("k"), Option.isSome(yield* kv.get("persistence:s:k"))])
      }
      return told
    }))
    expect(value).toEqual([[{ n: 1 }, true], [undefined, true], [undefined, true], [undefined, false]])
  })

  it("gathers the reads of those who ask at the same time, each key once", () =>
    run(Effect.gen(function*() {
      const { kv, server } = yield* memcached()
      yield* kv.set("a", "1")
      yield* kv.set("b", "2")
      const resolver = yield* Effect.provideService(Memcached.documentResolver, KvClient, kv)
      const read = (key: string) => Effect.request(new Memcached.GetDocument({ key }), resolver)
      const before = server.counters.requests
      const found = yield* Effect.forEach(["a", "b", "none", "a"], read, { concurrency: "unbounded" })
      expect(found.map(Option.map(({ value }) => new TextDecoder().decode(value))))
        .toEqual([Option.some("1"), Option.some("2"), Option.none(), Option.some("1")])
      // three keys, and what ends the batch
      expect(server.counters.requests - before).toBe(4)
      yield* kv.quit
      expect(yield* failure(read("a"))).toMatchObject({ _tag: "MemcachedError" })
    })))
})

describe("Couchbase", () => {
  it("takes away what clear has left, and nothing of a namespace whose prefix is longer, nor of others", () =>
    run(Effect.gen(function*() {
      const { kv } = yield* couchbase
      const open = (prefix: string) =>
        Effect.provide(KeyValueStore, Layer.provide(Couchbase.layerKeyValueStore({ prefix }), Layer.succeed(CouchbaseClient, kv)))
      const [short, long] = [yield* open("a:"), yield* open("a:b:")]
      yield* kv.upsert("a:own", { mine: true })
      yield* short.set("k", "1")
      yield* long.set("k", "2")
      expect(yield* short.keys).toEqual(["k"])
      yield* short.clear
      expect([yield* kv.exists("a:k"), yield* kv.exists("a:b:k"), yield* kv.exists("a:own"), yield* long.get("k")])
        .toEqual([false, true, true, "2"])
      expect([yield* short.size, yield* long.size]).toEqual([0, 1])
    })))

  it("keeps what is in a collection there, and fails by name where there is none", () =>
    run(Effect.gen(function*() {
      const { kv } = yield* couchbase
      const client = Layer.succeed(CouchbaseClient, kv)
      const open = (collection: string) =>
        Effect.provide(KeyValueStore, Layer.provide(Couchbase.layersIn(collection).layerKeyValueStore(), client))
      yield* (yield* open("_default._default")).set("k", "1")
      expect(yield* kv.exists("kv:k")).toBe(true)
      const nowhere = yield* open("no.where")
      expect(yield* failure(nowhere.get("k"))).toMatchObject({ _tag: "KeyValueStoreError", cause: { _tag: "KvError" } })
      expect(yield* failure(Effect.scoped(Layer.build(Layer.provide(Couchbase.layersIn("a.b.c").layerKeyValueStore(), client)))))
        .toMatchObject({ reason: { _tag: "InvalidRequest" } })
    })))

  it("gathers reads, too", () =>
    run(Effect.gen(function*() {
      const { kv } = yield* couchbase
      yield* kv.upsert("a", new Uint8Array([1]))
      const resolver = yield* Effect.provideService(Couchbase.documentResolver, CouchbaseClient, kv)
      const found = yield* Effect.forEach(["a", "none", "a"], (key) => Effect.request(new Couchbase.GetDocument({ key }), resolver), {
        concurrency: "unbounded"
      })
      expect(found.map(Option.map(({ value }) => [...value]))).toEqual([Option.some([1]), Option.none(), Option.some([1])])
    })))
})

describe("a queue", () => {
  const open = (store: ReturnType<typeof inMemory>, options = {}) =>
    Effect.map(
      Layer.build(store.layers.layerPersistedQueueStore({ ...queueTimes(undefined), ...options })),
      (context) => Effect.provide(PersistedQueueStore, context)
    ).pipe(Effect.flatten)
  const offer = (id: string, element: unknown = id) => ({ name: "q", id, element, isCustomId: true })
  const takes = { name: "q", maxAttempts: 3, retryDelay: () => Effect.succeed(Duration.zero) }
  const takenOnce = (queue: PersistedQueueStore["Service"]) => Effect.scoped(queue.take(takes)).pipe(Effect.timeoutOption("300 millis"))

  it("refuses what its index has no room for, and keeps nothing of it", () =>
    run(Effect.gen(function*() {
      const store = inMemory()
      const now = yield* Effect.clockWith(({ currentTimeMillis }) => currentTimeMillis)
      const size = JSON.stringify([{ id: "1", at: now, attempts: 0 }]).length
      const queue = yield* open(store, { maxIndexBytes: size })
      yield* queue.offer(offer("1"))
      const values = store.values.size
      expect(yield* failure(queue.offer(offer("2")))).toMatchObject({
        _tag: "PersistedQueueError",
        message: expect.stringContaining("full")
      })
      expect(store.values.size).toBe(values)
      yield* takenOnce(queue)
      yield* queue.offer(offer("2"))
      expect(Option.map(yield* takenOnce(queue), ({ id }) => id)).toEqual(Option.some("2"))
    })))

  it("loses no acknowledged offer and delivers none twice, whichever write of an offer or of a delivery breaks", () =>
    run(Effect.gen(function*() {
      const one = Effect.fnUntraced(function*(broken: number) {
        const store = inMemory()
        const queue = yield* open(store, { lockExpiration: "150 millis", lockRefreshInterval: "1 hour" })
        store.fail((write) => write === broken)
        const delivered: Array<string> = []
        // who offers and was told of a failure offers again
        yield* Effect.retry(queue.offer(offer("a")), { times: 3 })
        for (let i = 0; i < 4; i++) {
          const taken = yield* Effect.exit(takenOnce(queue))
          if (Exit.isSuccess(taken) && Option.isSome(taken.value)) delivered.push(taken.value.value.id)
        }
        expect([broken, delivered]).toEqual([broken, ["a"]])
        yield* queue.offer(offer("a"))
        expect([broken, yield* takenOnce(queue)]).toEqual([broken, Option.none()])
      })
      // most of it is waiting for locks to expire
      yield* Effect.forEach([0, 1, 2, 3, 4, 5, 6, 7], one, { concurrency: "unbounded", discard: true })
    })))
})

describe("rate limits", () => {
  it("are those of Effect's memory store, over thousands of random requests", async () => {
    let state = 7
    const below = (n: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return (state >>> 8) % n
    }
    const answers = (store: RateLimiterStore["Service"], seed: number) =>
      Effect.gen(function*() {
        state = seed
        const told: Array<unknown> = []
        let epoch = 0
        for (let i = 0; i < 1_500; i++) {
          const key = `k${below(2)}`
          const tokens = 1 + below(3)
          const refillRate = Duration.millis([1, 7, 100, 333.5][below(4)]!)
          switch (below(5)) {
            case 0:
              told.push(yield* store.fixedWindow({ key, tokens, refillRate, limit: below(2) === 0 ? undefined : 5 }))
              break
            case 1:
              told.push(yield* store.tokenBucket({ key, tokens, refillRate, limit: 5, allowOverflow: below(2) === 0 }))
              break
            case 2: {
              const answer = yield* store.adaptiveConsume({ key, tokens, fallbackLimit: 5, fallbackWindow: Duration.seconds(below(3)) })
              if (below(4) > 0) ({ epoch } = answer)
              told.push([Duration.toMillis(answer.delay), answer.epoch, answer.phase])
              break
            }
            case 3: {
              const retryAfter = Duration.millis([0, 20, 500, 9e6][below(4)]!)
              yield* store.adaptiveFeedback({ key, epoch, tokens, status: below(4) > 0 ? 429 : 200, retryAfter })
              break
            }
            default:
              yield* pass([0, 1, 5, 50, 400, 3_000, 100_000][below(7)]!)
          }
        }
        return told
      })
    const played = async (layer: Layer.Layer<RateLimiterStore>, seed: number) =>
      (await byTestClock(
        Effect.flatMap(Layer.build(layer), (context) =>
          Effect.flatMap(Effect.provide(RateLimiterStore, context), (store) => answers(store, seed))) as never
      )).value
    for (const seed of [1, 2]) {
      const [ours, effects] = [await played(inMemory().layers.layerRateLimiterStore(), seed), await played(layerStoreMemory, seed)]
      expect(ours).toEqual(effects)
    }
  })
})
