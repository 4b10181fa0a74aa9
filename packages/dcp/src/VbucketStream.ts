/**
 * One vbucket of a running consumer: hears the messages of its stream in the connection's callbacks, tells the follower, and turns them into
 * events.
 */
import { DecodeError, type Reader } from "@wirewright/codec"
import * as Effect from "effect/Effect"
import type { Checkpoint } from "./Checkpoint.ts"
import type { CollectionNames } from "./CollectionNames.ts"
import type { DcpConnection, StreamSink } from "./DcpConnection.ts"
import {
  type Account,
  CaughtUp,
  type Change,
  type DcpEvent,
  Deletion,
  Expiration,
  isPlainMutation,
  isPlainOwn,
  Mutation,
  plainSeqno,
  plainSeqnoNumber,
  SeqnoAdvanced,
  SnapshotStarted,
  SystemEvent
} from "./DcpEvent.ts"
import { emptied } from "./Emptied.ts"
import type { FailoverLog } from "./FailoverLog.ts"
import { decodeRequest, vbucketAt } from "./gen/index.ts"
import { DcpOsoSnapshotFlags, DcpSnapshotMarkerFlags, DcpStreamEndStatus } from "./gen/Types.ts"
import type { Outbox } from "./Outbox.ts"
import { isOwnKey } from "./OwnDocuments.ts"
import type { Delivered, Progress } from "./Progress.ts"
import { PersistenceGate } from "./PersistenceGate.ts"
import { isViolation, type Placed } from "./SnapshotTracker.ts"
import type { VbucketFollower } from "./VbucketFollower.ts"

/** What a vbucket needs of its consumer. */
export interface StreamOwner {
  readonly outbox: Pick<Outbox<DcpEvent, never>, "push" | "pass">
  /** Markers and SEQNO_ADVANCED are events too. */
  readonly verbose: boolean
  /** Only what all copies have on disk is handed over. */
  readonly gated: boolean
  /** Names of collections. */
  readonly names: CollectionNames
  /** A stream that rested has something else to be done than to hear messages. */
  proceed(stream: VbucketStream): void
  /** The checkpoint of a vbucket changed. */
  changed(stream: VbucketStream): void
  /** One more change was delivered. */
  delivered(change: Change): void
  /** A stream was opened on another branch of the vbucket's history than the one before. */
  branched(vbucket: number, from: bigint, to: bigint): void
  /** Its stream is open on another node than the one before. Addresses as `host:port`. */
  moved(vbucket: number, from: string, to: string): void
  /** Everything that was there at the beginning was delivered. */
  caughtUp(): void
}

const none: ReadonlyArray<never> = []

/** An event, and the bytes of the flow-control window that it took. */
interface Held {
  readonly event: DcpEvent
  readonly bytes: number
}

/** One vbucket. */
export class VbucketStream implements StreamSink, Account {
  // what each message needs comes first, so that it lies together
  readonly vbucket: number
  readonly follower: VbucketFollower
  private readonly progress: Progress
  private readonly owner: StreamOwner
  private connection: DcpConnection | undefined
  private readonly gate: PersistenceGate | undefined
  /** The owner knows that the checkpoint changed, and has not asked for it yet. */
  private told = false
  private whenSettled: (() => void) | undefined
  private resting = false
  /** Where its newest stream was opened, `host:port`. */
  address: string | undefined
  /** Events that may not be handed over yet. */
  private held: Array<Held> | undefined
  /** The branch of the stream that is open. */
  vbucketUuid: bigint | undefined

  constructor(vbucket: number, follower: VbucketFollower, owner: StreamOwner) {
    this.vbucket = vbucket
    this.follower = follower
    this.progress = follower.progress
    this.owner = owner
    this.gate = owner.gated ? new PersistenceGate() : undefined
  }

  /** Messages that wait for the disks of all copies. */
  get withheld(): number {
    return this.gate?.size ?? 0
  }

  /** All copies have everything up to here on disk. */
  persisted(seqno: bigint): void {
    const { gate } = this
    gate?.persisted(seqno, ({ at, connection, end, reader }) => {
      this.take(reader, at, end, connection)
      if (this.follower.open) return true
      gate.empty()
      return false
    })
  }

  settle(event: Delivered): void {
    const { progress } = this
    if (progress.process(event)) this.tell()
    if (this.whenSettled !== undefined && progress.unprocessed === 0) this.whenSettled()
  }

  nameOf(collectionId: number): string | undefined {
    return this.owner.names.of(collectionId)
  }

