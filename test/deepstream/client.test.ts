/** The Effect client over sockets without a network: frames, backpressure, providers, configuration. */
import type { DeepstreamError } from "@wirewright/deepstream"
import { Deepstream, type DeepstreamClient, type DeepstreamOptions } from "@wirewright/deepstream"
import { make } from "../../packages/deepstream/src/Deepstream.ts"
import { optionsConfig } from "../../packages/deepstream/src/OptionsConfig.ts"
import { visible, wire } from "../../packages/deepstream/src/Session.fixture.ts"
import { type ServerSocket, WebSockets } from "@wirewright/testing"
import {
  Cause,
  ConfigProvider,
  Deferred,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  Option,
  Redacted,
  type Scope,
  Stream,
  SubscriptionRef
} from "effect"
import { Socket } from "effect/socket"
import { describe, expect, it } from "vitest"
import { oblige } from "./Obliging.ts"

const url = "ws://server/deepstream"

const play = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.scoped(effect).pipe(Effect.provide(Logger.layer([])), Effect.timeout("20 seconds")))

/** A client that is logged in, and the server's end of its connection. */
const connected = (
  options: Partial<DeepstreamOptions> = {},
  dial?: (network: WebSockets) => (url: string) => Socket.WebSocketLike
): Effect.Effect<
  { readonly client: DeepstreamClient; readonly socket: ServerSocket; readonly frames: () => ReadonlyArray<string> },
  DeepstreamError,
  Scope.Scope
> =>
  Effect.gen(function*() {
    const network = new WebSockets()
    let socket: ServerSocket | undefined
    network.serve(url, (opened) => {
      socket = opened
      opened.send(wire("C|A+"))
      opened.onFrame = (frame) => {
        if (frame.startsWith("A\x1fREQ")) opened.send(wire("A|A+"))
      }
    })
    const client = yield* make({ url, credentials: {}, ...options }).pipe(
      Effect.provideService(Socket.WebSocketConstructor, dial === undefined ? network.dial : dial(network))
    )
    return { client, socket: socket!, frames: () => socket!.received.slice(1).map(visible) }
  })

const turns = (count = 5) =>
  Effect.promise(async () => {
    for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
  })

const codeOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isSuccess(exit) ? "success" : (Cause.squash(exit.cause) as DeepstreamError).code

describe("a process that stands still", () => {
  it("hears what came meanwhile before it misses it", () =>
    play(Effect.gen(function*() {
      const { client, socket } = yield* connected({ heartbeatInterval: 20 })
      for (let round = 0; round < 5; round++) {
        // it arrives in the next turn, after timers, as what comes by a socket does
        socket.send(wire("C|PI+"))
        const end = performance.now() + 100
        while (performance.now() < end);
        yield* turns()
        expect(yield* SubscriptionRef.get(client.state)).toBe("OPEN")
      }
    })))
})

describe("sending", () => {
  it("makes one frame of 250 events of one tick", () =>
    play(Effect.gen(function*() {
      const { client, frames } = yield* connected()
      yield* Effect.forEach(Array.from({ length: 250 }, (_, index) => index), (index) => client.events.emit("e", index), { discard: true })
      yield* turns()
      expect(frames()).toHaveLength(1)
      expect(frames()[0]!.split("+")).toHaveLength(251)
    })))

  it("makes one frame of what many fibres send in one tick", () =>
    play(Effect.gen(function*() {
      const { client, frames } = yield* connected()
      yield* Effect.forEach(Array.from({ length: 100 }, (_, index) => index), (index) => client.events.emit("e", index), {
        discard: true,
        concurrency: "unbounded"
      })
      yield* turns()
      expect(frames()).toHaveLength(1)
    })))

  it("waits while the socket is full, and for room when too much waits", () =>
    play(Effect.gen(function*() {
      let full = true
      const { client, frames } = yield* connected({ maxQueued: 10, maxSocketBuffer: 1000 }, (network) => (to) => {
        const socket = network.dial(to)
        let loggedIn = false
        return Object.defineProperty(socket, "bufferedAmount", {
          get: () => {
            const amount = loggedIn && full ? 1001 : 1000
            loggedIn ||= true
            return amount
          }
        })
      })
      const fiber = yield* Effect.forkChild(
        Effect.forEach([...Array(25).keys()], (index) => client.events.emit("e", index), { discard: true })
      )
      yield* turns(50)
      expect([frames(), fiber.pollUnsafe()]).toEqual([[], undefined])
      expect((yield* client.queued).messages).toBe(10)
      full = false
      yield* Fiber.join(fiber)
      while ((yield* client.queued).messages > 0) yield* Effect.sleep(1)
      yield* turns(50)
      expect(frames().join("").split("+").length - 1).toBe(25)
    })))
})

describe("subscribing", () => {
  it("fails a consumer that does not keep up, drops for one that wants that, and tells others all", () =>
    play(Effect.gen(function*() {
      const { client, socket } = yield* connected()
      const taken = Effect.fnUntraced(function*(options: object) {
        const ready = yield* Deferred.make<void>()
        const stream = client.events.subscribe("e", { ...options, onReady: Effect.asVoid(Deferred.succeed(ready, undefined)) })
        const gate = yield* Deferred.make<void>()
        const values: Array<unknown> = []
        const slow = Stream.runForEachArray(stream, (array) => {
          values.push(...array)
          return Deferred.await(gate)
        })
        const fiber = yield* Effect.forkChild(Effect.exit(slow), { startImmediately: true })
        return { ready, gate, values, fiber }
      })
      const all = yield* Effect.forEach([{ bufferSize: 4 }, { bufferSize: 4, overflow: "dropOldest" }, {
        bufferSize: 4,
        overflow: "dropNewest"
      }, {}], taken)
      yield* turns()
      socket.send(wire("E|A|S|e+"))
      yield* Effect.forEach(all, ({ ready }) => Deferred.await(ready))
      // the first is taken at once, and holds the consumer; four more fit, the sixth does not
      for (let value = 1; value <= 6; value++) {
        socket.send(wire(`E|EVT|e|N${value}+`))
        yield* turns(10)
      }
      yield* Effect.forEach(all, ({ gate }) => Deferred.succeed(gate, undefined))
      yield* turns(20)
      expect(codeOf((yield* Fiber.join(all[0]!.fiber)) as never)).toBe("OVERFLOW")
      expect(all.map(({ values }) => values)).toEqual([[1, 2, 3, 4, 5], [1, 3, 4, 5, 6], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6]])
    })))
})

