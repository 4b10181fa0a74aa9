/**
 * A pipelined connection that speaks the memcached packet format: requests go out as they come, answers are matched by opaque.
 *
 * It knows headers, not commands: which packets exist is the dialect's business (`Codec`), what to send is the caller's. Requests cost one
 * `Effect.callback`; everything else happens in the socket's callbacks. Source of the rules: kv_engine docs/BinaryProtocol.md.
 */
import { type DecodeError, EncodeError, Framer, type FrameShape, type Reader, type Writer } from "@wirewright/codec"
import {
  connect,
  ConnectionError,
  type ConnectionReason,
  Ledger,
  LimitExceeded,
  PeerMisbehaved,
  RequestTimeout,
  type Transport,
  type TransportOptions
} from "@wirewright/connection"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** What a dialect's generated code provides. */
export interface Codec<Response, ServerRequest> {
  readonly frameShape: FrameShape
  /** Decodes the response at `at`. Throws `DecodeError`. */
  readonly decodeResponse: (reader: Reader, at: number) => Response
  /** Decodes the server's request at `at`. Throws `DecodeError`. */
  readonly decodeServerRequest: (reader: Reader, at: number) => ServerRequest
}

/** Options of a connection. */
export interface PacketConnectionOptions<Response, ServerRequest> extends TransportOptions {
  readonly codec: Codec<Response, ServerRequest>
  /** Time a request waits for its answer; 2.5 seconds unless said otherwise. */
  readonly requestTimeout?: Duration.Input
  /** Most requests in flight; 65 536 unless said otherwise. */
  readonly maxInFlight?: number
  /** Largest frame accepted in bytes; the protocol's own limit unless said otherwise. */
  readonly maxFrame?: number
  /** Receives requests of the server (duplex); without it they are counted and dropped. */
  readonly onServerRequest?: (request: ServerRequest) => void
}

/** Writes one packet with the opaque it is given. Throws `EncodeError`. */
export type WritePacket = (writer: Writer, opaque: number) => void

/** How a request is to be treated. */
export interface RequestOptions {
  /** The request changes something: losing its answer is ambiguous. */
  readonly writes?: boolean
  /** Milliseconds to wait for the answer, instead of the connection's own. */
  readonly timeout?: number
}

const magicResponse = 0x81
const magicFlexibleResponse = 0x18
const magicServerRequest = 0x82

/** What a connection counted. */
export interface ConnectionCounters {
  readonly inFlight: number
  readonly lateAnswers: number
  readonly serverRequestsDropped: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** An open connection. */
export class PacketConnection<Response, ServerRequest> {
  private readonly options: PacketConnectionOptions<Response, ServerRequest>
  private readonly ledger = new Ledger<Response>()
  private readonly framer: Framer
  private readonly timeout: number
  private readonly maxInFlight: number
  private transport!: Transport
  private sweep: NodeJS.Timeout | undefined
  private dropped = 0

  private constructor(options: PacketConnectionOptions<Response, ServerRequest>) {
    this.options = options
    this.timeout = Duration.toMillis(options.requestTimeout ?? "2500 millis")
    this.maxInFlight = options.maxInFlight ?? 65_536
    this.framer = new Framer(options.codec.frameShape, options.maxFrame === undefined ? {} : { maxFrame: options.maxFrame })
  }

  /** Connects; the connection closes with the scope. */
  static make<Response, ServerRequest>(
    options: PacketConnectionOptions<Response, ServerRequest>
  ): Effect.Effect<PacketConnection<Response, ServerRequest>, ConnectionError, Scope.Scope> {
    const connection = new PacketConnection(options)
    return Effect.map(
      connect(options, { onBytes: (bytes) => connection.receive(bytes), onClose: () => connection.lost() }),
      (transport) => {
        connection.transport = transport
        return connection
      }
    )
  }

  /** `host:port` of the peer. */
  get address(): string {
    return this.transport.address
  }

