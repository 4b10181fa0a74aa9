/**
 * Which requests are in flight on a connection where no header field says which of them a packet answers: it answers the oldest one that it may
 * answer (`Command.answers`), and of those that carry a number, the one with the same number.
 *
 * Pure, as `Ledger` is: `now` is given, nothing is sent, no timer is set. A request that timed out or was interrupted keeps its place, as its
 * answers still come; they are dropped and counted.
 *
 * Requests without a number stand in a ring, which in most protocols is left in the order in which it is entered.
 */
import { unencodable } from "@wirewright/codec"
import type { InFlight } from "./InFlight.ts"
import { Drain, type Matched, type Waiter } from "./Ledger.ts"

/** How requests are numbered: by which field of packets, and up to which number; 0 is none. */
export interface Numbering {
  readonly field: string
  readonly max: number
}

interface Packet {
  readonly _tag: string
}

/** Whether nobody waits any more; most deadlines tell it at once. */
const isDrain = (waiter: Waiter<never>): boolean => waiter.deadline === Infinity && waiter instanceof Drain

/** In a loop of its own, as the first of few is nearly always it. */
const has = (tags: ReadonlyArray<string>, tag: string): boolean => {
  for (let i = 0; i < tags.length; i++) if (tags[i] === tag) return true
  return false
}

/** Instead of the request that a packet answers: it answers none. */
const nobody = -1
const noAnswers: ReadonlyArray<string> = []
const always = (): boolean => true

/** A request in flight that has a number. */
interface Numbered<A> {
  readonly opaque: number
  waiter: Waiter<A>
  readonly answers: ReadonlyArray<string>
  readonly number: number
}

/** Opaques of requests with a number begin here; those of the others are their places in the line, which never come so far. */
const numberedFrom = 2 ** 52
const leastRoom = 64

/** Requests in flight. */
export class OrderedLedger<A extends Packet> implements InFlight {
  private readonly numbering: Numbering | undefined
  /** By opaque. */
  private readonly numbered = new Map<number, Numbered<A>>()
  private readonly byNumber = new Map<number, Numbered<A>>()
  /** Ring of those without a number, by place in the line: who waits, `undefined` once that is over, and which packets may answer. */
  private waiters: Array<Waiter<A> | undefined> = Array.from({ length: leastRoom })
  private answers: Array<ReadonlyArray<string>> = Array.from({ length: leastRoom }, () => noAnswers)
  private mask = leastRoom - 1
  /** Places of the oldest and of the next in the line. */
  private head = 0
  private tail = 0
  private next = numberedFrom
  private lastNumber = 0
  private waiting = 0
  private owing = 0
  private late = 0
  private earliest = Infinity
  private lost = false

  constructor(numbering: Numbering | undefined) {
    this.numbering = numbering
  }

  get inFlight(): number {
    return this.waiting
  }

  get owed(): number {
    return this.owing
  }

  get lateAnswers(): number {
    return this.late
  }

  get nextDeadline(): number {
    return this.waiting === 0 ? Infinity : this.earliest
  }

  /**
   * Enters a request and returns what it is known by here. `number`: the one in its packet; 0 for none, `undefined` for one that is free.
   * Throws `EncodeError` when another request in flight has it, or when none is free.
   */
  enter(waiter: Waiter<A>, answers: ReadonlyArray<string>, number: number | undefined): number {
    const own = number ?? this.freeNumber()
    const opaque = own === 0 ? this.append(waiter, answers) : this.enterNumbered(waiter, answers, own)
    this.waiting++
    if (waiter.deadline < this.earliest) this.earliest = waiter.deadline
    return opaque
  }

  /** The number in the packet of a request. */
  numberOf(opaque: number): number {
    return this.numbered.get(opaque)?.number ?? 0
  }

  /** Hands a packet to the request that it answers. */
  settle(answer: A): Matched {
    const opaque = this.answered(answer)
    if (opaque === nobody) return "unmatched"
    const waiter = this.waiterOf(opaque)!
    const { ends } = waiter
    const isLate = isDrain(waiter)
    // before the waiter hears it, who may at once send a request of the same number
    if (ends === undefined || ends(answer)) this.free(opaque, isLate)
    if (isLate) {
      this.late++
      return "late"
    }
    if (waiter.answer(answer)) {
      if (ends !== undefined) this.leave(opaque)
    } else if (this.lost) waiter.fail("lost")
    else if (waiter.deadline < this.earliest) this.earliest = waiter.deadline
    return "answered"
  }

  silent(): number {
    return 0
  }

  drop(opaque: number): void {
    this.leave(opaque)
  }

  abandon(opaque: number): void {
    const waiter = this.waiterOf(opaque)
    if (waiter !== undefined && !isDrain(waiter)) this.give(opaque, waiter)
  }

