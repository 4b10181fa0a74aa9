/**
 * One vbucket of a consumer: from the checkpoint to the stream request, through its answer and the rollbacks that it may bring, to the
 * messages, and back to a request when the stream is gone. Pure: no connection, no clock; what to do is returned.
 *
 * A rollback has an order that makes a crash between any two of its steps harmless: delivery stops, the checkpoint to go back to is stored
 * with the note that undoing is owed, the application undoes, the checkpoint is stored without the note, the stream is requested again.
 */
import {
  type Checkpoint,
  defaultHistory,
  isPosition,
  type Position,
  resumption,
  resumptionFromLog,
  type RollbackReason
} from "./Checkpoint.ts"
import { checkFailoverLog, type FailoverLog, mostBranches } from "./FailoverLog.ts"
import { Progress } from "./Progress.ts"
import type { StreamClaim } from "./RollbackDecision.ts"
import { isViolation, type Placed, type Snapshot, SnapshotTracker, type Violation } from "./SnapshotTracker.ts"

/** Where a vbucket's stream stands. */
export type StreamPhase =
  /** Nothing was asked for. */
  | "Idle"
  /** Asked for, not answered. */
  | "Requesting"
  /** The producer does not know our branch; its log is being fetched. */
  | "Comparing"
  /** The application is undoing. */
  | "RollingBack"
  | "Streaming"
  /** There will be no more requests. */
  | "Failed"

/** What the application has to undo: everything behind `to`. */
export interface Rollback {
  readonly from: bigint
  readonly to: bigint
  /** What the producer asked for; `to` may be less. */
  readonly requested: bigint
  readonly reason: RollbackReason
  /** To be stored before the application begins; it says that undoing is owed. */
  readonly checkpoint: Checkpoint
}

/** Why no stream is requested any more. */
export type StreamFailure =
  | { readonly _tag: "IllegalCheckpoint"; readonly position: Position }
  /** The producer sent what no producer may send. */
  | { readonly _tag: "ProtocolViolation"; readonly message: string }
  /** The producer asks for one rollback after the other. */
  | { readonly _tag: "RollbackLoop"; readonly rounds: number }

/** What is to be done after an answer to a stream request. */
export type StreamStep =
  /**
   * Messages follow. `undoTo` is there when the history may have gone on another way meanwhile: what was processed behind it, ahead of the
   * checkpoint, may never have happened, and has to be undone before the first message.
   */
  | { readonly _tag: "Streaming"; readonly undoTo?: bigint }
  | { readonly _tag: "Request" }
  /** Fetch the producer's failover log. */
  | { readonly _tag: "CompareLogs" }
  | { readonly _tag: "Undo"; readonly rollback: Rollback }
  | { readonly _tag: "Failed"; readonly failure: StreamFailure }

/** How a vbucket is treated. */
export interface StreamOptions {
  /** Complete ends that are remembered. */
  readonly history?: number
  /** `rebuild` always goes back to the beginning: for those who cannot undo a part. */
  readonly onRollback?: "undo" | "rebuild"
  /** A position at 0 is a claim that the vbucket was empty, not that nothing is known. */
  readonly strict?: boolean
}

/** Most rollbacks in a row before an item is received: one for each branch of a log, and one to 0. */
export const mostRounds = mostBranches + 1

/** One vbucket. */
export class StreamState {
  readonly progress: Progress
  private readonly options: StreamOptions
  private tracker: SnapshotTracker | undefined
  private at: StreamPhase = "Idle"
  private rounds = 0
  private compared = false
  private strict: boolean
  private undoing: Rollback | undefined
  /** Everything behind the checkpoint was undone, and nothing was delivered since. */
  private clean = false

  constructor(checkpoint: Checkpoint, options: StreamOptions = {}) {
    this.options = options
    this.strict = options.strict === true
    this.progress = new Progress(checkpoint, options.history ?? defaultHistory)
    if (!checkpoint.undo) return
    const { seqno } = checkpoint.position
    this.undoing = { from: seqno, to: seqno, requested: seqno, reason: "Interrupted", checkpoint }
    this.at = "RollingBack"
  }

  /** The rollback that is under way; also one that was when the checkpoint was stored. */
  get rollback(): Rollback | undefined {
    return this.undoing
  }

  get phase(): StreamPhase {
    return this.at
  }

  /** Seqno of the last message of the open stream, processed or not. */
  get received(): bigint {
    return this.tracker?.seqno ?? this.progress.checkpoint.position.seqno
  }

  /** The snapshot that the last message of the open stream was in. */
  get snapshot(): Snapshot | undefined {
    return this.tracker?.snapshot
  }

  /** Markers that closed a snapshot before its end. */
  get closedImplicitly(): number {
    return this.tracker?.closedImplicitly ?? 0
  }

  /** What to ask for; or why not to ask. Everything received and not processed is asked for again. */
  request(): StreamClaim | StreamFailure {
    const { position, purgeSeqno } = this.progress.checkpoint
    if (!isPosition(position)) return this.fail({ _tag: "IllegalCheckpoint", position })
    this.lost()
    this.at = "Requesting"
    return {
      startSeqno: position.seqno,
      vbucketUuid: position.vbucketUuid,
      snapStartSeqno: position.snapshotStart,
      snapEndSeqno: position.snapshotEnd,
      strictVbucketUuid: this.strict,
      ...purgeSeqno > 0n ? { purgeSeqno } : {}
    }
  }

