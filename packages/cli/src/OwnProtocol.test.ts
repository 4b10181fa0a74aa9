/**
 * `decode` and `encode` of protocols that do not come with the command, by the directory of their generated code: everywhere where a built-in
 * name works, and with packets of which only the sender tells the kind.
 */
import { LinkType, PcapngWriter, TcpRecorder } from "@wirewright/capture"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Effect from "effect/Effect"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ndjson, wirewright } from "../test/RunCli.ts"
import { runHere } from "../test/RunHere.ts"
import { nearest } from "./Nearest.ts"

const isLine = new Ajv2020({ strict: false }).compile(
  JSON.parse(readFileSync(new URL("../decode.schema.json", import.meta.url), "utf8")) as object
)

const run = (...args: ReadonlyArray<string>) => Effect.runPromise(runHere(args))

const chatSpec = `
import { array, bodyLength, commandsOf, countOf, frame, lengthOf, opcode, protocol, struct, u16, u8, utf8 } from "@wirewright/dsl"
const chatFrame = frame("Chat", {
  sections: ["body"],
  kinds: { message: { headers: [{ fields: { length: bodyLength(u16, { from: "frame" }), type: opcode(u8) } }] } }
})
const message = commandsOf(chatFrame, "message")
const Member = struct("Member", { nameLength: lengthOf(u8, "name"), name: utf8() })
export const chat = protocol(chatFrame, {
  name: "chat",
  module: "./chat",
  commands: [
    message("Say", { opcode: 1, request: { body: { text: utf8({ max: 280 }) } } }),
    message("Members", { opcode: 2, request: { body: { count: countOf(u8, "members"), members: array(Member) } } })
  ]
})
`

/** The same numbers mean other packets from the other side, and nothing in the bytes says which side it was. */
const sidesSpec = `
import { bodyLength, frame, opcode, packetsOf, protocol, u8, u16, utf8 } from "@wirewright/dsl"
const headers = [{ fields: { length: bodyLength(u16), type: opcode(u8) } }]
const sides = frame("Sides", {
  sections: ["body"],
  kinds: { frontend: { headers, sender: "client" }, backend: { headers, sender: "server" } }
})
const front = packetsOf(sides, "frontend")
const back = packetsOf(sides, "backend")
export const two = protocol(sides, {
  name: "two",
  module: "./two",
  commands: [
    front("Ask", { opcode: 1, body: { body: { question: utf8() } } }),
    back("Ready", { opcode: 1, body: { body: { level: u8 } } })
  ]
})
`

/** A connection begins with a packet that has no type; what follows has one. */
const phasesSpec = `
import { bodyLength, frame, opcode, packetsOf, protocol, u8, u16, utf8 } from "@wirewright/dsl"
const headers = [{ fields: { type: opcode(u8), length: bodyLength(u16) } }]
const phased = frame("Phased", {
  sections: ["body"],
  kinds: {
    startup: { headers: [{ fields: { length: bodyLength(u16, { from: "frame" }) } }], sender: "client" },
    frontend: { headers, sender: "client" },
    backend: { headers, sender: "server" }
  },
  phases: { begin: { client: "startup", server: "backend" }, ready: { client: "frontend", server: "backend" } }
})
const start = packetsOf(phased, "startup")
const front = packetsOf(phased, "frontend")
const back = packetsOf(phased, "backend")
export const phases = protocol(phased, {
  name: "phases",
  module: "./phases",
  commands: [
    start("Hello", { then: "ready", fields: { version: u16, user: utf8() } }),
    front("Query", { opcode: "Q", fields: { text: utf8() } }),
    back("Row", { opcode: "Q", fields: { count: u8 } })
  ]
})
`

/** A field that only a later version of the protocol has. */
const versionsSpec = `
import { bodyLength, enumeration, frame, opcode, packetsOf, protocol, u8, when } from "@wirewright/dsl"
const versioned = frame("Versioned", {
  sections: ["body"],
  kinds: { packet: { headers: [{ fields: { length: bodyLength(u8), type: opcode(u8) } }] } },
  byteOrder: "little",
  states: { version: "both sides agreed on it" }
})
const packet = packetsOf(versioned, "packet")
export const versions = protocol(versioned, {
  name: "versions",
  module: "./versions",
  commands: [
    packet("Info", { opcode: 1, body: { body: { old: u8, fresh: when("version", u8, { from: 2 }) } } }),
    packet("Ended", {
      opcode: 2,
      fields: { why: when("version", enumeration("Reason", u8, { done: 1 }), { from: 2, else: enumeration("Code", u8, { gone: 1, done: 2 }) }) }
    })
  ]
})
`

