/**
 * Exactly once: what an application makes of changes, and the checkpoint that says so, in one transaction of the same database. A process that is killed
 * at any moment has done both or neither; a consumer that lost its vbuckets to another one changes nothing (`Fenced`).
 *
 * A batch is what has come while the transaction before it ran, up to a limit. Nothing is pulled while a transaction runs, so that no more is held than
 * a batch, one array of the outbox, and the window of each node.
 *
 * What is repeated: a transaction that lost against another one, and one of which it is not known whether it was committed, because the connection broke.
 * Of those, the next attempt finds out by what is stored.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { hostname } from "node:os"
import type { Checkpoints } from "./CheckpointFormat.ts"
import { CheckpointStore, type CheckpointStoreShape } from "./CheckpointStore.ts"
import type { ChangesOptions, From } from "./ChangesOptions.ts"
import { backOff } from "./ConnectBudget.ts"
import { type Dcp, type RunningChanges, start } from "./Dcp.ts"
import type { DcpConsumer } from "./DcpConsumer.ts"
import type { DcpError } from "./DcpError.ts"
import type { Change, DcpEvent, Rollback } from "./DcpEvent.ts"
import { settle } from "./DcpEvent.ts"
import type { Outbox } from "./Outbox.ts"
import { isChange, processedInBatches, settleAll, type StreamNotice } from "./Processing.ts"
import { isAway, type SqlCheckpointGroup, sqlCheckpointStore, sqlErrorOf } from "./SqlCheckpoints.ts"

/** Who processes: for columns that say which owner wrote a row. */
export interface Owner {
  /** As in `TransactionSettings`. */
  readonly name: string
  /** Higher than those of all owners of the group before it. */
  readonly epoch: number
}

/** What an application does. */
export interface TransactionHandlers<E, R> {
  /** Runs in the transaction that stores the checkpoint. It may run again after a transaction that was undone. */
  readonly changes: (changes: NonEmptyReadonlyArray<Change>, owner: Owner) => Effect.Effect<unknown, E, R>
  /** Undoes everything of `rollback.vbucket` that is after `rollback.to`, in the transaction that stores that it is done. */
  readonly rollback: (rollback: Rollback, owner: Owner) => Effect.Effect<unknown, E, R>
  /** Hears of vbuckets that caught up or ended, outside of transactions. */
  readonly notice?: (notice: StreamNotice) => Effect.Effect<unknown, E, R>
}

/** What transactions add to the options of a change stream. */
export interface TransactionSettings {
  /** Most changes in a transaction. Default: 1 000. */
  readonly size?: number
  /** Bytes of keys and values at which a transaction takes no more changes. Default: 4 MiB. */
  readonly bytes?: number
  /** Attempts after a transaction that lost against another one. Default: 10. While there is no connection it tries for ever. */
  readonly retries?: number
  /** PostgreSQL ends a transaction in which nothing happens for so long, as when its process was stopped and holds locks. Default: 10 seconds. */
  readonly idleTimeout?: Duration.Input
  /** Who processes: told to handlers, and in the table. Default: host name and process id. */
  readonly owner?: string
  /** The table of the checkpoints, which is made when it is missing. Default: `dcp_checkpoints`. */
  readonly table?: string
}

/** How changes are processed in transactions. */
export interface TransactionOptions extends Omit<ChangesOptions, "from" | "settleTimeout">, TransactionSettings {
  /** Default: `checkpoint`. */
  readonly from?: Extract<From, "checkpoint" | { readonly savedOr: unknown }>
}

/** What an event holds in memory, about. */
const sizeOf = (event: DcpEvent): number => isChange(event) ? 200 + ("value" in event ? event.key.length + event.value.length : 0) : 0

