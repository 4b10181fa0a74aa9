/** Losses that the shell itself could make, message by message: those that the seeded schedules over links do not come by. */
import { type Checkpoints, CheckpointStore, type CheckpointStoreShape } from "@wirewright/dcp"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { inWorld, until } from "./Harness.ts"
import { complete, log, plays, position, storeWith, stored, uuid } from "./Played.ts"

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

/** What a store has of vbucket 0. */
const saved = (store: CheckpointStoreShape) =>
  Effect.scoped(Effect.flatMap(store.open("default/wirewright"), (group) => Effect.map(group.load, (all) => all.get(0))))

describe("a checkpoint", () => {
  it("SC-26 in the middle of a snapshot is stored as it is", () =>
    inWorld({ play: plays((stream) => stream.ok().marker(0, 9).items(4, 6)) }, (world) =>
      Effect.gen(function*() {
        const store = CheckpointStore.memory()
        const run = yield* world.consume({}, undefined, store)
        yield* until(() => run.brief(0).length === 2)
        yield* run.consumer.flush
        expect((yield* saved(store))?.position).toEqual(position(6, 0, 9))
      })))

  it.each([[true, "is not"], [false, "is"]])(
    "ends with something ahead (%s) when a change %s processed",
    (ahead) =>
      inWorld({ play: plays((stream) => stream.ok().marker(0, 9).items(4, 6)) }, (world) =>
        Effect.gen(function*() {
          const store = CheckpointStore.memory()
          const scope = yield* Scope.make()
          const run = yield* Scope.provide(world.consume({}, ahead ? () => Effect.void : undefined, store), scope)
          yield* until(() => run.brief(0).length === 2)
          yield* Scope.close(scope, Exit.void)
          expect((yield* saved(store))?.ahead).toBe(ahead)
        }))
  )
})

describe("a branch that changed", () => {
  it("SC-50 has the application undo what was ahead of the checkpoint, before anything else", () =>
    inWorld({
      play: plays((stream) => stream.ok([{ vbucketUuid: uuid + 1n, seqno: 7n }, ...log]).marker(6, 9).items(6))
    }, (world) =>
      Effect.gen(function*() {
        const store = yield* storeWith({ position: position(5), complete: complete(5), ahead: true })
        const run = yield* world.consume({}, undefined, store)
        yield* until(() => run.brief(0).length === 2)
        expect(run.brief(0)).toEqual(["ROLLBACK 5→5 BranchChanged", "M6"])
      })))
})

describe("flow control", () => {
  it("SC-68 gets back what came while a change was held, and what nobody sees of it", () =>
    inWorld({ play: plays((stream) => stream.ok().marker(0, 9).items(4).advanced(6).marker(0, 9)) }, (world) =>
      Effect.gen(function*() {
        const store = CheckpointStore.memory()
        // the change is held until this is done
        const slow: CheckpointStoreShape = {
          ...store,
          open: (name) =>
            Effect.map(store.open(name), (group) => ({ ...group, save: (some: Checkpoints) => Effect.delay(group.save(some), 100) }))
        }
        const run = yield* world.consume({}, undefined, slow)
        yield* until(() => run.brief(0).length === 1 && run.consumer.checkpoints.get(0)!.position.seqno === 6n)
        // a connection on which nothing comes any more is given up, and its account with it
        yield* until(() => run.consumer.status.connections[0]?.outstanding === 0 || run.consumer.status.disconnects > 0)
        expect(run.consumer.status.disconnects).toBe(0)
      })))
})
