/**
 * Clients of protocols in which no header field says what a packet answers, against peers that a test plays over a link in memory: answers in
 * order, by a number, until a packet that is the last, phases, and what comes unasked.
 */
import { encodeWith, Reader } from "@wirewright/codec"
import { PacketStream } from "@wirewright/codec/PacketStream"
import { Client } from "@wirewright/connection"
import * as Mqtt from "@wirewright/examples/gallery/mqtt"
import * as Postgres from "@wirewright/examples/gallery/postgres"
import * as Resp from "@wirewright/examples/gallery/resp"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Duplex, duplexPair } from "node:stream"
import { describe, expect, it } from "vitest"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Effect.scoped(effect))

/** Dials peers that a function plays: it is given what arrives, and the connection. */
const played = (play: (chunk: Uint8Array, peer: Duplex, connection: number) => void, greet: (peer: Duplex) => void = () => {}) => {
  let connections = 0
  return {
    host: "memory",
    port: 0,
    dial: () => {
      const [own, peer] = duplexPair()
      const connection = connections++
      peer.on("data", (chunk: Uint8Array) => play(chunk, peer, connection))
      greet(peer)
      return own
    }
  }
}

describe("in order (RESP)", () => {
  const words = (...all: ReadonlyArray<string>) => ({ arguments: all.map((one) => ({ value: bytes(one) })) })

  /** Answers each command with its own last word. */
  const echo = (say: (command: string, peer: Duplex) => void) => {
    const streams = new Map<number, PacketStream<Resp.Request>>()
    return played((chunk, peer, connection) => {
      const stream = streams.get(connection) ??
        new PacketStream({ name: "RESP", maxFrame: 1_000_000, decode: (reader, at) => Resp.decodeRequest(reader, at) })
      streams.set(connection, stream)
      stream.push(chunk, (request) => {
        if (request._tag === "Command") say(request.arguments!.map(({ value }) => new TextDecoder().decode(value!)).join(" "), peer)
      })
    })
  }

  it("each of 2 000 commands has its own answer, and what is sent unasked is in order beside them", () =>
    run(Effect.gen(function*() {
      const dialled = echo((command, peer) => {
        if (command === "ECHO 100") peer.write(">2\r\n+news\r\n:1\r\n>2\r\n+news\r\n:2\r\n")
        peer.write(`+${command}\r\n`)
      })
      const client = yield* Client.make(Resp, dialled)
      const pushes = yield* client.listen(Resp.Push)
      const numbers = Array.from({ length: 2_000 }, (_, i) => String(i))
      const answers = yield* Effect.forEach(numbers, (i) => client.call(Resp.Command, words("ECHO", i)), { concurrency: "unbounded" })
      expect(answers.map(({ value }) => value)).toEqual(numbers.map((i) => ({ _tag: "SimpleString", text: `ECHO ${i}` })))
      const news = yield* Stream.runCollect(Stream.take(pushes, 2))
      expect(news.map(({ items }) => items[1])).toEqual([1n, 2n].map((value) => ({ _tag: "Integer", value })))
    })))

  it("one that timed out keeps its place: the next has its own answer", () =>
    run(Effect.gen(function*() {
      let late: (() => void) | undefined
      const dialled = echo((command, peer) => {
        if (command === "SLOW") late = () => void peer.write("+late\r\n")
        else if (late !== undefined) {
          late()
          peer.write(`+${command}\r\n`)
        } else peer.write(`+${command}\r\n`)
      })
      const client = yield* Client.make(Resp, dialled)
      const slow = yield* Effect.flip(client.call(Resp.Command, words("SLOW"), { timeout: 20 }))
      expect(slow).toMatchObject({ reason: { _tag: "RequestTimeout" }, ambiguous: true })
      expect(yield* client.call(Resp.Command, words("PING"))).toMatchObject({ value: { text: "PING" } })
      expect(yield* client.counters).toMatchObject({ lateAnswers: 1, inFlight: 0, reconnects: 0 })
    })))

  it("an answer that nothing asked for ends the connection, and the next has a new one", () =>
    run(Effect.gen(function*() {
      const dialled = echo((command, peer) => void peer.write(command === "TWICE" ? "+one\r\n+two\r\n" : "+ok\r\n"))
      const client = yield* Client.make(Resp, { ...dialled, reconnect: { initialDelay: 1 } })
      expect(yield* client.call(Resp.Command, words("TWICE"))).toMatchObject({ value: { text: "one" } })
      while ((yield* client.counters).reconnects === 0) yield* Effect.sleep(1)
      expect(yield* client.call(Resp.Command, words("ONCE"))).toMatchObject({ value: { text: "ok" } })
    })))

  it("what begins a connection is said before commands that wait, and its pushes are kept for it", () =>
    run(Effect.gen(function*() {
      const heard: Array<string> = []
      const seen: Array<string> = []
      const dialled = played((chunk, peer) => {
        heard.push(new TextDecoder().decode(chunk))
        peer.write("+ok\r\n")
      }, (peer) => void peer.write(">1\r\n+hello\r\n"))
      const client = yield* Client.make(Resp, {
        ...dialled,
        begin: (session) =>
          Effect.gen(function*() {
            yield* Effect.sleep(20)
            const first = yield* Stream.runHead(session.pushes(Resp.Push))
            seen.push(JSON.stringify(first))
            yield* session.call(Resp.Command, words("HELLO"))
          })
      })
      yield* client.call(Resp.Command, words("GET"))
      expect(seen).toEqual([expect.stringContaining("hello")])
      expect(heard.map((one) => one.includes("HELLO"))).toEqual([true, false])
    })))
})

