/** Scans of the client against the embedded node: what is found, what it costs the node, and what happens when things change beneath. */
import { assert, describe, it } from "@effect/vitest"
import { compareText } from "@wirewright/codec"
import { vbucketOf } from "@wirewright/couchbase/node"
import * as Gen from "@wirewright/couchbase/gen"
import { KvClient, type KvClientOptions, type KvCommands } from "@wirewright/couchbase"
import {
  type CouchbaseCluster,
  type CouchbaseClusterOptions,
  defaultManifest,
  serveCouchbaseCluster,
  withCollection
} from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { random } from "../../packages/codec/src/Random.fixture.ts"

const vbuckets = 16

const setUp = (options: CouchbaseClusterOptions = {}, client: Partial<KvClientOptions> = {}) =>
  Effect.gen(function*() {
    const cluster = yield* serveCouchbaseCluster({
      buckets: [{ name: "default", vbuckets, manifest: withCollection(defaultManifest, "shop", "orders") }],
      ...options
    })
    const kv = yield* KvClient.make({ seeds: [{ host: "127.0.0.1", port: cluster.nodes[0]!.port }], bucket: "default", ...client })
    return { cluster, kv }
  })

/** Puts documents into the node's store: quicker than asking for it. */
const fill = (
  cluster: CouchbaseCluster,
  keys: Iterable<string>,
  value: (key: string) => string = (key) => `{"key":${JSON.stringify(key)}}`
) => {
  const { store } = cluster.buckets.get("default")!
  for (const key of keys) {
    store.set(store.space(vbucketOf(key, vbuckets)), key, { value: Buffer.from(value(key)), flags: 0x02000000, datatype: 1 })
  }
}

const numbered = (count: number, prefix = "key-"): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, at) => `${prefix}${String(at).padStart(5, "0")}`)

const sorted = (keys: Iterable<string>): ReadonlyArray<string> => [...keys].toSorted(compareText)

const openScans = (cluster: CouchbaseCluster): number => cluster.nodes.reduce((sum, { scans }) => sum + scans.size, 0)

/** Waits until nothing is left of the scans. */
const settled = (cluster: CouchbaseCluster) =>
  Effect.gen(function*() {
    for (let tries = 0; tries < 200 && openScans(cluster) > 0; tries++) yield* Effect.sleep(10)
    assert.strictEqual(openScans(cluster), 0)
  })

/** Within each vbucket the keys are in order, and none comes twice. */
const ordered = (keys: ReadonlyArray<string>): void => {
  const last = new Map<number, string>()
  for (const key of keys) {
    const vbucket = vbucketOf(key, vbuckets)
    const before = last.get(vbucket)
    assert.isTrue(before === undefined || compareText(before, key) < 0, `${before} ${key}`)
    last.set(vbucket, key)
  }
}

