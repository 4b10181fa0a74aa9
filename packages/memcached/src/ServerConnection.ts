/**
 * One connection of a server: frames in, answers out, and never more of either than the limits allow.
 *
 * Frames are handled in the order in which they came, as long as neither the handler (`pause`) nor a client that does not read what it asked
 * for (`maxOutput`) holds them; meanwhile nothing is read. It knows no commands and never repeats, drops or reorders a frame.
 */
import { DecodeError, Framer, type Reader, type Writer } from "@wirewright/codec"
import { accepted, type ConnectionError, PeerMisbehaved, PeerStalled, type Transport } from "@wirewright/connection"
import * as Effect from "effect/Effect"
import type { Duplex } from "node:stream"
import type { PacketServerOptions } from "./PacketServer.ts"

/** What one connection's requests are given to, in the callbacks of its socket. */
export interface PacketHandler<Request> {
  /** Answers now or later through `ServerClient.reply`. The request's frame begins at `reader.bytes[at]`. */
  readonly onRequest: (request: Request, reader: Reader, at: number) => void
  /** One frame, `reader.bytes[at, end)`, is no packet. The next frame follows unless this closes the connection. */
  readonly onMalformed: (error: DecodeError, frame: Frame) => void
  /** All that waited for the client has been handed to the kernel. */
  readonly onDrain?: () => void
  /** The connection is gone; called once. */
  readonly onClose: (error: ConnectionError) => void
}

/** A frame as it lies in a buffer. */
export interface Frame {
  readonly reader: Reader
  readonly at: number
  readonly end: number
}

/** The client at the other end of a connection. */
export interface ServerClient {
  /** Its number among the connections of this server, from 1. */
  readonly id: number
  /** `host:port` of the client. */
  readonly address: string
  /** Why the connection is gone, once it is. */
  readonly closed: ConnectionError | undefined
  /** Bytes that wait for the client. */
  readonly waiting: number
  /** Appends packets to what is sent at the end of the microtask; does nothing once the connection is gone. Throws `EncodeError`. */
  reply(write: (writer: Writer) => void): void
  /** Handles and reads nothing more until `resume`. Frames that have arrived are kept. */
  pause(): void
  /** Goes on with what arrived. */
  resume(): void
  /**
   * Goes on with `run` in a later turn of the event loop, unless the connection is gone by then. Requests wait until nothing is put off any
   * more. What `run` throws closes the connection.
   */
  putOff(run: () => void): void
  /** Sends what was appended, then closes. */
  end(by: string): void
  /** Closes at once; what was appended is lost. */
  close(by: string): void
  /** Closes at once, because of what the client did. */
  misbehaved(message: string, error?: DecodeError): void
}

/** Counters of a server, all zero. */
export const counts = () => ({
  accepted: 0,
  refused: 0,
  requests: 0,
  malformed: 0,
  misbehaved: 0,
  timeouts: 0,
  defects: 0,
  received: 0,
  sent: 0
})

/** What the connections of a server share. */
export interface Shared<Request> {
  readonly options: PacketServerOptions<Request>
  readonly maxOutput: number
  readonly counts: ReturnType<typeof counts>
  readonly clients: Set<ServerConnection<Request>>
}

/** A connection of a server. */
export class ServerConnection<Request> implements ServerClient {
  readonly id: number
  readonly transport: Transport
  private readonly shared: Shared<Request>
  private readonly handler: PacketHandler<Request>
  private readonly framer: Framer
  /** Frames that arrived and wait until handling goes on. */
  private held: Array<Frame> = []
  private next = 0
  private stopped = false
  private putOffs = 0
  private reading = true
  private congested = false
  private handling = false
  private moved = 0
  private movedAt: number
  private headerOffset = -1
  private headerSince = 0

  constructor(shared: Shared<Request>, socket: Duplex, id: number, now: number) {
    this.shared = shared
    this.id = id
    this.movedAt = now
    const { frameShape, maxFrame, handler } = shared.options
    this.framer = new Framer(frameShape, maxFrame === undefined ? {} : { maxFrame })
    this.transport = accepted(socket, {
      onBytes: (bytes) => this.receive(bytes),
      onClose: (error) => this.lost(error),
      onDrain: () => this.drained()
    })
    this.handler = handler(this)
  }

  get address(): string {
    return this.transport.address
  }

  get closed(): ConnectionError | undefined {
    return this.transport.closed
  }

  get waiting(): number {
    return this.transport.waiting
  }

  reply(write: (writer: Writer) => void): void {
    if (this.transport.closed !== undefined) return
    write(this.transport.writer)
    this.transport.flush()
    if (this.transport.waiting > this.shared.maxOutput) this.congest()
  }

