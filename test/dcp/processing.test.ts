/** What applications write: nothing that they leave out is lost, nothing raises an alarm when nothing was lost, and what is not done is told. */
import { type Change, CheckpointStore, type CheckpointStoreShape, Dcp, type DcpEvent, type Rollback } from "@wirewright/dcp"
import { pair } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { failureOf, inWorld, until, type World } from "./Harness.ts"

/** A bucket with `vbuckets` vbuckets, and what gives a program its consumer and its store. */
const withBucket = (
  vbuckets: number,
  test: (
    world: World,
    provided: Layer.Layer<Dcp | CheckpointStore>,
    store: CheckpointStoreShape
  ) => Effect.Effect<void, unknown, Scope.Scope>
): Promise<void> =>
  inWorld({ vbuckets }, (world) =>
    Effect.suspend(() => {
      const store = CheckpointStore.memory()
      const dcp = Layer.orDie(Dcp.layer({ seeds: [{ host: "127.0.0.1", port: world.node.port }], bucket: "default" }))
      return test(world, Layer.merge(dcp, Layer.succeed(CheckpointStore, store)), store)
    }))

const noRollback = (rollback: Rollback): Effect.Effect<never> =>
  Effect.die(new Error(`a rollback of vbucket ${rollback.vbucket} from ${rollback.from} to ${rollback.to}: ${rollback.reason}`))

describe("pipelines over 1 024 vbuckets, run, stopped, run again with writes between", () => {
  /** 2 000 documents, every third removed again: what a run sees is what was not seen before. */
  const twice = (
    run: (seen: Set<string>, options: { readonly group: string; readonly to: "now" }) => Effect.Effect<void, unknown, Dcp | CheckpointStore>
  ) =>
    withBucket(1024, (world, provided) =>
      Effect.gen(function*() {
        const write = (name: string): ReadonlyArray<string> =>
          Array.from({ length: 2_000 }, (_, i) => {
            const vbucket = i * 7 % 1024
            world.put(`${name}${i}`, vbucket)
            if (i % 3 !== 0) return [`${name}${i}`]
            world.bucket.store.remove(world.bucket.store.space(vbucket), `${name}${i}`)
            return []
          }).flat()
        const options = { group: "pipeline", to: "now" } as const
        for (const name of ["a", "b", "c"]) {
          const expected = write(name)
          const seen = new Set<string>()
          yield* Effect.provide(run(seen, options), provided)
          expect([...seen].filter((key) => key.startsWith(name)).sort()).toEqual([...expected].sort())
          expect([...seen].filter((key) => !key.startsWith(name))).toEqual([])
        }
      }))

  it("A3 only mutations are looked at", () =>
    twice((seen, options) =>
      Stream.runDrain(Dcp.process({ ...options, concurrency: 16 }, {
        change: (change) => change._tag === "Mutation" ? Effect.sync(() => seen.add(change.key)) : Effect.void,
        rollback: noRollback
      }))
    ), 60_000)

  it(
    "A3 what comes out is filtered",
    () =>
      twice((seen, options) =>
        Dcp.process(options, { change: () => Effect.void, rollback: noRollback }).pipe(
          Stream.filter((event) => event._tag === "Mutation"),
          Stream.runForEach(({ key }) => Effect.sync(() => seen.add(key)))
        )
      ),
    60_000
  )

  it("A3 in batches", () =>
    twice((seen, options) =>
      Stream.runDrain(Dcp.processBatch({ ...options, size: 100, within: "20 millis" }, {
        changes: (changes) =>
          Effect.sync(() => {
            expect(changes.length).toBeLessThanOrEqual(100)
            for (const change of changes) if (change._tag === "Mutation") seen.add(change.key)
          }),
        rollback: noRollback
      }))
    ), 60_000)

  it("A3 take, and run again", () =>
    withBucket(1024, (world, provided) =>
      Effect.gen(function*() {
        for (let i = 0; i < 2_000; i++) world.put(`k${i}`, i % 1024)
        const seen = new Map<string, number>()
        const rollbacks: Array<Rollback> = []
        for (let run = 0; seen.size < 2_000 && run < 100; run++) {
          yield* Dcp.process({ group: "some", to: "now" }, {
            change: (change) =>
              Effect.sync(() =>
                seen.set((change as Change & { key: string }).key, (seen.get((change as never as { key: string }).key) ?? 0) + 1)
              ),
            rollback: (rollback) => Effect.sync(() => rollbacks.push(rollback))
          }).pipe(Stream.filter((event) => event._tag === "Mutation"), Stream.take(300), Stream.runDrain, Effect.provide(provided))
        }
        expect(seen.size).toBe(2_000)
        // what was processed comes again only if it was handed over and its array was cut off
        expect([...seen.values()].reduce((sum, times) => sum + times, 0)).toBeLessThan(2 * 2_000 + 1_024)
        expect(rollbacks).toEqual([])
      })), 60_000)
})

