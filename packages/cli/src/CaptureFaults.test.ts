/**
 * `decode` of captures that are awkward in one way each: every packet is found, in the frame in which tshark finds it, and whatever was
 * passed over is said on stderr, in the JSON and in the exit code.
 */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { ndjson, wirewright } from "../test/RunCli.ts"
import { decodeCapture } from "./DecodeCapture.ts"
import { openInput } from "./Input.ts"
import { type Context, PacketReport } from "./PacketReport.ts"
import type { DecodedPacket, Situation } from "@wirewright/inspector/reading"
import { loadProtocol } from "./Protocols.ts"

/** What tshark counts in a file; see ORIGIN.md beside it. */
interface Expected {
  readonly port: number
  readonly protocol?: string
  readonly frames: ReadonlyArray<number>
  /** Default: none. */
  readonly findings?: number
}

const pathOf = (name: string): string => fileURLToPath(new URL(`../../../test/fixtures/captures-faults/${name}`, import.meta.url))
const expected = JSON.parse(readFileSync(pathOf("expected.json"), "utf8")) as { readonly [file: string]: Expected }

const framesOf = (out: string): ReadonlyArray<unknown> => ndjson(out).filter((one) => "packet" in one).map((one) => one["frame"])

const sorted = (numbers: ReadonlyArray<unknown>): ReadonlyArray<unknown> => [...numbers].sort((a, b) => Number(a) - Number(b))

/** Decodes in this process: the frames of the packets, and how many findings there are. */
const decoded = async (name: string, protocol: string, ports: ReadonlyArray<number>) => {
  const frames: Array<number | undefined> = []
  class Collected extends PacketReport {
    override packet(_decoded: DecodedPacket, _bytes: Uint8Array, _at: number, _situation: Situation, context: Context): void {
      frames.push(context.frame)
    }
  }
  const adapter = await loadProtocol(protocol)
  const report = new Collected(adapter, { json: true, color: false })
  const servers = ports.map((port) => ({ port }))
  await decodeCapture(report, (await openInput(pathOf(name))).all, { servers, session: adapter.begin(), hexdump: false })
  return { frames, findings: report.errors }
}

describe("every packet of", () => {
  for (const [name, { findings = 0, frames, port, protocol = "dcp" }] of Object.entries(expected)) {
    it(name, async () => {
      const found = await decoded(name, protocol, [port])
      assert.deepStrictEqual(sorted(found.frames), frames)
      assert.strictEqual(found.findings, findings)
    })
  }
})

it("a tunnel's packets are listed and summed up for people", async () => {
  const { code, err, out } = await wirewright(["decode", pathOf("08-vxlan.pcap")])
  assert.strictEqual(code, 0)
  assert.strictEqual(err, "")
  assert.match(out, /^Summary: 4 packets in 1 conversation$/m)
})

it("what is not looked at is said on stderr and with exit code 100, for people and as JSON", async () => {
  // the link type of the file header becomes one that nobody has
  const file = readFileSync(pathOf("00-base.pcap"))
  file.writeUInt32LE(147, 20)
  for (const mode of [[], ["--json"]]) {
    const { code, err, out } = await wirewright(["decode", "-", ...mode], file)
    assert.strictEqual(code, 100)
    const said = ["9 frames link type 147, which is not supported (first: #1)", "no packet of dcp was found"]
    if (mode.length === 0) {
      assert.strictEqual(err, `Passed over:\n${said.map((text) => `  ${text}\n`).join("")}`)
      assert.match(out, /^Summary: 0 packets/m)
    } else {
      const lines = ndjson(err) as unknown as ReadonlyArray<{ readonly level: string; readonly message: string; readonly exit: string }>
      assert.strictEqual(lines.at(-1)!.exit, "findings")
      assert.deepStrictEqual(
        lines.slice(0, -1).map(({ level, message }) => [level, message]),
        said.map((text) => ["warning", `passed over: ${text}`])
      )
      const [{ passedOver }] = ndjson(out) as [{ passedOver: ReadonlyArray<object> }]
      assert.deepInclude(passedOver[0], { reason: "unsupported", count: 9, unit: "frames", firstFrame: 1, finding: true })
      assert.deepInclude(passedOver[1], { reason: "nothingFound", finding: true })
      const back = await wirewright(["encode"], out)
      assert.deepStrictEqual([back.code, back.out], [0, ""])
    }
  }
})

it("without --port: a low client port does not make the client a server", async () => {
  const { code, out } = await wirewright(["decode", pathOf("14-low-client-port-midstream.pcap"), "--json"])
  assert.strictEqual(code, 0)
  assert.deepStrictEqual(ndjson(out).map(({ direction, flow }) => `${String(direction)} ${String(flow)}`), [
    "c2s 10.0.0.1:6000>10.0.0.2:11211",
    "s2c 10.0.0.1:6000>10.0.0.2:11211",
    "c2s 10.0.0.1:6000>10.0.0.2:11211",
    "s2c 10.0.0.1:6000>10.0.0.2:11211"
  ])
})

it("a lost segment costs the packets it touched, and is said", async () => {
  // 200 packets; the 1448 missing bytes are those of the stream from 7240, which lie within packets 9, 10 and 11
  const { code, err, out } = await wirewright(["decode", pathOf("e01-dcp-one-lost-segment.pcap"), "--json", "--port", "11210"])
  const seqnos = ndjson(out).filter((one) => "packet" in one).map((one) => Number((one["fields"] as { bySeqno: unknown }).bySeqno))
  assert.deepStrictEqual(seqnos, Array.from({ length: 200 }, (_, i) => i + 1).filter((seqno) => seqno < 9 || seqno > 11))
  assert.strictEqual(code, 100)
  assert.match(err, /1448 bytes/)
})

it("connections on other ports are said and are no finding; a port nobody uses is one", async () => {
  const file = pathOf("18-mixed-http.pcap")
  const mixed = await wirewright(["decode", file, "--json", "--port", "11211"])
  assert.strictEqual(mixed.code, 0)
  assert.match(mixed.err, /1 connection .*8091/)
  const other = await wirewright(["decode", file, "--json", "--port", "11210"])
  assert.strictEqual(other.code, 100)
  assert.deepStrictEqual(framesOf(other.out), [])
  assert.match(other.err, /2 connections .*8091, 11211/)
})

it("gzipped captures are captures", async () => {
  const { code, out } = await wirewright(["decode", "-", "--json"], gzipSync(readFileSync(pathOf("16-port-reuse-without-syn.pcap"))))
  assert.strictEqual(code, 0)
  assert.deepStrictEqual(framesOf(out), expected["16-port-reuse-without-syn.pcap"]!.frames)
})
