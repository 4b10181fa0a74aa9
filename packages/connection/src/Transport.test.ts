/** Proves what a transport does with bytes, with peers that do not read or do not answer, and that nothing is left over. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Net from "node:net"
import type * as Tls from "node:tls"
import type { ConnectionError } from "./Errors.ts"
import { certificate, listening, resources, until } from "./Loopback.fixture.ts"
import { connect } from "./Connecting.ts"
import type { Transport, TransportOptions } from "./Transport.ts"

/** Connects and writes down what arrives. */
const connected = (options: TransportOptions) => {
  const chunks: Array<Uint8Array> = []
  const ends: Array<ConnectionError> = []
  return Effect.map(
    connect(options, { onBytes: (bytes) => chunks.push(bytes), onClose: (error) => ends.push(error) }),
    (transport) => ({ chunks, ends, transport, received: () => Buffer.concat(chunks) })
  )
}

const send = (transport: Transport, ...parts: ReadonlyArray<string | Uint8Array>): void => {
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part
    const { writer } = transport
    const at = writer.need(bytes.length)
    writer.bytes.set(bytes, at)
    writer.position = at + bytes.length
    transport.flush()
  }
}

const echo = (socket: Net.Socket): void => {
  socket.pipe(socket)
}

const reasonOf = (exit: Exit.Exit<unknown, ConnectionError>): string =>
  Exit.isFailure(exit) && exit.cause.reasons[0]?._tag === "Fail" ? exit.cause.reasons[0].error.reason._tag : exit._tag

describe("bytes", () => {
  it.live("go out once per microtask and come back", () =>
    Effect.gen(function*() {
      const chunks: Array<string> = []
      const server = yield* listening((socket) => socket.on("data", (chunk) => chunks.push(String(chunk))))
      const { transport } = yield* connected(server)
      send(transport, "a", "b", "c")
      assert.strictEqual(transport.waiting, 3)
      yield* until(() => chunks.length > 0)
      send(transport, "d")
      yield* until(() => chunks.length > 1)
      assert.deepStrictEqual(chunks, ["abc", "d"])
      assert.strictEqual(transport.bytesSent, 4)
      assert.strictEqual(transport.waiting, 0)
    }))

  it.live("received stay what they were while more arrive", () =>
    Effect.gen(function*() {
      const server = yield* listening(echo)
      const { chunks, received, transport } = yield* connected(server)
      const sent = Buffer.alloc(3_000_000)
      for (let i = 0; i < sent.length; i += 4) sent.writeUInt32BE(i, i)
      send(transport, sent)
      yield* until(() => received().length === sent.length)
      assert.isTrue(chunks.length > 10)
      assert.isTrue(received().equals(sent))
      assert.strictEqual(transport.bytesReceived, sent.length)
    }))

  it.live("are not corrupted when buffers are used again", () =>
    Effect.gen(function*() {
      const server = yield* listening(echo)
      const { received, transport } = yield* connected(server)
      const lines: Array<string> = []
      for (let round = 0; round < 200; round++) {
        for (let i = 0; i < 50; i++) {
          const line = `${round}:${i}:${"x".repeat(round * 7 % 300)}\n`
          lines.push(line)
          send(transport, line)
        }
        if (round % 3 === 0) yield* Effect.sleep(0)
      }
      const sent = lines.join("")
      yield* until(() => received().length === sent.length)
      assert.strictEqual(String(received()), sent)
    }))
})

