/**
 * A change stream of a bucket: a fibre for each vbucket that something is to be done for, which does what its `VbucketFollower` says; the events of
 * all go to one outbox. A vbucket that fails does not stop the others.
 *
 * What is asked for, what a rollback means and when to wait is the follower's; where to ask `DcpNodes`'; when what was processed is stored
 * `CheckpointWriter`'s.
 */
import type { Cluster } from "@wirewright/couchbase/node"
import { announce } from "@wirewright/connection/Health"
import type { SpanAttributes } from "@wirewright/connection/Spans"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import { type Checkpoint, emptyCheckpoint } from "./Checkpoint.ts"
import { mitigate } from "./Mitigation.ts"
import * as Stream from "effect/Stream"
import { Alarms } from "./Alarms.ts"
import { Beginning } from "./Beginning.ts"
import type { Checkpoints } from "./CheckpointFormat.ts"
import type { CheckpointGroup } from "./CheckpointStore.ts"
import type { DcpStatus } from "./ChangesOptions.ts"
import type { ChangesSettings } from "./ChangesSettings.ts"
import { CollectionNames } from "./CollectionNames.ts"
import { CheckpointWriter } from "./CheckpointWriter.ts"
import type { ConsumerTelemetry, VbucketLag } from "./ConsumerTelemetry.ts"
import { BucketChanged, type DcpError, type DcpStreamFailed, TooManyUnsettled } from "./DcpError.ts"
import { CaughtUp, type Change, type DcpEvent, VbucketEnded } from "./DcpEvent.ts"
import type { DcpNodes } from "./DcpNodes.ts"
import { Lag, LagPoll } from "./Lag.ts"
import { Outbox } from "./Outbox.ts"
import type { StreamFilter } from "./StreamFilter.ts"
import { endless } from "./RollbackDecision.ts"
import { type FollowOptions, type RollbackNotice, VbucketFollower } from "./VbucketFollower.ts"
import { follow, type FollowEnvironment } from "./VbucketFibre.ts"
import { type StreamOwner, VbucketStream } from "./VbucketStream.ts"

/** What a consumer needs of the world. */
export interface ConsumerEnvironment {
  readonly cluster: Pick<Cluster, "map" | "seedOf" | "copySeedsOf" | "learn" | "refresh">
  readonly nodes: Pick<
    DcpNodes,
    "connectionOf" | "pause" | "attempts" | "lost" | "connections" | "totals" | "unreached" | "persistedSeqno" | "bucketUuid"
  >
  /** Where checkpoints are kept; without it nowhere. */
  readonly checkpoints: CheckpointGroup | undefined
  readonly random: () => number
  /** The connections are others' too: streams are closed at the end, and what waits is given free. Default: false. */
  readonly shared?: boolean
  /** Where it hears of high seqnos, when somebody else asks for them. Default: it asks for itself. */
  readonly lagPoll?: LagPoll
  /** Which part of the group it is, in names. Default: all of it. */
  readonly part?: string
  /** How long the last saving may take. Default: 10 seconds. */
  readonly stopWithin?: Duration.Input
  /** What is told to metrics; nothing without it. */
  readonly telemetry?: ConsumerTelemetry | undefined
  /** Whose spans they are. */
  readonly attributes: SpanAttributes
}

/** Told of the transitions of all followers: for whoever counts them. */
export const OnTransition = Context.Reference<NonNullable<FollowOptions["onTransition"]>>("@wirewright/dcp/OnTransition", {
  defaultValue: () => () => {}
})

const isOfAnother = (checkpoint: Checkpoint, bucketUuid: string | undefined): boolean =>
  bucketUuid !== undefined && checkpoint.bucketUuid !== undefined && checkpoint.bucketUuid !== bucketUuid

const mayHaveDelivered = ({ ahead, position, undo }: Checkpoint): boolean => position.seqno > 0n || ahead || undo

