/** The node over TCP: what each command answers to whom, which failures have which bodies, and that passwords stay where they are. */
import { encodeWith } from "@wirewright/codec"
import * as Gen from "@wirewright/dcp/gen"
import { HelloFeature as F, type Packet, SubdocDocFlags, SubdocOpcode, SubdocPathFlags, WithMetaOptions } from "@wirewright/dcp/gen"
import { encodeNoop, encodeVersion, type RequestFrame } from "@wirewright/memcached/gen"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { inspect } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { defaultManifest, withCollection } from "./Collections.ts"
import { type CouchbaseNode, type CouchbaseNodeOptions, serveCouchbase } from "./CouchbaseNode.ts"
import { everything, nameOf, TestClient } from "./TestClient.fixture.ts"

const scope = Scope.makeUnsafe()
const start = (options: CouchbaseNodeOptions): Promise<CouchbaseNode> => Effect.runPromise(Scope.provide(serveCouchbase(options), scope))
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const text = (packet: Packet): string => "value" in packet && packet.value instanceof Uint8Array ? Buffer.from(packet.value).toString() : ""
const json = (packet: Packet): unknown => JSON.parse(text(packet))
const set = (key: string, value: string, more: object = {}) => (writer: Parameters<typeof Gen.encodeSet>[0]) =>
  Gen.encodeSet(writer, { key, value: Buffer.from(value), flags: 1, expiration: 0, collectionId: 0, ...more })
const get = (key: string, more: object = {}) => (writer: Parameters<typeof Gen.encodeGet>[0]) =>
  Gen.encodeGet(writer, { key, collectionId: 0, ...more })

let now = 1_700_000_000_000
let node: CouchbaseNode
let client: TestClient

beforeAll(async () => {
  const manifest = withCollection(defaultManifest, "shop", "orders", 60)
  node = await start({ now: () => now, buckets: [{ name: "default", vbuckets: 4, manifest }, { name: "other" }] })
  client = await TestClient.ready(node.port)
})
afterAll(() => client.end())

