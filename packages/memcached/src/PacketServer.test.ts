/** Limits of a server: what a hostile client gets is a closed connection or nothing at all, never memory, and others notice nothing. */
import {
  type ConnectionError,
  type PacketHandler,
  type PacketServer,
  type PacketServerOptions,
  servePackets,
  type ServerClient
} from "@wirewright/connection"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { spawn } from "node:child_process"
import { existsSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Duplex, duplexPair } from "node:stream"
import * as Tls from "node:tls"
import { afterAll, describe, expect, test } from "vitest"
import { certificate, privateKey } from "./Certificate.fixture.ts"
import * as Gen from "./gen/index.ts"
import { packet, RawClient } from "./RawClient.fixture.ts"

/** What became of connections, and how much waited for a client at most. */
interface Seen {
  readonly closed: Array<string>
  readonly clients: Array<ServerClient>
  maxWaiting: number
  handled: number
}

const answering = (bytes: number, seen: Seen) => (client: ServerClient): PacketHandler<Gen.Request> => {
  seen.clients.push(client)
  return {
    onRequest: ({ opaque }) => {
      seen.handled++
      client.reply((writer) => Gen.encodeGetResponse(writer, { opaque, flags: 0, value: new Uint8Array(bytes) }))
      seen.maxWaiting = Math.max(seen.maxWaiting, client.waiting)
    },
    onMalformed: () => client.close("the test"),
    onClose: (error: ConnectionError) => seen.closed.push(error.reason._tag)
  }
}

const withServer = (
  use: (server: PacketServer, seen: Seen) => Promise<void>,
  options: Partial<PacketServerOptions<Gen.Request>> & { readonly answer?: number } = {}
): Promise<void> => {
  const { answer = 0, ...rest } = options
  const seen: Seen = { closed: [], clients: [], maxWaiting: 0, handled: 0 }
  const decode = (reader: Parameters<typeof Gen.decodeRequest>[0], at: number) => Gen.decodeRequest(reader, at)
  return Effect.runPromise(Effect.scoped(Effect.flatMap(
    servePackets({ frameShape: Gen.frameShape, decode, handler: answering(answer, seen), ...rest }),
    (server) => Effect.promise(() => use(server, seen))
  )))
}

const until = async (condition: () => boolean): Promise<void> => {
  for (let i = 0; !condition(); i++) {
    if (i === 1_000) throw new Error("it did not come to pass within 5 s")
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const noops = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, (_, opaque) => packet(0x0a, { opaque })))

describe("a client that does not read", () => {
  const answer = 16 * 1024
  const maxOutput = 256 * 1024

  test("10 000 requests: no more than the limit waits, others are served, and all answers come once it reads", () =>
    withServer(async (server, seen) => {
      const greedy = await RawClient.connect(server.port)
      greedy.socket.pause()
      greedy.send(noops(10_000))
      await pause(300)
      const stuckAt = seen.handled
      expect(stuckAt).toBeLessThan(10_000)
      await pause(100)
      expect(seen.handled).toBe(stuckAt)

      const modest = await RawClient.connect(server.port)
      modest.send(packet(0x0a, { opaque: 77 }))
      expect((await modest.packets(1))[0]!.readUInt32BE(12)).toBe(77)
      modest.close()

      greedy.socket.resume()
      for (let opaque = 0; opaque < 10_000; opaque++) {
        const [one] = await greedy.packets(1)
        if (one!.readUInt32BE(12) !== opaque) throw new Error(`answer ${opaque} has opaque ${one!.readUInt32BE(12)}`)
      }
      expect(seen.maxWaiting).toBeGreaterThan(maxOutput)
      expect(seen.maxWaiting).toBeLessThanOrEqual(maxOutput + answer + 24 + 4)
      greedy.close()
    }, { answer, maxOutput }))

  test("it is closed when it has read nothing for the idle time", () =>
    withServer(async (server, seen) => {
      const client = await RawClient.connect(server.port)
      client.socket.pause()
      client.send(noops(10_000))
      await until(() => seen.closed.length === 1)
      expect(seen.closed).toEqual(["PeerStalled"])
      expect(server.counters).toMatchObject({ timeouts: 1, connections: 0 })
      client.close()
    }, { answer, maxOutput, idleTimeout: "200 millis" }))
})

