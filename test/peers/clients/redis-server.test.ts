/** Redis' own command line, and npm's two clients, against the example's key-value server. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { execFile, spawnSync } from "node:child_process"
import { createRequire } from "node:module"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as Redis from "../../../packages/examples/src/servers/Redis.ts"

vi.setConfig({ testTimeout: 60_000 })

const here = createRequire(new URL("../package.json", import.meta.url))
const loads = (name: string): boolean => {
  try {
    here.resolve(name)
    return true
  } catch {
    return false
  }
}

describe("a key-value server of the spec", () => {
  const scope = Effect.runSync(Scope.make())
  let port = 0
  beforeAll(async () => {
    port = (await Effect.runPromise(Scope.provide(Redis.make(), scope))).port
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

  it.skipIf(spawnSync("redis-cli", ["--version"]).status !== 0)("redis-cli, by words and by lines, in RESP2 and RESP3", async () => {
    const cli = async (...words: ReadonlyArray<string>) =>
      (await promisify(execFile)("redis-cli", ["-p", String(port), ...words])).stdout.trim()
    expect(await cli("set", "k", "a value")).toBe("OK")
    expect(await cli("get", "k")).toBe("a value")
    expect(await cli("-3", "get", "k")).toBe("a value")
    expect(await cli("get", "none")).toBe("")
    expect(await cli("--no-raw", "get", "none")).toBe("(nil)")
    expect(await cli("--no-raw", "incr", "n")).toBe("(integer) 1")
    expect(await cli("--no-raw", "nonsense")).toBe("(error) ERR unknown command 'nonsense'")
  })

  it.skipIf(!loads("ioredis"))("ioredis, with 10 000 commands in flight", async () => {
    const IoRedis = here("ioredis")
    const redis = new IoRedis({ port, host: "127.0.0.1", retryStrategy: null })
    const numbers = Array.from({ length: 10_000 }, (_, i) => String(i))
    expect(new Set(await Promise.all(numbers.map((i) => redis.set(`key ${i}`, `of ${i}`))))).toEqual(new Set(["OK"]))
    expect(await Promise.all(numbers.map((i) => redis.get(`key ${i}`)))).toEqual(numbers.map((i) => `of ${i}`))
    expect(await redis.del("key 1", "key 2", "none")).toBe(2)
    await expect(redis.incr("key 3")).rejects.toThrow("not an integer")
    expect(await redis.quit()).toBe("OK")
  })

  it.skipIf(!loads("redis"))("npm's redis, in RESP3", async () => {
    const client = here("redis").createClient({ RESP: 3, socket: { port, host: "127.0.0.1", reconnectStrategy: false } })
    await client.connect()
    await client.set("crlf", "a\r\nb\r\n")
    expect(await client.get("crlf")).toBe("a\r\nb\r\n")
    expect(await client.get("missing")).toBeNull()
    expect(await client.exists(["crlf", "missing"])).toBe(1)
    client.destroy()
  })
})
