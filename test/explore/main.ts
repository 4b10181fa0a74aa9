/**
 * `npm run explore -- --seqnos 4 --failovers 1 …`: every schedule of a small world of a producer, a consumer and its application. Prints how many
 * states and transitions there are and how many schedules lose something; with `--mistake`, the shortest schedule that shows it. The exit code is 1
 * when something is lost, or when nothing is though a mistake was planted; 3 when there were more states than `--most`.
 */
import { explore } from "../../packages/dcp/src/Exploration.fixture.ts"
import { type Mistake, mistakes } from "../../packages/dcp/src/World.fixture.ts"
import { parseArgs } from "node:util"

const budgets = {
  seqnos: "4",
  keys: "2",
  failovers: "1",
  lost: "2",
  purges: "1",
  crashes: "1",
  restarts: "0",
  disconnects: "0",
  evictions: "0",
  closures: "0",
  most: "20000000"
}
type Budget = keyof typeof budgets

const usage = (message: string): never => {
  console.error(`explore: ${message}`)
  console.error(`  --${Object.entries(budgets).map(([name, value]) => `${name} ${value}`).join(" --")}`)
  console.error(`  --filtered --unordered --rebuild --mistake one of: ${mistakes.join("; ")}`)
  return process.exit(2)
}

const { values } = parseArgs({
  options: {
    ...Object.fromEntries(Object.entries(budgets).map(([name, value]) => [name, { type: "string", default: value }] as const)),
    filtered: { type: "boolean", default: false },
    unordered: { type: "boolean", default: false },
    rebuild: { type: "boolean", default: false },
    mistake: { type: "string" }
  } as { readonly [name: string]: { readonly type: "string" | "boolean"; readonly default?: string | boolean } }
})
const budget = (name: Budget): number => {
  const number = Number(values[name])
  return Number.isSafeInteger(number) && number >= 0 ? number : usage(`--${name} ${String(values[name])}: expected a whole number from 0`)
}
const mistake = values["mistake"] as Mistake | undefined
if (mistake !== undefined && !mistakes.includes(mistake)) usage(`--mistake ${mistake}: there is none of that name`)

const transitions = new Map<string, number>()
const names = Object.keys(budgets) as ReadonlyArray<Budget>
const bounds = Object.fromEntries(names.map((name) => [name, budget(name)])) as { readonly [Name in Budget]: number }
const found = explore({
  ...bounds,
  filtered: values["filtered"] === true,
  unordered: values["unordered"] === true,
  ...values["rebuild"] === true ? { strategy: "rebuild" } : {},
  ...mistake === undefined ? {} : { mistake },
  onTransition: (from, to) => {
    const name = `${from} → ${to}`
    transitions.set(name, (transitions.get(name) ?? 0) + 1)
  }
}, (states, waiting, depth) => {
  if (process.stderr.isTTY === true) process.stderr.write(`\r\u001b[K${depth} steps  ${states} states  ${waiting} to be looked at`)
})
if (process.stderr.isTTY === true) process.stderr.write("\r\u001b[K")

console.log(
  `${found.states} states, ${found.transitions} transitions, ${found.compared} images compared, ${found.depth} steps at most, `
    + `${found.wrong === undefined ? 0 : 1} lost`
)
if (found.wrong !== undefined) {
  console.log(`shortest schedule that goes wrong (${found.wrong.schedule.length} steps): ${found.wrong.schedule.join(", ")}`)
  console.log(`  ${found.wrong.differences.join("; ")}`)
} else if (!found.complete) {
  console.log(`not complete: there are more than ${bounds.most} states`)
} else {
  for (const [name, count] of [...transitions].sort(([a], [b]) => a < b ? -1 : 1)) console.log(`  ${name}  ${count}`)
}
process.exitCode = found.wrong !== undefined ? mistake === undefined ? 1 : 0 : found.complete ? mistake === undefined ? 0 : 1 : 3
