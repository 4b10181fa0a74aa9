/**
 * Output buffers: `Writer`, which is all that encoders need, and `PooledWriter` for connections, which reuses its buffers.
 *
 * Encoders append; `take` hands out everything appended since the last `take`. Bytes handed out are never written again, unless whoever took
 * them from a `PooledWriter` says that they have left (`release`). An encoder that throws leaves the writer as it was.
 */

const poolSize = 64 * 1024
/** Size of a connection's first buffer: many never send more at a time, and then need no larger one. */
const firstSize = 2 * 1024

/** Spent buffers kept for reuse. */
const maxSpare = 8

/** Buffers double with each until here, so that a writer of few bytes holds little. */
const largestPart = 16 * 1024

/** Appends packets to a buffer and hands them out. What is not taken moves to a larger buffer when this one is full. */
export class Writer {
  declare bytes: Uint8Array
  declare view: DataView
  /** Where the next packet begins. */
  position = 0
  /** Where the content of the packet that is being written begins, for domain names and fields that only code can say. */
  content = 0
  /** Where in the content of the packet that is being written domain names stand, for those after them to point at. */
  names: Map<string, number> | undefined
  /** How many records of each type that contains itself surround what is being written. */
  depths: Record<string, number> | undefined
  /** Where what is not taken begins in the buffer. */
  start = 0

  constructor(size = 512) {
    this.use(new Uint8Array(size))
  }

  /** Appends to this buffer. */
  protected use(bytes: Uint8Array): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
  }

  /** Makes room for `size` more bytes and returns the position to write them at. */
  need(size: number): number {
    if (this.position + size > this.bytes.length) this.turn(size)
    return this.position
  }

  /** Bytes appended and not taken. */
  get length(): number {
    return this.position - this.start
  }

  /** Everything appended since the last `take`, as one view. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.bytes.buffer, this.start, this.position - this.start)
    this.start = this.position
    return taken
  }

  /** Forgets what was appended since `length` bytes. */
  truncate(length: number): void {
    this.position = this.start + length
  }

  /** Goes on in a buffer that has room for `size` more bytes. */
  protected turn(size: number): void {
    const rest = this.bytes.subarray(this.start, this.position)
    const { length } = rest
    // what is kept doubles, which bounds how often it moves; what comes first gets no more than it needs, since more may never come
    this.use(new Uint8Array(Math.max(512, Math.min(largestPart, 2 * this.bytes.length), 2 * length, length + size)))
    this.bytes.set(rest)
    this.position = length
    this.start = 0
  }
}

/** What there is of Node's `Buffer`. */
const globals = globalThis as unknown as { readonly Buffer?: { allocUnsafeSlow(size: number): { readonly buffer: ArrayBuffer } } }

/** A new buffer. Encoders write every byte they append, so it need not be zero, which takes longer than encoding a small packet. */
const allocate = (size: number): Uint8Array<ArrayBuffer> => {
  const native = globals.Buffer
  return native === undefined ? new Uint8Array(size) : new Uint8Array(native.allocUnsafeSlow(size).buffer)
}

/** A buffer and the views of it that others still hold. */
interface Slab {
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Views handed out and not released. */
  held: number
}

/**
 * A writer of a connection. Nothing that was appended is ever moved: a full buffer is set aside and the next packet begins in another one,
 * which is why there may be several segments (`takeSegments`, for vectored writes). Buffers whose bytes have left (`release`) are used anew.
 */
export class PooledWriter extends Writer {
  private slab: Slab
  /** What is not taken in buffers before the current one, and how much that is. */
  private segments: Array<Uint8Array> = []
  private sealed = 0
  private readonly spare: Array<Slab> = []
  private readonly slabs = new WeakMap<ArrayBufferLike, Slab>()

  constructor(size: number = firstSize) {
    super(size)
    this.slab = { bytes: this.bytes, view: this.view, held: 0 }
    this.slabs.set(this.bytes.buffer, this.slab)
  }

  override get length(): number {
    return this.sealed + this.position - this.start
  }

  /** Everything appended since the last `take`, as one view; copied when it lies in several buffers. */
  override take(): Uint8Array {
    if (this.segments.length === 0) return this.cut()
    const segments = this.takeSegments()
    const out = new Uint8Array(segments.reduce((sum, segment) => sum + segment.length, 0))
    let at = 0
    for (const segment of segments) {
      out.set(segment, at)
      at += segment.length
      this.release(segment)
    }
    return out
  }

  /** Everything appended since the last `take`, in order, without a copy. */
  takeSegments(): ReadonlyArray<Uint8Array> {
    const segments = this.segments
    if (this.position > this.start) segments.push(this.cut())
    this.segments = []
    this.sealed = 0
    return segments
  }

  /**
   * Gives taken bytes back: nobody reads them any more, and their buffer may be written again. Meant for whoever has sent them; releasing
   * bytes that somebody still reads corrupts what they read. Not releasing costs nothing but a new buffer.
   */
  release(taken: Uint8Array): void {
    const slab = this.slabs.get(taken.buffer)
    if (slab === undefined || slab.held === 0) return
    slab.held--
    if (slab.held > 0) return
    if (slab !== this.slab) this.keep(slab)
    else if (this.position === this.start) {
      // nobody has anything of the current buffer: from its beginning it lasts longer, and what is taken lies in one piece
      this.position = 0
      this.start = 0
    }
  }

  override truncate(length: number): void {
    while (this.sealed > length) {
      const last = this.segments.pop()!
      this.sealed -= last.length
      if (this.sealed < length) {
        this.segments.push(last.subarray(0, length - this.sealed))
        this.sealed = length
      } else this.release(last)
    }
    super.truncate(length - this.sealed)
  }

  /** The rest of the current buffer, as a view that somebody else now holds. */
  private cut(): Uint8Array {
    this.slab.held++
    return super.take()
  }

  /** Goes on in another buffer. */
  protected override turn(size: number): void {
    if (this.position > this.start) {
      this.sealed += this.position - this.start
      this.segments.push(this.cut())
    }
    const full = this.slab
    const fits = size <= poolSize
    const next = fits ? this.spare.pop() ?? this.make(poolSize) : this.make(2 ** Math.ceil(Math.log2(size)))
    this.slab = next
    this.bytes = next.bytes
    this.view = next.view
    this.position = 0
    this.start = 0
    if (full.held === 0) this.keep(full)
  }

  private make(size: number): Slab {
    const bytes = allocate(size)
    const slab = { bytes, view: new DataView(bytes.buffer), held: 0 }
    this.slabs.set(bytes.buffer, slab)
    return slab
  }

  private keep(slab: Slab): void {
    if (slab.bytes.length === poolSize && this.spare.length < maxSpare) this.spare.push(slab)
  }
}

/** Runs an encoder and returns its bytes alone. */
export const encodeWith = (encode: (writer: Writer) => void): Uint8Array => {
  const writer = new Writer()
  encode(writer)
  return writer.take()
}
