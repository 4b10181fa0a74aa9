/**
 * A slice of a group in the hands of one process: taken over, processed, given up.
 *
 * Taking over makes a new epoch of the slice's checkpoints, so that whoever had it before cannot save any more (`Fenced`). Giving up means: nothing
 * more is begun, what was begun comes to an end and is saved, the streams are closed; then somebody else may have it. A slice that fails is taken
 * over again, by itself; the others do not hear of it.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Beginning } from "./Beginning.ts"
import type { ChangesSettings } from "./ChangesSettings.ts"
import type { CheckpointGroup, CheckpointStoreShape } from "./CheckpointStore.ts"
import { backOff } from "./ConnectBudget.ts"
import type { ConsumerTelemetry } from "./ConsumerTelemetry.ts"
import { type ConsumerEnvironment, DcpConsumer } from "./DcpConsumer.ts"
import { CheckpointError, type DcpError, DcpOptionsError } from "./DcpError.ts"
import type { DcpEvent } from "./DcpEvent.ts"
import { Drain } from "./Drain.ts"
import type { LagPoll } from "./Lag.ts"
import type { Gate } from "./Processing.ts"

/** A slice as its owner knows it. */
export interface OwnedSlice {
  /** From 0. */
  readonly slice: number
  readonly slices: number
  /** Grows with every owner: a sink that refuses an older one than it has seen hears nothing of owners that were replaced. */
  readonly epoch: number
  readonly vbuckets: ReadonlyArray<number>
  readonly consumer: DcpConsumer
}

/** The slice that a handler works for. */
export class DcpSlice extends Context.Service<DcpSlice, OwnedSlice>()("@wirewright/dcp/DcpSlice") {}

/** What slices need of their process. */
export interface SliceEnvironment<E, R> {
  readonly cluster: ConsumerEnvironment["cluster"]
  /** The connections of all slices, held until the scope ends. */
  readonly nodes: Effect.Effect<ConsumerEnvironment["nodes"], never, Scope.Scope>
  /** Asks for the high seqnos, for all slices. */
  readonly lagPoll: LagPoll
  /** What a slice tells of itself to metrics. */
  readonly telemetry: Effect.Effect<ConsumerTelemetry | undefined>
  /** Whose spans they are. */
  readonly attributes: ConsumerEnvironment["attributes"]
  readonly store: CheckpointStoreShape
  /** Name of the whole in the store. */
  readonly group: string
  readonly settings: ChangesSettings
  readonly slices: number
  /** Slices that the group had before; 1: it was not shared. A slice without checkpoints goes on where those were. */
  readonly formerSlices: number | undefined
  /** Milliseconds from losing a slice to its end; handlers have three quarters of them, the last saving has the rest. */
  readonly drainWithin: number
  readonly random: () => number
  readonly process: (events: Stream.Stream<DcpEvent, DcpError>, gate: Gate) => Stream.Stream<DcpEvent, DcpError | E, R>
  /** Slices that this process has now. */
  readonly owned: Map<number, OwnedSlice>
}

/** Waits before a slice that failed is taken over again, in milliseconds: the first and the longest. */
const firstWait = 200
const longestWait = 5_000
/** The first wait before one that somebody else has taken over: he is, as a rule, who is to have it. */
const fencedWait = 1_000
/** A slice that failed after so many milliseconds fails for the first time. */
const healthy = 30_000

/** Neighbouring vbuckets, so that what is stored of a slice lies together; sizes differ by one at most. */
export const vbucketsOf = (all: ReadonlyArray<number>, slices: number, slice: number): ReadonlyArray<number> =>
  all.slice(Math.floor(slice * all.length / slices), Math.floor((slice + 1) * all.length / slices))

/** The group that the checkpoints of a slice are kept under. */
export const groupOf = (group: string, slices: number, slice: number): string => slices === 1 ? group : `${group}/${slices}/${slice}`

/** Whether somebody else has taken over what the failed work was for. */
const isFenced = (error: unknown): boolean => error instanceof CheckpointError && error.reason === "Fenced"

/** Has a slice until it is interrupted, or until there is nothing more to process. */
export const own = <E, R>(slice: number, world: SliceEnvironment<E, R>): Effect.Effect<void, never, Exclude<R, DcpSlice>> =>
  Effect.gen(function*() {
    for (let failures = 0;;) {
      const began = yield* Clock.currentTimeMillis
      const exit = yield* Effect.exit(once(slice, world))
      if (Exit.isSuccess(exit)) return
      if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.failCause(exit.cause as Cause.Cause<never>)
      failures = (yield* Clock.currentTimeMillis) - began > healthy ? 1 : failures + 1
      const error = Cause.squash(exit.cause)
      const wait = Math.round(backOff(failures, isFenced(error) ? fencedWait : firstWait, longestWait, world.random))
      const name = `slice ${slice} of ${world.group}`
      if (isFenced(error)) yield* Effect.logInfo(`${name}: another process has taken it over`)
      else {yield* Effect.logWarning(
          `${name} failed and is tried again in ${wait} ms: ${error instanceof Error ? error.message : String(error)}`
        )}
      yield* Effect.sleep(wait)
    }
  })

