/** Protocols of the gallery against the libraries that Node programs speak them with: both directions, bytes to values and back. */
import { decodeText, Framer, PacketStream, PooledWriter, type Reader } from "@wirewright/codec"
import * as mqtt from "@wirewright/examples/gallery/mqtt"
import * as postgres from "@wirewright/examples/gallery/postgres"
import * as resp from "@wirewright/examples/gallery/resp"
import { createHash } from "node:crypto"
import { load } from "../contenders/External.ts"
import { chunksOf, keepLatest, makeRandom } from "../Mix.ts"
import type { Contender, Suite } from "../Suite.ts"

const chunkSize = 64 * 1024
const count = 2000

const digestOf = (parts: Iterable<string>): string => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(`${part.length}:${part}`)
  return hash.digest("hex")
}

const letters = (random: (below: number) => number, size: number): Buffer =>
  Buffer.from(Array.from({ length: size }, () => 0x61 + random(26)))

/** Reads a stream: `push` hands each packet of a chunk to `sink`. `spell` says what a packet says, the same for all contenders. */
const reading = <Packet>(
  bytes: Buffer,
  messages: number,
  push: (chunk: Buffer, sink: (packet: Packet) => void) => void,
  spell: (packet: Packet) => string
): Contender => {
  const chunks = chunksOf(bytes, chunkSize)
  const keep = keepLatest()
  let index = 0
  const sink = (packet: Packet): void => keep(index++, packet)
  return {
    messages,
    pass: () => {
      index = 0
      for (const chunk of chunks) push(chunk, sink)
      return index
    },
    check: () => {
      const said: Array<string> = []
      for (const chunk of chunks) push(chunk, (packet) => said.push(spell(packet)))
      return digestOf(said)
    }
  }
}

/** Writes messages: `write` returns what may be sent. */
const writing = <Message>(messages: ReadonlyArray<Message>, write: (message: Message) => Uint8Array): Contender => {
  const keep = keepLatest()
  return {
    messages: messages.length,
    pass: () => {
      let sum = 0
      for (let i = 0; i < messages.length; i++) {
        const bytes = write(messages[i]!)
        sum += bytes.length
        keep(i, bytes)
      }
      return sum
    },
    check: () => digestOf(messages.map((message) => Buffer.from(write(message)).toString("latin1")))
  }
}

/** The same into the pooled writer, which is taken and given back once per 64 KiB as a connection does. */
const pooled = <Message>(messages: ReadonlyArray<Message>, append: (writer: PooledWriter, message: Message) => void): Contender => {
  const writer = new PooledWriter()
  const send = (): number => {
    let sum = 0
    for (const segment of writer.takeSegments()) {
      sum += segment.length
      writer.release(segment)
    }
    return sum
  }
  return {
    messages: messages.length,
    pass: () => {
      let sum = 0
      for (const message of messages) {
        append(writer, message)
        if (writer.length >= chunkSize) sum += send()
      }
      return sum + send()
    },
    check: () =>
      digestOf(messages.map((message) => {
        append(writer, message)
        return Buffer.from(writer.take().slice()).toString("latin1")
      }))
  }
}

// RESP ---------------------------------------------------------------------------------------------------------------

/** What servers answer: OK, counts, values of 8 to 200 bytes, nothing, lists of values. */
const respReplies = (): Buffer => {
  const random = makeRandom(6379)
  const bulk = (): string => {
    const text = letters(random, 8 + random(193)).toString("latin1")
    return `$${text.length}\r\n${text}\r\n`
  }
  return Buffer.from(
    Array.from({ length: count }, () => {
      const kind = random(20)
      if (kind < 5) return "+OK\r\n"
      if (kind < 8) return `:${random(100_000)}\r\n`
      if (kind < 15) return bulk()
      if (kind < 17) return "$-1\r\n"
      return `*${1 + random(8)}\r\n`.replace(/\d+/, (items) => items) + ""
    }).map((text) => text[0] === "*" ? text + Array.from({ length: Number(text.slice(1)) }, bulk).join("") : text).join(""),
    "latin1"
  )
}

type RespValue = string | number | Buffer | null | ReadonlyArray<RespValue>

const spellResp = (value: RespValue): string =>
  value === null
    ? "null"
    : Array.isArray(value)
    ? `[${value.map(spellResp).join()}]`
    : typeof value === "number"
    ? `:${value}`
    : `"${value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value)}"`

