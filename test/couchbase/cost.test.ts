/**
 * No request costs more than n log n in anything that it can be large in: the cost of n, 2n and 4n, compared with each other.
 *
 * Times are never compared with the clock, only with each other, and generously: what is quadratic costs sixteen times as much at 4n.
 */
import { packet } from "../../packages/memcached/src/RawClient.fixture.ts"
import { couchbaseHandlers, memcachedHandlers, serveCouchbase, serveMemcachedNode, Store } from "@wirewright/embedded"
import { MemcachedStats } from "../../packages/embedded/src/MemcachedStats.ts"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ConnectionError } from "@wirewright/connection"
import { assert, describe, it } from "@effect/vitest"
import { type Cost, couchbaseCosts, type Measure, memcachedCosts } from "./Costs.fixture.ts"
import { connect, type Socket } from "node:net"
import { tried } from "../../packages/codec/src/Whole.fixture.ts"

/** A node to measure on. */
interface Measured<Prepared> {
  readonly port: number
  readonly prepared: Prepared
  /** What is sent first. */
  readonly greeting: ReadonlyArray<Uint8Array>
}

type Make<Prepared> = (of: Measure, n: number) => Effect.Effect<Measured<Prepared>, ConnectionError, Scope.Scope>

const couchbase: Make<ReturnType<typeof bucketOf>> = (of, n) =>
  Effect.map(
    serveCouchbase({ buckets: [{ name: "default", vbuckets: of === "vbuckets" ? n : 4, maxMemory: 2 ** 31 }] }),
    (node) => ({ port: node.port, prepared: bucketOf(node), greeting: [features, packet(0x89, { key: "default" })] })
  )
const bucketOf = (node: Effect.Success<ReturnType<typeof serveCouchbase>>) => node.buckets.get("default")!

const features = packet(0x1f, {
  key: "cost",
  value: Buffer.from("0004" + "0006" + "0007" + "0008" + "000a" + "000b" + "0010" + "0012", "hex")
})

const memcached: Make<Effect.Success<ReturnType<typeof serveMemcachedNode>>["store"]> = () =>
  Effect.map(serveMemcachedNode(), ({ server, store }) => ({ port: server.port, prepared: store, greeting: [] }))

const noop = packet(0x0a, { opaque: 0xfeed })

/** Bytes of an answer that are kept, the NOOP's included. */
const kept = 64

/** A connection that only looks at how an answer ends: what was read is not put together, which would cost more than the node does. */
class Listener {
  private readonly socket: Socket
  private tail = Buffer.alloc(0)
  private awaited = (): void => {}

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true })
    this.socket.on("data", (chunk) => {
      this.tail = Buffer.concat([this.tail, chunk.subarray(-kept)]).subarray(-kept)
      const last = this.tail.subarray(-24)
      if (last.length === 24 && last[0] === 0x81 && last[1] === 0x0a && last.readUInt32BE(12) === 0xfeed) this.awaited()
    })
    this.socket.on("error", () => {})
    this.socket.on("close", () => this.awaited())
  }

  /** Sends requests and waits for the answer to the NOOP after them, or for the end of the connection. Returns what came just before that. */
  async ask(...requests: ReadonlyArray<Uint8Array>): Promise<Uint8Array> {
    this.tail = Buffer.alloc(0)
    const answered = new Promise<void>((resolve) => this.awaited = resolve)
    for (const bytes of [...requests, noop]) this.socket.write(bytes)
    await answered
    return this.tail.subarray(0, -24)
  }

  close(): void {
    this.socket.destroy()
  }
}

/** Milliseconds that this process, and nobody else on the machine, works on a request. */
const timed = async (listener: Listener, request: Uint8Array): Promise<number> => {
  const before = process.cpuUsage()
  await listener.ask(request)
  const { system, user } = process.cpuUsage(before)
  return (system + user) / 1000
}

/** The least time of a few tries, each on a node of its own. */
const costOf = <Prepared>(make: Make<Prepared>, cost: Cost<Prepared>, n: number): Effect.Effect<number, ConnectionError> =>
  Effect.gen(function*() {
    let least = Infinity
    for (let attempt = 0; attempt < 2; attempt++) {
      const spent = yield* Effect.scoped(Effect.gen(function*() {
        const { greeting, port, prepared } = yield* make(cost.of, n)
        cost.prepare?.(prepared, n)
        return yield* Effect.promise(async () => {
          const listener = new Listener(port)
          try {
            const answered = await listener.ask(...greeting, ...cost.first?.(n) ?? [])
            return await timed(listener, cost.request(n, answered))
          } finally {
            listener.close()
          }
        })
      }))
      if (spent < least) least = spent
      // quick enough to say that it does not grow
      if (least < floor) break
    }
    return least
  })

/** Milliseconds below which nothing is measured. */
const floor = 10
/** 4n may cost so many times what n costs: 4 · (1 + 2 / log₂ n), and slack. */
const allowed = 10

/** Bytes and documents are so many that a part of them still tells what is quadratic. */
const sizeOf = ({ n, of }: { readonly n: number; readonly of: Measure }): number =>
  of === "bytes" || of === "documents" ? Math.ceil(n / tried(4, 1)) : n

const rows = <Prepared>(make: Make<Prepared>, costs: { readonly [name: string]: ReadonlyArray<Cost<Prepared>> | undefined }) => {
  for (const [name, all] of Object.entries(costs)) {
    all!.forEach((cost) =>
      it.live(`${name}: ${cost.what} (${cost.of})`, () =>
        Effect.gen(function*() {
          const seen: Array<string> = []
          // what is quadratic is so from any size; a collection of the whole heap, which costs at one of them, is not
          for (const scale of [1, 0.9, 0.75]) {
            const n = Math.max(1, Math.round(sizeOf(cost) * scale))
            const [one, two, four] = [yield* costOf(make, cost, n), yield* costOf(make, cost, 2 * n), yield* costOf(make, cost, 4 * n)]
            const small = Math.max(one, floor)
            if (two <= small * allowed / 2 && four <= small * allowed) return
            seen.push(`${n}: ${one.toFixed(1)} ms, ${2 * n}: ${two.toFixed(1)} ms, ${4 * n}: ${four.toFixed(1)} ms`)
          }
          assert.fail(seen.join("; "))
        }))
    )
  }
}

describe("a request to the Couchbase-like node costs no more than n log n", () => {
  rows(couchbase, couchbaseCosts)

  it("whatever the command", () => {
    assert.deepStrictEqual(Object.keys(couchbaseHandlers).sort(), Object.keys(couchbaseCosts).sort())
  })
})

describe("a request to the memcached-like node costs no more than n log n", () => {
  rows(memcached, memcachedCosts)

  it("whatever the command", () => {
    const world = {
      now: Date.now,
      version: "",
      maxItemSize: 0,
      maxMemory: 0,
      maxConnections: 0,
      idleTimeout: 0,
      itemSize: () => 0,
      settings: {}
    }
    const parts = { store: new Store(world), stats: new MemcachedStats(world), now: Date.now, version: "", flushes: true }
    const handlers = memcachedHandlers({ ...parts, group: () => Effect.succeed([]) })
    // no packet of the binary protocol reaches these; none of them looks at more than one item
    const textAlone = ["debug", "tooLarge", "verbosity"]
    assert.deepStrictEqual(Object.keys(handlers).sort(), [...Object.keys(memcachedCosts), ...textAlone].sort())
  })
})
