/**
 * The notes of a walk over one packet: where each field stands and what it says; and the reading of what every field needs.
 *
 * It knows no fields (`LayoutWalk` does), and never reads beyond the bytes there are.
 */
import type { Catalog } from "./Catalog.ts"
import { incomplete, malformed } from "./Errors.ts"
import { readUleb128 } from "./Leb128.ts"
import type { IntName, TypeModel } from "./Model.ts"
import { Reader } from "./Reader.ts"
import { typeSummary } from "./TypeText.ts"

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

/** Lengths and counts that siblings announced, by target. */
export interface Announced {
  readonly lengths: Map<string, number>
  readonly counts: Map<string, number>
}

/** Nothing announced yet. */
export const announced = (): Announced => ({ lengths: new Map(), counts: new Map() })

/** `1 byte`, `5 bytes` */
export const plural = (count: number): string => count === 1 ? "1 byte" : `${count} bytes`

/** Fields noted so far, and the bytes they come from. */
export class LayoutSpans {
  readonly spans: Array<FieldSpan> = []
  /** Name of the packet in errors. */
  packet: string
  section = "header"
  protected readonly catalog: Catalog
  protected readonly reader: Reader
  protected readonly states: ReadonlySet<string>
  protected little = false

  /** `bytes` starts at the packet's first byte. */
  constructor(catalog: Catalog, bytes: Uint8Array, states: ReadonlySet<string>) {
    this.catalog = catalog
    this.reader = new Reader(bytes)
    this.states = states
    this.packet = catalog.frame.name
  }

  /** Notes a field. */
  note(path: string, offset: number, length: number, type: string, value: unknown, text: string, doc?: string, reserved = false): void {
    const { section } = this
    this.spans.push({ path, section, offset, length, type, value, text, reserved, ...(doc === undefined ? {} : { doc }) })
  }

  /** Throws unless `[at, at + size)` lies within the section and within the bytes there are. */
  need(path: string, at: number, size: number, end: number): void {
    if (size > end - at) malformed("Length", this.packet, path, at, plural(size), end > at ? plural(end - at) : "the end")
    const there = this.reader.bytes.length
    if (at + size > there) incomplete(this.packet, path, there, plural(size), plural(Math.max(0, there - at)))
  }

  /** The integer at `at`; the caller has checked that it is there. */
  int(at: number, int: IntName): number | bigint {
    const { view } = this.reader
    const little = this.little
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

  /** Reads and notes a LEB128 number; `reader.next` is then behind it. */
  protected uleb128(type: TypeModel, path: string, at: number, end: number, doc: string | undefined): number {
    const { bytes } = this.reader
    const stop = Math.min(end, bytes.length)
    // a number cut off by the end of the bytes there are may go on, one cut off by its section cannot
    if (stop < end && stop - at < 5 && bytes.subarray(at, stop).every((byte) => byte >= 0x80)) {
      incomplete(this.packet, path, stop, "a LEB128 byte", "the end")
    }
    const value = readUleb128(this.reader, at, stop, 0, this.packet, path)
    this.note(path, at, this.reader.next - at, typeSummary(this.catalog, type), value, String(value), doc)
    return value
  }
}
