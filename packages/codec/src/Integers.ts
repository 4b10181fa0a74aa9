/** The integers that `DataView` lacks, and floats whose bytes are the same for every NaN. */
import { unencodable } from "./Errors.ts"

/** A three-byte integer. */
export const getU24 = (view: DataView, at: number, littleEndian?: boolean): number =>
  littleEndian ? view.getUint16(at, true) | view.getUint8(at + 2) << 16 : view.getUint8(at) << 16 | view.getUint16(at + 1)

/** Eight bytes, most significant first, as a number: exact up to 2⁵³ − 1, and never less than 2⁵³ above that. */
export const getU64Number = (view: DataView, at: number): number => view.getUint32(at) * 0x1_0000_0000 + view.getUint32(at + 4)

const checkFloat = (value: number, packet: string, path: string): void => {
  if (typeof value !== "number") {
    unencodable(value === undefined || value === null ? "Missing" : "Range", packet, path, "a number", String(value))
  }
}

/** Four bytes of IEEE 754. A number without such a value is rounded to the nearest, unless that is infinite. */
export const putF32 = (view: DataView, at: number, value: number, packet: string, path: string, littleEndian?: boolean): void => {
  checkFloat(value, packet, path)
  if (Math.abs(Math.fround(value)) === Infinity && Number.isFinite(value)) {
    unencodable("Range", packet, path, "a number of 32 bits", String(value))
  }
  // engines keep the sign and the payload of some, and not of others
  if (value !== value) view.setUint32(at, 0x7fc0_0000, littleEndian)
  else view.setFloat32(at, value, littleEndian)
}

/** Eight bytes of IEEE 754. */
export const putF64 = (view: DataView, at: number, value: number, packet: string, path: string, littleEndian?: boolean): void => {
  checkFloat(value, packet, path)
  if (value !== value) view.setBigUint64(at, 0x7ff8_0000_0000_0000n, littleEndian)
  else view.setFloat64(at, value, littleEndian)
}

/** The bytes of an integer of `size` bytes; of a negative one, its two's complement. */
export const intBytes = (size: number, littleEndian: boolean, value: bigint): ReadonlyArray<number> => {
  const bytes = Array.from({ length: size }, (_, i) => Number(value >> BigInt(8 * i) & 0xffn))
  return littleEndian ? bytes : bytes.reverse()
}
