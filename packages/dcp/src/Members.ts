/**
 * Static membership without slices that move: the vbuckets of one member of a fixed number, and a store in which the slices that they are cut into have
 * owners of their own. Another number of members goes on where the former left off, since the slices stay.
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { Checkpoints } from "./CheckpointFormat.ts"
import type { CheckpointGroup, CheckpointStoreShape } from "./CheckpointStore.ts"
import { groupOf, inherit, vbucketsOf } from "./SliceRunner.ts"

/** Slices where nobody says how many. */
export const defaultSlices = 64

/** Slices of a member, from 0: every so many-th, so that counts differ by one at most. */
export const slicesOf = (slices: number, member: number, members: number): ReadonlyArray<number> =>
  Array.from({ length: slices }, (_, slice) => slice).filter((slice) => slice % members === member)

/** The vbuckets of a member. */
export const vbucketsOfMember = (
  all: ReadonlyArray<number>,
  slices: number,
  member: number,
  members: number
): ReadonlyArray<number> => slicesOf(slices, member, members).flatMap((slice) => vbucketsOf(all, slices, slice))

/** Keeps each slice of a group in a group of its own; those of a group that was whole go on where that was. */
export const bySlices = (store: CheckpointStoreShape, all: ReadonlyArray<number>, slices: number): CheckpointStoreShape => ({
  fencing: "vbucket",
  open: Effect.fnUntraced(function*(group: string, vbuckets: ReadonlyArray<number> = all) {
    const wanted = new Set(vbuckets)
    // given up beside one another: each waits for a store that is down
    const scope = yield* Scope.fork(yield* Effect.scope, "parallel")
    const parts: Array<{ readonly own: ReadonlySet<number>; readonly opened: CheckpointGroup }> = []
    for (let slice = 0; slice < slices; slice++) {
      const own = vbucketsOf(all, slices, slice).filter((vbucket) => wanted.has(vbucket))
      if (own.length === 0) continue
      const opened = yield* Scope.provide(store.open(groupOf(group, slices, slice), own), scope)
      if (slices > 1) yield* Scope.provide(inherit(opened, own, all, { formerSlices: 1, group, store }), scope)
      parts.push({ own: new Set(own), opened })
    }
    return {
      epoch: Math.max(0, ...parts.map(({ opened }) => opened.epoch)),
      load: Effect.map(
        Effect.forEach(parts, ({ opened }) => opened.load),
        (found) => new Map(found.flatMap((some) => [...some])) as Checkpoints
      ),
      save: (checkpoints) =>
        Effect.forEach(parts, ({ opened, own }) => {
          const some = new Map([...checkpoints].filter(([vbucket]) => own.has(vbucket)))
          return some.size === 0 ? Effect.void : opened.save(some)
        }, { discard: true }),
      clear: Effect.forEach(parts, ({ opened }) => opened.clear, { discard: true })
    } satisfies CheckpointGroup
  })
})
