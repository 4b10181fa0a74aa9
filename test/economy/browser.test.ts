/**
 * What a browser gets that has a client: no module of Node, no Buffer. The bundle is run where there is neither, over a WebSocket that leads
 * to a server in this process.
 */
import { WebSocketLink, type WebSocketLike } from "@wirewright/connection/WebSocketLink"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { type Duplex, duplexPair } from "node:stream"
import { createContext, runInContext } from "node:vm"
import { rolldown } from "rolldown"
import { describe, expect, it } from "vitest"
import { programOf } from "./Entry.ts"
import * as Redis from "../../packages/examples/src/servers/Redis.ts"

const source = `
import * as Client from "@wirewright/connection/Client"
import { webSocket } from "@wirewright/connection/WebSocketLink"
import * as Resp from "@wirewright/examples/gallery/resp"
import * as Effect from "effect/Effect"

const bytes = (text) => new TextEncoder().encode(text)
const command = (...words) => ({ arguments: words.map((word) => ({ value: bytes(word) })) })
const ask = (options) => Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const redis = yield* Client.make(Resp, { host: "browser", port: 0, ...options })
  yield* redis.call(Resp.Command, command("SET", "k", "x".repeat(300_000)))
  const keys = Array.from({ length: 500 }, () => "n")
  yield* Effect.forEach(keys, (key) => redis.call(Resp.Command, command("INCR", key)), { concurrency: "unbounded" })
  const [{ value: long }, { value: count }] = yield* Effect.all([command("GET", "k"), command("GET", "n")].map((one) => redis.call(Resp.Command, one)))
  return [long.value.length, new TextDecoder().decode(count.value)]
})))
globalThis.asked = ask({ dial: webSocket("ws://redis") })
globalThis.socketless = Effect.runPromise(Effect.flip(Effect.scoped(Client.make(Resp, { host: "nowhere", port: 1 })))).then(String)
`

const bundle = async (): Promise<
  { readonly code: string; readonly modules: ReadonlyArray<string>; readonly warnings: ReadonlyArray<string> }
> => {
  const warnings: Array<string> = []
  const build = await rolldown({
    ...programOf(source),
    platform: "browser",
    onLog: (_, { message }) => void warnings.push(message)
  })
  const { output: [{ code, imports, modules }] } = await build.generate({ format: "iife" })
  const left = Object.entries(modules).filter(([, { renderedLength }]) => renderedLength > 0)
  return { code, modules: [...imports, ...left.map(([id]) => id)], warnings }
}

/** A platform's WebSocket that leads to a peer, and opens later. */
const platform = (accept: (stream: Duplex) => void) =>
  class implements WebSocketLike {
    binaryType = "blob"
    readonly bufferedAmount = 0
    private readonly peer: Duplex
    private readonly told: Record<string, (event: { readonly data?: unknown }) => void> = {}

    constructor() {
      const [own, other] = duplexPair()
      this.peer = own
      own.on("data", (chunk: Uint8Array) => this.told["message"]?.({ data: Uint8Array.from(chunk).buffer }))
      own.on("close", () => this.told["close"]?.({}))
      setImmediate(() => {
        accept(other)
        this.told["open"]!({})
      })
    }

    readonly addEventListener = (event: string, listener: (event: { readonly data?: unknown }) => void): void => {
      this.told[event] = listener
    }
    // as platforms do, which copy what they are given
    readonly send = (bytes: Uint8Array): void => void this.peer.write(Buffer.from(bytes))
    readonly close = (): void => void this.peer.destroy()
  }

