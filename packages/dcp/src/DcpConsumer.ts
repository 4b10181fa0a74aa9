/**
 * A change stream of a bucket: one fibre for each vbucket, which does what its `VbucketFollower` says; the events of all go to one outbox. A vbucket
 * that fails does not stop the others.
 *
 * What is asked for, what a rollback means and when to wait is the follower's; where to ask `DcpNodes`'; when what was processed is stored
 * `CheckpointWriter`'s.
 */
import type { Cluster } from "@wirewright/couchbase/Cluster"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { Alarms } from "./Alarms.ts"
import { Beginning } from "./Beginning.ts"
import type { Checkpoints } from "./CheckpointFormat.ts"
import type { CheckpointGroup } from "./CheckpointStore.ts"
import type { ChangesOptions, DcpStatus } from "./ChangesOptions.ts"
import { CheckpointWriter } from "./CheckpointWriter.ts"
import { type DcpError, type DcpStreamFailed, TooManyUnsettled } from "./DcpError.ts"
import { CaughtUp, type DcpEvent, VbucketEnded } from "./DcpEvent.ts"
import { DcpNodes } from "./DcpNodes.ts"
import { Outbox } from "./Outbox.ts"
import type { StreamFilter } from "./StreamFilter.ts"
import { endless } from "./RollbackDecision.ts"
import { type FollowOptions, type RollbackNotice, VbucketFollower } from "./VbucketFollower.ts"
import { follow, type FollowWorld } from "./VbucketFibre.ts"
import { type StreamOwner, VbucketStream } from "./VbucketStream.ts"

/** What a consumer needs of the world. */
export interface ConsumerWorld {
  readonly cluster: Cluster
  /** How connections begin; `ChangesOptions` says the rest. */
  readonly connection: Omit<ConstructorParameters<typeof DcpNodes>[0]["connection"], "negotiation">
  /** Where checkpoints are kept; without it nowhere. */
  readonly checkpoints: CheckpointGroup | undefined
  readonly unique: () => string
  readonly random: () => number
}

/** Told of the transitions of all followers: for whoever counts them. */
export const OnTransition = Context.Reference<NonNullable<FollowOptions["onTransition"]>>("@wirewright/dcp/OnTransition", {
  defaultValue: () => () => {}
})

/** A change stream. */
export class DcpConsumer implements StreamOwner, FollowWorld {
  readonly outbox = new Outbox<DcpEvent, DcpError>()
  readonly verbose: boolean
  readonly options: ChangesOptions
  readonly cluster: Cluster
  readonly nodes: DcpNodes
  readonly writer: CheckpointWriter | undefined
  filter: StreamFilter = {}
  private readonly world: ConsumerWorld
  private readonly streams = new Map<number, VbucketStream>()
  private readonly alarms: Alarms
  private events = 0
  private sinceCounted = 0
  private behind = 0
  private running = 0
  private failures: Array<DcpStreamFailed> = []

  private constructor(world: ConsumerWorld, options: ChangesOptions, scope: Scope.Scope, services: Context.Context<never>) {
    this.world = world
    this.cluster = world.cluster
    this.options = options
    this.verbose = options.verbose === true
    this.alarms = new Alarms(Duration.toMillis(options.slowAfter ?? "30 seconds"))
    const { connectBudget, connectionName, noopInterval = "20 seconds", priority, window = 10 * 1024 * 1024, xattrs = false } = options
    this.nodes = new DcpNodes({
      cluster: world.cluster,
      group: options.group ?? "wirewright",
      fixedName: connectionName,
      unique: world.unique,
      random: world.random,
      burst: connectBudget?.burst ?? 10,
      perSecond: connectBudget?.perSecond ?? 2,
      log: (line) => void Effect.runForkWith(services)(line),
      connection: {
        ...world.connection,
        negotiation: {
          name: "",
          window,
          noopInterval: Duration.toMillis(noopInterval) / 1000,
          xattrs,
          values: options.values ?? "all",
          expirations: options.expirations ?? "distinct",
          streamIds: options.streamId !== undefined,
          outOfOrder: false,
          history: false,
          priority
        }
      }
    }, scope)
    this.writer = world.checkpoints === undefined
      ? undefined
      : new CheckpointWriter(world.checkpoints, Duration.toMillis(options.commitInterval ?? "1 second"))
  }

