/** What a transport speaks over: what it needs of a stream of bytes. Node's `Duplex` is one. */

/** A stream of bytes both ways. */
export interface Link {
  /** Bytes written that are not taken yet. */
  readonly writableLength: number
  /** This side of a socket that has ports. */
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  /** Something to read. What is handed over is the reader's to keep. */
  on(event: "data", listener: (bytes: Uint8Array) => void): unknown
  /** `end`: the peer sends no more; `drain`: everything written was taken, after `write` said no; `close`: it is gone. */
  on(event: "drain" | "end" | "close", listener: () => void): unknown
  on(event: "error", listener: (error: Error) => void): unknown
  /** Writes, and calls `taken` once the bytes may be used for something else. False when it is behind. */
  write(bytes: Uint8Array, taken: () => void): boolean
  /** What is written until `uncork` may leave together. */
  cork(): void
  uncork(): void
  /** Hands nothing over until `resume`. */
  pause(): unknown
  resume(): unknown
  /** Sends no more, after what was written. */
  end(): unknown
  /** Closes at once. */
  destroy(): unknown
}
