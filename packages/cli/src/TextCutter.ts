/** Cuts the text of deepstream into its messages, which end with 0x1e. */
import { DecodeError, malformed } from "@wirewright/codec/Errors"
import type { Cutter, PacketSink } from "./ProtocolAdapter.ts"

/** Ends a message. */
export const messageEnd = 0x1e
const fieldEnd = 0x1f

/** Limits of messages, in characters. */
export interface Delimiting {
  readonly maxMessage: number
  /** Shorter ones are nothing but their end. */
  readonly minMessage: number
}

/** Whether a message may start here: with a topic of one or two capital letters. */
export const isHead = (bytes: Uint8Array, at: number): boolean => {
  const isLetter = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x41 && byte <= 0x5a
  return isLetter(bytes[at]) && (bytes[at + 1] === fieldEnd || isLetter(bytes[at + 1]) && bytes[at + 2] === fieldEnd)
}

/** Cuts bytes at the separator. UTF-8 never has that byte within a character. */
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
    for (let end = chunk.indexOf(messageEnd); end >= 0; end = chunk.indexOf(messageEnd, at)) {
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
      expected: "the separator 0x1e",
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
