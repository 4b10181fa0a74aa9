/**
 * Brings checkpoints to their store: what changed, in batches, at intervals; at once where the stream waits for it. A store that is down is
 * tried again; meanwhile the newest checkpoint of each vbucket is remembered, and nothing else.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Semaphore from "effect/Semaphore"
import type { Checkpoint } from "./Checkpoint.ts"
import type { CheckpointGroup } from "./CheckpointStore.ts"
import type { CheckpointError } from "./DcpError.ts"

/** Longest wait before a store that failed is tried again. */
const longestWait = 5_000

/** Writes the checkpoints of one group. */
export class CheckpointWriter {
  /** Batches saved. */
  saved = 0
  /** Attempts that failed. */
  failed = 0
  private readonly group: CheckpointGroup
  private readonly interval: number
  private changed = new Map<number, () => Checkpoint>()
  private waiting: Array<Deferred.Deferred<void, CheckpointError>> = []
  private wake = Deferred.makeUnsafe<void>()
  private readonly lane = Semaphore.makeUnsafe(1)
  private abandoned = false

  /** @param interval milliseconds between two batches that is not awaited */
  constructor(group: CheckpointGroup, interval: number) {
    this.group = group
    this.interval = interval
  }

  /** The checkpoint of a vbucket changed; it is read when it is saved. */
  touch(vbucket: number, current: () => Checkpoint): void {
    this.changed.set(vbucket, current)
  }

  /** Saves a checkpoint, together with others that changed, and waits for it. */
  save(vbucket: number, current: () => Checkpoint): Effect.Effect<void, CheckpointError> {
    return Effect.suspend(() => {
      this.touch(vbucket, current)
      const done = Deferred.makeUnsafe<void, CheckpointError>()
      this.waiting.push(done)
      Deferred.doneUnsafe(this.wake, Exit.void)
      return Deferred.await(done)
    })
  }

  /** Runs what saves checkpoints by itself: between reading and saving them nobody else saves. */
  exclusively<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return this.lane.withPermits(1)(effect)
  }

  /** Nothing is saved any more: what is stored may be newer than what is known here. */
  abandon(): void {
    this.abandoned = true
  }

  /** Saves what changed, once. */
  readonly flush: Effect.Effect<void, CheckpointError> = this.lane.withPermits(1)(Effect.suspend(() => {
    if (this.abandoned) return Effect.void
    const { changed, waiting } = this
    this.changed = new Map()
    this.waiting = []
    if (changed.size === 0) return Effect.void
    const batch = new Map([...changed].map(([vbucket, current]) => [vbucket, current()] as const))
    return Effect.onExit(this.group.save(batch), (exit) =>
      Effect.sync(() => {
        if (Exit.isSuccess(exit)) {
          this.saved++
          for (const done of waiting) Deferred.doneUnsafe(done, Exit.void)
          return
        }
        this.failed++
        for (const [vbucket, current] of changed) if (!this.changed.has(vbucket)) this.changed.set(vbucket, current)
        this.waiting = [...waiting, ...this.waiting]
      }))
  }))

  /** Saves until it is interrupted. Fails when saving again would not help. */
  readonly run: Effect.Effect<never, CheckpointError> = Effect.gen({ self: this }, function*(this: CheckpointWriter) {
    for (let failures = 0;;) {
      if (this.waiting.length === 0) {
        this.wake = Deferred.makeUnsafe()
        yield* Effect.raceFirst(Effect.sleep(this.interval), Deferred.await(this.wake))
        // others who wait come in the same turn
        yield* Effect.yieldNow
      }
      const error = yield* Effect.flip(Effect.andThen(this.flush, Effect.fail(undefined)))
      if (error === undefined) {
        if (failures > 0) yield* Effect.logInfo(`checkpoints are saved again (attempt ${failures + 1})`)
        failures = 0
      } else if (error.reason !== "Unavailable") return yield* error
      else {
        const wait = Math.min(longestWait, 50 * 2 ** failures++)
        if (Number.isInteger(Math.log2(failures))) {
          yield* Effect.logWarning(`checkpoints cannot be saved (attempt ${failures}): ${error.message}`)
        }
        yield* Effect.sleep(wait)
      }
    }
  })
}
