/**
 * A pipelined connection of any protocol: requests go out as they come. Which of them a packet answers is its inlet's to find.
 *
 * It knows what generated code says of clients (`client`); what to send is the caller's business. Requests cost one
 * `Effect.callback`; everything else happens in the socket's callbacks. Source of the rules: kv_engine docs/BinaryProtocol.md.
 */
import { DecodeError, type EncodeError, type Reader, type Writer } from "@wirewright/codec"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { connect } from "./Connecting.ts"
import { ConnectionError, type ConnectionReason, LimitExceeded, PeerMisbehaved, PeerStalled, RequestTimeout, stackless } from "./Errors.ts"
import type { Ledger } from "./Ledger.ts"
import type { InFlight } from "./InFlight.ts"
import { type AnyProtocol, type Inlet, inletOf } from "./Inlet.ts"
import type { Transport, TransportOptions } from "./Transport.ts"
import type { Owner, Resume, Sendable } from "./Exchange.ts"
import { Unanswered, type WritePacket } from "./Relay.ts"
import { type Tap, writeSeen } from "./Tap.ts"
import { type Timer, type Timers, timers } from "./Timers.ts"
import { many, single, Written } from "./Written.ts"

export { type AnswerSink, quiet, Relayed, Unanswered, type WritePacket } from "./Relay.ts"

/** Options of a connection. */
export interface PacketConnectionOptions<Response, ServerRequest> extends TransportOptions {
  /** What generated code says of the protocol (`client`). */
  readonly protocol: AnyProtocol<Response, ServerRequest>
  /** What was negotiated, of protocols whose packets depend on that; where no header field says what packets answer. Default: nothing */
  readonly states?: unknown
  /** Time a request waits for its answer, and before that for the kernel to take it. Default: 2.5 seconds. */
  readonly requestTimeout?: Duration.Input
  /** Most requests in flight, those given up but not yet answered included. Default: 65 535, which is the most there can be. */
  readonly maxInFlight?: number
  /** Largest frame accepted in bytes. Default: the protocol's own limit. */
  readonly maxFrame?: number
  /** Time without a byte, while answers to requests that timed out are owed, after which the peer is taken for gone; 10 seconds. */
  readonly maxSilence?: Duration.Input
  /** Receives requests of the server (duplex); without it they are counted and dropped. */
  readonly onServerRequest?: (request: ServerRequest, connection: PacketConnection<Response, ServerRequest>) => void
  /** Receives requests of a peer that sends what clients send (DCP), as they lie in a buffer; without it they end the connection. */
  readonly onPeerRequest?: (reader: Reader, at: number, end: number) => void
  /** Sees what goes over the connection. */
  readonly tap?: Tap
  /** Told once that the connection is gone, after everything in flight has failed. */
  readonly onClose?: (error: ConnectionError) => void
}

/** How a request is to be treated. */
export interface RequestOptions {
  /** The request changes something: losing its answer is ambiguous. */
  readonly writes?: boolean
  /** Milliseconds to wait for the answer, instead of the connection's own. */
  readonly timeout?: number
}

/** How a request with many answers is to be treated. */
export interface ManyOptions<Response> extends RequestOptions {
  /** Whether this is the answer that only marks the end. */
  readonly last: (answer: Response) => boolean
}

/** What a connection counted. */
export interface ConnectionCounters {
  readonly inFlight: number
  readonly lateAnswers: number
  readonly serverRequestsDropped: number
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Bytes copied on their way in, because packets lay in several pieces of memory. */
  readonly bytesCopied: number
}

/** Longest time between two looks at deadlines and at whether the peer is silent. */
const longestSweep = 250

