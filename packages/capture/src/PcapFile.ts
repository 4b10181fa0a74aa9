/** The records of classic pcap files, in either byte order, with micro- or nanoseconds. */
import { malformed, type Reader } from "@wirewright/codec"
import type { CaptureLimits, RecordFormat } from "./CaptureFile.ts"
import type { FrameSink } from "./Frame.ts"
import { readPcapHeader, readPcapRecord } from "./gen/Types.ts"

const headerSize = 24
const recordHeadSize = 16
const capturedLengthOffset = 8
const nanosecondMagic = 0xa1b2_3c4d
const microsecondMagic = 0xa1b2_c3d4

/** The record format of pcap. */
export class PcapRecords implements RecordFormat {
  readonly name = "PcapRecord"
  headSize = headerSize
  private readonly limits: CaptureLimits
  private littleEndian = false
  private nanosecondsPerTick = BigInt(1)
  private linkType = -1
  private count = 0

  constructor(limits: CaptureLimits) {
    this.limits = limits
  }

  sizeOf(reader: Reader, at: number, start: number): number {
    if (this.linkType === -1) return headerSize
    const captured = reader.view.getUint32(at + capturedLengthOffset, this.littleEndian)
    const size = recordHeadSize + captured
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
    const record = readPcapRecord(reader, at, end, start, this.littleEndian)
    sink({
      number: ++this.count,
      time: BigInt(record.seconds) * BigInt(1_000_000_000) + BigInt(record.fraction) * this.nanosecondsPerTick,
      linkType: this.linkType,
      data: record.data,
      originalLength: record.originalLength
    })
  }

  private readHeader(reader: Reader, at: number, end: number, start: number): void {
    const magic = reader.view.getUint32(at)
    this.littleEndian = magic !== microsecondMagic && magic !== nanosecondMagic
    const header = readPcapHeader(reader, at, end, start, this.littleEndian)
    this.nanosecondsPerTick = BigInt(header.magic === nanosecondMagic ? 1 : 1000)
    this.linkType = header.linkType & 0xffff
    this.headSize = recordHeadSize
  }
}
