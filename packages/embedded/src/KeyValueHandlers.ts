/**
 * Commands that read and write whole documents, quiet ones included.
 *
 * Document semantics are the store's; here is which command wants what of it, and which answers are passed over in silence: successes of
 * quiet writes, misses of quiet reads.
 */
import type { Writer } from "@wirewright/codec"
import * as Gen from "@wirewright/couchbase/gen"
import { type MutationToken, ObserveKeyState, type ResponseInit, Status, VBucketState } from "@wirewright/couchbase/gen"
import { Datatype } from "@wirewright/memcached/gen"
import { bodyOf, countBody, joined, removeBody, withBody } from "./Bodies.ts"
import { type Document, doNotCreate, type Refusal } from "./Document.ts"
import type { Item } from "./HashTable.ts"
import { type Handlers, type Keyed, type NodeClient, preservesExpiry, type Target } from "./Handlers.ts"
import type { RequestOf } from "./RequestRules.ts"
import { isJsonSteps } from "./JsonText.ts"
import type { Bucket } from "./Bucket.ts"
import type { Sliced } from "./Slices.ts"
import type { VbucketInfo } from "./VbucketCopy.ts"

type EncodeWrite = (writer: Writer, packet: ResponseInit & { readonly mutationToken?: MutationToken | undefined }) => void
type EncodeRead = (writer: Writer, packet: ResponseInit & { readonly flags: number; readonly value: Uint8Array }) => void

const wrote = (
  connection: NodeClient,
  packet: Keyed,
  target: Target,
  outcome: Item | Refusal,
  encode: EncodeWrite | undefined
): void => {
  if (typeof outcome === "string") return connection.refuse(packet, outcome)
  if (encode === undefined) return
  const mutationToken = connection.tokenOf(target, outcome)
  connection.reply((writer) => encode(writer, { ...connection.head(packet, { cas: outcome.cas }), mutationToken }))
}

const read = (connection: NodeClient, packet: Keyed, document: Document, cas: bigint, encode: EncodeRead): void => {
  const datatype = connection.visible(document.datatype & Datatype.json)
  const head = connection.head(packet, { cas, datatype })
  connection.reply((writer) => encode(writer, { ...head, flags: document.flags, value: bodyOf(document) }))
}

/** The CAS of a document as readers see it. A lock is none of a replica's business. */
export const casOf = ({ bucket, replica }: Target, document: Document): bigint =>
  replica === undefined ? bucket.store.casOf(document as Item) : document.cas

const get = (quiet: boolean, encode: EncodeRead, states?: ReadonlyArray<number>) => (connection: NodeClient, packet: Keyed): void => {
  const target = connection.readable(packet, states)
  if (target === undefined) return
  const document = connection.documentOf(target, packet.key)
  if (document !== undefined) read(connection, packet, document, casOf(target, document), encode)
  else if (!quiet) connection.fail(packet, Status.KeyEnoent)
}

const getK = (quiet: boolean, encode: typeof Gen.encodeGetKResponse) => (connection: NodeClient, packet: Keyed): void => {
  const { collectionId, key } = packet
  get(quiet, (writer, fields) => encode(writer, { ...fields, collectionId, key }))(connection, packet)
}

type Store = RequestOf<"Set" | "SetQ" | "Add" | "AddQ" | "Replace" | "ReplaceQ">

const storeWith = (how: "set" | "add" | "replace", encode: EncodeWrite | undefined) => (connection: NodeClient, packet: Store): void => {
  const target = connection.writable(packet)
  if (target === undefined) return
  const { cas, flags, key, value } = packet
  connection.slicedChange(packet, target, isJsonSteps(value), (json, there) => {
    const { bucket, space } = there
    const expiration = bucket.expirationIn(space.collection, packet.expiration)
    const content = withBody(how === "add" ? undefined : bucket.store.get(space, key), value, flags, expiration, json)
    const condition = { cas, preserveExpiry: preservesExpiry(packet) }
    wrote(connection, packet, there, bucket.store[how](space, key, content, condition), encode)
  })
}

const remove = (encode: EncodeWrite | undefined) => (connection: NodeClient, packet: Keyed): void => {
  const target = connection.writable(packet)
  if (target === undefined) return
  wrote(connection, packet, target, removeBody(target.bucket.store, target.space, packet.key, packet.cas), encode)
}

type Extend = RequestOf<"Append" | "AppendQ" | "Prepend" | "PrependQ">

