/**
 * Effect's persistence interfaces by their laws: on Effect's own layers, and on ours over embedded nodes, in virtual time.
 * test/peers/persistence.test.ts runs the same suites in real time, on Redis and on memcached.
 */
import { pair } from "@wirewright/testing"
import * as Couchbase from "@wirewright/couchbase/persistence"
import { KvClient as CouchbaseClient } from "@wirewright/couchbase"
import { MemoryLink } from "@wirewright/connection/testing"
import { serveMemcachedNode } from "@wirewright/embedded"
import { KvClient } from "@wirewright/memcached"
import * as Memcached from "@wirewright/memcached/persistence"
import { NodeFileSystem, NodePath } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Persistence from "effect/persistence/Persistence"
import * as RateLimiter from "effect/persistence/RateLimiter"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { backingLaws } from "./BackingLaws.ts"
import { keyValueLaws } from "./KeyValueLaws.ts"
import { inRealTime, inVirtualTime, lawTests, opened } from "./Laws.ts"
import { queueLaws, queueTimes, type QueueWorldOptions } from "./QueueLaws.ts"
import { rateLimiterLaws } from "./RateLimiterLaws.ts"

const alone = Effect.succeed

/** A memcached node, and a client for each process. */
const memcached = Effect.gen(function*() {
  const { server } = yield* serveMemcachedNode({ listen: false, idleTimeout: "100 hours" })
  const link = yield* MemoryLink.make(server.accept)
  return KvClient.layer({ ...link.transport, protocol: "meta" })
})

/** A Couchbase node, and a client for each process. */
const couchbase = Effect.map(
  pair({ idleTimeout: "100 hours" }),
  ({ link, node }) => CouchbaseClient.layer({ seeds: [{ host: node.host, port: node.port }], bucket: "default", dial: link.dial })
)

const alonePerProcess = "a memory of its own"

lawTests(
  "KeyValueStore: Effect's memory",
  keyValueLaws,
  inVirtualTime(alone(opened(KeyValueStore.KeyValueStore, () => KeyValueStore.layerMemory))),
  {
    "a value is as it was when it was set, whatever becomes of the array": "it keeps the caller's array",
    "another process sees it: what is set, removed and cleared": alonePerProcess
  }
)
lawTests(
  "KeyValueStore: Effect's files",
  keyValueLaws,
  inRealTime(Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "wirewright-kv-"))
    return opened(
      KeyValueStore.KeyValueStore,
      () => KeyValueStore.layerFileSystem(folder).pipe(Layer.provide([NodeFileSystem.layer, NodePath.layer]))
    )
  })),
  {
    "bytes that are read as text are base64": "it reads them as UTF-8",
    "any text is a key, and no two are one": "a key is the name of a file, which has up to 255 bytes",
    "size, isEmpty and keys tell of what there is, and nothing else": "a key is the name of a file, which has up to 255 bytes",
    "of changes that are made at once none is lost": "it reads and writes in two steps"
  }
)

const noKeys = "memcached cannot list its keys"

lawTests(
  "KeyValueStore: memcached",
  keyValueLaws,
  inVirtualTime(
    Effect.map(memcached, (client) => opened(KeyValueStore.KeyValueStore, () => Layer.provide(Memcached.layerKeyValueStore(), client)))
  ),
  {
    "size, isEmpty and keys tell of what there is, and nothing else": noKeys,
    "clearPrefix removes what begins with a text, and nothing else": noKeys
  }
)
lawTests(
  "KeyValueStore: Couchbase",
  keyValueLaws,
  inVirtualTime(
    Effect.map(couchbase, (client) => opened(KeyValueStore.KeyValueStore, () => Layer.provide(Couchbase.layerKeyValueStore(), client)))
  )
)
lawTests(
  "BackingPersistence: memcached",
  backingLaws,
  inVirtualTime(
    Effect.map(
      memcached,
      (client) => opened(Persistence.BackingPersistence, () => Layer.provide(Memcached.layerBackingPersistence(), client))
    )
  )
)
lawTests(
  "BackingPersistence: Couchbase",
  backingLaws,
  inVirtualTime(
    Effect.map(
      couchbase,
      (client) => opened(Persistence.BackingPersistence, () => Layer.provide(Couchbase.layerBackingPersistence(), client))
    )
  )
)
lawTests(
  "RateLimiterStore: memcached",
  rateLimiterLaws,
  inVirtualTime(
    Effect.map(memcached, (client) => opened(RateLimiter.RateLimiterStore, () => Layer.provide(Memcached.layerRateLimiterStore(), client)))
  )
)
lawTests(
  "RateLimiterStore: Couchbase",
  rateLimiterLaws,
  inVirtualTime(
    Effect.map(couchbase, (client) => opened(RateLimiter.RateLimiterStore, () => Layer.provide(Couchbase.layerRateLimiterStore(), client)))
  )
)
lawTests(
  "PersistedQueueStore: memcached",
  queueLaws,
  inVirtualTime(
    Effect.map(
      memcached,
      (client) =>
        opened(
          PersistedQueue.PersistedQueueStore,
          (options: QueueWorldOptions | undefined) => Layer.provide(Memcached.layerPersistedQueueStore(queueTimes(options)), client)
        )
    )
  )
)
lawTests(
  "PersistedQueueStore: Couchbase",
  queueLaws,
  inVirtualTime(
    Effect.map(
      couchbase,
      (client) =>
        opened(
          PersistedQueue.PersistedQueueStore,
          (options: QueueWorldOptions | undefined) => Layer.provide(Couchbase.layerPersistedQueueStore(queueTimes(options)), client)
        )
    )
  )
)
lawTests(
  "BackingPersistence: Effect's memory",
  backingLaws,
  inVirtualTime(alone(opened(Persistence.BackingPersistence, () => Persistence.layerBackingMemory))),
  {
    "another process sees it": alonePerProcess,
    "PersistedCache: looked up once, a failure too; again when it was invalidated or has ended, and not by another process before":
      alonePerProcess
  }
)
lawTests(
  "RateLimiterStore: Effect's memory",
  rateLimiterLaws,
  inVirtualTime(alone(opened(RateLimiter.RateLimiterStore, () => RateLimiter.layerStoreMemory))),
  { "another process has the same limits": alonePerProcess }
)
lawTests(
  "PersistedQueueStore: Effect's memory",
  queueLaws,
  inVirtualTime(
    alone(opened(PersistedQueue.PersistedQueueStore, () => PersistedQueue.layerStoreMemory))
  ),
  {
    "another process takes what was offered here, and knows the ids": alonePerProcess,
    "an element is somebody else's when its taker is not heard of, and that was an attempt": alonePerProcess,
    "who lost his element to somebody else can neither complete nor return it": alonePerProcess
  }
)