/** Has a slice until it is interrupted, fails, or is at its end. */
const once = <E, R>(
  slice: number,
  world: SliceEnvironment<E, R>
): Effect.Effect<void, DcpError | E, Exclude<R, DcpSlice>> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const { drainWithin, owned, process } = world
      const scope = yield* Scope.make()
      const drain = new Drain()
      const working = Effect.gen(function*() {
        const taken = yield* Scope.provide(takeOver(slice, world), scope)
        owned.set(slice, taken)
        const gate: Gate = (handler) => drain.within(handler)
        const events = process(Stream.fromPull(Effect.succeed(taken.consumer.outbox.pull)), gate)
        yield* Effect.provideService(Stream.runDrain(events), DcpSlice, taken)
      })
      // not a child: an interruption has to wait for what its handlers do
      const fiber = yield* Effect.forkIn(restore(working), scope)
      const waited = yield* Effect.exit(restore(Fiber.await(fiber)))
      if (Exit.isFailure(waited)) {
        const time = Math.ceil(drainWithin * 3 / 4)
        const drained = yield* Effect.timeoutOption(Effect.interruptible(drain.stop), time)
        if (Option.isNone(drained)) yield* Effect.logWarning(`slice ${slice} of ${world.group}: its handlers do not end within ${time} ms`)
        yield* Fiber.interrupt(fiber)
      }
      owned.delete(slice)
      yield* Scope.close(scope, Exit.void)
      return yield* (yield* waited) as Exit.Exit<void, DcpError | E>
    })
  ) as Effect.Effect<void, DcpError | E, Exclude<R, DcpSlice>>

const takeOver = Effect.fnUntraced(
  function*<E, R>(slice: number, world: SliceEnvironment<E, R>): Effect.fn.Return<OwnedSlice, DcpError, Scope.Scope> {
    const { attributes, cluster, drainWithin, group, lagPoll, random, settings, slices, store } = world
    const nodes = yield* world.nodes
    const telemetry = yield* world.telemetry
    const all = yield* new Beginning(cluster, nodes).vbuckets(settings.wanted.vbuckets)
    const vbuckets = vbucketsOf(all, slices, slice)
    if (vbuckets.length === 0) return yield* new DcpOptionsError({ message: `${slices} slices are more than the ${all.length} vbuckets` })
    // owners of vbuckets need no groups of their own
    const byVbucket = store.fencing === "vbucket"
    const checkpoints = yield* store.open(byVbucket ? group : groupOf(group, slices, slice), vbuckets)
    if (!byVbucket) yield* inherit(checkpoints, vbuckets, all, world)
    const stopWithin = Math.ceil(drainWithin / 4)
    const consumer = yield* DcpConsumer.make(
      {
        cluster,
        nodes,
        checkpoints,
        random,
        telemetry,
        lagPoll,
        attributes,
        shared: true,
        part: `slice ${slice} of ${slices}`,
        stopWithin
      },
      { ...settings, wanted: { ...settings.wanted, vbuckets } }
    )
    return { slice, slices, epoch: checkpoints.epoch, vbuckets, consumer }
  }
)

/** Owners of other slices may take the former one over at the same time; each of them reads it, and none goes on with it. */
const takenOver = { while: isFenced, schedule: Schedule.jittered(Schedule.spaced("50 millis")), times: 100 }

/** Of a slice that has no checkpoints: takes those that the vbuckets had when the group was cut in another number of slices. */
export const inherit = Effect.fnUntraced(
  function*(
    checkpoints: CheckpointGroup,
    vbuckets: ReadonlyArray<number>,
    all: ReadonlyArray<number>,
    { formerSlices, group, store }: Pick<SliceEnvironment<unknown, unknown>, "formerSlices" | "group" | "store">
  ): Effect.fn.Return<void, CheckpointError, Scope.Scope> {
    if (formerSlices === undefined || (yield* checkpoints.load).size > 0) return
    for (let former = 0; former < formerSlices; former++) {
      const common = vbucketsOf(all, formerSlices, former).filter((vbucket) => vbuckets.includes(vbucket))
      if (common.length === 0) continue
      // whoever still has it is not to go on
      const whole = yield* Effect.retry(store.open(groupOf(group, formerSlices, former)), takenOver)
      const saved = yield* whole.load
      const found = new Map([...saved].filter(([vbucket]) => common.includes(vbucket)))
      if (found.size > 0) yield* checkpoints.save(found)
    }
  }
)
