/** Records npm's amqplib as it talks AMQP 0-9-1 with Debian's RabbitMQ, which runs in a folder of its own on loopback. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { once } from "node:events"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort, listening } from "../Memcached.ts"
import { hasLibrary, hasProgram, library, libraryVersion, run, start } from "./Programs.ts"
import { type Conversation, type Judge, overhear, readRecording, type Recording, sent } from "./TapBinary.ts"
import { fieldsOf, type Reading } from "./TsharkFields.ts"

const server = "/usr/lib/rabbitmq/bin/rabbitmq-server"

/** Whether RabbitMQ and its client are installed. */
export const available = (): boolean => hasProgram(server) && hasProgram("epmd") && hasLibrary("amqplib")

type Fields = Readonly<Record<string, unknown>>

/** Operations whose values do not matter here. */
type Operation =
  | "ack"
  | "bindExchange"
  | "cancel"
  | "checkExchange"
  | "checkQueue"
  | "close"
  | "deleteExchange"
  | "deleteQueue"
  | "nack"
  | "prefetch"
  | "purgeQueue"
  | "recover"
  | "reject"
  | "rpc"
  | "sendImmediately"
  | "unbindExchange"
  | "unbindQueue"

/** What is used of amqplib. */
interface Channel extends Readonly<Record<Operation, (...values: ReadonlyArray<unknown>) => Promise<unknown>>> {
  readonly assertExchange: (name: string, type: string, options?: Fields) => Promise<unknown>
  readonly assertQueue: (name: string, options?: Fields) => Promise<{ readonly queue: string }>
  readonly bindQueue: (queue: string, exchange: string, key: string, args?: Fields) => Promise<unknown>
  readonly publish: (exchange: string, key: string, content: Uint8Array, options?: Fields) => boolean
  readonly get: (queue: string, options?: Fields) => Promise<unknown>
  readonly consume: (queue: string, each: (message: unknown) => void, options?: Fields) => Promise<{ readonly consumerTag: string }>
  readonly on: (event: string, listener: (value: unknown) => void) => unknown
}

interface Connection {
  readonly createChannel: () => Promise<Channel>
  readonly createConfirmChannel: () => Promise<Channel & { readonly waitForConfirms: () => Promise<void> }>
  readonly close: () => Promise<void>
  readonly on: (event: string, listener: (error: Error) => void) => unknown
  readonly updateSecret: (secret: Uint8Array, reason: string) => Promise<void>
}

interface Amqplib {
  readonly connect: (url: string, options?: Fields) => Promise<Connection>
}

/** What amqplib does not export: its numbers of methods, and its parser. */
const internals = <A>(name: string): A => {
  const require = createRequire(import.meta.url)
  return require(join(dirname(require.resolve("amqplib")), "lib", name)) as A
}

interface RabbitMq {
  readonly port: number
  readonly end: () => Promise<void>
}

const startRabbitMq = async (): Promise<RabbitMq> => {
  const folder = mkdtempSync(join(tmpdir(), "wirewright-rabbitmq-"))
  const [port, distribution, mapper] = [await freePort(), await freePort(), await freePort()]
  for (const name of ["mnesia", "log"]) mkdirSync(join(folder, name))
  writeFileSync(join(folder, ".erlang.cookie"), "wirewright")
  chmodSync(join(folder, ".erlang.cookie"), 0o400)
  writeFileSync(join(folder, "plugins"), "[].\n")
  writeFileSync(join(folder, "rabbitmq.conf"), `listeners.tcp.1 = 127.0.0.1:${port}\nlog.console = true\nlog.file = false\n`)
  // Erlang starts a port mapper that outlives it, unless there is one
  const epmd = await start("epmd", ["-address", "127.0.0.1", "-port", String(mapper)], () => listening(mapper))
  const env = {
    HOME: folder,
    ERL_EPMD_PORT: String(mapper),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_NODENAME: "gallery@localhost",
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_PID_FILE: join(folder, "pid"),
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    // the script becomes the server, instead of waiting for it
    RUNNING_UNDER_SYSTEMD: "true"
  }
  const cleanUp = async (): Promise<void> => {
    await epmd.end()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const rabbit = await start(server, [], () => listening(port), { env, cwd: folder, seconds: 90 })
    return {
      port,
      end: async () => {
        await rabbit.end()
        await cleanUp()
      }
    }
  } catch (error) {
    await cleanUp()
    throw error
  }
}

