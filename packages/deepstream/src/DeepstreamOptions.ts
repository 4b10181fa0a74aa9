/** How a client is configured in code. */
import { type ReconnectOptions, reconnectPolicy } from "@wirewright/connection/Reconnect"
import * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import type { MergeStrategy, SessionOptions } from "./SessionOptions.ts"
import { defaultOptions } from "./SessionOptions.ts"

/** Options of a client. */
export interface DeepstreamOptions {
  /** Such as `ws://127.0.0.1:6020/deepstream`; `/deepstream` is added when there is no path. */
  readonly url: string
  /**
   * What to log in with; making the client waits for the login, and fails with it. Without, it does not log in until `login` says so.
   * The object may be `Redacted`.
   */
  readonly credentials?: object | Redacted.Redacted<object>
  /** How often the server sends a ping; one that is silent for twice as long is gone. Default: 30 seconds. */
  readonly heartbeatInterval?: Duration.Input
  /** From dialling until the server takes a login. Default: 10 seconds. */
  readonly connectTimeout?: Duration.Input
  /** From asking for a login until it is answered, reconnects included. Default: 30 seconds. */
  readonly loginTimeout?: Duration.Input
  /** Acknowledgements of subscriptions. Default: 2 seconds. */
  readonly subscriptionTimeout?: Duration.Input
  /** The acknowledgement of opening a record. Default: 15 seconds. */
  readonly recordReadAckTimeout?: Duration.Input
  /** Data of records, snapshots, `has` and `head`. Default: 15 seconds. */
  readonly recordReadTimeout?: Duration.Input
  /** Deleting a record. Default: 15 seconds. */
  readonly recordDeleteTimeout?: Duration.Input
  /** Acknowledgements of writes. Default: 15 seconds. */
  readonly recordWriteTimeout?: Duration.Input
  /** Between two questions for a record whose first answer does not have all writes of this client. Default: 50 ms. */
  readonly confirmDelay?: Duration.Input
  /** A provider's acceptance. Default: 6 seconds. */
  readonly rpcAckTimeout?: Duration.Input
  /** A provider's answer. Default: 10 seconds. */
  readonly rpcResponseTimeout?: Duration.Input
  /** Queries of presence. Default: 10 seconds. */
  readonly presenceTimeout?: Duration.Input
  /** Waits between attempts to connect. Default: 100 ms after the first failure, up to 30 seconds. */
  readonly reconnect?: ReconnectOptions
  /** What becomes of messages while there is no connection. Default: `queue`. */
  readonly offline?: "queue" | "fail"
  /** Most messages that wait for a connection, or for the network. Default: 10 000. */
  readonly maxQueued?: number
  /** Most characters that wait so. Default: 4 Mi. */
  readonly maxQueuedSize?: number
  /** Largest message that is sent, in characters. Default: 1 Mi, which is what servers take. */
  readonly maxMessage?: number
  /** Largest frame that is sent, in characters. Default: 256 Ki. */
  readonly maxFrame?: number
  /** Largest message that is taken, in characters. Default: 16 Mi. */
  readonly maxReceived?: number
  /** Characters that the socket may hold. Default: 1 Mi. */
  readonly maxSocketBuffer?: number
  /** Redirects that are followed one after another. Default: 5. */
  readonly maxRedirects?: number
  /** Refuses here what the server denied since the last login. Default: no. */
  readonly rememberDenials?: boolean
  /** What becomes of a record that another client changed at the same time. Default: `remoteWins`. */
  readonly merge?: MergeStrategy
  /** Publishes the metrics of clients. Default: yes. */
  readonly metrics?: boolean
  /** Makes a span of every call of a procedure, where a tracer is in place. Default: yes. */
  readonly spans?: boolean
}

const durations = [
  "heartbeatInterval",
  "connectTimeout",
  "loginTimeout",
  "subscriptionTimeout",
  "recordReadAckTimeout",
  "recordReadTimeout",
  "recordDeleteTimeout",
  "recordWriteTimeout",
  "confirmDelay",
  "rpcAckTimeout",
  "rpcResponseTimeout",
  "presenceTimeout"
] as const
const plain = [
  "offline",
  "maxQueued",
  "maxQueuedSize",
  "maxMessage",
  "maxFrame",
  "maxReceived",
  "maxRedirects",
  "rememberDenials",
  "merge"
] as const

/** The options as a session wants them. */
export const sessionOptions = (options: DeepstreamOptions): Partial<SessionOptions> => {
  const found: Record<string, unknown> = {}
  for (const name of durations) if (options[name] !== undefined) found[name] = Duration.toMillis(options[name])
  for (const name of plain) if (options[name] !== undefined) found[name] = options[name]
  return { ...found, reconnect: reconnectPolicy(options.reconnect, defaultOptions.reconnect) }
}
