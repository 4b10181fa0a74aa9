/** Commands of the control socket about copies, on a cluster in the same process. */
import { assert, describe, it } from "@effect/vitest"
import { serveCouchbaseCluster } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import { replicaCommands } from "./ReplicaControl.ts"

const made = Effect.gen(function*() {
  const cluster = yield* serveCouchbaseCluster({ nodes: 3, buckets: [{ name: "default", vbuckets: 3, replicas: 2 }] })
  const bucket = cluster.buckets.get("default")!
  const each = (act: (of: typeof bucket, vbucket: number) => void): number => {
    for (const { id } of bucket.allVbuckets) act(bucket, id)
    return bucket.allVbuckets.length
  }
  const ask = (name: string, node: number): object => replicaCommands[name]!({ cluster, node, each })
  const put = (): bigint => {
    const item = bucket.store.set(bucket.store.space(0), "k", { value: new Uint8Array(1) })
    return typeof item === "string" ? assert.fail(item) : item.seqno
  }
  return { cluster, bucket, ask, put }
})

describe("the control socket's commands about copies", () => {
  it.live("hold what reaches a node, and what it writes to disk, and let it go again", () =>
    Effect.gen(function*() {
      const { ask, bucket, put } = yield* made
      const copy = bucket.copyAt(0, 1)!
      const at = () => [copy.receivedSeqno, copy.persistedSeqno].join()
      put()
      assert.deepStrictEqual([ask("pausePersistence", 1), put(), at()], [{}, 2n, "2,1"])
      assert.deepStrictEqual([ask("pauseReplication", 1), put(), at()], [{}, 3n, "2,1"])
      assert.deepStrictEqual([ask("resumePersistence", 1), at()], [{}, "2,2"])
      assert.deepStrictEqual([ask("resumeReplication", 1), at()], [{}, "3,3"])
      assert.strictEqual(bucket.copyAt(0, 2)!.receivedSeqno, 3n)
    }))

  it.live("kill a node and begin it again with what is on its disk", () =>
    Effect.gen(function*() {
      const { ask, bucket, cluster, put } = yield* made
      put()
      ask("pausePersistence", 0)
      put()
      assert.deepStrictEqual(ask("kill", 0), {})
      assert.isTrue(cluster.state.isDown(0))
      assert.deepStrictEqual(ask("restart", 0), { lost: 1 })
      assert.isFalse(cluster.state.isDown(0))
      assert.strictEqual(bucket.highSeqno(0), 1n)
      assert.deepStrictEqual(ask("restart", 0), { lost: 0 })
    }))

  it.live("make a node's replicas active, and bring back copies that are missing", () =>
    Effect.gen(function*() {
      const { ask, bucket, cluster } = yield* made
      assert.deepStrictEqual(ask("promote", 2), { vbuckets: 2 })
      assert.deepStrictEqual([0, 1, 2].map((id) => bucket.chain(id)), [[2, 1, 0], [2, 1, 0], [2, 0, 1]])
      cluster.failover(0)
      assert.deepStrictEqual(bucket.chain(0), [2, 1, -1])
      assert.deepStrictEqual(ask("rebalance", 0), {})
      assert.deepStrictEqual(bucket.chain(0), [2, 1, 0])
    }))
})