describe("pause and resume", () => {
  test("nothing is handled in between, and nothing is lost", () => {
    let resumed = 0
    return withServer(async (server) => {
      const client = await RawClient.connect(server.port)
      client.send(noops(3_000))
      const answers = await client.packets(3_000)
      expect(answers.map((one) => one.readUInt32BE(12))).toEqual(Array.from({ length: 3_000 }, (_, i) => i))
      // the last answer comes before the last pause ends
      expect(resumed).toBeGreaterThanOrEqual(29)
      client.close()
    }, {
      handler: (client) => {
        let paused = false
        return {
          onRequest: ({ opaque }) => {
            if (paused) throw new Error("a request while paused")
            client.reply((writer) => Gen.encodeNoopResponse(writer, { opaque }))
            if (opaque % 100 !== 99) return
            paused = true
            client.pause()
            setTimeout(() => {
              paused = false
              resumed++
              client.resume()
            }, 1)
          },
          onMalformed: () => {},
          onClose: () => {}
        }
      }
    })
  })
})

describe("slow loris", () => {
  test("part of a header and then nothing", () =>
    withServer(async (server, seen) => {
      const client = await RawClient.connect(server.port)
      client.send(packet(0x0a).subarray(0, 23))
      expect((await client.rest()).length).toBe(0)
      expect(seen.closed).toEqual(["PeerStalled"])
    }, { headerTimeout: "100 millis" }))

  test("a header byte by byte", () =>
    withServer(async (server, seen) => {
      const client = await RawClient.connect(server.port)
      const bytes = packet(0x0a)
      let at = 0
      const timer = setInterval(() => client.send(bytes.subarray(at % 23, at++ % 23 + 1)), 20)
      await until(() => seen.closed.length === 1)
      clearInterval(timer)
      expect(seen.closed).toEqual(["PeerStalled"])
      expect(at).toBeLessThan(23)
    }, { headerTimeout: "150 millis" }))

  test("whole requests, slowly, are fine", () =>
    withServer(async (server, seen) => {
      const client = await RawClient.connect(server.port)
      for (let i = 0; i < 10; i++) {
        client.send(packet(0x0a).subarray(0, 12))
        await pause(110)
        client.send(packet(0x0a).subarray(12))
        await client.packets(1)
      }
      expect(seen.closed).toEqual([])
      client.close()
    }, { headerTimeout: "1 second" }))

  test("silence ends with the idle time", () =>
    withServer(async (server, seen) => {
      const client = await RawClient.connect(server.port)
      await client.rest()
      expect(seen.closed).toEqual(["PeerStalled"])
    }, { idleTimeout: "100 millis" }))
})

describe("length bombs", () => {
  const header = (bodyLength: number): Buffer => {
    const bytes = packet(0x00)
    bytes.writeUInt32BE(bodyLength, 8)
    return bytes
  }

  test.each([[1000, true], [1001, false]])(
    "maxFrame 1 000: a frame of %i bytes is served: %s",
    (size, served) =>
      withServer(async (server, seen) => {
        const client = await RawClient.connect(server.port)
        client.send(packet(0x01, { extras: "0000000000000000", key: "k", value: new Uint8Array(size - 24 - 8 - 1) }))
        if (served) expect(await client.packets(1)).toHaveLength(1)
        else {
          expect((await client.rest()).length).toBe(0)
          expect(seen.closed).toEqual(["PeerMisbehaved"])
          expect(server.counters.misbehaved).toBe(1)
        }
        client.close()
      }, { maxFrame: 1000 })
  )

  test.each([0x7fff_ffff, 0xffff_ffff, 31_457_281])(
    "a claim of %i bytes is refused on its header",
    (claim) =>
      withServer(async (server, seen) => {
        const client = await RawClient.connect(server.port)
        client.send(header(claim))
        expect((await client.rest()).length).toBe(0)
        expect(seen.closed).toEqual(["PeerMisbehaved"])
      })
  )

  test("a legal claim reserves nothing: 200 clients that promise 30 MB each", () =>
    withServer(async (server) => {
      const before = process.memoryUsage().arrayBuffers
      const clients = await Promise.all(Array.from({ length: 200 }, () => RawClient.connect(server.port)))
      for (const client of clients) client.send(Buffer.concat([header(31_000_000), Buffer.alloc(100)]))
      await until(() => server.counters.bytesReceived === 200 * 124)
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30 * 1024 * 1024)
      for (const client of clients) client.close()
    }))

  test("answers to what came before are sent", () =>
    withServer(async (server) => {
      const client = await RawClient.connect(server.port)
      client.send(Buffer.concat([packet(0x0a, { opaque: 1 }), header(0xffff_ffff)]))
      expect((await client.rest()).readUInt32BE(12)).toBe(1)
    }))
})

