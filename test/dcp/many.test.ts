/** Many vbuckets on one connection, and a consumer that is slower than its producer. */
import { Dcp } from "@wirewright/dcp"
import { eventsOf, settle, start } from "@wirewright/dcp/internal"
import * as Gen from "@wirewright/dcp/gen"
import type { NodeClient } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { expect, it } from "vitest"
import { serve } from "../peers/Serve.ts"
import { inWorld, until } from "./Harness.ts"

it("SC-23 SC-99 1 024 vbuckets: at most 64 stream requests in flight", () => {
  const pending: Array<() => void> = []
  let most = 0
  const later = (connection: NodeClient, packet: Gen.DcpStreamRequest): void => {
    pending.push(() =>
      connection.reply((writer) =>
        Gen.encodeDcpStreamRequestResponse(writer, { opaque: packet.opaque, failoverLog: [{ vbucketUuid: 1n, seqno: 0n }] })
      )
    )
    most = Math.max(most, pending.length)
    if (pending.length === 1) setTimeout(() => pending.splice(0).forEach((answer) => answer()), 5)
  }
  return inWorld({
    vbuckets: 1024,
    play: (connection, packet) => {
      if (packet._tag !== "DcpStreamRequest") return false
      later(connection, packet)
      return true
    }
  }, (world) =>
    Effect.gen(function*() {
      const run = yield* world.consume()
      yield* until(() => run.consumer?.status.streaming === 1024, "1 024 streams", 20_000)
      expect(most).toBe(64)
      expect(run.consumer.status.connections).toHaveLength(1)
    }))
})

it("256 vbuckets that are stopped ask for no connection again: what runs for that is in proportion", () =>
  inWorld({ vbuckets: 256 }, (world) =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const run = yield* Scope.provide(world.consume(), scope)
      yield* until(() => run.consumer?.status.streaming === 256, "256 streams", 20_000)
      // fibers are numbered as they begin
      const number = Effect.map(Effect.forkChild(Effect.void), ({ id }) => id)
      const before = yield* number
      yield* Scope.close(scope, Exit.void)
      expect((yield* number) - before).toBeLessThan(4 * 256)
    })))

it("SC-99 1 024 vbuckets of a node in another process: each in its order, and what an idle one takes", async () => {
  const { ready, stop } = await serve(["--vbuckets", "1024"])
  try {
    const { KvClient } = await import("../../packages/couchbase/src/KvClient.ts")
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const seeds = [{ host: "127.0.0.1", port: ready["port"] as number }] as const
      const kv = yield* KvClient.make({ seeds, bucket: "default" })
      const documents = 10_000
      yield* Effect.forEach(Array.from({ length: documents }), (_, i) => kv.upsert(`k${i}`, { i }), { concurrency: 256, discard: true })
      const layer = Dcp.layer({ seeds, bucket: "default" })
      setFlagsFromString("--expose-gc")
      const collect = runInNewContext("gc") as () => void
      collect()
      const before = process.memoryUsage().heapUsed
      const seen = new Map<number, bigint>()
      let count = 0
      const consumer = yield* Effect.provide(start({ from: "beginning" }), layer)
      const events = eventsOf(consumer)
      yield* Effect.forkScoped(Stream.runForEachArray(events, (some) =>
        Effect.sync(() => {
          for (const event of some) {
            settle(event)
            if (event._tag !== "Mutation") continue
            count++
            if (event.seqno <= (seen.get(event.vbucket) ?? 0n)) throw new Error(`vbucket ${event.vbucket} goes back`)
            seen.set(event.vbucket, event.seqno)
          }
        })))
      yield* until(() => consumer.status.streaming === 1024 && count === documents, "all of it", 20_000)
      expect(consumer.status.connections).toHaveLength(1)
      collect()
      const each = (process.memoryUsage().heapUsed - before) / 1024
      console.log(`an open vbucket takes ${(each / 1024).toFixed(1)} KiB of heap`)
      expect(each).toBeLessThan(32 * 1024)
    })))
  } finally {
    await stop()
  }
})

it("SC-69 a document larger than the window", () =>
  inWorld({}, (world) =>
    Effect.gen(function*() {
      world.put("large", 0, 20_000_000)
      world.put("small")
      const run = yield* world.consume({ window: 1024 * 1024 })
      yield* until(() => run.brief(0).length === 2, "both", 20_000)
      expect(run.consumer.status.disconnects).toBe(0)
    })), 30_000)

it("SC-71 batches of more than the window do not wait for one another", () =>
  inWorld({}, (world) =>
    Effect.gen(function*() {
      for (let i = 0; i < 20_000; i++) world.put(`k${i}`)
      const layer = Dcp.layer({ seeds: [{ host: "127.0.0.1", port: world.node.port }], bucket: "default" })
      const batches = yield* Dcp.changes({ from: "beginning", to: "now", window: 65_536 }).pipe(
        Stream.filter(({ _tag }) => _tag === "Mutation"),
        Stream.grouped(10_000),
        Stream.runCollect,
        Effect.provide(layer)
      )
      expect(batches.map(({ length }) => length)).toEqual([10_000, 10_000])
    })), 30_000)

it(
  "SC-70 a slow sink: the window is never exceeded by more than one message, and nothing breaks",
  () =>
    inWorld({}, (world) =>
      Effect.gen(function*() {
        for (let i = 0; i < 50_000; i++) world.put(`k${i}`, 0, 200)
        const window = 256 * 1024
        let outstanding = 0
        const run = yield* world.consume({ window, noopInterval: 500 }, (event) =>
          Effect.andThen(
            Effect.sleep(10),
            Effect.sync(() => {
              outstanding = Math.max(outstanding, world.node.producers.all[0]!.window.outstanding)
              settle(event)
            })
          ))
        yield* Effect.sleep(4_000)
        expect(run.consumer.status.disconnects).toBe(0)
        // one message: 24 + 31 + 1 + 6 + 200
        expect(outstanding).toBeGreaterThanOrEqual(window)
        expect(outstanding).toBeLessThan(window + 262)
        expect(run.consumer.status.connections[0]!.noops).toBeGreaterThan(3)
        // who keeps to the window is not taken for one who does not
        expect(run.consumer.status.connections[0]!.overruns).toBe(0)
        expect(run.consumer.status.waiting).toBeLessThan(window / 258 + 2)
      })),
  20_000
)
