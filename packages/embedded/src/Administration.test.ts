/** Buckets, scopes and collections while a cluster runs: what each change does to the manifest, the map, the documents and those who follow. */
import { Status } from "@wirewright/couchbase/gen"
import * as Result from "effect/Result"
import { beforeEach, describe, expect, it } from "vitest"
import { Administration } from "./Administration.ts"
import type { AdministrationError } from "./AdministrationError.ts"
import type { Bucket } from "./Bucket.ts"
import { clusterQuota } from "./BucketSettings.ts"
import { ClusterState } from "./ClusterState.ts"
import { highestId, manifestText } from "./Collections.ts"

const now = 1_700_000_000_000
let uuids = 0n
let maps = 0
let dropped: Array<string> = []
let state: ClusterState
let administration: Administration

beforeEach(() => {
  maps = 0
  dropped = []
  state = new ClusterState({
    nodes: 2,
    buckets: [{ name: "default", vbuckets: 2 }],
    world: { now: () => now, uuid: () => ++uuids },
    tls: false,
    onMapChanged: () => maps++,
    onBucketDropped: ({ name }) => dropped.push(name)
  })
  administration = new Administration(state)
})

const bucket = (name = "default"): Bucket => state.buckets.get(name)!
const refused = (attempt: Result.Result<unknown, AdministrationError>) => {
  if (Result.isSuccess(attempt)) throw new Error("it was done")
  return [attempt.failure.reason, attempt.failure.message]
}
const ok = <A>(attempt: Result.Result<A, AdministrationError>): A => Result.getOrThrow(attempt)
const addresses = [1, 2].map((port) => ({ host: "127.0.0.1", port, managementPort: port + 100 }))
const map = (name = "default", self = 0) => JSON.parse(state.map(addresses, self, bucket(name))) as Record<string, unknown>
const capabilities = (name: string) => map(name)["bucketCapabilities"] as ReadonlyArray<string>

