/** npm's memcached (text protocol) does everything it offers and prints what it got, as one object of JSON. */
import { createRequire } from "node:module"

const Memcached = createRequire(import.meta.url)("memcached")
const client = new Memcached(`127.0.0.1:${process.argv[2]}`, { retries: 0, timeout: 5000 })
const call = (method, ...given) =>
  new Promise((resolve, reject) => client[method](...given, (error, value) => error ? reject(error) : resolve(value)))
/** What was not stored is an error to it. */
const stored = (method, ...given) =>
  call(method, ...given).catch((error) => {
    if (/not stored|NOT_STORED|EXISTS|exists/.test(String(error.message ?? error))) return false
    throw error
  })
const get = async (key) => await call("get", key) ?? null
const got = {}
got.set = await stored("set", "p:k", "v1", 0)
got.get = await get("p:k")
got.getMissing = await get("p:missing")
got.addExisting = await stored("add", "p:k", "x", 0)
await call("del", "p:new")
got.add = await stored("add", "p:new", "x", 0)
got.replaceMissing = await stored("replace", "p:missing", "x", 0)
got.replace = await stored("replace", "p:k", "v2", 0)
got.getReplaced = await get("p:k")
got.append = await stored("append", "p:k", ">")
got.prepend = await stored("prepend", "p:k", "<")
got.getJoined = await get("p:k")
got.delete = await call("del", "p:k")
got.deleteMissing = await call("del", "p:k")
await call("set", "p:n", "10", 0)
got.incr = await call("incr", "p:n", 5)
got.decr = await call("decr", "p:n", 3)
got.decrToZero = await call("decr", "p:n", 100)
got.incrMissing = (await call("incr", "p:none", 1)) || null
await Promise.all([call("set", "p:m1", "1", 0), call("set", "p:m2", "2", 0)])
got.multi = await call("getMulti", ["p:m1", "p:missing", "p:m2"])
const large = Array.from({ length: 50_000 }, (_, i) => `${i * 7919} `).join("")
await call("set", "p:large", large, 0)
got.large = await get("p:large") === large
const { cas } = await call("gets", "p:m1")
got.cas = await stored("cas", "p:m1", "changed", cas, 0)
got.casAgain = await stored("cas", "p:m1", "again", cas, 0)
await call("set", "p:t", "v", 100)
got.touch = await call("touch", "p:t", 1_000_000_000)
got.touched = await get("p:t")
const [stats] = await call("stats")
got.stats = "curr_items" in stats
// its `version` throws where that does not end with numbers, as a bucket's
got.version = stats.version
got.flush = await call("flush").then((all) => all.every(Boolean), String)
got.flushed = await get("p:m2")
client.end()
console.log(JSON.stringify(got))
