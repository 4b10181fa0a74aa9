/**
 * The Couchbase client when the wire fails: cut at every byte, silent at every step, slow, reset under load, gone and back. Every call ends
 * in time with a right value or a typed error, a write is in doubt exactly when its bytes left, and nothing is left over.
 */
import { assert, describe, it } from "@effect/vitest"
import { KvClient, type KvClientOptions, type KvCommands, type KvError, LookupIn } from "@wirewright/couchbase"
import { serveCouchbase } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { readFileSync } from "node:fs"
import { someOf, tried } from "../../packages/codec/src/Whole.fixture.ts"
import { Gate } from "./Gate.ts"

const password = "s3cr3t"
const users = [{ name: "app", password: Redacted.make(password) }]
const credentials = { user: "app", password: Redacted.make(password) }

const gated = Effect.gen(function*() {
  const node = yield* serveCouchbase({ users, buckets: [{ name: "default", vbuckets: 4 }] })
  const gate = yield* Effect.acquireRelease(Effect.promise(() => Gate.open(node.port)), (gate) => Effect.promise(() => gate.close()))
  return { node, gate }
})

const options = (port: number, more: Partial<KvClientOptions> = {}): KvClientOptions => ({
  seeds: [{ host: "127.0.0.1", port }],
  credentials,
  bucket: "default",
  bootstrapTimeout: "1 second",
  requestTimeout: "400 millis",
  timeout: "800 millis",
  ...more
})

/** Deadlines that only what hangs meets: what loses its connection is over, or goes on, long before, on a busy machine too. */
const patient = { bootstrapTimeout: "1 minute", requestTimeout: "1 minute", timeout: "1 minute" } as const

/** Milliseconds within which everything settles that has deadlines of seconds at most; without them it would never. */
const settled = 15_000

/** Ends as it does, and after how many milliseconds. */
const timed = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<{ readonly exit: Exit.Exit<A, E>; readonly took: number }> =>
  Effect.suspend(() => {
    const begun = performance.now()
    return Effect.map(Effect.exit(effect), (exit) => ({ exit, took: performance.now() - begun }))
  })

const failure = (exit: Exit.Exit<unknown, KvError>): KvError | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const [reason, ...others] = exit.cause.reasons
  if (reason?._tag !== "Fail" || others.length > 0) throw new Error(`no typed error but ${exit}`)
  return reason.error
}

const textAt = (kv: KvCommands, key: string): Effect.Effect<string | undefined, KvError> =>
  Effect.map(kv.get(key), (found) => Option.isSome(found) ? new TextDecoder().decode(found.value.value) : undefined)

/** One conversation: a write, a read of it, two paths of it, a counter. */
const talk = (kv: KvCommands, key: string): Effect.Effect<ReadonlyArray<Exit.Exit<unknown, KvError>>> =>
  Effect.gen(function*() {
    const written = yield* Effect.exit(kv.upsert(key, { a: 1, b: [2] }))
    const read = yield* Effect.exit(kv.get(key))
    const looked = yield* Effect.exit(kv.lookupIn(key, [LookupIn.get("a"), LookupIn.exists("b[0]")]))
    const counted = yield* Effect.exit(kv.increment(`${key}:n`, { initial: 1n }))
    return [written, read, looked, counted]
  })

/** `count` numbers from 1 up to `most`, evenly. */
const spread = (most: number, count: number): ReadonlyArray<number> =>
  Array.from({ length: Math.min(most, count) }, (_, i) => Math.max(1, Math.round((i + 1) * most / Math.min(most, count))))

