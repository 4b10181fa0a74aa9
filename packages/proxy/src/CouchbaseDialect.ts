/**
 * Commands of memcached's clients as a Couchbase bucket understands them, and its answers as memcached would give them: one table for all
 * protocols, and on top of it the packets of binary clients.
 *
 * Pure. A bucket's values are seen as they are stored: no compression, no JSON mark and no extended attributes, because the proxy does not
 * ask the server for them. Differences bridged here: collection ids before keys, mutation tokens, framing extras, the flags that memcached
 * sends with TOUCH, keys in the answers of GETK and GATK, CAS 0 after DELETE, statuses memcached does not know. Not bridged: FLUSH, which a
 * bucket refuses to do, and locks, which a classic client sees as a failed CAS or a temporary failure.
 */
import { Reader, Writer } from "@wirewright/codec"
import type { Request as BucketRequest, Response as BucketResponse } from "@wirewright/couchbase/gen"
import { GetMetaDeleted, HelloFeature, Opcode as BucketOpcode, statusTable as bucketStatuses } from "@wirewright/couchbase/gen"
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
import { type Refusal, refusal } from "@wirewright/memcached"
import { statusText } from "@wirewright/memcached/internal"
import { unsignedExpiration } from "./Refused.ts"
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
const collectionId = 0

/** What a client of any protocol asks of a key; which fields count depends on the command. */
export interface KeyedRequest {
  readonly key: string
  readonly cas?: bigint | undefined
  readonly flags?: number | undefined
  readonly expiration?: number | undefined
  readonly value?: Uint8Array | undefined
  readonly delta?: bigint | undefined
  readonly initial?: bigint | undefined
}

const none = new Uint8Array(0)

type Make = (request: KeyedRequest) => BucketRequest

const store =
  <const Tag extends "Set" | "Add" | "Replace">(_tag: Tag): Make => ({ cas = 0n, expiration = 0, flags = 0, key, value = none }) =>
    ({
      ...head,
      _tag,
      opcode: BucketOpcode[_tag],
      cas,
      collectionId,
      flags,
      expiration: unsignedExpiration(expiration),
      key,
      value
    }) as BucketRequest

const extend = <const Tag extends "Append" | "Prepend">(_tag: Tag): Make => ({ cas = 0n, key, value = none }) =>
  ({ ...head, _tag, opcode: BucketOpcode[_tag], cas, collectionId, key, value }) as BucketRequest

const count =
  <const Tag extends "Increment" | "Decrement">(_tag: Tag): Make => ({ cas = 0n, delta = 1n, expiration = 0, initial = 0n, key }) =>
    ({
      ...head,
      _tag,
      opcode: BucketOpcode[_tag],
      cas,
      collectionId,
      delta,
      initial,
      expiration: unsignedExpiration(expiration),
      key
    }) as BucketRequest

/** The commands of a bucket, by the names that handlers of servers have. */
export const bucketCommands = {
  get: ({ cas = 0n, key }) => ({ ...head, _tag: "Get", opcode: BucketOpcode.Get, cas, collectionId, key }),
  getAndTouch: ({ cas = 0n, expiration = 0, key }) => ({
    ...head,
    _tag: "Gat",
    opcode: BucketOpcode.Gat,
    cas,
    collectionId,
    expiration: unsignedExpiration(expiration),
    key
  }),
  set: store("Set"),
  add: store("Add"),
  replace: store("Replace"),
  metadata: ({ key }) => ({ ...head, _tag: "GetMeta", opcode: BucketOpcode.GetMeta, cas: 0n, collectionId, key }),
  remove: ({ cas = 0n, key }) => ({ ...head, _tag: "Delete", opcode: BucketOpcode.Delete, cas, collectionId, key }),
  increment: count("Increment"),
  decrement: count("Decrement"),
  append: extend("Append"),
  prepend: extend("Prepend")
} satisfies { readonly [command: string]: Make }

/** A command of a bucket. */
export type BucketCommand = keyof typeof bucketCommands

/** Classic commands as a bucket has them, by the names of the loud ones. memcached answers TOUCH with the flags of the item, which only GAT tells here. */
const classicCommands: { readonly [name: string]: BucketCommand | undefined } = {
  Get: "get",
  GetK: "get",
  Touch: "getAndTouch",
  Gat: "getAndTouch",
  GatK: "getAndTouch",
  Set: "set",
  Add: "add",
  Replace: "replace",
  Delete: "remove",
  Increment: "increment",
  Decrement: "decrement",
  Append: "append",
  Prepend: "prepend"
}

/** Asks any node what it is. */
export const versionRequest: BucketRequest = { ...head, cas: 0n, _tag: "Version", opcode: Opcode.Version }

/** Asks any node for statistics. */
export const statRequest = (group: string): BucketRequest => ({
  ...head,
  cas: 0n,
  _tag: "Stat",
  opcode: BucketOpcode.Stat,
  group,
  parameters: ""
})

