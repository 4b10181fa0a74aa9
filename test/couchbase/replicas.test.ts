/**
 * Three nodes, two replicas: whatever the client was told to be durable is there after a node is lost, whichever nodes are held, moved from and
 * killed meanwhile; and replicas are read.
 */
import { assert, describe, it } from "@effect/vitest"
import { type Durability, KvClient, type KvCommands, LookupIn, MutateIn } from "@wirewright/couchbase"
import { vbucketOf } from "@wirewright/couchbase/node"
import { VBucketState } from "@wirewright/couchbase/gen"
import { type CouchbaseCluster, serveCouchbaseCluster } from "@wirewright/embedded"
import type { ReplicationOptions } from "../../packages/embedded/src/Replication.ts"
import { random } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { tried } from "../../packages/codec/src/Whole.fixture.ts"

const vbuckets = 8

/** Clusters that lose a node, for each durability. */
const rounds = tried(10, 30)

const connected = Effect.fnUntraced(function*(delays: ReplicationOptions = {}) {
  const cluster = yield* serveCouchbaseCluster({ nodes: 3, buckets: [{ name: "default", vbuckets, replicas: 2, ...delays }] })
  const seeds = cluster.nodes.map(({ host, port }) => ({ host, port })) as unknown as readonly [{ host: string; port: number }]
  const kv = yield* KvClient.make({ seeds, bucket: "default", durableTimeout: "400 millis" })
  return { cluster, kv }
})

const numberIn = (bytes: Uint8Array): number => Number(new TextDecoder().decode(bytes))

/** What was tried and what was acknowledged, by key. */
class Written {
  readonly acknowledged = new Map<string, number>()
  readonly tried = new Map<string, number>()
  refused = 0
  count = 0

  /** Writes one number after the other to a key, until told to stop. */
  readonly go = (kv: KvCommands, key: string, durability: Durability, stopped: () => boolean): Effect.Effect<void> =>
    Effect.gen({ self: this }, function*(this: Written) {
      for (let value = 1; !stopped(); value++) {
        this.tried.set(key, value)
        const write = value % 4 === 0
          ? Effect.asVoid(kv.mutateIn(key, [MutateIn.upsert("n", value, { xattr: true }), MutateIn.replace("", value)], { durability }))
          : Effect.asVoid(kv.upsert(key, value, { durability }))
        if (Exit.isSuccess(yield* Effect.exit(write))) {
          this.acknowledged.set(key, value)
          this.count++
        } else this.refused++
        yield* Effect.yieldNow
      }
    })

  /** What is missing of what was acknowledged. */
  readonly missing = (kv: KvCommands): Effect.Effect<ReadonlyArray<string>> =>
    Effect.map(
      Effect.forEach(this.acknowledged, ([key, value]) =>
        Effect.map(Effect.exit(kv.get(key)), (exit) => {
          const found = Exit.isSuccess(exit) && Option.isSome(exit.value) ? numberIn(exit.value.value.value) : String(exit)
          const right = typeof found === "number" && found >= value && found <= this.tried.get(key)!
          return right ? [] : [`${key}: ${found} where ${value} was acknowledged`]
        })),
      (all) => all.flat()
    )
}

/** What happens to the nodes before one of them is lost. */
const troubles = (cluster: CouchbaseCluster, below: (limit: number) => number): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { state } = cluster
    const bucket = cluster.buckets.get("default")!
    for (let step = 0; step < 10; step++) {
      const node = below(3)
      switch (below(4)) {
        case 0:
          state.replicates(node, false)
          yield* Effect.sleep(below(10))
          state.replicates(node, true)
          break
        case 1:
          state.persists(node, false)
          yield* Effect.sleep(below(10))
          state.persists(node, true)
          break
        case 2: {
          const vbucket = below(vbuckets)
          const complete = bucket.copyAt(vbucket, node)?.receivedSeqno === bucket.highSeqno(vbucket)
          // what lacks something is not taken for the active one by itself, but moved
          if (complete) state.setState(bucket, vbucket, VBucketState.Active, node)
          else cluster.move("default", vbucket, node)
          break
        }
        default:
          cluster.nodes[node]!.disconnect()
      }
      yield* Effect.sleep(below(8))
    }
  })

