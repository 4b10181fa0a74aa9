/**
 * One connection of a server: frames in, answers out, and never more of either than the limits allow.
 *
 * Frames are handled in the order in which they came, as long as neither the handler (`pause`) nor a client that does not read what it asked
 * for (`maxOutput`) holds them; meanwhile nothing is read. It knows no commands and never repeats, drops or reorders a frame.
 */
import { accepted } from "./Accepted.ts"
import { DecodeError, Framer, type Reader, type Writer } from "@wirewright/codec"
import type { Duplex } from "node:stream"
import type { TLSSocket } from "node:tls"
import { type ConnectionError, PeerMisbehaved, PeerStalled } from "./Errors.ts"
import { writeSeen } from "./Tap.ts"
import type { Timers } from "./Timers.ts"
import type { Transport } from "./Transport.ts"
import type { HeldMemory, Holder } from "./HeldMemory.ts"
import type { ChoosingServerOptions, PacketProtocol, ServerLimits } from "./PacketServerOptions.ts"
import type { Frame, PacketHandler, ServerCalls, ServerClient } from "./ServerClient.ts"

/** Counters of a server, all zero. */
export const counts = () => ({
  accepted: 0,
  refused: 0,
  outOfFiles: 0,
  requests: 0,
  malformed: 0,
  misbehaved: 0,
  timeouts: 0,
  idle: 0,
  crowdedOut: 0,
  defects: 0,
  received: 0,
  sent: 0
})

/** What the connections of a server share. */
export interface Shared<Request> {
  readonly options: ServerLimits
  /** The protocol, or what chooses a connection's by its first bytes. */
  readonly spoken: PacketProtocol<Request> | ChoosingServerOptions<Request>["choose"]
  readonly timers: Timers
  /** Told of what a handler threw. */
  readonly onDefect: (defect: unknown, client: ServerClient) => void
  readonly maxOutput: number
  readonly counts: ReturnType<typeof counts>
  readonly clients: Set<ServerConnection<Request>>
  readonly held: HeldMemory<ServerConnection<Request>>
  readonly maxStrangerFrame: number
  /** Those who are not admitted, the oldest first. */
  readonly unauthenticated: Set<ServerConnection<Request>>
  readonly heldForStrangers: HeldMemory<ServerConnection<Request>>
  /** How long requests take, where that is told. */
  calls: ServerCalls | undefined
}

/** Times in milliseconds after which a connection is closed. */
export interface Deadlines {
  /** Without a byte in either direction. */
  readonly idle: number
  /** For a header that has begun. */
  readonly header: number
  /** For a frame that has begun. */
  readonly frame: number
  /** For a client that is not admitted. */
  readonly admission: number
}

/** Bytes by which a protocol must have been chosen. */
const longestOpening = 4096

/**
 * What a held frame takes at least: a short one takes more memory as an object than as bytes.
 */
const leastFrame = 128

/** Whom an authority of the server's vouches for. */
const vouchedFor = (socket: Duplex): string | undefined => {
  const { authorized } = socket as Partial<TLSSocket>
  if (authorized !== true) return undefined
  const name: string | ReadonlyArray<string> | undefined = (socket as TLSSocket).getPeerCertificate().subject?.CN
  return typeof name === "string" ? name : undefined
}

/** A connection of a server. */
export class ServerConnection<Request> implements ServerClient, Holder {
  readonly id: number
  readonly certificateName: string | undefined
  noted = 0
  readonly transport: Transport
  private readonly shared: Shared<Request>
  private handler: PacketHandler<Request> | undefined
  private decode: PacketProtocol<Request>["decode"] | undefined
  private framer: Framer | undefined
  /** Largest frame of an admitted client. */
  private maxFrame = 0
  /** What came before the protocol was chosen. */
  private opening: Uint8Array | undefined
  private readonly seen: ((frames: Uint8Array) => void) | undefined
  /** Frames that arrived and wait until handling goes on. */
  private held: Array<Frame> = []
  private next = 0
  private stopped = false
  private reading = true
  private congested = false
  private handling = false
  private moved = 0
  private movedAt: number
  private heldBytes = 0
  private frameOffset = -1
  private frameSince = 0
  private readonly since: number

  constructor(shared: Shared<Request>, socket: Duplex, id: number) {
    const { timers } = shared
    const now = timers.now()
    this.shared = shared
    this.id = id
    this.certificateName = vouchedFor(socket)
    this.movedAt = now
    this.since = now
    if (shared.options.unauthenticated !== undefined) shared.unauthenticated.add(this)
    this.transport = accepted(
      socket,
      {
        onBytes: (bytes) => this.receive(bytes),
        onClose: (error) => this.lost(error),
        onDrain: () => this.drained()
      },
      timers,
      shared.options.path
    )
    const { opened, sent } = shared.options.tap ?? {}
    this.seen = sent === undefined ? undefined : (frames) => sent(frames, this)
    opened?.(this)
    if (typeof shared.spoken !== "function") this.speak(shared.spoken)
  }

  private speak({ decode, frameShape: shape, handler }: PacketProtocol<Request>): Framer {
    const frameShape = typeof shape === "function" ? shape(this) : shape
    const { maxStrangerFrame, options, unauthenticated } = this.shared
    this.maxFrame = options.maxFrame ?? frameShape.maxFrame
    this.framer = new Framer(frameShape, {
      maxFrame: unauthenticated.has(this) ? Math.min(maxStrangerFrame, this.maxFrame) : this.maxFrame
    })
    this.decode = decode
    this.handler = handler(this)
    return this.framer
  }

