/** The consumer against a node that sends what no node may send: typed errors, nothing delivered that is wrong, the other vbuckets go on. */
import { DcpConnection } from "../../packages/dcp/src/DcpConnection.ts"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { inWorld, until } from "./Harness.ts"
import { complete, type Played, plays, position, quiet, storeWith, log, frame, mutation, response } from "./Played.ts"

describe("hostile servers", () => {
  const violations: ReadonlyArray<readonly [string, (stream: Played) => unknown]> = [
    ["SC-41 a seqno twice", (stream) => stream.ok().marker(0, 9).items(1, 5, 5)],
    ["SC-41 a seqno that goes back", (stream) => stream.ok().marker(0, 9).items(1, 5, 4)],
    ["SC-41 a seqno outside of its snapshot", (stream) => stream.ok().marker(0, 6).items(1, 7)],
    ["SC-41 data before any marker", (stream) => stream.ok().items(1)],
    ["SC-41 a marker that is turned round", (stream) => stream.ok().marker(9, 4)],
    ["SC-83 another vbucket", (stream) => stream.ok().marker(0, 9).items(1).item(2, { vbucket: 7 })],
    ["SC-36 a marker of 3 bytes of extras", (stream) => stream.ok().bytes(frame(stream, 0x56, "000000", ""))],
    ["SC-36 a marker of version 1", (stream) => stream.ok().bytes(frame(stream, 0x56, "01", "00".repeat(36)))],
    ["SC-36 a marker of 35 bytes of value", (stream) => stream.ok().bytes(frame(stream, 0x56, "00", "00".repeat(35)))],
    ["SC-87 a key whose collection never ends", (stream) => stream.ok().marker(0, 9).bytes(mutation(stream, "8080808080"))],
    ["SC-87 a collection of more than 32 bits", (stream) => stream.ok().marker(0, 9).bytes(mutation(stream, "ffffffff7f61"))],
    ["SC-82 extras that are missing", (stream) => stream.ok().marker(0, 9).bytes(frame(stream, 0x57, "00", ""))]
  ]
  it.each(violations)(
    "%s: asked for once more, then given up; nothing of it is delivered",
    (_, play) =>
      inWorld({ vbuckets: 2, play: plays(play) }, (world) =>
        Effect.gen(function*() {
          world.put("other", 1)
          const run = yield* world.consume()
          yield* until(() => run.brief(0).some((text) => text.startsWith("FAILED")))
          expect(run.brief(0).at(-1)).toBe("FAILED ProtocolViolation")
          expect(world.requests.get(0)!.length).toBeLessThanOrEqual(3)
          yield* until(() => run.brief(1).length === 1)
          yield* until(() => run.consumer.status.connections.every(({ outstanding }) => outstanding === 0))
        }))
  )

  it.each([["empty", ""], ["15 bytes", "00".repeat(15)], ["uuid 0", "00".repeat(16)], [
    "one branch twice",
    "00000000000000010000000000000000".repeat(2)
  ]])(
    "SC-89 SC-21 a failover log that is none: %s",
    (_, value) =>
      inWorld({
        play: plays((stream) => stream.bytes(response(stream.request.opaque, 0, value)), quiet)
      }, (world) =>
        Effect.gen(function*() {
          const run = yield* world.consume({ connectBudget: { burst: 100, perSecond: 100 } })
          yield* until(() => (world.requests.get(0)?.length ?? 0) === 2)
          yield* until(() => run.consumer.status.streaming === 1)
          expect(run.consumer.checkpoints.get(0)!.failoverLog).toEqual(log)
        }))
  )

  it.each([0, 7, 16])(
    "SC-21 a rollback with %i bytes ends the connection",
    (size) =>
      inWorld(
        { play: plays((stream) => stream.bytes(response(stream.request.opaque, 0x23, "00".repeat(size))), quiet) },
        (world) =>
          Effect.gen(function*() {
            const store = yield* storeWith({ position: position(5), complete: complete(5) })
            const run = yield* world.consume({ connectBudget: { burst: 100, perSecond: 100 } }, undefined, store)
            yield* until(() => (world.requests.get(0)?.length ?? 0) === 2)
            expect(run.consumer.status.disconnects).toBe(1)
            expect(run.brief(0)).toEqual([])
          })
      )
  )

  it("SC-82 what is not known: an unknown opcode is passed over, a magic that is none ends the connection", () =>
    inWorld({
      play: plays(
        (stream) => stream.ok().marker(0, 2).items(1).bytes(frame(stream, 0x6f, "", "00")).items(2).bytes("42".repeat(24)),
        (stream) => stream.ok().marker(3, 3).items(3)
      )
    }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume({ connectBudget: { burst: 100, perSecond: 100 } })
        yield* until(() => run.brief(0).length === 3)
        expect(run.brief(0)).toEqual(["M1", "M2", "M3"])
        expect(run.consumer.status.disconnects).toBe(1)
      })))

  it("SC-84 an answer that nobody asked for ends the connection", () =>
    inWorld({ play: plays((stream) => stream.ok().bytes(response(0x12345, 0, "")), quiet) }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume({ connectBudget: { burst: 100, perSecond: 100 } })
        yield* until(() => (world.requests.get(0)?.length ?? 0) === 2)
        expect(run.consumer.status.disconnects).toBe(1)
      })))

  it("an answer to another command ends the connection, and opens no stream", () =>
    inWorld(
      { play: plays((stream) => stream.bytes(`8101${response(stream.request.opaque, 0, "").slice(4)}`), quiet) },
      (world) =>
        Effect.gen(function*() {
          const run = yield* world.consume({ connectBudget: { burst: 100, perSecond: 100 } })
          yield* until(() => (world.requests.get(0)?.length ?? 0) === 2)
          yield* until(() => run.consumer.status.streaming === 1)
          expect(run.consumer.status.disconnects).toBe(1)
        })
    ))

  it.each([["4 GiB", "80570000000000ff" + "ffffffff"], ["30 MiB and one byte", "8057000000000000" + "01e00001"]])(
    "SC-80 a frame of %s is refused by its header",
    (_, header) =>
      inWorld({ play: plays((stream) => stream.ok().bytes(header + "00".repeat(12)), quiet) }, (world) =>
        Effect.gen(function*() {
          const before = process.memoryUsage().arrayBuffers
          const run = yield* world.consume({ connectBudget: { burst: 100, perSecond: 100 } })
          yield* until(() => (world.requests.get(0)?.length ?? 0) === 2)
          expect(run.consumer.status.disconnects).toBe(1)
          expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024)
        }))
  )

  it("SC-88 the largest numbers are exact", () =>
    inWorld(
      { play: plays((stream) => stream.ok([{ vbucketUuid: 0xffff_ffff_ffff_ffffn, seqno: 0n }])) },
      (world) =>
        Effect.gen(function*() {
          const large = {
            vbucketUuid: 0xffff_ffff_ffff_fffen,
            seqno: 0xffff_ffff_ffff_fffdn,
            snapshotStart: 2n ** 53n + 1n,
            snapshotEnd: 0xffff_ffff_ffff_fffen
          }
          const store = yield* storeWith({ position: large })
          const run = yield* world.consume({}, undefined, store)
          yield* until(() => (world.requests.get(0)?.length ?? 0) === 1)
          expect(world.requests.get(0)).toEqual(["18446744073709551613 [9007199254740993,18446744073709551614]"])
          expect(run.consumer.checkpoints.get(0)!.position).toEqual(large)
        })
    ))
})

describe("a consumer that forgets what is stale", () => {
  it("is found out: the server holds the bytes against it for ever", () => {
    const { free } = DcpConnection.prototype
    let seen = 0
    DcpConnection.prototype.free = function(bytes) {
      const { stale } = this.counters
      if (stale === seen) return free.call(this, bytes)
      seen = stale
    }
    return inWorld({
      play: plays((stream) => stream.ok().marker(0, 3).items(1).item(9, { opaque: 0x777 }).items(2, 3))
    }, (world) =>
      Effect.gen(function*() {
        const run = yield* world.consume()
        yield* until(() => run.brief(0).length === 3)
        // what is due is acknowledged every quarter of a second
        yield* Effect.sleep(600)
        // one mutation: 24 + 31 + 1 + 2 + 1
        expect(run.consumer.status.connections[0]).toMatchObject({ stale: 1, outstanding: 59 })
      })).finally(() => DcpConnection.prototype.free = free)
  })
})
