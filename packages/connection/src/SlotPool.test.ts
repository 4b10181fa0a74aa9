/** Connections that somebody has to himself, without sockets and in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { ConnectionClosed, ConnectionError } from "./Errors.ts"
import { poolPlace, type PoolOptions, SlotPool } from "./SlotPool.ts"

/** A connection that ends when it is told to. */
class Link {
  closed: ConnectionError | undefined
  readonly name: number
  private readonly lost: (error: ConnectionError) => void

  constructor(name: number, lost: (error: ConnectionError) => void) {
    this.name = name
    this.lost = lost
  }

  end(): void {
    this.closed = new ConnectionError({ reason: new ConnectionClosed({ by: "test" }), address: "there:1", ambiguous: false })
    this.lost(this.closed)
  }
}

const pool = (options: PoolOptions = {}) =>
  Effect.gen(function*() {
    let made = 0
    const pool = new SlotPool<Link>({
      address: "there:1",
      open: (lost) => Effect.sync(() => new Link(++made, lost)),
      requestTimeout: "1 second",
      ...options
    }, yield* poolPlace)
    yield* Effect.addFinalizer(() => Effect.sync(() => pool.stop("test")))
    yield* pool.keep
    return pool
  })

/** What somebody has until `free`. */
const reserved = (pool: SlotPool<Link>) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const link = yield* Scope.provide(pool.reserve(), scope)
    return { link, free: Scope.close(scope, Exit.void) }
  })

describe("a connection to oneself", () => {
  it.effect("is nobody else's until it is given back", () =>
    Effect.gen(function*() {
      const two = yield* pool({ connections: 2 })
      const { free, link } = yield* reserved(two)
      assert.strictEqual(two.connections.length, 2)
      const others = new Set(Array.from({ length: 10 }, () => two.take()))
      assert.deepStrictEqual([...others].map((one) => one?.name), [3 - link.name])
      yield* free
      assert.strictEqual(new Set([two.take(), two.take()]).size, 2)
    }))

  it.effect("requests wait while all are somebody's, and fail after as long as they may take", () =>
    Effect.gen(function*() {
      const one = yield* pool({ whenDisconnected: "fail" })
      const { free, link } = yield* reserved(one)
      assert.isUndefined(one.take())
      const waits = yield* Effect.forkChild(one.connected(), { startImmediately: true })
      const late = yield* Effect.forkChild(Effect.flip(one.connected(500)), { startImmediately: true })
      const lateTurn = yield* Effect.forkChild(Effect.flip(Effect.scoped(one.reserve(500))), { startImmediately: true })
      yield* TestClock.adjust(500)
      for (const fiber of [late, lateTurn]) {
        const { message, reason } = yield* Fiber.join(fiber)
        assert.deepInclude(reason, { _tag: "LimitExceeded", max: 1 })
        assert.strictEqual(message, "there:1: more than 1 connections in use")
      }
      yield* free
      assert.strictEqual(yield* Fiber.join(waits), link)
    }))

  it.effect("whoever asked first has the first; who is interrupted loses nobody's", () =>
    Effect.gen(function*() {
      const one = yield* pool()
      const { free } = yield* reserved(one)
      const order: Array<number> = []
      const fibers = yield* Effect.forEach(
        [1, 2, 3, 4],
        (n) =>
          Effect.forkChild(Effect.scoped(Effect.tap(one.reserve(), () => Effect.sync(() => order.push(n)))), { startImmediately: true })
      )
      yield* Fiber.interrupt(fibers[1]!)
      yield* free
      yield* Effect.forEach([0, 2, 3], (i) => Fiber.join(fibers[i]!))
      assert.deepStrictEqual(order, [1, 3, 4])
      assert.isDefined(one.take())
    }))

  it.effect("that is lost is made again, and then anybody's", () =>
    Effect.gen(function*() {
      const one = yield* pool({ reconnect: { initialDelay: "10 millis" } })
      const { free, link } = yield* reserved(one)
      const waits = yield* Effect.forkChild(one.connected(), { startImmediately: true })
      link.end()
      assert.isUndefined(one.take())
      yield* TestClock.adjust(100)
      assert.strictEqual((yield* Fiber.join(waits)).name, 2)
      yield* free
      assert.strictEqual(one.take()?.name, 2)
      const again = yield* reserved(one)
      assert.strictEqual(again.link.name, 2)
      yield* again.free
    }))

  it.effect("fails when the pool is stopped", () =>
    Effect.gen(function*() {
      const one = yield* pool()
      const { free } = yield* reserved(one)
      const waits = yield* Effect.forkChild(Effect.flip(Effect.scoped(one.reserve())), { startImmediately: true })
      one.stop("test")
      yield* free
      assert.deepInclude((yield* Fiber.join(waits)).reason, { _tag: "ConnectionClosed", by: "test" })
    }))
})

describe("a pool whose first attempt fails", () => {
  const refused = new ConnectionError({ reason: new ConnectionClosed({ by: "test" }), address: "there:1", ambiguous: false })
  const unreachable = (options: PoolOptions) =>
    Effect.gen(function*() {
      let attempts = 0
      const pool = new SlotPool<Link>({
        address: "there:1",
        open: (lost) =>
          Effect.delay(Effect.suspend(() => ++attempts <= 2 ? Effect.fail(refused) : Effect.succeed(new Link(attempts, lost))), 1),
        ...options
      }, yield* poolPlace)
      yield* Effect.addFinalizer(() => Effect.sync(() => pool.stop("test")))
      const kept = yield* Effect.forkScoped(Effect.result(pool.keep))
      yield* TestClock.adjust(1)
      return { pool, kept: yield* Fiber.join(kept) }
    })

  it.effect("fails; or keeps trying, and has its connections later, when that is asked for", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* unreachable({})).kept._tag, "Failure")
      const { kept, pool } = yield* unreachable({ whenUnreachable: "keep trying", connections: 2 })
      assert.strictEqual(kept._tag, "Success")
      assert.strictEqual(pool.connections.length, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(pool.connections.length, 2)
    }))
})

describe("a pool whose connections are made when they are needed", () => {
  it.effect("has them until whoever came after it has ended, also those that were made later", () =>
    Effect.gen(function*() {
      let there: number | undefined
      yield* Effect.scoped(Effect.gen(function*() {
        const lazy = new SlotPool<Link>({
          address: "there:1",
          open: (lost) => Effect.acquireRelease(Effect.sync(() => new Link(1, lost)), (link) => Effect.sync(() => link.end()))
        }, yield* poolPlace)
        yield* Effect.addFinalizer(() => Effect.sync(() => there = lazy.connections.length))
        yield* lazy.connect
      }))
      assert.strictEqual(there, 1)
    }))
})
