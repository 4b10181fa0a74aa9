/**
 * The branches of a vbucket's history and where two histories part. Pure.
 *
 * A log is newest first; an entry says that the branch `vbucketUuid` begins after `seqno`. The oldest entries may have been evicted, so a
 * uuid that is not in a log may have existed. Source: kv_engine `engines/ep/src/failover-table.cc` and `docs/dcp/documentation`.
 */
import type { FailoverEntry } from "@wirewright/couchbase/gen/Types"
import * as Result from "effect/Result"

/** Branches of one vbucket, newest first; never empty once a producer answered. */
export type FailoverLog = ReadonlyArray<FailoverEntry>

/** Most entries a producer keeps. */
export const maxBranches = 25

/** Most entries accepted from a producer: more than any server keeps, and few enough to store with every checkpoint. */
export const maxAcceptedBranches = 1024

/**
 * Checks a log that a producer sent: it has entries, each branch once and none with uuid 0, and no branch begins after one that is newer.
 * Fails with what is wrong with it.
 */
export const checkFailoverLog = (log: FailoverLog): Result.Result<FailoverLog, string> => {
  if (log.length === 0) return Result.fail("a failover log without entries")
  if (log.length > maxAcceptedBranches) return Result.fail(`a failover log of ${log.length} entries; ${maxAcceptedBranches} are allowed`)
  const seen = new Set<bigint>()
  for (let i = 0; i < log.length; i++) {
    const { seqno, vbucketUuid } = log[i]!
    if (vbucketUuid === 0n) return Result.fail(`a failover log whose entry ${i} has vbucket uuid 0`)
    if (seen.has(vbucketUuid)) return Result.fail(`a failover log that has vbucket uuid ${vbucketUuid} twice`)
    if (i > 0 && seqno > log[i - 1]!.seqno) return Result.fail(`a failover log whose entry ${i} begins after the newer one before it`)
    seen.add(vbucketUuid)
  }
  return Result.succeed(log)
}

/**
 * The branches that hold `seqno`, in the order in which to name them in a request: where a branch begins at that very seqno, both it and
 * the one before it do, and the older one is known to more producers (a node that never saw the newer branch still has it).
 */
export const branchesAt = (log: FailoverLog, seqno: bigint): ReadonlyArray<FailoverEntry> => {
  const newest = log.findIndex((entry) => entry.seqno <= seqno)
  if (newest === -1) return []
  let oldest = newest
  while (oldest + 1 < log.length && log[oldest]!.seqno === seqno) oldest++
  return log.slice(newest, oldest + 1).reverse()
}

/** Where two histories were last the same. */
export interface CommonAncestor {
  readonly vbucketUuid: bigint
  /** Both sides have the same changes up to here. */
  readonly seqno: bigint
}

/** Where the branch at `index` ends: where the next newer one begins, at most where the history ends. */
const endOf = (log: FailoverLog, index: number, high: bigint): bigint => {
  const newer = index === 0 ? high : log[index - 1]!.seqno
  return newer < high ? newer : high
}

/**
 * The newest branch that both logs know, and how far both followed it. Undefined when they share none.
 *
 * @param ours our log, and `position`, the last seqno we have of it
 * @param theirs the producer's log, and `high`, the last seqno it has
 */
export const commonAncestor = (ours: FailoverLog, position: bigint, theirs: FailoverLog, high: bigint): CommonAncestor | undefined => {
  for (let i = 0; i < ours.length; i++) {
    const { vbucketUuid } = ours[i]!
    const j = theirs.findIndex((entry) => entry.vbucketUuid === vbucketUuid)
    if (j === -1) continue
    const ourEnd = endOf(ours, i, position)
    const theirEnd = endOf(theirs, j, high)
    return { vbucketUuid, seqno: ourEnd < theirEnd ? ourEnd : theirEnd }
  }
  return undefined
}

/** The log without the branches that begin after `seqno`; what is left of it after a rollback to there. */
export const prunedTo = (log: FailoverLog, seqno: bigint): FailoverLog => log.filter((entry) => entry.seqno <= seqno)

/** The log of a producer whose history continues after `seqno` on a new branch. */
export const branchedAt = (log: FailoverLog, vbucketUuid: bigint, seqno: bigint): FailoverLog =>
  [{ vbucketUuid, seqno }, ...prunedTo(log, seqno)].slice(0, maxBranches)
