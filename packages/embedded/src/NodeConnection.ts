/**
 * One client of the embedded node: what it negotiated, who it is, which bucket it selected, and how its requests are answered.
 *
 * What each command does is the handlers' business. An error says what went wrong, never what the client sent.
 */
import type { DecodeError, Reader, Writer } from "@wirewright/codec"
import { encodeDuration } from "@wirewright/couchbase/internal"
import {
  encodeClustermapChangeNotification,
  encodeErrorResponse,
  HelloFeature,
  kindAt,
  opaqueAt,
  opcodeAt,
  type MutationToken,
  type Packet,
  type Request,
  requestCommands,
  type Response,
  type ResponseInit,
  Status,
  VBucketState
} from "@wirewright/dcp/gen"
import { Datatype, DurabilityLevel, type RequestFrame } from "@wirewright/memcached/gen"
import type { Frame, PacketHandler, ServerClient } from "@wirewright/connection"
import type { Bucket } from "./Bucket.ts"
import type { DcpProducer } from "./DcpProducer.ts"
import type { Document, Refusal } from "./Document.ts"
import { errorBody, type ErrorContext, rewritten, statusOfRefusal } from "./ErrorBody.ts"
import type { ConnectionListener, Handled, Keyed, NodeClient, NodeShared, Target } from "./Handlers.ts"
import { Features } from "./Hello.ts"
import { bytesOf } from "./JsonText.ts"
import { headerProblem, requestProblem, type CheckedCommand } from "./RequestRules.ts"
import { type Sliced, someOf } from "./Slices.ts"
import { SaslServer } from "./SaslServer.ts"
import { uncompress } from "@wirewright/dcp/producer"
import type { Item } from "./HashTable.ts"
import { defaultSyncWriteTimeout } from "./SyncWrites.ts"
import { longestSlice } from "./Turns.ts"
import type { VbucketCopy, VbucketInfo } from "./VbucketCopy.ts"

/** Commands whose change can wait for copies. kv_engine `protocol/mcbp/opcode.cc`, `is_durability_supported`. */
const durable: ReadonlySet<string> = new Set([
  "Add",
  "Append",
  "Decrement",
  "Delete",
  "Gat",
  "Increment",
  "Prepend",
  "Replace",
  "Set",
  "SubdocArrayAddUnique",
  "SubdocArrayInsert",
  "SubdocArrayPushFirst",
  "SubdocArrayPushLast",
  "SubdocCounter",
  "SubdocDelete",
  "SubdocDictAdd",
  "SubdocDictUpsert",
  "SubdocMultiMutation",
  "SubdocReplace",
  "SubdocReplaceBodyWithXattr",
  "Touch"
])

/** A command whose change waits: what it answers when that is settled. */
interface Waiting {
  readonly replies: Array<(writer: Writer) => void>
  /** Where the change lands. */
  readonly token: { vbucketUuid: bigint; seqno: bigint }
  /** Executes another slice of it. */
  readonly execute: (slice: () => void) => void
}

const empty = new Uint8Array(0)
/** Largest value after inflating, in bytes: that of a document. */
const largestInflated = 20 * 1024 * 1024

/** Status of a command that the node does not execute: servers know by name those that they executed once. */
const statusOf = (opcode: number): number => {
  const { name = "Invalid" } = requestCommands[opcode] ?? {}
  return name === "Invalid" ? Status.UnknownCommand : Status.NotSupported
}

const timeouts = { none: 0, infinite: 0xffff } as const

/** What may be asked for before signing in. */
const open: ReadonlySet<string> = new Set([
  "Hello",
  "SaslListMechs",
  "SaslAuth",
  "SaslStep",
  "Noop",
  "Version",
  "Quit",
  "QuitQ",
  "GetErrorMap"
])

