/** `wirewright generate` and `wirewright check`: specs to code, and whether the code is what the specs say. */
import type * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { type CodegenOptions, type Finding, type Report, withCodegen } from "./CodegenApi.ts"
import { configNames, settingsOf } from "./Config.ts"
import { importExtensions, languages, testRunners } from "./ConfigFile.ts"
import { counted, type Failure, handler } from "./Failure.ts"
import { printFindings } from "./FindingReport.ts"
import { on, optional, repeated } from "./Flags.ts"
import { colorsOn, flush, line, say } from "./Output.ts"
import { told, watching } from "./Watch.ts"

const parameters = {
  specs: Argument.String("spec").pipe(
    Argument.withDescription("Spec modules; those of wirewright.config.ts when none is given"),
    Argument.variadic()
  ),
  out: optional(
    Flag.String("out"),
    "Where the generated code goes; several specs get a directory each below it",
    "what wirewright.config.ts says"
  ),
  testRunner: optional(
    Flag.Literals("test-runner", testRunners),
    "What generated tests of the examples run on",
    "what wirewright.config.ts says, else none"
  ),
  importExtension: optional(
    Flag.Literals("import-extension", importExtensions),
    "Extension of imports between generated files; .js where tsconfig.json does not allow .ts",
    "what wirewright.config.ts says, else .ts"
  ),
  target: repeated(
    Flag.Literals("target", languages),
    "What to make: ts is code, json-schema what decode --json prints, ksy a spec for Kaitai Struct; what ksy cannot say is told",
    "ts"
  ),
  watch: on("watch", "Run again when a spec, or a file that it imports, changes; Ctrl-C ends it with exit code 0")
}

/** What the arguments say. */
interface Options {
  readonly specs: ReadonlyArray<string>
  readonly out: string | undefined
  readonly testRunner: typeof testRunners[number] | undefined
  readonly importExtension: typeof importExtensions[number] | undefined
  readonly target: ReadonlyArray<typeof languages[number]>
  readonly watch: boolean
}

const cwd = (): string => process.cwd()
const quoted = (word: string): string => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

/** The arguments again, without `--watch`. */
const argumentsOf = ({ importExtension, out, specs, target, testRunner }: Options): ReadonlyArray<string> => [
  ...specs,
  ...(out === undefined ? [] : ["--out", out]),
  ...(testRunner === undefined ? [] : ["--test-runner", testRunner]),
  ...(importExtension === undefined ? [] : ["--import-extension", importExtension]),
  ...target.flatMap((one) => ["--target", one])
]

/** What the generator is told. */
const codegenOptions = async ({ importExtension, out, specs, target, testRunner }: Options): Promise<CodegenOptions> => ({
  ...await settingsOf(specs, out, cwd()),
  cwd: cwd(),
  ...(testRunner === undefined ? {} : { testRunner }),
  ...(importExtension === undefined ? {} : { importExtension }),
  ...(target.length === 0 ? {} : { languages: target })
})

/** Runs a command, once or whenever a file changes. */
const runs = (name: string, options: Options, more: ReadonlyArray<string>, run: () => Promise<number>): Effect.Effect<void, Failure> => {
  const files = [...configNames, ...options.specs]
  return options.watch
    ? watching([name, ...argumentsOf(options), ...more], cwd(), files)
    : handler(() => told(cwd(), files, run), (count) => counted(count, "finding"))
}

/** Notices are no findings: they go to stderr, a line or two each. */
const sayNotices = (notices: ReadonlyArray<Finding>): void => {
  for (const { column, file, hint, line: number, message } of notices) {
    say(`note: ${file}:${number}:${column} ${message}`)
    if (hint !== "") say(`  hint: ${hint}`)
  }
}

/** What was written and removed, a line each; the sum on stderr. */
export const printGenerated = (report: Pick<Report, "written" | "removed" | "unchanged">, dryRun: boolean): void => {
  for (const file of report.written) line(`${dryRun ? "would write" : "wrote"} ${file}`)
  for (const file of report.removed) line(`${dryRun ? "would remove" : "removed"} ${file}`)
  const changes = report.written.length + report.removed.length
  say(`${counted(changes, "file")} ${dryRun ? "would change" : "changed"}, ${report.unchanged} unchanged`)
}

/** Specs to code. */
export const generateCommand = Command.make("generate", {
  ...parameters,
  dryRun: on("dry-run", "Say what would change, write nothing")
}, (options) =>
  runs("generate", options, options.dryRun ? ["--dry-run"] : [], async () => {
    const asked = await codegenOptions(options)
    const report = await withCodegen((codegen) => codegen.generate({ ...asked, dryRun: options.dryRun }))
    printFindings(report.findings, { cwd: cwd(), color: colorsOn(process.stdout) })
    sayNotices(report.notices)
    if (report.findings.length === 0) printGenerated(report, options.dryRun)
    else say(`${counted(report.findings.length, "finding")}; nothing was written`)
    await flush()
    return report.findings.length
  })).pipe(
    Command.withShortDescription("Generate codecs from specs"),
    Command.withDescription(
      "Generate typed codecs, models and tests from spec modules. Unchanged files are not touched; nothing is written while a spec has "
        + "findings, and files that others wrote are never replaced."
    ),
    Command.withExamples([
      { command: "wirewright generate", description: "Everything wirewright.config.ts lists" },
      { command: "wirewright generate spec/ours.ts --out src/gen", description: "One spec" },
      { command: "wirewright generate spec/ours.ts --out schema --target json-schema", description: "A JSON Schema of its packets" },
      { command: "wirewright generate --watch", description: "While you write specs" },
      { command: "wirewright generate --dry-run", description: "What would change" }
    ])
  )

/** Whether specs are right and code is fresh. */
export const checkCommand = Command.make("check", parameters, (options) =>
  runs("check", options, [], async () => {
    const asked = await codegenOptions(options)
    const report = await withCodegen((codegen) => codegen.check(asked))
    printFindings(report.findings, { cwd: cwd(), color: colorsOn(process.stdout) })
    sayNotices(report.notices)
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
      const command = ["wirewright generate", ...argumentsOf(options).map(quoted)].join(" ")
      say(`${parts.join(", ")}. ${report.findings.length === 0 ? "Run" : "Correct the specs, then run"}: ${command}`)
    }
    return count
  })).pipe(
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
