/**
 * Clients that mean harm against the proxy, over TCP, while others use the same upstream connection: mutated packets, slow headers, lengths
 * that lie, and greed. Typed ends or right statuses, no defect, bounded memory, and a witness that notices nothing: above all, nothing that
 * a client sends may cost another client the connection to the upstream. Replay with WIREWRIGHT_SEED.
 */
import { type MemcachedNode, serveCouchbase, serveMemcachedNode } from "@wirewright/embedded"
import { packet, RawClient } from "../../packages/memcached/src/RawClient.fixture.ts"
import { type Proxy, type ProxyOptions, serveProxy } from "@wirewright/proxy"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import { assaults, held, named, seed, until, witness } from "./Attack.ts"

const connections = 1_500
const packetsEach = 8

type Options = Omit<Partial<ProxyOptions>, "upstream">

/** Behind so much that is large, on a machine that is busy, everybody's requests take longer than the default: who waits for what is not asked here. */
const requestTimeout = "1 minute"

const withProxy = (use: (proxy: Proxy, node: MemcachedNode) => Promise<void>, options: Options = {}): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const node = yield* serveMemcachedNode({ maxMemory: 8 * 1024 * 1024 })
    const proxy = yield* serveProxy({ connections: 1, requestTimeout, ...options, upstream: `memcached://127.0.0.1:${node.server.port}` })
    yield* Effect.promise(() => use(proxy, node))
    expect(proxy.counters.server.defects).toBe(0)
    expect(node.server.counters.defects).toBe(0)
  })))

const withBucket = (use: (proxy: Proxy) => Promise<void>): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const node = yield* serveCouchbase({ users: [{ name: "app", password: Redacted.make("secret") }] })
    const proxy = yield* serveProxy({ requestTimeout, upstream: `couchbase://app:secret@127.0.0.1:${node.port}/default` })
    yield* Effect.promise(() => use(proxy))
    expect(proxy.counters.server.defects).toBe(0)
  })))

const besiege = async (proxy: Proxy): Promise<void> => {
  const stop = await witness(proxy.port)
  const { refused, statuses } = await assaults(proxy.port, connections, packetsEach)
  const { answers, slowest } = await stop(100)
  await until(() => proxy.counters.server.connections === 0)
  const { malformed, misbehaved, requests } = proxy.counters.server
  console.log(
    `proxy (seed ${seed}): ${requests} requests, ${malformed} malformed, ${misbehaved} connections that misbehaved, ${refused} closed by the `
      + `proxy; statuses ${named(statuses)}; a witness had ${answers} right answers, the slowest after work of ${slowest.toFixed(0)} ms`
  )
  for (const status of [0x00, 0x01, 0x04, 0x81]) expect(statuses.get(status), `status ${status}`).toBeGreaterThan(0)
  // nothing was lost upstream: no temporary failure, no internal error, no outcome that nobody knows
  for (const status of [0x84, 0x86]) expect(statuses.get(status), `status ${status}`).toBe(undefined)
  expect(proxy.counters.closed.OutcomeUnknown).toBe(0)
  expect(misbehaved).toBeGreaterThan(50)
  expect(slowest).toBeLessThan(2_000)
}

describe("the proxy", () => {
  it(`${connections} connections with ${packetsEach} packets each, mutated with seed ${seed}, in front of memcached`, () =>
    withProxy(async (proxy, node) => {
      // one for binary packets, one for what text clients ask
      expect(node.server.counters.accepted).toBe(2)
      await besiege(proxy)
      // the connections that all clients share are still the first ones
      expect(node.server.counters.accepted).toBe(2)
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
      await stop(10)
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

  it("2 000 reads of a large value that nobody fetches hold no more than the limit; read, they all come", () =>
    withProxy(async (proxy) => {
      const setup = await RawClient.connect(proxy.port)
      setup.send(packet(0x01, { key: "large", extras: "0000000000000000", value: new Uint8Array(50_000) }))
      await setup.packets(1)
      const stop = await witness(proxy.port)
      const before = held()
      const greedy = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(proxy.port)))
      const reads = Buffer.concat(Array.from({ length: 2_000 }, (_, opaque) => packet(0x00, { key: "large", opaque })))
      for (const client of greedy) {
        client.socket.pause()
        client.send(reads)
      }
      const answered = () => proxy.counters.opcodes["GET"]?.answers ?? 0
      for (let before = -1; before !== answered();) {
        before = answered()
        await new Promise((resolve) => setTimeout(resolve, 300))
      }
      // answered, it would be 500 MB; each may have 16 MiB, of which the kernel takes some, too
      expect(held() - before).toBeLessThan(5 * 32 * 1024 * 1024)
      expect(answered()).toBeLessThan(5 * 700)
      // it is answered while they are waiting
      const { slowest } = await stop(20)
      expect(slowest).toBeLessThan(1_500)
      const [patient, ...others] = greedy
      for (const client of [...others, setup]) client.close()
      patient!.socket.resume()
      for (let opaque = 0; opaque < 2_000; opaque++) {
        const [answer] = await patient!.packets(1)
        if (answer!.readUInt32BE(12) !== opaque || answer!.length !== 50_028) throw new Error(`answer ${opaque} is wrong`)
      }
      patient!.close()
      await until(() => proxy.counters.server.connections === 0)
      expect(proxy.counters.closed.OutputLimit).toBe(0)
    }))
})