/** A value of every type that amqplib can be told to write into a table. */
const table: Fields = {
  "a string": "text ✓",
  "an empty string": "",
  bytes: Buffer.from([0, 1, 254, 255]),
  true: true,
  false: false,
  none: null,
  int8: { "!": "int8", value: -128 },
  uint8: { "!": "uint8", value: 255 },
  int16: { "!": "int16", value: -32_768 },
  uint16: { "!": "uint16", value: 65_535 },
  int32: { "!": "int32", value: -2_147_483_648 },
  uint32: { "!": "uint32", value: 4_294_967_295 },
  int64: { "!": "int64", value: -9_007_199_254_740_991 },
  float: { "!": "float", value: 0.5 },
  double: { "!": "double", value: Math.PI },
  decimal: { "!": "decimal", value: { places: 2, digits: 12_345 } },
  time: { "!": "timestamp", value: 1_700_000_000 },
  table: { inner: { deeper: { deepest: 1 } }, list: [1, "two", [3, [4]], { five: 5 }] },
  "empty table": {},
  list: ["a", 1, true, null, { "!": "double", value: 1.5 }],
  "empty list": []
}

const properties: Fields = {
  contentType: "application/json",
  contentEncoding: "gzip",
  headers: table,
  deliveryMode: 2,
  priority: 7,
  correlationId: "correlation-1",
  replyTo: "answers",
  expiration: "60000",
  messageId: "message-1",
  timestamp: 1_700_000_000,
  type: "greeting",
  userId: "guest",
  appId: "gallery"
}

const body = (size: number): Buffer => Buffer.from(Uint8Array.from({ length: size }, (_, i) => i * 7 & 0xff))

const patience = 30_000

/** What goes on in one connection, which is closed afterwards. */
const talk = (
  name: string,
  port: number,
  act: (connection: Connection) => Promise<unknown>,
  parameters = "?heartbeat=0"
): Promise<ReadonlyArray<Conversation>> =>
  overhear(name, "tcp", port, async (tapped) => {
    const connection = await library<Amqplib>("amqplib").connect(`amqp://guest:guest@127.0.0.1:${tapped}/${parameters}`, {
      clientProperties: { connection_name: name },
      timeout: patience
    })
    connection.on("error", () => {})
    await act(connection)
    await connection.close().catch(() => {})
  })

