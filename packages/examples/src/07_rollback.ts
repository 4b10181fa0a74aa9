/**
 * Handling a rollback: a node is lost together with two changes that only it had. The view takes back what it did because of them, and then
 * follows the history that there is.
 */
import { type Change, CheckpointStore, Dcp, type Rollback } from "@wirewright/dcp"
import { serveCouchbase } from "@wirewright/embedded"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"

/** What was done, in its order, so that it can be taken back. */
const journal: Array<{ readonly vbucket: number; readonly seqno: bigint; readonly key: string; readonly before: string | undefined }> = []
const view = new Map<string, string>()

const put = (key: string, value: string | undefined): void => {
  if (value === undefined) view.delete(key)
  else view.set(key, value)
}

/** Takes back everything behind a seqno of a vbucket. Doing it twice does no harm. */
const undo = (vbucket: number, to: bigint): void => {
  for (let i = journal.length - 1; i >= 0; i--) {
    const done = journal[i]!
    if (done.vbucket !== vbucket || done.seqno <= to) continue
    put(done.key, done.before)
    journal.splice(i, 1)
  }
}

const change = (event: Change): Effect.Effect<void> => {
  if (event._tag !== "Mutation") return Effect.void
  const { key, seqno, vbucket } = event
  const value = new TextDecoder().decode(event.value)
  undo(vbucket, seqno - 1n) // if it comes a second time
  journal.push({ vbucket, seqno, key, before: view.get(key) })
  put(key, value)
  return Console.log(`${seqno} ${key} = ${value}`)
}

const rollback = ({ from, reason, to, vbucket }: Rollback): Effect.Effect<void> => {
  undo(vbucket, to)
  return Console.log(`rollback from ${from} to ${to}: ${reason}`)
}

const program = Effect.gen(function*() {
  const node = yield* serveCouchbase({ buckets: [{ name: "travel", vbuckets: 1 }] })
  const { store } = node.buckets.get("travel")!
  const write = (key: string, value: string) => store.set(store.space(0), key, { value: new TextEncoder().encode(value) })

  yield* Dcp.process({ group: "view" }, { change, rollback }).pipe(
    Stream.runDrain,
    Effect.provideService(CheckpointStore, CheckpointStore.memory()),
    Effect.provide(Dcp.layer({ seeds: [{ host: "127.0.0.1", port: node.port }], bucket: "travel" })),
    Effect.forkScoped
  )
  const seen = (key: string, value: string) =>
    Effect.repeat(Effect.sleep("20 millis"), { until: () => view.get(key) === value, times: 250 })

  write("a", "1")
  yield* seen("a", "1")
  write("b", "1")
  yield* seen("b", "1")
  write("a", "2")
  write("c", "1")
  yield* seen("c", "1")
  node.cluster.failover(0, { lost: 2 })
  write("d", "1")
  yield* seen("d", "1")
  yield* Console.log([...view].map(([key, value]) => `${key}=${value}`).join(" "))
})

// log lines go to stderr
const logger = Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)])
await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(logger)))
