/** Document semantics in virtual time: every rule of the store, with its limits at ±1. */
import { random as numbers } from "@wirewright/codec/Random.fixture"
import { beforeEach, describe, expect, test } from "vitest"
import { absoluteExpiry, type Change, lockedCas, type Refusal, type StoreOptions } from "./Document.ts"
import { type Item, sizeFor, type Space } from "./HashTable.ts"
import { Store } from "./Store.ts"

const start = 1_750_000_000_000
let now = start
let changes: Array<Change> = []
let store: Store
let space: Space

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (item: Item | undefined): string | undefined => item === undefined ? undefined : new TextDecoder().decode(item.value)
const content = (value: string, expiration = 0, flags = 0) => ({ value: bytes(value), expiration, flags })
const done = <A>(outcome: A | Refusal): A => {
  if (typeof outcome === "string") throw new Error(`refused: ${outcome}`)
  return outcome
}
const make = (options: Partial<StoreOptions> = {}): Store => {
  store = new Store({ now: () => now, onChange: (change) => changes.push(change), ...options })
  space = store.space(7)
  return store
}
const after = (seconds: number): void => {
  now += seconds * 1000
}

beforeEach(() => {
  now = start
  changes = []
  make()
})

describe("conditions", () => {
  const right = (item: Item) => item.cas
  const wrong = (item: Item) => item.cas + 1n
  const any = () => 0n
  // operation on a document that is there, by CAS; then on nothing, without and with a CAS
  test.each(
    [
      ["set", any, true],
      ["set", right, true],
      ["set", wrong, "KeyEexists"],
      ["replace", any, true],
      ["replace", right, true],
      ["replace", wrong, "KeyEexists"],
      ["remove", any, true],
      ["remove", right, true],
      ["remove", wrong, "KeyEexists"],
      ["append", right, true],
      ["append", wrong, "KeyEexists"],
      ["prepend", right, true],
      ["prepend", wrong, "KeyEexists"]
    ] as const
  )("%s of a document, CAS %o: %s", (operation, cas, expected) => {
    const condition = { cas: cas(done(store.set(space, "k", content("v")))) }
    const outcome = operation === "remove"
      ? store.remove(space, "k", condition)
      : operation === "append" || operation === "prepend"
      ? store[operation](space, "k", bytes("x"), condition)
      : store[operation](space, "k", content("x"), condition)
    if (expected === true) expect(typeof outcome).toBe("object")
    else expect(outcome).toBe(expected)
  })

  test("of nothing", () => {
    expect(store.replace(space, "k", content("v"))).toBe("KeyEnoent")
    expect(store.remove(space, "k")).toBe("KeyEnoent")
    expect(store.append(space, "k", bytes("v"))).toBe("NotStored")
    expect(store.prepend(space, "k", bytes("v"))).toBe("NotStored")
    expect(store.touch(space, "k", 1)).toBe("KeyEnoent")
    expect(store.getAndLock(space, "k", 1)).toBe("KeyEnoent")
    expect(store.unlock(space, "k", 1n)).toBe("KeyEnoent")
    expect(store.set(space, "k", content("v"), { cas: 1n })).toBe("KeyEnoent")
    expect(changes).toEqual([])
    expect(typeof store.add(space, "k", content("v"))).toBe("object")
    expect(store.add(space, "k", content("v"))).toBe("KeyEexists")
  })

  test("append and prepend keep flags and expiry", () => {
    store.set(space, "k", content("b", 100, 0xdeadbeef))
    store.append(space, "k", bytes("c"))
    const item = done(store.prepend(space, "k", bytes("a")))
    expect([text(item), item.flags, item.expiry]).toEqual(["abc", 0xdeadbeef, start / 1000 + 100])
  })

  test("what is stored is a copy", () => {
    const value = bytes("before")
    store.set(space, "k", { value })
    value.fill(0)
    expect(text(store.get(space, "k"))).toBe("before")
  })
})

