/**
 * Runs: a follower that is asked whether a message `follows` the one before, and one that is led through every step for each message, come to the
 * same in everything that can be asked of them, whatever happens.
 */
import { random } from "@wirewright/testing"
import { describe, expect, it } from "vitest"
import { type Checkpoint, completeAt, emptyCheckpoint } from "./Checkpoint.ts"
import type { Delivered } from "./Progress.ts"
import { endless } from "./RollbackDecision.ts"
import { isViolation } from "./SnapshotTracker.ts"
import { type FollowOptions, maxRounds, VbucketFollower } from "./VbucketFollower.ts"
import { a, at, b, Line, log } from "./VbucketFollower.fixture.ts"

/** A follower and what it was given. */
class Led {
  readonly follower: VbucketFollower
  readonly messages: Array<Delivered> = []
  followed = 0
  private readonly asks: boolean

  constructor(asks: boolean, checkpoint: Checkpoint, options: FollowOptions) {
    this.asks = asks
    this.follower = new VbucketFollower(checkpoint, options)
  }

  /** What can be asked of it. */
  get state() {
    const { action, behind, checkpoint, holding, open, phase, progress, received, snapshot } = this.follower
    const { dirty, handedTo, newest, oldest, unprocessed } = progress
    const range = snapshot === undefined ? undefined : [snapshot.start, snapshot.end, snapshot.flags, snapshot.ordered]
    return { action, behind, checkpoint, holding, open, phase, received, range, dirty, handedTo, newest, oldest, unprocessed }
  }

  item(seqno: bigint): void {
    const { follower } = this
    if (this.asks && follower.follows(Number(seqno))) {
      this.followed++
      return follower.progress.deliver(this.made(seqno, follower.run))
    }
    const placed = follower.place(seqno)
    if (isViolation(placed)) return follower.violated(placed.message)
    follower.deliver(this.made(seqno, placed))
    if (placed.snapshot.ordered) follower.advanced()
  }

  passed(seqno: bigint): void {
    const placed = this.follower.place(seqno)
    if (isViolation(placed)) return this.follower.violated(placed.message)
    this.follower.pass(seqno, placed)
    if (placed.snapshot.ordered) this.follower.advanced()
  }

  unordered(begins: boolean): void {
    const violation = this.follower.unordered(begins)
    if (violation === undefined) this.follower.advanced()
    else this.follower.violated(violation.message)
  }

  marker(start: bigint, end: bigint): void {
    const violation = this.follower.marker(start, end, 1)
    if (violation !== undefined) this.follower.violated(violation.message)
  }

  private made(seqno: bigint, placed: Delivered["placed"]): Delivered {
    const message: Delivered = { seqno, placed, waits: false, handed: seqno % 3n > 0n, following: undefined }
    this.messages.push(message)
    return message
  }
}

type Step = (led: Led) => unknown

