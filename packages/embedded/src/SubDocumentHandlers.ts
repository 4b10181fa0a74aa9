/** Commands on parts of documents: finds the document, has the request executed, stores the outcome, answers. */
import * as Gen from "@wirewright/couchbase/gen"
import { Status, SubdocDocFlags, VBucketState } from "@wirewright/couchbase/gen"
import { absoluteExpiry, type Document } from "./Document.ts"
import type { Item } from "./HashTable.ts"
import { type Handlers, type NodeClient, preservesExpiry, type Target } from "./Handlers.ts"
import type { RequestOf } from "./RequestRules.ts"
import { bytesOf } from "./JsonText.ts"
import { casOf } from "./KeyValueHandlers.ts"
import { blank, type Execution, lookUpSteps, mutateSteps, type Subject } from "./SubDocument.ts"
import { refusalOf, type SubDocumentRequest } from "./SubDocumentTraits.ts"

type SingleLookup = RequestOf<"SubdocGet" | "SubdocExists" | "SubdocGetCount">
type SingleMutation = RequestOf<
  | "SubdocDictAdd"
  | "SubdocDictUpsert"
  | "SubdocDelete"
  | "SubdocReplace"
  | "SubdocArrayPushLast"
  | "SubdocArrayPushFirst"
  | "SubdocArrayInsert"
  | "SubdocArrayAddUnique"
  | "SubdocCounter"
  | "SubdocReplaceBodyWithXattr"
>
type MultiLookup = RequestOf<"SubdocMultiLookup">
type MultiMutation = RequestOf<"SubdocMultiMutation">

const empty = new Uint8Array(0)

const single = (packet: SingleLookup | SingleMutation, mutates: boolean): SubDocumentRequest => {
  const { cas, docFlags = 0, flags, opcode, path } = packet
  // a delta is text on the wire
  const given = "value" in packet ? packet.value : empty
  const value = typeof given === "string" ? bytesOf(given) : given
  return { specs: [{ opcode, flags, path, value }], docFlags, cas, multi: false, mutates }
}

const several = (packet: MultiLookup | MultiMutation, mutates: boolean): SubDocumentRequest => ({
  specs: packet.specs.map((spec) => ({ value: empty, ...spec })),
  docFlags: packet.docFlags ?? 0,
  cas: packet.cas,
  multi: true,
  mutates
})

const hasFlag = (request: SubDocumentRequest, flag: number): boolean => (request.docFlags & flag) !== 0

const subjectOf = ({ bucket, replica }: Target, document: Document): Subject => {
  const { cas, datatype, deleted, expiry, flags, revSeqno, seqno, value, vbucket } = document
  const vbucketUuid = replica === undefined ? bucket.uuidOf(vbucket) : replica.failoverLog[0]!.vbucketUuid
  return { cas, datatype, deleted, expiry, flags, revSeqno, seqno, value, vbucketUuid }
}

const found = (target: Target, request: SubDocumentRequest, key: string): Item | undefined => {
  const { store } = target.bucket
  const deleted = hasFlag(request, SubdocDocFlags.accessDeleted)
  return deleted ? store.getDeleted(target.space, key) : store.get(target.space, key)
}

const replicas: ReadonlyArray<number> = [VBucketState.Replica]

const refused = (
  connection: NodeClient,
  packet: SingleLookup | SingleMutation | MultiLookup | MultiMutation,
  request: SubDocumentRequest
) => {
  const refusal = refusalOf(request, connection.features.xattr)
  if (refusal === undefined) return false
  connection.invalid(packet, refusal)
  return true
}

/** Unix time in seconds. */
const now = (target: Target): number => Math.floor(target.bucket.now / 1000)

interface Looked {
  readonly item: Document
  readonly execution: Execution
  readonly cas: bigint
}

/** Reads; answers itself when there is nothing to read. */
const looked = (
  connection: NodeClient,
  packet: SingleLookup | MultiLookup,
  request: SubDocumentRequest,
  answer: (outcome: Looked) => void
): void => {
  if (refused(connection, packet, request)) return
  const target = connection.readable(packet, hasFlag(request, SubdocDocFlags.replicaRead) ? replicas : undefined)
  if (target === undefined) return
  const item = connection.documentOf(target, packet.key, hasFlag(request, SubdocDocFlags.accessDeleted))
  const cas = item === undefined ? 0n : casOf(target, item)
  const locked = item !== undefined && target.replica === undefined && target.bucket.store.isLocked(item as Item)
  if (item === undefined) connection.fail(packet, Status.KeyEnoent)
  // a CAS that is no reader's is checked when a change is stored, and here there is none
  else if (locked && (packet.cas === 0n || packet.cas === cas)) connection.refuse(packet, "LockedTmpfail")
  else if (!locked && packet.cas !== 0n && packet.cas !== cas) connection.fail(packet, Status.KeyEexists)
  else if (hasFlag(request, SubdocDocFlags.reviveDocument) && !item.deleted) {
    connection.fail(packet, Status.SubdocCanOnlyReviveDeletedDocuments)
  } else connection.sliced(lookUpSteps(request, subjectOf(target, item), now(target)), (execution) => answer({ item, cas, execution }))
}

