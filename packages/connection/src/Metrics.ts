/**
 * Metrics that cost nothing until they are read: what is counted anyway is read then, and a histogram is an array of numbers.
 *
 * Sources with the same attributes are one series. What a counter had counted when its source went away stays; a gauge without sources is gone.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"

/** A row of `MetricTable`. */
interface Row {
  readonly name: string
  readonly kind: "counter" | "gauge" | "histogram"
  readonly unit: string
  readonly meaning: string
  readonly together?: "largest"
}

/** Values of attributes; those that are undefined are left out. */
export interface Attributes {
  readonly [name: string]: string | number | undefined
}

/** Bounds of a histogram of durations, in seconds: OpenTelemetry's for clients of databases, and shorter ones. */
export const durationBounds: ReadonlyArray<number> = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

const bounds = new Float64Array(durationBounds.map((seconds) => seconds * 1_000))

/** A histogram of durations. */
export class Durations {
  private readonly counts = new Float64Array(bounds.length + 1)
  private readonly extremes = new Float64Array([Infinity, -Infinity, 0])

  record(milliseconds: number): void {
    let bucket = 0
    while (milliseconds > bounds[bucket]!) bucket++
    this.counts[bucket]!++
    const { extremes } = this
    extremes[2]! += milliseconds
    if (milliseconds < extremes[0]!) extremes[0] = milliseconds
    if (milliseconds > extremes[1]!) extremes[1] = milliseconds
  }

  /** As metrics tell it, in seconds. */
  get state(): Metric.HistogramState {
    const [least = 0, most = 0, sum = 0] = this.extremes
    let count = 0
    const buckets = durationBounds.map((bound, bucket): [number, number] => [bound, count += this.counts[bucket]!])
    count += this.counts.at(-1)!
    return count === 0
      ? { buckets, count, min: 0, max: 0, sum: 0 }
      : { buckets, count, min: least / 1_000, max: most / 1_000, sum: sum / 1_000 }
  }
}

/** Something that is counted here. */
export interface Count {
  value: number
}

/** What one series is made of. */
class Series {
  readonly sources = new Set<() => number>()
  /** Takes it out of the registry. */
  remove = (): void => {}
  /** What sources had counted that are gone. */
  private gone = 0
  private readonly largest: boolean

  constructor(row: Row) {
    this.largest = row.together === "largest"
  }

  read(): number {
    let value = this.gone
    for (const source of this.sources) value = this.largest ? Math.max(value, source()) : value + source()
    return value
  }

  leave(source: () => number, counts: boolean): void {
    if (this.sources.delete(source) && counts) this.gone += source()
  }
}

const ignored = { update: (): void => {}, modify: (): void => {} }

const instances = new WeakMap<object, Map<string, Metrics>>()

/** The metrics of one registry. */
export class Metrics {
  private readonly context: Context.Context<never>
  private readonly series = new Map<string, Series>()
  private readonly counts = new Map<string, Count>()
  private readonly histograms = new Map<string, Durations>()

  private constructor(context: Context.Context<never>) {
    this.context = context
  }

  /** Those that are published where there is this context: in its registry, with its attributes. */
  static of(context: Context.Context<never>): Metrics {
    const registry = Context.get(context, Metric.MetricRegistry)
    const all = instances.get(registry) ?? new Map<string, Metrics>()
    instances.set(registry, all)
    const attributes = Context.get(context, Metric.CurrentMetricAttributes)
    const key = JSON.stringify(attributes)
    const there = all.get(key)
    if (there !== undefined) return there
    const kept = Context.add(Context.make(Metric.MetricRegistry, registry), Metric.CurrentMetricAttributes, attributes)
    const made = new Metrics(kept as unknown as Context.Context<never>)
    all.set(key, made)
    return made
  }

  /** Publishes what a source counts, or how it is, until this is undone. */
  read(row: Row, attributes: Attributes, source: () => number): () => void {
    const key = keyOf(row, attributes)
    const there = this.series.get(key)
    const series = there ?? new Series(row)
    series.sources.add(source)
    if (there === undefined) {
      this.series.set(key, series)
      series.remove = this.register(row, attributes, series)
    }
    return () => {
      series.leave(source, row.kind === "counter")
      if (row.kind === "counter" || series.sources.size > 0) return
      series.remove()
      if (this.series.get(key) === series) this.series.delete(key)
    }
  }

