/**
 * The example's NATS client against Debian's nats-server, and with npm's `@nats-io/transport-node` at the other end: headers, requests, queue
 * groups, errors, slow consumers, a server that goes and comes back.
 */
import { ConnectionError } from "@wirewright/connection"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as Nats from "../../../packages/examples/src/clients/Nats.ts"
import { cutAfter } from "../../runtime/Cut.ts"
import { freePort, listening as isListening } from "../Memcached.ts"
import { startNats } from "../gallery/Nats.ts"
import { installed, load, type Server } from "../gallery/Recording.ts"

// one that hangs is told before it costs the time of the others
vi.setConfig({ testTimeout: 60_000 })

const there = spawnSync("nats-server", ["--version"]).error === undefined
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = ({ payload }: { readonly payload: Uint8Array }): string => new TextDecoder().decode(payload)
const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Effect.scoped(effect))
const now = { startImmediately: true }
const fast = { initialDelay: "20 millis", maxDelay: "200 millis" } as const

const until = (done: () => boolean) =>
  Effect.gen(function*() {
    while (!done()) yield* Effect.sleep("5 millis")
  })

/** Writes down what comes for a subject. */
const listening = (nats: Nats.NatsClient, subject: string, options: { readonly queueGroup?: string } = {}) =>
  Effect.gen(function*() {
    const came: Array<Nats.Message> = []
    const each = (one: Nats.Message) => Effect.sync(() => void came.push(one))
    yield* Effect.forkScoped(Stream.runForEach(nats.subscribe(subject, options), each), now)
    yield* nats.flush
    return came
  })

/** What of npm's client is used. */
interface Other {
  readonly headers: () => { readonly append: (name: string, value: string) => void }
  readonly connect: (options: object) => Promise<{
    readonly publish: (subject: string, payload: Uint8Array, options?: object) => void
    readonly request: (subject: string, payload: Uint8Array, options?: object) => Promise<OtherMessage>
    readonly subscribe: (subject: string, options: { readonly callback: (error: unknown, message: OtherMessage) => void }) => void
    readonly flush: () => Promise<void>
    readonly close: () => Promise<void>
  }>
}
interface OtherMessage {
  readonly data: Uint8Array
  readonly headers?: { readonly values: (name: string) => ReadonlyArray<string> }
  readonly respond: (payload: Uint8Array, options?: object) => boolean
}

