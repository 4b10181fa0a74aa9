/**
 * A client of Couchbase's key-value service as an Effect service: documents of the default collection, other collections by name, and the
 * nodes themselves.
 *
 * ```ts
 * const program = Effect.gen(function*() {
 *   const kv = yield* KvClient
 *   yield* kv.upsert("user::1", { name: "Ada" })
 *   const user = yield* kv.get("user::1", User) // Option of a document whose value is a User
 * }).pipe(Effect.provide(KvClient.layerUrl("couchbase://user:password@127.0.0.1/default")))
 * ```
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { agentName, timers } from "@wirewright/connection"
import { announce } from "@wirewright/connection/Health"
import { defaultFeatures } from "./Bootstrap.ts"
import { Cluster } from "./Cluster.ts"
import type { ClusterMap } from "./ClusterMap.ts"
import { defaultPath, parseCollection, pathOf } from "./Collections.ts"
import type { ConnectionStringError } from "./ConnectionString.ts"
import { HelloFeature } from "./gen/Types.ts"
import { Circuits } from "./KvCircuits.ts"
import { collectionOf, type KvCollection } from "./KvCollection.ts"
import { KvDispatch } from "./KvDispatch.ts"
import { InvalidRequest, type KvError } from "./KvError.ts"
import { type KvNodes, nodesOf, openFailed } from "./KvNodes.ts"
import { type KvClientOptions, optionsOfUrl } from "./KvOptions.ts"
import { type KvReports, reportsOf } from "./KvReports.ts"
import type { CertificateError } from "./TargetTls.ts"
import { unsent } from "./KvRequest.ts"
import { defaultRetryPolicy } from "./Retry.ts"

/** What a client can do. */
export interface KvCommands extends KvCollection, KvNodes, KvReports {
  /** The documents of a collection, by `scope.collection` or by name in the default scope. Its id is asked for when it is needed. */
  readonly collection: (name: string) => Effect.Effect<KvCollection, KvError>
  /** The newest cluster map. */
  readonly clusterMap: Effect.Effect<Option.Option<ClusterMap>>
  /** What the connections to the nodes have negotiated, by `host:port`. */
  readonly features: Effect.Effect<ReadonlyMap<string, ReadonlySet<number>>>
}

const featuresOf = (options: KvClientOptions): ReadonlyArray<number> => {
  const features = options.features ?? defaultFeatures
  return options.snappy === undefined ? features : [...new Set([...features, HelloFeature.Snappy, HelloFeature.SnappyEverywhere])]
}

const make: (options: KvClientOptions) => Effect.Effect<KvCommands, KvError, Scope.Scope> = Effect.fnUntraced(
  function*(options: KvClientOptions) {
    const { circuitBreaker, durableTimeout, retry, snappy, timeout, ...rest } = options
    const clusterOptions = { agent: agentName, ...rest, features: featuresOf(options) }
    const cluster = yield* Effect.mapError(Cluster.make(clusterOptions), openFailed)
    const circuits = circuitBreaker === undefined ? undefined : yield* Effect.catch(
      Circuits.make(circuitBreaker, { metrics: cluster.metrics, logs: options.logs ?? options.watch === undefined }),
      (message) => unsent("Hello", "", new InvalidRequest({ message }))
    )
    const dispatch = new KvDispatch(cluster, { ...defaultRetryPolicy, ...retry }, snappy, {
      timers: yield* timers,
      random: yield* Random.Random,
      scope: yield* Effect.scope,
      spans: options.spans,
      bucket: options.bucket,
      circuits
    })
    yield* announce({
      name: `couchbase ${options.bucket ?? cluster.nodes.map(({ address }) => address).join(",")}`,
      notReady: () => cluster.unreached,
      status: () => ({
        mapChanges: cluster.mapChanges,
        vbuckets: cluster.map?.vbuckets.length ?? 0,
        nodes: cluster.nodes.map((pool) => ({ address: pool.address, ...pool.counters, error: pool.down?.message }))
      })
    })
    const defaults = {
      timeout: Duration.toMillis(timeout ?? defaultRetryPolicy.budget),
      durableTimeout: Duration.toMillis(durableTimeout ?? "10 seconds"),
      snappy
    }
    return {
      ...collectionOf(dispatch, defaultPath, defaults),
      ...nodesOf(cluster, defaults.timeout),
      ...reportsOf(cluster, circuits, { bucket: options.bucket, sdk: clusterOptions.agent, timeout: defaults.timeout }),
      collection: (name) => {
        const parsed = parseCollection(name)
        return Result.isSuccess(parsed)
          ? Effect.succeed(collectionOf(dispatch, pathOf(parsed.success), defaults))
          : unsent("CollectionsGetID", name, new InvalidRequest({ message: parsed.failure }))
      },
      clusterMap: Effect.sync(() => Option.fromUndefinedOr(cluster.map)),
      features: Effect.sync(() =>
        new Map(cluster.nodes.flatMap((pool) => {
          const ready = pool.take()
          return ready === undefined ? [] : [[pool.address, ready.session.features] as const]
        }))
      )
    }
  }
)

/** The client as a service. */
export class KvClient extends Context.Service<KvClient, KvCommands>()("@wirewright/couchbase/KvClient") {
  /** Connects; the connections close with the scope. */
  static readonly make = make

  /** Connects to what a connection string says; `password` is used when it has none. */
  static readonly makeUrl = (
    url: string,
    password?: Redacted.Redacted<string>
  ): Effect.Effect<KvCommands, KvError | ConnectionStringError | CertificateError, Scope.Scope> =>
    Effect.flatMap(optionsOfUrl(url, password), make)

  /** A client with these options. */
  static readonly layer = (options: KvClientOptions): Layer.Layer<KvClient, KvError> => Layer.effect(KvClient, make(options))

  /** A client of what a connection string says. */
  static readonly layerUrl = (
    url: string,
    password?: Redacted.Redacted<string>
  ): Layer.Layer<KvClient, KvError | ConnectionStringError | CertificateError> => Layer.effect(KvClient, KvClient.makeUrl(url, password))

  /** A client of the connection string in WIREWRIGHT_URL, with the password in WIREWRIGHT_PASSWORD when that is set. */
  static readonly layerConfig: Layer.Layer<KvClient, KvError | ConnectionStringError | CertificateError | Config.ConfigError> = Layer
    .effect(
      KvClient,
      Effect.gen(function*() {
        const url = yield* Config.String("WIREWRIGHT_URL")
        const password = yield* Config.option(Config.Redacted("WIREWRIGHT_PASSWORD"))
        return yield* KvClient.makeUrl(url, Option.getOrUndefined(password))
      })
    )
}
