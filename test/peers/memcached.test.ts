/** The client of plain memcached against Debian's memcached: every classic command, limits, SASL, TLS, a million operations, kill -9. */
import { assert, describe, it, layer } from "@effect/vitest"
import { KvClient, type KvCommands, type KvProtocol, type MemcachedError } from "@wirewright/memcached"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { readdirSync, readFileSync } from "node:fs"
import { failure, protocols, walk } from "./MemcachedModel.ts"
import { comparable, tell } from "./MemcachedStatistics.ts"
import { serve } from "./Serve.ts"
import { hasSasl, hasTls, type Memcached, saslEnvironment, startMemcached, tlsArguments } from "./Memcached.ts"

/** Memcached until the scope closes. */
const running = (
  args: ReadonlyArray<string> = [],
  options: { readonly port?: number; readonly env?: NodeJS.ProcessEnv } = {}
): Effect.Effect<Memcached, never, Scope.Scope> =>
  Effect.acquireRelease(Effect.promise(() => startMemcached(args, options)), ({ end }) => Effect.promise(() => end("SIGTERM")))

class Server extends Context.Service<Server, Memcached>()("test/Memcached") {}
const server = Layer.effect(Server, running(["-m", "256", "-I", "2m"]))
const clientOf = (protocol: KvProtocol) => Layer.unwrap(Effect.map(Server, ({ port }) => KvClient.layer({ port, protocol })))

const shown = (value: Uint8Array): string => new TextDecoder().decode(value)
const textOf = (found: Option.Option<{ readonly value: Uint8Array }>): string | undefined =>
  Option.isSome(found) ? shown(found.value.value) : undefined

/** Whether each thread of the process stands still. */
const stopped = (pid: number): boolean =>
  readdirSync(`/proc/${pid}/task`).every((task) => / T /.test(readFileSync(`/proc/${pid}/task/${task}/stat`, "latin1")))

const tag = <A>(effect: Effect.Effect<A, MemcachedError>): Effect.Effect<string> =>
  Effect.map(Effect.exit(effect), (exit) => failure(exit).reason._tag)

it.live("memcached and the node tell the same of themselves after the same requests", () =>
  Effect.scoped(Effect.gen(function*() {
    const { port } = yield* running(["-m", "64"])
    const node = yield* Effect.acquireRelease(Effect.promise(() => serve(["--memcached"])), ({ stop }) => Effect.promise(stop))
    const theirs = yield* Effect.promise(() => tell(port, 2_500))
    const ours = yield* Effect.promise(() => tell(Number(node.ready["port"])))
    assert.strictEqual(theirs.groups[""]!.length >= 92, true)
    assert.deepStrictEqual(comparable(ours), comparable(theirs))
  })), 30_000)

