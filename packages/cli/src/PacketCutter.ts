/**
 * Cuts a stream into packets by decoding them, for protocols whose packets end themselves or have headers of varying size. What is not complete
 * is held until more bytes come.
 */
import { DecodeError, incomplete, malformed } from "@wirewright/codec/Errors"
import type { Cutter, PacketSink } from "./ProtocolAdapter.ts"

/** Size of the packet at `at`. Throws `DecodeError`. */
export type Measure = (bytes: Uint8Array, at: number) => number

/** Cuts one direction. */
export class PacketCutter implements Cutter {
  offset = 0
  private held = new Uint8Array(0)
  private filled = 0
  private readonly name: string
  private readonly maxFrame: number
  private readonly measure: Measure

  /** `name` is the protocol's, for errors. */
  constructor(name: string, maxFrame: number, measure: Measure) {
    this.name = name
    this.maxFrame = maxFrame
    this.measure = measure
  }

  get buffered(): number {
    return this.filled
  }

  get lacking(): undefined {
    return undefined
  }

  push(chunk: Uint8Array, sink: PacketSink): void {
    const isHeld = this.filled > 0
    if (isHeld) this.append(chunk)
    const bytes = isHeld ? this.held.subarray(0, this.filled) : chunk
    let at = 0
    try {
      while (at < bytes.length) {
        const end = at + this.measure(bytes, at)
        // what measured it as nothing would do so for ever
        if (end <= at) malformed("Length", this.name, "", 0, "a packet", "nothing")
        this.offset += end - at
        const start = at
        at = end
        sink(bytes, start, end)
      }
      this.held = new Uint8Array(0)
      this.filled = 0
    } catch (error) {
      if (!(error instanceof DecodeError) || !error.incomplete) throw error
      if (bytes.length - at > this.maxFrame) {
        malformed("Limit", this.name, "", 0, `a packet of at most ${this.maxFrame} bytes`, `${bytes.length - at} bytes or more`)
      }
      if (isHeld && at === 0) return
      // packets that were handed out are views into these bytes, so the rest goes elsewhere
      this.held = new Uint8Array(0)
      this.filled = 0
      this.append(bytes.subarray(at))
    }
  }

  finish(): void {
    if (this.filled > 0) incomplete(this.name, "", this.filled, "the whole packet", `${this.filled} bytes`)
  }

  private append(chunk: Uint8Array): void {
    const size = this.filled + chunk.length
    if (size > this.held.length) {
      const grown = new Uint8Array(Math.max(1024, this.held.length * 2, size))
      grown.set(this.held.subarray(0, this.filled))
      this.held = grown
    }
    this.held.set(chunk, this.filled)
    this.filled = size
  }
}
