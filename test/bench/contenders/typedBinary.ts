/**
 * typed-binary: one object schema for the header and one for each extras section. It has neither 64-bit integers nor sections whose
 * length stands elsewhere, so the former are two numbers of 32 bits and the latter are copied by hand.
 */
import type { Message } from "../Messages.ts"
import { headerSize } from "../Mix.ts"
import { load } from "./External.ts"

interface Input {
  readSlice(into: Uint8Array, offset: number, length: number): void
}
interface Output {
  readonly currentByteOffset: number
  writeSlice(bytes: Uint8Array): void
}
interface Options {
  readonly endianness: "big"
  readonly byteOffset: number
}
interface Schema<A> {
  read(input: Input): A
  write(output: Output, value: A): void
}
type Numbers = Readonly<Record<string, number>>

interface Library {
  readonly u8: unknown
  readonly u16: unknown
  readonly u32: unknown
  readonly object: (fields: Readonly<Record<string, unknown>>) => Schema<Numbers>
  readonly BufferReader: new(buffer: ArrayBufferLike, options: Options) => Input
  readonly BufferWriter: new(buffer: ArrayBufferLike, options: Options) => Output
}

export interface Packet {
  readonly header: Numbers
  readonly extras: Numbers
  readonly key: string
  readonly value: Uint8Array
}

const makeSchemas = ({ u8, u16, u32, object }: Library) => ({
  header: object({
    magic: u8,
    opcode: u8,
    keyLength: u16,
    extrasLength: u8,
    datatype: u8,
    vbucket: u16,
    bodyLength: u32,
    opaque: u32,
    casHigh: u32,
    casLow: u32
  }),
  marker: object({ startHigh: u32, startLow: u32, endHigh: u32, endLow: u32, flags: u32 }),
  mutation: object({
    seqnoHigh: u32,
    seqnoLow: u32,
    revHigh: u32,
    revLow: u32,
    flags: u32,
    expiration: u32,
    lockTime: u32,
    nmeta: u16,
    nru: u8
  }),
  deletionV1: object({ seqnoHigh: u32, seqnoLow: u32, revHigh: u32, revLow: u32, nmeta: u16 }),
  deletionV2: object({ seqnoHigh: u32, seqnoLow: u32, revHigh: u32, revLow: u32, deleteTime: u32, unused: u8 })
})

/** Returns what parses the frame at an offset. */
export const makeDecode = async (bytes: Buffer): Promise<(at: number) => Packet> => {
  const library = await load<Library>("typed-binary")
  const { header: headerSchema, marker, mutation, deletionV1, deletionV2 } = makeSchemas(library)
  const { buffer } = new Uint8Array(bytes)
  const decoder = new TextDecoder()
  return (at) => {
    const reader = new library.BufferReader(buffer, { endianness: "big", byteOffset: at })
    const header = headerSchema.read(reader)
    const schema = header["opcode"] === 0x56
      ? marker
      : header["opcode"] === 0x57
      ? mutation
      : header["extrasLength"] === 18
      ? deletionV1
      : deletionV2
    const extras = schema.read(reader)
    const key = new Uint8Array(header["keyLength"]!)
    reader.readSlice(key, 0, key.length)
    const value = new Uint8Array(header["bodyLength"]! - header["extrasLength"]! - key.length)
    reader.readSlice(value, 0, value.length)
    return { header, extras, key: decoder.decode(key), value }
  }
}

const high = (value: bigint): number => Number(value >> 32n)
const low = (value: bigint): number => Number(value & 0xffff_ffffn)

/** Returns what writes a message. */
export const makeEncode = async (): Promise<(message: Message) => Uint8Array> => {
  const library = await load<Library>("typed-binary")
  const schemas = makeSchemas(library)
  const encoder = new TextEncoder()
  const none = new Uint8Array(0)
  return (message) => {
    const key = message._tag === "DcpSnapshotMarker" ? none : encoder.encode(message.key)
    const value = message._tag === "DcpSnapshotMarker" ? none : message.value
    const v1 = message._tag === "DcpDeletion" && message.layout === "V1"
    const extrasLength = message._tag === "DcpSnapshotMarker" ? 20 : message._tag === "DcpMutation" ? 31 : v1 ? 18 : 21
    const bodyLength = extrasLength + key.length + value.length
    const bytes = new Uint8Array(headerSize + bodyLength)
    const writer = new library.BufferWriter(bytes.buffer, { endianness: "big", byteOffset: 0 })
    schemas.header.write(writer, {
      magic: 0x80,
      opcode: message._tag === "DcpSnapshotMarker" ? 0x56 : message._tag === "DcpMutation" ? 0x57 : 0x58,
      keyLength: key.length,
      extrasLength,
      datatype: message.datatype,
      vbucket: message.vbucket,
      bodyLength,
      opaque: message.opaque,
      casHigh: high(message.cas),
      casLow: low(message.cas)
    })
    if (message._tag === "DcpSnapshotMarker") {
      const { startSeqno, endSeqno, flags } = message
      schemas.marker.write(writer, {
        startHigh: high(startSeqno),
        startLow: low(startSeqno),
        endHigh: high(endSeqno),
        endLow: low(endSeqno),
        flags
      })
      return bytes
    }
    const { bySeqno, revSeqno } = message
    const positions = { seqnoHigh: high(bySeqno), seqnoLow: low(bySeqno), revHigh: high(revSeqno), revLow: low(revSeqno) }
    if (message._tag === "DcpMutation") {
      const { flags, expiration, lockTime, nmeta, nru } = message
      schemas.mutation.write(writer, { ...positions, flags, expiration, lockTime, nmeta, nru })
    } else if (message.layout === "V1") schemas.deletionV1.write(writer, { ...positions, nmeta: message.nmeta })
    else schemas.deletionV2.write(writer, { ...positions, deleteTime: message.deleteTime, unused: 0 })
    writer.writeSlice(key)
    writer.writeSlice(value)
    return bytes
  }
}
