/**
 * Proves that the three protocols have the same outcomes: what is sent for each command, byte for byte, and what its answers mean, over a link
 * in memory. Texts are those of memcached 1.6.18 (test/fixtures/memcached-text.json), binary answers those of its statuses.
 */
import { assert, describe, it } from "@effect/vitest"
import { encodeWith, Reader } from "@wirewright/codec"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Duplex } from "node:stream"
import * as Gen from "./gen/index.ts"
import { KvClient } from "./KvClient.ts"
import type { KvCommands } from "./KvCommands.ts"
import type { MemcachedError } from "./KvError.ts"
import type { KvProtocol } from "./KvOptions.ts"
import { isMeta } from "./KvPool.ts"
import { linesOf } from "./KvText.ts"
import { failure, latin1, played } from "./Played.fixture.ts"

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (one) => one.charCodeAt(0))

/** What came of a command, in one word and its values. */
const outcome = (exit: Exit.Exit<unknown, MemcachedError>): unknown => {
  if (Exit.isFailure(exit)) return failure(exit).reason._tag
  const { value } = exit
  if (Option.isOption(value)) return Option.isSome(value) ? document(value.value) : "none"
  if (value instanceof Map) return [...value].map(([key, found]) => [key, typeof found === "string" ? found : document(found)])
  return typeof value === "object" && value !== null && "value" in value ? value.value : typeof value === "object" ? "done" : value
}

const document = (found: unknown): unknown => {
  const { cas, flags, value } = found as { readonly value: Uint8Array; readonly flags: number; readonly cas: bigint }
  return [latin1(value), flags, cas]
}

const nothing = { extras: new Uint8Array(0), key: new Uint8Array(0), value: new Uint8Array(0) }

/** An answer of the binary protocol to the request that came. */
type Answer = (request: Gen.Request) => Uint8Array

const status = (code: number): Answer => ({ opaque, opcode }) =>
  encodeWith((writer) => Gen.encodeErrorResponse(writer, { ...nothing, opaque, opcode, status: code }))
const got: Answer = ({ _tag, opaque }) =>
  encodeWith((writer) =>
    (_tag === "Gat" ? Gen.encodeGatResponse : Gen.encodeGetResponse)(writer, { opaque, flags: 5, cas: 7n, value: bytesOf("xy") })
  )
const stored: Answer = ({ _tag, opaque }) =>
  encodeWith((writer) => Gen.encode(writer, { _tag: `${_tag}Response`, opaque, cas: 7n } as unknown as Gen.Packet))
const number: Answer = ({ _tag, opaque }) =>
  encodeWith((writer) =>
    (_tag === "Decrement" ? Gen.encodeDecrementResponse : Gen.encodeIncrementResponse)(writer, { opaque, value: 42n, cas: 7n })
  )

interface Case {
  readonly name: string
  readonly does: (kv: KvCommands) => Effect.Effect<unknown, MemcachedError>
  readonly meta: readonly [sent: string, answer: string]
  readonly text: readonly [sent: string, answer: string]
  readonly binary: Answer
  readonly outcome: unknown
  /** Where the text protocol says less. */
  readonly inText?: unknown
}

const value = "xy"
const tooLarge = "SERVER_ERROR object too large for cache\r\n"
const notNumber = "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"

