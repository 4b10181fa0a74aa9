/** Serves one node at a time for `main.ts`, and says for how long its event loop was held up. */
import { serveCouchbase } from "@wirewright/embedded/CouchbaseNode"
import { serveMemcachedNode } from "@wirewright/embedded/MemcachedNode"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { couchbaseCosts, memcachedCosts } from "../../couchbase/Costs.fixture.ts"

/** What to serve: the row of a command, at its largest. */
export interface Wanted {
  readonly dialect: "couchbase" | "memcached"
  readonly command: string
  readonly row: number
}

const delays = monitorEventLoopDelay({ resolution: 1 })
let scope = Scope.makeUnsafe()

const prepared = async ({ command, dialect, row }: Wanted): Promise<number> => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  scope = Scope.makeUnsafe()
  if (dialect === "memcached") {
    const cost = memcachedCosts[command]![row]!
    const { server, store } = await Effect.runPromise(Scope.provide(serveMemcachedNode({ maxMemory: 2 ** 31 }), scope))
    cost.prepare?.(store, cost.most)
    return server.port
  }
  const cost = couchbaseCosts[command]![row]!
  const node = await Effect.runPromise(
    Scope.provide(serveCouchbase({ buckets: [{ name: "default", vbuckets: 1024, maxMemory: 2 ** 31 }] }), scope)
  )
  cost.prepare?.(node.buckets.get("default")!, cost.most)
  return node.port
}

process.on("message", (message: Wanted | "watch" | "stop") => {
  if (message === "watch") {
    globalThis.gc?.()
    // what preparing took is not the request's
    setTimeout(() => {
      delays.enable()
      delays.reset()
      process.send!("watching")
    }, 20)
  } else if (message === "stop") {
    setTimeout(() => {
      process.send!(delays.max / 1e6)
      delays.disable()
    }, 5)
  } else void prepared(message).then((port) => process.send!(port))
})
