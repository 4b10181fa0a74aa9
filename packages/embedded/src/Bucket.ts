/**
 * A bucket of the embedded node: its vbuckets and their histories, its collections, its documents.
 *
 * What a document is and when a write is refused is the store's business. It knows no packets and no connections; clock and random numbers
 * are given.
 */
import { type FailoverEntry, Status, VBucketState } from "@wirewright/couchbase/gen"
import { type HistoryOptions, VbucketHistory } from "@wirewright/dcp/VbucketHistory"
import { type BucketChange, type Watcher, WatchList } from "./BucketChange.ts"
import { collectionById, defaultManifest, droppedCollections, type Manifest, manifestEvents, readManifest } from "./Collections.ts"
import type { Change } from "./Document.ts"
import type { Item, Space } from "./HashTable.ts"
import { Store } from "./Store.ts"

/** What a bucket is made of. */
export interface BucketOptions {
  readonly name: string
  /** 64 unless said otherwise. */
  readonly vbuckets?: number
  /** Scopes and collections; the default ones unless said otherwise. */
  readonly manifest?: Manifest
  /** Largest document in bytes; 20 MiB unless said otherwise. */
  readonly maxItemSize?: number
  /** Most memory for documents in bytes; 256 MiB unless said otherwise. */
  readonly maxMemory?: number
  /** How much of the changes is kept for DCP. */
  readonly history?: HistoryOptions
}

/** What a bucket needs of the world. */
export interface BucketWorld {
  /** Unix time in milliseconds. */
  readonly now: () => number
  /** A random number of 48 bits, for vbucket UUIDs. */
  readonly uuid: () => bigint
  /** Told of every change, synchronously. */
  readonly onChange?: (change: Change) => void
}

/** What the cluster does with a vbucket, and the branches of its history, newest first. */
export interface VbucketInfo {
  readonly id: number
  readonly state: number
  readonly failoverLog: ReadonlyArray<FailoverEntry>
  /** What was changed. */
  readonly history: VbucketHistory<BucketChange>
  /** Which node of the cluster has it. */
  readonly node: number
}

/** Memory that a history takes for each document, in bytes: resident memory per document of a bucket, less that of a store alone. */
const historyBookkeeping = 500

/** Most vbuckets of a bucket. */
export const mostVbuckets = 1024

class Vbucket implements VbucketInfo {
  readonly id: number
  readonly history: VbucketHistory<BucketChange>
  state: number
  node: number
  constructor(id: number, state: number, node: number, history: VbucketHistory<BucketChange>) {
    this.id = id
    this.state = state
    this.node = node
    this.history = history
  }

  get failoverLog(): ReadonlyArray<FailoverEntry> {
    return this.history.failoverLog
  }
}

/** A bucket. */
export class Bucket {
  readonly name: string
  readonly uuid: string
  readonly vbucketCount: number
  readonly store: Store
  private readonly world: BucketWorld
  private readonly historyOptions: HistoryOptions
  private readonly vbuckets: Array<Vbucket | undefined>
  private readonly watchers = new WatchList()
  private current: Manifest
  /** Which vbucket's history is next to forget old versions. */
  private relieved = 0
  /** Memory of versions that only histories have. */
  private historyBytes = 0
  /** Whether somebody else than the node's maker has set the manifest. */
  private manifestSet: boolean

  constructor(options: BucketOptions, world: BucketWorld) {
    this.name = options.name
    this.world = world
    this.vbucketCount = options.vbuckets ?? 64
    this.current = options.manifest ?? defaultManifest
    this.manifestSet = options.manifest !== undefined
    this.uuid = (world.uuid() << 64n | world.uuid()).toString(16).padStart(32, "0").slice(-32)
    this.store = new Store({
      now: world.now,
      ...(options.maxItemSize === undefined ? {} : { maxItemSize: options.maxItemSize }),
      ...(options.maxMemory === undefined ? {} : { maxMemory: options.maxMemory }),
      history: { documentBytes: historyBookkeeping, bytes: () => this.historyBytes, relieve: (bytes) => this.relieve(bytes) },
      onChange: (change) => this.changed(change)
    })
    this.historyOptions = options.history ?? {}
    this.vbuckets = Array.from({ length: this.vbucketCount }, (_, id) => this.fresh(id, VBucketState.Active))
  }

