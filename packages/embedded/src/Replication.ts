/**
 * How the copies of a vbucket follow the active one, and how all of them come to disk: at once, or late, or not at all while a node is held. Pure: time
 * is a parameter. A copy is told of the active history as a DCP stream would tell it, snapshot by snapshot.
 */
import { rollbackSeqno } from "@wirewright/dcp/producer"
import type { VbucketCopy } from "./VbucketCopy.ts"

/** What is wrong with nodes, by their indexes. */
export interface NodeConditions {
  /** Nothing is replicated to these. */
  readonly unreplicated: ReadonlySet<number>
  /** These write nothing to disk. */
  readonly unpersisted: ReadonlySet<number>
  /** These do not run. */
  readonly down: ReadonlySet<number>
}

/** How fast copies follow. */
export interface ReplicationOptions {
  /** Milliseconds until a change is on its way to the other copies. Default: 0, at once. */
  readonly replicationDelay?: number
  /** Milliseconds until a change is on disk. Default: 0, at once. */
  readonly persistenceDelay?: number
}

/** Calls back after so many milliseconds, unless the result is called before. */
export type After = (milliseconds: number, run: () => void) => () => void

/** The copies of a vbucket. */
export interface Copies {
  /** The one whose documents are read and written. */
  readonly main: VbucketCopy
  /** The places of the replicas, in the order of the map. */
  readonly replicas: ReadonlyArray<VbucketCopy | undefined>
}

/** Changes that are under way at a time when there is a delay. */
const piece = 16

/** Brings changes to copies and to disk. */
export class Replication {
  private readonly options: ReplicationOptions & { readonly persists: boolean }
  private readonly conditions: NodeConditions
  private readonly after: After
  private readonly progressed: (copies: Copies) => void
  /** Copies that something will be done about. */
  private readonly replicating = new Set<VbucketCopy>()
  private readonly persisting = new Set<VbucketCopy>()

  /** @param options `persists`: whether there is a disk */
  constructor(
    options: ReplicationOptions & { readonly persists: boolean },
    conditions: NodeConditions,
    after: After,
    progressed: (copies: Copies) => void
  ) {
    this.options = options
    this.conditions = conditions
    this.after = after
    this.progressed = progressed
  }

  /** There is something new: in the active copy, or in what keeps others from following. */
  changed(copies: Copies): void {
    this.persist(copies, copies.main)
    for (const copy of copies.replicas) {
      if (copy === undefined) continue
      this.replicate(copies, copy)
      this.persist(copies, copy)
    }
    this.progressed(copies)
  }

  /** Whether changes reach a copy now. */
  reaches({ main }: Copies, copy: VbucketCopy): boolean {
    const { down, unreplicated } = this.conditions
    return main.node >= 0 && !down.has(main.node) && !down.has(copy.node) && !unreplicated.has(copy.node)
  }

  /** Brings up to `most` changes to a copy. Returns whether there are more. */
  pull({ main }: Copies, copy: VbucketCopy, most = Infinity): boolean {
    for (let count = 0; count < most; count++) {
      if (!copy.receiving && !this.send(main, copy)) return false
      copy.receive()
    }
    return copy.receiving || copy.receivedSeqno < main.history.highSeqno
  }

  /**
   * A copy begins to follow another active one: what it has beyond the point where both have the same is lost. Returns false when all of it is.
   */
  follow({ main }: Copies, copy: VbucketCopy): boolean {
    copy.cut()
    const { failoverLog, highSeqno, purgeSeqno } = main.history
    const { end, start } = copy.range
    const startSeqno = copy.receivedSeqno
    const back = rollbackSeqno(
      {
        startSeqno,
        vbucketUuid: copy.failoverLog[0]!.vbucketUuid,
        snapStartSeqno: start < startSeqno ? start : startSeqno,
        snapEndSeqno: end
      },
      { failoverLog, highSeqno, purgeSeqno }
    )
    const kept = back === undefined || copy.rollBack(back)
    copy.history.follow(failoverLog)
    return kept
  }

  private send(main: VbucketCopy, copy: VbucketCopy): boolean {
    const batch = main.history.next(copy.receivedSeqno)
    if (batch === undefined) return false
    // it begins where the one before it ended: what its first change replaced is missing until it is complete
    copy.send({ start: copy.receivedSeqno, end: batch.end }, batch.items, batch.from === "disk" ? main.history.purgeSeqno : 0n)
    return true
  }

  private replicate(copies: Copies, copy: VbucketCopy): void {
    const { replicationDelay = 0 } = this.options
    if (!this.reaches(copies, copy)) return
    if (replicationDelay === 0) return void this.pull(copies, copy)
    if (this.replicating.has(copy)) return
    this.replicating.add(copy)
    this.after(replicationDelay, () => {
      this.replicating.delete(copy)
      if (!copies.replicas.includes(copy) || !this.reaches(copies, copy)) return
      const more = this.pull(copies, copy, piece)
      this.persist(copies, copy)
      this.progressed(copies)
      if (more) this.replicate(copies, copy)
    })
  }

  private persist(copies: Copies, copy: VbucketCopy): void {
    const { persistenceDelay = 0, persists } = this.options
    const { down, unpersisted } = this.conditions
    const held = (): boolean => !persists || down.has(copy.node) || unpersisted.has(copy.node)
    if (!copy.isDirty || held()) return
    if (persistenceDelay === 0) return copy.persist()
    if (this.persisting.has(copy)) return
    this.persisting.add(copy)
    this.after(persistenceDelay, () => {
      this.persisting.delete(copy)
      if (held()) return
      copy.persist()
      this.progressed(copies)
    })
  }
}
