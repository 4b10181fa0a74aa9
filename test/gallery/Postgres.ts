/** PostgreSQL's protocol as its server, psql, pgbench, pg_recvlogical and npm's `pg` speak it. */
import * as Postgres from "@wirewright/examples/gallery/postgres"
import { models } from "@wirewright/examples/gallery/postgres/Model"
import * as Schemas from "@wirewright/examples/gallery/postgres/Schemas"
import { followPhases, type Gallery } from "./Conversations.ts"

export const postgres: Gallery = {
  title: "PostgreSQL",
  fixtures: ["postgres"],
  spec: "Postgres.ts",
  models,
  generated: Postgres,
  schemas: Schemas,
  follow: () => followPhases(models),
  refused: { "malformed on purpose, which PostgreSQL calls a protocol violation": ["raw protocol violations, client, 40"] }
}