const spellReply = (value: resp.Value): string => {
  switch (value._tag) {
    case "SimpleString":
      return `"${value.text}"`
    case "Integer":
      return `:${value.value}`
    case "BulkString":
      return value.value === null ? "null" : `"${Buffer.from(value.value).toString("latin1")}"`
    case "Array":
      return value.items === null ? "null" : `[${value.items.map(spellReply).join()}]`
    default:
      return value._tag
  }
}

interface RedisParser {
  execute(chunk: Buffer): void
}
interface RedisParserModule {
  readonly default: new(options: {
    readonly returnBuffers: boolean
    readonly returnReply: (reply: RespValue) => void
    readonly returnError: (error: Error) => void
  }) => RedisParser
}
interface RedisDecoder {
  write(chunk: Buffer): void
}
interface RedisDecoderModule {
  readonly Decoder: new(options: {
    readonly onReply: (reply: RespValue) => void
    readonly onErrorReply: (error: Error) => void
    readonly onPush: (push: RespValue) => void
    readonly getTypeMapping: () => Readonly<Record<number, unknown>>
  }) => RedisDecoder
}
interface RedisEncoderModule {
  readonly default: { readonly default: (args: ReadonlyArray<string | Buffer>) => ReadonlyArray<string | Buffer> }
}

const fail = (error: Error): never => {
  throw error
}

const respParse: Suite = {
  name: "resp-parse",
  about: "replies of a Redis server; strings as bytes",
  baseline: "redis-parser",
  limit: 1,
  contenders: {
    "generated": async () => {
      const stream = new PacketStream({
        name: "RESP",
        maxFrame: resp.replyShape.maxFrame,
        decode: (reader, at) => resp.decodeReply(reader, at)
      })
      return reading(
        respReplies(),
        count,
        (chunk, sink: (reply: resp.Reply) => void) => stream.push(chunk, sink),
        (reply) => reply._tag === "Answer" ? spellReply(reply.value) : reply._tag
      )
    },
    "redis-parser": async () => {
      const { default: Parser } = await load<RedisParserModule>("redis-parser")
      let onReply: (reply: RespValue) => void = () => {}
      const parser = new Parser({ returnBuffers: true, returnReply: (reply) => onReply(reply), returnError: fail })
      return reading<RespValue>(respReplies(), count, (chunk, sink) => {
        onReply = sink
        parser.execute(chunk)
      }, spellResp)
    },
    "@redis/client": async () => {
      const { Decoder } = await load<RedisDecoderModule>("@redis/client/dist/lib/RESP/decoder.js")
      let onReply: (reply: RespValue) => void = () => {}
      const mapping = { 36: Buffer }
      const decoder = new Decoder({
        onReply: (reply) => onReply(reply),
        onErrorReply: fail,
        onPush: () => {},
        getTypeMapping: () => mapping
      })
      return reading<RespValue>(respReplies(), count, (chunk, sink) => {
        onReply = sink
        decoder.write(chunk)
      }, spellResp)
    }
  }
}

/** Commands of a cache: GET, SET with an expiry, MGET; arguments are bytes. */
const respCommands = (): ReadonlyArray<ReadonlyArray<Buffer>> => {
  const random = makeRandom(6380)
  const key = (): Buffer => Buffer.from(`user:${random(1_000_000)}:profile`)
  return Array.from({ length: count }, () => {
    const kind = random(10)
    if (kind < 5) return [Buffer.from("GET"), key()]
    if (kind < 9) return [Buffer.from("SET"), key(), letters(random, 8 + random(193)), Buffer.from("EX"), Buffer.from("3600")]
    return [Buffer.from("MGET"), ...Array.from({ length: 10 }, key)]
  })
}

const respWrite: Suite = {
  name: "resp-write",
  about: "commands to a Redis server, arguments as bytes; @redis/client makes strings and buffers, which are then copied into one",
  baseline: "@redis/client",
  limit: 0.5,
  contenders: {
    "generated": async () =>
      pooled(
        respCommands().map((command) => ({ arguments: command.map((value) => ({ value })) })),
        (writer, command) => resp.encodeCommand(writer, command)
      ),
    "@redis/client": async () => {
      const { default: { default: encodeCommand } } = await load<RedisEncoderModule>("@redis/client/dist/lib/RESP/encoder.js")
      const buffer = Buffer.alloc(chunkSize)
      return writing(respCommands(), (command) => {
        let at = 0
        for (const part of encodeCommand(command)) at += typeof part === "string" ? buffer.write(part, at, "latin1") : part.copy(buffer, at)
        return buffer.subarray(0, at)
      })
    },
    "@redis/client, parts": async () => {
      const { default: { default: encodeCommand } } = await load<RedisEncoderModule>("@redis/client/dist/lib/RESP/encoder.js")
      const commands = respCommands()
      const { check, messages } = writing(
        commands,
        (command) => Buffer.concat(encodeCommand(command).map((part) => typeof part === "string" ? Buffer.from(part) : part))
      )
      const keep = keepLatest()
      return {
        messages,
        check,
        pass: () => {
          for (let i = 0; i < commands.length; i++) keep(i, encodeCommand(commands[i]!))
          return messages
        }
      }
    }
  }
}

