/**
 * The two recordings as packets, by our capture reader, our framer and the generated codecs.
 *
 * Collections are followed as a client does: on from the response to a HELLO that grants the feature.
 */
import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { CaptureReader, type Direction, type FlowEvent, TcpFlows } from "@wirewright/capture"
import { Framer, Reader } from "@wirewright/codec"
import { decode, type Packet } from "@wirewright/dcp/gen/Packets"
import type { States } from "@wirewright/dcp/gen/States"
import { frameShape } from "@wirewright/memcached/gen/Frame"

/** A committed recording. */
export interface Recording {
  readonly name: string
  readonly port: number
}

/** Sessions with Couchbase Server 6.0 and a development build of 6.5; see test/fixtures/ORIGIN.md. */
export const recordings: ReadonlyArray<Recording> = [
  { name: "couchbase-6.0-session", port: 31210 },
  { name: "couchbase-6.5-collections", port: 31265 }
]

/** A packet and where it was. */
export interface RecordedPacket {
  /** Counted from 0 in order of appearance, as `tcp.stream` is. */
  readonly stream: number
  readonly direction: Direction
  /** When its last byte was captured, in nanoseconds since 1970, if the file says. */
  readonly time: bigint | undefined
  /** The packet alone. */
  readonly bytes: Uint8Array
  readonly states: States
  /** What we made of it. */
  readonly packet: Packet | undefined
  readonly error: unknown
}

/** A recording taken apart. */
export interface Recorded {
  readonly packets: ReadonlyArray<RecordedPacket>
  readonly streams: number
  /** What was missing or left over. */
  readonly troubles: ReadonlyArray<string>
}

const collectionsFeature = 0x12

const fixture = (file: string) => new URL(`../fixtures/captures/${file}`, import.meta.url)

/** The capture file itself. */
export const captureOf = ({ name }: Recording): Uint8Array => new Uint8Array(gunzipSync(readFileSync(fixture(`${name}.pcapng.gz`))))

/** What tshark counted, as `test/peers/summarise.ts` wrote it. */
export interface Summary {
  readonly tool: string
  readonly port: number
  readonly streams: number
  readonly packets: number
  /** By direction, then by magic and opcode as on the wire. */
  readonly counts: { readonly [direction: string]: { readonly [packet: string]: number } }
}

/** Where the summary of a recording is. */
export const summaryFile = ({ name }: Recording): URL => fixture(`${name}.summary.json`)

/** The committed summary. */
export const summaryOf = (recording: Recording): Summary => JSON.parse(readFileSync(summaryFile(recording), "utf8")) as Summary

const hex = (value: number): string => `0x${value.toString(16).padStart(2, "0")}`

/** How summaries name a packet. */
export const countName = (magic: number, opcode: number): string => `${hex(magic)} ${hex(opcode)}`

/** Counts of names by direction, sorted. */
export const countBy = (rows: Iterable<{ readonly direction: string; readonly name: string }>): Summary["counts"] => {
  const counts: Record<string, Record<string, number>> = { c2s: {}, s2c: {} }
  for (const { direction, name } of rows) counts[direction]![name] = (counts[direction]![name] ?? 0) + 1
  for (const [direction, names] of Object.entries(counts)) {
    counts[direction] = Object.fromEntries(Object.entries(names).sort(([a], [b]) => a < b ? -1 : 1))
  }
  return counts
}

interface Half {
  readonly framer: Framer
  readonly stream: number
  readonly direction: Direction
}

/** Decodes a recording; what cannot be decoded is there with its error. */
export const readRecording = (recording: Recording): Recorded => {
  const packets: Array<RecordedPacket> = []
  const troubles: Array<string> = []
  const halves = new Map<string, Half>()
  const states = new Map<number, States>()
  let streams = 0
  const take = (half: Half, bytes: Uint8Array, time: bigint | undefined): void => {
    const { direction, stream } = half
    const before = states.get(stream) ?? { collections: false }
    const found = { stream, direction, time, bytes, states: before }
    try {
      const packet = decode(new Reader(bytes), 0, before)
      packets.push({ ...found, packet, error: undefined })
      if (packet._tag === "HelloResponse") states.set(stream, { collections: [...packet.features].includes(collectionsFeature) })
    } catch (error) {
      packets.push({ ...found, packet: undefined, error })
    }
  }
  const onBytes = ({ bytes, direction, flow, gapBefore, time }: FlowEvent): void => {
    const stream = flow.number - 1
    if (gapBefore > 0) troubles.push(`stream ${stream} ${direction}: a gap of ${gapBefore} bytes`)
    const key = `${stream} ${direction}`
    const half = halves.get(key) ?? { framer: new Framer(frameShape), stream, direction }
    halves.set(key, half)
    half.framer.push(bytes, (reader, at, end) => take(half, reader.bytes.slice(at, end), time))
  }
  const flows = new TcpFlows({
    bytes: onBytes,
    opened: ({ midStream, number }) => {
      streams++
      if (midStream) troubles.push(`stream ${number - 1} starts in the middle`)
    },
    skipped: (frame, { what }) => troubles.push(`frame ${frame}: ${what}`)
  }, { isFromServer: ({ sourcePort }) => sourcePort === recording.port })
  const reader = new CaptureReader()
  reader.push(captureOf(recording), (frame) => flows.push(frame))
  reader.finish()
  flows.finish()
  for (const { framer, stream, direction } of halves.values()) {
    if (framer.buffered > 0) troubles.push(`stream ${stream} ${direction}: ${framer.buffered} bytes left over`)
  }
  return { packets, streams, troubles }
}
