/**
 * What the client and its operations can be told, and how a connection string becomes that.
 */
import type * as Classic from "@wirewright/memcached"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import type { Credentials } from "./Bootstrap.ts"
import type { ClusterOptions } from "./Cluster.ts"
import { allowsPlainWithoutTls, type ConnectionStringError, type ConnectionTarget, parseConnectionString } from "./ConnectionString.ts"
import type { EncodeValueOptions, SnappyCodec } from "./Documents.ts"
import type { Durability } from "./Durability.ts"
import type { CircuitBreakerOptions } from "./KvCircuits.ts"
import type { RetryPolicy } from "./Retry.ts"
import type { DocumentFlags } from "./SubDocument.ts"
import { type CertificateError, tlsOfTarget } from "./TargetTls.ts"

/** How the client works. */
export interface KvClientOptions extends Omit<ClusterOptions, "agent" | "features"> {
  /** Told to the nodes. */
  readonly agent?: string
  /** What is asked for in HELLO. Default: `defaultFeatures`, and Snappy with a codec for it. */
  readonly features?: ReadonlyArray<number>
  /** Time for an operation, all attempts together. Default: 2.5 seconds. */
  readonly timeout?: Duration.Input
  /** Time for a durable write. Default: 10 seconds. */
  readonly durableTimeout?: Duration.Input
  /**
   * Asks nothing for a while of a node that does not answer: what is for it fails at once, with `CircuitOpen`. Default: every node is asked, and
   * waited for
   */
  readonly circuitBreaker?: CircuitBreakerOptions
  /** How to repeat what can be repeated. */
  readonly retry?: Partial<Omit<RetryPolicy, "budget">>
  /** Compresses values. */
  readonly snappy?: SnappyCodec
}

/** Options of every operation. */
export type KvRequestOptions = Classic.KvRequestOptions

/**
 * Which copies are read: all, those in the `preferredServerGroup`, or those and, where there are none, all.
 *
 * Source: sdk-rfcs 0078.
 */
export type ReadPreference = "all" | "preferredServerGroup" | "preferredServerGroupOrAll"

/** Options of reads of all copies. */
export interface KvReplicaOptions extends KvRequestOptions {
  /** Default: `all`. */
  readonly readPreference?: ReadPreference
}

/** Options of operations that change a document. */
export interface KvChangeOptions extends Classic.KvChangeOptions {
  /** How durable the write must be before it succeeds. */
  readonly durability?: Durability
}

/** Options of operations that store a document. */
export interface KvStoreOptions extends KvChangeOptions, Classic.KvTouchOptions, EncodeValueOptions {
  /** Keeps the expiry the document has. */
  readonly preserveExpiry?: boolean
}

/** Options of operations that store a document with a schema. */
export interface KvStoreSchemaOptions<A> extends Omit<KvStoreOptions, "format"> {
  readonly schema: Schema.Codec<A, unknown>
}

/** Options of counters. */
export interface KvCountOptions extends Classic.KvCountOptions {
  readonly durability?: Durability
}

/** Options of `lookupIn`. */
export interface KvLookupOptions extends KvRequestOptions, Pick<DocumentFlags, "accessDeleted" | "replicaRead"> {}

/** Options of `lookupInAnyReplica` and `lookupInAllReplicas`. */
export interface KvLookupReplicaOptions extends KvReplicaOptions, Pick<DocumentFlags, "accessDeleted"> {}

/** Options of `mutateIn`. */
export interface KvMutateOptions extends KvChangeOptions, Classic.KvTouchOptions, DocumentFlags {
  readonly preserveExpiry?: boolean
}

const credentialsOf = (target: ConnectionTarget): Credentials | undefined =>
  target.user === undefined ? undefined : {
    user: target.user,
    password: target.password ?? Redacted.make(""),
    ...(target.mechanisms === undefined
      ? {}
      : { mechanisms: target.mechanisms, allowPlainWithoutTls: allowsPlainWithoutTls(target) })
  }

/** Options of a target. */
export const optionsOfTarget: (target: ConnectionTarget) => Effect.Effect<KvClientOptions, CertificateError> = Effect.fnUntraced(
  function*(target: ConnectionTarget) {
    const credentials = credentialsOf(target)
    const tls = yield* tlsOfTarget(target)
    return {
      seeds: target.seeds,
      ...(target.srv === undefined ? {} : { srv: target.srv }),
      ...(tls === undefined ? {} : { tls }),
      ...(credentials === undefined ? {} : { credentials }),
      ...(target.bucket === undefined ? {} : { bucket: target.bucket }),
      ...(target.serverGroup === undefined ? {} : { preferredServerGroup: target.serverGroup }),
      ...(target.network === undefined ? {} : { network: target.network }),
      ...(target.timeout === undefined ? {} : { timeout: target.timeout })
    }
  }
)

/** Options of a connection string; `password` is used when it has none. */
export const optionsOfUrl = (
  url: string,
  password?: Redacted.Redacted<string>
): Effect.Effect<KvClientOptions, ConnectionStringError | CertificateError> =>
  Effect.flatMap(Effect.fromResult(parseConnectionString(url, password)), optionsOfTarget)
