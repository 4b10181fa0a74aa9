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

/** How a protocol says how long its frames are. Generated as `frameShape`. */
export interface FrameShape {
  readonly name: string
  /** Largest frame in bytes, header included. */
  readonly maxFrame: number
  /** Where the length stands, for errors. Default: 0 */
  readonly lengthOffset?: number
  /** Where frames begin with a header of this size that says how long they are, so that `sizeAt` looks at nothing else. */
  readonly headerSize?: number
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

const none = /* @__PURE__ */ new Uint8Array(0)

/** A size that could not be told: no frame begins like this. */
const failure = -Infinity

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
  /** What crossing frames are copied to, one after the other while they are small. */
  let own: Uint8Array = none
  let ownReader: Reader
  /** What has come of the frame that crosses chunks, or after one whose sink threw: `[from, to)` of this memory. */
  let memory: ArrayBufferLike = none.buffer
  let from = 0
  let to = 0
  /** Lists that have been read of it. */
  let progress: Reader["progress"]
  /** Its size once that is known, else 0 or below: then at least so much. `failure`: it could not be told. */
  let size = 0
  /** Reads the memory that the last chunk lay in, from there to its end, where that is all the same to the shape. */
  let wide: Reader | undefined
  /** Offset in the stream of the chunk, and where the chunk goes on after what was handed out or copied. */
  let base = 0
  let at = 0
  let copied = 0

  const rest = (): Uint8Array => new Uint8Array(memory, from, to - from)

  /** Nothing is held back, and what comes next is copied to memory of its own. */
  const forget = (): void => {
    memory = none.buffer
    from = to = 0
  }

  /** A frame whose size was found to be `found`, of which `there` bytes are there, keeps its limit; returns `found`. */
  const limited = (found: number, there: number): number => {
    const least = found > 0 ? found : Math.max(-found, there)
    // the error's parts are looked up for an error alone
    if (least > maxFrame) expectFrame(least, maxFrame, shape.name, "length", shape.lengthOffset)
    return found
  }

  /** Size of the frame at `start` that crosses chunks, of which the bytes before `end` are there; not above 0 when it is not known yet. */
  const measure = (reader: Reader, start: number, end: number): number => {
    if (size > 0) return size
    // a header has no lists that would be read again
    if (shape.headerSize === undefined) reader.progress = progress ??= new Map()
    // a framer that cannot tell how long a frame is has failed, whoever says so
    size = failure
    size = limited(shape.sizeAt(reader, start, end), end - start)
    if (size > 0) progress = undefined
    reader.progress = undefined
    return size
  }

  /** Copies what `chunk` has before `until` to behind what is held back, which moves to where there is room for both. */
  const copy = (chunk: Uint8Array, until: number): void => {
    const count = until - at
    const held = to - from
    if (memory !== own.buffer || to + count > own.length) {
      const before = rest()
      // what is kept doubles, unless it is known how long it gets and that is believed
      own = new Uint8Array(
        inPlace && size !== 0
          ? Math.max(held + count, Math.abs(size))
          : Math.max(512, Math.min(largestShared, 2 * own.length), 2 * held, held + count)
      )
      own.set(before)
      ownReader = new Reader(own)
      memory = own.buffer
      from = 0
      to = held
      copied += held
    }
    copied += count
    if (count > shortCopy) own.set(chunk.subarray(at, until), to)
    else for (let i = 0; i < count; i++) own[to + i] = chunk[at + i]!
    to += count
    at = until
  }

  /** Reads a chunk, and maybe what lies before and after it. */
  const readerOf = (chunk: Uint8Array): Reader => {
    if (!inPlace || shape.headerSize === undefined) return new Reader(chunk)
    const { buffer, byteOffset } = chunk
    if (wide !== undefined && wide.bytes.buffer === buffer && wide.bytes.byteOffset <= byteOffset) return wide
    const reader = new Reader(new Uint8Array(buffer, byteOffset))
    // one whose memory ends with the chunk is of no more use
    wide = reader.bytes.length === chunk.length ? undefined : reader
    return reader
  }

  /** Hands out what is complete. The rest is the caller's to hold. */
  const cut = (chunk: Uint8Array, sink: FrameSink, crosses: boolean): void => {
    const end = chunk.length
    while (to > from) {
      const held = to - from
      copy(chunk, Math.min(end, at + (size > 0 ? size - held : Math.max(firstLook, held))))
      const start = from
      const found = measure(ownReader, start, to)
      const over = to - start - found
      if (found > 0 && over >= 0) {
        // byte fields of the packet are views into this part of the buffer, so it is given away; what is over goes back to the chunk
        from += found
        if (over <= at) {
          at -= over
          to = from
        }
        size = 0
        sink(ownReader, start, start + found)
      } else if (at === end) return
    }
    if (at === end) return
    const reader = readerOf(chunk)
    const shift = chunk.byteOffset - reader.bytes.byteOffset
    const stop = end + shift
    let start = at + shift
    if (crosses) {
      const found = measure(reader, start, stop)
      if (found <= 0 || start + found > stop) return
      size = 0
      at += found
      sink(reader, start, start + found)
      start += found
    }
    try {
      while (start < stop) {
        const found = shape.sizeAt(reader, start, stop)
        const next = start + found
        if (found <= 0 || next > stop || found > maxFrame) {
          size = limited(found, stop - start)
          return
        }
        at = next - shift
        sink(reader, start, next)
        start = next
      }
    } catch (error) {
      // what the sink throws comes after the frame
      if (at + shift === start) size = failure
      throw error
    }
  }

  const framer: Framer = {
    get maxFrame() {
      return maxFrame
    },
    set maxFrame(size) {
      maxFrame = size
    },
    get buffered() {
      return to - from
    },
    get allocated() {
      return own.length
    },
    get copied() {
      return copied
    },
    get lacking() {
      return size > 0 ? size - to + from : undefined
    },
    get wanted() {
      return size === failure ? 0 : Math.max(0, Math.abs(size) - to + from)
    },
    get offset() {
      return base + at - to + from
    },
    moveTo: (bytes) => {
      const held = to - from
      bytes.set(rest())
      copied += held
      memory = bytes.buffer
      from = bytes.byteOffset
      to = from + held
    },
    push: (given, sink) => {
      if (size === failure) malformed("Length", shape.name, "", 0, "a new framer", "a framer that has failed")
      let chunk = given
      const crosses = to > from && (given.length === 0 || given.byteOffset === to && given.buffer === memory)
      if (crosses) {
        to += given.length
        if (to - from < size) {
          base += given.length
          return
        }
        chunk = rest()
        base -= chunk.length - given.length
        from = to
      }
      try {
        cut(chunk, sink, crosses)
      } finally {
        // where no frame begins, the stream ends
        if (size !== failure) {
          if (!inPlace) copy(chunk, chunk.length)
          else if (at < chunk.length) {
            memory = chunk.buffer
            from = chunk.byteOffset + at
            to = chunk.byteOffset + chunk.length
          } else if (memory !== own.buffer) forget()
          base += chunk.length
          at = 0
        }
        if (from === to && own.length > largestShared) {
          own = none
          forget()
        }
      }
    },
    finish: () => {
      const got = to - from
      if (got > 0) incomplete(shape.name, "", got, size > 0 ? byteCount(size) : "a whole packet", byteCount(got))
    }
  }
  return framer
} as unknown as new(shape: FrameShape, options?: FramerOptions) => Framer
