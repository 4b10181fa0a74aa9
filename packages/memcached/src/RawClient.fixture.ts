/** A client that sends what it is told and keeps what it gets, for tests of servers. It understands lengths and nothing else. */
import * as Net from "node:net"

/** Milliseconds after which a test says what did not come: longer than a busy machine keeps anybody waiting. */
const waitingTime = 30_000

/** One connection of a test. */
export class RawClient {
  readonly socket: Net.Socket
  private received = Buffer.alloc(0)
  private gone = false
  private wake: () => void = () => {}

  private constructor(socket: Net.Socket) {
    this.socket = socket
    socket.on("data", (chunk) => {
      this.received = Buffer.concat([this.received, chunk])
      this.wake()
    })
    socket.on("error", () => {})
    socket.on("close", () => {
      this.gone = true
      this.wake()
    })
  }

  /** Connects to a port of this machine, or to a Unix socket. */
  static connect(to: number | string): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const options = typeof to === "string" ? { path: to } : { port: to, host: "127.0.0.1", noDelay: true }
      const socket = Net.connect(options, () => resolve(new RawClient(socket)))
      socket.once("error", reject)
    })
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** The next packets. */
  async packets(count: number): Promise<Array<Buffer>> {
    const packets: Array<Buffer> = []
    while (packets.length < count) {
      const size = this.received.length < 24 ? Infinity : 24 + this.received.readUInt32BE(8)
      if (this.received.length >= size) {
        packets.push(this.received.subarray(0, size))
        this.received = this.received.subarray(size)
      } else if (this.gone) throw new Error(`closed after ${packets.length} of ${count} packets`)
      else await this.change()
    }
    return packets
  }

  /** Everything that comes until the server closes the connection. */
  async rest(): Promise<Buffer> {
    while (!this.gone) await this.change()
    return this.received
  }

  close(): void {
    this.socket.destroy()
  }

  private change(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`nothing more within ${waitingTime} ms, ${this.received.length} bytes left over`)),
        waitingTime
      )
      this.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** A packet from its parts. */
export const packet = (opcode: number, parts: {
  readonly magic?: number
  readonly key?: string
  readonly extras?: string
  readonly value?: string | Uint8Array
  readonly opaque?: number
  readonly cas?: bigint
} = {}): Buffer => {
  const key = Buffer.from(parts.key ?? "")
  const extras = Buffer.from(parts.extras ?? "", "hex")
  const value = Buffer.from(parts.value ?? "")
  const header = Buffer.alloc(24)
  header[0] = parts.magic ?? 0x80
  header[1] = opcode
  header.writeUInt16BE(key.length, 2)
  header[4] = extras.length
  header.writeUInt32BE(extras.length + key.length + value.length, 8)
  header.writeUInt32BE(parts.opaque ?? 0, 12)
  header.writeBigUInt64BE(parts.cas ?? 0n, 16)
  return Buffer.concat([header, extras, key, value])
}

/** Opcode, status, opaque and body of a response. */
export const shown = (response: Buffer): string =>
  `${response[1]!.toString(16)} ${response.readUInt16BE(6).toString(16)} ${response.readUInt32BE(12)} ${
    response.subarray(24).toString("latin1")
  }`.trim()
