/**
 * A producer, a wire, a consumer's follower and its application, without bytes, sockets or clocks. Everything that can happen is an `Event` that can be
 * done or not at any time; the simulation draws them, the exploration does them all.
 *
 * The consumer is the `VbucketFollower` that ships. It can be made to make one of the mistakes that real ones make; then the same schedules must find
 * it out.
 */
import { type Checkpoint, completeAt, emptyCheckpoint } from "./Checkpoint.ts"
import { branchesAt } from "./FailoverLog.ts"
import { type Delivered, Progress } from "./Progress.ts"
import { endless, rollbackSeqno } from "./RollbackDecision.ts"
import { isViolation, type Placed } from "./SnapshotTracker.ts"
import { type FollowOptions, type RollbackNotice, VbucketFollower } from "./VbucketFollower.ts"
import { type Batch, type HistoryItem, VbucketHistory } from "./VbucketHistory.ts"

/** What a consumer does wrong. */
export const mistakes = [
  /** Resumes at (R,R,R), as java-dcp-client and go-dcp do. */
  "resumes where it is told",
  /** Claims to have all of a snapshot of which it has a part. */
  "stores (s,s) in mid-snapshot",
  /** Takes SEQNO_ADVANCED for the end of the snapshot. */
  "collapses the snapshot at SEQNO_ADVANCED",
  /** Stores the highest seqno that was processed, whatever was not. */
  "skips what is not processed",
  /** Does not undo what it did ahead of its checkpoint when the history went another way. */
  "keeps what a lost branch had",
  /** Does not undo what it did before its first checkpoint when tombstones may be purged. */
  "keeps what was purged",
  /** Delivers before it is stored that something may be. */
  "delivers without announcing it",
  /** Does not store that undoing is owed. */
  "forgets that undoing is owed"
] as const
/** One of them. */
export type Mistake = typeof mistakes[number]

/** How a world is. */
export interface WorldOptions {
  readonly strategy?: FollowOptions["onRollback"]
  /** Only some of the keys are asked for. */
  readonly filtered?: boolean
  readonly mistake?: Mistake
  /** Messages of a batch that nobody asked for are told one by one, as SEQNO_ADVANCED. Default: only the last. */
  readonly tells?: () => boolean
  /**
   * How many of so many changes come with one marker, at least one, when a snapshot that the consumer has a part of goes on from memory: there it may
   * lie in several checkpoints. Default: all.
   */
  readonly parts?: (changes: number) => number
  /** Told of each transition of the follower. */
  readonly onTransition?: FollowOptions["onTransition"]
}

/** A change of the model: what makes it another one is its seqno and the branch it was written on. */
export interface Item extends HistoryItem {
  readonly value: number
}

type Message =
  | { readonly _tag: "Marker"; readonly start: bigint; readonly end: bigint; readonly flags: number }
  | { readonly _tag: "Item"; readonly item: Item }
  | { readonly _tag: "Advanced"; readonly seqno: bigint }

/** What the application was given and has not done: a change, or a rollback that the follower waits for. */
interface Owed {
  readonly item: Item | undefined
  /** Undefined when the stream it came in is gone: it is still processed, and nobody hears of it. */
  message: Delivered | undefined
  readonly rollback: RollbackNotice | undefined
}

/** What a world counted. */
export interface Counts {
  rollbacks: number
  /** Rollbacks to a seqno above 0, and those that were finished after a crash. */
  partial: number
  interrupted: number
  delivered: number
  failovers: number
  lossy: number
  /** Failovers whose branch begins below what is still held. */
  below: number
  crashes: number
  restarts: number
}

/** A world. */
export class World {
  readonly options: WorldOptions
  readonly history: VbucketHistory<Item>
  follower: VbucketFollower
  stored: Checkpoint = emptyCheckpoint
  /** What the application keeps: durable, so that neither a crash nor a restart takes anything from it. */
  journal: ReadonlyArray<Item> = []
  wire: ReadonlyArray<Message> = []
  owed: ReadonlyArray<Owed> = []
  /** Came in, and may not be handed over yet. */
  private held: ReadonlyArray<Owed> = []
  branches = 0
  counts: Counts = { rollbacks: 0, partial: 0, interrupted: 0, delivered: 0, failovers: 0, lossy: 0, below: 0, crashes: 0, restarts: 0 }
  /** What the producer has sent up to, and the snapshot start of the request until its first batch. */
  private sent = 0n
  private snapStart: bigint | undefined
  /** Where the snapshot ends that the consumer said it has a part of. */
  private snapEnd = 0n
  /** The highest processed position, for the mistake that stores it. */
  private highest: Checkpoint["position"] | undefined
  private stopped = false

