/** Losses that the shell itself could make, message by message: those that the seeded schedules over links do not come by. */
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { inWorld, until } from "./Harness.ts"
import { plays, stored } from "./Played.ts"

describe("SEQNO_ADVANCED", () => {
  it("SC-32 in the middle of a snapshot leaves the snapshot as it is", () =>
    inWorld({ play: plays((stream) => stream.ok().marker(0, 9).advanced(5)) }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume()
        yield* until(() => run.consumer?.checkpoints.get(0)?.position.seqno === 5n)
        expect(stored(run)).toEqual([5, 0, 9])
        expect(run.consumer.checkpoints.get(0)!.complete).toEqual([])
      })))

  it("SC-31 at the end of a snapshot completes it", () =>
    inWorld({ play: plays((stream) => stream.ok().marker(0, 9).advanced(9)) }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume()
        yield* until(() => run.consumer?.checkpoints.get(0)?.position.seqno === 9n)
        expect(stored(run)).toEqual([9, 9, 9])
        expect(run.consumer.checkpoints.get(0)!.complete.map(({ seqno }) => seqno)).toEqual([9n])
      })))
})
