/** Copies of vbuckets on several nodes: where they are, what they answer, how they follow, what is on their disks, and what is left when one takes over. */
import { encodeWith, type Writer } from "@wirewright/codec"
import * as Gen from "@wirewright/dcp/gen"
import { HelloFeature as F, type Packet, SubdocDocFlags, SubdocOpcode, VBucketState } from "@wirewright/dcp/gen"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import type { Bucket, BucketOptions } from "./Bucket.ts"
import { type CouchbaseCluster, serveCouchbaseCluster } from "./CouchbaseNode.ts"
import { everything, TestClient } from "./TestClient.fixture.ts"

const text = (packet: Packet): string => "value" in packet && packet.value instanceof Uint8Array ? Buffer.from(packet.value).toString() : ""
const set = (key: string, value: string, more: object = {}) => (writer: Writer) =>
  Gen.encodeSet(writer, { key, value: Buffer.from(value), flags: 1, expiration: 0, collectionId: 0, ...more })
const get = (key: string, more: object = {}) => (writer: Writer) => Gen.encodeGet(writer, { key, collectionId: 0, ...more })
const getReplica = (key: string, more: object = {}) => (writer: Writer) => Gen.encodeGetReplica(writer, { key, collectionId: 0, ...more })
const stat = async (client: TestClient, group: string): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>()
  let answer = await client.ask((writer) => Gen.encodeStat(writer, { group, parameters: "" }))
  for (; answer._tag === "StatResponse" && answer.name !== ""; answer = await client.next()) found.set(answer.name, answer.value)
  return found
}

let scope: Scope.Closeable
let cluster: CouchbaseCluster
let bucket: Bucket
let clients: ReadonlyArray<TestClient>

const begin = async (nodes: number, options: Omit<BucketOptions, "name">): Promise<void> => {
  scope = Scope.makeUnsafe()
  const buckets = [{ name: "default", vbuckets: 3, ...options }]
  cluster = await Effect.runPromise(Scope.provide(serveCouchbaseCluster({ nodes, buckets }), scope))
  bucket = cluster.buckets.get("default")!
  clients = await Promise.all(cluster.nodes.map(({ port }) => TestClient.ready(port, [...everything, F.SubdocReplicaRead])))
}
const end = async (): Promise<void> => {
  await Promise.all(clients.map((client) => client.end()))
  await Effect.runPromise(Scope.close(scope, Exit.void))
}
/** The node that has a vbucket active, the first with a replica, and the second. */
const places = (vbucket: number): readonly [TestClient, TestClient, TestClient] =>
  bucket.chain(vbucket).map((node) => clients[node]!) as unknown as readonly [TestClient, TestClient, TestClient]

