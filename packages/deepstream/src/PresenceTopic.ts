/**
 * Presence: who is logged in, and hearing of who comes and goes.
 *
 * Users asked for within one tick go into one message with an id. Servers acknowledge in four ways, each of which ends the wait: the
 * action again, `U`, the id (with `undefined` after it), or each user by name.
 */
import type { Expected } from "./Answers.ts"
import {
  AckTimeout,
  type DeepstreamReason,
  InvalidMessage,
  type MessageDenied,
  MessageParseError,
  type Topic,
  UnsolicitedMessage
} from "./DeepstreamError.ts"
import {
  encodePresenceQuery,
  encodePresenceQueryAll,
  encodePresenceSubscribe,
  encodePresenceSubscribeAll,
  encodePresenceUnsubscribe,
  encodePresenceUnsubscribeAll
} from "./gen/Encode.ts"
import { isWellFormed } from "./Json.ts"
import { type Question, Questions } from "./Questions.ts"
import { Subscriptions } from "./Subscriptions.ts"
import { encoded, failAll, type Settle, succeedAll, type Wire } from "./Wire.ts"

/** Receives who comes and goes. */
export interface PresenceSink {
  readonly changed: (user: string, online: boolean) => void
  readonly over: (reason: DeepstreamReason) => void
}

interface Bulk {
  readonly action: "S" | "US"
  readonly users: ReadonlyArray<string>
  readonly remaining: Set<string>
  readonly expected: Expected
}

interface Watched {
  sinks: ReadonlyArray<PresenceSink>
  waiting: Array<Settle<void>>
  acknowledged: boolean
  expected: Expected | undefined
}

const topic: Topic = "U"
/** Subscriptions to all users go by this name. */
const everybody = "S"

/** The presence of a session. */
export class PresenceTopic {
  /** The subscription to all users: one name, and that a fixed one. */
  readonly subscriptions: Subscriptions
  private readonly wire: Wire
  private allSinks: ReadonlyArray<PresenceSink> = []
  /** Users, or all of them, that callers want to hear of. */
  readonly watched = new Map<string, Watched>()
  private readonly toSubscribe = new Set<string>()
  private readonly toUnsubscribe = new Set<string>()
  private readonly bulks = new Map<number, Bulk>()
  private readonly allQueries: Questions<ReadonlyArray<string>>
  private readonly userQueries: Questions<ReadonlyMap<string, boolean>>
  /** The users of each query by its id. */
  private readonly asked = new Map<string, ReadonlyArray<string>>()
  /** What was last told of users that are watched in both ways: servers tell it twice then. */
  private readonly twice = new Map<string, boolean>()
  private ids = 0

  constructor(wire: Wire) {
    this.wire = wire
    this.allQueries = new Questions(wire)
    this.userQueries = new Questions(wire)
    this.subscriptions = new Subscriptions(wire, {
      topic,
      action: "S",
      endAction: "US",
      subscribe: () => encodePresenceSubscribeAll(),
      unsubscribe: () => encodePresenceUnsubscribeAll()
    }, (_, reason) => {
      const sinks = this.allSinks
      this.allSinks = []
      for (const { over } of sinks) over(reason)
    })
  }

  /** Hears of all users; `ready` of the acknowledgement. Returns what ends it. */
  subscribeAll(sink: PresenceSink, ready: Settle<void>): () => void {
    this.allSinks = [...this.allSinks, sink]
    const drop = (): boolean => {
      const there = this.allSinks.includes(sink)
      this.allSinks = this.allSinks.filter((other) => other !== sink)
      if (this.allSinks.length === 0) this.twice.clear()
      return there
    }
    this.subscriptions.add(everybody, {
      succeed: ready.succeed,
      fail: (reason) => {
        if (!this.subscriptions.has(everybody)) drop()
        ready.fail(reason)
      }
    })
    return () => {
      if (!drop()) return
      // the name of its end is the end's
      this.subscriptions.remove(everybody, {
        succeed: () => {},
        fail: () => this.wire.report(new AckTimeout({ topic, subject: "US" }))
      })
    }
  }

  /** Hears of one user; `ready` of the acknowledgement. Returns what ends it. */
  subscribe(user: string, sink: PresenceSink, ready: Settle<void>): () => void {
    const { wire } = this
    const refused = wire.closed ?? wire.denied(topic, "S", user)
    const text = refused ?? userRefused([user]) ??
      encoded(user, () => encodePresenceSubscribe({ id: 1, users: JSON.stringify([user]) }), wire.options.maxMessage)
    if (typeof text !== "string") {
      ready.fail(text)
      return () => {}
    }
    const entry: Watched = this.watched.get(user) ?? { sinks: [], waiting: [], acknowledged: false, expected: undefined }
    this.watched.set(user, entry)
    const first = entry.sinks.length === 0
    entry.sinks = [...entry.sinks, sink]
    if (entry.acknowledged) ready.succeed()
    else entry.waiting.push(ready)
    if (first) {
      // in its old place, should it have been taken back within this tick
      this.toUnsubscribe.delete(user)
      this.toSubscribe.add(user)
      this.expect(user, entry)
    }
    return () => {
      if (!entry.sinks.includes(sink)) return
      entry.sinks = entry.sinks.filter((other) => other !== sink)
      if (entry.sinks.length === 0) this.unwatch(user, entry)
    }
  }

