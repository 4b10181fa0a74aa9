/**
 * Streams that real nodes sent, played to our consumer byte for byte: it delivers exactly the recorded events, answers every NOOP, and
 * acknowledges exactly the recorded sizes.
 *
 * The embedded node does the beginning; from the stream request on, the script is the recording. Only the opaque is another one: it is chosen by
 * whoever asks.
 */
import { CheckpointStore } from "@wirewright/dcp/CheckpointStore"
import type { DcpEvent } from "@wirewright/dcp/DcpEvent"
import { DcpStreamEndStatus, encodeDcpStreamRequestResponse, encodeHelloResponse, HelloFeature, type Packet } from "@wirewright/dcp/gen"
import { Features, negotiate } from "@wirewright/embedded/Hello"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { type RecordedPacket, readRecording, recordings } from "../conformance/recordings.fixture.ts"
import { ended, failureOf, inWorld, until } from "./Harness.ts"

type Named<Tag> = Extract<Packet, { readonly _tag: Tag }>

/** One stream of a recording. */
interface RecordedStream {
  readonly recording: string
  readonly tcp: number
  readonly request: Named<"DcpStreamRequest">
  readonly answer: RecordedPacket
  /** What the server sent in it, NOOPs included, in its order. */
  readonly messages: ReadonlyArray<RecordedPacket>
  readonly collections: boolean
  readonly streamId: number | undefined
}

const streamsOf = (recording: string, packets: ReadonlyArray<RecordedPacket>): ReadonlyArray<RecordedStream> =>
  packets.flatMap((asked, index): ReadonlyArray<RecordedStream> => {
    const request = asked.packet
    if (asked.direction !== "c2s" || request?._tag !== "DcpStreamRequest") return []
    const rest = packets.slice(index).filter(({ direction, stream }) => direction === "s2c" && stream === asked.stream)
    const at = rest.findIndex(({ packet }) => packet?.opaque === request.opaque && packet.opcode === 0x53)
    const answer = rest[at]
    if (answer?.packet?._tag !== "DcpStreamRequestResponse") return []
    const messages: Array<RecordedPacket> = []
    for (const one of rest.slice(at + 1)) {
      const { packet } = one
      if (packet === undefined || packet.magic === 0x81) continue
      if (packet._tag === "DcpNoop" || packet.opaque === request.opaque) messages.push(one)
      if (packet._tag === "DcpStreamEnd" && packet.opaque === request.opaque) break
    }
    const sid = /"sid":(\d+)/.exec(request.filter)?.[1]
    return [{
      recording,
      tcp: asked.stream,
      request,
      answer,
      messages,
      collections: asked.states.collections,
      streamId: sid === undefined ? undefined : Number(sid)
    }]
  })

const streams = recordings.flatMap((recording) => streamsOf(recording.name, readRecording(recording).packets))

const delivers = new Set(["DcpMutation", "DcpDeletion", "DcpExpiration", "DcpSystemEvent"])

/** What an event and a recorded packet have to have in common. */
const facts = (packet: object): unknown => {
  const { opaque: _, ...rest } = packet as { readonly opaque: number }
  return JSON.parse(
    JSON.stringify(
      rest,
      (_, value: unknown) =>
        typeof value === "bigint" ? `${value}n` : value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value
    )
  )
}

const withOpaque = ({ bytes }: RecordedPacket, opaque: number): Uint8Array => {
  const copy = Buffer.from(bytes)
  copy.writeUInt32BE(opaque, 12)
  return copy
}

