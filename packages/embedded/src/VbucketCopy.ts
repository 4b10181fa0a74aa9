/**
 * One copy of a vbucket, on one node: the history that it received, how much of it is on disk, and who waits for that. Pure; no copy knows the
 * others (`Replication`).
 *
 * A copy shows only whole snapshots: what has arrived of one that is not complete is kept apart until the rest comes, or until the copy becomes
 * the active one and has to do with what it has. Source: kv_engine `engines/ep/src/dcp/passive_stream.cc`, `kv_bucket.cc` (`continueToActive`).
 */
import type { FailoverEntry } from "@wirewright/couchbase/gen"
import { type HistoryOptions, VbucketHistory } from "@wirewright/dcp/producer"
import { type BucketChange, changeKey, Watchers } from "./BucketChange.ts"
import type { Document } from "./Document.ts"

/** A range of seqnos that belongs together. */
export interface SnapshotRange {
  readonly start: bigint
  readonly end: bigint
}

/** What the cluster does with a copy of a vbucket, and the branches of its history, newest first. */
export interface VbucketInfo {
  readonly id: number
  readonly state: number
  readonly failoverLog: ReadonlyArray<FailoverEntry>
  /** What was changed. */
  readonly history: VbucketHistory<BucketChange>
  /** Which node of the cluster has it; −1 for none. */
  readonly node: number
  /** The newest change that the copy has, be its snapshot complete or not. */
  readonly receivedSeqno: bigint
  /** The newest change that is on its disk. */
  readonly persistedSeqno: bigint
  /** The snapshot that `persistedSeqno` belongs to. */
  readonly persistedSnapshot: SnapshotRange
}

interface Waiting {
  readonly seqno: bigint
  readonly done: () => void
}

/** A copy. */
export class VbucketCopy implements VbucketInfo {
  readonly id: number
  readonly watchers = new Watchers()
  state: number
  node: number
  history: VbucketHistory<BucketChange>
  persistedSeqno = 0n
  /** A snapshot that is on disk in part; nothing when it is complete there. */
  private persistedPart: SnapshotRange | undefined
  private readonly options: HistoryOptions
  /** What has arrived of a snapshot that is not complete, and the snapshot. */
  private arrived: Array<BucketChange> = []
  private snapshot: SnapshotRange | undefined
  /** What is on its way. */
  private sent: ReadonlyArray<BucketChange> = []
  private place = 0
  private purge = 0n
  private waiting: Array<Waiting> = []

  constructor(id: number, state: number, node: number, vbucketUuid: bigint, options: HistoryOptions) {
    this.id = id
    this.state = state
    this.node = node
    this.options = options
    this.history = new VbucketHistory(vbucketUuid, options)
  }

  get failoverLog(): ReadonlyArray<FailoverEntry> {
    return this.history.failoverLog
  }

  get persistedSnapshot(): SnapshotRange {
    return this.persistedPart ?? { start: this.persistedSeqno, end: this.persistedSeqno }
  }

  get receivedSeqno(): bigint {
    return this.arrived.at(-1)?.seqno ?? this.history.highSeqno
  }

  /** The snapshot of the newest change. */
  get range(): SnapshotRange {
    const { highSeqno } = this.history
    return this.snapshot ?? { start: highSeqno, end: highSeqno }
  }

  /**
   * Where a branch begins when the copy becomes the active one: at the end of the snapshot on disk if all of it is there, else at its start.
   * What was received after that is kept.
   */
  get branchSeqno(): bigint {
    return this.persistedPart?.start ?? this.persistedSeqno
  }

  /** The newest version of a document, or what is left of it; whether it has expired is for the caller to see. */
  document(collection: number, key: string): Document | undefined {
    const name = changeKey(collection, key)
    const change = this.arrived.findLast((one) => one.key === name) ?? this.history.image.get(name)
    return change === undefined || change.kind === "system" ? undefined : change.document
  }

  /** Whether something is on its way. */
  get receiving(): boolean {
    return this.place < this.sent.length
  }

  /** A snapshot is on its way. `purge`: up to where the sender has forgotten tombstones, if it comes from disk. */
  send(range: SnapshotRange, changes: ReadonlyArray<BucketChange>, purge = 0n): void {
    const begun = this.snapshot
    this.snapshot = begun === undefined ? range : { start: begun.start < range.start ? begun.start : range.start, end: range.end }
    this.sent = changes
    this.place = 0
    this.purge = purge
  }

  /** The next change of it arrives. Returns whether the snapshot is complete now. */
  receive(): boolean {
    const change = this.sent[this.place]
    if (change !== undefined) {
      this.place++
      this.arrived.push(change)
    }
    if (this.receiving) return false
    this.complete()
    return true
  }

  /** The link to the sender broke: what has not arrived does not. */
  cut(): void {
    this.sent = []
    this.place = 0
    if (this.arrived.length === 0) this.snapshot = undefined
  }

  /** Takes what has arrived for all there is. */
  settle(): void {
    const partial = this.arrived.length > 0
    this.cut()
    this.take()
    this.snapshot = undefined
    const { highSeqno } = this.history
    if (partial) this.history.purged(this.purge < highSeqno ? this.purge : highSeqno)
  }

  /** What is left of the history was read from disk. */
  load(): void {
    this.persistedSeqno = this.history.highSeqno
    this.persistedPart = undefined
  }

  /** Whether there is something that is not on disk. */
  get isDirty(): boolean {
    return this.persistedSeqno !== this.receivedSeqno || this.persistedPart !== this.snapshot
  }

  /** Writes everything to disk that has arrived. */
  persist(): void {
    const { receivedSeqno } = this
    if (receivedSeqno < this.persistedSeqno) return
    this.persistedSeqno = receivedSeqno
    this.persistedPart = this.arrived.length > 0 ? this.snapshot : undefined
    if (this.waiting.length === 0) return
    const due = this.waiting.filter(({ seqno }) => seqno <= receivedSeqno)
    this.waiting = this.waiting.filter(({ seqno }) => seqno > receivedSeqno)
    for (const { done } of due) done()
  }

  /** Calls `done` once `seqno` is on disk, unless the result is called before. */
  whenPersisted(seqno: bigint, done: () => void): () => void {
    const one = { seqno, done }
    this.waiting.push(one)
    return () => {
      this.waiting = this.waiting.filter((other) => other !== one)
    }
  }

  /** Goes back to `seqno`: what is newer is lost. Returns false when that cannot be done, and then nothing is left. */
  rollBack(seqno: bigint): boolean {
    this.cut()
    this.take()
    this.snapshot = undefined
    this.history.lose(seqno)
    const reached = this.history.highSeqno <= seqno
    if (!reached) this.history = new VbucketHistory(this.history.failoverLog[0]!.vbucketUuid, this.options)
    if (this.persistedSeqno > this.history.highSeqno) this.load()
    this.watchers.stateChanged()
    return reached
  }

  private complete(): void {
    const end = this.snapshot?.end
    this.snapshot = undefined
    const visible = this.arrived.some((change) => change.kind !== "prepare")
    this.take()
    if (end !== undefined) this.history.advance(end)
    this.history.purged(this.purge)
    this.watchers.changed(visible)
  }

  private take(): void {
    const { arrived, history } = this
    this.arrived = []
    for (const change of arrived) {
      history.append(change)
      if (change.kind !== "system" || change.event.event !== "EndCollection") continue
      const gone = change.event.collectionId
      history.forget((item) => item.kind !== "system" && item.document.collection === gone)
    }
  }
}
