/**
 * What clients tell of themselves: metrics by the rows of `MetricTable`, and spans where somebody looks at them.
 *
 * Gauges, and what is counted anyway, are read when metrics are; an operation adds one to an array of numbers. Spans are made only where a
 * tracer is in place: without one there is nobody to see them.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Resume } from "./Exchange.ts"
import { type Attributes, Metrics, OperationDurations } from "./Metrics.ts"
import { clientRows } from "./MetricTable.ts"
import { annotate, errorType, failureOf, inSpan, inSpanIfTraced, isTraced, type SpanAttributes } from "./Spans.ts"
import type { Timers } from "./Timers.ts"

/** What a client tells of itself. */
export interface TelemetryOptions {
  /** Makes a span of every request; they are made only where a tracer is in place. Default: yes */
  readonly spans?: boolean
  /** Publishes the metrics of clients. Default: yes */
  readonly metrics?: boolean
}

/** What a client counts beside its requests. */
export interface Counted {
  readonly lateAnswers: number
  readonly inFlight: number
  /** Connections that were opened again. */
  readonly reconnects: number
  readonly connected: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

/** Where a server is. */
export interface ServerPlace {
  readonly host: string
  readonly port: number
  /** A Unix socket instead of host and port. */
  readonly path?: string
}

/** Attributes that say which server it is. */
export const serverAttributes = ({ host, path, port }: ServerPlace): Attributes =>
  path === undefined ? { "server.address": host, "server.port": port } : { "server.address": path }

/** Whose requests they are. */
export interface Told extends ServerPlace {
  /** `network.protocol.name`. */
  readonly protocol: string
  readonly timers: Timers
  /** How many connections there should be. */
  readonly connections: number
  readonly counters: () => Counted
}

/** Publishes what a client counts until this is undone. */
export const publishClient = (
  metrics: Metrics,
  attributes: Attributes,
  connections: () => number,
  counted: () => Counted
): () => void => {
  const read = metrics.readAll([
    [clientRows.inFlight, () => counted().inFlight],
    [clientRows.connections, () => counted().connected],
    [clientRows.connectionsMax, connections],
    [clientRows.reconnects, () => counted().reconnects],
    [clientRows.lateAnswers, () => counted().lateAnswers]
  ], attributes)
  const sent = metrics.read(clientRows.io, { ...attributes, "network.io.direction": "transmit" }, () => counted().bytesSent)
  const received = metrics.read(clientRows.io, { ...attributes, "network.io.direction": "receive" }, () => counted().bytesReceived)
  return () => {
    read()
    sent()
    received()
  }
}

/** What is told of one client. */
export class Telemetry {
  /** Nothing where no metrics are published. */
  readonly metrics: Metrics | undefined
  readonly spans: boolean
  private readonly told: Told
  private readonly server: Attributes
  private readonly calls: OperationDurations | undefined
  private readonly attributes: Attributes
  private unpublish: (() => void) | undefined

  private constructor({ metrics, spans }: TelemetryOptions, told: Told, context: Context.Context<never>) {
    this.spans = spans !== false
    this.told = told
    this.server = serverAttributes(told)
    this.attributes = { "network.protocol.name": told.protocol, ...this.server }
    this.metrics = metrics === false ? undefined : Metrics.of(context)
    this.calls = this.metrics === undefined
      ? undefined
      : new OperationDurations(this.metrics, clientRows.call, "rpc.method", { "rpc.system.name": told.protocol, ...this.server })
  }

  /** What a client tells until the scope closes. */
  static make(options: TelemetryOptions, told: Told): Effect.Effect<Telemetry, never, Scope.Scope> {
    return Effect.contextWith((context: Context.Context<never>) =>
      Effect.acquireRelease(
        Effect.sync(() => Telemetry.of(options, told, context)),
        (telemetry) => Effect.sync(() => telemetry.leave())
      )
    )
  }

  /** The same until it leaves. */
  static of(options: TelemetryOptions, told: Told, context: Context.Context<never>): Telemetry {
    const telemetry = new Telemetry(options, told, context)
    const { attributes, metrics } = telemetry
    if (metrics !== undefined) telemetry.unpublish = publishClient(metrics, attributes, () => told.connections, told.counters)
    return telemetry
  }

  /** The client is gone. */
  leave(): void {
    this.unpublish?.()
    this.unpublish = undefined
  }

  /** Durations of a database's operations; nothing where no metrics are published. */
  operations(system: string): OperationDurations | undefined {
    return this.metrics === undefined
      ? undefined
      : new OperationDurations(this.metrics, clientRows.operation, "db.operation.name", { "db.system.name": system, ...this.server })
  }

  /** An attempt to connect failed. */
  connectFailed(error: unknown): void {
    if (this.metrics === undefined) return
    this.metrics.count(clientRows.connectFailures, { ...this.attributes, "error.type": errorType(error) }).value++
  }

  /** A request ended. */
  ended(command: string, milliseconds: number, failure: string | undefined): void {
    this.calls?.ended(command, milliseconds, failure)
  }

  /** What `ask` asks, in a span of its own whenever somebody looks at it. Without one, it is as quick as `Effect.callback`. */
  asked<A, E>(command: string, ask: (resume: Resume<A, E>) => Effect.Effect<void> | undefined): Effect.Effect<A, E> {
    if (!this.spans) return Effect.callback<A, E>(ask)
    return Effect.callback<A, E>((resume) => {
      if (!isTraced()) return ask(resume)
      resume(inSpan(this.spanName(command), this.span(command), Effect.callback<A, E>(ask)))
      return undefined
    })
  }

  /** The same of a request that is an effect. */
  request<A, E, R>(command: string, request: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return this.spans ? inSpanIfTraced(this.spanName(command), this.span(command), request) : request
  }

  /** A request with many answers, from when the stream is run until it ends, counted and in a span. */
  stream<A, E, R>(command: string, stream: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> {
    const { timers } = this.told
    return Stream.suspend(() => {
      const start = timers.now()
      const counted = this.metrics === undefined ? stream : Stream.onExit(stream, (exit) =>
        Effect.sync(() => {
          if (!Exit.hasInterrupts(exit)) this.ended(command, timers.now() - start, failureOf(exit))
        }))
      if (!this.spans || !isTraced()) return counted
      return Stream.withSpan(Stream.onExit(counted, annotate), this.spanName(command), { kind: "client", attributes: this.span(command) })
    })
  }

  private spanName(command: string): string {
    return `${this.told.protocol}.${command}`
  }

  /** Attributes of the span of a command. */
  private span(command: string): SpanAttributes {
    return { "rpc.system.name": this.told.protocol, "rpc.method": command, ...this.attributes }
  }
}
