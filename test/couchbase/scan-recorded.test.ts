/** Requests of range scans as Couchbase's SDK for Node sent them: the embedded node understands every one, and ours say the same. */
import type { Framer } from "@wirewright/codec"
import { HelloFeature as F } from "@wirewright/couchbase/gen"
import { type CouchbaseNode, defaultManifest, serveCouchbase, withCollection } from "@wirewright/embedded"
import { readScanRequest } from "../../packages/embedded/src/ScanRequest.ts"
import { readSelection, scanText } from "../../packages/couchbase/src/ScanSelection.ts"
import type { ScanSelection } from "@wirewright/couchbase"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { readFileSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { TestClient } from "../../packages/embedded/src/TestClient.fixture.ts"

interface Recorded {
  readonly opcode: number
  readonly datatype: number
  readonly packet: "RangeScanCreate" | "RangeScanContinue" | "RangeScanCancel"
  readonly purpose: string
  readonly scan?: string
  readonly scanUuid?: string
  readonly itemLimit?: number
  readonly timeLimitMs?: number
  readonly byteLimit?: number
}

const recorded = JSON.parse(readFileSync(new URL("../fixtures/range-scan-requests.json", import.meta.url), "utf8")) as ReadonlyArray<
  Recorded
>
const creates = recorded.filter(({ packet }) => packet === "RangeScanCreate")

/** A request, written by hand: the header of docs/BinaryProtocol.md, extras, value. */
const request = ({ datatype, opcode }: Recorded, extras: Buffer, value: string): Buffer => {
  const head = Buffer.alloc(24)
  head.writeUInt8(0x80, 0)
  head.writeUInt8(opcode, 1)
  head.writeUInt8(extras.length, 4)
  head.writeUInt8(datatype, 5)
  head.writeUInt32BE(extras.length + Buffer.byteLength(value), 8)
  return Buffer.concat([head, extras, Buffer.from(value)])
}

const extrasOf = (uuid: Uint8Array, { byteLimit, itemLimit, timeLimitMs }: Recorded): Buffer => {
  const extras = Buffer.alloc(itemLimit === undefined ? 16 : 28)
  extras.set(uuid)
  if (itemLimit === undefined) return extras
  extras.writeUInt32BE(itemLimit, 16)
  extras.writeUInt32BE(timeLimitMs!, 20)
  extras.writeUInt32BE(byteLimit!, 24)
  return extras
}

/** Keys or documents of an answer, read by hand. */
const entriesOf = (body: Buffer): ReadonlyArray<string> => {
  const documents = body.readUInt32BE(0) === 1
  const entries: Array<string> = []
  let at = 4
  const text = (): string => {
    const length = body.readUInt8(at++)
    expect(length).toBeLessThan(128)
    at += length
    return body.toString("utf8", at - length, at)
  }
  while (at < body.length) {
    if (documents) at += 25
    entries.push(documents ? `${text()}=${text()}` : text())
  }
  return entries
}

const keys = Array.from({ length: 30 }, (_, at) => `doc::${at}`)
const scope = Scope.makeUnsafe()
let node: CouchbaseNode
let client: TestClient

/** Sends bytes and returns status and body of the answer, without any of our codecs. */
const exchange = (bytes: Buffer): Promise<{ readonly status: number; readonly body: Buffer }> =>
  new Promise((resolve) => {
    const { framer, socket } = client as unknown as { framer: Framer; socket: NodeJS.ReadableStream & { write(bytes: Uint8Array): void } }
    expect(framer.buffered).toBe(0)
    socket.once("data", (answer: Buffer) => resolve({ status: answer.readUInt16BE(6), body: answer.subarray(24) }))
    socket.write(bytes)
  })

beforeAll(async () => {
  let manifest = defaultManifest
  // the collection of the recording has the id 9
  for (const name of ["first", "second"]) manifest = withCollection(manifest, "_default", name)
  expect(manifest.scopes[0]!.collections.map(({ id }) => id)).toContain(9)
  node = await Effect.runPromise(Scope.provide(serveCouchbase({ buckets: [{ name: "default", vbuckets: 1, manifest }] }), scope))
  const { store } = node.buckets.get("default")!
  for (const collection of [0, 9]) for (const key of keys) store.set(store.space(0, collection), key, { value: Buffer.from("{}") })
  client = await TestClient.ready(node.port, [F.Json, F.Xerror, F.SelectBucket, F.Collections, F.Xattr])
})
afterAll(async () => {
  await client.end()
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

const found: { readonly [purpose: string]: ReadonlyArray<string> } = {
  "scan range exclusive": keys.filter((key) => key > "doc::1" && key < "doc::2").toSorted(),
  "scan prefix": keys.toSorted(),
  "scan cancel": keys.toSorted(),
  "s2 cancel": keys.toSorted()
}

describe.each(creates)("$purpose", (create) => {
  it("is understood by the node: a scan, its documents, its end", async () => {
    const next = recorded[recorded.indexOf(create) + 1]!
    expect(next.packet).toBe("RangeScanContinue")
    const made = await exchange(request(create, Buffer.alloc(0), create.scan!))
    expect([made.status, made.body.length]).toEqual([0, 16])
    const all: Array<string> = []
    for (;;) {
      const answer = await exchange(request(next, extrasOf(made.body, next), ""))
      all.push(...entriesOf(answer.body))
      expect([0xa6, 0xa7]).toContain(answer.status)
      if (answer.status === 0xa7) break
    }
    if (create.purpose === "scan sampling") {
      expect(all.length).toBeLessThan(20)
      expect(all.every((key) => keys.includes(key))).toBe(true)
      return
    }
    const keyOnly = create.scan!.includes("key_only")
    const expected = found[create.purpose] ?? keys.toSorted()
    expect(all).toEqual(keyOnly ? expected : expected.map((key) => `${key}={}`))
  })
})

it("a cancel ends the scan", async () => {
  const cancel = recorded.find(({ packet }) => packet === "RangeScanCancel")!
  const { body } = await exchange(request(creates[0]!, Buffer.alloc(0), creates[0]!.scan!))
  expect((await exchange(request(cancel, extrasOf(body, cancel), ""))).status).toBe(0)
  expect((await exchange(request(cancel, extrasOf(body, cancel), ""))).status).toBe(1)
})

it("what our client asks for is the same: ranges, exclusive ones, samples, collections", () => {
  const ours = (selection: ScanSelection, keysOnly: boolean, collectionId = 0) =>
    readScanRequest(scanText({
      selection: Result.getOrThrow(readSelection(selection, 0)),
      keysOnly,
      collectionId,
      consistentWith: undefined
    }))
  const theirs = (purpose: string) => readScanRequest(creates.find((one) => one.purpose === purpose)!.scan!)
  const end = "\udcf4\udc8f\udcfb\udcfb"
  const exclusive = { from: { key: "doc::1", exclusive: true }, to: { key: "doc::2", exclusive: true } } as const
  expect(ours(exclusive, true)).toEqual(theirs("scan range exclusive"))
  expect(ours({ from: "doc::", to: `doc::${end}` }, false)).toEqual(theirs("scan prefix"))
  expect(ours({ sample: 5, seed: 42 }, true)).toEqual(theirs("scan sampling"))
  expect(ours({ from: "", to: end }, false)).toEqual(theirs("scan range defaults"))
  expect(ours({ from: "", to: end }, false, 9)).toEqual(theirs("scan collection"))
})
