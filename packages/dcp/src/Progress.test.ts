/** The account of what was delivered and processed, call by call: SC-27, SC-28, SC-35. */
import { random } from "@wirewright/testing"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { describe, expect, it } from "vitest"
import { completeAt, emptyCheckpoint } from "./Checkpoint.ts"
import { type Delivered, Progress } from "./Progress.ts"
import type { Placed } from "./SnapshotTracker.ts"

const uuid = 0xabcn
const placed = (start: number, end: number, { complete = false, ordered = true } = {}): Placed => ({
  complete,
  snapshot: { vbucketUuid: uuid, start: BigInt(start), end: BigInt(end), flags: 1, ordered }
})
const message = (seqno: number, { handed = true, place = placed(0, 9_999) } = {}): Delivered => ({
  seqno: BigInt(seqno),
  placed: place,
  processed: false,
  handed
})

describe("memory", () => {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as () => void

  it.each([["with none that waits", 3], ["before one that waits", 4]] as const)(
    "messages that were processed are let go, %s",
    async (_, count) => {
      const progress = new Progress(emptyCheckpoint)
      // in functions of their own, whose frames hold on to nothing
      const deliver = (seqno: number): WeakRef<Delivered> => {
        const one = message(seqno)
        progress.deliver(one)
        return new WeakRef(one)
      }
      const refs = Array.from({ length: count }, (_, i) => deliver(i + 1))
      for (const ordinal of [1, 0, 2]) progress.process(ordinal)
      // what a WeakRef was made of lives until the end of the job
      await new Promise((resolve) => setImmediate(resolve))
      collect()
      expect(refs.map((ref) => ref.deref()?.seqno)).toEqual(Array.from({ length: count }, (_, i) => i < 3 ? undefined : BigInt(i + 1)))
      expect([progress.unprocessed, progress.checkpoint.position.seqno]).toEqual([count - 3, 3n])
    }
  )
})

describe("ordinals", () => {
  it("count what was delivered, whatever was processed or forgotten meanwhile", () => {
    const progress = new Progress(emptyCheckpoint)
    expect([1, 2, 3].map((seqno) => progress.deliver(message(seqno)))).toEqual([0, 1, 2])
    progress.process(0)
    expect(progress.deliver(message(4))).toBe(3)
    progress.forget()
    expect(progress.unprocessed).toBe(0)
    expect(progress.deliver(message(2))).toBe(4)
  })

  it("that name nothing, or name something twice, change nothing", () => {
    const progress = new Progress(emptyCheckpoint)
    for (const seqno of [1, 2, 3]) progress.deliver(message(seqno))
    expect([progress.process(3), progress.process(-1), progress.process(0), progress.process(0)]).toEqual([false, false, true, false])
    progress.forget()
    for (const seqno of [2, 3]) progress.deliver(message(seqno))
    // of the stream before
    expect([progress.process(1), progress.process(2)]).toEqual([false, false])
    expect(progress.unprocessed).toBe(2)
    expect([progress.process(3), progress.checkpoint.position.seqno]).toEqual([true, 2n])
  })

  it("stay right among thousands that were processed", () => {
    const progress = new Progress(emptyCheckpoint)
    for (let seqno = 1; seqno <= 3_000; seqno++) progress.deliver(message(seqno))
    for (let ordinal = 0; ordinal < 2_500; ordinal++) {
      expect(progress.process(ordinal)).toBe(true)
      expect(progress.unprocessed).toBe(2_999 - ordinal)
      expect(progress.oldest).toEqual({ ordinal: ordinal + 1, seqno: BigInt(ordinal + 2) })
    }
    expect(progress.checkpoint.position.seqno).toBe(2_500n)
  })
})

describe("processing", () => {
  it("tells whether the checkpoint changed", () => {
    const progress = new Progress(emptyCheckpoint)
    for (const seqno of [1, 2, 3]) progress.deliver(message(seqno))
    expect([progress.process(1), progress.process(0), progress.process(2)]).toEqual([false, true, true])
    expect(progress.pass(4n, placed(0, 9))).toBe(true)
    progress.deliver(message(5))
    expect(progress.pass(6n, placed(0, 9))).toBe(false)
  })

  it("SC-34 within an out-of-order snapshot changes nothing", () => {
    const progress = new Progress(emptyCheckpoint)
    progress.deliver(message(9, { place: placed(0, 0, { ordered: false }) }))
    expect([progress.process(0), progress.dirty, progress.unprocessed]).toEqual([false, false, 0])
    expect(progress.checkpoint).toEqual(emptyCheckpoint)
  })

  it("of a whole snapshot is remembered with its branch", () => {
    const progress = new Progress(emptyCheckpoint)
    progress.pass(3n, placed(1, 3, { complete: true }))
    expect(progress.checkpoint).toEqual({
      ...emptyCheckpoint,
      position: completeAt(uuid, 3n),
      complete: [{ vbucketUuid: uuid, seqno: 3n }]
    })
  })
})

