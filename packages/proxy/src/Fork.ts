/** Effects that are begun in callbacks. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** Begins effects at once; they end with the scope. */
export const forkInScope: Effect.Effect<(effect: Effect.Effect<void>) => void, never, Scope.Scope> = Effect.gen(function*() {
  const scope = yield* Effect.scope
  const run = Effect.runForkWith(yield* Effect.context<never>())
  return (effect) => void run(Effect.forkIn(effect, scope, { startImmediately: true }))
})
