/** Vbuckets that move, nodes that fail, stores that are down, and ends on request. */
import { newer, parseClusterMap } from "@wirewright/couchbase/node"
import { clusterConfigText } from "../../packages/embedded/src/ClusterConfig.ts"
import { type Checkpoint, CheckpointError, CheckpointStore, type CheckpointStoreShape, Dcp } from "@wirewright/dcp"
import { Status } from "@wirewright/dcp/gen"
import { serveCouchbase } from "@wirewright/embedded"
import { settle } from "@wirewright/dcp/internal"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { expect, it } from "vitest"
import { inWorld, until } from "./Harness.ts"

it("SC-59 a vbucket moves from node to node under load: no gap, nothing twice", () =>
  inWorld({ nodes: 2, vbuckets: 4 }, (world) =>
    Effect.gen(function*() {
      const run = yield* world.consume({ connectBudget: { burst: 100, perSecond: 100 } })
      let written = 0
      for (let turn = 0; turn < 10; turn++) {
        for (let i = 0; i < 50; i++) world.put(`k${written++}`, 1)
        world.cluster.move("default", 1, turn % 2)
        yield* Effect.sleep(30)
      }
      yield* until(() => run.brief(1).length >= written)
      expect(run.brief(1)).toEqual(Array.from({ length: written }, (_, i) => `M${i + 1}`))
      expect(run.consumer.status.rollbacks).toBe(0)
    })))

it("a failover with lost writes in mid-stream: what is delivered in the end is what the nodes have", () =>
  inWorld({ nodes: 3, vbuckets: 12 }, (world) =>
    Effect.gen(function*() {
      const view = new Map<number, Map<string, bigint>>()
      const run = yield* world.consume({ connectBudget: { burst: 100, perSecond: 100 }, commitInterval: 5 }, (event) =>
        Effect.sync(() => {
          if (event.vbucket === undefined) return settle(event)
          const mine = view.get(event.vbucket) ?? new Map<string, bigint>()
          view.set(event.vbucket, mine)
          if (event._tag === "Mutation") mine.set(event.key, event.seqno)
          if (event._tag === "Rollback") { for (const [key, seqno] of mine) if (seqno > event.to) mine.delete(key) }
          settle(event)
        }))
      const theirs = (vbucket: number) => new Map([...world.bucket.vbucket(vbucket)!.history.image].map(([key, { seqno }]) => [key, seqno]))
      const equal = (): boolean =>
        Array.from({ length: 12 }, (_, vbucket) => vbucket).every((vbucket) => {
          const [a, b] = [view.get(vbucket) ?? new Map<string, bigint>(), theirs(vbucket)]
          return a.size === b.size && [...a].every(([key, seqno]) => b.get(key) === seqno)
        })
      // every key is new, so undoing is deleting
      let written = 0
      for (let turn = 0; turn < 30; turn++) {
        // of the three writes that are lost in each vbucket, one was delivered
        if (turn % 10 === 0) yield* until(equal, "what was written so far", 10_000)
        for (let i = 0; i < 24; i++) world.put(`k${written++}`, i % 12)
        if (turn === 10) world.cluster.failover(0, { lost: 3 })
        if (turn === 20) world.cluster.failover(1, { lost: 3 })
        yield* Effect.sleep(10)
      }
      yield* until(equal, "the same image", 10_000)
      expect(run.consumer.status.rollbacks).toBeGreaterThan(0)
    })))

it("SC-60 a node that says NotMyVbucket again and again is asked less and less often", () => {
  const end = performance.now() + 1_500
  return inWorld({
    play: (connection, packet) => {
      if (packet._tag !== "DcpStreamRequest" || performance.now() > end) return false
      connection.failure(packet, Status.NotMyVbucket)
      return true
    }
  }, (world) =>
    Effect.gen(function*() {
      world.put("a")
      const run = yield* world.consume()
      yield* until(() => run.brief(0).length === 1, "recovery", 10_000)
      // 100 ms, doubled each time, with up to a half taken off
      expect(world.requests.get(0)!.length).toBeLessThan(10)
    }))
})

it("SC-62 an older map, one without vbuckets and one of another bucket change nothing", () => {
  const map = (revision: bigint, epoch: bigint, name: string, vbuckets: ReadonlyArray<number>) =>
    Result.getOrThrow(parseClusterMap(
      clusterConfigText({
        nodes: [{ host: "127.0.0.1", port: 1 }],
        self: 0,
        tls: false,
        revision,
        epoch,
        clusterName: "",
        clusterUuid: "u"
      }, {
        name,
        uuid: "u",
        replicas: 0,
        chains: vbuckets.map((node) => [node]),
        manifestUid: 0n,
        keepsHistory: false,
        persists: true
      }),
      { host: "127.0.0.1" }
    ))
  const ours = map(5n, 2n, "default", [0, 0])
  for (
    const theirs of [map(4n, 2n, "default", [0, 0]), map(9n, 1n, "default", [0, 0]), map(9n, 2n, "default", []), map(9n, 9n, "other", [0])]
  ) {
    expect(newer(ours, theirs)).toBe(ours)
  }
  const next = map(1n, 3n, "default", [0, 0])
  expect(newer(ours, next)).toBe(next)
})

