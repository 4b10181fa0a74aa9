/**
 * Records Kafka's ApiVersions, Metadata, Produce and Fetch. Up to the versions that it speaks, the broker is the one that librdkafka brings for
 * its own tests; above them it is a script of ours, written after the protocol guide. Requests come from npm's kafkajs and @platformatic/kafka.
 */
import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { fileURLToPath } from "node:url"
import { hasLibrary, hasProgram, hasPythonModule, library, libraryVersion, python, run, start } from "./Programs.ts"
import { type Conversation, type Judge, overhear, type Recording } from "./TapBinary.ts"
import { fieldsOf, type Reading, readWithTshark } from "./TsharkFields.ts"

/** Whether librdkafka, kafka-python and the two libraries are installed. */
export const available = (): boolean =>
  hasProgram("kcat") && hasPythonModule("kafka.vendor.six") && ["kafkajs", "@platformatic/kafka"].every(hasLibrary)

type Fields = Readonly<Record<string, unknown>>

/** A request and its reader inside of kafkajs. */
interface KafkajsCall {
  readonly request: { readonly apiKey: number; readonly apiVersion: number }
  readonly response: { readonly decode: (bytes: Buffer) => Promise<Fields>; readonly parse: (data: Fields) => Promise<Fields> }
}

interface KafkajsApi {
  readonly protocol: (of: { readonly version: number }) => (values: Fields) => KafkajsCall
}

interface Kafkajs {
  readonly Kafka: new(options: Fields) => {
    readonly producer: (options?: Fields) => {
      readonly connect: () => Promise<void>
      readonly send: (batch: Fields) => Promise<unknown>
      readonly disconnect: () => Promise<void>
    }
  }
}

interface PlatformaticConnection {
  readonly connect: (host: string, port: number) => Promise<void>
  readonly close: () => Promise<void>
}

interface PlatformaticApi {
  readonly api: { readonly async: (connection: PlatformaticConnection, ...values: ReadonlyArray<unknown>) => Promise<unknown> }
}

const calls = { produce: 0, fetch: 1, metadata: 3, apiVersions: 18 } as const
type Call = keyof typeof calls

type Platformatic =
  & { readonly Connection: new(client: string, options?: Fields) => PlatformaticConnection }
  & Readonly<Record<`${Call}V${number}`, PlatformaticApi>>

const kafkajs = (call: Call, version: number, values: Fields): KafkajsCall =>
  library<KafkajsApi>(`kafkajs/src/protocol/requests/${call}`).protocol({ version })(values)

/** A request as kafkajs frames it. */
const framed = async (call: KafkajsCall, correlationId: number): Promise<Buffer> => {
  const request = library<(of: Fields) => Promise<{ readonly buffer: Buffer }>>("kafkajs/src/protocol/request")
  return (await request({ correlationId, clientId: "gallery", request: call.request })).buffer
}

/** Sends a request on a connection, and waits for the response with its size. */
const ask = async (socket: Socket, request: Uint8Array): Promise<Buffer> => {
  socket.write(request)
  let bytes = Buffer.alloc(0)
  while (bytes.length < 4 || bytes.length < 4 + bytes.readInt32BE(0)) {
    const [chunk] = await once(socket, "data", { signal: AbortSignal.timeout(5000) }) as [Buffer]
    bytes = Buffer.concat([bytes, chunk])
  }
  return bytes
}

/** A conversation of requests of kafkajs, whose own readers take every response. */
const talk = async (name: string, port: number, requests: ReadonlyArray<readonly [call: Call, version: number, values: Fields]>) =>
  overhear(name, "tcp", port, async (tapped) => {
    const socket = connect(tapped, "127.0.0.1")
    await once(socket, "connect")
    let id = 1
    for (const [call, version, values] of requests) {
      const one = kafkajs(call, version, values)
      const response = await ask(socket, await framed(one, id++))
      await one.response.parse(await one.response.decode(response.subarray(8)))
    }
    socket.end()
  })

