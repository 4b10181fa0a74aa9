/**
 * What goes wrong with a request of a key-value client: the server's status, the connection, or the caller's own arguments.
 *
 * A miss of `get` is no error. Values and passwords never appear here; keys do.
 */
import type { EncodeError } from "@wirewright/codec"
import { EncodeErrorSchema, RetryClassSchema } from "@wirewright/codec/ErrorSchema"
import { type ConnectionError, ConnectionReason, connectionWords, stackless } from "@wirewright/connection"
import { TaggedClass, TaggedError } from "@wirewright/connection/TaggedErrors"
import * as Schema from "effect/Schema"
import { type ErrorResponse, Status, statusTable } from "./gen/index.ts"

const statusDetails = {
  /** Code on the wire of the binary protocol, which stands for the same words of the others. */
  status: Schema.Number,
  /** Name of the status; `Unknown` when no table has it. */
  name: Schema.String,
  /** What a client may do about it. */
  retry: RetryClassSchema,
  /** The server's own words; may be empty. */
  text: Schema.String
}

/** What the server said. */
export type StatusDetails = Schema.Struct.Type<typeof statusDetails>

/** There is no such document. */
export class NotFound extends TaggedClass<NotFound>()("NotFound", statusDetails) {}
/** `add`: there is such a document. */
export class Exists extends TaggedClass<Exists>()("Exists", statusDetails) {}
/** The document changed since the CAS that was given. */
export class CasMismatch extends TaggedClass<CasMismatch>()("CasMismatch", statusDetails) {}
/** The condition of the command does not hold: `append` and `prepend` need a document. */
export class NotStored extends TaggedClass<NotStored>()("NotStored", statusDetails) {}
/** The value is larger than the server takes. */
export class TooLarge extends TaggedClass<TooLarge>()("TooLarge", statusDetails) {}
/** The server refuses the arguments. */
export class InvalidArguments extends TaggedClass<InvalidArguments>()("InvalidArguments", statusDetails) {}
/** `increment` and `decrement`: the document is no number. */
export class NotANumber extends TaggedClass<NotANumber>()("NotANumber", statusDetails) {}
/** User or password is wrong, or neither was given and the server wants them. */
export class AuthFailed extends TaggedClass<AuthFailed>()("AuthFailed", statusDetails) {}
/** The server is busy or out of order for a moment; the same request may succeed later. */
export class Busy extends TaggedClass<Busy>()("Busy", statusDetails) {}
/** The server has no room. */
export class OutOfMemory extends TaggedClass<OutOfMemory>()("OutOfMemory", statusDetails) {}
/** The server does not know the command, or does not do it. */
export class NotSupported extends TaggedClass<NotSupported>()("NotSupported", statusDetails) {}
/** The server is broken. */
export class ServerFault extends TaggedClass<ServerFault>()("ServerFault", statusDetails) {}
/** A status without a description. */
export class UnknownStatus extends TaggedClass<UnknownStatus>()("UnknownStatus", statusDetails) {}

/** Outcomes that the server reported. */
export const StatusReason = Schema.Union([
  NotFound,
  Exists,
  CasMismatch,
  NotStored,
  TooLarge,
  InvalidArguments,
  NotANumber,
  AuthFailed,
  Busy,
  OutOfMemory,
  NotSupported,
  ServerFault,
  UnknownStatus
])
export type StatusReason = typeof StatusReason.Type

/** What is wrong with the request was found before it was sent: a key of more than 250 bytes, a number out of range. */
export class InvalidRequest
  extends TaggedClass<InvalidRequest>()("InvalidRequest", { message: Schema.String, error: Schema.optionalKey(EncodeErrorSchema) })
{}
/** The value does not fit its schema, or its bytes are not what was asked for; when reading, the stored one, when writing, the given one. */
export class InvalidValue
  extends TaggedClass<InvalidValue>()("InvalidValue", { message: Schema.String, cause: Schema.optionalKey(Schema.Defect()) })
{}
/** The password was not sent: without TLS anyone on the way could read it. */
export class PasswordWithheld extends TaggedClass<PasswordWithheld>()("PasswordWithheld", { message: Schema.String }) {}
/** The server offers none of the mechanisms this client has. */
export class NoMechanism extends TaggedClass<NoMechanism>()("NoMechanism", { offered: Schema.String }) {}
/** The protocol of the connection has no way to say what was asked for; nothing was sent. */
export class NotInProtocol
  extends TaggedClass<NotInProtocol>()("NotInProtocol", { protocol: Schema.Literals(["binary", "meta", "text"]), what: Schema.String })
{
  get message(): string {
    return `the ${this.protocol} protocol has no ${this.what}`
  }
}
/** `getOrRecache`: somebody else is making the value, and has not stored it in the time that was to be waited. */
export class StillMade extends TaggedClass<StillMade>()("StillMade", { milliseconds: Schema.Number }) {}

