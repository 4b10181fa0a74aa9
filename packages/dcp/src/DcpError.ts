/** Why a change stream, one vbucket of it, or its checkpoints failed. */
import type { BootstrapError } from "@wirewright/couchbase"
import type { ConnectionError } from "@wirewright/connection"
import * as Schema from "effect/Schema"

/** Why a vbucket cannot be streamed any more. */
export const StreamFailure = Schema.Literals([
  // the request was wrong: a mistake of this consumer, or a corrupted checkpoint
  "IllegalRequest",
  // the user may not
  "NoAccess",
  // the connection is not set up for what the stream needs
  "NotSupported",
  // every collection asked for was dropped
  "FilterEmpty",
  // the bucket is gone
  "NoBucket",
  "IllegalCheckpoint",
  "ProtocolViolation",
  "RollbackLoop",
  "CollectionGone",
  "TooManyAttempts"
])
export type StreamFailure = typeof StreamFailure.Type

/** A vbucket cannot be streamed any more. */
export class DcpStreamFailed extends Schema.TaggedError<DcpStreamFailed>()("DcpStreamFailed", {
  vbucket: Schema.Number,
  cause: StreamFailure,
  /** The server's status, when one was the cause. */
  status: Schema.UndefinedOr(Schema.Number),
  message: Schema.String
}) {}

/** The server refuses what a connection needs. */
export class NegotiationRefused extends Schema.TaggedError<NegotiationRefused>()("NegotiationRefused", {
  /** DCP_OPEN, or the key of a control. */
  request: Schema.String,
  status: Schema.Number
}) {
  override get message(): string {
    return `the server refuses ${this.request} with status 0x${this.status.toString(16)}`
  }
}

/** HELLO did not grant what an option needs. Nothing was asked of the server. */
export class DcpFeatureMissing extends Schema.TaggedError<DcpFeatureMissing>()("DcpFeatureMissing", {
  feature: Schema.String,
  /** The option that needs it. */
  option: Schema.String
}) {
  override get message(): string {
    return `${this.option}: the server did not grant ${this.feature}`
  }
}

/** Another connection with the same name takes this one's place again and again. */
export class NameConflictSuspected extends Schema.TaggedError<NameConflictSuspected>()("NameConflictSuspected", {
  /** The connection's; `name` of an error is that of its class. */
  connection: Schema.String
}) {
  override get message(): string {
    return `connections named ${this.connection} are closed soon after they are opened: another client has the same name`
  }
}

/**
 * The bucket is not the one that was followed before: it was dropped, and another one made with its name, or the name of the cluster leads to
 * another cluster now. Nothing of the other one was delivered.
 */
export class BucketChanged extends Schema.TaggedError<BucketChanged>()("BucketChanged", {
  bucket: Schema.String,
  /** Uuid of the bucket that was followed. */
  expected: Schema.String,
  /** Uuid of the one that is there. */
  found: Schema.String
}) {
  override get message(): string {
    return `bucket ${this.bucket} has the uuid ${this.found}, and what was processed is of ${this.expected}: it was dropped and made again`
  }
}

/** More events were delivered and not processed than the limit allows: a handler does not end. */
export class TooManyUnsettled extends Schema.TaggedError<TooManyUnsettled>()("TooManyUnsettled", { limit: Schema.Number }) {
  override get message(): string {
    return `more than ${this.limit} events were delivered and not processed`
  }
}

/** What went wrong with a checkpoint store. */
export const CheckpointErrorReason = Schema.Literals([
  // it cannot be read or written now
  "Unavailable",
  // what is stored is no checkpoint
  "Corrupt",
  // it was written by a newer version
  "UnknownVersion",
  // another consumer has taken the group over
  "Fenced",
  // a consumer has the group, or did not close it when it ended
  "Held"
])
export type CheckpointErrorReason = typeof CheckpointErrorReason.Type

/** Checkpoints could not be loaded or saved. */
export class CheckpointError extends Schema.TaggedError<CheckpointError>()("CheckpointError", {
  reason: CheckpointErrorReason,
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {}

/** What is wrong with the value of a document. */
export const ValueFailure = Schema.Literals([
  // it is not in Snappy's format, though the datatype says so
  "Snappy",
  // it would have more bytes than a document may
  "TooLarge",
  // the section of extended attributes is broken
  "Xattrs",
  // the body is no JSON, or not of the schema
  "Json"
])
export type ValueFailure = typeof ValueFailure.Type

/** The value of a document is not what its datatype, or the application, says. The stream goes on: what to do about it is the handler's. */
export class DcpValueError extends Schema.TaggedError<DcpValueError>()("DcpValueError", {
  reason: ValueFailure,
  vbucket: Schema.Number,
  seqno: Schema.BigInt,
  /** The document's id. */
  key: Schema.String,
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {}

/** The options contradict one another, or the bucket. */
export class DcpOptionsError extends Schema.TaggedError<DcpOptionsError>()("DcpOptionsError", { message: Schema.String }) {}

/** Why a change stream ends. */
export type DcpError =
  | ConnectionError
  | BootstrapError
  | NegotiationRefused
  | DcpFeatureMissing
  | NameConflictSuspected
  | BucketChanged
  | TooManyUnsettled
  | CheckpointError
  | DcpStreamFailed
  | DcpOptionsError
