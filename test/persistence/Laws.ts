/**
 * Laws of Effect's persistence interfaces, and how they are run: each suite unchanged on every implementation. An implementation that breaks a
 * law is named with the reason, and then the law must fail: a break that is mended is seen.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { byTestClock, pass } from "../runtime/Virtual.fixture.ts"

/** What a law is given. */
export interface World<Service, Options = void> {
  /** The implementation, as one process has it; again, as another process has it over the same data. */
  readonly open: (options?: Options) => Effect.Effect<Service, unknown, Scope.Scope>
  /** Lets time pass, with everything that is due in it. */
  readonly pass: (duration: Duration.Input) => Effect.Effect<void>
}

/** Something that must be so. */
export interface Law<Service, Options = void> {
  readonly name: string
  readonly run: (world: World<Service, Options>) => Effect.Effect<void, unknown, Scope.Scope>
}

/** A law of a service that one process has. */
export const law = <Service, Options = void>(
  name: string,
  check: (service: Service, world: World<Service, Options>) => Effect.Effect<void, unknown, Scope.Scope>
): Law<Service, Options> => ({ name, run: (world) => Effect.flatMap(world.open(), (service) => check(service, world)) })

/** Bytes are bytes, of whatever class they are. */
const plain = (value: unknown): unknown => value instanceof Uint8Array ? [...value] : Array.isArray(value) ? value.map(plain) : value

/** Compares; a difference is a failure. */
export const same = (found: unknown, expected: unknown): Effect.Effect<void> =>
  Effect.sync(() => expect(plain(found)).toEqual(plain(expected)))

/** Runs a law in a new world without data. */
export type Run<Service, Options> = (law: Law<Service, Options>) => Promise<void>

/** Tests an implementation; `breaks` says which laws it breaks, by name, and why. Laws that wait in real time wait together. */
export const lawTests = <Service, Options>(
  title: string,
  laws: ReadonlyArray<Law<Service, Options>>,
  run: Run<Service, Options>,
  breaks: { readonly [law: string]: string } = {},
  concurrent = false
): void => {
  describe(title, { concurrent }, () => {
    it("breaks only laws that there are", () =>
      expect(Object.keys(breaks).filter((name) => !laws.some((law) => law.name === name))).toEqual([]))
    for (const law of laws) {
      const why = breaks[law.name]
      if (why === undefined) it(law.name, () => run(law))
      else it(`BROKEN: ${law.name} (${why})`, () => expect(run(law)).rejects.toThrow())
    }
  })
}

/** Runs a law in real time. */
export const inRealTime = <Service, Options>(
  open: Effect.Effect<World<Service, Options>["open"], unknown, Scope.Scope>
): Run<Service, Options> =>
(law) =>
  Effect.runPromise(
    Effect.scoped(Effect.flatMap(open, (open) => law.run({ open, pass: (duration) => Effect.sleep(duration) }))).pipe(
      Effect.timeout("60 seconds")
    )
  )

/** Runs a law in virtual time. */
export const inVirtualTime =
  <Service, Options>(open: Effect.Effect<World<Service, Options>["open"], unknown, Scope.Scope>): Run<Service, Options> => async (law) => {
    await byTestClock(
      Effect.flatMap(open, (open) =>
        Effect.contextWith((context: Context.Context<never>) =>
          law.run({
            open,
            pass: (duration) => pass(duration).pipe(Effect.provide(context)) as Effect.Effect<void>
          })
        )) as never
    )
  }

/** Fails unless an effect fails; returns what with. */
export const failure = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<E, Error, R> =>
  Effect.flatMap(Effect.exit(effect), (exit) => {
    const reason = Exit.isFailure(exit) ? exit.cause.reasons.find(Cause.isFailReason) : undefined
    return reason === undefined ? Effect.fail(new Error(`no failure: ${String(exit)}`)) : Effect.succeed(reason.error as E)
  })

/** Opens a service by a layer that is made for each process. */
export const opened = <I, S, Options = void>(
  service: Context.Key<I, S>,
  layer: (options: Options | undefined) => Layer.Layer<I, unknown>
): World<S, Options>["open"] =>
(options) => Effect.map(Layer.build(Layer.fresh(layer(options))), (context) => Context.get(context, service))
