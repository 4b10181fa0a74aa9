/**
 * A socket and the two things that make it fast: it reads into pooled slabs, and it writes once per microtask.
 *
 * No part of a slab is read into twice, so views into what was received stay valid without a copy. Bytes to send are appended to `writer`
 * and leave together at the end of the microtask; while the kernel is behind, `blocked` is true and senders wait (`writable`). It knows
 * nothing of packets.
 */
import { PooledWriter } from "@wirewright/codec"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import type { Duplex } from "node:stream"
import * as Tls from "node:tls"
import { addressOf, unixAddress } from "./Address.ts"
import { ConnectFailed, ConnectionClosed, ConnectionError, ConnectionLost, type ConnectionReason, ConnectTimeout } from "./Errors.ts"
import { type Timer, type Timers, timers } from "./Timers.ts"

/** Where to connect and how. */
export interface TransportOptions {
  readonly host: string
  readonly port: number
  /** A Unix socket, instead of host and port; TLS then needs a `servername` of its own where names are checked. */
  readonly path?: string
  /** TLS when given; client certificates and own authorities are part of these options. */
  readonly tls?: Tls.ConnectionOptions
  /**
   * Makes what is spoken over instead of a TCP connection; it is open when it is returned, and what it throws is why there is none. `tls` does
   * not apply to it.
   */
  readonly dial?: (to: { readonly host: string; readonly port: number }) => Duplex
  /** Time for DNS, TCP and TLS together. Default: 5 seconds. */
  readonly connectTimeout?: Duration.Input
  /** Idle time after which TCP keep-alive probes find a half-open peer. Default: 10 seconds. */
  readonly keepAlive?: Duration.Input
}

/** Receives what happens on a transport, in its callbacks. */
export interface TransportSink {
  /** The transport is there; called before everything else. */
  readonly onOpen?: (transport: Transport) => void
  /** Bytes that arrived. Views into them stay valid. */
  readonly onBytes: (bytes: Uint8Array) => void
  /** The transport is gone; called once. */
  readonly onClose: (error: ConnectionError) => void
  /** The kernel, which had taken no more, has taken everything. */
  readonly onDrain?: () => void
}

const readSize = 64 * 1024
const slabSize = 256 * 1024
/** Bytes appended above which they are sent at once: what one microtask appends would otherwise have no bound. */
const sendAbove = 128 * 1024
/** Time a peer has to read what is left and to close its side, after this side has ended. */
const lingerMilliseconds = 2_000

/** Least room of a slab that is read into. */
const leastRoom = 16 * 1024

/** Memory that is read into, each part of it once: views into what was read stay valid, and nothing is copied. */
class Slabs {
  private slab: Uint8Array = Buffer.allocUnsafeSlow(slabSize)
  private used = 0

  /** Room for the next read. */
  readonly room = (): Uint8Array => {
    if (slabSize - this.used < leastRoom) {
      this.slab = Buffer.allocUnsafeSlow(slabSize)
      this.used = 0
    }
    return this.slab.subarray(this.used, this.used + readSize)
  }

  /** What was read into the last room. */
  taken(length: number): Uint8Array {
    const bytes = new Uint8Array(this.slab.buffer, this.used, length)
    this.used += length
    return bytes
  }
}

/** An open socket. */
export class Transport {
  /** Bytes to send are appended here, followed by `flush`. */
  readonly writer = new PooledWriter()
  readonly address: string
  private readonly socket: Duplex
  private readonly sink: TransportSink
  private flushing = false
  private error: ConnectionError | undefined
  private drained: Deferred.Deferred<void, ConnectionError> | undefined
  private sent = 0
  private received = 0
  /** Segments that Node was given and may still read. */
  private inKernel: Array<Uint8Array> = []
  private readonly timers: Timers
  private linger: Timer | undefined

