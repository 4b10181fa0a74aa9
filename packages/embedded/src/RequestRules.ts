/**
 * What a request may be asked with: key, value, CAS and datatype of its header, and what else is checked before any document is looked at.
 *
 * Pure; the one place for it, so that handlers decide about documents only. Lengths of extras and the grammar of values are the codec's
 * business, what sub-document operations may be asked for is in `SubDocumentTraits`. Source: kv_engine daemon/mcbp_validators.cc and
 * daemon/subdocument_validators.cc at eba42989; the order is that of `McbpValidator::verify_header`.
 */
import { malformed, type Reader } from "@wirewright/codec"
import { Opcode as CouchbaseOpcode } from "@wirewright/couchbase/gen"
import { Datatype, Opcode as ClassicOpcode } from "@wirewright/memcached/gen"
import {
  bodyLengthAt,
  casAt,
  datatypeAt,
  endAt,
  GetMetaVersion,
  headerSize,
  keyLengthAt,
  kindAt,
  opcodeAt,
  type Request,
  valueAt,
  RequestedVBState,
  VBucketState
} from "@wirewright/dcp/gen"
import { bytesOf, isJson } from "./JsonText.ts"

/** A request by its name. */
export type RequestOf<Tag extends Request["_tag"]> = Extract<Request, { readonly _tag: Tag }>

/** What the header of a request may say. */
export interface HeaderRule {
  /** Whether there is a key. Default: as the codec has it. */
  readonly key?: "none" | "some"
  /** Whether there is a value. Default: as the codec has it. */
  readonly value?: "none" | "some"
  /** Whether there is a CAS. Default: `"none"`. */
  readonly cas?: "any" | "some"
  /** Bits of datatypes that are allowed. Default: 0, raw bytes. */
  readonly datatypes?: number
}

const { json, snappy, xattr } = Datatype

const plain: HeaderRule = {}
const read: HeaderRule = { key: "some", value: "none" }
const bare: HeaderRule = { key: "none", value: "none" }
const keyed: HeaderRule = { key: "some" }
const withValue: HeaderRule = { key: "none", value: "some" }
const withJson: HeaderRule = { ...withValue, datatypes: json }
const keyedJson: HeaderRule = { key: "some", value: "some", datatypes: json }
const write: HeaderRule = { key: "some", cas: "any", datatypes: json | snappy }
const add: HeaderRule = { key: "some", datatypes: json | snappy }
const withMeta: HeaderRule = { key: "some", cas: "any", datatypes: json | snappy | xattr }
const subDocument: HeaderRule = { key: "some", cas: "any" }
const dcp: HeaderRule = { key: "none", cas: "any" }
const dcpBare: HeaderRule = { ...dcp, value: "none" }
const dcpItem: HeaderRule = withMeta

/** Commands by name: also two that kv_engine no longer executes, but whose headers it still looks at. */
export type CheckedCommand = Request["_tag"] | "SetCtrlToken" | "GetCtrlToken"

