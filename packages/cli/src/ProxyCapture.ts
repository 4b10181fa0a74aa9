/** Writes what goes through a proxy to a pcapng file. Payloads of SASL requests are blanked: a capture has no passwords in it. */
import { type Recorded, TcpRecorder } from "@wirewright/capture"
import { Reader } from "@wirewright/codec"
import { headerSize, kindAt, Opcode, opcodeAt, valueAt } from "@wirewright/memcached/gen"
import type { ServerClient } from "@wirewright/connection"
import type { Tap } from "@wirewright/proxy"
import { closeSync, fchmodSync, fstatSync, openSync, writeSync } from "node:fs"

/** Captures hold values of documents: nobody else may read them. */
const mode = 0o600

const secret: ReadonlyArray<number> = [Opcode.SaslAuth, Opcode.SaslStep]

/** Captures have no place for the path of a Unix socket: its server stands at memcached's port there. */
const atUnixSocket = { host: "127.0.0.1", port: 11_211 }

const endpoint = (address: string) => {
  if (address.startsWith("unix:")) return atUnixSocket
  const at = address.lastIndexOf(":")
  return { host: address.slice(0, at).replace(/^\[|\]$/g, "").replace(/^::ffff:/, ""), port: Number(address.slice(at + 1)) }
}

const blanked = (bytes: Uint8Array): Uint8Array => {
  const reader = new Reader(bytes)
  // the proxy blanks the passwords of lines itself, as it knows which are some
  if (kindAt(reader, 0) !== "request" || bytes.length < headerSize) return bytes
  if (!secret.includes(opcodeAt(reader, 0))) return bytes
  // slices of a Buffer would be views of what the proxy passes on
  const copy = new Uint8Array(bytes)
  copy.fill(0, Math.min(copy.length, valueAt(reader, 0)))
  return copy
}

const now = (): bigint => BigInt(Date.now()) * 1_000_000n + process.hrtime.bigint() % 1_000_000n

/** A capture that is being written. */
export class ProxyCapture implements Tap {
  private readonly recorder = new TcpRecorder()
  private readonly file: number
  private readonly conversations = new Map<ServerClient, Recorded>()
  /** `host:port` or `unix:path` the proxy listens on; known once it does. */
  server = "127.0.0.1:0"

  constructor(path: string) {
    this.file = openSync(path, "w", mode)
    // of a file that was there before, opening leaves the mode as it is
    if (fstatSync(this.file).isFile()) fchmodSync(this.file, mode)
    this.write(this.recorder.begin())
  }

  onOpen(client: ServerClient): void {
    // a number of its own, so that conversations can be told apart
    const peer = client.address.startsWith("unix:") ? { host: "127.0.0.2", port: 1 + client.id % 65_535 } : endpoint(client.address)
    const { recorded, bytes } = this.recorder.open(peer, endpoint(this.server), now())
    this.conversations.set(client, recorded)
    this.write(bytes)
  }

  onPacket(client: ServerClient, from: "client" | "proxy", bytes: Uint8Array): void {
    const recorded = this.conversations.get(client)
    if (recorded === undefined) return
    if (from === "client") this.write(this.recorder.packet(recorded, "client", blanked(bytes), now()))
    else this.write(this.recorder.packet(recorded, "server", bytes, now()))
  }

  onClose(client: ServerClient): void {
    const recorded = this.conversations.get(client)
    this.conversations.delete(client)
    if (recorded !== undefined) this.write(this.recorder.close(recorded, now()))
  }

  close(): void {
    closeSync(this.file)
  }

  private write(blocks: ReadonlyArray<Uint8Array>): void {
    for (const block of blocks) writeSync(this.file, block)
  }
}
