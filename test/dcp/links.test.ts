/** Both ends over links that fail: bytes in any pieces, connections that break at any byte, a day of virtual time, a storm of resets. */
import { type ChangesOptions, Dcp, type DcpConsumer, type DcpEvent } from "@wirewright/dcp"
import { eventsOf, settle, start } from "@wirewright/dcp/internal"
import { serveCouchbaseCluster } from "@wirewright/embedded"
import { type LinkFaults, type Pair, pair, type PairOptions, runVirtual } from "@wirewright/testing"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { tried } from "../../packages/codec/src/Whole.fixture.ts"
import { until } from "./Harness.ts"

/** What a consumer saw. */
interface Seen {
  readonly events: Array<DcpEvent>
  consumer: DcpConsumer | undefined
  exit: Exit.Exit<void, unknown> | undefined
}

const options: ChangesOptions = { from: "beginning", noopInterval: 1_000, connectBudget: { burst: 1_000, perSecond: 1_000 } }

const consume = ({ layer }: Pick<Pair, "layer">, more: ChangesOptions = {}): Effect.Effect<Seen, never, Scope.Scope> =>
  Effect.gen(function*() {
    const seen: Seen = { events: [], consumer: undefined, exit: undefined }
    const program = Effect.scoped(Effect.gen(function*() {
      const consumer = yield* start({ ...options, ...more, from: "beginning" })
      const events = eventsOf(consumer)
      seen.consumer = consumer
      yield* Stream.runForEachArray(events, (some) =>
        Effect.sync(() => {
          for (const event of some) settle(event)
          seen.events.push(...some)
        }))
    })).pipe(Effect.provide(layer))
    yield* Effect.forkScoped(Effect.onExit(program, (exit) => Effect.sync(() => seen.exit = exit)))
    return seen
  })

const fill = ({ bucket }: Pick<Pair, "bucket">, count: number): void => {
  for (let i = 0; i < count; i++) {
    bucket.store.set(bucket.store.space(i % bucket.vbucketCount), `k${i}`, { value: Buffer.from(`value ${i}`) })
  }
}

/** Seqnos of a vbucket in the order in which they came. */
const seqnos = ({ events }: Seen, vbucket: number): ReadonlyArray<number> =>
  events.flatMap((event) => event._tag === "Mutation" && event.vbucket === vbucket ? [Number(event.seqno)] : [])

const upTo = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i + 1)

const run = (given: PairOptions, test: (both: Pair) => Effect.Effect<unknown, unknown, Scope.Scope>): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.asVoid(Effect.flatMap(pair(given), test))) as Effect.Effect<void>)

