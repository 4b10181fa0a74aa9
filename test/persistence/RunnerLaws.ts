/** Laws of effect/cluster's `RunnerStorage`. Locks last `lockTime`. */
import * as Effect from "effect/Effect"
import * as Runner from "effect/cluster/Runner"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import type { RunnerStorage } from "effect/cluster/RunnerStorage"
import type * as Scope from "effect/Scope"
import * as ShardId from "effect/cluster/ShardId"
import { type Law, law as lawOf, same, type World } from "./Laws.ts"

/** Seconds that locks last without being refreshed. */
export const lockTime = 3

type Store = RunnerStorage["Service"]

const [a, b] = [RunnerAddress.make("a.example", 1), RunnerAddress.make("b.example", 1)]
const shard = (id: number) => ShardId.make("default", id)
const shards = (...ids: ReadonlyArray<number>) => ids.map(shard)
const numbers = (found: ReadonlyArray<ShardId.ShardId>) => found.map(({ id }) => id).sort((left, right) => left - right)
const runner = (address: RunnerAddress.RunnerAddress) => Runner.make({ address, groups: ["default"], weight: 1 })
const register = (store: Store, address: RunnerAddress.RunnerAddress) => store.register(runner(address), true)
const known = (store: Store) =>
  Effect.map(store.getRunners, (all) => all.map(([{ address }, healthy]) => `${address.host} ${healthy}`).sort())

/** A law of two runners, each a process of its own. */
const law = (
  name: string,
  check: (first: Store, second: Store, world: World<Store>) => Effect.Effect<void, unknown, Scope.Scope>
): Law<Store> =>
  lawOf<Store>(name, (first, world) =>
    Effect.gen(function*() {
      const second = yield* world.open()
      yield* register(first, a)
      yield* register(second, b)
      yield* check(first, second, world)
    }))

/** Lets less time pass than locks last, with a refresh in between, so often. */
const live = (
  store: Store,
  address: RunnerAddress.RunnerAddress,
  held: ReadonlyArray<ShardId.ShardId>,
  { pass }: World<Store>,
  times = 4
) =>
  Effect.gen(function*() {
    for (let i = 0; i < times; i++) {
      yield* pass("1 second")
      yield* store.refresh(address, held)
    }
  })

/** What a store has to do. */
export const runnerLaws: ReadonlyArray<Law<Store>> = [
  law("runners are told apart, and known to all as healthy or not", (first, second) =>
    Effect.gen(function*() {
      yield* same(yield* known(second), ["a.example true", "b.example true"])
      yield* second.setRunnerHealth(a, false)
      yield* same(yield* known(first), ["a.example false", "b.example true"])
      yield* same((yield* register(first, a)) === (yield* register(second, b)), false)
    })),
  law("a shard has one holder: what one has, nobody else gets", (first, second) =>
    Effect.gen(function*() {
      yield* same(numbers(yield* first.acquire(a, shards(1, 2, 3))), [1, 2, 3])
      yield* same(numbers(yield* second.acquire(b, shards(2, 3, 4))), [4])
      yield* same(numbers(yield* first.acquire(a, shards(3, 4, 5))), [3, 5])
      yield* same(numbers(yield* second.refresh(b, shards(1, 2, 3, 4, 5))), [4])
      yield* same(yield* second.acquire(b, []), [])
    })),
  law("what is released is free, and nothing else", (first, second) =>
    Effect.gen(function*() {
      yield* first.acquire(a, shards(1, 2, 3))
      yield* Effect.all([first.release(a, shard(1)), first.release(a, shard(2)), second.release(b, shard(3))], { concurrency: 3 })
      yield* same(numbers(yield* second.acquire(b, shards(1, 2, 3))), [1, 2])
      yield* first.releaseAll(a)
      yield* same(numbers(yield* first.refresh(a, shards(1, 2, 3))), [])
      yield* same(numbers(yield* second.acquire(b, shards(3))), [3])
    })),
  law("a runner that leaves holds what it has not released", (first, second) =>
    Effect.gen(function*() {
      yield* first.acquire(a, shards(1, 2))
      yield* first.unregister(a)
      yield* same(yield* known(second), ["b.example true"])
      yield* same(numbers(yield* second.acquire(b, shards(1, 2))), [])
      yield* same(numbers(yield* first.refresh(a, shards(1, 2))), [1, 2])
    })),
  law("locks that are refreshed last", (first, second, world) =>
    Effect.gen(function*() {
      yield* first.acquire(a, shards(1))
      yield* live(first, a, shards(1), world, 2 * lockTime)
      yield* same(numbers(yield* second.acquire(b, shards(1))), [])
    })),
  law(
    "who refreshes nothing is gone, and its locks are free; when it goes on it holds nothing",
    (first, second, world) =>
      Effect.gen(function*() {
        yield* first.acquire(a, shards(1, 2))
        yield* live(second, b, [], world, lockTime + 2)
        yield* same(yield* known(second), ["b.example true"])
        yield* same(numbers(yield* second.acquire(b, shards(1))), [1])
        yield* same(numbers(yield* first.refresh(a, shards(1))), [])
        yield* same(numbers(yield* second.refresh(b, shards(1))), [1])
        yield* register(first, a)
        yield* same(numbers(yield* first.acquire(a, shards(1, 2))), [2])
        yield* same(numbers(yield* second.acquire(b, shards(1, 2))), [1])
      })
  ),
  law("of many that want the same at the same time each shard gets one", (first, _, world) =>
    Effect.gen(function*() {
      const all = Array.from({ length: 32 }, (_, id) => id + 1)
      const many = yield* Effect.forEach([1, 2, 3, 4], (port) =>
        Effect.gen(function*() {
          const store = yield* world.open()
          const address = RunnerAddress.make("many.example", port)
          yield* register(store, address)
          return { address, store }
        }))
      const got = yield* Effect.forEach(many, ({ address, store }) => store.acquire(address, shards(...all)), { concurrency: 4 })
      yield* same(numbers(got.flat()), all)
      yield* same(numbers(yield* first.acquire(a, shards(...all))), [])
    }))
]
