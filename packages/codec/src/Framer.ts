/**
 * Chunks of a byte stream in, frames out.
 *
 * Frames that lie within a chunk are handed out where they are; only the frame that crosses two chunks is copied. The length and the magic
 * are checked on the header, before anything is allocated, and a crossing frame's buffer grows with the bytes that arrive, not with the
 * length that was claimed. Small crossing frames share a buffer, one after the other, because a buffer for each takes longer than all the
 * rest. A framer that has failed cannot be used again: after a wrong length there is no next frame.
 *
 * What a frame's length stands in is the shape's business (`FrameShape`), so that a framer has no code for headers of other protocols. Its
 * fields are private to the language, which lets minifiers shorten their names.
 */
import { DecodeError, type DecodeProblem, hexNumber, incomplete, malformed, throwUnfinished } from "./Errors.ts"
import { Reader } from "./Reader.ts"
import { Writer } from "./Writer.ts"

/** How a protocol says how long its frames are. Generated as `frameShape`. */
export interface FrameShape {
  readonly name: string
  /** Largest frame in bytes, header included. */
  readonly maxFrame: number
  /** Where the length stands, for errors. Default: 0 */
  readonly lengthOffset?: number
  /**
   * Size of the frame at `at`, of which the bytes before `end` are there; 0 when they are too few to tell. The size may be more than there
   * is. Throws `DecodeError` when no frame begins like this.
   */
  readonly sizeAt: (reader: Reader, at: number, end: number) => number
}

/** Where headers of a fixed size say how long a frame is. */
export interface HeaderLength {
  readonly name: string
  readonly headerSize: number
  readonly lengthOffset: number
  readonly lengthWidth: 1 | 2 | 3 | 4
  /** Whether the length counts the header too. */
  readonly lengthIncludesHeader: boolean
  /** Legal first bytes; empty when the header has no magic. */
  readonly magics: ReadonlyArray<number>
  /** Largest frame in bytes, header included. */
  readonly maxFrame: number
}

/** Frames whose length stands at a fixed place of the header. */
export type HeaderShape = HeaderLength & FrameShape

/** Receives a frame: `reader.bytes[at, end)`. */
export type FrameSink = (reader: Reader, at: number, end: number) => void

/** A frame's first byte is legal. */
export const expectMagic = (legal: boolean, magic: number, expected: string, frame: string): void => {
  if (!legal) malformed("Magic", frame, "magic", 0, expected, hexNumber(magic))
}

/** A length that counts the header is at least that. */
export const expectHeader = (size: number, headerSize: number, frame: string, offset: number): void => {
  if (size < headerSize) malformed("Length", frame, "length", offset, `at least the header's ${headerSize} bytes`, `${size} bytes`)
}

/** The shape of frames that say how long they are where `length` says. Generated shapes do the same without asking where. */
export const headerShape = (length: HeaderLength): HeaderShape => {
  const { headerSize, lengthOffset, lengthWidth, lengthIncludesHeader, magics, name } = length
  const expected = `one of ${magics.map((magic) => hexNumber(magic)).join(", ")}`
  return {
    ...length,
    sizeAt: ({ bytes }, at, end) => {
      if (magics.length > 0) expectMagic(magics.includes(bytes[at]!), bytes[at]!, expected, name)
      if (end - at < headerSize) return 0
      let size = 0
      for (let i = 0; i < lengthWidth; i++) size = size * 256 + bytes[at + lengthOffset + i]!
      if (!lengthIncludesHeader) return headerSize + size
      expectHeader(size, headerSize, name, lengthOffset)
      return size
    }
  }
}

/** Nobody sees what it says. */
const more = /* @__PURE__ */ new DecodeError({ incomplete: true } as DecodeProblem)

/**
 * The `sizeAt` of frames that are read to be measured. `measure` returns the size of the frame at `at` and throws `DecodeError`,
 * `incomplete` when more bytes are needed to tell. A reader that is given again with more of the same frame knows which lists of it have been
 * read.
 */
export const measuring = (measure: (reader: Reader, at: number) => number): FrameShape["sizeAt"] => (reader, at, end) => {
  const before = throwUnfinished(more)
  try {
    const size = end === reader.bytes.length ? measure(reader, at) : measure(partOf(reader, at, end), 0)
    return size > 0 ? size : malformed("Length", "", "", 0, "a frame of at least 1 byte", `${size} bytes`)
  } catch (error) {
    if (error instanceof DecodeError && error.incomplete) return 0
    throw error
  } finally {
    throwUnfinished(before)
  }
}

const partOf = (reader: Reader, at: number, end: number): Reader => {
  const part = new Reader(reader.slice(at, end))
  part.progress = reader.progress ??= new Map()
  return part
}

/** Up to this size, a loop copies faster than `set`, which needs a view of the part to be copied. */
const shortCopy = 32
/** So much of a chunk is at least looked at to tell how long a frame is that began before it. */
const firstLook = 4096
/** A buffer that a large frame has lain in is not kept for small ones. */
const largestShared = 16 * 1024

const empty = new Uint8Array(0)

