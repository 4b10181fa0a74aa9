/**
 * One DCP connection to one node: opened, negotiated, watched; many streams on it, told apart by the opaque of their requests.
 *
 * It answers NOOPs in the callback that reads them, keeps the account of the window, and drops what belongs to no stream. What the messages
 * mean is the streams' business (`StreamSink`). It repeats nothing.
 *
 * A producer is not believed: while it sends more than the window allows it is not read, so that no more than the window and what was read at
 * once is held; what was not negotiated, comes before its stream is open, or piles up answers that are not read, ends the connection.
 */
import type { EncodeError, Reader, Writer } from "@wirewright/codec"
import { type ConnectionError, PacketCall, type Ledger, type PacketConnection, Unanswered } from "@wirewright/connection"
import { HelloFeature } from "@wirewright/couchbase/gen/Types"
import { type Bootstrapped, type KvConnectionOptions, openConnection } from "@wirewright/couchbase/node"
import type { BootstrapError } from "@wirewright/couchbase"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { DcpFeatureMissing, NegotiationRefused } from "./DcpError.ts"
import type { FailoverLog } from "./FailoverLog.ts"
import { ReceiveWindow } from "./FlowControl.ts"
import {
  type DcpStreamRequest,
  decodeResponse,
  encodeCollectionsGetID,
  encodeCollectionsGetManifest,
  encodeCollectionsGetScopeID,
  encodeDcpBufferAcknowledgement,
  encodeDcpCloseStream,
  encodeDcpControl,
  encodeDcpNoopResponse,
  encodeDcpOpen,
  encodeDcpSnapshotMarkerResponse,
  encodeDcpStreamRequest,
  encodeGetAllVbSeqnos,
  encodeGetFailoverLog,
  encodeNoop,
  encodeObserveSeqno,
  opaqueAt,
  Opcode,
  opcodeAt,
  type RequestFields,
  type Response,
  type ServerRequest,
  type States
} from "./gen/index.ts"
import { Liveness } from "./Liveness.ts"
import { type Negotiated, Negotiation, type NegotiationOptions } from "./Negotiation.ts"

/** Features of HELLO that a change stream uses. Never UnorderedExecution: with it every DCP command is refused. */
const dcpFeatures: ReadonlyArray<number> = [
  HelloFeature.TcpNoDelay,
  HelloFeature.Xattr,
  HelloFeature.Xerror,
  HelloFeature.SelectBucket,
  HelloFeature.Json,
  HelloFeature.Duplex,
  HelloFeature.ClustermapChangeNotification,
  HelloFeature.AltRequestSupport,
  HelloFeature.Collections,
  HelloFeature.GetClusterConfigWithKnownVersion
]

/** What HELLO asks for. */
export const featuresOf = ({ compression }: Pick<NegotiationOptions, "compression">): ReadonlyArray<number> =>
  compression === "none" ? dcpFeatures : [...dcpFeatures, HelloFeature.Snappy]

/** What a connection is made with. */
export interface DcpConnectionOptions extends Omit<KvConnectionOptions, "onPeerRequest" | "decodeResponse" | "onClose"> {
  /** What is negotiated, as far as HELLO granted what that needs. */
  readonly negotiation: Omit<NegotiationOptions, "features">
  /** Told once that the connection is gone, after its streams. */
  readonly onClose?: (error: ConnectionError) => void
}

/** Receives the messages of one stream, in the connection's callbacks. */
export interface StreamSink {
  readonly vbucket: number
  /** The stream is open; messages follow. */
  opened(failoverLog: FailoverLog, connection: DcpConnection): void
  /** One message lies at `[at, end)`. Its bytes have to be given free. */
  message(reader: Reader, at: number, end: number, connection: DcpConnection): void
  /** The connection is gone, and the stream with it. */
  lost(error: ConnectionError): void
}

