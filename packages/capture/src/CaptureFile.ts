/**
 * Reads capture files, pcap and pcapng, from chunks.
 *
 * Memory is bounded by one record (`maxRecord`) and one chunk. A damaged file ends in a `DecodeError` whose offset counts from the start
 * of the file, after every packet before the fault was handed out. Chunks must not be written to again: packets are views into them.
 */
import { DecodeError, incomplete, malformed, Reader } from "@wirewright/codec"
import type { CapturedFrame, FrameSink } from "./Frame.ts"
import { type CaptureLimits, captureLimits, type RecordFormat } from "./RecordFormat.ts"
import { pcapByteOrder, PcapRecords } from "./PcapFile.ts"
import { PcapngBlockType, PcapngRecords } from "./PcapngFile.ts"

const magicSize = 4

/** Which format the first four bytes announce. */
export const captureFormatOf = (bytes: Uint8Array): "pcap" | "pcapng" | undefined => {
  if (bytes.length < magicSize) return undefined
  const magic = new DataView(bytes.buffer, bytes.byteOffset, magicSize).getUint32(0)
  if (magic === PcapngBlockType.Section) return "pcapng"
  return pcapByteOrder(magic) === undefined ? undefined : "pcap"
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ")

const formatOf = (bytes: Uint8Array, limits: CaptureLimits): RecordFormat => {
  const format = captureFormatOf(bytes)
  if (format === "pcap") return new PcapRecords(limits)
  if (format === "pcapng") return new PcapngRecords(limits)
  return malformed("Magic", "Capture", "magic", 0, "the magic of a pcap or pcapng file", hex(bytes.subarray(0, magicSize)))
}

const join = (chunks: ReadonlyArray<Uint8Array>, size: number): Uint8Array => {
  if (chunks.length === 1) return chunks[0]!
  const joined = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    joined.set(chunk, at)
    at += chunk.length
  }
  return joined
}

/** Reads one capture file. */
export class CaptureReader {
  private readonly limits: CaptureLimits
  private format: RecordFormat | undefined
  private held: Array<Uint8Array> = []
  private heldSize = 0
  /** Bytes without which nothing can go on. */
  private needed = magicSize
  /** File offset of the first held byte. */
  private consumed = 0
  private failed = false

  constructor(limits: Partial<CaptureLimits> = {}) {
    this.limits = { ...captureLimits, ...limits }
  }

  /** File offset of the next record. */
  get offset(): number {
    return this.consumed
  }

  /** Hands every packet that `chunk` completes to `sink`. Throws `DecodeError`; the reader is of no use after that. */
  push(chunk: Uint8Array, sink: FrameSink): void {
    if (this.failed) malformed("Length", "Capture", "", this.consumed, "a new reader", "a reader that has failed")
    if (chunk.length === 0) return
    this.held.push(chunk)
    this.heldSize += chunk.length
    if (this.heldSize < this.needed) return
    const bytes = join(this.held, this.heldSize)
    this.failed = true
    const at = this.records(bytes, sink)
    this.failed = false
    this.consumed += at
    this.heldSize = bytes.length - at
    this.held = at < bytes.length ? [bytes.subarray(at)] : []
  }

  /** Throws `DecodeError` when the file ended within a record. */
  finish(): void {
    if (this.failed || this.heldSize === 0 && this.format !== undefined) return
    const name = this.format?.name ?? "Capture"
    incomplete(name, "", this.consumed + this.heldSize, `a record of at least ${this.needed} bytes`, `${this.heldSize} bytes`)
  }

  private records(bytes: Uint8Array, sink: FrameSink): number {
    const format = this.format ??= formatOf(bytes, this.limits)
    const reader = new Reader(bytes)
    const start = -this.consumed
    let at = 0
    while (true) {
      this.needed = format.headSize
      if (bytes.length - at < this.needed) return at
      const size = format.sizeOf(reader, at, start)
      this.needed = size
      if (bytes.length - at < size) return at
      format.read(reader, at, at + size, start, sink)
      at += size
    }
  }
}

/** All packets of a file in memory, and the fault that ended it early, if any. */
export const readCapture = (
  bytes: Uint8Array,
  limits: Partial<CaptureLimits> = {}
): { readonly frames: ReadonlyArray<CapturedFrame>; readonly error: DecodeError | undefined } => {
  const frames: Array<CapturedFrame> = []
  const reader = new CaptureReader(limits)
  try {
    reader.push(bytes, (frame) => frames.push(frame))
    reader.finish()
    return { frames, error: undefined }
  } catch (error) {
    if (error instanceof DecodeError) return { frames, error }
    throw error
  }
}
