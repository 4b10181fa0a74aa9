/**
 * Chunks of a byte stream in, frames out.
 *
 * Frames that lie within a chunk are handed out where they are; only the frame that crosses two chunks is copied. The length and the magic
 * are checked on the header, before anything is allocated, and a crossing frame's buffer grows with the bytes that arrive, not with the
 * length that was claimed. Small crossing frames share a buffer, one behind the other, because a buffer for each takes longer than all the
 * rest. A framer that has failed cannot be used again: behind a wrong length there is no next frame.
 */
import { DecodeError, incomplete, malformed } from "./Errors.ts"
import { Reader } from "./Reader.ts"

/** How a protocol says how long its frames are. Generated as `frameShape`. */
export type FrameShape = HeaderShape | MeasuredShape

/** Frames that only code can measure: their headers vary in size, or they end themselves. */
export interface MeasuredShape {
  readonly name: string
  /** Largest frame in bytes, header included. */
  readonly maxFrame: number
  /** Size of the frame at `at`, which may be more than there is. Throws `DecodeError`, `incomplete` when more bytes are needed to tell. */
  readonly sizeAt: (reader: Reader, at: number) => number
}

/** Frames whose length stands at a fixed place of the header. */
export interface HeaderShape {
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

/** Receives a frame: `reader.bytes[at, end)`. */
export type FrameSink = (reader: Reader, at: number, end: number) => void

/** Sizes of the buffers that crossing frames share: they double with each, so that quiet connections hold little. */
const firstShared = 1024
const lastShared = 16 * 1024
/** Up to this size, crossing frames share a buffer. */
const largestShared = 4096
/** Up to this size, a loop copies faster than `set`, which needs a view of the part to be copied. */
const shortCopy = 32

const copyPart = (from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void => {
  if (end - start > shortCopy) to.set(new Uint8Array(from.buffer, from.byteOffset + start, end - start), at)
  else for (let i = start; i < end; i++) to[at + i - start] = from[i]!
}

const joined = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  const whole = new Uint8Array(first.length + second.length)
  whole.set(first)
  whole.set(second, first.length)
  return whole
}

const nothing = new Reader(new Uint8Array(0))

/** A measured shape has no header to look at. */
const unmeasured = { headerSize: 1, lengthOffset: 0, lengthWidth: 1, lengthIncludesHeader: false, magics: [] } as const

/** Cuts a byte stream into frames. */
export class Framer {
  private readonly shape: HeaderShape
  private readonly sizeOf: MeasuredShape["sizeAt"] | undefined
  /** Where the chunk goes on after the frame that is being handed out. */
  private next = 0
  /** What came after a frame whose sink threw. */
  private rest: Uint8Array | undefined
  /** Largest frame in bytes, header included; of the frame whose header comes next. */
  maxFrame: number
  private readonly legal: Uint8Array
  /** The buffer that small crossing frames share. Its first `used` bytes have been handed out and are not written again. */
  private shared = nothing
  private used = 0
  /** The frame that crosses chunks: `pending.bytes[start, start + filled)`. */
  private pending = nothing
  private start = 0
  private filled = 0
  /** Size of the pending frame once its header is complete, else 0. */
  private size = 0
  private failed = false
  /** Bytes received before the pending frame. */
  private consumed = 0

  constructor(shape: FrameShape, options: { readonly maxFrame?: number } = {}) {
    this.sizeOf = "sizeAt" in shape ? shape.sizeAt : undefined
    this.shape = "sizeAt" in shape ? { ...unmeasured, name: shape.name, maxFrame: shape.maxFrame } : shape
    this.maxFrame = options.maxFrame ?? shape.maxFrame
    const { magics } = this.shape
    this.legal = new Uint8Array(256).fill(magics.length === 0 ? 1 : 0)
    for (const magic of magics) this.legal[magic] = 1
  }

  /** Bytes of an unfinished frame held back. */
  get buffered(): number {
    return this.filled + (this.rest?.length ?? 0)
  }

  /** Size of the buffers that crossing frames lie in; at most about twice the bytes that have arrived. */
  get allocated(): number {
    const { pending, shared } = this
    return shared.bytes.length + (pending === shared ? 0 : pending.bytes.length)
  }

