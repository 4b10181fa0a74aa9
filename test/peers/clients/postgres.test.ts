/** The example's PostgreSQL client against Debian's server: statements, COPY, cancellation, and a server that goes and comes back. */
import { ConnectionError } from "@wirewright/connection"
import type * as Duration from "effect/Duration"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { existsSync } from "node:fs"
import * as Net from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Postgres from "../../../packages/examples/src/clients/Postgres.ts"
import { cutAfter } from "../../runtime/Cut.ts"
import { type Cluster, postgresVersion, startPostgres } from "../gallery/Postgres.ts"

const there = existsSync("/usr/lib/postgresql")
const text = (value: Uint8Array): string => new TextDecoder().decode(value)
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)
const values = (rows: ReadonlyArray<Postgres.Row>) => rows.map(({ values }) => values)

type Statements = Pick<Postgres.Postgres, "query" | "execute" | "copyFrom">

/** Fails what hangs. */
const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>, limit: Duration.Input = "1 minute"): Promise<A> =>
  Effect.runPromise(Effect.timeout(Effect.scoped(effect), limit))

describe.skipIf(!there)("PostgreSQL", () => {
  let server: Cluster
  beforeAll(async () => {
    server = await startPostgres()
  }, 60_000)
  afterAll(() => server?.stop())

  const as = (user: string, password = "secret") => ({ settings: { user, database: "postgres" }, password: Redacted.make(password) })
  const options = (more: Partial<Postgres.PostgresOptions> = {}): Postgres.PostgresOptions => ({
    host: "127.0.0.1",
    port: server.port,
    ...as("trusted"),
    reconnect: { initialDelay: "20 millis" },
    // longer than a conversation that is cut may take: nothing there waits for it
    requestTimeout: "20 seconds",
    ...more
  })
  const using = <A, E>(
    use: (postgres: Postgres.Postgres) => Effect.Effect<A, E, Scope.Scope>,
    more: Partial<Postgres.PostgresOptions> = {}
  ) => run(Effect.flatMap(Postgres.make(options(more)), use))

  const all = ({ query }: Statements, sql: string, parameters?: ReadonlyArray<string | null>) =>
    Effect.map(Stream.runCollect(query(sql, parameters)), values)
  const one = (statements: Statements, sql: string, parameters?: ReadonlyArray<string | null>) =>
    Effect.map(all(statements, sql, parameters), ([row]) => row![0])
  const process = (statements: Statements) => one(statements, "select pg_backend_pid()")
  /** Waits until a query says yes. */
  const until = (statements: Statements, sql: string) =>
    Effect.gen(function*() {
      while ((yield* one(statements, sql)) !== "t") yield* Effect.sleep("5 millis")
    })

  describe("who is there", () => {
    it.each(["trusted", "plain", "scram"])("%s", (user) =>
      using((postgres) =>
        Effect.gen(function*() {
          expect(yield* one(postgres, "select current_user")).toBe(user)
          expect(`PostgreSQL ${postgres.parameters.get("server_version")!.split(" ")[0]}`).toBe(postgresVersion())
          expect(postgres.parameters.get("client_encoding")).toBe("UTF8")
        }), as(user)))

    it.each([["plain", "28P01"], ["scram", "28P01"], ["rejected", "28000"]])("%s is turned away", async (user, code) => {
      const wrong = using(process, { ...as(user, "wrong"), reconnect: { maxAttempts: 0 } })
      await expect(wrong).rejects.toMatchObject({ _tag: "PostgresError", severity: "FATAL", code })
    })

    it("asked for what is not spoken", async () => {
      const md5 = using(process, { ...as("md5"), reconnect: { maxAttempts: 0 } })
      await expect(md5).rejects.toMatchObject({ _tag: "AuthenticationUnsupported", method: "AuthenticationMD5Password" })
    })

    it("a server that does not prove that it knows the password", async () => {
      const impostor = Net.createServer((socket) => {
        // AuthenticationSASL, then AuthenticationOk and ReadyForQuery right away
        socket.once("data", () => socket.write(Buffer.from("52000000170000000a534352414d2d5348412d3235360000", "hex")))
          .on("error", () => {})
        socket.once("data", () => socket.on("data", () => socket.write(Buffer.from("5200000008000000005a0000000549", "hex"))))
      })
      await new Promise<void>((resolve) => impostor.listen(0, "127.0.0.1", resolve))
      const { port } = impostor.address() as Net.AddressInfo
      await expect(using(process, { port, reconnect: { maxAttempts: 0 } })).rejects.toMatchObject({
        _tag: "ScramError",
        reason: "ServerSignatureMismatch"
      })
      impostor.close()
    })
  })

  describe("statements", () => {
    it("several at once: rows of each with its columns, NULL", () =>
      using((postgres) =>
        Effect.gen(function*() {
          const sql = "select 1 as one, null as nothing, 'zwölf' as twelve; ; select n, n * n from generate_series(1, 3) n"
          const rows = yield* Stream.runCollect(postgres.query(sql))
          expect(values(rows)).toEqual([["1", null, "zwölf"], ["1", "1"], ["2", "4"], ["3", "9"]])
          expect(rows.map(({ columns }) => columns.map(({ name }) => name))).toEqual([
            ["one", "nothing", "twelve"],
            ...Array.from({ length: 3 }, () => ["n", "?column?"])
          ])
          expect(rows[1]!.columns).toBe(rows[3]!.columns)
          expect(rows[0]!.columns[0]!.typeOid).toBe(23)
        })
      ))

    it("with parameters, NULL too", () =>
      using((postgres) =>
        Effect.gen(function*() {
          const sql = "select $1::int + 1, $2::text, $3::text, n from generate_series(1, $1::int) n"
          expect(yield* all(postgres, sql, ["2", null, "'; drop table x"])).toEqual([
            ["3", null, "'; drop table x", "1"],
            ["3", null, "'; drop table x", "2"]
          ])
          expect(yield* all(postgres, "select 1 where false", [])).toEqual([])
          expect(yield* all(postgres, "set work_mem to '4MB'", [])).toEqual([])
        })
      ))

    it("with parameters, all of it in one write", async () => {
      const writes: Array<Buffer> = []
      const dial = ({ host, port }: { readonly host: string; readonly port: number }) => {
        const socket = Net.connect(port, host)
        const write = socket.write.bind(socket) as (chunk: Uint8Array, done: () => void) => boolean
        return Object.assign(socket, {
          write: (chunk: Uint8Array, done: () => void) => {
            writes.push(Buffer.from(chunk))
            return write(chunk, done)
          }
        })
      }
      expect(await using((postgres) => one(postgres, "select $1::text", ["x"]), { dial: dial as never })).toBe("x")
      const [startup, statement] = writes
      expect([startup!.readUInt32BE(), writes.length]).toEqual([startup!.length, 2])
      const messages: Array<string> = []
      for (let at = 0; at < statement!.length; at += 1 + statement!.readUInt32BE(at + 1)) {
        messages.push(String.fromCodePoint(statement![at]!))
      }
      // Parse, Bind, Describe, Execute, CopyFail, Sync
      expect(messages.join("")).toBe("PBDEfS")
    })

    it("what they did", () =>
      using((postgres) =>
        Effect.gen(function*() {
          expect(yield* postgres.execute("create temp table t (id int); insert into t values (1), (2)")).toEqual([
            "CREATE TABLE",
            "INSERT 0 2"
          ])
          expect(yield* postgres.execute("delete from t where id = $1", ["2"])).toEqual(["DELETE 1"])
        })
      ))

    it("errors, after which the connection goes on", () =>
      using((postgres) =>
        Effect.gen(function*() {
          const backend = yield* process(postgres)
          const failing = (sql: string, parameters?: ReadonlyArray<string | null>) => Effect.flip(all(postgres, sql, parameters))
          expect(yield* failing("select selekt")).toMatchObject({
            _tag: "PostgresError",
            severity: "ERROR",
            code: "42703",
            message: "column \"selekt\" does not exist",
            detail: undefined,
            position: 8
          })
          expect(yield* failing("select 1; select 1/0; select 2")).toMatchObject({ code: "22012", position: undefined })
          expect(yield* failing("selekt $1", ["x"])).toMatchObject({ code: "42601", position: 1 })
          expect(yield* failing("select $1::int", ["x"])).toMatchObject({ code: "22P02" })
          expect(yield* failing("select 1; select 2", [])).toMatchObject({ code: "42601" })
          expect(yield* failing("select 'a\u0000b'")).toMatchObject({ _tag: "EncodeError" })
          expect(yield* failing("select $1", ["x", "y"])).toMatchObject({ code: "08P01" })
          yield* postgres.execute("create temp table u (id int primary key); insert into u values (1)")
          expect(yield* failing("insert into u values (1)")).toMatchObject({ code: "23505", detail: "Key (id)=(1) already exists." })
          // rows that came before the error are there
          const got: Array<ReadonlyArray<string | null>> = []
          const rows = Stream.runForEach(
            postgres.query("select 10 / (4 - n) from generate_series(1, 9) n"),
            (row) => Effect.sync(() => got.push(row.values))
          )
          expect(yield* Effect.flip(rows)).toMatchObject({ code: "22012" })
          expect(got).toEqual([["3"], ["5"], ["10"]])
          expect(yield* process(postgres)).toBe(backend)
          expect((yield* postgres.client.counters).reconnects).toBe(0)
        })
      ))

    it("1 000 at once over 4 connections, each with its own rows, and with parameters all of it at once", () =>
      using((postgres) =>
        Effect.gen(function*() {
          const numbers = Array.from({ length: 1_000 }, (_, i) => String(i))
          const got = yield* Effect.forEach(
            numbers,
            (n) => all(postgres, "select $1::int, pg_backend_pid()", [n]),
            { concurrency: "unbounded" }
          )
          expect(got.map(([row]) => row![0])).toEqual(numbers)
          expect(new Set(got.map(([row]) => row![1])).size).toBe(4)
        }), { connections: 4, requestTimeout: "1 minute" }))

    it("those of a transaction, all or none", () =>
      using((postgres) =>
        Effect.gen(function*() {
          yield* postgres.execute("drop table if exists x; create table x (id int)")
          const inserted = (fails: boolean) =>
            postgres.transaction((statements) =>
              Effect.gen(function*() {
                const backends = yield* Effect.forEach([1, 2, 3], () => process(statements), { concurrency: "unbounded" })
                yield* statements.execute("insert into x values ($1)", ["1"])
                expect(yield* one(postgres, "select count(*) from x")).toBe("0")
                if (fails) return yield* Effect.fail("changed my mind" as const)
                return new Set(backends).size
              })
            )
          expect(yield* Effect.flip(inserted(true))).toBe("changed my mind")
          expect(yield* one(postgres, "select count(*) from x")).toBe("0")
          const caught = postgres.transaction((statements) =>
            Effect.andThen(statements.execute("insert into x values (1)"), Effect.ignore(statements.execute("selekt")))
          )
          expect(yield* Effect.flip(caught)).toMatchObject({ _tag: "PostgresError", code: "25P02" })
          expect(yield* one(postgres, "select count(*) from x")).toBe("0")
          expect(yield* inserted(false)).toBe(1)
          expect(yield* one(postgres, "select count(*) from x")).toBe("1")
        }), { connections: 2 }))
  })

  it("100 000 rows, read slowly: few of them wait", () =>
    using((postgres) =>
      Effect.gen(function*() {
        const [rows, size] = [100_000, 200]
        const [connection] = postgres.client.connections
        const before = connection!.bytesReceived
        // RowDescription of two columns
        let [taken, read, most] = [0, 7 + 2 * 18 + "n\0repeat\0".length, 0]
        yield* Stream.runForEach(postgres.query(`select n, repeat('x', ${size}) from generate_series(1, ${rows}) n`), (row) =>
          Effect.suspend(() => {
            expect(row.values[0]).toBe(String(++taken))
            read += 7 + 4 + row.values[0]!.length + 4 + size
            most = Math.max(most, connection!.bytesReceived - before - read)
            return taken % 100 === 0 ? Effect.sleep(0) : Effect.void
          }))
        expect(taken).toBe(rows)
        // CommandComplete and ReadyForQuery are left
        expect(connection!.bytesReceived - before - read).toBe(5 + "SELECT 100000\0".length + 6)
        console.info(`at most ${most} bytes, some ${Math.round(most / (15 + 5 + size))} rows, waited`)
        // 1 024 rows and what a read brings, both in the queue and in the reader's hands
        expect(most).toBeLessThan(2 * (1_024 * (15 + 6 + size) + 65_536))
        expect(most).toBeGreaterThan(1_024 * size)
      })
    ))

  describe("COPY", () => {
    it("out, and in", () =>
      using((postgres) =>
        Effect.gen(function*() {
          yield* postgres.execute("create temp table c (id int, t text)")
          // 20 MB, cut anywhere
          const line = (i: number): string => `${i}\t${"x".repeat(180)}\n`
          const whole = Array.from({ length: 100_000 }, (_, i) => line(i)).join("")
          const chunks = Stream.fromIterable(Array.from({ length: Math.ceil(whole.length / 9_999) }, (_, i) => i)).pipe(
            Stream.map((i) => bytes(whole.slice(i * 9_999, (i + 1) * 9_999)))
          )
          expect(yield* postgres.copyFrom("copy c from stdin", chunks)).toEqual(["COPY 100000"])
          expect(yield* one(postgres, "select count(*) from c where length(t) = 180")).toBe("100000")
          const out = yield* Stream.runFold(postgres.copyTo("copy c to stdout"), () => ({ text: "" }), (all, chunk) => {
            all.text += text(chunk)
            return all
          })
          expect(out.text === whole).toBe(true)
        })
      ))

    it("in, and it fails: the source, the data, or there is none", () =>
      using((postgres) =>
        Effect.gen(function*() {
          const backend = yield* process(postgres)
          yield* postgres.execute("create temp table f (id int)")
          const copy = <E>(source: Stream.Stream<Uint8Array, E>) => Effect.flip(postgres.copyFrom("copy f from stdin", source))
          expect(yield* copy(Stream.concat(Stream.make(bytes("1\n")), Stream.fail("no more" as const)))).toBe("no more")
          expect(yield* one(postgres, "select count(*) from f")).toBe("0")
          const bad = Stream.concat(Stream.make(bytes("1\n"), bytes("two\n")), Stream.never)
          expect(yield* copy(bad)).toMatchObject({ _tag: "PostgresError", code: "22P02" })
          expect(yield* copy(Stream.concat(Stream.make(bytes("two\n")), Stream.fail("after" as const)))).toSatisfy(
            (error) => error === "after" || (error as Postgres.PostgresError).code === "22P02"
          )
          expect(yield* Effect.flip(postgres.execute("copy f from stdin"))).toMatchObject({ code: "57014" })
          expect(yield* Effect.flip(postgres.execute("copy f from stdin", []))).toMatchObject({ code: "57014" })
          expect(yield* Effect.flip(postgres.copyFrom("copy nothing from stdin", Stream.never))).toMatchObject({ code: "42P01" })
          expect(yield* postgres.copyFrom("copy f from stdin", Stream.empty)).toEqual(["COPY 0"])
          expect(yield* one(postgres, "select count(*) from f")).toBe("0")
          expect(yield* process(postgres)).toBe(backend)
        })
      ))

    it("in, and nobody waits any more", () =>
      using((postgres) =>
        Effect.gen(function*() {
          const backend = yield* process(postgres)
          yield* postgres.execute("create temp table f (id int)")
          const began = yield* Deferred.make<void>()
          const source = Stream.concat(Stream.make(bytes("1\n")), Stream.drain(Stream.fromEffect(Deferred.succeed(began, undefined))))
          const copying = yield* Effect.forkScoped(postgres.copyFrom("copy f from stdin", Stream.concat(source, Stream.never)))
          yield* Deferred.await(began)
          yield* Fiber.interrupt(copying)
          expect(yield* one(postgres, "select count(*) from f")).toBe("0")
          expect(yield* process(postgres)).toBe(backend)
        })
      ))

    it("in, and the server waits for a lock and reads no more", () =>
      using((postgres) =>
        Effect.gen(function*() {
          yield* postgres.execute("drop table if exists l; create table l (id int primary key, t text)")
          const other = yield* Postgres.make(options())
          yield* other.transaction((statements) =>
            Effect.gen(function*() {
              yield* statements.execute("insert into l values (1)")
              const lines = Stream.map(Stream.iterate(1, (n) => n + 1), (n) => bytes(`${n}\t${"x".repeat(10_000)}\n`))
              const copying = yield* Effect.forkScoped(postgres.copyFrom("copy l from stdin", lines))
              const [connection] = postgres.client.connections
              while (connection!.waiting === 0) yield* Effect.sleep(1)
              yield* until(statements, "select exists (select from pg_locks where not granted)")
              yield* Fiber.interrupt(copying)
            })
          )
          expect(yield* one(postgres, "select count(*) from l")).toBe("1")
          expect((yield* postgres.client.counters).reconnects).toBe(0)
        })
      ))
  })

  it("notices", () =>
    using((postgres) =>
      Effect.gen(function*() {
        const first = yield* Effect.forkScoped(Stream.runHead(postgres.notices), { startImmediately: true })
        yield* postgres.execute("drop table if exists nothing")
        expect(yield* Fiber.join(first)).toMatchObject({
          value: { severity: "NOTICE", code: "00000", message: "table \"nothing\" does not exist, skipping" }
        })
      })
    ))

  it("notifications, also after their connection was lost", () =>
    using((postgres) =>
      Effect.gen(function*() {
        const listener = yield* Postgres.make(options({ first: "listen \"a b\"; select 'first'" }))
        const got: Array<string> = []
        const notified = Stream.runForEach(
          listener.notifications,
          ({ channel, payload }) => Effect.sync(() => got.push(`${channel}: ${payload}`))
        )
        yield* Effect.forkScoped(notified, { startImmediately: true })
        const notify = (payload: string) => all(postgres, "select pg_notify('a b', $1)", [payload])
        for (let i = 0; i < 1_000; i++) yield* notify(String(i))
        while (got.length < 1_000) yield* Effect.sleep(1)
        expect(got).toEqual(Array.from({ length: 1_000 }, (_, i) => `a b: ${i}`))
        const backend = yield* process(listener)
        yield* until(postgres, `select pg_terminate_backend(${backend})`)
        while ((yield* listener.client.counters).reconnects === 0) yield* Effect.sleep(1)
        yield* notify("again")
        while (got.length < 1_001) yield* Effect.sleep(1)
        expect(got.at(-1)).toBe("a b: again")
      })
    ))

  describe("nobody waits any more", () => {
    const sleeping = (seconds: number) =>
      `exists (select from pg_stat_activity where query = 'select pg_sleep(${seconds})' and state = 'active')`

    it("a statement is cancelled, and its connection goes on", () =>
      using((postgres) =>
        Effect.gen(function*() {
          const watcher = yield* Postgres.make(options())
          const backend = yield* process(postgres)
          for (const parameters of [undefined, []]) {
            const query = yield* Effect.forkScoped(all(postgres, "select pg_sleep(61)", parameters))
            yield* until(watcher, `select ${sleeping(61)}`)
            yield* Fiber.interrupt(query)
            expect(yield* one(watcher, `select ${sleeping(61)}`)).toBe("f")
            expect(yield* process(postgres)).toBe(backend)
          }
          expect((yield* postgres.client.counters).reconnects).toBe(0)
        })
      ))

    it("of rows that are left, few come", () =>
      using((postgres) =>
        Effect.gen(function*() {
          const backend = yield* process(postgres)
          const many = "select n, repeat('x', 1000) from generate_series(1, 1000000) n"
          for (const parameters of [undefined, []]) {
            const rows = yield* Stream.runCollect(Stream.take(postgres.query(many, parameters), 3))
            expect(rows.map(({ values }) => values[0])).toEqual(["1", "2", "3"])
          }
          expect(yield* process(postgres)).toBe(backend)
          expect(postgres.client.connections[0]!.bytesReceived).toBeLessThan(50_000_000)
        })
      ))

    it("a deadline", () =>
      using((postgres) =>
        Effect.gen(function*() {
          const backend = yield* process(postgres)
          const late = yield* Effect.flip(all(postgres, "select pg_sleep(62)"))
          expect(late).toMatchObject({ _tag: "ConnectionError", reason: { _tag: "RequestTimeout" } })
          expect(yield* one(postgres, `select ${sleeping(62)}`)).toBe("f")
          expect(yield* process(postgres)).toBe(backend)
        }), { requestTimeout: "1 second" }))

    it("waits for a connection as long as a statement may take", () =>
      using((postgres) =>
        Effect.gen(function*() {
          const held = yield* Effect.forkScoped(postgres.transaction(() => Effect.never), { startImmediately: true })
          expect(yield* Effect.flip(process(postgres))).toMatchObject({
            _tag: "ConnectionError",
            reason: { _tag: "LimitExceeded", max: 1 }
          })
          yield* Fiber.interrupt(held)
          expect(yield* process(postgres)).toMatch(/^\d+$/)
        }), { requestTimeout: "1 second" }))
  })

  it.each(["plain", "scram"])("cut at every byte, %s: each statement has its rows or a typed error", async (user) => {
    const converse = (dial: ReturnType<typeof cutAfter>) =>
      run(
        Effect.scoped(Effect.gen(function*() {
          const given = { ...as(user), dial, whenDisconnected: "fail" as const, reconnect: { maxAttempts: 0 } }
          const postgres = yield* Postgres.make(options(given))
          const rows = yield* Effect.result(all(postgres, "select 1, null; select 'two'"))
          const withParameters = yield* Effect.result(all(postgres, "select $1::text", ["x"]))
          return [rows, withParameters, yield* Effect.result(all(postgres, "selekt"))]
        })).pipe(Effect.result),
        "10 seconds"
      )
    const counts = { received: 0 }
    const right = Result.getOrThrow(await converse(cutAfter(Infinity, counts)))
    expect(right.slice(0, 2)).toEqual([Result.succeed([["1", null], ["two"]]), Result.succeed([["x"]])])
    expect(right[2]).toMatchObject({ failure: { code: "42601" } })
    console.info(`${user}: cut at each of ${counts.received} bytes`)
    const ends = { failed: 0, partly: 0 }
    const cut = async (size: number): Promise<void> => {
      const got = await converse(cutAfter(size))
      if (Result.isFailure(got)) {
        expect(got.failure, `cut at ${size}`).toBeInstanceOf(ConnectionError)
        ends.failed++
        return
      }
      ends.partly++
      for (const [i, each] of got.success.entries()) {
        if (Result.isFailure(each) && each.failure instanceof ConnectionError) continue
        expect(each, `cut at ${size}`).toEqual(right[i])
      }
    }
    const sizes = Array.from({ length: counts.received - 1 }, (_, i) => i + 1)
    while (sizes.length > 0) await Promise.all(sizes.splice(0, 25).map(cut))
    console.info(ends)
    expect(ends.failed).toBeGreaterThan(100)
    expect(ends.partly).toBeGreaterThan(100)
  }, 240_000)

  it(
    "a server that goes and comes back: statements wait for it, what ran fails, notifications go on",
    () =>
      using((postgres) =>
        Effect.gen(function*() {
          const got: Array<string> = []
          const notified = Stream.runForEach(postgres.notifications, ({ payload }) => Effect.sync(() => got.push(payload)))
          yield* Effect.forkScoped(notified, { startImmediately: true })
          const query = yield* Effect.forkScoped(Effect.flip(all(postgres, "select pg_sleep(63)")))
          yield* until(postgres, "select exists (select from pg_stat_activity where query like '%sleep(63)' and state = 'active')")
          yield* Effect.promise(server.down)
          // the server says why, or is gone
          expect(yield* Fiber.join(query)).toMatchObject({ _tag: expect.stringMatching(/^(PostgresError|ConnectionError)$/) })
          const waits = yield* Effect.forkScoped(one(postgres, "select 'back'"), { startImmediately: true })
          yield* Effect.promise(server.up)
          expect(yield* Fiber.join(waits)).toBe("back")
          while ((yield* postgres.client.counters).connected < 2) yield* Effect.sleep(1)
          yield* all(postgres, "select pg_notify('news', 'again')")
          while (got.length < 2) yield* Effect.sleep(1)
          // both connections listen
          expect(got).toEqual(["again", "again"])
          expect((yield* postgres.client.counters).reconnects).toBe(2)
        }), { connections: 2, first: "listen news" })
  )
})
