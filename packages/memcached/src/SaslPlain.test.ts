/** PLAIN: the examples of RFC 4616 section 4, what is refused, and that nothing shows a password. */
import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { inspect } from "node:util"
import { plainMessage, readPlain } from "./SaslPlain.ts"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const reason = <A>(result: Result.Result<A, { readonly reason: string }>): string =>
  Result.isFailure(result) ? result.failure.reason : "Success"

describe("PLAIN", () => {
  it("says what RFC 4616 says", () => {
    const message = plainMessage({ user: "tim", password: Redacted.make("tanstaaftanstaaf"), tls: true })
    assert.deepStrictEqual(Result.getOrThrow(message), bytes("\0tim\0tanstaaftanstaaf"))
  })

  it("reads what RFC 4616 says, with and without an authorization id", () => {
    const own = Result.getOrThrow(readPlain(bytes("\0tim\0tanstaaftanstaaf")))
    assert.deepStrictEqual([own.authorizationId, own.user, Redacted.value(own.password)], ["", "tim", "tanstaaftanstaaf"])
    const other = Result.getOrThrow(readPlain(bytes("Ursel\0Kurt\0xipj3plmq")))
    assert.deepStrictEqual([other.authorizationId, other.user, Redacted.value(other.password)], ["Ursel", "Kurt", "xipj3plmq"])
  })

  it("stays off the clear unless asked", () => {
    const options = { user: "tim", password: Redacted.make("secret"), tls: false }
    assert.strictEqual(reason(plainMessage(options)), "NeedsTls")
    assert.strictEqual(reason(plainMessage({ ...options, allowWithoutTls: false })), "NeedsTls")
    assert.strictEqual(reason(plainMessage({ ...options, allowWithoutTls: true })), "Success")
  })

  it("refuses what cannot be told apart on the wire", () => {
    for (const [user, password] of [["", "p"], ["a\0b", "p"], ["a", "p\0q"]]) {
      assert.strictEqual(reason(plainMessage({ user: user!, password: Redacted.make(password!), tls: true })), "InvalidCredentials")
    }
    for (const message of ["", "tim", "tim\0secret", "\0\0secret", "\0tim\0secret\0"]) {
      assert.strictEqual(reason(readPlain(bytes(message))), "MalformedMessage", JSON.stringify(message))
    }
    assert.strictEqual(reason(readPlain(Uint8Array.of(0, 0xff, 0, 0x61))), "MalformedMessage")
  })

  it("shows no password", () => {
    const shown = [readPlain(bytes("\0tim\0s3cr3t")), plainMessage({ user: "", password: Redacted.make("s3cr3t"), tls: true })]
    for (const value of shown) assert.isFalse(`${inspect(value, { depth: 9 })}${JSON.stringify(value)}`.includes("s3cr3t"))
  })
})