  constructor(options: WorldOptions = {}) {
    this.options = options
    this.history = new VbucketHistory<Item>(1000n, { checkpointItems: 1_000, closedCheckpoints: 10, undoable: 1_000 })
    this.follower = this.newFollower()
  }

  // ── the producer

  write(key: string, deleted: boolean): void {
    this.history.append({ seqno: this.history.highSeqno + 1n, key, deleted, value: this.branches })
  }

  /** Another node takes over, without the newest `lost` changes; of those it has, it had not persisted the newest `unpersisted`. */
  failover(lost: number, unpersisted = 0): void {
    const before = this.history.highSeqno
    this.history.lose(before > BigInt(lost) ? before - BigInt(lost) : 0n)
    const held = this.history.highSeqno
    this.history.branch(1000n + BigInt(++this.branches), held > BigInt(unpersisted) ? held - BigInt(unpersisted) : 0n)
    if (unpersisted > 0 && held > 0n) this.counts.below++
    this.counts.failovers++
    if (this.history.highSeqno < before) this.counts.lossy++
    this.disconnect()
  }

  /** Tombstones up to `seqno` go; what was under way is read from disk again, as by a cursor that was dropped. */
  purge(seqno: bigint): void {
    this.history.purgeTo(seqno)
    this.disconnect()
  }

  /** The producer writes its next batch to the wire. */
  get sends(): boolean {
    return this.follower.open && this.history.next(this.sent, this.snapStart) !== undefined
  }

  send(): void {
    const whole = this.follower.open ? this.history.next(this.sent, this.snapStart) : undefined
    if (whole === undefined) return
    const batch = this.part(whole)
    this.snapStart = undefined
    this.sent = batch.end
    const wire: Array<Message> = [{ _tag: "Marker", start: batch.start, end: batch.end, flags: batch.from === "disk" ? 2 : 1 }]
    for (const item of batch.items) {
      if (this.wanted(item.key)) wire.push({ _tag: "Item", item })
      else if (this.options.tells?.() === true) wire.push({ _tag: "Advanced", seqno: item.seqno })
    }
    const last = wire.at(-1)!
    const at = last._tag === "Item" ? last.item.seqno : last._tag === "Advanced" ? last.seqno : 0n
    if (at < batch.end) wire.push({ _tag: "Advanced", seqno: batch.end })
    this.wire = [...this.wire, ...wire]
  }

  /** What comes of a batch with one marker. */
  private part(batch: Batch<Item>): Batch<Item> {
    const { from, items } = batch
    const { parts } = this.options
    const within = from === "memory" ? items.filter(({ seqno }) => seqno < this.snapEnd).length : 0
    if (parts === undefined || within === 0) return batch
    const some = items.slice(0, parts(items.length))
    const end = some.at(-1)!.seqno
    return end < this.snapEnd ? { ...batch, end, items: some } : batch
  }

  // ── the consumer

  /** The follower's action, if it can be done now. */
  get obeys(): boolean {
    const { action } = this.follower
    switch (action._tag) {
      case "Follow":
        return false
      case "Undo":
        // it is handed over once; the application does it
        return !this.owed.some(({ rollback }) => rollback !== undefined)
      default:
        return true
    }
  }

  /** Does what the follower says. `luck` decides what is a matter of it: whether a log can be had. */
  obey(luck = true): void {
    this.perform(luck)
    this.release()
  }

  private perform(luck: boolean): void {
    const { follower } = this
    const { action } = follower
    switch (action._tag) {
      case "Ask":
        return this.ask(action.ask)
      case "Compare":
        return follower.compared(luck ? this.history.failoverLog : undefined, luck ? this.history.highSeqno : undefined)
      case "Measure":
        return follower.measured(this.history.highSeqno)
      case "Save":
        this.store()
        return follower.saved()
      case "Undo":
        this.owed = [...this.owed, { item: undefined, message: undefined, rollback: action.rollback }]
        return
      case "Drain":
        follower.drained()
        // what was not settled is still on its way through the application
        this.owed = this.owed.map(({ item, rollback }) => ({ item, message: undefined, rollback }))
        return
      case "Wait":
      case "AwaitMap":
      case "Close":
        return follower.waited()
      case "Locate":
        return follower.located(true)
      case "Failed":
        throw new Error(`failed: ${action.failure.cause}: ${action.failure.detail}`)
      case "Finished":
      case "Follow":
        return
    }
  }

