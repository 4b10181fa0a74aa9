/**
 * A bucket of the embedded node: its vbuckets and their histories, its collections, its documents.
 *
 * What a document is and when a write is refused is the store's business. It knows no packets and no connections; clock and random numbers
 * are given.
 */
import { type FailoverEntry, Status, VBucketState } from "@wirewright/couchbase/gen"
import { collectionById, defaultManifest, droppedCollections, type Manifest, readManifest } from "./Collections.ts"
import type { Change } from "./Document.ts"
import type { Space } from "./HashTable.ts"
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

/** What the node does with a vbucket, and the branches of its history, newest first. */
export interface VbucketInfo {
  readonly id: number
  readonly state: number
  readonly failoverLog: ReadonlyArray<FailoverEntry>
}

/** Most vbuckets of a bucket. */
export const mostVbuckets = 1024

/** Branches of a history that are remembered, as kv_engine does. */
const mostBranches = 25

/** A bucket. */
export class Bucket {
  readonly name: string
  readonly uuid: string
  readonly vbucketCount: number
  readonly store: Store
  private readonly world: BucketWorld
  private readonly vbuckets: Array<VbucketInfo | undefined>
  private current: Manifest
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
      ...(world.onChange === undefined ? {} : { onChange: world.onChange })
    })
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
    const begins = state === VBucketState.Active && known.state !== VBucketState.Active
    const branch = { vbucketUuid: this.world.uuid(), seqno: this.highSeqno(id) }
    const failoverLog = begins ? [branch, ...known.failoverLog].slice(0, mostBranches) : known.failoverLog
    this.vbuckets[id] = { id, state, failoverLog }
    return Status.Success
  }

  /** Removes a vbucket with all it holds. */
  removeVbucket(id: number): number {
    if (this.vbuckets[id] === undefined) return Status.NotMyVbucket
    const collections = this.current.scopes.flatMap((scope) => scope.collections)
    for (const collection of collections) this.store.drop(collection.id, id)
    this.vbuckets[id] = undefined
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
    for (const id of droppedCollections(this.current, next)) this.store.drop(id)
    this.current = next
    this.manifestSet = true
    return Status.Success
  }

  private fresh(id: number, state: number): VbucketInfo {
    return { id, state, failoverLog: [{ vbucketUuid: this.world.uuid(), seqno: 0n }] }
  }
}
