/**
 * Checkpoints in a table of SQLite or PostgreSQL, one row a vbucket. What an owner may write is decided in SQL: a row takes a checkpoint of the epoch
 * that it was taken over with, and of no other.
 *
 * Owners of different vbuckets of a group stand side by side. The row of vbucket −1 counts the owners of its group, and has the group's name where others
 * have their owner; whoever takes vbuckets over holds it until that is done, so that there is one order of owners. Whoever ends takes his name from his
 * vbuckets; who was killed did not.
 *
 * `save` within a transaction of the same client becomes part of it.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type { Checkpoint } from "./Checkpoint.ts"
import { type Checkpoints, checkpointsText, readCheckpoints } from "./CheckpointFormat.ts"
import { type CheckpointArchive, type CheckpointGroup, CheckpointStore, held, thisProcess } from "./CheckpointStore.ts"
import { CheckpointError } from "./DcpError.ts"
import { fenced, maxVbuckets } from "./Fencing.ts"
import { groupName } from "./GroupName.ts"

/** Where checkpoints are and who writes them. */
export interface SqlCheckpointsOptions {
  /** The table, which is made when it is missing. Default: `dcp_checkpoints`. */
  readonly table?: string
  /** Who takes groups over, for whoever looks at the table. Default: this machine and process. */
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
export interface SqlCheckpointStore extends CheckpointArchive {
  readonly open: (group: string, vbuckets?: ReadonlyArray<number>) => Effect.Effect<SqlCheckpointGroup, CheckpointError, Scope.Scope>
  readonly openFree: SqlCheckpointStore["open"]
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
  { owner = thisProcess, table = "dcp_checkpoints" }: SqlCheckpointsOptions = {}
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
        since BIGINT,
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

  const told = <A, R>(effect: Effect.Effect<A, SqlError | CheckpointError, R>): Effect.Effect<A, CheckpointError, R> =>
    Effect.catchTag(effect, "SqlError", (error) => Effect.fail(unavailable(table)(error)))

  /** What a group's name is in a text that may have any character. */
  const written = (group: string): string => JSON.stringify(group)

  /** Takes vbuckets over; returns the epoch. `onlyFree`: fails with `Held` when somebody has one of them. */
  const claim = (group: string, stem: string, vbuckets: ReadonlyArray<number>, onlyFree: boolean) =>
    sql.withTransaction(Effect.gen(function*() {
      const [row] = yield* sql<{ epoch: string }>`
        INSERT INTO ${name} AS held ${sql.insert({ group_name: stem, vbucket: counter, epoch: 1, owner: written(group) })}
        ON CONFLICT (group_name, vbucket) DO UPDATE SET epoch = held.epoch + 1
        RETURNING CAST(epoch AS TEXT) AS epoch`
      const epoch = Number(row!.epoch)
      const since = yield* Clock.currentTimeMillis
      const rows = vbuckets.map((vbucket) => ({ group_name: stem, vbucket, epoch, owner, since }))
      if (!Arr.isArrayNonEmpty(rows)) return epoch
      if (onlyFree) {
        const [other] = yield* sql<{ owner: string; since: string }>`
          SELECT owner, CAST(since AS TEXT) AS since FROM ${name}
          WHERE group_name = ${stem} AND ${sql.in("vbucket", vbuckets)} AND owner IS NOT NULL ORDER BY epoch DESC LIMIT 1`
        if (other !== undefined) return yield* held({ group, by: other.owner, since: Number(other.since) })
      }
      yield* sql`
        INSERT INTO ${name} ${sql.insert(rows)}
        ON CONFLICT (group_name, vbucket) DO UPDATE SET epoch = excluded.epoch, owner = excluded.owner, since = excluded.since`
      return epoch
    }))

  /** The checkpoint of a vbucket from its text. */
  const read = (group: string, vbucket: number, stored: string): Effect.Effect<readonly [number, Checkpoint], CheckpointError> => {
    const place = `table ${table}: group ${group}, vbucket ${vbucket}`
    return Effect.flatMap(Effect.fromResult(readCheckpoints(stored, place)), ({ checkpoints }) => {
      const checkpoint = checkpoints.get(vbucket)
      if (checkpoint !== undefined && checkpoints.size === 1) return Effect.succeed([vbucket, checkpoint] as const)
      return Effect.fail(new CheckpointError({ reason: "Corrupt", message: `${place}: the text is of another vbucket` }))
    })
  }

  interface StoredRow {
    readonly vbucket: number
    readonly checkpoint: string | null
  }

