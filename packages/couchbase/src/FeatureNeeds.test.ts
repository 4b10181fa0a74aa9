/**
 * Every request of the client that needs something the node must have granted, against nodes that grant everything but one thing.
 *
 * The table is what kv_engine asks for: include/mcbp/protocol/feature.h and docs/BinaryProtocol.md for HELLO, and the bucket's capability for
 * what has no feature of HELLO.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { inspect } from "node:util"
import { configOf, fakeNode } from "./FakeNode.fixture.ts"
import type { Request } from "./gen/index.ts"
import { HelloFeature as F } from "./gen/Types.ts"
import { KvClient, type KvCommands } from "./KvClient.ts"
import type { KvError } from "./KvError.ts"
import { LookupIn, MutateIn } from "./SubDocument.ts"

type Ask = (kv: KvCommands) => Effect.Effect<unknown, KvError>

const revive = "subdoc.ReviveDocument"

/** A change of one path. */
const one = [MutateIn.upsert("a", 1)]
const attribute = [MutateIn.upsert("a", 1, { xattr: true })]

/** What is asked, and what the node must have granted for it. */
const table: ReadonlyArray<readonly [name: string, needs: ReadonlyArray<number | string>, ask: Ask]> = [
  ["a plain write", [], (kv) => kv.upsert("k", 1)],
  ["a long write", [], (kv) => kv.upsert("k", "long".repeat(9))],
  ["a plain read", [], (kv) => kv.get("k")],
  ["many reads", [], (kv) => kv.getMany(["k"])],
  ["a counter", [], (kv) => kv.increment("k", { initial: 1n, expiry: "1 hour" })],
  ["a lock", [], (kv) => kv.getAndLock("k")],
  ["paths of the body", [], (kv) => kv.mutateIn("k", one, { store: "upsert", accessDeleted: true, expiry: "1 hour" })],
  ["reads of the body", [], (kv) => kv.lookupIn("k", [LookupIn.get("$document"), LookupIn.exists("a")])],
  ["a collection", [F.Collections], (kv) => Effect.flatMap(kv.collection("s.c"), (collection) => collection.get("k"))],
  ["many reads of a collection", [F.Collections], (kv) => Effect.flatMap(kv.collection("s.c"), ({ getMany }) => getMany(["k"]))],
  ...(["majority", "majorityAndPersistToActive", "persistToMajority"] as const).map((durability) =>
    [`a write with ${durability}`, [F.SyncReplication, F.AltRequestSupport], (kv: KvCommands) => kv.upsert("k", 1, { durability })] as const
  ),
  ...(["insert", "replace"] as const).map((name) =>
    [
      `a durable ${name}`,
      [F.SyncReplication, F.AltRequestSupport],
      (kv: KvCommands) => kv[name]("k", 1, { durability: "majority" })
    ] as const
  ),
  ["a durable removal", [F.SyncReplication, F.AltRequestSupport], (kv) => kv.remove("k", { durability: "majority" })],
  ["a durable append", [F.SyncReplication, F.AltRequestSupport], (kv) => kv.append("k", "v", { durability: "majority" })],
  ["a durable prepend", [F.SyncReplication, F.AltRequestSupport], (kv) => kv.prepend("k", "v", { durability: "majority" })],
  ["a durable counter", [F.SyncReplication, F.AltRequestSupport], (kv) => kv.increment("k", { durability: "majority" })],
  ["a durable decrement", [F.SyncReplication, F.AltRequestSupport], (kv) => kv.decrement("k", { durability: "majority" })],
  ["durable paths", [F.SyncReplication, F.AltRequestSupport], (kv) => kv.mutateIn("k", one, { durability: "majority" })],
  [
    "a durable write to a collection",
    [F.SyncReplication, F.AltRequestSupport, F.Collections],
    (kv) => Effect.flatMap(kv.collection("s.d"), ({ upsert }) => upsert("k", 1, { durability: "majority" }))
  ],
  ["a write that keeps the expiry", [F.PreserveTtl, F.AltRequestSupport], (kv) => kv.upsert("k", 1, { preserveExpiry: true })],
  ["a replacement that does", [F.PreserveTtl, F.AltRequestSupport], (kv) => kv.replace("k", 1, { preserveExpiry: true })],
  ["paths that do", [F.PreserveTtl, F.AltRequestSupport], (kv) => kv.mutateIn("k", one, { preserveExpiry: true })],
  [
    "both",
    [F.PreserveTtl, F.SyncReplication, F.AltRequestSupport],
    (kv) => kv.upsert("k", 1, { preserveExpiry: true, durability: "majority" })
  ],
  ["an attribute written", [F.Xattr], (kv) => kv.mutateIn("k", attribute)],
  ["an attribute read", [F.Xattr], (kv) => kv.lookupIn("k", [LookupIn.exists("a"), LookupIn.get("b", { xattr: true })])],
  ["the virtual attribute $document", [F.Xattr], (kv) => kv.lookupIn("k", [LookupIn.get("$document.exptime", { xattr: true })])],
  ["the virtual attribute $XTOC", [F.Xattr], (kv) => kv.lookupIn("k", [LookupIn.get("$XTOC", { xattr: true })])],
  ["another virtual attribute", [F.Xattr, F.VAttr], (kv) => kv.lookupIn("k", [LookupIn.get("$vbucket.HLC", { xattr: true })])],
  [
    "a macro of the mutation",
    [F.Xattr],
    (kv) => kv.mutateIn("k", [MutateIn.upsert("a", "${Mutation.CAS}", { xattr: true, expandMacros: true })])
  ],
  [
    "a macro of the document",
    [F.Xattr, F.SubdocDocumentMacroSupport],
    (kv) => kv.mutateIn("k", [MutateIn.upsert("a", "${$document.CAS}", { xattr: true, expandMacros: true })])
  ],
  ["its text without expanding", [F.Xattr], (kv) => kv.mutateIn("k", [MutateIn.upsert("a", "${$document.CAS}", { xattr: true })])],
  [
    "a binary attribute",
    [F.Xattr, F.SubdocBinaryXattr],
    (kv) => kv.mutateIn("k", [MutateIn.upsert("a", Uint8Array.of(1), { xattr: true, binary: true })])
  ],
  [
    "a binary attribute read",
    [F.Xattr, F.SubdocBinaryXattr],
    (kv) => kv.lookupIn("k", [LookupIn.get("a", { xattr: true, binary: true })])
  ],
  [
    "a document made deleted",
    [F.Xattr, F.SubdocCreateAsDeleted],
    (kv) => kv.mutateIn("k", attribute, { store: "insert", createAsDeleted: true, accessDeleted: true })
  ],
  ["a revival", [revive], (kv) => kv.mutateIn("k", one, { accessDeleted: true, reviveDocument: true })],
  [
    "a body replaced by an attribute",
    [F.Xattr, F.SubdocReplaceBodyWithXattr],
    (kv) => kv.mutateIn("k", [MutateIn.replaceBodyWithXattr("a")])
  ],
  ["a replica's parts", [F.SubdocReplicaRead], (kv) => kv.lookupIn("k", [LookupIn.get("a")], { replicaRead: true })],
  [
    "a replica's deleted document",
    [F.SubdocReplicaRead, F.SubdocAllowReplicaReadOnDeletedDocs],
    (kv) => kv.lookupIn("k", [LookupIn.get("a")], { replicaRead: true, accessDeleted: true })
  ]
]

