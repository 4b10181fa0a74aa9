/**
 * How far one vbucket was processed: from what was delivered, in its order, and what was reported as processed, in any order. Pure.
 *
 * The checkpoint never passes the first message that was not processed. Messages that are not delivered (filtered ones, SEQNO_ADVANCED) are
 * delivered and processed at once, so that they move the checkpoint of a quiet vbucket.
 */
import { type Checkpoint, completeAt, defaultHistory, type Position, withComplete } from "./Checkpoint.ts"
import type { Placed } from "./SnapshotTracker.ts"

/** A message that was delivered, by the order in which it was. */
export type Ordinal = number

/** A message that was delivered. Whoever delivers it makes it, and changes nothing of it. */
export interface Delivered {
  readonly seqno: bigint
  readonly placed: Placed
  /** Whether it was processed; set here. */
  processed: boolean
  /** Whether the application was given it. */
  handed: boolean
}

/** A message that the application does not see. */
class Passed implements Delivered {
  readonly seqno: bigint
  readonly placed: Placed
  processed = false
  readonly handed = false

  constructor(seqno: bigint, placed: Placed) {
    this.seqno = seqno
    this.placed = placed
  }
}

/** In the place of messages that were processed. */
const done: Delivered = new Passed(0n, { snapshot: { vbucketUuid: 0n, start: 0n, end: 0n, flags: 0, ordered: true }, complete: false })
done.processed = true

/** The processed part of one vbucket. */
export class Progress {
  private readonly history: number
  private kept: Checkpoint
  /**
   * The seqno of the last message that was processed without a gap, and its place; the checkpoint is behind until it is asked for. The message
   * itself is not kept: it holds on to all that was read together with it.
   */
  private seqno = 0n
  private placed: Placed | undefined
  private waiting: Array<Delivered> = []
  /** Ordinal of the first that waits. */
  private first: Ordinal = 0
  private head = 0
  private changed = false

  constructor(checkpoint: Checkpoint, history: number = defaultHistory) {
    this.kept = checkpoint
    this.history = history
  }

  /** What may be stored now. */
  get checkpoint(): Checkpoint {
    if (this.placed !== undefined) this.kept = { ...this.kept, position: positionAt(this.seqno, this.placed) }
    this.placed = undefined
    return this.kept
  }

  /** Whether the checkpoint says that something after it may have been delivered. */
  get ahead(): boolean {
    return this.kept.ahead
  }

  /** The highest seqno after the checkpoint that the application was given; 0 when there is none. */
  get handedTo(): bigint {
    return this.highest((one) => one.handed)
  }

  /** The first that waits. */
  get oldest(): { readonly ordinal: Ordinal; readonly seqno: bigint } | undefined {
    const one = this.waiting[this.head]
    return one === undefined ? undefined : { ordinal: this.first, seqno: one.seqno }
  }

  /** Seqno of the last that waits; 0 when none does. */
  get newest(): bigint {
    return this.waiting.length === this.head ? 0n : this.waiting.at(-1)!.seqno
  }

  /** Whether the checkpoint changed since `stored` was last called. */
  get dirty(): boolean {
    return this.changed
  }

  /** Messages delivered and not processed, or after one that is not. */
  get unprocessed(): number {
    return this.waiting.length - this.head
  }

  /** The checkpoint was stored, or is about to be. */
  stored(checkpoint: Checkpoint): void {
    if (checkpoint === this.checkpoint) this.changed = false
  }

  /** The checkpoint says something else, at the same position. */
  amend(change: Partial<Omit<Checkpoint, "position">>): void {
    this.keep({ ...this.checkpoint, ...change })
  }

  /** The producer told up to where tombstones may be gone. */
  purged(purgeSeqno: bigint): void {
    if (purgeSeqno > this.kept.purgeSeqno) this.amend({ purgeSeqno })
  }

  /** A message is handed out; the result names it. */
  deliver(message: Delivered): Ordinal {
    this.waiting.push(message)
    return this.first + this.waiting.length - this.head - 1
  }

