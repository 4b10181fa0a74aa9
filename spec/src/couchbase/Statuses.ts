/** The statuses of the Couchbase dialect. Source: kv_engine include/mcbp/protocol/status.h, docs/ErrorMap.md. */
import { status, statuses, u16 } from "@wirewright/dsl"

/** Statuses a Couchbase server answers with; the memcached ones keep their meaning. */
export const CouchbaseStatus = statuses("Status", u16, {
  /** Done. */
  Success: status(0x00, "success"),
  /** No such key; or no such bucket, stream or connection. */
  KeyEnoent: status(0x01, "miss"),
  /** The key exists, or its CAS differs. */
  KeyEexists: status(0x02, "miss"),
  /** The value is too large. */
  E2big: status(0x03, "caller"),
  /** Invalid arguments. */
  Einval: status(0x04, "caller"),
  /** Not stored: the condition of add, replace, append or prepend does not hold. */
  NotStored: status(0x05, "miss"),
  /** Increment or decrement of something that is no number. */
  DeltaBadval: status(0x06, "caller"),
  /** This node does not hold the vbucket; the value is the cluster map as JSON, or empty when the client already has it. */
  NotMyVbucket: status(0x07, "retry"),
  /** The connection has selected no bucket. */
  NoBucket: status(0x08, "fatal"),
  /** The document is locked by somebody else. */
  Locked: status(0x09, "retry"),
  /** No DCP stream has this vbucket and opaque. */
  DcpStreamNotFound: status(0x0a, "miss"),
  /** The opaque is not the one of the DCP stream. */
  OpaqueNoMatch: status(0x0b, "caller"),
  /** The bucket's throttle would have to delay the request. */
  EWouldThrottle: status(0x0c, "retry"),
  /** The bucket has only a configuration on this node, no data. */
  EConfigOnly: status(0x0d, "retry"),
  /** Unlock of a document that is not locked. */
  NotLocked: status(0x0e, "miss"),
  /** No document can have this CAS. */
  CasValueInvalid: status(0x0f, "caller"),
  /** The authentication is out of date; authenticate again. */
  AuthStale: status(0x1f, "fatal"),
  /** Authentication failed, or is required. */
  AuthError: status(0x20, "fatal"),
  /** The SASL exchange goes on. */
  AuthContinue: status(0x21, "success"),
  /** A number is outside its range. */
  Erange: status(0x22, "caller"),
  /** The DCP consumer must go back to the seqno in the value. */
  Rollback: status(0x23, "miss"),
  /** The user lacks a privilege. */
  Eaccess: status(0x24, "caller"),
  /** The node is still being set up. */
  NotInitialized: status(0x25, "retry"),
  /** The server does not have the key the data is encrypted with. */
  EncryptionKeyNotAvailable: status(0x26, "caller"),
  /** A checksum over the data differs. */
  ChecksumMismatch: status(0x27, "caller"),
  /** The expiry does not fit 32 bits once it is absolute. */
  ExpiryOverflow: status(0x28, "caller"),
  /** The lock would end later than 32 bits can say. */
  LockExpiryOverflow: status(0x29, "caller"),
  /** The tenant has sent too much. */
  RateLimitedNetworkIngress: status(0x30, "retry"),
  /** The tenant has received too much. */
  RateLimitedNetworkEgress: status(0x31, "retry"),
  /** The tenant has too many connections; this one is of no use. */
  RateLimitedMaxConnections: status(0x32, "fatal"),
  /** The tenant has sent too many commands. */
  RateLimitedMaxCommands: status(0x33, "retry"),
  /** The scope holds more data than it may; servers before 7.6 only. */
  ScopeSizeLimitExceeded: status(0x34, "caller"),
  /** The bucket holds as much as it may. */
  BucketSizeLimitExceeded: status(0x35, "caller"),
  /** Too little of the bucket's data is in memory to accept writes. */
  BucketResidentRatioTooLow: status(0x36, "caller"),
  /** The bucket has more data on this node than the node accepts. */
  BucketDataSizeTooBig: status(0x37, "caller"),
  /** The node's disk is too full to accept writes. */
  BucketDiskSpaceTooLow: status(0x38, "caller"),
  /** The bucket is paused. */
  BucketPaused: status(0x50, "retry"),
  /** The operation was given up, as when its bucket is paused. */
  Cancelled: status(0x51, "retry"),
  /** A framing extra that the server does not know. */
  UnknownFrameInfo: status(0x80, "caller"),
  /** The server does not know the opcode. */
  UnknownCommand: status(0x81, "caller"),
  /** Out of memory. */
  Enomem: status(0x82, "retry"),
  /** The server knows the opcode but does not support it here. */
  NotSupported: status(0x83, "caller"),
  /** Internal error. */
  Einternal: status(0x84, "fatal"),
  /** Busy; try again later. */
  Ebusy: status(0x85, "retry"),
  /** Temporary failure; try again later. */
  Etmpfail: status(0x86, "retry"),
  /** The section of extended attributes is malformed. */
  XattrEinval: status(0x87, "caller"),
  /** No such collection; the value is JSON with the `manifest_uid` the server knows. */
  UnknownCollection: status(0x88, "miss"),
  /** No collections manifest was ever set; servers before 7.0 only. */
  NoCollectionsManifest: status(0x89, "miss"),
  /** The collections manifest cannot follow the current one. */
  CannotApplyCollectionsManifest: status(0x8a, "caller"),
  /** The client knows a newer collections manifest than the server; servers before 7.0 only. */
  CollectionsManifestAhead: status(0x8b, "retry"),
  /** No such scope; the value is JSON with the `manifest_uid` the server knows. */
  UnknownScope: status(0x8c, "miss"),
  /** A DCP stream id where none is allowed, none where one is needed, or an unknown one. */
  DcpStreamIdInvalid: status(0x8d, "caller"),
  /** No such durability level, or a timeout that is no timeout. */
  DurabilityInvalidLevel: status(0xa0, "caller"),
  /** The bucket has too few replicas for the durability level. */
  DurabilityImpossible: status(0xa1, "caller"),
  /** Another durable write of this key is not finished. */
  SyncWriteInProgress: status(0xa2, "retry"),
  /** A durable write ran out of time; it may still happen. */
  SyncWriteAmbiguous: status(0xa3, "ambiguous"),
  /** A durable write of this key is being committed again after a restart or takeover. */
  SyncWriteReCommitInProgress: status(0xa4, "retry"),
  /** The range scan was cancelled. */
  RangeScanCancelled: status(0xa5, "miss"),
  /** A range scan stopped at a limit; continue it for more. */
  RangeScanMore: status(0xa6, "success"),
  /** A range scan reached its end. */
  RangeScanComplete: status(0xa7, "success"),
  /** The vbucket's history is not the one the request names. */
  VbUuidNotEqual: status(0xa8, "miss"),
  /** The document has nothing at this path. */
  SubdocPathEnoent: status(0xc0, "miss"),
  /** The path meets an array where it needs an object, or the like. */
  SubdocPathMismatch: status(0xc1, "caller"),
  /** The path is malformed. */
  SubdocPathEinval: status(0xc2, "caller"),
  /** The path is too long or has too many parts. */
  SubdocPathE2big: status(0xc3, "caller"),
  /** The document is nested too deep. */
  SubdocDocE2deep: status(0xc4, "caller"),
  /** The value cannot stand where it was to be put. */
  SubdocValueCantinsert: status(0xc5, "caller"),
  /** The document is not JSON. */
  SubdocDocNotJson: status(0xc6, "caller"),
  /** The number in the document is no signed 64-bit integer. */
  SubdocNumErange: status(0xc7, "caller"),
  /** The delta is no signed 64-bit integer, or 0. */
  SubdocDeltaEinval: status(0xc8, "caller"),
  /** The path exists, or the array has the value already. */
  SubdocPathEexists: status(0xc9, "miss"),
  /** The value would nest the document too deep. */
  SubdocValueEtoodeep: status(0xca, "caller"),
  /** Operations that cannot stand in one request. */
  SubdocInvalidCombo: status(0xcb, "caller"),
  /** Not every operation succeeded; the value says which. Of mutations none was applied. */
  SubdocMultiPathFailure: status(0xcc, "miss"),
  /** Done, on a deleted document. */
  SubdocSuccessDeleted: status(0xcd, "success"),
  /** Path flags that exclude each other or do not fit the operation. */
  SubdocXattrInvalidFlagCombo: status(0xce, "caller"),
  /** Attributes that cannot be accessed in one request. */
  SubdocXattrInvalidKeyCombo: status(0xcf, "caller"),
  /** No such macro. */
  SubdocXattrUnknownMacro: status(0xd0, "caller"),
  /** No such virtual attribute. */
  SubdocXattrUnknownVattr: status(0xd1, "caller"),
  /** Virtual attributes can only be read. */
  SubdocXattrCantModifyVattr: status(0xd2, "caller"),
  /** Not every operation succeeded, on a deleted document. */
  SubdocMultiPathFailureDeleted: status(0xd3, "miss"),
  /** Operations on attributes must come before those on the body. */
  SubdocInvalidXattrOrder: status(0xd4, "caller"),
  /** No such macro of virtual attributes. */
  SubdocXattrUnknownVattrMacro: status(0xd5, "caller"),
  /** The document to revive is not deleted. */
  SubdocCanOnlyReviveDeletedDocuments: status(0xd6, "miss"),
  /** A deleted document cannot have a body. */
  SubdocDeletedDocumentCantHaveValue: status(0xd7, "caller"),
  /** The flag for binary values was set for an attribute that is not binary. */
  SubdocFieldNotBinaryValue: status(0xd8, "caller"),
  /** First of the statuses that are left to users. */
  ReservedUserStart: status(0xff00, "caller"),
  /** Last of the statuses that are left to users. */
  ReservedUserEnd: status(0xffff, "caller")
})