describe("by a number (MQTT)", () => {
  const states = { version: 5 }
  const packetsOf = (chunk: Uint8Array): ReadonlyArray<Mqtt.Packet> => {
    const out: Array<Mqtt.Packet> = []
    const reader = new Reader(chunk)
    for (let at = 0; at < chunk.length; at = reader.next) out.push(Mqtt.decodePacket(reader, at, states))
    return out
  }
  const subscription = {
    properties: [],
    subscriptions: [{ topicFilter: "a", retainHandling: 0, retainAsPublished: 0, noLocal: 0, qos: 0 }]
  } as const
  const send = (peer: Duplex, packet: Mqtt.Packet): void => void peer.write(encodeWith((writer) => Mqtt.encode(writer, packet, states)))

  it("answers find their requests in any order; numbers are the client's own unless they are given", () =>
    run(Effect.gen(function*() {
      const held: Array<number> = []
      const dialled = played((chunk, peer) => {
        for (const packet of packetsOf(chunk)) {
          if (packet._tag === "Pingreq") send(peer, { _tag: "Pingresp" } as unknown as Mqtt.Packet)
          if (packet._tag === "Subscribe") held.push(packet.packetIdentifier)
        }
        if (held.length < 3) return
        for (const packetIdentifier of held.splice(0).toReversed()) {
          send(
            peer,
            { _tag: "Suback", packetIdentifier, properties: [], codes: [packetIdentifier === 77 ? 0x87 : 0] } as unknown as Mqtt.Packet
          )
        }
      })
      const client = yield* Client.make(Mqtt, { ...dialled, states })
      const asked = [{}, { packetIdentifier: 77 }, {}].map((given) => client.call(Mqtt.Subscribe, { ...subscription, ...given }))
      const [[one, given, two]] = yield* Effect.all([
        Effect.all(asked, { concurrency: "unbounded" }),
        client.call(Mqtt.Pingreq)
      ], { concurrency: "unbounded" })
      expect([one, given, two].map((answer) => answer!.packetIdentifier)).toEqual([1, 77, 2])
      expect(given!.codes).toEqual([0x87])
    })))

  it("a number that another request in flight has is refused, and nothing is sent", () =>
    run(Effect.gen(function*() {
      const heard: Array<string> = []
      const dialled = played((chunk) => heard.push(...packetsOf(chunk).map(({ _tag }) => _tag)))
      const client = yield* Client.make(Mqtt, { ...dialled, states })
      yield* Effect.forkScoped(client.call(Mqtt.Subscribe, { ...subscription, packetIdentifier: 9 }), { startImmediately: true })
      const error = yield* Effect.flip(client.call(Mqtt.Subscribe, { ...subscription, packetIdentifier: 9 }))
      expect(error).toMatchObject({ _tag: "EncodeError", path: "packetIdentifier" })
      yield* Effect.sleep(5)
      expect(heard).toEqual(["Subscribe"])
    })))
})

