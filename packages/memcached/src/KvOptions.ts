/** What requests of a key-value client may be told. Types only. */
import type { PacketConnectionOptions, PoolOptions, PoolWatch, TelemetryOptions, TransportOptions } from "@wirewright/connection"
import type * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
import type { Expiry } from "./Expiry.ts"
import type { Distribution, RingServer } from "./Ketama.ts"
import type { MemcachedError } from "./KvError.ts"

/**
 * How to speak with memcached. `auto` asks each new connection for the version: `meta` from 1.6.10 on, which is the first with today's `ms`;
 * `text` below that, and where the answer is none of memcached's; `binary` when the server closes the connection over the question.
 */
export type KvProtocol = "auto" | "meta" | "text" | "binary"

/** Where the server is and how to treat it. */
export interface KvPoolOptions extends
  Partial<TransportOptions>,
  Pick<
    PacketConnectionOptions<never, never>,
    "requestTimeout" | "maxInFlight" | "maxFrame" | "maxSilence"
  >,
  PoolOptions,
  TelemetryOptions
{
  /** Default: `auto`, which costs each new connection one question. */
  readonly protocol?: KvProtocol
  /**
   * Signs in: in the binary protocol with SASL PLAIN, which memcached asks for when started with `-S`; in the others, where it was started with
   * `-Y`, and only when it asks for it, because it would store what it does not ask for.
   */
  readonly credentials?: { readonly user: string; readonly password: Redacted.Redacted<string> }
  /** Sends the password although the connection has no TLS. */
  readonly allowPlaintextPassword?: boolean
  /** What is told of connections. */
  readonly watch?: PoolWatch<MemcachedError>
}

/** One of several servers: where it is, and what holds for it alone. The rest is as the client's options say. */
export interface KvServerOptions extends Partial<RingServer>, Pick<KvPoolOptions, "path" | "tls" | "credentials"> {}

/**
 * Options of a client. Those of connections hold for each server, and `host` and `port` for servers that have none of their own.
 */
export interface KvClientOptions extends Omit<KvPoolOptions, "watch"> {
  /** The servers that keys are distributed to. Default: one, that of these options */
  readonly servers?: ReadonlyArray<KvServerOptions>
  /** How keys are distributed; every client of the same servers must say the same. Default: ketama-weighted */
  readonly distribution?: Distribution
  /**
   * What becomes of the keys of a server that is gone. `error`: their requests fail, as with one server. `next`: the next server on the ring
   * stands in. `rehash`: keys are distributed anew to the servers that are left, as by libmemcached's `AUTO_EJECT_HOSTS`. When the server comes
   * back, it may have old documents. Default: error
   */
  readonly failover?: "error" | "next" | "rehash"
  /** Failures in a row after which a server counts as gone, for `failover`. Default: 2 */
  readonly failureLimit?: number
  /** Wait between probes of a server that is gone, for `failover`. Default: 5 seconds */
  readonly retryTimeout?: Duration.Input
}

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

/** Options of what is made anew by one while the others have the old. */
export interface KvRecacheOptions extends KvStoreOptions {
  /** One is to make the value anew when it has less than this left, and the others have it meanwhile. Default: nobody before it has ended */
  readonly recacheBelow?: Duration.Input
  /**
   * How long one is given to make a value that is missing: so long an empty document stands in its place. In whole seconds, at least one.
   * Default: 30 seconds
   */
  readonly placeholder?: Duration.Input
  /** How long to wait for a value that is missing and that somebody else makes. Default: 5 seconds */
  readonly patience?: Duration.Input
  /** Time between two looks for it. Default: 50 milliseconds */
  readonly poll?: Duration.Input
}

/** Options of counters. */
export interface KvCountOptions extends KvTouchOptions {
  /** Default: 1. */
  readonly delta?: bigint
  /** Value of a counter that is created; without it a missing counter is `NotFound`. */
  readonly initial?: bigint
}