/** A client's connection. */
export class NodeConnection implements PacketHandler<Packet>, NodeClient {
  readonly shared: NodeShared
  readonly client: ServerClient
  readonly sasl: SaslServer
  features = new Features()
  bucket: Bucket | undefined
  /** What the connection is for once it was opened for DCP. */
  dcp: DcpProducer | undefined
  /** The client has this version of the cluster map from us. */
  private sentConfig = false
  private since = 0
  /** The command that is executed, if its change waits for copies. */
  private waiting: Waiting | undefined
  /** Answers that are due before the client's next request is looked at. */
  private owed = 0

  private readonly closed: () => void
  private readonly listeners = new Set<ConnectionListener>()

  constructor(shared: NodeShared, client: ServerClient, closed: () => void) {
    this.shared = shared
    this.closed = closed
    this.client = client
    this.sasl = new SaslServer(shared.users)
    const { certificateName } = client
    if (certificateName !== undefined && this.sasl.vouched(certificateName)) client.admit()
  }

  readonly onRequest = (packet: Packet, reader: Reader, at: number): void => {
    this.since = this.shared.elapsed()
    if (this.shared.script !== undefined && this.shared.script(this, packet)) return
    const tag = packet._tag
    const kind = kindAt(reader, at)
    if (kind !== "request") {
      // answers to requests of the server carry nothing that is awaited
      if (kind === "serverResponse") return
      if (this.dcp === undefined) this.client.misbehaved(`a ${tag} where requests come`)
      else this.dcp.answered(packet as Response)
      return
    }
    if (!this.passes(packet as Request, reader, at)) return
    const request = this.plain(packet as Request)
    if (request === undefined) return
    const handle = this.shared.handlers[tag as Request["_tag"]] as ((client: NodeClient, request: Request) => void) | undefined
    if (handle !== undefined) this.execute(request, () => handle(this, request))
    else this.fail(request, statusOf(request.opcode))
  }

  readonly onMalformed = (error: DecodeError, { at, reader }: Frame): void => {
    if (kindAt(reader, at) !== "request") return this.client.misbehaved("a malformed packet that is no request", error)
    this.since = this.shared.elapsed()
    const head = { opcode: opcodeAt(reader, at), opaque: opaqueAt(reader, at) }
    if (error.path === "body") return this.failure(head, Status.E2big, { context: "The request is larger than such requests may be" })
    const many = error.path.startsWith("specs") && error.reason === "Limit"
    this.invalid(head, { status: many ? Status.SubdocInvalidCombo : Status.Einval, context: `${error.packet} ${error.path} is malformed` })
  }

  readonly onDrain = (): void => {
    this.dcp?.drained()
    for (const { drained } of this.listeners) drained?.()
  }

  readonly onClose = (): void => {
    this.dcp?.close()
    for (const { closed } of this.listeners) closed()
    this.shared.scans.abandon(this)
    this.closed()
  }

  /** Tells `listener` of what becomes of the client, until the result is called. */
  listen(listener: ConnectionListener): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  /** The copy of a vbucket that this node has. */
  vbucket(bucket: Bucket, id: number): VbucketCopy | undefined {
    return bucket.copyAt(id, this.shared.node)
  }

  /** The copies of vbuckets of a bucket that this node has. */
  vbuckets(bucket: Bucket): ReadonlyArray<VbucketInfo> {
    return bucket.allVbuckets.flatMap(({ id }) => bucket.copyAt(id, this.shared.node) ?? [])
  }

  /** Nothing more of the client is looked at until the result is called, unless it does not mind in which order its requests are answered. */
  owes(): () => void {
    return this.features.has(HelloFeature.UnorderedExecution) ? () => {} : this.holdsUp()
  }

  /** Nothing more of the client is looked at until the result is called. */
  private holdsUp(): () => void {
    this.owed++
    this.client.pause()
    return () => {
      if (--this.owed === 0) this.client.resume()
    }
  }