describe("cut", () => {
  for (const direction of ["Client", "Server"] as const) {
    it.live(
      `at every byte of calls to the ${direction.toLowerCase()}, and at many before them: every call settles, and the client connects again`,
      () =>
        Effect.gen(function*() {
          const { gate } = yield* gated
          const sent = (): number => direction === "Client" ? gate.sentToClient : gate.sentToServer
          const { beginning, whole } = yield* Effect.scoped(Effect.gen(function*() {
            const kv = yield* KvClient.make(options(gate.port))
            const beginning = sent()
            yield* talk(kv, "measure")
            return { beginning, whole: sent() }
          }))
          const outcomes = new Map<string, number>()
          const count = (name: string): void => void outcomes.set(name, (outcomes.get(name) ?? 0) + 1)
          const one = (at: number) =>
            Effect.scoped(Effect.gen(function*() {
              gate[`cutTo${direction}After`] = at
              const begun = performance.now()
              const made = yield* Effect.exit(KvClient.make(options(gate.port, patient)))
              assert.isBelow(performance.now() - begun, settled)
              if (Exit.isFailure(made)) return count(`no client: ${failure(made)!.reason._tag}`)
              const kv = made.value
              const key = `k${direction}${at}`
              const exits = yield* talk(kv, key)
              for (const exit of exits) count(failure(exit)?.reason._tag ?? "done")
              // done means done, in doubt means either, and otherwise nothing happened
              const error = failure(exits[0]!)
              const after = yield* kv.get(key)
              if (error === undefined) assert.isTrue(Option.isSome(after), `byte ${at}`)
              else if (!error.ambiguous) assert.isTrue(Option.isNone(after), `byte ${at}: ${error.message}`)
              // and the client goes on, over a new connection
              yield* kv.upsert(key, 2)
            }))
          // every byte of the conversation, in the whole run, and of what comes before it (maps, mostly) as many as take a few seconds
          const before = spread(beginning, Number(process.env["WIREWRIGHT_CUTS"] ?? tried(5, 60)))
          const all = Array.from({ length: whole - beginning }, (_, i) => beginning + 1 + i)
          const within = someOf(all, 4)
          yield* Effect.forEach([...before, ...within], one, { discard: true })
          const shown = [...outcomes].map((outcome) => outcome.join(" ")).join(", ")
          console.log(
            `cut to the ${direction.toLowerCase()}: ${before.length} of ${beginning} bytes before, ${within.length} within; ${shown}`
          )
          assert.isAbove(all.length, 150)
          assert.isAbove(outcomes.get("done") ?? 0, 2 * within.length)
          assert.isAbove(outcomes.get("ConnectionLost") ?? 0, within.length / 4)
        })
    )
  }
})

