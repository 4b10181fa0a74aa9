/** One group, many processes, in virtual time: who has what, who may save, what a leave, a death and a lost lock cost. */
import { type Checkpoint, type CheckpointGroup, CheckpointStore, type CheckpointStoreShape } from "@wirewright/dcp"
import { bySlices, vbucketsOfMember } from "@wirewright/dcp/internal"
import { sqlCheckpointStore } from "@wirewright/dcp/sql"
import { SqliteClient } from "@wirewright/sqlite"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { expect, it, vi } from "vitest"
import { DcpConnection } from "../../packages/dcp/src/DcpConnection.ts"
import { counts, lease, overtaken, share, standstills } from "./Shared.ts"

it("joins and leaves: slices are balanced by count, move without a second owner, and one connection a node is enough", () =>
  share({ slices: 16, vbuckets: 64 }, (world) =>
    Effect.gen(function*() {
      const { begin, both, deeds, missing, write } = world
      const connections = () => both.cluster.nodes.map(({ producers }) => producers.all.length)
      write()
      const a = yield* begin("a")
      yield* Effect.sleep("5 seconds")
      expect(counts(a)).toEqual([16])
      expect(missing()).toEqual([])
      expect(connections()).toEqual([1, 1])
      const b = yield* begin("b")
      yield* Effect.sleep("5 seconds")
      write()
      yield* Effect.sleep("2 seconds")
      expect(counts(a, b)).toEqual([8, 8])
      expect(missing()).toEqual([])
      const c = yield* begin("c")
      yield* Effect.sleep("5 seconds")
      write()
      yield* Effect.sleep("2 seconds")
      expect([...counts(a, b, c)].sort()).toEqual([5, 5, 6])
      expect(connections()).toEqual([3, 3])
      expect(missing()).toEqual([])
      yield* b.end
      yield* Effect.sleep("5 seconds")
      write()
      yield* Effect.sleep("2 seconds")
      expect(counts(a, c)).toEqual([8, 8])
      expect(connections()).toEqual([2, 2])
      expect(missing()).toEqual([])
      expect(overtaken(deeds)).toEqual([])
      // what was settled before a graceful move does not come again
      const processed = deeds.filter(({ what }) => what === "processed").map(({ seqno, vbucket }) => `${vbucket}/${seqno}`)
      expect(new Set(processed).size).toBe(processed.length)
    })))

it("a slice that moves in order is taken over as soon as it is free, and not with the cluster's next question for locks", () =>
  share({ slices: 16, vbuckets: 32, takes: 100 }, (world) =>
    Effect.gen(function*() {
      const { begin, deeds, write } = world
      const a = yield* begin("a")
      yield* Effect.sleep("5 seconds")
      const writing = yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sync(write), Effect.sleep(200))))
      const b = yield* begin("b")
      yield* Effect.sleep("5 seconds")
      expect(counts(a, b)).toEqual([8, 8])
      yield* b.end
      yield* Effect.sleep("5 seconds")
      yield* Fiber.interrupt(writing)
      const stood = standstills(deeds)
      expect(stood.length).toBe(16)
      // a quarter of a second until it is noticed, the handlers that run, and the next change
      expect(Math.max(...stood)).toBeLessThan(900)
    })))

it("a process asks each node for its high seqnos once, for all of its slices, and all of them know how far behind they are", () =>
  share({ slices: 16, vbuckets: 64 }, (world) =>
    Effect.gen(function*() {
      const { begin, write } = world
      const a = yield* begin("a")
      const b = yield* begin("b")
      yield* Effect.sleep("8 seconds")
      expect(counts(a, b)).toEqual([8, 8])
      const asked = vi.spyOn(DcpConnection.prototype, "allSeqnos")
      write()
      yield* Effect.sleep("20 seconds")
      // two processes, two nodes, every five seconds
      expect(asked).toHaveBeenCalledTimes(2 * 2 * 4)
      asked.mockRestore()
      const behind = [a, b].flatMap(({ sharding }) => [...sharding.owned.values()]).map((
        { consumer: { status: { events, lag } } }
      ) => [events, lag])
      expect(behind).toEqual(Array.from({ length: 16 }, () => [4, 0]))
    })))

it("a process that dies: its slices have a new owner after the lease, who goes on where it saved", () =>
  share({ slices: 8, vbuckets: 32 }, (world) =>
    Effect.gen(function*() {
      const { begin, deeds, missing, write } = world
      const a = yield* begin("a")
      const b = yield* begin("b")
      yield* Effect.sleep("8 seconds")
      write()
      yield* Effect.sleep("3 seconds")
      expect(counts(a, b)).toEqual([4, 4])
      expect(missing()).toEqual([])
      yield* b.kill
      write()
      yield* Effect.sleep(lease + 4_000)
      expect(counts(a)).toEqual([8])
      expect(missing()).toEqual([])
      expect(overtaken(deeds)).toEqual([])
    })))