const cases: ReadonlyArray<Case> = [
  {
    name: "get, found",
    does: (kv) => kv.get("k"),
    meta: ["mg k c f v\r\n", "VA 2 c7 f5\r\nxy\r\n"],
    text: ["gets k\r\n", "VALUE k 5 2 7\r\nxy\r\nEND\r\n"],
    binary: got,
    outcome: ["xy", 5, 7n]
  },
  {
    name: "get, missing",
    does: (kv) => kv.get("k"),
    meta: ["mg k c f v\r\n", "EN\r\n"],
    text: ["gets k\r\n", "END\r\n"],
    binary: status(1),
    outcome: "none"
  },
  {
    name: "getAndTouch",
    does: (kv) => kv.getAndTouch("k", "1 minute"),
    meta: ["mg k c f v T60\r\n", "VA 2 c7 f5\r\nxy\r\n"],
    text: ["gats 60 k\r\n", "VALUE k 5 2 7\r\nxy\r\nEND\r\n"],
    binary: got,
    outcome: ["xy", 5, 7n]
  },
  {
    name: "set",
    does: (kv) => kv.set("k", value, { flags: 5, expiry: "1 minute" }),
    meta: ["ms k 2 c T60 F5\r\nxy\r\n", "HD c7\r\n"],
    text: ["set k 5 60 2\r\nxy\r\n", "STORED\r\n"],
    binary: stored,
    outcome: "done"
  },
  {
    name: "set over a version",
    does: (kv) => kv.set("k", value, { cas: 9n }),
    meta: ["ms k 2 c C9\r\nxy\r\n", "EX c0\r\n"],
    text: ["cas k 0 0 2 9\r\nxy\r\n", "EXISTS\r\n"],
    binary: status(2),
    outcome: "CasMismatch"
  },
  {
    name: "set over a version of nothing",
    does: (kv) => kv.set("k", value, { cas: 9n }),
    meta: ["ms k 2 c C9\r\nxy\r\n", "NF c0\r\n"],
    text: ["cas k 0 0 2 9\r\nxy\r\n", "NOT_FOUND\r\n"],
    binary: status(1),
    outcome: "NotFound"
  },
  {
    name: "set, too large",
    does: (kv) => kv.set("k", value),
    meta: ["ms k 2 c\r\nxy\r\n", tooLarge],
    text: ["set k 0 0 2\r\nxy\r\n", tooLarge],
    binary: status(3),
    outcome: "TooLarge"
  },
  {
    name: "set, no room",
    does: (kv) => kv.set("k", value),
    meta: ["ms k 2 c\r\nxy\r\n", "SERVER_ERROR out of memory storing object\r\n"],
    text: ["set k 0 0 2\r\nxy\r\n", "SERVER_ERROR out of memory storing object\r\n"],
    binary: status(0x82),
    outcome: "OutOfMemory"
  },
  {
    name: "set, not let in",
    does: (kv) => kv.set("k", value),
    meta: ["ms k 2 c\r\nxy\r\n", "CLIENT_ERROR unauthenticated\r\n"],
    text: ["set k 0 0 2\r\nxy\r\n", "CLIENT_ERROR unauthenticated\r\n"],
    binary: status(0x20),
    outcome: "AuthFailed"
  },
  {
    name: "add, there",
    does: (kv) => kv.add("k", value),
    meta: ["ms k 2 ME c\r\nxy\r\n", "NS c0\r\n"],
    text: ["add k 0 0 2\r\nxy\r\n", "NOT_STORED\r\n"],
    binary: status(2),
    outcome: "Exists"
  },
  {
    name: "replace, missing",
    does: (kv) => kv.replace("k", value),
    meta: ["ms k 2 MR c\r\nxy\r\n", "NS c0\r\n"],
    text: ["replace k 0 0 2\r\nxy\r\n", "NOT_STORED\r\n"],
    binary: status(1),
    outcome: "NotFound"
  },
  {
    name: "append, missing",
    does: (kv) => kv.append("k", value),
    meta: ["ms k 2 MA c\r\nxy\r\n", "NS c0\r\n"],
    text: ["append k 0 0 2\r\nxy\r\n", "NOT_STORED\r\n"],
    binary: status(5),
    outcome: "NotStored"
  },
  {
    name: "prepend",
    does: (kv) => kv.prepend("k", value),
    meta: ["ms k 2 MP c\r\nxy\r\n", "HD c7\r\n"],
    text: ["prepend k 0 0 2\r\nxy\r\n", "STORED\r\n"],
    binary: stored,
    outcome: "done"
  },
  {
    name: "remove",
    does: (kv) => kv.remove("k"),
    meta: ["md k\r\n", "HD\r\n"],
    text: ["delete k\r\n", "DELETED\r\n"],
    binary: stored,
    outcome: true
  },
  {
    name: "remove, missing",
    does: (kv) => kv.remove("k"),
    meta: ["md k\r\n", "NF\r\n"],
    text: ["delete k\r\n", "NOT_FOUND\r\n"],
    binary: status(1),
    outcome: false
  },
  {
    name: "touch",
    does: (kv) => kv.touch("k", "1 minute"),
    meta: ["mg k T60\r\n", "HD\r\n"],
    text: ["touch k 60\r\n", "TOUCHED\r\n"],
    binary: ({ opaque }) => encodeWith((writer) => Gen.encodeTouchResponse(writer, { opaque, flags: 0, cas: 7n })),
    outcome: true
  },
  {
    name: "increment",
    does: (kv) => kv.increment("k", { delta: 2n }),
    meta: ["ma k MI c v D2\r\n", "VA 2 c7\r\n42\r\n"],
    text: ["incr k 2\r\n", "42\r\n"],
    binary: number,
    outcome: 42n
  },
  {
    name: "decrement of nothing",
    does: (kv) => kv.decrement("k"),
    meta: ["ma k MD c v D1\r\n", "NF\r\n"],
    text: ["decr k 1\r\n", "NOT_FOUND\r\n"],
    binary: status(1),
    outcome: "NotFound"
  },
  {
    name: "increment of text",
    does: (kv) => kv.increment("k"),
    meta: ["ma k MI c v D1\r\n", notNumber],
    text: ["incr k 1\r\n", notNumber],
    binary: status(6),
    outcome: "NotANumber"
  },
  {
    name: "noop",
    does: (kv) => kv.noop,
    meta: ["mn\r\n", "MN\r\n"],
    text: ["version\r\n", "VERSION 1.6.18\r\n"],
    binary: stored,
    outcome: undefined
  },
  {
    name: "flush, later",
    does: (kv) => kv.flush({ after: "1 minute" }),
    meta: ["flush_all 60\r\n", "OK\r\n"],
    text: ["flush_all 60\r\n", "OK\r\n"],
    binary: stored,
    outcome: undefined
  },
  {
    name: "a command that the server does not know",
    does: (kv) => kv.touch("k", "1 minute"),
    meta: ["mg k T60\r\n", "ERROR\r\n"],
    text: ["touch k 60\r\n", "ERROR\r\n"],
    binary: status(0x81),
    outcome: "NotSupported"
  },
  {
    name: "append over a version",
    does: (kv) => kv.append("k", value, { cas: 9n }),
    meta: ["ms k 2 MA c C9\r\nxy\r\n", "EX c0\r\n"],
    text: ["", ""],
    binary: status(2),
    outcome: "CasMismatch",
    inText: "NotInProtocol"
  },
  {
    name: "remove of a version",
    does: (kv) => kv.remove("k", { cas: 9n }),
    meta: ["md k C9\r\n", "EX\r\n"],
    text: ["", ""],
    binary: status(2),
    outcome: "CasMismatch",
    inText: "NotInProtocol"
  },
  {
    name: "increment of nothing with an initial value",
    does: (kv) => kv.increment("k", { initial: 42n, expiry: "1 minute" }),
    meta: ["ma k MI c v D1 N60 J42\r\n", "VA 2 c7\r\n42\r\n"],
    text: ["incr k 1\r\nadd k 0 60 2\r\n42\r\n", "NOT_FOUND\r\nSTORED\r\n"],
    binary: number,
    outcome: 42n
  },
  {
    name: "stats",
    does: (kv) => kv.stats("items"),
    meta: ["stats items\r\n", "STAT a 1\r\nSTAT b two words\r\nEND\r\n"],
    text: ["stats items\r\n", "STAT a 1\r\nSTAT b two words\r\nEND\r\n"],
    binary: ({ opaque }) =>
      encodeWith((writer) => {
        for (const [name, text] of [["a", "1"], ["b", "two words"], ["", ""]]) {
          Gen.encodeStatResponse(writer, { opaque, name: name!, value: text! })
        }
      }),
    outcome: [["a", "1"], ["b", "two words"]]
  },
  {
    name: "getMany",
    does: (kv) => kv.getMany(["a", "k", "c"]),
    meta: ["mg a c f v q O0\r\nmg k c f v q O1\r\nmg c c f v q O2\r\nmn\r\n", "VA 2 c7 f5 O1\r\nxy\r\nMN\r\n"],
    text: ["gets a k c\r\n", "VALUE k 5 2 7\r\nxy\r\nEND\r\n"],
    binary: ({ _tag, opaque, ...rest }) =>
      encodeWith((writer) => {
        if (_tag === "Noop") Gen.encodeNoopResponse(writer, { opaque })
        else if ((rest as unknown as { readonly key: string }).key === "k") {
          Gen.encodeGetKQResponse(writer, { opaque, key: "k", flags: 5, cas: 7n, value: bytesOf("xy") })
        }
      }),
    outcome: [["k", ["xy", 5, 7n]]]
  }
]

