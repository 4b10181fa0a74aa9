/** DCP of nodes with replicas: streams of copies that are not active, and of writes that wait for copies. */
import { encodeWith } from "@wirewright/codec"
import * as Gen from "@wirewright/dcp/gen"
import { DcpStreamEndStatus, HelloFeature as F, VBucketState } from "@wirewright/dcp/gen"
import { type Bucket, type CouchbaseCluster, serveCouchbaseCluster } from "@wirewright/embedded"
import { nameOf, TestClient } from "../../packages/embedded/src/TestClient.fixture.ts"
import { DurabilityLevel } from "@wirewright/memcached/gen"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { DcpClient, features } from "./DcpClient.ts"
import { inWorld, until } from "./Harness.ts"
import { settle } from "@wirewright/dcp/internal"

let scope: Scope.Closeable
let cluster: CouchbaseCluster
let bucket: Bucket
const open: Array<TestClient> = []

beforeEach(async () => {
  scope = Scope.makeUnsafe()
  const buckets = [{ name: "default", vbuckets: 1, replicas: 2 }]
  cluster = await Effect.runPromise(Scope.provide(serveCouchbaseCluster({ nodes: 3, buckets }), scope))
  bucket = cluster.buckets.get("default")!
})
afterEach(async () => {
  for (const client of open.splice(0)) await client.end()
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

const dcp = async (node: number, controls: { readonly [key: string]: string } = {}, asked = features): Promise<DcpClient> => {
  const client = await DcpClient.open(cluster.nodes[node]!.port, undefined, `stream ${open.length}`, asked)
  open.push(client.wire)
  await client.controls({ enable_noop: "true", ...controls })
  return client
}
const put = (key: string, value = ""): void => {
  expect(typeof bucket.store.set(bucket.store.space(0), key, { value: Buffer.from(value) })).toBe("object")
}

describe("a stream of a replica", () => {
  it("is had by those who do not insist on the active copy", async () => {
    put("a")
    put("b")
    const client = await dcp(1)
    expect(nameOf(await client.request(0))).toBe("NotMyVbucket")
    expect(nameOf(await client.request(0, { flags: 0 }))).toBe("Success")
    expect(await client.take(3)).toEqual(["MK[0,2] 5", "M1 a", "M2 b"])
    put("c")
    expect(await client.take(2)).toEqual(["MK[3,3] 1", "M3 c"])
  })

  it("has what the replica has, in whole snapshots, and ends when the replica takes over", async () => {
    put("a")
    const client = await dcp(1)
    await client.request(0, { flags: 0 })
    await client.take(2)
    cluster.state.replicates(1, false)
    for (const key of ["b", "c", "d"]) put(key)
    bucket.replicate(0, 1, 2)
    expect(bucket.copyAt(0, 1)!.receivedSeqno).toBe(3n)
    cluster.state.replicates(1, true)
    expect(await client.take(4)).toEqual(["MK[2,4] 1", "M2 b", "M3 c", "M4 d"])
    cluster.failover(0)
    expect(await client.take(1)).toEqual([`END ${DcpStreamEndStatus.StateChanged}`])
    expect(nameOf(await client.request(0))).toBe("Success")
  })

  it("of another replica goes on when it need not go back, and ends when it has to", async () => {
    put("a")
    const client = await dcp(2)
    await client.request(0, { flags: 0 })
    await client.take(2)
    cluster.failover(0)
    expect(bucket.vbucket(0)!.node).toBe(1)
    put("b")
    expect(await client.take(2)).toEqual(["MK[2,2] 1", "M2 b"])
    // what comes next reaches the one, but not its disk, and then the other one takes its place
    cluster.state.replicates(2, false)
    expect(cluster.state.setState(bucket, 0, VBucketState.Active, 2)).toBe(0)
    expect(await client.take(1)).toEqual([`END ${DcpStreamEndStatus.StateChanged}`])
  })
})

describe("writes that wait for copies", () => {
  const write = (key: string, level: number, timeout = 60_000) =>
    encodeWith((writer) =>
      Gen.encodeSet(writer, {
        key,
        value: Buffer.from("1"),
        flags: 0,
        expiration: 0,
        collectionId: 0,
        framing: [{ _tag: "Durability", level, timeout }]
      })
    )
  const writer = async (): Promise<TestClient> => {
    const client = await TestClient.ready(cluster.nodes[0]!.port, [...features, F.SyncReplication])
    open.push(client)
    return client
  }

  it("are told as prepares, commits and aborts to those who want that, and as what came of them to others", async () => {
    const some = await dcp(0, { enable_sync_writes: "true" })
    const others = await dcp(0)
    const old = await dcp(0, {}, features.filter((feature) => feature !== F.Collections))
    for (const client of [some, others, old]) expect(nameOf(await client.request(0))).toBe("Success")
    const client = await writer()
    for (const node of [1, 2]) cluster.state.replicates(node, false)
    client.send(write("a", DurabilityLevel.Majority))
    expect(await some.take(2)).toEqual(["MK[0,1] 5", "P1 a level 1"])
    cluster.state.replicates(1, true)
    expect(nameOf(await client.next())).toBe("Success")
    put("b")
    expect(await some.take(4)).toEqual(["MK[2,2] 1", "C2 a of 1", "MK[3,3] 1", "M3 b"])
    for (const client of [others, old]) expect(await client.take(4)).toEqual(["MK[0,2] 5", "M2 a", "MK[3,3] 1", "M3 b"])
    cluster.state.replicates(1, false)
    client.send(write("a", DurabilityLevel.Majority, 20))
    expect(nameOf(await client.next())).toBe("SyncWriteAmbiguous")
    put("c")
    expect((await some.take(6)).filter((one) => !one.startsWith("MK"))).toEqual(["P4 a level 1", "A5 a of 4", "M6 c"])
    expect((await others.take(6)).filter((one) => !one.startsWith("MK"))).toEqual(["SA4", "SA5", "M6 c"])
    expect(await old.take(2)).toEqual(["MK[6,6] 1", "M6 c"])
  })

  it("that came to an end are no prepares any more in what is read from disk", async () => {
    const client = await writer()
    client.send(write("a", DurabilityLevel.Majority))
    expect(nameOf(await client.next())).toBe("Success")
    for (const node of [1, 2]) cluster.state.replicates(node, false)
    client.send(write("b", DurabilityLevel.Majority))
    while (bucket.highSeqno(0) < 3n) await new Promise((done) => setTimeout(done, 1))
    bucket.vbucket(0)!.history.evict()
    const some = await dcp(0, { enable_sync_writes: "true" })
    await some.request(0)
    expect(await some.take(3)).toEqual(["MK[0,3] 6", "M2 a", "P3 b level 1"])
    const newer = await dcp(0, { max_marker_version: "2.2" })
    await newer.request(0)
    expect(await newer.wire.next()).toMatchObject({ layout: "V2_2", endSeqno: 3n, maxVisibleSeqno: 2n })
    expect(await newer.take(2)).toEqual(["M2 a", "SA3"])
  })

  it("do not go together with stream ids and filters", async () => {
    const ids = await dcp(0, { enable_stream_id: "true" })
    expect(await ids.control("enable_sync_writes", "true")).toBe("NotSupported")
    const some = await dcp(0, { enable_sync_writes: "true" })
    expect(await some.control("enable_stream_id", "true")).toBe("NotSupported")
    expect(nameOf(await some.request(0, { filter: "{\"collections\":[\"0\"]}" }))).toBe("NotSupported")
  })
})

it("a consumer follows promotions to branches below what it has: it has what the nodes have in the end", () =>
  inWorld({ nodes: 3, buckets: [{ name: "default", vbuckets: 2, replicas: 2 }] }, (world) =>
    Effect.gen(function*() {
      const { state } = world.cluster
      const run = yield* world.consume({ connectBudget: { burst: 100, perSecond: 100 } }, (event) => Effect.sync(() => settle(event)))
      for (let i = 0; i < 5; i++) world.put(`k${i}`, 0)
      yield* until(() => run.brief(0).includes("M5"))
      // what follows is received by the replicas, and is on none of their disks
      for (const node of [1, 2]) state.persists(node, false)
      for (let i = 0; i < 5; i++) world.put(`k${i}`, 0)
      yield* until(() => run.brief(0).includes("M10"))
      expect(world.cluster.failover(0)).toBe(0)
      expect(world.bucket.vbucket(0)!.failoverLog[0]!.seqno).toBe(5n)
      world.put("new", 0)
      yield* until(() => run.brief(0).includes("M11"))
      const at = run.brief(0).findIndex((text) => text.startsWith("ROLLBACK"))
      expect(run.brief(0)[at]).toBe("ROLLBACK 10→5 CompleteSnapshot")
      expect(run.brief(0).slice(at + 1)).toEqual(["M6", "M7", "M8", "M9", "M10", "M11"])
    })))
