/**
 * How an operation on documents fails: the server's status by name, or what went wrong before there was one.
 *
 * Every status of the protocol is a reason of its own, made from the generated table, so that
 * `Effect.catchReason("KvError", "Locked", …)` works for all of them. Outcomes that are common (no such document, wrong CAS) carry no stack
 * trace; that makes them ten times cheaper.
 */
import type { RetryClass } from "@wirewright/codec"
import { type ConnectionReason, connectionWords, stackless } from "@wirewright/connection"
import { InvalidRequest, InvalidValue } from "@wirewright/memcached"
import * as Data from "effect/Data"
import type { BootstrapError } from "./Bootstrap.ts"
import { emptyErrorMap, type ErrorMap } from "./ErrorMap.ts"
import type { ErrorResponse } from "./gen/index.ts"
import type { Status } from "./gen/Types.ts"
import { type Context, meaningOf } from "./StatusMeaning.ts"

export { InvalidRequest, InvalidValue }

/** Names of the protocol's statuses. */
export type StatusName = keyof typeof Status

/** What a server said. */
interface StatusFacts {
  readonly status: number
  /** What may be done about it. */
  readonly retry: RetryClass
  /** The error map's name and text. */
  readonly label: string | undefined
  readonly text: string | undefined
  /** The server's own explanation, and the number under which it logged it. */
  readonly context: string | undefined
  readonly reference: string | undefined
}

/** Statuses that mean something else in every command have names of their own as reasons. */
interface Names {
  readonly KeyEnoent: "NotFound"
  readonly KeyEexists: "Exists" | "CasMismatch"
}

type ReasonName = { readonly [Name in StatusName]: Name extends keyof Names ? Names[Name] : Name }[StatusName]

/**
 * A status as a reason. `NotFound` is KeyEnoent; `CasMismatch` is KeyEexists where a CAS was given, and Locked of an unlock; `Exists` is
 * KeyEexists otherwise; `NotLocked` is also what servers that have no such status make of it. All others have the protocol's names.
 */
export type StatusReason = { readonly [Name in ReasonName]: StatusFacts & { readonly _tag: Name } }[ReasonName]

/** A status that the protocol, as far as it is known here, does not have; see `text` and `retry`, which are the error map's. */
export interface UnknownStatus extends StatusFacts {
  readonly _tag: "UnknownStatus"
}

/** A connection was made, but the node did not let us begin. */
export class NotReady extends Data.TaggedClass("NotReady")<{ readonly error: BootstrapError }> {}

/** The node does not have what is needed: a feature that HELLO did not grant, or a capability its bucket does not have. Nothing was sent. */
export class FeatureMissing extends Data.TaggedClass("FeatureMissing")<{ readonly feature: string }> {}

/** No node has the copy of the vbucket that is asked, the active one or a replica, just now. */
export class NoActiveNode extends Data.TaggedClass("NoActiveNode")<{ readonly vbucket: number }> {}

/** One of several operations on a document failed, and none was carried out. */
export class PathFailed extends Data.TaggedClass("PathFailed")<{
  /** Position of the operation in the request. */
  readonly index: number
  readonly path: string
  readonly reason: StatusReason | UnknownStatus
}> {}

/** Why an operation failed. */
export type KvReason =
  | StatusReason
  | UnknownStatus
  | ConnectionReason
  | NotReady
  | InvalidRequest
  | InvalidValue
  | FeatureMissing
  | NoActiveNode
  | PathFailed

const words = (reason: KvReason): string => {
  switch (reason._tag) {
    case "NotReady":
      return reason.error.message
    case "InvalidRequest":
    case "InvalidValue":
      return reason.message
    case "FeatureMissing":
      return `the node did not grant ${reason.feature}`
    case "NoActiveNode":
      return `no node has vbucket ${reason.vbucket}`
    case "PathFailed":
      return `operation ${reason.index} at ${JSON.stringify(reason.path)}: ${words(reason.reason)}`
    default:
      return "status" in reason ? statusWords(reason) : connectionWords(reason)
  }
}

const statusWords = (reason: StatusReason | UnknownStatus): string => {
  const code = `0x${reason.status.toString(16).padStart(4, "0")}`
  const name = reason._tag === "UnknownStatus" ? reason.label ?? code : `${reason._tag} (${code})`
  const why = [reason.text, reason.context].filter((part) => part !== undefined && part !== "")
  return why.length === 0 ? name : `${name}: ${why.join("; ")}`
}

/** An operation failed. */
export class KvError extends Data.TaggedError("KvError")<{
  readonly reason: KvReason
  /** Name of the command, such as `Set`. */
  readonly operation: string
  readonly key: string | undefined
  /** `host:port` of the node that was asked last. */
  readonly address: string | undefined
  readonly vbucket: number | undefined
  readonly opaque: number | undefined
  readonly status: number | undefined
  /** The write may have happened: whoever repeats it may do it twice. */
  readonly ambiguous: boolean
  /** How often it was tried. */
  readonly attempts: number
}> {
  override get message(): string {
    const where = this.key === undefined ? this.operation : `${this.operation} ${JSON.stringify(this.key)}`
    const often = this.attempts > 1 ? ` (after ${this.attempts} attempts)` : ""
    return `${where}: ${words(this.reason)}${often}${this.ambiguous ? " (the write may have happened)" : ""}`
  }
}

const json = (value: Uint8Array): Record<string, unknown> | undefined => {
  if (value.length === 0 || value[0] !== 0x7b) return undefined
  try {
    return JSON.parse(new TextDecoder().decode(value)) as Record<string, unknown>
  } catch {
    return undefined
  }
}

const string = (value: unknown): string | undefined => typeof value === "string" ? value : undefined

/** A status as a reason, with what the server and its error map say about it. */
export const statusReason = (
  status: number,
  map: ErrorMap = emptyErrorMap,
  answer?: Pick<ErrorResponse, "value">,
  context?: Context
): StatusReason | UnknownStatus => {
  const { name, retry } = meaningOf(status, map, context)
  const entry = map.entries.get(status)
  const told = answer === undefined ? undefined : json(answer.value)?.["error"] as Record<string, unknown> | undefined
  return {
    _tag: name,
    status,
    retry,
    label: entry?.name,
    text: entry?.text,
    context: string(told?.["context"]),
    reference: string(told?.["ref"])
  } as StatusReason | UnknownStatus
}

/** Everything about a failed operation except why. */
export type KvErrorFacts = Omit<ConstructorParameters<typeof KvError>[0], "reason">

const cheap: ReadonlySet<string> = new Set(
  [
    "NotFound",
    "Exists",
    "CasMismatch",
    "NotStored",
    "Locked",
    "NotLocked",
    "SubdocPathEnoent",
    "SubdocPathEexists"
  ] satisfies ReadonlyArray<ReasonName>
)

/** Makes the error; without a stack trace when it is a common outcome. */
export const kvError = (reason: KvReason, facts: KvErrorFacts): KvError =>
  cheap.has(reason._tag) ? stackless(() => new KvError({ reason, ...facts })) : new KvError({ reason, ...facts })
