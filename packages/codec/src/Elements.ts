/**
 * Repeated and nested records.
 *
 * Readers of records know only their own fields; what stands around them adds its name and the element's index when one fails, so that an
 * error's path leads from the packet to the field and costs nothing while all is well.
 */
import { DecodeError, EncodeError, unencodable } from "./Errors.ts"
import type { Reader } from "./Reader.ts"
import { Writer } from "./Writer.ts"

/** Reads a record at `at`, not beyond `end`, and leaves the offset after it in `reader.next`. Offsets in errors count from `start`. */
export type RecordReader<A> = (reader: Reader, at: number, end: number, start: number) => A

/** Writes a record at `at` of a writer that has room, and returns the offset after it. */
export type RecordWriter<A> = (writer: Writer, at: number, value: A) => number

const joined = (outer: string, inner: string): string =>
  inner === "" ? outer : outer === "" ? inner : inner[0] === "[" ? outer + inner : `${outer}.${inner}`

/** Gives an error its path. Of a writer, `value` is what it was given: that there was none is no fault of the writer. */
const relocated = (error: unknown, packet: string, path: string, value: unknown): unknown => {
  if (error instanceof DecodeError) {
    const { reason, offset, expected, got, incomplete } = error
    return new DecodeError({ reason, packet, path: joined(path, error.path), offset, expected, got, incomplete })
  }
  if (error instanceof EncodeError) {
    const { reason, expected, got } = error
    return new EncodeError({ reason, packet, path: joined(path, error.path), expected, got })
  }
  return error instanceof TypeError && (value === undefined || value === null)
    ? new EncodeError({ reason: "Missing", packet, path, expected: "a value", got: String(value) })
    : error
}

/** Gives an error of an element its path. */
export const inElement = (error: unknown, packet: string, path: string, index: number): unknown =>
  relocated(error, packet, `${path}[${index}]`, error)

/** The same of a list that is written; it may be no list, or have no such element. */
export const inList = (error: unknown, packet: string, path: string, index: number, values: ReadonlyArray<unknown>): unknown =>
  Array.isArray(values) ? relocated(error, packet, `${path}[${index}]`, values[index]) : relocated(error, packet, path, undefined)

/** Gives errors of something nested their path. */
export const within = <A>(packet: string, path: string, run: () => A): A => {
  try {
    return run()
  } catch (error) {
    throw relocated(error, packet, path, error)
  }
}

/** A nested record. */
export const readNested = <A>(
  reader: Reader,
  at: number,
  end: number,
  start: number,
  packet: string,
  path: string,
  read: RecordReader<A>
): A => {
  try {
    return read(reader, at, end, start)
  } catch (error) {
    throw relocated(error, packet, path, error)
  }
}

/** Writes a nested record. */
export const writeNested = <A>(
  writer: Writer,
  at: number,
  value: A,
  packet: string,
  path: string,
  write: RecordWriter<A>
): number => {
  try {
    return write(writer, at, value)
  } catch (error) {
    throw relocated(error, packet, path, value)
  }
}

/** Writes elements one behind the other. */
export const writeElements = <A>(
  writer: Writer,
  at: number,
  values: ReadonlyArray<A>,
  packet: string,
  path: string,
  max: number,
  write: RecordWriter<A>
): number => {
  if (values.length > max) unencodable("Limit", packet, path, `at most ${max} elements`, String(values.length))
  let position = at
  let index = 0
  try {
    for (; index < values.length; index++) position = write(writer, position, values[index]!)
    return position
  } catch (error) {
    throw relocated(error, packet, `${path}[${index}]`, values[index])
  }
}

/** Bytes that `write` puts into a buffer of their own, for a length that must be known before them. */
export const writtenApart = (bound: number, write: (writer: Writer) => number): Uint8Array => {
  const writer = new Writer(Math.max(1, bound))
  return writer.bytes.subarray(0, write(writer))
}

/** Room that elements need at most; what is no list takes none. */
export const boundElements = <A>(values: ReadonlyArray<A>, bound: (value: A) => number): number => {
  let size = 0
  if (!Array.isArray(values)) return size
  for (const value of values) size += bound(value)
  return size
}
