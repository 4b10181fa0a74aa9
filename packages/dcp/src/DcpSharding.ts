/**
 * One group, many processes: the vbuckets are cut into slices, and each slice has one owner at a time.
 *
 * ```ts
 * DcpSharding.layer({ group: "indexer", slices: 64, concurrency: 16 }, { change: index, rollback: forget }).pipe(
 *   Layer.provide(cluster),                    // any layer of effect/cluster's Sharding
 *   Layer.provide(Dcp.layerUrl("couchbase://user:password@db/travel")),
 *   Layer.provide(layerDocuments())
 * )
 * ```
 *
 * Who owns what is effect/cluster's decision (`layer`), or follows from a member's number (`layerStatic`). Neither is a fence: for a moment there can
 * be two who believe that they own a slice, such as when a process that was frozen goes on. What decides then is the epoch of the slice's
 * checkpoints: the older owner cannot save, and ends. A sink that must not hear of him either asks for the epoch (`DcpSlice`).
 *
 * All slices of a process share one connection to each node.
 */
import { announce } from "@wirewright/connection/Health"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as EntityId from "effect/cluster/EntityId"
import { Sharding } from "effect/cluster/Sharding"
import type { ShardingConfig } from "effect/cluster/ShardingConfig"
import * as Singleton from "effect/cluster/Singleton"
import { type ChangesSettings, settingsOf } from "./ChangesSettings.ts"
import type { ChangesOptions } from "./ChangesOptions.ts"
import { CheckpointStore } from "./CheckpointStore.ts"
import { consumerAttributes } from "./ConsumerTelemetry.ts"
import { Dcp, nodesOf, telemetryOf } from "./Dcp.ts"
import { DcpOptionsError } from "./DcpError.ts"
import { LagPoll } from "./Lag.ts"
import { defaultSlices, slicesOf } from "./Members.ts"
import { patientLocks } from "./PatientLocks.ts"
import { type BatchHandlers, type BatchSize, gathered, type Handlers, processed, processedInBatches } from "./Processing.ts"
import { runnerAddresses } from "./RunnerAddresses.ts"
import { shared } from "./SharedNodes.ts"
import { type DcpSlice, type OwnedSlice, own, type SliceEnvironment } from "./SliceRunner.ts"

/** How a group is shared. */
export interface SharingOptions extends Omit<ChangesOptions, "from" | "to" | "connectionName" | "streamId"> {
  /** Where vbuckets begin that the group has no checkpoint of. Default: `beginning`. */
  readonly from?: "beginning" | "now"
  /** Parts of the bucket that move as a whole. All processes say the same number. Default: 64. */
  readonly slices?: number
  /**
   * Slices that the group had before, 1 when it was not shared: a slice without checkpoints goes on where those were. Not needed with a store that tells
   * owners of vbuckets apart, such as `layerSql`.
   */
  readonly formerSlices?: number
  /**
   * Time from losing a slice to its end: handlers that run have three quarters of it, the last checkpoint the rest. It has to be shorter than the
   * locks of the cluster last without being refreshed. Default: 4 seconds.
   */
  readonly drainWithin?: Duration.Input
}

/** A group whose changes are processed one by one. */
export interface ShardedOptions extends SharingOptions {
  /** Handlers at once in each slice; the events of a vbucket go through one after the other. Default: 1. */
  readonly concurrency?: number
}

/** A group whose changes are processed in batches, each of one slice. */
export interface ShardedBatchOptions extends SharingOptions, BatchSize {}

/** Options of the cluster. */
export interface ClusterShare {
  /** The shards whose owners own the slices. Default: `default`. */
  readonly shardGroup?: string
}

/** A member that has its slices without asking anybody. */
export interface StaticShare {
  /** From 0. */
  readonly member: number
  readonly members: number
}

