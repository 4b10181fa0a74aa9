/** The client against scripted nodes on loopback: what it sends, what it repeats, what it learns, how it fails. */
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { inspect } from "node:util"
import { vbucketOf } from "./ClusterMap.ts"
import { configOf, type FakeNode, fakeNode, type FakeNodeOptions, refusal, type Script, user } from "./FakeNode.fixture.ts"
import type { Request } from "./gen/index.ts"
import { KvClient, type KvCommands } from "./KvClient.ts"
import type { KvError } from "./KvError.ts"
import type { KvClientOptions } from "./KvOptions.ts"
import { LookupIn, MutateIn } from "./SubDocument.ts"

const credentials = { user: user.name, password: Redacted.make(user.password) }

/**
 * A client with more time than it needs: signing in derives keys on both sides, which takes a busy machine longer than the default allows for
 * a call. What is about time-outs says its own.
 */
const clientOf = (node: FakeNode, options: Partial<KvClientOptions> = {}): Effect.Effect<KvCommands, KvError, Scope.Scope> =>
  KvClient.make({ seeds: [{ host: "127.0.0.1", port: node.port }], credentials, bucket: "default", timeout: "1 minute", ...options })

const pair = (options: FakeNodeOptions = {}, client: Partial<KvClientOptions> = {}) =>
  Effect.gen(function*() {
    const node = yield* fakeNode(options)
    return { node, kv: yield* clientOf(node, client) }
  })

const sent = <Tag extends Request["_tag"]>(node: FakeNode, tag: Tag) =>
  node.requests.filter((request): request is Extract<Request, { readonly _tag: Tag }> => request._tag === tag)

/** Waits until it is so; the test's time limits it. */
const until = (holds: Effect.Effect<boolean>): Effect.Effect<void> =>
  Effect.flatMap(holds, (isSo) => isSo ? Effect.void : Effect.delay(until(holds), 1))

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const User = Schema.Struct({ name: Schema.String, since: Schema.Date })

/** A key of a vbucket, out of four. */
const keyIn = (vbucket: number): string => {
  for (let number = 0;; number++) if (vbucketOf(`key-${number}`, 4) === vbucket) return `key-${number}`
}

