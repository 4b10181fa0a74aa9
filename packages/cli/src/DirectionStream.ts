/**
 * One direction of a captured connection as packets.
 *
 * It starts at the first byte, or, when the connection's start was not captured or bytes are missing, at the next segment that plausibly
 * starts a packet. Behind a wrong magic or length there is no next packet: the direction ends there, and what is left is counted.
 */
import { DecodeError } from "@wirewright/codec/Errors"
import type { Cutter, PacketSink, ProtocolAdapter } from "./ProtocolAdapter.ts"

/** Receives what goes wrong between packets; `bytes` are the first of the trouble. */
export type TroubleSink = (error: DecodeError, bytes: Uint8Array) => void

/** Cuts one direction. */
export class DirectionStream {
  /** Bytes between packets that were passed over. */
  skipped = 0
  private readonly adapter: ProtocolAdapter
  private cutter: Cutter | undefined
  private ended = false
  /** Set while the start of a packet is being looked for. */
  private searching: boolean

  constructor(adapter: ProtocolAdapter, midStream: boolean) {
    this.adapter = adapter
    this.searching = midStream
  }

  /** Takes the next bytes, with `gap` bytes missing before them. */
  push(bytes: Uint8Array, gap: number, onPacket: PacketSink, onTrouble: TroubleSink): void {
    if (gap > 0 && !this.ended) this.lose(gap, onTrouble)
    if (bytes.length === 0) return
    if (this.ended || this.searching && !this.adapter.plausible(bytes)) {
      this.skipped += bytes.length
      return
    }
    this.searching = false
    this.cutter ??= this.adapter.cutter()
    const cutter = this.cutter
    const before = cutter.offset
    const held = cutter.buffered
    try {
      cutter.push(bytes, onPacket)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.ended = true
      const used = Math.max(0, cutter.offset - before - held)
      this.skipped += bytes.length - used
      onTrouble(error, bytes.subarray(used))
    }
  }

  /** The connection is over. */
  finish(onTrouble: TroubleSink): void {
    if (this.cutter === undefined || this.ended) return
    this.ended = true
    try {
      this.cutter.finish()
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.skipped += this.cutter.buffered
      onTrouble(error, new Uint8Array(0))
    }
  }

  private lose(gap: number, onTrouble: TroubleSink): void {
    const held = this.cutter?.buffered ?? 0
    this.cutter = undefined
    this.searching = true
    this.skipped += held
    onTrouble(
      new DecodeError({
        reason: "Incomplete",
        packet: this.adapter.name,
        path: "",
        offset: held,
        expected: "the bytes of the stream",
        got: `a gap of ${gap} bytes in the capture`,
        incomplete: true
      }),
      new Uint8Array(0)
    )
  }
}
