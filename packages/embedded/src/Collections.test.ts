/** Manifests: names, ids, texts, and what a new one may be. */
import { Status } from "@wirewright/couchbase/gen"
import { describe, expect, it } from "vitest"
import { Bucket } from "./Bucket.ts"
import {
  collectionId,
  defaultManifest,
  droppedCollections,
  isCollectionName,
  manifestText,
  readManifest,
  scopeId,
  withCollection,
  withScope
} from "./Collections.ts"

const manifest = withCollection(withCollection(withScope(defaultManifest, "empty"), "shop", "orders", 60), "_default", "beer")

describe("names and ids", () => {
  it.each<[string, object]>([
    ["_default._default", { id: 0 }],
    [".", { id: 0 }],
    ["shop.orders", { id: 10 }],
    ["_default.beer", { id: 11 }],
    [".beer", { id: 11 }],
    ["shop.nothing", { status: Status.UnknownCollection }],
    ["shop.", { status: Status.UnknownCollection }],
    ["nowhere.orders", { status: Status.UnknownScope }],
    ["shop", { status: Status.Einval }],
    ["a.b.c", { status: Status.Einval }],
    ["shop.$bad", { status: Status.Einval }]
  ])("collection %s", (path, expected) => {
    expect(collectionId(manifest, path)).toEqual(expected)
  })

  it("scopes", () => {
    expect(scopeId(manifest, "empty")).toEqual({ id: 8 })
    expect(scopeId(manifest, "shop.orders")).toEqual({ id: 9 })
    expect(scopeId(manifest, "nowhere")).toEqual({ status: Status.UnknownScope })
    expect(scopeId(manifest, "a.b.c")).toEqual({ status: Status.Einval })
  })

  it("may have 251 characters", () => {
    expect([251, 252].map((length) => isCollectionName("a".repeat(length)))).toEqual([true, false])
    expect(["_a", "%a", "a b", ""].map(isCollectionName)).toEqual([false, false, false, false])
  })
})

describe("manifests as text", () => {
  it("have hexadecimal ids", () => {
    expect(JSON.parse(manifestText(manifest))).toEqual({
      uid: "4",
      scopes: [
        { name: "_default", uid: "0", collections: [{ name: "_default", uid: "0" }, { name: "beer", uid: "b" }] },
        { name: "empty", uid: "8", collections: [] },
        { name: "shop", uid: "9", collections: [{ name: "orders", uid: "a", maxTTL: 60 }] }
      ]
    })
    expect(readManifest(manifestText(manifest))).toEqual(manifest)
  })

  it.each([
    "",
    "{}",
    "[]",
    "null",
    "{\"uid\":\"x\",\"scopes\":[]}",
    "{\"uid\":1,\"scopes\":[]}",
    "{\"uid\":\"1\",\"scopes\":[{\"name\":\"a\",\"uid\":\"8\"}]}"
  ])(
    "refuse %j",
    (text) => expect(readManifest(text)).toBeUndefined()
  )
})

describe("a bucket's manifest", () => {
  it("goes forward only, and takes documents of dropped collections with it", () => {
    const bucket = new Bucket({ name: "b", vbuckets: 1, manifest }, { now: () => 0, uuid: () => 1n })
    bucket.store.set(bucket.space(0, 10)!, "k", { value: new Uint8Array(1) })
    const next = { ...defaultManifest, uid: 5n }
    expect(droppedCollections(manifest, next)).toEqual([11, 10])
    expect(bucket.setManifest("nonsense")).toBe(Status.Einval)
    expect(bucket.setManifest(manifestText({ ...defaultManifest, uid: 3n }))).toBe(Status.CannotApplyCollectionsManifest)
    expect(bucket.setManifest(manifestText(next))).toBe(Status.Success)
    expect(bucket.space(0, 10)).toBeUndefined()
    expect(bucket.store.counters.documents).toBe(0)
  })

  it("limits how long documents live", () => {
    const bucket = new Bucket({ name: "b", vbuckets: 1, manifest }, { now: () => 1_000_000_000, uuid: () => 1n })
    const now = 1_000_000
    expect(bucket.expirationIn(10, 0)).toBe(now + 60)
    expect(bucket.expirationIn(10, 60)).toBe(60)
    expect(bucket.expirationIn(10, 61)).toBe(now + 60)
    expect(bucket.expirationIn(0, 61)).toBe(61)
  })
})
