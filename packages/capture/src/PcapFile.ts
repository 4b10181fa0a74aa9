/** The records of classic pcap files, in either byte order, with micro- or nanoseconds, or of the modified format of some Linux systems. */
import { malformed, type Reader } from "@wirewright/codec"
import type { CaptureLimits, RecordFormat } from "./RecordFormat.ts"
import type { FrameSink } from "./Frame.ts"
import { readPcapHeader, readPcapModifiedRecord, readPcapRecord } from "./gen/Types.ts"

const headerSize = 24
const recordHeadSize = 16
const modifiedHeadSize = 24
const capturedLengthOffset = 8

/** The magics of pcap files; a file in the other byte order has their bytes swapped. */
export const PcapMagic = {
  Microseconds: 0xa1b2_c3d4,
  Nanoseconds: 0xa1b2_3c4d,
  /** Records have the interface, the ether type and the packet type, too. */
  Modified: 0xa1b2_cd34
} as const

/** Byte order of a file that starts with `magic`, read big-endian; `undefined` when that is no magic of pcap. */
export const pcapByteOrder = (magic: number): "big" | "little" | undefined => {
  const swapped = new DataView(new ArrayBuffer(4))
  swapped.setUint32(0, magic)
  const known: ReadonlyArray<number> = Object.values(PcapMagic)
  return known.includes(magic) ? "big" : known.includes(swapped.getUint32(0, true)) ? "little" : undefined
}

/** The record format of pcap. */
export class PcapRecords implements RecordFormat {
  readonly name = "PcapRecord"
  headSize = headerSize
  private readonly limits: CaptureLimits
  private littleEndian = false
  private nanosecondsPerTick = BigInt(1)
  private linkType = -1
  private modified = false
  private count = 0

  constructor(limits: CaptureLimits) {
    this.limits = limits
  }

  sizeOf(reader: Reader, at: number, start: number): number {
    if (this.linkType === -1) return headerSize
    const captured = reader.view.getUint32(at + capturedLengthOffset, this.littleEndian)
    const size = this.headSize + captured
    if (size > this.limits.maxRecord) {
      malformed(
        "Limit",
        this.name,
        "capturedLength",
        at + capturedLengthOffset - start,
        `a record of at most ${this.limits.maxRecord} bytes`,
        `${size} bytes`
      )
    }
    return size
  }

  read(reader: Reader, at: number, end: number, start: number, sink: FrameSink): void {
    if (this.linkType === -1) {
      this.readHeader(reader, at, end, start)
      return
    }
    const record = (this.modified ? readPcapModifiedRecord : readPcapRecord)(reader, at, end, start, this.littleEndian)
    sink({
      number: ++this.count,
      time: BigInt(record.seconds) * BigInt(1_000_000_000) + BigInt(record.fraction) * this.nanosecondsPerTick,
      linkType: this.linkType,
      data: record.data,
      originalLength: record.originalLength
    })
  }

  private readHeader(reader: Reader, at: number, end: number, start: number): void {
    this.littleEndian = pcapByteOrder(reader.view.getUint32(at)) === "little"
    const header = readPcapHeader(reader, at, end, start, this.littleEndian)
    this.nanosecondsPerTick = BigInt(header.magic === PcapMagic.Nanoseconds ? 1 : 1000)
    this.linkType = header.linkType & 0xffff
    this.modified = header.magic === PcapMagic.Modified
    this.headSize = this.modified ? modifiedHeadSize : recordHeadSize
  }
}
