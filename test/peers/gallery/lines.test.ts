/**
 * memcached and nats-server understand every request that our encoders write, and what memcached answers is read whole. Values are ours, made
 * by hand; each is sent on a connection of its own.
 */
import { Reader, Writer } from "@wirewright/codec"
import * as Nats from "@wirewright/examples/gallery/nats"
import * as Text from "@wirewright/memcached/text"
import { setTimeout } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Accepted } from "./Accepted.ts"
import { type Judge, openJudge } from "./Accepts.ts"
import { printed } from "./Recording.ts"

const taken = new Accepted()
afterAll(() => taken.hold())

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

const written = <P>(encode: (writer: Writer, packet: P) => void, packet: P): Uint8Array => {
  const writer = new Writer()
  encode(writer, packet)
  return writer.take()
}

const stored = { key: "k", flags: 4294967295, expiration: 100, value: bytes("1\r\n2"), noreply: false }
const n = { key: "n", flags: 0, expiration: 0, value: bytes("10"), noreply: false }

/** Requests, and the answers that memcached 1.6 gives to them when they are sent one after the other. */
const conversation: ReadonlyArray<readonly [request: Text.Request, answers: ReadonlyArray<Text.Response["_tag"]>]> = [
  [{ _tag: "FlushAll", delay: undefined, noreply: true }, []],
  [{ _tag: "FlushAll", delay: -1, noreply: false }, ["Ok"]],
  [{ _tag: "Set", ...stored }, ["Stored"]],
  [{ _tag: "Add", ...stored }, ["NotStored"]],
  [{ _tag: "Replace", ...stored }, ["Stored"]],
  [{ _tag: "Append", ...stored }, ["Stored"]],
  [{ _tag: "Prepend", ...stored, noreply: true }, []],
  [{ _tag: "CompareAndSet", ...stored, cas: 2n ** 64n - 1n }, ["Exists"]],
  [{ _tag: "Get", keys: ["k", "none", "k"] }, ["Value", "Value", "End"]],
  [{ _tag: "Gets", keys: ["k"] }, ["Value", "End"]],
  [{ _tag: "GetAndTouch", expiration: 50, keys: ["k"] }, ["Value", "End"]],
  [{ _tag: "GetsAndTouch", expiration: 0, keys: ["none"] }, ["End"]],
  [{ _tag: "Touch", key: "k", expiration: 2147483647, noreply: false }, ["Touched"]],
  [{ _tag: "Set", ...n }, ["Stored"]],
  [{ _tag: "Increment", key: "n", delta: 2n ** 64n - 1n, noreply: false }, ["NewNumber"]],
  [{ _tag: "Decrement", key: "n", delta: 3n, noreply: false }, ["NewNumber"]],
  [{ _tag: "Increment", key: "none", delta: 0n, noreply: false }, ["NotFound"]],
  [{ _tag: "Delete", key: "n", zero: true, noreply: false }, ["Deleted"]],
  [{ _tag: "Delete", key: "n", zero: false, noreply: true }, []],
  [{ _tag: "Version" }, ["VersionText"]],
  [{ _tag: "Verbosity", level: 0, noreply: false }, ["Ok"]],
  [{ _tag: "CacheMemoryLimit", megabytes: 64, noreply: false }, ["Ok"]],
  [{ _tag: "LruMode", name: "segmented" }, ["Ok"]],
  [{ _tag: "LruTune", hotPercent: 20, warmPercent: 40, hotFactor: "0.2", warmFactor: "2.0" }, ["Ok"]],
  [{ _tag: "LruTemporary", seconds: 61 }, ["Ok"]],
  [{ _tag: "CrawlerDisable" }, ["Ok"]],
  [{ _tag: "CrawlerEnable" }, ["Ok"]],
  [{ _tag: "CrawlerSleep", microseconds: 100 }, ["Ok"]],
  [{ _tag: "CrawlerLimit", items: 0 }, ["Ok"]],
  [{ _tag: "StatisticsDetail", what: "on" }, ["Ok"]],
  [{ _tag: "Statistics", group: "reset" }, ["Reset"]],
  [{ _tag: "StatisticsCachedump", slabClass: 63, limit: 1 }, ["End"]],
  [{ _tag: "SlabsReassign", from: 1, to: 1 }, ["Same"]],
  [{ _tag: "SlabsAutomove", setting: "1", value: undefined }, ["Ok"]],
  [{ _tag: "MetaNoop" }, ["MetaNoopDone"]],
  [
    {
      _tag: "MetaSet",
      key: "Zm9v",
      value: bytes("v"),
      flags: [
        { _tag: "KeyIsBase64" },
        { _tag: "ReturnKey" },
        { _tag: "Opaque", opaque: "o".repeat(31) },
        { _tag: "ProxyPath", text: "p" },
        { _tag: "ProxyLabel", text: "" },
        { _tag: "TimeToLive", seconds: 100 },
        { _tag: "ReturnCas" },
        { _tag: "ClientFlags", flags: 7 },
        { _tag: "Mode", mode: Text.MetaSetMode.Set }
      ]
    },
    ["MetaDone"]
  ],
  [
    {
      _tag: "MetaGet",
      key: "Zm9v",
      flags: [
        { _tag: "KeyIsBase64" },
        { _tag: "ReturnKey" },
        { _tag: "Opaque", opaque: "" },
        { _tag: "ReturnCas" },
        { _tag: "ReturnFlags" },
        { _tag: "ReturnHit" },
        { _tag: "ReturnLastAccess" },
        { _tag: "ReturnSize" },
        { _tag: "ReturnTimeToLive" },
        { _tag: "ReturnValue" },
        { _tag: "NoBump" },
        { _tag: "Vivify", seconds: 30 },
        { _tag: "Recache", seconds: 30 },
        { _tag: "TimeToLive", seconds: -1 }
      ]
    },
    ["MetaValue"]
  ],
  [
    {
      _tag: "MetaArithmetic",
      key: "m",
      flags: [
        { _tag: "Vivify", seconds: 0 },
        { _tag: "Initial", value: 2n ** 64n - 1n },
        { _tag: "Delta", delta: 5n },
        { _tag: "Mode", mode: Text.MetaArithmeticMode.Minus },
        { _tag: "ReturnValue" },
        { _tag: "ReturnTimeToLive" }
      ]
    },
    ["MetaValue"]
  ],
  [{ _tag: "MetaDebug", key: "Zm9v", flags: [{ _tag: "KeyIsBase64" }] }, ["MetaMiss"]],
  [{ _tag: "MetaDebug", key: "m", flags: [] }, ["MetaItem"]],
  [{ _tag: "MetaDelete", key: "m", flags: [{ _tag: "CompareCas", cas: 1n }] }, ["MetaExists"]],
  [{ _tag: "MetaDelete", key: "m", flags: [{ _tag: "Invalidate" }, { _tag: "TimeToLive", seconds: 30 }] }, ["MetaDone"]],
  [{ _tag: "MetaDelete", key: "m", flags: [{ _tag: "Quiet" }] }, []]
]

