/**
 * SC-100 with everything that runs: seeded schedules of writes, removals, failovers that lose changes, evictions, purges, cut connections in bytes of
 * any size, slow sinks, and consumers that end and begin again from the stored checkpoint. In the end the application has what the node has.
 */
import { CheckpointStore } from "@wirewright/dcp/CheckpointStore"
import { Dcp } from "@wirewright/dcp/Dcp"
import type { DcpEvent } from "@wirewright/dcp/DcpEvent"
import { pair, random } from "@wirewright/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { expect, it } from "vitest"
import { until } from "./Harness.ts"

const from = Number(process.env["WIREWRIGHT_SEED"] ?? 1)
const count = Number(process.env["WIREWRIGHT_SEEDS"] ?? 60)

interface Done {
  readonly seqno: bigint
  readonly key: string
  readonly value: string | undefined
}

/** What the application made of the changes. It outlives the consumer, as a database does. */
class Application {
  private readonly vbuckets = new Map<number, Array<Done>>()
  rollbacks = 0

  handle(event: DcpEvent): void {
    switch (event._tag) {
      case "Mutation":
        return this.apply(event.vbucket, { seqno: event.seqno, key: event.key, value: new TextDecoder().decode(event.value) })
      case "Deletion":
      case "Expiration":
        return this.apply(event.vbucket, { seqno: event.seqno, key: event.key, value: undefined })
      case "Rollback": {
        this.rollbacks++
        const kept = (this.vbuckets.get(event.vbucket) ?? []).filter(({ seqno }) => seqno <= event.to)
        this.vbuckets.set(event.vbucket, kept)
      }
    }
  }

  private apply(vbucket: number, done: Done): void {
    const before = (this.vbuckets.get(vbucket) ?? []).filter(({ seqno }) => seqno !== done.seqno)
    this.vbuckets.set(vbucket, [...before, done])
  }

  image(vbucket: number): ReadonlyMap<string, string> {
    const newest = new Map<string, Done>()
    for (const done of this.vbuckets.get(vbucket) ?? []) if ((newest.get(done.key)?.seqno ?? -1n) < done.seqno) newest.set(done.key, done)
    return new Map([...newest].flatMap(([key, { value }]) => value === undefined ? [] : [[key, value] as const]))
  }
}

const vbuckets = 2

/** Plays one schedule; returns how many rollbacks there were. */
const play = (seed: number): Effect.Effect<number, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const below = random(seed)
    const chop = [undefined, 1 + below(60), 1 + below(2_000)][below(3)]
    const both = yield* pair({ vbuckets, faults: chop === undefined ? {} : { toClient: { chop }, toServer: { chop } } })
    const { bucket, link } = both
    const application = new Application()
    const store = CheckpointStore.memory()
    const slow = below(4) === 0
    const strategy = below(3) === 0 ? "rebuild" as const : "undo" as const

    const begin = Effect.gen(function*() {
      const scope = Scope.makeUnsafe()
      const program = Effect.scoped(Effect.gen(function*() {
        yield* Dcp.process({
          group: "simulation",
          window: [512, 4_096, 1_000_000][below(3)]!,
          commitInterval: 1 + below(30),
          settleTimeout: 200,
          onRollback: strategy,
          connectBudget: { burst: 1_000, perSecond: 1_000 }
        }, {
          change: (event) => Effect.andThen(slow ? Effect.sleep(1) : Effect.void, Effect.sync(() => application.handle(event))),
          rollback: (event) => Effect.sync(() => application.handle(event))
        }).pipe(Stream.runDrain)
      })).pipe(Effect.provideService(CheckpointStore, store), Effect.provide(both.layer))
      // a connection that is cut before anything is known of the cluster is a failure, and is the application's to repeat
      const persistent = Effect.retry(program, { while: (error) => error._tag === "ConnectionError", times: 100 })
      yield* Scope.provide(Effect.forkScoped(persistent), scope)
      return scope
    })

    let consumer = yield* begin
    let written = 0
    const steps = 60 + below(60)
    for (let step = 0; step < steps; step++) {
      const vbucket = below(vbuckets)
      const space = bucket.store.space(vbucket)
      const key = `k${below(8)}`
      const dice = below(100)
      if (dice < 60) {
        for (let i = below(6); i >= 0; i--) bucket.store.set(space, `k${below(8)}`, { value: Buffer.from(`v${written++}`) })
      } else if (dice < 70) bucket.store.remove(space, key)
      else if (dice < 76) bucket.vbucket(vbucket)!.history.closeCheckpoint()
      else if (dice < 80) bucket.vbucket(vbucket)!.history.evict()
      else if (dice < 84) bucket.purge(vbucket, bucket.highSeqno(vbucket) > 6n ? bucket.highSeqno(vbucket) - 6n : 0n)
      else if (dice < 91) {
        bucket.failOver(vbucket, below(12))
        if (below(2) === 0) link.cut()
      } else if (dice < 96) link.cut()
      else {
        yield* Scope.close(consumer, Exit.void)
        consumer = yield* begin
      }
      if (below(3) === 0) yield* Effect.sleep(below(6))
    }
    const expected = (vbucket: number): ReadonlyMap<string, string> =>
      new Map(
        [...bucket.vbucket(vbucket)!.history.image.values()].flatMap((change) =>
          change.kind === "mutation" ? [[change.document.key, Buffer.from(change.document.value).toString()] as const] : []
        )
      )
    const equal = (vbucket: number): boolean => {
      const [ours, theirs] = [application.image(vbucket), expected(vbucket)]
      return ours.size === theirs.size && [...theirs].every(([key, value]) => ours.get(key) === value)
    }
    yield* until(() => equal(0) && equal(1), `seed ${seed}: the same image`, 8_000)
    // and it stays so
    yield* Effect.sleep(30)
    if (!equal(0) || !equal(1)) throw new Error(`seed ${seed}: the image changed again`)
    yield* Scope.close(consumer, Exit.void)
    return application.rollbacks
  })

it(`SC-100 ${count} seeded schedules over links that fail: the application has what the node has`, async () => {
  let rollbacks = 0
  for (let seed = from; seed < from + count; seed++) {
    rollbacks += await Effect.runPromise(Effect.scoped(play(seed)) as Effect.Effect<number>)
  }
  expect(rollbacks).toBeGreaterThan(count)
}, 300_000)