/** Waits for an event; errors are events of their own here. */
const happens = (emitter: Pick<Channel, "on"> | Connection, event: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event} within ${patience} ms`)), patience)
    const listen = emitter.on as (event: string, listener: () => void) => unknown
    listen.call(emitter, event, () => {
      clearTimeout(timer)
      resolve()
    })
  })

/** An operation that the server answers by closing the channel. */
const refused = async (connection: Connection, act: (channel: Channel) => unknown): Promise<void> => {
  const channel = await connection.createChannel()
  channel.on("error", () => {})
  const closed = happens(channel, "close")
  await Promise.resolve(act(channel)).catch(() => {})
  await closed
}

const exchangesAndQueues = async (connection: Connection): Promise<void> => {
  const channel = await connection.createChannel()
  for (const type of ["direct", "fanout", "topic", "headers"]) {
    await channel.assertExchange(`x.${type}`, type, {
      durable: type === "direct",
      autoDelete: type === "fanout",
      internal: type === "topic"
    })
  }
  await channel.assertExchange("x.arguments", "direct", { alternateExchange: "x.fanout", arguments: { "x-note": table } })
  await channel.checkExchange("x.direct")
  await channel.bindExchange("x.fanout", "x.direct", "key", { note: 1 })
  await channel.unbindExchange("x.fanout", "x.direct", "key", { note: 1 })
  const { queue } = await channel.assertQueue("", { exclusive: true, autoDelete: true, durable: false })
  await channel.assertQueue("q.arguments", {
    durable: true,
    messageTtl: 60_000,
    expires: 120_000,
    deadLetterExchange: "x.direct",
    deadLetterRoutingKey: "dead",
    maxLength: 1000,
    maxPriority: 10,
    arguments: { "x-overflow": "reject-publish" }
  })
  await channel.checkQueue("q.arguments")
  await channel.bindQueue(queue, "x.headers", "", { "x-match": "all", colour: "red", count: 3 })
  await channel.unbindQueue(queue, "x.headers", "", { "x-match": "all", colour: "red", count: 3 })
  await channel.purgeQueue("q.arguments")
  await channel.deleteQueue("q.arguments", { ifUnused: true, ifEmpty: true })
  await channel.deleteExchange("x.arguments", { ifUnused: true })
  await channel.close()
}

const basic = async (connection: Connection): Promise<void> => {
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue("q.basic", { durable: false, autoDelete: true })
  await channel.assertQueue("q.answers", { durable: false, autoDelete: true })
  await channel.prefetch(5)
  await channel.prefetch(50, true)
  await channel.get(queue, { noAck: true })
  channel.publish("", queue, Buffer.from("Hello"), {})
  channel.publish("", queue, Buffer.alloc(0), { messageId: "without a body" })
  channel.publish("", queue, body(300), properties)
  channel.publish("", queue, body(5000), { headers: {}, deliveryMode: 1 })
  await channel.get(queue, { noAck: true })
  const got: Array<unknown> = []
  const { consumerTag } = await channel.consume(queue, (message) => got.push(message), { arguments: { "x-priority": 3 } })
  for (let waited = 0; got.length < 3 && waited < patience; waited += 10) await sleep(10)
  channel.ack(got[0])
  channel.nack(got[1], false, true)
  channel.reject(got[2], false)
  for (let waited = 0; got.length < 4 && waited < patience; waited += 10) await sleep(10)
  await channel.recover()
  for (let waited = 0; got.length < 5 && waited < patience; waited += 10) await sleep(10)
  channel.ack(got[4], true)
  await channel.cancel(consumerTag)
  const returned = happens(channel, "return")
  channel.publish("", "nobody.listens", Buffer.from("come back"), { ...properties, mandatory: true })
  await returned
  await channel.deleteQueue("q.answers")
  await channel.close()
}

const transactions = async (connection: Connection): Promise<void> => {
  const methods = internals<Readonly<Record<string, number>>>("defs.js")
  const channel = await connection.createChannel()
  const rpc = (method: string, fields: Fields = {}) => channel.rpc(methods[method], fields, methods[`${method}Ok`])
  await rpc("TxSelect")
  const { queue } = await channel.assertQueue("q.tx", { durable: false, autoDelete: true })
  channel.publish("", queue, Buffer.from("kept"), {})
  await rpc("TxCommit")
  channel.publish("", queue, Buffer.from("forgotten"), {})
  await rpc("TxRollback")
  await rpc("ChannelFlow", { active: true })
  await channel.deleteQueue(queue)
  await channel.close()
}

const confirms = async (connection: Connection): Promise<void> => {
  const channel = await connection.createConfirmChannel()
  const { queue } = await channel.assertQueue("q.confirms", { durable: false, maxLength: 3, arguments: { "x-overflow": "reject-publish" } })
  for (let i = 0; i < 3; i++) channel.publish("", queue, Buffer.from(`message ${i}`), { persistent: true })
  await channel.waitForConfirms()
  channel.publish("", queue, Buffer.from("one too many"), {})
  await channel.waitForConfirms().catch(() => {})
  await channel.deleteQueue(queue)
  await channel.close()
}

const manyChannels = async (connection: Connection): Promise<void> => {
  const channels = await Promise.all(Array.from({ length: 4 }, () => connection.createChannel()))
  let answers = 0
  await Promise.all(channels.map(async (channel, i) => {
    const { queue } = await channel.assertQueue(`q.many.${i}`, { durable: false, autoDelete: true })
    await channel.consume(queue, () => answers++, { noAck: true, consumerTag: `tag-${i}` })
    for (let n = 0; n < 5; n++) channel.publish("", queue, body(n * 700), { headers: { n } })
  }))
  for (let waited = 0; answers < 20 && waited < patience; waited += 10) await sleep(10)
}

/** Records all of it afresh. */
export const record = async (): Promise<Recording> => {
  const rabbit = await startRabbitMq()
  try {
    const conversations = [
      ...await talk("exchanges and queues", rabbit.port, exchangesAndQueues),
      ...await talk("basic", rabbit.port, basic),
      ...await talk("transactions and flow", rabbit.port, transactions),
      ...await talk("publisher confirms", rabbit.port, confirms),
      ...await talk("four channels at once", rabbit.port, manyChannels),
      ...await talk("bodies in frames of 4096 bytes", rabbit.port, async (connection) => {
        const channel = await connection.createChannel()
        const { queue } = await channel.assertQueue("q.large", { durable: false })
        for (const size of [4088, 4089, 20_000]) channel.publish("", queue, body(size), {})
        for (let i = 0; i < 3; i++) await channel.get(queue, { noAck: true })
        await channel.deleteQueue(queue)
      }, "?heartbeat=0&frameMax=4096"),
      ...await talk("the server closes channels", rabbit.port, async (connection) => {
        await refused(connection, (channel) => channel.checkQueue("not.there"))
        await refused(connection, (channel) => channel.assertExchange("amq.topic", "direct"))
        await refused(connection, (channel) => channel.publish("not.there", "", Buffer.from("lost"), {}))
      }),
      ...await talk("the server closes the connection", rabbit.port, async (connection) => {
        const closed = happens(connection, "close")
        const channel = await connection.createChannel()
        channel.on("error", () => {})
        channel.sendImmediately(internals<Readonly<Record<string, number>>>("defs.js")["BasicQos"], {
          prefetchCount: 1,
          prefetchSize: 1000,
          global: false
        })
        await closed
      }),
      ...await talk("heartbeats", rabbit.port, () => sleep(2500), "?heartbeat=1"),
      ...await talk("secret renewed", rabbit.port, (connection) => connection.updateSecret(Buffer.from("guest"), "it is time")),
      ...await overhear(
        "wrong password",
        "tcp",
        rabbit.port,
        (port) => library<Amqplib>("amqplib").connect(`amqp://guest:wrong@127.0.0.1:${port}/`).then(() => {}, () => {})
      ),
      ...await overhear(
        "another virtual host",
        "tcp",
        rabbit.port,
        (port) => library<Amqplib>("amqplib").connect(`amqp://guest:guest@127.0.0.1:${port}/not-there`).then(() => {}, () => {})
      ),
      ...await overhear("another protocol's version", "tcp", rabbit.port, async (port) => {
        const socket = connect(port, "127.0.0.1").on("error", () => {})
        socket.write(Buffer.from("414d515000000800", "hex"))
        await once(socket.resume(), "close")
      })
    ]
    const { text } = await run("dpkg-query", ["-W", "-f", "RabbitMQ ${Version} (Debian)", "rabbitmq-server"])
    return { origin: { server: text, clients: [libraryVersion("amqplib")], recorded: "relay on loopback" }, conversations }
  } finally {
    await rabbit.end()
  }
}

