/**
 * Writes of a bucket that wait for copies: a prepare, then a commit or an abort, each with a seqno of its own, in the store and in the history of the
 * active copy. Which may be committed when is decided by `SyncWrites`. Pure.
 */
import { VBucketState } from "@wirewright/couchbase/gen"
import { type ManifestChange, type PrepareChange, prepareKey } from "./BucketChange.ts"
import type { Change } from "./Document.ts"
import type { Item } from "./HashTable.ts"
import type { After, Copies } from "./Replication.ts"
import type { Store } from "./Store.ts"
import { type Durability, type SyncWrite, SyncWrites } from "./SyncWrites.ts"
import type { VbucketCopy } from "./VbucketCopy.ts"

/** A vbucket: its copies, and the writes that wait for them. */
export class Vbucket implements Copies {
  readonly id: number
  main: VbucketCopy
  replicas: Array<VbucketCopy | undefined>
  readonly writes = new SyncWrites()
  /** Manifests that it has not heard of. */
  readonly news: Array<ManifestChange> = []
  settling = false
  /** Stops the wait for the oldest write. */
  unwait: (() => void) | undefined

  constructor(main: VbucketCopy, replicas: number) {
    this.id = main.id
    this.main = main
    this.replicas = Array.from({ length: replicas }, () => undefined)
  }

  get copies(): ReadonlyArray<VbucketCopy> {
    return [this.main, ...this.replicas.filter((copy) => copy !== undefined)]
  }
}

/** The writes that wait. */
export class DurableWrites {
  private readonly store: Store
  private readonly now: () => number
  private readonly after: After
  /** The active copy has a change more; whether readers see it. */
  private readonly told: (vbucket: Vbucket, visible: boolean) => void

  constructor(store: Store, now: () => number, after: After, told: (vbucket: Vbucket, visible: boolean) => void) {
    this.store = store
    this.now = now
    this.after = after
    this.told = told
  }

  /** Runs a command whose change waits. Returns whether there is something to wait for. */
  prepare(vbucket: Vbucket | undefined, { level, timeout }: Durability, run: () => void, done: SyncWrite["done"]): boolean {
    let prepared: Change | undefined
    this.store.prepare(run, (change) => prepared = change)
    if (prepared === undefined || vbucket === undefined) return false
    const { document, kind } = prepared
    const { collection, key, seqno } = document
    vbucket.writes.add({ seqno, level, collection, key, recommit: false, deadline: this.now() + timeout, done })
    vbucket.main.history.append({
      kind: "prepare",
      of: kind,
      seqno,
      key: prepareKey(collection, key),
      deleted: false,
      document,
      level,
      durable: true
    })
    this.told(vbucket, false)
    return true
  }

  /** Ends the writes that have waited long enough, in one way or the other. */
  settle(vbucket: Vbucket | undefined): void {
    if (vbucket === undefined || vbucket.settling || vbucket.writes.all.length === 0) return
    vbucket.settling = true
    const { main, writes } = vbucket
    const position = (copy: VbucketCopy | undefined) => {
      if (copy === undefined) return undefined
      const received = copy.history.highSeqno
      return { received, persisted: copy.persistedSeqno < received ? copy.persistedSeqno : received }
    }
    for (let ended = true; ended;) {
      const satisfied = writes.satisfied([position(main), ...vbucket.replicas.map(position)])
      const late = satisfied === undefined ? writes.expired(this.now()) : undefined
      ended = satisfied !== undefined || late !== undefined
      if (satisfied !== undefined) this.commit(vbucket, satisfied)
      else if (late !== undefined) this.abort(vbucket, late)
    }
    vbucket.settling = false
    vbucket.unwait?.()
    const { deadline } = writes
    const wait = deadline === undefined ? undefined : Math.max(0, deadline - this.now())
    vbucket.unwait = wait === undefined ? undefined : this.after(wait, () => this.settle(vbucket))
  }

  private commit(vbucket: Vbucket, write: SyncWrite): void {
    vbucket.writes.remove(write)
    write.done(this.store.commit(this.store.space(vbucket.id, write.collection), write.key)?.seqno)
  }

  private abort(vbucket: Vbucket, write: SyncWrite): void {
    const { collection, key } = write
    const { history } = vbucket.main
    vbucket.writes.remove(write)
    const completes = history.image.get(prepareKey(collection, key)) as PrepareChange | undefined
    const seqno = this.store.abort(this.store.space(vbucket.id, collection), key)
    if (seqno !== undefined && completes !== undefined) {
      const { document } = completes
      history.append({ kind: "abort", seqno, key: completes.key, deleted: true, document, completes, durable: true })
      this.told(vbucket, true)
    }
    write.done(undefined)
  }

  /** Prepares of the active copy that are not committed may have been committed by the one before it: they are committed again. */
  track(vbucket: Vbucket): void {
    const { id, main, writes } = vbucket
    if (main.state !== VBucketState.Active) return
    for (const change of main.history.image.values()) {
      if (change.kind !== "prepare") continue
      const { document, level, of, seqno } = change
      const { collection, key } = document
      this.store.hold(this.store.space(id, collection), { kind: of, item: document as Item, recommit: true })
      writes.add({ seqno, level, collection, key, recommit: true, deadline: undefined, done: () => {} })
    }
  }
}
