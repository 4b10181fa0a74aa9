/** Timers follow the Clock in place: the machine's own without a fibre, any other to the millisecond. */
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { expect, test, vi } from "vitest"
import { liveTimers, type Timers, timers } from "./Timers.ts"

const withTestClock = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(Effect.provide(effect, TestClock.layer()))

test("the live clock has the machine's own timers, in a test clock too when it is asked for", async () => {
  expect(await Effect.runPromise(timers)).toBe(liveTimers)
  expect(await withTestClock(TestClock.withLive(timers))).toBe(liveTimers)
  expect(await withTestClock(timers)).not.toBe(liveTimers)
})

const recorded = ({ after, every, now, unixTime }: Timers) => {
  const log: Array<string> = []
  const note = (what: string) => () => void log.push(`${what} ${Math.round(now())} ${unixTime()}`)
  const ticking = every(1_000, note("every"))
  after(2_500, () => {
    note("after")()
    ticking.cancel()
    after(1, note("nested"))
  })
  after(3_600_000, note("an hour"), { unref: true })
  const never = after(10, note("cancelled"))
  after(5, () => never.cancel())
  after(2 ** 31 + 1_000, note("later than Node's timers can"))
  return log
}

test("Node's timers, also for longer than they can", () => {
  vi.useFakeTimers()
  try {
    const ran: Array<number> = []
    const begun = liveTimers.now()
    const longer = 2 ** 31 + 1_000
    liveTimers.after(longer, () => ran.push(liveTimers.now() - begun))
    const cancelled = liveTimers.after(longer, () => ran.push(-1))
    vi.advanceTimersByTime(longer - 1)
    expect(ran).toEqual([])
    cancelled.cancel()
    vi.advanceTimersByTime(1_000)
    expect(ran).toEqual([longer])
  } finally {
    vi.useRealTimers()
  }
})

test("a late timer of Node waits for what arrived in time, and is told when it was there; cancelled meanwhile, it does not run", async () => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1")
  const [other] = (await once(server, "connection")) as [Socket]
  const log: Array<string> = []
  client.on("data", () => log.push("data"))
  for (const kind of ["after", "every"] as const) {
    await new Promise<void>((resolve) => {
      const begun = performance.now()
      const timer = liveTimers[kind](20, (now) => {
        log.push(`${kind} ${now - begun >= 100 && performance.now() >= now}`)
        timer.cancel()
        resolve()
      })
      const cancelled = liveTimers[kind](20, () => log.push("cancelled"))
      liveTimers.after(10, () => cancelled.cancel())
      // this process stands still while the system brings it
      other.write("x")
      while (performance.now() < begun + 100);
    })
  }
  client.destroy()
  server.close()
  expect(log).toEqual(["data", "after true", "data", "every true"])
})

test("a test clock moves them, and nothing else does", () =>
  withTestClock(Effect.gen(function*() {
    yield* TestClock.setTime(1_000_000)
    const log = recorded(yield* timers)
    yield* TestClock.adjust(999)
    yield* TestClock.withLive(Effect.sleep(20))
    expect(log).toEqual([])
    yield* TestClock.adjust(1)
    expect(log).toEqual(["every 1001000 1001000"])
    yield* TestClock.adjust("1 hour")
    expect(log.slice(1)).toEqual(["every 1002000 1002000", "after 1002500 1002500", "nested 1002501 1002501", "an hour 4600000 4600000"])
    yield* TestClock.adjust("30 days")
    expect(log.slice(5)).toEqual(["later than Node's timers can 2148484648 2148484648"])
  })))

test("Unix time is whole, as `Date.now` is", () =>
  withTestClock(Effect.gen(function*() {
    const { now, unixTime } = yield* timers
    yield* TestClock.adjust(20_377.743697)
    expect([now(), unixTime()]).toEqual([20_377.743697, 20_377])
  })))

test("an immediate timer comes after its beginner, and 0 ms is 1 ms, as in Node", () =>
  withTestClock(Effect.gen(function*() {
    const { after } = yield* timers
    let ran = false
    after(0, () => ran = true)
    expect(ran).toBe(false)
    yield* TestClock.adjust(1)
    expect(ran).toBe(true)
  })))

test("what a timer throws is uncaught, as Node's is", () =>
  withTestClock(Effect.gen(function*() {
    const before = process.listeners("uncaughtException")
    process.removeAllListeners("uncaughtException")
    const caught: Array<unknown> = []
    process.once("uncaughtException", (error) => caught.push(error))
    const { after } = yield* timers
    after(1, () => {
      throw new Error("planted")
    })
    yield* TestClock.adjust(1)
    yield* TestClock.withLive(Effect.sleep(5))
    for (const listener of before) process.on("uncaughtException", listener)
    expect(caught).toEqual([new Error("planted")])
  })))