describe("three nodes, two replicas", () => {
  beforeAll(() => begin(3, { replicas: 2 }))
  afterAll(end)

  it("the map has a chain for each vbucket", () => {
    const map = JSON.parse(cluster.state.map(cluster.nodes, 0, bucket)) as { readonly vBucketServerMap: object }
    expect(map.vBucketServerMap).toMatchObject({ numReplicas: 2, vBucketMap: [[0, 1, 2], [1, 2, 0], [2, 0, 1]] })
  })

  it("each node says which copies are active and which replicas", async () => {
    expect(Object.fromEntries(await stat(clients[1]!, "vbucket"))).toEqual({ vb_0: "replica", vb_1: "active", vb_2: "replica" })
    const state = (writer: Writer) => Gen.encodeGetVbucket(writer, { key: "", vbucket: 0 })
    expect(await clients[0]!.ask(state)).toMatchObject({ state: VBucketState.Active })
    expect(await clients[2]!.ask(state)).toMatchObject({ state: VBucketState.Replica })
    const active = await clients[1]!.ask((writer) => Gen.encodeGetAllVbSeqnos(writer, { state: Gen.RequestedVBState.Active }))
    const replica = await clients[1]!.ask((writer) => Gen.encodeGetAllVbSeqnos(writer, { state: Gen.RequestedVBState.Replica }))
    expect(active).toMatchObject({ seqnos: [{ vbucket: 1 }] })
    expect(replica).toMatchObject({ seqnos: [{ vbucket: 0 }, { vbucket: 2 }] })
  })

  it("replicas are read as such, and only as such", async () => {
    const [active, first, second] = places(0)
    const stored = await active.ask(set("a", "{\"n\":1}"))
    for (const replica of [first, second]) {
      expect(await replica.ask(getReplica("a"))).toMatchObject({ flags: 1, cas: stored._tag === "SetResponse" ? stored.cas : 0n })
      expect(text(await replica.ask(getReplica("a")))).toBe("{\"n\":1}")
      expect(await replica.status(get("a"))).toBe("NotMyVbucket")
      expect(await replica.status(set("a", "2"))).toBe("NotMyVbucket")
      expect(await replica.status(getReplica("none"))).toBe("KeyEnoent")
    }
    expect(await active.status(getReplica("a"))).toBe("NotMyVbucket")
    await active.ask((writer) => Gen.encodeDelete(writer, { key: "a", collectionId: 0 }))
    expect(await first.status(getReplica("a"))).toBe("KeyEnoent")
  })

  it("parts of documents are read from replicas with the flag for it, and without it are not", async () => {
    const [active, first] = places(0)
    await active.ask(set("parts", "{\"n\":[1,2]}"))
    const single = (docFlags: number | undefined) => (writer: Writer) =>
      Gen.encodeSubdocGet(writer, { key: "parts", collectionId: 0, path: "n[1]", flags: 0, docFlags })
    const multi = (docFlags: number | undefined) => (writer: Writer) =>
      Gen.encodeSubdocMultiLookup(writer, {
        key: "parts",
        collectionId: 0,
        docFlags,
        specs: [{ opcode: SubdocOpcode.SubdocGet, flags: 0, path: "n[0]" }]
      })
    expect(text(await first.ask(single(SubdocDocFlags.replicaRead)))).toBe("2")
    expect(await first.ask(multi(SubdocDocFlags.replicaRead))).toMatchObject({ results: [{ status: 0 }] })
    for (const lookup of [single, multi]) {
      expect(await first.status(lookup(undefined))).toBe("NotMyVbucket")
      expect(await active.status(lookup(SubdocDocFlags.replicaRead))).toBe("NotMyVbucket")
      expect(await active.status(lookup(undefined))).toBe("Success")
    }
  })

  it("a replica that nothing reaches has what it had, and catches up", async () => {
    const [active, first, second] = places(0)
    await active.ask(set("late", "1"))
    cluster.state.replicates(1, false)
    await active.ask(set("late", "2"))
    expect([text(await first.ask(getReplica("late"))), text(await second.ask(getReplica("late")))]).toEqual(["1", "2"])
    cluster.state.replicates(1, true)
    expect(text(await first.ask(getReplica("late")))).toBe("2")
  })
})

describe("more replicas than nodes for them", () => {
  afterEach(end)

  it("leaves places of the chain empty until there are nodes", async () => {
    await begin(2, { replicas: 3 })
    expect([0, 1, 2].map((id) => bucket.chain(id))).toEqual([[0, 1, -1, -1], [1, 0, -1, -1], [0, 1, -1, -1]])
  })

  it("refuses a number of replicas that there is not", async () => {
    await begin(1, {})
    expect(() => cluster.state.createBucket({ name: "b", replicas: 4 })).toThrow("0 to 3")
    expect(cluster.state.createBucket({ name: "b", replicas: 3 })?.chain(0)).toEqual([0, -1, -1, -1])
  })
})

