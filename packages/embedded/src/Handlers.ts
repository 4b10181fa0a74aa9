/** What the handlers of the embedded node's commands look like, and what they see of the client whose request it is. */
import type { Writer } from "@wirewright/codec"
import type { MutationToken, Packet, Request, ResponseInit } from "@wirewright/dcp/gen"
import type { RequestHead } from "@wirewright/memcached/gen"
import type { ServerClient } from "@wirewright/connection"
import type { Bucket } from "./Bucket.ts"
import type { ClusterState } from "./ClusterState.ts"
import type { DcpProducer, ProducerNames } from "./DcpProducer.ts"
import type { Document, Refusal } from "./Document.ts"
import type { ErrorContext } from "./ErrorBody.ts"
import type { Item, Space } from "./HashTable.ts"
import type { Features } from "./Hello.ts"
import type { RangeScans } from "./RangeScans.ts"
import type { After } from "./Replication.ts"
import type { RequestOf } from "./RequestRules.ts"
import type { SaslServer } from "./SaslServer.ts"
import type { Sliced } from "./Slices.ts"
import type { Users } from "./Users.ts"
import type { VbucketCopy, VbucketInfo } from "./VbucketCopy.ts"

/** Commands that are handled; the others are not supported. */
export type Handlers = {
  readonly [Tag in Request["_tag"]]?: (client: NodeClient, packet: RequestOf<Tag>) => void
}

/** What the connections of a node share. */
export interface NodeShared {
  readonly users: Users
  readonly version: string
  readonly buckets: ReadonlyMap<string, Bucket>
  /** The cluster map as JSON: of a bucket, or without one. */
  readonly clusterConfig: (bucket?: Bucket) => string
  readonly cluster: ClusterState
  /** Which node of the cluster this is. */
  readonly node: number
  /** DCP connections of this node. */
  readonly producers: ProducerNames
  /** Range scans of this node. */
  readonly scans: RangeScans
  /** Milliseconds of a clock that only goes forward. */
  readonly elapsed: () => number
  readonly after: After
  /** A random reference for an error. */
  readonly reference: () => string
  /** Seconds since the node was made. */
  readonly uptime: () => number
  readonly handlers: Handlers
  /** Whether a request that is not allowed as it stands ends its connection. */
  readonly closeOnEinval: boolean
  /** Sees every packet first. */
  readonly script: NodeScript | undefined
}

/** Answers packets in the node's place, rightly or wrongly: for tests of clients. Returns whether it did; the node does the rest. */
export type NodeScript = (client: NodeClient, packet: Packet) => boolean

/** A request that names a document. */
export type Keyed = RequestHead & { readonly opcode: number; readonly key: string; readonly collectionId?: number | undefined }

/** Where a request's document is. */
export interface Target {
  readonly bucket: Bucket
  readonly space: Space
  /** The replica that is read; nothing where the document is the active copy's. */
  readonly replica?: VbucketCopy
}

/** Told of what becomes of a client, and hears what becomes of the client. */
export interface ConnectionListener {
  /** The client has read what waited for it. */
  readonly drained?: () => void
  /** The client is gone. */
  readonly closed: () => void
}

/** As much of a request as its answer repeats. */
export interface Handled {
  readonly opcode: number
  readonly opaque: number
}

/** A client as handlers see it: what it negotiated, who it is, which bucket it selected, and how its requests are answered. */
export interface NodeClient {
  readonly shared: NodeShared
  readonly client: ServerClient
  readonly sasl: SaslServer
  features: Features
  bucket: Bucket | undefined
  /** What the connection is for once it was opened for DCP. */
  dcp: DcpProducer | undefined
  /** Datatype of JSON that the node itself writes. */
  readonly jsonDatatype: number
  /** Tells `listener` of what becomes of the client, until the result is called. */
  listen(listener: ConnectionListener): () => void
  /** The copy of a vbucket that this node has. */
  vbucket(bucket: Bucket, id: number): VbucketCopy | undefined
  /** The copies of vbuckets of a bucket that this node has. */
  vbuckets(bucket: Bucket): ReadonlyArray<VbucketInfo>
  /** Nothing more of the client is looked at until the result is called, unless it does not mind in which order its requests are answered. */
  owes(): () => void
  /** Where a change landed, for clients that asked to be told. */
  tokenOf(target: Target, item: Item): MutationToken | undefined
  /** Header of the answer to a request. */
  head(packet: { readonly opaque: number }, init?: ResponseInit): ResponseInit
  reply(write: (writer: Writer) => void): void
  /** The datatype as this client may see it. */
  visible(datatype: number): number
  /** Answers with a failure, as far as the client understands it. */
  fail(packet: Handled, status: number, context?: ErrorContext): void
  /** Answers with a failure that every client understands. */
  failure(packet: Handled, status: number, context?: ErrorContext): void
  /** Answers a request that is not allowed as it stands. */
  invalid(packet: Handled, problem: { readonly status?: number; readonly context?: string | undefined }): void
  /** Answers with the store's refusal. */
  refuse(packet: Handled, refusal: Refusal): void
  /** Does work that may take long in slices, so that other clients have their turn in between; requests of this one wait. */
  sliced<A>(work: Sliced<A>, done: (result: A) => void): void
  /** Like `sliced`, for what a change needs to know first; the place is looked up again when others had their turn. */
  slicedChange<A>(packet: Keyed, target: Target, work: Sliced<A>, done: (result: A, target: Target) => void): void
  /** Says that the vbucket is not here, and what is. */
  notMyVbucket(packet: Handled, bucket: Bucket): void
  /** The bucket, or an answer that there is none. */
  selected(packet: Handled): Bucket | undefined
  /** Where the document of a request is, or an answer why it is nowhere. `states` are those of a vbucket that serves the request. */
  target(packet: Keyed, states?: ReadonlyArray<number>): Target | undefined
  /** Like `target`, for a request that reads: a document that may have another version already is not shown. */
  readable(packet: Keyed, states?: ReadonlyArray<number>): Target | undefined
  /** Like `target`, for a request that changes something. */
  writable(packet: Keyed): Target | undefined
  /** The version of a document that a request reads; with `deleted`, also what is left of it. */
  documentOf(target: Target, key: string, deleted?: boolean): Document | undefined
  /** Whether the client may change things; answers when it may not. */
  mayWrite(packet: Handled): boolean
  /** Answers that a collection or scope does not exist, and which manifest says so. */
  unknownCollection(packet: Handled, bucket: Bucket, status: number): void
}

/** Whether a request says that the document keeps its expiry. */
export const preservesExpiry = (packet: RequestHead): boolean => packet.framing.some(({ _tag }) => _tag === "PreserveTtl")
