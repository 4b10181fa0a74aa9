/**
 * A spec is a working client and server: the command that the examples add to memcached, called and handled without a line of glue, beside
 * those of its base. The server listens on loopback, or is given one end of a stream in memory.
 */
import { Client, type ConnectionError, Server } from "@wirewright/connection"
import { MemoryLink } from "@wirewright/connection/testing"
import * as Acme from "@wirewright/examples/gen"
import { classicHandlers } from "@wirewright/memcached"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Net from "node:net"
import { describe, expect, it } from "vitest"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Effect.scoped(effect))

const handlers = (items = new Map<string, Uint8Array>()) => {
  const item = (key: string) => {
    const value = items.get(key)
    return value === undefined ? Effect.fail(Server.refusal(Acme.Status.KeyEnoent)) : Effect.succeed(value)
  }
  return {
    LengthOf: ({ key }: Acme.LengthOf) => Effect.map(item(key), ({ length }) => ({ length })),
    ...classicHandlers({
      get: ({ key }) => Effect.map(item(key), (value) => ({ value })),
      set: ({ key, value }) => Effect.sync(() => (items.set(key, value.slice()), { cas: 7n })),
      stats: ({ group }) =>
        Effect.succeed(Array.from({ length: group === "many" ? 5_000 : 2 }, (_, i): [string, string] => [`n${i}`, String(i)])),
      flush: () => Effect.die("no floor to flush"),
      version: () => Effect.never
    })
  }
}

const set = (key: string, text: string) => ({ key, flags: 0, expiration: 0, value: bytes(text) })

