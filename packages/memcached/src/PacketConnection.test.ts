/** Proves that every request on a connection ends, with its own answer or its own typed error, whatever the peer does. */
import { assert, describe, it } from "@effect/vitest"
import { DecodeError, EncodeError, type Writer } from "@wirewright/codec"
import {
  type ConnectionError,
  LimitExceeded,
  maxRequests,
  PacketConnection,
  type PacketConnectionOptions,
  quiet as quietly,
  Relayed,
  Unanswered
} from "@wirewright/connection"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { readFileSync } from "node:fs"
import {
  client,
  encodeErrorResponse,
  encodeGet,
  encodeGetQ,
  encodeGetQResponse,
  encodeGetResponse,
  encodeNoop,
  encodeNoopResponse,
  encodeQuitQ,
  encodeSet,
  encodeStat,
  encodeStatResponse,
  encodeUnknownServerRequest,
  headerSize,
  type Request,
  type Response,
  type ServerRequest
} from "./gen/index.ts"
import { bytesOf, type Peer, scripted, until } from "./Scripted.fixture.ts"

type Options = Partial<PacketConnectionOptions<Response, ServerRequest>>

const connect = (server: { readonly host: string; readonly port: number }, options: Options = {}) =>
  PacketConnection.make<Response, ServerRequest>({ host: server.host, port: server.port, protocol: client, ...options })

const get = (key: string) => (writer: Writer, opaque: number): void => encodeGet(writer, { opaque, key })
const getQ = (key: string) => (writer: Writer, opaque: number): void => encodeGetQ(writer, { opaque, key })
const noop = (writer: Writer, opaque: number): void => encodeNoop(writer, { opaque })
const set = (key: string, size = 1) => (writer: Writer, opaque: number): void =>
  encodeSet(writer, { opaque, key, flags: 0, expiration: 0, value: new Uint8Array(size) })

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

/** Answers a get with its own key as the value. */
const echoed = (request: Request) => (writer: Writer): void =>
  encodeGetResponse(writer, { opaque: request.opaque, flags: 7, value: text("key" in request ? String(request.key) : "") })

const echo = (request: Request, peer: Peer): void => peer.send(echoed(request))

const valueOf = (response: Response): string =>
  "value" in response && response.value instanceof Uint8Array ? String(Buffer.from(response.value)) : "?"

const failure = <A, E>(exit: Exit.Exit<A, E>): E => {
  const reason = Exit.isFailure(exit) ? exit.cause.reasons[0]! : undefined
  if (reason?._tag !== "Fail") throw new Error(`no failure but ${exit}`)
  return reason.error
}

const connectionFailure = (exit: Exit.Exit<unknown, ConnectionError | EncodeError>): ConnectionError => failure(exit) as ConnectionError

const reasonOf = (exit: Exit.Exit<unknown, ConnectionError | EncodeError>): string =>
  Exit.isSuccess(exit) ? "Success" : connectionFailure(exit).reason._tag

