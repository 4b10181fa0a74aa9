/** What a tracer sees of clients: names and attributes as OpenTelemetry's conventions for databases, messaging and RPC have them. */
import { KvClient as CouchbaseClient } from "@wirewright/couchbase"
import { CheckpointStore, Dcp } from "@wirewright/dcp"
import { Deepstream } from "@wirewright/deepstream"
import { serveCouchbase } from "@wirewright/embedded"
import { WebSockets } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { expect, it } from "vitest"
import { oblige } from "../deepstream/Obliging.ts"

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Effect.scoped(effect))

/** A tracer that keeps what it is shown. */
const watching = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  return { tracer, spans }
}

/** The span in short; whether its effect failed, too. */
const told = ({ attributes, kind, name, status }: Tracer.NativeSpan) => ({
  name,
  kind,
  failed: status._tag === "Ended" && Exit.isFailure(status.exit),
  ...Object.fromEntries(attributes)
})

const travel = Effect.map(serveCouchbase({ buckets: [{ name: "travel", vbuckets: 2 }] }), ({ port }) => ({
  port,
  seeds: [{ host: "127.0.0.1", port }] as const
}))

it(
  "operations of Couchbase: what is done, to which collection of which bucket, on which node, and what it failed of",
  () =>
    run(Effect.gen(function*() {
      const { port, seeds } = yield* travel
      const kv = yield* CouchbaseClient.make({ seeds, bucket: "travel" })
      const unseen = yield* CouchbaseClient.make({ seeds, bucket: "travel", spans: false })
      const { spans, tracer } = watching()
      yield* Effect.withSpan(kv.upsert("a", 1), "parent")
      yield* Effect.withTracer(unseen.upsert("a", 1), tracer)
      expect(spans).toEqual([])
      yield* Effect.withTracer(Effect.all([kv.upsert("a", 1), kv.get("a"), kv.get("missing"), Effect.flip(kv.insert("a", 1))]), tracer)
      const shared = {
        kind: "client",
        "db.system.name": "couchbase",
        "db.namespace": "travel",
        "db.collection.name": "_default._default",
        "server.address": "127.0.0.1",
        "server.port": port
      }
      expect(spans.map(told)).toEqual([
        { ...shared, name: "Set _default._default", "db.operation.name": "Set", failed: false },
        { ...shared, name: "Get _default._default", "db.operation.name": "Get", failed: false },
        { ...shared, name: "Get _default._default", "db.operation.name": "Get", failed: false },
        { ...shared, name: "Add _default._default", "db.operation.name": "Add", failed: true, "error.type": "Exists" }
      ])
    })),
  20_000
)

it(
  "a change stream: requests for the streams of vbuckets, and batches of checkpoints, of which group and bucket",
  () =>
    run(Effect.gen(function*() {
      const { port, seeds } = yield* travel
      const kv = yield* CouchbaseClient.make({ seeds, bucket: "travel" })
      for (const key of ["a", "b", "c", "d"]) yield* kv.upsert(key, 1)
      const { spans, tracer } = watching()
      const dcp = yield* Layer.build(Layer.merge(Dcp.layer({ seeds, bucket: "travel" }), CheckpointStore.layerMemory))
      const consumed = Effect.scoped(Effect.gen(function*() {
        const { consumer, events } = yield* Dcp.run({ group: "indexer", to: "now" }, {
          change: () => Effect.void,
          rollback: () => Effect.void
        })
        yield* Stream.runDrain(events)
        yield* consumer.flush
      }))
      yield* Effect.withTracer(Effect.provideContext(consumed, dcp), tracer)
      const shared = {
        kind: "client",
        failed: false,
        "messaging.system": "couchbase",
        "messaging.destination.name": "travel",
        "messaging.consumer.group.name": "indexer"
      }
      const all = spans.map(told)
      const partition = (span: object): string => String(Reflect.get(span, "messaging.destination.partition.id"))
      const requests = all.filter(({ name }) => name === "stream_request travel").sort((a, b) => partition(a).localeCompare(partition(b)))
      expect(requests).toEqual(
        ["0", "1"].map((partition) => ({
          ...shared,
          name: "stream_request travel",
          "messaging.operation.name": "stream_request",
          "messaging.destination.partition.id": partition,
          "server.address": "127.0.0.1",
          "server.port": port
        }))
      )
      const commits = all.filter(({ name }) => name === "commit travel")
      expect(commits.length).toBeGreaterThan(0)
      for (const commit of commits) {
        expect(commit).toEqual({
          ...shared,
          name: "commit travel",
          "messaging.operation.name": "commit",
          "messaging.operation.type": "settle",
          "messaging.batch.message_count": expect.any(Number)
        })
      }
      expect(commits.reduce((sum, commit) => sum + Number(Reflect.get(commit, "messaging.batch.message_count")), 0)).toBeGreaterThanOrEqual(
        2
      )
    })),
  20_000
)

it("calls of deepstream's procedures, and what they failed of", () =>
  run(Effect.gen(function*() {
    const network = new WebSockets()
    oblige(network, "ws://realtime/deepstream", () => {})
    const dialled = Deepstream.make({ url: "ws://realtime", credentials: {} })
    const client = yield* Effect.provideService(dialled, Socket.WebSocketConstructor, network.dial)
    const { spans, tracer } = watching()
    yield* Effect.withSpan(client.rpc.request("double", 2), "parent")
    yield* Effect.withTracer(client.rpc.request("double", 2), tracer)
    expect(spans.map(told)).toEqual([{
      name: "deepstream.rpc double",
      kind: "client",
      failed: false,
      "rpc.system.name": "deepstream",
      "rpc.method": "double",
      "server.address": "realtime",
      "server.port": 80
    }])
  })), 20_000)
