/**
 * How many packets of ours programs of others took, by the titles of the gallery's table. They are held against `test/gallery/accepted.json`,
 * from which the table has them, because its own tests run without peers; `UPDATE_ACCEPTED=1` writes it.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { expect } from "vitest"

const file = new URL("../../gallery/accepted.json", import.meta.url)

type Counts = { readonly [title: string]: number }

/** Counts what peers took in one file of tests. */
export class Accepted {
  private readonly counts = new Map<string, number>()

  /** A peer took so many packets more. */
  add(title: string, packets: number): void {
    this.counts.set(title, (this.counts.get(title) ?? 0) + packets)
  }

  /** Fails when another number of packets was taken than the file says. Protocols that were not tried, for want of a peer, are passed over. */
  hold(): void {
    const known = JSON.parse(readFileSync(file, "utf8")) as Counts
    const own = Object.fromEntries(this.counts)
    if (process.env["UPDATE_ACCEPTED"] === "1") {
      const all = Object.entries({ ...known, ...own }).sort(([a], [b]) => a < b ? -1 : 1)
      writeFileSync(file, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`)
      return
    }
    expect(own).toEqual(Object.fromEntries(Object.keys(own).map((title) => [title, known[title]])))
  }
}
