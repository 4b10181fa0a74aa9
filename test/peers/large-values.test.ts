/** One large value against Debian's memcached and our own server: it does not delay small ones by more than its transfer. */
import { assert, describe, it } from "@effect/vitest"
import { serveMemcachedNode } from "@wirewright/embedded"
import { KvClient, type KvCommands, type MemcachedError } from "@wirewright/memcached"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { startMemcached } from "./Memcached.ts"

const large = new Uint8Array(10 * 1024 * 1024)

const took = <A>(effect: Effect.Effect<A, MemcachedError>): Effect.Effect<number, MemcachedError> =>
  Effect.suspend(() => {
    const begun = performance.now()
    return Effect.map(effect, () => performance.now() - begun)
  })

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

/** How long small reads take alone, how long the large value takes alone, and small reads asked for right behind it. */
const measure = (kv: KvCommands, transfer: Effect.Effect<unknown, MemcachedError>) =>
  Effect.gen(function*() {
    yield* kv.set("small", "x")
    for (let i = 0; i < 3; i++) yield* transfer
    const alone: Array<number> = []
    const transfers: Array<number> = []
    const behind: Array<number> = []
    for (let i = 0; i < 9; i++) {
      alone.push(yield* took(kv.get("small")))
      transfers.push(yield* took(transfer))
      const running = yield* Effect.forkChild(transfer, { startImmediately: true })
      behind.push(yield* took(kv.get("small")))
      yield* Fiber.join(running)
    }
    return { alone: median(alone), transfer: median(transfers), behind: median(behind) }
  })

const report = (name: string, { alone, behind, transfer }: { alone: number; behind: number; transfer: number }): void =>
  console.log(`${name}: small ${alone.toFixed(2)} ms, 10 MiB ${transfer.toFixed(1)} ms, small behind it ${behind.toFixed(2)} ms`)

const memcached = Effect.acquireRelease(
  Effect.promise(() => startMemcached(["-I", "16m", "-m", "256", "-t", "2"])),
  ({ end }) => Effect.promise(() => end("SIGTERM"))
)
const ours = Effect.map(serveMemcachedNode({ maxItemSize: 16 * 1024 * 1024, maxMemory: 256 * 1024 * 1024 }), ({ server }) => server)

for (const [name, server] of [["memcached", memcached], ["serve --memcached", ours]] as const) {
  describe(name, () => {
    it.live("on the same connection, small reads wait for the transfer and no longer", () =>
      Effect.gen(function*() {
        const { port } = yield* server
        const kv = yield* KvClient.make({ port, connections: 1, requestTimeout: "20 seconds" })
        yield* kv.set("large", large)
        for (const [what, transfer] of [["set", kv.set("large", large)], ["get", kv.get("large")]] as const) {
          const figures = yield* measure(kv, transfer)
          report(`${name}, same connection, ${what}`, figures)
          assert.isBelow(figures.behind, 2 * figures.transfer + 10 * figures.alone + 5)
        }
      }))

    it.live("on another connection, they do not even wait for the whole of it", () =>
      Effect.gen(function*() {
        const { port } = yield* server
        // turns go round: with two connections the large value and the small read have one each
        const kv = yield* KvClient.make({ port, connections: 2, requestTimeout: "20 seconds" })
        yield* kv.set("large", large)
        for (const [what, transfer] of [["set", kv.set("large", large)], ["get", kv.get("large")]] as const) {
          const figures = yield* measure(kv, transfer)
          report(`${name}, other connection, ${what}`, figures)
          assert.isBelow(figures.behind, figures.transfer + 10 * figures.alone + 5)
        }
      }))
  })
}
