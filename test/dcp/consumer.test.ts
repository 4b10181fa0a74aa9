/** The consumer against a node that answers as each scenario says: what it asks for, what it delivers, how it ends. */
import type { Checkpoint, CheckpointStoreShape, DcpEvent } from "@wirewright/dcp"
import { settle } from "@wirewright/dcp/internal"
import * as Gen from "@wirewright/dcp/gen"
import { DcpStreamEndStatus, Status } from "@wirewright/dcp/gen"
import { Features } from "@wirewright/embedded/internal"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { ended, failureOf, inWorld, until } from "./Harness.ts"
import { complete, Played, plays, position, quiet, stored, storeWith, uuid, log } from "./Played.ts"

describe("the happy path", () => {
  it("SC-01 three documents, in order, acknowledged to the byte", () =>
    inWorld({}, (world) =>
      Effect.gen(function*() {
        for (const key of ["k1", "k2", "k3"]) world.put(key)
        const run = yield* world.consume({ window: 1024 })
        yield* until(() => run.brief(0).length === 3)
        expect(run.brief(0)).toEqual(["M1", "M2", "M3"])
        expect(world.requests.get(0)).toEqual(["0 [0,0]"])
        expect(stored(run)).toEqual([3, 3, 3])
        const producer = world.node.producers.all[0]!
        yield* until(() => producer.window.outstanding === 0)
        expect(producer.window.overAcknowledged).toBe(0)
        expect(producer.stats.find(([name]) => name.endsWith("total_acked_bytes"))![1]).toBe(44 + 3 * (55 + 1 + 2 + 1))
      })))

  it("SC-16 the answer and the first message in the same bytes", () =>
    inWorld({ play: plays((stream) => stream.ok().marker(0, 2).items(1, 2)) }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume()
        yield* until(() => run.brief(0).length === 2)
        expect(run.brief(0)).toEqual(["M1", "M2"])
        expect(run.consumer.checkpoints.get(0)!.failoverLog).toEqual(log)
      })))

  it("SC-25 SC-26 a marker alone is no progress; within a snapshot the next request says so", () =>
    inWorld({
      play: plays(
        (stream) => stream.ok().marker(0, 3).items(1, 2, 3).marker(4, 9).end(DcpStreamEndStatus.StateChanged),
        (stream) => stream.ok().marker(4, 9).items(4, 6).end(DcpStreamEndStatus.StateChanged),
        quiet
      )
    }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume()
        yield* until(() => (world.requests.get(0)?.length ?? 0) >= 3)
        expect(world.requests.get(0)!.slice(0, 3)).toEqual(["0 [0,0]", "3 [3,3]", "6 [4,9]"])
        expect(run.brief(0)).toEqual(["M1", "M2", "M3", "M4", "M6"])
      })))

  it("SC-27 what is settled out of order counts up to the first that is not", () =>
    inWorld({ play: plays((stream) => stream.ok().marker(4, 8).items(4, 5, 6, 7)) }, (world) =>
      Effect.gen(function*() {
        const store = yield* storeWith({ position: position(3) })
        const run = yield* world.consume({}, () => Effect.void, store)
        yield* until(() => run.brief(0).length === 4)
        const [four, five, six, seven] = run.events.get(0)!.filter(({ _tag }) => _tag === "Mutation") as never as ReadonlyArray<
          DcpEvent
        >
        for (const event of [seven, five, four]) settle(event!)
        expect(stored(run)).toEqual([5, 4, 8])
        settle(six!)
        expect(stored(run)).toEqual([7, 4, 8])
      })))

  it("SC-33 a filtered vbucket that is quiet moves on, and the user sees nothing", () =>
    inWorld({ play: plays((stream) => stream.ok().marker(1, 5).advanced(5).marker(6, 9).advanced(9)) }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume()
        yield* until(() => run.consumer?.checkpoints.get(0)?.position.seqno === 9n)
        expect(run.brief(0)).toEqual([])
      })))

  it("SC-22 from now: nothing of before, everything behind", () =>
    inWorld({ vbuckets: 2 }, (world) =>
      Effect.gen(function*() {
        for (let i = 0; i < 5; i++) world.put(`old${i}`)
        const run = yield* world.consume({ from: { savedOr: "now" } })
        yield* until(() => run.all.some(({ _tag, vbucket }) => _tag === "CaughtUp" && vbucket === undefined))
        world.put("new")
        yield* until(() => run.brief(0).length === 1)
        expect(run.brief(0)).toEqual(["M6"])
        expect(world.requests.get(0)).toEqual(["5 [5,5]"])
      })))
})

