/**
 * How the parts of a program are: clients, consumers and servers say it of themselves while they are there, for whoever asks.
 *
 * A part is *ready* while it can be used, and *live* unless nothing but a new process would help it, as with the probes of Kubernetes.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** What a part says of itself. */
export interface HealthIndicator {
  /** Such as `memcached 127.0.0.1:11211`. */
  readonly name: string
  /** Why it cannot be used just now. */
  readonly notReady: () => ReadonlyArray<string>
  /** Why it will never again be of use. Default: it may always be again */
  readonly notLive?: () => ReadonlyArray<string>
  /** How it does, as JSON; bigints are allowed. */
  readonly status: () => unknown
}

/** All parts there are; programs have one such set unless they are given others. */
export const HealthIndicators = Context.Reference<Set<HealthIndicator>>("@wirewright/connection/HealthIndicators", {
  defaultValue: () => new Set()
})

/** Tells of a part until the scope closes. */
export const announce = (indicator: HealthIndicator): Effect.Effect<void, never, Scope.Scope> =>
  Effect.flatMap(
    Effect.contextWith((context: Context.Context<never>) => Effect.succeed(Context.get(context, HealthIndicators))),
    (all) => Effect.acquireRelease(Effect.sync(() => void all.add(indicator)), () => Effect.sync(() => void all.delete(indicator)))
  )

/**
 * The program is not ready until what this gives is run, or the scope closes: parts that are not there yet say nothing. For programs whose management
 * endpoint is there before they are.
 */
export const starting: Effect.Effect<Effect.Effect<void>, never, Scope.Scope> = Effect.suspend(() => {
  let started = false
  const indicator: HealthIndicator = { name: "start", notReady: () => started ? [] : ["it is starting"], status: () => ({ started }) }
  return Effect.as(announce(indicator), Effect.sync(() => void (started = true)))
})
