/** Our client with so many connections, 64 requests at a time: `pool.ts PORT COUNT`. Tells the processor time of a request in microseconds. */
import { KvClient } from "@wirewright/memcached"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"

const [port = "", count = ""] = process.argv.slice(2)
const kv = await Effect.runPromise(
  Effect.provideService(KvClient.make({ port: Number(port), connections: Number(count) }), Scope.Scope, Scope.makeUnsafe())
)
await Effect.runPromise(kv.set("growth", new Uint8Array(100)))

process.on("message", (requests: number) => {
  let left = requests
  const loop = Effect.whileLoop({ while: () => left-- > 0, body: () => kv.get("growth"), step: () => {} })
  const before = process.cpuUsage()
  void Effect.runPromise(Effect.forEach(Array.from({ length: 64 }), () => loop, { concurrency: "unbounded", discard: true })).then(() => {
    const { system, user } = process.cpuUsage(before)
    process.send!((system + user) / requests)
  })
})
process.on("disconnect", () => process.exit(0))
process.send!("ready")
