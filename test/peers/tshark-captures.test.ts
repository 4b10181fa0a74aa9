/**
 * Awkward captures as tshark reads them: the frames of `test/fixtures/captures-faults/expected.json`, and the conversations of all wrappings
 * that the tests of the capture package build.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PcapngWriter } from "@wirewright/capture"
import { afterAll, describe, expect, it } from "vitest"
import { encapsulations, everything, firstClientPort, pseudowire, serverPort } from "../../packages/capture/test/Encapsulations.ts"

const directory = mkdtempSync(join(tmpdir(), "wirewright-tshark-"))
afterAll(() => rmSync(directory, { recursive: true }))

/** Fields of the frames that a filter shows: lines of columns. */
const fieldsOf = (file: string, filter: string, names: ReadonlyArray<string>, decodeAs: ReadonlyArray<string>) => {
  const args = ["-n", "-r", file, "-Y", filter, "-T", "fields", ...names.flatMap((name) => ["-e", name])]
  const { status, stderr, stdout } = spawnSync("tshark", [...args, ...decodeAs.flatMap((rule) => ["-d", rule])], { encoding: "utf8" })
  if (status !== 0) throw new Error(`tshark failed: ${stderr}`)
  return stdout.split("\n").filter((line) => line !== "").map((line) => line.split("\t"))
}

interface Expected {
  readonly port: number
  readonly protocol?: string
  readonly frames: ReadonlyArray<number>
  readonly tsharkOmits?: ReadonlyArray<number>
}

const fixtures = new URL("../fixtures/captures-faults/", import.meta.url)
const expected = JSON.parse(readFileSync(new URL("expected.json", fixtures), "utf8")) as { readonly [file: string]: Expected }

describe("tshark finds the frames that are expected of", () => {
  for (const [name, { frames, port, protocol, tsharkOmits = [] }] of Object.entries(expected)) {
    it(name, () => {
      const file = new URL(name, fixtures).pathname
      const [filter, field, rule] = protocol === "deepstream"
        ? ["websocket", "websocket.opcode", `tcp.port==${port},http`] as const
        : ["couchbase", "couchbase.magic", `tcp.port==${port},couchbase`] as const
      const rows = fieldsOf(file, filter, ["frame.number", field], [rule])
      const found = rows.flatMap(([frame, packets = ""]) => packets.split(",").map(() => Number(frame)))
      expect(found).toEqual(frames.filter((frame) => !tsharkOmits.includes(frame)))
    })
  }
})

it("tshark finds the conversation in every wrapping", () => {
  const file = join(directory, "everything.pcapng")
  writeFileSync(file, everything())
  const rules = [`tcp.port==${serverPort},couchbase`, "udp.port==8472,vxlan", `mpls.label==${pseudowire},pwethcw`]
  const found = new Map<string, number>()
  for (const [ports = ""] of fieldsOf(file, "couchbase", ["tcp.port"], rules)) {
    const client = ports.split(",").find((port) => port !== String(serverPort))!
    found.set(client, (found.get(client) ?? 0) + 1)
  }
  expect(encapsulations.filter((_, index) => found.get(String(firstClientPort + index)) !== 2).map(({ name }) => name)).toEqual([])
})

it("tshark reads what the writer of captures writes", () => {
  const writer = new PcapngWriter()
  const file = join(directory, "written.pcapng")
  writeFileSync(
    file,
    Buffer.concat([
      writer.section(),
      writer.interface(147),
      writer.packet({ time: 1_700_000_000_123_456_789n, data: new TextEncoder().encode("hello") }),
      writer.packet({ time: 1n, data: new TextEncoder().encode("cut"), originalLength: 1000 })
    ])
  )
  expect(fieldsOf(file, "frame", ["frame.time_epoch", "frame.cap_len", "frame.len", "data.data"], [])).toEqual([
    ["1700000000.123456789", "5", "5", "68656c6c6f"],
    ["0.000000001", "3", "1000", "637574"]
  ])
})
