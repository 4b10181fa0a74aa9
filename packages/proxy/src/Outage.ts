/**
 * What is said of an upstream that is lost, cannot be reached, and is found again: log lines, few enough for an outage of days. It connects
 * nothing.
 */
import { type ConnectionError, connectionWords } from "@wirewright/connection"
import type { OpenError } from "@wirewright/couchbase/node"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

const words = (error: OpenError): string => error._tag === "ConnectionError" ? connectionWords(error.reason) : error.message

/** One upstream's outages. Annotations: `upstream` is its address, `cause` words, `attempt` counts from 1. */
export class Outage {
  private readonly upstream: string
  /** Milliseconds; nothing while it is there. */
  private since: number | undefined
  private attempts = 0

  constructor(upstream: string) {
    this.upstream = upstream
  }

  /** It was there, and the connection broke. Being closed by this side is no outage. */
  readonly lost = (error: ConnectionError): Effect.Effect<void> => {
    if (error.reason._tag === "ConnectionClosed") return Effect.void
    return this.begin(() => Effect.annotateLogs(Effect.logWarning("upstream lost"), { upstream: this.upstream, cause: words(error) }))
  }

  /** An attempt to connect failed: the first is said, and from there on each that is twice as late. */
  readonly failed = (error: OpenError): Effect.Effect<void> => {
    return Effect.andThen(
      this.begin(() => Effect.void),
      Effect.suspend(() => {
        const attempt = ++this.attempts
        if ((attempt & attempt - 1) !== 0) return Effect.void
        return Effect.annotateLogs(Effect.logWarning("upstream not reached"), { upstream: this.upstream, attempt, cause: words(error) })
      })
    )
  }

  /** A connection is there. */
  readonly found: Effect.Effect<void> = Effect.suspend(() => {
    const { attempts, since, upstream } = this
    if (since === undefined) return Effect.void
    this.since = undefined
    this.attempts = 0
    return Effect.flatMap(
      Clock.currentTimeMillis,
      (now) => Effect.annotateLogs(Effect.logInfo("upstream found again"), { upstream, attempt: attempts + 1, milliseconds: now - since })
    )
  })

  private begin(log: () => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (this.since !== undefined) return Effect.void
      this.since = now
      return log()
    })
  }
}
