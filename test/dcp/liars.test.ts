/**
 * The consumer against producers that lie: what is held stays within the window, nothing is delivered that may be wrong, nothing is missed, and
 * what cannot get better is a typed failure. Producers that go back and forth for ever are in `VbucketFollower.test.ts`.
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import type { ChangesOptions } from "@wirewright/dcp"
import { settle } from "@wirewright/dcp/internal"
import { ended, failureOf, inWorld, type Run, type Script, until } from "./Harness.ts"
import { deafNoops, flood, outOfOrder } from "./Liars.ts"
import { type Played, plays } from "./Played.ts"

/** Connects again without waiting for a budget, and not because the node is silent. */
const often: ChangesOptions = { connectBudget: { burst: 100, perSecond: 100 }, noopInterval: "1 minute" }

/** What was delivered of vbucket 0. */
const told = (run: Run): ReadonlyArray<string> => run.brief(0)

/** The rest of the story as an honest node tells it. */
const honest = (stream: Played): unknown => stream.ok().marker(0, 3).items(1, 2, 3)

describe("a producer that ignores the window", () => {
  it("is not read while nobody takes what it sent, is alive meanwhile, and everything arrives once", () => {
    const window = 64 * 1024
    const [count, size] = [4096, 8 * 1024]
    return inWorld({ play: plays((stream) => flood(stream, count, size)) }, (world) =>
      Effect.gen(function*() {
        const gate = { open: false }
        const run = yield* world.consume({ window, noopInterval: "500 millis" }, (event) =>
          Effect.gen(function*() {
            while (!gate.open) yield* Effect.sleep(20)
            settle(event)
          }))
        yield* until(() => (run.consumer?.status.connections[0]?.overruns ?? 0) > 0, "the flood")
        let most = 0
        // several NOOPs long: whoever is not read is not dead
        for (let i = 0; i < 100; i++) {
          yield* Effect.sleep(25)
          most = Math.max(most, run.consumer.status.connections[0]?.outstanding ?? 0)
        }
        // of the 32 MiB no more than the window and what had been read at once
        expect(most).toBeGreaterThanOrEqual(window)
        expect(most).toBeLessThan(window + 512 * 1024)
        expect(run.consumer.status).toMatchObject({ disconnects: 0, streaming: 1 })
        gate.open = true
        yield* until(() => run.brief(0).length === count, "the rest", 60_000)
        expect(run.brief(0)).toEqual(Array.from({ length: count }, (_, i) => `M${i + 1}`))
        expect(run.consumer.status.disconnects).toBe(0)
      }))
  })
})

describe("a producer whose connection is given up", () => {
  const lies: ReadonlyArray<readonly [string, (stream: Played) => unknown]> = [
    ["sends an out-of-order snapshot that was not negotiated", (stream) => {
      outOfOrder(stream.ok(), "begin").items(3, 1)
      outOfOrder(stream, "end")
    }],
    ["ends an out-of-order snapshot that was not negotiated", (stream) => outOfOrder(stream.ok(), "end")],
    ["begins a stream with a change, before it says that the stream is open", (stream) => stream.item(1).ok().marker(0, 3).items(2, 3)],
    [
      "begins a stream with a marker, before it says that the stream is open",
      (stream) => stream.marker(0, 1).ok().items(1).marker(2, 3).items(2, 3)
    ],
    ["answers a request that was never made", (stream) => stream.ok().bytes(`810a${"00".repeat(10)}0000fff0${"00".repeat(8)}`)],
    ["sends a request that only clients of its kind get", (stream) => stream.ok().bytes(`830a${"00".repeat(22)}`)],
    ["sends NOOPs and reads no answer", (stream) => deafNoops(stream.ok())]
  ]
  it.each(lies)(
    "%s: nothing of it is delivered, and nothing is missed after it",
    (_, lie) =>
      inWorld({ play: plays(lie, honest) }, (world) =>
        Effect.gen(function*() {
          const run = yield* world.consume(often)
          yield* until(() => told(run).length >= 3, "what the honest one sends", 30_000)
          expect(told(run)).toEqual(["M1", "M2", "M3"])
          expect(run.consumer.status.disconnects).toBe(1)
        }))
  )
})

