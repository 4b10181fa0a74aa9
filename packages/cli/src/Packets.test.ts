/** `decode` and `encode` of hex, lines and binary streams: output, errors, exit codes. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { ndjson, wirewright } from "../test/RunCli.ts"

const noop = "800a0000000000000000000000000001" + "0000000000000000"
const noopAnswer = "810a0000000000000000000000000001" + "0000000000000000"
const get = "80000005000000000000000500000002" + "0000000000000000" + "48656c6c6f"
/** A Get whose extras no layout has. */
const badGet = "80000005040000000000000900000003" + "0000000000000000" + "00000000" + "48656c6c6f"
const sasl = "80210005000000000000000f00000004" + "0000000000000000" + "504c41494e" + "00757365720070617373"
const stream = Buffer.from(noop + badGet + noopAnswer + get, "hex")
const memcached = ["--protocol", "memcached"]

describe("decode --hex", () => {
  it("prints an annotated dump", async () => {
    const { code, err, out } = await wirewright([
      "decode",
      ...memcached,
      "--hex",
      "80 0a 0000 00 00 0000 0x00000000 0000002a 0000000000000000"
    ])
    assert.strictEqual(code, 0)
    assert.strictEqual(err, "")
    assert.match(out, /^Noop request · 24 bytes/)
    assert.match(out, /opaque\s+42/)
    assert.notInclude(out, "\u001b[")
  })

  it("prints JSON", async () => {
    const { code, out } = await wirewright(["decode", ...memcached, "--json", "--hex", get])
    assert.strictEqual(code, 0)
    const [packet] = ndjson(out)
    assert.deepInclude(packet, { packet: "Get", kind: "request", opaque: 2, key: "Hello", length: 29 })
  })

  it("reports what does not decode on stdout, with exit code 100", async () => {
    const { code, err, out } = await wirewright(["decode", ...memcached, "--json", "--hex", badGet])
    assert.strictEqual(code, 100)
    assert.deepStrictEqual(JSON.parse(err), { error: "Findings", exit: "findings", code: 100, message: "1 error" })
    const [{ error }] = ndjson(out) as [{ error: Record<string, unknown> }]
    assert.deepInclude(error, { packet: "Get", incomplete: false, hex: badGet })
    for (const key of ["path", "offset", "expected", "got"]) assert.property(error, key)
    const human = await wirewright(["decode", ...memcached, "--hex", badGet])
    assert.strictEqual(human.code, 100)
    assert.match(human.out, /Get request[^]*DecodeError \(Length\)/)
  })

  it("trailing bytes are an error, unless --to-end", async () => {
    const refused = await wirewright(["decode", ...memcached, "--json", "--hex", noop + get])
    assert.strictEqual(refused.code, 100)
    assert.deepInclude((ndjson(refused.out)[0] as { error: object }).error, { reason: "Trailing", offset: 24 })
    const both = await wirewright(["decode", ...memcached, "--json", "--to-end", "--hex", noop + badGet + get])
    assert.strictEqual(both.code, 100)
    assert.deepStrictEqual(ndjson(both.out).map((one) => one["packet"] ?? "error"), ["Noop", "error", "Get"])
  })

  it("incomplete packets say so", async () => {
    for (const size of [1, 12, 24, 28]) {
      const { code, out } = await wirewright(["decode", ...memcached, "--json", "--hex", get.slice(0, size * 2)])
      assert.strictEqual(code, 100)
      assert.deepInclude((ndjson(out)[0] as { error: object }).error, { incomplete: true })
    }
  })

  it("what is no hex is a typed error", async () => {
    const { code, out } = await wirewright(["decode", ...memcached, "--json", "--hex", "80 zz"])
    assert.strictEqual(code, 100)
    assert.deepInclude((ndjson(out)[0] as { error: object }).error, { reason: "Syntax", offset: 3 })
  })

  it("masks SASL payloads for people, not in JSON", async () => {
    const human = await wirewright(["decode", ...memcached, "--hex", sasl])
    assert.strictEqual(human.code, 0)
    assert.include(human.out, "PLAIN")
    assert.notMatch(human.out, /70 61 73 73|pass\b/)
    const json = await wirewright(["decode", ...memcached, "--json", "--hex", sasl])
    const back = await wirewright(["encode", ...memcached], json.out)
    assert.strictEqual(back.out, `${sasl}\n`)
  })
})

