/**
 * Whether a producer lets a stream begin where the consumer asks for, or sends it back. Pure.
 *
 * Source: kv_engine `engines/ep/src/failover-table.cc`, `FailoverTable::needsRollback`. The documentation differs in three places, and real
 * nodes do what the code does: a uuid at seqno 0 counts only with the strict flag, the purge seqno is held against the start seqno and not
 * against the snapshot's start, and the answer is the seqno alone.
 */
import type { FailoverLog } from "./FailoverLog.ts"

/** End seqno of a stream that has none. */
export const endless = 0xffff_ffff_ffff_ffffn

/** What a consumer claims to have. */
export interface StreamClaim {
  readonly startSeqno: bigint
  readonly vbucketUuid: bigint
  readonly snapStartSeqno: bigint
  readonly snapEndSeqno: bigint
  /** A uuid counts at seqno 0, too (stream flag 0x20). */
  readonly strictVbucketUuid?: boolean
  /** Highest purge seqno that the consumer saw; tombstones up to there are no loss to it. */
  readonly purgeSeqno?: bigint | undefined
}

/** What the producer has. */
export interface VbucketHistory {
  readonly failoverLog: FailoverLog
  readonly highSeqno: bigint
  /** Tombstones up to here may be gone; 0 when the consumer said that it does not mind (stream flag 0x80). */
  readonly purgeSeqno: bigint
  /** Highest seqno of the only collection asked for: what was purged after it is none of its. */
  readonly collectionHighSeqno?: bigint | undefined
}

/** The seqno to roll back to; undefined when the stream may begin as claimed. */
export const rollbackSeqno = (claim: StreamClaim, history: VbucketHistory): bigint | undefined => {
  const { snapEndSeqno, snapStartSeqno, startSeqno, vbucketUuid } = claim
  const { collectionHighSeqno, failoverLog, highSeqno, purgeSeqno } = history
  if (startSeqno === 0n && (claim.strictVbucketUuid !== true || vbucketUuid === 0n)) return undefined
  if (startSeqno !== 0n && startSeqno < purgeSeqno && claim.purgeSeqno !== purgeSeqno) {
    const purgedOthers = collectionHighSeqno !== undefined && startSeqno >= collectionHighSeqno && collectionHighSeqno <= purgeSeqno
    if (!purgedOthers) return 0n
  }
  // of entries with the same uuid the oldest counts
  const branch = failoverLog.findLastIndex((entry) => entry.vbucketUuid === vbucketUuid)
  if (branch === -1) return 0n
  const upper = branch === 0 ? highSeqno : failoverLog[branch - 1]!.seqno
  // at an end of its snapshot, the consumer has no part of one
  const snapEnd = startSeqno === snapStartSeqno ? startSeqno : snapEndSeqno
  if (snapEnd <= upper) return undefined
  const snapStart = startSeqno === snapEnd ? startSeqno : snapStartSeqno
  return upper < snapStart ? upper : snapStart
}
