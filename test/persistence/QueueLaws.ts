/** Laws of `PersistedQueueStore`, asked through Effect's `PersistedQueue`. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { type Law, law as lawOf, same, type World } from "./Laws.ts"

type Store = PersistedQueue.PersistedQueueStore["Service"]

/** Whether claims are renewed: a process that was killed renews none. */
export interface QueueWorldOptions {
  readonly renews: boolean
}

/** How the stores of the laws are made: looked at often, claims that lapse soon. */
export const queueTimes = (options: QueueWorldOptions | undefined) => ({
  pollInterval: "20 millis",
  lockExpiration: "1 second",
  lockRefreshInterval: options?.renews === false ? "1 hour" : "150 millis"
} as const)

const queueOf = (store: Store, options: { readonly name?: string; readonly maxAttempts?: number } = {}) =>
  PersistedQueue.make({ name: "q", schema: Schema.String, retrySchedule: Schedule.spaced("1 second"), ...options }).pipe(
    Effect.provide(PersistedQueue.layer),
    Effect.provideService(PersistedQueue.PersistedQueueStore, store)
  )

type Queue = Effect.Success<ReturnType<typeof queueOf>>

const law = (
  name: string,
  check: (queue: Queue, world: World<Store, QueueWorldOptions>, store: Store) => Effect.Effect<void, unknown>
): Law<Store, QueueWorldOptions> =>
  lawOf<Store, QueueWorldOptions>(
    name,
    (store, world) => Effect.flatMap(queueOf(store, { maxAttempts: 3 }), (queue) => check(queue, world, store))
  )

/** Takes, while time passes for takers that look at intervals. */
const take = (queue: Queue, { pass }: World<Store, QueueWorldOptions>) =>
  Effect.gen(function*() {
    const taking = yield* Effect.forkChild(queue.take((value, { attempts, id }) => Effect.succeed({ value, attempts, id })))
    for (let i = 0; i < 200 && taking.pollUnsafe() === undefined; i++) yield* pass(20)
    if (taking.pollUnsafe() === undefined) return yield* Effect.fail(new Error("nothing could be taken for 4 seconds"))
    return yield* Fiber.join(taking)
  })

/** Whether nothing can be taken for a time. */
const nothing = (queue: Queue, { pass }: World<Store, QueueWorldOptions>, millis: number) =>
  Effect.gen(function*() {
    const taking = yield* Effect.forkChild(queue.take((value) => Effect.succeed(value)))
    yield* pass(millis)
    const exit = taking.pollUnsafe()
    const interrupting = yield* Effect.forkChild(Fiber.interrupt(taking))
    for (let i = 0; i < 50 && interrupting.pollUnsafe() === undefined; i++) yield* pass(20)
    yield* same(exit, undefined)
  })

/** Takes and fails. */
const fail = (queue: Queue, world: World<Store, QueueWorldOptions>) =>
  Effect.gen(function*() {
    const attempts: Array<number> = []
    const taking = yield* Effect.forkChild(Effect.exit(queue.take((_, given) => {
      attempts.push(given.attempts)
      return Effect.fail("no" as const)
    })))
    for (let i = 0; i < 200 && taking.pollUnsafe() === undefined; i++) yield* world.pass(20)
    const exit = yield* Fiber.join(taking)
    yield* same(Exit.isFailure(exit) && Cause.squash(exit.cause), "no")
    return attempts[0]
  })

