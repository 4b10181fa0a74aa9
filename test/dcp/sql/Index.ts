/**
 * An index of a bucket in a database, for the tests of processing in transactions: the documents as they are, and every change that was applied, in a
 * table without a key, so that one which was applied twice is seen.
 */
import type { Change, Rollback } from "@wirewright/dcp"
import type { Owner, TransactionHandlers } from "@wirewright/dcp/sql"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** A document in the index. */
export interface Row {
  readonly key: string
  readonly vbucket: number
  readonly seqno: string
  readonly value: string
}

/** Makes the tables. */
export const createIndex = Effect.gen(function*() {
  const sql = yield* SqlClient
  yield* sql`CREATE TABLE IF NOT EXISTS documents
    (key TEXT PRIMARY KEY, vbucket INTEGER NOT NULL, seqno BIGINT NOT NULL, value TEXT NOT NULL, owner TEXT NOT NULL, epoch BIGINT NOT NULL)`
  yield* sql`CREATE TABLE IF NOT EXISTS applied
    (vbucket INTEGER NOT NULL, seqno BIGINT NOT NULL, key TEXT NOT NULL, value TEXT, owner TEXT NOT NULL, epoch BIGINT NOT NULL)`
  yield* sql`CREATE INDEX IF NOT EXISTS applied_by_key ON applied (key, seqno)`
  yield* sql`CREATE INDEX IF NOT EXISTS documents_by_vbucket ON documents (vbucket, seqno)`
})

const decoder = new TextDecoder()

const rowOf = (change: Change, owner: Owner) => ({
  vbucket: change.vbucket,
  seqno: change.seqno,
  key: "key" in change ? change.key : "",
  value: change._tag === "Mutation" ? decoder.decode(change.value) : null,
  owner: owner.name,
  epoch: owner.epoch
})

/** What is done between two statements: time to be killed in. */
export type Pause = Effect.Effect<void>

/** Applies changes and undoes them. */
export const indexer = (pause: Pause = Effect.void): TransactionHandlers<SqlError, SqlClient> => ({
  changes: Effect.fnUntraced(function*(changes, owner) {
    const sql = yield* SqlClient
    const rows = changes.map((change) => rowOf(change, owner))
    yield* sql`INSERT INTO applied ${sql.insert(rows as never)}`
    yield* pause
    const last = [...new Map(rows.map((row) => [row.key, row])).values()]
    const removed = last.filter(({ value }) => value === null).map(({ key }) => key)
    const stored = last.filter(({ value }) => value !== null)
    if (removed.length > 0) yield* sql`DELETE FROM documents WHERE ${sql.in("key", removed)}`
    yield* pause
    if (stored.length > 0) {
      yield* sql`INSERT INTO documents ${sql.insert(stored as never)} ON CONFLICT (key) DO UPDATE
        SET seqno = excluded.seqno, value = excluded.value, owner = excluded.owner, epoch = excluded.epoch`
    }
    yield* pause
  }),
  rollback: Effect.fnUntraced(function*({ to, vbucket }: Rollback) {
    const sql = yield* SqlClient
    yield* sql`DELETE FROM applied WHERE vbucket = ${vbucket} AND seqno > ${to}`
    yield* pause
    const removed = sql`DELETE FROM documents WHERE vbucket = ${vbucket} AND seqno > ${to}`
    yield* removed
    yield* pause
    // what they were before; of what was applied twice, one: that it was is told at the end
    yield* sql`INSERT INTO documents (key, vbucket, seqno, value, owner, epoch)
      SELECT one.key, one.vbucket, one.seqno, one.value, one.owner, one.epoch FROM applied AS one
      WHERE one.vbucket = ${vbucket} AND one.value IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM applied AS later WHERE later.key = one.key AND later.seqno > one.seqno)
        AND NOT EXISTS (SELECT 1 FROM documents WHERE documents.key = one.key)
      ON CONFLICT (key) DO NOTHING`
    yield* pause
  })
})

/** The documents in the index. */
export const rowsOf = Effect.gen(function*() {
  const sql = yield* SqlClient
  const rows = yield* sql<
    Row
  >`SELECT key, CAST(vbucket AS TEXT) AS vbucket, CAST(seqno AS TEXT) AS seqno, value FROM documents ORDER BY key`
  return rows.map(({ key, seqno, value, vbucket }) => `${vbucket} ${key} ${seqno} ${value}`)
})

/** Changes that were applied more than once. */
export const doubles = Effect.gen(function*() {
  const sql = yield* SqlClient
  return yield* sql`SELECT vbucket, seqno, count(*) AS times FROM applied GROUP BY vbucket, seqno HAVING count(*) > 1`
})
