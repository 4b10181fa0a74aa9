/**
 * A minute of a sink that takes 100 events a second from a node in another process that could send a thousand times as many: memory stays flat, the
 * window holds, nothing breaks.
 */
import { Dcp } from "@wirewright/dcp"
import { eventsOf, settle, start } from "@wirewright/dcp/internal"
import { KvClient } from "@wirewright/couchbase"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { expect, it } from "vitest"
import { serve } from "./Serve.ts"

const seconds = Number(process.env["WIREWRIGHT_SLOW_SECONDS"] ?? 60)
const window = 1024 * 1024

it(`a slow sink for ${seconds} s`, async () => {
  const { ready, stop } = await serve(["--vbuckets", "4"])
  const port = ready["port"] as number
  try {
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const seeds = [{ host: "127.0.0.1", port }] as const
      const kv = yield* KvClient.make({ seeds, bucket: "default" })
      const value = new Uint8Array(500)
      yield* Effect.forEach(Array.from({ length: 20_000 }), (_, i) => kv.upsert(`key${i}`, value, { format: "binary" }), {
        concurrency: 256,
        discard: true
      })
      const consumer = yield* start({ from: "beginning", window, noopInterval: 1_000 }).pipe(
        Effect.provide(Dcp.layer({ seeds, bucket: "default" }))
      )
      let taken = 0
      yield* Effect.forkScoped(Stream.runForEach(eventsOf(consumer), (event) =>
        Effect.andThen(
          Effect.sleep(10),
          Effect.sync(() => {
            taken++
            settle(event)
          })
        )))
      const memory: Array<number> = []
      let outstanding = 0
      for (let second = 0; second < seconds; second++) {
        yield* Effect.sleep(1_000)
        memory.push(process.memoryUsage().rss / 1024 / 1024)
        outstanding = Math.max(outstanding, ...consumer.status.connections.map((one) => one.outstanding))
      }
      const { connections, disconnects } = consumer.status
      // the first seconds allocate what is needed; after that it grows no more (the kernel may take pages back, and gives them again)
      const early = memory.slice(0, Math.floor(seconds / 6))
      const later = memory.slice(early.length)
      const growth = Math.max(...later) - Math.max(...early)
      console.log(
        `slow sink: ${taken} events in ${seconds} s, ${
          connections[0]!.noops
        } NOOPs answered, at most ${outstanding} bytes ahead of a window of ${window}, `
          + `RSS ${Math.min(...later).toFixed(0)} to ${Math.max(...later).toFixed(0)} MiB`
      )
      expect(disconnects).toBe(0)
      expect(connections[0]!.noops).toBeGreaterThan(seconds * 0.8)
      // one message: 24 + 31 + 1 + 8 + 500
      expect(outstanding).toBeLessThan(window + 564)
      expect(outstanding).toBeGreaterThanOrEqual(window)
      expect(growth).toBeLessThan(24)
    })))
  } finally {
    await stop()
  }
})
