/** `decode` of captures: both recordings of real nodes, damaged and from the middle. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { gunzipSync } from "node:zlib"
import { ndjson, wirewright } from "../test/RunCli.ts"

const path = (name: string): string => fileURLToPath(new URL(`../../../test/fixtures/captures/${name}.pcapng.gz`, import.meta.url))
const collections = path("couchbase-6.5-collections")
const session = path("couchbase-6.0-session")

/** The recording without some of its packets, counted from 1. */
const without = (file: Uint8Array, drop: (packet: number) => boolean): Buffer => {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const blocks: Array<Uint8Array> = []
  let packet = 0
  for (let at = 0; at < file.length;) {
    const size = view.getUint32(at + 4, true)
    if (view.getUint32(at, true) !== 6 || !drop(++packet)) blocks.push(file.subarray(at, at + size))
    at += size
  }
  return Buffer.concat(blocks)
}

describe("a capture", () => {
  it("as NDJSON: flow, direction, time, frame; HELLO turns collections on", async () => {
    const { code, out } = await wirewright(["decode", collections, "--json"])
    assert.strictEqual(code, 0)
    const packets = ndjson(out)
    assert.isAbove(packets.length, 300)
    for (const packet of packets) {
      assert.match(String(packet["flow"]), /^127\.0\.0\.1:\d+>127\.0\.0\.1:31265$/)
      assert.include(["c2s", "s2c"], packet["direction"])
      assert.match(String(packet["time"]), /^\d+\.\d{9}$/)
      assert.isNumber(packet["frame"])
    }
    const set = packets.find((packet) => packet["packet"] === "Set" && packet["kind"] === "request")!
    assert.strictEqual(set["key"], "d0")
    const back = await wirewright(["encode"], out)
    assert.strictEqual(back.code, 0)
    assert.strictEqual(back.out.trim().split("\n").length, packets.length)
  })

  it("as a listing: flow headers, one line per packet, pairs, a summary", async () => {
    const { code, out } = await wirewright(["decode", collections])
    assert.strictEqual(code, 0)
    assert.match(out, /^── flow 1 {2}127\.0\.0\.1:48864 > 127\.0\.0\.1:31265$/m)
    assert.match(out, /^#6 .*s2c {2}HelloResponse {2}Success .*answers #4 after 0\.481 ms$/m)
    assert.match(out, /^Summary: 332 packets in 10 conversations$/m)
    assert.match(out, /^ {2}DcpMutation +0 +43 +0$/m)
    assert.match(out, /^Vbuckets with changes: 1$/m)
    assert.match(out, /^ {2}1 +1 +20 +62$/m)
    assert.match(out, /^Did not decode: nothing$/m)
    assert.notMatch(out, /password/)
  })

  it("of a 6.0 node: ten thousand packets", async () => {
    const { out } = await wirewright(["decode", session])
    assert.match(out, /^Summary: 105\d\d packets in 18 conversations$/m)
    assert.match(out, /^ {2}DcpMutation +0 +5455 +0$/m)
  })

  it("from the middle and with a hole: goes on at the next packet, and says what is missing", async () => {
    const file = without(gunzipSync(readFileSync(collections)), (packet) => packet <= 70 || packet === 100)
    const { code, out } = await wirewright(["decode", "-"], file)
    assert.strictEqual(code, 100)
    assert.match(out, /> 127\.0\.0\.1:31265 {2}\(from the middle\)$/m)
    assert.match(out, /a gap of 61 bytes in the capture/)
    assert.match(out, /^Did not decode: stream \(Incomplete\) 1$/m)
  })

  it("cut off: what is there, and the place of the fault", async () => {
    const file = gunzipSync(readFileSync(collections)).subarray(0, 20_011)
    const { code, out } = await wirewright(["decode", "-", "--json"], file)
    assert.strictEqual(code, 100)
    const packets = ndjson(out)
    assert.isAbove(packets.length, 100)
    assert.deepInclude((packets.at(-1) as { error: object }).error, { reason: "Incomplete", offset: 20_011 })
  })

  it("--hexdump shows packets in full", async () => {
    const { out } = await wirewright(["decode", collections, "--hexdump"])
    assert.match(out, /Hello request · 43 bytes/)
  })
})
