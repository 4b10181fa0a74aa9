/**
 * What is said of a peer that is lost, cannot be reached, and is found again: log lines, few enough for an outage of days. It connects
 * nothing.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { PoolWatch } from "./ConnectionSlot.ts"
import { ConnectionError, connectionWords } from "./Errors.ts"

const words = (error: unknown): string =>
  error instanceof ConnectionError ? connectionWords(error.reason) : error instanceof Error ? error.message : String(error)

/** One peer's outages. Annotations: its address under the name of what it is, `cause` in words, `attempt` counts from 1. */
export class Outage {
  /** Times it was lost. */
  count = 0
  private readonly what: string
  private readonly place: { readonly [what: string]: string }
  /** Milliseconds; nothing while it is there. */
  private since: number | undefined
  private attempts = 0
  private cause = ""

  /** @param what is lost: `server`, `upstream` */
  constructor(what: string, address: string) {
    this.what = what
    this.place = { [what]: address }
  }

  /** Why it is not there, while it is not. */
  get ongoing(): string | undefined {
    return this.since === undefined ? undefined : `${this.what} ${this.place[this.what]}: ${this.cause}`
  }

  /** It was there, and the connection broke. Being closed by this side is no outage. */
  readonly lost = (error: ConnectionError): Effect.Effect<void> => {
    if (error.reason._tag === "ConnectionClosed") return Effect.void
    this.cause = words(error)
    return this.begin(() => {
      this.count++
      return Effect.annotateLogs(Effect.logWarning(`${this.what} lost`), { ...this.place, cause: words(error) })
    })
  }

  /** An attempt to connect failed: the first is said, and from there on each that is twice as late. */
  readonly failed = (error: unknown): Effect.Effect<void> =>
    Effect.andThen(
      this.begin(() => Effect.void),
      Effect.suspend(() => {
        const attempt = ++this.attempts
        this.cause = words(error)
        if ((attempt & attempt - 1) !== 0) return Effect.void
        return Effect.annotateLogs(Effect.logWarning(`${this.what} not reached`), { ...this.place, attempt, cause: words(error) })
      })
    )

  /** A connection is there. */
  readonly found: Effect.Effect<void> = Effect.suspend(() => {
    const { attempts, since } = this
    if (since === undefined) return Effect.void
    this.since = undefined
    this.attempts = 0
    return Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Effect.annotateLogs(Effect.logInfo(`${this.what} found again`), {
        ...this.place,
        attempt: attempts + 1,
        milliseconds: now - since
      }))
  })

  private begin(log: () => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (this.since !== undefined) return Effect.void
      this.since = now
      return log()
    })
  }
}

/**
 * What is logged of the connections of a pool, and then told to `watch`. Before there was one, whoever makes the pool hears why, unless it is
 * to keep trying.
 */
export const outageWatch = <E>(outage: Outage, keepsTrying: boolean, watch: PoolWatch<E> = {}): PoolWatch<E> => {
  let begun = keepsTrying
  return {
    ...watch,
    found: Effect.suspend(() => {
      begun = true
      return Effect.andThen(outage.found, watch.found ?? Effect.void)
    }),
    lost: (error) => Effect.andThen(outage.lost(error), watch.lost?.(error) ?? Effect.void),
    failed: (error) => Effect.andThen(begun ? outage.failed(error) : Effect.void, watch.failed?.(error) ?? Effect.void)
  }
}
