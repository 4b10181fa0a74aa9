/**
 * What a consumer keeps of one vbucket so that it can go on where it left off, and the request that follows from it. Pure.
 *
 * The rule: the seqno is the last of the changes that were processed without a gap, the snapshot is the one that held it, and the uuid is
 * that of the stream that delivered it. A producer believes what it is told, so a checkpoint that claims more than was processed loses
 * changes after a failover; see "Restarting from where you left off" in the documentation.
 */
import type { FailoverLog } from "./FailoverLog.ts"
import { branchesAt, commonAncestor, prunedTo } from "./FailoverLog.ts"

/** How far a vbucket was processed. Always `snapshotStart ≤ seqno ≤ snapshotEnd`. */
export interface Position {
  readonly vbucketUuid: bigint
  readonly seqno: bigint
  readonly snapshotStart: bigint
  readonly snapshotEnd: bigint
}

/** Where everything up to a seqno was processed, with nothing missing that was replaced by a later change. */
export interface CompleteAt {
  readonly vbucketUuid: bigint
  readonly seqno: bigint
}

/** All that is kept of one vbucket. */
export interface Checkpoint {
  readonly position: Position
  /** The producer's log as of the last stream that was opened, newest first. */
  readonly failoverLog: FailoverLog
  /** Ends of snapshots that were processed whole, oldest first; where a rollback can stop. */
  readonly complete: ReadonlyArray<CompleteAt>
  /** Highest purge seqno the producer told; 0 when it told none. */
  readonly purgeSeqno: bigint
  /**
   * A rollback to the position has begun: what was done after it is to be undone before anything else. Stored before the undoing begins,
   * because the producer may answer the same request otherwise next time.
   */
  readonly undo: boolean
  /**
   * Something after the position may have been delivered. Stored before the first of it is; false again after an undoing, and when a consumer ends
   * with everything settled. Without it, nothing that a lost branch had is to be undone.
   */
  readonly ahead: boolean
  /** Uuid of the bucket it is of. A checkpoint without one is believed to be of the bucket that is there. */
  readonly bucketUuid?: string
}

/** Nothing was processed. */
export const beginning: Position = { vbucketUuid: 0n, seqno: 0n, snapshotStart: 0n, snapshotEnd: 0n }

/** A vbucket of which nothing is known. */
export const emptyCheckpoint: Checkpoint = { position: beginning, failoverLog: [], complete: [], purgeSeqno: 0n, undo: false, ahead: false }

/** Everything up to `seqno` was processed. */
export const completeAt = (vbucketUuid: bigint, seqno: bigint): Position => ({
  vbucketUuid: seqno === 0n ? 0n : vbucketUuid,
  seqno,
  snapshotStart: seqno,
  snapshotEnd: seqno
})

/** Everything up to `seqno` was processed, by this log of the producer; nothing when no branch of the log holds it. */
export const checkpointAt = (failoverLog: FailoverLog, seqno: bigint): Checkpoint | undefined => {
  const branch = branchesAt(failoverLog, seqno)[0]
  if (branch === undefined) return undefined
  const { vbucketUuid } = branch
  return { ...emptyCheckpoint, position: completeAt(vbucketUuid, seqno), failoverLog, complete: [{ vbucketUuid, seqno }] }
}

/**
 * Back to a seqno before the position, to process again what comes after it; nothing when the seqno is beyond the position. What was processed
 * stays known, so that it is undone when the branch it was on is lost.
 */
export const rewoundTo = (checkpoint: Checkpoint, seqno: bigint): Checkpoint | undefined => {
  const { ahead, failoverLog, position } = checkpoint
  if (seqno === position.seqno) return checkpoint
  const kept = seqno === 0n ? { ...emptyCheckpoint, failoverLog } : checkpointAt(failoverLog, seqno)
  if (seqno > position.seqno || kept === undefined) return undefined
  return {
    ...kept,
    purgeSeqno: checkpoint.purgeSeqno,
    complete: checkpoint.complete.filter((end) => end.seqno <= seqno),
    ahead: ahead || position.seqno > 0n
  }
}

/** Whether a producer may be asked for it at all: the others are refused with ERANGE. */
export const isPosition = ({ seqno, snapshotEnd, snapshotStart }: Position): boolean => snapshotStart <= seqno && seqno <= snapshotEnd