/** What a connection counted. */
export interface DcpConnectionCounters {
  readonly streams: number
  /** Messages of streams that are not open any more. */
  readonly stale: number
  /** Messages of open streams that mean nothing to a consumer. */
  readonly ignored: number
  readonly noops: number
  readonly acknowledgements: number
  /** Messages that came although the window was full; the producer is not read until it is not full any more. */
  readonly overruns: number
  /** Bytes received that the server holds against the window. */
  readonly outstanding: number
  /** Bytes that the server may send ahead. */
  readonly window: number
  /** Bytes acknowledged. */
  readonly acknowledged: number
  readonly inFlight: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

const none: ReadonlyArray<never> = []

/** Most bytes of answers to NOOPs and markers that the producer has not read, before it is taken for one that never will. */
const maxUnread = 1024 * 1024

/** The control without which a producer sends no out-of-order snapshots. */
const outOfOrder = "enable_out_of_order_snapshots"

/** A stream request on its way: its opaque is what the messages of the stream are known by. */
class StreamCall extends PacketCall<Response> {
  private readonly connection: DcpConnection
  private readonly fields: RequestFields<DcpStreamRequest>
  private readonly sink: StreamSink
  private readonly streamId: number | undefined
  private readonly resume: (effect: Effect.Effect<Response, ConnectionError | EncodeError>) => void

  constructor(
    connection: DcpConnection,
    fields: RequestFields<DcpStreamRequest>,
    streamId: number | undefined,
    sink: StreamSink,
    resume: (effect: Effect.Effect<Response, ConnectionError | EncodeError>) => void
  ) {
    super()
    this.connection = connection
    this.fields = fields
    this.streamId = streamId
    this.sink = sink
    this.resume = resume
  }

  override enter(ledger: Ledger<Response>): number {
    let opaque = super.enter(ledger)
    // an opaque returns after 32 768 requests; one that a stream still has is passed over
    while (this.connection.has(opaque)) {
      ledger.drop(opaque)
      opaque = super.enter(ledger)
    }
    this.connection.asked.add(opaque)
    return opaque
  }

  write(writer: Writer): void {
    encodeDcpStreamRequest(writer, { ...this.fields, vbucket: this.sink.vbucket, opaque: this.opaque })
  }

  answer(answer: Response): boolean {
    this.connection.asked.delete(this.opaque)
    // messages may follow in the bytes that are being read, so the stream is there before its caller hears of it
    if (answer._tag === "DcpStreamRequestResponse") this.connection.add(this.opaque, this.streamId, this.sink, answer.failoverLog)
    this.resume(Effect.succeed(answer))
    return true
  }

  /** Nobody waits for the answer any more: a stream that it opens is closed again. */
  readonly ends = (answer: Response): boolean => {
    if (answer._tag === "DcpStreamRequestResponse") this.connection.close(this.sink.vbucket, this.streamId)
    return true
  }

  override freed(): Effect.Effect<void> | undefined {
    const freed = super.freed() ?? Effect.void
    return Effect.andThen(Effect.sync(() => this.connection.asked.delete(this.opaque)), freed)
  }

  fail(why: "timeout" | "lost"): void {
    this.refuse(this.failure(why, false))
  }

  refuse(error: ConnectionError | EncodeError): void {
    this.connection.asked.delete(this.opaque)
    this.resume(Effect.fail(error))
  }
}

/** An open DCP connection. */
export class DcpConnection {
  readonly session: Bootstrapped
  readonly negotiated: Negotiated
  readonly window: ReceiveWindow
  /** Shape of the packets. */
  readonly states: States
  /** Messages of open streams that mean nothing to a consumer. */
  ignored = 0
  /** Opaques of stream requests that are not answered. @internal */
  readonly asked = new Set<number>()
  private readonly packets: PacketConnection<Response, ServerRequest>
  /** By opaque: who hears the messages of a stream; and the identifier of a stream that has one. */
  private readonly streams = new Map<number, StreamSink>()
  private readonly streamIds = new Map<number, number>()
  private lastOpaque = -1
  private lastSink: StreamSink | undefined
  private stale = 0
  private noops = 0
  private acknowledgements = 0
  private overruns = 0
  private paused = false

