/**
 * `npm run soak:dcp`: 24 hours of virtual time, a thousand hand-overs of 1 024 vbuckets of which 900 are empty, and a hundred planted losses. Prints
 * what happened; the exit code is 1 when something is wrong. `--seed N` plays another day.
 */
import { parseArgs } from "node:util"
import { soak, soakProblems, wholeDay } from "../dcp/Soak.ts"

const { values } = parseArgs({ options: { seed: { type: "string", default: "1" } } })
const started = performance.now()
const outcome = await soak({ ...wholeDay, seed: Number(values.seed) })
const kinds = new Map<string, number>()
for (const kind of outcome.planted.values()) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
for (const [kind, times] of [...outcome.counts, ...[...kinds].map(([kind, times]) => [`lost by ${kind}`, times] as const)]) {
  console.log(`${kind.padEnd(56)} ${String(times).padStart(7)}`)
}
const problems = soakProblems(outcome)
for (const problem of problems) console.error(problem)
const reports = [...outcome.reported.values()].flat().length
const seconds = Math.round((performance.now() - started) / 1000)
console.log(`${outcome.planted.size} losses planted, ${reports} rollbacks reported, ${problems.length} problems, in ${seconds} s`)
process.exitCode = problems.length === 0 ? 0 : 1
