/**
 * A circuit breaker for each node: while most of what is asked of a node fails, nothing more is asked of it but, now and then, one request that shows
 * whether it is back.
 *
 * The breaker is Effect's (`effect/persistence/CircuitBreaker`); this says what it is told of nodes. What a node answers, whatever it is, shows that
 * it is there; what counts against it is that it does not, or cannot be reached. Names and figures are those of Couchbase's SDKs. They look at the
 * requests of the last minute, where this looks at the last hundred: a busy client sees sooner that a node is gone, a quiet one does not
 * remember for longer than that minute.
 */
import { type ConnectionError, placeOf, serverAttributes } from "@wirewright/connection"
import type { Metrics } from "@wirewright/connection/Metrics"
import { clientRows } from "@wirewright/connection/MetricTable"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** When a node's circuit opens, and for how long. */
export interface CircuitBreakerOptions {
  /** Fewest attempts at a node before its failures count. Default: 20 */
  readonly volumeThreshold?: number
  /** Percentage of the attempts that must have failed. Default: 50 */
  readonly errorThresholdPercentage?: number
  /** How many of a node's attempts are looked at, the last ones. Default: 100, or `volumeThreshold` if that is more */
  readonly lastAttempts?: number
  /** How long a circuit stays open before one request is let through, the canary. Default: 5 seconds */
  readonly sleepWindow?: Duration.Input
  /** Time after which a node of which nothing was asked is begun with anew. Default: 1 minute */
  readonly rollingWindow?: Duration.Input
}

/** What an attempt shows of its node: that it is there, that it is not, or nothing. */
export type Shown = "there" | "gone" | "nothing"

const outcomes: { readonly [S in Shown]: CircuitBreaker.Outcome } = {
  there: CircuitBreaker.success,
  gone: CircuitBreaker.failure(),
  nothing: CircuitBreaker.ignored
}

/** What no attempt of this side can be blamed on the node for. */
const ours: ReadonlySet<string> = new Set(["ConnectionClosed", "LimitExceeded"])

/** What it shows of a node that a request on a connection to it, or the connecting, failed. */
export const shownBy = ({ reason }: ConnectionError): Shown => ours.has(reason._tag) ? "nothing" : "gone"

/** Where circuits are told of. */
export interface CircuitsPlace {
  /** Counts what becomes of circuits. */
  readonly metrics: Metrics | undefined
  /** Says it in the log. */
  readonly logs: boolean
}

const names = { Open: "open", HalfOpen: "half-open", Closed: "closed" } as const

/** The circuits of all nodes. */
export class Circuits {
  private readonly breaker: CircuitBreaker.CircuitBreaker

  private constructor(breaker: CircuitBreaker.CircuitBreaker) {
    this.breaker = breaker
  }

  /** Circuits for nodes by their `host:port`. Fails, in words, when the options make no sense. */
  static readonly make = (
    { errorThresholdPercentage = 50, lastAttempts, rollingWindow = "1 minute", sleepWindow = "5 seconds", volumeThreshold = 20 }:
      CircuitBreakerOptions,
    place: CircuitsPlace
  ): Effect.Effect<Circuits, string, Scope.Scope> =>
    Effect.gen(function*() {
      const policy = Result.try({
        try: () =>
          CircuitBreaker.rate({
            threshold: errorThresholdPercentage / 100,
            minimumCalls: volumeThreshold,
            size: lastAttempts ?? Math.max(100, volumeThreshold)
          }),
        catch: (error) => (error as Error).message
      })
      if (Result.isFailure(policy)) return yield* Effect.fail(policy.failure)
      const store = yield* Layer.build(CircuitBreaker.layerStoreMemory({ idleTimeToLive: rollingWindow }))
      const made = CircuitBreaker.make({ tripPolicy: policy.success, openDuration: sleepWindow })
      const breaker = yield* Effect.provideService(
        made,
        CircuitBreaker.CircuitBreakerStore,
        Context.get(store, CircuitBreaker.CircuitBreakerStore)
      )
      yield* Effect.forkScoped(Stream.runForEach(breaker.transitions, (one) => told(one, place)), { startImmediately: true })
      return new Circuits(breaker)
    })

  /** Runs an attempt at a node, unless its circuit is open: then it fails with what `refused` makes of the milliseconds that it stays so. */
  readonly attempt = <A, E>(
    address: string,
    attempt: Effect.Effect<A, E>,
    shown: (exit: Exit.Exit<A, E>) => Shown,
    refused: (retryAfter: number) => E
  ): Effect.Effect<A, E> =>
    Effect.mapError(
      this.breaker.execute(attempt, { key: address, classify: (exit) => outcomes[shown(exit)] }),
      (error) => error instanceof CircuitBreaker.CircuitBreakerError ? refused(waitOf(error)) : error
    )

  /** Whether nothing may be asked of a node, or only one thing. */
  readonly isOpen = (address: string): Effect.Effect<boolean> => Effect.map(this.stateOf(address), ({ _tag }) => _tag !== "Closed")

  /** How a node's circuit is, in words; nothing while it is closed. */
  readonly words = (address: string): Effect.Effect<string | undefined> =>
    Effect.map(this.stateOf(address), (state) => {
      switch (state._tag) {
        case "Closed":
          return undefined
        case "Open":
          return `its circuit is open for another ${Math.ceil(Duration.toMillis(state.retryAfter))} ms`
        case "HalfOpen":
          return state.probing ? "its circuit waits for the answer to one request" : "its circuit lets one request through"
      }
    })

  // in memory, so it cannot fail
  private readonly stateOf = (address: string): Effect.Effect<CircuitBreaker.State> => Effect.orDie(this.breaker.state(address))
}

/** Milliseconds until another attempt may be made; of a canary that is on its way nobody knows. */
const waitOf = ({ reason }: CircuitBreaker.CircuitBreakerError): number =>
  reason._tag === "CircuitOpen" ? Math.ceil(Duration.toMillis(reason.retryAfter)) : 0

const told = (transition: CircuitBreaker.Transition, { logs, metrics }: CircuitsPlace): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { key: node, to } = transition
    const attributes = { "db.system.name": "couchbase", ...serverAttributes(placeOf(node)), "wirewright.circuit.state": names[to] }
    const transitions = metrics?.count(clientRows.circuits, attributes)
    if (transitions !== undefined) transitions.value++
    if (!logs) return Effect.void
    switch (transition.to) {
      case "Open":
        return Effect.annotateLogs(Effect.logWarning("circuit opened"), {
          node,
          milliseconds: Duration.toMillis(transition.retryAfter),
          inARow: transition.consecutiveOpenings
        })
      case "HalfOpen":
        return Effect.void
      case "Closed":
        return Effect.annotateLogs(Effect.logInfo("circuit closed"), { node })
    }
  })
