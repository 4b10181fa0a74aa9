/** What npm's `@nats-io/transport-node` does: publishing, subscribing, requests, headers, queue groups, verbose mode, JetStream's answers. */
import { createRequire } from "node:module"

const { connect, headers } = createRequire(import.meta.url)("@nats-io/transport-node")

const open = (port, more = {}) =>
  connect({ servers: `127.0.0.1:${port}`, reconnect: false, name: "gallery", noAsyncTraces: true, timeout: 5_000, ...more })
const refused = (promise) => promise.then((connection) => connection?.close?.(), () => {})

const one = (use, more) => async (port) => {
  const connection = await open(port, more)
  connection.closed().catch(() => {})
  await use(connection, port)
  await connection.close()
}

const some = () => {
  const fields = headers()
  fields.append("Plain", "value")
  fields.append("Twice", "one")
  fields.append("Twice", "two")
  fields.append("Empty", "")
  fields.append("Unicode", "ü ✓")
  return fields
}

export const sessions = {
  "publish and subscribe": one(async (connection) => {
    const subscription = connection.subscribe("a.*")
    const all = connection.subscribe("a.>", { max: 2 })
    await connection.flush()
    connection.publish("a.b", "hello")
    connection.publish("a.b")
    connection.publish("a.b", "with\r\nlines\r\n", { reply: "answers.here" })
    connection.publish("a.c.d", new Uint8Array([0, 13, 10, 255]))
    connection.publish("nobody", "listens")
    await connection.flush()
    subscription.unsubscribe(1)
    all.unsubscribe()
    await connection.flush()
    await subscription.drain()
  }),
  "headers": one(async (connection) => {
    connection.subscribe("h.>")
    await connection.flush()
    connection.publish("h.1", "payload", { headers: some() })
    connection.publish("h.2", "", { headers: some(), reply: "r" })
    connection.publish("h.3", "payload", { headers: headers() })
    connection.publish("h.4", "payload", { headers: headers(408, "Request Timeout") })
    await connection.flush()
  }),
  "request and reply": one(async (connection) => {
    connection.subscribe("echo", { callback: (_, message) => message.respond(message.data, { headers: message.headers }) })
    await connection.request("echo", "one", { timeout: 2_000 })
    await connection.request("echo", "two", { timeout: 2_000, headers: some() })
    await connection.request("echo", "three", { timeout: 2_000, noMux: true, reply: "my.inbox" })
    await refused(connection.request("nobody.answers", "x", { timeout: 1_000 }))
  }),
  "queue groups": async (port) => {
    const connection = await open(port)
    const other = await open(port, { name: "other" })
    connection.subscribe("work", { queue: "workers" })
    connection.subscribe("work", { queue: "workers", max: 1 })
    other.subscribe("work", { queue: "workers" })
    await Promise.all([connection.flush(), other.flush()])
    for (let i = 0; i < 12; i++) connection.publish("work", `job ${i}`)
    await Promise.all([connection.flush(), other.flush()])
    await other.drain()
    await connection.close()
  },
  "verbose and pedantic": one(async (connection) => {
    connection.subscribe("v")
    await connection.flush()
    connection.publish("v", "1")
    connection.publish("v", "2", { headers: some() })
    await connection.flush()
  }, { verbose: true, pedantic: true }),
  "no echo": one(async (connection) => {
    connection.subscribe("e")
    connection.publish("e", "not to me")
    await connection.flush()
  }, { noEcho: true }),
  "large payloads": one(async (connection) => {
    connection.subscribe("large.>")
    await connection.flush()
    connection.publish("large.1", "0123456789".repeat(1_000))
    connection.publish("large.2", new Uint8Array(9_999).fill(10), { headers: some() })
    await connection.flush()
  }),
  "many messages": one(async (connection) => {
    connection.subscribe("m.*")
    await connection.flush()
    for (let i = 0; i < 150; i++) connection.publish(`m.${i}`, "x".repeat(i))
    await connection.flush()
  }),
  "server information": one(async (connection) => {
    await connection.rtt()
    await connection.stats()
  })
}

export const strictSessions = {
  "user and password": one(async (connection) => {
    connection.publish("allowed", "x")
    await connection.flush()
    connection.publish("forbidden", "x")
    const subscription = connection.subscribe("forbidden", { callback: () => {} })
    subscription.closed?.catch?.(() => {})
    await connection.flush()
  }, { user: "user", pass: "secret" }),
  "wrong password": (port) => refused(open(port, { user: "user", pass: "wrong" })),
  "no password": (port) => refused(open(port)),
  "token": (port) => refused(open(port, { token: "secret" }))
}

/** JetStream is messages on subjects of the server; its answers have a status in their headers. */
export const streamSessions = {
  "JetStream": one(async (connection) => {
    const call = async (subject, value = "") => {
      const { data } = await connection.request(`$JS.API.${subject}`, value === "" ? "" : JSON.stringify(value), { timeout: 5_000 })
      return JSON.parse(new TextDecoder().decode(data))
    }
    await call("INFO")
    await call("STREAM.CREATE.S", { name: "S", subjects: ["s.>"], storage: "memory" })
    await connection.request("s.1", "stored", { headers: some(), timeout: 5_000 })
    await connection.request("s.2", "stored, too", { timeout: 5_000 })
    await call("STREAM.MSG.GET.S", { seq: 1 })
    await call("STREAM.MSG.GET.S", { seq: 99 })
    await call("CONSUMER.DURABLE.CREATE.S.C", { stream_name: "S", config: { durable_name: "C", ack_policy: "explicit" } })
    const next = connection.subscribe("next.>")
    const messages = next[Symbol.asyncIterator]()
    connection.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", JSON.stringify({ batch: 2, no_wait: true }), { reply: "next.1" })
    for (let i = 0; i < 2; i++) (await messages.next()).value.respond("+ACK")
    connection.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", JSON.stringify({ batch: 1, no_wait: true }), { reply: "next.2" })
    await messages.next()
    connection.publish("$JS.API.CONSUMER.MSG.NEXT.S.C", JSON.stringify({ batch: 1, expires: 500_000_000, idle_heartbeat: 100_000_000 }), {
      reply: "next.3"
    })
    await messages.next()
    await new Promise((resolve) => setTimeout(resolve, 600))
    await call("STREAM.DELETE.S")
  })
}
