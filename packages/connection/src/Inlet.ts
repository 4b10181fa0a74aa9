/**
 * The way in of a connection: bytes become packets, and each finds the request that it answers. One way where a header field says which,
 * another where the order of packets or a number in them does.
 */
import { type ClientProtocol, Framer, type OrderedProtocol, PacketStream, type Reader, type Unfinished } from "@wirewright/codec"
import type { InFlight } from "./InFlight.ts"
import { Ledger, maxRequests } from "./Ledger.ts"
import { OrderedLedger } from "./OrderedLedger.ts"
import { PhasedReader } from "./PhasedReader.ts"

interface Packet {
  readonly _tag: string
}

/** What generated code says of a protocol (`client`). */
export type AnyProtocol<Answer, Push> =
  | ClientProtocol<Answer, Push>
  // oxlint-disable-next-line typescript/no-explicit-any -- states and packets of any protocol
  | OrderedProtocol<any, any, any>

/** Whether no header field of a protocol says what packets answer. */
// oxlint-disable-next-line typescript/no-explicit-any -- states and packets of any protocol
export const isOrdered = (protocol: AnyProtocol<unknown, unknown>): protocol is OrderedProtocol<any, any, any> => "phases" in protocol

/** Whom packets are handed to that answer nothing. */
export interface Outlet<Push> {
  /** Whether packets are still wanted. */
  readonly isOpen: () => boolean
  readonly pushed: ((push: Push) => void) | undefined
  /** A push came that nobody wants. */
  readonly dropped: () => void
  /** What peers send that sends what clients send. */
  readonly request: ((reader: Reader, at: number, end: number) => void) | undefined
  readonly misbehaved: (message: string) => void
  /** Shown every frame before it is handled. */
  readonly arrived?: ((frame: Uint8Array) => void) | undefined
}

/** The way in. */
export interface Inlet {
  readonly ledger: InFlight
  /** Most requests that can be in flight. */
  readonly maxInFlight: number
  /** Takes what arrived, into which nobody writes any more. Throws `DecodeError`. */
  readonly push: (bytes: Uint8Array) => void
  /** What is there of a packet that is not all there. */
  readonly unfinished: Unfinished
  /** Bytes copied so far, because packets lay in several chunks. */
  readonly copied: number
  /** The opcode of the packet at `at`, where there is one that answers repeat; else 0. */
  readonly opcodeAt: (reader: Pick<Reader, "view">, at: number) => number
  /** A packet was sent, which may begin a phase. */
  readonly sent: (tag: string) => void
}

const hex = (number: number): string => number.toString(16).padStart(2, "0")

/** Where a header field says which request a packet answers. */
export class HeaderInlet<Answer, Push> implements Inlet {
  readonly ledger = new Ledger<Answer>()
  readonly maxInFlight = maxRequests
  private readonly framer: Framer
  private readonly protocol: ClientProtocol<Answer, Push>
  private readonly outlet: Outlet<Push>

  constructor(protocol: ClientProtocol<Answer, Push>, outlet: Outlet<Push>, maxFrame: number | undefined) {
    this.protocol = protocol
    this.outlet = outlet
    this.framer = new Framer(protocol.header.frameShape, { inPlace: true, ...maxFrame === undefined ? {} : { maxFrame } })
  }

  get unfinished(): Unfinished {
    return this.framer
  }

  get copied(): number {
    return this.framer.copied
  }

  push(bytes: Uint8Array): void {
    this.framer.push(bytes, this.dispatch)
  }

  opcodeAt(reader: Pick<Reader, "view">, at: number): number {
    return this.protocol.header.opcodeAt(reader, at)
  }

  sent(): void {}