describe("refusals", () => {
  it("SC-03 optional controls may be refused, required ones may not", () =>
    inWorld({
      play: (connection, packet) => {
        if (packet._tag !== "DcpControl" || packet.key !== "enable_noop") return false
        connection.failure(packet, Status.Einval)
        return true
      }
    }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume()
        yield* ended(run)
        expect(failureOf(run)).toMatchObject({ _tag: "NegotiationRefused", request: "enable_noop", status: Status.Einval })
      })))

  it("a feature that HELLO did not grant: typed, and nothing is opened", () => {
    const seen: Array<string> = []
    return inWorld({
      play: (connection, packet) => {
        if (packet._tag !== "Hello") {
          seen.push(packet._tag)
          return false
        }
        const features = packet.features.filter((feature) => feature !== Gen.HelloFeature.Xattr)
        connection.features = new Features(features)
        connection.reply((writer) => Gen.encodeHelloResponse(writer, { opaque: packet.opaque, features }))
        return true
      }
    }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume({ xattrs: true })
        yield* ended(run)
        expect(failureOf(run)).toMatchObject({
          _tag: "DcpFeatureMissing",
          feature: "Xattr",
          message: "xattrs: the server did not grant Xattr"
        })
        expect(seen).not.toContain("DcpOpen")
      }))
  })

  it("SC-04 a server that takes whole seconds only", () => {
    const values: Array<string> = []
    return inWorld({
      play: (connection, packet) => {
        if (packet._tag !== "DcpControl" || packet.key !== "set_noop_interval") return false
        values.push(packet.value)
        if (packet.value.includes(".")) connection.failure(packet, Status.Einval)
        else connection.reply((writer) => Gen.encodeDcpControlResponse(writer, { opaque: packet.opaque }))
        return true
      }
    }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume({ noopInterval: 500 })
        yield* until(() => (run.consumer?.status.streaming ?? 0) === 1)
        expect(values).toEqual(["0.5", "1"])
      }))
  })

  it("SC-14 a checkpoint that cannot be is refused before the wire", () =>
    inWorld({}, (world) =>
      Effect.gen(function*() {
        // the store's own format refuses it, so it comes from one that does not look
        const bad: Checkpoint = { position: position(5, 6, 9), failoverLog: log, complete: [], purgeSeqno: 0n, undo: false, ahead: false }
        const store: CheckpointStoreShape = {
          open: () => Effect.succeed({ epoch: 1, load: Effect.succeed(new Map([[0, bad]])), save: () => Effect.void, clear: Effect.void })
        }
        const run = yield* world.consume({}, undefined, store)
        yield* ended(run)
        expect(failureOf(run)).toMatchObject({ _tag: "DcpStreamFailed", cause: "IllegalCheckpoint" })
        expect(world.requests.get(0)).toBeUndefined()
      })))

  it("SC-17 a stream that we do not know of is closed, then asked for again", () => {
    const closes: Array<number> = []
    const turns = plays((stream) => stream.fail(Status.KeyEexists), (stream) => stream.ok().marker(0, 1).items(1))
    return inWorld({
      play: (connection, packet, world) => {
        if (packet._tag === "DcpCloseStream") closes.push(packet.vbucket)
        return turns(connection, packet, world)
      }
    }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume()
        yield* until(() => run.brief(0).length === 1)
        expect(world.requests.get(0)).toHaveLength(2)
      }))
  })

  it("SC-18 what gets better is waited for; the other vbuckets do not", () => {
    const times: Array<number> = []
    const at = (status: number) => (stream: Played): unknown => {
      times.push(performance.now())
      return stream.fail(status)
    }
    return inWorld({
      vbuckets: 2,
      play: plays(at(Status.Etmpfail), at(Status.Ebusy), at(Status.NotMyVbucket), (stream) => stream.ok().marker(0, 1).items(1))
    }, (world) =>
      Effect.gen(function*() {
        world.put("other", 1)
        const run = yield* world.consume()
        yield* until(() => run.brief(1).length === 1)
        yield* until(() => run.brief(0).length === 1)
        expect(world.requests.get(0)).toHaveLength(4)
        expect(world.requests.get(1)).toHaveLength(1)
        expect(times[1]! - times[0]!).toBeGreaterThan(45)
        expect(times[2]! - times[1]!).toBeGreaterThan(90)
      }))
  })

  it.each(
    [[Status.Eaccess, "NoAccess"], [Status.Einval, "IllegalRequest"], [Status.DcpStreamIdInvalid, "IllegalRequest"], [
      Status.Erange,
      "IllegalRequest"
    ], [Status.NotSupported, "NotSupported"]] as const
  )(
    "SC-19 SC-11 status %i fails the vbucket and nothing else",
    (status, cause) =>
      inWorld({ vbuckets: 2, play: plays((stream) => stream.fail(status, { context: "because" })) }, (world) =>
        Effect.gen(function*() {
          world.put("other", 1)
          const run = yield* world.consume()
          yield* until(() => run.brief(1).length === 1 && run.brief(0).length === 1)
          expect(run.brief(0)).toEqual([`FAILED ${cause}`])
          expect(world.requests.get(0)).toHaveLength(1)
          world.put("more", 1)
          yield* until(() => run.brief(1).length === 2)
          const failure = run.events.get(0)![0]!
          expect("failure" in failure && failure.failure?.message).toContain("because")
        }))
  )

  it(
    "SC-20 a collection that the node does not know: a few attempts, then gone",
    () =>
      inWorld({ play: plays((stream) => stream.fail(Status.UnknownCollection, { manifestUid: 3n })) }, (world) =>
        Effect.gen(function*() {
          const run = yield* world.consume()
          yield* until(() => run.brief(0).length === 1, "the failure", 20_000)
          expect(run.brief(0)).toEqual(["FAILED CollectionGone"])
          expect(world.requests.get(0)).toHaveLength(6)
        })),
    25_000
  )

  it("a collection that does not exist is refused at the beginning", () =>
    inWorld({}, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume({ collections: ["nowhere"] })
        yield* ended(run)
        expect(failureOf(run)).toMatchObject({ _tag: "DcpOptionsError", message: "there is no collection _default.nowhere" })
      })))
})

