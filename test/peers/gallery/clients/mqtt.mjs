/** What npm's `mqtt` does in versions 3.1, 3.1.1 and 5, and a broker of a few lines that its packet library `mqtt-packet` speaks for. */
import { createRequire } from "node:module"
import { createServer } from "node:net"

const require = createRequire(import.meta.url)
const mqtt = require("mqtt")
const packets = require("mqtt-packet")

const address = (port) => `mqtt://127.0.0.1:${port}`
const open = (port, protocolVersion, more = {}) =>
  mqtt.connectAsync(address(port), {
    protocolVersion,
    clientId: "gallery",
    reconnectPeriod: 0,
    keepalive: 60,
    connectTimeout: 5_000,
    ...more
  }, false)
const refused = (promise) => promise.then((client) => client?.endAsync?.(), () => {})
const soon = (time = 50) => new Promise((resolve) => setTimeout(resolve, time))

const heard = async (client, count) => {
  for (let i = 0; client.heard < count && i < 100; i++) await soon(10)
  if (client.heard < count) throw new Error(`heard ${client.heard} of ${count} messages`)
}

const listening = (client) => {
  client.heard = 0
  client.on("message", () => client.heard++)
  return client
}

const one = (protocolVersion, use, more) => async (port) => {
  const client = listening(await open(port, protocolVersion, more))
  await use(client, port)
  if (!client.disconnecting) await client.endAsync()
}

const wills = [
  undefined,
  ...[0, 1, 2].flatMap((qos) => [false, true].map((retain) => ({ topic: "will", payload: `will ${qos}`, qos, retain })))
]
const users = [{}, { username: "user" }, { username: "user", password: "secret" }]

/** Every combination of the flags of CONNECT that the client sends, one connection for each. */
const connects = (version) =>
  wills.flatMap((will) =>
    users.map((user) => {
      const parts = [...Object.keys(user), ...(will === undefined ? [] : [`will of QoS ${will.qos}${will.retain ? ", retained" : ""}`])]
      const clean = will === undefined || will.qos !== 1
      return [
        `CONNECT with ${parts.join(", ") || "nothing"}${clean ? "" : ", kept session"}`,
        async (port) => {
          const client = await open(port, version, { ...user, ...(will === undefined ? {} : { will }), clean, clientId: `c${version}` })
          await client.endAsync()
        }
      ]
    })
  )

/** Every quality of service, each way, with and without retain. */
const publishes = async (client) => {
  await client.subscribeAsync({ "q/0": { qos: 0 }, "q/1": { qos: 1 }, "q/2": { qos: 2 }, "q/+/deep/#": { qos: 2 } })
  for (const qos of [0, 1, 2]) {
    for (const retain of [false, true]) await client.publishAsync(`q/${qos}`, `quality ${qos}`, { qos, retain })
  }
  await client.publishAsync("q/x/deep/er", Buffer.from([0, 255, 13, 10]), { qos: 2 })
  await client.publishAsync("q/2", "", { qos: 2, retain: true })
  await heard(client, 8)
  await client.unsubscribeAsync(["q/0", "q/1", "no/such/subscription"])
  await client.publishAsync("q/0", "", { qos: 0, retain: true })
  await client.publishAsync("q/1", "", { qos: 1, retain: true })
}

/** Payloads about the sizes at which the remaining length gets another byte: 128 and 16384. */
const sizes = (version) => async (client) => {
  await client.subscribeAsync("size/#", { qos: 1 })
  // the topic takes 8 bytes, in version 5 the length of no properties one more
  const others = version === 5 ? 9 : 8
  const all = [0, 1, 127 - others, 128 - others, 6_000, ...(version === 5 ? [16_383 - others, 16_384 - others] : [])]
  for (const size of all) await client.publishAsync("size/x", Buffer.alloc(size, size & 255), { qos: size === 6_000 ? 1 : 0 })
  await heard(client, all.length)
}

const pings = async (client) => {
  client.sendPing()
  await soon()
}

