/** Virtual time: nothing of the real clock or of chance is left in a program, what comes from outside is refused, and afterwards all is as before. */
import { pair, runVirtual, VirtualTimeError } from "@wirewright/testing"
import { Dcp } from "@wirewright/dcp"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as Crypto from "node:crypto"
import { readFile } from "node:fs/promises"
import { connect } from "node:net"
import { gzip } from "node:zlib"
import { describe, expect, it } from "vitest"

const real = {
  setTimeout,
  setImmediate,
  Date,
  performance,
  random: Math.random,
  bigint: process.hrtime.bigint,
  randomBytes: Crypto.randomBytes
}
const untouched = (): void => {
  expect({
    setTimeout,
    setImmediate,
    Date,
    performance,
    random: Math.random,
    bigint: process.hrtime.bigint,
    randomBytes: Crypto.randomBytes
  })
    .toEqual(real)
  expect(Object.hasOwn(globalThis.crypto, "getRandomValues")).toBe(false)
}
const failureOf = (program: Effect.Effect<unknown, unknown>, options?: Parameters<typeof runVirtual>[1]): Promise<VirtualTimeError> =>
  runVirtual(program, options).then(() => expect.unreachable("it succeeded"), (error: VirtualTimeError) => error)

/** All the randomness that a program can find. */
const chance = Effect.gen(function*() {
  yield* Effect.sleep(1)
  return [
    Math.random(),
    yield* Random.nextInt,
    Crypto.randomBytes(4).toString("hex"),
    Crypto.randomUUID(),
    globalThis.crypto.randomUUID(),
    globalThis.crypto.getRandomValues(new Uint32Array(1))[0]
  ]
})

describe("time", () => {
  it("goes on to the next timer, by every clock that there is", async () => {
    const clocks = () => [Date.now(), performance.now(), Number(process.hrtime.bigint()) / 1e6]
    const [before, after] = await runVirtual(
      Effect.gen(function*() {
        const before = clocks()
        yield* Effect.sleep("24 hours")
        return [before, clocks()]
      }),
      { start: 1_000 }
    )
    expect(before).toEqual([1_000, 0, 0])
    expect(after).toEqual([86_401_000, 86_400_000, 86_400_000])
    untouched()
  })

  it("stands until ticks, microtasks and immediates of now have happened", async () => {
    const order = await runVirtual(Effect.promise(async () => {
      const order: Array<string> = []
      setTimeout(() => order.push("timer"), 1)
      setImmediate(() => {
        order.push("immediate")
        process.nextTick(() => order.push("tick"))
        queueMicrotask(() => order.push("microtask"))
        setImmediate(() => order.push("second immediate"))
      })
      await new Promise((resolve) => setTimeout(resolve, 5))
      return order
    }))
    expect(order.slice(0, 3)).toEqual(["immediate", "tick", "microtask"])
    expect([...order].sort()).toEqual(["immediate", "microtask", "second immediate", "tick", "timer"])
  })

  it("lets no time pass for immediates, nor for fibres that yield, also within a timer", async () => {
    const at = await runVirtual(
      Effect.gen(function*() {
        const at: Array<number> = []
        setTimeout(() => setImmediate(() => setImmediate(() => at.push(performance.now()))), 10)
        yield* Effect.sleep(10)
        for (let turn = 0; turn < 5; turn++) yield* Effect.yieldNow
        at.push(performance.now())
        return at
      })
    )
    expect(at).toEqual([10, 10])
    untouched()
  })

  it("gives what the program gives, or rejects with its error", async () => {
    expect(await runVirtual(Effect.succeed(7))).toBe(7)
    await expect(runVirtual(Effect.fail("no"))).rejects.toBe("no")
    untouched()
  })
})

describe("chance", () => {
  it("comes from the seed: the same number gives the same, another one another", async () => {
    const first = await runVirtual(chance, { seed: 5 })
    expect(await runVirtual(chance, { seed: 5 })).toEqual(first)
    const other = await runVirtual(chance, { seed: 6 })
    for (const [index, value] of first.entries()) expect(other[index]).not.toEqual(value)
    expect(first[3]).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    untouched()
    expect(Crypto.randomBytes(8)).not.toEqual(Crypto.randomBytes(8))
  })
})