describe("a command of ours beside those of the base", () => {
  it("is called and handled", () =>
    run(Effect.gen(function*() {
      const { host, port } = yield* Server.make(Acme, handlers())
      const acme = yield* Client.make(Acme, { host, port })
      const stored = yield* acme.call(Acme.Set, set("Hello", "World"))
      expect(stored).toMatchObject({ _tag: "SetResponse", cas: 7n })
      const { length } = yield* acme.call(Acme.LengthOf, { key: "Hello" })
      expect(length).toBe(5)
      expect(yield* acme.call(Acme.Noop)).toMatchObject({ _tag: "NoopResponse" })
    })))

  it("fails with a status, its class, and what was answered", () =>
    run(Effect.gen(function*() {
      const { host, port } = yield* Server.make(Acme, handlers())
      const acme = yield* Client.make(Acme, { host, port })
      const error = yield* Effect.flip(acme.call(Acme.LengthOf, { key: "none" }))
      expect(error).toMatchObject({ _tag: "StatusError", command: "LengthOf", status: 1, name: "KeyEnoent", retry: "miss" })
      expect(error.message).toBe(`${host}:${port}: LengthOf was answered with KeyEnoent`)
      // what a handler dies of, what has no handler, and what the spec does not know
      expect(yield* Effect.flip(acme.call(Acme.Flush, { expiration: 0 } as never))).toMatchObject({ name: "Einternal", retry: "fatal" })
      expect(yield* Effect.flip(acme.call(Acme.Delete, { key: "k" }))).toMatchObject({ name: "NotSupported" })
      const unknown = { name: "Unknown", opcode: 0x77, encode: (writer: never, packet: never) => Acme.encodeUnknownRequest(writer, packet) }
      const sections = { opcode: 0x77, extras: bytes(""), key: bytes(""), value: bytes("") }
      expect(yield* Effect.flip(acme.call(unknown as never, sections as never))).toMatchObject({ name: "UnknownCommand" })
    })))

  it("refuses a wrong field, and sends nothing", () =>
    run(Effect.gen(function*() {
      const server = yield* Server.make(Acme, handlers())
      const acme = yield* Client.make(Acme, { host: server.host, port: server.port })
      const error = yield* Effect.flip(acme.call(Acme.LengthOf, { key: "k".repeat(251) }))
      expect(error).toMatchObject({ _tag: "EncodeError" })
      yield* acme.call(Acme.Noop)
      expect(server.counters.requests).toBe(1)
    })))

  it("has many answers as a stream, and the connection goes on after one that is left early", () =>
    run(Effect.gen(function*() {
      const { host, port } = yield* Server.make(Acme, handlers())
      const acme = yield* Client.make(Acme, { host, port })
      const all = yield* Stream.runCollect(acme.stream(Acme.Stat, { group: "many" }))
      expect([...all].map(({ name }) => name)).toEqual(Array.from({ length: 5_000 }, (_, i) => `n${i}`))
      // a reader that is slower than the server
      const slow = acme.stream(Acme.Stat, { group: "many" }).pipe(Stream.tap(() => Effect.yieldNow), Stream.runCount)
      expect(yield* slow).toBe(5_000)
      const early = yield* Stream.runCollect(Stream.take(acme.stream(Acme.Stat, { group: "many" }), 3))
      expect([...early].map(({ name }) => name)).toEqual(["n0", "n1", "n2"])
      expect(yield* acme.call(Acme.Noop)).toMatchObject({ _tag: "NoopResponse" })
      expect(yield* Stream.runCollect(acme.stream(Acme.Stat, { group: "" }))).toHaveLength(2)
      expect((yield* acme.counters).inFlight).toBe(0)
    })))

  it("many answers of a Stream are pulled no faster than the client takes them, and end with a refusal where they fail", () =>
    run(Effect.gen(function*() {
      let pulled = 0
      const page = bytes("x".repeat(1_000))
      const pages = Stream.map(Stream.range(1, 10_000), (i) => {
        pulled++
        return { name: String(i), value: Buffer.from(page).toString() }
      })
      const server = yield* Server.make(Acme, {
        ...handlers(),
        Stat: ({ group }: Acme.Stat) =>
          group === "fails"
            ? Stream.concat(Stream.take(pages, 3), Stream.fail(Server.refusal(Acme.Status.Einternal)))
            : Stream.concat(pages, Stream.succeed({ name: "", value: "" }))
      }, { listen: false })
      // a kernel holds as much as it likes
      const link = yield* MemoryLink.make(server.accept)
      const acme = yield* Client.make(Acme, { ...link.transport, requestTimeout: "1 minute" })
      const held = yield* Stream.toPull(acme.stream(Acme.Stat, { group: "all" }))
      const first = yield* held
      yield* Effect.sleep("300 millis")
      // what both sides hold is a few MB at most
      expect(pulled).toBeLessThan(9_000)
      const all = yield* Stream.runCount(acme.stream(Acme.Stat, { group: "fails" })).pipe(Effect.flip, Effect.forkScoped)
      let taken = first.length
      yield* Effect.ignore(Effect.forever(Effect.tap(held, (chunk) => Effect.sync(() => taken += chunk.length))))
      expect(taken).toBe(10_000)
      expect(yield* Fiber.join(all)).toMatchObject({ _tag: "StatusError", name: "Einternal" })
    })))

  it("in memory, without a socket", () =>
    run(Effect.gen(function*() {
      const server = yield* Server.make(Acme, handlers(new Map([["k", bytes("four")]])), { listen: false })
      const { duplexPair } = yield* Effect.promise(() => import("node:stream"))
      const acme = yield* Client.make(Acme, {
        host: "in memory",
        port: 0,
        dial: () => {
          const [one, other] = duplexPair()
          server.accept(other)
          return one
        }
      })
      expect(yield* acme.call(Acme.LengthOf, { key: "k" })).toMatchObject({ length: 4 })
    })))

  it("as layers", () =>
    Effect.runPromise(
      Effect.gen(function*() {
        const { host, port } = yield* Server.Server
        const acme = yield* Effect.scoped(Effect.flatMap(Client.make(Acme, { host, port }), (acme) => acme.call(Acme.Noop)))
        expect(acme._tag).toBe("NoopResponse")
      }).pipe(Effect.provide(Server.layer(Acme, handlers())))
    ))
})

