/**
 * Proves that a slot is filled once however many ask, is filled again in the policy's pace, and tells each connection's fate once. The
 * connections are scripted; time is that of Effect's test clock.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { ConnectionSlot, type SlotOptions } from "./ConnectionSlot.ts"
import { ConnectionError, ConnectionLost } from "./Errors.ts"
import { poolPlace, SlotPool } from "./SlotPool.ts"

const lost = new ConnectionError({ reason: new ConnectionLost({ cause: "cut" }), address: "a:1", ambiguous: false })

class Fake {
  closed: ConnectionError | undefined
  readonly number: number
  private readonly tell: (error: ConnectionError) => void

  constructor(number: number, tell: (error: ConnectionError) => void) {
    this.number = number
    this.tell = tell
  }

  /** As a transport does: `closed` first, then whoever waits, then the owner. */
  cut(between: () => void = () => {}): void {
    this.closed = lost
    between()
    this.tell(lost)
  }
}

/** A peer that takes or refuses connections, and what was heard of it. */
const peer = (accepts: (attempt: number) => boolean = () => true, takes = 0) => {
  const heard: Array<string> = []
  const made: Array<Fake> = []
  let attempts = 0
  const options: SlotOptions<Fake, "refused"> = {
    address: "a:1",
    reconnect: { jitter: false },
    open: (gone) =>
      Effect.gen(function*() {
        const attempt = ++attempts
        heard.push(`dial ${attempt}`)
        if (takes > 0) yield* Effect.sleep(takes)
        if (!accepts(attempt)) return yield* Effect.fail("refused" as const)
        const connection = new Fake(attempt, gone)
        made.push(connection)
        yield* Effect.addFinalizer(() => Effect.sync(() => void heard.push(`closed ${attempt}`)))
        return connection
      }),
    watch: {
      found: Effect.sync(() => void heard.push("found")),
      lost: () => Effect.sync(() => void heard.push("lost")),
      failed: () => Effect.sync(() => void heard.push("failed"))
    }
  }
  return { heard, made, options, dialled: () => attempts }
}

const slotOf = (options: SlotOptions<Fake, "refused">) => Effect.map(Effect.scope, (scope) => new ConnectionSlot(options, scope))

describe("a slot that is filled when asked", () => {
  it.effect("has not found a connection that broke before anybody looked at it", () =>
    Effect.gen(function*() {
      const { heard, options } = peer()
      const open: typeof options.open = (gone) =>
        Effect.map(options.open(gone), (connection) => {
          if (connection.number === 1) connection.cut()
          return connection
        })
      const slot = yield* slotOf({ ...options, open })
      yield* Effect.exit(slot.connect)
      yield* Effect.repeat(Effect.yieldNow, { times: 20 })
      assert.deepStrictEqual(heard, ["dial 1", "lost", "closed 1"])
      yield* Effect.forkChild(slot.connect)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(heard.slice(3), ["dial 2", "found"])
    }))

  it.effect("connects once for all who ask at the same time, one of them interrupted", () =>
    Effect.gen(function*() {
      const { dialled, options } = peer(() => true, 10)
      const slot = yield* slotOf(options)
      const waiting = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(slot.connect))
      yield* TestClock.adjust(5)
      yield* Fiber.interrupt(waiting[0]!)
      yield* TestClock.adjust(5)
      const got = yield* Effect.forEach(waiting.slice(1), (fiber) => Fiber.join(fiber))
      assert.deepStrictEqual(got.map(({ number }) => number), [1, 1])
      assert.strictEqual((yield* slot.connect).number, 1)
      assert.strictEqual(dialled(), 1)
    }))

  it.effect("fails all who wait for an attempt, and makes the next in the policy's pace", () =>
    Effect.gen(function*() {
      const { dialled, options } = peer((attempt) => attempt === 3)
      const slot = yield* slotOf(options)
      assert.strictEqual(yield* Effect.flip(slot.connect), "refused")
      const second = yield* Effect.forkChild(Effect.flip(slot.connect))
      yield* TestClock.adjust(49)
      assert.strictEqual(dialled(), 1)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Fiber.join(second), "refused")
      // nobody asks for longer than the wait
      yield* TestClock.adjust(100)
      assert.strictEqual((yield* slot.connect).number, 3)
    }))

  it.effect("makes another connection only when asked, once the lost one is told and closed", () =>
    Effect.gen(function*() {
      const { dialled, heard, made, options } = peer()
      const slot = yield* slotOf(options)
      yield* slot.connect
      yield* TestClock.adjust(1_000)
      made[0]!.cut(() => assert.isUndefined(slot.connection))
      yield* TestClock.adjust(10_000)
      assert.strictEqual(dialled(), 1)
      assert.strictEqual((yield* slot.connect).number, 2)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(heard, ["dial 1", "found", "lost", "closed 1", "dial 2", "found"])
      assert.strictEqual(slot.lives, 2)
    }))

  it.effect("tells everything in order when it is asked in the middle of a loss", () =>
    Effect.gen(function*() {
      const { heard, made, options } = peer()
      const slot = yield* slotOf(options)
      yield* slot.connect
      yield* TestClock.adjust(1_000)
      let again: Fiber.Fiber<Fake, unknown> | undefined
      made[0]!.cut(() => again = Effect.runFork(slot.connect))
      assert.strictEqual((yield* Fiber.join(again!)).number, 2)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(heard, ["dial 1", "found", "lost", "closed 1", "dial 2", "found"])
    }))

  it.effect("fails who waits when it is closed, and connects for who asks next", () =>
    Effect.gen(function*() {
      const { heard, options } = peer(() => true, 10)
      const slot = yield* slotOf(options)
      const waiting = yield* Effect.forkChild(Effect.exit(slot.connect))
      yield* TestClock.adjust(5)
      yield* slot.close
      const exit = yield* Fiber.join(waiting)
      assert.include(String(Exit.isFailure(exit) && exit.cause), "closed by this client")
      const next = yield* Effect.forkChild(slot.connect)
      yield* TestClock.adjust(10)
      assert.strictEqual((yield* Fiber.join(next)).number, 2)
      yield* slot.close
      assert.isUndefined(slot.connection)
      assert.deepStrictEqual(heard, ["dial 1", "dial 2", "found", "closed 2"])
    }))

  it.effect("fails who asks after its scope has closed", () =>
    Effect.gen(function*() {
      const slot = yield* Effect.scoped(slotOf(peer().options))
      const error = yield* Effect.flip(slot.connect)
      assert.strictEqual(error !== "refused" && error.reason._tag, "ConnectionClosed")
    }))
})

