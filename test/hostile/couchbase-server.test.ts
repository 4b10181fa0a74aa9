/**
 * Clients that mean harm against the Couchbase node, over TCP, signed in or not: mutated packets of every dialect, slow headers, lengths that
 * lie, nesting without end, and greed. Typed ends or right statuses, no defect, bounded memory, and a client beside them that notices nothing.
 */
import { encodeWith, type Writer } from "@wirewright/codec"
import * as Gen from "@wirewright/couchbase/gen"
import { type CouchbaseNode, type CouchbaseNodeOptions, serveCouchbase } from "@wirewright/embedded"
import { packet, RawClient } from "../../packages/memcached/src/RawClient.fixture.ts"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import { assaults, greed, held, named, seed, until, witness } from "./Attack.ts"

const connections = 1_000
const packetsEach = 8
const password = "s3ntinel-passw0rd"

const withNode = (
  use: (node: CouchbaseNode) => Promise<void>,
  options: CouchbaseNodeOptions = {}
): Promise<void> => {
  const defects: Array<unknown> = []
  return Effect.runPromise(Effect.scoped(Effect.flatMap(
    serveCouchbase({
      buckets: [{ name: "default", vbuckets: 4, maxMemory: 8 * 1024 * 1024, maxItemSize: 1024 * 1024 }],
      users: [{ name: "app", password: Redacted.make(password) }],
      onDefect: (defect) => defects.push(defect),
      ...options
    }),
    (node) =>
      Effect.promise(async () => {
        await use(node)
        await until(() => node.server.counters.connections === 0)
        expect(defects).toEqual([])
      })
  )))
}

const bytes = (...writes: ReadonlyArray<(writer: Writer) => void>): Buffer => Buffer.concat(writes.map((write) => encodeWith(write)))

const signIn = (writer: Writer): void => Gen.encodeSaslAuth(writer, { mechanism: "PLAIN", clientData: Buffer.from(`\0app\0${password}`) })
const select = (writer: Writer): void => Gen.encodeSelectBucket(writer, { bucket: "default" })
const hello = (...features: ReadonlyArray<number>) => (writer: Writer): void => Gen.encodeHello(writer, { agent: "attack", features })
const F = Gen.HelloFeature
const everything = hello(F.Xattr, F.Xerror, F.SelectBucket, F.Json, F.Snappy, F.MutationSeqno, F.AltRequestSupport, F.Collections, F.Duplex)

/** How far clients come before they attack. */
const beginnings: ReadonlyArray<readonly [string, Buffer]> = [
  ["who did not sign in", Buffer.alloc(0)],
  ["who signed in", bytes(signIn, select)],
  ["who signed in and know everything", bytes(everything, signIn, select)]
]

/** A connection that is ready, and what it had to read until then. */
const ready = async ({ port }: CouchbaseNode): Promise<RawClient> => {
  const client = await RawClient.connect(port)
  client.send(bytes(everything, signIn, select))
  await client.packets(3)
  return client
}

const statusOf = (answer: Buffer): number => answer.readUInt16BE(6)

