/**
 * Packets as they lie in a buffer: what their headers say, and copies with another opcode and opaque. It never looks into a packet's body.
 *
 * A proxy passes most of a packet on as it came, and copying a header and n bytes costs less than decoding and encoding them.
 */
import type { Reader, Writer } from "@wirewright/codec"
import {
  endAt,
  extrasAt,
  extrasLengthAt,
  keyLengthAt,
  opaqueAt,
  opcodeAt,
  setOpaqueAt,
  setOpcodeAt,
  statusAt
} from "@wirewright/memcached/gen"
import type { Frame } from "@wirewright/connection"

export type { Frame } from "@wirewright/connection"

/** The whole frame at `at`; its header must be there. */
export const frameAt = (reader: Reader, at: number): Frame => ({ reader, at, end: endAt(reader, at) })

/** Bytes of the whole packet. */
export const sizeOf = (frame: Frame): number => frame.end - frame.at

/** The command. */
export const opcodeOf = ({ at, reader }: Frame): number => opcodeAt(reader, at)

/** The outcome; of a response. */
export const statusOf = ({ at, reader }: Frame): number => statusAt(reader, at)

/** The number by which its sender knows the answer. */
export const opaqueOf = ({ at, reader }: Frame): number => opaqueAt(reader, at)

/** Bytes of the key. */
export const keyLengthOf = ({ at, reader }: Frame): number => keyLengthAt(reader, at)

/** Where a packet's sections lie in its reader. */
export interface Sections {
  readonly extras: number
  readonly key: number
  readonly value: number
  readonly end: number
}

/** Where the sections lie. A response whose sections overrun its end has been refused before. */
export const sectionsOf = (frame: Frame): Sections => {
  const { at, end, reader } = frame
  const extras = extrasAt(reader, at)
  const key = extras + extrasLengthAt(reader, at)
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
  setOpcodeAt(writer, to, opcode)
  setOpaqueAt(writer, to, opaque)
  writer.position = to + size
}