describe("answers", () => {
  it.live("reach those who asked, in whatever order they come", () =>
    Effect.gen(function*() {
      const held: Array<Request> = []
      const server = yield* scripted((request, peer) => {
        held.push(request)
        if (held.length === 100) peer.send(...held.toReversed().map(echoed))
      })
      const connection = yield* connect(server)
      const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`)
      const answers = yield* Effect.forEach(keys, (key) => connection.request(get(key)), { concurrency: "unbounded" })
      assert.deepStrictEqual(answers.map(valueOf), keys)
      assert.strictEqual(connection.counters.inFlight, 0)
    }))

  it.live("may come byte by byte", () =>
    Effect.gen(function*() {
      const server = yield* scripted((request, { socket }) => {
        for (const byte of bytesOf(echoed(request))) socket.write(Uint8Array.of(byte))
      })
      const connection = yield* connect(server)
      assert.strictEqual(valueOf(yield* connection.request(get("abc"))), "abc")
    }))

  it.live("are collected until the last", () =>
    Effect.gen(function*() {
      const stat = (opaque: number, name: string, value: string) => (writer: Writer): void =>
        encodeStatResponse(writer, { opaque, name, value })
      const server = yield* scripted(({ opaque }, peer) => {
        peer.send(stat(opaque, "pid", "1"), stat(opaque, "uptime", "2"), stat(opaque, "", ""))
      })
      const connection = yield* connect(server)
      const isLast = (answer: Response): boolean => answer._tag !== "StatResponse" || answer.name === ""
      const answers = yield* connection.request((writer, opaque) => encodeStat(writer, { opaque, group: "" }), { last: isLast })
      assert.deepStrictEqual(answers.map((answer) => answer._tag === "StatResponse" ? [answer.name, answer.value] : []), [
        ["pid", "1"],
        ["uptime", "2"]
      ])
    }))
})

describe("a cut at every byte of a conversation", () => {
  it.live("ends every request: with its answer when that came whole, else as lost", () =>
    Effect.gen(function*() {
      const whole = ["first", "second", "third"]
      const sizes = whole.map((key) => 24 + 4 + key.length)
      const total = sizes.reduce((sum, size) => sum + size, 0)
      for (let cut = 0; cut <= total; cut++) {
        yield* Effect.scoped(Effect.gen(function*() {
          const answers: Array<(writer: Writer) => void> = []
          const server = yield* scripted((request, { socket }) => {
            answers.push(echoed(request))
            if (answers.length === 3) socket.end(bytesOf(...answers).subarray(0, cut))
          })
          const connection = yield* connect(server)
          const exits = yield* Effect.forEach(whole, (key) => Effect.exit(connection.request(get(key), { writes: true })), {
            concurrency: "unbounded"
          })
          let end = 0
          for (const [index, exit] of exits.entries()) {
            end += sizes[index]!
            if (end <= cut) assert.strictEqual(Exit.isSuccess(exit) ? valueOf(exit.value) : exit._tag, whole[index], `cut at ${cut}`)
            else {
              const error = connectionFailure(exit)
              assert.strictEqual(error.reason._tag, "ConnectionLost", `cut at ${cut}`)
              assert.isTrue(error.ambiguous)
            }
          }
          yield* until(() => connection.closed !== undefined)
          const after = connectionFailure(yield* Effect.exit(connection.request(get("after"), { writes: true })))
          assert.strictEqual(after.reason._tag, "ConnectionLost")
          assert.isFalse(after.ambiguous, "what was never sent cannot have taken effect")
        }))
      }
    }))
})

describe("a peer that does not answer", () => {
  it.live("makes requests time out at their own deadlines, writes as ambiguous", () =>
    Effect.gen(function*() {
      const server = yield* scripted(() => {})
      const connection = yield* connect(server, { requestTimeout: "150 millis" })
      const start = performance.now()
      const timed = (write: (writer: Writer, opaque: number) => void, options?: { readonly writes?: boolean; readonly timeout?: number }) =>
        Effect.map(Effect.exit(connection.request(write, options)), (exit) => ({
          error: connectionFailure(exit),
          after: performance.now() - start
        }))
      const [read, write, quick] = yield* Effect.all([
        timed(get("a")),
        timed(set("a"), { writes: true }),
        timed(get("b"), { timeout: 30 })
      ], { concurrency: "unbounded" })
      assert.deepStrictEqual([read, write, quick].map(({ error }) => error.message), [
        `127.0.0.1:${server.port}: no answer within 150 ms`,
        `127.0.0.1:${server.port}: no answer within 150 ms (the request may have taken effect)`,
        `127.0.0.1:${server.port}: no answer within 30 ms`
      ])
      assert.isAtLeast(quick.after, 29)
      assert.isAtLeast(read.after, 149)
      assert.strictEqual(connection.closed, undefined)
    }))

  it.live("is given the whole time for a request right after a packet that is not answered", () =>
    Effect.gen(function*() {
      const server = yield* scripted((request, peer) => {
        if (request._tag === "Get") void setTimeout(() => echo(request, peer), 60)
      })
      const connection = yield* connect(server, { requestTimeout: "2 seconds" })
      for (const send of [connection.send(noop), Effect.sync(() => connection.begin(new Unanswered((writer) => noop(writer, 0))))]) {
        // longer than a request may take: what is answered 60 ms later has been there for longer by the wrong clock alone
        yield* Effect.sleep("2100 millis")
        const answer = yield* Effect.andThen(send, connection.request(get("a")))
        assert.strictEqual(valueOf(answer), "a")
      }
    }))

  it.live("is given up after it has been silent for too long", () =>
    Effect.gen(function*() {
      const server = yield* scripted(() => {})
      const ends: Array<string> = []
      const connection = yield* connect(server, {
        requestTimeout: "40 millis",
        maxSilence: "120 millis",
        onClose: ({ reason }) => ends.push(reason._tag)
      })
      yield* Effect.exit(connection.request(get("a")))
      assert.deepStrictEqual(ends, [])
      yield* until(() => ends.length > 0)
      assert.deepStrictEqual(ends, ["PeerStalled"])
    }))

  it.live("is not called silent while nothing of it is read", () =>
    Effect.gen(function*() {
      const server = yield* scripted(() => {})
      const ends: Array<string> = []
      const connection = yield* connect(server, {
        requestTimeout: "40 millis",
        maxSilence: "120 millis",
        onClose: ({ reason }) => ends.push(reason._tag)
      })
      connection.pause()
      assert.isTrue(connection.paused)
      yield* Effect.exit(connection.request(get("a")))
      yield* Effect.sleep("600 millis")
      assert.deepStrictEqual(ends, [])
      connection.resume()
      assert.isFalse(connection.paused)
      yield* until(() => ends.length > 0)
      assert.deepStrictEqual(ends, ["PeerStalled"])
    }))

  it.live("is kept while it sends something", () =>
    Effect.gen(function*() {
      const server = yield* scripted((request, peer) => {
        if (request._tag === "Get" && request.key !== "never") echo(request, peer)
      })
      const connection = yield* connect(server, { requestTimeout: "30 millis", maxSilence: "150 millis" })
      yield* Effect.exit(connection.request(get("never")))
      for (let i = 0; i < 12; i++) {
        yield* connection.request(get("x"), { timeout: 1000 })
        yield* Effect.sleep(25)
      }
      assert.strictEqual(connection.closed, undefined)
    }))

  it.live("is not this process, which stood still: what came meanwhile is read first", () =>
    Effect.gen(function*() {
      const server = yield* scripted((request, peer) => {
        echo(request, peer)
        const end = performance.now() + 100
        while (performance.now() < end);
      })
      const connection = yield* connect(server)
      for (let round = 0; round < 5; round++) {
        assert.strictEqual(valueOf(yield* connection.request(get("a"), { timeout: 50 })), "a")
      }
    }))

  it.live("and answers late after all is not confused", () =>
    Effect.gen(function*() {
      const held: Array<Request> = []
      const server = yield* scripted((request, peer) => {
        if (held.length < 2) held.push(request)
        else echo(request, peer)
      })
      const connection = yield* connect(server)
      yield* Effect.exit(connection.request(get("slow"), { timeout: 20 }))
      const interrupted = yield* Effect.forkChild(connection.request(get("unwanted")), { startImmediately: true })
      yield* until(() => held.length === 2)
      yield* Fiber.interrupt(interrupted)
      server.peers[0]!.send(...held.map(echoed))
      assert.strictEqual(valueOf(yield* connection.request(get("next"))), "next")
      assert.strictEqual(connection.counters.lateAnswers, 2)
      assert.strictEqual(connection.counters.inFlight, 0)
      assert.strictEqual(connection.closed, undefined)
    }))
})

describe("a peer that does not read", () => {
  const big = 1_000_000
  /** Milliseconds that nothing here takes. */
  const hour = 3_600_000
  /** Sends sets until the kernel takes no more; returns a fibre for each. */
  const fill = (connection: PacketConnection<Response, ServerRequest>, timeout: number) =>
    Effect.forEach(
      Array.from({ length: 60 }),
      (_, i) =>
        Effect.forkChild(Effect.exit(connection.request(set(`big ${i}`, big), { writes: true, timeout })), { startImmediately: true })
    )

  /** A connection to a server that reads nothing. */
  const unread = Effect.gen(function*() {
    const server = yield* scripted(() => {}, ({ socket }) => socket.pause())
    const connection = yield* connect(server, { requestTimeout: "1 hour" })
    yield* until(() => server.peers.length === 1)
    return { connection, server }
  })

  it.live("holds requests; those never sent time out without a doubt", () =>
    Effect.gen(function*() {
      const { connection } = yield* unread
      const fibers = yield* fill(connection, 200)
      assert.isTrue(connection.counters.inFlight < 60)
      const exits = yield* Effect.forEach(fibers, (fiber) => Fiber.join(fiber))
      assert.deepStrictEqual([...new Set(exits.map(reasonOf))], ["RequestTimeout"])
      const ambiguous = exits.filter((exit) => connectionFailure(exit).ambiguous).length
      assert.isTrue(ambiguous > 0 && ambiguous < 60, `${ambiguous}`)
    }))

  it.live("gets them in order once it reads, without those that were interrupted", () =>
    Effect.gen(function*() {
      const server = yield* scripted((request, peer) => {
        peer.send((writer) => encodeErrorResponse(writer, { ...nothing, opaque: request.opaque, opcode: request.opcode, status: 5 }))
      }, ({ socket }) => socket.pause())
      const connection = yield* connect(server, { requestTimeout: "1 hour" })
      yield* until(() => server.peers.length === 1)
      const fibers = yield* fill(connection, hour)
      yield* Effect.sleep(20)
      const sent = connection.counters.inFlight
      yield* Fiber.interrupt(fibers[59]!)
      yield* Fiber.interrupt(fibers[57]!)
      server.peers[0]!.socket.resume()
      for (const index of [0, 30, 56, 58]) assert.strictEqual(reasonOf(yield* Fiber.join(fibers[index]!)), "Success")
      const keys = server.peers[0]!.requests.map((request) => "key" in request ? request.key : "")
      assert.isTrue(sent < 57)
      assert.deepStrictEqual(keys, [...Array.from({ length: 57 }, (_, i) => `big ${i}`), "big 58"])
    }))

  it.live("loses them with the connection; only what was sent is in doubt", () =>
    Effect.gen(function*() {
      const { connection, server } = yield* unread
      const fibers = yield* fill(connection, hour)
      server.peers[0]!.socket.destroy()
      const exits = yield* Effect.forEach(fibers, (fiber) => Fiber.join(fiber))
      assert.deepStrictEqual([...new Set(exits.map(reasonOf))], ["ConnectionLost"])
      const ambiguous = exits.map((exit) => connectionFailure(exit).ambiguous)
      assert.isTrue(ambiguous[0])
      assert.isFalse(ambiguous[59])
    }))

  it.live("makes packets without an answer wait, too", () =>
    Effect.gen(function*() {
      const { connection, server } = yield* unread
      yield* fill(connection, hour)
      const quit = yield* Effect.forkChild(connection.send((writer, opaque) => encodeQuitQ(writer, { opaque })), {
        startImmediately: true
      })
      yield* Effect.sleep(20)
      assert.isUndefined(quit.pollUnsafe())
      server.peers[0]!.socket.resume()
      yield* Fiber.join(quit)
      yield* until(() => server.peers[0]!.requests.some(({ _tag }) => _tag === "QuitQ"))
    }))

  it.live("makes requests without a fibre wait in line, and a lost one that was never sent has changed nothing", () =>
    Effect.gen(function*() {
      const { connection, server } = yield* unread
      yield* fill(connection, hour)
      const sent = connection.counters.inFlight
      const lost: Array<ConnectionError | EncodeError> = []
      connection.begin(new Relayed(set("r"), { answer: () => true, fail: (error) => void lost.push(error) }, true))
      const { waiting } = connection
      connection.begin(new Unanswered((writer) => noop(writer, 0)))
      assert.deepStrictEqual([connection.counters.inFlight, connection.waiting - waiting], [sent, headerSize])
      server.peers[0]!.socket.destroy()
      yield* until(() => lost.length > 0)
      assert.deepStrictEqual(lost.map((error) => error._tag === "ConnectionError" && error.ambiguous), [false])
    }))

  it.live("tells whoever waits that a packet without an answer cannot be written, and throws where nobody does", () =>
    Effect.gen(function*() {
      const server = yield* scripted(() => {})
      const connection = yield* connect(server)
      const wrong = get("x".repeat(251))
      assert.instanceOf(failure(yield* Effect.exit(connection.send(wrong))), EncodeError)
      assert.throws(() => connection.begin(new Unanswered((writer) => wrong(writer, 0))), EncodeError)
      assert.strictEqual(connection.counters.bytesSent, 0)
    }))
})

const nothing = { extras: new Uint8Array(0), key: new Uint8Array(0), value: new Uint8Array(0) }

/** An answer without a body. */
const success = (opcode: number, opaque: number): Uint8Array => {
  const bytes = new Uint8Array(24)
  bytes.set([0x81, opcode])
  new DataView(bytes.buffer).setUint32(12, opaque)
  return bytes
}

describe("a peer that misbehaves", () => {
  /** The error of a request that is answered with these bytes. */
  const answeredWith = (bytes: (request: Request) => Uint8Array, options: Options = {}) =>
    Effect.gen(function*() {
      const server = yield* scripted((request, { socket }) => socket.write(bytes(request)))
      const connection = yield* connect(server, options)
      const exit = yield* Effect.exit(connection.request(get("a")))
      return { closed: connection.closed, reason: connectionFailure(exit).reason }
    })

  it.live("by answering what nobody asked", () =>
    Effect.gen(function*() {
      const { closed, reason } = yield* answeredWith((request) =>
        bytesOf((writer) => encodeGetResponse(writer, { opaque: request.opaque + 1, flags: 0, value: nothing.value }))
      )
      assert.strictEqual(reason._tag, "PeerMisbehaved")
      assert.include(closed?.message, "not in flight")
    }))

  it.live("by answering twice", () =>
    Effect.gen(function*() {
      const server = yield* scripted((request, peer) => peer.send(echoed(request), echoed(request)))
      const connection = yield* connect(server)
      assert.strictEqual(valueOf(yield* connection.request(get("a"))), "a")
      yield* until(() => connection.closed !== undefined)
      assert.strictEqual(connection.closed?.reason._tag, "PeerMisbehaved")
    }))

  it.live("by answering one command as another: nobody gets the answer, and everything in flight ends", () =>
    Effect.gen(function*() {
      const server = yield* scripted((request, { socket }) => {
        if (request._tag === "Get") socket.write(success(0x01, request.opaque))
      })
      const connection = yield* connect(server)
      const [write, read] = yield* Effect.all(
        [Effect.exit(connection.request(set("w"), { writes: true })), Effect.exit(connection.request(get("r")))],
        { concurrency: "unbounded" }
      )
      for (const [exit, ambiguous] of [[write, true], [read, false]] as const) {
        const error = connectionFailure(exit)
        assert.deepStrictEqual([error.reason._tag, error.ambiguous], ["PeerMisbehaved", ambiguous])
      }
      assert.include(connection.closed?.message, "opcode 0x01")
    }))

  it.live("by answering one command as another: after a barrier, among many answers, and late", () =>
    Effect.gen(function*() {
      const misled = (ask: (connection: PacketConnection<Response, ServerRequest>) => Effect.Effect<unknown, unknown>, asked: number) =>
        Effect.scoped(Effect.gen(function*() {
          let answer = (): void => {}
          const server = yield* scripted((request, { requests, socket }) => {
            answer = () => void socket.write(success(0x01, requests[0]!.opaque))
            if (requests.length === asked) answer()
          })
          const connection = yield* connect(server)
          yield* Effect.exit(ask(connection))
          if (asked === 0) answer()
          yield* until(() => connection.closed !== undefined)
          return connection.closed?.reason._tag
        }))
      const stat = (writer: Writer, opaque: number): void => encodeStat(writer, { opaque, group: "" })
      assert.strictEqual(yield* misled((connection) => connection.perform(quietly([getQ("a"), getQ("b")], noop)), 3), "PeerMisbehaved")
      assert.strictEqual(yield* misled((connection) => connection.request(stat, { last: () => false }), 1), "PeerMisbehaved")
      assert.strictEqual(yield* misled((connection) => connection.request(get("a"), { timeout: 50 }), 0), "PeerMisbehaved")
    }))

  it.live("by sending garbage, a damaged packet, or a request", () =>
    Effect.gen(function*() {
      const garbage = yield* answeredWith(() => text("HTTP/1.1 400 Bad Request\r\n\r\n"))
      assert.isTrue(garbage.reason._tag === "PeerMisbehaved" && garbage.reason.error instanceof DecodeError)
      const damaged = yield* answeredWith((request) => {
        const bytes = bytesOf(echoed(request))
        bytes[4] = 5
        return bytes
      })
      assert.isTrue(damaged.reason._tag === "PeerMisbehaved" && damaged.reason.error?.packet === "GetResponse")
      const asked = yield* answeredWith(() => bytesOf((writer) => encodeNoop(writer, {})))
      assert.strictEqual(asked.reason._tag, "PeerMisbehaved")
      assert.include(asked.closed?.message, "a packet of kind request")
    }))

  it.live("by sending more than a frame may have: exactly the limit is fine", () =>
    Effect.gen(function*() {
      const answer = (size: number) => (request: Request): Uint8Array =>
        bytesOf((writer) => encodeGetResponse(writer, { opaque: request.opaque, flags: 0, value: new Uint8Array(size) }))
      const server = yield* scripted((request, { socket }) => socket.write(answer(1000 - 28)(request)))
      const connection = yield* connect(server, { maxFrame: 1000 })
      assert.strictEqual((yield* connection.request(get("a")))._tag, "GetResponse")
      const { reason } = yield* answeredWith(answer(1000 - 27), { maxFrame: 1000 })
      assert.isTrue(reason._tag === "PeerMisbehaved" && reason.error?.reason === "Limit")
    }))
})

describe("limits", () => {
  it.live("refuse one request more than allowed, and take it when one has ended", () =>
    Effect.gen(function*() {
      const held: Array<Request> = []
      const server = yield* scripted((request) => held.push(request))
      const connection = yield* connect(server, { maxInFlight: 4 })
      const fibers = yield* Effect.forEach(["a", "b", "c", "d"], (key) =>
        Effect.forkChild(connection.request(get(key)), { startImmediately: true }))
      const refused = connectionFailure(yield* Effect.exit(connection.request(set("e"), { writes: true })))
      assert.deepStrictEqual([refused.reason._tag, refused.ambiguous], ["LimitExceeded", false])
      assert.include(refused.message, "more than 4 requests in flight")
      yield* until(() =>
        held.length === 4
      )
      server.peers[0]!.send(echoed(held[0]!))
      assert.strictEqual(valueOf(yield* Fiber.join(fibers[0]!)), "a")
      const fifth = yield* Effect.forkChild(connection.request(get("e")), { startImmediately: true })
      yield* until(() => held.length === 5)
      server.peers[0]!.send(...held.slice(1).map(echoed))
      assert.strictEqual(valueOf(yield* Fiber.join(fifth)), "e")
    }))

  it("are what the documentation says: as many requests as a ledger holds", () => {
    const source = readFileSync(new URL("../../connection/src/PacketConnection.ts", import.meta.url), "utf8")
    const [, number] = /([\d ]+), which is the most there can be[^\n]*\n {2}readonly maxInFlight/.exec(source) ?? []
    assert.strictEqual(Number(number?.replaceAll(" ", "")), maxRequests)
  })

  it.live("hold to that number: one more is refused", () =>
    Effect.gen(function*() {
      const server = yield* scripted(() => {})
      const connection = yield* connect(server, { maxInFlight: maxRequests + 1 })
      let refused: ConnectionError | EncodeError | undefined
      const sink = { answer: () => true, fail: (error: ConnectionError | EncodeError) => void (refused = error) }
      for (let i = 0; i < maxRequests; i++) connection.begin(new Relayed(noop, sink, false), 60_000)
      assert.deepStrictEqual([connection.counters.inFlight, refused], [maxRequests, undefined])
      connection.begin(new Relayed(noop, sink, false), 60_000)
      assert.deepStrictEqual(refused?.reason, new LimitExceeded({ limit: "requests in flight", max: maxRequests }))
    }))

  it.live("count those whose answers are owed", () =>
    Effect.gen(function*() {
      const server = yield* scripted(() => {})
      const connection = yield* connect(server, { maxInFlight: 2 })
      for (const key of ["a", "b"]) {
        assert.strictEqual(reasonOf(yield* Effect.exit(connection.request(get(key), { timeout: 20 }))), "RequestTimeout")
      }
      assert.strictEqual(reasonOf(yield* Effect.exit(connection.request(get("c")))), "LimitExceeded")
    }))
})

describe("packets that cannot be written", () => {
  it.live("fail alone, and nothing of them is sent", () =>
    Effect.gen(function*() {
      const server = yield* scripted(echo)
      const connection = yield* connect(server)
      const exits = yield* Effect.forEach(["a", "x".repeat(251), "b"], (key) => Effect.exit(connection.request(get(key))), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(exits.map(({ _tag }) => _tag), ["Success", "Failure", "Success"])
      assert.instanceOf(failure(exits[1]!), EncodeError)
      const quiet = yield* Effect.exit(connection.perform(quietly([getQ("a"), getQ("x".repeat(251))], noop)))
      assert.instanceOf(failure(quiet), EncodeError)
      assert.strictEqual(connection.counters.inFlight, 0)
      assert.strictEqual(server.peers[0]!.requests.length, 2)
    }))
})

describe("quiet requests", () => {
  const hits = new Set(["b", "d"])
  const quiet = (request: Request, peer: Peer): void => {
    if (request._tag === "Noop") peer.send((writer) => encodeNoopResponse(writer, { opaque: request.opaque }))
    else if (request._tag === "GetQ" && hits.has(request.key)) {
      peer.send((writer) => encodeGetQResponse(writer, { opaque: request.opaque, flags: 0, value: text(request.key) }))
    }
  }

  it.live("have an answer or none, once the barrier is answered", () =>
    Effect.gen(function*() {
      const server = yield* scripted(quiet)
      const connection = yield* connect(server)
      const answers = yield* connection.perform(quietly(["a", "b", "c", "d"].map(getQ), noop))
      assert.deepStrictEqual(answers.map((answer) => answer === undefined ? undefined : valueOf(answer)), [undefined, "b", undefined, "d"])
      assert.strictEqual(connection.counters.inFlight, 0)
    }))

  it.live("leave nothing behind after a time-out that is answered late", () =>
    Effect.gen(function*() {
      let late: (() => void) | undefined
      const server = yield* scripted((request, peer) => {
        if (request._tag === "Noop") {
          late = () => {
            for (const asked of peer.requests.slice(0, 5)) quiet(asked, peer)
          }
        } else if (request._tag === "Get") echo(request, peer)
      })
      const connection = yield* connect(server, { maxInFlight: 6 })
      const exit = yield* Effect.exit(connection.perform(quietly(["a", "b", "c", "d"].map(getQ), noop, true), 30))
      assert.isTrue(reasonOf(exit) === "RequestTimeout" && connectionFailure(exit).ambiguous)
      // a machine that stands still lets the time pass before the server has read anything
      yield* until(() => late !== undefined)
      late!()
      yield* until(() => connection.counters.lateAnswers === 3)
      // all six places are free again
      yield* Effect.forEach(["1", "2", "3", "4", "5", "6"], (key) => connection.request(get(key)), { concurrency: "unbounded" })
      assert.strictEqual(connection.closed, undefined)
    }))

  it.live("are owed nothing but the barrier when nobody waits any more", () =>
    Effect.gen(function*() {
      const server = yield* scripted((request, peer) => {
        if (request._tag === "Get") echo(request, peer)
      })
      const connection = yield* connect(server)
      const waiting = yield* Effect.forkChild(connection.perform(quietly([getQ("b")], noop)), { startImmediately: true })
      yield* until(() => server.peers[0]?.requests.length === 2)
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(connection.counters.inFlight, 0)
      for (const asked of server.peers[0]!.requests) quiet(asked, server.peers[0]!)
      assert.strictEqual(valueOf(yield* connection.request(get("x"))), "x")
    }))
})

describe("requests of the server", () => {
  const pushed = (writer: Writer): void => encodeUnknownServerRequest(writer, { opcode: 1, framing: nothing.value, ...nothing })

  it.live("are counted when nobody wants them, and handed over otherwise, between answers", () =>
    Effect.gen(function*() {
      const server = yield* scripted((request, peer) => peer.send(pushed, echoed(request), pushed))
      const connection = yield* connect(server)
      assert.strictEqual(valueOf(yield* connection.request(get("a"))), "a")
      yield* until(() => connection.counters.serverRequestsDropped === 2)
      const seen: Array<number> = []
      const other = yield* connect(server, { onServerRequest: ({ opcode }) => seen.push(opcode) })
      yield* other.request(get("a"))
      yield* until(() => seen.length === 2)
      assert.strictEqual(other.counters.serverRequestsDropped, 0)
    }))
})

describe("interrupting", () => {
  it.live("ends at once, and a timer does not outlive what it was for", () =>
    Effect.gen(function*() {
      const server = yield* scripted(() => {})
      const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length
      const before = timers()
      yield* Effect.scoped(Effect.gen(function*() {
        // without a time-out of its own it would wait for longer than the test may take
        const connection = yield* connect(server, { requestTimeout: "1 hour" })
        assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.timeout(connection.request(get("a")), "20 millis"))))
      }))
      yield* until(() => timers() <= before)
    }))
})
