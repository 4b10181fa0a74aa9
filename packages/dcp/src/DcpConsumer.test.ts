/** A consumer led by hand: what it says of itself, what it keeps, how many unsettled events it allows, and how it ends. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { completeAt, emptyCheckpoint } from "./Checkpoint.ts"
import { back, brief, denied, later, lead, log, open, unavailable, uuid } from "./DcpConsumer.fixture.ts"
import { CheckpointError, NegotiationRefused } from "./DcpError.ts"
import { settle } from "./DcpEvent.ts"

const endless = 0xffff_ffff_ffff_ffffn
/** Everything up to the last of these was processed; each ends a snapshot. */
const at = (...seqnos: readonly [bigint, ...ReadonlyArray<bigint>]) => ({
  ...emptyCheckpoint,
  position: completeAt(uuid, seqnos.at(-1)!),
  failoverLog: log,
  complete: seqnos.map((seqno) => ({ vbucketUuid: uuid, seqno }))
})

describe("status", () => {
  it("is nothing before there is anything", () =>
    lead({ highs: [0n, 0n] }, ({ consumer }) =>
      Effect.sync(() => {
        expect(consumer.status).toMatchObject({
          vbuckets: 0,
          streaming: 0,
          ended: 0,
          events: 0,
          unsettled: 0,
          waiting: 0,
          withheld: 0,
          rollbacks: 0,
          commits: 0,
          failedCommits: 0
        })
      })))

  it("counts each thing for itself", () =>
    lead({
      highs: [0n, 0n, 0n, 0n, 0n, 50n],
      answers: { 3: [denied], 4: [later], 5: [back(6n), back(2n), open] },
      saved: new Map([[5, at(2n, 6n, 50n)]]),
      options: { commitInterval: "1 minute" }
    }, ({ consumer, node, pass, pull, store }) =>
      Effect.gen(function*() {
        yield* pass()
        // both rollbacks of vbucket 5: each is undone when it is settled
        yield* pull()
        yield* pass()
        yield* pull()
        yield* pass()
        node.send(0, 1, 2, 3, 4)
        node.send(1, 1, 2, 3)
        yield* pass()
        const [first, second] = (yield* pull(false)).filter((event) => "placed" in event)
        settle(first!)
        settle(second!)
        // the announcements are saved; what fails is this
        store.saving = Effect.fail(unavailable)
        for (let i = 0; i < 2; i++) yield* Effect.ignore(consumer.flush)
        node.send(0, 5)
        expect(consumer.status).toEqual({
          vbuckets: 6,
          // 0, 1, 2 and 5; 3 ended and 4 has to wait
          streaming: 4,
          ended: 1,
          events: 8,
          kinds: { mutation: 8, deletion: 0, expiration: 0, system: 0 },
          unsettled: 6,
          // no second has passed since they were delivered
          oldestUnsettled: 0,
          // of 0: 5 less 1 processed; of 1: 3 less 1; of 3 and 4 there is nothing, and of 5, which is at 2 again, 50 - 2
          lag: 54,
          stalled: [],
          waiting: 1,
          withheld: 0,
          rollbacks: 2,
          connects: 41,
          disconnects: 42,
          commits: store.batches.length,
          failedCommits: 2,
          bytesReceived: 44,
          acknowledged: 45,
          connections: [{
            address: "n1:11210",
            streams: 31,
            stale: 32,
            ignored: 33,
            noops: 34,
            acknowledgements: 35,
            overruns: 36,
            outstanding: 37,
            window: 39,
            acknowledged: 40,
            inFlight: 0,
            bytesSent: 43,
            bytesReceived: 38
          }]
        })
        expect(store.batches.length).toBeGreaterThan(2)
      })))

  it("has no commits without a store", () =>
    lead({ highs: [0n] }, ({ consumer, pass }) =>
      Effect.gen(function*() {
        yield* pass(5_000)
        expect(consumer.status).toMatchObject({ commits: 0, failedCommits: 0 })
      })))

  it("names a vbucket whose event is processed for longer than slowAfter", () =>
    lead({ highs: [0n, 0n], options: { slowAfter: 400 } }, ({ consumer, lines, node, pass, pull }) =>
      Effect.gen(function*() {
        yield* pass()
        node.send(1, 1)
        yield* pass()
        yield* pull(false)
        // it is seen when it is looked after, four times in that time
        yield* pass(400)
        expect(consumer.status.stalled).toEqual([])
        yield* pass(100)
        expect(consumer.status.stalled).toEqual([{ vbucket: 1, seqno: 1n, what: "change", milliseconds: 400 }])
        expect(lines).toEqual(["no progress within 400 ms: vbucket 1 (processing the change at seqno 1)"])
      })))

  it("logs which vbucket went back", () =>
    lead(
      { highs: [0n, 9n], answers: { 1: [back(4n), open] }, saved: new Map([[1, at(4n, 9n)]]) },
      ({ lines, pass, pull }) =>
        Effect.gen(function*() {
          yield* pass()
          yield* pull()
          yield* pass(1_000)
          expect(lines).toEqual(["rolled back vbucket 1 from 9 to 4 (CompleteSnapshot)"])
        })
    ))

  it("logs which vbucket goes on on another branch, from which to which, once", () => {
    const before = { ...at(9n), position: completeAt(0xbn, 9n), failoverLog: [{ vbucketUuid: 0xbn, seqno: 0n }] }
    return lead({ highs: [0n, 9n], saved: new Map([[1, before]]) }, ({ consumer, lines, pass }) =>
      Effect.gen(function*() {
        yield* pass(1_000)
        expect(lines).toEqual(["on another branch: vbucket 1 from b to a"])
        yield* pass(5_000)
        expect([lines.length, consumer.status.rollbacks]).toEqual([1, 0])
      }))
  })
})