/** Runs a case in a protocol; `write` sends the answer. */
const perform = (one: Case, protocol: "meta" | "text" | "binary", write: (peer: Duplex, answer: Uint8Array) => void) =>
  Effect.gen(function*() {
    let heard = ""
    const [sent, answer] = protocol === "binary" ? ["", ""] : one[protocol]
    const lines = answer.split("\r\n")
    const server = played((text, peer) => {
      heard += text
      if (protocol === "binary") {
        for (const request of requestsOf(text)) write(peer, one.binary(request))
        return
      }
      // where there are two steps, each has its answer
      if (one.name.includes("initial") && protocol === "text") write(peer, bytesOf(`${lines.shift()}\r\n`))
      else if (heard.length === sent.length) write(peer, bytesOf(answer))
    })
    const kv = yield* KvClient.make({ ...server, protocol })
    const exit = yield* Effect.exit(one.does(kv))
    assert.deepStrictEqual(outcome(exit), protocol === "text" && "inText" in one ? one.inText : one.outcome, `${one.name}, ${protocol}`)
    if (protocol !== "binary") assert.strictEqual(heard, sent, `${one.name}, ${protocol}`)
    const { inFlight } = yield* kv.counters
    assert.strictEqual(inFlight, 0)
  })

const requestsOf = (text: string): ReadonlyArray<Gen.Request> => {
  const bytes = bytesOf(text)
  const requests: Array<Gen.Request> = []
  for (let at = 0; at < bytes.length;) {
    const size = 24 + new DataView(bytes.buffer).getUint32(at + 8)
    requests.push(Gen.decodeRequest(new Reader(bytes.slice(at, at + size)), 0))
    at += size
  }
  return requests
}