describe("documents", () => {
  it.live("bytes, JSON, text and schemas keep their format in the flags", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* pair()
      yield* kv.upsert("bytes", Uint8Array.of(0, 255))
      yield* kv.upsert("json", { a: [1, null, "x"] })
      yield* kv.upsert("text", "plain", { format: "text" })
      yield* kv.upsert("user", { name: "Ada", since: new Date(0) }, { schema: User })
      const wire = [...node.documents].map(([key, { flags, value }]) => [key, flags, [...value]])
      assert.deepStrictEqual(wire, [
        ["bytes", 0x03000000, [0, 255]],
        ["json", 0x02000000, [...new TextEncoder().encode("{\"a\":[1,null,\"x\"]}")]],
        ["text", 0x04000000, [...new TextEncoder().encode("plain")]],
        ["user", 0x02000000, [...new TextEncoder().encode("{\"name\":\"Ada\",\"since\":\"1970-01-01T00:00:00.000Z\"}")]]
      ])
      assert.deepStrictEqual(sent(node, "Set").map(({ collectionId, datatype }) => [collectionId, datatype]), [[0, 0], [0, 1], [0, 0], [
        0,
        1
      ]])
      const found = yield* kv.get("user", User)
      assert.deepStrictEqual(Option.getOrThrow(found).value, { name: "Ada", since: new Date(0) })
      assert.deepStrictEqual(Option.getOrThrow(yield* kv.get("bytes")).value, Uint8Array.of(0, 255))
    }))

  it.live("a document that does not fit its schema, or is no JSON, is InvalidValue", () =>
    Effect.gen(function*() {
      const { kv } = yield* pair()
      yield* kv.upsert("other", { name: 1 })
      yield* kv.upsert("none", Uint8Array.of(0xff))
      assert.strictEqual((yield* Effect.flip(kv.get("other", User))).reason._tag, "InvalidValue")
      assert.strictEqual((yield* Effect.flip(kv.get("none", User))).reason._tag, "InvalidValue")
      assert.strictEqual((yield* Effect.flip(kv.upsert("x", undefined))).reason._tag, "InvalidValue")
      assert.strictEqual((yield* Effect.flip(kv.upsert("x", { name: 1 } as never, { schema: User }))).reason._tag, "InvalidValue")
    }))

  it.live("outcomes have names, and common ones no stack", () =>
    Effect.gen(function*() {
      const { kv } = yield* pair()
      assert.isTrue(Option.isNone(yield* kv.get("missing")))
      const missing = yield* Effect.flip(kv.replace("missing", 1))
      assert.deepStrictEqual([missing.reason._tag, missing.status, missing.ambiguous, missing.attempts], ["NotFound", 1, false, 1])
      assert.isAtMost(missing.stack?.split("\n").length ?? 0, 1)
      const { cas } = yield* kv.insert("one", 1)
      assert.strictEqual((yield* Effect.flip(kv.insert("one", 2))).reason._tag, "Exists")
      assert.strictEqual((yield* Effect.flip(kv.upsert("one", 2, { cas: cas + 1n }))).reason._tag, "CasMismatch")
      const mutation = yield* kv.upsert("one", 2, { cas })
      assert.deepStrictEqual(mutation.token, { vbucketUuid: 7n, seqno: mutation.cas })
      const caught = yield* kv.remove("missing").pipe(Effect.catchReason("KvError", "NotFound", () => Effect.succeed("gone")))
      assert.strictEqual(caught, "gone")
    }))

  it.live("keys of 246 bytes after a prefix are written, longer ones refused before anything is sent", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* pair()
      yield* kv.upsert("k".repeat(246), 1)
      const before = node.requests.length
      const error = yield* Effect.flip(kv.upsert("k".repeat(252), 1))
      assert.deepStrictEqual([error.reason._tag, error.ambiguous], ["InvalidRequest", false])
      assert.strictEqual(node.requests.length, before)
    }))

  it.live("durability and keeping the expiry are framing extras; the server's time is nine tenths of ours", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* pair()
      yield* kv.upsert("d", 1, { durability: "majority", timeout: "2 seconds" })
      yield* kv.upsert("p", 1, { preserveExpiry: true })
      yield* kv.remove("d", { durability: "persistToMajority" })
      yield* kv.upsert("n", 1, { durability: "none" })
      const framing = node.requests.flatMap((request) => ["Set", "Delete"].includes(request._tag) ? [[request.magic, request.framing]] : [])
      assert.deepStrictEqual(framing, [
        [0x08, [{ _tag: "Durability", level: 1, timeout: 1800 }]],
        [0x08, [{ _tag: "PreserveTtl" }]],
        [0x08, [{ _tag: "Durability", level: 3, timeout: 9000 }]],
        [0x80, []]
      ])
    }))

  it.live("many documents come in one flight; what a node refuses is read alone", () =>
    Effect.gen(function*() {
      let busy = true
      const script: Script = (request) => {
        if (request._tag !== "GetQ" || request.key !== "k7" || !busy) return undefined
        busy = false
        return refusal(0x85)
      }
      const { kv, node } = yield* pair({ script })
      const keys = Array.from({ length: 1500 }, (_, index) => `k${index}`)
      yield* Effect.forEach(keys.slice(0, 1000), (key) => kv.upsert(key, key), { concurrency: 100 })
      const found = yield* kv.getMany(keys)
      assert.strictEqual(found.size, 1000)
      for (const [key, { value }] of found) assert.strictEqual(text(value), JSON.stringify(key))
      assert.deepStrictEqual([sent(node, "GetQ").length, sent(node, "Noop").length, sent(node, "Get").map(({ key }) => key)], [1500, 2, [
        "k7"
      ]])
    }))
})

