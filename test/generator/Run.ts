/** Runs the generator in a process of its own, as its users do: positions come from untransformed sources only there. */
import type { GenerateOptions, Report } from "@wirewright/codegen"
import * as ChildProcess from "node:child_process"
import * as Path from "node:path"

const here = Path.join(import.meta.dirname, "..")

/** Somebody whom permissions hold for, if root is not: undefined for us. */
export const nobody = process.getuid?.() === 0 ? 65_534 : undefined

/** Whether permissions can be tested: by us, or by `nobody` if it can read the checkout. */
export const permissionsHold = nobody === undefined
  || ChildProcess.spawnSync(process.execPath, ["--eval", ""], { cwd: here, uid: nobody }).status === 0

/** What to run. */
export type Call = readonly [what: "check" | "generate", options: GenerateOptions]

const script = `
import { check, generate } from "@wirewright/codegen"
const outcomes = []
for (const [what, options] of JSON.parse(process.argv[1])) {
  try {
    outcomes.push({ report: await (what === "check" ? check : generate)(options) })
  } catch (error) {
    outcomes.push({ error: error.name + ": " + error.message })
  }
}
console.log(JSON.stringify(outcomes))`

/** Runs several calls in one process, which loads each spec once; as another user if one is named. Gives reports, and `NAME: MESSAGE` of errors. */
export const runCalls = (calls: ReadonlyArray<Call>, uid?: number): ReadonlyArray<Report | string> => {
  const result = ChildProcess.spawnSync(
    process.execPath,
    ["--conditions=@wirewright/source", "--input-type=module", "--eval", script, JSON.stringify(calls)],
    { cwd: here, encoding: "utf8", maxBuffer: 64 * 1024 * 1024, ...uid === undefined ? {} : { uid } }
  )
  if (result.status !== 0) throw new Error(result.stderr)
  const outcomes = JSON.parse(result.stdout) as ReadonlyArray<{ readonly report: Report } | { readonly error: string }>
  return outcomes.map((outcome) => "error" in outcome ? outcome.error : outcome.report)
}

/** Runs several calls in one process; throws `NAME: MESSAGE` of the first error. */
export const reportsOf = (calls: ReadonlyArray<Call>, uid?: number): ReadonlyArray<Report> =>
  runCalls(calls, uid).map((outcome) => {
    if (typeof outcome === "string") throw new Error(outcome)
    return outcome
  })

const run = (call: Call, uid?: number): Report => reportsOf([call], uid)[0]!

/** Generates; throws `NAME: MESSAGE` of the error that it ends with. */
export const runGenerator = (options: GenerateOptions, uid?: number): Report => run(["generate", options], uid)

/** Checks freshness. */
export const runCheck = (options: GenerateOptions): Report => run(["check", options])
