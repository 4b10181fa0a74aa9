/**
 * What is in an application's hands, and how to let it come to an end: what has begun goes on, nothing more begins.
 *
 * A handler that is interrupted may have done half of its work; whoever gives vbuckets to another process lets it finish, and remembers that it has.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** Handlers that run. */
export class Drain {
  private running = 0
  private stopping = false
  private readonly empty = Deferred.makeUnsafe<void>()

  /** Runs it, unless nothing is to begin any more: then it waits until it is interrupted. */
  within<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      if (this.stopping) return Effect.never
      this.running++
      return Effect.onExit(effect, () =>
        Effect.sync(() => {
          this.running--
          this.look()
        }))
    })
  }

  /** Lets nothing more begin, and waits for what has. */
  readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    this.stopping = true
    this.look()
    return Deferred.await(this.empty)
  })

  private look(): void {
    if (this.stopping && this.running === 0) Deferred.doneUnsafe(this.empty, Exit.void)
  }
}
