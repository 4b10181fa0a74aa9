/**
 * What the documents of a memcached or Couchbase server do: store, count, expire, lock, be forgotten.
 *
 * The one implementation of document semantics: both personalities and all tests use it. It is pure: the clock is a parameter, nothing
 * happens on its own (expiry is noticed by whoever looks), and it knows no packets and no connections. A refusal is a string, so an outcome
 * costs nothing but a comparison. Sources: memcached 1.6 `doc/protocol.txt`, kv_engine `docs/BinaryProtocol.md`.
 */
import { decimalBytes, paddedTo, parseDecimal } from "./DecimalText.ts"
import {
  absoluteExpiry,
  type Change,
  type Condition,
  type Content,
  type Counting,
  doNotCreate,
  lockedCas,
  type Refusal,
  type StoreCounters,
  type StoreOptions,
  type Version
} from "./Document.ts"
import { atOnce, type Sliced } from "./Slices.ts"
import { HashTable, Item, type Prepared, type Space, type Vbucket } from "./HashTable.ts"

/** What may be said of bytes that are added to a document. */
export type Addition = Condition & { readonly datatype?: number }

/** Documents that are swept over before others may have their turn. */
const stride = 1_024

const nothing = new Uint8Array(0)

/** What is known of a document that is still the same one. */
const keepMarks = (item: Item, { accessedAt, alreadyWon, base64, fetched, stale }: Item): void => {
  item.accessedAt = accessedAt
  item.alreadyWon = alreadyWon
  item.base64 = base64
  item.fetched = fetched
  item.stale = stale
}

/** The documents of a server, and what may be done to them. */
export class Store {
  private readonly options: StoreOptions
  private readonly maxItemSize: number
  private readonly table: HashTable
  /** Unix time in milliseconds of a flush to come; 0: none. */
  private flushAt = 0

  constructor(options: StoreOptions) {
    this.options = options
    this.maxItemSize = options.maxItemSize ?? 20 * 1024 * 1024
    this.table = new HashTable(options)
  }

  /** What it holds and has done. */
  get counters(): StoreCounters {
    return this.table.counters
  }

  /** Largest value and most memory, in bytes. */
  get limits(): { readonly maxItemSize: number; readonly maxMemory: number } {
    return { maxItemSize: this.maxItemSize, maxMemory: this.table.maxMemory }
  }

  /** Sets the most memory for documents in bytes; what is there stays. */
  limitMemory(bytes: number): void {
    this.table.maxMemory = bytes
  }

  /** A vbucket; made when it is first asked for. */
  vbucket(id: number): Vbucket {
    return this.table.vbucket(id)
  }

  /** The documents of a collection in a vbucket. */
  space(vbucketId: number, collection = 0): Space {
    return this.table.space(vbucketId, collection)
  }

  /** Reads a document. */
  get(space: Space, key: string): Item | undefined {
    const item = this.peek(space, key)
    if (item === undefined) return undefined
    item.used = true
    item.fetched = true
    return item
  }

  /** Looks at a document, which does not count as reading it. */
  peek(space: Space, key: string): Item | undefined {
    if (this.flushAt !== 0) this.flushIfDue()
    const item = space.items.get(key)
    if (item === undefined) return undefined
    if (this.isExpired(item)) {
      // what a waiting change makes of it, its commit tells
      if (!space.prepares.has(key)) this.table.bury(space, key, "expiration", { value: nothing })
      return undefined
    }
    return item
  }

  /** CAS of the newest change. */
  get newestCas(): bigint {
    return this.table.newestCas
  }

  /** Documents whose expiry was noticed. */
  get expired(): number {
    return this.table.expiredCount
  }

  /** Reads a document, or what is left of it. */
  getDeleted(space: Space, key: string): Item | undefined {
    return this.get(space, key) ?? space.tombstones.get(key)
  }

  /** Whether a document's time is over, which may not have been noticed yet. */
  isExpired(item: Item): boolean {
    return item.expiry !== 0 && item.expiry * 1000 <= this.options.now()
  }

  /** Whether a document is locked. */
  isLocked(item: Item): boolean {
    return item.lockedUntil !== 0 && item.lockedUntil > this.options.now()
  }

  /** The CAS of a document as readers see it: 2⁶⁴−1 while it is locked. */
  casOf(item: Item): bigint {
    return this.isLocked(item) ? lockedCas : item.cas
  }