  /** Scopes and collections. */
  get manifest(): Manifest {
    return this.current
  }

  /** Unix time in milliseconds. */
  get now(): number {
    return this.world.now()
  }

  /** A vbucket, unless the node has none of that number. */
  vbucket(id: number): VbucketInfo | undefined {
    return this.vbuckets[id]
  }

  /** All vbuckets that the node has. */
  get allVbuckets(): ReadonlyArray<VbucketInfo> {
    return this.vbuckets.filter((one) => one !== undefined)
  }

  /** The UUID of a vbucket's current branch. */
  uuidOf(id: number): bigint {
    return this.vbuckets[id]?.failoverLog[0]?.vbucketUuid ?? 0n
  }

  /** Makes a vbucket or gives it another state. One that becomes active begins a new branch of its history. */
  setState(id: number, state: number): number {
    if (id >= this.vbucketCount) return Status.Erange
    const known = this.vbuckets[id]
    if (known === undefined) {
      this.vbuckets[id] = this.fresh(id, state)
      return Status.Success
    }
    if (known.state === state) return Status.Success
    if (state === VBucketState.Active) known.history.branch(this.world.uuid())
    known.state = state
    this.watchers.stateChanged(id)
    return Status.Success
  }

  /** Gives a vbucket to another node, with all that it has and without a new branch, as a rebalance does. −1: to none. */
  move(id: number, node: number): void {
    const vbucket = this.vbuckets[id]
    if (vbucket === undefined || vbucket.node === node) return
    vbucket.node = node
    this.watchers.stateChanged(id)
  }

  /**
   * A copy of the vbucket takes its place that had not received the newest changes; or, on the same node, the vbucket is read from a disk
   * that did not have them. A new branch begins. Changes that are too old to be taken back are kept. Returns how many were lost.
   */
  failOver(id: number, lost: number, node?: number): number {
    const vbucket = this.vbuckets[id]
    if (vbucket === undefined) return 0
    const { history } = vbucket
    const keep = history.highSeqno > BigInt(lost) ? history.highSeqno - BigInt(lost) : 0n
    const undone = history.lose(keep)
    for (const { item } of undone) {
      if (item.kind === "system") continue
      const { collection, key } = item.document
      const kept = history.image.get(item.key)
      this.store.restore(
        this.store.space(id, collection),
        key,
        kept === undefined || kept.kind === "system" ? undefined : kept.document as Item
      )
    }
    this.store.vbucket(id).highSeqno = history.highSeqno
    history.branch(this.world.uuid())
    if (node !== undefined) vbucket.node = node
    this.watchers.stateChanged(id)
    return undone.length
  }

  /** Forgets the tombstones up to a seqno, which then nobody can be told of. */
  purge(id: number, seqno: bigint): void {
    for (const item of this.vbuckets[id]?.history.purgeTo(seqno) ?? []) {
      if (item.kind === "system") continue
      const space = this.store.space(id, item.document.collection)
      const tombstone = space.tombstones.get(item.document.key)
      if (tombstone !== undefined) this.store.forget(space, tombstone)
    }
  }

  /** Notices what expired, and forgets tombstones that are older than `purgeAge` seconds. */
  sweep(purgeAge = 259_200): void {
    this.store.sweep(purgeAge)
    const oldest = Math.floor(this.now / 1000) - purgeAge
    for (const { history } of this.allVbuckets) {
      let upTo = 0n
      for (const change of history.image.values()) {
        if (!change.deleted || change.kind === "system" || change.document.expiry > oldest) continue
        upTo = change.seqno
      }
      if (upTo > 0n) history.purgeTo(upTo)
    }
  }

  /** Tells `watcher` of what becomes of a vbucket, until the result is called. */
  watch(id: number, watcher: Watcher): () => void {
    return this.watchers.add(id, watcher)
  }

