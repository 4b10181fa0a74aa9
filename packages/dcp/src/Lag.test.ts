/** Who asks for high seqnos, and who hears of them. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { expect, it } from "vitest"
import { Lag, LagPoll } from "./Lag.ts"
import type { VbucketStream } from "./VbucketStream.ts"

/** Nothing was processed of these vbuckets. */
const nothingOf = (...vbuckets: ReadonlyArray<number>): Lag =>
  new Lag(
    new Map(
      vbuckets.map((vbucket) =>
        [vbucket, { follower: { checkpoint: { position: { seqno: 0n } }, progress: { newest: 0n } } } as VbucketStream] as const
      )
    )
  )

it("consumers that share connections are told by one question to each, those that went are not, and a silent node holds nobody up", () =>
  Effect.runPromise(
    Effect.scoped(Effect.gen(function*() {
      let asked = 0
      const answering = {
        allSeqnos: () => Effect.sync(() => new Map([[0, BigInt(++asked)], [1, 7n], [2, 9n]]))
      }
      let silences = 0
      const silent = yield* Deferred.make<ReadonlyMap<number, bigint>>()
      const still = { allSeqnos: () => Effect.suspend(() => (silences++, Deferred.await(silent))) }
      const poll = new LagPoll()
      const [first, second] = [nothingOf(0), nothingOf(1, 2)]
      const scope = yield* Scope.make()
      yield* poll.tell(first, () => [answering, still])
      yield* Scope.provide(poll.tell(second, () => [answering, still]), scope)
      yield* Effect.forkScoped(poll.run(1_000))
      yield* TestClock.adjust(3_000)
      expect([asked, silences, first.total, second.total]).toEqual([3, 1, 3, 16])
      yield* Scope.close(scope, Exit.void)
      yield* Deferred.succeed(silent, new Map([[0, 20n], [1, 100n]]))
      yield* TestClock.adjust(500)
      expect([asked, silences, first.total, second.total]).toEqual([3, 1, 20, 16])
    })).pipe(Effect.provide(TestClock.layer()))
  ))
