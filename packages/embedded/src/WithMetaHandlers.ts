/**
 * Commands on the metadata of documents: reading them, and writing documents that bring their own.
 *
 * Conflicts are resolved by revision: the higher revision wins, then CAS, expiry and flags in this order. Source: kv_engine
 * docs/BinaryProtocol.md and engines/ep/docs.
 */
import type { Writer } from "@wirewright/codec"
import * as Gen from "@wirewright/couchbase/gen"
import { GetMetaDeleted, GetMetaVersion, type MutationToken, type ResponseInit, Status, WithMetaOptions } from "@wirewright/couchbase/gen"
import { Datatype } from "@wirewright/memcached/gen"
import { lockedCas } from "./Document.ts"
import type { Item } from "./HashTable.ts"
import type { Handlers, NodeClient } from "./Handlers.ts"
import type { RequestOf } from "./RequestRules.ts"
import { isJsonSteps } from "./JsonText.ts"
import { partsOf } from "./SubDocumentAttributes.ts"

type Encode = (writer: Writer, packet: ResponseInit & { readonly mutationToken?: MutationToken | undefined }) => void
type Put = RequestOf<"SetWithMeta" | "SetQWithMeta" | "AddWithMeta" | "AddQWithMeta">
type Removal = RequestOf<"DelWithMeta" | "DelQWithMeta">

const getMeta = (quiet: boolean, encode: typeof Gen.encodeGetMetaResponse) =>
(
  connection: NodeClient,
  packet: RequestOf<"GetMeta" | "GetQMeta">
): void => {
  const target = connection.readable(packet)
  if (target === undefined) return
  const item = target.bucket.store.getDeleted(target.space, packet.key)
  if (item === undefined) {
    if (!quiet) connection.fail(packet, Status.KeyEnoent)
    return
  }
  const { datatype, expiry, flags, revSeqno } = item
  const head = connection.head(packet, { cas: target.bucket.store.casOf(item) })
  const documentDatatype = packet.version === GetMetaVersion.V2 ? datatype : undefined
  const deleted = item.deleted ? GetMetaDeleted.deleted : 0
  connection.reply((writer) => encode(writer, { ...head, deleted, flags, expiry, revSeqno, documentDatatype }))
}

/** Whether what comes loses to what is there. */
const loses = (current: Item, revSeqno: bigint, cas: bigint, expiry: number, flags: number): boolean => {
  if (revSeqno !== current.revSeqno) return revSeqno < current.revSeqno
  if (cas !== current.cas) return cas < current.cas
  return expiry !== current.expiry ? expiry < current.expiry : flags <= current.flags
}

const isWellFormed = (value: Uint8Array, datatype: number): boolean => {
  try {
    partsOf(value, datatype)
    return true
  } catch {
    return false
  }
}

const write = (adds: boolean, deleted: boolean, encode: Encode | undefined) => (connection: NodeClient, packet: Put | Removal): void => {
  const target = connection.writable(packet)
  if (target === undefined) return
  const { documentCas, flags, key, options = 0, revSeqno, value } = packet
  const skips = (options & (WithMetaOptions.skipConflictResolution | WithMetaOptions.forceWithMetaOp)) !== 0
  const regenerates = (options & WithMetaOptions.regenerateCas) !== 0
  if (regenerates && (options & WithMetaOptions.skipConflictResolution) === 0) {
    return connection.fail(packet, Status.Einval, { context: "A new CAS needs that conflicts are not resolved" })
  }
  if ((options & WithMetaOptions.forceAcceptWithMetaOps) !== 0) {
    return connection.fail(packet, Status.Einval, { context: "A bucket that resolves conflicts by revision takes no force" })
  }
  if (documentCas === 0n || documentCas === lockedCas) return connection.fail(packet, Status.CasValueInvalid)
  if (!isWellFormed(value, packet.datatype)) return connection.fail(packet, Status.XattrEinval)
  const xattr = packet.datatype & Datatype.xattr
  connection.slicedChange(packet, target, isJsonSteps(partsOf(value, xattr).body), (json, there) => {
    const { bucket, space } = there
    const current = bucket.store.getDeleted(space, key)
    const expiry = "deleteTime" in packet ? packet.deleteTime : packet.expiration
    if (current !== undefined) {
      if (adds && !current.deleted) return connection.fail(packet, Status.KeyEexists)
      const refused = current.deleted ? undefined : bucket.store.refusal(current, packet.cas, "KeyEnoent")
      if (refused !== undefined) return connection.refuse(packet, refused)
      if (!skips && loses(current, revSeqno, documentCas, expiry, flags)) return connection.fail(packet, Status.KeyEexists)
    } else if (packet.cas !== 0n) return connection.fail(packet, Status.KeyEnoent)
    const item = bucket.store.keep(space, key, {
      value,
      flags,
      datatype: (json ? Datatype.json : 0) | xattr,
      expiry,
      deleted,
      expired: (options & WithMetaOptions.isExpiration) !== 0,
      cas: regenerates ? undefined : documentCas,
      revSeqno
    })
    if (typeof item === "string") return connection.refuse(packet, item)
    const mutationToken = connection.tokenOf(there, item)
    if (encode !== undefined) {
      connection.reply((writer) => encode(writer, { ...connection.head(packet, { cas: item.cas }), mutationToken }))
    }
  })
}

/** Handlers of commands on metadata. */
export const withMetaHandlers: Handlers = {
  GetMeta: getMeta(false, Gen.encodeGetMetaResponse),
  GetQMeta: getMeta(true, Gen.encodeGetQMetaResponse),
  SetWithMeta: write(false, false, Gen.encodeSetWithMetaResponse),
  SetQWithMeta: write(false, false, undefined),
  AddWithMeta: write(true, false, Gen.encodeAddWithMetaResponse),
  AddQWithMeta: write(true, false, undefined),
  DelWithMeta: write(false, true, Gen.encodeDelWithMetaResponse),
  DelQWithMeta: write(false, true, undefined)
}
