/** `wirewright decode`: bytes to annotated dumps or JSON. */
import { captureFormatOf } from "@wirewright/capture"
import * as Option from "effect/Option"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { decodeCapture } from "./DecodeCapture.ts"
import { decodeHex, decodeLines, decodeStream } from "./DecodePackets.ts"
import { counted, handler, refuse } from "./Failure.ts"
import { jsonFlag, on, optional, repeated, withDefault } from "./Flags.ts"
import { openInput } from "./Input.ts"
import { colorsOn, flush } from "./Output.ts"
import { PacketReport } from "./PacketReport.ts"
import { endpoint } from "./Endpoint.ts"
import { loadProtocol, protocolDescription } from "./Protocols.ts"
import { stateParameter, statesOf } from "./States.ts"

/** The protocol both `decode` and `encode` take. */
export const protocolFlag = withDefault(
  Flag.String("protocol"),
  `${protocolDescription}; dcp includes couchbase and memcached, in text too`,
  "dcp"
)

const parameters = {
  file: Argument.String("file").pipe(
    Argument.withDescription("Packets as binary, or a pcap or pcapng capture, gzipped or not; - for stdin"),
    Argument.optional
  ),
  hex: optional(Flag.String("hex"), "One packet as hex, in any spelling: digits, 0x, \\x, xxd", "a file is read"),
  lines: on("lines", "Input is text: one packet a line, HEX, c2s HEX or s2c HEX, or KIND HEX, as of request"),
  protocol: protocolFlag,
  kind: optional(
    Flag.String("kind"),
    "For packets that do not say of which kind they are, such as those of a server: the kind of all of them",
    "what their bytes say"
  ),
  port: repeated(
    Flag.Int("port"),
    "For captures: port of the server; connections to others are passed over, UDP is decoded",
    "all TCP connections"
  ),
  server: repeated(
    Flag.String("server"),
    "For captures: HOST:PORT of the server, where --port does not tell enough",
    "any host"
  ),
  json: jsonFlag("NDJSON, one object per packet, which encode turns back"),
  hexdump: on("hexdump", "For captures: every packet in full"),
  toEnd: on("to-end", "With --hex or --lines: decode what follows the first packet, too"),
  state: stateParameter()
}

/** The command. */
export const decodeCommand = Command.make("decode", parameters, (options) =>
  handler(async () => {
    const given = [options.hex !== undefined, Option.isSome(options.file)].filter(Boolean).length
    if (given > 1) refuse("give either a file or --hex, not both")
    if (given === 0 && !options.lines) refuse("give a file, - for stdin, or --hex; see wirewright decode --help")
    if (options.lines && options.hex !== undefined) refuse("--hex is one packet, --lines reads a file")
    const source = Option.getOrElse(options.file, () => "-")
    const input = options.hex !== undefined ? undefined : await openInput(source)
    const servers = [...options.port.map((port) => ({ port })), ...options.server.map(endpoint)]
    const adapter = await loadProtocol(options.protocol, options.kind)
    const report = new PacketReport(adapter, { json: options.json, color: colorsOn(process.stdout) })
    const session = adapter.begin(statesOf(adapter, options.state))
    const packets = { session, toEnd: options.toEnd }
    if (input === undefined) decodeHex(report, options.hex ?? "", packets)
    else if (options.lines) await decodeLines(report, input.all, packets)
    else if (captureFormatOf(input.head) !== undefined) {
      await decodeCapture(report, input.all, {
        servers,
        session,
        hexdump: options.hexdump
      })
    } else await decodeStream(report, input.all, packets.session)
    await flush()
    return report.errors
  }, (count) => counted(count, "error"))).pipe(
    Command.withShortDescription("Turn bytes into annotated packets or JSON"),
    Command.withDescription(
      "Decode packets: hex, a binary stream, or a capture. A packet that does not decode is reported, the rest still decodes. "
        + "Whatever of a capture was passed over is counted by reason on stderr and, with --json, in a last object; it is a finding unless it "
        + "is known to be something else, such as ARP or a connection to another port than those asked for. "
        + "SASL payloads are masked except with --json, which must be able to go back through encode."
    ),
    Command.withExamples([
      {
        command: "wirewright decode --hex '80 0a 0000 00 00 0000 00000000 0000002a 0000000000000000'",
        description: "One packet, field by field"
      },
      { command: "wirewright decode session.pcapng.gz --port 11210", description: "A capture: both directions and a summary" },
      { command: "wirewright decode session.pcap --protocol ./src/gen --port 4000", description: "A capture of a protocol of your own" },
      { command: "wirewright decode - --lines --json < packets.txt | wirewright encode", description: "To JSON and back" }
    ])
  )
