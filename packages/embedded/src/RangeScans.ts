/**
 * Range scans of one node: what each of them has still to return, in the order of the keys' bytes, and how many of them there may be.
 *
 * Pure; the clock is given. A scan has what the collection held when it was made, whatever becomes of the documents later. It is a heap:
 * making it costs n, each key after that log n, so that neither a large collection nor a scan that is given up costs a long turn. What a scan
 * holds is counted as if it alone held it, and shrinks as it is read. Sources: kv_engine docs/range_scans, engines/ep/src/range_scans.
 */
import { compareText, textLength } from "@wirewright/codec"
import { Status } from "@wirewright/couchbase/gen"
import type { Item, Space } from "./HashTable.ts"
import { type ScanRequest, selects } from "./ScanRequest.ts"
import type { Sliced } from "./Slices.ts"

/** Limits of a node's scans. */
export interface ScanLimits {
  /** Scans that are open at a time. Default: 1024, one of each vbucket. */
  readonly maxScans?: number
  /** Bytes of keys and documents that they hold together. Default: 256 MiB. */
  readonly maxMemory?: number
  /** Milliseconds after which a scan is cancelled. Default: 180 000. */
  readonly lifetime?: number
}

/** How much one RANGE_SCAN_CONTINUE returns at most; 0 is no limit. */
export interface ContinueLimits {
  readonly items: number
  /** Milliseconds. */
  readonly time: number
  readonly bytes: number
}

/** Some of what a scan returns: one packet. */
export interface ScanPart {
  readonly items: ReadonlyArray<Item>
  /** Keys, of a scan that returns nothing else. */
  readonly keys: ReadonlyArray<string>
  /** `Success`: there is more of this continue. `RangeScanMore`: a limit was reached. `RangeScanComplete`: that was all. */
  readonly status: number
}

/** Bytes that fill a packet: what makes it this long or longer is the last in it (kv_engine, `range_scan_read_buffer_send_size`). */
export const packetSize = 8192

/** Memory of a key beside its text, roughly. */
const bookkeeping = 40

/** Documents that are looked at before others may have their turn. */
const stride = 4_096

type Entry = Item | string

const keyOf = (entry: Entry): string => typeof entry === "string" ? entry : entry.key
const memoryOf = (entry: Entry): number => typeof entry === "string" ? entry.length + bookkeeping : entry.size

/** The smallest of many by their keys. */
class KeyHeap {
  private readonly entries: Array<Entry>

  private constructor(entries: Array<Entry>) {
    this.entries = entries
  }

  static *of(entries: Array<Entry>): Sliced<KeyHeap> {
    const heap = new KeyHeap(entries)
    for (let at = (entries.length >> 1) - 1; at >= 0; at--) {
      heap.sink(at)
      if (at % stride === 0) yield
    }
    return heap
  }

  get size(): number {
    return this.entries.length
  }

  take(): Entry {
    const { entries } = this
    const first = entries[0]!
    const last = entries.pop()!
    if (entries.length > 0) {
      entries[0] = last
      this.sink(0)
    }
    return first
  }

  private sink(from: number): void {
    const { entries } = this
    const entry = entries[from]!
    let at = from
    for (;;) {
      let child = 2 * at + 1
      if (child >= entries.length) break
      if (child + 1 < entries.length && compareText(keyOf(entries[child + 1]!), keyOf(entries[child]!)) < 0) child++
      if (compareText(keyOf(entry), keyOf(entries[child]!)) <= 0) break
      entries[at] = entries[child]!
      at = child
    }
    entries[at] = entry
  }
}

/** Where a scan is, and whose it is. */
export interface ScanPlace {
  readonly bucket: object
  readonly vbucket: number
  readonly collection: number
}

interface ScanLife {
  readonly owner: object
  readonly ends: number
  readonly now: () => number
}

/** One scan. */
export class RangeScan {
  readonly uuid: Uint8Array
  readonly place: ScanPlace
  readonly keyOnly: boolean
  readonly includeXattrs: boolean
  /** Milliseconds of the clock at which its life is over. */
  readonly ends: number
  /** Somebody is reading it. */
  continuing = false
  /** It was taken away from whoever is reading it: why. */
  cancelled: number | undefined
  /** Who made it, or read it last; it is gone with them. */
  owner: object
  /** Called once, when it is no more. */
  onEnd: () => void = () => {}
  private readonly heap: KeyHeap
  private held: number
  private readonly now: () => number

  constructor(uuid: Uint8Array, place: ScanPlace, request: ScanRequest, heap: KeyHeap, held: number, given: ScanLife) {
    this.uuid = uuid
    this.place = place
    this.keyOnly = request.keyOnly
    this.includeXattrs = request.includeXattrs
    this.heap = heap
    this.held = held
    this.owner = given.owner
    this.ends = given.ends
    this.now = given.now
  }

  /** Memory of what it has not returned yet. */
  get memory(): number {
    return this.held
  }

