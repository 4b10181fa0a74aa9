/**
 * Certificates: whom a client trusts, what it says of those it does not, and signing in with one. Files by OpenSSL, see `test/fixtures/tls`.
 */
import { assert, describe, it } from "@effect/vitest"
import {
  type CertificateError,
  type ConnectionStringError,
  KvClient,
  type KvError,
  parseConnectionString,
  tlsOfTarget
} from "@wirewright/couchbase"
import { serveCouchbase } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { createHash, X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { getCACertificates } from "node:tls"

const path = (name: string): string => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url))
const pem = (name: string): string => readFileSync(path(name), "utf8")
const pair = (name: string) => ({ cert: pem(`${name}.crt`), key: pem(`${name}.key`) })

const app = { name: "app", password: Redacted.make("secret") }
const node = (server: string, more: object = {}) =>
  serveCouchbase({ tls: { ...pair(server), ...more }, users: [app], buckets: [{ name: "default", vbuckets: 4 }], managementPort: false })
const askingForCertificates = { requestCert: true, ca: pem("authority.crt") }

const shows = (name: string, key = `${name}.key`): string => `certpath=${path(`${name}.crt`)}&keypath=${path(key)}`
const trusts = (name = "authority"): string => `trust_certificate=${path(`${name}.crt`)}`

/** What comes of connecting, and of one write. */
const outcome = (url: string): Effect.Effect<string> =>
  Effect.scoped(Effect.flatMap(KvClient.makeUrl(url), (kv) => kv.upsert("k", 1))).pipe(
    Effect.match({
      onSuccess: () => "written",
      onFailure: (error: KvError | ConnectionStringError | CertificateError) => {
        const { reason } = error
        if (typeof reason === "string") return reason
        return reason._tag === "CertificateRefused" ? `${reason._tag}: ${reason.by}, ${reason.problem}` : reason._tag
      }
    })
  )

describe("a server's certificate", () => {
  for (
    const [server, trusted, expected] of [
      ["server", "authority", "written"],
      ["server-expired", "authority", "CertificateRefused: this side, Expired"],
      ["server-future", "authority", "CertificateRefused: this side, NotYetValid"],
      ["server-elsewhere", "authority", "CertificateRefused: this side, WrongName"],
      ["server", "localhost", "CertificateRefused: this side, Untrusted"],
      ["localhost", "authority", "CertificateRefused: this side, Untrusted"]
    ] as const
  ) {
    it.live(`${server}, where ${trusted} is trusted: ${expected}`, () =>
      Effect.scoped(Effect.gen(function*() {
        const { port } = yield* node(server)
        const target = `couchbases://app:secret@localhost:${port}/default`
        assert.strictEqual(yield* outcome(`${target}?${trusts(trusted)}`), expected)
        assert.strictEqual(yield* outcome(`${target}?${trusts(trusted)}&tls_verify=none`), "written")
      })))
  }

  it.live("of an authority that nobody knows is refused without trust_certificate", () =>
    Effect.scoped(Effect.gen(function*() {
      const { port } = yield* node("server")
      const expected = "CertificateRefused: this side, Untrusted"
      assert.strictEqual(yield* outcome(`couchbases://app:secret@localhost:${port}/default`), expected)
    })))
})

describe("a client's certificate", () => {
  const sign = (query: string, user = "") =>
    Effect.scoped(Effect.flatMap(
      node("server", askingForCertificates),
      ({ port }) => outcome(`couchbases://${user}localhost:${port}/default?${trusts()}${query}`)
    ))

  it.live("signs in the user whose name it has", () =>
    Effect.map(sign(`&${shows("client")}`), (found) => assert.strictEqual(found, "written")))

  it.live("signs nobody in who is no user", () =>
    Effect.map(sign(`&${shows("client-stranger")}`), (found) => assert.strictEqual(found, "NotReady")))

  it.live("goes together with a user and a password", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* sign(`&${shows("client-stranger")}`, "app:secret@"), "written")
      assert.strictEqual(yield* sign(`&${shows("client")}`, "app:wrong@"), "NotReady")
    }))

  it.live("is missed by a server that wants one", () =>
    Effect.map(sign("", "app:secret@"), (found) => assert.strictEqual(found, "CertificateRefused: the peer, Missing")))

  for (
    const [query, expected] of [
      [shows("client-expired"), "Expired"],
      [shows("client-future"), "NotYetValid"],
      [shows("client", "client-stranger.key"), "OtherKey"],
      [shows("client", "client-locked.key"), "NoKey"],
      [shows("client", "client.crt"), "NoKey"],
      [`certpath=${path("README.md")}&keypath=${path("client.key")}`, "NoCertificate"],
      [shows("nothing"), "Unreadable"],
      [`trust_certificate=${path("README.md")}`, "NoCertificate"],
      [`trust_certificate=${path("nothing")}`, "Unreadable"]
    ] as const
  ) {
    it.live(`is refused before anything is sent: ${query.replaceAll(path(""), "")}`, () =>
      Effect.map(outcome(`couchbases://localhost:1/default?${query}`), (found) => assert.strictEqual(found, expected)))
  }

  it.effect("is looked at by the clock of the program", () =>
    Effect.gen(function*() {
      const target = Result.getOrThrow(parseConnectionString(`couchbases://h?${shows("client-expired")}`))
      yield* TestClock.setTime(Date.UTC(2021, 0, 1))
      assert.isDefined(yield* tlsOfTarget(target))
      yield* TestClock.adjust(1)
      assert.strictEqual((yield* Effect.flip(tlsOfTarget(target))).reason, "Expired")
      yield* TestClock.setTime(Date.UTC(2020, 0, 1) - 1)
      assert.strictEqual((yield* Effect.flip(tlsOfTarget(target))).reason, "NotYetValid")
    }))
})

describe("the authority of managed clusters", () => {
  const authorities = (url: string) =>
    Effect.map(tlsOfTarget(Result.getOrThrow(parseConnectionString(url))), (tls) => tls?.ca as ReadonlyArray<string> | string | undefined)

  it.effect("is trusted for their hosts, beside what is trusted anyway", () =>
    Effect.gen(function*() {
      const found = yield* authorities("couchbases://cb.abc.cloud.couchbase.com")
      assert.deepStrictEqual(found?.slice(0, -1), getCACertificates())
      const added = new X509Certificate(found!.at(-1)!)
      // the fingerprint of the certificate that gocbcore and couchbase-cxx-client bring, by `openssl x509 -fingerprint -sha256`
      assert.strictEqual(
        createHash("sha256").update(added.raw).digest("hex"),
        "d0937e9c934b2dab94ed7a4b91c548e79eecca992b27ab6d2620807e68657c0e"
      )
      assert.isTrue(added.ca && added.verify(added.publicKey))
    }))

  it.effect("is trusted for no other hosts, and not where a file says whom to trust", () =>
    Effect.gen(function*() {
      for (const host of ["cb.example", "cloud.couchbase.com.example", "evilcloud.couchbase.com", "couchbase.com"]) {
        assert.strictEqual(yield* authorities(`couchbases://${host}`), undefined, host)
      }
      assert.strictEqual(yield* authorities(`couchbases://cb.abc.cloud.couchbase.com?${trusts()}`), pem("authority.crt"))
    }))
})
