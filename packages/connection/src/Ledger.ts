/**
 * Which requests are in flight on a connection, by opaque: who waits for each, until when, which command it was, and which answers are no longer
 * awaited.
 *
 * Pure: `now` is given, nothing is sent, no timer is set. A request that timed out or was interrupted is *abandoned*: its opaque is
 * remembered until the peer answers, so that a late answer can be told from one that matches nothing. An opaque is a slot and, above it, how
 * often the slot was used: finding a request is reading an array (a `Map` takes ten times as long), and an opaque returns after 32 768
 * requests in the same slot.
 */

import type { InFlight } from "./InFlight.ts"

/** Somebody who waits for the answer to a request. */
export interface Waiter<A> {
  /** Receives the answer. Returns false while more answers are to come. */
  readonly answer: (answer: A) => boolean
  /** The request will not be answered. */
  readonly fail: (why: "timeout" | "lost") => void
  /** Time in milliseconds by which the answer must be there. */
  readonly deadline: number
  /** Of a request with many answers: whether this is the last. Asked once nobody waits for them, so that the others are still known. */
  readonly ends?: ((answer: A) => boolean) | undefined
}

/** Takes the rest of many answers that nobody waits for. */
export class Drain<A> implements Waiter<A> {
  readonly deadline = Infinity
  readonly answer: (answer: A) => boolean
  readonly ends: (answer: A) => boolean

  constructor(ends: (answer: A) => boolean) {
    this.answer = ends
    this.ends = ends
  }

  fail(): void {}
}

/** What became of an answer. */
export type Matched = "answered" | "late" | "unmatched"

/** What is known of an opaque before its answer is looked at; `mismatched` is the answer to another command. */
export type Awaited = "waiting" | "abandoned" | "mismatched" | "unknown"

/** Most requests a ledger holds: the last slot stays empty (`silent`). */
export const maxRequests = 65_535

const slotMask = 0xffff
/** So much of an opcode is compared. */
const opcodeMask = 0xffff
/** Opaques stay below 2³¹, where V8 keeps numbers in arrays without boxes. */
const largest = 0x7fff_ffff

/** Stands in a slot whose answer is owed although no caller waits for it. */
const abandoned = null

/** Requests in flight. */
export class Ledger<A> implements InFlight {
  /** By slot: who waits, `null` when no caller does any more, `undefined` when the slot is free. */
  private readonly slots: Array<Waiter<A> | null | undefined> = []
  /** By slot: the opaque of its present or next use. */
  private readonly opaques: Array<number> = []
  /** By slot: the opcode of its answers, and above it another one that they may have. */
  private readonly opcodes: Array<number> = []
  private readonly free: Array<number> = []
  /** By slot of a barrier: the silent requests whose outcome its answer tells. */
  private readonly groups = new Map<number, ReadonlyArray<number>>()
  private waiting = 0
  private owing = 0
  /** Of those that wait, the ones that only take what nobody waits for. */
  private draining = 0
  private late = 0
  private earliest = Infinity
  private lost = false
  private silence = slotMask

  get inFlight(): number {
    return this.waiting - this.draining
  }

  get owed(): number {
    return this.owing + this.draining
  }

  get lateAnswers(): number {
    return this.late
  }

  get nextDeadline(): number {
    return this.inFlight === 0 ? Infinity : this.earliest
  }

  /** Enters a request and returns its opaque. There is room for `maxRequests`; whoever enters more has not kept to it. */
  add(waiter: Waiter<A>): number {
    const slot = this.free.length > 0 ? this.free.pop()! : this.grow()
    this.slots[slot] = waiter
    this.waiting++
    if (waiter.deadline < this.earliest) this.earliest = waiter.deadline
    return this.opaques[slot]!
  }

  /**
   * Enters a request whose answer also tells the outcome of `members`, which were entered before and may stay unanswered. They leave with it:
   * dropped when it is answered, abandoned when it is.
   */
  addBarrier(waiter: Waiter<A>, members: ReadonlyArray<number>): number {
    const opaque = this.add(waiter)
    this.groups.set(opaque & slotMask, members)
    return opaque
  }

  silent(): number {
    this.silence = this.silence + 0x1_0000 & largest
    return this.silence
  }

  /** Says which opcode the answers to a request have; those to a batch under one opaque end with the `barrier`'s. */
  expect(opaque: number, opcode: number, barrier: number = opcode): void {
    this.opcodes[opaque & slotMask] = opcode & opcodeMask | barrier << 16
  }