describe("silence", () => {
  it.live("from the first byte, or in the middle of the bootstrap, ends the making of a client in time", () =>
    Effect.gen(function*() {
      const { gate } = yield* gated
      gate.toServer = "swallow"
      const { exit, took } = yield* timed(Effect.scoped(KvClient.make(options(gate.port))))
      assert.include(["NotReady", "RequestTimeout", "ConnectTimeout"], failure(exit)?.reason._tag)
      assert.isAbove(took, 900)
      assert.isBelow(took, settled)
      assert.notInclude(`${failure(exit)!.message}${JSON.stringify(failure(exit))}`, password)
    }))

  it.live("under way makes calls time out, writes in doubt; when the peer speaks again, nothing is mixed up", () =>
    Effect.gen(function*() {
      const { gate } = yield* gated
      const kv = yield* KvClient.make(options(gate.port, patient))
      yield* Effect.forEach(Array.from({ length: 20 }), (_, i) => kv.upsert(`k${i}`, i), { discard: true })
      const timeout = 800
      gate.toClient = "swallow"
      const { exit: all, took } = yield* timed(Effect.forEach(
        Array.from({ length: 100 }),
        (_, i) =>
          Effect.exit<unknown, KvError, never>(i % 2 === 0 ? kv.get(`k${i % 20}`, { timeout }) : kv.upsert(`k${i % 20}`, i, { timeout })),
        { concurrency: "unbounded" }
      ))
      assert.isBelow(took, settled)
      for (const [i, exit] of Exit.isSuccess(all) ? all.value.entries() : []) {
        const error = failure(exit)
        assert.deepStrictEqual([error?.reason._tag, error?.ambiguous], ["RequestTimeout", i % 2 === 1])
      }
      // the connection has lost answers for ever, so its end is the honest thing
      gate.toClient = "pass"
      gate.cut()
      yield* Effect.sleep(100)
      yield* Effect.forEach(Array.from({ length: 20 }), (_, i) =>
        Effect.gen(function*() {
          yield* kv.upsert(`again${i}`, i)
          assert.strictEqual(yield* textAt(kv, `again${i}`), String(i))
        }), { concurrency: "unbounded", discard: true })
    }))

  it.live("of the kernel: requests that cannot leave are not in doubt, and time out", () =>
    Effect.gen(function*() {
      const { gate } = yield* gated
      const kv = yield* KvClient.make(options(gate.port, { ...patient, maxInFlight: 10_000 }))
      yield* kv.upsert("before", 1)
      gate.toServer = "hold"
      const large = new Uint8Array(1024 * 1024)
      const { exit, took } = yield* timed(Effect.forEach(
        Array.from({ length: 40 }),
        (_, i) => Effect.exit(kv.upsert(`large${i}`, large, { timeout: 800 })),
        { concurrency: "unbounded" }
      ))
      assert.isBelow(took, settled)
      const errors = Exit.isSuccess(exit) ? exit.value.map((one) => failure(one)) : []
      assert.strictEqual(errors.length, 40)
      assert.isTrue(errors.every((error) => error?.reason._tag === "RequestTimeout"))
      assert.isAbove(errors.filter((error) => error?.ambiguous === false).length, 10)
      assert.isAbove(errors.filter((error) => error?.ambiguous === true).length, 0)
      gate.toServer = "pass"
      gate.cut()
      assert.strictEqual(yield* textAt(kv, "before"), String(1))
    }))
})

describe("under load", () => {
  it.live("resets end what is in flight typed, writes in doubt, and everything goes on", () =>
    Effect.gen(function*() {
      const { gate, node } = yield* gated
      const kv = yield* KvClient.make(options(gate.port, patient))
      const errors: Array<KvError> = []
      let done = 0
      let stopped = false
      const loading = yield* Effect.forkChild(Effect.forEach(Array.from({ length: 100 }), (_, i) =>
        Effect.gen(function*() {
          while (!stopped) {
            const exit = yield* Effect.exit<unknown, KvError, never>(i % 2 === 0 ? kv.upsert(`k${i}`, i) : kv.get(`k${i - 1}`))
            const error = failure(exit)
            if (error === undefined) done++
            else {
              errors.push(error)
              // reads are repeated on a new connection; only writes, which may have happened, are told to the caller
              assert.strictEqual(error.ambiguous, error.operation === "Set")
            }
          }
        }), { concurrency: "unbounded", discard: true }))
      // connections that do not last are opened again later each time
      for (let i = 0; i < 10; i++) {
        const before = done
        while (done < before + 50) yield* Effect.sleep(5)
        gate.cut()
      }
      const before = done
      while (done < before + 200) yield* Effect.sleep(5)
      stopped = true
      yield* Fiber.join(loading)
      assert.isAbove(errors.length, 10)
      assert.isTrue(
        errors.every(({ reason }) => reason._tag === "ConnectionLost" || reason._tag === "ConnectionClosed"),
        errors[0]?.message
      )
      assert.isAtLeast(gate.accepted, 10)
      assert.strictEqual(yield* textAt(kv, "k0"), String(0))
      assert.isBelow(node.server.counters.connections, 3)
    }))

  it.live("a node that is gone is found again when it is back", () =>
    Effect.gen(function*() {
      let port = 0
      const running = Effect.scoped(Effect.gen(function*() {
        const node = yield* serveCouchbase({ users, buckets: [{ name: "default", vbuckets: 4 }] })
        port = node.port
        return yield* Effect.never
      }))
      const gate = yield* Effect.acquireRelease(Effect.promise(() => Gate.open(() => port)), (gate) => Effect.promise(() => gate.close()))
      const first = yield* Effect.forkChild(running)
      yield* Effect.sleep(100)
      const kv = yield* KvClient.make(options(gate.port, patient))
      yield* kv.upsert("a", 1)
      yield* Fiber.interrupt(first)
      const { exit, took } = yield* timed(kv.upsert("b", 1, { timeout: "500 millis" }))
      assert.isDefined(failure(exit))
      assert.isBelow(took, settled)
      yield* Effect.forkChild(running)
      yield* Effect.sleep(100)
      yield* kv.upsert("c", 2)
      assert.strictEqual(yield* textAt(kv, "c"), "2")
    }))
})