  /** Removes a vbucket with all it holds. */
  removeVbucket(id: number): number {
    if (this.vbuckets[id] === undefined) return Status.NotMyVbucket
    const collections = this.current.scopes.flatMap((scope) => scope.collections)
    for (const collection of collections) this.store.drop(collection.id, id)
    this.vbuckets[id] = undefined
    this.watchers.stateChanged(id)
    return Status.Success
  }

  /** Seqno of the latest change of a vbucket, or of one collection in it. */
  highSeqno(id: number, collection?: number): bigint {
    if (collection === undefined) return this.store.vbucket(id).highSeqno
    let highest = 0n
    const space = this.store.vbucket(id).spaces.get(collection)
    for (const items of space === undefined ? [] : [space.items, space.tombstones]) {
      for (const { seqno } of items.values()) if (seqno > highest) highest = seqno
    }
    return highest
  }

  /** The documents of a collection in a vbucket, unless there is no such collection. */
  space(vbucket: number, collection: number): Space | undefined {
    return collectionById(this.current, collection) === undefined ? undefined : this.store.space(vbucket, collection)
  }

  /** An expiration as the collection allows it: no longer than its `maxTtl`. */
  expirationIn(collection: number, expiration: number): number {
    const maxTtl = collectionById(this.current, collection)?.maxTtl ?? 0
    if (maxTtl === 0) return expiration
    const longest = Math.floor(this.now / 1000) + maxTtl
    const relative = expiration > 0 && expiration <= 2_592_000
    const absolute = relative ? Math.floor(this.now / 1000) + expiration : expiration
    return expiration === 0 || absolute > longest ? longest : expiration
  }

  /** Takes a new manifest; the documents of collections that it lacks are gone. */
  setManifest(text: string): number {
    const next = readManifest(text)
    if (next === undefined) return Status.Einval
    if (this.manifestSet && next.uid < this.current.uid) return Status.CannotApplyCollectionsManifest
    const dropped = droppedCollections(this.current, next)
    for (const id of dropped) this.store.drop(id)
    const events = manifestEvents(this.current, next)
    this.current = next
    this.manifestSet = true
    for (const { history, id } of this.allVbuckets) {
      if (dropped.length > 0) history.forget((item) => item.kind !== "system" && dropped.includes(item.document.collection))
      for (const event of events) {
        const seqno = ++this.store.vbucket(id).highSeqno
        history.append({ kind: "system", seqno, key: `\u0000${event.scopeId}:${event.collectionId ?? ""}`, deleted: false, event })
      }
      this.watchers.changed(id)
    }
    return Status.Success
  }

  private changed(change: Change): void {
    const { document, kind } = change
    const { collection, deleted, key, seqno, vbucket } = document
    const history = this.vbuckets[vbucket]?.history
    if (history !== undefined) {
      const before = history.heldBytes
      const bytes = historyBookkeeping + (document as Item).size
      history.append({ kind, seqno, key: collection === 0 ? key : `${collection}\u0000${key}`, deleted, document, bytes })
      this.historyBytes += history.heldBytes - before
    }
    this.watchers.changed(vbucket)
    this.world.onChange?.(change)
  }

  /** Old versions give way to documents: of one vbucket after the other, and more at a time than one document needs. */
  private relieve(lacking: number): void {
    if (this.historyBytes === 0) return
    const bytes = Math.max(lacking, this.historyBytes / 8)
    // what else histories forgot since, as with a collection that was dropped
    this.historyBytes = this.allVbuckets.reduce((sum, { history }) => sum + history.heldBytes, 0)
    let freed = 0
    for (let passed = 0; passed < this.vbucketCount && freed < bytes && this.historyBytes > 0; passed++) {
      this.relieved = (this.relieved + 1) % this.vbucketCount
      const history = this.vbuckets[this.relieved]?.history
      const gone = history === undefined || history.heldBytes === 0 ? 0 : history.relieve(bytes - freed)
      freed += gone
      this.historyBytes -= gone
    }
  }

  private fresh(id: number, state: number): Vbucket {
    return new Vbucket(id, state, 0, new VbucketHistory(this.world.uuid(), this.historyOptions))
  }
}