/** The first owner is cut off from the storage of locks, but not from the bucket: it goes on while another takes over. */
const lostLock = (store?: CheckpointStoreShape) => {
  const seen = { overtaken: [-1] as ReadonlyArray<number>, refused: false }
  return share({ slices: 8, vbuckets: 32, ...store === undefined ? {} : { store } }, (world) =>
    Effect.gen(function*() {
      const { begin, deeds, leases, missing, write } = world
      const a = yield* begin("a")
      yield* Effect.sleep("5 seconds")
      leases.cut.add("a:1")
      leases.revoke("a:1")
      const b = yield* begin("b")
      yield* Effect.forEach(Array.from({ length: 40 }), () => Effect.andThen(Effect.sync(write), Effect.sleep(500)), { discard: true })
      yield* Effect.sleep("2 seconds")
      expect(counts(b)).toEqual([8])
      expect(missing()).toEqual([])
      seen.refused = deeds.some(({ owner, what }) => what === "refused" && owner === "a")
      seen.overtaken = overtaken(deeds)
      yield* a.kill
    })).then(() => seen)
}

it("a lost lock: the old owner, who does not know it yet, cannot save", async () => {
  expect(await lostLock()).toEqual({ overtaken: [], refused: true })
})

it("a store that does not fence is found out", async () => {
  const store = CheckpointStore.memory()
  const opened = new Map<string, CheckpointGroup>()
  const newest: CheckpointStoreShape = {
    open: (group) =>
      Effect.map(store.open(group), (taken) => {
        opened.set(group, taken)
        // whoever saves, saves in the newest owner's name
        return { ...taken, save: (checkpoints) => Effect.suspend(() => opened.get(group)!.save(checkpoints)) }
      })
  }
  const { overtaken: slices, refused } = await lostLock(newest)
  expect(refused).toBe(false)
  expect(slices.length).toBeGreaterThan(0)
})

it("two members with one number: each takes over from the other, says so, and saves nothing after it was taken over from", () =>
  share({ slices: 4, vbuckets: 8 }, (world) =>
    Effect.gen(function*() {
      const { beginStatic, deeds, lines, missing, write } = world
      yield* beginStatic("a", 0, 1)
      yield* Effect.sleep("2 seconds")
      yield* beginStatic("b", 0, 1)
      yield* Effect.forEach(Array.from({ length: 40 }), () => Effect.andThen(Effect.sync(write), Effect.sleep(500)), { discard: true })
      yield* Effect.sleep("2 seconds")
      expect(lines.filter((line) => /^Info slice \d of default\/shared: another process has taken it over$/.test(line)).length)
        .toBeGreaterThan(3)
      expect(lines.filter((line) => /failed/.test(line))).toEqual([])
      expect(missing()).toEqual([])
      expect(overtaken(deeds)).toEqual([])
    })))

it("members have every slice once, and another number of slices goes on where the former left off", () =>
  share({ slices: 8, vbuckets: 32 }, (world) =>
    Effect.gen(function*() {
      const { beginStatic, deeds, missing, write } = world
      const all = yield* Effect.forEach([0, 1, 2], (member) => beginStatic(`m${member}`, member, 3))
      write()
      yield* Effect.sleep("3 seconds")
      expect(all.map(({ sharding }) => [...sharding.owned.keys()].sort())).toEqual([[0, 3, 6], [1, 4, 7], [2, 5]])
      expect(missing()).toEqual([])
      yield* Effect.forEach(all, ({ end }) => end, { discard: true })
      const before = deeds.filter(({ what }) => what === "processed").length
      const recut = yield* beginStatic("recut", 0, 1, { slices: 5, formerSlices: 8 })
      write()
      yield* Effect.sleep("3 seconds")
      expect(counts(recut)).toEqual([5])
      expect(missing()).toEqual([])
      // only what was written since
      expect(deeds.filter(({ what }) => what === "processed").length).toBe(before + 32)
      expect(deeds.filter(({ what }) => what === "undone")).toEqual([])
    })))

