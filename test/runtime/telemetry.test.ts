/** What clients and servers tell of themselves: spans and metrics by the names of OpenTelemetry, and frames. */
import { encodeWith } from "@wirewright/codec"
import { Client, Server } from "@wirewright/connection"
import { clientRows } from "@wirewright/connection/MetricTable"
import { MemoryLink } from "@wirewright/connection/testing"
import * as Acme from "@wirewright/examples/gen"
import { classicHandlers } from "@wirewright/memcached"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { describe, expect, it } from "vitest"

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.provideService(Effect.scoped(effect), Metric.MetricRegistry, new Map()))

const handlers = {
  LengthOf: () => Effect.fail(Server.refusal(Acme.Status.KeyEnoent)),
  ...classicHandlers({ stats: () => Effect.succeed([["a", "1"], ["b", "2"]]), version: () => Effect.never })
}

const pair = (options: object = {}, served: object = {}) =>
  Effect.gen(function*() {
    const server = yield* Server.make(Acme, handlers, { listen: false, ...served })
    const link = yield* MemoryLink.make(server.accept)
    return { link, acme: yield* Client.make(Acme, { ...link.transport, ...options }) }
  })

type Acme = Effect.Success<ReturnType<typeof pair>>["acme"]

/** A success, a failure by status, many answers, and a time-out. */
const conversation = (acme: Acme) =>
  Effect.gen(function*() {
    yield* acme.call(Acme.Noop)
    yield* Effect.ignore(acme.call(Acme.LengthOf, { key: "none" }))
    yield* Stream.runDrain(acme.stream(Acme.Stat, { group: "" }))
    yield* Effect.ignore(acme.call(Acme.Version, {}, { timeout: 20 }))
  })

/** Series by name: their attributes without those that all of these have, and their counts or values. */
const snapshot = Effect.map(Metric.snapshot, (all) => {
  const found: Record<string, Array<readonly [attributes: object, value: number]>> = {}
  for (const { attributes = {}, id, state } of all) {
    const own = Object.fromEntries(Object.entries(attributes).filter(([name, value]) => common[name] !== value && name !== "unit"))
    const value = "count" in state ? Number(state.count) : "value" in state ? Number(state.value) : NaN
    found[id] = [...found[id] ?? [], [own, value] as const]
  }
  return found
})

const common: { readonly [name: string]: string } = {
  "network.protocol.name": "measured",
  "rpc.system.name": "measured",
  "server.address": "memory",
  "server.port": "0"
}

const { call, connections, inFlight, io, lateAnswers, reconnects } = clientRows

describe("metrics", () => {
  it("count requests by what became of them, until clients are gone and after; gauges go with them", () =>
    run(Effect.gen(function*() {
      const calls = [
        [{ "rpc.method": "Noop" }, 1],
        [{ "rpc.method": "LengthOf", "error.type": "KeyEnoent" }, 1],
        [{ "rpc.method": "Stat" }, 1],
        [{ "rpc.method": "Version", "error.type": "RequestTimeout" }, 1]
      ]
      yield* Effect.scoped(Effect.gen(function*() {
        const { acme } = yield* pair()
        yield* conversation(acme)
        const there = yield* snapshot
        expect(there[call.name]).toEqual(calls)
        expect([there[connections.name], there[inFlight.name], there[lateAnswers.name]]).toEqual([[[{}, 1]], [[{}, 0]], [[{}, 0]]])
        const { bytesReceived, bytesSent } = yield* acme.counters
        // four requests have a header of 24 bytes each
        expect(bytesSent).toBeGreaterThanOrEqual(4 * 24)
        expect(there[io.name]).toEqual([
          [{ "network.io.direction": "transmit" }, bytesSent],
          [{ "network.io.direction": "receive" }, bytesReceived]
        ])
      }))
      const after = yield* snapshot
      expect(after[call.name]).toEqual(calls)
      expect([after[connections.name], after[inFlight.name]]).toEqual([undefined, undefined])
    })))

  it("say how long a request took: at least as long as its time-out, and in the bucket of that", () =>
    run(Effect.gen(function*() {
      const { acme } = yield* pair()
      yield* Effect.ignore(acme.call(Acme.Version, {}, { timeout: 120 }))
      const [{ state }] = (yield* Metric.snapshot).filter(({ id }) => id === call.name) as unknown as [{ state: Metric.HistogramState }]
      expect(state.sum).toBeGreaterThanOrEqual(0.119)
      expect(state.buckets.find(([bound]) => bound === 0.1)).toEqual([0.1, 0])
      expect([state.count, state.min, state.max]).toEqual([1, state.sum, state.sum])
    })))

  it("of a request that is interrupted there are none, whether it is answered or not", () =>
    run(Effect.gen(function*() {
      const { acme } = yield* pair()
      yield* Effect.ignore(Effect.timeoutOption(acme.call(Acme.Version, {}, { timeout: 40 }), 5))
      yield* Effect.sleep(80)
      expect((yield* snapshot)[call.name]).toBe(undefined)
    })))

  it("of clients of one server are one series: sums, those that are gone among them", () =>
    run(Effect.gen(function*() {
      const one = yield* pair()
      yield* Effect.scoped(Effect.gen(function*() {
        const { acme, link } = yield* pair({ reconnect: { initialDelay: 1, jitter: false } })
        expect((yield* snapshot)[connections.name]).toEqual([[{}, 2]])
        link.cut()
        while ((yield* acme.counters).reconnects === 0) yield* Effect.sleep(1)
        yield* acme.call(Acme.Noop)
      }))
      yield* one.acme.call(Acme.Noop)
      const after = yield* snapshot
      expect([after[call.name], after[connections.name], after[reconnects.name]]).toEqual([
        [[{ "rpc.method": "Noop" }, 2]],
        [[{}, 1]],
        [[{}, 1]]
      ])
    })))

  it("are not published where that is not wanted", () =>
    run(Effect.gen(function*() {
      yield* conversation((yield* pair({ metrics: false }, { metrics: false })).acme)
      expect(yield* snapshot).toEqual({})
    })))
})

