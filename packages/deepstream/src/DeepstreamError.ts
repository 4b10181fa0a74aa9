/**
 * Everything that goes wrong between a client and a deepstream server, each with the name deepstream gives it.
 *
 * A call fails with a `DeepstreamError`; what no call waits for is reported as a `Problem`. Both carry the same reasons. Values never
 * appear in them; names of events, records and procedures do, and a message that could not be used is repeated.
 *
 * They are plain classes: a browser that has a client rarely needs schemas of errors, which bring 14 kB of Effect. Those that cross processes
 * have theirs in `DeepstreamErrorSchema`.
 */
import type { EncodeError } from "@wirewright/codec/Errors"
import * as Data from "effect/Data"

/** The first field of a message. */
export type Topic = "C" | "A" | "E" | "R" | "P" | "U" | "X"

/** What a reason is about. */
export interface About {
  readonly topic: Topic
  /** The event, record, pattern, procedure or user it is about. */
  readonly subject: string
}

/** The server did not acknowledge a subscription, an unsubscription or a request in time. */
export class AckTimeout extends Data.TaggedClass("AckTimeout")<About> {
  readonly code = "ACK_TIMEOUT"
}
/** The server did not answer in time. */
export class ResponseTimeout extends Data.TaggedClass("ResponseTimeout")<About> {
  readonly code = "RESPONSE_TIMEOUT"
}
/** The server did not delete the record in time. */
export class DeleteTimeout extends Data.TaggedClass("DeleteTimeout")<About> {
  readonly code = "DELETE_TIMEOUT"
}
/** The server cannot be reached, or went away. The client tries again. */
export class ConnectionFailed extends Data.TaggedClass("ConnectionFailed")<{ readonly url: string; readonly message: string }> {
  readonly code = "connectionError"
}
/** The connection was lost while the call waited: whether it was carried out is not known. */
export class OutcomeUnknown extends Data.TaggedClass("OutcomeUnknown")<About> {
  readonly code = "connectionError"
}
/** There is no connection now, and the call may not wait for one. */
export class NotConnected extends Data.TaggedClass("NotConnected")<About> {
  readonly code = "NOT_CONNECTED"
}
/** A write that wants an acknowledgement has no connection: it is applied here, and told to the server later. */
export class WriteUnconfirmed extends Data.TaggedClass("WriteUnconfirmed")<About> {
  readonly code = "connectionError"
}
/** Too many attempts to connect failed; the client gives up. */
export class ReconnectsExhausted extends Data.TaggedClass("ReconnectsExhausted")<{ readonly attempts: number }> {
  readonly code = "MAX_RECONNECTION_ATTEMPTS_REACHED"
}
/** The client is closed for good. */
export class Closed extends Data.TaggedClass("Closed") {
  readonly code = "IS_CLOSED"
}
/** The server refuses the challenge: it does not serve this URL. */
export class ChallengeDenied extends Data.TaggedClass("ChallengeDenied")<{ readonly url: string }> {
  readonly code = "CHALLENGE_DENIED"
}
/** A server that was reached over TLS redirects to one without: the credentials would go there in clear. The client is closed. */
export class RedirectRefused extends Data.TaggedClass("RedirectRefused")<{ readonly url: string; readonly to: string }> {
  readonly code = "REDIRECT_REFUSED"
}
/** The client is logged in, or a login with other credentials is on its way: log out first. */
export class AlreadyLoggedIn extends Data.TaggedClass("AlreadyLoggedIn") {
  readonly code = "ALREADY_LOGGED_IN"
}
/** The server refuses the credentials. */
export class LoginRefused extends Data.TaggedClass("LoginRefused")<{ readonly message: string; readonly data: unknown }> {
  readonly code = "INVALID_AUTH_DATA"
}
/** The server took the login for malformed. */
export class LoginMalformed extends Data.TaggedClass("LoginMalformed")<{ readonly message: string }> {
  readonly code = "INVALID_AUTH_MSG"
}
/** The server refused the login too often and closes. */
export class TooManyLogins extends Data.TaggedClass("TooManyLogins")<{ readonly message: string }> {
  readonly code = "TOO_MANY_AUTH_ATTEMPTS"
}
/** The server waited too long for the login and closes. */
export class AuthenticationTimeout extends Data.TaggedClass("AuthenticationTimeout")<{ readonly message: string }> {
  readonly code = "CONNECTION_AUTHENTICATION_TIMEOUT"
}
/** The login was not answered in time. */
export class LoginTimeout extends Data.TaggedClass("LoginTimeout")<{ readonly millis: number }> {
  readonly code = "LOGIN_TIMEOUT"
}
/** The permission handler refuses. */
export class MessageDenied extends Data.TaggedClass("MessageDenied")<
  About & {
    readonly action: string
    readonly rest: ReadonlyArray<string>
    /** The second when the permission handler itself failed. */
    readonly code: "MESSAGE_DENIED" | "MESSAGE_PERMISSION_ERROR"
  }