describe("a client in a browser", () => {
  it("has nothing of Node in it, and works where there is none", async () => {
    const { code, modules, warnings } = await bundle()
    expect(warnings).toEqual([])
    expect(modules.filter((id) => id.startsWith("node:"))).toEqual([])
    expect(code).not.toMatch(/from\s*["']node:|require\(|\bBuffer\s*[.(]/)
    const scope = Effect.runSync(Scope.make())
    const { accept } = await Effect.runPromise(Scope.provide(Redis.make({ listen: false }), scope))
    const globals = {
      TextDecoder,
      TextEncoder,
      performance,
      queueMicrotask,
      setTimeout,
      setInterval,
      clearTimeout,
      clearInterval,
      crypto,
      URL
    }
    const browser = {
      ...globals,
      WebSocket: platform(accept),
      // one realm's bytes are not another's
      ArrayBuffer,
      Uint8Array,
      DataView
    } as { asked?: Promise<unknown>; socketless?: Promise<string> }
    runInContext(code, createContext(browser))
    expect(await browser.asked).toEqual([300_000, "500"])
    expect(await browser.socketless).toContain("there are no sockets here")
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })
})

describe("a link over a WebSocket", () => {
  const opened = () => {
    const told: Record<string, (event: { readonly data?: unknown }) => void> = {}
    const sent: Array<Uint8Array> = []
    const socket = {
      binaryType: "blob",
      bufferedAmount: 0,
      closed: 0,
      addEventListener: (event: string, listener: (event: { readonly data?: unknown }) => void) => void (told[event] = listener),
      send: (bytes: Uint8Array) => void sent.push(bytes),
      close: () => void socket.closed++
    }
    return { told, sent, socket, link: new WebSocketLink(socket as WebSocketLike) }
  }
  const later = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

  it("keeps what is written until it is open, and what comes while nothing is read", () => {
    const { link, sent, told } = opened()
    const seen: Array<Uint8Array> = []
    link.on("data", (bytes: Uint8Array) => void seen.push(bytes))
    let taken = 0
    link.write(Uint8Array.of(1), () => taken++)
    expect([sent, link.writableLength, taken]).toEqual([[], 1, 0])
    told["open"]!({})
    expect([sent, link.writableLength, taken]).toEqual([[Uint8Array.of(1)], 0, 1])
    link.pause()
    for (const one of [2, 3, 4]) told["message"]!({ data: Uint8Array.of(one).buffer })
    expect(seen).toEqual([])
    link.on("data", () => seen.length === 1 && link.pause())
    link.resume()
    expect(seen).toEqual([Uint8Array.of(2)])
    link.resume()
    expect(seen.map(([one]) => one)).toEqual([2, 3, 4])
  })

  it("is behind above 1 MiB, and tells when everything is sent", async () => {
    const { link, socket, told } = opened()
    told["open"]!({})
    let drained = 0
    let taken = 0
    link.on("drain", () => drained++)
    socket.bufferedAmount = 1024 * 1024
    expect(link.write(new Uint8Array(1), () => taken++)).toBe(true)
    socket.bufferedAmount++
    expect(link.write(new Uint8Array(1), () => taken++)).toBe(false)
    await later(20)
    expect([drained, taken]).toEqual([0, 0])
    socket.bufferedAmount = 0
    while (drained === 0) await later(1)
    expect([drained, taken]).toEqual([1, 2])
  })

  it("ends after what was written, and is gone once: closed, failed, or spoken to in text", async () => {
    const ends = async (act: (one: ReturnType<typeof opened>) => void): Promise<ReadonlyArray<string>> => {
      const one = opened()
      const heard: Array<string> = []
      for (const event of ["end", "close"] as const) one.link.on(event, () => void heard.push(event))
      one.link.on("error", ({ message }: Error) => void heard.push(message))
      act(one)
      await later(1)
      one.told["close"]!({})
      return heard
    }
    expect(await ends(({ told }) => told["close"]!({}))).toEqual(["end", "close"])
    expect(await ends(({ told }) => told["error"]!({}))).toEqual(["the WebSocket failed", "end", "close"])
    expect(await ends(({ told }) => told["message"]!({ data: "text" }))).toEqual([
      "a message of text, where bytes are spoken",
      "end",
      "close"
    ])
    const { link, sent, socket, told } = opened()
    link.write(Uint8Array.of(1), () => {})
    link.end()
    expect(socket.closed).toBe(0)
    told["open"]!({})
    expect([sent.length, socket.closed]).toEqual([1, 1])
  })
})
