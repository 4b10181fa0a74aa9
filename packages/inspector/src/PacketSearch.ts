/**
 * Finds where packets begin in the middle of a stream: at a plausible header that another one follows where the first packet ends.
 *
 * At the beginning of a segment a plausible header is enough, because senders mostly begin a segment with a packet, and so is a packet that
 * ends with a segment; unless another may have begun before. Otherwise bytes are held until it is clear, but never more than `maxHeld`.
 */
import type { ProtocolAdapter, Situation } from "./ProtocolAdapter.ts"

/** Most bytes held; then the first place that may be a packet is taken for one. */
const maxHeld = 1024 * 1024
/** Most places that wait for what follows them. */
const maxOpen = 64
/** Plausible headers in a row that make it clear. */
const enough = 2

/** Searches one stream. */
export class PacketSearch {
  /** Bytes given up because no packet begins in them. */
  passed = 0
  private readonly adapter: ProtocolAdapter
  private readonly situation: () => Situation
  private bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  private size = 0
  /** Before this no packet begins, except at the open places. */
  private scanned = 0
  private open: Array<number> = []

  constructor(adapter: ProtocolAdapter, situation: () => Situation) {
    this.adapter = adapter
    this.situation = situation
  }

  /** Bytes in which a packet may begin. */
  get held(): number {
    return this.size
  }

  /** Takes a segment; returns the bytes from the first packet on, once that is found. */
  push(segment: Uint8Array): Uint8Array | undefined {
    const start = this.size
    this.append(segment)
    const at = this.find(start)
    if (at !== undefined) return this.from(at)
    this.trim()
    return undefined
  }

  /** Nothing more comes: the bytes from the first packet that is there as a whole. */
  finish(): Uint8Array | undefined {
    const bytes = this.bytes.subarray(0, this.size)
    const at = this.open.find((place) => place + (this.plausibleSize(bytes, place) ?? Infinity) <= this.size)
    if (at !== undefined) return this.from(at)
    this.passed += this.size
    this.size = 0
    return undefined
  }

  private plausibleSize(bytes: Uint8Array, at: number): number | undefined {
    return this.adapter.plausibleSize(bytes, at, this.situation())
  }

  private find(start: number): number | undefined {
    const bytes = this.bytes.subarray(0, this.size)
    const verdicts = this.open.map((place) => this.verdict(bytes, place))
    const clear = verdicts.indexOf("packet")
    if (clear >= 0) return this.open[clear]
    this.open = this.open.filter((_, index) => verdicts[index] !== "none")
    if (verdicts.includes("likely") && this.open.length === 1) return this.open[0]
    const head = this.adapter.plausibleHead(this.situation())
    while (this.scanned + head <= this.size && this.open.length < maxOpen) {
      const place = this.scanned++
      const verdict = this.verdict(bytes, place)
      const isLikely = verdict === "likely" || verdict === "open" && place === start
      if (verdict === "packet" || isLikely && this.open.length === 0) return place
      if (verdict !== "none") this.open.push(place)
    }
    return this.open.length > 0 && (this.size - this.open[0]! > maxHeld || this.open.length === maxOpen) ? this.open[0] : undefined
  }

  private verdict(bytes: Uint8Array, place: number): "packet" | "likely" | "open" | "none" {
    let at = place
    for (let headers = 0; headers < enough; headers++) {
      if (headers > 0 && at === bytes.length) return "likely"
      if (at + this.adapter.plausibleHead(this.situation()) > bytes.length) return "open"
      const size = this.plausibleSize(bytes, at)
      if (size === undefined) return "none"
      at += size
    }
    return "packet"
  }

  private from(at: number): Uint8Array {
    this.passed += at
    const bytes = this.bytes.slice(at, this.size)
    this.size = 0
    return bytes
  }

  private append(bytes: Uint8Array): void {
    if (this.size + bytes.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(4096, this.bytes.length * 2, this.size + bytes.length))
      grown.set(this.bytes.subarray(0, this.size))
      this.bytes = grown
    }
    this.bytes.set(bytes, this.size)
    this.size += bytes.length
  }

  /** Lets go of what cannot begin a packet; one byte more stays, because text is told by the byte before it. */
  private trim(): void {
    const drop = (this.open[0] ?? this.scanned) - 1
    if (drop < 1) return
    this.passed += drop
    this.bytes.copyWithin(0, drop, this.size)
    this.size -= drop
    this.scanned -= drop
    this.open = this.open.map((place) => place - drop)
  }
}
