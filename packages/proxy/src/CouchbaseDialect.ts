/**
 * Classic memcached commands as a Couchbase bucket understands them, and its answers as memcached would give them.
 *
 * Pure. A bucket's values are seen as they are stored: no compression, no JSON mark and no extended attributes, because the proxy does not
 * ask the server for them. Differences bridged here: collection ids before keys, mutation tokens, framing extras, the flags that memcached
 * sends with TOUCH, keys in the answers of GETK and GATK, CAS 0 after DELETE, statuses memcached does not know. Not bridged: FLUSH, which a
 * bucket refuses to do, and locks, which a classic client sees as a failed CAS or a temporary failure.
 */
import { Reader, Writer } from "@wirewright/codec"
import type { Request as BucketRequest, Response as BucketResponse } from "@wirewright/couchbase/gen"
import { HelloFeature, Opcode as BucketOpcode, statusTable as bucketStatuses } from "@wirewright/couchbase/gen"
import {
  decodeRequest,
  encodeDeleteResponse,
  encodeErrorResponse,
  encodeGatKKeyEnoent,
  encodeGatKResponse,
  encodeGatResponse,
  encodeGetKKeyEnoent,
  encodeGetKResponse,
  encodeGetResponse,
  encodeIncrementResponse,
  encodeSetResponse,
  encodeStatResponse,
  encodeTouchResponse,
  encodeVersionResponse,
  magics,
  Opcode,
  Status,
  statusTable
} from "@wirewright/memcached/gen"
import { statusText } from "@wirewright/memcached/internal"
import { type Frame, frameAt } from "./RawFrame.ts"

/** What the proxy asks a node for: neither datatypes, so that values come as they are, nor answers in another order than the requests'. */
export const features: ReadonlyArray<HelloFeature> = [
  HelloFeature.TcpNoDelay,
  HelloFeature.SelectBucket,
  HelloFeature.Collections,
  HelloFeature.Duplex,
  HelloFeature.ClustermapChangeNotification
]

/** A command for a bucket. */
export type Translated =
  /** Goes to the node that has the key. */
  | { readonly _tag: "Keyed"; readonly key: string; readonly request: BucketRequest }
  /** Goes to any node. */
  | { readonly _tag: "Node"; readonly request: BucketRequest }
  /** Is not done; this is its answer. */
  | { readonly _tag: "Refused"; readonly status: number }

const head = { magic: magics.request[0], datatype: 0, vbucket: 0, opaque: 0, framing: [] } as const

/** The default collection, in front of every key once collections were negotiated. */
const defaultCollection = 0

/** A request of a classic client, sound and with a key where it needs one. Quiet commands become loud ones. */
export const translate = (frame: Frame): Translated => {
  const packet = decodeRequest(frame.reader, frame.at)
  const base = { ...head, cas: packet.cas }
  const keyed = (key: string, request: BucketRequest): Translated => ({ _tag: "Keyed", key, request })
  switch (packet._tag) {
    case "Get":
    case "GetQ":
    case "GetK":
    case "GetKQ": {
      const { key } = packet
      return keyed(key, { ...base, _tag: "Get", opcode: BucketOpcode.Get, collectionId: defaultCollection, key })
    }
    // memcached answers TOUCH with the flags of the item, which only GAT tells here
    case "Touch":
    case "Gat":
    case "GatQ":
    case "GatK":
    case "GatKQ": {
      const { key, expiration } = packet
      return keyed(key, { ...base, _tag: "Gat", opcode: BucketOpcode.Gat, collectionId: defaultCollection, expiration, key })
    }
    case "Set":
    case "SetQ": {
      const { key, flags, expiration, value } = packet
      return keyed(key, { ...base, _tag: "Set", opcode: BucketOpcode.Set, collectionId: defaultCollection, flags, expiration, key, value })
    }
    case "Add":
    case "AddQ": {
      const { key, flags, expiration, value } = packet
      return keyed(key, { ...base, _tag: "Add", opcode: BucketOpcode.Add, collectionId: defaultCollection, flags, expiration, key, value })
    }
    case "Replace":
    case "ReplaceQ": {
      const { key, flags, expiration, value } = packet
      return keyed(key, {
        ...base,
        _tag: "Replace",
        opcode: BucketOpcode.Replace,
        collectionId: defaultCollection,
        flags,
        expiration,
        key,
        value
      })
    }
    case "Delete":
    case "DeleteQ": {
      const { key } = packet
      return keyed(key, { ...base, _tag: "Delete", opcode: BucketOpcode.Delete, collectionId: defaultCollection, key })
    }
    case "Increment":
    case "IncrementQ": {
      const { key, delta, initial, expiration } = packet
      return keyed(key, {
        ...base,
        _tag: "Increment",
        opcode: BucketOpcode.Increment,
        collectionId: defaultCollection,
        delta,
        initial,
        expiration,
        key
      })
    }
    case "Decrement":
    case "DecrementQ": {
      const { key, delta, initial, expiration } = packet
      return keyed(key, {
        ...base,
        _tag: "Decrement",
        opcode: BucketOpcode.Decrement,
        collectionId: defaultCollection,
        delta,
        initial,
        expiration,
        key
      })
    }
    case "Append":
    case "AppendQ": {
      const { key, value } = packet
      return keyed(key, { ...base, _tag: "Append", opcode: BucketOpcode.Append, collectionId: defaultCollection, key, value })
    }
    case "Prepend":
    case "PrependQ": {
      const { key, value } = packet
      return keyed(key, { ...base, _tag: "Prepend", opcode: BucketOpcode.Prepend, collectionId: defaultCollection, key, value })
    }
    case "Version":
      return { _tag: "Node", request: { ...base, _tag: "Version", opcode: Opcode.Version } }
    case "Stat":
      return { _tag: "Node", request: { ...base, _tag: "Stat", opcode: BucketOpcode.Stat, group: packet.group, parameters: "" } }
    default:
      return { _tag: "Refused", status: Status.NotSupported }
  }
}

