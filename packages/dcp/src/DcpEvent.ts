/**
 * What a change stream delivers: changes of documents, of scopes and collections, and what a pipeline has to know about the stream itself.
 *
 * An event is a view of the packet that brought it. It becomes part of a checkpoint when it is settled (`Dcp.commit`), in any order.
 */
import type { RollbackReason } from "./Checkpoint.ts"
import type { DcpDeletion, DcpExpiration, DcpMutation, DcpSnapshotMarker, DcpSystemEvent as SystemEventPacket } from "./gen/index.ts"
import type { Delivered, Ordinal } from "./Progress.ts"
import type { Placed, Snapshot } from "./SnapshotTracker.ts"
import type { DcpStreamFailed } from "./DcpError.ts"

/** Who keeps account of what was processed. */
export interface Account {
  readonly vbucket: number
  /** An event was processed. Naming one twice, or one of a stream that is gone, changes nothing. */
  settle(ordinal: Ordinal): void
}

/** An event with a place in a vbucket's history. */
abstract class HistoryEvent<Packet extends { readonly bySeqno: bigint; readonly opaque: number }> implements Delivered {
  /** The packet as it came. */
  readonly packet: Packet
  /** @internal */
  readonly placed: Placed
  /** @internal */
  processed = false
  /** @internal */
  ordinal: Ordinal = -1
  private readonly account: Account

  constructor(packet: Packet, placed: Placed, account: Account) {
    this.packet = packet
    this.placed = placed
    this.account = account
  }

  /** The snapshot that the event belongs to. */
  get snapshot(): Snapshot {
    return this.placed.snapshot
  }

  get vbucket(): number {
    return this.account.vbucket
  }

  /** Position in the vbucket's history. */
  get seqno(): bigint {
    return this.packet.bySeqno
  }

  /** The event was processed; the checkpoint may pass it. */
  settle(): void {
    this.account.settle(this.ordinal)
  }
}

abstract class DocumentEvent<Packet extends DcpMutation | DcpDeletion | DcpExpiration> extends HistoryEvent<Packet> {
  /** The document's id as lossless text. */
  get key(): string {
    return this.packet.key
  }

  /** The document; of one that is gone, the attributes that outlive it. */
  get value(): Uint8Array {
    return this.packet.value
  }

  /** How the value is encoded: JSON 1, Snappy 2, extended attributes in front 4. */
  get datatype(): number {
    return this.packet.datatype
  }

  get cas(): bigint {
    return this.packet.cas
  }

  /** Counts the document's changes. */
  get revSeqno(): bigint {
    return this.packet.revSeqno
  }

  /** The collection's id; 0 is the default collection. */
  get collectionId(): number {
    return this.packet.collectionId ?? 0
  }
}

/** A document was stored. */
export class Mutation extends DocumentEvent<DcpMutation> {
  readonly _tag = "Mutation"

  /** The user's flags. */
  get flags(): number {
    return this.packet.flags
  }

  /** Unix time in seconds when the document ends; 0: never. */
  get expiry(): number {
    return this.packet.expiration
  }
}

/** A document was removed, or expired where expirations are not told apart. */
export class Deletion extends DocumentEvent<DcpDeletion> {
  readonly _tag = "Deletion"

  /** Unix time in seconds of the deletion, when the connection tells times. */
  get deletedAt(): number | undefined {
    return this.packet.layout === "V2" ? this.packet.deleteTime : undefined
  }
}

/** A document expired. */
export class Expiration extends DocumentEvent<DcpExpiration> {
  readonly _tag = "Expiration"

  /** Unix time in seconds of the expiry. */
  get deletedAt(): number | undefined {
    return this.packet.layout === "V2" ? this.packet.deleteTime : undefined
  }
}

/** A scope or collection was made, dropped or changed. */
export class SystemEvent extends HistoryEvent<SystemEventPacket> {
  readonly _tag = "SystemEvent"
}

/** The stream reached a seqno without a change for us. */
export class SeqnoAdvanced {
  readonly _tag = "SeqnoAdvanced"
  readonly vbucket: number
  readonly seqno: bigint

  constructor(vbucket: number, seqno: bigint) {
    this.vbucket = vbucket
    this.seqno = seqno
  }

  settle(): void {}
}

/** A snapshot begins: what follows is consistent once its end is processed. */
export class SnapshotStarted {
  readonly _tag = "SnapshotStarted"
  readonly vbucket: number
  readonly packet: DcpSnapshotMarker

  constructor(packet: DcpSnapshotMarker) {
    this.vbucket = packet.vbucket
    this.packet = packet
  }

  settle(): void {}
}

/** Why what was processed has to be undone. */
export type UndoReason = RollbackReason | "BranchChanged"

/**
 * Everything of the vbucket behind `to` has to be undone, in whatever way suits: by deleting what has a higher seqno, or by rebuilding from
 * nothing. It may come again after a crash, so undoing twice must be harmless. Until it is settled nothing more of the vbucket comes; what came
 * before it and is processed late must be undone too.
 */
export class Rollback {
  readonly _tag = "Rollback"
  readonly vbucket: number
  /** How far the checkpoint was. What was processed ahead of it has to be undone too. */
  readonly from: bigint
  /** The last seqno that stays. 0: nothing does. */
  readonly to: bigint
  /** The seqno that the server asked for; `to` may be lower, see `resumption`. */
  readonly requested: bigint
  readonly reason: UndoReason
  private readonly undone: () => void

  constructor(vbucket: number, from: bigint, to: bigint, requested: bigint, reason: UndoReason, undone: () => void) {
    this.vbucket = vbucket
    this.from = from
    this.to = to
    this.requested = requested
    this.reason = reason
    this.undone = undone
  }

  /** Everything behind `to` was undone. */
  settle(): void {
    this.undone()
  }
}

/** Everything that was there when the stream began was delivered: of one vbucket, or of all. */
export class CaughtUp {
  readonly _tag = "CaughtUp"
  /** Absent when all vbuckets are. */
  readonly vbucket: number | undefined

  constructor(vbucket: number | undefined) {
    this.vbucket = vbucket
  }

  settle(): void {}
}

/** Nothing more of a vbucket will come: all that was asked for was delivered, or it cannot be streamed. The others go on. */
export class VbucketEnded {
  readonly _tag = "VbucketEnded"
  readonly vbucket: number
  /** Absent when all is well. */
  readonly failure: DcpStreamFailed | undefined

  constructor(vbucket: number, failure: DcpStreamFailed | undefined) {
    this.vbucket = vbucket
    this.failure = failure
  }

  settle(): void {}
}

/** A change of a document. */
export type DocumentChange = Mutation | Deletion | Expiration

/** What a stream delivers. */
export type DcpEvent = DocumentChange | SystemEvent | SeqnoAdvanced | SnapshotStarted | Rollback | CaughtUp | VbucketEnded
