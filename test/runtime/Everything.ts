/**
 * A program in which every metric has something to tell: clients of each kind, servers, a proxy, a consumer, and what goes wrong with each of
 * them; and how often it was done, counted by whoever did it.
 */
import { Client, Server } from "@wirewright/connection"
import { HealthIndicators } from "@wirewright/connection/Health"
import * as Operations from "@wirewright/connection/Operations"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import { clientRows, dcpRows, deepstreamRows, type MetricRow, proxyRows, serverRows } from "@wirewright/connection/MetricTable"
import { KvClient as CouchbaseClient } from "@wirewright/couchbase"
import { CheckpointError, CheckpointStore, type CheckpointStoreShape, Dcp, type DcpConsumer } from "@wirewright/dcp"
import { Deepstream } from "@wirewright/deepstream"
import { serveCouchbase, serveMemcachedNode } from "@wirewright/embedded"
import * as Acme from "@wirewright/examples/gen"
import { classicHandlers, KvClient } from "@wirewright/memcached"
import { serveProxy } from "@wirewright/proxy"
import { WebSockets } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import * as Stream from "effect/Stream"
import { oblige } from "../deepstream/Obliging.ts"

/** A series and what it should say: of a histogram, how many it has. Attributes that are not named may be anything. */
export interface Expected {
  readonly row: MetricRow
  readonly attributes: { readonly [name: string]: string | number }
  readonly value: number | { readonly least: number }
}

/** What was done, and a way to do more of it. */
export interface Everything {
  readonly expected: ReadonlyArray<Expected>
  readonly consumer: DcpConsumer
  /** Reads and writes a little everywhere, so that there are rates. */
  readonly again: Effect.Effect<void, unknown>
}

const until = (what: string, holds: () => boolean) =>
  Effect.gen(function*() {
    for (let turns = 0; !holds(); turns++) {
      if (turns > 1_000) return yield* Effect.die(new Error(`it never came to be: ${what}`))
      yield* Effect.sleep(10)
    }
  })

const handlers = {
  LengthOf: () => Effect.fail(Server.refusal(Acme.Status.KeyEnoent)),
  ...classicHandlers({ version: () => Effect.delay(Effect.succeed("1"), 20) })
}

const freePort = Effect.scoped(Effect.map(serveMemcachedNode(), ({ server }) => server.port))

