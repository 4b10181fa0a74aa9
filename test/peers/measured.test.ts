/**
 * Lengths and counts in bits, and a checksum that is XORed, where others read them: RTP, IPv4 and ICE that our encoders write, in Wireshark's own dissectors, in the printed one, and
 * in what Kaitai's compiler makes of the description.
 */
import { bytesOfHex } from "@wirewright/codec/Hex"
import type { Model } from "@wirewright/codec/Model"
import { Sampler } from "@wirewright/codegen/sample/Sampler"
import { spawnSync } from "node:child_process"
import { readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ipv4 } from "../../packages/examples/src/spec/Ipv4.ts"
import { rtp } from "../../packages/examples/src/spec/Rtp.ts"
import { ice } from "../../packages/examples/src/spec/Stun.ts"
import { protocolOf } from "../words/Harness.ts"
import { draw, encoderOf } from "./dissector/Draw.ts"
import { cleanUp, comparePackets, readerOf, written } from "./dissector/Run.ts"
import { PcapFile } from "./Pcap.ts"

type Made = Awaited<ReturnType<typeof protocolOf>> & { readonly models: ReadonlyArray<Model> }

const made = new Map<string, Made>()
beforeAll(async () => {
  for (const protocol of [ice, ipv4, rtp]) {
    const one = await protocolOf(protocol)
    made.set(protocol.name, {
      ...one,
      models: [JSON.parse(readFileSync(join(one.directory, `${protocol.name}.model.json`), "utf8")) as Model]
    })
  }
})
afterAll(() => {
  cleanUp()
  for (const { directory } of made.values()) rmSync(directory, { recursive: true, force: true })
})

const encoded = (name: string, value: object): Uint8Array => encoderOf(made.get(name)!.gen, false)(value, {})

/** Fields of every packet of a capture, as tshark prints them. */
const fieldsOf = (file: string, decode: ReadonlyArray<string>, ...fields: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const { status, stderr, stdout } = spawnSync(
    "tshark",
    [
      "-r",
      file,
      ...decode.flatMap((one) => ["-d", one]),
      "-o",
      "ip.check_checksum:TRUE",
      "-T",
      "fields",
      ...fields.flatMap((one) => ["-e", one])
    ],
    { encoding: "utf8" }
  )
  if (status !== 0) throw new Error(stderr)
  return stdout.replace(/\n$/, "").split("\n").map((line) => line.split("\t"))
}

describe("Wireshark's own dissectors", () => {
  it("read RTP with two contributing sources as it was meant", () => {
    const packet = {
      _tag: "Media",
      padding: 0,
      marker: 1,
      payloadType: 8,
      sequence: 4660,
      timestamp: 0x89abcdef,
      ssrc: 0xcafebabe,
      csrc: [0x11223344, 0x55667788],
      extension: { profile: 0xabac, data: bytesOfHex("0102030405060708")! },
      payload: bytesOfHex("d5d5")!
    }
    const pcap = new PcapFile()
    pcap.datagrams(
      5004,
      [packet, { ...packet, csrc: [], extension: undefined }].map((one) => ({ fromClient: true, bytes: encoded("rtp", one) }))
    )
    const read = fieldsOf(
      written("rtp.pcap", pcap.bytes()),
      ["udp.port==5004,rtp"],
      "rtp.cc",
      "rtp.csrc.item",
      "rtp.seq",
      "rtp.ssrc",
      "rtp.ext.len",
      "rtp.payload",
      "_ws.malformed"
    )
    expect(read).toEqual([
      ["2", "0x11223344,0x55667788", "4660", "0xcafebabe", "2", "d5d5", ""],
      ["0", "", "4660", "0xcafebabe", "", "d5d5", ""]
    ])
  })

  it("read IPv4 with options as it was meant, and agree with its checksum", () => {
    const header = { _tag: "Datagram", dscp: 46, ecn: 1, identification: 7, dontFragment: 1, moreFragments: 0, offset: 0, timeToLive: 9 }
    const addresses = { source: bytesOfHex("c0000201")!, destination: bytesOfHex("c6336407")! }
    const packets = ["94040000", "070b04000000000000000000", ""].map((options) =>
      encoded("ipv4", { ...header, ...addresses, protocol: 254, options: bytesOfHex(options)!, payload: bytesOfHex("0102030405")! })
    )
    // link type 101: the packet begins with its IP header
    const file = written("ipv4.txt", packets.map((one) => `0000 ${Buffer.from(one).toString("hex").replaceAll(/../g, "$& ")}\n`).join(""))
    const pcap = `${file}.pcap`
    expect(spawnSync("text2pcap", ["-l", "101", file, pcap]).status).toBe(0)
    const read = fieldsOf(
      pcap,
      [],
      "ip.hdr_len",
      "ip.len",
      "ip.checksum.status",
      "ip.dsfield.dscp",
      "ip.opt.type",
      "ip.src",
      "data.data",
      "_ws.malformed"
    )
    const rest = ["192.0.2.1", "0102030405", ""]
    expect(read).toEqual([
      ["24", "29", "1", "46", "148", ...rest],
      ["32", "37", "1", "46", "7,0", ...rest],
      ["20", "25", "1", "46", "", ...rest]
    ])
  })
})

describe("Wireshark's dissector of STUN", () => {
  it("agrees with the FINGERPRINT", () => {
    const packet = {
      _tag: "BindingRequest",
      transaction: bytesOfHex("b7e7a701bc34d686fa87dfae")!,
      attributes: [{ value: { _tag: "Software", text: "wirewright" } }, { value: { _tag: "Priority", priority: 0x6e0001ff } }]
    }
    const own = encoded("ice", packet)
    const other = own.slice()
    other[own.length - 1]! ^= 1
    const pcap = new PcapFile()
    pcap.datagrams(3478, [own, other].map((bytes) => ({ fromClient: true, bytes })))
    const read = fieldsOf(
      written("ice.pcap", pcap.bytes()),
      [],
      "stun.type",
      "stun.att.software",
      "stun.att.priority",
      "stun.att.crc32.status"
    )
    expect(read).toEqual([["0x0001", "wirewright", "1845494271", "1"], ["0x0001", "wirewright", "1845494271", "0"]])
  })
})

describe.each(["ice", "ipv4", "rtp"])("the printed dissector of %s", (name) => {
  it("has the values of the decoder", () => {
    const { catalog, gen, models } = made.get(name)!
    const samples = [...new Sampler(catalog, { seed: 6 }).all({ count: 60 })].map(({ bytes, kind }) => ({ bytes, kind }))
    const result = comparePackets(models, [...draw(catalog, encoderOf(gen, false), () => ({})), ...samples], readerOf(gen, catalog))
    console.log(`${name}: ${String(result)}`)
    expect(result.faults).toEqual([])
    expect(result.differences.slice(0, 5)).toEqual([])
    expect(result.same.size / result.filters.size).toBeGreaterThan(0.9)
  })
})
