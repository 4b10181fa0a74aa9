/** npm's memcache (text protocol) does everything it offers and prints what it got, as one object of JSON. */
import { createRequire } from "node:module"

const { Memcache } = createRequire(import.meta.url)("memcache")
const client = new Memcache({ nodes: [`127.0.0.1:${process.argv[2]}`], timeout: 5000 })
const get = async (key) => await client.get(key) ?? null
const got = {}
got.set = await client.set("p:k", "v1")
got.get = await get("p:k")
got.getMissing = await get("p:missing")
got.addExisting = await client.add("p:k", "x")
await client.delete("p:new")
got.add = await client.add("p:new", "x")
got.replaceMissing = await client.replace("p:missing", "x")
got.replace = await client.replace("p:k", "v2")
got.getReplaced = await get("p:k")
got.append = await client.append("p:k", ">")
got.prepend = await client.prepend("p:k", "<")
got.getJoined = await get("p:k")
got.delete = await client.delete("p:k")
got.deleteMissing = await client.delete("p:k")
await client.set("p:n", "10")
got.incr = await client.incr("p:n", 5)
got.decr = await client.decr("p:n", 3)
got.decrToZero = await client.decr("p:n", 100)
got.incrMissing = await client.incr("p:none", 1) ?? null
await Promise.all([client.set("p:m1", "1"), client.set("p:m2", "2")])
got.multi = Object.fromEntries(await client.gets(["p:m1", "p:missing", "p:m2"]))
const large = Array.from({ length: 50_000 }, (_, i) => `${i * 7919} `).join("")
await client.set("p:large", large)
got.large = await get("p:large") === large
await client.set("p:t", "v", 100)
got.touch = await client.touch("p:t", 1)
// it takes no time in the past
await new Promise((resolve) => setTimeout(resolve, 2200))
got.touched = await get("p:t")
const [stats] = [...(await client.stats()).values()]
got.stats = "curr_items" in stats
got.version = [...(await client.version()).values()][0]
got.flush = await client.flush().catch(String)
got.flushed = await get("p:m2")
await client.quit()
console.log(JSON.stringify(got))
