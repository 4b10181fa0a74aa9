/** The fibre of a vbucket under a follower that says what it is told to say: what is done for each action, in which order, and what the follower hears. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Semaphore from "effect/Semaphore"
import { TestClock } from "effect/testing"
import { describe, expect, it } from "vitest"
import { type Checkpoint, emptyCheckpoint } from "./Checkpoint.ts"
import { CheckpointError, type DcpStreamFailed, NegotiationRefused } from "./DcpError.ts"
import { type DcpEvent, settle } from "./DcpEvent.ts"
import type { NodeConnection } from "./DcpNodes.ts"
import type { StreamFilter } from "./StreamFilter.ts"
import { follow, type FollowEnvironment } from "./VbucketFibre.ts"
import type { FollowAction, StreamAsk } from "./VbucketFollower.ts"
import type { VbucketStream } from "./VbucketStream.ts"

const vbucket = 7
const log = [{ vbucketUuid: 0xan, seqno: 0n }]
const ask: StreamAsk = { startSeqno: 3n, endSeqno: 99n, vbucketUuid: 0xan, snapStartSeqno: 2n, snapEndSeqno: 5n, purgeSeqno: 0n }
const gone = Effect.fail(new Error("the connection is gone"))

/** What happened, in its order: `told …` is what the follower heard. */
type Happening = readonly [what: string, ...details: ReadonlyArray<unknown>]

interface Seed {
  readonly host: string
  readonly port: number
}

/** What a test decides. */
interface Staging {
  readonly actions: ReadonlyArray<FollowAction>
  readonly answer?: Effect.Effect<object, Error>
  readonly collections?: boolean
  readonly filter?: StreamFilter
  readonly streamId?: number
  readonly highs?: Effect.Effect<ReadonlyMap<number, bigint>, Error>
  readonly failoverLog?: Effect.Effect<typeof log | undefined, Error>
  readonly save?: Effect.Effect<void, CheckpointError>
  readonly settled?: Effect.Effect<void>
  readonly permits?: Semaphore.Semaphore
  /** Where the vbucket is: at first, and after a map was learnt or fetched. */
  readonly seed?: Seed | undefined
  readonly learns?: { readonly to: Seed | undefined }
  readonly refreshes?: { readonly to: Seed | undefined }
  readonly withoutWriter?: boolean
  /** Where a stream was open before. */
  readonly opened?: string
  readonly refuses?: Effect.Effect<never, NegotiationRefused>
}

const finished: FollowAction = { _tag: "Finished" }