  /** Stores a document whether it exists or not; with a CAS it must. */
  set(space: Space, key: string, content: Content, condition?: Condition): Item | Refusal {
    const current = this.peek(space, key)
    const refused = this.waits(space, key) ?? this.refusal(current, condition?.cas, "KeyEnoent")
    return refused ?? this.write(space, key, content, current, condition?.preserveExpiry === true)
  }

  /** Stores a document that must not exist. */
  add(space: Space, key: string, content: Content): Item | Refusal {
    if (space.prepares.has(key)) return "SyncWriteInProgress"
    return this.peek(space, key) === undefined ? this.write(space, key, content, undefined, false) : "KeyEexists"
  }

  /** Stores a document that must exist. */
  replace(space: Space, key: string, content: Content, condition?: Condition): Item | Refusal {
    const current = this.peek(space, key)
    if (current === undefined) return this.waits(space, key) ?? "KeyEnoent"
    const refused = this.waits(space, key) ?? this.refusal(current, condition?.cas, "KeyEnoent")
    return refused ?? this.write(space, key, content, current, condition?.preserveExpiry === true)
  }

  /** Removes a document; returns its tombstone. */
  remove(space: Space, key: string, condition?: Condition): Item | Refusal {
    const current = this.peek(space, key)
    if (current === undefined) return this.waits(space, key) ?? "KeyEnoent"
    const refused = this.waits(space, key) ?? this.refusal(current, condition?.cas, "KeyEnoent")
    return refused ?? this.table.bury(space, key, "deletion", { value: nothing })
  }

  /**
   * Makes a tombstone with a value, of a document or of nothing: what is left of it are system attributes. The caller has checked what there
   * is to check.
   */
  removeWithValue(space: Space, key: string, content: Content): Item | Refusal {
    const current = this.peek(space, key)
    const refused = this.waits(space, key) ?? this.noRoom(key, content.value.length, content.flags ?? 0, current)
    return refused ?? this.table.bury(space, key, "deletion", { ...content, value: new Uint8Array(content.value) })
  }

  /** Adds bytes after a document, which keeps flags and expiry. */
  append(space: Space, key: string, value: Uint8Array, addition?: Addition): Item | Refusal {
    return this.extend(space, key, value, addition, true)
  }

  /** Adds bytes in front of a document, which keeps flags and expiry. */
  prepend(space: Space, key: string, value: Uint8Array, addition?: Addition): Item | Refusal {
    return this.extend(space, key, value, addition, false)
  }

  /** Counts up or down. The document holds decimal text and keeps flags and expiry. */
  count(space: Space, key: string, counting: Counting): { readonly item: Item; readonly value: bigint } | Refusal {
    const current = this.peek(space, key)
    const waits = this.waits(space, key)
    if (waits !== undefined) return waits
    if (current === undefined) {
      if (counting.expiration === doNotCreate) return "KeyEnoent"
      const item = this.write(space, key, { value: decimalBytes(counting.initial), expiration: counting.expiration }, undefined, false)
      return typeof item === "string" ? item : { item, value: counting.initial }
    }
    const refused = this.refusal(current, counting.cas, "KeyEnoent")
    if (refused !== undefined) return refused
    const before = parseDecimal(current.value)
    if (before === undefined) return "DeltaBadval"
    const { delta, down } = counting
    const value = down ? before > delta ? before - delta : 0n : BigInt.asUintN(64, before + delta)
    const digits = decimalBytes(value)
    const inPlace = this.options.countsInPlace === true && digits.length <= current.value.length
    const content = {
      value: inPlace ? paddedTo(digits, current.value.length) : digits,
      flags: current.flags,
      datatype: current.datatype
    }
    const item = this.write(space, key, content, current, true)
    if (inPlace && typeof item !== "string") keepMarks(item, current)
    return typeof item === "string" ? item : { item, value }
  }

  /** Sets the expiry of a document and returns it. */
  touch(space: Space, key: string, expiration: number): Item | Refusal {
    const current = this.peek(space, key)
    if (current === undefined) return "KeyEnoent"
    if (space.prepares.has(key)) return "SyncWriteInProgress"
    if (this.isLocked(current)) return "Locked"
    const expiry = absoluteExpiry(expiration, this.options.now())
    if (expiry === current.expiry) return current
    const { cas, datatype, flags, revSeqno, seqno, value } = current
    if (this.options.quietTouch !== true) return this.table.put(space, key, value, flags, datatype, expiry, current)
    const item = new Item(space, key, value, flags, datatype, expiry, cas, seqno, revSeqno, false)
    item.used = true
    keepMarks(item, current)
    this.table.exchange(space, item)
    return item
  }