describe("A2 alarms", () => {
  /** Runs until everything that is there has been seen, and ends as the exit says. */
  const run = (
    provided: Layer.Layer<Dcp | CheckpointStore>,
    events: Array<DcpEvent>,
    change: (change: Change) => Effect.Effect<unknown> = () => Effect.void
  ) =>
    Stream.runDrain(Dcp.process({ group: "alarms", to: "now" }, {
      change: (event) => Effect.andThen(Effect.sync(() => events.push(event)), change(event)),
      rollback: (event) => Effect.sync(() => events.push(event))
    })).pipe(Effect.provide(provided))
  const rollbacks = (events: ReadonlyArray<DcpEvent>): ReadonlyArray<string> =>
    events.flatMap((event) => event._tag === "Rollback" ? [`${event.vbucket}: ${event.from} → ${event.to} ${event.reason}`] : [])

  it("empty vbuckets: no rollback at a restart, a lost connection, a failover that lost nothing", () =>
    withBucket(8, (world, provided) =>
      Effect.gen(function*() {
        world.put("only", 3)
        const events: Array<DcpEvent> = []
        for (let i = 0; i < 3; i++) yield* run(provided, events)
        const scope = yield* Scope.make()
        yield* Effect.forkIn(
          Stream.runDrain(Dcp.process({ group: "alarms" }, {
            change: (event) => Effect.sync(() => events.push(event)),
            rollback: (event) => Effect.sync(() => events.push(event))
          })).pipe(Effect.provide(provided)),
          scope
        )
        for (let i = 0; i < 3; i++) {
          yield* until(() => world.node.producers.all.length > 0 && [...world.requests.keys()].length === 8)
          world.put(`more${i}`, 5)
          yield* until(() => events.some((event) => event._tag === "Mutation" && event.key === `more${i}`))
          world.requests.clear()
          world.node.disconnect(true)
        }
        yield* until(() => [...world.requests.keys()].length === 8)
        for (let vbucket = 0; vbucket < 8; vbucket++) world.bucket.failOver(vbucket, 0)
        world.put("last", 6)
        yield* until(() => events.some((event) => event._tag === "Mutation" && event.key === "last"))
        yield* Scope.close(scope, Exit.void)
        yield* run(provided, events)
        expect(rollbacks(events)).toEqual([])
        expect(events.map((event) => "key" in event ? event.key : "")).toEqual(["only", "more0", "more1", "more2", "last"])
      })))

  it("delivered, killed before the first commit, removed, purged: it is rolled back, once", () =>
    withBucket(2, (world, provided, store) =>
      Effect.gen(function*() {
        world.put("gone", 1)
        const events: Array<DcpEvent> = []
        // as kill -9: what is saved after the first delivery never reaches the store
        const killed: CheckpointStoreShape = {
          open: (group) =>
            Effect.map(store.open(group), (opened) => ({
              ...opened,
              save: (checkpoints) => events.length > 0 ? Effect.void : opened.save(checkpoints)
            }))
        }
        yield* run(Layer.merge(provided, Layer.succeed(CheckpointStore, killed)), events)
        expect(events.map(({ _tag }) => _tag)).toEqual(["Mutation"])
        world.bucket.store.remove(world.bucket.store.space(1), "gone")
        world.put("stays", 1)
        world.bucket.purge(1, 2n)
        events.length = 0
        yield* run(provided, events)
        expect(rollbacks(events)).toEqual(["1: 0 → 0 TombstonesPurged"])
        events.length = 0
        yield* run(provided, events)
        expect(rollbacks(events)).toEqual([])
      })))
})

