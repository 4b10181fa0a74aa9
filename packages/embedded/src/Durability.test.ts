/** Writes that wait for copies: what each level waits for, what others see meanwhile, how they end, and what becomes of them when a replica takes over. */
import { encodeWith, type Writer } from "@wirewright/codec"
import * as Gen from "@wirewright/dcp/gen"
import { HelloFeature as F, type Packet, SubdocOpcode } from "@wirewright/dcp/gen"
import { DurabilityLevel, encodeNoop, type RequestFrame } from "@wirewright/memcached/gen"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { afterEach, describe, expect, it } from "vitest"
import type { Bucket, BucketOptions } from "./Bucket.ts"
import { type CouchbaseCluster, serveCouchbaseCluster } from "./CouchbaseNode.ts"
import { everything, nameOf, TestClient } from "./TestClient.fixture.ts"

const { Majority, MajorityAndPersistOnMaster, PersistToMajority } = DurabilityLevel
const text = (packet: Packet): string => "value" in packet && packet.value instanceof Uint8Array ? Buffer.from(packet.value).toString() : ""
const frames = (level: number, timeout?: number): ReadonlyArray<RequestFrame> => [{ _tag: "Durability", level, timeout }]
const set = (key: string, value: string, level?: number, more: object = {}, timeout?: number) => (writer: Writer) =>
  Gen.encodeSet(writer, {
    key,
    value: Buffer.from(value),
    flags: 1,
    expiration: 0,
    collectionId: 0,
    framing: level === undefined ? [] : frames(level, timeout),
    ...more
  })
const get = (key: string, more: object = {}) => (writer: Writer) => Gen.encodeGet(writer, { key, collectionId: 0, ...more })

const features = [...everything, F.SyncReplication, F.UnorderedExecution]
let scope: Scope.Closeable | undefined
let cluster: CouchbaseCluster
let bucket: Bucket
let open: Array<TestClient> = []

const begin = async (nodes: number, options: Omit<BucketOptions, "name">): Promise<void> => {
  scope = Scope.makeUnsafe()
  const buckets = [{ name: "default", vbuckets: 1, ...options }]
  cluster = await Effect.runPromise(Scope.provide(serveCouchbaseCluster({ nodes, buckets }), scope))
  bucket = cluster.buckets.get("default")!
}
const client = async (node = 0, some: ReadonlyArray<number> = features): Promise<TestClient> => {
  const made = await TestClient.ready(cluster.nodes[node]!.port, some)
  open.push(made)
  return made
}
afterEach(async () => {
  await Promise.all(open.map((one) => one.end()))
  open = []
  if (scope !== undefined) await Effect.runPromise(Scope.close(scope, Exit.void))
  scope = undefined
})

/** What holds each level back, and what does not. */
const levels = [
  { name: "majority", level: Majority, replication: true, activeDisk: false, replicaDisks: false },
  {
    name: "majority and the disk of the active one",
    level: MajorityAndPersistOnMaster,
    replication: true,
    activeDisk: true,
    replicaDisks: false
  },
  { name: "the disks of a majority", level: PersistToMajority, replication: true, activeDisk: true, replicaDisks: true }
]

describe.each(levels)("$name", ({ activeDisk, level, replicaDisks, replication }) => {
  const holds = [
    { name: "both replicas are out of reach", nodes: [1, 2], what: "replicates", waits: replication },
    { name: "one replica is out of reach", nodes: [1], what: "replicates", waits: false },
    { name: "the active node writes nothing to disk", nodes: [0], what: "persists", waits: activeDisk },
    { name: "both replicas write nothing to disk", nodes: [1, 2], what: "persists", waits: replicaDisks },
    { name: "one replica writes nothing to disk", nodes: [1], what: "persists", waits: false }
  ] as const
  it.each(holds)("while $name: waits $waits", async ({ nodes, waits, what }) => {
    await begin(3, { replicas: 2 })
    const writer = await client()
    await writer.ask(set("k", "old"))
    for (const node of nodes) cluster.state[what](node, false)
    writer.send(encodeWith(set("k", "new", level, { opaque: 7 })))
    writer.send(encodeWith(get("k", { opaque: 8 })))
    if (!waits) {
      // a commit is answered in the microtask after, the read may overtake it
      const answers = [await writer.next(), await writer.next()]
      expect(answers.map(({ opaque }) => opaque).sort()).toEqual([7, 8])
      expect(text(await writer.ask(get("k")))).toBe("new")
      return
    }
    expect(text(await writer.next())).toBe("old")
    for (const node of nodes) cluster.state[what](node, true)
    const answer = await writer.next()
    expect([answer._tag, nameOf(answer)]).toEqual(["SetResponse", "Success"])
    expect(text(await writer.ask(get("k")))).toBe("new")
  })
})