/** A change stream. */
export class DcpConsumer implements StreamOwner, FollowEnvironment {
  readonly outbox = new Outbox<DcpEvent, DcpError>()
  readonly verbose: boolean
  readonly gated: boolean
  readonly settings: ChangesSettings
  readonly cluster: ConsumerEnvironment["cluster"]
  readonly nodes: ConsumerEnvironment["nodes"]
  readonly writer: CheckpointWriter | undefined
  readonly names = new CollectionNames()
  readonly attributes: SpanAttributes
  filter: StreamFilter = {}
  private readonly world: ConsumerEnvironment
  private readonly streams = new Map<number, VbucketStream>()
  private readonly alarms: Alarms
  private readonly lag: Lag
  private events = 0
  private readonly rare = { deletion: 0, expiration: 0, system: 0 }
  /** No less than the events that are not settled, which cost more to count. */
  private atMost = 0
  private caught = 0
  private ended = 0
  private failures: Array<DcpStreamFailed> = []
  /** Why it ended, where that is a failure. */
  private failure: string | undefined
  /** Begins what is to be done for a vbucket. */
  private begin: ((step: Effect.Effect<void, DcpError>) => void) | undefined
  private readonly allEnded = Deferred.makeUnsafe<void>()
  private over = false
  private leaving = false

  private constructor(world: ConsumerEnvironment, settings: ChangesSettings) {
    this.world = world
    this.cluster = world.cluster
    this.nodes = world.nodes
    this.attributes = world.attributes
    this.settings = settings
    this.verbose = settings.verbose
    this.gated = settings.mitigation !== undefined
    this.alarms = new Alarms(settings.slowAfter)
    this.lag = new Lag(this.streams)
    const told = (milliseconds: number, failure: string | undefined): void => world.telemetry?.committed(milliseconds, failure)
    this.writer = world.checkpoints === undefined
      ? undefined
      : new CheckpointWriter(world.checkpoints, settings.commitInterval, world.attributes, told)
  }