describe("bytes", () => {
  const pieces: ReadonlyArray<readonly [string, LinkFaults]> = [
    ...[1, 2, 3, 5, 7, 23, 24, 25, 59, 64, 1000].map((chop) => [`pieces of ${chop}`, { toClient: { chop }, toServer: { chop } }] as const),
    ["whatever is written together", { toClient: { merge: true }, toServer: { merge: true } }],
    ["late", { toClient: { delay: 3 }, toServer: { delay: 3 } }]
  ]
  it.each(pieces)("SC-78 %s: the same events", (_, faults) =>
    run({ faults, vbuckets: 2 }, (both) =>
      Effect.gen(function*() {
        fill(both, 100)
        const seen = yield* consume(both)
        yield* until(() => seqnos(seen, 0).length + seqnos(seen, 1).length === 100)
        for (const vbucket of [0, 1]) expect(seqnos(seen, vbucket)).toEqual(upTo(50))
        expect(both.link.open).toBeGreaterThan(0)
      })))

  /** How many bytes an undisturbed connection brings with 20 items. */
  const measured = async (): Promise<number> => {
    let bytes = 0
    await run({ vbuckets: 1 }, (both) =>
      Effect.gen(function*() {
        fill(both, 20)
        const seen = yield* consume(both)
        yield* until(() => seqnos(seen, 0).length === 20)
        bytes = seen.consumer!.status.connections[0]!.bytesReceived
      }))
    return bytes
  }

  it("SC-79 a connection that breaks behind one of many bytes, some of the stream, one of 13 in the whole run: nothing is lost, nothing comes twice, no part of a frame is delivered", async () => {
    const bytes = await measured()
    expect(bytes).toBeGreaterThan(1_000)
    // error map and cluster map are most of it; the stream is at the end
    const stream = bytes - 1_300
    for (let cutAfter = 1; cutAfter < bytes; cutAfter += cutAfter < stream ? tried(3600, 450) : tried(104, 13)) {
      // the first connection finds the map, the second one streams
      await run(
        { vbuckets: 1, faults: (connection) => connection === 1 ? { toClient: { cutAfter } } : {} },
        (both) =>
          Effect.gen(function*() {
            fill(both, 20)
            const seen = yield* consume(both)
            yield* until(() => seqnos(seen, 0).length >= 20, `all of it, cut behind ${cutAfter}`)
            expect(seqnos(seen, 0)).toEqual(upTo(20))
            for (const event of seen.events) {
              if (event._tag === "Mutation") expect(Buffer.from(event.value).toString()).toBe(`value ${Number(event.seqno) - 1}`)
            }
          })
      )
    }
  })

  it("SC-82 a byte that is wrong, some of the stream, one of 11 in the whole run: a typed error, or everything but for one message, in order; never a defect", async () => {
    const bytes = await measured()
    const stream = bytes - 1_300
    const outcomes = { failed: 0, lost: 0, wrong: 0, right: 0 }
    for (let at = 3; at < bytes; at += at < stream ? 450 : tried(22, 11)) {
      await run(
        { vbuckets: 1, faults: (connection) => connection === 1 ? { toClient: { corrupt: { at, xor: 0xff } } } : {} },
        (both) =>
          Effect.gen(function*() {
            fill(both, 20)
            const seen = yield* consume(both, { noopInterval: 200 })
            yield* until(() => seen.exit !== undefined || seqnos(seen, 0).length >= 19, `an end, with byte ${at} wrong`, 15_000)
            if (seen.exit !== undefined && Exit.isFailure(seen.exit)) {
              outcomes.failed++
              return expect(Cause.hasDies(seen.exit.cause), `byte ${at}`).toBe(false)
            }
            // no checksum protects what is in a message, so one may be wrong, or be taken for another kind
            const found = seqnos(seen, 0)
            expect(found, `byte ${at}`).toEqual([...new Set(found)].sort((a, b) => a - b))
            const right = seen.events.filter((event) =>
              event._tag === "Mutation" && event.key === `k${Number(event.seqno) - 1}` &&
              Buffer.from(event.value).toString() === `value ${Number(event.seqno) - 1}`
            )
            expect(right.length, `byte ${at}`).toBeGreaterThanOrEqual(19)
            if (seen.consumer!.status.disconnects > 0) outcomes.lost++
            if (right.length === 19) outcomes.wrong++
            else outcomes.right++
          })
      )
    }
    // the bytes were those of the stream
    expect(outcomes.lost).toBeGreaterThan(0)
    expect(outcomes.wrong).toBeGreaterThan(0)
    expect(outcomes.right).toBeGreaterThan(0)
  })
})