interface Changed {
  readonly target: Target
  readonly execution: Execution
  readonly item?: Item
  readonly inTombstone: boolean
}

/** Times that a change is executed on a document that others change meanwhile. Source: kv_engine daemon/subdocument.cc, MAXIMUM_ATTEMPTS. */
const maxAttempts = 100

/** Changes and stores; answers itself when nothing was executed. */
const changed = (
  connection: NodeClient,
  packet: SingleMutation | MultiMutation,
  request: SubDocumentRequest,
  answer: (outcome: Changed) => void,
  attempts = 1
): void => {
  if (refused(connection, packet, request)) return
  const target = connection.writable(packet)
  if (target === undefined) return
  const { bucket } = target
  const { store } = bucket
  const current = found(target, request, packet.key)
  const creates = hasFlag(request, SubdocDocFlags.add | SubdocDocFlags.mkdoc)
  const refusal = current === undefined
    ? creates ? undefined : "KeyEnoent"
    : hasFlag(request, SubdocDocFlags.add)
    ? "KeyEexists"
    : store.refusal(current, packet.cas, "KeyEnoent")
  if (refusal !== undefined) {
    // a lock is told of as a temporary failure here
    return connection.refuse(packet, refusal === "Locked" ? "LockedTmpfail" : refusal)
  }
  if (current !== undefined && hasFlag(request, SubdocDocFlags.reviveDocument) && !current.deleted) {
    return connection.fail(packet, Status.SubdocCanOnlyReviveDeletedDocuments)
  }
  const subject = current === undefined ? blank(request, bucket.uuidOf(packet.vbucket)) : subjectOf(target, current)
  connection.slicedChange(packet, target, mutateSteps(request, subject, now(target)), (execution, there) => {
    if (found(there, request, packet.key) !== current) {
      if (attempts === maxAttempts) return connection.fail(packet, Status.Etmpfail)
      return changed(connection, packet, request, answer, attempts + 1)
    }
    const { change } = execution
    const inTombstone = subject.deleted && !hasFlag(request, SubdocDocFlags.reviveDocument)
    if (change === undefined) return answer({ target: there, execution, inTombstone })
    const expiration = bucket.expirationIn(there.space.collection, packet.expiration ?? 0)
    const kept = preservesExpiry(packet) && current !== undefined ? current.expiry : absoluteExpiry(expiration, bucket.now)
    const item = store.keep(there.space, packet.key, {
      ...change,
      flags: packet.userFlags ?? subject.flags,
      expiry: change.deleted ? Math.floor(bucket.now / 1000) : kept
    })
    if (typeof item === "string") connection.refuse(packet, item)
    else answer({ target: there, execution, item, inTombstone })
  })
}

const lookupSingle = (connection: NodeClient, packet: SingleLookup): void =>
  looked(connection, packet, single(packet, false), (outcome) => answerLookup(connection, packet, outcome))

const answerLookup = (connection: NodeClient, packet: SingleLookup, { cas, execution, item }: Looked): void => {
  if (execution.status !== Status.Success) return connection.fail(packet, execution.status)
  const status = item.deleted ? Status.SubdocSuccessDeleted : Status.Success
  const { value } = execution.results[0]!
  const head = connection.head(packet, { cas, status, datatype: value.length > 0 ? connection.jsonDatatype : 0 })
  switch (packet._tag) {
    case "SubdocGet":
      return connection.reply((writer) => Gen.encodeSubdocGetResponse(writer, { ...head, value }))
    case "SubdocGetCount":
      return connection.reply((writer) => Gen.encodeSubdocGetCountResponse(writer, { ...head, value: new TextDecoder().decode(value) }))
    default:
      return connection.reply((writer) => Gen.encodeSubdocExistsResponse(writer, head))
  }
}