describe("every command", () => {
  for (const protocol of ["meta", "text", "binary"] as const) {
    it.live(`has the same outcome, and sends what it should: ${protocol}`, () =>
      Effect.forEach(cases, (one) => Effect.scoped(perform(one, protocol, (peer, answer) => void peer.write(answer))), { discard: true }))

    it.live(`has the same outcome wherever its answer is cut: ${protocol}`, () =>
      Effect.forEach(cases, (one) =>
        Effect.scoped(perform(one, protocol, (peer, answer) => {
          for (const byte of answer) peer.write(Uint8Array.of(byte))
        })), { discard: true }))
  }
})

describe("answers that are late", () => {
  const late = { meta: "VA 2 c7 f5\r\nxy\r\n", text: "VALUE k 5 2 7\r\nxy\r\nEND\r\n" }
  for (const protocol of ["meta", "text"] as const) {
    for (let cut = 0; cut <= late[protocol].length; cut++) {
      it.live(`are nobody else's, after ${cut} bytes: ${protocol}`, () =>
        Effect.gen(function*() {
          const answer = late[protocol]
          let requests = 0
          const server = played((_, peer) => {
            if (requests++ === 0) peer.write(bytesOf(answer.slice(0, cut)))
            else peer.write(bytesOf(answer.slice(cut) + answer.replace("xy", "ab")))
          })
          const kv = yield* KvClient.make({ ...server, protocol })
          const first = yield* Effect.exit(kv.get("k", { timeout: cut === answer.length ? "1 second" : "5 millis" }))
          assert.deepStrictEqual(outcome(first), cut === answer.length ? ["xy", 5, 7n] : "RequestTimeout")
          assert.deepStrictEqual(outcome(yield* Effect.exit(kv.get("k"))), ["ab", 5, 7n])
          assert.strictEqual((yield* kv.counters).reconnects, 0)
        }))
    }
  }

  const many = {
    meta: "VA 2 c7 f5 O0\r\nxy\r\nVA 2 c7 f5 O1\r\nxy\r\nMN\r\n",
    text: "VALUE a 5 2 7\r\nxy\r\nVALUE b 5 2 7\r\nxy\r\nEND\r\n"
  }
  for (const protocol of ["meta", "text", "binary"] as const) {
    it.live(`to many keys are all dropped, and the next request has its own: ${protocol}`, () =>
      Effect.gen(function*() {
        let held: Array<Uint8Array> = []
        const server = played((text, peer) => {
          if (protocol !== "binary") {
            if (text.startsWith("mg a") || text.startsWith("gets a")) held.push(bytesOf(many[protocol]))
            else for (const one of [...held.splice(0), bytesOf(protocol === "meta" ? "MN\r\n" : "VERSION 1\r\n")]) peer.write(one)
            return
          }
          for (const request of requestsOf(text)) {
            const { _tag, opaque } = request
            if (_tag === "GetKQ") {
              held.push(
                encodeWith((writer) =>
                  Gen.encodeGetKQResponse(writer, { opaque, key: request.key, flags: 0, cas: 1n, value: bytesOf("x") })
                )
              )
            } else held.push(stored(request))
          }
          // the barrier of the batch alone is not answered yet
          if (held.length > 3) {
            for (const one of held) peer.write(one)
            held = []
          }
        })
        const kv = yield* KvClient.make({ ...server, protocol })
        assert.strictEqual(outcome(yield* Effect.exit(kv.getMany(["a", "b"], { timeout: "10 millis" }))), "RequestTimeout")
        yield* kv.noop
        const { inFlight, lateAnswers, reconnects } = yield* kv.counters
        assert.deepStrictEqual([inFlight, lateAnswers > 0, reconnects], [0, true, 0])
      }))
  }
})

