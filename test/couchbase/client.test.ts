/** The client against the embedded node: two implementations of one protocol that share nothing but the codecs. */
import { assert, describe, it } from "@effect/vitest"
import { KvClient, type KvClientOptions, type KvCommands, type KvError, LookupIn, MutateIn, optionsOfUrl } from "@wirewright/couchbase"
import { defaultManifest, serveCouchbase, withCollection } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { random } from "../../packages/codec/src/Random.fixture.ts"

const password = "pencil"

const node = (now?: () => number) =>
  serveCouchbase({
    buckets: [{ name: "default", vbuckets: 64, manifest: withCollection(defaultManifest, "inventory", "hotels") }],
    users: [{ name: "user", password: Redacted.make(password) }],
    ...(now === undefined ? {} : { now })
  })

const connected = (now?: () => number, options: Partial<KvClientOptions> = {}) =>
  Effect.gen(function*() {
    const { port } = yield* node(now)
    const given = yield* optionsOfUrl(`couchbase://user@127.0.0.1:${port}/default`, Redacted.make(password))
    const kv = yield* KvClient.make({ ...given, ...options })
    return { kv, port }
  })

const reasonOf = <A>(effect: Effect.Effect<A, KvError>): Effect.Effect<string> =>
  Effect.match(effect, { onFailure: ({ reason }) => reason._tag, onSuccess: () => "Success" })

const json = (kv: KvCommands, key: string) =>
  Effect.map(kv.get(key), (found) => JSON.parse(new TextDecoder().decode(Option.getOrThrow(found).value)) as unknown)

describe("every operation on documents", () => {
  it.live("stores, reads, counts, extends and removes", () =>
    Effect.gen(function*() {
      const { kv } = yield* connected()
      assert.isTrue(Option.isNone(yield* kv.get("a")))
      const { cas, token } = yield* kv.insert("a", { n: 1 })
      assert.isTrue(cas > 0n && token !== undefined)
      assert.strictEqual(yield* reasonOf(kv.insert("a", 1)), "Exists")
      assert.strictEqual(yield* reasonOf(kv.replace("b", 1)), "NotFound")
      assert.strictEqual(yield* reasonOf(kv.upsert("a", 1, { cas: cas + 1n })), "CasMismatch")
      yield* kv.replace("a", { n: 2 }, { cas })
      const found = Option.getOrThrow(yield* kv.get("a", Schema.Struct({ n: Schema.Int })))
      assert.deepStrictEqual([found.value, found.flags], [{ n: 2 }, 0x02000000])
      yield* kv.upsert("log", "b", { format: "text" })
      yield* kv.append("log", "c")
      yield* kv.prepend("log", "a")
      assert.strictEqual(new TextDecoder().decode(Option.getOrThrow(yield* kv.get("log")).value), "abc")
      assert.strictEqual(yield* reasonOf(kv.append("nothing", "x")), "NotStored")
      assert.strictEqual(yield* reasonOf(kv.increment("count")), "NotFound")
      assert.strictEqual((yield* kv.increment("count", { initial: 5n })).value, 5n)
      assert.strictEqual((yield* kv.increment("count", { delta: 10n })).value, 15n)
      assert.strictEqual((yield* kv.decrement("count", { delta: 20n })).value, 0n)
      assert.strictEqual(yield* reasonOf(kv.increment("log")), "DeltaBadval")
      assert.deepStrictEqual([yield* kv.exists("a"), yield* kv.exists("nothing")], [true, false])
      yield* kv.remove("a")
      assert.isFalse(yield* kv.exists("a"))
      assert.strictEqual(yield* reasonOf(kv.remove("a")), "NotFound")
      assert.isTrue(Option.getOrThrow(yield* kv.metadata("a")).deleted)
    }))

  it.live("expires by the node's clock; touching moves that, keeping it keeps it", () =>
    Effect.gen(function*() {
      let now = 1_700_000_000_000
      const { kv } = yield* connected(() => now)
      yield* kv.upsert("a", 1, { expiry: "10 seconds" })
      yield* kv.upsert("b", 1, { expiry: "10 seconds" })
      yield* kv.upsert("b", 2, { preserveExpiry: true })
      yield* kv.upsert("c", 1, { expiry: "10 seconds" })
      yield* kv.upsert("c", 2)
      yield* kv.touch("a", "1 hour")
      now += 11_000
      const there = yield* Effect.forEach(["a", "b", "c"], (key) => kv.exists(key))
      assert.deepStrictEqual(there, [true, false, true])
      yield* kv.getAndTouch("a", "1 seconds")
      now += 2_000
      assert.isFalse(yield* kv.exists("a"))
    }))

  it.live("locks: others wait for their time and fail by name, the CAS unlocks", () =>
    Effect.gen(function*() {
      // it gives up by the number of its attempts: the time they take depends on the machine
      const { kv } = yield* connected(undefined, { retry: { attempts: 3 }, timeout: "1 minute" })
      yield* kv.upsert("a", 1)
      const { cas } = Option.getOrThrow(yield* kv.getAndLock("a", { lock: "30 seconds" }))
      const locked = yield* Effect.flip(kv.upsert("a", 2))
      assert.deepStrictEqual([locked.reason._tag, locked.ambiguous, locked.attempts], ["Locked", false, 3])
      yield* kv.unlock("a", cas)
      yield* kv.upsert("a", 2)
      assert.strictEqual(yield* reasonOf(kv.unlock("a", cas)), "NotLocked")
    }))

  it.live("reads many, observes, and lists statistics", () =>
    Effect.gen(function*() {
      const { kv, port } = yield* connected()
      const keys = Array.from({ length: 500 }, (_, index) => `key-${index}`)
      yield* Effect.forEach(keys, (key) => kv.upsert(key, key), { concurrency: 64, discard: true })
      const found = yield* kv.getMany([...keys, "missing"])
      assert.strictEqual(found.size, 500)
      for (const [key, { value }] of found) assert.strictEqual(new TextDecoder().decode(value), JSON.stringify(key))
      assert.oneOf((yield* kv.observe("key-1")).state, ["persisted", "notPersisted"])
      const { token } = yield* kv.upsert("key-1", 1)
      assert.isTrue((yield* kv.observeSeqno("key-1", token!.vbucketUuid)).currentSeqno >= token!.seqno)
      assert.isAbove((yield* kv.stats()).get(`127.0.0.1:${port}`)?.size ?? 0, 0)
      assert.match((yield* kv.version).get(`127.0.0.1:${port}`) ?? "", /^\d/)
      yield* kv.noop
    }))

  it.live("values of 0 B, 1 B and 1 MiB, keys of 246 bytes", () =>
    Effect.gen(function*() {
      const { kv } = yield* connected()
      for (const size of [0, 1, 1024 * 1024]) {
        const value = new Uint8Array(size).fill(size & 0x7f)
        yield* kv.upsert("k".repeat(246), value)
        assert.deepStrictEqual(Option.getOrThrow(yield* kv.get("k".repeat(246))).value, value)
      }
    }))
})

