/** Changes that take long enough for others to have their turn: what became of vbucket, collection and document meanwhile is seen before they are stored. */
import { encodeWith, type Writer } from "@wirewright/codec"
import * as Gen from "@wirewright/dcp/gen"
import { DurabilityLevel } from "@wirewright/memcached/gen"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { Bucket } from "./Bucket.ts"
import { defaultManifest, manifestText, withCollection } from "./Collections.ts"
import { serveCouchbase, serveCouchbaseCluster } from "./CouchbaseNode.ts"
import { everything, nameOf, TestClient } from "./TestClient.fixture.ts"
import { tried } from "../../codec/src/Whole.fixture.ts"

const manifest = withCollection(defaultManifest, "shop", "orders")
const collectionId = manifest.scopes[1]!.collections[0]!.id
/** JSON that takes longer than a slice to look through. */
const long = Buffer.from(`[${"1,".repeat(tried(2, 8) * 1024 * 1024)}1]`)
const document = { key: "k", collectionId, flags: 0, expiration: 0 }

type Write = (writer: Writer) => void

const changes: { readonly [command: string]: Write } = {
  Set: (writer) => Gen.encodeSet(writer, { ...document, value: long }),
  "Set that waits for copies": (writer) =>
    Gen.encodeSet(writer, {
      ...document,
      value: long,
      framing: [{ _tag: "Durability", level: DurabilityLevel.Majority, timeout: undefined }]
    }),
  Append: (writer) => Gen.encodeAppend(writer, { ...document, key: "there", value: Buffer.from(" ") }),
  SetWithMeta: (writer) => Gen.encodeSetWithMeta(writer, { ...document, layout: "Plain", revSeqno: 9n, documentCas: 9n, value: long }),
  SubdocDictUpsert: (writer) =>
    Gen.encodeSubdocDictUpsert(writer, {
      ...document,
      path: "a",
      flags: 0,
      docFlags: Gen.SubdocDocFlags.mkdoc,
      value: long
    })
}

/** How the documents begin when somebody else has made `{"b":1}` of them. */
const inTheEnd: { readonly [command: string]: ReadonlyArray<string> } = {
  Append: ["{\"b\":1}", "{\"b\":1} "],
  SubdocDictUpsert: ["{\"b\":1,\"", "{\"b\":1}"]
}

describe.each(Object.entries(changes))("%s", (command, change) => {
  let scope: Scope.Closeable
  let bucket: Bucket
  let client: TestClient
  let meanwhile: (() => void) | undefined

  beforeEach(async () => {
    scope = Scope.makeUnsafe()
    meanwhile = undefined
    const node = await Effect.runPromise(Scope.provide(
      serveCouchbase({
        buckets: [{ name: "default", vbuckets: 1, manifest, maxMemory: 2 ** 30 }],
        script: () => {
          // comes before the second slice, which is asked for after this
          if (meanwhile !== undefined) setImmediate(meanwhile)
          return false
        }
      }),
      scope
    ))
    bucket = node.buckets.get("default")!
    bucket.store.set(bucket.space(0, collectionId)!, "there", { value: long, datatype: 1 })
    client = await TestClient.ready(node.port, everything)
  })
  afterEach(async () => {
    await client.end()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  /** What is answered when something happens after the first slice. */
  const answered = async (happens: () => void): Promise<string> => {
    let happened = false
    meanwhile = () => {
      happened = true
      meanwhile = undefined
      happens()
    }
    const status = nameOf(await client.ask(change))
    expect(happened).toBe(true)
    return status
  }
  const stored = () => ["k", "there"].map((key) => bucket.store.space(0, collectionId).items.get(key)?.value.length)

  it("is stored when nothing happens", async () => {
    expect(await answered(() => {})).toBe("Success")
  })

  it("is not stored in a vbucket that has moved", async () => {
    expect(await answered(() => bucket.move(0, 5))).toBe("NotMyVbucket")
    expect(stored()).toEqual([undefined, long.length])
  })

  it("is not stored in a vbucket that is a replica", async () => {
    expect(await answered(() => void bucket.setState(0, Gen.VBucketState.Replica))).toBe("NotMyVbucket")
    expect(stored()).toEqual([undefined, long.length])
  })

  it("is not stored in a vbucket that is gone", async () => {
    expect(await answered(() => void bucket.removeVbucket(0))).toBe("NotMyVbucket")
    expect(stored()).toEqual([undefined, undefined])
  })

  it("is not stored in a collection that was dropped", async () => {
    expect(await answered(() => void bucket.setManifest(manifestText({ ...defaultManifest, uid: manifest.uid + 1n })))).toBe(
      "UnknownCollection"
    )
    expect(stored()).toEqual([undefined, undefined])
  })

  it("does not undo what somebody else has changed", async () => {
    const other = Buffer.from("{\"b\":1}")
    const space = bucket.space(0, collectionId)!
    const status = await answered(() => ["k", "there"].forEach((key) => bucket.store.set(space, key, { value: other, datatype: 1 })))
    const [k, there] = ["k", "there"].map((key) => Buffer.from(space.items.get(key)!.value).subarray(0, 8).toString())
    // what replaces a document does so whatever it was; the others change what somebody else has made of it
    expect([status, k, there]).toEqual(["Success", ...inTheEnd[command] ?? ["[1,1,1,1", "{\"b\":1}"]])
  })
})

describe("a long change that waits for copies", () => {
  it("is answered before what the client asked for after it", async () => {
    const scope = Scope.makeUnsafe()
    const cluster = await Effect.runPromise(
      Scope.provide(
        serveCouchbaseCluster({ nodes: 2, buckets: [{ name: "default", vbuckets: 1, replicas: 1, manifest, maxMemory: 2 ** 30 }] }),
        scope
      )
    )
    const client = await TestClient.ready(cluster.nodes[0]!.port, everything)
    cluster.state.replicates(1, false)
    client.send(encodeWith(changes["Set that waits for copies"]!))
    client.send(encodeWith((writer) => Gen.encodeNoop(writer, {})))
    const bucket = cluster.buckets.get("default")!
    while (bucket.space(0, collectionId)!.prepares.size === 0) await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    cluster.state.replicates(1, true)
    expect([await client.next(), await client.next()].map(({ _tag }) => _tag)).toEqual(["SetResponse", "NoopResponse"])
    await client.end()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })
})
