/**
 * Effect's `SqlClient` over the `node:sqlite` that comes with Node.
 *
 * It stands in for `@effect/sql-sqlite-node`, of which the registry has betas for Effect 4 and no release (29 November 2026); once there is one,
 * this package is to be dropped.
 */
export * as SqliteClient from "./SqliteClient.ts"