describe.skipIf(!there)("NATS", () => {
  let server: Server
  beforeAll(async () => {
    server = await startNats()
  })
  afterAll(() => server.stop())
  const make = (options: Partial<Nats.NatsOptions> = {}) => Nats.make({ host: "127.0.0.1", port: server.port, reconnect: fast, ...options })

  it("messages in order, to those whose subject matches, with headers; one member of a queue group has each", () =>
    run(Effect.gen(function*() {
      const nats = yield* make()
      const all = yield* listening(nats, "a.>")
      const one = yield* listening(nats, "a.*.c")
      const members = [yield* listening(nats, "a.>", { queueGroup: "g" }), yield* listening(nats, "a.>", { queueGroup: "g" })]
      yield* nats.publish("a.b.c", bytes("x"), { headers: [["Name", "one"], ["Name", "two"], ["other", ""]], replyTo: "elsewhere" })
      const texts = Array.from({ length: 1_000 }, (_, i) => String(i))
      for (const each of texts) yield* nats.publish("a.n", bytes(each))
      yield* until(() => all.length >= 1_001 && members[0]!.length + members[1]!.length >= 1_001)
      expect(all[0]).toMatchObject({
        subject: "a.b.c",
        replyTo: "elsewhere",
        headers: [["Name", "one"], ["Name", "two"], ["other", ""]]
      })
      expect(all.slice(1).map(text)).toEqual(texts)
      expect(one.map(text)).toEqual(["x"])
      expect(members.flat().map(text).sort()).toEqual(["x", ...texts].sort())
      expect(Math.min(...members.map(({ length }) => length))).toBeGreaterThan(0)
    })))

  it("requests are answered, each its own, and fail when nobody answers or not in time", () =>
    run(Effect.gen(function*() {
      const [asks, hasty, answers] = [
        yield* make({ requestTimeout: "10 seconds" }),
        yield* make({ requestTimeout: "300 millis" }),
        yield* make()
      ]
      yield* Effect.forkScoped(
        Stream.runForEach(answers.subscribe("double"), (one) => answers.publish(one.replyTo!, bytes(text(one).repeat(2)))),
        now
      )
      yield* answers.flush
      const all = yield* Effect.forEach(
        Array.from({ length: 500 }, (_, i) => String(i)),
        (one) => Effect.map(asks.request("double", bytes(one)), (answer) => text(answer) === one.repeat(2)),
        { concurrency: "unbounded" }
      )
      expect(all.filter((is) => is)).toHaveLength(500)
      expect(yield* Effect.flip(asks.request("nobody", bytes("x")))).toMatchObject({ _tag: "NatsError", message: "No Responders" })
      yield* listening(answers, "silent")
      const late = yield* Effect.flip(hasty.request("silent", bytes("x")))
      expect(late).toMatchObject({ _tag: "ConnectionError", ambiguous: true, reason: { _tag: "RequestTimeout", milliseconds: 300 } })
    })))

  it.skipIf(!installed("@nats-io/transport-node"))(
    "npm's client at the other end: headers and requests both ways",
    () =>
      run(Effect.gen(function*() {
        const library = load<Other>("@nats-io/transport-node")
        const other = yield* Effect.promise(() => library.connect({ servers: `127.0.0.1:${server.port}` }))
        const nats = yield* make()
        const theirs: Array<string> = []
        const headers = library.headers()
        for (const value of ["one", "two"]) headers.append("Name", value)
        other.subscribe("theirs", {
          callback: (_, one) => {
            theirs.push(`${text({ payload: one.data })} ${String(one.headers?.values("Name"))}`)
            one.respond(bytes("answer"), { headers })
          }
        })
        yield* Effect.promise(() => other.flush())
        const answer = yield* nats.request("theirs", bytes("ask"), { headers: [["Name", "a b"], ["Name", "c"]] })
        expect(theirs).toEqual(["ask a b,c"])
        expect([text(answer), answer.headers]).toEqual(["answer", [["Name", "one"], ["Name", "two"]]])
        yield* Effect.forkScoped(
          Stream.runForEach(nats.subscribe("ours"), (one) => nats.publish(one.replyTo!, bytes(`${text(one)}!`), { headers: one.headers })),
          now
        )
        yield* nats.flush
        const back = yield* Effect.promise(() => other.request("ours", bytes("ask"), { headers, timeout: 2_000 }))
        expect([text({ payload: back.data }), back.headers?.values("Name")]).toEqual(["ask!", ["one", "two"]])
        yield* Effect.promise(() => other.close())
      }))
  )

  it("what the server refuses is an error in its words", async () => {
    const permissions = "permissions: { publish: \"allowed\", subscribe: [\"allowed\", \"_INBOX.>\"] }"
    const strict = await startNats(`authorization { users = [ { user: user, password: secret, ${permissions} } ] }`)
    try {
      const who = (secret: string) => ({ port: strict.port, user: "user", password: Redacted.make(secret) })
      const wrong = await run(Effect.flip(make({ ...who("wrong"), reconnect: { maxAttempts: 0 } })))
      expect(wrong).toMatchObject({ _tag: "NatsError", message: "Authorization Violation" })
      await run(Effect.gen(function*() {
        const nats = yield* make(who("secret"))
        const came = yield* listening(nats, "allowed")
        const refused = yield* Effect.flip(Stream.runDrain(nats.subscribe("forbidden")))
        expect(refused).toMatchObject({ _tag: "NatsError", message: "Permissions Violation for Subscription to \"forbidden\"" })
        const said = yield* Effect.forkScoped(Stream.runHead(nats.errors), now)
        yield* nats.publish("forbidden", bytes("x"))
        expect(yield* Fiber.join(said)).toMatchObject({ value: { message: "Permissions Violation for Publish to \"forbidden\"" } })
        const large = yield* Effect.flip(nats.publish("allowed", new Uint8Array(65_537)))
        expect(large).toMatchObject({ _tag: "NatsError", message: "Maximum Payload Violation" })
        yield* nats.publish("allowed", new Uint8Array(65_536))
        yield* until(() => came.length > 0)
        expect((yield* nats.counters).reconnects).toBe(0)
        // what it says again and again waits for nobody
        const often = yield* make({ ...who("secret"), maxPushes: 5 })
        for (let i = 0; i < 20; i++) yield* Effect.andThen(often.publish("forbidden", bytes("x")), often.flush)
      }))
    } finally {
      await strict.stop()
    }
  })

  it("cut at every byte: each request has its answer or a typed error", async () => {
    const converse = (dial: ReturnType<typeof cutAfter>) =>
      run(
        Effect.gen(function*() {
          const nats = yield* make({ dial, reconnect: { maxAttempts: 0 }, requestTimeout: "300 millis" })
          yield* Effect.forkScoped(
            Stream.runForEach(nats.subscribe("cut"), (one) => nats.publish(one.replyTo!, bytes("answer"), { headers: [["a", "b"]] })),
            now
          )
          const first = yield* Effect.result(nats.request("cut", bytes("ask")))
          return [first, yield* Effect.result(Effect.flip(nats.request("nobody", bytes("ask"))))] as const
        }).pipe(Effect.timeout("10 seconds"), Effect.result)
      )
    const counts = { received: 0 }
    const [answer] = Result.getOrThrow(await converse(cutAfter(Infinity, counts)))
    expect(text(Result.getOrThrow(answer))).toBe("answer")
    expect(counts.received).toBeGreaterThan(300)
    let answered = 0
    for (let size = 1; size < counts.received; size++) {
      const got = await converse(cutAfter(size))
      if (Result.isFailure(got)) {
        expect(got.failure, `cut at ${size}`).toBeInstanceOf(ConnectionError)
        continue
      }
      const [one, none] = got.success
      if (Result.isSuccess(one)) answered++
      else expect(one.failure, `cut at ${size}`).toBeInstanceOf(ConnectionError)
      if (Result.isSuccess(none)) expect(["NatsError", "ConnectionError"], `cut at ${size}`).toContain(none.success._tag)
    }
    expect(answered).toBeGreaterThan(0)
  })

  it("a reader who stands still: the server gives up, he is told, and the client comes back", async () => {
    const monitor = await freePort()
    const small = await startNats("max_pending: 262144", `http: 127.0.0.1:${monitor}`)
    const slowConsumers = async (): Promise<number> => {
      const { slow_consumers } = (await (await fetch(`http://127.0.0.1:${monitor}/varz`)).json()) as { readonly slow_consumers: number }
      return slow_consumers
    }
    try {
      await run(Effect.gen(function*() {
        const reader = yield* make({ port: small.port, pingInterval: "100 millis", maxPushes: 16 })
        const writer = yield* make({ port: small.port, requestTimeout: "20 seconds" })
        const other = yield* listening(reader, "other")
        let pass = false
        let taken = 0
        const slow = yield* Effect.forkScoped(
          Effect.flip(Stream.runForEach(reader.subscribe("slow"), () => Effect.andThen(until(() => pass), Effect.sync(() => taken++)))),
          now
        )
        yield* reader.flush
        const payload = new Uint8Array(16_384)
        const before = process.memoryUsage().arrayBuffers
        let sent = 0
        while ((yield* Effect.promise(slowConsumers)) === 0) {
          for (let i = 0; i < 100; i++) yield* writer.publish("slow", payload)
          yield* writer.flush
          sent += 100
        }
        const kept = process.memoryUsage().arrayBuffers - before
        while ((yield* reader.counters).reconnects === 0) yield* Effect.sleep("10 millis")
        yield* reader.flush
        yield* writer.publish("other", bytes("x"))
        yield* until(() => other.length > 0)
        pass = true
        expect(yield* Fiber.join(slow)).toMatchObject({ _tag: "NatsError", message: "Slow Consumer" })
        console.log(`${sent} messages of 16 KiB sent, ${taken} taken, ${Math.round(kept / 1024)} KiB more in buffers`)
        expect(taken).toBeLessThan(sent)
        expect(kept).toBeLessThan(16 * 1024 * 1024)
      }))
    } finally {
      await small.stop()
    }
  })

  it("a server that is killed and comes back: subscriptions are made again", async () => {
    const port = await freePort()
    const start = async () => {
      const child = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(port)], { stdio: "ignore" })
      while (!await isListening(port)) await new Promise((resolve) => setTimeout(resolve, 20))
      return child
    }
    let child = await start()
    try {
      await run(Effect.gen(function*() {
        const nats = yield* make({ port, pingInterval: "200 millis" })
        const came = yield* listening(nats, "news")
        child.kill("SIGKILL")
        yield* Effect.promise(() => once(child, "close"))
        // what is sent before that is known is lost, as ever with NATS
        while ((yield* nats.counters).connected === 1) yield* Effect.sleep("1 millis")
        const asked = yield* Effect.forkScoped(nats.publish("news", bytes("back")), now)
        child = yield* Effect.promise(start)
        yield* Fiber.join(asked)
        yield* until(() => came.length > 0)
        expect(came.map(text)).toEqual(["back"])
        // one that stands still is noticed
        child.kill("SIGSTOP")
        while ((yield* nats.counters).connected === 1) yield* Effect.sleep("10 millis")
        child.kill("SIGCONT")
        while ((yield* nats.counters).connected === 0) yield* Effect.sleep("10 millis")
        yield* nats.publish("news", bytes("again"))
        yield* until(() => came.length > 1)
        expect((yield* nats.counters).reconnects).toBeGreaterThanOrEqual(2)
      }))
    } finally {
      child.kill("SIGCONT")
      child.kill("SIGKILL")
    }
  })
})
