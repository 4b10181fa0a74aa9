/** PostgreSQL's protocol 3: Debian's server with psql, pgbench, pg_recvlogical, npm's `pg`, and messages written for the recording. */
import { spawn } from "node:child_process"
import { appendFileSync, chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort } from "../Memcached.ts"
import { library, printed, recordAll, type Recording, run, type Server, sessions, startServer, using, versionOf } from "./Recording.ts"
import { converse, openSession, type Sent, type Session } from "./Session.ts"
import { openTap, type Tap } from "./Tap.ts"

const programs = (): string => {
  const versions = readdirSync("/usr/lib/postgresql").sort((a, b) => Number(b) - Number(a))
  return `/usr/lib/postgresql/${versions[0]}/bin`
}

/** The version of the newest installed PostgreSQL. */
export const postgresVersion = (): string => `PostgreSQL ${versionOf(join(programs(), "postgres"), "--version")}`

/** PostgreSQL refuses to run as root: the user that Debian's package made. */
const owner = (): number | undefined => process.getuid?.() === 0 ? Number(printed("id", "-u", "postgres")) : undefined

const users = [
  "create role trusted superuser login",
  "create role rejected login",
  "create role plain login password 'secret'",
  "create role scram login password 'secret'",
  "set password_encryption to 'md5'",
  "create role md5 login password 'secret'"
]

const rules = [
  "host all scram 127.0.0.1/32 scram-sha-256",
  "host all md5 127.0.0.1/32 md5",
  "host all plain 127.0.0.1/32 password",
  "host all rejected 127.0.0.1/32 reject",
  "host all,replication trusted,postgres 127.0.0.1/32 trust"
]

const settings = (port: number): string =>
  [
    `port = ${port}`,
    "listen_addresses = '127.0.0.1'",
    "unix_socket_directories = ''",
    "fsync = off",
    "wal_level = logical",
    "max_wal_senders = 2",
    "timezone = 'UTC'",
    "log_timezone = 'UTC'"
  ].map((line) => `${line}\n`).join("")

/** PostgreSQL listens before it takes connections ("the database system is starting up"): what it said last, or nothing when it takes them. */
const accepting = async (port: number): Promise<string> => {
  let said = ""
  for (let attempt = 0; attempt < 300; attempt++) {
    const { code, output } = await run(join(programs(), "pg_isready"), ["-h", "127.0.0.1", "-p", String(port), "-t", "5"])
    if (code === 0) return ""
    said = output
    await sleep(100)
  }
  return said
}

/** A server that can go, and come back with what it holds. */
export interface Cluster extends Server {
  readonly down: () => Promise<void>
  readonly up: () => Promise<void>
}

/** A fresh cluster, with the users `trusted` (a superuser), `scram`, `md5` and `plain`; their password is `secret`. */
export const startPostgres = async (): Promise<Cluster> => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-postgres-"))
  const uid = owner()
  if (uid !== undefined) chownSync(folder, uid, -1)
  const data = join(folder, "data")
  try {
    const args = ["-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--no-locale"]
    const { code, output } = await run(join(programs(), "initdb"), args, { uid })
    if (code !== 0) throw new Error(`initdb: ${output}`)
    const port = await freePort()
    appendFileSync(join(data, "postgresql.conf"), settings(port))
    writeFileSync(join(data, "pg_hba.conf"), rules.map((line) => `${line}\n`).join(""))
    const start = async (): Promise<Server> => {
      const started = await startServer(join(programs(), "postgres"), ["-D", data], port, { uid, signal: "SIGINT" })
      const answers = await accepting(port)
      if (answers === "") return started
      await started.stop()
      throw new Error(`postgres does not take connections: ${answers}`)
    }
    let server = await start()
    const made = await psql(port, users.map((line) => `${line};\n`).join(""), { PGUSER: "postgres" })
    const stop = async (): Promise<void> => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    }
    if (made.code !== 0) {
      await stop()
      throw new Error(`psql: ${made.output}`)
    }
    const up = async (): Promise<void> => {
      server = await start()
    }
    return { port, stop, down: () => server.stop(), up }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

const environment = (port: number, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PGHOST: "127.0.0.1",
  PGPORT: String(port),
  PGUSER: "trusted",
  PGDATABASE: "postgres",
  PGSSLMODE: "disable",
  PGGSSENCMODE: "disable",
  PGCONNECT_TIMEOUT: "10",
  ...more
})

const psql = (port: number, input: string, more: NodeJS.ProcessEnv = {}, args: ReadonlyArray<string> = []) =>
  run(join(programs(), "psql"), ["-X", "-q", "-v", "ON_ERROR_STOP=0", ...args], { input, env: environment(port, more) })