describe("buckets", () => {
  it("are made as a 7.6 server makes them, and are in the map at once", () => {
    const { revision } = state.version
    ok(administration.createBucket("travel"))
    expect(bucket("travel").settings).toEqual({
      bucketType: "couchbase",
      ramQuota: 100,
      replicas: 1,
      replicaIndexes: true,
      flushEnabled: false,
      maxTtl: 0,
      vbuckets: 1024,
      evictionPolicy: "valueOnly",
      compressionMode: "passive",
      conflictResolution: "seqno",
      durabilityMinLevel: "none",
      storageBackend: "couchstore",
      historyRetentionCollectionDefault: false,
      historyRetentionBytes: 0,
      historyRetentionSeconds: 0
    })
    expect(bucket("travel").vbucketCount).toBe(1024)
    expect([maps, state.version.revision]).toEqual([1, revision + 1n])
    expect(map("travel")).toMatchObject({ name: "travel", rev: Number(revision) + 1 })
  })

  it("have names that are free and of the right characters", () => {
    expect(refused(administration.createBucket("default"))).toEqual(["BucketExists", "Bucket with given name already exists"])
    for (const wrong of ["", ".hidden", "a b", "ä", "a/b", "x".repeat(101)]) {
      expect(refused(administration.createBucket(wrong))[0], wrong).toBe("InvalidArgument")
    }
    ok(administration.createBucket("x".repeat(100), { vbuckets: 1 }))
    expect(maps).toBe(1)
  })

  it.each([
    ["ramQuota", 100, 99],
    ["ramQuota", clusterQuota - 256, clusterQuota - 255],
    ["replicas", 3, 4],
    ["replicas", 0, -1],
    ["vbuckets", 1024, 1025],
    ["vbuckets", 1, 0],
    ["maxTtl", 2 ** 31 - 1, 2 ** 31],
    ["flushEnabled", true, 1],
    ["evictionPolicy", "fullEviction", "noEviction"],
    ["compressionMode", "off", "on"],
    ["durabilityMinLevel", "persistToMajority", "all"],
    ["bucketType", "ephemeral", "memcached"]
  ])("%s may be %s and not %s", (name, right, wrong) => {
    const given = { vbuckets: 1, [name]: wrong }
    const refusal = administration.createBucket("b", given)
    expect(refused(refusal)[0]).toBe("InvalidArgument")
    expect([maps, bucket("b")]).toEqual([0, undefined])
    ok(administration.createBucket("b", { vbuckets: 1, [name]: right }))
    expect(bucket("b").settings).toMatchObject({ [name]: right })
  })

  it("say all that is wrong with them", () => {
    const refusal = administration.createBucket("b", { ramQuota: 1, replicas: 9 })
    expect(Result.isFailure(refusal) && Object.keys(refusal.failure.fields)).toEqual(["ramQuota", "replicaNumber"])
  })

  it("change in what can change, and keep the rest", () => {
    ok(administration.createBucket("b", { vbuckets: 2, flushEnabled: true }))
    ok(administration.updateBucket("b", { ramQuota: 200, maxTtl: 60 }))
    expect(bucket("b").settings).toMatchObject({ ramQuota: 200, maxTtl: 60, flushEnabled: true, vbuckets: 2 })
    ok(administration.updateBucket("b", { vbuckets: 2, storageBackend: "couchstore" }))
    for (
      const fixed of [{ vbuckets: 3 }, { storageBackend: "magma" }, { conflictResolution: "lww" }, { bucketType: "ephemeral" }] as const
    ) {
      expect(refused(administration.updateBucket("b", fixed))[0]).toBe("InvalidArgument")
    }
    expect(refused(administration.updateBucket("missing", {}))).toEqual(["BucketNotFound", "Requested resource not found."])
  })

  it("hold as many documents as their quota has room for, also after it changed", () => {
    ok(administration.createBucket("b", { vbuckets: 1, ramQuota: 101 }))
    const { store } = bucket("b")
    const value = new Uint8Array(20 * 2 ** 20)
    const stored = () =>
      Array.from({ length: 10 }, (_, index) => typeof store.set(store.space(0), `k${index}`, { value })).filter((one) => one !== "string")
        .length
    expect(stored()).toBe(5)
    ok(administration.updateBucket("b", { ramQuota: 201 }))
    expect(stored()).toBe(10)
  })

  it("limit the life of documents where their collection says nothing", () => {
    const seconds = now / 1000
    ok(administration.createBucket("b", { vbuckets: 1, maxTtl: 60 }))
    ok(administration.createCollection("b", "_default", "own", { maxTtl: 30 }))
    ok(administration.createCollection("b", "_default", "never", { maxTtl: -1 }))
    ok(administration.createCollection("b", "_default", "bucket", { maxTtl: 0 }))
    const life = (name: string): number => {
      const { id } = bucket("b").manifest.scopes[0]!.collections.find((one) => one.name === name)!
      return bucket("b").expirationIn(id, 0)
    }
    expect([life("_default"), life("own"), life("never"), life("bucket")]).toEqual([seconds + 60, seconds + 30, 0, seconds + 60])
    ok(administration.updateBucket("b", { maxTtl: 0 }))
    expect([life("_default"), life("own")]).toEqual([0, seconds + 30])
  })

  it("keep history only with magma, and say so in the map", () => {
    expect(refused(administration.createBucket("b", { historyRetentionCollectionDefault: true }))[0]).toBe("InvalidArgument")
    expect(refused(administration.createBucket("b", { storageBackend: "magma", historyRetentionBytes: 2 ** 31 - 1 }))[0]).toBe(
      "InvalidArgument"
    )
    ok(administration.createBucket("b", { vbuckets: 1, storageBackend: "magma", historyRetentionBytes: 2 ** 31 }))
    expect(bucket("b").settings).toMatchObject({ evictionPolicy: "fullEviction", historyRetentionCollectionDefault: true })
    expect([capabilities("b").includes("nonDedupedHistory"), capabilities("default").includes("nonDedupedHistory")]).toEqual([true, false])
    ok(administration.createCollection("b", "_default", "kept"))
    ok(administration.createCollection("b", "_default", "not", { history: false }))
    expect(bucket("b").manifest.scopes[0]!.collections.slice(1).map(({ history }) => history === true)).toEqual([true, false])
    expect(manifestText(bucket("b").manifest)).toContain("\"history\":true")
    expect(refused(administration.createCollection("default", "_default", "no", { history: true }))[0]).toBe("InvalidArgument")
  })

  it("make changes wait for copies as soon as they are told to", () => {
    expect(bucket().durabilityMinLevel).toBe(0)
    ok(administration.updateBucket("default", { durabilityMinLevel: "persistToMajority" }))
    expect(bucket().durabilityMinLevel).toBe(3)
    ok(administration.createBucket("durable", { durabilityMinLevel: "majority" }))
    expect(bucket("durable").durabilityMinLevel).toBe(1)
  })

  it("are emptied where that is allowed: documents, seqnos and branches are new, collections stay", () => {
    expect(refused(administration.flushBucket("default"))).toEqual(["FlushDisabled", "Flush is disabled for the bucket"])
    ok(administration.updateBucket("default", { flushEnabled: true }))
    ok(administration.createCollection("default", "_default", "c"))
    const { store } = bucket()
    const { id } = bucket().manifest.scopes[0]!.collections[1]!
    for (const collection of [0, id]) store.set(store.space(1, collection), "k", { value: new Uint8Array(1) })
    const before = bucket().vbucket(1)!.failoverLog[0]!.vbucketUuid
    let ended = 0
    bucket().copies(1)[0]!.watchers.add({ changed: () => {}, stateChanged: () => ended++ })
    ok(administration.flushBucket("default"))
    expect([store.get(store.space(1), "k"), store.get(store.space(1, id), "k")]).toEqual([undefined, undefined])
    expect([bucket().highSeqno(1), bucket().vbucket(1)!.history.highSeqno, store.counters.bytes, ended]).toEqual([0n, 0n, 0, 1])
    expect(bucket().vbucket(1)!.failoverLog.map(({ vbucketUuid }) => vbucketUuid)).not.toContain(before)
    expect(bucket().vbucket(1)!.node).toBe(1)
    expect(bucket().manifest.scopes[0]!.collections).toHaveLength(2)
    store.set(store.space(1), "k", { value: new Uint8Array(1) })
    expect([bucket().highSeqno(1), bucket().vbucket(1)!.history.highSeqno]).toEqual([1n, 1n])
  })

  it("are dropped, once", () => {
    ok(administration.dropBucket("default"))
    expect([dropped, maps, state.buckets.size]).toEqual([["default"], 1, 0])
    expect(refused(administration.dropBucket("default"))[0]).toBe("BucketNotFound")
    expect(maps).toBe(1)
  })

  it("are 30 at most", () => {
    for (let index = 1; index < 30; index++) ok(administration.createBucket(`b${index}`, { vbuckets: 1 }))
    expect(refused(administration.createBucket("b30", { vbuckets: 1 }))[0]).toBe("LimitReached")
  })
})

