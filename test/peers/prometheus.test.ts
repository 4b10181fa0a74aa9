/**
 * Debian's Prometheus scrapes a program in which every metric has something to tell; every panel of the dashboard is then asked of it as Grafana
 * would, and shows something.
 */
import * as Operations from "@wirewright/connection/Operations"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { path } from "../docs/Guide.ts"
import { everything, runWatched } from "../runtime/Everything.ts"
import { freePort } from "./Memcached.ts"

interface Answer {
  readonly status: string
  readonly error?: string
  readonly data?: { readonly result: ReadonlyArray<{ readonly value: readonly [time: number, value: string] }> }
}

/** Prometheus with a configuration of its own, once it answers. */
const prometheus = (scraped: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = mkdtempSync(join(tmpdir(), "prometheus-"))
      const config = join(folder, "prometheus.yml")
      writeFileSync(
        config,
        `global: { scrape_interval: 1s }\nscrape_configs: [{ job_name: everything, static_configs: [{ targets: ["${scraped}"] }] }]\n`
      )
      const address = `127.0.0.1:${await freePort()}`
      const child: ChildProcess = spawn("prometheus", [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        `--web.listen-address=${address}`
      ], { stdio: "ignore" })
      for (let attempt = 0;; attempt++) {
        const ready = await fetch(`http://${address}/-/ready`).then(({ ok }) => ok, () => false)
        if (ready) break
        if (attempt > 100 || child.exitCode !== null) throw new Error("prometheus does not start")
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      const ask = async (query: string): Promise<Answer> =>
        await (await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(query)}`)).json() as Answer
      return { ask, child, folder }
    }),
    ({ child, folder }) =>
      Effect.promise(async () => {
        const ended = new Promise((resolve) => child.once("exit", resolve))
        child.kill("SIGTERM")
        await ended
        rmSync(folder, { recursive: true, force: true })
      })
  )

const dashboard = JSON.parse(readFileSync(path("packages/connection/grafana/wirewright.json"), "utf8")) as {
  readonly panels: ReadonlyArray<{ readonly title: string; readonly targets?: ReadonlyArray<{ readonly expr: string }> }>
}

/** What Grafana puts in the place of variables when all jobs and instances are chosen. */
const filled = (expr: string): string => expr.replaceAll(/\$(job|instance)\b/g, ".*").replaceAll("$__rate_interval", "5s")

const program = Effect.gen(function*() {
  const { again } = yield* everything
  const { host, port } = yield* Operations.Operations
  const { ask } = yield* prometheus(`${host}:${port}`)
  const queries = dashboard.panels.flatMap(({ targets = [], title }) => targets.map(({ expr }) => ({ title, expr: filled(expr) })))
  expect(queries.length).toBeGreaterThan(40)
  let empty: ReadonlyArray<string> = ["nothing was asked"]
  for (let turn = 0; turn < 12 && empty.length > 0; turn++) {
    for (let times = 0; times < 10; times++) {
      yield* again
      yield* Effect.sleep(150)
    }
    empty = yield* Effect.promise(async () =>
      (await Promise.all(queries.map(async ({ expr, title }) => {
        const { data, error } = await ask(expr)
        const shown = (data?.result ?? []).some(({ value }) => Number.isFinite(Number(value[1])))
        return shown ? [] : [`${title}: ${error ?? (data?.result.length === 0 ? "no series" : "no number")} (${expr})`]
      }))).flat()
    )
  }
  expect(empty).toEqual([])
  // and it is Prometheus that tells: one gauge that stands still, and what is not there
  const one = yield* Effect.promise(() => ask("sum(wirewright_dcp_vbuckets)"))
  expect(one.data?.result.map(({ value }) => value[1])).toEqual(["4"])
  expect((yield* Effect.promise(() => ask("wirewright_no_such_metric"))).data?.result).toEqual([])
})

it("every panel's query is answered, with numbers", () => runWatched(program), 60_000)
