/**
 * One direction of a captured connection as packets.
 *
 * It starts at the first byte, or, when the connection's start was not captured, where packets are found to begin. Where bytes are missing
 * within a packet whose end is known, the next one begins there; otherwise, and after a wrong magic or length, it is searched for. What
 * belongs to no packet is counted.
 */
import { DecodeError } from "@wirewright/codec/Errors"
import { PacketSearch } from "./PacketSearch.ts"
import type { Cutter, PacketSink, ProtocolAdapter, Situation } from "./ProtocolAdapter.ts"

/** Receives what goes wrong between packets; `bytes` are the first of the trouble. */
export type TroubleSink = (error: DecodeError, bytes: Uint8Array) => void

/** After so many wrong magics or lengths a direction is taken for one of another protocol. */
const maxErrors = 1000

/** Cuts one direction. */
export class DirectionStream {
  /** Bytes missing in the capture. */
  lost = 0
  private readonly adapter: ProtocolAdapter
  private readonly situation: () => Situation
  private cutter: Cutter
  private search: PacketSearch | undefined
  /** Bytes still to come of a packet that has a gap. */
  private remaining = 0
  private passed = 0
  private errors = 0

  /** `situation` is asked about each packet, and where one is searched for. */
  constructor(adapter: ProtocolAdapter, midStream: boolean, situation: () => Situation) {
    this.adapter = adapter
    this.situation = situation
    this.cutter = adapter.cutter(situation)
    if (midStream) this.search = new PacketSearch(adapter, situation)
  }

  /** Bytes between packets that were passed over; complete after `finish`. */
  get skipped(): number {
    return this.passed + (this.search?.passed ?? 0)
  }

  /** Bytes held because a packet is not complete, or not found yet. */
  get held(): number {
    return this.cutter.buffered + (this.search?.held ?? 0)
  }

  /** Lets go of what is held, and searches on from what comes next. */
  giveUp(): void {
    this.passed += this.held + (this.search?.passed ?? 0)
    this.cutter = this.adapter.cutter(this.situation)
    this.search = new PacketSearch(this.adapter, this.situation)
  }

  /** Takes the next bytes, with `gap` bytes missing before them. */
  push(bytes: Uint8Array, gap: number, onPacket: PacketSink, onTrouble: TroubleSink): void {
    if (gap > 0) this.lose(gap, onPacket, onTrouble)
    const rest = Math.min(this.remaining, bytes.length)
    this.remaining -= rest
    this.passed += rest
    if (rest < bytes.length) this.take(rest === 0 ? bytes : bytes.subarray(rest), onPacket, onTrouble)
  }

  /** The connection is over. */
  finish(onPacket: PacketSink, onTrouble: TroubleSink): void {
    this.endSearch(onPacket, onTrouble)
    if (this.search !== undefined) return
    try {
      this.cutter.finish()
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.passed += this.cutter.buffered
      onTrouble(error, new Uint8Array(0))
    }
  }

  private take(bytes: Uint8Array, onPacket: PacketSink, onTrouble: TroubleSink): void {
    if (this.errors >= maxErrors) {
      this.passed += bytes.length
      return
    }
    let left: Uint8Array | undefined = bytes
    while (left !== undefined) {
      const found: Uint8Array | undefined = this.search === undefined ? left : this.search.push(left)
      left = found && this.cut(found, onPacket, onTrouble)
    }
  }

  /** Cuts bytes that begin a packet, or go on with one; returns what is left after an error. */
  private cut(bytes: Uint8Array, onPacket: PacketSink, onTrouble: TroubleSink): Uint8Array | undefined {
    this.passed += this.search?.passed ?? 0
    this.search = undefined
    const { cutter } = this
    const before = cutter.offset + cutter.buffered
    try {
      cutter.push(bytes, onPacket)
      return undefined
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      const used = Math.min(bytes.length, Math.max(0, cutter.offset - before))
      onTrouble(error, bytes.subarray(used))
      this.errors++
      this.cutter = this.adapter.cutter(this.situation)
      this.search = new PacketSearch(this.adapter, this.situation)
      const isLast = this.errors >= maxErrors
      // no packet begins where one seemed to begin
      const next = isLast ? bytes.length : Math.min(bytes.length, used + 1)
      this.passed += next - used
      return next < bytes.length ? bytes.subarray(next) : undefined
    }
  }

  private endSearch(onPacket: PacketSink, onTrouble: TroubleSink): void {
    let found = this.search?.finish()
    while (found !== undefined) {
      const left = this.cut(found, onPacket, onTrouble)
      if (left !== undefined) this.take(left, onPacket, onTrouble)
      found = this.search?.finish()
    }
  }

  private lose(gap: number, onPacket: PacketSink, onTrouble: TroubleSink): void {
    this.lost += gap
    this.endSearch(onPacket, onTrouble)
    this.passed += this.search?.passed ?? 0
    const held = this.cutter.buffered
    const remaining = (this.cutter.lacking ?? this.remaining) - gap
    this.passed += held
    this.remaining = Math.max(0, remaining)
    this.search = remaining < 0 ? new PacketSearch(this.adapter, this.situation) : undefined
    this.cutter = this.adapter.cutter(this.situation)
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
