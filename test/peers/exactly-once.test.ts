/**
 * An indexer that is killed with -9 at random instants while nodes fail over under it: over SQLite, and over Debian's PostgreSQL through Effect's own
 * client. `WIREWRIGHT_KILLS` says how often each (200 is the full run), `WIREWRIGHT_SEED` repeats a run.
 */
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { clientOf } from "../dcp/sql/Databases.ts"
import { killAgainAndAgain, type KillsOptions, type Mistake, summary } from "../dcp/sql/Kills.ts"
import { startPostgres } from "./gallery/Postgres.ts"

const kills = Number(process.env["WIREWRIGHT_KILLS"] ?? 12)
const seed = Number(process.env["WIREWRIGHT_SEED"] ?? Date.now() % 1_000_000)
const patience = { timeout: 120_000 + kills * 15_000 }

const survives = async (name: string, databases: Pick<KillsOptions, "database" | "fresh">): Promise<void> => {
  const killed = await killAgainAndAgain({ ...databases, kills, seed })
  console.log(summary(name, kills, seed, killed))
  expect(killed).toMatchObject({ doubles: [], missing: [], extra: [], wrong: [] })
  expect(killed.rows).toBeGreaterThan(0)
  expect(killed.inChanges).toBeGreaterThan(0)
  expect(killed.atStatements).toBeGreaterThanOrEqual(Math.floor(kills / 2))
  if (kills >= 12) expect(killed.inRollback + killed.undone).toBeGreaterThan(0)
}

/** The run is worth something: it finds a checkpoint that is saved before the transaction, which loses changes, or after it, which applies some twice. */
const finds = async (name: string, mistake: Mistake, databases: Pick<KillsOptions, "database" | "fresh">): Promise<void> => {
  const killed = await killAgainAndAgain({ ...databases, mistake, kills: 6, seed })
  console.log(summary(`${name}, checkpoint saved ${mistake} the transaction`, 6, seed, killed))
  if (mistake === "before") expect(killed.missing.length).toBeGreaterThan(0)
  else expect(killed.doubles.length).toBeGreaterThan(0)
}

it(`SQLite, ${kills} kills, and some that find a mistake`, patience, async () => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-kills-"))
  try {
    const files = (prefix: string) => ({
      database: `sqlite:${join(folder, `${prefix}-index`)}`,
      fresh: `sqlite:${join(folder, `${prefix}-fresh`)}`
    })
    await survives("SQLite", files("right"))
    for (const mistake of ["before", "after"] as const) await finds("SQLite", mistake, files(mistake))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it(`PostgreSQL, ${kills} kills, and some that find a mistake`, patience, async () => {
  const server = await startPostgres()
  try {
    const url = (database: string) => `postgres://trusted@127.0.0.1:${server.port}/${database}`
    const create = Effect.gen(function*() {
      const sql = yield* SqlClient
      for (const prefix of ["right", "before", "after"]) {
        yield* sql`CREATE DATABASE ${sql(`${prefix}_killed`)}`
        yield* sql`CREATE DATABASE ${sql(`${prefix}_fresh`)}`
      }
    })
    await Effect.runPromise(Effect.provide(create, clientOf(url("postgres"))))
    const databases = (prefix: string) => ({ database: url(`${prefix}_killed`), fresh: url(`${prefix}_fresh`) })
    await survives("PostgreSQL", databases("right"))
    for (const mistake of ["before", "after"] as const) await finds("PostgreSQL", mistake, databases(mistake))
  } finally {
    await server.stop()
  }
})
