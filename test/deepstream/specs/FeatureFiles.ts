/** Feature files as lists of steps, by Cucumber's own parser. */
import { AstBuilder, compile, GherkinClassicTokenMatcher, Parser } from "@cucumber/gherkin"
import { IdGenerator } from "@cucumber/messages"
import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"

/** One scenario, the steps of its background first. */
export interface Scenario {
  readonly name: string
  readonly steps: ReadonlyArray<string>
}

/** One file. */
export interface Feature {
  /** Its path below the directory. */
  readonly file: string
  readonly scenarios: ReadonlyArray<Scenario>
}

/** Every `.feature` file below a directory, in the order of their paths. Throws where there is none, and for one that is not Gherkin. */
export const readFeatures = (directory: string): ReadonlyArray<Feature> => {
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".feature")).sort()
  if (files.length === 0) throw new Error(`no .feature file in ${directory}`)
  return files.map((name) => {
    const path = join(directory, name)
    const newId = IdGenerator.uuid()
    const document = new Parser(new AstBuilder(newId), new GherkinClassicTokenMatcher()).parse(readFileSync(path, "utf8"))
    const pickles = compile(document, path, newId)
    return {
      file: relative(directory, path),
      scenarios: pickles.map((pickle) => ({ name: pickle.name, steps: pickle.steps.map(({ text }) => text) }))
    }
  })
}
