/** What the client finds out, signs in with, and can do in one protocol only, against Debian's memcached. */
import { assert, describe, it } from "@effect/vitest"
import { KvClient, type KvCommands, type KvProtocol, type MemcachedError } from "@wirewright/memcached"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { hasSasl, type Memcached, saslEnvironment, startMemcached } from "./Memcached.ts"
import { failure, protocols } from "./MemcachedModel.ts"

const running = (
  args: ReadonlyArray<string> = [],
  options: { readonly env?: NodeJS.ProcessEnv; readonly port?: number; readonly path?: string } = {}
) =>
  Effect.acquireRelease(Effect.promise(() => startMemcached(args, options)), ({ end }: Memcached) => Effect.promise(() => end("SIGTERM")))

/** A folder that memcached's user can read, until the scope closes. */
const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const made = mkdtempSync(join(tmpdir(), "wirewright-"))
    chmodSync(made, 0o777)
    return made
  }),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
)

const text = (value: Uint8Array): string => new TextDecoder().decode(value)
const read = (kv: KvCommands, key: string | Uint8Array) =>
  Effect.map(kv.get(key), (found) => Option.isSome(found) ? text(found.value.value) : undefined)

/** Which protocol a client speaks, by what only it can do. */
const spoken = (kv: KvCommands) =>
  Effect.gen(function*() {
    const { cas } = yield* kv.set("spoken", "x")
    const debug = yield* Effect.exit(kv.meta.debug("spoken", []))
    return debug._tag === "Success" ? "meta" : cas === 0n ? "text" : "binary"
  })

describe("auto", () => {
  it.live("finds meta, and binary where text is refused", () =>
    Effect.gen(function*() {
      for (const [args, expected] of [[[], "meta"], [["-B", "binary"], "binary"], [["-B", "ascii"], "meta"]] as const) {
        const { port } = yield* running(args)
        assert.strictEqual(yield* spoken(yield* KvClient.make({ port })), expected)
        assert.strictEqual(yield* spoken(yield* KvClient.make({ port, protocol: "auto", connections: 3 })), expected)
      }
    }))

  it.live("decides again when the server comes back as another", () =>
    Effect.gen(function*() {
      const first = yield* Effect.promise(() => startMemcached(["-B", "binary"]))
      const kv = yield* KvClient.make({ port: first.port, reconnect: { initialDelay: "10 millis", maxDelay: "50 millis" } })
      assert.strictEqual(yield* spoken(kv), "binary")
      yield* Effect.promise(() => first.end("SIGKILL"))
      yield* running([], { port: first.port })
      yield* Effect.retry(kv.noop, { times: 50 })
      assert.strictEqual(yield* spoken(kv), "meta")
    }))
})

