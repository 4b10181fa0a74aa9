/** memjs does everything it offers and prints what it got, as one object of JSON. */
import { randomBytes } from "node:crypto"
import { createRequire } from "node:module"

const memjs = createRequire(import.meta.url)("memjs")
const client = memjs.Client.create(`127.0.0.1:${process.argv[2]}`, { retries: 0, timeout: 5 })
const text = ({ value }) => value === null ? null : value.toString()
const got = {}
got.set = await client.set("p:k", "v1", { expires: 0 })
got.get = text(await client.get("p:k"))
got.getMissing = text(await client.get("p:missing"))
got.addExisting = await client.add("p:k", "x", { expires: 0 })
got.add = await client.add("p:new", "x", { expires: 0 })
got.replaceMissing = await client.replace("p:missing", "x", { expires: 0 })
got.replace = await client.replace("p:k", "v2", { expires: 0 })
got.getReplaced = text(await client.get("p:k"))
got.append = await client.append("p:k", ">")
got.prepend = await client.prepend("p:k", "<")
got.getJoined = text(await client.get("p:k"))
got.delete = await client.delete("p:k")
got.deleteMissing = await client.delete("p:k")
await client.set("p:n", "10", { expires: 0 })
got.incr = (await client.increment("p:n", 5, {})).value
got.decr = (await client.decrement("p:n", 3, {})).value
got.decrToZero = (await client.decrement("p:n", 100, {})).value
got.incrInitial = (await client.increment("p:fresh", 1, { initial: 7 })).value
// it has no multi-get of its own: pipelined gets
await Promise.all([client.set("p:m1", "1", { expires: 0 }), client.set("p:m2", "2", { expires: 0 })])
const keys = ["p:m1", "p:missing", "p:m2"]
const values = await Promise.all(keys.map(async (key) => [key, text(await client.get(key))]))
got.multi = Object.fromEntries(values.filter(([, value]) => value !== null))
const large = randomBytes(500_000)
await client.set("p:large", large, { expires: 0 })
got.large = large.equals((await client.get("p:large")).value)
await client.set("p:t", "v", { expires: 100 })
got.touch = await client.touch("p:t", 1)
await new Promise((resolve) => setTimeout(resolve, 2200))
got.touched = text(await client.get("p:t"))
const stats = await new Promise((resolve, reject) => client.stats((error, _, found) => error ? reject(error) : resolve(found)))
got.stats = "curr_items" in stats
got.version = stats.version
got.flush = Object.values(await client.flush()).every(Boolean)
got.flushed = text(await client.get("p:m2"))
client.close()
console.log(JSON.stringify(got))