describe("a write that waits", () => {
  it("has a seqno for its prepare and one for its commit; the token says the commit's", async () => {
    await begin(3, { replicas: 2 })
    const writer = await client()
    const answer = await writer.ask(set("k", "1", Majority))
    expect(answer).toMatchObject({ mutationToken: { vbucketUuid: bucket.uuidOf(0), seqno: 2n } })
    expect(bucket.highSeqno(0)).toBe(2n)
    expect(bucket.copyAt(0, 2)!.history.highSeqno).toBe(2n)
    const plain = await writer.ask(set("l", "1"))
    expect(plain).toMatchObject({ mutationToken: { seqno: 3n } })
  })

  it("lets nobody else write the document, and everybody read it", async () => {
    await begin(3, { replicas: 2 })
    const [writer, other] = [await client(), await client()]
    await writer.ask(set("k", "1"))
    for (const node of [1, 2]) cluster.state.replicates(node, false)
    writer.send(encodeWith(set("k", "2", Majority)))
    writer.send(encodeWith(set("new", "2", Majority)))
    await other.ask((to) => encodeNoop(to, {}))
    const named = { collectionId: 0 }
    const attempts: ReadonlyArray<(key: string) => (to: Writer) => void> = [
      (key) => set(key, "3"),
      (key) => set(key, "3", Majority),
      (key) => (to) => Gen.encodeAdd(to, { key, value: Buffer.from("3"), flags: 0, expiration: 0, ...named }),
      (key) => (to) => Gen.encodeIncrement(to, { key, delta: 1n, initial: 1n, expiration: 0, ...named })
    ]
    for (const key of ["k", "new"]) for (const attempt of attempts) expect(await other.status(attempt(key))).toBe("SyncWriteInProgress")
    const onThere: ReadonlyArray<(to: Writer) => void> = [
      (to) => Gen.encodeReplace(to, { key: "k", value: Buffer.from("3"), flags: 0, expiration: 0, ...named }),
      (to) => Gen.encodeDelete(to, { key: "k", ...named }),
      (to) => Gen.encodeAppend(to, { key: "k", value: Buffer.from("3"), ...named }),
      (to) => Gen.encodeTouch(to, { key: "k", expiration: 5, ...named }),
      (to) => Gen.encodeGetLocked(to, { key: "k", ...named }),
      (to) =>
        Gen.encodeSubdocMultiMutation(to, {
          key: "k",
          ...named,
          specs: [{ opcode: SubdocOpcode.SetDocument, flags: 0, path: "", value: Buffer.from("{}") }]
        })
    ]
    for (const attempt of onThere) expect(await other.status(attempt)).toBe("SyncWriteInProgress")
    expect(text(await other.ask(get("k")))).toBe("1")
    expect(await other.status(get("new"))).toBe("KeyEnoent")
    cluster.state.replicates(1, true)
    expect([nameOf(await writer.next()), nameOf(await writer.next())]).toEqual(["Success", "Success"])
    expect(text(await other.ask(get("k")))).toBe("2")
    expect(await other.status(set("k", "4"))).toBe("Success")
  })

  it("is aborted when its time is over, and nobody knows what became of it", async () => {
    await begin(3, { replicas: 2 })
    const writer = await client()
    await writer.ask(set("k", "1"))
    for (const node of [1, 2]) cluster.state.replicates(node, false)
    expect(await writer.status(set("k", "2", Majority, {}, 30))).toBe("SyncWriteAmbiguous")
    expect(text(await writer.ask(get("k")))).toBe("1")
    // prepare and abort
    expect(bucket.highSeqno(0)).toBe(3n)
    expect(await writer.status(set("k", "3"))).toBe("Success")
    for (const node of [1, 2]) cluster.state.replicates(node, true)
    expect(bucket.copyAt(0, 1)!.history.highSeqno).toBe(4n)
  })

  it("does not hold clients that do not mind the order, and holds those that do", async () => {
    await begin(3, { replicas: 2 })
    const ordered = await client(0, [...everything, F.SyncReplication])
    for (const node of [1, 2]) cluster.state.replicates(node, false)
    ordered.send(encodeWith(set("k", "1", Majority, { opaque: 1 })))
    ordered.send(encodeWith(get("none", { opaque: 2 })))
    const other = await client()
    await other.ask((to) => encodeNoop(to, {}))
    expect(bucket.highSeqno(0)).toBe(1n)
    cluster.state.replicates(1, true)
    expect([(await ordered.next()).opaque, (await ordered.next()).opaque]).toEqual([1, 2])
  })

  it("can be of any kind", async () => {
    await begin(2, { replicas: 1 })
    const writer = await client()
    const framing = frames(PersistToMajority)
    const named = { collectionId: 0, framing }
    const value = Buffer.from("1")
    const results = [
      await writer.ask((to) => Gen.encodeAdd(to, { key: "a", value, flags: 0, expiration: 0, ...named })),
      await writer.ask((to) => Gen.encodeIncrement(to, { key: "a", delta: 4n, initial: 0n, expiration: 0, ...named })),
      await writer.ask((to) => Gen.encodeAppend(to, { key: "a", value, ...named })),
      await writer.ask((to) => Gen.encodeTouch(to, { key: "a", expiration: 100, ...named })),
      await writer.ask((to) => Gen.encodeReplace(to, { key: "a", value: Buffer.from("{}"), flags: 0, expiration: 0, ...named })),
      await writer.ask((to) => Gen.encodeSubdocDictAdd(to, { key: "a", path: "x", flags: 0, value, ...named }))
    ]
    expect(results.map(nameOf)).toEqual(["Success", "Success", "Success", "Success", "Success", "Success"])
    expect(results[1]).toMatchObject({ value: 5n, mutationToken: { seqno: 4n } })
    expect(text(await writer.ask(get("a")))).toBe("{\"x\":1}")
    // each has a prepare and a commit
    expect(bucket.highSeqno(0)).toBe(12n)
    expect(await writer.status((to) => Gen.encodeDelete(to, { key: "a", ...named }))).toBe("Success")
    expect(await writer.status(get("a"))).toBe("KeyEnoent")
    expect(bucket.store.counters).toMatchObject({ documents: 0, tombstones: 1 })
    expect(await writer.status((to) => Gen.encodeDelete(to, { key: "a", ...named }))).toBe("KeyEnoent")
  })

  it("is possible only where enough copies are, and only for commands that change something", async () => {
    await begin(2, { replicas: 2 })
    const writer = await client()
    expect(await writer.status(set("k", "1", Majority))).toBe("Success")
    cluster.state.createBucket({ name: "one", vbuckets: 1, replicas: 1 })
    cluster.failover(1)
    expect(bucket.chain(0)).toEqual([0, -1, -1])
    const again = await client()
    expect(await again.status(set("k", "2", Majority))).toBe("DurabilityImpossible")
    expect(await again.status(set("k", "2"))).toBe("Success")
    expect(await again.status(get("k", { framing: frames(Majority) }))).toBe("Einval")
    expect(await again.status(set("k", "2", 4))).toBe("DurabilityInvalidLevel")
  })

  it("is impossible with more than two replicas, as kv_engine has it", async () => {
    await begin(4, { replicas: 3 })
    expect(await (await client()).status(set("k", "1", Majority))).toBe("DurabilityImpossible")
  })

  it("can be the least that a bucket takes", async () => {
    await begin(2, { replicas: 1, durabilityMinLevel: PersistToMajority })
    const writer = await client()
    cluster.state.persists(1, false)
    writer.send(encodeWith(set("k", "1")))
    expect(await writer.status(get("k"))).toBe("KeyEnoent")
    cluster.state.persists(1, true)
    expect(nameOf(await writer.next())).toBe("Success")
  })

  it("ends in doubt when its collection is dropped", async () => {
    await begin(2, { replicas: 1 })
    bucket.setManifest(
      JSON.stringify({
        uid: "1",
        scopes: [{ uid: "0", name: "_default", collections: [{ uid: "0", name: "_default" }, { uid: "8", name: "c" }] }]
      })
    )
    const writer = await client()
    cluster.state.replicates(1, false)
    writer.send(encodeWith(set("k", "1", Majority, { collectionId: 8 })))
    await writer.ask((to) => encodeNoop(to, {}))
    bucket.setManifest(
      JSON.stringify({ uid: "2", scopes: [{ uid: "0", name: "_default", collections: [{ uid: "0", name: "_default" }] }] })
    )
    expect(nameOf(await writer.next())).toBe("SyncWriteAmbiguous")
    cluster.state.replicates(1, true)
    expect(bucket.copyAt(0, 1)!.history.highSeqno).toBe(bucket.highSeqno(0))
    expect(bucket.store.counters.bytes).toBe(0)
  })
})

