/**
 * One vbucket of a consumer, from its checkpoint to its end: what to ask for, what an answer means, when what was delivered has to be undone, what
 * is stored before what, when to wait and when to give up. Pure: no connection, no clock; `action` says what to do now, and each method tells what
 * came of it. The consumer obeys it, and so do the simulation and the exploration.
 *
 * Two orders make a crash between any two steps harmless. A rollback: delivery stops, the checkpoint to go back to is stored with the note that
 * undoing is owed, the application undoes, the checkpoint is stored without the note, the stream is requested again. A first delivery: before the
 * application sees anything after its stored checkpoint, the checkpoint says that it may have (`ahead`), together with the branch it was on.
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
import { backOff } from "./ConnectBudget.ts"
import { checkFailoverLog, type FailoverLog, maxBranches } from "./FailoverLog.ts"
import { type Delivered, Progress } from "./Progress.ts"
import { endless } from "./RollbackDecision.ts"
import { isViolation, type Placed, type Snapshot, SnapshotTracker, type Violation } from "./SnapshotTracker.ts"
import { type FailCause, type Reaction, reactionToEnd, reactionToStatus } from "./StreamReactions.ts"

/** Why what was delivered has to be undone. */
export type UndoReason =
  | RollbackReason
  /** The history went on another way, and what was delivered after the checkpoint may not be part of it. */
  | "BranchChanged"
  /** Something was delivered before anything was committed, and its tombstones may be purged: a producer asks no consumer at 0 to go back. */
  | "TombstonesPurged"
  /** What was delivered is of another bucket, which had the same name. */
  | "BucketChanged"

/** What the application has to undo: everything after `to`. */
export interface RollbackNotice {
  /** How far the checkpoint was. */
  readonly from: bigint
  readonly to: bigint
  /** What the producer asked for; `to` may be less. */
  readonly requested: bigint
  readonly reason: UndoReason
}

/** What a stream request says: `DCP_STREAM_REQ` without its flags. */
export interface StreamAsk {
  readonly startSeqno: bigint
  readonly endSeqno: bigint
  readonly vbucketUuid: bigint
  readonly snapStartSeqno: bigint
  readonly snapEndSeqno: bigint
  /** Highest purge seqno that was seen; 0: none. */
  readonly purgeSeqno: bigint
}

/** Why a vbucket is not followed any more. */
export interface FollowFailure {
  readonly cause: FailCause | "IllegalCheckpoint" | "ProtocolViolation" | "RollbackLoop" | "CollectionGone" | "TooManyAttempts"
  /** The producer's status, when one was the cause. */
  readonly status: number | undefined
  /** What the producer did, or said. */
  readonly detail: string | undefined
}

/** What is to be done now, and the methods that tell what came of it. */
export type FollowAction =
  /** Request the stream: `opened`, `refused`, `rolledBack` or `lost`. */
  | { readonly _tag: "Ask"; readonly ask: StreamAsk }
  /** Fetch the producer's failover log and highest seqno: `compared`. */
  | { readonly _tag: "Compare" }
  /** Store `checkpoint`, as it is when it is stored: `saved`. */
  | { readonly _tag: "Save" }
  /** Have the application undo: `undone`. */
  | { readonly _tag: "Undo"; readonly rollback: RollbackNotice }
  /** Fetch the producer's highest seqno: `measured`. */
  | { readonly _tag: "Measure" }
  /** The stream is open: messages, until there is another action. */
  | { readonly _tag: "Follow" }
  /** Wait until everything that was delivered is settled, for a while: `drained`. */
  | { readonly _tag: "Drain" }
  /** Wait: `waited`. */
  | { readonly _tag: "Wait"; readonly milliseconds: number }
  /** Find out where the vbucket is now: `located`. */
  | { readonly _tag: "Locate" }
  /** Wait for a newer cluster map: `waited`. */
  | { readonly _tag: "AwaitMap"; readonly attempt: number }
  /** Close a stream that is open without our knowledge, and wait: `waited`. */
  | { readonly _tag: "Close"; readonly milliseconds: number }
  /** Everything that was asked for was delivered. */
  | { readonly _tag: "Finished" }
  | { readonly _tag: "Failed"; readonly failure: FollowFailure }