const memcached = Effect.gen(function*() {
  const { server } = yield* serveMemcachedNode()
  const kv = yield* KvClient.make({ port: server.port, reconnect: { initialDelay: 5, jitter: false } })
  yield* kv.set("a", "not a number")
  yield* kv.set("b", "1")
  for (const key of ["a", "b", "missing"]) yield* kv.get(key)
  yield* Effect.flip(kv.increment("a"))
  const nobody = yield* Effect.flip(Effect.scoped(KvClient.make({ port: 1 })))
  const place = { "server.address": "127.0.0.1", "server.port": server.port }
  const peer = { "network.protocol.name": "memcached", ...place }
  const system = { "db.system.name": "memcached", ...place }

  const proxy = yield* serveProxy({ upstream: `memcached://127.0.0.1:${server.port}`, connections: 1 })
  const text = yield* KvClient.make({ port: proxy.port, protocol: "text" })
  const binary = yield* KvClient.make({ port: proxy.port, protocol: "binary" })
  for (const key of ["a", "b", "missing"]) yield* text.get(key)
  yield* text.set("c", "1")
  for (const key of ["c", "missing", "missing"]) yield* binary.get(key)
  const front = { "server.address": "127.0.0.1", "server.port": proxy.port }

  // the memcached drops everybody: the client, and the proxy's two
  const { accepted } = server.counters
  for (const client of server.clients) client.close("the test")
  yield* until("all have come again", () => server.counters.accepted === accepted + 3)
  yield* Effect.repeat(kv.counters, { until: ({ reconnects }) => reconnects === 1 })
  for (const client of [text, binary]) yield* Effect.repeat(Effect.exit(client.version), { until: Exit.isSuccess })
  // one that is asked before its server is there
  const latePort = yield* freePort
  const address = `127.0.0.1:${latePort}`
  const early = Effect.scoped(Effect.gen(function*() {
    const late = yield* KvClient.make({ port: latePort, whenUnreachable: "keep trying", reconnect: { initialDelay: 5, jitter: false } })
    const asked = yield* Effect.forkChild(late.noop, { startImmediately: true })
    yield* serveMemcachedNode({ port: latePort })
    yield* Fiber.join(asked)
  }))
  yield* early
  const expected: ReadonlyArray<Expected> = [
    { row: clientRows.operation, attributes: { ...system, "db.operation.name": "set" }, value: 2 },
    { row: clientRows.operation, attributes: { ...system, "db.operation.name": "get" }, value: 3 },
    {
      row: clientRows.operation,
      attributes: { ...system, "db.operation.name": "increment", "error.type": "NotANumber", "db.response.status_code": "6" },
      value: 1
    },
    { row: clientRows.wait, attributes: { "db.client.connection.pool.name": address }, value: 1 },
    // the client's own, and the proxy's, one of which speaks binary and one text
    { row: clientRows.reconnects, attributes: peer, value: 3 },
    {
      row: clientRows.connectFailures,
      attributes: { "network.protocol.name": "memcached", "server.port": 1, "error.type": nobody.reason._tag },
      value: 1
    },
    { row: clientRows.connectionsMax, attributes: { ...peer, "server.port": proxy.port }, value: 2 },
    { row: clientRows.connections, attributes: { ...peer, "server.port": proxy.port }, value: 2 },
    { row: clientRows.inFlight, attributes: peer, value: 0 },
    { row: clientRows.lateAnswers, attributes: peer, value: 0 },
    { row: proxyRows.hits, attributes: front, value: 3 },
    { row: proxyRows.misses, attributes: front, value: 3 },
    { row: proxyRows.requests, attributes: { ...front, "db.operation.name": "GET" }, value: 3 },
    { row: proxyRows.errors, attributes: { ...front, "db.operation.name": "GET" }, value: 2 },
    { row: proxyRows.requests, attributes: { ...front, "db.operation.name": "set" }, value: 1 },
    { row: proxyRows.outages, attributes: front, value: 1 }
  ]
  const again = Effect.all([kv.set("b", "1"), kv.get("b"), text.get("missing"), binary.get("c"), early], { discard: true })
  return { expected, again }
})

