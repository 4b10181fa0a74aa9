/** Buckets in memory alone, beside those that have a disk: what is never on disk, what cannot be asked for, and what a restart leaves. */
import { assert, describe, it } from "@effect/vitest"
import { KvClient, type KvError } from "@wirewright/couchbase"
import { serveCouchbaseCluster } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"

const types = ["couchbase", "ephemeral"] as const

const reasonOf = <A>(effect: Effect.Effect<A, KvError>): Effect.Effect<string> =>
  Effect.match(effect, { onFailure: ({ reason }) => reason._tag, onSuccess: () => "Success" })

/** Two nodes and a bucket of a type. */
const connected = (bucketType: (typeof types)[number], replicas = 1) =>
  Effect.gen(function*() {
    // change by change, only the newest can be taken back
    const buckets = [{ name: "default", vbuckets: 1, replicas, settings: { bucketType }, history: { undoable: 1 } }]
    const cluster = yield* serveCouchbaseCluster({ nodes: 2, buckets, managementPort: false })
    const kv = yield* KvClient.makeUrl(`${cluster.connectionString}/default`)
    return { cluster, kv }
  })

/** Of the same steps, what comes with a disk and what without. Source: kv_engine, ephemeral_vb.h and ephemeral_vb.cc. */
const differ = <A>(steps: (bucketType: (typeof types)[number]) => Effect.Effect<A, unknown>) =>
  Effect.map(Effect.all(types.map(steps)), ([couchbase, ephemeral]) => ({ couchbase, ephemeral }))

const live = (name: string, test: Effect.Effect<void, unknown>) => it.live(name, () => test)

describe("an ephemeral bucket", () => {
  live(
    "has nothing on disk, and says so",
    Effect.gen(function*() {
      const seqnos = yield* differ((type) =>
        Effect.scoped(Effect.gen(function*() {
          const { kv } = yield* connected(type)
          const { token } = yield* kv.upsert("a", 1)
          const { currentSeqno, lastPersistedSeqno } = yield* kv.observeSeqno("a", token!.vbucketUuid)
          return [currentSeqno, lastPersistedSeqno]
        }))
      )
      assert.deepStrictEqual(seqnos, { couchbase: [1n, 1n], ephemeral: [1n, 0n] })
    })
  )

  live(
    "takes writes that wait for copies, and none that wait for disks",
    Effect.gen(function*() {
      const outcomes = yield* differ((type) =>
        Effect.scoped(Effect.gen(function*() {
          const { kv } = yield* connected(type)
          const levels = ["majority", "majorityAndPersistToActive", "persistToMajority"] as const
          return yield* Effect.forEach(levels, (durability) => reasonOf(kv.upsert("a", 1, { durability })))
        }))
      )
      assert.deepStrictEqual(outcomes, {
        couchbase: ["Success", "Success", "Success"],
        ephemeral: ["Success", "DurabilityInvalidLevel", "DurabilityInvalidLevel"]
      })
    })
  )

  live(
    "is not scanned",
    Effect.gen(function*() {
      const outcomes = yield* differ((type) =>
        Effect.scoped(Effect.gen(function*() {
          const { kv } = yield* connected(type)
          yield* kv.upsert("a", 1)
          return yield* reasonOf(Stream.runCollect(kv.scanKeys()))
        }))
      )
      assert.deepStrictEqual(outcomes, { couchbase: "Success", ephemeral: "FeatureMissing" })
    })
  )

  live(
    "is empty, with another history, after its node began again; its copies are not",
    Effect.gen(function*() {
      const left = yield* differ((type) =>
        Effect.scoped(Effect.gen(function*() {
          const { cluster, kv } = yield* connected(type, 0)
          const before = (yield* kv.upsert("a", 1)).token!
          for (const key of ["c", "d", "e"]) yield* kv.upsert(key, 1)
          cluster.kill(0)
          cluster.state.restart(0)
          const there = Option.isSome(yield* kv.get("a"))
          const after = (yield* kv.upsert("b", 1)).token!
          return [there, after.vbucketUuid === before.vbucketUuid, after.seqno]
        }))
      )
      assert.deepStrictEqual(left, { couchbase: [true, false, 5n], ephemeral: [false, false, 1n] })
      const copied = yield* differ((type) =>
        Effect.scoped(Effect.gen(function*() {
          const { cluster, kv } = yield* connected(type)
          yield* kv.upsert("a", 1)
          cluster.kill(0)
          cluster.failover(0)
          return Option.isSome(yield* kv.get("a"))
        }))
      )
      assert.deepStrictEqual(copied, { couchbase: true, ephemeral: true })
    })
  )

  live(
    "cannot be told to wait for disks at least",
    Effect.scoped(Effect.gen(function*() {
      const { cluster: { administration } } = yield* connected("couchbase")
      const made = (durabilityMinLevel: "majority" | "persistToMajority") =>
        Result.isSuccess(administration.createBucket(durabilityMinLevel, { bucketType: "ephemeral", durabilityMinLevel }))
      assert.deepStrictEqual([made("persistToMajority"), made("majority")], [false, true])
    }))
  )
})
