/**
 * Locks: what the client makes of each answer. What a real node answers is in `real-6.0.test.ts`.
 *
 * What the answers mean to a client: kv_engine docs/ErrorMap.md and the error handling of Couchbase's SDKs (an
 * unlock that meets `Locked` had the wrong CAS).
 */
import { assert, describe, it } from "@effect/vitest"
import { type Answer, fakeNode, refusal } from "../../packages/couchbase/src/FakeNode.fixture.ts"
import { HelloFeature, Status } from "@wirewright/couchbase/gen"
import { KvClient, type KvCommands, type KvError, MutateIn } from "@wirewright/couchbase"
import { serveCouchbase } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

const vbuckets = 8

/** How one operation ends on a node that answers it with a status, in the given words of the error map. */
const ending = (
  status: number,
  ask: (kv: KvCommands) => Effect.Effect<unknown, KvError>,
  options: { readonly knows?: ReadonlyArray<number>; readonly xerror?: boolean } = {}
) =>
  Effect.scoped(Effect.gen(function*() {
    const { knows = [], xerror = true } = options
    const errors = Object.fromEntries(knows.map((code) => [code.toString(16), { name: `E${code}`, desc: "", attrs: [] }]))
    const node = yield* fakeNode({
      features: Object.values(HelloFeature).filter((feature) => xerror || feature !== HelloFeature.Xerror),
      script: (request): Answer | undefined => {
        if (request._tag === "GetErrorMap") {
          return { _tag: "GetErrorMapResponse", errorMap: JSON.stringify({ version: 2, revision: 1, errors }) } as Answer
        }
        return ["Hello", "GetClusterConfig"].includes(request._tag) ? undefined : refusal(status)
      }
    })
    const kv = yield* KvClient.make({ seeds: [{ host: "127.0.0.1", port: node.port }], retry: { attempts: 3 } })
    const { attempts, reason } = yield* Effect.flip(ask(kv))
    return [reason._tag, "retry" in reason ? reason.retry : undefined, attempts > 1] as const
  }))

const unlock = (kv: KvCommands) => kv.unlock("k", 5n)
const upsert = (kv: KvCommands) => kv.upsert("k", 1)
const upsertOver = (kv: KvCommands) => kv.upsert("k", 1, { cas: 5n })
const once = false
const again = true

describe("what the client makes of it", () => {
  it.live("an unlock is over at once: its CAS is not the lock's, or there is no lock", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* ending(Status.Locked, unlock), ["CasMismatch", "miss", once])
      assert.deepStrictEqual(yield* ending(Status.KeyEexists, unlock), ["CasMismatch", "miss", once])
      assert.deepStrictEqual(yield* ending(Status.NotLocked, unlock), ["NotLocked", "miss", once])
      // servers that know no NotLocked say this
      assert.deepStrictEqual(yield* ending(Status.Etmpfail, unlock), ["NotLocked", "miss", once])
      assert.deepStrictEqual(yield* ending(Status.Etmpfail, unlock, { xerror: false }), ["NotLocked", "miss", once])
      assert.deepStrictEqual(yield* ending(Status.KeyEnoent, unlock), ["NotFound", "miss", once])
    }))

  it.live("a temporary failure of a server that knows NotLocked is one, and repeated", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* ending(Status.Etmpfail, unlock, { knows: [Status.NotLocked] }), ["Etmpfail", "retry", again])
    }))

  it.live("writes of a locked document wait for its time, whatever they know of it", () =>
    Effect.gen(function*() {
      for (
        const ask of [upsert, upsertOver, (kv: KvCommands) => kv.getAndLock("k"), (kv: KvCommands) => kv.touch("k", "1 hour")]
      ) {
        assert.deepStrictEqual(yield* ending(Status.Locked, ask), ["Locked", "retry", again])
      }
    }))

  it.live("KeyEexists is: an existing document, a wrong CAS, or the lock of servers without XERROR", () =>
    Effect.gen(function*() {
      const insert = (kv: KvCommands) => kv.insert("k", 1)
      const insertPaths = (kv: KvCommands) => kv.mutateIn("k", [MutateIn.upsert("a", 1)], { store: "insert" })
      const paths = (kv: KvCommands) => kv.mutateIn("k", [MutateIn.upsert("a", 1)])
      const changes = [
        upsert,
        (kv: KvCommands) => kv.replace("k", 1),
        (kv: KvCommands) => kv.remove("k"),
        (kv: KvCommands) => kv.append("k", "v"),
        (kv: KvCommands) => kv.increment("k"),
        (kv: KvCommands) => kv.touch("k", "1 hour"),
        (kv: KvCommands) => kv.getAndTouch("k", "1 hour"),
        paths
      ]
      for (const xerror of [true, false]) {
        for (const ask of [insert, insertPaths]) {
          assert.deepStrictEqual(yield* ending(Status.KeyEexists, ask, { xerror }), ["Exists", "miss", once])
        }
        assert.deepStrictEqual(yield* ending(Status.KeyEexists, upsertOver, { xerror }), ["CasMismatch", "miss", once])
      }
      for (const ask of changes) {
        assert.deepStrictEqual(yield* ending(Status.KeyEexists, ask, { xerror: false }), ["Locked", "retry", again])
        assert.deepStrictEqual(yield* ending(Status.KeyEexists, ask), ["Exists", "miss", once])
      }
    }))

  it.live("what no node takes is not sent: an unlock without a CAS, an insert with one", () =>
    Effect.gen(function*() {
      const node = yield* fakeNode()
      const kv = yield* KvClient.make({ seeds: [{ host: "127.0.0.1", port: node.port }] })
      const before = node.requests.length
      for (const ask of [kv.unlock("k", 0n), kv.insert("k", 1, { cas: 5n } as never)]) {
        const { ambiguous, reason } = yield* Effect.flip(ask)
        assert.deepStrictEqual([reason._tag, ambiguous], ["InvalidRequest", false])
      }
      assert.strictEqual(node.requests.length, before)
    }))

  it.live("against the embedded node, in time", () =>
    Effect.gen(function*() {
      const { port } = yield* serveCouchbase({ buckets: [{ name: "default", vbuckets }] })
      const kv = yield* KvClient.make({ seeds: [{ host: "127.0.0.1", port }], bucket: "default" })
      yield* kv.upsert("k", 1)
      const { cas } = Option.getOrThrow(yield* kv.getAndLock("k"))
      const outcome = (given: bigint) => Effect.map(Effect.flip(kv.unlock("k", given)), ({ attempts, reason }) => [reason._tag, attempts])
      assert.deepStrictEqual(yield* outcome(cas + 1n), ["CasMismatch", 1])
      yield* kv.unlock("k", cas)
      assert.deepStrictEqual(yield* outcome(cas), ["NotLocked", 1])
    }))
})
