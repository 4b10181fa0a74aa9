/** Connection strings: what they may say, what is wrong with those that are none, and that no error repeats a password. */
import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { inspect } from "node:util"
import { parseConnectionString, parseMemcachedString } from "./ConnectionString.ts"

const ok = (text: string, password?: Redacted.Redacted<string>) => Result.getOrThrow(parseConnectionString(text, password))
const reason = (text: string): string => {
  const result = parseConnectionString(text)
  return Result.isFailure(result) ? result.failure.reason : "accepted"
}

describe("connection strings", () => {
  it("have hosts, ports, a user, a bucket and options", () => {
    const target = ok("couchbases://ada:s%40crEt%2F@a.example,b:1,[::1]:2/travel-sample?network=external&kv_timeout=500&tls_verify=none")
    assert.deepStrictEqual(target.seeds, [{ host: "a.example", port: 11_207 }, { host: "b", port: 1 }, { host: "::1", port: 2 }])
    assert.deepStrictEqual([target.tls, target.user, target.bucket, target.network, target.timeout, target.verify], [
      true,
      "ada",
      "travel-sample",
      "external",
      500,
      false
    ])
    assert.strictEqual(Redacted.value(target.password!), "s@crEt/")
  })

  it("need no more than a host", () => {
    const target = ok("couchbase://127.0.0.1")
    assert.deepStrictEqual([target.tls, target.seeds, target.user, target.password, target.bucket, target.mechanisms, target.verify], [
      false,
      [{ host: "127.0.0.1", port: 11_210 }],
      undefined,
      undefined,
      undefined,
      undefined,
      true
    ])
    assert.strictEqual(ok("couchbase://h:12000=mcd/").seeds[0].port, 12_000)
  })

  it("take the password from elsewhere unless they have one", () => {
    const elsewhere = Redacted.make("elsewhere")
    assert.strictEqual(Redacted.value(ok("couchbase://u@h/b", elsewhere).password!), "elsewhere")
    assert.strictEqual(Redacted.value(ok("couchbase://u:own@h/b", elsewhere).password!), "own")
    assert.strictEqual(Redacted.value(ok("couchbase://u:@h/b", elsewhere).password!), "")
  })

  it("name mechanisms in two ways", () => {
    assert.deepStrictEqual(ok("couchbase://h?allowed_sasl_mechanisms=SCRAM-SHA512,PLAIN").mechanisms, ["SCRAM-SHA512", "PLAIN"])
    assert.deepStrictEqual(ok("couchbase://h?sasl_mech_force=PLAIN").mechanisms, ["PLAIN"])
  })

  it("name the records that say where the nodes are, as one host without a port", () => {
    const name = (text: string) => ok(text).srv
    assert.strictEqual(name("couchbase://cb.example"), "_couchbase._tcp.cb.example")
    assert.strictEqual(name("couchbases://u:p@cb.example/b?kv_timeout=1"), "_couchbases._tcp.cb.example")
    assert.strictEqual(name("couchbase://intranet?enable_dns_srv=true"), "_couchbase._tcp.intranet")
    for (
      const text of [
        "couchbase://cb.example:11210",
        "couchbase://a.example,b.example",
        "couchbase://127.0.0.1",
        "couchbase://[::1]",
        "couchbase://localhost",
        "couchbase://app.LocalHost",
        "couchbase://cb.example?enable_dns_srv=false",
        "couchbase://cb.example?enable_dns_srv=off"
      ]
    ) assert.strictEqual(name(text), undefined, text)
    // four numbers are an address only up to 255
    assert.strictEqual(name("couchbase://1.2.3.255"), undefined)
    assert.strictEqual(name("couchbase://1.2.3.256"), "_couchbase._tcp.1.2.3.256")
  })

  it("name a group of servers, and the files of a client certificate", () => {
    assert.strictEqual(ok("couchbase://h?server_group=group%201").serverGroup, "group 1")
    assert.strictEqual(ok("couchbase://h").serverGroup, undefined)
    const files = { certificate: "/a b.pem", key: "k.pem" }
    assert.deepStrictEqual(ok("couchbases://h?certpath=/a%20b.pem&keypath=k.pem").clientCertificate, files)
    assert.strictEqual(ok("couchbases://h").clientCertificate, undefined)
  })

  it("say which option may have been meant", () => {
    const said = (text: string) => {
      const result = parseConnectionString(text)
      return Result.isFailure(result) ? result.failure.message : "accepted"
    }
    assert.include(said("couchbase://h?servergroup=a"), "did you mean server_group?")
    assert.include(said("couchbase://h?kv_timeuot=5"), "did you mean kv_timeout?")
    assert.notInclude(said("couchbase://h?bogus=1"), "did you mean")
    assert.include(said("couchbase://h?bogus=1"), "trust_certificate")
  })

  const wrong: ReadonlyArray<readonly [text: string, reason: string]> = [
    ["", "Scheme"],
    ["127.0.0.1", "Scheme"],
    ["http://h", "Scheme"],
    ["couchbase:/h", "Scheme"],
    ["couchbase://", "Host"],
    ["couchbase://a,,b", "Host"],
    ["couchbase://ho st", "Host"],
    ["couchbase://::1", "Host"],
    ["couchbase://h:0", "Port"],
    ["couchbase://h:65536", "Port"],
    ["couchbase://h:99999999", "Port"],
    ["couchbase://h:x", "Port"],
    ["couchbase://h:1=http", "Port"],
    ["couchbase://@h", "User"],
    ["couchbase://:secret@h", "User"],
    ["couchbase://u:%zz@h", "User"],
    ["couchbase://h/a/b", "Bucket"],
    [`couchbase://h/${"b".repeat(101)}`, "Bucket"],
    ["couchbase://h?bogus=1", "Option"],
    ["couchbase://h?kv_timeout=0", "Option"],
    ["couchbase://h?tls_verify=maybe", "Option"],
    ["couchbase://h?enable_dns_srv=maybe", "Option"],
    ["couchbase://h?server_group=", "Option"],
    ["couchbases://h?certpath=a.pem", "Option"],
    ["couchbases://h?keypath=a.pem", "Option"],
    ["couchbases://h?certpath=&keypath=", "Option"],
    ["couchbase://h?certpath=a.pem&keypath=b.pem", "Option"]
  ]
  for (const [text, why] of wrong) it(`${text.slice(0, 40) || "nothing"} is refused: ${why}`, () => assert.strictEqual(reason(text), why))

  it("ports and buckets are accepted up to their limits", () => {
    for (const text of ["couchbase://h:1", "couchbase://h:65535", `couchbase://h/${"b".repeat(100)}`]) {
      assert.strictEqual(reason(text), "accepted")
    }
  })

  it("show no password, neither when they are read nor when they are refused", () => {
    for (
      const text of [
        "couchbase://u:hunter2@h/b",
        "couchbase://u:hunter2@h:x/b",
        "couchbase://u:hunter2@h/b?x=1",
        "couchbase://u:hunter2@@h"
      ]
    ) {
      const result = parseConnectionString(text)
      assert.notInclude(inspect(result, { depth: 9 }) + JSON.stringify(result), "hunter2", text)
    }
  })
})

