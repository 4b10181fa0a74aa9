/** What a RANGE_SCAN_CREATE may say, what it may not, and which keys it means. */
import { describe, expect, it } from "vitest"
import { random } from "../../codec/src/Random.fixture.ts"
import { readScanRequest, type ScanRequest, type ScanSelection, selects } from "./ScanRequest.ts"

const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString("base64")
const range = { range: { start: "", end: "/w==" } }
const read = (json: unknown): ScanRequest | string => readScanRequest(typeof json === "string" ? json : JSON.stringify(json))
const accepted = (json: unknown): ScanRequest => {
  const request = read(json)
  if (typeof request === "string") throw new Error(request)
  return request
}
const needs = { vb_uuid: "1", seqno: 1 }

describe("a request", () => {
  it("has what it leaves out by default: the default collection, documents, no requirements", () => {
    expect(accepted(range)).toEqual({
      collection: 0,
      keyOnly: false,
      includeXattrs: false,
      selection: { _tag: "Range", start: { key: "", exclusive: false }, end: { key: "\udcff", exclusive: false } },
      snapshot: undefined
    })
    expect(accepted({ sampling: { samples: 5 } }).selection).toEqual({ _tag: "Sample", samples: 5, seed: 0 })
  })

  it("says all there is to say, and more that nobody reads", () => {
    const full = accepted({
      name: "n".repeat(50),
      collection: "9f",
      key_only: true,
      sampling: { samples: 7, seed: 0xffff_ffff },
      snapshot_requirements: { ...needs, timeout_ms: 75_000, seqno_exists: true },
      unheard: {}
    })
    expect(full).toEqual({
      collection: 0x9f,
      keyOnly: true,
      includeXattrs: false,
      selection: { _tag: "Sample", samples: 7, seed: 0xffff_ffff },
      snapshot: { vbucketUuid: 1n, seqno: 1n, timeout: 75_000, seqnoExists: true }
    })
  })

  it("takes the lower half of a seed of 64 bits, as the SDKs draw them", () => {
    const seeded = (seed: string) => accepted(`{"sampling":{"samples":1,"seed":${seed}}}`).selection
    expect(seeded("18446744069414584327")).toEqual({ _tag: "Sample", samples: 1, seed: 7 })
    expect(seeded("4294967296")).toEqual({ _tag: "Sample", samples: 1, seed: 0 })
  })

  it("keeps all digits of numbers of 64 bits", () => {
    const text = `{"range":{"start":"","end":""},"snapshot_requirements":{"vb_uuid":"18446744073709551615","seqno":9007199254740993}}`
    expect(accepted(text).snapshot).toMatchObject({ vbucketUuid: 0xffff_ffff_ffff_ffffn, seqno: 9_007_199_254_740_993n })
  })

  it.each<[string, unknown, RegExp]>([
    ["no JSON", "{", /no JSON/],
    ["no object", "[]", /no object/],
    ["nothing", {}, /range and sampling/],
    ["both", { ...range, sampling: { samples: 1 } }, /range and sampling/],
    ["no start", { range: { end: "" } }, /start and excl_start/],
    ["two starts", { range: { start: "", excl_start: "", end: "" } }, /start and excl_start/],
    ["two ends", { range: { start: "", end: "", excl_end: "" } }, /end and excl_end/],
    ["no base64", { range: { start: "a", end: "" } }, /start is no base64/],
    ["no text", { range: { start: "", excl_end: 1 } }, /excl_end is no base64/],
    ["a collection in decimal", { ...range, collection: 9 }, /collection/],
    ["a collection that is no number", { ...range, collection: "x" }, /collection/],
    ["key_only that is no boolean", { ...range, key_only: "true" }, /key_only/],
    ["key_only with attributes", { ...range, key_only: true, include_xattrs: true }, /include_xattrs/],
    ["no samples", { sampling: {} }, /samples/],
    ["samples of nothing", { sampling: { samples: 0 } }, /samples/],
    ["half a sample", { sampling: { samples: 1.5 } }, /samples/],
    ["a negative seed", { sampling: { samples: 1, seed: -1 } }, /seed/],
    ["a seed of 65 bits", `{"sampling":{"samples":1,"seed":18446744073709551616}}`, /seed/],
    ["requirements without a seqno", { ...range, snapshot_requirements: { vb_uuid: "1" } }, /seqno/],
    ["requirements without a UUID", { ...range, snapshot_requirements: { seqno: 1 } }, /vb_uuid/],
    ["a UUID that is a number", { ...range, snapshot_requirements: { ...needs, vb_uuid: 1 } }, /vb_uuid/],
    ["a UUID of 65 bits", { ...range, snapshot_requirements: { ...needs, vb_uuid: "18446744073709551616" } }, /vb_uuid/],
    ["a name of 51 bytes", { ...range, name: "n".repeat(51) }, /name/]
  ])("is invalid with %s", (_, json, problem) => {
    expect(read(json)).toMatch(problem)
  })

  it("has keys of up to 250 bytes, and nests no deeper than 16", () => {
    expect(typeof read({ range: { start: base64("k".repeat(250)), end: "" } })).toBe("object")
    expect(read({ range: { start: base64("k".repeat(251)), end: "" } })).toMatch(/longer than 250/)
    const nested = (depth: number) => JSON.stringify(range).replace("{", `{"deep":${"[".repeat(depth)}${"]".repeat(depth)},`)
    expect(typeof read(nested(15))).toBe("object")
    expect(read(nested(16))).toMatch(/deeper than 16/)
    expect(read(nested(100_000))).toMatch(/deeper/)
  })
})

