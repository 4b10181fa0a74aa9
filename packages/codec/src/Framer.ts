/**
 * Chunks of a byte stream in, frames out.
 *
 * Frames that lie within a chunk are handed out where they are; only the frame that crosses two chunks is copied. The length and the magic
 * are checked on the header, before anything is allocated, and a crossing frame's buffer grows with the bytes that arrive, not with the
 * length that was claimed. A framer that has failed cannot be used again: behind a wrong length there is no next frame.
 */
import { incomplete, malformed } from "./Errors.ts"
import { Reader } from "./Reader.ts"

/** Where a protocol's header says how long the frame is. Generated as `frameShape`. */
export interface FrameShape {
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

/** Smallest buffer for a frame that crosses chunks. */
const firstBuffer = 256

/** Cuts a byte stream into frames. */
export class Framer {
  private readonly shape: FrameShape
  private readonly maxFrame: number
  private readonly legal: Uint8Array
  /** The frame that crosses chunks: `pending[0, filled)`. */
  private pending = new Uint8Array(0)
  private filled = 0
  /** Size of the pending frame once its header is complete, else 0. */
  private size = 0
  private failed = false
  /** Bytes received before the pending frame. */
  private consumed = 0

  constructor(shape: FrameShape, options: { readonly maxFrame?: number } = {}) {
    this.shape = shape
    this.maxFrame = options.maxFrame ?? shape.maxFrame
    this.legal = new Uint8Array(256).fill(shape.magics.length === 0 ? 1 : 0)
    for (const magic of shape.magics) this.legal[magic] = 1
  }

  /** Bytes of an unfinished frame held back. */
  get buffered(): number {
    return this.filled
  }

  /** Offset in the stream of the next frame's first byte. */
  get offset(): number {
    return this.consumed
  }

  /** Hands every frame that `chunk` completes to `sink`. Throws `DecodeError` at a wrong magic or length. */
  push(chunk: Uint8Array, sink: FrameSink): void {
    if (this.failed) malformed("Length", this.shape.name, "", 0, "a new framer", "a framer that has failed")
    let at = 0
    if (this.filled > 0) {
      at = this.complete(chunk, sink)
      if (this.filled > 0) return
    }
    if (at === chunk.length) return
    const reader = new Reader(chunk)
    const { headerSize } = this.shape
    const end = chunk.length
    while (end - at >= headerSize) {
      const size = this.sizeAt(reader.view, chunk[at]!, at)
      if (end - at < size) break
      const next = at + size
      this.consumed += size
      sink(reader, at, next)
      at = next
    }
    if (at < end) this.hold(chunk, at)
  }

  /** Throws `DecodeError` when the stream ended within a frame. */
  finish(): void {
    if (this.filled === 0) return
    incomplete(this.shape.name, "", this.filled, this.size === 0 ? `a header of ${this.shape.headerSize} bytes` : `${this.size} bytes`, `${this.filled} bytes`)
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
      : malformed("Length", this.shape.name, "length", this.shape.lengthOffset, `at least the header's ${this.shape.headerSize} bytes`, `${size} bytes`)
  }

  /** Keeps the unfinished frame `chunk[at…]`. */
  private hold(chunk: Uint8Array, at: number): void {
    const length = chunk.length - at
    if (this.legal[chunk[at]!] === 0) this.badMagic(chunk[at]!)
    if (this.pending.length < length) this.pending = new Uint8Array(Math.max(firstBuffer, length))
    this.pending.set(chunk.subarray(at))
    this.filled = length
    this.size = length < this.shape.headerSize ? 0 : this.pendingSize()
  }

  private pendingSize(): number {
    return this.sizeAt(new DataView(this.pending.buffer, 0, this.shape.headerSize), this.pending[0]!, 0)
  }

  /** Adds what `chunk` has of the pending frame; returns how much that was. */
  private complete(chunk: Uint8Array, sink: FrameSink): number {
    let at = 0
    if (this.size === 0) {
      at = Math.min(this.shape.headerSize - this.filled, chunk.length)
      this.append(chunk, 0, at)
      if (this.filled < this.shape.headerSize) return at
      this.size = this.pendingSize()
    }
    const more = Math.min(this.size - this.filled, chunk.length - at)
    this.append(chunk, at, at + more)
    if (this.filled < this.size) return at + more
    const reader = new Reader(this.pending)
    const size = this.size
    // byte fields of the packet are views into this buffer, so it is given away
    this.pending = new Uint8Array(0)
    this.filled = 0
    this.size = 0
    this.consumed += size
    sink(reader, 0, size)
    return at + more
  }

  private append(chunk: Uint8Array, start: number, end: number): void {
    const filled = this.filled + end - start
    if (filled > this.pending.length) {
      const bound = this.size === 0 ? filled : this.size
      const next = new Uint8Array(Math.min(bound, Math.max(firstBuffer, filled, this.pending.length * 2)))
      next.set(this.pending.subarray(0, this.filled))
      this.pending = next
    }
    this.pending.set(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end), this.filled)
    this.filled = filled
  }
}