describe("ends", () => {
  const again = [
    DcpStreamEndStatus.Ok,
    DcpStreamEndStatus.Closed,
    DcpStreamEndStatus.StateChanged,
    DcpStreamEndStatus.Disconnected,
    DcpStreamEndStatus.Slow,
    DcpStreamEndStatus.Rollback,
    99
  ]
  it.each(again)(
    "SC-56 end %i: asked for again from where it was",
    (reason) =>
      inWorld(
        { play: plays((stream) => stream.ok().marker(0, 2).items(1, 2).end(reason), (stream) => stream.ok().marker(3, 3).items(3)) },
        (world) =>
          Effect.gen(function*() {
            const run = yield* world.consume()
            yield* until(() => run.brief(0).length === 3)
            expect(run.brief(0)).toEqual(["M1", "M2", "M3"])
            expect(world.requests.get(0)!.slice(0, 2)).toEqual(["0 [0,0]", "2 [2,2]"])
          })
      )
  )

  it.each([[DcpStreamEndStatus.FilterEmpty, "FilterEmpty"], [DcpStreamEndStatus.LostPrivileges, "NoAccess"]] as const)(
    "SC-56 end %i: not asked for again",
    (reason, cause) =>
      inWorld({ play: plays((stream) => stream.ok().marker(0, 1).items(1).end(reason)) }, (world) =>
        Effect.gen(function*() {
          const run = yield* world.consume()
          yield* until(() => run.brief(0).length === 2)
          expect(run.brief(0)).toEqual(["M1", `FAILED ${cause}`])
          yield* Effect.sleep(300)
          expect(world.requests.get(0)).toHaveLength(1)
        }))
  )

  it("SC-57 SC-83 what belongs to no open stream is dropped, and acknowledged", () =>
    inWorld({
      play: plays(
        (stream) => stream.ok().marker(0, 1).items(1).end(2).end(2),
        (stream) => stream.ok().marker(2, 3).items(2).end(2, 0x777).item(9, { opaque: 0x777 }).items(3)
      )
    }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume()
        yield* until(() => run.brief(0).length === 3)
        expect(run.brief(0)).toEqual(["M1", "M2", "M3"])
        expect(run.consumer.status.connections[0]).toMatchObject({ stale: 3 })
        yield* until(() => run.consumer.status.connections[0]!.outstanding === 0)
      })))

  it("SC-75 SC-76 a finite read ends by its position, whether the server says so or not", () =>
    inWorld({}, (world) =>
      Effect.gen(function*() {
        for (const key of ["a", "b", "b"]) world.put(key)
        const silent = yield* world.consume({ to: "now" })
        yield* until(() => silent.exit !== undefined)
        expect(silent.brief(0, true)).toEqual(["M1", "M3", "CAUGHTUP", "ENDED"])
        expect(world.requests.get(0)).toEqual(["0..3 [0,0]"])
      })))

  it("SC-75 the server never sends the end", () =>
    inWorld({
      play: (connection, packet, world) => {
        if (packet._tag !== "DcpStreamRequest") return false
        new Played(connection, packet).ok([{ vbucketUuid: world.bucket.uuidOf(0), seqno: 0n }]).marker(0, 2).items(1, 2)
        return true
      }
    }, (world) =>
      Effect.gen(function*() {
        for (const key of ["a", "b"]) world.put(key)
        const run = yield* world.consume({ to: "now" })
        yield* until(() => run.exit !== undefined)
        expect(run.brief(0, true)).toEqual(["M1", "M2", "CAUGHTUP", "ENDED"])
      })))
})

