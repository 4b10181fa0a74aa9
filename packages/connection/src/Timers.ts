/**
 * Time as the runtime reads it: that of the Clock which is in place where a connection, a pool or a server is made.
 *
 * With the live clock this is `performance.now` and `setTimeout`, without a fibre per timer. With any other (`TestClock`) every deadline
 * follows that one. What only puts work off to a later turn of the event loop (`setImmediate`, microtasks) is order, not time.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** Something that is to run later. */
export interface Timer {
  /** It does not run (again). */
  readonly cancel: () => void
}

/**
 * A clock and its timers. What a timer runs and throws is uncaught.
 *
 * Node runs timers before it reads sockets. After a pause of the process (a collection of garbage, a busy or suspended machine) what had arrived
 * in time would be taken for missing; so a timer that is late waits until it was read. What runs is told the time at which the timer was there:
 * all that came before has been read, but for the last 5 ms.
 */
export interface Timers {
  /** Milliseconds since no certain time; never goes back. */
  readonly now: () => number
  /** Unix time in whole milliseconds. */
  readonly unixTime: () => number
  /** Runs something once, after at least 1 ms. `unref`: the process may end before that. Default: it may not */
  readonly after: (milliseconds: number, run: (now: number) => void, options?: { readonly unref?: boolean }) => Timer
  /** Runs something again and again. */
  readonly every: (milliseconds: number, run: (now: number) => void, options?: { readonly unref?: boolean }) => Timer
}

/** The longest time that Node's timers know; they take a longer one for 1 ms. */
const longest = 2 ** 31 - 1

type Started = ReturnType<typeof setTimeout> | ReturnType<typeof setInterval>

/** Lets the process end before a timer does; timers of browsers are numbers and hold nothing up. */
const release = (timer: Started): void => {
  if (typeof timer === "object") timer.unref()
}

/** By how many milliseconds a timer is late where the process stood still. */
const stoodStill = 5

/** Runs something at the time of a timer, but after the sockets were read when that is late. */
class Due {
  private readonly run: (now: number) => void
  private waiting: ReturnType<typeof setImmediate> | undefined

  constructor(run: (now: number) => void) {
    this.run = run
  }

  fire(due: number): void {
    const { run } = this
    const now = liveTimers.now()
    // in browsers, timers do not come before messages
    if (now - due <= stoodStill || typeof setImmediate !== "function") return run(now)
    this.cancel()
    this.waiting = setImmediate(run, now)
  }

  cancel(): void {
    if (this.waiting !== undefined) clearImmediate(this.waiting)
  }
}

const started = (milliseconds: number, run: (now: number) => void, unref: boolean): Timer => {
  const due = new Due(run)
  const start = (left: number): Started => {
    const end = liveTimers.now() + left
    const timeout = left <= longest ? setTimeout(() => due.fire(end), left) : setTimeout(() => {
      timer = start(left - longest)
    }, longest)
    if (unref) release(timeout)
    return timeout
  }
  let timer = start(milliseconds)
  return {
    cancel: () => {
      clearTimeout(timer)
      due.cancel()
    }
  }
}

/** The machine's own time. */
export const liveTimers: Timers = {
  // looked up at each call, because tests put others in their place
  now: () => performance.now(),
  unixTime: () => Date.now(),
  after: (milliseconds, run, options) => started(milliseconds, run, options?.unref === true),
  every: (milliseconds, run, options) => {
    const due = new Due(run)
    let next = liveTimers.now() + milliseconds
    const timer = setInterval(() => {
      const now = next
      next = liveTimers.now() + milliseconds
      due.fire(now)
    }, milliseconds)
    if (options?.unref === true) release(timer)
    return {
      cancel: () => {
        clearInterval(timer)
        due.cancel()
      }
    }
  }
}

/** The clock of programs that were given none. */
const liveClock = Context.get(Context.empty(), Clock.Clock)

const timersOf = (clock: Clock.Clock, services: Context.Context<never>): Timers => {
  const fork = Effect.runForkWith(services)
  const begin = (effect: Effect.Effect<void>): Timer => {
    const fiber = fork(effect)
    fiber.addObserver((exit) => {
      if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return
      queueMicrotask(() => {
        throw Cause.squash(exit.cause)
      })
    })
    return { cancel: () => fiber.interruptUnsafe() }
  }
  const now = (): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const once = (milliseconds: number, run: (now: number) => void) =>
    Effect.andThen(Effect.sleep(Math.max(1, milliseconds)), Effect.sync(() => run(now())))
  return {
    now,
    unixTime: () => Math.floor(clock.currentTimeMillisUnsafe()),
    after: (milliseconds, run) => begin(once(milliseconds, run)),
    every: (milliseconds, run) => begin(Effect.forever(once(milliseconds, run)))
  }
}

/** The timers of the Clock in place. */
export const timers: Effect.Effect<Timers> = Effect.contextWith((services: Context.Context<never>) => {
  const clock = Context.get(services, Clock.Clock)
  return Effect.succeed(clock === liveClock ? liveTimers : timersOf(clock, services))
})