/** Cuts a byte stream into frames. */
export class Framer {
  /** Largest frame in bytes, header included; of the frame whose header comes next. */
  maxFrame: number
  readonly #shape: FrameShape
  /** Where the chunk goes on after the frame that is being handed out. */
  #next = 0
  /** What came after a frame whose sink threw. */
  #rest: Uint8Array = empty
  /** What has come of the frame that crosses chunks. Small ones lie in its buffer one after the other. */
  #held = new Writer(0)
  /** Reads that buffer. */
  #reader = new Reader(empty)
  /** Size of the crossing frame once it is known, else 0. */
  #size = 0
  #failed = false
  /** Bytes received before the crossing frame. */
  #consumed = 0

  constructor(shape: FrameShape, options: { readonly maxFrame?: number } = {}) {
    this.#shape = shape
    this.maxFrame = options.maxFrame ?? shape.maxFrame
  }

  /** Bytes of an unfinished frame held back. */
  get buffered(): number {
    return this.#held.length + this.#rest.length
  }

  /** Size of the buffer that crossing frames lie in; at most about twice the bytes that have arrived. */
  get allocated(): number {
    return this.#held.bytes.length
  }

  /** Bytes that the unfinished frame lacks; `undefined` when there is none or too little of it to tell. */
  get lacking(): number | undefined {
    return this.#size === 0 ? undefined : this.#size - this.#held.length
  }

  /** Offset in the stream of the next frame's first byte. */
  get offset(): number {
    return this.#consumed
  }

  /**
   * Hands every frame that `chunk` completes to `sink`. Throws `DecodeError` at a wrong magic or length, and what `sink` throws; the frames
   * after the one that it threw at come with the next push.
   */
  push(chunk: Uint8Array, sink: FrameSink): void {
    if (this.#failed) malformed("Length", this.#shape.name, "", 0, "a new framer", "a framer that has failed")
    let part = chunk
    const rest = this.#rest
    if (rest.length > 0) {
      part = new Uint8Array(rest.length + chunk.length)
      part.set(rest)
      part.set(chunk, rest.length)
      this.#rest = empty
    }
    this.#next = part.length
    try {
      this.#cut(part, sink)
    } catch (error) {
      if (!this.#failed) this.#rest = part.subarray(this.#next)
      throw error
    }
  }

  #cut(chunk: Uint8Array, sink: FrameSink): void {
    const end = chunk.length
    let at = this.#held.length > 0 ? this.#complete(chunk, sink) : 0
    if (at === end) return
    const reader = new Reader(chunk)
    do {
      const size = this.#sizeAt(reader, at, end)
      const next = at + size
      if (size === 0 || next > end) {
        this.#size = size
        this.#hold(chunk, at, end)
        return
      }
      this.#consumed += size
      this.#next = next
      sink(reader, at, next)
      at = next
    } while (at < end)
  }

  /** Size of the frame at `at`, of which the bytes before `end` are there; 0 when it is not known yet. */
  #sizeAt(reader: Reader, at: number, end: number): number {
    try {
      const shape = this.#shape
      const size = shape.sizeAt(reader, at, end)
      const least = size === 0 ? end - at : size
      if (least > this.maxFrame) {
        malformed("Limit", shape.name, "length", shape.lengthOffset ?? 0, `a frame of at most ${this.maxFrame} bytes`, `${least} bytes`)
      }
      return size
    } catch (error) {
      // a framer that cannot tell how long a frame is has failed, whoever says so
      this.#failed = true
      throw error
    }
  }

  /** Adds what `chunk` has of the crossing frame; returns how much that was, which is all of it unless the frame is complete. */
  #complete(chunk: Uint8Array, sink: FrameSink): number {
    const held = this.#held
    const { length } = chunk
    const before = held.length
    let at = 0
    while (this.#size === 0 && at < length) {
      const to = Math.min(length, at + Math.max(firstLook, held.length))
      this.#hold(chunk, at, to)
      at = to
      this.#size = this.#sizeAt(this.#reader, held.start, held.position)
    }
    const size = this.#size
    const end = size === 0 ? length : Math.min(length, size - before)
    if (end > at) this.#hold(chunk, at, end)
    if (size === 0 || held.length < size) return length
    const reader = this.#reader
    reader.progress = undefined
    const { start } = held
    // byte fields of the packet are views into this part of the buffer, so it is given away
    held.start = held.position = start + size
    if (this.allocated > largestShared) this.#held = new Writer(0)
    this.#size = 0
    this.#consumed += size
    this.#next = end
    sink(reader, start, start + size)
    return end
  }

  /** Appends `chunk[from, to)` to what is held. */
  #hold(chunk: Uint8Array, from: number, to: number): void {
    const size = to - from
    const held = this.#held
    const at = held.need(size)
    const { bytes } = held
    const before = this.#reader
    if (before.bytes !== bytes) (this.#reader = new Reader(bytes)).progress = before.progress
    if (size > shortCopy) bytes.set(new Uint8Array(chunk.buffer, chunk.byteOffset + from, size), at)
    else for (let i = 0; i < size; i++) bytes[at + i] = chunk[from + i]!
    held.position = at + size
  }

  /** Throws `DecodeError` when the stream ended within a frame. */
  finish(): void {
    const got = this.buffered
    if (got > 0) incomplete(this.#shape.name, "", got, this.#size === 0 ? "a whole packet" : `${this.#size} bytes`, `${got} bytes`)
  }
}