  /** The stream is open. */
  opened(failoverLog: FailoverLog): StreamStep {
    const checked = checkFailoverLog(failoverLog)
    if (checked._tag === "Failure") return this.failed({ _tag: "ProtocolViolation", message: checked.failure })
    const { failoverLog: before, position } = this.progress.checkpoint
    this.tracker = new SnapshotTracker(failoverLog[0]!.vbucketUuid, position)
    this.progress.opened(failoverLog)
    this.at = "Streaming"
    // from 0 the producer asks for no rollback, though tombstones of what was processed may be purged by now
    const changed = !this.clean && before.length > 0 && (before[0]!.vbucketUuid !== failoverLog[0]!.vbucketUuid || position.seqno === 0n)
    return changed ? { _tag: "Streaming", undoTo: position.seqno } : { _tag: "Streaming" }
  }

  /** The producer asks for a rollback to `requested`. */
  rolledBack(requested: bigint): StreamStep {
    const { checkpoint } = this.progress
    const from = checkpoint.position.seqno
    this.rounds++
    if (requested >= from) {
      if (requested === 0n && from === 0n && this.strict) {
        // the branch at 0 is unknown, so nothing is claimed any more
        this.strict = false
        return { _tag: "Request" }
      }
      return this.failed({ _tag: "ProtocolViolation", message: `a rollback to ${requested}, which is not before ${from}` })
    }
    if (this.rounds > mostRounds) return this.failed({ _tag: "RollbackLoop", rounds: this.rounds })
    if (requested === 0n && !this.compared && checkpoint.failoverLog.length > 0 && this.options.onRollback !== "rebuild") {
      this.compared = true
      this.at = "Comparing"
      return { _tag: "CompareLogs" }
    }
    return this.undo(requested)
  }

  /** The producer's log, if it could be had, and its highest seqno, if it is known. */
  comparedWith(theirs: FailoverLog | undefined, high: bigint = this.progress.checkpoint.position.seqno): StreamStep {
    const { checkpoint } = this.progress
    const found = theirs === undefined ? undefined : resumptionFromLog(checkpoint, theirs, high)
    if (found === undefined) return this.undo(0n)
    // our position may be whole on a branch that both know; then nothing is to be undone
    if (found.checkpoint.position.seqno === checkpoint.position.seqno) {
      this.progress.restart(found.checkpoint)
      return { _tag: "Request" }
    }
    return this.start({ from: checkpoint.position.seqno, to: found.checkpoint.position.seqno, requested: 0n, ...found })
  }

  /** The application has undone everything behind `to`; the checkpoint is to be stored before the next request. */
  undone(): Checkpoint {
    const checkpoint = { ...this.undoing!.checkpoint, undo: false }
    this.undoing = undefined
    this.clean = true
    this.progress.restart(checkpoint)
    this.at = "Idle"
    return checkpoint
  }

  /** SNAPSHOT_MARKER. */
  marker(start: bigint, end: bigint, flags: number, purgeSeqno = 0n): Violation | undefined {
    if (purgeSeqno > 0n) this.progress.purged(purgeSeqno)
    return this.tracker?.marker(start, end, flags)
  }

  /** A message that is delivered; its place, or why it may not come. */
  place(seqno: bigint): Placed | Violation {
    const placed = this.tracker!.place(seqno)
    if (!isViolation(placed)) {
      this.rounds = 0
      this.compared = false
      this.clean = false
    }
    return placed
  }

  /** OSO_SNAPSHOT. */
  unordered(begins: boolean): Violation | undefined {
    if (begins) return this.tracker!.beginUnordered()
    const placed = this.tracker!.endUnordered()
    if (isViolation(placed)) return placed
    this.progress.pass(placed.snapshot.end, placed)
    return undefined
  }

  /** The stream is gone. What was delivered and not processed will come again. */
  lost(): void {
    this.tracker = undefined
    this.progress.forget()
    this.at = this.undoing === undefined ? "Idle" : "RollingBack"
  }

  private undo(requested: bigint): StreamStep {
    const { checkpoint } = this.progress
    const found = resumption(checkpoint, this.options.onRollback === "rebuild" ? 0n : requested)
    return this.start({ from: checkpoint.position.seqno, to: found.checkpoint.position.seqno, requested, ...found })
  }

  private start({ checkpoint, ...rest }: Rollback): StreamStep {
    const rollback = { ...rest, checkpoint: { ...checkpoint, undo: true } }
    this.progress.restart(rollback.checkpoint)
    this.undoing = rollback
    this.at = "RollingBack"
    return { _tag: "Undo", rollback }
  }

  private failed(failure: StreamFailure): StreamStep {
    return { _tag: "Failed", failure: this.fail(failure) }
  }

  private fail<A extends StreamFailure>(failure: A): A {
    this.lost()
    this.at = "Failed"
    return failure
  }
}
