/** What the node answers because kv_engine does: virtual attributes, tombstones, revisions, statistics, and how invalid requests end. */
import { encodeWith } from "@wirewright/codec"
import * as Gen from "@wirewright/dcp/gen"
import { type Packet, SubdocDocFlags as Doc, SubdocOpcode as Op, SubdocPathFlags as Path } from "@wirewright/dcp/gen"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type CouchbaseNode, type CouchbaseNodeOptions, serveCouchbase } from "./CouchbaseNode.ts"
import { everything, nameOf, TestClient } from "./TestClient.fixture.ts"

const scope = Scope.makeUnsafe()
const start = (options: CouchbaseNodeOptions): Promise<CouchbaseNode> => Effect.runPromise(Scope.provide(serveCouchbase(options), scope))
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const now = 1_795_856_418_987
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
let node: CouchbaseNode
let client: TestClient

beforeAll(async () => {
  node = await start({ now: () => now, buckets: [{ name: "default", vbuckets: 3 }] })
  client = await TestClient.ready(node.port)
})
afterAll(() => client.end())

const set = (key: string, value = "{}", vbucket = 0) => (writer: Parameters<typeof Gen.encodeSet>[0]) =>
  Gen.encodeSet(writer, { key, collectionId: 0, flags: 0, expiration: 0, value: bytes(value), vbucket })

describe("attributes", () => {
  it("tell the vbucket's clock in seconds", async () => {
    await client.ask(set("clock"))
    const answer = await client.ask((writer) =>
      Gen.encodeSubdocGet(writer, { key: "clock", collectionId: 0, path: "$vbucket.HLC.now", flags: Path.xattrPath })
    )
    expect(answer).toMatchObject({ value: bytes("\"1795856418\"") })
  })

  it("may be changed in a tombstone or a document by several operations, whichever it is", async () => {
    const mutate = (key: string, docFlags: number) =>
      client.status((writer) =>
        Gen.encodeSubdocMultiMutation(writer, {
          key,
          collectionId: 0,
          docFlags,
          specs: [{ opcode: Op.SubdocDictUpsert, flags: Path.xattrPath, path: "_x", value: bytes("1") }]
        })
      )
    await client.ask(set("there"))
    expect(await mutate("there", Doc.createAsDeleted)).toBe("Success")
    expect(await mutate("nowhere", Doc.createAsDeleted)).toBe("KeyEnoent")
    expect(await mutate("made", Doc.createAsDeleted | Doc.mkdoc)).toBe("SubdocSuccessDeleted")
    const single = (writer: Parameters<typeof Gen.encodeSubdocDictUpsert>[0]) =>
      Gen.encodeSubdocDictUpsert(writer, {
        key: "there",
        collectionId: 0,
        docFlags: Doc.createAsDeleted,
        flags: Path.xattrPath,
        path: "_x",
        value: bytes("1")
      })
    expect(await client.status(single)).toBe("Einval")
  })
})

describe("revisions", () => {
  const revision = async (key: string, vbucket: number): Promise<bigint> =>
    (await client.ask((writer) => Gen.encodeGetMeta(writer, { key, collectionId: 0, vbucket })) as { revSeqno: bigint }).revSeqno

  it("of a new document begin above the highest that was removed from its vbucket", async () => {
    for (let i = 0; i < 4; i++) await client.ask(set("often", `${i}`, 1))
    await client.ask(set("once", "1", 1))
    expect(await revision("once", 1)).toBe(1n)
    await client.ask((writer) => Gen.encodeDelete(writer, { key: "often", collectionId: 0, vbucket: 1 }))
    await client.ask(set("later", "1", 1))
    expect(await revision("later", 1)).toBe(6n)
    await client.ask((writer) => Gen.encodeDelete(writer, { key: "once", collectionId: 0, vbucket: 1 }))
    await client.ask(set("last", "1", 1))
    expect(await revision("last", 1)).toBe(6n)
    await client.ask(set("elsewhere", "1", 2))
    expect(await revision("elsewhere", 2)).toBe(1n)
  })
})