describe("a scan", () => {
  it.live("finds all documents with what is known of them", () =>
    Effect.gen(function*() {
      const { cluster, kv } = yield* setUp()
      const written = yield* kv.upsert("a", { n: 1 }, { expiry: "1 hour" })
      yield* kv.upsert("bytes", Uint8Array.of(0, 255))
      const found = yield* Stream.runCollect(kv.scan())
      const a = found.find(({ key }) => key === "a")!
      assert.deepStrictEqual(
        [found.length, new TextDecoder().decode(a.value), a.flags, a.cas, a.seqno, a.expiry > Date.now() / 1000],
        [2, "{\"n\":1}", 0x02000000, written.cas, written.token!.seqno, true]
      )
      assert.deepStrictEqual(found.find(({ key }) => key === "bytes")!.value, Uint8Array.of(0, 255))
      yield* settled(cluster)
    }))

  it.live("of ranges, prefixes, and a collection is what the keys say", () =>
    Effect.gen(function*() {
      const { cluster, kv } = yield* setUp()
      const keys = [...numbered(300), "key", "kez", "l", "\udcff\udcff", "key-\u{10ffff}", "key-\udcff"]
      fill(cluster, keys)
      const scanned = (...args: Parameters<KvCommands["scanKeys"]>) => Effect.map(Stream.runCollect(kv.scanKeys(...args)), sorted)
      const from = "key-00100"
      const to = "key-00110"
      const between = keys.filter((key) => key >= from && key <= to)
      assert.deepStrictEqual(yield* scanned(), sorted(keys))
      assert.deepStrictEqual(yield* scanned({ from, to }), between)
      assert.deepStrictEqual(
        yield* scanned({ from: { key: from, exclusive: true }, to: { key: to, exclusive: true } }),
        between.slice(1, -1)
      )
      assert.deepStrictEqual(yield* scanned({ from: "key-00299" }), sorted(keys).slice(sorted(keys).indexOf("key-00299")))
      assert.deepStrictEqual(yield* scanned({ to: "key-00000" }), ["key", "key-00000"])
      assert.deepStrictEqual(yield* scanned({ prefix: "key-" }), sorted(keys.filter((key) => key.startsWith("key-"))))
      assert.deepStrictEqual(yield* scanned({ prefix: "\udcff" }), ["\udcff\udcff"])
      assert.deepStrictEqual(yield* scanned({ prefix: "none" }), [])
      const orders = yield* kv.collection("shop.orders")
      yield* orders.upsert("order", 1)
      assert.deepStrictEqual(yield* Stream.runCollect(orders.scanKeys()), ["order"])
      yield* settled(cluster)
    }))

  it.live("is the sorted keys of the collection, whatever the keys and the limits (seed 20261128)", () =>
    Effect.gen(function*() {
      const next = random(20261128)
      const { cluster, kv } = yield* setUp()
      const { store } = cluster.buckets.get("default")!
      for (let round = 0; round < 15; round++) {
        store.flush()
        const keys = new Set(Array.from({ length: next(300) }, () =>
          Array.from({ length: 1 + next(5) }, () =>
            ["a", "b", "é", "\u{1f600}", "\uffff", "-"][next(6)]!).join("")))
        fill(cluster, keys, () =>
          "x".repeat(next(2000)))
        const options = { batchItems: next(3) * next(20), batchBytes: next(3) * next(3000), concurrency: 1 + next(20) }
        const found = yield* Stream.runCollect(
          next(2) === 0 ? kv.scanKeys({}, options) : Stream.map(kv.scan({}, options), ({ key }) => key)
        )
        ordered(found)
        assert.deepStrictEqual(sorted(found), sorted(keys), `round ${round} ${JSON.stringify(options)}`)
      }
      yield* settled(cluster)
    }), 60_000)

  it.live("by chance is as many as asked for at most, the same for the same seed", () =>
    Effect.gen(function*() {
      const { cluster, kv } = yield* setUp()
      const keys = numbered(2000)
      fill(cluster, keys)
      const sample = (count: number, seed?: number) =>
        Stream.runCollect(kv.scanKeys(seed === undefined ? { sample: count } : { sample: count, seed }))
      const [first, again, other] = [yield* sample(40, 7), yield* sample(40, 7), yield* sample(40, 8)]
      assert.deepStrictEqual(again, first)
      assert.notDeepEqual(other, first)
      for (const found of [first, other]) {
        assert.strictEqual(found.length, 40)
        assert.strictEqual(new Set(found).size, 40)
        assert.isTrue(found.every((key) => keys.includes(key)))
      }
      assert.deepStrictEqual(sorted(yield* sample(5000)), sorted(keys))
      assert.strictEqual((yield* Stream.runCollect(kv.scan({ sample: 3 }))).length, 3)
      yield* settled(cluster)
    }))

  it.live("sees the writes that it must, and each vbucket as it was when it came to it", () =>
    Effect.gen(function*() {
      const { cluster, kv } = yield* setUp()
      fill(cluster, numbered(50))
      const { token } = yield* kv.upsert("mine", 1)
      const found = yield* Stream.runCollect(kv.scanKeys({ prefix: "mine" }, { consistentWith: [{ key: "mine", token: token! }] }))
      assert.deepStrictEqual(found, ["mine"])
      const ahead = { key: "mine", token: { ...token!, seqno: token!.seqno + 1000n } }
      const late = yield* Effect.flip(Stream.runDrain(kv.scanKeys({}, { consistentWith: [ahead], timeout: 200 })))
      assert.include(["Etmpfail", "RequestTimeout"], late.reason._tag)
      const wrong = { key: "mine", token: { ...token!, vbucketUuid: 1n } }
      const elsewhere = yield* Effect.flip(Stream.runDrain(kv.scanKeys({}, { consistentWith: [wrong] })))
      assert.deepStrictEqual([elsewhere.reason._tag, elsewhere.status, elsewhere.vbucket], [
        "VbUuidNotEqual",
        0xa8,
        vbucketOf("mine", vbuckets)
      ])
      yield* settled(cluster)
    }))

  it.live("waits for a write that comes while it waits", () =>
    Effect.gen(function*() {
      const { kv } = yield* setUp()
      const { token } = yield* kv.upsert("mine", 1)
      const consistentWith = [{ key: "mine", token: { ...token!, seqno: token!.seqno + 1n } }]
      const scanning = yield* Effect.forkChild(Stream.runCollect(kv.scan({ prefix: "mine" }, { consistentWith })))
      yield* Effect.sleep(50)
      yield* kv.upsert("mine", 2)
      assert.deepStrictEqual((yield* Fiber.join(scanning)).map(({ value }) => new TextDecoder().decode(value)), ["2"])
    }))
})