/** Slices of this process and the layer that has them: with options of the kind `Share`, for handlers of one change or of many. */
interface Layers<Share, Needed> {
  <E, R>(
    options: ShardedOptions & Share,
    handlers: Handlers<E, R>
  ): Layer.Layer<DcpSharding, DcpOptionsError, Dcp | CheckpointStore | Needed | Exclude<R, DcpSlice>>
  <E, R>(
    options: ShardedBatchOptions & Share,
    handlers: BatchHandlers<E, R>
  ): Layer.Layer<DcpSharding, DcpOptionsError, Dcp | CheckpointStore | Needed | Exclude<R, DcpSlice>>
}

type AnyHandlers = Handlers<unknown, never> | BatchHandlers<unknown, never>
type Given = ShardedOptions & Partial<BatchSize>

const refuse = (message: string): Effect.Effect<never, DcpOptionsError> => Effect.fail(new DcpOptionsError({ message }))

const whole = (value: number, least: number, most: number): boolean => Number.isInteger(value) && value >= least && value <= most

/** Most slices: one to a vbucket. */
const maxSlices = 1_024

/** Names that are tried to find one whose hash is the shard of a slice, for each shard. */
const attemptsPerShard = 64

/** Says how the slices of this process do; returns what is called when they are given up. */
const announced = (
  group: string,
  slices: number,
  owned: ReadonlyMap<number, OwnedSlice>
): Effect.Effect<() => void, never, Scope.Scope> => {
  let leaving = false
  const indicator = {
    name: `dcp ${group}, slices`,
    notReady: () => leaving ? ["its slices are given up"] : owned.size === 0 ? ["it has no slice"] : [],
    status: () => ({ slices, owned: [...owned.keys()].sort((left, right) => left - right) })
  }
  return Effect.as(announce(indicator), () => void (leaving = true))
}

const environment = (
  options: Given,
  handlers: AnyHandlers
): Effect.Effect<SliceEnvironment<unknown, never>, DcpOptionsError, Dcp | CheckpointStore | Scope.Scope> =>
  Effect.gen(function*() {
    const { cluster, options: { bucket } } = yield* Dcp
    const store = yield* CheckpointStore
    const { formerSlices, from, slices = defaultSlices } = options
    if (!whole(slices, 1, maxSlices)) return yield* refuse(`slices: ${slices} is no number from 1 to ${maxSlices}`)
    if (formerSlices !== undefined && !whole(formerSlices, 1, maxSlices)) {
      return yield* refuse(`formerSlices: ${formerSlices} is no number from 1 to ${maxSlices}`)
    }
    const { concurrency = 1, size, within } = options
    const settings: ChangesSettings = settingsOf({ ...options, from: from === undefined ? "checkpoint" : { savedOr: from } })
    const chance = yield* Random.Random
    const lagPoll = new LagPoll()
    yield* Effect.forkScoped(lagPoll.run(settings.lagInterval))
    return {
      cluster,
      nodes: yield* shared(nodesOf(settings)),
      lagPoll,
      telemetry: yield* Effect.map(Effect.context<Dcp>(), (dcp) => Effect.provideContext(telemetryOf(settings), dcp)),
      attributes: consumerAttributes(bucket, settings.nodes.group),
      store,
      group: `${bucket}/${settings.nodes.group}`,
      settings,
      slices,
      formerSlices: formerSlices === slices ? undefined : formerSlices,
      drainWithin: Duration.toMillis(options.drainWithin ?? "4 seconds"),
      random: () => chance.nextDoubleUnsafe(),
      process: (events, gate) =>
        "changes" in handlers
          ? processedInBatches(gathered(events, { size: size!, within: within! }), handlers, gate)
          : processed(events, handlers, concurrency, gate),
      owned: new Map()
    }
  })