describe("documents", () => {
  it("tell where a change landed only to those who asked", async () => {
    const answer = await client.ask(set("token", "1", { vbucket: 2 }))
    const { failoverLog } = node.buckets.get("default")!.vbucket(2)!
    expect(answer).toMatchObject({ mutationToken: { vbucketUuid: failoverLog[0]!.vbucketUuid, seqno: 1n } })
    const plain = await TestClient.ready(node.port, [F.Xerror])
    expect(await plain.ask(set("token2", "1", { collectionId: undefined }))).toMatchObject({ mutationToken: undefined })
    await plain.end()
  })

  it("have the JSON bit if they are JSON, for those who know it", async () => {
    await client.ask(set("json", "{\"a\":[1,2]}"))
    await client.ask(set("text", "{no json"))
    expect(await client.ask(get("json"))).toMatchObject({ datatype: 1, flags: 1 })
    expect(await client.ask(get("text"))).toMatchObject({ datatype: 0 })
    const plain = await TestClient.ready(node.port, [F.Xerror])
    expect(await plain.ask(get("json", { collectionId: undefined }))).toMatchObject({ datatype: 0 })
    expect(await plain.status(set("j", "1", { collectionId: undefined, datatype: 1 }))).toBe("Einval")
    await plain.end()
  })

  it("pass over quiet successes and misses in silence, and nothing else", async () => {
    const collectionId = 0
    const value = Buffer.from("1")
    client.send(Buffer.concat([
      encodeWith((writer) => Gen.encodeSetQ(writer, { key: "q", value, flags: 0, expiration: 0, collectionId })),
      encodeWith((writer) => Gen.encodeGetQ(writer, { key: "missing", collectionId })),
      encodeWith((writer) => Gen.encodeAddQ(writer, { key: "q", value, flags: 0, expiration: 0, collectionId, opaque: 1 })),
      encodeWith((writer) => Gen.encodeGetKQ(writer, { key: "q", collectionId, opaque: 2 })),
      encodeWith((writer) => encodeNoop(writer, { opaque: 3 }))
    ]))
    const answers = [await client.next(), await client.next(), await client.next()]
    expect(answers.map((answer) => [answer._tag, answer.opaque])).toEqual([["ErrorResponse", 1], ["GetKQResponse", 2], ["NoopResponse", 3]])
    expect(answers[1]).toMatchObject({ key: "q", collectionId: 0 })
  })

  it("live no longer than their collection allows", async () => {
    const { id } = node.buckets.get("default")!.manifest.scopes[1]!.collections[0]!
    await client.ask(set("ttl", "1", { collectionId: id }))
    now += 59_999
    expect(await client.status(get("ttl", { collectionId: id }))).toBe("Success")
    now += 1
    expect(await client.status(get("ttl", { collectionId: id }))).toBe("KeyEnoent")
  })

  it("keep their attributes when they get another body, and hide them", async () => {
    const specs = [
      { opcode: SubdocOpcode.SubdocDictUpsert, flags: SubdocPathFlags.xattrPath, path: "_x", value: Buffer.from("1") },
      { opcode: SubdocOpcode.SetDocument, flags: 0, path: "", value: Buffer.from("5") }
    ]
    await client.ask((writer) =>
      Gen.encodeSubdocMultiMutation(writer, { key: "x", collectionId: 0, docFlags: SubdocDocFlags.mkdoc, specs })
    )
    expect(text(await client.ask(get("x")))).toBe("5")
    const counted = await client.ask((writer) =>
      Gen.encodeIncrement(writer, { key: "x", collectionId: 0, delta: 2n, initial: 0n, expiration: 0 })
    )
    expect(counted).toMatchObject({ value: 7n })
    await client.ask((writer) => Gen.encodePrepend(writer, { key: "x", collectionId: 0, value: Buffer.from("1") }))
    expect(text(await client.ask(get("x")))).toBe("17")
    await client.ask(set("x", "new"))
    const path = (writer: Parameters<typeof Gen.encodeSubdocGet>[0]) =>
      Gen.encodeSubdocGet(writer, {
        key: "x",
        collectionId: 0,
        flags: SubdocPathFlags.xattrPath,
        path: "_x",
        docFlags: SubdocDocFlags.accessDeleted
      })
    expect(text(await client.ask(path))).toBe("1")
    await client.ask((writer) => Gen.encodeDelete(writer, { key: "x", collectionId: 0 }))
    expect(await client.ask(path)).toMatchObject({ status: Gen.Status.SubdocSuccessDeleted })
  })

  it("are locked for others", async () => {
    await client.ask(set("lock", "1"))
    const locked = await client.ask((writer) => Gen.encodeGetLocked(writer, { key: "lock", collectionId: 0, lockTimeout: 5 }))
    const { cas } = locked as { readonly cas: bigint }
    expect(await client.ask(get("lock"))).toMatchObject({ cas: 0xffff_ffff_ffff_ffffn })
    expect(await client.status(set("lock", "2"))).toBe("Locked")
    expect(await client.status((writer) => Gen.encodeGetLocked(writer, { key: "lock", collectionId: 0 }))).toBe("Locked")
    const old = await TestClient.ready(node.port, [F.Collections])
    expect(await old.status(set("lock", "2"))).toBe("KeyEexists")
    expect(await old.status((writer) => Gen.encodeGetLocked(writer, { key: "lock", collectionId: 0 }))).toBe("Etmpfail")
    await old.end()
    expect(await client.status((writer) => Gen.encodeUnlockKey(writer, { key: "lock", collectionId: 0, cas: cas + 1n }))).toBe("Locked")
    expect(await client.status((writer) => Gen.encodeUnlockKey(writer, { key: "lock", collectionId: 0, cas }))).toBe("Success")
    expect(await client.status((writer) => Gen.encodeUnlockKey(writer, { key: "lock", collectionId: 0, cas }))).toBe("NotLocked")
  })
})

