/** What a vbucket's follower decides, step by step: SC-01…SC-63 as far as they are decisions, without a producer. */
import { describe, expect, it } from "vitest"
import { type Checkpoint, completeAt, emptyCheckpoint, type Position } from "./Checkpoint.ts"
import type { FailoverLog } from "./FailoverLog.ts"
import type { Delivered } from "./Progress.ts"
import { endless } from "./RollbackDecision.ts"
import { isViolation } from "./SnapshotTracker.ts"
import { type FollowOptions, type FollowPhase, VbucketFollower } from "./VbucketFollower.ts"

const [a, b, c] = [0xan, 0xbn, 0xcn]
const log = (...entries: ReadonlyArray<readonly [bigint, number]>): FailoverLog =>
  entries.map(([vbucketUuid, seqno]) => ({ vbucketUuid, seqno: BigInt(seqno) }))
const onA = log([a, 0])

/** Everything up to `seqno` was processed on branch A. */
const at = (seqno: number, more: Partial<Checkpoint> = {}): Checkpoint => ({
  ...emptyCheckpoint,
  position: completeAt(a, BigInt(seqno)),
  failoverLog: onA,
  complete: [{ vbucketUuid: a, seqno: BigInt(seqno) }],
  ...more
})

/** A follower whose phases are written down, and whose messages are processed when they are told to be. */
class Line {
  readonly follower: VbucketFollower
  readonly phases: Array<FollowPhase> = []
  private readonly delivered = new Map<number, Delivered & { ordinal: number }>()

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
    const message = { seqno: BigInt(seqno), placed, processed: false, handed: true, ordinal: 0 }
    message.ordinal = this.follower.deliver(message)
    this.delivered.set(seqno, message)
    return this
  }

  process(...seqnos: ReadonlyArray<number>): this {
    for (const seqno of seqnos) this.follower.progress.process(this.delivered.get(seqno)!.ordinal)
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

const wait = (milliseconds: number) => ({ _tag: "Wait", milliseconds })
const failed = (cause: string, status?: number, detail?: string) => ({ _tag: "Failed", failure: { cause, status, detail } })

describe("a request", () => {
  it("SC-01 asks for everything when nothing is known", () => {
    expect(new Line().action).toEqual({
      _tag: "Ask",
      ask: { startSeqno: 0n, endSeqno: 2n ** 64n - 1n, vbucketUuid: 0n, snapStartSeqno: 0n, snapEndSeqno: 0n, purgeSeqno: 0n }
    })
    expect(new Line().phase).toBe("Requesting")
  })

  it("SC-26 asks for what is after the checkpoint, in its words", () => {
    const position: Position = { vbucketUuid: a, seqno: 6n, snapshotStart: 4n, snapshotEnd: 9n }
    expect(new Line(at(6, { position, purgeSeqno: 3n }), { end: 20n }).action).toEqual({
      _tag: "Ask",
      ask: { startSeqno: 6n, endSeqno: 20n, vbucketUuid: a, snapStartSeqno: 4n, snapEndSeqno: 9n, purgeSeqno: 3n }
    })
  })

  // S-18: start ≤ end, or the producer answers ERANGE
  it("SC-13 never ends before it begins", () => {
    expect(new Line(at(30), { end: 20n }).action).toMatchObject({ ask: { startSeqno: 30n, endSeqno: 30n } })
  })

  it.each([[3n, 4n, 9n], [10n, 4n, 9n]])("SC-14 is not made from %i in [%i, %i]", (seqno, snapshotStart, snapshotEnd) => {
    const { action } = new Line(at(0, { position: { vbucketUuid: a, seqno, snapshotStart, snapshotEnd } }))
    expect(action).toEqual(failed("IllegalCheckpoint", undefined, `seqno ${seqno} is outside of its snapshot from 4 to 9`))
  })

  it("that is lost is made again", () => {
    const line = new Line()
    line.follower.lost()
    expect(line.phases).toEqual(["Requesting"])
    expect(line.action._tag).toBe("Ask")
  })
})

describe("a stream", () => {
  it("SC-58 has the producer's log, which is stored when it is another", () => {
    const line = new Line(at(5))
    expect(line.follower.open).toBe(false)
    line.opened()
    expect([line.phase, line.follower.open, line.follower.holding, line.follower.progress.dirty]).toEqual(["Following", true, false, false])
    for (const other of [log([b, 3], [a, 0]), log([b, 4]), log([b, 4], [a, 0]), log([a, 0])]) {
      const next = new Line(at(5, { failoverLog: log([b, 4]) })).opened(other)
      expect(next.follower.checkpoint.failoverLog).toEqual(other)
      expect(next.follower.progress.dirty).toBe(other.length > 1 || other[0]!.vbucketUuid !== b)
    }
    expect(new Line(at(5)).opened(log([a, 1])).follower.progress.dirty).toBe(true)
  })

  it("SC-59 delivers on the newest branch", () => {
    const line = new Line(at(5)).opened(log([b, 5], [a, 0])).items(6, 7).process(6, 7)
    expect(line.follower.checkpoint.position).toEqual(completeAt(b, 7n))
    expect(line.follower.snapshot).toMatchObject({ vbucketUuid: b, start: 6n, end: 7n })
  })

  it("knows what it received, processed or not", () => {
    const line = new Line(at(5))
    expect(line.follower.received).toBe(5n)
    line.opened().items(6, 8)
    expect(line.follower.received).toBe(8n)
    line.lost()
    expect(line.follower.received).toBe(5n)
  })

  it("says once that something may be delivered, before it is", () => {
    const line = new Line(at(5)).opened()
    line.follower.marker(6n, 9n, 1)
    line.arrive(6)
    expect([line.phase, line.action._tag, line.follower.holding, line.follower.checkpoint.ahead]).toEqual([
      "Announcing",
      "Save",
      true,
      true
    ])
    line.arrive(7)
    expect(line.phases).toEqual(["Following", "Announcing"])
    line.follower.saved()
    expect([line.phase, line.follower.holding]).toEqual(["Following", false])
    line.arrive(8)
    expect(line.phases).toEqual(["Following", "Announcing", "Following"])
  })

  it("SC-36 remembers the highest purge seqno", () => {
    const line = new Line(at(5)).opened()
    line.follower.marker(6n, 9n, 1, 4n)
    expect(line.follower.checkpoint.purgeSeqno).toBe(4n)
    line.follower.marker(6n, 9n, 1, 3n)
    expect(line.follower.checkpoint.purgeSeqno).toBe(4n)
    line.follower.progress.stored(line.follower.checkpoint)
    line.follower.marker(6n, 9n, 1)
    expect(line.follower.progress.dirty).toBe(false)
    const other = new Line(at(5)).opened()
    other.follower.marker(6n, 9n, 1)
    expect(other.follower.checkpoint.purgeSeqno).toBe(0n)
    other.follower.marker(6n, 9n, 1, 1n)
    expect(other.follower.checkpoint.purgeSeqno).toBe(1n)
  })

  it("SC-36 has the flags of its markers", () => {
    const line = new Line(at(5)).opened()
    line.follower.marker(6n, 9n, 0x12)
    line.item(6)
    expect(line.follower.snapshot?.flags).toBe(0x12)
  })

  it("remembers as many complete ends as it is told", () => {
    const line = new Line(at(5), { history: 2 }).opened()
    for (const seqno of [6, 7, 8]) line.items(seqno).process(seqno)
    expect(line.follower.checkpoint.complete).toHaveLength(2)
    const many = new Line(at(5)).opened()
    for (let seqno = 6; seqno < 40; seqno++) many.items(seqno).process(seqno)
    expect(many.follower.checkpoint.complete).toHaveLength(16)
  })

  it("SC-31 moves with messages that nobody sees, which announce nothing", () => {
    const line = new Line(at(5)).opened()
    line.follower.marker(6n, 9n, 1)
    const placed = line.follower.place(9n)
    if (isViolation(placed)) throw new Error(placed.message)
    expect(line.follower.pass(9n, placed)).toBe(true)
    expect(line.follower.checkpoint).toMatchObject({ position: completeAt(a, 9n), ahead: false })
  })

  it("SC-34 moves at the end of an out-of-order snapshot", () => {
    const line = new Line(at(5)).opened()
    expect(line.follower.unordered(true)).toBeUndefined()
    line.item(9).item(7).process(9, 7)
    expect(line.follower.checkpoint.position.seqno).toBe(5n)
    expect(line.follower.unordered(false)).toBeUndefined()
    expect(line.follower.checkpoint.position).toEqual(completeAt(a, 9n))
    expect(line.follower.unordered(false)).toMatchObject({ message: expect.stringContaining("did not begin") })
  })
})

describe("what is asked of a stream", () => {
  it("SC-02 is there when its snapshot is", () => {
    const line = new Line(at(5), { end: 7n }).opened()
    expect(line.phase).toBe("Following")
    line.snapshot(6, 9, 6)
    line.follower.advanced()
    expect(line.phase).toBe("Following")
    line.item(7)
    line.follower.advanced()
    // 8 or 9 may have replaced what was before 7
    expect(line.phase).toBe("Following")
    line.item(9)
    line.follower.advanced()
    expect([line.phase, line.action._tag, line.follower.open]).toEqual(["Finished", "Finished", false])
  })

  it("SC-02 is there at once when it was processed before", () => {
    expect(new Line(at(5), { end: 5n }).opened().phase).toBe("Finished")
    expect(new Line(at(5), { end: 4n }).opened().phase).toBe("Finished")
    expect(new Line(at(5), { end: 6n }).opened().phase).toBe("Following")
  })

  it("SC-12 is caught up with once, when it was handed over", () => {
    const line = new Line(at(5), { high: 7n })
    expect(line.follower.advanced()).toBe(false)
    line.opened().snapshot(6, 9, 6)
    expect([line.follower.advanced(), line.follower.behind]).toEqual([false, true])
    line.item(7)
    expect([line.follower.advanced(), line.follower.behind]).toEqual([true, false])
    line.item(8)
    expect(line.follower.advanced()).toBe(false)
    expect(line.phase).toBe("Following")
  })

  it("SC-12 is not caught up with by what is held", () => {
    const line = new Line(at(5), { high: 6n }).opened()
    line.follower.marker(6n, 6n, 1)
    line.arrive(6)
    expect(line.follower.advanced()).toBe(false)
    line.follower.saved()
    expect(line.follower.advanced()).toBe(true)
  })

  it("is not finished by what is held", () => {
    const line = new Line(at(5), { end: 6n }).opened()
    line.follower.marker(6n, 6n, 1)
    line.arrive(6)
    line.follower.advanced()
    expect(line.phase).toBe("Announcing")
    line.follower.saved()
    line.follower.advanced()
    expect(line.phase).toBe("Finished")
  })

  // after a failover the vbucket may never reach the seqno that it had
  it("SC-50 is no more than there is after a rollback", () => {
    const measured = (high: bigint | undefined, options: FollowOptions): VbucketFollower => {
      const { follower } = new Line(at(9), options)
      follower.rolledBack(4n)
      follower.saved()
      follower.undone()
      follower.saved()
      expect(follower.action._tag).toBe("Measure")
      follower.measured(high)
      expect(follower.phase).toBe("Requesting")
      return follower
    }
    expect(measured(12n, { high: 20n, end: 20n }).action).toMatchObject({ ask: { endSeqno: 12n } })
    expect(measured(25n, { high: 20n, end: 20n }).action).toMatchObject({ ask: { endSeqno: 20n } })
    expect(measured(undefined, { high: 20n, end: 20n }).action).toMatchObject({ ask: { endSeqno: 20n } })
    expect(measured(12n, { high: 20n }).action).toMatchObject({ ask: { endSeqno: endless } })
    expect(measured(12n, { end: 20n }).behind).toBe(false)
    const caughtUp = (high: bigint): boolean => {
      const follower = measured(high, { high: 20n })
      follower.opened(onA)
      follower.marker(1n, 12n, 1)
      const placed = follower.place(12n)
      if (isViolation(placed)) throw new Error(placed.message)
      follower.pass(12n, placed)
      return follower.advanced()
    }
    expect([caughtUp(12n), caughtUp(13n)]).toEqual([true, false])
    const later = measured(25n, { high: 20n })
    later.opened(onA)
    later.marker(1n, 20n, 1)
    const placed = later.place(20n)
    if (isViolation(placed)) throw new Error(placed.message)
    later.pass(20n, placed)
    expect(later.advanced()).toBe(true)
  })

  it("is not measured when nothing was asked of it", () => {
    const { follower } = new Line(at(9))
    follower.rolledBack(4n)
    follower.saved()
    follower.undone()
    follower.saved()
    expect(follower.phase).toBe("Requesting")
  })
})

describe("what was delivered ahead of the checkpoint", () => {
  const ahead = (seqno: number, more: Partial<Checkpoint> = {}): Checkpoint => at(seqno, { ahead: true, ...more })
  const newBranch = log([b, 7], [a, 0])

  it("SC-50 is undone when the branch changed, marked before and cleared after", () => {
    const line = new Line(ahead(5)).opened(newBranch)
    expect([line.phase, line.action._tag, line.follower.holding, line.follower.open]).toEqual(["Marking", "Save", true, true])
    expect(line.follower.checkpoint).toEqual(ahead(5, { undo: true, failoverLog: newBranch }))
    line.follower.saved()
    expect([line.phase, line.follower.holding]).toEqual(["Undoing", true])
    expect(line.action).toEqual({ _tag: "Undo", rollback: { from: 5n, to: 5n, requested: 5n, reason: "BranchChanged" } })
    line.follower.undone()
    expect([line.phase, line.action._tag, line.follower.holding]).toEqual(["Clearing", "Save", true])
    expect(line.follower.checkpoint).toEqual(at(5, { failoverLog: newBranch }))
    line.follower.saved()
    expect([line.phase, line.follower.holding]).toEqual(["Following", false])
  })

  it("stays marked as it was, whatever the open stream says meanwhile", () => {
    const line = new Line(ahead(5)).opened(newBranch)
    const marked = line.follower.checkpoint
    line.follower.marker(6n, 9n, 1, 3n)
    const placed = line.follower.place(9n)
    if (isViolation(placed)) throw new Error(placed.message)
    line.follower.pass(9n, placed)
    expect(line.follower.checkpoint).toEqual(marked)
    line.follower.saved()
    expect(line.follower.checkpoint).toEqual(marked)
    line.follower.undone()
    expect(line.follower.checkpoint).toMatchObject({ position: completeAt(b, 9n), undo: false, purgeSeqno: 3n })
  })

  it("is undone at 0, where no producer asks for it: tombstones may be purged", () => {
    const nothing = { ...emptyCheckpoint, ahead: true }
    for (const checkpoint of [nothing, { ...nothing, failoverLog: onA }]) {
      const line = new Line(checkpoint).opened()
      line.follower.saved()
      expect(line.action).toEqual({ _tag: "Undo", rollback: { from: 0n, to: 0n, requested: 0n, reason: "TombstonesPurged" } })
    }
  })

  it.each([
    ["the branch is the same", ahead(5), onA],
    ["nothing was ahead", at(5), newBranch],
    ["nothing was ahead at 0", emptyCheckpoint, onA],
    ["nothing is known of the branch before", ahead(5, { failoverLog: [] }), newBranch]
  ])("is not undone when %s", (_, checkpoint, failoverLog) => {
    expect(new Line(checkpoint).opened(failoverLog).phase).toBe("Following")
  })

  it("by an earlier process is at most what the producer had when following began, if that is known", () => {
    const after = (high: bigint | undefined, seqno: number): FollowPhase => {
      const line = new Line(ahead(5), high === undefined ? {} : { high }).opened()
      line.items(6, seqno).process(6, seqno).lost()
      return line.opened(newBranch).phase
    }
    expect([after(8n, 7), after(8n, 8), after(undefined, 8)]).toEqual(["Marking", "Following", "Marking"])
  })

  it("by this process is what was not processed when the stream was lost", () => {
    const after = (...processed: ReadonlyArray<number>): FollowPhase =>
      new Line(at(5)).opened().snapshot(6, 9, 6, 7).process(...processed).lost().opened(newBranch).phase
    expect([after(), after(6), after(6, 7)]).toEqual(["Marking", "Marking", "Following"])
  })

  it("is nothing after it was undone", () => {
    const line = new Line(ahead(5)).opened(newBranch)
    line.follower.saved()
    line.follower.undone()
    line.follower.saved()
    expect(line.lost().opened(log([c, 7], [a, 0])).phase).toBe("Following")
  })

  it("that waits while something is undone is announced with the end of the undoing", () => {
    const line = new Line(ahead(5)).opened(newBranch)
    line.follower.marker(6n, 9n, 1)
    line.arrive(6)
    line.follower.saved()
    line.arrive(7)
    expect(line.phase).toBe("Undoing")
    expect(line.follower.checkpoint).toMatchObject({ undo: true })
    line.follower.undone()
    expect(line.follower.checkpoint).toMatchObject({ undo: false, ahead: true })
    line.follower.saved()
    expect(line.phase).toBe("Following")
  })

  it("that comes while the end of the undoing is stored is announced after it", () => {
    const line = new Line(ahead(5)).opened(newBranch)
    line.follower.saved()
    line.follower.undone()
    line.follower.marker(6n, 9n, 1)
    line.arrive(6)
    expect(line.phase).toBe("Clearing")
    line.follower.saved()
    expect([line.phase, line.follower.checkpoint.ahead]).toEqual(["Announcing", true])
  })

  it("of a stream that is lost while something is undone changes nothing of what is owed", () => {
    const line = new Line(ahead(5)).opened(newBranch)
    line.follower.lost()
    expect([line.phase, line.follower.open]).toEqual(["Marking", false])
    line.follower.saved()
    line.follower.undone()
    line.follower.saved()
    expect(line.phase).toBe("Draining")
    line.follower.drained()
    expect(line.phase).toBe("Requesting")
  })

  it("is said to be nothing when a consumer ends with everything processed", () => {
    const ends = (checkpoint: Checkpoint, options: FollowOptions, ...processed: ReadonlyArray<number>): boolean => {
      const line = new Line(checkpoint, options).opened().snapshot(6, 9, 6, 7).process(...processed)
      line.follower.stopped()
      return line.follower.checkpoint.ahead
    }
    expect([ends(at(5), {}), ends(at(5), {}, 6), ends(at(5), {}, 6, 7)]).toEqual([true, true, false])
    expect([ends(ahead(5), {}, 6, 7), ends(ahead(5), { high: 7n }, 6, 7), ends(ahead(5), { high: 8n }, 6, 7)]).toEqual([true, false, true])
  })

  it("is said to be nothing when nobody was given it", () => {
    const line = new Line(at(5)).opened()
    line.follower.marker(6n, 9n, 1)
    const placed = line.follower.place(6n)
    if (isViolation(placed)) throw new Error(placed.message)
    line.follower.deliver({ seqno: 6n, placed, processed: false, handed: false })
    expect(line.follower.checkpoint.ahead).toBe(true)
    line.follower.stopped()
    expect(line.follower.checkpoint.ahead).toBe(false)
  })

  it("says nothing new when nothing was announced", () => {
    const line = new Line(at(5)).opened()
    line.follower.stopped()
    expect(line.follower.progress.dirty).toBe(false)
  })
})

describe("a rollback", () => {
  const whole = at(1000, { complete: [300n, 500n, 800n, 1000n].map((seqno) => ({ vbucketUuid: a, seqno })) })

  it("SC-42 goes to the newest whole snapshot: marked, undone, cleared, asked again", () => {
    const line = new Line(whole)
    line.follower.rolledBack(650n)
    expect([line.phase, line.action._tag, line.follower.holding]).toEqual(["Marking", "Save", true])
    expect(line.follower.checkpoint).toMatchObject({ undo: true, position: completeAt(a, 500n) })
    line.follower.saved()
    expect(line.action).toEqual({ _tag: "Undo", rollback: { from: 1000n, to: 500n, requested: 650n, reason: "CompleteSnapshot" } })
    line.follower.undone()
    expect(line.follower.checkpoint).toMatchObject({ undo: false, ahead: false, position: completeAt(a, 500n) })
    line.follower.saved()
    expect(line.action).toMatchObject({ _tag: "Ask", ask: { startSeqno: 500n } })
    expect(line.phases).toEqual(["Marking", "Undoing", "Clearing", "Requesting"])
  })

  it("SC-56 goes to the beginning for those who cannot undo a part", () => {
    const line = new Line(whole, { onRollback: "rebuild" })
    line.follower.rolledBack(650n)
    line.follower.saved()
    expect(line.action).toEqual({ _tag: "Undo", rollback: { from: 1000n, to: 0n, requested: 650n, reason: "Beginning" } })
    // and needs no log to do so
    const to0 = new Line(whole, { onRollback: "rebuild" })
    to0.follower.rolledBack(0n)
    expect(to0.phase).toBe("Marking")
  })

  it("SC-48 that was owed when the checkpoint was stored is finished first", () => {
    const owed = at(5, { undo: true, ahead: true })
    const line = new Line(owed)
    expect([line.phase, line.follower.holding, line.follower.checkpoint]).toEqual(["Undoing", true, owed])
    expect(line.action).toEqual({ _tag: "Undo", rollback: { from: 5n, to: 5n, requested: 5n, reason: "Interrupted" } })
    line.follower.undone()
    expect([line.phase, line.follower.checkpoint]).toEqual(["Clearing", at(5)])
    line.follower.saved()
    expect(line.phase).toBe("Requesting")
  })

  it.each([5, 6])("SC-47 to %i from 5 is a violation", (requested) => {
    const line = new Line(at(5))
    line.follower.rolledBack(BigInt(requested))
    expect(line.action).toEqual(failed("ProtocolViolation", undefined, `a rollback to ${requested}, which is not before 5`))
    expect(line.phase).toBe("Failed")
  })

  it("SC-45 to 0 compares the logs, once", () => {
    const checkpoint = at(500, {
      failoverLog: log([b, 500], [a, 0]),
      position: completeAt(b, 500n),
      complete: [{ vbucketUuid: b, seqno: 500n }]
    })
    const line = new Line(checkpoint)
    line.follower.rolledBack(0n)
    expect([line.phase, line.action._tag]).toEqual(["Comparing", "Compare"])
    // whole on a branch that both know: nothing is undone
    line.follower.compared(log([c, 500], [a, 0]), 600n)
    expect(line.phase).toBe("Requesting")
    expect(line.action).toMatchObject({ ask: { startSeqno: 500n, vbucketUuid: a } })
    line.follower.rolledBack(0n)
    expect(line.phase).toBe("Marking")
  })

  it("SC-45 compares again after a message", () => {
    const line = new Line(at(9))
    line.follower.rolledBack(0n)
    line.follower.compared(onA, 9n)
    line.opened().items(10).lost()
    line.follower.rolledBack(0n)
    expect(line.phase).toBe("Comparing")
  })

  it("SC-53 goes to what both histories share", () => {
    const line = new Line(whole)
    line.follower.rolledBack(0n)
    line.follower.compared(log([b, 600], [a, 0]), 700n)
    line.follower.saved()
    expect(line.action).toEqual({ _tag: "Undo", rollback: { from: 1000n, to: 500n, requested: 0n, reason: "CommonAncestor" } })
    expect(line.follower.checkpoint).toMatchObject({ position: completeAt(a, 500n), undo: true })
  })

  it("SC-53 shares no more than the producer has", () => {
    const to = (high: bigint): bigint => {
      const line = new Line(whole)
      line.follower.rolledBack(0n)
      line.follower.compared(onA, high)
      return line.follower.checkpoint.position.seqno
    }
    expect([to(500n), to(499n)]).toEqual([500n, 300n])
  })

  it("SC-53 takes the producer to have all of ours when it does not say how much it has", () => {
    const line = new Line(whole)
    line.follower.rolledBack(0n)
    line.follower.compared(onA)
    expect([line.phase, line.follower.checkpoint.position.seqno]).toEqual(["Requesting", 1000n])
  })

  it.each([["could not be had", undefined], ["shares nothing", log([c, 0])]])(
    "SC-54 goes to the beginning when the log %s",
    (_, theirs) => {
      const line = new Line(whole)
      line.follower.rolledBack(0n)
      line.follower.compared(theirs)
      line.follower.saved()
      expect(line.action).toEqual({ _tag: "Undo", rollback: { from: 1000n, to: 0n, requested: 0n, reason: "Beginning" } })
    }
  )

  it("to 0 compares nothing when there is no log of ours, or when another seqno is asked for", () => {
    const line = new Line(at(5, { failoverLog: [] }))
    line.follower.rolledBack(0n)
    expect(line.phase).toBe("Marking")
    const other = new Line(at(5))
    other.follower.rolledBack(1n)
    expect(other.phase).toBe("Marking")
  })
})

describe("rollbacks in a row", () => {
  const complete = Array.from({ length: 60 }, (_, i) => ({ vbucketUuid: a, seqno: BigInt(i + 1) }))
  const long = at(60, { complete })

  it("SC-46 are at most 26: one for each branch of a log, and one to 0", () => {
    const line = new Line(long, { history: 60 })
    for (let round = 1; round <= 26; round++) {
      expect(line.rolledBack(60 - round)).toBe(BigInt(60 - round))
    }
    line.follower.rolledBack(33n)
    expect(line.action).toEqual(failed("RollbackLoop", undefined, "27 rollbacks without progress"))
  })

  /** A rollback to 30, then everything up to `seqno` again; returns how long the request between them waited. */
  const episode = (line: Line, seqno: number): number => {
    expect(line.rolledBack(30)).toBe(30n)
    const milliseconds = line.action._tag === "Wait" ? line.action.milliseconds : 0
    if (milliseconds > 0) line.follower.waited()
    expect(line.phase).toBe("Requesting")
    line.opened().snapshot(31, seqno, 31, seqno).process(31, seqno).lost()
    return milliseconds
  }
  const long30 = at(60, { complete: [30n, 60n].map((seqno) => ({ vbucketUuid: a, seqno })) })
  const times = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i)

  it("SC-55 are as many when only what was there before comes between them, and wait longer and longer from the fourth on", () => {
    const line = new Line(long30)
    const waits = times(26).map(() => episode(line, 60))
    expect(waits.slice(0, 12)).toEqual([0, 0, 0, 100, 200, 400, 800, 1600, 3200, 4000, 4000, 4000])
    line.follower.rolledBack(30n)
    expect(line.action).toEqual(failed("RollbackLoop", undefined, "27 rollbacks without progress"))
  })

  it("SC-55 may go on for ever, without waiting, when something new comes between them", () => {
    const line = new Line(long30)
    expect(times(60).map((round) => episode(line, 61 + round))).toEqual(times(60).map(() => 0))
  })

  it("SC-55 count anew after the next seqno, and only after it", () => {
    const line = new Line(long30)
    const waits = [60, 60, 61, 61, 61, 62, 62, 62, 62, 62].map((seqno) => episode(line, seqno))
    expect(waits).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 100])
  })

  it("of one chain wait for nothing", () => {
    const line = new Line(long, { history: 60 })
    for (let round = 1; round <= 26; round++) {
      line.rolledBack(60 - round)
      expect(line.phase).toBe("Requesting")
    }
  })

  it("are chains of their own when a message came between them", () => {
    const line = new Line(long, { history: 60 })
    for (let round = 1; round <= 20; round++) line.rolledBack(60 - round)
    line.opened().items(41).process(41).lost()
    for (let round = 20; round <= 45; round++) {
      line.rolledBack(60 - round)
      expect(line.phase).toBe("Requesting")
    }
  })
})