describe("counters", () => {
  const count = (delta: bigint, down = false, rest: object = {}) =>
    store.count(space, "n", { delta, down, initial: 5n, expiration: 0, ...rest })
  const value = (outcome: ReturnType<typeof count>) => done(outcome).value

  test("are created with the initial value, unless told not to", () => {
    expect(count(3n, false, { expiration: 0xffff_ffff })).toBe("KeyEnoent")
    expect(value(count(3n, false, { expiration: 0xffff_fffe }))).toBe(5n)
    expect(text(store.get(space, "n"))).toBe("5")
  })

  test("count, wrap and stop at 0", () => {
    store.set(space, "n", content("18446744073709551614"))
    expect([value(count(1n)), value(count(1n)), value(count(2n)), value(count(2n, true)), value(count(1n, true))])
      .toEqual([0xffff_ffff_ffff_ffffn, 0n, 2n, 0n, 0n])
    expect(text(store.get(space, "n"))).toBe("0")
  })

  test("keep flags and expiry, and obey the CAS", () => {
    const { cas } = done(store.set(space, "n", content("1", 50, 9)))
    expect(count(1n, false, { cas: cas + 1n })).toBe("KeyEexists")
    const { item } = done(count(1n, false, { cas, expiration: 9999 }))
    expect([item.flags, item.expiry]).toEqual([9, start / 1000 + 50])
  })

  // answers of memcached 1.6.18
  test.each([["1 2", 2n], ["1\tab", 2n], ["-0", 1n], [" +7", 8n], ["000000000000000000001", 2n], ["-18446744073709551615", 2n]])(
    "are read as far as they are numbers: %o",
    (document, after) => {
      store.set(space, "n", content(document))
      expect(value(count(1n))).toBe(after)
    }
  )

  test("that need no more room stay where they are, if told to: filled up, and with what is known of them", () => {
    make({ countsInPlace: true })
    store.set(space, "n", content("10"))
    store.get(space, "n")!.base64 = true
    count(1n, true)
    expect([text(store.get(space, "n")), store.peek(space, "n")!.base64]).toEqual(["9 ", true])
    count(999n)
    expect([text(store.get(space, "n")), store.peek(space, "n")!.base64]).toEqual(["1008", false])
  })

  test.each(["", "x", "12x", "-1", "1.5", "0x10", "18446744073709551616", "++1"])("refuse %o", (document) => {
    store.set(space, "n", content(document))
    expect(count(1n)).toBe("DeltaBadval")
  })
})