describe("a vbucket that is given up", () => {
  const lies: ReadonlyArray<readonly [string, (stream: Played) => unknown, ReadonlyArray<string>]> = [
    ["markers without end and no item", (stream) => {
      stream.ok()
      for (let i = 0; i < 2_000; i++) stream.marker(0, 10 + i)
    }, []],
    ["seqno-advanced beyond its marker", (stream) => stream.ok().marker(0, 9).advanced(10), []],
    ["seqno-advanced that goes back", (stream) => stream.ok().marker(0, 9).items(5).advanced(4), ["M5"]],
    ["seqno-advanced before any marker", (stream) => stream.ok().advanced(1), []]
  ]
  it.each(lies)(
    "%s: asked for once more, then a typed failure",
    (_, lie, delivered) =>
      inWorld({ vbuckets: 2, play: plays(lie) }, (world) =>
        Effect.gen(function*() {
          world.put("other", 1)
          const run = yield* world.consume()
          yield* until(() => run.brief(0).some((text) => text.startsWith("FAILED")), "the failure")
          expect(new Set(told(run))).toEqual(new Set([...delivered, "FAILED ProtocolViolation"]))
          expect(world.requests.get(0)!.length).toBeLessThanOrEqual(3)
          yield* until(() => run.brief(1).length === 1, "the other vbucket")
          yield* until(() => run.consumer.status.connections.every(({ outstanding }) => outstanding === 0), "the window")
        }))
  )
})

describe("messages of streams that nobody asked for", () => {
  it("are dropped, counted and acknowledged, however many", () =>
    inWorld({
      play: plays((stream) => {
        stream.ok().marker(0, 2).items(1)
        for (let i = 0; i < 2_000; i++) stream.item(9, { opaque: 0x7000 + i, size: 1_000 })
        stream.item(2)
      })
    }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume({ window: 64 * 1024 })
        yield* until(() => run.brief(0).length === 2, "both items")
        expect(run.brief(0)).toEqual(["M1", "M2"])
        yield* until(() => run.consumer.status.connections[0]!.outstanding === 0, "the window")
        expect(run.consumer.status.connections[0]).toMatchObject({ stale: 2_000, outstanding: 0 })
      })))
})

describe("odd answers to controls", () => {
  const answering = (key: string, status: number): Script => (connection, packet) => {
    if (packet._tag !== "DcpControl" || packet.key !== key) return false
    connection.failure(packet, status)
    return true
  }

  it.each([
    ["enable_noop", 0x04],
    ["set_noop_interval", 0x83],
    ["connection_buffer_size", 0x23],
    ["connection_buffer_size", 0xffff],
    ["supports_hifi_MFU", 0x07],
    ["v7_dcp_status_codes", 0x22]
  ])(
    "%s with status %i ends everything with a typed failure",
    (key, status) =>
      inWorld({ play: answering(key, status) }, (world) =>
        Effect.gen(function*() {
          const run = yield* world.consume(often)
          yield* ended(run)
          const failure = failureOf(run)
          assert(failure?._tag === "NegotiationRefused")
          expect(failure).toMatchObject({ request: key, status })
          expect(run.all).toEqual([])
        }))
  )

  it.each([["supports_hifi_MFU", 0x04], ["max_marker_version", 0x83], ["v7_dcp_status_codes", 0x81]])(
    "%s with status %i is gone without",
    (key, status) =>
      inWorld({ play: answering(key, status) }, (world) =>
        Effect.gen(function*() {
          world.put("a")
          const run = yield* world.consume()
          yield* until(() => run.brief(0).length === 1, "the item")
          expect(run.consumer.status.disconnects).toBe(0)
        }))
  )
})