describe("metadata", () => {
  const meta = { key: "meta", collectionId: 0, layout: "Plain" as const }

  it("are read, also of what was removed", async () => {
    await client.ask(set("m", "{}"))
    const read = (version?: number) => client.ask((writer) => Gen.encodeGetMeta(writer, { key: "m", collectionId: 0, version }))
    const first = await read(2) as { revSeqno: bigint }
    expect(first).toMatchObject({ deleted: 0, flags: 1, documentDatatype: 1 })
    expect(await read()).toMatchObject({ documentDatatype: undefined })
    await client.ask((writer) => Gen.encodeDelete(writer, { key: "m", collectionId: 0 }))
    expect(await read(2)).toMatchObject({ deleted: 1, revSeqno: first.revSeqno + 1n, expiry: Math.floor(now / 1000) })
    expect(nameOf(await client.ask((writer) => Gen.encodeGetMeta(writer, { key: "nothing", collectionId: 0 })))).toBe("KeyEnoent")
  })

  it("are written, and the higher revision wins", async () => {
    const write = (revSeqno: bigint, documentCas: bigint, options?: number) =>
      client.status((writer) =>
        Gen.encodeSetWithMeta(writer, { ...meta, flags: 7, expiration: 0, revSeqno, documentCas, options, value: Buffer.from("v") })
      )
    expect(await write(5n, 1000n)).toBe("Success")
    expect(await client.ask(get("meta"))).toMatchObject({ cas: 1000n, flags: 7 })
    expect(await write(4n, 2000n)).toBe("KeyEexists")
    expect(await write(5n, 1000n)).toBe("KeyEexists")
    expect(await write(5n, 1001n)).toBe("Success")
    expect(await write(1n, 1n, WithMetaOptions.forceWithMetaOp)).toBe("Success")
    expect(await write(1n, 1n, WithMetaOptions.regenerateCas)).toBe("Einval")
    const remove = (revSeqno: bigint) =>
      client.status((writer) =>
        Gen.encodeDelWithMeta(writer, { ...meta, flags: 0, deleteTime: 99, revSeqno, documentCas: 5n, value: new Uint8Array(0) })
      )
    expect(await remove(0n)).toBe("KeyEexists")
    expect(await remove(9n)).toBe("Success")
    expect(await client.status(get("meta"))).toBe("KeyEnoent")
    expect(await client.ask((writer) => Gen.encodeGetMeta(writer, { key: "meta", collectionId: 0 }))).toMatchObject({
      revSeqno: 9n,
      expiry: 99
    })
    expect(await client.ask(set("meta", "again"))).toMatchObject({ status: 0 })
    expect(await client.ask((writer) => Gen.encodeGetMeta(writer, { key: "meta", collectionId: 0 }))).toMatchObject({ revSeqno: 10n })
  })
})

describe("vbuckets", () => {
  it("answer with the cluster map where they are not, once to those who remember it", async () => {
    const dedupes = await TestClient.ready(node.port, [...everything, F.DedupeNotMyVbucketClustermap])
    const answer = await dedupes.ask(get("k", { vbucket: 4 }))
    expect(nameOf(answer)).toBe("NotMyVbucket")
    expect(json(answer)).toMatchObject({
      name: "default",
      nodesExt: [{ services: { kv: node.port } }],
      vBucketServerMap: { vBucketMap: [[0], [0], [0], [0]] }
    })
    expect(await dedupes.ask(get("k", { vbucket: 4 }))).toMatchObject({ status: 7, value: new Uint8Array(0) })
    await dedupes.end()
  })

  it("begin a branch of their history when they become active again", async () => {
    await client.ask(set("history", "1", { vbucket: 3 }))
    const state = (code: number) =>
      client.status((writer) => Gen.encodeSetVbucket(writer, { vbucket: 3, layout: "Narrow", state: code, options: "" }))
    expect(await state(Gen.VBucketState.Replica)).toBe("Success")
    expect(await client.status(get("history", { vbucket: 3 }))).toBe("NotMyVbucket")
    expect(await client.status((writer) => Gen.encodeGetReplica(writer, { key: "history", vbucket: 3, collectionId: 0 }))).toBe("Success")
    expect(await state(Gen.VBucketState.Active)).toBe("Success")
    const log = await client.ask((writer) => Gen.encodeGetFailoverLog(writer, { vbucket: 3 })) as Gen.GetFailoverLogResponse
    expect(log.failoverLog.map(({ seqno }) => seqno)).toEqual([1n, 0n])
    const observe = (vbucketUuid: bigint) => client.ask((writer) => Gen.encodeObserveSeqno(writer, { vbucket: 3, vbucketUuid }))
    expect(await observe(log.failoverLog[0]!.vbucketUuid)).toMatchObject({ layout: "NoFailover", currentSeqno: 1n })
    expect(await observe(log.failoverLog[1]!.vbucketUuid)).toMatchObject({ layout: "HardFailover", lastReceivedSeqno: 1n })
    expect(nameOf(await observe(1n << 60n))).toBe("KeyEnoent")
    const seqnos = await client.ask((writer) => Gen.encodeGetAllVbSeqnos(writer, { state: 1 })) as Gen.GetAllVbSeqnosResponse
    expect(seqnos.seqnos).toHaveLength(4)
    expect(await state(9)).toBe("Einval")
  })
})