// PostgreSQL ---------------------------------------------------------------------------------------------------------

/** Rows of seven columns, as `SELECT *` of a table of users gives them. */
const postgresRows = (): Buffer => {
  const random = makeRandom(5432)
  const rows = Array.from({ length: count }, (_, n) => {
    const columns = [
      String(n),
      letters(random, 6 + random(12)).toString("latin1"),
      `${letters(random, 8).toString("latin1")}@example.org`,
      "2026-11-28 13:57:06.123456+00",
      random(4) === 0 ? null : String(random(1_000_000)),
      random(2) === 0 ? "t" : "f",
      letters(random, 40 + random(80)).toString("latin1")
    ]
    const parts = columns.map((column) => {
      const bytes = Buffer.from(column ?? "")
      const length = Buffer.alloc(4)
      length.writeInt32BE(column === null ? -1 : bytes.length)
      return Buffer.concat([length, bytes])
    })
    const body = Buffer.concat(parts)
    const head = Buffer.alloc(7)
    head.write("D")
    head.writeUInt32BE(6 + body.length, 1)
    head.writeUInt16BE(columns.length, 5)
    return Buffer.concat([head, body])
  })
  return Buffer.concat(rows)
}

interface PgMessage {
  readonly name: string
  readonly fields: ReadonlyArray<string | null>
}
interface PgModule {
  readonly Parser: new() => { parse(chunk: Buffer, callback: (message: PgMessage) => void): void }
}

const spellRow = (columns: ReadonlyArray<string | null>): string => JSON.stringify(columns)

const framed =
  <Packet>(framer: Framer, decode: (reader: Reader, at: number) => Packet) => (chunk: Buffer, sink: (packet: Packet) => void): void =>
    framer.push(chunk, (reader, at) => sink(decode(reader, at)))

const textOf = (column: Uint8Array | null): string | null => column === null ? null : decodeText(column, 0, column.length)

const postgresParse: Suite = {
  name: "postgres-rows",
  about: "DataRow messages of PostgreSQL, seven columns; generated: all columns made into text as pg-protocol does",
  baseline: "pg-protocol",
  limit: 1,
  contenders: {
    "generated": async () => {
      const push = framed(new Framer(postgres.backendShape), (reader, at) => {
        const packet = postgres.decodeBackend(reader, at)
        return packet._tag === "DataRow" ? packet.columns.map(textOf) : []
      })
      return reading(postgresRows(), count, push, spellRow)
    },
    "generated, bytes": async () => {
      const push = framed(new Framer(postgres.backendShape), (reader, at) => postgres.decodeBackend(reader, at))
      return reading(
        postgresRows(),
        count,
        push,
        (packet) => packet._tag === "DataRow" ? spellRow(packet.columns.map(textOf)) : packet._tag
      )
    },
    "pg-protocol": async () => {
      const { Parser } = await load<PgModule>("pg-protocol/dist/parser.js")
      const parser = new Parser()
      return reading<PgMessage>(postgresRows(), count, (chunk, sink) => parser.parse(chunk, sink), ({ fields }) => spellRow(fields))
    }
  }
}

interface PgQuery {
  readonly text: string
  readonly values: ReadonlyArray<Buffer>
}
interface PgSerializer {
  readonly serialize: {
    parse(query: { readonly name?: string; readonly text: string }): Buffer
    bind(config: { readonly values: ReadonlyArray<Buffer> }): Buffer
    execute(config?: object): Buffer
    sync(): Buffer
  }
}

const postgresQueries = (): ReadonlyArray<PgQuery> => {
  const random = makeRandom(5433)
  return Array.from({ length: count }, () => ({
    text: `SELECT id, name, email FROM users WHERE country = $1 AND age > $2 ORDER BY name LIMIT ${1 + random(100)}`,
    values: [letters(random, 2), Buffer.from([0, 0, 0, random(100)])]
  }))
}

