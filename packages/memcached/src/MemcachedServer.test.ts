/** Handlers become a server: order, silence, missing handlers, failures, the end of connections; over real sockets. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { describe, expect, test } from "vitest"
import { KvClient } from "./KvClient.ts"
import { type MemcachedHandlers, refusal } from "./MemcachedHandlers.ts"
import { type MemcachedServerOptions, serveMemcached } from "./MemcachedServer.ts"
import type { PacketServer } from "@wirewright/connection"
import { packet, RawClient, shown } from "./RawClient.fixture.ts"

const withServer = (
  handlers: MemcachedHandlers,
  use: (server: PacketServer, client: RawClient) => Promise<void>,
  options: MemcachedServerOptions = {}
): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const server = yield* serveMemcached(handlers, options)
    const client = yield* Effect.promise(() => RawClient.connect(server.port))
    yield* Effect.promise(() => use(server, client)).pipe(Effect.ensuring(Effect.sync(() => client.close())))
  })))

const text = (value: string) => Effect.succeed({ value: Buffer.from(value) })
const get = 0x00
const noop = 0x0a

describe("order", () => {
  test("slow answers do not let fast ones overtake them", () =>
    withServer({ get: ({ key }) => key === "slow" ? Effect.delay(text(key), "30 millis") : text(key) }, async (_, client) => {
      client.send(Buffer.concat([
        packet(get, { key: "slow", opaque: 1 }),
        packet(get, { key: "fast", opaque: 2 }),
        packet(noop, { opaque: 3 })
      ]))
      expect((await client.packets(3)).map((one) => one.readUInt32BE(12))).toEqual([1, 2, 3])
    }))

  test("a barrier tells that the quiet ones before it are done", () =>
    withServer({
      get: ({ key }) => Effect.delay(key === "here" ? text("x") : Effect.fail(refusal(0x01)), "10 millis")
    }, async (_, client) => {
      client.send(Buffer.concat([
        packet(0x0d, { key: "gone", opaque: 1 }),
        packet(0x0d, { key: "here", opaque: 2 }),
        packet(0x09, { key: "gone", opaque: 3 }),
        packet(noop, { opaque: 4 })
      ]))
      expect((await client.packets(2)).map(shown)).toEqual(["d 0 2 \0\0\0\0herex", "a 0 4"])
    }))

  test("QUIT is answered after what is in flight, and nothing after it", () =>
    withServer({ get: () => Effect.delay(text("v"), "20 millis") }, async (_, client) => {
      client.send(Buffer.concat([packet(get, { key: "k", opaque: 1 }), packet(0x07, { opaque: 2 }), packet(noop, { opaque: 3 })]))
      expect((await client.packets(2)).map((one) => one.readUInt32BE(12))).toEqual([1, 2])
      expect((await client.rest()).length).toBe(0)
    }))

  test("QUITQ ends without an answer", () =>
    withServer({}, async (_, client) => {
      client.send(Buffer.concat([packet(noop, { opaque: 1 }), packet(0x17, { opaque: 2 }), packet(noop, { opaque: 3 })]))
      await client.packets(1)
      expect((await client.rest()).length).toBe(0)
    }))
})

describe("no place for one more", () => {
  test.each(["auto", "meta", "text"] as const)(
    "our client is told that the server is busy, and is served later: %s",
    (protocol) =>
      withServer({ get: () => text("v"), version: () => Effect.succeed("1.6.18") }, async (server, only) => {
        only.send(packet(noop))
        await only.packets(1)
        const once = Effect.scoped(Effect.flatMap(KvClient.make({ port: server.port, protocol }), (kv) => kv.get("k")))
        expect((await Effect.runPromise(Effect.flip(once))).reason).toMatchObject({
          _tag: "Busy",
          retry: "retry",
          text: "Too many open connections"
        })
        const patient = Effect.scoped(Effect.gen(function*() {
          const kv = yield* KvClient.make({
            port: server.port,
            protocol,
            whenUnreachable: "keep trying",
            reconnect: { initialDelay: 5, jitter: false }
          })
          yield* Effect.repeat(Effect.sleep(5), { until: () => server.counters.refused >= 3 })
          only.close()
          return yield* Effect.retry(kv.get("k"), { times: 100, schedule: Schedule.spaced(10) })
        }))
        expect(Buffer.from(Option.getOrThrow(await Effect.runPromise(patient)).value).toString()).toBe("v")
      }, { maxConnections: 1 })
  )
})

describe("what there is no handler for", () => {
  test("a command memcached has: NotSupported; one it has not: UnknownCommand; the connection stays", () =>
    withServer({}, async (_, client) => {
      client.send(Buffer.concat([
        packet(get, { key: "k", opaque: 1 }),
        packet(0x77, { opaque: 2, key: "k", value: "body" }),
        packet(noop, { opaque: 3 })
      ]))
      expect((await client.packets(3)).map(shown)).toEqual(["0 83 1 Not supported", "77 81 2 Unknown command", "a 0 3"])
    }))

  test("an own opcode", () =>
    withServer({
      unknown: ({ key, opcode, value }) =>
        opcode === 0xf0
          ? Effect.succeed({ extras: new Uint8Array(0), key, value: Buffer.from(Buffer.from(value).toString().toUpperCase()) })
          : Effect.fail(refusal(0x81))
    }, async (_, client) => {
      client.send(Buffer.concat([packet(0xf0, { opaque: 1, key: "k", value: "loud" }), packet(0xf1, { opaque: 2 })]))
      expect((await client.packets(2)).map(shown)).toEqual(["f0 0 1 kLOUD", "f1 81 2 Unknown command"])
    }))
})

describe("failures", () => {
  test("a refusal has its words", () =>
    withServer({ set: () => Effect.fail(refusal(0x86, "come back later")) }, async (_, client) => {
      client.send(packet(0x01, { key: "k", extras: "0000000000000000", opaque: 9 }))
      expect((await client.packets(1)).map(shown)).toEqual(["1 86 9 come back later"])
    }))

  test("a handler that dies is answered Einternal, and the connection stays", async () => {
    const defects: Array<unknown> = []
    await withServer(
      { get: ({ key }) => key === "die" ? Effect.andThen(Effect.sleep(1), Effect.die("boom")) : text("v") },
      async (_, client) => {
        client.send(Buffer.concat([packet(get, { key: "die", opaque: 1 }), packet(get, { key: "k", opaque: 2 })]))
        expect((await client.packets(2)).map(shown)).toEqual(["0 84 1 Internal error", "0 0 2 \0\0\0\0v"])
      },
      { onDefect: (defect) => defects.push(defect) }
    )
    expect(defects).toEqual(["boom"])
  })

  test("a handler that throws loses its connection, and no other", async () => {
    const defects: Array<unknown> = []
    await withServer({
      get: () => {
        throw new Error("thrown")
      }
    }, async (server, client) => {
      const other = await RawClient.connect(server.port)
      client.send(packet(get, { key: "k" }))
      expect((await client.rest()).length).toBe(0)
      other.send(packet(noop, { opaque: 5 }))
      expect((await other.packets(1)).map(shown)).toEqual(["a 0 5"])
      other.close()
      expect(server.counters.defects).toBe(1)
    }, { onDefect: (defect) => defects.push(defect) })
    expect(String(defects)).toBe("Error: thrown")
  })

  test("fibres of a client that is gone are interrupted", async () => {
    let begun = 0
    let interrupted = 0
    await withServer({
      get: () => Effect.onInterrupt(Effect.suspend(() => (begun++, Effect.never)), () => Effect.sync(() => interrupted++))
    }, async (server, client) => {
      for (let i = 0; i < 10; i++) client.send(packet(get, { key: "k" }))
      while (begun < 10) await new Promise((resolve) => setTimeout(resolve, 5))
      client.close()
      while (server.counters.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5))
      await new Promise((resolve) => setTimeout(resolve, 5))
      expect(interrupted).toBe(10)
    })
  })
})

describe("statistics", () => {
  test("one packet each, and an empty one after the last", () =>
    withServer({ stats: ({ group }) => Effect.succeed(group === "" ? [["a", "1"], ["b", "2"]] as const : []) }, async (_, client) => {
      client.send(Buffer.concat([packet(0x10, { opaque: 7 }), packet(0x10, { opaque: 8, key: "none" })]))
      expect((await client.packets(4)).map(shown)).toEqual(["10 0 7 a1", "10 0 7 b2", "10 0 7", "10 0 8"])
    }))
})

describe("what is no request", () => {
  test("Einval and the end, after the answers before it", () =>
    withServer({ get: () => Effect.delay(text("v"), "10 millis") }, async (server, client) => {
      client.send(Buffer.concat([packet(get, { key: "k", opaque: 1 }), packet(get, { key: "k", extras: "00", opaque: 2 }), packet(noop)]))
      expect((await client.packets(2)).map(shown)).toEqual(["0 0 1 \0\0\0\0v", "0 4 2 Invalid arguments"])
      expect((await client.rest()).length).toBe(0)
      expect(server.counters.malformed).toBe(1)
    }))

  test("a response from a client ends the connection without an answer", () =>
    withServer({}, async (server, client) => {
      client.send(Buffer.concat([packet(noop), packet(noop, { magic: 0x81 })]))
      expect((await client.rest()).length).toBe(24)
      expect(server.counters.misbehaved).toBe(1)
    }))
})

describe("a refusal that goes unanswered", () => {
  const unknown = Effect.fail({ ...refusal(0x86), unanswered: true, last: true })

  for (const [when, outcome] of [["at once", unknown], ["later", Effect.delay(unknown, "20 millis")]] as const) {
    test(`ends the connection ${when}, after the answers before it, in every protocol`, async () => {
      const handlers: MemcachedHandlers = { get: () => Effect.delay(text("x"), "10 millis"), set: () => outcome, remove: () => outcome }
      await withServer(handlers, async (server, client) => {
        const set = packet(0x01, { key: "k", extras: "0000000000000000", value: "v", opaque: 2 })
        client.send(Buffer.concat([packet(get, { key: "k", opaque: 1 }), set, packet(noop, { opaque: 3 })]))
        expect(shown(await client.rest())).toBe("0 0 1 \0\0\0\0x")
        for (const change of ["set k 0 0 1\r\nv\r\n", "ms k 1\r\nv\r\n", "md k\r\n", "delete k\r\n"]) {
          const line = await RawClient.connect(server.port)
          line.send(Buffer.from(`mg k v\r\n${change}mn\r\n`))
          expect((await line.rest()).toString()).toBe("VA 1\r\nx\r\n")
        }
      })
    })
  }
})