describe("a reader of a scan", () => {
  const counting = () => {
    const asked = { create: 0, continue: 0, cancel: 0 }
    const script: NonNullable<CouchbaseClusterOptions["script"]> = (_, packet) => {
      if (packet._tag === "RangeScanCreate") asked.create++
      else if (packet._tag === "RangeScanContinue") asked.continue++
      else if (packet._tag === "RangeScanCancel") asked.cancel++
      return false
    }
    return { asked, script }
  }

  it.live("that takes no more is sent no more, and the node forgets its scans", () =>
    Effect.gen(function*() {
      const { asked, script } = counting()
      const { cluster, kv } = yield* setUp({ script })
      fill(cluster, numbered(3200))
      const some = yield* Stream.runCollect(Stream.take(kv.scanKeys({}, { batchItems: 10, concurrency: 1 }), 25))
      assert.strictEqual(some.length, 25)
      yield* settled(cluster)
      assert.deepStrictEqual(asked, { create: 1, continue: 3, cancel: 1 })
    }))

  it.live("that is slow is a batch behind at most, in each vbucket that is read", () =>
    Effect.gen(function*() {
      const { asked, script } = counting()
      const { cluster, kv } = yield* setUp({ script })
      fill(cluster, numbered(3200))
      let taken = 0
      const reading = yield* Effect.forkChild(Stream.runForEach(kv.scanKeys({}, { batchItems: 10, concurrency: 4 }), () => {
        taken++
        return taken < 5 ? Effect.void : Effect.never
      }))
      yield* Effect.sleep(300)
      // one being read, one waiting for the reader, and one that every vbucket has in hand
      assert.isAtMost(asked.continue, 6)
      yield* Fiber.interrupt(reading)
      yield* settled(cluster)
      assert.isAtMost(asked.continue, 6)
      assert.strictEqual(asked.create, 4)
      assert.strictEqual(asked.cancel, 4)
    }))

  it.live("that comes to the end cancels nothing", () =>
    Effect.gen(function*() {
      const { asked, script } = counting()
      const { cluster, kv } = yield* setUp({ script })
      fill(cluster, numbered(100))
      yield* Stream.runDrain(kv.scan())
      assert.deepStrictEqual([asked.create, asked.cancel], [vbuckets, 0])
      yield* settled(cluster)
    }))

  it.live("has the time it was given, whether the node answers or not", () =>
    Effect.gen(function*() {
      let silent = false
      const { cluster, kv } = yield* setUp({ script: (_, packet) => silent && packet._tag === "RangeScanContinue" })
      fill(cluster, numbered(100))
      silent = true
      // long enough for the answers that say which scans there are: those of which it never heard it cannot end
      const error = yield* Effect.flip(Stream.runDrain(kv.scan({}, { timeout: 1_000 })))
      assert.deepStrictEqual(error.reason._tag, "RequestTimeout")
      silent = false
      yield* settled(cluster)
      const slow = Stream.runForEach(kv.scan({}, { timeout: 1_000, batchItems: 1 }), () => Effect.sleep(40))
      assert.deepStrictEqual((yield* Effect.flip(slow)).reason._tag, "RequestTimeout")
      yield* settled(cluster)
    }))

  it.live("is told when limits make no sense, before anything is asked", () =>
    Effect.gen(function*() {
      const { asked, script } = counting()
      const { kv } = yield* setUp({ script })
      const bad = [
        kv.scanKeys({}, { batchItems: -1 }),
        kv.scanKeys({}, { batchBytes: 0x1_0000_0000 }),
        kv.scanKeys({}, { concurrency: 0 }),
        kv.scanKeys({ sample: 0 }),
        kv.scanKeys({ sample: 1.5 }),
        kv.scanKeys({ sample: 1, seed: -1 }),
        kv.scanKeys({ sample: 1, seed: 0x1_0000_0000 }),
        kv.scanKeys({ prefix: "k".repeat(251) }),
        kv.scanKeys({ from: "é".repeat(126) }),
        kv.scanKeys({ to: { key: "k".repeat(251), exclusive: true } })
      ]
      for (const stream of bad) assert.strictEqual((yield* Effect.flip(Stream.runDrain(stream))).reason._tag, "InvalidRequest")
      assert.strictEqual(asked.create, 0)
      yield* Stream.runDrain(kv.scanKeys({ prefix: "k".repeat(250) }, { batchItems: 0, batchBytes: 0xffff_ffff }))
      assert.strictEqual(asked.create, vbuckets)
    }))
})