const mutationEncoders = {
  SubdocDictAdd: Gen.encodeSubdocDictAddResponse,
  SubdocDictUpsert: Gen.encodeSubdocDictUpsertResponse,
  SubdocDelete: Gen.encodeSubdocDeleteResponse,
  SubdocReplace: Gen.encodeSubdocReplaceResponse,
  SubdocArrayPushLast: Gen.encodeSubdocArrayPushLastResponse,
  SubdocArrayPushFirst: Gen.encodeSubdocArrayPushFirstResponse,
  SubdocArrayInsert: Gen.encodeSubdocArrayInsertResponse,
  SubdocArrayAddUnique: Gen.encodeSubdocArrayAddUniqueResponse,
  SubdocReplaceBodyWithXattr: Gen.encodeSubdocReplaceBodyWithXattrResponse
} as const

const mutateSingle = (connection: NodeClient, packet: SingleMutation): void =>
  changed(connection, packet, single(packet, true), (outcome) => answerMutation(connection, packet, outcome))

const answerMutation = (connection: NodeClient, packet: SingleMutation, outcome: Changed): void => {
  const { execution, inTombstone, item, target } = outcome
  if (item === undefined) return connection.fail(packet, execution.status)
  const mutationToken = connection.tokenOf(target, item)
  const status = inTombstone ? Status.SubdocSuccessDeleted : Status.Success
  const head = { ...connection.head(packet, { cas: item.cas, status }), mutationToken }
  if (packet._tag !== "SubdocCounter") return connection.reply((writer) => mutationEncoders[packet._tag](writer, head))
  const value = new TextDecoder().decode(execution.results[0]!.value)
  connection.reply((writer) => Gen.encodeSubdocCounterResponse(writer, { ...head, datatype: connection.jsonDatatype, value }))
}

const lookupSeveral = (connection: NodeClient, packet: MultiLookup): void =>
  looked(connection, packet, several(packet, false), (outcome) => answerLookups(connection, packet, outcome))

const answerLookups = (connection: NodeClient, packet: MultiLookup, { cas, execution, item }: Looked): void => {
  const whole = execution.status === Status.Success
  const status = item.deleted
    ? whole ? Status.SubdocSuccessDeleted : Status.SubdocMultiPathFailureDeleted
    : whole
    ? Status.Success
    : Status.SubdocMultiPathFailure
  const head = connection.head(packet, { cas, status })
  connection.reply((writer) => Gen.encodeSubdocMultiLookupResponse(writer, { ...head, results: execution.results }))
}

const mutateSeveral = (connection: NodeClient, packet: MultiMutation): void =>
  changed(connection, packet, several(packet, true), (outcome) => answerMutations(connection, packet, outcome))

const answerMutations = (connection: NodeClient, packet: MultiMutation, outcome: Changed): void => {
  const { execution, inTombstone, item, target } = outcome
  if (item !== undefined) {
    const results = execution.results.map((result, index) => ({ index, ...result })).filter(({ value }) => value.length > 0)
    const status = inTombstone ? Status.SubdocSuccessDeleted : Status.Success
    const head = { ...connection.head(packet, { cas: item.cas, status }), mutationToken: connection.tokenOf(target, item) }
    return connection.reply((writer) => Gen.encodeSubdocMultiMutationResponse(writer, { ...head, results }))
  }
  if (execution.status !== Status.SubdocMultiPathFailure) return connection.fail(packet, execution.status)
  const failedIndex = execution.results.length - 1
  const failedStatus = execution.results[failedIndex]!.status
  const head = connection.head(packet, { status: Status.SubdocMultiPathFailure })
  connection.reply((writer) => Gen.encodeSubdocMultiMutationSubdocMultiPathFailure(writer, { ...head, failedIndex, failedStatus }))
}

/** Handlers of commands on parts of documents. */
export const subDocumentHandlers: Handlers = {
  SubdocGet: lookupSingle,
  SubdocExists: lookupSingle,
  SubdocGetCount: lookupSingle,
  SubdocDictAdd: mutateSingle,
  SubdocDictUpsert: mutateSingle,
  SubdocDelete: mutateSingle,
  SubdocReplace: mutateSingle,
  SubdocArrayPushLast: mutateSingle,
  SubdocArrayPushFirst: mutateSingle,
  SubdocArrayInsert: mutateSingle,
  SubdocArrayAddUnique: mutateSingle,
  SubdocCounter: mutateSingle,
  SubdocReplaceBodyWithXattr: mutateSingle,
  SubdocMultiLookup: lookupSeveral,
  SubdocMultiMutation: mutateSeveral
}
