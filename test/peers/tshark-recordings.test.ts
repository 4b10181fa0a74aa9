/**
 * Recorded sessions, decoded by us and by tshark: the same packets in the same order on every stream, and the same values in every field of
 * every packet. Segments hold many packets, and packets cross segments.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type AnyPacket, Catalog, hexOf } from "@wirewright/codec"
import { models } from "@wirewright/dcp/gen/Model"
import { afterAll, describe, expect, it } from "vitest"
import { captureOf, countBy, countName, readRecording, recordings } from "../conformance/recordings.fixture.ts"
import { compare } from "./Compare.ts"
import { Tally } from "./Gaps.ts"
import { dissect, type TsharkPacket, tsharkVersion } from "./Tshark.ts"

const catalog = Catalog.of(models)
const directory = mkdtempSync(join(tmpdir(), "wirewright-tshark-"))
afterAll(() => rmSync(directory, { recursive: true }))

for (const recording of recordings) {
  describe(recording.name, () => {
    const file = join(directory, `${recording.name}.pcapng`)
    writeFileSync(file, captureOf(recording))
    const theirs = dissect(file, recording.port).map((packet) => ({
      ...packet,
      direction: packet.sourcePort === recording.port ? "s2c" : "c2s"
    }))
    const { packets, troubles } = readRecording(recording)
    const seen = new Map<string, Array<TsharkPacket>>()
    for (const packet of theirs) {
      const key = `${packet.stream} ${packet.direction}`
      seen.set(key, [...seen.get(key) ?? [], packet])
    }
    const taken = new Map<string, number>()
    const tally = new Tally()
    for (const { bytes, direction, packet, states, stream } of packets) {
      const key = `${stream} ${direction}`
      const index = taken.get(key) ?? 0
      taken.set(key, index + 1)
      if (packet === undefined) continue
      tally.add(compare(catalog, { packet: packet as unknown as AnyPacket, bytes, states, tshark: seen.get(key)?.[index] }), hexOf(bytes))
    }
    process.stdout.write(`tshark ${tsharkVersion()} on ${recording.name}: ${String(tally)}\n`)

    it("decodes completely", () => {
      expect(troubles).toEqual([])
      expect(packets.filter(({ error }) => error !== undefined).map(({ bytes, error }) => `${hexOf(bytes)}: ${String(error)}`)).toEqual([])
    })

    it("has as many packets of every opcode and direction", () => {
      const number = (name: RegExp, fields: (typeof theirs)[number]["fields"]) =>
        Number(fields.find((field) => name.test(field.name))?.show)
      const ours = packets.map(({ bytes, direction }) => ({ direction, name: countName(bytes[0]!, bytes[1]!) }))
      const expected = theirs.map(({ direction, fields }) => ({
        direction,
        name: countName(number(/^couchbase\.magic$/, fields), number(/^couchbase\.(server\.)?opcode$/, fields))
      }))
      expect(countBy(ours)).toEqual(countBy(expected))
    })

    it("differs nowhere but in the listed gaps", () => expect([...tally.unlisted.values()]).toEqual([]))

    it("finds no listed gap to be none", () => expect(tally.falseGaps(false)).toEqual([]))
  })
}
