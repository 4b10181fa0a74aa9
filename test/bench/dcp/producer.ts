/**
 * A producer in a process of its own that writes frames which were encoded before: as fast as the client reads, so that it is the client that is
 * measured. The embedded node does the handshake.
 *
 * Arguments: events in all, bytes of a value, vbuckets. Prints the port.
 */
import { encodeWith } from "@wirewright/codec"
import { encodeDcpMutation, encodeDcpSnapshotMarker, encodeDcpStreamRequestResponse } from "@wirewright/dcp/gen"
import { type NodeClient, serveCouchbase } from "@wirewright/embedded"
import * as Effect from "effect/Effect"

const [events, size, vbuckets] = process.argv.slice(2).map(Number) as [number, number, number]
const perBatch = 100

/** A snapshot of many changes, and where its seqnos are. */
interface Batch {
  readonly bytes: Buffer
  readonly frames: ReadonlyArray<number>
}

const batchOf = (opaque: number, vbucket: number): Batch => {
  const value = new Uint8Array(size).fill(0x61)
  const head = { opaque, vbucket }
  const parts = [encodeWith((writer) => encodeDcpSnapshotMarker(writer, { ...head, layout: "V1", startSeqno: 1n, endSeqno: 1n, flags: 1 }))]
  for (let i = 0; i < perBatch; i++) {
    parts.push(encodeWith((writer) =>
      encodeDcpMutation(writer, {
        ...head,
        bySeqno: 1n,
        revSeqno: 1n,
        flags: 0,
        expiration: 0,
        lockTime: 0,
        nmeta: 0,
        nru: 0,
        collectionId: 0,
        key: `document::${String(i).padStart(6, "0")}`,
        value
      })
    ))
  }
  const frames: Array<number> = []
  let at = 0
  for (const part of parts) {
    frames.push(at)
    at += part.length
  }
  return { bytes: Buffer.concat(parts), frames }
}

class Pouring {
  private readonly batch: Batch
  private readonly connection: NodeClient
  private seqno = 1n
  private left: number

  constructor(connection: NodeClient, opaque: number, vbucket: number, count: number) {
    this.connection = connection
    this.batch = batchOf(opaque, vbucket)
    this.left = count
  }

  readonly pour = (): void => {
    const { batch: { bytes, frames }, connection } = this
    while (this.left > 0 && connection.client.waiting < 1024 * 1024) {
      bytes.writeBigUInt64BE(this.seqno, 24)
      bytes.writeBigUInt64BE(this.seqno + BigInt(perBatch - 1), 32)
      for (let i = 1; i < frames.length; i++) bytes.writeBigUInt64BE(this.seqno++, frames[i]! + 24)
      this.left -= perBatch
      connection.reply((writer) => {
        const at = writer.need(bytes.length)
        writer.bytes.set(bytes, at)
        writer.position = at + bytes.length
      })
    }
    if (this.left > 0 && connection.client.closed === undefined) setImmediate(this.pour)
  }
}

/** Nothing is poured before all streams are open: opening them is not what is measured. */
const open: Array<Pouring> = []

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const node = yield* serveCouchbase({
    buckets: [{ name: "default", vbuckets }],
    maxOutput: 64 * 1024 * 1024,
    script: (connection, packet) => {
      if (packet._tag !== "DcpStreamRequest") return false
      connection.reply((writer) =>
        encodeDcpStreamRequestResponse(writer, { opaque: packet.opaque, failoverLog: [{ vbucketUuid: 7n, seqno: 0n }] })
      )
      open.push(new Pouring(connection, packet.opaque, packet.vbucket, Math.floor(events / vbuckets / perBatch) * perBatch))
      if (open.length === vbuckets) { for (const one of open) setImmediate(one.pour) }
      return true
    }
  })
  process.stdout.write(`${node.port}\n`)
  return yield* Effect.never
})))