  /** Bytes that the unfinished frame lacks; `undefined` when there is none or too little of it to tell. */
  get lacking(): number | undefined {
    return this.size === 0 ? undefined : this.size - this.filled
  }

  /** Offset in the stream of the next frame's first byte. */
  get offset(): number {
    return this.consumed
  }

  /**
   * Hands every frame that `chunk` completes to `sink`. Throws `DecodeError` at a wrong magic or length, and what `sink` throws; the frames
   * after the one that it threw at come with the next push.
   */
  push(chunk: Uint8Array, sink: FrameSink): void {
    if (this.failed) malformed("Length", this.shape.name, "", 0, "a new framer", "a framer that has failed")
    let part = chunk
    if (this.rest !== undefined) {
      part = joined(this.rest, chunk)
      this.rest = undefined
    }
    this.next = part.length
    try {
      if (this.sizeOf === undefined) this.cut(part, sink)
      else this.measure(part, this.sizeOf, sink)
    } catch (error) {
      if (!this.failed && this.next < part.length) this.rest = part.subarray(this.next)
      throw error
    }
  }

  /** Cuts a chunk by the lengths in the frames' headers. */
  private cut(chunk: Uint8Array, sink: FrameSink): void {
    let at = 0
    if (this.filled > 0) {
      at = this.complete(chunk, sink)
      if (this.filled > 0) return
    }
    const { headerSize } = this.shape
    const end = chunk.length
    if (end - at >= headerSize) {
      const reader = new Reader(chunk)
      do {
        const size = this.sizeAt(reader.view, chunk[at]!, at)
        if (end - at < size) return this.hold(chunk, at, size)
        const next = at + size
        this.consumed += size
        this.next = next
        sink(reader, at, next)
        at = next
      } while (end - at >= headerSize)
    }
    this.next = end
    if (at < end) this.hold(chunk, at, 0)
  }

  /** Cuts a chunk into frames that are measured one after the other. */
  private measure(chunk: Uint8Array, sizeOf: MeasuredShape["sizeAt"], sink: FrameSink): void {
    let at = 0
    if (this.filled > 0 && this.size > 0) {
      at = this.complete(chunk, sink)
      if (this.filled > 0) return
    }
    let part = chunk.subarray(at)
    if (this.filled > 0) {
      // how long the unfinished frame is could not be told: with what has come it is looked at anew
      part = joined(this.pending.bytes.subarray(this.start, this.start + this.filled), part)
      this.pending = nothing
      this.filled = 0
    }
    const before = chunk.length - part.length
    const reader = new Reader(part)
    at = 0
    while (at < part.length) {
      const size = this.measured(sizeOf, reader, at)
      if (size > part.length - at) {
        this.next = chunk.length
        return this.keep(part, at, size)
      }
      this.consumed += size
      this.next = Math.max(0, before + at + size)
      sink(reader, at, at + size)
      at += size
    }
  }

  /** Size of the frame at `at`; infinite when it cannot be told yet. */
  private measured(sizeOf: MeasuredShape["sizeAt"], reader: Reader, at: number): number {
    let size: number
    try {
      size = sizeOf(reader, at)
    } catch (error) {
      if (!(error instanceof DecodeError) || !error.incomplete) {
        this.failed = true
        throw error
      }
      if (reader.bytes.length - at > this.maxFrame) this.badSize(reader.bytes.length - at)
      return Infinity
    }
    if (size > this.maxFrame || size <= 0) this.badSize(size)
    return size
  }

  /** Keeps an unfinished frame in a buffer of its own. */
  private keep(part: Uint8Array, at: number, size: number): void {
    const filled = part.length - at
    this.pending = new Reader(new Uint8Array(Math.max(firstShared, size === Infinity ? filled : Math.min(size, filled * 2))))
    this.start = 0
    this.size = size === Infinity ? 0 : size
    this.filled = 0
    this.append(part, at, part.length)
  }