describe("a slot that is kept filled", () => {
  it.effect("connects again at once after a connection that lasted, later after one that did not, and begins anew", () =>
    Effect.gen(function*() {
      const { dialled, made, options } = peer((attempt) => attempt !== 3)
      const slot = yield* slotOf(options)
      yield* Effect.forkScoped(slot.keep, { startImmediately: true })
      assert.strictEqual((yield* slot.connect).number, 1)
      yield* TestClock.adjust(1_000)
      made[0]!.cut()
      yield* TestClock.adjust(0)
      assert.strictEqual(dialled(), 2)
      made[1]!.cut()
      for (const [wait, number] of [[49, 2], [1, 3], [99, 3], [1, 4]] as const) {
        yield* TestClock.adjust(wait)
        assert.strictEqual(dialled(), number)
      }
      yield* TestClock.adjust(1_000)
      made[2]!.cut()
      yield* TestClock.adjust(0)
      assert.strictEqual(dialled(), 5)
    }))

  it.effect("is asked in the middle of a loss without a second connection", () =>
    Effect.gen(function*() {
      const { dialled, made, options } = peer()
      const slot = yield* slotOf(options)
      yield* Effect.forkScoped(slot.keep, { startImmediately: true })
      yield* slot.connect
      yield* TestClock.adjust(1_000)
      let again: Fiber.Fiber<Fake, unknown> | undefined
      made[0]!.cut(() => again = Effect.runFork(slot.connect))
      assert.strictEqual((yield* Fiber.join(again!)).number, 2)
      yield* TestClock.adjust(1_000)
      assert.strictEqual(dialled(), 2)
    }))

  it.effect("ends with why when there are no attempts left, and so does who asks", () =>
    Effect.gen(function*() {
      const { dialled, options } = peer(() => false)
      const slot = yield* slotOf({ ...options, reconnect: { initialDelay: 1, maxAttempts: 2 } })
      const kept = yield* Effect.forkScoped(slot.keep, { startImmediately: true })
      yield* TestClock.adjust(1_000)
      assert.strictEqual(yield* Fiber.join(kept), "refused")
      assert.strictEqual(yield* Effect.flip(slot.connect), "refused")
      assert.strictEqual(dialled(), 3)
    }))

  it.effect("ends when it is stopped, and is told nothing more", () =>
    Effect.gen(function*() {
      const { dialled, heard, made, options } = peer()
      const slot = yield* slotOf(options)
      const kept = yield* Effect.forkScoped(slot.keep, { startImmediately: true })
      yield* slot.connect
      slot.stop()
      made[0]!.cut()
      assert.strictEqual(yield* Fiber.join(kept), lost)
      assert.deepStrictEqual([dialled(), heard], [1, ["dial 1", "found", "closed 1"]])
    }))
})

describe("a pool that is filled when asked", () => {
  it.effect("makes again what was lost although others are there", () =>
    Effect.gen(function*() {
      const { dialled, made, options } = peer()
      const pool = new SlotPool({ ...options, connections: 3 }, yield* poolPlace)
      assert.isUndefined(pool.take())
      yield* pool.connect
      yield* TestClock.adjust(1_000)
      assert.strictEqual(pool.connections.length, 3)
      made[1]!.cut()
      assert.strictEqual(pool.connections.length, 2)
      yield* TestClock.adjust(1_000)
      assert.strictEqual(dialled(), 3)
      assert.isDefined(pool.take())
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))
      assert.deepStrictEqual([dialled(), pool.connections.length, pool.reconnects], [4, 3, 1])
    }))

  it.effect("gives nobody a connection whose end is just being told", () =>
    Effect.gen(function*() {
      const { made, options } = peer()
      const pool = new SlotPool({ ...options, connections: 2 }, yield* poolPlace)
      yield* pool.connect
      yield* TestClock.adjust(0)
      made[0]!.cut(() => assert.deepStrictEqual([1, 2, 3].map(() => pool.take()?.number), [2, 2, 2]))
      made[1]!.cut(() => assert.isUndefined(pool.take()))
    }))
})

describe("a pool that is kept filled", () => {
  it.effect("makes a request wait for the next connection, or fail with why there is none", () =>
    Effect.gen(function*() {
      const { made, options } = peer((attempt) => attempt !== 2)
      const pool = new SlotPool(options, yield* poolPlace)
      yield* pool.keep
      assert.strictEqual((yield* pool.connected()).number, 1)
      made[0]!.cut()
      const waits = yield* Deferred.make<number>()
      yield* Effect.forkChild(Effect.flatMap(pool.connected(60_000), ({ number }) => Deferred.succeed(waits, number)))
      yield* TestClock.adjust(149)
      assert.isFalse(yield* Deferred.isDone(waits))
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Deferred.await(waits), 3)
      pool.stop("quit")
      const error = yield* Effect.flip(pool.connected())
      assert.include(error === "refused" ? "" : error.message, "closed by quit")
    }))
})
