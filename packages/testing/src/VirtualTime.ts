/**
 * Programs in virtual time: a day passes in seconds, and one number decides everything that happens.
 *
 * While a program runs, timers, immediates, `Date`, `performance` and `process.hrtime.bigint` are those of a virtual clock, and all that is
 * random (`Math.random`, `node:crypto`, Web Crypto) comes from the seed. The clock goes on to the next timer as soon as everything that was to
 * happen now has happened; microtasks and ticks, which Node runs in their order, stay what they are. So the same seed gives the same run, as
 * long as nothing comes from outside: sockets, files, child processes and Node's thread pool (`zlib`, `crypto.pbkdf2` and so SCRAM) answer when
 * they like, and a program that uses them fails with what it used and where.
 *
 * ```ts
 * const seen = await runVirtual(Effect.scoped(Effect.gen(function*() {
 *   const { bucket, layer } = yield* pair({ vbuckets: 4 })
 *   …
 *   yield* Effect.sleep("24 hours")
 * })), { seed: 7 })
 * ```
 */
import { withGlobal } from "@sinonjs/fake-timers"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { AsyncLocalStorage, createHook } from "node:async_hooks"
import Crypto from "node:crypto"
import { syncBuiltinESMExports } from "node:module"
import { random } from "./Seeds.ts"

/** How a program runs. */
export interface VirtualTimeOptions {
  /** A whole number that everything random comes from. Default: 1. */
  readonly seed?: number
  /** Unix time in milliseconds when the program begins. Default: 2025-01-01T00:00:00Z. */
  readonly start?: number
  /** Virtual time after which the program is given up. Default: 30 days. */
  readonly limit?: Duration.Input
}

/** Why a program was given up. */
export type VirtualTimeReason =
  /** Another program of this process is in virtual time. */
  | "Busy"
  /** It used something that answers when it likes, so that two runs of a seed would differ. */
  | "NotVirtual"
  /** It waits, and there is no timer that could wake it. */
  | "WaitsForever"
  /** It does so much without letting time pass that it seems to be a loop. */
  | "TimeStands"
  /** More virtual time passed than the limit. */
  | "LimitReached"

/** A program that cannot be run in virtual time. */
export class VirtualTimeError
  extends Data.TaggedError("VirtualTimeError")<{ readonly reason: VirtualTimeReason; readonly message: string }>
{}

/** Resources of Node whose answers come in no certain order, by the names that `async_hooks` has for them. */
const outside =
  /^(TCP|PIPE|UDP|GETADDRINFO|GETNAMEINFO|QUERYWRAP|DNSCHANNEL|FSREQ|FSEVENT|STATWATCHER|PBKDF2|SCRYPT|RANDOM|KEY|HASHREQ|SIGNREQ|CHECKPRIME|DERIVE|CIPHER|ZLIB|PROCESSWRAP|WORKER)/

/** Timers that fire at one instant before it is taken for a loop. */
const maxStepsAtOnce = 250_000

/** As the native one, which the virtual clock does not touch: everything queued before it has happened when it comes. */
const nextTurn = setImmediate

/** Each program's own object: what is created on its behalf is told apart from what the process does beside it. */
const running = new AsyncLocalStorage<object>()
let busy = false

/** Puts the seed in the place of chance; returns what takes it away again. */
const seededChance = (seed: number): () => void => {
  const below = random(seed)
  const bytes = <A extends ArrayBufferView>(into: A): A => {
    const view = new Uint8Array(into.buffer, into.byteOffset, into.byteLength)
    for (let at = 0; at < view.length; at++) view[at] = below(256)
    return into
  }
  const randomUUID = () => {
    const made = bytes(Buffer.alloc(16))
    made[6] = made[6]! & 0x0f | 0x40
    made[8] = made[8]! & 0x3f | 0x80
    return made.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
  }
  const { randomBytes } = Crypto
  /** [whose, what, by what it is replaced] */
  const replaced: ReadonlyArray<readonly [object, string, unknown]> = [
    [Math, "random", () => below(0x1_0000_0000) / 0x1_0000_0000],
    [Crypto, "randomUUID", randomUUID],
    [Crypto, "randomFillSync", bytes],
    // with a callback it answers from the thread pool, which is refused like the rest of it
    [Crypto, "randomBytes", (size: number, done?: () => void) => done === undefined ? bytes(Buffer.alloc(size)) : randomBytes(size, done)],
    [globalThis.crypto, "randomUUID", randomUUID],
    [globalThis.crypto, "getRandomValues", bytes]
  ]
  const before = replaced.map(([owner, name]) => [owner, name, Object.getOwnPropertyDescriptor(owner, name)] as const)
  for (const [owner, name, value] of replaced) Object.defineProperty(owner, name, { value, configurable: true, writable: true })
  syncBuiltinESMExports()
  return () => {
    for (const [owner, name, descriptor] of before) {
      if (descriptor === undefined) delete (owner as { [name: string]: unknown })[name]
      else Object.defineProperty(owner, name, descriptor)
    }
    syncBuiltinESMExports()
  }
}

