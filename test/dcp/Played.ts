/** A node's side of a stream as a test plays it: answers, markers, items, ends, and bytes that no node sends. */
import { type Checkpoint, CheckpointStore, type CheckpointStoreShape } from "@wirewright/dcp"
import * as Gen from "@wirewright/dcp/gen"
import type { NodeClient } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import type { Script, World } from "./Harness.ts"

export const uuid = 0xa1n
export const log = [{ vbucketUuid: uuid, seqno: 0n }]

export type StreamRequest = Gen.DcpStreamRequest

/** A stream of a node that sends what a test says. */
export class Played {
  readonly connection: NodeClient
  readonly request: StreamRequest

  constructor(connection: NodeClient, request: StreamRequest) {
    this.connection = connection
    this.request = request
  }

  private get head() {
    return { opaque: this.request.opaque, vbucket: this.request.vbucket }
  }

  ok(failoverLog = log): this {
    this.connection.reply((writer) => Gen.encodeDcpStreamRequestResponse(writer, { opaque: this.request.opaque, failoverLog }))
    return this
  }

  rollback(rollbackSeqno: bigint): this {
    this.connection.reply((writer) => Gen.encodeDcpStreamRequestRollback(writer, { opaque: this.request.opaque, rollbackSeqno }))
    return this
  }

  fail(status: number, context?: object): this {
    this.connection.failure(this.request, status, context as never)
    return this
  }

  marker(startSeqno: number, endSeqno: number, flags = 1): this {
    this.connection.reply((writer) =>
      Gen.encodeDcpSnapshotMarker(writer, { ...this.head, layout: "V1", startSeqno: BigInt(startSeqno), endSeqno: BigInt(endSeqno), flags })
    )
    return this
  }

  items(...seqnos: ReadonlyArray<number>): this {
    for (const seqno of seqnos) this.item(seqno)
    return this
  }

  item(
    seqno: number,
    more: { readonly opaque?: number; readonly vbucket?: number; readonly key?: string; readonly size?: number } = {}
  ): this {
    const { key = `k${seqno}`, size = 1, ...head } = more
    this.connection.reply((writer) =>
      Gen.encodeDcpMutation(writer, {
        ...this.head,
        ...head,
        bySeqno: BigInt(seqno),
        revSeqno: 1n,
        flags: 0,
        expiration: 0,
        lockTime: 0,
        nmeta: 0,
        nru: 0,
        collectionId: 0,
        key,
        value: new Uint8Array(size)
      })
    )
    return this
  }

  advanced(seqno: number): this {
    this.connection.reply((writer) => Gen.encodeDcpSeqnoAdvanced(writer, { ...this.head, bySeqno: BigInt(seqno) }))
    return this
  }

  end(reason: number, opaque = this.request.opaque): this {
    this.connection.reply((writer) => Gen.encodeDcpStreamEnd(writer, { ...this.head, opaque, reason }))
    return this
  }

  bytes(hex: string): this {
    this.connection.reply((writer) => {
      const bytes = Buffer.from(hex, "hex")
      const at = writer.need(bytes.length)
      writer.bytes.set(bytes, at)
      writer.position = at + bytes.length
    })
    return this
  }
}

/** Takes the stream requests of vbucket 0: the first by the first of `plays`, and so on, the last ones by the last. */
export const plays = (...turns: ReadonlyArray<(stream: Played, world: World) => unknown>): Script => {
  let turn = 0
  return (connection, packet, world) => {
    if (packet._tag !== "DcpStreamRequest" || packet.vbucket !== 0) return false
    turns[Math.min(turn++, turns.length - 1)]!(new Played(connection, packet), world)
    return true
  }
}

export const quiet = (stream: Played): unknown => stream.ok()

/** A store that has a checkpoint of vbucket 0. */
export const storeWith = (
  checkpoint: Partial<Checkpoint> & { readonly position: Checkpoint["position"] }
): Effect.Effect<CheckpointStoreShape, unknown> =>
  Effect.gen(function*() {
    const store = CheckpointStore.memory()
    const group = yield* Effect.scoped(store.open("default/wirewright"))
    const whole: Checkpoint = { failoverLog: log, complete: [], purgeSeqno: 0n, undo: false, ahead: false, ...checkpoint }
    yield* group.save(new Map([[0, whole]]))
    return store
  }) as Effect.Effect<CheckpointStoreShape, unknown>

export const complete = (...seqnos: ReadonlyArray<number>) => seqnos.map((seqno) => ({ vbucketUuid: uuid, seqno: BigInt(seqno) }))

export const position = (seqno: number, start = seqno, end = seqno) => ({
  vbucketUuid: uuid,
  seqno: BigInt(seqno),
  snapshotStart: BigInt(start),
  snapshotEnd: BigInt(end)
})

export const stored = (world: { readonly consumer: { readonly checkpoints: ReadonlyMap<number, Checkpoint> } }): ReadonlyArray<number> => {
  const { seqno, snapshotEnd, snapshotStart } = world.consumer.checkpoints.get(0)!.position
  return [Number(seqno), Number(snapshotStart), Number(snapshotEnd)]
}

/** A request frame of the node in a stream. */
export const frame = ({ request: { opaque, vbucket } }: Played, opcode: number, extras: string, value: string): string => {
  const hex = (number: number, bytes: number) => number.toString(16).padStart(bytes * 2, "0")
  const body = (extras.length + value.length) / 2
  return `80${hex(opcode, 1)}0000${hex(extras.length / 2, 1)}00${hex(vbucket, 2)}${hex(body, 4)}${hex(opaque, 4)}${
    "00".repeat(8)
  }${extras}${value}`
}

/** A mutation with seqno 1 whose key is these bytes. */
export const mutation = ({ request: { opaque, vbucket } }: Played, key: string): string => {
  const hex = (number: number, bytes: number) => number.toString(16).padStart(bytes * 2, "0")
  const extras = `${hex(1, 8)}${"00".repeat(23)}`
  return `8057${hex(key.length / 2, 2)}1f00${hex(vbucket, 2)}${hex(31 + key.length / 2, 4)}${hex(opaque, 4)}${
    "00".repeat(8)
  }${extras}${key}`
}

/** An answer to a stream request. */
export const response = (opaque: number, status: number, value: string): string => {
  const hex = (number: number, bytes: number) => number.toString(16).padStart(bytes * 2, "0")
  return `815300000000${hex(status, 2)}${hex(value.length / 2, 4)}${hex(opaque, 4)}${"00".repeat(8)}${value}`
}
