/**
 * Conversations in virtual time, without sockets and without waiting: by Effect's `TestClock`, and by `runVirtual`, which puts a clock in the
 * place of the whole process's. A program lets time pass by `pass`; what then happens, happens at the same millisecond in both.
 */
import { runVirtual } from "@wirewright/testing"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { createHook } from "node:async_hooks"

/** Lets time pass; all that is due in it happens at its time. */
class Pass extends Context.Service<Pass, (duration: Duration.Input) => Effect.Effect<void>>()("@wirewright/test/Pass") {}

/** Lets time pass; all that is due in it happens at its time. */
export const pass = (duration: Duration.Input): Effect.Effect<void, never, Pass> => Pass.use((pass) => pass(duration))

/** Milliseconds of virtual time since the program began. */
export const now: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

export type Program<A, E> = Effect.Effect<A, E, Pass | Scope.Scope>

/** Turns of the event loop after which nothing moves any more that does not wait for time: a round trip takes a few. */
const turns = 25

const settled = Effect.promise(async () => {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
})

/** What sockets, and the looking up of their names, are called by `async_hooks`. */
const networking = /^(TCP|PIPE|UDP|TLS|GETADDRINFO|QUERYWRAP|DNSCHANNEL|HTTP)/

/** Runs a program by `TestClock`, which goes on from one sleep to the next; returns what it used of the network, too. */
export const byTestClock = async <A, E>(
  program: Program<A, E>
): Promise<{ readonly value: A; readonly network: ReadonlyArray<string> }> => {
  const network: Array<string> = []
  const hook = createHook(
    { init: (_, type) => void (networking.test(type) && network.push(type)), trackPromises: false } as Parameters<typeof createHook>[0]
  )
  hook.enable()
  const run = Effect.flatMap(TestClock.testClockWith(Effect.succeed), (clock) => {
    const due = new Set<number>()
    const told = {
      ...clock,
      sleep: (duration: Duration.Duration) =>
        Effect.suspend(() => {
          const at = clock.currentTimeMillisUnsafe() + Duration.toMillis(duration)
          due.add(at)
          return clock.sleep(duration)
        })
    }
    const go = (duration: Duration.Input) =>
      Effect.gen(function*() {
        const end = clock.currentTimeMillisUnsafe() + Duration.toMillis(duration)
        yield* settled
        for (;;) {
          const next = Math.min(...due)
          if (next > end) break
          due.delete(next)
          if (next > clock.currentTimeMillisUnsafe()) yield* clock.setTime(next)
          yield* settled
        }
        yield* clock.setTime(end)
        yield* settled
      })
    return Effect.scoped(program).pipe(
      Effect.provideService(Pass, go),
      Effect.provideService(Clock.Clock, told),
      Random.withSeed("conversation")
    )
  })
  try {
    const value = await Effect.runPromise(run.pipe(Effect.provide([TestClock.layer(), Logger.layer([])])) as Effect.Effect<A, E>)
    return { value, network }
  } finally {
    hook.disable()
  }
}

/** Runs a program by `runVirtual`, which fails when a socket is used. */
export const byVirtualProcess = <A, E>(program: Program<A, E>): Promise<A> =>
  runVirtual(
    Effect.scoped(program).pipe(
      Effect.provideService(Pass, Effect.sleep),
      Random.withSeed("conversation"),
      Effect.provide(Logger.layer([]))
    ),
    { start: 0 }
  )
