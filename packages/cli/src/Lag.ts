/** How far the checkpoints of a group are behind the bucket. Pure. */
import type { Checkpoints } from "@wirewright/dcp"

/** One vbucket that the group follows. */
export interface VbucketLag {
  readonly vbucket: number
  /** Up to here the group has processed everything. */
  readonly seqno: bigint
  /** The server's highest seqno; nothing when its node was not reached. */
  readonly high: bigint | undefined
  /** Seqnos in between: no fewer than the changes that are owed. Nothing when the server's is not known. */
  readonly lag: bigint | undefined
  /** The server has less than the group has processed: it lost changes, and a rollback is due. */
  readonly ahead: boolean
}

/** All of a group. */
export interface GroupLag {
  readonly vbuckets: ReadonlyArray<VbucketLag>
  /** Of all whose lag is known. */
  readonly lag: bigint
  /** Vbuckets with a lag. */
  readonly behind: number
  /** Vbuckets whose highest seqno is not known. */
  readonly unknown: number
  /** Vbuckets of the bucket that the group has no checkpoint of: it does not follow them, or has not begun. */
  readonly unfollowed: number
}

/** Compares checkpoints with the highest seqnos of the vbuckets that there are. */
export const lagOf = (
  checkpoints: Checkpoints,
  { seqnos, vbuckets }: { readonly seqnos: ReadonlyMap<number, bigint>; readonly vbuckets: ReadonlyArray<number> }
): GroupLag => {
  const all = [...checkpoints].sort(([a], [b]) => a - b).map(([vbucket, { position: { seqno } }]): VbucketLag => {
    const high = seqnos.get(vbucket)
    const lag = high === undefined ? undefined : high > seqno ? high - seqno : 0n
    return { vbucket, seqno, high, lag, ahead: high !== undefined && high < seqno }
  })
  return {
    vbuckets: all,
    lag: all.reduce((sum, { lag = 0n }) => sum + lag, 0n),
    behind: all.filter(({ lag = 0n }) => lag > 0n).length,
    unknown: all.filter(({ high }) => high === undefined).length,
    unfollowed: vbuckets.filter((vbucket) => !checkpoints.has(vbucket)).length
  }
}