describe("signing in", () => {
  const withUsers = Effect.gen(function*() {
    const users = join(yield* folder, "users")
    writeFileSync(users, "ada:s3cr3t\n", { mode: 0o644 })
    return yield* running(["-Y", users])
  })
  const credentials = (password: string) => ({ user: "ada", password: Redacted.make(password) })
  const attempt = (port: number, options: object) =>
    Effect.exit(
      Effect.scoped(
        Effect.flatMap(KvClient.make({ port, ...options }), (kv) => Effect.andThen(kv.set("a", "b"), kv.getMany(["a", "auth"])))
      )
    )

  for (const protocol of ["auto", "meta", "text"] as const) {
    it.live(`lets in who knows the password with -Y, ${protocol}`, () =>
      Effect.gen(function*() {
        const { port } = yield* withUsers
        const right = { protocol, credentials: credentials("s3cr3t"), allowPlaintextPassword: true, connections: 2 }
        const done = yield* attempt(port, right)
        assert.deepStrictEqual([done._tag, done._tag === "Success" && [...done.value.keys()]], ["Success", ["a"]])
        const wrong = failure(yield* attempt(port, { ...right, credentials: credentials("wr0ng") }))
        assert.deepStrictEqual([wrong.reason._tag, wrong.operation], ["AuthFailed", "authenticate"])
        assert.notInclude(`${wrong.message}${JSON.stringify(wrong)}`, "wr0ng")
        const withheld = failure(yield* attempt(port, { ...right, allowPlaintextPassword: false }))
        assert.strictEqual(withheld.reason._tag, "PasswordWithheld")
        const injected = failure(yield* attempt(port, { ...right, credentials: { user: "ada x", password: Redacted.make("s3cr3t") } }))
        assert.strictEqual(injected.reason._tag, "InvalidRequest")
        assert.strictEqual(failure(yield* attempt(port, { protocol })).reason._tag, "AuthFailed")
      }))

    it.live(`stores no password where nobody asks for one, ${protocol}`, () =>
      Effect.gen(function*() {
        const { port } = yield* running()
        const done = yield* attempt(port, { protocol, credentials: credentials("s3cr3t"), allowPlaintextPassword: true })
        assert.deepStrictEqual(done._tag === "Success" && [...done.value.keys()], ["a"])
      }))
  }

  it.live.skipIf(!hasSasl())("finds SASL behind auto", () =>
    Effect.gen(function*() {
      const { env } = yield* Effect.acquireRelease(
        Effect.sync(() => saslEnvironment("ada", "wirewright", "s3cr3t")),
        ({ remove }) => Effect.sync(remove)
      )
      const { port } = yield* running(["-S"], { env })
      const right = { credentials: { user: "ada@wirewright", password: Redacted.make("s3cr3t") }, allowPlaintextPassword: true }
      assert.strictEqual((yield* attempt(port, right))._tag, "Success")
    }))
})

describe("keys", () => {
  const odd = ["a key", "tab\tkey", "line\r\nkey", "\u0000", "del\u007f"]
  for (const protocol of protocols) {
    it.live(`of any characters are the same items in all protocols, or refused before anything is sent: ${protocol}`, () =>
      Effect.gen(function*() {
        const { port } = yield* running()
        const [kv, binary] = yield* Effect.all([KvClient.make({ port, protocol }), KvClient.make({ port, protocol: "binary" })])
        const bytes = Uint8Array.of(0xff, 0xc3, 0x80)
        for (const key of ["plain", "grün", bytes]) {
          yield* kv.set(key, "own")
          assert.strictEqual(yield* read(binary, key), "own")
          assert.strictEqual((yield* kv.getMany([key])).size, 1)
        }
        for (const key of odd) {
          yield* binary.set(key, "1")
          const all: ReadonlyArray<Effect.Effect<unknown, MemcachedError>> = [
            kv.get(key),
            kv.getMany(["plain", key]),
            kv.set(key, "2"),
            kv.append(key, "3"),
            kv.touch(key, "1 hour"),
            kv.getAndTouch(key, "1 hour"),
            kv.increment(key),
            kv.remove(key)
          ]
          if (protocol === "text") {
            for (const effect of all) {
              assert.strictEqual(failure(yield* Effect.exit(effect)).reason._tag, "InvalidRequest")
            }
            assert.strictEqual(yield* read(binary, key), "1")
            continue
          }
          for (const effect of all) yield* effect
          assert.isUndefined(yield* read(binary, key))
          yield* kv.set(key, "x")
          assert.deepStrictEqual([...(yield* kv.getMany(["plain", key])).keys()], ["plain", key])
        }
        yield* kv.noop
      }))
  }

  it.live("in base64 may have 186 bytes, and not one more", () =>
    Effect.gen(function*() {
      const { port } = yield* running()
      const kv = yield* KvClient.make({ port, protocol: "meta" })
      yield* kv.set(` ${"k".repeat(185)}`, "x")
      assert.strictEqual(yield* read(kv, ` ${"k".repeat(185)}`), "x")
      for (const length of [186, 187, 249]) {
        assert.strictEqual(failure(yield* Effect.exit(kv.get(` ${"k".repeat(length)}`))).reason._tag, "InvalidRequest")
      }
      yield* kv.noop
    }))
})