/** The laws. */
export const queueLaws: ReadonlyArray<Law<Store, QueueWorldOptions>> = [
  law("elements come in the order in which they were offered, each once", (queue, world) =>
    Effect.gen(function*() {
      for (const value of ["a", "b", "c"]) yield* queue.offer(value)
      const taken = [yield* take(queue, world), yield* take(queue, world), yield* take(queue, world)]
      yield* same(taken.map(({ attempts, value }) => [value, attempts]), [["a", 1], ["b", 1], ["c", 1]])
      yield* nothing(queue, world, 500)
    })),
  law("who waits is given what comes", (queue, world) =>
    Effect.gen(function*() {
      const taking = yield* Effect.forkChild(take(queue, world))
      yield* world.pass(100)
      yield* queue.offer("late")
      yield* same((yield* Fiber.join(taking)).value, "late")
    })),
  law("an element is whatever text it is", (queue, world) =>
    Effect.gen(function*() {
      for (const value of ["", "a\r\nb", "ключ 🔑", "\ud800", "x".repeat(100_000)]) {
        yield* queue.offer(value)
        yield* same((yield* take(queue, world)).value, value)
      }
    })),
  law("an id is taken once: while the element waits, is processed, and when it was", (queue, world) =>
    Effect.gen(function*() {
      const ids = [yield* queue.offer("first", { id: "i d" }), yield* queue.offer("second", { id: "i d" })]
      yield* same(ids, ["i d", "i d"])
      const [inside, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const taking = yield* Effect.forkChild(
        queue.take((value) => Deferred.succeed(inside, undefined).pipe(Effect.andThen(Deferred.await(go)), Effect.as(value)))
      )
      for (let i = 0; i < 100 && !Deferred.isDoneUnsafe(inside); i++) yield* world.pass(20)
      yield* queue.offer("third", { id: "i d" })
      yield* Deferred.succeed(go, undefined)
      yield* world.pass(20)
      yield* same(yield* Fiber.join(taking), "first")
      yield* queue.offer("fourth", { id: "i d" })
      yield* nothing(queue, world, 300)
    })),
  law("queues and ids are apart, whatever they are called", (queue, world, store) =>
    Effect.gen(function*() {
      const names = ["a", "a:b", "a:b:c", "", "x".repeat(300)]
      const queues = yield* Effect.forEach(names, (name) => queueOf(store, { name }))
      for (const [i, one] of queues.entries()) yield* one.offer(String(i), { id: i === 0 ? "b:c" : i === 1 ? "c" : "b:c" })
      for (const [i, one] of queues.entries()) yield* same((yield* take(one, world)).value, String(i))
      yield* nothing(queue, world, 100)
    })),
  law("of those who take at once each has another", (queue, world) =>
    Effect.gen(function*() {
      for (let i = 0; i < 10; i++) yield* queue.offer(String(i))
      const taken = yield* Effect.all(Array.from({ length: 10 }, () => take(queue, world)), { concurrency: "unbounded" })
      yield* same(taken.map(({ value }) => Number(value)).sort((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    })),
  law("what failed comes again after its delay, and counts", (queue, world) =>
    Effect.gen(function*() {
      yield* queue.offer("a")
      yield* same(yield* fail(queue, world), 1)
      yield* nothing(queue, world, 500)
      const { attempts, value } = yield* take(queue, world)
      yield* same([value, attempts], ["a", 2])
      yield* nothing(queue, world, 500)
    })),
  law("what fails does not hold up the others", (queue, world) =>
    Effect.gen(function*() {
      yield* queue.offer("a")
      yield* queue.offer("b")
      yield* fail(queue, world)
      yield* same((yield* take(queue, world)).value, "b")
      yield* same((yield* take(queue, world)).value, "a")
    })),
  law("after so many attempts it has failed, and comes no more", (queue, world) =>
    Effect.gen(function*() {
      yield* queue.offer("a", { id: "a" })
      yield* same([yield* fail(queue, world), yield* fail(queue, world), yield* fail(queue, world)], [1, 2, 3])
      yield* nothing(queue, world, 2_500)
      yield* queue.offer("again", { id: "a" })
      yield* nothing(queue, world, 300)
    })),
  law("who is interrupted gives it back, and that was no attempt", (queue, world) =>
    Effect.gen(function*() {
      yield* queue.offer("a")
      const inside = yield* Deferred.make<void>()
      const taking = yield* Effect.forkChild(queue.take(() => Effect.andThen(Deferred.succeed(inside, undefined), Effect.never)))
      for (let i = 0; i < 100 && !Deferred.isDoneUnsafe(inside); i++) yield* world.pass(20)
      yield* Fiber.interrupt(taking)
      const { attempts, value } = yield* take(queue, world)
      yield* same([value, attempts], ["a", 1])
    })),
  law("nothing comes before its delay, nor much later, and what has none goes first", (queue, world) =>
    Effect.gen(function*() {
      yield* queue.offer("later", { delay: "2 seconds" })
      yield* queue.offer("at once", { delay: 0 })
      yield* same((yield* take(queue, world)).value, "at once")
      yield* nothing(queue, world, 1_000)
      const { attempts, value } = yield* take(queue, world)
      yield* same([value, attempts], ["later", 1])
    })),
  law("an infinite delay stores nothing, not even the id", (queue, world) =>
    Effect.gen(function*() {
      yield* queue.offer("never", { id: "i", delay: Duration.infinity })
      yield* queue.offer("now", { id: "i" })
      yield* same((yield* take(queue, world)).value, "now")
    })),
  law("what cannot be read has failed, and the next one is taken", (queue, world, store) =>
    Effect.gen(function*() {
      yield* store.offer({ name: "q", id: "bad", element: { no: "text" }, isCustomId: true })
      yield* queue.offer("good")
      yield* same((yield* take(queue, world)).value, "good")
      yield* nothing(queue, world, 500)
    })),
  law(
    "cleaning up frees the ids of what was completed for longer than told, and of nothing else",
    (queue, world, store) =>
      Effect.gen(function*() {
        yield* queue.offer("done", { id: "done" })
        yield* take(queue, world)
        yield* queue.offer("failed", { id: "failed" })
        for (let i = 0; i < 3; i++) yield* fail(queue, world)
        yield* queue.offer("waits", { id: "waits" })
        const offerAll = Effect.forEach(["done", "failed", "waits"], (id) => queue.offer(`${id} again`, { id }))
        yield* store.cleanup({ timeToLive: Duration.minutes(1), failedTimeToLive: Duration.minutes(1) })
        yield* offerAll
        yield* world.pass(500)
        yield* store.cleanup({ timeToLive: Duration.millis(100), failedTimeToLive: undefined })
        yield* offerAll
        yield* same((yield* take(queue, world)).value, "waits")
        yield* same((yield* take(queue, world)).value, "done again")
        yield* nothing(queue, world, 200)
        yield* store.cleanup({ timeToLive: Duration.minutes(1), failedTimeToLive: Duration.millis(100) })
        yield* offerAll
        yield* same((yield* take(queue, world)).value, "failed again")
      })
  ),
  law("another process takes what was offered here, and knows the ids", (queue, world) =>
    Effect.scoped(Effect.gen(function*() {
      const other = yield* queueOf(yield* world.open())
      yield* queue.offer("a", { id: "a" })
      yield* same((yield* take(other, world)).value, "a")
      yield* other.offer("a", { id: "a" })
      yield* nothing(queue, world, 300)
    }))),
  law(
    "an element is somebody else's when its taker is not heard of, and that was an attempt",
    (_, world) =>
      Effect.scoped(Effect.gen(function*() {
        const killed = yield* queueOf(yield* world.open({ renews: false }))
        const other = yield* queueOf(yield* world.open())
        yield* killed.offer("a")
        const inside = yield* Deferred.make<void>()
        yield* Effect.forkScoped(killed.take(() => Effect.andThen(Deferred.succeed(inside, undefined), Effect.never)))
        for (let i = 0; i < 100 && !Deferred.isDoneUnsafe(inside); i++) yield* world.pass(20)
        yield* nothing(other, world, 300)
        const { attempts, value } = yield* take(other, world)
        yield* same([value, attempts], ["a", 2])
      }))
  ),
  law("who lost his element to somebody else can neither complete nor return it", (_, world) =>
    Effect.scoped(Effect.gen(function*() {
      const slow = yield* queueOf(yield* world.open({ renews: false }))
      const other = yield* queueOf(yield* world.open())
      yield* slow.offer("a")
      const [inside, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const taking = yield* Effect.forkChild(
        Effect.exit(
          slow.take(() => Deferred.succeed(inside, undefined).pipe(Effect.andThen(Deferred.await(go)), Effect.andThen(Effect.fail("no"))))
        )
      )
      for (let i = 0; i < 100 && !Deferred.isDoneUnsafe(inside); i++) yield* world.pass(20)
      const [inOther, goOther] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const takingOther = yield* Effect.forkChild(
        other.take((value) => Deferred.succeed(inOther, undefined).pipe(Effect.andThen(Deferred.await(goOther)), Effect.as(value)))
      )
      for (let i = 0; i < 200 && !Deferred.isDoneUnsafe(inOther); i++) yield* world.pass(20)
      yield* same(Deferred.isDoneUnsafe(inOther), true)
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(taking)
      // returned by who does not own it, it would come again, and twice
      yield* nothing(slow, world, 600)
      yield* Deferred.succeed(goOther, undefined)
      yield* same(yield* Fiber.join(takingOther), "a")
      yield* nothing(other, world, 600)
    }))),
  law("a claim is renewed while its element is processed, however long that takes", (queue, world) =>
    Effect.scoped(Effect.gen(function*() {
      const other = yield* queueOf(yield* world.open())
      yield* queue.offer("a")
      const [inside, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const taking = yield* Effect.forkChild(
        queue.take((value) => Deferred.succeed(inside, undefined).pipe(Effect.andThen(Deferred.await(go)), Effect.as(value)))
      )
      for (let i = 0; i < 100 && !Deferred.isDoneUnsafe(inside); i++) yield* world.pass(20)
      yield* nothing(other, world, 3_000)
      yield* Deferred.succeed(go, undefined)
      yield* same(yield* Fiber.join(taking), "a")
      yield* nothing(other, world, 1_500)
    })))
]
