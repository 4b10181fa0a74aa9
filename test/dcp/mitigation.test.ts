/** Changes that wait for the disks of all copies, and what a failure of a node takes of them: nothing that was delivered. */
import { CheckpointStore } from "@wirewright/dcp"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { describe, expect, it } from "vitest"
import { ended, failureOf, inWorld, type Run, until } from "./Harness.ts"

const copies = (replicas: number, nodes = replicas + 1) => ({
  nodes,
  buckets: [{ name: "default", vbuckets: 2, replicas }],
  managementPort: false as const
})
const gated = { mitigateRollbacks: "10 millis" } as const
const seqnos = (run: Run, vbucket = 0): ReadonlyArray<string> => run.brief(vbucket)
/** Long enough for several rounds of asking. */
const rounds = Effect.sleep("150 millis")

describe("mitigation of rollbacks", () => {
  it(
    "SC-54 delivers what all copies have on disk; what is held is lost with the node that had it, and nobody hears of it",
    () =>
      inWorld(copies(1, 3), (world) =>
        Effect.gen(function*() {
          const { bucket, cluster } = world
          const [active, replica] = bucket.chain(0)
          for (let key = 1; key <= 7; key++) world.put(`k${key}`)
          const run = yield* world.consume(gated)
          yield* until(() => seqnos(run).length === 7)
          cluster.state.persists(replica!, false)
          for (let key = 8; key <= 10; key++) world.put(`k${key}`)
          yield* until(() => run.consumer.status.withheld >= 3, "what is held")
          yield* rounds
          expect(seqnos(run)).toHaveLength(7)
          expect(run.consumer.status.withheld).toBeGreaterThanOrEqual(3)
          cluster.state.persists(replica!, true)
          yield* until(() => seqnos(run).length === 10)
          expect(run.consumer.status.withheld).toBe(0)
          // the replica does not get the next ones; then its node takes the place of the active one
          cluster.state.replicates(replica!, false)
          for (let key = 11; key <= 13; key++) world.put(`k${key}`)
          yield* until(() => run.consumer.status.withheld >= 3, "what is held")
          cluster.failover(active!)
          world.put("after")
          yield* until(() => seqnos(run).length >= 11, "what came after")
          yield* rounds
          expect(seqnos(run)).toEqual(Array.from({ length: 11 }, (_, at) => `M${at + 1}`))
          expect(run.events.get(0)!.filter(({ _tag }) => _tag === "Rollback")).toEqual([])
        })),
    30_000
  )

  it("is not there unless it is asked for: the same failure is a rollback", () =>
    inWorld(copies(1, 3), (world) =>
      Effect.gen(function*() {
        const { bucket, cluster } = world
        const [active, replica] = bucket.chain(0)
        const run = yield* world.consume()
        for (let key = 1; key <= 3; key++) world.put(`k${key}`)
        yield* until(() => seqnos(run).length === 3)
        cluster.state.replicates(replica!, false)
        world.put("lost")
        yield* until(() => seqnos(run).length === 4)
        cluster.failover(active!)
        yield* until(() => seqnos(run).some((text) => text.startsWith("ROLLBACK")), "the rollback")
      })))

  it("holds back by the slowest of several copies, and not by copies that no node has", () =>
    inWorld(copies(2, 3), (world) =>
      Effect.gen(function*() {
        const { bucket, cluster } = world
        const [, first, second] = bucket.chain(0)
        const run = yield* world.consume(gated)
        cluster.state.persists(first!, false)
        cluster.state.persists(second!, false)
        world.put("a")
        yield* rounds
        cluster.state.persists(first!, true)
        yield* rounds
        expect(seqnos(run)).toEqual([])
        // a node that has failed has no copy any more
        cluster.failover(second!)
        yield* until(() => seqnos(run).length === 1)
      })))

  it("is refused for an ephemeral bucket, where it would wait without end", () =>
    inWorld(
      { ...copies(1), buckets: [{ name: "default", vbuckets: 2, replicas: 1, settings: { bucketType: "ephemeral" } }] },
      (world) =>
        Effect.gen(function*() {
          world.put("a")
          const run = yield* world.consume(gated)
          yield* ended(run)
          expect(failureOf(run)).toMatchObject({ _tag: "DcpOptionsError", message: expect.stringContaining("the bucket is ephemeral") })
          const other = yield* world.consume()
          yield* until(() => seqnos(other).length === 1)
        })
    ))

  it("ends with what is there, when that is on disk", () =>
    inWorld(copies(1), (world) =>
      Effect.gen(function*() {
        const replica = world.bucket.chain(0)[1]!
        for (let key = 1; key <= 5; key++) world.put(`k${key}`)
        world.cluster.state.persists(replica, false)
        world.put("k6")
        const run = yield* world.consume({ ...gated, to: "now" })
        yield* until(() => seqnos(run).length === 5)
        yield* rounds
        expect([seqnos(run).length, run.exit]).toEqual([5, undefined])
        world.cluster.state.persists(replica, true)
        expect(Exit.isSuccess(yield* ended(run))).toBe(true)
        expect(seqnos(run)).toHaveLength(6)
        // asked for once: the end that was asked for waited as well
        expect(world.requests.get(0)).toHaveLength(1)
      })))

  it("gives the window back: more than it holds can wait, and comes later", () =>
    inWorld(copies(1), (world) =>
      Effect.gen(function*() {
        const replica = world.bucket.chain(0)[1]!
        const run = yield* world.consume({ ...gated, window: 4_096 })
        world.cluster.state.persists(replica, false)
        for (let key = 1; key <= 100; key++) world.put(`k${key}`, 0, 200)
        yield* until(() => run.consumer?.status.withheld > 3, "what is held")
        yield* rounds
        expect(seqnos(run)).toEqual([])
        // the node has to wait with the rest
        expect(run.consumer.status.withheld).toBeLessThan(60)
        world.cluster.state.persists(replica, true)
        yield* until(() => run.brief(0).length === 100, "everything")
        yield* until(() => run.consumer.status.connections.every(({ outstanding }) => outstanding < 4_096))
      })))

  it("asks again for what was held when the stream ends for another reason", () =>
    inWorld(copies(1), (world) =>
      Effect.gen(function*() {
        const [, replica] = world.bucket.chain(0)
        world.cluster.state.persists(replica!, false)
        world.put("a")
        const run = yield* world.consume(gated)
        yield* until(() => run.consumer?.status.withheld > 0, "what is held")
        world.cluster.move("default", 0, replica!)
        world.cluster.state.persists(replica!, true)
        yield* until(() => seqnos(run).length === 1, "what was held")
        expect(seqnos(run)).toEqual(["M1"])
      })))
})