describe("what is held for clients together", () => {
  /** A request of 1 MB of which `bytes` have come. */
  const part = (bytes: number): Buffer =>
    packet(0x01, { extras: "0000000000000000", key: "k", value: new Uint8Array(1_000_000) }).subarray(0, bytes)
  // above 4 096 bytes a frame has a buffer of its own, which the first chunk fills
  const half = 50_000

  test.each([[2 * half, 0], [2 * half - 1, 1]])(
    "two unfinished frames of 50 000 bytes, maxHeld %i: %i clients are closed",
    (maxHeld, closed) =>
      withServer(async (server, seen) => {
        const clients = [await RawClient.connect(server.port), await RawClient.connect(server.port)]
        for (const [index, client] of clients.entries()) {
          client.send(part(half))
          await until(() => server.counters.bytesReceived === (index + 1) * half)
        }
        await pause(20)
        expect(server.counters).toMatchObject({ crowdedOut: closed, connections: 2 - closed })
        expect(seen.closed).toEqual(Array(closed).fill("PeerMisbehaved"))
        for (const client of clients) client.close()
      }, { maxHeld })
  )

  test("who has the most goes, and whoever sends whole requests notices nothing", () =>
    withServer(async (server) => {
      const honest = await RawClient.connect(server.port)
      const hostile: Array<RawClient> = []
      for (let i = 0; i < 60; i++) {
        const client = await RawClient.connect(server.port)
        hostile.push(client)
        client.send(part(10_000 + 100 * i))
        honest.send(packet(0x0a, { opaque: i }))
        expect((await honest.packets(1))[0]!.readUInt32BE(12)).toBe(i)
      }
      await until(() => server.counters.crowdedOut >= 50)
      expect(server.counters.connections).toBe(61 - server.counters.crowdedOut)
      expect(server.counters.connections).toBeGreaterThan(5)
      for (const client of [honest, ...hostile]) client.close()
    }, { maxHeld: 100_000 }))

  test("answers that nobody reads count, and are forgotten when they are read", () =>
    withServer(async (server, seen) => {
      const greedy = await RawClient.connect(server.port)
      greedy.socket.pause()
      const modest = await RawClient.connect(server.port)
      for (let i = 0; i < 30; i++) {
        modest.send(noops(40))
        await modest.packets(40)
      }
      expect(server.counters.crowdedOut).toBe(0)
      greedy.send(noops(10_000))
      await until(() => seen.closed.length === 1)
      expect(server.counters).toMatchObject({ crowdedOut: 1, connections: 1 })
      modest.send(noops(40))
      await modest.packets(40)
      for (const client of [greedy, modest]) client.close()
    }, { answer: 16 * 1024, maxHeld: 2_000_000 }))
})

describe("a frame that does not end", () => {
  test("a body byte by byte", () =>
    withServer(async (server, seen) => {
      const client = await RawClient.connect(server.port)
      client.send(packet(0x01, { extras: "0000000000000000", key: "k", value: new Uint8Array(10_000) }).subarray(0, 40))
      const timer = setInterval(() => client.send(Buffer.alloc(1)), 20)
      await until(() => seen.closed.length === 1)
      clearInterval(timer)
      expect(seen.closed).toEqual(["PeerStalled"])
      expect(server.counters).toMatchObject({ timeouts: 1, requests: 0 })
    }, { frameTimeout: "150 millis" }))

  test("one that this side does not read is not late", () =>
    withServer(async (server, seen) => {
      const client = await RawClient.connect(server.port)
      client.send(packet(0x0a, { opaque: 1 }))
      await client.packets(1)
      seen.clients[0]!.pause()
      client.send(packet(0x0a, { opaque: 2 }).subarray(0, 20))
      await pause(300)
      client.send(packet(0x0a, { opaque: 2 }).subarray(20))
      seen.clients[0]!.resume()
      expect((await client.packets(1))[0]!.readUInt32BE(12)).toBe(2)
      client.close()
    }, { frameTimeout: "150 millis", headerTimeout: "150 millis" }))
})

