/** What a proxy needs of whatever stands behind it, and how an upstream is named. It opens no connection. */
import type { Outage, ServerClient, TransportOptions } from "@wirewright/connection"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import {
  allowsPlainWithoutTls,
  type ConnectionTarget,
  type MemcachedProtocol,
  parseConnectionString,
  parseMemcachedString
} from "@wirewright/couchbase"
import type { MemcachedHandlers } from "@wirewright/memcached"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Frame } from "./RawFrame.ts"
import type { Slot } from "./ProxySession.ts"
import type { TextRelay } from "./TextRelay.ts"

/** Where requests of one client go. */
export interface Upstream {
  /** Sends a binary request, whose bytes are not kept; `slot` receives its answers in the classic dialect, or why there are none. */
  readonly send: (slot: Slot, request: Frame) => void
  /** What the text protocol asks, classic or meta. */
  readonly handlers: MemcachedHandlers
  /** The same where it is asked in that protocol itself. */
  readonly relay?: TextRelay | undefined
  /** Whether an item is larger than may be stored, where that is known before its value arrives. */
  readonly isTooLarge?: ((key: string, length: number, flags: number) => boolean) | undefined
}

/** Gives each client its way. */
export type Upstreams = (client: ServerClient) => Upstream

/** How to treat what stands behind. */
export interface UpstreamOptions extends Omit<TransportOptions, "host" | "port"> {
  /** Time a request waits for its answer. Default: 2.5 seconds */
  readonly requestTimeout?: Duration.Input
  /** First pause before connecting again, which doubles up to 2 seconds. Default: 20 milliseconds */
  readonly reconnect?: Duration.Input
  /** Publishes what clients tell of the connections. Default: yes */
  readonly metrics?: boolean
  /** Outages of its nodes are told to these, one for each, which are added. */
  readonly outages?: Array<Outage>
}

/** A memcached to stand in front of. */
export interface MemcachedTarget extends Pick<ConnectionTarget, "tls" | "verify" | "certificate" | "clientCertificate"> {
  readonly _tag: "Memcached"
  readonly host: string
  readonly port: number
  /** A Unix socket, instead of host and port. */
  readonly path?: string
  /** How it is asked. Default: `auto`, clients of the binary protocol by that, others by meta commands, as far as it takes both. */
  readonly protocol?: MemcachedProtocol
  /** Signs in when given: by SASL PLAIN, or as servers with `-Y` want it. */
  readonly user?: string
  readonly password?: Redacted.Redacted
  /** Sends the password in the clear when there is no TLS. */
  readonly plain?: boolean
}

/** A bucket to stand in front of. */
export interface CouchbaseTarget extends Omit<ConnectionTarget, "user" | "password" | "bucket"> {
  readonly _tag: "Couchbase"
  readonly bucket: string
  readonly user: string
  readonly password: Redacted.Redacted<string>
}

/** Something to stand in front of. */
export type Target = MemcachedTarget | CouchbaseTarget

/** The name of an upstream cannot be understood. Its password is not repeated. */
export class InvalidTarget extends Data.TaggedError("InvalidTarget")<{ readonly message: string }> {}

const refuse = (message: string): never => {
  throw new InvalidTarget({ message })
}

const parseBucket = (text: string): CouchbaseTarget => {
  const parsed = parseConnectionString(text)
  if (Result.isFailure(parsed)) return refuse(parsed.failure.message)
  const { user, password, bucket, ...rest } = parsed.success
  if (bucket === undefined || user === undefined || password === undefined) {
    return refuse("name user, password and bucket: couchbase://user:password@host:port/bucket")
  }
  return { _tag: "Couchbase", ...rest, user, password, bucket }
}

/**
 * Reads `memcached[s]://[user:password@]host[:port]`, `memcached+unix://[user:password@]/path`, both with `?protocol=` when given, or
 * `couchbase[s]://user:password@host[:port][,…]/bucket`. Throws `InvalidTarget`.
 *
 * memcached takes the password as it is; `?allowed_sasl_mechanisms=PLAIN` allows that without TLS.
 */
export const parseTarget = (text: string): Target => {
  if (/^couchbases?:/i.test(text)) return parseBucket(text)
  if (!/^memcached(s|\+unix)?:/i.test(text)) {
    return refuse("an upstream is memcached://host:port, memcached+unix:///path or couchbase://user:password@host:port/bucket")
  }
  const parsed = parseMemcachedString(text)
  if (Result.isFailure(parsed)) return refuse(parsed.failure.message)
  const { certificate, clientCertificate, password, path, protocol, seeds: [seed], tls, user, verify } = parsed.success
  return {
    _tag: "Memcached",
    ...seed,
    ...path === undefined ? {} : { path },
    ...protocol === undefined ? {} : { protocol },
    ...user === undefined ? {} : { user, password: password ?? Redacted.make(""), plain: allowsPlainWithoutTls(parsed.success) },
    tls,
    verify,
    certificate,
    clientCertificate
  }
}
