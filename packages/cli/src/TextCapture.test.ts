/** `decode` of what memcached's clients and server said, as they spoke text, meta and binary: the values are tshark's, the order is the server's. */
import { assert, describe, it } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { ndjson, wirewright } from "../test/RunCli.ts"

const fixture = (name: string): string => fileURLToPath(new URL(`../../../test/fixtures/captures/${name}`, import.meta.url))
const file = fixture("memcached-1.6.18-text.pcapng.gz")
const memcached = ["--protocol", "memcached", "--port", "21711"]

/** The lines of a listing from each packet on, without its place, its time and how long it took. */
const told = (out: string, flow: number): ReadonlyArray<string> => {
  const [, part = ""] = out.split(`── flow ${flow} `)
  const [lines = ""] = part.split(/\n\n(?:── flow|Summary)/)
  return lines.replaceAll(/\n {4}/g, "  ").split("\n").slice(1)
    .map((line) => line.replace(/\+[0-9.]+ {2}/, "").replace(/ after [0-9.]+ ms/, ""))
}

const isLine = new Ajv2020({ strict: false }).compile(
  JSON.parse(readFileSync(new URL("../decode.schema.json", import.meta.url), "utf8")) as object
)

const listing = wirewright(["decode", file, ...memcached])

const text = (json: unknown): string => Buffer.from((json as { readonly hex: string }).hex, "hex").toString()

describe("a capture of memcached", () => {
  it("has the commands, answers, keys and values that tshark finds", async () => {
    const { out } = await wirewright(["decode", file, ...memcached, "--json"])
    const packets = ndjson(out).filter(({ flow }) => flow === "127.0.0.1:34792>127.0.0.1:21711")
    const rows = readFileSync(fixture("memcached-1.6.18-text.tshark.tsv"), "utf8").trimEnd().split("\n").map((row) => row.split("\t"))
    assert.deepStrictEqual([...new Set(packets.map(({ frame }) => String(frame)))], rows.map(([frame]) => frame))
    const names: { readonly [verb: string]: string } = {
      set: "Set",
      get: "Get",
      gets: "Gets",
      incr: "Increment",
      delete: "Delete",
      STORED: "Stored",
      NOT_FOUND: "NotFound",
      DELETED: "Deleted"
    }
    for (const [frame = "", command = "", response = "", keys = "", values = ""] of rows) {
      const here = packets.filter((packet) => String(packet["frame"]) === frame)
      const fields = here.map((packet) => packet["fields"] as { readonly [field: string]: unknown })
      const verb = command === "" ? response : command
      // values end with a packet of their own, which tshark does not name
      const last = verb === "" ? "End" : names[verb]
      assert.strictEqual(here.at(-1)!["packet"], last, frame)
      assert.strictEqual(fields.flatMap(({ key, keys: several }) => key ?? several ?? []).join(), keys, frame)
      // of gets tshark shows no value, and of incr the number it adds
      if (frame === "16") continue
      assert.strictEqual(fields.flatMap(({ delta, value }) => delta ?? (value === undefined ? [] : text(value))).join(), values, frame)
    }
    const back = await wirewright(["encode", "--protocol", "memcached"], packets.map((packet) => JSON.stringify(packet)).join("\n"))
    assert.strictEqual(Buffer.from(back.out.split("\n")[0]!, "hex").toString(), "set colour 0 0 5\r\ngreen\r\n")
    assert.strictEqual(back.out.trim().split("\n").length, packets.length)
  })

  it("pairs answers in order, and shows what is not answered", async () => {
    const { code, out } = await listing
    assert.strictEqual(code, 100)
    assert.deepStrictEqual(told(out, 1).slice(0, 9), [
      "#4  c2s  Set  set colour 0 0 5  \"green\"",
      "#6  s2c  Stored  STORED  answers Set #4",
      "#8  c2s  Set  set quiet 0 0 18 noreply  \"noreply by default\"  unanswered",
      "#10  c2s  Get  get colour",
      "#12  s2c  Value  VALUE colour 0 5  \"green\"  answers Get #10",
      "#12  s2c  End  END  answers Get #10",
      "#13  c2s  Get  get colour quiet missing",
      "#14  s2c  Value  VALUE colour 0 5  \"green\"  answers Get #13",
      "#14  s2c  Value  VALUE quiet 0 18  \"noreply by default\"  answers Get #13"
    ])
    const second = told(out, 2)
    assert.deepStrictEqual(second.slice(0, 14), [
      "#27  c2s  Set  set n 0 0 1 noreply  \"5\"  unanswered",
      "#27  c2s  Increment  incr n 3",
      "#27  c2s  Get  get n missing",
      "#27  c2s  Verbosity  verbosity 1 noreply  unanswered",
      "#27  c2s  Version  version",
      "#29  s2c  NewNumber  8  answers Increment #27",
      "#29  s2c  Value  VALUE n 0 1  \"8\"  answers Get #27",
      "#29  s2c  End  END  answers Get #27",
      "#31  s2c  VersionText  VERSION 1.6.18  answers Version #27",
      "#33  c2s  MetaSet  ms a 3 T60 F5 c O1  \"abc\"",
      "#33  c2s  MetaGet  mg a s v f t k Oxyz",
      "#34  s2c  MetaDone  HD c5 O1  answers MetaSet #33",
      "#34  s2c  MetaValue  VA 3 s3 f5 t60 ka Oxyz  \"abc\"  answers MetaGet #33",
      "#35  c2s  MetaSet  ms b 2 q  \"hi\"  quiet"
    ])
    assert.deepStrictEqual(second.slice(20, 25), [
      // the first ms succeeded, the mg of a missing item missed: both left that out
      "#36  s2c  MetaNotStored  NS O2  answers MetaSet #35, 1 before it unanswered",
      "#36  s2c  MetaValue  VA 2 kb O3  \"hi\"  answers MetaGet #35, 1 before it unanswered",
      "#36  s2c  MetaNotFound  NF  answers MetaDelete #35",
      "#36  s2c  MetaValue  VA 2 O4  \"10\"  answers MetaArithmetic #35",
      "#36  s2c  MetaNoopDone  MN  answers MetaNoop #35"
    ])
    // the line that is no command is answered, too, and the next answer is to the next line
    assert.include(second, "#38  s2c  CommandError  ERROR  answers #37")
    assert.include(second, "#38  s2c  ClientError  CLIENT_ERROR invalid flag  answers MetaGet #37")
    assert.include(second, "#38  s2c  MetaNoopDone  MN  answers MetaNoop #37")
    assert.include(told(out, 3), "#55  s2c  GetResponse  Success  opaque=0x0  32 bytes  answers #54")
  })

  it("fits 80 columns", async () => {
    const { out } = await listing
    const lines = out.slice(out.indexOf("── flow 1"), out.indexOf("── flow 3")).split("\n").filter((line) =>
      !line.startsWith("DecodeError")
    )
    assert.isAbove(lines.length, 60)
    assert.deepStrictEqual(lines.filter((line) => [...line].length > 80), [])
    assert.strictEqual(Math.max(...lines.map((line) => [...line].length)), 80)
  })

  it("is known by each connection's first byte, whatever dialect of the packets is asked for", async () => {
    const { out } = await wirewright(["decode", file, "--port", "21711", "--json"])
    for (const one of ndjson(out)) assert.isTrue(isLine(one), JSON.stringify([one, isLine.errors]))
    const protocols = new Map(ndjson(out).filter(({ packet }) => packet !== undefined).map(({ flow, protocol }) => [flow, protocol]))
    assert.deepStrictEqual([...protocols.values()], ["memcachedText", "memcachedText", undefined])
  })
})

