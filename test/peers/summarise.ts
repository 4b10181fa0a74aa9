/**
 * Writes test/fixtures/captures/*.summary.json: packets per direction, magic and opcode as tshark counts them. Run it by hand, with
 * `node --conditions=@wirewright/source test/peers/summarise.ts`, when a recording is added; none of our codecs has a part in it.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { captureOf, countBy, countName, recordings, type Summary, summaryFile } from "../conformance/recordings.fixture.ts"
import { dissect, tsharkVersion } from "./Tshark.ts"

const directory = mkdtempSync(join(tmpdir(), "wirewright-summary-"))
try {
  for (const recording of recordings) {
    const file = join(directory, "capture.pcapng")
    writeFileSync(file, captureOf(recording))
    const packets = dissect(file, recording.port)
    const number = (names: ReadonlyArray<string>, { fields }: (typeof packets)[number]): number =>
      Number(fields.find(({ name }) => names.includes(name))?.show ?? "NaN")
    const rows = packets.map((packet) => ({
      direction: packet.sourcePort === recording.port ? "s2c" : "c2s",
      name: countName(number(["couchbase.magic"], packet), number(["couchbase.opcode", "couchbase.server.opcode"], packet))
    }))
    const summary: Summary = {
      tool: `tshark ${tsharkVersion()}`,
      port: recording.port,
      streams: new Set(packets.map(({ stream }) => stream)).size,
      packets: packets.length,
      counts: countBy(rows)
    }
    writeFileSync(summaryFile(recording), `${JSON.stringify(summary, undefined, 2)}\n`)
    process.stdout.write(`${recording.name}: ${summary.packets} packets in ${summary.streams} streams\n`)
  }
} finally {
  rmSync(directory, { recursive: true })
}