describe("scopes and collections", () => {
  it("are made and dropped one revision at a time, each in a new map", () => {
    const uids = [
      administration.createScope("default", "s"),
      administration.createCollection("default", "s", "c", { maxTtl: 5 }),
      administration.updateCollection("default", "s", "c", { maxTtl: -1 }),
      administration.dropCollection("default", "s", "c"),
      administration.dropScope("default", "s")
    ].map(ok)
    expect(uids).toEqual([1n, 2n, 3n, 4n, 5n])
    expect([maps, map()["collectionsManifestUid"]]).toEqual([5, "5"])
  })

  it("of a dropped collection nobody gets the id", () => {
    ok(administration.createCollection("default", "_default", "a"))
    const id = highestId(bucket().manifest)
    ok(administration.dropCollection("default", "_default", "a"))
    ok(administration.createCollection("default", "_default", "b"))
    expect(bucket().manifest.scopes[0]!.collections[1]!.id).toBe(id + 1)
    // also when a client set the manifest
    expect(
      state.setManifest(
        bucket(),
        "{\"uid\":\"10\",\"scopes\":[{\"name\":\"_default\",\"uid\":\"0\",\"collections\":[{\"name\":\"x\",\"uid\":\"ff\"}]}]}"
      )
    ).toBe(Status.Success)
    expect(state.setManifest(bucket(), "{\"uid\":\"11\",\"scopes\":[{\"name\":\"_default\",\"uid\":\"0\",\"collections\":[]}]}")).toBe(
      Status.Success
    )
    ok(administration.createCollection("default", "_default", "y"))
    expect(bucket().manifest.scopes[0]!.collections[0]!.id).toBe(0x100)
  })

  it("are refused in the words that clients look for, and nothing changes", () => {
    ok(administration.createScope("default", "s"))
    ok(administration.createCollection("default", "s", "c"))
    const { manifest } = bucket()
    const { revision } = state.version
    expect([
      administration.createScope("default", "s"),
      administration.createCollection("default", "s", "c"),
      administration.createCollection("default", "nope", "c"),
      administration.updateCollection("default", "s", "zz", {}),
      administration.dropCollection("default", "s", "zz"),
      administration.dropScope("default", "nope"),
      administration.dropScope("default", "_default"),
      administration.dropCollection("default", "_default", "_default"),
      administration.createScope("missing", "s")
    ].map(refused)).toEqual([
      ["ScopeExists", "Scope with name \"s\" already exists"],
      ["CollectionExists", "Collection with name \"c\" in scope \"s\" already exists"],
      ["ScopeNotFound", "Scope with name \"nope\" is not found"],
      ["CollectionNotFound", "Collection with name \"zz\" in scope \"s\" is not found"],
      ["CollectionNotFound", "Collection with name \"zz\" in scope \"s\" is not found"],
      ["ScopeNotFound", "Scope with name \"nope\" is not found"],
      ["NotAllowed", "Deleting _default scope is not allowed"],
      ["NotAllowed", "Deleting _default collection is not allowed"],
      ["BucketNotFound", "Requested resource not found."]
    ])
    expect(bucket().manifest).toBe(manifest)
    expect(state.version.revision).toBe(revision)
  })

  it.each(["", "_x", "%x", "a b", "a.b", "ä", "x".repeat(252)])("do not have the name %j", (name) => {
    expect(refused(administration.createScope("default", name))[0]).toBe("InvalidArgument")
    expect(refused(administration.createCollection("default", "_default", name))[0]).toBe("InvalidArgument")
  })

  it.each([[-1, -2], [2 ** 31 - 1, 2 ** 31], [0, 0.5], [1, Number.NaN]])("live %d seconds, but not %d", (right, wrong) => {
    expect(refused(administration.createCollection("default", "_default", "c", { maxTtl: wrong }))[0]).toBe("InvalidArgument")
    ok(administration.createCollection("default", "_default", "c", { maxTtl: right }))
    expect(refused(administration.updateCollection("default", "_default", "c", { maxTtl: wrong }))[0]).toBe("InvalidArgument")
    ok(administration.updateCollection("default", "_default", "c", { maxTtl: 7 }))
    expect(bucket().manifest.scopes[0]!.collections[1]!.maxTtl).toBe(7)
  })

  it("run out of numbers without harm", () => {
    const last = JSON.stringify({ uid: "ffffffffffffffff", scopes: [{ name: "_default", uid: "0", collections: [] }] })
    expect(state.setManifest(bucket(), last)).toBe(Status.Success)
    expect(refused(administration.createScope("default", "s"))[0]).toBe("LimitReached")
    expect(bucket().manifest.uid).toBe(2n ** 64n - 1n)
  })

  it("are 1200 at most", () => {
    const collections = Array.from({ length: 1199 }, (_, index) => ({ name: `c${index}`, uid: (index + 8).toString(16) }))
    state.setManifest(bucket(), JSON.stringify({ uid: "1", scopes: [{ name: "_default", uid: "0", collections }] }))
    ok(administration.createCollection("default", "_default", "last"))
    expect(refused(administration.createCollection("default", "_default", "more"))).toEqual([
      "LimitReached",
      "Maximum number of collections has been reached for scope \"_default\""
    ])
  })
})

