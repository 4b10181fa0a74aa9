/** Proves what the client makes of answers, errors, lost connections and options; the commands themselves run against memcached elsewhere. */
import { assert, describe, it } from "@effect/vitest"
import type { Writer } from "@wirewright/codec"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import { clientRows } from "@wirewright/connection/MetricTable"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import * as Gen from "./gen/index.ts"
import { KvClient } from "./KvClient.ts"
import type { MemcachedError } from "./KvError.ts"
import { failure } from "./Played.fixture.ts"
import { type Peer, scripted, until } from "./Scripted.fixture.ts"

const nothing = { extras: new Uint8Array(0), key: new Uint8Array(0), value: new Uint8Array(0) }
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const shown = (value: Uint8Array): string => new TextDecoder().decode(value)

const refuse = (request: Gen.Request, status: number, words = "") => (writer: Writer): void =>
  Gen.encodeErrorResponse(writer, { ...nothing, opaque: request.opaque, opcode: request.opcode, status, value: text(words) })

/** A server that keeps documents and knows a few commands. */
const store = (documents: Map<string, Uint8Array> = new Map()) => (request: Gen.Request, peer: Peer): void => {
  const { opaque } = request
  switch (request._tag) {
    case "Get": {
      const value = documents.get(request.key)
      return peer.send(
        value === undefined
          ? refuse(request, 1, "Not found")
          : (writer) => Gen.encodeGetResponse(writer, { opaque, flags: 3, cas: 9n, value })
      )
    }
    case "GetKQ": {
      const value = documents.get(request.key)
      if (value !== undefined) {
        peer.send((writer) => Gen.encodeGetKQResponse(writer, { opaque, flags: 3, cas: 9n, key: request.key, value }))
      }
      return
    }
    case "Set":
      documents.set(request.key, Uint8Array.from(request.value))
      return peer.send((writer) => Gen.encodeSetResponse(writer, { opaque, cas: 10n }))
    case "Noop":
      return peer.send((writer) => Gen.encodeNoopResponse(writer, { opaque }))
    default:
      peer.send(refuse(request, 0x81, "Unknown command"))
  }
}

class User extends Schema.Class<User>("User")({ name: Schema.String, born: Schema.Int, id: Schema.BigInt }) {}

