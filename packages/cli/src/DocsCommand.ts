/** `wirewright docs`: specs to reference pages in Markdown. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { withCodegen } from "./CodegenApi.ts"
import { specsOf } from "./Config.ts"
import { counted, handler } from "./Failure.ts"
import { printFindings } from "./FindingReport.ts"
import { on, withDefault } from "./Flags.ts"
import { printGenerated, sayNotices } from "./GenerateCommand.ts"
import { colorsOn, flush, say } from "./Output.ts"

/** The command. */
export const docsCommand = Command.make("docs", {
  specs: Argument.String("spec").pipe(
    Argument.withDescription("Spec modules; those of wirewright.config.ts when none is given"),
    Argument.variadic()
  ),
  out: withDefault(Flag.String("out"), "Where the pages go; several protocols get a directory each below it", "docs"),
  dryRun: on("dry-run", "Say what would change, write nothing")
}, ({ dryRun, out, specs }) =>
  handler(async () => {
    const cwd = process.cwd()
    const targets = await specsOf(specs, cwd)
    const report = await withCodegen((codegen) => codegen.docs({ targets, out, cwd, dryRun }))
    printFindings(report.findings, { cwd, color: colorsOn(process.stdout) })
    sayNotices(report.notices)
    if (report.findings.length === 0) printGenerated(report, dryRun)
    else say(`${counted(report.findings.length, "finding")}; nothing was written`)
    await flush()
    return report.findings.length
  }, (count) => counted(count, "finding"))).pipe(
    Command.withShortDescription("Write reference pages of protocols"),
    Command.withDescription(
      "Write reference pages from spec modules, in Markdown: an index by opcode, and for each packet its byte grid or its line of text, a table of "
        + "its fields, what answers it, the statuses and what a client may do about each, connection states, limits, and examples field by field. "
        + "Unchanged pages are not touched, and files that others wrote are never replaced."
    ),
    Command.withExamples([
      { command: "wirewright docs spec/ours.ts --out docs/ours", description: "One spec" },
      { command: "wirewright docs --out docs", description: "Everything wirewright.config.ts lists" },
      { command: "wirewright docs spec/ours.ts --dry-run", description: "What would change" }
    ])
  )
