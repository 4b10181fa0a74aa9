/** What formats of capture files have in common: records whose size their head says, and limits. */
import type { Reader } from "@wirewright/codec"
import type { FrameSink } from "./Frame.ts"

/** Limits of a reader; each is a `DecodeError` with reason `Limit`. */
export interface CaptureLimits {
  /** Largest record or block in bytes. */
  readonly maxRecord: number
  /** Most interfaces of a pcapng section. */
  readonly maxInterfaces: number
}

/** The default limits. */
export const captureLimits: CaptureLimits = { maxRecord: 16 * 1024 * 1024, maxInterfaces: 4096 }

/** What a format knows about its records. `start` is where the file begins, relative to the buffer: errors then count from there. */
export interface RecordFormat {
  readonly name: string
  /** Bytes needed to know the size of the next record. */
  readonly headSize: number
  /** Size of the record at `at`. */
  sizeOf(reader: Reader, at: number, start: number): number
  /** Reads the record `[at, end)`. */
  read(reader: Reader, at: number, end: number, start: number, sink: FrameSink): void
}
