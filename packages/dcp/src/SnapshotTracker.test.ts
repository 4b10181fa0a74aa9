/** Snapshots and positions: SC-25…SC-41, message by message. */
import { describe, expect, it } from "vitest"
import { beginning, type Checkpoint, completeAt, emptyCheckpoint, type Position } from "./Checkpoint.ts"
import { type Delivered, Progress } from "./Progress.ts"
import { isViolation, maxEmptyMarkers, SnapshotTracker } from "./SnapshotTracker.ts"

const uuid = 0xabcn

/** A stream of one vbucket whose messages are processed when they are told to be. */
class Line {
  readonly tracker: SnapshotTracker
  readonly progress: Progress
  readonly violations: Array<string> = []
  private readonly delivered = new Map<number, Delivered>()

  constructor(from: Position = beginning, history?: number) {
    this.tracker = new SnapshotTracker(uuid, from)
    this.progress = new Progress({ ...emptyCheckpoint, position: from }, history)
  }

  marker(start: number, end: number, flags = 1): this {
    const violation = this.tracker.marker(BigInt(start), BigInt(end), flags)
    if (violation !== undefined) this.violations.push(violation.message)
    return this
  }

  deliver(...seqnos: ReadonlyArray<number>): this {
    for (const seqno of seqnos) {
      const placed = this.tracker.place(BigInt(seqno))
      if (isViolation(placed)) {
        this.violations.push(placed.message)
        continue
      }
      const message: Delivered = { seqno: BigInt(seqno), placed, waits: false, handed: true, following: undefined }
      this.progress.deliver(message)
      this.delivered.set(seqno, message)
    }
    return this
  }

  process(...seqnos: ReadonlyArray<number>): this {
    for (const seqno of seqnos) this.progress.process(this.delivered.get(seqno)!)
    return this
  }

  items(...seqnos: ReadonlyArray<number>): this {
    return this.deliver(...seqnos).process(...seqnos)
  }

  advanced(seqno: number): this {
    const placed = this.tracker.place(BigInt(seqno))
    if (isViolation(placed)) this.violations.push(placed.message)
    else this.progress.pass(BigInt(seqno), placed)
    return this
  }

  get checkpoint(): Checkpoint {
    return this.progress.checkpoint
  }

  get at(): readonly [number, number, number] {
    const { seqno, snapshotEnd, snapshotStart } = this.checkpoint.position
    return [Number(seqno), Number(snapshotStart), Number(snapshotEnd)]
  }

  get complete(): ReadonlyArray<number> {
    return this.checkpoint.complete.map(({ seqno }) => Number(seqno))
  }
}

const within = (seqno: number, start: number, end: number): Position => ({
  vbucketUuid: uuid,
  seqno: BigInt(seqno),
  snapshotStart: BigInt(start),
  snapshotEnd: BigInt(end)
})