describe("parts of documents", () => {
  it.live("attributes go first, and results come back in the caller's order", () =>
    Effect.gen(function*() {
      const utf8 = new TextEncoder()
      const { kv, node } = yield* pair({
        script: (request) =>
          request._tag !== "SubdocMultiLookup" ? undefined : {
            _tag: "SubdocMultiLookupResponse",
            status: 0xcc,
            cas: 5n,
            results: request.specs.map(({ path }) =>
              path === "nope" ? { status: 0xc0, value: new Uint8Array(0) } : { status: 0, value: utf8.encode(JSON.stringify(path)) }
            )
          }
      })
      const found = Option.getOrThrow(
        yield* kv.lookupIn("k", [LookupIn.get("a"), LookupIn.get("x", { xattr: true }), LookupIn.exists("nope")])
      )
      assert.deepStrictEqual(sent(node, "SubdocMultiLookup")[0]!.specs.map(({ flags, opcode, path }) => [opcode, flags, path]), [
        [0xc5, 4, "x"],
        [0xc5, 0, "a"],
        [0xc6, 0, "nope"]
      ])
      assert.deepStrictEqual(found.entries.map(({ exists, path }) => [path, exists]), [["a", true], ["x", true], ["nope", false]])
      assert.deepStrictEqual(yield* Effect.forEach(found.entries.slice(0, 2), ({ value }) => value), ["a", "x"])
      assert.strictEqual(found.entries[2]!.reason?._tag, "SubdocPathEnoent")
    }))

  it.live("a write that fails says which one of the caller's it was", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* pair({
        script: (request) =>
          request._tag === "SubdocMultiMutation"
            ? { _tag: "SubdocMultiMutationSubdocMultiPathFailure", status: 0xcc, failedIndex: 0, failedStatus: 0xc9 }
            : undefined
      })
      const error = yield* Effect.flip(
        kv.mutateIn("k", [MutateIn.upsert("a", 1), MutateIn.insert("x", 1, { xattr: true, createPath: true })], { store: "upsert" })
      )
      assert.strictEqual(error.reason._tag, "PathFailed")
      if (error.reason._tag === "PathFailed") {
        assert.deepStrictEqual([error.reason.index, error.reason.path, error.reason.reason._tag], [1, "x", "SubdocPathEexists"])
      }
      const [request] = sent(node, "SubdocMultiMutation")
      assert.deepStrictEqual([request!.docFlags, request!.specs[0]!.flags], [1, 5])
    }))

  it.live("requests that servers would refuse are not sent", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* pair()
      const before = node.requests.length
      const specs = Array.from({ length: 17 }, () => LookupIn.get("a"))
      const refused = [
        kv.lookupIn("k", []),
        kv.lookupIn("k", specs),
        kv.mutateIn("k", [MutateIn.upsert("a", undefined)]),
        kv.mutateIn("k", [MutateIn.upsert("a", 1, { expandMacros: true })]),
        kv.mutateIn("k", [MutateIn.counter("a", 0)]),
        kv.mutateIn("k", [MutateIn.upsert("a", 1)], { reviveDocument: true })
      ]
      for (const effect of refused) {
        assert.strictEqual((yield* Effect.flip(effect as Effect.Effect<unknown, KvError>)).reason._tag, "InvalidRequest")
      }
      assert.strictEqual(node.requests.length, before)
    }))
})

