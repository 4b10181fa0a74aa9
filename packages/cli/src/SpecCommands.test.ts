/** `sample` and `diff`: what they print, write and end with. */
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ndjson, wirewright } from "../test/RunCli.ts"
import { runHere } from "../test/RunHere.ts"

const run = (...args: ReadonlyArray<string>) => Effect.runPromise(runHere(args))

const chat = (max: number, more = ""): string => `
import * as D from ${JSON.stringify(fileURLToPath(import.meta.resolve("@wirewright/dsl")))}
const header = { length: D.bodyLength(D.u16, { from: "frame" }), type: D.opcode(D.u8) }
const own = D.frame("Chat", { sections: ["body"], kinds: { message: { headers: [{ fields: header }] } } })
const packet = D.packetsOf(own, "message")
const name = D.prefixed(D.u8, D.utf8())
export const chat = D.protocol(own, {
  name: "chat",
  module: "./chat",
  commands: [
    packet("Say", { opcode: 1, fields: { text: D.utf8({ max: ${max} }) } }),
    ${more}
    packet("Members", { opcode: 2, fields: { members: D.counted(D.u8, D.struct("Member", { name })) } })
  ]
})
`

const folder = mkdtempSync(join(tmpdir(), "wirewright-spec-commands-"))
/** Where generated code finds what it imports. */
const beside = mkdtempSync(join(fileURLToPath(new URL("../test", import.meta.url)), ".wirewright-beside-"))
const [old, now] = [join(folder, "old.ts"), join(folder, "now.ts")]

beforeAll(() => {
  writeFileSync(old, chat(10))
  writeFileSync(now, chat(12, "packet(\"Leave\", { opcode: 3, fields: {} }),"))
})
afterAll(() => [folder, beside].forEach((one) => rmSync(one, { recursive: true, force: true })))