describe("statistics", () => {
  const stats = async (group: string): Promise<ReadonlyArray<readonly [string, string]> | string> => {
    client.send(encodeWith((writer) => Gen.encodeStat(writer, { group, parameters: "" })))
    const list: Array<readonly [string, string]> = []
    for (;;) {
      const packet = await client.next() as Packet & { readonly name: string; readonly value: string }
      if (packet._tag === "ErrorResponse") return nameOf(packet)
      if (packet.name === "") return list
      list.push([packet.name, packet.value])
    }
  }

  it("tell the histories of all vbuckets or of one", async () => {
    const uuid = (vbucket: number) => String(node.buckets.get("default")!.uuidOf(vbucket))
    const one = [["vb_2:num_entries", "1"], ["vb_2:num_erroneous_entries_erased", "0"], ["vb_2:0:id", uuid(2)], ["vb_2:0:seq", "0"]]
    expect(await stats("failovers 2")).toEqual(one)
    const all = await stats("failovers")
    expect(all).toHaveLength(12)
    expect(all.slice(8)).toEqual(one)
    expect(await stats("failovers 3")).toBe("NotMyVbucket")
    expect(await stats("failovers x")).toBe("Einval")
  })

  it("tell the details of a vbucket", async () => {
    const details = await stats("vbucket-details 1")
    expect(details.slice(0, 2)).toEqual([["vb_1", "active"], ["vb_1:num_items", "2"]])
    expect(details).toContainEqual(["vb_1:ht_num_deleted_items", "2"])
    expect(details).toContainEqual(["vb_1:max_deleted_revid", "5"])
    expect(details).toContainEqual(["vb_1:high_seqno", "9"])
    expect(await stats("vbucket-details")).toHaveLength(details.length * 3)
  })

  it("tell what is known of a document", async () => {
    await client.ask(set("known", "{}", 2))
    const known = new Map(await stats("key known 2") as ReadonlyArray<readonly [string, string]>)
    expect([...known.keys()]).toEqual([
      "key_is_dirty",
      "key_exptime",
      "key_datatype",
      "key_flags",
      "key_cas",
      "key_vb_state",
      "key_is_resident"
    ])
    expect(known.get("key_datatype")).toBe("json")
    expect(await stats("key unknown 2")).toBe("KeyEnoent")
    expect(await stats("key known 9")).toBe("NotMyVbucket")
    expect(await stats("key known")).toBe("Einval")
    expect(await stats("key known 2 0x99")).toBe("UnknownCollection")
  })

  it("tell how the bucket is configured", async () => {
    expect(await stats("config")).toContainEqual(["ep_max_item_size", String(20 * 1024 * 1024)])
  })
})

describe("requests that are not allowed as they stand", () => {
  const invalid = (writer: Parameters<typeof Gen.encodeGet>[0]) => Gen.encodeGet(writer, { key: "k", collectionId: 0, cas: 1n })
  const noCollection = (writer: Parameters<typeof Gen.encodeCollectionsGetID>[0]) =>
    Gen.encodeCollectionsGetID(writer, { legacyPath: "", path: "a" })

  it("leave the connection open", async () => {
    const one = await TestClient.ready(node.port)
    expect(await one.status(invalid)).toBe("Einval")
    expect(await one.status(set("open"))).toBe("Success")
    await one.end()
  })

  it("end it on a node that closes after them, once they were answered", async () => {
    const closing = await start({ closeOnEinval: true })
    const one = await TestClient.ready(closing.port, everything)
    // a path that is none is found out later
    expect(await one.status(noCollection)).toBe("Einval")
    expect(await one.status(set("open"))).toBe("Success")
    expect(await one.status(invalid)).toBe("Einval")
    await expect(one.next()).rejects.toThrow("closed")
  })
})
