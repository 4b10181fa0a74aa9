/**
 * What was read is let go by the collector of young objects: what only a collection of the whole heap frees makes that collection come again
 * and again, since slabs lie outside of the heap.
 */
import { encodeWith, Reader } from "@wirewright/codec"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { describe, expect, it } from "vitest"
import { emptyCheckpoint } from "./Checkpoint.ts"
import { CollectionNames } from "./CollectionNames.ts"
import type { DcpConnection } from "./DcpConnection.ts"
import { settle } from "./DcpEvent.ts"
import { encodeDcpMutation, encodeDcpSnapshotMarker } from "./gen/index.ts"
import { VbucketFollower } from "./VbucketFollower.ts"
import { VbucketStream } from "./VbucketStream.ts"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as (options: { readonly type: "major" | "minor" }) => void
const size = 4 * 1024 * 1024
const head = { opaque: 1, vbucket: 0 }
const connection = {
  address: "n1:11210",
  states: { collections: false },
  free: () => {},
  closeStream: () => {}
} as unknown as DcpConnection

const marker = (startSeqno: bigint, endSeqno: bigint): Uint8Array =>
  encodeWith((writer) => encodeDcpSnapshotMarker(writer, { ...head, layout: "V1", startSeqno, endSeqno, flags: 1 }))

/** A change that lies alone in its memory. */
const mutation = (bySeqno: bigint): Uint8Array => {
  const rest = { revSeqno: 1n, flags: 0, expiration: 0, lockTime: 0, nmeta: 0, nru: 0, key: "key", value: new Uint8Array(size) }
  return encodeWith((writer) => encodeDcpMutation(writer, { ...head, ...rest, bySeqno })).slice()
}

describe("what messages lie in is let go once they are settled", () => {
  it.each([["the first of a stream, which waits until it is announced", 1], ["those after it", 4]] as const)("%s", (_, count) => {
    let delivered = 0
    const follower = new VbucketFollower(emptyCheckpoint)
    const stream = new VbucketStream(0, follower, {
      outbox: {
        push: (event) => {
          if (event._tag === "Mutation") delivered++
          settle(event)
        },
        pass: () => {}
      },
      verbose: false,
      gated: false,
      proceed: () => {},
      names: new CollectionNames(),
      changed: () => {},
      delivered: () => {},
      branched: () => {},
      moved: () => {},
      caughtUp: () => {}
    })
    const message = (bytes: Uint8Array): void => stream.message(new Reader(bytes), 0, bytes.length, connection)
    stream.opened([{ vbucketUuid: 1n, seqno: 0n }], connection)
    message(marker(1n, BigInt(count)))
    // what there is by now is old
    for (let i = 0; i < 2; i++) collect({ type: "major" })
    const before = process.memoryUsage().arrayBuffers
    for (let seqno = 1; seqno <= count; seqno++) message(mutation(BigInt(seqno)))
    const most = process.memoryUsage().arrayBuffers - before
    expect([follower.phase, delivered]).toEqual(["Announcing", 0])
    follower.saved()
    stream.release()
    expect(delivered).toBe(count)
    for (let i = 0; i < 3; i++) collect({ type: "minor" })
    expect(most).toBeGreaterThan(size * count * 0.9)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(size * 0.1)
  })
})
