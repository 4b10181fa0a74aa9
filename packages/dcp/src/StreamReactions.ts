/**
 * What a consumer does about the status of a stream request and about the reason of a stream's end: total functions, unknown codes included.
 *
 * Source: kv_engine `engines/ep/src/dcp/producer.cc` (which statuses there are and when), `docs/dcp/documentation/commands/stream-end.md`.
 */
import { Status } from "./gen/index.ts"
import { DcpStreamEndStatus } from "./gen/Types.ts"

/** What to do next about a vbucket whose stream is not open. */
export type Reaction =
  /** Ask again after a wait, which grows: from 100 ms, or from 1 s. */
  | { readonly _tag: "Soon" }
  | { readonly _tag: "Slow" }
  /** Ask again, a few times only: the collections asked for may be newer than the node's manifest, or the status is unknown. */
  | { readonly _tag: "Few"; readonly cause: "CollectionGone" | "TooManyAttempts" }
  /** Look where the vbucket is now, then ask there. */
  | { readonly _tag: "Locate" }
  /** A stream that we do not know of is open: close it, then ask a few times more. */
  | { readonly _tag: "CloseFirst" }
  /** The vbucket cannot be streamed; the others can. */
  | { readonly _tag: "Fail"; readonly cause: FailCause }

/** Why a vbucket is not streamed any more. */
export type FailCause =
  /** The request was wrong: a mistake of this consumer, or a corrupted checkpoint. */
  | "IllegalRequest"
  /** The user may not. */
  | "NoAccess"
  /** The connection is not set up for what the stream needs. */
  | "NotSupported"
  /** Every collection asked for was dropped. */
  | "FilterEmpty"
  /** The bucket is gone. */
  | "NoBucket"

const fail = (cause: FailCause): Reaction => ({ _tag: "Fail", cause })
const soon: Reaction = { _tag: "Soon" }
const slow: Reaction = { _tag: "Slow" }

const byStatus: { readonly [status: number]: Reaction } = {
  [Status.NotMyVbucket]: { _tag: "Locate" },
  [Status.KeyEexists]: { _tag: "CloseFirst" },
  [Status.Erange]: fail("IllegalRequest"),
  [Status.Einval]: fail("IllegalRequest"),
  [Status.DcpStreamIdInvalid]: fail("IllegalRequest"),
  [Status.Eaccess]: fail("NoAccess"),
  [Status.NotSupported]: fail("NotSupported"),
  [Status.NoBucket]: fail("NoBucket"),
  [Status.UnknownCollection]: { _tag: "Few", cause: "CollectionGone" },
  [Status.UnknownScope]: { _tag: "Few", cause: "CollectionGone" },
  // servers of 6.x and 7.0 whose manifest is older than the client's
  [Status.CollectionsManifestAhead]: { _tag: "Few", cause: "CollectionGone" },
  [Status.AuthStale]: soon,
  [Status.Enomem]: slow,
  [Status.Etmpfail]: soon,
  [Status.Ebusy]: soon,
  [Status.RateLimitedNetworkIngress]: slow,
  [Status.RateLimitedNetworkEgress]: slow,
  [Status.RateLimitedMaxConnections]: slow,
  [Status.RateLimitedMaxCommands]: slow,
  [Status.BucketPaused]: slow
}

/** What to do about a stream request that was not answered with Success. */
export const reactionToStatus = (status: number): Reaction => byStatus[status] ?? { _tag: "Few", cause: "TooManyAttempts" }

/**
 * What to do about the end of a stream.
 *
 * @param finished whether everything that was asked for was received
 */
export const reactionToEnd = (reason: number, finished: boolean): Reaction | { readonly _tag: "Finished" } => {
  switch (reason) {
    case DcpStreamEndStatus.Ok:
      return finished ? { _tag: "Finished" } : soon
    case DcpStreamEndStatus.Closed:
    case DcpStreamEndStatus.Slow:
      return soon
    // the same position again: the answer says where to go back to
    case DcpStreamEndStatus.Rollback:
      return soon
    case DcpStreamEndStatus.BackfillFail:
      return slow
    case DcpStreamEndStatus.FilterEmpty:
      return fail("FilterEmpty")
    case DcpStreamEndStatus.LostPrivileges:
      return fail("NoAccess")
    default:
      return { _tag: "Locate" }
  }
}
