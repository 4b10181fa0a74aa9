/**
 * Connections out of captured packets: which segments belong together, who is the client, where a connection begins and ends. UDP datagrams
 * between the same addresses and ports are one flow, too.
 *
 * Addresses and ports are used again, by a SYN or, when that was not captured, with sequence numbers that fit no window of the connection
 * before. One such segment alone may be forged: in the middle of a connection a second one has to agree with it. What ends a connection
 * ends it for good only when another one takes its place: data that still fits is delivered. Captures that begin in the middle of a
 * connection work; `midStream` says so, because the first byte may then lie within a packet of the protocol.
 */
import type { FragmentLimits } from "./Fragments.ts"
import type { CapturedFrame, Skipped } from "./Frame.ts"
import { SegmentReader, TcpFlag, type TcpSegment, type UdpDatagram, type DatagramFilter } from "./Internet.ts"
import { type Deliver, sequenceDistance, TcpDirection, type TcpLimits, tcpLimits } from "./TcpDirection.ts"

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
  /** Nothing more comes of this flow. */
  readonly closed?: (flow: Flow, how: FlowEnd) => void
  /** The payload of a UDP datagram that was wanted, whole. Its flow has been opened, and ends with the capture. */
  readonly datagram?: (event: FlowEvent) => void
  /** A frame that holds no TCP segment that could be read, and no datagram that was wanted. */
  readonly skipped?: (frame: number, why: Skipped) => void
}

/** Options of the reassembly. */
export interface FlowOptions {
  /**
   * Whether the server sent a segment of a connection whose start was not captured; `undefined` when it cannot tell. It is asked about the
   * connection's first payload. Default: the server is that of the connection before, else
   * the one with the lower port.
   */
  readonly isFromServer?: (segment: TcpSegment | UdpDatagram) => boolean | undefined
  /** Which UDP datagrams are handed out. Default: none. */
  readonly wantsDatagram?: DatagramFilter
  readonly limits?: Partial<TcpLimits>
  readonly fragmentLimits?: FragmentLimits
}

interface Seen {
  readonly segment: TcpSegment
  readonly frame: number
  readonly time: bigint | undefined
}

interface Entry {
  readonly flow: Flow
  readonly c2s: TcpDirection
  readonly s2c: TcpDirection
  isReset: boolean
  /** Segments that fit no window of this connection: the beginning of the next, or forged. */
  strangers: Array<Seen>
  strangeBytes: number
}

/** Most segments that wait for another that agrees with them. */
const maxStrangers = 16

const isSyn = ({ flags }: TcpSegment): boolean => (flags & TcpFlag.Syn) !== 0
const isReset = ({ flags }: TcpSegment): boolean => (flags & TcpFlag.Reset) !== 0
const acknowledges = ({ flags }: TcpSegment): boolean => (flags & TcpFlag.Acknowledge) !== 0

/** Sequence number after a segment. */
const endOf = (segment: TcpSegment): number => (segment.sequence + segment.length + (isSyn(segment) ? 1 : 0)) >>> 0

const isOver = ({ c2s, isReset, s2c }: Entry): boolean => isReset || c2s.ended && s2c.ended

/** Takes captured frames, hands out the bytes of their connections. */
export class TcpFlows {
  private readonly sink: FlowSink
  private readonly isFromServer: (segment: TcpSegment | UdpDatagram) => boolean | undefined
  private readonly limits: TcpLimits
  private readonly segments: SegmentReader
  /** By addresses and ports; the one that was quiet for longest comes first. */
  private readonly entries = new Map<string, Entry>()
  /** Keys of connections that are over; of these the first is forgotten first. */
  private readonly over = new Set<string>()
  /** Flows of datagrams, by addresses and ports. */
  private readonly datagrams = new Map<string, Flow>()
  private count = 0
  private totalHeld = 0

  constructor(sink: FlowSink, options: FlowOptions = {}) {
    this.sink = sink
    this.isFromServer = options.isFromServer ?? (() => undefined)
    this.limits = { ...tcpLimits, ...options.limits }
    this.segments = new SegmentReader(
      (frames) => {
        for (const frame of frames) sink.skipped?.(frame, { reason: "fragment", what: "IP datagram with missing fragments" })
      },
      options.fragmentLimits,
      options.wantsDatagram
    )
  }

