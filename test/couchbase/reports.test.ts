/** What `ping` and `diagnostics` say: of nodes that are there, of one that is down, of one that does not answer, and of one that came back. */
import { assert, describe, it } from "@effect/vitest"
import { hostPort, PingReport } from "@wirewright/connection"
import { KvClient } from "@wirewright/couchbase"
import { serveCouchbaseCluster } from "@wirewright/embedded"
import { KvClient as Memcached } from "@wirewright/memcached"
import { CouchbaseTest, MemcachedTest, passTime } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"

const runVirtual = <A, E>(program: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(Effect.provide(program, TestClock.layer()))

const clusterOf = Effect.gen(function*() {
  const cluster = yield* serveCouchbaseCluster({ nodes: 3, buckets: [{ name: "default", vbuckets: 12 }] })
  const addresses = cluster.nodes.map(({ host, port }) => hostPort(host, port))
  const [{ host, port }] = cluster.nodes as unknown as readonly [{ host: string; port: number }]
  const kv = yield* KvClient.make({ seeds: [{ host, port }], bucket: "default", agent: "reporter/1.0", logs: false })
  return { addresses, cluster, kv }
})

const json = (report: object): unknown => JSON.parse(JSON.stringify(report))

describe("ping", () => {
  it.live("asks every node of the map, also those that nothing has needed", () =>
    Effect.gen(function*() {
      const { addresses, kv } = yield* clusterOf
      const report = yield* kv.ping({ reportId: "mine" })
      assert.strictEqual(report.state, "online")
      const { config_rev, services: { kv: endpoints }, ...head } = report.toJSON()
      assert.deepStrictEqual(head, { version: 2, id: "mine", sdk: "reporter/1.0" })
      assert.isAtLeast(config_rev!, 1)
      assert.deepStrictEqual(endpoints.map(({ remote }) => remote), addresses)
      for (const { id, latency_us, local, namespace, remote, state } of endpoints) {
        assert.deepStrictEqual([id, namespace, state], [`${remote}#0`, "default", "ok"])
        assert.match(local!, /^127\.0\.0\.1:\d+$/)
        assert.isAtLeast(latency_us, 1)
      }
    }))

  it.live("says what is wrong with a node that is down, and that it is back", () =>
    Effect.gen(function*() {
      const { addresses, cluster, kv } = yield* clusterOf
      yield* kv.ping()
      cluster.kill(1)
      const { endpoints, state } = yield* kv.ping()
      assert.deepStrictEqual([state, endpoints.map((one) => one.state)], ["degraded", ["ok", "error", "ok"]])
      const [, down] = endpoints
      assert.deepStrictEqual([down!.remote, down!.local], [addresses[1], undefined])
      assert.match(down!.error!, /lost/)
      const known = yield* kv.diagnostics()
      assert.deepStrictEqual(known.endpoints.map((one) => one.state), ["connected", "disconnected", "connected"])
      assert.match(known.endpoints[1]!.details!, /lost/)
      cluster.state.restart(1)
      assert.strictEqual((yield* kv.ping()).state, "online")
      assert.strictEqual((yield* kv.diagnostics()).state, "online")
    }))

  it("waits no longer than it may for a node that does not answer", () =>
    runVirtual(
      Effect.gen(function*() {
        const kv = yield* KvClient
        const { link } = yield* CouchbaseTest
        yield* kv.upsert("a", 1)
        link.freeze()
        const asking = yield* Effect.forkChild(kv.ping({ timeout: "750 millis" }))
        yield* passTime("700 millis")
        assert.isUndefined(asking.pollUnsafe())
        yield* passTime("100 millis")
        const { endpoints: [endpoint], state } = yield* Fiber.join(asking)
        assert.deepStrictEqual([state, endpoint!.state, endpoint!.error], ["offline", "timeout", undefined])
        assert.isAtLeast(endpoint!.latency, 750)
      }).pipe(Effect.provide(CouchbaseTest.layer()))
    ))
})

describe("diagnostics", () => {
  it.live("ask nobody: nodes that nothing has needed are not connected to", () =>
    Effect.gen(function*() {
      const { addresses, cluster, kv } = yield* clusterOf
      const accepted = () => cluster.nodes.map(({ server }) => server.counters.connections)
      const before = accepted()
      const report = yield* kv.diagnostics({ reportId: "mine" })
      assert.deepStrictEqual(accepted(), before)
      const { kv: [first, ...others] } = report.toJSON().services
      assert.strictEqual(report.state, "degraded")
      assert.deepStrictEqual([first!.remote, first!.state, first!.namespace], [addresses[0], "connected", "default"])
      assert.isAtLeast(first!.last_activity_us!, 0)
      assert.deepStrictEqual(
        json(others as object),
        addresses.slice(1).map((remote) => ({ remote, id: `${remote}#0`, namespace: "default", state: "disconnected" }))
      )
    }))

  it("tell how long a connection has been silent", () =>
    runVirtual(
      Effect.gen(function*() {
        const kv = yield* KvClient
        yield* kv.upsert("a", 1)
        yield* passTime("90 seconds")
        const { services: { kv: [endpoint] } } = (yield* kv.diagnostics()).toJSON()
        assert.strictEqual(endpoint!.last_activity_us, 90_000_000)
      }).pipe(Effect.provide(CouchbaseTest.layer()))
    ))

  it.live("have every connection of a node by its own name", () =>
    Effect.gen(function*() {
      const { nodes: [node] } = yield* serveCouchbaseCluster({ buckets: [{ name: "default", vbuckets: 4 }] })
      const kv = yield* KvClient.make({ seeds: [{ host: node!.host, port: node!.port }], bucket: "default", connectionsPerNode: 3 })
      yield* kv.upsert("a", 1)
      const { endpoints } = yield* kv.diagnostics()
      assert.deepStrictEqual(endpoints.map(({ id }) => id), [0, 1, 2].map((n) => `${hostPort(node!.host, node!.port)}#${n}`))
    }))
})

describe("memcached", () => {
  it("says that a server is there, is not, and is back", () =>
    runVirtual(
      Effect.gen(function*() {
        const kv = yield* Memcached
        const { link } = yield* MemcachedTest
        const there = yield* kv.ping({ reportId: "mine" })
        assert.instanceOf(there, PingReport)
        assert.deepStrictEqual(json(there), {
          version: 2,
          id: "mine",
          sdk: "wirewright/0.1.0",
          services: { kv: [{ latency_us: 0, remote: "memory:0", id: "memory:0#0", state: "ok" }] }
        })
        link.refuses = true
        link.cut()
        yield* passTime("100 millis")
        const asking = yield* Effect.forkChild(kv.ping({ timeout: "1 second" }))
        yield* passTime("2 seconds")
        const gone = (yield* Fiber.join(asking)).endpoints
        assert.deepStrictEqual(gone.map(({ state }) => state), ["error"])
        assert.match(gone[0]!.error!, /ECONNREFUSED/)
        const { endpoints: [known], state } = yield* kv.diagnostics()
        assert.deepStrictEqual([state, known!.state], ["offline", "disconnected"])
        assert.match(known!.details!, /ECONNREFUSED/)
        link.refuses = false
        yield* passTime("1 minute")
        assert.strictEqual((yield* kv.ping()).state, "online")
        link.freeze()
        const late = yield* Effect.forkChild(kv.ping({ timeout: "1 second" }))
        yield* passTime("2 seconds")
        assert.deepStrictEqual((yield* Fiber.join(late)).endpoints.map((one) => one.state), ["timeout"])
      }).pipe(Effect.provide(MemcachedTest.layer()))
    ))
})
