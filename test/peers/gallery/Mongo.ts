/**
 * Records npm's mongodb driver as it talks OP_MSG with a server of ours: Debian has no mongod. The script frames the answers, npm's bson writes
 * every document in them; requests are the driver's alone.
 */
import { once } from "node:events"
import { type AddressInfo, createServer, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { deflateSync, inflateSync } from "node:zlib"
import { documents, everyType, type BsonLibrary, ejson } from "./Bson.ts"
import { hasLibrary, library, libraryVersion } from "./Programs.ts"
import { type Conversation, type Judge, overhear, type Recording } from "./TapBinary.ts"
import { fieldsOf, type Reading } from "./TsharkFields.ts"

/** Whether the driver and bson are installed. */
export const available = (): boolean => hasLibrary("mongodb") && hasLibrary("bson")

type Fields = Readonly<Record<string, unknown>>

/** What is used of the driver. */
interface Cursor {
  readonly toArray: () => Promise<ReadonlyArray<Fields>>
  readonly next: () => Promise<Fields | null>
  readonly close: () => Promise<void>
}

interface Collection {
  readonly insertOne: (document: Fields, options?: Fields) => Promise<unknown>
  readonly insertMany: (documents: ReadonlyArray<Fields>, options?: Fields) => Promise<unknown>
  readonly find: (filter: Fields, options?: Fields) => Cursor
  readonly updateOne: (filter: Fields, update: Fields, options?: Fields) => Promise<unknown>
  readonly deleteMany: (filter: Fields) => Promise<unknown>
  readonly aggregate: (pipeline: ReadonlyArray<Fields>) => Cursor
}

interface Client {
  readonly connect: () => Promise<Client>
  readonly db: (name: string) => {
    readonly command: (command: Fields) => Promise<Fields>
    readonly collection: (name: string, options?: Fields) => Collection
  }
  readonly bulkWrite: (models: ReadonlyArray<Fields>, options?: Fields) => Promise<unknown>
  readonly close: () => Promise<void>
}

interface Driver {
  readonly MongoClient: new(url: string, options: Fields) => Client
}

const opReply = 1
const opQuery = 2004
const opCompressed = 2012
const opMsg = 2013
const checksumPresent = 1
const moreToCome = 2
const exhaustAllowed = 0x1_0000

interface Request {
  readonly id: number
  readonly opcode: number
  readonly flags: number
  readonly command: Fields
}

const message = (requestId: number, responseTo: number, opcode: number, body: Uint8Array): Buffer => {
  const header = Buffer.alloc(16)
  header.writeInt32LE(16 + body.length, 0)
  header.writeInt32LE(requestId, 4)
  header.writeInt32LE(responseTo, 8)
  header.writeInt32LE(opcode, 12)
  return Buffer.concat([header, body])
}

/** The command in a request: the first section of OP_MSG, or OP_QUERY's document. */
const readRequest = (bytes: Buffer): Request => {
  const [id, opcode] = [bytes.readInt32LE(4), bytes.readInt32LE(12)]
  if (opcode === opCompressed) {
    const body = inflateSync(bytes.subarray(25))
    return readRequest(message(id, 0, bytes.readInt32LE(16), body))
  }
  const flags = bytes.readUInt32LE(16)
  const at = opcode === opQuery ? bytes.indexOf(0, 20) + 9 : 21
  const document = bytes.subarray(at, at + bytes.readInt32LE(at))
  return { id, opcode, flags, command: library<BsonLibrary>("bson").deserialize(document) }
}

const section = (document: Fields): Buffer => Buffer.concat([Buffer.from([0]), library<BsonLibrary>("bson").serialize(document)])

/** An OP_MSG with one document, or the OP_REPLY that a legacy hello gets. */
const answer = (request: Request, document: Fields, responseId: number, flags = 0): Buffer => {
  if (request.opcode === opQuery) {
    const head = Buffer.alloc(20)
    head.writeInt32LE(8, 0) // AwaitCapable
    head.writeInt32LE(1, 16)
    return message(responseId, request.id, opReply, Buffer.concat([head, library<BsonLibrary>("bson").serialize(document)]))
  }
  const head = Buffer.alloc(4)
  head.writeUInt32LE(flags)
  return message(responseId, request.id, opMsg, Buffer.concat([head, section(document)]))
}

const compressed = (plain: Buffer): Buffer => {
  const head = Buffer.alloc(9)
  head.writeInt32LE(plain.readInt32LE(12), 0)
  head.writeInt32LE(plain.length - 16, 4)
  head.writeUInt8(2, 8) // zlib
  const body = Buffer.concat([head, deflateSync(plain.subarray(16))])
  return message(plain.readInt32LE(4), plain.readInt32LE(8), opCompressed, body)
}

/** A server by script: what it says to a command, or nothing when the command is to get no answer. */
type Script = (request: Request, socket: Socket) => Fields | Buffer | undefined

const hello = (command: Fields): Fields => {
  const { Int32, ObjectId } = library<BsonLibrary>("bson")
  return {
    helloOk: true,
    ismaster: true,
    isWritablePrimary: true,
    topologyVersion: { processId: new ObjectId("65000000000000000000000a"), counter: library<BsonLibrary>("bson").Long.fromNumber(6) },
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    localTime: new Date(1_700_000_000_000),
    logicalSessionTimeoutMinutes: 30,
    connectionId: new Int32(7),
    minWireVersion: 0,
    maxWireVersion: 25,
    readOnly: false,
    ...(Array.isArray(command["compression"]) && command["compression"].length > 0 ? { compression: ["zlib"] } : {}),
    ok: 1
  }
}

const isHello = ({ command }: Request): boolean => "hello" in command || "ismaster" in command || "isMaster" in command

const rows = (from: number, to: number): ReadonlyArray<Fields> =>
  Array.from({ length: to - from }, (_, i) => ({ _id: from + i, name: `document ${from + i}`, padding: "p".repeat(120) }))

const script: Script = ({ command }) => {
  const { Long } = library<BsonLibrary>("bson")
  const cursor = (id: number, batch: "firstBatch" | "nextBatch", found: ReadonlyArray<Fields>): Fields => ({
    cursor: { [batch]: found, id: Long.fromNumber(id), ns: "gallery.things" },
    ok: 1
  })
  if ("find" in command) {
    const { filter } = command as { readonly filter: Fields }
    if (filter["types"] === true) return cursor(0, "firstBatch", documents().map(({ document }) => document))
    if (filter["broken"] === true) return { ok: 0, errmsg: "unknown operator: $nonsense", code: 2, codeName: "BadValue" }
    return cursor(1234567890123, "firstBatch", rows(0, 20))
  }
  if ("getMore" in command) return cursor(1234567890123, "nextBatch", rows(20, 60))
  if ("aggregate" in command) return cursor(0, "firstBatch", [{ _id: null, total: 2.5, many: Long.fromNumber(3) }])
  if ("insert" in command) return { n: 1, electionId: new (library<BsonLibrary>("bson").ObjectId)("7fffffff0000000000000001"), ok: 1 }
  if ("update" in command) return { n: 1, nModified: 0, upserted: [{ index: 0, _id: 5 }], ok: 1 }
  if ("delete" in command) {
    return {
      n: 0,
      writeErrors: [{ index: 0, code: 11000, errmsg: "E11000 duplicate key", keyPattern: { a: 1 }, keyValue: { a: "x" } }],
      ok: 1
    }
  }
  if ("killCursors" in command) {
    return { cursorsKilled: [Long.fromNumber(1234567890123)], cursorsNotFound: [], cursorsAlive: [], cursorsUnknown: [], ok: 1 }
  }
  if ("bulkWrite" in command) {
    const found = {
      firstBatch: [{ ok: 1, idx: 0, n: 1 }, { ok: 1, idx: 1, n: 1 }, { ok: 1, idx: 2, n: 1 }],
      id: Long.ZERO,
      ns: "admin.$cmd.bulkWrite"
    }
    return { ok: 1, cursor: found, nErrors: 0, nInserted: 2, nUpserted: 0, nMatched: 0, nModified: 0, nDeleted: 1 }
  }
  return { ok: 1 }
}

/** Answers everyone by a script. */
const serve = async (said: Script) => {
  const sockets = new Set<Socket>()
  let ids = 1000
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => {}).once("close", () => sockets.delete(socket))
    let rest = Buffer.alloc(0)
    socket.on("data", (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes])
      while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
        const bytes = rest.subarray(0, rest.readInt32LE(0))
        rest = rest.subarray(bytes.length)
        const request = readRequest(bytes)
        const reply = isHello(request) ? hello(request.command) : said(request, socket)
        if (reply === undefined || (request.opcode === opMsg && (request.flags & moreToCome) > 0)) continue
        const streams = (request.flags & exhaustAllowed) > 0 && request.opcode === opMsg && "topologyVersion" in request.command
        if (streams) {
          // the monitor goes on to listen, and is told twice
          const first = ids++
          const more = ids++
          socket.write(answer(request, reply as Fields, first, moreToCome))
          setTimeout(() => socket.write(answer({ ...request, id: first }, reply as Fields, more, moreToCome)), 50).unref()
          continue
        }
        const whole = Buffer.isBuffer(reply) ? reply : answer(request, reply, ids++)
        socket.write(bytes.readInt32LE(12) === opCompressed ? compressed(whole) : whole)
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

const open = (port: number, options: Fields = {}): Promise<Client> =>
  new (library<Driver>("mongodb").MongoClient)(`mongodb://127.0.0.1:${port}/`, {
    directConnection: true,
    serverMonitoringMode: "poll",
    heartbeatFrequencyMS: 60_000,
    maxPoolSize: 1,
    serverSelectionTimeoutMS: 5000,
    socketTimeoutMS: 5000,
    ...options
  }).connect()

const talk = async (
  name: string,
  act: (client: Client, things: Collection) => Promise<unknown>,
  options: Fields = {}
): Promise<ReadonlyArray<Conversation>> => {
  const server = await serve(script)
  try {
    return await overhear(name, "tcp", server.port, async (port) => {
      const client = await open(port, options)
      try {
        await act(client, client.db("gallery").collection("things"))
      } finally {
        await client.close()
      }
    })
  } finally {
    server.end()
  }
}

/** Records all of it afresh. */
export const record = async (): Promise<Recording> => {
  const { ObjectId } = library<BsonLibrary>("bson")
  const fixed = (i: number): unknown => new ObjectId(`650000000000000000000${String(i).padStart(3, "0")}`)
  const conversations = [
    ...await talk("ping, and one document", async (client, things) => {
      await client.db("admin").command({ ping: 1 })
      await things.insertOne({ _id: fixed(1), hello: "world", n: 1 })
    }),
    ...await talk("every type inserted", (_, things) => things.insertOne({ _id: fixed(2), ...everyType() })),
    ...await talk("every type found", (_, things) => things.find({ types: true }).toArray()),
    ...await talk("many documents", async (_, things) => {
      await things.insertMany(rows(0, 40))
      const cursor = things.find({ name: { $exists: true }, $or: [{ _id: { $gt: -1 } }, { _id: null }] }, {
        sort: { _id: 1 },
        projection: { padding: 1 },
        batchSize: 20,
        comment: "gallery"
      })
      for (let i = 0; i < 30; i++) await cursor.next()
      await cursor.close()
    }),
    ...await talk("update, delete, aggregate, and what fails", async (_, things) => {
      await things.updateOne({ a: /^x.*y$/i }, { $set: { "b.c": [1, 2] }, $inc: { n: 1 } }, { upsert: true })
      await things.deleteMany({ a: "x" }).catch(() => {})
      await things.aggregate([{ $match: { a: 1 } }, { $group: { _id: null, total: { $sum: "$n" } } }]).toArray()
      await things.find({ broken: true }).toArray().catch(() => {})
    }),
    ...await talk("bulkWrite in document sequences", (client) =>
      client.bulkWrite([
        { name: "insertOne", namespace: "gallery.things", document: { _id: fixed(3), a: 1 } },
        { name: "insertOne", namespace: "gallery.others", document: { _id: fixed(4), b: "two" } },
        { name: "deleteOne", namespace: "gallery.things", filter: { a: 1 } }
      ])),
    ...await talk("writes that want no answer", async (client) => {
      await client.db("gallery").collection("things", { writeConcern: { w: 0 } }).insertOne({ _id: fixed(5), unacknowledged: true })
      await client.db("admin").command({ ping: 1 })
    }),
    ...await talk("zlib", async (client, things) => {
      await client.db("admin").command({ ping: 1 })
      await things.insertMany(rows(0, 10))
      await things.find({ types: true }).toArray()
    }, { compressors: ["zlib"], zlibCompressionLevel: 6 }),
    ...await talk("hello in OP_MSG", (client) => client.db("admin").command({ ping: 1 }), { serverApi: { version: "1" } }),
    ...await talk("a monitor that is told more than it asks", async (client) => {
      await client.db("admin").command({ ping: 1 })
      await sleep(1200)
    }, { serverMonitoringMode: "stream", heartbeatFrequencyMS: 500 })
  ]
  const server = `a script of ours; its documents are written by ${libraryVersion("bson")}`
  return { origin: { server, clients: [libraryVersion("mongodb")], recorded: "relay on loopback; no mongod was to be had" }, conversations }
}

/** The documents in messages of a client, read by npm's bson; it fails where lengths do not add up. */
const requestDocuments = (bytes: Buffer): ReadonlyArray<string> => {
  const size = bytes.length < 16 ? -1 : bytes.readInt32LE(0)
  if (size < 16 || size > bytes.length) throw new Error("length of the message")
  if (size < bytes.length) return [...requestDocuments(bytes.subarray(0, size)), ...requestDocuments(bytes.subarray(size))]
  const { deserialize } = library<BsonLibrary>("bson")
  const found: Array<string> = []
  const document = (at: number): number => {
    const end = at + bytes.readInt32LE(at)
    found.push(ejson(deserialize(bytes.subarray(at, end), { promoteValues: false, bsonRegExp: true })))
    return end
  }
  const opcode = bytes.readInt32LE(12)
  if (opcode === opCompressed) {
    const body = inflateSync(bytes.subarray(25))
    if (body.length !== bytes.readInt32LE(20)) throw new Error("length of the compressed message")
    return requestDocuments(message(0, 0, bytes.readInt32LE(16), body))
  }
  if (opcode === opQuery) {
    if (document(bytes.indexOf(0, 20) + 9) !== size) throw new Error("length of the query")
    return found
  }
  if (opcode !== opMsg) throw new Error(`opcode ${opcode}`)
  const end = size - ((bytes.readUInt32LE(16) & checksumPresent) > 0 ? 4 : 0)
  let at = 20
  while (at < end) {
    const kind = bytes[at++]
    if (kind === 0) at = document(at)
    else if (kind === 1) {
      const until = at + bytes.readInt32LE(at)
      at = bytes.indexOf(0, at + 4) + 1
      while (at < until) at = document(at)
      if (at !== until) throw new Error("length of the section")
    } else throw new Error(`section of kind ${kind}`)
  }
  if (at !== end) throw new Error("length of the sections")
  return found
}

/**
 * Messages of a server are put before the driver as the answer to a ping, with the number of its request; it has understood one when it hands
 * over the document, or the error, in it. For messages of a client there is no server: npm's bson reads their documents, and the lengths must
 * add up. Documents are said as canonical extended JSON, one per line.
 */
export const judge = async (): Promise<Judge> => {
  let next: Uint8Array = new Uint8Array(0)
  const server = await serve(({ id }) => {
    const bytes = Buffer.from(next)
    if (bytes.length >= 12) bytes.writeInt32LE(id, 8)
    return bytes
  })
  return {
    accepts: async (from, bytes) => {
      try {
        if (from === "client") return { understood: true, said: requestDocuments(Buffer.from(bytes)).join("\n") }
        const client = await open(server.port, {
          socketTimeoutMS: 1000,
          promoteValues: false,
          promoteLongs: false,
          bsonRegExp: true,
          retryReads: false
        })
        next = bytes
        try {
          return { understood: true, said: ejson(await client.db("admin").command({ ping: 1 })) }
        } catch (error) {
          if ((error as Error).name !== "MongoServerError") throw error
          return { understood: true, said: ejson((error as { readonly errorResponse: unknown }).errorResponse) }
        } finally {
          // a goodbye is not to be answered with these bytes again
          await client.close()
        }
      } catch (error) {
        return { understood: false, said: String(error) }
      }
    },
    end: async () => server.end()
  }
}

/** What tshark is asked to read. */
export const reading: Reading = {
  dissector: "mongo",
  port: 27_017,
  fields: fieldsOf(
    "mongo",
    `message_length request_id response_to opcode full_collection_name msg.flags.checksumpresent msg.flags.moretocome
    msg.flags.exhaustallowed msg.sections.section.kind msg.sections.section.size msg.sections.section.doc_sequence_id
    document.length element.name element.type element.value.length compression.compressor compression.original_opcode
    compression.original_size`
  )
}
