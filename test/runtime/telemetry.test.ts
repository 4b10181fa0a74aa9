/** What clients and servers tell of themselves: spans and metrics by the names of OpenTelemetry, and frames. */
import { encodeWith } from "@wirewright/codec"
import { Client, clientMetrics, Server } from "@wirewright/connection"
import { MemoryLink } from "@wirewright/connection/testing"
import * as Acme from "@wirewright/examples/gen"
import { classicHandlers } from "@wirewright/memcached"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
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

/** By name and attributes: counts and values. */
const snapshot = Effect.map(
  Metric.snapshot,
  (all) =>
    all.map(({ attributes, id, state }) => ({
      id,
      attributes,
      value: "count" in state ? state.count : "value" in state ? state.value : NaN
    }))
)

const server = { "network.protocol.name": "measured", "server.address": "memory", "server.port": "0" }

describe("metrics", () => {
  it("count requests, failures by what they failed of, and how long it took, until clients are gone and after", () =>
    run(Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        const { acme } = yield* pair({ metrics: true })
        yield* conversation(acme)
        const there = yield* snapshot
        const valueOf = (name: keyof typeof clientMetrics) => there.filter(({ id }) => id === clientMetrics[name].id)
        expect(valueOf("requests")).toEqual([{ id: clientMetrics.requests.id, attributes: server, value: 4 }])
        expect(valueOf("duration").map(({ value }) => value)).toEqual([4])
        expect(valueOf("errors").map(({ attributes, value }) => [attributes?.["error.type"], value])).toEqual([
          ["KeyEnoent", 1],
          ["RequestTimeout", 1]
        ])
        expect(valueOf("connected").map(({ value }) => value)).toEqual([1])
        expect(valueOf("inFlight").map(({ value }) => value)).toEqual([0])
      }))
      const after = yield* snapshot
      expect(after.find(({ id }) => id === clientMetrics.requests.id)?.value).toBe(4)
      expect(after.find(({ id }) => id === clientMetrics.connected.id)?.value).toBe(0)
    })))

  it("of clients of one server are one series: sums, those that are gone among them", () =>
    run(Effect.gen(function*() {
      const one = yield* pair({ metrics: true })
      yield* Effect.scoped(Effect.gen(function*() {
        const { acme, link } = yield* pair({ metrics: true, reconnect: { initialDelay: 1, jitter: false } })
        expect((yield* snapshot).find(({ id }) => id === clientMetrics.connected.id)?.value).toBe(2)
        link.cut()
        while ((yield* acme.counters).reconnects === 0) yield* Effect.sleep(1)
        yield* acme.call(Acme.Noop)
      }))
      yield* one.acme.call(Acme.Noop)
      const after = yield* snapshot
      const valuesOf = (name: keyof typeof clientMetrics) =>
        after.filter(({ id }) => id === clientMetrics[name].id).map(({ value }) => value)
      expect([valuesOf("requests"), valuesOf("connected"), valuesOf("reconnects")]).toEqual([[2], [1], [1]])
    })))

  it("are not published unasked", () =>
    run(Effect.gen(function*() {
      yield* conversation((yield* pair()).acme)
      expect(yield* snapshot).toEqual([])
    })))
})

describe("spans", () => {
  it("have the command, the server and what a request failed of; none is made unasked", () =>
    run(Effect.gen(function*() {
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      yield* Effect.withTracer(conversation((yield* pair()).acme), tracer)
      expect(spans).toEqual([])
      yield* Effect.withTracer(conversation((yield* pair({ spans: true })).acme), tracer)
      expect(spans.map(({ kind, name, status }) => [kind, name, status._tag])).toEqual([
        ["client", "measured.Noop", "Ended"],
        ["client", "measured.LengthOf", "Ended"],
        ["client", "measured.Stat", "Ended"],
        ["client", "measured.Version", "Ended"]
      ])
      const attributes = spans.map((span) => Object.fromEntries(span.attributes))
      const common = { "network.protocol.name": "measured", "server.address": "memory", "server.port": 0 }
      expect(attributes).toEqual([
        { ...common, "rpc.method": "Noop" },
        { ...common, "rpc.method": "LengthOf", "error.type": "KeyEnoent" },
        { ...common, "rpc.method": "Stat" },
        { ...common, "rpc.method": "Version", "error.type": "RequestTimeout" }
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
