/**
 * What a producer has of one vbucket: checkpoints in memory, the newest version of each key on disk, and the branches of its history. Pure.
 *
 * In an open checkpoint a new version of a key replaces the older one; closed ones keep what they have. What memory has lost comes from disk,
 * where each key has one version. Source: kv_engine `engines/ep/docs/checkpoint.md` and `engines/ep/src/dcp/active_stream.cc`.
 */
import { branchedAt, type FailoverLog, prunedTo } from "./FailoverLog.ts"

/** One change. */
export interface HistoryItem {
  readonly seqno: bigint
  /** What identifies the document: collection and key. */
  readonly key: string
  /** A tombstone, which may be purged. */
  readonly deleted: boolean
  /** Part of a write that waits for copies: it neither replaces another change in a checkpoint nor is it replaced. */
  readonly durable?: boolean | undefined
  /** The change that this one brings to an end, under another key: disk keeps it no longer. */
  readonly completes?: HistoryItem | undefined
  /** Memory it takes while only the history has it, in bytes. Default: 0. */
  readonly bytes?: number
}

/** What one marker announces, and what follows it. */
export interface Batch<Item> {
  readonly start: bigint
  readonly end: bigint
  readonly from: "memory" | "disk"
  /** The marker begins a checkpoint. */
  readonly checkpoint: boolean
  readonly items: ReadonlyArray<Item>
}

/** How much of a history is kept. */
export interface HistoryOptions {
  /** Changes after which a checkpoint is closed. Default: 1 000. */
  readonly checkpointItems?: number
  /** Closed checkpoints in memory. Default: 10. */
  readonly closedCheckpoints?: number
  /** Changes that can be taken back. Default: 1 000. */
  readonly undoable?: number
}

/** Changes in the order of their seqnos; those that were replaced leave a hole. */
class MemoryCheckpoint<Item extends HistoryItem> {
  readonly start: bigint
  private readonly seqnos: Array<bigint> = []
  private readonly slots: Array<Item | undefined> = []
  private readonly places = new Map<string, number>()

  constructor(start: bigint) {
    this.start = start
  }

  /** Changes, those that were replaced included. */
  get length(): number {
    return this.slots.length
  }

  set(item: Item): void {
    const before = this.places.get(item.key)
    if (before !== undefined) this.slots[before] = undefined
    this.places.set(item.key, this.slots.length)
    this.seqnos.push(item.seqno)
    this.slots.push(item)
  }

  /** The change of a key, if it has one. */
  get(key: string): Item | undefined {
    const place = this.places.get(key)
    return place === undefined ? undefined : this.slots[place]
  }

  after(seqno: bigint): Array<Item> {
    let low = 0
    let high = this.seqnos.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.seqnos[middle]! <= seqno) low = middle + 1
      else high = middle
    }
    const found: Array<Item> = []
    for (; low < this.slots.length; low++) if (this.slots[low] !== undefined) found.push(this.slots[low]!)
    return found
  }

  remove(matches: (item: Item) => boolean): void {
    for (let i = 0; i < this.slots.length; i++) {
      const item = this.slots[i]
      if (item === undefined || !matches(item)) continue
      this.slots[i] = undefined
      this.places.delete(item.key)
    }
  }
}

interface Undo<Item> {
  readonly item: Item
  readonly previous: Item | undefined
}

/** A version that was replaced and may be in memory yet. */
interface Replaced {
  /** Its own seqno, or 0 when no checkpoint has it. */
  readonly seqno: bigint
  /** Seqno of what replaced it. */
  readonly by: bigint
  readonly bytes: number
}

/** A vbucket's changes. */
export class VbucketHistory<Item extends HistoryItem> {
  private readonly checkpointItems: number
  private readonly closedCheckpoints: number
  private readonly undoable: number
  private log: FailoverLog
  private high = 0n
  private purge = 0n
  private closed: Array<MemoryCheckpoint<Item>> = []
  private open = new MemoryCheckpoint<Item>(1n)
  /** Newest version of each key, in the order of their seqnos; tombstones until they are purged. */
  private disk = new Map<string, Item>()
  private undos: Array<Undo<Item>> = []
  /** In the order in which they were replaced. */
  private replaced: Array<Replaced> = []
  private forgotten = 0
  private replacedBytes = 0