describe("unauthenticated", () => {
  /** Noop admits; everything else is answered. */
  const handler = (client: ServerClient): PacketHandler<Gen.Request> => ({
    onRequest: ({ opaque, opcode }) => {
      if (opcode === Gen.Opcode.Noop) client.admit()
      client.reply((writer) => Gen.encodeNoopResponse(writer, { opaque }))
    },
    onMalformed: () => {},
    onClose: () => {}
  })
  const answered = async (client: RawClient, request: Buffer): Promise<boolean> => {
    client.send(request)
    return client.packets(1).then(() => true, () => false)
  }
  const sized = (size: number): Buffer => packet(0x01, { extras: "0000000000000000", key: "k", value: new Uint8Array(size - 24 - 8 - 1) })

  test.each([[1_000, true], [1_001, false]])(
    "maxFrame 1 000: %i bytes are answered: %s; of those who are admitted, 2 000",
    (size, expected) =>
      withServer(async (server) => {
        const stranger = await RawClient.connect(server.port)
        expect(await answered(stranger, sized(size))).toBe(expected)
        const known = await RawClient.connect(server.port)
        expect(await answered(known, packet(0x0a))).toBe(true)
        expect(await answered(known, sized(2_000))).toBe(true)
        expect(await answered(known, sized(2_001))).toBe(false)
        stranger.close()
      }, { handler, maxFrame: 2_000, unauthenticated: { maxFrame: 1_000 } })
  )

  test("maxConnections 2: the oldest of three goes; those who are admitted do not count", () =>
    withServer(async (server) => {
      const known = await RawClient.connect(server.port)
      expect(await answered(known, packet(0x0a))).toBe(true)
      const unauthenticated: Array<RawClient> = []
      for (let i = 0; i < 2; i++) unauthenticated.push(await RawClient.connect(server.port))
      for (const one of [...unauthenticated, known]) expect(await answered(one, packet(0x0b))).toBe(true)
      unauthenticated.push(await RawClient.connect(server.port))
      expect(await answered(unauthenticated[2]!, packet(0x0b))).toBe(true)
      expect((await unauthenticated[0]!.rest()).length).toBe(0)
      expect(await answered(unauthenticated[1]!, packet(0x0b))).toBe(true)
      expect(server.counters).toMatchObject({ crowdedOut: 1, connections: 3 })
      for (const client of [known, ...unauthenticated]) client.close()
    }, { handler, unauthenticated: { maxConnections: 2 } }))

  test.each([[20_000, 0], [19_999, 1]])(
    "two that hold 10 000 bytes each, maxHeld %i: %i are closed",
    (maxHeld, closed) =>
      withServer(async (server) => {
        const clients = [await RawClient.connect(server.port), await RawClient.connect(server.port)]
        for (const [index, client] of clients.entries()) {
          client.send(sized(60_000).subarray(0, 10_000))
          await until(() => server.counters.bytesReceived === (index + 1) * 10_000)
        }
        await pause(20)
        expect(server.counters).toMatchObject({ crowdedOut: closed, connections: 2 - closed })
        for (const client of clients) client.close()
      }, { handler, unauthenticated: { maxHeld } })
  )

  test("whoever is not admitted in time is closed, whatever it sends", () =>
    withServer(async (server) => {
      const known = await RawClient.connect(server.port)
      expect(await answered(known, packet(0x0a))).toBe(true)
      const stranger = await RawClient.connect(server.port)
      const timer = setInterval(() => stranger.send(packet(0x0b)), 20)
      await stranger.rest()
      clearInterval(timer)
      expect(await answered(known, packet(0x0b))).toBe(true)
      expect(server.counters).toMatchObject({ timeouts: 1, connections: 1 })
      known.close()
    }, { handler, unauthenticated: { timeout: "200 millis" } }))
})