> {}
/** A message that cannot be understood, or that says what its topic does not know. */
export class MessageParseError extends Data.TaggedClass("MessageParseError")<{ readonly message: string }> {
  readonly code = "MESSAGE_PARSE_ERROR"
}
/** An unsolicited message, or that comes when it cannot. */
export class UnsolicitedMessage extends Data.TaggedClass("UnsolicitedMessage")<About> {
  readonly code = "UNSOLICITED_MESSAGE"
}
/** Somebody else wrote this version of the record, and no merge strategy says what to do. */
export class VersionExists extends Data.TaggedClass("VersionExists")<About & { readonly local: number; readonly remote: number }> {
  readonly code = "VERSION_EXISTS"
}
/** Somebody else wrote the record at the same time and the merge kept theirs: this write is gone, and `get` shows what there is. */
export class WriteLost extends Data.TaggedClass("WriteLost")<About & { readonly version: number }> {
  readonly code = "WRITE_LOST"
}
/** There is no such record. */
export class RecordNotFound extends Data.TaggedClass("RecordNotFound")<About> {
  readonly code = "RECORD_NOT_FOUND"
}
/** The record was deleted. */
export class RecordDeleted extends Data.TaggedClass("RecordDeleted")<About> {
  readonly code = "RECORD_DELETED"
}
/** The server could not write the record. */
export class WriteFailed extends Data.TaggedClass("WriteFailed")<About & { readonly message: string }> {
  readonly code = "WRITE_FAILED"
}
/** The procedure has no provider, or all of them rejected the request. */
export class NoRpcProvider extends Data.TaggedClass("NoRpcProvider")<About> {
  readonly code = "NO_RPC_PROVIDER"
}
/** The provider's error. */
export class RpcFailed extends Data.TaggedClass("RpcFailed")<About & { readonly message: string }> {
  readonly code = "RPC_FAILED"
}
/** Another error that the server names. */
export class ServerFailed
  extends Data.TaggedClass("ServerFailed")<About & { readonly code: string; readonly data: ReadonlyArray<string> }>
{}
/** This pattern, procedure or name has its one listener, provider or owner in this client already. */
export class AlreadyTaken extends Data.TaggedClass("AlreadyTaken")<About> {
  readonly code = "MULTIPLE_SUBSCRIPTIONS"
}
/** More waits for the connection, or for the network, than the limit allows. Nothing was sent. */
export class QueueFull extends Data.TaggedClass("QueueFull")<{ readonly limit: number; readonly unit: "messages" | "characters" }> {
  readonly code = "QUEUE_FULL"
}
/** Queued messages that were never sent, because the client was closed. */
export class QueueDropped extends Data.TaggedClass("QueueDropped")<{ readonly messages: number }> {
  readonly code = "QUEUE_DROPPED"
}
/** The arguments cannot be written as a message, such as a name with a separator in it. Nothing was sent. */
export class InvalidMessage
  extends Data.TaggedClass("InvalidMessage")<{ readonly message: string; readonly error?: EncodeError | undefined }>
{
  readonly code = "INVALID_MESSAGE_DATA"
}
/** The value does not fit the schema; when reading, the received one, when writing, the given one. */
export class InvalidRecordData
  extends Data.TaggedClass("InvalidRecordData")<About & { readonly message: string; readonly cause: unknown }>
{
  readonly code = "INVALID_VALUE"
}
/** The subscriber did not keep up, and its policy is to fail. */
export class Overflow extends Data.TaggedClass("Overflow")<About & { readonly limit: number }> {
  readonly code = "OVERFLOW"
}