describe("what waits", () => {
  it("has an oldest", () => {
    const progress = new Progress(emptyCheckpoint)
    expect(progress.oldest).toBeUndefined()
    for (const seqno of [5, 7]) progress.deliver(message(seqno))
    progress.process(1)
    expect(progress.oldest).toEqual({ ordinal: 0, seqno: 5n })
    progress.process(0)
    expect(progress.oldest).toBeUndefined()
  })

  it("has a highest seqno that the application was given", () => {
    const progress = new Progress(emptyCheckpoint)
    expect(progress.handedTo).toBe(0n)
    for (const one of [message(7), message(5), message(8, { handed: false })]) progress.deliver(one)
    progress.pass(9n, placed(0, 9))
    expect(progress.handedTo).toBe(7n)
    progress.process(0)
    expect(progress.handedTo).toBe(5n)
  })

  it("is forgotten, and with it the highest seqno that was for the application, given to it or not", () => {
    const progress = new Progress(emptyCheckpoint)
    for (const one of [message(7), message(8, { handed: false }), message(5)]) progress.deliver(one)
    progress.pass(9n, placed(0, 9))
    expect([progress.forget(), progress.forget(), progress.handedTo]).toEqual([8n, 0n, 0n])
  })

  it("is forgotten by a restart, which is to be stored", () => {
    const progress = new Progress(emptyCheckpoint)
    for (const seqno of [1, 2]) progress.deliver(message(seqno))
    progress.process(0)
    const other = { ...emptyCheckpoint, position: completeAt(uuid, 5n) }
    progress.stored(progress.checkpoint)
    progress.restart(other)
    expect([progress.unprocessed, progress.dirty, progress.checkpoint]).toEqual([0, true, other])
  })

  it("does not move the checkpoint that it goes on from, when nobody asked for the one before", () => {
    const progress = new Progress(emptyCheckpoint)
    progress.process(progress.deliver(message(7)))
    const other = { ...emptyCheckpoint, position: completeAt(uuid, 5n) }
    progress.restart(other)
    expect(progress.checkpoint).toEqual(other)
  })
})

describe("the rest of a checkpoint", () => {
  it("is amended at the position that was processed", () => {
    const progress = new Progress(emptyCheckpoint)
    progress.pass(3n, placed(1, 3, { complete: true }))
    progress.stored(progress.checkpoint)
    expect([progress.ahead, progress.dirty]).toEqual([false, false])
    progress.amend({ ahead: true })
    expect([progress.ahead, progress.dirty, progress.checkpoint.position.seqno]).toEqual([true, true, 3n])
  })

  it("has the highest purge seqno", () => {
    const progress = new Progress(emptyCheckpoint)
    progress.purged(4n)
    expect([progress.checkpoint.purgeSeqno, progress.dirty]).toEqual([4n, true])
    progress.stored(progress.checkpoint)
    for (const seqno of [4n, 3n]) progress.purged(seqno)
    expect([progress.checkpoint.purgeSeqno, progress.dirty]).toEqual([4n, false])
  })
})

describe("what may be stored once something is processed", () => {
  it("is what is stored then, and asking for it changes nothing", () => {
    const draw = random(7)
    for (let run = 0; run < 200; run++) {
      const [asked, obeyed] = [new Progress(emptyCheckpoint), new Progress(emptyCheckpoint)]
      let seqno = 0
      let first = 0
      const processed = new Set<number>()
      for (let step = 0; step < 30; step++) {
        const complete = draw(3) === 0
        seqno += 1 + draw(3)
        const ordered = draw(8) > 0
        const place = placed(seqno - 1, complete ? seqno : seqno + 2, { complete, ordered })
        const ordinal = asked.deliver(message(seqno, { place }))
        obeyed.deliver(message(seqno, { place }))
        if (draw(3) === 0) {
          const one = first + draw(ordinal - first + 1)
          processed.add(one)
          for (const progress of [asked, obeyed]) progress.process(one)
        }
        while (processed.has(first)) first++
        if (draw(5) > 0 || first > ordinal) continue
        const to = first + draw(ordinal - first + 1)
        const before = asked.checkpoint
        const later = asked.after(to)
        expect(asked.checkpoint).toEqual(before)
        for (let one = first; one <= to; one++) {
          processed.add(one)
          obeyed.process(one)
        }
        expect(later).toEqual(obeyed.checkpoint)
        for (let one = first; one <= to; one++) asked.process(one)
        while (processed.has(first)) first++
        expect(asked.checkpoint).toEqual(later)
      }
    }
  })

  it("waits for what was delivered and is not processed", () => {
    const progress = new Progress(emptyCheckpoint)
    for (const seqno of [1, 2, 3]) progress.deliver(message(seqno))
    progress.process(1)
    expect([-1, 0, 1, 2, 3].map((ordinal) => progress.waitsFor(ordinal))).toEqual([false, true, false, true, false])
    progress.process(0)
    expect([0, 1, 2].map((ordinal) => progress.waitsFor(ordinal))).toEqual([false, false, true])
    progress.forget()
    progress.deliver(message(3))
    expect([2, 3].map((ordinal) => progress.waitsFor(ordinal))).toEqual([false, true])
  })
})
