/**
 * What a client counts, as metrics. They are brought up to date once a second, because a metric takes longer than a request.
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import type { KvCounters, KvPool } from "./KvPool.ts"

/** Metrics of all clients; the attribute `server` tells them apart. */
export const kvMetrics = {
  requests: Metric.counter("kv_client_requests", { description: "Requests", incremental: true }),
  errors: Metric.counter("kv_client_errors", { description: "Requests that failed", incremental: true }),
  lateAnswers: Metric.counter("kv_client_late_answers", { description: "Answers that came when nobody waited", incremental: true }),
  reconnects: Metric.counter("kv_client_reconnects", { description: "Connections made anew", incremental: true }),
  inFlight: Metric.gauge("kv_client_in_flight", { description: "Requests that wait for an answer" }),
  connected: Metric.gauge("kv_client_connections", { description: "Open connections" })
}

const counted = ["requests", "errors", "lateAnswers", "reconnects"] as const
const gauges = ["inFlight", "connected"] as const

/** Publishes the counters of a pool until the scope closes, and once more then. */
export const publish = (pool: KvPool): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const attributes = { server: pool.address }
    let before: KvCounters = { requests: 0, errors: 0, lateAnswers: 0, reconnects: 0, inFlight: 0, connected: 0 }
    const update = Effect.gen(function*() {
      const now = pool.counters
      for (const name of counted) {
        if (now[name] > before[name]) yield* Metric.update(Metric.withAttributes(kvMetrics[name], attributes), now[name] - before[name])
      }
      for (const name of gauges) yield* Metric.update(Metric.withAttributes(kvMetrics[name], attributes), now[name])
      before = now
    })
    yield* Effect.addFinalizer(() => update)
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep("1 second"), update)))
  })
