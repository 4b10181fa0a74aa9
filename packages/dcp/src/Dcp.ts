/**
 * The changes of a bucket.
 *
 * ```ts
 * const program = Dcp.process({ group: "indexer", concurrency: 16 }, {
 *   change: (change) => index(change),                   // processed, and in the checkpoint, when it returns
 *   rollback: ({ vbucket, to }) => forget(vbucket, to)   // what a failed node took with it
 * }).pipe(
 *   Stream.runDrain,
 *   Effect.provide(Dcp.layerUrl("couchbase://user:password@127.0.0.1/travel")),
 *   Effect.provide(layerFile("./checkpoints"))
 * )
 * ```
 *
 * Pulling is the acknowledgement: a pipeline that does not pull gets nothing more than the window, and the server waits.
 */
import { Cluster, type ClusterOptions, type OpenError } from "@wirewright/couchbase/node"
import { HelloFeature } from "@wirewright/couchbase/gen/Types"
import { type CertificateError, type ConnectionStringError, type KvClientOptions, optionsOfUrl } from "@wirewright/couchbase"
import { agentName, timers } from "@wirewright/connection"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Checkpoints } from "./CheckpointFormat.ts"
import { CheckpointStore } from "./CheckpointStore.ts"
import { consumerAttributes, ConsumerTelemetry } from "./ConsumerTelemetry.ts"
import { featuresOf } from "./DcpConnection.ts"
import type { ChangesOptions, From } from "./ChangesOptions.ts"
import { type ChangesSettings, settingsOf } from "./ChangesSettings.ts"
import { DcpConsumer } from "./DcpConsumer.ts"
import { type DcpError, DcpOptionsError } from "./DcpError.ts"
import type { DcpEvent } from "./DcpEvent.ts"
import { DcpNodes } from "./DcpNodes.ts"
import { checkpointsAt, type HighSeqnos, highSeqnos } from "./Positions.ts"
import { type BatchHandlers, type BatchSize, gathered, type Handlers, processed, processedInBatches, watched } from "./Processing.ts"

/** Where the bucket is. */
export interface DcpOptions extends Omit<ClusterOptions, "agent" | "features" | "bucket"> {
  readonly bucket: string
  /** Told to the nodes. */
  readonly agent?: string
}

/** Whether options ask for checkpoints, and hence for a store. */
type Needs<O extends ProcessOptions> = O extends { readonly from: infer F extends From }
  ? F extends "checkpoint" | { readonly savedOr: unknown } ? CheckpointStore : never
  : CheckpointStore

/** How changes are processed. */
export interface ProcessOptions extends ChangesOptions {
  /** Handlers at once; the events of a vbucket go through one after the other. Default: 1. */
  readonly concurrency?: number
}

/** How changes are processed in batches. */
export interface ProcessBatchOptions extends ChangesOptions, BatchSize {}

/** How changes are watched: nothing is remembered of them. */
export interface WatchOptions extends Omit<ChangesOptions, "from" | "commitInterval" | "slowAfter"> {
  /** Default: `beginning`. */
  readonly from?: Exclude<From, "checkpoint" | { readonly savedOr: unknown }>
}

/** A running change stream. */
export interface RunningChanges<E = never, R = never> {
  /** What was processed. The stream has to be run. */
  readonly events: Stream.Stream<DcpEvent, DcpError | E, R>
  readonly consumer: DcpConsumer
}

/** Features of the connections that find the map and read nothing else. */
const mapFeatures: ReadonlyArray<number> = [
  HelloFeature.TcpNoDelay,
  HelloFeature.Xerror,
  HelloFeature.SelectBucket,
  HelloFeature.Json,
  HelloFeature.Duplex,
  HelloFeature.ClustermapChangeNotification,
  HelloFeature.Collections
]

const layer = (options: DcpOptions): Layer.Layer<Dcp, OpenError> =>
  Layer.effect(
    Dcp,
    Effect.map(Cluster.make({ agent: agentName, ...options, features: mapFeatures, connectionsPerNode: 1, logs: false }), (cluster) =>
      Dcp.of({ cluster, options }))
  )

/** Numbers from [0, 1) of Effect's `Random`. */
const chance: Effect.Effect<() => number> = Effect.map(Random.Random, (random) => () => random.nextDoubleUnsafe())

/** What a consumer of a group, or its connections, tell of themselves. @internal */
export const telemetryOf = (settings: ChangesSettings): Effect.Effect<ConsumerTelemetry | undefined, never, Dcp> =>
  Effect.gen(function*() {
    const { options: { bucket } } = yield* Dcp
    return ConsumerTelemetry.of(settings.metrics, consumerAttributes(bucket, settings.nodes.group), yield* Effect.context<never>())
  })

/** Connections as settings ask for them, in the present scope; none is made before a vbucket needs it. @internal */
export const nodesOf = (settings: ChangesSettings): Effect.Effect<DcpNodes, never, Dcp | Scope.Scope> =>
  Effect.gen(function*() {
    const { cluster, options: where } = yield* Dcp
    const { seeds: _, connectionsPerNode: __, ignoreMap: ___, preferredServerGroup: ____, srv: _____, ...connection } = where
    const services = yield* Effect.context<never>()
    const { now } = yield* timers
    const random = yield* chance
    const telemetry = yield* telemetryOf(settings)
    yield* Effect.addFinalizer(() => Effect.sync(() => telemetry?.end()))
    // in a scope of their own, connections that are made later end after those who use them
    const nodes = new DcpNodes({
      ...settings.nodes,
      cluster,
      connection: { agent: agentName, ...connection, features: featuresOf(settings.negotiation), negotiation: settings.negotiation },
      unique: () => Math.floor(random() * 2 ** 48).toString(16).padStart(12, "0"),
      random,
      now,
      log: (line) => void Effect.runForkWith(services)(line),
      telemetry
    }, yield* Scope.fork(yield* Effect.scope))
    telemetry?.publishConnections(nodes)
    return nodes
  })

