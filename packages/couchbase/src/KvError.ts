/**
 * How an operation on documents fails: the server's status by name, or what went wrong before there was one.
 *
 * Every status of the protocol is a reason of its own, made from the generated table, so that
 * `Effect.catchReason("KvError", "Locked", …)` works for all of them. Outcomes that are common (no such document, wrong CAS) carry no stack
 * trace; that makes them ten times cheaper.
 */
import { RetryClassSchema } from "@wirewright/codec/ErrorSchema"
import { ConnectionReason, connectionWords, stackless } from "@wirewright/connection"
import { TaggedClass, TaggedError } from "@wirewright/connection/TaggedErrors"
import { InvalidRequest, InvalidValue } from "@wirewright/memcached"
import * as Schema from "effect/Schema"
import { BootstrapError } from "./Bootstrap.ts"
import { emptyErrorMap, type ErrorMap } from "./ErrorMap.ts"
import type { ErrorResponse } from "./gen/index.ts"
import { Status } from "./gen/Types.ts"
import { type Context, meaningOf } from "./StatusMeaning.ts"

export { InvalidRequest, InvalidValue }

/** Names of the protocol's statuses. */
export type StatusName = keyof typeof Status

const told = Schema.UndefinedOr(Schema.String)

const statusFacts = {
  status: Schema.Number,
  /** What may be done about it. */
  retry: RetryClassSchema,
  /** The error map's name and text. */
  label: told,
  text: told,
  /** The server's own explanation, and the number under which it logged it. */
  context: told,
  reference: told
}

/** What a server said. */
type StatusFacts = Schema.Struct.Type<typeof statusFacts>

/** Statuses that mean something else in every command have names of their own as reasons. */
interface Names {
  readonly KeyEnoent: "NotFound"
  readonly KeyEexists: "Exists" | "CasMismatch"
}

type ReasonName = { readonly [Name in StatusName]: Name extends keyof Names ? Names[Name] : Name }[StatusName]

/** Names of reasons that statuses have by themselves, and those that depend on the operation. */
const reasonNames = [
  ...Object.keys(Status).filter((name) => name !== "KeyEnoent" && name !== "KeyEexists"),
  "NotFound",
  "Exists",
  "CasMismatch"
] as ReadonlyArray<ReasonName>

/**
 * A status as a reason. `NotFound` is KeyEnoent; `CasMismatch` is KeyEexists where a CAS was given, and Locked of an unlock; `Exists` is
 * KeyEexists otherwise; `NotLocked` is also what servers that have no such status make of it. All others have the protocol's names.
 */
export type StatusReason = { readonly [Name in ReasonName]: StatusFacts & { readonly _tag: Name } }[ReasonName]
export const StatusReason = Schema.Struct({ _tag: Schema.Literals(reasonNames), ...statusFacts }) as unknown as Schema.Codec<StatusReason>

/** A status that the protocol, as far as it is known here, does not have; see `text` and `retry`, which are the error map's. */
export const UnknownStatus = Schema.TaggedStruct("UnknownStatus", statusFacts)
export type UnknownStatus = typeof UnknownStatus.Type

/** A connection was made, but the node did not let us begin. */
export class NotReady extends TaggedClass<NotReady>()("NotReady", { error: BootstrapError }) {}

/** The node does not have what is needed: a feature that HELLO did not grant, or a capability its bucket does not have. Nothing was sent. */
export class FeatureMissing extends TaggedClass<FeatureMissing>()("FeatureMissing", { feature: Schema.String }) {}

/**
 * Most of what was last asked of the node failed, so that nothing is asked of it for a while (`circuitBreaker`). Nothing was sent: another attempt
 * is worth it after `retryAfter` milliseconds, 0 while the answer to one that was let through is awaited.
 */
export class CircuitOpen extends TaggedClass<CircuitOpen>()("CircuitOpen", { retryAfter: Schema.Number }) {}

/** No node has the copy of the vbucket that is asked, the active one or a replica, just now. */
export class NoActiveNode extends TaggedClass<NoActiveNode>()("NoActiveNode", { vbucket: Schema.Number }) {}

/** No node of the preferred group of servers has a copy of the vbucket. */
export class NoCopyInServerGroup
  extends TaggedClass<NoCopyInServerGroup>()("NoCopyInServerGroup", { vbucket: Schema.Number, serverGroup: Schema.String })
{}

/** One of several operations on a document failed, and none was carried out. */
export class PathFailed extends TaggedClass<PathFailed>()("PathFailed", {
  /** Position of the operation in the request. */
  index: Schema.Number,
  path: Schema.String,
  reason: Schema.Union([StatusReason, UnknownStatus])
}) {}

/** Why an operation failed. */
export const KvReason = Schema.Union([
  StatusReason,
  UnknownStatus,
  ...ConnectionReason.members,
  NotReady,
  InvalidRequest,
  InvalidValue,
  FeatureMissing,
  CircuitOpen,
  NoActiveNode,
  NoCopyInServerGroup,
  PathFailed
])
export type KvReason = typeof KvReason.Type

const words = (reason: KvReason): string => {
  switch (reason._tag) {
    case "NotReady":
      return reason.error.message
    case "InvalidRequest":
    case "InvalidValue":
      return reason.message
    case "FeatureMissing":
      return `the node did not grant ${reason.feature}`
    case "CircuitOpen":
      return reason.retryAfter === 0
        ? "the node's circuit is open until a request that was let through is answered"
        : `the node's circuit is open for another ${reason.retryAfter} ms`
    case "NoActiveNode":
      return `no node has vbucket ${reason.vbucket}`
    case "NoCopyInServerGroup":
      return `no node of ${JSON.stringify(reason.serverGroup)} has a copy of vbucket ${reason.vbucket}`
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
export class KvError extends TaggedError<KvError>()("KvError", {
  reason: KvReason,
  /** Name of the command, such as `Set`. */
  operation: Schema.String,
  key: told,
  /** `host:port` of the node that was asked last. */
  address: told,
  vbucket: Schema.UndefinedOr(Schema.Number),
  opaque: Schema.UndefinedOr(Schema.Number),
  status: Schema.UndefinedOr(Schema.Number),
  /** The write may have happened: whoever repeats it may do it twice. */
  ambiguous: Schema.Boolean,
  /** How often it was tried. */
  attempts: Schema.Number
}) {
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
  const said = answer === undefined ? undefined : json(answer.value)?.["error"] as Record<string, unknown> | undefined
  return {
    _tag: name,
    status,
    retry,
    label: entry?.name,
    text: entry?.text,
    context: string(said?.["context"]),
    reference: string(said?.["ref"])
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
    "SubdocPathEexists",
    "CircuitOpen"
  ] satisfies ReadonlyArray<ReasonName | "CircuitOpen">
)

/** Makes the error; without a stack trace when it is a common outcome. */
export const kvError = (reason: KvReason, facts: KvErrorFacts): KvError =>
  cheap.has(reason._tag) ? stackless(() => new KvError({ reason, ...facts })) : new KvError({ reason, ...facts })
