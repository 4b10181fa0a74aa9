/** Databases of tests by their address: `sqlite:PATH`, or that of a PostgreSQL. */
import { SqliteClient } from "@wirewright/sqlite"
import type * as Layer from "effect/Layer"
import * as LayerModule from "effect/Layer"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"

interface PgModule {
  readonly layer: (options: { readonly url: Redacted.Redacted; readonly maxConnections: number }) => Layer.Layer<SqlClient, SqlError>
}

/** Effect's PostgreSQL client, which `test/peers` installs. */
const postgres = async (): Promise<PgModule> => {
  const path = createRequire(new URL("../../peers/package.json", import.meta.url)).resolve("@effect/sql-pg/PgClient")
  return await import(pathToFileURL(path).href) as PgModule
}

/** The client of a database. */
export const clientOf = (url: string): Layer.Layer<SqlClient, SqlError> =>
  url.startsWith("sqlite:")
    // what kill -9 cannot take away need not be on the disk
    ? SqliteClient.layer({ filename: url.slice("sqlite:".length), synchronous: "NORMAL" })
    : LayerModule.unwrap(Effect.map(Effect.promise(postgres), ({ layer }) => layer({ url: Redacted.make(url), maxConnections: 2 })))
