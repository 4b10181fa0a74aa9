/**
 * Runs each test once for each mutant that it comes by and that no test noticed yet, in one process: a mutant costs what the tests take, not what
 * starting them does. What happens is written down line by line, so that it is known when a mutant makes a test go round in circles.
 */
import { appendFileSync, readFileSync } from "node:fs"
import { type RunnerTestCase, TestRunner } from "vitest"

/** What is to be run: by the id of each test, the mutants. */
export type Plan = { readonly [test: string]: ReadonlyArray<number> }

/** One thing that happened. */
export type Line =
  | { readonly _tag: "Begins"; readonly mutant: number; readonly test: string }
  | { readonly _tag: "Noticed"; readonly mutant: number; readonly test: string }

const { WIREWRIGHT_MUTANT_PLAN: path } = process.env
const plan = path === undefined ? undefined : JSON.parse(readFileSync(path, "utf8")) as Plan
const tell = (line: Line): void => appendFileSync(`${path}.lines`, `${JSON.stringify(line)}\n`)
const noticed = new Set<number>()

interface Switches {
  mutantSwitches?: Array<(id: number) => void>
  mutantAlive?: () => void
}
const alive = (): void => (globalThis as Switches).mutantAlive?.()
const choose = (id: number): void => {
  for (const set of (globalThis as Switches).mutantSwitches ?? []) set(id)
}

export default class MutantRunner extends TestRunner {
  async runTask(test: RunnerTestCase): Promise<void> {
    const run = TestRunner.getTestFn(test)
    for (const mutant of plan?.[test.id] ?? []) {
      if (noticed.has(mutant)) continue
      tell({ _tag: "Begins", mutant, test: test.fullTestName })
      alive()
      choose(mutant)
      try {
        await run()
      } catch {
        noticed.add(mutant)
        tell({ _tag: "Noticed", mutant, test: test.fullTestName })
      }
      choose(0)
    }
    // as it is when nothing is changed, and that no mutant left anything behind
    alive()
    await run()
  }
}
