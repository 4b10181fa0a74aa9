/**
 * What a printed dissector does beside showing values: filters, 64-bit numbers, packets across segments and several in one, requests and their
 * answers, what is malformed at its byte, ports that nobody said, names that Wireshark has already. And mistakes that are planted are seen.
 */
import { Catalog, Writer } from "@wirewright/codec"
import { annotate } from "@wirewright/codec/Layout"
import { printDissector } from "@wirewright/codegen/dissector/Dissector"
import { encode } from "@wirewright/dcp/gen"
import { models as dcp } from "@wirewright/dcp/gen/Model"
import { models as deepstream } from "@wirewright/deepstream/gen/Model"
import { afterAll, describe, expect, it } from "vitest"
import { modbus } from "../gallery/Modbus.ts"
import { mqtt } from "../gallery/Mqtt.ts"
import { ask } from "./dissector/Fields.ts"
import { shark } from "./dissector/Pdml.ts"
import { cleanUp, compareConversations, printed, proto, written } from "./dissector/Run.ts"
import { PcapFile } from "./Pcap.ts"

afterAll(cleanUp)

const port = 4242

const bytesOf = (packet: object): Uint8Array => {
  const writer = new Writer()
  encode(writer, packet as never)
  return writer.take()
}

const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(parts))

/** A get and its answer, another that is refused, and a set with a large CAS. */
const get = (opaque: number, key: string): Uint8Array => bytesOf({ _tag: "Get", opaque, vbucket: 7, key })
const stored = bytesOf({
  _tag: "Set",
  opaque: 9,
  vbucket: 7,
  cas: 0xfedc_ba98_7654_3210n,
  flags: 5,
  expiration: 0,
  key: "k",
  value: new Uint8Array(3)
})
/** Answers as they stand on the wire: flags 5 and the value `hi`; not found. */
const found = new Uint8Array(Buffer.from("8100000004000000000000060000000100000000000000010000000568" + "69", "hex"))
const missing = new Uint8Array(Buffer.from("810000000000000100000000000000020000000000000000", "hex"))

const session = (pieces: ReadonlyArray<{ readonly fromClient: boolean; readonly bytes: Uint8Array }>): string => {
  const pcap = new PcapFile()
  pcap.dialogue(port, pieces)
  return written("session.pcap", pcap.bytes())
}

const usual = () =>
  session([
    { fromClient: true, bytes: joined(get(1, "a"), get(2, "b")) },
    { fromClient: false, bytes: found.subarray(0, 10) },
    { fromClient: false, bytes: joined(found.subarray(10), missing) },
    { fromClient: true, bytes: stored }
  ])

describe("filters", () => {
  const { script } = printed(dcp, { ports: [port] })

  it("find packets by numbers of 64 bits, flags, values and text", () => {
    const file = usual()
    const frames = (filter: string) => ask({ file, script }, ["frame.number"], filter).rows.flat()
    expect(frames(`${proto}.cas == 0xfedcba9876543210`)).toHaveLength(1)
    expect(frames(`${proto}.cas == 18364758544493064720`)).toHaveLength(1)
    expect(frames(`${proto}.cas == 18364758544493064721`)).toHaveLength(0)
    expect(frames(`${proto}.cas > 0xfedcba9876543200`)).toHaveLength(1)
    expect(frames(`${proto}.key == "b"`)).toHaveLength(1)
    expect(frames(`${proto}.status == 1`)).toHaveLength(1)
    expect(frames(`${proto}.opcode == 1`)).toHaveLength(1)
    expect(frames(`${proto}.item_flags > 4`).length + frames(`${proto}.flags > 4`).length).toBeGreaterThan(0)
  })

  it("find requests and their answers, across segments and within one", () => {
    const rows =
      ask({ file: usual(), script }, ["frame.number", ...["response_in", "response_to", "time"].map((one) => `${proto}.${one}`)], proto)
        .rows
    expect(rows.map((row) => row.slice(0, 3))).toEqual([["4", "8,8", ""], ["8", "", "4,4"], ["10", "", ""]])
    expect(rows[1]![3]!.split(",").map(Number)).toEqual([0.004, 0.004])
  })

  it("find what is malformed, at its byte", () => {
    const wrong = Uint8Array.from(get(1, "a"))
    // the extras that a get does not have
    wrong[4] = 1
    const file = session([{ fromClient: true, bytes: joined(wrong, get(2, "b")) }])
    const { packets } = shark({ file, script, proto })
    const { error } = annotate(Catalog.of(dcp), wrong)
    expect(packets.map(({ experts }) => experts.length)).toEqual([1, 0])
    expect(packets[0]!.experts[0]).toContain(`${error!.reason}: `)
    expect(packets[0]!.experts[0]).toContain(`at byte ${error!.offset}: expected at least 2 bytes`)
    expect(ask({ file, script }, ["frame.number"], `${proto}.malformed`).rows).toHaveLength(1)
  })
})

