/** Plants the classic losses, one after the other, and tells which test noticed each. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { losses, noPlaces, type Planting, plantings, suitesOf } from "./Classic.ts"
import { type Failure, root, Runner } from "./Runner.ts"

const pathOf = (file: string): string => `packages/dcp/src/${file}.ts`
const sourceOf = (file: string): string => readFileSync(join(root, pathOf(file)), "utf8")

/** The source with the loss in it; undefined when the place is not there, or more than one is. */
const planted = ({ file, find, replace }: Planting): string | undefined => {
  const parts = sourceOf(file).split(find)
  return parts.length === 2 ? parts.join(replace) : undefined
}

/** What a loss makes of an application, not of a program that does not run. */
const broken = /^(ReferenceError|SyntaxError)|is not (a function|defined|iterable)|Cannot (read properties|find)/

const counted = /^expected \d+ to be greater than/

const outcome = async (planting: Planting, env: { readonly [name: string]: string }): Promise<string> => {
  const source = planted(planting)
  if (source === undefined) return "NO SUCH PLACE"
  const runner = await Runner.make(new Map([[pathOf(planting.file), source]]), env)
  try {
    for (const suite of suitesOf(planting)) {
      const failure = await runner.run(suite, { WIREWRIGHT_MUTANT_LIMIT: "300000" })
      // how often something happened in a few seeds is chance
      if (failure !== undefined && !counted.test(failure.message)) return told(suite, failure)
    }
    return "NOT NOTICED"
  } finally {
    await runner.close()
  }
}

const told = (suite: string, { message, test }: Failure): string => {
  const [line = ""] = message.split("\n")
  if (broken.test(line)) return `BROKEN: ${line}`
  const seed = Number(/seed (\d+)/.exec(line)?.[1] ?? 0)
  return seed > 2_000 ? `NOT NOTICED WITHIN 2 000 SEEDS: ${seed}` : `${suite}: ${test}: ${line.slice(0, 140)}`
}

/** Plants all of them, or those in `files`; returns whether each was noticed, and whether places are still none. */
export const plantAll = async (files: ReadonlyArray<string> | undefined, env: { readonly [name: string]: string }): Promise<boolean> => {
  let well = true
  const wanted = ({ file }: { readonly file: string }): boolean => files === undefined || files.includes(file)
  for (const loss of Object.keys(losses) as ReadonlyArray<keyof typeof losses>) {
    console.log(`\n${loss}: ${losses[loss]}`)
    for (const planting of plantings.filter((one) => one.loss === loss && wanted(one))) {
      const result = await outcome(planting, env)
      well &&= !/^[A-Z ]{6}/.test(result)
      console.log(`  ${planting.file}, ${planting.place}\n    ${result}`)
    }
    for (const { file, needs, why } of noPlaces.filter((one) => one.loss === loss && wanted(one))) {
      const word = needs.exec(sourceOf(file).replace(/\/\*[^]*?\*\/|\/\/.*/g, ""))?.[0]
      well &&= word === undefined
      console.log(`  ${file}\n    no place: ${why}${word === undefined ? "" : `; BUT IT HAS ${word}`}`)
    }
  }
  return well
}