const every: ReadonlyArray<number> = Object.values(F)
const bootstrap: ReadonlySet<Request["_tag"]> = new Set(["Hello", "GetErrorMap", "GetClusterConfig"])

/** Features whose absence is seen: those of the table, and those that change how a request is written. */
const removable: ReadonlyArray<number | string> = [
  ...new Set([...table.flatMap(([, needs]) => needs), F.Json, F.Snappy, F.SnappyEverywhere, F.MutationSeqno, F.Xerror])
]

const nameOf = (need: number | string): string => typeof need === "string" ? need : Object.entries(F).find(([, code]) => code === need)![0]

/** The node has the active copies, and replicas as well, so that it is asked for both. */
const config = (capabilities: ReadonlyArray<string>) => (port: number): string => {
  const map = JSON.parse(configOf([port], [0, 0, 0, 0], 1)) as { readonly vBucketServerMap: object }
  const vBucketServerMap = { ...map.vBucketServerMap, numReplicas: 1, vBucketMap: [0, 1, 2, 3].map(() => [0, 0]) }
  return JSON.stringify({ ...map, vBucketServerMap, bucketCapabilities: capabilities })
}

/** A node without what is `missing`; everything else that can be granted is. */
const nodeWithout = (missing: ReadonlyArray<number | string>) =>
  fakeNode({
    features: every.filter((feature) => !missing.includes(feature)),
    config: config(["durableWrite", revive].filter((capability) => !missing.includes(capability))),
    script: (request) =>
      request._tag === "CollectionsGetID" ? { _tag: "CollectionsGetIDResponse", manifestUid: 1n, collectionId: 8 } : undefined
  })

