/** Temporary, by hand; the generator replaces this file with the same signatures (spec/src/capture.ts). */
import { incomplete, malformed, type Reader, type Writer } from "@wirewright/codec"

export interface PcapHeader {
  readonly magic: number
  readonly versionMajor: number
  readonly versionMinor: number
  readonly timezone: number
  readonly accuracy: number
  readonly snapLength: number
  readonly linkType: number
}

export function readPcapHeader(reader: Reader, at: number, end: number, start: number, littleEndian: boolean): PcapHeader {
  const view = reader.view
  if (end - at < 24) return incomplete("PcapHeader", "", end - start, "24 bytes", `${end - at} bytes`)
  reader.next = at + 24
  return { magic: view.getUint32(at + 0, littleEndian), versionMajor: view.getUint16(at + 4, littleEndian), versionMinor: view.getUint16(at + 6, littleEndian), timezone: view.getInt32(at + 8, littleEndian), accuracy: view.getUint32(at + 12, littleEndian), snapLength: view.getUint32(at + 16, littleEndian), linkType: view.getUint32(at + 20, littleEndian) }
}

export function writePcapHeader(writer: Writer, value: PcapHeader, littleEndian: boolean): void {
  const at = writer.need(24)
  const { view } = writer
  view.setUint32(at + 0, value.magic, littleEndian)
  view.setUint16(at + 4, value.versionMajor, littleEndian)
  view.setUint16(at + 6, value.versionMinor, littleEndian)
  view.setInt32(at + 8, value.timezone, littleEndian)
  view.setUint32(at + 12, value.accuracy, littleEndian)
  view.setUint32(at + 16, value.snapLength, littleEndian)
  view.setUint32(at + 20, value.linkType, littleEndian)
  writer.position = at + 24
}

export interface PcapRecord {
  readonly seconds: number
  readonly fraction: number
  readonly originalLength: number
  readonly data: Uint8Array
}

export function readPcapRecord(reader: Reader, at: number, end: number, start: number, littleEndian: boolean): PcapRecord {
  const view = reader.view
  if (end - at < 16) return incomplete("PcapRecord", "", end - start, "16 bytes", `${end - at} bytes`)
  const capturedLength = view.getUint32(at + 8, littleEndian)
  let next = at + 16
  if (end - next < capturedLength) return incomplete("PcapRecord", "data", end - start, `${capturedLength} bytes`, `${end - next} bytes`)
  const data = reader.slice(next, next + capturedLength)
  next += capturedLength
  reader.next = next
  return { seconds: view.getUint32(at + 0, littleEndian), fraction: view.getUint32(at + 4, littleEndian), originalLength: view.getUint32(at + 12, littleEndian), data }
}

export function writePcapRecord(writer: Writer, value: PcapRecord, littleEndian: boolean): void {
  const at = writer.need(16 + value.data.length)
  const { bytes, view } = writer
  view.setUint32(at + 0, value.seconds, littleEndian)
  view.setUint32(at + 4, value.fraction, littleEndian)
  view.setUint32(at + 8, value.data.length, littleEndian)
  view.setUint32(at + 12, value.originalLength, littleEndian)
  bytes.set(value.data, at + 16)
  writer.position = at + 16 + value.data.length
}

export interface PcapngBlockHead {
  readonly type: number
  readonly totalLength: number
}

export function readPcapngBlockHead(reader: Reader, at: number, end: number, start: number, littleEndian: boolean): PcapngBlockHead {
  const view = reader.view
  if (end - at < 8) return incomplete("PcapngBlockHead", "", end - start, "8 bytes", `${end - at} bytes`)
  reader.next = at + 8
  return { type: view.getUint32(at + 0, littleEndian), totalLength: view.getUint32(at + 4, littleEndian) }
}

export function writePcapngBlockHead(writer: Writer, value: PcapngBlockHead, littleEndian: boolean): void {
  const at = writer.need(8)
  const { view } = writer
  view.setUint32(at + 0, value.type, littleEndian)
  view.setUint32(at + 4, value.totalLength, littleEndian)
  writer.position = at + 8
}

export interface PcapngSection {
  readonly versionMajor: number
  readonly versionMinor: number
  readonly sectionLength: bigint
  readonly options: Uint8Array
}