describe.runIf(printed("memcached", "-V") !== "")("memcached", () => {
  let judge: Judge
  beforeAll(async () => {
    judge = await openJudge("memcached")
  })
  afterAll(() => judge.stop())

  /** The crawler stops at its leisure, and cannot be started before it has: a request about it is made again, for up to five seconds. */
  const accepted = async (request: Text.Request) => {
    const until = Date.now() + 5_000
    for (;;) {
      const verdict = await judge.accept([written(Text.encode, request)])
      const waits = request._tag.startsWith("Crawler") && verdict.answer.toString().startsWith("ERROR ")
      if (!waits || Date.now() > until) return verdict
      await setTimeout(20)
    }
  }

  it("understands every request, and answers what we read", async () => {
    for (const [request, answers] of conversation) {
      const { answer, complaint } = await accepted(request)
      expect([request._tag, complaint]).toEqual([request._tag, ""])
      const tags: Array<string> = []
      const reader = new Reader(new Uint8Array(answer))
      for (let at = 0; at < answer.length; at = reader.next) tags.push(Text.decodeResponse(reader, at)._tag)
      expect([request._tag, tags]).toEqual([request._tag, answers])
      taken.add("memcached", 1)
    }
  })

  it("complains of what is no request", async () => {
    expect((await judge.accept([bytes("get\r\n")])).understood).toBe(false)
  })

  it("many in one go", async () => {
    // the crawler takes a moment to stop and to start
    const quick = conversation.filter(([{ _tag }]) => !_tag.startsWith("Crawler"))
    const wanted = quick.flatMap(([, answers]) => answers)
    const { answer, complaint } = await judge.accept(quick.map(([request]) => written(Text.encode, request)))
    expect(complaint).toBe("")
    const reader = new Reader(new Uint8Array(answer))
    const tags: Array<string> = []
    for (let at = 0; at < answer.length; at = reader.next) tags.push(Text.decodeResponse(reader, at)._tag)
    expect(tags).toEqual(wanted)
  })
})