describe("log lines", () => {
  it("say that a server is lost and found again, with cause and attempt, once each", () =>
    Effect.gen(function*() {
      const lines: Array<readonly [level: string, message: unknown, annotations: object]> = []
      const logger = Logger.make(({ fiber, logLevel, message }) => {
        lines.push([logLevel, message, fiber.getRef(References.CurrentLogAnnotations)])
      })
      yield* Effect.gen(function*() {
        const { acme, link } = yield* pair({ reconnect: { initialDelay: 1, jitter: false } })
        link.cut()
        while ((yield* acme.counters).reconnects < 1) yield* Effect.sleep(1)
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([logger])))
      expect(lines).toMatchObject([
        ["Warn", ["server lost"], { server: "memory:0", cause: expect.any(String) }],
        ["Info", ["server found again"], { server: "memory:0", attempt: 1, milliseconds: expect.any(Number) }]
      ])
    }).pipe(Effect.scoped, run))
})

describe("spans", () => {
  it("have the command, the server and what a request failed of; without a tracer, or unwanted, none is made", () =>
    run(Effect.gen(function*() {
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      yield* Effect.withTracer(conversation((yield* pair({ spans: false })).acme), tracer)
      // a span that nobody looks at has no children
      const parents: Array<unknown> = []
      const seen = Effect.map(Effect.option(Effect.currentSpan), (span) => void parents.push(span))
      yield* Effect.withSpan(Effect.andThen(conversation((yield* pair()).acme), seen), "parent")
      expect([spans, parents.length]).toEqual([[], 1])
      yield* Effect.withTracer(conversation((yield* pair()).acme), tracer)
      expect(spans.map(({ kind, name, status }) => [kind, name, status._tag])).toEqual([
        ["client", "measured.Noop", "Ended"],
        ["client", "measured.LengthOf", "Ended"],
        ["client", "measured.Stat", "Ended"],
        ["client", "measured.Version", "Ended"]
      ])
      const attributes = spans.map((span) => Object.fromEntries(span.attributes))
      const shared = {
        "rpc.system.name": "measured",
        "network.protocol.name": "measured",
        "server.address": "memory",
        "server.port": 0
      }
      expect(attributes).toEqual([
        { ...shared, "rpc.method": "Noop" },
        { ...shared, "rpc.method": "LengthOf", "error.type": "KeyEnoent" },
        { ...shared, "rpc.method": "Stat" },
        { ...shared, "rpc.method": "Version", "error.type": "RequestTimeout" }
      ])
    })))
})

describe("taps", () => {
  it("see each frame of both ends, as it was sent", () =>
    run(Effect.gen(function*() {
      const seen: Record<string, Array<string>> = { asked: [], answered: [], arrived: [], replied: [] }
      const note = (name: string) => (frame: Uint8Array) => void seen[name]!.push(Buffer.from(frame).toString("hex"))
      const clients: Array<string> = []
      yield* Effect.scoped(Effect.gen(function*() {
        const { acme } = yield* pair({ tap: { sent: note("asked"), received: note("answered") } }, {
          tap: {
            received: note("arrived"),
            sent: note("replied"),
            opened: ({ id }: { id: number }) => clients.push(`opened ${id}`),
            closed: ({ id }: { id: number }) => clients.push(`closed ${id}`)
          }
        })
        yield* acme.call(Acme.Noop)
        yield* acme.call(Acme.Set, { key: "k", flags: 0, expiration: 0, value: new Uint8Array(3) }).pipe(Effect.ignore)
      }))
      expect(seen.asked).toHaveLength(2)
      // memcached's NOOP: magic 0x80, opcode 0x0a, and nothing else but its opaque
      expect(seen.asked![0]).toMatch(/^800a0{20}.{8}0{16}$/)
      expect(seen.arrived).toEqual(seen.asked)
      expect(seen.answered).toEqual(seen.replied)
      expect(seen.answered).toHaveLength(2)
      expect(seen.answered![0]).toMatch(/^810a/)
      yield* Effect.sleep(20)
      expect(clients).toEqual(["opened 1", "closed 1"])
    })))

  it("leave what cannot be written unsent, as without them", () =>
    run(Effect.gen(function*() {
      const sent: Array<number> = []
      const { acme } = yield* pair({ tap: { sent: (frames: Uint8Array) => void sent.push(frames.length) } })
      expect(yield* Effect.flip(acme.call(Acme.LengthOf, { key: "k".repeat(251) }))).toMatchObject({ _tag: "EncodeError" })
      yield* acme.call(Acme.Noop)
      expect(sent).toEqual([encodeWith((writer) => Acme.encodeNoop(writer, { opaque: 1 })).length])
    })))
})
