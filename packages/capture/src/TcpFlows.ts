/**
 * Connections out of captured packets: which segments belong together, who is the client, where a connection begins and ends.
 *
 * A SYN with a new sequence number starts a new flow even when addresses and ports are those of an earlier one. Captures that begin in the
 * middle of a connection work; `midStream` says so, because the first byte may then lie within a packet of the protocol.
 */
import type { CapturedFrame } from "./Frame.ts"
import { segmentOf, type Skipped, TcpFlag, type TcpSegment } from "./Internet.ts"
import { type Deliver, TcpDirection, type TcpLimits, tcpLimits } from "./TcpDirection.ts"

/** Client to server, or server to client. */
export type Direction = "c2s" | "s2c"

/** One connection. */
export interface Flow {
  /** Counted from 1 in order of appearance. */
  readonly number: number
  /** `address:port`. */
  readonly client: string
  readonly server: string
  /** The capture does not hold the connection's start. */
  readonly midStream: boolean
}

/** Bytes of a flow, in order. */
export interface FlowEvent {
  readonly flow: Flow
  readonly direction: Direction
  /** A view into the captured frame; empty when a gap ends the stream. */
  readonly bytes: Uint8Array
  /** Number of the captured frame. */
  readonly frame: number
  /** Nanoseconds since 1970, if the file says. */
  readonly time: bigint | undefined
  /** Bytes missing before these; 0 for none. */
  readonly gapBefore: number
}

/** Why a flow ended. */
export type FlowEnd = "finished" | "reset" | "reused" | "forgotten" | "captureEnd"

/** Receives what is in the capture. */
export interface FlowSink {
  readonly bytes: (event: FlowEvent) => void
  readonly opened?: (flow: Flow) => void
  readonly closed?: (flow: Flow, how: FlowEnd) => void
  /** Nothing more will come of this flow, not even a late segment. */
  readonly released?: (flow: Flow) => void
  /** A frame that holds no whole TCP segment. */
  readonly skipped?: (frame: CapturedFrame, why: Skipped) => void
}

/** Options of the reassembly. */
export interface FlowOptions {
  /** Port of the server, for connections whose start was not captured; otherwise the lower port is the server's. */
  readonly port?: number
  readonly limits?: Partial<TcpLimits>
}

interface Entry {
  readonly flow: Flow
  readonly c2s: TcpDirection
  readonly s2c: TcpDirection
  closed: boolean
}

/** Takes captured frames, hands out the bytes of their connections. */
export class TcpFlows {
  private readonly sink: FlowSink
  private readonly port: number | undefined
  private readonly limits: TcpLimits
  private readonly entries = new Map<string, Entry>()
  private count = 0
  private totalHeld = 0

  constructor(sink: FlowSink, options: FlowOptions = {}) {
    this.sink = sink
    this.port = options.port
    this.limits = { ...tcpLimits, ...options.limits }
  }

  /** Takes the next frame. */
  push(frame: CapturedFrame): void {
    const segment = segmentOf(frame)
    if (typeof segment === "string") this.sink.skipped?.(frame, segment)
    else this.segment(segment, frame)
  }

  /** The capture has ended: what is held comes out, with gaps. */
  finish(): void {
    for (const [key, entry] of this.entries) this.remove(key, entry, "captureEnd")
  }

