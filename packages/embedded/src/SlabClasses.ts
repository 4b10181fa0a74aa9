/**
 * Items by the slab class that memcached would keep them in, for `stats items`, `stats slabs` and `stats sizes`.
 *
 * There are no slabs here: what is counted are the items, their sizes as memcached computes them, and what commands did to them; pages are as
 * many as the chunks would need. Sizes of classes: memcached 1.6.18 `slabs.c` with its own factor 1.25 and pages of 1 MiB.
 */

const page = 1024 * 1024
const smallest = 96
/** Ids of classes are below this and one: memcached has room for no more, however many there are. */
export const mostClasses = 63
const largest = page / 2
const factor = 1.25

/** Sizes of chunks, from class 1. */
export const chunkSizes: ReadonlyArray<number> = (() => {
  const sizes: Array<number> = []
  for (let size = smallest; size < largest / factor; size *= factor) {
    size = Math.ceil(size / 8) * 8
    sizes.push(size)
  }
  return [...sizes, largest]
})()

/** What commands did to the items of a class; names of `stats slabs`. */
const noHits = () => ({
  get_hits: 0,
  cmd_set: 0,
  delete_hits: 0,
  incr_hits: 0,
  decr_hits: 0,
  cas_hits: 0,
  cas_badval: 0,
  touch_hits: 0
})

/** Names of what is counted for each class. */
export type SlabCount = keyof ReturnType<typeof noHits>

/** The items of a class. */
class SlabClass {
  readonly id: number
  readonly chunkSize: number
  items = 0
  /** Most chunks that were used at a time; memcached keeps pages that it has. */
  maxChunks = 0
  chunks = 0
  requested = 0
  evicted = 0
  evictedUnfetched = 0
  hits = noHits()

  constructor(id: number) {
    this.id = id
    this.chunkSize = chunkSizes[id - 1]!
  }
}

/** Number of the class for items of `size` bytes; those above half a page are cut into chunks of the last one. */
export const slabClassOf = (size: number): number => {
  let low = 0
  let high = chunkSizes.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (chunkSizes[middle]! < size) low = middle + 1
    else high = middle
  }
  return low + 1
}

type Lines = Array<readonly [name: string, value: string]>

/** Counts items by class and by size. */
export class SlabClasses {
  private readonly classes: Array<SlabClass | undefined> = []
  /** How many items there are of sizes up to a multiple of 32; nothing while it is off. */
  private sizes: Map<number, number> | undefined
  /** CAS of the newest item that was there before sizes were counted. */
  private countedAbove = 0n

  /** Whether sizes are counted. */
  get countsSizes(): boolean {
    return this.sizes !== undefined
  }

  /** Counts the sizes of items that are stored from now on, or stops it. */
  countSizes(on: boolean, newestCas: bigint): void {
    this.sizes = on ? this.sizes ?? new Map() : undefined
    this.countedAbove = newestCas
  }

  added(size: number, cas: bigint): void {
    const slab = this.classOf(size)
    slab.items++
    slab.requested += size
    slab.chunks += Math.ceil(size / slab.chunkSize)
    if (slab.chunks > slab.maxChunks) slab.maxChunks = slab.chunks
    this.resized(size, cas, 1)
  }

  removed(size: number, cas: bigint): void {
    const slab = this.classOf(size)
    slab.items--
    slab.requested -= size
    slab.chunks -= Math.ceil(size / slab.chunkSize)
    this.resized(size, cas, -1)
  }

  evicted(size: number, unfetched: boolean): void {
    const slab = this.classOf(size)
    slab.evicted++
    if (unfetched) slab.evictedUnfetched++
  }

  hit(size: number, count: SlabCount): void {
    this.classOf(size).hits[count]++
  }

  /** Forgets what commands did. */
  reset(): void {
    for (const slab of this.used()) {
      slab.evicted = 0
      slab.evictedUnfetched = 0
      slab.hits = noHits()
    }
  }

  /** `stats items`. */
  items(): Lines {
    const lines: Lines = []
    for (const slab of this.used()) {
      if (slab.items === 0) continue
      // of memcached's four queues there is one here
      const values = {
        number: slab.items,
        number_hot: 0,
        number_warm: 0,
        number_cold: slab.items,
        age_hot: 0,
        age_warm: 0,
        age: 0,
        mem_requested: slab.requested,
        evicted: slab.evicted,
        evicted_nonzero: 0,
        evicted_time: 0,
        outofmemory: 0,
        tailrepairs: 0,
        reclaimed: 0,
        expired_unfetched: 0,
        evicted_unfetched: slab.evictedUnfetched,
        evicted_active: 0,
        crawler_reclaimed: 0,
        crawler_items_checked: 0,
        lrutail_reflocked: 0,
        moves_to_cold: 0,
        moves_to_warm: 0,
        moves_within_lru: 0,
        direct_reclaims: 0,
        hits_to_hot: 0,
        hits_to_warm: 0,
        hits_to_cold: slab.hits.get_hits,
        hits_to_temp: 0
      }
      for (const [name, value] of Object.entries(values)) lines.push([`items:${slab.id}:${name}`, String(value)])
    }
    return lines
  }

  /** `stats slabs`. */
  slabs(): Lines {
    const lines: Lines = []
    let active = 0
    let allocated = 0
    for (const slab of this.used()) {
      const perPage = Math.floor(page / slab.chunkSize)
      const pages = Math.ceil(slab.maxChunks / perPage)
      if (pages === 0) continue
      active++
      allocated += pages * page
      const values = {
        chunk_size: slab.chunkSize,
        chunks_per_page: perPage,
        total_pages: pages,
        total_chunks: pages * perPage,
        used_chunks: slab.chunks,
        free_chunks: pages * perPage - slab.chunks,
        free_chunks_end: 0,
        ...slab.hits
      }
      for (const [name, value] of Object.entries(values)) lines.push([`${slab.id}:${name}`, String(value)])
    }
    return [...lines, ["active_slabs", String(active)], ["total_malloced", String(allocated)]]
  }

  /** `stats sizes`: upper ends of the ranges, and how many items each has. */
  histogram(): Lines {
    if (this.sizes === undefined) return [["sizes_status", "disabled"]]
    return [...this.sizes].filter(([, count]) => count > 0).sort(([a], [b]) => a - b).map(([size, count]) => [String(size), String(count)])
  }

  private *used(): Iterable<SlabClass> {
    for (const slab of this.classes) if (slab !== undefined) yield slab
  }

  private classOf(size: number): SlabClass {
    const id = slabClassOf(size)
    return this.classes[id] ??= new SlabClass(id)
  }

  private resized(size: number, cas: bigint, by: number): void {
    if (this.sizes === undefined || cas <= this.countedAbove) return
    const range = Math.ceil(size / 32) * 32
    this.sizes.set(range, (this.sizes.get(range) ?? 0) + by)
  }
}
