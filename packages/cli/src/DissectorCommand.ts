/** `wirewright dissector`: a protocol to a dissector for Wireshark and tshark, in Lua. */
import type { Learning } from "@wirewright/codegen/dissector/Dissector"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { expectPort, handler, refuse } from "./Failure.ts"
import { optional, repeated } from "./Flags.ts"
import { nearest } from "./Nearest.ts"
import { bytes, say } from "./Output.ts"
import { expectPackets } from "./Protocols.ts"
import { protocolOf, specDescription } from "./SpecProtocol.ts"
import { stateNumbers, stateOf, stateParameter, statesOf } from "./States.ts"
import { traitsOf } from "@wirewright/inspector/reading"

/** `STATE=PACKET.FIELD`, with `:NUMBER` after it where the field is a list that may have it. */
const learningOf = (text: string): Learning => {
  const [, state, packet, field, member] = /^(\w+)=(\w+)\.([\w.]+)(?::(\d{1,10}))?$/.exec(text) ??
    refuse(`--learn ${text}: expected STATE=PACKET.FIELD, such as version=Connect.protocolVersion`)
  return { state: state!, packet: packet!, field: field!, ...(member === undefined ? {} : { member: Number(member) }) }
}

/** The command. */
export const dissectorCommand = Command.make("dissector", {
  spec: Argument.String("spec").pipe(Argument.withDescription(specDescription)),
  protocol: optional(Flag.String("protocol"), "Which of several protocols in the spec", "the only one"),
  port: repeated(
    Flag.Int("port"),
    "Port of servers",
    "those the command knows; else packets are looked for on any port, where something in them tells them from others"
  ),
  name: optional(Flag.String("name"), "What filters begin with", "the protocol's name"),
  state: stateParameter("What connections begin with"),
  learn: repeated(
    Flag.String("learn"),
    "A connection state that a packet tells: STATE=PACKET.FIELD takes its number, STATE=PACKET.FIELD:NUMBER is on when the list has it",
    "what the command knows of the protocol"
  ),
  kind: optional(Flag.String("kind"), "The kind of all packets, where neither their bytes nor who sends them say it", "what they say")
}, ({ kind, learn, name, port, protocol, spec, state }) =>
  handler(async () => {
    for (const one of port) expectPort("--port", one)
    const { models } = await protocolOf(spec, protocol)
    expectPackets(spec, models)
    const { frame, states: known } = models.at(-1)!
    const stateful = { name: models.at(-1)!.name, known }
    const states = Object.fromEntries(stateNumbers(statesOf(stateful, state)))
    const learned = learn.map(learningOf)
    for (const [i, one] of learned.entries()) stateOf(stateful, one.state, `--learn ${learn[i]}`)
    const kinds = frame.kinds.map(({ name }) => name)
    if (kind !== undefined && !kinds.includes(kind)) {
      refuse(`--kind ${kind}: packets are of kind ${kinds.join(", ")}${nearest(kind, kinds)}`)
    }
    const traits = traitsOf(models)
    const { printDissector } = await import("@wirewright/codegen/dissector/Dissector")
    const ports = port.length > 0 ? port : [...traits.ports]
    const { isFound, text } = printDissector(models, {
      ports,
      states,
      learn: [...traits.learned ?? [], ...learned],
      ...(name === undefined ? {} : { name }),
      ...(kind === undefined ? {} : { kind })
    })
    await bytes(new TextEncoder().encode(text))
    if (!isFound && ports.length === 0) {
      say(`note: nothing in packets of ${models.at(-1)!.name} tells them from those of others, so none are found: give --port`)
    }
    return 0
  }, () => "")).pipe(
    Command.withShortDescription("Print a dissector for Wireshark and tshark"),
    Command.withDescription(
      "Print a dissector in Lua for Wireshark and tshark: every field can be filtered for (acme.rate > 5), values and flags have their names, "
        + "packets are put together from segments, answers know their requests (acme.response_to, acme.time), and what a decoder refuses is "
        + "marked at its byte. Put the file into Wireshark's folder of personal plugins, or give it to tshark. What it cannot tell exactly stands "
        + "at its top."
    ),
    Command.withExamples([
      { command: "wirewright dissector acme.ts --port 4000 > acme.lua", description: "A protocol of your own" },
      { command: "tshark -X lua_script:acme.lua -r session.pcapng -Y 'acme.rate > 5'", description: "Packets of a capture, by a field" },
      { command: "wirewright dissector dcp > dcp.lua", description: "A protocol that comes with the command" },
      {
        command: "wirewright dissector mqtt.ts --port 1883 --learn version=Connect.protocolVersion > mqtt.lua",
        description: "Packets that are read by what another has said"
      }
    ])
  )
