/** Documents that nest as deep as their size lets them, and packets with very many elements, through every command that shows them. */
import { Typed } from "@wirewright/deepstream/Typed"
import { KvClient } from "@wirewright/couchbase"
import { serveCouchbase } from "@wirewright/embedded"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { wirewright } from "../test/RunCli.ts"
import { serveDeepstream } from "../test/WebSocketPeer.ts"

const patience = 300_000
const scope = Effect.runSync(Scope.make())
const within = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Scope.provide(effect, scope))

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth)
/** JavaScript makes another document of it. */
const lossy = "{\"id\":9223372036854775807,\"big\":1e400,\"dup\":1,\"dup\":2,\"10\":\"a\",\"9\":\"b\"}"
const documents: ReadonlyArray<readonly [key: string, text: string]> = [
  ["lossy", lossy],
  ["deep", nested(20_000)],
  ["deepest", nested(1_000_000)]
]
/** What fits into a message of a deepstream client as it is configured by default. */
const message = nested(400_000)

let folder: string
let url: string
let deepstream: { readonly url: string; readonly close: () => void }

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "wirewright-deep-"))
  const { port } = await within(serveCouchbase({ buckets: [{ name: "default", vbuckets: 1 }] }))
  url = `couchbase://127.0.0.1:${port}/default`
  const kv = await within(KvClient.make({ seeds: [{ host: "127.0.0.1", port }], bucket: "default" }))
  for (const [key, text] of documents) {
    await Effect.runPromise(kv.upsert(key, new TextEncoder().encode(text), { format: "json" }))
  }
  const record = (name: string) => ({ _tag: "RecordData", name, version: 3, data: `{"a":${message}}` }) as const
  deepstream = await serveDeepstream((asked) => {
    switch (asked._tag) {
      case "EventSubscribe":
        return [{ _tag: "EventAck", action: "S", subject: asked.name }, {
          _tag: "EventEmit",
          name: asked.name,
          value: new Typed(`O${message}`)
        }]
      case "RecordCreateOrRead":
        return [{ _tag: "RecordAck", action: "S", subject: asked.name }, record(asked.name)]
      case "RecordSnapshot":
        return [record(asked.name)]
      case "RpcRequest":
        return [
          { _tag: "RpcRequestAccepted", name: asked.name, id: asked.id },
          { _tag: "RpcResponse", name: asked.name, id: asked.id, value: new Typed(`O${message}`) }
        ]
      default:
        return []
    }
  })
}, patience)

afterAll(async () => {
  deepstream.close()
  await Effect.runPromise(Scope.close(scope, Exit.void))
  rmSync(folder, { recursive: true, force: true })
})

/** Whether it is there, without a megabyte being printed when it is not. */
const holds = (outcome: { readonly out: string; readonly err: string; readonly code: number | null }, text: string): void => {
  expect([outcome.code, outcome.err.slice(0, 300)]).toEqual([0, expect.not.stringContaining("RangeError")])
  expect(outcome.out.includes(text), outcome.out.slice(0, 300)).toBe(true)
}

describe("a document byte for byte, however deep", () => {
  it("tail --json, tail --format %v", async () => {
    const json = await wirewright(["tail", url, "--to", "now", "--json"])
    const lines = await wirewright(["tail", url, "--to", "now", "--format", "%k=%v"])
    for (const [key, text] of documents) {
      holds(json, `"encoding":"json","value":${text}}\n`)
      holds(lines, `${key}=${text}\n`)
    }
  }, patience)

  it("kv get --json; kv set takes it for JSON", async () => {
    for (const [key, text] of documents) {
      holds(await wirewright(["kv", "get", url, key, "--json"]), `"encoding":"json","value":${text}}\n`)
      expect((await wirewright(["kv", "set", url, `${key}-again`], text)).code).toBe(0)
      holds(await wirewright(["kv", "get", url, `${key}-again`, "--json"]), `"format":"json","size":${text.length}`)
    }
  }, patience)

  it("deepstream tail, record and rpc, which also takes it", async () => {
    holds(await wirewright(["deepstream", "tail", deepstream.url, "--event", "e", "--count", "1", "--json"]), `"value":${message}}`)
    holds(await wirewright(["deepstream", "rpc", deepstream.url, "p", nested(20_000)]), `${message}\n`)
    holds(await wirewright(["deepstream", "record", deepstream.url, "r", "--json"]), `"data":{"a":${message}}}`)
    holds(await wirewright(["deepstream", "tail", deepstream.url, "--record", "r", "--count", "1"]), `{"a":${message}}\n`)
  }, patience)
})

describe("decode and encode", () => {
  it("80 000 entries of a failover log", async () => {
    const bytes = new Uint8Array(24 + 80_000 * 16)
    bytes[0] = 0x81
    bytes[1] = 0x54
    new DataView(bytes.buffer).setUint32(8, bytes.length - 24)
    const path = join(folder, "log.bin")
    writeFileSync(path, bytes)
    for (const flags of [[], ["--json"]]) {
      const { code, err, out } = await wirewright(["decode", path, ...flags])
      expect([code, err]).toEqual([0, ""])
      expect(out.includes(flags.length === 0 ? "[79999].seqno" : "\"packet\":\"DcpGetFailoverLog\""), out.slice(0, 300)).toBe(true)
    }
  }, patience)

  it("JSON that nests where a packet does not is refused with a typed error", async () => {
    const { code, err } = await wirewright(["encode"], `{"packet":"Get","opaque":${nested(1_000_000)}}\n{"packet":"Noop"}\n`)
    expect([code, err.slice(0, 120)]).toEqual([
      100,
      expect.stringMatching(/^line 1: EncodeError \(UnknownValue\) Get\.opaque: expected an integer/)
    ])
  }, patience)
})