  /** Who is logged in, this client's user left out. Returns what gives up waiting. */
  queryAll(settle: Settle<ReadonlyArray<string>>): () => void {
    return this.allQueries.ask("Q", this.question("Q", () => encodePresenceQueryAll()), settle)
  }

  /** Which of the users are logged in. Returns what gives up waiting. */
  query(users: ReadonlyArray<string>, settle: Settle<ReadonlyMap<string, boolean>>): () => void {
    const refused = userRefused(users)
    if (refused !== undefined || users.length === 0) {
      if (refused === undefined) settle.succeed(new Map())
      else settle.fail(refused)
      return () => {}
    }
    const id = ++this.ids
    this.asked.set(`${id}`, users)
    const forget = (): void => void this.asked.delete(`${id}`)
    const question = this.question(users.join(","), () => encodePresenceQuery({ id, users: JSON.stringify(users) }))
    const give = this.userQueries.ask(`${id}`, question, {
      succeed: (answer) => {
        forget()
        settle.succeed(answer)
      },
      fail: (reason) => {
        forget()
        settle.fail(reason)
      }
    })
    return () => {
      forget()
      give()
    }
  }

  answeredAll(users: ReadonlyArray<string>): void {
    const asked = this.allQueries.take("Q")
    if (asked !== undefined) return asked.succeed(users)
    // servers 2.x answer every query so
    const id = this.userQueries.first
    if (id === undefined) return this.wire.report(new UnsolicitedMessage({ topic, subject: "Q" }))
    const online = new Set(users)
    const answer = new Map((this.asked.get(id) ?? []).map((user) => [user, online.has(user)]))
    this.userQueries.take(id)?.succeed(answer)
  }

  answered(id: number, json: string): void {
    const asked = this.userQueries.take(`${id}`)
    if (asked === undefined) {
      const late = id > 0 && id <= this.ids
      return this.wire.report(new UnsolicitedMessage({ topic, subject: `${id}` }), late ? "notice" : "error")
    }
    const answer = usersOf(json)
    if (answer !== undefined) return asked.succeed(answer)
    const reason = new MessageParseError({ message: "the answer to a presence query is not JSON of users" })
    this.wire.report(reason)
    asked.fail(reason)
  }

  changed(user: string, online: boolean): void {
    const single = this.watched.get(user)?.sinks ?? []
    if (single.length > 0 && this.allSinks.length > 0) {
      if (this.twice.get(user) === online) return
      this.twice.set(user, online)
    }
    if (single.length === 0 && this.allSinks.length === 0) {
      this.wire.report(new UnsolicitedMessage({ topic, subject: user }), "notice")
      return
    }
    for (const sink of [...this.allSinks, ...single]) sink.changed(user, online)
  }

  /** The server acknowledged the action; an acknowledgement that is not awaited is reported, unless something else is said of it. */
  acknowledged(action: string, subject: string, report = true): void {
    if (action !== "S" && action !== "US") return this.wire.report(new UnsolicitedMessage({ topic, subject }))
    const id = /^\d{1,15}$/.test(subject) ? Number(subject) : 0
    const bulk = this.bulks.get(id)
    if (bulk !== undefined && bulk.action === action) {
      for (const user of bulk.users) this.confirm(user, action)
      this.finishBulk(id, bulk)
      return
    }
    for (const [key, waiting] of this.bulks) {
      if (waiting.action !== action || !waiting.remaining.delete(subject)) continue
      this.confirm(subject, action)
      if (waiting.remaining.size === 0) this.finishBulk(key, waiting)
      return
    }
    if (subject === action || subject === "U") {
      if (report || this.subscriptions.isAwaited(everybody)) this.subscriptions.acknowledge(action, everybody)
    } else if (report) this.wire.report(new UnsolicitedMessage({ topic, subject }), id > 0 && id <= this.ids ? "notice" : "error")
  }

  /** The server denied something about presence. Returns whether a call hears of it. */
  refused(denied: MessageDenied): boolean {
    const { action, subject } = denied
    if (action === "Q") {
      const asked = this.allQueries.take("Q") ?? this.userQueries.take(subject) ?? this.userQueries.take(this.userQueries.first ?? "")
      asked?.fail(denied)
      return asked !== undefined
    }
    if (action !== "S") return false
    const bulk = this.bulks.get(Number(subject))
    const users = bulk?.users ?? (this.watched.has(subject) ? [subject] : [])
    if (bulk !== undefined) this.finishBulk(Number(subject), bulk)
    for (const user of users) {
      const entry = this.watched.get(user)
      if (entry === undefined) continue
      this.watched.delete(user)
      this.wire.answered(entry.expected)
      failAll(entry.waiting, denied)
      for (const { over } of entry.sinks) over(denied)
      entry.sinks = []
    }
    return users.length > 0 || this.subscriptions.refuse(everybody, denied)
  }

