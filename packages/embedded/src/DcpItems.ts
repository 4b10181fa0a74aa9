/** How the changes of a bucket look on one DCP connection: with or without values, attributes, times, collections. Writes packets, decides nothing. */
import type { Writer } from "@wirewright/codec"
import {
  DcpOpenFlags,
  DcpSnapshotMarkerFlags,
  encodeDcpAbort,
  encodeDcpCommit,
  encodeDcpDeletion,
  encodeDcpExpiration,
  encodeDcpMutation,
  encodeDcpPrepare,
  encodeDcpSnapshotMarker,
  encodeDcpSystemEvent
} from "@wirewright/dcp/gen"
import { compress, type Outgoing } from "@wirewright/dcp/producer"
import { Datatype } from "@wirewright/memcached/gen"
import { bodyOf, hasXattrs } from "./Bodies.ts"
import type { AbortChange, BucketChange, DocumentChange, PrepareChange } from "./BucketChange.ts"
import type { ManifestEvent } from "./Collections.ts"
import type { Document } from "./Document.ts"

/** What a connection wants to see. */
export interface ItemView {
  /** Flags of DCP_OPEN. */
  readonly flags: number
  readonly collections: boolean
  /** Values are compressed where that makes them smaller. */
  readonly compressed: boolean
  readonly expirations: boolean
  /** Markers from disk have the purge seqno. */
  readonly markers: boolean
  /** The datatype as the client may see it. */
  readonly visible: (datatype: number) => number
}

/** What every message of a stream has in its header. */
export interface StreamHead {
  readonly opaque: number
  readonly vbucket: number
  readonly framing: ReadonlyArray<{ readonly _tag: "DcpStreamId"; readonly streamId: number }>
}

const empty = new Uint8Array(0)
const noRevision = { nmeta: 0, nru: 0, lockTime: 0 }

interface Value {
  readonly value: Uint8Array
  readonly datatype: number
}

const plainOf = (document: Document, { flags, visible }: ItemView): Value => {
  const { datatype } = document
  if ((flags & DcpOpenFlags.noValueWithUnderlyingDatatype) !== 0) return { value: empty, datatype: visible(datatype) }
  if ((flags & DcpOpenFlags.noValue) !== 0) return { value: empty, datatype: 0 }
  if (!hasXattrs(document)) return { value: document.value, datatype: visible(datatype) }
  return (flags & DcpOpenFlags.includeXattrs) !== 0
    ? { value: document.value, datatype }
    : { value: bodyOf(document), datatype: visible(datatype & ~Datatype.xattr) }
}

const valueOf = (document: Document, view: ItemView): Value => {
  const plain = plainOf(document, view)
  if (!view.compressed || plain.value.length === 0) return plain
  const value = compress(plain.value)
  return value.length < plain.value.length ? { value, datatype: plain.datatype | Datatype.snappy } : plain
}

const collectionOf = ({ collection }: Document, { collections }: ItemView) => collections ? { collectionId: collection } : {}

const writeDocument = (writer: Writer, head: StreamHead, { document, kind }: DocumentChange, view: ItemView): void => {
  const { cas, expiry, flags, key, revSeqno, seqno } = document
  const common = { ...head, cas, bySeqno: seqno, revSeqno, key, ...collectionOf(document, view) }
  if (kind === "mutation") {
    return encodeDcpMutation(writer, { ...common, ...noRevision, ...valueOf(document, view), flags, expiration: expiry })
  }
  // of what is gone only the attributes are left
  const left = hasXattrs(document) ? valueOf(document, view) : { value: empty, datatype: 0 }
  const timed = (view.flags & DcpOpenFlags.includeDeleteTimes) !== 0
  if (kind === "expiration" && view.expirations && timed) {
    return encodeDcpExpiration(writer, { ...common, ...left, layout: "V2", deleteTime: expiry })
  }
  if (timed) encodeDcpDeletion(writer, { ...common, ...left, layout: "V2", deleteTime: expiry })
  else encodeDcpDeletion(writer, { ...common, ...left, layout: "V1", nmeta: 0 })
}

const writeSystemEvent = (writer: Writer, head: StreamHead, bySeqno: bigint, happened: ManifestEvent): void => {
  const { collectionId = 0, event, manifestUid, maxTtl, name, scopeId } = happened
  const common = { ...head, bySeqno, name, manifestUid, scopeId }
  switch (event) {
    case "BeginCollection":
      return maxTtl === undefined
        ? encodeDcpSystemEvent(writer, { ...common, layout: "BeginCollection", collectionId })
        : encodeDcpSystemEvent(writer, { ...common, layout: "BeginCollectionTtl", collectionId, maxTtl })
    case "EndCollection":
      return encodeDcpSystemEvent(writer, { ...common, layout: "EndCollection", collectionId })
    default:
      return encodeDcpSystemEvent(writer, { ...common, layout: event })
  }
}

const writePrepare = (writer: Writer, head: StreamHead, { document, level, of }: PrepareChange, view: ItemView): void => {
  const { cas, expiry, flags, key, revSeqno, seqno } = document
  const state = { ...noRevision, deleted: of === "mutation" ? 0 : 1, durabilityLevel: level }
  const named = { ...head, cas, bySeqno: seqno, revSeqno, key, ...collectionOf(document, view) }
  encodeDcpPrepare(writer, { ...named, ...valueOf(document, view), flags, expiration: expiry, ...state })
}

const writeAbort = (writer: Writer, head: StreamHead, { completes, document, seqno }: AbortChange, view: ItemView): void =>
  encodeDcpAbort(writer, { ...head, key: document.key, ...collectionOf(document, view), preparedSeqno: completes.seqno, abortSeqno: seqno })

/** Appends a change. */
export const writeChange = (writer: Writer, head: StreamHead, change: BucketChange, view: ItemView): void => {
  switch (change.kind) {
    case "system":
      return writeSystemEvent(writer, head, change.seqno, change.event)
    case "prepare":
      return writePrepare(writer, head, change, view)
    case "abort":
      return writeAbort(writer, head, change, view)
    default:
      return writeDocument(writer, head, change, view)
  }
}

/** Appends the commit of a prepare that was sent before. */
export const writeCommit = (writer: Writer, head: StreamHead, { completes, document, seqno }: DocumentChange, view: ItemView): void =>
  encodeDcpCommit(writer, {
    ...head,
    key: document.key,
    ...collectionOf(document, view),
    preparedSeqno: completes?.seqno ?? 0n,
    commitSeqno: seqno
  })

/** Appends a snapshot marker. Only one from disk has a purge seqno to tell. */
export const writeMarker = (
  writer: Writer,
  head: StreamHead,
  marker: Extract<Outgoing<BucketChange>, { readonly _tag: "Marker" }>,
  purgeSeqno: bigint,
  view: ItemView
): void => {
  const { checkpoint, end, from, maxVisible, start } = marker
  const flags = (from === "disk" ? DcpSnapshotMarkerFlags.disk : DcpSnapshotMarkerFlags.memory)
    | (checkpoint ? DcpSnapshotMarkerFlags.checkpoint : 0)
  const range = { ...head, startSeqno: start, endSeqno: end, flags }
  if (from === "disk" && view.markers) {
    const more = { maxVisibleSeqno: maxVisible, highCompletedSeqno: 0n, purgeSeqno, highPreparedSeqno: 0n }
    return encodeDcpSnapshotMarker(writer, { ...range, ...more, layout: "V2_2" })
  }
  encodeDcpSnapshotMarker(writer, { ...range, layout: "V1" })
}