describe("what is not done is told", () => {
  it("A3 a handler that does not return stands in the status and, once, in the log, with its vbucket", () =>
    withBucket(4, (world, provided) =>
      Effect.gen(function*() {
        world.put("stuck", 2)
        world.put("fine", 1)
        const lines: Array<string> = []
        const logger = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
        const { consumer, events } = yield* Dcp.run({ group: "slow", slowAfter: 60, concurrency: 4 }, {
          change: ({ vbucket }) => vbucket === 2 ? Effect.never : Effect.void,
          rollback: noRollback
        }).pipe(Effect.provide(provided), Effect.provide(logger))
        yield* Effect.forkScoped(Stream.runDrain(events))
        yield* until(() => lines.length > 0)
        expect(consumer.status.stalled.map(({ seqno, vbucket, what }) => ({ seqno, vbucket, what }))).toEqual([{
          seqno: 1n,
          vbucket: 2,
          what: "change"
        }])
        yield* Effect.sleep(200)
        expect(lines).toEqual([
          "no progress within 60 ms: vbucket 2 (processing the change at seqno 1)"
        ])
      })))

  it("C14 a connection that is lost and found again is in the log, with its cause and the attempt", () =>
    withBucket(2, (world, provided) =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const logger = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
        const { consumer, events } = yield* Dcp.run({ group: "lost" }, { change: () => Effect.void, rollback: noRollback }).pipe(
          Effect.provide(provided),
          Effect.provide(logger)
        )
        yield* Effect.forkScoped(Stream.runDrain(events))
        yield* until(() => consumer.status.streaming === 2)
        expect(lines).toEqual([])
        world.node.disconnect(true)
        yield* until(() => lines.length >= 2)
        expect(lines[0]).toMatch(/^127\.0\.0\.1:\d+: connection lost: /)
        expect(lines[1]).toMatch(/^connected to 127\.0\.0\.1:\d+ again \(attempt \d\)$/)
      })))

  it("C1 a vbucket that the bucket does not have is a mistake, not a wait", () =>
    inWorld({ vbuckets: 4 }, (world) =>
      Effect.gen(function*() {
        for (const vbuckets of [[4], [9999], [0, 4], []]) {
          const run = yield* world.consume({ vbuckets })
          yield* until(() => run.exit !== undefined)
          expect(failureOf(run)?._tag, String(vbuckets)).toBe("DcpOptionsError")
        }
        const run = yield* world.consume({ vbuckets: [3], to: "now" })
        yield* until(() => run.exit !== undefined)
        expect(failureOf(run)).toBeUndefined()
      })))
})

it.each([1, 60, 400])(
  "C13 a first connection that is cut after %i bytes is made again",
  (cutAfter) =>
    Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const both = yield* pair({ vbuckets: 1, faults: (connection) => connection === 0 ? { toClient: { cutAfter } } : {} })
      both.bucket.store.set(both.bucket.store.space(0), "k", { value: new Uint8Array(1) })
      const count = yield* Stream.runCount(Stream.filter(Dcp.changes({ to: "now" }), ({ _tag }) => _tag === "Mutation")).pipe(
        Effect.provide(both.layer)
      )
      expect(count).toBe(1)
    })) as Effect.Effect<void>)
)