describe("until the last, in phases (PostgreSQL)", () => {
  /** As a server sends it: its type, its length, its content. */
  const message = (type: string, content: string): Uint8Array => {
    const body = Buffer.from(content, "latin1")
    const head = Buffer.alloc(5, type)
    head.writeUInt32BE(body.length + 4, 1)
    return Buffer.concat([head, body])
  }
  const row = (text: string): Uint8Array => message("D", `\0\x01\0\0\0${String.fromCodePoint(text.length)}${text}`)

  it("one byte answers the question for encryption; then come messages; rows until the server is ready again", () =>
    run(Effect.gen(function*() {
      const dialled = played((chunk, peer) => {
        const text = Buffer.from(chunk).toString("latin1")
        if (text === "\0\0\0\x08\x04\xd2\x16\x2f") peer.write("N")
        else if (text.includes("user")) peer.write(Buffer.concat([message("R", "\0\0\0\0"), message("S", "a\0b\0"), message("Z", "I")]))
        else if (text.includes("two")) {
          const rows = ["1", "2"].map(row)
          peer.write(Buffer.concat([...rows, message("C", "SELECT 2\0"), message("A", "\0\0\0\x01c\0p\0"), message("Z", "I")]))
        } else peer.write(Buffer.concat([message("E", "SERROR\0C42601\0Mno\0\0"), message("Z", "I")]))
      })
      const tags: Array<string> = []
      const client = yield* Client.make(Postgres, {
        ...dialled,
        begin: (session) =>
          Effect.gen(function*() {
            const { answer } = yield* session.call(Postgres.SSLRequest)
            expect(answer).toBe(Postgres.EncryptionSupport.none)
            const started = session.stream(Postgres.StartupMessage, { minorVersion: 0, parameters: [{ name: "user", value: "u" }] })
            yield* Stream.runForEach(started, ({ _tag }) => Effect.sync(() => tags.push(_tag)))
          })
      })
      expect(tags).toEqual(["AuthenticationOk", "ReadyForQuery"])
      const notified = yield* client.listen(Postgres.NotificationResponse)
      const asked = ["two", "wrong", "two"].map((query) =>
        Effect.map(Stream.runCollect(client.stream(Postgres.Query, { query })), (all) => all.map(({ _tag }) => _tag))
      )
      const two = ["DataRow", "DataRow", "CommandComplete", "ReadyForQuery"]
      expect(yield* Effect.forEach(asked, (one) => one)).toEqual([two, ["ErrorResponse", "ReadyForQuery"], two])
      expect((yield* Stream.runCollect(Stream.take(notified, 2))).map(({ channel }) => channel)).toEqual(["c", "c"])
    })))

  it("a lost connection fails a stream after what came", () =>
    run(Effect.gen(function*() {
      const dialled = played((_, peer) => {
        peer.write(row("1"))
        setImmediate(() => peer.end())
      })
      const client = yield* Client.make(Postgres, { ...dialled, whenDisconnected: "fail" })
      const got: Array<string> = []
      const asked = client.stream(Postgres.Query, { query: "x" }).pipe(Stream.runForEach(({ _tag }) => Effect.sync(() => got.push(_tag))))
      const fiber = yield* Effect.forkScoped(Effect.flip(asked))
      expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "ConnectionError", reason: { _tag: "ConnectionLost" } })
      expect(got).toEqual(["DataRow"])
    })))
})

/** Read by the compiler alone. */
export const types = (
  mqtt: Client.Client<Mqtt.Packet, Mqtt.Packet, { readonly derived: never; readonly numbered: "packetIdentifier" }>
) => {
  // @ts-expect-error -- what is answered until a last packet is a stream
  mqtt.call(Mqtt.Connect, {})
  // @ts-expect-error -- what is not answered is sent
  mqtt.call(Mqtt.Disconnect, { properties: [] })
  // @ts-expect-error -- what is answered is called
  mqtt.send(Mqtt.Pingreq)
  // @ts-expect-error -- a field is missing
  mqtt.call(Mqtt.Subscribe, { properties: [] })
  return mqtt
}
