/**
 * A capture that is being made and has readers at the same time: each gets its beginning, what is kept of the last of it, and from then on
 * whatever comes. Bounded: who reads too slowly is let go.
 */
import { TcpRecorder } from "@wirewright/capture"

/** Who reads; returns whether it still takes more. */
export type LiveReader = (chunk: Uint8Array) => boolean

/** Most bytes that are kept for those who come later. */
const maxKept = 16 * 1024 * 1024

/** The capture. */
export class LiveCapture {
  private readonly head: ReadonlyArray<Uint8Array>
  private readonly kept: Array<Uint8Array> = []
  private keptBytes = 0
  private dropped = 0
  private readonly readers = new Map<LiveReader, () => void>()
  private isOver = false

  /** `head` are the first blocks of every pcapng file. */
  constructor(head: ReadonlyArray<Uint8Array> = new TcpRecorder().begin()) {
    this.head = head
  }

  /** Takes blocks of packets. The first blocks of a file are known already. */
  write(block: Uint8Array): void {
    if (this.isOver) return
    this.kept.push(block)
    this.keptBytes += block.length
    while (this.keptBytes > maxKept) {
      this.keptBytes -= this.kept[this.dropped++]!.length
      // taking from the front of a long list one by one takes too long
      if (this.dropped > 1024 && this.dropped > this.kept.length / 2) {
        this.kept.splice(0, this.dropped)
        this.dropped = 0
      }
    }
    for (const [reader, end] of this.readers) {
      if (reader(block)) continue
      this.readers.delete(reader)
      end()
    }
  }

  /** Gives a reader what there is, and what comes; `end` is called when there is no more, or it was too slow. Returns how to stop. */
  subscribe(reader: LiveReader, end: () => void): () => void {
    const there = [...this.head, ...this.kept.slice(this.dropped)].every((block) => reader(block))
    if (!there || this.isOver) {
      end()
      return () => {}
    }
    this.readers.set(reader, end)
    return () => void this.readers.delete(reader)
  }

  /** Nothing more comes. */
  close(): void {
    this.isOver = true
    for (const end of this.readers.values()) end()
    this.readers.clear()
  }
}
