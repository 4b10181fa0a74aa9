/**
 * What a programmer in a hurry for speed writes by hand: one socket with `onread`, one buffer for what is sent in a microtask, an array of
 * callbacks by opaque, promises. It has no timeouts, no limits, no checks of what the server sends, and does not connect again.
 */
import type * as Net from "node:net"
import type { Contender } from "../Contender.ts"
import { contenderOf } from "./workers.ts"
import { connected } from "./connected.ts"

interface Found {
  readonly value: Buffer
  readonly flags: number
  readonly cas: bigint
}

/** Node has it, its types do not. */
type Latin1 = Buffer & { latin1Write(text: string, at: number, length: number): number }

const buffer = (): Latin1 => Buffer.allocUnsafeSlow(64 * 1024) as Latin1

export class Client {
  private readonly socket: Net.Socket
  private readonly resolves: Array<((found: Found | undefined) => void) | undefined> = []
  private readonly rejects: Array<((error: Error) => void) | undefined> = []
  private readonly free: Array<number> = []
  private out = buffer()
  private used = 0
  private scheduled = false
  private rest: Buffer | undefined

  constructor(port: number, onConnect: () => void) {
    this.socket = connected(port, (chunk) => this.receive(chunk), onConnect)
  }

  get(key: string): Promise<Found | undefined> {
    return new Promise((resolve, reject) => {
      const opaque = this.enter(resolve, reject)
      const at = this.header(0x00, key, 0, key.length, opaque)
      this.out.latin1Write(key, at + 24, key.length)
    })
  }

  set(key: string, value: Uint8Array): Promise<Found | undefined> {
    return new Promise((resolve, reject) => {
      const opaque = this.enter(resolve, reject)
      const at = this.header(0x01, key, 8, 8 + key.length + value.length, opaque)
      this.out.writeUInt32BE(0, at + 24)
      this.out.writeUInt32BE(0, at + 28)
      this.out.latin1Write(key, at + 32, key.length)
      this.out.set(value, at + 32 + key.length)
    })
  }

  close(): void {
    this.socket.destroy()
  }

  private enter(resolve: (found: Found | undefined) => void, reject: (error: Error) => void): number {
    const opaque = this.free.pop() ?? this.resolves.length
    this.resolves[opaque] = resolve
    this.rejects[opaque] = reject
    return opaque
  }

  private header(opcode: number, key: string, extras: number, body: number, opaque: number): number {
    if (this.used + 24 + body > this.out.length) this.turn()
    const { out, used: at } = this
    out[at] = 0x80
    out[at + 1] = opcode
    out.writeUInt16BE(key.length, at + 2)
    out[at + 4] = extras
    out[at + 5] = 0
    out.writeUInt16BE(0, at + 6)
    out.writeUInt32BE(body, at + 8)
    out.writeUInt32BE(opaque, at + 12)
    out.writeUInt32BE(0, at + 16)
    out.writeUInt32BE(0, at + 20)
    this.used += 24 + body
    if (!this.scheduled) {
      this.scheduled = true
      queueMicrotask(() => this.flush())
    }
    return at
  }

  private turn(): void {
    this.flush()
    this.out = buffer()
  }

  private flush(): void {
    this.scheduled = false
    if (this.used === 0) return
    const { out } = this
    // the kernel nearly always takes it at once; only otherwise somebody still reads this buffer
    this.socket.write(out.subarray(0, this.used))
    if (this.socket.writableLength > 0) this.out = buffer()
    this.used = 0
  }

  private receive(chunk: Buffer): void {
    const data = this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk])
    this.rest = undefined
    let at = 0
    while (data.length - at >= 24) {
      const end = at + 24 + data.readUInt32BE(at + 8)
      if (end > data.length) break
      const opaque = data.readUInt32BE(at + 12)
      const resolve = this.resolves[opaque]!
      const status = data.readUInt16BE(at + 6)
      if (status > 1) this.rejects[opaque]!(new Error(`status ${status}`))
      else if (status === 1) resolve(undefined)
      else {
        const extras = data[at + 4]!
        resolve({
          value: data.subarray(at + 24 + extras, end),
          flags: extras === 4 ? data.readUInt32BE(at + 24) : 0,
          cas: data.readBigUInt64BE(at + 16)
        })
      }
      this.resolves[opaque] = undefined
      this.rejects[opaque] = undefined
      this.free.push(opaque)
      at = end
    }
    if (at < data.length) this.rest = data.subarray(at)
  }
}

export const make = async (): Promise<Contender> => contenderOf((port, onConnect) => new Client(port, onConnect))