  /** Executes a command, and answers when its change has what it waits for. */
  private execute(request: Request, run: () => void): void {
    const frame = request.framing.find((one) => one._tag === "Durability")
    const { bucket } = this
    const level = durable.has(request._tag) ? Math.max(frame?.level ?? 0, bucket?.durabilityMinLevel ?? 0) : 0
    if (level === 0 || bucket === undefined) return run()
    if (bucket.isEphemeral && level !== DurabilityLevel.Majority) return this.fail(request, Status.DurabilityInvalidLevel)
    const durability = { level, timeout: frame?.timeout ?? defaultSyncWriteTimeout }
    const token = { vbucketUuid: 0n, seqno: 0n }
    const replies: Waiting["replies"] = []
    const answer = (): void => {
      for (const write of replies.splice(0)) this.client.reply(write)
    }
    let paid: (() => void) | undefined
    // whoever hears of it may be in the midst of something
    const done = (commitSeqno: bigint | undefined): void =>
      queueMicrotask(() => {
        if (commitSeqno === undefined) this.fail(request, Status.SyncWriteAmbiguous)
        else {
          token.seqno = commitSeqno
          answer()
        }
        paid?.()
      })
    const execute = (slice: () => void): void => {
      this.waiting = waiting
      let waits = false
      try {
        waits = bucket.prepare(request.vbucket, durability, slice, done)
      } finally {
        this.waiting = undefined
      }
      if (waits) paid = this.owes()
      else answer()
    }
    const waiting: Waiting = { replies, token, execute }
    execute(run)
  }

  /** Where a change landed, for clients that asked to be told. */
  tokenOf({ bucket }: Target, { seqno, vbucket }: Item): MutationToken | undefined {
    if (!this.features.mutationTokens) return undefined
    const vbucketUuid = bucket.uuidOf(vbucket)
    return this.waiting === undefined ? { vbucketUuid, seqno } : Object.assign(this.waiting.token, { vbucketUuid, seqno })
  }

  /** Sends the cluster map unasked, if the client wants it. */
  pushClusterMap(): void {
    const { bucket, features, shared } = this
    this.sentConfig = false
    const full = features.has(HelloFeature.ClustermapChangeNotification)
    if (!full && !features.has(HelloFeature.ClustermapChangeNotificationBrief)) return
    if (!shared.users.none && this.sasl.user === undefined) return
    const clusterMap = full ? shared.clusterConfig(bucket) : ""
    const head = {
      bucket: bucket?.name ?? "",
      ...shared.cluster.version,
      layout: "V2" as const,
      clusterMap,
      datatype: full ? this.jsonDatatype : 0
    }
    this.reply((writer) => encodeClustermapChangeNotification(writer, head))
  }

  /** Header of the answer to a request. */
  head(packet: { readonly opaque: number }, init: ResponseInit = {}): ResponseInit {
    if (!this.features.tracing) return { opaque: packet.opaque, ...init }
    const encodedDuration = encodeDuration((this.shared.elapsed() - this.since) * 1000)
    return { opaque: packet.opaque, framing: [{ _tag: "ServerDuration", encodedDuration }], ...init }
  }

  reply(write: (writer: Writer) => void): void {
    if (this.waiting === undefined) this.client.reply(write)
    else this.waiting.replies.push(write)
  }

  /** The datatype as this client may see it. */
  visible(datatype: number): number {
    return (this.features.json ? datatype & Datatype.json : 0) | (this.features.xattr ? datatype & Datatype.xattr : 0)
  }

  /** Datatype of JSON that the node itself writes. */
  get jsonDatatype(): number {
    return this.visible(Datatype.json)
  }

  /** Answers with a failure, as far as the client understands it. */
  fail(packet: Handled, status: number, context?: ErrorContext): void {
    const told = rewritten(status, this.features)
    if (told === "close") this.client.end("the node, because the client does not know the error")
    else this.failure(packet, told, context)
  }

  /** Answers a request that is not allowed as it stands, whatever there is to act on. With `closeOnEinval` that is the end. */
  invalid(packet: Handled, problem: { readonly status?: number; readonly context?: string | undefined }): void {
    const { context, status = Status.Einval } = problem
    this.fail(packet, status, context === undefined ? undefined : { context })
    if (status === Status.Einval && this.shared.closeOnEinval) this.client.end("the node, after a request that is not allowed")
  }

