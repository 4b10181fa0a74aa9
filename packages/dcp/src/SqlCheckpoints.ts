/**
 * Checkpoints in a table of SQLite or PostgreSQL, one row a vbucket. What an owner may write is decided in SQL: a row takes a checkpoint of the epoch
 * that it was taken over with, and of no other.
 *
 * Owners of different vbuckets of a group stand side by side. The row of vbucket −1 counts the owners of its group; whoever takes vbuckets over holds
 * it until that is done, so that there is one order of owners.
 *
 * `save` within a transaction of the same client becomes part of it.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { SqlClient } from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type { Checkpoint } from "./Checkpoint.ts"
import { type Checkpoints, checkpointsText, readCheckpoints } from "./CheckpointFormat.ts"
import { type CheckpointGroup, CheckpointStore, type CheckpointStoreShape } from "./CheckpointStore.ts"
import { CheckpointError } from "./DcpError.ts"
import { fenced, maxVbuckets } from "./Fencing.ts"
import { groupName } from "./GroupName.ts"

/** Where checkpoints are and who writes them. */
export interface SqlCheckpointsOptions {
  /** The table, which is made when it is missing. Default: `dcp_checkpoints`. */
  readonly table?: string
  /** Who takes groups over, for whoever looks at the table. Default: nobody's name. */
  readonly owner?: string
}

/** A group in a table. */
export interface SqlCheckpointGroup extends CheckpointGroup {
  /** The text that would be stored of a checkpoint. */
  readonly text: (vbucket: number, checkpoint: Checkpoint) => string
  /**
   * What is stored of some vbuckets, as text; fails with `Fenced` when one of them has another owner. `hold`: nobody else writes them before the
   * transaction ends, and what others were writing is done.
   */
  readonly stored: (vbuckets: ReadonlyArray<number>, hold: boolean) => Effect.Effect<ReadonlyMap<number, string>, CheckpointError>
}

/** A store in a table. */
export interface SqlCheckpointStore extends CheckpointStoreShape {
  readonly open: (group: string, vbuckets?: ReadonlyArray<number>) => Effect.Effect<SqlCheckpointGroup, CheckpointError>
}

/** The row that counts the owners of a group. */
const counter = -1

/** Takeovers that run into one another come to an end; `CREATE TABLE IF NOT EXISTS` of two clients at once may fail for one of them. */
const again = Schedule.exponential("20 millis").pipe(Schedule.jittered, Schedule.upTo({ times: 8 }))

/** What cannot be read or written now, or never. */
const unavailable = (table: string) => (error: SqlError): CheckpointError =>
  new CheckpointError({ reason: "Unavailable", message: `table ${table}: ${error.message}`, cause: error })