/** Follows what is staged; each thing that the follower hears brings on its next action. */
const stage = (staging: Staging) => {
  const happened: Array<Happening> = []
  const pushed: Array<DcpEvent> = []
  const note = (...happening: Happening): void => void happened.push(happening)
  const left = [...staging.actions, finished]
  const hears = (name: string) => (...details: ReadonlyArray<unknown>): void => {
    note(`told ${name}`, ...details)
    left.shift()
  }
  const heard = ["rolledBack", "refused", "lost", "compared", "measured", "saved", "undone", "drained", "located", "waited"]
  const follower = Object.defineProperty(Object.fromEntries(heard.map((name) => [name, hears(name)])), "action", { get: () => left[0] })
  const stream = {
    vbucket,
    follower,
    release: () => {
      note("released")
      if (happened.length > 100) throw new Error("the follower hears nothing")
    },
    close: () => note("closed"),
    current: () => emptyCheckpoint,
    address: staging.opened,
    rest: () => note("rests"),
    settled: staging.settled ?? Effect.void
  } as unknown as VbucketStream
  const connection = {
    address: "n1:11210",
    session: { states: { collections: staging.collections ?? true } },
    requestStream: (...request: ReadonlyArray<unknown>) =>
      Effect.suspend(() => {
        note("requested", ...request)
        // of a stream that is open, its sink tells the follower
        return Effect.tap(staging.answer ?? Effect.succeed({ _tag: "DcpStreamRequestResponse", failoverLog: log }), (answer) =>
          Effect.sync(() => "failoverLog" in answer && left.shift()))
      }),
    failoverLog: (...of: ReadonlyArray<unknown>) =>
      Effect.suspend(() => {
        note("failover log", ...of)
        return staging.failoverLog ?? Effect.succeed(log)
      }),
    allSeqnos: () => staging.highs ?? Effect.succeed(new Map([[6, 60n], [vbucket, 70n], [8, 80n]]))
  }
  const node = { connection, permits: staging.permits ?? Semaphore.makeUnsafe(1) } as unknown as NodeConnection
  let { seed } = "seed" in staging ? staging : { seed: { host: "n1", port: 11210 } }
  const world: FollowEnvironment = {
    cluster: {
      seedOf: (of) => of === vbucket ? seed : { host: "elsewhere", port: 1 },
      learn: (text, host) => {
        note("learns", text, host)
        if (staging.learns === undefined) return false
        seed = staging.learns.to
        return true
      },
      refresh: Effect.sync(() => {
        note("refreshes")
        if (staging.refreshes !== undefined) seed = staging.refreshes.to
      })
    },
    nodes: {
      connectionOf: (of) => Effect.suspend(() => (note("connection", of), staging.refuses ?? Effect.succeed(node))),
      pause: (attempt) => Effect.sync(() => note("pauses", attempt))
    },
    writer: staging.withoutWriter === true
      ? undefined
      : { save: (of, current) => Effect.suspend(() => (note("saves", of, current), staging.save ?? Effect.void)) },
    outbox: {
      push: (event, bytes, credit) => {
        note("pushed", event._tag, bytes, credit)
        pushed.push(event)
      }
    },
    settings: { settleTimeout: 5_000, streamId: staging.streamId },
    filter: staging.filter ?? {},
    attributes: {},
    rolledBack: (of, rollback) => note("rolled back", of, rollback)
  }
  return { happened, pushed, stream, effect: follow(stream, world) }
}

const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(effect.pipe(Effect.provide(TestClock.layer())))

/** Follows to the end; what happened, without that held events are let go before each action. */
const played = async (staging: Staging): Promise<ReadonlyArray<Happening>> => {
  const { effect, happened } = stage(staging)
  expect(await run(effect)).toBe("Finished")
  return happened.filter(([what]) => what !== "released")
}

/** The stream request of a staging: its fields, its sink and its stream id. */
const requested = async (staging: Omit<Staging, "actions">, asks: StreamAsk = ask): Promise<ReadonlyArray<unknown>> => {
  const { effect, happened, stream } = stage({ ...staging, actions: [{ _tag: "Ask", ask: asks }] })
  await run(effect)
  const [, fields, sink, streamId] = happened.find(([what]) => what === "requested")!
  expect(sink).toBe(stream)
  return [fields, streamId]
}

