/**
 * An index in SQLite that has every change exactly once: the rows and the checkpoint are written in one transaction, so that a crash between them cannot
 * be. A node is lost together with a change; what was made of it is taken back in one transaction, too. Runs without a server.
 */
import { Dcp } from "@wirewright/dcp"
import { processInTransactions, type TransactionHandlers } from "@wirewright/dcp/sql"
import { serveCouchbase } from "@wirewright/embedded"
import { SqliteClient } from "@wirewright/sqlite"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"

/** Every version stays, so that the one before can be found again; a real index would forget those that no rollback can reach. */
const handlers: TransactionHandlers<SqlError, SqlClient> = {
  changes: Effect.fnUntraced(function*(changes) {
    const sql = yield* SqlClient
    for (const change of changes) {
      if (change._tag !== "Mutation") continue
      const { key, seqno, vbucket } = change
      yield* sql`INSERT INTO versions ${sql.insert({ key, vbucket, seqno, value: new TextDecoder().decode(change.value) })}`
    }
    yield* Console.log(`indexed ${changes.map(({ seqno }) => seqno).join(", ")}`)
  }),
  rollback: Effect.fnUntraced(function*({ to, vbucket }) {
    const sql = yield* SqlClient
    yield* sql`DELETE FROM versions WHERE vbucket = ${vbucket} AND seqno > ${to}`
    yield* Console.log(`rolled back to ${to}`)
  })
}

const program = Effect.gen(function*() {
  const sql = yield* SqlClient
  yield* sql`CREATE TABLE versions (key TEXT, vbucket INTEGER, seqno INTEGER, value TEXT)`
  const node = yield* serveCouchbase({ buckets: [{ name: "travel", vbuckets: 1 }] })
  const { store } = node.buckets.get("travel")!
  const write = (key: string, value: string) => store.set(store.space(0), key, { value: new TextEncoder().encode(value) })
  /** A run of the indexer, to the end of what there is: each goes on where the one before left off. */
  const index = Stream.runDrain(processInTransactions({ group: "index", to: "now" }, handlers)).pipe(
    Effect.provide(Dcp.layer({ seeds: [{ host: "127.0.0.1", port: node.port }], bucket: "travel" }))
  )

  write("a", "1")
  write("b", "1")
  yield* index
  write("a", "2, which is lost")
  yield* index
  node.cluster.failover(0, { lost: 1 })
  write("c", "1")
  yield* index
  for (const { key, value } of yield* sql`SELECT key, value FROM versions ORDER BY seqno`) yield* Console.log(`${key} = ${value}`)
  const [row] = yield* sql<{ checkpoint: string }>`SELECT checkpoint FROM dcp_checkpoints WHERE vbucket = 0`
  yield* Console.log(`checkpoint at ${JSON.parse(row!.checkpoint).vbuckets[0].seqno}`)
})

// log lines go to stderr
const logger = Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)])
await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(SqliteClient.layer({ filename: ":memory:" })), Effect.provide(logger)))