describe("parts of documents", () => {
  it.live("every operation on paths", () =>
    Effect.gen(function*() {
      const { kv } = yield* connected()
      yield* kv.upsert("d", { a: { b: 1 }, list: [2], n: 1 })
      const done = yield* kv.mutateIn("d", [
        MutateIn.upsert("a.c", "x"),
        MutateIn.insert("new.path", true, { createPath: true }),
        MutateIn.replace("a.b", 5),
        MutateIn.arrayAppend("list", [3, 4]),
        MutateIn.arrayPrepend("list", [1]),
        MutateIn.arrayInsert("list[1]", [1.5]),
        MutateIn.arrayAddUnique("list", 9),
        MutateIn.counter("n", 41),
        MutateIn.remove("new.path"),
        MutateIn.upsert("_meta", { by: "test" }, { xattr: true })
      ])
      assert.deepStrictEqual([...done.values], [[7, 42]])
      assert.deepStrictEqual(yield* json(kv, "d"), { a: { b: 5, c: "x" }, list: [1, 1.5, 2, 3, 4, 9], n: 42, new: {} })
      const found = Option.getOrThrow(
        yield* kv.lookupIn("d", [
          LookupIn.get("a.c"),
          LookupIn.exists("nope"),
          LookupIn.count("list"),
          LookupIn.get("_meta.by", { xattr: true }),
          LookupIn.get("list[0].x")
        ])
      )
      assert.deepStrictEqual(found.entries.map(({ exists, reason }) => reason?._tag ?? exists), [
        true,
        "SubdocPathEnoent",
        true,
        true,
        "SubdocPathMismatch"
      ])
      assert.deepStrictEqual(yield* Effect.forEach([0, 2, 3], (at) => found.entries[at]!.value), ["x", 6, "test"])
      assert.isTrue(Option.isNone(yield* kv.lookupIn("nothing", [LookupIn.get("a")])))
    }))

  it.live("all or nothing: the write that failed is named, and the document is as it was", () =>
    Effect.gen(function*() {
      const { kv } = yield* connected()
      yield* kv.upsert("d", { a: 1 })
      const error = yield* Effect.flip(
        kv.mutateIn("d", [MutateIn.upsert("b", 1), MutateIn.insert("a", 2), MutateIn.upsert("x", 1, { xattr: true })])
      )
      if (error.reason._tag !== "PathFailed") return assert.fail(error.message)
      assert.deepStrictEqual([error.reason.index, error.reason.path, error.reason.reason._tag], [1, "a", "SubdocPathEexists"])
      assert.deepStrictEqual(yield* json(kv, "d"), { a: 1 })
      assert.strictEqual(yield* reasonOf(kv.mutateIn("e", [MutateIn.upsert("a", 1)])), "NotFound")
      yield* kv.mutateIn("e", [MutateIn.upsert("a", 1)], { store: "upsert" })
      assert.strictEqual(yield* reasonOf(kv.mutateIn("e", [MutateIn.upsert("a", 1)], { store: "insert" })), "Exists")
    }))
})

