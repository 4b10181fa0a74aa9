/**
 * Connections that consumers of one process share, so that their number does not depend on how many consumers there are. They stay when nobody uses
 * them for a while; when they can never be made again, for whatever reason, the next one who asks gets others.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

/** What can be over. */
interface Endable {
  readonly over: boolean
}

/** One for all, until it is over. */
export const shared = <N extends Endable, R>(
  make: Effect.Effect<N, never, R | Scope.Scope>
): Effect.Effect<Effect.Effect<N, never, Scope.Scope>, never, Exclude<R, Scope.Scope> | Scope.Scope> =>
  Effect.gen(function*() {
    const services = yield* Effect.context<Exclude<R, Scope.Scope>>()
    // whoever uses them comes later, and so is gone before they are
    const outer = yield* Scope.fork(yield* Effect.scope)
    let current: { readonly nodes: N; readonly scope: Scope.Closeable; users: number } | undefined
    const closed = (one: NonNullable<typeof current>): Effect.Effect<void> =>
      Effect.suspend(() => --one.users === 0 && one.nodes.over ? Scope.close(one.scope, Exit.void) : Effect.void)
    return Effect.uninterruptible(Effect.gen(function*() {
      if (current === undefined || current.nodes.over) {
        const scope = yield* Scope.fork(outer)
        current = { nodes: yield* Effect.provideContext(Scope.provide(make, scope), services) as Effect.Effect<N>, scope, users: 0 }
      }
      const one = current
      one.users++
      yield* Effect.addFinalizer(() => closed(one))
      return one.nodes
    }))
  }) as never
