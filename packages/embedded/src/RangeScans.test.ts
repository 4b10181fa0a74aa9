/** Scans without a network: what a snapshot holds, in which order and in how many packets it is returned, and what all scans may take up. */
import { compareText, decodeText } from "@wirewright/codec"
import { Status } from "@wirewright/couchbase/gen"
import { describe, expect, it } from "vitest"
import { random } from "../../codec/src/Random.fixture.ts"
import { type ContinueLimits, packetSize, type RangeScan, RangeScans, type ScanLimits, type ScanPart } from "./RangeScans.ts"
import type { ScanRequest, ScanSelection } from "./ScanRequest.ts"
import { atOnce } from "./Slices.ts"
import { Store } from "./Store.ts"

const everything: ScanSelection = {
  _tag: "Range",
  start: { key: "", exclusive: false },
  end: { key: "\udcff".repeat(250), exclusive: false }
}
const place = { bucket: {}, vbucket: 0, collection: 0 }
const unlimited: ContinueLimits = { items: 0, time: 0, bytes: 0 }

const setUp = (limits: ScanLimits = {}) => {
  const clock = { unix: 1_700_000_000_000, now: 0 }
  let uuids = 0
  const store = new Store({ now: () => clock.unix })
  const space = store.space(0)
  const scans = new RangeScans(limits, { now: () => clock.now, uuid: () => Uint8Array.from({ length: 16 }, () => uuids++ & 0xff) })
  const put = (key: string, size = 1, expiration = 0) => store.set(space, key, { value: new Uint8Array(size), expiration })
  const create = (more: Partial<ScanRequest> = {}, owner: object = scans): RangeScan | number => {
    const request = { collection: 0, keyOnly: false, includeXattrs: false, selection: everything, snapshot: undefined, ...more }
    return atOnce(scans.create(request, place, space, clock.unix, owner))
  }
  const opened = (more: Partial<ScanRequest> = {}, owner?: object): RangeScan => {
    const scan = create(more, owner)
    if (typeof scan === "number") throw new Error(`status ${scan}`)
    expect(scans.find(scan.uuid)).toBe(scan)
    return scan
  }
  return { clock, store, space, scans, put, create, opened }
}

const packets = (scan: RangeScan, limits: ContinueLimits = unlimited): ReadonlyArray<ScanPart> => {
  const next = scan.read(limits)
  const parts = [next()]
  while (parts.at(-1)!.status === Status.Success) parts.push(next())
  return parts
}
const keysIn = (parts: ReadonlyArray<ScanPart>): ReadonlyArray<string> =>
  parts.flatMap(({ items, keys }) => [...keys, ...items.map(({ key }) => key)])

