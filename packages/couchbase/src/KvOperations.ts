/**
 * The operations on one document: how each is written, and what its answers mean.
 *
 * An operation is written anew for every attempt, because the vbucket's node, the collection's id and the datatypes of the connection may
 * differ. Nothing here sends or repeats.
 */
import type { Writer } from "@wirewright/codec"
import * as Option from "effect/Option"
import type { Bootstrapped } from "./Bootstrap.ts"
import { compressed, type EncodedValue, kept, type SnappyCodec } from "./Documents.ts"
import { type Need, needsOfFraming, needsOfPaths, noNeeds } from "./FeatureNeeds.ts"
import * as Gen from "./gen/index.ts"
import { HelloFeature, Status } from "./gen/Types.ts"
import type { KvConnection } from "./KvConnection.ts"
import type { WhenExists } from "./StatusMeaning.ts"

/** The answer is a status that the operation has no result for. */
export const refused: unique symbol = Symbol("refused")

/** More answers are to come. */
export const more: unique symbol = Symbol("more")

/** Where one attempt goes. */
export interface Route {
  readonly opaque: number
  readonly vbucket: number
  /** Absent on connections without collections. */
  readonly collectionId: number | undefined
  readonly session: Bootstrapped
  readonly connection: KvConnection
}

/** Something to do with a document, or with a vbucket. */
export interface Operation<A> {
  /** Name of the command. */
  readonly name: string
  readonly key: string
  /** Which of the replicas is asked, from 0. Default: none, the active copy is. */
  readonly replica?: number
  /** The vbucket, when it is not that of the key. */
  readonly vbucket?: number
  /** Repeating it without knowing how the first one ended may do it twice. */
  readonly writes: boolean
  /** What it means when the document is there. */
  readonly whenExists: WhenExists
  /** What the node must have granted; nothing is sent to one that has not. */
  readonly needs: ReadonlyArray<Need>
  /** Appends the packet. Throws `EncodeError`. */
  readonly write: (writer: Writer, route: Route) => void
  /** The result, `refused`, or `more` of a request that has several answers. */
  readonly read: (answer: Gen.Response) => A | typeof refused | typeof more
}

/** A document as it was read. */
export interface Document<A = Uint8Array> {
  readonly value: A
  /** User flags: which format the value has. */
  readonly flags: number
  /** Version of the document. */
  readonly cas: bigint
}

/** A document as it came: its value may be compressed. */
export interface RawDocument extends Document {
  readonly datatype: number
}

/** A write that was done. */
export interface Mutation {
  readonly cas: bigint
  /** Where in the vbucket's history the write landed, if the node tells. */
  readonly token: Gen.MutationToken | undefined
}

/** A counter after it was changed. */
export interface Counter extends Mutation {
  readonly value: bigint
}

/** What is known of a document without reading it. */
export interface Metadata {
  readonly cas: bigint
  readonly flags: number
  /** Unix time at which it expires, 0 for never; of a deleted one, when it was deleted. */
  readonly expiry: number
  readonly revSeqno: bigint
  readonly deleted: boolean
}

/** What a write is given beside its value. */
export interface WriteFields {
  readonly cas: bigint
  readonly expiration: number
  readonly framing: Gen.RequestInit["framing"]
}

const rawOf = (answer: Gen.ResponseHead & { readonly flags: number; readonly value: Uint8Array }): RawDocument => ({
  value: kept(answer.value),
  flags: answer.flags,
  cas: answer.cas,
  datatype: answer.datatype
})

const mutationOf = (answer: Gen.ResponseHead & { readonly mutationToken?: Gen.MutationToken | undefined }): Mutation => ({
  cas: answer.cas,
  token: answer.mutationToken
})

/** What KeyEexists means to a write that does not mind an existing document. */
const overCas = (cas: bigint): WhenExists => cas === 0n ? "Never" : "CasMismatch"