describe("Unix sockets", () => {
  for (const protocol of ["auto", ...protocols] satisfies ReadonlyArray<KvProtocol>) {
    it.live(`are spoken over, ${protocol}`, () =>
      Effect.gen(function*() {
        const path = join(yield* folder, "memcached.sock")
        yield* running([], { path })
        const kv = yield* KvClient.make({ path, protocol })
        yield* kv.set("a", "over a file")
        assert.strictEqual(yield* read(kv, "a"), "over a file")
        assert.include(failure(yield* Effect.exit(kv.replace("b", "x"))).message, `at unix:${path}`)
      }))
  }
})

describe("stale while one makes it anew", () => {
  const client = Effect.flatMap(running(), ({ port }) => KvClient.make({ port }))

  it.live("a missing value is made by one of all who ask", () =>
    Effect.gen(function*() {
      const kv = yield* client
      let made = 0
      const make = Effect.delay(Effect.sync(() => `made ${++made}`), "100 millis")
      const all = yield* Effect.forEach(Array.from({ length: 50 }), () => kv.getOrRecache("a key", { poll: "10 millis", flags: 7 }, make), {
        concurrency: "unbounded"
      })
      assert.strictEqual(made, 1)
      assert.deepStrictEqual([...new Set(all.map(({ value }) => text(value)))], ["made 1"])
      assert.deepStrictEqual(all.map(({ flags, state }) => `${flags} ${state}`).toSorted().slice(48), ["7 fresh", "7 stored"])
      const { cas } = Option.getOrThrow(yield* kv.get("a key"))
      assert.isTrue(all.every((one) => one.cas === cas))
    }))

  it.live("an invalidated value is the others' until one has made it", () =>
    Effect.gen(function*() {
      const kv = yield* client
      yield* kv.set("k", "old")
      assert.strictEqual(yield* kv.invalidate("k", { expiry: "1 minute" }), "stale")
      assert.strictEqual(yield* kv.invalidate("missing"), "missing")
      assert.strictEqual(yield* kv.invalidate("k", { cas: 1n }), "changed")
      const gate = yield* Effect.forkChild(
        kv.getOrRecache("k", {}, Effect.as(Effect.sleep("150 millis"), "new")),
        { startImmediately: true }
      )
      yield* Effect.sleep("30 millis")
      const others = yield* Effect.all(Array.from({ length: 5 }, () => kv.getOrRecache("k", {}, Effect.die("not this one"))))
      assert.deepStrictEqual(new Set(others.map(({ state, value }) => `${state} ${text(value)}`)), new Set(["stale old"]))
      const stored = yield* Fiber.join(gate)
      assert.deepStrictEqual([stored.state, text(stored.value)], ["stored", "new"])
      const after = yield* kv.getOrRecache("k", {}, Effect.die("nobody"))
      assert.deepStrictEqual([after.state, text(after.value)], ["fresh", "new"])
    }))

  it.live("a value that ends soon is made early, by one", () =>
    Effect.gen(function*() {
      const kv = yield* client
      yield* kv.set("k", "old", { expiry: "20 seconds" })
      const options = { recacheBelow: "30 seconds", expiry: "1 hour" } as const
      const gate = yield* Effect.forkChild(kv.getOrRecache("k", options, Effect.as(Effect.sleep("100 millis"), "new")), {
        startImmediately: true
      })
      yield* Effect.sleep("30 millis")
      assert.strictEqual((yield* kv.getOrRecache("k", options, Effect.die("not this one"))).state, "stale")
      assert.strictEqual((yield* Fiber.join(gate)).state, "stored")
      assert.strictEqual((yield* kv.getOrRecache("k", options, Effect.die("nobody"))).state, "fresh")
    }))

  it.live("what somebody stores, removes or invalidates meanwhile stands", () =>
    Effect.gen(function*() {
      const kv = yield* client
      const meanwhile = (key: string, does: Effect.Effect<unknown, unknown>) =>
        Effect.orDie(kv.getOrRecache(key, {}, Effect.as(Effect.orDie(does), "late")))
      assert.strictEqual((yield* meanwhile("a", kv.set("a", "theirs"))).state, "unstored")
      assert.strictEqual(yield* read(kv, "a"), "theirs")
      assert.strictEqual((yield* meanwhile("b", kv.remove("b"))).state, "unstored")
      assert.isUndefined(yield* read(kv, "b"))
      yield* kv.set("c", "old")
      yield* kv.invalidate("c")
      assert.strictEqual((yield* meanwhile("c", kv.invalidate("c"))).state, "unstored")
      // it is stale again, so the next one makes it
      assert.strictEqual((yield* kv.getOrRecache("c", {}, Effect.succeed("third"))).state, "stored")
      assert.strictEqual(yield* read(kv, "c"), "third")
    }))

  it.live("who waits gives up after his patience; when making fails, the placeholder stands for its time", () =>
    Effect.gen(function*() {
      const kv = yield* client
      const options = { placeholder: "2 seconds", patience: "150 millis", poll: "20 millis" } as const
      assert.strictEqual(yield* Effect.flip(kv.getOrRecache("k", options, Effect.fail("no value"))), "no value")
      assert.strictEqual(yield* read(kv, "k"), "")
      const start = performance.now()
      const error = yield* Effect.flip(kv.getOrRecache("k", options, Effect.die("not this one")))
      assert.deepInclude(error, { operation: "getOrRecache", key: "k" })
      assert.deepInclude(error.reason, { _tag: "StillMade", milliseconds: 150 })
      assert.isTrue(performance.now() - start >= 140)
      const patient = { ...options, patience: Duration.seconds(10) }
      assert.strictEqual((yield* kv.getOrRecache("k", patient, Effect.succeed("at last"))).state, "stored")
    }))

  for (const protocol of ["text", "binary"] as const) {
    it.live(`is only in meta, and says so: ${protocol}`, () =>
      Effect.gen(function*() {
        const { port } = yield* running()
        const kv = yield* KvClient.make({ port, protocol })
        const attempts: ReadonlyArray<Effect.Effect<unknown, MemcachedError>> = [
          kv.getOrRecache("k", {}, Effect.die("never")),
          kv.invalidate("k"),
          kv.meta.get("k", []),
          kv.meta.set("k", "v", []),
          kv.meta.delete("k", []),
          kv.meta.arithmetic("k", []),
          kv.meta.debug("k", [])
        ]
        for (const effect of attempts) {
          const error = failure(yield* Effect.exit(effect))
          assert.deepInclude(error.reason, { _tag: "NotInProtocol", protocol })
          assert.include(error.message, `the ${protocol} protocol has no meta commands`)
        }
        assert.isTrue(Option.isNone(yield* kv.get("k")))
      }))
  }
})