  /** One message arrives. */
  receive(): void {
    const [message, ...rest] = this.wire
    if (message === undefined || !this.follower.open) return
    this.wire = rest
    const { follower } = this
    if (message._tag === "Marker") {
      const violation = follower.marker(message.start, message.end, message.flags)
      if (violation !== undefined) throw new Error(violation.message)
      return
    }
    const seqno = message._tag === "Item" ? message.item.seqno : message.seqno
    if (message._tag === "Item" && follower.follows(Number(seqno))) {
      this.counts.delivered++
      const delivered = { seqno, placed: follower.run, waits: false, handed: false, following: undefined }
      follower.progress.deliver(delivered)
      this.owed = [...this.owed, { item: message.item, message: delivered, rollback: undefined }]
      return
    }
    const placed = follower.place(seqno)
    if (isViolation(placed)) throw new Error(placed.message)
    if (message._tag === "Advanced") {
      follower.pass(seqno, this.options.mistake === "collapses the snapshot at SEQNO_ADVANCED" ? { ...placed, complete: true } : placed)
    } else {
      this.counts.delivered++
      const delivered = { seqno, placed, waits: false, handed: false, following: undefined }
      follower.deliver(delivered)
      this.held = [...this.held, { item: message.item, message: delivered, rollback: undefined }]
    }
    this.release()
  }

  /** Which of what is owed may be done now: what is in front, and changes of other keys than those before them. */
  processable(place: number): boolean {
    const one = this.owed[place]
    if (one === undefined) return false
    const before = this.owed.slice(0, place)
    if (one.rollback !== undefined) return before.length === 0
    return before.every(({ item }) => item !== undefined && item.key !== one.item!.key)
  }

  /** The application does one of the things it owes. */
  process(place: number): void {
    if (!this.processable(place)) return
    const { item, message, rollback } = this.owed[place]!
    this.owed = this.owed.filter((_, at) => at !== place)
    if (rollback !== undefined) {
      this.undo(rollback)
      this.follower.undone()
      return
    }
    this.apply(item!)
    if (message === undefined) return
    message.handed = true
    if (this.options.mistake === "skips what is not processed") this.remember(item!.seqno)
    this.follower.progress.process(message)
  }

  /** The checkpoint is stored as it is. */
  store(): void {
    const { checkpoint } = this.follower
    const { position } = checkpoint
    switch (this.options.mistake) {
      case "stores (s,s) in mid-snapshot":
        this.stored = { ...checkpoint, position: completeAt(position.vbucketUuid, position.seqno) }
        break
      case "skips what is not processed":
        this.stored = this.highest !== undefined && this.highest.seqno > position.seqno
          ? { ...checkpoint, position: this.highest }
          : checkpoint
        break
      case "delivers without announcing it":
        this.stored = this.stopped ? checkpoint : { ...checkpoint, ahead: false }
        break
      case "forgets that undoing is owed":
        this.stored = { ...checkpoint, undo: false }
        break
      default:
        this.stored = checkpoint
    }
  }

  /** The connection breaks. */
  disconnect(): void {
    this.wire = []
    this.highest = undefined
    this.follower.lost()
  }

  /** The process ends with whatever is stored, and another begins. */
  crash(): void {
    this.counts.crashes++
    this.begin()
  }

  /** The consumer ends in order, and another begins. */
  restart(): void {
    this.counts.restarts++
    this.follower.stopped()
    this.stopped = true
    this.store()
    this.stopped = false
    this.begin()
  }

  /** Whether nothing more happens unless the producer's history changes. */
  get quiet(): boolean {
    return this.follower.phase === "Following" && this.wire.length === 0 && this.owed.length === 0 && !this.sends
  }

  /** Lets everything happen that happens by itself. */
  settle(): void {
    for (let step = 0; step < 1_000_000 && !this.quiet; step++) {
      if (this.obeys && (this.follower.action._tag !== "Drain" || this.owed.length === 0)) this.obey()
      else if (this.owed.length > 0 && this.processable(0)) this.process(0)
      else if (this.wire.length > 0 && this.follower.open) this.receive()
      else this.send()
    }
    if (!this.quiet) throw new Error("it does not come to rest")
  }

