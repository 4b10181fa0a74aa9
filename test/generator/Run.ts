/** Runs the generator in a process of its own, as its users do: positions come from untransformed sources only there. */
import type { GenerateOptions, Report } from "@wirewright/codegen"
import * as ChildProcess from "node:child_process"
import * as Path from "node:path"

const script = `
import { check, generate } from "@wirewright/codegen"
const [what, options] = JSON.parse(process.argv[1])
try {
  console.log(JSON.stringify(await (what === "check" ? check : generate)(options)))
} catch (error) {
  console.error(error.message)
  process.exit(1)
}`

const run = (what: "check" | "generate", options: GenerateOptions): Report => {
  const result = ChildProcess.spawnSync(
    process.execPath,
    ["--conditions=@wirewright/source", "--input-type=module", "--eval", script, JSON.stringify([what, options])],
    { cwd: Path.join(import.meta.dirname, ".."), encoding: "utf8", maxBuffer: 64 * 1024 * 1024 }
  )
  if (result.status !== 0) throw new Error(result.stderr)
  return JSON.parse(result.stdout) as Report
}

/** Generates. */
export const runGenerator = (options: GenerateOptions): Report => run("generate", options)

/** Checks freshness. */
export const runCheck = (options: GenerateOptions): Report => run("check", options)