/** Reads; a missing document is no failure. */
export const get = (key: string): Operation<Option.Option<RawDocument>> => ({
  name: "Get",
  key,
  writes: false,
  whenExists: "Never",
  needs: noNeeds,
  write: (writer, { collectionId, opaque, vbucket }) => Gen.encodeGet(writer, { opaque, vbucket, collectionId, key }),
  read: (answer) =>
    answer._tag === "GetResponse" ? Option.some(rawOf(answer)) : answer.status === Status.KeyEnoent ? Option.none() : refused
})

/** Reads a replica; a missing document is no failure. */
export const getReplica = (key: string, replica: number): Operation<Option.Option<RawDocument>> => ({
  name: "GetReplica",
  key,
  replica,
  writes: false,
  whenExists: "Never",
  needs: noNeeds,
  write: (writer, { collectionId, opaque, vbucket }) => Gen.encodeGetReplica(writer, { opaque, vbucket, collectionId, key }),
  read: (answer) =>
    answer._tag === "GetReplicaResponse" ? Option.some(rawOf(answer)) : answer.status === Status.KeyEnoent ? Option.none() : refused
})

/** Reads, and sets when the document expires. */
export const getAndTouch = (key: string, expiration: number): Operation<Option.Option<RawDocument>> => ({
  name: "Gat",
  key,
  writes: true,
  whenExists: "Never",
  needs: noNeeds,
  write: (writer, { collectionId, opaque, vbucket }) => Gen.encodeGat(writer, { opaque, vbucket, collectionId, key, expiration }),
  read: (answer) =>
    answer._tag === "GatResponse" ? Option.some(rawOf(answer)) : answer.status === Status.KeyEnoent ? Option.none() : refused
})

/** Reads and locks; `lockTimeout` in seconds. */
export const getAndLock = (key: string, lockTimeout: number | undefined): Operation<Option.Option<RawDocument>> => ({
  name: "GetLocked",
  key,
  writes: true,
  whenExists: "Never",
  needs: noNeeds,
  write: (writer, { collectionId, opaque, vbucket }) => Gen.encodeGetLocked(writer, { opaque, vbucket, collectionId, key, lockTimeout }),
  read: (answer) =>
    answer._tag === "GetLockedResponse" ? Option.some(rawOf(answer)) : answer.status === Status.KeyEnoent ? Option.none() : refused
})

/** Unlocks; the CAS is the one the lock gave. */
export const unlock = (key: string, cas: bigint): Operation<void> => ({
  name: "UnlockKey",
  key,
  writes: true,
  whenExists: "CasMismatch",
  needs: noNeeds,
  write: (writer, { collectionId, opaque, vbucket }) => Gen.encodeUnlockKey(writer, { opaque, vbucket, collectionId, key, cas }),
  read: (answer) => answer._tag === "UnlockKeyResponse" ? undefined : refused
})

/** Ways to store a document. */
export type Store = "Set" | "Add" | "Replace"

const encoders = { Set: Gen.encodeSet, Add: Gen.encodeAdd, Replace: Gen.encodeReplace } as const

/** The value as this connection may have it. */
const travelling = (value: EncodedValue, { features }: Bootstrapped, snappy: SnappyCodec | undefined): EncodedValue => {
  const plain = features.has(HelloFeature.Json) ? value : { ...value, datatype: 0 }
  // SnappyEverywhere without Snappy does not allow the datatype
  return snappy === undefined || !features.has(HelloFeature.Snappy) ? plain : compressed(plain, snappy)
}

/** Stores. */
export const store = (
  name: Store,
  key: string,
  given: EncodedValue,
  { cas, expiration, framing }: WriteFields,
  snappy: SnappyCodec | undefined
): Operation<Mutation> => ({
  name,
  key,
  writes: true,
  whenExists: name === "Add" ? "Exists" : overCas(cas),
  needs: needsOfFraming(framing),
  write: (writer, { collectionId, opaque, session, vbucket }) => {
    const { datatype, flags, value } = travelling(given, session, snappy)
    encoders[name](writer, { opaque, vbucket, collectionId, key, cas, framing, expiration, datatype, flags, value })
  },
  read: (answer) =>
    answer._tag === "SetResponse" || answer._tag === "AddResponse" || answer._tag === "ReplaceResponse" ? mutationOf(answer) : refused
})