describe("a peer that does not read", () => {
  it.live("blocks senders until it reads", () =>
    Effect.gen(function*() {
      const server = yield* listening((socket) => socket.pause())
      const { transport } = yield* connected(server)
      const block = new Uint8Array(100_000)
      let appended = 0
      while (!transport.blocked && appended < 200_000_000) {
        send(transport, block)
        appended += block.length
        yield* Effect.sleep(0)
      }
      assert.isTrue(transport.blocked)
      const waiting = yield* Effect.forkChild(transport.writable, { startImmediately: true })
      yield* Effect.sleep(30)
      assert.isUndefined(waiting.pollUnsafe())
      for (const socket of server.sockets) socket.resume()
      yield* Fiber.join(waiting)
      assert.isFalse(transport.blocked)
    }))

  it.live("does not let one microtask append without bound", () =>
    Effect.gen(function*() {
      const server = yield* listening((socket) => socket.pause())
      const { transport } = yield* connected(server)
      let most = 0
      for (let i = 0; i < 1000 && !transport.blocked; i++) {
        send(transport, new Uint8Array(50_000))
        most = Math.max(most, transport.writer.length)
      }
      assert.isTrue(transport.blocked)
      assert.isTrue(most <= 128 * 1024 + 50_000)
    }))

  it.live("fails those who wait when it goes", () =>
    Effect.gen(function*() {
      const server = yield* listening((socket) => socket.pause())
      const { ends, transport } = yield* connected(server)
      while (!transport.blocked) {
        send(transport, new Uint8Array(100_000))
        yield* Effect.sleep(0)
      }
      const waiting = yield* Effect.forkChild(transport.writable, { startImmediately: true })
      for (const socket of server.sockets) socket.destroy()
      assert.strictEqual(reasonOf(yield* Fiber.await(waiting)), "ConnectionLost")
      assert.strictEqual(ends.length, 1)
    }))
})

describe("ends", () => {
  it.live("are told once, with who was it", () =>
    Effect.gen(function*() {
      const server = yield* listening(() => {})
      const theirs = yield* connected(server)
      yield* until(() => server.sockets.size === 1)
      for (const socket of server.sockets) socket.end()
      yield* until(() => theirs.ends.length > 0)
      const ours = yield* connected(server)
      ours.transport.close("the test")
      ours.transport.close("somebody else")
      yield* Effect.sleep(20)
      assert.deepStrictEqual(theirs.ends.map(({ reason }) => reason._tag), ["ConnectionLost"])
      assert.deepStrictEqual(ours.ends.map(({ message }) => message), [`127.0.0.1:${server.port}: connection closed by the test`])
      assert.strictEqual(ours.transport.closed, ours.ends[0])
    }))

  it.live("end sends what was appended, close does not", () =>
    Effect.gen(function*() {
      const received: Array<string> = []
      const server = yield* listening((socket) => {
        let all = ""
        socket.on("data", (chunk) => all += String(chunk))
        socket.on("end", () => received.push(all))
      })
      const { transport } = yield* connected(server)
      send(transport, "last words")
      transport.end("the test")
      yield* until(() => received.length === 1)
      const second = yield* connected(server)
      send(second.transport, "unheard")
      second.transport.close("the test")
      yield* until(() => received.length === 2)
      assert.deepStrictEqual(received, ["last words", ""])
    }))

  it.live("the scope's end sends what was appended", () =>
    Effect.gen(function*() {
      const received: Array<string> = []
      const server = yield* listening((socket) => socket.on("data", (chunk) => received.push(String(chunk))))
      yield* Effect.scoped(Effect.map(connected(server), ({ transport }) => send(transport, "bye")))
      yield* until(() => received.length === 1)
      assert.deepStrictEqual(received, ["bye"])
    }))

  it.live("a peer that keeps its side open does not keep the socket", () =>
    Effect.gen(function*() {
      const server = yield* listening((socket) => {
        socket.allowHalfOpen = true
        socket.resume()
      })
      const { transport } = yield* connected(server)
      transport.end("the test")
      yield* Effect.sleep(2_300)
      yield* until(() => server.sockets.size === 0 || [...server.sockets].every((socket) => socket.readableEnded))
    }))

  it.live("what is appended afterwards is dropped", () =>
    Effect.gen(function*() {
      const server = yield* listening(() => {})
      const { transport } = yield* connected(server)
      transport.close("the test")
      for (let i = 0; i < 100; i++) send(transport, new Uint8Array(10_000))
      yield* Effect.sleep(0)
      assert.strictEqual(transport.writer.length, 0)
      assert.strictEqual(reasonOf(yield* Effect.exit(transport.writable)), "ConnectionClosed")
    }))
})

