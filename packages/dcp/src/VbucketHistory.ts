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
}

interface MemoryCheckpoint<Item> {
  readonly start: bigint
  readonly items: Map<string, Item>
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

/** A vbucket's changes. */
export class VbucketHistory<Item extends HistoryItem> {
  private log: FailoverLog
  private high = 0n
  private purge = 0n
  private closed: Array<MemoryCheckpoint<Item>> = []
  private open: MemoryCheckpoint<Item> = { start: 1n, items: new Map() }
  /** Newest version of each key; tombstones until they are purged. */
  private readonly disk = new Map<string, Item>()

  constructor(vbucketUuid: bigint) {
    this.log = [{ vbucketUuid, seqno: 0n }]
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

  /** The newest version of every key, tombstones included. */
  get image(): ReadonlyMap<string, Item> {
    return this.disk
  }

  /** Adds a change, which must have the next seqno or a later one. */
  append(item: Item): void {
    if (item.seqno <= this.high) throw new RangeError(`seqno ${item.seqno} after ${this.high}`)
    this.high = item.seqno
    // a Map keeps the place of a key that is set again, and this one has a new place
    this.open.items.delete(item.key)
    this.open.items.set(item.key, item)
    this.disk.delete(item.key)
    this.disk.set(item.key, item)
  }

  /** Ends the open checkpoint: what is in it is not replaced any more. */
  closeCheckpoint(): void {
    if (this.open.items.size === 0) return
    this.closed.push(this.open)
    this.open = { start: this.high + 1n, items: new Map() }
  }

  /** Forgets closed checkpoints; what is behind them has to be read from disk. */
  evict(): void {
    this.closeCheckpoint()
    this.closed = []
  }

  /** Removes the tombstones up to `seqno`. */
  purgeTo(seqno: bigint): void {
    this.evict()
    for (const [key, item] of this.disk) {
      if (item.deleted && item.seqno <= seqno) {
        this.disk.delete(key)
        if (item.seqno > this.purge) this.purge = item.seqno
      }
    }
  }

  /** Becomes the active copy: a new branch begins behind what there is. */
  branch(vbucketUuid: bigint): void {
    this.evict()
    this.log = branchedAt(this.log, vbucketUuid, this.high)
  }

  /** A copy as a replica that received no more than `seqno`. `items` are all changes ever made, in their order. */
  static replica<Item extends HistoryItem>(from: VbucketHistory<Item>, items: ReadonlyArray<Item>, seqno: bigint): VbucketHistory<Item> {
    const copy = new VbucketHistory<Item>(1n)
    for (const item of items) if (item.seqno <= seqno) copy.append(item)
    copy.log = prunedTo(from.log, seqno)
    copy.evict()
    if (from.purge <= seqno) copy.purgeTo(from.purge)
    return copy
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
      const items = [...this.disk.values()].filter(({ seqno }) => seqno > last)
      return { start: first ?? last, end: this.high, from: "disk", checkpoint: true, items }
    }
    for (const checkpoint of [...this.closed, this.open]) {
      const items = [...checkpoint.items.values()].filter(({ seqno }) => seqno > last)
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