const records = (count: number, size: number) =>
  Array.from({ length: count }, (_, i) => ({
    key: i % 3 === 0 ? null : Buffer.from(`key ${i}`),
    value: i % 4 === 1 ? null : Buffer.from("value ".repeat(size).slice(0, size)),
    timestamp: 1_700_000_000_000 + i * 250,
    headers: i % 2 === 0 ? {} : { source: "gallery", [`number ${i}`]: Buffer.from([i, 255]) }
  }))

const produced = (count: number, size: number, compression: number, topic = "gallery"): Fields => ({
  acks: -1,
  timeout: 1000,
  compression,
  transactionalId: null,
  producerId: -1,
  producerEpoch: -1,
  topicData: [{ topic, partitions: [{ partition: 0, firstSequence: -1, messages: records(count, size) }] }]
})

const fetched = (topic: string, partition: number, fetchOffset: number, bytes = 1_000_000): Fields => ({
  maxWaitTime: 20,
  minBytes: 1,
  maxBytes: bytes,
  isolationLevel: 0,
  sessionId: 0,
  sessionEpoch: -1,
  rackId: "",
  forgottenTopics: [],
  topics: [{ topic, partitions: [{ partition, currentLeaderEpoch: -1, fetchOffset, logStartOffset: -1, maxBytes: bytes }] }]
})

const gzip = 1

/** Everything that librdkafka's broker speaks. */
const withLibrdkafka = async (port: number): Promise<ReadonlyArray<Conversation>> => [
  ...await talk("ApiVersions 0–2", port, [0, 1, 2].map((version) => ["apiVersions", version, {}] as const)),
  ...await talk(
    "Metadata 0–2",
    port,
    [0, 1, 2].flatMap((version) => [
      ["metadata", version, { topics: [] }] as const,
      ["metadata", version, { topics: ["gallery", "other"] }] as const
    ])
  ),
  // librdkafka 2.0.2 leaves the log's start offset out of its answer to version 5
  ...await talk(
    "Produce 3–7, without 5",
    port,
    [3, 4, 6, 7].flatMap((version) => [
      ["produce", version, produced(3, 20, 0)] as const,
      ["produce", version, produced(4, 60, gzip)] as const
    ])
  ),
  ...await talk(
    "Fetch 4–11",
    port,
    [4, 5, 6, 7, 8, 9, 10, 11].flatMap((version) => [
      // the broker hands over one batch at a time: a plain one, and one in gzip
      ["fetch", version, fetched("gallery", 0, version % 2 === 0 ? 0 : 3)] as const,
      ["fetch", version, fetched("gallery", 1, 0)] as const
    ])
  ),
  ...await talk("Produce and Fetch of 8,000 bytes", port, [
    ["produce", 7, produced(10, 1000, 0, "other")],
    ["produce", 7, produced(10, 1000, gzip, "other")],
    ["fetch", 11, fetched("other", 0, 0)]
  ]),
  ...await overhear("kafkajs's producer", "tcp", port, async (tapped) => {
    const socketFactory = ({ onConnect }: { readonly onConnect: () => void }) => connect(tapped, "127.0.0.1", onConnect)
    const brokers = [`127.0.0.1:${port}`]
    const producer = new (library<Kafkajs>("kafkajs").Kafka)({ clientId: "gallery", brokers, socketFactory, logLevel: 0 }).producer()
    await producer.connect()
    await producer.send({
      topic: "gallery",
      compression: gzip,
      messages: records(5, 30).map((one) => ({ ...one, timestamp: `${one.timestamp}` }))
    })
    await producer.send({ topic: "gallery", acks: 1, messages: [{ value: "without a key" }, { key: "k", value: "with a key" }] })
    await producer.disconnect()
  }),
  ...(await overhear(
    "librdkafka asks for ApiVersions 3, is refused, and asks for 0",
    "tcp",
    port,
    (tapped) => run("kcat", ["-b", `127.0.0.1:${tapped}`, "-L", "-m", "5"])
  ))
]

