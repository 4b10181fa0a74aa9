/** Cuts the bytes of a protocol over text into its messages, which end with one character. */
import { DecodeError, malformed } from "@wirewright/codec/Errors"
import type { Cutter, PacketSink } from "./ProtocolAdapter.ts"

/** How messages end, and their limits in characters. */
export interface Delimiting {
  /** The byte that ends a message. */
  readonly end: number
  readonly maxMessage: number
  /** Shorter ones are nothing but their end. */
  readonly minMessage: number
}

/** Cuts bytes at the separator. UTF-8 never has an ASCII byte within a character. */
export class TextCutter implements Cutter {
  offset = 0
  private pending: Array<Uint8Array> = []
  private size = 0
  private readonly limits: Delimiting

  constructor(limits: Delimiting) {
    this.limits = limits
  }

  get buffered(): number {
    return this.size
  }

  get lacking(): undefined {
    return undefined
  }

  push(chunk: Uint8Array, sink: PacketSink): void {
    let at = 0
    for (let end = chunk.indexOf(this.limits.end); end >= 0; end = chunk.indexOf(this.limits.end, at)) {
      this.take(chunk.subarray(at, end + 1))
      this.emit(sink)
      at = end + 1
    }
    if (at < chunk.length) this.take(new Uint8Array(chunk.subarray(at)))
  }

  finish(): void {
    if (this.size === 0) return
    throw new DecodeError({
      reason: "Incomplete",
      packet: "Message",
      path: "",
      offset: this.size,
      expected: `the separator 0x${this.limits.end.toString(16)}`,
      got: "the end of the stream",
      incomplete: true
    })
  }

  private take(bytes: Uint8Array): void {
    this.pending.push(bytes)
    this.size += bytes.length
    // a character has at most three bytes per UTF-16 unit
    if (this.size > this.limits.maxMessage * 3) {
      malformed("Limit", "Message", "", 0, `at most ${this.limits.maxMessage} characters`, `${this.size} bytes or more`)
    }
  }

  private emit(sink: PacketSink): void {
    const { pending, size } = this
    let bytes = pending[0]!
    if (pending.length > 1) {
      bytes = new Uint8Array(size)
      let at = 0
      for (const part of pending) {
        bytes.set(part, at)
        at += part.length
      }
    }
    this.pending = []
    this.size = 0
    this.offset += size
    if (size > this.limits.minMessage) sink(bytes, 0, size)
  }
}