describe("connections", () => {
  test("as many as the limit, not one more; a place that is free is taken again", () =>
    withServer(async (server) => {
      const [first, second] = [await RawClient.connect(server.port), await RawClient.connect(server.port)]
      second.send(packet(0x0a))
      await second.packets(1)
      const third = await RawClient.connect(server.port)
      expect((await third.rest()).length).toBe(0)
      expect(server.counters).toMatchObject({ connections: 2, refused: 1 })
      first.close()
      await until(() => server.counters.connections === 1)
      const fourth = await RawClient.connect(server.port)
      fourth.send(packet(0x0a))
      await fourth.packets(1)
      second.close()
      fourth.close()
    }, { maxConnections: 2 }))

  test.each(["TCP", "a Unix socket", "TLS", "a stream in memory"])(
    "one too many is told so before it is closed, but for TLS: %s",
    (kind) => {
      const path = join(tmpdir(), `wirewright-refused-${process.pid}`)
      const connect = (server: PacketServer): Duplex => {
        if (kind === "TCP") return Net.connect(server.port, "127.0.0.1")
        if (kind === "TLS") return Tls.connect({ port: server.port, host: "127.0.0.1", ca: certificate })
        if (kind === "a Unix socket") return Net.connect(path)
        const [ours, theirs] = duplexPair()
        server.accept(theirs)
        return ours
      }
      /** What a client is told until it has an answer, or its connection ends. */
      const told = (stream: Duplex, request: Uint8Array): Promise<string> =>
        new Promise((resolve) => {
          let text = ""
          stream.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")).length >= 24 && resolve("answered"))
          stream.on("error", () => {}).on("end", () => resolve(text)).on("close", () => resolve(text))
          if (request.length > 0) stream.write(request)
        })
      return withServer(async (server) => {
        const first = connect(server)
        expect(await told(first, noops(1))).toBe("answered")
        // nothing in the clear either
        if (kind === "TLS") expect(await told(Net.connect(server.port, "127.0.0.1"), Buffer.alloc(0))).toBe("")
        for (let i = kind === "TLS" ? 1 : 0; i < 20; i++) {
          expect(await told(connect(server), Buffer.alloc(0))).toBe(kind === "TLS" ? "" : "no place\r\n")
        }
        expect(server.counters).toMatchObject({ connections: 1, refused: 20, outOfFiles: 0 })
        first.end()
        await until(() => server.counters.connections === 0)
        const next = connect(server)
        expect(await told(next, noops(1))).toBe("answered")
        next.destroy()
      }, {
        maxConnections: 1,
        refusal: Buffer.from("no place\r\n"),
        ...kind === "TLS" ? { tls: { cert: certificate, key: privateKey } } : {},
        ...kind === "a Unix socket" ? { path } : {},
        ...kind === "a stream in memory" ? { listen: false } : {}
      })
    }
  )

  test("the scope's end closes them all", async () => {
    const clients: Array<RawClient> = []
    const seen: { value: Seen | undefined } = { value: undefined }
    await withServer(async (server, it) => {
      seen.value = it
      for (let i = 0; i < 3; i++) clients.push(await RawClient.connect(server.port))
      await until(() => server.counters.connections === 3)
    })
    for (const client of clients) expect((await client.rest()).length).toBe(0)
    expect(seen.value!.closed).toEqual(["ConnectionClosed", "ConnectionClosed", "ConnectionClosed"])
  })

  test("a port in use is a typed error", () =>
    withServer(async (server) => {
      const again = servePackets({ frameShape: Gen.frameShape, decode: () => 0, handler: () => ({} as never), port: server.port })
      const error = await Effect.runPromise(Effect.flip(Effect.scoped(again)))
      expect(error.reason._tag).toBe("ListenFailed")
      expect(error.message).toContain("EADDRINUSE")
    }))

  test("500 connections opened and closed leave nothing behind", () =>
    withServer(async (server, seen) => {
      for (let round = 0; round < 10; round++) {
        const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(server.port)))
        for (const client of clients) client.send(packet(0x0a).subarray(0, round * 2))
        for (const client of clients) client.close()
      }
      await until(() => server.counters.connections === 0 && seen.closed.length === server.counters.accepted)
    }))
})

