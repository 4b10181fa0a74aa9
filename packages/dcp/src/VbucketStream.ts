/**
 * One vbucket of a running consumer: hears the messages of its stream in the connection's callbacks, turns them into events, and says when and
 * why the stream is gone. What to do about that is the consumer's business; the rules are `StreamState`'s.
 */
import { DecodeError, type Reader } from "@wirewright/codec"
import type { ConnectionError } from "@wirewright/connection"
import * as Effect from "effect/Effect"
import type { Checkpoint } from "./Checkpoint.ts"
import type { DcpConnection, StreamSink } from "./DcpConnection.ts"
import {
  type Account,
  CaughtUp,
  type DcpEvent,
  Deletion,
  Expiration,
  isPlainMutation,
  Mutation,
  plainSeqno,
  SeqnoAdvanced,
  SnapshotStarted,
  SystemEvent
} from "./DcpEvent.ts"
import type { FailoverLog } from "./FailoverLog.ts"
import { decodeRequest } from "./gen/index.ts"
import { DcpOsoSnapshotFlags, DcpSnapshotMarkerFlags } from "./gen/Types.ts"
import type { Outbox } from "./Outbox.ts"
import type { Ordinal } from "./Progress.ts"
import { isViolation, type Placed } from "./SnapshotTracker.ts"
import type { StreamState, StreamStep } from "./StreamState.ts"

/** Why a stream is gone. */
export type StreamGone =
  | { readonly _tag: "End"; readonly reason: number }
  | { readonly _tag: "Lost"; readonly error: ConnectionError }
  /** The server sent what no server may send; the stream was closed. */
  | { readonly _tag: "Violation"; readonly message: string }
  /** Everything that was asked for is here. */
  | { readonly _tag: "Reached" }

/** What a vbucket needs of its consumer. */
export interface StreamOwner {
  readonly outbox: Pick<Outbox<DcpEvent, never>, "push" | "pass">
  /** Markers and SEQNO_ADVANCED are events too. */
  readonly verbose: boolean
  /** The checkpoint of a vbucket changed. */
  changed(stream: VbucketStream): void
  /** One more event was delivered. */
  delivered(): void
  /** Everything that was there at the beginning was delivered. */
  caughtUp(): void
}

/** One vbucket. */
export class VbucketStream implements StreamSink, Account {
  readonly vbucket: number
  readonly state: StreamState
  /** What the last answer came to. */
  step: StreamStep | undefined
  /** Where the stream may end. */
  end: bigint
  /** Seqno at which everything is delivered that was there at the beginning; undefined once it is. */
  target: bigint | undefined
  private readonly owner: StreamOwner
  private connection: DcpConnection | undefined
  /** Events that wait until the checkpoint with the new branch is stored. */
  private held: Array<{ readonly event: DcpEvent; readonly bytes: number }> | undefined
  private gone: StreamGone | undefined
  private resume: ((effect: Effect.Effect<StreamGone>) => void) | undefined
  private whenSettled: (() => void) | undefined

  constructor(vbucket: number, state: StreamState, owner: StreamOwner, end: bigint, target: bigint | undefined) {
    this.vbucket = vbucket
    this.state = state
    this.owner = owner
    this.end = end
    this.target = target
  }

  settle(ordinal: Ordinal): void {
    const { progress } = this.state
    const known = progress.dirty
    if (progress.process(ordinal) && !known) this.owner.changed(this)
    if (this.whenSettled !== undefined && progress.unprocessed === 0) this.whenSettled()
  }

  /** Waits until everything that was delivered is settled: then nothing of it comes again. */
  readonly settled: Effect.Effect<void> = Effect.suspend(() => {
    if (this.state.progress.unprocessed === 0) return Effect.void
    return Effect.callback<void>((resume) => {
      this.whenSettled = () => {
        this.whenSettled = undefined
        resume(Effect.void)
      }
      return Effect.sync(() => this.whenSettled = undefined)
    })
  })

  /** Waits until the stream is gone. */
  readonly over: Effect.Effect<StreamGone> = Effect.suspend(() => {
    if (this.gone !== undefined) return Effect.succeed(this.gone)
    return Effect.callback<StreamGone>((resume) => {
      this.resume = resume
    })
  })

  /** Forgets the stream before this one. */
  begin(): void {
    this.gone = undefined
    this.step = undefined
    this.held = []
  }

  opened(failoverLog: FailoverLog, connection: DcpConnection): void {
    this.connection = connection
    this.step = this.state.opened(failoverLog)
    if (this.step._tag === "Failed") {
      connection.closeStream(this)
      this.finish({ _tag: "Violation", message: "message" in this.step.failure ? this.step.failure.message : this.step.failure._tag })
    } else if (this.state.received >= this.end) this.reach()
  }

