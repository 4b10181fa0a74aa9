/** Scans against a scripted node: no failure of a node makes a result short without saying so, and none makes it say anything twice. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { type Answer, fakeNode, refusal, type Script, user } from "./FakeNode.fixture.ts"
import { encodeBase64 } from "./Base64.ts"
import { encodeRangeScanCreateResponse, type Request } from "./gen/index.ts"
import { KvClient } from "./KvClient.ts"
import type { KvClientOptions } from "./KvOptions.ts"

const success = 0x00
const more = 0xa6
const complete = 0xa7

const base64 = (text: string): string => encodeBase64(new TextEncoder().encode(text))
const uuid = new Uint8Array(16).fill(7)
const made: Answer = { _tag: "RangeScanCreateResponse", scanUuid: uuid } as Answer
const keys = (status: number, ...found: ReadonlyArray<string>): Answer =>
  ({ _tag: "RangeScanContinueResponse", layout: "Keys", status, keys: found.map((key) => ({ key })) }) as unknown as Answer

type On = { readonly [Tag in "RangeScanCreate" | "RangeScanContinue"]?: (request: Request, at: number) => ReturnType<Script> }

/** A node of one vbucket that scans as a test says; by the number of the request, from 0. */
const setUp = (on: On, client: Partial<KvClientOptions> = {}) =>
  Effect.gen(function*() {
    const counts = { RangeScanCreate: 0, RangeScanContinue: 0 }
    const node = yield* fakeNode({
      vbuckets: 1,
      script: (request) => {
        const { _tag } = request
        if (_tag === "RangeScanCreate" || _tag === "RangeScanContinue") {
          return on[_tag]?.(request, counts[_tag]++) ?? (_tag === "RangeScanCreate" ? made : keys(complete))
        }
        return _tag === "RangeScanCancel" ? { _tag: "RangeScanCancelResponse" } : undefined
      }
    })
    const kv = yield* KvClient.make({
      seeds: [{ host: "127.0.0.1", port: node.port }],
      credentials: { user: user.name, password: Redacted.make(user.password) },
      bucket: "default",
      ...client
    })
    const scans = () =>
      node.requests.flatMap((one) => one._tag === "RangeScanCreate" ? [JSON.parse(one.scan) as Record<string, unknown>] : [])
    const sent = (tag: Request["_tag"]) => node.requests.filter(({ _tag }) => _tag === tag).length
    return { node, kv, scans, sent }
  })

describe("what a node answers to a create", () => {
  const outcomes: ReadonlyArray<readonly [status: number, reason: string]> = [
    [0x04, "Einval"],
    [0x05, "NotStored"],
    [0x22, "Erange"],
    [0x24, "Eaccess"],
    [0x81, "UnknownCommand"],
    [0x82, "Enomem"],
    [0x83, "NotSupported"],
    [0x84, "Einternal"],
    [0x85, "Ebusy"],
    [0x86, "Etmpfail"],
    [0x88, "UnknownCollection"],
    [0xa8, "VbUuidNotEqual"],
    [0x07, "NotMyVbucket"]
  ]
  it.live.each(outcomes)("%s fails the scan: %s", ([status, reason]) =>
    Effect.gen(function*() {
      const { kv } = yield* setUp({ RangeScanCreate: () => refusal(status) }, { retry: { attempts: 3 } })
      const error = yield* Effect.flip(Stream.runDrain(kv.scanKeys()))
      assert.deepStrictEqual([error.reason._tag, error.status, error.operation, error.vbucket, error.key], [
        reason,
        status,
        "RangeScanCreate",
        0,
        undefined
      ])
    }))

  it.live("0x01 is a vbucket without such documents", () =>
    Effect.gen(function*() {
      const { kv, sent } = yield* setUp({ RangeScanCreate: () => refusal(0x01) })
      assert.deepStrictEqual(yield* Stream.runCollect(kv.scanKeys()), [])
      assert.strictEqual(sent("RangeScanContinue"), 0)
    }))

  it.live("0x85 and 0x86 are asked again after a pause, until they are over", () =>
    Effect.gen(function*() {
      const { kv, sent } = yield* setUp({
        RangeScanCreate: (_, at) => at < 4 ? refusal(at % 2 === 0 ? 0x85 : 0x86) : made,
        RangeScanContinue: () => keys(complete, "a")
      })
      assert.deepStrictEqual(yield* Stream.runCollect(kv.scanKeys()), ["a"])
      assert.strictEqual(sent("RangeScanCreate"), 5)
    }))

  it.live("is asked for in the datatype of JSON, and for what the selection says", () =>
    Effect.gen(function*() {
      const { kv, node, scans } = yield* setUp({})
      yield* Stream.runDrain(kv.scanKeys({ prefix: "a" }))
      yield* Stream.runDrain(kv.scan({ from: "é", to: { key: "z", exclusive: true } }))
      yield* Stream.runDrain(kv.scan({ sample: 3, seed: 9 }))
      yield* Stream.runDrain(kv.scan({ prefix: "\udcff" }))
      const end = encodeBase64(new Uint8Array(250).fill(0xff))
      assert.deepStrictEqual(scans(), [
        { key_only: true, range: { start: base64("a"), excl_end: base64("b") } },
        { range: { start: base64("é"), excl_end: base64("z") } },
        { sampling: { samples: 3, seed: 9 } },
        { range: { start: "/w==", end } }
      ])
      const creates = node.requests.flatMap((one) => one._tag === "RangeScanCreate" ? [one] : [])
      assert.isTrue(creates.every(({ datatype, vbucket }) => datatype === 1 && vbucket === 0))
    }))

  it.live("needs the write that it is told, with all digits of its seqno", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* setUp({})
      const token = { vbucketUuid: 0xffff_ffff_ffffn, seqno: 9_007_199_254_740_993n }
      yield* Stream.runDrain(kv.scanKeys({}, { consistentWith: [{ key: "a", token }, { key: "a", token: { ...token, seqno: 1n } }] }))
      const [text] = node.requests.flatMap((one) => one._tag === "RangeScanCreate" ? [one.scan] : [])
      assert.match(text!, /"snapshot_requirements":\{"vb_uuid":"281474976710655","seqno":9007199254740993,"timeout_ms":7\d{4}\}\}$/)
    }))
})

