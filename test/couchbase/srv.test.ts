/** Clusters found by DNS SRV: where they begin, when they ask again, and what happens when the cluster behind a name is another one. */
import { assert, describe, it } from "@effect/vitest"
import { KvClient, type ResolveSrv, type SrvRecord, SrvResolver } from "@wirewright/couchbase"
import { type CouchbaseCluster, serveCouchbaseCluster } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"

const cluster = (nodes = 1) => serveCouchbaseCluster({ nodes, buckets: [{ name: "default", vbuckets: 8 }], managementPort: false })
const recordsOf = ({ nodes }: CouchbaseCluster): ReadonlyArray<SrvRecord> =>
  nodes.map(({ host, port }, priority) => ({ name: host, port, priority, weight: 0 }))

/** Answers what it was told last, and remembers what was asked. */
class Names {
  records: ReadonlyArray<SrvRecord> | "broken" | "silent" = []
  readonly asked: Array<string> = []
  readonly resolve: ResolveSrv = (name) =>
    Effect.suspend(() => {
      this.asked.push(name)
      const { records } = this
      return records === "broken" ? Effect.fail(new Error("SERVFAIL")) : records === "silent" ? Effect.never : Effect.succeed(records)
    })
}

const connect = (url: string, names: Names) => Effect.provideService(KvClient.makeUrl(url), SrvResolver, names.resolve)

const stop = (scope: Scope.Closeable) => Scope.close(scope, Exit.void)

describe("DNS SRV", () => {
  it.live("finds the nodes", () =>
    Effect.scoped(Effect.gen(function*() {
      const names = new Names()
      const there = yield* cluster(2)
      names.records = recordsOf(there)
      const kv = yield* connect("couchbase://cb.example/default", names)
      yield* kv.upsert("k", 1)
      assert.isTrue(yield* kv.exists("k"))
      assert.deepStrictEqual(names.asked, ["_couchbase._tcp.cb.example"])
    })))

  it.live("passes over nodes that are gone", () =>
    Effect.scoped(Effect.gen(function*() {
      const names = new Names()
      const there = yield* cluster()
      names.records = [{ name: "127.0.0.1", port: 1, priority: 0, weight: 0 }, ...recordsOf(there).map((one) => ({ ...one, priority: 9 }))]
      yield* (yield* connect("couchbase://cb.example/default", names)).upsert("k", 1)
    })))

  for (const records of [[], "broken", "silent"] as const) {
    it.live(`takes the host itself when there are no records: ${typeof records === "string" ? records : "none"}`, () =>
      Effect.scoped(Effect.gen(function*() {
        const names = new Names()
        names.records = records
        const url = "couchbase://host.invalid/default"
        const failed = yield* Effect.flip(Effect.scoped(connect(url, names)))
        assert.strictEqual(failed._tag === "KvError" ? failed.address : failed._tag, "host.invalid:11210")
        assert.deepStrictEqual(names.asked, ["_couchbase._tcp.host.invalid"])
      })))
  }

  it.live("does not ask where a port, an address or several hosts are named", () =>
    Effect.scoped(Effect.gen(function*() {
      const names = new Names()
      const there = yield* cluster()
      const { port } = there.nodes[0]!
      yield* connect(`couchbase://localhost:${port},127.0.0.1:${port}/default`, names)
      yield* connect(`couchbase://127.0.0.1:${port}/default`, names)
      assert.deepStrictEqual(names.asked, [])
    })))

  it.live(
    "asks again when all nodes are gone, and goes on with those that are named then, whatever the age of their map",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const names = new Names()
        const [first, second] = [yield* Scope.make(), yield* Scope.make()]
        const before = yield* Scope.provide(cluster(2), first)
        const after = yield* Scope.provide(cluster(), second)
        // a map of the first that is newer than any of the second
        for (let step = 0; step < 8; step++) before.move("default", 0, step % 2)
        assert.isTrue(before.state.version.revision > after.state.version.revision)
        names.records = recordsOf(before)
        const kv = yield* connect("couchbase://cb.example/default", names)
        yield* kv.upsert("k", "before")
        names.records = recordsOf(after)
        yield* stop(first)
        assert.isFalse(yield* kv.exists("k", { timeout: "10 seconds" }))
        yield* kv.upsert("k", "after")
        assert.isAtLeast(names.asked.length, 2)
        const map = Option.getOrThrow(yield* kv.clusterMap)
        assert.deepStrictEqual(map.nodes.map(({ port }) => port), after.nodes.map(({ port }) => port))
        // and once more
        const third = yield* cluster()
        names.records = recordsOf(third)
        yield* stop(second)
        assert.isFalse(yield* kv.exists("k", { timeout: "10 seconds" }))
      })),
    30_000
  )

  it.live("asks nobody while one node is left", () =>
    Effect.scoped(Effect.gen(function*() {
      const names = new Names()
      const there = yield* cluster(2)
      names.records = recordsOf(there)
      const kv = yield* connect("couchbase://cb.example/default", names)
      for (let key = 0; key < 20; key++) yield* kv.upsert(`k${key}`, key)
      there.failover(0)
      for (let key = 0; key < 20; key++) yield* kv.upsert(`k${key}`, key)
      assert.strictEqual(names.asked.length, 1)
    })))
})
