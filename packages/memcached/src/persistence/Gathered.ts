/** Reads that are gathered: those that wait at the same time are asked for together, each key once. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Request from "effect/Request"
import * as RequestResolver from "effect/RequestResolver"

/** A read of the document of a key. */
export type Read<D, E> = Request.Request<Option.Option<D>, E> & { readonly key: string }

/** A resolver of reads by `getMany`: of its answer, keys in `failed` fail alone, and keys that are missing are `Option.none`. */
export const gathered = <D, E, R extends Read<D, E>>(
  getMany: (keys: Iterable<string>) => Effect.Effect<ReadonlyMap<string, D> & { readonly failed?: ReadonlyMap<string, E> }, E>
): RequestResolver.RequestResolver<R> =>
  RequestResolver.make<R>((entries) =>
    Effect.matchCause(getMany(new Set(entries.map(({ request }) => request.key))), {
      onFailure: (cause) => {
        for (const entry of entries) entry.completeUnsafe(Exit.failCause(cause) as never)
      },
      onSuccess: (found) => {
        for (const entry of entries) {
          const { key } = entry.request
          const failed = found.failed?.get(key)
          const exit = failed === undefined ? Exit.succeed(Option.fromUndefinedOr(found.get(key))) : Exit.fail(failed)
          entry.completeUnsafe(exit as never)
        }
      }
    })
  )
