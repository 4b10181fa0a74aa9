/**
 * A pooled output buffer.
 *
 * Encoders append; `take` hands out everything appended since the last `take` as one view. Bytes handed out are never written again: when
 * a buffer is full a new one is made. An encoder that throws leaves the writer as it was.
 */

const poolSize = 64 * 1024

/** What there is of Node's `Buffer`. */
const native = (globalThis as unknown as { readonly Buffer?: { allocUnsafeSlow(size: number): { readonly buffer: ArrayBuffer } } }).Buffer

/** A new buffer. Encoders write every byte they append, so it need not be zero, which takes longer than encoding a small packet. */
const allocate = (size: number): Uint8Array =>
  native === undefined ? new Uint8Array(size) : new Uint8Array(native.allocUnsafeSlow(size).buffer)

/** Appends packets and hands them out as one view. */
export class Writer {
  bytes: Uint8Array
  view: DataView
  /** Where the next packet begins. */
  position = 0
  private start = 0

  constructor(size: number = poolSize) {
    this.bytes = new Uint8Array(size)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Makes room for `size` more bytes and returns the position to write them at. */
  need(size: number): number {
    if (this.position + size > this.bytes.length) this.grow(size)
    return this.position
  }

  /** Bytes appended and not taken. */
  get length(): number {
    return this.position - this.start
  }

  /** Everything appended since the last `take`. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.bytes.buffer, this.start, this.position - this.start)
    this.start = this.position
    return taken
  }

  /** Forgets what was appended since `length` bytes. */
  truncate(length: number): void {
    this.position = this.start + length
  }

  private grow(size: number): void {
    const pending = this.position - this.start
    const next = allocate(Math.max(poolSize, 2 ** Math.ceil(Math.log2(pending + size))))
    next.set(this.bytes.subarray(this.start, this.position))
    this.bytes = next
    this.view = new DataView(next.buffer)
    this.start = 0
    this.position = pending
  }
}

/** Runs an encoder and returns its bytes alone. */
export const encodeWith = (encode: (writer: Writer) => void): Uint8Array => {
  const writer = new Writer(512)
  encode(writer)
  return writer.take()
}
