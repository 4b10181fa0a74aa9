/**
 * One captured connection: both directions as packets, connection states as HELLO sets them, requests paired with their responses.
 *
 * Everything it remembers is bounded: of requests without an answer the oldest are forgotten.
 */
import type { Flow, FlowEvent } from "@wirewright/capture"
import { DecodeError } from "@wirewright/codec/Errors"
import { DirectionStream } from "./DirectionStream.ts"
import { OrderedPairs } from "./OrderedPairs.ts"
import type { DecodedPacket, Direction, Facts, ProtocolAdapter, Session, Situation } from "./ProtocolAdapter.ts"

/** Most requests that wait for a response, per direction. */
const maxWaiting = 65_536

/** A request that may be answered. */
export interface PendingRequest {
  /** Number of the packet in its conversation, from 1. */
  readonly number: number
  readonly frame: number
  readonly time: bigint | undefined
  /** Name of its command, if it is one. */
  readonly command?: string
  /** So many older requests turned out to have no answer, as they had asked. */
  readonly leftOut?: number
}

/** A packet in its conversation. */
export interface SentPacket {
  readonly flow: Flow
  readonly direction: Direction
  /** Counted from 1 in the order of the conversation, both directions together; what is no packet does not count. */
  readonly number: number
  readonly frame: number
  readonly time: bigint | undefined
  readonly bytes: Uint8Array
  readonly at: number
  readonly end: number
  readonly situation: Situation
}

/** Receives what a conversation consists of. */
export interface ConversationSink {
  /** `asked` is the request this packet answers. */
  readonly packet: (decoded: DecodedPacket, sent: SentPacket, asked: PendingRequest | undefined) => void
  readonly trouble: (error: DecodeError, sent: Omit<SentPacket, "at" | "end" | "number">, isPacket: boolean) => void
}

const opposite: { readonly [D in Direction]: Direction } = { c2s: "s2c", s2c: "c2s" }

/** Follows one connection. */
export class Conversation {
  readonly flow: Flow
  private readonly adapter: ProtocolAdapter
  private readonly sink: ConversationSink
  private session: Session
  private readonly streams: { readonly [D in Direction]: DirectionStream }
  private readonly waiting = { c2s: new Map<string, PendingRequest>(), s2c: new Map<string, PendingRequest>() }
  /** What clients asked, in protocols where the order of packets pairs them. */
  private ordered: OrderedPairs<PendingRequest> | undefined
  private last: { readonly frame: number; readonly time: bigint | undefined } = { frame: 0, time: undefined }
  private packets = 0

  constructor(flow: Flow, adapter: ProtocolAdapter, session: Session, sink: ConversationSink) {
    this.flow = flow
    this.adapter = adapter
    this.sink = sink
    this.session = session
    const stream = (direction: Direction): DirectionStream => new DirectionStream(adapter, flow.midStream, () => this.situation(direction))
    this.streams = { c2s: stream("c2s"), s2c: stream("s2c") }
  }

  /** Bytes that belong to no packet; complete after `finish`. */
  get skipped(): number {
    return this.streams.c2s.skipped + this.streams.s2c.skipped
  }

  /** Bytes missing in the capture. */
  get lost(): number {
    return this.streams.c2s.lost + this.streams.s2c.lost
  }

  /** Bytes held of packets that are not complete. */
  get held(): number {
    return this.streams.c2s.held + this.streams.s2c.held
  }

  /** Lets go of what is held. */
  giveUp(): void {
    for (const direction of ["c2s", "s2c"] as const) if (this.streams[direction].held > 0) this.streams[direction].giveUp()
  }

  /** Takes the next bytes. */
  push({ bytes, direction, frame, gapBefore, time }: FlowEvent): void {
    this.last = { frame, time }
    this.streams[direction].push(
      bytes,
      gapBefore,
      (buffer, at, end) => this.packet(direction, buffer, at, end),
      (error, rest) => this.trouble(direction, error, rest, false)
    )
  }

  /** Takes a datagram: one packet, or several one after the other. */
  datagram({ bytes, direction, frame, time }: FlowEvent): void {
    this.last = { frame, time }
    let at = 0
    // after a packet that does not decode, no other is looked for
    while (at < bytes.length) at += this.packet(direction, bytes, at, bytes.length) ?? bytes.length
  }

  /** The connection is over. */
  finish(): void {
    for (const direction of ["c2s", "s2c"] as const) {
      this.streams[direction].finish(
        (bytes, at, end) => this.packet(direction, bytes, at, end),
        (error, rest) => this.trouble(direction, error, rest, false)
      )
    }
  }

  private trouble(direction: Direction, error: DecodeError, bytes: Uint8Array, isPacket: boolean): void {
    const isWhole = !error.incomplete
    if (direction === "c2s" && isWhole) this.orderedPairs().askUnknown({ ...this.last, number: 0 })
    this.sink.trouble(error, { flow: this.flow, direction, ...this.last, bytes, situation: this.situation(direction) }, isPacket)
  }

  private situation(direction: Direction): Situation {
    return { ...this.session, direction }
  }

  /** Returns the size of the packet, if it decodes. */
  private packet(direction: Direction, bytes: Uint8Array, at: number, end: number): number | undefined {
    const situation = this.situation(direction)
    let decoded: DecodedPacket
    try {
      decoded = this.adapter.decode(bytes, at, situation)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.trouble(direction, error, bytes.subarray(at, end), true)
      return undefined
    }
    const number = ++this.packets
    this.sink.packet(
      decoded,
      { flow: this.flow, direction, number, ...this.last, bytes, at, end: at + decoded.length, situation },
      this.pair(direction, decoded)
    )
    this.session = this.adapter.after(decoded, this.session)
    return decoded.length
  }

  private orderedPairs(): OrderedPairs<PendingRequest> {
    return this.ordered ??= new OrderedPairs(this.adapter.mistakes(this.session))
  }

  private inOrder(direction: Direction, { ordered, name, command }: Facts, packet: object): PendingRequest | undefined {
    if (ordered === undefined) return undefined
    const { isUnanswered, repeated, request } = ordered
    if (direction === "s2c") {
      const answered = this.ordered?.answer(name, packet, repeated)
      return answered === undefined ? undefined : { ...answered.asked, leftOut: answered.leftOut }
    }
    if (request !== undefined && !isUnanswered) this.orderedPairs().ask({ ...this.last, number: this.packets, command }, request, repeated)
    return undefined
  }

  private pair(direction: Direction, { facts, packet }: DecodedPacket): PendingRequest | undefined {
    if (facts.pairing === undefined) return this.inOrder(direction, facts, packet)
    if (facts.answers) {
      const requests = this.waiting[opposite[direction]]
      const asked = requests.get(facts.pairing)
      if (!facts.repliesOften) requests.delete(facts.pairing)
      return asked
    }
    const requests = this.waiting[direction]
    if (requests.size >= maxWaiting) {
      for (const oldest of requests.keys()) {
        requests.delete(oldest)
        break
      }
    }
    requests.set(facts.pairing, { ...this.last, number: this.packets, command: facts.command })
    return undefined
  }
}
