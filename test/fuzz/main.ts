/**
 * `npm run fuzz -- [--count 2000000] [--seed N] [--subject NAME] [--from RUN]`: structure-aware mutation of every generated protocol.
 * Default seed: the day, such as 20261128. `--subject` runs only those whose names hold NAME, each with `--count` mutants from RUN on; with
 * the seed that a finding names, `--count 1` runs that mutant again. The exit code is 1 when something was not as it must be.
 */
import { parseArgs } from "node:util"
import { type Counts, fuzz } from "./Fuzz.ts"
import { subjects } from "./Subjects.ts"

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "2000000" },
    from: { type: "string", default: "0" },
    subject: { type: "string" },
    seed: { type: "string", default: new Date().toISOString().slice(0, 10).replaceAll("-", "") }
  }
})
const [count, from, seed] = [Number(values.count), Number(values.from), Number(values.seed)]
if (!Number.isSafeInteger(count) || count < 1 || ![from, seed].every((one) => Number.isSafeInteger(one) && one >= 0)) {
  console.error("--count is a whole number from 1, --seed and --from from 0")
  process.exit(2)
}
console.log(`seed ${seed}`)
const { all, remove } = await subjects(seed, 200)
try {
  const chosen = values.subject === undefined ? all : all.filter(({ name }) => name.includes(values.subject!))
  const each = values.subject === undefined ? Math.ceil(count / chosen.length) : count
  const columns = [
    "mutants",
    "packets",
    "refused",
    "incomplete",
    "same",
    "raw",
    "unwritten",
    "prefixes",
    "continuations",
    "objections"
  ] as const
  const row = (name: string, of: Counts): string => `| ${name} | ${columns.map((column) => of[column]).join(" | ")} |`
  console.log(`| protocol | ${columns.join(" | ")} |\n|${"---|".repeat(1 + columns.length)}`)
  const { counts, findings, operators } = fuzz(chosen, {
    seed,
    count: each,
    from,
    done: ({ name }, of, found) => {
      console.log(row(name, of))
      for (const { hex, reading, run, what } of found) console.log(`  run ${run}, ${JSON.stringify(reading)}: ${what}\n    ${hex}`)
    }
  })
  const sum = (column: keyof Counts): number => [...counts.values()].reduce((total, of) => total + of[column], 0)
  console.log(`| all | ${columns.map(sum).join(" | ")} |`)
  console.log(`changes: ${[...operators].map((one) => one.join(" ")).join(", ")}`)
  console.log(`findings ${findings.length}`)
  process.exitCode = findings.length === 0 ? 0 : 1
} finally {
  remove()
}
