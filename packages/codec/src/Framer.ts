/**
 * Chunks of a byte stream in, frames out.
 *
 * Frames that lie within a chunk are handed out where they are; only the frame that crosses two chunks is copied. The length and the magic
 * are checked on the header, before anything is allocated, and a crossing frame's buffer grows with the bytes that arrive, not with the
 * length that was claimed. Small crossing frames share a buffer, one after the other, because a buffer for each takes longer than all the
 * rest. A framer that has failed cannot be used again: after a wrong length there is no next frame.
 *
 * Where nobody writes into chunks once they are pushed (`inPlace`), nothing is copied either of a frame that crosses two chunks, if the second
 * lies in memory right after the first.
 *
 * What a frame's length stands in is the shape's business (`FrameShape`), so that a framer has no code for headers of other protocols. Its
 * state is local variables, because a minifier makes one letter of `size` and cannot shorten `this.`: as a class it takes a third more.
 */
import { byteCount } from "./Check.ts"
import { DecodeError, type DecodeProblem, hexNumber, incomplete, malformed, reach, throwUnfinished } from "./Errors.ts"
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
   * Size of the frame at `at`, of which the bytes before `end` are there. It may be more than there is. When these are too few to tell, it is
   * 0, or the negative of what the size is at least. Throws `DecodeError` when no frame begins like this.
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

/** A frame keeps its limit. */
export const expectFrame = (size: number, max: number, frame: string, path: string, offset = 0): void => {
  if (size > max) malformed("Limit", frame, path, offset, `a frame of at most ${byteCount(max)}`, byteCount(size))
}