describe("TLS", () => {
  const fixture = (name: string): string => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), "utf8")
  const [cert, key] = [fixture("localhost.crt"), fixture("localhost.key")]

  it.live("carries everything, PLAIN included, and the certificate is checked", () =>
    Effect.gen(function*() {
      const node = yield* serveCouchbase({ users, buckets: [{ name: "default", vbuckets: 4 }], tls: { cert, key } })
      assert.match(node.connectionString, /^couchbases:/)
      const kv = yield* KvClient.make(options(node.port, { tls: { ca: cert } }))
      yield* kv.upsert("a", { b: new Array(1000).fill("x") })
      assert.isTrue(Option.isSome(yield* kv.get("a")))
      const unknown = yield* Effect.flip(Effect.scoped(KvClient.make(options(node.port, { tls: {} }))))
      assert.strictEqual(unknown.reason._tag, "CertificateRefused")
    }))

  it.live("with a certificate of the client lets in who has one", () =>
    Effect.gen(function*() {
      const tls = { cert, key, ca: cert, requestCert: true, rejectUnauthorized: true }
      const node = yield* serveCouchbase({ users, buckets: [{ name: "default", vbuckets: 4 }], tls })
      const kv = yield* KvClient.make(options(node.port, { tls: { ca: cert, cert, key } }))
      yield* kv.upsert("a", 1)
      const refused = yield* Effect.flip(Effect.scoped(KvClient.make(options(node.port, { tls: { ca: cert } }))))
      assert.strictEqual(refused.reason._tag, "CertificateRefused")
    }))
})

describe("connections that come and go", () => {
  const cycles = Number(process.env["WIREWRIGHT_CYCLES"] ?? tried(120, 300))

  it.live(`${cycles} times leave memory flat, and neither sockets nor timers`, () =>
    Effect.gen(function*() {
      const { node } = yield* gated
      const cycle = Effect.scoped(Effect.flatMap(
        KvClient.make({ seeds: [{ host: "127.0.0.1", port: node.port }], credentials, bucket: "default" }),
        (kv) => kv.get("nothing")
      ))
      const repeat = (count: number) =>
        Effect.forEach(Array.from({ length: 10 }), () => Effect.repeat(cycle, { times: Math.ceil(count / 10) - 1 }), {
          concurrency: "unbounded",
          discard: true
        })
      const kinds = () => process.getActiveResourcesInfo().filter((kind) => /TCP|TLS|Timeout/.test(kind)).length
      yield* repeat(cycles / 3)
      yield* Effect.sleep(50)
      globalThis.gc?.()
      const [resources, rss] = [kinds(), process.memoryUsage().rss]
      yield* repeat(cycles)
      yield* Effect.sleep(200)
      globalThis.gc?.()
      const grown = (process.memoryUsage().rss - rss) / 1024 / 1024
      console.log(`${cycles} connections: ${grown.toFixed(1)} MiB more`)
      assert.isBelow(grown, 60)
      assert.isAtMost(kinds(), resources + 1)
      assert.strictEqual(node.server.counters.connections, 0)
    }), 240_000)
})