const couchbase = Effect.gen(function*() {
  const node = yield* serveCouchbase({ buckets: [{ name: "travel", vbuckets: 4 }] })
  const seeds = [{ host: "127.0.0.1", port: node.port }] as const
  const kv = yield* CouchbaseClient.make({ seeds, bucket: "travel", retry: { attempts: 3 } })
  const keys = Array.from({ length: 10 }, (_, i) => `key ${i}`)
  for (const key of keys) yield* kv.upsert(key, { n: 1 })
  for (const key of [...keys, "missing"]) yield* kv.get(key)
  yield* Effect.flip(kv.insert("key 0", 1))
  yield* kv.getAndLock("key 1")
  const locked = yield* Effect.flip(kv.upsert("key 1", 2))

  let failing = false
  const memory = CheckpointStore.memory()
  const store: CheckpointStoreShape = {
    open: (group) =>
      Effect.map(memory.open(group), (opened) => ({
        ...opened,
        save: (checkpoints) =>
          Effect.suspend(() => {
            if (!failing) return opened.save(checkpoints)
            failing = false
            return Effect.fail(new CheckpointError({ reason: "Unavailable", message: "the disk is away" }))
          })
      }))
  }
  const dcp = yield* Layer.build(Layer.merge(Dcp.layer({ seeds, bucket: "travel" }), Layer.succeed(CheckpointStore, store)))
  const seen = { mutation: 0, deletion: 0 }
  const undone = new Map<string, number>()
  let held = false
  const release = yield* Latch.make()
  const { consumer, events } = yield* Effect.provideContext(
    Dcp.run({
      group: "indexer",
      commitInterval: "20 millis",
      lagInterval: "50 millis",
      slowAfter: "1 hour",
      metrics: { vbuckets: true }
    }, {
      change: (change) => {
        seen[change._tag === "Mutation" ? "mutation" : "deletion"]++
        return Effect.andThen(Effect.void, Effect.suspend(() => held ? release.await : Effect.void))
      },
      rollback: ({ reason }) =>
        Effect.sync(() => {
          undone.set(reason, (undone.get(reason) ?? 0) + 1)
        })
    }),
    dcp
  )
  yield* Effect.forkScoped(Stream.runDrain(events))
  yield* until("all changes have been seen", () => seen.mutation === 10)
  yield* kv.remove("key 2")
  yield* until("the deletion has been seen", () => seen.deletion === 1)
  yield* until("they are saved", () => consumer.status.commits > 0 && consumer.status.lag === 0)
  failing = true
  yield* kv.upsert("key 3", { n: 2 })
  yield* until("the store has failed", () => consumer.status.failedCommits === 1)
  // the last change of each vbucket never was: who has seen it goes back
  node.cluster.failover(0, { lost: 1 })
  yield* until("rollbacks have been handed over", () => undone.size > 0)
  yield* until("all streams are there again", () => consumer.status.streaming === 4)
  yield* until("and nothing is left to do", () => consumer.status.unsettled === 0 && consumer.status.lag === 0)
  const { commits } = consumer.status
  // what is not processed any more is owed: two changes of one vbucket, of which the first is being processed
  held = true
  yield* kv.upsert("key 4", { n: 3 })
  yield* until("the first is being processed", () => consumer.status.unsettled === 1 && consumer.status.waiting === 0)
  yield* kv.upsert("key 4", { n: 4 })
  yield* until("the second waits", () => consumer.status.waiting === 1)
  yield* until("and as old as is told", () => consumer.status.oldestUnsettled > 0)
  // a node that is down opens its circuit at the first attempt
  const other = yield* serveCouchbase({ buckets: [{ name: "travel", vbuckets: 4 }] })
  const guarded = CouchbaseClient.make({
    seeds: [{ host: "127.0.0.1", port: other.port }],
    bucket: "travel",
    retry: { attempts: 1 },
    circuitBreaker: { volumeThreshold: 1 },
    logs: false
  })
  const refused = Effect.tap(guarded, (kv) => {
    other.cluster.kill(0)
    return Effect.repeat(Effect.flip(kv.get("key 0")), { until: ({ reason }) => reason._tag === "CircuitOpen" })
  })
  yield* Effect.scoped(refused)
  const circuit = { "db.system.name": "couchbase", "server.address": "127.0.0.1", "server.port": other.port }
  const place = { "server.address": "127.0.0.1", "server.port": node.port }
  const system = { "db.system.name": "couchbase", ...place }
  const group = { "messaging.system": "couchbase", "messaging.consumer.group.name": "indexer", "messaging.destination.name": "travel" }
  const vbucket = [...consumer.lags].find(({ highSeqno, seqno }) => highSeqno > seqno)!
  const partition = { ...group, "messaging.destination.partition.id": vbucket.vbucket }
  const connection = { "network.protocol.name": "dcp", ...place }
  const expected: ReadonlyArray<Expected> = [
    { row: clientRows.operation, attributes: { ...system, "db.operation.name": "Get" }, value: 11 },
    {
      row: clientRows.operation,
      attributes: { ...system, "db.operation.name": "Set", "error.type": locked.reason._tag },
      value: 1
    },
    {
      row: clientRows.retries,
      attributes: { "db.system.name": "couchbase", "db.operation.name": "Set", "error.type": locked.reason._tag },
      value: locked.attempts - 1
    },
    { row: clientRows.circuits, attributes: { ...circuit, "wirewright.circuit.state": "open" }, value: 1 },
    { row: clientRows.io, attributes: { ...connection, "network.io.direction": "receive" }, value: { least: 1 } },
    { row: dcpRows.consumed, attributes: { ...group, "wirewright.dcp.change": "mutation" }, value: { least: seen.mutation } },
    { row: dcpRows.consumed, attributes: { ...group, "wirewright.dcp.change": "deletion" }, value: seen.deletion },
    { row: dcpRows.lag, attributes: group, value: 2 },
    { row: dcpRows.partitionLag, attributes: partition, value: 2 },
    { row: dcpRows.partitionSeqno, attributes: partition, value: Number(vbucket.seqno) },
    { row: dcpRows.partitionHighSeqno, attributes: partition, value: Number(vbucket.seqno) + 2 },
    { row: dcpRows.unsettled, attributes: group, value: 2 },
    { row: dcpRows.unsettledAge, attributes: group, value: { least: 0.001 } },
    { row: dcpRows.waiting, attributes: group, value: 1 },
    { row: dcpRows.window, attributes: group, value: 10 * 1024 * 1024 },
    { row: dcpRows.outstanding, attributes: group, value: { least: 1 } },
    { row: dcpRows.acknowledged, attributes: group, value: 0 },
    { row: dcpRows.vbuckets, attributes: group, value: 4 },
    { row: dcpRows.streams, attributes: group, value: 4 },
    { row: dcpRows.stalled, attributes: group, value: 0 },
    ...[...undone].map(([reason, value]) => ({
      row: dcpRows.rollbacks,
      attributes: { ...group, "wirewright.dcp.rollback.reason": reason },
      value
    })),
    { row: dcpRows.commit, attributes: { ...group, "messaging.operation.name": "commit" }, value: { least: commits } },
    {
      row: dcpRows.commit,
      attributes: { ...group, "messaging.operation.name": "commit", "error.type": "Unavailable" },
      value: 1
    }
  ]
  let n = 4
  const again = Effect.all([release.open, kv.get("key 0"), Effect.suspend(() => kv.upsert("key 5", { n: n++ }))], { discard: true })
  return { expected, again, consumer }
})