describe("connecting", () => {
  const attempt = (options: TransportOptions) => Effect.exit(Effect.scoped(connected(options)))

  it.live("fails typed when nobody listens", () =>
    Effect.gen(function*() {
      const port = yield* Effect.scoped(Effect.map(listening(() => {}), (server) => server.port))
      assert.strictEqual(reasonOf(yield* attempt({ host: "127.0.0.1", port })), "ConnectFailed")
    }))

  it.live("fails typed when the name is unknown", () =>
    Effect.gen(function*() {
      assert.strictEqual(reasonOf(yield* attempt({ host: "nowhere.invalid", port: 1 })), "ConnectFailed")
    }))

  it.live("times out when the peer does not answer the TLS handshake, and leaves no socket", () =>
    Effect.gen(function*() {
      const server = yield* listening((socket) => socket.resume())
      const exit = yield* attempt({ ...server, tls: { ca: certificate.cert }, connectTimeout: "100 millis" })
      assert.strictEqual(reasonOf(exit), "ConnectTimeout")
      yield* until(() => server.sockets.size === 0)
    }))

  it.live("can be interrupted, and leaves no socket", () =>
    Effect.gen(function*() {
      const server = yield* listening((socket) => socket.resume())
      const fiber = yield* Effect.forkChild(attempt({ ...server, tls: { ca: certificate.cert } }), { startImmediately: true })
      yield* until(() => server.sockets.size === 1)
      yield* Fiber.interrupt(fiber)
      yield* until(() => server.sockets.size === 0)
    }))
})

describe("TLS", () => {
  it.live("carries bytes when the authority is known, and has backpressure", () =>
    Effect.gen(function*() {
      const server = yield* listening(echo, certificate)
      const { received, transport } = yield* connected({ ...server, tls: { ca: certificate.cert } })
      const sent = Buffer.alloc(1_000_000, "secret ")
      send(transport, sent)
      yield* until(() => received().length === sent.length)
      assert.isTrue(received().equals(sent))
    }))

  it.live("refuses a certificate that nobody vouches for", () =>
    Effect.gen(function*() {
      const server = yield* listening(echo, certificate)
      const exit = yield* Effect.exit(Effect.scoped(connected({ ...server, tls: {} })))
      assert.strictEqual(reasonOf(exit), "CertificateRefused")
      assert.include(
        String(Exit.isFailure(exit) && exit.cause.reasons.map((reason) => "error" in reason ? reason.error : "")),
        "self-signed"
      )
    }))

  it.live("shows its own certificate when the server wants one", () =>
    Effect.gen(function*() {
      const names: Array<string> = []
      const wants = { ...certificate, requestCert: true, rejectUnauthorized: true, ca: certificate.cert }
      const server = yield* listening((socket) => {
        names.push(String((socket as Tls.TLSSocket).getPeerCertificate().subject.CN))
        echo(socket)
      }, wants)
      const { received, transport } = yield* connected({ ...server, tls: { ...certificate, ca: certificate.cert } })
      send(transport, "hello")
      yield* until(() => received().length === 5)
      assert.deepStrictEqual(names, ["wirewright test"])
      // TLS 1.2 tells who has none within the handshake
      const refused = yield* Effect.exit(Effect.scoped(connected({ ...server, tls: { ca: certificate.cert, maxVersion: "TLSv1.2" } })))
      assert.strictEqual(reasonOf(refused), "ConnectFailed")
      // TLS 1.3 only after the client believes to be connected
      const late = yield* connected({ ...server, tls: { ca: certificate.cert, minVersion: "TLSv1.3" } })
      yield* until(() => late.ends.length === 1)
      assert.strictEqual(late.transport.closed?.reason._tag, "CertificateRefused")
      assert.match(late.transport.closed?.message ?? "", /certificate required/)
      assert.strictEqual(names.length, 1)
    }))
})

describe("many connections", () => {
  it.live("1 000 that come and go leave neither sockets nor timers", () =>
    Effect.gen(function*() {
      const server = yield* listening(echo)
      const before = resources()
      const cycle = Effect.scoped(Effect.gen(function*() {
        const { received, transport } = yield* connected(server)
        send(transport, "x")
        while (received().length === 0) yield* Effect.sleep(0)
      }))
      yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.repeat(cycle, { times: 49 }), {
        concurrency: "unbounded",
        discard: true
      })
      yield* until(() => server.sockets.size === 0 && resources() <= before)
    }))
})
