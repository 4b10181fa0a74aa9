/**
 * Which requests are in flight on a connection, by opaque: who waits for each, until when, and which answers nobody waits for any more.
 *
 * Pure: `now` is given, nothing is sent, no timer is set. A request that timed out or was interrupted is *abandoned*: its opaque is
 * remembered until the peer answers, so that a late answer can be told from one that matches nothing.
 */

/** Somebody who waits for the answer to a request. */
export interface Waiter<A> {
  /** Receives the answer. Returns false while more answers are to come. */
  readonly answer: (answer: A) => boolean
  /** The request will not be answered. */
  readonly fail: (why: "timeout" | "lost") => void
  /** Time in milliseconds by which the answer must be there. */
  deadline: number
  /** The request changes something, so losing its answer is ambiguous. */
  readonly writes: boolean
}

/** What became of an answer. */
export type Matched = "answered" | "late" | "unmatched"

/** Requests in flight. */
export class Ledger<A> {
  private readonly waiting = new Map<number, Waiter<A>>()
  private readonly abandoned = new Set<number>()
  private opaque = 0
  private late = 0
  private earliest = Infinity

  /** Requests that wait for an answer. */
  get inFlight(): number {
    return this.waiting.size
  }

  /** Answers that came after nobody waited for them. */
  get lateAnswers(): number {
    return this.late
  }

  /** Opaques whose answers are still owed although nobody waits. */
  get owed(): number {
    return this.abandoned.size
  }

  /** When the first deadline is, or Infinity. Never later than the first one; may be earlier after answers came. */
  get nextDeadline(): number {
    return this.waiting.size === 0 ? Infinity : this.earliest
  }

  /** The opaque of the next request; 32 bits, wrapping, skipping those in use. */
  next(): number {
    do this.opaque = this.opaque + 1 >>> 0
    while (this.waiting.has(this.opaque) || this.abandoned.has(this.opaque))
    return this.opaque
  }

  /** Enters a request. */
  add(opaque: number, waiter: Waiter<A>): void {
    this.waiting.set(opaque, waiter)
    if (waiter.deadline < this.earliest) this.earliest = waiter.deadline
  }

  /** Whoever waits for `opaque`. */
  waiter(opaque: number): Waiter<A> | undefined {
    return this.waiting.get(opaque)
  }

  /** Hands an answer to whoever waits for it. */
  settle(opaque: number, answer: A): Matched {
    const waiter = this.waiting.get(opaque)
    if (waiter === undefined) {
      if (!this.abandoned.delete(opaque)) return "unmatched"
      this.late++
      return "late"
    }
    // the waiter's continuation runs inside `answer`, so the request is taken out first
    this.waiting.delete(opaque)
    if (!waiter.answer(answer)) this.waiting.set(opaque, waiter)
    return "answered"
  }

  /** Forgets a request whose answer will not come, such as a quiet one behind its barrier. */
  drop(opaque: number): void {
    this.waiting.delete(opaque)
  }

  /** Nobody waits any more; the answer is still owed. */
  abandon(opaque: number): void {
    if (this.waiting.delete(opaque)) this.abandoned.add(opaque)
  }

  /** Fails every request whose deadline has passed. */
  expire(now: number): void {
    if (now < this.earliest) return
    const expired: Array<Waiter<A>> = []
    this.earliest = Infinity
    for (const [opaque, waiter] of this.waiting) {
      if (waiter.deadline <= now) {
        this.waiting.delete(opaque)
        this.abandoned.add(opaque)
        expired.push(waiter)
      } else if (waiter.deadline < this.earliest) this.earliest = waiter.deadline
    }
    for (const waiter of expired) waiter.fail("timeout")
  }

  /** The connection is gone: fails every request. */
  failAll(): void {
    const waiters = [...this.waiting.values()]
    this.waiting.clear()
    this.abandoned.clear()
    this.earliest = Infinity
    for (const waiter of waiters) waiter.fail("lost")
  }
}