for (const protocol of protocols) {
  layer(Layer.provideMerge(clientOf(protocol), server), { excludeTestServices: true })(`every command, ${protocol}`, (it) => {
    it.effect("get, set, and the fields of a document", () =>
      Effect.gen(function*() {
        const kv = yield* KvClient
        assert.isTrue(Option.isNone(yield* kv.get("no-such")))
        const { cas } = yield* kv.set("a", "one", { flags: 0xdeadbeef })
        const found = Option.getOrThrow(yield* kv.get("a"))
        // the text protocol does not tell the CAS of what it stores
        assert.deepStrictEqual([shown(found.value), found.flags, cas], ["one", 0xdeadbeef, protocol === "text" ? 0n : found.cas])
      }))

    it.effect("set and replace under a CAS", () =>
      Effect.gen(function*() {
        const kv = yield* KvClient
        const casOf = (key: string) => Effect.map(kv.get(key), (found) => Option.getOrThrow(found).cas)
        yield* kv.set("cas", "1")
        const cas = yield* casOf("cas")
        assert.strictEqual(yield* tag(kv.set("cas", "2", { cas: cas + 1n })), "CasMismatch")
        yield* kv.set("cas", "2", { cas })
        assert.strictEqual(yield* tag(kv.replace("cas", "3", { cas })), "CasMismatch")
        yield* kv.replace("cas", "3", { cas: yield* casOf("cas") })
        assert.strictEqual(textOf(yield* kv.get("cas")), "3")
        assert.strictEqual(yield* tag(kv.set("no-cas", "1", { cas: 1n })), "NotFound")
      }))

    it.effect("add, replace and remove, whether there is a document or not", () =>
      Effect.gen(function*() {
        const kv = yield* KvClient
        assert.strictEqual(yield* tag(kv.replace("b", "0")), "NotFound")
        yield* kv.add("b", "1")
        assert.strictEqual(yield* tag(kv.add("b", "2")), "Exists")
        yield* kv.replace("b", "2")
        assert.strictEqual(textOf(yield* kv.get("b")), "2")
        assert.isTrue(yield* kv.remove("b"))
        assert.isFalse(yield* kv.remove("b"))
        yield* kv.set("b", "3")
        const { cas } = Option.getOrThrow(yield* kv.get("b"))
        if (protocol === "text") {
          const refused: ReadonlyArray<Effect.Effect<unknown, MemcachedError>> = [
            kv.remove("b", { cas }),
            kv.append("b", "x", { cas }),
            kv.prepend("b", "x", { cas })
          ]
          for (const effect of refused) {
            assert.strictEqual(yield* tag(effect), "NotInProtocol")
          }
          assert.strictEqual(textOf(yield* kv.get("b")), "3")
          return
        }
        const other = { cas: cas + 1n }
        const changed: ReadonlyArray<Effect.Effect<unknown, MemcachedError>> = [kv.remove("b", other), kv.append("b", "x", other)]
        for (const effect of changed) {
          assert.strictEqual(yield* tag(effect), "CasMismatch")
        }
        assert.strictEqual(yield* tag(kv.append("missing", "x", { cas })), "NotStored")
        assert.isTrue(yield* kv.remove("b", { cas }))
      }))

    it.effect("append and prepend", () =>
      Effect.gen(function*() {
        const kv = yield* KvClient
        assert.strictEqual(yield* tag(kv.append("c", "x")), "NotStored")
        assert.strictEqual(yield* tag(kv.prepend("c", "x")), "NotStored")
        yield* kv.set("c", "-")
        yield* kv.append("c", ">")
        yield* kv.prepend("c", "<")
        assert.strictEqual(textOf(yield* kv.get("c")), "<->")
      }))

    it.effect("counters: made, changed, wrapped, stopped at 0", () =>
      Effect.gen(function*() {
        const kv = yield* KvClient
        assert.strictEqual(yield* tag(kv.increment("n")), "NotFound")
        assert.strictEqual((yield* kv.increment("n", { initial: 40n })).value, 40n)
        assert.strictEqual((yield* kv.increment("n", { delta: 2n })).value, 42n)
        assert.strictEqual((yield* kv.decrement("n")).value, 41n)
        assert.strictEqual((yield* kv.decrement("n", { delta: 50n })).value, 0n)
        yield* kv.set("n", "18446744073709551615")
        assert.strictEqual((yield* kv.increment("n", { delta: 3n })).value, 2n)
        assert.strictEqual((yield* kv.decrement("m", { initial: 7n })).value, 7n)
        yield* kv.set("n", "no number")
        assert.strictEqual(yield* tag(kv.increment("n")), "NotANumber")
      }))

    it.effect("expiry: set, touch, get and touch", () =>
      Effect.gen(function*() {
        const kv = yield* KvClient
        yield* kv.set("short", "x", { expiry: "1 second" })
        yield* kv.set("touched", "x", { expiry: "1 second" })
        yield* kv.set("gat", "x", { expiry: "1 second" })
        yield* kv.set("far", "x", { expiry: "400 days" })
        yield* kv.set("past", "x", { expiry: "0 seconds" })
        yield* kv.set("ends", "x")
        assert.isTrue(yield* kv.touch("touched", "1 hour"))
        assert.strictEqual(textOf(yield* kv.getAndTouch("gat", "1 hour")), "x")
        assert.isTrue(yield* kv.touch("ends", "1 second"))
        assert.isFalse(yield* kv.touch("no-such", "1 hour"))
        assert.isTrue(Option.isNone(yield* kv.getAndTouch("no-such", "1 hour")))
        yield* Effect.sleep("2500 millis")
        const left = yield* kv.getMany(["short", "touched", "gat", "far", "past", "ends"])
        assert.deepStrictEqual([...left.keys()].toSorted(), ["far", "gat", "touched"])
      }))

    it.effect("many keys at once", () =>
      Effect.gen(function*() {
        const kv = yield* KvClient
        const keys = Array.from({ length: 5000 }, (_, i) => `many:${i}`)
        yield* Effect.forEach(keys, (key, i) => i % 2 === 0 ? kv.set(key, `value of ${key}`) : Effect.void, {
          concurrency: 64,
          discard: true
        })
        const found = yield* kv.getMany(keys)
        assert.strictEqual(found.size, 2500)
        for (const [key, { value }] of found) assert.strictEqual(shown(value), `value of ${key}`)
      }))

    it.effect("statistics, version, noop, verbosity, flush", () =>
      Effect.gen(function*() {
        const kv = yield* KvClient
        const { pid } = yield* Server
        const stats = yield* kv.stats()
        assert.strictEqual(stats.get("pid"), String(pid))
        assert.strictEqual((yield* kv.stats("settings")).get("item_size_max"), String(2 * 1024 * 1024))
        assert.strictEqual(yield* kv.version, stats.get("version"))
        assert.match(yield* kv.version, /^1\.\d+\.\d+/)
        yield* kv.noop
        // 1.6.18 has the opcode and then denies it; either way the other commands are not disturbed
        const verbosity = yield* Effect.exit(kv.verbosity(1))
        if (Exit.isFailure(verbosity)) assert.strictEqual(failure(verbosity).reason._tag, "NotSupported")
        else assert.strictEqual((yield* kv.stats("settings")).get("verbosity"), "1")
        yield* kv.noop
        yield* kv.set("f", "x")
        yield* kv.flush({ after: "2 seconds" })
        assert.strictEqual(textOf(yield* kv.get("f")), "x")
        yield* Effect.sleep("3500 millis")
        assert.isTrue(Option.isNone(yield* kv.get("f")))
        yield* kv.set("f", "y")
        yield* Effect.sleep("1100 millis")
        yield* kv.flush()
        assert.isTrue(Option.isNone(yield* kv.get("f")))
        assert.strictEqual((yield* kv.counters).lateAnswers, 0)
      }))

    it.effect("values of nothing, one byte, 1 MiB, the largest there is and one byte more", () =>
      Effect.gen(function*() {
        const kv = yield* KvClient
        const bytes = new Uint8Array(2 * 1024 * 1024 + 1).map((_, i) => i * 31 & 0xff)
        for (const size of [0, 1, 1024 * 1024]) {
          yield* kv.set("sized", bytes.subarray(0, size))
          const { value } = Option.getOrThrow(yield* kv.get("sized"))
          assert.isTrue(Buffer.from(value).equals(bytes.subarray(0, size)), `${size} bytes`)
        }
        // what an item takes besides its value depends on the build, so the limit is looked for
        let fits = 1024 * 1024
        let exceeds = bytes.length
        while (exceeds - fits > 1) {
          const size = fits + exceeds >> 1
          const exit = yield* Effect.exit(kv.set("sized", bytes.subarray(0, size)))
          if (Exit.isSuccess(exit)) fits = size
          else {
            assert.strictEqual(failure(exit).reason._tag, "TooLarge")
            exceeds = size
          }
        }
        assert.isTrue(fits > 2 * 1024 * 1024 - 1000 && fits < 2 * 1024 * 1024, `${fits}`)
        yield* kv.set("sized", bytes.subarray(0, fits))
        assert.strictEqual(Option.getOrThrow(yield* kv.get("sized")).value.length, fits)
        assert.strictEqual(yield* tag(kv.set("sized", bytes.subarray(0, fits + 1))), "TooLarge")
        yield* kv.noop
      }))

    it.effect("keys of 250 bytes, and not of 251", () =>
      Effect.gen(function*() {
        const kv = yield* KvClient
        for (const key of ["k".repeat(250), "ü".repeat(125)]) {
          yield* kv.set(key, "longest")
          assert.strictEqual(textOf(yield* kv.get(key)), "longest")
          assert.strictEqual(textOf(Option.fromUndefinedOr((yield* kv.getMany([key])).get(key))), "longest")
        }
        for (const key of ["k".repeat(251), `${"ü".repeat(125)}k`]) {
          assert.strictEqual(yield* tag(kv.set(key, "too long")), "InvalidRequest")
          assert.strictEqual(yield* tag(kv.get(key)), "InvalidRequest")
        }
        yield* kv.noop
      }))
  })
}

