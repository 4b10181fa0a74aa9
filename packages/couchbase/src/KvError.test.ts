/** Errors of operations cross processes: what is read from JSON is of the same class, with every status's reason and the same words. */
import { ConnectTimeout } from "@wirewright/connection"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { BootstrapError } from "./Bootstrap.ts"
import { emptyErrorMap } from "./ErrorMap.ts"
import { Status } from "./gen/Types.ts"
import {
  FeatureMissing,
  InvalidRequest,
  InvalidValue,
  KvError,
  kvError,
  type KvReason,
  NoActiveNode,
  NotReady,
  PathFailed,
  statusReason
} from "./KvError.ts"

const json = Schema.toCodecJson(KvError)
const across = (error: KvError): KvError => Schema.decodeUnknownSync(json)(JSON.parse(JSON.stringify(Schema.encodeSync(json)(error))))

const facts = { operation: "Set", key: "k", address: "a:1", vbucket: 7, opaque: 9, status: 0x01, ambiguous: true, attempts: 3 }
const none = {
  operation: "Hello",
  key: undefined,
  address: undefined,
  vbucket: undefined,
  opaque: undefined,
  status: undefined,
  ambiguous: false,
  attempts: 1
}

const same = (reason: KvReason): KvError => {
  for (const given of [facts, none]) {
    const error = kvError(reason, given)
    const there = across(error)
    assert.instanceOf(there, KvError)
    assert.strictEqual(there.reason.constructor, reason.constructor)
    assert.strictEqual(there.message, error.message)
    assert.deepStrictEqual({ ...there, reason: undefined }, { ...error, reason: undefined })
  }
  return across(kvError(reason, facts))
}

describe("an error of an operation that crossed a process", () => {
  it("has the reason of every status, in every meaning, and of those without a name", () => {
    const contexts = [
      undefined,
      ...(["Exists", "CasMismatch", "Never"] as const).map((whenExists) => ({ operation: "Set", whenExists, xerror: true })),
      { operation: "UnlockKey", whenExists: "Never", xerror: false } as const
    ]
    const answer = { value: new TextEncoder().encode(JSON.stringify({ error: { context: "why", ref: "12" } })) }
    for (const status of [...Object.values(Status), 0xfffe]) {
      for (const context of contexts) {
        const reason = statusReason(status, emptyErrorMap, answer, context)
        assert.deepStrictEqual(same(reason).reason, reason)
      }
    }
    assert.strictEqual(
      same(statusReason(0x09)).message,
      "Set \"k\": Locked (0x0009) (after 3 attempts) (the write may have happened)"
    )
  })

  it("is that for what was not the server's doing", () => {
    const error = new BootstrapError({ reason: "NoMechanism", step: "authentication", status: undefined, message: "none" })
    const notReady = same(new NotReady({ error })).reason
    assert.instanceOf(notReady._tag === "NotReady" ? notReady.error : undefined, BootstrapError)
    same(new ConnectTimeout({ milliseconds: 5 }))
    same(new FeatureMissing({ feature: "Collections" }))
    same(new NoActiveNode({ vbucket: 7 }))
    same(new InvalidRequest({ message: "no key" }))
    same(new InvalidValue({ message: "no number", cause: new Error("Expected number") }))
    same(new PathFailed({ index: 1, path: "a.b", reason: statusReason(0xc0) }))
  })

  it("is read from no reason that there is not", () => {
    const read = Schema.decodeUnknownExit(Schema.toCodecJson(KvError))
    const written = Schema.encodeSync(Schema.toCodecJson(KvError))(kvError(statusReason(0x09), facts)) as { readonly reason: object }
    assert.strictEqual(read(written)._tag, "Success")
    assert.strictEqual(read({ ...written, reason: { ...written.reason, _tag: "KeyEnoent" } })._tag, "Failure")
  })

  it.effect("is caught by its tag and its reason", () =>
    Effect.gen(function*() {
      const failing: Effect.Effect<string, KvError> = Effect.fail(across(kvError(statusReason(0x09), facts)))
      assert.strictEqual(yield* Effect.catchTag(failing, "KvError", ({ operation }) => Effect.succeed(operation)), "Set")
      assert.strictEqual(yield* Effect.catchReason(failing, "KvError", "Locked", ({ retry }) => Effect.succeed(retry)), "retry")
    }))
})