it("a store that tells owners of vbuckets apart: a group that was whole goes on shared, in any number of slices, under one name", () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const client = yield* Layer.build(SqliteClient.layer({ filename: ":memory:", synchronous: "NORMAL" }))
    const sql = Context.get(client, SqlClient)
    const store = sqlCheckpointStore(sql)
    yield* Effect.promise(() =>
      share({ slices: 8, vbuckets: 32, store }, (world) =>
        Effect.gen(function*() {
          const { beginStatic, deeds, missing, write } = world
          const processed = () => deeds.filter(({ what }) => what === "processed").length
          for (const [slices, members] of [[1, 1], [8, 3], [5, 2]] as const) {
            const before = processed()
            const all = yield* Effect.forEach(
              Array.from({ length: members }, (_, member) => member),
              (member) => beginStatic(`${slices}/${member}`, member, members, { slices })
            )
            write()
            yield* Effect.sleep("3 seconds")
            expect(counts(...all).reduce((sum, count) => sum + count, 0)).toBe(slices)
            expect(missing()).toEqual([])
            // only what was written since
            expect(processed()).toBe(before + 32)
            yield* Effect.forEach(all, ({ end }) => end, { discard: true })
          }
          expect(deeds.filter(({ what }) => what === "undone" || what === "refused")).toEqual([])
        }))
    )
    const rows = yield* sql`SELECT DISTINCT group_name FROM dcp_checkpoints`
    expect(rows.length).toBe(1)
  }))))

it("members of a fixed number: slices side by side in one store, after a group that was whole, and in another number", () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const all = Array.from({ length: 1_024 }, (_, vbucket) => vbucket)
    const at = (seqno: bigint): Checkpoint => ({
      position: { vbucketUuid: 7n, seqno, snapshotStart: seqno, snapshotEnd: seqno },
      failoverLog: [],
      complete: [],
      purgeSeqno: 0n,
      undo: false,
      ahead: false
    })
    const whole = CheckpointStore.memory()
    yield* (yield* whole.open("g")).save(new Map(all.map((vbucket) => [vbucket, at(1n)])))
    const store = bySlices(whole, all, 64)
    for (const [members, seqno] of [[5, 2n], [3, 3n], [1, 4n]] as const) {
      const shares = Array.from({ length: members }, (_, member) => vbucketsOfMember(all, 64, member, members))
      expect(shares.flat().sort((a, b) => a - b)).toEqual(all)
      const groups = yield* Effect.forEach(shares, (share) => store.open("g", share))
      for (const [member, group] of groups.entries()) {
        const loaded = yield* group.load
        expect([...loaded.keys()].sort((a, b) => a - b)).toEqual(shares[member]!.toSorted((a, b) => a - b))
        expect(new Set([...loaded.values()].map(({ position }) => position.seqno))).toEqual(new Set([seqno - 1n]))
        yield* group.save(new Map(shares[member]!.map((vbucket) => [vbucket, at(seqno)])))
      }
      // none of them took anything over from another
      for (const [member, group] of groups.entries()) yield* group.save(new Map([[shares[member]![0]!, at(seqno)]]))
    }
  }))))

it("a handler that does not end is given up when the drain limit is over, and said", () =>
  share({ slices: 1, vbuckets: 1, takes: 3_600_000 }, (world) =>
    Effect.gen(function*() {
      const { beginStatic, deeds, lines, write } = world
      write()
      const a = yield* beginStatic("a", 0, 1)
      yield* Effect.sleep("1 second")
      const began = yield* Clock.currentTimeMillis
      yield* a.end
      expect((yield* Clock.currentTimeMillis) - began).toBe(3_000)
      expect(lines).toContain("Warn slice 0 of default/shared: its handlers do not end within 3000 ms")
      expect(deeds.filter(({ what }) => what === "processed")).toEqual([])
    })))

it("a process that leaves gives up all slices at once, while it still has its connections", () =>
  share({ slices: 8, vbuckets: 8, takes: 700 }, (world) =>
    Effect.gen(function*() {
      const { begin, deeds, write } = world
      for (let i = 0; i < 20; i++) write()
      const a = yield* begin("a")
      yield* Effect.sleep("6 seconds")
      expect(deeds.filter(({ what }) => what === "processed").length).toBeGreaterThan(8)
      const began = yield* Clock.currentTimeMillis
      yield* a.end
      // a handler, and not eight
      expect((yield* Clock.currentTimeMillis) - began).toBeLessThan(2 * 700)
    })))

it("a handler that runs is waited for when its slice moves; one that has not begun is not", () =>
  share({ slices: 2, vbuckets: 4, takes: 700 }, (world) =>
    Effect.gen(function*() {
      const { beginStatic, deeds, write } = world
      for (let i = 0; i < 5; i++) write()
      const a = yield* beginStatic("a", 0, 1)
      yield* Effect.sleep(1_000)
      expect(deeds.filter(({ what }) => what === "processed").length).toBe(2)
      yield* a.end
      // 20 changes, 2 slices with one handler at a time: two more were begun, and all four are saved
      const processed = deeds.filter(({ what }) => what === "processed")
      expect(processed.length).toBe(4)
      const again = yield* beginStatic("again", 0, 1)
      yield* Effect.sleep("1 minute")
      yield* again.end
      const all = deeds.filter(({ what }) => what === "processed").map(({ seqno, vbucket }) => `${vbucket}/${seqno}`)
      expect([all.length, new Set(all).size]).toEqual([20, 20])
    })))
