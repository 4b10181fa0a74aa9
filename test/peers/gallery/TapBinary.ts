/**
 * Listens in on a conversation between a client and a server of other people: a relay on loopback that notes who sent which bytes, over TCP
 * or UDP, and the shape in which the recordings are kept. It knows no protocol.
 */
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { readFileSync, writeFileSync } from "node:fs"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

/** Who sent something. */
export type Side = "client" | "server"

/** Bytes as one read, or one datagram, brought them. */
export interface Chunk {
  readonly from: Side
  readonly hex: string
}

/** Everything that went over one connection, or between one UDP client and its server. */
export interface Conversation {
  readonly name: string
  readonly transport: "tcp" | "udp" | "unix"
  readonly chunks: ReadonlyArray<Chunk>
}

/** A file of `test/fixtures/gallery`. */
export interface Recording {
  readonly origin: {
    /** With its version. */
    readonly server: string
    readonly clients: ReadonlyArray<string>
    readonly recorded: string
  }
  readonly conversations: ReadonlyArray<Conversation>
}

/** What a foreign program made of bytes that it was given. */
export interface Verdict {
  readonly understood: boolean
  /** What it said, in its own words. */
  readonly said: string
}

/** A foreign program that is given bytes as if one side of the protocol had sent them. */
export interface Judge {
  readonly accepts: (from: Side, bytes: Uint8Array) => Promise<Verdict>
  readonly end: () => Promise<void>
}

/** A running relay. */
export interface Tap {
  readonly port: number
  /** What went over each connection so far, in the order they were opened. */
  readonly heard: () => ReadonlyArray<ReadonlyArray<Chunk>>
  readonly end: () => Promise<void>
}

const chunk = (from: Side, bytes: Uint8Array): Chunk => ({ from, hex: Buffer.from(bytes).toString("hex") })

/** Relays TCP connections to a port of this machine. */
export const tapTcp = async (target: number): Promise<Tap> => {
  const connections: Array<Array<Chunk>> = []
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const chunks: Array<Chunk> = []
    connections.push(chunks)
    const upstream = connect(target, "127.0.0.1")
    const relay = (from: Side, source: Socket, sink: Socket): void => {
      sockets.add(source)
      source.setNoDelay(true)
      source.on("data", (bytes) => {
        chunks.push(chunk(from, bytes))
        sink.write(bytes)
      })
      source.once("end", () => sink.end())
      source.once("error", () => sink.destroy())
      source.once("close", () => sockets.delete(source))
    }
    relay("client", client, upstream)
    relay("server", upstream, client)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => connections,
    end: async () => {
      // what is on its way still arrives
      for (let waited = 0; sockets.size > 0 && waited < 2000; waited += 20) await sleep(20)
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, "close")
    }
  }
}

/** Relays datagrams to a port of this machine; every client address is a conversation. */
export const tapUdp = async (target: number): Promise<Tap> => {
  const conversations: Array<Array<Chunk>> = []
  const upstreams = new Map<number, { readonly send: (bytes: Uint8Array) => void; readonly close: () => void }>()
  const front = createSocket("udp4")
  front.on("message", (bytes, { port }) => {
    let upstream = upstreams.get(port)
    if (upstream === undefined) {
      const chunks: Array<Chunk> = []
      conversations.push(chunks)
      const back = createSocket("udp4")
      back.on("message", (answer) => {
        chunks.push(chunk("server", answer))
        front.send(answer, port, "127.0.0.1")
      })
      upstream = {
        send: (request) => {
          chunks.push(chunk("client", request))
          back.send(request, target, "127.0.0.1")
        },
        close: () => back.close()
      }
      upstreams.set(port, upstream)
    }
    upstream.send(bytes)
  })
  front.bind(0, "127.0.0.1")
  await once(front, "listening")
  return {
    port: front.address().port,
    heard: () => conversations,
    end: async () => {
      for (const { close } of upstreams.values()) close()
      front.close()
      await once(front, "close")
    }
  }
}

/** Does something over a relay of its own, and returns what was said: one conversation per connection, empty ones left out. */
export const overhear = async (
  name: string,
  transport: "tcp" | "udp",
  target: number,
  act: (port: number) => Promise<unknown>
): Promise<ReadonlyArray<Conversation>> => {
  const tap = await (transport === "tcp" ? tapTcp : tapUdp)(target)
  try {
    await act(tap.port)
  } finally {
    await tap.end()
  }
  const spoken = tap.heard().filter((chunks) => chunks.length > 0)
  return spoken.map((chunks, i) => ({ name: spoken.length === 1 ? name : `${name} ${i + 1}`, transport, chunks }))
}

/** Bytes that one side sent in a conversation, joined. */
export const sent = (conversation: Conversation, from: Side): Uint8Array =>
  new Uint8Array(Buffer.concat(conversation.chunks.filter((one) => one.from === from).map(({ hex }) => Buffer.from(hex, "hex"))))

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/gallery/${name}.json`, import.meta.url))

/** A file of `test/fixtures/gallery`. */
export const readFixture = <A>(name: string): A => JSON.parse(readFileSync(fixture(name), "utf8")) as A

/** The committed recording of a protocol. */
export const readRecording = (protocol: string): Recording => readFixture(protocol)

/** Replaces a file of `test/fixtures/gallery`: one line per entry of `rows`, so that differences can be read. */
export const writeFixture = (name: string, head: Readonly<Record<string, unknown>>, key: string, rows: ReadonlyArray<unknown>): void => {
  const lines = [
    ...Object.entries(head).map(([field, value]) => `${JSON.stringify(field)}: ${JSON.stringify(value)},`),
    `${JSON.stringify(key)}: [`,
    rows.map((row) => JSON.stringify(row)).join(",\n"),
    "]"
  ]
  writeFileSync(fixture(name), `{\n${lines.join("\n")}\n}\n`)
}

/** Replaces the committed recording of a protocol. */
export const writeRecording = (protocol: string, { conversations, origin }: Recording): void =>
  writeFixture(protocol, { origin }, "conversations", conversations)