const postgresWrite: Suite = {
  name: "postgres-queries",
  about: "Parse, Bind, Execute and Sync with two values as bytes",
  baseline: "pg-protocol",
  limit: 0.5,
  contenders: {
    "generated": async () =>
      pooled(postgresQueries(), (writer, { text, values }) => {
        postgres.encodeParse(writer, { statement: "", query: text, parameterTypes: [] })
        postgres.encodeBind(writer, { portal: "", statement: "", parameterFormats: [1, 1], parameters: values, resultFormats: [0] })
        postgres.encodeExecute(writer, { portal: "", maximumRows: 0 })
        postgres.encodeSync(writer, {})
      }),
    "pg-protocol": async () => {
      const { serialize } = await load<PgSerializer>("pg-protocol/dist/serializer.js")
      const buffer = Buffer.alloc(chunkSize)
      return writing(postgresQueries(), (query) => {
        let at = 0
        for (const part of [serialize.parse(query), serialize.bind(query), serialize.execute(), serialize.sync()]) {
          at += part.copy(buffer, at)
        }
        return buffer.subarray(0, at)
      })
    },
    "pg-protocol, parts": async () => {
      const { serialize } = await load<PgSerializer>("pg-protocol/dist/serializer.js")
      const queries = postgresQueries()
      const { check, messages } = writing(
        queries,
        (query) => Buffer.concat([serialize.parse(query), serialize.bind(query), serialize.execute(), serialize.sync()])
      )
      const keep = keepLatest()
      return {
        messages,
        check,
        pass: () => {
          let sum = 0
          for (let i = 0; i < queries.length; i++) {
            const query = queries[i]!
            const bound = serialize.bind(query)
            sum += serialize.parse(query).length + bound.length + serialize.execute().length + serialize.sync().length
            keep(i, bound)
          }
          return sum
        }
      }
    }
  }
}

// MQTT ---------------------------------------------------------------------------------------------------------------

interface Publish {
  readonly version: 4 | 5
  readonly topic: string
  readonly qos: 0 | 1
  readonly messageId: number
  readonly payload: Buffer
}

/** Half of version 3.1.1, half of version 5 with two properties; half of QoS 1; payloads of 16 bytes to 4 KiB. */
const mqttMessages = (version: 4 | 5): ReadonlyArray<Publish> => {
  const random = makeRandom(1883 + version)
  return Array.from({ length: count / 2 }, (_, n): Publish => ({
    version,
    topic: `building/${random(20)}/floor/${random(9)}/sensor/${random(1000)}`,
    qos: random(2) === 0 ? 0 : 1,
    messageId: 1 + n,
    payload: letters(random, 16 * 4 ** random(5))
  }))
}

const both = <A>(of: (version: 4 | 5) => ReadonlyArray<A>): ReadonlyArray<A> => [...of(4), ...of(5)]

const properties: ReadonlyArray<mqtt.Property> = [
  { _tag: "MessageExpiryInterval", seconds: 3600 },
  { _tag: "ContentType", contentType: "application/json" }
]
const states = { 4: { version: 4 }, 5: { version: 5 } } as const

const initOf = ({ messageId, payload, qos, topic, version }: Publish) => ({
  qos,
  topicName: topic,
  packetIdentifier: qos === 0 ? undefined : messageId,
  properties: version === 5 ? properties : undefined,
  payload
})

interface MqttPacket {
  readonly cmd: "publish"
  readonly topic: string
  readonly qos: number
  readonly messageId?: number
  readonly dup: boolean
  readonly retain: boolean
  readonly payload: Buffer
  readonly properties?: Readonly<Record<string, unknown>>
}
interface MqttParser {
  on(event: "packet", listener: (packet: MqttPacket) => void): void
  parse(chunk: Buffer): number
}
interface MqttStream {
  write(chunk: Buffer | string): boolean
}
interface MqttModule {
  readonly default: {
    parser(options: { readonly protocolVersion: number }): MqttParser
    generate(packet: MqttPacket, options: { readonly protocolVersion: number }): Buffer
    writeToStream(packet: MqttPacket, stream: MqttStream, options: { readonly protocolVersion: number }): boolean
  }
}

const packetOf = ({ messageId, payload, qos, topic, version }: Publish): MqttPacket => ({
  cmd: "publish",
  topic,
  qos,
  dup: false,
  retain: false,
  payload,
  ...(qos === 0 ? {} : { messageId }),
  ...(version === 5 ? { properties: { messageExpiryInterval: 3600, contentType: "application/json" } } : {})
})

