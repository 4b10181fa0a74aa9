/**
 * How an application processes what a stream delivers. It gives handlers, so that nothing can be left out: an event counts as processed when its
 * handler has returned, and there is no other way for it to count.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import {
  type CaughtUp,
  type Change,
  type DcpEvent,
  handOver,
  type Rollback,
  type SeqnoAdvanced,
  settle,
  type SnapshotStarted,
  type VbucketEnded
} from "./DcpEvent.ts"

/** What a stream says of itself. */
export type StreamNotice = CaughtUp | VbucketEnded | SnapshotStarted | SeqnoAdvanced

/** What is done with everything but changes. */
interface OtherHandlers<E, R> {
  /** Undoes everything of `rollback.vbucket` that is after `rollback.to`. Nothing more of the vbucket comes before it has returned. */
  readonly rollback: (rollback: Rollback) => Effect.Effect<unknown, E, R>
  /** Hears of vbuckets that caught up or ended; of snapshots and seqnos with `verbose`. */
  readonly notice?: (notice: StreamNotice) => Effect.Effect<unknown, E, R>
}

/** What an application does with changes, one by one: those of a vbucket in their order. */
export interface Handlers<E, R> extends OtherHandlers<E, R> {
  readonly change: (change: Change) => Effect.Effect<unknown, E, R>
}

/** What an application does with changes, many at a time: those of a vbucket in their order. */
export interface BatchHandlers<E, R> extends OtherHandlers<E, R> {
  readonly changes: (changes: NonEmptyReadonlyArray<Change>) => Effect.Effect<unknown, E, R>
}

/** How changes are gathered. */
export interface BatchSize {
  /** Most events in a batch. */
  readonly size: number
  /** How long a batch waits to be full. */
  readonly within: Duration.Input
}

/** Whether an event is a change. */
export const isChange = (event: DcpEvent): event is Change => "placed" in event

/** All of them were processed. */
export const settleAll = (events: ReadonlyArray<DcpEvent>): void => {
  for (const event of events) settle(event)
}

/** Runs handlers, each together with its settling; one that may not begin any more is never run. */
export type Gate = <A, E, R>(handler: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

const handleOne = <E, R>({ change, notice, rollback }: Handlers<E, R>, gate?: Gate) => {
  const handle = (event: DcpEvent): Effect.Effect<unknown, E, R> => {
    if (isChange(event)) {
      handOver(event)
      return Effect.map(change(event), () => settle(event))
    }
    if (event._tag === "Rollback") return Effect.map(rollback(event), () => settle(event))
    return notice === undefined ? Effect.void : notice(event)
  }
  // what is not begun is not handed over either
  return gate === undefined ? handle : (event: DcpEvent) => gate(Effect.suspend(() => handle(event)))
}

/** Arrays between which everything before has to be done before anything after: an event of all vbuckets stands alone. */
const parts = (events: ReadonlyArray<DcpEvent>): ReadonlyArray<ReadonlyArray<DcpEvent>> => {
  if (events.every(({ vbucket }) => vbucket !== undefined)) return [events]
  const found: Array<Array<DcpEvent>> = [[]]
  for (const event of events) {
    if (event.vbucket === undefined) found.push([event], [])
    else found.at(-1)!.push(event)
  }
  return found
}

/** Each event through its handler; the events of a vbucket through one of `concurrency` lanes. Comes out what was processed. */
export const processed = <E, R, E2, R2>(
  events: Stream.Stream<DcpEvent, E, R>,
  handlers: Handlers<E2, R2>,
  concurrency: number,
  gate?: Gate
): Stream.Stream<DcpEvent, E | E2, R | R2> => {
  const handle = handleOne(handlers, gate)
  if (concurrency <= 1) {
    return Stream.mapArrayEffect(events, (some) => Effect.as(Effect.forEach(some, handle, { discard: true }), some))
  }
  const inLanes = (some: ReadonlyArray<DcpEvent>): Effect.Effect<void, E2, R2> => {
    const lanes: Array<Array<DcpEvent>> = Array.from({ length: concurrency }, () => [])
    for (const event of some) lanes[(event.vbucket ?? 0) % concurrency]!.push(event)
    return Effect.forEach(lanes, (lane) => Effect.forEach(lane, handle, { discard: true }), { concurrency: "unbounded", discard: true })
  }
  return Stream.mapArrayEffect(events, (some) => Effect.as(Effect.forEach(parts(some), inLanes, { discard: true }), some))
}

/** Like `processed`, with changes in batches as they come; a rollback and what a stream says of itself stand between two batches. */
export const processedInBatches = <E, R, E2, R2>(
  batches: Stream.Stream<ReadonlyArray<DcpEvent>, E, R>,
  { changes, ...others }: BatchHandlers<E2, R2>,
  gate?: Gate
): Stream.Stream<DcpEvent, E | E2, R | R2> => {
  const handle = handleOne({ ...others, change: () => Effect.void }, gate)
  const process = (some: ReadonlyArray<Change>): Effect.Effect<unknown, E2, R2> =>
    Effect.suspend(() => {
      for (const change of some) handOver(change)
      return Effect.map(changes(some as unknown as NonEmptyReadonlyArray<Change>), () => settleAll(some))
    })
  const all = (some: ReadonlyArray<Change>): Effect.Effect<unknown, E2, R2> => {
    if (some.length === 0) return Effect.void
    return gate === undefined ? process(some) : gate(process(some))
  }
  const batch = Effect.fnUntraced(function*(some: ReadonlyArray<DcpEvent>) {
    let waiting: Array<Change> = []
    for (const event of some) {
      if (isChange(event)) {
        waiting.push(event)
        continue
      }
      yield* all(waiting)
      waiting = []
      yield* handle(event)
    }
    yield* all(waiting)
    return some
  })
  return Stream.flatMap(Stream.mapEffect(batches, batch), Stream.fromIterable)
}

/** Gathers events: so many, or those of a while. */
export const gathered = <E, R>(events: Stream.Stream<DcpEvent, E, R>, { size, within }: BatchSize) =>
  Stream.groupedWithin(events, size, within)

/** Events without an account: they count as processed when the next ones are pulled. */
export const watched = <E>(pull: Effect.Effect<NonEmptyReadonlyArray<DcpEvent>, E>): Effect.Effect<NonEmptyReadonlyArray<DcpEvent>, E> => {
  let before: ReadonlyArray<DcpEvent> = []
  return Effect.suspend(() => {
    settleAll(before)
    before = []
    return Effect.map(pull, (some) => {
      before = some
      return some
    })
  })
}
