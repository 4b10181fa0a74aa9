/** A few kills of an indexer over SQLite; `test/peers/exactly-once.test.ts` has more of them, and PostgreSQL. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { killAgainAndAgain, summary } from "./Kills.ts"

const folder = mkdtempSync(join(tmpdir(), "wirewright-kills-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it("an indexer that is killed has every row once, and those that a fresh index has", async () => {
  const kills = Number(process.env["WIREWRIGHT_KILLS"] ?? 8)
  const seed = Number(process.env["WIREWRIGHT_SEED"] ?? Date.now() % 1_000_000)
  const killed = await killAgainAndAgain({
    kills,
    seed,
    database: `sqlite:${join(folder, "index")}`,
    fresh: `sqlite:${join(folder, "fresh")}`
  })
  console.log(summary("SQLite", kills, seed, killed))
  expect(killed.transactions).toBeGreaterThan(kills)
  expect(killed).toMatchObject({ doubles: [], missing: [], extra: [], wrong: [] })
})
