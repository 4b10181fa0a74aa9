/** Serves one node at a time for `main.ts`, and says for how long its event loop was held up. */
import { type Bucket, serveCouchbase, serveMemcachedNode } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { couchbaseCosts, memcachedCosts } from "../../couchbase/Costs.fixture.ts"

/** What to serve: the row of a command, at its largest. */
export interface Wanted {
  readonly dialect: "couchbase" | "memcached"
  readonly command: string
  readonly row: number
}

let last = 0
let longest = 0
/** Notes how long nobody had a turn. Node's own monitor misses what comes before its first tick. */
const beat = (): void => {
  const now = performance.now()
  longest = Math.max(longest, now - last)
  last = now
}
let beating: NodeJS.Timeout | undefined
let scope = Scope.makeUnsafe()

/** The node that is there, and what made it what it is. */
let there: { readonly bucket: Bucket; readonly port: number; readonly prepare: unknown; readonly most: number } | undefined

const prepared = async ({ command, dialect, row }: Wanted): Promise<number> => {
  const wanted = dialect === "couchbase" ? couchbaseCosts[command]![row]! : undefined
  if (there !== undefined && there.prepare === wanted?.prepare && there.most === wanted?.most && wanted.again?.(there.bucket, there.most)) {
    return there.port
  }
  there = undefined
  await Effect.runPromise(Scope.close(scope, Exit.void))
  scope = Scope.makeUnsafe()
  if (dialect === "memcached") {
    const cost = memcachedCosts[command]![row]!
    const { server, store } = await Effect.runPromise(Scope.provide(serveMemcachedNode({ maxMemory: 2 ** 31 }), scope))
    cost.prepare?.(store, cost.most)
    return server.port
  }
  const cost = wanted!
  const node = await Effect.runPromise(
    Scope.provide(serveCouchbase({ buckets: [{ name: "default", vbuckets: 1024, maxMemory: 2 ** 31 }] }), scope)
  )
  const bucket = node.buckets.get("default")!
  cost.prepare?.(bucket, cost.most)
  there = { bucket, port: node.port, prepare: cost.prepare, most: cost.most }
  return node.port
}

process.on("message", (message: Wanted | "watch" | "stop") => {
  if (message === "watch") {
    globalThis.gc?.()
    // what preparing took is not the request's
    setTimeout(() => {
      last = performance.now()
      longest = 0
      beating = setInterval(beat, 1)
      process.send!("watching")
    }, 20)
  } else if (message === "stop") {
    setTimeout(() => {
      beat()
      clearInterval(beating)
      process.send!(longest)
    }, 5)
  } else void prepared(message).then((port) => process.send!(port))
})