describe("statuses", () => {
  it("are told now, after each interval whatever happened, and once more at the end, which ends them", () =>
    lead({ highs: [0n, 0n], options: { maxUnsettled: 3 } }, ({ close, consumer, node, pass, pull }) =>
      Effect.gen(function*() {
        const told: Array<readonly [streaming: number, events: number, unsettled: number]> = []
        const telling = yield* Effect.forkChild(
          Stream.runForEach(consumer.statuses(), ({ events, streaming, unsettled }) =>
            Effect.sync(() => void told.push([streaming, events, unsettled]))),
          { startImmediately: true }
        )
        expect(told).toEqual([[0, 0, 0]])
        yield* pass(999)
        expect(told).toHaveLength(1)
        yield* pass(1)
        expect(told.slice(1)).toEqual([[2, 0, 0]])
        node.send(1, 1, 2)
        yield* pass()
        yield* pull(false)
        yield* pass(3_000)
        expect(told.slice(2)).toEqual([[2, 2, 2], [2, 2, 2], [2, 2, 2]])
        const closing = yield* Effect.forkChild(close)
        yield* pass(1_000)
        expect(told.slice(5)).toHaveLength(1)
        expect(Exit.isSuccess(telling.pollUnsafe()!)).toBe(true)
        yield* pass(60_000)
        yield* Fiber.join(closing)
        expect(told).toHaveLength(6)
      })))

  it("of those who are slow, what was between is left out", () =>
    lead({ highs: [0n] }, ({ consumer, node, pass, pull }) =>
      Effect.gen(function*() {
        const told: Array<number> = []
        yield* Effect.forkChild(
          Stream.runForEach(consumer.statuses(100), ({ events }) => Effect.delay(Effect.sync(() => void told.push(events)), 1_000)),
          { startImmediately: true }
        )
        yield* pass()
        for (let seqno = 1; seqno <= 10; seqno++) {
          node.send(0, seqno)
          yield* pull()
          yield* pass(110)
        }
        yield* pass(1_010)
        expect(told).toEqual([0, 10])
      })))
})

describe("maxUnsettled", () => {
  it("allows as many as it says, and fails at one more", () =>
    lead({ highs: [0n, 0n], options: { maxUnsettled: 3 } }, ({ consumer, end, node, pass, pull }) =>
      Effect.gen(function*() {
        yield* pass()
        node.send(0, 1, 2)
        node.send(1, 1)
        yield* pass()
        yield* pull(false)
        const pulling = yield* Effect.forkChild(consumer.outbox.pull)
        yield* pass(1_000)
        expect(pulling.pollUnsafe()).toBeUndefined()
        expect(consumer.status).toMatchObject({ events: 3, unsettled: 3 })
        node.send(1, 2)
        // what was there before is still delivered
        yield* Fiber.interrupt(pulling)
        yield* pull(false)
        expect(yield* end).toMatchObject({
          _tag: "TooManyUnsettled",
          limit: 3,
          message: "more than 3 events were delivered and not processed"
        })
      })))

  it("counts what is not settled, however much was", () =>
    lead({ highs: [0n], options: { maxUnsettled: 3 } }, ({ consumer, end, node, pass, pull }) =>
      Effect.gen(function*() {
        yield* pass()
        for (let seqno = 1; seqno < 20; seqno++) {
          node.send(0, seqno)
          yield* pass()
          yield* pull()
        }
        node.send(0, 20, 21, 22)
        yield* pass()
        expect((yield* pull(false)).map(brief)).toEqual(["0 20", "0 21", "0 22"])
        // events that wait come before an end: only whoever pulls once more sees it
        const pulling = yield* Effect.forkChild(consumer.outbox.pull)
        yield* pass()
        expect(pulling.pollUnsafe()).toBeUndefined()
        yield* Fiber.interrupt(pulling)
        expect(consumer.status).toMatchObject({ events: 22, unsettled: 3 })
        node.send(0, 23)
        yield* pull(false)
        expect(yield* end).toMatchObject({ _tag: "TooManyUnsettled", limit: 3 })
      })))
})

