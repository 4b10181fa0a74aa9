/**
 * SCRAM against the examples of RFC 5802 section 5 (SHA-1) and RFC 7677 section 3 (SHA-256); the SHA-512 exchange was computed with
 * Python's hashlib. Both sides, every way to fail, limits at ±1.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { decodeBase64, encodeBase64 } from "./Base64.ts"
import {
  readServerFirst,
  clientFinal,
  clientFirst,
  verifyServerFinal,
  fewestIterations,
  maxIterations,
  prepare,
  scramKeys,
  type ScramMechanism,
  serverFirst,
  serverFinal,
  readClientFirst
} from "./Scram.ts"
import { nodeCrypto, saltedPassword } from "./ScramCrypto.ts"

const vectors: ReadonlyArray<{
  readonly origin: string
  readonly mechanism: ScramMechanism
  readonly clientNonce: string
  readonly serverNonce: string
  readonly salt: string
  readonly first: string
  readonly challenge: string
  readonly final: string
  readonly verified: string
}> = [
  {
    origin: "RFC 5802 section 5",
    mechanism: "SCRAM-SHA1",
    clientNonce: "fyko+d2lbbFgONRv9qkxdawL",
    serverNonce: "3rfcNHYJY1ZVvWVs7j",
    salt: "QSXCR+Q6sek8bf92",
    first: "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    challenge: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    final: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    verified: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
  },
  {
    origin: "RFC 7677 section 3",
    mechanism: "SCRAM-SHA256",
    clientNonce: "rOprNGfwEbeRWgbNEkqO",
    serverNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
    salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
    first: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    challenge: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    final: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    verified: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
  },
  {
    origin: "Python's hashlib, with a nonce that has spaces",
    mechanism: "SCRAM-SHA512",
    clientNonce: "0xffffffe1 0x2d",
    serverNonce: "srv nonce",
    salt: "c2FsdHNhbHRzYWx0",
    first: "n,,n=user,r=0xffffffe1 0x2d",
    challenge: "r=0xffffffe1 0x2dsrv nonce,s=c2FsdHNhbHRzYWx0,i=4096",
    final: "c=biws,r=0xffffffe1 0x2dsrv nonce,p=LGyKa9PwBeE7xe9MtnjweyItVUTvv9XPui1tV4S7UL7MLfXT3PFugbNRer4N/AdvkoRM+1Cv/AQc8kXvW07wLg==",
    verified: "v=2Y5nN40lXftv8MdI5qEXlxzP2M59Gl8zQmZwp6q9avK6zGkMiDHrWpEbAK+BWE4TVfT7xRqCk5gvUqJSdeNy3A=="
  }
]

const password = Redacted.make("pencil")
const ok = <A, E>(result: Result.Result<A, E>): A => Result.getOrThrow(result)
const reason = <A>(result: Result.Result<A, { readonly reason: string }>): string =>
  Result.isFailure(result) ? result.failure.reason : "Success"

describe.each(vectors)("$mechanism ($origin)", (vector) => {
  const first = ok(clientFirst(vector.mechanism, "user", vector.clientNonce))
  const salt = decodeBase64(vector.salt)!

  it.effect("the client says what the example says", () =>
    Effect.gen(function*() {
      assert.strictEqual(first.message, vector.first)
      const challenge = ok(readServerFirst(first, vector.challenge))
      const final = clientFinal(
        nodeCrypto,
        challenge,
        yield* saltedPassword(vector.mechanism, password, challenge.salt, challenge.iterations)
      )
      assert.strictEqual(final.message, vector.final)
      assert.strictEqual(reason(verifyServerFinal(final, vector.verified)), "Success")
      const wrong = `v=${encodeBase64(decodeBase64(vector.verified.slice(2))!.map((byte, at) => at === 0 ? byte ^ 1 : byte))}`
      assert.strictEqual(reason(verifyServerFinal(final, wrong)), "ServerSignatureMismatch")
      assert.strictEqual(reason(verifyServerFinal(final, vector.verified.slice(0, -4))), "ServerSignatureMismatch")
      assert.strictEqual(reason(verifyServerFinal(final, "")), "MalformedMessage")
      assert.strictEqual(reason(verifyServerFinal(final, "e=invalid-proof")), "RefusedByServer")
    }))

  it.effect("the server says what the example says", () =>
    Effect.gen(function*() {
      const read = ok(readClientFirst(vector.mechanism, vector.first))
      assert.strictEqual(read.user, "user")
      const challenge = serverFirst(read, vector.serverNonce, salt, 4096)
      assert.strictEqual(challenge.message, vector.challenge)
      const keys = scramKeys(nodeCrypto, vector.mechanism, yield* saltedPassword(vector.mechanism, password, salt, 4096))
      assert.strictEqual(ok(serverFinal(nodeCrypto, challenge, keys, vector.final)), vector.verified)
      const other = scramKeys(nodeCrypto, vector.mechanism, yield* saltedPassword(vector.mechanism, Redacted.make("pencil "), salt, 4096))
      assert.strictEqual(reason(serverFinal(nodeCrypto, challenge, other, vector.final)), "ProofMismatch")
      assert.strictEqual(reason(serverFinal(nodeCrypto, challenge, keys, vector.final.replace("biws", "eSws"))), "MalformedMessage")
      assert.strictEqual(reason(serverFinal(nodeCrypto, challenge, keys, vector.final.replace(",p=", "x,p="))), "NonceMismatch")
      assert.strictEqual(reason(serverFinal(nodeCrypto, challenge, keys, vector.final.slice(0, -4))), "MalformedMessage")
      for (const cut of ["", "c=biws", "c=biws,r=x", "c,r,p", "p=AAAA"]) {
        assert.strictEqual(reason(serverFinal(nodeCrypto, challenge, keys, cut)), "MalformedMessage", cut)
      }
    }))
})

describe("the client's challenge", () => {
  const first = ok(clientFirst("SCRAM-SHA512", "user", "abc"))
  const challenged = (message: string) => reason(readServerFirst(first, message))

  it("has iteration counts within limits, at ±1", () => {
    const counted = (count: number | string) => challenged(`r=abcdef,s=QSXCR+Q6sek8bf92,i=${count}`)
    assert.strictEqual(counted(fewestIterations - 1), "IterationsTooFew")
    assert.strictEqual(counted(fewestIterations), "Success")
    assert.strictEqual(counted(maxIterations), "Success")
    assert.strictEqual(counted(maxIterations + 1), "IterationsTooMany")
    for (const count of ["0", "-1", "4096.5", "0x1000", "99999999999", "", " 4096"]) {
      assert.strictEqual(counted(count), "MalformedMessage", count)
    }
  })

  it("continues the client's nonce", () => {
    assert.strictEqual(challenged("r=abd,s=QSXCR+Q6sek8bf92,i=4096"), "NonceMismatch")
    assert.strictEqual(challenged("r=abc,s=QSXCR+Q6sek8bf92,i=4096"), "NonceMismatch")
    assert.strictEqual(challenged("r=xabcd,s=QSXCR+Q6sek8bf92,i=4096"), "NonceMismatch")
  })

  it("is complete and in order; unknown attributes after are passed over, mandatory ones in front refused", () => {
    assert.strictEqual(challenged("r=abcd,s=QSXCR+Q6sek8bf92,i=4096,x=whatever"), "Success")
    assert.strictEqual(challenged("m=ext,r=abcd,s=QSXCR+Q6sek8bf92,i=4096"), "ExtensionUnsupported")
    assert.strictEqual(challenged("e=unknown-user"), "RefusedByServer")
    for (
      const message of ["", "r=abcd", "s=QSXCR+Q6sek8bf92,r=abcd,i=4096", "r=abcd,s=,i=4096", "r=abcd,s=?,i=4096", "r=abcd,s=QQ=,i=4096"]
    ) {
      assert.strictEqual(challenged(message), "MalformedMessage", message)
    }
  })
})

describe("the server's reading", () => {
  it("takes escaped names, an authorization id, and clients that could bind but do not", () => {
    assert.strictEqual(ok(readClientFirst("SCRAM-SHA1", ok(clientFirst("SCRAM-SHA1", "a,b=c", "n")).message)).user, "a,b=c")
    assert.strictEqual(ok(readClientFirst("SCRAM-SHA1", "n,a=other,n=user,r=n")).user, "user")
    assert.strictEqual(ok(readClientFirst("SCRAM-SHA1", "y,,n=user,r=n")).user, "user")
  })

  it("names what is wrong", () => {
    const read = (message: string) => reason(readClientFirst("SCRAM-SHA1", message))
    assert.strictEqual(read("p=tls-unique,,n=user,r=n"), "ChannelBindingUnsupported")
    assert.strictEqual(read("n,,m=x,n=user,r=n"), "ExtensionUnsupported")
    for (
      const message of [
        "",
        "n,",
        "x,,n=user,r=n",
        "n,b=c,n=user,r=n",
        "n,,n=user",
        "n,,n=,r=n",
        "n,,n=user,r=",
        "n,,n=a=b,r=n",
        "n,,r=n,n=u"
      ]
    ) {
      assert.strictEqual(read(message), "MalformedMessage", message)
    }
  })
})

describe("users and passwords", () => {
  it("are printable ASCII; anything else is refused by name and not repeated", () => {
    assert.strictEqual(ok(prepare(" ~", "password")), " ~")
    for (
      const [text, why] of [["\u001f", "ControlCharacter"], ["\u007f", "ControlCharacter"], ["pässword", "NotAscii"], [
        "\u0080",
        "NotAscii"
      ]]
    ) {
      const result = prepare(text!, "password")
      assert.strictEqual(reason(result), why)
      if (Result.isFailure(result)) assert.isFalse(String(result.failure).includes(text!))
    }
    assert.strictEqual(reason(clientFirst("SCRAM-SHA1", "ü", "n")), "NotAscii")
    assert.strictEqual(reason(clientFirst("SCRAM-SHA1", "u", "")), "MalformedMessage")
    assert.strictEqual(reason(clientFirst("SCRAM-SHA1", "u", "a,b")), "MalformedMessage")
  })

  it.effect("refuse before anything is derived", () =>
    Effect.map(
      Effect.flip(saltedPassword("SCRAM-SHA1", Redacted.make("é"), Uint8Array.of(1), 4096)),
      (error) => assert.strictEqual(error.reason, "NotAscii")
    ))
})

describe("base64", () => {
  it("is RFC 4648's test vectors, both ways", () => {
    const pairs = [["", ""], ["f", "Zg=="], ["fo", "Zm8="], ["foo", "Zm9v"], ["foob", "Zm9vYg=="], ["fooba", "Zm9vYmE="], [
      "foobar",
      "Zm9vYmFy"
    ]]
    for (const [text, encoded] of pairs) {
      assert.strictEqual(encodeBase64(new TextEncoder().encode(text)), encoded)
      assert.strictEqual(new TextDecoder().decode(decodeBase64(encoded!)), text)
    }
    assert.deepStrictEqual(decodeBase64("+/+/"), Uint8Array.of(0xfb, 0xff, 0xbf))
  })

  it("has one form only", () => {
    for (const text of ["Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z m9", "Zm9v\n", "Zm-_", "=Zm9", "Zm==Zm8="]) {
      assert.isUndefined(decodeBase64(text), text)
    }
  })
})
