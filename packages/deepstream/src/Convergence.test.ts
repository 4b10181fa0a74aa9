/** Clients that change one record at once end with the same data and version, and know what became of their writes, whatever the links do. */
import { describe, expect, it } from "vitest"
import { random } from "@wirewright/testing"
import { converge } from "./Convergence.fixture.ts"

const wrongSeeds = (from: number, count: number, clients: number, merge?: "none"): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  for (let seed = from; seed < from + count; seed++) {
    const result = converge(random(seed), clients, merge)
    if (result.wrong !== undefined) wrong.push(`seed ${seed}: ${result.wrong}`)
  }
  return wrong
}

describe("clients of one record", () => {
  it("two of them converge in 1 000 schedules", () => {
    expect(wrongSeeds(1, 1000, 2)).toEqual([])
  })

  it("three of them converge in 1 000 schedules", () => {
    expect(wrongSeeds(10_001, 1000, 3)).toEqual([])
  })

  it("do not without merging", () => {
    expect(wrongSeeds(1, 200, 2, "none").length).toBeGreaterThan(50)
    expect(wrongSeeds(10_001, 200, 3, "none").length).toBeGreaterThan(50)
  })

  it("are in conflict often enough to show something", () => {
    const results = Array.from({ length: 200 }, (_, seed) => converge(random(seed), 3))
    expect(results.filter(({ conflicts }) => conflicts > 0).length).toBeGreaterThan(100)
    expect(results.filter(({ cuts }) => cuts > 0).length).toBeGreaterThan(100)
    // every outcome, and nobody waited in vain
    const counts = (outcome: string): number => results.reduce((sum, { outcomes }) => sum + (outcomes[outcome] ?? 0), 0)
    for (const outcome of ["stored", "merged", "WriteLost"]) expect(counts(outcome), outcome).toBeGreaterThan(20)
    expect(counts("AckTimeout")).toBe(0)
  })
})
