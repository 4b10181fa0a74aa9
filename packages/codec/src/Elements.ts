/**
 * Repeated and nested records.
 *
 * Readers of records know only their own fields; what stands around them adds its name and the element's index when one fails, so that an
 * error's path leads from the packet to the field and costs nothing while all is well.
 */
import { DecodeError, EncodeError, malformed, unencodable } from "./Errors.ts"
import type { Reader } from "./Reader.ts"
import type { Writer } from "./Writer.ts"

/**
 * Reads a record at `at`, not beyond `end`, and leaves the offset behind it in `reader.next`. Offsets in errors count from `start`. What
 * else a record depends on is its context: whether it is little-endian, or the states of the connection.
 */
export type RecordReader<A, Context = boolean> = (reader: Reader, at: number, end: number, start: number, context: Context) => A

/** Writes a record at `at` of a writer that has room, and returns the offset behind it. */
export type RecordWriter<A> = (writer: Writer, at: number, value: A, littleEndian: boolean) => number

const relocated = (error: unknown, packet: string, path: string): unknown => {
  if (error instanceof DecodeError) {
    const { reason, offset, expected, got, incomplete } = error
    return new DecodeError({ reason, packet, path: error.path === "" ? path : `${path}.${error.path}`, offset, expected, got, incomplete })
  }
  if (error instanceof EncodeError) {
    const { reason, expected, got } = error
    return new EncodeError({ reason, packet, path: error.path === "" ? path : `${path}.${error.path}`, expected, got })
  }
  return error
}

/** A nested record. */
export const readNested = <A, Context>(
  reader: Reader,
  at: number,
  end: number,
  start: number,
  packet: string,
  path: string,
  read: RecordReader<A, Context>,
  context: Context
): A => {
  try {
    return read(reader, at, end, start, context)
  } catch (error) {
    throw relocated(error, packet, path)
  }
}

/** Elements that fill `[at, end)`. */
export const readElements = <A, Context>(
  reader: Reader,
  at: number,
  end: number,
  start: number,
  packet: string,
  path: string,
  max: number,
  read: RecordReader<A, Context>,
  context: Context
): Array<A> => {
  const out: Array<A> = []
  try {
    let position = at
    while (position < end) {
      if (out.length === max) malformed("Limit", "", "", position - start, `at most ${max} elements`, "more")
      out.push(read(reader, position, end, start, context))
      position = reader.next
    }
    reader.next = end
    return out
  } catch (error) {
    throw relocated(error, packet, `${path}[${out.length}]`)
  }
}

/** `count` elements; each takes at least `minimum` bytes, so that a claimed count cannot outrun the bytes. */
export const readCounted = <A, Context>(
  reader: Reader,
  at: number,
  end: number,
  start: number,
  packet: string,
  path: string,
  count: number,
  minimum: number,
  max: number,
  read: RecordReader<A, Context>,
  context: Context
): Array<A> => {
  if (count > max) malformed("Limit", packet, path, at - start, `at most ${max} elements`, String(count))
  if (count * minimum > end - at) {
    malformed("Length", packet, path, at - start, `${count} elements of at least ${minimum} bytes`, `${end - at} bytes`)
  }
  const out: Array<A> = []
  try {
    let position = at
    for (let i = 0; i < count; i++) {
      out.push(read(reader, position, end, start, context))
      position = reader.next
    }
    reader.next = position
    return out
  } catch (error) {
    throw relocated(error, packet, `${path}[${out.length}]`)
  }
}

/** Writes a nested record. */
export const writeNested = <A>(
  writer: Writer,
  at: number,
  value: A,
  packet: string,
  path: string,
  write: RecordWriter<A>,
  littleEndian = false
): number => {
  try {
    return write(writer, at, value, littleEndian)
  } catch (error) {
    throw relocated(error, packet, path)
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
  write: RecordWriter<A>,
  littleEndian = false
): number => {
  if (values.length > max) unencodable("Limit", packet, path, `at most ${max} elements`, String(values.length))
  let position = at
  let index = 0
  try {
    for (; index < values.length; index++) position = write(writer, position, values[index]!, littleEndian)
    return position
  } catch (error) {
    throw relocated(error, packet, `${path}[${index}]`)
  }
}

/** Room that elements need at most. */
export const boundElements = <A>(values: ReadonlyArray<A>, bound: (value: A) => number): number => {
  let size = 0
  for (const value of values) size += bound(value)
  return size
}
