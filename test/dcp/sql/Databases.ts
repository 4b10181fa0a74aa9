/** Databases of tests by their address: `sqlite:PATH`, or that of a PostgreSQL. */
import { SqliteClient } from "@wirewright/sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"

interface PgModule {
  readonly layer: (options: { readonly url: Redacted.Redacted; readonly maxConnections: number }) => Layer.Layer<SqlClient, SqlError>
}

/** Where Effect's PostgreSQL client is, which `test/peers` installs. */
export const postgresClient = (): string =>
  createRequire(new URL("../../peers/package.json", import.meta.url)).resolve("@effect/sql-pg/PgClient")

/** A client by an address. */
export type ClientOf = (url: string) => Layer.Layer<SqlClient, SqlError>

/** What kill -9 cannot take away need not be on the disk. */
export const sqliteOf: ClientOf = (url) => SqliteClient.layer({ filename: url.slice("sqlite:".length), synchronous: "NORMAL" })

export const postgresOf = ({ layer }: PgModule): ClientOf => (url) => layer({ url: Redacted.make(url), maxConnections: 2 })

/** The client of a database. */
export const clientOf: ClientOf = (url) =>
  url.startsWith("sqlite:")
    ? sqliteOf(url)
    : Layer.unwrap(
      Effect.map(Effect.promise(() => import(pathToFileURL(postgresClient()).href) as Promise<PgModule>), (pg) => postgresOf(pg)(url))
    )
