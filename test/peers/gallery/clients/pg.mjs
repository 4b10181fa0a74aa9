/** What npm's `pg`, `pg-cursor` and `pg-copy-streams` do: queries of both kinds, portals, COPY, notifications, cancelling, passwords. */
import { createRequire } from "node:module"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"

const require = createRequire(import.meta.url)
const { Client } = require("pg")
const Cursor = require("pg-cursor")
const copy = require("pg-copy-streams")

const open = async (port, more = {}) => {
  const client = new Client({
    host: "127.0.0.1",
    port,
    user: "trusted",
    database: "postgres",
    ssl: false,
    application_name: "gallery",
    ...more
  })
  client.on("error", () => {})
  await client.connect()
  return client
}

const refused = (promise) => promise.then(() => {}, () => {})

const one = (use, more) => async (port) => {
  const client = await open(port, more)
  await use(client)
  await client.end()
}

/** With pg 8.23.1's own parsers of binary values this query sometimes never ends, and gives wrong values: they are left out. */
const asTheyAre = { getTypeParser: () => (value) => value }

const everyType =
  `select true as b, 1::int2 as i2, 2::int4 as i4, 3::int8 as i8, 1.5::float4 as f4, 'Infinity'::float8 as f8, 12.340::numeric as n,
  'text'::text as t, 'v'::varchar(10) as v, 'c'::char(3) as c, '\\x00ff'::bytea as y, '2020-02-29'::date as d, '12:34:56.789'::time as tm,
  '2020-02-29 12:00:00+00'::timestamptz as ts, '1 day 02:03'::interval as iv, '00000000-0000-0000-0000-00000000002a'::uuid as u,
  '{"a":[1,null]}'::jsonb as j, array[1,null,3] as a, '[1,5)'::int4range as r, '127.0.0.1'::inet as ip, null::int4 as nothing, '' as empty`