  constructor(vbucketUuid: bigint, options: HistoryOptions = {}) {
    this.log = [{ vbucketUuid, seqno: 0n }]
    this.checkpointItems = options.checkpointItems ?? 1_000
    this.closedCheckpoints = options.closedCheckpoints ?? 10
    this.undoable = options.undoable ?? 1_000
  }

  /** Branches, newest first. */
  get failoverLog(): FailoverLog {
    return this.log
  }

  get highSeqno(): bigint {
    return this.high
  }

  get purgeSeqno(): bigint {
    return this.purge
  }

  /** First seqno that memory has everything from. */
  get memoryFrom(): bigint {
    return this.closed[0]?.start ?? this.open.start
  }

  /** Memory that versions take which were replaced, at most. */
  get heldBytes(): number {
    return this.replacedBytes
  }

  /** The newest version of every key, tombstones included. */
  get image(): ReadonlyMap<string, Item> {
    return this.disk
  }

  /** Adds a change, which must have the next seqno or a later one. */
  append(item: Item): void {
    if (item.seqno <= this.high) throw new RangeError(`seqno ${item.seqno} after ${this.high}`)
    const before = this.open.get(item.key)
    if (before !== undefined && (before.durable === true || item.durable === true)) this.closeCheckpoint()
    this.high = item.seqno
    const previous = this.disk.get(item.key)
    const bytes = previous?.bytes ?? 0
    if (bytes > 0) {
      // in the open checkpoint a new version takes the place of the one before
      this.replaced.push({ seqno: previous!.seqno >= this.open.start ? 0n : previous!.seqno, by: item.seqno, bytes })
      this.replacedBytes += bytes
    }
    this.open.set(item)
    if (this.undoable > 0) {
      this.undos.push({ item, previous })
      if (this.undos.length >= 2 * this.undoable) this.undos = this.undos.slice(-this.undoable)
    }
    // a Map keeps the place of a key that is set again, and this one has a new place
    this.disk.delete(item.key)
    this.disk.set(item.key, item)
    const { completes } = item
    if (completes !== undefined && completes.key !== item.key && this.disk.get(completes.key)?.seqno === completes.seqno) {
      this.disk.delete(completes.key)
    }
    if (this.open.length >= this.checkpointItems) this.closeCheckpoint()
    this.letGo()
  }

  /** Ends the open checkpoint: what is in it is not replaced any more. The oldest checkpoint goes when there are too many. */
  closeCheckpoint(): void {
    if (this.open.length === 0) return
    this.closed.push(this.open)
    if (this.closed.length > this.closedCheckpoints) this.closed.shift()
    this.open = new MemoryCheckpoint(this.high + 1n)
  }

  /** Forgets closed checkpoints; their items have to be read from disk. */
  evict(): void {
    this.closeCheckpoint()
    this.closed = []
    this.letGo()
  }

  /** Forgets versions that were replaced: what memory has of them, then how to take changes back, the oldest first. Returns the bytes. */
  relieve(bytes: number): number {
    const before = this.replacedBytes
    this.evict()
    let oldest = 0
    while (before - this.replacedBytes < bytes && oldest < this.undos.length) {
      oldest = Math.min(this.undos.length, oldest + 16)
      this.letGo(this.undos[oldest]?.item.seqno ?? this.high + 1n)
    }
    if (oldest > 0) this.undos = this.undos.slice(oldest)
    return before - this.replacedBytes
  }

  /** Stops counting versions that neither a checkpoint nor a change to be taken back has. */
  private letGo(undoableFrom: bigint = this.undos[0]?.item.seqno ?? this.high + 1n): void {
    const { memoryFrom, replaced } = this
    while (this.forgotten < replaced.length) {
      const { by, bytes, seqno } = replaced[this.forgotten]!
      if (by >= undoableFrom || seqno >= memoryFrom) break
      this.replacedBytes -= bytes
      this.forgotten++
    }
    if (this.forgotten >= 1_000 || this.forgotten === replaced.length && this.forgotten > 0) {
      this.replaced = replaced.slice(this.forgotten)
      this.forgotten = 0
    }
  }

  /** Removes the tombstones up to `seqno`. Returns them. */
  purgeTo(seqno: bigint): ReadonlyArray<Item> {
    this.evict()
    const gone: Array<Item> = []
    for (const [key, item] of this.disk) {
      if (item.seqno > seqno) break
      if (!item.deleted) continue
      this.disk.delete(key)
      gone.push(item)
      if (item.seqno > this.purge) this.purge = item.seqno
    }
    return gone
  }

