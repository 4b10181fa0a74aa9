/**
 * The DCP frames that the scenarios are written in: each has the length it claims, is cut out of a stream as one frame, decodes to a
 * packet of the spec and is written back byte for byte. All of them in one stream come out in order. The cases of the rollback decision
 * keep their 64-bit numbers as packets.
 */
import { bytesOfDigits, Framer, hexOf, Reader } from "@wirewright/codec"
import { frameShape } from "@wirewright/memcached/gen/Frame"
import { afterAll, describe, expect, it } from "vitest"
import { dcp, decodeHex, encodeHex, readFixture } from "./Vectors.fixture.ts"

const { frames } = readFixture<{ readonly frames: { readonly [name: string]: { readonly length: number; readonly hex: string } } }>(
  "dcp-frames.json"
)

/** One decision of a producer: the failover log it has, what is asked for, where to roll back to. */
interface Rollback {
  readonly failoverLog: ReadonlyArray<{ readonly uuid: string; readonly seqno: string }>
  readonly request: {
    readonly startSeqno: string
    readonly vbucketUuid: string
    readonly snapshotStart: string
    readonly snapshotEnd: string
    readonly strictVbucketUuid: boolean
  }
  readonly expected: string | null
}

const rollbacks = readFixture<{ readonly vectors: ReadonlyArray<Rollback> }>("dcp-rollback.json").vectors

/** The scenarios negotiated collections: keys carry their collection's id. */
const collections = true

/** What each frame is. */
const tags = new Map<string, string>()

describe("frames of the scenarios", () => {
  for (const [name, { length, hex }] of Object.entries(frames)) {
    it(name, () => {
      const bytes = bytesOfDigits(hex)
      expect(bytes.length).toBe(length)
      const cut: Array<string> = []
      const framer = new Framer(frameShape)
      framer.push(bytes, (reader, at, end) => cut.push(hexOf(reader.slice(at, end))))
      framer.finish()
      expect(cut).toEqual([hex])
      const packet = decodeHex(dcp, hex, collections)
      tags.set(name, packet._tag)
      expect(packet._tag, "known to the spec").not.toMatch(/^Unknown/)
      expect(encodeHex(dcp, packet)).toBe(hex)
    })
  }

  it("all in one stream, fed in pieces of 1, 7 and 1000 bytes", () => {
    const all = Object.values(frames).map(({ hex }) => hex)
    const stream = bytesOfDigits(all.join(""))
    for (const size of [1, 7, 1000]) {
      const out: Array<string> = []
      const framer = new Framer(frameShape)
      for (let at = 0; at < stream.length; at += size) {
        framer.push(stream.slice(at, at + size), (reader, start, end) => {
          out.push(encodeHex(dcp, dcp.decode(new Reader(reader.slice(start, end)), 0, { collections })))
        })
      }
      framer.finish()
      expect(out).toEqual(all)
    }
  })

  it("the numbers of the rollback cases, as requests and answers", () => {
    const head = { datatype: 0, opaque: 7, cas: 0n, framing: [] }
    for (const { request, failoverLog, expected } of rollbacks) {
      const { startSeqno, vbucketUuid, snapshotStart, snapshotEnd } = request
      const sent = {
        _tag: "DcpStreamRequest",
        opcode: 0x53,
        magic: 0x80,
        ...head,
        vbucket: 1,
        flags: request.strictVbucketUuid ? 0x10 : 0,
        reserved: 0,
        startSeqno: BigInt(startSeqno),
        endSeqno: 0xffff_ffff_ffff_ffffn,
        vbucketUuid: BigInt(vbucketUuid),
        snapStartSeqno: BigInt(snapshotStart),
        snapEndSeqno: BigInt(snapshotEnd),
        filter: ""
      }
      const log = failoverLog.map(({ uuid, seqno }) => ({ vbucketUuid: BigInt(uuid), seqno: BigInt(seqno) }))
      const answer = expected === null
        ? { _tag: "DcpStreamRequestResponse", opcode: 0x53, magic: 0x81, ...head, status: 0, failoverLog: log }
        : { _tag: "DcpStreamRequestRollback", opcode: 0x53, magic: 0x81, ...head, status: 0x23, rollbackSeqno: BigInt(expected) }
      for (const packet of [sent, answer]) expect(decodeHex(dcp, encodeHex(dcp, packet), collections)).toEqual(packet)
    }
    expect(rollbacks.length).toBe(34)
  })

  afterAll(() => console.log(`frames: ${tags.size} of ${Object.keys(frames).length}: ${[...new Set(tags.values())].join(", ")}`))
})
