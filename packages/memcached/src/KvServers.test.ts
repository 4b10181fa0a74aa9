/** Proves which server is asked for what, what becomes of many keys when some fail, and of the keys of a server that dies and returns. */
import { assert, describe, it } from "@effect/vitest"
import type { Writer } from "@wirewright/codec"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Gen from "./gen/index.ts"
import { Ketama } from "./Ketama.ts"
import { KvClient } from "./KvClient.ts"
import type { KvCommands } from "./KvCommands.ts"
import type { MemcachedError } from "./KvError.ts"
import type { KvClientOptions } from "./KvOptions.ts"
import { type Peer, scripted, until } from "./Scripted.fixture.ts"

const nothing = { extras: new Uint8Array(0), key: new Uint8Array(0), value: new Uint8Array(0) }
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const shown = (value: Uint8Array): string => new TextDecoder().decode(value)

const refuse = (request: Gen.Request, status: number) => (writer: Writer): void =>
  Gen.encodeErrorResponse(writer, { ...nothing, opaque: request.opaque, opcode: request.opcode, status })

/** How a server behaves; may be changed while it runs. */
interface Behaviour {
  readonly documents: Map<string, string>
  /** Does not answer. */
  silent?: boolean
  /** Closes the connection instead of an answer. */
  closes?: boolean
  /** Status of requests that name such a key. */
  readonly refuses?: (key: string) => number | undefined
}

const store = (behaviour: Behaviour) => (request: Gen.Request, peer: Peer): void => {
  const { documents, refuses } = behaviour
  const { opaque } = request
  if (behaviour.closes === true) return void peer.socket.destroy()
  if (behaviour.silent === true) return
  const key = "key" in request && typeof request.key === "string" ? request.key : ""
  const status = refuses?.(key)
  if (status !== undefined) return peer.send(refuse(request, status))
  const value = documents.get(key)
  switch (request._tag) {
    case "Get":
      if (value === undefined) return peer.send(refuse(request, 1))
      return peer.send((writer) => Gen.encodeGetResponse(writer, { opaque, flags: 0, cas: 9n, value: text(value) }))
    case "GetKQ":
      if (value === undefined) return
      return peer.send((writer) => Gen.encodeGetKQResponse(writer, { opaque, flags: 0, cas: 9n, key, value: text(value) }))
    case "Set":
      documents.set(key, shown(request.value))
      return peer.send((writer) => Gen.encodeSetResponse(writer, { opaque, cas: 10n }))
    case "Delete":
      if (!documents.delete(key)) return peer.send(refuse(request, 1))
      return peer.send((writer) => Gen.encodeDeleteResponse(writer, { opaque }))
    case "Flush":
      documents.clear()
      return peer.send((writer) => Gen.encodeFlushResponse(writer, { opaque }))
    case "Noop":
      return peer.send((writer) => Gen.encodeNoopResponse(writer, { opaque }))
    default:
      peer.send(refuse(request, 0x81))
  }
}

/** Servers, and what starts and ends each. */
const cluster = (count: number, refuses?: (key: string) => number | undefined, weights: ReadonlyArray<number> = []) =>
  Effect.gen(function*() {
    const nodes = yield* Effect.forEach(Array.from({ length: count }), () =>
      Effect.gen(function*() {
        const behaviour: Behaviour = { documents: new Map(), ...(refuses === undefined ? {} : { refuses }) }
        let scope = yield* Scope.make()
        let server = yield* Scope.provide(scripted(store(behaviour)), scope)
        yield* Effect.addFinalizer(() => Effect.suspend(() => Scope.close(scope, Exit.void)))
        return {
          behaviour,
          port: server.port,
          peers: () => server.peers,
          end: Effect.suspend(() => Scope.close(scope, Exit.void)),
          start: Effect.flatMap(Scope.make(), (made) =>
            Effect.map(Scope.provide(scripted(store(behaviour), undefined, server.port), made), (started) => {
              scope = made
              server = started
            }))
        }
      }))
    const servers = nodes.map(({ port }, place) => ({ host: "127.0.0.1", port, weight: weights[place] ?? 1 }))
    const ring = new Ketama(servers)
    const keysOf = (place: number, many = 20): Array<string> => {
      const keys: Array<string> = []
      for (let i = 0; keys.length < many; i++) if (ring.serverOf(`key ${i}`) === place) keys.push(`key ${i}`)
      return keys
    }
    return { nodes, servers, ring, keysOf }
  })