describe("a snapshot", () => {
  it("is what there was: later writes, removals and expiries are not seen, and what was removed before is not there", () => {
    const { clock, opened, put, space, store } = setUp()
    put("a")
    put("b", 1, 10)
    put("c")
    put("gone")
    put("expired", 1, 1)
    store.remove(space, "gone")
    clock.unix += 2_000
    const scan = opened()
    put("a", 99)
    put("bb")
    store.remove(space, "c")
    clock.unix += 60_000
    store.sweep()
    const [part] = packets(scan)
    expect(part!.items.map(({ key, value }) => [key, value.length])).toEqual([["a", 1], ["b", 1], ["c", 1]])
    expect(part!.status).toBe(Status.RangeScanComplete)
    expect(keysIn(packets(opened()))).toEqual(["a", "bb"])
  })

  it("does not change what the store thinks of its documents", () => {
    const { opened, put, space } = setUp()
    put("a")
    packets(opened())
    expect(space.items.get("a")!.used).toBe(false)
  })

  it("of any keys is the sorted keys, whole or in parts", () => {
    const seed = 20261128
    const next = random(seed)
    for (let round = 0; round < 60; round++) {
      const { opened, put } = setUp()
      const keys = new Set<string>()
      for (let n = next(200) + 1; n > 0; n--) {
        const bytes = Uint8Array.from({ length: 1 + next(6) }, () => [0x61, 0x62, 0xc3, 0xa9, 0xf0, 0x80, 0xff][next(7)]!)
        keys.add(decodeText(bytes, 0, bytes.length))
      }
      for (const key of keys) put(key, next(50))
      const sorted = [...keys].toSorted(compareText)
      expect(keysIn(packets(opened())), `seed ${seed}, round ${round}`).toEqual(sorted)
      const [from, to] = [sorted[next(sorted.length)]!, sorted[next(sorted.length)]!].toSorted(compareText) as [string, string]
      const exclusive = next(2) === 0
      const selection: ScanSelection = { _tag: "Range", start: { key: from, exclusive }, end: { key: to, exclusive } }
      const inside = sorted.slice(sorted.indexOf(from), sorted.indexOf(to) + 1).filter((key) => !exclusive || key !== from && key !== to)
      if (inside.length === 0) continue
      const scan = opened({ selection, keyOnly: true })
      const got: Array<string> = []
      for (let part = packets(scan, { ...unlimited, items: 1 + next(9) });; part = packets(scan, { ...unlimited, items: 1 + next(9) })) {
        got.push(...keysIn(part))
        if (part.at(-1)!.status === Status.RangeScanComplete) break
      }
      expect(got, `seed ${seed}, round ${round}`).toEqual(inside)
    }
  })

  it("costs n log n: ten times the keys take about ten times the comparisons", () => {
    const compared = (count: number): number => {
      const { opened, put } = setUp()
      const next = random(1)
      for (let n = 0; n < count; n++) put(`${next(0x7fff_ffff)}-${n}`)
      const original = String.prototype.charCodeAt
      let looks = 0
      // what is compared is looked at
      String.prototype.charCodeAt = function(this: string, at: number): number {
        looks++
        return original.call(this, at)
      }
      try {
        packets(opened({ keyOnly: true }))
      } finally {
        String.prototype.charCodeAt = original
      }
      return looks
    }
    expect(compared(20_000) / compared(2_000)).toBeLessThan(20)
  })
})

describe("a continue", () => {
  const filled = () => {
    const given = setUp()
    for (let n = 0; n < 10; n++) given.put(`key-${n}`, 95)
    return given
  }

  it("returns as many items as it may, at least one, and tells that a limit was reached even when that was all", () => {
    const { opened } = filled()
    const ends = (items: number) => packets(opened(), { ...unlimited, items }).map((part) => [keysIn([part]).length, part.status])
    expect(ends(9)).toEqual([[9, Status.RangeScanMore]])
    expect(ends(10)).toEqual([[10, Status.RangeScanMore]])
    expect(ends(11)).toEqual([[10, Status.RangeScanComplete]])
    const scan = opened()
    packets(scan, { ...unlimited, items: 10 })
    expect(packets(scan)).toEqual([{ items: [], keys: [], status: Status.RangeScanComplete }])
  })

  it("returns whole items until there are as many bytes as it may return, of keys or of keys and values", () => {
    const { opened } = filled()
    const count = (bytes: number, keyOnly = false) => keysIn(packets(opened({ keyOnly }), { ...unlimited, bytes })).length
    // 5 bytes of key, 95 of value
    expect([1, 100, 101, 200, 201].map((bytes) => count(bytes))).toEqual([1, 1, 2, 2, 3])
    expect([1, 5, 6].map((bytes) => count(bytes, true))).toEqual([1, 1, 2])
  })

  it("returns what it can in its time, at least one", () => {
    const { clock, opened } = filled()
    const scan = opened()
    const next = scan.read({ ...unlimited, time: 10 })
    clock.now += 10
    expect(keysIn([next()])).toEqual(["key-0"])
    const again = scan.read({ ...unlimited, time: 10 })
    clock.now += 9
    expect(again().status).toBe(Status.RangeScanComplete)
  })

  it("fills its packets", () => {
    const { opened, put } = setUp()
    for (let n = 0; n < 400; n++) put(`key-${String(n).padStart(3, "0")}`, 93)
    const parts = packets(opened())
    for (const { items, status } of parts.slice(0, -1)) {
      const bytes = items.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
      expect([status, bytes >= packetSize, bytes - 100 < packetSize]).toEqual([Status.Success, true, true])
    }
    expect(parts.map(({ items }) => items.length)).toEqual([82, 82, 82, 82, 72])
    expect(parts.at(-1)!.status).toBe(Status.RangeScanComplete)
  })
})