  /** Takes the next frame. */
  push(frame: CapturedFrame): void {
    const segment = this.segments.read(frame)
    if (segment === undefined) return
    if ("reason" in segment) this.sink.skipped?.(frame.number, segment)
    else if ("flags" in segment) this.segment({ segment, frame: frame.number, time: frame.time })
    else this.datagram(segment, frame)
  }

  /** The capture has ended: what is held comes out, with gaps. */
  finish(): void {
    this.segments.finish()
    // once more for connections that begin with the strangers of others
    while (this.entries.size > 0) {
      const byNumber = [...this.entries].sort(([, a], [, b]) => a.flow.number - b.flow.number)
      for (const [key, entry] of byNumber) this.remove(key, entry, "captureEnd")
    }
    for (const flow of this.datagrams.values()) this.sink.closed?.(flow, "captureEnd")
    this.datagrams.clear()
  }

  private datagram(datagram: UdpDatagram, { number, time }: CapturedFrame): void {
    const { destination, payload, source } = datagram
    const key = source < destination ? `${source} ${destination}` : `${destination} ${source}`
    let flow = this.datagrams.get(key)
    if (flow === undefined) {
      const fromServer = this.isFromServer(datagram) ?? datagram.sourcePort < datagram.destinationPort
      const [client, server] = fromServer ? [destination, source] : [source, destination]
      flow = { number: ++this.count, client, server, midStream: false }
      if (this.datagrams.size >= this.limits.maxFlows) {
        const [[oldest, forgotten]] = this.datagrams as unknown as readonly [readonly [string, Flow]]
        this.datagrams.delete(oldest)
        this.sink.closed?.(forgotten, "forgotten")
      }
      this.datagrams.set(key, flow)
      this.sink.opened?.(flow)
    }
    const direction = source === flow.client ? "c2s" : "s2c"
    this.sink.datagram?.({ flow, direction, bytes: payload, frame: number, time, gapBefore: 0 })
  }

  /** `before` is the connection that had the addresses and ports before. */
  private segment(seen: Seen, before?: Flow): void {
    const { segment } = seen
    const key = segment.source < segment.destination
      ? `${segment.source} ${segment.destination}`
      : `${segment.destination} ${segment.source}`
    const entry = this.entries.get(key)
    if (entry === undefined) {
      if (isSyn(segment) || segment.length > 0 && !isReset(segment)) this.take(key, this.open(key, segment, before), seen)
    } else if (this.isAgreed(entry, segment) || !this.fits(entry, segment)) this.stranger(key, entry, seen)
    else this.take(key, entry, seen)
  }

  /** Takes a segment of a connection. */
  private take(key: string, entry: Entry, { frame, segment, time }: Seen): void {
    this.entries.delete(key)
    this.entries.set(key, entry)
    const direction: Direction = segment.source === entry.flow.client ? "c2s" : "s2c"
    const half = entry[direction]
    const peer = direction === "c2s" ? "s2c" : "c2s"
    const before = entry.c2s.heldBytes + entry.s2c.heldBytes
    const deliver = this.deliverTo(entry.flow, direction)
    if (acknowledges(segment)) entry[peer].acknowledged(segment.acknowledgement, this.limits, this.deliverTo(entry.flow, peer))
    if (isReset(segment)) {
      if (half.resets(segment.sequence)) entry.isReset = true
    } else {
      if (isSyn(segment)) half.open(segment.sequence, deliver)
      const sequence = isSyn(segment) ? (segment.sequence + 1) >>> 0 : segment.sequence
      if (segment.length > 0) {
        const reached = half.next
        half.push({ sequence, bytes: segment.payload, length: segment.length, frame, time }, this.limits, deliver)
        // the reset was forged, or was not the last word
        if (half.next !== reached) entry.isReset = false
      }
      if ((segment.flags & TcpFlag.Fin) !== 0) half.close((sequence + segment.length) >>> 0, this.limits)
    }
    this.totalHeld += entry.c2s.heldBytes + entry.s2c.heldBytes - before
    if (this.totalHeld > this.limits.maxTotalHeldBytes) this.release(half, deliver)
    if (isOver(entry)) this.over.add(key)
    else this.over.delete(key)
  }

