/** METRICS.md and the dashboard are made of the table of metrics (`npm run docs`). */
import { metricTable, prometheusName } from "@wirewright/connection/MetricTable"
import { readFileSync, writeFileSync } from "node:fs"
import { expect, it } from "vitest"
import { dashboard, panels } from "./Dashboard.ts"
import { path } from "./Guide.ts"

const page = (): string =>
  `# Metrics

What clients, consumers, servers and proxies publish. They are there without being asked for, and \`metrics: false\` leaves them out. Names, units and
attributes are OpenTelemetry's; the second name is that in Prometheus, where dots of attributes are underscores.
\`layer\` of \`@wirewright/connection/Operations\` serves them at \`/metrics\`; \`effect/observability\` exports them by OTLP.
[The dashboard for Grafana](grafana/wirewright.json) has a panel for each.
${
    Object.entries(metricTable).map(([subject, rows]) => `
## Of ${subject}

| metric | kind | unit | attributes | meaning |
|---|---|---|---|---|
${
      Object.values(rows).map(({ attributes, kind, meaning, name, unit }) =>
        `| \`${name}\`<br>\`${prometheusName(name)}\` | ${kind} | \`${unit}\` | ${
          attributes.map((one) => `\`${one}\``).join(", ")
        } | ${meaning} |`
      ).join("\n")
    }
`).join("")
  }`

const fresh = (file: string, text: string): void => {
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(path(file), text)
  expect(readFileSync(path(file), "utf8")).toBe(text)
}

it("METRICS.md is the table", () => fresh("packages/connection/METRICS.md", page()))

it("the dashboard is the table", () => fresh("packages/connection/grafana/wirewright.json", `${JSON.stringify(dashboard(), null, 2)}\n`))

it("each metric has a panel, and no two panels lie on each other", () => {
  const shown = new Set([...panels.values()].flatMap((all) => all.map(({ row }) => row.name)))
  expect([...shown].sort()).toEqual(Object.values(metricTable).flatMap((rows) => Object.values(rows).map(({ name }) => name)).sort())
  const { panels: laid } = dashboard() as { panels: ReadonlyArray<{ gridPos: { x: number; y: number; w: number; h: number } }> }
  const cells = laid.flatMap(({ gridPos: { h, w, x, y } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + i % w} ${y + Math.floor(i / w)}`)
  )
  expect(new Set(cells).size).toBe(cells.length)
})
