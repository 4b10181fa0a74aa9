/** What a client tells of itself: metrics by the rows of `deepstreamRows`, read when metrics are, its health, and spans of its procedures. */
import { announce } from "@wirewright/connection/Health"
import { type Attributes, Metrics, OperationDurations } from "@wirewright/connection/Metrics"
import { clientRows, deepstreamRows } from "@wirewright/connection/MetricTable"
import { inSpanIfTraced } from "@wirewright/connection/Spans"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { completeUrl } from "./Connection.ts"
import { transitions } from "./ConnectionState.ts"
import type { DeepstreamOptions } from "./DeepstreamOptions.ts"
import type { DeepstreamReason } from "./DeepstreamError.ts"
import type { DeepstreamSession } from "./DeepstreamSession.ts"
import type { Settle } from "./Wire.ts"

type TelemetryOptions = Pick<DeepstreamOptions, "metrics" | "spans">

const placeOf = (url: string): Attributes => {
  const [, secure, host = url, port] = /^ws(s?):\/\/(?:[^@/?#]*@)?(\[[^\]]*\]|[^:/?#]*)(?::(\d+))?/.exec(completeUrl(url)) ?? []
  return { "server.address": host.replace(/^\[|\]$/g, ""), "server.port": port === undefined ? (secure === "s" ? 443 : 80) : Number(port) }
}

/** The telemetry of one client. */
export class ClientTelemetry {
  private readonly spans: boolean
  private readonly server: Attributes
  private readonly durations: OperationDurations | undefined
  private readonly now: () => number

  private constructor(metrics: Metrics | undefined, { spans }: TelemetryOptions, server: Attributes, now: () => number) {
    this.spans = spans !== false
    this.server = server
    this.now = now
    this.durations = metrics === undefined
      ? undefined
      : new OperationDurations(metrics, clientRows.call, "rpc.method", { "rpc.system.name": "deepstream", ...server })
  }

  /** Tells of a session until the scope closes. */
  static make(
    url: string,
    session: DeepstreamSession,
    options: TelemetryOptions,
    now: () => number
  ): Effect.Effect<ClientTelemetry, never, Scope.Scope> {
    return Effect.gen(function*() {
      const context = yield* Effect.context<never>() as Effect.Effect<Context.Context<never>>
      const server = placeOf(url)
      const metrics = options.metrics === false ? undefined : Metrics.of(context)
      if (metrics !== undefined) {
        yield* Effect.acquireRelease(Effect.sync(() => publish(metrics, server, session)), (leave) => Effect.sync(leave))
      }
      yield* announce({
        name: `deepstream ${server["server.address"]}:${server["server.port"]}`,
        notReady: () => session.state === "OPEN" ? [] : [`the connection is ${session.state}`],
        notLive: () => session.closed === undefined || session.closed._tag === "Closed" ? [] : [`closed for good: ${session.closed._tag}`],
        status: () => ({ state: session.state, queued: session.queued, ...session.counts })
      })
      return new ClientTelemetry(metrics, options, server, now)
    })
  }

  /** A call of a procedure, in a span where somebody looks at it. */
  traced<A, E>(name: string, call: Effect.Effect<A, E>): Effect.Effect<A, E> {
    if (!this.spans) return call
    return inSpanIfTraced(`deepstream.rpc ${name}`, { "rpc.system.name": "deepstream", "rpc.method": name, ...this.server }, call)
  }

  /** Whoever hears of the outcome of a call, after it was counted. */
  counted<A>(name: string, settle: Settle<A>): Settle<A> {
    const { durations, now } = this
    if (durations === undefined) return settle
    const start = now()
    return {
      succeed: (value) => {
        durations.succeeded(name, now() - start)
        settle.succeed(value)
      },
      fail: (reason: DeepstreamReason) => {
        durations.failed(name, now() - start, reason._tag)
        settle.fail(reason)
      }
    }
  }
}

const publish = (metrics: Metrics, server: Attributes, session: DeepstreamSession): () => void => {
  const peer = { "network.protocol.name": "deepstream", ...server }
  const topics = Object.keys(session.counts.subscriptions) as Array<keyof DeepstreamSession["counts"]["subscriptions"]>
  const undo = [
    metrics.readAll([
      [clientRows.inFlight, () => session.counts.inFlight],
      [clientRows.connections, () => session.state === "OPEN" ? 1 : 0],
      [clientRows.connectionsMax, () => 1],
      [clientRows.reconnects, () => session.counts.reconnects]
    ], peer),
    metrics.read(clientRows.connectFailures, { ...peer, "error.type": "ConnectionFailed" }, () => session.counts.failures),
    metrics.readAll([
      [deepstreamRows.writes, () => session.counts.writes],
      [deepstreamRows.queued, () => session.queued.messages]
    ], server),
    metrics.read(deepstreamRows.messages, { ...server, "network.io.direction": "transmit" }, () => session.counts.sent),
    metrics.read(deepstreamRows.messages, { ...server, "network.io.direction": "receive" }, () => session.counts.received),
    ...Object.keys(transitions).map((state) =>
      metrics.read(deepstreamRows.state, { ...server, "wirewright.deepstream.state": state }, () => session.state === state ? 1 : 0)
    ),
    ...topics.map((topic) =>
      metrics.read(
        deepstreamRows.subscriptions,
        { ...server, "wirewright.deepstream.topic": topic },
        () => session.counts.subscriptions[topic]
      )
    )
  ]
  return () => undo.forEach((one) => one())
}