  pause(): void {
    this.stopped = true
    this.stopReading()
  }

  resume(): void {
    if (!this.stopped) return
    this.stopped = false
    if (!this.handling) this.goOn()
  }

  putOff(run: () => void): void {
    this.putOffs++
    this.pause()
    setImmediate(() => {
      if (this.transport.closed !== undefined) return
      this.guarded(run)
      if (--this.putOffs === 0) this.resume()
    })
  }

  end(by: string): void {
    this.transport.end(by)
  }

  close(by: string): void {
    this.transport.close(by)
  }

  misbehaved(message: string, error?: DecodeError): void {
    if (this.transport.closed !== undefined) return
    this.shared.counts.misbehaved++
    // answers to what came before are due
    this.transport.sendNow()
    this.transport.fail(new PeerMisbehaved(error === undefined ? { message } : { message, error }))
  }

  /** Closes what has been silent, or busy with one header, for too long. */
  check(now: number, idle: number, header: number): void {
    const { framer, transport } = this
    const moved = transport.bytesReceived + transport.bytesSent - transport.waiting
    if (moved !== this.moved) {
      this.moved = moved
      this.movedAt = now
    } else if (now - this.movedAt >= idle) return this.late("byte in either direction", idle)
    const inHeader = framer.buffered > 0 && framer.buffered < this.shared.options.frameShape.headerSize
    if (!inHeader) this.headerOffset = -1
    else if (framer.offset !== this.headerOffset) {
      this.headerOffset = framer.offset
      this.headerSince = now
    } else if (now - this.headerSince >= header) this.late("whole header", header)
  }

  private late(awaited: string, milliseconds: number): void {
    this.shared.counts.timeouts++
    this.transport.fail(new PeerStalled({ awaited, milliseconds }))
  }

  private receive(bytes: Uint8Array): void {
    this.handling = true
    try {
      this.framer.push(bytes, this.frame)
    } catch (error) {
      if (error instanceof DecodeError) this.misbehaved(error.message, error)
      else this.defect(error)
    }
    this.handling = false
    // a handler may have paused and resumed while it handled these frames
    if (this.next < this.held.length || !this.reading) this.goOn()
  }

  private readonly frame = (reader: Reader, at: number, end: number): void => {
    if (this.transport.closed !== undefined) return
    if (this.stopped || this.congested || this.next < this.held.length) this.held.push({ reader, at, end })
    else this.handle(reader, at, end)
  }

  private handle(reader: Reader, at: number, end: number): void {
    this.shared.counts.requests++
    let request: Request
    try {
      request = this.shared.options.decode(reader, at, this)
    } catch (error) {
      if (!(error instanceof DecodeError)) return this.defect(error)
      this.shared.counts.malformed++
      return this.guarded(() => this.handler.onMalformed(error, { reader, at, end }))
    }
    try {
      this.handler.onRequest(request, reader, at)
    } catch (error) {
      this.defect(error)
    }
  }

  /** Holds everything until the client has read. */
  private congest(): void {
    if (this.congested || this.transport.closed !== undefined) return
    this.congested = true
    this.stopReading()
    // the kernel may take all of it at once, and then there is nothing to drain
    setImmediate(() => {
      if (!this.transport.blocked) this.drained()
    })
  }

  private drained(): void {
    if (this.transport.closed !== undefined) return
    if (this.handler.onDrain !== undefined) this.guarded(this.handler.onDrain)
    if (!this.congested) return
    this.congested = false
    this.goOn()
  }

  /** Handles what is held, then reads on. */
  private goOn(): void {
    this.handling = true
    while (this.next < this.held.length && !this.stopped && !this.congested && this.transport.closed === undefined) {
      const { reader, at, end } = this.held[this.next++]!
      this.handle(reader, at, end)
    }
    this.handling = false
    if (this.next < this.held.length) return
    this.held = []
    this.next = 0
    if (this.reading || this.stopped || this.congested) return
    this.reading = true
    this.transport.resume()
  }

  private stopReading(): void {
    if (!this.reading) return
    this.reading = false
    this.transport.pause()
  }

  private guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.defect(error)
    }
  }

  private defect(defect: unknown): void {
    this.shared.counts.defects++
    const { onDefect } = this.shared.options
    if (onDefect === undefined) Effect.runFork(Effect.logError("a request was not handled", defect))
    else onDefect(defect, this)
    this.transport.close("this side, after a defect")
  }

  private lost(error: ConnectionError): void {
    this.held = []
    this.next = 0
    const { clients, counts } = this.shared
    clients.delete(this)
    counts.received += this.transport.bytesReceived
    counts.sent += this.transport.bytesSent
    this.guarded(() => this.handler.onClose(error))
  }
}
