/** Captures what goes over connections, for a file and for those who look on. Payloads of SASL requests are blanked: a capture has no passwords in it. */
import { type Recorded, TcpRecorder } from "@wirewright/capture"
import { Reader } from "@wirewright/codec"
import { headerSize, kindAt, Opcode, opcodeAt, valueAt } from "@wirewright/memcached/gen"
import type { ServerClient, ServerTap, Tap } from "@wirewright/connection"
import { closeSync, fchmodSync, fstatSync, openSync, writeSync } from "node:fs"

/** Captures hold values of documents: nobody else may read them. */
const mode = 0o600

const secret: ReadonlyArray<number> = [Opcode.SaslAuth, Opcode.SaslStep]

/** Captures have no place for the path of a Unix socket: its server stands at memcached's port there. */
const atUnixSocket = { host: "127.0.0.1", port: 11_211 }

/** Ports that are given to connections whose own is not known: those that systems give to clients. */
const firstPort = 49_152

const endpoint = (address: string) => {
  if (address.startsWith("unix:")) return atUnixSocket
  const at = address.lastIndexOf(":")
  return { host: address.slice(0, at).replace(/^\[|\]$/g, "").replace(/^::ffff:/, ""), port: Number(address.slice(at + 1)) }
}

const blanked = (bytes: Uint8Array): Uint8Array => {
  const reader = new Reader(bytes)
  // servers blank the passwords of lines themselves, as they know which are some
  if (kindAt(reader, 0) !== "request" || bytes.length < headerSize) return bytes
  if (!secret.includes(opcodeAt(reader, 0))) return bytes
  // slices of a Buffer would be views of what the proxy passes on
  const copy = new Uint8Array(bytes)
  copy.fill(0, Math.min(copy.length, valueAt(reader, 0)))
  return copy
}

const now = (): bigint => BigInt(Date.now()) * 1_000_000n + process.hrtime.bigint() % 1_000_000n

/** Where the blocks of a capture go. */
export interface CaptureSink {
  readonly write: (block: Uint8Array) => void
  readonly close: () => void
}

/** A new file that only this user may read. */
export const fileSink = (path: string): CaptureSink => {
  const file = openSync(path, "w", mode)
  // of a file that was there before, opening leaves the mode as it is
  if (fstatSync(file).isFile()) fchmodSync(file, mode)
  for (const block of new TcpRecorder().begin()) writeSync(file, block)
  return { write: (block) => void writeSync(file, block), close: () => closeSync(file) }
}

/** A capture that is being made; `C` is what tells connections apart. */
class Capturing<C extends object> {
  private readonly recorder = new TcpRecorder()
  private readonly sinks: ReadonlyArray<CaptureSink>
  private readonly conversations = new Map<C, Recorded>()

  constructor(sinks: ReadonlyArray<CaptureSink>) {
    this.sinks = sinks
    // sinks have the beginning of the file already
    this.recorder.begin()
  }

  has(connection: C): boolean {
    return this.conversations.has(connection)
  }

  open(connection: C, client: ReturnType<typeof endpoint>, server: ReturnType<typeof endpoint>): void {
    const { recorded, bytes } = this.recorder.open(client, server, now())
    this.conversations.set(connection, recorded)
    this.write(bytes)
  }

  packet(connection: C, from: "client" | "server", bytes: Uint8Array): void {
    const recorded = this.conversations.get(connection)
    if (recorded === undefined) return
    this.write(this.recorder.packet(recorded, from, from === "client" ? blanked(bytes) : bytes, now()))
  }

  end(connection: C): void {
    const recorded = this.conversations.get(connection)
    this.conversations.delete(connection)
    if (recorded !== undefined) this.write(this.recorder.close(recorded, now()))
  }

  close(): void {
    for (const sink of this.sinks) sink.close()
  }

  private write(blocks: ReadonlyArray<Uint8Array>): void {
    for (const block of blocks) for (const sink of this.sinks) sink.write(block)
  }
}

/** What goes over the connections of a server; several servers may share the places where it goes. */
export class ServerCapture implements ServerTap {
  private readonly capturing: Capturing<ServerClient>
  /** `host:port` or `unix:path` the server listens on; known once it does. */
  server = "127.0.0.1:0"

  constructor(sinks: ReadonlyArray<CaptureSink>) {
    this.capturing = new Capturing(sinks)
  }

  readonly opened = (client: ServerClient): void => {
    // a number of its own, so that conversations can be told apart
    const peer = client.address.startsWith("unix:") ? { host: "127.0.0.2", port: 1 + client.id % 65_535 } : endpoint(client.address)
    this.capturing.open(client, peer, endpoint(this.server))
  }

  readonly received = (frame: Uint8Array, client: ServerClient): void => this.capturing.packet(client, "client", frame)
  readonly sent = (frames: Uint8Array, client: ServerClient): void => this.capturing.packet(client, "server", frames)
  readonly closed = (client: ServerClient): void => this.capturing.end(client)

  close(): void {
    this.capturing.close()
  }
}

/** What goes over the connections of a client, each of which has a port of its own in the capture. */
export class ClientCapture implements Tap {
  private readonly capturing: Capturing<object>
  private ports = 0

  constructor(sinks: ReadonlyArray<CaptureSink>) {
    this.capturing = new Capturing(sinks)
  }

  readonly sent = (frames: Uint8Array, connection: { readonly address: string }): void => this.seen("client", frames, connection)
  readonly received = (frame: Uint8Array, connection: { readonly address: string }): void => this.seen("server", frame, connection)

  close(): void {
    this.capturing.close()
  }

  private seen(from: "client" | "server", bytes: Uint8Array, connection: { readonly address: string }): void {
    if (!this.capturing.has(connection)) {
      this.capturing.open(
        connection,
        { host: "127.0.0.1", port: firstPort + this.ports++ % (65_536 - firstPort) },
        endpoint(connection.address)
      )
    }
    this.capturing.packet(connection, from, bytes)
  }
}