  private segment(segment: TcpSegment, frame: CapturedFrame): void {
    const key = segment.source < segment.destination
      ? `${segment.source} ${segment.destination}`
      : `${segment.destination} ${segment.source}`
    const entry = this.entryOf(key, segment)
    if (entry === undefined) return
    const direction: Direction = segment.source === entry.flow.client ? "c2s" : "s2c"
    const half = entry[direction]
    const syn = (segment.flags & TcpFlag.Syn) !== 0
    if (syn) half.open(segment.sequence)
    const sequence = syn ? (segment.sequence + 1) >>> 0 : segment.sequence
    if ((segment.flags & TcpFlag.Fin) !== 0) half.close((sequence + segment.length) >>> 0)
    if (segment.length > 0 && (segment.flags & TcpFlag.Reset) === 0) {
      const before = half.heldBytes
      const deliver = this.deliverTo(entry.flow, direction)
      half.push({ sequence, bytes: segment.payload, length: segment.length, frame: frame.number, time: frame.time }, this.limits, deliver)
      this.totalHeld += half.heldBytes - before
      if (this.totalHeld > this.limits.maxTotalHeldBytes) this.release(half, deliver)
    }
    if ((segment.flags & TcpFlag.Reset) !== 0) this.end(entry, "reset")
    else if (entry.c2s.ended && entry.s2c.ended) this.end(entry, "finished")
  }

  private deliverTo(flow: Flow, direction: Direction): Deliver {
    return (bytes, piece, gapBefore) => this.sink.bytes({ flow, direction, bytes, frame: piece.frame, time: piece.time, gapBefore })
  }

  private entryOf(key: string, segment: TcpSegment): Entry | undefined {
    const entry = this.entries.get(key)
    const syn = (segment.flags & TcpFlag.Syn) !== 0
    if (entry === undefined) return syn || segment.length > 0 && (segment.flags & TcpFlag.Reset) === 0 ? this.open(key, segment) : undefined
    if (!this.isOther(entry, segment, syn)) return entry
    this.remove(key, entry, "reused")
    return this.open(key, segment)
  }

  /** Whether a segment belongs to a later connection between the same ports. */
  private isOther(entry: Entry, segment: TcpSegment, syn: boolean): boolean {
    const fromClient = segment.source === entry.flow.client
    const half = fromClient ? entry.c2s : entry.s2c
    if (!syn) return segment.length > 0 && half.isForeign(segment.sequence, this.limits)
    const acknowledges = (segment.flags & TcpFlag.Acknowledge) !== 0
    if (fromClient === acknowledges) return true
    return half.next !== undefined && half.first !== (segment.sequence + 1) >>> 0
  }

  private open(key: string, segment: TcpSegment): Entry {
    const syn = (segment.flags & TcpFlag.Syn) !== 0
    const sourceIsServer = syn ? (segment.flags & TcpFlag.Acknowledge) !== 0 : this.looksLikeServer(segment)
    const flow: Flow = {
      number: ++this.count,
      client: sourceIsServer ? segment.destination : segment.source,
      server: sourceIsServer ? segment.source : segment.destination,
      midStream: !syn
    }
    const entry: Entry = { flow, c2s: new TcpDirection(), s2c: new TcpDirection(), closed: false }
    if (this.entries.size >= this.limits.maxFlows) this.forgetOldest()
    this.entries.set(key, entry)
    this.sink.opened?.(flow)
    return entry
  }

  private looksLikeServer(segment: TcpSegment): boolean {
    if (segment.sourcePort === this.port) return segment.destinationPort !== this.port
    return segment.destinationPort !== this.port && segment.sourcePort < segment.destinationPort
  }

  private forgetOldest(): void {
    for (const [key, entry] of this.entries) {
      this.remove(key, entry, "forgotten")
      return
    }
  }

  private remove(key: string, entry: Entry, how: FlowEnd): void {
    this.end(entry, how)
    this.entries.delete(key)
    this.sink.released?.(entry.flow)
  }

  private release(half: TcpDirection, deliver: Deliver): void {
    const before = half.heldBytes
    half.flush(deliver)
    this.totalHeld += half.heldBytes - before
  }

  /** Hands out what is held. The entry stays in the table, so that late segments find their flow. */
  private end(entry: Entry, how: FlowEnd): void {
    this.release(entry.c2s, this.deliverTo(entry.flow, "c2s"))
    this.release(entry.s2c, this.deliverTo(entry.flow, "s2c"))
    if (entry.closed) return
    entry.closed = true
    this.sink.closed?.(entry.flow, how)
  }
}
