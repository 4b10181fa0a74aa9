/** What `ioredis` does: pipelines, transactions, scripts, binary values, blocking commands, MONITOR and subscriptions. */
import { createRequire } from "node:module"

const { Redis } = createRequire(import.meta.url)("ioredis")

const open = (port, more = {}) => new Redis({ port, host: "127.0.0.1", enableReadyCheck: false, retryStrategy: () => null, ...more })
const refused = (promise) => promise.then(() => {}, () => {})
const soon = () => new Promise((resolve) => setTimeout(resolve, 100))

const one = (use, more) => async (port) => {
  const client = open(port, more)
  client.on("error", () => {})
  await use(client)
  await client.quit()
}

export const sessions = {
  pipeline: one((client) =>
    client.pipeline().set("foo", "bar").get("foo").incr("foo").lrange("none", 0, -1).hset("h", "f", "v").hgetall("h").exec()
  ),
  transaction: one((client) => client.multi().set("foo", "1").incr("foo").get("foo").exec()),
  "discarded transaction": one(async (client) => {
    await client.multi({ pipeline: false })
    await client.set("foo", "2")
    await client.discard()
    await refused(client.exec())
  }),
  script: one(async (client) => {
    client.defineCommand("echo2", { numberOfKeys: 2, lua: "return {KEYS[1],KEYS[2],ARGV[1],ARGV[2]}" })
    await client.echo2("k1", "k2", "a1", "a2")
    await client.echo2("k1", "k2", "b1", "b2")
  }),
  binary: one(async (client) => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    await client.set(bytes, Buffer.concat(Array.from({ length: 32 }, () => bytes)))
    await client.getBuffer(bytes)
    await client.del(bytes)
  }),
  blocking: one(async (client) => {
    await client.rpush("queue", "job")
    await client.blpop("queue", 1)
    await client.bzpopmin("nothing", 0.05)
    await client.blpop("nothing", 0.05)
    await client.wait(0, 10)
  }),
  stream: one(async (client) => {
    await client.xadd("s", "5-5", "a", "1", "b", "2")
    await client.xread("COUNT", 10, "STREAMS", "s", 0)
    await client.xread("COUNT", 10, "STREAMS", "s", "$")
    await client.sort("none", "BY", "weight_*", "GET", "#")
  }),
  monitor: async (port) => {
    const client = open(port)
    const monitor = await client.monitor()
    let heard = 0
    monitor.on("monitor", () => heard++)
    await client.set("watched", "a \"quoted\" value\r\n")
    await client.get("watched")
    for (let i = 0; heard < 2 && i < 50; i++) await soon()
    monitor.disconnect()
    await client.quit()
  },
  subscribe: async (port) => {
    const subscriber = open(port)
    const publisher = open(port)
    await subscriber.subscribe("one", "two")
    await subscriber.psubscribe("t*")
    await publisher.publish("one", "1")
    await publisher.publish("two", Buffer.from([0, 13, 10, 255]))
    await soon()
    await subscriber.unsubscribe("one", "two")
    await subscriber.punsubscribe("t*")
    await subscriber.quit()
    await publisher.quit()
  }
}