describe("what cannot be virtual", () => {
  it.each<readonly [string, () => Promise<unknown>, RegExp]>([
    ["a file", () => readFile("package.json"), /^FSREQ/],
    ["a socket", () => new Promise((done) => connect(1, "127.0.0.1").on("error", done)), /^TCPWRAP/],
    ["zlib in the thread pool", () => new Promise((done) => gzip("a", done)), /^ZLIB/],
    ["pbkdf2 in the thread pool", () => new Promise((done) => Crypto.pbkdf2("a", "b", 1, 20, "sha1", done)), /^PBKDF2/],
    ["random bytes from the thread pool", () => new Promise((done) => Crypto.randomBytes(8, done)), /^RANDOMBYTES/]
  ])("%s is refused, and the error says where it was used", async (_, use, type) => {
    const error = await failureOf(Effect.andThen(Effect.promise(use), Effect.sleep(10)))
    expect(error).toBeInstanceOf(VirtualTimeError)
    expect(error.reason).toBe("NotVirtual")
    expect(error.message).toMatch(type)
    expect(error.message).toContain("VirtualTime.test.ts")
    untouched()
  })

  it("is refused also when the program has ended with it", async () => {
    expect((await failureOf(Effect.promise(() => readFile("package.json")))).reason).toBe("NotVirtual")
  })

  it("is nobody's business outside of the program", async () => {
    const beside = new Promise((resolve) => setImmediate(() => resolve(readFile("package.json"))))
    expect(await runVirtual(Effect.as(Effect.sleep(100), 1))).toBe(1)
    await beside
  })
})

describe("a program that does not end", () => {
  it("waits for what no timer brings", async () => {
    expect((await failureOf(Effect.andThen(Effect.sleep(10), Effect.never))).reason).toBe("WaitsForever")
    untouched()
  })

  it("takes longer than the limit, and not when it takes as long", async () => {
    expect(await runVirtual(Effect.as(Effect.sleep("1 hour"), 1), { limit: "1 hour" })).toBe(1)
    expect((await failureOf(Effect.sleep(3_600_001), { limit: "1 hour" })).reason).toBe("LimitReached")
  })

  it("does something without end and without time", async () => {
    const again = (): void => void setImmediate(again)
    expect((await failureOf(Effect.andThen(Effect.sync(() => queueMicrotask(again)), Effect.sleep(1)), { limit: 0 })).reason).toMatch(
      /TimeStands|LimitReached/
    )
  })

  it("is alone", async () => {
    const first = runVirtual(Effect.as(Effect.sleep(10), 1))
    expect((await failureOf(Effect.void)).reason).toBe("Busy")
    expect(await first).toBe(1)
    untouched()
  })
})

it("a consumer and a node: hours of NOOPs pass, and two runs of a seed are the same", async () => {
  const hours = (seed: number) =>
    runVirtual(
      Effect.scoped(Effect.gen(function*() {
        const { bucket, layer, link } = yield* pair({ vbuckets: 2, faults: { toClient: { delay: 3 } } })
        const seen: Array<string> = []
        yield* Effect.forkScoped(
          Dcp.changes().pipe(
            Stream.runForEach((event) => Effect.sync(() => seen.push(`${Date.now()} ${event._tag}`))),
            Effect.provide(layer)
          )
        )
        for (let hour = 0; hour < 4; hour++) {
          yield* Effect.sleep("1 hour")
          bucket.store.set(bucket.store.space(hour % 2), `k${hour}`, { value: Buffer.from("v") })
          if (hour % 2 === 1) link.cut()
        }
        yield* Effect.sleep("1 minute")
        return { seen, uuids: bucket.allVbuckets.map(({ failoverLog }) => failoverLog[0]!.vbucketUuid), made: link.made }
      })),
      { seed }
    )
  const first = await hours(1)
  expect(first.seen.filter((line) => line.endsWith("Mutation"))).toHaveLength(4)
  expect(first.made).toBe(4)
  expect(await hours(1)).toEqual(first)
  expect((await hours(2)).uuids).not.toEqual(first.uuids)
})