const byPsql: Readonly<Record<string, readonly [script: string, environment?: NodeJS.ProcessEnv]>> = {
  "simple query": [`select 1 as one, null as nothing, 'zwei' as two;
    select n, n::text || 'x' from generate_series(1, 40) n;
    select 1 \\; select 2 \\; select 3;
    ;
    begin; select 1/0; select 2; rollback;
    show server_version;
    selekt;\n`],
  "copy in and out": [`create temp table c (id int, t text);
    \\copy c from stdin
1\tone
2\t\\N
3\tback\\\\slash\\ttab
\\.
    \\copy c to stdout
    copy c to stdout (format csv, header, force_quote *);
    copy c (t) from stdin (format csv);
"quoted, with comma"
\\.
    copy no_such_table from stdin;
    copy c to stdout (format binary);\n`],
  "notices and notifications": ["listen a; notify a, 'payload'; select 1; drop table if exists nothing; unlisten a;\n"],
  "describe": ["\\d pg_class\n\\dt pg_catalog.pg_t*\n\\gdesc\nselect 1 as a, 'b'::text as b \\gdesc\n"],
  "fetch": ["\\set FETCH_COUNT 7\nselect n from generate_series(1, 20) n;\n"],
  "large objects": [
    "\\lo_import /dev/null\nselect lo_put(:LASTOID, 0, repeat('lo', 50)::bytea);\n\\lo_export :LASTOID /dev/null\n\\lo_unlink :LASTOID\n"
  ],
  "sslmode prefer": ["select 1;\n", { PGSSLMODE: "prefer" }],
  "sslmode require": ["select 1;\n", { PGSSLMODE: "require" }],
  "password, SCRAM-SHA-256": ["select 1;\n", { PGUSER: "scram", PGPASSWORD: "secret" }],
  "password, MD5": ["select 1;\n", { PGUSER: "md5", PGPASSWORD: "secret" }],
  "password, clear text": ["select 1;\n", { PGUSER: "plain", PGPASSWORD: "secret" }]
}