  constructor(packets: PacketConnection<Response, ServerRequest>, session: Bootstrapped, negotiated: Negotiated, window: number) {
    this.packets = packets
    this.session = session
    this.negotiated = negotiated
    this.window = new ReceiveWindow(window)
    this.states = session.states
  }

  /** Connects, signs in, opens and negotiates; the connection closes with the scope. */
  static readonly open: (
    options: DcpConnectionOptions
  ) => Effect.Effect<DcpConnection, ConnectionError | BootstrapError | NegotiationRefused | DcpFeatureMissing, Scope.Scope> = Effect
    .fnUntraced(
      function*(options: DcpConnectionOptions) {
        const { negotiation, onClose, ...rest } = options
        const made: { connection?: DcpConnection } = {}
        const opened = yield* openConnection({
          ...rest,
          decodeResponse: decodeResponse as NonNullable<KvConnectionOptions["decodeResponse"]>,
          onPeerRequest: (reader, at, end) => made.connection?.received(reader, at, end),
          onClose: (error) => {
            made.connection?.lost(error)
            onClose?.(error)
          }
        })
        const packets = opened.packets as unknown as PacketConnection<Response, ServerRequest>
        const negotiating = new Negotiation({ ...negotiation, features: opened.session.features })
        let output = negotiating.start()
        while (output._tag === "Open" || output._tag === "Control") {
          const step = output
          const answer = yield* packets.request((writer, opaque) =>
            step._tag === "Open"
              ? encodeDcpOpen(writer, { opaque, connectionName: step.name, flags: step.flags, reservedSeqno: 0, options: "" })
              : encodeDcpControl(writer, { opaque, key: step.key, value: step.value })
          ).pipe(Effect.catchTag("EncodeError", (error) => Effect.die(error)))
          output = negotiating.answered(answer.status)
        }
        if (output._tag === "Missing") return yield* new DcpFeatureMissing({ feature: output.feature, option: output.option })
        if (output._tag === "Refused") return yield* new NegotiationRefused({ request: output.request, status: output.status })
        const connection = new DcpConnection(packets, opened.session, output.negotiated, negotiation.window)
        made.connection = connection
        const interval = Number(output.negotiated.accepted.get("set_noop_interval") ?? negotiation.noopInterval) * 1000
        yield* Effect.forkScoped(connection.watch(interval))
        return connection
      }
    )

  /** `host:port` of the node. */
  get address(): string {
    return this.packets.address
  }

  /** Why the connection is gone, once it is. */
  get closed(): ConnectionError | undefined {
    return this.packets.closed
  }

  get counters(): DcpConnectionCounters {
    const { acknowledgements, ignored, noops, overruns, packets, stale, streams, window } = this
    const { bytesReceived, bytesSent, inFlight } = packets.counters
    return {
      streams: streams.size,
      stale,
      ignored,
      noops,
      acknowledgements,
      overruns,
      outstanding: window.outstanding,
      window: window.size,
      acknowledged: window.acknowledged,
      inFlight,
      bytesSent,
      bytesReceived
    }
  }

  /** Asks for a stream. When the answer is Success, `sink` is told before the effect succeeds, and gets what follows. */
  requestStream(
    fields: RequestFields<DcpStreamRequest>,
    sink: StreamSink,
    streamId?: number
  ): Effect.Effect<Response, ConnectionError | EncodeError> {
    return this.packets.perform((resume) => new StreamCall(this, fields, streamId, sink, resume))
  }

  /** Closes the stream of a sink, if it is open: what still comes of it is dropped. Nobody waits for the answer. */
  closeStream(sink: StreamSink): void {
    for (const [opaque, one] of this.streams) {
      if (one !== sink) continue
      const streamId = this.streamIds.get(opaque)
      this.forget(opaque)
      this.close(sink.vbucket, streamId)
    }
  }

