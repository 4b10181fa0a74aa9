/**
 * What goes wrong with a request of a key-value client: the server's status, the connection, or the caller's own arguments.
 *
 * A miss of `get` is no error. Values and passwords never appear here; keys do.
 */
import type { EncodeError, RetryClass } from "@wirewright/codec"
import { type ConnectionError, type ConnectionReason, connectionWords, stackless } from "@wirewright/connection"
import * as Data from "effect/Data"
import { type ErrorResponse, Status, statusTable } from "./gen/index.ts"

/** What the server said. */
export interface StatusDetails {
  /** Code on the wire. */
  readonly status: number
  /** Name of the status; `Unknown` when no table has it. */
  readonly name: string
  /** What a client may do about it. */
  readonly retry: RetryClass
  /** The server's own words; may be empty. */
  readonly text: string
}

/** There is no such document. */
export class NotFound extends Data.TaggedClass("NotFound")<StatusDetails> {}
/** `add`: there is such a document. */
export class Exists extends Data.TaggedClass("Exists")<StatusDetails> {}
/** The document changed since the CAS that was given. */
export class CasMismatch extends Data.TaggedClass("CasMismatch")<StatusDetails> {}
/** The condition of the command does not hold: `append` and `prepend` need a document. */
export class NotStored extends Data.TaggedClass("NotStored")<StatusDetails> {}
/** The value is larger than the server takes. */
export class TooLarge extends Data.TaggedClass("TooLarge")<StatusDetails> {}
/** The server refuses the arguments. */
export class InvalidArguments extends Data.TaggedClass("InvalidArguments")<StatusDetails> {}
/** `increment` and `decrement`: the document is no number. */
export class NotANumber extends Data.TaggedClass("NotANumber")<StatusDetails> {}
/** User or password is wrong, or neither was given and the server wants them. */
export class AuthFailed extends Data.TaggedClass("AuthFailed")<StatusDetails> {}
/** The server is busy or out of order for a moment; the same request may succeed later. */
export class Busy extends Data.TaggedClass("Busy")<StatusDetails> {}
/** The server has no room. */
export class OutOfMemory extends Data.TaggedClass("OutOfMemory")<StatusDetails> {}
/** The server does not know the command, or does not do it. */
export class NotSupported extends Data.TaggedClass("NotSupported")<StatusDetails> {}
/** The server is broken. */
export class ServerFault extends Data.TaggedClass("ServerFault")<StatusDetails> {}
/** A status without a description. */
export class UnknownStatus extends Data.TaggedClass("UnknownStatus")<StatusDetails> {}

/** Outcomes that the server reported. */
export type StatusReason =
  | NotFound
  | Exists
  | CasMismatch
  | NotStored
  | TooLarge
  | InvalidArguments
  | NotANumber
  | AuthFailed
  | Busy
  | OutOfMemory
  | NotSupported
  | ServerFault
  | UnknownStatus

/** What is wrong with the request was found before it was sent: a key of more than 250 bytes, a number out of range. */
export class InvalidRequest extends Data.TaggedClass("InvalidRequest")<{ readonly message: string; readonly error?: EncodeError }> {}
/** The value does not fit its schema, or its bytes are not what was asked for; when reading, the stored one, when writing, the given one. */
export class InvalidValue extends Data.TaggedClass("InvalidValue")<{ readonly message: string; readonly cause?: unknown }> {}
/** The password was not sent: without TLS anyone on the way could read it. */
export class PasswordWithheld extends Data.TaggedClass("PasswordWithheld")<{ readonly message: string }> {}
/** The server offers none of the mechanisms this client has. */
export class NoMechanism extends Data.TaggedClass("NoMechanism")<{ readonly offered: string }> {}

/** Why a request of a client failed. */
export type KvReason = StatusReason | ConnectionReason | InvalidRequest | InvalidValue | PasswordWithheld | NoMechanism

const words = (reason: KvReason): string => {
  switch (reason._tag) {
    case "InvalidRequest":
    case "InvalidValue":
    case "PasswordWithheld":
      return reason.message
    case "NoMechanism":
      return `the server offers ${reason.offered === "" ? "no mechanism" : reason.offered}`
    default:
      return "status" in reason
        ? `${reason.name} (0x${reason.status.toString(16).padStart(2, "0")})${reason.text === "" ? "" : `: ${reason.text}`}`
        : connectionWords(reason)
  }
}

/** A request failed. `Effect.catchReason("MemcachedError", "CasMismatch", …)` picks one reason. */
export class MemcachedError extends Data.TaggedError("MemcachedError")<{
  readonly reason: KvReason
  /** What was asked for, such as `set`. */
  readonly operation: string
  readonly opcode: number | undefined
  readonly key: string | undefined
  /** `host:port` of the server. */
  readonly address: string
  /** The request may have taken effect: whoever repeats it may do it twice. */
  readonly ambiguous: boolean
}> {
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

/** The server answered with a status other than success. */
export const statusError = (facts: RequestFacts, answer: Pick<ErrorResponse, "status"> & { readonly value?: unknown }): MemcachedError => {
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