/** Operations of one protocol on one connection: `KV_OPERATIONS=1000000` for the full run. */
const operations = Number(process.env["KV_OPERATIONS"] ?? 100_000)

describe(`${operations} operations in flight`, () => {
  for (const [protocol, connections] of protocols.flatMap((one) => [[one, 1], [one, 3]] as const)) {
    it.live(`on ${connections} connection(s) mix up no answer, ${protocol}`, () =>
      Effect.gen(function*() {
        const { port } = yield* running(["-m", "512"])
        const kv = yield* KvClient.make({ port, protocol, connections, requestTimeout: "60 seconds" })
        const walkers = 500
        const each = operations / walkers / (connections === 1 ? 1 : 4)
        const start = performance.now()
        yield* Effect.forEach(Array.from({ length: walkers }), (_, i) => walk(kv, protocol, `walk${i}`, i + 1, each), {
          concurrency: "unbounded",
          discard: true
        })
        const { errors, inFlight, lateAnswers, requests } = yield* kv.counters
        if (process.env["KV_OPERATIONS"] !== undefined) {
          const seconds = (performance.now() - start) / 1000
          console.log(`${protocol}, ${connections}: ${requests} requests, ${errors} refused as the model says, ${seconds.toFixed(1)} s`)
        }
        assert.isTrue(requests > 0.9 * walkers * each)
        assert.deepStrictEqual([inFlight, lateAnswers], [0, 0])
        assert.isTrue(errors < requests / 4, "only what the model refuses, too")
      }), 600_000)
  }
})