  /** Waits until everything that was delivered is settled: then nothing of it comes again. */
  get settled(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.follower.progress.unprocessed === 0) return Effect.void
      return Effect.callback<void>((resume) => {
        this.whenSettled = () => {
          this.whenSettled = undefined
          resume(Effect.void)
        }
        return Effect.sync(() => this.whenSettled = undefined)
      })
    })
  }

  /** Nothing is to be done but to hear messages: its owner is told when that changes. */
  rest(): void {
    this.resting = true
  }

  opened(failoverLog: FailoverLog, connection: DcpConnection): void {
    this.connection = connection
    if (this.address !== undefined && this.address !== connection.address) this.owner.moved(this.vbucket, this.address, connection.address)
    this.address = connection.address
    const { follower } = this
    const [before] = follower.checkpoint.failoverLog
    const [now] = failoverLog
    if (before !== undefined && now !== undefined && before.vbucketUuid !== now.vbucketUuid) {
      this.owner.branched(this.vbucket, before.vbucketUuid, now.vbucketUuid)
    }
    this.gate?.empty()
    this.vbucketUuid = now?.vbucketUuid
    follower.opened(failoverLog)
    if (follower.progress.dirty) this.tell()
    this.advance()
  }

  /** What was held is handed over, once it may be. */
  release(): void {
    if (this.follower.holding) return
    for (const { bytes, event } of this.taken()) this.owner.outbox.push(event, bytes, this.connection)
    this.advance()
  }

  message(reader: Reader, at: number, end: number, connection: DcpConnection): void {
    if (this.gate === undefined || !this.withholds(this.gate, reader, at, end, connection)) this.take(reader, at, end, connection)
  }

  /** What could still be lost waits. So does the end that was asked for; every other end takes with it what waits, which comes again. */
  private withholds(gate: PersistenceGate, reader: Reader, at: number, end: number, connection: DcpConnection): boolean {
    if (isPlainMutation(reader, at, end, connection.states)) return gate.holds(reader, at, end, connection, plainSeqno(reader, at))
    let packet: ReturnType<typeof decodeRequest>
    try {
      packet = decodeRequest(reader, at, connection.states)
    } catch {
      // it is refused where it has its turn
      return gate.holds(reader, at, end, connection, undefined)
    }
    if (packet._tag === "DcpStreamEnd" && packet.reason !== DcpStreamEndStatus.Ok) {
      gate.empty()
      return false
    }
    return gate.holds(reader, at, end, connection, "bySeqno" in packet ? packet.bySeqno : undefined)
  }

  private take(reader: Reader, at: number, end: number, connection: DcpConnection): void {
    const bytes = end - at
    if (isPlainMutation(reader, at, end, connection.states) && vbucketAt(reader, at) === this.vbucket) {
      const seqno = plainSeqno(reader, at)
      if (this.follower.follows(plainSeqnoNumber(reader, at))) {
        const { run } = this.follower
        if (isPlainOwn(reader, at, connection.states)) return this.skip(seqno, run, bytes)
        const event = new Mutation(reader, at, connection.states, seqno, run, this)
        this.progress.deliver(event)
        this.owner.delivered(event)
        return this.owner.outbox.push(event, bytes, connection)
      }
      const placed = this.place(seqno, bytes)
      if (placed === undefined) return
      if (isPlainOwn(reader, at, connection.states)) return this.skip(seqno, placed, bytes)
      return this.deliver(new Mutation(reader, at, connection.states, seqno, placed, this), placed, bytes)
    }
    let packet: ReturnType<typeof decodeRequest>
    try {
      packet = decodeRequest(reader, at, connection.states)
    } catch (error) {
      connection.free(bytes)
      if (!(error instanceof DecodeError)) throw error
      return this.violated(error.message)
    }
    if (packet.vbucket !== this.vbucket) {
      connection.free(bytes)
      return this.violated(`a message of vbucket ${packet.vbucket} in the stream of vbucket ${this.vbucket}`)
    }
    switch (packet._tag) {
      case "DcpMutation":
      case "DcpDeletion":
      case "DcpExpiration":
      case "DcpSystemEvent": {
        const { bySeqno } = packet
        const placed = this.place(bySeqno, bytes)
        if (placed === undefined) return
        if (packet._tag === "DcpSystemEvent") this.owner.names.happened(packet)
        else if (isOwnKey(packet.key)) return this.skip(bySeqno, placed, bytes)
        const event = packet._tag === "DcpMutation"
          ? new Mutation(reader, at, connection.states, bySeqno, placed, this, packet)
          : packet._tag === "DcpDeletion"
          ? new Deletion(packet, placed, this)
          : packet._tag === "DcpExpiration"
          ? new Expiration(packet, placed, this)
          : new SystemEvent(packet, placed, this)
        return this.deliver(event, placed, bytes)
      }
      case "DcpSnapshotMarker": {
        const purgeSeqno = packet.layout === "V2_2" ? packet.purgeSeqno : 0n
        const violation = this.follower.marker(packet.startSeqno, packet.endSeqno, packet.flags, purgeSeqno)
        if (violation !== undefined) {
          connection.free(bytes)
          return this.violated(violation.message)
        }
        if ((packet.flags & DcpSnapshotMarkerFlags.acknowledge) !== 0) connection.answerMarker(packet.opaque)
        if (this.owner.verbose) this.emit(new SnapshotStarted(packet), bytes)
        else this.pass(bytes)
        return
      }
      case "DcpSeqnoAdvanced": {
        const placed = this.place(packet.bySeqno, bytes)
        if (placed === undefined) return
        // what is not delivered moves the checkpoint
        if (this.follower.pass(packet.bySeqno, placed)) this.tell()
        if (this.owner.verbose) this.emit(new SeqnoAdvanced(this.vbucket, packet.bySeqno), bytes)
        else this.pass(bytes)
        if (placed.snapshot.ordered) this.advance()
        return
      }
      case "DcpOsoSnapshot": {
        this.pass(bytes)
        const violation = this.follower.unordered((packet.flags & DcpOsoSnapshotFlags.start) !== 0)
        if (violation !== undefined) return this.violated(violation.message)
        this.tell()
        return this.advance()
      }
      case "DcpStreamEnd":
        connection.ended(this)
        this.pass(bytes)
        this.follower.ended(packet.reason)
        return this.look()
      default:
        // what no server sends to consumers like this one has no place in the history that we know of
        connection.ignored++
        return this.pass(bytes)
    }
  }

  lost(): void {
    this.gate?.empty()
    this.follower.lost()
    this.look()
  }

  /** Ends the stream from this side. */
  close(): void {
    this.gate?.empty()
    this.connection?.closeStream(this)
  }

  /** Like `close`; what is held will not be handed over. */
  leave(): void {
    this.close()
    for (const { bytes } of this.taken()) this.connection?.free(bytes)
  }

  /** What was held, and is held no more. */
  private taken(): ReadonlyArray<Held> {
    const { held } = this
    if (held === undefined) return none
    this.held = undefined
    return emptied(held)
  }

  /** The checkpoint as it is, for whoever stores it: until it is asked for, the owner is told once that it changed. */
  current(): Checkpoint {
    const { checkpoint, progress } = this.follower
    this.told = false
    progress.stored(checkpoint)
    return checkpoint
  }

  private tell(): void {
    if (this.told) return
    this.told = true
    this.owner.changed(this)
  }

  /** A document that is nobody's change. It moves the checkpoint, but that is no reason to save it, which would bring the next. */
  private skip(seqno: bigint, placed: Placed, bytes: number): void {
    this.follower.pass(seqno, placed)
    this.pass(bytes)
    if (placed.snapshot.ordered) this.advance()
  }

  private deliver(event: Change, placed: Placed, bytes: number): void {
    this.follower.deliver(event)
    this.owner.delivered(event)
    this.emit(event, bytes)
    if (placed.snapshot.ordered) this.advance()
  }

  private place(seqno: bigint, bytes: number): Placed | undefined {
    const placed = this.follower.place(seqno)
    if (!isViolation(placed)) return placed
    this.connection!.free(bytes)
    this.violated(placed.message)
    return undefined
  }

  private emit(event: DcpEvent, bytes: number): void {
    if (this.follower.holding) (this.held ??= []).push({ event, bytes })
    else this.owner.outbox.push(event, bytes, this.connection)
  }

  /** Bytes without an event. What is held has not been taken, so they are given free at once. */
  private pass(bytes: number): void {
    if (this.follower.holding) this.connection!.free(bytes)
    else this.owner.outbox.pass(bytes, this.connection!)
  }

  private advance(): void {
    if (this.follower.advanced()) {
      this.owner.outbox.push(new CaughtUp(this.vbucket), 0, undefined)
      this.owner.caughtUp()
    }
    this.look()
  }

  private violated(message: string): void {
    this.follower.violated(message)
    this.look()
  }

  /** What the last message came to: a stream that is over is closed, and one that rested has something to be done. */
  private look(): void {
    const { follower } = this
    if (follower.phase === "Following") return
    if (!follower.open) {
      this.gate?.empty()
      this.connection?.closeStream(this)
    }
    if (!this.resting) return
    this.resting = false
    this.owner.proceed(this)
  }
}
