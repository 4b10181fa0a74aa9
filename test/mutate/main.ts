/**
 * `npm run mutate`: whether the tests notice when the decisions of the change stream are made wrong. Each condition negated, each comparison moved
 * by one, each number shifted by one and each call dropped, one at a time, in the files that `Targets.ts` names; none is written to the sources.
 *
 * `--classic` plants the losses of `Classic.ts` instead, and exits 1 when one of them is not noticed. `--files a,b` only these, by name without `.ts`; `--only N` one mutant; `--list` names them; `--record` adds survivors without a reason to
 * `survivors.json`; `--lanes N` processes at once. Exits 1 when less than 95 % are noticed or a survivor has no reason.
 */
import { existsSync } from "node:fs"
import { basename, join } from "node:path"
import { parseArgs } from "node:util"
import { measure, mutationOf } from "./Measure.ts"
import { plantAll } from "./Plant.ts"
import { root } from "./Runner.ts"
import { outdated, reasonOf, record, recorded } from "./Survivors.ts"
import { environment, targets } from "./Targets.ts"

const { values } = parseArgs({
  options: {
    files: { type: "string" },
    only: { type: "string" },
    list: { type: "boolean", default: false },
    classic: { type: "boolean", default: false },
    record: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    lanes: { type: "string", default: "2" }
  }
})
const leastShare = 0.95
const nameOf = (file: string): string => basename(file, ".ts")
const names = values.files?.split(",")
const known = targets.filter(({ file }) => existsSync(join(root, file)))
const unknown = values.classic ? undefined : names?.find((name) => !known.some(({ file }) => nameOf(file) === name))
if (unknown !== undefined) {
  console.error(`--files ${unknown}: one of ${known.map(({ file }) => nameOf(file)).join(", ")}`)
  process.exit(2)
}
const chosen = known
  .filter(({ file }) => names === undefined || names.includes(nameOf(file)))
  .map(({ file, tests }) => ({ file, tests: tests.filter((test) => existsSync(join(root, test))) }))

if (values.classic) process.exit(await plantAll(names, environment) ? 0 : 1)
if (values.list) {
  for (const { change, file, id, line, operator } of mutationOf(chosen.map(({ file }) => file)).mutants) {
    console.log(`${id}\t${file}:${line}\t${operator}\t${change}`)
  }
  process.exit(0)
}

const start = performance.now()
const only = values.only === undefined ? undefined : Number(values.only)
const verdicts = await measure(
  chosen,
  environment,
  Number(values.lanes),
  ({ id }) => only === undefined || id === only,
  (test, left) => console.error(`${test}: ${left} left`)
)
if (values.verbose) {
  for (const { mutant: { change, file, id, line, operator }, noticedBy } of verdicts) {
    console.log(`${id} ${nameOf(file)}:${line} ${operator} ${change}: ${noticedBy ?? "SURVIVED"}`)
  }
}

const row = (name: string, all: number, noticed: number): string => {
  const share = all === 0 ? "" : `${(100 * noticed / all).toFixed(1)} %`
  return [name.padEnd(20), ...[all, noticed, all - noticed].map((count) => String(count).padStart(8)), share.padStart(9)].join(" ")
}
console.log(["file".padEnd(20), ...["mutants", "noticed", "survived"].map((head) => head.padStart(8)), "share".padStart(9)].join(" "))
for (const { file } of chosen) {
  const mine = verdicts.filter(({ mutant }) => mutant.file === file)
  console.log(row(nameOf(file), mine.length, mine.filter(({ noticedBy }) => noticedBy !== undefined).length))
}
const surviving = verdicts.filter(({ noticedBy }) => noticedBy === undefined).map(({ mutant }) => mutant)
const noticed = verdicts.length - surviving.length
console.log(row("total", verdicts.length, noticed))

const survivors = recorded()
const unexplained = surviving.filter((mutant) => reasonOf(survivors, mutant) === undefined)
for (const mutant of surviving) {
  const { change, file, id, line, operator, text } = mutant
  console.log(`\n${file}:${line} ${operator} (${id})\n  ${text}\n  ${change}\n  ${reasonOf(survivors, mutant) ?? "NO REASON"}`)
}
if (only === undefined) {
  for (const { change, file, line } of outdated(survivors, new Set(chosen.map(({ file }) => file)), surviving)) {
    console.log(`\nto be removed from survivors.json, as it does not survive: ${file}\n  ${line}\n  ${change}`)
  }
}
if (values.record) {
  record(
    survivors,
    unexplained.filter((mutant) => !survivors.some(({ change, file }) => file === mutant.file && change === mutant.change))
  )
}
const minutes = (performance.now() - start) / 60_000
console.log(`\n${unexplained.length} survivors without a reason; ${minutes.toFixed(1)} minutes`)
const enough = only !== undefined || noticed >= leastShare * verdicts.length
if (!enough) console.log(`less than ${100 * leastShare} % were noticed`)
process.exit(enough && unexplained.length === 0 ? 0 : 1)
