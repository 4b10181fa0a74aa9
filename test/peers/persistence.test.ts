/**
 * Effect's persistence interfaces by their laws, in real time: Effect's own layers on Debian's Redis, and ours on Debian's memcached, in each of its
 * protocols. The suites are those of test/persistence, unchanged.
 */
import { NodeRedis } from "@effect/platform-node"
import { KvClient } from "@wirewright/memcached"
import * as Memcached from "@wirewright/memcached/persistence"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Persistence from "effect/persistence/Persistence"
import * as RateLimiter from "effect/persistence/RateLimiter"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { run } from "../examples/Example.ts"
import { backingLaws } from "../persistence/BackingLaws.ts"
import { keyValueLaws } from "../persistence/KeyValueLaws.ts"
import { inRealTime, lawTests, opened } from "../persistence/Laws.ts"
import { queueLaws, queueTimes, type QueueWorldOptions } from "../persistence/QueueLaws.ts"
import { rateLimiterLaws } from "../persistence/RateLimiterLaws.ts"
import { freePort, listening, type Memcached as Server, memcachedVersion, startMemcached } from "./Memcached.ts"

describe.skipIf(spawnSync("redis-server", ["--version"]).status !== 0)("Effect's layers on Redis", () => {
  let server: ChildProcess
  let port = 0
  let database = 0

  beforeAll(async () => {
    port = await freePort()
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--databases", "200"]
    server = spawn("redis-server", args, { stdio: "ignore" })
    for (let attempt = 0; attempt < 100 && !await listening(port); attempt++) await sleep(50)
  })
  afterAll(() => void server.kill())

  /** A database of its own for each law, and a client for each process. */
  const redis = Effect.sync(() => {
    const own = database++
    return Layer.suspend(() => NodeRedis.layer({ socket: { host: "127.0.0.1", port }, database: own }))
  })

  lawTests(
    "BackingPersistence",
    backingLaws,
    inRealTime(
      Effect.map(redis, (redis) => opened(Persistence.BackingPersistence, () => Layer.provide(Persistence.layerBackingRedis, redis)))
    ),
    {},
    true
  )
  lawTests(
    "RateLimiterStore",
    rateLimiterLaws,
    inRealTime(
      Effect.map(redis, (redis) => opened(RateLimiter.RateLimiterStore, () => Layer.provide(RateLimiter.layerStoreRedis(), redis)))
    ),
    { "the two algorithms do not meddle with one another under the same key": "it has one Redis key for both" },
    true
  )
  lawTests(
    "PersistedQueueStore",
    queueLaws,
    inRealTime(
      Effect.map(
        redis,
        (redis) =>
          opened(
            PersistedQueue.PersistedQueueStore,
            (options: QueueWorldOptions | undefined) => Layer.provide(PersistedQueue.layerStoreRedis(queueTimes(options)), redis)
          )
      )
    ),
    {},
    true
  )
})

const noKeys = "memcached cannot list its keys"

describe.skipIf(memcachedVersion() === undefined)("ours on memcached", () => {
  let server: Server
  let count = 0

  beforeAll(async () => {
    server = await startMemcached(["-M"])
  })
  afterAll(() => server.end("SIGTERM"))

  for (const protocol of ["meta", "text", "binary"] as const) {
    /** A prefix of its own for each law, and a client for each process. */
    const place = Effect.sync(() => ({
      prefix: `law${count++}:`,
      client: Layer.suspend(() => KvClient.layer({ host: "127.0.0.1", port: server.port, protocol }))
    }))
    lawTests(
      `KeyValueStore, ${protocol}`,
      keyValueLaws,
      inRealTime(
        Effect.map(
          place,
          ({ client, prefix }) => opened(KeyValueStore.KeyValueStore, () => Layer.provide(Memcached.layerKeyValueStore({ prefix }), client))
        )
      ),
      {
        "size, isEmpty and keys tell of what there is, and nothing else": noKeys,
        "clearPrefix removes what begins with a text, and nothing else": noKeys
      },
      true
    )
    lawTests(
      `BackingPersistence, ${protocol}`,
      backingLaws,
      inRealTime(
        Effect.map(
          place,
          ({ client, prefix }) =>
            opened(Persistence.BackingPersistence, () => Layer.provide(Memcached.layerBackingPersistence({ prefix }), client))
        )
      ),
      {},
      true
    )
    lawTests(
      `RateLimiterStore, ${protocol}`,
      rateLimiterLaws,
      inRealTime(
        Effect.map(
          place,
          ({ client, prefix }) =>
            opened(RateLimiter.RateLimiterStore, () => Layer.provide(Memcached.layerRateLimiterStore({ prefix }), client))
        )
      ),
      {},
      true
    )
    lawTests(
      `PersistedQueueStore, ${protocol}`,
      queueLaws,
      inRealTime(
        Effect.map(
          place,
          ({ client, prefix }) =>
            opened(
              PersistedQueue.PersistedQueueStore,
              (options: QueueWorldOptions | undefined) =>
                Layer.provide(Memcached.layerPersistedQueueStore({ prefix, ...queueTimes(options) }), client)
            )
        )
      ),
      {},
      true
    )
  }
})

describe.skipIf(memcachedVersion() === undefined)("the weather desk of the examples", () => {
  it("says on memcached what it says on the embedded node", async () => {
    const server = await startMemcached(["-M"])
    try {
      const { output } = await run("09_weather_desk.ts", { WIREWRIGHT_URL: `memcached://127.0.0.1:${server.port}` })
      expect(output.trim().split("\n")).toEqual([
        "ann: Oslo has 4 degrees",
        "ann: Rome has 4 degrees",
        "ann: Oslo has 4 degrees",
        "ann: not before 1 min",
        "bob: Oslo has 4 degrees",
        "looked out 2 times",
        "bob: Oslo has 4 degrees",
        "looked out 3 times",
        "report on Lima, attempt 2"
      ])
    } finally {
      await server.end("SIGTERM")
    }
  })
})