const play = (seed: number): number => {
  const draw = random(seed)
  const chance = (one: number): boolean => draw(one) === 0
  const from = BigInt([0, 5, 2 ** 31 - 20, 2 ** 53 - 5][draw(4)]!)
  const checkpoint: Checkpoint = from === 0n
    ? emptyCheckpoint
    : { ...emptyCheckpoint, position: completeAt(a, from), failoverLog: log([a, 0]), ahead: chance(3) }
  const options: FollowOptions = {
    ...chance(3) ? { end: from + BigInt(10 + draw(60)) } : {},
    ...chance(2) ? { high: from + BigInt(draw(30)) } : {}
  }
  const pair = [true, false].map((asks) => new Led(asks, checkpoint, options))
  const [one] = pair as [Led, Led]

  const message = (): Step => {
    const { received, snapshot } = one.follower
    const near = received + BigInt(chance(60) ? draw(6) - 2 : 1 + draw(2))
    const outside = snapshot === undefined || near > snapshot.end
    if (outside && !chance(20) || chance(20)) {
      const start = received + BigInt(chance(20) ? draw(4) - 1 : 1)
      const end = start + BigInt(draw(30))
      return (led) => led.marker(start, end)
    }
    if (chance(12)) return (led) => led.passed(near)
    if (chance(60)) {
      const begins = snapshot?.ordered !== false
      return (led) => led.unordered(begins)
    }
    return (led) => led.item(near)
  }

  const step = (): Step => {
    const { action, open, phase } = one.follower
    if (one.messages.length > 0 && chance(3)) {
      const which = chance(2) ? one.messages.findIndex(({ waits }) => waits) : draw(one.messages.length)
      if (which >= 0) return (led) => led.follower.progress.process(led.messages[which]!)
    }
    if (chance(150)) return ({ follower }) => follower.stopped()
    if (open && (phase === "Following" || chance(2))) {
      if (chance(40)) return ({ follower }) => follower.lost()
      if (chance(80)) return ({ follower }) => follower.ended(0)
      if (chance(80)) return ({ follower }) => follower.advanced()
      return message()
    }
    const { seqno } = one.follower.checkpoint.position
    switch (action._tag) {
      case "Ask": {
        const back = seqno - BigInt(1 + draw(3))
        if (back >= 0n && chance(5)) return ({ follower }) => follower.rolledBack(back)
        const other = chance(6)
        return ({ follower }) => follower.opened(other ? log([b, Number(seqno)], [a, 0]) : log([a, 0]))
      }
      case "Compare":
        return ({ follower }) => follower.compared(log([a, 0]))
      case "Save":
        // what was held is handed over then
        return ({ follower }) => {
          follower.saved()
          return follower.advanced()
        }
      case "Undo":
        return ({ follower }) => follower.undone()
      case "Measure": {
        const high = seqno + BigInt(draw(20))
        return ({ follower }) => follower.measured(high)
      }
      case "Drain":
        return ({ follower }) => follower.drained()
      case "Wait":
      case "AwaitMap":
      case "Close":
        return ({ follower }) => follower.waited()
      case "Locate":
        return ({ follower }) => follower.located(true)
      case "Follow":
      case "Finished":
      case "Failed":
        return () => undefined
    }
  }

  for (let turn = 0; turn < 200; turn++) {
    const next = step()
    const results = pair.map((led) => next(led))
    const [asked, led] = pair.map(({ state }) => state)
    expect(asked, `seed ${seed}, turn ${turn}`).toEqual(led)
    expect(results[0]).toEqual(results[1])
  }
  return one.followed
}

describe("a message that follows the one before", () => {
  it("comes to the same as one that is led through every step", () => {
    let followed = 0
    for (let seed = 1; seed <= 300; seed++) followed += play(seed)
    // or nothing was compared
    expect(followed).toBeGreaterThan(1_500)
  })

  it("is something new for a producer that goes back again and again", () => {
    const line = new Line()
    for (let turn = 0; turn < maxRounds + 5; turn++) {
      line.opened().snapshot(1, 999, 1)
      line.follower.advanced()
      expect(line.follower.follows(turn + 2)).toBe(true)
      const message: Delivered = { seqno: BigInt(turn + 2), placed: line.follower.run, waits: false, handed: true, following: undefined }
      line.follower.progress.deliver(message)
      line.process(1)
      line.follower.progress.process(message)
      line.lost().rolledBack(0)
      if (line.follower.action._tag === "Wait") line.follower.waited()
    }
    expect(line.action._tag).toBe("Ask")
  })

  it("is never one whose seqno is no exact number", () => {
    const first = 2 ** 53 - 4
    const line = new Line(at(first)).opened().snapshot(first + 1, 2 ** 53 + 10, first + 1)
    line.follower.advanced()
    expect([2n ** 53n - 2n, 2n ** 53n - 1n, 2n ** 53n + 1n].map((seqno) => line.follower.follows(Number(seqno)))).toEqual([
      true,
      false,
      false
    ])
    expect(line.follower.received).toBe(2n ** 53n - 2n)
  })

  it("is inside of the run at both ends, and no other is", () => {
    const led = new Led(true, { ...emptyCheckpoint, ahead: true }, { high: 8n, end: endless })
    led.follower.opened(log([a, 0]))
    while (led.follower.phase !== "Following") {
      if (led.follower.action._tag === "Undo") led.follower.undone()
      else led.follower.saved()
    }
    led.marker(1n, 9n)
    expect(led.follower.follows(1)).toBe(false)
    led.item(3n)
    // the first delivery is announced first
    led.follower.saved()
    led.follower.advanced()
    expect([2, 3, 8, 9].map((seqno) => led.follower.follows(seqno))).toEqual([false, false, false, false])
    expect([4, 7, 7].map((seqno) => led.follower.follows(seqno))).toEqual([true, true, false])
    expect([led.follower.received, led.follower.behind]).toEqual([7n, true])
    led.item(8n)
    expect(led.follower.behind).toBe(false)
    expect(led.follower.follows(9)).toBe(false)
  })
})
