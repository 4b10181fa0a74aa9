/**
 * What every checkpoint store must do, as checks that any test runner can run: `for (const { name, run } of checkpointStoreSuite(make)) test(name, …)`.
 *
 * `make` gives a store that is empty, and the same store again when it is called with `"again"`, as a new process would see it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Checkpoint } from "./Checkpoint.ts"
import type { Checkpoints } from "./CheckpointFormat.ts"
import { checkpointsText } from "./CheckpointFormat.ts"
import type { CheckpointArchive, CheckpointStoreShape } from "./CheckpointStore.ts"
import type { CheckpointError } from "./DcpError.ts"

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

const expectFenced = (save: Effect.Effect<void, CheckpointError>): Effect.Effect<void, Error> =>
  Effect.matchEffect(save, {
    onFailure: ({ reason }) => reason === "Fenced" ? Effect.void : Effect.fail(new Error(`the old owner failed with ${reason}`)),
    onSuccess: () => Effect.fail(new Error("the old owner was not refused"))
  })

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
    name: "who takes over some vbuckets of a group loads what was saved of those, and saves beside the others",
    run: Effect.gen(function*() {
      yield* (yield* (yield* make("new")).open("part")).save(new Map([[1, checkpoint(1n)], [2, checkpoint(2n)], [700, checkpoint(3n)]]))
      const part = yield* (yield* make("again")).open("part", [2, 700])
      // others may be there, too
      const loaded = new Map([...yield* part.load].filter(([vbucket]) => vbucket !== 1))
      yield* same(loaded, new Map([[2, checkpoint(2n)], [700, checkpoint(3n)]]), "load")
      yield* part.save(new Map([[2, checkpoint(20n)]]))
      const all = yield* (yield* make("again")).open("part")
      yield* same(yield* all.load, new Map([[1, checkpoint(1n)], [2, checkpoint(20n)], [700, checkpoint(3n)]]), "load of the whole")
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
      yield* expectFenced(first.save(new Map([[0, checkpoint(99n)]])))
      yield* same(yield* second.load, new Map([[0, checkpoint(2n)]]), "load of the new owner")
    })
  },
  {
    name: "every owner has a higher epoch than those before it",
    run: Effect.gen(function*() {
      const store = yield* make("new")
      const first = yield* store.open("epochs")
      const second = yield* (yield* make("again")).open("epochs", [1])
      const third = yield* (yield* make("again")).open("epochs")
      const epochs = [first, second, third].map(({ epoch }) => epoch)
      if (!(epochs[0]! < epochs[1]! && epochs[1]! < epochs[2]!)) return yield* Effect.fail(new Error(`epochs ${epochs.join(", ")}`))
    })
  },
  {
    name: "owners of different vbuckets of a group stand side by side, if the store says so; of the same they do not",
    run: Effect.gen(function*() {
      const store = yield* make("new")
      const low = yield* store.open("shared", [0, 1])
      const high = yield* (yield* make("again")).open("shared", [2, 3])
      yield* high.save(new Map([[2, checkpoint(2n)]]))
      if (store.fencing === "vbucket") {
        yield* low.save(new Map([[0, checkpoint(1n)]]))
        yield* same(yield* low.load, new Map([[0, checkpoint(1n)]]), "load of one owner")
        yield* same(yield* high.load, new Map([[2, checkpoint(2n)]]), "load of the other")
        // one vbucket of each: both lose it, and with it whatever they save together with it
        const middle = yield* (yield* make("again")).open("shared", [1, 2])
        yield* same(yield* middle.load, new Map([[2, checkpoint(2n)]]), "load of the third")
        yield* expectFenced(low.save(new Map([[0, checkpoint(9n)], [1, checkpoint(9n)]])))
        yield* expectFenced(high.save(new Map([[2, checkpoint(9n)], [3, checkpoint(9n)]])))
        yield* low.save(new Map([[0, checkpoint(3n)]]))
      } else yield* expectFenced(low.save(new Map([[0, checkpoint(9n)]])))
      const all = yield* (yield* make("again")).open("shared")
      const expected = new Map([[2, checkpoint(2n)]])
      if (store.fencing === "vbucket") expected.set(0, checkpoint(3n))
      yield* same(yield* all.load, expected, "load of all")
      yield* expectFenced(high.save(new Map([[3, checkpoint(9n)]])))
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

/** What a store does that can be looked into; it does what every store must do besides. */
export const checkpointArchiveSuite = (
  make: (how: "new" | "again") => Effect.Effect<CheckpointArchive, unknown, Scope.Scope>
): ReadonlyArray<StoreCheck> => {
  const expect = (found: unknown, expected: unknown, what: string): Effect.Effect<void, Error> =>
    JSON.stringify(found) === JSON.stringify(expected)
      ? Effect.void
      : Effect.fail(new Error(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`))
  const looked = (store: CheckpointArchive, group: string) =>
    Effect.map(store.look(group), (found) => found && [found.name, found.epoch, found.owner?.group, found.checkpoints.size])
  return [
    {
      name: "its groups are listed by the names they were given, also those whose texts have another one",
      run: Effect.gen(function*() {
        const store = yield* make("new")
        const names = ["bucket/a", "Bucket/A", "b".repeat(300), "ü"]
        yield* expect(yield* store.groups, [], "groups of an empty store")
        for (const name of names) yield* (yield* store.open(name)).save(new Map([[0, checkpoint(1n)]]))
        yield* expect(yield* (yield* make("again")).groups, names.toSorted(), "groups")
      })
    },
    {
      name: "looking takes nothing over, and finds what was saved and who has it",
      run: Effect.gen(function*() {
        const store = yield* make("new")
        yield* expect(yield* looked(store, "g"), undefined, "a group that is not there")
        const saved = new Map([[1, checkpoint(3n)], [900, checkpoint(4n)]])
        const group = yield* store.open("g")
        yield* group.save(saved)
        const again = yield* make("again")
        yield* expect(yield* looked(again, "g"), ["g", 1, "g", 2], "a group that is open")
        yield* same((yield* again.look("g"))!.checkpoints, saved, "its checkpoints")
        yield* group.save(saved)
      })
    },
    {
      name: "a group that somebody has is not opened as free; one that was closed is, and it keeps its checkpoints",
      run: Effect.gen(function*() {
        const store = yield* make("new")
        const own = yield* Scope.make()
        yield* (yield* Scope.provide(store.open("g"), own)).save(new Map([[7, checkpoint(1n)]]))
        const again = yield* make("again")
        const error = yield* Effect.flip(again.openFree("g"))
        yield* expect(error.reason, "Held", "a group that is open")
        yield* Scope.close(own, Exit.void)
        yield* expect(yield* looked(again, "g"), ["g", 1, undefined, 1], "a group that was closed")
        yield* same(yield* (yield* again.openFree("g")).load, new Map([[7, checkpoint(1n)]]), "its checkpoints")
      })
    },
    {
      name: "whoever was fenced frees nothing and holds nothing when it closes",
      run: Effect.gen(function*() {
        const store = yield* make("new")
        const [early, late, second] = [yield* Scope.make(), yield* Scope.make(), yield* Scope.make()]
        yield* Scope.provide(store.open("g"), late)
        yield* Scope.provide(store.open("g"), early)
        const again = yield* make("again")
        yield* Scope.provide(again.open("g"), second)
        yield* Scope.close(early, Exit.void)
        yield* expect((yield* Effect.flip(again.openFree("g"))).reason, "Held", "a group whose owner is still there")
        yield* Scope.close(second, Exit.void)
        yield* Scope.close(late, Exit.void)
        yield* expect(yield* looked(again, "g"), ["g", 3, undefined, 0], "a group whose owner closed it")
      })
    }
  ]
}
