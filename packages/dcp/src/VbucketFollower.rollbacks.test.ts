/** What a vbucket's follower makes of rollbacks, refusals and the end of a stream, step by step: SC-15…SC-63 as far as they are decisions. */
import { describe, expect, it } from "vitest"
import { completeAt } from "./Checkpoint.ts"
import type { FollowOptions } from "./VbucketFollower.ts"
import { a, at, b, c, failed, Line, log, onA, wait } from "./VbucketFollower.fixture.ts"

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
    "SC-51 goes to the beginning when the log %s",
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

  it("SC-47 are as many when only what was there before comes between them, and wait longer and longer from the fourth on", () => {
    const line = new Line(long30)
    const waits = times(26).map(() => episode(line, 60))
    expect(waits.slice(0, 12)).toEqual([0, 0, 0, 100, 200, 400, 800, 1600, 3200, 4000, 4000, 4000])
    line.follower.rolledBack(30n)
    expect(line.action).toEqual(failed("RollbackLoop", undefined, "27 rollbacks without progress"))
  })

  it("SC-47 may go on for ever, without waiting, when something new comes between them", () => {
    const line = new Line(long30)
    expect(times(60).map((round) => episode(line, 61 + round))).toEqual(times(60).map(() => 0))
  })

  it("SC-47 count anew after the next seqno, and only after it", () => {
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