  /** A message that is not delivered was received. Returns whether the checkpoint changed. */
  pass(seqno: bigint, placed: Placed): boolean {
    return this.process(this.deliver(new Passed(seqno, placed)))
  }

  /** A message was processed. Those of an earlier stream, and those named twice, change nothing. Returns whether the checkpoint changed. */
  process(ordinal: Ordinal): boolean {
    const one = this.waiting[this.head + ordinal - this.first]
    if (ordinal < this.first || one === undefined) return false
    one.processed = true
    return ordinal === this.first && this.advance()
  }

  /** Whether a message waits to be processed; those of an earlier stream do not. */
  waitsFor(ordinal: Ordinal): boolean {
    return this.waiting[this.head + ordinal - this.first]?.processed === false && ordinal >= this.first
  }

  /** What may be stored once everything up to a message that waits is processed. Nothing changes here. */
  after(ordinal: Ordinal): Checkpoint {
    const { waiting } = this
    const later = new Progress(this.checkpoint, this.history)
    const end = this.head + ordinal - this.first
    for (let i = this.head; i <= end || waiting[i]?.processed === true; i++) later.pass(waiting[i]!.seqno, waiting[i]!.placed)
    return later.checkpoint
  }

  /**
   * The stream is gone or is being rolled back: what waits is forgotten, its ordinals name nothing any more. Returns the highest seqno of it that
   * was for the application; 0 when there is none.
   */
  forget(): bigint {
    const highest = this.highest((one) => !(one instanceof Passed))
    this.first += this.waiting.length - this.head
    this.waiting = []
    this.head = 0
    return highest
  }

  /** Continues from another checkpoint, as after a rollback. */
  restart(checkpoint: Checkpoint): void {
    this.forget()
    this.keep(checkpoint)
  }

  private advance(): boolean {
    const { head, waiting } = this
    let last: Delivered | undefined
    let from = head
    for (; from < waiting.length && waiting[from]!.processed; from++) {
      const one = waiting[from]!
      // within an unordered snapshot there is no place to resume from
      if (!one.placed.snapshot.ordered) continue
      last = one
      if (one.placed.complete) {
        const end = { vbucketUuid: one.placed.snapshot.vbucketUuid, seqno: one.seqno }
        this.kept = { ...this.kept, complete: withComplete(this.kept.complete, end, this.history) }
      }
    }
    this.first += from - head
    this.head = from
    if (from === waiting.length) {
      waiting.length = 0
      this.head = 0
    } else if (from > 1024) {
      waiting.splice(0, from)
      this.head = 0
    } else waiting.fill(done, head, from)
    if (last === undefined) return false
    this.seqno = last.seqno
    this.placed = last.placed
    this.changed = true
    return true
  }

  private highest(counts: (one: Delivered) => boolean): bigint {
    let highest = 0n
    for (let i = this.head; i < this.waiting.length; i++) {
      const one = this.waiting[i]!
      if (one.seqno > highest && counts(one)) highest = one.seqno
    }
    return highest
  }

  private keep(checkpoint: Checkpoint): void {
    this.kept = checkpoint
    this.placed = undefined
    this.changed = true
  }
}

const positionAt = (seqno: bigint, { complete, snapshot }: Placed): Position =>
  complete ? completeAt(snapshot.vbucketUuid, seqno) : within(seqno, snapshot)

/**
 * A position inside of a snapshot. A server takes a start seqno that is the start of its snapshot for one at which nothing of the snapshot was
 * received, and lets the stream begin whatever became of the rest; but versions in front of the first item may have been replaced by later ones of
 * the same snapshot. So after its first item, the snapshot is said to begin one earlier.
 */
const within = (seqno: bigint, { end, start, vbucketUuid }: Placed["snapshot"]): Position => ({
  vbucketUuid,
  seqno,
  snapshotStart: start === seqno ? start - 1n : start,
  snapshotEnd: end
})