/** A session that is kept: what comes while nobody is there is delivered afterwards. */
const kept = (version) => async (port) => {
  const properties = version === 5 ? { properties: { sessionExpiryInterval: 100 } } : {}
  const first = await open(port, version, { clientId: "keeper", clean: false, ...properties })
  await first.subscribeAsync("kept/#", { qos: 2 })
  await first.endAsync()
  const other = await open(port, version, { clientId: "other" })
  for (const qos of [0, 1, 2]) await other.publishAsync("kept/x", `kept ${qos}`, { qos })
  await other.endAsync()
  const again = listening(mqtt.connect(address(port), {
    protocolVersion: version,
    clientId: "keeper",
    clean: false,
    reconnectPeriod: 0,
    ...properties
  }))
  await heard(again, 2)
  await again.endAsync()
}

const willSent = (version) => async (port) => {
  const watcher = listening(await open(port, version, { clientId: "watcher" }))
  await watcher.subscribeAsync("last/will", { qos: 1 })
  const properties = version === 5
    ? { willDelayInterval: 0, contentType: "text/plain", userProperties: { a: "b" }, payloadFormatIndicator: true }
    : undefined
  const will = { topic: "last/will", payload: "gone", qos: 1, retain: false, ...(properties === undefined ? {} : { properties }) }
  const dying = await open(port, version, { clientId: "dying", will })
  if (version === 5) await new Promise((resolve) => dying.end(false, { reasonCode: 4 }, resolve))
  else dying.stream.destroy()
  await heard(watcher, 1)
  await watcher.endAsync()
}

const takenOver = (version) => async (port) => {
  const first = await open(port, version, { clientId: "twin" })
  first.on("error", () => {})
  const second = await open(port, version, { clientId: "twin" })
  await soon()
  await second.endAsync()
  first.end(true)
}

const properties = {
  payloadFormatIndicator: true,
  messageExpiryInterval: 1_000,
  responseTopic: "answers/here",
  correlationData: Buffer.from([1, 2, 3, 255]),
  userProperties: { one: "1", many: ["a", "b"], ünïcode: "✓" },
  contentType: "text/plain; charset=utf-8"
}

/** Version 5 only: properties of every packet that a client sends. */
const five = {
  "properties of PUBLISH": one(5, async (client) => {
    await client.subscribeAsync("p/#", { qos: 2, properties: { subscriptionIdentifier: 268_435_455, userProperties: { sub: "scribed" } } })
    await client.subscribeAsync("p/+", { qos: 1, properties: { subscriptionIdentifier: 1 } })
    for (const qos of [0, 1, 2]) await client.publishAsync("p/x", "with properties", { qos, properties })
    await heard(client, 6)
    await client.unsubscribeAsync("p/#", { properties: { userProperties: { un: "subscribed" } } })
  }),
  "topic aliases": one(5, async (client) => {
    await client.subscribeAsync("alias/#", { qos: 0 })
    await client.publishAsync("alias/first", "1", { qos: 0, properties: { topicAlias: 1 } })
    await client.publishAsync("", "2", { qos: 0, properties: { topicAlias: 1 } })
    await client.publishAsync("alias/second", "3", { qos: 0, properties: { topicAlias: 10 } })
    await heard(client, 3)
  }, { properties: { topicAliasMaximum: 10 } }),
  "options of SUBSCRIBE": one(5, async (client) => {
    await client.publishAsync("o/kept", "kept", { qos: 1, retain: true })
    const options = [0, 1, 2].flatMap((rh) => [false, true].map((flag) => ({ qos: rh, nl: flag, rap: !flag, rh })))
    for (const [i, option] of options.entries()) await client.subscribeAsync(`o/${i % 2 === 0 ? "+" : "kept"}`, option)
    await client.subscribeAsync("$share/group/o/#", { qos: 1 })
    await client.unsubscribeAsync(["o/+", "nothing"])
    await client.publishAsync("o/kept", "", { qos: 1, retain: true })
  }),
  "properties of CONNECT": one(5, (client) => client.publishAsync("x", "nobody listens", { qos: 1 }), {
    clientId: "",
    properties: {
      sessionExpiryInterval: 0xffff_fffe,
      receiveMaximum: 20,
      maximumPacketSize: 200_000,
      topicAliasMaximum: 7,
      requestResponseInformation: true,
      requestProblemInformation: true,
      userProperties: { connect: "ion", twice: ["1", "2"] }
    },
    will: {
      topic: "w",
      payload: Buffer.from([0, 1]),
      qos: 2,
      retain: true,
      properties: { ...properties, willDelayInterval: 30 }
    }
  }),
  "properties of DISCONNECT": (port) =>
    one(
      5,
      (client) =>
        new Promise((resolve) =>
          client.end(false, {
            reasonCode: 0,
            properties: { sessionExpiryInterval: 0, reasonString: "enough", userProperties: { bye: "bye" } }
          }, resolve)
        )
    )(port),
  "bad authentication method": (port) =>
    refused(open(port, 5, { properties: { authenticationMethod: "SCRAM-SHA-1", authenticationData: Buffer.from("n,,n=user") } }))
}

