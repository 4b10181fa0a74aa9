/**
 * Locks of slices that are on their way. effect/cluster asks for the locks of all slices that a process is to have, and when one of them is not free yet
 * it asks again after a second. An owner who leaves in order needs a tenth of that to give up what he has; so these locks are asked for again at once.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RunnerStorage } from "effect/cluster/RunnerStorage"
import type { ShardId } from "effect/cluster/ShardId"

/** Milliseconds between two questions. */
const pace = 50
/** Milliseconds after the newest lock, since whoever waits for one more does not work with those that he has. */
const mostSilence = 400
/** Milliseconds in all: less than a process may go without looking after the locks that it has. */
const mostPatience = 800

/** The storage, which waits for locks that somebody is about to give up. */
export const patient = (storage: RunnerStorage["Service"]): RunnerStorage["Service"] =>
  RunnerStorage.of({
    ...storage,
    acquire: Effect.fnUntraced(function*(address, shards) {
      const missing = new Map(Array.from(shards, (shard) => [String(shard), shard] as const))
      const acquired: Array<ShardId> = []
      const began = yield* Clock.currentTimeMillis
      for (let newest = began;;) {
        const some = yield* storage.acquire(address, missing.values())
        const now = yield* Clock.currentTimeMillis
        for (const shard of some) if (missing.delete(String(shard))) acquired.push(shard)
        if (some.length > 0) newest = now
        const over = now - began >= mostPatience || acquired.length > 0 && now - newest >= mostSilence
        if (missing.size === 0 || over) return acquired
        yield* Effect.sleep(pace)
      }
    })
  })

/** The same for a layer. */
export const patientLocks = <E, R>(storage: Layer.Layer<RunnerStorage, E, R>): Layer.Layer<RunnerStorage, E, R> =>
  Layer.effect(RunnerStorage, Effect.map(RunnerStorage, patient)).pipe(Layer.provide(storage))
