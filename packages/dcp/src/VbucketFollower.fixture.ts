/** A follower that a test leads step by step, without a producer. */
import { expect } from "vitest"
import { type Checkpoint, completeAt, emptyCheckpoint } from "./Checkpoint.ts"
import type { FailoverLog } from "./FailoverLog.ts"
import type { Delivered } from "./Progress.ts"
import { isViolation } from "./SnapshotTracker.ts"
import { type FollowOptions, type FollowPhase, VbucketFollower } from "./VbucketFollower.ts"

export const [a, b, c] = [0xan, 0xbn, 0xcn]
export const log = (...entries: ReadonlyArray<readonly [bigint, number]>): FailoverLog =>
  entries.map(([vbucketUuid, seqno]) => ({ vbucketUuid, seqno: BigInt(seqno) }))
export const onA = log([a, 0])

/** Everything up to `seqno` was processed on branch A. */
export const at = (seqno: number, more: Partial<Checkpoint> = {}): Checkpoint => ({
  ...emptyCheckpoint,
  position: completeAt(a, BigInt(seqno)),
  failoverLog: onA,
  complete: [{ vbucketUuid: a, seqno: BigInt(seqno) }],
  ...more
})

/** A follower whose phases are written down, and whose messages are processed when they are told to be. */
export class Line {
  readonly follower: VbucketFollower
  readonly phases: Array<FollowPhase> = []
  private readonly delivered = new Map<number, Delivered>()

  constructor(checkpoint: Checkpoint = emptyCheckpoint, options: FollowOptions = {}) {
    this.follower = new VbucketFollower(checkpoint, { ...options, onTransition: (_, to) => this.phases.push(to) })
  }

  opened(failoverLog: FailoverLog = onA): this {
    this.follower.opened(failoverLog)
    return this
  }

  /** One snapshot with all of these in it, announced where that is wanted. */
  items(...seqnos: ReadonlyArray<number>): this {
    return this.snapshot(seqnos[0]!, seqnos.at(-1)!, ...seqnos)
  }

  snapshot(start: number, end: number, ...seqnos: ReadonlyArray<number>): this {
    expect(this.follower.marker(BigInt(start), BigInt(end), 1)).toBeUndefined()
    for (const seqno of seqnos) this.item(seqno)
    return this
  }

  item(seqno: number): this {
    this.arrive(seqno)
    if (this.follower.phase === "Announcing") this.follower.saved()
    return this
  }

  /** Delivered, and perhaps held. */
  arrive(seqno: number): this {
    const placed = this.follower.place(BigInt(seqno))
    if (isViolation(placed)) throw new Error(placed.message)
    const message: Delivered = { seqno: BigInt(seqno), placed, waits: false, handed: true, following: undefined }
    this.follower.deliver(message)
    this.delivered.set(seqno, message)
    return this
  }

  process(...seqnos: ReadonlyArray<number>): this {
    for (const seqno of seqnos) this.follower.progress.process(this.delivered.get(seqno)!)
    return this
  }

  /** The stream is lost, and asked for again. */
  lost(): this {
    this.follower.lost()
    this.follower.drained()
    return this
  }

  /** A rollback up to the request after it; returns where it went. */
  rolledBack(requested: number): bigint {
    const { follower } = this
    follower.rolledBack(BigInt(requested))
    if (follower.action._tag === "Compare") follower.compared(undefined)
    follower.saved()
    const to = follower.action._tag === "Undo" ? follower.action.rollback.to : -1n
    follower.undone()
    follower.saved()
    if (follower.action._tag === "Measure") follower.measured(undefined)
    return to
  }

  get action() {
    return this.follower.action
  }

  get phase(): FollowPhase {
    return this.follower.phase
  }
}

export const wait = (milliseconds: number) => ({ _tag: "Wait", milliseconds })
export const failed = (cause: string, status?: number, detail?: string) => ({ _tag: "Failed", failure: { cause, status, detail } })
