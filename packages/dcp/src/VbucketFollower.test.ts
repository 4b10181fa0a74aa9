/** What a vbucket's follower asks for, delivers and has undone, step by step: SC-01…SC-59 as far as they are decisions. */
import { describe, expect, it } from "vitest"
import { type Checkpoint, completeAt, emptyCheckpoint, type Position } from "./Checkpoint.ts"
import { endless } from "./RollbackDecision.ts"
import { isViolation } from "./SnapshotTracker.ts"
import type { FollowOptions, FollowPhase, VbucketFollower } from "./VbucketFollower.ts"
import { a, at, b, c, failed, Line, log, onA } from "./VbucketFollower.fixture.ts"

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

  it("SC-50 is measured with the stream when it could not be before it", () => {
    const line = new Line(at(9), { end: 20n })
    line.follower.rolledBack(4n)
    line.follower.saved()
    line.follower.undone()
    line.follower.saved()
    line.follower.measured(undefined)
    line.opened()
    expect([line.phase, line.action._tag]).toEqual(["Measuring", "Measure"])
    line.follower.measured(12n)
    expect(line.phase).toBe("Following")
    // known, and not asked for again
    expect(line.lost().opened().phase).toBe("Following")
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
    expect([after(8n, 7), after(8n, 8), after(undefined, 8)]).toEqual(["Marking", "Measuring", "Marking"])
  })

  it("SC-12 what is waited for is measured anew on another branch, before anything of it is handed over, until it could be", () => {
    const line = new Line(at(5), { high: 9n, end: 9n }).opened(newBranch)
    expect([line.phases, line.follower.holding]).toEqual([["Measuring"], true])
    // the connection broke: asked again, and measured again
    line.follower.lost()
    line.follower.measured(undefined)
    line.follower.drained()
    line.opened(newBranch).follower.measured(5n)
    expect(line.phases).toEqual(["Measuring", "Draining", "Requesting", "Measuring", "Finished"])
    expect(line.follower.advanced()).toBe(true)
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

  it.each([0, 5])("is said to be nothing when nobody was given it, after %i", (from) => {
    const line = new Line(from === 0 ? emptyCheckpoint : at(from)).opened()
    line.follower.marker(6n, 9n, 1)
    const placed = line.follower.place(6n)
    if (isViolation(placed)) throw new Error(placed.message)
    line.follower.deliver({ seqno: 6n, placed, waits: false, handed: false, following: undefined })
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
