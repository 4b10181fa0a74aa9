/**
 * Where documents lie: vbuckets, collections, tombstones, and the memory all of it takes.
 *
 * It keeps the books of what is stored, forgotten and evicted, and numbers every change. It knows no conditions and no refusals: whoever
 * calls it has decided (`Store`).
 */
import type { Change, Content, Document, StoreCounters, StoreOptions, Version } from "./Document.ts"

/**
 * Memory of a document beside its key and value, in bytes: the object, its numbers, its entry in the table, the array of its value, and the
 * room that V8 leaves for garbage, as much again. Measured with Node 24 on a full node: resident memory grows by 1 000 to 1 100 bytes with
 * each document of 1 byte, the heap in use by 490.
 */
const bookkeeping = 1_100

/** Up to this size V8 keeps a value in its heap; above it, there is a buffer elsewhere, which costs more. Source: V8 `typed_array_max_size_in_heap`. */
const largestInHeap = 64

/** What such a buffer costs beside its bytes, measured in the same way with values of 100 and 1 000 bytes. */
const bufferBookkeeping = 350

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
  /** Read since it was stored. */
  fetched = false
  /** Unix time in seconds when it was read or written last; kept for memcached alone. */
  accessedAt = 0
  /** Somebody asked for it to be made anew. */
  stale = false
  /** Somebody was told to make it anew. */
  alreadyWon = false
  /** Its key was given in base64. */
  base64 = false
  /** Memory it takes, in bytes. */
  readonly size: number

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
    this.size = sizeFor(key, value.length)
  }
}

/** A change of a document that waits. */
export interface Prepared {
  readonly kind: Change["kind"]
  readonly item: Item
  /** It may have been committed before, on a node that is gone: the document may not be read until it is committed again. */
  readonly recommit: boolean
}

/** Two bytes for each character of such a text, one for each of any other. */
const isWide = (text: string): boolean => /[^\0-\xff]/.test(text)

/** Memory that a document takes, in bytes. */
export const sizeFor = (key: string, valueLength: number): number =>
  bookkeeping + (isWide(key) ? 2 * key.length : key.length) + valueLength + (valueLength > largestInHeap ? bufferBookkeeping : 0)

/** Documents in vbuckets and collections. */
export class HashTable {
  readonly vbuckets = new Map<number, Vbucket>()
  private readonly options: StoreOptions
  /** Most memory for documents in bytes. */
  maxMemory: number
  private readonly elsewhere: number
  /** Told of the next change instead of making it: it is prepared. */
  private preparing: ((change: Change) => void) | undefined
  private lastCas = 0n
  private documents = 0
  private tombstones = 0
  private bytes = 0
  private stored = 0
  private readonly hand = this.rounds("items")
  private readonly oldTombstones = this.rounds("tombstones")
  private evicted = 0
  private expired = 0

  constructor(options: StoreOptions) {
    this.options = options
    this.maxMemory = options.maxMemory ?? 256 * 1024 * 1024
    this.elsewhere = options.history?.documentBytes ?? 0
  }

  get counters(): StoreCounters {
    const { bytes, documents, evicted, expired, stored, tombstones } = this
    return { documents, tombstones, bytes, stored, evicted, expired }
  }

  /** Documents whose expiry was noticed. */
  get expiredCount(): number {
    return this.expired
  }

  /** CAS of the newest change. */
  get newestCas(): bigint {
    return this.lastCas
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
    if (this.options.cas === "none") return 0n
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
    this.bytes += this.taken(prepared.item)
  }

  /** Forgets a change that waited. */
  release(space: Space, key: string): Prepared | undefined {
    const prepared = space.prepares.get(key)
    if (prepared === undefined) return undefined
    space.prepares.delete(key)
    this.bytes -= this.taken(prepared.item)
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
    const size = this.elsewhere + sizeFor(key, valueLength)
    const more = current === undefined ? size : size - this.taken(current)
    const lacking = this.bytes + more + this.kept - this.maxMemory
    if (lacking <= 0) return true
    if (this.options.whenFull === "evict") {
      if (size > this.maxMemory) return false
      this.evict(this.maxMemory - size)
      return true
    }
    this.options.history?.relieve(lacking)
    return this.bytes + more + this.kept <= this.maxMemory
  }

  /** Memory of what is no document any more but cannot be forgotten. */
  private get kept(): number {
    return this.options.history?.bytes() ?? 0
  }

  /** Memory that a document takes here and elsewhere. */
  private taken(item: Item): number {
    return item.size + this.elsewhere
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
      this.bytes -= this.taken(replaced)
      item.used = true
      this.options.observer?.removed(replaced)
    }
    this.options.observer?.added(item)
    space.items.set(key, item)
    this.bytes += this.taken(item)
    this.stored++
    this.options.onChange?.({ kind: "mutation", document: item })
    return item
  }

  /** Exchanges a document for one that differs in neither size nor place; watchers are not told. */
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
      this.bytes += this.taken(tombstone)
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

  /** Puts an earlier version in place of whatever is there; watchers are not told. */
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
      this.options.observer?.added(item)
    }
    this.bytes += this.taken(item)
  }

  /** Forgets a tombstone. */
  forgetTombstone(space: Space, tombstone: Item): void {
    if (!space.tombstones.delete(tombstone.key)) return
    this.tombstones--
    this.bytes -= this.taken(tombstone)
  }

  /** Forgets all that a space holds; watchers are not told. */
  clear({ items, prepares, tombstones }: Space): void {
    for (const item of items.values()) {
      this.bytes -= this.taken(item)
      this.options.observer?.removed(item)
    }
    for (const tombstone of tombstones.values()) this.bytes -= this.taken(tombstone)
    for (const { item } of prepares.values()) this.bytes -= this.taken(item)
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
    this.options.observer?.removed(item)
    this.documents--
    this.bytes -= this.taken(item)
  }

  /**
   * Forgets tombstones, then documents: the oldest first, but those read since they were last passed over later.
   *
   * The hand goes on where it stopped, so that what is passed over or gone is met once a round and not once a write.
   */
  private evict(bytes: number): void {
    while (this.bytes > bytes && this.tombstones > 0) {
      const { item, space } = this.oldTombstones.next().value
      this.forgetTombstone(space, item)
    }
    while (this.bytes > bytes && this.documents > 0) {
      const { item, space } = this.hand.next().value
      if (item.used) {
        item.used = false
        space.items.delete(item.key)
        space.items.set(item.key, item)
      } else {
        this.take(space, item.key)
        this.evicted++
        this.options.observer?.evicted(item)
      }
    }
  }

  /** Round after round, everything that is there; asked only while there is something. */
  private *rounds(kind: "items" | "tombstones"): Generator<{ readonly space: Space; readonly item: Item }, never> {
    for (;;) {
      for (const space of this.spaces()) {
        let left = space[kind].size
        for (const item of space[kind].values()) {
          yield { space, item }
          // what was passed over comes again at the end, and has its turn in the next round
          if (--left <= 0) break
        }
      }
    }
  }
}