describe("a refusal", () => {
  const waits = (status: number, most: number): { readonly waits: ReadonlyArray<number>; readonly line: Line } => {
    const line = new Line(at(5))
    const found: Array<number> = []
    while (found.length < most) {
      line.follower.refused(status, "because")
      if (line.action._tag !== "Wait" && line.action._tag !== "Close") break
      found.push(line.action.milliseconds)
      line.follower.waited()
      expect(line.phase).toBe("Requesting")
    }
    return { waits: found, line }
  }

  it("SC-18 that gets better is waited for: up to 4 s, or up to a minute when memory is short", () => {
    expect(waits(0x86, 8).waits).toEqual([100, 200, 400, 800, 1600, 3200, 4000, 4000])
    expect(waits(0x82, 8).waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
  })

  it.each([[0x88, "CollectionGone"], [0x84, "TooManyAttempts"], [0x02, "IllegalRequest"]])(
    "SC-20 %i is asked again five times",
    (status, cause) => {
      const { line, waits: found } = waits(status, 100)
      expect(found).toEqual([100, 200, 400, 800, 1600])
      expect(line.action).toEqual(failed(cause, status, "because"))
    }
  )

  it("SC-15 of a stream that is open already closes it first", () => {
    const line = new Line(at(5))
    line.follower.refused(0x02)
    expect([line.phase, line.action]).toEqual(["Closing", { _tag: "Close", milliseconds: 100 }])
  })

  it.each([[0x22, "IllegalRequest"], [0x24, "NoAccess"], [0x83, "NotSupported"], [0x08, "NoBucket"]])(
    "SC-16 %i ends it",
    (status, cause) => {
      const line = new Line(at(5))
      line.follower.refused(status, "because")
      expect([line.phase, line.action]).toEqual(["Failed", failed(cause, status, "because")])
    }
  )

  it("SC-60 NotMyVbucket looks where it is: asks there at once, then waits for newer maps", () => {
    const line = new Line(at(5))
    line.follower.refused(0x07)
    expect([line.phase, line.action._tag]).toEqual(["Locating", "Locate"])
    line.follower.located(true)
    expect(line.phase).toBe("Requesting")
    line.follower.refused(0x07)
    line.follower.located(false)
    expect([line.phase, line.action]).toEqual(["AwaitingMap", { _tag: "AwaitMap", attempt: 1 }])
    line.follower.waited()
    line.follower.refused(0x07)
    // a map that says one place after the other is no better than none
    line.follower.located(true)
    expect(line.action).toEqual({ _tag: "AwaitMap", attempt: 2 })
  })

  it("spreads its waits as chance has it", () => {
    const line = new Line(at(5), { random: () => 0.5 })
    line.follower.refused(0x86)
    expect(line.action).toEqual(wait(75))
  })
})

describe("the end of a stream", () => {
  const ends = (reason: number, options: FollowOptions = {}): Line => {
    const line = new Line(at(5), options).opened()
    line.follower.ended(reason)
    expect([line.phase, line.action._tag, line.follower.open]).toEqual(["Draining", "Drain", false])
    line.follower.drained()
    return line
  }

  it("SC-56 Ok is the end of what was asked for, or nothing to trust", () => {
    expect(ends(0).action).toEqual(wait(100))
    const line = new Line(at(5), { end: 7n }).opened().snapshot(6, 9, 6, 7)
    line.follower.ended(0)
    line.follower.drained()
    expect([line.phase, line.action]).toEqual(["Finished", { _tag: "Finished" }])
  })

  it.each([[1, 100], [4, 100], [6, 100], [5, 1000]])("SC-56 %i is asked for again after %i ms", (reason, milliseconds) => {
    expect(ends(reason).action).toEqual(wait(milliseconds))
  })

  it.each([[7, "FilterEmpty"], [8, "NoAccess"]])("SC-56 %i fails: %s", (reason, cause) => {
    expect(ends(reason).action).toEqual(failed(cause))
  })

  it.each([2, 99])("SC-56 %i looks where the vbucket is", (reason) => {
    expect(ends(reason).action).toEqual({ _tag: "Locate" })
  })

  it("SC-62 by a connection that broke: what was not processed is asked for again, at once", () => {
    const line = new Line(at(5)).opened().snapshot(6, 9, 6, 7).process(6)
    line.follower.lost()
    expect(line.phase).toBe("Draining")
    line.follower.drained()
    expect(line.action).toMatchObject({ _tag: "Ask", ask: { startSeqno: 6n, snapStartSeqno: 5n, snapEndSeqno: 9n } })
    expect(line.follower.progress.unprocessed).toBe(0)
  })

  it("is told once: what comes after the first reason is not heard", () => {
    const line = new Line(at(5)).opened()
    line.follower.ended(7)
    line.follower.lost()
    line.follower.violated("something")
    expect(line.phases).toEqual(["Following", "Draining"])
    line.follower.drained()
    expect(line.action).toEqual(failed("FilterEmpty"))
  })

  it("waits until what came before it is announced", () => {
    const line = new Line(at(5)).opened()
    line.follower.marker(6n, 9n, 1)
    line.arrive(6)
    line.follower.ended(7)
    expect(line.phase).toBe("Announcing")
    line.follower.saved()
    expect(line.phase).toBe("Draining")
  })

  it("SC-41 by a violation: asked for once more, then given up", () => {
    const line = new Line(at(5)).opened()
    line.follower.violated("first")
    line.follower.drained()
    expect(line.action._tag).toBe("Ask")
    line.opened()
    line.follower.violated("second")
    line.follower.drained()
    expect(line.action).toEqual(failed("ProtocolViolation", undefined, "second"))
  })

  it("SC-89 a log that is none is a violation", () => {
    const line = new Line(at(5)).opened([])
    expect([line.phase, line.follower.open]).toEqual(["Draining", false])
    line.follower.drained()
    line.opened([])
    line.follower.drained()
    expect(line.action).toEqual(failed("ProtocolViolation", undefined, "a failover log without entries"))
  })

  it("counts attempts anew after something new was received, and only then", () => {
    const line = new Line(at(5))
    const again = (...seqnos: ReadonlyArray<number>): unknown => {
      line.opened()
      if (seqnos.length > 0) line.items(...seqnos)
      line.follower.ended(1)
      line.follower.drained()
      const { action } = line
      line.follower.waited()
      return action
    }
    expect([again(), again(), again(6), again(6), again(6, 7), again()]).toEqual([100, 200, 100, 200, 100, 200].map(wait))
    line.opened()
    line.follower.violated("first")
    line.follower.drained()
    line.opened().items(6, 8)
    line.follower.violated("second")
    line.follower.drained()
    expect(line.action._tag).toBe("Ask")
  })

  it("counts the attempts before the stream, too, when nothing new came of it", () => {
    const line = new Line(at(5))
    line.follower.refused(0x86)
    line.follower.waited()
    line.opened()
    line.follower.ended(1)
    line.follower.drained()
    expect(line.action).toEqual(wait(200))
  })

  it("with the slow and the few attempts it is the same", () => {
    const line = new Line(at(5))
    const refusals = (status: number): ReadonlyArray<unknown> =>
      [1, 2].map(() => {
        line.follower.refused(status)
        const { action } = line
        line.follower.waited()
        return action
      })
    expect([...refusals(0x82), ...refusals(0x84)]).toEqual([1000, 2000, 100, 200].map(wait))
    line.opened().items(6).lost()
    expect([...refusals(0x82), ...refusals(0x84)]).toEqual([1000, 2000, 100, 200].map(wait))
  })

  it("of one that is not open changes nothing", () => {
    const line = new Line(at(5))
    line.follower.ended(0)
    line.follower.violated("something")
    expect([line.phases, line.phase]).toEqual([[], "Requesting"])
  })
})
