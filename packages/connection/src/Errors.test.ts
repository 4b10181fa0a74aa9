/** Errors cross processes: what another process reads from JSON is of the same class, with the same fields and the same words. */
import { DecodeError } from "@wirewright/codec"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { StatusError } from "./Client.ts"
import {
  CertificateRefused,
  ConnectFailed,
  ConnectionClosed,
  ConnectionError,
  ConnectionLost,
  type ConnectionReason,
  ConnectTimeout,
  LimitExceeded,
  ListenFailed,
  PeerMisbehaved,
  PeerStalled,
  RequestTimeout,
  stackless
} from "./Errors.ts"

/** What another process reads of what this one wrote. */
const across = <A>(schema: Schema.Codec<A, unknown>, error: A): A => {
  const json = Schema.toCodecJson(schema)
  return Schema.decodeUnknownSync(json)(JSON.parse(JSON.stringify(Schema.encodeSync(json)(error))))
}

const decodeError = new DecodeError({
  reason: "Length",
  packet: "Get",
  path: "key",
  offset: 24,
  expected: "3 bytes",
  got: "2 bytes",
  incomplete: false
})

const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" })

const reasons: { readonly [Tag in ConnectionReason["_tag"]]: readonly [reason: Extract<ConnectionReason, { _tag: Tag }>, words: string] } =
  {
    ConnectFailed: [new ConnectFailed({ cause: refused }), "could not connect: connect ECONNREFUSED 127.0.0.1:1"],
    CertificateRefused: [
      new CertificateRefused({ by: "this side", problem: "Expired", cause: new Error("certificate has expired") }),
      "the server's certificate has expired: certificate has expired"
    ],
    ConnectTimeout: [new ConnectTimeout({ milliseconds: 5 }), "no connection within 5 ms"],
    ConnectionLost: [new ConnectionLost({ cause: "closed by the peer" }), "connection lost: closed by the peer"],
    ConnectionClosed: [new ConnectionClosed({ by: "quit" }), "connection closed by quit"],
    PeerMisbehaved: [new PeerMisbehaved({ message: "no packet", error: decodeError }), "peer misbehaved: no packet"],
    RequestTimeout: [new RequestTimeout({ milliseconds: 5 }), "no answer within 5 ms"],
    LimitExceeded: [new LimitExceeded({ limit: "requests in flight", max: 3 }), "more than 3 requests in flight"],
    PeerStalled: [new PeerStalled({ awaited: "bytes", milliseconds: 5 }), "no bytes within 5 ms"],
    ListenFailed: [new ListenFailed({ cause: new Error("EADDRINUSE") }), "could not listen: EADDRINUSE"]
  }

describe("an error of a connection that crossed a process", () => {
  it("is of its class and its reason's, with the same words", () => {
    for (const [reason, words] of Object.values(reasons)) {
      for (const ambiguous of [false, true]) {
        const error = new ConnectionError({ reason, address: "a:1", ambiguous })
        const there = across(ConnectionError, error)
        assert.instanceOf(there, ConnectionError)
        assert.strictEqual(there.reason.constructor, reason.constructor)
        assert.strictEqual(there.message, `a:1: ${words}${ambiguous ? " (the request may have taken effect)" : ""}`)
        assert.strictEqual(there.message, error.message)
        assert.deepStrictEqual([there.address, there.ambiguous], ["a:1", ambiguous])
      }
    }
  })

  it("has what a decoder objected to", () => {
    const { reason } = across(ConnectionError, new ConnectionError({ reason: reasons.PeerMisbehaved[0], address: "a:1", ambiguous: false }))
    const error = reason._tag === "PeerMisbehaved" ? reason.error : undefined
    assert.instanceOf(error, DecodeError)
    assert.strictEqual(error?.message, decodeError.message)
    assert.deepStrictEqual({ ...error }, { ...decodeError })
  })

  it("is JSON that others can read", () => {
    const error = new ConnectionError({ reason: reasons.RequestTimeout[0], address: "a:1", ambiguous: true })
    assert.deepStrictEqual(Schema.encodeSync(Schema.toCodecJson(ConnectionError))(error) as unknown, {
      _tag: "ConnectionError",
      reason: { _tag: "RequestTimeout", milliseconds: 5 },
      address: "a:1",
      ambiguous: true
    })
  })

  it("is read from nothing else", () => {
    const read = Schema.decodeUnknownExit(Schema.toCodecJson(ConnectionError))
    const right = { _tag: "ConnectionError", reason: { _tag: "RequestTimeout", milliseconds: 5 }, address: "a:1", ambiguous: true }
    assert.strictEqual(read(right)._tag, "Success")
    for (
      const wrong of [
        { ...right, _tag: "StatusError" },
        { ...right, ambiguous: "yes" },
        { ...right, reason: { _tag: "Tired" } },
        { ...right, reason: { _tag: "RequestTimeout" } }
      ]
    ) assert.strictEqual(read(wrong)._tag, "Failure")
  })

  it.effect("is caught by its tag and by its reason, as one that was made here", () =>
    Effect.gen(function*() {
      for (
        const error of [reasons.ConnectionLost, reasons.RequestTimeout].flatMap(([reason]) => {
          const here = new ConnectionError({ reason, address: "a:1", ambiguous: false })
          return [here, across(ConnectionError, here)]
        })
      ) {
        const failing: Effect.Effect<string, ConnectionError> = Effect.fail(error)
        assert.strictEqual(
          yield* Effect.catchTag(failing, "ConnectionError", ({ reason }) => Effect.succeed(reason._tag)),
          error.reason._tag
        )
        const lost = Effect.catchReason(failing, "ConnectionError", "ConnectionLost", ({ cause }) => Effect.succeed(`lost: ${cause}`))
        assert.strictEqual(
          yield* Effect.catch(lost, (other) => Effect.succeed(other.message)),
          error.reason._tag === "ConnectionLost" ? "lost: closed by the peer" : "a:1: no answer within 5 ms"
        )
      }
    }))
})

describe("a status that crossed a process", () => {
  it("has its command, status and what may be done, and the answer as JSON has it", () => {
    const error = new StatusError({
      command: "ThrottleTenant",
      status: 0x86,
      name: "Busy",
      retry: "retry",
      answer: { _tag: "Throttled", status: 0x86, cas: 7n },
      address: "a:1"
    })
    const there = across(StatusError, error)
    assert.instanceOf(there, StatusError)
    assert.strictEqual(there.message, "a:1: ThrottleTenant was answered with Busy")
    assert.deepStrictEqual([there.command, there.status, there.name, there.retry], ["ThrottleTenant", 0x86, "Busy", "retry"])
    assert.deepStrictEqual(there.answer, { _tag: "Throttled", status: 0x86, cas: "7n" })
  })
})

describe("an error that is made here", () => {
  it("has a stack unless it is made without, and is no other object's fields", () => {
    const make = (): ConnectionError => new ConnectionError({ reason: reasons.RequestTimeout[0], address: "a:1", ambiguous: false })
    assert.include(make().stack, "Errors.test.ts")
    assert.notInclude(stackless(make).stack ?? "", "Errors.test.ts")
    assert.deepStrictEqual(Object.keys(make()).sort(), ["_tag", "address", "ambiguous", "reason"])
    assert.strictEqual(make().name, "ConnectionError")
  })
})