const int = (size: number) => (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes.subarray(8 - size)
}
const [i8, i16, i32, i64] = [int(1), int(2), int(4), int(8)]
const varint = (value: number): Buffer =>
  value < 128 ? Buffer.from([value]) : Buffer.concat([Buffer.from([value & 127 | 128]), varint(value >>> 7)])
const tags = (...fields: ReadonlyArray<readonly [tag: number, value: Buffer]>): Buffer =>
  Buffer.concat([varint(fields.length), ...fields.flatMap(([tag, value]) => [varint(tag), varint(value.length), value])])

/** The notations that differ between versions: of strings, arrays, and what ends a structure. */
const notation = (flexible: boolean) => ({
  text: (value: string | null): Buffer => {
    const bytes = Buffer.from(value ?? "")
    const size = value === null ? -1 : bytes.length
    return Buffer.concat([flexible ? varint(size + 1) : i16(size), bytes])
  },
  list: (items: ReadonlyArray<Buffer>): Buffer => Buffer.concat([flexible ? varint(items.length + 1) : i32(items.length), ...items]),
  end: flexible ? tags() : Buffer.alloc(0)
})

const uuid = Buffer.from("00112233445566778899aabbccddeeff", "hex")

/** A Metadata response from version 6 on, after the protocol guide. */
const metadata = (version: number): Buffer => {
  const { end, list, text } = notation(version >= 9)
  const broker = (id: number, host: string, port: number, rack: string | null) =>
    Buffer.concat([i32(id), text(host), i32(port), text(rack), end])
  const partition = (error: number, index: number, leader: number) =>
    Buffer.concat([
      i16(error),
      i32(index),
      i32(leader),
      version >= 7 ? i32(5) : end.subarray(0, 0),
      list([i32(1), i32(2)]),
      list([i32(leader)]),
      list([i32(3 - leader)]),
      end
    ])
  const topic = (name: string, internal: number, partitions: ReadonlyArray<Buffer>) =>
    Buffer.concat([
      i16(0),
      text(name),
      version >= 10 ? uuid : Buffer.alloc(0),
      i8(internal),
      list(partitions),
      version >= 8 ? i32(-2_147_483_648) : Buffer.alloc(0),
      end
    ])
  return Buffer.concat([
    i32(3),
    list([broker(1, "127.0.0.1", 9092, null), broker(2, "broker-2.gallery.test", 9093, "rack-b")]),
    text("gallery-cluster"),
    i32(1),
    list([topic("gallery", 0, [partition(0, 0, 1), partition(0, 1, 2)]), topic("__offsets", 1, [])]),
    version >= 8 && version <= 10 ? i32(3400) : Buffer.alloc(0),
    end
  ])
}

const produceAnswer = (version: number): Buffer => {
  const { end, list, text } = notation(version >= 9)
  const partition = Buffer.concat([i32(0), i16(0), i64(42), i64(-1), i64(7), ...(version >= 8 ? [list([]), text(null)] : []), end])
  return Buffer.concat([list([Buffer.concat([text("gallery"), list([partition]), end])]), i32(0), end])
}

const fetchAnswer = (batches: Buffer): Buffer => {
  const { end, list, text } = notation(true)
  const partition = (index: number, held: Buffer, aborted: ReadonlyArray<Buffer>) =>
    Buffer.concat([
      i32(index),
      i16(0),
      i64(9),
      i64(9),
      i64(0),
      list(aborted),
      i32(-1),
      varint(held.length + 1),
      held,
      index === 0 ? end : tags([1, Buffer.concat([i32(2), i32(5), tags()])])
    ])
  const partitions = [partition(0, batches, []), partition(1, Buffer.alloc(0), [Buffer.concat([i64(77), i64(3), end])])]
  return Buffer.concat([i32(0), i16(0), i32(12), list([Buffer.concat([text("gallery"), list(partitions), end])]), end])
}