/** Adds bytes at an end. */
export const extend = (
  name: "Append" | "Prepend",
  key: string,
  value: Uint8Array,
  { cas, framing }: WriteFields
): Operation<Mutation> => ({
  name,
  key,
  writes: true,
  whenExists: overCas(cas),
  needs: needsOfFraming(framing),
  write: (writer, { collectionId, opaque, vbucket }) =>
    (name === "Append" ? Gen.encodeAppend : Gen.encodePrepend)(writer, { opaque, vbucket, collectionId, key, cas, framing, value }),
  read: (answer) => answer._tag === "AppendResponse" || answer._tag === "PrependResponse" ? mutationOf(answer) : refused
})

/** Removes. */
export const remove = (key: string, { cas, framing }: WriteFields): Operation<Mutation> => ({
  name: "Delete",
  key,
  writes: true,
  whenExists: overCas(cas),
  needs: needsOfFraming(framing),
  write: (writer, { collectionId, opaque, vbucket }) => Gen.encodeDelete(writer, { opaque, vbucket, collectionId, key, cas, framing }),
  read: (answer) => answer._tag === "DeleteResponse" ? mutationOf(answer) : refused
})

/** Expiry that means: do not make the counter. */
const neverMade = 0xffff_ffff

/** Adds to a counter or subtracts from it; without `initial` it must be there. */
export const count = (
  name: "Increment" | "Decrement",
  key: string,
  delta: bigint,
  initial: bigint | undefined,
  { expiration, framing }: WriteFields
): Operation<Counter> => ({
  name,
  key,
  writes: true,
  whenExists: "Never",
  needs: needsOfFraming(framing),
  write: (writer, { collectionId, opaque, vbucket }) =>
    (name === "Increment" ? Gen.encodeIncrement : Gen.encodeDecrement)(writer, {
      opaque,
      vbucket,
      collectionId,
      key,
      framing,
      delta,
      initial: initial ?? 0n,
      expiration: initial === undefined ? neverMade : expiration
    }),
  read: (answer) =>
    answer._tag === "IncrementResponse" || answer._tag === "DecrementResponse"
      ? { ...mutationOf(answer), value: answer.value }
      : refused
})

/** Sets when a document expires. */
export const touch = (key: string, expiration: number): Operation<Mutation> => ({
  name: "Touch",
  key,
  writes: true,
  whenExists: "Never",
  needs: noNeeds,
  write: (writer, { collectionId, opaque, vbucket }) => Gen.encodeTouch(writer, { opaque, vbucket, collectionId, key, expiration }),
  read: (answer) => answer._tag === "TouchResponse" ? { cas: answer.cas, token: undefined } : refused
})

/** Reads what is known of a document or of its tombstone. */
export const metadata = (key: string): Operation<Option.Option<Metadata>> => ({
  name: "GetMeta",
  key,
  writes: false,
  whenExists: "Never",
  needs: noNeeds,
  write: (writer, { collectionId, opaque, vbucket }) =>
    Gen.encodeGetMeta(writer, { opaque, vbucket, collectionId, key, version: Gen.GetMetaVersion.V2 }),
  read: (answer) => {
    if (answer._tag !== "GetMetaResponse") return answer.status === Status.KeyEnoent ? Option.none() : refused
    const { cas, deleted, expiry, flags, revSeqno } = answer
    return Option.some({ cas, flags, expiry, revSeqno, deleted: (deleted & Gen.GetMetaDeleted.deleted) !== 0 })
  }
})

/** Where a document is on the node that was asked. */
export interface Observed {
  readonly state: "notPersisted" | "persisted" | "notFound" | "logicallyDeleted" | "unknown"
  readonly cas: bigint
}

const states: { readonly [state: number]: Observed["state"] } = {
  [Gen.ObserveKeyState.NotPersisted]: "notPersisted",
  [Gen.ObserveKeyState.Persisted]: "persisted",
  [Gen.ObserveKeyState.NotFound]: "notFound",
  [Gen.ObserveKeyState.LogicalDeleted]: "logicallyDeleted"
}