  /** Begins to return what the limits allow; each result is one packet, until one has another status than `Success`. */
  read(limits: ContinueLimits): () => ScanPart {
    const deadline = limits.time === 0 ? Infinity : this.now() + limits.time
    let count = 0
    let bytes = 0
    return () => {
      const items: Array<Item> = []
      const keys: Array<string> = []
      let size = 0
      while (this.heap.size > 0) {
        const entry = this.heap.take()
        this.held -= memoryOf(entry)
        const length = textLength(keyOf(entry)) + (typeof entry === "string" ? 0 : entry.value.length)
        if (typeof entry === "string") keys.push(entry)
        else items.push(entry)
        count++
        bytes += length
        size += length
        // a limit that ends a continue says nothing about whether there is more, as kv_engine
        const reached = limits.items !== 0 && count >= limits.items || limits.bytes !== 0 && bytes >= limits.bytes || this.now() >= deadline
        if (reached) return { items, keys, status: Status.RangeScanMore }
        if (size >= packetSize) return { items, keys, status: Status.Success }
      }
      return { items, keys, status: Status.RangeScanComplete }
    }
  }
}

const hex = (bytes: Uint8Array): string => {
  let out = ""
  for (const byte of bytes) out += byte.toString(16).padStart(2, "0")
  return out
}

/** What scans need of the world. */
export interface ScanEnvironment {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
  /** 16 random bytes. */
  readonly uuid: () => Uint8Array
}

/** The scans of a node. */
export class RangeScans {
  private readonly world: ScanEnvironment
  private readonly maxScans: number
  private readonly maxMemory: number
  private readonly lifetime: number
  private readonly scans = new Map<string, RangeScan>()
  /** Those that wait for a seqno before they begin. */
  private waiting = 0

  constructor(limits: ScanLimits, world: ScanEnvironment) {
    this.maxScans = limits.maxScans ?? 1024
    this.maxMemory = limits.maxMemory ?? 256 * 1024 * 1024
    this.lifetime = limits.lifetime ?? 180_000
    this.world = world
  }

  /** How many are open. */
  get size(): number {
    return this.scans.size
  }

  /** Memory of all that they have not returned yet. */
  get memory(): number {
    let sum = 0
    for (const scan of this.scans.values()) sum += scan.memory
    return sum
  }

  private get hasRoom(): boolean {
    this.sweep()
    return this.scans.size + this.waiting < this.maxScans
  }

  /** Takes a place for a scan that is about to begin; the result gives it back. Nothing when all are taken. */
  reserve(): (() => void) | undefined {
    if (!this.hasRoom) return undefined
    this.waiting++
    return () => void this.waiting--
  }

  /**
   * Makes a scan of what a collection holds when it begins; `unixTime`, in milliseconds, says what has expired. Returns it, or the status of
   * the answer: `KeyEnoent` when there is nothing to return, `Ebusy` when others take up too much, `Enomem` when it would not fit alone.
   */
  *create(request: ScanRequest, place: ScanPlace, space: Space, unixTime: number, owner: object): Sliced<RangeScan | number> {
    if (!this.hasRoom) return Status.Ebusy
    // versions of documents do not change; which ones there are does
    const items = [...space.items.values()]
    const lives = ({ expiry }: Item): boolean => expiry === 0 || expiry * 1000 > unixTime
    let count = 0
    for (const item of items) if (lives(item)) count++
    if (count === 0) return Status.KeyEnoent
    yield
    const wanted = selects(request.selection, count)
    const free = this.maxMemory - this.memory
    const entries: Array<Entry> = []
    let held = 0
    for (const [at, item] of items.entries()) {
      if (at % stride === stride - 1) yield
      if (!lives(item) || !wanted(item.key)) continue
      const entry = request.keyOnly ? item.key : item
      held += memoryOf(entry)
      if (held > this.maxMemory) return Status.Enomem
      // counted on, to tell what never fits from what fits later
      if (held <= free) entries.push(entry)
    }
    if (held > free) return Status.Ebusy
    if (held === 0 && request.selection._tag === "Range") return Status.KeyEnoent
    const heap = yield* KeyHeap.of(entries)
    // others may have made some meanwhile
    if (held > this.maxMemory - this.memory || !this.hasRoom) return Status.Ebusy
    const { now, uuid } = this.world
    const scan = new RangeScan(uuid(), place, request, heap, held, { owner, ends: now() + this.lifetime, now })
    this.scans.set(hex(scan.uuid), scan)
    return scan
  }

  /** A scan, unless it is none or its life is over. */
  find(uuid: Uint8Array): RangeScan | undefined {
    this.sweep()
    return this.scans.get(hex(uuid))
  }

  /** Ends a scan; whoever reads it is told `status`. */
  remove(scan: RangeScan, status: number): void {
    scan.cancelled ??= status
    if (this.scans.delete(hex(scan.uuid))) scan.onEnd()
  }

  /** Ends the scans of a client that is gone. */
  abandon(owner: object): void {
    for (const scan of this.scans.values()) if (scan.owner === owner) this.remove(scan, Status.RangeScanCancelled)
  }

  /** Ends the scans whose life is over. */
  sweep(): void {
    const now = this.world.now()
    for (const scan of this.scans.values()) {
      // all live equally long, so the oldest is over first
      if (now < scan.ends) return
      this.remove(scan, Status.RangeScanCancelled)
    }
  }
}