  /** Whether an answer with this opaque and opcode may come now. */
  awaits(opaque: number, opcode: number): Awaited {
    const slot = opaque & slotMask
    const waiter = this.opaques[slot] === opaque ? this.slots[slot] : undefined
    if (waiter === undefined) return "unknown"
    const expected = this.opcodes[slot]!
    const code = opcode & opcodeMask
    if ((expected & opcodeMask) !== code && expected >>> 16 !== code) return "mismatched"
    return waiter === abandoned ? "abandoned" : "waiting"
  }

  /** Hands an answer to whoever waits for it. */
  settle(opaque: number, answer: A): Matched {
    const slot = opaque & slotMask
    const waiter = this.opaques[slot] === opaque ? this.slots[slot] : undefined
    if (waiter === undefined) return "unmatched"
    if (waiter === abandoned) return this.settleLate(slot)
    // the waiter's continuation runs inside `answer`: it meets a ledger without this request, but its slot is not given away yet
    this.slots[slot] = undefined
    this.waiting--
    if (this.groups.size > 0) this.dropMembers(slot)
    if (waiter.answer(answer)) {
      if (waiter instanceof Drain) {
        this.draining--
        this.late++
      }
      this.release(slot)
    } else if (this.lost) waiter.fail("lost")
    else {
      this.slots[slot] = waiter
      this.waiting++
      if (waiter.deadline < this.earliest) this.earliest = waiter.deadline
    }
    return "answered"
  }

  /** Counts an answer that is not awaited, without its content. */
  settleUnwanted(opaque: number): Matched {
    const slot = opaque & slotMask
    return this.opaques[slot] === opaque && this.slots[slot] === abandoned ? this.settleLate(slot) : "unmatched"
  }

  /** Forgets a request that was never sent, or whose answer will not come. */
  drop(opaque: number): void {
    const slot = opaque & slotMask
    const waiter = this.opaques[slot] === opaque ? this.slots[slot] : undefined
    if (waiter === undefined) return
    if (waiter === abandoned) this.owing--
    else this.waiting--
    if (waiter instanceof Drain) this.draining--
    this.slots[slot] = undefined
    this.release(slot)
  }

  /** Nobody waits any more; the answer is still owed. */
  abandon(opaque: number): void {
    const slot = opaque & slotMask
    if (this.opaques[slot] !== opaque) return
    const waiter = this.slots[slot]
    if (waiter !== undefined && waiter !== abandoned && !(waiter instanceof Drain)) this.give(slot)
  }

  expire(now: number): void {
    if (now < this.earliest) return
    const expired: Array<Waiter<A>> = []
    this.earliest = Infinity
    for (let slot = 0; slot < this.slots.length; slot++) {
      const waiter = this.slots[slot]
      if (waiter === undefined || waiter === abandoned) continue
      if (waiter.deadline > now) {
        if (waiter.deadline < this.earliest) this.earliest = waiter.deadline
        continue
      }
      this.give(slot)
      expired.push(waiter)
    }
    for (const waiter of expired) waiter.fail("timeout")
  }

  /** The connection is gone: fails every request. The ledger is of no use afterwards. */
  failAll(): void {
    this.lost = true
    const waiters = this.slots.filter((waiter) => waiter !== undefined && waiter !== abandoned)
    this.slots.length = 0
    this.opaques.length = 0
    this.opcodes.length = 0
    this.free.length = 0
    this.groups.clear()
    this.waiting = 0
    this.owing = 0
    this.draining = 0
    this.earliest = Infinity
    for (const waiter of waiters) waiter.fail("lost")
  }

  private grow(): number {
    const slot = this.opaques.length
    if (slot >= maxRequests) throw new Error(`a ledger holds at most ${maxRequests} requests`)
    this.opaques.push(slot)
    this.opcodes.push(0)
    this.slots.push(undefined)
    return slot
  }

  /** Abandons the request in `slot` and those it is the barrier of. */
  private give(slot: number): void {
    const ends = this.slots[slot]!.ends
    if (ends === undefined) {
      this.slots[slot] = abandoned
      this.waiting--
      this.owing++
    } else {
      this.slots[slot] = new Drain(ends)
      this.draining++
    }
    const members = this.groups.get(slot)
    if (members !== undefined) { for (const member of members) this.abandon(member) }
  }

  private settleLate(slot: number): Matched {
    this.owing--
    this.late++
    this.slots[slot] = undefined
    this.release(slot)
    return "late"
  }

  /** Makes the slot of a finished request ready for another one. */
  private release(slot: number): void {
    if (this.lost) return
    this.opaques[slot] = this.opaques[slot]! + 0x1_0000 & largest
    this.free.push(slot)
    if (this.groups.size > 0) this.dropMembers(slot)
  }

  /** Drops the requests that the one in `slot` is the barrier of. */
  private dropMembers(slot: number): void {
    const members = this.groups.get(slot)
    if (members === undefined) return
    this.groups.delete(slot)
    for (const member of members) this.drop(member)
  }
}
