/**
 * SC-100 with everything that runs, in virtual time: by seeds, the application has in the end what the node has; a seed is a seed: what it does, it
 * does again. `WIREWRIGHT_SEED` and `WIREWRIGHT_SEEDS` are the first one and how many; `npm run simulate -- --stack` plays thousands.
 */
import { firstFailing } from "@wirewright/testing"
import { describe, expect, it } from "vitest"
import { tried } from "../../packages/codec/src/Whole.fixture.ts"
import { playSeed, playStack, smallest, stackKinds, transitions } from "./Stack.ts"
import { type Mistake, scheduleOf } from "./StackSchedule.ts"

const from = Number(process.env["WIREWRIGHT_SEED"] ?? 1)
const count = Number(process.env["WIREWRIGHT_SEEDS"] ?? tried(6, 60))

it(`SC-100 ${count} seeds of the whole stack: the application has what the node has`, async () => {
  const happened = new Map<string, number>()
  for (let seed = from; seed < from + count; seed++) {
    const { counts, trace, wrong } = await playSeed(seed)
    expect(wrong, `seed ${seed}\n${trace.slice(-30).join("\n")}`).toBeUndefined()
    for (const [kind, times] of counts) happened.set(kind, (happened.get(kind) ?? 0) + times)
  }
  // how often something happens is no matter of one seed; of a thousand it is
  if (count >= 1_000) expect([...stackKinds, ...transitions].filter((kind) => !happened.has(kind))).toEqual([])
}, 600_000)

describe("a seed", () => {
  it("played several times gives identical traces, whatever was played before it", async () => {
    const first = await playSeed(1480)
    expect(first.trace.length).toBeGreaterThan(500)
    for (let time = 1; time < tried(4, 10); time++) {
      await playSeed(time)
      const again = await playSeed(1480)
      expect(again.trace).toEqual(first.trace)
      expect(again.counts).toEqual(first.counts)
      expect(again.wrong).toBe(first.wrong)
    }
    expect((await playSeed(1481)).trace).not.toEqual(first.trace)
  }, 120_000)

  it.each<Mistake>(["does not undo", "answers too early"])(
    "with an application that %s is found out, and fails again alone",
    async (mistake) => {
      const goesWrong = async (seed: number) => (await playSeed(seed, mistake)).wrong !== undefined
      const seed = await firstFailing({ from: 1, count: 40 }, goesWrong)
      const first = await playSeed(seed!, mistake)
      expect(first.wrong).toBeDefined()
      expect(await playSeed(seed!, mistake)).toEqual(first)
      expect((await playSeed(seed!)).wrong).toBeUndefined()
    },
    120_000
  )

  it("that goes wrong shrinks to few steps that still do", async () => {
    const mistake: Mistake = "does not undo"
    const seed = await firstFailing({ from: 1, count: 40 }, async (one) => (await playSeed(one, mistake)).wrong !== undefined)
    const schedule = { ...scheduleOf(seed!), mistake }
    const small = await smallest(schedule)
    expect((await playStack(small)).wrong).toBeDefined()
    expect(small.steps.length).toBeLessThan(schedule.steps.length / 4)
  }, 240_000)
})
