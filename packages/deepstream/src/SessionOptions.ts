/** What a session can be told. Durations are milliseconds, sizes characters. */
import { defaultReconnect, type ReconnectPolicy } from "@wirewright/connection/Reconnect"
import type { Json } from "./Json.ts"

/** Both sides of a conflict. */
export interface Conflict {
  readonly name: string
  /** What this client has, with its own writes. */
  readonly local: Json
  readonly localVersion: number
  /** What the server has. */
  readonly remote: Json
  readonly remoteVersion: number
}

/**
 * What becomes of a record that this client and another changed at once: the server's data, this client's, what a function makes of
 * both, or nothing: `none` reports `VersionExists` and leaves the record as it is here.
 */
export type MergeStrategy = "remoteWins" | "localWins" | "none" | ((conflict: Conflict) => Json)

/** Options of a session; all have defaults. */
export interface SessionOptions {
  /** How often the server sends a ping; a server silent for twice as long is gone. */
  readonly heartbeatInterval: number
  /** From dialling until the server takes a login. */
  readonly connectTimeout: number
  /** From asking for a login until it is answered, reconnects included. */
  readonly loginTimeout: number
  /** Acknowledgements of subscriptions and unsubscriptions. */
  readonly subscriptionTimeout: number
  /** The acknowledgement of opening a record. */
  readonly recordReadAckTimeout: number
  /** The data of a record, of a snapshot, of `has` and `head`. */
  readonly recordReadTimeout: number
  readonly recordDeleteTimeout: number
  /** Acknowledgements of writes. */
  readonly recordWriteTimeout: number
  /** Between two questions for a record whose first answer does not have all writes of this client. */
  readonly confirmDelay: number
  /** A provider's acceptance. */
  readonly rpcAckTimeout: number
  readonly rpcResponseTimeout: number
  readonly presenceTimeout: number
  readonly reconnect: ReconnectPolicy
  /** What becomes of messages while there is no connection. */
  readonly offline: "queue" | "fail"
  /** Most messages that wait for a connection, or for the network. */
  readonly maxQueued: number
  /** Most characters that wait so. */
  readonly maxQueuedSize: number
  /** Largest message that is sent. */
  readonly maxMessage: number
  /** Largest frame that is sent, unless one message alone is larger. */
  readonly maxFrame: number
  /** Largest message that is taken. */
  readonly maxReceived: number
  /** Redirects that are followed one after another. */
  readonly maxRedirects: number
  /** Refuses here what the server denied since the last login. */
  readonly rememberDenials: boolean
  readonly merge: MergeStrategy
}

/** The defaults; those that deepstream's own client has are the same there. */
export const defaultOptions: SessionOptions = {
  heartbeatInterval: 30_000,
  connectTimeout: 10_000,
  loginTimeout: 30_000,
  subscriptionTimeout: 2_000,
  recordReadAckTimeout: 15_000,
  recordReadTimeout: 15_000,
  recordDeleteTimeout: 15_000,
  recordWriteTimeout: 15_000,
  confirmDelay: 50,
  rpcAckTimeout: 6_000,
  rpcResponseTimeout: 10_000,
  presenceTimeout: 10_000,
  reconnect: { ...defaultReconnect, initialDelay: 100, maxDelay: 30_000 },
  offline: "queue",
  maxQueued: 10_000,
  maxQueuedSize: 4 * 1024 * 1024,
  maxMessage: 1024 * 1024,
  maxFrame: 256 * 1024,
  maxReceived: 16 * 1024 * 1024,
  maxRedirects: 5,
  rememberDenials: false,
  merge: "remoteWins"
}
