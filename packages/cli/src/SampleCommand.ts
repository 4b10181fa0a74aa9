/** `wirewright sample`: packets that a spec allows, and bytes that it refuses. */
import { Catalog, type Customs } from "@wirewright/codec/Catalog"
import type { DecodeError } from "@wirewright/codec/Errors"
import { hexOf } from "@wirewright/codec/Hex"
import type { KindModel, Model } from "@wirewright/codec/Model"
import { makeDirectory } from "@wirewright/codegen/Directory"
import { malformed } from "@wirewright/codegen/sample/Malformed"
import { readable } from "@wirewright/codegen/sample/Readable"
import { Sampler } from "@wirewright/codegen/sample/Sampler"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { counted, expectPort, handler, refuse } from "./Failure.ts"
import { jsonFlag, on, optional, withDefault } from "./Flags.ts"
import { nearest } from "./Nearest.ts"
import { expectPackets } from "./Protocols.ts"
import { drain, flush, line, say } from "./Output.ts"
import { errorJson } from "./PacketReport.ts"
import { type Captured, captureOf } from "./SampleCapture.ts"
import { protocolOf, specDescription } from "./SpecProtocol.ts"
import { stateNumbers, stateParameter, statesOf } from "./States.ts"
import { traitsOf } from "@wirewright/inspector/reading"

/** One packet, or bytes that are none. */
interface One {
  readonly tag: string
  readonly kind: string
  readonly bytes: Uint8Array
  readonly states: ReadonlyMap<string, number>
  readonly error?: DecodeError
}

const parameters = {
  spec: Argument.String("spec").pipe(Argument.withDescription(specDescription)),
  protocol: optional(Flag.String("protocol"), "Which of several protocols in the spec", "the only one"),
  packet: optional(Flag.String("packet"), "Name of a packet, such as Get or GetResponse", "all packets"),
  count: optional(Flag.Int("count"), "How many", "as many as it takes to have every layout, status, case, flag and limit once"),
  seed: withDefault(Flag.Int("seed"), "The same seed gives the same samples", 1),
  malformed: on("malformed", "Bytes that are no packet instead, one for each objection that the decoder has, with the reason"),
  readable: on("readable", "One of each packet, layout and status for people to read: short words, small numbers, one element in a list"),
  plain: on("plain", "Text is UTF-8 and reserved bytes are zero, though the spec takes others"),
  state: stateParameter(undefined, "all states that some packet asks for"),
  json: jsonFlag("NDJSON, as decode prints it, with the bytes as hex"),
  out: optional(Flag.String("out"), "A directory for a file each, and index.ndjson, which says what they are", "hex is printed"),
  pcap: optional(Flag.String("pcap"), "A capture file with all of them", "hex is printed"),
  port: optional(Flag.Int("port"), "Port of the server in the capture", "the protocol's own, else 4000")
}

/** Who sends packets of a kind. */
const senderOf = ({ answers, sender }: KindModel): "client" | "server" => sender ?? (answers === undefined ? "client" : "server")

const statesText = (states: ReadonlyMap<string, number>): string => [...states].map(([name, value]) => `${name}=${value}`).join(" ")

/** What is said of a sample beside its bytes. */
const title = ({ bytes, error, kind, states, tag }: One): string =>
  [
    error === undefined ? `${tag} ${kind}, ${counted(bytes.length, "byte")}` : `${error.reason} (${tag} ${kind}): ${error.message}`,
    ...(states.size === 0 ? [] : [statesText(states)])
  ].join("; ")

const fileName = (index: number, { error, tag }: One): string =>
  `${String(index + 1).padStart(5, "0")}-${
    (error === undefined ? tag : `${error.reason}-${error.packet}.${error.path}`).replaceAll(/[^\w.-]+/g, "_")
  }.bin`

/** Names of custom fields of which there is no code. */
const unknownCustoms = (models: ReadonlyArray<Model>, customs: Customs): ReadonlyArray<string> => {
  const found = [...JSON.stringify(models).matchAll(/"kind":"custom","name":"(\w+)"/g)].map(([, name]) => name!)
  return [...new Set(found)].filter((name) => customs[name] === undefined)
}

