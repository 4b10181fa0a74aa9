/**
 * Events between the connections that bring them and whoever pulls them: in arrays, as they came, together with the bytes that are given free
 * when they are taken.
 *
 * It has no limit of its own: a connection stops when its window is full, so it never holds more than the windows and one message each.
 */
import * as Cause from "effect/Cause"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import { emptied } from "./Emptied.ts"

/** Who waits for bytes to be given free. */
export interface Credit {
  free(bytes: number): void
}

interface Batch<A> {
  readonly events: Array<A>
  readonly credit: Credit | undefined
  bytes: number
}

/** Most events in one array. */
const largestBatch = 1024

/** Events that wait to be pulled. */
export class Outbox<A, E> {
  private readonly batches: Array<Batch<A>> = []
  private open: Batch<A> | undefined
  private flushing = false
  private ended: Effect.Effect<never, E | Cause.Done> | undefined
  private resume: ((effect: Effect.Effect<NonEmptyReadonlyArray<A>, E | Cause.Done>) => void) | undefined
  private count = 0

  /** Events that wait. */
  get size(): number {
    return this.count + (this.open?.events.length ?? 0)
  }

  /** Adds an event that came in `bytes` bytes. */
  push(event: A, bytes: number, credit: Credit | undefined): void {
    let { open } = this
    if (open === undefined || open.credit !== credit || open.events.length >= largestBatch) {
      this.close()
      open = { events: [], credit, bytes: 0 }
      this.open = open
      if (!this.flushing) {
        this.flushing = true
        queueMicrotask(this.flush)
      }
    }
    open.events.push(event)
    open.bytes += bytes
  }

  /** Bytes without an event: given free with the events that came before them, or at once. */
  pass(bytes: number, credit: Credit): void {
    if (this.open !== undefined && this.open.credit === credit) this.open.bytes += bytes
    else credit.free(bytes)
  }

  /** There will be no more events; what waits is still delivered. */
  end(): void {
    this.endWith(Cause.done())
  }

  /** Like `end`, but whoever pulls then fails. */
  fail(cause: Cause.Cause<E>): void {
    this.endWith(Effect.failCause(cause))
  }

  /** There will be no more events, and what waits is dropped: its bytes are given free. */
  discard(): void {
    this.end()
    for (const batch of emptied(this.batches)) {
      this.count -= batch.events.length
      batch.credit?.free(batch.bytes)
    }
    this.wake()
  }

  private endWith(ended: Effect.Effect<never, E | Cause.Done>): void {
    if (this.ended !== undefined) return
    this.close()
    this.ended = ended
    this.wake()
  }

  /** The next array; ends like the outbox. */
  readonly pull: Effect.Effect<NonEmptyReadonlyArray<A>, E | Cause.Done> = Effect.suspend(() => {
    const taken = this.take()
    if (taken !== undefined) return taken
    return Effect.callback<NonEmptyReadonlyArray<A>, E | Cause.Done>((resume) => {
      this.resume = resume
      return Effect.sync(() => {
        if (this.resume === resume) this.resume = undefined
      })
    })
  })

  private take(): Effect.Effect<NonEmptyReadonlyArray<A>, E | Cause.Done> | undefined {
    const batch = this.batches.shift()
    if (batch === undefined) return this.ended
    this.count -= batch.events.length
    batch.credit?.free(batch.bytes)
    return Effect.succeed(batch.events as unknown as NonEmptyReadonlyArray<A>)
  }

  private readonly flush = (): void => {
    this.flushing = false
    this.close()
    this.wake()
  }

  private close(): void {
    const { open } = this
    if (open === undefined) return
    this.open = undefined
    this.count += open.events.length
    this.batches.push(open)
  }

  private wake(): void {
    const { resume } = this
    if (resume === undefined) return
    const taken = this.take()
    if (taken === undefined) return
    this.resume = undefined
    resume(taken)
  }
}