  /**
   * Does work that may take long in slices, so that other clients have their turn in between; requests of this one wait. What it works on may
   * be another one when it is done.
   */
  sliced<A>(work: Sliced<A>, done: (result: A) => void): void {
    const { elapsed } = this.shared
    const until = elapsed() + longestSlice
    const result = someOf(work, () => elapsed() >= until)
    if (result !== undefined) return done(result.value)
    const { waiting } = this
    const goOn = this.holdsUp()
    const slice = (): void => this.sliced(work, done)
    this.client.putOff(() => {
      if (waiting === undefined) slice()
      else waiting.execute(slice)
      goOn()
    })
  }

  /**
   * Like `sliced`, for what a change needs to know first. When others had their turn, the place is looked up again: the vbucket, the
   * collection, or what the client may do can be gone, and then that is answered. The document may be another one, too.
   */
  slicedChange<A>(packet: Keyed, target: Target, work: Sliced<A>, done: (result: A, target: Target) => void): void {
    let interrupted = false
    this.sliced(work, (result) => {
      const there = interrupted ? this.writable(packet) : target
      if (there !== undefined) done(result, there)
    })
    interrupted = true
  }

  /** Answers with the store's refusal. */
  refuse(packet: Handled, refusal: Refusal): void {
    this.fail(packet, statusOfRefusal(refusal, this.features))
  }

  /** Answers with a failure that every client understands. */
  failure(packet: Handled, status: number, context?: ErrorContext): void {
    const body = context === undefined ? empty : errorBody(context)
    const datatype = body.length > 0 ? this.jsonDatatype : 0
    this.reply((writer) =>
      encodeErrorResponse(writer, {
        ...this.head(packet),
        opcode: packet.opcode,
        status,
        datatype,
        extras: empty,
        key: empty,
        value: body
      })
    )
  }

  /** Says that the vbucket is not here, and what is. */
  notMyVbucket(packet: Handled, bucket: Bucket): void {
    const repeats = this.sentConfig && this.features.has(HelloFeature.DedupeNotMyVbucketClustermap)
    this.sentConfig = true
    const value = repeats ? empty : bytesOf(this.shared.clusterConfig(bucket))
    const datatype = value.length > 0 ? this.jsonDatatype : 0
    const head = { ...this.head(packet), opcode: packet.opcode, status: Status.NotMyVbucket, datatype }
    this.reply((writer) => encodeErrorResponse(writer, { ...head, extras: empty, key: empty, value }))
  }

  /** The bucket, or an answer that there is none. */
  selected(packet: Handled): Bucket | undefined {
    if (this.bucket === undefined) this.fail(packet, Status.NoBucket)
    return this.bucket
  }

  /** Where the document of a request is, or an answer why it is nowhere. `states` are those of a vbucket that serves the request. */
  target(packet: Keyed, states: ReadonlyArray<number> = [VBucketState.Active]): Target | undefined {
    const bucket = this.selected(packet)
    if (bucket === undefined) return undefined
    // after the id of its collection a key may still be empty
    if (packet.key.length === 0) {
      this.invalid(packet, { context: "No logical key found" })
      return undefined
    }
    const vbucket = this.vbucket(bucket, packet.vbucket)
    if (vbucket === undefined || !states.includes(vbucket.state)) {
      this.notMyVbucket(packet, bucket)
      return undefined
    }
    const space = bucket.space(packet.vbucket, packet.collectionId ?? 0)
    if (space === undefined) this.unknownCollection(packet, bucket, Status.UnknownCollection)
    if (space === undefined) return undefined
    return bucket.isMain(vbucket) ? { bucket, space } : { bucket, space, replica: vbucket }
  }

  /** Like `target`, for a request that reads: a document that may have another version already is not shown. */
  readable(packet: Keyed, states?: ReadonlyArray<number>): Target | undefined {
    const target = this.target(packet, states)
    if (target === undefined || target.replica !== undefined || target.space.prepares.get(packet.key)?.recommit !== true) return target
    this.fail(packet, Status.SyncWriteReCommitInProgress)
    return undefined
  }

