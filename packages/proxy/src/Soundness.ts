/**
 * Whether a frame is a sound request of the classic dialect. Gets and sets, which are nearly all of a proxy's traffic, are told by their
 * lengths; everything else by decoding it, and so is whatever looks unsound, because the decoder knows what is wrong with it.
 */
import { malformed, type Reader } from "@wirewright/codec"
import { decodeRequest, Opcode } from "@wirewright/memcached/gen"

/** Extras of the commands that are told by their lengths. */
const extrasOf: ReadonlyMap<number, number> = new Map([
  [Opcode.Get, 0],
  [Opcode.GetQ, 0],
  [Opcode.GetK, 0],
  [Opcode.GetKQ, 0],
  [Opcode.Set, 8],
  [Opcode.SetQ, 8]
])

const extras = new Int8Array(256).fill(-1)
for (const [opcode, size] of extrasOf) extras[opcode] = size

/** Whether the lengths alone show that the request at `at` is sound: extras of the right size, a key of 1 to 250 bytes, a value or none. */
export const soundByLengths = ({ bytes, view }: Reader, at: number): boolean => {
  const size = extras[bytes[at + 1]!]!
  if (size < 0 || bytes[at] !== 0x80 || bytes[at + 4] !== size) return false
  const key = view.getUint16(at + 2)
  const value = view.getUint32(at + 8) - size - key
  return key > 0 && key <= 250 && (size === 0 ? value === 0 : value >= 0)
}

/** Magic of requests with framing extras: memcached does not know it and gives up a connection that brings it. */
const flexible = 0x08

/** Throws `DecodeError` unless the request at `at` is sound. */
export const expectSound = (reader: Reader, at: number): void => {
  if (soundByLengths(reader, at)) return
  if (reader.bytes[at] === flexible) malformed("Magic", "Request", "magic", at, "0x80", "0x08")
  decodeRequest(reader, at)
}
