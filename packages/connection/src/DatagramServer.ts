/**
 * A server over UDP: the requests of a datagram are handled like those of a connection, and each answer is sent as a message of its own.
 *
 * A datagram is a connection that has said all it has to say: what it leaves unfinished is dropped, and so is what has no single answer. It
 * knows no header of datagrams: what lies in one, and how answers are cut into some, is the dialect's business (`open`). Nothing is sent to
 * whom a datagram does not say it is from, but that is easily forged: who listens on more than a trusted network helps flood others.
 */
import { DecodeError, encodeWith, Framer, type Writer } from "@wirewright/codec"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Dgram from "node:dgram"
import { isIPv6 } from "node:net"
import { hostPort } from "./Address.ts"
import { ConnectionClosed, ConnectionError, ListenFailed, PeerMisbehaved } from "./Errors.ts"
import type { PacketProtocol } from "./PacketServerOptions.ts"
import type { Frame, PacketHandler, ServerClient } from "./ServerClient.ts"
import { timers } from "./Timers.ts"

/** What is in a datagram. */
export interface Opened {
  /** Requests. */
  readonly payload: Uint8Array
  /** Cuts an answer to one of them into datagrams. */
  readonly cut: (answer: Uint8Array) => Iterable<Uint8Array>
}

/** Where to serve, what, and limits. */
export interface DatagramServerOptions<Request> {
  /** Default: 127.0.0.1. */
  readonly host?: string
  /** Default: a free port (0). */
  readonly port?: number
  /** Finds out what is in a datagram; nothing: it is dropped. Throws `DecodeError`, and then it is, too. */
  readonly open: (datagram: Uint8Array) => Opened | undefined
  /** Chooses what is spoken in a datagram, by its payload of at least a byte. */
  readonly choose: (payload: Uint8Array, client: ServerClient) => PacketProtocol<Request>
  /** Most datagrams whose requests are not answered yet; more are dropped. Default: 1 024. */
  readonly maxInFlight?: number
  /** Time after which what is not answered is given up. Default: 10 seconds. */
  readonly timeout?: Duration.Input
  /** Most bytes that wait to be sent, above which answers are dropped. Default: 4 MiB. */
  readonly maxOutput?: number
  /** Told of what a handler threw. Default: written to the log. */
  readonly onDefect?: (defect: unknown, client: ServerClient) => void
}

/** What a datagram server counted. */
export interface DatagramCounters {
  /** Datagrams that came. */
  readonly received: number
  /** Those of them that were no request, or too many. */
  readonly dropped: number
  readonly requests: number
  /** Answers that were sent; each is a datagram or some. */
  readonly answers: number
  /** Answers that were not sent, because too much waited. */
  readonly unsent: number
  readonly bytesReceived: number
  readonly bytesSent: number
}

/** A server that listens. */
export interface DatagramServer {
  readonly host: string
  readonly port: number
  /** `host:port`. */
  readonly address: string
  readonly counters: DatagramCounters
}

/** Whoever sent a datagram, until it is answered. It has no number, because there is no connection. */
class Sender<Request> implements ServerClient {
  readonly id = 0
  readonly certificateName = undefined
  readonly waiting = 0
  readonly since: number
  readonly address: string
  closed: ConnectionError | undefined
  private readonly send: (answer: Uint8Array) => void
  private readonly onDefect: (defect: unknown, client: ServerClient) => void
  private handler: PacketHandler<Request> | undefined
  private readonly frames: Array<Frame> = []
  private next = 0
  private stopped = false
  private handle: ((frame: Frame) => void) | undefined

  constructor(
    address: string,
    since: number,
    send: (answer: Uint8Array) => void,
    onDefect: (defect: unknown, client: ServerClient) => void
  ) {
    this.address = address
    this.since = since
    this.send = send
    this.onDefect = onDefect
  }

  /** Everything is answered, or never will be. */
  get done(): boolean {
    return this.closed !== undefined || this.next === this.frames.length && !((this.handler?.unanswered ?? 0) > 0)
  }

  /** Handles the requests of a payload. Throws what a handler throws, and `DecodeError` for what is no request. */
  take(payload: Uint8Array, { decode, frameShape: shape, handler }: PacketProtocol<Request>, counted: () => void): void {
    const frameShape = typeof shape === "function" ? shape(this) : shape
    const handling = this.handler = handler(this)
    this.handle = ({ at, end, reader }) => {
      counted()
      let request: Request
      try {
        request = decode(reader, at, this)
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
        return handling.onMalformed(error, { reader, at, end })
      }
      handling.onRequest(request, reader, at, end)
    }
    // frames of a connection with a memory are decoded in the order in which they are cut, each before the next
    new Framer(frameShape, { maxFrame: frameShape.maxFrame }).push(payload, (reader, at, end) => {
      if (this.closed !== undefined) return
      if (this.stopped || this.next < this.frames.length) this.frames.push({ reader, at, end })
      else this.handle!({ reader, at, end })
    })
  }

