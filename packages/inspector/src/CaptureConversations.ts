/**
 * A capture as conversations: frames to TCP streams and datagrams, those to packets, requests paired with answers; and a count of whatever
 * was passed over. Captures may be files, or what is being recorded. Pure.
 */
import {
  type CapturedFrame,
  CaptureReader,
  type Flow,
  type FlowEvent,
  TcpFlows,
  type TcpSegment,
  type UdpDatagram
} from "@wirewright/capture"
import { DecodeError } from "@wirewright/codec/Errors"
import { Conversation, type PendingRequest, type SentPacket } from "./Conversation.ts"
import { type Endpoint, isAmong } from "./Endpoint.ts"
import { PassedOver } from "./PassedOver.ts"
import type { DecodedPacket, ProtocolAdapter, Session } from "./ProtocolAdapter.ts"

/** How a capture is read. */
export interface CaptureReading {
  /** Servers: connections to others are passed over. None: all connections, and no datagrams. */
  readonly servers: ReadonlyArray<Endpoint>
  /** How connections start. */
  readonly session: Session
}

/** Receives what a capture holds. */
export interface CaptureSink {
  readonly frame?: (frame: CapturedFrame) => void
  readonly opened?: (flow: Flow) => void
  /** `asked` is the request this packet answers. */
  readonly packet: (decoded: DecodedPacket, sent: SentPacket, asked: PendingRequest | undefined) => void
  /** Bytes that are no packet, or where a stream cannot be followed. */
  readonly trouble: (error: DecodeError, sent: Omit<SentPacket, "at" | "end" | "number">, isPacket: boolean) => void
  readonly closed?: (conversation: Conversation, how: string) => void
}

/** Most bytes held by all conversations for packets that are not complete. */
const maxHeld = 256 * 1024 * 1024

/** Tells servers by those asked for, by what they say, by the ports of the protocol. */
const isFromServer = (
  adapter: ProtocolAdapter,
  asked: ReadonlyArray<Endpoint>
) =>
({ destination, destinationPort, payload, source, sourcePort }: TcpSegment | UdpDatagram) => {
  const only = (from: boolean, to: boolean): boolean | undefined => from === to ? undefined : from
  const sender = adapter.senderOf(payload)
  return only(isAmong(asked, source), isAmong(asked, destination))
    ?? (sender === undefined ? only(adapter.ports.has(sourcePort), adapter.ports.has(destinationPort)) : sender === "s2c")
}

/** Reads a capture piece by piece. */
export class CaptureConversations {
  readonly passedOver = new PassedOver()
  private readonly adapter: ProtocolAdapter
  private readonly reading: CaptureReading
  private readonly sink: CaptureSink
  private readonly reader = new CaptureReader()
  private readonly flows: TcpFlows
  private readonly conversations = new Map<number, Conversation>()
  /** Bytes that conversations hold. */
  private held = 0
  private damage: DecodeError | undefined

  constructor(adapter: ProtocolAdapter, reading: CaptureReading, sink: CaptureSink) {
    this.adapter = adapter
    this.reading = reading
    this.sink = sink
    const { servers } = reading
    this.flows = new TcpFlows({
      opened: (flow) => this.opened(flow),
      bytes: (event) => this.bytes(event),
      datagram: (event) => this.conversations.get(event.flow.number)?.datagram(event),
      closed: (flow, how) => this.closed(flow, how),
      skipped: (frame, why) => this.passedOver.frame(frame, why)
    }, {
      isFromServer: isFromServer(adapter, servers),
      wantsDatagram: (source, destination) => isAmong(servers, source) || isAmong(servers, destination)
    })
  }

  /** Takes the next bytes of the file. After damage, which `finish` tells, the rest of the file is not looked at. */
  push(chunk: Uint8Array): void {
    if (this.damage !== undefined) return
    this.guarded(() =>
      this.reader.push(chunk, (frame) => {
        this.sink.frame?.(frame)
        this.flows.push(frame)
      })
    )
  }

  /** The file has ended; returns what is wrong with it, if it cannot be read to its end. */
  finish(): DecodeError | undefined {
    if (this.damage === undefined) this.guarded(() => this.reader.finish())
    this.flows.finish()
    if (this.damage !== undefined) {
      const what = `the file cannot be read on from byte ${this.reader.offset}`
      this.passedOver.add({ reason: "damagedFile", what, count: 1, unit: "files" })
    }
    return this.damage
  }

  private guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.damage = error
    }
  }

  private opened(flow: Flow): void {
    const { servers, session } = this.reading
    if (servers.length > 0 && !isAmong(servers, flow.server)) {
      this.passedOver.connection(Number(flow.server.slice(flow.server.lastIndexOf(":") + 1)))
      return
    }
    this.sink.opened?.(flow)
    this.conversations.set(
      flow.number,
      new Conversation(flow, this.adapter, session, {
        packet: (decoded, sent, asked) => this.sink.packet(decoded, sent, asked),
        trouble: (error, sent, isPacket) => {
          if (isPacket) this.passedOver.add({ reason: "undecoded", what: "that did not decode", count: 1, unit: "packets" })
          this.sink.trouble(error, sent, isPacket)
        }
      })
    )
  }

  private bytes(event: FlowEvent): void {
    const conversation = this.conversations.get(event.flow.number)
    if (conversation === undefined) return
    const before = conversation.held
    conversation.push(event)
    this.held += conversation.held - before
    if (this.held <= maxHeld) return
    this.held -= conversation.held
    this.passedOver.add({ reason: "limit", what: "of unfinished packets beyond what is held", count: conversation.held, unit: "bytes" })
    conversation.giveUp()
  }

  private closed(flow: Flow, how: string): void {
    const conversation = this.conversations.get(flow.number)
    if (conversation === undefined) return
    this.conversations.delete(flow.number)
    this.held -= conversation.held
    conversation.finish()
    this.sink.closed?.(conversation, how)
    this.passedOver.add({ reason: "gap", what: "missing within connections", count: conversation.lost, unit: "bytes" })
    this.passedOver.add({ reason: "stray", what: "that belong to no packet", count: conversation.skipped, unit: "bytes" })
  }
}
