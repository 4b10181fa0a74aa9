/** The example's Redis client against Debian's redis-server: pipelines, pushes, errors, and a server that goes and comes back. */
import { ConnectionError } from "@wirewright/connection"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { spawnSync } from "node:child_process"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as Redis from "../../../packages/examples/src/clients/Redis.ts"
import { cutAfter } from "../../runtime/Cut.ts"
import { startRedis, startRedisAt } from "../gallery/Resp.ts"
import type { Server } from "../gallery/Recording.ts"

// one that hangs is told before it costs the time of the others
vi.setConfig({ testTimeout: 60_000 })

const there = spawnSync("redis-server", ["--version"]).status === 0
const text = (value: unknown): string => new TextDecoder().decode(value as Uint8Array)

describe.skipIf(!there)("Redis", () => {
  let server: Server
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  const run = <A, E>(use: (redis: Redis.Redis) => Effect.Effect<A, E, Scope.Scope>, options: Partial<Redis.RedisOptions> = {}) =>
    Effect.runPromise(Effect.scoped(Effect.flatMap(Redis.make({ host: "127.0.0.1", port: server.port, ...options }), use)))

  it("10 000 commands in flight, each with its own answer", () =>
    run((redis) =>
      Effect.gen(function*() {
        const keys = Array.from({ length: 10_000 }, (_, i) => `key ${i}`)
        expect(new Set(yield* redis.pipeline(keys.map((key) => ["SET", key, `of ${key}`])))).toEqual(new Set(["OK"]))
        const values = yield* redis.pipeline(keys.map((key) => ["GET", key]))
        expect(values.map(text)).toEqual(keys.map((key) => `of ${key}`))
      })
    ))

  it("values of every type, and errors within and without", () =>
    run((redis) =>
      Effect.gen(function*() {
        yield* redis.command(["DEL", "h", "s", "z", "n"])
        yield* redis.command(["HSET", "h", "field", "value"])
        const map = (yield* redis.command(["HGETALL", "h"])) as ReadonlyMap<Uint8Array, Uint8Array>
        expect([...map].map(([key, value]) => [text(key), text(value)])).toEqual([["field", "value"]])
        expect(yield* redis.command(["INCRBY", "n", "9007199254740993"])).toBe(9_007_199_254_740_993n)
        expect(yield* redis.command(["GET", "nothing"])).toBeNull()
        expect(yield* redis.command(["ZADD", "z", "1.5", "m"])).toBe(1n)
        expect(yield* redis.command(["ZSCORE", "z", "m"])).toBe(1.5)
        expect(yield* redis.command(["DEBUG", "PROTOCOL", "bignum"])).toBe(1_234_567_999_999_999_999_999_999_999_999_999_999n)
        expect(yield* redis.command(["DEBUG", "PROTOCOL", "true"])).toBe(true)
        const wrong = yield* Effect.flip(redis.command(["INCR", "h"]))
        expect(wrong).toMatchObject({ _tag: "RedisError", code: "WRONGTYPE" })
        yield* redis.command(["MULTI"])
        yield* redis.pipeline([["SET", "s", "1"], ["INCR", "h"]])
        const [ok, failed] = (yield* redis.command(["EXEC"])) as ReadonlyArray<unknown>
        expect(ok).toBe("OK")
        expect(failed).toMatchObject({ _tag: "RedisError", code: "WRONGTYPE" })
      })
    ))

  it("says who it is, and fails to begin with a wrong password", async () => {
    const password = (secret: string) => ({ user: "app", password: Redacted.make(secret), reconnect: { maxAttempts: 0 } })
    await run((redis) =>
      Effect.gen(function*() {
        expect(text(yield* redis.command(["ACL", "WHOAMI"]))).toBe("app")
      }), password("secret"))
    const wrong = run((redis) => redis.command(["PING"]), password("wrong"))
    await expect(wrong).rejects.toMatchObject({ code: "WRONGPASS" })
  })

  it("messages of channels beside the answers", () =>
    run((redis) =>
      Effect.gen(function*() {
        const one = yield* Effect.forkScoped(Stream.runCollect(Stream.take(redis.subscribe("one"), 1_000)), { startImmediately: true })
        const two = yield* Effect.forkScoped(Stream.runCollect(Stream.take(redis.subscribe("two"), 1)), { startImmediately: true })
        const channels = Effect.map(redis.command(["PUBSUB", "CHANNELS"]), (all) => (all as ReadonlyArray<unknown>).length)
        while ((yield* channels) < 2) yield* Effect.sleep("5 millis")
        const published = Array.from({ length: 1_000 }, (_, i) => ["PUBLISH", "one", String(i)])
        expect(new Set(yield* redis.pipeline(published))).toEqual(new Set([1n]))
        yield* redis.command(["PUBLISH", "two", "x"])
        expect((yield* Fiber.join(one)).map(text)).toEqual(published.map(([, , message]) => message))
        expect((yield* Fiber.join(two)).map(text)).toEqual(["x"])
        while ((yield* channels) > 0) yield* Effect.sleep("5 millis")
      })
    ))

  it("cut at every byte: each command has its answer or a typed error", async () => {
    const commands = [["SET", "cut", "value"], ["GET", "cut"], ["INCR", "cut"], ["LRANGE", "none", "0", "1"]]
    const converse = (dial: ReturnType<typeof cutAfter>) =>
      Effect.runPromise(
        Effect.scoped(Effect.gen(function*() {
          const redis = yield* Redis.make({ host: "127.0.0.1", port: server.port, dial, whenDisconnected: "fail" })
          return yield* Effect.forEach(commands, (words) => Effect.result(redis.command(words)), { concurrency: "unbounded" })
        })).pipe(Effect.result)
      )
    const counts = { received: 0 }
    const whole = await converse(cutAfter(Infinity, counts))
    const right = Result.getOrThrow(whole)
    expect(counts.received).toBeGreaterThan(100)
    for (let size = 1; size < counts.received; size++) {
      const got = await converse(cutAfter(size))
      if (Result.isFailure(got)) {
        expect(got.failure, `cut at ${size}`).toBeInstanceOf(ConnectionError)
        continue
      }
      for (const [i, one] of got.success.entries()) {
        if (Result.isFailure(one) && one.failure instanceof ConnectionError) continue
        expect(one, `cut at ${size}`).toEqual(right[i])
      }
    }
  })

  it("a server that is killed and comes back: commands wait for it, what was on its way fails, subscriptions go on", async () => {
    const own = await startRedis()
    let again: Server | undefined
    try {
      await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
        const redis = yield* Redis.make({ host: "127.0.0.1", port: own.port, reconnect: { initialDelay: "20 millis" } })
        const messages: Array<string> = []
        yield* Effect.forkScoped(Stream.runForEach(redis.subscribe("news"), (one) => Effect.sync(() => messages.push(text(one)))), {
          startImmediately: true
        })
        const blocked = yield* Effect.forkScoped(Effect.flip(redis.command(["BLPOP", "never", "0"], { timeout: "1 minute" })), {
          startImmediately: true
        })
        yield* redis.command(["PING"], { timeout: "50 millis" }).pipe(Effect.ignore)
        yield* Effect.promise(() => own.stop())
        const lost = yield* Fiber.join(blocked)
        expect(lost).toBeInstanceOf(ConnectionError)
        expect(lost).toMatchObject({ ambiguous: true })
        const waits = yield* Effect.forkScoped(redis.command(["SET", "after", "x"], { timeout: "20 seconds" }), { startImmediately: true })
        again = yield* Effect.promise(() => startRedisAt(own.port))
        expect(yield* Fiber.join(waits)).toBe("OK")
        while ((yield* redis.command(["PUBLISH", "news", "back"])) === 0n) yield* Effect.sleep("10 millis")
        while (messages.length === 0) yield* Effect.sleep("5 millis")
        expect(messages).toEqual(["back"])
        expect((yield* redis.counters).reconnects).toBe(1)
      })))
    } finally {
      await own.stop()
      await again?.stop()
    }
  })
})
