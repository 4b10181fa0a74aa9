/**
 * Where documents lie: vbuckets, collections, tombstones, and the memory all of it takes.
 *
 * It keeps the books of what is stored, forgotten and evicted, and numbers every change. It knows no conditions and no refusals: whoever
 * calls it has decided (`Store`).
 */
import type { Change, Content, Document, StoreCounters, StoreOptions, Version } from "./Document.ts"

/** Memory of a document beside key and value, as Node takes it, roughly. */
const bookkeeping = 200

/** A vbucket's sequence of changes. */
export class Vbucket {
  readonly id: number
  /** Seqno of the latest change. */
  highSeqno = 0n
  /** Highest revision of a document that was removed; new documents start above it. Source: kv_engine HashTable, maxDeletedRevSeqno. */
  deletedRevision = 0n
  readonly spaces = new Map<number, Space>()

  constructor(id: number) {
    this.id = id
  }
}

/** The documents of one collection in one vbucket: what operations are given. */
export class Space {
  readonly vbucket: Vbucket
  readonly collection: number
  /** Seqno of the latest change of a document in it. */
  highSeqno = 0n
  readonly items = new Map<string, Item>()
  readonly tombstones = new Map<string, Item>()
  /** What documents will be once enough copies have the change. */
  readonly prepares = new Map<string, Prepared>()

  constructor(vbucket: Vbucket, collection: number) {
    this.vbucket = vbucket
    this.collection = collection
  }
}

/** A document in the store. */
export class Item implements Document {
  readonly key: string
  readonly vbucket: number
  readonly collection: number
  readonly value: Uint8Array
  readonly flags: number
  readonly datatype: number
  readonly expiry: number
  readonly cas: bigint
  readonly seqno: bigint
  readonly revSeqno: bigint
  readonly deleted: boolean
  /** Unix time in milliseconds until which the document is locked. */
  lockedUntil = 0
  /** Read since it was last passed over by eviction. */
  used = false

  constructor(
    space: Space,
    key: string,
    value: Uint8Array,
    flags: number,
    datatype: number,
    expiry: number,
    cas: bigint,
    seqno: bigint,
    revSeqno: bigint,
    deleted: boolean
  ) {
    this.key = key
    this.vbucket = space.vbucket.id
    this.collection = space.collection
    this.value = value
    this.flags = flags
    this.datatype = datatype
    this.expiry = expiry
    this.cas = cas
    this.seqno = seqno
    this.revSeqno = revSeqno
    this.deleted = deleted
  }
}

/** A change of a document that waits. */
export interface Prepared {
  readonly kind: Change["kind"]
  readonly item: Item
  /** It may have been committed before, on a node that is gone: nobody may see the document until it is committed again. */
  readonly recommit: boolean
}

/** Memory that a document is taken to need. */
export const sizeOf = (item: Item): number => item.value.length + item.key.length + bookkeeping

/** Memory that a document would be taken to need. */
export const sizeFor = (key: string, valueLength: number): number => valueLength + key.length + bookkeeping

/** Documents in vbuckets and collections. */
export class HashTable {
  readonly vbuckets = new Map<number, Vbucket>()
  private readonly options: StoreOptions
  /** Most memory for documents in bytes. */
  maxMemory: number
  /** Told of the next change instead of making it: it is prepared. */
  private preparing: ((change: Change) => void) | undefined
  private lastCas = 0n
  private documents = 0
  private tombstones = 0
  private bytes = 0
  private stored = 0
  private evicted = 0
  private expired = 0

  constructor(options: StoreOptions) {
    this.options = options
    this.maxMemory = options.maxMemory ?? 256 * 1024 * 1024
  }

  get counters(): StoreCounters {
    const { bytes, documents, evicted, expired, stored, tombstones } = this
    return { documents, tombstones, bytes, stored, evicted, expired }
  }

  /** A vbucket; made when it is first asked for. */
  vbucket(id: number): Vbucket {
    let vbucket = this.vbuckets.get(id)
    if (vbucket === undefined) this.vbuckets.set(id, vbucket = new Vbucket(id))
    return vbucket
  }

  /** The documents of a collection in a vbucket. */
  space(vbucketId: number, collection: number): Space {
    const vbucket = this.vbucket(vbucketId)
    let space = vbucket.spaces.get(collection)
    if (space === undefined) vbucket.spaces.set(collection, space = new Space(vbucket, collection))
    return space
  }

