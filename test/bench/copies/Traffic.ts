/**
 * Packets of one size, as servers of several protocols send them over a socket, to a connection of the runtime: how many bytes it copies for each
 * that it receives. Answers to commands where a protocol has answers alone, otherwise what is sent unasked.
 */
import { Client, PacketConnection } from "@wirewright/connection"
import * as Couchbase from "@wirewright/couchbase/gen"
import * as Dcp from "@wirewright/dcp/gen"
import * as Mqtt from "@wirewright/examples/gallery/mqtt"
import * as Nats from "@wirewright/examples/gallery/nats"
import * as Postgres from "@wirewright/examples/gallery/postgres"
import * as Resp from "@wirewright/examples/gallery/resp"
import * as Memcached from "@wirewright/memcached/gen"
import * as Text from "@wirewright/memcached/text"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Net from "node:net"
import * as Tls from "node:tls"

/** A packet of `size` bytes of content; of an answer, to this request. */
type PacketOf = (size: number, request?: Buffer) => Uint8Array

/** How a client asks, and how large each of its requests is. */
interface Asking {
  readonly requestSize: number
  readonly ask: (to: { readonly host: string; readonly port: number }) => Effect.Effect<
    { readonly connection: () => PacketConnection<unknown, unknown>; readonly once: Effect.Effect<unknown, unknown> },
    unknown,
    Scope.Scope
  >
}

/** A protocol with packets that have content of any size. */
export interface Protocol {
  readonly packet: PacketOf
  readonly asking?: Asking
  /** Of what comes unasked. */
  readonly client?: unknown
}

const content = (size: number): Buffer => Buffer.alloc(size, "value of a document, ")

const mcbp = (magic: number, opcode: number, extras: number, key: string, size: number, opaque = 0): Buffer => {
  const head = Buffer.alloc(24 + extras + key.length)
  head[0] = magic
  head[1] = opcode
  head.writeUInt16BE(key.length, 2)
  head[4] = extras
  head.writeUInt32BE(extras + key.length + size, 8)
  head.writeUInt32BE(opaque, 12)
  head.write(key, 24 + extras, "latin1")
  return Buffer.concat([head, content(size)])
}

const lines = (before: string, size: number, after = "\r\n"): Buffer =>
  Buffer.concat([Buffer.from(before, "latin1"), content(size), Buffer.from(after, "latin1")])

const integer = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const leb128 = (value: number): ReadonlyArray<number> => value < 128 ? [value] : [value & 0x7f | 0x80, ...leb128(value >>> 7)]

// oxlint-disable-next-line typescript/no-explicit-any -- clients of any protocol
type Any = any

const asking = (module: Any, requestSize: number, once: (client: Any) => Effect.Effect<unknown, unknown>): Asking => ({
  requestSize,
  ask: (to) =>
    Effect.map(
      Client.make(module, { ...to, requestTimeout: "30 seconds" } as Any) as Effect.Effect<Any, unknown, Scope.Scope>,
      (client) => ({
        connection: () => client.connections[0],
        once: once(client)
      })
    )
})

/** An answer to Get that has the request's opaque. */
const found: PacketOf = (size, request) => mcbp(0x81, 0x00, 4, "", size, request?.readUInt32BE(12))

