/**
 * A memcached proxy as a library: every client of memcached, text, meta or binary, may use what is in a Couchbase bucket, or in a memcached.
 * `UPSTREAM=couchbase://user:password@127.0.0.1:11210/default node 03_proxy.ts`
 */
import { NodeRuntime } from "@effect/platform-node"
import { serveProxy } from "@wirewright/proxy"
import { Config, Console, Effect } from "effect"

const program = Effect.scoped(Effect.gen(function*() {
  const upstream = yield* Config.String("UPSTREAM")
  const port = yield* Config.Port("PORT").pipe(Config.withDefault(0))
  const proxy = yield* serveProxy({ listen: { port }, upstream, requestTimeout: "1 second" })
  yield* Console.log(`listening on ${proxy.port}`)
  yield* Effect.addFinalizer(() =>
    Effect.andThen(proxy.drain, Console.log(JSON.stringify({ ...proxy.counters.opcodes, ...proxy.counters.commands })))
  )
  yield* Effect.never
}))

NodeRuntime.runMain(program)