describe("a Unix socket", () => {
  const directory = mkdtempSync(join(tmpdir(), "wirewright-"))
  const path = join(directory, "socket")
  afterAll(() => rmSync(directory, { recursive: true }))

  const listening = Effect.gen(function*() {
    return yield* servePackets({ frameShape: Gen.frameShape, decode: () => 0, handler: () => ({} as never), path })
  })
  const refusal = Effect.map(Effect.flip(Effect.scoped(listening)), ({ address, reason }) => [reason._tag, address])

  test("serves its owner alone, and is gone at the end", async () => {
    await withServer(async (server, seen) => {
      expect([server.address, server.path, server.port]).toEqual([`unix:${path}`, path, 0])
      expect(lstatSync(path).mode & 0o777).toBe(0o700)
      const client = await RawClient.connect(path)
      client.send(packet(0x0a))
      await client.packets(1)
      expect(seen.clients.map(({ address }) => address)).toEqual([`unix:${path}`])
      client.close()
      await until(() => server.counters.connections === 0)
    }, { path })
    expect(existsSync(path)).toBe(false)
  })

  test("is refused where somebody listens, who goes on", () =>
    withServer(async () => {
      expect(await Effect.runPromise(refusal)).toEqual(["ListenFailed", `unix:${path}`])
      const client = await RawClient.connect(path)
      client.send(packet(0x0a))
      await client.packets(1)
      client.close()
    }, { path }))

  test("takes the place of one whose server died, and of nothing else", async () => {
    const code = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`
    await new Promise((resolve) => spawn(process.execPath, ["-e", code]).on("exit", resolve))
    expect(existsSync(path)).toBe(true)
    await withServer(async () => (await RawClient.connect(path)).close(), { path })
    writeFileSync(path, "a file of somebody")
    expect(await Effect.runPromise(refusal)).toEqual(["ListenFailed", `unix:${path}`])
    expect(existsSync(path)).toBe(true)
    rmSync(path)
  })

  test("speaks TLS when told to", () =>
    withServer(async () => {
      const socket = Tls.connect({ path, host: "localhost", ca: certificate })
      const received: Array<Buffer> = []
      socket.on("data", (chunk: Buffer) => received.push(chunk))
      socket.write(noops(1))
      await until(() => received.length > 0)
      socket.destroy()
    }, { path, tls: { cert: certificate, key: privateKey } }))
})

describe("TLS", () => {
  const tls = { cert: certificate, key: privateKey }

  test("serves those who trust the certificate, thousands of answers too", () =>
    withServer(async (server) => {
      const socket = Tls.connect({ port: server.port, host: "127.0.0.1", ca: certificate })
      const received: Array<Buffer> = []
      socket.on("data", (chunk: Buffer) => received.push(chunk))
      socket.write(noops(5_000))
      await until(() => received.reduce((sum, { length }) => sum + length, 0) === 5_000 * (24 + 4 + 1_000))
      expect(socket.authorized).toBe(true)
      socket.destroy()
      await until(() => server.counters.connections === 0)
    }, { tls, answer: 1_000 }))

  test("closes on those who do not speak it, or say nothing", () =>
    withServer(async (server, seen) => {
      const plain = await RawClient.connect(server.port)
      plain.send(noops(10))
      await plain.rest()
      const silent = Net.connect(server.port, "127.0.0.1")
      let closed = false
      silent.on("error", () => {}).on("close", () => closed = true)
      await until(() => closed)
      expect(seen.clients).toHaveLength(0)
      expect(server.counters).toMatchObject({ misbehaved: 2, accepted: 0 })
    }, { tls, headerTimeout: "100 millis" }))

  test("a certificate that is none is a typed error", async () => {
    const broken = servePackets({
      frameShape: Gen.frameShape,
      decode: () => 0,
      handler: () => ({} as never),
      tls: { ...tls, cert: "none" }
    })
    const error = await Effect.runPromise(Effect.flip(Effect.scoped(broken)))
    expect(error.reason._tag).toBe("ListenFailed")
  })

  test("asks for the client's certificate when told to", () =>
    withServer(async (server, seen) => {
      const attempt = (options: Tls.ConnectionOptions) =>
        new Promise<string>((resolve) => {
          const socket = Tls.connect({ port: server.port, host: "127.0.0.1", ca: certificate, ...options }, () => socket.write(noops(1)))
          socket.on("data", () => {
            socket.destroy()
            resolve("answered")
          }).on("error", () => resolve("refused")).on("close", () => resolve("refused"))
        })
      expect(await attempt({})).toBe("refused")
      expect(await attempt({ cert: certificate, key: privateKey })).toBe("answered")
      expect(seen.handled).toBe(1)
    }, { tls: { ...tls, requestCert: true, rejectUnauthorized: true, ca: certificate } }))
})

test("what a handler throws ends its connection, and goes to the log of whoever serves", async () => {
  const logged: Array<unknown> = []
  const logger = Logger.make(({ message }) => logged.push(message))
  const handler = (client: ServerClient): PacketHandler<Gen.Request> => ({
    onRequest: () => {
      throw new Error("the handler's fault")
    },
    onMalformed: () => client.close("the test"),
    onClose: () => {}
  })
  const decode = (reader: Parameters<typeof Gen.decodeRequest>[0], at: number) => Gen.decodeRequest(reader, at)
  await Effect.runPromise(
    Effect.scoped(Effect.gen(function*() {
      const server = yield* servePackets({ frameShape: Gen.frameShape, decode, handler })
      yield* Effect.promise(async () => {
        const client = await RawClient.connect(server.port)
        client.send(packet(0x0a))
        expect(await client.rest()).toHaveLength(0)
        await until(() => logged.length > 0)
      })
      expect(server.counters.defects).toBe(1)
    })).pipe(Effect.provide(Logger.layer([logger])))
  )
  expect(logged).toEqual([["a request was not handled", new Error("the handler's fault")]])
})
