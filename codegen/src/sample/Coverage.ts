/**
 * Which of the options that a spec leaves have been drawn: which case of a choice, which flag, which edge of a number, a list empty or not.
 * What is drawn next is preferably something that was not there yet.
 */
import type { Below } from "@wirewright/codec/Random"

/** What is preferred: the smallest of everything, the smallest in which a reader sees something, the largest, or what has not been there yet. */
export type Mode = "least" | "readable" | "most" | "any"

/** Draws of one option that came to nothing before it is no longer preferred. */
const patience = 8

/** Counts what was drawn. `Owner` is what options are met in. */
export class Coverage<Owner = unknown> {
  private readonly below: Below
  private readonly counts = new Map<string, number>()
  private readonly drawn = new Map<string, Set<number>>()
  private readonly failures = new Map<string, number>()
  private pending: Array<readonly [key: string, option: number]> = []
  private readonly owners = new Map<string, Owner>()
  /** What is being drawn. */
  owner: Owner | undefined
  /** Options that no draw led to a packet with. */
  readonly unreached = new Set<string>()

  constructor(below: Below) {
    this.below = below
  }

  /** One of `count` options, the smallest first. */
  pick(mode: Mode, key: string, count: number): number {
    if (count > (this.counts.get(key) ?? 0)) this.counts.set(key, count)
    if (this.owner !== undefined) this.owners.set(key, this.owner)
    const option = mode === "least" || mode === "readable" ? 0 : mode === "most" ? count - 1 : this.fresh(key, count)
    this.pending.push([key, option])
    return option
  }

  private fresh(key: string, count: number): number {
    const drawn = this.drawn.get(key)
    if ((drawn?.size ?? 0) >= count || this.below(5) === 0) return this.below(count)
    const open = Array.from({ length: count }, (_, i) => i).filter((option) => drawn?.has(option) !== true)
    return open.length === 0 ? this.below(count) : open[this.below(open.length)]!
  }

  /** Says whether what was picked since the last time became a packet; returns how many options were new. */
  settle(isThere: boolean): number {
    let fresh = 0
    for (const [key, option] of this.pending) {
      const drawn = this.drawn.get(key) ?? new Set()
      this.drawn.set(key, drawn)
      if (drawn.has(option)) {
        if (isThere) this.unreached.delete(`${key} ${option}`)
        continue
      }
      const name = `${key} ${option}`
      const failures = (this.failures.get(name) ?? 0) + 1
      if (!isThere) this.failures.set(name, failures)
      if (!isThere && failures < patience) continue
      if (!isThere) this.unreached.add(name)
      else fresh++
      drawn.add(option)
    }
    this.pending = []
    return fresh
  }

  /** Keys with options that are known and have not been drawn, and what they were met in last. */
  get open(): ReadonlyArray<{ readonly key: string; readonly owner: Owner | undefined; readonly options: ReadonlyArray<number> }> {
    return [...this.counts].flatMap(([key, count]) => {
      const drawn = this.drawn.get(key)
      const options = Array.from({ length: count }, (_, option) => option).filter((option) => drawn?.has(option) !== true)
      return options.length === 0 ? [] : [{ key, owner: this.owners.get(key), options }]
    })
  }

  /** Whether every option of a key has been drawn, or given up. */
  isDone(key: string): boolean {
    return (this.drawn.get(key)?.size ?? 0) >= (this.counts.get(key) ?? 0)
  }
}