interface Frame {
  readonly type: number
  readonly channel: number
  readonly payload: Buffer
  readonly rest: Buffer
}

interface Parser {
  readonly parseFrame: (bytes: Buffer, max: number) => Frame | false
  readonly decodeFrame: (frame: Frame) => Readonly<Record<string, unknown>>
}

/** What amqplib reads; it fails where bytes are left over. */
const parsed = (bytes: Uint8Array): ReadonlyArray<Readonly<Record<string, unknown>>> => {
  const parser = internals<Parser>("frame.js")
  const methods = internals<{ readonly info: (id: number) => { readonly name: string } }>("defs.js")
  const frames: Array<Readonly<Record<string, unknown>>> = []
  for (let rest = Buffer.from(bytes); rest.length > 0;) {
    const frame = parser.parseFrame(rest, 0)
    if (frame === false) throw new Error(`${rest.length} bytes are no frame`)
    const { id, ...read } = parser.decodeFrame(frame)
    frames.push(typeof id === "number" ? { name: methods.info(id).name, ...read } : read)
    rest = frame.rest as Buffer<ArrayBuffer>
  }
  return frames
}

/** Opens channel 2, which the server answers when it has read everything before. */
const sentinel = Buffer.from("01000200000005" + "0014000a00" + "ce", "hex")

