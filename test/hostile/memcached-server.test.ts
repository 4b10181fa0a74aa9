/**
 * Clients that mean harm against the classic node, over TCP: mutated packets, and greed. Typed ends or right statuses, no defect, bounded
 * memory, and a well-behaved client beside them that notices nothing. Replay with WIREWRIGHT_SEED.
 */
import { type MemcachedNode, serveMemcachedNode } from "@wirewright/embedded"
import { RawClient } from "../../packages/memcached/src/RawClient.fixture.ts"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { assaults, greed, named, seed, until, witness } from "./Attack.ts"

const connections = 3_000
const packetsEach = 8

const withNode = (use: (node: MemcachedNode, defects: Array<unknown>) => Promise<void>): Promise<void> => {
  const defects: Array<unknown> = []
  return Effect.runPromise(Effect.scoped(Effect.flatMap(
    serveMemcachedNode({ maxMemory: 8 * 1024 * 1024, onDefect: (defect) => defects.push(defect) }),
    (node) => Effect.promise(() => use(node, defects))
  )))
}

describe("the classic node", () => {
  it(`${connections} connections with ${packetsEach} packets each, mutated with seed ${seed}`, () =>
    withNode(async ({ server }, defects) => {
      const stop = await witness(server.port)
      const { refused, statuses } = await assaults(server.port, connections, packetsEach)
      const { answers, slowest } = await stop(100)
      await until(() => server.counters.connections === 0)
      const { malformed, misbehaved, requests } = server.counters
      console.log(
        `server (seed ${seed}): ${requests} requests, ${malformed} malformed, ${misbehaved} connections that misbehaved, ${refused} closed by `
          + `the server; statuses ${named(statuses)}; a witness had ${answers} right answers, the slowest after work of ${
            slowest.toFixed(0)
          } ms`
      )
      expect(defects).toEqual([])
      expect(requests).toBeGreaterThan(2_000)
      expect(misbehaved).toBeGreaterThan(100)
      // success, miss, exists, invalid, unknown: the corpus has them all
      for (const status of [0x00, 0x01, 0x02, 0x04, 0x81]) expect(statuses.get(status), `status ${status}`).toBeGreaterThan(0)
      expect(slowest).toBeLessThan(2_000)
    }))

  it("10 000 reads of a large value that nobody fetches hold no more than the limit", () =>
    withNode(async ({ server }, defects) => {
      await greed(server, () => RawClient.connect(server.port), "large")
      await until(() => server.counters.connections === 0)
      expect(defects).toEqual([])
    }))
})
