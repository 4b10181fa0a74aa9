/** What was asked by prefixes of keys, up to the first colon: `stats detail`. Source: memcached 1.6.18 `stats_prefix.c`. */

interface Counts {
  get: number
  hit: number
  set: number
  del: number
}

/** Most prefixes that are counted; a client that makes up new ones for ever fills nothing. */
const maxPrefixes = 10_000

/** Counts by prefix, while it is on. */
export class KeyPrefixes {
  /** Whether it counts. */
  on = false
  private readonly prefixes = new Map<string, Counts>()

  /** A key was asked for. */
  get(key: string, hit: boolean): void {
    const counts = this.of(key)
    if (counts === undefined) return
    counts.get++
    if (hit) counts.hit++
  }

  /** A key was to be set. */
  set(key: string): void {
    const counts = this.of(key)
    if (counts !== undefined) counts.set++
  }

  /** A key was to be removed. */
  remove(key: string): void {
    const counts = this.of(key)
    if (counts !== undefined) counts.del++
  }

  reset(): void {
    this.prefixes.clear()
  }

  /** A line for each prefix, and the line that ends them. */
  dump(): string {
    const lines = [...this.prefixes].map(([prefix, { del, get, hit, set }]) =>
      `PREFIX ${prefix} get ${get} hit ${hit} set ${set} del ${del}`
    )
    return [...lines, "END", ""].join("\r\n")
  }

  private of(key: string): Counts | undefined {
    if (!this.on) return undefined
    const end = key.indexOf(":")
    if (end < 0) return undefined
    const prefix = key.slice(0, end)
    const known = this.prefixes.get(prefix)
    if (known !== undefined || this.prefixes.size >= maxPrefixes) return known
    const counts = { get: 0, hit: 0, set: 0, del: 0 }
    this.prefixes.set(prefix, counts)
    return counts
  }
}