  /** Marks a document as stale: it stays, with a new CAS and where one is given another expiry, for whoever is told first to make it anew. */
  invalidate(
    space: Space,
    key: string,
    { cas, expiration }: { readonly cas?: bigint; readonly expiration?: number | undefined }
  ): Item | Refusal {
    const current = this.peek(space, key)
    if (current === undefined) return "KeyEnoent"
    const refused = this.waits(space, key) ?? this.refusal(current, cas, "KeyEnoent")
    if (refused !== undefined) return refused
    const { datatype, flags, revSeqno, seqno, value } = current
    const expiry = expiration === undefined ? current.expiry : absoluteExpiry(expiration, this.options.now())
    const item = new Item(space, key, value, flags, datatype, expiry, this.table.nextCas(), seqno, revSeqno, false)
    keepMarks(item, current)
    item.stale = true
    item.alreadyWon = false
    this.table.exchange(space, item)
    return item
  }

  /** Locks a document for others and returns it with a new CAS, which unlocks it; 0 seconds is 15, and 30 the most. */
  getAndLock(space: Space, key: string, seconds: number): Item | Refusal {
    const current = this.peek(space, key)
    if (current === undefined) return "KeyEnoent"
    if (space.prepares.has(key)) return "SyncWriteInProgress"
    if (this.isLocked(current)) return "LockedTmpfail"
    const { datatype, expiry, flags, revSeqno, seqno, value } = current
    const item = new Item(space, key, value, flags, datatype, expiry, this.table.nextCas(), seqno, revSeqno, false)
    item.lockedUntil = this.options.now() + (seconds === 0 || seconds > 30 ? 15 : seconds) * 1000
    this.table.exchange(space, item)
    return item
  }

  /** Takes a lock away before its time. */
  unlock(space: Space, key: string, cas: bigint): Item | Refusal {
    const current = this.peek(space, key)
    if (current === undefined) return "KeyEnoent"
    if (space.prepares.has(key)) return "SyncWriteInProgress"
    if (!this.isLocked(current)) return "NotLocked"
    if (current.cas !== cas) return "LockedTmpfail"
    current.lockedUntil = 0
    return current
  }

  /** Forgets all documents, now (0) or at an expiration as on the wire. */
  flush(expiration = 0): void {
    if (expiration === 0) {
      this.flushAt = 0
      for (const space of this.table.spaces()) this.table.clear(space)
      return
    }
    this.flushAt = absoluteExpiry(expiration, this.options.now()) * 1000
    this.flushIfDue()
  }

  /** Forgets what a collection holds in a vbucket, without a change for each document. */
  drop(collection: number, vbucketId: number): void {
    const { spaces } = this.table.vbucket(vbucketId)
    const space = spaces.get(collection)
    if (space === undefined) return
    this.table.clear(space)
    spaces.delete(collection)
  }

  /** Runs something whose change of a document is not made but prepared; `prepared` is told of it. */
  prepare<A>(run: () => A, prepared: (change: Change) => void): A {
    return this.table.prepare(run, prepared)
  }

  /** Keeps a change that waits for copies. */
  hold(space: Space, prepared: Prepared): void {
    this.table.hold(space, prepared)
  }

  /** Makes a change that waited. Returns the new version; nothing when there is none. */
  commit(space: Space, key: string): Item | undefined {
    return this.table.commit(space, key)
  }

  /** Forgets a change that waited, and takes a seqno for that. */
  abort(space: Space, key: string): bigint | undefined {
    return this.table.release(space, key) === undefined ? undefined : ++space.vbucket.highSeqno
  }

  /** Exchanges all that a vbucket holds; watchers are not told. */
  exchange(vbucketId: number, items: Iterable<Item>, highSeqno: bigint): void {
    const vbucket = this.table.vbucket(vbucketId)
    for (const space of vbucket.spaces.values()) this.table.clear(space)
    for (const space of vbucket.spaces.values()) space.highSeqno = 0n
    for (const item of items) {
      const space = this.table.space(vbucketId, item.collection)
      this.table.restore(space, item.key, item)
      if (item.seqno > space.highSeqno) space.highSeqno = item.seqno
    }
    vbucket.highSeqno = highSeqno
  }

  /** Puts back what a document was before changes that were lost; nothing when there was nothing. */
  restore(space: Space, key: string, item: Item | undefined): void {
    this.table.restore(space, key, item)
  }