/** An open connection. */
export class PacketConnection<Response, ServerRequest> implements Owner {
  private readonly options: PacketConnectionOptions<Response, ServerRequest>
  private readonly inlet: Inlet
  private readonly ledger: InFlight
  private readonly timeout: number
  private readonly maxInFlight: number
  private readonly maxSilence: number
  private readonly seen: ((frames: Uint8Array) => void) | undefined
  private transport!: Transport
  /** Requests that wait until the kernel takes bytes again, in order. */
  private held: Array<Sendable<Response>> = []
  private now = 0
  /** The time of its deadlines. */
  readonly timers: Timers
  private sweep: Timer | undefined
  private nextSweep = Infinity
  private heard = 0
  private heardAt = 0
  private dropped = 0
  private pauses = 0
  /** @internal */
  arrived = 0
  private late = 0

  private constructor(options: PacketConnectionOptions<Response, ServerRequest>, timers: Timers) {
    this.options = options
    this.timers = timers
    this.timeout = Duration.toMillis(options.requestTimeout ?? "2500 millis")
    this.maxSilence = Duration.toMillis(options.maxSilence ?? "10 seconds")
    const { onServerRequest, tap: { received, sent } = {} } = options
    this.seen = sent === undefined ? undefined : (frames) => sent(frames, this)
    this.inlet = inletOf<Response, ServerRequest>(options.protocol, {
      isOpen: () => this.transport.closed === undefined,
      pushed: onServerRequest === undefined ? undefined : (push) => onServerRequest(push, this),
      dropped: () => this.dropped++,
      request: options.onPeerRequest,
      misbehaved: (message) => this.misbehaved(message),
      arrived: received === undefined ? undefined : (frame) => received(frame, this)
    }, options)
    this.ledger = this.inlet.ledger
    this.maxInFlight = Math.min(options.maxInFlight ?? Infinity, this.inlet.maxInFlight)
  }

  /** Connects; the connection closes with the scope. */
  static make<Response, ServerRequest>(
    options: PacketConnectionOptions<Response, ServerRequest>
  ): Effect.Effect<PacketConnection<Response, ServerRequest>, ConnectionError, Scope.Scope> {
    return Effect.flatMap(timers, (timers) => {
      const connection = new PacketConnection(options, timers)
      const opened = connect(options, {
        onOpen: (transport) => connection.transport = transport,
        onBytes: (bytes) => connection.receive(bytes),
        unfinished: connection.inlet.unfinished,
        onClose: (error) => connection.lost(error),
        onDrain: () => connection.sendHeld()
      })
      return Effect.as(opened, connection)
    })
  }

  /** `host:port` of the peer. */
  get address(): string {
    return this.transport.address
  }

  /** `host:port` of this side; nothing where it is no socket with ports. */
  get local(): string | undefined {
    return this.transport.local
  }

  /** Milliseconds since something came from the peer; nothing where nothing has. */
  get idle(): number | undefined {
    return this.bytesReceived === 0 ? undefined : Math.max(0, this.timers.now() - this.arrived)
  }

  /** Why the connection is gone, once it is. */
  get closed(): ConnectionError | undefined {
    return this.transport.closed
  }

  /** What was counted so far. */
  get counters(): ConnectionCounters {
    return {
      inFlight: this.ledger.inFlight,
      lateAnswers: this.ledger.lateAnswers + this.late,
      serverRequestsDropped: this.dropped,
      bytesSent: this.transport.bytesSent,
      bytesReceived: this.transport.bytesReceived,
      bytesCopied: this.inlet.copied
    }
  }

  /**
   * Sends one request and waits for its answer, or collects its answers up to the `last`, which is not among them. Interrupting it frees it; a
   * late answer is dropped and counted.
   */
  request(write: WritePacket, options?: RequestOptions): Effect.Effect<Response, ConnectionError | EncodeError>
  request(write: WritePacket, options: ManyOptions<Response>): Effect.Effect<ReadonlyArray<Response>, ConnectionError | EncodeError>
  request(
    write: WritePacket,
    { last, timeout, writes = false }: RequestOptions & Partial<ManyOptions<Response>> = {}
  ): Effect.Effect<Response | ReadonlyArray<Response>, ConnectionError | EncodeError> {
    if (last === undefined) return this.perform((resume) => new Written(single<Response>(writes), resume, write), timeout)
    return this.perform((resume) => new Written(many<Response>(writes), resume, write, last), timeout)
  }

