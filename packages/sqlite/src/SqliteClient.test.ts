/** What a `SqlClient` over node:sqlite promises: exact integers, transactions that are whole, errors with their reasons. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Client from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { SqliteClient } from "./index.ts"

const folder = mkdtempSync(join(tmpdir(), "wirewright-sqlite-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const file = (): string => join(folder, `${files++}.sqlite`)

const open = (filename: string, more: Partial<SqliteClient.SqliteClientOptions> = {}) =>
  Effect.map(Layer.build(SqliteClient.layer({ filename, ...more })), (built) => Context.get(built, Client.SqlClient))

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Effect.scoped(effect))

const reasonOf = <A, R>(effect: Effect.Effect<A, SqlError, R>) => Effect.map(Effect.flip(effect), ({ reason }) => reason._tag)

it("rows come back as they were put in: text, bytes, null, booleans as 1 and 0", () =>
  run(Effect.gen(function*() {
    const sql = yield* open(file())
    yield* sql`CREATE TABLE t (a TEXT, b BLOB, c REAL, d INTEGER, e TEXT)`
    yield* sql`INSERT INTO t ${sql.insert({ a: "ü\u0000😀", b: new Uint8Array([0, 255]), c: 0.5, d: true, e: null })}`
    const rows = yield* sql`SELECT * FROM t`
    expect(rows.map((row) => ({ ...row }))).toEqual([{ a: "ü\u0000😀", b: new Uint8Array([0, 255]), c: 0.5, d: 1, e: null }])
    expect(yield* sql`SELECT a, d FROM t`.values).toEqual([["ü\u0000😀", 1]])
  })))

it("integers of 64 bits are exact with SafeIntegers, and refused without where a number is not", () =>
  run(Effect.gen(function*() {
    const sql = yield* open(file())
    yield* sql`CREATE TABLE t (a INTEGER)`
    const numbers = [2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, 1n - 2n ** 63n, -(2n ** 63n)]
    for (const a of numbers) yield* sql`INSERT INTO t ${sql.insert({ a })}`
    const exact = yield* sql<{ a: bigint }>`SELECT a FROM t ORDER BY rowid`.pipe(Effect.provideService(Client.SafeIntegers, true))
    expect(exact.map(({ a }) => a)).toEqual(numbers)
    expect(yield* sql`SELECT a FROM t WHERE a = ${2n ** 53n - 1n}`.values).toEqual([[2 ** 53 - 1]])
    for (const a of numbers.slice(1, -1)) expect(yield* reasonOf(sql`SELECT a FROM t WHERE a = ${a}`), String(a)).toBe("UnknownError")
    // the lowest is a power of two, which a number holds exactly
    expect(yield* sql`SELECT a FROM t WHERE a = ${-(2n ** 63n)}`.values).toEqual([[-(2 ** 63)]])
    expect(yield* reasonOf(sql`INSERT INTO t ${sql.insert({ a: 2n ** 63n })}`)).toBe("UnknownError")
    expect(yield* sql`SELECT count(*) FROM t`.values).toEqual([[6]])
  })))

it("a transaction is whole: a failure in it undoes it, a nested one undoes its own part", () =>
  run(Effect.gen(function*() {
    const sql = yield* open(file())
    yield* sql`CREATE TABLE t (a INTEGER PRIMARY KEY)`
    const put = (a: number) => sql`INSERT INTO t ${sql.insert({ a })}`
    const all = Effect.map(sql`SELECT a FROM t ORDER BY a`.values, (rows) => rows.flat())
    expect(yield* Effect.flip(sql.withTransaction(Effect.andThen(put(1), Effect.fail("no" as const))))).toBe("no")
    expect(yield* all).toEqual([])
    yield* sql.withTransaction(Effect.gen(function*() {
      yield* put(2)
      yield* Effect.ignore(sql.withTransaction(Effect.andThen(put(3), Effect.fail("no"))))
      yield* put(4)
    }))
    expect(yield* all).toEqual([2, 4])
  })))

it("a COMMIT that fails leaves the connection usable and nothing of the transaction", () =>
  run(Effect.gen(function*() {
    const sql = yield* open(file())
    yield* sql`CREATE TABLE parent (id INTEGER PRIMARY KEY)`
    yield* sql`CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)`
    expect(yield* reasonOf(sql.withTransaction(sql`INSERT INTO child VALUES (1)`))).toBe("ConstraintError")
    expect(yield* sql`SELECT count(*) FROM child`.values).toEqual([[0]])
    yield* sql.withTransaction(Effect.andThen(sql`INSERT INTO parent VALUES (1)`, sql`INSERT INTO child VALUES (1)`))
    expect(yield* sql`SELECT count(*) FROM child`.values).toEqual([[1]])
  })))

it("errors have their reasons", () =>
  run(Effect.gen(function*() {
    const sql = yield* open(file())
    yield* sql`CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT UNIQUE NOT NULL)`
    yield* sql`INSERT INTO t VALUES (1, 'x')`
    const twice = yield* Effect.flip(sql`INSERT INTO t VALUES (2, 'x')`)
    expect(twice.reason._tag === "UniqueViolation" && twice.reason.constraint).toBe("t.b")
    expect(twice.message).toContain("UNIQUE constraint failed: t.b")
    expect(yield* reasonOf(sql`INSERT INTO t VALUES (2, ${null})`)).toBe("ConstraintError")
    expect(yield* reasonOf(open(join(folder, "missing", "file")))).toBe("ConnectionError")
  })))

it("a writer waits for the one before it as long as the time-out says, and then fails so that it may try again", () =>
  run(Effect.gen(function*() {
    const name = file()
    const first = yield* open(name)
    yield* first`CREATE TABLE t (a INTEGER)`
    const second = yield* open(name, { busyTimeout: 50 })
    yield* first.withTransaction(Effect.gen(function*() {
      yield* first`INSERT INTO t VALUES (1)`
      const error = yield* Effect.flip(second.withTransaction(second`SELECT 1`))
      expect(error.reason._tag).toBe("LockTimeoutError")
      expect(error.reason.isRetryable).toBe(true)
      // readers do not wait
      expect(yield* second`SELECT count(*) FROM t`.values).toEqual([[0]])
    }))
    yield* second.withTransaction(second`INSERT INTO t VALUES (2)`)
    expect(yield* second`SELECT count(*) FROM t`.values).toEqual([[2]])
  })))

it("transactions of two fibres come one after the other", () =>
  run(Effect.gen(function*() {
    const sql = yield* open(file())
    yield* sql`CREATE TABLE t (a INTEGER)`
    yield* sql`INSERT INTO t VALUES (0)`
    const increment = sql.withTransaction(Effect.gen(function*() {
      const [[a]] = (yield* sql`SELECT a FROM t`.values) as [[number]]
      yield* Effect.yieldNow
      yield* sql`UPDATE t SET a = ${a + 1}`
    }))
    yield* Effect.forEach(Array.from({ length: 20 }), () => increment, { concurrency: "unbounded", discard: true })
    expect(yield* sql`SELECT a FROM t`.values).toEqual([[20]])
  })))

it("rows are streamed, and a stream that is left early does not keep the file locked", () =>
  run(Effect.gen(function*() {
    const name = file()
    const sql = yield* open(name)
    yield* sql`CREATE TABLE t (a INTEGER)`
    yield* sql`WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 1000) INSERT INTO t SELECT v FROM n`
    const rows = sql<{ a: number }>`SELECT a FROM t ORDER BY a`.stream
    expect((yield* Stream.runCollect(rows)).map(({ a }) => a)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1))
    expect((yield* Stream.runCollect(Stream.take(rows, 3))).length).toBe(3)
    yield* sql`DROP TABLE t`
    expect(yield* reasonOf(Stream.runDrain(sql`SELECT abs(-9223372036854775807 - v) FROM (SELECT 0 AS v UNION ALL SELECT 1)`.stream)))
      .toBe("UnknownError")
  })))

it("what was committed is there when the file is opened again, also for readers only", () =>
  run(Effect.gen(function*() {
    const name = file()
    yield* Effect.scoped(Effect.gen(function*() {
      const sql = yield* open(name)
      yield* sql`CREATE TABLE t (a INTEGER)`
      yield* sql.withTransaction(sql`INSERT INTO t VALUES (7)`)
    }))
    const reader = yield* open(name, { readonly: true })
    expect(yield* reader.withTransaction(reader`SELECT a FROM t`.values)).toEqual([[7]])
    expect(yield* reasonOf(reader`INSERT INTO t VALUES (8)`)).toBe("UnknownError")
  })))
