/**
 * The management endpoint of a program: its health, its status and its metrics over HTTP, for probes, operators and Prometheus. For Node.
 *
 * | path | says | status |
 * | --- | --- | --- |
 * | `/health/live` | whether nothing but a new process would help | 200 or 503 |
 * | `/health/ready` | whether everything can be used | 200 or 503 |
 * | `/health` | both | 200 or 503 |
 * | `/status` | how each client, consumer and server does, as JSON | 200 |
 * | `/metrics` | the metrics of `METRICS.md` and the program's own, in Prometheus' text format | 200 |
 *
 * Health has the media type `application/health+json` of draft-inadarei-api-health-check. What is asked is told of what is there where the layer
 * is built: with the `HealthIndicators` and the `MetricRegistry` of that place.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import type { ServeError } from "effect/http/HttpServerError"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { createServer } from "node:http"
import { type HealthIndicator, HealthIndicators } from "./Health.ts"
import { prometheusName } from "./MetricTable.ts"

/** Where the endpoint listens. */
export interface OperationsOptions {
  /** Default: 127.0.0.1 */
  readonly host?: string
  /** Default: a free one */
  readonly port?: number
}

type Reasons = (indicator: HealthIndicator) => ReadonlyArray<string>

const liveness: Reasons = ({ notLive }) => notLive?.() ?? []
const readiness: Reasons = ({ notReady }) => notReady()
const both: Reasons = (indicator) => [...liveness(indicator), ...readiness(indicator)]

const exact = (_: string, value: unknown): unknown =>
  typeof value === "bigint" ? (Number.isSafeInteger(Number(value)) ? Number(value) : String(value)) : value

const json = (value: unknown, status: number, contentType: string) =>
  HttpServerResponse.text(`${JSON.stringify(value, exact)}\n`, { status, contentType })

/** Names by which all parts are told apart: the second of a name has a number. */
const named = (indicators: Iterable<HealthIndicator>): ReadonlyMap<string, HealthIndicator> => {
  const found = new Map<string, HealthIndicator>()
  for (const indicator of indicators) {
    let name = indicator.name
    for (let n = 2; found.has(name); n++) name = `${indicator.name} (${n})`
    found.set(name, indicator)
  }
  return found
}

const health = (reasons: Reasons) =>
  Effect.map(HealthIndicators, (all) => {
    let failed = false
    const checks = [...named(all)].map(([name, indicator]) => {
      const why = reasons(indicator)
      failed ||= why.length > 0
      return [name, why.length === 0 ? [{ status: "pass" }] : why.map((output) => ({ status: "fail", output }))] as const
    })
    return json({ status: failed ? "fail" : "pass", checks: Object.fromEntries(checks) }, failed ? 503 : 200, "application/health+json")
  })

const status = Effect.map(HealthIndicators, (all) =>
  json(
    Object.fromEntries([...named(all)].map(([name, indicator]) => [name, indicator.status()])),
    200,
    "application/json"
  ))

/** The routes, for a router that is there. */
export const layerRoutes: Layer.Layer<never, never, HttpRouter.HttpRouter> = Layer.mergeAll(
  Layer.effectDiscard(Effect.gen(function*() {
    const router = yield* HttpRouter.HttpRouter
    const place = yield* Effect.context<never>()
    const indicators = Context.get(place, HealthIndicators)
    const add = (path: `/${string}`, answer: Effect.Effect<HttpServerResponse.HttpServerResponse>) =>
      router.add("GET", path, Effect.provideService(answer, HealthIndicators, indicators))
    yield* add("/health/live", health(liveness))
    yield* add("/health/ready", health(readiness))
    yield* add("/health", health(both))
    yield* add("/status", status)
  })),
  PrometheusMetrics.layerHttp({ metricNameMapper: prometheusName })
)

/** The endpoint as it listens. */
export class Operations extends Context.Service<Operations, { readonly host: string; readonly port: number }>()(
  "@wirewright/connection/Operations"
) {}

/** Serves the endpoint as long as the layer is in use. */
export const layer = ({ host = "127.0.0.1", port = 0 }: OperationsOptions = {}): Layer.Layer<Operations, ServeError> => {
  const listening = Layer.effect(
    Operations,
    Effect.map(HttpServer.HttpServer, ({ address }) => ({ host, port: NetAddress.isUnixPathAddress(address) ? 0 : address.port }))
  )
  return Layer.provideMerge(
    HttpRouter.serve(layerRoutes, { disableLogger: true, disableListenLog: true }),
    listening
  ).pipe(Layer.provide(NodeHttpServer.layerServer(createServer, { host, port, gracefulShutdownTimeout: "1 second" })))
}
