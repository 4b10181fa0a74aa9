/** `npm run test:deepstream-specs [-- --dir DIR] [--runs N]`: plays deepstream's feature files against the client. */
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { readFeatures } from "./FeatureFiles.ts"
import { play } from "./Runner.ts"

const { values } = parseArgs({
  options: { dir: { type: "string" }, runs: { type: "string", default: "1" } }
})
const directory = values.dir ?? fileURLToPath(new URL("../../fixtures/deepstream-specs", import.meta.url))
const features = readFeatures(directory)
const runs = Math.max(1, Number(values.runs))

let failed = false
for (let run = 1; run <= runs; run++) {
  const outcomes = await play(features)
  for (const { failure, file, passed, scenario, steps } of outcomes) {
    if (failure !== undefined) {
      failed = true
      process.stdout.write(`failed: ${file}: ${scenario} (${passed} of ${steps} steps)\n  ${failure}\n`)
    } else if (runs === 1) process.stdout.write(`passed: ${file}: ${scenario} (${steps} steps)\n`)
  }
  const scenarios = outcomes.filter(({ failure }) => failure === undefined).length
  const steps = outcomes.reduce((sum, { passed }) => sum + passed, 0)
  const allSteps = outcomes.reduce((sum, outcome) => sum + outcome.steps, 0)
  process.stdout.write(
    `${
      runs > 1 ? `run ${run}: ` : ""
    }${features.length} files, ${scenarios} of ${outcomes.length} scenarios, ${steps} of ${allSteps} steps passed\n`
  )
}
process.exitCode = failed ? 1 : 0
