/** What is made of changes and their checkpoint are in one transaction: both or neither, whatever fails, and only by the owner. */
import { Dcp, type DcpEvent } from "@wirewright/dcp"
import {
  layerSql,
  processInTransactions,
  runInTransactions,
  sqlCheckpointStore,
  type TransactionHandlers,
  type TransactionOptions
} from "@wirewright/dcp/sql"
import { SqliteClient } from "@wirewright/sqlite"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { SqlClient } from "effect/sql/SqlClient"
import { ConnectionError, LockTimeoutError, SqlError, UnknownError } from "effect/sql/SqlError"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { inWorld, until, type World } from "../Harness.ts"
import { createIndex, doubles, indexer, rowsOf } from "./Index.ts"

const folder = mkdtempSync(join(tmpdir(), "wirewright-transactions-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

interface Stage {
  readonly world: World
  readonly sql: SqlClient
  /** Another connection to the same file. */
  readonly other: SqlClient
  readonly dcp: Layer.Layer<Dcp>
  readonly put: (key: string, value: string, vbucket?: number) => void
  /** Runs until what is there is processed. */
  readonly run: <E>(
    handlers?: TransactionHandlers<E, SqlClient>,
    options?: TransactionOptions,
    client?: SqlClient
  ) => Effect.Effect<ReadonlyArray<DcpEvent>, unknown>
  /** Seqno of the checkpoint that is stored of a vbucket. */
  readonly stored: (vbucket?: number) => Effect.Effect<string | undefined, SqlError>
}

const staged = (vbuckets: number, test: (stage: Stage) => Effect.Effect<unknown, unknown, Scope.Scope>): Promise<void> =>
  inWorld({ vbuckets }, (world) =>
    Effect.gen(function*() {
      const filename = join(folder, `${files++}.sqlite`)
      const open = Effect.map(Layer.build(SqliteClient.layer({ filename, synchronous: "NORMAL", busyTimeout: 20 })), Context.get(SqlClient))
      const [sql, other] = [yield* open, yield* open]
      yield* Effect.provideService(createIndex, SqlClient, sql)
      const dcp = Layer.orDie(Dcp.layer({ seeds: [{ host: "127.0.0.1", port: world.node.port }], bucket: "default" }))
      const { store } = world.bucket
      yield* test({
        world,
        sql,
        other,
        dcp,
        put: (key, value, vbucket = 0) => void store.set(store.space(vbucket), key, { value: new TextEncoder().encode(value) }),
        run: (handlers = indexer() as never, options = {}, client = sql) =>
          Stream.runCollect(processInTransactions({ to: "now", ...options }, handlers)).pipe(
            Effect.provideService(SqlClient, client),
            Effect.provide(dcp)
          ),
        stored: (vbucket = 0) =>
          Effect.map(
            sql<{ checkpoint: string | null }>`SELECT checkpoint FROM dcp_checkpoints WHERE vbucket = ${vbucket}`,
            ([row]) => typeof row?.checkpoint === "string" ? JSON.parse(row.checkpoint).vbuckets[vbucket].seqno as string : undefined
          )
      })
    }))

const of = <A, E>(sql: SqlClient, effect: Effect.Effect<A, E, SqlClient>) => Effect.provideService(effect, SqlClient, sql)

const lock = new SqlError({ reason: new LockTimeoutError({ cause: undefined, message: "locked", operation: "execute" }) })
const broken = new SqlError({ reason: new ConnectionError({ cause: undefined, message: "the connection broke", operation: "commit" }) })

/** A client some of whose methods are others. */
const wrapped = (sql: SqlClient, methods: Partial<Pick<SqlClient, "withTransaction" | "afterCommit">>): SqlClient => {
  const call = (...args: ReadonlyArray<never>) => (sql as unknown as (...all: ReadonlyArray<never>) => unknown)(...args)
  return Object.assign(call as unknown as SqlClient, sql, { withoutTransforms: () => sql }, methods)
}

/** A client whose connection breaks at some commits: before the database has heard of it, or after. */
const breaking = (sql: SqlClient, when: (commit: number) => "before" | "after" | undefined): SqlClient => {
  let commits = 0
  let present: "before" | "after" | undefined
  return wrapped(sql, {
    // what a client does not know to be committed, it does not tell
    afterCommit: (effect) => present === undefined ? sql.afterCommit(effect) : Effect.void,
    withTransaction: (effect) =>
      Effect.suspend(() => {
        present = when(commits++)
        if (present === "before") return sql.withTransaction(Effect.andThen(effect, Effect.fail(broken)))
        if (present === "after") return Effect.andThen(sql.withTransaction(effect), Effect.fail(broken))
        return sql.withTransaction(effect)
      })
  })
}

/** Handlers that count how often they ran. */
const counted = () => {
  const counts = { changes: 0, rollbacks: 0 }
  const { changes, rollback } = indexer()
  const handlers: TransactionHandlers<SqlError, SqlClient> = {
    changes: (some, owner) => Effect.suspend(() => (counts.changes++, changes(some, owner))),
    rollback: (one, owner) => Effect.suspend(() => (counts.rollbacks++, rollback(one, owner)))
  }
  return { counts, handlers }
}

describe("a transaction", () => {
  it("has the rows and the checkpoint; the next run begins after them", () =>
    staged(2, ({ other, put, run, stored }) =>
      Effect.gen(function*() {
        put("a", "1")
        put("b", "1", 1)
        put("a", "2")
        yield* run()
        expect(yield* of(other, rowsOf)).toEqual(["0 a 2 2", "1 b 1 1"])
        expect([yield* stored(0), yield* stored(1)]).toEqual(["2", "1"])
        put("c", "1")
        const { counts, handlers } = counted()
        const events = yield* run(handlers)
        expect(events.flatMap((event) => event._tag === "Mutation" ? [event.key] : [])).toEqual(["c"])
        expect(counts).toEqual({ changes: 1, rollbacks: 0 })
        expect(yield* of(other, doubles)).toEqual([])
      })))

  it("that fails in the application leaves neither, and the error is the application's", () =>
    staged(1, ({ other, put, run, stored }) =>
      Effect.gen(function*() {
        put("a", "1")
        const fails = {
          ...indexer(),
          changes: Effect.fnUntraced(function*(...args: Parameters<ReturnType<typeof indexer>["changes"]>) {
            yield* indexer().changes(...args)
            return yield* Effect.fail("no" as const)
          })
        }
        expect(yield* Effect.flip(run(fails))).toBe("no")
        expect([yield* of(other, rowsOf), yield* stored()]).toEqual([[], "0"])
        yield* run()
        expect([yield* of(other, rowsOf), yield* stored()]).toEqual([["0 a 1 1"], "1"])
      })))

  it("whose checkpoint cannot be stored leaves no rows", () =>
    staged(1, ({ other, put, run, sql }) =>
      Effect.gen(function*() {
        put("a", "1")
        yield* run()
        put("b", "1")
        yield* sql`CREATE TRIGGER refuse BEFORE UPDATE OF checkpoint ON dcp_checkpoints
          WHEN NEW.checkpoint LIKE '%"seqno":"2"%' BEGIN SELECT RAISE(ABORT, 'full'); END`
        expect(String(yield* Effect.flip(run()))).toContain("full")
        expect(yield* of(other, rowsOf)).toEqual(["0 a 1 1"])
        yield* sql`DROP TRIGGER refuse`
        yield* run()
        expect(yield* of(other, rowsOf)).toEqual(["0 a 1 1", "0 b 2 1"])
        expect(yield* of(other, doubles)).toEqual([])
      })))

  it("tells the application who it is: name and epoch, which grows", () =>
    staged(1, ({ other, put, run }) =>
      Effect.gen(function*() {
        const owners = other<{ key: string; owner: string; epoch: number }>`SELECT key, owner, epoch FROM documents ORDER BY key`
        put("a", "1")
        yield* run(undefined, { owner: "first" })
        put("b", "1")
        yield* run(undefined, { owner: "second" })
        expect((yield* owners).map((row) => ({ ...row }))).toEqual([
          { key: "a", owner: "first", epoch: 1 },
          { key: "b", owner: "second", epoch: 2 }
        ])
      })))
})

describe("a rollback", () => {
  it("is undone together with its checkpoint, or not at all", () =>
    staged(1, ({ other, put, run, stored, world }) =>
      Effect.gen(function*() {
        put("a", "1")
        yield* run()
        put("b", "lost")
        put("a", "lost")
        yield* run()
        expect([yield* of(other, rowsOf), yield* stored()]).toEqual([["0 a 3 lost", "0 b 2 lost"], "3"])
        world.cluster.failover(0, { lost: 2, disconnect: false })
        put("c", "1")
        const { rollback } = indexer()
        const fails = {
          ...indexer(),
          rollback: (...args: Parameters<typeof rollback>) => Effect.andThen(rollback(...args), Effect.fail("no" as const))
        }
        expect(yield* Effect.flip(run(fails))).toBe("no")
        expect(yield* of(other, rowsOf)).toEqual(["0 a 3 lost", "0 b 2 lost"])
        const { counts, handlers } = counted()
        yield* run(handlers)
        expect([yield* of(other, rowsOf), yield* stored()]).toEqual([["0 a 1 1", "0 c 2 1"], "2"])
        expect(counts).toEqual({ changes: 1, rollbacks: 1 })
        expect(yield* of(other, doubles)).toEqual([])
      })))

  it("undoes first what was done ahead of the checkpoint outside of transactions", () =>
    staged(1, ({ dcp, other, put, run, sql }) =>
      Effect.gen(function*() {
        put("a", "1")
        // processed, not in a transaction, and never saved
        const { changes, rollback } = indexer()
        const outside = Dcp.processBatch({ to: "now", size: 10, within: 10 }, {
          changes: (some) => Effect.andThen(changes(some, { name: "outside", epoch: 0 }), Effect.never),
          rollback: (one) => rollback(one, { name: "outside", epoch: 0 })
        })
        const fiber = yield* Effect.forkChild(
          Stream.runDrain(outside).pipe(Effect.provide(dcp), Effect.provide(layerSql()), Effect.provideService(SqlClient, sql))
        )
        yield* until(() => Effect.runSync(Effect.map(of(other, rowsOf), (rows) => rows.length === 1)))
        yield* Fiber.interrupt(fiber)
        const { counts, handlers } = counted()
        yield* run(handlers)
        expect(counts).toEqual({ changes: 1, rollbacks: 1 })
        expect(yield* of(other, rowsOf)).toEqual(["0 a 1 1"])
        expect(yield* of(other, doubles)).toEqual([])
      })))
})

describe("an owner that another one has taken over from", () => {
  it("changes nothing any more: rows and checkpoints stay as they are", () =>
    staged(1, ({ dcp, other, put, run, sql, stored }) =>
      Effect.gen(function*() {
        put("a", "1")
        const begun = yield* Deferred.make<void>()
        const goOn = yield* Deferred.make<void>()
        const slow = {
          ...indexer(),
          changes: Effect.fnUntraced(function*(...args: Parameters<ReturnType<typeof indexer>["changes"]>) {
            if (args[0].some((change) => "key" in change && change.key === "b")) {
              yield* Deferred.succeed(begun, undefined)
              yield* Deferred.await(goOn)
            }
            yield* indexer().changes(...args)
          })
        }
        // the epoch is looked at first, and again by the statement that stores: this one takes over before a transaction begins
        const first = yield* Effect.forkChild(Effect.exit(
          Stream.runDrain(processInTransactions({ owner: "old" }, slow)).pipe(Effect.provide(dcp), Effect.provideService(SqlClient, sql))
        ))
        yield* until(() => Effect.runSync(Effect.map(of(other, rowsOf), (rows) => rows.length === 1)))
        yield* sqlCheckpointStore(other, { owner: "new" }).open("default/wirewright", [0])
        put("b", "1")
        yield* Effect.ignore(Effect.timeout(Deferred.await(begun), 200))
        yield* Deferred.succeed(goOn, undefined)
        const exit = yield* Fiber.join(first)
        expect(String(Exit.isFailure(exit) && exit.cause)).toContain("taken over the group default/wirewright")
        expect([yield* of(other, rowsOf), yield* stored()]).toEqual([["0 a 1 1"], "1"])
        yield* run()
        expect(yield* of(other, rowsOf)).toEqual(["0 a 1 1", "0 b 2 1"])
      })))
})

describe("a transaction is repeated", () => {
  it("when the database was locked by another one, and fails with the reason when that does not end", () =>
    staged(1, ({ other, put, run }) =>
      Effect.gen(function*() {
        put("a", "1")
        const { counts, handlers } = counted()
        const locked = {
          ...handlers,
          changes: (...args: Parameters<typeof handlers.changes>) =>
            Effect.suspend(() => counts.changes++ < 3 ? Effect.fail(lock) : indexer().changes(...args))
        }
        yield* run(locked, { retries: 3 })
        expect(counts.changes).toBe(4)
        expect(yield* of(other, rowsOf)).toEqual(["0 a 1 1"])
        put("b", "1")
        counts.changes = 0
        expect(yield* Effect.flip(run(locked, { retries: 2 }))).toBe(lock)
        expect(counts.changes).toBe(3)
        expect(yield* of(other, rowsOf)).toEqual(["0 a 1 1"])
      })))

  it("whose connection broke before it was committed", () =>
    staged(1, ({ other, put, run, sql }) =>
      Effect.gen(function*() {
        put("a", "1")
        const { counts, handlers } = counted()
        yield* run(handlers, { retries: 0 }, breaking(sql, (commit) => commit < 2 ? "before" : undefined))
        expect(counts.changes).toBe(3)
        expect(yield* of(other, rowsOf)).toEqual(["0 a 1 1"])
        expect(yield* of(other, doubles)).toEqual([])
      })))

  it.each(["57P01", "57P02", "57P03", "53300"])(
    "whose database goes, or is not back yet: SQLSTATE %s",
    (code) =>
      staged(1, ({ other, put, run }) =>
        Effect.gen(function*() {
          put("a", "1")
          const { counts, handlers } = counted()
          // PostgreSQL's client has no reason of its own for these
          const gone = new SqlError({ reason: new UnknownError({ cause: Object.assign(new Error("gone"), { code }), message: "gone" }) })
          const restarted = {
            ...handlers,
            changes: (...args: Parameters<typeof handlers.changes>) =>
              Effect.suspend(() => counts.changes++ < 2 ? Effect.fail(gone) : indexer().changes(...args))
          }
          yield* run(restarted, { retries: 0 })
          expect([counts.changes, yield* of(other, rowsOf)]).toEqual([3, ["0 a 1 1"]])
        }))
  )

  it("not when it was committed and only the answer was lost", () =>
    staged(1, ({ other, put, run, sql, stored }) =>
      Effect.gen(function*() {
        put("a", "1")
        const { counts, handlers } = counted()
        yield* run(handlers, {}, breaking(sql, (commit) => commit === 0 ? "after" : undefined))
        expect(counts.changes).toBe(1)
        put("b", "1")
        yield* run(handlers, {}, breaking(sql, (commit) => commit === 0 ? "before" : commit === 1 ? "after" : undefined))
        expect(counts.changes).toBe(3)
        expect([yield* of(other, rowsOf), yield* stored()]).toEqual([["0 a 1 1", "0 b 2 1"], "2"])
        expect(yield* of(other, doubles)).toEqual([])
      })))

  it("and whoever stops while it is not known whether it was committed, stores nothing older", () =>
    staged(1, ({ dcp, other, put, run, sql, stored }) =>
      Effect.gen(function*() {
        put("a", "1")
        const never = breaking(sql, () => "after")
        const fiber = yield* Effect.forkChild(
          Stream.runDrain(processInTransactions({ commitInterval: 1 }, indexer())).pipe(
            Effect.provide(dcp),
            Effect.provideService(SqlClient, never)
          )
        )
        yield* until(() => Effect.runSync(Effect.map(of(other, rowsOf), (rows) => rows.length === 1)))
        yield* Fiber.interrupt(fiber)
        expect(yield* stored()).toBe("1")
        yield* run()
        expect(yield* of(other, doubles)).toEqual([])
      })))

  it("and whoever is interrupted while it commits has it in the checkpoint that is saved at the end", () =>
    staged(1, ({ dcp, other, put, run, sql, stored }) =>
      Effect.gen(function*() {
        put("a", "1")
        const committing = yield* Deferred.make<void>()
        const slow = wrapped(sql, {
          withTransaction: (effect) =>
            Effect.uninterruptible(
              Effect.tap(sql.withTransaction(effect), () => Effect.andThen(Deferred.succeed(committing, undefined), Effect.sleep(20)))
            )
        })
        const fiber = yield* Effect.forkChild(
          Stream.runDrain(processInTransactions({}, indexer())).pipe(Effect.provide(dcp), Effect.provideService(SqlClient, slow))
        )
        yield* Deferred.await(committing)
        yield* Fiber.interrupt(fiber)
        expect([yield* of(other, rowsOf), yield* stored()]).toEqual([["0 a 1 1"], "1"])
        put("b", "1")
        yield* run()
        expect(yield* of(other, rowsOf)).toEqual(["0 a 1 1", "0 b 2 1"])
        expect(yield* of(other, doubles)).toEqual([])
      })))
})

describe("batches", () => {
  it("have at most so many changes, and end with the one that reaches the bytes", () =>
    staged(1, ({ put, run }) =>
      Effect.gen(function*() {
        for (let i = 0; i < 10; i++) put(`k${i}`, "x")
        const sizes: Array<number> = []
        const { rollback } = indexer()
        const handlers = { rollback, changes: (some: ReadonlyArray<unknown>) => Effect.sync(() => void sizes.push(some.length)) }
        yield* run(handlers, { size: 4, group: "four" })
        expect([Math.max(...sizes), sizes.reduce((a, b) => a + b)]).toEqual([4, 10])
        sizes.length = 0
        // 200 and the key and the value
        yield* run(handlers, { bytes: 203 * 3, group: "three" })
        expect(Math.max(...sizes)).toBe(3)
        sizes.length = 0
        yield* run(handlers, { bytes: 203 * 3 + 1, group: "one more" })
        expect(Math.max(...sizes)).toBe(4)
      })))

  it("hold the node to its window while a transaction takes its time", () =>
    staged(1, ({ dcp, sql, world }) =>
      Effect.gen(function*() {
        for (let i = 0; i < 400; i++) world.put(`k${i}`, 0, 10_000)
        const window = 100_000
        const { consumer, events } = yield* runInTransactions({ window, bytes: 50_000 }, {
          rollback: () => Effect.void,
          changes: () => Effect.never
        }).pipe(Effect.provide(dcp), Effect.provideService(SqlClient, sql))
        yield* Effect.forkScoped(Effect.provideService(Stream.runDrain(events), SqlClient, sql))
        yield* until(() => (consumer.status.connections[0]?.outstanding ?? 0) >= window)
        yield* Effect.sleep(100)
        const { connections, events: delivered } = consumer.status
        expect(connections[0]!.outstanding).toBeLessThan(window + 11_000)
        // a window, and what was taken when that was one array
        expect(delivered).toBeLessThan(3 * window / 10_000)
      })))
})
