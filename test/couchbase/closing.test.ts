/** The client and a node that closes the connection after a request that is not allowed, as servers up to 6.0 do, and one that does not. */
import { assert, describe, it } from "@effect/vitest"
import { KvClient, type KvCommands, type KvError, LookupIn, MutateIn } from "@wirewright/couchbase"
import { serveCouchbase } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

const connected = (closeOnEinval: boolean) =>
  Effect.gen(function*() {
    const node = yield* serveCouchbase({ closeOnEinval })
    const kv = yield* KvClient.make({ seeds: [{ host: "127.0.0.1", port: node.port }], bucket: "default" })
    return { kv, node }
  })

/** No path where there must be one: the client leaves it to the node to say so. */
const invalid = (kv: KvCommands) => kv.lookupIn("k", [LookupIn.exists("")])

/** How an operation ends that others have nothing to do with. */
const innocent = (kv: KvCommands, at: number): Effect.Effect<string> =>
  Effect.match(at % 2 === 0 ? Effect.asVoid(kv.get("k")) : Effect.asVoid(kv.upsert(`k${at}`, at)), {
    onSuccess: () => "done",
    onFailure: ({ ambiguous, reason }) => `${reason._tag}${ambiguous ? ", ambiguous" : ""}`
  })

describe.each([[false, "stays open"], [true, "closes"]] as const)("a node that after an invalid request", (closes, what) => {
  it.live(`${what}: the request fails with its reason, once, and the client goes on`, () =>
    Effect.gen(function*() {
      const { kv, node } = yield* connected(closes)
      yield* kv.upsert("k", { a: 1 })
      const opened = node.server.counters.accepted
      for (let i = 0; i < 3; i++) {
        for (const ask of [invalid(kv), kv.mutateIn("k", [MutateIn.upsert("", 1)])]) {
          const { ambiguous, attempts, reason } = yield* Effect.flip(ask as Effect.Effect<unknown, KvError>)
          assert.deepStrictEqual([reason._tag, ambiguous, attempts], ["Einval", false, 1])
          assert.isTrue(Option.isSome(yield* kv.get("k")))
        }
      }
      // whether it was the other kind of node shows in the connections
      assert.strictEqual(node.server.counters.accepted > opened, closes)
    }))

  it.live(`${what}: others on the same connection have their answers, or may be asked again`, () =>
    Effect.gen(function*() {
      const { kv } = yield* connected(closes)
      yield* kv.upsert("k", { a: 1 })
      for (let round = 0; round < 5; round++) {
        const [refused, ...others] = yield* Effect.all(
          [
            Effect.map(Effect.flip(invalid(kv)), ({ reason }) => reason._tag as string),
            ...Array.from({ length: 40 }, (_, at) => innocent(kv, at))
          ],
          { concurrency: "unbounded" }
        )
        assert.strictEqual(refused, "Einval")
        for (const [at, outcome] of others.entries()) {
          // reads are asked again; a write behind the request is not known to have been made
          const allowed = closes && at % 2 === 1 ? ["done", "ConnectionLost, ambiguous"] : ["done"]
          assert.include(allowed, outcome, `operation ${at} of round ${round}`)
        }
      }
      assert.isTrue(Option.isSome(yield* kv.get("k")))
    }))
})
