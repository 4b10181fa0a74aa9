/** Values between callbacks that bring them and a stream that takes them, in arrays, within a limit. */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** What becomes of values that are not taken in time. */
export type OverflowPolicy =
  /** The stream fails with `Overflow`. */
  | "fail"
  /** The oldest make room. */
  | "dropOldest"
  /** The newest are left out. */
  | "dropNewest"

/** How much a stream holds for a consumer that is slower than the server. */
export interface BufferOptions {
  /** Values. Default: 65 536. */
  readonly bufferSize?: number
  /** Default: `fail`. */
  readonly overflow?: OverflowPolicy
}

/** Values on their way into one stream. */
export class Mailbox<A, E> {
  private readonly limit: number
  private readonly overflow: OverflowPolicy
  private readonly tooMany: (limit: number) => E
  private values: Array<A> = []
  private ended: Effect.Effect<never, E | Cause.Done> | undefined
  private resume: ((effect: Effect.Effect<NonEmptyReadonlyArray<A>, E | Cause.Done>) => void) | undefined
  private waking = false

  constructor({ bufferSize = 65_536, overflow = "fail" }: BufferOptions, tooMany: (limit: number) => E) {
    this.limit = Math.max(1, bufferSize)
    this.overflow = overflow
    this.tooMany = tooMany
  }

  offer(value: A): void {
    if (this.ended !== undefined) return
    if (this.values.length >= this.limit) {
      if (this.overflow === "fail") return this.fail(this.tooMany(this.limit))
      if (this.overflow === "dropNewest") return
      this.values.shift()
    }
    this.values.push(value)
    this.wake()
  }

  fail(error: E): void {
    this.end(Effect.fail(error))
  }

  /** The end comes after what is there. */
  end(ended: Effect.Effect<never, E | Cause.Done>): void {
    if (this.ended !== undefined) return
    this.ended = ended
    this.wake()
  }

  /** The values that are there, at once. */
  get pull(): Effect.Effect<NonEmptyReadonlyArray<A>, E | Cause.Done> {
    return Effect.suspend(() =>
      this.take() ?? Effect.callback<NonEmptyReadonlyArray<A>, E | Cause.Done>((resume) => {
        this.resume = resume
        return Effect.sync(() => {
          if (this.resume === resume) this.resume = undefined
        })
      })
    )
  }

  private take(): Effect.Effect<NonEmptyReadonlyArray<A>, E | Cause.Done> | undefined {
    if (this.values.length === 0) return this.ended
    const taken = this.values
    this.values = []
    return Effect.succeed(taken as unknown as NonEmptyReadonlyArray<A>)
  }

  /** Later in this turn, so that everything of one frame is taken as one array. */
  private wake(): void {
    if (this.waking || this.resume === undefined) return
    this.waking = true
    void Promise.resolve().then(() => {
      this.waking = false
      const { resume } = this
      if (resume === undefined) return
      const taken = this.take()
      if (taken === undefined) return
      this.resume = undefined
      resume(taken)
    })
  }
}

/** The stream of a mailbox that `open` fills; what `open` returns is done when the stream ends. */
export const streamOf = <A, E>(make: () => Mailbox<A, E>, open: (mailbox: Mailbox<A, E>) => () => void): Stream.Stream<A, E> =>
  // the scope that the stream has anyway, instead of one within it: there are as many of these as subscriptions
  Stream.fromChannel(Channel.fromTransform((_, scope) =>
    Effect.suspend(() => {
      let close: (() => void) | undefined
      return Effect.map(Scope.addFinalizer(scope, Effect.sync(() => close?.())), () => {
        const mailbox = make()
        close = open(mailbox)
        return mailbox.pull
      })
    })
  ))