/** By name. */
export const protocols: { readonly [name: string]: Protocol } = {
  "memcached binary": { packet: found, asking: asking(Memcached, 25, (client) => client.call(Memcached.Get, { key: "k" })) },
  "couchbase": { packet: found, asking: asking(Couchbase, 25, (client) => client.call(Couchbase.Get, { key: "k", vbucket: 0 })) },
  "DCP": { packet: (size) => mcbp(0x80, 0x57, 31, "key", size), client: Dcp.client },
  "memcached meta": {
    packet: (size) => lines(`VA ${size}\r\n`, size),
    asking: asking(Text, "mg k v\r\n".length, (client) => client.call(Text.MetaGet, { key: "k", flags: [{ _tag: "ReturnValue" }] }))
  },
  "memcached text": {
    packet: (size) => lines(`VALUE k 0 ${size}\r\n`, size, "\r\nEND\r\n"),
    asking: asking(Text, "get k\r\n".length, (client) => Stream.runDrain(client.stream(Text.Get, { keys: ["k"] })))
  },
  "Redis": { packet: (size) => lines(`>3\r\n+message\r\n+c\r\n$${size}\r\n`, size), client: Resp.client },
  "PostgreSQL": {
    packet: (size) =>
      Buffer.concat([Buffer.from("A"), integer(4 + 4 + 2 + size + 1), integer(7), Buffer.from("c\0"), content(size), Buffer.of(0)]),
    client: Postgres.client
  },
  "MQTT": {
    packet: (size) => Buffer.concat([Buffer.of(0x30, ...leb128(3 + size), 0, 1), Buffer.from("t"), content(size)]),
    client: Mqtt.client
  },
  "NATS": { packet: (size) => lines(`MSG s 1 ${size}\r\n`, size), client: Nats.client }
}

/** What was received, and how much of it was copied. */
export interface Copied {
  readonly received: number
  readonly copied: number
}

const listening = (onSocket: (socket: Net.Socket) => void, tls: Tls.TlsOptions | undefined): Effect.Effect<number, never, Scope.Scope> => {
  const sockets = new Set<Net.Socket>()
  const accept = (socket: Net.Socket): void => {
    sockets.add(socket)
    socket.on("error", () => {})
    onSocket(socket)
  }
  const server = tls === undefined ? Net.createServer({ noDelay: true }, accept) : Tls.createServer(tls, accept)
  const open = Effect.callback<number>((resume) => {
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed((server.address() as Net.AddressInfo).port)))
  })
  return Effect.acquireRelease(open, () =>
    Effect.callback<void>((resume) => {
      for (const socket of sockets) socket.destroy()
      server.close(() => resume(Effect.void))
    }))
}

/** Receives so many packets of a protocol over a connection. */
export const receive = (
  { asking, client, packet }: Protocol,
  size: number,
  count: number,
  { inFlight = 64, tls }: {
    readonly inFlight?: number
    readonly tls?: { readonly server: Tls.TlsOptions; readonly client: Tls.ConnectionOptions }
  } = {}
): Effect.Effect<Copied, unknown> =>
  Effect.scoped(Effect.gen(function*() {
    const counted = ({ counters: { bytesCopied, bytesReceived } }: PacketConnection<Any, Any>): Copied => ({
      received: bytesReceived,
      copied: bytesCopied
    })
    const secured = tls === undefined ? {} : { tls: tls.client }
    if (asking === undefined) {
      const one = packet(size)
      const batch = Buffer.concat(Array.from({ length: Math.min(count, Math.max(1, Math.floor(1024 * 1024 / one.length))) }, () => one))
      const times = Math.ceil(count * one.length / batch.length)
      const port = yield* listening((socket) => {
        let left = times
        const more = (): void => {
          while (left > 0) {
            left--
            if (!socket.write(batch)) return
          }
        }
        socket.on("drain", more)
        more()
      }, tls?.server)
      const connection = yield* PacketConnection.make<Any, Any>({
        protocol: client as Any,
        host: "127.0.0.1",
        port,
        onServerRequest: () => {},
        onPeerRequest: () => {},
        ...secured
      })
      while (connection.bytesReceived < times * batch.length) {
        if (connection.closed !== undefined) return yield* Effect.fail(connection.closed)
        yield* Effect.sleep(2)
      }
      return counted(connection)
    }
    const port = yield* listening((socket) => {
      let rest = Buffer.alloc(0)
      socket.on("data", (bytes: Buffer) => {
        rest = Buffer.concat([rest, bytes])
        for (; rest.length >= asking.requestSize; rest = rest.subarray(asking.requestSize)) socket.write(packet(size, rest))
      })
    }, tls?.server)
    const { connection, once } = yield* asking.ask({ host: "127.0.0.1", port, ...secured })
    yield* Effect.forEach(Array.from({ length: count }), () => once, { concurrency: inFlight, discard: true })
    return counted(connection())
  }))