describe("what a node answers to a continue", () => {
  it.live("is returned as it comes, whatever packets it comes in", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* setUp({
        RangeScanContinue: (_, at) =>
          [[keys(success, "a", "b"), keys(success), keys(more, "c")], [keys(more)], [keys(success, "d"), keys(complete, "e")]][at]
      })
      assert.deepStrictEqual(yield* Stream.runCollect(kv.scanKeys({}, { batchItems: 3, batchBytes: 99 })), ["a", "b", "c", "d", "e"])
      const asked = node.requests.flatMap((one) => one._tag === "RangeScanContinue" ? [one] : [])
      assert.deepStrictEqual(
        asked.map(({ byteLimit, itemLimit, scanUuid, timeLimitMs }) => [itemLimit, byteLimit, timeLimitMs > 70_000, [...scanUuid]]),
        Array.from({ length: 3 }, () => [3, 99, true, [...uuid]])
      )
    }))

  const resumed: ReadonlyArray<readonly [what: string, answer: ReturnType<Script>]> = [
    ["0x01, no such scan", refusal(0x01)],
    ["0x07, another node's", refusal(0x07)],
    ["0xa5, cancelled", refusal(0xa5)],
    ["a closed connection", "close"]
  ]
  it.live.each(resumed)("%s: another scan begins after the last key", ([, answer]) =>
    Effect.gen(function*() {
      const { kv, scans } = yield* setUp({
        RangeScanContinue: (_, at) => at === 0 ? keys(more, "a", "b") : at === 1 ? answer : keys(complete, "c")
      })
      assert.deepStrictEqual(yield* Stream.runCollect(kv.scanKeys({ from: "a", to: "x" })), ["a", "b", "c"])
      assert.deepStrictEqual(scans().map(({ range }) => range), [
        { start: base64("a"), end: base64("x") },
        { excl_start: base64("b"), end: base64("x") }
      ])
    }))

  it.live("is kept when a refusal comes after it", () =>
    Effect.gen(function*() {
      const { kv, scans } = yield* setUp({
        RangeScanContinue: (_, at) => at === 0 ? [keys(success, "a", "b"), refusal(0x07)] : keys(complete, "c")
      })
      assert.deepStrictEqual(yield* Stream.runCollect(kv.scanKeys()), ["a", "b", "c"])
      assert.deepStrictEqual(scans()[1]!["range"], { excl_start: base64("b"), end: encodeBase64(new Uint8Array(250).fill(0xff)) })
    }))

  it.live("is not asked for again in vain for ever", () =>
    Effect.gen(function*() {
      const { kv, sent } = yield* setUp({ RangeScanContinue: () => refusal(0x01) }, { retry: { attempts: 4 } })
      const error = yield* Effect.flip(Stream.runDrain(kv.scanKeys()))
      assert.deepStrictEqual([error.reason._tag, error.operation], ["NotFound", "RangeScanContinue"])
      assert.strictEqual(sent("RangeScanCreate"), 4)
    }))

  it.live("of a sample that begins anew is returned once", () =>
    Effect.gen(function*() {
      const { kv, scans } = yield* setUp({
        RangeScanContinue: (_, at) => [keys(more, "a", "\uffff"), refusal(0xa5), keys(more, "a"), keys(complete, "\uffff", "\u{10000}")][at]
      })
      assert.deepStrictEqual(yield* Stream.runCollect(kv.scanKeys({ sample: 9, seed: 1 })), ["a", "\uffff", "\u{10000}"])
      assert.deepStrictEqual(scans(), Array.from({ length: 2 }, () => ({ key_only: true, sampling: { samples: 9, seed: 1 } })))
    }))

  const fatal: ReadonlyArray<readonly [status: number, reason: string]> = [
    [0x04, "Einval"],
    [0x24, "Eaccess"],
    [0x84, "Einternal"],
    [0x85, "Ebusy"],
    [0x88, "UnknownCollection"]
  ]
  it.live.each(fatal)(
    "0x%s fails the scan as %s, after what was found, and ends it with the node",
    ([status, reason]) =>
      Effect.gen(function*() {
        const { kv, sent } = yield* setUp({ RangeScanContinue: (_, at) => at === 0 ? keys(more, "a") : refusal(status) })
        const found: Array<string> = []
        const error = yield* Effect.flip(Stream.runForEach(kv.scanKeys(), (key) => Effect.sync(() => void found.push(key))))
        assert.deepStrictEqual([error.reason._tag, error.status, error.operation, found], [reason, status, "RangeScanContinue", ["a"]])
        for (let tries = 0; tries < 100 && sent("RangeScanCancel") === 0; tries++) yield* Effect.sleep(5)
        assert.strictEqual(sent("RangeScanCancel"), 1)
      })
  )

  it.live("has all there is to know of a document", () =>
    Effect.gen(function*() {
      const document = { flags: 1, expiry: 2, seqno: 3n, cas: 4n, datatype: 0, key: "a", value: Uint8Array.of(5) }
      const { kv } = yield* setUp({
        RangeScanContinue: () =>
          ({ _tag: "RangeScanContinueResponse", layout: "Documents", status: complete, documents: [document] }) as unknown as Answer
      })
      const [found] = yield* Stream.runCollect(kv.scan())
      assert.deepStrictEqual(found, { key: "a", value: Uint8Array.of(5), flags: 1, cas: 4n, expiry: 2, seqno: 3n })
    }))

  it.live("that has keys where documents were asked for fails the scan", () =>
    Effect.gen(function*() {
      const { kv } = yield* setUp({ RangeScanContinue: () => keys(complete, "a") })
      const error = yield* Effect.flip(Stream.runDrain(kv.scan()))
      assert.deepStrictEqual([error.reason._tag, error.key], ["InvalidValue", "a"])
    }))

  it.live("that is compressed where nobody can read it fails the scan", () =>
    Effect.gen(function*() {
      const document = { flags: 1, expiry: 2, seqno: 3n, cas: 4n, datatype: 2, key: "a", value: Uint8Array.of(5) }
      const { kv } = yield* setUp({
        RangeScanContinue: () =>
          ({ _tag: "RangeScanContinueResponse", layout: "Documents", status: complete, documents: [document] }) as unknown as Answer
      })
      const error = yield* Effect.flip(Stream.runDrain(kv.scan()))
      assert.deepStrictEqual([error.reason._tag, error.key], ["InvalidValue", "a"])
    }))
})

describe("whoever stops reading", () => {
  it.live("while a scan is being made has it ended when it is", () =>
    Effect.gen(function*() {
      let answer: (() => void) | undefined
      const { kv, node, sent } = yield* setUp({
        RangeScanCreate: (request) => {
          answer = () => {
            for (const client of node.clients) {
              client.reply((writer) => encodeRangeScanCreateResponse(writer, { opaque: request.opaque, scanUuid: uuid }))
            }
          }
          return []
        }
      })
      const reading = yield* Effect.forkChild(Stream.runDrain(kv.scanKeys()))
      while (answer === undefined) yield* Effect.sleep(5)
      yield* Fiber.interrupt(reading)
      assert.strictEqual(sent("RangeScanCancel"), 0)
      answer()
      for (let tries = 0; tries < 100 && sent("RangeScanCancel") === 0; tries++) yield* Effect.sleep(5)
      assert.strictEqual(sent("RangeScanCancel"), 1)
    }))
})
