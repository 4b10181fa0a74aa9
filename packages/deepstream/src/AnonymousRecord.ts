/** A record whose name changes: whoever follows it follows one record after another. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { DeepstreamError, NotConnected } from "./DeepstreamError.ts"
import type { ChangesOptions, DeepstreamRecord } from "./DeepstreamRecord.ts"

/** A record without a name of its own. */
export interface AnonymousRecord<A> {
  /** The name it has now; undefined before the first. */
  readonly name: Effect.Effect<string | undefined>
  /** Becomes another record: the one before is left, the new one opened. Done once that was read. */
  readonly setName: (name: string) => Effect.Effect<void, DeepstreamError>
  /** The record it is now; fails before the first name. */
  readonly record: Effect.Effect<DeepstreamRecord<A>, DeepstreamError>
  /** The data of whatever record it is, also across names. */
  readonly changes: (options?: ChangesOptions) => Stream.Stream<A, DeepstreamError>
}

/** Makes one; `acquire` opens a record in a scope. */
export const makeAnonymous = <A>(
  acquire: (name: string) => Effect.Effect<DeepstreamRecord<A>, DeepstreamError, Scope.Scope>
): Effect.Effect<AnonymousRecord<A>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const outer = yield* Effect.scope
    const current = yield* SubscriptionRef.make<{ readonly record: DeepstreamRecord<A>; readonly scope: Scope.Closeable } | undefined>(
      undefined
    )
    return {
      name: Effect.map(SubscriptionRef.get(current), (found) => found?.record.name),
      setName: (name) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.gen(function*() {
            const scope = yield* Scope.fork(outer)
            const opened = yield* Effect.exit(restore(Effect.tap(Scope.provide(acquire(name), scope), (record) => record.ready)))
            if (Exit.isFailure(opened)) {
              yield* Scope.close(scope, opened)
              return yield* opened
            }
            const before = yield* SubscriptionRef.getAndSet(current, { record: opened.value, scope })
            if (before !== undefined) yield* Scope.close(before.scope, Exit.void)
          })
        ),
      record: Effect.flatMap(SubscriptionRef.get(current), (found) =>
        found === undefined
          ? Effect.fail(new DeepstreamError({ reason: new NotConnected({ topic: "R", subject: "a record without a name" }) }))
          : Effect.succeed(found.record)),
      changes: (options) =>
        Stream.switchMap(
          SubscriptionRef.changes(current),
          (found) => found === undefined ? Stream.empty : found.record.changes(options)
        )
    }
  })