const between = (start: string, end: string, exclusive = false): ScanSelection => ({
  _tag: "Range",
  start: { key: start, exclusive },
  end: { key: end, exclusive }
})

describe("a selection", () => {
  it("has its ends in it or not", () => {
    const keys = ["", "a", "b", "c", "ca", "d"]
    expect(keys.filter(selects(between("a", "c"), 6))).toEqual(["a", "b", "c"])
    expect(keys.filter(selects(between("a", "c", true), 6))).toEqual(["b"])
    expect(keys.filter(selects(between("", "d"), 6))).toEqual(keys)
    expect(keys.filter(selects(between("d", "a"), 6))).toEqual([])
    // what clients take for the end of all keys
    expect(["z", "\uffff", "\u{10ffff}", "\udcff"].filter(selects(between("", "\udcf4\udc8f\udcfb\udcfb"), 4))).toEqual([
      "z",
      "\uffff",
      "\u{10ffff}"
    ])
  })

  it("of a sample is everything when there is no more than that, and repeats itself by its seed", () => {
    const keys = Array.from({ length: 10_000 }, (_, at) => `key-${at}`)
    const sample = (seed: number, samples: number) => keys.filter(selects({ _tag: "Sample", samples, seed }, keys.length))
    expect(sample(1, 10_000)).toEqual(keys)
    expect(sample(1, 9_999).length).toBeGreaterThan(9_900)
    expect(sample(7, 500)).toEqual(sample(7, 500))
    expect(sample(7, 500)).not.toEqual(sample(8, 500))
  })

  it("draws every key as often as any other, and about as many as asked for", () => {
    const next = random(3)
    const keys = Array.from({ length: 2_000 }, (_, at) => `k${at}`)
    const drawn = new Map<string, number>()
    let all = 0
    for (let round = 0; round < 200; round++) {
      const wanted = selects({ _tag: "Sample", samples: 200, seed: next(0xffff_ffff) }, keys.length)
      for (const key of keys) {
        if (!wanted(key)) continue
        all++
        drawn.set(key, (drawn.get(key) ?? 0) + 1)
      }
    }
    // 200 rounds of 200: 40 000 ± 190 is one standard deviation; of each key 20 ± 4.2
    expect(Math.abs(all - 40_000)).toBeLessThan(190 * 6)
    expect(Math.max(...drawn.values())).toBeLessThan(20 + 4.2 * 7)
    expect(drawn.size).toBe(2_000)
  })
})
