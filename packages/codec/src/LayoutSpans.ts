/**
 * The notes of a walk over one packet: where each field stands and what it says; and the reading of what every field needs.
 *
 * It knows no fields (`LayoutWalk` does), and never reads beyond the bytes there are.
 */
import type { Catalog } from "./Catalog.ts"
import { short } from "./Check.ts"
import { incomplete } from "./Errors.ts"
import type { ByteOrder, IntName } from "./Model.ts"
import { Reader } from "./Reader.ts"
import { type StateSet, stateNumbers } from "./words/Word.ts"

/** One field in the bytes of a packet. */
export interface FieldSpan {
  /** Like `flags`, `failoverLog[1].seqno`, `framing[0].level`. */
  readonly path: string
  /** `header` or the section's name. */
  readonly section: string
  /** From the packet's first byte. */
  readonly offset: number
  readonly length: number
  /** Type in words. */
  readonly type: string
  readonly value: unknown
  /** Value in words. */
  readonly text: string
  /** Bytes without a meaning. */
  readonly reserved: boolean
  readonly doc?: string
}

/** `1 byte`, `5 bytes` */
export const plural = (count: number): string => count === 1 ? "1 byte" : `${count} bytes`

/** Fields noted so far, and the bytes they come from. */
export class LayoutSpans {
  readonly spans: Array<FieldSpan> = []
  /** Name of the packet in errors. */
  packet: string
  section = "header"
  readonly catalog: Catalog
  readonly reader: Reader
  readonly states: Map<string, number>
  /** Where the packet begins in the reader. */
  readonly start = 0
  protected little = false

  /** `bytes` starts at the packet's first byte. */
  constructor(catalog: Catalog, bytes: Uint8Array, states: StateSet) {
    this.catalog = catalog
    this.reader = new Reader(bytes)
    this.states = new Map(stateNumbers(states))
    this.packet = catalog.frame.name
  }

  /** Notes a field. */
  note(path: string, offset: number, length: number, type: string, value: unknown, text: string, doc?: string, reserved = false): void {
    const { section } = this
    this.spans.push({ path, section, offset, length, type, value, text, reserved, ...(doc === undefined ? {} : { doc }) })
  }

  /** What was noted last says by being there that it is. */
  mark(): void {
    const last = this.spans.at(-1)
    if (last !== undefined) this.spans[this.spans.length - 1] = { ...last, value: true }
  }

  /** Throws unless `[at, at + size)` lies within what surrounds it and within the bytes there are. */
  need(path: string, at: number, size: number, end: number): void {
    if (size > end - at) short(this.packet, path, at, plural(size), end > at ? plural(Math.floor(end - at)) : "the end", end)
    const there = this.reader.bytes.length
    if (at + size > there) incomplete(this.packet, path, there, plural(size), plural(Math.max(0, there - at)))
  }

  /** `end`, or an open end when the bytes there are end before it. */
  stop(end: number): number {
    return end > this.reader.bytes.length ? this.reader.open : end
  }

  /** Whether a number of this order, or of the order that its record was given, is little-endian. */
  isLittle(order: ByteOrder | undefined): boolean {
    return order === undefined ? this.little : order === "little"
  }

  /** The integer at `at`; the caller has checked that it is there. */
  int(at: number, int: IntName, order?: ByteOrder): number | bigint {
    const { view } = this.reader
    const little = this.isLittle(order)
    switch (int) {
      case "u8":
        return view.getUint8(at)
      case "u16":
        return view.getUint16(at, little)
      case "u24":
        return little ? view.getUint16(at, true) + view.getUint8(at + 2) * 0x1_0000 : view.getUint8(at) * 0x1_0000 + view.getUint16(at + 1)
      case "u32":
        return view.getUint32(at, little)
      case "u64":
        return view.getBigUint64(at, little)
      case "i8":
        return view.getInt8(at)
      case "i16":
        return view.getInt16(at, little)
      case "i32":
        return view.getInt32(at, little)
      case "i64":
        return view.getBigInt64(at, little)
    }
  }
}
