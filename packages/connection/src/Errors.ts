/** What goes wrong between a program and its peer, below the protocol's own statuses. */
import type { DecodeError } from "@wirewright/codec"
import * as Data from "effect/Data"

/** The connection was never there: refused, unreachable, no such host, TLS refused. */
export class ConnectFailed extends Data.TaggedClass("ConnectFailed")<{ readonly cause: unknown }> {}

/** The connection was not there in time. */
export class ConnectTimeout extends Data.TaggedClass("ConnectTimeout")<{ readonly milliseconds: number }> {}

/** The connection broke: the peer closed or reset it, or the network did. */
export class ConnectionLost extends Data.TaggedClass("ConnectionLost")<{ readonly cause: unknown }> {}

/** This side closed the connection. */
export class ConnectionClosed extends Data.TaggedClass("ConnectionClosed")<{ readonly by: string }> {}

/** The peer sent bytes that are no packet, or a packet that cannot come now. The connection is closed. */
export class PeerMisbehaved extends Data.TaggedClass("PeerMisbehaved")<{ readonly message: string; readonly error?: DecodeError }> {}

/** No answer in time. The connection stays; a late answer is dropped and counted. */
export class RequestTimeout extends Data.TaggedClass("RequestTimeout")<{ readonly milliseconds: number }> {}

/** More requests in flight, or more bytes waiting, than the limits allow. Nothing was sent. */
export class LimitExceeded extends Data.TaggedClass("LimitExceeded")<{ readonly limit: string; readonly max: number }> {}

/** The peer sent nothing, or too little, for too long. The connection is closed. */
export class PeerStalled extends Data.TaggedClass("PeerStalled")<{ readonly awaited: string; readonly milliseconds: number }> {}

/** The address cannot be listened on. */
export class ListenFailed extends Data.TaggedClass("ListenFailed")<{ readonly cause: unknown }> {}

/** Why a connection or a request on it failed. */
export type ConnectionReason =
  | ConnectFailed
  | ConnectTimeout
  | ConnectionLost
  | ConnectionClosed
  | PeerMisbehaved
  | RequestTimeout
  | LimitExceeded
  | PeerStalled
  | ListenFailed

/** A reason in words. */
export const connectionWords = (reason: ConnectionReason): string => {
  switch (reason._tag) {
    case "ConnectFailed":
      return `could not connect: ${text(reason.cause)}`
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
export class ConnectionError extends Data.TaggedError("ConnectionError")<{
  readonly reason: ConnectionReason
  /** `host:port` of the peer. */
  readonly address: string
  /** The request may have reached the peer and taken effect: whoever repeats it may do it twice. */
  readonly ambiguous: boolean
}> {
  override get message(): string {
    return `${this.address}: ${connectionWords(this.reason)}${this.ambiguous ? " (the request may have taken effect)" : ""}`
  }
}
