/**
 * Deadlines of answers, which begin when the server can give them: not before the question left this program, and not before the server has
 * answered what was asked earlier.
 *
 * A server answers one thing after another. A client that asks for 10 000 things at once must not give up the last of them while the server
 * is busy with the first; one whose server is silent must. So a deadline counts from the latest of: the question, its leaving, and the last
 * answer to anything asked before it. What was asked later and answered sooner proves nothing, so no deadline moves for ever.
 */
import type { Deadline, Deadlines } from "./Deadlines.ts"
import type { Letter } from "./Outbox.ts"

/** An answer that is waited for. */
export interface Expected {
  /** What asks; undefined while there is no connection to ask on. */
  letter: Letter | undefined
  /** The number of the question: later ones have higher ones. */
  readonly ticket: number
  readonly since: number
  deadline: Deadline
}

/** What the answers need to know. */
export interface AnswersHost {
  readonly now: () => number
  /** Whether what is not sent yet may be soon. */
  readonly open: () => boolean
}

/** The answers of a session. */
export class Answers {
  private readonly deadlines: Deadlines
  private readonly host: AnswersHost
  private tickets = 0
  /** Longest wait so far. */
  private longest = 0
  /** Answers by time, in which later ones have higher tickets: an older answer to a later question is of no use. */
  private readonly given: Array<{ readonly ticket: number; readonly at: number }> = []

  constructor(deadlines: Deadlines, host: AnswersHost) {
    this.deadlines = deadlines
    this.host = host
  }

  /** Waits for an answer, `millis` milliseconds from when the server can give it. */
  expect(millis: number, letter: Letter | undefined, late: () => void): Expected {
    const now = this.host.now()
    if (millis > this.longest) this.longest = millis
    const expire = (): void => {
      const next = this.due(expected, millis)
      if (next > this.host.now()) expected.deadline = this.deadlines.add(next, expire)
      else late()
    }
    const expected: Expected = { letter, ticket: ++this.tickets, since: now, deadline: this.deadlines.add(now + millis, expire) }
    return expected
  }

  /** The answer came. */
  answered(expected: Expected | undefined): void {
    if (expected === undefined || expected.deadline.run === undefined) return
    this.cancel(expected)
    const { given } = this
    const at = Math.ceil(this.host.now())
    while (given.length > 0 && given.at(-1)!.ticket >= expected.ticket) given.pop()
    if (given.at(-1)?.at === at) return
    given.push({ ticket: expected.ticket, at })
    // no caller waits so long
    if (given.length > 1024 && given[512]!.at + this.longest < at) given.splice(0, 512)
  }

  /** Nobody waits for it any more. */
  cancel(expected: Expected | undefined): void {
    this.deadlines.cancel(expected?.deadline)
  }

  private due({ letter, since, ticket }: Expected, millis: number): number {
    if (letter !== undefined && letter.text !== "" && this.host.open()) return this.host.now() + millis
    return Math.max(since, letter?.sentAt ?? since, this.lastBefore(ticket)) + millis
  }

  /** When something was last answered that was asked before. */
  private lastBefore(ticket: number): number {
    const { given } = this
    let low = 0
    let high = given.length
    while (low < high) {
      const middle = low + high >> 1
      if (given[middle]!.ticket < ticket) low = middle + 1
      else high = middle
    }
    return low === 0 ? -Infinity : given[low - 1]!.at
  }
}
