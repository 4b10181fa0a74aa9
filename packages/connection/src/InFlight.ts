/** What a connection asks of the ledger of its requests, however answers are told from one another. */

/** Requests in flight. */
export interface InFlight {
  /** Requests that wait for an answer. */
  readonly inFlight: number
  /** Requests whose answers are still owed although no caller waits. */
  readonly owed: number
  /** Answers that came after their caller gave up. */
  readonly lateAnswers: number
  /** When the first deadline is, or Infinity. Never later than the first one; may be earlier after answers came. */
  readonly nextDeadline: number
  /** What a packet that is not answered is known by; no request in flight has it. */
  readonly silent: () => number
  /** Forgets a request that was never sent, or whose answer will not come. */
  readonly drop: (opaque: number) => void
  /** Nobody waits any more; the answer is still owed. */
  readonly abandon: (opaque: number) => void
  /** Fails every request whose deadline has passed. */
  readonly expire: (now: number) => void
  /** The connection is gone: fails every request. The ledger is of no use afterwards. */
  readonly failAll: () => void
}