describe("a day", () => {
  it(
    "of virtual time with NOOPs, half-open connections and breaks: found out in time, and no connection is left",
    () =>
      runVirtual(Effect.scoped(Effect.gen(function*() {
        let noops = 0
        const script: NonNullable<PairOptions["script"]> = (_, packet) => {
          if (packet._tag === "DcpNoopResponse") noops++
          return false
        }
        const both = yield* pair({ vbuckets: 4, script })
        const inner = Scope.makeUnsafe()
        const seen = yield* Scope.provide(consume(both, { noopInterval: 20_000 }), inner)
        const streaming = (): number => seen.consumer?.status.streaming ?? 0
        yield* Effect.sleep("5 seconds")
        expect(streaming()).toBe(4)
        fill(both, 40)
        yield* Effect.sleep("5 seconds")
        expect(seen.events.filter(({ _tag }) => _tag === "Mutation")).toHaveLength(40)
        for (let hour = 0; hour < 24; hour++) {
          const before = both.link.made
          if (hour % 6 === 2) {
            both.link.freeze()
            // two intervals, and a look in between
            yield* Effect.sleep("46 seconds")
            expect(both.link.made, `hour ${hour}`).toBeGreaterThan(before)
          }
          if (hour % 6 === 4) both.link.cut()
          yield* Effect.sleep("3500 seconds")
          expect(streaming(), `hour ${hour}`).toBe(4)
          fill(both, 4 * (hour + 1))
          yield* Effect.sleep("10 seconds")
        }
        // one every 20 seconds, but for the times without a connection
        expect(noops).toBeGreaterThan(24 * 180 - 250)
        expect(noops).toBeLessThanOrEqual(24 * 180 + 10)
        const { connects, disconnects } = seen.consumer!.status
        expect(disconnects).toBe(8)
        // the budget of a day is far more; each loss takes one attempt
        expect(connects).toBe(9)
        // one connection finds the map, one streams
        expect(both.link.open).toBeLessThanOrEqual(2)
        const high = both.bucket.allVbuckets.map(({ history }) => Number(history.highSeqno))
        expect([0, 1, 2, 3].map((vbucket) => seqnos(seen, vbucket).at(-1))).toEqual(high)
        yield* Scope.close(inner, Exit.void)
        yield* Effect.sleep("1 second")
        expect(both.link.open).toBe(0)
      }))),
    120_000
  )
})

describe("a storm", () => {
  it(
    "SC-61 of resets, three nodes with 1 024 vbuckets, every 200 ms for seconds: attempts stay in the budget, then everything is there",
    async () => {
      const count = (): { readonly [kind: string]: number } =>
        process.getActiveResourcesInfo().reduce<{ [kind: string]: number }>((sum, kind) => ({ ...sum, [kind]: (sum[kind] ?? 0) + 1 }), {})
      const before = count()
      await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
        const cluster = yield* serveCouchbaseCluster({ nodes: 3, buckets: [{ name: "default", vbuckets: 1024 }] })
        const bucket = cluster.buckets.get("default")!
        fill({ bucket }, 2_048)
        const seeds = cluster.nodes.map(({ host, port }) => ({ host, port })) as never as readonly [{ host: string; port: number }]
        const connectBudget = { burst: 10, perSecond: 4 }
        const seconds = tried(4, 10)
        const seen = yield* consume({ layer: Dcp.layer({ seeds, bucket: "default" }) }, { connectBudget })
        yield* until(() => seen.consumer?.status.streaming === 1024, "all streams", 20_000)
        for (let i = 0; i < 5 * seconds; i++) {
          for (const node of cluster.nodes) node.disconnect()
          fill({ bucket }, 100)
          yield* Effect.sleep(200)
        }
        const { connects } = seen.consumer!.status
        expect(connects).toBeLessThanOrEqual(connectBudget.burst + connectBudget.perSecond * (seconds + 3))
        const start = performance.now()
        const complete = (): boolean =>
          seen.consumer!.status.streaming === 1024
          && bucket.allVbuckets.every(({ history, id }) => (last.get(id) ?? 0n) >= history.highSeqno)
        const last = new Map<number, bigint>()
        yield* until(
          () => {
            for (const event of seen.events.splice(0)) if (event._tag === "Mutation") last.set(event.vbucket, event.seqno)
            return complete()
          },
          "recovery",
          20_000
        )
        console.log(`after the storm: ${connects} attempts to connect, everything there ${Math.round(performance.now() - start)} ms later`)
      })))
      await new Promise((resolve) => setTimeout(resolve, 100))
      const after = count()
      for (const kind of ["TCPSocketWrap", "TCPServerWrap", "Timeout"]) {
        expect(after[kind] ?? 0, kind).toBeLessThanOrEqual(
          (before[kind] ?? 0) + (kind === "Timeout" ? 1 : 0)
        )
      }
    },
    90_000
  )
})