/** A status in memcached's words. */
export const classicStatus = (status: number, writes: boolean): number => {
  const bucket = bucketStatuses[status]
  if (bucket?.name === "Locked") return writes ? Status.KeyEexists : Status.Etmpfail
  if (statusTable[status] !== undefined) return status
  if (bucket?.name === "Eaccess" || bucket?.name === "AuthStale") return Status.AuthError
  return bucket?.retry === "retry" ? Status.Etmpfail : bucket?.retry === "caller" ? Status.Einval : Status.Einternal
}

const none = new Uint8Array(0)

/** Answers are read once, soon; the buffers they are made in are not used again. */
const writer = new Writer()

const made = (encode: (writer: Writer) => void): Frame => {
  encode(writer)
  return frameAt(new Reader(writer.take()), 0)
}

const refusal = (opcode: number, key: string, status: number): Frame => {
  const value = statusText(status)
  if (status === Status.KeyEnoent && opcode === Opcode.GetK) return made((writer) => encodeGetKKeyEnoent(writer, { key }))
  if (status === Status.KeyEnoent && opcode === Opcode.GatK) return made((writer) => encodeGatKKeyEnoent(writer, { key }))
  return made((writer) => encodeErrorResponse(writer, { opcode, status, extras: none, key: none, value }))
}

/** A bucket's answer to the loud command `opcode` about `key`, as memcached gives it; nothing when it is no answer to that. */
export const classicAnswer = (answer: BucketResponse, opcode: number, key: string, writes: boolean): Frame | undefined => {
  const { cas } = answer
  switch (answer._tag) {
    case "GetResponse": {
      const { flags, value } = answer
      if (opcode === Opcode.GetK) return made((writer) => encodeGetKResponse(writer, { cas, flags, key, value }))
      return made((writer) => encodeGetResponse(writer, { cas, flags, value }))
    }
    case "GatResponse": {
      const { flags, value } = answer
      if (opcode === Opcode.Touch) return made((writer) => encodeTouchResponse(writer, { cas, flags }))
      if (opcode === Opcode.GatK) return made((writer) => encodeGatKResponse(writer, { cas, flags, key, value }))
      return made((writer) => encodeGatResponse(writer, { cas, flags, value }))
    }
    // Add, Replace, Append and Prepend have no more in their answers than Set; the session writes the client's opcode
    case "SetResponse":
    case "AddResponse":
    case "ReplaceResponse":
    case "AppendResponse":
    case "PrependResponse":
      return made((writer) => encodeSetResponse(writer, { cas }))
    case "DeleteResponse":
      return made((writer) => encodeDeleteResponse(writer, {}))
    case "IncrementResponse":
    case "DecrementResponse":
      return made((writer) => encodeIncrementResponse(writer, { cas, value: answer.value }))
    case "VersionResponse":
      return made((writer) => encodeVersionResponse(writer, { version: answer.version }))
    case "StatResponse":
      return made((writer) => encodeStatResponse(writer, { name: answer.name, value: answer.value }))
    default:
      return answer.status === Status.Success ? undefined : refusal(opcode, key, classicStatus(answer.status, writes))
  }
}
