/** Every row of the table is there, as Prometheus scrapes it and as OTLP brings it to a collector, and says what was done. */
import { HealthIndicators } from "@wirewright/connection/Health"
import { type MetricRow, metricTable, prometheusName } from "@wirewright/connection/MetricTable"
import * as Operations from "@wirewright/connection/Operations"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { expect, it } from "vitest"
import { type Expected, everything } from "./Everything.ts"

interface Series {
  readonly name: string
  readonly attributes: { readonly [name: string]: string }
  readonly value: number
}

const rows = Object.values(metricTable).flatMap((of) => Object.values(of))

/** The exposition format, as far as it is used: a line is a name, labels and a value. */
const scraped = (text: string): ReadonlyArray<Series> =>
  text.split("\n").flatMap((line) => {
    const found = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (found === null || line.startsWith("#")) return []
    const attributes = Object.fromEntries(
      [...(found[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name!, value!])
    )
    return [{ name: found[1]!, attributes, value: Number(found[3]) }]
  })

/** A series of the table in the words of Prometheus. */
const inPrometheus = ({ attributes, row }: Expected) => ({
  name: `${prometheusName(row.name)}${row.kind === "histogram" ? "_count" : ""}`,
  attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name.replaceAll(".", "_"), String(value)]))
})

const inOtlp = ({ attributes, row }: Expected) => ({
  name: row.name,
  attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)]))
})

/** Those that have these attributes; no errors where none is named. */
const find = (all: ReadonlyArray<Series>, { attributes, name }: Omit<Series, "value">): ReadonlyArray<Series> =>
  all.filter((one) =>
    one.name === name && Object.entries(attributes).every(([key, value]) => one.attributes[key] === value)
    && !Object.keys(one.attributes).some((key) => /^error[._]type$/.test(key) && !(key in attributes))
  )

const verify = (all: ReadonlyArray<Series>, expected: ReadonlyArray<Expected>, words: (one: Expected) => Omit<Series, "value">) => {
  const wrong = expected.flatMap((one) => {
    const found = find(all, words(one))
    const sum = found.reduce((sum, { value }) => sum + value, 0)
    const right = found.length > 0 && (typeof one.value === "number" ? sum === one.value : sum >= one.value.least)
    return right ? [] : [{ ...words(one), found: found.map(({ value }) => value), expected: one.value }]
  })
  expect(wrong).toEqual([])
}

interface Point {
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: { readonly stringValue: string } }>
  readonly asDouble?: number
  readonly count?: number
  readonly bucketCounts?: ReadonlyArray<number>
  readonly explicitBounds?: ReadonlyArray<number>
}

interface Exported {
  readonly name: string
  readonly unit: string
  readonly description: string
  readonly sum?: { readonly dataPoints: ReadonlyArray<Point>; readonly isMonotonic: boolean }
  readonly gauge?: { readonly dataPoints: ReadonlyArray<Point> }
  readonly histogram?: { readonly dataPoints: ReadonlyArray<Point> }
}

/** Takes what is posted to it. */
const collector = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly bodies: ReadonlyArray<string>; readonly close: () => void }>((resume) => {
    const bodies: Array<string> = []
    const server = createServer((request, response) => {
      let body = ""
      request.on("data", (chunk) => body += chunk)
      request.on("end", () => {
        bodies.push(body)
        response.end("{}")
      })
    })
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      resume(Effect.succeed({ url: `http://127.0.0.1:${port}/v1/metrics`, bodies, close: () => void server.close() }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const kindOf = (exported: Exported): MetricRow["kind"] | undefined =>
  exported.histogram !== undefined
    ? "histogram"
    : exported.gauge !== undefined
    ? "gauge"
    : exported.sum?.isMonotonic === true
    ? "counter"
    : undefined

const program = Effect.gen(function*() {
  const { expected } = yield* everything
  // the test itself forgets none
  expect(rows.filter((row) => !expected.some((one) => one.row === row)).map(({ name }) => name)).toEqual([])

  const { host, port } = yield* Operations.Operations
  const get = (path: string) => Effect.promise(async () => (await fetch(`http://${host}:${port}${path}`)).text())
  const text = yield* get("/metrics")
  const all = scraped(text)
  verify(all, expected, inPrometheus)
  for (const { attributes, kind, meaning, name } of rows) {
    expect(text).toContain(`# HELP ${prometheusName(name)} ${meaning}\n# TYPE ${prometheusName(name)} ${kind}\n`)
    const told = all.filter((one) => one.name === `${prometheusName(name)}${kind === "histogram" ? "_count" : ""}`)
    const labels = new Set(told.flatMap((one) => Object.keys(one.attributes)))
    // and has the attributes that the table says
    expect([name, [...labels].sort()]).toEqual([name, [...attributes].map((attribute) => attribute.replaceAll(".", "_")).sort()])
  }

  const { bodies, url } = yield* collector
  yield* Effect.scoped(Effect.flatMap(
    Layer.build(
      OtlpMetrics.layer({ url, resource: { serviceName: "everything" }, exportInterval: "1 hour" }).pipe(
        Layer.provide([OtlpSerialization.layerJson, FetchHttpClient.layer])
      )
    ),
    () => Effect.void
  ))
  const metrics = bodies.flatMap((body) =>
    (JSON.parse(body) as { resourceMetrics: ReadonlyArray<{ scopeMetrics: ReadonlyArray<{ metrics: ReadonlyArray<Exported> }> }> })
      .resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
  )
  const last = new Map(metrics.map((one) => [one.name, one]))
  const exported = [...last.values()].flatMap(({ gauge, histogram, name, sum }) =>
    (sum ?? gauge ?? histogram)!.dataPoints.map(({ asDouble, attributes, count }) => ({
      name,
      attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue])),
      value: (count ?? asDouble)!
    }))
  )
  verify(exported, expected, inOtlp)
  for (const { kind, meaning, name, unit } of rows) {
    const one = last.get(name)
    expect([name, one?.unit, one?.description, one && kindOf(one)]).toEqual([name, unit, meaning, kind])
  }
  const health = JSON.parse(yield* get("/health")) as { status: string; checks: Record<string, unknown> }
  expect(Object.keys(health.checks).map((name) => name.replace(/ .*/, "")).sort()).toEqual(
    expect.arrayContaining(["couchbase", "dcp", "deepstream", "memcached", "proxy", "server"])
  )
  expect(health.status).toBe("pass")
  expect(JSON.parse(yield* get("/status"))).toMatchObject({ "dcp indexer": { vbuckets: 4, streaming: 4, unsettled: 2, lag: 2 } })
})

it("a scrape and an export show every row of the table, with what was done", () =>
  Effect.runPromise(
    program.pipe(
      Effect.provide(Operations.layer()),
      Effect.scoped,
      Effect.provideService(Metric.MetricRegistry, new Map()),
      Effect.provideService(HealthIndicators, new Set()),
      Effect.provide(Logger.layer([]))
    )
  ), 60_000)