it("shows what a person reads: a line for each packet, names of values, bits of flags", () => {
  const { script } = printed(dcp, { ports: [port] })
  const { packets } = shark({ file: usual(), script, proto })
  expect(packets.map(({ showname }) => showname.replace(/^[^,]*, /, ""))).toEqual([
    "Get key=\"a\"",
    "Get key=\"b\"",
    "GetResponse flags=5",
    "Get KeyEnoent",
    expect.stringMatching(/^Set flags=5 expiration=0 key="k"/)
  ])
  const all = packets.flatMap(({ fields }) => fields.map(({ showname }) => showname))
  expect(all).toContain("Status: KeyEnoent (0x0001)")
  expect(all).toContain("Opcode: GET (0x00)")
  expect(all).toContain("Snappy: False")
})

it("finds packets on any port when it is told none, and only its own", () => {
  const { script } = printed(dcp, {})
  const pcap = new PcapFile()
  pcap.dialogue(5151, [{ fromClient: true, bytes: get(1, "a") }, { fromClient: false, bytes: found }])
  pcap.dialogue(5152, [{ fromClient: true, bytes: new TextEncoder().encode("HELLO there, this is something else entirely\r\n") }])
  const file = written("anywhere.pcap", pcap.bytes())
  expect(ask({ file, script }, ["tcp.stream", `${proto}.response_to`], proto).rows).toEqual(
    [["0"], ["0", "4"]].map(([one, two]) => [one, two ?? ""])
  )
})

it("keeps a connection it has found: packets in pieces, and those that nobody describes", () => {
  const { script } = printed(dcp, {})
  const unknown = get(2, "b")
  unknown[1] = 0xf7
  const last = get(3, "c")
  const pieces = [get(1, "a"), unknown, last.subarray(0, 9), last.subarray(9)]
  const pcap = new PcapFile()
  pcap.dialogue(5151, pieces.map((bytes) => ({ fromClient: true, bytes })))
  const { rows } = ask({ file: written("kept.pcap", pcap.bytes()), script }, [`${proto}.opcode`, `${proto}.opaque`], proto)
  expect(rows).toEqual([["0x00", "1"], ["0xf7", "2"], ["0x00", "3"]])
})

it("reads text that WebSockets carry", () => {
  const { script } = printed(deepstream, { ports: [port] })
  const text = (lines: string) => new TextEncoder().encode(lines)
  const upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
  const message = text("E\u001fS\u001fnews\u001e")
  const masked = joined(Uint8Array.of(0x81, 0x80 + message.length, 1, 2, 3, 4), message.map((byte, i) => byte ^ i % 4 + 1))
  const pcap = new PcapFile()
  pcap.dialogue(port, [
    {
      fromClient: true,
      bytes: text(`GET /deepstream HTTP/1.1\r\nHost: a\r\n${upgrade}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`)
    },
    {
      fromClient: false,
      bytes: text(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n`)
    },
    { fromClient: true, bytes: masked }
  ])
  const { packets } = shark({ file: written("websocket.pcap", pcap.bytes()), script, proto })
  expect(packets.map(({ experts, showname }) => [showname, experts])).toEqual([["deepstream, EventSubscribe name=\"news\"", []]])
})

it("takes another name where Wireshark has a protocol of that name", () => {
  const script = written("mqtt.lua", printDissector(mqtt.models, { name: "mqtt", ports: [port] }).text)
  const pcap = new PcapFile()
  pcap.dialogue(port, [{ fromClient: true, bytes: new Uint8Array([0xc0, 0]) }])
  const { rows, stderr } = ask({ file: written("ping.pcap", pcap.bytes()), script }, ["ww_mqtt.type"], "ww_mqtt")
  expect(rows).toEqual([["12"]])
  expect(stderr).not.toMatch(/lua/i)
})

describe("a mistake that is planted is seen", () => {
  /** Two registers are asked for and told (Modbus Application Protocol 1.1b3, 6.3). */
  const chunks = [
    { from: "client", hex: "000100000006010300000002" },
    { from: "server", hex: "000100000007010304000a0102" }
  ] as const
  const differences = (plant: (text: string) => string): number =>
    compareConversations(modbus, [{ name: "planted", transport: "tcp", chunks }], {}, plant).differences.length

  it("none without", () => expect(differences((text) => text)).toBe(0))
  it("an offset", () =>
    expect(differences((text) => text.replace("return value, spot.at + width", "return value, spot.at + width - 1"))).toBeGreaterThan(0))
  it("the order of bytes", () =>
    expect(differences((text) => text.replace("self:unsigned(at, width, little)", "self:unsigned(at, width, not little)"))).toBeGreaterThan(
      0
    ))
  it("a length", () => expect(differences((text) => text.replace("- length.plus", "- length.plus - 1"))).toBeGreaterThan(0))
})
