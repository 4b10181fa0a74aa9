/**
 * How far one vbucket was processed: from what was delivered, in its order, and what was reported as processed, in any order. Pure.
 *
 * The checkpoint never passes the first message that was not processed. Messages that are not delivered (filtered ones, SEQNO_ADVANCED) are
 * delivered and processed at once, so that they move the checkpoint of a quiet vbucket.
 */
import { type Checkpoint, completeAt, defaultHistory, type Position, withComplete } from "./Checkpoint.ts"
import type { Placed } from "./SnapshotTracker.ts"

/** A message that was delivered. Whoever delivers it makes it, and changes nothing of it. */
export interface Delivered {
  readonly seqno: bigint
  readonly placed: Placed
  /** Whether the application was given it. */
  handed: boolean
  /** Whether it waits to be processed; set here. */
  waits: boolean
  /** What was delivered after it, as long as it or one before it waits; set here. */
  following: Delivered | undefined
}

/** A message that the application does not see. */
class Passed implements Delivered {
  readonly seqno: bigint
  readonly placed: Placed
  readonly handed = false
  waits = false
  following: Delivered | undefined = undefined

  constructor(seqno: bigint, placed: Placed) {
    this.seqno = seqno
    this.placed = placed
  }
}

/**
 * The processed part of one vbucket. What waits is a chain from message to message, since among a thousand vbuckets that have one message each an
 * array for each would be most of the work.
 */
export class Progress {
  /** The first that waits, and the last after it. */
  private head: Delivered | undefined = undefined
  private tail: Delivered | undefined = undefined
  private count = 0
  /**
   * The seqno of the last message that was processed without a gap, and its place; the checkpoint is behind until it is asked for. The message
   * itself is not kept: it holds on to all that was read together with it.
   */
  private seqno = 0n
  private placed: Placed | undefined = undefined
  private changed = false
  /** A place known to be in an ordered snapshot, and not its end. */
  private ordinary: Placed | undefined = undefined
  /** Messages that were taken from the front. */
  private taken = 0
  private kept: Checkpoint
  private readonly history: number

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

  /** The first that waits, with the number of those that waited before it. */
  get oldest(): { readonly number: number; readonly seqno: bigint } | undefined {
    return this.head === undefined ? undefined : { number: this.taken, seqno: this.head.seqno }
  }

  /** Seqno of the last that waits; 0 when none does. */
  get newest(): bigint {
    return this.tail?.seqno ?? 0n
  }

  /** Whether the checkpoint changed since `stored` was last called. */
  get dirty(): boolean {
    return this.changed
  }

  /** Messages delivered and not processed, or after one that is not. */
  get unprocessed(): number {
    return this.count
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

  /** A message is handed out, once. */
  deliver(message: Delivered): void {
    message.waits = true
    if (this.tail === undefined) this.head = message
    else this.tail.following = message
    this.tail = message
    this.count++
  }

  /** A message that is not delivered was received. Returns whether the checkpoint changed. */
  pass(seqno: bigint, placed: Placed): boolean {
    const message = new Passed(seqno, placed)
    this.deliver(message)
    return this.process(message)
  }

  /**
   * A message that was delivered here was processed. Those of an earlier stream, and those named twice, change nothing. Returns whether the
   * checkpoint changed.
   */
  process(message: Delivered): boolean {
    if (!message.waits) return false
    message.waits = false
    return message === this.head && this.advance()
  }

  /** What may be stored once everything up to a message that waits is processed. Nothing changes here. */
  after(message: Delivered): Checkpoint {
    const later = new Progress(this.checkpoint, this.history)
    let reached = false
    for (let one = this.head; one !== undefined && (!reached || !one.waits); one = one.following) {
      later.pass(one.seqno, one.placed)
      reached ||= one === message
    }
    return later.checkpoint
  }

  /**
   * The stream is gone or is being rolled back: what waits is forgotten, and processing it changes nothing any more. Returns the highest seqno of
   * it that was for the application; 0 when there is none.
   */
  forget(): bigint {
    const highest = this.highest((one) => !(one instanceof Passed))
    for (let one = this.head; one !== undefined; one = this.leave(one)) one.waits = false
    this.tail = undefined
    return highest
  }

  /** Continues from another checkpoint, as after a rollback. */
  restart(checkpoint: Checkpoint): void {
    this.forget()
    this.keep(checkpoint)
  }

  private advance(): boolean {
    let one = this.head
    let moved = false
    for (; one !== undefined && !one.waits; one = this.leave(one)) {
      const { placed, seqno } = one
      if (placed !== this.ordinary) {
        // within an unordered snapshot there is no place to resume from
        if (!placed.snapshot.ordered) continue
        if (placed.complete) {
          const end = { vbucketUuid: placed.snapshot.vbucketUuid, seqno }
          this.kept = { ...this.kept, complete: withComplete(this.kept.complete, end, this.history) }
        } else this.ordinary = placed
      }
      this.seqno = seqno
      this.placed = placed
      moved = true
    }
    if (one === undefined) this.tail = undefined
    if (moved) this.changed = true
    return moved
  }

  /** The first leaves the chain, and holds on to none after it. Returns the next. */
  private leave(first: Delivered): Delivered | undefined {
    const { following } = first
    first.following = undefined
    this.head = following
    this.count--
    this.taken++
    return following
  }

  private highest(counts: (one: Delivered) => boolean): bigint {
    let highest = 0n
    for (let one = this.head; one !== undefined; one = one.following) if (one.seqno > highest && counts(one)) highest = one.seqno
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
