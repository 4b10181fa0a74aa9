/** A client over the platform's WebSocket: through npm's `ws` to the example's key-value server. */
import * as Client from "@wirewright/connection/Client"
import { webSocket } from "@wirewright/connection/WebSocketLink"
import * as Resp from "@wirewright/examples/gallery/resp"
import * as Effect from "effect/Effect"
import { createRequire } from "node:module"
import type { AddressInfo } from "node:net"
import { expect, it } from "vitest"
import * as Redis from "../../packages/examples/src/servers/Redis.ts"

const { WebSocketServer, createWebSocketStream } = createRequire(new URL("package.json", import.meta.url))("ws")

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const command = (...words: ReadonlyArray<string>) => ({ arguments: words.map((word) => ({ value: bytes(word) })) })

it("commands go out as they come, large ones too, and a connection that is lost is made again", () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const server = yield* Redis.make({ listen: false })
    const bridge = new WebSocketServer({ port: 0, host: "127.0.0.1" })
    yield* Effect.addFinalizer(() => Effect.sync(() => bridge.close()))
    bridge.on("connection", (socket: unknown) => {
      const stream = createWebSocketStream(socket)
      stream.on("error", () => {})
      server.accept(stream)
    })
    yield* Effect.callback<void>((resume) => void bridge.once("listening", () => resume(Effect.void)))
    const { port } = bridge.address() as AddressInfo
    const redis = yield* Client.make(Resp, {
      host: "127.0.0.1",
      port,
      dial: webSocket(`ws://127.0.0.1:${port}`),
      reconnect: { initialDelay: 1, jitter: false }
    })
    const ask = (...words: ReadonlyArray<string>) => Effect.map(redis.call(Resp.Command, command(...words)), ({ value }) => value)
    const numbers = Array.from({ length: 5_000 }, (_, i) => i + 1)
    const counted = yield* Effect.forEach(numbers, () => ask("INCR", "n"), { concurrency: "unbounded" })
    expect(counted.map((one) => one._tag === "Integer" ? Number(one.value) : one)).toEqual(numbers)
    const large = "x".repeat(5_000_000)
    yield* ask("SET", "large", large)
    expect(yield* ask("GET", "large")).toEqual({ _tag: "BulkString", value: bytes(large) })
    for (const client of bridge.clients) client.terminate()
    while ((yield* redis.counters).reconnects === 0) yield* Effect.sleep(5)
    expect(yield* ask("INCR", "n")).toMatchObject({ value: 5_001n })
  }))))
