/** The dashboard for Grafana, made of the table of metrics: a row for each subject, a panel for each metric. */
import { type MetricRow, metricTable, prometheusName } from "@wirewright/connection/MetricTable"

/** A panel and what it asks Prometheus. */
export interface Panel {
  readonly row: MetricRow
  readonly title: string
  readonly unit: string
  readonly targets: ReadonlyArray<{ readonly expr: string; readonly legend: string }>
}

const label = (attribute: string): string => attribute.replaceAll(".", "_")

const chosen = `job=~"$job", instance=~"$instance"`

/** Whatever has a series for each vbucket would be a thousand lines. */
const most = (row: MetricRow, expr: string): string =>
  row.attributes.includes("messaging.destination.partition.id") ? `topk(20, ${expr})` : expr

const legendOf = (attributes: ReadonlyArray<string>): string => attributes.map((attribute) => `{{${label(attribute)}}}`).join(" ")

const panelOf = (row: MetricRow): Panel => {
  const name = prometheusName(row.name)
  const by = row.attributes.map(label).join(", ")
  if (row.kind === "histogram") {
    // failures are a matter of rates: how long they took is not how long it takes
    const outcome = ["error.type", "db.response.status_code"]
    const timed = row.attributes.filter((attribute) => !outcome.includes(attribute))
    const buckets = `sum by (le, ${timed.map(label).join(", ")}) (rate(${name}_bucket{${chosen}}[$__rate_interval]))`
    return {
      row,
      title: row.name,
      unit: "s",
      targets: [0.5, 0.99].map((quantile) => ({
        expr: `histogram_quantile(${quantile}, ${buckets})`,
        legend: `p${quantile * 100} ${legendOf(timed)}`
      }))
    }
  }
  const bytes = row.unit === "By"
  return row.kind === "counter"
    ? {
      row,
      title: `${row.name} per second`,
      unit: bytes ? "Bps" : "cps",
      targets: [{ expr: most(row, `sum by (${by}) (rate(${name}{${chosen}}[$__rate_interval]))`), legend: legendOf(row.attributes) }]
    }
    : {
      row,
      title: row.name,
      unit: bytes ? "bytes" : row.unit === "s" ? "s" : "short",
      targets: [{
        expr: most(row, `${row.together === "largest" ? "max" : "sum"} by (${by}) (${name}{${chosen}})`),
        legend: legendOf(row.attributes)
      }]
    }
}

/** How often a histogram's operations ended, by what they ended with. */
const ratesOf = (row: MetricRow): Panel => ({
  row,
  title: `${row.name}: operations per second`,
  unit: "ops",
  targets: [{
    expr: `sum by (${row.attributes.map(label).join(", ")}) (rate(${prometheusName(row.name)}_count{${chosen}}[$__rate_interval]))`,
    legend: legendOf(row.attributes)
  }]
})

/** All panels, by subject. */
export const panels: ReadonlyMap<string, ReadonlyArray<Panel>> = new Map(
  Object.entries(metricTable).map(([subject, rows]) => [
    subject,
    Object.values(rows).flatMap((row) => row.kind === "histogram" ? [panelOf(row), ratesOf(row)] : [panelOf(row)])
  ])
)

const datasource = { type: "prometheus", uid: "${datasource}" }

const variable = (name: string, query: string) => ({
  name,
  type: "query",
  datasource,
  query: { query, refId: name },
  refresh: 2,
  multi: true,
  includeAll: true,
  allValue: ".*",
  current: { text: "All", value: "$__all" }
})

const [width, height] = [8, 8]

/** The dashboard as Grafana imports it. */
export const dashboard = (): object => {
  let y = 0
  let id = 0
  const laid = [...panels].flatMap(([subject, all]) => {
    const heading = { id: ++id, type: "row", title: subject, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] }
    const top = y + 1
    y = top + Math.ceil(all.length / 3) * height
    return [
      heading,
      ...all.map(({ row, targets, title, unit }, i) => ({
        id: ++id,
        type: "timeseries",
        title,
        description: row.meaning,
        datasource,
        gridPos: { x: i % 3 * width, y: top + Math.floor(i / 3) * height, w: width, h: height },
        fieldConfig: { defaults: { unit }, overrides: [] },
        targets: targets.map(({ expr, legend }, n) => ({
          refId: String.fromCharCode(65 + n),
          datasource,
          expr,
          legendFormat: legend
        }))
      }))
    ]
  })
  return {
    title: "Wirewright",
    uid: "wirewright",
    tags: ["wirewright"],
    schemaVersion: 39,
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    templating: {
      list: [
        { name: "datasource", type: "datasource", query: "prometheus" },
        variable("job", "label_values(up, job)"),
        variable("instance", `label_values(up{job=~"$job"}, instance)`)
      ]
    },
    panels: laid
  }
}