  /** Begins to stream; it ends with the scope, after what was settled is saved. */
  static readonly make = (world: ConsumerEnvironment, settings: ChangesSettings): Effect.Effect<DcpConsumer, never, Scope.Scope> =>
    Effect.gen(function*() {
      const consumer = new DcpConsumer(world, settings)
      const { writer } = consumer
      // until it is gone, which saving may delay
      yield* announce({
        name: [`dcp ${settings.nodes.group}`, ...world.part === undefined ? [] : [world.part]].join(", "),
        notReady: () => consumer.notReady,
        notLive: () => consumer.failure === undefined ? [] : [consumer.failure],
        status: () => consumer.status
      })
      // what was settled until the very end is saved after the fibres have ended
      if (writer !== undefined) {
        const { stopWithin = "10 seconds" } = world
        yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(consumer.stop(writer), stopWithin)))
      }
      if (world.shared === true) yield* Effect.addFinalizer(() => Effect.sync(() => consumer.leave()))
      const fail = (exit: Exit.Exit<unknown, DcpError>): Effect.Effect<void> =>
        Effect.sync(() => {
          consumer.over = true
          if (Exit.isFailure(exit)) consumer.fail(exit.cause)
        })
      const { telemetry } = world
      if (telemetry !== undefined) {
        yield* Effect.acquireRelease(Effect.sync(() => telemetry.publish(consumer)), () => Effect.sync(() => telemetry.end()))
      }
      if (writer !== undefined) yield* Effect.forkScoped(Effect.onExit(writer.run, fail))
      yield* Effect.forkScoped(Effect.onExit(consumer.run, fail))
      yield* Effect.forkScoped(consumer.alarms.watch(consumer.streams))
      if (settings.mitigation !== undefined) {
        yield* Effect.forkScoped(mitigate(consumer.streams, consumer.cluster, consumer.nodes, settings.mitigation))
      }
      if (!settings.ends) {
        const { lagPoll = new LagPoll() } = world
        yield* lagPoll.tell(consumer.lag, () => world.nodes.connections)
        if (world.lagPoll === undefined) yield* Effect.forkScoped(lagPoll.run(settings.lagInterval))
      }
      yield* Effect.addFinalizer(() => Effect.sync(() => consumer.leaving = true))
      return consumer
    })

  get status(): DcpStatus {
    const streams = [...this.streams.values()]
    const { deletion, expiration, system } = this.rare
    return {
      vbuckets: streams.length,
      streaming: streams.filter(({ follower }) => follower.open).length,
      ended: this.ended,
      events: this.events,
      kinds: { mutation: this.events - deletion - expiration - system, deletion, expiration, system },
      unsettled: this.unsettled,
      oldestUnsettled: this.alarms.oldest,
      lag: this.lag.total,
      stalled: this.alarms.stalled,
      waiting: this.outbox.size,
      withheld: streams.reduce((sum, { withheld }) => sum + withheld, 0),
      rollbacks: this.alarms.rollbacks,
      connects: this.nodes.attempts,
      disconnects: this.nodes.lost,
      commits: this.writer?.saved ?? 0,
      failedCommits: this.writer?.failed ?? 0,
      ...this.nodes.totals,
      connections: this.nodes.connections.map((connection) => ({ ...connection.counters, address: connection.address }))
    }
  }

  /**
   * How it does, now and then again after each interval until it ends, once more with its end. Whoever is slow sees the newest, and nothing of what was
   * before.
   */
  statuses(interval: Duration.Input = "1 second"): Stream.Stream<DcpStatus> {
    return Stream.unfold("now" as "now" | "later" | "over", (when) => {
      if (when === "over") return Effect.undefined
      const look = Effect.sync(() => [this.status, this.over ? "over" : "later"] as const)
      return when === "now" ? look : Effect.andThen(Effect.sleep(interval), look)
    })
  }

  /** How far each vbucket is. */
  get lags(): Iterable<VbucketLag> {
    return this.lag.all
  }

  /** Why it does not do what it is for; nothing while it does. */
  get notReady(): ReadonlyArray<string> {
    if (this.failure !== undefined) return [this.failure]
    if (this.leaving) return ["it is ending"]
    if (this.over) return []
    const { failing } = this.writer ?? {}
    const { stalled, streaming, vbuckets } = this.status
    const wanted = vbuckets - this.ended
    return [
      ...this.nodes.unreached,
      ...vbuckets === 0 ? ["it has not found out which vbuckets there are"] : [],
      ...streaming < wanted ? [`${wanted - streaming} of ${vbuckets} vbuckets have no stream`] : [],
      ...stalled.length > 0 ? [`${stalled.length} of ${vbuckets} vbuckets have not got on for ${this.settings.slowAfter} ms`] : [],
      ...failing === undefined ? [] : [`checkpoints cannot be saved: ${failing.message}`]
    ]
  }

  /** The checkpoints as they are, saved or not. */
  get checkpoints(): Checkpoints {
    return new Map([...this.streams].map(([vbucket, { follower }]) => [vbucket, follower.checkpoint] as const))
  }

  /** Of these changes those that count: what a stream brought that is gone comes again. */
  counting<A extends Change>(changes: ReadonlyArray<A>): ReadonlyArray<A> {
    return changes.filter(({ waits }) => waits)
  }

  /** The checkpoints once these changes, which count, are processed. */
  after(changes: ReadonlyArray<Change>): Checkpoints {
    const last = new Map(changes.map((change) => [change.vbucket, change] as const))
    return new Map([...last].map(([vbucket, change]) => [vbucket, this.streams.get(vbucket)!.follower.progress.after(change)] as const))
  }

  /** The checkpoint of a vbucket once the rollback that it waits for is undone. */
  afterRollback(vbucket: number): Checkpoints {
    return new Map([[vbucket, { ...this.streams.get(vbucket)!.follower.checkpoint, undo: false, ahead: false }]])
  }

  /** Saves what was settled. */
  readonly flush: Effect.Effect<void, DcpError> = Effect.suspend(() => this.writer?.flush ?? Effect.void)

  changed(stream: VbucketStream): void {
    this.writer?.touch(stream.vbucket, () => stream.current())
  }

  proceed(stream: VbucketStream): void {
    this.begin?.(Effect.flatMap(follow(stream, this), (came) => came === "Following" ? Effect.void : this.finish(stream, came)))
  }

  rolledBack(vbucket: number, rollback: RollbackNotice): void {
    this.alarms.rolledBack(vbucket, rollback)
    this.world.telemetry?.rolledBack(rollback.reason)
  }

  branched(vbucket: number, from: bigint, to: bigint): void {
    this.alarms.branched(vbucket, from, to)
  }

  moved(vbucket: number, from: string, to: string): void {
    this.alarms.moved(vbucket, from, to)
  }

  delivered({ _tag }: Change): void {
    this.events++
    if (_tag !== "Mutation") this.rare[_tag === "Deletion" ? "deletion" : _tag === "Expiration" ? "expiration" : "system"]++
    const { maxUnsettled: limit } = this.settings
    if (++this.atMost <= limit) return
    this.atMost = this.unsettled
    if (this.atMost > limit) this.fail(Cause.fail(new TooManyUnsettled({ limit })))
  }

  caughtUp(): void {
    if (++this.caught === this.streams.size) this.outbox.push(new CaughtUp(undefined), 0, undefined)
  }

  private get unsettled(): number {
    let sum = 0
    for (const { follower } of this.streams.values()) sum += follower.progress.unprocessed
    return sum
  }

  private readonly run: Effect.Effect<void, DcpError> = Effect.scoped(Effect.gen({ self: this }, function*(this: DcpConsumer) {
    const { settings: { ends, from, onRollback, wanted }, world: { checkpoints, cluster, random } } = this
    const onTransition = yield* OnTransition
    const beginning = new Beginning(cluster, this.nodes)
    const vbuckets = yield* beginning.vbuckets(wanted.vbuckets)
    yield* beginning.gate(this.settings.mitigation)
    this.filter = yield* beginning.filter(wanted)
    yield* beginning.names(vbuckets[0]!, this.names)
    const saved: Checkpoints = checkpoints === undefined ? new Map() : yield* checkpoints.load
    const bucketUuid = cluster.map?.bucketUuid
    const stranger = [...saved.values()].find((one) => isOfAnother(one, bucketUuid))
    if (stranger !== undefined && this.settings.onBucketChange === "fail") {
      return yield* new BucketChanged({ bucket: cluster.map?.bucket ?? "", expected: stranger.bucketUuid!, found: bucketUuid! })
    }
    this.nodes.bucketUuid = bucketUuid
    const highs = yield* beginning.highSeqnos(vbuckets)
    for (const vbucket of vbuckets) {
      const high = highs.get(vbucket)!
      const known = saved.get(vbucket)
      const outdated = known !== undefined && isOfAnother(known, bucketUuid)
      // everything that was delivered of the other bucket is to be undone, which a crash does not change
      const first = outdated
        ? { ...emptyCheckpoint, undo: mayHaveDelivered(known) }
        : known ?? (yield* beginning.checkpoint(vbucket, from, high))
      const checkpoint = bucketUuid === undefined ? first : { ...first, bucketUuid }
      const follower = new VbucketFollower(checkpoint, {
        ...outdated ? { owed: "BucketChanged" as const } : {},
        random,
        high,
        end: ends ? high : endless,
        onTransition,
        onRollback
      })
      this.streams.set(vbucket, new VbucketStream(vbucket, follower, this))
    }
    this.lag.learn(highs)
    this.world.telemetry?.publishVbuckets(vbuckets, (vbucket) => this.lag.of(vbucket))
    const fibres = yield* FiberSet.make<void, DcpError>()
    this.begin = yield* FiberSet.runtime(fibres)()
    for (const stream of this.streams.values()) this.proceed(stream)
    // the first vbucket whose fibre fails ends all
    if (this.streams.size > 0) yield* Effect.raceFirst(Deferred.await(this.allEnded), FiberSet.join(fibres))
    const [failure] = this.failures
    if (failure === undefined) this.outbox.end()
    else this.fail(Cause.fail(failure))
  }))

  private fail(cause: Cause.Cause<DcpError>): void {
    if (!Cause.hasInterruptsOnly(cause)) this.failure ??= Cause.pretty(cause)
    this.outbox.fail(cause)
  }

  private finish(stream: VbucketStream, came: DcpStreamFailed | "Finished"): Effect.Effect<void> {
    return Effect.sync(() => {
      const failure = came === "Finished" ? undefined : came
      this.ended++
      if (failure !== undefined) {
        this.failures.push(failure)
        if (stream.follower.behind) this.caughtUp()
      }
      this.outbox.push(new VbucketEnded(stream.vbucket, failure), 0, undefined)
      if (this.ended === this.streams.size) Deferred.doneUnsafe(this.allEnded, Exit.void)
    })
  }

  /** Nothing more comes on connections that go on without this consumer. */
  private leave(): void {
    for (const stream of this.streams.values()) stream.leave()
    this.outbox.discard()
  }

  /** Nothing more is handed over; what was processed is saved. */
  private stop(writer: CheckpointWriter): Effect.Effect<void, DcpError> {
    return Effect.suspend(() => {
      for (const stream of this.streams.values()) {
        stream.follower.stopped()
        if (stream.follower.progress.dirty) this.changed(stream)
      }
      return writer.flush
    })
  }
}