/** Most complete ends kept of a vbucket by default. */
export const defaultHistory = 16

/**
 * Adds a complete end. When there are more than `most`, goes without the one whose loss costs least: the farther back, the wider the gaps
 * may be, so that a deep rollback still finds one and a shallow one finds one near.
 */
export const withComplete = (history: ReadonlyArray<CompleteAt>, end: CompleteAt, most: number = defaultHistory): Array<CompleteAt> => {
  const last = history[history.length - 1]
  const known = last?.seqno === end.seqno ? history.slice(0, -1) : history
  const grown = [...known, end]
  if (grown.length <= most) return grown
  let cheapest = 0
  let least = Infinity
  for (let i = 0; i < grown.length - 1; i++) {
    const before = i === 0 ? 0n : grown[i - 1]!.seqno
    const gap = Number(grown[i + 1]!.seqno - before) / Number(end.seqno - grown[i]!.seqno + 1n)
    if (gap < least) {
      least = gap
      cheapest = i
    }
  }
  grown.splice(cheapest, 1)
  return grown
}

/** Why a rollback goes as far as it does. */
export type RollbackReason =
  /** To the end of a snapshot that was processed whole. */
  | "CompleteSnapshot"
  /** To a point that both histories share, found by comparing the failover logs. */
  | "CommonAncestor"
  /** To the beginning, as no complete end is old enough. */
  | "HistoryTooShort"
  /** To the beginning, as the producer asked for. */
  | "Beginning"
  /** A rollback that was interrupted is finished. */
  | "Interrupted"

/** Where to resume, and what is left of the checkpoint there. */
export interface Resumption {
  readonly checkpoint: Checkpoint
  readonly reason: RollbackReason
}

const resumedAt = (checkpoint: Checkpoint, at: CompleteAt, reason: RollbackReason): Resumption => ({
  checkpoint: {
    ...checkpoint,
    position: completeAt(at.vbucketUuid, at.seqno),
    failoverLog: at.seqno === 0n ? [] : prunedTo(checkpoint.failoverLog, at.seqno),
    complete: checkpoint.complete.filter(({ seqno }) => seqno <= at.seqno)
  },
  reason
})

const nowhere: CompleteAt = { vbucketUuid: 0n, seqno: 0n }

/** The newest complete end that is not after `limit`. */
const newestComplete = (checkpoint: Checkpoint, limit: bigint): CompleteAt | undefined =>
  checkpoint.complete.findLast(({ seqno }) => seqno <= limit)

/**
 * Where to resume when the producer asks for a rollback to `requested`. That seqno itself is no place to resume: what we have up to it is
 * whole only if a snapshot ended there; a change that our snapshot had already replaced by a later one would never be sent.
 */
export const resumption = (checkpoint: Checkpoint, requested: bigint): Resumption => {
  const end = newestComplete(checkpoint, requested)
  if (end !== undefined && end.seqno > 0n) return resumedAt(checkpoint, end, "CompleteSnapshot")
  return resumedAt(checkpoint, nowhere, requested === 0n ? "Beginning" : "HistoryTooShort")
}

/**
 * Where to resume when the producer does not know our branch, instead of at the beginning: its log may have an older one of ours.
 * Undefined when the histories share nothing that was processed whole.
 *
 * @param high the producer's highest seqno, if it is known
 */
export const resumptionFromLog = (checkpoint: Checkpoint, theirs: FailoverLog, high: bigint): Resumption | undefined => {
  const { failoverLog, position } = checkpoint
  const ancestor = commonAncestor(failoverLog, position.seqno, theirs, high)
  if (ancestor === undefined) return undefined
  const end = newestComplete(checkpoint, ancestor.seqno)
  if (end === undefined || end.seqno === 0n) return undefined
  // of the branches that hold the end, the oldest that the producer knows
  const known = branchesAt(failoverLog, end.seqno).find(({ vbucketUuid }) => theirs.some((entry) => entry.vbucketUuid === vbucketUuid))
  if (known === undefined) return undefined
  return resumedAt(checkpoint, { vbucketUuid: known.vbucketUuid, seqno: end.seqno }, "CommonAncestor")
}