/** Takes what there is, up to a limit; waits only when there is nothing. @internal */
export const batches = (
  { pull, waiting }: { readonly pull: Outbox<DcpEvent, DcpError>["pull"]; readonly waiting: () => number },
  { bytes, size }: { readonly bytes: number; readonly size: number }
): Stream.Stream<ReadonlyArray<DcpEvent>, DcpError> => {
  let rest: ReadonlyArray<DcpEvent> = []
  let at = 0
  const next = Effect.gen(function*() {
    const some: Array<DcpEvent> = []
    let held = 0
    while (some.length < size && held < bytes) {
      if (at === rest.length) {
        if (some.length > 0 && waiting() === 0) break
        rest = yield* pull
        at = 0
      }
      const event = rest[at++]!
      some.push(event)
      held += sizeOf(event)
    }
    return some
  })
  return Stream.fromPull(Effect.succeed(Effect.map(next, (some): NonEmptyReadonlyArray<ReadonlyArray<DcpEvent>> => [some])))
}

/**
 * A group of which nothing is ever done ahead of what is stored. What somebody did ahead of it before, outside of transactions, is undone first.
 * @internal
 */
export const inStep = (group: SqlCheckpointGroup): SqlCheckpointGroup => ({
  ...group,
  load: Effect.map(group.load, (checkpoints) =>
    new Map([...checkpoints].map(([vbucket, checkpoint]) => [
      vbucket,
      checkpoint.ahead ? { ...checkpoint, undo: true, ahead: false } : checkpoint
    ]))),
  save: (checkpoints) => group.save(behind(checkpoints))
})

const behind = (checkpoints: Checkpoints): Checkpoints =>
  new Map([...checkpoints].map(([vbucket, checkpoint]) => [vbucket, checkpoint.ahead ? { ...checkpoint, ahead: false } : checkpoint]))

/** Why a transaction may be tried again; undefined when it may not. */
const repeatable = <E>(cause: Cause.Cause<E>): SqlError | undefined => {
  if (Cause.hasInterrupts(cause)) return undefined
  for (const reason of cause.reasons) {
    // a client that cannot undo because the connection is gone dies of it
    const error = sqlErrorOf(Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) ? reason.defect : undefined)
    if (error !== undefined && (error.reason.isRetryable || isAway(error))) return error
  }
  return undefined
}

/** Runs applications in transactions, one after the other. */
class Transactions {
  private readonly sql: SqlClient
  private readonly consumer: DcpConsumer
  private readonly group: SqlCheckpointGroup
  private readonly owner: Owner
  private readonly retries: number
  private readonly random: () => number
  private readonly limit: Effect.Effect<unknown, SqlError>

  constructor(
    sql: SqlClient,
    consumer: DcpConsumer,
    group: SqlCheckpointGroup,
    owner: Owner,
    random: () => number,
    options: TransactionOptions
  ) {
    this.sql = sql
    this.random = random
    this.consumer = consumer
    this.group = group
    this.owner = owner
    this.retries = options.retries ?? 10
    const idle = String(Math.ceil(Duration.toMillis(options.idleTimeout ?? "10 seconds")))
    this.limit = sql.onDialectOrElse({
      pg: () => sql`SELECT set_config('idle_in_transaction_session_timeout', ${idle}, true)`,
      orElse: () => Effect.void as Effect.Effect<unknown, SqlError>
    })
  }

  changes<E, R>({ changes }: TransactionHandlers<E, R>, all: NonEmptyReadonlyArray<Change>) {
    return this.exclusively(Effect.suspend((): Effect.Effect<void, E | DcpError | SqlError, R> => {
      const some = this.consumer.counting(all)
      if (some.length === 0) return Effect.void
      const run = Effect.suspend(() => changes(some as unknown as NonEmptyReadonlyArray<Change>, this.owner))
      return this.attempt(run, this.consumer.after(some), () => settleAll(some), 0, 0)
    }))
  }

  rollback<E, R>({ rollback }: TransactionHandlers<E, R>, event: Rollback) {
    return this.exclusively(Effect.suspend(() =>
      this.attempt(
        Effect.suspend(() => rollback(event, this.owner)),
        this.consumer.afterRollback(event.vbucket),
        () => settle(event),
        0,
        0
      )
    ))
  }

