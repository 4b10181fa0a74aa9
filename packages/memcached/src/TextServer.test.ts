/** Text and meta in front of handlers that answer when they like, or not at all: order, silence, what is missing, what fails. */
import { serverRows } from "@wirewright/connection/MetricTable"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { duplexPair } from "node:stream"
import { describe, expect, test } from "vitest"
import { type MemcachedHandlers, refusal } from "./MemcachedHandlers.ts"
import { type MemcachedServerOptions, serveMemcached } from "./MemcachedServer.ts"

/** Sends text to a server with these handlers, and returns what it answers until `end` is among that, or it closes. */
const ask = (handlers: MemcachedHandlers, text: string, end: string, options: MemcachedServerOptions = {}): Promise<string> =>
  Effect.runPromise(asked(handlers, text, end, options))

const asked = (handlers: MemcachedHandlers, text: string, end: string, options: MemcachedServerOptions = {}) =>
  Effect.scoped(Effect.gen(function*() {
    const server = yield* serveMemcached(handlers, { listen: false, ...options })
    return yield* Effect.promise(() =>
      new Promise<string>((resolve) => {
        const [ours, theirs] = duplexPair()
        let got = ""
        ours.on("data", (chunk: Buffer) => {
          got += chunk.toString("latin1")
          if (got.endsWith(end)) resolve(got)
        })
        ours.on("end", () => resolve(`${got}CLOSED`))
        ours.on("close", () => resolve(`${got}CLOSED`))
        server.accept(theirs)
        ours.write(Buffer.from(text, "latin1"))
      })
    )
  }))

const value = (text: string) => Effect.succeed({ value: Buffer.from(text) })
const miss = Effect.fail(refusal(1))

test("a tap sees all that goes by but the password", async () => {
  const seen: Array<string> = []
  const options: MemcachedServerOptions = {
    authenticate: (user, password) => user === "app" && password === "s3cret",
    tap: { received: (bytes) => seen.push(Buffer.from(bytes).toString("latin1")) }
  }
  const sent = "set x 0 0 10\r\napp s3cret\r\nget k\r\nmn\r\n"
  expect(await ask({ get: () => miss }, sent, "MN\r\n", options)).toBe("STORED\r\nEND\r\nMN\r\n")
  expect(seen.join("")).not.toContain("s3cret")
  expect(seen.slice(-2)).toEqual(["get k\r\n", "mn\r\n"])
  expect(seen.join("")).toHaveLength(sent.length)
})

describe("order", () => {
  test.each([1, 2, 1024])("slow answers are not overtaken, with %d in flight", async (maxInFlight) => {
    const stored: Array<string> = []
    const handlers: MemcachedHandlers = {
      // the earlier the slower
      get: ({ key }) => Effect.delay(value(`of ${key}`), 30 - Number(key.slice(1))),
      set: ({ key, value }) => (stored.push(`${key}=${Buffer.from(value).toString()}`), Effect.delay(Effect.succeed({ cas: 7n }), 1))
    }
    let sent = ""
    let answer = ""
    for (let i = 0; i < 30; i++) {
      sent += `mg k${i} v O${i}\r\nget k${i}\r\nms k${i} 9 c\r\nmg x v\r\n${i % 10}\r\nfoo\r\nset k${i} 0 0 4 noreply\r\nq\r\n${i % 10}\r\n`
      const text = `of k${i}`
      answer += `VA ${text.length} O${i}\r\n${text}\r\nVALUE k${i} 0 ${text.length}\r\n${text}\r\nEND\r\nHD c7\r\nERROR\r\n`
    }
    expect(await ask(handlers, `${sent}mn\r\n`, "MN\r\n", { maxInFlight })).toBe(`${answer}MN\r\n`)
    expect(stored).toEqual(Array.from({ length: 30 }, (_, i) => [`k${i}=mg x v\r\n${i % 10}`, `k${i}=q\r\n${i % 10}`]).flat())
  })

  test("of many keys all are asked for at once, and answered in the order of the request", async () => {
    let waiting = 0
    let most = 0
    const get: MemcachedHandlers["get"] = ({ key }) =>
      Effect.gen(function*() {
        most = Math.max(most, ++waiting)
        yield* Effect.sleep(key === "a" ? 20 : 1)
        waiting--
        return yield* key === "b" ? miss : value(key)
      })
    expect(await ask({ get }, "gets a b c a\r\n", "END\r\n")).toBe(
      "VALUE a 0 1 0\r\na\r\nVALUE c 0 1 0\r\nc\r\nVALUE a 0 1 0\r\na\r\nEND\r\n"
    )
    expect(most).toBe(4)
  })

  test("quit ends after what is in flight", async () => {
    const get: MemcachedHandlers["get"] = () => Effect.delay(value("v"), 10)
    expect(await ask({ get }, "get k\r\nquit\r\nmn\r\n", "never")).toBe("VALUE k 0 1\r\nv\r\nEND\r\nCLOSED")
  })
})