describe("meta commands as they are", () => {
  it.live("carry all flags, and hand answers on; q is refused", () =>
    Effect.gen(function*() {
      const { port } = yield* running()
      const { meta } = yield* KvClient.make({ port })
      const set = yield* meta.set("k", "1", [{ _tag: "Opaque", opaque: "o1" }, { _tag: "ReturnKey" }, { _tag: "ClientFlags", flags: 5 }])
      assert.deepStrictEqual({ ...set }, { _tag: "MetaDone", flags: [{ _tag: "Opaque", opaque: "o1" }, { _tag: "Key", key: "k" }] })
      assert.strictEqual((yield* meta.set("k", "2", [{ _tag: "Mode", mode: 0x45 }]))._tag, "MetaNotStored")
      assert.strictEqual((yield* meta.set("k", "2", [{ _tag: "CompareCas", cas: 1n << 60n }]))._tag, "MetaExists")
      const counted = yield* meta.arithmetic("k", [{ _tag: "Delta", delta: 41n }, { _tag: "ReturnValue" }])
      assert.strictEqual(counted._tag === "MetaValue" && text(counted.value), "42")
      assert.strictEqual((yield* meta.get("k", [{ _tag: "ReturnFlags" }]))._tag, "MetaDone")
      assert.strictEqual((yield* meta.debug("k", []))._tag, "MetaItem")
      assert.strictEqual((yield* meta.delete("k", []))._tag, "MetaDone")
      assert.strictEqual((yield* meta.delete("k", []))._tag, "MetaNotFound")
      assert.strictEqual((yield* meta.get("k", []))._tag, "MetaMiss")
      const quiet = failure(yield* Effect.exit(meta.get("k", [{ _tag: "Quiet" }])))
      assert.strictEqual(quiet.reason._tag, "InvalidRequest")
    }))
})
