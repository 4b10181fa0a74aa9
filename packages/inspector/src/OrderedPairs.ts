/**
 * Pairs packets of one connection where no header field says which request an answer is to: an answer is to the oldest request that it may
 * answer, and of those that carry a number, to the one with the same number (`Command.answeredBy`). Pure.
 *
 * Requests may ask that an answer be left out (memcached's `q`). They are over when a younger request is answered.
 */

/** What is known of a request. */
export interface OrderedRequest {
  /** Names of the packets that may answer it. */
  readonly answeredBy: ReadonlyArray<string>
  /** Of a request with many answers: whether this one is the last. */
  readonly isLast?: ((answer: object) => boolean) | undefined
  /** Names of the answers that it asks to leave out. Without it every request is answered. */
  readonly leftOut?: ReadonlyArray<string> | undefined
}

/** What an answer repeats of its request. */
export interface Repeated {
  /** In protocols with numbers. */
  readonly number?: number | undefined
  /** Text that every answer to it has; mistakes are told without it. */
  readonly opaque?: string | undefined
  /** Text that answers have where they were asked for it. */
  readonly key?: string | undefined
}

/** The request that a packet answers. */
export interface Answered<A> {
  readonly asked: A
  /** So many older requests turned out to have no answer, as they had asked. */
  readonly leftOut: number
}

interface Entry<A> {
  readonly asked: A
  readonly request: OrderedRequest
  readonly repeated: Repeated
}

/** Most requests that wait for an answer; the oldest are forgotten. */
const maxWaiting = 65_536
/** An answer to none of more requests than this shows that requests and answers are out of step: those that wait are forgotten. */
const maxSearched = 4096

/** Requests of one side that wait for their answers. */
export class OrderedPairs<A> {
  private readonly waiting = new Set<Entry<A>>()
  private readonly mistakes: ReadonlySet<string>

  /** `mistakes`: packets that answer any request, and repeat nothing of it. */
  constructor(mistakes: ReadonlySet<string>) {
    this.mistakes = mistakes
  }

  /** A request was sent. */
  ask(asked: A, request: OrderedRequest, repeated: Repeated): void {
    if (this.waiting.size >= maxWaiting) {
      for (const oldest of this.waiting) {
        this.waiting.delete(oldest)
        break
      }
    }
    this.waiting.add({ asked, request, repeated })
  }

  /** A request was sent that is none of the protocol: only a mistake answers it. */
  askUnknown(asked: A): void {
    if (this.mistakes.size > 0) this.ask(asked, { answeredBy: [...this.mistakes] }, {})
  }

  /** The request that a packet answers; nothing when it was sent unasked, or its request is not known. */
  answer(name: string, packet: object, repeated: Repeated): Answered<A> | undefined {
    const older: Array<Entry<A>> = []
    for (const entry of this.waiting) {
      if (this.isAnswered(entry, name, repeated)) return this.settle(entry, packet, older)
      older.push(entry)
    }
    if (older.length > maxSearched) this.waiting.clear()
    return undefined
  }

  private isAnswered({ repeated: asked, request }: Entry<A>, name: string, { key, number, opaque }: Repeated): boolean {
    if (!request.answeredBy.includes(name) || request.leftOut?.includes(name) === true || asked.number !== number) return false
    return this.mistakes.has(name) || asked.opaque === opaque && (asked.key === undefined || key === undefined || asked.key === key)
  }

  private settle(entry: Entry<A>, packet: object, older: ReadonlyArray<Entry<A>>): Answered<A> {
    // those that have numbers are answered in any order
    const silent = entry.repeated.number === undefined ? older.filter(({ request }) => request.leftOut !== undefined) : []
    for (const one of silent) this.waiting.delete(one)
    if (entry.request.isLast?.(packet) !== false) this.waiting.delete(entry)
    return { asked: entry.asked, leftOut: silent.length }
  }
}
