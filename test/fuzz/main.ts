/**
 * `npm run fuzz -- [--count 2000000] [--seed N]`: structure-aware decodes and prints of every generated protocol. Default seed: the day, such as
 * 20261128. The exit code is 1 when anything but a packet or a typed error came out; the inputs are printed.
 */
import { parseArgs } from "node:util"
import { fuzz } from "./Fuzz.ts"

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "2000000" },
    seed: { type: "string", default: new Date().toISOString().slice(0, 10).replaceAll("-", "") }
  }
})
const [count, seed] = [Number(values.count), Number(values.seed)]
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed) || seed < 0) {
  console.error("--count is a whole number from 1, --seed one from 0")
  process.exit(2)
}
console.log(`seed ${seed}`)
const { decodes, findings, incomplete, packets, protocols, refused, same } = fuzz(
  count,
  seed,
  (done) => process.stderr.write(`${done}\n`)
)
console.log(`decodes ${decodes}: ${[...protocols].map(([name, one]) => `${name} ${one}`).join(", ")}`)
console.log(`packets ${packets}, refused ${refused}, incomplete ${incomplete}`)
console.log(`JSON and back to the same bytes ${same}`)
console.log(`findings ${findings.length}`)
for (const finding of findings.slice(0, 20)) console.log(`  ${finding}`)
process.exitCode = findings.length === 0 ? 0 : 1