describe("when a replica takes over", () => {
  it("what was acknowledged is there", async () => {
    await begin(3, { replicas: 2 })
    const writer = await client()
    cluster.state.replicates(1, false)
    for (let i = 0; i < 5; i++) expect(await writer.status(set(`k${i}`, `${i}`, Majority))).toBe("Success")
    cluster.failover(0)
    const after = await client(2)
    for (let i = 0; i < 5; i++) expect(text(await after.ask(get(`k${i}`)))).toBe(`${i}`)
  })

  it("a prepare that it has is committed again, and until then nobody sees the document", async () => {
    await begin(3, { replicas: 2 })
    const writer = await client()
    await writer.ask(set("k", "old"))
    // it reaches the one replica, but is on no disk there
    cluster.state.persists(1, false)
    cluster.state.replicates(2, false)
    writer.send(encodeWith(set("k", "new", PersistToMajority)))
    expect(text(await writer.ask(get("k")))).toBe("old")
    cluster.failover(0)
    await expect(writer.next()).rejects.toThrow("closed")
    expect(bucket.chain(0)).toEqual([1, 2, -1])
    const reader = await client(1)
    expect(await reader.status(get("k"))).toBe("SyncWriteReCommitInProgress")
    expect(await reader.status(set("k", "other"))).toBe("SyncWriteInProgress")
    cluster.state.replicates(2, true)
    cluster.state.persists(1, true)
    expect(text(await reader.ask(get("k")))).toBe("new")
    expect(await reader.status(set("k", "other"))).toBe("Success")
  })

  it("a prepare that it has not is gone; who waited is told that nobody knows", async () => {
    await begin(3, { replicas: 2 })
    const writer = await client()
    await writer.ask(set("k", "old"))
    for (const node of [1, 2]) cluster.state.replicates(node, false)
    writer.send(encodeWith(set("k", "new", Majority)))
    await writer.ask(get("k"))
    cluster.failover(0, { disconnect: false })
    expect(nameOf(await writer.next())).toBe("SyncWriteAmbiguous")
    const reader = await client(1)
    expect(text(await reader.ask(get("k")))).toBe("old")
    expect(await reader.status(set("k", "other"))).toBe("Success")
  })

  it("an active copy that only lost its newest changes takes up its prepares again", async () => {
    await begin(1, {})
    const writer = await client()
    await writer.ask(set("k", "1", Majority))
    // without the commit, the prepare is left: a node of one copy commits it again
    expect(bucket.failOver(0, 1)).toBe(1)
    expect(text(await writer.ask(get("k")))).toBe("1")
    // without both, nothing is
    expect(bucket.failOver(0, 2)).toBe(2)
    expect(await writer.status(get("k"))).toBe("KeyEnoent")
  })
})