describe("SASL", () => {
  it.live.skipIf(!hasSasl())("lets in who knows the password", () =>
    Effect.gen(function*() {
      const { env } = yield* Effect.acquireRelease(
        Effect.sync(() => saslEnvironment("ada", "wirewright", "s3cr3t")),
        ({ remove }) => Effect.sync(remove)
      )
      const { port } = yield* running(["-S"], { env })
      const credentials = (password: string) => ({ user: "ada@wirewright", password: Redacted.make(password) })
      const attempt = (options: object) => Effect.scoped(Effect.flatMap(KvClient.make({ port, ...options }), (kv) => kv.set("a", "b")))
      yield* attempt({ credentials: credentials("s3cr3t"), allowPlaintextPassword: true, connections: 2 })
      const wrong = failure(yield* Effect.exit(attempt({ credentials: credentials("wr0ng"), allowPlaintextPassword: true })))
      assert.deepStrictEqual([wrong.reason._tag, wrong.operation], ["AuthFailed", "authenticate"])
      assert.notInclude(`${wrong.message}${JSON.stringify(wrong)}`, "wr0ng")
      assert.strictEqual(yield* tag(attempt({ credentials: credentials("s3cr3t") })), "PasswordWithheld")
      assert.strictEqual(yield* tag(attempt({})), "AuthFailed")
    }))
})

describe("TLS", () => {
  for (const protocol of protocols) {
    it.live.skipIf(!hasTls())(`carries everything, and the certificate is checked, ${protocol}`, () =>
      Effect.gen(function*() {
        const { args } = yield* Effect.acquireRelease(Effect.sync(tlsArguments), ({ remove }) => Effect.sync(remove))
        const { port } = yield* running([...args, "-m", "64"])
        const ca = readFileSync(new URL("../fixtures/tls/localhost.crt", import.meta.url), "utf8")
        const kv = yield* KvClient.make({ port, protocol, tls: { ca } })
        const value = new Uint8Array(500_000).map((_, i) => i & 0xff)
        yield* kv.set("large", value)
        assert.isTrue(Buffer.from(Option.getOrThrow(yield* kv.get("large")).value).equals(value))
        yield* Effect.forEach(Array.from({ length: 50 }), (_, i) => walk(kv, protocol, `tls${i}`, i + 1, 200), {
          concurrency: "unbounded",
          discard: true
        })
        assert.strictEqual(yield* tag(Effect.scoped(KvClient.make({ port, protocol, tls: {} }))), "CertificateRefused")
      }))
  }
})

interface Ended {
  readonly write: boolean
  readonly startedAt: number
  readonly endedAt: number
  readonly exit: Exit.Exit<unknown, MemcachedError>
}

/** Reads and writes on 200 fibres until told to stop; every end is written down. */
const load = (kv: KvCommands, ends: Array<Ended>, stopped: () => boolean): Effect.Effect<void> =>
  Effect.forEach(Array.from({ length: 200 }), (_, i) =>
    Effect.gen(function*() {
      const write = i % 2 === 0
      while (!stopped()) {
        const startedAt = performance.now()
        const exit = yield* Effect.exit<unknown, MemcachedError, never>(write ? kv.set(`load${i}`, "x".repeat(100)) : kv.get(`load${i}`))
        ends.push({ write, startedAt, endedAt: performance.now(), exit })
        if (Exit.isFailure(exit)) yield* Effect.sleep(5)
      }
    }), { concurrency: "unbounded", discard: true })