/** Lines: a packet ends with CRLF, its first word says which it is, a payload follows where the line says how long it is. */
const linesSpec = `
import { decimal, frame, lengthOf, literal, packetsOf, protocol, tokens, utf8, bytes } from "@wirewright/dsl"
const lines = frame("Lines", { sections: ["body"], kinds: { packet: { headers: [{ fields: {} }] } } })
const packet = packetsOf(lines, "packet")
export const box = protocol(lines, {
  name: "box",
  module: "./box",
  commands: [
    packet("Put", {
      fields: {
        line: tokens(" ", { verb: literal("PUT"), name: utf8(), size: lengthOf(decimal(), "content") }, { until: "\\r\\n" }),
        content: bytes(),
        end: literal("\\r\\n")
      }
    }),
    packet("Take", { fields: { line: tokens(" ", { verb: literal("TAKE"), name: utf8() }, { until: "\\r\\n" }) } })
  ]
})
`

/** Little-endian, with a length of varying size. */
const littleSpec = `
import { bodyLength, f32, f64, frame, opcode, packetsOf, protocol, u8, u16, u32, utf8, varint } from "@wirewright/dsl"
const little = frame("Little", {
  sections: ["body"],
  byteOrder: "little",
  kinds: { packet: { headers: [{ fields: { type: opcode(u8), length: bodyLength(varint({ bits: 32 })) } }] } }
})
const packet = packetsOf(little, "packet")
export const meter = protocol(little, {
  name: "meter",
  module: "./meter",
  commands: [
    packet("Reading", { opcode: 1, fields: { sensor: u16, value: u32 } }),
    packet("Note", { opcode: 2, fields: { sensor: u16, text: utf8() } }),
    packet("Level", { opcode: 3, fields: { exact: f64, short: f32 } })
  ]
})
`

// within the repository, so that specs and generated code find the packages
const folder = mkdtempSync(join(fileURLToPath(new URL("../test", import.meta.url)), ".wirewright-own-"))
const path = (name: string): string => join(folder, name)
const chat = (...args: ReadonlyArray<string>) => run(...args, "--protocol", path("chat"))

