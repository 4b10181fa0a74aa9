/** `wirewright dissector`: a protocol to a dissector for Wireshark and tshark, in Lua. */
import type { Model } from "@wirewright/codec/Model"
import type { Learning } from "@wirewright/codegen/dissector/Dissector"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { counted, handler, refuse } from "./Failure.ts"
import { printFindings } from "./FindingReport.ts"
import { optional, repeated } from "./Flags.ts"
import { nearest } from "./Nearest.ts"
import { bytes, colorsOn, flush } from "./Output.ts"
import { protocolsOf, specWords } from "./SpecArgument.ts"
import { traitsOf } from "@wirewright/inspector/reading"

/** The states that connections begin in: `NAME` is on, `NAME=NUMBER` says the number. */
const statesOf = (asked: ReadonlyArray<string>): { readonly [name: string]: number } =>
  Object.fromEntries(asked.map((text) => {
    const [, name, number] = /^([^=]+)(?:=(\d{1,9}))?$/.exec(text) ?? refuse(`--state ${text}: expected NAME or NAME=NUMBER`)
    return [name!, number === undefined ? 1 : Number(number)]
  }))

/** `STATE=PACKET.FIELD`, with `:NUMBER` after it where the field is a list that may have it. */
const learningOf = (text: string): Learning => {
  const [, state, packet, field, member] = /^(\w+)=(\w+)\.([\w.]+)(?::(\d{1,10}))?$/.exec(text) ??
    refuse(`--learn ${text}: expected STATE=PACKET.FIELD, such as version=Connect.protocolVersion`)
  return { state: state!, packet: packet!, field: field!, ...(member === undefined ? {} : { member: Number(member) }) }
}

/** Refuses names that the protocol does not have. */
const check = (models: ReadonlyArray<Model>, states: ReadonlyArray<string>, kind: string | undefined): void => {
  const known = models.flatMap((model) => model.states.map(({ name }) => name))
  const kinds = models[0]!.frame.kinds.map(({ name }) => name)
  for (const state of states) {
    if (!known.includes(state)) {
      const there = known.length === 0 ? "the protocol has none" : `the protocol has ${[...new Set(known)].join(", ")}`
      refuse(`no connection state ${state}: ${there}${nearest(state, known)}`)
    }
  }
  if (kind !== undefined && !kinds.includes(kind)) refuse(`--kind ${kind}: packets are of kind ${kinds.join(", ")}${nearest(kind, kinds)}`)
}

/** The models of a spec, or of a protocol whose code there is; nothing when the spec has findings, which have been printed. */
const modelsOf = async (spec: string, protocol: string | undefined): Promise<ReadonlyArray<Model> | number> => {
  const cwd = process.cwd()
  const { findings, protocols } = await protocolsOf(spec, protocol)
  if (findings.length > 0) {
    printFindings(findings, { cwd, color: colorsOn(process.stdout) })
    await flush()
    return findings.length
  }
  const [first, ...others] = protocols
  if (others.length > 0) {
    return refuse(`${spec} has several protocols: give --protocol, one of ${protocols.map(({ name }) => name).join(", ")}`)
  }
  return first?.models ?? refuse(`${spec} has no protocol`)
}

/** The command. */
export const dissectorCommand = Command.make("dissector", {
  spec: Argument.String("spec").pipe(
    Argument.withDescription(specWords)
  ),
  protocol: optional(Flag.String("protocol"), "Name of the protocol, where a spec has several", "the only one"),
  port: repeated(Flag.Int("port"), "Port of servers", "those the command knows; else packets are looked for on any port"),
  name: optional(Flag.String("name"), "What filters begin with", "the protocol's name"),
  state: repeated(Flag.String("state"), "A connection state that connections begin in: NAME or NAME=NUMBER", "all states are off"),
  learn: repeated(
    Flag.String("learn"),
    "A connection state that a packet tells: STATE=PACKET.FIELD takes its number, STATE=PACKET.FIELD:NUMBER is on when the list has it",
    "what the command knows of the protocol"
  ),
  kind: optional(Flag.String("kind"), "The kind of all packets, where neither their bytes nor who sends them say it", "what they say")
}, ({ kind, learn, name, port, protocol, spec, state }) =>
  handler(async () => {
    const models = await modelsOf(spec, protocol)
    if (typeof models === "number") return models
    const frame = models[0]?.frame
    if (frame === undefined || frame.kinds.length === 0) return refuse(`${spec} has records only: without a frame there are no packets`)
    const states = statesOf(state)
    const learned = learn.map(learningOf)
    check(models, [...Object.keys(states), ...learned.map((one) => one.state)], kind)
    const traits = traitsOf(models)
    const { printDissector } = await import("@wirewright/codegen/dissector/Dissector")
    const { text } = printDissector(models, {
      ports: port.length > 0 ? port : [...traits.ports],
      states,
      learn: [...traits.learned ?? [], ...learned],
      ...(name === undefined ? {} : { name }),
      ...(kind === undefined ? {} : { kind })
    })
    await bytes(new TextEncoder().encode(text))
    return 0
  }, (count) => counted(count, "finding"))).pipe(
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
