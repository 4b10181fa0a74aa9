/**
 * `npm run simulate -- --stack --from N --count M`: the whole stack in virtual time, seed by seed; what happened how often; and each seed that goes
 * wrong with the smallest schedule like it. `--trace` prints the lines of each seed.
 */
import { playSeed, smallest, stackKinds, transitions } from "../dcp/Stack.ts"
import { scheduleOf } from "../dcp/StackSchedule.ts"

/** Seeds from which on nothing may be missing. */
const enough = 1_000

/** Returns whether all is well. */
export const simulateStack = async (from: number, count: number, trace: boolean): Promise<boolean> => {
  const totals = new Map<string, number>([...stackKinds, ...transitions].map((kind) => [kind, 0]))
  let wrong = 0
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await playSeed(seed)
    for (const [kind, times] of outcome.counts) totals.set(kind, (totals.get(kind) ?? 0) + times)
    if (trace) console.log(outcome.trace.join("\n"))
    if (outcome.wrong === undefined) continue
    wrong++
    console.error(`seed ${seed}: ${outcome.wrong}`)
    const { steps, ...rest } = await smallest(scheduleOf(seed))
    console.error(`  smallest like it: ${JSON.stringify(rest)}\n${steps.map((step) => `    ${JSON.stringify(step)}`).join("\n")}`)
  }
  const width = Math.max(...[...totals.keys()].map(({ length }) => length))
  for (const [kind, times] of totals) console.log(`${kind.padEnd(width)} ${String(times).padStart(9)}`)
  const missing = [...totals].flatMap(([kind, times]) => times === 0 ? [kind] : [])
  console.log(`${count} seeds from ${from}: ${wrong} went wrong${missing.length === 0 ? "" : `; never: ${missing.join(", ")}`}`)
  return wrong === 0 && (count < enough || missing.length === 0)
}