  /** Forgets a tombstone. */
  forget(space: Space, tombstone: Item): void {
    this.table.forgetTombstone(space, tombstone)
  }

  /** Notices the expiry of documents that are not read, and forgets tombstones older than `purgeAge` seconds. */
  *sweepSteps(purgeAge = 259_200): Sliced<void> {
    this.flushIfDue()
    const now = this.options.now()
    let passed = 0
    for (const space of this.table.spaces()) {
      for (const { expiry, key } of space.items.values()) {
        if (++passed % stride === 0) yield
        if (expiry !== 0 && expiry * 1000 <= now && !space.prepares.has(key)) this.table.bury(space, key, "expiration", { value: nothing })
      }
      for (const tombstone of space.tombstones.values()) {
        if (++passed % stride === 0) yield
        if ((tombstone.expiry + purgeAge) * 1000 <= now) this.table.forgetTombstone(space, tombstone)
      }
    }
  }

  /** The same, all at once. */
  sweep(purgeAge?: number): void {
    atOnce(this.sweepSteps(purgeAge))
  }

  private flushIfDue(): void {
    if (this.flushAt !== 0 && this.flushAt <= this.options.now()) this.flush()
  }

  /** Stores a version in full, whatever is there: the caller has checked what there is to check. */
  keep(space: Space, key: string, version: Version): Item | Refusal {
    const waits = this.waits(space, key)
    if (waits !== undefined) return waits
    const { flags, value } = version
    const length = typeof value === "function" ? value(0n, 0n).length : value.length
    return this.noRoom(key, length, flags, space.items.get(key)) ?? this.table.keep(space, key, version)
  }

  private waits(space: Space, key: string): Refusal | undefined {
    return space.prepares.has(key) ? "SyncWriteInProgress" : undefined
  }

  /** Why a write is refused because of what is there. */
  refusal(current: Item | undefined, cas: bigint | undefined, whenMissing: Refusal): Refusal | undefined {
    if (current === undefined) return cas === undefined || cas === 0n ? undefined : whenMissing
    if (cas !== undefined && cas === current.cas) return undefined
    if (current.lockedUntil !== 0 && this.isLocked(current)) return "Locked"
    return cas === undefined || cas === 0n ? undefined : "KeyEexists"
  }

  private extend(space: Space, key: string, value: Uint8Array, addition: Addition | undefined, atEnd: boolean): Item | Refusal {
    const current = this.peek(space, key)
    const waits = this.waits(space, key)
    if (waits !== undefined) return waits
    if (current === undefined) return "NotStored"
    const refused = this.refusal(current, addition?.cas, "NotStored")
    if (refused !== undefined) return refused
    const length = current.value.length + value.length
    const noRoom = this.noRoom(key, length, current.flags, current)
    if (noRoom !== undefined) return noRoom
    const [first, second] = atEnd ? [current.value, value] : [value, current.value]
    const joined = new Uint8Array(length)
    joined.set(first)
    joined.set(second, first.length)
    return this.table.put(space, key, joined, current.flags, addition?.datatype ?? current.datatype, current.expiry, current)
  }

  /** Stores a new version in place of `current`. */
  private write(space: Space, key: string, content: Content, current: Item | undefined, keepExpiry: boolean): Item | Refusal {
    const { datatype = 0, expiration = 0, flags = 0, value } = content
    const refused = this.noRoom(key, value.length, flags, current)
    if (refused !== undefined) return refused
    const kept = keepExpiry && current !== undefined
    // most have none, and asking for the time takes longer than that
    const expiry = kept ? current.expiry : expiration === 0 ? 0 : absoluteExpiry(expiration, this.options.now())
    // what arrived is a view into a buffer that holds much more
    return this.table.put(space, key, new Uint8Array(value), flags, datatype, expiry, current)
  }

  /** Whether a document would be larger than documents may be. */
  tooLarge(key: string, valueLength: number, flags: number): Refusal | undefined {
    const { itemSize } = this.options
    const size = itemSize === undefined ? valueLength : itemSize(key, valueLength, flags)
    return size > this.maxItemSize ? "E2big" : undefined
  }

  private noRoom(key: string, valueLength: number, flags: number, current: Item | undefined): Refusal | undefined {
    return this.tooLarge(key, valueLength, flags) ?? (this.table.makeRoom(key, valueLength, current) ? undefined : "Enomem")
  }
}