  /** Sends a packet that is not answered, as soon as the kernel takes it. */
  send(write: WritePacket): Effect.Effect<void, ConnectionError | EncodeError> {
    return this.perform((resume) => new Unanswered(write, resume))
  }

  /** Sends a request of any kind (`Sendable`); `make` makes it anew each time the effect is run. */
  perform<A, E>(make: (resume: Resume<A, E>) => Sendable<Response>, timeout?: number): Effect.Effect<A, E> {
    return Effect.callback<A, E>((resume) => this.begin(make(resume), timeout))
  }

  /**
   * Sends a request, which resumes whoever waits for it: within this call when it cannot be sent. While the kernel is behind, it stands in line.
   * Returns what frees it when it is interrupted. This is the callback of `Effect.callback`, for dialects that save an effect per request, and
   * for requests that no fibre waits for: those of relays (`Relayed`), whose callers bound what is in flight, and `Unanswered` ones.
   */
  begin(request: Sendable<Response>, timeout: number = this.timeout): Effect.Effect<void> | undefined {
    request.begin(this, timeout, this.time())
    return this.admit(request) ? request.freed() : undefined
  }

  /** Gives the connection up because the peer has been silent. */
  stalled(awaited: string, milliseconds: number): void {
    this.transport.fail(new PeerStalled({ awaited, milliseconds }))
  }

  /** Gives the connection up because of what the peer sent. */
  misbehaved(message: string): void {
    this.transport.fail(new PeerMisbehaved({ message }))
  }

  /** Stops reading until as many `resume`: what the peer sends waits in the network, and in the end with the peer. */
  pause(): void {
    if (this.pauses++ === 0) this.transport.pause()
  }

  /** Goes on reading, unless it was stopped by others too. */
  resume(): void {
    if (this.pauses > 0 && --this.pauses === 0) this.transport.resume()
  }

  /** Nothing is read for now. */
  get paused(): boolean {
    return this.pauses > 0
  }

  /** Bytes appended that the kernel has not taken. */
  get waiting(): number {
    return this.transport.waiting
  }

  /** Bytes that arrived. */
  get bytesReceived(): number {
    return this.transport.bytesReceived
  }

  /** @internal */
  failure(why: "timeout" | "lost", timeout: number, ambiguous: boolean): ConnectionError {
    return this.error(why === "timeout" ? new RequestTimeout({ milliseconds: timeout }) : this.transport.closed!.reason, ambiguous)
  }

  /** @internal */
  opcodeSince(writer: Writer, bytes: Uint8Array, position: number): number {
    // a packet never lies in two buffers
    return this.inlet.opcodeAt(writer, writer.bytes === bytes ? position : 0)
  }

  /** @internal */
  sent(tag: string): void {
    this.inlet.sent(tag)
  }

  /** @internal */
  unwanted(): void {
    this.late++
  }

  private error(reason: ConnectionReason, ambiguous = false): ConnectionError {
    return stackless(() => new ConnectionError({ reason, address: this.transport.address, ambiguous }))
  }

  /** The time, looked up once per microtask that sends: whatever appends a packet asks for it first. */
  private time(): number {
    if (!this.transport.flushPending) this.now = this.timers.now()
    return this.now
  }

  /** Sends the request, holds it while the kernel is behind, or refuses it. */
  private admit(request: Sendable<Response>): boolean {
    const refused = this.refusal(request.packets)
    if (refused !== undefined) {
      request.refuse(refused)
      return false
    }
    if ((this.transport.blocked || this.held.length > 0) && request.atOnce !== true) {
      this.held.push(request)
      if (request.deadline < this.nextSweep) this.arm(request.deadline)
      return true
    }
    return this.sendOrRefuse(request)
  }

  private refusal(requests: number): ConnectionError | undefined {
    if (this.transport.closed !== undefined) return this.transport.closed
    const { inFlight, owed } = this.ledger
    return inFlight + owed + this.held.length + requests > this.maxInFlight
      ? this.error(new LimitExceeded({ limit: "requests in flight", max: this.maxInFlight }))
      : undefined
  }

