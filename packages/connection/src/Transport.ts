/**
 * What a connection speaks over, whatever that is: it writes once per microtask.
 *
 * Bytes to send are appended to `writer` and leave together at the end of the microtask; while the kernel is behind, `blocked` is true and
 * senders wait (`writable`). It knows nothing of packets, and needs nothing of Node.
 */
import { PooledWriter, type Unfinished } from "@wirewright/codec"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Tls from "node:tls"
import { hostPort } from "./Address.ts"
import { certificateRefused } from "./Certificates.ts"
import { ConnectionClosed, ConnectionError, ConnectionLost, type ConnectionReason } from "./Errors.ts"
import type { Link } from "./Link.ts"
import type { Timer, Timers } from "./Timers.ts"

/** Where to connect and how. Browsers have no sockets: there it takes a `dial`, such as `webSocket`. */
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
  readonly dial?: (to: { readonly host: string; readonly port: number }) => Link
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
  /** What is there of a packet that is not all there: the rest of it is read to where it belongs, as far as that can be chosen. */
  readonly unfinished?: Unfinished
  /** The transport is gone; called once. */
  readonly onClose: (error: ConnectionError) => void
  /** The kernel, which had taken no more, has taken everything. */
  readonly onDrain?: () => void
}

/** Bytes appended above which they are sent at once: what one microtask appends would otherwise have no bound. */
const sendAbove = 128 * 1024
/** Time a peer has to read what is left and to close its side, after this side has ended. */
const lingerMilliseconds = 2_000

/** An open socket. */
export class Transport {
  /** Bytes to send are appended here, followed by `flush`. */
  readonly writer = new PooledWriter()
  readonly address: string
  /** `host:port` of this side; nothing where it is no socket with ports. */
  readonly local: string | undefined
  private readonly socket: Link
  private readonly sink: TransportSink
  private flushing = false
  private error: ConnectionError | undefined
  private drained: Deferred.Deferred<void, ConnectionError> | undefined
  private sent = 0
  private received = 0
  /** Segments that were handed over and may still be read. */
  private inKernel: Array<Uint8Array> = []
  private readonly timers: Timers
  private linger: Timer | undefined

  constructor(socket: Link, address: string, sink: TransportSink, timers: Timers) {
    this.socket = socket
    this.timers = timers
    this.address = address
    // a socket that is gone knows it no more
    const { localAddress, localPort } = socket
    this.local = localAddress === undefined || localPort === undefined ? undefined : hostPort(localAddress, localPort)
    this.sink = sink
    socket.on("drain", () => this.release())
    // in TLS 1.3 the peer looks at our certificate after the handshake is over for us
    socket.on("error", (cause) => this.fail(certificateRefused(cause) ?? new ConnectionLost({ cause })))
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

  /** Gives buffers back once nothing is left of them to send. */
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
export const over = (stream: Link, address: string, sink: TransportSink, timers: Timers): Transport => {
  const transport = new Transport(stream, address, sink, timers)
  stream.on("data", (chunk: Uint8Array) => transport.receive(chunk))
  // as sockets do: a peer that has ended its side answers nothing more
  stream.on("end", () => stream.end())
  return transport
}