  private readonly dispatch = (reader: Reader, at: number, end: number): void => {
    const { ledger, outlet, protocol } = this
    if (!outlet.isOpen()) return
    outlet.arrived?.(reader.bytes.subarray(at, end))
    const { correlation, correlationAt, kindAt, kinds, opcodeAt } = protocol.header
    const kind = kindAt(reader, at)
    if (kind === kinds.answer) {
      const opaque = correlationAt(reader, at)
      const opcode = opcodeAt(reader, at)
      switch (ledger.awaits(opaque, opcode)) {
        case "waiting":
          ledger.settle(opaque, protocol.decodeAnswer(reader, at))
          return
        case "abandoned":
          ledger.settleUnwanted(opaque)
          return
        case "mismatched":
          return outlet.misbehaved(
            `a response with opcode 0x${hex(opcode)} to another command, with ${correlation} 0x${hex(opaque)}`
          )
        case "unknown":
          return outlet.misbehaved(`a response with ${correlation} 0x${hex(opaque)}, which is not in flight`)
      }
    }
    if (kind === kinds.request && outlet.request !== undefined) outlet.request(reader, at, end)
    else if (kind !== kinds.push || kind === undefined) outlet.misbehaved(`a packet of kind ${kind} on a client's connection`)
    else if (outlet.pushed === undefined) outlet.dropped()
    else outlet.pushed(protocol.decodePush(reader, at))
  }
}

/** Where the order of packets says it, or a number in them. */
export class OrderedInlet<P extends Packet, S> implements Inlet {
  readonly ledger: OrderedLedger<P>
  readonly maxInFlight: number
  readonly push: (bytes: Uint8Array) => void
  readonly unfinished: Unfinished
  private readonly cutter: { readonly copied: number }
  private readonly reading: PhasedReader<P, S>
  private readonly answers: ReadonlySet<string>
  private readonly outlet: Outlet<P>

  constructor(protocol: OrderedProtocol<P, string, S>, outlet: Outlet<P>, maxFrame: number | undefined, states: S = protocol.states) {
    this.outlet = outlet
    this.answers = new Set(protocol.answers)
    this.ledger = new OrderedLedger<P>(protocol.correlation)
    this.maxInFlight = Math.min(maxRequests, protocol.correlation?.max ?? maxRequests)
    this.reading = new PhasedReader(protocol, states, maxFrame)
    // whoever wants the bytes of each packet wants it as a frame
    if (this.reading.isStream && outlet.arrived === undefined) {
      const stream = this.streamed()
      this.push = (bytes) => stream.push(bytes, this.take)
      this.unfinished = stream.unfinished
      this.cutter = stream
    } else {
      const framer = new Framer(this.reading.shape, { inPlace: true })
      this.push = (bytes) => framer.push(bytes, this.dispatch)
      this.unfinished = framer
      this.cutter = framer
    }
  }

  get copied(): number {
    return this.cutter.copied
  }

  opcodeAt(): number {
    return 0
  }

  silent(): number {
    return 0
  }

  sent(tag: string): void {
    this.reading.passed(tag)
  }

  /** Packets that end themselves, in one loop. */
  private streamed(): PacketStream<P> {
    const { name, maxFrame } = this.reading.shape
    return new PacketStream<P>({ name, maxFrame, inPlace: true, decode: (reader, at) => this.reading.decode(reader, at) })
  }

  /** Packets that are frames, or may be from one phase on. */
  private readonly dispatch = (reader: Reader, at: number, end: number): void => {
    if (!this.outlet.isOpen()) return
    this.outlet.arrived?.(reader.bytes.subarray(at, end))
    this.take(this.reading.decode(reader, at))
  }

  private readonly take = (packet: P): void => {
    const { outlet } = this
    if (!outlet.isOpen()) return
    if (this.ledger.settle(packet) !== "unmatched") return
    if (this.answers.has(packet._tag)) outlet.misbehaved(`${packet._tag}, which answers no request in flight`)
    else if (outlet.pushed === undefined) outlet.dropped()
    else outlet.pushed(packet)
  }
}

/** The way in of a protocol. */
export const inletOf = <Answer, Push>(
  protocol: AnyProtocol<Answer, Push>,
  outlet: Outlet<Push>,
  { maxFrame, states }: { readonly maxFrame?: number; readonly states?: unknown }
): Inlet =>
  isOrdered(protocol)
    ? new OrderedInlet<Packet, unknown>(protocol, outlet as Outlet<unknown>, maxFrame, states ?? protocol.states)
    : new HeaderInlet(protocol, outlet, maxFrame)