const apiVersions3 = (): Buffer => {
  const { end, list } = notation(true)
  const apis = [[0, 3, 9], [1, 4, 12], [3, 0, 12], [18, 0, 3]].map((numbers) => Buffer.concat([...numbers.map(i16), end]))
  return Buffer.concat([i16(0), list(apis), i32(0), tags([1, i64(-1)])])
}

/** Answers what librdkafka's broker does not speak. Batches in Fetch are the bytes that kafkajs wrote for a Produce. */
const serveScript = async () => {
  const { text } = await run(python, [fileURLToPath(new URL("kafkaResponses.py", import.meta.url))])
  const written = JSON.parse(text) as Readonly<Record<string, string>>
  const produce = await framed(kafkajs("produce", 7, produced(6, 50, 0)), 1)
  // a batch begins 16 bytes before its magic, which follows its length and leader epoch; kafkajs sends one, at the end
  const size = produce.indexOf(Buffer.from("gallery"), 30) + 7 + 4 + 4
  const batch = produce.subarray(size + 4)
  if (produce.readInt32BE(size) !== batch.length) throw new Error("no batch in the request")
  const answer = (key: number, version: number): Buffer => {
    if (key === calls.metadata) return written[version] === undefined ? metadata(version) : Buffer.from(written[version], "hex")
    if (key === calls.produce) return produceAnswer(version)
    return key === calls.fetch ? fetchAnswer(batch) : apiVersions3()
  }
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let rest = Buffer.alloc(0)
    socket.on("error", () => {}).on("data", (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes])
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
        const [key, version, id] = [rest.readInt16BE(4), rest.readInt16BE(6), rest.readInt32BE(8)]
        rest = rest.subarray(4 + rest.readInt32BE(0))
        const flexible = key === calls.metadata && version >= 9 || key === calls.produce && version >= 9 ||
          key === calls.fetch && version >= 12
        const body = Buffer.concat([i32(id), flexible ? tags() : Buffer.alloc(0), answer(key, version)])
        socket.write(Buffer.concat([i32(body.length), body]))
      }
    })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    port: (server.address() as AddressInfo).port,
    end: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  }
}

/** A conversation of @platformatic/kafka with the script; its own readers take every response. */
const platformatic = (name: string, port: number, act: (connection: PlatformaticConnection, apis: Platformatic) => Promise<unknown>) =>
  overhear(name, "tcp", port, async (tapped) => {
    const apis = library<Platformatic>("@platformatic/kafka")
    const connection = new apis.Connection("gallery")
    await connection.connect("127.0.0.1", tapped)
    await act(connection, apis)
    await connection.close()
  })

const messages = (count: number, size: number) =>
  Array.from({ length: count }, (_, i) => ({
    topic: "gallery",
    partition: i % 2,
    key: Buffer.from(`key ${i}`),
    value: Buffer.from("value ".repeat(size).slice(0, size)),
    timestamp: 1_700_000_000_000n + BigInt(i),
    headers: new Map([[Buffer.from("source"), Buffer.from("gallery")]])
  }))

/** Metadata 7 and 8, which no library at hand asks: kafkajs's 6 with another number, and for 8 the guide's two new fields. */
const derivedMetadata = async (version: number): Promise<Buffer> => {
  const six = await framed(kafkajs("metadata", 6, { topics: ["gallery"], allowAutoTopicCreation: false }), version)
  const bytes = Buffer.concat([six, version === 8 ? Buffer.from([1, 1]) : Buffer.alloc(0)])
  bytes.writeInt32BE(bytes.length - 4, 0)
  bytes.writeInt16BE(version, 6)
  return bytes
}

