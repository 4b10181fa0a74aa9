/**
 * One DCP connection of the embedded node: its settings, its streams, its window, and the pump that sends what they have.
 *
 * What a stream sends next is `ProducerStream`'s business, what is allowed `ProducerStream.admit` and `DcpControls`. Streams are served in
 * turn, some messages each, as long as the window is open and the client reads.
 */
import type { Writer } from "@wirewright/codec"
import {
  DcpOpenFlags,
  DcpStreamEndStatus,
  encodeDcpNoop,
  encodeDcpSeqnoAdvanced,
  encodeDcpStreamEnd,
  Opcode,
  type Response,
  Status
} from "@wirewright/dcp/gen"
import { type Outgoing, type ProducerStream, SendWindow } from "@wirewright/dcp/producer"
import type { ServerClient } from "@wirewright/connection"
import type { Bucket } from "./Bucket.ts"
import type { BucketChange, DocumentChange } from "./BucketChange.ts"
import { control, type DcpSettings, initialSettings, windowSize } from "./DcpControls.ts"
import { type ItemView, type StreamHead, writeChange, writeCommit, writeMarker } from "./DcpItems.ts"
import type { After } from "./Replication.ts"
import type { VbucketCopy } from "./VbucketCopy.ts"
import type { Features } from "./Hello.ts"

/** A stream that is open. */
export interface LiveStream {
  readonly vbucket: number
  readonly streamId: number | undefined
  readonly head: StreamHead
  readonly source: ProducerStream<BucketChange>
  /** Nothing to send when last looked. */
  idle: boolean
  readonly unwatch: () => void
  /** The copy that it follows. */
  readonly copy: VbucketCopy
  /** Seqnos of prepares that were sent and not yet settled. */
  readonly prepared: Set<bigint>
}

/** Messages of one stream before the next one has its turn. */
const turn = 64
/** Bytes waiting for the client above which the pump rests. */
const maxWaiting = 256 * 1024
/** Opaque of the first NOOP. */
const firstNoop = 10_000_001
/** Time without a byte from a client that was asked for NOOPs after which it is disconnected. */
const idleTimeout = 360_000

/** The DCP connections of a node by their names. */
export class ProducerNames {
  private readonly byName = new Map<string, DcpProducer>()

  /** Takes a name; whoever had it is disconnected, without the ends of its streams. */
  take(producer: DcpProducer): void {
    const before = this.byName.get(producer.name)
    this.byName.set(producer.name, producer)
    if (before !== undefined) setImmediate(() => before.disconnect("a DCP connection of the same name"))
  }

  release(producer: DcpProducer): void {
    if (this.byName.get(producer.name) === producer) this.byName.delete(producer.name)
  }

  /** Connections that are open. */
  get all(): ReadonlyArray<DcpProducer> {
    return [...this.byName.values()]
  }

  /** Statistics of all connections. */
  get stats(): ReadonlyArray<readonly [name: string, value: string | number | bigint]> {
    return [
      ["ep_dcp_count", this.byName.size],
      ["ep_dcp_producer_count", this.byName.size],
      ...this.all.flatMap((producer) => producer.stats)
    ]
  }
}

/** What a producer needs of its client. */
export interface ProducerClient {
  readonly client: ServerClient
  readonly features: Features
  readonly shared: { readonly producers: ProducerNames; readonly elapsed: () => number; readonly after: After }
  /** The datatype as this client may see it. */
  visible(datatype: number): number
  reply(write: (writer: Writer) => void): void
}

/** One DCP connection. */
export class DcpProducer {
  readonly name: string
  readonly bucket: Bucket
  readonly window = new SendWindow()
  readonly settings: DcpSettings = initialSettings()
  /** Flags of DCP_OPEN. */
  readonly flags: number
  private readonly connection: ProducerClient
  private readonly streams = new Map<string, LiveStream>()
  private order: Array<LiveStream> = []
  private place = 0
  private scheduled = false
  private noopOpaque = firstNoop
  private noopPending: number | undefined
  private noopAt = 0
  private heardAt = 0
  private stopTimer: (() => void) | undefined
  private closed = false
  private counts = { items: 0, bytes: 0, noops: 0, acknowledged: 0 }

  constructor(connection: ProducerClient, bucket: Bucket, name: string, flags: number) {
    this.connection = connection
    this.bucket = bucket
    this.name = name
    this.flags = flags
  }

