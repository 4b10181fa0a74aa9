/**
 * Asks the copies of vbuckets how far they have written to disk, for as long as something of the vbucket is held back (`PersistenceGate`).
 *
 * Copies that no node has just now are left out; one whose node does not answer holds back what it may not have. A vbucket is not asked about
 * again while an answer about it is to come, which holds up no other. Source of the rule: the rollback mitigation of java-dcp-client and go-dcp,
 * which observe seqnos likewise.
 */
import type { Cluster } from "@wirewright/couchbase/node"
import * as Effect from "effect/Effect"
import type { DcpNodes } from "./DcpNodes.ts"
import type { VbucketStream } from "./VbucketStream.ts"

type Asked = Pick<Cluster, "copySeedsOf">

const persistedBy = (stream: VbucketStream, vbucketUuid: bigint, cluster: Asked, nodes: Pick<DcpNodes, "persistedSeqno">) =>
  Effect.map(
    Effect.forEach(cluster.copySeedsOf(stream.vbucket), (seed) => nodes.persistedSeqno(seed, stream.vbucket, vbucketUuid), {
      concurrency: "unbounded"
    }),
    (seqnos) => seqnos.length === 0 ? undefined : seqnos.reduce((a, b) => a === undefined || b === undefined ? undefined : a < b ? a : b)
  )

/** Asks until it is interrupted; waits `pace` milliseconds between two rounds. */
export const mitigate = (
  streams: ReadonlyMap<number, VbucketStream>,
  cluster: Asked,
  nodes: Pick<DcpNodes, "persistedSeqno">,
  pace: number
): Effect.Effect<never> => {
  const asked = new Set<VbucketStream>()
  const look = (stream: VbucketStream): Effect.Effect<unknown> => {
    const { vbucketUuid } = stream
    if (vbucketUuid === undefined) return Effect.void
    asked.add(stream)
    const found = Effect.map(persistedBy(stream, vbucketUuid, cluster, nodes), (seqno) => {
      // meanwhile another stream may have been opened, on another branch
      if (seqno !== undefined && stream.vbucketUuid === vbucketUuid) stream.persisted(seqno)
    })
    return Effect.forkChild(Effect.onExit(found, () => Effect.sync(() => void asked.delete(stream))))
  }
  const round = Effect.suspend(() =>
    Effect.forEach([...streams.values()].filter((stream) => stream.withheld > 0 && !asked.has(stream)), look, { discard: true })
  )
  return Effect.forever(Effect.andThen(Effect.sleep(pace), round))
}
