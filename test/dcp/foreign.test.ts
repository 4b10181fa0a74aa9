/**
 * What gocbcore and java-dcp-client say to a node, request by request as they were observed, said to the embedded one: it lets them begin, stream,
 * resume, roll back and follow a failover.
 */
import { encodeWith, type Writer } from "@wirewright/codec"
import * as Gen from "@wirewright/dcp/gen"
import { type Packet, Status } from "@wirewright/dcp/gen"
import { type CouchbaseNode, serveCouchbase } from "@wirewright/embedded"
import { nameOf, TestClient } from "../../packages/embedded/src/TestClient.fixture.ts"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const scope = Scope.makeUnsafe()
let node: CouchbaseNode
const clients: Array<TestClient> = []

beforeAll(async () => {
  node = await Effect.runPromise(
    Scope.provide(
      serveCouchbase({ buckets: [{ name: "default", vbuckets: 4 }], users: [{ name: "app", password: Redacted.make("secret") }] }),
      scope
    )
  )
})
afterAll(async () => {
  for (const client of clients) await client.end()
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

const put = (key: string, vbucket = 0): void => {
  const { store } = node.buckets.get("default")!
  store.set(store.space(vbucket), key, { value: new Uint8Array(4) })
}

/** A client that signs in with PLAIN in place of SCRAM, whose numbers are chosen anew each time. */
const connected = async (): Promise<TestClient> => {
  const client = new TestClient(node.port)
  clients.push(client)
  return client
}

const expectAll = async (client: TestClient, requests: ReadonlyArray<readonly [string, (writer: Writer) => void]>): Promise<void> => {
  for (const [name, write] of requests) expect(nameOf(await client.ask(write)), name).toBe("Success")
}

const stream = (vbucket: number, opaque: number, more: Partial<Gen.RequestFields<Gen.DcpStreamRequest>> = {}) => (writer: Writer) =>
  Gen.encodeDcpStreamRequest(writer, {
    vbucket,
    opaque,
    flags: 0,
    startSeqno: 0n,
    endSeqno: 0xffff_ffff_ffff_ffffn,
    vbucketUuid: 0n,
    snapStartSeqno: 0n,
    snapEndSeqno: 0n,
    filter: "",
    ...more
  })

const control = (key: string, value: string) => [key, (writer: Writer) => Gen.encodeDcpControl(writer, { key, value })] as const

/** Resumes, is told to roll back, and follows the branch that there is. */
const resumeAndRollBack = async (client: TestClient, vbucket: number, opaque: number): Promise<void> => {
  const bucket = node.buckets.get("default")!
  const next = async (...tags: ReadonlyArray<string>): Promise<ReadonlyArray<Packet>> => {
    const found: Array<Packet> = []
    for (const tag of tags) {
      const packet = await client.next()
      expect(packet._tag).toBe(tag)
      found.push(packet)
    }
    return found
  }
  for (let i = 0; i < 6; i++) put(`k${opaque}-${i}`, vbucket)
  const log = await client.ask((writer) => Gen.encodeDcpGetFailoverLog(writer, { vbucket }))
  if (log._tag !== "DcpGetFailoverLogResponse") throw new Error(log._tag)
  const { vbucketUuid } = log.failoverLog[0]!
  expect(nameOf(await client.ask(stream(vbucket, opaque, { vbucketUuid })))).toBe("Success")
  await next("DcpSnapshotMarker", ...Array.from({ length: 6 }, () => "DcpMutation"))
  // the vbucket fails over in mid-stream, without the last two
  bucket.failOver(vbucket, 2)
  const [end] = await next("DcpStreamEnd")
  expect(end).toMatchObject({ reason: Gen.DcpStreamEndStatus.StateChanged, opaque })
  const refused = await client.ask(stream(vbucket, opaque + 1, { vbucketUuid, startSeqno: 6n, snapStartSeqno: 6n, snapEndSeqno: 6n }))
  expect(refused).toMatchObject({ _tag: "DcpStreamRequestRollback", status: Status.Rollback, rollbackSeqno: 4n })
  const again = await client.ask(stream(vbucket, opaque + 2, { vbucketUuid, startSeqno: 4n, snapStartSeqno: 4n, snapEndSeqno: 4n }))
  expect(again).toMatchObject({ _tag: "DcpStreamRequestResponse", failoverLog: [{ seqno: 4n }, { vbucketUuid, seqno: 0n }] })
  put(`new${opaque}`, vbucket)
  const [, change] = await next("DcpSnapshotMarker", "DcpMutation")
  expect(change).toMatchObject({ bySeqno: 5n, key: `new${opaque}` })
  client.send(encodeWith((writer) => Gen.encodeDcpBufferAcknowledgement(writer, { bufferBytes: 1000 })))
  expect(nameOf(await client.ask((writer) => Gen.encodeDcpCloseStream(writer, { vbucket })))).toBe("Success")
}

describe("gocbcore 10.5.4", () => {
  it("begins, streams, resumes, rolls back", async () => {
    const client = await connected()
    const hello = await client.hello([0x02, 0x06, 0x08, 0x1e, 0x1d, 0x0c, 0x07, 0x0b, 0x12, 0x1f, 0x10, 0x17, 0x19, 0x14, 0x1c, 0x11])
    expect(nameOf(hello)).toBe("Success")
    await expectAll(client, [
      ["error map", (writer) => Gen.encodeGetErrorMap(writer, { version: 2 })],
      ["mechanisms", (writer) => Gen.encodeSaslListMechs(writer, {})]
    ])
    expect(nameOf(await client.signIn("app", "secret"))).toBe("Success")
    await expectAll(client, [
      ["bucket", (writer) => Gen.encodeSelectBucket(writer, { bucket: "default" })],
      ["config", (writer) => Gen.encodeGetClusterConfig(writer, {})],
      ["open", (writer) => Gen.encodeDcpOpen(writer, { connectionName: "gocbcore", flags: 1, reservedSeqno: 0, options: "" })],
      control("enable_noop", "true"),
      control("set_noop_interval", "180"),
      control("set_priority", "high"),
      control("enable_expiry_opcode", "true"),
      control("enable_out_of_order_snapshots", "true_with_seqno_advanced"),
      control("backfill_order", "round-robin"),
      control("connection_buffer_size", "20971520"),
      control("send_stream_end_on_client_close_stream", "false"),
      ["seqnos", (writer) => Gen.encodeGetAllVbSeqnos(writer, { state: 1 })]
    ])
    await resumeAndRollBack(client, 0, 100)
  })
})

describe("java-dcp-client 0.41.0", () => {
  it("begins, streams, resumes, rolls back", async () => {
    const client = await connected()
    await expectAll(client, [["mechanisms", (writer) => Gen.encodeSaslListMechs(writer, {})]])
    expect(nameOf(await client.signIn("app", "secret"))).toBe("Success")
    const version = await client.ask((writer) => Gen.encodeVersion(writer, {}))
    expect(version._tag === "VersionResponse" && /^\d+\.\d+\.\d+-/.test(version.version)).toBe(true)
    expect(nameOf(await client.hello([0x01, 0x06, 0x07, 0x08, 0x0a, 0x0c, 0x0d, 0x12]))).toBe("Success")
    await expectAll(client, [
      ["bucket", (writer) => Gen.encodeSelectBucket(writer, { bucket: "default" })],
      ["open", (writer) => Gen.encodeDcpOpen(writer, { connectionName: "java", flags: 1, reservedSeqno: 0, options: "" })],
      ["config", (writer) => Gen.encodeGetClusterConfig(writer, {})],
      control("connection_buffer_size", "10485760"),
      control("set_noop_interval", "120"),
      control("enable_noop", "true"),
      ["seqnos", (writer) => Gen.encodeGetAllVbSeqnos(writer, { state: 1 })],
      ["seqnos again", (writer) => Gen.encodeGetAllVbSeqnos(writer, { state: 1 })],
      ["manifest", (writer) => Gen.encodeCollectionsGetManifest(writer, {})]
    ])
    const observed = await client.ask((writer) =>
      Gen.encodeObserveSeqno(writer, { vbucket: 1, vbucketUuid: node.buckets.get("default")!.uuidOf(1) })
    )
    expect(observed).toMatchObject({ layout: "NoFailover" })
    await resumeAndRollBack(client, 1, 200)
  })
})