beforeAll(async () => {
  writeFileSync(path("chat.ts"), chatSpec)
  writeFileSync(path("two.ts"), sidesSpec)
  writeFileSync(path("box.ts"), linesSpec)
  writeFileSync(path("phases.ts"), phasesSpec)
  writeFileSync(path("versions.ts"), versionsSpec)
  writeFileSync(path("meter.ts"), littleSpec)
  writeFileSync(
    path("records.ts"),
    `import { struct, types, u8 } from "@wirewright/dsl"
export const records = types({ name: "records", module: "./records", types: [struct("One", { a: u8 })] })\n`
  )
  for (const name of ["chat", "two", "records", "box", "meter", "phases", "versions"]) {
    const { code, err, out } = await run("generate", path(`${name}.ts`), "--out", path(name))
    expect([code, err + out], name).toEqual([0, expect.stringContaining("changed")])
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

// 0x0008: the whole packet has 8 bytes
const say = "000801" + "68656c6c6f"
// two members, ada and grace
const members = "000e02" + "02" + "03616461" + "056772616365"

const endpoint = (port: number) => ({ host: "10.0.0.1", port })

/** A pcapng file of a connection; pieces are `c2s` or `s2c` and bytes. */
const captured = (serverPort: number, pieces: ReadonlyArray<readonly ["c2s" | "s2c", Uint8Array]>): Uint8Array => {
  const recorder = new TcpRecorder()
  const begin = recorder.begin()
  const { bytes, recorded } = recorder.open({ host: "10.0.0.2", port: 40_000 }, endpoint(serverPort), 1n)
  const packets = pieces.flatMap(([direction, piece]) => recorder.packet(recorded, direction === "c2s" ? "client" : "server", piece, 2n))
  return Buffer.concat([...begin, ...bytes, ...packets, ...recorder.close(recorded, 3n)])
}

const hex = (text: string): Buffer => Buffer.from(text, "hex")

describe("a protocol in a directory", () => {
  it("is taken apart: fields, places, meaning", async () => {
    const { code, err, out } = await chat("decode", "--hex", say)
    expect([code, err]).toEqual([0, ""])
    expect(out).toMatch(/^Say message · 8 bytes · Chat$/m)
    expect(out).toMatch(/^0x00 {2}00 08 .*length +8$/m)
    expect(out).toMatch(/68 65 6c 6c 6f +text +"hello"$/m)
  })

  it("is JSON, and the same bytes again", async () => {
    const { out } = await chat("decode", "--json", "--to-end", "--hex", say + members)
    const [first, second] = ndjson(out)
    expect(first).toMatchObject({ packet: "Say", kind: "message", fields: { text: "hello" }, length: 8 })
    expect(second).toMatchObject({ packet: "Members", fields: { members: [{ name: "ada" }, { name: "grace" }] } })
    const back = await wirewright(["encode", "--protocol", path("chat")], out)
    expect([back.code, back.out]).toEqual([0, `${say}\n${members}\n`])
  })

  it("comes from lines, and from files in pieces", async () => {
    writeFileSync(path("lines.txt"), `# said by hand\n${say}\nc2s ${members}\n`)
    expect(ndjson((await chat("decode", path("lines.txt"), "--lines", "--json")).out).map((one) => one["packet"])).toEqual([
      "Say",
      "Members"
    ])
    writeFileSync(path("stream.bin"), hex(say + members + say))
    expect(ndjson((await chat("decode", path("stream.bin"), "--json")).out).map((one) => one["packet"])).toEqual(["Say", "Members", "Say"])
  })

  it("what does not decode is said with place and reason", async () => {
    const { code, out } = await chat("decode", "--json", "--hex", "0006" + "02" + "010961")
    expect(code).toBe(100)
    expect((ndjson(out)[0] as { error: object }).error).toMatchObject({ packet: "Members", path: "members[0].name", offset: 5 })
  })

  it("is found in TCP, in pieces", async () => {
    writeFileSync(
      path("tcp.pcapng"),
      captured(4000, [["c2s", hex(say.slice(0, 8))], ["c2s", hex(say.slice(8) + members)], ["s2c", hex(say)]])
    )
    const { code, err, out } = await chat("decode", path("tcp.pcapng"), "--json", "--port", "4000")
    expect([code, err]).toEqual([0, ""])
    expect(ndjson(out).map((one) => [one["packet"], one["direction"], one["flow"]])).toEqual([
      ["Say", "c2s", "10.0.0.2:40000>10.0.0.1:4000"],
      ["Members", "c2s", "10.0.0.2:40000>10.0.0.1:4000"],
      ["Say", "s2c", "10.0.0.2:40000>10.0.0.1:4000"]
    ])
    const people = await chat("decode", path("tcp.pcapng"), "--port", "4000")
    expect(people.out).toMatch(/^Summary: 3 packets in 1 conversation$/m)
    // with dumps, a line about a packet stands with its dump, and apart from the one before
    const dumps = await chat("decode", path("tcp.pcapng"), "--port", "4000", "--hexdump")
    expect(dumps.out).toMatch(/\n\n#\d+ .* {2}Members {2}.* bytes\nMembers message · /)
  })

  it("is found in WebSocket's binary messages, masked or not; a line that only looks like HTTP is not WebSocket", async () => {
    const upgrade = Buffer.from("GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n")
    const granted = Buffer.from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
    const masked = Buffer.concat([Uint8Array.of(0x82, 0x88, 1, 2, 3, 4), hex(say).map((byte, i) => byte ^ (i % 4 + 1))])
    const plain = Buffer.concat([Uint8Array.of(0x82, 14), hex(members)])
    writeFileSync(path("ws.pcapng"), captured(80, [["c2s", upgrade], ["s2c", granted], ["c2s", masked], ["s2c", plain]]))
    const { code, out } = await chat("decode", path("ws.pcapng"), "--json")
    expect([code, ndjson(out).map((one) => [one["packet"], one["direction"]])]).toEqual([0, [["Say", "c2s"], ["Members", "s2c"]]])
  })

  it("is found in UDP where the server is named, and passed over where it is not", async () => {
    const udp = (from: number, to: number, payload: Buffer): Uint8Array => {
      const data = Buffer.alloc(28 + payload.length)
      data.writeUInt8(0x45, 0)
      data.writeUInt16BE(data.length, 2)
      data.writeUInt8(17, 9)
      data.set([10, 0, 0, from === 4000 ? 1 : 2, 10, 0, 0, from === 4000 ? 2 : 1], 12)
      data.writeUInt16BE(from, 20)
      data.writeUInt16BE(to, 22)
      data.writeUInt16BE(8 + payload.length, 24)
      data.set(payload, 28)
      return data
    }
    const writer = new PcapngWriter()
    const frames = [udp(50_000, 4000, hex(say)), udp(4000, 50_000, hex(members + say)), udp(50_001, 53, hex("ff"))]
    writeFileSync(
      path("udp.pcapng"),
      Buffer.concat([writer.section(), writer.interface(LinkType.Raw), ...frames.map((data) => writer.packet({ time: 1n, data }))])
    )
    const asked = await chat("decode", path("udp.pcapng"), "--json", "--port", "4000")
    const lines = ndjson(asked.out)
    expect(lines.slice(0, 3).map((one) => [one["packet"], one["direction"], one["frame"]])).toEqual([
      ["Say", "c2s", 1],
      ["Members", "s2c", 2],
      ["Say", "s2c", 2]
    ])
    expect(lines[3]).toEqual({ passedOver: [{ reason: "notTcp", what: "UDP", count: 1, unit: "frames", firstFrame: 3, finding: false }] })
    expect(asked.code).toBe(0)
    const host = await chat("decode", path("udp.pcapng"), "--json", "--server", "10.0.0.1:4000")
    expect(host.out).toBe(asked.out)
    const other = await chat("decode", path("udp.pcapng"), "--json", "--server", "10.0.0.9:4000")
    expect([other.code, ndjson(other.out)[0]]).toMatchObject([100, {
      passedOver: [{ reason: "notTcp", count: 3 }, { reason: "nothingFound" }]
    }])
    expect((await chat("decode", path("udp.pcapng"))).err).toContain("no packet of chat was found; UDP is read at a port that is given")
  })
})

describe("packets that do not say who sent them", () => {
  const ask = "000301" + "776879"
  const ready = "000101" + "07"
  const two = (...args: ReadonlyArray<string>) => run(...args, "--protocol", path("two"))

  it("are read as --kind says, and not without it", async () => {
    const missing = await two("decode", "--hex", ready)
    expect([missing.code, missing.err]).toEqual([1, expect.stringContaining("give --kind, one of frontend, backend")])
    expect(ndjson((await two("decode", "--json", "--hex", ready, "--kind", "backend")).out)[0]).toMatchObject({
      packet: "Ready",
      fields: { level: 7 }
    })
    const dump = await two("decode", "--hex", ask, "--kind", "frontend")
    expect(dump.out).toMatch(/^Ask frontend · 6 bytes · Sides$/m)
    const wrong = await two("decode", "--hex", ask, "--kind", "frontent")
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("did you mean frontend?")])
  })

  it("are told by the sides of lines and of captures, and go back through encode", async () => {
    writeFileSync(path("two.txt"), `c2s ${ask}\ns2c ${ready}\n`)
    const lines = await two("decode", path("two.txt"), "--lines", "--json")
    expect(ndjson(lines.out).map((one) => one["packet"])).toEqual(["Ask", "Ready"])
    const back = await wirewright(["encode", "--protocol", path("two")], lines.out)
    expect(back.out).toBe(`${ask}\n${ready}\n`)
    writeFileSync(path("two.pcapng"), captured(5432, [["c2s", hex(ask)], ["s2c", hex(ready + ready)], ["c2s", hex(ask)]]))
    const { code, out } = await two("decode", path("two.pcapng"), "--json", "--server", "10.0.0.1:5432")
    expect([code, ndjson(out).map((one) => one["packet"])]).toEqual([0, ["Ask", "Ready", "Ready", "Ask"]])
  })
})

describe("--state", () => {
  const versions = (...args: ReadonlyArray<string>) => run(...args, "--protocol", path("versions"))

  it("says what was negotiated: a number, for decoding and for encoding", async () => {
    for (const [state, bytes, fields] of [["version=2", "02010506", { old: 5, fresh: 6 }], ["version=1", "010105", { old: 5 }]] as const) {
      const { code, out } = await versions("decode", "--json", "--hex", bytes, "--state", state)
      expect([code, ndjson(out)[0]]).toMatchObject([0, { packet: "Info", fields }])
      const back = await wirewright(["encode", "--protocol", path("versions"), "--state", state], out)
      expect([back.code, back.out]).toEqual([0, `${bytes}\n`])
    }
    expect((await versions("decode", "--json", "--hex", "02010506")).code).toBe(100)
  })

  it("says which names numbers have", async () => {
    for (const [state, name] of [["version=2", "done"], ["version=1", "gone"]] as const) {
      const { out } = await versions("decode", "--json", "--hex", "010201", "--state", state)
      expect(ndjson(out)[0]).toMatchObject({ packet: "Ended", fields: { why: { name, number: 1 } } })
      const named = JSON.stringify({ ...ndjson(out)[0], fields: { why: "done" } })
      const back = await wirewright(["encode", "--protocol", path("versions"), "--state", state], named)
      expect(back.out).toBe(state === "version=2" ? "010201\n" : "010202\n")
    }
  })

  it("is on or off in protocols that come with the command", async () => {
    // collection 8, key a
    const get = "80000002000000000000000200000000" + "0000000000000000" + "0861"
    const { out } = await run("decode", "--json", "--hex", get, "--state", "collections")
    expect(ndjson(out)[0]).toMatchObject({ packet: "Get", fields: { collectionId: 8 }, key: "a" })
    expect(ndjson((await run("decode", "--json", "--hex", get)).out)[0]).toMatchObject({ key: "\b" + "a" })
  })

  it.each([
    ["version", /expected version=NUMBER/],
    ["versoin=2", /versions has version; did you mean version\?/],
    ["collections", /no such connection state; versions has version/]
  ])("%s is refused", async (state, message) => {
    const { code, err } = await versions("decode", "--hex", "00", "--state", state)
    expect([code, err]).toEqual([1, expect.stringMatching(message)])
  })
})

describe("a connection with phases", () => {
  const startup = "0007" + "0003" + "616461"
  const query = "51" + "0003" + "776879"
  const row = "51" + "0001" + "07"
  const phases = (...args: ReadonlyArray<string>) => run(...args, "--protocol", path("phases"))

  it("changes what the client's bytes are after a packet, however they are cut", async () => {
    const bytes = hex(startup + query + query)
    for (let cut = 1; cut < bytes.length; cut++) {
      writeFileSync(
        path("phases.pcapng"),
        captured(5432, [["c2s", bytes.subarray(0, cut)], ["s2c", hex(row)], ["c2s", bytes.subarray(cut)], ["s2c", hex(row)]])
      )
      const { code, out } = await phases("decode", path("phases.pcapng"), "--json", "--port", "5432")
      const names = ndjson(out).map((one) => [one["packet"], one["direction"]])
      expect(code, out).toBe(0)
      expect(names.filter(([, direction]) => direction === "c2s").map(([name]) => name)).toEqual(["Hello", "Query", "Query"])
      expect(names.filter(([, direction]) => direction === "s2c").map(([name]) => name)).toEqual(["Row", "Row"])
    }
  })

  it("is followed through lines, and from packet to packet of one side", async () => {
    writeFileSync(path("phases.txt"), `c2s ${startup}\ns2c ${row}\nc2s ${query}\n`)
    const lines = await phases("decode", path("phases.txt"), "--lines", "--json")
    expect([lines.code, ndjson(lines.out).map((one) => one["packet"])]).toEqual([0, ["Hello", "Row", "Query"]])
    const back = await wirewright(["encode", "--protocol", path("phases")], lines.out)
    expect(back.out).toBe(`${startup}\n${row}\n${query}\n`)
    const one = await phases("decode", "--json", "--hex", query, "--kind", "frontend")
    expect(ndjson(one.out)[0]).toMatchObject({ packet: "Query", fields: { text: "why" } })
  })
})

describe("frames of other shapes", () => {
  it("lines with a payload: shown, JSON and back, and found in a stream that is cut anywhere", async () => {
    const text = "PUT a 5\r\nhe\r\no\r\nTAKE a\r\n"
    const bytes = Buffer.from(text)
    const box = (...args: ReadonlyArray<string>) => run(...args, "--protocol", path("box"))
    const dump = await box("decode", "--hex", bytes.subarray(0, 16).toString("hex"))
    expect([dump.code, dump.out]).toEqual([0, expect.stringMatching(/^Put packet · 16 bytes · Lines$/m)])
    for (let cut = 1; cut < bytes.length; cut++) {
      writeFileSync(path("box.pcapng"), captured(7000, [["c2s", bytes.subarray(0, cut)], ["c2s", bytes.subarray(cut)]]))
      const { code, out } = await box("decode", path("box.pcapng"), "--json")
      expect([code, ndjson(out)], String(cut)).toEqual([0, [
        expect.objectContaining({ packet: "Put", fields: { name: "a", content: { hex: "68650d0a6f" } }, length: 16 }),
        expect.objectContaining({ packet: "Take", fields: { name: "a" }, length: 8 })
      ]])
      if (cut > 1) continue
      const back = await wirewright(["encode", "--protocol", path("box")], out)
      expect(back.out.replaceAll("\n", "")).toBe(bytes.toString("hex"))
    }
  })

  it("little-endian with a varint length", async () => {
    const reading = "01" + "06" + "0201" + "04030201"
    const long = "02" + "c901" + "0201" + "61".repeat(199)
    const meter = (...args: ReadonlyArray<string>) => run(...args, "--protocol", path("meter"))
    // IEEE 754: 0.1 is 0x3fb999999999999a, 1.5 is 0x3fc00000
    const level = "03" + "0c" + "9a9999999999b93f" + "0000c03f"
    const { code, out } = await meter("decode", "--json", "--to-end", "--hex", reading + long + level)
    for (const one of ndjson(out)) expect(isLine(one), JSON.stringify([one, isLine.errors])).toBe(true)
    const back = await wirewright(["encode", "--protocol", path("meter")], out)
    expect(back.out.replaceAll("\n", "")).toBe(reading + long + level)
    expect([code, ndjson(out)]).toMatchObject([0, [
      { packet: "Reading", fields: { sensor: 0x102, value: 0x1020304 }, length: 8 },
      { packet: "Note", fields: { sensor: 0x102, text: "a".repeat(199) }, length: 204 },
      { packet: "Level", fields: { exact: 0.1, short: 1.5 }, length: 14 }
    ]])
    const stream = hex((reading + long).repeat(3))
    for (const cut of [1, 7, 8, 9, 10, 11, 12, 211, 212, 213, 300]) {
      writeFileSync(path("meter.pcapng"), captured(7001, [["s2c", stream.subarray(0, cut)], ["s2c", stream.subarray(cut)]]))
      const found = await meter("decode", path("meter.pcapng"), "--json")
      expect(ndjson(found.out).map((one) => one["packet"]), String(cut)).toEqual(["Reading", "Note", "Reading", "Note", "Reading", "Note"])
    }
  })
})

it("memcached's text protocol comes along, and is told by its port", async () => {
  const c2s = Buffer.from("get foo\r\nset a 0 0 3\r\nabc\r\n")
  const s2c = Buffer.from("VALUE foo 0 3\r\nabc\r\nEND\r\nSTORED\r\n")
  writeFileSync(path("text.pcapng"), captured(11_211, [["c2s", c2s], ["s2c", s2c]]))
  const { code, out } = await run("decode", path("text.pcapng"), "--json", "--protocol", "memcached-text")
  const found = ndjson(out)
  expect([code, found.filter((one) => one["direction"] === "c2s").map((one) => one["packet"])]).toEqual([0, ["Get", "Set"]])
  expect(found[0]).toMatchObject({ fields: { keys: ["foo"] } })
  const back = await wirewright(["encode", "--protocol", "memcached-text"], out)
  expect([back.code, back.out.replaceAll("\n", "")]).toEqual([0, c2s.toString("hex") + s2c.toString("hex")])
  const dump = await run("decode", "--hex", Buffer.from("get foo\r\n").toString("hex"), "--protocol", "memcached-text", "--kind", "request")
  expect(dump.out).toMatch(/^0x00 {2}67 65 74 +verb +"get"\n0x00 {11}20 +·\n/m)
})

describe("conversations in which no header says what is answered", () => {
  interface Recorded {
    readonly conversations: ReadonlyArray<{
      readonly name: string
      readonly chunks: ReadonlyArray<{ readonly from: "client" | "server"; readonly hex: string }>
    }>
  }

  const shown = async (protocol: string, name: string): Promise<string> => {
    const file = fileURLToPath(new URL(`../../../test/fixtures/gallery/${protocol}.json`, import.meta.url))
    const { conversations } = JSON.parse(readFileSync(file, "utf8")) as Recorded
    const { chunks } = conversations.find((one) => one.name === name)!
    const both = chunks.map(({ from, hex: bytes }) => [from === "client" ? "c2s" : "s2c", hex(bytes)] as const)
    writeFileSync(path(`${protocol}.pcapng`), captured(7002, both))
    const generated = fileURLToPath(new URL(`../../examples/src/gallery/${protocol}`, import.meta.url))
    return (await run("decode", path(`${protocol}.pcapng`), "--protocol", generated, "--port", "7002")).out
  }

  it("are paired by the order of packets: two commands in one write have two answers", async () => {
    const out = await shown("resp", "redis RESP2 strings")
    const answered = [...out.matchAll(/^#\d+ .* {2}s2c {2}Answer .*answers #(\d+)/gm)].map(([, frame]) => Number(frame))
    // three segments of the handshake are before the first
    expect(answered.slice(0, 5)).toEqual([4, 4, 6, 8, 10])
    const [, c2s, s2c, paired] = /^ {2}#1 .* > [0-9.]+:7002 +(\d+) +(\d+) +(\d+) /m.exec(out)!
    expect([s2c, paired]).toEqual([c2s, c2s])
  })

  it("are paired by the number that both have, where there is one", async () => {
    const out = await shown("mqtt", "mosquitto_pub 3.1 publish")
    expect(out).toMatch(/^#5 .* {2}s2c {2}Connack .*answers #4/m)
    expect(out).toMatch(/^#7 .* {2}s2c {2}Puback .*answers #6/m)
    expect(out).toMatch(/^ {2}Publish +1 +0 +1$/m)
  })
})

describe("what is no protocol is refused with what to do", () => {
  it.each([
    ["a name", "dpc", /no protocol dpc: give dcp, .* or the directory of generated code; did you mean dcp\?/],
    ["a path", "./nowhere", /no protocol \.\/nowhere: give/],
    ["a directory without code", "empty", /holds no generated protocol/],
    ["the directory above", ".", /holds several protocols: give one of .*chat.*two/],
    ["records", "records", /records only/],
    ["code that does not load", "broken", /index\.ts cannot be loaded: .*nothing/]
  ])("%s", async (_, name, message) => {
    mkdirSync(path("empty"), { recursive: true })
    mkdirSync(path("broken"), { recursive: true })
    writeFileSync(path("broken/index.ts"), "import \"./nothing.ts\"\n")
    writeFileSync(path("broken/Model.ts"), "export const models = []\n")
    const given = /^(dpc|\.\/)/.test(name) ? name : name === "." ? folder : path(name)
    const { code, err, out } = await run("decode", "--hex", say, "--protocol", given)
    expect([code, out]).toEqual([1, ""])
    expect(err).toMatch(message)
  })
})

it("the nearest word is one that somebody may have meant", () => {
  expect(nearest("importExtensions", ["importExtension", "testRunner"])).toBe("; did you mean importExtension?")
  expect(nearest("TESTRUNNER", ["importExtension", "testRunner"])).toBe("; did you mean testRunner?")
  expect(nearest("colour", ["importExtension", "testRunner"])).toBe("")
  expect(nearest("x", [])).toBe("")
})
