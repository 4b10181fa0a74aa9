/**
 * A recording that answers: the DCP streams that real servers sent, played to a consumer byte for byte.
 *
 * The embedded node does the beginning of a connection; from the stream request on, it says what was recorded. Only the opaque is another one,
 * because whoever asks chooses it.
 */
import {
  encodeDcpStreamRequestResponse,
  encodeHelloResponse,
  HelloFeature,
  magics,
  type Packet,
  setOpaqueAt,
  type States
} from "@wirewright/dcp/gen"
import { Features, negotiate } from "@wirewright/embedded/internal"
import type { NodeScript } from "@wirewright/embedded"

/** A packet of a recording. */
export interface RecordedFrame {
  /** From the client to the server, or back. */
  readonly direction: "c2s" | "s2c"
  /** Which connection. */
  readonly stream: number
  readonly bytes: Uint8Array
  /** What had been negotiated. */
  readonly states: States
  /** What it says; absent when it could not be decoded. */
  readonly packet: Packet | undefined
}

type Named<Tag> = Extract<Packet, { readonly _tag: Tag }>

/** One stream of a recording. */
export interface RecordedStream {
  /** The recorded connection. */
  readonly connection: number
  readonly request: Named<"DcpStreamRequest">
  readonly answer: RecordedFrame
  /** What the server sent in it, NOOPs included, in its order, up to the end of the stream or of the recording. */
  readonly messages: ReadonlyArray<RecordedFrame>
  readonly states: States
  readonly streamId: number | undefined
}

/** The streams of a recording that were opened. */
export const recordedStreams = (frames: ReadonlyArray<RecordedFrame>): ReadonlyArray<RecordedStream> =>
  frames.flatMap((asked, index): ReadonlyArray<RecordedStream> => {
    const request = asked.packet
    if (asked.direction !== "c2s" || request?._tag !== "DcpStreamRequest") return []
    const rest = frames.slice(index).filter(({ direction, stream }) => direction === "s2c" && stream === asked.stream)
    const at = rest.findIndex(({ packet }) => packet?.opaque === request.opaque && packet.opcode === request.opcode)
    const answer = rest[at]
    if (answer?.packet?._tag !== "DcpStreamRequestResponse") return []
    const messages: Array<RecordedFrame> = []
    for (const one of rest.slice(at + 1)) {
      const { packet } = one
      if (packet === undefined || packet.magic === magics.response[0]) continue
      if (packet._tag === "DcpNoop" || packet.opaque === request.opaque) messages.push(one)
      if (packet._tag === "DcpStreamEnd" && packet.opaque === request.opaque) break
    }
    const sid = /"sid":(\d+)/.exec(request.filter)?.[1]
    const streamId = sid === undefined ? undefined : Number(sid)
    return [{ connection: asked.stream, request, answer, messages, states: asked.states, streamId }]
  })

const withOpaque = ({ bytes }: RecordedFrame, opaque: number): Uint8Array => {
  const copy = new Uint8Array(bytes)
  setOpaqueAt({ view: new DataView(copy.buffer) }, 0, opaque)
  return copy
}

/** What a consumer did while a recording was played to it. */
export interface Played {
  /** Stream requests; the first one gets the recording, the others a stream in which nothing happens. */
  requests: number
  /** NOOPs answered. */
  noops: number
  /** Bytes acknowledged. */
  acknowledged: number
}

/** Plays a recorded stream to whoever asks the node for one. */
export const replay = ({ answer, messages, states }: RecordedStream, played: Played): NodeScript => (connection, packet) => {
  switch (packet._tag) {
    case "Hello": {
      const wanted = packet.features.filter((feature) => states.collections || feature !== HelloFeature.Collections)
      const negotiated = negotiate(wanted)
      if ("refused" in negotiated) return false
      connection.features = new Features(negotiated.features)
      connection.reply((writer) => encodeHelloResponse(writer, { opaque: packet.opaque, features: negotiated.features }))
      return true
    }
    case "DcpNoopResponse":
      played.noops++
      return true
    case "DcpBufferAcknowledgement":
      played.acknowledged += packet.bufferBytes
      return true
    case "DcpStreamRequest": {
      const first = played.requests++ === 0
      connection.reply((writer) => {
        if (!first) return encodeDcpStreamRequestResponse(writer, { opaque: packet.opaque, failoverLog: [{ vbucketUuid: 1n, seqno: 0n }] })
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
