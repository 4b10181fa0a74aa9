/**
 * Restarting from where you left off: the first run stops in the middle, the second one begins behind the last change that the first had
 * processed, whole and in order.
 */
import { Dcp, layerFile } from "@wirewright/dcp"
import { serveCouchbase } from "@wirewright/embedded"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const directory = mkdtempSync(join(tmpdir(), "checkpoints-"))

const program = Effect.gen(function*() {
  const node = yield* serveCouchbase({ buckets: [{ name: "travel", vbuckets: 1 }] })
  const { store } = node.buckets.get("travel")!
  const write = (key: string) => store.set(store.space(0), key, { value: new TextEncoder().encode(key) })

  /** Processes so many events, or all that there are. */
  const run = (most: number) =>
    Dcp.process({ group: "indexer", to: "now" }, {
      change: (change) => change._tag === "Mutation" ? Console.log(`${change.seqno} ${change.key}`) : Effect.void,
      rollback: ({ to, vbucket }) => Console.log(`vbucket ${vbucket}: nothing after ${to} happened`)
    }).pipe(
      Stream.take(most),
      Stream.runDrain,
      Effect.provide(layerFile(directory)),
      Effect.provide(Dcp.layer({ seeds: [{ host: "127.0.0.1", port: node.port }], bucket: "travel" }))
    )

  for (const key of ["a", "b", "c", "d"]) write(key)
  yield* Console.log("first run")
  yield* run(2)
  write("e")
  yield* Console.log("second run")
  yield* run(Infinity)
})

// log lines go to stderr
const logger = Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)])
await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(logger)))