const quick: KvClientOptions = {
  protocol: "binary",
  retryTimeout: "60 millis",
  reconnect: { initialDelay: "5 millis", maxDelay: "20 millis" }
}

const get = (kv: KvCommands, key: string) => Effect.map(kv.get(key), (found) => Option.isSome(found) ? shown(found.value.value) : undefined)

const untilEjected = (kv: KvCommands, place: number, ejected = true) => until(() => kv.servers[place]!.ejected === ejected)

describe("keys", () => {
  it.live("have the servers that the ring says, for every command; many are split and joined", () =>
    Effect.gen(function*() {
      const { nodes, ring, servers } = yield* cluster(4)
      const kv = yield* KvClient.make({ servers, protocol: "binary" })
      const keys = Array.from({ length: 1200 }, (_, i) => `key ${i}`)
      const written = yield* kv.setMany(keys.map((key) => [key, `value of ${key}`]))
      assert.deepStrictEqual([written.size, written.failed.size, written.get("key 7")?.cas], [1200, 0, 10n])
      for (const [place, { behaviour }] of nodes.entries()) {
        assert.deepStrictEqual([...behaviour.documents.keys()], keys.filter((key) => ring.serverOf(key) === place))
        assert.isTrue(behaviour.documents.size > 100)
      }
      assert.strictEqual(yield* get(kv, "key 42"), "value of key 42")
      const found = yield* kv.getMany([...keys, "missing"])
      assert.deepStrictEqual([found.size, found.failed.size, found.has("missing")], [1200, 0, false])
      for (const key of keys) assert.strictEqual(shown(found.get(key)!.value), `value of ${key}`)
      const removed = yield* kv.removeMany(["key 1", "key 2", "missing"])
      assert.deepStrictEqual(Object.fromEntries(removed), { "key 1": true, "key 2": true, missing: false })
      assert.isUndefined(yield* get(kv, "key 1"))
    }))

  it.live("are distributed by weight", () =>
    Effect.gen(function*() {
      const { nodes, servers } = yield* cluster(2)
      const weighted = [{ ...servers[0]!, weight: 1 }, { ...servers[1]!, weight: 9 }]
      const kv = yield* KvClient.make({ servers: weighted, protocol: "binary" })
      yield* kv.setMany(Array.from({ length: 1000 }, (_, i) => [`key ${i}`, ""]))
      const [few, most] = nodes.map(({ behaviour }) => behaviour.documents.size)
      assert.isTrue(few! > 0 && most! > 5 * few!, `${few} and ${most}`)
      assert.deepStrictEqual(kv.servers.map(({ weight }) => weight), [1, 9])
    }))

  it.live("need servers that a ring can have", () =>
    Effect.gen(function*() {
      for (const servers of [[], [{ weight: 0 }, {}], [{ weight: 1.5 }]]) {
        const error = yield* Effect.flip(Effect.scoped(KvClient.make({ servers, protocol: "binary" })))
        assert.deepStrictEqual([error.reason._tag, error.operation], ["InvalidRequest", "connect"])
      }
    }))
})