describe("what is on disk", () => {
  beforeEach(() => begin(2, { replicas: 1 }))
  afterEach(end)

  it("is told by OBSERVE, OBSERVE_SEQNO and STAT, of each copy", async () => {
    const [active, replica] = places(0)
    await active.ask(set("a", "1"))
    cluster.state.persists(1, false)
    await active.ask(set("b", "1"))
    const observe = (key: string) => (writer: Writer) =>
      Gen.encodeObserve(writer, { keys: [{ vbucket: 0, key: { collectionId: 0, key } }] })
    expect(await active.ask(observe("b"))).toMatchObject({ keys: [{ state: Gen.ObserveKeyState.Persisted }] })
    expect(await replica.ask(observe("b"))).toMatchObject({ keys: [{ state: Gen.ObserveKeyState.NotPersisted }] })
    expect(await replica.ask(observe("a"))).toMatchObject({ keys: [{ state: Gen.ObserveKeyState.Persisted }] })
    const vbucketUuid = bucket.uuidOf(0)
    const seqno = (writer: Writer) => Gen.encodeObserveSeqno(writer, { vbucket: 0, vbucketUuid })
    expect(await active.ask(seqno)).toMatchObject({ lastPersistedSeqno: 2n, currentSeqno: 2n })
    expect(await replica.ask(seqno)).toMatchObject({ lastPersistedSeqno: 1n, currentSeqno: 2n })
    const stats = await stat(replica, "vbucket-seqno")
    expect([stats.get("vb_0:high_seqno"), stats.get("vb_0:last_persisted_seqno")]).toEqual(["2", "1"])
  })

  it("is waited for by SEQNO_PERSISTENCE, which holds what comes after it", async () => {
    const [active] = places(0)
    await active.ask(set("a", "1"))
    const persistence = (seqno: bigint) => (writer: Writer) => Gen.encodeSeqnoPersistence(writer, { vbucket: 0, seqno })
    expect(await active.status(persistence(1n))).toBe("Success")
    cluster.state.persists(0, false)
    await active.ask(set("b", "1"))
    const other = await TestClient.ready(cluster.nodes[0]!.port)
    active.send(Buffer.concat([encodeWith(persistence(2n)), encodeWith(get("b"))]))
    expect(text(await other.ask(get("b")))).toBe("1")
    cluster.state.persists(0, true)
    expect([(await active.next())._tag, (await active.next())._tag]).toEqual(["SeqnoPersistenceResponse", "GetResponse"])
    await other.end()
  })

  it("is what a node has that was killed; what it had not written is lost", async () => {
    const [active, replica] = places(0)
    await active.ask(set("a", "kept"))
    cluster.state.persists(0, false)
    await active.ask(set("b", "lost"))
    cluster.kill(0)
    await active.end()
    await expect(TestClient.ready(cluster.nodes[0]!.port)).rejects.toThrow("closed")
    expect(text(await replica.ask(getReplica("b")))).toBe("lost")
    cluster.state.persists(0, true)
    expect(cluster.state.restart(0)).toBe(1)
    const again = await TestClient.ready(cluster.nodes[0]!.port)
    expect(text(await again.ask(get("a")))).toBe("kept")
    expect(await again.status(get("b"))).toBe("KeyEnoent")
    // the replica follows, and has lost it, too
    expect(await replica.status(getReplica("b"))).toBe("KeyEnoent")
    await again.end()
  })
})