const withScript = async (): Promise<ReadonlyArray<Conversation>> => {
  const { end, port } = await serveScript()
  const fetchTopics = [{
    topicId: "gallery",
    partitions: [0, 1].map((partition) => ({
      partition,
      currentLeaderEpoch: 5,
      fetchOffset: 0n,
      lastFetchedEpoch: -1,
      partitionMaxBytes: 1_048_576
    }))
  }]
  try {
    return [
      ...await talk("Metadata 6", port, [
        ["metadata", 6, { topics: [], allowAutoTopicCreation: true }],
        ["metadata", 6, { topics: ["gallery"], allowAutoTopicCreation: false }]
      ]),
      ...await talk("Produce 5", port, [["produce", 5, produced(2, 20, 0)]]),
      ...await overhear("Metadata 3–5 with an unknown topic", "tcp", port, async (tapped) => {
        const socket = connect(tapped, "127.0.0.1")
        await once(socket, "connect")
        for (const version of [3, 4, 5]) {
          await ask(
            socket,
            await framed(kafkajs("metadata", version, { topics: ["gallery", "missing"], allowAutoTopicCreation: false }), version)
          )
        }
        socket.end()
      }),
      ...await overhear("Metadata 7 and 8", "tcp", port, async (tapped) => {
        const socket = connect(tapped, "127.0.0.1")
        await once(socket, "connect")
        for (const version of [7, 8]) await ask(socket, await derivedMetadata(version))
        socket.end()
      }),
      ...await platformatic(
        "ApiVersions 3",
        port,
        (connection, { apiVersionsV3 }) => apiVersionsV3!.api.async(connection, "gallery", "1.0.0")
      ),
      ...await platformatic("Metadata 9–12", port, async (connection, apis) => {
        for (const version of [9, 10, 11, 12] as const) {
          const api = apis[`metadataV${version}`]!
          await api.api.async(connection, ["gallery", "other"], false, true)
          await api.api.async(connection, [], true, false)
        }
      }),
      ...await platformatic("Produce 8 and 9", port, async (connection, apis) => {
        for (const version of [8, 9] as const) {
          const api = apis[`produceV${version}`]!
          await api.api.async(connection, -1, 1000, messages(3, 40), {})
          await api.api.async(connection, 1, 1000, messages(4, 900), { compression: "gzip" })
          await api.api.async(connection, 1, 1000, messages(4, 900), {})
        }
      }),
      ...await platformatic(
        "Fetch 12",
        port,
        (connection, { fetchV12 }) => fetchV12!.api.async(connection, 20, 1, 1_048_576, 1, 0, -1, fetchTopics, [], "rack-a")
      )
    ]
  } finally {
    end()
  }
}

const startMock = async () => {
  const mock = await start(python, [fileURLToPath(new URL("kafkaMock.py", import.meta.url))], (text) => /127\.0\.0\.1:\d+\n/.test(text))
  const [, version, port] = /^(\S+) 127\.0\.0\.1:(\d+)$/m.exec(mock.printed())!
  return { end: mock.end, version: version!, port: Number(port) }
}

/** Records all of it afresh. */
export const record = async (): Promise<Recording> => {
  const mock = await startMock()
  try {
    const clients = [libraryVersion("kafkajs"), libraryVersion("@platformatic/kafka"), `librdkafka ${mock.version} in kcat`]
    const server =
      `the broker of librdkafka ${mock.version}; a script of ours for Metadata 3–12, Produce 5, 8 and 9, Fetch 12, ApiVersions 3`
    const conversations = [...await withLibrdkafka(mock.port), ...await withScript()]
    return { origin: { server, clients, recorded: "relay on loopback; see ORIGIN.md for which side is foreign" }, conversations }
  } finally {
    await mock.end()
  }
}