describe("many keys in lines of text", () => {
  it("of at most 2 048 bytes, each as full as it may be", () => {
    for (const size of [1, 7, 100, 250]) {
      const keys = Array.from({ length: 3_000 }, (_, i) => String(i).padStart(size, "k").slice(-size))
      const lines = linesOf(keys)
      assert.deepStrictEqual(lines.flat(), keys)
      const lengths = lines.map((some) => `gets ${some.join(" ")}\r\n`.length)
      assert.isTrue(Math.max(...lengths) <= 2_048)
      assert.isTrue(lengths.slice(0, -1).every((length) => length + size + 1 > 2_048))
    }
    // 2 048 bytes exactly, and one more
    const exact = [..."k".repeat(7)].map((one) => one.repeat(250)).concat("k".repeat(2_048 - 6 - 7 * 251 - 1))
    assert.strictEqual(`gets ${exact.join(" ")}\r\n`.length, 2_048)
    assert.strictEqual(linesOf(exact).length, 1)
    assert.strictEqual(linesOf([...exact.slice(0, -1), `${exact.at(-1)}k`]).length, 2)
  })

  it.live("whose answers are collected from all lines, and refusals wait for the last", () =>
    Effect.gen(function*() {
      const keys = Array.from({ length: 1_000 }, (_, i) => `key-${String(i).padStart(8, "0")}`)
      let refuse = false
      let heard = ""
      const server = played((text, peer) => {
        heard += text
        const lines = heard.split("\r\n")
        heard = lines.pop()!
        for (const line of lines) {
          const [, ...asked] = line.split(" ")
          assert.isTrue(line.length <= 2_046)
          if (line === "version") peer.write("VERSION 1\r\n")
          else if (refuse && asked.includes(keys[0]!)) peer.write("SERVER_ERROR out of memory\r\n")
          else peer.write(`${asked.map((key) => `VALUE ${key} 0 1 1\r\nv\r\n`).join("")}END\r\n`)
        }
      })
      const kv = yield* KvClient.make({ ...server, protocol: "text" })
      assert.strictEqual((yield* kv.getMany(keys)).size, 1_000)
      refuse = true
      assert.strictEqual(outcome(yield* Effect.exit(kv.getMany(keys))), "OutOfMemory")
      yield* kv.noop
      assert.strictEqual((yield* kv.counters).lateAnswers, 0)
    }))
})

