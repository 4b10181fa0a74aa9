/** Errors of requests cross processes: what is read from JSON is of the same class, with every status's reason and the same words. */
import { EncodeError } from "@wirewright/codec"
import { ConnectionLost, RequestTimeout } from "@wirewright/connection"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { InvalidRequest, InvalidValue, MemcachedError, NoMechanism, PasswordWithheld, reasonError, statusError } from "./KvError.ts"

const json = Schema.toCodecJson(MemcachedError)
const across = (error: MemcachedError): MemcachedError =>
  Schema.decodeUnknownSync(json)(JSON.parse(JSON.stringify(Schema.encodeSync(json)(error))))

const facts = { operation: "add", opcode: 0x02, key: "k", address: "a:1" }
const encodeError = new EncodeError({ reason: "Limit", packet: "Add", path: "key", expected: "at most 250 bytes", got: "251 bytes" })

describe("an error of a request that crossed a process", () => {
  it("is of its class and its reason's, with the same words, whatever the status", () => {
    // every status that has a name, and some that have none
    for (let status = 1; status <= 0x100; status++) {
      const error = statusError(facts, { status, value: new TextEncoder().encode(status % 2 === 0 ? "why" : "") })
      const there = across(error)
      assert.instanceOf(there, MemcachedError)
      assert.strictEqual(there.reason.constructor, error.reason.constructor)
      assert.strictEqual(there.message, error.message)
      assert.deepStrictEqual({ ...there.reason }, { ...error.reason })
    }
    assert.strictEqual(across(statusError(facts, { status: 0x02 })).message, "add \"k\" at a:1: KeyEexists (0x02)")
  })

  it("is that for what was not the server's doing", () => {
    const reasons = [
      new RequestTimeout({ milliseconds: 5 }),
      new ConnectionLost({ cause: new Error("ECONNRESET") }),
      new InvalidRequest({ message: encodeError.message, error: encodeError }),
      new InvalidRequest({ message: "no key" }),
      new InvalidValue({ message: "no number", cause: new Error("Expected number") }),
      new PasswordWithheld({ message: "no TLS" }),
      new NoMechanism({ offered: "" })
    ]
    for (const reason of reasons) {
      const error = reasonError({ ...facts, key: undefined, opcode: undefined }, reason)
      const there = across(error)
      assert.strictEqual(there.reason.constructor, reason.constructor)
      assert.strictEqual(there.message, error.message)
      assert.deepStrictEqual([there.key, there.opcode, there.ambiguous], [undefined, undefined, false])
    }
    const { reason } = across(reasonError(facts, reasons[2]!))
    assert.instanceOf(reason._tag === "InvalidRequest" ? reason.error : undefined, EncodeError)
  })

  it.effect("is caught by its tag and its reason", () =>
    Effect.gen(function*() {
      const failing: Effect.Effect<string, MemcachedError> = Effect.fail(across(statusError(facts, { status: 0x02 })))
      assert.strictEqual(yield* Effect.catchTag(failing, "MemcachedError", ({ operation }) => Effect.succeed(operation)), "add")
      assert.strictEqual(yield* Effect.catchReason(failing, "MemcachedError", "Exists", ({ name }) => Effect.succeed(name)), "KeyEexists")
    }))
})
