/** Copies that do not answer hold back what they may not have, and nothing else; they are not asked twice. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { expect, it } from "vitest"
import { mitigate } from "./Mitigation.ts"
import type { VbucketStream } from "./VbucketStream.ts"

const seeds = [{ host: "active", port: 1 }, { host: "replica", port: 2 }]

it("asks a node that takes its time once, waits for as long as it takes, and goes on with other vbuckets", () =>
  Effect.runPromise(
    Effect.gen(function*() {
      const told: Array<string> = []
      const streams = new Map(
        [0, 1].map((vbucket) => [
          vbucket,
          {
            vbucket,
            vbucketUuid: 7n,
            withheld: 1,
            persisted: (seqno: bigint) => told.push(`${vbucket}:${seqno}`)
          } as unknown as VbucketStream
        ])
      )
      const answer = yield* Deferred.make<bigint | undefined>()
      const asked: Array<string> = []
      const nodes = {
        persistedSeqno: ({ host }: { readonly host: string }, vbucket: number) => {
          asked.push(`${host} ${vbucket}`)
          return vbucket === 0 && host === "replica" ? Deferred.await(answer) : Effect.succeed(9n)
        }
      }
      const asking = yield* Effect.forkChild(mitigate(streams, { copySeedsOf: () => seeds }, nodes, 100), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      expect(asked.filter((one) => one === "replica 0")).toHaveLength(1)
      expect(told.filter((one) => one === "1:9")).toHaveLength(600)
      expect(told).not.toContain("0:9")
      yield* Deferred.succeed(answer, 8n)
      yield* TestClock.adjust(100)
      expect(told).toContain("0:8")
      expect(asked.filter((one) => one === "replica 0")).toHaveLength(2)
      yield* Fiber.interrupt(asking)
    }).pipe(Effect.provide(TestClock.layer()))
  ))