const deepstream = Effect.gen(function*() {
  const network = new WebSockets()
  let frames = 0
  oblige(network, "ws://realtime/deepstream", (socket) => {
    const send = socket.send.bind(socket)
    socket.send = (frame) => {
      frames++
      send(frame)
    }
  })
  const client = yield* Effect.provideService(
    Deepstream.make({ url: "ws://realtime", credentials: {} }),
    Socket.WebSocketConstructor,
    network.dial
  )
  yield* client.rpc.request("double", 2)
  yield* Effect.forkScoped(Stream.runDrain(client.events.subscribe("news")))
  const record = yield* client.records.open("user/lisa")
  // nobody waits for it, and it is not acknowledged
  yield* record.set({ name: "Lisa" })
  // one sleep of 50 ms would be over before anything was sent where the process stood still for that long
  yield* Effect.repeat(Effect.sleep(1), { times: 50 })
  const place = { "server.address": "realtime", "server.port": 80 }
  const expected: ReadonlyArray<Expected> = [
    { row: deepstreamRows.state, attributes: { ...place, "wirewright.deepstream.state": "OPEN" }, value: 1 },
    { row: deepstreamRows.state, attributes: { ...place, "wirewright.deepstream.state": "ERROR" }, value: 0 },
    // each answer of this server is a frame and a message
    { row: deepstreamRows.messages, attributes: { ...place, "network.io.direction": "receive" }, value: frames },
    // challenge, login, request, subscription, reading and writing a record
    { row: deepstreamRows.messages, attributes: { ...place, "network.io.direction": "transmit" }, value: 6 },
    { row: deepstreamRows.subscriptions, attributes: { ...place, "wirewright.deepstream.topic": "event" }, value: 1 },
    { row: deepstreamRows.subscriptions, attributes: { ...place, "wirewright.deepstream.topic": "record" }, value: 1 },
    { row: deepstreamRows.subscriptions, attributes: { ...place, "wirewright.deepstream.topic": "presence" }, value: 0 },
    { row: deepstreamRows.writes, attributes: place, value: 0 },
    { row: deepstreamRows.queued, attributes: place, value: 0 },
    { row: clientRows.call, attributes: { ...place, "rpc.system.name": "deepstream", "rpc.method": "double" }, value: 1 }
  ]
  return { expected, again: client.rpc.request("double", 2) }
})

