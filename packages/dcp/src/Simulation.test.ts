/** SC-100 in small: ten thousand schedules in which every image must agree, and the mistakes that the same schedules must find. */
import { describe, expect, it } from "vitest"
import { type Mistake, type Schedule, simulate } from "./Simulation.fixture.ts"

const from = Number(process.env["WIREWRIGHT_SEED"] ?? 1)

/** The first seed whose images differ in the end; a schedule that the producer ends with an error shows nothing. */
const failing = (schedule: Omit<Schedule, "seed">, seeds: number): number | undefined => {
  for (let seed = from; seed < from + seeds; seed++) {
    try {
      if (simulate({ ...schedule, seed }).differences.length > 0) return seed
    } catch {
      continue
    }
  }
  return undefined
}

describe("SC-100 simulation", () => {
  it.each(["undo", "rebuild"] as const)("strategy %s: 5 000 schedules end with the same image", (strategy) => {
    const totals = { rollbacks: 0, delivered: 0, failovers: 0 }
    for (let seed = from; seed < from + 5_000; seed++) {
      const outcome = simulate({ seed, steps: 300, strategy, filtered: seed % 2 === 0 })
      expect(outcome.differences, `seed ${seed}`).toEqual([])
      totals.rollbacks += outcome.rollbacks
      totals.delivered += outcome.delivered
      totals.failovers += outcome.failovers
    }
    expect(totals.rollbacks).toBeGreaterThan(5_000)
  })

  it.each(
    [
      ["resumes where it is told", false],
      ["stores (s,s) in mid-snapshot", false],
      ["collapses the snapshot at SEQNO_ADVANCED", true],
      ["skips what is not processed", false],
      ["keeps what a lost branch had", false]
    ] satisfies ReadonlyArray<readonly [Mistake, boolean]>
  )("a consumer that %s is found out within 2 000 seeds", (mistake, filtered) => {
    const seed = failing({ steps: 300, filtered, mistake }, 2_000)
    expect(seed).toBeDefined()
  })
})