export const sessions = {
  "3.1 connect and publish": one(3, publishes, { protocolId: "MQIsdp" }),
  ...Object.fromEntries([4, 5].flatMap((version) => {
    const name = version === 4 ? "3.1.1" : "5"
    return [
      ...connects(version).map(([what, use]) => [`${name} ${what}`, use]),
      [`${name} publish`, one(version, publishes)],
      [`${name} sizes`, one(version, sizes(version))],
      [`${name} ping`, one(version, pings)],
      [`${name} kept session`, kept(version)],
      [`${name} will`, willSent(version)],
      [`${name} taken over`, takenOver(version)]
    ]
  })),
  ...Object.fromEntries(Object.entries(five).map(([name, use]) => [`5 ${name}`, use]))
}

/** Sessions for a broker that wants passwords, has rules and limits. */
export const strictSessions = {
  "3.1.1 wrong password": (port) => refused(open(port, 4, { username: "user", password: "wrong" })),
  "3.1.1 no password": (port) => refused(open(port, 4)),
  "5 wrong password": (port) => refused(open(port, 5, { username: "user", password: "wrong" })),
  "5 not authorized to publish": one(5, async (client) => {
    for (const qos of [0, 1]) await refused(client.publishAsync("forbidden", "x", { qos }))
    await refused(client.subscribeAsync("forbidden", { qos: 1 }))
    await client.subscribeAsync("allowed/#", { qos: 2 })
  }, { username: "user", password: "secret", keepalive: 600 }),
  "5 quality of service too high": (port) =>
    refused(open(port, 5, { username: "user", password: "secret", will: { topic: "w", payload: "", qos: 2, retain: false } })),
  "5 retain not available": (port) =>
    refused(open(port, 5, { username: "user", password: "secret", will: { topic: "w", payload: "", qos: 0, retain: true } })),
  "3.1.1 retain not available": (port) =>
    refused(open(port, 4, { username: "user", password: "secret", will: { topic: "w", payload: "", qos: 0, retain: true } }))
}

const everyConnack = {
  sessionExpiryInterval: 3_600,
  receiveMaximum: 100,
  maximumQoS: 1,
  retainAvailable: true,
  maximumPacketSize: 65_536,
  assignedClientIdentifier: "assigned",
  topicAliasMaximum: 5,
  reasonString: "welcome",
  userProperties: { server: "scripted" },
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifiersAvailable: false,
  sharedSubscriptionAvailable: false,
  serverKeepAlive: 120,
  responseInformation: "answers/",
  serverReference: "other.example:1883",
  authenticationMethod: "GALLERY",
  authenticationData: Buffer.from("done")
}

const why = (reasonString) => ({ reasonString, userProperties: { why: reasonString } })