  /** Keys whose value differs between the producer and the application, and how. */
  get differences(): ReadonlyArray<string> {
    const expected = imageOf(this.history.image.values(), (key) => this.wanted(key))
    const newest = new Map<string, Item>()
    for (const item of this.journal) if ((newest.get(item.key)?.seqno ?? -1n) < item.seqno) newest.set(item.key, item)
    const image = imageOf(newest.values(), () => true)
    return [...new Set([...expected.keys(), ...image.keys()])].sort().flatMap((key) =>
      expected.get(key) === image.get(key)
        ? []
        : [`${key}: producer ${expected.get(key) ?? "none"}, application ${image.get(key) ?? "none"}`]
    )
  }

  /** All that decides what can happen from here on, as text: worlds with the same text are the same. */
  get key(): string {
    const { branches, follower, highest, history, journal, held, owed, sent, snapStart, stored, wire } = this
    const done = journal.map(({ deleted, key, seqno, value }) => `${seqno}${key}${deleted ? "-" : "+"}${value}`).sort().join()
    return `${known(history)},${known(follower)},${text([stored, done, wire, owed, held, sent, snapStart, highest, branches])}`
  }

  /** A copy in which the sides that are named can change; the others are shared. */
  copy(side: "producer" | "consumer" | "both"): World {
    const copy = Object.assign(Object.create(World.prototype) as World, this)
    if (side !== "consumer") (copy as { history: World["history"] }).history = copyOf(this.history)
    if (side === "producer") return copy
    const seen = new Map<unknown, unknown>()
    copy.follower = copyOf(this.follower, seen)
    copy.owed = copyOf(this.owed, seen)
    copy.held = copyOf(this.held, seen)
    return copy
  }

  private wanted(key: string): boolean {
    return this.options.filtered !== true || Number(key.slice(1)) % 2 === 0
  }

  /** What may be handed over is. */
  private release(): void {
    if (this.follower.holding) return
    this.owed = [...this.owed, ...this.held]
    this.held = []
    this.follower.advanced()
  }

  private newFollower(): VbucketFollower {
    const { onTransition, strategy } = this.options
    return new VbucketFollower(this.stored, {
      high: this.history.highSeqno,
      ...strategy === undefined ? {} : { onRollback: strategy },
      ...onTransition === undefined ? {} : { onTransition }
    })
  }

  private begin(): void {
    this.wire = []
    this.owed = []
    this.held = []
    this.highest = undefined
    this.follower = this.newFollower()
  }

  private ask(ask: { startSeqno: bigint; vbucketUuid: bigint; snapStartSeqno: bigint; snapEndSeqno: bigint }): void {
    const { follower, history: { failoverLog, highSeqno, purgeSeqno } } = this
    const claim = this.options.mistake === "stores (s,s) in mid-snapshot"
      ? { ...ask, snapStartSeqno: ask.startSeqno, snapEndSeqno: ask.startSeqno }
      : ask
    const back = rollbackSeqno(claim, { failoverLog, highSeqno, purgeSeqno })
    if (back === undefined) {
      this.sent = claim.startSeqno
      this.snapStart = claim.snapStartSeqno
      this.snapEnd = claim.startSeqno === claim.snapEndSeqno ? 0n : claim.snapEndSeqno
      this.wire = []
      return follower.opened(failoverLog)
    }
    if (this.options.mistake !== "resumes where it is told") return follower.rolledBack(back)
    const { checkpoint } = follower
    this.undo({ from: ask.startSeqno, to: back, requested: back, reason: "Beginning" })
    const branch = branchesAt(checkpoint.failoverLog, back)[0]?.vbucketUuid ?? 0n
    const kept = this.stored
    this.stored = { ...checkpoint, position: completeAt(branch, back) }
    this.begin()
    this.stored = kept
  }

  private remember(seqno: bigint): void {
    const { position } = this.follower.progress.checkpoint
    if (this.highest !== undefined && seqno <= this.highest.seqno) return
    this.highest = { ...position, seqno, snapshotEnd: seqno > position.snapshotEnd ? seqno : position.snapshotEnd }
  }

  private apply(item: Item): void {
    this.journal = [...this.journal.filter(({ seqno }) => seqno !== item.seqno), item]
  }

  private undo({ reason, to }: RollbackNotice): void {
    const { counts, options: { mistake } } = this
    counts.rollbacks++
    if (to > 0n) counts.partial++
    if (reason === "Interrupted") counts.interrupted++
    if (mistake === "keeps what a lost branch had" && reason === "BranchChanged") return
    if (mistake === "keeps what was purged" && reason === "TombstonesPurged") return
    this.journal = this.journal.filter(({ seqno }) => seqno <= to)
  }
}