/** A store in a table of this client. */
export const sqlCheckpointStore = (
  client: SqlClient,
  { owner = "", table = "dcp_checkpoints" }: SqlCheckpointsOptions = {}
): SqlCheckpointStore => {
  const sql = client.withoutTransforms()
  const name = sql(table)
  let made = false
  const create = Effect.suspend(() => {
    if (made) return Effect.void
    return Effect.map(
      sql`CREATE TABLE IF NOT EXISTS ${name} (
        group_name TEXT NOT NULL,
        vbucket INTEGER NOT NULL,
        epoch BIGINT NOT NULL,
        owner TEXT,
        checkpoint TEXT,
        PRIMARY KEY (group_name, vbucket)
      )`,
      () => {
        made = true
      }
    )
  })

  /** In a transaction: the one that there is, or its own. */
  const whole = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
    Effect.flatMap(
      Effect.serviceOption(sql.transactionService),
      (present) => Option.isSome(present) ? effect : sql.withTransaction(effect)
    )

  const told = <A>(effect: Effect.Effect<A, SqlError | CheckpointError>): Effect.Effect<A, CheckpointError> =>
    Effect.catchTag(effect, "SqlError", (error) => Effect.fail(unavailable(table)(error)))

  /** Takes vbuckets over; returns the epoch. */
  const claim = (group: string, vbuckets: ReadonlyArray<number>) =>
    sql.withTransaction(Effect.gen(function*() {
      const [row] = yield* sql<{ epoch: string }>`
        INSERT INTO ${name} AS held ${sql.insert({ group_name: group, vbucket: counter, epoch: 1 })}
        ON CONFLICT (group_name, vbucket) DO UPDATE SET epoch = held.epoch + 1
        RETURNING CAST(epoch AS TEXT) AS epoch`
      const epoch = Number(row!.epoch)
      const rows = vbuckets.map((vbucket) => ({ group_name: group, vbucket, epoch, owner }))
      if (Arr.isArrayNonEmpty(rows)) {
        yield* sql`
        INSERT INTO ${name} ${sql.insert(rows)}
        ON CONFLICT (group_name, vbucket) DO UPDATE SET epoch = excluded.epoch, owner = excluded.owner`
      }
      return epoch
    }))

  const groupOf = (group: string, stem: string, epoch: number, vbuckets: ReadonlyArray<number>): SqlCheckpointGroup => {
    const mine = sql`group_name = ${stem} AND epoch = ${epoch} AND vbucket >= 0`
    const text = (vbucket: number, checkpoint: Checkpoint): string => checkpointsText(new Map([[vbucket, checkpoint]]), epoch)
    const read = (vbucket: number, stored: string): Effect.Effect<readonly [number, Checkpoint], CheckpointError> => {
      const place = `table ${table}: group ${group}, vbucket ${vbucket}`
      return Effect.flatMap(Effect.fromResult(readCheckpoints(stored, place)), ({ checkpoints }) => {
        const checkpoint = checkpoints.get(vbucket)
        if (checkpoint !== undefined && checkpoints.size === 1) return Effect.succeed([vbucket, checkpoint] as const)
        return Effect.fail(new CheckpointError({ reason: "Corrupt", message: `${place}: the text is of another vbucket` }))
      })
    }
    /** Fails unless so many rows are this owner's. */
    const all = (rows: ReadonlyArray<unknown>, expected: number) => rows.length < expected ? Effect.fail(fenced(group)) : Effect.void
    return {
      epoch,
      text,
      load: told(Effect.gen(function*() {
        const rows = yield* sql<{ vbucket: number; checkpoint: string | null }>`SELECT vbucket, checkpoint FROM ${name} WHERE ${mine}`
        yield* all(rows, vbuckets.length)
        const found = rows.flatMap(({ checkpoint, vbucket }) => checkpoint === null ? [] : [[Number(vbucket), checkpoint] as const])
        return new Map(yield* Effect.forEach(found, ([vbucket, stored]) => read(vbucket, stored))) as Checkpoints
      })),
      stored: (some, hold) =>
        told(Effect.gen(function*() {
          const lock = hold
            ? sql.onDialectOrElse({ sqlite: () => sql.literal(""), orElse: () => sql.literal("FOR UPDATE") })
            : sql.literal("")
          const rows = yield* sql<{ vbucket: number; checkpoint: string | null }>`
            SELECT vbucket, checkpoint FROM ${name} WHERE ${mine} AND ${sql.in("vbucket", some)} ${lock}`
          yield* all(rows, some.length)
          return new Map(rows.flatMap(({ checkpoint, vbucket }) => checkpoint === null ? [] : [[Number(vbucket), checkpoint] as const]))
        })),
      save: (checkpoints) => {
        // in the order of vbuckets, so that two owners do not wait for one another
        const rows = [...checkpoints].sort(([a], [b]) => a - b).map(([vbucket, checkpoint]) => ({
          group_name: stem,
          vbucket,
          epoch,
          owner,
          checkpoint: text(vbucket, checkpoint)
        }))
        if (!Arr.isArrayNonEmpty(rows)) return Effect.void
        return told(whole(Effect.flatMap(
          sql`
            INSERT INTO ${name} AS held ${sql.insert(rows)}
            ON CONFLICT (group_name, vbucket) DO UPDATE SET checkpoint = excluded.checkpoint WHERE held.epoch = excluded.epoch
            RETURNING vbucket`,
          (written) => all(written, rows.length)
        )))
      },
      clear: told(whole(Effect.flatMap(
        sql`UPDATE ${name} SET checkpoint = NULL WHERE ${mine} RETURNING vbucket`,
        (written) => all(written, vbuckets.length)
      )))
    }
  }

  return {
    fencing: "vbucket",
    open: (group, some = Array.from({ length: maxVbuckets }, (_, vbucket) => vbucket)) => {
      const stem = groupName(group)
      const vbuckets = [...new Set(some)].sort((a, b) => a - b)
      return Effect.mapError(
        Effect.map(
          Effect.retry(Effect.andThen(create, claim(stem, vbuckets)), {
            schedule: again,
            while: ({ reason }) => reason.isRetryable && reason._tag !== "ConnectionError" || reason._tag === "UniqueViolation"
          }),
          (epoch) => groupOf(group, stem, epoch, vbuckets)
        ),
        unavailable(table)
      )
    }
  }
}

/** The error of the database that is why checkpoints could not be read or written. */
export const sqlErrorOf = (error: unknown): SqlError | undefined =>
  isSqlError(error) ? error : error instanceof CheckpointError && isSqlError(error.cause) ? error.cause : undefined

/**
 * SQLSTATEs of a PostgreSQL that shuts down, crashed, starts, or has no connection left (its appendix A), which its client knows as errors of no kind:
 * a restart of the database.
 */
const away: ReadonlySet<unknown> = new Set(["57P01", "57P02", "57P03", "53300"])

/** Whether there is no connection. */
export const isAway = ({ reason }: SqlError): boolean =>
  reason._tag === "ConnectionError" || away.has((reason.cause as { readonly code?: unknown } | undefined)?.code)

/** A store in a table of the `SqlClient`. */
export const layerSql = (options?: SqlCheckpointsOptions): Layer.Layer<CheckpointStore, never, SqlClient> =>
  Layer.effect(CheckpointStore, Effect.map(SqlClient, (client) => CheckpointStore.of(sqlCheckpointStore(client, options))))
