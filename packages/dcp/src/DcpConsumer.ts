/**
 * A change stream of a bucket: one fibre for each vbucket, which does what its `VbucketFollower` says; the events of all go to one outbox. A vbucket
 * that fails does not stop the others.
 *
 * What is asked for, what a rollback means and when to wait is the follower's; where to ask `DcpNodes`'; when what was processed is stored
 * `CheckpointWriter`'s.
 */
import type { Cluster } from "@wirewright/couchbase/node"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { Alarms } from "./Alarms.ts"
import { Beginning } from "./Beginning.ts"
import type { Checkpoints } from "./CheckpointFormat.ts"
import type { CheckpointGroup } from "./CheckpointStore.ts"
import type { DcpStatus } from "./ChangesOptions.ts"
import type { ChangesSettings } from "./ChangesSettings.ts"
import { CheckpointWriter } from "./CheckpointWriter.ts"
import { type DcpError, type DcpStreamFailed, TooManyUnsettled } from "./DcpError.ts"
import { CaughtUp, type DcpEvent, VbucketEnded } from "./DcpEvent.ts"
import type { DcpNodes } from "./DcpNodes.ts"
import { Outbox } from "./Outbox.ts"
import type { StreamFilter } from "./StreamFilter.ts"
import { endless } from "./RollbackDecision.ts"
import { type FollowOptions, type RollbackNotice, VbucketFollower } from "./VbucketFollower.ts"
import { follow, type FollowEnvironment } from "./VbucketFibre.ts"
import { type StreamOwner, VbucketStream } from "./VbucketStream.ts"

/** What a consumer needs of the world. */
export interface ConsumerEnvironment {
  readonly cluster: Pick<Cluster, "map" | "seedOf" | "learn" | "refresh">
  readonly nodes: Pick<DcpNodes, "connectionOf" | "pause" | "attempts" | "lost" | "connections">
  /** Where checkpoints are kept; without it nowhere. */
  readonly checkpoints: CheckpointGroup | undefined
  readonly random: () => number
  /** The connections are others' too: streams are closed at the end, and what waits is given free. Default: false. */
  readonly shared?: boolean
  /** How long the last saving may take. Default: 10 seconds. */
  readonly stopWithin?: Duration.Input
}

/** Told of the transitions of all followers: for whoever counts them. */
export const OnTransition = Context.Reference<NonNullable<FollowOptions["onTransition"]>>("@wirewright/dcp/OnTransition", {
  defaultValue: () => () => {}
})

/** A change stream. */
export class DcpConsumer implements StreamOwner, FollowEnvironment {
  readonly outbox = new Outbox<DcpEvent, DcpError>()
  readonly verbose: boolean
  readonly settings: ChangesSettings
  readonly cluster: ConsumerEnvironment["cluster"]
  readonly nodes: ConsumerEnvironment["nodes"]
  readonly writer: CheckpointWriter | undefined
  filter: StreamFilter = {}
  private readonly world: ConsumerEnvironment
  private readonly streams = new Map<number, VbucketStream>()
  private readonly alarms: Alarms
  private events = 0
  /** No less than the events that are not settled, which cost more to count. */
  private atMost = 0
  private caught = 0
  private ended = 0
  private failures: Array<DcpStreamFailed> = []

  private constructor(world: ConsumerEnvironment, settings: ChangesSettings) {
    this.world = world
    this.cluster = world.cluster
    this.nodes = world.nodes
    this.settings = settings
    this.verbose = settings.verbose
    this.alarms = new Alarms(settings.slowAfter)
    this.writer = world.checkpoints === undefined ? undefined : new CheckpointWriter(world.checkpoints, settings.commitInterval)
  }

  /** Begins to stream; it ends with the scope, after what was settled is saved. */
  static readonly make = (world: ConsumerEnvironment, settings: ChangesSettings): Effect.Effect<DcpConsumer, never, Scope.Scope> =>
    Effect.gen(function*() {
      const consumer = new DcpConsumer(world, settings)
      const { writer } = consumer
      // what was settled until the very end is saved after the fibres have ended
      if (writer !== undefined) {
        const { stopWithin = "10 seconds" } = world
        yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(consumer.stop(writer), stopWithin)))
      }
      if (world.shared === true) yield* Effect.addFinalizer(() => Effect.sync(() => consumer.leave()))
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
      ended: this.ended,
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
    const { maxUnsettled: limit } = this.settings
    if (++this.atMost <= limit) return
    this.atMost = this.unsettled
    if (this.atMost > limit) this.outbox.fail(Cause.fail(new TooManyUnsettled({ limit })))
  }

  caughtUp(): void {
    if (++this.caught === this.streams.size) this.outbox.push(new CaughtUp(undefined), 0, undefined)
  }

  private get unsettled(): number {
    let sum = 0
    for (const { follower } of this.streams.values()) sum += follower.progress.unprocessed
    return sum
  }

  private readonly run: Effect.Effect<void, DcpError> = Effect.gen({ self: this }, function*(this: DcpConsumer) {
    const { settings: { ends, from, onRollback, wanted }, world: { checkpoints, cluster, random } } = this
    const onTransition = yield* OnTransition
    const beginning = new Beginning(cluster, this.nodes)
    const vbuckets = yield* beginning.vbuckets(wanted.vbuckets)
    this.filter = yield* beginning.filter(wanted)
    const saved: Checkpoints = checkpoints === undefined ? new Map() : yield* checkpoints.load
    const highs = yield* beginning.highSeqnos(vbuckets)
    for (const vbucket of vbuckets) {
      const high = highs.get(vbucket)!
      const checkpoint = saved.get(vbucket) ?? (yield* beginning.checkpoint(vbucket, from, high))
      const follower = new VbucketFollower(checkpoint, {
        random,
        high,
        end: ends ? high : endless,
        onTransition,
        onRollback
      })
      this.streams.set(vbucket, new VbucketStream(vbucket, follower, this))
    }
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
      this.ended++
      if (failure !== undefined) {
        this.failures.push(failure)
        if (stream.follower.behind) this.caughtUp()
      }
      this.outbox.push(new VbucketEnded(stream.vbucket, failure), 0, undefined)
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