/** A frame whose header was read is all there. Its size is 0 when fewer bytes are there than the header's. */
export const expectWhole = (size: number, headerSize: number, there: number, frame: string): void => {
  if (size === 0) incomplete(frame, "header", 0, `at least ${byteCount(headerSize)}`, byteCount(there))
  if (size > there) incomplete(frame, "", there, byteCount(size), byteCount(there))
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

/**
 * Thrown for bytes that end too early while packets of a stream are read. Nobody sees what it says.
 *
 * @internal
 */
export const more = /* @__PURE__ */ new DecodeError({ incomplete: true } as DecodeProblem)

/**
 * The `sizeAt` of frames that are read to be measured. `measure` returns the size of the frame at `at` and throws `DecodeError`,
 * `incomplete` when more bytes are needed to tell. A reader that is given again with more of the same frame knows which lists of it have been
 * read.
 */
export const measuring = (measure: (reader: Reader, at: number) => number): FrameShape["sizeAt"] => (reader, at, end) => {
  const before = throwUnfinished(more)
  const isAll = end === reader.bytes.length
  try {
    const size = isAll ? measure(reader, at) : measure(partOf(reader, at, end), 0)
    return size > 0 ? size : malformed("Length", "", "", 0, "a frame of at least 1 byte", `${size} bytes`)
  } catch (error) {
    if (error instanceof DecodeError && error.incomplete) return unfinishedSize(isAll ? at : 0)
    throw error
  } finally {
    throwUnfinished(before)
  }
}

/** What `sizeAt` tells of a packet at `at` that has just been found to be unfinished. */
export const unfinishedSize = (at: number): number => Math.min(0, at - reach)

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

/** A frame that is not all there. Whoever reads the stream can read the rest of it to where it belongs. */
export interface Unfinished {
  /** Bytes of an unfinished frame held back. */
  readonly buffered: number
  /** Bytes that the unfinished frame lacks; `undefined` when there is none or too little of it to tell. */
  readonly lacking: number | undefined
  /** Bytes that it lacks at least; 0 when there is none or too little of it to tell. */
  readonly wanted: number
  /**
   * Moves what is held back to the beginning of `bytes`, which must have room for it: the next chunk is going to lie right after it. Only for
   * framers that leave chunks where they are (`inPlace`).
   */
  readonly moveTo: (bytes: Uint8Array) => void
}

/** Cuts a byte stream into frames. */
export interface Framer extends Unfinished {
  /** Largest frame in bytes, header included; of the frame whose header comes next. */
  maxFrame: number
  /** Size of the buffer that crossing frames are copied to; at most about twice the bytes that have arrived, unless chunks stay in place. */
  readonly allocated: number
  /** Bytes copied so far, because frames crossed chunks. */
  readonly copied: number
  /** Offset in the stream of the next frame's first byte. */
  readonly offset: number
  /**
   * Hands every frame that `chunk` completes to `sink`. Throws `DecodeError` at a wrong magic or length, and what `sink` throws; the frames
   * after the one that it threw at come with the next push.
   */
  readonly push: (chunk: Uint8Array, sink: FrameSink) => void
  /** Throws `DecodeError` when the stream ended within a frame. */
  readonly finish: () => void
}

/** How a framer treats a stream. */
export interface FramerOptions {
  /** Default: the shape's */
  readonly maxFrame?: number
  /**
   * Nobody writes into chunks once they are pushed, and keeping one alive that ends within a frame costs nobody too much: what is unfinished
   * stays where it is. Default: it is copied
   */
  readonly inPlace?: boolean
}

export const Framer = function(shape: FrameShape, { inPlace, maxFrame = shape.maxFrame }: FramerOptions = {}): Framer {
  /** What has come of the frame that crosses chunks, or after one whose sink threw. Small frames lie in its buffer one after the other. */
  let held = new Writer(0)
  /** Reads that buffer. */
  let heldReader = new Reader(held.bytes)
  /** In place of `held`, where it came: `[from, to)` of a chunk's memory. */
  let memory: ArrayBufferLike = held.bytes.buffer
  let from = 0
  let to = 0
  /** Lists that have been read of the frame that crosses chunks. */
  let progress: Reader["progress"]
  /** Size of the frame that is unfinished once it is known, else 0 or below: then at least so much. */
  let size = 0
  /** The size of a frame could not be told. */
  let failed = false
  /** Bytes received before the chunk. */
  let before = 0
  /** Where the chunk goes on after what was handed out or is held. */
  let at = 0
  let copied = 0

  /** Size of the frame at `start`, of which the bytes before `end` are there; not above 0 when it is not known yet. */
  const measure = (reader: Reader, start: number, end: number): number => {
    // a framer that cannot tell how long a frame is has failed, whoever says so
    failed = true
    const found = shape.sizeAt(reader, start, end)
    // the error's parts are looked up for an error alone
    const least = found > 0 ? found : Math.max(-found, end - start)
    if (least > maxFrame) expectFrame(least, maxFrame, shape.name, "length", shape.lengthOffset)
    failed = false
    return found
  }

  /** The same of the frame that crosses chunks. */
  const measureCrossing = (reader: Reader, start: number, end: number): number => {
    reader.progress = progress ??= new Map()
    const found = measure(reader, start, end)
    if (found > 0) progress = undefined
    reader.progress = undefined
    return found
  }

  /** Holds what `chunk` has before `until`. */
  const hold = (chunk: Uint8Array, until: number): void => {
    const count = until - at
    // who lets chunks stay where they are believes what frames claim, so that each byte is copied once
    let position = held.need(inPlace ? Math.max(count, Math.abs(size) - held.length) : count)
    const { bytes } = held
    if (heldReader.bytes !== bytes) heldReader = new Reader(bytes)
    held.position += count
    copied += count
    if (count > shortCopy) bytes.set(chunk.subarray(at, until), position)
    else for (let i = at; i < until;) bytes[position++] = chunk[i++]!
    at = until
  }

  /** Hands out what is complete. The rest is the caller's to hold. */
  const cut = (chunk: Uint8Array, sink: FrameSink, crosses: boolean): void => {
    const end = chunk.length
    while (held.length > 0) {
      hold(chunk, Math.min(end, at + (size > 0 ? size - held.length : Math.max(firstLook, held.length))))
      const { start } = held
      const found = size > 0 ? size : measureCrossing(heldReader, start, held.position)
      size = found
      const over = held.length - found
      if (found > 0 && over >= 0) {
        // byte fields of the packet are views into this part of the buffer, so it is given away; what is over goes back to the chunk
        held.start += found
        if (over <= at) {
          at -= over
          held.position = held.start
          if (held.bytes.length > largestShared) held = new Writer(0)
        }
        size = 0
        sink(heldReader, start, start + found)
      } else if (at === end) return
    }
    if (at === end) return
    const reader = new Reader(chunk)
    for (let start = at; start < end;) {
      const found = size > 0 ? size : crosses ? measureCrossing(reader, start, end) : measure(reader, start, end)
      const next = start + found
      size = found
      if (found <= 0 || next > end) return
      crosses = false
      size = 0
      at = next
      sink(reader, start, next)
      start = next
    }
  }

  const rest = (): Uint8Array => new Uint8Array(memory, from, to - from)

  const framer: Framer = {
    get maxFrame() {
      return maxFrame
    },
    set maxFrame(size) {
      maxFrame = size
    },
    get buffered() {
      return held.length + to - from
    },
    get allocated() {
      return held.bytes.length
    },
    get copied() {
      return copied
    },
    get lacking() {
      return size > 0 ? size - framer.buffered : undefined
    },
    get wanted() {
      return Math.max(0, Math.abs(size) - framer.buffered)
    },
    get offset() {
      return before + at - held.length
    },
    moveTo: (bytes) => {
      const { length, position, start } = held
      const moved = length > 0 ? held.bytes.subarray(start, position) : rest()
      bytes.set(moved)
      copied += moved.length
      memory = bytes.buffer
      from = bytes.byteOffset
      to = from + moved.length
      before += at - length
      at = 0
      held = new Writer(0)
    },
    push: (given, sink) => {
      if (failed) malformed("Length", shape.name, "", 0, "a new framer", "a framer that has failed")
      before += at
      at = 0
      let chunk = given
      let crosses = false
      if (to > from) {
        if (given.length === 0 || given.byteOffset === to && given.buffer === memory) {
          to += given.length
          if (to - from < size) return
          chunk = rest()
          crosses = true
        } else {
          hold(rest(), to - from)
          before += at
          at = 0
        }
        from = to
      }
      try {
        cut(chunk, sink, crosses)
      } finally {
        if (!failed) {
          if (!inPlace) hold(chunk, chunk.length)
          else if (at < chunk.length) {
            memory = chunk.buffer
            from = chunk.byteOffset + at
            to = chunk.byteOffset + chunk.length
          } else memory = held.bytes.buffer
        }
      }
    },
    finish: () => {
      const got = framer.buffered
      if (got > 0) incomplete(shape.name, "", got, size > 0 ? byteCount(size) : "a whole packet", byteCount(got))
    }
  }
  return framer
} as unknown as new(shape: FrameShape, options?: FramerOptions) => Framer