describe("what concerns servers", () => {
  it.live("is done with each of them, or with one that is named", () =>
    Effect.gen(function*() {
      const { nodes, servers } = yield* cluster(3)
      const kv = yield* KvClient.make({ servers, protocol: "binary", connections: 2 })
      yield* kv.setMany(Array.from({ length: 100 }, (_, i) => [`key ${i}`, ""]))
      yield* kv.servers[1]!.kv.flush()
      assert.deepStrictEqual(nodes.map(({ behaviour }) => behaviour.documents.size > 0), [true, false, true])
      yield* kv.flush()
      assert.isTrue(nodes.every(({ behaviour }) => behaviour.documents.size === 0))
      const { connected, errors, requests } = yield* kv.counters
      assert.deepStrictEqual([connected, errors, requests], [6, 0, 104])
      assert.deepStrictEqual(kv.servers.map(({ address }) => address), servers.map(({ port }) => `127.0.0.1:${port}`))
      for (const ask of [kv.stats(), kv.version]) {
        const error = yield* Effect.flip<unknown, MemcachedError, never>(ask)
        assert.strictEqual(error.reason._tag, "InvalidRequest")
        assert.include(error.message, "servers")
      }
      const one = yield* KvClient.make({ ...servers[0], protocol: "binary" })
      assert.deepStrictEqual(one.servers.map(({ address, ejected, weight }) => [address, ejected, weight]), [
        [`127.0.0.1:${servers[0]!.port}`, false, 1]
      ])
      yield* one.servers[0]!.kv.noop
    }))

  it.live("fails when one of them does, after all were asked", () =>
    Effect.gen(function*() {
      const { nodes, servers } = yield* cluster(3)
      const kv = yield* KvClient.make({ servers, ...quick, requestTimeout: "250 millis" })
      yield* kv.setMany(Array.from({ length: 100 }, (_, i) => [`key ${i}`, ""]))
      nodes[0]!.behaviour.silent = true
      const error = yield* Effect.flip(kv.flush())
      assert.deepStrictEqual([error.reason._tag, error.address], ["RequestTimeout", kv.servers[0]!.address])
      assert.isTrue(nodes.slice(1).every(({ behaviour }) => behaviour.documents.size === 0))
    }))

  it.live("is there as long as one can be reached: the others come when they can", () =>
    Effect.gen(function*() {
      const { keysOf, nodes, servers } = yield* cluster(2)
      yield* nodes[0]!.end
      const kv = yield* KvClient.make({ servers, ...quick, requestTimeout: "5 seconds" })
      const [mine] = keysOf(0)
      const waiting = yield* Effect.forkChild(kv.set(mine!, "x"), { startImmediately: true })
      yield* nodes[0]!.start
      yield* Fiber.join(waiting)
      assert.strictEqual(nodes[0]!.behaviour.documents.get(mine!), "x")
      yield* Effect.forEach(nodes, ({ end }) => end)
      const error = yield* Effect.flip(Effect.scoped(KvClient.make({ servers, ...quick })))
      assert.deepStrictEqual([error.reason._tag, error.operation], ["ConnectFailed", "connect"])
    }))
})

