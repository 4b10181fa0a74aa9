/**
 * What a change stream delivers: changes of documents, of scopes and collections, and what a pipeline has to know about the stream itself.
 *
 * An event is a view of the packet that brought it. It becomes part of a checkpoint when the handler that was given it returns.
 */
import { decodeText, getU64Number, type Reader } from "@wirewright/codec"
import { jsonCodec } from "@wirewright/memcached/internal"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import {
  type DcpDeletion,
  type DcpExpiration,
  type DcpMutation,
  type DcpSnapshotMarker,
  type DcpSystemEvent as SystemEventPacket,
  datatypeAt,
  decodeRequest,
  endAt,
  extrasLengthAt,
  headerSize,
  keyLengthAt,
  magicAt,
  magics,
  Opcode,
  opcodeAt,
  type States
} from "./gen/index.ts"
import type { Delivered } from "./Progress.ts"
import type { Placed, Snapshot } from "./SnapshotTracker.ts"
import { type DcpStreamFailed, DcpValueError } from "./DcpError.ts"
import { type DocumentParts, partsOf, type ValueProblem } from "./DocumentValue.ts"
import type { UndoReason } from "./VbucketFollower.ts"
import { isOwnKeyAt } from "./OwnDocuments.ts"

const settlement: unique symbol = Symbol("settlement")

/** The event is being handed to the application. */
export const handOver = (event: DcpEvent): void => {
  if ("handed" in event) event.handed = true
}

/** The event was processed, or undone: the checkpoint may pass it. */
export const settle = (event: DcpEvent): void => {
  if (settlement in event) event[settlement]()
}

/** Who keeps account of what was processed. */
export interface Account {
  readonly vbucket: number
  /** An event was processed. Naming one twice, or one of a stream that is gone, changes nothing. */
  settle(event: Delivered): void
  /** `scope.collection` of an id, where that is known. */
  nameOf(collectionId: number): string | undefined
}

/** An event with a place in a vbucket's history. */
abstract class HistoryEvent<Packet extends { readonly opaque: number }> implements Delivered {
  /** @internal */
  readonly placed: Placed
  /** @internal */
  waits = false
  /** @internal */
  handed = false
  /** @internal */
  following: Delivered | undefined = undefined
  /** @internal */
  readonly account: Account

  constructor(placed: Placed, account: Account) {
    this.placed = placed
    this.account = account
  }

  /** The packet as it came. */
  abstract get packet(): Packet

  /** Position in the vbucket's history. */
  abstract get seqno(): bigint

  /** The snapshot that the event belongs to. */
  get snapshot(): Snapshot {
    return this.placed.snapshot
  }

  get vbucket(): number {
    return this.account.vbucket
  }

  /** @internal */
  [settlement](): void {
    this.account.settle(this)
  }
}

/** A change of a document. */
abstract class DocumentEvent<Packet extends DcpMutation | DcpDeletion | DcpExpiration> extends HistoryEvent<Packet> {
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

  /** The collection as `scope.collection`; undefined when the node has told nothing of it. */
  get collection(): string | undefined {
    return this.account.nameOf(this.collectionId)
  }

  /** The document's id as lossless text. */
  abstract get key(): string

  /** The value as it came. */
  abstract get value(): Uint8Array

  /** How the value is encoded: JSON 1, Snappy 2, extended attributes in front 4. */
  abstract get datatype(): number

  /** The value without its extended attributes, uncompressed. */
  get body(): Effect.Effect<Uint8Array, DcpValueError> {
    return this.within(({ body }) => Result.succeed(body))
  }

  /** JSON text of each extended attribute by its name; none unless the stream has them (`xattrs`). */
  get xattrs(): Effect.Effect<ReadonlyMap<string, string>, DcpValueError> {
    return this.within(({ xattrs }) => Result.succeed(xattrs))
  }

  /** @internal */
  within<A>(read: (parts: DocumentParts) => Result.Result<A, ValueProblem>): Effect.Effect<A, DcpValueError> {
    return Effect.suspend(() =>
      Result.match(Result.flatMap(partsOf(this.value, this.datatype), read), {
        onSuccess: Effect.succeed,
        onFailure: (problem) => Effect.fail(new DcpValueError({ ...problem, vbucket: this.vbucket, seqno: this.seqno, key: this.key }))
      })
    )
  }
}

abstract class RemovalEvent<Packet extends DcpDeletion | DcpExpiration> extends DocumentEvent<Packet> {
  readonly packet: Packet

  constructor(packet: Packet, placed: Placed, account: Account) {
    super(placed, account)
    this.packet = packet
  }

  get seqno(): bigint {
    return this.packet.bySeqno
  }

  /** The document's id as lossless text. */
  get key(): string {
    return this.packet.key
  }

  /** The attributes that outlive the document, if any, as they came. */
  get value(): Uint8Array {
    return this.packet.value
  }

  /** How the value is encoded: JSON 1, Snappy 2, extended attributes in front 4. */
  get datatype(): number {
    return this.packet.datatype
  }

  /** Unix time in seconds of the removal, when the connection tells times. */
  get deletedAt(): number | undefined {
    return this.packet.layout === "V2" ? this.packet.deleteTime : undefined
  }
}