  /** The texts that there are. */
  const texts = (rows: ReadonlyArray<StoredRow>): ReadonlyArray<readonly [number, string]> =>
    rows.flatMap(({ checkpoint, vbucket }) => checkpoint === null ? [] : [[Number(vbucket), checkpoint] as const])

  const checkpointsOf = (group: string, rows: ReadonlyArray<StoredRow>): Effect.Effect<Checkpoints, CheckpointError> =>
    Effect.map(Effect.forEach(texts(rows), ([vbucket, stored]) => read(group, vbucket, stored)), (found) => new Map(found))

  const groupOf = (group: string, stem: string, epoch: number, vbuckets: ReadonlyArray<number>): SqlCheckpointGroup => {
    const mine = sql`group_name = ${stem} AND epoch = ${epoch} AND vbucket >= 0`
    const text = (vbucket: number, checkpoint: Checkpoint): string => checkpointsText(new Map([[vbucket, checkpoint]]), epoch)
    /** Fails unless so many rows are this owner's. */
    const all = (rows: ReadonlyArray<unknown>, expected: number) => rows.length < expected ? Effect.fail(fenced(group)) : Effect.void
    return {
      epoch,
      text,
      load: told(Effect.gen(function*() {
        const rows = yield* sql<StoredRow>`SELECT vbucket, checkpoint FROM ${name} WHERE ${mine}`
        yield* all(rows, vbuckets.length)
        return yield* checkpointsOf(group, rows)
      })),
      stored: (some, hold) =>
        told(Effect.gen(function*() {
          const lock = hold
            ? sql.onDialectOrElse({ sqlite: () => sql.literal(""), orElse: () => sql.literal("FOR UPDATE") })
            : sql.literal("")
          const rows = yield* sql<StoredRow>`
            SELECT vbucket, checkpoint FROM ${name} WHERE ${mine} AND ${sql.in("vbucket", some)} ${lock}`
          yield* all(rows, some.length)
          return new Map(texts(rows))
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

  const everyVbucket = Array.from({ length: maxVbuckets }, (_, vbucket) => vbucket)

  const open = (group: string, some: ReadonlyArray<number>, onlyFree: boolean) => {
    const stem = groupName(group)
    const vbuckets = [...new Set(some)].sort((a, b) => a - b)
    const taken = Effect.retry(Effect.andThen(create, claim(group, stem, vbuckets, onlyFree)), {
      schedule: again,
      while: (error) =>
        error._tag === "SqlError"
        && (error.reason.isRetryable && error.reason._tag !== "ConnectionError" || error.reason._tag === "UniqueViolation")
    })
    const free = (epoch: number) =>
      Effect.ignore(Effect.timeout(
        sql`UPDATE ${name} SET owner = NULL, since = NULL WHERE group_name = ${stem} AND epoch = ${epoch} AND vbucket >= 0`,
        "5 seconds"
      ))
    return told(Effect.map(Effect.acquireRelease(taken, free, { interruptible: true }), (epoch) => groupOf(group, stem, epoch, vbuckets)))
  }

  return {
    fencing: "vbucket",
    open: (group, some = everyVbucket) => open(group, some, false),
    openFree: (group, some = everyVbucket) => open(group, some, true),
    groups: told(Effect.map(
      Effect.andThen(create, sql<{ owner: string }>`SELECT owner FROM ${name} WHERE vbucket = ${counter}`),
      (rows) => rows.map((row) => JSON.parse(row.owner) as string).sort()
    )),
    look: (group) =>
      told(Effect.gen(function*() {
        yield* create
        const rows = yield* sql<StoredRow & { readonly epoch: string; readonly owner: string | null; readonly since: string | null }>`
          SELECT vbucket, checkpoint, CAST(epoch AS TEXT) AS epoch, owner, CAST(since AS TEXT) AS since
          FROM ${name} WHERE group_name = ${groupName(group)}`
        const count = rows.find(({ vbucket }) => Number(vbucket) === counter)
        if (count === undefined) return undefined
        const vbuckets = rows.filter((row) => row !== count)
        // of several the newest
        const has = vbuckets.filter(({ owner }) => owner !== null).sort((a, b) => Number(b.epoch) - Number(a.epoch))[0]
        return {
          name: group,
          epoch: Number(count.epoch),
          owner: has === undefined ? undefined : { group, by: has.owner!, since: Number(has.since) },
          checkpoints: yield* checkpointsOf(group, vbuckets)
        }
      }))
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