describe("decode --lines and encode", () => {
  it("are inverse", async () => {
    const lines = [noop, noopAnswer, get]
    const json = await wirewright(["decode", "-", "--lines", "--json", ...memcached], `# comment\n${lines.join("\n\n")}`)
    assert.strictEqual(json.code, 0)
    const hex = await wirewright(["encode", ...memcached], json.out)
    assert.strictEqual(hex.code, 0)
    assert.deepStrictEqual(hex.out.trim().split("\n"), lines)
  })

  it("take directions, and go on after a bad line", async () => {
    const { code, out } = await wirewright(
      ["decode", "-", "--lines", "--json", ...memcached],
      `c2s ${noop}\r\ns2c ${noopAnswer}\nxyz\n${noop}00\n${get}\n`
    )
    assert.strictEqual(code, 100)
    assert.deepStrictEqual(ndjson(out).map((one) => one["packet"] ?? "error"), ["Noop", "Noop", "error", "error", "Get"])
    assert.deepStrictEqual(ndjson(out).slice(0, 2).map((one) => one["direction"]), ["c2s", "s2c"])
  })

  it("encode reports bad lines on stderr and encodes the rest", async () => {
    const input = [
      "{\"packet\":\"Noop\",\"opaque\":1}",
      "no json",
      "{\"error\":{}}",
      "{\"packet\":\"Nonsense\"}",
      "[]",
      "{\"packet\":\"Noop\",\"opaque\":-1}"
    ].join("\n")
    const { code, err, out } = await wirewright(["encode", ...memcached], input)
    assert.strictEqual(code, 100)
    assert.strictEqual(out, `${noop}\n`)
    const lines = err.trim().split("\n")
    assert.deepStrictEqual(lines.map((line) => line.split(":")[0]), ["line 2", "line 3", "line 4", "line 5", "line 6"])
    assert.match(lines[2]!, /EncodeError \(UnknownPacket\)/)
  })
})

describe("decode a binary stream", () => {
  const directory = mkdtempSync(join(tmpdir(), "wirewright-"))
  afterAll(() => rmSync(directory, { recursive: true }))
  const expected = ["Noop", "error", "Noop", "Get"]

  it("from stdin, from a file, and gzipped: a bad packet does not stop the next", async () => {
    const plain = join(directory, "plain.bin")
    const packed = join(directory, "packed.bin.gz")
    writeFileSync(plain, stream)
    writeFileSync(packed, gzipSync(stream))
    for (const [file, input] of [["-", stream], [plain, ""], [packed, ""], ["-", gzipSync(stream)]] as const) {
      const { code, out } = await wirewright(["decode", file, "--json", ...memcached], input)
      assert.strictEqual(code, 100)
      assert.deepStrictEqual(ndjson(out).map((one) => one["packet"] ?? "error"), expected)
    }
  })

  it("ends at a wrong magic, with the place", async () => {
    const { code, out } = await wirewright(["decode", "-", ...memcached, "--json"], Buffer.from(`${noop}77${get}`, "hex"))
    assert.strictEqual(code, 100)
    const [first, second] = ndjson(out) as [Record<string, unknown>, { error: { got: string } }]
    assert.strictEqual(first["packet"], "Noop")
    assert.propertyVal(second.error, "reason", "Magic")
    assert.include(second.error.got, "byte 24 ")
  })

  it("ends within a packet", async () => {
    const { code, out } = await wirewright(["decode", "-", ...memcached, "--json"], stream.subarray(0, stream.length - 1))
    assert.strictEqual(code, 100)
    assert.deepInclude((ndjson(out).at(-1) as { error: object }).error, { reason: "Incomplete", incomplete: true })
  })

  it("refuses damaged gzip data and missing files with exit code 1", async () => {
    const damaged = gzipSync(stream)
    damaged[damaged.length - 8]! ^= 1
    for (
      const [file, input, message] of [["-", damaged, "gzip"], [join(directory, "none"), "", "no such file"], [
        directory,
        "",
        "directory"
      ]] as const
    ) {
      const { code, err } = await wirewright(["decode", file, ...memcached], input)
      assert.strictEqual(code, 1)
      assert.include(err, message)
    }
  })
})

describe("decode deepstream", () => {
  it("text in, JSON out, and back", async () => {
    const json = await wirewright(["decode", "--protocol", "deepstream", "--json", "--hex", "E|EVT|test1|SsomeValue+"])
    assert.strictEqual(json.code, 0)
    assert.deepStrictEqual(ndjson(json.out), [{
      packet: "EventEmit",
      kind: "clientMessage",
      fields: { name: "test1", value: "SsomeValue" },
      length: 23
    }])
    const back = await wirewright(["encode", "--protocol", "deepstream"], json.out)
    assert.strictEqual(Buffer.from(back.out.trim(), "hex").toString(), "E\u001fEVT\u001ftest1\u001fSsomeValue\u001e")
    const again = await wirewright(["decode", "-", "--lines", "--protocol", "deepstream", "--json"], back.out)
    assert.strictEqual(again.out, json.out)
  })

  it("errors do not repeat credentials", async () => {
    const { code, out } = await wirewright(["decode", "--protocol", "deepstream", "--hex", "A|REQ|{}|secret+"])
    assert.strictEqual(code, 100)
    assert.match(out, /expected .*, got \*{4}/)
    assert.notInclude(out, "secret")
  })

  it("streams, errors and masked credentials", async () => {
    const text = "E|EVT|a|Xbad+A|REQ|{\"password\":\"YYY\"}+C|PO+".replaceAll("|", "\u001f").replaceAll("+", "\u001e")
    const { code, out } = await wirewright(["decode", "-", "--protocol", "deepstream"], text)
    assert.strictEqual(code, 100)
    assert.match(out, /DecodeError \(Syntax\)[^]*AuthenticationRequest[^]*ConnectionPong/)
    assert.notInclude(out, "YYY")
  })
})