/** Asks where a document is. */
export const observe = (key: string): Operation<Observed> => ({
  name: "Observe",
  key,
  writes: false,
  whenExists: "Never",
  needs: noNeeds,
  write: (writer, { collectionId, opaque, vbucket }) =>
    Gen.encodeObserve(writer, { opaque, vbucket, keys: [{ vbucket, key: { collectionId, key } }] }),
  read: (answer) => {
    const found = answer._tag === "ObserveResponse" ? answer.keys[0] : undefined
    return found === undefined ? refused : { state: states[found.state] ?? "unknown", cas: found.cas }
  }
})

/** How far a vbucket has come on the node that was asked. */
export interface ObservedSeqno {
  readonly vbucket: number
  readonly vbucketUuid: bigint
  readonly lastPersistedSeqno: bigint
  readonly currentSeqno: bigint
  /** After a failover: the branch that was asked about, and the last change of it that was received. */
  readonly failover: { readonly oldVbucketUuid: bigint; readonly lastReceivedSeqno: bigint } | undefined
}

/** Asks how far the vbucket of a key has come, in the branch of history a mutation token names. */
export const observeSeqno = (key: string, vbucketUuid: bigint): Operation<ObservedSeqno> => ({
  name: "ObserveSeqno",
  key,
  writes: false,
  whenExists: "Never",
  needs: noNeeds,
  write: (writer, { opaque, vbucket }) => Gen.encodeObserveSeqno(writer, { opaque, vbucket, vbucketUuid }),
  read: (answer) => {
    if (answer._tag !== "ObserveSeqnoResponse") return refused
    const { currentSeqno, lastPersistedSeqno, vbucket } = answer
    const failover = answer.layout === "HardFailover"
      ? { oldVbucketUuid: answer.oldVbucketUuid, lastReceivedSeqno: answer.lastReceivedSeqno }
      : undefined
    return { vbucket, vbucketUuid: answer.vbucketUuid, lastPersistedSeqno, currentSeqno, failover }
  }
})

/** Several reads of one document. */
export const lookupIn = (
  key: string,
  specs: ReadonlyArray<Gen.SubdocLookupSpec>,
  docFlags: number | undefined,
  replica = 0
): Operation<Option.Option<Gen.SubdocMultiLookupResponse>> => ({
  name: "SubdocMultiLookup",
  key,
  ...docFlags !== undefined && (docFlags & Gen.SubdocDocFlags.replicaRead) !== 0 ? { replica } : {},
  writes: false,
  whenExists: "Never",
  needs: needsOfPaths(specs, docFlags),
  write: (writer, { collectionId, opaque, vbucket }) =>
    Gen.encodeSubdocMultiLookup(writer, { opaque, vbucket, collectionId, key, specs, docFlags }),
  read: (answer) =>
    answer._tag === "SubdocMultiLookupResponse" ? Option.some(answer) : answer.status === Status.KeyEnoent ? Option.none() : refused
})

/** Several writes to one document: all or none. */
export const mutateIn = (
  key: string,
  specs: ReadonlyArray<Gen.SubdocMutationSpec>,
  docFlags: number | undefined,
  expiration: number | undefined,
  { cas, framing }: WriteFields
): Operation<Gen.SubdocMultiMutationResponse | Gen.SubdocMultiMutationSubdocMultiPathFailure> => ({
  name: "SubdocMultiMutation",
  key,
  writes: true,
  whenExists: cas === 0n && docFlags !== undefined && (docFlags & Gen.SubdocDocFlags.add) !== 0 ? "Exists" : overCas(cas),
  needs: needsOfPaths(specs, docFlags, framing),
  write: (writer, { collectionId, opaque, vbucket }) =>
    Gen.encodeSubdocMultiMutation(writer, { opaque, vbucket, collectionId, key, specs, docFlags, expiration, cas, framing }),
  read: (answer) =>
    answer._tag === "SubdocMultiMutationResponse" || answer._tag === "SubdocMultiMutationSubdocMultiPathFailure" ? answer : refused
})
