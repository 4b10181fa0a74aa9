/**
 * Whether the peer of a DCP connection is still there. Pure: times in milliseconds in, what to do out.
 *
 * A server sends DCP_NOOP in a fixed pace, also when the consumer's window is full, but only from the first stream request on. So with an
 * open stream, silence of two intervals means that it is gone; without one, the consumer asks with an ordinary NOOP. Bytes count, not
 * messages. Source: kv_engine `engines/ep/src/dcp/producer.cc`, `maybeSendNoop`.
 */

/** What follows from the time. */
export type Life = "alive" | "ask" | "dead"

/** Watches one connection. */
export class Liveness {
  private readonly interval: number
  private heardAt: number
  private streams = 0
  private askedAt: number | undefined

  /** @param interval milliseconds between two NOOPs, as negotiated */
  constructor(interval: number, now: number) {
    this.interval = interval
    this.heardAt = now
  }

  /** Bytes arrived. */
  heard(now: number): void {
    this.heardAt = now
    this.askedAt = undefined
  }

  /** So many streams are open now. */
  open(streams: number, now: number): void {
    // the server's pace begins with the first stream
    if (this.streams === 0 && streams > 0) this.heardAt = Math.max(this.heardAt, now)
    this.streams = streams
  }

  /** When to look next. */
  get deadline(): number {
    if (this.streams > 0) return this.heardAt + 2 * this.interval
    return this.askedAt === undefined ? this.heardAt + this.interval : this.askedAt + this.interval
  }

  /** What to do at this time; after `ask`, a NOOP was sent. */
  look(now: number): Life {
    if (now < this.deadline) return "alive"
    if (this.streams > 0 || this.askedAt !== undefined) return "dead"
    this.askedAt = now
    return "ask"
  }
}