/** A name that the cluster places on a shard. */
const nameOn = (shard: number, shards: number, group: string, { getShardId }: Sharding["Service"]): string | undefined => {
  for (let attempt = 0; attempt < shards * attemptsPerShard; attempt++) {
    const name = `dcp/${shard}/${attempt}`
    if (getShardId(EntityId.make(name), group).id === shard) return name
  }
  return undefined
}

const layer: Layers<ClusterShare, Sharding> = ((
  options: Given & ClusterShare,
  handlers: AnyHandlers
): Layer.Layer<DcpSharding, DcpOptionsError, Dcp | CheckpointStore | Sharding> =>
  Layer.effect(
    DcpSharding,
    Effect.gen(function*() {
      const world = yield* environment(options, handlers)
      const { slices } = world
      const { shardGroup = "default" } = options
      const sharding = yield* Sharding
      const services = yield* Effect.context<Sharding>()
      const names: Array<string> = []
      for (let slice = 0; slice < slices; slice++) {
        const name = nameOn(slice + 1, slices, shardGroup, sharding)
        if (name === undefined) return yield* refuse(`the cluster's shardsPerGroup is not ${slices}, the number of slices`)
        names.push(name)
      }
      const leave = yield* announced(world.settings.nodes.group, slices, world.owned)
      // all are given up at once, when the process leaves
      const scope = yield* Scope.fork(yield* Effect.scope, "parallel")
      for (const [slice, name] of names.entries()) {
        yield* Layer.buildWithScope(Singleton.make(name, own(slice, world), { shardGroup }), scope).pipe(Effect.provideContext(services))
      }
      yield* Effect.addFinalizer(() => Effect.sync(leave))
      return DcpSharding.of({ owned: world.owned })
    })
  )) as never

const layerStatic: Layers<StaticShare, never> = ((
  options: Given & StaticShare,
  handlers: AnyHandlers
): Layer.Layer<DcpSharding, DcpOptionsError, Dcp | CheckpointStore> =>
  Layer.effect(
    DcpSharding,
    Effect.gen(function*() {
      const world = yield* environment(options, handlers)
      const { member, members } = options
      const { slices } = world
      if (!whole(members, 1, slices)) return yield* refuse(`members: ${members} is no number from 1 to ${slices}, the number of slices`)
      if (!whole(member, 0, members - 1)) return yield* refuse(`member: ${member} is no number from 0 to ${members - 1}`)
      const leave = yield* announced(world.settings.nodes.group, slices, world.owned)
      yield* Effect.forkScoped(
        Effect.forEach(slicesOf(slices, member, members), (slice) => own(slice, world), { concurrency: "unbounded", discard: true })
      )
      yield* Effect.addFinalizer(() => Effect.sync(leave))
      return DcpSharding.of({ owned: world.owned })
    })
  )) as never

/** Settings of the cluster that go with slices: a shard each, and failures that are noticed within seconds. */
const clusterConfig = (slices: number = defaultSlices): Partial<ShardingConfig["Service"]> => ({
  shardsPerGroup: slices,
  shardLockRefreshInterval: "2 seconds",
  shardLockExpiration: "10 seconds",
  refreshAssignmentsInterval: "250 millis",
  entityMessagePollInterval: "1 second",
  runnerHealthCheckInterval: "2 seconds"
})

/** The slices that this process has. */
export class DcpSharding extends Context.Service<DcpSharding, {
  /** By their numbers. It changes while they move. */
  readonly owned: ReadonlyMap<number, OwnedSlice>
}>()("@wirewright/dcp/DcpSharding") {
  static readonly layer = layer
  static readonly layerStatic = layerStatic
  static readonly clusterConfig = clusterConfig
  /**
   * A layer of the cluster's `RunnerStorage` that waits for locks which somebody is about to give up, up to a second, as in
   * `DcpSharding.patientLocks(SqlRunnerStorage.layer)`: slices that move are taken over as soon as they are free. For clusters of slices alone.
   */
  static readonly patientLocks = patientLocks
  static readonly runnerAddresses = runnerAddresses
}
