/**
 * Change streams of a bucket as Effect streams.
 *
 * ```ts
 * const program = Dcp.changes({ group: "indexer" }).pipe(
 *   Dcp.process(index, { concurrency: 16 }), // vbuckets beside one another, each in its order
 *   Dcp.commit,                              // what was processed is what is resumed behind
 *   Stream.runDrain,
 *   Effect.provide(Dcp.layerUrl("couchbase://user:password@127.0.0.1/travel")),
 *   Effect.provide(layerFile("./checkpoints"))
 * )
 * ```
 *
 * Pulling is the acknowledgement: a pipeline that does not pull gets nothing more than the window, and the server waits.
 */
import { Cluster, type ClusterOptions } from "@wirewright/couchbase/Cluster"
import { HelloFeature } from "@wirewright/couchbase/gen/Types"
import type { ConnectionStringError } from "@wirewright/couchbase/ConnectionString"
import { type CertificateUnreadable, type KvClientOptions, optionsOfUrl } from "@wirewright/couchbase/KvOptions"
import type { OpenError } from "@wirewright/couchbase/NodePool"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomBytes } from "node:crypto"
import { CheckpointStore } from "./CheckpointStore.ts"
import { dcpFeatures } from "./DcpConnection.ts"
import type { ChangesOptions, From } from "./ChangesOptions.ts"
import { DcpConsumer } from "./DcpConsumer.ts"
import { type DcpError, DcpOptionsError } from "./DcpError.ts"
import type { DcpEvent } from "./DcpEvent.ts"

/** Where the bucket is. */
export interface DcpOptions extends Omit<ClusterOptions, "agent" | "features" | "bucket"> {
  readonly bucket: string
  /** Told to the nodes. */
  readonly agent?: string
}

/** Whether options ask for checkpoints, and hence for a store. */
type Needs<O extends ChangesOptions> = O extends { readonly from: infer F extends From }
  ? F extends "checkpoint" | { readonly savedOr: unknown } ? CheckpointStore : never
  : CheckpointStore

/** A running change stream. */
export interface RunningChanges {
  readonly events: Stream.Stream<DcpEvent, DcpError>
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

const agent = "wirewright/0.1.0"

const layer = (options: DcpOptions): Layer.Layer<Dcp, OpenError> =>
  Layer.effect(
    Dcp,
    Effect.map(Cluster.make({ agent, ...options, features: mapFeatures, connectionsPerNode: 1 }), (cluster) => Dcp.of({ cluster, options }))
  )

/** Starts a change stream in the present scope. */
const run: <const O extends ChangesOptions = {}>(
  options?: O
) => Effect.Effect<RunningChanges, DcpError, Dcp | Needs<O> | Scope.Scope> = ((options: ChangesOptions = {}) =>
  Effect.gen(function*() {
    const { cluster, options: where } = yield* Dcp
    const { from = "checkpoint" } = options
    const wantsStore = from === "checkpoint" || typeof from === "object" && "savedOr" in from
    const store = yield* Effect.serviceOption(CheckpointStore)
    if (wantsStore && Option.isNone(store)) {
      return yield* new DcpOptionsError({ message: `from ${JSON.stringify(from)} needs a CheckpointStore` })
    }
    const group = `${where.bucket}/${options.group ?? "wirewright"}`
    const checkpoints = wantsStore && Option.isSome(store) ? yield* store.value.open(group) : undefined
    const { seeds: _, connectionsPerNode: __, ignoreMap: ___, ...connection } = where
    const consumer = yield* DcpConsumer.make({
      cluster,
      connection: { agent, ...connection, features: dcpFeatures },
      checkpoints,
      unique: () => randomBytes(6).toString("hex"),
      random: Math.random
    }, options)
    return { consumer, events: Stream.fromPull(Effect.succeed(consumer.outbox.pull)) }
  })) as never

/** The changes of the bucket. Events have to be settled, by `Dcp.commit` or by themselves. */
const changes = <const O extends ChangesOptions = {}>(options?: O): Stream.Stream<DcpEvent, DcpError, Dcp | Needs<O>> =>
  Stream.unwrap(Effect.map(run(options), ({ events }) => events)) as never

/** Settles the events that come through: they were processed, and the next run begins behind them. */
const commit = <E, R>(self: Stream.Stream<DcpEvent, E, R>): Stream.Stream<DcpEvent, E, R> =>
  Stream.mapArray(self, (events) => {
    for (const event of events) event.settle()
    return events
  })

/** How many events are processed at a time. */
export interface ProcessOptions {
  /** Lanes; 1 unless said otherwise. The events of a vbucket go through one lane, in their order. */
  readonly concurrency?: number
}

/**
 * Processes each event, those of a vbucket in their order, vbuckets beside one another. Events come out as they are done. A `Rollback` is an event
 * like the others: when `handle` returns, it is undone.
 */
const process =
  <E2, R2>(handle: (event: DcpEvent) => Effect.Effect<unknown, E2, R2>, { concurrency = 1 }: ProcessOptions = {}) =>
  <E, R>(self: Stream.Stream<DcpEvent, E, R>): Stream.Stream<DcpEvent, E | E2, R | R2> => {
    if (concurrency <= 1) {
      return Stream.mapArrayEffect(self, (events) => Effect.as(Effect.forEach(events, handle, { discard: true }), events))
    }
    return Stream.mapArrayEffect(self, (events) => {
      const lanes: Array<Array<DcpEvent>> = Array.from({ length: concurrency }, () => [])
      for (const event of events) lanes[(event.vbucket ?? 0) % concurrency]!.push(event)
      return Effect.as(
        Effect.forEach(lanes, (lane) => Effect.forEach(lane, handle, { discard: true }), { concurrency: "unbounded", discard: true }),
        events
      )
    })
  }

/** The change streams of one bucket as a service. */
export class Dcp extends Context.Service<Dcp, { readonly cluster: Cluster; readonly options: DcpOptions }>()("@wirewright/dcp/Dcp") {
  static readonly layer = layer
  /** A bucket by its connection string; `password` is used when it has none. */
  static readonly layerUrl = (
    url: string,
    password?: Redacted.Redacted<string>,
    more: Partial<Omit<DcpOptions, "seeds" | "bucket" | "credentials">> = {}
  ): Layer.Layer<Dcp, OpenError | ConnectionStringError | CertificateUnreadable | DcpOptionsError> =>
    Layer.unwrap(Effect.flatMap(optionsOfUrl(url, password), (found: KvClientOptions) => {
      const { bucket, seeds, credentials, tls, network } = found
      if (bucket === undefined) return Effect.fail(new DcpOptionsError({ message: "the connection string names no bucket" }))
      return Effect.succeed(layer({
        seeds,
        bucket,
        ...credentials === undefined ? {} : { credentials },
        ...tls === undefined ? {} : { tls },
        ...network === undefined ? {} : { network },
        ...more
      }))
    }))
  static readonly run = run
  static readonly changes = changes
  static readonly commit = commit
  static readonly process = process
}
