/**
 * A socket and the two things that make it fast: one reused read buffer, and one write per microtask.
 *
 * Bytes received are copied out of the read buffer into pooled slabs, so views into them stay valid. Bytes to send are appended to `writer`
 * and leave together at the end of the microtask; while the kernel is behind, `blocked` is true and senders wait (`writable`). It knows
 * nothing of packets.
 */
import { Writer } from "@wirewright/codec"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { ConnectFailed, ConnectionClosed, ConnectionError, ConnectionLost, type ConnectionReason, ConnectTimeout } from "./Errors.ts"

/** Where to connect and how. */
export interface TransportOptions {
  readonly host: string
  readonly port: number
  /** TLS when given; client certificates and own authorities are part of these options. */
  readonly tls?: Tls.ConnectionOptions
  /** Time for DNS, TCP and TLS together; 5 seconds unless said otherwise. */
  readonly connectTimeout?: Duration.Input
  /** Idle time after which TCP keep-alive probes find a half-open peer; 10 seconds unless said otherwise. */
  readonly keepAlive?: Duration.Input
}

/** Receives what happens on a transport, in its callbacks. */
export interface TransportSink {
  /** Bytes that arrived. Views into them stay valid. */
  readonly onBytes: (bytes: Uint8Array) => void
  /** The transport is gone; called once. */
  readonly onClose: (error: ConnectionError) => void
}

const readSize = 64 * 1024
const slabSize = 256 * 1024

/** Copies what was read into slabs that are never written again. */
class Slabs {
  private slab = new Uint8Array(slabSize)
  private used = 0

  copy(bytes: Uint8Array, length: number): Uint8Array {
    if (this.used + length > slabSize) {
      this.slab = new Uint8Array(slabSize)
      this.used = 0
    }
    const out = new Uint8Array(this.slab.buffer, this.used, length)
    if (length === bytes.length) out.set(bytes)
    else out.set(new Uint8Array(bytes.buffer, bytes.byteOffset, length))
    this.used += length
    return out
  }
}

/** An open socket. */
export class Transport {
  /** Bytes to send are appended here, followed by `flush`. */
  readonly writer = new Writer()
  readonly address: string
  private readonly socket: Net.Socket
  private readonly sink: TransportSink
  private flushing = false
  private error: ConnectionError | undefined
  private drained: Deferred.Deferred<void, ConnectionError> | undefined
  private sent = 0
  private received = 0

  constructor(socket: Net.Socket, address: string, sink: TransportSink) {
    this.socket = socket
    this.address = address
    this.sink = sink
    socket.on("drain", () => this.release())
    socket.on("error", (cause) => this.fail(new ConnectionLost({ cause })))
    socket.on("close", () => this.fail(new ConnectionLost({ cause: "closed by the peer" })))
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

  /** The kernel takes no more for now. */
  get blocked(): boolean {
    return this.drained !== undefined
  }

  /** Waits until the kernel takes more. */
  readonly writable: Effect.Effect<void, ConnectionError> = Effect.suspend(() => {
    if (this.error !== undefined) return Effect.fail(this.error)
    return this.drained === undefined ? Effect.void : Deferred.await(this.drained)
  })

  /** Sends what was appended, together with whatever else is appended in this microtask. */
  flush(): void {
    if (this.flushing) return
    this.flushing = true
    queueMicrotask(this.write)
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

  /** Sends what was appended, then closes. */
  end(by: string): void {
    this.write()
    this.socket.end()
    this.fail(new ConnectionClosed({ by }), false)
  }

  /** Gives the transport up because of what the peer did. */
  fail(reason: ConnectionReason, destroy = true): void {
    if (this.error !== undefined) return
    this.error = new ConnectionError({ reason, address: this.address, ambiguous: false })
    if (destroy) this.socket.destroy()
    const drained = this.drained
    this.drained = undefined
    // waiting senders run inside these calls, so this object is finished first
    if (drained !== undefined) Deferred.doneUnsafe(drained, Effect.fail(this.error))
    this.sink.onClose(this.error)
  }

  /** Takes bytes from whoever reads the socket. */
  receive(bytes: Uint8Array): void {
    this.received += bytes.length
    if (this.error === undefined) this.sink.onBytes(bytes)
  }

  private readonly write = (): void => {
    this.flushing = false
    if (this.error !== undefined || this.writer.length === 0) return
    const segments = this.writer.takeSegments()
    if (segments.length > 1) this.socket.cork()
    let taken = true
    for (const segment of segments) {
      this.sent += segment.length
      taken = this.socket.write(segment, () => this.writer.release(segment))
    }
    if (segments.length > 1) this.socket.uncork()
    if (!taken && this.drained === undefined) this.drained = Deferred.makeUnsafe()
  }

  private release(): void {
    const drained = this.drained
    this.drained = undefined
    if (drained !== undefined) Deferred.doneUnsafe(drained, Effect.void)
  }
}

/** Connects; the transport closes with the scope. */
export const connect = (options: TransportOptions, sink: TransportSink): Effect.Effect<Transport, ConnectionError, Scope.Scope> => {
  const address = `${options.host}:${options.port}`
  const timeout = Duration.toMillis(options.connectTimeout ?? "5 seconds")
  const failed = (reason: ConnectionReason): ConnectionError => new ConnectionError({ reason, address, ambiguous: false })
  const open = Effect.callback<Transport, ConnectionError>((resume) => {
    const slabs = new Slabs()
    let transport: Transport | undefined
    const base = {
      host: options.host,
      port: options.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: Duration.toMillis(options.keepAlive ?? "10 seconds"),
      onread: {
        buffer: new Uint8Array(readSize),
        callback: (length: number, buffer: Uint8Array): boolean => {
          transport?.receive(slabs.copy(buffer, length))
          return true
        }
      }
    }
    const socket = options.tls === undefined
      ? Net.connect(base)
      : Tls.connect({ servername: Net.isIP(options.host) === 0 ? options.host : "", ...options.tls, ...base } as Tls.ConnectionOptions)
    const refused = (cause: unknown): void => resume(Effect.fail(failed(new ConnectFailed({ cause }))))
    const closed = (): void => refused("closed before the connection was made")
    socket.once("error", refused)
    socket.once("close", closed)
    socket.once(options.tls === undefined ? "connect" : "secureConnect", () => {
      socket.off("error", refused)
      socket.off("close", closed)
      transport = new Transport(socket, address, sink)
      resume(Effect.succeed(transport))
    })
    return Effect.sync(() => {
      // an error that comes after the interruption has nobody to tell
      socket.on("error", () => {})
      socket.destroy()
    })
  })
  return Effect.acquireRelease(open, (transport) => Effect.sync(() => transport.close("this side")), { interruptible: true }).pipe(
    Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(failed(new ConnectTimeout({ milliseconds: timeout }))) })
  )
}

/** Makes a transport of an accepted socket. Node allocates its chunks anew, so they need no copy. */
export const accepted = (socket: Net.Socket, sink: TransportSink): Transport => {
  socket.setNoDelay(true)
  const transport = new Transport(socket, `${socket.remoteAddress}:${socket.remotePort}`, sink)
  socket.on("data", (chunk) => transport.receive(chunk))
  return transport
}
