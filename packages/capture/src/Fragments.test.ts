/** Datagrams come out of their fragments whole; what is held of others is bounded, and said when it is given up. */
import { assert, describe, it } from "@effect/vitest"
import { ascii } from "../test/Packets.ts"
import { type FragmentLimits, fragmentLimits, Fragments } from "./Fragments.ts"

interface Part {
  readonly key?: string
  readonly offset: number
  readonly text: string
  readonly isLast?: boolean
  /** Seconds. */
  readonly time?: number
}

/** What came of the parts: the text of each datagram, and the frames that were given up; frames count from 1. */
const run = (parts: ReadonlyArray<Part>, limits: Partial<FragmentLimits> = {}): ReadonlyArray<string> => {
  const log: Array<string> = []
  const fragments = new Fragments((frames) => log.push(`given up ${frames.join(" ")}`), { ...fragmentLimits, ...limits })
  parts.forEach(({ isLast = false, key = "k", offset, text, time }, index) => {
    const whole = fragments.add({
      key,
      offset,
      bytes: ascii(text),
      isLast,
      frame: index + 1,
      time: time === undefined ? undefined : BigInt(time * 1_000_000_000)
    })
    if (whole !== undefined) log.push(String.fromCharCode(...whole))
  })
  log.push("end")
  fragments.finish()
  return log
}

describe("fragments", () => {
  const [first, middle, last] = [{ offset: 0, text: "ab" }, { offset: 2, text: "cd" }, { offset: 4, text: "e", isLast: true }]

  it("in any order", () => {
    for (const order of [[first, middle, last], [last, middle, first], [middle, last, first]]) {
      assert.deepStrictEqual(run(order), ["abcde", "end"])
    }
  })

  it("repeated and overlapping: what came first stays", () => {
    assert.deepStrictEqual(run([first, first, middle, middle, last]), ["abcde", "end"])
    assert.deepStrictEqual(run([{ offset: 1, text: "BC" }, first, { offset: 3, text: "D", isLast: true }]), ["aBCD", "end"])
    assert.deepStrictEqual(run([{ offset: 0, text: "abcdefgh" }, last]), ["abcde", "end"])
  })

  it("with the same identification, one datagram after another", () => {
    assert.deepStrictEqual(run([first, middle, last, first, { offset: 2, text: "!", isLast: true }]), ["abcde", "ab!", "end"])
  })

  it("of other datagrams do not mix", () => {
    assert.deepStrictEqual(run([first, { key: "l", ...last }, middle]), ["end", "given up 1 3", "given up 2"])
  })

  it("that are missing: frames are given up at the end, by age, by number, by bytes", () => {
    assert.deepStrictEqual(run([first, last]), ["end", "given up 1 2"])
    const aged = (time: number) => [{ ...first, time: 0 }, { ...middle, time: 60 }, { ...last, time }]
    assert.deepStrictEqual(run(aged(60)), ["abcde", "end"])
    assert.deepStrictEqual(run(aged(61)), ["given up 1 2", "end", "given up 3"])
    const keys = ["k", "l", "m"].map((key) => ({ ...first, key }))
    assert.deepStrictEqual(run(keys, { maxDatagrams: 3 })[0], "end")
    assert.deepStrictEqual(run(keys, { maxDatagrams: 2 })[0], "given up 1")
    assert.deepStrictEqual(run(keys, { maxHeldBytes: 6 })[0], "end")
    assert.deepStrictEqual(run(keys, { maxHeldBytes: 5 })[0], "given up 1")
    assert.deepStrictEqual(run([first, middle, last], { maxFragments: 2 }), ["abcde", "end"])
    assert.deepStrictEqual(run([first, first, middle, last], { maxFragments: 2 })[0], "given up 1 2 3")
  })
})
