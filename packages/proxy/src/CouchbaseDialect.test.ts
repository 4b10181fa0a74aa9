/** What a bucket answers, in memcached's words. The layouts are those of memcached's doc/protocol-binary.txt. */
import { Reader } from "@wirewright/codec"
import { bytesOfHex, hexOf } from "@wirewright/codec/Hex"
import { decodeResponse, Status as BucketStatus } from "@wirewright/couchbase/gen"
import { Opcode, Status } from "@wirewright/memcached/gen"
import { describe, expect, it } from "vitest"
import { classicAnswer, classicStatus, translate } from "./CouchbaseDialect.ts"
import { frameAt } from "./RawFrame.ts"

/** A bucket's answer to the loud command `opcode`, as the client's bytes. */
const answered = (hex: string, opcode: number, key = "k", writes = false): string => {
  const frame = classicAnswer(decodeResponse(new Reader(bytesOfHex(hex)), 0, { collections: true }), opcode, key, writes)
  return frame === undefined ? "none" : hexOf(frame.reader.bytes.subarray(frame.at, frame.end))
}

const translated = (hex: string) => translate(frameAt(new Reader(bytesOfHex(hex)), 0))

describe("answers", () => {
  it("a mutation token and framing extras are left out, the CAS stays", () => {
    // 0x18: framing extras of 3 bytes (server duration), 16 bytes of extras: vbucket UUID and seqno
    const stored = "18010300 10000000 00000013 00000001 00000000000000aa 020013 1111111111111111 2222222222222222"
    expect(answered(stored, Opcode.Set, "k", true)).toBe(hexOf(bytesOfHex("81010000 00000000 00000000 00000000 00000000000000aa")))
  })

  it("DELETE has CAS 0", () => {
    const removed = "81040000 00000000 00000000 00000001 00000000000000aa"
    expect(answered(removed, Opcode.Delete, "k", true)).toBe(hexOf(bytesOfHex("81040000 00000000 00000000 00000000 0000000000000000")))
  })

  it("marks of JSON are taken off, GETK gets its key back", () => {
    const json = "81000000 04010000 00000006 00000001 00000000000000aa 02000000 7b7d"
    expect(answered(json, Opcode.Get)).toBe(hexOf(bytesOfHex("81000000 04000000 00000006 00000000 00000000000000aa 02000000 7b7d")))
    expect(answered(json, Opcode.GetK)).toBe(hexOf(bytesOfHex("810c0001 04000000 00000007 00000000 00000000000000aa 02000000 6b 7b7d")))
  })

  it("TOUCH is the flags of a GAT", () => {
    const touched = "811d0000 04000000 00000006 00000001 00000000000000aa deadbeef 7b7d"
    expect(answered(touched, Opcode.Touch)).toBe(hexOf(bytesOfHex("811c0000 04000000 00000004 00000000 00000000000000aa deadbeef")))
  })

  it("the error document of a bucket becomes memcached's words", () => {
    const missing = "81000000 00010001 00000002 00000001 0000000000000000 7b7d"
    expect(answered(missing, Opcode.Get)).toBe(
      hexOf(bytesOfHex("81000000 00000001 00000009 00000000 0000000000000000")) + Buffer.from("Not found").toString("hex")
    )
  })
})

describe("statuses", () => {
  it.each([
    ["a lock is a failed CAS to writers and a temporary failure to readers", BucketStatus.Locked, Status.KeyEexists, Status.Etmpfail],
    ["what memcached knows stays", BucketStatus.DeltaBadval, Status.DeltaBadval, Status.DeltaBadval],
    ["what goes by itself is a temporary failure", BucketStatus.SyncWriteInProgress, Status.Etmpfail, Status.Etmpfail],
    ["no access is an authentication error", BucketStatus.Eaccess, Status.AuthError, Status.AuthError],
    ["what the client did wrong is its fault", BucketStatus.XattrEinval, Status.Einval, Status.Einval],
    ["what nobody knows is an internal error", 0x0777, Status.Einternal, Status.Einternal]
  ])("%s", (_words, status, writing, reading) => {
    expect([classicStatus(status, true), classicStatus(status, false)]).toEqual([writing, reading])
  })
})

describe("requests", () => {
  it("datatype and vbucket of a client are not passed on, its CAS is; quiet commands become loud", () => {
    const set = translated("80110001 080107ff 0000000a 00000001 00000000000000aa deadbeef 00000e10 6b 76")
    expect(set).toMatchObject({
      _tag: "Keyed",
      key: "k",
      request: { _tag: "Set", datatype: 0, vbucket: 0, cas: 0xaan, collectionId: 0, flags: 0xdeadbeef, expiration: 3600 }
    })
    expect(translated("800d0001 00000000 00000001 00000001 0000000000000000 6b")).toMatchObject({ request: { _tag: "Get" } })
  })

  it("TOUCH, GAT and GATK are GAT; FLUSH is refused", () => {
    for (const opcode of ["1c", "1d", "1e", "23", "24"]) {
      expect(translated(`80${opcode}0001 04000000 00000005 00000001 0000000000000000 00000e10 6b`)).toMatchObject({
        request: { _tag: "Gat" }
      })
    }
    expect(translated("80080000 00000000 00000000 00000001 0000000000000000")).toEqual({ _tag: "Refused", status: Status.NotSupported })
  })
})