export const sessions = {
  "simple query": one(async (client) => {
    await client.query("select 1 as one")
    await client.query("select 1; select 2, 'two'; select where false")
    await client.query("")
    await client.query("create temp table t (id int primary key, name text); insert into t values (1, 'one'), (2, null), (3, '✓ ünïcode')")
    await client.query("select * from t order by id")
    await client.query("update t set name = 'x' where id > 1")
    await client.query("delete from t where id = 1")
    await client.query("begin; savepoint s; rollback to s; commit")
  }),
  "every type, text": one((client) => client.query(everyType)),
  "every type, binary": one((client) =>
    client.query({ text: everyType.replace("null::int4", "$1::int4"), values: [null], binary: true, types: asTheyAre })
  ),
  "extended query": one(async (client) => {
    await client.query("select $1::int + $2::int as sum, $3::text as t", [1, 2, null])
    await client.query("select $1::bytea as y", [Buffer.from([0, 1, 255])])
    await client.query({ text: "select generate_series(1, $1::int) as n", values: [10], rowMode: "array" })
    await client.query({ text: "set datestyle to 'ISO, MDY'", queryMode: "extended" })
    await client.query({ text: "", queryMode: "extended" })
  }),
  "prepared statement": one(async (client) => {
    for (const id of [1, 2, 3]) {
      await client.query({ name: "by id", text: "select $1::int as id, repeat('x', $1::int) as xs", values: [id] })
    }
    await refused(client.query({ name: "broken", text: "select no_such_column", values: [] }))
    await client.query("deallocate all")
  }),
  "cursor": one(async (client) => {
    const cursor = client.query(new Cursor("select n, n * 2 as twice from generate_series(1, $1::int) n", [25]))
    while ((await cursor.read(10)).length > 0);
    await cursor.close()
    const early = client.query(new Cursor("select n from generate_series(1, 1000) n"))
    await early.read(2)
    await early.close()
  }),
  "errors": one(async (client) => {
    await refused(client.query("selekt 1"))
    await refused(client.query("select 1/0"))
    await refused(client.query("select * from no_such_table"))
    await refused(client.query("select $1::int", ["no number"]))
    await client.query("create temp table u (id int primary key, n int not null check (n > 0))")
    await client.query("insert into u values (1, 1)")
    await refused(client.query("insert into u values (1, 1)"))
    await refused(client.query("insert into u values (2, null)"))
    await refused(client.query("insert into u values (2, -1)"))
    await refused(client.query(
      "do $$ begin raise exception 'mine' using detail = 'a detail', hint = 'a hint', errcode = 'WW001', "
        + "schema = 's', table = 't', column = 'c', datatype = 'd', constraint = 'k'; end $$"
    ))
    await client.query("begin")
    await refused(client.query("select 1/0"))
    await refused(client.query("select 1"))
    await client.query("rollback")
  }),
  "notices": one(async (client) => {
    await client.query("drop table if exists no_such_table")
    await client.query("do $$ begin raise notice 'noted %', 1; raise warning 'warned'; raise info 'informed'; end $$")
    await client.query("set client_min_messages to debug1; do $$ begin raise debug 'debugged'; raise log 'logged'; end $$")
  }),
  "parameter status": one(async (client) => {
    await client.query("set timezone to 'Asia/Tokyo'")
    await client.query("set application_name to 'changed'; set client_encoding to 'LATIN1'")
    await client.query("select 'ü'")
  }),
  "listen and notify": one(async (client) => {
    await client.query("listen news")
    await client.query("notify news, 'to myself'; notify news")
    await client.query("select pg_notify('news', repeat('y', 500))")
    await client.query("unlisten *")
  }),
  "copy": one(async (client) => {
    await client.query("create temp table c (id int, name text)")
    const rows = Array.from({ length: 300 }, (_, i) => `${i}\tname ${i} \\N\n`).concat("300\t\\N\n")
    await pipeline(Readable.from(rows), client.query(copy.from("copy c from stdin")))
    let size = 0
    for await (const chunk of client.query(copy.to("copy c to stdout with (format csv, header)"))) size += chunk.length
    for await (const chunk of client.query(copy.to("copy (select id, name from c where id < 20) to stdout with (format binary)"))) {
      size += chunk.length
    }
    if (size < 4_000) throw new Error("copied too little")
    await refused(pipeline(Readable.from(["no number\tx\n"]), client.query(copy.from("copy c from stdin"))))
    const failing = client.query(copy.from("copy c from stdin"))
    const failed = new Promise((resolve) => failing.once("error", resolve))
    failing.write("301\tone\n")
    failing.destroy(new Error("given up"))
    await failed
  }),
  "large values": one(async (client) => {
    await client.query("select $1::text as t", ["abcdefghij".repeat(1_000)])
    await client.query("select repeat('z', 12000) as z")
  }),
  "cancel request": async (port) => {
    const client = await open(port)
    const slow = client.query("select pg_sleep(60)")
    await new Promise((resolve) => setTimeout(resolve, 100))
    const canceller = new Client({ host: "127.0.0.1", port })
    canceller.connection.on("error", () => {})
    canceller.cancel(client, client.activeQuery ?? client._activeQuery)
    await refused(slow)
    await client.end()
  },
  "terminated by the administrator": async (port) => {
    const client = await open(port)
    const { rows } = await client.query("select pg_backend_pid() as pid")
    const other = await open(port)
    await other.query("select pg_terminate_backend($1)", [rows[0].pid])
    await other.end()
    await refused(client.end())
  },
  "password, SCRAM-SHA-256": one((client) => client.query("select 1"), { user: "scram", password: "secret" }),
  "password, MD5": one((client) => client.query("select 1"), { user: "md5", password: "secret" }),
  "password, clear text": one((client) => client.query("select 1"), { user: "plain", password: "secret" }),
  "wrong password, SCRAM-SHA-256": (port) => refused(open(port, { user: "scram", password: "wrong" })),
  "wrong password, MD5": (port) => refused(open(port, { user: "md5", password: "wrong" })),
  "wrong password, clear text": (port) => refused(open(port, { user: "plain", password: "wrong" })),
  "unknown database": (port) => refused(open(port, { database: "no such database" })),
  "rejected by pg_hba.conf": (port) => refused(open(port, { user: "rejected" })),
  "TLS refused": (port) => refused(open(port, { ssl: { rejectUnauthorized: false } })),
  "start-up options": one((client) => client.query("show work_mem"), {
    options: "-c work_mem=8MB -c geqo=off",
    client_encoding: "UTF8",
    statement_timeout: 5_000
  })
}