describe("what a stream says of itself", () => {
  it("says once that all vbuckets caught up, after the last of them", () =>
    lead({ highs: [2n, 0n, 1n] }, ({ events, node, pass, pull }) =>
      Effect.gen(function*() {
        yield* pass()
        node.send(2, 1)
        yield* pass()
        yield* pull()
        expect(events.map(brief)).toEqual(["1 caught up", "2 1", "2 caught up"])
        node.send(0, 1, 2)
        yield* pass()
        node.send(0, 3)
        node.send(2, 2)
        yield* pass()
        yield* pull()
        expect(events.slice(3).map(brief)).toEqual(["0 1", "0 2", "0 caught up", "all caught up", "0 3", "2 2"])
      })))

  it("does not wait for a vbucket that failed", () =>
    lead({ highs: [2n, 1n], answers: { 0: [denied] } }, ({ events, node, pass, pull }) =>
      Effect.gen(function*() {
        yield* pass()
        node.send(1, 1)
        yield* pass()
        yield* pull()
        expect(events.map(brief)).toEqual(["0 NoAccess", "1 1", "1 caught up", "all caught up"])
      })))

  it("does not count a vbucket twice that caught up and failed then", () =>
    lead({ highs: [0n, 1n], answers: { 0: [open, denied] } }, ({ events, node, pass, pull }) =>
      Effect.gen(function*() {
        yield* pass()
        node.sinks.get(0)!.lost(undefined as never)
        yield* pass()
        yield* pull()
        expect(events.map(brief)).toEqual(["0 caught up", "0 NoAccess"])
        node.send(1, 1)
        yield* pass()
        yield* pull()
        expect(events.slice(2).map(brief)).toEqual(["1 1", "1 caught up", "all caught up"])
      })))

  it("owes no bytes for what it says itself", () =>
    lead({ highs: [0n], answers: { 0: [denied] } }, ({ consumer, pass }) =>
      Effect.gen(function*() {
        const pushed: Array<ReadonlyArray<unknown>> = []
        const { outbox } = consumer
        const push = outbox.push.bind(outbox)
        outbox.push = (event, ...more) => {
          pushed.push([event._tag, ...more])
          push(event, ...more)
        }
        yield* pass()
        expect(pushed).toEqual([["CaughtUp", 0, undefined], ["VbucketEnded", 0, undefined]])
      })))

  it("says of snapshots with verbose, and not without", async () => {
    for (const verbose of [true, false]) {
      await lead({ highs: [9n], options: { verbose } }, ({ events, node, pass, pull }) =>
        Effect.gen(function*() {
          yield* pass()
          node.send(0, 1)
          yield* pass()
          yield* pull()
          expect(events.map(brief)).toEqual(verbose ? ["0 snapshot", "0 1"] : ["0 1"])
        }))
    }
  })
})