const imageOf = (items: Iterable<Item>, wanted: (key: string) => boolean): ReadonlyMap<string, string> =>
  new Map(
    [...items].flatMap(({ deleted, key, seqno, value }) => deleted || !wanted(key) ? [] : [[key, `${seqno} of branch ${value}`] as const])
  )

/** Fields that say how long something took or how often, what never changes, and what follows from the others. */
const immaterial: ReadonlySet<string> = new Set([
  "options",
  "onTransition",
  "rebuilds",
  "random",
  "firstHigh",
  "attempts",
  // with a stream that has no end, it only says whether the high seqno is asked for on the way
  "target",
  "futile",
  "newest",
  "rounds",
  "changed",
  // of a run, which is told as what it stands for
  "after",
  "before",
  "placedInRun",
  // the chain of what waits, which is told as a list
  "following",
  "closedImplicitly",
  "next",
  "checkpointItems",
  "closedCheckpoints",
  "undoable"
])

/** A value as text, the contents of maps and of objects included. */
const text = (value: unknown): string => {
  if (typeof value !== "object" || value === null) return String(value)
  if (Array.isArray(value)) {
    let all = "["
    for (const one of value) all += `${text(one)},`
    return `${all}]`
  }
  if (value instanceof Map) {
    let all = "("
    for (const [key, one] of value) all += `${key}:${text(one)},`
    return `${all})`
  }
  if ("within" in value) {
    const { end, ordered, start, vbucketUuid } = value as unknown as Placed["snapshot"]
    return `S${start}-${end}/${vbucketUuid}${ordered}`
  }
  if (value instanceof Progress) {
    const { checkpoint } = value
    const { head } = value as unknown as { readonly head: Delivered | undefined }
    const waiting: Array<Delivered> = []
    for (let one = head; one !== undefined; one = one.following) waiting.push(one)
    return text([checkpoint, waiting])
  }
  let all = "{"
  if (value instanceof VbucketFollower) {
    const { aheadTo, firstHigh } = value as unknown as { aheadTo: bigint; firstHigh: bigint }
    if (aheadTo === endless) all += firstHigh
  }
  for (const name in value) {
    if (immaterial.has(name)) continue
    const one = (value as { readonly [name: string]: unknown })[name]
    all += `${text(name === "tracker" && one !== undefined ? { ...one, last: (value as VbucketFollower).received } : one)},`
  }
  return `${all}}`
}

/** 53 bits of a text: among ten million texts, two different ones are taken for one with a probability of one in a hundred. */
export const digest = (text: string): number => {
  let [a, b] = [0xdeadbeef, 0x41c6ce57]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    a = Math.imul(a ^ code, 2654435761)
    b = Math.imul(b ^ code, 1597334677)
  }
  a = Math.imul(a ^ a >>> 16, 2246822507) ^ Math.imul(b ^ b >>> 13, 3266489909)
  b = Math.imul(b ^ b >>> 16, 2246822507) ^ Math.imul(a ^ a >>> 13, 3266489909)
  return 4294967296 * (2097151 & b) + (a >>> 0)
}

const digests = new WeakMap<object, number>()
/** The digest of something that will not change any more. */
const known = (value: object): number => {
  let found = digests.get(value)
  if (found === undefined) {
    found = digest(text(value))
    digests.set(value, found)
  }
  return found
}

/** Fields whose value is replaced and never changed. */
const shared: ReadonlySet<string> = new Set([
  "options",
  "stored",
  "kept",
  "journal",
  "wire",
  "log",
  "item",
  "previous",
  "placed",
  "placedInRun",
  "ordinary",
  "marked",
  "rollback",
  "gone",
  "next",
  "current",
  "pending",
  "highest"
])

/** A copy that shares nothing which changes. */
const copyOf = <A>(value: A, seen = new Map<unknown, unknown>()): A => {
  if (typeof value !== "object" || value === null) return value
  const known = seen.get(value)
  if (known !== undefined) return known as A
  if (Array.isArray(value)) {
    const copy: Array<unknown> = []
    seen.set(value, copy)
    for (const one of value) copy.push(copyOf(one, seen))
    return copy as A
  }
  if (value instanceof Map) {
    const copy = new Map()
    seen.set(value, copy)
    for (const [key, one] of value) copy.set(key, one)
    return copy as A
  }
  const copy = Object.create(Object.getPrototypeOf(value) as object) as { [name: string]: unknown }
  seen.set(value, copy)
  for (const name in value) {
    const one = (value as { readonly [name: string]: unknown })[name]
    copy[name] = shared.has(name) ? one : copyOf(one, seen)
  }
  return copy as A
}
