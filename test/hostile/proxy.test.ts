/**
 * Clients that mean harm against the proxy, over TCP, while others use the same upstream connection: mutated packets, slow headers, lengths
 * that lie, and greed. Typed ends or right statuses, no defect, bounded memory, and a witness that notices nothing: above all, nothing that
 * a client sends may cost another client the connection to the upstream. Replay with WIREWRIGHT_SEED.
 */
import { bytesOfDigits } from "@wirewright/codec"
import { serveCouchbase } from "@wirewright/embedded/CouchbaseNode"
import { type MemcachedNode, serveMemcachedNode } from "@wirewright/embedded/MemcachedNode"
import { packet, RawClient } from "@wirewright/memcached/RawClient.fixture"
import { type Proxy, type ProxyOptions, serve } from "@wirewright/proxy/Proxy"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import { packetVectors, specExamples } from "../conformance/Vectors.fixture.ts"
import { assault, statusesOf, streamOf } from "./Attack.ts"

const seed = Number(process.env["WIREWRIGHT_SEED"] ?? 20_261_121)
const connections = 1_500
const packetsEach = 8

const corpus = [...specExamples.map(({ bytes }) => bytes), ...packetVectors.map(({ hex }) => bytesOfDigits(hex))]
  .filter((bytes) => bytes[0] === 0x80 || bytes[0] === 0x08)

type Options = Omit<Partial<ProxyOptions>, "upstream">

const withProxy = (use: (proxy: Proxy, node: MemcachedNode) => Promise<void>, options: Options = {}): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const node = yield* serveMemcachedNode({ maxMemory: 8 * 1024 * 1024 })
    const proxy = yield* serve({ connections: 1, ...options, upstream: `memcached://127.0.0.1:${node.server.port}` })
    yield* Effect.promise(() => use(proxy, node))
    expect(proxy.counters.server.defects).toBe(0)
    expect(node.server.counters.defects).toBe(0)
  })))

const withBucket = (use: (proxy: Proxy) => Promise<void>): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const node = yield* serveCouchbase({ users: [{ name: "app", password: Redacted.make("secret") }] })
    const proxy = yield* serve({ upstream: `couchbase://app:secret@127.0.0.1:${node.port}/default` })
    yield* Effect.promise(() => use(proxy))
    expect(proxy.counters.server.defects).toBe(0)
  })))

const until = async (condition: () => boolean): Promise<void> => {
  for (let i = 0; !condition() && i < 1_000; i++) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(condition()).toBe(true)
}

/** Asks the upstream through the proxy all the time; every answer must be right. */
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
      const [opaque, status] = [answer!.readUInt32BE(12), answer!.readUInt16BE(6)]
      if (opaque !== answers || status !== 0) throw new Error(`answer ${opaque} with status ${status}, expected answer ${answers}`)
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

const held = (): number => {
  globalThis.gc?.()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return arrayBuffers + heapUsed
}