describe("expiry", () => {
  // expiration on the wire, seconds from now until the end; nothing: never
  test.each([
    [0, undefined],
    [1, 1],
    [2_592_000, 2_592_000],
    [2_592_001, -Infinity],
    [start / 1000 + 10, 10],
    [start / 1000 - 10, -Infinity],
    [0xffff_ffff, undefined]
  ])("expiration %i", (expiration, seconds) => {
    store.set(space, "k", content("v", expiration))
    if (seconds === undefined) return after(10 * 365 * 86_400), expect(store.get(space, "k")).toBeDefined()
    if (seconds > 0) {
      now = start + seconds * 1000 - 1
      expect(store.get(space, "k")).toBeDefined()
      now++
    }
    expect(store.get(space, "k")).toBeUndefined()
  })

  test("is swept in slices, between which others change documents", () => {
    for (let i = 0; i < 5_000; i++) store.set(space, `k${i}`, content("v", 10))
    after(10)
    const sweep = store.sweepSteps()
    let slices = 0
    while (sweep.next().done !== true) {
      if (++slices === 1) {
        // one that was swept and one that was not
        store.set(space, "k0", content("new"))
        store.set(space, "k4999", content("new"))
      }
    }
    expect(slices).toBeGreaterThan(4)
    expect([...space.items.keys()].sort()).toEqual(["k0", "k4999"])
    expect(store.counters).toMatchObject({ documents: 2, expired: 5_000 })
  })

  test("is a change of its own when somebody looks, or sweeps", () => {
    store.set(space, "seen", content("v", 10))
    store.set(space, "unseen", content("v", 10))
    after(10)
    store.get(space, "seen")
    store.get(space, "seen")
    store.sweep()
    expect(changes.map(({ document, kind }) => [kind, document.key, document.seqno])).toEqual([
      ["mutation", "seen", 1n],
      ["mutation", "unseen", 2n],
      ["expiration", "seen", 3n],
      ["expiration", "unseen", 4n]
    ])
    expect(store.counters).toMatchObject({ documents: 0, tombstones: 2, expired: 2 })
  })

  test("a document that ended can be added, not replaced", () => {
    store.set(space, "k", content("v", 1))
    after(1)
    expect(store.replace(space, "k", content("w"))).toBe("KeyEnoent")
    expect(typeof store.add(space, "k", content("w"))).toBe("object")
  })

  test("is kept when asked for", () => {
    store.set(space, "k", content("v", 10))
    expect(done(store.set(space, "k", content("w", 99), { preserveExpiry: true })).expiry).toBe(start / 1000 + 10)
    expect(done(store.set(space, "k", content("w", 0))).expiry).toBe(0)
    expect(done(store.set(space, "new", content("w", 5), { preserveExpiry: true })).expiry).toBe(start / 1000 + 5)
  })

  test("is set by touching, which is a change; a quiet touch is none", () => {
    const before = done(store.set(space, "k", content("v", 10)))
    const touched = done(store.touch(space, "k", 20))
    expect(touched.cas > before.cas).toBe(true)
    expect([touched.expiry, touched.seqno, touched.revSeqno, text(touched)]).toEqual([start / 1000 + 20, 2n, 2n, "v"])
    make({ quietTouch: true })
    const quiet = done(store.set(space, "k", content("v", 10)))
    const again = done(store.touch(space, "k", 0))
    expect([again.cas, again.seqno, again.expiry]).toEqual([quiet.cas, quiet.seqno, 0])
  })

  test.each([[0, 0], [2_592_000, 1000 + 2_592_000], [2_592_001, 2_592_001]])(
    "absoluteExpiry %i",
    (expiration, expected) => expect(absoluteExpiry(expiration, 1_000_999)).toBe(expected)
  )
})

describe("locks", () => {
  const lock = (seconds = 0) => done(store.getAndLock(space, "k", seconds))
  beforeEach(() => void store.set(space, "k", content("v")))

  // asked for, held: 0 and what is above 30 give 15
  test.each([[0, 15], [1, 1], [30, 30], [31, 15]])("asked for %i s, held for %i s", (asked, held) => {
    lock(asked)
    now = start + held * 1000 - 1
    expect(store.set(space, "k", content("w"))).toBe("Locked")
    now++
    expect(typeof store.set(space, "k", content("w"))).toBe("object")
  })

  test("others see 2^64-1 and may not change; the holder may, which unlocks", () => {
    const before = store.get(space, "k")!.cas
    const { cas } = lock()
    expect(cas > before).toBe(true)
    const seen = store.get(space, "k")!
    expect(store.casOf(seen)).toBe(lockedCas)
    for (const wrong of [0n, before, lockedCas]) {
      expect(store.set(space, "k", content("w"), { cas: wrong })).toBe("Locked")
      expect(store.remove(space, "k", { cas: wrong })).toBe("Locked")
      expect(store.append(space, "k", bytes("w"), { cas: wrong })).toBe("Locked")
    }
    expect(store.touch(space, "k", 1)).toBe("Locked")
    expect(store.count(space, "k", { delta: 1n, down: false, initial: 0n, expiration: 0 })).toBe("Locked")
    expect(store.getAndLock(space, "k", 1)).toBe("LockedTmpfail")
    const item = done(store.set(space, "k", content("w"), { cas }))
    expect(store.casOf(item)).toBe(item.cas)
    expect(typeof store.set(space, "k", content("x"))).toBe("object")
  })

  test("unlock needs the lock's CAS, and a lock", () => {
    const { cas } = lock()
    expect(store.unlock(space, "k", cas + 1n)).toBe("LockedTmpfail")
    expect(typeof store.unlock(space, "k", cas)).toBe("object")
    expect(store.unlock(space, "k", cas)).toBe("NotLocked")
    lock(1)
    after(1)
    expect(store.unlock(space, "k", cas)).toBe("NotLocked")
  })

  test("locking is no change", () => {
    lock()
    expect(changes).toHaveLength(1)
    expect(space.vbucket.highSeqno).toBe(1n)
  })
})

