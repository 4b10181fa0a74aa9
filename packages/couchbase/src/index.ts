/**
 * A client of Couchbase's key-value service. Packets are in `/gen`; connections to single nodes, with what a node says of its cluster, are in
 * `/node`.
 */
export { BootstrapError, type BootstrapReason, type BootstrapStep, type Credentials, defaultFeatures } from "./Bootstrap.ts"
export type { ClusterMap, ClusterNode } from "./ClusterMap.ts"
export * from "./ConnectionString.ts"
export type { DocumentFormat, EncodeValueOptions, SnappyCodec } from "./Documents.ts"
export type { Durability } from "./Durability.ts"
export * from "./KvClient.ts"
export type { KvCollection, StoreDocument } from "./KvCollection.ts"
export type { CircuitBreakerOptions } from "./KvCircuits.ts"
export {
  CircuitOpen,
  FeatureMissing,
  InvalidRequest,
  InvalidValue,
  KvError,
  type KvReason,
  NoActiveNode,
  NoCopyInServerGroup,
  NotReady,
  PathFailed,
  type StatusName,
  type StatusReason,
  type UnknownStatus
} from "./KvError.ts"
export type { KvNodes } from "./KvNodes.ts"
export type { Counter, Document, Metadata, Mutation, Observed, ObservedSeqno } from "./KvOperations.ts"
export * from "./KvOptions.ts"
export type { CopyOfDocument } from "./KvReplicas.ts"
export type { KvReports } from "./KvReports.ts"
export type { KvScanOptions, ScannedDocument, SeenWrite } from "./KvScan.ts"
export type { LookupEntry, LookupInCopy, LookupResult, MutateResult } from "./KvSubDocument.ts"
export { defaultRetryPolicy, type RetryPolicy } from "./Retry.ts"
export type { KeyPrefix, KeyRange, KeySample, ScanBound, ScanSelection } from "./ScanSelection.ts"
export { type ResolveSrv, resolveSrvBy, type SrvRecord, SrvResolver } from "./Srv.ts"
export {
  type DocumentFlags,
  LookupIn,
  type LookupPathOptions,
  type LookupSpec,
  maxSpecs,
  MutateIn,
  type MutatePathOptions,
  type MutateSpec
} from "./SubDocument.ts"
export { CertificateError, type CertificateFault, tlsOfTarget } from "./TargetTls.ts"