const snappy = { compress: (bytes: Uint8Array) => bytes.subarray(0, 1), decompress: (bytes: Uint8Array) => bytes, minimum: 1 }

describe("what a node has not granted is not asked of it", () => {
  it.live.each([[], ...removable.map((one) => [one])].map((missing) => [missing.map(nameOf).join() || "nothing", missing] as const))(
    "without %s",
    ([, missing]) =>
      Effect.gen(function*() {
        const node = yield* nodeWithout(missing)
        const kv = yield* KvClient.make({ seeds: [{ host: "127.0.0.1", port: node.port }], snappy, timeout: "2 seconds" })
        for (const [name, needs, ask] of table) {
          const before = node.requests.length
          const exit = yield* Effect.exit(ask(kv))
          const missingFeature = needs.filter((need) => missing.includes(need))
          const error = Exit.isFailure(exit) ? (exit.cause.reasons[0] as unknown as { readonly error: KvError }).error : undefined
          if (missingFeature.length === 0) {
            assert.notStrictEqual(error?.reason._tag, "FeatureMissing", `${name}: ${error?.message}`)
            assert.isAbove(node.requests.length, before, name)
          } else {
            if (error?.reason._tag !== "FeatureMissing") return assert.fail(`${name}: ${inspect(exit)}`)
            assert.include(missingFeature.map(nameOf), error.reason.feature, name)
            assert.deepStrictEqual([error.ambiguous, error.attempts], [false, 1], name)
            assert.strictEqual(node.requests.length, before, `${name}: something was sent`)
          }
        }
        const sent = node.requests.filter((request) => !bootstrap.has(request._tag))
        const datatypes = (missing.includes(F.Json) ? 0 : 0x01) | (missing.includes(F.Snappy) ? 0 : 0x02)
        for (const request of sent) assert.strictEqual(request.datatype & ~datatypes, 0, request._tag)
        const all = sent.reduce((seen, { datatype }) => seen | datatype, 0)
        assert.strictEqual(all, datatypes)
        if (missing.includes(F.AltRequestSupport)) assert.isTrue(sent.every(({ framing, magic }) => magic === 0x80 && framing.length === 0))
        if (missing.includes(F.Xerror)) assert.isFalse(node.requests.some(({ _tag }) => _tag === "GetErrorMap"))
        // one connection all along: nothing made the node or the client give it up
        assert.strictEqual(node.requests.filter(({ _tag }) => _tag === "Hello").length, 1)
      })
  )

  it.live("and a node that knows no features at all still serves what needs none", () =>
    Effect.gen(function*() {
      const node = yield* fakeNode({ features: [] })
      const kv = yield* KvClient.make({ seeds: [{ host: "127.0.0.1", port: node.port }] })
      const durable = yield* Effect.flip(kv.upsert("k", 1, { durability: "majority" }))
      assert.strictEqual(durable.message, "Set \"k\": the node did not grant SyncReplication")
      yield* kv.upsert("k", 1)
      assert.isTrue(node.documents.has("k"))
    }))
})
