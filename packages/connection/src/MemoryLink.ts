/**
 * Connections without sockets: two streams each, and between them whatever can go wrong on a wire. Clients and servers of the runtime take
 * them in the place of sockets, and what is late is late by the Clock in place.
 *
 * Bytes are never reordered. What arrives when is said by the faults alone, so what happened once happens again.
 */
import * as Effect from "effect/Effect"
import { Duplex } from "node:stream"
import { type Timers, timers } from "./Timers.ts"
import type { TransportOptions } from "./Transport.ts"

/** What is wrong with one direction of a link. */
export interface Faults {
  /** Longest chunk; every chunk is cut into pieces of up to this many bytes. */
  readonly chop?: number
  /** Chunks that are written in one turn of the event loop arrive as one. */
  readonly merge?: boolean
  /** Milliseconds that a chunk is on its way. */
  readonly delay?: number
  /** The connection breaks once so many bytes went this way. */
  readonly cutAfter?: number
  /** A byte that is changed: its position on this way, and what it is XORed with. */
  readonly corrupt?: { readonly at: number; readonly xor: number }
  /** From so many bytes on, nothing arrives, and nobody is told. */
  readonly halfOpenAfter?: number
}

/** A link's faults in both directions. */
export interface LinkFaults {
  readonly toServer?: Faults
  readonly toClient?: Faults
}

/** Sees the bytes of every connection as they are sent, before anything goes wrong with them. Connections are numbered from 0. */
export type Tap = (connection: number, direction: "toServer" | "toClient", bytes: Uint8Array) => void

/** What goes wrong on a link, and who sees what is said. */
export interface MemoryLinkOptions {
  /** Of every connection, or of each by its number from 0. Default: none */
  readonly faults?: LinkFaults | ((connection: number) => LinkFaults)
  readonly tap?: Tap
}

const reset = (): Error => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })
const refused = (): Error => Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" })

/** One end. */
class End extends Duplex {
  other!: End
  frozen = false
  private readonly faults: Faults
  private readonly tap: (bytes: Uint8Array) => void
  private readonly timers: Timers
  private sent = 0
  private held: Array<Buffer> = []
  private waiting: (() => void) | undefined

  constructor(faults: Faults, tap: (bytes: Uint8Array) => void, timers: Timers) {
    super({ allowHalfOpen: true })
    this.faults = faults
    this.tap = tap
    this.timers = timers
  }

  override _read(): void {
    const { waiting } = this.other
    this.other.waiting = undefined
    waiting?.()
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    const { cutAfter = Infinity, delay, halfOpenAfter = Infinity, merge } = this.faults
    const before = this.sent
    this.sent += chunk.length
    this.tap(chunk)
    if (this.frozen || before >= halfOpenAfter || before > cutAfter) return done()
    const bytes = this.corrupted(chunk.subarray(0, Math.min(chunk.length, cutAfter - before)), before)
    if (this.sent > cutAfter) {
      this.deliver(bytes)
      setImmediate(() => this.break())
      return done()
    }
    if (delay !== undefined) {
      this.timers.after(delay, () => this.deliver(bytes))
      return done()
    }
    if (merge === true) {
      if (this.held.length === 0) setImmediate(() => this.deliver(Buffer.concat(this.held.splice(0))))
      this.held.push(bytes)
      return done()
    }
    if (this.deliver(bytes)) done()
    else this.waiting = () => done()
  }

  override _final(done: (error?: Error | null) => void): void {
    if (!this.frozen && !this.other.destroyed) this.other.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { frozen, other } = this
    if (!frozen && !other.destroyed) setImmediate(() => other.destroy())
    done(error)
  }

  /** Breaks the connection, as a reset does. */
  break(): void {
    for (const end of [this, this.other]) if (!end.destroyed) end.destroy(reset())
  }

  /** A copy, because writers reuse their buffers once they are written. */
  private corrupted(chunk: Buffer, before: number): Buffer {
    const bytes = Buffer.from(chunk)
    const { corrupt } = this.faults
    const at = corrupt === undefined ? -1 : corrupt.at - before
    if (corrupt !== undefined && at >= 0 && at < bytes.length) bytes[at] = bytes[at]! ^ corrupt.xor
    return bytes
  }

  /** Hands bytes to the other end; returns whether it wants more. */
  private deliver(bytes: Buffer): boolean {
    const { other } = this
    if (other.destroyed || other.readableEnded || this.frozen) return true
    const size = this.faults.chop ?? bytes.length
    let wanted = true
    for (let at = 0; at < bytes.length; at += size) wanted = other.push(bytes.subarray(at, at + size))
    return wanted
  }
}

/** Makes connections to something that accepts streams; to one of several by its port. */
export class MemoryLink {
  /** Whether connections are refused from now on, as where no server listens. */
  refuses = false
  private readonly accept: (stream: Duplex, port: number) => void
  private readonly faultsOf: (connection: number) => LinkFaults
  private readonly tap: Tap
  private readonly timers: Timers
  private ends: Array<readonly [End, End]> = []
  private count = 0

  private constructor(
    accept: (stream: Duplex, port: number) => void,
    { faults = {}, tap = () => {} }: MemoryLinkOptions,
    timers: Timers
  ) {
    this.accept = accept
    this.tap = tap
    this.timers = timers
    this.faultsOf = typeof faults === "function" ? faults : () => faults
  }

  /** A link to a server, such as the `accept` of one that does not listen, by the Clock in place. */
  static make(accept: (stream: Duplex, port: number) => void, options: MemoryLinkOptions = {}): Effect.Effect<MemoryLink> {
    return Effect.map(timers, (timers) => new MemoryLink(accept, options, timers))
  }

  /** Where a client connects to be given connections of this link. */
  get transport(): Required<Pick<TransportOptions, "host" | "port" | "dial">> {
    return { host: "memory", port: 0, dial: this.dial }
  }

  /** Connections made so far. */
  get made(): number {
    return this.count
  }

  /** Connections that are open at both ends. */
  get open(): number {
    return this.living().length
  }

  /** A new connection; the `dial` of `TransportOptions`. */
  readonly dial = ({ port }: { readonly port: number }): Duplex => {
    if (this.refuses) throw refused()
    const number = this.count++
    const { toClient = {}, toServer = {} } = this.faultsOf(number)
    const client = new End(toServer, (bytes) => this.tap(number, "toServer", bytes), this.timers)
    const server = new End(toClient, (bytes) => this.tap(number, "toClient", bytes), this.timers)
    client.other = server
    server.other = client
    this.ends = [...this.living(), [client, server]]
    this.accept(server, port)
    return client
  }

  /** Breaks all connections. */
  cut(): void {
    for (const [client] of this.ends) client.break()
  }

  /** From now on nothing arrives at either end of the connections that there are, and nobody is told. */
  freeze(): void {
    for (const ends of this.ends) for (const end of ends) end.frozen = true
  }

  private living(): Array<readonly [End, End]> {
    return this.ends.filter(([client, server]) => !client.destroyed && !server.destroyed)
  }
}
