/** Checkpoints in documents of the bucket that is followed: nobody's changes, so that saving them comes to an end. */
import { KvClient } from "@wirewright/couchbase"
import { serveCouchbase } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { expect, it } from "vitest"
import { layerDocuments } from "./CheckpointDocuments.ts"
import { Dcp } from "./Dcp.ts"
import { isOwnKey, isOwnKeyAt } from "./OwnDocuments.ts"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

it.each([
  ["wirewright:dcp:travel%2findexer/0", true],
  ["wirewright:cluster:life:1-2", true],
  ["wirewright:dcp", false],
  ["wirewright:other", false],
  ["a wirewright:dcp:x", false],
  ["", false]
])("%j is one: %s", (key, own) => {
  expect(isOwnKey(key)).toBe(own)
  expect(isOwnKeyAt(bytes(`..${key}`), 2, 2 + key.length)).toBe(own)
  // what follows the key is none of it
  expect(isOwnKeyAt(bytes("wirewright:dcp:x"), 0, 5)).toBe(false)
})

it("of two groups that keep their checkpoints in the bucket that they follow, neither sees them, and both come to rest", () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const node = yield* serveCouchbase({ buckets: [{ name: "travel", vbuckets: 4 }] })
    const url = `couchbase://127.0.0.1:${node.port}/travel`
    const seen: Array<string> = []
    const bucket = node.buckets.get("travel")!
    const write = (key: string) => bucket.store.set(bucket.store.space(0), key, { value: bytes(key) })
    const seqnos = () => [0, 1, 2, 3].map((vbucket) => bucket.highSeqno(vbucket))
    for (const group of ["one", "two"]) {
      yield* Dcp.process({ group, commitInterval: 20 }, {
        change: (change) => Effect.sync(() => void seen.push(`${group} ${change._tag === "SystemEvent" ? change._tag : change.key}`)),
        rollback: () => Effect.void
      }).pipe(
        Stream.runDrain,
        Effect.provide(layerDocuments()),
        Effect.provide(Layer.merge(Dcp.layerUrl(url), KvClient.layerUrl(url))),
        Effect.forkScoped
      )
    }
    write("a")
    yield* Effect.repeat(Effect.sleep(20), { until: () => seen.length >= 2, times: 250 })
    // the last checkpoint is saved
    yield* Effect.sleep(500)
    const before = seqnos()
    yield* Effect.sleep(500)
    expect(seqnos()).toEqual(before)
    expect(seen.toSorted()).toEqual(["one a", "two a"])
  }))))