describe("connection strings of memcached", () => {
  const ok = (text: string) => Result.getOrThrow(parseMemcachedString(text))
  const reason = (text: string) => {
    const result = parseMemcachedString(text)
    return Result.isFailure(result) ? result.failure.reason : "accepted"
  }

  it("name a host, or a Unix socket", () => {
    assert.deepInclude(ok("memcacheds://h:1"), { tls: true, seeds: [{ host: "h", port: 1 }], path: undefined, protocol: undefined })
    assert.deepInclude(ok("memcached+unix:///run/mem%20cached.sock"), { tls: false, path: "/run/mem cached.sock", user: undefined })
    const signed = ok("memcached+unix://u%40x:s3@/run/m?allowed_sasl_mechanisms=PLAIN&protocol=text")
    assert.deepInclude(signed, { path: "/run/m", user: "u@x", mechanisms: ["PLAIN"], protocol: "text" })
    assert.strictEqual(Redacted.value(signed.password!), "s3")
  })

  it("name a protocol", () => {
    for (const protocol of ["auto", "meta", "text", "binary"]) {
      assert.strictEqual(ok(`memcached://h?protocol=${protocol}`).protocol, protocol)
    }
    assert.strictEqual(reason("memcached://h?protocol=udp"), "Option")
    assert.isTrue(Result.isFailure(parseConnectionString("couchbase://h?protocol=text")))
  })

  it("take the files of a client certificate, and nothing that only Couchbase has", () => {
    assert.deepStrictEqual(ok("memcacheds://h?certpath=c&keypath=k").clientCertificate, { certificate: "c", key: "k" })
    assert.strictEqual(ok("memcached://cache.example").srv, undefined)
    assert.strictEqual(reason("memcached://h?server_group=a"), "Option")
    assert.strictEqual(reason("memcached://h?enable_dns_srv=true"), "Option")
  })

  for (
    const [text, why] of [
      ["memcached://a,b", "Host"],
      ["memcached://a/b", "Bucket"],
      ["memcached://", "Host"],
      ["memcached+unix://", "Host"],
      ["memcached+unix://relative", "Host"],
      ["memcached+unix:///", "Host"],
      ["memcached+unix:///%zz", "Host"],
      ["memcached+unix:///a%00b", "Host"],
      ["memcached+unix://@/a", "User"],
      ["memcached+unix:///a?bogus=1", "Option"]
    ] as const
  ) it(`${text} is refused: ${why}`, () => assert.strictEqual(reason(text), why))
})
