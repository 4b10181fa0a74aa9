/** `wirewright generate` and `wirewright check`: specs to code, and whether the code is what the specs say. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { type Report, testRunners, withCodegen } from "./CodegenApi.ts"
import { targetsOf } from "./Config.ts"
import { counted, handler } from "./Failure.ts"
import { printFindings } from "./FindingReport.ts"
import { on, optional } from "./Flags.ts"
import { colorsOn, flush, line, say } from "./Output.ts"

const specs = Argument.String("spec").pipe(
  Argument.withDescription("Spec modules; those of wirewright.config.ts when none is given"),
  Argument.variadic()
)
const out = optional(
  Flag.String("out"),
  "Where the generated code goes; several specs get a directory each below it",
  "what wirewright.config.ts says"
)
const testRunner = optional(Flag.Literals("test-runner", testRunners), "What generated tests of the examples run on", "none")

const cwd = (): string => process.cwd()
const quoted = (word: string): string => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

/** The command that brings the generated code up to date. */
const fixingCommand = (given: ReadonlyArray<string>, to: string | undefined, runner: string | undefined): string =>
  [
    "wirewright generate",
    ...given.map(quoted),
    ...(to === undefined ? [] : ["--out", quoted(to)]),
    ...(runner === undefined ? [] : ["--test-runner", runner])
  ].join(" ")

const runnerOption = (runner: typeof testRunners[number] | undefined): { readonly testRunner?: typeof testRunners[number] } =>
  runner === undefined ? {} : { testRunner: runner }

const printGenerated = (report: Report, dryRun: boolean): void => {
  for (const file of report.written) line(`${dryRun ? "would write" : "wrote"} ${file}`)
  for (const file of report.removed) line(`${dryRun ? "would remove" : "removed"} ${file}`)
  const changes = report.written.length + report.removed.length
  say(`${counted(changes, "file")} ${dryRun ? "would change" : "changed"}, ${report.unchanged} unchanged`)
}

/** Specs to code. */
export const generateCommand = Command.make("generate", {
  specs,
  out,
  dryRun: on("dry-run", "Say what would change, write nothing"),
  testRunner
}, (options) =>
  handler(async () => {
    const targets = await targetsOf(options.specs, options.out, cwd())
    const report = await withCodegen((codegen) =>
      codegen.generate({ targets, cwd: cwd(), dryRun: options.dryRun, ...runnerOption(options.testRunner) })
    )
    printFindings(report.findings, { cwd: cwd(), color: colorsOn(process.stdout) })
    if (report.findings.length === 0) printGenerated(report, options.dryRun)
    else say(`${counted(report.findings.length, "finding")}; nothing was written`)
    await flush()
    return report.findings.length
  }, (count) => counted(count, "finding"))).pipe(
    Command.withShortDescription("Generate codecs from specs"),
    Command.withDescription(
      "Generate typed codecs, models and tests from spec modules. Unchanged files are not touched; nothing is written while a spec has "
        + "findings."
    ),
    Command.withExamples([
      { command: "wirewright generate", description: "Everything wirewright.config.ts lists" },
      { command: "wirewright generate spec/ours.ts --out src/gen", description: "One spec" },
      { command: "wirewright generate --dry-run", description: "What would change" }
    ])
  )

/** Whether specs are right and code is fresh. */
export const checkCommand = Command.make("check", { specs, out, testRunner }, (options) =>
  handler(async () => {
    const { out: to } = options
    const targets = await targetsOf(options.specs, to, cwd())
    const report = await withCodegen((codegen) => codegen.check({ targets, cwd: cwd(), ...runnerOption(options.testRunner) }))
    printFindings(report.findings, { cwd: cwd(), color: colorsOn(process.stdout) })
    for (const file of report.stale) line(`stale    ${file}`)
    for (const file of report.orphaned) line(`orphaned ${file}`)
    const outdated = report.stale.length + report.orphaned.length
    const count = report.findings.length + outdated
    await flush()
    if (count === 0) say(`The specs are right and ${counted(report.unchanged, "generated file")} fresh`)
    else {
      const parts = [
        ...(report.findings.length === 0 ? [] : [counted(report.findings.length, "finding")]),
        ...(outdated === 0 ? [] : [`${counted(outdated, "file")} out of date`])
      ]
      const command = fixingCommand(options.specs, to, options.testRunner)
      say(`${parts.join(", ")}. ${report.findings.length === 0 ? "Run" : "Correct the specs, then run"}: ${command}`)
    }
    return count
  }, (count) => counted(count, "finding"))).pipe(
    Command.withShortDescription("Check specs, and that generated code is fresh"),
    Command.withDescription(
      "Check spec modules, and whether the generated code is what they say. Nothing is written. The last line is the command that fixes it."
    ),
    Command.withExamples([
      { command: "wirewright check", description: "Everything wirewright.config.ts lists" },
      { command: "wirewright check spec/ours.ts --out src/gen", description: "One spec" },
      { command: "wirewright check || wirewright generate", description: "Bring the code up to date" }
    ])
  )
