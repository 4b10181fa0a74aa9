/**
 * 50 clients of all protocols through the proxy while the real memcached behind it is killed (SIGKILL) and started again: no answer is another's.
 * 10 seconds; CROSS_TALK_SECONDS says otherwise.
 */
import { serveProxy } from "@wirewright/proxy"
import * as Effect from "effect/Effect"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { crossTalk, nothingSeen } from "../../packages/proxy/src/CrossTalk.fixture.ts"
import { startMemcached } from "./Memcached.ts"

const seconds = Number(process.env["CROSS_TALK_SECONDS"] ?? 10)

it(`${seconds} s of 50 clients of three protocols while memcached is killed`, async () => {
  let memcached = await startMemcached()
  const { port } = memcached
  let kills = 0
  try {
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const proxy = yield* serveProxy({ upstream: `memcached://127.0.0.1:${port}` })
      yield* Effect.promise(async () => {
        let over = false
        const seen = nothingSeen()
        const working = crossTalk(proxy.port, 50, seen, () => over)
        const end = performance.now() + seconds * 1_000
        while (performance.now() < end) {
          await sleep(2_000)
          await memcached.end("SIGKILL")
          kills++
          memcached = await startMemcached([], { port })
        }
        over = true
        await working
        console.log(JSON.stringify({ seconds, kills, ...seen, counted: proxy.counters.closed }))
        expect(seen.crossed).toEqual([])
        expect(seen.hits).toBeGreaterThan(seconds * 100)
        // those who were told nothing, or that nothing was done
        expect(seen.closed + seen.refused).toBeGreaterThan(0)
      })
    })))
  } finally {
    await memcached.end("SIGTERM")
  }
}, (seconds + 60) * 1_000)
