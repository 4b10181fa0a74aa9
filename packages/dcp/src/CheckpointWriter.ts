/**
 * Brings checkpoints to their store: what changed, in batches, at intervals; at once where the stream waits for it. A store that is down is
 * tried again; meanwhile the newest checkpoint of each vbucket is remembered, and nothing else.
 */
import { timers } from "@wirewright/connection"
import { failureOf, inSpanIfTraced, type SpanAttributes, spanNameOf } from "@wirewright/connection/Spans"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
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
  /** Why the last attempt failed, while it has not been followed by one that did not. */
  failing: CheckpointError | undefined
  private readonly group: CheckpointGroup
  private readonly told: ((milliseconds: number, failure: string | undefined) => void) | undefined
  private readonly interval: number
  private readonly attributes: SpanAttributes
  private changed = new Map<number, () => Checkpoint>()
  private waiting: Array<Deferred.Deferred<void, CheckpointError>> = []
  private wake = Deferred.makeUnsafe<void>()
  private readonly lane = Semaphore.makeUnsafe(1)
  private abandoned = false

  /**
   * @param interval milliseconds between two batches that is not awaited
   * @param attributes of the spans of batches
   * @param told how long each batch took, and what it failed of
   */
  constructor(
    group: CheckpointGroup,
    interval: number,
    attributes: SpanAttributes = {},
    told?: (milliseconds: number, failure: string | undefined) => void
  ) {
    this.group = group
    this.attributes = attributes
    this.told = told
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
    const attributes = {
      ...this.attributes,
      "messaging.operation.name": "commit",
      "messaging.operation.type": "settle",
      "messaging.batch.message_count": batch.size
    }
    return Effect.flatMap(timers, ({ now }) => {
      const start = now()
      return Effect.onExit(
        inSpanIfTraced(spanNameOf("commit", this.attributes["messaging.destination.name"]), attributes, this.group.save(batch)),
        (exit) =>
          Effect.sync(() => {
            if (!Exit.hasInterrupts(exit)) this.told?.(now() - start, failureOf(exit))
            this.ended(exit, changed, waiting)
          })
      )
    })
  }))

  private ended(
    exit: Exit.Exit<void, CheckpointError>,
    changed: Map<number, () => Checkpoint>,
    waiting: Array<Deferred.Deferred<void, CheckpointError>>
  ): void {
    if (Exit.isSuccess(exit)) {
      this.saved++
      this.failing = undefined
      for (const done of waiting) Deferred.doneUnsafe(done, Exit.void)
      return
    }
    this.failed++
    const error = Exit.findErrorOption(exit)
    if (Option.isSome(error)) this.failing = error.value
    for (const [vbucket, current] of changed) if (!this.changed.has(vbucket)) this.changed.set(vbucket, current)
    this.waiting = [...waiting, ...this.waiting]
  }

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
        if (failures > 0) {
          const line = Effect.logInfo(`checkpoints are saved again (attempt ${failures + 1})`)
          yield* Effect.annotateLogs(line, { attempt: failures + 1 })
        }
        failures = 0
      } else if (error.reason !== "Unavailable") return yield* error
      else {
        const wait = Math.min(longestWait, 50 * 2 ** failures++)
        if (Number.isInteger(Math.log2(failures))) {
          const line = Effect.logWarning(`checkpoints cannot be saved (attempt ${failures}): ${error.message}`)
          yield* Effect.annotateLogs(line, { attempt: failures, "error.type": error.reason })
        }
        yield* Effect.sleep(wait)
      }
    }
  })
}
