/**
 * An indexer in a process of its own, which a test kills: says what it is doing on stdout, a word a line, before it does it.
 *
 * Environment: `BUCKET` connection string, `DATABASE`, `TO` (`now` or `never`), `PAUSE` most milliseconds between two statements, `SIZE` of a batch.
 */
import { Dcp } from "@wirewright/dcp"
import { processInTransactions } from "@wirewright/dcp/sql"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { writeSync } from "node:fs"
import { createIndex, indexer } from "./Index.ts"

const say = (word: string) => Effect.sync(() => void writeSync(1, `${word}\n`))

/** Runs until there is nothing more, or for ever. */
export const run = (clientOf: (url: string) => Layer.Layer<SqlClient, SqlError>): Promise<void> => {
  const { BUCKET = "", DATABASE = "", PAUSE = "0", SIZE = "20", TO = "never" } = process.env
  const pause = PAUSE === "0" ? Effect.void : Effect.suspend(() => Effect.sleep(Math.random() * Number(PAUSE)))
  const { changes, rollback } = indexer(pause)
  const options = { group: "index", to: TO as "now" | "never", size: Number(SIZE), owner: String(process.pid) }
  const program = Effect.andThen(
    createIndex,
    Stream.runDrain(processInTransactions(options, {
      changes: (some, owner) => Effect.andThen(say("changes"), Effect.tap(changes(some, owner), () => say("done"))),
      rollback: (one, owner) => Effect.andThen(say("rollback"), Effect.tap(rollback(one, owner), () => say("undone")))
    }))
  )
  return Effect.runPromise(program.pipe(
    Effect.provide(Dcp.layerUrl(BUCKET)),
    Effect.provide(clientOf(DATABASE)),
    Effect.provide(Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)]))
  ))
}