describe("positions", () => {
  it("SC-01 a whole snapshot", () => {
    const line = new Line().marker(0, 3).items(1, 2, 3)
    expect(line.at).toEqual([3, 3, 3])
    expect(line.checkpoint.position.vbucketUuid).toBe(uuid)
    expect(line.complete).toEqual([3])
  })

  it("SC-25 a marker alone is no progress", () => {
    const line = new Line(completeAt(uuid, 3n)).marker(4, 9)
    expect(line.at).toEqual([3, 3, 3])
    expect(line.progress.dirty).toBe(false)
  })

  it("SC-26 in the middle of a snapshot", () => {
    expect(new Line(completeAt(uuid, 3n)).marker(4, 9).items(4, 6).at).toEqual([6, 4, 9])
  })

  it("SC-27 processed out of order", () => {
    const line = new Line(completeAt(uuid, 3n)).marker(4, 9).deliver(4, 5, 6, 7).process(7, 5, 4)
    expect(line.at).toEqual([5, 4, 9])
    expect(line.progress.unprocessed).toBe(2)
    expect(line.process(6).at).toEqual([7, 4, 9])
    expect(line.progress.unprocessed).toBe(0)
  })

  it("SC-28 the snapshot is that of the processed message", () => {
    const line = new Line().marker(1, 3).deliver(1, 3).marker(4, 6).deliver(4).process(1)
    // after its first item, the snapshot is said to begin one earlier: see "SC-100 the first item of a snapshot"
    expect(line.at).toEqual([1, 0, 3])
    expect(line.process(3).at).toEqual([3, 3, 3])
    expect(line.process(4).at).toEqual([4, 3, 6])
  })

  it("SC-29 the first marker of a resumed stream begins below the position", () => {
    const line = new Line(within(6, 4, 9)).marker(4, 12).items(7)
    expect(line.violations).toEqual([])
    expect(line.at).toEqual([7, 4, 12])
  })

  it("SC-29 a resumed snapshot that comes in parts is complete at its own end only", () => {
    const line = new Line(within(6, 4, 9)).marker(4, 7).items(7)
    expect(line.at).toEqual([7, 4, 9])
    expect(line.marker(8, 8).items(8).at).toEqual([8, 4, 9])
    expect(line.complete).toEqual([])
    expect(line.marker(9, 9).items(9).at).toEqual([9, 9, 9])
    expect(line.complete).toEqual([9])
  })

  it("SC-30 a new marker closes an unfinished snapshot", () => {
    const line = new Line().marker(1, 5).items(1, 2).marker(6, 8).items(6)
    expect(line.violations).toEqual([])
    expect(line.at).toEqual([6, 5, 8])
    expect(line.complete).toEqual([])
    expect(line.tracker.closedImplicitly).toBe(1)
  })

  it("SC-31 SEQNO_ADVANCED at the end of a filtered snapshot", () => {
    const line = new Line().marker(1, 9).items(2).advanced(9)
    expect(line.at).toEqual([9, 9, 9])
    expect(line.complete).toEqual([9])
  })

  it("SC-32 SEQNO_ADVANCED in the middle does not narrow the snapshot", () => {
    const line = new Line().marker(0, 30_000).advanced(10_000)
    expect(line.at).toEqual([10_000, 0, 30_000])
    expect(line.advanced(20_000).items(25_000).advanced(30_000).at).toEqual([30_000, 30_000, 30_000])
    expect(line.complete).toEqual([30_000])
  })

  it("SC-34 an out-of-order snapshot counts from its end", () => {
    const line = new Line()
    expect(line.tracker.beginUnordered()).toBeUndefined()
    line.items(9, 2, 5)
    expect(line.at).toEqual([0, 0, 0])
    line.advanced(9)
    const placed = line.tracker.endUnordered()
    if (isViolation(placed)) throw new Error(placed.message)
    line.progress.pass(placed.snapshot.end, placed)
    expect(line.at).toEqual([9, 9, 9])
    expect(line.marker(10, 11).items(10).at).toEqual([10, 9, 11])
  })

  it("SC-35 an interrupted out-of-order snapshot leaves the position before it", () => {
    const line = new Line()
    line.tracker.beginUnordered()
    line.items(9, 2)
    line.progress.forget()
    expect(line.at).toEqual([0, 0, 0])
  })

  it("SC-37 SC-38 history: two markers of one range", () => {
    const line = new Line().marker(1, 9).marker(1, 9, 0x32).items(1, 2, 5, 9)
    expect(line.violations).toEqual([])
    expect(line.at).toEqual([9, 9, 9])
    expect(line.marker(1, 9, 0x32).violations).toEqual([])
  })

  it("SC-29 a resumed stream is in the snapshot that it was asked for", () => {
    expect(new SnapshotTracker(uuid, within(6, 4, 9)).snapshot).toMatchObject({
      vbucketUuid: uuid,
      start: 4n,
      end: 9n,
      flags: 0,
      ordered: true
    })
    expect(new SnapshotTracker(uuid, completeAt(uuid, 6n)).snapshot).toBeUndefined()
  })

  // S-27: the first marker begins at the requested start or below; what a part leaves out may have been replaced by any of the rest
  it("SC-29 a resumed snapshot reaches from its lowest start to its highest end", () => {
    expect(new Line(within(6, 4, 9)).marker(3, 12).items(7).at).toEqual([7, 3, 12])
    expect(new Line(within(6, 4, 9)).marker(7, 12).items(7).at).toEqual([7, 4, 12])
    expect(new Line(within(6, 4, 9)).marker(7, 12).items(7).checkpoint.position.vbucketUuid).toBe(uuid)
  })

  it("SC-30 a snapshot that begins where an unfinished one ends continues it", () => {
    const line = new Line().marker(1, 5).items(1, 2).marker(5, 8).items(5)
    expect(line.at).toEqual([5, 1, 8])
    expect(line.tracker.closedImplicitly).toBe(0)
  })

  it("SC-30 a snapshot that is complete is neither continued nor closed by the next", () => {
    const line = new Line().marker(1, 3).items(1, 2, 3).marker(3, 6).items(4)
    expect(line.at).toEqual([4, 3, 6])
    expect(line.tracker.closedImplicitly).toBe(0)
  })

  it("SC-36 a snapshot has the flags of its marker", () => {
    const tracker = new SnapshotTracker(uuid, beginning)
    tracker.marker(1n, 5n, 0x12)
    expect(tracker.place(1n)).toMatchObject({ snapshot: { flags: 0x12 } })
    tracker.marker(4n, 8n, 0x32)
    expect(tracker.place(4n)).toMatchObject({ snapshot: { flags: 0x32 } })
  })

  it("SC-34 an out-of-order snapshot lies on the stream's branch, where it began", () => {
    const tracker = new SnapshotTracker(uuid, completeAt(uuid, 9n))
    tracker.beginUnordered()
    expect(tracker.snapshot).toMatchObject({ vbucketUuid: uuid, start: 9n, end: 9n, flags: 0, ordered: false })
    expect(tracker.place(12n)).toMatchObject({ complete: false, snapshot: { ordered: false } })
    expect(tracker.endUnordered()).toMatchObject({
      complete: true,
      snapshot: { vbucketUuid: uuid, start: 12n, end: 12n, flags: 0, ordered: true }
    })
    expect(tracker.seqno).toBe(12n)
    tracker.marker(10n, 14n, 1)
    expect(tracker.place(11n)).toEqual({ seqno: 11n, message: "seqno 11 after 12" })
  })

  it("SC-34 an out-of-order snapshot with nothing in it leaves the stream where it was", () => {
    const tracker = new SnapshotTracker(uuid, completeAt(uuid, 9n))
    tracker.beginUnordered()
    expect(tracker.endUnordered()).toMatchObject({ complete: true, snapshot: { end: 9n } })
    expect(tracker.seqno).toBe(9n)
  })

  it.each([
    ["a seqno in a resumed snapshot before any marker", () => new Line(within(6, 4, 9)).deliver(7), "seqno 7 before any snapshot marker"],
    ["a marker of nothing at the beginning", () => new Line().marker(0, 0), "a snapshot marker from 0 to 0 when 0 was received"]
  ])("SC-41 %s", (_, play, message) => {
    expect(play().violations).toEqual([message])
  })

  it("SC-41 after an out-of-order snapshot, a seqno needs a marker", () => {
    const line = new Line().marker(1, 3).items(1)
    line.tracker.beginUnordered()
    line.items(3, 2)
    line.tracker.endUnordered()
    expect(line.deliver(4).violations).toEqual(["seqno 4 before any snapshot marker"])
  })

  it("SC-41 out-of-order snapshots neither nest, nor end twice, nor have markers", () => {
    const tracker = new SnapshotTracker(uuid, beginning)
    expect(tracker.endUnordered()).toEqual({ seqno: undefined, message: "the end of an out-of-order snapshot that did not begin" })
    tracker.beginUnordered()
    expect(tracker.beginUnordered()).toEqual({ seqno: undefined, message: "an out-of-order snapshot within another" })
    expect(tracker.marker(1n, 2n, 1)).toEqual({ seqno: undefined, message: "a snapshot marker within an out-of-order snapshot" })
  })

  it("SC-37 two markers of the range that is only seqno 1", () => {
    expect(new Line().marker(1, 1).items(1).marker(1, 1, 0x32).violations).toEqual([])
  })

  it.each([
    ["the same seqno twice", (line: Line) => line.marker(1, 9).items(5, 5), "seqno 5 after 5"],
    ["a seqno that is too low", (line: Line) => line.marker(1, 9).items(5).deliver(4), "seqno 4 after 5"],
    ["a seqno after the snapshot", (line: Line) => line.marker(1, 6).deliver(7), "seqno 7 outside of its snapshot from 1 to 6"],
    ["a seqno before the snapshot", (line: Line) => line.marker(3, 6).deliver(2), "seqno 2 outside of its snapshot from 3 to 6"],
    ["no marker at all", (line: Line) => line.deliver(1), "seqno 1 before any snapshot marker"],
    [
      "a marker that goes back",
      (line: Line) => line.marker(1, 3).items(1, 3).marker(2, 3),
      "a snapshot marker from 2 to 3 when 3 was received"
    ],
    ["a marker that is turned round", (line: Line) => line.marker(5, 3), "a snapshot marker from 5 to 3"]
  ])("SC-41 %s", (_, play, message) => {
    expect(play(new Line()).violations).toEqual([message])
  })

  it("SC-88 the largest numbers", () => {
    const last = 2n ** 64n - 2n
    const tracker = new SnapshotTracker(2n ** 64n - 1n, completeAt(uuid, 2n ** 53n + 1n))
    expect(tracker.marker(2n ** 63n, last, 1)).toBeUndefined()
    expect(tracker.place(2n ** 63n)).toMatchObject({ complete: false })
    expect(tracker.place(last)).toMatchObject({ complete: true, snapshot: { vbucketUuid: 2n ** 64n - 1n, end: last } })
  })
})

