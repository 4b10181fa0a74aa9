/**
 * A client of memcached's meta protocol as fast as one can be written by hand: one socket with `onread`, one buffer for what is sent in a
 * microtask, a ring of callbacks, no allocation per request but the result. It has no timeouts, no limits, no checks of keys or of what the
 * server sends, and does not connect again. It asks for what the others read: value, flags and CAS.
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
type Latin1 = Buffer & { latin1Write(text: string, at: number, length?: number): number; latin1Slice(from: number, to: number): string }

const size = 64 * 1024
const buffer = (): Latin1 => Buffer.allocUnsafeSlow(size) as Latin1

type Resolve = (found: Found | undefined) => void

class Client {
  private readonly socket: Net.Socket
  private resolves: Array<Resolve | undefined> = Array.from({ length: 4096 })
  private head = 0
  private tail = 0
  private out = buffer()
  private used = 0
  private scheduled = false
  private rest: Buffer | undefined
  private readonly flushing = (): void => this.flush()

  constructor(port: number, onConnect: () => void) {
    this.socket = connected(port, (chunk) => this.receive(chunk as Latin1), onConnect)
  }

  get(key: string): Promise<Found | undefined> {
    return new Promise((resolve) => {
      this.room(key.length + 16)
      const { out } = this
      let at = this.used
      out[at] = 0x6d
      out[at + 1] = 0x67
      out[at + 2] = 0x20
      at += 3
      at += out.latin1Write(key, at)
      at += out.latin1Write(" c f v\r\n", at)
      this.sent(at, resolve)
    })
  }

  set(key: string, value: Uint8Array): Promise<Found | undefined> {
    return new Promise((resolve) => {
      this.room(key.length + value.length + 32)
      const { out } = this
      let at = this.used
      out[at] = 0x6d
      out[at + 1] = 0x73
      out[at + 2] = 0x20
      at += 3
      at += out.latin1Write(key, at)
      out[at++] = 0x20
      at += out.latin1Write(String(value.length), at)
      at += out.latin1Write(" c\r\n", at)
      out.set(value, at)
      at += value.length
      out[at] = 0x0d
      out[at + 1] = 0x0a
      this.sent(at + 2, resolve)
    })
  }

  close(): void {
    this.socket.destroy()
  }

  private room(length: number): void {
    if (this.used + length <= this.out.length) return
    this.flush()
    this.out = length <= size ? buffer() : Buffer.allocUnsafeSlow(length) as Latin1
  }

  private sent(at: number, resolve: Resolve): void {
    this.used = at
    if (this.tail - this.head === this.resolves.length) this.grow()
    this.resolves[this.tail++ & this.resolves.length - 1] = resolve
    if (!this.scheduled) {
      this.scheduled = true
      queueMicrotask(this.flushing)
    }
  }

  private grow(): void {
    const before = this.resolves
    this.resolves = Array.from({ length: 2 * before.length })
    for (let i = this.head; i < this.tail; i++) this.resolves[i & this.resolves.length - 1] = before[i & before.length - 1]
  }

  private flush(): void {
    this.scheduled = false
    if (this.used === 0) return
    this.socket.write(this.out.subarray(0, this.used))
    // the kernel nearly always takes it at once; only otherwise somebody still reads this buffer
    if (this.socket.writableLength > 0) this.out = buffer()
    this.used = 0
  }

  private receive(chunk: Latin1): void {
    const data = this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk]) as Latin1
    this.rest = undefined
    const end = data.length
    const { resolves } = this
    const mask = resolves.length - 1
    let at = 0
    while (at < end) {
      // VA <length> c<cas> f<flags>, HD c<cas>, EN
      const start = at
      const first = data[at]
      let length = 0
      let flags = 0
      let cas = 0n
      if (end - at < 4) break
      at += 2
      if (first === 0x56) {
        at++
        for (let digit = data[at]!; digit >= 0x30; digit = data[++at]!) length = length * 10 + digit - 0x30
      }
      while (at < end && data[at] === 0x20) {
        const flag = data[at + 1]
        const from = at + 2
        for (at = from; data[at]! > 0x20;) at++
        if (flag === 0x63) {
          if (at - from < 16) {
            let number = 0
            for (let i = from; i < at; i++) number = number * 10 + data[i]! - 0x30
            cas = BigInt(number)
          } else cas = BigInt(data.latin1Slice(from, at))
        } else if (flag === 0x66) { for (let i = from; i < at; i++) flags = flags * 10 + data[i]! - 0x30 }
      }
      const body = at + 2
      at = first === 0x56 ? body + length + 2 : body
      if (at > end) {
        at = start
        break
      }
      const place = this.head++ & mask
      const resolve = resolves[place]!
      resolves[place] = undefined
      if (first === 0x45) resolve(undefined)
      else resolve({ value: data.subarray(body, body + length), flags, cas })
    }
    if (at < end) this.rest = data.subarray(at)
  }
}

export const make = async (): Promise<Contender> => contenderOf((port, onConnect) => new Client(port, onConnect))
