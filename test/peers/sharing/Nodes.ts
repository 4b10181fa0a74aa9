/** Nodes of a cluster in a process of their own. Says where they are, and once a second how many DCP connections each has. */
import { serveCouchbaseCluster } from "@wirewright/embedded"
import * as Effect from "effect/Effect"

const program = Effect.gen(function*() {
  const cluster = yield* serveCouchbaseCluster({
    buckets: [{ name: "default", vbuckets: 1024, history: { closedCheckpoints: 10, undoable: 0 } }],
    nodes: Number(process.argv[2])
  })
  const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`)
  say({ seeds: cluster.nodes.map(({ host, port }) => ({ host, port })) })
  yield* Effect.forever(Effect.andThen(
    Effect.sleep(1_000),
    Effect.sync(() => say({ connections: cluster.nodes.map(({ producers }) => producers.all.length) }))
  ))
})

await Effect.runPromise(Effect.scoped(program))
