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
const size = 1024 * 1024
const head = { opaque: 1, vbucket: 0 }
const connection = {
  address: "n1:11210",
  states: { collections: false },
  free: () => {},
  closeStream: () => {}
} as unknown as DcpConnection

const marker = (startSeqno: bigint, endSeqno: bigint): Uint8Array =>
  encodeWith((writer) => encodeDcpSnapshotMarker(writer, { ...head, layout: "V1", startSeqno, endSeqno, flags: 1 }))

const mutation = (bySeqno: bigint, size: number): Uint8Array => {
  const rest = { revSeqno: 1n, flags: 0, expiration: 0, lockTime: 0, nmeta: 0, nru: 0, key: "key", value: new Uint8Array(size) }
  return encodeWith((writer) => encodeDcpMutation(writer, { ...head, ...rest, bySeqno }))
}

/** Which part of the bytes of these messages stays after they were settled. */
const left = (sizes: ReadonlyArray<number>): number => {
  const count = sizes.length
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
  const mutations = sizes.map((bytes, i) => mutation(BigInt(i + 1), bytes))
  /** Each lies alone in its memory, to which nothing of this function refers. */
  const send = (i: number): void => message(mutations[i]!.slice())
  // what there is by now is old
  for (let i = 0; i < 2; i++) collect({ type: "major" })
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < count; i++) {
    send(i)
    // what holds the first becomes old before the others come
    if (count > 1 && i === 0) { for (let k = 0; k < 3; k++) collect({ type: "minor" }) }
  }
  const most = process.memoryUsage().arrayBuffers - before
  expect(most).toBeGreaterThan(0.9 * sizes.reduce((sum, bytes) => sum + bytes, 0))
  expect([follower.phase, delivered]).toEqual(["Announcing", 0])
  follower.saved()
  stream.release()
  expect(delivered).toBe(count)
  for (let i = 0; i < 3; i++) collect({ type: "minor" })
  return (process.memoryUsage().arrayBuffers - before) / most
}

describe("what messages lie in is let go once they are settled", () => {
  it.each([
    ["the first of a stream, which waits until it is announced", [size]],
    ["those after it", [1, size, size, size, size]]
  ])("%s", (_, sizes) => {
    let least = 1
    // a collection that comes by chance while they wait makes them old: then the next time tells
    for (let i = 0; i < 5 && least >= 0.1; i++) least = left(sizes)
    expect(least).toBeLessThan(0.1)
  })
})
