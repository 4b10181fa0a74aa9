/**
 * Writes pcapng files: one section, its interfaces, then packets with nanosecond times.
 *
 * It makes bytes and never opens a file. Each call returns the bytes to append.
 */
import { encodeWith, Writer } from "@wirewright/codec"
import {
  encodePcapngBlockHead,
  encodePcapngEnhancedPacket,
  encodePcapngInterface,
  encodePcapngOption,
  encodePcapngSection
} from "./gen/Types.ts"
import { PcapngBlockType, PcapngOptionCode } from "./PcapngFile.ts"

const littleEndian = true
const nanoseconds = 9
const none = new Uint8Array(0)

/** The padding after `length` bytes. */
const paddingOf = (length: number): Uint8Array => new Uint8Array(-length & 3)

/** Bytes of a block beside its body: type and length in front, the length again after. */
const blockFrame = 12

const block = (writer: Writer, type: number, body: (writer: Writer) => void): void => {
  const content = encodeWith(body)
  const size = content.length + blockFrame
  encodePcapngBlockHead(writer, { type, totalLength: size }, littleEndian)
  const at = writer.need(content.length + 4)
  writer.bytes.set(content, at)
  writer.view.setUint32(at + content.length, size, littleEndian)
  writer.position = at + content.length + 4
}

const options = (list: ReadonlyArray<{ readonly code: number; readonly value: Uint8Array }>): Uint8Array => {
  const writer = new Writer(64)
  for (const option of list) {
    encodePcapngOption(writer, option, littleEndian)
    const padding = paddingOf(option.value.length)
    writer.bytes.set(padding, writer.need(padding.length))
    writer.position += padding.length
  }
  encodePcapngOption(writer, { code: PcapngOptionCode.End, value: none }, littleEndian)
  return writer.take()
}

/** Makes the blocks of one pcapng file. */
export class PcapngWriter {
  private readonly writer = new Writer()
  private interfaces = 0

  /** The section header; the first bytes of the file. */
  section(): Uint8Array {
    this.interfaces = 0
    block(
      this.writer,
      PcapngBlockType.Section,
      (writer) => encodePcapngSection(writer, { versionMajor: 1, versionMinor: 0, sectionLength: BigInt(-1), options: none }, littleEndian)
    )
    return this.writer.take()
  }

  /** Describes the next interface; interfaces are counted from 0. */
  interface(linkType: number, snapLength = 0): Uint8Array {
    this.interfaces++
    block(this.writer, PcapngBlockType.Interface, (writer) =>
      encodePcapngInterface(writer, {
        linkType,
        snapLength,
        options: options([{ code: PcapngOptionCode.TimestampResolution, value: Uint8Array.of(nanoseconds) }])
      }, littleEndian))
    return this.writer.take()
  }

  /** One packet; `time` is in nanoseconds since 1970. */
  packet(
    options: { readonly interfaceId?: number; readonly time: bigint; readonly data: Uint8Array; readonly originalLength?: number }
  ): Uint8Array {
    const { data, interfaceId = 0, originalLength = data.length, time } = options
    if (interfaceId >= this.interfaces) throw new RangeError(`interface ${interfaceId} was not described`)
    block(this.writer, PcapngBlockType.EnhancedPacket, (writer) =>
      encodePcapngEnhancedPacket(writer, {
        interfaceId,
        timestampHigh: Number(time >> BigInt(32) & BigInt(0xffff_ffff)),
        timestampLow: Number(time & BigInt(0xffff_ffff)),
        originalLength,
        data,
        trailer: paddingOf(data.length)
      }, littleEndian))
    return this.writer.take()
  }
}