  /** All spaces. */
  *spaces(): Iterable<Space> {
    for (const vbucket of this.vbuckets.values()) yield* vbucket.spaces.values()
  }

  /** A CAS above all others. */
  nextCas(): bigint {
    const time = this.options.cas === "counter" ? 0n : BigInt(this.options.now()) * 1_000_000n & ~0xffffn
    this.lastCas = time > this.lastCas ? time : this.lastCas + 1n
    return this.lastCas
  }

  /** Runs something whose change of a document is not made but prepared; `prepared` is told of it. */
  prepare<A>(run: () => A, prepared: (change: Change) => void): A {
    this.preparing = prepared
    try {
      return run()
    } finally {
      this.preparing = undefined
    }
  }

  /** Keeps a change that waits. */
  hold(space: Space, prepared: Prepared): void {
    this.release(space, prepared.item.key)
    space.prepares.set(prepared.item.key, prepared)
    this.bytes += sizeOf(prepared.item)
  }

  /** Forgets a change that waited. */
  release(space: Space, key: string): Prepared | undefined {
    const prepared = space.prepares.get(key)
    if (prepared === undefined) return undefined
    space.prepares.delete(key)
    this.bytes -= sizeOf(prepared.item)
    return prepared
  }

  /** Makes a change that waited. Returns the new version; nothing when there is none. */
  commit(space: Space, key: string): Item | undefined {
    const prepared = this.release(space, key)
    if (prepared === undefined) return undefined
    const { item: { cas, datatype, deleted, expiry, flags, revSeqno, seqno: preparedSeqno, value }, kind } = prepared
    const seqno = ++space.vbucket.highSeqno
    const item = new Item(space, key, value, flags, datatype, expiry, cas, seqno, revSeqno, deleted)
    this.restore(space, key, item)
    if (!deleted) this.stored++
    else if (revSeqno > space.vbucket.deletedRevision) space.vbucket.deletedRevision = revSeqno
    this.options.onChange?.({ kind, document: item, preparedSeqno })
    return item
  }

  private prepared(space: Space, kind: Change["kind"], item: Item): Item {
    const told = this.preparing!
    this.preparing = undefined
    this.hold(space, { kind, item, recommit: false })
    told({ kind, document: item })
    return item
  }

  /** Whether there is room for a document instead of `current`, after evicting others where that is the habit. */
  makeRoom(key: string, valueLength: number, current: Item | undefined): boolean {
    const size = sizeFor(key, valueLength)
    const freed = current === undefined ? 0 : sizeOf(current)
    if (this.bytes - freed + size <= this.maxMemory) return true
    if (this.options.whenFull !== "evict" || size > this.maxMemory) return false
    this.evict(this.maxMemory - size)
    return true
  }

  /** Stores a new version. `value` is kept, not copied. */
  put(space: Space, key: string, value: Uint8Array, flags: number, datatype: number, expiry: number, current: Item | undefined): Item {
    const { vbucket } = space
    const buried = current === undefined ? space.tombstones.get(key) : undefined
    const revSeqno = ((current ?? buried)?.revSeqno ?? vbucket.deletedRevision) + 1n
    const item = new Item(space, key, value, flags, datatype, expiry, this.nextCas(), ++vbucket.highSeqno, revSeqno, false)
    if (this.preparing !== undefined) return this.prepared(space, "mutation", item)
    if (buried !== undefined) this.forgetTombstone(space, buried)
    // what is replaced keeps its place among those that may be evicted, and is passed over once: setting is faster than deleting first
    const replaced = space.items.get(key)
    if (replaced === undefined) this.documents++
    else {
      this.bytes -= sizeOf(replaced)
      item.used = true
    }
    space.items.set(key, item)
    this.bytes += sizeOf(item)
    this.stored++
    this.options.onChange?.({ kind: "mutation", document: item })
    return item
  }

  /** Exchanges a document for one that differs in neither size nor place, and tells nobody. */
  exchange(space: Space, item: Item): void {
    space.items.set(item.key, item)
  }