describe("rollback", () => {
  it("SC-42 to the last snapshot that is whole, undone and stored before the next request", () => {
    const order: Array<string> = []
    return inWorld({
      play: plays((stream) => {
        order.push(`request ${stream.request.startSeqno}`)
        stream.rollback(650n)
      }, (stream) => {
        order.push(`request ${stream.request.startSeqno}`)
        stream.ok([{ vbucketUuid: 0xb2n, seqno: 650n }, ...log]).marker(501, 700, 2).items(600, 700)
      })
    }, (world) =>
      Effect.gen(function*() {
        const store = yield* storeWith({ position: position(1000), complete: complete(300, 500, 800, 1000) })
        const run = yield* world.consume({}, (event) =>
          Effect.gen(function*() {
            if (event._tag === "Rollback") {
              yield* Effect.sleep(50)
              order.push("undone")
            }
            settle(event)
          }), store)
        yield* until(() => run.brief(0).length === 3)
        expect(order).toEqual(["request 1000", "undone", "request 500"])
        expect(run.brief(0)).toEqual(["ROLLBACK 1000→500 CompleteSnapshot", "M600", "M700"])
        expect(world.requests.get(0)).toEqual(["1000 [1000,1000]", "500 [500,500]"])
      }))
  })

  it("SC-43 SC-51 without a whole snapshot that old, to the beginning", () =>
    inWorld({ play: plays((stream) => stream.rollback(100n), (stream) => stream.ok()) }, (world) =>
      Effect.gen(function*() {
        const store = yield* storeWith({ position: position(1000), complete: complete(990, 1000) })
        const run = yield* world.consume({}, undefined, store)
        yield* until(() => (world.requests.get(0)?.length ?? 0) === 2)
        expect(run.brief(0)).toEqual(["ROLLBACK 1000→0 HistoryTooShort"])
        expect(world.requests.get(0)![1]).toBe("0 [0,0]")
      })))

  it("SC-45 the older branch at the branching point is found by comparing logs; nothing is undone", () =>
    inWorld({
      play: (connection, packet) => {
        const mine = [{ vbucketUuid: 0xc3n, seqno: 500n }, ...log]
        if (packet._tag === "GetFailoverLog") {
          connection.reply((writer) => Gen.encodeGetFailoverLogResponse(writer, { opaque: packet.opaque, failoverLog: mine }))
          return true
        }
        if (packet._tag === "GetAllVbSeqnos") {
          connection.reply((writer) =>
            Gen.encodeGetAllVbSeqnosResponse(writer, { opaque: packet.opaque, seqnos: [{ vbucket: 0, seqno: 520n }] })
          )
          return true
        }
        if (packet._tag !== "DcpStreamRequest") return false
        const stream = new Played(connection, packet)
        if (packet.vbucketUuid === uuid) stream.ok(mine).marker(501, 501).items(501)
        else stream.rollback(0n)
        return true
      }
    }, (world) =>
      Effect.gen(function*() {
        const at500 = { ...position(500), vbucketUuid: 0xb2n }
        const store = yield* storeWith({
          position: at500,
          failoverLog: [{ vbucketUuid: 0xb2n, seqno: 500n }, ...log],
          complete: [{ vbucketUuid: 0xb2n, seqno: 500n }]
        })
        const run = yield* world.consume({}, undefined, store)
        yield* until(() => run.brief(0).includes("M501"))
        expect(run.brief(0)).toEqual(["M501"])
        expect(world.requests.get(0)).toEqual(["500 [500,500]", "500 [500,500]"])
      })))

  it("SC-46 one rollback after the other", () =>
    inWorld(
      { play: plays((stream) => stream.rollback(900n), (stream) => stream.rollback(650n), (stream) => stream.rollback(300n), quiet) },
      (world) =>
        Effect.gen(function*() {
          const store = yield* storeWith({ position: position(1000), complete: complete(250, 600, 850, 1000) })
          const run = yield* world.consume({}, undefined, store)
          yield* until(() => (world.requests.get(0)?.length ?? 0) === 4)
          expect(world.requests.get(0)!.map((text) => text.split(" ")[0])).toEqual(["1000", "850", "600", "250"])
          expect(run.brief(0)).toHaveLength(3)
        })
    ))

  it("SC-47 a server that never stops is stopped; the other vbuckets go on", () =>
    inWorld({ vbuckets: 2, play: plays((stream) => stream.rollback(stream.request.startSeqno - 1n)) }, (world) =>
      Effect.gen(function*() {
        const all = Array.from({ length: 200 }, (_, i) => i + 1)
        const store = yield* storeWith({ position: position(200), complete: complete(...all) })
        const run = yield* world.consume({}, undefined, store)
        yield* until(() => run.brief(0).some((text) => text.startsWith("FAILED")))
        expect(run.brief(0).at(-1)).toBe("FAILED RollbackLoop")
        expect(world.requests.get(0)!.length).toBeLessThanOrEqual(27)
        world.put("other", 1)
        yield* until(() => run.brief(1).length === 1)
      })))

  it("SC-48 a rollback that goes forward", () =>
    inWorld({ play: plays((stream) => stream.rollback(2000n)) }, (world) =>
      Effect.gen(function*() {
        const store = yield* storeWith({ position: position(1000), complete: complete(1000) })
        const run = yield* world.consume({}, undefined, store)
        yield* until(() => run.brief(0).length === 1)
        expect(run.brief(0)).toEqual(["FAILED ProtocolViolation"])
      })))

  it("SC-49 a crash between undoing and storing: undone again", () =>
    inWorld({ play: plays((stream) => stream.rollback(650n), (stream) => stream.ok()) }, (world) =>
      Effect.gen(function*() {
        const store = yield* storeWith({ position: position(1000), complete: complete(500, 1000) })
        // this one is told, and its process ends before it says that it has undone
        const first = yield* Effect.scoped(
          Effect.flatMap(world.consume({}, () => Effect.never, store), (run) => Effect.as(until(() => run.brief(0).length === 1), run))
        )
        expect(first.brief(0)).toEqual(["ROLLBACK 1000→500 CompleteSnapshot"])
        const second = yield* world.consume({}, undefined, store)
        yield* until(() => second.consumer?.status.streaming === 1)
        expect(second.brief(0)).toEqual(["ROLLBACK 500→500 Interrupted"])
        expect(world.requests.get(0)).toEqual(["1000 [1000,1000]", "500 [500,500]"])
      })))

  it("SC-53 the end that announces a rollback", () =>
    inWorld({
      play: plays(
        (stream) => stream.ok().marker(0, 5).items(1, 5).end(DcpStreamEndStatus.Rollback),
        (stream) => stream.rollback(3n),
        quiet
      )
    }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume()
        yield* until(() => (world.requests.get(0)?.length ?? 0) === 3)
        expect(world.requests.get(0)).toEqual(["0 [0,0]", "5 [5,5]", "0 [0,0]"])
        expect(run.brief(0)).toEqual(["M1", "M5", "ROLLBACK 5→0 HistoryTooShort"])
      })))
})

