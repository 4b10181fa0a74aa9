/**
 * The database of the sharing processes: documents as rows, checkpoints, and a list of what was done, in its order. What a row or a checkpoint belongs
 * to is decided where the epoch of a slice is: a batch of an owner who was taken over from changes nothing.
 */
import { CheckpointError, type CheckpointStoreShape, overTexts, type TextStore } from "@wirewright/dcp"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { groupName } from "../../../packages/dcp/src/GroupName.ts"

/** Slices of the group. */
export const slices = 64
/** The group, and what the store calls it. */
export const group = "shared"
const stored = `default/${group}`

/** What the tables are made by. */
export const schema = `
create table checkpoints (name text primary key, text text not null, version bigint not null);
create table documents (key text primary key, value text, vbucket int not null, seqno bigint not null, owner text not null, epoch int not null);
create table deeds (id bigserial primary key, what text not null, name text not null, epoch int not null, owner text not null,
  changes int not null, at timestamptz not null default clock_timestamp());
`

/** A change as a row. */
export interface Row {
  readonly key: string
  /** Nothing when the document is gone. */
  readonly value: string | null
  readonly vbucket: number
  readonly seqno: string
}

// installed on demand, so that nothing is known of its types
const driver = "@effect/sql-pg/PgClient"

/** PostgreSQL by a URL. */
export const postgresLayer = (url: string, maxConnections: number, applicationName: string): Layer.Layer<SqlClient> =>
  Layer.unwrap(Effect.promise(async () => {
    const { layer } = await import(driver) as {
      readonly layer: (
        config: { readonly url: Redacted.Redacted; readonly maxConnections: number; readonly applicationName: string }
      ) => Layer.Layer<SqlClient, SqlError>
    }
    return Layer.orDie(layer({ url: Redacted.make(url), maxConnections, applicationName }))
  }))

const epochOf = (text: string): number => (JSON.parse(text) as { readonly epoch: number }).epoch

const unavailable = (cause: SqlError): CheckpointError => new CheckpointError({ reason: "Unavailable", message: cause.message, cause })

/** Checkpoints in the table; each that is written is a deed. */
export const checkpointStore = (sql: SqlClient, owner: string): CheckpointStoreShape => {
  const texts: TextStore = {
    place: (name) => name,
    get: (name) =>
      sql.unsafe<{ readonly text: string; readonly version: string | bigint }>("select text, version from checkpoints where name = $1", [
        name
      ]).pipe(
        Effect.map(([found]) => found === undefined ? undefined : { text: found.text, version: BigInt(found.version) }),
        Effect.mapError(unavailable)
      ),
    put: (name, text, version) => {
      const write = version === undefined
        ? "insert into checkpoints (name, text, version) values ($1, $2, $3::bigint) on conflict do nothing returning name"
        : "update checkpoints set text = $2, version = $3::bigint where name = $1 and version = $3::bigint - 1 returning name"
      const next = (version ?? 0n) + 1n
      return sql.unsafe(
        `with put as (${write}) insert into deeds (what, name, epoch, owner, changes) select $4, name, $5::int, $6, 0 from put returning id`,
        [name, text, String(next), name.endsWith("/owner") ? "open" : "save", epochOf(text), owner]
      ).pipe(
        Effect.mapError(unavailable),
        Effect.flatMap((rows) =>
          rows.length === 1
            ? Effect.succeed(next)
            : Effect.fail(new CheckpointError({ reason: "Fenced", message: `another process has written ${name}` }))
        )
      )
    }
  }
  return overTexts(texts)
}

/** Where the epoch of a slice is. */
export const ownerOf = (slice: number): string => `${groupName(`${stored}/${slices}/${slice}`)}/owner`

/** The owner's row is locked until the statement has ended: whoever takes over waits for it, and it for whoever takes over. */
const fence = "fence as (select name from checkpoints where name = $1 and ($5 or (text::json->>'epoch')::int = $2::int) for share)"

const fenced = (slice: number) => (rows: ReadonlyArray<unknown>): Effect.Effect<void, CheckpointError> =>
  rows.length > 0 ? Effect.void : Effect.fail(new CheckpointError({ reason: "Fenced", message: `slice ${slice} has another owner` }))

/**
 * Writes what changed, in one statement.
 *
 * @param unfenced the mistake that the test has to find out: the epoch is not looked at
 */
export const write = (
  sql: SqlClient,
  owner: { readonly name: string; readonly slice: number; readonly epoch: number; readonly unfenced: boolean },
  rows: ReadonlyArray<Row>
): Effect.Effect<void, SqlError | CheckpointError> =>
  Effect.flatMap(
    sql.unsafe(
      `with ${fence},
      changes as (select x.* from fence, json_to_recordset($4::json) as x(key text, value text, vbucket int, seqno bigint)),
      written as (
        insert into documents as d (key, value, vbucket, seqno, owner, epoch)
        select distinct on (key) key, value, vbucket, seqno, $3, $2::int from changes order by key, seqno desc
        on conflict (key) do update set value = excluded.value, seqno = excluded.seqno, owner = excluded.owner, epoch = excluded.epoch
        where d.seqno < excluded.seqno
      )
      insert into deeds (what, name, epoch, owner, changes)
      select 'batch', fence.name, $2::int, $3, (select count(*) from changes) from fence returning id`,
      [ownerOf(owner.slice), owner.epoch, owner.name, JSON.stringify(rows), owner.unfenced]
    ),
    fenced(owner.slice)
  )

/** Takes back what came after a seqno. */
export const undo = (
  sql: SqlClient,
  owner: { readonly name: string; readonly slice: number; readonly epoch: number; readonly unfenced: boolean },
  vbucket: number,
  to: bigint
): Effect.Effect<void, SqlError | CheckpointError> =>
  Effect.flatMap(
    sql.unsafe(
      `with ${fence},
      gone as (delete from documents using fence where vbucket = $3::int and seqno > $4::bigint)
      insert into deeds (what, name, epoch, owner, changes) select 'undo', fence.name, $2::int, $6, 0 from fence returning id`,
      [ownerOf(owner.slice), owner.epoch, vbucket, String(to), owner.unfenced, owner.name]
    ),
    fenced(owner.slice)
  )

/** Slices by the names that deeds have. */
export const sliceOf: ReadonlyMap<string, number> = new Map(Array.from({ length: slices }, (_, slice) => [ownerOf(slice), slice] as const))
