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
