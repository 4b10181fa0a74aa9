/** SC-104: the rollback decision against kv_engine's own vectors and the counter-examples of the rules. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { rollbackSeqno } from "./RollbackDecision.ts"

interface Vector {
  readonly failoverLog: ReadonlyArray<{ readonly uuid: string; readonly seqno: string }>
  readonly highSeqno: string
  readonly request: {
    readonly startSeqno: string
    readonly vbucketUuid: string
    readonly snapshotStart: string
    readonly snapshotEnd: string
    readonly strictVbucketUuid: boolean
    readonly purgeSeqno?: string
  }
  readonly producer: { readonly purgeSeqno: string; readonly collectionHighSeqno?: string }
  readonly expected: string | null
}

const fixtures = join(import.meta.dirname, "../../../test/fixtures/dcp-rollback.json")
const { vectors } = JSON.parse(readFileSync(fixtures, "utf8")) as { readonly vectors: ReadonlyArray<Vector> }
const optional = (text: string | undefined): bigint | undefined => text === undefined ? undefined : BigInt(text)

describe("SC-104 rollback vectors", () => {
  it("are all there", () => {
    expect(vectors.length).toBe(34)
  })

  it.each(vectors.map((vector, index) => [index, vector] as const))("%i", (_, { expected, failoverLog, highSeqno, producer, request }) => {
    const purgeSeqno = optional(request.purgeSeqno)
    const seqno = rollbackSeqno({
      startSeqno: BigInt(request.startSeqno),
      vbucketUuid: BigInt(request.vbucketUuid),
      snapStartSeqno: BigInt(request.snapshotStart),
      snapEndSeqno: BigInt(request.snapshotEnd),
      strictVbucketUuid: request.strictVbucketUuid,
      ...purgeSeqno === undefined ? {} : { purgeSeqno }
    }, {
      failoverLog: failoverLog.map((entry) => ({ vbucketUuid: BigInt(entry.uuid), seqno: BigInt(entry.seqno) })),
      highSeqno: BigInt(highSeqno),
      purgeSeqno: BigInt(producer.purgeSeqno),
      collectionHighSeqno: optional(producer.collectionHighSeqno)
    })
    expect(seqno?.toString() ?? null).toBe(expected)
  })
})

// by hand from the rules of `FailoverTable::needsRollback`, where the vectors do not come to the edge
describe("SC-104 at the edges", () => {
  const decided = (start: number, end: number, purge: number, collectionHigh?: number): bigint | undefined =>
    rollbackSeqno(
      { startSeqno: BigInt(start), vbucketUuid: 7n, snapStartSeqno: 1n, snapEndSeqno: BigInt(end) },
      {
        failoverLog: [{ vbucketUuid: 7n, seqno: 0n }],
        highSeqno: 20n,
        purgeSeqno: BigInt(purge),
        collectionHighSeqno: collectionHigh === undefined ? undefined : BigInt(collectionHigh)
      }
    )

  it("tombstones may be gone before the start, not up to it", () => {
    expect([decided(10, 20, 10), decided(9, 20, 10)]).toEqual([undefined, 0n])
  })

  it("those of other collections may be, when the only one asked for ends by the start", () => {
    expect([decided(8, 20, 10, 8), decided(7, 20, 10, 8), decided(9, 20, 10, 8)]).toEqual([undefined, 0n, undefined])
  })

  it("a snapshot may end where the history does, and not after it", () => {
    expect([decided(10, 20, 0), decided(10, 21, 0)]).toEqual([undefined, 1n])
  })
})
