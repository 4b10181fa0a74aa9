/** The embedded producer, packet by packet, over TCP: what it refuses, what it sends in which order, and what it counts. */
import { encodeWith } from "@wirewright/codec"
import * as Gen from "@wirewright/dcp/gen"
import { DcpStreamEndStatus, DcpStreamFlags, HelloFeature as F, VBucketState } from "@wirewright/dcp/gen"
import {
  type Bucket,
  type CouchbaseNode,
  type CouchbaseNodeOptions,
  defaultManifest,
  serveCouchbase,
  serveCouchbaseCluster,
  withCollection
} from "@wirewright/embedded"
import { manifestText } from "../../packages/embedded/src/Collections.ts"
import { nameOf, TestClient } from "../../packages/embedded/src/TestClient.fixture.ts"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { DcpClient, endless, features, show } from "./DcpClient.ts"

let scope: Scope.Closeable
let node: CouchbaseNode
let bucket: Bucket
const clients: Array<TestClient> = []

const start = async (options: CouchbaseNodeOptions = {}): Promise<void> => {
  node = await Effect.runPromise(Scope.provide(serveCouchbase({ buckets: [{ name: "default", vbuckets: 4 }], ...options }), scope))
  bucket = node.buckets.get("default")!
}
beforeEach(() => {
  scope = Scope.makeUnsafe()
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.end()
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

const opened = async (flags?: number, name?: string, asked?: ReadonlyArray<number>): Promise<DcpClient> => {
  const client = await DcpClient.open(node.port, flags, name, asked)
  clients.push(client.wire)
  return client
}

/** A client with what every stream needs. */
const ready = async (controls: { readonly [key: string]: string } = {}, flags?: number): Promise<DcpClient> => {
  const client = await opened(flags)
  await client.controls({ enable_noop: "true", ...controls })
  return client
}

const put = (key: string, vbucket = 0, collection = 0, size = 1): void => {
  const stored = bucket.store.set(bucket.store.space(vbucket, collection), key, { value: new Uint8Array(size) })
  expect(typeof stored).toBe("object")
}
const remove = (key: string, vbucket = 0): void => void bucket.store.remove(bucket.store.space(vbucket), key)
const uuid = (vbucket = 0): bigint => bucket.uuidOf(vbucket)

describe("opening", () => {
  it("SC-05 refuses what cannot be opened, and stays usable", async () => {
    await start()
    const client = new DcpClient(await TestClient.ready(node.port, features))
    clients.push(client.wire)
    const open = (flags: number, name = "x", more: object = {}) =>
      client.ask((writer) => Gen.encodeDcpOpen(writer, { connectionName: name, flags, reservedSeqno: 0, options: "", ...more }))
    for (const flags of [0x3, 0x11, 0x49, 0x101, 0x81, 0x401, 0x0]) expect(await open(flags), `flags ${flags}`).toBe("Einval")
    expect(await open(1, "")).toBe("Einval")
    for (const options of ["x", "{}", "{\"consumer_name\":\"a\"}"]) expect(await open(1, "x", { options })).toBe("Einval")
    // extras of 4 and of 12 bytes
    const hex = (extras: number) =>
      Buffer.from(
        `8050000${1}${extras.toString(16).padStart(2, "0")}000000${(extras + 1).toString(16).padStart(8, "0")}${"00".repeat(12)}${
          "00".repeat(extras)
        }78`,
        "hex"
      )
    for (const extras of [4, 12]) {
      client.wire.send(hex(extras))
      expect(nameOf(await client.wire.next()), `extras ${extras}`).toBe("Einval")
    }
    expect(await open(1)).toBe("Success")
    expect(await open(1)).toBe("Einval")
    expect(await client.control("enable_noop", "true")).toBe("Success")
    const unordered = new DcpClient(await TestClient.ready(node.port, [...features, F.UnorderedExecution]))
    clients.push(unordered.wire)
    expect(await unordered.ask((writer) => Gen.encodeDcpOpen(writer, { connectionName: "u", flags: 1, reservedSeqno: 0, options: "" })))
      .toBe("NotSupported")
  })

  it("SC-08 a connection of the same name takes the place of the older one, without ends", async () => {
    await start()
    put("a")
    const first = await opened(1, "same")
    await first.controls({ enable_noop: "true" })
    expect(show(await first.request(0))).toBe("OK 0")
    expect(await first.take(2)).toEqual(["MK[0,1] 5", "M1 a"])
    const second = await opened(1, "same")
    await expect(first.wire.next()).rejects.toThrow("closed")
    await second.controls({ enable_noop: "true" })
    expect(show(await second.request(0))).toBe("OK 0")
    expect(await second.take(2)).toEqual(["MK[0,1] 5", "M1 a"])
    expect(node.producers.all.map(({ name }) => name)).toEqual(["same"])
  })

  it("controls: what is known, what is refused", async () => {
    await start()
    const client = await opened()
    const table: ReadonlyArray<readonly [string, string, string]> = [
      ["enable_noop", "true", "Success"],
      ["enable_noop", "yes", "Einval"],
      ["set_noop_interval", "0.1", "Success"],
      ["set_noop_interval", "0.09", "Einval"],
      ["set_noop_interval", "10800", "Success"],
      ["set_noop_interval", "10801", "Einval"],
      ["connection_buffer_size", "4294967295", "Success"],
      ["connection_buffer_size", "4294967296", "Einval"],
      ["set_priority", "high", "Success"],
      ["set_priority", "urgent", "Einval"],
      ["force_value_compression", "true", "Einval"],
      ["stream_buffer_size", "100", "NotSupported"],
      ["change_streams", "true", "NotSupported"],
      ["max_marker_version", "2.2", "Success"],
      ["max_marker_version", "3", "Einval"],
      ["toString", "true", "Einval"],
      ["", "true", "Einval"],
      ["enable_noop", "", "Einval"],
      ["include_deleted_user_xattrs", "true", "Einval"]
    ]
    for (const [key, value, status] of table) expect(await client.control(key, value), `${key}=${value}`).toBe(status)
  })

  it("DCP commands need a DCP connection, and a DCP connection keeps its bucket", async () => {
    await start()
    const plain = new DcpClient(await TestClient.ready(node.port, features))
    clients.push(plain.wire)
    expect(show(await plain.request(0))).toBe("Einval")
    expect(await plain.control("enable_noop", "true")).toBe("Einval")
    const client = await ready()
    expect(await client.ask((writer) => Gen.encodeSelectBucket(writer, { bucket: "default" }))).toBe("NotSupported")
    expect(await client.ask((writer) => Gen.encodeNoop(writer, {}))).toBe("Success")
  })
})

describe("stream requests", () => {
  it("SC-11 without NOOPs there are no streams where collections are", async () => {
    await start()
    const client = await opened()
    expect(show(await client.request(0))).toBe("NotSupported")
    const legacy = await opened(1, "legacy", [F.SelectBucket])
    expect(show(await legacy.request(0))).toBe("OK 0")
  })

  it("SC-12 a filter is raw, whatever it looks like", async () => {
    await start()
    const client = await ready()
    const filter = "{\"collections\":[\"0\"]}"
    expect(show(await client.request(0, { filter, datatype: 1 }))).toBe("Einval")
    expect(show(await client.request(0, { filter }))).toBe("OK 0")
  })

  it("SC-13 the first failure wins", async () => {
    await start()
    bucket.setState(1, VBucketState.Replica)
    const client = await ready()
    const wrong = { startSeqno: 5n, endSeqno: 4n, filter: "{", vbucketUuid: 7n, snapStartSeqno: 5n, snapEndSeqno: 5n }
    expect(show(await client.request(1, { ...wrong, flags: DcpStreamFlags.activeVbOnly }))).toBe("NotMyVbucket")
    expect(show(await client.request(1, { ...wrong, flags: 0 }))).toBe("Erange")
    expect(show(await client.request(1, { ...wrong, flags: 0, endSeqno: endless }))).toBe("Einval")
    expect(show(await client.request(1, { ...wrong, flags: 0, endSeqno: endless, filter: "" }))).toBe("ROLLBACK 0")
    expect(show(await client.request(99))).toBe("NotMyVbucket")
  })

  it("SC-14 start and snapshot fit", async () => {
    await start()
    for (let i = 0; i < 9; i++) put(`k${i}`)
    const client = await ready()
    const at = (startSeqno: bigint, snapStartSeqno: bigint, snapEndSeqno: bigint) =>
      client.request(0, { startSeqno, snapStartSeqno, snapEndSeqno, vbucketUuid: uuid() })
    expect(show(await at(5n, 6n, 9n))).toBe("Erange")
    expect(show(await at(5n, 1n, 4n))).toBe("Erange")
    expect(show(await at(5n, 5n, 5n))).toBe("OK 0")
  })

  it("SC-15 a stream that begins at its end ends at once", async () => {
    await start()
    for (let i = 1; i <= 7; i++) put(`k${i}`)
    const client = await ready()
    const at7 = { startSeqno: 7n, endSeqno: 7n, snapStartSeqno: 7n, snapEndSeqno: 7n, vbucketUuid: uuid() }
    expect(show(await client.request(0, at7))).toBe("OK 0")
    expect(await client.take(1)).toEqual(["END 0"])
  })

  it("SC-17 one stream of a vbucket", async () => {
    await start()
    const client = await ready()
    expect(show(await client.request(0))).toBe("OK 0")
    expect(show(await client.request(0))).toBe("KeyEexists")
  })

  it("SC-23 from the latest", async () => {
    await start()
    for (let i = 1; i <= 5; i++) put(`k${i}`)
    const client = await ready()
    expect(show(await client.request(0, { flags: DcpStreamFlags.fromLatest }))).toBe("OK 0")
    put("new")
    // the first marker of a stream begins no later than the snapshot that was asked behind
    expect(await client.take(2)).toEqual(["MK[5,6] 1", "M6 new"])
  })

  it("SC-24 a uuid at seqno 0 counts when it is said to", async () => {
    await start()
    const client = await ready()
    expect(show(await client.request(0, { vbucketUuid: 0xabcdn, flags: DcpStreamFlags.strictVbUuid }))).toBe("ROLLBACK 0")
    expect(show(await client.request(0, { vbucketUuid: 0xabcdn }))).toBe("OK 0")
  })

  it("SC-52 purged tombstones", async () => {
    await start()
    for (let i = 1; i <= 6; i++) put(`k${i}`)
    for (let i = 1; i <= 4; i++) remove(`k${i}`)
    bucket.purge(0, 9n)
    const client = await ready()
    const from = (startSeqno: bigint, more: object = {}) =>
      client.request(0, { startSeqno, snapStartSeqno: startSeqno, snapEndSeqno: startSeqno, endSeqno: 10n, vbucketUuid: uuid(), ...more })
    expect(bucket.vbucket(0)!.history.purgeSeqno).toBe(9n)
    expect(show(await from(5n))).toBe("ROLLBACK 0")
    expect(show(await from(9n))).toBe("OK 0")
    expect(await client.take(3)).toEqual(["MK[9,10] 6", "D10 k4 V1", "END 0"])
    expect(show(await from(5n, { filter: "{\"purge_seqno\":\"9\"}" }))).toBe("OK 0")
    expect(await client.take(4)).toEqual(["MK[5,10] 6", "M6 k6", "D10 k4 V1", "END 0"])
    expect(show(await from(5n, { flags: DcpStreamFlags.ignorePurgedTombstones }))).toBe("OK 0")
    expect((await client.take(4)).at(-1)).toBe("END 0")
  })
})

describe("what is sent", () => {
  it("SC-06 a connection without collections sees the default collection only, and nothing of the others", async () => {
    await start({ buckets: [{ name: "default", vbuckets: 4, manifest: withCollection(defaultManifest, "shop", "orders") }] })
    const orders = bucket.manifest.scopes[1]!.collections[0]!.id
    put("a")
    put("b", 0, orders)
    const client = await opened(1, "legacy", [F.SelectBucket])
    expect(show(await client.request(0, { filter: "{\"collections\":[\"0\"]}" }))).toBe("Einval")
    expect(show(await client.request(0))).toBe("OK 0")
    // the snapshot ends where this client sees something
    expect(await client.take(2)).toEqual(["MK[0,1] 5", "M1 a"])
    put("c", 0, orders)
    put("d")
    expect(await client.take(2)).toEqual(["MK[3,4] 1", "M4 d"])
  })

  it("SC-31 filtered: SEQNO_ADVANCED says what was left out", async () => {
    await start({ buckets: [{ name: "default", vbuckets: 4, manifest: withCollection(defaultManifest, "shop", "orders") }] })
    const orders = bucket.manifest.scopes[1]!.collections[0]!.id
    put("a")
    put("b", 0, orders)
    put("c")
    const client = await ready()
    const filter = JSON.stringify({ collections: [orders.toString(16)] })
    expect(show(await client.request(0, { filter }))).toBe("OK 0")
    expect(await client.take(3)).toEqual(["MK[0,3] 5", "M2 b", "SA3"])
    put("d")
    expect(await client.take(2)).toEqual(["MK[4,4] 1", "SA4"])
    expect(show(await client.request(1, { filter: "{\"collections\":[\"99\"]}" }))).toBe("UnknownCollection")
    expect(show(await client.request(1, { filter: "{\"scope\":\"99\"}" }))).toBe("UnknownScope")
  })

  it("SC-39 deletions and expirations look as was asked for", async () => {
    await start({ now: () => now })
    let now = 1_700_000_000_000
    const seen = async (flags: number, controls: { readonly [key: string]: string }, name: string): Promise<ReadonlyArray<string>> => {
      const client = await opened(1 | flags, name)
      await client.controls({ enable_noop: "true", ...controls })
      expect(show(await client.request(0))).toBe("OK 0")
      return client.take(3)
    }
    put("gone")
    bucket.store.set(bucket.store.space(0), "old", { value: new Uint8Array(1), expiration: 1 })
    remove("gone")
    now += 2_000
    bucket.sweep()
    expect(await seen(0x20, { enable_expiry_opcode: "true" }, "both")).toEqual(["MK[0,4] 5", "D3 gone V2", "X4 old V2"])
    expect(await seen(0, { enable_expiry_opcode: "true" }, "control")).toEqual(["MK[0,4] 5", "D3 gone V1", "D4 old V1"])
    expect(await seen(0x20, {}, "flag")).toEqual(["MK[0,4] 5", "D3 gone V2", "D4 old V2"])
  })

  it("SC-40 scopes and collections that are made and dropped", async () => {
    await start()
    const client = await ready()
    expect(show(await client.request(0))).toBe("OK 0")
    const made = withCollection(withCollection(defaultManifest, "shop", "orders"), "shop", "carts", 60)
    const set = (manifest: typeof made) =>
      client.ask((writer) => Gen.encodeCollectionsSetManifest(writer, { manifest: manifestText(manifest) }))
    const { wire } = client
    wire.send(encodeWith((writer) => Gen.encodeCollectionsSetManifest(writer, { manifest: manifestText(made) })))
    expect((await client.take(5)).toSorted()).toEqual(
      ["MK[0,3] 5", "SE1 CreateScope shop", "SE2 BeginCollection orders", "SE3 BeginCollectionTtl carts", "Success"].toSorted()
    )
    expect(set).toBeTypeOf("function")
    const dropped = {
      uid: made.uid + 1n,
      scopes: made.scopes.map((scope) => ({ ...scope, collections: scope.collections.filter(({ name }) => name !== "carts") }))
    }
    wire.send(encodeWith((writer) => Gen.encodeCollectionsSetManifest(writer, { manifest: manifestText(dropped) })))
    expect((await client.take(3)).toSorted()).toEqual(["MK[4,4] 1", "SE4 EndCollection ", "Success"].toSorted())
  })

  it("SC-58 closing, with and without the end", async () => {
    await start()
    const close = (client: DcpClient, vbucket: number) => client.ask((writer) => Gen.encodeDcpCloseStream(writer, { vbucket }))
    const quiet = await ready()
    expect(show(await quiet.request(0))).toBe("OK 0")
    expect(await close(quiet, 0)).toBe("Success")
    expect(await close(quiet, 0)).toBe("KeyEnoent")
    const told = await opened(1, "told")
    await told.controls({ enable_noop: "true", send_stream_end_on_client_close_stream: "true" })
    expect(show(await told.request(0))).toBe("OK 0")
    expect(await close(told, 0)).toBe("Success")
    expect(await told.take(1)).toEqual([`END ${DcpStreamEndStatus.Closed}`])
    expect(show(await told.request(0))).toBe("OK 0")
  })

  it("SC-74 the end is rounded up to what the snapshot has", async () => {
    await start()
    for (let i = 1; i <= 5; i++) put(`k${i}`)
    const client = await ready()
    expect(show(await client.request(0, { endSeqno: 3n }))).toBe("OK 0")
    expect(await client.take(7)).toEqual(["MK[0,5] 5", "M1 k1", "M2 k2", "M3 k3", "M4 k4", "M5 k5", "END 0"])
  })

  it("SC-108 SC-110 versions are replaced in the open checkpoint only; what memory has lost comes from disk, on the same stream", async () => {
    await start()
    put("a")
    put("a")
    const client = await ready()
    expect(show(await client.request(0))).toBe("OK 0")
    expect(await client.take(2)).toEqual(["MK[0,2] 5", "M2 a"])
    const { history } = bucket.vbucket(0)!
    history.closeCheckpoint()
    client.wire.send(encodeWith((writer) => Gen.encodeDcpControl(writer, { key: "connection_buffer_size", value: "1" })))
    expect(await client.take(1)).toEqual(["Success"])
    put("a")
    expect(await client.take(1)).toEqual(["MK[3,3] 5"])
    history.closeCheckpoint()
    put("a")
    put("b")
    put("b")
    history.evict()
    client.wire.send(encodeWith((writer) => Gen.encodeDcpControl(writer, { key: "connection_buffer_size", value: "0" })))
    expect((await client.take(5)).toSorted()).toEqual(["M3 a", "M4 a", "M6 b", "MK[3,6] 6", "Success"].toSorted())
  })

  it("SC-109 tombstones that are purged under a stream end it", async () => {
    await start()
    for (let i = 1; i <= 3; i++) put(`k${i}`)
    const client = await ready({ connection_buffer_size: "1" })
    const at3 = { startSeqno: 1n, snapStartSeqno: 1n, snapEndSeqno: 1n, vbucketUuid: uuid() }
    expect(show(await client.request(0, at3))).toBe("OK 0")
    expect(await client.take(1)).toEqual(["MK[1,3] 1"])
    remove("k1")
    remove("k2")
    put("k9")
    bucket.purge(0, 5n)
    client.wire.send(encodeWith((writer) => Gen.encodeDcpControl(writer, { key: "connection_buffer_size", value: "0" })))
    const rest = await client.take(4)
    expect(rest.toSorted()).toEqual(["M2 k2", "M3 k3", `END ${DcpStreamEndStatus.Rollback}`, "Success"].toSorted())
  })

  it("a failover loses what was asked for, and begins a branch", async () => {
    await start()
    for (let i = 1; i <= 10; i++) put(i % 2 === 0 ? "even" : `k${i}`)
    const before = uuid()
    const client = await ready()
    expect(show(await client.request(0))).toBe("OK 0")
    await client.take(1)
    expect(bucket.failOver(0, 3)).toBe(3)
    expect(bucket.highSeqno(0)).toBe(7n)
    expect(bucket.store.get(bucket.store.space(0), "even")?.seqno).toBe(6n)
    expect(bucket.store.get(bucket.store.space(0), "k9")).toBeUndefined()
    expect(bucket.vbucket(0)!.failoverLog.map(({ seqno }) => seqno)).toEqual([7n, 0n])
    const next = await opened(1, "next")
    await next.controls({ enable_noop: "true" })
    const at = (seqno: bigint) => next.request(0, { startSeqno: seqno, snapStartSeqno: seqno, snapEndSeqno: seqno, vbucketUuid: before })
    expect(show(await at(10n))).toBe("ROLLBACK 7")
    expect(show(await at(7n))).toBe("OK 7,0")
  })
})

describe("flow control and liveness", () => {
  it("SC-67 one message may exceed the window", async () => {
    await start()
    const client = await ready({ connection_buffer_size: "1000" })
    expect(show(await client.request(0))).toBe("OK 0")
    for (let i = 0; i < 3; i++) put(`k${i}`, 0, 0, 545 - 2 + 600 - 600 - 1)
    const producer = node.producers.all[0]!
    const acknowledge = (bufferBytes: number) =>
      client.wire.send(encodeWith((writer) => Gen.encodeDcpBufferAcknowledgement(writer, { bufferBytes })))
    // marker 44, then 600 each: 24 header, 31 extras, 1 collection, 2 key, 542 value
    expect(await client.take(3)).toEqual(["MK[0,3] 5", "M1 k0", "M2 k1"])
    expect(producer.window.outstanding).toBe(44 + 600 + 600)
    acknowledge(244)
    await client.ask((writer) => Gen.encodeNoop(writer, {}))
    expect(producer.window.outstanding).toBe(1000)
    acknowledge(1)
    expect(await client.take(1)).toEqual(["M3 k2"])
    acknowledge(1_000_000)
    await client.ask((writer) => Gen.encodeNoop(writer, {}))
    expect(producer.window.outstanding).toBe(0)
    expect(producer.window.overAcknowledged).toBe(1_000_000 - 1599)
  })

  it("SC-72 the window changes while messages flow", async () => {
    await start()
    const client = await ready({ connection_buffer_size: "1" })
    expect(show(await client.request(0))).toBe("OK 0")
    for (let i = 0; i < 3; i++) put(`k${i}`)
    expect(await client.take(1)).toEqual(["MK[0,3] 5"])
    client.wire.send(encodeWith((writer) => Gen.encodeDcpControl(writer, { key: "connection_buffer_size", value: "150" })))
    expect((await client.take(3)).toSorted()).toEqual(["M1 k0", "M2 k1", "Success"])
    client.wire.send(encodeWith((writer) => Gen.encodeDcpControl(writer, { key: "connection_buffer_size", value: "0" })))
    expect((await client.take(2)).toSorted()).toEqual(["M3 k2", "Success"])
    expect(node.producers.all[0]!.window.outstanding).toBe(0)
  })

  it("SC-65 NOOPs come in their pace, one at a time, also when the window is full; a wrong answer ends the connection", async () => {
    await start()
    // before there is a stream, whose first NOOP a busy machine may send before it writes anything
    put("a")
    const client = await ready({ set_noop_interval: "0.1", connection_buffer_size: "1" })
    expect(show(await client.request(0))).toBe("OK 0")
    expect(await client.take(1)).toEqual(["MK[0,1] 5"])
    const noop = await client.wire.next()
    expect([noop._tag, noop.opaque >= 10_000_001]).toEqual(["DcpNoop", true])
    await new Promise((resolve) => setTimeout(resolve, 350))
    // unanswered, there is no second
    expect(await client.ask((writer) => Gen.encodeNoop(writer, {}))).toBe("Success")
    client.wire.send(encodeWith((writer) => Gen.encodeDcpNoopResponse(writer, { opaque: noop.opaque })))
    const second = await client.wire.next()
    expect([second._tag, second.opaque]).toEqual(["DcpNoop", noop.opaque + 1])
    client.wire.send(encodeWith((writer) => Gen.encodeDcpNoopResponse(writer, { opaque: 7 })))
    await expect(client.wire.next()).rejects.toThrow("closed")
  })

  it("SC-86 a client that does not understand is disconnected", async () => {
    await start()
    const answered = async (status: number, v7: boolean): Promise<"stays" | "dropped"> => {
      const client = await opened(1, `s${status}${v7}`)
      await client.controls({ enable_noop: "true", ...v7 ? { v7_dcp_status_codes: "true" } : {} })
      const head = { opcode: 0x57, opaque: 1, status, extras: new Uint8Array(0), key: new Uint8Array(0), value: new Uint8Array(0) }
      client.wire.send(encodeWith((writer) => Gen.encodeErrorResponse(writer, head)))
      return client.ask((writer) => Gen.encodeNoop(writer, {})).then(() => "stays" as const, () => "dropped" as const)
    }
    expect(await answered(0x04, false)).toBe("dropped")
    for (const status of [0x07, 0x0a, 0x0b, 0x01]) expect(await answered(status, false), `status ${status}`).toBe("stays")
    expect(await answered(0x01, true)).toBe("dropped")
  })
})

describe("what else a consumer asks", () => {
  it("SC-105 the highest seqnos of all vbuckets", async () => {
    await start({ buckets: [{ name: "default", vbuckets: 4, manifest: withCollection(defaultManifest, "shop", "orders") }] })
    const orders = bucket.manifest.scopes[1]!.collections[0]!.id
    put("a", 0)
    put("b", 1)
    put("c", 1, orders)
    bucket.setState(2, VBucketState.Replica)
    bucket.setState(3, VBucketState.Dead)
    const client = await ready()
    const ask = async (fields: object): Promise<unknown> => {
      const answer = await client.wire.ask((writer) => Gen.encodeGetAllVbSeqnos(writer, fields))
      return answer._tag === "GetAllVbSeqnosResponse"
        ? answer.seqnos.map(({ seqno, vbucket }) => `${vbucket}:${seqno}`).join(" ")
        : nameOf(answer)
    }
    expect(await ask({})).toBe("0:1 1:2 2:0")
    expect(await ask({ state: 0 })).toBe("0:1 1:2 2:0")
    expect(await ask({ state: 1 })).toBe("0:1 1:2")
    expect(await ask({ state: 2 })).toBe("2:0")
    expect(await ask({ state: 3 })).toBe("")
    expect(await ask({ state: 4 })).toBe("3:0")
    expect(await ask({ state: 1, collectionId: orders })).toBe("0:0 1:2")
    expect(await ask({ state: 1, collectionId: 99 })).toBe("UnknownCollection")
  })

  it("SC-106 OBSERVE_SEQNO: this branch, an older one, none", async () => {
    await start()
    put("a")
    const before = uuid()
    bucket.failOver(0, 0)
    const client = await ready()
    const ask = (vbucketUuid: bigint, vbucket = 0) => client.wire.ask((writer) => Gen.encodeObserveSeqno(writer, { vbucketUuid, vbucket }))
    expect(await ask(uuid())).toMatchObject({ layout: "NoFailover", currentSeqno: 1n, lastPersistedSeqno: 1n })
    expect(await ask(before)).toMatchObject({ layout: "HardFailover", oldVbucketUuid: before, lastReceivedSeqno: 1n })
    expect(nameOf(await ask(1n))).toBe("KeyEnoent")
    expect(nameOf(await ask(1n, 99))).toBe("NotMyVbucket")
  })

  it("SC-107 the cluster map: newer only, pushed when it changes", async () => {
    const cluster = await Effect.runPromise(
      Scope.provide(serveCouchbaseCluster({ nodes: 2, buckets: [{ name: "default", vbuckets: 4 }] }), scope)
    )
    const [first, second] = cluster.nodes as readonly [CouchbaseNode, CouchbaseNode]
    const client = await TestClient.ready(first.port, [
      ...features,
      F.Duplex,
      F.ClustermapChangeNotification,
      F.DedupeNotMyVbucketClustermap
    ])
    clients.push(client)
    const config = async (knownVersion?: { readonly epoch: bigint; readonly revision: bigint }): Promise<string> => {
      const answer = await client.ask((writer) => Gen.encodeGetClusterConfig(writer, knownVersion === undefined ? {} : { knownVersion }))
      return answer._tag === "GetClusterConfigResponse" ? answer.clusterMap : nameOf(answer)
    }
    const map = JSON.parse(await config()) as {
      readonly rev: number
      readonly vBucketServerMap: { readonly serverList: ReadonlyArray<string>; readonly vBucketMap: ReadonlyArray<ReadonlyArray<number>> }
    }
    expect(map.vBucketServerMap.serverList).toEqual([first.server.address, second.server.address])
    expect(map.vBucketServerMap.vBucketMap).toEqual([[0], [1], [0], [1]])
    expect(await config({ epoch: 1n, revision: BigInt(map.rev) })).toBe("")
    expect(await config({ epoch: 1n, revision: BigInt(map.rev) - 1n })).not.toBe("")
    cluster.move("default", 0, 1)
    const push = await client.next()
    expect(push).toMatchObject({ _tag: "ClustermapChangeNotification", bucket: "default", revision: BigInt(map.rev) + 1n })
    const nmvb = async (): Promise<number> => {
      const answer = await client.ask((writer) => Gen.encodeGet(writer, { key: "a", vbucket: 0, collectionId: 0 }))
      expect(nameOf(answer)).toBe("NotMyVbucket")
      return "value" in answer && answer.value instanceof Uint8Array ? answer.value.length : -1
    }
    expect(await nmvb()).toBeGreaterThan(0)
    expect(await nmvb()).toBe(0)
  })

  it("statistics name the connections", async () => {
    await start()
    put("a")
    const client = await ready()
    expect(show(await client.request(0))).toBe("OK 0")
    await client.take(2)
    client.wire.send(encodeWith((writer) => Gen.encodeStat(writer, { group: "dcp", parameters: "" })))
    const stats = new Map<string, string>()
    for (;;) {
      const packet = await client.wire.next()
      if (packet._tag !== "StatResponse") throw new Error(packet._tag)
      if (packet.name === "") break
      stats.set(packet.name, packet.value)
    }
    expect(stats.get("ep_dcp_producer_count")).toBe("1")
    expect(stats.get("eq_dcpq:test:items_sent")).toBe("1")
    expect(stats.get("eq_dcpq:test:stream_0_last_sent_seqno")).toBe("1")
  })

  it("SC-85 malformed DCP packets get their status, and the connection lives", async () => {
    await start()
    const client = await ready()
    for (let opcode = 0x50; opcode <= 0x65; opcode++) {
      for (const [extras, key, value] of [[0, 0, 0], [1, 0, 0], [0, 3, 0], [0, 0, 5], [7, 3, 5], [48, 1, 0]] as const) {
        const body = extras + key + value
        const header = Buffer.alloc(24 + body)
        header.writeUInt8(0x80, 0)
        header.writeUInt8(opcode, 1)
        header.writeUInt16BE(key, 2)
        header.writeUInt8(extras, 4)
        header.writeUInt32BE(body, 8)
        header.writeUInt32BE(0x5a, 12)
        client.wire.send(header)
        const opaque = opcode * 256 + extras
        client.wire.send(encodeWith((writer) => Gen.encodeNoop(writer, { opaque })))
        for (let packet = await client.wire.next(); packet.opaque !== opaque; packet = await client.wire.next()) {
          // a NOOP and a name that fits are no mistakes
          expect(["Success", "Einval", "NotSupported", "UnknownCommand", "KeyEnoent", "DcpStreamIdInvalid"]).toContain(nameOf(packet))
        }
      }
    }
    expect(show(await client.request(0))).toBe("OK 0")
  })
})