describe("recorded streams", () => {
  it("there are streams with changes, deletions, system events and NOOPs", () => {
    const tags = new Set(streams.flatMap(({ messages }) => messages.map(({ packet }) => packet!._tag)))
    for (const tag of ["DcpMutation", "DcpDeletion", "DcpSystemEvent", "DcpNoop", "DcpSnapshotMarker", "DcpStreamEnd"]) {
      expect(tags, tag).toContain(tag)
    }
    expect(streams.length).toBe(18)
  })

  it.each(streams.map((stream) => [stream.recording, stream.tcp, stream.request.opaque, stream] as const))(
    "%s, connection %i, stream %i",
    (_, __, ___, { answer, collections, messages, request, streamId }) => {
      let noops = 0
      let acknowledged = 0
      let asked = 0
      return inWorld({
        vbuckets: 1024,
        play: (connection, packet) => {
          switch (packet._tag) {
            case "Hello": {
              const wanted = packet.features.filter((feature) => collections || feature !== HelloFeature.Collections)
              const negotiated = negotiate(wanted)
              if ("refused" in negotiated) throw new Error(negotiated.refused)
              connection.features = new Features(negotiated.features)
              connection.reply((writer) => encodeHelloResponse(writer, { opaque: packet.opaque, features: negotiated.features }))
              return true
            }
            case "DcpNoopResponse":
              noops++
              return true
            case "DcpBufferAcknowledgement":
              acknowledged += packet.bufferBytes
              return true
            case "DcpStreamRequest": {
              const again = asked++ > 0
              connection.reply((writer) => {
                if (again) {
                  return encodeDcpStreamRequestResponse(writer, { opaque: packet.opaque, failoverLog: [{ vbucketUuid: 1n, seqno: 0n }] })
                }
                for (const one of [answer, ...messages]) {
                  const bytes = one.packet!._tag === "DcpNoop" ? one.bytes : withOpaque(one, packet.opaque)
                  const at = writer.need(bytes.length)
                  writer.bytes.set(bytes, at)
                  writer.position = at + bytes.length
                }
              })
              return true
            }
            default:
              return false
          }
        }
      }, (world) =>
        Effect.gen(function*() {
          const store = CheckpointStore.memory()
          const group = yield* Effect.scoped(store.open("default/wirewright"))
          const { snapEndSeqno, snapStartSeqno, startSeqno, vbucket, vbucketUuid } = request
          const position = { vbucketUuid, seqno: startSeqno, snapshotStart: snapStartSeqno, snapshotEnd: snapEndSeqno }
          yield* group.save(new Map([[vbucket, { position, failoverLog: [], complete: [], purgeSeqno: 0n, undo: false }]]))
          const expected = messages.flatMap(({ packet }) => delivers.has(packet!._tag) ? [facts(packet!)] : [])
          const run = yield* world.consume(
            {
              vbuckets: [vbucket],
              window: 65_536,
              noopInterval: 400,
              ...streamId === undefined ? {} : { streamId }
            },
            undefined,
            store
          )
          const delivered = (): ReadonlyArray<Extract<DcpEvent, { readonly packet: object }>> =>
            run.all.filter((event): event is Extract<DcpEvent, { readonly packet: object }> => "packet" in event)
          const size = messages.reduce((sum, { bytes, packet }) => packet!._tag === "DcpNoop" ? sum : sum + bytes.length, 0)
          const end = messages.at(-1)?.packet
          const reason = end?._tag === "DcpStreamEnd" ? end.reason : undefined
          if (reason === DcpStreamEndStatus.FilterEmpty) {
            // the only vbucket that was asked for can give nothing more, so the consumer ends, and closes the connection
            yield* ended(run)
            expect(failureOf(run)).toMatchObject({ _tag: "DcpStreamFailed", cause: "FilterEmpty" })
            acknowledged = size
          }
          yield* until(() =>
            run.consumer !== undefined && asked > 0 && delivered().length >= expected.length && acknowledged >= size &&
            (reason !== DcpStreamEndStatus.Ok || asked > 1)
          )
          expect(delivered().map(({ packet }) => facts(packet))).toEqual(expected)
          expect(noops).toBe(messages.filter(({ packet }) => packet!._tag === "DcpNoop").length)
          expect(acknowledged).toBe(size)
          const last = messages.findLast(({ packet }) => "bySeqno" in packet!)?.packet as { readonly bySeqno: bigint } | undefined
          expect(run.consumer.checkpoints.get(vbucket)!.position.seqno).toBe(last?.bySeqno ?? startSeqno)
        }))
    }
  )
})
