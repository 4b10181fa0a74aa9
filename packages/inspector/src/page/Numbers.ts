/** What bytes could mean: the numbers of every width, and the characters, that begin at a byte. Pure. */
import { visible } from "@wirewright/codec/Visible"

/** A way to read bytes. */
export interface Reading {
  readonly name: string
  readonly big: string
  /** Where the order of bytes matters. */
  readonly little?: string
}

const widths = [["16", 2], ["32", 4], ["64", 8]] as const

const timeText = (seconds: number): string | undefined => {
  // from 1990 to 2100, since small numbers are no times
  if (seconds < 631_152_000 || seconds > 4_102_444_800) return undefined
  return new Date(seconds * 1000).toISOString().replace(/\.000Z$/, "Z")
}

/** The readings of what begins at `at`, as far as there are bytes; `length` is that of what is selected. */
export const readingsOf = (bytes: Uint8Array, at: number, length: number): ReadonlyArray<Reading> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const left = bytes.length - at
  if (left < 1) return []
  const byte = view.getUint8(at)
  const out: Array<Reading> = [
    { name: "u8", big: String(byte) },
    { name: "i8", big: String(view.getInt8(at)) },
    { name: "bits", big: byte.toString(2).padStart(8, "0") }
  ]
  for (const [bits, size] of widths) {
    if (left < size) continue
    const read = (signed: boolean, little: boolean): string => {
      if (size === 2) return String(signed ? view.getInt16(at, little) : view.getUint16(at, little))
      if (size === 4) return String(signed ? view.getInt32(at, little) : view.getUint32(at, little))
      return String(signed ? view.getBigInt64(at, little) : view.getBigUint64(at, little))
    }
    out.push({ name: `u${bits}`, big: read(false, false), little: read(false, true) })
    if (byte >= 0x80 || bytes[at + size - 1]! >= 0x80) out.push({ name: `i${bits}`, big: read(true, false), little: read(true, true) })
  }
  if (left >= 4) out.push({ name: "f32", big: String(view.getFloat32(at)), little: String(view.getFloat32(at, true)) })
  if (left >= 8) out.push({ name: "f64", big: String(view.getFloat64(at)), little: String(view.getFloat64(at, true)) })
  if (left >= 4) {
    const [big, little] = [timeText(view.getUint32(at)), timeText(view.getUint32(at, true))]
    if (big !== undefined || little !== undefined) out.push({ name: "time", big: big ?? "—", little: little ?? "—" })
  }
  const text = new TextDecoder().decode(bytes.subarray(at, at + Math.min(Math.max(1, length), 64)))
  out.push({ name: "UTF-8", big: JSON.stringify(visible(text)) })
  return out
}
