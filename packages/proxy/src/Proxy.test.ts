/**
 * The proxy over real sockets, in front of both kinds of node in memory: what a classic client asks, and what it must get. The expected
 * answers are those of memcached's protocol document (doc/protocol-binary.txt), not of our own output.
 */
import { fakeNode } from "../../couchbase/src/FakeNode.fixture.ts"
import { serveCouchbase } from "@wirewright/embedded"
import { packet, RawClient, shown } from "../../memcached/src/RawClient.fixture.ts"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { type Proxy, type ProxyError, type ProxyOptions, serveProxy } from "./Proxy.ts"
import { beforeMemcached, scripted } from "./Upstreams.fixture.ts"

const flags = "deadbeef"
const stored = `${flags}00000000`
const counter = (delta: number, initial: number, expiration = "00000000") =>
  delta.toString(16).padStart(16, "0") + initial.toString(16).padStart(16, "0") + expiration
const latin = (hex: string): string => Buffer.from(hex, "hex").toString("latin1")

const user = { name: "app", password: Redacted.make("s3cret/") }
const bucketNode = serveCouchbase({ buckets: [{ name: "default", vbuckets: 8 }], users: [user] })
const beforeCouchbase = (options: Partial<ProxyOptions> = {}): Effect.Effect<Proxy, ProxyError, Scope.Scope> =>
  Effect.flatMap(bucketNode, ({ port }) => serveProxy({ upstream: `couchbase://app:s3cret%2F@127.0.0.1:${port}/default`, ...options }))

const run = (effect: Effect.Effect<void, unknown, Scope.Scope>): Promise<void> => Effect.runPromise(Effect.scoped(effect))

const withClient = (
  start: Effect.Effect<Proxy, ProxyError, Scope.Scope>,
  use: (client: RawClient, proxy: Proxy) => Promise<void>
): Promise<void> =>
  run(Effect.flatMap(start, (proxy) =>
    Effect.promise(async () => {
      const client = await RawClient.connect(proxy.port)
      try {
        await use(client, proxy)
      } finally {
        client.close()
      }
    })))

const ask = async (client: RawClient, answers: number, ...packets: ReadonlyArray<Buffer>): Promise<Array<string>> => {
  client.send(Buffer.concat(packets))
  return (await client.packets(answers)).map(shown)
}