  /** How changes look on this connection. */
  private get view(): ItemView {
    const { connection, flags, settings } = this
    const { compressed, expirations, markers } = settings
    return {
      flags,
      compressed,
      expirations,
      markers,
      collections: connection.features.collections,
      visible: (datatype) => connection.visible(datatype)
    }
  }

  /** NOOPs are wanted wherever a client that does not see them would not see that the connection died. */
  get lacksNoop(): boolean {
    return !this.settings.noop && (this.connection.features.collections || (this.flags & DcpOpenFlags.includeXattrs) !== 0)
  }

  /** DCP_CONTROL; returns the status of the answer. */
  control(key: string, value: string): number {
    if (key === "connection_buffer_size") {
      const size = windowSize(value)
      if (size === undefined) return Status.Einval
      this.window.resize(size)
      this.schedule()
      return Status.Success
    }
    const { collections, snappy } = this.connection.features
    return control(this.settings, key, value, { collections, snappy, flags: this.flags })
  }

  /** A stream of a vbucket, if there is one. */
  stream(vbucket: number, streamId: number | undefined): LiveStream | undefined {
    return this.streams.get(`${vbucket}:${streamId ?? ""}`)
  }

  /** Begins a stream; its answer was sent. */
  open(copy: VbucketCopy, streamId: number | undefined, opaque: number, source: ProducerStream<BucketChange>): void {
    const vbucket = copy.id
    const head: StreamHead = { opaque, vbucket, framing: streamId === undefined ? [] : [{ _tag: "DcpStreamId", streamId }] }
    const stream: LiveStream = {
      vbucket,
      streamId,
      head,
      source,
      idle: false,
      copy,
      prepared: new Set(),
      unwatch: copy.watchers.add({
        changed: (visible) => {
          // as the server: what is only prepared wakes no stream that does not see it
          if (!visible && !this.settings.syncWrites) return
          stream.idle = false
          this.schedule()
        },
        stateChanged: () => this.end(stream, DcpStreamEndStatus.StateChanged)
      })
    }
    this.streams.set(`${vbucket}:${streamId ?? ""}`, stream)
    this.order.push(stream)
    this.startNoops()
    this.schedule()
  }

  /** Ends a stream after what was sent. */
  end(stream: LiveStream, reason: number): void {
    stream.source.finish(reason)
    stream.idle = false
    stream.unwatch()
    this.schedule()
  }

  /** DCP_BUFFER_ACKNOWLEDGEMENT. */
  acknowledge(bytes: number): void {
    this.counts.acknowledged += bytes
    this.window.acknowledge(bytes)
    this.schedule()
  }

  /** The client read what waited for it. */
  drained(): void {
    this.schedule()
  }

  /** The client sent something. */
  heard(): void {
    this.heardAt = this.connection.shared.elapsed()
  }

  /** An answer of the client. Those that say that it did not understand us end the connection. */
  answered({ opaque, opcode, status }: Response): void {
    this.heard()
    if (opcode === Opcode.DcpNoop) {
      if (opaque !== this.noopPending) return this.connection.client.misbehaved("an answer to a DCP_NOOP that was not sent")
      this.noopPending = undefined
      return
    }
    const tolerated: ReadonlyArray<number> = [
      Status.Success,
      Status.NotMyVbucket,
      Status.Eaccess,
      Status.DcpStreamNotFound,
      Status.OpaqueNoMatch
    ]
    if (tolerated.includes(status)) return
    const old = status === Status.KeyEexists || status === Status.KeyEnoent
    if (old && (!this.settings.v7Statuses || opcode === Opcode.DcpStreamEnd)) return
    this.connection.client.misbehaved(`status 0x${status.toString(16)} as the answer to a DCP message`)
  }

  /** Ends the connection. */
  disconnect(by: string): void {
    this.connection.client.close(by)
  }

  /** The connection is gone. */
  close(): void {
    this.closed = true
    this.stopTimer?.()
    for (const stream of this.order) stream.unwatch()
    this.order = []
    this.streams.clear()
    this.connection.shared.producers.release(this)
  }

  get stats(): ReadonlyArray<readonly [name: string, value: string | number | bigint]> {
    const prefix = `eq_dcpq:${this.name}`
    const { counts, window } = this
    return [
      [`${prefix}:type`, "producer"],
      [`${prefix}:num_streams`, this.streams.size],
      [`${prefix}:items_sent`, counts.items],
      [`${prefix}:total_bytes_sent`, counts.bytes],
      [`${prefix}:unacked_bytes`, window.outstanding],
      [`${prefix}:max_buffer_bytes`, window.size],
      [`${prefix}:total_acked_bytes`, counts.acknowledged],
      [`${prefix}:noop_enabled`, String(this.settings.noop)],
      ...this.order.flatMap(({ source, vbucket }) =>
        [
          [`${prefix}:stream_${vbucket}_last_sent_seqno`, source.seqno],
          [`${prefix}:stream_${vbucket}_backfills`, source.backfills]
        ] as const
      )
    ]
  }

