/** npm's memcache-client (text protocol) does everything it offers and prints what it got, as one object of JSON. */
import { createRequire } from "node:module"

const { MemcacheClient } = createRequire(import.meta.url)("memcache-client")
const client = new MemcacheClient({ server: `127.0.0.1:${process.argv[2]}`, cmdTimeout: 5000 })
/** What the server says is a list of words; all but success is an error. */
const says = async (promise) => {
  try {
    const answer = await promise
    return Array.isArray(answer) ? answer.join(" ") : answer
  } catch (error) {
    return error.message
  }
}
const stored = async (promise) => {
  const answer = await says(promise)
  return answer === "STORED" ? true : answer === "NOT_STORED" || answer === "EXISTS" ? false : answer
}
const get = async (key) => (await client.get(key))?.value ?? null
const got = {}
got.set = await stored(client.set("p:k", "v1", { lifetime: 0 }))
got.get = await get("p:k")
got.getMissing = await get("p:missing")
got.addExisting = await stored(client.add("p:k", "x", { lifetime: 0 }))
await says(client.delete("p:new"))
got.add = await stored(client.add("p:new", "x", { lifetime: 0 }))
got.replaceMissing = await stored(client.replace("p:missing", "x", { lifetime: 0 }))
got.replace = await stored(client.replace("p:k", "v2", { lifetime: 0 }))
got.getReplaced = await get("p:k")
got.append = await stored(client.append("p:k", ">"))
got.prepend = await stored(client.prepend("p:k", "<"))
got.getJoined = await get("p:k")
got.delete = await says(client.delete("p:k")) === "DELETED"
got.deleteMissing = await says(client.delete("p:k")) !== "NOT_FOUND"
await client.set("p:n", "10", { lifetime: 0 })
got.incr = Number(await client.incr("p:n", 5))
got.decr = Number(await client.decr("p:n", 3))
got.decrToZero = Number(await client.decr("p:n", 100))
got.incrMissing = await says(client.incr("p:none", 1)) === "NOT_FOUND" ? null : "no miss"
await Promise.all([client.set("p:m1", "1", { lifetime: 0 }), client.set("p:m2", "2", { lifetime: 0 })])
const many = await client.get(["p:m1", "p:missing", "p:m2"])
got.multi = Object.fromEntries(Object.entries(many).map(([key, { value }]) => [key, value]))
const large = Array.from({ length: 50_000 }, (_, i) => `${i * 7919} `).join("")
await client.set("p:large", large, { lifetime: 0 })
got.large = await get("p:large") === large
const { casUniq } = await client.gets("p:m1")
got.cas = await stored(client.cas("p:m1", "changed", { casUniq, lifetime: 0 }))
got.casAgain = await stored(client.cas("p:m1", "again", { casUniq, lifetime: 0 }))
await client.set("p:t", "v", { lifetime: 100 })
got.touch = await says(client.touch("p:t", 1_000_000_000)) === "TOUCHED"
got.touched = await get("p:t")
got.stats = /curr_items/.test(JSON.stringify(await client.cmd("stats")))
got.version = (await client.version()).at(-1)
got.flush = await says(client.cmd("flush_all")) === "OK"
got.flushed = await get("p:m2")
client.shutdown()
console.log(JSON.stringify(got))