/**
 * Frames of a client go to RabbitMQ, after a connection and its channel 1 were opened with frames of amqplib; they were understood when
 * RabbitMQ answers what follows them, or closed only what it was asked to close. Frames of a server are read by amqplib's parser. What
 * either said: amqplib's reading, as JSON.
 */
export const judge = async (): Promise<Judge> => {
  const rabbit = await startRabbitMq()
  const recorded = Buffer.from(sent(readRecording("amqp").conversations.find(({ name }) => name === "basic")!, "client"))
  // channel.open of channel 1
  const opening = recorded.subarray(0, recorded.indexOf(Buffer.from("0014000a", "hex")) + 6)
  return {
    accepts: async (from, bytes) => {
      if (from === "server") {
        try {
          return { understood: true, said: JSON.stringify(parsed(bytes)) }
        } catch (error) {
          return { understood: false, said: String(error) }
        }
      }
      const socket = connect(rabbit.port, "127.0.0.1").on("error", () => {})
      const chunks: Array<Buffer> = []
      socket.on("data", (chunk: Buffer) => chunks.push(chunk))
      let closed = false
      socket.once("close", () => closed = true)
      socket.write(Buffer.concat([opening, bytes, sentinel]))
      const complete = (): ReadonlyArray<Readonly<Record<string, unknown>>> => {
        try {
          return parsed(Buffer.concat(chunks))
        } catch {
          return []
        }
      }
      const over = (): boolean =>
        closed ||
        complete().some(({ channel, name }) =>
          name === "ConnectionClose" || name === "ConnectionCloseOk" || name === "ChannelOpenOk" && channel === 2
        )
      for (let waited = 0; !over() && waited < 5000; waited += 20) await sleep(20)
      socket.destroy()
      const answers = complete()
      const objected = answers.some(({ name }) => name === "ConnectionClose")
      const understood = !objected &&
        answers.some(({ channel, name }) => name === "ConnectionCloseOk" || name === "ChannelOpenOk" && channel === 2)
      return { understood, said: JSON.stringify(answers) }
    },
    end: rabbit.end
  }
}

/** What tshark is asked to read. */
export const reading: Reading = {
  dissector: "amqp",
  port: 5672,
  fields: fieldsOf(
    "amqp",
    `type channel length method.class method.method header.class header.weight header.body-size header.property-flags
    method.arguments.exchange method.arguments.queue method.arguments.routing_key method.arguments.consumer_tag
    method.arguments.delivery_tag method.arguments.reply_code method.arguments.reply_text method.arguments.message_count
    method.properties.content_type method.properties.priority method.properties.timestamp method.properties.message_id`
  )
}
