/** Range scans over TCP: what each request is answered, when the answer ends, and that a long one neither stalls the node nor fills it. */
import { encodeWith } from "@wirewright/codec"
import * as Gen from "@wirewright/dcp/gen"
import { HelloFeature as F, type Packet, Status } from "@wirewright/dcp/gen"
import { encodeNoop } from "@wirewright/memcached/gen"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { connect } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { defaultManifest, manifestText, withCollection } from "./Collections.ts"
import { type CouchbaseCluster, type CouchbaseClusterOptions, serveCouchbaseCluster } from "./CouchbaseNode.ts"
import { everything, nameOf, TestClient } from "./TestClient.fixture.ts"

const scope = Scope.makeUnsafe()
const start = (options: CouchbaseClusterOptions): Promise<CouchbaseCluster> =>
  Effect.runPromise(Scope.provide(serveCouchbaseCluster(options), scope))
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const base64 = (text: string): string => Buffer.from(text).toString("base64")
const all = { range: { start: "", end: "/////w==" } }
const unordered = [...everything, F.UnorderedExecution]

type Create = { readonly vbucket?: number; readonly datatype?: number }

const creating = (scan: unknown, { datatype = 1, vbucket = 0 }: Create = {}) => (writer: Parameters<typeof Gen.encodeRangeScanCreate>[0]) =>
  Gen.encodeRangeScanCreate(writer, { datatype, vbucket, scan: typeof scan === "string" ? scan : JSON.stringify(scan) })

const uuidOf = (answer: Packet): Uint8Array => {
  if (answer._tag !== "RangeScanCreateResponse") throw new Error(nameOf(answer))
  return answer.scanUuid
}

interface Limits {
  readonly items?: number
  readonly time?: number
  readonly bytes?: number
  readonly opaque?: number
  readonly vbucket?: number
}

const continuing = (scanUuid: Uint8Array, { bytes = 0, items = 0, opaque = 0, time = 0, vbucket = 0 }: Limits = {}) =>
(
  writer: Parameters<typeof Gen.encodeRangeScanContinue>[0]
) => Gen.encodeRangeScanContinue(writer, { scanUuid, vbucket, opaque, itemLimit: items, timeLimitMs: time, byteLimit: bytes })

const cancelling = (scanUuid: Uint8Array, opaque = 0) => (writer: Parameters<typeof Gen.encodeRangeScanCancel>[0]) =>
  Gen.encodeRangeScanCancel(writer, { scanUuid, vbucket: 0, opaque })

type Part = Extract<Packet, { readonly _tag: "RangeScanContinueResponse" }>

/** The answers to one continue. */
const continued = async (client: TestClient, scanUuid: Uint8Array, limits: Limits = {}): Promise<ReadonlyArray<Part>> => {
  client.send(encodeWith(continuing(scanUuid, limits)))
  const parts: Array<Part> = []
  for (;;) {
    const answer = await client.next()
    if (answer._tag !== "RangeScanContinueResponse") throw new Error(nameOf(answer))
    parts.push(answer)
    if (answer.status !== Status.Success) return parts
  }
}
const keysOf = (parts: ReadonlyArray<Part>): ReadonlyArray<string> =>
  parts.flatMap((part) => (part.layout === "Keys" ? part.keys : part.documents).map(({ key }) => key))