describe("finding the node", () => {
  it.live("NotMyVbucket brings the new map, and the operation goes where that says", () =>
    Effect.gen(function*() {
      const second = yield* fakeNode()
      let moved = ""
      const first = yield* fakeNode({
        script: (request) => request._tag === "Set" && request.vbucket === 2 ? refusal(7, moved) : undefined,
        config: (port) => configOf([port], [0, 0, 0, 0], 1)
      })
      moved = configOf([first.port, second.port], [0, 0, 1, 0], 2)
      const kv = yield* clientOf(first)
      yield* kv.upsert(keyIn(2), 1)
      yield* kv.upsert(keyIn(2), 2)
      yield* kv.upsert(keyIn(0), 1)
      assert.deepStrictEqual([sent(first, "Set").length, sent(second, "Set").length], [2, 2])
      assert.strictEqual(Option.getOrThrow(yield* kv.clusterMap).version.revision, 2n)
    }))

  it.live("without a map in the answer, the node is asked for one", () =>
    Effect.gen(function*() {
      const second = yield* fakeNode()
      let config = ""
      const first = yield* fakeNode({
        script: (request) => request._tag === "Set" && request.vbucket === 2 ? refusal(7) : undefined,
        config: () => config
      })
      config = configOf([first.port, second.port], [0, 0, 0, 0], 1)
      const kv = yield* clientOf(first)
      config = configOf([first.port, second.port], [0, 0, 1, 0], 2)
      yield* kv.upsert(keyIn(2), 1)
      assert.strictEqual(sent(second, "Set").length, 1)
    }))

  it.live("a pushed map moves what comes after it; an older one, or another bucket's, changes nothing", () =>
    Effect.gen(function*() {
      const second = yield* fakeNode()
      const first = yield* fakeNode({ config: (port) => configOf([port], [0, 0, 0, 0], 5) })
      const kv = yield* clientOf(first)
      const push = (bucket: string, revision: bigint) =>
        first.push({
          _tag: "ClustermapChangeNotification",
          layout: "V2",
          magic: 0x82,
          opcode: 1,
          datatype: 0,
          vbucket: 0,
          opaque: 1,
          cas: 0n,
          epoch: 1n,
          revision,
          bucket,
          clusterMap: configOf([first.port, second.port], [1, 1, 1, 1], Number(revision))
        })
      push("default", 4n)
      push("other", 9n)
      yield* kv.upsert("a", 1)
      assert.deepStrictEqual([sent(first, "Set").length, sent(second, "Set").length], [1, 0])
      push("default", 6n)
      yield* until(Effect.map(kv.clusterMap, (map) => Option.getOrUndefined(map)?.version.revision === 6n))
      yield* kv.upsert("a", 1)
      assert.deepStrictEqual([sent(first, "Set").length, sent(second, "Set").length], [1, 1])
    }))

  it.live("a node without a map takes everything", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* pair({ script: (request) => request._tag === "GetClusterConfig" ? refusal(0x81) : undefined })
      yield* kv.upsert("a", 1)
      assert.deepStrictEqual(sent(node, "Set").map(({ vbucket }) => vbucket), [0])
      assert.isTrue(Option.isNone(yield* kv.clusterMap))
    }))

  it.live("begins with the next seed when one does not answer", () =>
    Effect.gen(function*() {
      const node = yield* fakeNode()
      const kv = yield* KvClient.make({
        seeds: [{ host: "127.0.0.1", port: 1 }, { host: "127.0.0.1", port: node.port }],
        credentials,
        bucket: "default"
      })
      yield* kv.noop
    }))

  it.live("a vbucket without a node fails once its time is up", () =>
    Effect.gen(function*() {
      const { kv } = yield* pair({ config: (port) => configOf([port], [0, 0, -1, 0], 1) }, { timeout: 50 })
      const error = yield* Effect.flip(kv.get(keyIn(2)))
      assert.deepStrictEqual([error.reason._tag, error.vbucket], ["NoActiveNode", 2])
      assert.isAbove(error.attempts, 1)
    }))
})

