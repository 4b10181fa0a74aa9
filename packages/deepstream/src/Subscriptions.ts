/**
 * Names that a client wants to hear of: subscribed once however many ask, acknowledged in time, and told to the server anew after each
 * reconnect.
 *
 * It knows no sinks; a topic keeps those beside it.
 */
import type { Expected } from "./Answers.ts"
import { AckTimeout, type DeepstreamReason, type Topic, UnsolicitedMessage } from "./DeepstreamError.ts"
import type { Letter } from "./Outbox.ts"
import { encoded, failAll, type Settle, succeedAll, type Wire } from "./Wire.ts"

/** How the topic writes it. */
export interface SubscriptionWords {
  readonly topic: Topic
  /** Action of the subscription, such as S. */
  readonly action: string
  /** Action of its end, such as US. */
  readonly endAction: string
  readonly subscribe: (name: string) => string
  readonly unsubscribe: (name: string) => string
}

interface Entry {
  users: number
  acknowledged: boolean
  /** Who waits for its acknowledgement; nobody any more once there is one. */
  waiting: Array<Settle<void>> | undefined
  expected: Expected | undefined
  /** Ends that the server has not acknowledged. */
  leaving: Array<Expected> | undefined
}

/** Who waited for its acknowledgement, and does not any more. */
const waited = (entry: Entry): ReadonlyArray<Settle<void>> => {
  const { waiting = [] } = entry
  entry.waiting = undefined
  return waiting
}

/** An end that is acknowledged, or will not be, by its place. */
const leaves = (entry: Entry, place: number): Expected | undefined => {
  if (entry.leaving === undefined || place < 0) return undefined
  const [expected] = entry.leaving.splice(place, 1)
  if (entry.leaving.length === 0) entry.leaving = undefined
  return expected
}

/** The subscriptions of one topic. */
export class Subscriptions {
  private readonly wire: Wire
  private readonly words: SubscriptionWords
  private readonly entries = new Map<string, Entry>()
  /** Called when a subscription is over that a caller still wants. */
  private readonly onLost: (name: string, reason: DeepstreamReason) => void

  constructor(wire: Wire, words: SubscriptionWords, onLost: (name: string, reason: DeepstreamReason) => void) {
    this.wire = wire
    this.words = words
    this.onLost = onLost
  }

  /** Names that callers want to hear of. */
  get size(): number {
    let size = 0
    for (const { users } of this.entries.values()) if (users > 0) size++
    return size
  }

  /** Whether a caller wants to hear of it. */
  has(name: string): boolean {
    return (this.entries.get(name)?.users ?? 0) > 0
  }

  /** Whether a caller waits for its acknowledgement. */
  isAwaited(name: string): boolean {
    const entry = this.entries.get(name)
    return entry !== undefined && entry.users > 0 && !entry.acknowledged
  }

  /** A name that is wanted and not acknowledged yet. */
  findWaiting(fits: (name: string) => boolean): string | undefined {
    for (const [name, entry] of this.entries) if (entry.waiting !== undefined && fits(name)) return name
    return undefined
  }

  /** Whether it ended so recently that the server may not know. */
  isLeaving(name: string): boolean {
    return this.entries.get(name)?.leaving !== undefined
  }

  /** One more wants it. `settle` hears of the acknowledgement, or why there is none. */
  add(name: string, settle: Settle<void>): void {
    const { wire, words } = this
    const refused = wire.closed ?? wire.denied(words.topic, words.action, name)
    if (refused !== undefined) return settle.fail(refused)
    const text = encoded(name, () => words.subscribe(name), wire.options.maxMessage)
    if (typeof text !== "string") return settle.fail(text)
    const entry = this.entries.get(name) ?? { users: 0, acknowledged: false, waiting: undefined, expected: undefined, leaving: undefined }
    this.entries.set(name, entry)
    entry.users++
    if (entry.acknowledged) return settle.succeed()
    entry.waiting ??= []
    entry.waiting.push(settle)
    if (entry.users > 1) return
    this.expect(name, entry, wire.tell(text))
  }