describe("sample", () => {
  it("prints packets as hex that decode --lines reads, each with a line before it", async () => {
    const { code, err, out } = await run("sample", now)
    const lines = out.trim().split("\n")
    expect(code).toBe(0)
    expect(err).toMatch(/^\d+ samples\n$/)
    expect(lines[0]).toMatch(/^# (Say|Leave|Members|UnknownMessage) message, \d+ bytes$/)
    expect(lines.filter((line) => !line.startsWith("#")).every((line) => /^([0-9a-f]{2})+$/.test(line))).toBe(true)
    // the limit, and what is below it
    expect(out).toMatch(/^# Say message, 15 bytes$/m)
    expect(out).toMatch(/^# Say message, 14 bytes$/m)
    expect(out).not.toMatch(/^# Say message, 16 bytes$/m)
  })

  it("prints JSON that has the bytes, for one packet, as many as asked for, the same for a seed", async () => {
    const of = () => run("sample", now, "--packet", "Members", "--count", "30", "--seed", "7", "--json")
    const { code, out } = await of()
    const objects = ndjson(out) as ReadonlyArray<
      { packet: string; hex: string; length: number; fields: { members: ReadonlyArray<unknown> } }
    >
    expect(code).toBe(0)
    expect(objects).toHaveLength(30)
    for (const { fields, hex, length, packet } of objects) {
      expect(packet).toBe("Members")
      expect(hex).toHaveLength(2 * length)
      expect(Number.parseInt(hex.slice(6, 8), 16)).toBe(fields.members.length)
    }
    expect((await of()).out).toBe(out)
  })

  it("prints one of each packet for people to read, the same whatever else is asked for", async () => {
    const { code, out } = await run("sample", now, "--readable")
    expect(code).toBe(0)
    expect(out).toContain("# Say message, 6 bytes\n000601666f6f\n")
    expect((await run("sample", now, "--readable", "--packet", "Say")).out).toBe("# Say message, 6 bytes\n000601666f6f\n")
    const members = ndjson((await run("sample", now, "--readable", "--packet", "Members", "--json")).out)
    expect(members).toEqual([expect.objectContaining({ fields: expect.objectContaining({ members: [expect.anything()] }) })])
    const both = await run("sample", now, "--readable", "--malformed")
    expect([both.code, both.err]).toEqual([1, expect.stringContaining("--readable and --malformed")])
  })

  it("prints what is malformed, with the reason", async () => {
    const { code, out } = await run("sample", now, "--malformed", "--json")
    const objects = ndjson(out) as ReadonlyArray<{ error: { reason: string; path: string }; hex: string }>
    expect(code).toBe(0)
    const reasons = new Set(objects.map(({ error }) => error.reason))
    expect([...reasons].sort()).toEqual(expect.arrayContaining(["Incomplete", "Length", "Limit", "Trailing"]))
    expect((await run("sample", now, "--malformed", "--packet", "Say")).out).toMatch(
      /^# Limit \(Say message\): Say\.text at byte 3: expected at most 12 bytes/m
    )
  })

  it("writes a corpus and a capture", async () => {
    const corpus = join(folder, "corpus")
    expect((await run("sample", now, "--packet", "Say", "--out", corpus)).out).toBe("")
    const index = ndjson(readFileSync(join(corpus, "index.ndjson"), "utf8")) as ReadonlyArray<{ file: string; hex: string }>
    expect(readdirSync(corpus)).toHaveLength(index.length + 1)
    for (const { file, hex } of index) expect(readFileSync(join(corpus, file)).toString("hex")).toBe(hex)
    const capture = join(folder, "samples.pcapng")
    expect((await run("sample", now, "--pcap", capture)).code).toBe(0)
    await run("generate", now, "--out", join(folder, "gen"))
    expect(readFileSync(capture).length).toBeGreaterThan(100)
  })

  it("says the kind where bytes do not, and decode --lines reads that", async () => {
    const greeting = "{ fields: { version: D.constant(D.u8, 5), methods: D.counted(D.u8, D.u8) } }"
    const choosing = "{ fields: { version: D.constant(D.u8, 5), method: D.u8 } }"
    writeFileSync(
      join(folder, "socks.ts"),
      `import * as D from ${JSON.stringify(fileURLToPath(import.meta.resolve("@wirewright/dsl")))}
      const f = D.frame("Socks", { sections: ["b"], kinds: { greeting: { headers: [], sender: "client" }, choosing: { headers: [], sender: "server" } } })
      export const socks = D.protocol(f, { name: "socks", module: "./gen-socks", commands: [
        D.packetsOf(f, "greeting")("Hello", ${greeting}), D.packetsOf(f, "choosing")("Chosen", ${choosing})] })`
    )
    const code = join(folder, "gen-socks")
    expect((await run("generate", join(folder, "socks.ts"), "--out", code)).code).toBe(0)
    const { out } = await run("sample", join(folder, "socks.ts"))
    const lines = out.trim().split("\n").filter((line) => !line.startsWith("#"))
    expect(new Set(lines.map((line) => line.split(" ")[0]))).toEqual(new Set(["greeting", "choosing"]))
    writeFileSync(join(folder, "socks.txt"), out)
    const read = await run("decode", "--lines", "--json", "--protocol", code, join(folder, "socks.txt"))
    expect([read.code, read.err]).toEqual([0, ""])
    expect(ndjson(read.out).map((one) => one["kind"])).toEqual(lines.map((line) => line.split(" ")[0]))
  })

  it("asks the code of custom fields, where the protocol says that it is", async () => {
    const spec = join(folder, "own.ts")
    writeFileSync(
      spec,
      `import * as D from ${JSON.stringify(fileURLToPath(import.meta.resolve("@wirewright/dsl")))}
      const f = D.frame("Own", { sections: ["b"], kinds: { m: { headers: [{ fields: { type: D.opcode(D.u8) } }], datagram: true } } })
      const even = D.custom("Even", { module: "../Even.ts", minimum: 1 })
      export const own = D.protocol(f, { name: "own", module: "./gen-own", commands: [D.packetsOf(f, "m")("A", { opcode: 1, fields: { list: D.array(even) } })] })`
    )
    // a byte that is even; the codec is found from here
    writeFileSync(
      join(folder, "Even.ts"),
      `import { malformed } from ${JSON.stringify(fileURLToPath(import.meta.resolve("@wirewright/codec/Errors")))}
      export type Even = number
      export const readEven = (reader, at, end, start) => {
        if (reader.bytes[at] % 2 === 1) malformed("Limit", "Even", "", at - start, "an even byte", "an odd one")
        reader.next = at + 1
        return reader.bytes[at]
      }
      export const writeEven = (writer, at, value) => { writer.bytes[at] = value; return at + 1 }
      export const boundEven = () => 1
      export const customEven = { read: readEven, text: String, toJson: (value) => value, fromJson: (json) => json }`
    )
    const before = await run("sample", spec, "--packet", "A")
    expect(before.err).toContain(
      "note: only code of its own knows the bytes of Even, so any stand there: give the directory of generated code"
    )
    expect((await run("generate", spec, "--out", join(folder, "gen-own"))).code).toBe(0)
    const { err, out } = await run("sample", spec, "--packet", "A")
    expect(err).toMatch(/^\d+ samples\n$/)
    const listed = out.trim().split("\n").filter((line) => !line.startsWith("#")).map((line) => line.slice(2).match(/../g) ?? [])
    expect(listed.flat().length).toBeGreaterThan(0)
    expect(listed.flat().every((one) => Number.parseInt(one, 16) % 2 === 0)).toBe(true)
  })

  it("what the code of custom fields throws is told with its field, and is no fault of the command", async () => {
    const spec = join(folder, "throws.ts")
    writeFileSync(
      spec,
      `import * as D from ${JSON.stringify(fileURLToPath(import.meta.resolve("@wirewright/dsl")))}
      const f = D.frame("Own", { sections: ["b"], kinds: { m: { headers: [{ fields: { type: D.opcode(D.u8) } }], datagram: true } } })
      const odd = D.custom("Thrower", { module: "../Thrower.ts", minimum: 1 })
      export const own = D.protocol(f, { name: "own", module: "./gen-throws", commands: [D.packetsOf(f, "m")("A", { opcode: 1, fields: { list: D.array(odd) } })] })`
    )
    writeFileSync(
      join(folder, "Thrower.ts"),
      `export type Thrower = number
      const seen = (byte) => {
        if (byte > 0x7f) throw new RangeError("a byte of " + byte)
        return byte
      }
      export const readThrower = (reader, at) => {
        reader.next = at + 1
        return seen(reader.bytes[at])
      }
      export const writeThrower = (writer, at, value) => { writer.bytes[at] = seen(value); return at + 1 }
      export const boundThrower = () => 1
      export const customThrower = { read: readThrower, text: String, toJson: (value) => value, fromJson: (json) => json }`
    )
    const gen = join(folder, "gen-throws")
    expect((await run("generate", spec, "--out", gen)).code).toBe(0)
    const read = await run("decode", "--hex", "010280", "--protocol", gen)
    expect(read.code).toBe(100)
    expect(read.out).toContain(
      "DecodeError (Custom) A.list[1] at byte 2: expected what the field's own code reads, got RangeError: a byte of 128"
    )
    expect(`${read.out}${read.err}`).not.toMatch(/report|    at /)
    const json = await run("decode", "--hex", "010280", "--protocol", gen, "--json")
    expect([json.code, (ndjson(json.out)[0] as { error: object }).error]).toMatchObject([100, {
      reason: "Custom",
      path: "list[1]",
      offset: 2
    }])
  })

  it("header fields may have the names of what decode says beside packets, and what errors and captures have", async () => {
    const names = ["error", "passedOver", "direction", "time", "frame", "flow", "protocol", "hex", "states"]
    writeFileSync(
      join(beside, "taken.ts"),
      `import * as D from ${JSON.stringify(fileURLToPath(import.meta.resolve("@wirewright/dsl")))}
      const fields = { size: D.bodyLength(D.u16), type: D.opcode(D.u8), ${names.map((name) => `${name}: D.u8`).join(", ")} }
      const f = D.frame("Taken", { sections: ["b"], kinds: { m: { headers: [{ fields }] } } })
      export const taken = D.protocol(f, { name: "taken", module: "./gen-taken", commands: [D.packetsOf(f, "m")("A", { opcode: 1, fields: {} })] })`
    )
    const code = join(beside, "gen-taken")
    expect((await run("generate", join(beside, "taken.ts"), "--out", code)).code).toBe(0)
    const capture = join(beside, "taken.pcap")
    const { out: lines } = await run("sample", code, "--packet", "A", "--count", "20")
    expect((await run("sample", code, "--packet", "A", "--count", "20", "--pcap", capture)).code).toBe(0)
    const { out: json } = await run("decode", capture, "--protocol", code, "--port", "4000", "--json")
    const { err, out } = await wirewright(["encode", "--protocol", code], json)
    expect(err).toBe("")
    expect(out.trim().split("\n")).toEqual(lines.trim().split("\n").filter((line) => !line.startsWith("#")))
  })

  it("says which packets no bytes are read as", async () => {
    const spec = join(folder, "tags.ts")
    // the tag stands before the verb, as in IMAP, and only what stands in front tells packets apart
    const verb = (name: string, more: string) =>
      `packet("${name}", { fields: { tag: D.ascii({ until: " " }), verb: D.literal("${name} "), ${more} } })`
    writeFileSync(
      spec,
      `import * as D from ${JSON.stringify(fileURLToPath(import.meta.resolve("@wirewright/dsl")))}
      const f = D.frame("Tags", { sections: ["b"], kinds: { m: { headers: [] } } })
      const packet = D.packetsOf(f, "m")
      export const tags = D.protocol(f, { name: "tags", module: "./tags", commands: [
        ${verb("Noop", "end: D.literal(\"\\n\")")}, ${
        verb("Append", "mailbox: D.ascii({ until: \" \" }), flags: D.ascii({ until: \"\\n\" })")
      }] })`
    )
    const { code, err } = await run("sample", spec)
    expect([code, err]).toEqual([
      0,
      expect.stringMatching(/^note: no sample of (Noop|Append): bytes of it are read as another packet.*\n\d+ samples\n$/)
    ])
  })

  it("refuses what is not there, and says what is", async () => {
    expect((await run("sample", now, "--packet", "Sey")).err).toContain("no packet Sey in chat")
    expect((await run("sample", now, "--state", "x")).err).toContain("no such connection state")
    expect((await run("sample", join(folder, "nothing.ts"))).code).toBe(1)
  })
})

describe("one way to a spec", () => {
  const commands: ReadonlyArray<readonly [string, ...ReadonlyArray<string>]> = [
    ["docs", "--out", join(folder, "pages"), "SPEC"],
    ["dissector", "SPEC"],
    ["sample", "SPEC"],
    ["diff", "SPEC", "SPEC"]
  ]
  const of = (command: ReadonlyArray<string>, spec: string) => run(...command.map((word) => word === "SPEC" ? spec : word))

  it.each(commands)("%s says what is wrong in it on stderr, with its lines; stdout is for what it makes", async (...command) => {
    const wrong = join(folder, "wrong.ts")
    writeFileSync(wrong, chat(10).replace("opcode: 2", "opcode: 1"))
    const { code, err, out } = await of(command, wrong)
    expect([code, out]).toEqual([100, ""])
    expect(err).toMatch(/wrong\.ts:\d+:\d+ WW\d+ [^]*\n +\d+ \| .*Members[^]*\nwirewright: \d findings? in .*wrong\.ts$/m)
  })

  it.each(commands)("%s says what else there is, where it names nothing", async (...command) => {
    const nothing = await of(command, join(folder, "nothing.ts"))
    expect([nothing.code, nothing.out, nothing.err]).toEqual([
      1,
      "",
      expect.stringMatching(/no protocol .*nothing\.ts: give dcp, .*, a spec, or the directory of generated code$/m)
    ])
    expect((await of(command, "dpc")).err).toContain("no protocol dpc: give")
    expect((await of(command, "dpc")).err).toContain("did you mean dcp?")
    expect((await of(command, dirname(fileURLToPath(import.meta.url)))).err).toContain("holds no generated protocol")
  })

  it("a place where nothing can be made is told, and a number that is no port", async () => {
    // Node's recursive mkdir never returns from such a place
    const place = existsSync("/proc/self") ? "/proc/wirewright" : join(folder, "now.ts", "x")
    for (const args of [["sample", now, "--out", place], ["generate", now, "--out", place], ["docs", now, "--out", place]]) {
      const { code, err } = await run(...args)
      expect([code, err]).toEqual([1, expect.stringMatching(/ENOENT|ENOTDIR/)])
    }
    for (const args of [["sample", now, "--port", "70000"], ["dissector", now, "--port", "0"]]) {
      expect((await run(...args)).err).toMatch(/--port \d+: there are ports 1 to 65535/)
    }
    for (
      const [spec, said] of [["missing.ts", "there is no such file"], [".", "is a directory"], ["package.json", "is no module"]] as const
    ) {
      expect((await run("generate", spec, "--out", join(folder, "gen"))).err).toContain(`${spec}: ${said}`)
    }
  })

  it("tells findings as JSON where JSON is asked for", async () => {
    const { code, err, out } = await run("sample", join(folder, "wrong.ts"), "--json")
    expect([code, out]).toEqual([100, ""])
    expect(ndjson(err)).toEqual([{
      error: "Findings",
      exit: "findings",
      code: 100,
      message: expect.stringMatching(/^1 finding in .*wrong\.ts\n.*wrong\.ts:\d+:\d+ WW\d+ .*; hint: /) as unknown
    }])
  })

  it("a spec of the configuration is read by the code that is made of it", async () => {
    const project = join(folder, "project")
    mkdirSync(project)
    writeFileSync(join(project, "chat.ts"), chat(10))
    writeFileSync(join(project, "wirewright.config.ts"), "export default { targets: [{ spec: \"chat.ts\", out: \"made\" }] }\n")
    const before = process.cwd()
    process.chdir(project)
    try {
      const decode = () => run("decode", "--hex", "0002 01 6869", "--protocol", "chat.ts")
      expect((await decode()).err).toContain("no protocol made: ")
      expect((await run("generate")).code).toBe(0)
      expect((await decode()).out).toMatch(/^Say message · 5 bytes/)
      expect((await run("decode", "--hex", "00", "--protocol", join("..", "now.ts"))).err).toContain("now.ts is in no wirewright.config.ts")
    } finally {
      process.chdir(before)
    }
  })
})

describe("generate --target", () => {
  it("makes a JSON Schema and a description for Kaitai Struct, keeps them fresh, and names what cannot be said", async () => {
    const out = join(folder, "other")
    const args = [now, "--out", out, "--target", "json-schema", "--target", "ksy"]
    expect((await run("generate", ...args)).code).toBe(0)
    expect(readdirSync(out).sort()).toEqual(["chat.schema.json", "chat_message.ksy", "generated.json"])
    const isPacket = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(
      JSON.parse(readFileSync(join(out, "chat.schema.json"), "utf8")) as object
    )
    for (const { hex: _, ...packet } of ndjson((await run("sample", now, "--json")).out) as ReadonlyArray<{ hex: string }>) {
      expect(isPacket(packet), JSON.stringify(isPacket.errors)).toBe(true)
    }
    expect(readFileSync(join(out, "chat_message.ksy"), "utf8")).toMatch(/^# @generated by wirewright\.[^]*id: chat_message/)
    expect((await run("check", ...args)).code).toBe(0)
    writeFileSync(join(out, "chat_message.ksy"), "# mine\n")
    expect((await run("generate", ...args)).err).toContain("was not generated by wirewright")
  })
})

describe("diff", () => {
  it("shows a packet that proves what has changed on the wire, and ends with 100", async () => {
    const { code, err, out } = await run("diff", old, now)
    expect(code).toBe(100)
    expect(out).toMatch(
      /^WIRE {4}Say\n {8}text: max 10 → 12\n {8}new to old: Say 00 0e 01( [0-9a-f]{2}){11}\n {10}old refuses it: Say\.text at byte 3/m
    )
    expect(out).toMatch(/^SAFE {4}Leave\n {8}packet added$/m)
    expect(err).toMatch(/^2 differences: 1 WIRE, 1 SAFE; \d+ packets tried$/m)
    expect((await run("diff", old, old)).code).toBe(0)
    expect((await run("diff", old, now, "--fail-on", "never")).code).toBe(0)
  })

  it("as JSON and Markdown", async () => {
    const objects = ndjson((await run("diff", old, now, "--json")).out)
    expect(objects[0]).toMatchObject({
      class: "WIRE",
      protocol: "chat",
      place: "Say",
      changes: [{ path: "Say.text", text: "max 10 → 12" }],
      witnesses: [{ direction: "new to old", packet: "Say" }],
      shown: true
    })
    const { out } = await run("diff", old, now, "--markdown")
    expect(out).toContain("### WIRE\n")
    expect(out).toContain("| chat | Say | `Say.text` max 10 → 12 |")
  })

  it("against a commit, without touching the repository", async () => {
    const repository = join(folder, "repository")
    mkdirSync(repository)
    const git = (...args: ReadonlyArray<string>): string => execFileSync("git", ["-C", repository, ...args], { encoding: "utf8" })
    git("init", "--quiet", "--initial-branch", "main")
    writeFileSync(join(repository, "chat.ts"), chat(10))
    git("add", ".")
    git("-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "-m", "chat")
    writeFileSync(join(repository, "chat.ts"), chat(12))
    const before = process.cwd()
    process.chdir(repository)
    try {
      for (const args of [["--against", "main", "chat.ts"], ["--against", ".git#main", "chat.ts"], ["main:chat.ts", "chat.ts"]]) {
        const { code, out } = await run("diff", ...args)
        expect([args, code]).toEqual([args, 100])
        expect(out).toContain("text: max 10 → 12")
      }
      expect((await run("diff", "--against", "nowhere", "chat.ts")).err).toContain("no commit nowhere")
    } finally {
      process.chdir(before)
    }
    expect(git("status", "--porcelain")).toBe(" M chat.ts\n")
  })
})