describe("providing", () => {
  it("handles as many requests at a time as it may, and rejects one more", () =>
    play(Effect.gen(function*() {
      const { client, frames, socket } = yield* connected()
      const gate = yield* Deferred.make<void>()
      const provided = yield* Effect.forkChild(
        client.rpc.provide("p", (value) => Effect.as(Deferred.await(gate), value), { concurrency: 2, accept: "immediately" }),
        { startImmediately: true }
      )
      yield* turns()
      socket.send(wire("P|A|S|p+"))
      yield* Fiber.join(provided)
      socket.send(wire("P|REQ|p|a|N1+P|REQ|p|b|N2+P|REQ|p|c|N3+"))
      yield* turns()
      expect(frames().slice(1).join("")).toBe("P|A|REQ|p|a+P|A|REQ|p|b+P|REJ|p|c+")
      yield* Deferred.succeed(gate, undefined)
      yield* turns()
      expect(frames().at(-1)).toBe("P|RES|p|a|N1+P|RES|p|b|N2+")
    })))

  it("tells failures and defects by their words, and an answer that cannot be written as an error", () =>
    play(Effect.gen(function*() {
      const { client, frames, socket } = yield* connected()
      const handlers: Record<string, Effect.Effect<never, Error> | Effect.Effect<string>> = {
        fails: Effect.fail(new Error("no\x1esuch\x1fthing")),
        dies: Effect.die(new Error("a bug")),
        unwritable: Effect.succeed("a\x1fb")
      }
      for (const [name, answer] of Object.entries(handlers)) {
        yield* Effect.forkChild(client.rpc.provide(name, () => answer), { startImmediately: true })
        yield* turns()
        socket.send(wire(`P|A|S|${name}+P|REQ|${name}|id|L+`))
        yield* turns()
        expect(frames().join("").split(`P|S|${name}+`)[1]).toBe(
          {
            fails: "P|A|REQ|fails|id+P|E|no such thing|fails|id+",
            dies: "P|A|REQ|dies|id+P|E|a bug|dies|id+",
            unwritable: "P|A|REQ|unwritable|id+P|E|the answer cannot be sent|unwritable|id+"
          }[name]
        )
      }
      expect(codeOf(yield* Effect.exit(client.rpc.provide("fails", () => Effect.succeed(1))))).toBe("MULTIPLE_SUBSCRIPTIONS")
    })))
})

describe("making a client", () => {
  it("takes URL and credentials from the configuration", async () => {
    const provider = ConfigProvider.fromUnknown({ DEEPSTREAM_URL: "ws://x", DEEPSTREAM_USERNAME: "lisa", DEEPSTREAM_PASSWORD: "secret" })
    const found = await Effect.runPromise(Effect.provideService(optionsConfig(), ConfigProvider.ConfigProvider, provider))
    expect([found.url, found.username, Option.map(found.password, Redacted.value)]).toEqual([
      "ws://x",
      Option.some("lisa"),
      Option.some("secret")
    ])
    expect(JSON.stringify(found)).not.toContain("secret")
  })

  it("fails as a layer when the login is refused, and takes credentials that are redacted", () =>
    play(Effect.gen(function*() {
      const network = new WebSockets()
      let seen = ""
      network.serve(url, (socket) => {
        socket.send(wire("C|A+"))
        socket.onFrame = (frame) => {
          seen = visible(frame)
          socket.send(wire("A|E|INVALID_AUTH_DATA|Sno+"))
        }
      })
      const layer = Deepstream.layerNoWebSocket({ url, credentials: Redacted.make({ password: "p" }) }).pipe(
        Layer.provide(Layer.succeed(Socket.WebSocketConstructor, network.dial))
      )
      expect(codeOf(yield* Effect.exit(Layer.build(layer)))).toBe("INVALID_AUTH_DATA")
      expect(seen).toBe("A|REQ|{\"password\":\"p\"}+")
    })))

  it("reports what it cannot dial, and goes on", () =>
    play(Effect.gen(function*() {
      const client = yield* make({ url: "ws://exa mple", loginTimeout: 100, credentials: {} }).pipe(
        Effect.provide(Socket.layerWebSocketConstructorGlobal),
        Effect.exit
      )
      expect(codeOf(client)).toBe("LOGIN_TIMEOUT")
    })))

  it("logs out, and in again as somebody else", () =>
    play(Effect.gen(function*() {
      const network = new WebSockets()
      oblige(network, url)
      const client = yield* make({ url, credentials: { user: 1 } }).pipe(Effect.provideService(Socket.WebSocketConstructor, network.dial))
      const record = yield* client.records.open("r")
      yield* client.logout
      expect(yield* SubscriptionRef.get(client.state)).toBe("CLOSED")
      expect(yield* client.login({ user: 2 })).toEqual({ id: "me" })
      yield* turns(20)
      expect(yield* record.version).toBe(3)
    })))
})