describe("the Couchbase node", () => {
  it.each(beginnings)(
    `${connections} connections of clients %s, ${packetsEach} packets each, mutated with seed ${seed}`,
    (name, prefix) =>
      withNode(async ({ port, server }) => {
        const stop = await witness(port)
        const { refused, statuses } = await assaults(port, connections, packetsEach, prefix)
        const { answers, slowest } = await stop(50)
        const { malformed, misbehaved, requests } = server.counters
        console.log(
          `clients ${name} (seed ${seed}): ${requests} requests, ${malformed} malformed, ${misbehaved} connections that misbehaved, ${refused} `
            + `closed by the node; statuses ${named(statuses)}; a witness had ${answers} right answers, the slowest after work of ${
              slowest.toFixed(0)
            } ms`
        )
        expect(requests).toBeGreaterThan(connections)
        expect(misbehaved).toBeGreaterThan(50)
        // nothing went wrong within
        expect(statuses.get(Gen.Status.Einternal)).toBeUndefined()
        expect(statuses.get(Gen.Status.Einval)).toBeGreaterThan(0)
        // who did not sign in gets nowhere
        if (prefix.length === 0) expect(statuses.get(Gen.Status.KeyEnoent)).toBeUndefined()
        else for (const status of [0x00, 0x01, 0x81]) expect(statuses.get(status), `status ${status}`).toBeGreaterThan(0)
        expect(slowest).toBeLessThan(2_000)
      })
  )

  it("a header, or the middle of signing in, that comes too slowly ends its connection and no other", () =>
    withNode(async ({ port, server }) => {
      const stop = await witness(port)
      for (const request of [packet(0x0b), bytes(signIn)]) {
        const slow = await RawClient.connect(port)
        let sent = 0
        const timer = setInterval(() => slow.send(request.subarray(sent, ++sent)), 40)
        expect((await slow.rest()).length).toBe(0)
        clearInterval(timer)
        expect(sent).toBeLessThan(24)
      }
      expect(server.counters.timeouts).toBe(2)
      await stop(10)
    }, { headerTimeout: "200 millis" }))

  it("a length of 4 GiB ends the connection at once and costs nothing; one at the limit is awaited", () =>
    withNode(async (node) => {
      const before = held()
      const bomb = packet(0x01, { key: "\0k", extras: "0000000000000000" })
      bomb.writeUInt32BE(0xffff_ffff, 8)
      const client = await ready(node)
      client.send(Buffer.concat([packet(0x0a, { opaque: 7 }), bomb]))
      expect((await client.rest()).readUInt32BE(12)).toBe(7)
      bomb.writeUInt32BE(2_000 - 24 + 1, 8)
      const over = await ready(node)
      over.send(bomb)
      expect((await over.rest()).length).toBe(0)
      bomb.writeUInt32BE(2_000 - 24, 8)
      const at = await ready(node)
      at.send(bomb)
      at.send(Buffer.alloc(2_000 - bomb.length, 0x78))
      const [answer] = await at.packets(1)
      expect(statusOf(answer!)).toBe(Gen.Status.Success)
      at.close()
      expect(held() - before).toBeLessThan(20 * 1024 * 1024)
    }, { maxFrame: 2_000 }))

  it("clients who never sign in hold no more than the setting, and those who do sign in", () =>
    withNode(async (node) => {
      const before = held()
      const known = await ready(node)
      // as large as a frame may be before signing in, but for its last byte
      const frame = packet(0x20, { value: Buffer.alloc(64 * 1024 - 24) }).subarray(0, 64 * 1024 - 1)
      const unauthenticated: Array<RawClient> = []
      for (let i = 0; i < 1_000; i++) {
        const client = await RawClient.connect(node.port)
        client.send(frame)
        unauthenticated.push(client)
        if (i % 100 === 0) (await ready(node)).close()
      }
      const { server } = node
      await until(() => server.counters.connections === server.counters.accepted - server.counters.crowdedOut - 10)
      const kept = server.counters.connections - 1
      console.log(`${kept} of 1 000 clients who did not sign in keep ${((held() - before) / 2 ** 20).toFixed(1)} MB`)
      // and one of which hardly anything has come
      expect(kept).toBeLessThanOrEqual(Math.floor(4 * 1024 * 1024 / frame.length) + 1)
      expect(kept).toBeGreaterThan(20)
      // our end of the connections is in this process too
      expect(held() - before).toBeLessThan(3 * 4 * 1024 * 1024)
      known.send(packet(0x0a, { opaque: 5 }))
      expect((await known.packets(1))[0]!.readUInt32BE(12)).toBe(5)
      for (const client of [known, ...unauthenticated]) client.close()
    }, { beforeSignIn: { maxHeld: 4 * 1024 * 1024 } }))

  it("nesting, paths and lists have ends", () =>
    withNode(async (node) => {
      const client = await ready(node)
      const ask = async (write: (writer: Writer) => void): Promise<number> => {
        client.send(bytes(write))
        return statusOf((await client.packets(1))[0]!)
      }
      const set = (key: string, value: string): Promise<number> =>
        ask((writer) => Gen.encodeSet(writer, { key, value: Buffer.from(value), flags: 0, expiration: 0, collectionId: 0 }))
      const get = (key: string, path: string): Promise<number> =>
        ask((writer) => Gen.encodeSubdocGet(writer, { key, path, collectionId: 0, flags: 0 }))
      const deep = 100_000
      expect(await set("deep", "[".repeat(deep) + "]".repeat(deep))).toBe(Gen.Status.Success)
      expect(await get("deep", "[0]")).toBe(Gen.Status.SubdocDocE2deep)
      expect(await set("doc", "{\"a\":1}")).toBe(Gen.Status.Success)
      expect(await get("doc", `a${".a".repeat(30)}`)).toBe(Gen.Status.SubdocPathMismatch)
      expect(await get("doc", `a${".a".repeat(31)}`)).toBe(Gen.Status.SubdocPathE2big)
      const lookup = async (count: number): Promise<number> => {
        // 16 specs are all that our own encoder writes
        const specs = Buffer.concat(Array.from({ length: count }, () => Buffer.from("c500000161", "hex")))
        client.send(packet(0xd0, { key: "\0doc", value: specs }))
        return statusOf((await client.packets(1))[0]!)
      }
      expect(await lookup(16)).toBe(Gen.Status.Success)
      expect(await lookup(17)).toBe(Gen.Status.SubdocInvalidCombo)
      client.close()
    }))

  it("Snappy that claims 4 GiB, or lies, costs nothing", () =>
    withNode(async (node) => {
      const client = await ready(node)
      const before = held()
      const statuses: Array<number> = []
      const lies = ["ffffffff0f00", "ffffffff0ffe0100", "8080800100", "05", "", "0a0041"]
      for (let i = 0; i < 300; i++) {
        const request = packet(0x01, {
          key: "\0s",
          extras: "0000000000000000",
          value: Buffer.from(lies[i % lies.length]!, "hex"),
          opaque: i
        })
        request[5] = 2
        client.send(request)
        statuses.push(statusOf((await client.packets(1))[0]!))
      }
      expect(new Set(statuses)).toEqual(new Set([Gen.Status.Einval, Gen.Status.E2big]))
      expect(held() - before).toBeLessThan(20 * 1024 * 1024)
      client.close()
    }))

  it("10 000 reads of a large value that nobody fetches hold no more than the limit", () =>
    withNode(async (node) => {
      const { server } = node
      await greed(server, () => ready(node), "\0large")
    }))
})
