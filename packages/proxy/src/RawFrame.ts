/**
 * Packets as they lie in a buffer: what their headers say, and copies with another opcode and opaque. It never looks into a packet's body.
 *
 * A proxy passes most of a packet on as it came, and copying 24 + n bytes costs less than decoding and encoding them.
 */
import type { Reader, Writer } from "@wirewright/codec"
import type { Frame } from "@wirewright/memcached/ServerConnection"

export type { Frame } from "@wirewright/memcached/ServerConnection"

/** Bytes of a header. */
export const headerSize = 24

/** The whole frame at `at`; its header must be there. */
export const frameAt = (reader: Reader, at: number): Frame => ({ reader, at, end: at + headerSize + reader.view.getUint32(at + 8) })

/** Bytes of the whole packet. */
export const sizeOf = (frame: Frame): number => frame.end - frame.at

/** The command. */
export const opcodeOf = (frame: Frame): number => frame.reader.bytes[frame.at + 1]!

/** The outcome; of a response. */
export const statusOf = (frame: Frame): number => frame.reader.view.getUint16(frame.at + 6)

/** The number by which its sender knows the answer. */
export const opaqueOf = (frame: Frame): number => frame.reader.view.getUint32(frame.at + 12)

const isFlexible = (magic: number): boolean => magic === 0x08 || magic === 0x18

/** Bytes of the key. */
export const keyLengthOf = ({ reader: { bytes }, at }: Frame): number =>
  isFlexible(bytes[at]!) ? bytes[at + 3]! : bytes[at + 2]! << 8 | bytes[at + 3]!

/** Where a packet's sections lie in its reader. */
export interface Sections {
  readonly extras: number
  readonly key: number
  readonly value: number
  readonly end: number
}

/** Where the sections lie. A response whose sections overrun its end has been refused before. */
export const sectionsOf = (frame: Frame): Sections => {
  const { reader: { bytes }, at, end } = frame
  const extras = at + headerSize + (isFlexible(bytes[at]!) ? bytes[at + 2]! : 0)
  const key = extras + bytes[at + 4]!
  return { extras, key, value: key + keyLengthOf(frame), end }
}

/** Whether the sections fit into the frame. */
export const isWhole = (frame: Frame): boolean => sectionsOf(frame).value <= frame.end

/** Frames up to this size are copied byte by byte, which is faster. */
const shortFrame = 40

/** Appends a copy of the frame with another opcode and opaque. */
export const writeCopy = (writer: Writer, { reader, at, end }: Frame, opcode: number, opaque: number): void => {
  const size = end - at
  const to = writer.need(size)
  if (size <= shortFrame) {
    // one view less than `set` needs, and no call into the engine
    const { bytes } = reader
    const out = writer.bytes
    for (let i = at, j = to; i < end; i++, j++) out[j] = bytes[i]!
  } else writer.bytes.set(reader.slice(at, end), to)
  writer.bytes[to + 1] = opcode
  writer.view.setUint32(to + 12, opaque)
  writer.position = to + size
}
