/**
 * An indexer in a process of its own whose database takes so many rows a second and no more: says four times a second, as JSON, how much it holds.
 *
 * Argument: `SlowSqlSinkOptions` as JSON.
 */
import { Dcp } from "@wirewright/dcp"
import { runInTransactions } from "@wirewright/dcp/sql"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import { SqlClient } from "effect/sql/SqlClient"
import { clientOf } from "../dcp/sql/Databases.ts"

/** What it is told. */
export interface SlowSqlSinkOptions {
  readonly bucket: string
  readonly database: string
  readonly size: number
  readonly window: number
  readonly rowsPerSecond: number
}

/** What it says. */
export interface SlowSqlSinkReport {
  /** Rows that the database has taken. */
  readonly rows: number
  /** The most changes that were in one transaction. */
  readonly staged: number
  /** The most changes that were held: in a transaction, or waiting for one. */
  readonly held: number
  /** The most bytes that the node had sent and that were not acknowledged. */
  readonly outstanding: number
  /** Bytes that have come. */
  readonly received: number
  readonly disconnects: number
  /** MiB. */
  readonly rss: number
}

const { bucket, database, rowsPerSecond, size, window } = JSON.parse(process.argv[2]!) as SlowSqlSinkOptions

const program = Effect.gen(function*() {
  const sql = yield* SqlClient
  yield* sql`CREATE TABLE documents (key TEXT PRIMARY KEY, seqno BIGINT NOT NULL, bytes INTEGER NOT NULL)`
  let [rows, staged, held, outstanding] = [0, 0, 0, 0]
  const { consumer, events } = yield* runInTransactions({ size, window }, {
    rollback: () => Effect.void,
    changes: Effect.fnUntraced(function*(changes) {
      staged = Math.max(staged, changes.length)
      for (const change of changes) {
        if (change._tag !== "Mutation") continue
        yield* sql`INSERT INTO documents ${sql.insert({ key: change.key, seqno: change.seqno, bytes: change.value.length })}`
        yield* Effect.sleep(1_000 / rowsPerSecond)
        rows++
      }
    })
  })
  yield* Effect.forkScoped(Stream.runDrain(events))
  for (let turn = 1;; turn++) {
    yield* Effect.sleep(25)
    const { bytesReceived, connections, disconnects, unsettled } = consumer.status
    held = Math.max(held, unsettled)
    outstanding = Math.max(outstanding, ...connections.map((one) => one.outstanding))
    if (turn % 10 > 0) continue
    const rss = process.memoryUsage().rss / 1024 / 1024
    console.log(JSON.stringify({ rows, staged, held, outstanding, received: bytesReceived, disconnects, rss } satisfies SlowSqlSinkReport))
  }
})

await Effect.runPromise(
  Effect.scoped(program).pipe(
    Effect.provide(Dcp.layerUrl(bucket)),
    Effect.provide(clientOf(database)),
    Effect.provide(Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)]))
  )
)
