/**
 * Recorded sessions with real servers: every packet decodes, encodes back to its bytes, and is one of those tshark counted. No tshark is
 * needed; the expected counts are its own (see test/fixtures/ORIGIN.md), not ours.
 */
import { encodeWith, hexOf } from "@wirewright/codec"
import { encode } from "@wirewright/dcp/gen/Packets"
import { describe, expect, it } from "vitest"
import { countBy, countName, readRecording, recordings, summaryOf } from "./recordings.fixture.ts"

for (const recording of recordings) {
  describe(recording.name, () => {
    const { packets, streams, troubles } = readRecording(recording)
    const summary = summaryOf(recording)

    it("is whole", () => {
      expect(troubles).toEqual([])
      expect(streams).toBe(summary.streams)
    })

    it("decodes without exception", () => {
      const undecoded = packets.filter(({ error }) => error !== undefined)
      expect(undecoded.map(({ bytes, direction, error }) => `${direction} ${hexOf(bytes.subarray(0, 64))}: ${String(error)}`)).toEqual([])
    })

    it("has no packet that the specs do not know", () => {
      expect(packets.filter(({ packet }) => packet?._tag.startsWith("Unknown")).map(({ bytes }) => hexOf(bytes.subarray(0, 24)))).toEqual(
        []
      )
    })

    it("encodes back to the bytes that were recorded", () => {
      const different = packets.filter(({ bytes, packet }) =>
        packet !== undefined && hexOf(encodeWith((writer) => encode(writer, packet))) !== hexOf(bytes)
      )
      expect(different.map(({ bytes, packet }) => `${packet?._tag} ${hexOf(bytes)}`)).toEqual([])
    })

    it("has the packets that tshark counted", () => {
      const rows = packets.map(({ bytes, direction, packet }) => ({
        direction,
        name: countName(bytes[0]!, packet !== undefined && "opcode" in packet ? packet.opcode : -1)
      }))
      expect(countBy(rows)).toEqual(summary.counts)
      expect(packets.length).toBe(summary.packets)
    })
  })
}
