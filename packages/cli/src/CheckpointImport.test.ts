/** Checkpoints of other consumers: their layouts, numbers beyond 2^53, signed numbers, and what is no checkpoint. */
import { type Checkpoint, checkpointsText, emptyCheckpoint } from "@wirewright/dcp"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { goDcp, goDcpCheckpoint, type Imported, importedFrom } from "./CheckpointImport.ts"

const fixture = (name: string): string => readFileSync(new URL(`../../../test/fixtures/checkpoints/${name}`, import.meta.url), "utf8")

const whole: Checkpoint = {
  position: { vbucketUuid: 187650347158451n, seqno: 12n, snapshotStart: 10n, snapshotEnd: 12n },
  failoverLog: [{ vbucketUuid: 187650347158451n, seqno: 0n }],
  complete: [{ vbucketUuid: 187650347158451n, seqno: 12n }],
  purgeSeqno: 0n,
  undo: false,
  ahead: true
}
const large: Checkpoint = {
  ...whole,
  position: {
    vbucketUuid: 0xffff_ffff_ffff_ffffn,
    seqno: 9007199254740995n,
    snapshotStart: 9007199254740993n,
    snapshotEnd: 9007199254740999n
  },
  failoverLog: [{ vbucketUuid: 0xffff_ffff_ffff_ffffn, seqno: 0n }],
  complete: []
}
const all = new Map([[0, whole], [1, large], [1023, emptyCheckpoint]])

it.each(
  [
    ["go-dcp.json", { format: "go-dcp" }],
    ["elasticsearch.json", { format: "Elasticsearch connector" }],
    ["kafka-rest.json", { format: "Kafka connector", bucket: "travel" }],
    ["kafka-topic.txt", { format: "Kafka connector", bucket: "travel" }]
  ] satisfies ReadonlyArray<readonly [string, Omit<Imported, "checkpoints">]>
)("%s", (name, rest) => {
  const found = Result.getOrThrow(importedFrom(fixture(name)))
  expect({ ...found, checkpoints: new Map([...found.checkpoints].sort(([a], [b]) => a - b)) }).toEqual({ ...rest, checkpoints: all })
})

it("our own are read as they are written", () => {
  expect(Result.getOrThrow(importedFrom(checkpointsText(all, 3)))).toEqual({ format: "wirewright", checkpoints: all })
})

describe("go-dcp's documents", () => {
  it("have their checkpoint in an attribute, and the group's name in their key as Go escapes it in queries", () => {
    const [, text] = /"0": (\{[\s\S]*?\n {2}\})/.exec(fixture("go-dcp.json"))!
    expect(goDcpCheckpoint(0, text!)).toEqual(whole)
    // the first is from go-dcp's own test (couchbase/metadata_test.go); of the others, Go's url.QueryEscape by its documentation
    expect(goDcp.key("group1", 1)).toBe("_connector:cbgo:group1:checkpoint:1")
    expect(goDcp.key("my group/ü", 1023)).toBe("_connector:cbgo:my+group%2F%C3%BC:checkpoint:1023")
    expect(goDcp.key("a!*'()~-_.", 0)).toBe("_connector:cbgo:a%21%2A%27%28%29~-_.:checkpoint:0")
  })
})

const oneVbucket = (checkpoint: object): string => JSON.stringify({ formatVersion: 1, bucketUuid: "", vbuckets: { 5: checkpoint } })
const good = { vbuuid: 1, seqno: 5, snapshot: { startSeqno: 5, endSeqno: 5 } }

it.each([
  ["", "no JSON"],
  ["[]", "no object"],
  ["{\"a\":{}}", "\"a\" is no vbucket"],
  ["{\"1024\":{}}", "\"1024\" is no vbucket"],
  ["{\"3\":{}}", "vbucket 3 has no checkpoint"],
  [oneVbucket({ ...good, seqno: 6 }), "vbucket 5: seqno 6 is outside of its snapshot, 5 to 5"],
  [oneVbucket({ ...good, seqno: 4 }), "vbucket 5: seqno 4 is outside"],
  [oneVbucket({ ...good, seqno: 4.5 }), "vbucket 5: the seqno is no number of 64 bits"],
  [oneVbucket({ ...good, seqno: "5" }), "vbucket 5: the seqno is no number"],
  [oneVbucket({ ...good, vbuuid: undefined }), "vbucket 5: the uuid is no number"],
  [oneVbucket(good).replace("\"vbuuid\":1", "\"vbuuid\":18446744073709551616"), "vbucket 5: the uuid is no number of 64 bits"],
  [oneVbucket(good).replace(":1,", ":2,"), "version 2; 1 is the one that is known"],
  [fixture("kafka-rest.json").replace("travel", "hotel"), "the offsets are of several buckets: hotel, travel"],
  [fixture("kafka-rest.json").replace("\"vbuuid\": -1,", ""), "vbucket 1 has no vbuuid: the connector that wrote it is too old"],
  [fixture("kafka-topic.txt").replace("\t", "\t\t"), "a line is no key, tab and value"],
  [checkpointsText(all, 3).replace("\"version\":2", "\"version\":3"), "checkpoints of version 3"]
])("%j is refused", (text, message) => {
  expect(Result.getOrThrow(Result.flip(importedFrom(text)))).toContain(message)
})