describe.each([["memcached", beforeMemcached], ["a Couchbase bucket", beforeCouchbase]] as const)("in front of %s", (name, start) => {
  it("stores, reads, changes and removes, with flags, opaques and keys", () =>
    withClient(start(), async (client) => {
      expect(
        await ask(
          client,
          9,
          packet(0x00, { key: "k", opaque: 1 }),
          packet(0x01, { key: "k", extras: stored, value: "one", opaque: 0xffff_ffff }),
          packet(0x00, { key: "k", opaque: 3 }),
          packet(0x0c, { key: "k", opaque: 4 }),
          packet(0x02, { key: "k", extras: stored, value: "two", opaque: 5 }),
          packet(0x0e, { key: "k", value: "!", opaque: 6 }),
          packet(0x0f, { key: "k", value: "<", opaque: 7 }),
          packet(0x1d, { key: "k", extras: "00000000", opaque: 8 }),
          packet(0x04, { key: "k", opaque: 9 })
        )
      ).toEqual([
        "0 1 1 Not found",
        "1 0 4294967295",
        `0 0 3 ${latin(flags)}one`,
        `c 0 4 ${latin(flags)}kone`,
        "2 2 5 Data exists for key.",
        "e 0 6",
        "f 0 7",
        `1d 0 8 ${latin(flags)}<one!`,
        "4 0 9"
      ])
    }))

  it("answers TOUCH with the flags, GATK with the key, and DELETE with CAS 0, as memcached does", () =>
    withClient(start(), async (client) => {
      await ask(client, 1, packet(0x01, { key: "k", extras: stored, value: "v" }))
      expect(await ask(client, 1, packet(0x1c, { key: "k", extras: "00000e10", opaque: 1 }))).toEqual([`1c 0 1 ${latin(flags)}`])
      expect(await ask(client, 1, packet(0x23, { key: "k", extras: "00000e10", opaque: 2 }))).toEqual([`23 0 2 ${latin(flags)}kv`])
      expect(await ask(client, 1, packet(0x23, { key: "none", extras: "00000e10", opaque: 3 }))).toEqual(["23 1 3 none"])
      expect(await ask(client, 1, packet(0x0c, { key: "none", opaque: 4 }))).toEqual(["c 1 4 none"])
      client.send(packet(0x04, { key: "k" }))
      const [removed] = await client.packets(1)
      expect(removed!.readBigUInt64BE(16)).toBe(0n)
      expect(removed!.length).toBe(24)
    }))

  it("counts", () =>
    withClient(start(), async (client) => {
      expect(
        await ask(
          client,
          6,
          packet(0x05, { key: "n", extras: counter(1, 0, "ffffffff"), opaque: 1 }),
          packet(0x05, { key: "n", extras: counter(1, 20), opaque: 2 }),
          packet(0x05, { key: "n", extras: counter(5, 20), opaque: 3 }),
          packet(0x06, { key: "n", extras: counter(100, 20), opaque: 4 }),
          packet(0x01, { key: "n", extras: stored, value: "no number" }),
          packet(0x05, { key: "n", extras: counter(1, 1), opaque: 6 })
        )
      ).toEqual([
        "5 1 1 Not found",
        `5 0 2 ${latin("0000000000000014")}`,
        `5 0 3 ${latin("0000000000000019")}`,
        `6 0 4 ${latin("0000000000000000")}`,
        "1 0 0",
        "5 6 6 Non-numeric server-side value for incr or decr"
      ])
    }))

  it("keeps to CAS", () =>
    withClient(start(), async (client) => {
      client.send(packet(0x01, { key: "k", extras: stored, value: "v" }))
      const cas = (await client.packets(1))[0]!.readBigUInt64BE(16)
      expect(cas).not.toBe(0n)
      expect(await ask(client, 1, packet(0x01, { key: "k", extras: stored, value: "w", cas: cas + 1n }))).toEqual([
        "1 2 0 Data exists for key."
      ])
      expect(await ask(client, 1, packet(0x01, { key: "k", extras: stored, value: "w", cas }))).toEqual(["1 0 0"])
    }))

  it("keeps quiet commands quiet up to the barrier", () =>
    withClient(start(), async (client, proxy) => {
      expect(
        await ask(
          client,
          5,
          packet(0x11, { key: "a", extras: stored, value: "1", opaque: 1 }),
          packet(0x12, { key: "a", extras: stored, value: "2", opaque: 2 }),
          packet(0x09, { key: "missing", opaque: 3 }),
          packet(0x0d, { key: "a", opaque: 4 }),
          packet(0x1e, { key: "a", extras: "00000000", opaque: 5 }),
          packet(0x14, { key: "a", opaque: 6 }),
          packet(0x14, { key: "a", opaque: 7 }),
          packet(0x0a, { opaque: 8 })
        )
      ).toEqual([
        "12 2 2 Data exists for key.",
        `d 0 4 ${latin(flags)}a1`,
        `1e 0 5 ${latin(flags)}1`,
        "14 1 7 Not found",
        "a 0 8"
      ])
      expect(proxy.counters.opcodes["DELETEQ"]).toEqual({ requests: 2, answers: 1, silent: 1, errors: 1 })
      expect(proxy.counters.opcodes["GETQ"]).toEqual({ requests: 1, answers: 0, silent: 1, errors: 1 })
    }))

  it("passes STAT and VERSION on, and says of commands that it does not know, SASL among them, what memcached says", () =>
    withClient(start(), async (client) => {
      const [version] = await ask(client, 1, packet(0x0b, { opaque: 1 }))
      expect(version).toMatch(/^b 0 1 \d+\.\d+/)
      client.send(packet(0x10, { opaque: 2 }))
      const stats: Array<string> = []
      for (let last = ""; last !== "10 0 2";) stats.push(last = shown((await client.packets(1))[0]!))
      expect(stats.length).toBeGreaterThan(3)
      expect(
        await ask(
          client,
          6,
          packet(0x40, { opaque: 3, key: "k", value: "whatever" }),
          packet(0x1f, { opaque: 4, value: Buffer.from("0003", "hex") }),
          packet(0x20, { opaque: 5 }),
          packet(0x21, { opaque: 6, key: "PLAIN", value: "\0user\0password" }),
          packet(0x1b, { opaque: 7, extras: "00000001" }),
          packet(0x0a, { opaque: 8 })
        )
      ).toEqual([...["40 81 3", "1f 81 4", "20 81 5", "21 81 6", "1b 81 7"].map((head) => `${head} Unknown command`), "a 0 8"])
    }))

  // measured: memcached 1.6.18 answers and closes, whatever the command
  it.each([
    ["a key that is empty", packet(0x00, { opaque: 2 }), "0 4 2"],
    ["an empty key of a quiet write", packet(0x11, { extras: stored, value: "v", opaque: 2 }), "11 4 2"],
    ["a key of 251 bytes", packet(0x00, { key: "x".repeat(251), opaque: 2 }), "0 4 2"],
    ["a key of 251 bytes where there is none", packet(0x0b, { key: "x".repeat(251), opaque: 2 }), "b 4 2"],
    ["a write without extras", packet(0x01, { key: "no extras", opaque: 2 }), "1 4 2"],
    ["extras that do not belong there", packet(0x00, { key: "k", extras: "00000000", opaque: 2 }), "0 4 2"]
  ])("answers %s and closes, and others keep the upstream", (_, request, head) =>
    withClient(start(), async (client, proxy) => {
      const other = await RawClient.connect(proxy.port)
      client.send(Buffer.concat([packet(0x0a, { opaque: 1 }), request, packet(0x0a, { opaque: 3 })]))
      expect((await client.packets(2)).map(shown)).toEqual(["a 0 1", `${head} Invalid arguments`])
      expect((await client.rest()).length).toBe(0)
      expect(proxy.counters.closed.Invalid).toBe(1)
      expect(await ask(other, 1, packet(0x00, { key: "x".repeat(250), opaque: 4 }))).toEqual(["0 1 4 Not found"])
      other.close()
    }))

  it("refuses framing extras, which the classic protocol does not have, and passes none of them on", () =>
    withClient(start(), async (client, proxy) => {
      const framed = (opcode: number, extras: string, value: string, frames: string, opaque: number): Buffer => {
        const plain = packet(opcode, { key: "k", extras, value, opaque })
        const framing = Buffer.from(frames, "hex")
        const head = Buffer.from(plain.subarray(0, 24))
        head[0] = 0x08
        head[2] = framing.length
        head[3] = 1
        head.writeUInt32BE(plain.length - 24 + framing.length, 8)
        return Buffer.concat([head, framing, plain.subarray(24)])
      }
      expect(
        await ask(
          client,
          2,
          packet(0x01, { key: "k", extras: stored, value: "v", opaque: 1 }),
          // keep the expiry
          framed(0x01, stored, "w", "50", 2)
        )
      ).toEqual(["1 0 1", "1 4 2 Invalid arguments"])
      const again = await RawClient.connect(proxy.port)
      // durability (majority)
      expect(await ask(again, 2, packet(0x0a), framed(0x01, stored, "w", "1101", 3))).toEqual(["a 0 0", "1 4 3 Invalid arguments"])
      const last = await RawClient.connect(proxy.port)
      expect(await ask(last, 1, packet(0x00, { key: "k", opaque: 4 }))).toEqual([`0 0 4 ${latin(flags)}v`])
      for (const one of [again, last]) one.close()
    }))

  it("FLUSH is memcached's alone", () =>
    withClient(start(), async (client) => {
      await ask(client, 1, packet(0x01, { key: "k", extras: stored, value: "v" }))
      expect(await ask(client, 2, packet(0x08, { opaque: 1 }), packet(0x18, { opaque: 2 }), packet(0x0a, { opaque: 3 }))).toEqual(
        name === "memcached" ? ["8 0 1", "a 0 3"] : ["8 83 1 Not supported", "18 83 2 Not supported"]
      )
    }))

  it("values of any size and byte pass unchanged, keys too", () =>
    withClient(start(), async (client) => {
      const value = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => index * 7 % 256))
      const key = Buffer.from([0xff, 0x00, 0x80, 0x20]).toString("latin1")
      for (const size of [0, 1, 65_536, 1_000_000]) {
        expect(await ask(client, 1, packet(0x01, { key, extras: stored, value: value.subarray(0, size) }))).toEqual(["1 0 0"])
        client.send(packet(0x00, { key }))
        expect((await client.packets(1))[0]!.subarray(28).equals(value.subarray(0, size))).toBe(true)
      }
    }))

  it("requests of 50 clients with the same opaques are not mixed up", () =>
    withClient(start(), async (_client, proxy) => {
      const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(proxy.port)))
      await Promise.all(clients.map(async (client, number) => {
        // every client uses the same opaques
        for (let round = 0; round < 20; round++) {
          const key = `${number}-${round}`
          expect(
            await ask(client, 2, packet(0x01, { key, extras: stored, value: key, opaque: 1 }), packet(0x00, { key, opaque: 1 }))
          ).toEqual(["1 0 1", `0 0 1 ${latin(flags)}${key}`])
        }
      }))
      for (const client of clients) client.close()
    }))

  it("QUIT is answered and closes; QUITQ closes", () =>
    run(Effect.flatMap(start(), (proxy) =>
      Effect.promise(async () => {
        for (const [opcode, length] of [[0x07, 48], [0x17, 24]] as const) {
          const client = await RawClient.connect(proxy.port)
          client.send(Buffer.concat([packet(0x0a), packet(opcode), packet(0x0a)]))
          expect((await client.rest()).length).toBe(length)
        }
        expect(proxy.counters.closed.Quit).toBe(2)
      }))))

  it("drains: what is under way is answered, then connections end", () =>
    run(Effect.flatMap(start(), (proxy) =>
      Effect.gen(function*() {
        const client = yield* Effect.promise(() => RawClient.connect(proxy.port))
        yield* Effect.promise(() => ask(client, 1, packet(0x0a)))
        client.send(packet(0x0b, { opaque: 5 }))
        while (proxy.counters.server.requests < 2) yield* Effect.sleep(5)
        yield* proxy.drain
        const rest = yield* Effect.promise(() => client.rest())
        expect(shown(rest)).toMatch(/^b 0 5 /)
      }))))
})

