/**
 * What our encoders write, read by tshark: the examples of every command, and packets of every layout made from the model alone. Each
 * packet has a TCP conversation of its own, some cut into two segments.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type AnyPacket, bytesOfHex, Catalog, encodeWith, hexOf, Reader } from "@wirewright/codec"
import { models } from "@wirewright/dcp/gen/Model"
import { decode, encode, type Packet } from "@wirewright/dcp/gen/Packets"
import { afterAll, describe, expect, it } from "vitest"
import { type Case, compare } from "./Compare.ts"
import { Tally } from "./Gaps.ts"
import { PcapFile } from "./Pcap.ts"
import { errorSamplesOf, framingSamplesOf, type Sample, samplesOf } from "./Samples.ts"
import { dissect, tsharkVersion } from "./Tshark.ts"

const port = 11_210
const catalog = Catalog.of(models)
const directory = mkdtempSync(join(tmpdir(), "wirewright-tshark-"))
afterAll(() => rmSync(directory, { recursive: true }))

const encoded = (packet: AnyPacket): Uint8Array => encodeWith((writer) => encode(writer, packet as unknown as Packet))

/** What generated code writes; what no server executes any more has no encoder. */
const commands = catalog.commands.filter(({ lifecycle }) => lifecycle !== "removed")

const examples = function*(): Generator<Sample> {
  for (const command of commands) {
    for (const { hex, origin, states } of command.examples) {
      const given = { collections: states.includes("collections") }
      const packet = decode(new Reader(bytesOfHex(hex)), 0, given) as unknown as AnyPacket
      yield { origin, packet, states: given, command }
    }
  }
}

const sentByClient = ({ command, packet }: Sample, bytes: Uint8Array): boolean =>
  (bytes[0] === 0x81 || bytes[0] === 0x18 || bytes[0] === 0x83) === (command.sender === "server") || packet._tag.startsWith("Unknown")

describe("tshark reads what we encode", () => {
  const cases: Array<Omit<Case, "tshark"> & { readonly stream: number }> = []
  const wrong: Array<string> = []
  const pcap = new PcapFile()
  for (const sample of [...examples(), ...samplesOf(catalog), ...framingSamplesOf(catalog), ...errorSamplesOf(catalog)]) {
    try {
      const bytes = encoded(sample.packet)
      const again = hexOf(encoded(decode(new Reader(bytes), 0, sample.states) as unknown as AnyPacket))
      if (again !== hexOf(bytes)) wrong.push(`${sample.packet._tag} ${sample.origin}: ${hexOf(bytes)} came back as ${again}`)
      const cut = cases.length % 5 === 0 ? Math.floor(bytes.length / 2) : bytes.length
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)].filter((piece) => piece.length > 0)
      const stream = pcap.conversation(port, sentByClient(sample, bytes), pieces)
      cases.push({ packet: sample.packet, bytes, states: sample.states, stream })
    } catch (error) {
      wrong.push(`${sample.packet._tag} ${sample.origin}: ${String(error)}`)
    }
  }
  const file = join(directory, "encoded.pcap")
  writeFileSync(file, pcap.bytes())
  const seen = new Map<number, Array<ReturnType<typeof dissect>[number]>>()
  for (const packet of dissect(file, port, true)) seen.set(packet.stream, [...seen.get(packet.stream) ?? [], packet])
  const tally = new Tally()
  for (const one of cases) {
    const [tshark, ...more] = seen.get(one.stream) ?? []
    if (more.length > 0) wrong.push(`${one.packet._tag}: tshark sees ${more.length + 1} packets in ${hexOf(one.bytes)}`)
    tally.add(compare(catalog, { ...one, tshark }), hexOf(one.bytes))
  }
  process.stdout.write(`tshark ${tsharkVersion()} on encoded packets: ${String(tally)}\n`)

  it("encodes everything", () => expect(wrong).toEqual([]))

  it("differs nowhere but in the listed gaps", () => expect([...tally.unlisted.values()]).toEqual([]))

  it("really has the listed gaps", () => expect(tally.falseGaps(true)).toEqual([]))

  it("would notice a wrong value, and fields that trade places", () => {
    const one = cases.find(({ packet }) => packet._tag === "DcpStreamRequest" && packet["startSeqno"] !== packet["endSeqno"])!
    const tshark = seen.get(one.stream)![0]
    const { packet } = one
    const differences = (changed: object): ReadonlyArray<string> =>
      compare(catalog, { ...one, packet: { ...packet, ...changed }, tshark }).flatMap(({ field, result }) =>
        result === "different" ? [field] : []
      )
    expect(differences({})).toEqual([])
    expect(differences({ opaque: 0x0102_0304 })).toEqual(["header opaque"])
    expect(differences({ startSeqno: packet["endSeqno"], endSeqno: packet["startSeqno"] })).toEqual(["startSeqno", "endSeqno"])
    expect(compare(catalog, { ...one, tshark: undefined }).map(({ result }) => result)).toEqual(["different"])
  })

  it("covers every command", () => {
    const opcodes = commands.map(({ kinds, opcode }) =>
      `${kinds.request.startsWith("server") ? "server " : ""}0x${opcode.toString(16).padStart(2, "0")}`
    )
    expect(opcodes.filter((opcode) => !tally.opcodes.has(opcode))).toEqual([])
  })
})
