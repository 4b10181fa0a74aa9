/**
 * Streams that real nodes sent, played to our consumer byte for byte: it delivers exactly the recorded events, answers every NOOP, and
 * acknowledges exactly the recorded sizes.
 *
 * The embedded node does the beginning; from the stream request on, the script is the recording. Only the opaque is another one: it is chosen by
 * whoever asks.
 */
import { CheckpointStore, type DcpEvent } from "@wirewright/dcp"
import { DcpStreamEndStatus } from "@wirewright/dcp/gen"
import { recordedStreams, replay } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { readRecording, recordings } from "../conformance/recordings.fixture.ts"
import { ended, failureOf, inWorld, until } from "./Harness.ts"

const streams = recordings.flatMap((recording) =>
  recordedStreams(readRecording(recording).packets).map((stream) => ({ recording: recording.name, stream }))
)

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

describe("recorded streams", () => {
  it("there are streams with changes, deletions, system events and NOOPs", () => {
    const tags = new Set(streams.flatMap(({ stream: { messages } }) => messages.map(({ packet }) => packet!._tag)))
    for (const tag of ["DcpMutation", "DcpDeletion", "DcpSystemEvent", "DcpNoop", "DcpSnapshotMarker", "DcpStreamEnd"]) {
      expect(tags, tag).toContain(tag)
    }
    expect(streams.length).toBe(18)
  })

  it.each(streams.map(({ recording, stream }) => [recording, stream.connection, stream.request.opaque, stream] as const))(
    "%s, connection %i, stream %i",
    (_, __, ___, stream) => {
      const { messages, request, streamId } = stream
      const played = { requests: 0, noops: 0, acknowledged: 0 }
      return inWorld({ vbuckets: 1024, play: replay(stream, played) }, (world) =>
        Effect.gen(function*() {
          const store = CheckpointStore.memory()
          const group = yield* Effect.scoped(store.open("default/wirewright"))
          const { snapEndSeqno, snapStartSeqno, startSeqno, vbucket, vbucketUuid } = request
          const position = { vbucketUuid, seqno: startSeqno, snapshotStart: snapStartSeqno, snapshotEnd: snapEndSeqno }
          yield* group.save(new Map([[vbucket, { position, failoverLog: [], complete: [], purgeSeqno: 0n, undo: false, ahead: false }]]))
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
            played.acknowledged = size
          }
          yield* until(() =>
            run.consumer !== undefined && played.requests > 0 && delivered().length >= expected.length && played.acknowledged >= size &&
            (reason !== DcpStreamEndStatus.Ok || played.requests > 1)
          )
          expect(delivered().map(({ packet }) => facts(packet))).toEqual(expected)
          expect(played.noops).toBe(messages.filter(({ packet }) => packet!._tag === "DcpNoop").length)
          expect(played.acknowledged).toBe(size)
          const last = messages.findLast(({ packet }) => "bySeqno" in packet!)?.packet as { readonly bySeqno: bigint } | undefined
          expect(run.consumer.checkpoints.get(vbucket)!.position.seqno).toBe(last?.bySeqno ?? startSeqno)
        }))
    }
  )
})