/** The command. */
export const sampleCommand = Command.make("sample", parameters, (options) =>
  handler(async () => {
    const { count, packet, plain, seed } = options
    if (count !== undefined && count < 1) refuse("--count: expected at least 1")
    if (options.readable && options.malformed) refuse("--readable and --malformed: expected one of them")
    if (options.port !== undefined) expectPort("--port", options.port)
    const { customs, models } = await protocolOf(options.spec, options.protocol)
    expectPackets(options.spec, models)
    const catalog = Catalog.of(models, customs)
    const closed = unknownCustoms(models, customs)
    if (closed.length > 0) {
      say(`note: only code of its own knows the bytes of ${closed.join(", ")}, so any stand there: give the directory of generated code`)
    }
    const states = stateNumbers(statesOf({ name: catalog.name, known: catalog.states }, options.state))
    const sampler = new Sampler(catalog, { seed, plain, states })
    const names = [
      ...new Set(sampler.plans.flatMap(({ meaning, tag }) => [tag, ...meaning.command === undefined ? [] : [meaning.command.name]]))
    ]
    if (packet !== undefined && !names.includes(packet)) refuse(`no packet ${packet} in ${catalog.name}${nearest(packet, names)}`)
    const asked = packet === undefined ? {} : { packet }
    const json = (one: One): object => {
      const more = { hex: hexOf(one.bytes), ...(one.states.size === 0 ? {} : { states: Object.fromEntries(one.states) }) }
      return one.error === undefined
        ? { ...sampler.json(one as Parameters<typeof sampler.json>[0]), ...more }
        : { error: errorJson(one.error, one.bytes), kind: one.kind, ...more }
    }
    const all: Iterable<One> = options.malformed
      ? malformed(sampler, { seed, ...asked }).slice(0, count)
      : options.readable
      ? sampler.plansOf(packet).flatMap((plan) => readable(catalog, plan, { seed, states }) ?? []).slice(0, count)
      : sampler.all({ ...asked, ...(count === undefined ? {} : { count }) })
    // where bytes do not say of which kind they are, the line does
    const { kinds } = catalog.frame
    const isKindSaid = kinds.length > 1 && kinds[0]!.run !== undefined
    const captured: Array<Captured> = []
    const index: Array<string> = []
    if (options.out !== undefined) makeDirectory(options.out)
    let number = 0
    for (const one of all) {
      const kind = catalog.kind(one.kind)!
      if (options.pcap !== undefined) {
        const isDatagram = kind.run?.end === "datagram"
        captured.push({ bytes: one.bytes, from: senderOf(kind), isDatagram, isLast: one.error !== undefined })
      }
      if (options.out !== undefined) {
        const file = fileName(number, one)
        writeFileSync(join(options.out, file), one.bytes)
        index.push(`${JSON.stringify({ file, tag: one.tag, ...json(one) })}\n`)
      } else if (options.pcap === undefined && options.json) line(JSON.stringify(json(one)))
      else if (options.pcap === undefined) {
        line(`# ${title(one)}`)
        line(`${isKindSaid ? `${one.kind} ` : ""}${hexOf(one.bytes)}`)
      }
      number++
      await drain()
    }
    if (options.out !== undefined) writeFileSync(join(options.out, "index.ndjson"), index.join(""))
    if (options.pcap !== undefined) {
      const [port = 4_000] = options.port === undefined ? traitsOf(models).ports : [options.port]
      writeFileSync(options.pcap, captureOf(captured, port))
    }
    await flush()
    say(counted(number, "sample"))
    return 0
  }, () => "")).pipe(
    Command.withShortDescription("Make packets that a spec allows, or bytes that it refuses"),
    Command.withDescription(
      "Make samples of a protocol: the smallest and the largest of each packet, every layout, status, case and flag, and the numbers beside "
        + "each limit. Each is read back before it is printed. A line of hex is one packet, as decode --lines reads it; the line before says "
        + "what it is."
    ),
    Command.withExamples([
      { command: "wirewright sample spec/chat.ts --packet Say", description: "Every kind of one packet" },
      { command: "wirewright sample dcp --count 100 --seed 7 --json", description: "A hundred packets as NDJSON" },
      { command: "wirewright sample spec/chat.ts --malformed", description: "What a server must refuse, and why" },
      { command: "wirewright sample spec/chat.ts --out corpus", description: "A corpus for a fuzzer" }
    ])
  )
