/** The blocks of pcapng files: sections, interfaces, packets of all three kinds; other blocks are skipped. */
import { DecodeError, malformed, Reader } from "@wirewright/codec"
import type { CaptureLimits, RecordFormat } from "./RecordFormat.ts"
import type { FrameSink } from "./Frame.ts"
import {
  readPcapngBlockHead,
  readPcapngEnhancedPacket,
  readPcapngInterface,
  readPcapngObsoletePacket,
  readPcapngOption,
  readPcapngSection,
  readPcapngSimplePacket
} from "./gen/Types.ts"

/** Types of blocks that are read. */
export const PcapngBlockType = {
  Section: 0x0a0d_0d0a,
  Interface: 0x0000_0001,
  ObsoletePacket: 0x0000_0002,
  SimplePacket: 0x0000_0003,
  EnhancedPacket: 0x0000_0006
} as const

/**
 * Blocks that hold no network packet and that Wireshark counts as frames nevertheless, so that numbers agree: journal entries of systemd,
 * events of sysdig, custom blocks. Source: tshark 4.0, asked about each type.
 */
const otherFrames: ReadonlySet<number> = new Set([0x9, 0x204, 0x216, 0xbad, 0x4000_0bad])

/** Options that change what packets mean. */
export const PcapngOptionCode = { End: 0, TimestampResolution: 9, TimestampOffset: 14 } as const

const headSize = 8
const tailSize = 4
const smallestBlock = headSize + tailSize
const lengthOffset = 4
const byteOrderMagicOffset = 8
const byteOrderMagic = 0x1a2b_3c4d
const nanosecondsPerSecond = BigInt(1_000_000_000)

interface Interface {
  readonly linkType: number
  readonly snapLength: number
  readonly ticksPerSecond: bigint
  /** Nanoseconds to add. */
  readonly offset: bigint
}

/** Ticks per second: a power of ten, or with the high bit set a power of two. */
const resolutionOf = (option: number): bigint => option >= 0x80 ? BigInt(1) << BigInt(option & 0x7f) : BigInt(10) ** BigInt(option)

const hex32 = (value: number): string => `0x${value.toString(16).padStart(8, "0")}`

/** The record format of pcapng. */
export class PcapngRecords implements RecordFormat {
  readonly name = "PcapngBlock"
  readonly headSize = smallestBlock
  private readonly limits: CaptureLimits
  private littleEndian = false
  private interfaces: Array<Interface> = []
  private count = 0

  constructor(limits: CaptureLimits) {
    this.limits = limits
  }

  sizeOf(reader: Reader, at: number, start: number): number {
    const { view } = reader
    if (view.getUint32(at) === PcapngBlockType.Section) {
      const magic = view.getUint32(at + byteOrderMagicOffset)
      this.littleEndian = magic !== byteOrderMagic
      if (this.littleEndian && view.getUint32(at + byteOrderMagicOffset, true) !== byteOrderMagic) {
        malformed("Constant", "PcapngSection", "byteOrderMagic", at + byteOrderMagicOffset - start, hex32(byteOrderMagic), hex32(magic))
      }
    }
    const size = readPcapngBlockHead(reader, at, at + headSize, start, this.littleEndian).totalLength
    const offset = at + lengthOffset - start
    if (size < smallestBlock) malformed("Length", this.name, "totalLength", offset, `at least ${smallestBlock} bytes`, `${size} bytes`)
    if (size % 4 !== 0) malformed("Length", this.name, "totalLength", offset, "a multiple of 4", `${size} bytes`)
    if (size > this.limits.maxRecord) {
      malformed("Limit", this.name, "totalLength", offset, `a block of at most ${this.limits.maxRecord} bytes`, `${size} bytes`)
    }
    return size
  }

  read(reader: Reader, at: number, end: number, start: number, sink: FrameSink): void {
    const trailing = reader.view.getUint32(end - tailSize, this.littleEndian)
    if (trailing !== end - at) {
      malformed("Length", this.name, "trailingLength", end - tailSize - start, `${end - at} as at the block's start`, `${trailing}`)
    }
    const head = readPcapngBlockHead(reader, at, end, start, this.littleEndian)
    try {
      this.readBody(reader, head.type, at + headSize, end - tailSize, start, sink)
    } catch (error) {
      // the block is complete, so no further byte can help
      if (error instanceof DecodeError && error.incomplete) {
        malformed("Length", error.packet, error.path, error.offset, error.expected, error.got)
      }
      throw error
    }
  }

