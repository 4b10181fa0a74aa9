/**
 * Processing in transactions on Debian's PostgreSQL: the laws of checkpoint stores, an owner that is taken over from in the middle of a transaction, a
 * deadlock, and a database that goes away and comes back.
 */
import { Dcp } from "@wirewright/dcp"
import { processInTransactions, sqlCheckpointStore, type TransactionHandlers, type TransactionOptions } from "@wirewright/dcp/sql"
import { checkpointArchiveSuite, checkpointStoreSuite } from "@wirewright/dcp/testing"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { spawnSync } from "node:child_process"
import { tmpdir } from "node:os"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { inWorld, until, type World } from "../dcp/Harness.ts"
import { clientOf } from "../dcp/sql/Databases.ts"
import { createIndex, doubles, indexer, rowsOf } from "../dcp/sql/Index.ts"
import { type Cluster, startPostgres } from "./gallery/Postgres.ts"

let server: Cluster
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const bin = fileURLToPath(new URL("../../packages/cli/bin/wirewright.js", import.meta.url))

let databases = 0
const url = (database: string): string => `postgres://trusted@127.0.0.1:${server.port}/${database}`
const connect = (database: string) => Effect.map(Layer.build(clientOf(url(database))), Context.get(SqlClient))

/** A database of its own. */
const createDatabase = Effect.gen(function*() {
  const name = `test_${databases++}`
  const sql = yield* connect("postgres")
  yield* sql`CREATE DATABASE ${sql(name)}`
  return name
})

describe("the laws of checkpoint stores", () => {
  let tables = 0
  const make = (how: "new" | "again") =>
    Effect.map(connect("postgres"), (sql) => sqlCheckpointStore(sql, { table: `checkpoints_${how === "new" ? ++tables : tables}` }))
  it.each([...checkpointStoreSuite(make), ...checkpointArchiveSuite(make)].map(({ name, run }) => [name, run] as const))(
    "%s",
    (_, run) => Effect.runPromise(Effect.scoped(run))
  )
})

interface Stage {
  readonly world: World
  readonly database: string
  /** A connection of the test's own. */
  readonly sql: SqlClient
  readonly put: (key: string, value: string) => void
  /** Processes until its scope closes, or to the end of what there is. */
  readonly run: (
    handlers: TransactionHandlers<SqlError, SqlClient>,
    options: TransactionOptions
  ) => Effect.Effect<void, unknown>
  readonly rows: Effect.Effect<ReadonlyArray<string>, SqlError>
}

/** A world of one vbucket, and a database for what is made of it. */
const staged = (test: (stage: Stage) => Effect.Effect<unknown, unknown, Scope.Scope>): Promise<void> =>
  inWorld({ vbuckets: 1 }, (world) =>
    Effect.gen(function*() {
      const database = yield* createDatabase
      const sql = yield* connect(database)
      yield* Effect.provideService(createIndex, SqlClient, sql)
      const { store } = world.bucket
      const dcp = Dcp.layer({ seeds: [{ host: "127.0.0.1", port: world.node.port }], bucket: "default" })
      yield* test({
        world,
        database,
        sql,
        put: (key, value) => void store.set(store.space(0), key, { value: new TextEncoder().encode(value) }),
        run: (handlers, options) =>
          Stream.runDrain(processInTransactions(options, handlers)).pipe(Effect.provide(dcp), Effect.provide(clientOf(url(database)))),
        rows: Effect.provideService(rowsOf, SqlClient, sql)
      })
      expect(yield* Effect.provideService(doubles, SqlClient, sql)).toEqual([])
    }))

/** What handlers do before they apply the changes. */
const first = (before: (keys: ReadonlyArray<string>) => Effect.Effect<unknown, SqlError, SqlClient>) => {
  const { changes, rollback } = indexer()
  return {
    rollback,
    changes: (...args: Parameters<typeof changes>) =>
      Effect.andThen(before(args[0].map((change) => "key" in change ? change.key : "")), changes(...args))
  } satisfies TransactionHandlers<SqlError, SqlClient>
}

it("an owner that is taken over from in the middle of a transaction changes nothing, and the next one does it", () =>
  staged(({ put, rows, run, sql }) =>
    Effect.gen(function*() {
      const begun = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      put("a", "1")
      const old = yield* Effect.forkChild(Effect.exit(run(
        first(() => Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(goOn))),
        { owner: "old" }
      )))
      yield* Deferred.await(begun)
      // it has looked at its checkpoints, and holds nothing that the next one waits for
      yield* run(indexer(), { owner: "new", to: "now" })
      yield* Deferred.succeed(goOn, undefined)
      const exit = yield* Fiber.join(old)
      expect(String(Exit.isFailure(exit) && exit.cause)).toContain("taken over the group default/wirewright")
      expect(yield* rows).toEqual(["0 a 1 1"])
      expect(yield* sql`SELECT owner, CAST(epoch AS TEXT) AS epoch FROM applied`.values).toEqual([["new", "2"]])
    })
  ))

it("whoever takes over while an owner's transaction holds the checkpoint waits for it, and goes on after it", () =>
  staged(({ put, rows, run, sql }) =>
    Effect.gen(function*() {
      put("a", "1")
      yield* run(indexer(), { owner: "old", to: "now" })
      const holds = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const store = sqlCheckpointStore(sql, { owner: "third" })
      const group = yield* store.open("default/wirewright", [0])
      const checkpoints = yield* group.load
      const transaction = yield* Effect.forkChild(sql.withTransaction(Effect.gen(function*() {
        yield* group.save(checkpoints)
        yield* Deferred.succeed(holds, undefined)
        yield* Deferred.await(goOn)
      })))
      yield* Deferred.await(holds)
      put("b", "1")
      const next = yield* Effect.forkChild(run(indexer(), { owner: "next", to: "now" }))
      yield* Effect.sleep(300)
      expect(yield* rows).toEqual(["0 a 1 1"])
      yield* Deferred.succeed(goOn, undefined)
      yield* Fiber.join(transaction)
      yield* Fiber.join(next)
      expect(yield* rows).toEqual(["0 a 1 1", "0 b 2 1"])
    })
  ))