  /** Tells the server to close a stream. @internal */
  close(vbucket: number, streamId: number | undefined): void {
    const framing = streamId === undefined ? none : [{ _tag: "DcpStreamId" as const, streamId }]
    Effect.runFork(
      Effect.ignore(this.packets.request((writer, request) => encodeDcpCloseStream(writer, { opaque: request, vbucket, framing })))
    )
  }

  /** The sink's stream ended: nothing of it will come. */
  ended(sink: StreamSink): void {
    for (const [opaque, one] of this.streams) if (one === sink) this.forget(opaque)
  }

  /** The failover log of a vbucket. */
  failoverLog(vbucket: number): Effect.Effect<FailoverLog | undefined, ConnectionError> {
    return Effect.map(
      this.ask((writer, opaque) => encodeGetFailoverLog(writer, { opaque, vbucket })),
      (answer) => answer._tag === "GetFailoverLogResponse" ? answer.failoverLog : undefined
    )
  }

  /**
   * How far the node has written a vbucket to disk, in this branch of its history; undefined when it does not have it. Waits as long as the
   * connection lasts: a disk that is slow to answer says nothing about the connection.
   */
  persistedSeqno(vbucket: number, vbucketUuid: bigint): Effect.Effect<bigint | undefined, ConnectionError> {
    return Effect.map(
      this.ask((writer, opaque) => encodeObserveSeqno(writer, { opaque, vbucket, vbucketUuid }), { timeout: Infinity }),
      (answer) => answer._tag === "ObserveSeqnoResponse" && answer.layout === "NoFailover" ? answer.lastPersistedSeqno : undefined
    )
  }

  /**
   * The highest seqnos of the node's active vbuckets, of one collection if it is named. `patient`: waits as long as the connection lasts, so that an
   * answer that does not come says nothing about the connection.
   */
  allSeqnos(
    collectionId?: number,
    { patient = false }: { readonly patient?: boolean } = {}
  ): Effect.Effect<ReadonlyMap<number, bigint>, ConnectionError> {
    const fields = { state: 1, ...collectionId === undefined ? {} : { collectionId } }
    return Effect.map(
      this.ask((writer, opaque) => encodeGetAllVbSeqnos(writer, { opaque, ...fields }), patient ? { timeout: Infinity } : {}),
      (answer) => new Map(answer._tag === "GetAllVbSeqnosResponse" ? answer.seqnos.map(({ seqno, vbucket }) => [vbucket, seqno]) : [])
    )
  }

  /** The id of `scope.collection`, or of a scope; undefined when the node does not know it. */
  idOf(kind: "collection" | "scope", path: string): Effect.Effect<number | undefined, ConnectionError> {
    const encode = kind === "collection" ? encodeCollectionsGetID : encodeCollectionsGetScopeID
    return Effect.map(
      this.ask((writer, opaque) => encode(writer, { opaque, path, legacyPath: "" })),
      (answer) =>
        answer._tag === "CollectionsGetIDResponse"
          ? answer.collectionId
          : answer._tag === "CollectionsGetScopeIDResponse"
          ? answer.scopeId
          : undefined
    )
  }

  /** The scopes and collections that there are, as JSON; undefined when the node does not tell. */
  get manifest(): Effect.Effect<string | undefined, ConnectionError> {
    return Effect.map(
      this.ask((writer, opaque) => encodeCollectionsGetManifest(writer, { opaque })),
      (answer) => answer._tag === "CollectionsGetManifestResponse" ? answer.manifest : undefined
    )
  }

  /** Bytes were taken, or dropped; acknowledges them when enough are due. */
  free(bytes: number): void {
    if (this.window.free(bytes)) this.acknowledge()
  }

  /** Acknowledges whatever is due. */
  acknowledge(): void {
    const bufferBytes = this.window.take()
    if (bufferBytes === 0 || this.closed !== undefined) return
    this.acknowledgements++
    this.packets.begin(new Unanswered((writer) => encodeDcpBufferAcknowledgement(writer, { opaque: 0, bufferBytes })))
    if (!this.paused || this.window.full) return
    this.paused = false
    this.packets.resume()
  }

