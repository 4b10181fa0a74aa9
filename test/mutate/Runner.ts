/** Runs test files with one mutant switched on, or with none and notes which tests come by which mutants. Nothing is written to the sources. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Writable } from "node:stream"
import type { Plugin } from "vite"
import { createVitest, type Vitest } from "vitest/node"

/** Mutants that a test file came by: as it was loaded, and in each test by its id. */
export interface Hits {
  readonly everywhere: ReadonlyArray<number>
  readonly tests: { readonly [id: string]: ReadonlyArray<number> }
}

/** A test file that passes when nothing is changed. */
export interface Passed {
  readonly milliseconds: number
  readonly hits: Hits
}

/** What failed. */
export interface Failure {
  readonly test: string
  readonly message: string
}

export const root = join(import.meta.dirname, "../..")

/** Text of the modules that are changed, by their path from the root. */
export type Texts = ReadonlyMap<string, string>

const overlay = (texts: Texts): Plugin => ({
  name: "wirewright-mutants",
  enforce: "pre",
  load(id) {
    const path = id.split("?")[0]!
    return path.startsWith(`${root}/`) ? texts.get(path.slice(root.length + 1)) : undefined
  }
})

/** A Vitest whose modules are changed, and that runs one file after the other. */
export class Runner {
  private readonly vitest: Vitest

  private constructor(vitest: Vitest) {
    this.vitest = vitest
  }

  static async make(texts: Texts, env: { readonly [name: string]: string }): Promise<Runner> {
    const vitest = await createVitest(
      {
        root,
        watch: false,
        bail: 1,
        maxWorkers: 1,
        pool: "forks",
        // it is found by the path and the settings, and would hand on a module as another run changed it
        fsModuleCache: false,
        reporters: [{}],
        env: { ...env },
        runner: join(import.meta.dirname, "MutantRunner.ts"),
        setupFiles: [join(import.meta.dirname, "Setup.ts")]
      },
      { plugins: [overlay(texts)], logLevel: "silent" },
      { stdout: devNull(), stderr: devNull() }
    )
    return new Runner(vitest)
  }

  /** Runs a test file, or some of its tests; returns what failed first, or undefined. */
  async run(
    test: string,
    env: { readonly [name: string]: string | undefined },
    testIds?: ReadonlyArray<string>
  ): Promise<Failure | undefined> {
    const project = this.vitest.getRootProject()
    for (const [name, value] of Object.entries(env)) {
      if (value === undefined) delete project.config.env[name]
      else project.config.env[name] = value
    }
    const path = join(root, test)
    const specification = project.createSpecification(path, testIds === undefined ? {} : { testIds: [...testIds] })
    // it remembers what failed in the runs before
    this.vitest.state.filesMap.clear()
    this.vitest.state.idMap.clear()
    const { testModules, unhandledErrors } = await this.vitest.runTestSpecifications([specification])
    const module = testModules.find(({ moduleId }) => moduleId === path)
    for (const one of module?.children.allTests("failed") ?? []) {
      return { test: one.fullName, message: one.result().errors?.[0]?.message ?? "" }
    }
    const wrong = [...module?.errors() ?? [], ...[...module?.children.allSuites() ?? []].flatMap((suite) => suite.errors())][0]
    if (wrong !== undefined) return { test: outside, message: wrong.message }
    // the process ended itself, or an error came when no test was running
    if (unhandledErrors.length > 0) return { test: outside, message: String((unhandledErrors[0] as Error).message) }
    const ran = [...module?.children.allTests("passed") ?? []].length
    return ran === 0 || ran < (testIds?.length ?? 0) ? { test: outside, message: `only ${ran} ran` } : undefined
  }

  /** The id that the tests of a file know it by. */
  idOf(test: string): string {
    return this.vitest.getRootProject().createSpecification(join(root, test)).taskId
  }

  async close(): Promise<void> {
    await this.vitest.close()
  }
}

/** What fails when no test does. */
export const outside = "outside of tests"

const devNull = () => new Writable({ write: (_, __, done) => done() })

/** Runs each file without a mutant; fails when one of them fails, as nothing can be said then. */
export const passing = async (
  texts: Texts,
  tests: ReadonlyArray<string>,
  env: { readonly [name: string]: string }
): Promise<ReadonlyMap<string, Passed>> => {
  const directory = mkdtempSync(join(tmpdir(), "wirewright-mutate-"))
  const runner = await Runner.make(texts, { ...env, WIREWRIGHT_MUTANT_HITS: directory })
  try {
    const passed = new Map<string, Passed>()
    for (const test of tests) {
      const start = performance.now()
      const failure = await runner.run(test, {})
      if (failure !== undefined) throw new Error(`${test} fails without a mutant: ${failure.test}: ${failure.message}`)
      const milliseconds = performance.now() - start
      const name = runner.idOf(test)
      passed.set(test, { milliseconds, hits: JSON.parse(readFileSync(join(directory, `${name}.json`), "utf8")) as Hits })
    }
    return passed
  } finally {
    await runner.close()
    rmSync(directory, { recursive: true })
  }
}
