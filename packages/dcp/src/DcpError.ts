/** Why a change stream, one vbucket of it, or its checkpoints failed. */
import type { BootstrapError } from "@wirewright/couchbase"
import type { ConnectionError } from "@wirewright/connection"
import * as Data from "effect/Data"
import type { FollowFailure } from "./VbucketFollower.ts"

/** A vbucket cannot be streamed any more. */
export class DcpStreamFailed extends Data.TaggedError("DcpStreamFailed")<{
  readonly vbucket: number
  readonly cause: FollowFailure["cause"]
  /** The server's status, when one was the cause. */
  readonly status: number | undefined
  readonly message: string
}> {}

/** The server refuses what a connection needs. */
export class NegotiationRefused extends Data.TaggedError("NegotiationRefused")<{
  /** DCP_OPEN, or the key of a control. */
  readonly request: string
  readonly status: number
}> {
  override get message(): string {
    return `the server refuses ${this.request} with status 0x${this.status.toString(16)}`
  }
}

/** HELLO did not grant what an option needs. Nothing was asked of the server. */
export class FeatureMissing extends Data.TaggedError("FeatureMissing")<{
  readonly feature: string
  /** The option that needs it. */
  readonly option: string
}> {
  override get message(): string {
    return `${this.option}: the server did not grant ${this.feature}`
  }
}

/** Another connection with the same name takes this one's place again and again. */
export class NameConflictSuspected extends Data.TaggedError("NameConflictSuspected")<{ readonly name: string }> {
  override get message(): string {
    return `connections named ${this.name} are closed soon after they are opened: another client has the same name`
  }
}

/** More events were delivered and not processed than the limit allows: a handler does not end. */
export class TooManyUnsettled extends Data.TaggedError("TooManyUnsettled")<{ readonly limit: number }> {
  override get message(): string {
    return `more than ${this.limit} events were delivered and not processed`
  }
}

/** What went wrong with a checkpoint store. */
export type CheckpointErrorReason =
  /** It cannot be read or written now. */
  | "Unavailable"
  /** What is stored is no checkpoint. */
  | "Corrupt"
  /** It was written by a newer version. */
  | "UnknownVersion"
  /** Another consumer has taken the group over. */
  | "Fenced"

/** Checkpoints could not be loaded or saved. */
export class CheckpointError extends Data.TaggedError("CheckpointError")<{
  readonly reason: CheckpointErrorReason
  readonly message: string
  readonly cause?: unknown
}> {}

/** The options contradict one another, or the bucket. */
export class DcpOptionsError extends Data.TaggedError("DcpOptionsError")<{ readonly message: string }> {}

/** Why a change stream ends. */
export type DcpError =
  | ConnectionError
  | BootstrapError
  | NegotiationRefused
  | FeatureMissing
  | NameConflictSuspected
  | TooManyUnsettled
  | CheckpointError
  | DcpStreamFailed
  | DcpOptionsError