/** Starts a consumer in the present scope. Whoever takes its events settles them. @internal */
export const start = (options: ChangesOptions): Effect.Effect<DcpConsumer, DcpError, Dcp | Scope.Scope> =>
  Effect.gen(function*() {
    const { cluster, options: { bucket } } = yield* Dcp
    const settings = settingsOf(options)
    const store = yield* Effect.serviceOption(CheckpointStore)
    if (settings.resumes && Option.isNone(store)) {
      return yield* new DcpOptionsError({ message: `from ${JSON.stringify(settings.from)} needs a CheckpointStore` })
    }
    const group = `${bucket}/${settings.nodes.group}`
    const vbuckets = settings.wanted.vbuckets ?? cluster.map?.vbuckets.map((_, vbucket) => vbucket)
    const checkpoints = settings.resumes && Option.isSome(store) ? yield* store.value.open(group, vbuckets) : undefined
    const telemetry = yield* telemetryOf(settings)
    const nodes = yield* nodesOf(settings)
    const attributes = consumerAttributes(bucket, settings.nodes.group)
    return yield* DcpConsumer.make({ cluster, nodes, checkpoints, random: yield* chance, telemetry, attributes }, settings)
  })

/** The events of a consumer as they come. @internal */
export const eventsOf = (consumer: DcpConsumer): Stream.Stream<DcpEvent, DcpError> => Stream.fromPull(Effect.succeed(consumer.outbox.pull))

/** Like `process`, in the present scope, with the consumer beside the stream: for its `status`, `checkpoints` and `flush`. */
const run: <const O extends ProcessOptions, E, R>(
  options: O,
  handlers: Handlers<E, R>
) => Effect.Effect<RunningChanges<E, R>, DcpError, Dcp | Needs<O> | Scope.Scope> =
  ((options: ProcessOptions, handlers: Handlers<never, never>) =>
    Effect.map(
      start(options),
      (consumer) => ({ consumer, events: processed(eventsOf(consumer), handlers, options.concurrency ?? 1) })
    )) as never

/**
 * Processes the changes of the bucket: each event through its handler, those of a vbucket in their order. What a handler has returned for is
 * remembered, and the next run of the group begins after it. Out come the events that were processed.
 */
const process = <const O extends ProcessOptions, E, R>(
  options: O,
  handlers: Handlers<E, R>
): Stream.Stream<DcpEvent, DcpError | E, Dcp | Needs<O> | R> =>
  Stream.unwrap(Effect.map(run(options, handlers), ({ events }) => events)) as never

/** Like `process`, with many changes at a time. A batch is processed when its handler has returned. */
const processBatch = <const O extends ProcessBatchOptions, E, R>(
  options: O,
  handlers: BatchHandlers<E, R>
): Stream.Stream<DcpEvent, DcpError | E, Dcp | Needs<O> | R> =>
  Stream.unwrap(Effect.map(start(options), (consumer) => processedInBatches(gathered(eventsOf(consumer), options), handlers))) as never

/**
 * Watches the changes of the bucket. Nothing is remembered between two runs. A `Rollback` among the events says that what came after its `to` never
 * happened.
 */
const changes = (options: WatchOptions = {}): Stream.Stream<DcpEvent, DcpError, Dcp> =>
  Stream.unwrap(
    Effect.map(start({ from: "beginning", ...options }), (consumer) => Stream.fromPull(Effect.succeed(watched(consumer.outbox.pull))))
  )

/** The change streams of one bucket as a service. */
export class Dcp extends Context.Service<Dcp, { readonly cluster: Cluster; readonly options: DcpOptions }>()("@wirewright/dcp/Dcp") {
  static readonly layer = layer
  /** A bucket by its connection string; `password` is used when it has none. */
  static readonly layerUrl = (
    url: string,
    password?: Redacted.Redacted<string>,
    more: Partial<Omit<DcpOptions, "seeds" | "srv" | "bucket" | "credentials">> = {}
  ): Layer.Layer<Dcp, OpenError | ConnectionStringError | CertificateError | DcpOptionsError> =>
    Layer.unwrap(Effect.flatMap(optionsOfUrl(url, password), (found: KvClientOptions) => {
      const { bucket, seeds, srv, credentials, tls, network } = found
      if (bucket === undefined) return Effect.fail(new DcpOptionsError({ message: "the connection string names no bucket" }))
      return Effect.succeed(layer({
        seeds,
        ...srv === undefined ? {} : { srv },
        bucket,
        ...credentials === undefined ? {} : { credentials },
        ...tls === undefined ? {} : { tls },
        ...network === undefined ? {} : { network },
        ...more
      }))
    }))
  /** The highest seqnos of the bucket's vbuckets. */
  static readonly highSeqnos = (timeout?: Duration.Input): Effect.Effect<HighSeqnos, never, Dcp> =>
    Effect.flatMap(Dcp, ({ cluster }) => highSeqnos(cluster, timeout))
  /** Checkpoints that say that everything up to these seqnos was processed. */
  static readonly checkpointsAt = (
    seqnos: ReadonlyMap<number, bigint>,
    timeout?: Duration.Input
  ): Effect.Effect<Checkpoints, OpenError | DcpOptionsError, Dcp> =>
    Effect.flatMap(Dcp, ({ cluster }) => checkpointsAt(cluster, seqnos, timeout))
  static readonly run = run
  static readonly process = process
  static readonly processBatch = processBatch
  static readonly changes = changes
}