describe("Ask", () => {
  const { purgeSeqno: _, ...fields } = ask

  it("asks the vbucket's node for the active copy, whose flag is 0x10", async () => {
    expect(await played({ actions: [{ _tag: "Ask", ask }] })).toEqual([
      ["connection", vbucket],
      ["requested", { ...fields, flags: 0x10, filter: "" }, expect.anything(), undefined]
    ])
  })

  it.each<readonly [string, string, Omit<Staging, "actions">, bigint]>([
    ["nothing of a purge seqno that there is not", "", {}, 0n],
    ["the purge seqno, in decimal, as text", "{\"purge_seqno\":\"1\"}", {}, 1n],
    ["collections, in hexadecimal, as text", "{\"collections\":[\"8\",\"1f\"]}", { filter: { collections: [8, 31] } }, 0n],
    ["no collections and no purge seqno to a server that does not know them", "", {
      filter: { collections: [8] },
      collections: false
    }, 12n],
    ["no purge seqno of 0 to a server that does not know them", "", { collections: false }, 0n],
    ["a stream id, as a number", "{\"scope\":\"9\",\"sid\":3,\"purge_seqno\":\"12\"}", { filter: { scope: 9 }, streamId: 3 }, 12n]
  ])("says %s", async (_, filter, staging, purgeSeqno) => {
    expect(await requested(staging, { ...ask, purgeSeqno })).toEqual([{ ...fields, flags: 0x10, filter }, staging.streamId])
  })

  it("takes one of the node's permits until there is an answer", () =>
    run(Effect.gen(function*() {
      const permits = Semaphore.makeUnsafe(2)
      const answers = yield* Deferred.make<object>()
      const stagings = [1, 2, 3].map(() => stage({ actions: [{ _tag: "Ask", ask }], permits, answer: Deferred.await(answers) }))
      const fibres = yield* Effect.forEach(stagings, ({ effect }) => Effect.forkChild(effect))
      const asking = (): number => stagings.filter(({ happened }) => happened.some(([what]) => what === "requested")).length
      yield* TestClock.adjust(1)
      expect(asking()).toBe(2)
      yield* Deferred.succeed(answers, { _tag: "DcpStreamRequestResponse", failoverLog: log })
      yield* Fiber.awaitAll(fibres)
      expect(asking()).toBe(3)
    })))

  const told = async (answer: Staging["answer"]) =>
    (await played({ actions: [{ _tag: "Ask", ask }], ...answer === undefined ? {} : { answer } })).filter(([what]) =>
      what.startsWith("told")
    )

  it("says nothing of a stream that is open, as the stream has", async () => {
    expect(await told(undefined)).toEqual([])
  })

  it("says that there is no answer", async () => {
    expect(await told(gone)).toEqual([["told lost"]])
  })

  it("says where the server goes back to", async () => {
    expect(await told(Effect.succeed({ _tag: "DcpStreamRequestRollback", status: 0x23, rollbackSeqno: 2n }))).toEqual([[
      "told rolledBack",
      2n
    ]])
  })

  it("says what the server refuses with, and its words", async () => {
    const value = new TextEncoder().encode("{\"error\":{\"context\":\"no such collection\"}}")
    expect(await told(Effect.succeed({ _tag: "ErrorResponse", status: 0x88, value }))).toEqual([[
      "told refused",
      0x88,
      "no such collection"
    ]])
  })
})

describe("Compare", () => {
  const compared = async (staging: Omit<Staging, "actions">) => {
    const happened = await played({ ...staging, actions: [{ _tag: "Ask", ask }, { _tag: "Compare" }] })
    return happened.filter(([what]) => what !== "requested")
  }

  it("fetches the log and the highest seqno of the vbucket, from the node that was asked", async () => {
    expect(await compared({})).toEqual([["connection", vbucket], ["failover log", vbucket], ["told compared", log, 70n]])
  })

  it("goes without a log that cannot be had", async () => {
    expect((await compared({ failoverLog: gone })).at(-1)).toEqual(["told compared", undefined, 70n])
  })

  it("goes without a highest seqno that cannot be had", async () => {
    expect((await compared({ highs: gone })).at(-1)).toEqual(["told compared", log, undefined])
  })

  it("goes without the highest seqno of a vbucket that the node does not have", async () => {
    expect((await compared({ highs: Effect.succeed(new Map([[8, 80n]])) })).at(-1)).toEqual(["told compared", log, undefined])
  })
})

describe("Measure", () => {
  it("finds the vbucket's node, when none was asked", async () => {
    expect(await played({ actions: [{ _tag: "Measure" }] })).toEqual([["connection", vbucket], ["told measured", 70n]])
  })

  it("goes without a highest seqno that cannot be had", async () => {
    expect((await played({ actions: [{ _tag: "Measure" }], highs: gone })).at(-1)).toEqual(["told measured", undefined])
  })
})

describe("Save", () => {
  it("saves the checkpoint as it is when it is saved, and says so", async () => {
    const { effect, happened } = stage({ actions: [{ _tag: "Save" }] })
    await run(effect)
    expect(happened).toEqual([["released"], ["saves", vbucket, expect.any(Function)], ["told saved"], ["released"]])
    expect((happened[1]![2] as () => Checkpoint)()).toBe(emptyCheckpoint)
  })

  it("goes on without a store", async () => {
    expect(await played({ actions: [{ _tag: "Save" }], withoutWriter: true })).toEqual([["told saved"]])
  })

  it("fails like a store that will never save", async () => {
    const error = new CheckpointError({ reason: "Fenced", message: "taken over" })
    const { effect, happened } = stage({ actions: [{ _tag: "Save" }], save: Effect.fail(error) })
    expect(await run(Effect.flip(effect))).toBe(error)
    expect(happened.some(([what]) => what === "told saved")).toBe(false)
  })
})