describe("repeating", () => {
  it.live("what is busy for a moment is repeated, with the error map's words should it stay so", () =>
    Effect.gen(function*() {
      let failures = 2
      const script: Script = (request) => request._tag === "Set" && failures-- > 0 ? refusal(0x86) : undefined
      const { kv, node } = yield* pair({ script }, { retry: { attempts: 4 } })
      yield* kv.upsert("a", 1)
      assert.strictEqual(sent(node, "Set").length, 3)
      failures = Infinity
      const error = yield* Effect.flip(kv.upsert("a", 1))
      assert.deepStrictEqual([error.reason._tag, error.ambiguous, error.attempts], ["Etmpfail", false, 4])
      assert.include(error.message, "Temporary failure")
    }))

  it.live("the caller's mistakes are not", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* pair({
        script: (request) => request._tag === "Set" ? refusal(4, "{\"error\":{\"context\":\"bad expiry\",\"ref\":\"77-88\"}}") : undefined
      })
      const error = yield* Effect.flip(kv.upsert("a", 1))
      assert.deepStrictEqual([error.reason._tag, error.attempts, sent(node, "Set").length], ["Einval", 1, 1])
      if (error.reason._tag === "Einval") assert.deepStrictEqual([error.reason.context, error.reason.reference], ["bad expiry", "77-88"])
    }))

  it.live("a lost write is ambiguous and not repeated; a lost read is repeated", () =>
    Effect.gen(function*() {
      let losses = 1
      const { kv, node } = yield* pair({
        script: (request) => (request._tag === "Set" || request._tag === "Get") && losses-- > 0 ? "close" : undefined
      })
      const error = yield* Effect.flip(kv.upsert("a", 1))
      assert.deepStrictEqual([error.reason._tag, error.ambiguous, error.attempts], ["ConnectionLost", true, 1])
      losses = 1
      assert.isTrue(Option.isNone(yield* kv.get("a")))
      assert.deepStrictEqual([sent(node, "Set").length, sent(node, "Get").length], [1, 2])
    }))

  it.live("no answer in time is an error within that time, ambiguous for writes", () =>
    Effect.gen(function*() {
      const { kv } = yield* pair({ script: (request) => request._tag === "Set" || request._tag === "Get" ? [] : undefined })
      const write = yield* Effect.flip(kv.upsert("a", 1, { timeout: 80 }))
      const read = yield* Effect.flip(kv.get("a", { timeout: 80 }))
      assert.deepStrictEqual([write.reason._tag, write.ambiguous, read.reason._tag, read.ambiguous], [
        "RequestTimeout",
        true,
        "RequestTimeout",
        false
      ])
    }))

  it.live("a durable write whose end is unknown is ambiguous", () =>
    Effect.gen(function*() {
      const { kv } = yield* pair({ script: (request) => request._tag === "Set" ? refusal(0xa3) : undefined })
      const error = yield* Effect.flip(kv.upsert("a", 1, { durability: "majority" }))
      assert.deepStrictEqual([error.reason._tag, error.ambiguous], ["SyncWriteAmbiguous", true])
    }))
})

describe("collections", () => {
  const path = "inventory.hotels"

  it.live("are asked for by name once, and again when a server does not know the id any more", () =>
    Effect.gen(function*() {
      let id = 8
      const { kv, node } = yield* pair({
        script: (request) => {
          if (request._tag === "CollectionsGetID") {
            return request.path === path ? { _tag: "CollectionsGetIDResponse", manifestUid: 1n, collectionId: id } : refusal(0x88)
          }
          return request._tag === "Set" && request.collectionId !== id ? refusal(0x88) : undefined
        }
      })
      const hotels = yield* kv.collection(path)
      yield* Effect.forEach(["a", "b", "c"], (key) => hotels.upsert(key, 1), { concurrency: "unbounded" })
      assert.strictEqual(sent(node, "CollectionsGetID").length, 1)
      id = 9
      yield* hotels.upsert("d", 1)
      assert.deepStrictEqual(sent(node, "Set").map(({ collectionId }) => collectionId), [8, 8, 8, 8, 9])
      const unknown = yield* Effect.flip(Effect.flatMap(kv.collection("inventory.nope"), (none) => none.get("a")))
      assert.deepStrictEqual([unknown.reason._tag, unknown.operation, unknown.attempts], ["UnknownCollection", "CollectionsGetID", 1])
      assert.strictEqual((yield* Effect.flip(kv.collection("a.b.c"))).reason._tag, "InvalidRequest")
    }))

  it.live("need the feature; without it the default one has no prefix", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* pair({ features: [7, 8] })
      yield* kv.upsert("a", { json: true })
      assert.deepStrictEqual(sent(node, "Set").map(({ collectionId, datatype }) => [collectionId, datatype]), [[undefined, 0]])
      const error = yield* Effect.flip(Effect.flatMap(kv.collection(path), (hotels) => hotels.get("a")))
      assert.strictEqual(error.reason._tag, "FeatureMissing")
    }))
})

