/** `wirewright docs`: specs to reference pages in Markdown. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { join } from "node:path"
import { withCodegen } from "./CodegenApi.ts"
import { settingsOf } from "./Config.ts"
import { counted, handler } from "./Failure.ts"
import { printFindings } from "./FindingReport.ts"
import { on, withDefault } from "./Flags.ts"
import { printGenerated } from "./GenerateCommand.ts"
import { colorsOn, flush, say } from "./Output.ts"
import { customsIn } from "./Protocols.ts"
import { type NamedProtocols, protocolsOf, specWords } from "./SpecArgument.ts"

/** What the arguments name, else what the config file lists, whose code may say what only code can. */
const named = async (specs: ReadonlyArray<string>): Promise<ReadonlyArray<NamedProtocols>> => {
  if (specs.length > 0) return Promise.all(specs.map((spec) => protocolsOf(spec)))
  const { targets } = await settingsOf([], undefined, process.cwd())
  return Promise.all(targets.map(async ({ out, protocol, spec }) => {
    const { findings, protocols } = await protocolsOf(spec, protocol)
    const places = protocols.map(({ name }) => protocols.length === 1 ? out : join(out, name))
    return { findings, protocols: await Promise.all(protocols.map(async (one, i) => ({ customs: await customsIn(places[i]!), ...one }))) }
  }))
}

/** The command. */
export const docsCommand = Command.make("docs", {
  specs: Argument.String("spec").pipe(
    Argument.withDescription(`${specWords}; all that wirewright.config.ts lists when none is given`),
    Argument.variadic()
  ),
  out: withDefault(Flag.String("out"), "Where the pages go; several protocols get a directory each below it", "docs"),
  dryRun: on("dry-run", "Say what would change, write nothing")
}, ({ dryRun, out, specs }) =>
  handler(async () => {
    const cwd = process.cwd()
    const all = await named(specs)
    const findings = all.flatMap((one) => one.findings)
    printFindings(findings, { cwd, color: colorsOn(process.stdout) })
    if (findings.length > 0) say(`${counted(findings.length, "finding")}; nothing was written`)
    else {printGenerated(
        await withCodegen((codegen) => codegen.docs({ protocols: all.flatMap((one) => one.protocols), out, cwd, dryRun })),
        dryRun
      )}
    await flush()
    return findings.length
  }, (count) => counted(count, "finding"))).pipe(
    Command.withShortDescription("Write reference pages of protocols"),
    Command.withDescription(
      "Write reference pages of protocols in Markdown: an index by opcode, and for each packet its byte grid or its line of text, a table of "
        + "its fields, what answers it, the statuses and what a client may do about each, connection states, limits, and examples field by field. "
        + "Unchanged pages are not touched, and files that others wrote are never replaced."
    ),
    Command.withExamples([
      { command: "wirewright docs spec/ours.ts --out docs/ours", description: "One spec" },
      { command: "wirewright docs --out docs", description: "Everything wirewright.config.ts lists" },
      { command: "wirewright docs dcp --out docs/dcp", description: "A protocol that comes with the command" }
    ])
  )
