/** The command tree: what `wirewright` can do. */
import * as Command from "effect/cli/Command"
import { checkpointsCommand } from "./CheckpointsCommand.ts"
import { conformCommand } from "./ConformCommand.ts"
import { decodeCommand } from "./DecodeCommand.ts"
import { deepstreamCommand } from "./DeepstreamCommand.ts"
import { diffCommand } from "./DiffCommand.ts"
import { dissectorCommand } from "./DissectorCommand.ts"
import { docsCommand } from "./DocsCommand.ts"
import { doctorCommand } from "./DoctorCommand.ts"
import { encodeCommand } from "./EncodeCommand.ts"
import { checkCommand, generateCommand } from "./GenerateCommand.ts"
import { inspectCommand } from "./InspectCommand.ts"
import { kvCommand } from "./KvCommand.ts"
import { lagCommand } from "./LagCommand.ts"
import { proxyCommand } from "./ProxyCommand.ts"
import { sampleCommand } from "./SampleCommand.ts"
import { serveCommand } from "./ServeCommand.ts"
import { tailCommand } from "./TailCommand.ts"

/** The whole command. */
export const wirewright = Command.make("wirewright").pipe(
  Command.withDescription("Wire formats from declarative specs: generate codecs, look into bytes, run clients and servers."),
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
    diffCommand,
    sampleCommand,
    conformCommand,
    docsCommand,
    decodeCommand,
    encodeCommand,
    inspectCommand,
    dissectorCommand,
    serveCommand,
    proxyCommand,
    kvCommand,
    tailCommand,
    lagCommand,
    checkpointsCommand,
    deepstreamCommand,
    doctorCommand
  ])
)