describe("bytes of memcached", () => {
  it("are lines or packets, by the first byte", async () => {
    const said = "mg k v\r\nms k 2 T0\r\nhi\r\nmn\r\n"
    const { code, out } = await wirewright(["decode", "-", "--protocol", "memcached", "--json"], Buffer.from(said))
    assert.strictEqual(code, 0)
    assert.deepStrictEqual(ndjson(out).map(({ kind, packet }) => [kind, packet]), [
      ["request", "MetaGet"],
      ["request", "MetaSet"],
      ["request", "MetaNoop"]
    ])
    const answers = await wirewright(["decode", "-", "--protocol", "memcached", "--json"], Buffer.from("VA 2 f0\r\nhi\r\nEN\r\n"))
    assert.deepStrictEqual(ndjson(answers.out).map(({ kind, packet }) => [kind, packet]), [["response", "MetaValue"], [
      "response",
      "MetaMiss"
    ]])
    const hex = await wirewright(["decode", "--hex", Buffer.from("get k\r\n").toString("hex"), "--json"])
    assert.deepInclude(ndjson(hex.out)[0]!, { protocol: "memcachedText", packet: "Get" })
    const lines = await wirewright(
      ["decode", "-", "--lines", "--json"],
      `s2c ${Buffer.from("mg k\r\n").toString("hex")}\n800a${"00".repeat(22)}\n`
    )
    assert.deepStrictEqual(ndjson(lines.out).map(({ packet, protocol }) => [protocol, packet]), [["memcachedText", "DumpedKey"], [
      undefined,
      "Noop"
    ]])
  })
})