describe("the end", () => {
  it("with `to: now` comes when every vbucket has what it had", () =>
    lead({ highs: [1n, 2n], options: { to: "now" } }, ({ consumer, end, events, node, pass, pull }) =>
      Effect.gen(function*() {
        yield* pass()
        expect(node.requests.map(({ fields, vbucket }) => [vbucket, fields.endSeqno])).toEqual([[0, 1n], [1, 2n]])
        node.send(0, 1)
        yield* pass()
        yield* pull()
        yield* pass()
        expect(consumer.status).toMatchObject({ ended: 1, streaming: 1 })
        node.send(1, 1, 2)
        yield* pass()
        yield* pull()
        yield* pass()
        yield* pull()
        expect(events.map(brief)).toEqual([
          "0 1",
          "0 caught up",
          "0 ended",
          "1 1",
          "1 2",
          "1 caught up",
          "all caught up",
          "1 ended"
        ])
        expect(Cause.isDone(yield* end)).toBe(true)
        expect(consumer.status).toMatchObject({ vbuckets: 2, ended: 2, streaming: 0 })
      })))

  it("does not come without it", () =>
    lead({ highs: [0n] }, ({ node, pass }) =>
      Effect.gen(function*() {
        yield* pass()
        expect(node.requests.map(({ fields }) => fields.endSeqno)).toEqual([endless])
      })))

  it("is the failure of a vbucket, once the others have ended", () =>
    lead(
      { highs: [1n, 1n, 1n], options: { to: "now" }, answers: { 1: [denied] } },
      ({ end, events, node, pass, pull }) =>
        Effect.gen(function*() {
          yield* pass()
          yield* pull()
          expect(events.map(brief)).toEqual(["1 NoAccess"])
          for (const vbucket of [0, 2]) {
            node.send(vbucket, 1)
            yield* pass()
            yield* pull()
            yield* pass()
            yield* pull()
          }
          expect(events.slice(1).map(brief)).toEqual([
            "0 1",
            "0 caught up",
            "0 ended",
            "2 1",
            "2 caught up",
            "all caught up",
            "2 ended"
          ])
          expect(yield* end).toMatchObject({ _tag: "DcpStreamFailed", vbucket: 1, cause: "NoAccess" })
        })
    ))

  it("is at once what no vbucket can be streamed with", () =>
    lead({ highs: [0n], options: { vbuckets: [3] } }, ({ end }) =>
      Effect.gen(function*() {
        expect(yield* end).toMatchObject({ _tag: "DcpOptionsError" })
      })))

  it("is at once that of a node that will never take a connection", () =>
    lead(
      { highs: [0n, 0n, 0n], refused: { vbucket: 1, error: new NegotiationRefused({ request: "DCP_OPEN", status: 0x24 }) } },
      ({ end, pass, pull }) =>
        Effect.gen(function*() {
          yield* pass()
          yield* pull()
          expect(yield* end).toMatchObject({ _tag: "NegotiationRefused" })
        })
    ))

  it("is at once that of a store that another consumer has", () =>
    lead({ highs: [0n], saved: new Map() }, ({ end, node, pass, pull, store }) =>
      Effect.gen(function*() {
        yield* pass()
        const fenced = new CheckpointError({ reason: "Fenced", message: "another consumer has it" })
        store.saving = Effect.fail(fenced)
        node.send(0, 1)
        yield* pass()
        yield* pull()
        expect(yield* end).toBe(fenced)
      })))
})

describe("where it begins", () => {
  const starts = (staging: Parameters<typeof lead>[0]) => {
    const found: Array<unknown> = []
    return lead(staging, ({ node, pass }) =>
      Effect.andThen(
        pass(),
        Effect.sync(() => {
          found.push(...node.requests.map(({ fields: { startSeqno }, vbucket }) => [vbucket, startSeqno]))
        })
      )).then(() => found)
  }

  it("is where the group left off, and the beginning for a vbucket that it has not seen", async () => {
    expect(await starts({ highs: [9n, 9n], saved: new Map([[1, at(4n)]]) })).toEqual([[0, 0n], [1, 4n]])
  })

  it("is now for a vbucket that the group has not seen, when that is wanted", async () => {
    expect(await starts({ highs: [9n, 8n], saved: new Map([[1, at(4n)]]), options: { from: { savedOr: "now" } } })).toEqual([[0, 9n], [
      1,
      4n
    ]])
  })

  it("is now without a store", async () => {
    expect(await starts({ highs: [9n, 8n], options: { from: "now" } })).toEqual([[0, 9n], [1, 8n]])
  })

  it("is only that of vbuckets that are wanted", async () => {
    expect(await starts({ highs: [9n, 8n, 7n], options: { from: "beginning", vbuckets: [2, 0] } })).toEqual([[2, 0n], [0, 0n]])
  })

  it("fails when there are collections to be found that the server does not have", () =>
    lead({ highs: [0n], options: { collections: ["a.b"] } }, ({ end }) =>
      Effect.gen(function*() {
        expect(yield* end).toMatchObject({ _tag: "DcpOptionsError", message: "the server has no collections" })
      })))
})

