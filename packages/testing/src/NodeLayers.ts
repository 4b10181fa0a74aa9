/**
 * A client and an embedded node for it, in one layer: no sockets, and all of it on the Clock and the Random in place. With `TestClock`, hours pass in
 * no time.
 *
 * ```ts
 * it.effect("ends after an hour", () =>
 *   Effect.gen(function*() {
 *     const kv = yield* KvClient
 *     yield* kv.set("k", "v", { expiry: "1 hour" })
 *     yield* TestClock.adjust("2 hours")
 *     assert.isTrue(Option.isNone(yield* kv.get("k")))
 *   }).pipe(Effect.provide(MemcachedTest.layer())))
 * ```
 */
import type { ConnectionError } from "@wirewright/connection"
import { MemoryLink, type MemoryLinkOptions } from "@wirewright/connection/testing"
import { KvClient as CouchbaseClient, type KvClientOptions as CouchbaseOptions, type KvError } from "@wirewright/couchbase"
import type { Dcp } from "@wirewright/dcp"
import { type MemcachedNode, type MemcachedNodeOptions, serveMemcachedNode } from "@wirewright/embedded"
import { KvClient, type KvClientOptions, type MemcachedError } from "@wirewright/memcached"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { pair, type Pair, type PairOptions } from "./Pair.ts"

/** Connections that nobody uses are kept, however long a test lets pass. */
const patient = { idleTimeout: "365 days" } as const

/** What a memcached and its client are made of. */
export interface MemcachedTestOptions extends MemoryLinkOptions {
  readonly node?: Omit<MemcachedNodeOptions, "listen">
  readonly client?: Omit<KvClientOptions, "host" | "port" | "path" | "servers" | "tls" | "dial">
}

/** The other end of a test's client of memcached: what it holds, and the link between them, which can be cut. */
export class MemcachedTest extends Context.Service<MemcachedTest, {
  readonly node: MemcachedNode
  readonly link: MemoryLink
}>()("@wirewright/testing/MemcachedTest") {
  /** A client of memcached, and its node. */
  static readonly layer = (
    { client, node: options, ...faults }: MemcachedTestOptions = {}
  ): Layer.Layer<KvClient | MemcachedTest, MemcachedError | ConnectionError> =>
    Layer.effectContext(Effect.gen(function*() {
      const node = yield* serveMemcachedNode({ ...patient, ...options, listen: false })
      const link = yield* MemoryLink.make(node.server.accept, faults)
      const kv = yield* KvClient.make({ protocol: "meta", ...client, ...link.transport })
      return Context.make(KvClient, kv).pipe(Context.add(MemcachedTest, { node, link }))
    }))
}

/** What a Couchbase cluster and its clients are made of. */
export interface CouchbaseTestOptions extends Omit<PairOptions, "client" | "listen"> {
  readonly client?: Omit<CouchbaseOptions, "seeds" | "bucket" | "tls" | "dial">
}

/** The other end of a test's clients of Couchbase: the cluster with its bucket `default`, and the link to it, which can be cut. */
export class CouchbaseTest extends Context.Service<CouchbaseTest, Omit<Pair, "layer">>()("@wirewright/testing/CouchbaseTest") {
  /** A key-value client and a change stream of one bucket, and their cluster. */
  static readonly layer = (
    { client, ...options }: CouchbaseTestOptions = {}
  ): Layer.Layer<CouchbaseClient | Dcp | CouchbaseTest, KvError | Layer.Error<Pair["layer"]> | ConnectionError> =>
    Layer.effectContext(Effect.gen(function*() {
      const { layer, ...other } = yield* pair({ ...patient, ...options })
      const { link, node } = other
      const kv = yield* CouchbaseClient.make({
        seeds: [{ host: node.host, port: node.port }],
        bucket: "default",
        ...client,
        dial: link.dial
      })
      const dcp = yield* Layer.build(layer)
      return dcp.pipe(Context.add(CouchbaseClient, kv), Context.add(CouchbaseTest, other))
    }))
}