/** By command. Those that are missing are refused whatever they say. */
export const headerRules: { readonly [Name in CheckedCommand]?: HeaderRule } = {
  Get: read,
  GetQ: read,
  GetK: read,
  GetKQ: read,
  GetReplica: read,
  GetEx: read,
  GetExReplica: read,
  GetLocked: read,
  GetMeta: read,
  GetQMeta: read,
  GetKeys: read,
  Touch: read,
  Gat: read,
  GatQ: read,
  Increment: read,
  IncrementQ: read,
  Decrement: read,
  DecrementQ: read,
  EvictKey: read,
  UnlockKey: { ...read, cas: "some" },
  Delete: { ...read, cas: "any" },
  DeleteQ: { ...read, cas: "any" },
  Set: write,
  SetQ: write,
  Replace: write,
  ReplaceQ: write,
  Append: write,
  AppendQ: write,
  Prepend: write,
  PrependQ: write,
  Add: add,
  AddQ: add,
  SetWithMeta: withMeta,
  SetQWithMeta: withMeta,
  AddWithMeta: withMeta,
  AddQWithMeta: withMeta,
  DelWithMeta: withMeta,
  DelQWithMeta: withMeta,
  MutateWithMeta: withMeta,
  ReturnMeta: { key: "some", cas: "any" },
  SubdocGet: subDocument,
  SubdocExists: subDocument,
  SubdocGetCount: subDocument,
  SubdocDictAdd: subDocument,
  SubdocDictUpsert: subDocument,
  SubdocDelete: subDocument,
  SubdocReplace: subDocument,
  SubdocArrayPushLast: subDocument,
  SubdocArrayPushFirst: subDocument,
  SubdocArrayInsert: subDocument,
  SubdocArrayAddUnique: subDocument,
  SubdocCounter: subDocument,
  SubdocReplaceBodyWithXattr: subDocument,
  SubdocMultiLookup: subDocument,
  SubdocMultiMutation: subDocument,
  Quit: bare,
  QuitQ: bare,
  Noop: bare,
  Version: bare,
  Verbosity: bare,
  Hello: plain,
  SaslListMechs: bare,
  SaslAuth: keyed,
  SaslStep: keyed,
  Stat: { datatypes: json },
  Observe: withValue,
  ObserveSeqno: { key: "none", cas: "any" },
  GetRandomKey: bare,
  GetAllVbSeqnos: bare,
  GetFailoverLog: dcpBare,
  SetVbucket: { key: "none", datatypes: json },
  GetVbucket: { value: "none" },
  DelVbucket: { key: "none" },
  SeqnoPersistence: bare,
  StopPersistence: bare,
  StartPersistence: bare,
  SetParam: { key: "some", value: "some" },
  EnableTraffic: bare,
  DisableTraffic: bare,
  CompactDb: { key: "none", datatypes: json },
  GetErrorMap: { key: "none" },
  ListBuckets: dcpBare,
  SelectBucket: { value: "none", cas: "any" },
  CreateBucket: { key: "some", value: "some", cas: "any" },
  DeleteBucket: { key: "some", cas: "any" },
  PauseBucket: { value: "none" },
  ResumeBucket: { value: "none" },
  ValidateBucketConfig: withValue,
  GetClusterConfig: bare,
  SetClusterConfig: { value: "some", datatypes: json },
  CollectionsSetManifest: withValue,
  CollectionsGetManifest: bare,
  CollectionsGetID: plain,
  CollectionsGetScopeID: plain,
  RangeScanCreate: { key: "none", datatypes: json },
  RangeScanContinue: bare,
  RangeScanCancel: bare,
  DcpOpen: { key: "some", cas: "any", datatypes: json },
  DcpAddStream: dcpBare,
  DcpCloseStream: dcpBare,
  DcpStreamRequest: dcp,
  DcpGetFailoverLog: dcpBare,
  DcpStreamEnd: dcpBare,
  DcpSnapshotMarker: dcp,
  DcpMutation: dcpItem,
  DcpDeletion: dcpItem,
  DcpExpiration: dcpItem,
  DcpSetVbucketState: dcpBare,
  DcpNoop: dcpBare,
  DcpBufferAcknowledgement: dcpBare,
  DcpControl: { key: "some", value: "some", cas: "any" },
  DcpSystemEvent: { cas: "any", datatypes: json | snappy | xattr },
  DcpPrepare: { ...dcpItem, cas: "some" },
  DcpSeqnoAcknowledged: bare,
  DcpCommit: read,
  DcpAbort: read,
  DcpCacheTransfer: withValue,
  DcpCacheTransferEnd: bare,
  IoctlGet: read,
  IoctlSet: keyed,
  ConfigValidate: withValue,
  ConfigReload: bare,
  AuditPut: withValue,
  AuditConfigReload: bare,
  Shutdown: bare,
  SetBucketThrottleProperties: keyedJson,
  SetBucketDataLimitExceeded: read,
  SetActiveEncryptionKeys: keyedJson,
  PruneEncryptionKeys: keyedJson,
  RegisterAuthToken: withJson,
  SetChronicleAuthToken: withJson,
  GetFusionStorageSnapshot: withJson,
  ReleaseFusionStorageSnapshot: withJson,
  MountFusionVbucket: withJson,
  UnmountFusionVbucket: bare,
  SyncFusionLogstore: withJson,
  StartFusionUploader: withJson,
  StopFusionUploader: bare,
  DeleteFusionNamespace: withJson,
  GetFusionNamespaces: withJson,
  CreateFusionNamespace: bare,
  PrepareSnapshot: withJson,
  ReleaseSnapshot: { value: "none" },
  DownloadSnapshot: withJson,
  GetFileFragment: keyedJson,
  IsaslRefresh: bare,
  GetCmdTimer: { value: "none" },
  SetCtrlToken: bare,
  GetCtrlToken: bare,
  UpdateExternalUserPermissions: withValue,
  RbacRefresh: bare,
  AuthProvider: bare,
  DropPrivilege: read,
  AdjustTimeofday: bare,
  EwouldblockCtl: { value: "none" },
  Ifconfig: { key: "some", datatypes: json }
}

/** Largest request of names and numbers, in bytes: room for some ten thousand keys of OBSERVE. */
const ordinarySize = 128 * 1024
const manifestSize = 2 * 1024 * 1024