describe("a vbucket that moves", () => {
  const dead = 4
  const active = 1

  it("its requests wait for it and go on in their order; those of others do not wait", () =>
    run(Effect.gen(function*() {
      const { port, buckets } = yield* bucketNode
      const bucket = buckets.get("default")!
      const proxy = yield* serveProxy({ upstream: `couchbase://app:s3cret%2F@127.0.0.1:${port}/default` })
      yield* Effect.promise(async () => {
        const [first, other] = [await RawClient.connect(proxy.port), await RawClient.connect(proxy.port)]
        for (let vbucket = 0; vbucket < 8; vbucket++) bucket.setState(vbucket, dead)
        first.send(
          Buffer.concat(Array.from({ length: 20 }, (_, round) => packet(0x05, { key: "n", extras: counter(1, 1), opaque: round })))
        )
        expect(await ask(other, 1, packet(0x0a, { opaque: 9 }))).toEqual(["a 0 9"])
        await new Promise((resolve) => setTimeout(resolve, 120))
        for (let vbucket = 0; vbucket < 8; vbucket++) bucket.setState(vbucket, active)
        const answers = await first.packets(20)
        expect(answers.map((answer) => answer.readUInt32BE(12))).toEqual(Array.from({ length: 20 }, (_, round) => round))
        expect(answers.map((answer) => Number(answer.readBigUInt64BE(24)))).toEqual(Array.from({ length: 20 }, (_, round) => round + 1))
        first.close()
        other.close()
      })
    })))

  it("one that never comes back is a temporary failure", () =>
    run(Effect.gen(function*() {
      const { port, buckets } = yield* bucketNode
      const proxy = yield* serveProxy({ upstream: `couchbase://app:s3cret%2F@127.0.0.1:${port}/default` })
      for (let vbucket = 0; vbucket < 8; vbucket++) buckets.get("default")!.setState(vbucket, dead)
      yield* Effect.promise(async () => {
        const client = await RawClient.connect(proxy.port)
        expect(await ask(client, 1, packet(0x01, { key: "k", extras: stored, value: "v", opaque: 1 }))).toEqual([
          "1 86 1 Temporary failure"
        ])
        client.close()
      })
    })))
})

