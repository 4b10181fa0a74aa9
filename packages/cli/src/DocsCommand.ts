/** `wirewright docs`: specs to reference pages in Markdown. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { withCodegen } from "./CodegenApi.ts"
import { settingsOf } from "./Config.ts"
import { handler } from "./Failure.ts"
import { on, withDefault } from "./Flags.ts"
import { printGenerated } from "./GenerateCommand.ts"
import { flush } from "./Output.ts"
import { protocolsOf, specDescription } from "./SpecProtocol.ts"

/** The command. */
export const docsCommand = Command.make("docs", {
  specs: Argument.String("spec").pipe(
    Argument.withDescription(`${specDescription}; all that wirewright.config.ts lists when none is given`),
    Argument.variadic()
  ),
  out: withDefault(Flag.String("out"), "Where the pages go; several protocols get a directory each below it", "docs"),
  dryRun: on("dry-run", "Say what would change, write nothing")
}, ({ dryRun, out, specs }) =>
  handler(async () => {
    const cwd = process.cwd()
    const asked = specs.length > 0 ? specs.map((spec) => ({ spec })) : (await settingsOf([], undefined, cwd)).targets
    const protocols = (await protocolsOf(asked)).flat()
    printGenerated(await withCodegen((codegen) => codegen.docs({ protocols, out, cwd, dryRun })), dryRun)
    await flush()
    return 0
  }, () => "")).pipe(
    Command.withShortDescription("Write reference pages of protocols"),
    Command.withDescription(
      "Write reference pages of protocols in Markdown: an index by opcode, and for each packet its byte grid or its line of text, a table of "
        + "its fields, what answers it, the statuses and what a client may do about each, connection states, limits, and examples field by field: "
        + "those of the spec, and where it has none, one that is made and says so. "
        + "Unchanged pages are not touched, and files that others wrote are never replaced."
    ),
    Command.withExamples([
      { command: "wirewright docs spec/ours.ts --out docs/ours", description: "One spec" },
      { command: "wirewright docs --out docs", description: "Everything wirewright.config.ts lists" },
      { command: "wirewright docs dcp --out docs/dcp", description: "A protocol that comes with the command" }
    ])
  )