describe("nodes and the beginning", () => {
  it.live("statistics, versions and signs of life come by node", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* pair()
      const address = `127.0.0.1:${node.port}`
      assert.deepStrictEqual(yield* kv.stats(), new Map([[address, new Map([["uptime", "1"]])]]))
      assert.deepStrictEqual(yield* kv.version, new Map([[address, "7.6.0-0000"]]))
      yield* kv.noop
      const error = yield* Effect.flip(kv.flush)
      assert.strictEqual(error.reason._tag, "UnknownCommand")
    }))

  it.live("a wrong password, a wrong bucket and nobody listening have names, and no password is shown", () =>
    Effect.gen(function*() {
      const node = yield* fakeNode()
      const wrong = yield* Effect.flip(clientOf(node, { credentials: { user: "user", password: Redacted.make("s3cr3t") } }))
      const bucket = yield* Effect.flip(clientOf(node, { bucket: "other" }))
      const nobody = yield* Effect.flip(KvClient.make({ seeds: [{ host: "127.0.0.1", port: 1 }] }))
      const reasons = [wrong, bucket].map(({ reason }) => reason._tag === "NotReady" ? reason.error.reason : reason._tag)
      assert.deepStrictEqual([...reasons, nobody.reason._tag], ["AuthenticationFailed", "BucketAccessDenied", "ConnectFailed"])
      assert.notInclude(inspect(wrong, { depth: 20 }) + JSON.stringify(wrong), "s3cr3t")
    }))

  it.live("the layer reads WIREWRIGHT_URL and WIREWRIGHT_PASSWORD, and closes everything with its scope", () =>
    Effect.gen(function*() {
      const node = yield* fakeNode()
      const environment = {
        WIREWRIGHT_URL: `couchbase://user@127.0.0.1:${node.port}/default`,
        WIREWRIGHT_PASSWORD: user.password
      }
      const program = Effect.flatMap(KvClient, (kv) => kv.upsert("a", 1))
      yield* program.pipe(
        Effect.provide(KvClient.layerConfig),
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(environment))
      )
      yield* until(Effect.sync(() => [...node.clients].length === 0))
    }))

  it.live("a lost connection is made again, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* pair()
      for (let round = 0; round < 4; round++) {
        for (const client of node.clients) client.close("the test")
        // a read is repeated when it meets the loss
        yield* kv.get("a")
      }
      assert.strictEqual([...node.clients].length, 1)
    }))

  it.live("all who wait for a connection share it, and one who gives up does not stop the others", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* pair()
      for (const client of node.clients) client.close("the test")
      // the client has seen it, however busy the machine
      yield* until(Effect.map(kv.features, ({ size }) => size === 0))
      const keys = Array.from({ length: 50 }, (_, index) => `k${index}`)
      const impatient = Effect.timeoutOption(kv.upsert("impatient", 1), 0)
      yield* Effect.all([impatient, Effect.forEach(keys, (key) => kv.upsert(key, 1), { concurrency: "unbounded" })], { concurrency: 2 })
      assert.deepStrictEqual([sent(node, "Hello").length, [...node.clients].length], [2, 1])
      for (const key of keys) assert.isTrue(node.documents.has(key))
    }))

  it.live("several connections per node share the load", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* pair({}, { connectionsPerNode: 3 })
      yield* until(Effect.sync(() => [...node.clients].length === 3))
      yield* Effect.forEach(Array.from({ length: 30 }, (_, index) => `k${index}`), (key) => kv.upsert(key, 1), { concurrency: 30 })
      assert.strictEqual([...node.clients].length, 3)
      assert.strictEqual(sent(node, "Set").length, 30)
    }))
})

