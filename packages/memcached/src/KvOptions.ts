/** What requests of a key-value client may be told. Types only. */
import type * as Duration from "effect/Duration"
import type { Expiry } from "./Expiry.ts"
import type { KvPoolOptions } from "./KvPool.ts"

/** Options of a client. */
export interface KvClientOptions extends KvPoolOptions {}

/** A key: text, or bytes, which need not be UTF-8. At most 250 bytes. */
export type Key = string | Uint8Array

/** A value: bytes, or text, which is written as UTF-8. */
export type Value = string | Uint8Array

/** Options of every request. */
export interface KvRequestOptions {
  /** Time to wait for the answer, instead of the client's own. */
  readonly timeout?: Duration.Input
}

/** Options of requests that set when a document ends. */
export interface KvTouchOptions extends KvRequestOptions {
  /** When the document ends. Default: never. */
  readonly expiry?: Expiry
}

/** Options of requests that store a document. */
export interface KvStoreOptions extends KvTouchOptions {
  /** Of no meaning to the server. Default: 0. */
  readonly flags?: number
}

/** Options of requests that change a document. */
export interface KvChangeOptions extends KvRequestOptions {
  /** The version the document must have. */
  readonly cas?: bigint
}

/** Options of counters. */
export interface KvCountOptions extends KvTouchOptions {
  /** Default: 1. */
  readonly delta?: bigint
  /** Value of a counter that is created; without it a missing counter is `NotFound`. */
  readonly initial?: bigint
}