test("what is refused is told to metrics by the word of the refusal, whether the client asked for silence or not; a miss is not refused", async () => {
  const registry: typeof Metric.MetricRegistry.Service = new Map()
  const handlers: MemcachedHandlers = {
    get: ({ key }) => key === "there" ? value("1") : key === "away" ? Effect.delay(Effect.fail(refusal(0x84)), 1) : miss,
    set: ({ key }) => Effect.fail(refusal(key === "large" ? 3 : 2)),
    increment: () => Effect.fail(refusal(6))
  }
  const text = "get there\r\nget k\r\nmg k v\r\nget away\r\nmg away v\r\nset k 0 0 1\r\n1\r\nset large 0 0 1\r\n1\r\n"
    + "set large 0 0 1 noreply\r\n1\r\nincr k 1\r\nincr k one\r\nincr k one noreply\r\ndecr k 1\r\nwhat\r\nmn\r\n"
  const answer = await Effect.runPromise(Effect.provideService(asked(handlers, text, "MN\r\n"), Metric.MetricRegistry, registry))
  const counted = new Map<string, number>()
  for (const { attributes, id, state } of Metric.snapshotUnsafe(Context.make(Metric.MetricRegistry, registry))) {
    if (id !== serverRows.call.name) continue
    const name = `${attributes?.["rpc.method"]} ${attributes?.["error.type"] ?? "succeeded"}`
    counted.set(name, (counted.get(name) ?? 0) + (state as Metric.HistogramState).count)
  }
  expect(answer.match(/^(?:ERROR|CLIENT_ERROR|SERVER_ERROR)/gm)?.sort().join(" ")).toBe(
    "CLIENT_ERROR CLIENT_ERROR ERROR ERROR SERVER_ERROR SERVER_ERROR SERVER_ERROR"
  )
  // two more are not shown
  expect(Object.fromEntries(counted)).toEqual({
    "Retrieve succeeded": 2,
    "Retrieve SERVER_ERROR": 1,
    "MetaGet succeeded": 1,
    "MetaGet SERVER_ERROR": 1,
    "set succeeded": 1,
    "set SERVER_ERROR": 2,
    "increment CLIENT_ERROR": 1,
    "decrement ERROR": 1,
    "Said CLIENT_ERROR": 2,
    "Said ERROR": 1,
    "noop succeeded": 1
  })
})

describe("what there is no handler for", () => {
  const commands = [
    "get k",
    "gat 0 k",
    "mg k v",
    "mg k T0",
    "md k",
    "ma k",
    "ma k MD",
    "me k",
    "delete k",
    "incr k 1",
    "touch k 0",
    "flush_all",
    "version",
    "verbosity 1",
    "stats",
    "shutdown",
    "slabs automove 1",
    "watch"
  ]
  test.each(commands)("%s", async (command) => expect(await ask({}, `${command}\r\nmn\r\n`, "MN\r\n")).toBe("ERROR\r\nMN\r\n"))

  test.each(["set k 0 0 1", "ms k 1"])(
    "%s, whose block is passed over",
    async (command) => expect(await ask({}, `${command}\r\nv\r\nmn\r\n`, "MN\r\n")).toBe("ERROR\r\nMN\r\n")
  )
})

