/** Links in memory are connections like others: what one end writes the other reads, pieces and losses are as the faults say, ends end. */
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import type { Duplex } from "node:stream"
import { expect, test } from "vitest"
import { type LinkFaults, MemoryLink } from "./MemoryLink.ts"
import { connect } from "./Connecting.ts"

const turn = Effect.promise<void>(() => new Promise((resolve) => setImmediate(resolve)))

const withTestClock = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(Effect.provide(effect, TestClock.layer()))

/** Both ends of one connection, and what each has read. */
const ends = (faults: LinkFaults = {}) =>
  Effect.gen(function*() {
    const read = { client: [] as Array<string>, server: [] as Array<string> }
    const told: Array<string> = []
    const listen = (name: "client" | "server") => (end: Duplex): Duplex =>
      end.on("data", (chunk: Buffer) => read[name].push(chunk.toString()))
        .on("error", (error: NodeJS.ErrnoException) => told.push(`${name} ${error.code}`))
        .on("end", () => told.push(`${name} end`))
        .on("close", () => told.push(`${name} close`))
    let server: Duplex | undefined
    const said: Array<string> = []
    const link = yield* MemoryLink.make((stream) => server = listen("server")(stream), {
      faults: (connection) => connection === 0 ? faults : {},
      tap: (connection, direction, bytes) => said.push(`${connection} ${direction} ${Buffer.from(bytes).toString()}`)
    })
    const client = listen("client")(link.dial({ port: 0 }))
    return { link, client, server: server!, read, said, told }
  })

test("bytes of both directions arrive in their order, in pieces of any size", () =>
  withTestClock(Effect.gen(function*() {
    const { client, read, said, server } = yield* ends({ toServer: { chop: 3 } })
    client.write("12345678")
    server.write("abc")
    yield* turn
    expect(read).toEqual({ client: ["abc"], server: ["123", "456", "78"] })
    expect(said).toEqual(["0 toServer 12345678", "0 toClient abc"])
  })))

test("what is late is late by the Clock in place, and to the millisecond", () =>
  withTestClock(Effect.gen(function*() {
    const { client, read, server } = yield* ends({ toServer: { delay: 60_000 } })
    client.write("1")
    server.write("a")
    yield* TestClock.adjust(59_999)
    yield* turn
    expect(read).toEqual({ client: ["a"], server: [] })
    yield* TestClock.adjust(1)
    yield* turn
    expect(read.server).toEqual(["1"])
  })))

test("it breaks after as many bytes as it is told: both ends are reset", () =>
  withTestClock(Effect.gen(function*() {
    const { client, link, read, told } = yield* ends({ toServer: { cutAfter: 5 } })
    expect(link.open).toBe(1)
    client.write("12345")
    yield* turn
    expect(told).toEqual([])
    client.write("678")
    yield* turn
    yield* turn
    expect(read.server).toEqual(["12345"])
    expect([...told].sort()).toEqual(["client ECONNRESET", "client close", "server ECONNRESET", "server close"])
    expect([link.made, link.open]).toEqual([1, 0])
  })))

test("an end that ends is seen to end by the other, which may go on writing", () =>
  withTestClock(Effect.gen(function*() {
    const { client, read, server, told } = yield* ends()
    client.end("1")
    yield* turn
    expect([read.server, told]).toEqual([["1"], ["server end"]])
    server.end("late")
    yield* turn
    expect(read.client).toEqual(["late"])
  })))

test("a writer waits while the other end does not read", () =>
  withTestClock(Effect.gen(function*() {
    const { client, server } = yield* ends()
    server.pause()
    const chunk = Buffer.alloc(16 * 1024)
    let written = 0
    while (client.write(chunk) && written < 1_000) written++
    expect(written).toBeLessThan(1_000)
    yield* turn
    expect(client.writableLength).toBeGreaterThan(0)
    server.resume()
    yield* turn
    expect(client.writableLength).toBe(0)
  })))

test("where it refuses, there is a typed error, and later a connection", () =>
  withTestClock(Effect.scoped(Effect.gen(function*() {
    const link = yield* MemoryLink.make(() => {})
    const sink = { onBytes: () => {}, onClose: () => {} }
    link.refuses = true
    const error = yield* Effect.flip(connect(link.transport, sink))
    expect(error).toMatchObject({ address: "memory:0", reason: { _tag: "ConnectFailed", cause: { code: "ECONNREFUSED" } } })
    link.refuses = false
    expect((yield* connect(link.transport, sink)).closed).toBeUndefined()
    expect(link.made).toBe(1)
  }))))
