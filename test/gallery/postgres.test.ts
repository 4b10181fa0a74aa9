/** PostgreSQL's protocol as its server, psql, pgbench, pg_recvlogical and npm's `pg` speak it. */
import * as Postgres from "@wirewright/examples/gallery/postgres"
import { models } from "@wirewright/examples/gallery/postgres/Model"
import * as Schemas from "@wirewright/examples/gallery/postgres/Schemas"
import { followPhases, lostBesideBad, Recorded } from "./Conversations.ts"
import { expect, it } from "vitest"
import { galleryTests } from "./Suite.ts"

const recorded = new Recorded({
  title: "PostgreSQL",
  fixtures: ["postgres"],
  spec: "Postgres.ts",
  models,
  generated: Postgres,
  schemas: Schemas,
  follow: () => followPhases(models),
  refused: { "malformed on purpose, which PostgreSQL calls a protocol violation": ["raw protocol violations, client, 40"] }
})

galleryTests(recorded)

it("there is a bad packet to lose good ones at", () => {
  expect(lostBesideBad(recorded).tried).toContain("backend")
})