  /** One less wants it. The last one's end is told to the server. */
  remove(name: string, settle?: Settle<void>): void {
    const { wire, words } = this
    const entry = this.entries.get(name)
    if (entry === undefined || entry.users === 0) return
    if (--entry.users > 0) return
    wire.giveUp(entry.expected)
    entry.expected = undefined
    entry.acknowledged = false
    entry.waiting = undefined
    if (!wire.open) {
      this.forget(name, entry)
      return
    }
    const expected = wire.expect(wire.options.subscriptionTimeout, wire.tell(words.unsubscribe(name)), () => {
      leaves(entry, entry.leaving?.indexOf(expected) ?? -1)
      this.forget(name, entry)
      const reason = new AckTimeout({ topic: words.topic, subject: name })
      if (settle === undefined) wire.report(reason)
      else settle.fail(reason)
    })
    entry.leaving ??= []
    entry.leaving.push(expected)
  }

  /** The server acknowledged the action. */
  acknowledge(action: string, name: string): void {
    const { wire, words } = this
    const entry = this.entries.get(name)
    if (action === words.endAction) {
      const expected = entry === undefined ? undefined : leaves(entry, 0)
      if (entry === undefined || expected === undefined) return this.unsolicited(name)
      wire.answered(expected)
      this.forget(name, entry)
      return
    }
    if (entry === undefined || entry.users === 0) {
      // the acknowledgement of a subscription that has ended meanwhile
      if (entry === undefined) this.unsolicited(name)
      return
    }
    if (entry.acknowledged) return wire.report(new UnsolicitedMessage({ topic: words.topic, subject: name }), "notice")
    this.settled(entry)
    succeedAll(waited(entry))
  }

  /** The server refuses: the subscription is over for all who wanted it. Returns whether there was one. */
  refuse(name: string, reason: DeepstreamReason): boolean {
    const entry = this.entries.get(name)
    if (entry === undefined || entry.users === 0) return false
    const waiting = waited(entry)
    this.wire.answered(entry.expected)
    entry.expected = undefined
    entry.users = 0
    this.forget(name, entry)
    failAll(waiting, reason)
    this.onLost(name, reason)
    return true
  }

  /** Tells a new connection. */
  resubscribe(): void {
    for (const [name, entry] of this.entries) {
      if (entry.users === 0) {
        this.entries.delete(name)
        continue
      }
      const letter = this.wire.tell(this.words.subscribe(name))
      // who asked while there was no connection has a deadline already
      if (entry.expected !== undefined) entry.expected.letter = letter
      if (entry.acknowledged) {
        entry.acknowledged = false
        this.expect(name, entry, letter)
      }
    }
  }

  /** The connection is lost: ends need no acknowledgement any more. */
  lost(): void {
    for (const [name, entry] of this.entries) {
      for (const expected of entry.leaving ?? []) this.wire.giveUp(expected)
      entry.leaving = undefined
      if (entry.waiting === undefined) {
        this.wire.giveUp(entry.expected)
        entry.expected = undefined
        entry.acknowledged = true
      }
      this.forget(name, entry)
    }
  }

  /** The client is closed for good. */
  close(reason: DeepstreamReason): void {
    const entries = [...this.entries]
    this.entries.clear()
    for (const [name, entry] of entries) {
      this.wire.giveUp(entry.expected)
      for (const expected of entry.leaving ?? []) this.wire.giveUp(expected)
      if (entry.users === 0) continue
      failAll(waited(entry), reason)
      this.onLost(name, reason)
    }
  }

  private expect(name: string, entry: Entry, letter: Letter | undefined): void {
    const { wire, words } = this
    entry.expected = wire.expect(wire.options.subscriptionTimeout, letter, () => {
      entry.expected = undefined
      const reason = new AckTimeout({ topic: words.topic, subject: name })
      const waiting = waited(entry)
      failAll(waiting, reason)
      if (waiting.length === 0) wire.report(reason)
    })
  }

  private settled(entry: Entry): void {
    this.wire.answered(entry.expected)
    entry.expected = undefined
    entry.acknowledged = true
  }

  private forget(name: string, entry: Entry): void {
    if (entry.users === 0 && entry.leaving === undefined && this.entries.get(name) === entry) this.entries.delete(name)
  }

  private unsolicited(name: string): void {
    this.wire.report(new UnsolicitedMessage({ topic: this.words.topic, subject: name }))
  }
}