  private schedule(): void {
    if (this.scheduled || this.closed) return
    this.scheduled = true
    queueMicrotask(this.pump)
  }

  private get mayPump(): boolean {
    return !this.closed && this.window.open && this.connection.client.waiting < maxWaiting
  }

  /** Serves the streams in turn until there is nothing to send, the window is closed or the client does not read. */
  private readonly pump = (): void => {
    this.scheduled = false
    const { view } = this
    let looked = 0
    while (this.mayPump && looked < this.order.length) {
      if (this.place >= this.order.length) this.place = 0
      const stream = this.order[this.place]!
      if (stream.idle) {
        this.place++
        looked++
        continue
      }
      looked = 0
      let sent = 0
      this.connection.reply((writer) => sent = this.serve(writer, stream, view))
      if (stream.source.ended) this.remove(stream)
      else this.place++
      if (sent === 0) stream.idle = true
    }
    if (!this.closed && this.connection.client.waiting >= maxWaiting) setImmediate(() => this.schedule())
  }

  /** Appends messages of a stream; returns how many. */
  private serve(writer: Writer, stream: LiveStream, view: ItemView): number {
    let sent = 0
    const begin = writer.length
    while (sent < turn && this.window.open && writer.length - begin < maxWaiting) {
      const message = stream.source.next()
      if (message === undefined) break
      const before = writer.length
      this.write(writer, stream, message, view)
      const size = writer.length - before
      this.window.send(size)
      this.counts.bytes += size
      if (message._tag === "Item") this.counts.items++
      sent++
    }
    return sent
  }

  private write(writer: Writer, { copy, head, prepared }: LiveStream, message: Outgoing<BucketChange>, view: ItemView): void {
    switch (message._tag) {
      case "Marker":
        return writeMarker(writer, head, message, copy.history.purgeSeqno, view)
      case "Item": {
        const { item } = message
        if (item.kind === "prepare") prepared.add(item.seqno)
        const known = "completes" in item && item.completes !== undefined && prepared.delete(item.completes.seqno)
        return known && item.kind !== "abort"
          ? writeCommit(writer, head, item as DocumentChange, view)
          : writeChange(writer, head, item, view)
      }
      case "Advanced":
        return encodeDcpSeqnoAdvanced(writer, { ...head, bySeqno: message.seqno })
      case "End": {
        const { reason } = message
        const told = !view.collections && (reason === DcpStreamEndStatus.FilterEmpty || reason === DcpStreamEndStatus.LostPrivileges)
        return encodeDcpStreamEnd(writer, { ...head, reason: told ? DcpStreamEndStatus.Ok : reason })
      }
    }
  }

  /** Forgets a stream that ended, or is closed without an end. */
  remove(stream: LiveStream): void {
    stream.unwatch()
    this.streams.delete(`${stream.vbucket}:${stream.streamId ?? ""}`)
    const at = this.order.indexOf(stream)
    if (at >= 0) this.order.splice(at, 1)
    if (at >= 0 && at < this.place) this.place--
  }

  private startNoops(): void {
    if (this.stopTimer !== undefined || !this.settings.noop) return
    const now = this.connection.shared.elapsed()
    this.noopAt = now
    this.heardAt = now
    this.stopTimer = this.connection.shared.after(this.settings.noopInterval, this.tick)
  }

  /** NOOPs come in a fixed pace, also when the window is closed, one at a time. */
  private readonly tick = (): void => {
    if (this.closed) return
    const now = this.connection.shared.elapsed()
    if (now - this.heardAt >= idleTimeout) return this.disconnect("the node, as the client was silent")
    if (this.noopPending === undefined && now - this.noopAt >= this.settings.noopInterval - 1) {
      this.noopPending = this.noopOpaque++
      this.noopAt = now
      this.counts.noops++
      const opaque = this.noopPending
      this.connection.reply((writer) => encodeDcpNoop(writer, { opaque }))
    }
    const wait = this.noopPending === undefined
      ? Math.max(1, this.noopAt + this.settings.noopInterval - now)
      : Math.min(1_000, this.settings.noopInterval)
    this.stopTimer = this.connection.shared.after(wait, this.tick)
  }
}