  constructor(socket: Duplex, address: string, sink: TransportSink, timers: Timers) {
    this.socket = socket
    this.timers = timers
    this.address = address
    this.sink = sink
    socket.on("drain", () => this.release())
    socket.on("error", (cause) => this.fail(new ConnectionLost({ cause })))
    socket.on("close", () => {
      this.linger?.cancel()
      this.fail(new ConnectionLost({ cause: "closed by the peer" }))
    })
    sink.onOpen?.(this)
  }

  /** Bytes written to the socket. */
  get bytesSent(): number {
    return this.sent
  }

  /** Bytes read from the socket. */
  get bytesReceived(): number {
    return this.received
  }

  /** Why the transport is gone, once it is. */
  get closed(): ConnectionError | undefined {
    return this.error
  }

  /** Bytes appended that the kernel has not taken. */
  get waiting(): number {
    return this.writer.length + this.socket.writableLength
  }

  /** Something was appended in this microtask, and will leave at its end. */
  get flushPending(): boolean {
    return this.flushing
  }

  /** The kernel takes no more for now. */
  get blocked(): boolean {
    return this.drained !== undefined
  }

  /** Waits until the kernel takes more. */
  readonly writable: Effect.Effect<void, ConnectionError> = Effect.suspend(() => {
    if (this.error !== undefined) return Effect.fail(this.error)
    return this.drained === undefined ? Effect.void : Deferred.await(this.drained)
  })

  /** Sends what was appended, together with whatever else is appended in this microtask; at once when that is much. */
  flush(): void {
    if (this.writer.length > sendAbove) this.sendNow()
    else if (!this.flushing) {
      this.flushing = true
      queueMicrotask(this.write)
    }
  }

  /** Sends what was appended without waiting for the end of the microtask. */
  sendNow(): void {
    if (this.error !== undefined) return this.writer.truncate(0)
    if (this.writer.length === 0) return
    const segments = this.writer.takeSegments()
    if (segments.length > 1) this.socket.cork()
    let taken = true
    for (const segment of segments) {
      this.sent += segment.length
      this.inKernel.push(segment)
      taken = this.socket.write(segment, this.written)
    }
    if (segments.length > 1) this.socket.uncork()
    if (this.socket.writableLength === 0) this.written()
    // Node answers before it tries, so a large write that the kernel took at once looks refused
    else if (!taken && this.drained === undefined) this.drained = Deferred.makeUnsafe()
  }

  /** Stops reading until `resume`. */
  pause(): void {
    this.socket.pause()
  }

  /** Goes on reading. */
  resume(): void {
    this.socket.resume()
  }

  /** Closes at once; what was appended is lost. */
  close(by: string): void {
    this.fail(new ConnectionClosed({ by }))
  }

  /** Sends what was appended, then closes. A peer that does not read it, or keeps its side open, is given 2 seconds. */
  end(by: string): void {
    if (this.error !== undefined) return
    this.sendNow()
    this.socket.end()
    // a paused socket would not see the peer close
    this.socket.resume()
    this.linger = this.timers.after(lingerMilliseconds, () => this.socket.destroy(), { unref: true })
    this.fail(new ConnectionClosed({ by }), false)
  }

  /** Closes: at once when nothing is left to send, otherwise like `end`. */
  shut(by: string): void {
    if (this.waiting > 0) this.end(by)
    else this.close(by)
  }

  /** Gives the transport up because of what the peer did. */
  fail(reason: ConnectionReason, destroy = true): void {
    if (this.error !== undefined) return
    this.error = new ConnectionError({ reason, address: this.address, ambiguous: false })
    if (destroy) this.socket.destroy()
    const drained = this.drained
    this.drained = undefined
    // both run what others wrote, so this object is finished first
    this.sink.onClose(this.error)
    if (drained !== undefined) Deferred.doneUnsafe(drained, Effect.fail(this.error))
  }

  /** Takes bytes from whoever reads the socket. */
  receive(bytes: Uint8Array): void {
    this.received += bytes.length
    if (this.error === undefined) this.sink.onBytes(bytes)
  }

  private readonly write = (): void => {
    this.flushing = false
    this.sendNow()
  }

