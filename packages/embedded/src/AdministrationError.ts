/** Why something about buckets, collections or users was not done. */
import * as Data from "effect/Data"

/** Kinds of refusals. */
export type AdministrationReason =
  | "BucketExists"
  | "BucketNotFound"
  | "FlushDisabled"
  | "ScopeExists"
  | "ScopeNotFound"
  | "CollectionExists"
  | "CollectionNotFound"
  | "NotAllowed"
  | "LimitReached"
  | "UserNotFound"
  | "GroupNotFound"
  | "InvalidArgument"

/** Nothing was changed. The texts are those by which Couchbase's clients tell one refusal from another. */
export class AdministrationError extends Data.TaggedError("AdministrationError")<{
  readonly reason: AdministrationReason
  readonly message: string
  /** What is wrong by field, as the REST interface names them; `_` is about the whole. */
  readonly fields: { readonly [field: string]: string }
}> {
  /** A refusal in one sentence, about a field if need be. */
  static of(reason: AdministrationReason, message: string, field = "_"): AdministrationError {
    return new AdministrationError({ reason, message, fields: { [field]: message } })
  }

  /** What was said is wrong. */
  static invalid(fields: { readonly [field: string]: string }): AdministrationError {
    return new AdministrationError({ reason: "InvalidArgument", message: Object.values(fields).join("; "), fields })
  }
}
