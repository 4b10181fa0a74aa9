/**
 * Everything that goes wrong between a client and a deepstream server, each with the name deepstream gives it.
 *
 * A call fails with a `DeepstreamError`; what no call waits for is reported as a `Problem`. Both carry the same reasons. Values never
 * appear in them; names of events, records and procedures do, and a message that could not be used is repeated.
 */
import { EncodeErrorSchema } from "@wirewright/codec/ErrorSchema"
import { TaggedClass, TaggedError } from "@wirewright/connection/TaggedErrors"
import * as Schema from "effect/Schema"

/** The first field of a message. */
export const Topic = Schema.Literals(["C", "A", "E", "R", "P", "U", "X"])
export type Topic = typeof Topic.Type

const about = {
  topic: Topic,
  /** The event, record, pattern, procedure or user it is about. */
  subject: Schema.String
}

/** The server did not acknowledge a subscription, an unsubscription or a request in time. */
export class AckTimeout extends TaggedClass<AckTimeout>()("AckTimeout", about) {
  readonly code = "ACK_TIMEOUT"
}
/** The server did not answer in time. */
export class ResponseTimeout extends TaggedClass<ResponseTimeout>()("ResponseTimeout", about) {
  readonly code = "RESPONSE_TIMEOUT"
}
/** The server did not delete the record in time. */
export class DeleteTimeout extends TaggedClass<DeleteTimeout>()("DeleteTimeout", about) {
  readonly code = "DELETE_TIMEOUT"
}
/** The server cannot be reached, or went away. The client tries again. */
export class ConnectionFailed extends TaggedClass<ConnectionFailed>()("ConnectionFailed", { url: Schema.String, message: Schema.String }) {
  readonly code = "connectionError"
}
/** The connection was lost while the call waited: whether it was carried out is not known. */
export class OutcomeUnknown extends TaggedClass<OutcomeUnknown>()("OutcomeUnknown", about) {
  readonly code = "connectionError"
}
/** There is no connection now, and the call may not wait for one. */
export class NotConnected extends TaggedClass<NotConnected>()("NotConnected", about) {
  readonly code = "NOT_CONNECTED"
}
/** A write that wants an acknowledgement has no connection: it is applied here, and told to the server later. */
export class WriteUnconfirmed extends TaggedClass<WriteUnconfirmed>()("WriteUnconfirmed", about) {
  readonly code = "connectionError"
}
/** Too many attempts to connect failed; the client gives up. */
export class ReconnectsExhausted extends TaggedClass<ReconnectsExhausted>()("ReconnectsExhausted", { attempts: Schema.Number }) {
  readonly code = "MAX_RECONNECTION_ATTEMPTS_REACHED"
}
/** The client is closed for good. */
export class Closed extends TaggedClass<Closed>()("Closed", {}) {
  readonly code = "IS_CLOSED"
}
/** The server refuses the challenge: it does not serve this URL. */
export class ChallengeDenied extends TaggedClass<ChallengeDenied>()("ChallengeDenied", { url: Schema.String }) {
  readonly code = "CHALLENGE_DENIED"
}
/** A server that was reached over TLS redirects to one without: the credentials would go there in clear. The client is closed. */
export class RedirectRefused extends TaggedClass<RedirectRefused>()("RedirectRefused", { url: Schema.String, to: Schema.String }) {
  readonly code = "REDIRECT_REFUSED"
}
/** The client is logged in, or a login with other credentials is on its way: log out first. */
export class AlreadyLoggedIn extends TaggedClass<AlreadyLoggedIn>()("AlreadyLoggedIn", {}) {
  readonly code = "ALREADY_LOGGED_IN"
}
/** The server refuses the credentials. */
export class LoginRefused
  extends TaggedClass<LoginRefused>()("LoginRefused", { message: Schema.String, data: Schema.Union([Schema.Undefined, Schema.Defect()]) })
{
  readonly code = "INVALID_AUTH_DATA"
}
/** The server took the login for malformed. */
export class LoginMalformed extends TaggedClass<LoginMalformed>()("LoginMalformed", { message: Schema.String }) {
  readonly code = "INVALID_AUTH_MSG"
}
/** The server refused the login too often and closes. */
export class TooManyLogins extends TaggedClass<TooManyLogins>()("TooManyLogins", { message: Schema.String }) {
  readonly code = "TOO_MANY_AUTH_ATTEMPTS"
}
/** The server waited too long for the login and closes. */
export class AuthenticationTimeout extends TaggedClass<AuthenticationTimeout>()("AuthenticationTimeout", { message: Schema.String }) {
  readonly code = "CONNECTION_AUTHENTICATION_TIMEOUT"
}
/** The login was not answered in time. */
export class LoginTimeout extends TaggedClass<LoginTimeout>()("LoginTimeout", { millis: Schema.Number }) {
  readonly code = "LOGIN_TIMEOUT"
}
/** The permission handler refuses. */
export class MessageDenied extends TaggedClass<MessageDenied>()("MessageDenied", {
  ...about,
  action: Schema.String,
  rest: Schema.Array(Schema.String),
  /** The second when the permission handler itself failed. */
  code: Schema.Literals(["MESSAGE_DENIED", "MESSAGE_PERMISSION_ERROR"])
}) {}
/** A message that cannot be understood, or that says what its topic does not know. */
export class MessageParseError extends TaggedClass<MessageParseError>()("MessageParseError", { message: Schema.String }) {
  readonly code = "MESSAGE_PARSE_ERROR"
}
/** An unsolicited message, or that comes when it cannot. */
export class UnsolicitedMessage extends TaggedClass<UnsolicitedMessage>()("UnsolicitedMessage", about) {
  readonly code = "UNSOLICITED_MESSAGE"
}
/** Somebody else wrote this version of the record, and no merge strategy says what to do. */
export class VersionExists
  extends TaggedClass<VersionExists>()("VersionExists", { ...about, local: Schema.Number, remote: Schema.Number })
{
  readonly code = "VERSION_EXISTS"
}
/** Somebody else wrote the record at the same time and the merge kept theirs: this write is gone, and `get` shows what there is. */
export class WriteLost extends TaggedClass<WriteLost>()("WriteLost", { ...about, version: Schema.Number }) {
  readonly code = "WRITE_LOST"
}
/** There is no such record. */
export class RecordNotFound extends TaggedClass<RecordNotFound>()("RecordNotFound", about) {
  readonly code = "RECORD_NOT_FOUND"
}
/** The record was deleted. */
export class RecordDeleted extends TaggedClass<RecordDeleted>()("RecordDeleted", about) {
  readonly code = "RECORD_DELETED"
}
/** The server could not write the record. */
export class WriteFailed extends TaggedClass<WriteFailed>()("WriteFailed", { ...about, message: Schema.String }) {
  readonly code = "WRITE_FAILED"
}
/** The procedure has no provider, or all of them rejected the request. */
export class NoRpcProvider extends TaggedClass<NoRpcProvider>()("NoRpcProvider", about) {
  readonly code = "NO_RPC_PROVIDER"
}
/** The provider's error. */
export class RpcFailed extends TaggedClass<RpcFailed>()("RpcFailed", { ...about, message: Schema.String }) {
  readonly code = "RPC_FAILED"
}
/** Another error that the server names. */
export class ServerFailed
  extends TaggedClass<ServerFailed>()("ServerFailed", { ...about, code: Schema.String, data: Schema.Array(Schema.String) })
{}
/** This pattern, procedure or name has its one listener, provider or owner in this client already. */
export class AlreadyTaken extends TaggedClass<AlreadyTaken>()("AlreadyTaken", about) {
  readonly code = "MULTIPLE_SUBSCRIPTIONS"
}
/** More waits for the connection, or for the network, than the limit allows. Nothing was sent. */
export class QueueFull
  extends TaggedClass<QueueFull>()("QueueFull", { limit: Schema.Number, unit: Schema.Literals(["messages", "characters"]) })
{
  readonly code = "QUEUE_FULL"
}
/** Queued messages that were never sent, because the client was closed. */
export class QueueDropped extends TaggedClass<QueueDropped>()("QueueDropped", { messages: Schema.Number }) {
  readonly code = "QUEUE_DROPPED"
}
/** The arguments cannot be written as a message, such as a name with a separator in it. Nothing was sent. */
export class InvalidMessage
  extends TaggedClass<InvalidMessage>()("InvalidMessage", { message: Schema.String, error: Schema.optional(EncodeErrorSchema) })
{
  readonly code = "INVALID_MESSAGE_DATA"
}
/** The value does not fit the schema; when reading, the received one, when writing, the given one. */
export class InvalidRecordData
  extends TaggedClass<InvalidRecordData>()("InvalidRecordData", { ...about, message: Schema.String, cause: Schema.Defect() })
{
  readonly code = "INVALID_VALUE"
}
/** The subscriber did not keep up, and its policy is to fail. */
export class Overflow extends TaggedClass<Overflow>()("Overflow", { ...about, limit: Schema.Number }) {
  readonly code = "OVERFLOW"
}

/** Why something failed. */
export const DeepstreamReason = Schema.Union([
  AckTimeout,
  ResponseTimeout,
  DeleteTimeout,
  ConnectionFailed,
  OutcomeUnknown,
  NotConnected,
  WriteUnconfirmed,
  ReconnectsExhausted,
  Closed,
  ChallengeDenied,
  RedirectRefused,
  AlreadyLoggedIn,
  LoginRefused,
  LoginMalformed,
  TooManyLogins,
  AuthenticationTimeout,
  LoginTimeout,
  MessageDenied,
  MessageParseError,
  UnsolicitedMessage,
  VersionExists,
  WriteLost,
  RecordNotFound,
  RecordDeleted,
  WriteFailed,
  NoRpcProvider,
  RpcFailed,
  ServerFailed,
  AlreadyTaken,
  QueueFull,
  QueueDropped,
  InvalidMessage,
  InvalidRecordData,
  Overflow
])
export type DeepstreamReason = typeof DeepstreamReason.Type

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
export class DeepstreamError extends TaggedError<DeepstreamError>()("DeepstreamError", { reason: DeepstreamReason }) {
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