/** Why something failed. */
export type DeepstreamReason =
  | AckTimeout
  | ResponseTimeout
  | DeleteTimeout
  | ConnectionFailed
  | OutcomeUnknown
  | NotConnected
  | WriteUnconfirmed
  | ReconnectsExhausted
  | Closed
  | ChallengeDenied
  | RedirectRefused
  | AlreadyLoggedIn
  | LoginRefused
  | LoginMalformed
  | TooManyLogins
  | AuthenticationTimeout
  | LoginTimeout
  | MessageDenied
  | MessageParseError
  | UnsolicitedMessage
  | VersionExists
  | WriteLost
  | RecordNotFound
  | RecordDeleted
  | WriteFailed
  | NoRpcProvider
  | RpcFailed
  | ServerFailed
  | AlreadyTaken
  | QueueFull
  | QueueDropped
  | InvalidMessage
  | InvalidRecordData
  | Overflow

/** The reason in words; for what the server or deepstream's clients say themselves, in theirs. */
export const wordsOf = (reason: DeepstreamReason): string => {
  switch (reason._tag) {
    case "AckTimeout":
    case "ResponseTimeout":
    case "DeleteTimeout":
      return `No ACK message received in time for ${reason.subject}`
    case "OutcomeUnknown":
      return `the connection was lost while ${reason.subject} waited`
    case "NotConnected":
      return `there is no connection for ${reason.subject}`
    case "WriteUnconfirmed":
      return "Connection error: error updating record as connection was closed"
    case "ReconnectsExhausted":
      return `gave up after ${reason.attempts} attempts to connect`
    case "Closed":
      return "this client's connection was closed"
    case "ChallengeDenied":
      return `the server does not serve ${reason.url}`
    case "RedirectRefused":
      return `${reason.url} redirects to ${reason.to}, which is not encrypted`
    case "AlreadyLoggedIn":
      return "this client is logged in; log out first"
    case "LoginTimeout":
      return `no login within ${reason.millis} ms`
    case "MessageDenied":
      return `${reason.subject} is denied (${reason.topic} ${reason.action})`
    case "VersionExists":
      return `received update for ${reason.remote} but version is ${reason.local}`
    case "WriteLost":
      return `another client wrote version ${reason.version} of ${reason.subject}`
    case "RecordDeleted":
      return `${reason.subject} was deleted`
    case "ServerFailed":
      return reason.subject === "" ? reason.data.join(" ") : reason.subject
    case "QueueFull":
      return `${reason.limit} ${reason.unit} are queued already`
    case "QueueDropped":
      return `${reason.messages} queued messages were never sent`
    case "Overflow":
      return `${reason.subject}: more than ${reason.limit} values wait for the subscriber`
    case "AlreadyTaken":
      return `${reason.subject} is taken in this client`
    case "UnsolicitedMessage":
    case "RecordNotFound":
      return reason.subject
    case "NoRpcProvider":
      return `no provider of ${reason.subject}`
    default:
      return reason.message
  }
}

/** A call that failed. */
export class DeepstreamError extends Data.TaggedError("DeepstreamError")<{ readonly reason: DeepstreamReason }> {
  override get message(): string {
    return wordsOf(this.reason)
  }
  /** deepstream's name for it. */
  get code(): string {
    return this.reason.code
  }
}

/** Something that went wrong and that no call waits for. */
export interface Problem {
  readonly reason: DeepstreamReason
  /** A notice is of no consequence: what arrives for a subscription that has just ended. */
  readonly severity: "error" | "notice"
  /** The message that was received, with its control characters; absent when none was. Cut after 1 024 characters. */
  readonly raw?: string
}