  /** Removes a document, leaving a tombstone where that is the habit. Returns the tombstone. */
  bury(space: Space, key: string, kind: "deletion" | "expiration", content: Content): Item {
    const { vbucket } = space
    const current = space.items.get(key) ?? space.tombstones.get(key)
    const revSeqno = (current?.revSeqno ?? vbucket.deletedRevision) + 1n
    const time = Math.floor(this.options.now() / 1000)
    const { datatype = 0, flags = 0, value } = content
    const tombstone = new Item(space, key, value, flags, datatype, time, this.nextCas(), ++vbucket.highSeqno, revSeqno, true)
    if (this.preparing !== undefined && kind === "deletion") return this.prepared(space, kind, tombstone)
    this.take(space, key)
    const buried = space.tombstones.get(key)
    if (buried !== undefined) this.forgetTombstone(space, buried)
    if (revSeqno > vbucket.deletedRevision) vbucket.deletedRevision = revSeqno
    if (this.options.tombstones !== false) {
      space.tombstones.set(key, tombstone)
      this.tombstones++
      this.bytes += sizeOf(tombstone)
    }
    if (kind === "expiration") this.expired++
    this.options.onChange?.({ kind, document: tombstone })
    return tombstone
  }

  /** Stores a version in full in place of whatever was there. */
  keep(space: Space, key: string, version: Version): Item {
    const { vbucket } = space
    const current = space.items.get(key) ?? space.tombstones.get(key)
    const cas = version.cas ?? this.nextCas()
    // the CAS of changes to come is above those that came from elsewhere
    if (cas > this.lastCas) this.lastCas = cas
    const seqno = ++vbucket.highSeqno
    const revSeqno = version.revSeqno ?? (current?.revSeqno ?? vbucket.deletedRevision) + 1n
    const { datatype, deleted, expiry, flags } = version
    const value = typeof version.value === "function" ? version.value(cas, seqno) : new Uint8Array(version.value)
    const item = new Item(space, key, value, flags, datatype, expiry, cas, seqno, revSeqno, deleted)
    const kind = deleted ? version.expired === true ? "expiration" : "deletion" : "mutation"
    if (this.preparing !== undefined) return this.prepared(space, kind, item)
    this.restore(space, key, item)
    if (!deleted) this.stored++
    else if (revSeqno > vbucket.deletedRevision) vbucket.deletedRevision = revSeqno
    this.options.onChange?.({ kind, document: item })
    return item
  }

  /** Puts an earlier version in place of whatever is there, and tells nobody. */
  restore(space: Space, key: string, item: Item | undefined): void {
    this.take(space, key)
    const buried = space.tombstones.get(key)
    if (buried !== undefined) this.forgetTombstone(space, buried)
    if (item === undefined) return
    if (item.deleted) {
      space.tombstones.set(key, item)
      this.tombstones++
    } else {
      space.items.set(key, item)
      this.documents++
    }
    this.bytes += sizeOf(item)
  }

  /** Forgets a tombstone. */
  forgetTombstone(space: Space, tombstone: Item): void {
    if (!space.tombstones.delete(tombstone.key)) return
    this.tombstones--
    this.bytes -= sizeOf(tombstone)
  }

  /** Forgets all that a space holds, and tells nobody. */
  clear({ items, prepares, tombstones }: Space): void {
    for (const held of [items, tombstones]) for (const item of held.values()) this.bytes -= sizeOf(item)
    for (const { item } of prepares.values()) this.bytes -= sizeOf(item)
    this.documents -= items.size
    this.tombstones -= tombstones.size
    items.clear()
    tombstones.clear()
    prepares.clear()
  }

  private take(space: Space, key: string): void {
    const item = space.items.get(key)
    if (item === undefined) return
    space.items.delete(key)
    this.documents--
    this.bytes -= sizeOf(item)
  }

  /** Forgets tombstones, then documents: the oldest first, but those read since they were last passed over later. */
  private evict(bytes: number): void {
    for (const space of this.spaces()) {
      for (const tombstone of space.tombstones.values()) {
        if (this.bytes <= bytes) return
        this.forgetTombstone(space, tombstone)
      }
    }
    while (this.bytes > bytes && this.documents > 0) {
      for (const space of this.spaces()) {
        for (const item of space.items.values()) {
          if (this.bytes <= bytes) return
          if (item.used) {
            item.used = false
            space.items.delete(item.key)
            space.items.set(item.key, item)
          } else {
            this.take(space, item.key)
            this.evicted++
          }
        }
      }
    }
  }
}