describe("documents", () => {
  it.live("are found or not, without an error", () =>
    Effect.gen(function*() {
      const server = yield* scripted(store(new Map([["a", text("A")]])))
      const kv = yield* KvClient.make(server)
      const found = Option.getOrThrow(yield* kv.get("a"))
      assert.deepStrictEqual([shown(found.value), found.flags, found.cas], ["A", 3, 9n])
      assert.isTrue(Option.isNone(yield* kv.get("b")))
      assert.deepStrictEqual((yield* kv.counters).errors, 0)
    }))

  it.live("are read many at once, in batches, each by its key", () =>
    Effect.gen(function*() {
      const documents = new Map(Array.from({ length: 2500 }, (_, i) => [`key ${i}`, text(`value ${i}`)]))
      const server = yield* scripted(store(documents))
      const kv = yield* KvClient.make(server)
      const asked = [...documents.keys()].flatMap((key) => [key, `${key} missing`])
      const found = yield* kv.getMany(asked)
      assert.strictEqual(found.size, 2500)
      for (const [key, { value }] of found) assert.strictEqual(shown(value), key.replace("key", "value"))
      assert.strictEqual(server.peers[0]!.requests.filter(({ _tag }) => _tag === "Noop").length, 5)
      assert.strictEqual((yield* kv.getMany([])).size, 0)
      assert.strictEqual((yield* kv.counters).inFlight, 0)
    }))

  it.live("of a batch that is refused make it fail, after its barrier", () =>
    Effect.gen(function*() {
      const server = yield* scripted((request, peer) =>
        request._tag === "GetKQ" ? peer.send(refuse(request, 0x86, "later")) : store()(request, peer)
      )
      const kv = yield* KvClient.make(server)
      const error = failure(yield* Effect.exit(kv.getMany(["a", "b"])))
      assert.deepStrictEqual([error.reason._tag, error.operation], ["Busy", "getMany"])
      yield* kv.noop
    }))

  it.live("may have keys of any bytes and values of text", () =>
    Effect.gen(function*() {
      const server = yield* scripted(store())
      const kv = yield* KvClient.make(server)
      const key = Uint8Array.of(0xff, 0x00, 0xc3)
      yield* kv.set(key, "grün")
      assert.strictEqual(shown(Option.getOrThrow(yield* kv.get(key)).value), "grün")
      assert.isTrue(Option.isNone(yield* kv.get("ÿ\u0000Ã")))
    }))

  it.live("are values of a schema when asked for", () =>
    Effect.gen(function*() {
      const documents = new Map<string, Uint8Array>()
      const server = yield* scripted(store(documents))
      const kv = yield* KvClient.make(server)
      const users = kv.json(User)
      const ada = new User({ name: "Ada", born: 1815, id: 12345678901234567890n })
      yield* users.set("ada", ada)
      assert.deepStrictEqual(JSON.parse(shown(documents.get("ada")!)), { name: "Ada", born: 1815, id: "12345678901234567890" })
      assert.deepStrictEqual(Option.getOrThrow(yield* users.get("ada")).value, ada)
      assert.deepStrictEqual(Option.getOrThrow(yield* kv.get("ada", User)).value, ada)
      assert.deepStrictEqual((yield* users.getMany(["ada", "bob"])).get("ada")?.value, ada)
      assert.isTrue(Option.isNone(yield* kv.get("bob", User)))
      for (const wrong of ["{", "{}", "\"Ada\""]) {
        documents.set("wrong", text(wrong))
        const error = failure(yield* Effect.exit(kv.get("wrong", User)))
        assert.deepStrictEqual([error.reason._tag, error.operation, error.key], ["InvalidValue", "get", "wrong"], wrong)
      }
      // a name that is invalid UTF-8 fits when it is read with characters in its place
      const [before, after] = JSON.stringify({ name: "?", born: 1815, id: "1" }).split("?").map(text)
      documents.set("wrong", Uint8Array.of(...before!, 0xff, ...after!))
      assert.include(failure(yield* Effect.exit(kv.get("wrong", User))).message, "invalid UTF-8")
      const unfit = yield* Effect.exit(users.set("x", { name: "X", born: 0.5, id: 1n } as User))
      assert.strictEqual(failure(unfit).reason._tag, "InvalidValue")
      assert.isFalse(documents.has("x"))
    }))
})

