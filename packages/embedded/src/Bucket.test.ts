/** Versions that were replaced count towards a bucket's limit of memory, as long as its histories have them, and give way to documents. */
import { describe, expect, test } from "vitest"
import { Bucket } from "./Bucket.ts"

const size = 100_000
const maxMemory = 2_000_000

const make = (history = {}): Bucket =>
  new Bucket({ name: "b", vbuckets: 4, maxMemory, history }, { now: () => 1_750_000_000_000, uuid: () => 7n })

/** Bytes of all values that the bucket's histories can still tell of or take back. */
const held = (bucket: Bucket): number => {
  const values = new Set<Uint8Array>()
  const visit = (thing: unknown, seen: Set<object>): void => {
    if (thing instanceof Uint8Array) return void values.add(thing)
    if (typeof thing !== "object" || thing === null || seen.has(thing)) return
    seen.add(thing)
    if (thing instanceof Map) { for (const one of thing.values()) visit(one, seen) }
    else if (Array.isArray(thing)) { for (const one of thing) visit(one, seen) }
    else for (const one of Object.values(thing)) visit(one, seen)
  }
  const seen = new Set<object>()
  for (const { history } of bucket.allVbuckets) visit(history, seen)
  return [...values].reduce((sum, value) => sum + value.length, 0)
}

describe("memory of histories", () => {
  test.each([["with 1 000 changes that can be taken back", {}], ["with none", { undoable: 0, checkpointItems: 3 }]])(
    "a key that is written again and again, %s",
    (_, history) => {
      const bucket = make(history)
      for (let i = 0; i < 500; i++) {
        const outcome = bucket.store.set(bucket.store.space(i % 4), "k", { value: new Uint8Array(size) })
        expect(typeof outcome, `write ${i}`).toBe("object")
        // one version may be over: it is replaced after room was made for the next
        expect(held(bucket)).toBeLessThan(maxMemory + 2 * size)
      }
      // nothing is lost of what is there
      expect(bucket.store.counters.documents).toBe(4)
      for (const { history } of bucket.allVbuckets) expect(history.image.size).toBe(1)
    }
  )

  test("old versions go before a write is refused, and what cannot go refuses it", () => {
    const bucket = make()
    const set = (key: string) => typeof bucket.store.set(bucket.store.space(0), key, { value: new Uint8Array(size) })
    for (let i = 0; i < 10; i++) set("k")
    const stored = Array.from({ length: 30 }, (_, i) => set(`k${i}`)).filter((outcome) => outcome === "object").length
    expect(stored).toBeGreaterThanOrEqual(maxMemory / (size + 5_000) - 2)
    expect(stored).toBeLessThan(maxMemory / size)
    expect(bucket.vbucket(0)!.history.heldBytes).toBe(0)
    // and the newest changes, which replaced nothing, can be taken back
    expect(bucket.failOver(0, 1)).toBe(1)
    expect(bucket.store.counters.documents).toBe(stored)
  })

  test("the books of a history are never below what it has, and end at nothing", () => {
    const bucket = make({ checkpointItems: 5, closedCheckpoints: 2, undoable: 4 })
    const { history } = bucket.vbucket(0)!
    const space = bucket.store.space(0)
    for (let i = 0; i < 200; i++) {
      bucket.store.set(space, `k${i * 7 % 11}`, { value: new Uint8Array(1_000) })
      const current = bucket.store.counters.documents * 1_000
      expect(history.heldBytes, `after ${i}`).toBeGreaterThanOrEqual(held(bucket) - current)
      if (i % 50 === 49) bucket.failOver(0, 2)
      if (i % 70 === 69) history.evict()
    }
    expect(history.heldBytes).toBeGreaterThan(0)
    history.relieve(Infinity)
    expect([history.heldBytes, held(bucket)]).toEqual([0, bucket.store.counters.documents * 1_000])
  })
})
