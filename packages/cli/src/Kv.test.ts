/** `kv` and `doctor` against nodes in this process. */
import { assert, describe, it } from "@effect/vitest"
import { defaultManifest, serveCouchbase, serveMemcachedNode, withCollection } from "@wirewright/embedded"
import { encodeErrorResponse, encodeSaslListMechsResponse } from "@wirewright/memcached/gen"
import { scripted } from "../../memcached/src/Scripted.fixture.ts"
import { type Bootstrapped, emptyErrorMap } from "@wirewright/couchbase/node"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import { type Outcome, wirewright } from "../test/RunCli.ts"
import { runHere as run } from "../test/RunHere.ts"
import { checksOfSession } from "./Doctor.ts"
import { masked } from "./DoctorCommand.ts"

const secret = "pencil"
const extras = new Uint8Array(0)

const couchbase = Effect.map(
  serveCouchbase({
    buckets: [{ name: "default", vbuckets: 8, manifest: withCollection(defaultManifest, "inventory", "hotels") }],
    users: [{ name: "user", password: Redacted.make(secret) }]
  }),
  ({ port }) => (password: string, bucket = "default") => `couchbase://user:${password}@127.0.0.1:${port}/${bucket}`
)

const answering = (answer: (socket: Net.Socket) => void): Effect.Effect<number, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Net.Server>((resume) => {
        const server = Net.createServer((socket) => void socket.on("error", () => {}).once("data", () => answer(socket)))
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.sync(() => server.close())
    ),
    (server) => (server.address() as Net.AddressInfo).port
  )

const checksOf = ({ out }: Outcome): ReadonlyArray<readonly [string, string]> =>
  (JSON.parse(out) as { checks: ReadonlyArray<{ name: string; status: string }> }).checks.map(({ name, status }) => [name, status])

