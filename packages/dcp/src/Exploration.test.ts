/** Every schedule of small worlds: nothing is lost in any of them, and each mistake is shown by a shortest schedule. */
import { describe, expect, it } from "vitest"
import { type Bounds, type Exploration, explore } from "./Exploration.fixture.ts"
import { tried } from "../../codec/src/Whole.fixture.ts"
import { followTransitions } from "./VbucketFollower.ts"
import { type Mistake, mistakes } from "./World.fixture.ts"

const nothing: Bounds = {
  seqnos: 0,
  keys: 2,
  failovers: 0,
  lost: 2,
  purges: 0,
  crashes: 0,
  restarts: 0,
  disconnects: 0,
  evictions: 0,
  closures: 0
}

describe("exploration", () => {
  const seen = new Set<string>()

  /** Changes of the worlds with most states, of which each change makes many times more. */
  const seqnos = tried(2, 3)

  it.each<[string, Partial<Exploration>]>([
    ["a failover, a crash, a purge", { seqnos, failovers: 1, crashes: 1, purges: 1 }],
    ["two failovers, a crash", { seqnos, failovers: 2, crashes: 1 }],
    ["a failover, a broken connection, a restart", { seqnos, failovers: 1, disconnects: 1, restarts: 1 }],
    ["a failover, a crash, snapshots from disk", { seqnos, failovers: 1, crashes: 1, evictions: 1 }],
    ["a failover, a crash, snapshots of closed checkpoints", {
      seqnos: 2,
      failovers: 1,
      crashes: 1,
      closures: 1,
      disconnects: tried(0, 1)
    }],
    ["a failover whose branch begins below what is held, a crash", { seqnos, lost: 1, failovers: 1, unpersisted: 2, crashes: 1 }],
    ["two failovers whose branches begin below what is held", { seqnos, lost: 1, failovers: 2, unpersisted: 1 }],
    ["two crashes, a purge", { seqnos, crashes: 2, purges: 1 }],
    ["a filter", { seqnos: seqnos + 1, keys: 3, failovers: 1, filtered: true }],
    ["an application that always rebuilds", { seqnos: 2, failovers: tried(1, 2), crashes: 1, purges: 1, strategy: "rebuild" }]
  ])("%s: nothing is lost in any schedule", (_, bounds) => {
    const found = explore({ ...nothing, ...bounds, onTransition: (from, to) => seen.add(`${from} → ${to}`) })
    expect(found.wrong).toBeUndefined()
    expect(found.complete).toBe(true)
    expect(found.compared).toBeGreaterThan(100)
  }, 300_000)

  it("every transition that came is in the table, and those of the table came that a world without refusals has", () => {
    const table = new Set(Object.entries(followTransitions).flatMap(([from, all]) => all.map((to) => `${from} → ${to}`)))
    expect([...seen].filter((name) => !table.has(name))).toEqual([])
    // what a producer that refuses, violates or ends streams brings is in consumer.test.ts
    const elsewhere = /Requesting → Draining|Waiting|Locating|AwaitingMap|Closing|Finished|Failed/
    expect([...table].filter((name) => !seen.has(name) && !elsewhere.test(name))).toEqual([])
  })

  /** The smallest worlds that have what each mistake takes. */
  const worlds: { readonly [Name in Mistake]: Partial<Exploration> } = {
    "resumes where it is told": { seqnos: 2, failovers: 1, purges: 1 },
    "stores (s,s) in mid-snapshot": { seqnos: 3, failovers: 1 },
    "collapses the snapshot at SEQNO_ADVANCED": { seqnos: 4, keys: 2, failovers: 1, filtered: true },
    "skips what is not processed": { seqnos: 3, crashes: 1, unordered: true },
    "keeps what a lost branch had": { seqnos: 1, failovers: 1, crashes: 1 },
    "keeps what was purged": { seqnos: 2, crashes: 1, purges: 1 },
    "delivers without announcing it": { seqnos: 1, failovers: 1, crashes: 1 },
    "forgets that undoing is owed": { seqnos: 2, failovers: 1, crashes: 1 }
  }

  it.each(mistakes)("a consumer that %s: a shortest schedule shows it", (mistake) => {
    const found = explore({ ...nothing, ...worlds[mistake], mistake })
    expect(found.wrong?.differences).toHaveLength(1)
    // and without the mistake, the same world has no such schedule
    expect(explore({ ...nothing, ...worlds[mistake] }).wrong).toBeUndefined()
  }, 300_000)
})