describe("what is refused", () => {
  const refusing = (status: number, text?: string): MemcachedHandlers => {
    const fail = () => Effect.fail(refusal(status, text))
    return { get: fail, set: fail, add: fail, append: fail, remove: fail, increment: fail, flush: fail }
  }
  const all =
    "get k\r\nget k j\r\nset k 0 0 1\r\nv\r\nadd k 0 0 1\r\nv\r\nmg k v\r\nms k 1 O1\r\nv\r\nms k 1 ME\r\nv\r\nmd k q\r\nma k\r\nmn\r\n"
  const server = (words: string) => `${Array(9).fill(`SERVER_ERROR ${words}`).join("\r\n")}\r\nMN\r\n`

  test.each<readonly [what: string, status: number, text: string | undefined, answer: string]>([
    ["a miss", 0x01, undefined, "END\r\nEND\r\nNOT_FOUND\r\nNOT_FOUND\r\nEN\r\nNF O1\r\nNF\r\nNF\r\nNF\r\nMN\r\n"],
    ["something else is there", 0x02, undefined, ""],
    ["too large", 0x03, undefined, server("object too large for cache")],
    ["no memory", 0x82, undefined, server("out of memory storing object")],
    ["a failure without words", 0x86, undefined, server("Temporary failure")],
    ["a failure with words, which stay in their line", 0x86, "the upstream\r\nmn\r\nis gone", server("the upstream  mn  is gone")],
    ["a status that nobody knows", 0x7777, undefined, server("status 30583")]
  ])("%s", async (_, status, text, answer) => {
    const got = await ask(refusing(status, text), all, "MN\r\n")
    if (answer === "") {
      expect(got).toContain("EXISTS\r\nNOT_STORED\r\n")
      expect(got).toContain("EX O1\r\nNS\r\nEX\r\nEX\r\nMN\r\n")
    } else expect(got).toBe(answer)
  })

  test("quietly: what was to be expected is hidden, the rest is not", async () => {
    const quiet = "mg k q v\r\nms k 1 q O1\r\nv\r\nms k 1 q MA O2\r\nv\r\nms k 1 q ME O3\r\nv\r\nmd k q\r\nma k q\r\nmn\r\n"
    const told = (code: string) => `${code} O1\r\n${code} O2\r\n${code} O3\r\n${code}\r\n${code}\r\nMN\r\n`
    expect(await ask(refusing(0x01), quiet, "MN\r\n")).toBe(told("NF"))
    expect(await ask(refusing(0x05), quiet, "MN\r\n")).toBe(`NS\r\n${told("NS")}`)
  })

  test("a flush that is not allowed", async () =>
    expect(await ask(refusing(0x83), "flush_all\r\nflush_all noreply\r\nmn\r\n", "MN\r\n")).toBe(
      "CLIENT_ERROR flush_all not allowed\r\nMN\r\n"
    ))

  test("a handler that dies costs its request alone", async () => {
    const get: MemcachedHandlers["get"] = ({ key }) => key === "die" ? Effect.andThen(Effect.sleep(1), Effect.die("boom")) : value("v")
    expect(await ask({ get }, "mg die v q\r\nget die k\r\nmg k v\r\nmn\r\n", "MN\r\n", { onDefect: () => {} })).toBe(
      "SERVER_ERROR Internal error\r\nSERVER_ERROR Internal error\r\nVA 1\r\nv\r\nMN\r\n"
    )
  })
})

describe("what handlers are asked", () => {
  const asked = async (text: string): Promise<ReadonlyArray<unknown>> => {
    const requests: Array<unknown> = []
    const note = (name: string) => (request: object) => {
      const { bytes: _, at: __, flagsAt: ___, flagsEnd: ____, ...fields } = request as { readonly [field: string]: unknown }
      const given = Object.entries(fields).filter(([, one]) => one !== undefined && one !== false)
      requests.push([
        name,
        Object.fromEntries(given.map(([field, one]) => [field, one instanceof Uint8Array ? Buffer.from(one).toString() : one]))
      ])
      return miss
    }
    const names = [
      "get",
      "getAndTouch",
      "set",
      "add",
      "replace",
      "append",
      "prepend",
      "remove",
      "increment",
      "decrement",
      "touch",
      "tooLarge"
    ]
    await ask(Object.fromEntries(names.map((name) => [name, note(name)])) as MemcachedHandlers, `${text}mn\r\n`, "MN\r\n", {
      isTooLarge: (_, length) => length > 100
    })
    return requests
  }

  test("all that meta has", async () => {
    expect(await asked("mg Zm9v b v T30 N60 R10 u t l h s q\r\n")).toMatchObject([["getAndTouch", {
      key: "foo",
      base64: true,
      wantsValue: true,
      expiration: 30,
      vivify: 60,
      recache: 10,
      noBump: true,
      facts: { timeToLive: true, lastAccess: true, hit: true, size: true }
    }]])
    expect(await asked("mg k t T5\r\nmg k\r\n")).toMatchObject([
      ["getAndTouch", { expiration: 5, timeToLiveBefore: true }],
      ["get", { key: "k" }]
    ])
    expect(await asked("ms k 1 C7 I F9 T60\r\nv\r\nms k 1 C0 MR\r\nv\r\nms k 1 C7 ME\r\nv\r\nms k 1 C7 MA\r\nv\r\n")).toMatchObject([
      ["set", { key: "k", value: "v", cas: 7n, compares: true, invalidate: true, flags: 9, expiration: 60 }],
      ["replace", { cas: 0n, compares: true }],
      ["add", { cas: 0n }],
      ["append", { cas: 7n }]
    ])
    expect(await asked("md k C7 I T30\r\nma k D5 J6 N7 T8 C9 t MD\r\nma k\r\n")).toMatchObject([
      ["remove", { cas: 7n, compares: true, invalidate: true, expiration: 30 }],
      ["decrement", { cas: 9n, delta: 5n, initial: 6n, expiration: 7, touch: 8, facts: { timeToLive: true } }],
      ["increment", { cas: 0n, delta: 1n, initial: 0n, expiration: 0xffff_ffff }]
    ])
  })

  test("values that are too large, of which only the announcement is told", async () => {
    expect(await asked(`set k 0 0 101\r\n${"x".repeat(101)}\r\nadd k 0 0 101\r\n${"x".repeat(101)}\r\n`)).toEqual([
      ["tooLarge", { _tag: "TooLarge", key: "k", replaces: true }],
      ["tooLarge", { _tag: "TooLarge", key: "k" }]
    ])
  })
})
