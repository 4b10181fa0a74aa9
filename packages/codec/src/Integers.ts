/** Integers as records, for arrays of them; and the three-byte integer that `DataView` lacks. */
import { malformed } from "./Errors.ts"
import type { RecordReader, RecordWriter } from "./Elements.ts"
import { readUleb128, writeUleb128 } from "./Leb128.ts"
import { checkUleb128, putI16, putI32, putI64, putI8, putU16, putU24, putU32, putU64, putU8 } from "./Put.ts"

/** A three-byte integer. */
export const getU24 = (view: DataView, at: number, littleEndian?: boolean): number =>
  littleEndian ? view.getUint16(at, true) | view.getUint8(at + 2) << 16 : view.getUint8(at) << 16 | view.getUint16(at + 1)

const reader =
  <A>(size: number, read: (view: DataView, at: number, littleEndian: boolean) => A): RecordReader<A> =>
  (from, at, end, start, littleEndian) => {
    if (end - at < size) malformed("Length", "", "", at - start, `${size} bytes`, `${end - at} bytes`)
    from.next = at + size
    return read(from.view, at, littleEndian)
  }

type Put<A> = (view: DataView, at: number, value: A, packet: string, path: string, littleEndian?: boolean) => void

const writer = <A>(size: number, put: Put<A>): RecordWriter<A> => (to, at, value, littleEndian) => {
  put(to.view, at, value, "", "", littleEndian)
  return at + size
}

export const readU8 = reader(1, (view, at) => view.getUint8(at))
export const readU16 = reader(2, (view, at, le) => view.getUint16(at, le))
export const readU24 = reader(3, getU24)
export const readU32 = reader(4, (view, at, le) => view.getUint32(at, le))
export const readU64 = reader(8, (view, at, le) => view.getBigUint64(at, le))
export const readI8 = reader(1, (view, at) => view.getInt8(at))
export const readI16 = reader(2, (view, at, le) => view.getInt16(at, le))
export const readI32 = reader(4, (view, at, le) => view.getInt32(at, le))
export const readI64 = reader(8, (view, at, le) => view.getBigInt64(at, le))
export const readUleb: RecordReader<number> = (from, at, end, start) => readUleb128(from, at, end, start, "", "")

export const writeU8 = writer<number>(1, putU8)
export const writeU16 = writer<number>(2, putU16)
export const writeU24 = writer<number>(3, putU24)
export const writeU32 = writer<number>(4, putU32)
export const writeU64 = writer<bigint>(8, putU64)
export const writeI8 = writer<number>(1, putI8)
export const writeI16 = writer<number>(2, putI16)
export const writeI32 = writer<number>(4, putI32)
export const writeI64 = writer<bigint>(8, putI64)
export const writeUleb: RecordWriter<number> = (to, at, value) => writeUleb128(to.bytes, at, checkUleb128(value, "", ""))