describe("versions", () => {
  test("CAS follow the clock and never repeat, even when it goes back", () => {
    const all: Array<bigint> = []
    for (let i = 0; i < 100; i++) {
      now += i % 10 === 0 ? -5000 : i % 3
      all.push(done(store.set(space, `k${i % 5}`, content("v"))).cas)
    }
    for (let i = 1; i < all.length; i++) expect(all[i]! > all[i - 1]!).toBe(true)
    expect(all[0]).toBe(BigInt(start - 5000) * 1_000_000n & ~0xffffn)
  })

  test("as a counter they start at 1", () => {
    make({ cas: "counter" })
    expect([1, 2, 3].map(() => done(store.set(space, "k", content("v"))).cas)).toEqual([1n, 2n, 3n])
  })

  test("seqnos count per vbucket, revisions per document and on through its tombstone", () => {
    const other = store.space(8)
    store.set(space, "a", content("1"))
    store.set(space, "b", content("1"))
    store.set(other, "a", content("1"))
    store.remove(space, "a")
    store.add(space, "a", content("2"))
    expect(changes.map(({ document: { key, revSeqno, seqno, vbucket }, kind }) => [kind, vbucket, key, seqno, revSeqno])).toEqual([
      ["mutation", 7, "a", 1n, 1n],
      ["mutation", 7, "b", 2n, 1n],
      ["mutation", 8, "a", 1n, 1n],
      ["deletion", 7, "a", 3n, 2n],
      ["mutation", 7, "a", 4n, 3n]
    ])
  })

  test("a new document's revision is above that of any purged one", () => {
    store.set(space, "a", content("1"))
    store.set(space, "a", content("2"))
    store.remove(space, "a")
    after(11)
    store.sweep(10)
    expect(store.counters.tombstones).toBe(0)
    expect(done(store.set(space, "b", content("1"))).revSeqno).toBe(4n)
  })
})

describe("tombstones", () => {
  test("are kept, may carry a value, and give way", () => {
    store.set(space, "k", content("v"))
    const tombstone = done(store.removeWithValue(space, "k", { value: bytes("attributes"), datatype: 4 }))
    expect([tombstone.deleted, tombstone.datatype, text(tombstone), tombstone.expiry]).toEqual([true, 4, "attributes", start / 1000])
    expect(store.get(space, "k")).toBeUndefined()
    expect(store.getDeleted(space, "k")).toBe(tombstone)
    expect(store.counters).toMatchObject({ documents: 0, tombstones: 1 })
    store.add(space, "k", content("v"))
    expect(store.counters).toMatchObject({ documents: 1, tombstones: 0 })
  })

  test("of nothing", () => {
    expect(done(store.removeWithValue(space, "never", { value: bytes("x") })).revSeqno).toBe(1n)
    expect(text(store.getDeleted(space, "never"))).toBe("x")
  })

  test("are not kept where they are not wanted", () => {
    make({ tombstones: false })
    store.set(space, "k", content("v"))
    store.remove(space, "k")
    expect(store.getDeleted(space, "k")).toBeUndefined()
    expect(store.counters).toMatchObject({ documents: 0, tombstones: 0, bytes: 0 })
  })
})

describe("spaces", () => {
  test("keep the same key apart by vbucket and collection; a collection can be dropped", () => {
    const spaces = [store.space(0), store.space(1), store.space(0, 8), store.space(1, 8)]
    spaces.forEach((one, index) => store.set(one, "k", content(String(index))))
    expect(spaces.map((one) => text(store.get(one, "k")))).toEqual(["0", "1", "2", "3"])
    store.drop(8, 1)
    expect([store.space(0), store.space(1), store.space(0, 8), store.space(1, 8)].map((one) => text(store.get(one, "k"))))
      .toEqual(["0", "1", "2", undefined])
    store.drop(8, 0)
    expect(store.counters.documents).toBe(2)
    expect(store.space(0).vbucket.highSeqno).toBe(2n)
  })
})

