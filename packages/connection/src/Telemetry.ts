/**
 * What clients tell of themselves where their options ask for it: a span of every request, and metrics by the names of one table.
 *
 * Names of attributes are those of OpenTelemetry's semantic conventions. Gauges, and what is counted anyway, are read when metrics are.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Timers } from "./Timers.ts"

/** What a client tells of itself. */
export interface TelemetryOptions {
  /** Makes a span of every request, which takes longer than the request. Default: no */
  readonly spans?: boolean
  /** Publishes `clientMetrics`. Default: no */
  readonly metrics?: boolean
}

/** Seconds, as OpenTelemetry advises for clients of databases, and shorter ones. */
const boundaries = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/**
 * Metrics of all clients, told apart by the attributes `network.protocol.name`, `server.address` and `server.port`; errors also by `error.type`:
 * the tag of the reason, or the name of the status.
 */
export const clientMetrics = {
  requests: Metric.counter("wirewright_client_requests", { description: "Requests that ended", incremental: true }),
  errors: Metric.counter("wirewright_client_errors", { description: "Requests that failed", incremental: true }),
  duration: Metric.histogram("wirewright_client_request_duration", { description: "Seconds from a request to its outcome", boundaries }),
  lateAnswers: Metric.counter("wirewright_client_late_answers", { description: "Answers that came when nobody waited", incremental: true }),
  reconnects: Metric.counter("wirewright_client_reconnects", { description: "Connections made anew", incremental: true }),
  inFlight: Metric.gauge("wirewright_client_in_flight", { description: "Requests that wait for an answer" }),
  connected: Metric.gauge("wirewright_client_connections", { description: "Open connections" })
}

const counted = ["lateAnswers", "reconnects"] as const
const gauges = ["inFlight", "connected"] as const

/** What a client counts beside its requests. */
export type Counted = { readonly [name in typeof counted[number] | typeof gauges[number]]: number }

/** What is told of the clients of one server together. */
class Series {
  /** Clients that there are. */
  readonly clients = new Set<() => Counted>()
  /** What those counted that are gone. */
  readonly gone = { lateAnswers: 0, reconnects: 0 }

  sum(name: keyof Counted): number {
    let sum = name === "lateAnswers" || name === "reconnects" ? this.gone[name] : 0
    for (const client of this.clients) sum += client()[name]
    return sum
  }
}

const ignored = (): void => {}
const published = new WeakMap<object, Map<string, Series>>()

/** The series of a server, which is there from the first of its clients on. */
const seriesOf = (attributes: { readonly [name: string]: string }, context: Context.Context<never>): Series => {
  const registry = Context.get(context, Metric.MetricRegistry)
  const all = published.get(registry) ?? new Map<string, Series>()
  published.set(registry, all)
  const key = JSON.stringify([attributes, Context.get(context, Metric.CurrentMetricAttributes)])
  const there = all.get(key)
  if (there !== undefined) return there
  const made = new Series()
  all.set(key, made)
  const mutation = { update: ignored, modify: ignored }
  for (const name of counted) {
    const get = () => ({ count: made.sum(name), incremental: true })
    Metric.registerUnsafe(Metric.withAttributes(clientMetrics[name], attributes), context, { get, ...mutation })
  }
  for (const name of gauges) {
    Metric.registerUnsafe(Metric.withAttributes(clientMetrics[name], attributes), context, {
      get: () => ({ value: made.sum(name) }),
      ...mutation
    })
  }
  return made
}

interface Reasoned {
  readonly _tag?: string
  readonly name?: string
  readonly reason?: unknown
}

/** `error.type` of a failure. */
const typeOf = (error: unknown): string => {
  const { _tag, name, reason } = error as Reasoned
  const inner = (reason as Reasoned | undefined)?._tag
  return inner ?? (_tag === "StatusError" ? name : _tag) ?? "_OTHER"
}

/** `error.type` of what ended without success; nothing where it did not, or was interrupted. */
const failureOf = (exit: Exit.Exit<unknown, unknown>): string | undefined => {
  if (Exit.isSuccess(exit) || Exit.hasInterrupts(exit)) return undefined
  const error = Exit.findErrorOption(exit)
  return Option.isSome(error) ? typeOf(error.value) : "defect"
}