  /** Like `target`, for a request that changes something. */
  writable(packet: Keyed): Target | undefined {
    const target = this.mayWrite(packet) ? this.target(packet) : undefined
    if (target === undefined || this.waiting === undefined || target.bucket.isDurabilityPossible(packet.vbucket)) return target
    this.fail(packet, Status.DurabilityImpossible)
    return undefined
  }

  /** The version of a document that a request reads; with `deleted`, also what is left of it. */
  documentOf({ bucket, replica, space }: Target, key: string, deleted = false): Document | undefined {
    const { store } = bucket
    if (replica === undefined) return deleted ? store.getDeleted(space, key) : store.get(space, key)
    const document = replica.document(space.collection, key)
    if (document === undefined || !deleted && document.deleted) return undefined
    const expired = !document.deleted && document.expiry !== 0 && document.expiry * 1000 <= bucket.now
    return expired ? undefined : document
  }

  /** Whether the client may change things; answers when it may not. */
  mayWrite(packet: Handled): boolean {
    const { bucket, sasl, shared } = this
    if (shared.users.permits(sasl.user, "write", bucket?.name)) return true
    this.fail(packet, Status.Eaccess, { context: "Authorization failure: the user may not change anything", ref: shared.reference() })
    return false
  }

  /** Answers that a collection or scope does not exist, and which manifest says so. */
  unknownCollection(packet: Handled, bucket: Bucket, status: number): void {
    this.fail(packet, status, { context: "Unknown scope or collection in operation", manifestUid: bucket.manifest.uid })
  }

  /** The request with its value inflated; answers when that cannot be done. */
  private plain(request: Request): Request | undefined {
    if ((request.datatype & Datatype.snappy) === 0) return request
    const datatype = request.datatype & ~Datatype.snappy
    if (!("value" in request) || !(request.value instanceof Uint8Array)) return { ...request, datatype }
    const value = uncompress(request.value, largestInflated)
    if (typeof value !== "string") return { ...request, datatype, value } as Request
    if (value === "TooLarge") this.fail(request, Status.E2big)
    else this.invalid(request, { context: "Failed to inflate payload" })
    return undefined
  }

  /** Whether a request may be looked at: who asks, what it is encoded in, what it requires. Answers when it may not. */
  private passes(request: Request, reader: Reader, at: number): boolean {
    const { sasl, shared } = this
    if (!shared.users.none && sasl.user === undefined && !open.has(request._tag)) {
      this.fail(request, Status.Eaccess, { context: "Authorization failure: not signed in", ref: shared.reference() })
      return false
    }
    const negotiated = this.visible(Datatype.json | Datatype.xattr) | (this.features.snappy ? Datatype.snappy : 0)
    const problem = headerProblem((requestCommands[request.opcode]?.name ?? request._tag) as CheckedCommand, reader, at)
      ?? ((request.datatype & ~negotiated) === 0 ? requestProblem(request) : "Datatype (or part of it) was not negotiated")
    if (problem !== undefined) {
      this.invalid(request, { context: problem })
      return false
    }
    for (const frame of request.framing) {
      if (frame._tag === "Durability" && !durable.has(request._tag)) {
        this.fail(request, Status.Einval, { context: "The requested command does not support durability requirements" })
        return false
      }
      const status = frameStatus(frame)
      if (status !== Status.Success) {
        this.fail(request, status)
        return false
      }
    }
    return true
  }
}

const frameStatus = (frame: RequestFrame): number => {
  switch (frame._tag) {
    case "Unknown":
    case "OpenTracing":
      return Status.UnknownFrameInfo
    case "Durability":
      if (frame.timeout === timeouts.none || frame.timeout === timeouts.infinite) return Status.DurabilityInvalidLevel
      return frame.level >= 1 && frame.level <= 3 ? Status.Success : Status.DurabilityInvalidLevel
    case "Impersonate":
    case "UserTokenId":
      return Status.Eaccess
    default:
      return Status.Success
  }
}