/** What the scripted broker answers, by the packet it got. */
const answers = {
  connect: ({ clientId, properties: { authenticationMethod } = {} }) =>
    clientId === "moved"
      ? [{ cmd: "connack", sessionPresent: false, reasonCode: 157, properties: { serverReference: "new.example", ...why("moved") } }]
      : authenticationMethod === undefined
      ? [{ cmd: "connack", sessionPresent: true, reasonCode: 0, properties: everyConnack }]
      : [{
        cmd: "auth",
        reasonCode: 24,
        properties: { authenticationMethod, authenticationData: Buffer.from("challenge"), ...why("go on") }
      }],
  auth: ({ properties: { authenticationMethod } }) => [{
    cmd: "connack",
    sessionPresent: false,
    reasonCode: 0,
    properties: { ...everyConnack, authenticationMethod }
  }],
  publish: ({ qos, messageId }) =>
    qos === 1
      ? [{ cmd: "puback", messageId, reasonCode: 16, properties: why("nobody listens") }]
      : qos === 2
      ? [{ cmd: "pubrec", messageId, reasonCode: 16, properties: why("nobody listens") }]
      : [],
  pubrel: ({ messageId }) => [{ cmd: "pubcomp", messageId, reasonCode: 0, properties: why("complete") }],
  pubrec: ({ messageId }) => [{ cmd: "pubrel", messageId, reasonCode: 0, properties: why("released") }],
  subscribe: ({ messageId, subscriptions }) => [
    {
      cmd: "suback",
      messageId,
      granted: subscriptions.map((_, i) => [0, 1, 2, 0x80, 0x87, 0x8f, 0x97, 0x9e, 0xa1, 0xa2][i]),
      properties: why("granted")
    },
    { cmd: "publish", topic: "from/broker", payload: "0", qos: 0, retain: true, properties: { topicAlias: 1, ...properties } },
    {
      cmd: "publish",
      topic: "",
      payload: "1",
      qos: 1,
      dup: true,
      messageId: 7,
      properties: { topicAlias: 1, subscriptionIdentifier: [1, 300] }
    },
    { cmd: "publish", topic: "from/broker/2", payload: "2", qos: 2, messageId: 8, properties: {} }
  ],
  unsubscribe: ({ messageId, unsubscriptions }) => [{
    cmd: "unsuback",
    messageId,
    granted: unsubscriptions.map((_, i) => [0, 0x11, 0x80, 0x87][i]),
    properties: why("left")
  }, { cmd: "disconnect", reasonCode: 0x8b, properties: { serverReference: "elsewhere.example", ...why("shutting down") } }],
  pingreq: () => [{ cmd: "pingresp" }]
}

/** A broker whose packets `mqtt-packet` reads and writes. Only this one sends AUTH and all properties. */
export const openBroker = () =>
  new Promise((resolve) => {
    const server = createServer((socket) => {
      const parser = packets.parser({ protocolVersion: 5 })
      parser.on("error", () => socket.destroy())
      parser.on("packet", (packet) => {
        for (const answer of answers[packet.cmd]?.(packet) ?? []) socket.write(packets.generate(answer, { protocolVersion: 5 }))
      })
      socket.on("data", (bytes) => parser.parse(bytes)).on("error", () => {})
    })
    server.listen(0, "127.0.0.1", () =>
      resolve({
        port: server.address().port,
        stop: () => new Promise((closed) => server.close(() => closed()))
      }))
  })

export const brokerSessions = {
  "5 AUTH": async (port) => {
    const authenticationMethod = "GALLERY"
    const client = mqtt.connect(address(port), {
      protocolVersion: 5,
      clientId: "authenticating",
      reconnectPeriod: 0,
      properties: { authenticationMethod, authenticationData: Buffer.from("hello") }
    })
    client.handleAuth = (_, callback) =>
      callback(undefined, { cmd: "auth", reasonCode: 24, properties: { authenticationMethod, authenticationData: Buffer.from("answer") } })
    await new Promise((resolve, reject) => client.once("connect", resolve).once("error", reject))
    await client.endAsync()
  },
  "5 every property of the broker": async (port) => {
    const client = listening(await open(port, 5, { clientId: "", properties: { topicAliasMaximum: 5 } }))
    client.on("error", () => {})
    for (const qos of [0, 1]) await client.publishAsync("x", "x", { qos })
    await refused(client.publishAsync("x", "x", { qos: 2 }))
    await refused(
      client.subscribeAsync(Object.fromEntries(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"].map((topic) => [topic, { qos: 1 }])))
    )
    await heard(client, 3)
    await soon()
    await refused(client.unsubscribeAsync(["a", "b", "c", "d"]))
    await soon()
    client.end(true)
  },
  "5 refused with a server reference": (port) => refused(open(port, 5, { clientId: "moved" }))
}