describe("when things change beneath a scan", () => {
  it.live("vbuckets that move are read on where they are, nothing twice and nothing missing", () =>
    Effect.gen(function*() {
      const { cluster, kv } = yield* setUp({ nodes: 2 })
      const keys = numbered(2000)
      fill(cluster, keys)
      const found: Array<string> = []
      yield* Stream.runForEach(kv.scanKeys({}, { batchItems: 20, concurrency: 4 }), (key) =>
        Effect.sync(() => {
          found.push(key)
          if (found.length % 50 !== 0) return
          for (let vbucket = 0; vbucket < vbuckets; vbucket++) {
            const at = cluster.buckets.get("default")!.vbucket(vbucket)!.node
            cluster.move("default", vbucket, 1 - at)
          }
        }))
      ordered(found)
      assert.deepStrictEqual(sorted(found), keys)
      yield* settled(cluster)
    }))

  it.live("samples that move are the same samples", () =>
    Effect.gen(function*() {
      const { cluster, kv } = yield* setUp({ nodes: 2 })
      fill(cluster, numbered(2000))
      const still = yield* Stream.runCollect(kv.scanKeys({ sample: 100, seed: 5 }))
      const found: Array<string> = []
      yield* Stream.runForEach(kv.scanKeys({ sample: 100, seed: 5 }, { batchItems: 3 }), (key) =>
        Effect.sync(() => {
          found.push(key)
          for (let vbucket = 0; vbucket < vbuckets; vbucket++) cluster.move("default", vbucket, found.length % 2)
        }))
      assert.deepStrictEqual(found, still)
    }))

  it.live("connections that break are made again, and scans that the node gave up", () =>
    Effect.gen(function*() {
      const { cluster, kv } = yield* setUp({ rangeScans: { lifetime: 30 } })
      const keys = numbered(1000)
      fill(cluster, keys)
      const found: Array<string> = []
      yield* Stream.runForEach(kv.scanKeys({}, { batchItems: 20, concurrency: 4 }), (key) =>
        Effect.suspend(() => {
          found.push(key)
          if (found.length % 100 === 0) cluster.nodes[0]!.disconnect()
          return found.length % 70 === 0 ? Effect.sleep(40) : Effect.void
        }))
      ordered(found)
      assert.deepStrictEqual(sorted(found), keys)
    }), 30_000)

  it.live("a collection that is dropped fails the scan by name", () =>
    Effect.gen(function*() {
      const { cluster, kv } = yield* setUp()
      const orders = yield* kv.collection("shop.orders")
      yield* Effect.forEach(numbered(60), (key) => orders.upsert(key, 1), { concurrency: 16 })
      const bucket = cluster.buckets.get("default")!
      const scan = Stream.runForEach(orders.scan({}, { batchItems: 1 }), () =>
        Effect.sync(() =>
          void cluster.state.setManifest(
            bucket,
            `{"uid":"9","scopes":[{"name":"_default","uid":"0","collections":[{"name":"_default","uid":"0"}]}]}`
          )
        ))
      const error = yield* Effect.flip(scan)
      assert.include(["UnknownCollection", "UnknownScope"], error.reason._tag)
    }))

  it.live("more scans than the node has room for wait for their turn", () =>
    Effect.gen(function*() {
      const { cluster, kv } = yield* setUp({ rangeScans: { maxScans: 2 } })
      const keys = numbered(500)
      fill(cluster, keys)
      assert.deepStrictEqual(sorted(yield* Stream.runCollect(kv.scanKeys({}, { concurrency: 8 }))), keys)
    }))
})

describe("a node without range scans", () => {
  it.live("is not asked for one", () =>
    Effect.gen(function*() {
      let asked = 0
      const { kv } = yield* setUp({
        script: (connection, packet) => {
          if (packet._tag === "RangeScanCreate") asked++
          if (packet._tag !== "GetClusterConfig") return false
          const clusterMap = connection.shared.clusterConfig(connection.bucket).replace("\"rangeScan\"", "\"other\"")
          connection.reply((writer) => Gen.encodeGetClusterConfigResponse(writer, { ...connection.head(packet), clusterMap }))
          return true
        }
      })
      const error = yield* Effect.flip(Stream.runDrain(kv.scan()))
      assert.strictEqual(error.reason._tag, "FeatureMissing")
      assert.deepStrictEqual([error.reason._tag === "FeatureMissing" && error.reason.feature, asked], ["rangeScan", 0])
    }))
})
