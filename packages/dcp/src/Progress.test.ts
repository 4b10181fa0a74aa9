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
  waits: false,
  handed,
  following: undefined
})
/** Delivers messages with these seqnos. */
const delivered = (progress: Progress, ...seqnos: ReadonlyArray<number>): ReadonlyArray<Delivered> => {
  const messages = seqnos.map((seqno) => message(seqno))
  for (const one of messages) progress.deliver(one)
  return messages
}

describe("memory", () => {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as () => void

  it.each([["with none that waits", 3], ["before one that waits", 4]] as const)(
    "messages that were processed are let go, %s",
    async (_, count) => {
      const progress = new Progress(emptyCheckpoint)
      // in a function of its own, whose frame holds on to nothing
      const refs = (() => {
        const messages = delivered(progress, ...Array.from({ length: count }, (_, i) => i + 1))
        for (const one of [1, 0, 2]) progress.process(messages[one]!)
        return messages.map((one) => new WeakRef(one))
      })()
      // what a WeakRef was made of lives until the end of the job
      await new Promise((resolve) => setImmediate(resolve))
      collect()
      expect(refs.map((ref) => ref.deref()?.seqno)).toEqual(Array.from({ length: count }, (_, i) => i < 3 ? undefined : BigInt(i + 1)))
      expect([progress.unprocessed, progress.checkpoint.position.seqno]).toEqual([count - 3, 3n])
    }
  )
})

describe("messages", () => {
  it("that are unknown, or processed twice, change nothing", () => {
    const progress = new Progress(emptyCheckpoint)
    const [first] = delivered(progress, 1, 2, 3)
    expect([progress.process(message(9)), progress.process(first!), progress.process(first!)]).toEqual([false, true, false])
    expect(progress.unprocessed).toBe(2)
  })

  it("of a stream that was forgotten change nothing, whatever waits now", () => {
    const progress = new Progress(emptyCheckpoint)
    const [first, second, third] = delivered(progress, 1, 2, 3)
    progress.process(second!)
    progress.forget()
    expect([first, second, third].map((one) => [one!.waits, one!.following])).toEqual([[false, undefined], [false, undefined], [
      false,
      undefined
    ]])
    const [again] = delivered(progress, 2, 3)
    expect([progress.process(first!), progress.process(third!), progress.unprocessed]).toEqual([false, false, 2])
    expect([progress.process(again!), progress.checkpoint.position.seqno]).toEqual([true, 2n])
  })

  it("that an application keeps hold on to none that came later", () => {
    const progress = new Progress(emptyCheckpoint)
    const kept = delivered(progress, 1, 2, 3)
    for (const one of kept) progress.process(one)
    delivered(progress, 4)
    expect(kept.map(({ following }) => following)).toEqual([undefined, undefined, undefined])
  })

  it("are counted among thousands that were processed", () => {
    const progress = new Progress(emptyCheckpoint)
    const messages = delivered(progress, ...Array.from({ length: 3_000 }, (_, i) => i + 1))
    for (let at = 0; at < 2_500; at++) {
      expect(progress.process(messages[at]!)).toBe(true)
      expect(progress.unprocessed).toBe(2_999 - at)
      expect(progress.oldest).toEqual({ number: at + 1, seqno: BigInt(at + 2) })
    }
    expect(progress.checkpoint.position.seqno).toBe(2_500n)
    progress.forget()
    delivered(progress, 1)
    // whoever watches the oldest sees that it is another one
    expect(progress.oldest).toEqual({ number: 3_000, seqno: 1n })
  })
})

describe("processing", () => {
  it("tells whether the checkpoint changed", () => {
    const progress = new Progress(emptyCheckpoint)
    const [first, second, third] = delivered(progress, 1, 2, 3)
    expect([second, first, third].map((one) => progress.process(one!))).toEqual([false, true, true])
    expect(progress.pass(4n, placed(0, 9))).toBe(true)
    progress.deliver(message(5))
    expect(progress.pass(6n, placed(0, 9))).toBe(false)
  })

  it("SC-34 within an out-of-order snapshot changes nothing", () => {
    const progress = new Progress(emptyCheckpoint)
    const one = message(9, { place: placed(0, 0, { ordered: false }) })
    progress.deliver(one)
    expect([progress.process(one), progress.dirty, progress.unprocessed]).toEqual([false, false, 0])
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
    const [first, second] = delivered(progress, 5, 7)
    progress.process(second!)
    expect(progress.oldest).toEqual({ number: 0, seqno: 5n })
    progress.process(first!)
    expect(progress.oldest).toBeUndefined()
  })

  it("has a highest seqno that the application was given", () => {
    const progress = new Progress(emptyCheckpoint)
    expect(progress.handedTo).toBe(0n)
    const [first] = delivered(progress, 7, 5)
    progress.deliver(message(8, { handed: false }))
    progress.pass(9n, placed(0, 9))
    expect(progress.handedTo).toBe(7n)
    progress.process(first!)
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
    progress.process(delivered(progress, 1, 2)[0]!)
    const other = { ...emptyCheckpoint, position: completeAt(uuid, 5n) }
    progress.stored(progress.checkpoint)
    progress.restart(other)
    expect([progress.unprocessed, progress.dirty, progress.checkpoint]).toEqual([0, true, other])
  })

  it("does not move the checkpoint that it goes on from, when nobody asked for the one before", () => {
    const progress = new Progress(emptyCheckpoint)
    progress.process(delivered(progress, 7)[0]!)
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
      const messages: { readonly [Which in "asked" | "obeyed"]: Array<Delivered> } = { asked: [], obeyed: [] }
      let seqno = 0
      let first = 0
      const process = (one: number, ...which: ReadonlyArray<"asked" | "obeyed">): void => {
        for (const name of which) ({ asked, obeyed })[name].process(messages[name][one]!)
      }
      const skip = (): void => {
        while (messages.obeyed[first]?.waits === false) first++
      }
      for (let step = 0; step < 30; step++) {
        const complete = draw(3) === 0
        seqno += 1 + draw(3)
        const ordered = draw(8) > 0
        const place = placed(seqno - 1, complete ? seqno : seqno + 2, { complete, ordered })
        for (const name of ["asked", "obeyed"] as const) {
          messages[name].push(message(seqno, { place }))
          ;({ asked, obeyed })[name].deliver(messages[name].at(-1)!)
        }
        if (draw(3) === 0) process(first + draw(step - first + 1), "asked", "obeyed")
        skip()
        if (draw(5) > 0 || first > step) continue
        const to = first + draw(step - first + 1)
        const before = asked.checkpoint
        const later = asked.after(messages.asked[to]!)
        expect(asked.checkpoint).toEqual(before)
        for (let one = first; one <= to; one++) process(one, "obeyed")
        expect(later).toEqual(obeyed.checkpoint)
        for (let one = first; one <= to; one++) process(one, "asked")
        skip()
        expect(asked.checkpoint).toEqual(later)
      }
    }
  })

  it("waits for what was delivered and is not processed", () => {
    const progress = new Progress(emptyCheckpoint)
    const messages = delivered(progress, 1, 2, 3)
    const waiting = () => messages.map(({ waits }) => waits)
    progress.process(messages[1]!)
    expect(waiting()).toEqual([true, false, true])
    progress.process(messages[0]!)
    expect(waiting()).toEqual([false, false, true])
    progress.forget()
    expect(waiting()).toEqual([false, false, false])
    expect(delivered(progress, 3)[0]!.waits).toBe(true)
  })
})