/** Where a follower stands. */
export type FollowPhase =
  /** The stream is asked for. */
  | "Requesting"
  /** The producer does not know our branch; its log is being fetched. */
  | "Comparing"
  /** That undoing is owed is being stored. */
  | "Marking"
  /** The application is undoing. */
  | "Undoing"
  /** That nothing is owed any more is being stored. */
  | "Clearing"
  /** How far the history goes now is being asked. */
  | "Measuring"
  /** That something may be delivered is being stored; the first message waits. */
  | "Announcing"
  /** Messages come. */
  | "Following"
  /** The stream is gone; what was delivered is being settled. */
  | "Draining"
  /** Before the next request. */
  | "Waiting"
  | "Locating"
  | "AwaitingMap"
  | "Closing"
  | "Finished"
  | "Failed"

/** Which phase may come after which. */
export const followTransitions: { readonly [Phase in FollowPhase]: ReadonlyArray<FollowPhase> } = {
  Requesting: [
    "Requesting",
    "Comparing",
    "Marking",
    "Measuring",
    "Following",
    "Draining",
    "Waiting",
    "Locating",
    "Closing",
    "Finished",
    "Failed"
  ],
  Comparing: ["Requesting", "Marking"],
  Marking: ["Undoing"],
  Undoing: ["Clearing"],
  Clearing: ["Measuring", "Announcing", "Following", "Draining", "Requesting", "Waiting"],
  Measuring: ["Requesting", "Waiting", "Announcing", "Following", "Draining", "Finished"],
  Announcing: ["Following", "Draining", "Finished"],
  Following: ["Announcing", "Draining", "Finished"],
  Draining: ["Requesting", "Waiting", "Locating", "Finished", "Failed"],
  Waiting: ["Requesting"],
  Locating: ["Requesting", "AwaitingMap"],
  AwaitingMap: ["Requesting"],
  Closing: ["Requesting"],
  Finished: [],
  Failed: []
}

/** How a vbucket is followed. */
export interface FollowOptions {
  /** Complete ends that are remembered. Default: 16. */
  readonly history?: number
  /** `rebuild` always goes back to the beginning: for applications that cannot undo a part. Default: `undo`. */
  readonly onRollback?: "undo" | "rebuild"
  /** Why undoing is owed when following begins, if it is. Default: `Interrupted`. */
  readonly owed?: UndoReason
  /** Where the stream ends. Default: `endless`. */
  readonly end?: bigint
  /** The producer's highest seqno when following begins: what is caught up with. */
  readonly high?: bigint
  /** Spreads waits. Default: no spread. */
  readonly random?: () => number
  /** Told of each transition. */
  readonly onTransition?: (from: FollowPhase, to: FollowPhase) => void
}

/** Why a stream is gone. */
type Gone =
  | { readonly _tag: "Lost" }
  | { readonly _tag: "End"; readonly reason: number }
  | { readonly _tag: "Violation"; readonly message: string }
  | { readonly _tag: "Reached" }

/** Most rollbacks in a row without a message between them: one for each branch of a log, and one to 0. */
export const maxRounds = maxBranches + 1
/** Rollbacks without anything new after which the next request waits. */
const patientRounds = 3
/** Attempts after answers that cannot get better by themselves. */
const fewAttempts = 5
const longestWait = 4_000
/** Up to here a number is an exact seqno. */
const exact = BigInt(Number.MAX_SAFE_INTEGER)
const longestSlowWait = 60_000

/** One vbucket. */
export class VbucketFollower {
  /** What `follows` takes: messages after `after` and before `before`, which is 0 when there is no run. */
  private after = 0
  private before = 0
  private placedInRun: Placed | undefined = undefined
  private at: FollowPhase = "Requesting"
  readonly progress: Progress
  /** What is asked of its options again. */
  private readonly onTransition: FollowOptions["onTransition"]
  private readonly rebuilds: boolean
  private readonly random: () => number
  private readonly firstHigh: bigint | undefined
  private tracker: SnapshotTracker | undefined
  private next: FollowAction
  private rollback: RollbackNotice | undefined
  /** What says that the rollback is owed; it stays as it is whatever the open stream says meanwhile. */
  private marked: Checkpoint | undefined
  /** Why the stream is gone, or the one before it when none has been opened since. */
  private gone: Gone | undefined
  private target: bigint | undefined
  private last: bigint
  /** Up to here the application may have seen messages; `endless` when a process before this one delivered an unknown number. */
  private aheadTo: bigint
  /** A message waits for the checkpoint that announces it. */
  private held = false
  /** The history may end before what is waited for: how far it goes has not been found out since it went another way. */
  private unmeasured = false
  /** Rollbacks since a message came. */
  private rounds = 0
  /** Rollbacks that came after messages of which none was newer than all before. */
  private futile = 0
  private newest = 0n
  /** The producer's log was looked at since a message came. */
  private consulted = false
  private attempts = { soon: 0, slow: 0, few: 0, violations: 0, received: 0n }

