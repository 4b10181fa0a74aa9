/** What a proxy tells of itself beside what its server does: by the rows of `proxyRows`, read when metrics are. */
import { serverAttributes } from "@wirewright/connection"
import { type Attributes, Metrics } from "@wirewright/connection/Metrics"
import { proxyRows } from "@wirewright/connection/MetricTable"
import type * as Context from "effect/Context"
import { CommandCounters, type CommandCounts, Counters } from "./Counters.ts"

/** The counters of a proxy, and where they are published. */
export class ProxyTelemetry {
  readonly opcodes: Counters
  readonly commands: CommandCounters
  private readonly metrics: Metrics | undefined
  private attributes: Attributes = {}
  private undo: Array<() => void> = []

  constructor(metrics: boolean | undefined, context: Context.Context<never>) {
    this.metrics = metrics === false ? undefined : Metrics.of(context)
    this.opcodes = new Counters((label, counts) => this.first(label, counts))
    this.commands = new CommandCounters((label, counts) => this.first(label, counts))
  }

  /** It listens from now on. */
  publish(place: { readonly host: string; readonly port: number; readonly path: string | undefined }, outages: () => number): void {
    const { metrics } = this
    if (metrics === undefined) return
    this.attributes = serverAttributes({ host: place.host, port: place.port, ...place.path === undefined ? {} : { path: place.path } })
    this.undo.push(metrics.readAll([
      [proxyRows.hits, () => this.opcodes.lookups.hits + this.commands.lookups.hits],
      [proxyRows.misses, () => this.opcodes.lookups.misses + this.commands.lookups.misses],
      [proxyRows.outages, outages]
    ], this.attributes))
  }

  end(): void {
    for (const one of this.undo.splice(0)) one()
  }

  private first(label: string, counts: () => CommandCounts): void {
    if (this.metrics === undefined) return
    this.undo.push(this.metrics.readAll([
      [proxyRows.requests, () => counts().requests],
      [proxyRows.errors, () => counts().errors]
    ], { ...this.attributes, "db.operation.name": label }))
  }
}
