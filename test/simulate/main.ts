/**
 * `npm run simulate -- --from N --count M`: seeded schedules of a producer, a consumer and its application, in which both images must be the same
 * in the end. A seed that goes wrong is printed with the smallest schedule like it, and the exit code is 1. With `--stack`, everything that runs.
 */
import { goesWrong, type Schedule, shrunk, simulate } from "../../packages/dcp/src/Simulation.fixture.ts"
import { parseArgs } from "node:util"
import { simulateStack } from "./stack.ts"

const { values } = parseArgs({
  options: {
    from: { type: "string", default: "1" },
    count: { type: "string" },
    steps: { type: "string", default: "300" },
    stack: { type: "boolean", default: false },
    trace: { type: "boolean", default: false }
  }
})
const [from, count, steps] = [Number(values.from), Number(values.count ?? (values.stack ? 1_000 : 10_000)), Number(values.steps)]
if (![from, count, steps].every((value) => Number.isSafeInteger(value) && value > 0)) {
  console.error("--from, --count and --steps are whole numbers from 1")
  process.exit(2)
}
if (values.stack) process.exit(await simulateStack(from!, count!, values.trace) ? 0 : 1)

const strategies: ReadonlyArray<NonNullable<Schedule["strategy"]>> = ["undo", "rebuild"]
const totals = { schedules: 0, delivered: 0, failovers: 0, rollbacks: 0, wrong: 0 }
for (let seed = from; seed < from + count; seed++) {
  const schedule: Schedule = { seed, steps, strategy: strategies[seed % 2]!, filtered: seed % 4 > 1 }
  const { delivered, differences, failovers, rollbacks } = simulate(schedule)
  totals.schedules++
  totals.delivered += delivered
  totals.failovers += failovers
  totals.rollbacks += rollbacks
  if (differences.length === 0) continue
  totals.wrong++
  const small = goesWrong(schedule) ? shrunk(schedule) : schedule
  console.error(`seed ${seed}: ${differences.join("; ")}`)
  console.error(`  smallest like it: ${JSON.stringify(small)}`)
}
console.log(
  `${totals.schedules} schedules: ${totals.delivered} changes delivered, ${totals.failovers} failovers, ${totals.rollbacks} rollbacks, ${totals.wrong} went wrong`
)
process.exitCode = totals.wrong === 0 ? 0 : 1