  private sendOrRefuse(request: Sendable<Response>): boolean {
    try {
      this.append(request)
      return true
    } catch (error) {
      request.refuse(error as EncodeError)
      return false
    }
  }

  /** Appends the request. Throws `EncodeError`, and then nothing was sent. */
  private append(request: Sendable<Response>): void {
    const { ledger, transport } = this
    const { writer } = transport
    const { bytes, position } = writer
    request.opaque = request.enter(ledger as Ledger<Response>)
    try {
      if (this.seen === undefined) request.write(writer)
      else writeSeen(writer, request, this.seen)
    } catch (error) {
      ledger.drop(request.opaque)
      request.opaque = -1
      throw error
    }
    request.expect(ledger as Ledger<Response>, this.opcodeSince(writer, bytes, position))
    transport.flush()
    if (request.deadline < this.nextSweep) this.arm(request.deadline)
  }

  /** The kernel takes bytes again: whoever came first goes first. */
  private sendHeld(): void {
    const { held } = this
    let next = 0
    for (; next < held.length && !this.transport.blocked; next++) {
      if (!held[next]!.cancelled) this.sendOrRefuse(held[next]!)
    }
    // those resumed above may have come back, and then stand at the end
    if (next > 0) held.splice(0, next)
  }

  /** @internal */
  cancel(request: { cancelled: boolean; readonly opaque: number }): void {
    request.cancelled = true
    if (request.opaque !== -1) this.ledger.abandon(request.opaque)
  }

  private receive(bytes: Uint8Array): void {
    this.arrived = this.timers.now()
    try {
      this.inlet.push(bytes)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.transport.fail(new PeerMisbehaved(error instanceof DecodeError ? { message, error } : { message }))
    }
  }

  private lost(error: ConnectionError): void {
    this.sweep?.cancel()
    this.nextSweep = -Infinity
    const held = this.held
    this.held = []
    this.ledger.failAll()
    for (const request of held) if (!request.cancelled) request.fail("lost")
    this.options.onClose?.(error)
  }

  /** One timer for all deadlines, running only while something is in flight. */
  private arm(deadline: number): void {
    const now = this.timers.now()
    if (this.nextSweep === Infinity) {
      this.heard = this.transport.bytesReceived
      this.heardAt = now
    }
    this.schedule(deadline, now)
  }

  private schedule(deadline: number, now: number): void {
    this.sweep?.cancel()
    const wait = Math.max(1, Math.min(longestSweep, deadline - now))
    this.nextSweep = now + wait
    this.sweep = this.timers.after(wait, this.look)
  }

  /** Fails what is overdue, and gives up a peer that has been silent for too long. */
  private readonly look = (now: number): void => {
    const { bytesReceived } = this.transport
    if (this.paused || bytesReceived !== this.heard) {
      this.heard = bytesReceived
      this.heardAt = now
    }
    this.ledger.expire(now)
    const heldDeadline = this.expireHeld(now)
    if (this.transport.closed !== undefined) return
    const { inFlight, nextDeadline, owed } = this.ledger
    if (owed > 0 && now - this.heardAt >= this.maxSilence) {
      this.transport.fail(new PeerStalled({ awaited: "byte of the answers owed", milliseconds: this.maxSilence }))
    } else if (inFlight + owed + this.held.length > 0) this.schedule(Math.min(nextDeadline, heldDeadline), now)
    else this.nextSweep = Infinity
  }

  /** Fails what was held for too long; returns when the next of them is due. */
  private expireHeld(now: number): number {
    if (this.held.length === 0) return Infinity
    const overdue = this.held.filter((request) => request.deadline <= now && !request.cancelled)
    this.held = this.held.filter((request) => request.deadline > now && !request.cancelled)
    for (const request of overdue) request.fail("timeout")
    return this.held.reduce((first, { deadline }) => Math.min(first, deadline), Infinity)
  }
}
