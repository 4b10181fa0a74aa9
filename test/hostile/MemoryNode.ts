/**
 * A node in a process of its own whose memory is looked at: `memcached` or `couchbase` and a limit of its store in bytes. Tells its port over
 * the channel to its parent, and whatever is said to it is answered with the resident memory in bytes after a collection of garbage.
 */
import { serveCouchbase, serveMemcachedNode } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import { setTimeout as sleep } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

setFlagsFromString("--expose-gc")
const collectGarbage = runInNewContext("gc") as () => void

const [kind, limit] = process.argv.slice(2)
const maxMemory = Number(limit)

const serve = Effect.gen(function*() {
  if (kind === "memcached") {
    const { server, store } = yield* serveMemcachedNode({ maxMemory, maxItemSize: 2 * 1024 * 1024 })
    return { port: server.port, counters: () => store.counters }
  }
  const node = yield* serveCouchbase({ buckets: [{ name: "default", maxMemory }] })
  return { port: node.port, counters: () => node.buckets.get("default")!.store.counters }
})

const look = async (): Promise<number> => {
  for (let times = 0; times < 4; times++) {
    collectGarbage()
    await sleep(50)
  }
  return process.memoryUsage.rss()
}

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const { counters, port } = yield* serve
  process.on("message", () => void look().then((resident) => process.send!({ resident, ...counters() })))
  process.on("disconnect", () => process.exit())
  process.send!({ port })
  return yield* Effect.never
})))