export function readPcapngSection(reader: Reader, at: number, end: number, start: number, littleEndian: boolean): PcapngSection {
  const view = reader.view
  if (end - at < 16) return incomplete("PcapngSection", "", end - start, "16 bytes", `${end - at} bytes`)
  const byteOrderMagic = view.getUint32(at + 0, littleEndian)
  if (byteOrderMagic !== 0x1a2b3c4d) malformed("Constant", "PcapngSection", "byteOrderMagic", at + 0 - start, "0x1a2b3c4d", `0x${byteOrderMagic.toString(16)}`)
  let next = at + 16
  const options = reader.slice(next, end)
  next = end
  reader.next = next
  return { versionMajor: view.getUint16(at + 4, littleEndian), versionMinor: view.getUint16(at + 6, littleEndian), sectionLength: view.getBigInt64(at + 8, littleEndian), options }
}

export function writePcapngSection(writer: Writer, value: PcapngSection, littleEndian: boolean): void {
  const at = writer.need(16 + value.options.length)
  const { bytes, view } = writer
  view.setUint32(at + 0, 0x1a2b3c4d, littleEndian)
  view.setUint16(at + 4, value.versionMajor, littleEndian)
  view.setUint16(at + 6, value.versionMinor, littleEndian)
  view.setBigInt64(at + 8, value.sectionLength, littleEndian)
  bytes.set(value.options, at + 16)
  writer.position = at + 16 + value.options.length
}

export interface PcapngInterface {
  readonly linkType: number
  readonly snapLength: number
  readonly options: Uint8Array
}

export function readPcapngInterface(reader: Reader, at: number, end: number, start: number, littleEndian: boolean): PcapngInterface {
  const view = reader.view
  if (end - at < 8) return incomplete("PcapngInterface", "", end - start, "8 bytes", `${end - at} bytes`)
  let next = at + 8
  const options = reader.slice(next, end)
  next = end
  reader.next = next
  return { linkType: view.getUint16(at + 0, littleEndian), snapLength: view.getUint32(at + 4, littleEndian), options }
}

export function writePcapngInterface(writer: Writer, value: PcapngInterface, littleEndian: boolean): void {
  const at = writer.need(8 + value.options.length)
  const { bytes, view } = writer
  view.setUint16(at + 0, value.linkType, littleEndian)
  view.setUint16(at + 2, 0, littleEndian)
  view.setUint32(at + 4, value.snapLength, littleEndian)
  bytes.set(value.options, at + 8)
  writer.position = at + 8 + value.options.length
}

export interface PcapngEnhancedPacket {
  readonly interfaceId: number
  readonly timestampHigh: number
  readonly timestampLow: number
  readonly originalLength: number
  readonly data: Uint8Array
  readonly trailer: Uint8Array
}

export function readPcapngEnhancedPacket(reader: Reader, at: number, end: number, start: number, littleEndian: boolean): PcapngEnhancedPacket {
  const view = reader.view
  if (end - at < 20) return incomplete("PcapngEnhancedPacket", "", end - start, "20 bytes", `${end - at} bytes`)
  const capturedLength = view.getUint32(at + 12, littleEndian)
  let next = at + 20
  if (end - next < capturedLength) return incomplete("PcapngEnhancedPacket", "data", end - start, `${capturedLength} bytes`, `${end - next} bytes`)
  const data = reader.slice(next, next + capturedLength)
  next += capturedLength
  const trailer = reader.slice(next, end)
  next = end
  reader.next = next
  return { interfaceId: view.getUint32(at + 0, littleEndian), timestampHigh: view.getUint32(at + 4, littleEndian), timestampLow: view.getUint32(at + 8, littleEndian), originalLength: view.getUint32(at + 16, littleEndian), data, trailer }
}

export function writePcapngEnhancedPacket(writer: Writer, value: PcapngEnhancedPacket, littleEndian: boolean): void {
  const at = writer.need(20 + value.data.length + value.trailer.length)
  const { bytes, view } = writer
  view.setUint32(at + 0, value.interfaceId, littleEndian)
  view.setUint32(at + 4, value.timestampHigh, littleEndian)
  view.setUint32(at + 8, value.timestampLow, littleEndian)
  view.setUint32(at + 12, value.data.length, littleEndian)
  view.setUint32(at + 16, value.originalLength, littleEndian)
  bytes.set(value.data, at + 20)
  bytes.set(value.trailer, at + 20 + value.data.length)
  writer.position = at + 20 + value.data.length + value.trailer.length
}