const served = Effect.gen(function*() {
  const server = yield* Server.make(Acme, handlers, { maxConnections: 1 })
  const acme = yield* Client.make(Acme, { host: "127.0.0.1", port: server.port })
  yield* acme.call(Acme.Noop)
  yield* acme.call(Acme.Noop)
  yield* Effect.flip(acme.call(Acme.LengthOf, { key: "none" }))
  yield* acme.call(Acme.Version)
  // one more than there may be
  const refused = yield* Effect.exit(Effect.scoped(Effect.flatMap(
    Client.make(Acme, { host: "127.0.0.1", port: server.port }),
    (other) => other.call(Acme.Noop)
  )))
  const place = { "server.address": "127.0.0.1", "server.port": server.port }
  const { bytesReceived, bytesSent } = yield* acme.counters
  const calls = { "rpc.system.name": "measured", ...place }
  const expected: ReadonlyArray<Expected> = [
    { row: clientRows.call, attributes: { ...calls, "rpc.method": "LengthOf", "error.type": "KeyEnoent" }, value: 1 },
    { row: serverRows.call, attributes: { ...calls, "rpc.method": "Noop" }, value: 2 },
    { row: serverRows.call, attributes: { ...calls, "rpc.method": "LengthOf", "error.type": "KeyEnoent" }, value: 1 },
    { row: serverRows.call, attributes: { ...calls, "rpc.method": "Version" }, value: 1 },
    { row: serverRows.connections, attributes: place, value: 1 },
    { row: serverRows.connectionsMax, attributes: place, value: 1 },
    { row: serverRows.accepted, attributes: place, value: 1 },
    { row: serverRows.closed, attributes: { ...place, "error.type": "refused" }, value: refused._tag === "Failure" ? 1 : 0 },
    { row: serverRows.requests, attributes: place, value: 4 },
    { row: serverRows.malformed, attributes: place, value: 0 },
    { row: serverRows.io, attributes: { ...place, "network.io.direction": "receive" }, value: bytesSent },
    { row: serverRows.io, attributes: { ...place, "network.io.direction": "transmit" }, value: bytesReceived }
  ]
  return { expected, again: acme.call(Acme.Noop) }
})

/** Does everything once, and leaves it open. */
export const everything: Effect.Effect<Everything, unknown, Scope.Scope> = Effect.gen(function*() {
  const { consumer, ...bucket } = yield* couchbase
  const parts = [bucket, yield* memcached, yield* deepstream, yield* served]
  return {
    expected: parts.flatMap(({ expected }) => expected),
    consumer,
    again: Effect.forEach(parts, ({ again }) => again as Effect.Effect<unknown, unknown>, { discard: true })
  }
})

/** Runs what looks at everything through a management endpoint, with metrics and health of its own, and without log lines. */
export const runWatched = <A, E>(program: Effect.Effect<A, E, Operations.Operations | Scope.Scope>): Promise<A> =>
  Effect.runPromise(
    program.pipe(
      Effect.provide(Operations.layer()),
      Effect.scoped,
      Effect.provideService(Metric.MetricRegistry, new Map()),
      Effect.provideService(HealthIndicators, new Set()),
      Effect.provide(Logger.layer([]))
    )
  )
