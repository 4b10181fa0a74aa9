/**
 * An indexer whose database takes 100 rows a second, beside a node that has 32 MiB for it: what is staged is bounded by the option, the window holds the
 * node, and memory stays flat. `WIREWRIGHT_SLOW_SECONDS` makes it longer.
 */
import { KvClient } from "@wirewright/couchbase"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { startPostgres } from "./gallery/Postgres.ts"
import { serve } from "./Serve.ts"
import { speak } from "./sharing/Processes.ts"
import type { SlowSqlSinkOptions, SlowSqlSinkReport } from "./SlowSqlSink.ts"

const seconds = Number(process.env["WIREWRIGHT_SLOW_SECONDS"] ?? 6)
const documents = 16_384
const valueBytes = 2 * 1024
/** A DCP mutation: 24 + 31 + the collection's id, the key of at most 8 and the value. */
const message = 64 + valueBytes
const window = 256 * 1024
const size = 50
const rowsPerSecond = 100

/** 32 MiB of documents. */
const fill = (port: number): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const kv = yield* KvClient.make({ seeds: [{ host: "127.0.0.1", port }], bucket: "default" })
    const value = new Uint8Array(valueBytes)
    const keys = Array.from({ length: documents }, (_, index) => `key${index}`)
    yield* Effect.forEach(keys, (key) => kv.upsert(key, value, { format: "binary" }), { concurrency: 256, discard: true })
  })))

/** What the indexer said, from its first row on. */
const watch = async (options: SlowSqlSinkOptions): Promise<ReadonlyArray<SlowSqlSinkReport>> => {
  const { child, ended, errors, said } = speak(new URL("./SlowSqlSink.ts", import.meta.url), JSON.stringify(options))
  const report = (): SlowSqlSinkReport | undefined => "rows" in said ? { ...said } as unknown as SlowSqlSinkReport : undefined
  try {
    for (let waited = 0; (report()?.rows ?? 0) === 0; waited += 50) {
      if (waited > 60_000 || child.exitCode !== null) throw new Error(`no row came: ${errors()}`)
      await sleep(50)
    }
    const reports: Array<SlowSqlSinkReport> = []
    for (let turn = 0; turn < seconds * 2; turn++) {
      await sleep(500)
      reports.push(report()!)
    }
    return reports
  } finally {
    child.kill("SIGKILL")
    await ended
  }
}

it(`SQLite and PostgreSQL that take ${rowsPerSecond} rows a second, for ${seconds} s`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-slow-"))
  const [{ ready, stop }, postgres] = await Promise.all([serve(["--vbuckets", "4"]), startPostgres()])
  try {
    const port = ready["port"] as number
    await fill(port)
    const databases = { SQLite: `sqlite:${join(folder, "index")}`, PostgreSQL: `postgres://trusted@127.0.0.1:${postgres.port}/postgres` }
    const watched = Object.entries(databases).map(async ([name, database]) =>
      [name, await watch({ bucket: `couchbase://127.0.0.1:${port}/default`, database, size, window, rowsPerSecond })] as const
    )
    for (const [name, reports] of await Promise.all(watched)) {
      const last = reports.at(-1)!
      const early = Math.max(...reports.slice(0, Math.ceil(reports.length / 4)).map(({ rss }) => rss))
      const late = Math.max(...reports.map(({ rss }) => rss))
      console.log(
        `${name}: ${last.rows} rows in ${seconds} s, at most ${last.staged} in a transaction (${size} allowed), at most ${last.held} changes held, `
          + `${last.outstanding} bytes ahead of a window of ${window}, ${(last.received / 2 ** 20).toFixed(1)} MiB come of `
          + `${documents * valueBytes / 2 ** 20}, RSS ${early.toFixed(0)} to ${late.toFixed(0)} MiB`
      )
      expect(last.rows).toBeGreaterThan(size)
      expect(last.staged).toBe(size)
      expect(last.disconnects).toBe(0)
      // the node sends while less than the window is ahead: one message more
      expect(last.outstanding).toBeGreaterThan(window - message)
      expect(last.outstanding).toBeLessThan(window + message)
      // a window, what was pulled at once when that was one, and a transaction
      expect(last.held).toBeLessThanOrEqual(2 * Math.ceil(window / message) + size)
      expect(last.received).toBeLessThan(last.rows * message + 2 * (window + message) + size * message + 4_096)
      expect(late - early).toBeLessThan(16)
    }
  } finally {
    await Promise.all([stop(), postgres.stop()])
    rmSync(folder, { recursive: true, force: true })
  }
})