  constructor(checkpoint: Checkpoint, options: FollowOptions = {}) {
    this.onTransition = options.onTransition
    this.rebuilds = options.onRollback === "rebuild"
    this.random = options.random ?? zero
    this.firstHigh = options.high
    this.progress = new Progress(checkpoint, options.history ?? defaultHistory)
    this.last = options.end ?? endless
    this.target = options.high
    this.aheadTo = checkpoint.ahead ? endless : 0n
    const { seqno } = checkpoint.position
    this.attempts.received = seqno
    this.newest = seqno
    if (checkpoint.undo) {
      this.marked = checkpoint
      this.rollback = { from: seqno, to: seqno, requested: seqno, reason: options.owed ?? "Interrupted" }
      this.at = "Undoing"
      this.next = { _tag: "Undo", rollback: this.rollback }
    } else this.next = this.asking()
  }

  /** What is to be done now. */
  get action(): FollowAction {
    return this.next
  }

  get phase(): FollowPhase {
    return this.at
  }

  /** What may be stored now. */
  get checkpoint(): Checkpoint {
    return this.marked ?? this.progress.checkpoint
  }

  /** Whether a stream is open. */
  get open(): boolean {
    return this.tracker !== undefined && this.gone === undefined
  }

  /** Whether what came of the open stream may not be handed over yet. */
  get holding(): boolean {
    return this.at === "Marking" || this.at === "Undoing" || this.at === "Clearing" || this.at === "Measuring" || this.at === "Announcing"
  }

  /** Whether something is still to come that was there when following began. */
  get behind(): boolean {
    return this.target !== undefined
  }

  /** Seqno of the last message of the open stream, processed or not. */
  get received(): bigint {
    if (this.before > 0) return BigInt(this.after)
    return this.tracker?.seqno ?? this.progress.checkpoint.position.seqno
  }

  /** The snapshot that the last message of the open stream was in. */
  get snapshot(): Snapshot | undefined {
    return this.tracker?.snapshot
  }

  // ── answers to a request

  /** The stream is open. */
  opened(failoverLog: FailoverLog): void {
    const { failoverLog: before, position } = this.progress.checkpoint
    this.tracker = new SnapshotTracker(failoverLog[0]?.vbucketUuid ?? 0n, position)
    this.gone = undefined
    const checked = checkFailoverLog(failoverLog)
    if (checked._tag === "Failure") {
      this.violated(checked.failure)
      return this.settleDown()
    }
    const changed = before.length > 0 && before[0]!.vbucketUuid !== failoverLog[0]!.vbucketUuid
    // an array of its very length: the decoder's has room for more
    if (!sameLog(before, failoverLog)) this.progress.amend({ failoverLog: failoverLog.slice() })
    if (changed) this.unmeasured = true
    // a producer asks no consumer at 0 to go back, though tombstones of what was delivered may be purged by now
    const purged = position.seqno === 0n
    if (this.ahead && (changed || purged)) {
      const { seqno } = position
      return this.mark({ from: seqno, to: seqno, requested: seqno, reason: changed ? "BranchChanged" : "TombstonesPurged" })
    }
    // what an earlier process delivered of this branch is part of what it had when following began
    if (this.aheadTo === endless && this.firstHigh !== undefined) this.aheadTo = this.firstHigh
    this.reach()
    this.begin()
  }

  /** The producer asks for a rollback to `requested`. */
  rolledBack(requested: bigint): void {
    const { checkpoint } = this.progress
    const from = checkpoint.position.seqno
    if (requested >= from) return this.fail("ProtocolViolation", undefined, `a rollback to ${requested}, which is not before ${from}`)
    if (this.rounds++ === 0) this.futile++
    if (this.rounds > maxRounds || this.futile > maxRounds) {
      return this.fail("RollbackLoop", undefined, `${maxRounds + 1} rollbacks without progress`)
    }
    if (requested === 0n && !this.consulted && checkpoint.failoverLog.length > 0 && !this.rebuilds) {
      this.consulted = true
      return this.go("Comparing", { _tag: "Compare" })
    }
    this.goBack(requested)
  }