it("a deadlock is repeated, and leaves no trace", () =>
  staged(({ put, rows, run, sql }) =>
    Effect.gen(function*() {
      yield* sql`CREATE TABLE shared (id INTEGER PRIMARY KEY, times INTEGER NOT NULL)`
      yield* sql`INSERT INTO shared VALUES (1, 0), (2, 0)`
      const [otherHasTwo, mineHasOne] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const bump = (of: SqlClient, id: number) => of`UPDATE shared SET times = times + 1 WHERE id = ${id}`
      const other = yield* Effect.forkChild(sql.withTransaction(Effect.gen(function*() {
        // whoever looks first is the one that fails
        yield* sql`SET LOCAL deadlock_timeout = '60s'`
        yield* bump(sql, 2)
        yield* Deferred.succeed(otherHasTwo, undefined)
        yield* Deferred.await(mineHasOne)
        yield* bump(sql, 1)
      })))
      yield* Deferred.await(otherHasTwo)
      const reasons: Array<string> = []
      put("a", "1")
      yield* run(
        first(() =>
          Effect.gen(function*() {
            const mine = yield* SqlClient
            yield* bump(mine, 1)
            yield* Deferred.succeed(mineHasOne, undefined)
            yield* Effect.tapError(bump(mine, 2), ({ reason }) => Effect.sync(() => reasons.push(reason._tag)))
          })
        ),
        { to: "now" }
      )
      yield* Fiber.join(other)
      expect(reasons).toEqual(["DeadlockError"])
      expect(yield* rows).toEqual(["0 a 1 1"])
      expect(yield* sql`SELECT id, times FROM shared ORDER BY id`.values).toEqual([[1, 2], [2, 2]])
    })
  ))

it("a transaction whose connection an administrator ends is repeated on another one", () =>
  staged(({ put, rows, run, sql }) =>
    Effect.gen(function*() {
      let attempts = 0
      put("a", "1")
      yield* run(
        first(() =>
          Effect.gen(function*() {
            const mine = yield* SqlClient
            yield* mine`INSERT INTO applied VALUES (0, 1, 'undone', NULL, 'nobody', 0)`
            const [backend] = yield* mine<{ pid: number }>`SELECT pg_backend_pid() AS pid`
            if (attempts++ === 0) yield* sql`SELECT pg_terminate_backend(${backend!.pid})`
            else yield* mine`DELETE FROM applied WHERE key = 'undone'`
          })
        ),
        { to: "now", retries: 0 }
      )
      expect(attempts).toBe(2)
      expect(yield* rows).toEqual(["0 a 1 1"])
      expect(yield* sql`SELECT count(*)::int FROM applied`.values).toEqual([[1]])
    })
  ))

it("wirewright checkpoints looks into the table and changes it", () =>
  staged(({ database, put, rows, run }) =>
    Effect.gen(function*() {
      put("a", "1")
      yield* run(indexer(), { to: "now" })
      const store = url(database).replace("//trusted@", "//trusted:secret@")
      const checkpoints = (verb: string, ...args: ReadonlyArray<string>) =>
        spawnSync(process.execPath, [bin, "checkpoints", verb, store, ...args], { cwd: new URL(".", import.meta.url), encoding: "utf8" })
      expect(checkpoints("list")).toMatchObject({
        status: 0,
        stdout: "default/wirewright  1 vbucket  1 seqnos  nobody has it\n",
        stderr: ""
      })
      const { stderr } = checkpoints("show", "--group", "nobody")
      expect(stderr).toContain("there are default/wirewright")
      expect(checkpoints("set", "beginning", "--group", "wirewright")).toMatchObject({ status: 0 })
      expect(checkpoints("show", "--group", "wirewright").stdout).toContain("seqno 0")
      const elsewhere = spawnSync(process.execPath, [bin, "checkpoints", "list", store], { cwd: tmpdir(), encoding: "utf8" })
      expect([elsewhere.status, elsewhere.stderr]).toEqual([1, expect.stringContaining("npm install @effect/sql-pg")])
      expect(yield* rows).toEqual(["0 a 1 1"])
    })
  ))

it(
  "a database that is down for 5 seconds is waited for: nothing is lost, nothing comes twice",
  () =>
    staged(({ put, run, rows }) =>
      Effect.gen(function*() {
        const begun: Array<number> = []
        put("before", "1")
        const running = yield* Effect.forkChild(run(first(() => Effect.sync(() => begun.push(1))), { commitInterval: 100 }))
        yield* until(() => begun.length > 0, "the first transaction", 30_000)
        yield* Effect.promise(() => server.down())
        put("while", "1")
        yield* Effect.sleep(5_000)
        put("while", "2")
        yield* Effect.promise(() => server.up())
        put("after", "1")
        const expected = ["0 after 4 1", "0 before 1 1", "0 while 3 2"]
        const complete = Effect.repeat(
          Effect.andThen(Effect.sleep(200), Effect.orElseSucceed(rows, () => [])),
          { until: (found) => found.length === expected.length, times: 150 }
        )
        expect(yield* complete).toEqual(expected)
        expect(running.pollUnsafe()).toBeUndefined()
        yield* Fiber.interrupt(running)
      })
    ),
  90_000
)
