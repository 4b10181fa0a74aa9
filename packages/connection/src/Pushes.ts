/** What servers send unasked, on its way to whoever reads it: kept for readers that are behind, up to a limit. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** What stops while a reader is behind. */
interface Source {
  readonly pause: () => void
  readonly resume: () => void
}

/** What is done with what comes for a reader who is behind by as many as he may be. */
export interface PushOptions {
  /** Packets sent unasked that may wait for a reader of `pushes`. Default: 1 024 */
  readonly maxPushes?: number
  /**
   * What happens when more come: the oldest are dropped and counted, or nothing of that connection is read until he has caught up, its answers
   * included. Default: drop
   */
  readonly whenBehind?: "drop" | "pause"
}

interface Tagged {
  readonly _tag: string
}

/** Readers of what comes unasked. */
export class Pushes<Push> {
  private readonly readers = new Set<(push: Push & Tagged, source: Source) => boolean>()
  private readonly max: number
  private readonly pauses: boolean
  /** What came before there was a reader, while there may yet be one. */
  private early: Array<readonly [Push & Tagged, Source]> | undefined = []
  private lost = 0

  constructor({ maxPushes = 1_024, whenBehind = "drop" }: PushOptions) {
    this.max = maxPushes
    this.pauses = whenBehind === "pause"
  }

  /** Packets that nobody read. */
  get dropped(): number {
    return this.lost
  }

  publish(push: Push, source: Source): void {
    let isRead = false
    for (const reader of this.readers) isRead = reader(push as Push & Tagged, source) || isRead
    if (isRead) return
    if (this.early !== undefined && this.early.length < this.max) this.early.push([push as Push & Tagged, source])
    else this.lost++
  }

  /** Whoever reads from now on has what comes from now on. */
  begun(): void {
    this.lost += this.early?.length ?? 0
    this.early = undefined
  }

  /** Packets of some commands from now on, in the order in which they come, until the stream ends or the scope closes. */
  of(names: ReadonlyArray<string>): Effect.Effect<Stream.Stream<Push>, never, Scope.Scope> {
    return Effect.map(
      Effect.acquireRelease(
        Effect.map(Queue.unbounded<Push, Cause.Done>(), (queue) => this.open(new Set(names), queue)),
        ({ close }) => Effect.sync(close)
      ),
      // a stream that has ended reads no more, however long its scope lasts: it must not stop anything
      ({ close, queue, taken }) => Stream.ensuring(Stream.tap(Stream.fromQueue(queue), () => Effect.sync(taken)), Effect.sync(close))
    )
  }

  private open(tags: ReadonlySet<string>, queue: Queue.Queue<Push, Cause.Done>) {
    const paused = new Set<Source>()
    const taken = (): void => {
      if (paused.size === 0 || Queue.sizeUnsafe(queue) > 0) return
      for (const source of paused) source.resume()
      paused.clear()
    }
    const reader = (push: Push & Tagged, source: Source): boolean => {
      if (!tags.has(push._tag)) return false
      if (Queue.sizeUnsafe(queue) >= this.max) {
        if (!this.pauses) {
          Queue.takeUnsafe(queue)
          this.lost++
        } else if (!paused.has(source)) {
          paused.add(source)
          source.pause()
        }
      }
      Queue.offerUnsafe(queue, push)
      return true
    }
    this.readers.add(reader)
    const waiting = this.early ?? []
    if (waiting.length > 0) this.early = waiting.filter(([push, source]) => !reader(push, source))
    return {
      queue,
      taken,
      close: () => {
        this.readers.delete(reader)
        for (const source of paused) source.resume()
        paused.clear()
      }
    }
  }
}
