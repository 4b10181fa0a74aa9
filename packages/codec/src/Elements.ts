/**
 * Repeated and nested records.
 *
 * Readers of records know only their own fields; what stands around them adds its name and the element's index when one fails, so that an
 * error's path leads from the packet to the field and costs nothing while all is well.
 */
import { checkElements } from "./Check.ts"
import { DecodeError, EncodeError, unfinished } from "./Errors.ts"
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
  if (error === unfinished) return error
  if (error instanceof DecodeError) return new DecodeError({ ...error, packet, path: joined(path, error.path) })
  if (error instanceof EncodeError) return new EncodeError({ ...error, packet, path: joined(path, error.path) })
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

/** What has been read of a list in a packet that is not all there. */
export interface ReadElements {
  readonly packet: string
  readonly path: string
  readonly elements: Array<never>
  /** Offset in the packet of what comes next. */
  readonly next: number
}

/** Shorter lists are read again. */
const shortList = 32

/**
 * What has been read before of the list that begins at `at`, of a packet that is read again; leaves in `reader.next` where it goes on. `start`
 * is where the packet begins.
 */
export const resumeElements = <A>(reader: Reader, at: number, start: number, packet: string, path: string): Array<A> => {
  const progress = reader.progress!
  const before = progress.get(at - start)
  if (before === undefined || before.path !== path || before.packet !== packet) return []
  // what is added to the elements from here on is not what was kept
  progress.delete(at - start)
  reader.next = start + before.next
  return before.elements
}

const keep = (
  reader: Reader,
  elements: ReadonlyArray<unknown>,
  at: number,
  next: number,
  start: number,
  packet: string,
  path: string
): void => {
  const progress = reader.progress!
  const [from, to] = [at - start, next - start]
  // lists within elements that are whole
  for (const one of progress.keys()) if (one >= from && one < to) progress.delete(one)
  progress.set(from, { packet, path, elements: elements as Array<never>, next: to })
}

/**
 * A list has been read. Where its packet is not all there and will be read again, it need not be. The same arguments as `interrupted`,
 * which reads the error of the element that is not.
 */
export const keepElements = (
  reader: Reader,
  elements: ReadonlyArray<unknown>,
  at: number,
  next: number,
  start: number,
  packet: string,
  path: string
): void => {
  if (elements.length > shortList) keep(reader, elements, at, next, start, packet, path)
}

/** The error at element `next` of the list that began at `at`. What came before it is kept when the packet will be read again. */
export const interrupted = (
  reader: Reader,
  error: unknown,
  elements: ReadonlyArray<unknown>,
  at: number,
  next: number,
  start: number,
  packet: string,
  path: string
): unknown => {
  if (error === unfinished && reader.progress !== undefined) keep(reader, elements, at, next, start, packet, path)
  return inElement(error, packet, path, elements.length)
}

/** Gives errors of something nested their path. */
export const within = <A>(packet: string, path: string, run: () => A): A => {
  try {
    return run()
  } catch (error) {
    throw relocated(error, packet, path, error)
  }
}

const isOurs = (error: unknown): boolean => error === unfinished || error instanceof DecodeError || error instanceof EncodeError

const shownCause = (error: unknown): string => error instanceof Error ? `${error.name}: ${error.message}` : String(error)

/**
 * What the code of a custom field reads at `offset`, counted from where the packet begins. Whatever it throws that is no error of a codec is a
 * `DecodeError` with the field's place, whose `cause` it is.
 */
export const readCustom = <A>(packet: string, path: string, offset: number, read: () => A): A => {
  try {
    return read()
  } catch (error) {
    const fault = isOurs(error) ? error : new DecodeError(
      {
        reason: "Custom",
        packet,
        path: "",
        offset,
        expected: "what the field's own code reads",
        got: shownCause(error),
        incomplete: false,
        cause: error
      }
    )
    throw packet === "" ? fault : relocated(fault, packet, path, error)
  }
}

const unwritten = (packet: string, error: unknown): unknown =>
  isOurs(error) ? error : new EncodeError(
    { reason: "Custom", packet, path: "", expected: "a value that the field's own code writes", got: shownCause(error), cause: error }
  )

/** What a custom field's own code makes of a value, such as of its JSON; what that throws is an `EncodeError`. */
export const madeByCustom = <A>(packet: string, path: string, make: () => A): A => {
  try {
    return make()
  } catch (error) {
    throw relocated(unwritten(packet, error), packet, path, error)
  }
}

/** Writes a custom field. What its code throws is an `EncodeError`, as `readCustom` has it; that there is no value is `Missing`. */
export const writeCustom = <A>(
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
    const isMissing = value === undefined || value === null
    const fault = isMissing ? error : unwritten(packet, error)
    throw packet === "" ? fault : relocated(fault, packet, path, value)
  }
}

/** Room that a custom field needs at most, by its own code. `name` is the field's type, for errors. */
export const boundCustom = <A>(value: A, name: string, path: string, bound: (value: A) => number): number =>
  value === undefined || value === null ? 0 : madeByCustom(name, path, () => bound(value))

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
  checkElements(values, max, packet, path)
  let position = at
  let index = 0
  try {
    for (; index < values.length; index++) position = write(writer, position, values[index]!)
    return position
  } catch (error) {
    throw relocated(error, packet, `${path}[${index}]`, values[index])
  }
}

/**
 * A list with one element more: the same one, unless it had at most three. Lists of few elements are the rule; what grows from nothing takes
 * room for 17, and counting first means reading twice.
 */
export const withElement = <A>(list: Array<A>, element: A): Array<A> => {
  switch (list.length) {
    case 0:
      return [element]
    case 1:
      return [list[0]!, element]
    case 2:
      return [list[0]!, list[1]!, element]
    case 3:
      return [list[0]!, list[1]!, list[2]!, element]
  }
  list.push(element)
  return list
}

/** Bytes that `write` puts into a buffer of their own, for a length that must be known before them. */
export const writtenApart = (bound: number, write: (writer: Writer) => number): Uint8Array => {
  const writer = new Writer(Math.max(1, bound))
  return writer.bytes.subarray(0, write(writer))
}

/** The length of a value, which an encoder refuses later when it has none. */
export const lengthOf = (value: { readonly length: number } | null | undefined): number =>
  typeof value?.length === "number" ? value.length : 0

/** Room that elements need at most; what is no list takes none. */
export const boundElements = <A>(values: ReadonlyArray<A>, bound: (value: A) => number): number => {
  let size = 0
  if (!Array.isArray(values)) return size
  for (const value of values) size += bound(value)
  return size
}
