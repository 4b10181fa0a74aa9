/** What the cluster map says that a bucket can do: each of it is shown here, and nothing that is shown is left out of the map. */
import * as Gen from "@wirewright/dcp/gen"
import { HelloFeature as F, SubdocDocFlags as Doc, SubdocOpcode as Op, SubdocPathFlags as Path } from "@wirewright/dcp/gen"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type CouchbaseNode, serveCouchbase, serveCouchbaseCluster } from "./CouchbaseNode.ts"
import { everything, nameOf, TestClient } from "./TestClient.fixture.ts"

const scope = Scope.makeUnsafe()
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

let now = 1_700_000_000_000
let node: CouchbaseNode
let client: TestClient

beforeAll(async () => {
  node = await Effect.runPromise(Scope.provide(serveCouchbase({ now: () => now }), scope))
  client = await TestClient.ready(node.port, [...everything, F.PreserveTtl, F.SyncReplication, F.SubdocCreateAsDeleted])
})
afterAll(() => client.end())

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const at = (key: string) => ({ key, collectionId: 0 })
const set = (key: string, more: object = {}) =>
  client.status((writer) => Gen.encodeSet(writer, { ...at(key), flags: 0, expiration: 0, value: bytes("{\"a\":1}"), ...more }))

const upsert = (key: string, value: string | Uint8Array, flags: number, docFlags = 0) =>
  client.status((writer) =>
    Gen.encodeSubdocDictUpsert(writer, {
      ...at(key),
      path: "x",
      docFlags,
      flags: flags | Path.xattrPath,
      value: typeof value === "string" ? bytes(value) : value
    })
  )

const attribute = async (key: string, flags = 0, docFlags = 0): Promise<readonly [status: string, value: Uint8Array | undefined]> => {
  const answer = await client.ask((writer) =>
    Gen.encodeSubdocGet(writer, { ...at(key), path: "x", flags: flags | Path.xattrPath, docFlags })
  )
  return [nameOf(answer), "value" in answer && answer.value instanceof Uint8Array ? answer.value : undefined]
}

const config = async (): Promise<{ readonly [field: string]: unknown }> => {
  const answer = await client.ask((writer) => Gen.encodeGetClusterConfig(writer, {}))
  return JSON.parse((answer as { clusterMap: string }).clusterMap) as { readonly [field: string]: unknown }
}

const removed = async (key: string): Promise<void> => {
  expect(await upsert(key, "1", 0, Doc.mkdoc | Doc.createAsDeleted | Doc.accessDeleted)).toBe("SubdocSuccessDeleted")
}

const follower = async (): Promise<TestClient> => {
  const dcp = await TestClient.ready(node.port)
  const flags = Gen.DcpOpenFlags.producer
  expect(await dcp.status((writer) => Gen.encodeDcpOpen(writer, { reservedSeqno: 0, flags, connectionName: "c", options: "" }))).toBe(
    "Success"
  )
  expect(await dcp.status((writer) => Gen.encodeDcpControl(writer, { key: "enable_noop", value: "true" }))).toBe("Success")
  return dcp
}