  /** Throws `DecodeError` when the stream ended within a frame. */
  finish(): void {
    if (this.buffered === 0) return
    incomplete(
      this.shape.name,
      "",
      this.buffered,
      this.sizeOf !== undefined && this.size === 0
        ? "a whole packet"
        : this.size === 0
        ? `a header of ${this.shape.headerSize} bytes`
        : `${this.size} bytes`,
      `${this.buffered} bytes`
    )
  }

  private sizeAt(view: DataView, magic: number, at: number): number {
    const { headerSize, lengthOffset, lengthWidth, lengthIncludesHeader } = this.shape
    if (this.legal[magic] === 0) this.badMagic(magic)
    const length = lengthWidth === 4
      ? view.getUint32(at + lengthOffset)
      : lengthWidth === 2
      ? view.getUint16(at + lengthOffset)
      : lengthWidth === 1
      ? view.getUint8(at + lengthOffset)
      : view.getUint16(at + lengthOffset) * 256 + view.getUint8(at + lengthOffset + 2)
    const size = lengthIncludesHeader ? length : headerSize + length
    if (size > this.maxFrame || size < headerSize) this.badSize(size)
    return size
  }

  private badMagic(magic: number): never {
    this.failed = true
    const legal = this.shape.magics.map((value) => `0x${value.toString(16).padStart(2, "0")}`).join(", ")
    return malformed("Magic", this.shape.name, "magic", 0, `one of ${legal}`, `0x${magic.toString(16).padStart(2, "0")}`)
  }

  private badSize(size: number): never {
    this.failed = true
    return size > this.maxFrame
      ? malformed("Limit", this.shape.name, "length", this.shape.lengthOffset, `a frame of at most ${this.maxFrame} bytes`, `${size} bytes`)
      : malformed(
        "Length",
        this.shape.name,
        "length",
        this.shape.lengthOffset,
        `at least the header's ${this.shape.headerSize} bytes`,
        `${size} bytes`
      )
  }

  /** Keeps the unfinished frame `chunk[at…]`, whose size is known if its header is complete. */
  private hold(chunk: Uint8Array, at: number, size: number): void {
    if (this.legal[chunk[at]!] === 0) this.badMagic(chunk[at]!)
    this.pending = this.shared
    this.start = this.used
    this.size = size
    this.append(chunk, at, chunk.length)
  }

  /** Adds what `chunk` has of the pending frame; returns how much that was. */
  private complete(chunk: Uint8Array, sink: FrameSink): number {
    let at = 0
    if (this.size === 0) {
      at = Math.min(this.shape.headerSize - this.filled, chunk.length)
      this.append(chunk, 0, at)
      if (this.filled < this.shape.headerSize) return at
      this.size = this.sizeAt(this.pending.view, this.pending.bytes[this.start]!, this.start)
    }
    const more = Math.min(this.size - this.filled, chunk.length - at)
    this.append(chunk, at, at + more)
    if (this.filled < this.size) return at + more
    const { pending: reader, start, size } = this
    // byte fields of the packet are views into this part of the buffer, so it is given away
    if (reader === this.shared) this.used = start + size
    this.pending = nothing
    this.filled = 0
    this.size = 0
    this.consumed += size
    this.next = at + more
    sink(reader, start, start + size)
    return at + more
  }

  private append(chunk: Uint8Array, start: number, end: number): void {
    const filled = this.filled + end - start
    if (this.start + filled > this.pending.bytes.length) this.makeRoom(filled)
    copyPart(chunk, start, end, this.pending.bytes, this.start + this.filled)
    this.filled = filled
  }

  /** Moves the pending frame to where it has room for `filled` bytes. */
  private makeRoom(filled: number): void {
    const { bytes } = this.pending
    const expected = this.size === 0 ? this.shape.headerSize : this.size
    const from = this.start
    if (expected <= largestShared) {
      const doubled = Math.min(lastShared, this.shared.bytes.length * 2)
      this.shared = new Reader(new Uint8Array(Math.max(firstShared, doubled, expected)))
      this.used = 0
      this.pending = this.shared
    } else this.pending = new Reader(new Uint8Array(Math.min(expected, Math.max(firstShared, filled, bytes.length * 2))))
    this.start = 0
    copyPart(bytes, from, from + this.filled, this.pending.bytes, 0)
  }
}
