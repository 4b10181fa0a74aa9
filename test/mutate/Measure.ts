/** Which mutants the tests notice: each mutant is met by the tests that come by it, until one fails. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { type Mutant, mutate, type Print } from "./Mutants.ts"
import { type Passed, passing, root, Runner, type Texts } from "./Runner.ts"
import type { Target } from "./Targets.ts"

/** What became of a mutant. */
export interface Verdict {
  readonly mutant: Mutant
  /** The test that failed; undefined when none did. */
  readonly noticedBy: string | undefined
  readonly milliseconds: number
}

/** The mutants of files, and the files as they are printed. */
export interface Mutation {
  readonly mutants: ReadonlyArray<Mutant>
  readonly print: (how: Print) => Texts
}

const noting: Print = {
  prelude: "",
  chosen: (id) => `mutantHit(${id})`,
  value: (id, expression) => `mutantValue(${id}, ${expression})`
}

const switching: Print = {
  prelude: "const MUTANT = Number(process.env.WIREWRIGHT_MUTANT); "
    + "const MUTANT_SHIFT = (value) => typeof value === \"bigint\" ? value + 1n : typeof value === \"number\" ? value + 1 : value; ",
  chosen: (id) => `(MUTANT === ${id})`
}

export const mutationOf = (files: ReadonlyArray<string>): Mutation => {
  const mutants: Array<Mutant> = []
  const prints = new Map<string, (how: Print) => string>()
  for (const file of files) {
    const mutated = mutate(file, readFileSync(join(root, file), "utf8"), mutants.length + 1)
    mutants.push(...mutated.mutants)
    prints.set(file, mutated.print)
  }
  return { mutants, print: (how) => new Map([...prints].map(([file, print]) => [file, print(how)])) }
}

/** The tests of a file that come by a mutant: all of them when loading the file does. */
const testsOf = ({ hits }: Passed, id: number): ReadonlyArray<string> =>
  Object.entries(hits.tests).filter(([, mine]) => hits.everywhere.includes(id) || mine.includes(id)).map(([test]) => test)

/** Runs the mutants for which `wanted` says so. */
export const measure = async (
  targets: ReadonlyArray<Target>,
  env: { readonly [name: string]: string },
  lanes: number,
  wanted: (mutant: Mutant) => boolean,
  heard: (verdict: Verdict, left: number) => void
): Promise<ReadonlyArray<Verdict>> => {
  const mutation = mutationOf(targets.map(({ file }) => file))
  const passed = await passing(mutation.print(noting), [...new Set(targets.flatMap(({ tests }) => tests))], env)
  const met = (mutant: Mutant): boolean => [...passed.values()].some((one) => testsOf(one, mutant.id).length > 0)
  // a value that is never a number cannot be shifted
  const left = mutation.mutants.filter((mutant) => wanted(mutant) && (!mutant.numeric || met(mutant)))
  const verdicts: Array<Verdict> = []
  const texts = mutation.print(switching)

  const meet = async (runner: Runner, mutant: Mutant): Promise<Verdict> => {
    const start = performance.now()
    for (const test of targets.find(({ file }) => file === mutant.file)!.tests) {
      const { [test]: one } = Object.fromEntries(passed)
      const ids = testsOf(one!, mutant.id)
      if (ids.length === 0) continue
      const limit = String(Math.round(5_000 + 4 * one!.milliseconds))
      const failure = await runner.run(test, { WIREWRIGHT_MUTANT: String(mutant.id), WIREWRIGHT_MUTANT_LIMIT: limit }, ids)
      if (failure !== undefined) return { mutant, noticedBy: `${test}: ${failure.test}`, milliseconds: performance.now() - start }
    }
    return { mutant, noticedBy: undefined, milliseconds: performance.now() - start }
  }
  const work = async (): Promise<void> => {
    const runner = await Runner.make(texts, env)
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      const verdict = await meet(runner, mutant)
      verdicts.push(verdict)
      heard(verdict, left.length)
    }
    await runner.close()
  }
  await Promise.all(Array.from({ length: lanes }, work))
  return verdicts.toSorted((a, b) => a.mutant.id - b.mutant.id)
}