describe("of many keys", () => {
  it.live("those that fail are told with the reason, beside those that do not", () =>
    Effect.gen(function*() {
      const { keysOf, nodes, servers } = yield* cluster(3)
      const kv = yield* KvClient.make({ servers, ...quick, requestTimeout: "250 millis" })
      const keys = [0, 1, 2].flatMap((place) => keysOf(place))
      yield* kv.setMany(keys.map((key) => [key, key]))
      nodes[1]!.behaviour.silent = true
      const found = yield* kv.getMany(keys)
      assert.deepStrictEqual([...found.keys()].toSorted(), [...keysOf(0), ...keysOf(2)].toSorted())
      assert.deepStrictEqual([...found.failed.keys()].toSorted(), keysOf(1).toSorted())
      for (const { address, reason } of found.failed.values()) {
        assert.deepStrictEqual([reason._tag, address], ["RequestTimeout", kv.servers[1]!.address])
      }
      const written = yield* kv.setMany(keys.map((key) => [key, "again"]))
      assert.deepStrictEqual([...written.failed.keys()].toSorted(), keysOf(1).toSorted())
      assert.isTrue([...written.failed.values()].every(({ ambiguous, key }) => ambiguous && keysOf(1).includes(key!)))
      assert.strictEqual((yield* Effect.flip(kv.getMany(keysOf(1)))).reason._tag, "RequestTimeout")
    }))

  it.live("one that a server refuses does not take the others with it, on one server, too", () =>
    Effect.gen(function*() {
      const { servers } = yield* cluster(1, (key) => key === "large" ? 3 : key === "busy" ? 0x85 : undefined)
      const kv = yield* KvClient.make({ ...servers[0], protocol: "binary" })
      const outcomes = yield* kv.setMany([["a", "1"], ["large", "2"], ["b", "3"]])
      assert.deepStrictEqual([...outcomes.keys()], ["a", "b"])
      assert.deepStrictEqual([...outcomes.failed].map(([key, { reason }]) => [key, reason._tag]), [["large", "TooLarge"]])
      assert.strictEqual((yield* Effect.flip(kv.setMany([["large", "2"]]))).reason._tag, "TooLarge")
      const removed = yield* kv.removeMany(["a", "busy", "x"])
      assert.deepStrictEqual([Object.fromEntries(removed), [...removed.failed.keys()]], [{ a: true, x: false }, ["busy"]])
      for (const none of [kv.getMany([]), kv.setMany([]), kv.removeMany([])]) {
        const nothing = yield* none as Effect.Effect<ReadonlyMap<string, unknown>, MemcachedError>
        assert.strictEqual(nothing.size, 0)
      }
    }))

  it.live("those that are no JSON of the schema have failed", () =>
    Effect.gen(function*() {
      const { servers } = yield* cluster(2)
      const kv = yield* KvClient.make({ servers, protocol: "binary" })
      const numbers = kv.json(Schema.Int)
      const written = yield* numbers.setMany([["a", 1], ["b", 0.5], ["c", 3]])
      assert.deepStrictEqual([[...written.keys()].toSorted(), [...written.failed.keys()]], [["a", "c"], ["b"]])
      yield* kv.set("d", "{")
      const found = yield* numbers.getMany(["a", "c", "d", "e"])
      assert.deepStrictEqual([...found].map(([key, { value }]) => [key, value]).toSorted(), [["a", 1], ["c", 3]])
      const error = found.failed.get("d")!
      assert.deepStrictEqual([error.reason._tag, error.key], ["InvalidValue", "d"])
      assert.include(kv.servers.map(({ address }) => address), error.address)
      assert.strictEqual((yield* Effect.flip(numbers.getMany(["d"]))).reason._tag, "InvalidValue")
    }))

  it.live("batches of a server that is gone are not tried one after the other", () =>
    Effect.gen(function*() {
      const { nodes, servers } = yield* cluster(1)
      const kv = yield* KvClient.make({ ...servers[0], protocol: "binary", requestTimeout: "50 millis" })
      nodes[0]!.behaviour.silent = true
      const error = yield* Effect.flip(kv.getMany(Array.from({ length: 3000 }, (_, i) => `key ${i}`)))
      assert.strictEqual(error.reason._tag, "RequestTimeout")
      assert.strictEqual(nodes[0]!.peers()[0]!.requests.filter(({ _tag }) => _tag === "Noop").length, 1)
    }))
})