  /** Chooses the protocol, once, when enough has come for that. */
  private choose(bytes: Uint8Array, choose: ChoosingServerOptions<Request>["choose"]): void {
    const { opening } = this
    let first = bytes
    if (opening !== undefined) {
      first = new Uint8Array(opening.length + bytes.length)
      first.set(opening)
      first.set(bytes, opening.length)
    }
    const protocol = choose(first, this)
    if (protocol === undefined) {
      this.opening = first
      if (first.length > longestOpening) this.misbehaved(`no protocol begins with these ${first.length} bytes`)
      return
    }
    this.opening = undefined
    this.speak(protocol).push(first, this.frame)
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

  get calls(): ServerCalls | undefined {
    return this.shared.calls
  }

  reply(write: (writer: Writer) => void): void {
    if (this.transport.closed !== undefined) return
    if (this.seen === undefined) write(this.transport.writer)
    else writeSeen(this.transport.writer, { write }, this.seen)
    this.transport.flush()
    if (this.transport.waiting > this.shared.maxOutput) this.congest()
    this.weigh()
  }

  /** Bytes of its frames and answers that are held. */
  get holding(): number {
    if (this.transport.closed !== undefined) return 0
    return (this.framer?.allocated ?? this.opening?.length ?? 0) + this.heldBytes + this.transport.waiting
  }

  admit(): void {
    const { unauthenticated, heldForStrangers } = this.shared
    if (!unauthenticated.delete(this)) return
    heldForStrangers.forget(this)
    if (this.framer !== undefined) this.framer.maxFrame = this.maxFrame
    this.weigh()
  }

  /** Closes because others need the place. */
  crowdedOut(message: string): void {
    if (this.transport.closed !== undefined) return
    this.shared.counts.crowdedOut++
    this.transport.fail(new PeerMisbehaved({ message }))
  }

  /** Notes what is held; as long as that is too much for all, whoever has the most is closed. */
  private weigh(): void {
    const { held, heldForStrangers, unauthenticated } = this.shared
    const memory = unauthenticated.has(this) ? heldForStrangers : held
    if (!memory.note(this)) return
    for (let largest = memory.largest(); largest !== undefined; largest = memory.largest()) {
      largest.crowdedOut(`more than ${memory.limit} bytes are held for clients, and most of them for this one`)
    }
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
    setImmediate(() => {
      if (this.transport.closed === undefined) this.guarded(run)
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

  /** Closes what has been silent, or busy with one frame, for too long. */
  check(now: number, { admission, frame, header, idle }: Deadlines): void {
    const { framer, transport } = this
    const moved = transport.bytesReceived + transport.bytesSent - transport.waiting
    if (moved !== this.moved) {
      this.moved = moved
      this.movedAt = now
    } else if (now - this.movedAt >= idle) {
      this.shared.counts.idle++
      return this.late("byte in either direction", idle)
    }
    if (now - this.since >= admission && this.shared.unauthenticated.has(this)) return this.late("signing in", admission)
    // while this side does not read, the rest of a frame cannot come
    const offset = framer === undefined ? 0 : framer.offset
    if ((framer?.buffered ?? this.opening?.length ?? 0) === 0 || !this.reading) this.frameOffset = -1
    else if (offset !== this.frameOffset) {
      this.frameOffset = offset
      this.frameSince = now
    } else if (framer?.lacking === undefined && now - this.frameSince >= header) {
      this.late("whole header", header)
    } else if (now - this.frameSince >= frame) this.late("whole frame", frame)
  }

  private late(awaited: string, milliseconds: number): void {
    this.shared.counts.timeouts++
    this.transport.fail(new PeerStalled({ awaited, milliseconds }))
  }

  private receive(bytes: Uint8Array): void {
    this.handling = true
    try {
      if (this.framer === undefined) this.choose(bytes, this.shared.spoken as ChoosingServerOptions<Request>["choose"])
      else this.framer.push(bytes, this.frame)
    } catch (error) {
      if (error instanceof DecodeError) this.misbehaved(error.message, error)
      else this.defect(error)
    }
    this.handling = false
    // a handler may have paused and resumed while it handled these frames
    if (this.next < this.held.length || !this.reading) this.goOn()
    this.weigh()
  }

  private readonly frame = (reader: Reader, at: number, end: number): void => {
    if (this.transport.closed !== undefined) return
    this.shared.options.tap?.received?.(reader.bytes.subarray(at, end), this)
    if (this.stopped || this.congested || this.next < this.held.length) {
      this.held.push({ reader, at, end })
      this.heldBytes += Math.max(leastFrame, end - at)
    } else this.handle(reader, at, end)
  }

  private handle(reader: Reader, at: number, end: number): void {
    this.shared.counts.requests++
    let request: Request
    try {
      request = this.decode!(reader, at, this)
    } catch (error) {
      if (!(error instanceof DecodeError)) return this.defect(error)
      this.shared.counts.malformed++
      return this.guarded(() => this.handler!.onMalformed(error, { reader, at, end }))
    }
    try {
      this.handler!.onRequest(request, reader, at, end)
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
    this.weigh()
    if (this.handler?.onDrain !== undefined) this.guarded(this.handler.onDrain)
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
    this.held.length = 0
    this.next = 0
    this.heldBytes = 0
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
    this.shared.onDefect(defect, this)
    this.transport.close("this side, after a defect")
  }

  private lost(error: ConnectionError): void {
    this.held = []
    this.next = 0
    const { clients, counts, held, heldForStrangers, unauthenticated } = this.shared
    clients.delete(this)
    const memory = unauthenticated.delete(this) ? heldForStrangers : held
    memory.forget(this)
    counts.received += this.transport.bytesReceived
    counts.sent += this.transport.bytesSent
    this.guarded(() => this.handler?.onClose(error))
    this.guarded(() => this.shared.options.tap?.closed?.(this))
  }
}