describe("the map", () => {
  it("names the management endpoint of every node, with TLS and without, and none that is not there", () => {
    const at = (tls: boolean, managementPort: number | undefined) => {
      const other = new ClusterState({
        nodes: 1,
        buckets: [{ name: "default", vbuckets: 1 }],
        world: { now: () => now, uuid: () => 1n },
        tls,
        onMapChanged: () => {},
        onBucketDropped: () => {}
      })
      const text = other.map([{ host: "::1", port: 7, managementPort }], 0, other.buckets.get("default"))
      const { nodes, nodesExt } = JSON.parse(text) as { readonly nodes: ReadonlyArray<object>; readonly nodesExt: ReadonlyArray<object> }
      return [nodes[0], nodesExt[0]]
    }
    const rest = { thisNode: true, hostname: "::1" }
    expect(at(false, 8)).toEqual([{ hostname: "[::1]:8", ports: { direct: 7 } }, { services: { kv: 7, mgmt: 8 }, ...rest }])
    expect(at(true, 8)).toEqual([{ hostname: "[::1]:8", ports: { direct: 7 } }, { services: { kvSSL: 7, mgmtSSL: 8 }, ...rest }])
    expect(at(false, undefined)).toEqual([{ hostname: "[::1]:7", ports: { direct: 7 } }, { services: { kv: 7 }, ...rest }])
  })
})