describe("statuses", () => {
  const cases = [
    [0x02, "CasMismatch", "miss"],
    [0x03, "TooLarge", "caller"],
    [0x04, "InvalidArguments", "caller"],
    [0x05, "NotStored", "miss"],
    [0x06, "NotANumber", "caller"],
    [0x20, "AuthFailed", "fatal"],
    [0x81, "NotSupported", "caller"],
    [0x82, "OutOfMemory", "retry"],
    [0x83, "NotSupported", "caller"],
    [0x84, "ServerFault", "fatal"],
    [0x85, "Busy", "retry"],
    [0x86, "Busy", "retry"],
    [0x1234, "UnknownStatus", "fatal"]
  ] as const
  it.live("are typed reasons with the retry class and the server's words", () =>
    Effect.gen(function*() {
      let status = 0
      const server = yield* scripted((request, peer) => peer.send(refuse(request, status, "so the server says")))
      const kv = yield* KvClient.make(server)
      for (const [code, tag, retry] of cases) {
        status = code
        const error = failure(yield* Effect.exit(kv.set("k", "v")))
        assert.strictEqual(error.reason._tag, tag)
        assert.isTrue("retry" in error.reason && error.reason.retry === retry && error.reason.text === "so the server says")
        assert.deepStrictEqual([error.operation, error.opcode, error.key, error.ambiguous], ["set", 0x01, "k", false])
        assert.include(error.message, `set "k" at 127.0.0.1:${server.port}: `)
      }
      status = 0x02
      assert.strictEqual(failure(yield* Effect.exit(kv.add("k", "v"))).reason._tag, "Exists")
      status = 0x01
      assert.strictEqual(failure(yield* Effect.exit(kv.replace("k", "v"))).reason._tag, "NotFound")
      assert.isFalse(yield* kv.remove("k"))
      assert.isFalse(yield* kv.touch("k", "1 minute"))
      assert.isTrue(Option.isNone(yield* kv.getAndTouch("k", "1 minute")))
      const caught = yield* Effect.catchReason(kv.increment("k"), "MemcachedError", "NotFound", ({ name }) => Effect.succeed(name))
      assert.strictEqual(caught, "KeyEnoent")
    }))

  it.live("of keys that are too long are the caller's mistake, before anything is sent", () =>
    Effect.gen(function*() {
      const server = yield* scripted(store())
      const kv = yield* KvClient.make(server)
      assert.strictEqual(failure(yield* Effect.exit(kv.get("x".repeat(251)))).reason._tag, "InvalidRequest")
      assert.strictEqual(failure(yield* Effect.exit(kv.getMany(["a", "x".repeat(251)]))).reason._tag, "InvalidRequest")
      assert.isTrue(Option.isNone(yield* kv.get("x".repeat(250))))
      assert.strictEqual(server.peers[0]!.requests.length, 1)
    }))
})