  expire(now: number): void {
    if (now < this.earliest) return
    const expired: Array<Waiter<A>> = []
    this.earliest = Infinity
    const look = (opaque: number, waiter: Waiter<A> | undefined): void => {
      if (waiter === undefined || isDrain(waiter)) return
      if (waiter.deadline > now) {
        if (waiter.deadline < this.earliest) this.earliest = waiter.deadline
        return
      }
      this.give(opaque, waiter)
      expired.push(waiter)
    }
    for (let place = this.head; place < this.tail; place++) look(place, this.waiters[place & this.mask])
    for (const { opaque, waiter } of this.numbered.values()) look(opaque, waiter)
    for (const waiter of expired) waiter.fail("timeout")
  }

  failAll(): void {
    this.lost = true
    const waiters: Array<Waiter<A>> = []
    for (let place = this.head; place < this.tail; place++) {
      const waiter = this.waiters[place & this.mask]
      if (waiter !== undefined) waiters.push(waiter)
    }
    for (const { waiter } of this.numbered.values()) waiters.push(waiter)
    this.numbered.clear()
    this.byNumber.clear()
    this.waiters.fill(undefined)
    this.head = this.tail
    this.waiting = 0
    this.owing = 0
    this.earliest = Infinity
    for (const waiter of waiters) waiter.fail("lost")
  }

  /** The request that a packet answers, or `nobody`. */
  private answered(answer: A): number {
    const { _tag } = answer
    if (this.numbering !== undefined) {
      const number = (answer as unknown as { readonly [field: string]: unknown })[this.numbering.field]
      if (typeof number === "number") {
        const entry = this.byNumber.get(number)
        return entry !== undefined && has(entry.answers, _tag) ? entry.opaque : nobody
      }
    }
    const { answers, mask, tail, waiters } = this
    for (let place = this.head; place < tail; place++) {
      if (waiters[place & mask] !== undefined && has(answers[place & mask]!, _tag)) return place
    }
    return nobody
  }

  private waiterOf(opaque: number): Waiter<A> | undefined {
    if (opaque >= numberedFrom) return this.numbered.get(opaque)?.waiter
    return opaque >= this.head && opaque < this.tail ? this.waiters[opaque & this.mask] : undefined
  }

  /** Nobody waits any more. */
  private give(opaque: number, { ends = always }: Waiter<A>): void {
    const drain = new Drain(ends)
    if (opaque >= numberedFrom) this.numbered.get(opaque)!.waiter = drain
    else this.waiters[opaque & this.mask] = drain
    this.waiting--
    this.owing++
  }

  private append(waiter: Waiter<A>, answers: ReadonlyArray<string>): number {
    if (this.tail - this.head > this.mask) this.grow()
    const place = this.tail++
    this.waiters[place & this.mask] = waiter
    this.answers[place & this.mask] = answers
    return place
  }

  private grow(): void {
    const { answers, mask, waiters } = this
    const size = 2 * (mask + 1)
    this.waiters = Array.from({ length: size })
    this.answers = Array.from({ length: size }, () => noAnswers)
    this.mask = size - 1
    for (let place = this.head; place < this.tail; place++) {
      this.waiters[place & this.mask] = waiters[place & mask]
      this.answers[place & this.mask] = answers[place & mask]!
    }
  }

  private enterNumbered(waiter: Waiter<A>, answers: ReadonlyArray<string>, number: number): number {
    if (this.byNumber.has(number)) {
      unencodable("Range", "", this.numbering?.field ?? "", "a number of no request in flight", String(number))
    }
    const entry = { opaque: this.next++, waiter, answers, number }
    this.byNumber.set(number, entry)
    this.numbered.set(entry.opaque, entry)
    return entry.opaque
  }

  private leave(opaque: number): void {
    const waiter = this.waiterOf(opaque)
    if (waiter !== undefined) this.free(opaque, isDrain(waiter))
  }

  /** Gives up the place of a request that is in flight. */
  private free(opaque: number, isOwed: boolean): void {
    if (isOwed) this.owing--
    else this.waiting--
    if (opaque >= numberedFrom) {
      this.byNumber.delete(this.numbered.get(opaque)!.number)
      this.numbered.delete(opaque)
      return
    }
    const { mask, tail, waiters } = this
    waiters[opaque & mask] = undefined
    let { head } = this
    while (head < tail && waiters[head & mask] === undefined) head++
    this.head = head
  }

  /** The number after the last one that is free; 0 where requests have none. */
  private freeNumber(): number {
    if (this.numbering === undefined) return 0
    const { field, max } = this.numbering
    if (this.byNumber.size >= max) unencodable("Range", "", field, `at most ${max} requests in flight`, "one more")
    do this.lastNumber = this.lastNumber % max + 1
    while (this.byNumber.has(this.lastNumber))
    return this.lastNumber
  }
}
