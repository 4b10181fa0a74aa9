/**
 * What an operator sees of `wirewright tail` while a cluster suffers: the command runs in this process on a terminal in memory, and its endpoint is
 * asked over HTTP. What differs from one run to the next (times, ports, counts of attempts) is made the same.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Runtime from "effect/Runtime"
import { HealthIndicators } from "@wirewright/connection/Health"
import { Terminal } from "../../packages/cli/test/Terminal.ts"
import { run } from "../../packages/cli/src/Run.ts"

/** What was seen of one event. */
export interface Sight {
  readonly log: ReadonlyArray<string>
  readonly status: string
  readonly health: string
  readonly metrics: ReadonlyArray<string>
  /** How the command ended, if it did. */
  readonly ended?: string
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** A sight as a guide shows it. */
export const shown = (sight: Sight): string =>
  [
    "```text",
    ...sight.log.map((line, index) => `${index === 0 ? "log     " : "        "}  ${line}`),
    ...sight.status === "" ? [] : [`status    ${sight.status}`],
    `/health   ${sight.health}`,
    ...sight.metrics.map((line, index) => `${index === 0 ? "/metrics" : "        "}  ${line}`),
    ...sight.ended === undefined ? [] : [`ended     ${sight.ended}`],
    "```"
  ].join("\n")

/** A running `tail`, and what is seen of it. */
export class Watched {
  readonly terminal = new Terminal(1_000)
  private readonly fiber: Fiber.Fiber<void, unknown>
  private readonly restore: () => void
  private readonly names: ReadonlyMap<string, string>
  private logged = 0
  private base: string | undefined

  /**
   * @param names what stands for places that differ from run to run: nodes, directories
   * @param ready when the terminal has taken a write of data; at once when it gives nothing
   */
  constructor(args: ReadonlyArray<string>, names: ReadonlyMap<string, string>, ready?: () => Promise<void> | undefined) {
    this.names = names
    this.restore = this.terminal.attach(ready)
    this.fiber = Effect.runFork(
      run(["tail", ...args, "--metrics", "0"]).pipe(
        Effect.provideService(HealthIndicators, new Set()),
        Effect.provideService(Metric.MetricRegistry, new Map())
      )
    )
  }

  /** Waits until something is the case, and then until the status line and the alarms have had the time to show it. */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    for (let i = 0; i < 1200; i++) {
      if (await condition()) return pause(1_200)
      await pause(25)
    }
    throw new Error(`it did not come to that; the terminal shows\n${this.terminal.rows.join("\n")}`)
  }

  /** Whether a log line since the last sight has these words. */
  said(words: string): boolean {
    return this.log.some((line) => line.includes(words))
  }

  /** The bottom row. */
  get bottom(): string {
    return this.terminal.rows.at(-1) ?? ""
  }

  /** The log lines since the last sight. */
  get log(): ReadonlyArray<string> {
    return this.terminal.rows.filter((row) => row.startsWith("wirewright: ")).slice(this.logged)
  }

  get ended(): boolean {
    return this.fiber.pollUnsafe() !== undefined
  }

  /** What `/health` says, in a line. */
  async health(): Promise<string> {
    this.base ??= /http:\/\/127\.0\.0\.1:\d+/.exec(this.terminal.rows.join("\n"))?.[0]
    if (this.base === undefined) return "nobody answers"
    try {
      const answer = await fetch(`${this.base}/health`)
      const { checks } = await answer.json() as { readonly checks: Record<string, ReadonlyArray<{ readonly output?: string }>> }
      const said = Object.values(checks).flat().flatMap(({ output }) => output === undefined ? [] : [output])
      return [String(answer.status), ...new Set(said)].join("  ")
    } catch {
      return "nobody answers"
    }
  }

  /** Series of `/metrics` with these names. */
  async metrics(names: ReadonlyArray<string>): Promise<ReadonlyArray<string>> {
    if (this.ended || this.base === undefined) return []
    const text = await (await fetch(`${this.base}/metrics`)).text()
    return text.split("\n").filter((line) => names.some((name) => line.startsWith(`${name}{`)))
  }

  /** What is seen now, and what was logged since the last time. */
  async sight(metrics: ReadonlyArray<string> = []): Promise<Sight> {
    const log = this.log
    this.logged += log.length
    const exit = this.fiber.pollUnsafe()
    let code: number | undefined
    if (exit !== undefined) Runtime.defaultTeardown(exit, (found) => code = found)
    return {
      log: [...new Set(log.map((line) => this.same(line.replace(/^wirewright: /, "").replace(/ {2}[\w.-]+=.*$/, ""))))],
      status: exit === undefined ? this.same(this.bottom) : "",
      health: this.same(await this.health()),
      metrics: (await this.metrics(metrics)).map((line) => this.same(line)),
      ...code === undefined ? {} : { ended: `exit code ${code}` }
    }
  }

  async stop(): Promise<void> {
    await Effect.runPromise(Fiber.interrupt(this.fiber))
    this.restore()
  }

  /** A text without what differs from run to run. */
  private same(text: string): string {
    let same = text
    for (const [place, name] of this.names) {
      same = same.replaceAll(place, name)
      const port = /:(\d+)$/.exec(place)?.[1]
      if (port !== undefined) same = same.replace(`server_address="127.0.0.1",server_port="${port}"`, `node="${name}"`)
    }
    return same
      .replace(/(?:messaging_(?:system|consumer|destination)|network_protocol)\w*="[^"]*",?/g, "").replace(/\{\}|,(?=\})/g, "")
      .replace(/http:\/\/127\.0\.0\.1:\d+/g, "http://127.0.0.1:9100")
      .replace(/\d\d:\d\d:\d\d/g, "23:15:42")
      .replace(/(since 23:15:42, )\d+ s/g, "$112 s")
      .replace(/(_count\{.*\}) \d+$/, "$1 7")
      .replace(/\(attempt \d+\)/g, "(attempt 2)")
      .replace(/(from|to) [0-9a-f]{9,12}(?=,| |$)/g, "$1 5f3a1c0e77d2")
      .replace(/read ECONNRESET|write EPIPE|write ECONNRESET/g, "closed by the peer")
      .replace(/ \d+(?:\.\d+)?k?\/s/g, " 0/s")
      .replace(/ {2}[\d.]+ (?:B|KiB|MiB) ahead/g, "")
  }
}