describe("connections", () => {
  const quick = { reconnect: { initialDelay: "10 millis", maxDelay: "40 millis" } } as const

  it.live("that cannot be made fail the layer, typed", () =>
    Effect.gen(function*() {
      const port = yield* Effect.scoped(Effect.map(scripted(() => {}), (server) => server.port))
      const exit = yield* Effect.exit(Effect.scoped(KvClient.make({ port })))
      assert.deepStrictEqual([failure(exit).reason._tag, failure(exit).operation], ["ConnectFailed", "connect"])
    }))

  it.live("that break lose what is in flight, are made again, and serve those who waited", () =>
    Effect.gen(function*() {
      const documents = new Map([["a", text("A")]])
      const server = yield* scripted((request, peer) => {
        if (request._tag === "Set") peer.socket.destroy()
        else store(documents)(request, peer)
      })
      const kv = yield* KvClient.make({ ...server, ...quick })
      const error = failure(yield* Effect.exit(kv.set("k", "v")))
      assert.deepStrictEqual([error.reason._tag, error.ambiguous], ["ConnectionLost", true])
      assert.strictEqual(shown(Option.getOrThrow(yield* kv.get("a")).value), "A")
      const { connected, reconnects } = yield* kv.counters
      assert.deepStrictEqual([connected, reconnects], [1, 1])
    }))

  it.live("that break while a fibre asks again at once do not loop", () =>
    Effect.gen(function*() {
      const server = yield* scripted((request, peer) => {
        if (server.peers.length < 4) peer.socket.destroy()
        else store()(request, peer)
      })
      const kv = yield* KvClient.make({ ...server, ...quick })
      yield* Effect.retry(kv.noop, { times: 10 })
      assert.strictEqual(server.peers.length, 4)
    }))

  it.live("that are not there make requests wait for their time-out, or fail at once when asked to", () =>
    Effect.gen(function*() {
      const open = yield* scripted((_, peer) => peer.socket.destroy())
      // whoever waits for a connection waits for longer than the test may take
      const slow = { initialDelay: "1 hour" } as const
      const waits = yield* KvClient.make({ ...open, reconnect: slow, requestTimeout: "120 millis" })
      const fails = yield* KvClient.make({ ...open, reconnect: slow, whenDisconnected: "fail" })
      const waitsLong = yield* KvClient.make({ ...open, reconnect: slow, requestTimeout: "1 hour" })
      for (const kv of [waits, fails]) yield* Effect.exit(kv.noop)
      yield* Effect.exit(Effect.timeout(waitsLong.noop, "20 millis"))
      const start = performance.now()
      const late = failure(yield* Effect.exit(waits.set("k", "v")))
      assert.isAtLeast(performance.now() - start, 110)
      const early = failure(yield* Effect.exit(fails.set("k", "v")))
      for (const error of [late, early]) assert.deepStrictEqual([error.reason._tag, error.ambiguous], ["ConnectionLost", false])
      assert.isTrue(Exit.isFailure(yield* Effect.exit(waitsLong.get("k", { timeout: "20 millis" }))))
    }))

  it.live("are as many as asked for, and take turns", () =>
    Effect.gen(function*() {
      const server = yield* scripted(store())
      const kv = yield* KvClient.make({ ...server, connections: 3 })
      yield* Effect.repeat(kv.noop, { times: 29 })
      assert.deepStrictEqual(server.peers.map(({ requests }) => requests.length), [10, 10, 10])
    }))

  it.live("are given up after as many attempts as allowed", () =>
    Effect.gen(function*() {
      const server = yield* scripted((_, peer) => peer.socket.destroy())
      const kv = yield* KvClient.make({ ...server, reconnect: { initialDelay: "1 millis", maxAttempts: 3 }, requestTimeout: "1 hour" })
      for (let i = 0; i < 20; i++) yield* Effect.exit(kv.noop)
      assert.strictEqual(server.peers.length, 4)
      // fails at once, and does not wait for its time-out
      assert.isTrue(Exit.isFailure(yield* Effect.exit(kv.noop)))
    }))

  it.live("close with the scope, and requests fail afterwards", () =>
    Effect.gen(function*() {
      const server = yield* scripted(store())
      const kv = yield* Effect.scoped(KvClient.make(server))
      yield* until(() => server.peers.every(({ socket }) => socket.destroyed))
      assert.strictEqual(failure(yield* Effect.exit(kv.noop)).reason._tag, "ConnectionClosed")
    }))

  it.live("end with quit, for good", () =>
    Effect.gen(function*() {
      const server = yield* scripted((request, peer) => {
        if (request._tag !== "Quit") return store()(request, peer)
        peer.send((writer) => Gen.encodeQuitResponse(writer, { opaque: request.opaque }))
        peer.socket.end()
      })
      const kv = yield* KvClient.make({ ...server, ...quick, connections: 2 })
      yield* kv.quit
      yield* Effect.sleep(100)
      assert.strictEqual(server.peers.length, 2)
      assert.include(failure(yield* Effect.exit(kv.noop)).message, "closed by quit")
    }))
})

