/** What is given to readers: to those addressed, as much as they have room for, and in one step. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { expect, it } from "vitest"
import { Readers } from "./Readers.ts"

const now = { startImmediately: true }
/** Lets fibres go on until they wait for each other: each turn of the event loop runs all that can. */
const settled = Effect.promise(async () => {
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
})

it("those addressed have it; the first of a key enters, the last leaves", () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const readers = new Readers<string, number>(8)
    const log: Array<string> = []
    const say = (what: string) => Effect.sync(() => log.push(what))
    const read = (key: string, count: number) =>
      Effect.forkScoped(Stream.runCollect(Stream.take(readers.stream(key, say(`enter ${key}`), say(`leave ${key}`)), count)), now)
    const [one, other, b] = [yield* read("a", 1), yield* read("a", 2), yield* read("b", 1)]
    expect(readers.keys).toEqual(["a", "b"])
    yield* readers.give(["a"], 1)
    expect(yield* Fiber.join(one)).toEqual([1])
    expect(log).toEqual(["enter a", "enter b"])
    yield* readers.give(["a", "b", "none"], 2)
    expect([yield* Fiber.join(other), yield* Fiber.join(b)]).toEqual([[1, 2], [2]])
    expect(log.slice(2).sort()).toEqual(["leave a", "leave b"])
    expect(readers.keys).toEqual([])
  }))))

it("whoever gives waits for the slowest, and gives nothing when he is interrupted before", () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const readers = new Readers<string, number, string>(2)
    const slow: Array<number> = []
    const fast: Array<number> = []
    let pass = (): void => {}
    const wait = () => Effect.callback<void>((resume) => void (pass = () => resume(Effect.void)))
    const ended = yield* Effect.forkScoped(
      Stream.runForEach(readers.stream("slow", Effect.void), (one) => Effect.andThen(Effect.sync(() => slow.push(one)), wait())),
      now
    )
    yield* Effect.forkScoped(Stream.runForEach(readers.stream("fast", Effect.void), (one) => Effect.sync(() => fast.push(one))), now)
    let given = 0
    const give = (one: number) => readers.give(["fast", "slow"], one, () => given++)
    yield* give(0)
    yield* settled
    expect([slow, fast]).toEqual([[0], [0]])
    // a stream takes what there is at once
    for (let i = 1; i <= 2; i++) yield* give(i)
    yield* settled
    expect(readers.behind).toEqual(["slow"])
    const third = yield* Effect.forkScoped(give(3), now)
    yield* settled
    yield* readers.give(["fast"], 100)
    yield* settled
    expect([given, fast]).toEqual([3, [0, 1, 2, 100]])
    yield* Fiber.interrupt(third)
    const fourth = yield* Effect.forkScoped(give(4), now)
    pass()
    yield* Fiber.join(fourth)
    yield* settled
    expect([given, fast]).toEqual([4, [0, 1, 2, 100, 4]])
    readers.fail("too slow", readers.keys.filter((key) => key === "slow"))
    expect(readers.behind).toEqual([])
    for (let i = 0; i < 4; i++) {
      pass()
      yield* settled
    }
    expect(slow).toEqual([0, 1, 2, 4])
    expect(yield* Fiber.await(ended)).toEqual(Exit.fail("too slow"))
  }))))