/** How it is seen that a capability is there. */
const shown: { readonly [capability: string]: () => Promise<void> } = {
  "collections": async () => {
    const status = await client.status((writer) => Gen.encodeCollectionsGetID(writer, { legacyPath: "", path: "_default._default" }))
    expect(status).toBe("Success")
  },
  // clients read of it that what is written comes to disk; views, whose port no node names, there are none
  "couchapi": async () => expect(await set("persisted", { framing: [{ _tag: "Durability", level: 3 }] })).toBe("Success"),
  "durableWrite": async () => expect(await set("durable", { framing: [{ _tag: "Durability", level: 1 }] })).toBe("Success"),
  "tombstonedUserXAttrs": async () => {
    await removed("tombstone")
    expect(await attribute("tombstone", 0, Doc.accessDeleted)).toEqual(["SubdocSuccessDeleted", bytes("1")])
  },
  "subdoc.ReplaceBodyWithXattr": async () => {
    await set("replaced")
    await upsert("replaced", "{\"new\":1}", 0)
    const status = await client.status((writer) =>
      Gen.encodeSubdocReplaceBodyWithXattr(writer, { ...at("replaced"), path: "x", flags: Path.xattrPath })
    )
    expect(status).toBe("Success")
    expect(await client.ask((writer) => Gen.encodeGet(writer, at("replaced")))).toMatchObject({ value: bytes("{\"new\":1}") })
  },
  "subdoc.DocumentMacroSupport": async () => {
    await set("macro")
    expect(await upsert("macro", "\"${$document.value_bytes}\"", Path.expandMacros)).toBe("Success")
    expect(await attribute("macro")).toEqual(["Success", bytes("7")])
  },
  "subdoc.ReviveDocument": async () => {
    await removed("revived")
    const status = await client.status((writer) =>
      Gen.encodeSubdocMultiMutation(writer, {
        ...at("revived"),
        docFlags: Doc.accessDeleted | Doc.reviveDocument,
        specs: [{ opcode: Op.SubdocDictUpsert, flags: Path.xattrPath, path: "x", value: bytes("2") }]
      })
    )
    expect(status).toBe("Success")
    expect(await attribute("revived")).toEqual(["Success", bytes("2")])
  },
  "subdoc.BinaryXattr": async () => {
    const binary = Uint8Array.of(0, 255, 128)
    await set("binary")
    expect(await upsert("binary", binary, Path.binaryValue)).toBe("Success")
    expect(await attribute("binary", Path.binaryValue)).toEqual(["Success", binary])
    expect(await attribute("binary")).toEqual(["Success", bytes("\"cb-content-base64-encoded:AP+A\"")])
  },
  "subdoc.AccessDeleted": async () => {
    await removed("accessed")
    expect((await attribute("accessed"))[0]).toBe("KeyEnoent")
    expect((await attribute("accessed", 0, Doc.accessDeleted))[0]).toBe("SubdocSuccessDeleted")
  },
  "dcp.IgnorePurgedTombstones": async () => {
    const dcp = await follower()
    const position = { startSeqno: 5n, endSeqno: 9n, snapStartSeqno: 5n, snapEndSeqno: 5n }
    const bucket = node.buckets.get("default")!
    await set("purged", { vbucket: 9 })
    for (let i = 0; i < 8; i++) {
      await client.status((writer) => Gen.encodeDelete(writer, { ...at("purged"), vbucket: 9 }))
      await set("purged", { vbucket: 9 })
    }
    await client.status((writer) => Gen.encodeDelete(writer, { ...at("purged"), vbucket: 9 }))
    await set("behind", { vbucket: 9 })
    bucket.purge(9, bucket.highSeqno(9))
    const ask = (flags: number) =>
      dcp.ask((writer) => Gen.encodeDcpStreamRequest(writer, { vbucket: 9, flags, vbucketUuid: bucket.uuidOf(9), filter: "", ...position }))
    expect((await ask(0))._tag).toBe("DcpStreamRequestRollback")
    expect((await ask(Gen.DcpStreamFlags.ignorePurgedTombstones))._tag).toBe("DcpStreamRequestResponse")
    await dcp.end()
  },
  "preserveExpiry": async () => {
    const expiry = async () => (await client.ask((writer) => Gen.encodeGetMeta(writer, at("expiring"))) as { expiry: number }).expiry
    await set("expiring", { expiration: 100 })
    const before = await expiry()
    now += 1_000
    await set("expiring", { framing: [{ _tag: "PreserveTtl" }] })
    expect(await expiry()).toBe(before)
    await set("expiring")
    expect(await expiry()).toBe(0)
  },
  "rangeScan": async () => {
    await set("scanned")
    const scan = JSON.stringify({ range: { start: "", end: btoa("\u00ff") } })
    const created = await client.ask((writer) => Gen.encodeRangeScanCreate(writer, { datatype: 1, scan }))
    expect(created._tag).toBe("RangeScanCreateResponse")
    const { scanUuid } = created as Gen.RangeScanCreateResponse
    expect(await client.status((writer) => Gen.encodeRangeScanCancel(writer, { scanUuid }))).toBe("Success")
  },
  "subdoc.ReplicaRead": () =>
    Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const { buckets, nodes } = yield* serveCouchbaseCluster({ nodes: 2, buckets: [{ name: "default", vbuckets: 1, replicas: 1 }] })
      const { store } = buckets.get("default")!
      store.set(store.space(0), "k", { value: bytes("{\"a\":1}"), datatype: 1 })
      yield* Effect.promise(async () => {
        const replica = await TestClient.ready(nodes[1]!.port, [...everything, F.SubdocReplicaRead])
        const read = (docFlags: number) =>
          replica.status((writer) => Gen.encodeSubdocGet(writer, { ...at("k"), path: "a", flags: 0, docFlags }))
        expect([await read(0), await read(Doc.replicaRead)]).toEqual(["NotMyVbucket", "Success"])
        await replica.end()
      })
    }))),
  "dcp": async () => (await follower()).end(),
  "cbhello": async () => {
    const other = new TestClient(node.port)
    expect(await other.hello([F.Xerror, 0x7777])).toMatchObject({ features: [F.Xerror] })
    await other.end()
  },
  "touch": async () => {
    await set("touched")
    expect(await client.status((writer) => Gen.encodeTouch(writer, { ...at("touched"), expiration: 10 }))).toBe("Success")
  },
  "cccp": async () => expect(await config()).toMatchObject({ name: "default", nodeLocator: "vbucket" }),
  "nodesExt": async () => expect(await config()).toMatchObject({ nodesExt: [{ thisNode: true, services: { kv: node.port } }] }),
  "xattr": async () => {
    await set("attributed")
    expect(await upsert("attributed", "1", 0)).toBe("Success")
    expect(await attribute("attributed")).toEqual(["Success", bytes("1")])
  }
}

describe("a bucket of the embedded node has what the cluster map names", () => {
  it.each(Object.keys(shown))("%s", (capability) => shown[capability]!())

  it("and the map names all of it", async () => {
    const named = (await config())["bucketCapabilities"] as ReadonlyArray<string>
    expect(named.toSorted()).toEqual(Object.keys(shown).sort())
  })
})