describe("a server that goes", () => {
  const options = { requestTimeout: Duration.millis(600), reconnect: { initialDelay: "20 millis", maxDelay: "100 millis" } } as const

  it.live.each(protocols)(
    "by kill -9 ends every request in flight typed and in time, writes in doubt; then the next server is found, %s",
    (protocol) =>
      Effect.gen(function*() {
        const first = yield* Effect.promise(() => startMemcached())
        const kv = yield* KvClient.make({ port: first.port, protocol, ...options })
        const ends: Array<Ended> = []
        let stopped = false
        const loading = yield* Effect.forkChild(load(kv, ends, () => stopped))
        yield* Effect.sleep(300)
        const killedAt = performance.now()
        yield* Effect.promise(() => first.end("SIGKILL"))
        yield* Effect.sleep(900)
        const second = yield* running([], { port: first.port })
        yield* Effect.sleep(500)
        stopped = true
        yield* Fiber.join(loading)
        const failed = ends.filter(({ exit }) => Exit.isFailure(exit))
        const lostAt = failed[0]!.endedAt
        assert.isTrue(lostAt >= killedAt)
        const inFlight = failed.filter(({ startedAt }) => startedAt < lostAt)
        assert.strictEqual(inFlight.length, 200, "each fibre had one request in flight")
        for (const { endedAt, exit, write } of inFlight) {
          const error = failure(exit)
          assert.deepStrictEqual([error.reason._tag, error.ambiguous], ["ConnectionLost", write])
          assert.isTrue(endedAt - killedAt < 600)
        }
        const between = failed.filter(({ startedAt }) => startedAt >= lostAt)
        assert.isTrue(between.length >= 200)
        for (const { endedAt, exit, startedAt, write } of between) {
          const { ambiguous, reason } = failure(exit)
          // only the next server, while it listens and does not answer yet, was sent anything
          if (reason._tag === "RequestTimeout") assert.strictEqual(ambiguous, write)
          else {
            assert.include(["ConnectFailed", "ConnectionLost"], reason._tag)
            assert.isFalse(ambiguous, "it was never sent")
          }
          assert.isTrue(endedAt - startedAt < 600 + 1_000)
        }
        assert.isTrue((yield* kv.counters).reconnects >= 1)
        assert.strictEqual((yield* kv.stats()).get("pid"), String(second.pid))
      })
  )

  it.live.each(protocols)(
    "silent makes requests time out in time; when it speaks again, nothing is mixed up, %s",
    (protocol) =>
      Effect.gen(function*() {
        const { pid, port } = yield* running()
        const kv = yield* KvClient.make({ port, protocol, ...options })
        yield* kv.set("before", "stop")
        process.kill(pid, "SIGSTOP")
        // the signal is sent; a thread that runs goes on until it is seen
        yield* Effect.repeat(Effect.sleep(1), { until: () => stopped(pid) })
        const start = performance.now()
        const exits = yield* Effect.forEach(
          Array.from({ length: 100 }),
          (_, i) => Effect.exit<unknown, MemcachedError, never>(i % 2 === 0 ? kv.get("before") : kv.remove("x")),
          {
            concurrency: "unbounded"
          }
        )
        const took = performance.now() - start
        process.kill(pid, "SIGCONT")
        assert.isTrue(took >= 600 && took < 900, `${took}`)
        for (const [i, exit] of exits.entries()) {
          const error = failure(exit)
          assert.deepStrictEqual([error.reason._tag, error.ambiguous], ["RequestTimeout", i % 2 === 1])
        }
        yield* Effect.forEach(Array.from({ length: 20 }), (_, i) => walk(kv, protocol, `after${i}`, i + 1, 100), {
          concurrency: "unbounded",
          discard: true
        })
        // of the text protocol, a value and the end after it
        assert.strictEqual((yield* kv.counters).lateAnswers, protocol === "text" ? 150 : 100)
      })
  )
})

describe("10 000 connections that come and go", () => {
  it.live("leave memory flat, and neither sockets nor timers", () =>
    Effect.gen(function*() {
      const { port } = yield* running(["-c", "1024"])
      const cycle = Effect.scoped(Effect.flatMap(KvClient.make({ port }), (kv) => kv.get("nothing")))
      const cycles = (count: number) =>
        Effect.forEach(Array.from({ length: 10 }), () => Effect.repeat(cycle, { times: count / 10 - 1 }), {
          concurrency: "unbounded",
          discard: true
        })
      const kinds = () => process.getActiveResourcesInfo().filter((kind) => /TCP|TLS|Timeout/.test(kind)).length
      yield* cycles(2000)
      globalThis.gc?.()
      const resources = kinds()
      const rss = process.memoryUsage().rss
      yield* cycles(8000)
      globalThis.gc?.()
      yield* Effect.sleep(100)
      const grown = (process.memoryUsage().rss - rss) / 1024 / 1024
      assert.isTrue(grown < 40, `${grown.toFixed(1)} MiB`)
      assert.isTrue(kinds() <= resources + 1, `${kinds()} after ${resources}`)
    }))
})
