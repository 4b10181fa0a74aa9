/**
 * Which snapshot each message of a stream belongs to, and whether a message may come where it does. Pure; one per open stream.
 *
 * A marker is no progress: it becomes current with the first message inside of it. A new marker closes the one before; if that was not
 * received to its end and the new one continues within it, both count as one: a change that the first had left out, because a later one
 * replaced it, may lie after the end of the second. SEQNO_ADVANCED moves the position and leaves the snapshot as it is. Between the ends of
 * an out-of-order snapshot nothing can be resumed from.
 * Source: kv_engine `engines/ep/src/dcp/passive_stream.cc` and `docs/dcp/documentation/commands/snapshot-marker.md`.
 */

import type { Position } from "./Checkpoint.ts"

/** Most markers in a row without a message: a few are legal, an unlimited number is no stream. */
export const maxEmptyMarkers = 1024

/** What a producer sent under one marker, or under several that continue one another. */
export interface Snapshot {
  /** Branch of the stream that delivered it. */
  readonly vbucketUuid: bigint
  readonly start: bigint
  readonly end: bigint
  /** Flags of the marker; 0 for an out-of-order snapshot. */
  readonly flags: number
  /** Whether seqnos ascend in it; if not, nothing in it can be resumed from before it is complete. */
  readonly ordered: boolean
}

/** A message that may not come where it came. */
export interface Violation {
  readonly seqno: bigint | undefined
  readonly message: string
}

/** What a message did. */
export interface Placed {
  readonly snapshot: Snapshot
  /** The snapshot has no more messages. */
  readonly complete: boolean
}

/** A snapshot with the two things that can be said of a message in it: made once, so that a message costs nothing. */
class Range implements Snapshot {
  readonly vbucketUuid: bigint
  readonly start: bigint
  readonly end: bigint
  readonly flags: number
  readonly ordered: boolean
  readonly within: Placed
  readonly last: Placed

  constructor(vbucketUuid: bigint, start: bigint, end: bigint, flags: number, ordered: boolean) {
    this.vbucketUuid = vbucketUuid
    this.start = start
    this.end = end
    this.flags = flags
    this.ordered = ordered
    this.within = { snapshot: this, complete: false }
    this.last = { snapshot: this, complete: true }
  }
}

/** The snapshots of one stream. */
export class SnapshotTracker {
  private readonly vbucketUuid: bigint
  private last: bigint
  private current: Range | undefined
  /** What the last marker announced: the snapshot that the next message is in. */
  private pending: Range | undefined
  /** Range of the last marker; the snapshot may be wider. */
  private markerStart = 0n
  private markerEnd = 0n
  private highest = 0n
  private emptyMarkers = 0
  /** Markers that closed a snapshot whose end had not been reached. */
  closedImplicitly = 0

  /**
   * @param vbucketUuid the branch that the producer's answer begins with
   * @param from where the stream was asked to begin; its messages are all after it
   */
  constructor(vbucketUuid: bigint, from: Position) {
    this.vbucketUuid = vbucketUuid
    this.last = from.seqno
    if (from.seqno === from.snapshotEnd) return
    this.current = new Range(vbucketUuid, from.snapshotStart, from.snapshotEnd, 0, true)
  }

  /** Seqno of the last message, or where the stream began. */
  get seqno(): bigint {
    return this.last
  }

  /** Inside of an out-of-order snapshot. */
  get unordered(): boolean {
    return this.current?.ordered === false
  }

  /** The snapshot that the last message was in. */
  get snapshot(): Snapshot | undefined {
    return this.current
  }

  /** SNAPSHOT_MARKER. */
  marker(start: bigint, end: bigint, flags: number): Violation | undefined {
    if (this.unordered) return { seqno: undefined, message: "a snapshot marker within an out-of-order snapshot" }
    if (start > end) return { seqno: undefined, message: `a snapshot marker from ${start} to ${end}` }
    if (end <= this.last && !this.repeats(start, end)) {
      return { seqno: undefined, message: `a snapshot marker from ${start} to ${end} when ${this.last} was received` }
    }
    if (++this.emptyMarkers > maxEmptyMarkers) {
      return { seqno: undefined, message: `${this.emptyMarkers} snapshot markers without a message between them` }
    }
    const { current, last, vbucketUuid } = this
    const unfinished = current !== undefined && current.end > last ? current : undefined
    if (unfinished !== undefined && start > unfinished.end) this.closedImplicitly++
    this.pending = unfinished === undefined || start > unfinished.end
      ? new Range(vbucketUuid, start, end, flags, true)
      : new Range(vbucketUuid, least(start, unfinished.start), greatest(end, unfinished.end), flags, true)
    this.markerStart = start
    this.markerEnd = end
    return undefined
  }

  /** A message with a seqno: a change, a system event, SEQNO_ADVANCED. Returns where it belongs, or why it may not come. */
  place(seqno: bigint): Placed | Violation {
    const { current } = this
    if (current?.ordered === false) {
      if (seqno > this.highest) this.highest = seqno
      return current.within
    }
    if (seqno <= this.last) return { seqno, message: `seqno ${seqno} after ${this.last}` }
    const snapshot = this.pending ?? current
    if (snapshot === undefined || this.markerEnd === 0n) return { seqno, message: `seqno ${seqno} before any snapshot marker` }
    if (seqno < this.markerStart || seqno > this.markerEnd) {
      return { seqno, message: `seqno ${seqno} outside of its snapshot from ${this.markerStart} to ${this.markerEnd}` }
    }
    this.current = snapshot
    this.last = seqno
    this.emptyMarkers = 0
    return seqno === snapshot.end ? snapshot.last : snapshot.within
  }

  /**
   * Messages after `after` and before `before`, in ascending order, belong where the last one did and change nothing but how far the stream came;
   * undefined when the next one may be another case. Whoever takes such messages tells with `moved` how far it came.
   */
  get run(): { readonly after: bigint; readonly before: bigint; readonly placed: Placed } | undefined {
    const { current, last, markerEnd, pending } = this
    if (current?.ordered !== true || (pending ?? current) !== current || markerEnd === 0n || this.emptyMarkers > 0) return undefined
    const before = least(markerEnd, current.end)
    return last < before ? { after: last, before, placed: current.within } : undefined
  }

  /** Messages of the run were taken up to this seqno. */
  moved(seqno: bigint): void {
    this.last = seqno
  }

  /** OSO_SNAPSHOT, begin. */
  beginUnordered(): Violation | undefined {
    if (this.unordered) return { seqno: undefined, message: "an out-of-order snapshot within another" }
    this.highest = this.last
    // what was announced is over: nothing has a place before the next marker
    this.markerEnd = 0n
    this.current = new Range(this.vbucketUuid, this.last, this.last, 0, false)
    return undefined
  }

  /** OSO_SNAPSHOT, end: everything up to the highest seqno seen is there. */
  endUnordered(): Placed | Violation {
    if (!this.unordered) return { seqno: undefined, message: "the end of an out-of-order snapshot that did not begin" }
    const end = this.highest
    this.last = end
    this.current = new Range(this.vbucketUuid, end, end, 0, true)
    return this.current.last
  }

  /** Two markers for one range are legal: what history has, then what follows it. */
  private repeats(start: bigint, end: bigint): boolean {
    return this.markerEnd !== 0n && this.markerStart === start && this.markerEnd === end
  }
}

const least = (a: bigint, b: bigint): bigint => a < b ? a : b
const greatest = (a: bigint, b: bigint): bigint => a > b ? a : b

/** Whether a message was refused. */
export const isViolation = (result: Placed | Violation): result is Violation => "message" in result
