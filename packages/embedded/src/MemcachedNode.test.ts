/** The classic node answers what memcached 1.6.18 answered, byte for byte but for the CAS values; and its limits. */
import { packet, RawClient, shown } from "../../memcached/src/RawClient.fixture.ts"
import { Talk } from "../../../test/memcached/TextVectors.ts"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { type MemcachedNode, type MemcachedNodeOptions, serveMemcachedNode } from "./MemcachedNode.ts"

interface Recording {
  readonly conversations: ReadonlyArray<
    { readonly name: string; readonly sent: ReadonlyArray<string>; readonly received: ReadonlyArray<string>; readonly closed: boolean }
  >
}

const recording = JSON.parse(
  readFileSync(new URL("../../../test/fixtures/memcached-1.6.18.json", import.meta.url), "utf8")
) as Recording

const withNode = (use: (node: MemcachedNode) => Promise<void>, options: MemcachedNodeOptions = {}): Promise<void> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(serveMemcachedNode(options), (node) => Effect.promise(() => use(node)))))

const ask = async (node: MemcachedNode, count: number, ...packets: ReadonlyArray<Uint8Array>): Promise<Array<Buffer>> => {
  const client = await RawClient.connect(node.server.port)
  client.send(Buffer.concat(packets))
  const answers = await client.packets(count)
  client.close()
  return answers
}

/** Says lines, and returns the answers. */
const text = async (node: MemcachedNode, lines: string): Promise<string> => {
  const talk = new Talk(node.server.accept)
  await talk.say(Buffer.from(lines))
  talk.end()
  return talk.take()
}

/** The packet with its CAS replaced by the order in which CAS values were met; 0 stays 0. */
const normalised = (met: Array<bigint>) => (hex: string): string => {
  const cas = BigInt(`0x${hex.slice(32, 48)}`)
  if (cas !== 0n && !met.includes(cas)) met.push(cas)
  return `${hex.slice(0, 32)} cas ${cas === 0n ? 0 : met.indexOf(cas) + 1} ${hex.slice(48)}`
}

describe("as memcached 1.6.18", () => {
  test(`${recording.conversations.length} recorded conversations`, () =>
    withNode(async (node) => {
      const theirs = normalised([])
      const ours = normalised([])
      expect(recording.conversations.length).toBe(67)
      for (const { closed, name, received, sent } of recording.conversations) {
        const client = await RawClient.connect(node.server.port)
        client.send(Buffer.concat(sent.map((hex) => Buffer.from(hex, "hex"))))
        const answers = await client.packets(received.length).catch((error) => Promise.reject(new Error(`${name}: ${error}`)))
        expect(answers.map((one) => ours(one.toString("hex"))), name).toEqual(received.map(theirs))
        // a request whose only answer is its own shows that nothing else was sent
        if (closed) expect((await client.rest()).length, name).toBe(0)
        else {
          client.send(packet(0x0a, { opaque: 0xabcd }))
          expect((await client.packets(1)).map(shown), name).toEqual(["a 0 43981"])
        }
        client.close()
      }
    }))

  // measured: memcached 1.6.18 stores the first and refuses the second of each pair
  test.each([["a", 0, 1_048_516], ["a", 1, 1_048_512], ["k".repeat(250), 0, 1_048_267]])(
    "items of 1 MiB: key %s, flags %i",
    (key, flags, most) =>
      withNode(async (node) => {
        const set = (size: number, opaque: number) =>
          packet(0x01, { key, extras: `0000000${flags}00000000`, value: new Uint8Array(size), opaque })
        const answers = await ask(node, 3, set(most, 1), set(most + 1, 2), packet(0x00, { key, opaque: 3 }))
        // and the version before is gone: it is not what the client wanted to be there
        expect(answers.map(shown)).toEqual(["1 0 1", "1 3 2 Too large.", "0 1 3 Not found"])
      })
  )

  test("appending beyond the limit is NotStored, and the document stays", () =>
    withNode(async (node) => {
      const value = "x".repeat(600_000)
      const answers = await ask(
        node,
        3,
        packet(0x01, { key: "a", extras: "0000000000000000", value, opaque: 1 }),
        packet(0x0e, { key: "a", value, opaque: 2 }),
        packet(0x00, { key: "a", opaque: 3 })
      )
      expect(answers.slice(0, 2).map(shown)).toEqual(["1 0 1", "e 5 2 Not stored."])
      expect(answers[2]!.length).toBe(24 + 4 + 600_000)
    }))
})

describe("time and memory", () => {
  test("without evictions writes are refused when memory is used up, counted, and nothing is forgotten", () =>
    withNode(async (node) => {
      const set = (i: number) => packet(0x01, { key: `k${i}`, extras: "0000000000000000", value: "x".repeat(10_000), opaque: i })
      const answers = (await ask(node, 200, ...Array.from({ length: 200 }, (_, i) => set(i)))).map((answer) => answer.readUInt16BE(6))
      const stored = answers.indexOf(0x82)
      expect(stored).toBeGreaterThan(80)
      // out of memory, Enomem, and nothing else from there on
      expect(new Set(answers.slice(stored))).toEqual(new Set([0x82]))
      const gets = await ask(node, stored, ...Array.from({ length: stored }, (_, i) => packet(0x00, { key: `k${i}` })))
      expect(gets.every((answer) => answer.readUInt16BE(6) === 0)).toBe(true)
      expect(await text(node, "set more 0 0 10000\r\n" + "x".repeat(10_000) + "\r\n")).toBe("SERVER_ERROR out of memory storing object\r\n")
      expect(await text(node, "stats\r\n")).toContain(`STAT store_no_memory ${201 - stored}\r\n`)
      expect(await text(node, "stats settings\r\n")).toContain("STAT evictions off\r\n")
    }, { maxMemory: 1_000_000, evicts: false }))

  test("who is silent for too long is closed and counted; who asked for nothing of that is not told of it", async () => {
    await withNode(async (node) => {
      const silent = await RawClient.connect(node.server.port)
      expect((await silent.rest()).length).toBe(0)
      expect(await text(node, "stats\r\n")).toContain("STAT idle_kicks 1\r\n")
    }, { idleTimeout: "100 millis" })
    await withNode(async (node) => {
      expect(await text(node, "stats\r\n")).not.toContain("idle_kicks")
    })
  })

  test("items expire by the node's clock", () => {
    let now = 1_750_000_000_000
    return withNode(async (node) => {
      await ask(node, 1, packet(0x01, { key: "k", extras: "000000000000000a", value: "v" }))
      now += 9_999
      expect((await ask(node, 1, packet(0x00, { key: "k" }))).map(shown)).toEqual(["0 0 0 \0\0\0\0v"])
      now += 1
      expect((await ask(node, 1, packet(0x00, { key: "k" }))).map(shown)).toEqual(["0 1 0 Not found"])
    }, { now: () => now })
  })

  test("the limit of memory holds, and writing goes on", () =>
    withNode(async (node) => {
      const sets = Array.from({ length: 500 }, (_, i) =>
        packet(0x11, { key: `k${i}`, extras: "0000000000000000", value: "x".repeat(10_000) }))
      await ask(node, 1, ...sets, packet(0x0a))
      expect(node.store.counters.bytes).toBeLessThanOrEqual(1_000_000)
      expect(node.store.counters.documents).toBeGreaterThan(80)
      expect((await ask(node, 1, packet(0x00, { key: "k499" })))[0]!.readUInt16BE(6)).toBe(0)
    }, { maxMemory: 1_000_000 }))
})
