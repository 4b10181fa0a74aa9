/** The `wirewright` command. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import { readFileSync } from "node:fs"
import { decodeCommand } from "./DecodeCommand.ts"
import { deepstreamCommand } from "./DeepstreamCommand.ts"
import { doctorCommand } from "./DoctorCommand.ts"
import { encodeCommand } from "./EncodeCommand.ts"
import { exitCodes, Usage } from "./Failure.ts"
import { checkCommand, generateCommand } from "./GenerateCommand.ts"
import { kvCommand } from "./KvCommand.ts"
import { colorsOn, endWithReader, flush, say, sayBlock } from "./Output.ts"
import { proxyCommand } from "./ProxyCommand.ts"
import { serveCommand } from "./ServeCommand.ts"
import { tailCommand } from "./TailCommand.ts"

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { readonly version: string }

const wirewright = Command.make("wirewright").pipe(
  Command.withDescription(`Wire formats from declarative specs: generate codecs, look into bytes.\n\n  ${exitCodes}`),
  Command.withExamples([
    { command: "wirewright generate", description: "Code from the specs that wirewright.config.ts lists" },
    {
      command: "wirewright decode --hex '80 0a 0000 00 00 0000 00000000 0000002a 0000000000000000'",
      description: "A packet, field by field"
    },
    { command: "wirewright decode session.pcapng --json", description: "A capture as NDJSON" }
  ]),
  Command.withSubcommands([
    generateCommand,
    checkCommand,
    decodeCommand,
    encodeCommand,
    serveCommand,
    proxyCommand,
    kvCommand,
    tailCommand,
    deepstreamCommand,
    doctorCommand
  ])
)

/** Help is data; what is wrong with an invocation goes to stderr, with the way to the help instead of the help itself. */
const presenter = CliOutput.layerPresenter({
  present: (event) =>
    event._tag !== "InvalidInvocation"
      ? CliOutput.defaultPresenter.present(event)
      : Effect.sync(() => {
        const colors = colorsOn(process.stderr)
        const { formatErrors } = CliOutput.defaultFormatter({ colors })
        sayBlock(`${formatErrors(event.errors).trim()}\n\nSee ${event.commandPath.join(" ")} --help`, colors)
      })
})

/** Whatever was not expected, on stderr and with its stack; findings have been printed, usage errors say what is wrong. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Effect.promise(async () => {
    await flush()
    if (Cause.hasDies(cause)) sayBlock(`wirewright: unexpected: ${Cause.pretty(cause)}`)
    else if (Cause.squash(cause) instanceof Usage) say(`wirewright: ${(Cause.squash(cause) as Usage).message}`)
  })

endWithReader()

Command.run(wirewright, { version }).pipe(
  Effect.tapCause(report),
  Effect.provide(presenter),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