const nodes = [0, 1, 2]

/**
 * A node is lost at a time when some are held, perhaps all: with `majority`, another one takes its place. What is on the disk of the active copy survives the
 * end of its process, too; what is on a majority of disks survives that all processes end and one node does not come back.
 */
const lose = (
  cluster: CouchbaseCluster,
  durability: Durability,
  written: Written,
  below: (limit: number) => number
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { state } = cluster
    // whoever lost a connection has one again
    const before = written.count
    for (let waited = 0; written.count < before + 30 && waited < 300; waited++) yield* Effect.sleep(5)
    const lost = below(3)
    const others = nodes.filter((node) => node !== lost)
    for (const node of nodes) {
      state.replicates(node, below(6) < (durability === "majority" ? 3 : 4))
      state.persists(node, durability === "majority" || below(3) === 0)
    }
    yield* Effect.sleep(10)
    const inPlace = durability !== "majority" && below(2) === 0
    const restarted = inPlace ? [lost] : durability === "persistToMajority" ? others : []
    for (const node of new Set([lost, ...restarted])) cluster.kill(node)
    for (const node of restarted) state.restart(node)
    if (!inPlace) cluster.failover(lost)
    for (const node of nodes) {
      state.replicates(node, true)
      state.persists(node, true)
    }
  })

describe.each<Durability>(["majority", "majorityAndPersistToActive", "persistToMajority"])("durability %s", (durability) => {
  it.live(`what was acknowledged is there after a node is lost, in ${rounds} rounds of trouble`, () =>
    Effect.gen(function*() {
      let acknowledged = 0
      for (let seed = 1; seed <= rounds; seed++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const below = random(seed)
          const { cluster, kv } = yield* connected(seed % 2 === 0 ? { replicationDelay: 1 + below(3), persistenceDelay: below(3) } : {})
          const written = new Written()
          let stopped = false
          const writers = Effect.forEach(
            Array.from({ length: 12 }, (_, key) => `k${key}`),
            (key) => written.go(kv, key, durability, () => stopped),
            { concurrency: "unbounded" }
          )
          const fibre = yield* Effect.forkScoped(writers)
          yield* troubles(cluster, below)
          yield* lose(cluster, durability, written, below)
          yield* Effect.sleep(30)
          stopped = true
          yield* Fiber.await(fibre)
          assert.deepStrictEqual(yield* written.missing(kv), [], `seed ${seed}`)
          acknowledged += written.count
        }))
      }
      assert.isAbove(acknowledged, 33 * rounds)
    }), 120_000)
})

