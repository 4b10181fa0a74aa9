/** Puts conversations into a capture, lets tshark take it apart with a printed dissector, and lays what it says beside what our decoders say. */
import { Catalog } from "@wirewright/codec"
import { annotate } from "@wirewright/codec/Layout"
import { packetToJson } from "@wirewright/codec/Json"
import { type DissectorOptions, printDissector } from "@wirewright/codegen/dissector/Dissector"
import type { Filter } from "@wirewright/codegen/dissector/Filters"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Conversation, type Gallery, Recorded, type Stream } from "../../gallery/Conversations.ts"
import { PcapFile } from "../Pcap.ts"
import { type Shark, shark, type ShownPacket } from "./Pdml.ts"
import { compareValues } from "./Values.ts"

/** The name that filters begin with here: none of Wireshark's own. */
export const proto = "wwproof"

const folder = mkdtempSync(join(tmpdir(), "wirewright-dissector-"))

/** Removes what was written. */
export const cleanUp = (): void => rmSync(folder, { recursive: true, force: true })

let files = 0

/** Writes a file and returns its path. */
export const written = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, `${files++}-${name}`)
  writeFileSync(path, content)
  return path
}

/** How packets of a gallery's protocol compared. */
export interface Result {
  readonly packets: number
  readonly values: number
  /** Filters whose values were the same at least once. */
  readonly filters: ReadonlySet<string>
  readonly differences: ReadonlyArray<string>
  readonly faults: ReadonlyArray<string>
}

/** A printed dissector, for tests. */
export const printed = (
  models: Parameters<typeof printDissector>[0],
  options: DissectorOptions,
  plant: (text: string) => string = (text) => text
) => {
  const { filters, text } = printDissector(models, { name: proto, ...options })
  return { script: written("dissector.lua", plant(text)), filters: new Map(filters.map((one): [string, Filter] => [one.filter, one])) }
}

const isRefused = ({ experts }: ShownPacket): boolean =>
  experts.some((text) => /^(Incomplete|Magic|Length|Trailing|Reserved|Constant|UnknownValue|Varint|Checksum|Utf8|Limit|Syntax): /.test(text))

/** What a side said, as tshark shows it; of lines that were refused nothing, as of those that our decoders skip. */
const shownOf = ({ packets }: Shark, stream: number, fromServer: boolean, port: number): ReadonlyArray<ShownPacket> =>
  packets.filter((one) => one.stream === stream && one.sourcePort === port === fromServer)

/** Compares the conversations of one transport. */
export const compareConversations = (
  gallery: Gallery,
  conversations: ReadonlyArray<Conversation>,
  options: DissectorOptions = {},
  plant?: (text: string) => string
): Result => {
  const port = 4242
  const isUdp = conversations[0]?.transport === "udp"
  const pcap = new PcapFile()
  for (const { chunks } of conversations) {
    const pieces = chunks.map(({ from, hex }) => ({ fromClient: from === "client", bytes: new Uint8Array(Buffer.from(hex, "hex")) }))
    if (isUdp) pcap.datagrams(port, pieces)
    else pcap.dialogue(port, pieces)
  }
  const { filters, script } = printed(gallery.models, { ports: [port], ...options }, plant)
  const said = shark({ file: written("conversations.pcap", pcap.bytes()), script, proto })
  // without faces of custom fields, as Lua has none
  const plain = Catalog.of(gallery.models)
  const differences: Array<string> = []
  const same = new Set<string>()
  let packets = 0
  let values = 0
  const compareStream = (recorded: Recorded, stream: Stream, shown: ReadonlyArray<ShownPacket>): void => {
    const theirs = stream.skipped.length > 0 ? shown.filter((one) => !isRefused(one)) : shown
    for (const [i, { at, end, packet, reading }] of stream.packets.entries()) {
      // only the bytes of one packet after another tell when it begins
      if (reading.kind === "ciphertext") continue
      const their = theirs[i]
      if (their === undefined) {
        differences.push(`${stream.name}, ${stream.from}: ${stream.packets.length} packets, tshark ${theirs.length}`)
        break
      }
      const json = packetToJson(recorded.catalog, packet, end - at) as { readonly [name: string]: unknown }
      const { fields } = annotate(plain, stream.bytes.subarray(at, end), {
        states: new Map(Object.entries(reading.states ?? {}).map(([name, value]) => [name, Number(value)])),
        ...(reading.kind === undefined ? {} : { kind: reading.kind })
      })
      const found = compareValues(json, fields, their, filters)
      packets++
      values += found.same.length
      for (const one of found.same) same.add(one)
      if (isRefused(their)) differences.push(`${stream.name}, ${stream.from}, packet ${i}: tshark ${their.experts.join()}`)
      differences.push(...found.differences.map((one) => `${stream.name}, ${stream.from}, packet ${i} ${packet._tag}: ${one}`))
    }
  }
  for (const [index, conversation] of conversations.entries()) {
    const recorded = new Recorded({ ...gallery, fixtures: [], conversations: [conversation] })
    for (const stream of recorded.streams) compareStream(recorded, stream, shownOf(said, index, stream.from === "server", port))
  }
  return { packets, values, filters: same, differences, faults: said.faults }
}