describe("signing in", () => {
  const credentials = { user: "ada", password: Redacted.make("s3cr3t") }
  const signing = (offered: string, accept: (data: string) => boolean) => (request: Gen.Request, peer: Peer): void => {
    const { opaque } = request
    if (request._tag === "SaslListMechs") {
      return peer.send((writer) => Gen.encodeSaslListMechsResponse(writer, { opaque, mechanisms: offered }))
    }
    if (request._tag !== "SaslAuth") return store()(request, peer)
    const fine = request.mechanism === "PLAIN" && accept(shown(request.clientData))
    peer.send(
      fine ? (writer) => Gen.encodeSaslAuthResponse(writer, { opaque, serverData: nothing.value }) : refuse(request, 0x20, "Auth failure")
    )
  }
  const attempt = (
    offered: string,
    options: { readonly allowPlaintextPassword?: boolean },
    accept: (data: string) => boolean = (data) => data === "\0ada\0s3cr3t"
  ) =>
    Effect.gen(function*() {
      const server = yield* scripted(signing(offered, accept))
      const exit = yield* Effect.exit(Effect.scoped(Effect.flatMap(KvClient.make({ ...server, credentials, ...options }), (kv) => kv.noop)))
      return { exit, heard: server.peers.flatMap(({ requests }) => requests.map(({ _tag }) => _tag)) }
    })

  it.live("happens before everything else", () =>
    Effect.gen(function*() {
      const { exit, heard } = yield* attempt("CRAM-MD5 PLAIN", { allowPlaintextPassword: true })
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepStrictEqual(heard, ["SaslListMechs", "SaslAuth", "Noop"])
    }))

  it.live("does not send the password in the clear unless asked to", () =>
    Effect.gen(function*() {
      const { exit, heard } = yield* attempt("PLAIN", {})
      assert.strictEqual(failure(exit).reason._tag, "PasswordWithheld")
      assert.notInclude(heard, "SaslAuth")
    }))

  it.live("fails typed, and shows no password", () =>
    Effect.gen(function*() {
      const wrong = yield* attempt("PLAIN", { allowPlaintextPassword: true }, () => false)
      const none = yield* attempt("SCRAM-SHA-256", { allowPlaintextPassword: true })
      assert.deepStrictEqual([wrong, none].map(({ exit }) => failure(exit).reason._tag), ["AuthFailed", "NoMechanism"])
      for (const { exit } of [wrong, none]) {
        assert.notInclude(`${inspect(exit, { depth: 20 })}${JSON.stringify(exit)}${failure(exit).message}`, "s3cr3t")
      }
    }))
})

describe("being watched", () => {
  it.live("counts requests, errors, reconnects, and how long operations take, by their outcome", () =>
    Effect.gen(function*() {
      const server = yield* scripted(store())
      yield* Effect.scoped(Effect.gen(function*() {
        const kv = yield* KvClient.make(server)
        yield* Effect.repeat(kv.noop, { times: 6 })
        yield* Effect.exit(kv.version)
        const { errors, requests } = yield* kv.counters
        assert.deepStrictEqual([requests, errors], [8, 1])
      }))
      const own = (yield* Metric.snapshot).filter(({ attributes }) => attributes?.["server.port"] === String(server.port))
      const operations = own.flatMap(({ attributes, id, state }) =>
        id === clientRows.operation.name
          ? [[
            attributes?.["db.system.name"],
            attributes?.["db.operation.name"],
            attributes?.["error.type"],
            "count" in state && state.count
          ]]
          : []
      )
      assert.deepStrictEqual(operations, [
        ["memcached", "noop", undefined, 7],
        ["memcached", "version", "NotSupported", 1]
      ])
      // ports are used again
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))

  it.live("makes spans where a tracer is in place", () =>
    Effect.gen(function*() {
      const server = yield* scripted(store())
      const kv = yield* KvClient.make(server)
      const unseen = yield* KvClient.make({ ...server, spans: false })
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          spans.push(new Tracer.NativeSpan(options))
          return spans.at(-1)!
        }
      })
      yield* Effect.withSpan(kv.get("a"), "parent")
      yield* Effect.withTracer(unseen.get("a"), tracer)
      assert.deepStrictEqual(spans, [])
      yield* Effect.withTracer(Effect.all([kv.get("a"), kv.getMany(["a"]), kv.noop, Effect.exit(kv.version)]), tracer)
      assert.deepStrictEqual(
        spans.map(({ attributes, kind, name }) => [kind, name, attributes.get("db.operation.name"), attributes.get("error.type")]),
        [
          ["client", "get", "get", undefined],
          ["client", "getMany", "getMany", undefined],
          ["client", "noop", "noop", undefined],
          ["client", "version", "version", "NotSupported"]
        ]
      )
      assert.deepInclude(Object.fromEntries(spans[0]!.attributes), {
        "db.system.name": "memcached",
        "server.address": server.host,
        "server.port": server.port
      })
    }))
})