describe("a server that dies", () => {
  it.live("makes its keys fail, and no other, when nothing is said of failover; they are there again with it", () =>
    Effect.gen(function*() {
      const { keysOf, nodes, servers } = yield* cluster(3)
      const kv = yield* KvClient.make({ servers, ...quick, whenDisconnected: "fail" })
      const keys = [0, 1, 2].flatMap((place) => keysOf(place))
      yield* kv.setMany(keys.map((key) => [key, key]))
      yield* nodes[1]!.end
      const found = yield* kv.getMany(keys)
      assert.deepStrictEqual([...found.failed.keys()].toSorted(), keysOf(1).toSorted())
      const written = yield* kv.setMany(keys.map((key) => [key, "new"]))
      assert.deepStrictEqual([...written.failed.keys()].toSorted(), keysOf(1).toSorted())
      assert.isFalse(kv.servers[1]!.ejected)
      yield* nodes[1]!.start
      yield* Effect.retry(Effect.delay(kv.servers[1]!.kv.noop, 5), { times: 1000 })
      assert.strictEqual((yield* kv.getMany(keys)).size, 60)
    }))

  for (const failover of ["next", "rehash"] as const) {
    it.live(`is stood in for by the others (${failover}), and has its keys again when it returns, old documents among them`, () =>
      Effect.gen(function*() {
        // with these weights a ring without the second server is another ring than the others' points of the whole one
        const { keysOf, nodes, ring, servers } = yield* cluster(3, undefined, [1, 3, 2])
        const kv = yield* KvClient.make({ servers, ...quick, failover })
        const keys = [0, 1, 2].flatMap((place) => keysOf(place, 100))
        yield* kv.setMany(keys.map((key) => [key, "old"]))
        yield* nodes[1]!.end
        yield* untilEjected(kv, 1)
        const left = new Ketama([servers[0]!, servers[2]!])
        const next = (key: string) => [...ring.serversOf(key)].find((place) => place !== 1)!
        const rehashed = (key: string) => left.serverOf(key) === 0 ? 0 : 2
        assert.isTrue(keysOf(1, 100).some((key) => next(key) !== rehashed(key)))
        const standIn = failover === "next" ? next : rehashed
        const away = yield* kv.getMany(keys)
        const inPlace = keys.filter((key) => ring.serverOf(key) === standIn(key))
        assert.deepStrictEqual([[...away.keys()].toSorted(), away.failed.size], [inPlace.toSorted(), 0], "misses, not failures")
        const written = yield* kv.setMany(keysOf(1, 100).map((key) => [key, "new"]))
        assert.deepStrictEqual([written.size, written.failed.size], [100, 0])
        for (const key of keysOf(1, 100)) {
          assert.strictEqual(nodes[standIn(key)]!.behaviour.documents.get(key), "new")
          assert.isFalse(nodes[2 - standIn(key)]!.behaviour.documents.has(key))
        }
        yield* nodes[1]!.start
        yield* untilEjected(kv, 1, false)
        const back = yield* kv.getMany(keys)
        assert.strictEqual(back.size, 300)
        assert.isTrue(keysOf(1, 100).every((key) => shown(back.get(key)!.value) === "old"), "as documented")
      }))
  }

  it.live("loses what is in flight that may have been done; reads, and what was not sent, go to another", () =>
    Effect.gen(function*() {
      const { keysOf, nodes, servers } = yield* cluster(2)
      const kv = yield* KvClient.make({ servers, ...quick, requestTimeout: "5 seconds", failover: "next" })
      nodes[0]!.behaviour.silent = true
      const [key] = keysOf(0)
      const write = yield* Effect.forkChild(Effect.flip(kv.set(key!, "in flight")), { startImmediately: true })
      const read = yield* Effect.forkChild(kv.get(key!), { startImmediately: true })
      const many = yield* Effect.forkChild(kv.getMany([...keysOf(0), ...keysOf(1)]), { startImmediately: true })
      yield* until(() => nodes[0]!.peers()[0]!.requests.length >= 23)
      yield* nodes[0]!.end
      const lost = yield* Fiber.join(write)
      assert.deepStrictEqual([lost.reason._tag, lost.ambiguous], ["ConnectionLost", true])
      assert.isTrue(Option.isNone(yield* Fiber.join(read)))
      assert.deepStrictEqual([(yield* Fiber.join(many)).size, (yield* Fiber.join(many)).failed.size], [0, 0])
      yield* kv.set(key!, "elsewhere")
      assert.strictEqual(nodes[1]!.behaviour.documents.get(key!), "elsewhere")
    }))

  it.live("and is back at once is not stood in for: requests wait for it", () =>
    Effect.gen(function*() {
      const { keysOf, nodes, servers } = yield* cluster(2)
      const kv = yield* KvClient.make({ servers, ...quick, requestTimeout: "5 seconds", failover: "next", failureLimit: 1000 })
      yield* nodes[0]!.end
      const [key] = keysOf(0)
      yield* Effect.repeat(Effect.delay(kv.servers[0]!.kv.counters, 5), { until: ({ connected }) => connected === 0 })
      const write = yield* Effect.forkChild(kv.set(key!, "waited"), { startImmediately: true })
      yield* nodes[0]!.start
      yield* Fiber.join(write)
      assert.strictEqual(nodes[0]!.behaviour.documents.get(key!), "waited")
      assert.isFalse(kv.servers[0]!.ejected)
    }))

  it.live("and is back at once is not asked for the same again", () =>
    Effect.gen(function*() {
      const { keysOf, nodes, servers } = yield* cluster(2)
      const kv = yield* KvClient.make({ servers, ...quick, failover: "next", failureLimit: 1000 })
      nodes[0]!.behaviour.closes = true
      const error = yield* Effect.flip(kv.get(keysOf(0)[0]!))
      assert.deepStrictEqual([error.reason._tag, error.ambiguous], ["ConnectionLost", false])
      yield* until(() => nodes[0]!.peers().length > 1)
      assert.strictEqual(nodes[0]!.peers().flatMap(({ requests }) => requests).length, 1)
    }))

  it.live("makes requests fail when nobody is left, and those that may not wait at once", () =>
    Effect.gen(function*() {
      const { keysOf, nodes, servers } = yield* cluster(2)
      const kv = yield* KvClient.make({ servers, ...quick, failover: "rehash" })
      yield* Effect.forEach(nodes, ({ end }) => end)
      yield* untilEjected(kv, 0)
      yield* untilEjected(kv, 1)
      for (const place of [0, 1]) {
        const error = yield* Effect.flip(kv.set(keysOf(place)[0]!, "x"))
        assert.deepStrictEqual([error.address, error.ambiguous], [kv.servers[place]!.address, false])
      }
      yield* nodes[1]!.start
      yield* untilEjected(kv, 1, false)
      yield* kv.set(keysOf(0)[0]!, "x")
      assert.strictEqual(nodes[1]!.behaviour.documents.get(keysOf(0)[0]!), "x")
    }))
})

