/** Which mutants the tests notice: each mutant is met by the tests that come by it, until one fails. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { Line, Plan } from "./MutantRunner.ts"
import { type Mutant, mutate, type Print } from "./Mutants.ts"
import { outside, type Passed, passing, root, Runner, type Texts } from "./Runner.ts"
import type { Target } from "./Targets.ts"

/** What became of a mutant. */
export interface Verdict {
  readonly mutant: Mutant
  /** The test that failed; undefined when none did. */
  readonly noticedBy: string | undefined
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
  prelude: "let MUTANT = Number(process.env.WIREWRIGHT_MUTANT); (globalThis.mutantSwitches ??= []).push((id) => { MUTANT = id }); "
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

/** Meets mutants with tests, in a Vitest of its own. */
class Lane {
  private readonly runner: Runner
  private readonly passed: ReadonlyMap<string, Passed>
  private readonly plan = join(mkdtempSync(join(tmpdir(), "wirewright-mutate-")), "plan.json")
  /** What noticed each mutant. */
  readonly noticed = new Map<number, string>()

  constructor(runner: Runner, passed: ReadonlyMap<string, Passed>) {
    this.runner = runner
    this.passed = passed
  }

  /** All mutants with all the tests of a file that come by them, in one process; again without the one in which that hung. */
  async together(test: string, mutants: ReadonlyArray<Mutant>): Promise<void> {
    const one = this.passed.get(test)!
    let left = mutants.filter(({ id }) => !one.hits.everywhere.includes(id))
    while (true) {
      left = left.filter(({ id }) => !this.noticed.has(id))
      const plan: Plan = Object.fromEntries(
        Object.entries(one.hits.tests).map(([name, mine]) => [name, left.flatMap(({ id }) => mine.includes(id) ? [id] : [])] as const)
          .filter(([, ids]) => ids.length > 0)
      )
      if (Object.keys(plan).length === 0) return
      writeFileSync(this.plan, JSON.stringify(plan))
      writeFileSync(`${this.plan}.lines`, "")
      const failure = await this.runner.run(
        test,
        this.env(one, { WIREWRIGHT_MUTANT: "0", WIREWRIGHT_MUTANT_PLAN: this.plan }),
        Object.keys(plan)
      )
      const lines = readFileSync(`${this.plan}.lines`, "utf8").split("\n").filter((text) => text !== "").map((text) =>
        JSON.parse(text) as Line
      )
      for (const { _tag, mutant, test: name } of lines) if (_tag === "Noticed") this.noticed.set(mutant, `${test}: ${name}`)
      if (failure === undefined) return
      const last = lines.at(-1)
      if (failure.test !== outside || last?._tag !== "Begins") {
        throw new Error(`${failure.test} fails after mutants, without one: ${failure.message}; before it ${JSON.stringify(last)}`)
      }
      this.noticed.set(last.mutant, `${test}: ${last.test}: does not end`)
    }
  }

  /** A mutant that decides something as a file is loaded. */
  async alone(test: string, { id }: Mutant): Promise<void> {
    const one = this.passed.get(test)!
    const ids = testsOf(one, id)
    if (ids.length === 0) return
    const env = this.env(one, { WIREWRIGHT_MUTANT: String(id), WIREWRIGHT_MUTANT_PLAN: undefined })
    const failure = await this.runner.run(test, env, ids)
    if (failure !== undefined) this.noticed.set(id, `${test}: ${failure.test}`)
  }

  async close(): Promise<void> {
    await this.runner.close()
    rmSync(dirname(this.plan), { recursive: true })
  }

  private env({ milliseconds }: Passed, env: { readonly [name: string]: string | undefined }) {
    return { ...env, WIREWRIGHT_MUTANT_LIMIT: String(Math.round(10_000 + 4 * milliseconds)) }
  }
}

/** Runs the mutants for which `wanted` says so. */
export const measure = async (
  targets: ReadonlyArray<Target>,
  env: { readonly [name: string]: string },
  lanes: number,
  wanted: (mutant: Mutant) => boolean,
  heard: (test: string, left: number) => void
): Promise<ReadonlyArray<Verdict>> => {
  const mutation = mutationOf(targets.map(({ file }) => file))
  const passed = await passing(mutation.print(noting), [...new Set(targets.flatMap(({ tests }) => tests))], env)
  const met = (mutant: Mutant): boolean => [...passed.values()].some((one) => testsOf(one, mutant.id).length > 0)
  // a value that is never a number cannot be shifted
  const mutants = mutation.mutants.filter((mutant) => wanted(mutant) && (!mutant.numeric || met(mutant)))
  const texts = mutation.print(switching)
  const work = async (number: number): Promise<ReadonlyMap<number, string>> => {
    const lane = new Lane(await Runner.make(texts, env), passed)
    const mine = mutants.filter((_, place) => place % lanes === number)
    const left = (file: string): ReadonlyArray<Mutant> => mine.filter(({ id, file: its }) => its === file && !lane.noticed.has(id))
    for (const { file, tests } of targets) {
      for (const test of tests) {
        await lane.together(test, left(file))
        heard(`${file}: ${test}`, left(file).length)
      }
      for (const mutant of left(file)) {
        for (const test of tests) {
          if (passed.get(test)!.hits.everywhere.includes(mutant.id) && !lane.noticed.has(mutant.id)) await lane.alone(test, mutant)
        }
      }
      heard(`${file}: as it is loaded`, left(file).length)
    }
    await lane.close()
    return lane.noticed
  }
  const noticed = new Map((await Promise.all(Array.from({ length: lanes }, (_, number) => work(number)))).flatMap((found) => [...found]))
  return mutants.map((mutant) => ({ mutant, noticedBy: noticed.get(mutant.id) }))
}