  /** Gives buffers back once Node has nothing left of them. */
  private readonly written = (): void => {
    if (this.inKernel.length === 0 || this.socket.writableLength > 0) return
    for (const segment of this.inKernel) this.writer.release(segment)
    this.inKernel = []
  }

  private release(): void {
    const drained = this.drained
    this.drained = undefined
    if (drained !== undefined) Deferred.doneUnsafe(drained, Effect.void)
    this.sink.onDrain?.()
  }
}

/** Speaks over a stream that is open. What it reads is its own to keep, so it needs no copy. */
const over = (stream: Duplex, address: string, sink: TransportSink, timers: Timers): Transport => {
  const transport = new Transport(stream, address, sink, timers)
  stream.on("data", (chunk: Uint8Array) => transport.receive(chunk))
  // as sockets do: a peer that has ended its side answers nothing more
  stream.on("end", () => stream.end())
  return transport
}

/** Connects; the transport closes with the scope. */
export const connect = (options: TransportOptions, sink: TransportSink): Effect.Effect<Transport, ConnectionError, Scope.Scope> =>
  Effect.flatMap(timers, (timers) => connectWith(options, sink, timers))

const connectWith = (
  options: TransportOptions,
  sink: TransportSink,
  timers: Timers
): Effect.Effect<Transport, ConnectionError, Scope.Scope> => {
  const address = addressOf(options)
  const failed = (reason: ConnectionReason): ConnectionError => new ConnectionError({ reason, address, ambiguous: false })
  const { dial } = options
  if (dial !== undefined) {
    return Effect.acquireRelease(
      Effect.map(
        Effect.try({ try: () => dial(options), catch: (cause) => failed(new ConnectFailed({ cause })) }),
        (stream) => over(stream, address, sink, timers)
      ),
      (transport) => Effect.sync(() => transport.shut("this side"))
    )
  }
  const timeout = Duration.toMillis(options.connectTimeout ?? "5 seconds")
  const open = Effect.callback<Transport, ConnectionError>((resume) => {
    const slabs = new Slabs()
    let transport: Transport | undefined
    const base = {
      ...(options.path === undefined ? { host: options.host, port: options.port } : { path: options.path }),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: Duration.toMillis(options.keepAlive ?? "10 seconds"),
      onread: {
        buffer: slabs.room,
        callback: (length: number): boolean => {
          const bytes = slabs.taken(length)
          transport?.receive(bytes)
          return true
        }
      }
    }
    const socket = options.tls === undefined
      ? Net.connect(base)
      : Tls.connect({ servername: Net.isIP(options.host) === 0 ? options.host : "", ...options.tls, ...base } as Tls.ConnectionOptions)
    // an error that comes when no caller waits any more has nobody to tell
    socket.on("error", () => {})
    const refused = (cause: unknown): void => resume(Effect.fail(failed(new ConnectFailed({ cause }))))
    const closed = (): void => refused("closed before the connection was made")
    socket.once("error", refused)
    socket.once("close", closed)
    socket.once(options.tls === undefined ? "connect" : "secureConnect", () => {
      socket.off("error", refused)
      socket.off("close", closed)
      transport = new Transport(socket, address, sink, timers)
      resume(Effect.succeed(transport))
    })
    return Effect.sync(() => socket.destroy())
  })
  return Effect.acquireRelease(open, (transport) => Effect.sync(() => transport.shut("this side")), { interruptible: true }).pipe(
    Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(failed(new ConnectTimeout({ milliseconds: timeout }))) })
  )
}

/** Makes a transport of a socket that was accepted, on a Unix socket where there is a `path`, or of another stream. */
export const accepted = (socket: Duplex, sink: TransportSink, timers: Timers, path?: string): Transport => {
  if (!(socket instanceof Net.Socket)) return over(socket, "in memory", sink, timers)
  if (path !== undefined) return over(socket, unixAddress(path), sink, timers)
  socket.setNoDelay(true)
  return over(socket, `${socket.remoteAddress}:${socket.remotePort}`, sink, timers)
}