  private readBody(reader: Reader, type: number, at: number, end: number, start: number, sink: FrameSink): void {
    const little = this.littleEndian
    switch (type) {
      case PcapngBlockType.Section:
        readPcapngSection(reader, at, end, start, little)
        this.interfaces = []
        return
      case PcapngBlockType.Interface:
        this.addInterface(reader, at, end, start)
        return
      case PcapngBlockType.EnhancedPacket: {
        const packet = readPcapngEnhancedPacket(reader, at, end, start, little)
        const from = this.interfaceOf("PcapngEnhancedPacket", packet.interfaceId, at - start)
        this.emit(from, timeOf(from, packet.timestampHigh, packet.timestampLow), packet.data, packet.originalLength, sink)
        return
      }
      case PcapngBlockType.ObsoletePacket: {
        const packet = readPcapngObsoletePacket(reader, at, end, start, little)
        const from = this.interfaceOf("PcapngObsoletePacket", packet.interfaceId, at - start)
        this.emit(from, timeOf(from, packet.timestampHigh, packet.timestampLow), packet.data, packet.originalLength, sink)
        return
      }
      case PcapngBlockType.SimplePacket: {
        const packet = readPcapngSimplePacket(reader, at, end, start, little)
        const from = this.interfaceOf("PcapngSimplePacket", 0, at - start)
        const captured = from.snapLength === 0 ? packet.originalLength : Math.min(from.snapLength, packet.originalLength)
        if (captured > packet.data.length) {
          malformed("Length", "PcapngSimplePacket", "data", end - start, `${captured} bytes`, `${packet.data.length} bytes`)
        }
        this.emit(from, undefined, packet.data.subarray(0, captured), packet.originalLength, sink)
        return
      }
    }
    if (otherFrames.has(type)) this.count++
  }

  private emit(from: Interface, time: bigint | undefined, data: Uint8Array, originalLength: number, sink: FrameSink): void {
    sink({ number: ++this.count, time, linkType: from.linkType, data, originalLength })
  }

  private interfaceOf(packet: string, index: number, offset: number): Interface {
    return this.interfaces[index]
      ?? malformed("UnknownValue", packet, "interfaceId", offset, `one of ${this.interfaces.length} interfaces`, `interface ${index}`)
  }

  private addInterface(reader: Reader, at: number, end: number, start: number): void {
    if (this.interfaces.length >= this.limits.maxInterfaces) {
      malformed("Limit", "PcapngInterface", "", at - start, `at most ${this.limits.maxInterfaces} interfaces`, "one more")
    }
    const { linkType, options, snapLength } = readPcapngInterface(reader, at, end, start, this.littleEndian)
    let ticksPerSecond = BigInt(1_000_000)
    let offset = BigInt(0)
    this.eachOption(options, end - options.length - start, (code, value) => {
      if (code === PcapngOptionCode.TimestampResolution && value.length > 0) ticksPerSecond = resolutionOf(value[0]!)
      if (code === PcapngOptionCode.TimestampOffset && value.length === 8) {
        offset = new Reader(value).view.getBigInt64(0, this.littleEndian) * nanosecondsPerSecond
      }
    })
    this.interfaces.push({ linkType, snapLength, ticksPerSecond, offset })
  }

  private eachOption(options: Uint8Array, fileOffset: number, onOption: (code: number, value: Uint8Array) => void): void {
    const reader = new Reader(options)
    let at = 0
    while (at < options.length) {
      const option = readPcapngOption(reader, at, options.length, -fileOffset, this.littleEndian)
      if (option.code === PcapngOptionCode.End) return
      onOption(option.code, option.value)
      at = reader.next + (-reader.next & 3)
    }
  }
}

const timeOf = (from: Interface, high: number, low: number): bigint =>
  (BigInt(high) << BigInt(32) | BigInt(low)) * nanosecondsPerSecond / from.ticksPerSecond + from.offset