  reply(write: (writer: Writer) => void): void {
    if (this.closed === undefined) this.send(encodeWith(write))
  }

  pause(): void {
    this.stopped = true
  }

  resume(): void {
    this.stopped = false
    try {
      while (this.next < this.frames.length && !this.stopped && this.closed === undefined) this.handle!(this.frames[this.next++]!)
    } catch (error) {
      this.defect(error)
    }
  }

  putOff(run: () => void): void {
    setImmediate(() => {
      try {
        if (this.closed === undefined) run()
      } catch (error) {
        this.defect(error)
      }
    })
  }

  admit(): void {}

  end(by: string): void {
    this.close(by)
  }

  close(by: string): void {
    this.over(new ConnectionError({ reason: new ConnectionClosed({ by }), address: this.address, ambiguous: false }))
  }

  misbehaved(message: string): void {
    this.over(new ConnectionError({ reason: new PeerMisbehaved({ message }), address: this.address, ambiguous: false }))
  }

  defect(defect: unknown): void {
    this.onDefect(defect, this)
    this.close("this side, after a defect")
  }

  private over(error: ConnectionError): void {
    if (this.closed !== undefined) return
    this.closed = error
    this.handler?.onClose(error)
  }
}

/** Listens; the server ends with the scope. */
export const serveDatagrams = <Request>(
  { choose, host = "127.0.0.1", maxInFlight = 1_024, maxOutput = 4 * 1024 * 1024, onDefect, open, port = 0, timeout = "10 seconds" }:
    DatagramServerOptions<Request>
): Effect.Effect<DatagramServer, ConnectionError, Scope.Scope> =>
  Effect.gen(function*() {
    const services = yield* Effect.context<never>()
    const log = (defect: unknown): void => void Effect.runForkWith(services)(Effect.logError("a request was not handled", defect))
    const time = yield* timers
    const longest = Duration.toMillis(timeout)
    const counts = { received: 0, dropped: 0, requests: 0, answers: 0, unsent: 0, bytesReceived: 0, bytesSent: 0 }
    const waiting = new Set<Sender<Request>>()
    let output = 0
    const request = (): void => void counts.requests++

    const received = (socket: Dgram.Socket, datagram: Uint8Array, from: Dgram.RemoteInfo): void => {
      counts.received++
      counts.bytesReceived += datagram.length
      if (waiting.size >= maxInFlight) return void counts.dropped++
      let opened: Opened | undefined
      try {
        opened = open(datagram)
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error
      }
      if (opened === undefined || opened.payload.length === 0) return void counts.dropped++
      const { cut, payload } = opened
      const sender = new Sender<Request>(hostPort(from.address, from.port), time.now(), (answer) => {
        if (output > maxOutput) return void counts.unsent++
        for (const part of cut(answer)) {
          const { length } = part
          counts.bytesSent += length
          output += length
          // what cannot be sent is lost, as it may be under way
          socket.send(part, from.port, from.address, () => (output -= length))
        }
        counts.answers++
      }, onDefect ?? log)
      try {
        sender.take(payload, choose(payload, sender), request)
      } catch (error) {
        if (error instanceof DecodeError) sender.misbehaved(error.message)
        else sender.defect(error)
      }
      if (sender.done) sender.close("the server")
      else waiting.add(sender)
    }

    const socket = yield* Effect.acquireRelease(
      Effect.callback<Dgram.Socket, ConnectionError>((resume) => {
        const made = Dgram.createSocket({ type: isIPv6(host) ? "udp6" : "udp4" })
        made.once("error", (cause) => {
          made.close()
          resume(Effect.fail(new ConnectionError({ reason: new ListenFailed({ cause }), address: hostPort(host, port), ambiguous: false })))
        })
        made.bind(port, host, () => {
          made.removeAllListeners("error")
          made.on("error", () => {})
          made.on("message", (datagram, from) => received(made, datagram, from))
          resume(Effect.succeed(made))
        })
      }),
      (socket) =>
        Effect.callback<void>((resume) => {
          for (const sender of waiting) sender.close("the server")
          socket.close(() => resume(Effect.void))
        })
    )
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        time.every(Math.max(10, Math.min(1_000, longest / 4)), () => {
          const now = time.now()
          for (const sender of waiting) {
            if (!sender.done && now - sender.since < longest) continue
            sender.close("the server")
            waiting.delete(sender)
          }
        })
      ),
      (timer) => Effect.sync(timer.cancel)
    )
    const { port: bound } = socket.address()
    return { host, port: bound, address: hostPort(host, bound), counters: counts }
  })