  private deliverTo(flow: Flow, direction: Direction): Deliver {
    return (bytes, piece, gapBefore) => this.sink.bytes({ flow, direction, bytes, frame: piece.frame, time: piece.time, gapBefore })
  }

  private halfOf(entry: Entry, { source }: TcpSegment): TcpDirection {
    return source === entry.flow.client ? entry.c2s : entry.s2c
  }

  private fits(entry: Entry, segment: TcpSegment): boolean {
    const half = this.halfOf(entry, segment)
    if (!isSyn(segment)) return segment.length === 0 || isReset(segment) || !half.isForeign(segment.sequence, this.limits)
    // clients do not acknowledge with their SYN, servers do
    if ((segment.source === entry.flow.client) === acknowledges(segment)) return false
    return half.first === undefined
      ? !half.isForeign((segment.sequence + 1) >>> 0, this.limits)
      : half.first === (segment.sequence + 1) >>> 0
  }

  /** Whether a segment goes on where a stranger ended, or acknowledges just that. */
  private isAgreed({ strangers }: Entry, segment: TcpSegment): boolean {
    return strangers.some(({ segment: stranger }) =>
      segment.source === stranger.source
        ? segment.sequence === endOf(stranger)
        : acknowledges(segment) && segment.acknowledgement === endOf(stranger)
    )
  }

  /** Takes a segment that does not fit. */
  private stranger(key: string, entry: Entry, seen: Seen): void {
    const { segment } = seen
    const isAnother = isOver(entry) || this.isAgreed(entry, segment) || entry.strangers.length >= maxStrangers
      || entry.strangers.some(({ segment: { sequence, source } }) =>
        source === segment.source && sequence !== segment.sequence
        && Math.abs(sequenceDistance(sequence, segment.sequence)) <= this.limits.maxHeldBytes
      )
    // a copy: views would keep whole chunks of the file alive
    entry.strangers.push({ ...seen, segment: { ...segment, payload: new Uint8Array(segment.payload) } })
    entry.strangeBytes += segment.payload.length
    this.totalHeld += segment.payload.length
    if (isAnother || this.totalHeld > this.limits.maxTotalHeldBytes) this.remove(key, entry, "reused")
  }

  private open(key: string, segment: TcpSegment, before: Flow | undefined): Entry {
    const syn = isSyn(segment)
    const isLikely = before === undefined ? segment.sourcePort < segment.destinationPort : segment.source === before.server
    const sourceIsServer = syn ? acknowledges(segment) : this.isFromServer(segment) ?? isLikely
    const flow: Flow = {
      number: ++this.count,
      client: sourceIsServer ? segment.destination : segment.source,
      server: sourceIsServer ? segment.source : segment.destination,
      midStream: !syn
    }
    const entry: Entry = { flow, c2s: new TcpDirection(), s2c: new TcpDirection(), isReset: false, strangers: [], strangeBytes: 0 }
    if (this.entries.size >= this.limits.maxFlows) this.forgetOne()
    this.entries.set(key, entry)
    this.sink.opened?.(flow)
    return entry
  }

  private forgetOne(): void {
    for (const keys of [this.over, this.entries.keys()]) {
      for (const key of keys) return this.remove(key, this.entries.get(key)!, "forgotten")
    }
  }

  /** Ends a connection: what it holds comes out; its strangers, if they say anything, are the next. */
  private remove(key: string, entry: Entry, how: FlowEnd): void {
    this.release(entry.c2s, this.deliverTo(entry.flow, "c2s"))
    this.release(entry.s2c, this.deliverTo(entry.flow, "s2c"))
    this.entries.delete(key)
    this.over.delete(key)
    this.totalHeld -= entry.strangeBytes
    const isReused = how === "reused" || entry.strangers.some(({ segment }) => segment.length > 0)
    this.sink.closed?.(entry.flow, entry.isReset ? "reset" : isOver(entry) ? "finished" : isReused ? "reused" : how)
    if (isReused) { for (const seen of entry.strangers) this.segment(seen, entry.flow) }
  }

  private release(half: TcpDirection, deliver: Deliver): void {
    const before = half.heldBytes
    half.flush(deliver)
    this.totalHeld += half.heldBytes - before
  }
}