export interface PcapngSimplePacket {
  readonly originalLength: number
  readonly data: Uint8Array
}

export function readPcapngSimplePacket(reader: Reader, at: number, end: number, start: number, littleEndian: boolean): PcapngSimplePacket {
  const view = reader.view
  if (end - at < 4) return incomplete("PcapngSimplePacket", "", end - start, "4 bytes", `${end - at} bytes`)
  let next = at + 4
  const data = reader.slice(next, end)
  next = end
  reader.next = next
  return { originalLength: view.getUint32(at + 0, littleEndian), data }
}

export function writePcapngSimplePacket(writer: Writer, value: PcapngSimplePacket, littleEndian: boolean): void {
  const at = writer.need(4 + value.data.length)
  const { bytes, view } = writer
  view.setUint32(at + 0, value.originalLength, littleEndian)
  bytes.set(value.data, at + 4)
  writer.position = at + 4 + value.data.length
}

export interface PcapngObsoletePacket {
  readonly interfaceId: number
  readonly dropCount: number
  readonly timestampHigh: number
  readonly timestampLow: number
  readonly originalLength: number
  readonly data: Uint8Array
  readonly trailer: Uint8Array
}

export function readPcapngObsoletePacket(reader: Reader, at: number, end: number, start: number, littleEndian: boolean): PcapngObsoletePacket {
  const view = reader.view
  if (end - at < 20) return incomplete("PcapngObsoletePacket", "", end - start, "20 bytes", `${end - at} bytes`)
  const capturedLength = view.getUint32(at + 12, littleEndian)
  let next = at + 20
  if (end - next < capturedLength) return incomplete("PcapngObsoletePacket", "data", end - start, `${capturedLength} bytes`, `${end - next} bytes`)
  const data = reader.slice(next, next + capturedLength)
  next += capturedLength
  const trailer = reader.slice(next, end)
  next = end
  reader.next = next
  return { interfaceId: view.getUint16(at + 0, littleEndian), dropCount: view.getUint16(at + 2, littleEndian), timestampHigh: view.getUint32(at + 4, littleEndian), timestampLow: view.getUint32(at + 8, littleEndian), originalLength: view.getUint32(at + 16, littleEndian), data, trailer }
}

export function writePcapngObsoletePacket(writer: Writer, value: PcapngObsoletePacket, littleEndian: boolean): void {
  const at = writer.need(20 + value.data.length + value.trailer.length)
  const { bytes, view } = writer
  view.setUint16(at + 0, value.interfaceId, littleEndian)
  view.setUint16(at + 2, value.dropCount, littleEndian)
  view.setUint32(at + 4, value.timestampHigh, littleEndian)
  view.setUint32(at + 8, value.timestampLow, littleEndian)
  view.setUint32(at + 12, value.data.length, littleEndian)
  view.setUint32(at + 16, value.originalLength, littleEndian)
  bytes.set(value.data, at + 20)
  bytes.set(value.trailer, at + 20 + value.data.length)
  writer.position = at + 20 + value.data.length + value.trailer.length
}

export interface PcapngOption {
  readonly code: number
  readonly value: Uint8Array
}

export function readPcapngOption(reader: Reader, at: number, end: number, start: number, littleEndian: boolean): PcapngOption {
  const view = reader.view
  if (end - at < 4) return incomplete("PcapngOption", "", end - start, "4 bytes", `${end - at} bytes`)
  const length = view.getUint16(at + 2, littleEndian)
  let next = at + 4
  if (end - next < length) return incomplete("PcapngOption", "value", end - start, `${length} bytes`, `${end - next} bytes`)
  const value = reader.slice(next, next + length)
  next += length
  reader.next = next
  return { code: view.getUint16(at + 0, littleEndian), value }
}

export function writePcapngOption(writer: Writer, value: PcapngOption, littleEndian: boolean): void {
  const at = writer.need(4 + value.value.length)
  const { bytes, view } = writer
  view.setUint16(at + 0, value.code, littleEndian)
  view.setUint16(at + 2, value.value.length, littleEndian)
  bytes.set(value.value, at + 4)
  writer.position = at + 4 + value.value.length
}