  /** Nobody saves meanwhile. Nor after a failure: what is known here may be older than what is stored. */
  private exclusively<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    const writer = this.consumer.writer!
    return writer.exclusively(Effect.onError(effect, () => Effect.sync(() => writer.abandon())))
  }

  /** @param lost attempts that lost against another transaction, and `broken` those whose connection broke */
  private attempt<E, R>(
    run: Effect.Effect<unknown, E, R>,
    checkpoints: Checkpoints,
    done: () => void,
    lost: number,
    broken: number
  ): Effect.Effect<void, E | DcpError | SqlError, R> {
    const { group, sql } = this
    const later = behind(checkpoints)
    const repeated = lost + broken > 0
    const once = Effect.gen({ self: this }, function*(this: Transactions) {
      yield* this.limit
      const stored = yield* group.stored([...later.keys()], repeated)
      const committed = repeated && [...later].every(([vbucket, checkpoint]) => stored.get(vbucket) === group.text(vbucket, checkpoint))
      if (!committed) {
        yield* run
        yield* group.save(later)
      }
      // also when this fibre is interrupted while it commits
      yield* sql.afterCommit(Effect.sync(done))
    })
    return Effect.catchCause(sql.withTransaction(once), (cause): Effect.Effect<void, E | DcpError | SqlError, R> => {
      const error = repeatable(cause)
      const isBroken = error !== undefined && isAway(error)
      if (error === undefined || !isBroken && lost >= this.retries) return Effect.failCause(cause)
      const [nowLost, nowBroken] = isBroken ? [lost, broken + 1] : [lost + 1, broken]
      const attempts = nowLost + nowBroken
      const say = Number.isInteger(Math.log2(attempts))
        ? Effect.logWarning(`a transaction is repeated (attempt ${attempts + 1}): ${error.message}`)
        : Effect.void
      return say.pipe(
        Effect.andThen(Effect.sleep(backOff(attempts, isBroken ? 100 : 10, 2_000, this.random))),
        Effect.andThen(this.attempt(run, checkpoints, done, nowLost, nowBroken))
      )
    })
  }
}

/** Like `processInTransactions`, in the present scope, with the consumer beside the stream. */
export const runInTransactions = <E, R>(
  options: TransactionOptions,
  handlers: TransactionHandlers<E, R>
): Effect.Effect<RunningChanges<E | SqlError, R>, DcpError, Dcp | SqlClient | Scope.Scope> =>
  Effect.gen(function*() {
    const { owner = `${hostname()}:${process.pid}`, retries: _, idleTimeout: __, bytes = 4 * 1024 * 1024, size = 1_000, table, ...rest } =
      options
    const sql = yield* SqlClient
    const store = sqlCheckpointStore(sql, { owner, ...table === undefined ? {} : { table } })
    let group: SqlCheckpointGroup | undefined
    const opening: CheckpointStoreShape = {
      ...store,
      open: (name, vbuckets) => Effect.map(store.open(name, vbuckets), (opened) => group = inStep(opened))
    }
    const consumer = yield* Effect.provideService(start({ ...rest, settleTimeout: Duration.infinity }), CheckpointStore, opening)
    const { epoch } = group!
    const chance = yield* Random.Random
    const transactions = new Transactions(sql, consumer, group!, { name: owner, epoch }, () => chance.nextDoubleUnsafe(), options)
    const { outbox } = consumer
    const events = processedInBatches<DcpError, never, E | DcpError | SqlError, R>(
      batches({ pull: outbox.pull, waiting: () => outbox.size }, { bytes, size }),
      {
        changes: (changes) => transactions.changes(handlers, changes),
        rollback: (rollback) => transactions.rollback(handlers, rollback),
        ...handlers.notice === undefined ? {} : { notice: handlers.notice }
      }
    )
    return { consumer, events }
  })

/**
 * Processes the changes of the bucket exactly once: what the handlers do with the `SqlClient` is in the same transaction as the checkpoint, of a batch
 * of changes or of a rollback. Out come the events that were processed.
 */
export const processInTransactions = <E, R>(
  options: TransactionOptions,
  handlers: TransactionHandlers<E, R>
): Stream.Stream<DcpEvent, DcpError | SqlError | E, Dcp | SqlClient | R> =>
  Stream.unwrap(Effect.map(runInTransactions(options, handlers), ({ events }) => events))
