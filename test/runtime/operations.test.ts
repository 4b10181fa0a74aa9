/** The management endpoint over HTTP: who is ready and who is live, how each part does, and metrics by the names of Prometheus. */
import { announce, HealthIndicators } from "@wirewright/connection/Health"
import { Metrics } from "@wirewright/connection/Metrics"
import { clientRows } from "@wirewright/connection/MetricTable"
import * as Operations from "@wirewright/connection/Operations"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import { expect, it } from "vitest"

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope | Operations.Operations>): Promise<A> =>
  Effect.runPromise(
    effect.pipe(
      Effect.provide(Operations.layer()),
      Effect.scoped,
      Effect.provideService(Metric.MetricRegistry, new Map()),
      Effect.provideService(HealthIndicators, new Set())
    )
  )

const get = (path: string) =>
  Effect.flatMap(Operations.Operations, ({ host, port }) =>
    Effect.promise(async () => {
      const answer = await fetch(`http://${host}:${port}${path}`)
      return { status: answer.status, type: answer.headers.get("content-type"), text: await answer.text() }
    }))

const health = (path: string) =>
  Effect.map(get(path), ({ status, text, type }) => {
    expect(type).toMatch(/^application\/health\+json/)
    return [status, JSON.parse(text)] as const
  })

it("passes while nothing complains, and there may be nothing", () =>
  run(Effect.gen(function*() {
    for (const path of ["/health", "/health/live", "/health/ready"]) {
      expect(yield* health(path)).toEqual([200, { status: "pass", checks: {} }])
    }
    expect((yield* get("/status")).text).toBe("{}\n")
    expect((yield* get("/nothing")).status).toBe(404)
  })))

it("tells readiness and liveness apart, with reasons, by part, until a part is gone", () =>
  run(Effect.gen(function*() {
    const reasons: Array<string> = []
    const fatal: Array<string> = []
    yield* announce({ name: "dcp a", notReady: () => [], status: () => ({ lag: 2n ** 60n, events: 3n }) })
    yield* Effect.scoped(Effect.gen(function*() {
      yield* announce({ name: "dcp a", notReady: () => reasons, notLive: () => fatal, status: () => null })
      expect((yield* health("/health/ready"))[0]).toBe(200)
      reasons.push("no connection", "2 of 4 vbuckets have no stream")
      const failed = {
        "dcp a": [{ status: "pass" }],
        "dcp a (2)": [{ status: "fail", output: "no connection" }, { status: "fail", output: "2 of 4 vbuckets have no stream" }]
      }
      expect(yield* health("/health/ready")).toEqual([503, { status: "fail", checks: failed }])
      expect(yield* health("/health")).toEqual([503, { status: "fail", checks: failed }])
      expect((yield* health("/health/live"))[0]).toBe(200)
      reasons.length = 0
      fatal.push("the password is wrong")
      expect((yield* health("/health/ready"))[0]).toBe(200)
      expect((yield* health("/health/live"))[0]).toBe(503)
      expect((yield* health("/health"))[0]).toBe(503)
      expect(JSON.parse((yield* get("/status")).text)).toEqual({ "dcp a": { lag: String(2n ** 60n), events: 3 }, "dcp a (2)": null })
    }))
    expect((yield* health("/health"))[0]).toBe(200)
  })))

it("serves metrics by the names that Prometheus has for them, and the program's own by theirs", () =>
  run(Effect.gen(function*() {
    const metrics = Metrics.of(yield* Effect.context<never>())
    const server = { "network.protocol.name": "p", "server.address": "h" }
    metrics.count(clientRows.io, { ...server, "network.io.direction": "transmit" }).value += 7
    const durations = metrics.durations(clientRows.call, { "rpc.method": "m" })
    for (const milliseconds of [0.1, 0.10001, 1, 20_000]) durations.record(milliseconds)
    yield* Metric.update(Metric.counter("own.count"), 5)
    const { status, text, type } = yield* get("/metrics")
    expect([status, type]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"])
    expect(text.split("\n")).toEqual(expect.arrayContaining([
      "# TYPE wirewright_client_io_bytes_total counter",
      "wirewright_client_io_bytes_total{network_protocol_name=\"p\",server_address=\"h\",network_io_direction=\"transmit\"} 7",
      "# TYPE rpc_client_call_duration_seconds histogram",
      "rpc_client_call_duration_seconds_bucket{rpc_method=\"m\",le=\"0.0001\"} 1",
      "rpc_client_call_duration_seconds_bucket{rpc_method=\"m\",le=\"0.0005\"} 2",
      "rpc_client_call_duration_seconds_bucket{rpc_method=\"m\",le=\"0.001\"} 3",
      "rpc_client_call_duration_seconds_bucket{rpc_method=\"m\",le=\"10\"} 3",
      "rpc_client_call_duration_seconds_bucket{rpc_method=\"m\",le=\"+Inf\"} 4",
      "rpc_client_call_duration_seconds_count{rpc_method=\"m\"} 4",
      "own_count 5"
    ]))
  })))

it("listens where it is told to, and a port that is taken is an error of the layer", () =>
  run(Effect.gen(function*() {
    const { port } = yield* Operations.Operations
    const error = yield* Effect.flip(Effect.scoped(Layer.build(Operations.layer({ port }))))
    expect(error._tag).toBe("ServeError")
  })))