/** The readers inside of kafkajs or @platformatic/kafka of what answers a request. */
const read = async (request: Buffer, response: Buffer): Promise<unknown> => {
  const [key, version] = [request.readInt16BE(4), request.readInt16BE(6)]
  const call = (Object.keys(calls) as ReadonlyArray<Call>).find((name) => calls[name] === key)
  if (call === undefined) throw new Error(`API ${key}`)
  if (response.readInt32BE(0) !== response.length - 4) throw new Error("size of the response")
  try {
    const { response: reader } = kafkajs(call, version, {
      topics: [],
      topicData: [],
      maxWaitTime: 0
    })
    return await reader.parse(await reader.decode(response.subarray(8)))
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
  }
  const { Connection, ...apis } = library<Platformatic>("@platformatic/kafka")
  const api = apis[`${call}V${version}`]
  if (api === undefined) throw new Error(`${call} ${version} is known to nobody here`)
  const answering = createServer((socket) => socket.on("error", () => {}).on("data", () => socket.write(response)))
  answering.listen(0, "127.0.0.1")
  await once(answering, "listening")
  const connection = new Connection("gallery", { requestTimeout: 2000 })
  try {
    await connection.connect("127.0.0.1", (answering.address() as AddressInfo).port)
    response.writeInt32BE(1, 4)
    const values = call === "apiVersions"
      ? ["", ""]
      : call === "metadata"
      ? [[]]
      : call === "produce"
      ? [1, 0, []]
      : [0, 0, 0, 0, 0, -1, [], [], ""]
    return await api.api.async(connection, ...values)
  } finally {
    await connection.close()
    answering.close()
  }
}

/** Versions up to which broker and tshark 4.0.17 read requests: beyond, tshark takes sound ones for malformed. */
const readByBroker: Readonly<Record<number, number>> = { 0: 7, 1: 11, 3: 2, 18: 2 }
const readByTshark: Readonly<Record<number, number>> = { 0: 8, 3: 8, 18: 3 }

/**
 * A request of a version that librdkafka's broker speaks goes to that; it was understood when the broker answers it. Newer ones are read by
 * tshark, where that can; nobody here reads requests of Metadata from 9, Produce 9, and Fetch 12. Bytes of a server must begin with the request that they answer, because only that says what they are: a reader of kafkajs or
 * @platformatic/kafka takes the rest. What they said is JSON.
 */
export const judge = async (): Promise<Judge> => {
  const mock = await startMock()
  return {
    accepts: async (from, bytes) => {
      const whole = Buffer.from(bytes)
      try {
        if (from === "server") {
          const end = 4 + whole.readInt32BE(0)
          const json = await read(whole.subarray(0, end), whole.subarray(end))
          return { understood: true, said: JSON.stringify(json, (_, value: unknown) => typeof value === "bigint" ? String(value) : value) }
        }
        if (whole.readInt32BE(0) !== whole.length - 4) return { understood: false, said: "size of the request" }
        if ((readByBroker[whole.readInt16BE(4)] ?? -1) >= whole.readInt16BE(6)) {
          const socket = connect(mock.port, "127.0.0.1").on("error", () => {})
          try {
            const response = await ask(socket, whole)
            return { understood: true, said: response.toString("hex") }
          } finally {
            socket.destroy()
          }
        }
        if ((readByTshark[whole.readInt16BE(4)] ?? -1) < whole.readInt16BE(6)) throw new Error("nobody here reads requests of this version")
        const conversations = [{ name: "judged", transport: "tcp" as const, chunks: [{ from, hex: whole.toString("hex") }] }]
        const { malformed, packets } = readWithTshark({ origin: { server: "", clients: [], recorded: "" }, conversations }, reading)
        const mismatch = packets.some(({ fields }) => fields["kafka.pdu_length_mismatch"] !== undefined)
        return { understood: malformed.length === 0 && packets.length > 0 && !mismatch, said: JSON.stringify(packets) }
      } catch (error) {
        return { understood: false, said: String(error) }
      }
    },
    end: mock.end
  }
}

/** What tshark is asked to read. */
export const reading: Reading = {
  dissector: "kafka",
  port: 9092,
  fields: fieldsOf(
    "kafka",
    `len request_key request.version response_key response.version correlation_id client_id error throttle_time topic_name partition_id
    leader_id leader_epoch node_id host port rack cluster_id offset first_offset required_acks timeout batch_crc batch_codec batch_size
    message_key message_value header_key api_versions.api_key api_versions.min_version api_versions.max_version tagged_field_tag
    pdu_length_mismatch`
  )
}
