/** Several servers: pylibmc and our client find each other's documents, and the keys of a memcached that is killed and comes back. */
import { assert, describe, it } from "@effect/vitest"
import { KvClient } from "@wirewright/memcached"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { type Memcached, startMemcached } from "./Memcached.ts"

const weights = [1, 3, 2, 1]
const shown = (value: Uint8Array): string => new TextDecoder().decode(value)

/** Memcached until the scope closes. */
const running = (port?: number): Effect.Effect<Memcached, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => startMemcached(["-m", "64"], port === undefined ? {} : { port })),
    ({ end }) => Effect.promise(() => end("SIGKILL"))
  )

const cluster = Effect.map(Effect.forEach(weights, () => running()), (nodes) => ({
  nodes,
  servers: nodes.map(({ port }, i) => ({ host: "127.0.0.1", port, weight: weights[i]! }))
}))

const pylibmc = (given: object): { readonly read: Record<string, string>; readonly failed: ReadonlyArray<string> } => {
  const script = fileURLToPath(new URL("clients/pylibmc-ring.py", import.meta.url))
  const { status, stderr, stdout } = spawnSync("/usr/bin/python3", [script], { input: JSON.stringify(given) })
  if (status !== 0) throw new Error(`pylibmc-ring.py ended with ${status}: ${stderr}`)
  return JSON.parse(stdout.toString())
}

const keys = Array.from({ length: 2000 }, (_, i) => `ring:${i}`)

describe("a ring of memcached", () => {
  for (const [distribution, behavior] of [["ketama-weighted", "ketama_weighted"], ["ketama", "ketama"]] as const) {
    it.live(`is pylibmc's with ${behavior}: each finds what the other has stored`, () =>
      Effect.gen(function*() {
        const { nodes, servers } = yield* cluster
        const kv = yield* KvClient.make({ servers, distribution })
        const written = yield* kv.setMany(keys.map((key) => [key, `ours of ${key}`]))
        assert.deepStrictEqual([written.size, written.failed.size], [2000, 0])
        const theirs = keys.map((key) => `theirs:${key}`)
        const { failed, read } = pylibmc({
          servers: nodes.map(({ port }, i) => `127.0.0.1:${port}:${weights[i]}`),
          behaviors: { [behavior]: true },
          read: keys,
          write: Object.fromEntries(theirs.map((key) => [key, `of ${key}`]))
        })
        assert.deepStrictEqual(read, Object.fromEntries(keys.map((key) => [key, `ours of ${key}`])))
        assert.deepStrictEqual(failed, [])
        const found = yield* kv.getMany(theirs)
        assert.deepStrictEqual([found.size, found.failed.size], [2000, 0])
        for (const [key, { value }] of found) assert.strictEqual(shown(value), `of ${key}`)
        const items = yield* Effect.forEach(kv.servers, ({ kv }) => Effect.map(kv.stats(), (stats) => Number(stats.get("curr_items"))))
        assert.strictEqual(items.reduce((sum, count) => sum + count, 0), 4000)
        assert.isTrue(items.every((count) => count > 0), `${items}`)
      }))
  }

  for (const failover of ["next", "rehash"] as const) {
    it.live(`of which one is killed goes on with the others (${failover}), and with it when it is back`, () =>
      Effect.gen(function*() {
        const { nodes, servers } = yield* cluster
        const kv = yield* KvClient.make({ servers, failover, retryTimeout: "200 millis" })
        yield* kv.setMany(keys.map((key) => [key, "before"]))
        const lostItems = Number((yield* kv.servers[1]!.kv.stats()).get("curr_items"))
        yield* Effect.promise(() => nodes[1]!.end("SIGKILL"))
        yield* Effect.repeat(Effect.sleep(5), { until: () => kv.servers[1]!.ejected })
        const during = yield* kv.getMany(keys)
        assert.strictEqual(during.failed.size, 0)
        // rehashing moves keys of others, too
        if (failover === "next") assert.strictEqual(during.size, 2000 - lostItems)
        else assert.isTrue(during.size > 0 && during.size <= 2000 - lostItems)
        assert.strictEqual((yield* kv.setMany(keys.map((key) => [key, "during"]))).failed.size, 0)
        assert.strictEqual((yield* kv.getMany(keys)).size, 2000)
        yield* running(nodes[1]!.port)
        yield* Effect.repeat(Effect.sleep(5), { until: () => !kv.servers[1]!.ejected })
        const after = yield* kv.getMany(keys)
        assert.deepStrictEqual([after.size, after.failed.size], [2000 - lostItems, 0], "it came back empty")
        yield* kv.setMany(keys.map((key) => [key, "after"]))
        assert.strictEqual(Number((yield* kv.servers[1]!.kv.stats()).get("curr_items")), lostItems)
      }))
  }
})