describe("a scan", () => {
  let cluster: CouchbaseCluster
  let client: TestClient
  let orders = 0
  const put = (key: string, value = "1", collectionId = 0, vbucket = 0, flags = 7) =>
    client.ask((writer) => Gen.encodeSet(writer, { key, value: Buffer.from(value), flags, expiration: 0, collectionId, vbucket }))

  beforeAll(async () => {
    const manifest = withCollection(defaultManifest, "shop", "orders")
    orders = manifest.scopes[1]!.collections[0]!.id
    cluster = await start({ nodes: 2, buckets: [{ name: "default", vbuckets: 4, manifest }] })
    client = await TestClient.ready(cluster.nodes[0]!.port)
    for (const key of ["b", "a", "ä", "c", "d"]) await put(key, `{"k":"${key}"}`)
    await put("d", "no json")
    await client.ask((writer) => Gen.encodeDelete(writer, { key: "c", collectionId: 0 }))
    await put("order", "1", orders)
  })
  afterAll(() => client.end())

  it("returns documents in the order of their keys, with all there is to know of them", async () => {
    const uuid = uuidOf(await client.ask(creating(all)))
    const [part] = await continued(client, uuid)
    expect(part).toMatchObject({ status: Status.RangeScanComplete, layout: "Documents" })
    const stored = cluster.buckets.get("default")!.store.space(0).items
    const documents = part!.layout === "Documents" ? part!.documents : []
    expect(documents.map(({ cas, datatype, expiry, flags, key, seqno, value }) => [
      key,
      Buffer.from(value).toString(),
      flags,
      expiry,
      datatype,
      cas === stored.get(key)!.cas && seqno === stored.get(key)!.seqno
    ])).toEqual([
      ["a", "{\"k\":\"a\"}", 7, 0, 1, true],
      ["b", "{\"k\":\"b\"}", 7, 0, 1, true],
      ["d", "no json", 7, 0, 0, true],
      ["ä", "{\"k\":\"ä\"}", 7, 0, 1, true]
    ])
    expect(await client.status(continuing(uuid))).toBe("KeyEnoent")
  })

  it("returns keys alone, a collection, a range, a sample", async () => {
    const keys = async (scan: object): Promise<ReadonlyArray<string>> =>
      keysOf(await continued(client, uuidOf(await client.ask(creating(scan)))))
    expect(await keys({ ...all, key_only: true })).toEqual(["a", "b", "d", "ä"])
    expect(await keys({ ...all, collection: orders.toString(16) })).toEqual(["order"])
    expect(await keys({ range: { excl_start: base64("a"), end: base64("d") } })).toEqual(["b", "d"])
    expect(await keys({ range: { start: base64("a"), excl_end: base64("d") } })).toEqual(["a", "b"])
    expect(await keys({ sampling: { samples: 4 } })).toEqual(["a", "b", "d", "ä"])
  })

  it("goes on where a limit ended it, each time under the opaque of its continue", async () => {
    const uuid = uuidOf(await client.ask(creating({ ...all, key_only: true })))
    const first = await continued(client, uuid, { bytes: 1, opaque: 77 })
    expect(first).toMatchObject([{ status: Status.RangeScanMore, opaque: 77, keys: [{ key: "a" }] }])
    const second = await continued(client, uuid, { items: 3, opaque: 78 })
    expect(second).toMatchObject([{ status: Status.RangeScanMore, opaque: 78, keys: [{ key: "b" }, { key: "d" }, { key: "ä" }] }])
    expect(await continued(client, uuid)).toMatchObject([{ status: Status.RangeScanComplete, keys: [] }])
  })

  it("is cancelled once, and cannot be continued after that", async () => {
    const uuid = uuidOf(await client.ask(creating(all)))
    expect(await client.status(cancelling(uuid))).toBe("Success")
    expect(await client.status(cancelling(uuid))).toBe("KeyEnoent")
    expect(await client.status(continuing(uuid))).toBe("KeyEnoent")
  })

  it("is refused by status, each reason by its own", async () => {
    expect(await client.status(creating(all, { vbucket: 1 }))).toBe("NotMyVbucket")
    expect(await client.status(creating(all, { vbucket: 2 }))).toBe("KeyEnoent")
    expect(await client.status(creating({ range: { start: base64("x"), end: base64("z") } }))).toBe("KeyEnoent")
    expect(await client.status(creating(all, { datatype: 0 }))).toBe("Einval")
    expect(await client.status(creating("{"))).toBe("Einval")
    expect(await client.status(creating({ ...all, collection: "ff" }))).toBe("UnknownCollection")
    const uuid = uuidOf(await client.ask(creating(all)))
    // another vbucket has no such scan
    expect(await client.status(continuing(uuid, { vbucket: 2 }))).toBe("KeyEnoent")
    expect(await client.status(continuing(new Uint8Array(16)))).toBe("KeyEnoent")
    const none = new TestClient(cluster.nodes[0]!.port)
    await none.hello(everything)
    expect(await none.status(creating(all))).toBe("NoBucket")
    await none.end()
  })

  it("has the snapshot that is required of it, or is refused: another branch, not there yet, replaced", async () => {
    const bucket = cluster.buckets.get("default")!
    const vb_uuid = String(bucket.uuidOf(0))
    const needs = (seqno: bigint, more = "") =>
      `{"range":{"start":"","end":"/////w=="},"snapshot_requirements":{"vb_uuid":"${vb_uuid}","seqno":${seqno}${more}}}`
    const high = bucket.highSeqno(0)
    expect(await client.status(creating(needs(high)))).toBe("Success")
    expect(await client.status(creating(needs(high + 1n)))).toBe("Etmpfail")
    expect(await client.status(creating(needs(high, ",\"seqno_exists\":true")))).toBe("Success")
    // "d" was written twice
    expect(await client.status(creating(needs(5n, ",\"seqno_exists\":true")))).toBe("NotStored")
    expect(await client.status(creating(needs(high).replace(vb_uuid, "12345")))).toBe("VbUuidNotEqual")
    expect(await client.status(creating(needs(high + 1n, ",\"timeout_ms\":20")))).toBe("Etmpfail")
  })

  it("waits for the seqno that it needs, and has it then", async () => {
    const bucket = cluster.buckets.get("default")!
    const other = await TestClient.ready(cluster.nodes[0]!.port)
    const seqno = bucket.highSeqno(0) + 1n
    const scan = {
      range: { start: base64("wait"), end: base64("waited") },
      snapshot_requirements: { vb_uuid: String(bucket.uuidOf(0)), seqno: Number(seqno), timeout_ms: 60_000 }
    }
    const created = other.ask(creating(scan))
    await new Promise((resolve) => setTimeout(resolve, 20))
    await put("waited")
    expect(keysOf(await continued(other, uuidOf(await created)))).toEqual(["waited"])
    await other.end()
  })

  it("tells those who wait for a seqno that the vbucket is somewhere else", async () => {
    const bucket = cluster.buckets.get("default")!
    const needs = { vb_uuid: String(bucket.uuidOf(2)), seqno: 1, timeout_ms: 60_000 }
    const refused = client.status(creating({ ...all, snapshot_requirements: needs }, { vbucket: 2 }))
    await new Promise((resolve) => setTimeout(resolve, 20))
    cluster.move("default", 2, 1)
    expect(await refused).toBe("NotMyVbucket")
    cluster.move("default", 2, 0)
  })

  it("has attributes of documents only when it asks for them, on a connection that has them", async () => {
    const key = "xattrs"
    const { Subdoc, path } = { Subdoc: Gen.SubdocOpcode.SubdocDictUpsert, path: Gen.SubdocPathFlags.xattrPath }
    await put(key, "{}")
    const specs = [{ opcode: Subdoc, flags: path, path: "_x", value: Buffer.from("1") }]
    await client.ask((writer) => Gen.encodeSubdocMultiMutation(writer, { key, collectionId: 0, specs }))
    const range = { start: base64(key), end: base64(key) }
    const found = async (more: object) => {
      const [part] = await continued(client, uuidOf(await client.ask(creating({ range, ...more }))))
      return part!.layout === "Documents"
        ? part!.documents.map(({ datatype, value }) => [datatype, Buffer.from(value).toString("latin1")])
        : []
    }
    expect(await found({})).toEqual([[1, "{}"]])
    expect(await found({ include_xattrs: true })).toEqual([[5, "\0\0\0\x09\0\0\0\x05_x\x001\0{}"]])
    const plain = await TestClient.ready(cluster.nodes[0]!.port, [F.Xerror, F.Json])
    expect(await plain.status(creating({ range, include_xattrs: true }))).toBe("Einval")
    await plain.end()
  })

  it("is gone with the connection that made it", async () => {
    const { scans } = cluster.nodes[0]!
    const other = await TestClient.ready(cluster.nodes[0]!.port)
    const before = scans.size
    const uuid = uuidOf(await other.ask(creating(all)))
    expect(scans.size).toBe(before + 1)
    await other.end()
    await expect.poll(() => scans.size).toBe(before)
    expect(await client.status(continuing(uuid))).toBe("KeyEnoent")
  })

  it("ends when its collection is dropped or its vbucket moves", async () => {
    const { scans } = cluster.nodes[0]!
    const bucket = cluster.buckets.get("default")!
    const collection = { ...all, collection: orders.toString(16) }
    const dropped = uuidOf(await client.ask(creating(collection)))
    const moved = uuidOf(await client.ask(creating(all)))
    cluster.state.setManifest(bucket, manifestText({ ...defaultManifest, uid: bucket.manifest.uid + 1n }))
    expect(await client.status(continuing(dropped))).toBe("UnknownCollection")
    cluster.move("default", 0, 1)
    expect(await client.status(continuing(moved))).toBe("NotMyVbucket")
    cluster.move("default", 0, 0)
    expect(await client.status(continuing(moved))).toBe("KeyEnoent")
    // a new branch of history is another vbucket
    const branched = uuidOf(await client.ask(creating(all)))
    bucket.failOver(0, 0)
    expect(await client.status(continuing(branched))).toBe("KeyEnoent")
    // those that other tests left went with it
    expect(scans.size).toBe(0)
  })
})

