/**
 * A WebSocket as what connections speak over, in browsers and elsewhere: binary messages are bytes, wherever they are cut.
 *
 * What is written before it is open waits. WebSockets cannot be told to stop: what comes while nothing is read is kept. When they have sent
 * what they took they do not say, so that is looked at.
 */
import type { Link } from "./Link.ts"
import { liveTimers } from "./Timers.ts"

/** What is needed of a WebSocket. */
export interface WebSocketLike {
  binaryType: string
  readonly bufferedAmount: number
  readonly addEventListener: (event: "open" | "message" | "error" | "close", listener: (event: { readonly data?: unknown }) => void) => void
  readonly send: (bytes: Uint8Array<ArrayBuffer>) => void
  readonly close: () => void
}

/** Bytes not sent above which it is behind. */
const highWater = 1024 * 1024
/** Milliseconds between two looks at what is not sent. */
const look = 5

interface Listeners {
  data: Array<(bytes: Uint8Array) => void>
  drain: Array<() => void>
  end: Array<() => void>
  close: Array<() => void>
  error: Array<(error: Error) => void>
}

/** A link over a WebSocket. */
export class WebSocketLink implements Link {
  private readonly socket: WebSocketLike
  private readonly listeners: Listeners = { data: [], drain: [], end: [], close: [], error: [] }
  /** What was written before it is open. */
  private waiting: Array<Uint8Array> | undefined = []
  private waitingBytes = 0
  /** Called once everything is sent. */
  private taken: Array<() => void> = []
  private behind = false
  private looking = false
  private ending = false
  private gone = false
  /** What came while nothing is read. */
  private kept: Array<Uint8Array> | undefined

  constructor(socket: WebSocketLike) {
    this.socket = socket
    socket.binaryType = "arraybuffer"
    socket.addEventListener("open", () => this.opened())
    socket.addEventListener("message", ({ data }) => this.arrived(data))
    socket.addEventListener("error", () => this.failed(new Error("the WebSocket failed")))
    socket.addEventListener("close", () => this.closed())
  }

  get writableLength(): number {
    return this.waitingBytes + this.socket.bufferedAmount
  }

  on(event: keyof Listeners, listener: (told: never) => void): void {
    ;(this.listeners[event] as Array<(told: never) => void>).push(listener)
  }

  write(bytes: Uint8Array, taken: () => void): boolean {
    if (this.gone || this.ending) return true
    if (this.waiting === undefined) this.socket.send(bytes as Uint8Array<ArrayBuffer>)
    else {
      this.waiting.push(bytes)
      this.waitingBytes += bytes.length
    }
    if (this.writableLength === 0) {
      taken()
      return true
    }
    this.taken.push(taken)
    this.look()
    this.behind ||= this.writableLength > highWater
    return !this.behind
  }

  cork(): void {}

  uncork(): void {}

  pause(): void {
    this.kept ??= []
  }

  resume(): void {
    const { kept = [] } = this
    this.kept = undefined
    while (kept.length > 0 && this.kept === undefined) this.hand(kept.shift()!)
    if (kept.length > 0) this.kept = kept
  }

  end(): void {
    this.ending = true
    if (this.waiting === undefined || this.waiting.length === 0) this.socket.close()
  }

  destroy(): void {
    this.socket.close()
    queueMicrotask(() => this.closed())
  }

  private opened(): void {
    const { waiting = [] } = this
    this.waiting = undefined
    this.waitingBytes = 0
    if (this.gone) return
    for (const bytes of waiting) this.socket.send(bytes as Uint8Array<ArrayBuffer>)
    if (this.ending) this.socket.close()
    this.look()
  }

  private arrived(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) return this.failed(new Error("a message of text, where bytes are spoken"))
    const bytes = new Uint8Array(data)
    if (this.kept === undefined) this.hand(bytes)
    else this.kept.push(bytes)
  }

  private hand(bytes: Uint8Array): void {
    for (const listener of this.listeners.data) listener(bytes)
  }

  private look(): void {
    if (this.looking || this.waiting !== undefined || this.gone) return
    if (this.writableLength === 0) return this.sent()
    this.looking = true
    liveTimers.after(look, () => {
      this.looking = false
      this.look()
    }, { unref: true })
  }

  private sent(): void {
    for (const taken of this.taken.splice(0)) taken()
    if (!this.behind) return
    this.behind = false
    for (const listener of this.listeners.drain) listener()
  }

  private failed(error: Error): void {
    if (this.gone) return
    for (const listener of this.listeners.error) listener(error)
    this.destroy()
  }

  private closed(): void {
    if (this.gone) return
    this.gone = true
    for (const listener of this.listeners.end) listener()
    for (const listener of this.listeners.close) listener()
  }
}

/** Dials a WebSocket of the platform: `dial: webSocket("wss://example.com/redis")`. */
export const webSocket = (url: string, protocols?: string | Array<string>) => (): Link =>
  new WebSocketLink(new WebSocket(url, protocols) as unknown as WebSocketLike)