describe("replicas", () => {
  it.live("are read: any, all, and parts of documents", () =>
    Effect.gen(function*() {
      const { cluster, kv } = yield* connected()
      yield* kv.upsert("a", { n: 1 })
      const all = yield* kv.getAllReplicas("a")
      assert.deepStrictEqual(all.map(({ replica }) => replica), [false, true, true])
      assert.strictEqual(new Set(all.map(({ cas }) => cas)).size, 1)
      const parts = Option.getOrThrow(yield* kv.lookupIn("a", [LookupIn.get("n")], { replicaRead: true }))
      assert.strictEqual(yield* parts.entries[0]!.value, 1)
      // replicas that nothing reaches have what they had
      const [, first] = cluster.buckets.get("default")!.chain(vbucketOf("a", vbuckets))
      cluster.state.replicates(first!, false)
      yield* kv.upsert("a", { n: 2 })
      const versions = (yield* kv.getAllReplicas("a")).map(({ value }) => new TextDecoder().decode(value))
      assert.deepStrictEqual(versions, ["{\"n\":2}", "{\"n\":1}", "{\"n\":2}"])
      assert.isTrue(Option.isNone(yield* kv.getAnyReplica("none")))
      assert.deepStrictEqual(yield* kv.getAllReplicas("none"), [])
      const copies = yield* kv.lookupInAllReplicas("a", [LookupIn.exists("m"), LookupIn.get("n")])
      const numbers = yield* Effect.forEach(copies, ({ entries }) => entries[1]!.value)
      assert.deepStrictEqual([copies.map(({ replica }) => replica), numbers], [[false, true, true], [2, 1, 2]])
      assert.deepStrictEqual(copies.map(({ entries }) => entries[0]!.exists), [false, false, false])
      assert.isTrue(Option.isNone(yield* kv.lookupInAnyReplica("none", [LookupIn.get("n")])))
      assert.deepStrictEqual(yield* kv.lookupInAllReplicas("none", [LookupIn.get("n")]), [])
      assert.strictEqual((yield* Effect.flip(kv.lookupInAnyReplica("a", []))).reason._tag, "InvalidRequest")
    }))

  it.live("are read while the active copy's node is down", () =>
    Effect.gen(function*() {
      const { cluster, kv } = yield* connected()
      yield* kv.upsert("a", 1)
      cluster.kill(cluster.buckets.get("default")!.chain(vbucketOf("a", vbuckets))[0]!)
      const found = Option.getOrThrow(yield* kv.getAnyReplica("a"))
      assert.deepStrictEqual([numberIn(found.value), found.replica], [1, true])
      const all = yield* kv.getAllReplicas("a", { timeout: "300 millis" })
      assert.deepStrictEqual(all.map(({ replica }) => replica), [true, true])
      const whole = Option.getOrThrow(yield* kv.lookupInAnyReplica("a", [LookupIn.document()]))
      assert.deepStrictEqual([yield* whole.entries[0]!.value, whole.replica], [1, true])
      const parts = yield* kv.lookupInAllReplicas("a", [LookupIn.document()], { timeout: "300 millis" })
      assert.deepStrictEqual(parts.map(({ replica }) => replica), [true, true])
      assert.strictEqual((yield* Effect.flip(kv.get("a", { timeout: "200 millis" })))._tag, "KvError")
    }))

  it.live("of the preferred group of servers are read, and no others", () =>
    Effect.gen(function*() {
      const groups = ["east", "west", "west"]
      const buckets = [{ name: "default", vbuckets, replicas: 1 }]
      const cluster = yield* serveCouchbaseCluster({ nodes: 3, buckets, serverGroups: groups, managementPort: false })
      const client = (group: string) => KvClient.makeUrl(`${cluster.connectionString}/default?server_group=${group}`)
      const kv = yield* client("west")
      const preferred = { readPreference: "preferredServerGroup" } as const
      const seen = new Set<string>()
      for (let number = 0; number < 40; number++) {
        const key = `k${number}`
        yield* kv.upsert(key, number, { durability: "majority" })
        const chain = cluster.buckets.get("default")!.chain(vbucketOf(key, vbuckets))
        const wanted = chain.flatMap((node, at) => groups[node] === "west" ? [at > 0] : [])
        const found = yield* kv.getAllReplicas(key, preferred)
        assert.deepStrictEqual(found.map(({ replica }) => replica), wanted, key)
        const any = Option.getOrThrow(yield* kv.getAnyReplica(key, preferred))
        assert.include(wanted, any.replica)
        const parts = yield* kv.lookupInAllReplicas(key, [LookupIn.document()], preferred)
        assert.deepStrictEqual(parts.map(({ replica }) => replica), wanted, key)
        assert.strictEqual((yield* kv.getAllReplicas(key)).length, 2)
        seen.add(String(wanted))
      }
      assert.deepStrictEqual([...seen].toSorted(), ["false", "false,true", "true"])
      // a group without a copy
      const failed = yield* Effect.flip((yield* client("north")).getAnyReplica("k1", preferred))
      assert.deepStrictEqual([failed.reason._tag, failed.attempts], ["NoCopyInServerGroup", 0])
      const north = yield* client("north")
      assert.strictEqual((yield* north.getAllReplicas("k1", { readPreference: "preferredServerGroupOrAll" })).length, 2)
      const none = yield* KvClient.makeUrl(`${cluster.connectionString}/default`)
      assert.strictEqual((yield* Effect.flip(none.getAllReplicas("k1", preferred))).reason._tag, "InvalidRequest")
    }))
})