describe("progress", () => {
  it("forgets what a stream that is gone had delivered", () => {
    const line = new Line().marker(1, 9).deliver(1, 2, 3).process(1)
    line.progress.forget()
    line.process(2, 3)
    expect(line.at).toEqual([1, 0, 9])
    expect(line.progress.unprocessed).toBe(0)
  })

  it("keeps complete ends far back as well as near", () => {
    const line = new Line(beginning, 8)
    for (let seqno = 1; seqno <= 1000; seqno++) line.marker(seqno, seqno).items(seqno)
    expect(line.complete).toHaveLength(8)
    expect(line.complete.at(-1)).toBe(1000)
    // a shallow rollback finds one near, a deep one still finds one
    expect(line.complete.at(-2)).toBeGreaterThan(990)
    expect(line.complete[0]).toBeLessThan(800)
    expect(line.complete).toEqual([...line.complete].sort((a, b) => a - b))
  })

  it("is dirty until that very checkpoint was stored", () => {
    const line = new Line().marker(1, 9).items(1)
    const first = line.checkpoint
    line.items(2)
    line.progress.stored(first)
    expect(line.progress.dirty).toBe(true)
    line.progress.stored(line.checkpoint)
    expect(line.progress.dirty).toBe(false)
  })

  it("remembers thousands that wait after one", () => {
    const line = new Line().marker(1, 10_000)
    const all = Array.from({ length: 10_000 }, (_, i) => i + 1)
    line.deliver(...all).process(...all.slice(1))
    expect(line.at).toEqual([0, 0, 0])
    expect(line.process(1).at).toEqual([10_000, 10_000, 10_000])
  })
})

describe("markers without messages", () => {
  it("are taken up to a limit, which a message begins anew", () => {
    const line = new Line()
    for (let i = 0; i < maxEmptyMarkers; i++) line.marker(0, 10 + i)
    expect(line.violations).toEqual([])
    line.deliver(1)
    for (let i = 0; i < maxEmptyMarkers; i++) line.marker(2, 10 + i)
    expect(line.violations).toEqual([])
    line.marker(2, 9999)
    expect(line.violations).toEqual(["1025 snapshot markers without a message between them"])
  })
})
