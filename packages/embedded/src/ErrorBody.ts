/**
 * How failures are told: which status a client understands, and the JSON that explains it.
 *
 * Pure. Clients that did not ask for Xerror know the oldest statuses only; for the others they get a relative, or the connection is closed.
 * Source: kv_engine daemon/connection.cc (`remapErrorCode`) and daemon/cookie.cc.
 */
import { Status } from "@wirewright/couchbase/gen"
import type { Refusal } from "./Document.ts"
import type { Features } from "./Hello.ts"
import { bytesOf } from "./JsonText.ts"

/** What the JSON of an error says. */
export interface ErrorContext {
  /** What went wrong, in words. */
  readonly context?: string
  /** Names this very error, so that it can be found in a log. */
  readonly ref?: string
  /** Version of the collections manifest that knows no such name. */
  readonly manifestUid?: bigint
}

/** The explanation of an error. */
export const errorBody = ({ context, manifestUid, ref }: ErrorContext): Uint8Array =>
  bytesOf(JSON.stringify({
    ...(manifestUid === undefined ? {} : { manifest_uid: manifestUid.toString(16) }),
    error: { ...(context === undefined ? {} : { context }), ...(ref === undefined ? {} : { ref }) }
  }))

/** The status of a refusal. Who knows no `Locked` is told of a lock as an older server would. */
export const statusOfRefusal = (refusal: Refusal, features: Features): number => {
  if (refusal !== "LockedTmpfail") return Status[refusal]
  return features.xerror ? Status.Locked : Status.Etmpfail
}

const relatives: { readonly [status: number]: number | undefined } = {
  [Status.Locked]: Status.KeyEexists,
  [Status.CasValueInvalid]: Status.KeyEexists,
  [Status.NotLocked]: Status.Etmpfail,
  [Status.SyncWriteInProgress]: Status.Etmpfail,
  [Status.SyncWriteReCommitInProgress]: Status.Etmpfail,
  [Status.CannotApplyCollectionsManifest]: Status.Einternal
}

const closing: ReadonlySet<number> = new Set([
  Status.Eaccess,
  Status.NoBucket,
  Status.AuthStale,
  Status.DurabilityInvalidLevel,
  Status.DurabilityImpossible,
  Status.SyncWriteAmbiguous,
  Status.DcpStreamIdInvalid,
  Status.VbUuidNotEqual,
  Status.Cancelled,
  Status.ExpiryOverflow
])

/** The status as the client gets it, or that it gets none because it would not understand it. */
export const rewritten = (status: number, features: Features): number | "close" => {
  if (features.xerror) return status
  if (status === Status.UnknownCollection || status === Status.UnknownScope) return features.collections ? status : Status.Einval
  return closing.has(status) ? "close" : relatives[status] ?? status
}