describe("an answer under another opcode", () => {
  it.live("is the node's misbehaviour, not a status; the connection is given up", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* pair({
        script: (request) => request._tag === "Get" ? { _tag: "SetResponse", opcode: 0x01, cas: 5n } as never : undefined
      })
      const error = yield* Effect.flip(kv.get("x"))
      assert.deepStrictEqual([error.reason._tag, error.ambiguous, error.attempts], ["PeerMisbehaved", false, 1])
      yield* kv.upsert("x", 1)
      assert.strictEqual(sent(node, "Hello").length, 2)
    }))

  it.live("ends a batch of reads without a value of it", () =>
    Effect.gen(function*() {
      const { kv, node } = yield* pair({
        script: (request) =>
          request._tag === "GetQ" ? { _tag: "GetResponse", opcode: 0x00, flags: 0, value: Uint8Array.of(1) } as never : undefined
      })
      assert.strictEqual((yield* kv.getMany(["a", "b"])).size, 0)
      assert.strictEqual(sent(node, "Hello").length, 2)
    }))
})

describe("JSON nested 20 000 deep", () => {
  const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`
  interface Nested extends ReadonlyArray<Nested> {}
  const Nested: Schema.Codec<Nested> = Schema.Array(Schema.suspend(() => Nested))

  it.live("is a value or InvalidValue, and never a defect: read, and written", () =>
    Effect.gen(function*() {
      const value = new TextEncoder().encode(deep)
      const { kv, node } = yield* pair({
        script: ({ _tag }) =>
          _tag === "SubdocMultiLookup" ? { _tag: "SubdocMultiLookupResponse", results: [{ status: 0, value }] } as never : undefined
      })
      node.documents.set("deep", { value, flags: 0x02000000, cas: 1n })
      const tag = <A>(effect: Effect.Effect<A, KvError>) =>
        Effect.match(effect, { onFailure: ({ reason }) => reason._tag as string, onSuccess: () => "value" })
      for (const schema of [Schema.Unknown, Schema.Json] as ReadonlyArray<Schema.Codec<unknown, unknown>>) {
        assert.include(["value", "InvalidValue"], yield* tag(kv.get("deep", schema)))
        assert.include(["value", "InvalidValue"], yield* tag(kv.upsert("copy", JSON.parse(deep), { schema })))
      }
      assert.strictEqual(yield* tag(kv.get("deep", Nested)), "InvalidValue")
      assert.strictEqual(yield* tag(kv.get("deep", User)), "InvalidValue")
      assert.strictEqual(yield* tag(kv.upsert("copy", JSON.parse(deep), { schema: Nested })), "InvalidValue")
      assert.strictEqual(yield* tag(kv.upsert("copy", JSON.parse(deep))), "value")
      // it is sent; this node does not know the command
      assert.strictEqual(yield* tag(kv.mutateIn("deep", [MutateIn.upsert("a", JSON.parse(deep))])), "UnknownCommand")
      const found = Option.getOrThrow(yield* kv.lookupIn("deep", [LookupIn.document()]))
      assert.strictEqual(yield* tag(found.entries[0]!.value), "value")
      assert.deepStrictEqual(Option.getOrThrow(yield* kv.get("deep")).value, value)
      assert.strictEqual(sent(node, "Hello").length, 1)
    }))
})