describe("collections", () => {
  it.live("keep documents apart; unknown ones are named", () =>
    Effect.gen(function*() {
      const { kv } = yield* connected()
      const hotels = yield* kv.collection("inventory.hotels")
      yield* hotels.upsert("a", "hotel")
      yield* kv.upsert("a", "default")
      const texts = yield* Effect.forEach([hotels, kv], ({ get }) =>
        Effect.map(get("a", Schema.String), (found) => Option.getOrThrow(found).value))
      assert.deepStrictEqual(texts, ["hotel", "default"])
      assert.deepStrictEqual([...(yield* hotels.getMany(["a", "b"])).keys()], ["a"])
      const nope = yield* kv.collection("inventory.nope")
      assert.strictEqual(yield* reasonOf(nope.get("a")), "UnknownCollection")
    }))
})

describe("the beginning", () => {
  for (const mechanism of ["SCRAM-SHA512", "SCRAM-SHA256", "SCRAM-SHA1", "PLAIN"]) {
    it.live(`signs in with ${mechanism}, and not with a wrong password`, () =>
      Effect.gen(function*() {
        const { port } = yield* node()
        const url = (secret: string) => `couchbase://user:${secret}@127.0.0.1:${port}/default?sasl_mech_force=${mechanism}`
        const kv = yield* KvClient.makeUrl(url(password))
        yield* kv.upsert("a", 1)
        const error = yield* Effect.flip(KvClient.makeUrl(url("pencils")))
        if (error._tag !== "KvError" || error.reason._tag !== "NotReady") return assert.fail(error.message)
        assert.strictEqual(error.reason.error.reason, "AuthenticationFailed")
      }))
  }

  it.live("without a password, or into a bucket that is not there, there is no way in", () =>
    Effect.gen(function*() {
      const { port } = yield* node()
      const closed = yield* Effect.flip(KvClient.makeUrl(`couchbase://127.0.0.1:${port}/default`))
      const missing = yield* Effect.flip(KvClient.makeUrl(`couchbase://user:${password}@127.0.0.1:${port}/nope`))
      for (const error of [closed, missing]) assert.isTrue(error._tag === "KvError" && error.reason._tag === "NotReady", error.message)
    }))
})

describe("under load", () => {
  it.live("20 000 operations of 200 fibres agree with a model", () =>
    Effect.gen(function*() {
      const { kv } = yield* connected()
      const seed = 20_261_121
      // each fibre has keys of its own, so that what it reads is what it wrote last
      const fibre = (number: number) =>
        Effect.gen(function*() {
          const pick = random(seed + number)
          const model = new Map<string, number>()
          for (let step = 0; step < 100; step++) {
            const key = `f${number}-${pick(8)}`
            const action = pick(3)
            if (action === 0) {
              yield* kv.upsert(key, step)
              model.set(key, step)
            } else if (action === 1) {
              const found = yield* kv.get(key, Schema.Int)
              assert.strictEqual(
                Option.isNone(found) ? undefined : found.value.value,
                model.get(key),
                `seed ${seed}, ${key} at step ${step}`
              )
            } else {
              assert.strictEqual(yield* reasonOf(kv.remove(key)), model.delete(key) ? "Success" : "NotFound", `seed ${seed}`)
            }
          }
        })
      yield* Effect.forEach(Array.from({ length: 200 }, (_, number) => number), fibre, { concurrency: "unbounded", discard: true })
    }))
})