  /** The checkpoint is stored: what was held is delivered. */
  release(): void {
    const held = this.held ?? []
    this.held = undefined
    for (const { bytes, event } of held) this.owner.outbox.push(event, bytes, this.connection)
    this.reached(this.state.received)
  }

  message(reader: Reader, at: number, end: number, connection: DcpConnection): void {
    const bytes = end - at
    if (isPlainMutation(reader, at, end, connection.states) && reader.view.getUint16(at + 6) === this.vbucket) {
      const seqno = plainSeqno(reader, at)
      const placed = this.place(seqno, bytes)
      if (placed !== undefined) this.deliver(new Mutation(reader, at, connection.states, seqno, placed, this), seqno, placed, bytes)
      return
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
        const event = packet._tag === "DcpMutation"
          ? new Mutation(reader, at, connection.states, bySeqno, placed, this, packet)
          : packet._tag === "DcpDeletion"
          ? new Deletion(packet, placed, this)
          : packet._tag === "DcpExpiration"
          ? new Expiration(packet, placed, this)
          : new SystemEvent(packet, placed, this)
        return this.deliver(event, bySeqno, placed, bytes)
      }
      case "DcpSnapshotMarker": {
        const purgeSeqno = packet.layout === "V2_2" ? packet.purgeSeqno : 0n
        const violation = this.state.marker(packet.startSeqno, packet.endSeqno, packet.flags, purgeSeqno)
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
        this.advance(packet.bySeqno, placed)
        if (this.owner.verbose) this.emit(new SeqnoAdvanced(this.vbucket, packet.bySeqno), bytes)
        else this.pass(bytes)
        if (placed.snapshot.ordered) this.reached(packet.bySeqno)
        return
      }
      case "DcpOsoSnapshot": {
        const violation = this.state.unordered((packet.flags & DcpOsoSnapshotFlags.start) !== 0)
        this.pass(bytes)
        if (violation !== undefined) return this.violated(violation.message)
        this.owner.changed(this)
        return this.reached(this.state.received)
      }
      case "DcpStreamEnd":
        connection.ended(this)
        this.pass(bytes)
        return this.finish({ _tag: "End", reason: packet.reason })
      default:
        // what no server sends to consumers like this one has no place in the history that we know of
        connection.ignored++
        return this.pass(bytes)
    }
  }

  lost(error: ConnectionError): void {
    this.finish({ _tag: "Lost", error })
  }

  /** Ends the stream from this side. */
  close(): void {
    this.connection?.closeStream(this)
  }

  private deliver(event: Mutation | Deletion | Expiration | SystemEvent, seqno: bigint, placed: Placed, bytes: number): void {
    event.ordinal = this.state.progress.deliver(event)
    this.owner.delivered()
    this.emit(event, bytes)
    if (placed.snapshot.ordered) this.reached(seqno)
  }

  private place(seqno: bigint, bytes: number): Placed | undefined {
    const placed = this.state.place(seqno)
    if (!isViolation(placed)) return placed
    this.connection!.free(bytes)
    this.violated(placed.message)
    return undefined
  }

  /** A message that nobody sees moves the checkpoint. */
  private advance(seqno: bigint, placed: Placed): void {
    const { progress } = this.state
    const known = progress.dirty
    if (progress.pass(seqno, placed) && !known) this.owner.changed(this)
  }

  /** The checkpoint as it is, for whoever stores it: until it is asked for, the owner is told once that it changed. */
  readonly current = (): Checkpoint => {
    const { progress } = this.state
    const { checkpoint } = progress
    progress.stored(checkpoint)
    return checkpoint
  }

  private emit(event: DcpEvent, bytes: number): void {
    if (this.held === undefined) this.owner.outbox.push(event, bytes, this.connection)
    else this.held.push({ event, bytes })
  }

  private pass(bytes: number): void {
    if (this.held === undefined) this.owner.outbox.pass(bytes, this.connection!)
    else this.connection!.free(bytes)
  }

  /** Everything up to `seqno` was delivered. */
  private reached(seqno: bigint): void {
    // what is held was not delivered; this is looked at again when it is
    if (this.held !== undefined) return
    if (this.target !== undefined && seqno >= this.target) {
      this.target = undefined
      this.emit(new CaughtUp(this.vbucket), 0)
      this.owner.caughtUp()
    }
    if (seqno >= this.end) this.reach()
  }

  /** The server may say so late, or never. What it rounds up to is delivered: only the whole of a snapshot is consistent. */
  private reach(): void {
    const { snapshot } = this.state
    if (snapshot !== undefined && snapshot.end > this.state.received) return
    this.connection?.closeStream(this)
    this.finish({ _tag: "Reached" })
  }

  private violated(message: string): void {
    this.connection?.closeStream(this)
    this.finish({ _tag: "Violation", message })
  }

  private finish(gone: StreamGone): void {
    if (this.gone !== undefined) return
    this.gone = gone
    const { resume } = this
    this.resume = undefined
    resume?.(Effect.succeed(gone))
  }
}