  /** Why the connection is gone, once it is. */
  get closed(): ConnectionError | undefined {
    return this.transport.closed
  }

  /** What was counted so far. */
  get counters(): ConnectionCounters {
    return {
      inFlight: this.ledger.inFlight,
      lateAnswers: this.ledger.lateAnswers,
      serverRequestsDropped: this.dropped,
      bytesSent: this.transport.bytesSent,
      bytesReceived: this.transport.bytesReceived
    }
  }

  /** Sends one request and waits for its answer. Interrupting it frees it; a late answer is dropped and counted. */
  request(write: WritePacket, options?: RequestOptions): Effect.Effect<Response, ConnectionError | EncodeError> {
    return this.exchange<Response>(write, options, (finish) => (answer) => {
      finish(answer)
      return true
    })
  }

  /** Sends one request and collects its answers up to the one that `isLast`, which is not among them. */
  requestMany(
    write: WritePacket,
    isLast: (answer: Response) => boolean,
    options?: RequestOptions
  ): Effect.Effect<ReadonlyArray<Response>, ConnectionError | EncodeError> {
    return this.exchange<ReadonlyArray<Response>>(write, options, (finish) => {
      const answers: Array<Response> = []
      return (answer) => {
        if (isLast(answer)) {
          finish(answers)
          return true
        }
        answers.push(answer)
        return false
      }
    })
  }

  /**
   * Sends quiet requests and a barrier behind them. The result has an answer for every request that got one; the others were passed over in
   * silence, which is their outcome once the barrier is answered.
   */
  quiet(
    writes: ReadonlyArray<WritePacket>,
    barrier: WritePacket,
    options: RequestOptions = {}
  ): Effect.Effect<ReadonlyArray<Response | undefined>, ConnectionError | EncodeError> {
    return this.whenWritable(Effect.callback<ReadonlyArray<Response | undefined>, ConnectionError | EncodeError>((resume) => {
      const mark = this.transport.writer.length
      const answers: Array<Response | undefined> = writes.map(() => undefined)
      const opaques: Array<number> = []
      const deadline = performance.now() + (options.timeout ?? this.timeout)
      const refused = this.refusal(writes.length + 1)
      if (refused !== undefined) return resume(Effect.fail(refused))
      const fail = (why: "timeout" | "lost"): void => {
        for (const opaque of opaques) this.ledger.abandon(opaque)
        resume(Effect.fail(this.failure(why, options.writes === true)))
      }
      try {
        writes.forEach((write, index) => {
          const opaque = this.ledger.next()
          write(this.transport.writer, opaque)
          opaques.push(opaque)
          this.ledger.add(opaque, {
            answer: (answer) => {
              answers[index] = answer
              return true
            },
            fail: () => {},
            deadline: Infinity,
            writes: false
          })
        })
        const opaque = this.ledger.next()
        barrier(this.transport.writer, opaque)
        opaques.push(opaque)
        this.ledger.add(opaque, {
          answer: () => {
            for (const quiet of opaques) this.ledger.drop(quiet)
            resume(Effect.succeed(answers))
            return true
          },
          fail,
          deadline,
          writes: options.writes === true
        })
      } catch (error) {
        for (const opaque of opaques) this.ledger.drop(opaque)
        this.transport.writer.truncate(mark)
        return resume(error instanceof EncodeError ? Effect.fail(error) : Effect.die(error))
      }
      this.send()
      return Effect.sync(() => {
        for (const opaque of opaques) this.ledger.abandon(opaque)
      })
    }))
  }

  /** Sends a packet that nobody answers. */
  send(write?: WritePacket): void {
    if (write !== undefined) write(this.transport.writer, this.ledger.next())
    this.transport.flush()
    if (this.sweep === undefined && this.ledger.inFlight > 0) this.startSweep()
  }