describe("what the followers are told", () => {
  it.each([["undo", "0 back from 9 to 4"], ["rebuild", "0 back from 9 to 0"]] as const)("onRollback: %s", (onRollback, expected) =>
    lead({
      highs: [9n],
      answers: { 0: [back(4n), open] },
      saved: new Map([[0, at(4n, 9n)]]),
      options: { onRollback }
    }, ({ events, pass, pull }) =>
      Effect.gen(function*() {
        yield* pass()
        yield* pull()
        expect(events.map(brief).filter((text) => text.includes("back"))).toEqual([expected])
      })))

  it("waits are spread by chance: up to a half is taken off", async () => {
    for (const [random, wait] of [[0, 1_000], [1, 500]] as const) {
      await lead({ highs: [0n], answers: { 0: [later] }, random: () => random }, ({ node, pass }) =>
        Effect.gen(function*() {
          yield* pass(wait - 1)
          expect(node.requests).toHaveLength(1)
          yield* pass(1)
          expect(node.requests).toHaveLength(2)
        }))
    }
  })

  it("whoever counts transitions hears of them", async () => {
    const heard: Array<string> = []
    await lead(
      { highs: [0n], onTransition: (from, to) => heard.push(`${from} ${to}`) },
      ({ pass }) => pass()
    )
    expect(heard).toEqual(["Requesting Following"])
  })
})

describe("checkpoints", () => {
  it("are there to be looked at, saved or not", () =>
    lead({ highs: [0n, 0n] }, ({ consumer, node, pass, pull }) =>
      Effect.gen(function*() {
        yield* pass()
        node.send(1, 1, 2)
        yield* pass()
        yield* pull()
        expect([...consumer.checkpoints].map(([vbucket, { position }]) => [vbucket, position.seqno])).toEqual([[0, 0n], [1, 2n]])
      })))

  it("are saved when they are to be, and nowhere without a store", async () => {
    await lead({ highs: [0n] }, ({ consumer, pass }) => Effect.andThen(pass(), consumer.flush))
    await lead(
      { highs: [0n, 0n], saved: new Map(), options: { commitInterval: "1 hour" } },
      ({ consumer, node, pass, pull, store }) =>
        Effect.gen(function*() {
          yield* pass()
          node.send(1, 1, 2)
          yield* pass()
          yield* pull()
          expect(store.batches.at(-1)!.get(1)!.position.seqno).toBe(0n)
          yield* consumer.flush
          expect(store.batches.at(-1)!.get(1)!.position.seqno).toBe(2n)
        })
    )
  })

  it("are saved after the commit interval", () =>
    lead(
      { highs: [0n, 0n], saved: new Map(), options: { commitInterval: "3 seconds" } },
      ({ node, pass, pull, store }) =>
        Effect.gen(function*() {
          yield* pass()
          node.send(1, 1)
          yield* pass()
          yield* pull()
          const before = store.batches.length
          yield* pass(2_999)
          expect(store.batches.length).toBe(before)
          yield* pass(1)
          expect([...store.batches.at(-1)!].map(([vbucket, { position }]) => [vbucket, position.seqno])).toEqual([[1, 1n]])
        })
    ))

  it("say at the end that nothing is ahead, of those vbuckets of which that is news", () =>
    lead({ highs: [0n, 0n, 0n], saved: new Map() }, ({ close, node, pass, pull, store }) =>
      Effect.gen(function*() {
        yield* pass()
        node.send(0, 1)
        node.send(1, 1)
        yield* pass()
        const events = yield* pull(false)
        settle(events.find(({ _tag, vbucket }) => _tag === "Mutation" && vbucket === 1)!)
        yield* pass(1_000)
        const before = store.batches.length
        expect(store.batches.at(-1)!.get(1)).toMatchObject({ position: { seqno: 1n }, ahead: true })
        yield* close
        // 0 was handed an event that is not settled, and 2 never had one
        expect(
          store.batches.slice(before).map((batch) => [...batch].map(([vbucket, { ahead, position }]) => [vbucket, position.seqno, ahead]))
        )
          .toEqual([[[1, 1n, false]]])
      })))

  it("have ten seconds to be saved at the end", () =>
    lead({ highs: [0n], saved: new Map() }, ({ close, node, pass, pull, store }) =>
      Effect.gen(function*() {
        yield* pass()
        node.send(0, 1)
        yield* pass()
        yield* pull()
        store.saving = Effect.never
        const closing = yield* Effect.forkChild(close)
        yield* pass(9_999)
        expect(closing.pollUnsafe()).toBeUndefined()
        yield* pass(1)
        expect(closing.pollUnsafe()).toMatchObject({ _tag: "Success" })
      })))

  it("that cannot be saved do not keep it from ending", () =>
    lead({ highs: [0n], saved: new Map() }, ({ close, node, pass, pull, store }) =>
      Effect.gen(function*() {
        yield* pass()
        node.send(0, 1)
        yield* pass()
        yield* pull()
        store.saving = Effect.fail(unavailable)
        yield* close
        expect(store.failed).toBe(1)
      })))
})
