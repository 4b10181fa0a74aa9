/**
 * One database file, one connection, one statement at a time. Transactions begin `IMMEDIATE`: whoever begins one may write, so that none fails half
 * way because another connection wrote in between. The journal is written ahead (WAL), so that readers of other connections do not wait.
 *
 * `node:sqlite` is synchronous: a statement holds the event loop while it runs. Sources: sqlite.org/lang_transaction.html, /wal.html, /rescode.html.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Client from "effect/sql/SqlClient"
import type * as SqlConnection from "effect/sql/SqlConnection"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"

/** Where the database is and how it is opened. */
export interface SqliteClientOptions {
  /** A file, which is made when it is missing; `:memory:` for none. */
  readonly filename: string
  readonly readonly?: boolean
  /** How long a statement waits for another connection that writes. Default: 5 seconds. */
  readonly busyTimeout?: Duration.Input
  /** `FULL` keeps what was committed through a loss of power, `NORMAL` through the end of the process. Default: `FULL`. */
  readonly synchronous?: "FULL" | "NORMAL"
  /** Statements that stay prepared. Default: 128. */
  readonly prepared?: number
}

interface Connection extends SqlConnection.Connection {
  readonly database: DatabaseSync
}

const failure = (cause: unknown, operation: string): SqlError => {
  const { errcode, message } = cause as { readonly errcode?: number; readonly message?: string }
  const told = { message: message ?? String(cause), operation }
  const reason = classifySqliteError(
    errcode === undefined ? cause : Object.assign(new Error(told.message, { cause }), { errno: errcode }),
    told
  )
  return new SqlError({ reason })
}

/** SQLite has no boolean: true is 1, as its keyword is. */
const bound = (value: unknown): SQLInputValue => typeof value === "boolean" ? Number(value) : value as SQLInputValue

/** Rows in one array of a stream. */
const rowsAtOnce = 128

const streamed = (rows: Iterator<object>): Stream.Stream<object, SqlError> =>
  Stream.fromPull(Effect.succeed(Effect.suspend((): Effect.Effect<Arr.NonEmptyArray<object>, SqlError | Cause.Done> => {
    const some: Array<object> = []
    try {
      while (some.length < rowsAtOnce) {
        const { done, value } = rows.next()
        if (done === true) break
        some.push(value)
      }
    } catch (cause) {
      return Effect.fail(failure(cause, "stream"))
    }
    return Arr.isArrayNonEmpty(some) ? Effect.succeed(some) : Cause.done()
  })))

const connectionOf = (database: DatabaseSync, most: number): Connection => {
  const prepared = new Map<string, StatementSync>()
  const remembered = (sql: string): StatementSync => {
    const known = prepared.get(sql)
    prepared.delete(sql)
    const statement = known ?? database.prepare(sql)
    prepared.set(sql, statement)
    if (prepared.size > most) prepared.delete(prepared.keys().next().value!)
    return statement
  }
  const run = <A>(
    sql: string,
    params: ReadonlyArray<unknown>,
    statementOf: (sql: string) => StatementSync,
    asArrays: boolean,
    take: (statement: StatementSync, values: ReadonlyArray<SQLInputValue>) => A
  ): Effect.Effect<A, SqlError> =>
    Effect.withFiber((fiber) => {
      try {
        const statement = statementOf(sql)
        statement.setReadBigInts(fiber.getRef(Client.SafeIntegers))
        statement.setReturnArrays(asArrays)
        return Effect.succeed(take(statement, params.map(bound)))
      } catch (cause) {
        return Effect.fail(failure(cause, "execute"))
      }
    })
  const rows = (statement: StatementSync, values: ReadonlyArray<SQLInputValue>): ReadonlyArray<object> => statement.all(...values)
  const arrays = (statement: StatementSync, values: ReadonlyArray<SQLInputValue>) =>
    rows(statement, values) as ReadonlyArray<ReadonlyArray<unknown>>
  const prepare = (sql: string): StatementSync => database.prepare(sql)
  const transformed = (
    found: Effect.Effect<ReadonlyArray<object>, SqlError>,
    transform: (<A extends object>(rows: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined
  ) => transform === undefined ? found : Effect.map(found, transform)
  return {
    database,
    execute: (sql, params, transform) => transformed(run(sql, params, remembered, false, rows), transform),
    executeRaw: (sql, params) => run(sql, params, remembered, false, (statement, values) => statement.run(...values)),
    executeValues: (sql, params) => run(sql, params, remembered, true, arrays),
    executeValuesUnprepared: (sql, params) => run(sql, params, prepare, true, arrays),
    executeUnprepared: (sql, params, transform) => transformed(run(sql, params, prepare, false, rows), transform),
    // a statement that is under way must not be run by somebody else: it is not one of those that are remembered
    executeStream: (sql, params, transform) => {
      const stream = Stream.unwrap(Effect.map(
        Effect.acquireRelease(
          run(sql, params, prepare, false, (statement, values) => statement.iterate(...values)),
          (iterator) => Effect.sync(() => iterator.return?.())
        ),
        streamed
      ))
      return transform === undefined ? stream : Stream.mapArray(stream, (some) => transform(some) as typeof some)
    }
  }
}

const pragmas = ({ busyTimeout = "5 seconds", readonly = false, synchronous = "FULL" }: SqliteClientOptions): ReadonlyArray<string> => [
  `PRAGMA busy_timeout = ${Math.ceil(Duration.toMillis(busyTimeout))}`,
  ...readonly ? [] : ["PRAGMA journal_mode = WAL"],
  `PRAGMA synchronous = ${synchronous}`,
  "PRAGMA foreign_keys = ON"
]

/** Opens the database; it closes with the scope. */
export const make = (
  options: SqliteClientOptions
): Effect.Effect<Client.SqlClient, SqlError, Scope.Scope | Reactivity.Reactivity> =>
  Effect.gen(function*() {
    const database = yield* Effect.acquireRelease(
      Effect.try({
        try: () => {
          const opened = new DatabaseSync(options.filename, { readOnly: options.readonly ?? false })
          try {
            for (const pragma of pragmas(options)) opened.exec(pragma)
          } catch (cause) {
            opened.close()
            throw cause
          }
          return opened
        },
        catch: (cause) => failure(cause, "open")
      }),
      (opened) => Effect.sync(() => opened.close())
    )
    const connection = connectionOf(database, options.prepared ?? 128)
    const acquirers = Client.makeSqliteAcquirers({
      connection: Effect.succeed(connection),
      semaphore: yield* Semaphore.make(1),
      isTransaction: ({ database }) => database.isTransaction
    })
    return yield* Client.make({
      ...acquirers,
      compiler: Statement.makeCompilerSqlite(),
      driver: "node-sqlite",
      beginTransaction: options.readonly === true ? "BEGIN" : "BEGIN IMMEDIATE",
      prepareTransactionControls: true,
      releaseSavepoint: (name) => `RELEASE SAVEPOINT ${name}`,
      spanAttributes: [["db.system.name", "sqlite"], ["db.namespace", options.filename]]
    })
  })

/** The database as a service. */
export const layer = (options: SqliteClientOptions): Layer.Layer<Client.SqlClient, SqlError> =>
  Layer.provide(
    Layer.effectContext(Effect.map(make(options), (client) => Context.make(Client.SqlClient, client))),
    Reactivity.layer
  )