  /** Begins to stream; it ends with the scope, after what was settled is saved. */
  static readonly make = (world: ConsumerWorld, options: ChangesOptions): Effect.Effect<DcpConsumer, never, Scope.Scope> =>
    Effect.gen(function*() {
      const outer = yield* Effect.scope
      const consumer = new DcpConsumer(world, options, outer, yield* Effect.context<never>())
      const { writer } = consumer
      // what was settled until the very end is saved after the fibres have ended
      if (writer !== undefined) yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(consumer.stop(writer), "10 seconds")))
      const fail = (exit: Exit.Exit<unknown, DcpError>): Effect.Effect<void> =>
        Effect.sync(() => {
          if (Exit.isFailure(exit)) consumer.outbox.fail(exit.cause)
        })
      if (writer !== undefined) yield* Effect.forkScoped(Effect.onExit(writer.run, fail))
      yield* Effect.forkScoped(Effect.onExit(consumer.run, fail))
      yield* Effect.forkScoped(consumer.alarms.watch(consumer.streams))
      return consumer
    })

  get status(): DcpStatus {
    const streams = [...this.streams.values()]
    return {
      vbuckets: streams.length,
      streaming: streams.filter(({ follower }) => follower.open).length,
      ended: streams.length - this.running,
      events: this.events,
      unsettled: this.unsettled,
      stalled: this.alarms.stalled,
      waiting: this.outbox.size,
      rollbacks: this.alarms.rollbacks,
      connects: this.nodes.attempts,
      disconnects: this.nodes.lost,
      commits: this.writer?.saved ?? 0,
      failedCommits: this.writer?.failed ?? 0,
      connections: this.nodes.connections.map((connection) => ({ ...connection.counters, address: connection.address }))
    }
  }

  /** The checkpoints as they are, saved or not. */
  get checkpoints(): Checkpoints {
    return new Map([...this.streams].map(([vbucket, { follower }]) => [vbucket, follower.checkpoint] as const))
  }

  /** Saves what was settled. */
  readonly flush: Effect.Effect<void, DcpError> = Effect.suspend(() => this.writer?.flush ?? Effect.void)

  changed(stream: VbucketStream): void {
    this.writer?.touch(stream.vbucket, stream.current)
  }

  rolledBack(vbucket: number, rollback: RollbackNotice): void {
    this.alarms.rolledBack(vbucket, rollback)
  }

  delivered(): void {
    this.events++
    const limit = this.options.maxUnsettled ?? 1_000_000
    if (++this.sinceCounted < limit) return
    this.sinceCounted = this.unsettled
    if (this.sinceCounted >= limit) this.outbox.fail(Cause.fail(new TooManyUnsettled({ limit })))
  }

  caughtUp(): void {
    if (--this.behind === 0) this.outbox.push(new CaughtUp(undefined), 0, undefined)
  }

  private get unsettled(): number {
    let sum = 0
    for (const { follower } of this.streams.values()) sum += follower.progress.unprocessed
    return sum
  }

  private readonly run: Effect.Effect<void, DcpError> = Effect.gen({ self: this }, function*(this: DcpConsumer) {
    const { options: { from = "checkpoint", onRollback, to, vbuckets: wanted }, world: { checkpoints, cluster, random } } = this
    const onTransition = yield* OnTransition
    const beginning = new Beginning(cluster, this.nodes)
    const vbuckets = yield* beginning.vbuckets(wanted)
    this.filter = yield* beginning.filter(this.options)
    const wantsSaved = from === "checkpoint" || typeof from === "object" && "savedOr" in from
    const saved: Checkpoints = wantsSaved && checkpoints !== undefined ? yield* checkpoints.load : new Map()
    const highs = yield* beginning.highSeqnos(vbuckets)
    for (const vbucket of vbuckets) {
      const high = highs.get(vbucket)!
      const checkpoint = saved.get(vbucket) ?? (yield* beginning.checkpoint(vbucket, from, high))
      const follower = new VbucketFollower(checkpoint, {
        random,
        high,
        end: to === "now" ? high : endless,
        onTransition,
        ...onRollback === undefined ? {} : { onRollback }
      })
      this.streams.set(vbucket, new VbucketStream(vbucket, follower, this))
    }
    this.behind = this.streams.size
    this.running = this.streams.size
    yield* Effect.forEach(
      this.streams.values(),
      (stream) => Effect.flatMap(follow(stream, this), (failure) => this.finish(stream, failure)),
      {
        concurrency: "unbounded",
        discard: true
      }
    )
    const [failure] = this.failures
    if (failure === undefined) this.outbox.end()
    else this.outbox.fail(Cause.fail(failure))
  })

  private finish(stream: VbucketStream, failure: DcpStreamFailed | undefined): Effect.Effect<void> {
    return Effect.sync(() => {
      this.running--
      if (failure !== undefined) {
        this.failures.push(failure)
        if (stream.follower.behind) this.caughtUp()
      }
      this.outbox.push(new VbucketEnded(stream.vbucket, failure), 0, undefined)
    })
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
