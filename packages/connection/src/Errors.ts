/** What goes wrong between a program and its peer, below the protocol's own statuses. */
import { DecodeErrorSchema } from "@wirewright/codec/ErrorSchema"
import * as Schema from "effect/Schema"
import { TaggedClass, TaggedError } from "./TaggedErrors.ts"

/** The connection was never there: refused, unreachable, no such host, TLS refused. */
export class ConnectFailed extends TaggedClass<ConnectFailed>()("ConnectFailed", { cause: Schema.Defect() }) {}

/** What is wrong with a certificate. `Untrusted`: no authority that is trusted vouches for it. `Missing`: none was shown. */
export const CertificateProblem = Schema.Literals(["Expired", "NotYetValid", "Untrusted", "WrongName", "Revoked", "Missing", "Other"])
export type CertificateProblem = typeof CertificateProblem.Type

/** A certificate was refused: the peer's by this side, or this side's by the peer. */
export class CertificateRefused extends TaggedClass<CertificateRefused>()("CertificateRefused", {
  by: Schema.Literals(["this side", "the peer"]),
  problem: CertificateProblem,
  cause: Schema.Defect()
}) {}

/** The connection was not there in time. */
export class ConnectTimeout extends TaggedClass<ConnectTimeout>()("ConnectTimeout", { milliseconds: Schema.Number }) {}

/** The connection broke: the peer closed or reset it, or the network did. */
export class ConnectionLost extends TaggedClass<ConnectionLost>()("ConnectionLost", { cause: Schema.Defect() }) {}

/** This side closed the connection. */
export class ConnectionClosed extends TaggedClass<ConnectionClosed>()("ConnectionClosed", { by: Schema.String }) {}

/** The peer sent bytes that are no packet, or a packet that cannot come now. The connection is closed. */
export class PeerMisbehaved
  extends TaggedClass<PeerMisbehaved>()("PeerMisbehaved", { message: Schema.String, error: Schema.optionalKey(DecodeErrorSchema) })
{}

/** No answer in time. The connection stays; a late answer is dropped and counted. */
export class RequestTimeout extends TaggedClass<RequestTimeout>()("RequestTimeout", { milliseconds: Schema.Number }) {}

/** More requests in flight, or more bytes waiting, than the limits allow. Nothing was sent. */
export class LimitExceeded extends TaggedClass<LimitExceeded>()("LimitExceeded", { limit: Schema.String, max: Schema.Number }) {}

/** The peer sent nothing, or too little, for too long. The connection is closed. */
export class PeerStalled extends TaggedClass<PeerStalled>()("PeerStalled", { awaited: Schema.String, milliseconds: Schema.Number }) {}

/** The address cannot be listened on. */
export class ListenFailed extends TaggedClass<ListenFailed>()("ListenFailed", { cause: Schema.Defect() }) {}

/** Why a connection or a request on it failed. */
export const ConnectionReason = Schema.Union([
  ConnectFailed,
  CertificateRefused,
  ConnectTimeout,
  ConnectionLost,
  ConnectionClosed,
  PeerMisbehaved,
  RequestTimeout,
  LimitExceeded,
  PeerStalled,
  ListenFailed
])
export type ConnectionReason = typeof ConnectionReason.Type

const problems: { readonly [Problem in CertificateProblem]: string } = {
  Expired: "has expired",
  NotYetValid: "is not valid yet",
  Untrusted: "is vouched for by no authority that is trusted",
  WrongName: "is another host's",
  Revoked: "is revoked",
  Missing: "is missing",
  Other: "is not accepted"
}

/** A reason in words. */
export const connectionWords = (reason: ConnectionReason): string => {
  switch (reason._tag) {
    case "ConnectFailed":
      return `could not connect: ${text(reason.cause)}`
    case "CertificateRefused":
      return `${reason.by === "this side" ? "the server's certificate" : "our certificate was refused: it"} ${problems[reason.problem]}: ${
        text(reason.cause)
      }`
    case "ConnectTimeout":
      return `no connection within ${reason.milliseconds} ms`
    case "ConnectionLost":
      return `connection lost: ${text(reason.cause)}`
    case "ConnectionClosed":
      return `connection closed by ${reason.by}`
    case "PeerMisbehaved":
      return `peer misbehaved: ${reason.message}`
    case "RequestTimeout":
      return `no answer within ${reason.milliseconds} ms`
    case "LimitExceeded":
      return `more than ${reason.max} ${reason.limit}`
    case "PeerStalled":
      return `no ${reason.awaited} within ${reason.milliseconds} ms`
    case "ListenFailed":
      return `could not listen: ${text(reason.cause)}`
  }
}

/**
 * Makes errors without looking at the stack: where a socket's callback fails thousands of requests, the stack shows that callback, never
 * who asked, and takes 4 µs each.
 */
export const stackless = <A>(make: () => A): A => {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}

const text = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

/** A connection, or a request on it, failed. `Effect.catchReason("ConnectionError", "ConnectionLost", …)` picks one reason. */
export class ConnectionError extends TaggedError<ConnectionError>()("ConnectionError", {
  reason: ConnectionReason,
  /** `host:port` of the peer. */
  address: Schema.String,
  /** The request may have reached the peer and taken effect: whoever repeats it may do it twice. */
  ambiguous: Schema.Boolean
}) {
  override get message(): string {
    return `${this.address}: ${connectionWords(this.reason)}${this.ambiguous ? " (the request may have taken effect)" : ""}`
  }
}