describe("liveness", () => {
  it("SC-66 SC-64 a NOOP is answered within the bytes that brought it, whatever waits before it and whether anybody pulls", () => {
    let answeredAt = 0
    return inWorld({
      play: (connection, packet, world) => {
        if (packet._tag === "DcpNoopResponse") {
          answeredAt = performance.now()
          return true
        }
        return plays((stream) => {
          stream.ok().marker(0, 20_000)
          for (let seqno = 1; seqno <= 10_000; seqno++) stream.item(seqno)
          connection.reply((writer) => Gen.encodeDcpNoop(writer, { opaque: 77 }))
        })(connection, packet, world)
      }
    }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume({ window: 100_000_000 }, () => Effect.never)
        yield* until(() => answeredAt > 0)
        expect(run.all.length).toBeLessThanOrEqual(1024)
      }))
  })

  it("SC-63 SC-90 a peer that says nothing any more is given up after two intervals", () =>
    inWorld({ play: plays((stream) => stream.ok().marker(0, 1).items(1)) }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume({ noopInterval: 200, connectBudget: { burst: 100, perSecond: 100 } })
        yield* until(() => run.brief(0).length === 1)
        const start = performance.now()
        // the script answers the stream request, so the node's own NOOPs never begin
        yield* until(() => run.consumer.status.disconnects >= 1)
        expect(performance.now() - start).toBeGreaterThan(250)
      })))

  it("SC-09 two connections with one name do not fight for ever", () =>
    inWorld({}, (world) =>
      Effect.gen(function*() {
        const options = { connectionName: "one", connectBudget: { burst: 100, perSecond: 100 } }
        const first = yield* world.consume(options)
        const second = yield* world.consume(options)
        yield* until(() => first.exit !== undefined || second.exit !== undefined, "the end of the war", 20_000)
        const loser = first.exit !== undefined ? first : second
        expect(failureOf(loser)).toMatchObject({ _tag: "NameConflictSuspected", connection: "one" })
      })), 25_000)
})
