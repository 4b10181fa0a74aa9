/**
 * Which requests are in flight on a connection where no header field says which of them a packet answers: it answers the oldest one that it may
 * answer (`Command.answers`), and of those that carry a number, the one with the same number.
 *
 * Pure, as `Ledger` is: `now` is given, nothing is sent, no timer is set. A request that timed out or was interrupted keeps its place, as its
 * answers still come; they are dropped and counted.
 */
import { unencodable } from "@wirewright/codec"
import type { InFlight } from "./InFlight.ts"
import type { Matched, Waiter } from "./Ledger.ts"

/** How requests are numbered: by which field of packets, and up to which number; 0 is none. */
export interface Numbering {
  readonly field: string
  readonly max: number
}

interface Packet {
  readonly _tag: string
}

/** A request in flight. */
interface Entry<A> {
  readonly ticket: number
  /** Nobody, once no caller waits any more. */
  waiter: Waiter<A> | undefined
  readonly answers: ReadonlyArray<string>
  /** Of a request with many answers: whether one is the last. */
  readonly ends: ((answer: A) => boolean) | undefined
  /** 0: none. */
  readonly number: number
  done: boolean
}

/** So many entries that are done are kept at the head of the line before they are cut off. */
const longestTail = 1_024

/** Requests in flight. */
export class OrderedLedger<A extends Packet> implements InFlight {
  private readonly numbering: Numbering | undefined
  private readonly entries = new Map<number, Entry<A>>()
  private readonly numbered = new Map<number, Entry<A>>()
  /** Those without a number, oldest first, from `head` on. */
  private readonly line: Array<Entry<A>> = []
  private head = 0
  private ticket = 0
  private lastNumber = 0
  private owing = 0
  private late = 0
  private earliest = Infinity
  private lost = false

  constructor(numbering: Numbering | undefined) {
    this.numbering = numbering
  }

  get inFlight(): number {
    return this.entries.size - this.owing
  }

  get owed(): number {
    return this.owing
  }

  get lateAnswers(): number {
    return this.late
  }

  get nextDeadline(): number {
    return this.inFlight === 0 ? Infinity : this.earliest
  }

  /**
   * Enters a request and returns what it is known by here. `number`: the one in its packet; 0 for none, `undefined` for one that is free.
   * Throws `EncodeError` when another request in flight has it, or when none is free.
   */
  enter(waiter: Waiter<A>, answers: ReadonlyArray<string>, number: number | undefined): number {
    const own = number ?? this.freeNumber()
    const entry: Entry<A> = { ticket: ++this.ticket, waiter, answers, ends: waiter.ends, number: own, done: false }
    if (own === 0) this.line.push(entry)
    else {
      if (this.numbered.has(own)) unencodable("Range", "", this.numbering?.field ?? "", "a number of no request in flight", String(own))
      this.numbered.set(own, entry)
    }
    this.entries.set(entry.ticket, entry)
    if (waiter.deadline < this.earliest) this.earliest = waiter.deadline
    return entry.ticket
  }

  /** The number in the packet of a request. */
  numberOf(opaque: number): number {
    return this.entries.get(opaque)?.number ?? 0
  }

  /** Hands a packet to the request that it answers. */
  settle(answer: A): Matched {
    const entry = this.answered(answer)
    if (entry === undefined) return "unmatched"
    const { waiter } = entry
    // before the waiter hears it, who may at once send a request of the same number
    if (entry.ends?.(answer) !== false) this.leave(entry)
    if (waiter === undefined) {
      this.late++
      return "late"
    }
    if (waiter.answer(answer)) this.leave(entry)
    else if (this.lost) waiter.fail("lost")
    else if (waiter.deadline < this.earliest) this.earliest = waiter.deadline
    return "answered"
  }

  silent(): number {
    return 0
  }

  drop(opaque: number): void {
    const entry = this.entries.get(opaque)
    if (entry !== undefined) this.leave(entry)
  }

  abandon(opaque: number): void {
    const entry = this.entries.get(opaque)
    if (entry?.waiter !== undefined) this.give(entry)
  }

  expire(now: number): void {
    if (now < this.earliest) return
    const expired: Array<Waiter<A>> = []
    this.earliest = Infinity
    for (const entry of this.entries.values()) {
      const { waiter } = entry
      if (waiter === undefined) continue
      if (waiter.deadline > now) {
        if (waiter.deadline < this.earliest) this.earliest = waiter.deadline
        continue
      }
      this.give(entry)
      expired.push(waiter)
    }
    for (const waiter of expired) waiter.fail("timeout")
  }

  failAll(): void {
    this.lost = true
    const waiters = [...this.entries.values()].flatMap(({ waiter }) => waiter === undefined ? [] : [waiter])
    this.entries.clear()
    this.numbered.clear()
    this.line.length = 0
    this.head = 0
    this.owing = 0
    this.earliest = Infinity
    for (const waiter of waiters) waiter.fail("lost")
  }

  private give(entry: Entry<A>): void {
    entry.waiter = undefined
    this.owing++
  }

  /** The request that a packet answers. */
  private answered(answer: A): Entry<A> | undefined {
    const number = this.numbering === undefined
      ? undefined
      : (answer as unknown as { readonly [field: string]: unknown })[this.numbering.field]
    if (typeof number === "number") {
      const entry = this.numbered.get(number)
      return entry?.answers.includes(answer._tag) === true ? entry : undefined
    }
    for (let i = this.head; i < this.line.length; i++) {
      const entry = this.line[i]!
      if (!entry.done && entry.answers.includes(answer._tag)) return entry
    }
    return undefined
  }

  private leave(entry: Entry<A>): void {
    if (entry.done || this.lost) return
    entry.done = true
    if (entry.waiter === undefined) this.owing--
    this.entries.delete(entry.ticket)
    if (entry.number !== 0) this.numbered.delete(entry.number)
    while (this.line[this.head]?.done === true) this.head++
    if (this.head > longestTail && this.head * 2 > this.line.length) {
      this.line.splice(0, this.head)
      this.head = 0
    }
  }

  /** The number after the last one that is free; 0 where requests have none. */
  private freeNumber(): number {
    if (this.numbering === undefined) return 0
    const { field, max } = this.numbering
    if (this.numbered.size >= max) unencodable("Range", "", field, `at most ${max} requests in flight`, "one more")
    do this.lastNumber = this.lastNumber % max + 1
    while (this.numbered.has(this.lastNumber))
    return this.lastNumber
  }
}