  /** Whether `collect` would make messages. */
  get collects(): boolean {
    return this.wire.open && this.toSubscribe.size + this.toUnsubscribe.size > 0
  }

  /** The end of a tick: users that came together go together. */
  collect(): void {
    if (!this.wire.open) return
    this.send("S", this.toSubscribe)
    this.send("US", this.toUnsubscribe)
  }

  resubscribe(): void {
    this.toUnsubscribe.clear()
    for (const [user, entry] of this.watched) {
      this.toSubscribe.add(user)
      if (entry.acknowledged) {
        entry.acknowledged = false
        this.expect(user, entry)
      }
    }
    this.collect()
    this.subscriptions.resubscribe()
    this.allQueries.reask()
    this.userQueries.reask()
  }

  lost(): void {
    this.subscriptions.lost()
    this.twice.clear()
    for (const [id, bulk] of this.bulks) this.finishBulk(id, bulk)
    for (const entry of this.watched.values()) {
      if (entry.waiting.length > 0) continue
      this.wire.giveUp(entry.expected)
      entry.expected = undefined
      entry.acknowledged = true
    }
  }

  close(reason: DeepstreamReason): void {
    for (const [id, bulk] of this.bulks) this.finishBulk(id, bulk)
    this.subscriptions.close(reason)
    for (const entry of Array.from(this.watched.values())) {
      this.wire.giveUp(entry.expected)
      failAll(entry.waiting, reason)
      for (const { over } of entry.sinks) over(reason)
      entry.sinks = []
    }
    this.watched.clear()
    this.allQueries.close(reason)
    this.userQueries.close(reason)
  }

  private question(subject: string, encode: () => string): Question {
    return { topic, action: "Q", subject, encode, timeout: this.wire.options.presenceTimeout }
  }

  private unwatch(user: string, entry: Watched): void {
    this.wire.giveUp(entry.expected)
    entry.waiting = []
    this.watched.delete(user)
    this.twice.delete(user)
    // what was not told yet need not be taken back
    if (this.toSubscribe.delete(user) || !this.wire.open) return
    this.toUnsubscribe.add(user)
    this.wire.wake()
  }

  private expect(user: string, entry: Watched): void {
    entry.expected = this.wire.expect(this.wire.options.subscriptionTimeout, undefined, () => {
      entry.expected = undefined
      const reason = new AckTimeout({ topic, subject: user })
      const waiting = entry.waiting.splice(0)
      failAll(waiting, reason)
      if (waiting.length === 0) this.wire.report(reason)
    })
  }

  private confirm(user: string, action: "S" | "US"): void {
    const entry = action === "S" ? this.watched.get(user) : undefined
    if (entry === undefined) return
    this.wire.answered(entry.expected)
    entry.expected = undefined
    entry.acknowledged = true
    succeedAll(entry.waiting.splice(0))
  }

  private send(action: "S" | "US", names: Set<string>): void {
    if (names.size === 0) return
    const users = [...names]
    names.clear()
    const id = ++this.ids
    const encode = action === "S" ? encodePresenceSubscribe : encodePresenceUnsubscribe
    const letter = this.wire.tell(encode({ id, users: JSON.stringify(users) }))
    for (const user of users) {
      const expected = this.watched.get(user)?.expected
      if (expected !== undefined) expected.letter = letter
    }
    const expected = this.wire.expect(this.wire.options.subscriptionTimeout, letter, () => {
      this.bulks.delete(id)
      // each user that is waited for has a deadline of its own
      if (action === "US") this.wire.report(new AckTimeout({ topic, subject: users.join(",") }))
    })
    this.bulks.set(id, { action, users, remaining: new Set(users), expected })
  }

  private finishBulk(id: number, bulk: Bulk): void {
    this.wire.giveUp(bulk.expected)
    this.bulks.delete(id)
  }
}

/** Why these cannot be asked for. */
const userRefused = (users: ReadonlyArray<string>): InvalidMessage | undefined =>
  users.every((user) => user !== "" && isWellFormed(user))
    ? undefined
    : new InvalidMessage({ message: "a user needs a name, in whole characters" })

/** The users of an answer; undefined when it is none. */
const usersOf = (json: string): ReadonlyMap<string, boolean> | undefined => {
  try {
    const parsed: unknown = JSON.parse(json)
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined
    const entries = Object.entries(parsed)
    return entries.every(([, online]) => typeof online === "boolean") ? new Map(entries as Array<[string, boolean]>) : undefined
  } catch {
    return undefined
  }
}