describe("a long scan", () => {
  const value = Buffer.alloc(1_000)
  const count = 20_000
  let cluster: CouchbaseCluster

  beforeAll(async () => {
    cluster = await start({ buckets: [{ name: "default", vbuckets: 1 }], rangeScans: { maxScans: 3 } })
    const { store } = cluster.buckets.get("default")!
    for (let n = 0; n < count; n++) store.set(store.space(0), `key-${String(n).padStart(6, "0")}`, { value })
  })
  const port = () => cluster.nodes[0]!.port

  it("lets others have their turn: they are answered before it ends", async () => {
    const [reader, other] = [await TestClient.ready(port(), unordered), await TestClient.ready(port(), unordered)]
    const uuid = uuidOf(await reader.ask(creating(all)))
    reader.send(encodeWith(continuing(uuid)))
    await reader.next()
    let answered = 0
    const asking = (async () => {
      for (; answered < 5; answered++) await other.status((writer) => encodeNoop(writer, {}))
    })()
    let seen = 1
    let whenAnswered = 0
    for (;; seen++) {
      const answer = await reader.next()
      if (answered === 5 && whenAnswered === 0) whenAnswered = seen
      if ("status" in answer && answer.status !== Status.Success) break
    }
    await asking
    expect(whenAnswered).toBeGreaterThan(0)
    expect(whenAnswered).toBeLessThan(seen)
    await reader.end()
    await other.end()
  })

  it("appends a little in each turn of the event loop, however much the kernel takes", async () => {
    const client = await TestClient.ready(port(), unordered)
    const uuid = uuidOf(await client.ask(creating(all)))
    const [served] = [...cluster.nodes[0]!.server.clients] as unknown as ReadonlyArray<
      { readonly transport: { readonly bytesSent: number } }
    >
    let before = served!.transport.bytesSent
    let most = 0
    let watching = true
    const look = (): void => {
      const now = served!.transport.bytesSent
      most = Math.max(most, now - before)
      before = now
      if (watching) setImmediate(look)
    }
    setImmediate(look)
    const parts = await continued(client, uuid)
    watching = false
    expect(keysOf(parts)).toHaveLength(count)
    // a turn, and the packet that fills it; two of them may lie between two looks
    expect(most).toBeLessThan(2 * (64 * 1024 + 12 * 1024))
    await client.end()
  })

  it("waits for a client that does not read, with no more than a little of it", async () => {
    const client = await TestClient.ready(port(), unordered)
    const uuid = uuidOf(await client.ask(creating(all)))
    const socket = (client as unknown as { readonly socket: ReturnType<typeof connect> }).socket
    socket.pause()
    client.send(encodeWith(continuing(uuid)))
    const waiting = () => [...cluster.nodes[0]!.server.clients].reduce((sum, one) => sum + one.waiting, 0)
    await expect.poll(waiting, { timeout: 10_000 }).toBeGreaterThan(0)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(waiting()).toBeLessThan(256 * 1024 + 64 * 1024)
    socket.resume()
    let keys = 0
    for (;;) {
      const answer = await client.next() as Part
      keys += keysOf([answer]).length
      if (answer.status !== Status.Success) break
    }
    expect(keys).toBe(count)
    await client.end()
  })

  it("is being continued by one at a time, and by none once another cancelled it", async () => {
    const client = await TestClient.ready(port(), unordered)
    const other = await TestClient.ready(port(), unordered)
    const uuid = uuidOf(await client.ask(creating(all)))
    const socket = (client as unknown as { readonly socket: ReturnType<typeof connect> }).socket
    socket.pause()
    client.send(encodeWith(continuing(uuid)))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await other.status(continuing(uuid))).toBe("Ebusy")
    expect(await other.status(cancelling(uuid))).toBe("Success")
    socket.resume()
    let last = "Success"
    let packets = 0
    for (; last === "Success"; packets++) last = nameOf(await client.next())
    expect(last).toBe("RangeScanCancelled")
    expect(packets).toBeGreaterThan(1)
    await client.end()
    await other.end()
  })

  it("comes before the answers to later requests, unless the client takes them in any order", async () => {
    for (const [features, order] of [[everything, "last"], [unordered, "first"]] as const) {
      const client = await TestClient.ready(port(), features)
      const uuid = uuidOf(await client.ask(creating(all)))
      client.send(Buffer.concat([
        encodeWith(continuing(uuid, { opaque: 1 })),
        encodeWith((writer) => encodeNoop(writer, { opaque: 2 }))
      ]))
      const tags: Array<string> = []
      for (let ended = false, noop = false; !ended || !noop;) {
        const answer = await client.next()
        tags.push(answer._tag)
        if (answer._tag === "NoopResponse") noop = true
        else if ("status" in answer && answer.status === Status.RangeScanComplete) ended = true
      }
      expect(tags.indexOf("NoopResponse") === tags.length - 1 ? "last" : "first").toBe(order)
      await client.end()
    }
  })

  it("is one of as many as there may be", async () => {
    const client = await TestClient.ready(port())
    const made = [await client.ask(creating(all)), await client.ask(creating(all)), await client.ask(creating(all))].map(uuidOf)
    expect(await client.status(creating(all))).toBe("Ebusy")
    await client.ask(cancelling(made[0]!))
    expect(await client.status(creating(all))).toBe("Success")
    await client.end()
  })

  it("leaves nothing behind when its client goes in the middle of it", async () => {
    const client = await TestClient.ready(port())
    const uuid = uuidOf(await client.ask(creating(all)))
    client.send(encodeWith(continuing(uuid)))
    await client.next()
    await client.end()
    await expect.poll(() => cluster.nodes[0]!.scans.size).toBe(0)
  })
})