const answerTo = (request: Buffer, status: number, value = ""): Buffer => {
  const out = packet(request[1]!, { magic: 0x81, opaque: request.readUInt32BE(12), value })
  out.writeUInt16BE(status, 6)
  return out
}

describe("an upstream that fails", () => {
  it("lost reads are temporary failures and the connection comes back; a lost write closes the client's connection", () =>
    run(Effect.gen(function*() {
      let dying = true
      const port = yield* scripted((socket, data) => {
        if (dying) socket.destroy()
        else socket.write(answerTo(data, 0, "back"))
      })
      const proxy = yield* serveProxy({ upstream: `memcached://127.0.0.1:${port}?protocol=binary`, connections: 1 })
      yield* Effect.promise(async () => {
        const client = await RawClient.connect(proxy.port)
        expect(await ask(client, 1, packet(0x0b, { opaque: 1 }))).toEqual(["b 86 1 Temporary failure"])
        for (let attempt = 0, answer = ""; answer !== "b 0 2 back"; attempt++) {
          dying = false
          if (attempt === 200) throw new Error("the connection did not come back")
          await new Promise((resolve) => setTimeout(resolve, 10))
          answer = (await ask(client, 1, packet(0x0b, { opaque: 2 })))[0]!
        }
        dying = true
        client.send(Buffer.concat([packet(0x0a, { opaque: 3 }), packet(0x05, { key: "n", extras: counter(1, 1) })]))
        expect(shown(await client.rest())).toBe("a 0 3")
        expect(proxy.counters.closed.OutcomeUnknown).toBe(1)
      })
    })))

  it("an answer that does not come in time: the read is a temporary failure, and its late answer goes to nobody", () =>
    run(Effect.gen(function*() {
      const late: Array<() => void> = []
      const port = yield* scripted((socket, data) => {
        if (data[1] === 0x0b) late.push(() => socket.write(answerTo(data, 0, "late")))
        else socket.write(answerTo(data, 1))
      })
      const proxy = yield* serveProxy({
        upstream: `memcached://127.0.0.1:${port}?protocol=binary`,
        connections: 1,
        requestTimeout: "300 millis"
      })
      yield* Effect.promise(async () => {
        const client = await RawClient.connect(proxy.port)
        expect(await ask(client, 1, packet(0x0b, { opaque: 1 }))).toEqual(["b 86 1 Temporary failure"])
        for (const answer of late) answer()
        expect(await ask(client, 1, packet(0x00, { key: "k", opaque: 2 }))).toEqual(["0 1 2"])
      })
    })))

  it("bytes that are no packet are an internal error to readers", () =>
    run(Effect.gen(function*() {
      const port = yield* scripted((socket) => void socket.write(Buffer.alloc(24, 0x55)))
      const proxy = yield* serveProxy({ upstream: `memcached://127.0.0.1:${port}?protocol=binary`, connections: 1 })
      yield* Effect.promise(async () => {
        const client = await RawClient.connect(proxy.port)
        expect(await ask(client, 1, packet(0x00, { key: "k", opaque: 1 }))).toEqual(["0 84 1 Internal error"])
      })
    })))

  it("an answer to another command reaches nobody: readers get an internal error, writers' connections end", () =>
    run(Effect.gen(function*() {
      const port = yield* scripted((socket, data) => {
        const answer = answerTo(data, 0)
        answer[1] = data[1] === 0x01 ? 0x00 : 0x01
        socket.write(answer)
      })
      const proxy = yield* serveProxy({ upstream: `memcached://127.0.0.1:${port}?protocol=binary`, connections: 1 })
      yield* Effect.promise(async () => {
        const reader = await RawClient.connect(proxy.port)
        expect(await ask(reader, 1, packet(0x00, { key: "k", opaque: 1 }))).toEqual(["0 84 1 Internal error"])
        // until the connection to the upstream is back, requests are temporary failures
        const write = async () => {
          const writer = await RawClient.connect(proxy.port)
          writer.send(packet(0x01, { key: "k", extras: stored, value: "v" }))
          return writer.packets(1).then(([answer]) => shown(answer!), () => "closed").finally(() => writer.close())
        }
        let outcome = await write()
        for (let attempt = 0; outcome.startsWith("1 86 0") && attempt < 200; attempt++) {
          await new Promise((resolve) => setTimeout(resolve, 10))
          outcome = await write()
        }
        expect(outcome).toBe("closed")
        expect(proxy.counters.closed.OutcomeUnknown).toBe(1)
      })
    })))

  it("a bucket's answer to another command reaches nobody, either", () =>
    run(Effect.gen(function*() {
      const node = yield* fakeNode({
        script: (request) =>
          request._tag === "Get" ? { _tag: "SetResponse", opcode: 0x01, mutationToken: undefined, cas: 5n } as never : undefined
      })
      const proxy = yield* serveProxy({ upstream: `couchbase://user:pencil@127.0.0.1:${node.port}/default` })
      yield* Effect.promise(async () => {
        const reader = await RawClient.connect(proxy.port)
        expect(await ask(reader, 1, packet(0x00, { key: "k", opaque: 1 }))).toEqual(["0 84 1 Internal error"])
      })
    })))

  it("nothing there, or a name that is none, fails at the start, without a password in the message", async () => {
    const failure = (upstream: string) => Effect.runPromise(Effect.scoped(Effect.flip(serveProxy({ upstream }))))
    const free = await Effect.runPromise(Effect.scoped(scripted(() => {})))
    expect(await failure(`memcached://127.0.0.1:${free}`)).toMatchObject({ _tag: "ConnectionError", reason: { _tag: "ConnectFailed" } })
    for (
      const upstream of ["redis://x:hunter2@h", "couchbase://u:hunter2@h", "memcached://u:hunter2@h/bucket", "memcached://", "hunter2"]
    ) {
      const error = await failure(upstream)
      expect(error._tag).toBe("InvalidTarget")
      expect(error.message).not.toContain("hunter2")
    }
  })

  it("a user that the bucket's node does not know is refused at the start", () =>
    run(Effect.gen(function*() {
      const { port } = yield* bucketNode
      const error = yield* Effect.flip(serveProxy({ upstream: `couchbase://app:hunter2@127.0.0.1:${port}/default` }))
      expect(error).toMatchObject({ _tag: "BootstrapError", reason: "AuthenticationFailed" })
      expect(error.message).not.toContain("hunter2")
    })))
})
