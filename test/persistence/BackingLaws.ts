/** Laws of `BackingPersistence`, and of what Effect makes of it: `Persistence` and `PersistedCache`. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Persistable from "effect/persistence/Persistable"
import * as PersistedCache from "effect/persistence/PersistedCache"
import * as Persistence from "effect/persistence/Persistence"
import * as Schema from "effect/Schema"
import { oddKeys } from "./KeyValueLaws.ts"
import { failure, type Law, law as lawOf, same } from "./Laws.ts"

type Backing = Persistence.BackingPersistence["Service"]

const law = (...given: Parameters<typeof lawOf<Backing>>): Law<Backing> => lawOf(...given)

class User extends Persistable.Class<{ payload: { id: number } }>()("User", {
  primaryKey: ({ id }) => `user ${id}`,
  success: Schema.Struct({ name: Schema.String, born: Schema.Date }),
  error: Schema.String
}) {}

const ada = { name: "Ada", born: new Date(0) }

const whole = (backing: Backing) => Layer.provide(Persistence.layer, Layer.succeed(Persistence.BackingPersistence, backing))

/** The laws. */
export const backingLaws: ReadonlyArray<Law<Backing>> = [
  law("a key that was not set has no value, alone and among others", (backing) =>
    Effect.gen(function*() {
      const store = yield* backing.make("s")
      yield* same(yield* store.get("k"), undefined)
      yield* same(yield* store.getMany(["a", "b"]), [undefined, undefined])
    })),
  law("objects come back as they were, empty and nested ones, too", (backing) =>
    Effect.gen(function*() {
      const store = yield* backing.make("s")
      for (const value of [{}, { a: [1, { b: null }], c: "ключ\n🔑", d: 2 ** 53 - 1 }, { text: "x".repeat(100_000) }, [1, "2"]]) {
        yield* store.set("k", value, undefined)
        yield* same(yield* store.get("k"), value)
      }
    })),
  law("getMany answers in the order of the keys, also of those that are missing or asked for twice", (backing) =>
    Effect.gen(function*() {
      const store = yield* backing.make("s")
      yield* store.setMany([["a", { n: 1 }, undefined], ["b", { n: 2 }, undefined]])
      yield* same(yield* store.getMany(["b", "x", "a", "b"]), [{ n: 2 }, undefined, { n: 1 }, { n: 2 }])
    })),
  law("stores whose names and keys are the same text together are two", (backing) =>
    Effect.gen(function*() {
      const [short, long] = [yield* backing.make("a"), yield* backing.make("ab")]
      yield* short.set("bc", { n: 1 }, undefined)
      yield* long.set("c", { n: 2 }, undefined)
      yield* same([yield* short.get("bc"), yield* long.get("c")], [{ n: 1 }, { n: 2 }])
    })),
  law("of a key that is set twice the last value stays", (backing) =>
    Effect.gen(function*() {
      const store = yield* backing.make("s")
      yield* store.setMany([["k", { n: 1 }, undefined], ["k", { n: 2 }, undefined]])
      yield* same(yield* store.get("k"), { n: 2 })
      yield* store.set("k", { n: 3 }, undefined)
      yield* same(yield* store.get("k"), { n: 3 })
    })),
  law("a value is there for its time to live, to the millisecond, and not longer", (backing, { pass }) =>
    Effect.gen(function*() {
      const store = yield* backing.make("s")
      yield* store.set("short", { n: 1 }, Duration.millis(1_500))
      yield* store.setMany([["many", { n: 2 }, Duration.millis(1_500)], ["long", { n: 3 }, Duration.hours(1)], [
        "ever",
        { n: 4 },
        undefined
      ]])
      yield* same(yield* store.getMany(["short", "many", "long", "ever"]), [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }])
      yield* pass(1_501)
      yield* same(yield* store.getMany(["short", "many", "long", "ever"]), [undefined, undefined, { n: 3 }, { n: 4 }])
      yield* same(yield* store.get("short"), undefined)
    })),
  law("a new value has its own time to live, also a longer one, and none", (backing, { pass }) =>
    Effect.gen(function*() {
      const store = yield* backing.make("s")
      yield* store.setMany([["longer", { n: 1 }, Duration.millis(300)], ["ever", { n: 1 }, Duration.millis(300)]])
      yield* store.set("longer", { n: 2 }, Duration.hours(1))
      yield* store.set("ever", { n: 2 }, undefined)
      yield* pass(301)
      yield* same(yield* store.getMany(["longer", "ever"]), [{ n: 2 }, { n: 2 }])
    })),
  law("what is removed is gone, and only that", (backing) =>
    Effect.gen(function*() {
      const store = yield* backing.make("s")
      yield* store.setMany([["a", { n: 1 }, undefined], ["b", { n: 2 }, undefined]])
      yield* store.remove("a")
      yield* store.remove("a")
      yield* same(yield* store.getMany(["a", "b"]), [undefined, { n: 2 }])
    })),
  law("clear empties one store, whatever the others are called", (backing) =>
    Effect.gen(function*() {
      const ids = ["s", "s:", "s*", "s:t", "S", "", "s s", "[s]", "#", "x".repeat(300), `${"x".repeat(300)}y`]
      const stores = yield* Effect.forEach(ids, (id) => backing.make(id))
      for (const [i, store] of stores.entries()) yield* store.set("k", { i }, undefined)
      for (const [i, store] of stores.entries()) yield* same([ids[i], yield* store.get("k")], [ids[i], { i }])
      for (const [i, store] of stores.entries()) {
        yield* store.clear
        yield* same(yield* store.get("k"), undefined)
        for (const [j, other] of stores.entries()) yield* same([ids[i], yield* other.get("k")], [ids[i], j > i ? { i: j } : undefined])
      }
      yield* stores[0]!.set("k", { again: true }, undefined)
      yield* same(yield* stores[0]!.get("k"), { again: true })
    })),
  law("no key of one store is a key of another", (backing) =>
    Effect.gen(function*() {
      const [a, b] = [yield* backing.make("a"), yield* backing.make("a:b")]
      yield* a.set("b:k", { n: 1 }, undefined)
      yield* same(yield* b.get("k"), undefined)
    })),
  law("any text is a key, and no two are one", (backing) =>
    Effect.gen(function*() {
      const store = yield* backing.make("s")
      for (const [i, key] of oddKeys.entries()) yield* store.set(key, { i }, undefined)
      for (const [i, key] of oddKeys.entries()) yield* same([key, yield* store.get(key)], [key, { i }])
    })),
  law("another process sees it", (backing, world) =>
    Effect.gen(function*() {
      const [mine, others] = [yield* backing.make("s"), yield* (yield* world.open()).make("s")]
      yield* mine.set("k", { n: 1 }, undefined)
      yield* same(yield* others.get("k"), { n: 1 })
      yield* others.clear
      yield* same(yield* mine.get("k"), undefined)
    })),
  law("Persistence: successes and failures come back typed; what is to live for no time is not kept", (backing) =>
    Effect.gen(function*() {
      const persistence = yield* Persistence.Persistence
      const store = yield* persistence.make({ storeId: "users", timeToLive: (_, key) => (key as User).id === 3 ? 0 : "1 hour" })
      const keys = [1, 2, 3, 4].map((id) => new User({ id })) as [User, User, User, User]
      yield* store.set(keys[0], Exit.succeed(ada))
      yield* store.setMany([[keys[1], Exit.fail("nobody")], [keys[2], Exit.succeed(ada)]])
      yield* same(yield* store.get(keys[0]), Exit.succeed(ada))
      yield* same(yield* store.getMany(keys), [Exit.succeed(ada), Exit.fail("nobody"), undefined, undefined])
    }).pipe(Effect.provide(whole(backing)))),
  law("PersistedCache: looked up once, a failure too; again when it was invalidated or has ended, and not by another process before", (
    backing,
    world
  ) =>
    Effect.gen(function*() {
      const asked: Array<number> = []
      const cache = (from: Backing) =>
        PersistedCache.make((key: User) =>
          Effect.suspend(() => {
            asked.push(key.id)
            return key.id === 2 ? Effect.fail("nobody") : Effect.succeed(ada)
          }), { storeId: "users", timeToLive: () => "3 seconds", inMemoryTTL: () => 0 }).pipe(Effect.provide(whole(from)))
      const mine = yield* cache(backing)
      yield* same(yield* mine.get(new User({ id: 1 })), ada)
      yield* same(yield* mine.get(new User({ id: 1 })), ada)
      yield* same([yield* failure(mine.get(new User({ id: 2 }))), yield* failure(mine.get(new User({ id: 2 })))], ["nobody", "nobody"])
      yield* same(asked, [1, 2])
      const others = yield* cache(yield* world.open())
      yield* same([yield* others.get(new User({ id: 1 })), asked], [ada, [1, 2]])
      yield* mine.invalidate(new User({ id: 1 }))
      yield* others.get(new User({ id: 1 }))
      yield* same(asked, [1, 2, 1])
      yield* world.pass(3_001)
      yield* mine.get(new User({ id: 1 }))
      yield* same(asked, [1, 2, 1, 1])
    }))
]
