/**
 * Whether a frame is a sound request of the classic dialect. Gets and sets, which are nearly all of a proxy's traffic, are told by their
 * lengths; everything else by decoding it, and so is whatever looks unsound, because the decoder knows what is wrong with it.
 */
import { hexNumber, malformed, type Reader } from "@wirewright/codec"
import { bodyLengthAt, decodeRequest, extrasLengthAt, keyLengthAt, magicAt, magics, Opcode, opcodeAt } from "@wirewright/memcached/gen"

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

/** Magics of requests without framing extras, and with: memcached does not know these and gives up a connection that brings one. */
const [plain, flexible] = magics.request

/** Whether the lengths alone show that the request at `at` is sound: extras of the right size, a key of 1 to 250 bytes, a value or none. */
export const soundByLengths = (reader: Reader, at: number): boolean => {
  const size = extras[opcodeAt(reader, at)]!
  if (size < 0 || magicAt(reader, at) !== plain || extrasLengthAt(reader, at) !== size) return false
  const key = keyLengthAt(reader, at)
  const value = bodyLengthAt(reader, at) - size - key
  return key > 0 && key <= 250 && (size === 0 ? value === 0 : value >= 0)
}

/** Throws `DecodeError` unless the request at `at` is sound. */
export const expectSound = (reader: Reader, at: number): void => {
  if (soundByLengths(reader, at)) return
  if (magicAt(reader, at) === flexible) malformed("Magic", "Request", "magic", at, hexNumber(plain), hexNumber(flexible))
  decodeRequest(reader, at)
}