describe("layers", () => {
  it.live("provide the client, with options from the configuration", () =>
    Effect.gen(function*() {
      const server = yield* scripted(store(new Map([["a", text("A")]])))
      const program = Effect.flatMap(KvClient, (kv) => kv.get("a"))
      assert.isTrue(Option.isSome(yield* Effect.provide(program, KvClient.layer(server))))
      const layer = KvClient.layerConfig({
        protocol: Config.succeed("binary" as const),
        host: Config.String("HOST"),
        port: Config.Port("PORT")
      })
      const provider = ConfigProvider.fromEnvRecord({ HOST: server.host, PORT: String(server.port) })
      const configured = Effect.provideService(Effect.provide(program, layer), ConfigProvider.ConfigProvider, provider)
      assert.isTrue(Option.isSome(yield* configured))
    }))

  it.live("free what waits when they are interrupted", () =>
    Effect.gen(function*() {
      const server = yield* scripted(() => {})
      const waiting = yield* Effect.forkChild(
        Effect.provide(Effect.flatMap(KvClient, (kv) => kv.get("a")), KvClient.layer(server)),
        { startImmediately: true }
      )
      yield* until(() => server.peers[0]?.requests.length === 1)
      yield* Fiber.interrupt(waiting)
      yield* until(() => server.peers.every(({ socket }) => socket.destroyed))
    }))
})

describe("answers under another opcode", () => {
  const answered = (opcode: number) => (request: Gen.Request, peer: Peer): void =>
    peer.send((writer) => Gen.encodeErrorResponse(writer, { ...nothing, opaque: request.opaque, opcode, status: 0 }))

  it.live("are the peer's misbehaviour, not a status", () =>
    Effect.gen(function*() {
      const server = yield* scripted(answered(0x01))
      const kv = yield* KvClient.make({ ...server, whenDisconnected: "fail" })
      const error = failure(yield* Effect.exit(kv.get("x")))
      assert.deepStrictEqual([error.reason._tag, error.ambiguous], ["PeerMisbehaved", false])
      assert.strictEqual(server.peers[0]!.requests.length, 1)
      yield* until(() => server.peers[0]!.socket.readableEnded)
    }))

  it.live("end a batch, too: only GETKQ and the barrier answer it", () =>
    Effect.gen(function*() {
      const server = yield* scripted((request, peer) => {
        answered(request._tag === "Noop" ? 0x0a : 0x09)(request, peer)
      })
      const kv = yield* KvClient.make(server)
      assert.strictEqual(failure(yield* Effect.exit(kv.getMany(["a", "b"]))).reason._tag, "PeerMisbehaved")
    }))
})

describe("JSON nested 20 000 deep", () => {
  const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`
  interface Nested extends ReadonlyArray<Nested> {}
  const Nested: Schema.Codec<Nested> = Schema.Array(Schema.suspend(() => Nested))

  it.live("is a value or InvalidValue, and never a defect: read, and written", () =>
    Effect.gen(function*() {
      const server = yield* scripted(store(new Map([["deep", text(deep)]])))
      const kv = yield* KvClient.make(server)
      const outcomes = yield* Effect.forEach([Schema.Unknown, Schema.Json, Nested, User], (schema) =>
        Effect.all([
          Effect.exit(kv.get("deep", schema as Schema.Codec<unknown, unknown>)),
          Effect.exit(kv.json(schema as Schema.Codec<unknown, unknown>).getMany(["deep"])),
          Effect.exit(kv.json(schema as Schema.Codec<unknown, unknown>).set("copy", JSON.parse(deep)))
        ]))
      const exits: ReadonlyArray<ReadonlyArray<Exit.Exit<unknown, MemcachedError>>> = outcomes
      for (const exit of exits.flat()) if (Exit.isFailure(exit)) assert.strictEqual(failure(exit).reason._tag, "InvalidValue")
      assert.isTrue(exits.slice(2).flat().every(Exit.isFailure), "what cannot be runCodec, or does not fit")
    }))
})