describe("requirements of a request", () => {
  const status = (...framing: ReadonlyArray<RequestFrame>) => client.status(set("frames", "1", { framing }))

  it("are checked", async () => {
    expect(await status({ _tag: "Durability", level: 1, timeout: 1000 })).toBe("Success")
    expect(await status({ _tag: "Durability", level: 3 })).toBe("Success")
    expect(await status({ _tag: "Durability", level: 0 })).toBe("DurabilityInvalidLevel")
    expect(await status({ _tag: "Durability", level: 4 })).toBe("DurabilityInvalidLevel")
    expect(await status({ _tag: "Durability", level: 1, timeout: 0 })).toBe("DurabilityInvalidLevel")
    expect(await status({ _tag: "Durability", level: 1, timeout: 0xffff })).toBe("DurabilityInvalidLevel")
    expect(await status({ _tag: "Barrier" })).toBe("Success")
    expect(await status({ _tag: "Unknown", tag: 99, bytes: new Uint8Array(1) })).toBe("UnknownFrameInfo")
    expect(await status({ _tag: "Impersonate", user: "somebody" })).toBe("Eaccess")
  })
})

describe("failures", () => {
  it("say which manifest knows no such collection", async () => {
    const answer = await client.ask(get("k", { collectionId: 99 }))
    expect(nameOf(answer)).toBe("UnknownCollection")
    expect(json(answer)).toEqual({ manifest_uid: "2", error: { context: "Unknown scope or collection in operation" } })
    const named = await client.ask((writer) => Gen.encodeCollectionsGetID(writer, { legacyPath: "", path: "nowhere.x" }))
    expect([nameOf(named), json(named)]).toMatchObject(["UnknownScope", { manifest_uid: "2" }])
  })

  it("are those of the buckets and of what nobody knows", async () => {
    const stranger = new TestClient(node.port)
    await stranger.hello(everything)
    expect(await stranger.status(get("k"))).toBe("NoBucket")
    expect(await stranger.status((writer) => Gen.encodeSelectBucket(writer, { bucket: "nothing" }))).toBe("Eaccess")
    expect(await stranger.status((writer) => Gen.encodeSelectBucket(writer, { bucket: "other" }))).toBe("Success")
    const unknown = Uint8Array.from({ length: 24 }, (_, index) => [0x80, 0x4f][index] ?? 0)
    stranger.send(unknown)
    expect(nameOf(await stranger.next())).toBe("UnknownCommand")
    expect(await stranger.status((writer) => Gen.encodeFlush(writer, {}))).toBe("NotSupported")
    await stranger.end()
  })

  it("of malformed requests leave the connection open", async () => {
    const header = Uint8Array.from({ length: 28 }, (_, index) => [0x80, 0x01, 0, 0, 4, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4][index] ?? 0)
    client.send(header)
    const answer = await client.next()
    expect([nameOf(answer), answer.opaque]).toEqual(["Einval", 0x01020304])
    expect(await client.status((writer) => encodeVersion(writer, {}))).toBe("Success")
  })

  it("close what sends responses", async () => {
    const stranger = new TestClient(node.port)
    stranger.send(Uint8Array.from({ length: 24 }, (_, index) => index === 0 ? 0x81 : 0))
    await expect(stranger.next()).rejects.toThrow("closed")
  })
})

describe("statistics", () => {
  it("come one by one up to an empty one", async () => {
    const names: Array<string> = []
    client.send(encodeWith((writer) => Gen.encodeStat(writer, { group: "vbucket", parameters: "", opaque: 9 })))
    for (;;) {
      const answer = await client.next() as Gen.StatResponse
      if (answer.name === "") break
      names.push(`${answer.name} ${answer.value}`)
    }
    expect(names).toEqual(["vb_0 active", "vb_1 active", "vb_2 active", "vb_3 active"])
    expect(await client.status((writer) => Gen.encodeStat(writer, { group: "nonsense", parameters: "" }))).toBe("KeyEnoent")
  })
})