  /** Answers a snapshot marker that asks for it. */
  answerMarker(opaque: number): void {
    this.reply((writer) => encodeDcpSnapshotMarkerResponse(writer, { opaque }))
  }

  /** @internal */
  has(opaque: number): boolean {
    return this.streams.has(opaque)
  }

  /** @internal */
  add(opaque: number, streamId: number | undefined, sink: StreamSink, failoverLog: FailoverLog): void {
    this.streams.set(opaque, sink)
    if (streamId !== undefined) this.streamIds.set(opaque, streamId)
    sink.opened(failoverLog, this)
  }

  private forget(opaque: number): void {
    this.streams.delete(opaque)
    this.streamIds.delete(opaque)
    if (this.lastOpaque === opaque) this.lastOpaque = -1
  }

  private ask(
    write: (writer: Writer, opaque: number) => void,
    options: { readonly timeout?: number } = {}
  ): Effect.Effect<Response, ConnectionError> {
    return Effect.catchTag(this.packets.request(write, options), "EncodeError", (error) => Effect.die(error))
  }

  private received(reader: Reader, at: number, end: number): void {
    const opcode = opcodeAt(reader, at)
    const opaque = opaqueAt(reader, at)
    if (opcode === Opcode.DcpNoop) {
      this.noops++
      return this.reply((writer) => encodeDcpNoopResponse(writer, { opaque }))
    }
    if (!this.window.receive(end - at)) this.overrun()
    if (opcode === Opcode.DcpOsoSnapshot && !this.negotiated.accepted.has(outOfOrder)) {
      return this.packets.misbehaved("an out-of-order snapshot, which was not negotiated")
    }
    if (opaque !== this.lastOpaque) {
      const sink = this.streams.get(opaque)
      if (sink === undefined) {
        // what comes now would be missed unnoticed
        if (this.asked.has(opaque)) return this.packets.misbehaved("a message of a stream whose request is not answered")
        this.stale++
        return this.free(end - at)
      }
      this.lastOpaque = opaque
      this.lastSink = sink
    }
    this.lastSink!.message(reader, at, end, this)
  }

  private overrun(): void {
    this.overruns++
    if (this.paused) return
    this.paused = true
    this.packets.pause()
  }

  private reply(write: (writer: Writer) => void): void {
    if (this.packets.waiting > maxUnread) return this.packets.misbehaved("answers to its NOOPs and markers are not read")
    this.packets.begin(new Unanswered(write))
  }

  private lost(error: ConnectionError): void {
    const sinks = [...this.streams.values()]
    this.streams.clear()
    this.streamIds.clear()
    this.lastOpaque = -1
    for (const sink of sinks) sink.lost(error)
  }

  /** Looks after the peer, and acknowledges remainders. */
  private watch(interval: number): Effect.Effect<void> {
    const { timers } = this.packets
    const liveness = new Liveness(interval, timers.now())
    let heard = this.packets.bytesReceived
    const look = (now: number) =>
      Effect.suspend(() => {
        this.acknowledge()
        // whoever is not read is not silent
        if (this.paused || this.packets.bytesReceived !== heard) {
          heard = this.packets.bytesReceived
          liveness.heard(now)
        }
        liveness.open(this.streams.size, now)
        const life = liveness.look(now)
        if (life === "dead") this.packets.stalled(this.streams.size > 0 ? "byte" : "answer to a NOOP", 2 * interval)
        if (life !== "ask") return Effect.void
        return Effect.asVoid(Effect.forkChild(Effect.ignore(this.ask((writer, opaque) => encodeNoop(writer, { opaque })))))
      })
    const step = Math.max(10, Math.min(5_000, interval / 4))
    const waited = Effect.callback<number>((resume) => {
      const timer = timers.after(step, (now) => resume(Effect.succeed(now)))
      return Effect.sync(timer.cancel)
    })
    return Effect.forever(Effect.flatMap(waited, look))
  }
}