describe("an empty scan", () => {
  it("is none, unless chance made it empty", () => {
    const { create, put, scans } = setUp()
    const sample: ScanSelection = { _tag: "Sample", samples: 1, seed: 1 }
    expect([create(), create({ selection: sample })]).toEqual([Status.KeyEnoent, Status.KeyEnoent])
    put("a")
    expect(create({ selection: { ...everything, start: { key: "a", exclusive: true } } })).toBe(Status.KeyEnoent)
    expect(create({ selection: { ...everything, end: { key: "a", exclusive: true } } })).toBe(Status.KeyEnoent)
    expect(create({ selection: { ...everything, start: { key: "b", exclusive: false } } })).toBe(Status.KeyEnoent)
    expect(scans.size).toBe(0)
    for (let n = 0; n < 50; n++) put(`b${n}`)
    const made = Array.from({ length: 60 }, (_, seed) => create({ selection: { ...sample, seed } }))
    expect(made.every((one) => typeof one === "object")).toBe(true)
    expect(made.some((one) => keysIn(packets(one as RangeScan)).length === 0)).toBe(true)
  })
})

describe("the scans of a node", () => {
  it("are as many as there may be, those that wait to begin among them", () => {
    const { create, opened, put, scans } = setUp({ maxScans: 2 })
    put("a")
    const first = opened()
    const release = scans.reserve()!
    expect(create()).toBe(Status.Ebusy)
    expect(scans.reserve()).toBeUndefined()
    release()
    expect(typeof create()).toBe("object")
    expect(create()).toBe(Status.Ebusy)
    scans.remove(first, Status.RangeScanCancelled)
    expect(typeof create()).toBe("object")
  })

  it("hold as much as they may, less with everything they return; what would never fit is told from what does not fit now", () => {
    const probe = setUp()
    probe.put("a")
    probe.put("b")
    const size = [...probe.space.items.values()].reduce((sum, item) => sum + item.size, 0)
    for (const [maxMemory, outcome] of [[size, "object"], [size - 1, "number"]] as const) {
      const { create, put } = setUp({ maxMemory })
      put("a")
      put("b")
      const made = create()
      expect(typeof made).toBe(outcome)
      if (outcome === "number") expect(made).toBe(Status.Enomem)
    }
    const { create, opened, put, scans } = setUp({ maxMemory: size + size / 2 })
    put("a")
    put("b")
    const scan = opened()
    expect([scans.memory, create()]).toEqual([size, Status.Ebusy])
    packets(scan, { ...unlimited, items: 1 })
    expect(scans.memory).toBe(size / 2)
    expect(typeof create()).toBe("object")
    expect(create({ keyOnly: true })).toBe(Status.Ebusy)
  })

  it("of keys alone hold no documents", () => {
    const { opened, put, scans } = setUp()
    put("a", 100_000)
    opened({ keyOnly: true })
    expect(scans.memory).toBeLessThan(100)
  })

  it("live for their time", () => {
    const { clock, opened, put, scans } = setUp({ lifetime: 180_000 })
    put("a")
    const scan = opened()
    clock.now = 179_999
    scans.sweep()
    expect([scans.size, scan.cancelled]).toEqual([1, undefined])
    clock.now = 180_000
    scans.sweep()
    expect([scans.size, scan.cancelled]).toEqual([0, Status.RangeScanCancelled])
  })

  it("are gone with their owner, and with nobody else", () => {
    const { opened, put, scans } = setUp()
    put("a")
    const [mine, yours] = [{}, {}]
    const scan = opened({}, mine)
    const other = opened({}, yours)
    scans.abandon(mine)
    expect([scans.size, scan.cancelled, other.cancelled]).toEqual([1, Status.RangeScanCancelled, undefined])
  })
})