  /** Apart from `read`: what the registry keeps shares the variables of the function that makes it, and must not keep a source. */
  private register(row: Row, attributes: Attributes, series: Series): () => void {
    const options = optionsOf(row, attributes)
    const { remove } = row.kind === "counter"
      ? Metric.registerUnsafe(Metric.counter(row.name, { ...options, incremental: true }), this.context, {
        get: () => ({ count: series.read(), incremental: true }),
        ...ignored
      })
      : Metric.registerUnsafe(Metric.gauge(row.name, options), this.context, { get: () => ({ value: series.read() }), ...ignored })
    return remove
  }

  /** Publishes several with the same attributes until this is undone. */
  readAll(rows: ReadonlyArray<readonly [row: Row, source: () => number]>, attributes: Attributes): () => void {
    const undo = rows.map(([row, source]) => this.read(row, attributes, source))
    return () => undo.forEach((one) => one())
  }

  /** A counter that is counted up from here on; the same one for the same attributes. */
  count(row: Row, attributes: Attributes): Count {
    const key = keyOf(row, attributes)
    const there = this.counts.get(key)
    if (there !== undefined) return there
    const made: Count = { value: 0 }
    this.counts.set(key, made)
    this.read(row, attributes, () => made.value)
    return made
  }

  /** A histogram; the same one for the same attributes. */
  durations(row: Row, attributes: Attributes): Durations {
    const key = keyOf(row, attributes)
    const there = this.histograms.get(key)
    if (there !== undefined) return there
    const made = new Durations()
    this.histograms.set(key, made)
    const metric = Metric.histogram(row.name, { ...optionsOf(row, attributes), boundaries: durationBounds })
    Metric.registerUnsafe(metric, this.context, { get: () => made.state, ...ignored })
    return made
  }
}

const given = (attributes: Attributes): ReadonlyArray<readonly [string, string]> =>
  Object.entries(attributes).flatMap(([name, value]) => value === undefined ? [] : [[name, String(value)] as const])

const keyOf = ({ name }: Row, attributes: Attributes): string => JSON.stringify([name, ...[...given(attributes)].sort()])

const optionsOf = ({ meaning, unit }: Row, attributes: Attributes) => ({
  description: meaning,
  // exporters of OTLP take the unit from this attribute; that of Prometheus leaves it out
  attributes: { ...Object.fromEntries(given(attributes)), unit }
})

/** Histograms of operations, by name and outcome, beside attributes that all of them have. */
export class OperationDurations {
  private readonly metrics: Metrics
  private readonly row: Row
  private readonly attributes: Attributes
  private readonly nameOf: string
  private readonly succeededBy = new Map<string, Durations>()
  private readonly failedBy = new Map<string, Durations>()

  /** @param nameOf the attribute that is the operation's name */
  constructor(metrics: Metrics, row: Row, nameOf: string, attributes: Attributes) {
    this.metrics = metrics
    this.row = row
    this.nameOf = nameOf
    this.attributes = attributes
  }

  succeeded(operation: string, milliseconds: number): void {
    const there = this.succeededBy.get(operation)
    if (there !== undefined) return there.record(milliseconds)
    const made = this.metrics.durations(this.row, { [this.nameOf]: operation, ...this.attributes })
    this.succeededBy.set(operation, made)
    made.record(milliseconds)
  }

  /** @param type `error.type`; nothing where it succeeded */
  ended(operation: string, milliseconds: number, type: string | undefined): void {
    if (type === undefined) this.succeeded(operation, milliseconds)
    else this.failed(operation, milliseconds, type)
  }

  /** @param type `error.type` */
  failed(operation: string, milliseconds: number, type: string, more: Attributes = {}): void {
    const key = `${operation} ${type} ${Object.values(more).join(" ")}`
    const there = this.failedBy.get(key)
    if (there !== undefined) return there.record(milliseconds)
    const made = this.metrics.durations(this.row, { [this.nameOf]: operation, ...this.attributes, "error.type": type, ...more })
    this.failedBy.set(key, made)
    made.record(milliseconds)
  }
}