/** libpq's pipeline mode, and prepared statements. */
const bench = async (port: number): Promise<void> => {
  const script = "\\startpipeline\nselect :n::int;\nselect :n::int + 1;\nselect 'end';\n\\endpipeline\n"
  const folder = mkdtempSync(join(tmpdir(), "wirewright-pgbench-"))
  try {
    const file = join(folder, "script.sql")
    writeFileSync(file, script)
    const args = ["-n", "-M", "prepared", "-t", "3", "-D", "n=5", "-f", file]
    const { code, output } = await run(join(programs(), "pgbench"), args, { env: environment(port) })
    if (code !== 0) throw new Error(`pgbench: ${output}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** COPY in both directions: changes as the server streams them, until a position has been reached. */
const receive = async (server: number, port: number): Promise<void> => {
  const program = join(programs(), "pg_recvlogical")
  const slot = ["--slot", "gallery", "--dbname", "postgres"]
  const env = environment(port)
  const made = await run(program, [...slot, "--create-slot", "--plugin", "test_decoding"], { env })
  if (made.code !== 0) throw new Error(`pg_recvlogical: ${made.output}`)
  const changes =
    "create table r (id int primary key, t text); insert into r values (1, 'one'), (2, repeat('x', 5000)); update r set t = 'y';"
  await psql(server, `${changes} delete from r; drop table r;`)
  const { output } = await psql(server, "select pg_current_wal_flush_lsn()", {}, ["-A", "-t"])
  const child = spawn(program, [...slot, "--start", "-f", "-", "--endpos", output.trim(), "--status-interval", "1", "--no-loop"], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "ignore"],
    timeout: 15_000
  })
  await new Promise((resolve) => child.once("close", resolve))
  await run(program, [...slot, "--drop-slot"], { env })
}

const int16 = (value: number): Buffer => Buffer.from([value >> 8 & 255, value & 255])
const int32 = (value: number): Buffer => Buffer.from([value >> 24 & 255, value >> 16 & 255, value >> 8 & 255, value & 255])
const bytes = (parts: ReadonlyArray<Sent>): Buffer =>
  Buffer.concat(parts.map((part) => typeof part === "string" ? Buffer.from(part, "latin1") : part))

/** A message without a type, as the first one of a connection is. */
const untyped = (...parts: ReadonlyArray<Sent>): Buffer => Buffer.concat([int32(4 + bytes(parts).length), bytes(parts)])

/** A message with its type. */
const message = (type: string, ...parts: ReadonlyArray<Sent>): Buffer => Buffer.concat([Buffer.from(type), untyped(...parts)])

const startup = (minor: number, ...options: ReadonlyArray<string>): Buffer =>
  untyped(int16(3), int16(minor), ...["user", "trusted", "database", "postgres", ...options].map((word) => `${word}\0`), "\0")

const sync = message("S")
const terminate = message("X")

/** One raw connection after its start-up. */
export const openPostgres = async (port: number): Promise<Session> => {
  const session = await openSession(port)
  session.send(startup(0))
  await session.read((answer) => answer.subarray(-6).equals(Buffer.from([0x5a, 0, 0, 0, 5, 0x49])))
  return session
}

const raw: Readonly<Record<string, ReadonlyArray<Buffer>>> = {
  "negotiates the protocol's version": [startup(99, "_pq_.first", "1", "_pq_.second", "2"), terminate],
  "unsupported major version": [untyped(int16(4), int16(0), "user\0trusted\0\0")],
  "SSLRequest, refused": [untyped(int32(80877103)), startup(0), terminate],
  "GSSENCRequest, accepted": [untyped(int32(80877104))],
  "function call": [
    startup(0),
    // int4pl(40, 2) with binary arguments and a binary result, the same as text, with NULL, an unknown function
    message("F", int32(177), int16(1), int16(1), int16(2), int32(4), int32(40), int32(4), int32(2), int16(1)),
    message("F", int32(177), int16(0), int16(2), int32(2), "40", int32(1), "2", int16(0)),
    message("F", int32(177), int16(2), int16(0), int16(1), int16(2), int32(-1), int32(4), int32(2), int16(1)),
    message("F", int32(1), int16(0), int16(0), int16(0)),
    terminate
  ],
  "extended query, message by message": [
    startup(0),
    bytes([
      message("P", "named\0", "select $1::int, $2::text, $3\0", int16(2), int32(23), int32(0)),
      message("D", "Snamed\0"),
      message("H")
    ]),
    bytes([
      message(
        "B",
        "portal\0",
        "named\0",
        int16(3),
        int16(1),
        int16(0),
        int16(1),
        int16(3),
        int32(4),
        int32(7),
        int32(-1),
        int32(3),
        "end",
        int16(1),
        int16(1)
      ),
      message("D", "Pportal\0"),
      message("E", "portal\0", int32(0)),
      message("C", "Pportal\0"),
      message("C", "Snamed\0"),
      message("C", "Sno such statement\0"),
      sync
    ]),
    bytes([
      message("P", "\0", "select generate_series(1, 5)\0", int16(0)),
      message("B", "\0\0", int16(0), int16(0), int16(0)),
      message("H")
    ]),
    bytes([message("E", "\0", int32(2)), message("E", "\0", int32(2)), message("E", "\0", int32(2)), sync]),
    bytes([message("P", "\0", "set work_mem to '4MB'\0", int16(0)), message("D", "S\0"), sync]),
    bytes([message("P", "\0\0", int16(0)), message("B", "\0\0", int16(0), int16(0), int16(0)), message("E", "\0", int32(0)), sync]),
    bytes([message("P", "\0", "selekt\0", int16(0)), message("D", "S\0"), message("E", "\0", int32(0)), sync]),
    terminate
  ],
  "copy, message by message": [
    startup(0),
    message("Q", "create temp table c (id int, t text)\0"),
    message("Q", "copy c from stdin (format binary)\0"),
    message("f", "changed my mind\0"),
    message("Q", "copy c from stdin\0"),
    bytes([message("d", "1\ton"), message("d", "e\n2\t\\N\n"), message("c")]),
    message("Q", "copy c to stdout\0"),
    terminate
  ],
  "protocol violations": [
    startup(0),
    bytes([message("B", "\0\0", int16(9), int16(0), int16(0)), sync]),
    bytes([message("D", "?\0"), sync]),
    message("Q", "select 1"),
    message("y", "unknown type")
  ],
  "physical replication": [
    startup(0, "replication", "true"),
    message("Q", "IDENTIFY_SYSTEM\0"),
    message("Q", "SHOW wal_level\0"),
    terminate
  ]
}

const cancelled = async (port: number): Promise<void> => {
  const session = await openSession(port)
  session.send(startup(0))
  const greeting = await session.answer()
  const key = greeting.indexOf(Buffer.from([0x4b, 0, 0, 0, 12])) + 5
  session.send(message("Q", "select pg_sleep(60)\0"))
  const other = await openSession(port)
  other.send(untyped(int32(80877102), greeting.subarray(key, key + 8)))
  await other.end()
  await session.answer()
  session.send(terminate)
  await session.end()
}

const recordOn = async (server: Server, tap: Tap): Promise<Recording> => {
  for (const [name, [script, more]] of Object.entries(byPsql)) {
    await tap.record(`psql ${name}`, async (port) => {
      await psql(port, script, more)
    })
  }
  await tap.record("pgbench pipeline", bench)
  await tap.record("pg_recvlogical", (port) => receive(server.port, port))
  await recordAll(tap, "pg", await sessions("pg.mjs"))
  for (const [name, parts] of Object.entries(raw)) await tap.record(`raw ${name}`, converse(...parts))
  await tap.record("raw cancel request", cancelled)
  const programsOfServer = ["psql", "pgbench", "pg_recvlogical"].map((name) => `${name} ${versionOf(join(programs(), name), "--version")}`)
  return {
    origin: {
      server: postgresVersion(),
      clients: [...programsOfServer, library("pg"), library("pg-cursor"), library("pg-copy-streams"), "raw"],
      recorded:
        "loopback tap, clear text; authentication by Kerberos, GSSAPI, SSPI, SCM credentials and SCRAM with channel binding could not be had"
    },
    conversations: tap.conversations()
  }
}

/** Records them afresh. */
export const record = (): Promise<Recording> =>
  using(
    startPostgres(),
    (server) => server.stop(),
    (server) => using(openTap(server.port), (tap) => tap.close(), (tap) => recordOn(server, tap))
  )