describe("kv", () => {
  it.live("stores and reads; the value alone on stdout, byte for byte", () =>
    Effect.gen(function*() {
      const url = (yield* couchbase)(secret)
      const stored = yield* run(["kv", "set", url, "user::1", "{\"name\":\"Ada\"}"])
      assert.deepStrictEqual([stored.code, stored.out], [0, ""])
      assert.match(stored.err, /^user::1 {2}set {2}cas 0x[0-9a-f]{16} \(\d+\)\n$/)
      const read = yield* run(["kv", "get", url, "user::1"])
      assert.deepStrictEqual([read.code, read.out], [0, "{\"name\":\"Ada\"}"])
      assert.match(read.err, /^user::1 {2}size 14 {2}flags 0x02000000 \(json\) {2}cas 0x[0-9a-f]{16} \(\d+\)\n$/)
      const json = JSON.parse((yield* run(["kv", "get", url, "user::1", "--json"])).out) as Record<string, unknown>
      assert.deepStrictEqual([json["value"], json["size"], BigInt(json["cas"] as string)], [
        { name: "Ada" },
        14,
        BigInt(json["casHex"] as string)
      ])
      yield* Effect.promise(() => wirewright(["kv", "set", url, "lines"], "one\ntwo\n"))
      assert.strictEqual((yield* run(["kv", "get", url, "lines"])).out, "one\ntwo\n")
    }))

  it.live("says by exit code what became of it: 100 refused or missing, 69 nobody there, 77 not let in, 1 wrong", () =>
    Effect.gen(function*() {
      const url = yield* couchbase
      const outcomes = yield* Effect.forEach(
        [
          ["get", url(secret), "nothing"],
          ["exists", url(secret), "nothing"],
          ["replace", url(secret), "nothing", "x"],
          ["get", "couchbase://127.0.0.1:1/default", "a"],
          ["get", url("wrong"), "a"],
          ["get", "http://127.0.0.1", "a"],
          ["get", url(secret, ""), "a"],
          ["touch", url(secret), "a", "soon"]
        ],
        (args) => run(["kv", ...args])
      )
      assert.deepStrictEqual(
        outcomes.map(({ code }) => code),
        [100, 100, 100, 69, 77, 1, 1, 1]
      )
      for (const { err, out } of outcomes) {
        assert.strictEqual(out, "")
        assert.notStrictEqual(err, "")
        assert.notInclude(err, secret)
        assert.notInclude(err, "    at ")
      }
    }))

  it.live("counts, touches, removes a version, and knows collections", () =>
    Effect.gen(function*() {
      const url = (yield* couchbase)(secret)
      assert.strictEqual((yield* run(["kv", "incr", url, "n", "--initial", "5"])).out, "5\n")
      assert.strictEqual((yield* run(["kv", "decr", url, "n", "2"])).out, "3\n")
      assert.strictEqual((yield* run(["kv", "touch", url, "n", "10m"])).code, 0)
      assert.strictEqual((yield* run(["kv", "remove", url, "n", "--cas", "0x1"])).code, 100)
      const hotel = ["--collection", "inventory.hotels"]
      const stored = yield* run(["kv", "insert", url, "n", "hotel", "--json", ...hotel])
      const { casHex } = JSON.parse(stored.out) as { casHex: string }
      assert.strictEqual((yield* run(["kv", "get", url, "n", ...hotel])).out, "hotel")
      assert.strictEqual((yield* run(["kv", "remove", url, "n", "--cas", casHex, ...hotel])).code, 0)
      const failure = yield* run(["kv", "get", url, "n", "--json", "--collection", "inventory.nope"])
      assert.deepStrictEqual([failure.code, failure.out, (JSON.parse(failure.err) as { error: string }).error], [
        100,
        "",
        "UnknownCollection"
      ])
    }))

  it.live("scans: keys and values, everything about them, some of them", () =>
    Effect.gen(function*() {
      const url = (yield* couchbase)(secret)
      yield* run(["kv", "set", url, "user::1", "{\"name\":\"Ada\",\n\"n\":1}"])
      yield* run(["kv", "set", url, "user::2", "a\tb", "--expiry", "1d"])
      yield* run(["kv", "set", url, "other", "x"])
      yield* run(["kv", "set", url, "hotel", "y", "--collection", "inventory.hotels"])
      const lines = (args: ReadonlyArray<string>) =>
        Effect.map(run(["kv", "scan", url, ...args]), ({ code, err, out }) => {
          assert.deepStrictEqual([code, err], [0, ""])
          return out.split("\n").slice(0, -1).toSorted()
        })
      assert.deepStrictEqual(yield* lines([]), ["other  x", "user::1  {\"name\":\"Ada\", \"n\":1}", "user::2  a\\tb"])
      assert.deepStrictEqual(yield* lines(["--ids", "--prefix", "user::"]), ["user::1", "user::2"])
      assert.deepStrictEqual(yield* lines(["--ids", "--from", "p", "--to", "user::1"]), ["user::1"])
      assert.deepStrictEqual(yield* lines(["--ids", "--to", "other"]), ["other"])
      assert.deepStrictEqual(yield* lines(["--ids", "--json", "--collection", "inventory.hotels"]), ["{\"key\":\"hotel\"}"])
      assert.strictEqual((yield* lines(["--ids", "--sample", "2", "--seed", "1"])).length, 2)
      assert.deepStrictEqual(yield* lines(["--prefix", "none"]), [])
      const [found] = (yield* lines(["--json", "--prefix", "user::2"])).map((line) => JSON.parse(line) as Record<string, unknown>)
      const { cas, casHex, expiry, ...rest } = found!
      assert.deepStrictEqual(rest, {
        key: "user::2",
        flags: 0x04000000,
        format: "text",
        seqno: "1",
        size: 3,
        encoding: "text",
        value: "a\tb"
      })
      assert.strictEqual(BigInt(cas as string), BigInt(casHex as string))
      assert.isAbove(expiry as number, Date.now() / 1000 + 80_000)
      const wrong = [["--prefix", "a", "--from", "b"], ["--sample", "1", "--to", "b"], ["--seed", "1"], ["--sample", "0"], [
        "--sample",
        "x"
      ]]
      for (const args of wrong) assert.strictEqual((yield* run(["kv", "scan", url, ...args])).code, 1, args.join(" "))
      const { server } = yield* serveMemcachedNode({})
      assert.strictEqual((yield* run(["kv", "scan", `memcached://127.0.0.1:${server.port}`])).code, 1)
    }))

  it.live("sends memcached a password in clear text only when the URL asks for PLAIN, as the proxy does", () =>
    Effect.gen(function*() {
      const heard: Array<string> = []
      const { port } = yield* scripted(({ _tag, ...request }, peer) => {
        heard.push(Buffer.from("clientData" in request ? request.clientData as Uint8Array : []).toString())
        peer.send((writer) =>
          _tag === "SaslListMechs"
            ? encodeSaslListMechsResponse(writer, { opaque: request.opaque, mechanisms: "PLAIN" })
            : encodeErrorResponse(writer, {
              opcode: request.opcode,
              status: 0x20,
              opaque: request.opaque,
              extras,
              key: extras,
              value: extras
            })
        )
      })
      const url = `memcached://user:${secret}@127.0.0.1:${port}?protocol=binary`
      for (const args of [["kv", "get", url, "a"], ["doctor", url], ["proxy", "--upstream", url]]) {
        const refused = yield* run(args)
        assert.include(refused.err + refused.out, "allowed_sasl_mechanisms=PLAIN", args[0])
        assert.notInclude(refused.err + refused.out, secret)
      }
      assert.notInclude(heard.join(), secret)
      for (
        const args of [["kv", "get", `${url}&allowed_sasl_mechanisms=PLAIN`, "a"], [
          "proxy",
          "--upstream",
          `${url}&allowed_sasl_mechanisms=PLAIN`
        ]]
      ) {
        heard.length = 0
        yield* run(args)
        assert.include(heard, `\0user\0${secret}`, args[0])
      }
    }))

  it.live("refuses a protocol that the URL contradicts, or that is not the server's to choose", () =>
    Effect.gen(function*() {
      const both = yield* run(["kv", "get", "memcached://127.0.0.1:1?protocol=meta", "k", "--protocol", "text"])
      assert.deepStrictEqual([both.code, both.err], [1, "wirewright: the URL says protocol=meta, and --protocol says text\n"])
      const other = yield* run(["kv", "get", "couchbase://127.0.0.1:1/default", "k", "--protocol", "text"])
      assert.deepStrictEqual([other.code, other.err], [1, "wirewright: --protocol text: only memcached speaks several\n"])
    }))

  it.live("speaks to memcached, too", () =>
    Effect.gen(function*() {
      const { server } = yield* serveMemcachedNode({})
      const url = `memcached://127.0.0.1:${server.port}`
      assert.strictEqual((yield* run(["kv", "set", url, "a", "b", "--flags", "0x7"])).code, 0)
      const read = yield* run(["kv", "get", url, "a"])
      assert.deepStrictEqual([read.out, /flags 0x00000007 /.test(read.err)], ["b", true])
      assert.strictEqual((yield* run(["kv", "incr", url, "n", "--initial", "1"])).out, "1\n")
      assert.strictEqual((yield* run(["kv", "remove", url, "missing"])).code, 100)
      assert.strictEqual((yield* run(["kv", "set", url, "a", "b", "--durability", "majority"])).code, 1)
    }))
})