it("SC-50 the node fails while the application undoes: the next request goes to the new one, from the position gone back to", () =>
  inWorld({ nodes: 2, vbuckets: 2 }, (world) =>
    Effect.gen(function*() {
      for (let i = 0; i < 10; i++) world.put(`k${i}`, 0)
      const store = CheckpointStore.memory()
      let failing = false
      const run = yield* world.consume({ connectBudget: { burst: 100, perSecond: 100 } }, (event) =>
        Effect.gen(function*() {
          if (event._tag === "Rollback" && !failing) {
            failing = true
            // vbucket 0 is on the second node by now, which fails while we are at it
            world.cluster.move("default", 0, 0)
            world.cluster.failover(1)
            yield* Effect.sleep(300)
          }
          settle(event)
        }), store)
      yield* until(() => run.brief(0).length === 10)
      world.cluster.failover(0, { lost: 4 })
      for (let i = 0; i < 3; i++) world.put(`new${i}`, 0)
      yield* until(() => run.brief(0).at(-1) === "M9")
      expect(run.brief(0).filter((text) => text.startsWith("ROLLBACK")).length).toBeGreaterThan(0)
      const after = run.brief(0).slice(run.brief(0).findLastIndex((text) => text.startsWith("ROLLBACK")) + 1)
      expect(after.at(-1)).toBe("M9")
      expect(new Set(after).size).toBe(after.length)
    })))

it("SC-77 a vbucket that no node has when the end is looked for is waited for", () =>
  inWorld({ vbuckets: 3 }, (world) =>
    Effect.gen(function*() {
      for (const vbucket of [0, 1, 2]) world.put("a", vbucket)
      world.cluster.move("default", 1, -1)
      const run = yield* world.consume({ to: "now" })
      yield* Effect.sleep(400)
      expect(run.exit).toBeUndefined()
      world.cluster.move("default", 1, 0)
      yield* until(() => run.exit !== undefined)
      for (const vbucket of [0, 1, 2]) expect(run.brief(vbucket)).toEqual(["M1"])
    })))

/** A store that can be told to fail. */
const unreliable = (): { readonly store: CheckpointStoreShape; down: boolean; saved: Map<number, Checkpoint> } => {
  const state = { down: false, saved: new Map<number, Checkpoint>(), store: undefined as never as CheckpointStoreShape }
  state.store = {
    open: () =>
      Effect.succeed({
        epoch: 1,
        load: Effect.sync(() => new Map(state.saved)),
        save: (checkpoints) =>
          Effect.suspend(() => {
            if (state.down) return Effect.fail(new CheckpointError({ reason: "Unavailable", message: "down" }))
            for (const [vbucket, checkpoint] of checkpoints) state.saved.set(vbucket, checkpoint)
            return Effect.void
          }),
        clear: Effect.void
      })
  }
  return state
}

it("SC-92 a store that is down: nothing is lost, and what was settled meanwhile is saved when it is back", () =>
  inWorld({}, (world) =>
    Effect.gen(function*() {
      const state = unreliable()
      const run = yield* world.consume({}, undefined, state.store)
      world.put("a")
      yield* until(() => state.saved.get(0)?.position.seqno === 1n)
      state.down = true
      for (let i = 0; i < 100; i++) world.put(`k${i}`)
      yield* until(() => run.brief(0).length === 101)
      yield* until(() => run.consumer.status.failedCommits > 2)
      expect(state.saved.get(0)!.position.seqno).toBe(1n)
      state.down = false
      yield* until(() => state.saved.get(0)!.position.seqno === 101n)
      expect(run.exit).toBeUndefined()
    })))

it("a checkpoint that waited to be saved when its stream was opened again: what follows is saved too", () =>
  inWorld({}, (world) =>
    Effect.gen(function*() {
      const state = unreliable()
      const run = yield* world.consume({ connectBudget: { burst: 100, perSecond: 100 }, commitInterval: 400 }, undefined, state.store)
      yield* until(() => run.consumer?.status.streaming === 1)
      // settled, and not saved before the stream is lost and opened again
      world.put("a")
      yield* until(() => run.brief(0).length === 1)
      world.node.disconnect(true)
      yield* until(() => state.saved.get(0)?.position.seqno === 1n)
      world.put("b")
      yield* until(() => state.saved.get(0)?.position.seqno === 2n)
    })))

it("SC-96 an end on request saves what was processed up to then, and nothing more", () =>
  inWorld({}, (world) =>
    Effect.gen(function*() {
      const state = unreliable()
      for (let i = 0; i < 10; i++) world.put(`k${i}`)
      const processed: Array<bigint> = []
      yield* Effect.scoped(Effect.gen(function*() {
        yield* world.consume({ commitInterval: "1 hour" }, (event) =>
          Effect.gen(function*() {
            if (event._tag === "Mutation" && event.seqno > 6n) return yield* Effect.never
            if (event._tag === "Mutation") processed.push(event.seqno)
            settle(event)
          }), state.store)
        yield* until(() => processed.length === 6)
      }))
      expect(state.saved.get(0)!.position.seqno).toBe(6n)
      yield* until(() => world.node.producers.all.length === 0)
    })))

it("SC-10 SCRAM proves the password without sending it; a wrong one is a typed error", async () => {
  const seen = (password: string) =>
    Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const node = yield* serveCouchbase({ users: [{ name: "app", password: Redacted.make("secret") }] })
      const { store } = node.buckets.get("default")!
      store.set(store.space(0), "a", { value: new Uint8Array(1) })
      const layer = Dcp.layer({
        seeds: [{ host: "127.0.0.1", port: node.port }],
        bucket: "default",
        credentials: { user: "app", password: Redacted.make(password) }
      })
      return yield* Effect.result(Dcp.changes({ from: "beginning", to: "now" }).pipe(Stream.runCount, Effect.provide(layer)))
    })))
  expect(Result.isSuccess(await seen("secret"))).toBe(true)
  const refused = await seen("wrong")
  expect(Result.isFailure(refused) && refused.failure).toMatchObject({ _tag: "BootstrapError", reason: "AuthenticationFailed" })
})