const extend = (atEnd: boolean, encode: EncodeWrite | undefined) => {
  const handle = (connection: NodeClient, packet: Extend): void => {
    const target = connection.writable(packet)
    if (target === undefined) return
    const { bucket: { store }, space } = target
    const { cas, key, value } = packet
    const current = store.get(space, key)
    if (current === undefined) return connection.refuse(packet, "NotStored")
    const refused = store.refusal(current, cas, "NotStored") ?? store.tooLarge(key, current.value.length + value.length, current.flags)
    if (refused !== undefined) return connection.refuse(packet, refused)
    const body = joined(current, value, atEnd)
    connection.slicedChange(packet, target, isJsonSteps(body), (json, there) => {
      // another client had a turn and changed the document
      if (store.get(there.space, key) !== current) return handle(connection, packet)
      const content = withBody(current, body, current.flags, 0, json)
      wrote(connection, packet, there, store.replace(there.space, key, content, { cas, preserveExpiry: true }), encode)
    })
  }
  return handle
}

type Count = RequestOf<"Increment" | "IncrementQ" | "Decrement" | "DecrementQ">
type EncodeCount = typeof Gen.encodeIncrementResponse

const count = (down: boolean, encode: EncodeCount | undefined) => (connection: NodeClient, packet: Count): void => {
  const target = connection.writable(packet)
  if (target === undefined) return
  const { bucket, space } = target
  const expiration = packet.expiration === doNotCreate ? packet.expiration : bucket.expirationIn(space.collection, packet.expiration)
  const { delta, initial, cas } = packet
  const outcome = countBody(bucket.store, space, packet.key, { delta, down, initial, expiration, cas })
  if (typeof outcome === "string") return connection.refuse(packet, outcome)
  const { item, value } = outcome
  const mutationToken = connection.tokenOf(target, item)
  if (encode === undefined) return
  connection.reply((writer) => encode(writer, { ...connection.head(packet, { cas: item.cas }), mutationToken, value }))
}

const touch = (connection: NodeClient, packet: RequestOf<"Touch" | "Gat" | "GatQ">): { target: Target; item: Item } | undefined => {
  const target = connection.writable(packet)
  if (target === undefined) return undefined
  const { bucket, space } = target
  const item = bucket.store.touch(space, packet.key, bucket.expirationIn(space.collection, packet.expiration))
  if (typeof item !== "string") return { target, item }
  if (item !== "KeyEnoent" || packet._tag !== "GatQ") connection.refuse(packet, item)
  return undefined
}

const getAndTouch = (encode: EncodeRead) => (connection: NodeClient, packet: RequestOf<"Gat" | "GatQ">): void => {
  const touched = touch(connection, packet)
  if (touched !== undefined) read(connection, packet, touched.item, casOf(touched.target, touched.item), encode)
}

/** States of a copy whose documents may be observed. */
const observable: ReadonlyArray<number> = [VBucketState.Active, VBucketState.Replica]

const observe = (connection: NodeClient, packet: RequestOf<"Observe">): void => {
  const bucket = connection.selected(packet)
  if (bucket === undefined) return
  const keys: Array<Gen.ObservedKey> = []
  for (const asked of packet.keys) {
    const vbucket = connection.vbucket(bucket, asked.vbucket)
    if (vbucket === undefined || !observable.includes(vbucket.state)) return connection.notMyVbucket(packet, bucket)
    const space = bucket.space(asked.vbucket, asked.key.collectionId ?? 0)
    if (space === undefined) return connection.unknownCollection(packet, bucket, Status.UnknownCollection)
    const target = bucket.isMain(vbucket) ? { bucket, space } : { bucket, space, replica: vbucket }
    const item = connection.documentOf(target, asked.key.key, true)
    const state = item === undefined
      ? ObserveKeyState.NotFound
      : item.deleted
      ? ObserveKeyState.LogicalDeleted
      : item.seqno > vbucket.persistedSeqno
      ? ObserveKeyState.NotPersisted
      : ObserveKeyState.Persisted
    keys.push({ ...asked, state, cas: item?.cas ?? 0n })
  }
  connection.reply((writer) => Gen.encodeObserveResponse(writer, { ...connection.head(packet), keys }))
}

/** Keys or documents that are looked at before others may have their turn. */
const stride = 16_384

/** A document of a collection that has not expired. Expired ones are passed over and left to whoever asks for them. */
function* firstDocument(bucket: Bucket, vbuckets: ReadonlyArray<VbucketInfo>, collection: number): Sliced<Item | undefined> {
  let passed = 0
  for (const { id, state } of vbuckets) {
    const space = state === VBucketState.Active ? bucket.space(id, collection) : undefined
    for (const item of space?.items.values() ?? []) {
      if (!bucket.store.isExpired(item)) return item
      if (++passed % stride === 0) yield
    }
  }
  return undefined
}