  /** The producer refuses, with neither a rollback nor a stream; `detail` is what it says of it. */
  refused(status: number, detail?: string): void {
    this.react(reactionToStatus(status), status, detail)
  }

  // ── what the actions came to

  /** The producer's log, if it could be had, and its highest seqno, if it is known. */
  compared(theirs: FailoverLog | undefined, high: bigint = this.progress.checkpoint.position.seqno): void {
    const { checkpoint } = this.progress
    const found = theirs === undefined ? undefined : resumptionFromLog(checkpoint, theirs, high)
    if (found === undefined) return this.goBack(0n)
    // our position may be whole on a branch that both know; then nothing is to be undone
    if (found.checkpoint.position.seqno === checkpoint.position.seqno) {
      this.progress.restart(found.checkpoint)
      return this.request()
    }
    this.progress.restart(found.checkpoint)
    this.mark({ from: checkpoint.position.seqno, to: found.checkpoint.position.seqno, requested: 0n, reason: found.reason })
  }

  /** The checkpoint is stored. */
  saved(): void {
    switch (this.at) {
      case "Marking":
        return this.go("Undoing", { _tag: "Undo", rollback: this.rollback! })
      case "Clearing":
        if (this.tracker !== undefined) return this.begin()
        this.unmeasured = true
        return this.limited ? this.go("Measuring", { _tag: "Measure" }) : this.requestAgain()
      default:
        this.held = false
        this.settleDown()
    }
  }

  /** The application has undone everything after `to`. */
  undone(): void {
    this.rollback = undefined
    this.marked = undefined
    this.aheadTo = 0n
    this.progress.amend({ undo: false, ahead: this.held })
    this.held = false
    this.go("Clearing", { _tag: "Save" })
  }

  /** The producer's highest seqno, if it could be had: after a failover the vbucket may never reach the seqno that it had. */
  measured(high: bigint | undefined): void {
    if (high !== undefined) {
      if (this.target !== undefined && high < this.target) this.target = high
      if (this.last !== endless && high < this.last) this.last = high
      this.unmeasured = false
    }
    if (this.tracker === undefined) return this.requestAgain()
    this.reach()
    this.settleDown()
  }

  /** What was delivered is settled, or will not be for a while: what is not comes again. */
  drained(): void {
    const gone = this.gone!
    const { received } = this
    this.forget()
    if (received > this.attempts.received) {
      this.attempts = { soon: 0, slow: 0, few: 0, violations: 0, received }
    }
    if (gone._tag === "Violation" && ++this.attempts.violations > 1) {
      return this.fail("ProtocolViolation", undefined, gone.message)
    }
    if (gone._tag !== "End") return this.request()
    const reaction = reactionToEnd(gone.reason, received >= this.last)
    if (reaction._tag === "Finished") return this.go("Finished", { _tag: "Finished" })
    this.react(reaction, undefined, undefined)
  }

  /** Whether the vbucket is in another place than before. */
  located(moved: boolean): void {
    if (moved && this.attempts.soon === 0) return this.request()
    this.go("AwaitingMap", { _tag: "AwaitMap", attempt: ++this.attempts.soon })
  }

  waited(): void {
    this.request()
  }

  // ── messages of the open stream

  /**
   * Whether a message is one more of a run: after the one before it, inside of the same snapshot, with nothing to be decided. `run` is its place,
   * and it is delivered by `progress.deliver`; `place`, `deliver` and `advanced` are for all others. Most messages are such.
   * @param seqno as a number; one above 2⁵³ − 1 is never in a run
   */
  follows(seqno: number): boolean {
    if (seqno <= this.after || seqno >= this.before) return false
    this.after = seqno
    return true
  }

  /** The place of messages that `follows` is true of. */
  get run(): Placed {
    return this.placedInRun!
  }

  /** SNAPSHOT_MARKER. */
  marker(start: bigint, end: bigint, flags: number, purgeSeqno = 0n): Violation | undefined {
    this.interrupt()
    if (purgeSeqno > 0n) this.progress.purged(purgeSeqno)
    return this.tracker!.marker(start, end, flags)
  }

