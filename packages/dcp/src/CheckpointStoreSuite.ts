/**
 * What every checkpoint store must do, as checks that any test runner can run: `for (const { name, run } of checkpointStoreSuite(make)) test(name, …)`.
 *
 * `make` gives a store that is empty, and the same store again when it is called with `"again"`, as a new process would see it.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Checkpoint } from "./Checkpoint.ts"
import type { Checkpoints } from "./CheckpointFormat.ts"
import { checkpointsText } from "./CheckpointFormat.ts"
import type { CheckpointStoreShape } from "./CheckpointStore.ts"

/** One thing that a store must do. Fails with an `Error` that says what it did instead. */
export interface StoreCheck {
  readonly name: string
  readonly run: Effect.Effect<void, unknown, Scope.Scope>
}

const largest = 0xffff_ffff_ffff_ffffn

const checkpoint = (seqno: bigint, more: Partial<Checkpoint> = {}): Checkpoint => ({
  position: { vbucketUuid: 7n, seqno, snapshotStart: seqno, snapshotEnd: seqno },
  failoverLog: [{ vbucketUuid: 7n, seqno: 0n }],
  complete: [{ vbucketUuid: 7n, seqno }],
  purgeSeqno: 0n,
  undo: false,
  ahead: false,
  ...more
})

const same = (found: Checkpoints, expected: Checkpoints, what: string): Effect.Effect<void, Error> => {
  const [left, right] = [checkpointsText(found, 0), checkpointsText(expected, 0)]
  return left === right ? Effect.void : Effect.fail(new Error(`${what}: expected ${right}, found ${left}`))
}

/** The checks. */
export const checkpointStoreSuite = (
  make: (how: "new" | "again") => Effect.Effect<CheckpointStoreShape, unknown, Scope.Scope>
): ReadonlyArray<StoreCheck> => [
  {
    name: "a group that nobody saved has no checkpoints",
    run: Effect.gen(function*() {
      const group = yield* (yield* make("new")).open("empty")
      yield* same(yield* group.load, new Map(), "load")
    })
  },
  {
    name: "what was saved is loaded, 64-bit numbers exactly, by the same store and by one that is opened again",
    run: Effect.gen(function*() {
      const large = checkpoint(largest, {
        position: { vbucketUuid: largest, seqno: largest - 1n, snapshotStart: 2n ** 53n + 1n, snapshotEnd: largest },
        failoverLog: [{ vbucketUuid: largest, seqno: largest - 2n }, { vbucketUuid: 1n, seqno: 0n }],
        purgeSeqno: 2n ** 63n,
        undo: true,
        ahead: true
      })
      const saved = new Map([[0, checkpoint(5n)], [1023, large], [64, checkpoint(1n)]])
      const group = yield* (yield* make("new")).open("exact")
      yield* group.save(saved)
      yield* same(yield* group.load, saved, "load")
      const again = yield* (yield* make("again")).open("exact")
      yield* same(yield* again.load, saved, "load of a store that was opened again")
    })
  },
  {
    name: "saving some vbuckets leaves the others alone",
    run: Effect.gen(function*() {
      const group = yield* (yield* make("new")).open("some")
      yield* group.save(new Map([[1, checkpoint(1n)], [2, checkpoint(2n)], [700, checkpoint(3n)]]))
      yield* group.save(new Map([[2, checkpoint(20n)]]))
      const again = yield* (yield* make("again")).open("some")
      yield* same(yield* again.load, new Map([[1, checkpoint(1n)], [2, checkpoint(20n)], [700, checkpoint(3n)]]), "load")
    })
  },
  {
    name: "groups know nothing of one another, whatever their names",
    run: Effect.gen(function*() {
      const store = yield* make("new")
      const long = "long".repeat(1000)
      const names = ["a", "a/b", "../a", "A", "a b", "ü", "u\u0308", "%61", "a/0", "", "%", "con", "😀", "🎉", "\ufffd", "\ud83d", "\ud83e"]
      names.push("a".repeat(250), "a".repeat(251), long, `${long}1`, `${long}😀`, `${long}🎉`)
      for (const [index, name] of names.entries()) yield* (yield* store.open(name)).save(new Map([[0, checkpoint(BigInt(index + 1))]]))
      const again = yield* make("again")
      for (const [index, name] of names.entries()) {
        yield* same(yield* (yield* again.open(name)).load, new Map([[0, checkpoint(BigInt(index + 1))]]), `group ${name}`)
      }
    })
  },
  {
    name: "whoever opened a group before is refused once another has (SC-93)",
    run: Effect.gen(function*() {
      const store = yield* make("new")
      const first = yield* store.open("fenced")
      if (first.epoch !== 1) return yield* Effect.fail(new Error(`the first epoch is ${first.epoch}`))
      yield* first.save(new Map([[0, checkpoint(1n)]]))
      const second = yield* (yield* make("again")).open("fenced")
      if (second.epoch <= first.epoch) return yield* Effect.fail(new Error(`epoch ${second.epoch} follows ${first.epoch}`))
      yield* second.save(new Map([[0, checkpoint(2n)]]))
      const error = yield* Effect.flip(first.save(new Map([[0, checkpoint(99n)]])))
      if (error.reason !== "Fenced") return yield* Effect.fail(new Error(`the old owner failed with ${error.reason}`))
      yield* same(yield* second.load, new Map([[0, checkpoint(2n)]]), "load of the new owner")
    })
  },
  {
    name: "what was cleared is gone",
    run: Effect.gen(function*() {
      const group = yield* (yield* make("new")).open("cleared")
      yield* group.save(new Map([[0, checkpoint(1n)], [100, checkpoint(1n)]]))
      yield* group.clear
      const again = yield* (yield* make("again")).open("cleared")
      yield* same(yield* again.load, new Map(), "load")
    })
  }
]