describe("SC-55 a bucket that was dropped and made again", () => {
  const again = (world: Parameters<Parameters<typeof inWorld>[1]>[0]): void => {
    const { state } = world.cluster
    state.dropBucket("default")
    state.createBucket({ name: "default", vbuckets: 2 })
  }
  const put = (world: Parameters<typeof again>[0], key: string): void => {
    const { store } = world.cluster.buckets.get("default")!
    store.set(store.space(0), key, { value: new Uint8Array(1) })
  }
  /** A consumer that has processed and saved three changes, and ended. */
  const before = (world: Parameters<typeof again>[0], store: ReturnType<typeof CheckpointStore.memory>) =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const run = yield* Scope.provide(world.consume({}, undefined, store), scope)
      for (const key of ["a", "b", "c"]) world.put(key)
      yield* until(() => run.brief(0).length === 3)
      yield* run.consumer.flush
      yield* Scope.close(scope, Exit.void)
    })

  it("is not taken for the one before: the run fails, and so does the next", () =>
    inWorld({ vbuckets: 2 }, (world) =>
      Effect.gen(function*() {
        const store = CheckpointStore.memory()
        yield* before(world, store)
        const { uuid } = world.bucket
        again(world)
        put(world, "other")
        for (const _ of [1, 2]) {
          const run = yield* world.consume({}, undefined, store)
          yield* ended(run)
          expect(failureOf(run)).toMatchObject({
            _tag: "BucketChanged",
            bucket: "default",
            expected: uuid,
            found: world.cluster.buckets.get("default")!.uuid
          })
          expect(run.all).toEqual([])
        }
      })))

  it("begins anew where that is asked for: everything is undone once, where anything was delivered", () =>
    inWorld({ vbuckets: 2 }, (world) =>
      Effect.gen(function*() {
        const store = CheckpointStore.memory()
        yield* before(world, store)
        again(world)
        put(world, "other")
        const scope = yield* Scope.make()
        const run = yield* Scope.provide(world.consume({ onBucketChange: "restart" }, undefined, store), scope)
        yield* until(() => run.brief(0).length === 2 && run.brief(1, true).length > 0)
        expect(run.brief(0)).toEqual(["ROLLBACK 0→0 BucketChanged", "M1"])
        expect(run.brief(1)).toEqual([])
        yield* run.consumer.flush
        yield* Scope.close(scope, Exit.void)
        // the other bucket is the one that is known now
        put(world, "more")
        const next = yield* world.consume({}, undefined, store)
        yield* until(() => next.brief(0).length === 1)
        expect(next.brief(0)).toEqual(["M2"])
      })))

  it("while it is followed fails the run", () =>
    inWorld({ vbuckets: 2 }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume({ onBucketChange: "restart" })
        world.put("a")
        yield* until(() => run.brief(0).length === 1)
        again(world)
        put(world, "other")
        yield* ended(run)
        expect(failureOf(run)?._tag).toBe("BucketChanged")
        expect(run.brief(0)).toEqual(["M1"])
      })))
})