  private exchange<A>(
    write: WritePacket,
    options: RequestOptions | undefined,
    waiter: (finish: (value: A) => void) => (answer: Response) => boolean
  ): Effect.Effect<A, ConnectionError | EncodeError> {
    return this.whenWritable(Effect.callback<A, ConnectionError | EncodeError>((resume) => {
      const refused = this.refusal(1)
      if (refused !== undefined) return resume(Effect.fail(refused))
      const opaque = this.ledger.next()
      try {
        write(this.transport.writer, opaque)
      } catch (error) {
        return resume(error instanceof EncodeError ? Effect.fail(error) : Effect.die(error))
      }
      const writes = options?.writes === true
      this.ledger.add(opaque, {
        answer: waiter((value) => resume(Effect.succeed(value))),
        fail: (why) => resume(Effect.fail(this.failure(why, writes))),
        deadline: performance.now() + (options?.timeout ?? this.timeout),
        writes
      })
      this.send()
      return Effect.sync(() => this.ledger.abandon(opaque))
    }))
  }

  /** Runs `effect` at once, or when the kernel takes bytes again. */
  private whenWritable<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | ConnectionError> {
    return Effect.suspend(() => this.transport.blocked ? Effect.andThen(this.transport.writable, effect) : effect)
  }

  private refusal(requests: number): ConnectionError | undefined {
    if (this.transport.closed !== undefined) return this.transport.closed
    const inFlight = this.ledger.inFlight + this.ledger.owed
    return inFlight + requests > this.maxInFlight
      ? this.error(new LimitExceeded({ limit: "requests in flight", max: this.maxInFlight }))
      : undefined
  }

  private error(reason: ConnectionReason, ambiguous = false): ConnectionError {
    return new ConnectionError({ reason, address: this.transport.address, ambiguous })
  }

  private failure(why: "timeout" | "lost", writes: boolean): ConnectionError {
    if (why === "timeout") return this.error(new RequestTimeout({ milliseconds: this.timeout }), writes)
    return this.error(this.transport.closed!.reason, writes)
  }

  private receive(bytes: Uint8Array): void {
    try {
      this.framer.push(bytes, this.dispatch)
    } catch (error) {
      this.misbehaved(error as DecodeError)
    }
  }

  private readonly dispatch = (reader: Reader, at: number): void => {
    if (this.transport.closed !== undefined) return
    const magic = reader.bytes[at]!
    if (magic === magicResponse || magic === magicFlexibleResponse) {
      const opaque = reader.view.getUint32(at + 12)
      if (this.ledger.waiter(opaque) === undefined) {
        if (this.ledger.settle(opaque, undefined as never) === "unmatched") {
          this.transport.fail(new PeerMisbehaved({ message: `a response with opaque 0x${opaque.toString(16)}, which is not in flight` }))
        }
        return
      }
      this.ledger.settle(opaque, this.options.codec.decodeResponse(reader, at))
      return
    }
    if (magic !== magicServerRequest) {
      this.transport.fail(new PeerMisbehaved({ message: `a packet with magic 0x${magic.toString(16)} on a client's connection` }))
    } else if (this.options.onServerRequest === undefined) this.dropped++
    else this.options.onServerRequest(this.options.codec.decodeServerRequest(reader, at))
  }

  private misbehaved(error: DecodeError): void {
    this.transport.fail(new PeerMisbehaved({ message: error.message, error }))
  }

  private lost(): void {
    this.stopSweep()
    this.ledger.failAll()
  }

  /** One timer for all deadlines, running only while something is in flight. */
  private startSweep(): void {
    const interval = Math.max(1, Math.min(50, this.timeout / 10))
    this.sweep = setInterval(() => {
      if (this.ledger.inFlight === 0) this.stopSweep()
      else this.ledger.expire(performance.now())
    }, interval)
  }

  private stopSweep(): void {
    clearInterval(this.sweep)
    this.sweep = undefined
  }
}
