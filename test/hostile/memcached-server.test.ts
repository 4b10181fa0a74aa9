/**
 * Clients that mean harm against the classic node, over TCP: mutated packets, and greed. Typed ends or right statuses, no defect, bounded
 * memory, and a well-behaved client beside them that notices nothing. Replay with WIREWRIGHT_SEED.
 */
import { bytesOfDigits } from "@wirewright/codec"
import { type MemcachedNode, serveMemcachedNode } from "@wirewright/embedded/MemcachedNode"
import { packet, RawClient } from "@wirewright/memcached/RawClient.fixture"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { packetVectors, specExamples } from "../conformance/Vectors.fixture.ts"
import { assault, statusesOf, streamOf } from "./Attack.ts"

const seed = Number(process.env["WIREWRIGHT_SEED"] ?? 20_261_121)
const connections = 3_000
const packetsEach = 8

/** All requests that are known, of all dialects. Responses and the rest come about by mutation. */
const corpus = [...specExamples.map(({ bytes }) => bytes), ...packetVectors.map(({ hex }) => bytesOfDigits(hex))]
  .filter((bytes) => bytes[0] === 0x80 || bytes[0] === 0x08)

const withNode = (use: (node: MemcachedNode, defects: Array<unknown>) => Promise<void>): Promise<void> => {
  const defects: Array<unknown> = []
  return Effect.runPromise(Effect.scoped(Effect.flatMap(
    serveMemcachedNode({ maxMemory: 8 * 1024 * 1024, onDefect: (defect) => defects.push(defect) }),
    (node) => Effect.promise(() => use(node, defects))
  )))
}

/** Asks for the version all the time; the slowest answer in milliseconds when it is stopped. */
const witness = async (port: number): Promise<() => Promise<{ readonly answers: number; readonly slowest: number }>> => {
  const client = await RawClient.connect(port)
  let going = true
  let answers = 0
  let slowest = 0
  const asking = (async () => {
    while (going) {
      const begun = performance.now()
      client.send(packet(0x0b, { opaque: ++answers }))
      const [answer] = await client.packets(1)
      if (answer!.readUInt32BE(12) !== answers || answer!.subarray(24).toString() !== "1.6.18") throw new Error("a wrong answer")
      slowest = Math.max(slowest, performance.now() - begun)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  })()
  return async () => {
    going = false
    await asking
    client.close()
    return { answers, slowest }
  }
}

const until = async (condition: () => boolean): Promise<void> => {
  for (let i = 0; !condition() && i < 1_000; i++) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(condition()).toBe(true)
}

const held = (): number => {
  globalThis.gc?.()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return arrayBuffers + heapUsed
}

describe("the classic node", () => {
  it(`${connections} connections with ${packetsEach} packets each, mutated with seed ${seed}`, () =>
    withNode(async ({ server }, defects) => {
      const stop = await witness(server.port)
      const statuses = new Map<number, number>()
      let refused = 0
      for (let i = 0; i < connections; i += 20) {
        const seeds = Array.from({ length: 20 }, (_, j) => seed * 7_919 + i + j)
        const reactions = await Promise.all(seeds.map((one) => assault(server.port, streamOf(corpus, one, packetsEach))))
        for (const reaction of reactions) {
          if (reaction.refused) refused++
          for (const status of statusesOf(reaction)) statuses.set(status, (statuses.get(status) ?? 0) + 1)
        }
      }
      const { answers, slowest } = await stop()
      await until(() => server.counters.connections === 0)
      const { malformed, misbehaved, requests } = server.counters
      const named = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `0x${status.toString(16)} ${count}`)
      console.log(
        `server (seed ${seed}): ${requests} requests, ${malformed} malformed, ${misbehaved} connections that misbehaved, ${refused} closed by `
          + `the server; statuses ${named.join(", ")}; a witness had ${answers} right answers, the slowest after ${slowest.toFixed(0)} ms`
      )
      expect(defects).toEqual([])
      expect(requests).toBeGreaterThan(2_000)
      expect(misbehaved).toBeGreaterThan(100)
      // success, miss, exists, invalid, unknown: the corpus has them all
      for (const status of [0x00, 0x01, 0x02, 0x04, 0x81]) expect(statuses.get(status), `status ${status}`).toBeGreaterThan(0)
      expect(answers).toBeGreaterThan(100)
      expect(slowest).toBeLessThan(2_000)
    }))

  it("10 000 reads of a large value that nobody fetches hold no more than the limit", () =>
    withNode(async ({ server }, defects) => {
      const setup = await RawClient.connect(server.port)
      setup.send(packet(0x01, { key: "large", extras: "0000000000000000", value: new Uint8Array(500_000) }))
      await setup.packets(1)
      const stop = await witness(server.port)
      const before = held()
      const greedy = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(server.port)))
      const reads = Buffer.concat(Array.from({ length: 10_000 }, (_, opaque) => packet(0x00, { key: "large", opaque })))
      for (const client of greedy) {
        client.socket.pause()
        client.send(reads)
      }
      await new Promise((resolve) => setTimeout(resolve, 500))
      // 5 times: 4 MiB of output, one answer too many, buffers of input; answered, it would be 25 GB
      expect(held() - before).toBeLessThan(5 * 10 * 1024 * 1024)
      expect(server.counters.requests).toBeLessThan(1_000)
      const { answers, slowest } = await stop()
      expect(answers).toBeGreaterThan(20)
      expect(slowest).toBeLessThan(1_000)
      for (const client of [...greedy, setup]) client.close()
      await until(() => server.counters.connections === 0)
      expect(defects).toEqual([])
    }))
})