const C = ClassicOpcode
const B = CouchbaseOpcode

/** What carries documents, and may be as large as a frame. */
const ofDocuments: ReadonlyArray<number> = [
  C.Set,
  C.SetQ,
  C.Add,
  C.AddQ,
  C.Replace,
  C.ReplaceQ,
  C.Append,
  C.AppendQ,
  C.Prepend,
  C.PrependQ,
  B.SetWithMeta,
  B.SetQWithMeta,
  B.AddWithMeta,
  B.AddQWithMeta,
  B.DelWithMeta,
  B.DelQWithMeta,
  B.SubdocDictAdd,
  B.SubdocDictUpsert,
  B.SubdocReplace,
  B.SubdocArrayPushLast,
  B.SubdocArrayPushFirst,
  B.SubdocArrayInsert,
  B.SubdocArrayAddUnique,
  B.SubdocMultiMutation
]

/** Requests that may be larger than `ordinarySize`, by opcode. */
const sizes: ReadonlyMap<number, number> = new Map([
  ...ofDocuments.map((opcode) => [opcode, Infinity] as const),
  [B.CollectionsSetManifest, manifestSize],
  [B.SetClusterConfig, manifestSize]
])

/** Throws `DecodeError` when a request is larger than its command may be: no client waits for a million parts to be decoded. */
export const expectBody = (reader: Reader, at: number): void => {
  if (kindAt(reader, at) !== "request") return
  const size = bodyLengthAt(reader, at)
  const largest = sizes.get(opcodeAt(reader, at)) ?? ordinarySize
  if (size > largest) malformed("Limit", "Request", "body", headerSize, `at most ${largest} bytes`, String(size))
}

const violates = (rule: "none" | "some" | undefined, length: number): boolean => rule !== undefined && (rule === "some") !== length > 0

/** What is wrong with the header of a request, in the words of its error. `name` is the command, `at` where the frame begins. */
export const headerProblem = (name: CheckedCommand, reader: Reader, at: number): string | undefined => {
  const rule = headerRules[name]
  if (rule === undefined) return undefined
  if (violates(rule.key, keyLengthAt(reader, at))) return `Request must ${rule.key === "some" ? "" : "not "}include key`
  if (violates(rule.value, endAt(reader, at) - valueAt(reader, at))) {
    return `Request must ${rule.value === "some" ? "" : "not "}include value`
  }
  const cas = casAt(reader, at) !== 0n
  if (cas && rule.cas === undefined) return "Request CAS must not be set"
  if (!cas && rule.cas === "some") return "Request CAS must be set"
  return (datatypeAt(reader, at) & ~(rule.datatypes ?? 0)) === 0 ? undefined : "Request datatype invalid"
}

type Checks = { readonly [Tag in Request["_tag"]]?: (packet: RequestOf<Tag>) => string | undefined }

const noVbucket = ({ vbucket }: { readonly vbucket: number }): string | undefined =>
  vbucket === 0 ? undefined : "Request vbucket id must be 0"

const jsonOrNothing = (value: string, datatype: number): string | undefined => {
  if (value === "") return undefined
  if ((datatype & json) === 0) return "Datatype must be JSON"
  return isJson(bytesOf(value)) ? undefined : "value is not valid JSON"
}

const getMetaVersion = ({ version }: RequestOf<"GetMeta" | "GetQMeta">): string | undefined =>
  version === undefined || version <= GetMetaVersion.V2 ? undefined : "Request extras invalid"

const onePath = ({ legacyPath, path, vbucket }: RequestOf<"CollectionsGetID" | "CollectionsGetScopeID">): string | undefined =>
  legacyPath !== "" && path !== "" ? "Cannot set both key and value" : noVbucket({ vbucket })

const checks: Checks = {
  Stat: ({ datatype, parameters }) => jsonOrNothing(parameters, datatype),
  GetMeta: getMetaVersion,
  GetQMeta: getMetaVersion,
  GetErrorMap: noVbucket,
  CollectionsSetManifest: noVbucket,
  CollectionsGetManifest: noVbucket,
  CollectionsGetID: onePath,
  CollectionsGetScopeID: onePath,
  GetAllVbSeqnos: ({ state }) =>
    state === undefined || Object.values<number>(RequestedVBState).includes(state) ? undefined : "Request vbucket state invalid",
  SetVbucket: ({ state }) => Object.values<number>(VBucketState).includes(state) ? undefined : "The provided vbucket state is invalid"
}

/** What else is wrong with a request before any document is looked at, in the words of its error. */
export const requestProblem = (request: Request): string | undefined =>
  (checks[request._tag] as ((packet: Request) => string | undefined) | undefined)?.(request)