describe("a replica takes over", () => {
  beforeEach(() => begin(3, { replicas: 2 }))
  afterEach(end)

  it("with what it has received; the branch begins at what it has on disk, and the others follow", async () => {
    const [active, first, second] = places(0)
    for (const value of ["1", "2"]) await active.ask(set("a", value))
    cluster.state.persists(1, false)
    for (const value of ["3", "4"]) await active.ask(set("a", value))
    cluster.state.replicates(2, false)
    for (const value of ["5", "6"]) await active.ask(set("a", value))
    expect(cluster.failover(0)).toBe(0)
    expect(bucket.chain(0)).toEqual([1, 2, -1])
    const { failoverLog, history } = bucket.vbucket(0)!
    expect([failoverLog[0]!.seqno, history.highSeqno]).toEqual([2n, 6n])
    expect(text(await first.ask(get("a")))).toBe("6")
    // the other copy, at 4, has been sent back to 2, where both have the same for sure, and nothing reaches it
    expect(bucket.copyAt(0, 2)!.history.highSeqno).toBe(2n)
    expect(text(await second.ask(getReplica("a")))).toBe("2")
    cluster.state.replicates(2, true)
    expect(text(await second.ask(getReplica("a")))).toBe("6")
    expect(bucket.copyAt(0, 2)!.failoverLog).toEqual(failoverLog)
  })

  it("that has the most", async () => {
    const [active, , second] = places(0)
    cluster.state.replicates(1, false)
    await active.ask(set("a", "1"))
    expect(cluster.failover(0)).toBe(0)
    expect(bucket.chain(0)).toEqual([2, 1, -1])
    expect(text(await second.ask(get("a")))).toBe("1")
  })

  it("and what it had not received is lost", async () => {
    const [active, first] = places(0)
    await active.ask(set("a", "1"))
    cluster.state.replicates(1, false)
    cluster.state.replicates(2, false)
    await active.ask(set("a", "2"))
    expect(cluster.failover(0)).toBe(1)
    expect(text(await first.ask(get("a")))).toBe("1")
  })

  it("by SET_VBUCKET, and then back: documents and chain change places", async () => {
    const [active, first] = places(0)
    await active.ask(set("a", "1"))
    const state = (value: number) => (writer: Writer) =>
      Gen.encodeSetVbucket(writer, { layout: "Narrow", vbucket: 0, state: value, options: "" })
    const revision = cluster.state.version.revision
    expect(await first.status(state(VBucketState.Active))).toBe("Success")
    expect(bucket.chain(0)).toEqual([1, 0, 2])
    expect(cluster.state.version.revision).toBeGreaterThan(revision)
    expect(await active.status(get("a"))).toBe("NotMyVbucket")
    expect(text(await active.ask(getReplica("a")))).toBe("1")
    await first.ask(set("a", "2"))
    expect(text(await active.ask(getReplica("a")))).toBe("2")
    expect(await active.status(state(VBucketState.Active))).toBe("Success")
    expect(text(await active.ask(get("a")))).toBe("2")
    expect(bucket.vbucket(0)!.failoverLog.map(({ seqno }) => seqno)).toEqual([2n, 1n, 0n])
  })

  it("by a move: no new branch", async () => {
    const [active, first] = places(0)
    await active.ask(set("a", "1"))
    cluster.move("default", 0, 1)
    expect(bucket.chain(0)).toEqual([1, 0, 2])
    expect(bucket.vbucket(0)!.failoverLog).toHaveLength(1)
    expect(text(await first.ask(get("a")))).toBe("1")
  })

  it("in the midst of a snapshot: the branch begins before the snapshot", async () => {
    const [active] = places(0)
    for (let i = 0; i < 4; i++) await active.ask(set(`k${i}`, "1"))
    cluster.state.replicates(1, false)
    cluster.state.replicates(2, false)
    for (let i = 0; i < 4; i++) await active.ask(set(`k${i}`, "2"))
    // two of four changes arrive, on disk, too
    expect(bucket.replicate(0, 1, 2)).toBe(true)
    const copy = bucket.copyAt(0, 1)!
    copy.persist()
    expect([copy.history.highSeqno, copy.receivedSeqno]).toEqual([4n, 6n])
    expect(cluster.failover(0)).toBe(2)
    const { failoverLog, history } = bucket.vbucket(0)!
    expect([failoverLog[0]!.seqno, history.highSeqno]).toEqual([4n, 6n])
  })

  it("until there is none left: then the vbucket is nowhere, and a rebalance brings copies back", async () => {
    const [active] = places(0)
    await active.ask(set("a", "1"))
    cluster.failover(0)
    cluster.failover(1)
    expect(bucket.chain(0)).toEqual([2, -1, -1])
    cluster.state.rebalance()
    expect(bucket.chain(0)).toEqual([2, 1, 0])
    const again = await TestClient.ready(cluster.nodes[0]!.port)
    expect(text(await again.ask(getReplica("a")))).toBe("1")
    await again.end()
    for (const node of [2, 1, 0]) if (cluster.state.present.length > 1) cluster.failover(node)
    expect(bucket.chain(0)).toEqual([0, -1, -1])
  })

  it("unless its node does not run; when it does again, a rebalance makes it the active one", async () => {
    const [active] = places(0)
    await active.ask(set("a", "1"))
    for (const node of [1, 2]) cluster.kill(node)
    cluster.failover(0)
    expect(bucket.chain(0)).toEqual([-1, 1, 2])
    for (const node of [1, 2]) cluster.state.restart(node)
    cluster.state.rebalance()
    expect(bucket.chain(0)).toEqual([1, 2, 0])
    const again = await TestClient.ready(cluster.nodes[1]!.port)
    expect(text(await again.ask(get("a")))).toBe("1")
    await again.end()
  })

  it("and where no copy is left, the vbucket begins anew, empty", async () => {
    const { state } = cluster
    const other = state.createBucket({ name: "one", vbuckets: 3, replicas: 1 })!
    other.store.set(other.store.space(0), "a", { value: Buffer.from("1") })
    cluster.failover(0)
    cluster.failover(1)
    expect(other.chain(0)).toEqual([-1, -1])
    state.rebalance()
    expect(other.chain(0)).toEqual([0, 1])
    expect([other.highSeqno(0), other.store.counters.documents]).toEqual([0n, 0])
  })

  it("and what was lost is on its disk no longer", () => {
    const single = cluster.state.createBucket({ name: "single", vbuckets: 1 })!
    for (const value of ["1", "2"]) single.store.set(single.store.space(0), "a", { value: Buffer.from(value) })
    single.failOver(0, 1)
    expect(single.vbucket(0)!.persistedSeqno).toBe(1n)
  })
})