  /** Forgets changes without a trace, as those of a collection that was dropped. */
  forget(matches: (item: Item) => boolean): void {
    let gone = 0
    for (const item of this.disk.values()) if (matches(item)) gone++
    // whichever is less work: to delete from a large table what goes, or to make another one of what stays
    if (gone > this.disk.size / 2) {
      const kept = new Map<string, Item>()
      for (const [key, item] of this.disk) if (!matches(item)) kept.set(key, item)
      this.disk = kept
    } else if (gone > 0) {
      for (const [key, item] of this.disk) if (matches(item)) this.disk.delete(key)
    }
    for (const checkpoint of [...this.closed, this.open]) checkpoint.remove(matches)
    this.undos = this.undos.filter(({ item }) => !matches(item))
    this.letGo()
  }

  /**
   * Becomes the active copy: a new branch begins after `seqno`, which may be below what there is. Default: the high seqno. Changes above it are
   * kept, but belong to the new branch: a consumer that has them from the old one is asked to take them back.
   */
  branch(vbucketUuid: bigint, seqno: bigint = this.high): void {
    this.evict()
    this.log = branchedAt(this.log, vbucketUuid, seqno < this.high ? seqno : this.high)
  }

  /** Becomes a copy of the history with this log. */
  follow(log: FailoverLog): void {
    this.log = log
  }

  /** There are no changes up to `seqno` beyond those that are here. */
  advance(seqno: bigint): void {
    if (seqno > this.high) this.high = seqno
  }

  /** Tombstones up to `seqno` never came, because they had been purged. */
  purged(seqno: bigint): void {
    if (seqno <= this.purge) return
    this.evict()
    this.purge = seqno
  }

  /**
   * Loses the newest changes, as a node does that others take the place of: what is left is what a copy had that received no more than
   * `seqno`. Returns what was lost, newest first, each with the version before it. Changes that are too old to be taken back are kept.
   */
  lose(seqno: bigint): ReadonlyArray<Undo<Item>> {
    const lost: Array<Undo<Item>> = []
    while (this.undos.length > 0 && this.undos.at(-1)!.item.seqno > seqno) {
      const undo = this.undos.pop()!
      this.disk.delete(undo.item.key)
      lost.push(undo)
    }
    if (lost.length === 0) return lost
    this.high = this.undos.at(-1)?.item.seqno ?? lost.at(-1)!.item.seqno - 1n
    for (const { item, previous } of lost) {
      for (const before of [previous, item.completes as Item | undefined]) {
        if (before === undefined || before.seqno > this.high || before.deleted && before.seqno <= this.purge) continue
        this.disk.set(before.key, before)
      }
    }
    const inOrder = [...this.disk].sort(([, a], [, b]) => a.seqno < b.seqno ? -1 : 1)
    this.disk.clear()
    for (const [key, item] of inOrder) this.disk.set(key, item)
    if (this.purge > this.high) this.purge = this.high
    this.log = prunedTo(this.log, this.high)
    this.open = new MemoryCheckpoint(this.high + 1n)
    this.closed = []
    // what replaced them is gone, so they are no older versions any more
    while (this.replaced.length > this.forgotten && this.replaced.at(-1)!.by > this.high) this.replacedBytes -= this.replaced.pop()!.bytes
    this.letGo()
    return lost
  }

  /**
   * What a stream sends next, when it has sent everything up to `last`; nothing when there is no more.
   *
   * @param snapStart the snapshot start of the request, for the first batch of a stream
   */
  next(last: bigint, snapStart?: bigint): Batch<Item> | undefined {
    if (last >= this.high) return undefined
    const first = snapStart !== undefined && snapStart < last + 1n ? snapStart : undefined
    if (last + 1n < this.memoryFrom) {
      // the whole of the disk, as older versions of what changed since are not there any more
      const items: Array<Item> = []
      for (const item of this.disk.values()) if (item.seqno > last) items.push(item)
      return { start: first ?? last, end: this.high, from: "disk", checkpoint: true, items }
    }
    for (let i = 0; i <= this.closed.length; i++) {
      const checkpoint = this.closed[i] ?? this.open
      const items = checkpoint.after(last)
      if (items.length === 0) continue
      const begins = checkpoint.start === last + 1n
      return {
        start: first ?? (begins ? checkpoint.start : items[0]!.seqno),
        end: items.at(-1)!.seqno,
        from: "memory",
        checkpoint: begins,
        items
      }
    }
    return undefined
  }
}