const besiege = async (proxy: Proxy): Promise<void> => {
  const stop = await witness(proxy.port)
  const statuses = new Map<number, number>()
  let refused = 0
  for (let i = 0; i < connections; i += 20) {
    const seeds = Array.from({ length: 20 }, (_, j) => seed * 7_919 + i + j)
    for (const reaction of await Promise.all(seeds.map((one) => assault(proxy.port, streamOf(corpus, one, packetsEach))))) {
      if (reaction.refused) refused++
      for (const status of statusesOf(reaction)) statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  const { answers, slowest } = await stop()
  await until(() => proxy.counters.server.connections === 0)
  const { malformed, misbehaved, requests } = proxy.counters.server
  const named = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `0x${status.toString(16)} ${count}`)
  console.log(
    `proxy (seed ${seed}): ${requests} requests, ${malformed} malformed, ${misbehaved} connections that misbehaved, ${refused} closed by the `
      + `proxy; statuses ${named.join(", ")}; a witness had ${answers} right answers, the slowest after ${slowest.toFixed(0)} ms`
  )
  for (const status of [0x00, 0x01, 0x04, 0x83]) expect(statuses.get(status), `status ${status}`).toBeGreaterThan(0)
  // nothing was lost upstream: no temporary failure, no internal error, no outcome that nobody knows
  for (const status of [0x84, 0x86]) expect(statuses.get(status), `status ${status}`).toBe(undefined)
  expect(proxy.counters.closed.OutcomeUnknown).toBe(0)
  expect(misbehaved).toBeGreaterThan(50)
  expect(answers).toBeGreaterThan(100)
  expect(slowest).toBeLessThan(2_000)
}

describe("the proxy", () => {
  it(`${connections} connections with ${packetsEach} packets each, mutated with seed ${seed}, in front of memcached`, () =>
    withProxy(async (proxy, node) => {
      await besiege(proxy)
      // the connection that all clients share is still the first one
      expect(node.server.counters.accepted).toBe(1)
    }))

  it("the same in front of a bucket", () => withBucket(besiege))

  it("a header that comes too slowly ends its connection and no other", () =>
    withProxy(async (proxy) => {
      const stop = await witness(proxy.port)
      const slow = await RawClient.connect(proxy.port)
      const request = packet(0x0b)
      let sent = 0
      const timer = setInterval(() => slow.send(request.subarray(sent, ++sent)), 40)
      expect((await slow.rest()).length).toBe(0)
      clearInterval(timer)
      expect(sent).toBeLessThan(24)
      expect(proxy.counters.server.timeouts).toBe(1)
      expect((await stop()).answers).toBeGreaterThan(10)
    }, { listen: { headerTimeout: "200 millis" } }))

  it("a length of 4 GiB ends the connection at once, behind the answers before it; one at the limit is awaited", () =>
    withProxy(async (proxy) => {
      const before = held()
      const bomb = packet(0x01, { key: "k", extras: "0000000000000000" })
      bomb.writeUInt32BE(0xffff_ffff, 8)
      const client = await RawClient.connect(proxy.port)
      client.send(Buffer.concat([packet(0x0a, { opaque: 7 }), bomb]))
      expect((await client.rest()).readUInt32BE(12)).toBe(7)
      for (const over of [0, 1]) {
        bomb.writeUInt32BE(1_024 + over, 8)
        const other = await RawClient.connect(proxy.port)
        other.send(bomb)
        if (over === 1) expect((await other.rest()).length).toBe(0)
        else {
          other.send(Buffer.alloc(1_024 - 9, 0x20))
          expect((await other.packets(1))[0]!.readUInt16BE(6)).toBe(0)
          other.close()
        }
      }
      expect(proxy.counters.server.misbehaved).toBe(2)
      expect(held() - before).toBeLessThan(8 * 1024 * 1024)
    }, { listen: { maxFrame: 1_024 + 24 } }))

  it("10 000 reads of a large value that nobody fetches hold no more than the limit; read, they all come", () =>
    withProxy(async (proxy) => {
      const setup = await RawClient.connect(proxy.port)
      setup.send(packet(0x01, { key: "large", extras: "0000000000000000", value: new Uint8Array(50_000) }))
      await setup.packets(1)
      const stop = await witness(proxy.port)
      const before = held()
      const greedy = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(proxy.port)))
      const reads = Buffer.concat(Array.from({ length: 10_000 }, (_, opaque) => packet(0x00, { key: "large", opaque })))
      for (const client of greedy) {
        client.socket.pause()
        client.send(reads)
      }
      const answered = () => proxy.counters.opcodes["GET"]?.answers ?? 0
      for (let before = -1; before !== answered();) {
        before = answered()
        await new Promise((resolve) => setTimeout(resolve, 300))
      }
      // answered, it would be 2.5 GB; each may have 16 MiB, of which the kernel takes some, too
      expect(held() - before).toBeLessThan(5 * 32 * 1024 * 1024)
      expect(answered()).toBeLessThan(5 * 700)
      const { answers, slowest } = await stop()
      expect(answers).toBeGreaterThan(20)
      expect(slowest).toBeLessThan(1_500)
      const [patient, ...others] = greedy
      for (const client of [...others, setup]) client.close()
      patient!.socket.resume()
      for (let opaque = 0; opaque < 10_000; opaque++) {
        const [answer] = await patient!.packets(1)
        if (answer!.readUInt32BE(12) !== opaque || answer!.length !== 50_028) throw new Error(`answer ${opaque} is wrong`)
      }
      patient!.close()
      await until(() => proxy.counters.server.connections === 0)
      expect(proxy.counters.closed.OutputLimit).toBe(0)
    }))
})