/** Bytes of a mutation's extras in the layout of nearly all. */
const mutationExtras = 31

/** Magic of requests without framing extras. */
const [plain] = magics.request

/**
 * Whether a frame is a mutation as nearly all are: no framing extras, a collection id of one byte. Such a frame decodes, so that can wait until
 * it is asked for.
 */
export const isPlainMutation = (reader: Reader, at: number, end: number, { collections }: States): boolean => {
  if (opcodeAt(reader, at) !== Opcode.DcpMutation || magicAt(reader, at) !== plain || extrasLengthAt(reader, at) !== mutationExtras) {
    return false
  }
  const keyAt = at + headerSize + mutationExtras
  const keyLength = keyLengthAt(reader, at)
  if (keyAt + keyLength > end) return false
  return collections ? keyLength > 0 && keyLength <= 251 && reader.bytes[keyAt]! < 0x80 : keyLength <= 250
}

/** Whether a mutation that `isPlainMutation` is of a document that consumers or clusters keep. */
export const isPlainOwn = (reader: Reader, at: number, { collections }: States): boolean => {
  const keyAt = at + headerSize + mutationExtras
  return isOwnKeyAt(reader.bytes, keyAt + (collections ? 1 : 0), keyAt + keyLengthAt(reader, at))
}

/** Seqno of a mutation that `isPlainMutation`. */
export const plainSeqno = ({ view }: Reader, at: number): bigint => view.getBigUint64(at + headerSize)

/** The same as a number, which is exact up to 2⁵³ − 1. */
export const plainSeqnoNumber = ({ view }: Reader, at: number): number => getU64Number(view, at + headerSize)

/**
 * A document was stored. There are many of them, so the packet is decoded when something of it is asked for that is neither key, value, datatype
 * nor seqno.
 */
export class Mutation extends DocumentEvent<DcpMutation> {
  readonly _tag = "Mutation"
  readonly seqno: bigint
  private readonly reader: Reader
  private readonly at: number
  private readonly states: States
  private decoded: DcpMutation | undefined = undefined
  private text: string | undefined = undefined

  /** @param at of a frame that `isPlainMutation` in `reader`, unless `decoded` is given */
  constructor(reader: Reader, at: number, states: States, seqno: bigint, placed: Placed, account: Account, decoded?: DcpMutation) {
    super(placed, account)
    this.reader = reader
    this.at = at
    this.states = states
    this.seqno = seqno
    this.decoded = decoded
  }

  get packet(): DcpMutation {
    return this.decoded ??= decodeRequest(this.reader, this.at, this.states) as DcpMutation
  }

  /** The document's id as lossless text. */
  get key(): string {
    if (this.decoded !== undefined) return this.decoded.key
    return this.text ??= decodeText(this.reader.bytes, this.keyAt + (this.states.collections ? 1 : 0), this.valueAt)
  }

  /** The value as it came: `body` is the document. */
  get value(): Uint8Array {
    if (this.decoded !== undefined) return this.decoded.value
    return this.reader.slice(this.valueAt, endAt(this.reader, this.at))
  }

  /** How the value is encoded: JSON 1, Snappy 2, extended attributes in front 4. */
  get datatype(): number {
    return datatypeAt(this.reader, this.at)
  }

  /** The body as JSON of the schema. */
  json<A>(schema: Schema.Codec<A, unknown>): Effect.Effect<A, DcpValueError> {
    return this.within(({ body }) => Result.mapError(jsonCodec(schema).decode(body), (mismatch) => ({ reason: "Json", ...mismatch })))
  }

  /** The user's flags. */
  get flags(): number {
    return this.packet.flags
  }

  /** Unix time in seconds when the document ends; 0: never. */
  get expiry(): number {
    return this.packet.expiration
  }

  private get keyAt(): number {
    return this.at + headerSize + mutationExtras
  }

  private get valueAt(): number {
    return this.keyAt + keyLengthAt(this.reader, this.at)
  }
}

/** A document was removed, or expired where expirations are not told apart. */
export class Deletion extends RemovalEvent<DcpDeletion> {
  readonly _tag = "Deletion"
}

/** A document expired. */
export class Expiration extends RemovalEvent<DcpExpiration> {
  readonly _tag = "Expiration"
}

/** A scope or collection was made, dropped or changed. */
export class SystemEvent extends HistoryEvent<SystemEventPacket> {
  readonly _tag = "SystemEvent"
  readonly packet: SystemEventPacket

  constructor(packet: SystemEventPacket, placed: Placed, account: Account) {
    super(placed, account)
    this.packet = packet
  }

  get seqno(): bigint {
    return this.packet.bySeqno
  }
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
}

/**
 * Everything of the vbucket after `to` has to be undone, in whatever way suits: by deleting what has a higher seqno, or by rebuilding from
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

  /** @internal */
  [settlement](): void {
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
}

/** A change of a document. */
export type DocumentChange = Mutation | Deletion | Expiration

/** A change: it has a seqno, and a place in the checkpoint. */
export type Change = DocumentChange | SystemEvent

/** What a stream delivers. */
export type DcpEvent = Change | SeqnoAdvanced | SnapshotStarted | Rollback | CaughtUp | VbucketEnded
