/** What npm's `memcached` does over the text protocol. */
import { createRequire } from "node:module"

const Memcached = createRequire(import.meta.url)("memcached")

const one = (use) => async (port) => {
  const client = new Memcached(`127.0.0.1:${port}`, { retries: 0, timeout: 5_000, poolSize: 1 })
  const call = (name, ...args) => new Promise((resolve) => client[name](...args, (error, data) => resolve(error ?? data)))
  await use(call)
  client.end()
}

export const sessions = {
  "every command": one(async (call) => {
    await call("set", "k", "value", 0)
    await call("set", "number", 42, 100)
    await call("set", "json", { a: [1, null] }, 100)
    await call("set", "bytes", Buffer.from([0, 13, 10, 255]), 100)
    for (const key of ["k", "number", "json", "bytes", "missing"]) await call("get", key)
    await call("getMulti", ["k", "missing", "number"])
    const { cas } = await call("gets", "k")
    await call("cas", "k", "swapped", cas, 0)
    await call("cas", "k", "too late", cas, 0)
    await call("add", "k", "x", 0)
    await call("add", "fresh", "x", 0)
    await call("replace", "none", "x", 0)
    await call("replace", "fresh", "y", 0)
    await call("append", "k", ">")
    await call("prepend", "k", "<")
    await call("incr", "number", 8)
    await call("decr", "number", 100)
    await call("incr", "k", 1)
    await call("incr", "none", 1)
    await call("touch", "k", 100)
    await call("touch", "none", 100)
    await call("del", "k")
    await call("del", "k")
    await call("flush")
  }),
  "what the server tells of itself": one(async (call) => {
    await call("set", "k", "value", 0)
    await call("version")
    await call("stats")
    await call("settings")
    await call("slabs")
    await call("items")
    await call("cachedump", `127.0.0.1`, 1, 10)
  }),
  "large value": one(async (call) => {
    await call("set", "large", "0123456789".repeat(800), 0)
    await call("get", "large")
  })
}