/** A request of a classic client, sound and with a key where it needs one. Quiet commands become loud ones. */
export const translate = (frame: Frame): Translated => {
  const packet = decodeRequest(frame.reader, frame.at)
  const command = classicCommands[packet._tag.replace(/Q$/, "")]
  if (command !== undefined) {
    const request = packet as unknown as KeyedRequest
    return { _tag: "Keyed", key: request.key, request: bucketCommands[command](request) }
  }
  if (packet._tag === "Version") return { _tag: "Node", request: versionRequest }
  if (packet._tag === "Stat") return { _tag: "Node", request: statRequest(packet.group) }
  return { _tag: "Refused", status: Status.NotSupported }
}

/** A status in memcached's words. */
export const classicStatus = (status: number, writes: boolean): number => {
  const bucket = bucketStatuses[status]
  if (bucket?.name === "Locked") return writes ? Status.KeyEexists : Status.Etmpfail
  if (statusTable[status] !== undefined) return status
  if (bucket?.name === "Eaccess" || bucket?.name === "AuthStale") return Status.AuthError
  return bucket?.retry === "retry" ? Status.Etmpfail : bucket?.retry === "caller" ? Status.Einval : Status.Einternal
}

/** What a bucket said, in terms of handlers of servers. */
export type BucketOutcome =
  | { readonly _tag: "Found"; readonly cas: bigint; readonly flags: number; readonly value: Uint8Array }
  /** `expiry`: Unix time, 0 never. */
  | { readonly _tag: "Metadata"; readonly cas: bigint; readonly flags: number; readonly expiry: number }
  | { readonly _tag: "Counted"; readonly cas: bigint; readonly value: bigint }
  /** memcached tells no version of what is gone. */
  | { readonly _tag: "Written"; readonly cas?: bigint }
  | { readonly _tag: "Version"; readonly version: string }
  | { readonly _tag: "Stat"; readonly name: string; readonly value: string }
  | Refusal

/** What an answer says; nothing when it is no answer to what a client asks. */
export const outcomeOf = (answer: BucketResponse, writes: boolean): BucketOutcome | undefined => {
  const { cas } = answer
  switch (answer._tag) {
    case "GetResponse":
    case "GatResponse":
      return { _tag: "Found", cas, flags: answer.flags, value: answer.value }
    case "GetMetaResponse":
      return (answer.deleted & GetMetaDeleted.deleted) !== 0
        ? refusal(Status.KeyEnoent)
        : { _tag: "Metadata", cas, flags: answer.flags, expiry: answer.expiry }
    case "SetResponse":
    case "AddResponse":
    case "ReplaceResponse":
    case "AppendResponse":
    case "PrependResponse":
      return { _tag: "Written", cas }
    case "DeleteResponse":
      return { _tag: "Written" }
    case "IncrementResponse":
    case "DecrementResponse":
      return { _tag: "Counted", cas, value: answer.value }
    case "VersionResponse":
      return { _tag: "Version", version: answer.version }
    case "StatResponse":
      return { _tag: "Stat", name: answer.name, value: answer.value }
    default:
      return answer.status === Status.Success ? undefined : refusal(classicStatus(answer.status, writes))
  }
}

/** Answers are read once, soon; the buffers they are made in are not used again. */
const writer = new Writer()

const made = (encode: (writer: Writer) => void): Frame => {
  encode(writer)
  return frameAt(new Reader(writer.take()), 0)
}

const refused = (opcode: number, key: string, status: number): Frame => {
  const value = statusText(status)
  if (status === Status.KeyEnoent && opcode === Opcode.GetK) return made((writer) => encodeGetKKeyEnoent(writer, { key }))
  if (status === Status.KeyEnoent && opcode === Opcode.GatK) return made((writer) => encodeGatKKeyEnoent(writer, { key }))
  return made((writer) => encodeErrorResponse(writer, { opcode, status, extras: none, key: none, value }))
}

/** A bucket's answer to the loud command `opcode` about `key`, as memcached gives it; nothing when it is no answer to that. */
export const classicAnswer = (answer: BucketResponse, opcode: number, key: string, writes: boolean): Frame | undefined => {
  const outcome = outcomeOf(answer, writes)
  switch (outcome?._tag) {
    case "Found": {
      const { cas, flags, value } = outcome
      if (opcode === Opcode.Touch) return made((writer) => encodeTouchResponse(writer, { cas, flags }))
      if (opcode === Opcode.GetK) return made((writer) => encodeGetKResponse(writer, { cas, flags, key, value }))
      if (opcode === Opcode.GatK) return made((writer) => encodeGatKResponse(writer, { cas, flags, key, value }))
      if (opcode === Opcode.Gat) return made((writer) => encodeGatResponse(writer, { cas, flags, value }))
      return made((writer) => encodeGetResponse(writer, { cas, flags, value }))
    }
    // what writes has no more in its answers than Set or Delete; the session writes the client's opcode
    case "Written": {
      const { cas } = outcome
      return made((writer) => cas === undefined ? encodeDeleteResponse(writer, {}) : encodeSetResponse(writer, { cas }))
    }
    case "Counted":
      return made((writer) => encodeIncrementResponse(writer, outcome))
    case "Version":
      return made((writer) => encodeVersionResponse(writer, outcome))
    case "Stat":
      return made((writer) => encodeStatResponse(writer, outcome))
    case "Refusal":
      return refused(opcode, key, outcome.status)
    // binary clients do not ask for it
    case "Metadata":
    case undefined:
      return undefined
  }
}