  /** A message with a seqno; its place, or why it may not come. */
  place(seqno: bigint): Placed | Violation {
    this.interrupt()
    const placed = this.tracker!.place(seqno)
    if (!isViolation(placed)) {
      this.rounds = 0
      this.consulted = false
      this.reached(seqno)
    }
    return placed
  }

  /** A message is for the application; it has its place. Held until `holding` ends. */
  deliver(message: Delivered): void {
    if (!this.progress.ahead || this.marked !== undefined) {
      this.held = true
      if (this.at === "Following") this.settleDown()
    }
    this.progress.deliver(message)
  }

  /** A message that the application does not see has its place. Returns whether the checkpoint changed. */
  pass(seqno: bigint, placed: Placed): boolean {
    return this.progress.pass(seqno, placed)
  }

  /** OSO_SNAPSHOT. */
  unordered(begins: boolean): Violation | undefined {
    this.interrupt()
    if (begins) return this.tracker!.beginUnordered()
    const placed = this.tracker!.endUnordered()
    if (isViolation(placed)) return placed
    this.progress.pass(placed.snapshot.end, placed)
    return undefined
  }

  /** What came so far was handed over. Returns whether that caught up with what was there when following began. */
  advanced(): boolean {
    if (this.holding || this.tracker === undefined) return false
    this.interrupt()
    const caughtUp = this.target !== undefined && this.tracker.seqno >= this.target
    if (caughtUp) this.target = undefined
    if (this.at === "Following") {
      this.reach()
      if (this.gone === undefined) this.beginRun(this.tracker)
      else this.settleDown()
    }
    return caughtUp
  }

  // ── ends

  /** STREAM_END. */
  ended(reason: number): void {
    this.end({ _tag: "End", reason })
  }

  /** The producer sent what no producer may send. */
  violated(message: string): void {
    this.end({ _tag: "Violation", message })
  }

  /** The connection is gone, or could not be used: the request or the stream went with it. */
  lost(): void {
    if (this.at === "Requesting") return this.request()
    this.end({ _tag: "Lost" })
  }

  /** Nothing more is handed over: what is stored from now on says whether anything was after it. */
  stopped(): void {
    this.interrupt()
    if (!this.progress.ahead) return
    this.aheadTo = this.aheadTo === endless ? endless : greatest(this.aheadTo, this.progress.handedTo)
    if (this.aheadTo <= this.progress.checkpoint.position.seqno) this.progress.amend({ ahead: false })
  }

  // ── decisions

  /** Whether the application may have seen something after the checkpoint. */
  private get ahead(): boolean {
    return this.aheadTo > this.progress.checkpoint.position.seqno
  }

  private end(gone: Gone): void {
    if (this.tracker === undefined || this.gone !== undefined) return
    this.interrupt()
    this.gone = gone
    if (this.at === "Following") this.settleDown()
  }

  /** What comes next may be one of a run, up to the end of its snapshot and to what is caught up with. A stream ends where a snapshot does. */
  private beginRun(tracker: SnapshotTracker): void {
    // the announcement of a first delivery is a decision
    if (!this.progress.ahead || this.marked !== undefined) return
    const { run } = tracker
    if (run === undefined) return
    const { after, placed } = run
    let { before } = run
    if (this.target !== undefined && this.target < before) before = this.target
    if (before > exact) before = exact
    if (after >= before) return
    this.after = Number(after)
    this.before = Number(before)
    this.placedInRun = placed
  }

  private interrupt(): void {
    if (this.before === 0) return
    this.before = 0
    const seqno = BigInt(this.after)
    this.tracker!.moved(seqno)
    this.reached(seqno)
  }

  private reached(seqno: bigint): void {
    if (seqno <= this.newest) return
    this.newest = seqno
    this.futile = 0
  }

  /** Everything that was asked for is here once the whole of its snapshot is: only that is consistent. */
  private reach(): void {
    const { received, snapshot } = this
    if (received < this.last || snapshot !== undefined && snapshot.end > received) return
    this.gone ??= { _tag: "Reached" }
  }

  /** Whether something is waited for that the history may not have any more. */
  private get limited(): boolean {
    return this.target !== undefined || this.last !== endless
  }