describe("flush", () => {
  test("now", () => {
    store.set(space, "k", content("v"))
    store.flush()
    expect([store.get(space, "k"), store.counters.bytes]).toEqual([undefined, 0])
  })

  test("later: until then everything stays, then everything goes, once", () => {
    store.set(space, "before", content("v"))
    store.flush(10)
    store.set(space, "between", content("v"))
    after(9.999)
    expect([text(store.get(space, "before")), text(store.get(space, "between"))]).toEqual(["v", "v"])
    after(0.001)
    expect(store.add(space, "before", content("w"))).not.toBe("KeyEexists")
    expect(store.get(space, "between")).toBeUndefined()
    after(100)
    expect(text(store.get(space, "before"))).toBe("w")
  })
})

describe("limits", () => {
  test("an item of exactly the limit, and one byte more", () => {
    make({ maxItemSize: 100 })
    const value = (size: number) => ({ value: new Uint8Array(size) })
    expect(typeof store.set(space, "k", value(100))).toBe("object")
    expect(store.set(space, "k", value(101))).toBe("E2big")
    expect(store.append(space, "k", new Uint8Array(1))).toBe("E2big")
    store.set(space, "k", value(99))
    expect(typeof store.append(space, "k", new Uint8Array(1))).toBe("object")
  })

  const fill = (count: number): Array<Refusal | "ok"> =>
    Array.from({ length: count }, (_, i) => {
      const outcome = store.set(space, `key${i}`, { value: new Uint8Array(1000) })
      return typeof outcome === "string" ? outcome : "ok"
    })

  test("memory: refused when full, and there is room again after a removal", () => {
    make({ maxMemory: 40_000 })
    const outcomes = fill(30)
    const stored = outcomes.filter((one) => one === "ok").length
    expect(stored).toBeGreaterThan(10)
    expect(outcomes.slice(stored)).toEqual(Array(30 - stored).fill("Enomem"))
    expect(store.counters.bytes).toBeLessThanOrEqual(40_000)
    // replacing needs no more room than there is
    expect(typeof store.set(space, "key0", { value: new Uint8Array(1000) })).toBe("object")
    store.flush()
    expect(fill(1)).toEqual(["ok"])
  })

  test("memory: evicted when full, those in use last", () => {
    make({ maxMemory: 40_000, whenFull: "evict", tombstones: false })
    store.set(space, "hot", { value: new Uint8Array(1000) })
    for (let i = 0; i < 200; i++) {
      expect(fill(1)).toEqual(["ok"])
      store.set(space, `filler${i}`, { value: new Uint8Array(1000) })
      expect(store.get(space, "hot"), `round ${i}`).toBeDefined()
    }
    expect(store.counters.bytes).toBeLessThanOrEqual(40_000)
    expect(store.counters.evicted).toBeGreaterThan(150)
    expect(store.set(space, "huge", { value: new Uint8Array(40_001) })).toBe("Enomem")
  })

  test("memory: tombstones go before documents", () => {
    make({ maxMemory: 20_000, whenFull: "evict" })
    for (let i = 0; i < 80; i++) store.removeWithValue(space, `t${i}`, { value: new Uint8Array(10) })
    expect(store.counters.tombstones).toBeGreaterThan(10)
    expect(fill(7)).toEqual(Array(7).fill("ok"))
    expect(store.counters.bytes).toBeLessThanOrEqual(20_000)
    expect(store.counters).toMatchObject({ evicted: 0, documents: 7 })
  })

  test("memory: what is evicted is the oldest, round after round, wherever the hand stands", () => {
    make({ maxMemory: 200_000, whenFull: "evict", tombstones: false })
    for (let i = 0; i < 1_000; i++) {
      store.set(space, `k${i}`, { value: new Uint8Array(1_000) })
      store.set(store.space(i % 3, 1), `k${i}`, { value: new Uint8Array(1_000) })
      // what is set again is passed over once
      if (i % 10 === 0) store.set(space, `k${i}`, { value: new Uint8Array(1_000) })
      expect(store.get(space, `k${i}`), `document ${i}`).toBeDefined()
      expect(store.counters.bytes).toBeLessThanOrEqual(200_000)
    }
    expect(store.counters.documents).toBeGreaterThan(70)
    store.flush()
    // nothing is left to evict, and the hand goes on once there is something
    for (let i = 0; i < 300; i++) expect(typeof store.set(space, `again${i}`, { value: new Uint8Array(1_000) })).toBe("object")
    expect(store.counters.bytes).toBeLessThanOrEqual(200_000)
  })

  test("memory: writing to a full store costs no more than a few times what it costs while there is room", () => {
    const count = 250_000
    const cost = (from: number): number => {
      const before = process.cpuUsage()
      for (let i = from; i < from + count; i++) store.set(space, `key${i}`, { value })
      const { system, user } = process.cpuUsage(before)
      return system + user
    }
    const value = new Uint8Array(1)
    const ratios = [1, 2, 3].map(() => {
      make({ maxMemory: 1e12, whenFull: "evict", tombstones: false, onChange: () => {} })
      const roomy = cost(0)
      const limit = store.counters.bytes
      make({ maxMemory: limit, whenFull: "evict", tombstones: false, onChange: () => {} })
      cost(0)
      const full = cost(count)
      // keys with one digit more take one byte more
      expect(store.counters.evicted).toBeGreaterThanOrEqual(count)
      return full / roomy
    })
    expect(Math.min(...ratios)).toBeLessThan(4)
  })

  test("memory: a key of wide characters takes two bytes for each", () => {
    expect(sizeFor("\u0100".repeat(100), 0) - sizeFor("\u00ff".repeat(100), 0)).toBe(100)
    // above 64 bytes a value is a buffer of its own
    expect(sizeFor("k", 64) - sizeFor("k", 63)).toBe(1)
    expect(sizeFor("k", 65) - sizeFor("k", 64)).toBeGreaterThan(100)
  })

  test("the books balance after 20 000 random operations", () => {
    make({ maxMemory: 200_000 })
    const random = numbers(42)
    for (let i = 0; i < 20_000; i++) {
      const key = `k${random(300)}`
      const where = store.space(random(3), random(2))
      const value = new Uint8Array(random(2000))
      switch (random(8)) {
        case 0:
        case 1:
          store.set(where, key, { value, expiration: random(20) })
          break
        case 2:
          store.remove(where, key)
          break
        case 3:
          store.append(where, key, value)
          break
        case 4:
          store.touch(where, key, random(20))
          break
        case 5:
          store.removeWithValue(where, key, { value })
          break
        case 6:
          store.getAndLock(where, key, 1)
          break
        default:
          after(random(3))
          if (random(50) === 0) store.sweep(20)
      }
    }
    const spaces = [0, 1, 2].flatMap((id) => [...store.vbucket(id).spaces.values()])
    const items = spaces.flatMap(({ items }) => [...items.values()])
    const tombstones = spaces.flatMap(({ tombstones }) => [...tombstones.values()])
    expect(items.length).toBeGreaterThan(20)
    expect(tombstones.length).toBeGreaterThan(20)
    expect(store.counters).toMatchObject({
      documents: items.length,
      tombstones: tombstones.length,
      bytes: [...items, ...tombstones].reduce((sum, { key, value }) => sum + sizeFor(key, value.length), 0)
    })
    for (const { items, tombstones } of spaces) for (const key of items.keys()) expect(tombstones.has(key)).toBe(false)
    store.flush()
    for (const { tombstones } of spaces) {
      for (const tombstone of tombstones.values()) store.forget(store.space(tombstone.vbucket, tombstone.collection), tombstone)
    }
    expect(store.counters).toMatchObject({ documents: 0, tombstones: 0, bytes: 0 })
  })
})