describe("Undo", () => {
  const rollback = { from: 9n, to: 4n, requested: 6n, reason: "BranchChanged" } as const

  it("hands the rollback over, and waits until the application has undone", () =>
    run(Effect.gen(function*() {
      const { effect, happened, pushed } = stage({ actions: [{ _tag: "Undo", rollback }] })
      const fibre = yield* Effect.forkChild(effect)
      yield* TestClock.adjust("1 hour")
      // an event of the consumer's own: no bytes are owed for it
      expect(happened).toEqual([["released"], ["rolled back", vbucket, rollback], ["pushed", "Rollback", 0, undefined]])
      expect(pushed).toEqual([expect.objectContaining({ vbucket, ...rollback })])
      settle(pushed[0]!)
      yield* Fiber.join(fibre)
      expect(happened.slice(3)).toEqual([["told undone"], ["released"]])
    })))
})

describe("Follow", () => {
  it("lets what was held go, and needs no fibre until there is something else to do", async () => {
    const { effect, happened } = stage({ actions: [{ _tag: "Follow" }] })
    expect(await run(effect)).toBe("Following")
    expect(happened).toEqual([["released"], ["rests"]])
  })
})

/** Whether the follower has heard `what` at 1 ms before a time, and at it. */
const heardAround = (staging: Staging, what: string, milliseconds: number) =>
  run(Effect.gen(function*() {
    const { effect, happened } = stage(staging)
    const fibre = yield* Effect.forkChild(effect)
    const heard = (): boolean => happened.some(([name]) => name === `told ${what}`)
    yield* TestClock.adjust(milliseconds - 1)
    const before = heard()
    yield* TestClock.adjust(1)
    const then = heard()
    yield* Fiber.interrupt(fibre)
    return [before, then]
  }))

describe("Drain", () => {
  it("waits for the settle timeout, no longer", async () => {
    expect(await heardAround({ actions: [{ _tag: "Drain" }], settled: Effect.never }, "drained", 5_000)).toEqual([false, true])
  })

  it("waits until everything is settled", async () => {
    expect(await heardAround({ actions: [{ _tag: "Drain" }], settled: Effect.sleep(50) }, "drained", 50)).toEqual([false, true])
  })
})

