/**
 * An indexer in a process of its own, which a test kills: says what it is doing on stdout, a word a line, before it does it.
 *
 * Environment: `BUCKET` connection string, `DATABASE`, `TO` (`now` or `never`), `PAUSE` most milliseconds between two statements, `SIZE` of a batch,
 * `DIES_BEFORE` which statement it kills itself, counted from the first that the application makes of `DIES_IN` (`changes` or `rollback`); 0: it does
 * not.
 */
import { Dcp } from "@wirewright/dcp"
import { processInTransactions } from "@wirewright/dcp/sql"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { CurrentTransformer } from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import { writeSync } from "node:fs"
import { createIndex, indexer } from "./Index.ts"

const say = (word: string) => Effect.sync(() => void writeSync(1, `${word}\n`))

/** Kills this process before a statement: what comes before it was done, also by the database, and nothing after it. */
class Death {
  private working = false
  private left: number

  constructor(left: number) {
    this.left = left
  }

  /** The application is at work: statements count from now on. */
  readonly work = Effect.sync(() => {
    this.working = true
  })

  readonly before = (): void => {
    if (this.working && --this.left === 0) process.kill(process.pid, "SIGKILL")
  }
}

/** Runs until there is nothing more, or for ever. */
export const run = (clientOf: (url: string) => Layer.Layer<SqlClient, SqlError>): Promise<void> => {
  const { BUCKET = "", DATABASE = "", DIES_BEFORE = "0", DIES_IN = "changes", PAUSE = "0", SIZE = "20", TO = "never" } = process.env
  const pause = PAUSE === "0" ? Effect.void : Effect.suspend(() => Effect.sleep(Math.random() * Number(PAUSE)))
  const { changes, rollback } = indexer(pause)
  const death = new Death(Number(DIES_BEFORE))
  const begin = (word: string) => Effect.andThen(say(word), word === DIES_IN ? death.work : Effect.void)
  const options = { group: "index", to: TO as "now" | "never", size: Number(SIZE), owner: String(process.pid) }
  const program = Effect.andThen(
    createIndex,
    Stream.runDrain(processInTransactions(options, {
      changes: (some, owner) => Effect.andThen(begin("changes"), Effect.tap(changes(some, owner), () => say("done"))),
      rollback: (one, owner) => Effect.andThen(begin("rollback"), Effect.tap(rollback(one, owner), () => say("undone")))
    }))
  )
  return Effect.runPromise(program.pipe(
    Effect.provide(Dcp.layerUrl(BUCKET)),
    Effect.provide(clientOf(DATABASE)),
    Effect.provideService(CurrentTransformer, (statement) => Effect.sync(() => (death.before(), statement))),
    Effect.provide(Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)]))
  ))
}