describe("doctor", () => {
  it.live("finds nothing wrong where nothing is", () =>
    Effect.gen(function*() {
      const outcome = yield* run(["doctor", (yield* couchbase)(secret), "--json"])
      assert.strictEqual(outcome.code, 0)
      assert.deepStrictEqual(
        checksOf(outcome),
        ["DNS", "TCP", "HELLO", "SASL", "error map", "bucket", "cluster map", "nodes"].map((name) => [name, "ok"])
      )
      assert.notInclude(outcome.out, secret)
    }))

  it.live("says where it stops, with a hint", () =>
    Effect.gen(function*() {
      const url = yield* couchbase
      const [password, bucket, nobody] = yield* Effect.forEach(
        [url("wrong"), url(secret, "nope"), "couchbase://127.0.0.1:1/x"],
        (one) => run(["doctor", one, "--json"])
      )
      assert.deepStrictEqual([password!.code, bucket!.code, nobody!.code], [77, 77, 69])
      assert.deepStrictEqual(checksOf(password!).slice(2), [
        ["HELLO", "ok"],
        ["SASL", "failed"],
        ["error map", "skipped"],
        ["bucket", "skipped"],
        ["cluster map", "skipped"]
      ])
      assert.deepStrictEqual(checksOf(bucket!).find(([, status]) => status === "failed"), ["bucket", "failed"])
      assert.deepStrictEqual(checksOf(nobody!), [["DNS", "ok"], ["TCP", "failed"]])
      assert.include(password!.out, "WIREWRIGHT_PASSWORD")
      assert.notInclude(password!.out, "wrong@")
    }))

  it.live("looks at memcached, and prints lines for people", () =>
    Effect.gen(function*() {
      const { server } = yield* serveMemcachedNode({})
      const outcome = yield* run(["doctor", `memcached://127.0.0.1:${server.port}`])
      assert.deepStrictEqual([outcome.code, outcome.out.match(/^ok {6}/gm)?.length], [0, 3])
    }))

  it.live("says that a port speaks HTTP, or a text protocol, instead of that it closes the connection", () =>
    Effect.gen(function*() {
      // what Node answers to anything that is no HTTP, and memcached's text protocol to anything it does not know
      const web = yield* answering((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"))
      const text = yield* answering((socket) => void socket.write("ERROR\r\n"))
      const outcomes = yield* Effect.forEach(
        [`couchbase://127.0.0.1:${web}/default`, `memcached://127.0.0.1:${web}`, `memcached://127.0.0.1:${text}`],
        (url) => run(["doctor", url])
      )
      assert.match(outcomes[0]!.out, /failed {3}HELLO .*speaks HTTP\n.*web server/)
      assert.match(outcomes[1]!.out, /failed {3}memcached .*speaks HTTP\n.*web server/)
      assert.match(outcomes[2]!.out, /failed {3}memcached .*speaks a text protocol\n.*binary protocol/)
      assert.deepStrictEqual(outcomes.map(({ code }) => code), [69, 69, 69])
    }))

  it("finds nothing wrong with a node that has no cluster map, as one without a cluster manager", () => {
    const session: Bootstrapped = {
      features: new Set(),
      states: { collections: false },
      errorMap: emptyErrorMap,
      clusterMap: undefined,
      mechanism: undefined,
      offered: [],
      warnings: ["no cluster map: NotSupported"]
    }
    assert.deepStrictEqual(checksOfSession(session, "default", {}, []).map(({ name, status }) => [name, status]), [
      ["HELLO", "ok"],
      ["SASL", "ok"],
      ["error map", "ok"],
      ["bucket", "ok"],
      ["cluster map", "ok"]
    ])
  })

  it("masks passwords in what it prints", () => {
    assert.strictEqual(masked("couchbase://u:p@s@h/b"), "couchbase://u:***@h/b")
    assert.strictEqual(masked("couchbase://u@h:1/b"), "couchbase://u@h:1/b")
  })
})
