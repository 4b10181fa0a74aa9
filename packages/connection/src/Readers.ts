/**
 * Who reads what, by what it is addressed to: each reader has a queue, and whoever gives waits while one of those that he gives to is behind.
 *
 * So what comes is neither lost nor kept without bound, and where it comes from is held back instead.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"

/** Readers of what is addressed to a `K`. */
export class Readers<K, A, E = never> {
  private readonly queues = new Map<K, Set<Queue.Queue<A, E>>>()
  private readonly room = Latch.makeUnsafe()
  private readonly max: number

  /** `max`: what waits for a reader at most. */
  constructor(max: number) {
    this.max = max
  }

  /** What somebody reads. */
  get keys(): ReadonlyArray<K> {
    return [...this.queues.keys()]
  }

  /** What somebody reads who is behind by as much as he may be. */
  get behind(): ReadonlyArray<K> {
    return this.keys.filter((key) => this.isFull(key))
  }

  /** What is addressed to `key`, as long as the stream is run. `enter` is run if nobody else reads it, and `leave` if nobody does any more. */
  stream<E2>(key: K, enter: Effect.Effect<unknown, E2>, leave: Effect.Effect<unknown> = Effect.void): Stream.Stream<A, E | E2> {
    return Stream.unwrap(Effect.gen({ self: this }, function*() {
      const queue = yield* Queue.unbounded<A, E>()
      const isFirst = yield* Effect.acquireRelease(
        Effect.sync(() => this.add(key, queue)),
        () => Effect.suspend(() => this.remove(key, queue) ? leave : Effect.void)
      )
      if (isFirst) yield* enter
      return Stream.tap(Stream.fromQueue(queue), () => this.room.open)
    }))
  }

  /** Waits until all have room, and then gives it to them and runs `given`, both in one step: when this is interrupted, neither happened. */
  give(keys: ReadonlyArray<K>, one: A, given: () => void = () => {}): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (keys.some((key) => this.isFull(key))) {
        this.room.closeUnsafe()
        return Effect.andThen(this.room.await, this.give(keys, one, given))
      }
      for (const key of keys) for (const queue of this.queues.get(key) ?? []) Queue.offerUnsafe(queue, one)
      given()
      return Effect.void
    })
  }

  /** Ends the streams of some with an error, after what waits for them. Default: all */
  fail(error: E, keys: ReadonlyArray<K> = this.keys): void {
    for (const key of keys) for (const queue of this.queues.get(key) ?? []) Queue.failCauseUnsafe(queue, Cause.fail(error))
    this.room.openUnsafe()
  }

  private isFull(key: K): boolean {
    for (const queue of this.queues.get(key) ?? []) {
      if (queue.state._tag === "Open" && Queue.sizeUnsafe(queue) >= this.max) return true
    }
    return false
  }

  /** Whether it is the first. */
  private add(key: K, queue: Queue.Queue<A, E>): boolean {
    const there = this.queues.get(key)
    if (there === undefined) this.queues.set(key, new Set([queue]))
    else there.add(queue)
    return there === undefined
  }

  /** Whether it was the last. */
  private remove(key: K, queue: Queue.Queue<A, E>): boolean {
    const there = this.queues.get(key)
    there?.delete(queue)
    if (there?.size === 0) this.queues.delete(key)
    this.room.openUnsafe()
    return there?.size === 0
  }
}