/** Whose requests they are. */
export interface Told {
  readonly protocol: string
  readonly host: string
  readonly port: number
  /** A Unix socket instead of host and port. */
  readonly path?: string
  readonly timers: Timers
  readonly counters: () => Counted
}

/** What is told of the requests of one client. */
export class Telemetry {
  private readonly spans: boolean
  private readonly told: Told
  private readonly attributes: { readonly [name: string]: string | number }
  private readonly context: Context.Context<never> | undefined
  private readonly requests: typeof clientMetrics.requests
  private readonly duration: typeof clientMetrics.duration
  private readonly errors = new Map<string, typeof clientMetrics.errors>()

  private constructor({ metrics, spans }: TelemetryOptions, told: Told, context: Context.Context<never>) {
    this.spans = spans === true
    this.told = told
    this.context = metrics === true ? context : undefined
    const { host, path, port, protocol } = told
    const server = path === undefined ? { "server.address": host, "server.port": port } : { "server.address": path }
    this.attributes = { "network.protocol.name": protocol, ...server }
    this.requests = Metric.withAttributes(clientMetrics.requests, this.labels())
    this.duration = Metric.withAttributes(clientMetrics.duration, this.labels())
  }

  /** What a client tells until the scope closes; nothing where its options ask for nothing. */
  static make(options: TelemetryOptions, told: Told): Effect.Effect<Telemetry | undefined, never, Scope.Scope> {
    const { metrics, spans } = options
    if (metrics !== true && spans !== true) return Effect.succeed(undefined)
    return Effect.contextWith((context: Context.Context<never>) => {
      const telemetry = new Telemetry(options, told, context)
      if (metrics !== true) return Effect.succeed(telemetry)
      const series = seriesOf(telemetry.labels(), context)
      series.clients.add(told.counters)
      const leave = Effect.sync(() => {
        series.clients.delete(told.counters)
        const last = told.counters()
        for (const name of counted) series.gone[name] += last[name]
      })
      return Effect.as(Effect.addFinalizer(() => leave), telemetry)
    })
  }

  /** A request, which is told of whenever it is run. `attributes`: of its span, beside those of all spans. */
  request<A, E, R>(
    command: string,
    request: Effect.Effect<A, E, R>,
    attributes?: { readonly [name: string]: unknown }
  ): Effect.Effect<A, E, R> {
    const { context } = this
    const metered = context === undefined ? request : Effect.suspend(() => {
      const start = this.told.timers.now()
      return Effect.onExit(request, (exit) => Effect.sync(() => this.ended(start, exit, context)))
    })
    if (!this.spans) return metered
    const typed = Effect.onExit(metered, annotate)
    return Effect.withSpan(typed, `${this.told.protocol}.${command}`, this.span(command, attributes))
  }

  /** The same of a request with many answers, from when the stream is run until it ends. */
  stream<A, E, R>(command: string, stream: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> {
    const { context } = this
    const metered = context === undefined ? stream : Stream.suspend(() => {
      const start = this.told.timers.now()
      return Stream.onExit(stream, (exit) => Effect.sync(() => this.ended(start, exit, context)))
    })
    if (!this.spans) return metered
    return Stream.withSpan(Stream.onExit(metered, annotate), `${this.told.protocol}.${command}`, this.span(command))
  }

  private span(command: string, attributes?: { readonly [name: string]: unknown }) {
    return { kind: "client" as const, attributes: { ...this.attributes, "rpc.method": command, ...attributes } }
  }

  private ended(start: number, exit: Exit.Exit<unknown, unknown>, context: Context.Context<never>): void {
    this.requests.updateUnsafe(1, context)
    this.duration.updateUnsafe((this.told.timers.now() - start) / 1_000, context)
    const type = failureOf(exit)
    if (type === undefined) return
    const there = this.errors.get(type)
    const errors = there ?? Metric.withAttributes(clientMetrics.errors, { ...this.labels(), "error.type": type })
    if (there === undefined) this.errors.set(type, errors)
    errors.updateUnsafe(1, context)
  }

  /** Attributes of metrics, whose values are text. */
  private labels(): { readonly [name: string]: string } {
    return Object.fromEntries(Object.entries(this.attributes).map(([name, value]) => [name, String(value)]))
  }
}

const annotate = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> => {
  const type = failureOf(exit)
  return type === undefined ? Effect.void : Effect.annotateCurrentSpan("error.type", type)
}
