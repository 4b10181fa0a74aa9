/** What npm's `redis` does over RESP2 and RESP3: every type of reply that its commands bring. */
import { createRequire } from "node:module"

const { createClient } = createRequire(import.meta.url)("redis")

const open = async (port, RESP, more = {}) => {
  const client = createClient({ RESP, socket: { port, host: "127.0.0.1", reconnectStrategy: false }, ...more })
  client.on("error", () => {})
  await client.connect()
  return client
}

const refused = (promise) => promise.then(() => {}, () => {})

const strings = async (client) => {
  await client.ping()
  await client.set("text", "plain")
  await client.set("utf8", "grüße ✓")
  await client.set("empty", "")
  await client.set("crlf", "a\r\nb\r\n")
  await client.set("large", "0123456789abcdef".repeat(512))
  await client.get("text")
  await client.get("utf8")
  await client.get("empty")
  await client.get("crlf")
  await client.get("large")
  await client.get("missing")
  await client.set("text", "other", { GET: true, EX: 100 })
  await client.set("text", "never", { NX: true })
  await client.mSet({ a: "1", b: "2" })
  await client.mGet(["a", "missing", "b"])
  await client.append("text", "+")
  await client.strLen("text")
  await client.getRange("text", 0, 2)
  await client.incr("count")
  await client.incrBy("count", 9_007_199_254_740_991)
  await client.decrBy("count", 9_007_199_254_740_991)
  await client.decrBy("count", 2)
  await client.incrByFloat("float", 3.25)
  await client.expire("a", 100)
  await client.ttl("a")
  await client.type("a")
  await client.exists(["a", "b", "missing"])
  await client.getDel("a")
  await client.setBit("bits", 7, 1)
  await client.del(["b", "missing"])
}

const collections = async (client) => {
  await client.flushAll()
  await client.hSet("hash", { one: "1", two: "zwei", "with space": "drei" })
  await client.hGetAll("hash")
  await client.hGetAll("missing")
  await client.hGet("hash", "one")
  await client.hGet("hash", "none")
  await client.hmGet("hash", ["one", "none"])
  await client.hKeys("hash")
  await client.hIncrByFloat("hash", "one", 0.5)
  await client.rPush("list", ["x", "y", "z"])
  await client.lRange("list", 0, -1)
  await client.lRange("missing", 0, -1)
  await client.lPop("list")
  await client.lPopCount("missing", 2)
  await client.sAdd("set", ["red", "green", "blue"])
  await client.sMembers("set")
  await client.sIsMember("set", "red")
  await client.smIsMember("set", ["red", "pink"])
  await client.sRandMember("set")
  await client.zAdd("scores", [{ score: 1, value: "one" }, { score: 1.5, value: "half" }, { score: Infinity, value: "most" }, {
    score: -Infinity,
    value: "least"
  }])
  await client.zScore("scores", "half")
  await client.zScore("scores", "most")
  await client.zScore("scores", "least")
  await client.zScore("scores", "missing")
  await client.zRangeWithScores("scores", 0, -1)
  await client.zPopMin("scores")
  await client.zIncrBy("scores", 2.25, "one")
  await client.geoAdd("places", { longitude: 13.361389, latitude: 38.115556, member: "Palermo" })
  await client.geoPos("places", ["Palermo", "missing"])
  await client.geoDist("places", "Palermo", "Palermo", "km")
  await client.xAdd("stream", "1-1", { field: "value", other: "thing" })
  await client.xAdd("stream", "2-1", { field: "more" })
  await client.xRange("stream", "-", "+")
  await client.xRead({ key: "stream", id: "0" }, { COUNT: 1 })
  await client.xGroupCreate("stream", "group", "0")
  await client.xReadGroup("group", "consumer", { key: "stream", id: ">" })
  await client.xPending("stream", "group")
  await client.xInfoStream("stream")
  await client.scan("0", { COUNT: 100 })
  await client.pfAdd("log", ["a", "b"])
  await client.pfCount("log")
}