describe("Locate", () => {
  const [n1, n2] = [{ host: "n1", port: 11210 }, { host: "n2", port: 11210 }]
  const map = "{\"rev\":2}"
  const refused = Effect.succeed({ _tag: "ErrorResponse", status: 7, value: new TextEncoder().encode(map) })
  /** After a request to n1. */
  const located = async (staging: Omit<Staging, "actions">) => {
    const happened = await played({ ...staging, actions: [{ _tag: "Ask", ask }, { _tag: "Locate" }] })
    return happened.slice(happened.findIndex(([what]) => what === "requested") + 1).filter(([what]) => !/told (refused|lost)/.test(what))
  }

  it("sees that the map has the vbucket elsewhere", async () => {
    expect(await located({ answer: refused, seed: n2 })).toEqual([["told located", true]])
  })

  it("sees that the map has it at another port", async () => {
    expect(await located({ answer: refused, seed: { host: "n1", port: 11211 } })).toEqual([["told located", true]])
  })

  it("takes the map of a refusal, from the node that refused", async () => {
    expect(await located({ answer: refused, learns: { to: n2 } })).toEqual([["learns", map, "n1"], ["told located", true]])
  })

  it("does not ask for a map when that of the refusal is newer, and still has the vbucket there", async () => {
    expect(await located({ answer: refused, learns: { to: n1 } })).toEqual([["learns", map, "n1"], ["told located", false]])
  })

  it("asks for a map when that of the refusal is none that is newer", async () => {
    expect(await located({ answer: refused, refreshes: { to: n2 } })).toEqual([["learns", map, "n1"], ["refreshes"], [
      "told located",
      true
    ]])
  })

  it("says that the newest map has it where it was", async () => {
    expect(await located({ answer: refused })).toEqual([["learns", map, "n1"], ["refreshes"], ["told located", false]])
  })

  it("a vbucket that no node has is in no other place; its map's own host is this one", async () => {
    expect(await located({ answer: refused, seed: undefined })).toEqual([["learns", map, "127.0.0.1"], ["refreshes"], [
      "told located",
      false
    ]])
  })

  it.each([
    ["no refusal", gone],
    ["a refusal that says nothing", Effect.succeed({ _tag: "ErrorResponse", status: 7 })],
    ["a refusal whose value is no text", Effect.succeed({ _tag: "GetResponse", status: 7, value: 12 })]
  ])("%s brings no map", async (_, answer) => {
    expect(await located({ answer, refreshes: { to: n2 } })).toEqual([["learns", "", "n1"], ["refreshes"], ["told located", true]])
  })

  it("of a stream that was followed, asks after the node that it was open on", async () => {
    const staging = { actions: [{ _tag: "Locate" } as const], opened: "n2:11210" }
    expect((await played({ ...staging, seed: n1 })).at(-1)).toEqual(["told located", true])
    expect((await played({ ...staging, seed: n2 })).at(-1)).toEqual(["told located", false])
  })

  it("forgets the map of a refusal that another answer came after", async () => {
    let asks = 0
    const answer = Effect.suspend((): Effect.Effect<object, Error> => asks++ === 0 ? refused : gone)
    const happened = await played({ actions: [{ _tag: "Ask", ask }, { _tag: "Ask", ask }, { _tag: "Locate" }], answer })
    expect(happened.filter(([what]) => what === "learns")).toEqual([["learns", "", "n1"]])
  })
})

describe("waits", () => {
  it("pauses until there may be a newer map, longer with each attempt", async () => {
    expect(await played({ actions: [{ _tag: "AwaitMap", attempt: 3 }] })).toEqual([["pauses", 3], ["told waited"]])
  })

  it("waits for as long as it is told", async () => {
    expect(await heardAround({ actions: [{ _tag: "Wait", milliseconds: 250 }] }, "waited", 250)).toEqual([false, true])
  })

  it("closes a stream, and then waits", () =>
    run(Effect.gen(function*() {
      const { effect, happened } = stage({ actions: [{ _tag: "Close", milliseconds: 250 }] })
      const fibre = yield* Effect.forkChild(effect)
      yield* TestClock.adjust(249)
      expect(happened).toEqual([["released"], ["closed"]])
      yield* TestClock.adjust(1)
      yield* Fiber.join(fibre)
      expect(happened.slice(2)).toEqual([["told waited"], ["released"]])
    })))
})

describe("the end", () => {
  it("is no failure when everything came", async () => {
    expect(await played({ actions: [] })).toEqual([])
  })

  it("says which vbucket failed, and why", async () => {
    const failure = { cause: "NoAccess", status: 0x24, detail: "no privilege" } as const
    const { effect, happened } = stage({ actions: [{ _tag: "Failed", failure }] })
    const failed = await run(effect) as DcpStreamFailed
    expect(failed).toMatchObject({ _tag: "DcpStreamFailed", vbucket, cause: "NoAccess", status: 0x24 } satisfies Partial<DcpStreamFailed>)
    expect(failed.message).toMatch(/^vbucket 7: .*no privilege$/)
    expect(happened).toEqual([["released"]])
  })

  it("is that of a connection that nobody can have", async () => {
    const error = new NegotiationRefused({ request: "DCP_OPEN", status: 0x24 })
    const { effect } = stage({ actions: [{ _tag: "Ask", ask }], refuses: Effect.fail(error) })
    expect(await run(Effect.flip(effect))).toBe(error)
  })
})