/** Why a request of a client failed. */
export const KvReason = Schema.Union([
  ...StatusReason.members,
  ...ConnectionReason.members,
  InvalidRequest,
  InvalidValue,
  PasswordWithheld,
  NoMechanism,
  NotInProtocol,
  StillMade
])
export type KvReason = typeof KvReason.Type

const words = (reason: KvReason): string => {
  switch (reason._tag) {
    case "InvalidRequest":
    case "InvalidValue":
    case "PasswordWithheld":
    case "NotInProtocol":
      return reason.message
    case "StillMade":
      return `somebody else has not made the value within ${reason.milliseconds} ms`
    case "NoMechanism":
      return `the server offers ${reason.offered === "" ? "no mechanism" : reason.offered}`
    default:
      return "status" in reason
        ? `${reason.name} (0x${reason.status.toString(16).padStart(2, "0")})${reason.text === "" ? "" : `: ${reason.text}`}`
        : connectionWords(reason)
  }
}

/** A request failed. `Effect.catchReason("MemcachedError", "CasMismatch", …)` picks one reason. */
export class MemcachedError extends TaggedError<MemcachedError>()("MemcachedError", {
  reason: KvReason,
  /** What was asked for, such as `set`. */
  operation: Schema.String,
  opcode: Schema.UndefinedOr(Schema.Number),
  key: Schema.UndefinedOr(Schema.String),
  /** `host:port` of the server, or `unix:` and a path. */
  address: Schema.String,
  /** The request may have taken effect: whoever repeats it may do it twice. */
  ambiguous: Schema.Boolean
}) {
  override get message(): string {
    const key = this.key === undefined ? "" : ` ${JSON.stringify(this.key)}`
    const doubt = this.ambiguous ? " (the request may have taken effect)" : ""
    return `${this.operation}${key} at ${this.address}: ${words(this.reason)}${doubt}`
  }
}

/** What a request was, for its errors. */
export interface RequestFacts {
  readonly operation: string
  readonly opcode: number | undefined
  readonly key: string | undefined
  readonly address: string
}

const error = (facts: RequestFacts, reason: KvReason, ambiguous = false): MemcachedError =>
  stackless(() =>
    new MemcachedError({ reason, operation: facts.operation, opcode: facts.opcode, key: facts.key, address: facts.address, ambiguous })
  )

const reasonOf = (details: StatusDetails, operation: string): StatusReason => {
  switch (details.status) {
    case Status.KeyEnoent:
      return new NotFound(details)
    case Status.KeyEexists:
      return operation === "add" ? new Exists(details) : new CasMismatch(details)
    case Status.E2big:
      return new TooLarge(details)
    case Status.Einval:
      return new InvalidArguments(details)
    case Status.NotStored:
      return new NotStored(details)
    case Status.DeltaBadval:
      return new NotANumber(details)
    case Status.AuthError:
    case Status.AuthContinue:
      return new AuthFailed(details)
    case Status.Enomem:
      return new OutOfMemory(details)
    case Status.UnknownCommand:
    case Status.NotSupported:
      return new NotSupported(details)
    case Status.Einternal:
      return new ServerFault(details)
    case Status.Ebusy:
    case Status.Etmpfail:
      return new Busy(details)
    default:
      return new UnknownStatus(details)
  }
}

/** What a server said of a request that it refused: a status, and words in `value`. */
export type StatusAnswer = Pick<ErrorResponse, "status"> & { readonly value?: unknown }

/** The server answered with a status other than success. */
export const statusError = (facts: RequestFacts, answer: StatusAnswer): MemcachedError => {
  const known = statusTable[answer.status]
  const text = answer.value instanceof Uint8Array ? new TextDecoder().decode(answer.value) : ""
  const details = { status: answer.status, name: known?.name ?? "Unknown", retry: known?.retry ?? "fatal", text }
  return error(facts, reasonOf(details, facts.operation))
}

/** The connection failed, or the packet cannot be written. */
export const transportError = (facts: RequestFacts, failure: ConnectionError | EncodeError): MemcachedError =>
  failure._tag === "ConnectionError"
    ? error(facts, failure.reason, failure.ambiguous)
    : error(facts, new InvalidRequest({ message: failure.message, error: failure }))

/** The request failed for a reason that is known already. */
export const reasonError = (facts: RequestFacts, reason: KvReason): MemcachedError => error(facts, reason)