const server = async (client) => {
  await client.clientId()
  await client.clientSetName("gallery")
  await client.clientGetName()
  await client.configGet("maxmemory*")
  await client.commandInfo(["get", "no-such-command"])
  await client.commandGetKeysAndFlags(["SET", "key", "value"])
  await client.memoryUsage("text")
  await client.memoryUsage("missing")
  await client.dbSize()
  await client.time()
  await client.objectEncoding("text")
  await client.sendCommand(["COMMAND", "DOCS", "get"])
  await client.sendCommand(["ACL", "WHOAMI"])
  await client.sendCommand(["ACL", "GETUSER", "default"])
  await client.sendCommand(["LATENCY", "DOCTOR"])
  await client.sendCommand(["INFO", "commandstats"])
  await client.sendCommand(["FUNCTION", "STATS"])
  await client.sendCommand(["MODULE", "LIST"])
  await client.eval("return {1, 'two', {3, {false, 4}}, redis.status_reply('FINE')}")
  await client.eval("return nil")
  await client.eval("return redis.call('mget', KEYS[1], 'missing')", { keys: ["text"], arguments: ["argument"] })
}

const errors = async (client) => {
  await client.set("text", "no number")
  await client.xAdd("stream", "*", { field: "value" })
  await refused(client.xGroupCreate("stream", "group", "0"))
  await refused(client.sendCommand(["NO-SUCH-COMMAND", "argument"]))
  await refused(client.sendCommand(["GET"]))
  await refused(client.lPush("text", "x"))
  await refused(client.incr("text"))
  await refused(client.eval("return redis.error_reply('MINE my own error')"))
  await refused(client.eval("no lua"))
  await refused(client.evalSha("0".repeat(40)))
  await refused(client.xGroupCreate("stream", "group", "0"))
}

const transactions = async (client) => {
  await client.multi().set("t", "1").incr("t").get("t").hGetAll("hash").exec()
  await client.watch("t")
  await client.set("t", "changed")
  await refused(client.multi().get("t").exec())
  await refused(client.multi().lPush("t", "x").get("t").exec())
  await refused(client.multi().addCommand(["GET"]).get("t").exec())
  await client.multi().get("t").execAsPipeline()
}

const pipelined = async (client) => {
  await Promise.all(Array.from({ length: 80 }, (_, i) => client.set(`p:${i}`, `value ${i} ${"x".repeat(i)}`)))
  await Promise.all(Array.from({ length: 80 }, (_, i) => client.get(`p:${i}`)))
}

const subscribes = (RESP) => async (port) => {
  const subscriber = await open(port, RESP)
  const publisher = await open(port, RESP)
  let heard = 0
  const listener = () => heard++
  await subscriber.subscribe(["news", "weather"], listener)
  await subscriber.pSubscribe("n*", listener)
  await subscriber.sSubscribe("shard", listener)
  await publisher.publish("news", "hello")
  await publisher.publish("nobody", "pattern only")
  await publisher.sPublish("shard", "sharded")
  for (let i = 0; heard < 4 && i < 100; i++) await new Promise((resolve) => setTimeout(resolve, 10))
  await subscriber.ping()
  await subscriber.unsubscribe("news")
  await subscriber.unsubscribe()
  await subscriber.pUnsubscribe("n*")
  await subscriber.sUnsubscribe()
  await subscriber.close()
  await publisher.close()
}

const one = (RESP, use, more) => async (port) => {
  const client = await open(port, RESP, more)
  await use(client)
  await client.close()
}

const both = { strings, collections, server, errors, transactions, pipelined }

const invalidated = async (client) => {
  await client.set("tracked", "1")
  await client.sendCommand(["CLIENT", "TRACKING", "ON"])
  await client.get("tracked")
  await client.set("tracked", "2")
  await client.get("tracked")
  await client.sendCommand(["FLUSHDB"])
  await client.ping()
}

export const sessions = {
  ...Object.fromEntries([2, 3].flatMap((version) => [
    ...Object.entries(both).map(([name, use]) => [`RESP${version} ${name}`, one(version, use)]),
    [`RESP${version} subscribe`, subscribes(version)]
  ])),
  "RESP2 user and password": one(2, (client) => client.ping(), { username: "app", password: "secret" }),
  "RESP3 user and password": one(3, (client) => client.ping(), { username: "app", password: "secret", name: "gallery", database: 1 }),
  "RESP3 client tracking": one(3, invalidated, {}),
  "RESP2 wrong password": (port) => refused(open(port, 2, { username: "app", password: "wrong" })),
  "RESP3 wrong password": (port) => refused(open(port, 3, { username: "app", password: "wrong" }))
}