/** Puts a clock in the place of the machine's; what takes it away again is its `uninstall`. */
const virtualClock = (start: number) => {
  const clock = withGlobal(globalThis).install({
    now: start,
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "setImmediate", "clearImmediate", "Date", "performance"],
    ignoreMissingTimers: true
  })
  // within a timer, an immediate would be 1 ms late: the library gives all that has no delay the next millisecond
  const later = globalThis.setImmediate
  const ticking = clock as unknown as { duringTick: boolean }
  globalThis.setImmediate = ((...given: Parameters<typeof later>) => {
    const { duringTick } = ticking
    ticking.duringTick = false
    try {
      return later(...given)
    } finally {
      ticking.duringTick = duringTick
    }
  }) as typeof later
  // replaced on the function itself, which is what libraries hold
  const { bigint } = process.hrtime
  process.hrtime.bigint = () => BigInt(Math.round((clock.now - start) * 1_000_000))
  return {
    clock,
    uninstall: () => {
      process.hrtime.bigint = bigint
      clock.uninstall()
    }
  }
}

/** Tells of the first thing from outside that a program uses. */
const watchOutside = (mine: object) => {
  let used: VirtualTimeError | undefined
  const hook = createHook(
    {
      init: (_, type) => {
        if (used !== undefined || !outside.test(type) || running.getStore() !== mine) return
        const where =
          new Error(type).stack?.split("\n").slice(1).filter((line) => !/node:|VirtualTime\.ts/.test(line)).slice(0, 6).join("\n") ?? ""
        used = new VirtualTimeError({ reason: "NotVirtual", message: `${type} is not virtual; it was used\n${where}` })
      },
      trackPromises: false
    } as Parameters<typeof createHook>[0]
  )
  hook.enable()
  return { found: () => used, stop: () => void hook.disable() }
}

/**
 * Runs a program in virtual time and waits, in real time, for its end. Like `Effect.runPromise` it rejects with what the program fails with, or
 * with `VirtualTimeError`. One program at a time: the clock and chance of the whole process are replaced meanwhile.
 */
export const runVirtual = <A, E>(program: Effect.Effect<A, E>, options: VirtualTimeOptions = {}): Promise<A> => {
  const { limit = "30 days", seed = 1, start = Date.UTC(2025, 0, 1) } = options
  if (busy) {
    return Promise.reject(new VirtualTimeError({ reason: "Busy", message: "another program of this process is in virtual time" }))
  }
  busy = true
  // made when they are first asked for; what a program prints goes out, and nothing comes back
  void process.stdout
  void process.stderr
  const mine = {}
  return running.run(mine, () =>
    new Promise<A>((resolve, reject) => {
      const until = start + Duration.toMillis(limit)
      const giveBackChance = seededChance(seed)
      const { clock, uninstall } = virtualClock(start)
      const watch = watchOutside(mine)
      let exit: Exit.Exit<A, E> | undefined
      let at = start
      let steps = 0

      const end = (settle: () => void): void => {
        watch.stop()
        uninstall()
        giveBackChance()
        busy = false
        settle()
      }
      const problem = (): VirtualTimeError | undefined => {
        const used = watch.found()
        if (used !== undefined) return used
        const passed = `${clock.now - start} ms after its start`
        if (clock.now > until) return new VirtualTimeError({ reason: "LimitReached", message: `the program has not ended ${passed}` })
        if (exit !== undefined) return undefined
        if (clock.countTimers() === 0) {
          return new VirtualTimeError({ reason: "WaitsForever", message: `the program waits for what no timer brings, ${passed}` })
        }
        if (clock.now !== at) steps = 0
        at = clock.now
        if (++steps <= maxStepsAtOnce) return undefined
        return new VirtualTimeError({ reason: "TimeStands", message: `${maxStepsAtOnce} timers fired without time passing, ${passed}` })
      }
      const step = (): void => {
        const why = problem()
        if (why !== undefined) {
          return end(() => {
            Effect.runFork(Fiber.interrupt(fiber))
            reject(why)
          })
        }
        if (exit !== undefined) {
          const ended = exit
          return end(() => Exit.isSuccess(ended) ? resolve(ended.value) : reject(Cause.squash(ended.cause)))
        }
        try {
          clock.next()
        } catch (error) {
          return end(() => reject(error as Error))
        }
        nextTurn(step)
      }
      const fiber = Effect.runFork(program)
      fiber.addObserver((ended) => {
        exit = ended
      })
      nextTurn(step)
    }))
}