  /** The stream may be followed, once it is known how far the history goes now. */
  private begin(): void {
    if (this.unmeasured && this.limited && this.gone === undefined) return this.go("Measuring", { _tag: "Measure" })
    this.settleDown()
  }

  /** With a stream: on to its messages; or, when it is gone, to what comes after it. */
  private settleDown(): void {
    if (this.held) {
      this.progress.amend({ ahead: true })
      return this.go("Announcing", { _tag: "Save" })
    }
    if (this.gone === undefined) return this.go("Following", { _tag: "Follow" })
    if (this.gone._tag === "Reached") return this.go("Finished", { _tag: "Finished" })
    this.go("Draining", { _tag: "Drain" })
  }

  private forget(): void {
    this.aheadTo = greatest(this.aheadTo, this.progress.forget())
    this.tracker = undefined
  }

  private request(): void {
    const next = this.asking()
    if (next._tag === "Failed") return this.go("Failed", next)
    this.go("Requesting", next)
  }

  /** Everything received and not processed is asked for again. */
  private asking(): FollowAction {
    const { position, purgeSeqno } = this.progress.checkpoint
    if (!isPosition(position)) return { _tag: "Failed", failure: illegal(position) }
    return {
      _tag: "Ask",
      ask: {
        startSeqno: position.seqno,
        endSeqno: greatest(this.last, position.seqno),
        vbucketUuid: position.vbucketUuid,
        snapStartSeqno: position.snapshotStart,
        snapEndSeqno: position.snapshotEnd,
        purgeSeqno
      }
    }
  }

  private goBack(requested: bigint): void {
    const { checkpoint } = this.progress
    const found = resumption(checkpoint, this.rebuilds ? 0n : requested)
    this.progress.restart(found.checkpoint)
    this.mark({ from: checkpoint.position.seqno, to: found.checkpoint.position.seqno, requested, reason: found.reason })
  }

  private mark(rollback: RollbackNotice): void {
    this.rollback = rollback
    this.progress.amend({ undo: true })
    this.marked = this.progress.checkpoint
    this.go("Marking", { _tag: "Save" })
  }

  private react(reaction: Reaction, status: number | undefined, detail: string | undefined): void {
    const { attempts, random } = this
    switch (reaction._tag) {
      case "Locate":
        return this.go("Locating", { _tag: "Locate" })
      case "CloseFirst":
        if (++attempts.few > fewAttempts) return this.fail("IllegalRequest", status, detail)
        return this.go("Closing", { _tag: "Close", milliseconds: backOff(attempts.few, 100, longestWait, random) })
      case "Few":
        if (++attempts.few > fewAttempts) return this.fail(reaction.cause, status, detail)
        return this.wait(backOff(attempts.few, 100, longestWait, random))
      case "Soon":
        return this.wait(backOff(++attempts.soon, 100, longestWait, random))
      case "Slow":
        return this.wait(backOff(++attempts.slow, 1_000, longestSlowWait, random))
      case "Fail":
        return this.fail(reaction.cause, status, detail)
    }
  }

  /** The request after a rollback: it waits when one rollback followed the other and nothing new came between them. */
  private requestAgain(): void {
    if (this.futile > patientRounds) return this.wait(backOff(this.futile - patientRounds, 100, longestWait, this.random))
    this.request()
  }

  private wait(milliseconds: number): void {
    this.go("Waiting", { _tag: "Wait", milliseconds })
  }

  private fail(cause: FollowFailure["cause"], status: number | undefined, detail: string | undefined): void {
    this.forget()
    this.go("Failed", { _tag: "Failed", failure: { cause, status, detail } })
  }

  private go(phase: FollowPhase, action: FollowAction): void {
    this.interrupt()
    const { at } = this
    this.at = phase
    this.next = action
    this.onTransition?.(at, phase)
  }
}

const zero = (): number => 0
const greatest = (a: bigint, b: bigint): bigint => a > b ? a : b

const illegal = ({ seqno, snapshotEnd, snapshotStart }: Position): FollowFailure => ({
  cause: "IllegalCheckpoint",
  status: undefined,
  detail: `seqno ${seqno} is outside of its snapshot from ${snapshotStart} to ${snapshotEnd}`
})

const sameLog = (a: FailoverLog, b: FailoverLog): boolean =>
  a.length === b.length && a.every((entry, i) => entry.seqno === b[i]!.seqno && entry.vbucketUuid === b[i]!.vbucketUuid)