const randomKey = (connection: NodeClient, packet: RequestOf<"GetRandomKey">): void => {
  const bucket = connection.selected(packet)
  if (bucket === undefined) return
  const { collectionId = 0 } = packet
  connection.sliced(firstDocument(bucket, connection.vbuckets(bucket), collectionId), (item) => {
    if (item === undefined) return connection.fail(packet, Status.KeyEnoent)
    const { key } = item
    const named = connection.features.collections ? { collectionId, key } : { key }
    const cas = bucket.store.casOf(item)
    read(connection, { ...packet, key }, item, cas, (writer, fields) => Gen.encodeGetRandomKeyResponse(writer, { ...fields, ...named }))
  })
}

/** Most keys in an answer, whatever the client asks for: it asks again from the last one. */
const maxKeys = 10_000

/** The `most` smallest keys from `from` on, in order. Those that are too many are cut off twice as often as need be, not each. */
function* smallest(keys: Iterable<string>, from: string, most: number): Sliced<ReadonlyArray<string>> {
  let kept: Array<string> = []
  let last: string | undefined
  let passed = 0
  for (const key of keys) {
    if (++passed % stride === 0) yield
    if (key < from || last !== undefined && key >= last) continue
    kept.push(key)
    if (kept.length < 2 * most + 64) continue
    kept = kept.sort().slice(0, most)
    last = kept.at(-1)
  }
  return kept.sort().slice(0, most)
}

const keysFrom = (connection: NodeClient, packet: RequestOf<"GetKeys">): void => {
  const target = connection.target(packet)
  if (target === undefined) return
  const { collectionId, count: most = 1000, key: from } = packet
  connection.sliced(smallest(target.space.items.keys(), from, Math.min(most, maxKeys)), (keys) => {
    const listed = keys.map((key) => ({ key: { collectionId, key } }))
    connection.reply((writer) => Gen.encodeGetKeysResponse(writer, { ...connection.head(packet), keys: listed }))
  })
}

const replicas = [VBucketState.Replica]

/** Handlers of commands on whole documents. */
export const keyValueHandlers: Handlers = {
  Get: get(false, Gen.encodeGetResponse),
  GetQ: get(true, Gen.encodeGetQResponse),
  GetK: getK(false, Gen.encodeGetKResponse),
  GetKQ: getK(true, Gen.encodeGetKQResponse),
  GetReplica: get(false, Gen.encodeGetReplicaResponse, replicas),
  Set: storeWith("set", Gen.encodeSetResponse),
  SetQ: storeWith("set", undefined),
  Add: storeWith("add", Gen.encodeAddResponse),
  AddQ: storeWith("add", undefined),
  Replace: storeWith("replace", Gen.encodeReplaceResponse),
  ReplaceQ: storeWith("replace", undefined),
  Delete: remove(Gen.encodeDeleteResponse),
  DeleteQ: remove(undefined),
  Append: extend(true, Gen.encodeAppendResponse),
  AppendQ: extend(true, undefined),
  Prepend: extend(false, Gen.encodePrependResponse),
  PrependQ: extend(false, undefined),
  Increment: count(false, Gen.encodeIncrementResponse),
  IncrementQ: count(false, undefined),
  Decrement: count(true, Gen.encodeDecrementResponse),
  DecrementQ: count(true, undefined),
  Touch: (connection, packet) => {
    const touched = touch(connection, packet)
    if (touched === undefined) return
    const head = connection.head(packet, { cas: touched.item.cas })
    connection.reply((writer) => Gen.encodeTouchResponse(writer, head))
  },
  Gat: getAndTouch(Gen.encodeGatResponse),
  GatQ: getAndTouch(Gen.encodeGatQResponse),
  GetLocked: (connection, packet) => {
    const target = connection.writable(packet)
    const item = target?.bucket.store.getAndLock(target.space, packet.key, packet.lockTimeout ?? 0)
    if (target === undefined || item === undefined) return
    if (typeof item === "string") return connection.refuse(packet, item)
    // whoever locks learns the CAS that others no longer see
    read(connection, packet, item, item.cas, Gen.encodeGetLockedResponse)
  },
  UnlockKey: (connection, packet) => {
    const target = connection.writable(packet)
    if (target === undefined) return
    const item = target.bucket.store.unlock(target.space, packet.key, packet.cas)
    if (typeof item === "string") return connection.refuse(packet, item)
    connection.reply((writer) => Gen.encodeUnlockKeyResponse(writer, connection.head(packet)))
  },
  Observe: observe,
  GetRandomKey: randomKey,
  GetKeys: keysFrom
}