describe("a server that is silent", () => {
  const patient = { timeout: "5 seconds" } as const

  it.live("now and then, and refuses what it answers, is not ejected", () =>
    Effect.gen(function*() {
      const { keysOf, nodes, servers } = yield* cluster(2, () => 0x85)
      const kv = yield* KvClient.make({ servers, ...quick, requestTimeout: "30 millis", failover: "next" })
      const reasons: Array<string> = []
      for (const key of keysOf(0, 8)) {
        nodes[0]!.behaviour.silent = reasons.length % 2 === 0
        // who answers has all the time that a busy machine takes
        const patience = nodes[0]!.behaviour.silent ? {} : patient
        reasons.push((yield* Effect.flip(kv.set(key, "x", patience))).reason._tag)
      }
      assert.deepStrictEqual(new Set(reasons), new Set(["RequestTimeout", "Busy"]))
      assert.isFalse(kv.servers[0]!.ejected)
    }))

  it.live("is ejected by requests without an answer, and back with the first answer to a probe", () =>
    Effect.gen(function*() {
      const { keysOf, nodes, servers } = yield* cluster(2)
      const kv = yield* KvClient.make({ servers, ...quick, requestTimeout: "40 millis", failover: "next" })
      const keys = keysOf(0)
      nodes[0]!.behaviour.silent = true
      const together = yield* Effect.forEach(keys, (key) => Effect.flip(kv.set(key, "1")), { concurrency: "unbounded" })
      assert.isTrue(together.every(({ reason }) => reason._tag === "RequestTimeout"))
      assert.isFalse(kv.servers[0]!.ejected, "what is in flight together counts once")
      yield* Effect.exit(kv.get(keys[0]!))
      assert.isTrue(kv.servers[0]!.ejected)
      yield* kv.set(keys[0]!, "2", patient)
      assert.strictEqual(nodes[1]!.behaviour.documents.get(keys[0]!), "2")
      nodes[0]!.behaviour.silent = false
      yield* untilEjected(kv, 0, false)
      yield* kv.set(keys[0]!, "3", patient)
      assert.strictEqual(nodes[0]!.behaviour.documents.get(keys[0]!), "3")
    }))

  it.live("or closes every connection at its first request is ejected, although it takes connections", () =>
    Effect.gen(function*() {
      const { keysOf, nodes, servers } = yield* cluster(2)
      const kv = yield* KvClient.make({ servers, ...quick, failover: "next", failureLimit: 3 })
      nodes[0]!.behaviour.closes = true
      for (let i = 0; i < 10 && !kv.servers[0]!.ejected; i++) yield* Effect.exit(kv.get(keysOf(0)[0]!))
      assert.isTrue(kv.servers[0]!.ejected)
      assert.isTrue(Option.isNone(yield* kv.get(keysOf(0)[0]!)))
    }))
})