describe("signing in", () => {
  const password = "Tr0ub4dor&3"
  let guarded: CouchbaseNode
  beforeAll(async () => {
    guarded = await start({
      users: [
        { name: "app", password: Redacted.make(password) },
        { name: "reader", password: Redacted.make("readerpw"), mayWrite: false }
      ]
    })
  })

  it("comes before everything else", async () => {
    const stranger = new TestClient(guarded.port)
    await stranger.hello(everything)
    expect(await stranger.status((writer) => Gen.encodeSelectBucket(writer, { bucket: "default" }))).toBe("Eaccess")
    expect(nameOf(await stranger.signIn("app", "wrong"))).toBe("AuthError")
    expect(nameOf(await stranger.signIn("nobody", password))).toBe("AuthError")
    expect(await stranger.status((writer) => Gen.encodeSelectBucket(writer, { bucket: "default" }))).toBe("Eaccess")
    expect(nameOf(await stranger.signIn("app", password))).toBe("Success")
    expect(await stranger.status((writer) => Gen.encodeSelectBucket(writer, { bucket: "default" }))).toBe("Success")
    expect(nameOf(await stranger.signIn("app", "wrong"))).toBe("AuthError")
    expect(await stranger.status(get("k"))).toBe("Eaccess")
    await stranger.end()
  })

  // a cluster manager gives everybody, the administrator too, privileges of the buckets that exist: ns_server memcached_permissions.erl,
  // jsonify_users, with kv_engine select_bucket_executor.cc; SDKs take KeyEnoent for a bucket that is about to come, and wait for it
  it.each(["app", "reader"])("does not tell %s whether a bucket is missing", async (user) => {
    const client = new TestClient(guarded.port)
    await client.hello(everything)
    await client.signIn(user, user === "app" ? password : "readerpw")
    expect(await client.status((writer) => Gen.encodeSelectBucket(writer, { bucket: "nothing" }))).toBe("Eaccess")
    expect(await client.status((writer) => Gen.encodeSelectBucket(writer, { bucket: "default" }))).toBe("Success")
    await client.end()
  })

  it("may allow reading only", async () => {
    const reader = new TestClient(guarded.port)
    await reader.hello(everything)
    await reader.signIn("reader", "readerpw")
    await reader.ask((writer) => Gen.encodeSelectBucket(writer, { bucket: "default" }))
    expect(await reader.status(set("k", "1"))).toBe("Eaccess")
    expect(await reader.status(get("k"))).toBe("KeyEnoent")
    await reader.end()
  })

  it("tells nobody a password, nor why it failed", async () => {
    const stranger = new TestClient(guarded.port)
    await stranger.hello(everything)
    const answers = [
      await stranger.signIn("app", `${password}x`),
      await stranger.signIn("nobody", password),
      await stranger.ask((writer) => Gen.encodeSaslAuth(writer, { mechanism: "PLAIN", clientData: Buffer.from(password) })),
      await stranger.ask((writer) => Gen.encodeSaslAuth(writer, { mechanism: password, clientData: Buffer.from(password) })),
      await stranger.ask((writer) => Gen.encodeSaslStep(writer, { mechanism: "SCRAM-SHA512", clientData: Buffer.from(`p=${password}`) }))
    ]
    // what is no message of PLAIN is not allowed as it stands
    expect(answers.map(nameOf)).toEqual(["AuthError", "AuthError", "Einval", "AuthError", "AuthError"])
    for (const answer of answers) expect(Object.keys((json(answer) as { error: object }).error)).toEqual(["ref"])
    const dump = [guarded, ...guarded.server.clients].map((one) => inspect(one, { depth: 12, showHidden: true, maxArrayLength: null }))
      .join()
    expect(dump).toContain("SCRAM-SHA512")
    expect(dump).not.toContain(password)
    expect(JSON.stringify(answers, (_, value: unknown) => typeof value === "bigint" ? String(value) : value)).not.toContain(password)
    await stranger.end()
  })
})