const headers = {
  status: undefined,
  description: undefined,
  headers: [{ name: "A", value: " 1" }, { name: "A", value: "" }, { name: "ü", value: " €" }]
}

const published: ReadonlyArray<Nats.Message> = [
  { _tag: "Sub", subject: "a.*", queueGroup: undefined, sid: "1" },
  { _tag: "Sub", subject: "b.>", queueGroup: "workers", sid: "2" },
  { _tag: "Pub", subject: "a.b", replyTo: undefined, payload: bytes("with\r\nlines") },
  { _tag: "Pub", subject: "a.b", replyTo: "r", payload: bytes("") },
  { _tag: "HPub", subject: "a.h", replyTo: undefined, headers, payload: bytes("p") },
  { _tag: "HPub", subject: "b.h", replyTo: "r", headers: { ...headers, status: 503, description: "No  Responders" }, payload: bytes("") },
  { _tag: "Unsub", sid: "1", maxMessages: 100n },
  { _tag: "Unsub", sid: "2", maxMessages: undefined },
  { _tag: "Pong" }
]

describe.runIf(printed("nats-server", "-v") !== "")("nats-server", () => {
  let judge: Judge
  beforeAll(async () => {
    judge = await openJudge("nats")
  })
  afterAll(() => judge.stop())

  it("understands every operation, and delivers what we read", async () => {
    const { answer, complaint } = await judge.accept(published.map((one) => written(Nats.encode, one)))
    expect(complaint).toBe("")
    const reader = new Reader(new Uint8Array(answer))
    const got: Array<Nats.Message> = []
    for (let at = 0; at < answer.length; at = reader.next) got.push(Nats.decodeMessage(reader, at))
    expect(got.map(({ _tag }) => _tag)).toEqual(["Msg", "Msg", "HMsg", "HMsg"])
    expect(got[2]).toMatchObject({ subject: "a.h", sid: "1", replyTo: undefined, headers, payload: bytes("p") })
    taken.add("NATS", published.length)
    expect(got[3]).toMatchObject({ subject: "b.h", sid: "2", replyTo: "r", headers: { status: 503, description: "No  Responders" } })
  })

  it("answers PING", async () => {
    // the judge's own is answered, too
    expect((await judge.accept([written(Nats.encode, { _tag: "Ping" })])).understood).toBe(true)
    taken.add("NATS", 1)
  })

  it("understands CONNECT", async () => {
    const options = JSON.stringify({ verbose: false, pedantic: false })
    expect((await judge.accept([written(Nats.encode, { _tag: "Connect", options })], { fromStart: true })).complaint).toBe("")
    taken.add("NATS", 1)
  })

  it("complains of what is no operation", async () => {
    expect((await judge.accept([bytes("NOTHING\r\n")])).understood).toBe(false)
  })
})