describe("what a client speaks", () => {
  it("is meta from 1.6.10 on", () => {
    const versions = { "1.4.39": false, "1.5.22": false, "1.6.9": false, "1.6.10": true, "1.6.45": true, "1.7.0": true, "2.0.0": true }
    for (const [version, meta] of Object.entries(versions)) assert.strictEqual(isMeta(version), meta, version)
    for (const version of [undefined, "", "mcrouter 1.0", "unknown"]) assert.isFalse(isMeta(version))
  })

  const found = (answer: (text: string, peer: Duplex, connection: number) => void, options: { readonly protocol?: KvProtocol } = {}) =>
    Effect.gen(function*() {
      const heard: Array<string> = []
      const server = played((text, peer, connection) => {
        heard[connection] = (heard[connection] ?? "") + text
        answer(text, peer, connection)
      })
      const kv = yield* KvClient.make({ ...server, ...options })
      yield* Effect.exit(kv.get("k", { timeout: "20 millis" }))
      return heard
    })
  const versions = (text: string): string => "VERSION 1.6.18\r\n".repeat(text.split("version").length - 1)

  it.live("is asked by three questions in 27 bytes; the answer decides", () =>
    Effect.gen(function*() {
      const question = "version\r\n".repeat(3)
      assert.deepStrictEqual(yield* found((text, peer) => void peer.write(versions(text))), [`${question}mg k c f v\r\n`])
      const old = yield* found((text, peer) => void peer.write(versions(text).replaceAll("1.6.18", "1.4.39")))
      assert.deepStrictEqual(old, [`${question}gets k\r\n`])
      assert.deepStrictEqual(yield* found((text, peer) => void peer.write(text.replaceAll("version", "ERROR"))), [`${question}gets k\r\n`])
      const [text, binary] = yield* found((_, peer, connection) => connection === 0 && void peer.end())
      assert.strictEqual(text, question)
      assert.strictEqual(binary!.charCodeAt(0), 0x80)
    }))

  it.live("is not asked when it was said", () =>
    Effect.gen(function*() {
      for (const [protocol, first] of [["meta", "mg k c f v\r\n"], ["text", "gets k\r\n"]] as const) {
        assert.deepStrictEqual(yield* found(() => {}, { protocol }), [first])
      }
    }))
})

describe("counters in text that others make and remove", () => {
  it.live("are given up in the end", () =>
    Effect.gen(function*() {
      let steps = 0
      const server = played((text, peer) => {
        steps++
        peer.write(text.startsWith("incr") ? "NOT_FOUND\r\n" : "NOT_STORED\r\n")
      })
      const kv = yield* KvClient.make({ ...server, protocol: "text" })
      assert.strictEqual(outcome(yield* Effect.exit(kv.increment("k", { initial: 1n }))), "NotFound")
      assert.strictEqual(steps, 17)
    }))

  it.live("take what somebody else made in between", () =>
    Effect.gen(function*() {
      const answers = ["NOT_FOUND\r\n", "NOT_STORED\r\n", "41\r\n"]
      const server = played((_, peer) => void peer.write(answers.shift()!))
      const kv = yield* KvClient.make({ ...server, protocol: "text" })
      assert.strictEqual((yield* kv.increment("k", { initial: 1n })).value, 41n)
    }))
})

describe("quit", () => {
  for (const protocol of ["meta", "text"] as const) {
    it.live(`takes leave without an answer: ${protocol}`, () =>
      Effect.gen(function*() {
        let heard = ""
        const server = played((text, peer) => {
          heard += text
          if (text.includes("quit")) peer.end()
        })
        const kv = yield* KvClient.make({ ...server, protocol })
        const waiting = yield* Effect.forkChild(Effect.exit(kv.get("k")), { startImmediately: true })
        yield* kv.quit
        assert.strictEqual(outcome(yield* Fiber.join(waiting)), "ConnectionLost")
        assert.isTrue(heard.endsWith("quit\r\n"))
        assert.strictEqual(outcome(yield* Effect.exit(kv.noop)), "ConnectionClosed")
      }))
  }
})