const spellPublish = (topic: string, qos: number, id: number | undefined, type: unknown, payload: Uint8Array): string =>
  `${topic} ${qos} ${id} ${String(type)} ${Buffer.from(payload).toString("latin1")}`

const mqttBytes = async (): Promise<Readonly<Record<4 | 5, Buffer>>> => {
  const { default: { generate } } = await load<MqttModule>("mqtt-packet")
  const bytesOf = (version: 4 | 5): Buffer =>
    Buffer.concat(mqttMessages(version).map((message) => generate(packetOf(message), { protocolVersion: version })))
  return { 4: bytesOf(4), 5: bytesOf(5) }
}

/** Two connections, one of each version, after each other. */
const readingBoth = <Packet>(
  bytes: Readonly<Record<4 | 5, Buffer>>,
  pushOf: (version: 4 | 5) => (chunk: Buffer, sink: (packet: Packet) => void) => void,
  spell: (packet: Packet) => string
): Contender => {
  const four = reading(bytes[4], count / 2, pushOf(4), spell)
  const five = reading(bytes[5], count / 2, pushOf(5), spell)
  return { messages: count, pass: () => four.pass() + five.pass(), check: () => four.check() + five.check() }
}

const mqttParse: Suite = {
  name: "mqtt-parse",
  about: "PUBLISH of MQTT 3.1.1 and 5, QoS 0 and 1, 16 B to 4 KiB",
  baseline: "mqtt-packet",
  limit: 0.5,
  contenders: {
    "generated": async () =>
      readingBoth<mqtt.Packet>(
        await mqttBytes(),
        (version) => framed(new Framer(mqtt.frameShape), (reader, at) => mqtt.decode(reader, at, states[version])),
        (packet) => {
          if (packet._tag !== "Publish") return packet._tag
          const type = packet.properties?.find(({ _tag }) => _tag === "ContentType") as { readonly contentType: string } | undefined
          return spellPublish(packet.topicName, packet.qos, packet.packetIdentifier, type?.contentType, packet.payload)
        }
      ),
    "mqtt-packet": async () => {
      const { default: { parser } } = await load<MqttModule>("mqtt-packet")
      return readingBoth<MqttPacket>(await mqttBytes(), (version) => {
        const one = parser({ protocolVersion: version })
        let onPacket: (packet: MqttPacket) => void = () => {}
        one.on("packet", (packet) => onPacket(packet))
        return (chunk, sink) => {
          onPacket = sink
          one.parse(chunk)
        }
      }, ({ messageId, payload, properties, qos, topic }) => spellPublish(topic, qos, messageId, properties?.["contentType"], payload))
    }
  }
}

const mqttWrite: Suite = {
  name: "mqtt-write",
  about: "the same PUBLISH packets written",
  baseline: "mqtt-packet",
  limit: 0.5,
  contenders: {
    "generated": async () =>
      pooled(
        both((version) => mqttMessages(version).map((message) => ({ init: initOf(message), states: states[version] }))),
        (writer, { init, states }) => mqtt.encodePublish(writer, init, states)
      ),
    "mqtt-packet": async () => {
      const { default: { writeToStream } } = await load<MqttModule>("mqtt-packet")
      const buffer = Buffer.alloc(chunkSize)
      let at = 0
      const stream: MqttStream = {
        write: (chunk) => {
          at += typeof chunk === "string" ? buffer.write(chunk, at) : chunk.copy(buffer, at)
          return true
        }
      }
      const options = { 4: { protocolVersion: 4 }, 5: { protocolVersion: 5 } } as const
      return writing(
        both((version) => mqttMessages(version).map((message) => ({ packet: packetOf(message), version }))),
        ({ packet, version }) => {
          at = 0
          writeToStream(packet, stream, options[version])
          return buffer.subarray(0, at)
        }
      )
    },
    "mqtt-packet, generate": async () => {
      const { default: { generate } } = await load<MqttModule>("mqtt-packet")
      const options = { 4: { protocolVersion: 4 }, 5: { protocolVersion: 5 } } as const
      return writing(
        both((version) => mqttMessages(version).map((message) => ({ packet: packetOf(message), version }))),
        ({ packet, version }) => generate(packet, options[version])
      )
    }
  }
}

export const gallery: ReadonlyArray<Suite> = [respParse, respWrite, postgresParse, postgresWrite, mqttParse, mqttWrite]