describe("what happens to a connection", () => {
  it("a deadline, an interruption, and an answer that is late leave it whole", () =>
    run(Effect.gen(function*() {
      const { host, port } = yield* Server.make(Acme, handlers())
      const acme = yield* Client.make(Acme, { host, port, connections: 2 })
      const late = yield* Effect.flip(acme.call(Acme.Version, {}, { timeout: "30 millis" }))
      expect(late).toMatchObject({ _tag: "ConnectionError", reason: { _tag: "RequestTimeout" } })
      const fiber = yield* Effect.forkChild(acme.call(Acme.Version))
      yield* Effect.sleep("10 millis")
      yield* Fiber.interrupt(fiber)
      expect((yield* acme.counters).connected).toBe(2)
    })))

  it("is opened again, and commands wait for it", () =>
    run(Effect.gen(function*() {
      const server = yield* Server.make(Acme, handlers(new Map([["k", bytes("v")]])))
      const acme = yield* Client.make(Acme, { host: server.host, port: server.port, reconnect: { initialDelay: "5 millis" } })
      for (let i = 0; i < 5; i++) {
        for (const client of server.clients) client.close("the test")
        expect((yield* Effect.retry(acme.call(Acme.LengthOf, { key: "k" }), { times: 3 })).length).toBe(1)
      }
      expect((yield* acme.counters).reconnects).toBeGreaterThanOrEqual(5)
    })))

  it("cut at every byte of an answer: a typed error or the right answer", () =>
    run(Effect.gen(function*() {
      const server = yield* Server.make(Acme, handlers(new Map([["k", bytes("v")]])))
      /** Passes on what the server says, and ends the connection after so many bytes. */
      const cutAfter = (size: number) =>
        Effect.acquireRelease(
          Effect.callback<Net.Server>((resume) => {
            const proxy = Net.createServer((socket) => {
              const upstream = Net.connect(server.port, server.host)
              let left = size
              socket.on("error", () => {}).pipe(upstream.on("error", () => {}))
              upstream.on("data", (chunk) => {
                socket.write(chunk.subarray(0, left))
                left -= chunk.length
                if (left <= 0) {
                  socket.destroy()
                  upstream.destroy()
                }
              })
            })
            proxy.listen(0, "127.0.0.1", () => resume(Effect.succeed(proxy)))
          }),
          (proxy) => Effect.sync(() => proxy.close())
        )
      const whole = 28
      for (let size = 1; size <= whole; size++) {
        const proxy = yield* cutAfter(size)
        const { port } = proxy.address() as Net.AddressInfo
        const outcome = yield* Effect.exit(Effect.scoped(Effect.gen(function*() {
          const acme = yield* Client.make(Acme, { host: "127.0.0.1", port, whenDisconnected: "fail" })
          return yield* acme.call(Acme.LengthOf, { key: "k" })
        })))
        if (size === whole) expect(outcome).toMatchObject({ value: { length: 1 } })
        else {
          expect(Exit.isFailure(outcome) && outcome.cause.reasons[0]).toMatchObject({
            _tag: "Fail",
            error: { _tag: "ConnectionError", reason: { _tag: "ConnectionLost" }, ambiguous: true }
          })
        }
      }
    })))

  it("fails to begin with a typed error", () =>
    run(Effect.gen(function*() {
      const error: ConnectionError = yield* Effect.flip(Client.make(Acme, { host: "127.0.0.1", port: 1 }))
      expect(error.reason._tag).toBe("ConnectFailed")
    })))
})

/** Read by the compiler alone. */
export const types = () => {
  const acme = undefined as unknown as Client.Client<
    Acme.Response,
    Acme.ServerRequest,
    { readonly derived: "opaque"; readonly numbered: never }
  >
  const length: Effect.Effect<Acme.LengthOfResponse, Client.CallError> = acme.call(Acme.LengthOf, { key: "k" })
  // @ts-expect-error a field is missing
  acme.call(Acme.LengthOf)
  // @ts-expect-error a field is of another type
  acme.call(Acme.LengthOf, { key: 1 })
  // @ts-expect-error answers repeat it, so callers do not say it
  acme.call(Acme.LengthOf, { key: "k", opaque: 1 })
  // @ts-expect-error it has many answers
  acme.call(Acme.Stat, { group: "" })
  // @ts-expect-error it has one answer
  acme.stream(Acme.LengthOf, { key: "k" })
  const { LengthOf: _, ...others } = handlers()
  // @ts-expect-error a command without a handler
  Server.make(Acme, others)
  // @ts-expect-error an answer with a field of another type
  Server.make(Acme, { ...handlers(), LengthOf: () => Effect.succeed({ length: "1" }) })
  // @ts-expect-error a failure that is no refusal
  Server.make(Acme, { ...handlers(), LengthOf: () => Effect.fail("no") })
  return length
}
